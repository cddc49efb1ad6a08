//! The fast store against the plain one: whatever arrives, in whatever order, with flushes, merges,
//! closing of days, settling, restarts and new definitions in between, both say the same.

use std::path::Path;

use commonwatt_store::{PlacedRead, SeriesStore, oracle::RowStore, series::SeriesDef};
use domain::{
    calendar::Instant,
    metering::{
        Decisions, EventKind, Life, Lives, Mark, MeterEvent, ReadDecision, SeriesId, Source,
    },
    quantity::WattHours,
};
use proptest::prelude::*;

use crate::roof::{
    DAY_MS, MINUTE_MS, Place, all_reads, assert_same, day, def, dump, london, nights, read, rules,
};

/// Two neighbours and one of another group.
const SERIES: [u32; 3] = [0, 1, 1030];
/// 2023-03-23, three days before the clocks go forward.
const START: i64 = 19_439 * DAY_MS;
const DAYS: i64 = 7;

#[derive(Clone, Debug)]
enum Fault {
    None,
    Twice,
    Late(i64),
    Zero,
    Slip,
    Jump,
    Fell,
    OtherValue,
    Year1970,
    Ahead(i64),
    OtherWay(u8, bool),
}

#[derive(Clone, Debug)]
enum Do {
    Apply(usize),
    Flush,
    Merge,
    Close(i64),
    Settle(usize),
    Restart,
    Decide(usize, u8),
    Event(usize, i64),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        60 => Just(Fault::None),
        4 => Just(Fault::Twice),
        3 => (1_i64..100).prop_map(Fault::Late),
        2 => Just(Fault::Zero),
        2 => Just(Fault::Slip),
        2 => Just(Fault::Jump),
        2 => Just(Fault::Fell),
        2 => Just(Fault::OtherValue),
        1 => Just(Fault::Year1970),
        2 => (1_i64..200).prop_map(Fault::Ahead),
        4 => (0_u8..8, any::<bool>()).prop_map(|(way, same)| Fault::OtherWay(way, same)),
    ]
}

fn step() -> impl Strategy<Value = Do> {
    prop_oneof![
        12 => (1_usize..40).prop_map(Do::Apply),
        4 => Just(Do::Flush),
        2 => Just(Do::Merge),
        2 => (0_i64..DAYS + 2).prop_map(Do::Close),
        2 => (0_usize..3).prop_map(Do::Settle),
        1 => Just(Do::Restart),
        1 => (any::<usize>(), 0_u8..3).prop_map(|(n, d)| Do::Decide(n, d)),
        1 => (0_usize..3, 0_i64..DAYS * 48).prop_map(|(s, h)| Do::Event(s, h)),
    ]
}

/// Reads of a series every so many minutes, some with a fault.
fn arrivals(series: u32, every_min: i64, faults: &[Fault]) -> Vec<PlacedRead> {
    let mut wh = 1_000_000;
    let mut out = Vec::new();
    for (n, fault) in faults.iter().enumerate() {
        let at = START + n as i64 * every_min * MINUTE_MS;
        if at >= START + DAYS * DAY_MS {
            break;
        }
        let minute = at.rem_euclid(DAY_MS) / MINUTE_MS;
        if (5 * 60..19 * 60).contains(&minute) && n % 17 != 3 {
            wh += every_min * (30 + (n as i64 * 7) % 23);
        }
        let clean = read(series, at, wh);
        match fault {
            Fault::None => out.push(clean),
            Fault::Twice => {
                let later = Instant(clean.received.0 + 5_000);
                out.extend([
                    clean,
                    PlacedRead {
                        received: later,
                        ..clean
                    },
                ]);
            }
            Fault::Late(hours) => {
                let received = Instant(clean.received.0 + hours * 60 * MINUTE_MS);
                out.push(PlacedRead { received, ..clean });
            }
            Fault::Zero => out.push(read(series, at, 0)),
            Fault::Slip => out.push(read(series, at, wh * 10)),
            Fault::Jump => out.push(read(series, at, wh + 400_000)),
            Fault::Fell => out.push(read(series, at, wh - 50_000)),
            Fault::OtherValue => out.extend([clean, read(series, at, wh + 3)]),
            // The same value or another, in every way there is, and before the gateway's own.
            Fault::OtherWay(way, same) => out.extend([
                clean,
                PlacedRead {
                    wh: WattHours(wh + if *same { 0 } else { 7 }),
                    received: Instant(at),
                    source: Source::of_code(*way).unwrap(),
                    ..clean
                },
            ]),
            Fault::Year1970 => out.push(PlacedRead {
                received: clean.received,
                ..read(series, 40_000, wh)
            }),
            Fault::Ahead(hours) => {
                let ahead = read(series, at + hours * 30 * MINUTE_MS, wh);
                out.push(PlacedRead {
                    received: clean.received,
                    ..ahead
                });
            }
        }
    }
    out
}

