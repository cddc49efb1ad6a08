//! The worked figures of the brief, each a scenario that a treasurer can check by hand.

use commonwatt_domain::{
    calendar::{HalfHour, HalfHours, LocalDay, Zone},
    metering::{
        Decisions, EventError, EventKind, Finding, Lives, Mark, MeterEvent, Neighbours, Point,
        Quality, ReadSet, SeriesId, SeriesRules,
        energy::{Energy, HalfHourEnergy, IntervalEnergy, half_hours, half_hours_of_intervals},
        judge,
    },
    quantity::WattHours,
};

use crate::table::{at, check, elmore_house, kwh, read, rules, total, with_events};

fn june(from: &str, to: &str) -> HalfHours {
    HalfHours::new(HalfHour::of(at(from)), HalfHour::of(at(to)))
}

fn event(kind: EventKind, closed: (&str, &str), opened: (&str, &str)) -> MeterEvent {
    MeterEvent {
        kind,
        closes: SeriesId(1),
        closed_at: at(closed.0),
        final_wh: kwh(closed.1),
        opens: if kind == EventKind::Exchange {
            SeriesId(2)
        } else {
            SeriesId(1)
        },
        opened_at: at(opened.0),
        opening_wh: kwh(opened.1),
        author: "treasurer".into(),
        reason: "seen on the meter".into(),
    }
}

#[test]
fn zero_on_wake_up_is_no_energy_and_33_47_kwh_is() {
    check(
        &elmore_house(),
        &Decisions::none(),
        "01 06:00  15475.04  accepted
         01 06:01  0         refused wake_up_zero
         01 07:30  15508.51  accepted
         = 33.47",
    );
}

#[test]
fn six_digit_register_of_tenths_rolls_over_with_12_4_kwh() {
    // 99,999.9 and 12.3 on a register that wraps at 100,000.0 kWh.
    let register = rules(6, 100, 37_240);
    let judged = check(
        &register,
        &Decisions::none(),
        "01 10:00  99999.9  accepted
         01 10:30  12.3     held fell
         = 0",
    );
    let previous = Mark {
        at: at("01 10:00"),
        wh: kwh("99999.9"),
    };
    assert_eq!(
        judged.reads[1].findings,
        [Finding::Fell {
            previous,
            rollover: Some(kwh("12.4"))
        }]
    );
    let after = Mark {
        at: at("01 10:30"),
        wh: kwh("12.3"),
    };
    let turned = MeterEvent::rollover_instant(previous, after, register.modulus).unwrap();
    let rollover = MeterEvent {
        closed_at: turned,
        opened_at: turned,
        ..event(
            EventKind::Rollover,
            ("01 10:00", "100000"),
            ("01 10:00", "0"),
        )
    };
    let around = Neighbours {
        before: Some(previous),
        after: Some(after),
        modulus: register.modulus,
    };
    assert_eq!(rollover.check(&around), Ok(()));
    check(
        &with_events(&register, &[rollover]),
        &Decisions::none(),
        "01 10:00  99999.9  accepted
         01 10:30  12.3     accepted
         = 12.4",
    );
}

#[test]
fn exchanged_meter_gives_150_kwh_and_no_jump() {
    let exchange = event(
        EventKind::Exchange,
        ("01 10:00", "45678.90"),
        ("01 10:10", "0.12"),
    );
    let old = with_events(&elmore_house(), std::slice::from_ref(&exchange));
    let new = SeriesRules {
        lives: Lives::of(SeriesId(2), std::slice::from_ref(&exchange)).unwrap(),
        ..elmore_house()
    };
    let old = check(
        &old,
        &Decisions::none(),
        "01 09:00  45678.90  accepted
         01 10:05  45678.90  refused outside_register_life
         = 0",
    );
    let new = check(
        &new,
        &Decisions::none(),
        "01 09:30  0.12    refused outside_register_life
         01 23:00  150.12  accepted
         = 150",
    );
    // The meter point: both meters, with ten minutes in which nothing is known.
    let run = june("01 09:00", "01 23:00");
    let of = |points: &[Point]| half_hours(run, None, points, None);
    let point: Vec<HalfHourEnergy> = of(&old.points)
        .into_iter()
        .zip(of(&new.points))
        .map(|(old, new)| old.chained(new))
        .collect();
    let energy = Energy::of_half_hours(run, &point);
    assert_eq!(energy.wh, kwh("150"));
    assert_eq!((energy.half_hours, energy.missing), (28, 1));
    assert_eq!(point[2].covered_ms, 20 * 60_000);
}

