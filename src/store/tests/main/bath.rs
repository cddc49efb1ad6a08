//! Four years of measured half hours around Bath, as the register of Elmore House.
//!
//! A label is the END of its half hour; at each hole the register is closed and another opened, so
//! that the energy between is unknown and not zero.

use commonwatt_store::{PlacedRead, series::TouchedDay};
use domain::{
    calendar::{Instant, Period},
    metering::{Decisions, EventKind, Lives, MeterEvent, Nights, SeriesId, Source, energy::Energy},
    quantity::WattHours,
};

use crate::roof::{
    DAY_MS, MINUTE_MS, Place, all_reads, assert_same, day, def, dump, london, nights, read, rules,
};

const BATH: &str =
    include_str!("../../../../tests/data/uk-bath-pv-halfhourly/pv_bath_halfhourly.csv");
/// 37.24 kWp, in millionths of a Wh per kW/kWp and half hour.
const HALF_PEAK_W: i64 = 18_620;
const MILLIONTHS: i64 = 1_000_000_000_000;

/// A decimal such as `0.0005910940362298815` or `5.5e-06` in 10⁻¹², the rest cut.
fn trillionths(text: &str) -> i64 {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap();
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all: String = whole.chars().chain(part.chars()).take(17).collect();
    let number: i128 = all.parse().unwrap();
    let places = all.len() as i32 - whole.len() as i32 - exponent;
    let scale = 12 - places;
    let value = if scale >= 0 {
        number * 10_i128.pow(scale as u32)
    } else {
        number / 10_i128.pow((-scale).min(30) as u32)
    };
    i64::try_from(value).unwrap()
}

fn series() -> (Vec<PlacedRead>, Vec<MeterEvent>) {
    let (mut total, mut reads, mut events) = (0_i128, Vec::<PlacedRead>::new(), Vec::new());
    let mut hole: Option<PlacedRead> = None;
    for line in BATH.lines() {
        let mut fields = line.trim_end_matches(',').split(',');
        let midnight = i64::from(day(fields.next().unwrap()).0) * DAY_MS;
        let shown = |total: i128, slot: i64| {
            let wh = i64::try_from(total / i128::from(MILLIONTHS)).unwrap();
            let at = midnight + slot * 30 * MINUTE_MS;
            PlacedRead {
                source: Source::Import,
                ..read(5, at, wh)
            }
        };
        for (slot, value) in (1..).zip(fields) {
            if reads.is_empty() {
                reads.push(shown(total, 0));
            }
            if value.eq_ignore_ascii_case("nan") {
                hole = hole.or(reads.last().copied());
                continue;
            }
            if let Some(before) = hole.take() {
                events.push(MeterEvent {
                    kind: EventKind::Reset,
                    closes: SeriesId(5),
                    closed_at: before.at,
                    final_wh: before.wh,
                    opens: SeriesId(5),
                    opened_at: Instant(midnight + (slot - 1) * 30 * MINUTE_MS),
                    opening_wh: before.wh,
                    author: "loader".into(),
                    reason: "no value in the file".into(),
                });
            }
            total += i128::from(trillionths(value)) * i128::from(HALF_PEAK_W);
            reads.push(shown(total, slot));
        }
    }
    (reads, events)
}

fn shuffled(mut reads: Vec<PlacedRead>) -> Vec<PlacedRead> {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for n in (1..reads.len()).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        reads.swap(n, (seed % (n as u64 + 1)) as usize);
    }
    reads
}

