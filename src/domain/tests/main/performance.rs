//! What a roof should have made, what was lost, and the calendar of its duties.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_domain::{
    calendar::{LocalDay, Period},
    income::{DutyKind, Facts, Photo, Shown, spread},
    money::Pence,
    performance::{
        Basis, Cause, Course, DayPart, Doubt, Judged, MeasuredLight, Over, Parts, Plane, Steps,
        judge, ratio,
    },
    quantity::{WattHours, Watts},
};
use proptest::prelude::*;

fn day(text: &str) -> LocalDay {
    text.parse().expect("a day")
}

/// 10 kWp; the light of day n is 1, 2 or 3, and a part of it makes so many Wh at light 1.
fn course(parts: [i64; 3], of: impl Fn(i32, [i64; 3]) -> [i64; 3]) -> Course {
    let first = day("2026-01-01");
    let days = (0..120).map(|n| {
        let made = parts.map(|wh| wh * i64::from(1 + n * 7 % 3));
        (first.plus(n), of(n, made).map(WattHours))
    });
    Course {
        peak: Watts(10_000),
        days: days.collect(),
    }
}

/// April, days 90 to 119.
fn april() -> Period {
    Period::Range {
        first: day("2026-04-01"),
        last: day("2026-04-30"),
    }
}

fn judged(own: &Course, neighbours: &[&Course], off: &[&str]) -> Judged {
    judged_under(own, None, neighbours, off)
}

fn judged_under(
    own: &Course,
    measured: Option<&MeasuredLight>,
    neighbours: &[&Course],
    off: &[&str],
) -> Judged {
    let sky: BTreeMap<LocalDay, Parts> = own
        .days
        .keys()
        .map(|day| (*day, [WattHours(20_000); 3]))
        .collect();
    judge(&Over {
        days: april(),
        own,
        measured,
        neighbours,
        sky: &sky,
        off: &off.iter().map(|text| day(text)).collect(),
    })
}

const PARTS: [i64; 3] = [4_000, 9_000, 5_000];

#[test]
fn a_roof_that_is_always_worse_than_its_neighbours_loses_nothing() {
    let (own, other) = (
        course([3_000, 9_000, 2_000], |_, p| p),
        course(PARTS, |_, p| p),
    );
    let judged = judged(&own, &[&other, &other], &[]);
    assert_eq!(judged.losses, []);
    assert_eq!(judged.permille(), Some(1_000));
    assert_eq!(judged.basis, Some(Basis::Neighbours(2)));
    assert_eq!(judged.doubts, BTreeSet::from([Doubt::ShortHistory]));
}

/// What becomes of the parts of day n.
type Fault = fn(i32, [i64; 3]) -> [i64; 3];

#[test]
fn each_cause_is_told_by_its_shape() {
    let neighbour = course(PARTS, |_, p| p);
    let cases: [(&str, Cause, Fault); 5] = [
        ("two days off", Cause::Outage, |n, p| {
            if n == 95 || n == 96 { [0; 3] } else { p }
        }),
        ("an afternoon off", Cause::Outage, |n, [a, b, c]| {
            if n == 100 { [a, b, 0] } else { [a, b, c] }
        }),
        ("two weak days", Cause::Fault, |n, p| {
            if n == 95 || n == 96 {
                p.map(|x| x / 2)
            } else {
                p
            }
        }),
        (
            "evenings",
            Cause::Shade(DayPart::Evening),
            |n, [a, b, c]| {
                if n >= 100 { [a, b, c / 2] } else { [a, b, c] }
            },
        ),
        ("dirt", Cause::Dirt, |n, p| {
            if n >= 100 { p.map(|x| x * 8 / 10) } else { p }
        }),
    ];
    for (name, cause, of) in cases {
        let own = course(PARTS, of);
        let judged = judged(&own, &[&neighbour, &neighbour], &[]);
        assert_eq!(judged.losses.len(), 1, "{name}: {judged:?}");
        assert_eq!(judged.losses[0].cause, cause, "{name}");
        assert_eq!(judged.rest, WattHours(0), "{name}: nothing is left over");
        assert_eq!(judged.made.0 + judged.lost().0, judged.expected.0, "{name}");
    }
}

