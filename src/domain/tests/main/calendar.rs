//! The British calendar, every local day from 2009 to 2040.

use std::collections::BTreeMap;

use commonwatt_domain::{
    calendar::{
        CalendarError, FinancialYear, HalfHour, Instant, LocalDay, LocalMonth, Period,
        SettlementPeriod, YearStart, Zone,
    },
    metering::{
        Point, Quality,
        energy::{Energy, HalfHourEnergy, half_hours},
    },
    quantity::WattHours,
};

const CLOCK_CHANGES: &str =
    include_str!("../../../../tests/data/uk-calendar/london_clock_changes.csv");

fn london() -> Zone {
    Zone::named("Europe/London").unwrap()
}

fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

#[test]
fn every_day_has_the_half_hours_that_the_clock_changes_give_it() {
    let london = london();
    let mut changes = BTreeMap::new();
    for line in CLOCK_CHANGES.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [instant, date, before, after, count] = fields[..] else {
            panic!("{line}")
        };
        let instant: Instant = instant.parse().unwrap();
        changes.insert(day(date), count.parse::<u32>().unwrap());
        for (at, offset) in [(instant.plus_ms(-1), before), (instant, after)] {
            assert_eq!(
                london.wall_clock(at).offset_min.to_string(),
                offset,
                "{line}"
            );
            assert_eq!(london.day_of(at), day(date), "{line}");
        }
    }
    assert_eq!(changes.len(), 64);
    let mut next = HalfHour::of("2009-01-01T00:00:00Z".parse().unwrap());
    for day in day("2009-01-01").through(day("2040-12-31")) {
        let run = london.half_hours_of(day);
        assert_eq!(run.start, next, "{day} starts where the day before ends");
        assert_eq!(
            run.count(),
            changes.get(&day).copied().unwrap_or(48),
            "{day}"
        );
        next = run.end;
        let numbers = run
            .iter()
            .map(|half_hour| london.settlement_period(half_hour));
        for (number, seen) in (1..).zip(numbers) {
            let period = SettlementPeriod::new(number).unwrap();
            assert_eq!(seen, (day, period));
        }
        for inside in [run.start.start(), run.end.start().plus_ms(-1)] {
            assert_eq!(london.day_of(inside), day);
        }
        let last = SettlementPeriod::new(u8::try_from(run.count()).unwrap()).unwrap();
        assert_eq!(london.half_hour(day, last), Some(run.end.plus(-1)));
        assert_eq!(
            SettlementPeriod::new(last.number() + 1).and_then(|p| london.half_hour(day, p)),
            None
        );
    }
}

#[test]
fn settlement_period_5_of_29_october_2023_starts_at_01_00_gmt() {
    let half_hour = london().half_hour(day("2023-10-29"), SettlementPeriod::new(5).unwrap());
    assert_eq!(
        half_hour.unwrap().start().to_string(),
        "2023-10-29T01:00:00Z"
    );
}

#[test]
fn parents_equal_children_for_every_day_from_2009_to_2040() {
    let london = london();
    let all: Period = "2009..2040".parse().unwrap();
    let run = london.half_hours_in(all);
    // A read every 37 minutes whose advances look arbitrary, with a hole now and then.
    let (mut points, mut wh, mut at) = (Vec::new(), 0_i64, run.start.start());
    while at <= run.end.start() {
        let n = i64::try_from(points.len()).unwrap();
        wh += n * 7_919 % 9_973;
        points.push(Point {
            at,
            wh: WattHours(wh),
            quality: Quality::Actual,
            joined: n % 9_001 != 0,
        });
        at = at.plus_ms(37 * 60_000);
    }
    let parts = half_hours(run, None, &points, None);
    let of = |period: Period| {
        let run_of = london.half_hours_in(period);
        let index = |half_hour: HalfHour| usize::try_from(half_hour.0 - run.start.0).unwrap();
        Energy::of_half_hours(run_of, &parts[index(run_of.start)..index(run_of.end)])
    };
    let check = |parent: Period| {
        let children = parent.children();
        let days: i32 = children.iter().map(|child| child.day_count()).sum();
        assert_eq!(days, parent.day_count(), "{parent}");
        let parts: Vec<Energy> = children.into_iter().map(of).collect();
        let (sum, whole) = (Energy::of_children(parts.iter().copied()), of(parent));
        assert_eq!(
            Energy {
                inside: whole.inside,
                ..sum
            },
            whole,
            "{parent}"
        );
        let worst = parts
            .iter()
            .fold(Quality::Missing, |q, part| q.worst_known(part.quality()));
        assert_eq!(sum.quality(), worst, "{parent}");
    };
    for year in 2009..=2040 {
        check(Period::Year(year));
        (1..=12).for_each(|month| check(Period::Month(LocalMonth::of_year(year, month).unwrap())));
        if year < 2040 {
            check(Period::Financial(FinancialYear {
                starts: YearStart::APRIL,
                year,
            }));
            check(Period::Financial(FinancialYear {
                starts: YearStart::new(10, 28).unwrap(),
                year,
            }));
        }
    }
    let total = Energy::of_children((2009..=2040).map(|year| of(Period::Year(year))));
    assert_eq!(
        Energy {
            inside: of(all).inside,
            ..total
        },
        of(all)
    );
    assert_eq!(
        total.wh,
        parts.iter().fold(WattHours::ZERO, |sum, part| {
            sum.checked_add(part.wh).unwrap()
        })
    );
    let broken = parts
        .iter()
        .filter(|part| !HalfHourEnergy::is_complete(part))
        .count();
    assert_eq!(usize::try_from(total.missing), Ok(broken));
    assert!(broken > 0);
}

