//! Reading by position and by time, verifying, compressing, copying.

use crate::{contents, filled, open, options, record, records};
use commonwatt_journal::{CopyError, Journal, MemoryDisk, OpenError, Options, Reader, RealDisk};
use std::sync::Arc;

#[test]
fn what_was_appended_is_read_back_after_reopening() {
    let disk = MemoryDisk::new();
    let (mut journal, opened) = open(&disk).unwrap();
    assert!(opened.created);
    assert_eq!(
        journal.append_group(5, &records(["a", "b"])).unwrap().first,
        0
    );
    assert_eq!(journal.append_group(6, &records(["c"])).unwrap().first, 2);
    let head = journal.head();
    assert!(matches!(open(&disk), Err(OpenError::Locked)));
    drop(journal);

    let (journal, opened) = open(&disk).unwrap();
    assert!(!opened.created && opened.cut.is_none());
    assert_eq!(opened.head, head);
    let reader = journal.reader();
    assert_eq!(contents(&reader).unwrap(), [b"a", b"b", b"c"]);
    let third = reader.record(2).unwrap().unwrap();
    assert_eq!(
        (third.index, third.time_ms, &third.bytes[..]),
        (2, 6, &b"c"[..])
    );
    assert_eq!(reader.record(3).unwrap(), None);
}

