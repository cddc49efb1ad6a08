//! A disk that runs full, at every 64 KiB of a run: refused before any effect, and healed when
//! space returns, without a restart.

use crate::{contents, open, record, records};
use commonwatt_journal::{AppendError, CrashStyle, MemoryDisk, OpenError};

#[test]
fn out_of_space_is_refused_before_any_effect_and_heals() {
    let run = 40;
    let full_run = {
        let disk = MemoryDisk::new();
        workload(&disk, run, |_| {});
        disk.used()
    };
    let mut refusals = 0;
    for capacity in (0..=full_run).step_by(64 << 10) {
        let disk = MemoryDisk::new();
        disk.set_capacity(capacity);
        match open(&disk) {
            Ok((journal, _)) => drop(journal),
            Err(OpenError::OutOfSpace { .. }) => {
                disk.set_capacity(1 << 30);
                open(&disk).expect("opens when space returns");
                refusals += 1;
                continue;
            }
            Err(other) => panic!("at {capacity}: {other}"),
        }
        refusals += workload(&disk, run, |disk| disk.set_capacity(1 << 30));
    }
    assert!(
        refusals >= full_run / (64 << 10),
        "every step but the last runs full: {refusals}"
    );
}

/// Appends; at the first refusal checks that nothing happened, frees space and goes on.
fn workload(disk: &MemoryDisk, groups: u64, free: impl Fn(&MemoryDisk)) -> u64 {
    let (mut journal, _) = open(disk).unwrap();
    let mut all = Vec::new();
    let mut refusals = 0;
    for group in 0..groups {
        let list: Vec<_> = (0..12).map(|i| record(group * 12 + i, 900)).collect();
        loop {
            let before = journal.head();
            match journal.append_group(group as i64, &records(&list)) {
                Ok(appended) => {
                    assert_eq!(appended.first, all.len() as u64);
                    all.extend(list);
                    break;
                }
                Err(AppendError::OutOfSpace { .. }) => {
                    assert_eq!(journal.head(), before);
                    assert_eq!(contents(&journal.reader()).unwrap(), all);
                    let cut_off = disk.fork();
                    cut_off.crash(CrashStyle::Reorder, group);
                    let (there, opened) = open(&cut_off).unwrap();
                    assert_eq!((opened.head, opened.cut), (before, None));
                    drop(there);
                    refusals += 1;
                    free(disk);
                }
                Err(other) => panic!("refused otherwise: {other}"),
            }
        }
        // Compressing needs space too; without it the segments stay as they are.
        let _ = journal.compactor().compact_closed();
    }
    assert_eq!(contents(&journal.reader()).unwrap(), all);
    journal.reader().verify(|_, _| {}).unwrap();
    journal.close().unwrap();
    refusals
}