#[test]
fn meter_events_that_cannot_have_been_are_refused() {
    let around = Neighbours {
        before: Some(Mark {
            at: at("01 09:00"),
            wh: kwh("1000"),
        }),
        after: Some(Mark {
            at: at("01 12:00"),
            wh: kwh("3"),
        }),
        modulus: kwh("100000"),
    };
    let good = event(EventKind::Reset, ("01 10:00", "1005"), ("01 11:00", "0"));
    assert_eq!(good.check(&around), Ok(()));
    let error = |event: MeterEvent| event.check(&around).unwrap_err();
    let with = |change: fn(&mut MeterEvent)| {
        let mut event = good.clone();
        change(&mut event);
        event
    };
    assert!(matches!(
        error(with(|e| e.opened_at = at("01 09:59"))),
        EventError::Backwards { .. }
    ));
    assert!(matches!(
        error(with(|e| e.final_wh = kwh("999"))),
        EventError::FinalBelow { .. }
    ));
    assert!(matches!(
        error(with(|e| e.final_wh = kwh("100001"))),
        EventError::BeyondWidth { .. }
    ));
    assert!(matches!(
        error(with(|e| e.opening_wh = kwh("4"))),
        EventError::OpeningAbove { .. }
    ));
    assert!(matches!(
        error(with(|e| e.kind = EventKind::Rollover)),
        EventError::NoRollover { .. }
    ));
    assert!(matches!(
        error(with(|e| e.opened_at = at("01 12:00"))),
        EventError::OnARead { .. }
    ));
    assert_eq!(
        error(with(|e| e.opens = SeriesId(9))),
        EventError::Series("reset")
    );
    assert_eq!(
        error(with(|e| e.reason = " ".into())),
        EventError::Blank("reason")
    );
    let twice = [good.clone(), with(|e| e.closed_at = at("01 10:20"))];
    assert!(Lives::of(SeriesId(1), &twice).is_err());
    let text = error(with(|e| e.final_wh = kwh("999"))).to_string();
    assert_eq!(
        text,
        "final read `999000` Wh is below the last accepted read `1000000` Wh of \
         2013-06-01T09:00:00Z; expected at least that\n\
         hint: check the final read, or refuse the read before it"
    );
}

#[test]
fn silence_of_two_hours_is_four_derived_half_hours_and_a_measured_day() {
    let judged = check(
        &elmore_house(),
        &Decisions::none(),
        "01 00:00  100.0  accepted
         01 09:30  120.0  accepted
         01 10:00  124.0  accepted
         01 12:00  142.0  accepted
         01 12:30  146.0  accepted
         02 00:00  160.0  accepted
         = 60",
    );
    let run = june("01 00:00", "02 00:00");
    let (inside, after) = judged.points.split_at(5);
    let parts = half_hours(run, None, inside, after.first().copied());
    let silent: Vec<_> = parts
        .iter()
        .filter(|part| june("01 10:00", "01 12:00").contains(part.half_hour))
        .map(|part| (part.wh, part.quality().word()))
        .collect();
    assert_eq!(silent, [(WattHours(4_500), "derived"); 4]);
    let measured = &parts[19];
    assert_eq!(
        (measured.wh, measured.quality()),
        (kwh("4"), Quality::Actual)
    );
    let day = Energy::of_half_hours(run, &parts);
    assert_eq!(
        (day.wh, day.quality(), day.missing),
        (kwh("60"), Quality::Actual, 0)
    );
}

