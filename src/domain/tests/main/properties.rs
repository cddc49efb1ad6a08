//! Properties: any order, any repetition, any restart give the same; the parts sum to the whole.

use commonwatt_domain::{
    calendar::{HALF_HOUR_MS, HalfHour, HalfHours, Instant},
    metering::{
        Decisions, EventKind, FoldState, Inserted, Judged, MeterEvent, Read, ReadDecision, ReadSet,
        SeriesId, SeriesRules, Source, Verdict,
        energy::{Energy, half_hours},
        judge,
    },
    quantity::WattHours,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::table::{at, judge_in_parts, rules, total, with_events, with_nights};

const STEP_MS: i64 = 300_000;
const STEPS: i64 = 3 * 288;

/// One read of a register that rises by 100 Wh in five minutes, with whatever may go wrong.
fn any_read() -> impl Strategy<Value = Read> {
    let fault = prop_oneof![
        12 => Just(0), // none
        1 => Just(1),  // zero
        1 => Just(2),  // a little low
        2 => Just(3),  // a spike
        1 => Just(4),  // ten times
        1 => Just(5),  // a hundredth
        1 => Just(6),  // a jump that may last
        1 => Just(7),  // stands still
        1 => Just(8),  // beyond the register
        1 => Just(9),  // another clock
    ];
    let delay = prop_oneof![6 => Just(0), 1 => Just(90_000_000), 1 => Just(-600_000)];
    (0..STEPS, fault, delay, 0..8_u8).prop_map(|(step, fault, delay, source)| {
        let start = at("01 00:00");
        let wh = 1_000_000 + step * 100;
        let (wh, step) = match fault {
            1 => (0, step),
            2 => (wh - 100, step),
            3 => (wh + 50_000, step),
            4 => (wh * 10, step),
            5 => (wh / 100, step),
            6 => (wh + 5_000, step),
            7 => (1_040_000, step),
            8 => (9_999_999_999, step),
            9 => (wh, step + 200_000),
            _ => (wh, step),
        };
        let at = start.plus_ms(step * STEP_MS);
        let source = Source::of_code(source).unwrap();
        let received = if fault == 9 { start } else { at.plus_ms(delay) };
        Read {
            at,
            wh: WattHours(wh),
            received,
            source,
        }
    })
}

fn any_rules() -> impl Strategy<Value = SeriesRules> {
    (any::<bool>(), 0..4_u8, 0..STEPS, 0..12_i64).prop_map(|(nights, events, step, gap)| {
        let mut roof = rules(10, 1, 4_000);
        if nights {
            roof = with_nights(&roof);
        }
        let closed_at = at("01 00:00").plus_ms(step * STEP_MS);
        let final_wh = WattHours(1_000_000 + step * 100);
        let event = |kind, final_wh, opening_wh, gap: i64| MeterEvent {
            kind,
            closes: SeriesId(1),
            closed_at,
            final_wh,
            opens: if kind == EventKind::Exchange {
                SeriesId(2)
            } else {
                SeriesId(1)
            },
            opened_at: closed_at.plus_ms(gap * STEP_MS),
            opening_wh,
            author: "treasurer".into(),
            reason: "seen".into(),
        };
        match events {
            0 => with_events(&roof, &[event(EventKind::Reset, final_wh, final_wh, gap)]),
            1 => with_events(
                &roof,
                &[event(EventKind::Exchange, final_wh, WattHours(0), gap)],
            ),
            2 => with_events(
                &roof,
                &[event(EventKind::Rollover, roof.modulus, WattHours(0), 0)],
            ),
            _ => roof,
        }
    })
}

/// Decisions about some of the reads.
fn decisions_on(reads: &[Read], picks: &[(Index, u8)]) -> Decisions {
    let mut decisions = Decisions::none();
    for (index, kind) in picks {
        let Some(read) = (!reads.is_empty()).then(|| index.get(reads)) else {
            continue;
        };
        let decision = match kind {
            0 => ReadDecision::Accept,
            1 => ReadDecision::Refuse,
            2 => ReadDecision::Correct(WattHours(read.wh.0 / 10)),
            _ => ReadDecision::Correct(WattHours(1_050_000)),
        };
        decisions.decide(read.at, read.wh, decision);
    }
    decisions
}

fn whole_run() -> HalfHours {
    HalfHours::new(
        HalfHour::of(at("01 00:00")).plus(-2),
        HalfHour::of(at("30 00:00")),
    )
}

/// Energy computed a day at a time from the stored states, as a store does.
fn day_by_day(judged: &Judged, states: &[FoldState], cuts: &[Instant]) -> Vec<(HalfHour, i64)> {
    let mut parts = Vec::new();
    for (pair, state) in cuts.windows(2).zip(states) {
        let inside: Vec<_> = judged
            .points
            .iter()
            .filter(|point| pair[0] <= point.at && point.at < pair[1])
            .copied()
            .collect();
        let after = judged
            .points
            .iter()
            .find(|point| point.at >= pair[1])
            .copied();
        let run = HalfHours::new(HalfHour::of(pair[0]), HalfHour::of(pair[1]));
        parts.extend(half_hours(run, state.point(), &inside, after));
    }
    parts
        .into_iter()
        .map(|part| (part.half_hour, part.wh.0))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("COMMONWATT_CAMPAIGN").map_or(96, |_| 50_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_order_and_any_repetition_of_arrival_gives_the_same(
        rules in any_rules(),
        reads in vec(any_read(), 0..120),
        picks in vec((any::<Index>(), 0..4_u8), 0..6),
        order in vec(any::<Index>(), 0..300),
    ) {
        let decisions = decisions_on(&reads, &picks);
        let set = ReadSet::of(reads.clone());
        let expected = judge(&rules, &decisions, &set);

        // One at a time, in any order, many of them again; the rest at the end, backwards.
        let mut arrived = ReadSet::default();
        for index in &order {
            if !reads.is_empty() {
                arrived.insert(*index.get(&reads));
            }
        }
        for read in reads.iter().rev() {
            arrived.insert(*read);
        }
        prop_assert_eq!(&arrived, &set);
        prop_assert_eq!(&judge(&rules, &decisions, &arrived), &expected);
        for read in &reads {
            prop_assert_eq!(arrived.insert(*read), Inserted::Duplicate);
        }
    }

    #[test]
    fn judging_may_stop_and_start_again_at_any_instant(
        rules in any_rules(),
        reads in vec(any_read(), 0..120),
        picks in vec((any::<Index>(), 0..4_u8), 0..6),
        mut cuts in vec(0..STEPS, 0..8),
    ) {
        let decisions = decisions_on(&reads, &picks);
        let set = ReadSet::of(reads);
        cuts.sort_unstable();
        let cuts: Vec<_> = cuts.iter().map(|n| at("01 00:00").plus_ms(n * STEP_MS)).collect();
        let (parts, _) = judge_in_parts(&rules, &decisions, &set, &cuts);
        prop_assert_eq!(parts, judge(&rules, &decisions, &set));
    }

    #[test]
    fn half_hours_sum_to_the_advances_and_days_can_be_computed_alone(
        rules in any_rules(),
        reads in vec(any_read(), 0..120),
        picks in vec((any::<Index>(), 0..4_u8), 0..6),
        mut cuts in vec(-2..1392_i32, 0..6),
    ) {
        let decisions = decisions_on(&reads, &picks);
        let set = ReadSet::of(reads);
        let judged = judge(&rules, &decisions, &set);
        let points = &judged.points;
        prop_assert!(points.is_sorted_by_key(|point| point.at));
        prop_assert!(points.windows(2).all(|pair| !pair[1].joined || pair[0].wh <= pair[1].wh));

        let run = whole_run();
        let whole = half_hours(run, None, points, None);
        prop_assert_eq!(Energy::of_half_hours(run, &whole).wh, total(points));
        prop_assert!(whole.iter().all(|part| part.wh >= WattHours::ZERO));
        let covered: i64 = whole.iter().map(|part| i64::from(part.covered_ms)).sum();
        let joined = points.windows(2).filter(|pair| pair[1].joined);
        let known: i64 = joined.map(|pair| pair[1].at.ms_since(pair[0].at)).sum();
        prop_assert_eq!(covered, known);

        // The same in days that start anywhere on a half hour, from stored states.
        let first = run.start;
        cuts.extend([0, 1394]);
        cuts.sort_unstable();
        cuts.dedup();
        let cuts: Vec<_> = cuts.iter().filter(|n| **n >= 0).map(|n| first.plus(*n).start()).collect();
        let (_, states) = judge_in_parts(&rules, &decisions, &set, &cuts);
        let alone = day_by_day(&judged, &states, &cuts);
        let whole: Vec<_> = whole.into_iter().map(|part| (part.half_hour, part.wh.0)).collect();
        prop_assert_eq!(alone, whole);
    }

    #[test]
    fn quick_acceptance_is_what_judging_says(
        rules in any_rules(),
        reads in vec(any_read(), 0..80),
    ) {
        let set = ReadSet::of(reads);
        let none = Decisions::none();
        let mut before = ReadSet::default();
        let mut state = FoldState::EMPTY;
        for (n, read) in set.as_slice().iter().enumerate() {
            // The state as a live store holds it: all reads before, folded or quickly accepted.
            let plain = state.accepts_plainly(&rules, read);
            let mut quick = state;
            quick.accept(&rules, read);
            let twins = set.as_slice().get(n + 1).is_some_and(|next| next.at == read.at);
            before.insert(*read);
            let (judged, states) = judge_in_parts(&rules, &none, &before, &[read.at.plus_ms(1)]);
            state = states[0];
            if plain {
                let last = judged.reads.last().unwrap();
                prop_assert_eq!(last.verdict, Verdict::Accepted);
                prop_assert!(last.findings.is_empty());
                if !twins {
                    prop_assert_eq!(quick, state);
                }
            }
        }
    }

    #[test]
    fn reads_that_do_not_count_change_nothing(
        rules in any_rules(),
        reads in vec(any_read(), 1..100),
        pick in any::<Index>(),
    ) {
        // A refused read is never the predecessor of anything: without it all else is the same.
        let set = ReadSet::of(reads);
        let judged = judge(&rules, &Decisions::none(), &set);
        let refused: Vec<_> =
            judged.reads.iter().filter(|read| read.verdict == Verdict::Refused).collect();
        if refused.is_empty() {
            return Ok(());
        }
        let out = pick.get(&refused).read;
        let rest = set.as_slice().iter().filter(|read| **read != out).copied().collect();
        let without = judge(&rules, &Decisions::none(), &ReadSet::of(rest));
        prop_assert_eq!(without.points, judged.points);
    }

    #[test]
    fn state_bytes_come_back_and_damaged_ones_are_refused(
        rules in any_rules(),
        reads in vec(any_read(), 0..60),
        cut in 0..STEPS,
        byte in 0..FoldState::BYTES,
    ) {
        let cut = at("01 00:00").plus_ms(cut * STEP_MS);
        let (_, states) = judge_in_parts(&rules, &Decisions::none(), &ReadSet::of(reads), &[cut]);
        let bytes = states[0].to_bytes();
        prop_assert_eq!(FoldState::from_bytes(&bytes), Ok(states[0]));
        let mut damaged = bytes;
        damaged[byte] ^= 0x40;
        prop_assert_ne!(FoldState::from_bytes(&damaged), Ok(states[0]));
        prop_assert!(FoldState::from_bytes(&bytes[1..]).is_err());
    }

    #[test]
    fn kilowatt_hours_print_and_read_back(wh in -WattHours::MAX.0..=WattHours::MAX.0) {
        let wh = WattHours(wh);
        prop_assert_eq!(WattHours::from_kwh_text(&wh.kwh_text()), Ok(wh));
        prop_assert_eq!(WattHours::from_wh_text(&wh.0.to_string()), Ok(wh));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "\\PC{0,50}", number in "[-+]?[0-9.eE+-]{0,44}") {
        for text in [&text, &number] {
            let _ = WattHours::from_kwh_text(text);
            let _ = text.parse::<Instant>();
            let _ = text.parse::<commonwatt_domain::calendar::Period>();
            let _ = text.parse::<commonwatt_domain::metering::Obis>();
        }
    }

    #[test]
    fn instants_print_and_read_back(ms in -60_000_000_000_000_i64..250_000_000_000_000) {
        let at = Instant(ms);
        prop_assert_eq!(at.to_string().parse(), Ok(at));
        prop_assert_eq!(HalfHour::of(at).start().0, ms.div_euclid(HALF_HOUR_MS) * HALF_HOUR_MS);
    }
}
