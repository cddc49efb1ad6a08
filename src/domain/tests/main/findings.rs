//! Findings as situations: what comes in, what is noticed, what counts.

use commonwatt_domain::{
    calendar::Instant,
    metering::{
        Decisions, EventKind, Finding, MeterEvent, Read, ReadSet, SeriesId, Source, Verdict, judge,
    },
    quantity::WattHours,
};

use crate::table::{at, check, elmore_house, kwh, read, rules, with_events, with_nights};

#[test]
fn transient_spike_is_held_and_the_register_goes_on() {
    check(
        &elmore_house(),
        &Decisions::none(),
        "01 10:00  1000.00  accepted
         01 10:30  9000.00  held jump_above_ceiling
         01 11:00  1010.00  accepted
         01 11:30  1020.00  accepted
         = 20",
    );
}

#[test]
fn persistent_jump_is_held_until_it_falls_back_however_long_it_takes() {
    // After nine days the ceiling alone would allow 5,000 kWh more.
    check(
        &elmore_house(),
        &Decisions::none(),
        "01 10:00  1000.00  accepted
         01 10:30  6000.00  held jump_above_ceiling
         10 11:00  6000.10  held jump_above_ceiling
         20 11:00  6100.00  held jump_above_ceiling
         20 11:30  1500.00  accepted
         20 12:00  1510.00  accepted
         = 510",
    );
}

#[test]
fn second_higher_spike_does_not_hide_the_first_jump() {
    check(
        &elmore_house(),
        &Decisions::none(),
        "01 10:00  1000.00  accepted
         01 10:30  2000.00  held jump_above_ceiling
         01 11:00  9000.00  held jump_above_ceiling
         20 11:00  2000.00  held jump_above_ceiling
         20 11:30  1999.99  accepted
         = 999.99",
    );
}

#[test]
fn dip_of_a_tenth_is_held_and_what_follows_counts_from_before() {
    check(
        &elmore_house(),
        &Decisions::none(),
        "01 10:00  1000.0  accepted
         01 10:01   999.9  held fell
         01 10:02  1000.0  accepted
         01 10:03  1000.1  accepted
         = 0.1",
    );
}

#[test]
fn slipped_decimal_point_is_held_with_the_value_that_fits() {
    let judged = check(
        &elmore_house(),
        &Decisions::none(),
        "01 10:00  310430.00    accepted
         01 11:00  31044.00     held fell decimal_slip
         01 11:30  3104400      held decimal_slip beyond_width
         01 12:00  310445.00    accepted
         = 15",
    );
    let proposed = |index: usize| {
        judged.reads[index]
            .findings
            .iter()
            .find_map(|finding| match finding {
                Finding::DecimalSlip { proposed } => Some(*proposed),
                _ => None,
            })
    };
    assert_eq!(proposed(1), Some(kwh("310440.00")));
    assert_eq!(proposed(2), Some(kwh("310440.00")));

    // Typed 31044000 on a meter with two decimals.
    let wide = rules(12, 10, 37_240);
    let judged = check(
        &wide,
        &Decisions::none(),
        "01 10:00  310430.00    accepted
         01 11:00  31044000     held decimal_slip jump_above_ceiling",
    );
    assert_eq!(
        judged.reads[1].findings[0],
        Finding::DecimalSlip {
            proposed: kwh("310440.00")
        }
    );
}

#[test]
fn night_dust_is_accepted_and_power_in_the_dark_is_held() {
    let roof = with_nights(&elmore_house());
    check(
        &roof,
        &Decisions::none(),
        "01 19:00  1000.00  accepted
         01 20:30  1010.00  accepted
         01 21:30  1010.01  accepted
         01 22:30  1010.02  accepted
         01 23:30  1020.00  held generation_in_the_dark
         02 05:00  1020.50  accepted
         = 20.5",
    );
    // The same in small steps, each below one step of the register and all of them too much.
    let judged = judge(
        &roof,
        &Decisions::none(),
        &ReadSet::of(
            (0..60)
                .map(|n| {
                    let minute = at("01 21:00").plus_ms(n * 10_000);
                    let wh = WattHours(1_000_000 + (n / 2) * 10);
                    Read {
                        at: minute,
                        wh,
                        received: minute,
                        source: Source::Telemetry,
                    }
                })
                .collect(),
        ),
    );
    assert!(judged.reads.iter().any(|read| {
        matches!(
            read.findings.first(),
            Some(Finding::GenerationInTheDark { .. })
        )
    }));
}

#[test]
fn register_that_stands_still_in_daylight_is_flagged_and_at_night_is_not() {
    check(
        &with_nights(&elmore_house()),
        &Decisions::none(),
        "01 19:00  1000  accepted
         02 03:00  1000  accepted
         02 08:59  1000  accepted
         02 09:00  1000  accepted frozen
         02 10:00  1001  accepted
         02 15:00  1001  accepted
         02 16:00  1001  accepted frozen
         = 1",
    );
}

