//! The journal against a list of byte strings, under random appends, closes, compressions and
//! power cuts: everything acknowledged survives, nothing is invented.

use crate::{campaign, contents, open, record, records};
use commonwatt_journal::{CrashStyle, FaultPlan, MemoryDisk};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Append a group of these lengths.
    Append(Vec<usize>),
    /// Append a group whose sync fails, then lose the power.
    AppendAndCut(Vec<usize>, CrashStyle, u64),
    /// The power goes.
    Cut(CrashStyle, u64),
    /// The process ends without closing and starts again.
    Kill,
    /// Close and open.
    Restart,
    /// Compress closed segments.
    Compress,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let style = || {
        prop_oneof![
            Just(CrashStyle::LoseAll),
            Just(CrashStyle::KeepAll),
            Just(CrashStyle::Reorder),
            Just(CrashStyle::Garble),
        ]
    };
    let lengths = || proptest::collection::vec(prop_oneof![0usize..60, 0usize..6_000], 1..5);
    let step = prop_oneof![
        12 => lengths().prop_map(Step::Append),
        2 => (lengths(), style(), any::<u64>()).prop_map(|(l, s, seed)| Step::AppendAndCut(l, s, seed)),
        1 => (style(), any::<u64>()).prop_map(|(s, seed)| Step::Cut(s, seed)),
        1 => Just(Step::Kill),
        1 => Just(Step::Restart),
        1 => Just(Step::Compress),
    ];
    proptest::collection::vec(step, 1..40)
}

fn cases() -> u32 {
    if campaign() { 20_000 } else { 150 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_acknowledged_survives_and_nothing_is_invented(steps in steps()) {
        let disk = MemoryDisk::new();
        let (mut journal, _) = open(&disk).unwrap();
        let mut model: Vec<Vec<u8>> = Vec::new();
        let mut number = 0;
        let mut make = |lengths: &[usize]| -> Vec<Vec<u8>> {
            lengths.iter().map(|length| { number += 1; record(number, *length) }).collect()
        };
        for (time, step) in (0i64..).zip(&steps) {
            let mut pending = Vec::new();
            match step {
                Step::Append(lengths) => {
                    let list = make(lengths);
                    let appended = journal.append_group(time * 4_000, &records(&list)).unwrap();
                    prop_assert_eq!(appended.first, model.len() as u64);
                    model.extend(list);
                    continue;
                }
                Step::Compress => {
                    journal.compactor().compact_closed().unwrap();
                    continue;
                }
                Step::AppendAndCut(lengths, style, seed) => {
                    pending = make(lengths);
                    disk.set_plan(FaultPlan { sync: Some(1 + seed % 2), ..FaultPlan::default() });
                    if journal.append_group(time * 4_000, &records(&pending)).is_ok() {
                        model.append(&mut pending);
                    }
                    disk.crash(*style, *seed);
                }
                Step::Cut(style, seed) => disk.crash(*style, *seed),
                Step::Restart => {
                    journal.close().unwrap();
                    journal = open(&disk).unwrap().0;
                    prop_assert_eq!(journal.head().size, model.len() as u64);
                    continue;
                }
                Step::Kill => {}
            }
            drop(journal);
            let opened;
            (journal, opened) = open(&disk).unwrap();
            let found = contents(&journal.reader()).unwrap();
            prop_assert_eq!(found.len() as u64, opened.head.size);
            prop_assert!(found.len() >= model.len(), "acknowledged, then lost");
            prop_assert_eq!(&found[..model.len()], &model[..]);
            // What was not acknowledged is there whole or not at all.
            if found.len() > model.len() {
                prop_assert_eq!(&found[model.len()..], &pending[..]);
            }
            model = found;
        }
        let verified = journal.reader().verify(|_, _| {}).unwrap();
        prop_assert_eq!(verified.head, journal.head());
        prop_assert_eq!(contents(&journal.reader()).unwrap(), model);
    }
}