#[test]
fn records_are_found_at_every_position_open_and_compressed() {
    let disk = MemoryDisk::new();
    let all = filled(&disk, 300 << 10);
    let (journal, opened) = open(&disk).unwrap();
    assert_eq!(opened.head.size, all.len() as u64);
    for compressed in [false, true] {
        if compressed {
            assert!(journal.compactor().compact_closed().unwrap() > 5);
            assert!(!disk.names().iter().any(|name| name.ends_with(".idx")));
        }
        let reader = journal.reader();
        assert_eq!(contents(&reader).unwrap(), all);
        for (at, bytes) in all.iter().enumerate() {
            assert_eq!(&reader.record(at as u64).unwrap().unwrap().bytes, bytes);
        }
        let ahead: Vec<Vec<u8>> = reader
            .batches_ahead(7)
            .flat_map(|b| {
                b.unwrap()
                    .iter()
                    .map(|r| r.bytes.to_vec())
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(ahead, all[7..]);
        let mut last = 0;
        let verified = reader.verify(|done, of| {
            assert!(done <= of);
            last = done;
        });
        assert_eq!(verified.unwrap().head, opened.head);
        assert_eq!(last, opened.head.size);
    }
    drop(journal);
    let (journal, again) = open(&disk).unwrap();
    assert_eq!(again.head, opened.head);
    assert_eq!(contents(&journal.reader()).unwrap(), all);
    assert_eq!(journal.compactor().compact_closed().unwrap(), 0);
}

#[test]
fn a_span_of_time_is_found_also_when_the_clock_went_back() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let mut times = Vec::new();
    for group in 0..120i64 {
        // A clock that is set back by a day in the middle.
        let time = group * 1_000 - if group > 60 { 40_000 } else { 0 };
        let list: Vec<_> = (0..9).map(|i| record(group as u64 * 9 + i, 300)).collect();
        journal.append_group(time, &records(&list)).unwrap();
        times.extend([time; 9]);
    }
    for compressed in [false, true] {
        if compressed {
            journal.compactor().compact_closed().unwrap();
        }
        for (from, to) in [
            (0, 1),
            (25_000, 35_000),
            (21_000, 21_001),
            (79_000, 200_000),
            (500, 900),
        ] {
            let found: Vec<u64> = journal
                .reader()
                .between(from, to)
                .flat_map(|b| b.unwrap().iter().map(|r| r.index).collect::<Vec<_>>())
                .collect();
            let wanted: Vec<u64> = (0..)
                .zip(&times)
                .filter(|(_, t)| (from..to).contains(*t))
                .map(|(i, _)| i)
                .collect();
            assert_eq!(found, wanted, "{from}..{to}");
        }
    }
}

#[test]
fn a_span_of_time_does_not_read_the_other_segments() {
    let disk = MemoryDisk::new();
    filled(&disk, 300 << 10);
    let (journal, _) = open(&disk).unwrap();
    let size = journal.head().size;
    let last = journal.reader().record(size - 1).unwrap().unwrap();
    // Everything before the last segments is unreadable; the span does not notice.
    for name in disk.names().iter().filter(|n| n.ends_with(".seg")).take(6) {
        disk.edit(name, |bytes| bytes[4_096..].fill(0xee));
    }
    let found: Vec<_> = journal.reader().between(last.time_ms, i64::MAX).collect();
    assert!(found.iter().all(Result::is_ok) && !found.is_empty());
    assert!(contents(&journal.reader()).is_err());
}

#[test]
fn a_missing_index_is_made_again() {
    let disk = MemoryDisk::new();
    let all = filled(&disk, 150 << 10);
    let indexes: Vec<_> = disk
        .names()
        .into_iter()
        .filter(|n| n.ends_with(".idx"))
        .collect();
    for (i, name) in indexes.iter().enumerate() {
        disk.edit(name, |bytes| {
            if i % 2 == 0 {
                bytes[20] ^= 1
            } else {
                bytes.clear()
            }
        });
    }
    let (journal, opened) = open(&disk).unwrap();
    assert_eq!(opened.rebuilt, indexes.len() as u64);
    assert_eq!(contents(&journal.reader()).unwrap(), all);
    drop(journal);
    assert_eq!(open(&disk).unwrap().1.rebuilt, 0);
}

#[test]
fn a_segment_that_was_compressed_just_before_the_power_went_is_taken_once() {
    let disk = MemoryDisk::new();
    let all = filled(&disk, 150 << 10);
    let before = disk.fork();
    let (journal, opened) = open(&disk).unwrap();
    journal.compactor().compact_closed().unwrap();
    // The old files come back beside the new ones, as when their removal was not yet on disk.
    for name in before
        .names()
        .iter()
        .filter(|n| n.ends_with(".seg") || n.ends_with(".idx"))
    {
        if !disk.names().contains(name) {
            let old = before.edit(name, |bytes| bytes.clone());
            disk.edit(name, |bytes| *bytes = old);
        }
    }
    disk.edit("00000000000000000000.tmp", |bytes| bytes.extend([1; 99]));
    drop(journal);
    let (journal, again) = open(&disk).unwrap();
    assert_eq!(again.head, opened.head);
    assert_eq!(contents(&journal.reader()).unwrap(), all);
    let firsts: Vec<_> = disk
        .names()
        .into_iter()
        .filter(|n| n.starts_with("00000000000000000000"))
        .collect();
    assert_eq!(firsts, ["00000000000000000000.zst"]);
}

#[test]
fn a_copy_made_while_writing_opens_and_has_the_head_of_its_moment() {
    let disk = MemoryDisk::new();
    filled(&disk, 150 << 10);
    let (mut journal, _) = open(&disk).unwrap();
    journal.append_group(1, &records(["before"])).unwrap();
    let head = journal.head();
    let reader = journal.reader();
    let target = MemoryDisk::new();
    let mut steps = (0, 0);
    let copied = reader
        .copy_to(target.shared(), |done, of| steps = (done, of))
        .unwrap();
    assert_eq!(copied.head, head);
    assert_eq!(steps.0, steps.1);
    journal.append_group(1, &records(["after"])).unwrap();
    assert!(matches!(
        reader.copy_to(target.shared(), |_, _| {}),
        Err(CopyError::NotEmpty)
    ));

    // The copy is a journal in its own right: it can be read, checked and continued.
    assert_eq!(Reader::open(target.shared()).unwrap().head(), head);
    let expecting = Options {
        expect_at_least: head.size,
        ..options()
    };
    let (mut restored, opened) = Journal::open(target.shared(), expecting).unwrap();
    assert_eq!((opened.head, opened.cut), (head, None));
    restored.append_group(2, &records(["a new life"])).unwrap();
    drop(restored);
    let size = open(&target).unwrap().1.head.size;
    assert_eq!(size, head.size + 1);
}

#[test]
fn a_copy_of_a_damaged_journal_is_refused() {
    let disk = MemoryDisk::new();
    filled(&disk, 100 << 10);
    let (journal, _) = open(&disk).unwrap();
    disk.edit("00000000000000000000.seg", |bytes| bytes[5_000] ^= 4);
    let refused = journal
        .reader()
        .copy_to(MemoryDisk::new().shared(), |_, _| {});
    assert!(matches!(refused, Err(CopyError::Damage(_))));
}

#[test]
fn a_real_folder_does_all_of_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let disk = || Arc::new(RealDisk::new(folder.path().join("a/journal")).unwrap());
    let (mut journal, opened) = Journal::open(disk(), options()).unwrap();
    assert!(opened.created);
    assert!(matches!(
        Journal::open(disk(), options()),
        Err(OpenError::Locked)
    ));
    let all: Vec<_> = (0..400).map(|i| record(i, 500)).collect();
    for (i, part) in all.chunks(7).enumerate() {
        journal.append_group(i as i64, &records(part)).unwrap();
    }
    assert!(journal.compactor().compact_closed().unwrap() > 3);
    let head = journal.head();
    let target = Arc::new(RealDisk::new(folder.path().join("copy")).unwrap());
    assert_eq!(
        journal.reader().copy_to(target, |_, _| {}).unwrap().head,
        head
    );
    journal.close().unwrap();
    let (journal, opened) = Journal::open(disk(), options()).unwrap();
    assert_eq!(opened.head, head);
    assert_eq!(contents(&journal.reader()).unwrap(), all);
    assert_eq!(journal.reader().verify(|_, _| {}).unwrap().head, head);
}

#[test]
fn a_reader_of_a_folder_without_a_journal_says_so_and_makes_nothing() {
    let disk = MemoryDisk::new();
    assert!(Reader::open(disk.shared()).is_err());
    assert!(disk.names().is_empty());
}