#[test]
fn a_planned_day_is_planned_and_teaches_nothing() {
    let own = course(
        PARTS,
        |n, p| if (60..100).contains(&n) { [0; 3] } else { p },
    );
    let neighbour = course(PARTS, |_, p| p);
    let off: Vec<String> = (60..100)
        .map(|n| day("2026-01-01").plus(n).to_string())
        .collect();
    let off: Vec<&str> = off.iter().map(String::as_str).collect();
    let judged = judged(&own, &[&neighbour, &neighbour], &off);
    assert_eq!(judged.losses.len(), 1);
    assert_eq!(
        (judged.losses[0].cause, judged.losses[0].days),
        (Cause::Planned, 10)
    );
}

#[test]
fn without_neighbours_a_weak_day_is_not_called_lost() {
    let own = course(PARTS, |n, p| match n {
        95 => [0; 3],
        96 => p.map(|x| x / 3),
        _ => p,
    });
    let judged = judged(&own, &[], &[]);
    assert_eq!(judged.basis, Some(Basis::Sun));
    assert_eq!(judged.losses.len(), 1);
    assert_eq!(
        (judged.losses[0].cause, judged.losses[0].days),
        (Cause::Outage, 1)
    );
    assert_eq!(judged.weather, None);
}

#[test]
fn too_little_history_says_so() {
    let mut own = course(PARTS, |_, p| p);
    own.days.retain(|d, _| *d >= day("2026-03-28"));
    let neighbour = course(PARTS, |_, p| p);
    assert!(
        judged(&own, &[&neighbour], &[])
            .doubts
            .contains(&Doubt::NoHistory)
    );
    assert_eq!(
        judged(&own, &[], &[]).basis,
        None,
        "nothing is expected, nothing is lost"
    );
}

#[test]
fn one_neighbours_fault_is_outvoted_by_two() {
    let own = course(PARTS, |_, p| p);
    let sound = course(PARTS, |_, p| p);
    let broken = course(PARTS, |n, p| if n >= 95 { [0; 3] } else { p });
    let judged = judged(&own, &[&sound, &broken, &sound], &[]);
    assert_eq!((judged.losses.len(), judged.permille()), (0, Some(1_000)));
}

/// The light under which [`course`] makes 80 % of what its panels are rated at.
fn light(steps: Steps) -> MeasuredLight {
    let under = course(PARTS, |_, p| p);
    // 10 kW under x Wh/m² are rated at 10 x Wh.
    let of = |parts: &Parts| parts.map(|wh| wh.0 / 8);
    MeasuredLight {
        plane: Plane::Panels,
        steps,
        days: under.days.iter().map(|(day, p)| (*day, of(p))).collect(),
    }
}

#[test]
fn irradiance_tells_a_dull_month_from_a_weak_roof() {
    // April is half as bright as March; the roof makes what its light gives.
    let dull = |n: i32, p: [i64; 3]| if n >= 90 { p.map(|x| x / 2) } else { p };
    let mut half = light(Steps::HalfHours);
    for (day, parts) in &mut half.days {
        if april().contains(*day) {
            *parts = parts.map(|x| x / 2);
        }
    }
    let sound = course(PARTS, dull);
    let judged = judged_under(&sound, Some(&half), &[], &[]);
    assert_eq!(judged.basis, Some(Basis::Irradiance(Steps::HalfHours)));
    assert_eq!(judged.losses, [], "a dull month is not a loss");
    assert!(
        judged.weather.expect("told apart").0 < 0,
        "the weather took it"
    );
    let of = ratio(april(), &sound, &half, &BTreeSet::new()).expect("a ratio");
    assert_eq!(
        (of.days, of.permille, of.usual_permille),
        (30, 800, Some(800))
    );
    // The same output under the light of March is the roof.
    let bright = light(Steps::HalfHours);
    let judged = judged_under(&sound, Some(&bright), &[], &[]);
    assert_eq!(judged.losses.len(), 1, "{judged:?}");
    assert_eq!(judged.losses[0].cause, Cause::BelowLight);
    assert_eq!(judged.losses[0].wh.0, judged.expected.0 - judged.made.0);
    let of = ratio(april(), &sound, &bright, &BTreeSet::new()).expect("a ratio");
    assert_eq!((of.permille, of.usual_permille), (400, Some(800)));
}