#[test]
fn periods_are_read_and_printed() {
    for (text, first, last) in [
        ("2013", "2013-01-01", "2013-12-31"),
        ("2012-02", "2012-02-01", "2012-02-29"),
        ("2013-06-01", "2013-06-01", "2013-06-01"),
        ("2012-04-23..2012-09-12", "2012-04-23", "2012-09-12"),
    ] {
        let period: Period = text.parse().unwrap();
        assert_eq!(
            (period.first_day(), period.last_day()),
            (day(first), day(last)),
            "{text}"
        );
        assert_eq!(period.to_string(), text);
    }
    for text in [
        "",
        "13",
        "2013-13",
        "2013-02-29",
        "2013-6",
        "2013-06-01...2013-06-02",
        "0000",
        "2013..x",
    ] {
        assert!(text.parse::<Period>().is_err(), "{text}");
    }
    assert_eq!(
        "2013-02..2013-01".parse::<Period>(),
        Err(CalendarError::Backwards("2013-02..2013-01".into()))
    );
    let april = "04-01".parse::<YearStart>().unwrap();
    assert_eq!(april.year_of(day("2014-03-31")).to_string(), "2013/14");
    assert_eq!(april.year_of(day("2014-04-01")).to_string(), "2014/15");
    assert_eq!(
        YearStart::JANUARY.year_of(day("2014-04-01")).to_string(),
        "2014"
    );
    assert!("02-29".parse::<YearStart>().is_err());
}

#[test]
fn local_times_are_read_and_the_autumn_hour_is_not_guessed() {
    let london = london();
    for (text, instant) in [
        ("2013-06-01 13:00", "2013-06-01T12:00:00Z"),
        ("2013-06-01T13:00:05", "2013-06-01T12:00:05Z"),
        ("2013-12-01 13:00", "2013-12-01T13:00:00Z"),
        ("2023-10-29T01:30:00+01:00", "2023-10-29T00:30:00Z"),
        ("2023-10-29 02:00", "2023-10-29T02:00:00Z"),
        ("2013-06-01T13:00Z", "2013-06-01T13:00:00Z"),
    ] {
        assert_eq!(
            london.instant_of_text(text).unwrap().to_string(),
            instant,
            "{text}"
        );
    }
    let error = london
        .instant_of_text("2023-10-29 01:30")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "`2023-10-29 01:30` comes twice in `Europe/London`: at `2023-10-29T01:30:00+01:00` and at \
         `2023-10-29T01:30:00+00:00`; expected a time that names one instant\n\
         hint: add the offset, such as `2023-10-29T01:30:00+01:00`"
    );
    let skipped = london.instant_of_text("2023-03-26 01:30").unwrap_err();
    assert!(matches!(skipped, CalendarError::Skipped { .. }));
    for text in ["2013-06-01", "13:00", "", "2013-06-31 10:00", "noon"] {
        let error = london.instant_of_text(text).unwrap_err();
        assert!(matches!(error, CalendarError::LocalTime(_)), "{text}");
    }
}

#[test]
fn every_instant_has_a_day_even_an_absurd_one() {
    let london = london();
    for at in [i64::MIN, -1, 0, 4_200_000_000_000, i64::MAX] {
        let _ = (
            london.day_of(Instant(at)),
            london.wall_clock(Instant(at)),
            Instant(at).to_string(),
        );
    }
    assert_eq!(london.day_of(Instant(0)), LocalDay(0));
    assert_eq!(
        london
            .wall_clock("2023-10-29T00:30:00Z".parse().unwrap())
            .to_string(),
        "2023-10-29 01:30"
    );
    let _ =
        [LocalDay(i32::MIN), LocalDay(i32::MAX)].map(|day| (day.to_string(), day.local_month()));
}

#[test]
fn zones_without_half_hours_are_refused_by_name() {
    assert!(matches!(
        Zone::named("Asia/Kathmandu"),
        Err(CalendarError::UnevenZone(_))
    ));
    assert!(matches!(
        Zone::named("BST"),
        Err(CalendarError::UnknownZone(_))
    ));
    for name in [
        "UTC",
        "Asia/Kolkata",
        "America/Sao_Paulo",
        "Africa/Casablanca",
        "europe/london",
    ] {
        let zone = Zone::named(name).unwrap();
        let mut next = None;
        for day in day("2000-01-01").through(day("2100-12-31")) {
            let run = zone.half_hours_of(day);
            assert!(next.is_none_or(|next| next == run.start));
            assert!(
                (46..=50).contains(&run.count()) || run.count() == 47,
                "{name} {day}"
            );
            next = Some(run.end);
        }
    }
}

#[test]
fn the_last_month_of_all_has_its_days() {
    let period: Period = "9999-12".parse().unwrap();
    assert_eq!(period.day_count(), 31);
    assert_eq!(period.last_day().to_string(), "9999-12-31");
    let last: LocalDay = "9999-12-31".parse().unwrap();
    assert_eq!(last, LocalDay::of_date(9999, 12, 30).unwrap().next());
    assert_eq!(last.to_string(), "9999-12-31");
    assert_eq!("2024-02".parse::<Period>().unwrap().day_count(), 29);
}
