//! A disk that reports an error at the Nth write, sync or change of a name, for every N of one
//! workload: after the first error nothing is acknowledged, and a restart finds what was.

use crate::{contents, open, record, records};
use commonwatt_journal::{CrashStyle, FaultPlan, Journal, MemoryDisk};

/// Appends, rotates, compresses. Gives the acknowledged records and whether an error was met.
fn workload(disk: &MemoryDisk) -> (Vec<Vec<u8>>, bool) {
    let mut acknowledged = Vec::new();
    let Ok((mut journal, _)) = open(disk) else {
        return (acknowledged, true);
    };
    let mut failed = false;
    let mut append = |journal: &mut Journal, group: u64, failed: &mut bool| {
        let list: Vec<_> = (0..4).map(|i| record(group * 4 + i, 700)).collect();
        match journal.append_group(group as i64 * 3_000, &records(&list)) {
            Ok(_) => {
                assert!(!*failed, "acknowledged after the first error");
                acknowledged.extend(list);
            }
            Err(_) => *failed = true,
        }
    };
    for group in 0..30 {
        append(&mut journal, group, &mut failed);
        if group % 11 == 10 {
            failed |= journal.compactor().compact_closed().is_err();
        }
    }
    failed |= journal.close().is_err();
    (acknowledged, failed)
}

#[test]
fn nothing_is_acknowledged_after_the_first_error_at_every_write_sync_and_name() {
    let calm = MemoryDisk::new();
    calm.set_plan(FaultPlan::default());
    let (all, failed) = workload(&calm);
    assert!(!failed);
    let (writes, syncs, names) = calm.operations();
    let plans = (1..=writes)
        .map(|n| FaultPlan {
            write: Some(n),
            ..FaultPlan::default()
        })
        .chain((1..=syncs).map(|n| FaultPlan {
            sync: Some(n),
            ..FaultPlan::default()
        }))
        .chain((1..=names).map(|n| FaultPlan {
            name: Some(n),
            ..FaultPlan::default()
        }));
    let mut tried = 0;
    for plan in plans {
        let disk = MemoryDisk::new();
        disk.set_plan(plan);
        let (acknowledged, failed) = workload(&disk);
        assert!(failed, "{plan:?} was not noticed");
        for style in [CrashStyle::LoseAll, CrashStyle::KeepAll, CrashStyle::Garble] {
            let after = disk.fork();
            after.crash(style, tried);
            let (journal, _) = open(&after).unwrap_or_else(|e| panic!("{plan:?} {style:?}: {e}"));
            let found = contents(&journal.reader()).unwrap();
            assert!(
                found.len() >= acknowledged.len(),
                "{plan:?} {style:?}: acknowledged, then lost"
            );
            assert_eq!(found, all[..found.len()], "{plan:?} {style:?}");
        }
        // The process alone starts again; what the kernel shows of a failed sync must hold.
        let restarted = disk.fork();
        restarted.set_plan(FaultPlan::default());
        let (journal, opened) = open(&restarted).unwrap_or_else(|e| panic!("{plan:?}: {e}"));
        drop(journal);
        restarted.crash(CrashStyle::LoseAll, tried);
        let (journal, again) = open(&restarted).unwrap_or_else(|e| panic!("{plan:?}: {e}"));
        assert_eq!(
            again.head, opened.head,
            "{plan:?}: read after a restart, then lost by the power cut"
        );
        drop(journal);
        tried += 1;
    }
    println!(
        "{writes} writes, {syncs} syncs, {names} names: {tried} errors, 0 acknowledged after one"
    );
}

#[test]
fn a_disk_that_lies_about_syncing_is_found_out_by_whoever_holds_a_head() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    journal.append_group(1, &records(["true"])).unwrap();
    disk.set_plan(FaultPlan {
        lie: true,
        ..FaultPlan::default()
    });
    journal.append_group(2, &records(["a lie"])).unwrap();
    let head = journal.head();
    disk.crash(CrashStyle::LoseAll, 0);
    drop(journal);
    let expecting = commonwatt_journal::Options {
        expect_at_least: head.size,
        ..crate::options()
    };
    assert!(Journal::open(disk.shared(), expecting).is_err());
    let (journal, _) = open(&disk).unwrap();
    assert_eq!(
        contents(&journal.reader()).unwrap(),
        [b"true"],
        "the control: a lie does lose"
    );
}