#[test]
fn clock_of_1970_and_of_next_year_is_refused_and_ten_minutes_ahead_is_held() {
    let stamped = |time: &str, ahead_ms: i64| {
        let received = at(time);
        Read {
            at: received.plus_ms(ahead_ms),
            wh: kwh("5"),
            received,
            ..Read::default()
        }
    };
    let day = 86_400_000;
    for (read, verdict, words) in [
        (
            Read {
                at: Instant(0),
                ..stamped("01 10:00", 0)
            },
            Verdict::Refused,
            "1970-01-01",
        ),
        (
            stamped("01 10:00", 365 * day),
            Verdict::Refused,
            "525600` minutes after",
        ),
        (
            stamped("01 10:00", day + 1),
            Verdict::Refused,
            "expected at most 5 minutes",
        ),
        (
            stamped("01 10:00", 600_000),
            Verdict::Held,
            "`10` minutes after",
        ),
        (stamped("01 10:00", 300_000), Verdict::Accepted, ""),
    ] {
        let judged = judge(
            &elmore_house(),
            &Decisions::none(),
            &ReadSet::of(vec![read]),
        );
        let [judged] = judged.reads.as_slice() else {
            panic!("one read")
        };
        assert_eq!(judged.verdict, verdict, "{read:?}");
        let explained = judged
            .findings
            .iter()
            .map(|finding| finding.explain("EH1", &read));
        let explained: String = explained.collect();
        assert!(explained.contains(words), "{explained}");
    }
}

#[test]
fn telemetry_after_a_day_is_late_and_a_file_is_not() {
    let late = |source| Read {
        received: at("02 10:00").plus_ms(1),
        source,
        ..read("01 10:00", "1000")
    };
    for (source, flagged) in [(Source::Telemetry, true), (Source::Import, false)] {
        let set = ReadSet::of(vec![late(source)]);
        let judged = judge(&elmore_house(), &Decisions::none(), &set);
        assert_eq!(judged.reads[0].verdict, Verdict::Accepted);
        assert_eq!(!judged.reads[0].findings.is_empty(), flagged);
    }
}

fn reset() -> MeterEvent {
    MeterEvent {
        kind: EventKind::Reset,
        closes: SeriesId(1),
        closed_at: at("01 10:30"),
        final_wh: kwh("1005"),
        opens: SeriesId(1),
        opened_at: at("01 11:00"),
        opening_wh: kwh("0"),
        author: "treasurer".into(),
        reason: "display board replaced".into(),
    }
}

#[test]
fn read_while_the_register_is_closed_is_refused() {
    check(
        &with_events(&elmore_house(), &[reset()]),
        &Decisions::none(),
        "01 10:00  1000  accepted
         01 10:30  1005  accepted
         01 10:45  1007  refused outside_register_life
         01 11:00  0     accepted
         01 11:30  3     accepted
         = 8",
    );
}

#[test]
fn read_that_contradicts_the_final_read_is_held() {
    check(
        &with_events(&elmore_house(), &[reset()]),
        &Decisions::none(),
        "01 10:00  1000  accepted
         01 10:15  1006  held jump_above_ceiling
         01 10:30  1004  held conflicting_duplicate
         01 11:30  3     accepted
         = 8",
    );
}

#[test]
fn register_that_starts_at_zero_again_waits_for_its_event() {
    let table = "01 10:00  1000  accepted
                 01 11:00  0     refused wake_up_zero
                 01 11:30  3     held fell
                 = 0";
    check(&elmore_house(), &Decisions::none(), table);
}

#[test]
fn every_finding_says_what_was_seen_expected_and_next() {
    let previous = commonwatt_domain::metering::Mark {
        at: at("01 10:00"),
        wh: kwh("1"),
    };
    use commonwatt_domain::metering::ClockFault;
    let all = [
        Finding::ClockImpossible(ClockFault::TooOld),
        Finding::ClockImpossible(ClockFault::Ahead(600_000)),
        Finding::OutsideRegisterLife {
            closed: Some(previous),
            opens: None,
        },
        Finding::ConflictingDuplicate { other: kwh("2") },
        Finding::WakeUpZero { previous },
        Finding::Fell {
            previous,
            rollover: Some(kwh("0.4")),
        },
        Finding::Fell {
            previous,
            rollover: None,
        },
        Finding::DecimalSlip { proposed: kwh("2") },
        Finding::JumpAboveCeiling {
            previous,
            at_most: kwh("2"),
            continues: None,
        },
        Finding::JumpAboveCeiling {
            previous,
            at_most: kwh("2"),
            continues: Some(previous),
        },
        Finding::BeyondWidth {
            modulus: kwh("100000"),
        },
        Finding::GenerationInTheDark {
            since: previous,
            at_most: kwh("2"),
        },
        Finding::Frozen { since: previous.at },
        Finding::Late { by_ms: 90_000_000 },
        Finding::Duplicate,
    ];
    assert!(
        all.windows(2)
            .all(|pair| pair[0].word() == pair[1].word() || pair[0] < pair[1])
    );
    for finding in all {
        let text = finding.explain("EH1", &read("01 11:00", "3"));
        let (sentence, hint) = text.split_once('\n').expect("a hint on its own line");
        assert!(
            sentence.contains("`EH1`") && !sentence.ends_with('.'),
            "{sentence}"
        );
        assert!(hint.starts_with("hint: ") && !hint.contains('\n'), "{hint}");
    }
}