#[test]
fn bath_once_in_order_and_twice_shuffled_give_the_same_rows_and_holes_are_missing() {
    let (reads, events) = series();
    let lives = Lives::of(SeriesId(5), &events).unwrap();
    let def = def(5, rules(37_240, lives, &nights()), Decisions::none());
    let today = day("2018-06-01");

    let in_order = Place::new(10_000);
    let mut store = in_order.open();
    store.define(std::slice::from_ref(&def)).unwrap();
    for (n, chunk) in reads.chunks(1_500).enumerate() {
        store
            .apply(n as u64 + 1, chunk.iter().copied(), [])
            .unwrap();
    }
    while store.close_days(today, 1).unwrap().more {}

    let again = Place::new(20_000);
    let mut messy = again.open();
    messy.define(std::slice::from_ref(&def)).unwrap();
    let twice = shuffled(reads.iter().chain(&reads).copied().collect());
    for (n, chunk) in twice.chunks(2_500).enumerate() {
        messy
            .apply(n as u64 + 1, chunk.iter().copied(), [])
            .unwrap();
        if n % 9 == 4 {
            while messy.close_days(today, 1).unwrap().more {}
        }
        if n % 11 == 7 {
            messy.merge_all().unwrap();
        }
    }
    messy.settle_all().unwrap();

    let (a, b) = (store.reader().unwrap(), messy.reader().unwrap());
    assert_same(&dump(&a), &dump(&b), "rows");
    let seen = all_reads(&a, 5);
    assert_eq!(seen.len(), reads.len());
    assert_same(&seen, &all_reads(&b, 5), "reads");

    let london = london();
    let all = a
        .day_energies(SeriesId(5), day("2014-01-01"), day("2018-12-31"))
        .unwrap();
    let of = |period: Period| {
        let (first, last) = (period.first_day(), period.last_day());
        let days = all
            .iter()
            .filter(|(d, _)| first <= *d && *d <= last)
            .map(|(_, e)| *e);
        Energy::of_children(days)
    };
    // Annual sums of the file's README in tenths of a kWh/kWp, times 37.24; missing half hours.
    for (year, tenths, missing) in [
        (2014, 9_814, 0),
        (2015, 9_559, 0),
        (2016, 9_398, 31),
        (2017, 8_771, 119),
    ] {
        let energy = of(Period::Year(year));
        assert!(
            (energy.wh.0 - tenths * 3_724).abs() < 4_000,
            "{year}: {}",
            energy.wh
        );
        assert_eq!(energy.missing, missing, "{year}");
        assert_eq!(energy.is_complete(), missing == 0, "{year}");
    }
    let counted: i64 = all.iter().map(|(_, e)| e.wh.0).sum();
    let (first, last) = (reads[0].wh.0, reads[reads.len() - 1].wh.0);
    let lost: i64 = 0; // each event opens where it closed
    assert_eq!(WattHours(counted), WattHours(last - first - lost));
    // 2016-11-25 has 30 holes: none of them is a zero.
    let hole = a
        .half_hours(SeriesId(5), day("2016-11-25"), day("2016-11-25"))
        .unwrap();
    assert_eq!(hole.iter().filter(|h| !h.is_complete()).count(), 30);
    assert_eq!(london.half_hours_of(day("2016-11-25")).count(), 48);
}

#[test]
fn a_late_day_opens_only_the_days_it_touches() {
    let (reads, events) = series();
    let lives = Lives::of(SeriesId(5), &events).unwrap();
    let place = Place::new(1 << 20);
    let mut store = place.open();
    store
        .define(&[def(
            5,
            rules(37_240, lives, &Nights::unknown()),
            Decisions::none(),
        )])
        .unwrap();
    let late = london().day_span(day("2015-06-10"));
    let (held_back, sent): (Vec<_>, Vec<_>) = reads.iter().partition(|r| late.contains(r.at));
    store.apply(1, sent, []).unwrap();
    while store.close_days(day("2018-06-01"), 1).unwrap().more {}
    store.apply(2, held_back, []).unwrap();
    let touched = store.flush().unwrap().touched;
    // The silence was spanned by the register from the last read of the 9th to midnight of the
    // 11th; the half hour before it began was a part of that.
    let expected = ["2015-06-09", "2015-06-10"].map(|d| TouchedDay {
        series: SeriesId(5),
        day: day(d),
    });
    assert_eq!(touched, expected);
}