#[test]
fn one_kwh_every_half_hour_is_50_in_october_and_46_in_march() {
    let london = Zone::named("Europe/London").unwrap();
    for (day, kwh) in [("2023-10-29", 50), ("2023-03-26", 46), ("2023-06-01", 48)] {
        let day: LocalDay = day.parse().unwrap();
        let run = london.half_hours_of(day);
        let point = |half_hour: HalfHour| Point {
            at: half_hour.start(),
            wh: WattHours(1000 * i64::from(half_hour.0 - run.start.0)),
            quality: Quality::Actual,
            joined: true,
        };
        let inside: Vec<_> = run.iter().map(point).collect();
        let parts = half_hours(run, None, &inside, Some(point(run.end)));
        assert!(
            parts
                .iter()
                .all(|part| part.wh == WattHours(1000) && part.is_complete())
        );
        let total = Energy::of_half_hours(run, &parts);
        assert_eq!(total.wh, WattHours(1000 * kwh), "{day}");
        assert_eq!(total.quality(), Quality::Actual);
    }
}

#[test]
fn half_hours_read_every_ten_seconds_are_actual_though_no_read_lies_on_the_boundary() {
    let reads = (0..400).map(|n| {
        let mut one = read("01 09:59:55", "0");
        one.at = one.at.plus_ms(n * 10_000);
        one.received = one.at;
        one.wh = WattHours(1_000_000 + n * 100);
        one
    });
    let judged = judge(
        &elmore_house(),
        &Decisions::none(),
        &ReadSet::of(reads.collect()),
    );
    let run = june("01 10:00", "01 11:00");
    let parts = half_hours(run, None, &judged.points, None);
    for part in &parts {
        assert_eq!(
            (part.wh, part.quality()),
            (WattHours(18_000), Quality::Actual)
        );
    }
}

#[test]
fn imported_interval_energy_fills_only_where_no_register_covers() {
    let points = check(
        &elmore_house(),
        &Decisions::none(),
        "01 10:00  100  accepted
         01 11:10  107  accepted
         = 7",
    )
    .points;
    let run = june("01 10:00", "01 12:30");
    let intervals: Vec<_> = run
        .iter()
        .take(4)
        .map(|half_hour| IntervalEnergy {
            span: half_hour.span(),
            wh: kwh("9"),
            quality: Quality::Estimated,
        })
        .collect();
    let imported = half_hours_of_intervals(run, &intervals);
    let filled: Vec<_> = half_hours(run, None, &points, None)
        .into_iter()
        .zip(imported)
        .map(|(register, imported)| register.filled(imported))
        .collect();
    let seen: Vec<_> = filled
        .iter()
        .map(|part| (part.wh.0, part.quality().word()))
        .collect();
    // 10 of 30 minutes from the register, 20 from the import: 1 kWh + 6 kWh.
    assert_eq!(
        seen,
        [
            (3_000, "derived"),
            (3_000, "derived"),
            (7_000, "estimated"),
            (9_000, "estimated"),
            (0, "missing"),
        ]
    );
    let energy = Energy::of_half_hours(run, &filled);
    assert_eq!((energy.missing, energy.quality()), (1, Quality::Estimated));
    assert_eq!(total(&points), kwh("7"));
}

#[test]
fn half_hour_of_37_24_kwp_takes_what_the_sun_can_give_and_not_more() {
    // 18.62 kWh × 6/5, ten seconds of slack between stamps, and one step.
    let largest = elmore_house().largest_advance(1_800_000);
    assert_eq!(largest, Some(WattHours(22_344 + 124 + 10)));
    // However long the silence, the bound does not overflow.
    assert!(elmore_house().largest_advance(i64::MAX) > largest);
}