struct Both {
    place: Place,
    store: Option<SeriesStore>,
    oracle: RowStore,
    defs: Vec<SeriesDef>,
    journal: Vec<Vec<PlacedRead>>,
}

impl Both {
    fn new(flush_reads: usize) -> Both {
        let place = Place::new(flush_reads);
        let nights = nights();
        let defs: Vec<_> = SERIES
            .iter()
            .map(|id| def(*id, rules(5_000, Lives::one(), &nights), Decisions::none()))
            .collect();
        let mut store = place.open();
        store.define(&defs).unwrap();
        let mut oracle = RowStore::open(Path::new(":memory:"), london()).unwrap();
        defs.iter().for_each(|def| oracle.define(def.clone()));
        Both {
            place,
            store: Some(store),
            oracle,
            defs,
            journal: Vec::new(),
        }
    }

    fn store(&mut self) -> &mut SeriesStore {
        self.store.as_mut().unwrap()
    }

    fn apply(&mut self, reads: &[PlacedRead]) {
        self.oracle.apply(reads.iter().copied()).unwrap();
        self.journal.push(reads.to_vec());
        let position = self.journal.len() as u64;
        self.store()
            .apply(position, reads.iter().copied(), [])
            .unwrap();
    }

    fn restart(&mut self) {
        self.store = None;
        let mut store = self.place.open();
        store.define(&self.defs).unwrap();
        for n in store.position()..self.journal.len() as u64 {
            store
                .apply(n + 1, self.journal[n as usize].iter().copied(), [])
                .unwrap();
        }
        self.store = Some(store);
    }

    fn redefine(&mut self, number: usize) {
        let def = self.defs[number].clone();
        self.oracle.define(def.clone());
        self.store().define(&[def]).unwrap();
    }

    fn decide(&mut self, which: usize, how: u8) {
        let reads: Vec<PlacedRead> = self.journal.iter().flatten().copied().collect();
        let Some(read) = reads.get(which.checked_rem(reads.len()).unwrap_or(0)) else {
            return;
        };
        let number = SERIES.iter().position(|id| *id == read.series.0).unwrap();
        let mut decisions = (*self.defs[number].decisions).clone();
        let decision = match how {
            0 => ReadDecision::Accept,
            1 => ReadDecision::Refuse,
            _ => ReadDecision::Correct(WattHours(read.wh.0 / 10)),
        };
        decisions.decide(read.at, read.wh, decision);
        self.defs[number].decisions = decisions.into();
        self.redefine(number);
    }

    /// A reset at a half hour: closes where the plain store says the register stood.
    fn event(&mut self, number: usize, half: i64) {
        let closed_at = Instant(START + half * 30 * MINUTE_MS);
        let id = SeriesId(SERIES[number]);
        let points = self.oracle.judged(id).unwrap().unwrap().points;
        let before = points.iter().rfind(|p| p.at <= closed_at).map(|p| p.wh);
        let after = points.iter().find(|p| p.at >= closed_at).map(|p| p.wh);
        let Some(wh) = before.or(after) else { return };
        let one_life = self.defs[number].rules.lives.as_slice() == [Life::default()];
        let event = MeterEvent {
            kind: EventKind::Reset,
            closes: id,
            closed_at,
            final_wh: wh,
            opens: id,
            opened_at: Instant(closed_at.0 + 95 * MINUTE_MS),
            opening_wh: wh,
            author: "secretary".into(),
            reason: "display was dark".into(),
        };
        let lives = if one_life {
            Lives::of(id, &[event]).unwrap()
        } else {
            Lives::one()
        };
        let mut rules = (*self.defs[number].rules).clone();
        rules.lives = lives;
        self.defs[number].rules = rules.into();
        self.redefine(number);
    }