#[test]
fn days_and_half_days_off_are_told_by_irradiance_as_finely_as_it_is_known() {
    let own = course(PARTS, |n, [a, b, c]| match n {
        95 => [0; 3],
        100 => [a, b, 0],
        _ => [a, b, c],
    });
    for (steps, days) in [(Steps::HalfHours, 2), (Steps::Days, 1)] {
        let judged = judged_under(&own, Some(&light(steps)), &[], &[]);
        assert_eq!(judged.basis, Some(Basis::Irradiance(steps)));
        assert_eq!(judged.losses.len(), 1, "{judged:?}");
        let loss = judged.losses[0];
        assert_eq!((loss.cause, loss.days), (Cause::Outage, days));
    }
}

#[test]
fn neighbours_stand_where_irradiance_has_no_history_or_knows_fewer_days() {
    let own = course(PARTS, |_, p| p);
    let neighbour = course(PARTS, |_, p| p);
    let all = light(Steps::Days);
    let mut new = all.clone();
    new.days.retain(|day, _| april().contains(*day));
    let mut gaps = all.clone();
    gaps.days.remove(&day("2026-04-07"));
    for (light, basis) in [
        (&all, Basis::Irradiance(Steps::Days)),
        (&new, Basis::Neighbours(1)),
        (&gaps, Basis::Neighbours(1)),
    ] {
        let judged = judged_under(&own, Some(light), &[&neighbour], &[]);
        assert_eq!(judged.basis, Some(basis));
    }
    // Irradiance without a neighbour stands with its gap.
    let judged = judged_under(&own, Some(&gaps), &[], &[]);
    assert_eq!(judged.basis, Some(Basis::Irradiance(Steps::Days)));
    assert_eq!(judged.known_days, 29);
}

fn facts() -> Facts {
    Facts {
        installation: "roof-fit".into(),
        first: day("2012-04-23"),
        last: day("2037-04-22"),
        claim_months: vec![3, 6, 9, 12],
        claim_day: 31,
        claims: vec![Shown {
            on: day("2026-06-14"),
            evidence: "claim 7".into(),
        }],
        march_reads: Vec::new(),
        photos: vec![Photo {
            on: day("2024-02-29"),
            words: "photo".into(),
        }],
        certificate: Some(("M1".into(), day("2026-08-01"))),
    }
}

#[test]
fn the_year_of_an_installation() {
    let duties = facts().duties(day("2026-01-01"), day("2026-12-31"));
    let lines: Vec<String> = duties
        .iter()
        .map(|d| format!("{}{}", d.id(), if d.done.is_some() { " done" } else { "" }))
        .collect();
    assert_eq!(
        lines,
        [
            "photo/roof-fit/2026-02-28",
            "claim/roof-fit/2026-03-31",
            "march-read/roof-fit/2026-03-31",
            "claim/roof-fit/2026-06-30 done",
            "certificate/M1/2026-08-01",
            "claim/roof-fit/2026-09-30",
            "claim/roof-fit/2026-12-31",
        ]
    );
}

#[test]
fn duties_end_with_the_tariff() {
    let after = facts().duties(day("2037-05-01"), day("2039-12-31"));
    let kinds: Vec<DutyKind> = after.iter().map(|d| d.kind).collect();
    assert_eq!(
        kinds,
        [DutyKind::Photo, DutyKind::Certificate, DutyKind::Claim],
        "what was never done stays, and the last quarter is still claimed"
    );
    assert_eq!(after[2].due, day("2037-06-30"));
}

proptest! {
    #[test]
    fn an_amount_is_spread_to_the_penny(
        pence in -1_000_000_000_i64..1_000_000_000,
        weights in proptest::collection::vec(0_i64..10_000_000_000, 1..40),
    ) {
        let parts = spread(Pence(pence), &weights);
        prop_assert_eq!(parts.len(), weights.len());
        prop_assert_eq!(parts.iter().map(|p| p.0).sum::<i64>(), pence);
        let all: i128 = weights.iter().map(|w| i128::from(*w)).sum();
        if all > 0 {
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = i128::from(pence) * i128::from(*weight);
                let off = (i128::from(part.0) * all - exact).abs();
                prop_assert!(off < all, "no part is a penny away: {off}");
            }
        }
    }
}
