//! The measured output around Bath, 2014 to 2018, as a register of Elmore House.
//!
//! The file gives kW per kWp for the half hour that ENDS at the label's slot; its holes (`NaN`)
//! close the register at the last known value and open it again after, by a dated event, so that
//! the energy between is unknown and not zero.

use commonwatt_domain::{
    calendar::{HALF_HOUR_MS, HalfHours, LocalDay, Period, Zone},
    metering::{
        Decisions, EventKind, FoldState, Lives, MeterEvent, Quality, Read, ReadSet, SeriesId,
        SeriesRules, Source, Verdict,
        energy::{Energy, HalfHourEnergy, half_hours},
        judge,
    },
    quantity::WattHours,
};
use rust_decimal::Decimal;

use crate::table::{elmore_house, judge_in_parts, total};

const BATH: &str =
    include_str!("../../../../tests/data/uk-bath-pv-halfhourly/pv_bath_halfhourly.csv");

struct Series {
    rules: SeriesRules,
    reads: Vec<Read>,
    holes: u32,
}

/// The series of those days: exact sums of value × 37.24 kWp ÷ 2, cut to Wh as a register shows.
fn series(days: impl Fn(&str) -> bool) -> Series {
    let half_peak = Decimal::from(37_240 / 2);
    let (mut wh, mut reads, mut events, mut holes) = (Decimal::ZERO, Vec::new(), Vec::new(), 0);
    let mut hole: Option<Read> = None;
    for line in BATH.lines() {
        let mut fields = line.trim_end_matches(',').split(',');
        let date = fields.next().unwrap();
        if !days(date) {
            continue;
        }
        let midnight = format!("{date}T00:00:00Z").parse::<commonwatt_domain::calendar::Instant>();
        let midnight = midnight.unwrap();
        let read_at = |slot: i64, wh: Decimal| {
            let at = midnight.plus_ms(slot * HALF_HOUR_MS);
            let wh = WattHours(i64::try_from(wh.trunc()).unwrap());
            Read {
                at,
                wh,
                received: at,
                source: Source::Import,
            }
        };
        for (slot, value) in (1..).zip(fields) {
            if reads.is_empty() {
                reads.push(read_at(0, wh));
            }
            if value == "NaN" {
                holes += 1;
                hole = hole.or(reads.last().copied());
                continue;
            }
            if let Some(before) = hole.take() {
                events.push(MeterEvent {
                    kind: EventKind::Reset,
                    closes: SeriesId(1),
                    closed_at: before.at,
                    final_wh: before.wh,
                    opens: SeriesId(1),
                    opened_at: read_at(slot - 1, wh).at,
                    opening_wh: before.wh,
                    author: "loader".into(),
                    reason: "no value in the file".into(),
                });
            }
            let value = Decimal::from_scientific(value)
                .or_else(|_| value.parse())
                .unwrap();
            wh += value * half_peak;
            reads.push(read_at(slot, wh));
        }
    }
    let lives = Lives::of(SeriesId(1), &events).unwrap();
    Series {
        rules: SeriesRules {
            lives,
            ..elmore_house()
        },
        reads,
        holes,
    }
}

/// A fixed shuffle.
fn shuffled(mut reads: Vec<Read>) -> Vec<Read> {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for n in (1..reads.len()).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        reads.swap(n, usize::try_from(seed % (n as u64 + 1)).unwrap());
    }
    reads
}

#[test]
fn bath_series_gives_the_same_in_order_and_shuffled_twice_with_holes_that_are_missing() {
    let bath = series(|_| true);
    assert_eq!(bath.holes, 226);
    let none = Decisions::none();
    let ordered = judge(&bath.rules, &none, &ReadSet::of(bath.reads.clone()));
    let twice: Vec<_> = bath.reads.iter().chain(&bath.reads).copied().collect();
    let again = judge(&bath.rules, &none, &ReadSet::of(shuffled(twice)));
    assert!(
        ordered == again,
        "findings and chain do not depend on arrival"
    );
    assert!(
        ordered
            .reads
            .iter()
            .all(|read| read.verdict == Verdict::Accepted)
    );

    let london = Zone::named("Europe/London").unwrap();
    let run = HalfHours::new(
        london.half_hours_in("2014-01-01".parse().unwrap()).start,
        london.half_hours_in("2018-12-31".parse().unwrap()).end,
    );
    let parts = half_hours(run, None, &ordered.points, None);
    let of = |period: Period| {
        let of = london.half_hours_in(period);
        let inside = |part: &&HalfHourEnergy| of.contains(part.half_hour);
        let parts: Vec<_> = parts.iter().filter(inside).copied().collect();
        Energy::of_half_hours(of, &parts)
    };
    // Annual sums of the file's README in tenths of a kWh/kWp, times 37.24.
    for (year, tenths_per_kwp, missing) in [
        (2014, 9_814, 0),
        (2015, 9_559, 0),
        (2016, 9_398, 31),
        (2017, 8_771, 119),
    ] {
        let energy = of(Period::Year(year));
        let expected = tenths_per_kwp * 3_724;
        assert!(
            (energy.wh.0 - expected).abs() < 4_000,
            "{year}: {} for {expected}",
            energy.wh
        );
        assert_eq!(energy.missing, missing, "{year}");
        assert_eq!(energy.is_complete(), missing == 0);
        assert_eq!(energy.quality(), Quality::Actual);
        let months = Energy::of_children(Period::Year(year).children().into_iter().map(of));
        assert_eq!((months.wh, months.missing), (energy.wh, energy.missing));
    }
    assert_eq!(
        Energy::of_half_hours(run, &parts).wh,
        total(&ordered.points)
    );
    // The file ends at midnight UTC, an hour into 11 May in London.
    let last = of("2018-05-11".parse().unwrap());
    assert_eq!(last.missing, 46);
    let last = of("2018-05-12".parse().unwrap());
    assert_eq!(
        (last.wh, last.quality(), last.missing),
        (WattHours::ZERO, Quality::Missing, 48)
    );
}

#[test]
fn a_stored_state_converges_when_late_reads_open_a_day_again() {
    // November 2016 without the 10th; then its reads arrive.
    let november = series(|date| date.starts_with("2016-11"));
    let london = Zone::named("Europe/London").unwrap();
    let first: LocalDay = "2016-11-01".parse().unwrap();
    let late: LocalDay = "2016-11-10".parse().unwrap();
    let cuts: Vec<_> = first
        .through(first.plus(29))
        .map(|day| london.day_span(day).start)
        .collect();
    let set = |keep: &dyn Fn(&Read) -> bool| {
        ReadSet::of(
            november
                .reads
                .iter()
                .filter(|read| keep(read))
                .copied()
                .collect(),
        )
    };
    let none = Decisions::none();
    let span = london.day_span(late);
    let without = set(&|read| !span.contains(read.at));
    let (_, before) = judge_in_parts(&november.rules, &none, &without, &cuts);
    let (_, after) = judge_in_parts(&november.rules, &none, &set(&|_| true), &cuts);
    let same = |n: usize| {
        FoldState {
            upto: cuts[n],
            ..before[n]
        } == after[n]
    };
    // States at the start of each day: only the day after the late one differs.
    let differs: Vec<_> = (0..cuts.len()).filter(|n| !same(*n)).collect();
    assert_eq!(differs, [10]);
}