    fn check(&mut self) {
        self.store().settle_all().unwrap();
        let reader = self.store().reader().unwrap();
        let (from, to) = (day("2023-03-20"), day("2023-04-05"));
        for id in SERIES {
            let series = SeriesId(id);
            let judged = self.oracle.judged(series).unwrap().unwrap();
            let expected: Vec<_> = judged
                .reads
                .iter()
                .map(|j| {
                    let r = j.read;
                    (
                        r.at,
                        r.wh,
                        r.received,
                        j.verdict,
                        j.counts_as,
                        j.findings.clone(),
                        j.decision,
                    )
                })
                .collect();
            assert_same(
                &all_reads(&reader, id),
                &expected,
                &format!("reads of {id}"),
            );
            assert_same(
                &reader.half_hours(series, from, to).unwrap(),
                &self.oracle.half_hours(series, from, to).unwrap(),
                &format!("half hours of {id}"),
            );
            assert_same(
                &reader.day_energies(series, from, to).unwrap(),
                &self.oracle.day_energies(series, from, to).unwrap(),
                &format!("days of {id}"),
            );
            assert!(reader.is_settled(series).unwrap());
            let number = SERIES.iter().position(|s| *s == id).unwrap();
            let turns: Vec<_> = judged
                .points
                .iter()
                .filter(|p| is_turn(self.defs[number].rules.lives.as_slice(), p.at))
                .copied()
                .collect();
            let raw = reader
                .half_hours_from_reads(series, from, to, &turns)
                .unwrap();
            let stored = reader.half_hours(series, from, to).unwrap();
            let known = |h: &domain::metering::energy::HalfHourEnergy| (h.wh, h.covered_ms);
            assert_same(
                &raw.iter().map(known).collect::<Vec<_>>(),
                &stored.iter().map(known).collect::<Vec<_>>(),
                &format!("raw half hours of {id}"),
            );
        }
    }

    /// A store that takes the whole journal at once ends with the same rows.
    fn rebuilt_is_the_same(&mut self) {
        let place = Place::new(1 << 20);
        let mut again = place.open();
        again.define(&self.defs).unwrap();
        again
            .apply(
                self.journal.len() as u64,
                self.journal.iter().flatten().copied(),
                [],
            )
            .unwrap();
        again.settle_all().unwrap();
        let here = self.store().reader().unwrap();
        assert_same(&dump(&here), &dump(&again.reader().unwrap()), "rows");
    }
}

fn is_turn(lives: &[Life], at: Instant) -> bool {
    let marks = lives
        .iter()
        .flat_map(|life| [life.opened, life.closed])
        .flatten();
    marks.into_iter().any(|mark: Mark| mark.at == at)
}

fn cases() -> u32 {
    let asked = std::env::var("COMMONWATT_STORE_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    asked.unwrap_or(if std::env::var_os("COMMONWATT_CAMPAIGN").is_some() {
        20_000
    } else {
        32
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_gives_what_the_plain_store_gives(
        faults in prop::collection::vec(prop::collection::vec(fault(), 0..90), 3),
        every in prop::collection::vec(prop_oneof![Just(10_i64), Just(30), Just(47), Just(240)], 3),
        shuffle in prop_oneof![Just(0_usize), Just(20), Just(1000)],
        mut seed in 1_u64..,
        flush_reads in prop_oneof![Just(15_usize), Just(100), Just(100_000)],
        steps in prop::collection::vec(step(), 1..30),
        check_at in any::<prop::sample::Index>(),
    ) {
        let mut arriving: Vec<PlacedRead> = (0..3)
            .flat_map(|n| arrivals(SERIES[n], every[n], &faults[n]))
            .collect();
        arriving.sort_by_key(|r| r.received);
        // In order, somewhat out of order, or in any order.
        for n in 0..arriving.len() * usize::from(shuffle > 0) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let to = (n + seed as usize % shuffle) % arriving.len();
            arriving.swap(n, to);
        }
        let mut both = Both::new(flush_reads);
        let mut next = 0;
        let check_at = check_at.index(steps.len());
        for (n, step) in steps.iter().enumerate() {
            match step {
                Do::Apply(count) => {
                    let end = (next + count).min(arriving.len());
                    both.apply(&arriving[next..end]);
                    next = end;
                }
                Do::Flush => { both.store().flush().unwrap(); }
                Do::Merge => both.store().merge_all().unwrap(),
                Do::Close(days) => {
                    let today = day("2023-03-23").plus(*days as i32);
                    while both.store().close_days(today, 1).unwrap().more {}
                }
                Do::Settle(n) => { both.store().settle(&[SeriesId(SERIES[*n])]).unwrap(); }
                Do::Restart => both.restart(),
                Do::Decide(which, how) => both.decide(*which, *how),
                Do::Event(number, half) => both.event(*number, *half),
            }
            if n == check_at {
                both.check();
            }
        }
        both.apply(&arriving[next..]);
        both.check();
        both.rebuilt_is_the_same();
    }
}
