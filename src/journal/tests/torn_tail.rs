//! A last group that did not reach the disk whole, at every byte offset of the last 8 KiB.

use crate::{contents, open, options, record, records};
use commonwatt_journal::{Journal, MemoryDisk, OpenError, Options};

const SEGMENT_0: &str = "00000000000000000000.seg";
const BLOCK: usize = 4_096;

/// What a power cut did to a segment.
type Tear<'a> = &'a dyn Fn(&mut Vec<u8>);

/// Two groups on disk, then one that is not synced yet: the disk, the durable records, and where
/// the last group begins and ends.
fn story() -> (MemoryDisk, Vec<Vec<u8>>, usize, usize) {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    let durable: Vec<_> = (0..12).map(|i| record(i, 300)).collect();
    journal.append_group(1, &records(&durable[..7])).unwrap();
    journal.append_group(2, &records(&durable[7..])).unwrap();
    let start = journal.reader().bytes() as usize;
    let last: Vec<_> = (12..30).map(|i| record(i, 440)).collect();
    journal.append_group(3, &records(&last)).unwrap();
    let end = journal.reader().bytes() as usize;
    assert!(
        end - start >= 8_192,
        "the last group is as long as the tail that is torn"
    );
    drop(journal);
    (disk, durable, start, end)
}

/// Opens a torn journal; it holds what was durable, or all of it when nothing was torn.
fn check(disk: &MemoryDisk, durable: &[Vec<u8>], case: &str) -> bool {
    let (mut journal, opened) = open(disk).unwrap_or_else(|e| panic!("{case}: {e}"));
    let found = contents(&journal.reader()).unwrap_or_else(|e| panic!("{case}: {e}"));
    let whole = found.len() > durable.len();
    assert_eq!(&found[..durable.len()], durable, "{case}");
    assert!(
        !whole || (found.len() == 30 && opened.cut.is_none()),
        "{case}"
    );
    if let Some(cut) = &opened.cut {
        assert_eq!(cut.first, 12, "{case}");
        assert!(disk.names().contains(&cut.file), "{case}");
    }
    // Life goes on, and the next start finds a whole journal.
    journal.append_group(4, &records(["goes on"])).unwrap();
    journal
        .reader()
        .verify(|_, _| {})
        .unwrap_or_else(|e| panic!("{case}: {e}"));
    let head = journal.head();
    drop(journal);
    let (_, again) = open(disk).unwrap_or_else(|e| panic!("{case}: {e}"));
    assert_eq!((again.head, again.cut), (head, None), "{case}");
    whole
}

#[test]
fn every_torn_end_of_the_last_group_leaves_every_record_before_it() {
    let (disk, durable, _, end) = story();
    let old = disk
        .fork()
        .edit(SEGMENT_0, |bytes| bytes[BLOCK..2 * BLOCK].to_vec());
    let mut whole = 0;
    for at in end - 8_192..=end {
        let tears: [(&str, Tear<'_>); 4] = [
            ("truncated", &|bytes| bytes.truncate(at)),
            ("zeroed", &|bytes| bytes[at..].fill(0)),
            ("garbled", &|bytes| {
                for (i, byte) in bytes[at..end].iter_mut().enumerate() {
                    *byte = ((i as u64 * 0x9e37_79b9) >> 7) as u8 ^ 0x5a;
                }
            }),
            ("old", &|bytes| {
                for (i, byte) in bytes[at..end].iter_mut().enumerate() {
                    *byte = old[(at + i) % BLOCK];
                }
            }),
        ];
        for (name, tear) in tears {
            if !crate::thorough() && at % 32 != 0 && at + 40 < end {
                continue;
            }
            let torn = disk.fork();
            torn.edit(SEGMENT_0, tear);
            whole += usize::from(check(&torn, &durable, &format!("{name} at {at}")));
        }
    }
    assert!(whole >= 4, "nothing torn is nothing lost");
}

#[test]
fn blocks_of_the_last_group_missing_in_any_order_leave_every_record_before_it() {
    let (disk, durable, start, end) = story();
    let blocks = (end - start) / BLOCK;
    for missing in 1..(1u32 << blocks) {
        let torn = disk.fork();
        torn.edit(SEGMENT_0, |bytes| {
            for block in (0..blocks).filter(|block| missing >> block & 1 == 1) {
                bytes[start + block * BLOCK..start + (block + 1) * BLOCK].fill(0);
            }
        });
        check(&torn, &durable, &format!("blocks {missing:b}"));
    }
}

#[test]
fn a_damaged_group_with_a_later_one_after_it_is_rot_and_named() {
    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    for group in 0..4u64 {
        let list: Vec<_> = (0..3).map(|i| record(group * 3 + i, 1_000)).collect();
        journal.append_group(1, &records(&list)).unwrap();
    }
    drop(journal);
    let before = disk.fork().edit(SEGMENT_0, |bytes| bytes.clone());
    // Each group takes one block; the header, the second record, and the whole block are damaged.
    for (at, length, first) in [
        (2 * BLOCK + 3, 1, 3),
        (2 * BLOCK + 1_500, 1, 4),
        (2 * BLOCK, BLOCK, 3),
    ] {
        let rotten = disk.fork();
        rotten.edit(SEGMENT_0, |bytes| {
            bytes[at..at + length].iter_mut().for_each(|b| *b ^= 0x81)
        });
        let Err(OpenError::Rot(damage)) = open(&rotten) else {
            panic!("rot at {at} is refused")
        };
        assert_eq!((damage.record, &damage.file[..]), (first, SEGMENT_0));
        let after = rotten.edit(SEGMENT_0, |bytes| bytes.clone());
        assert_eq!(
            after.len(),
            before.len(),
            "nothing is cut when opening is refused"
        );
        assert!(!rotten.names().iter().any(|name| name.starts_with("cut/")));
    }
}

#[test]
fn a_record_that_looks_like_a_later_group_does_not_make_an_unfinished_one_rot() {
    // The device sends bytes copied from another journal's segment, at a block's boundary.
    let other = MemoryDisk::new();
    let (mut journal, _) = open(&other).unwrap();
    for _ in 0..6 {
        journal.append_group(1, &records(["x"])).unwrap();
    }
    drop(journal);
    let frame = other.edit(SEGMENT_0, |bytes| bytes[6 * BLOCK..7 * BLOCK].to_vec());

    let disk = MemoryDisk::new();
    let (mut journal, _) = open(&disk).unwrap();
    journal.append_group(1, &records(["durable"])).unwrap();
    let mut hostile = vec![b' '; BLOCK - 112 - 8];
    hostile.extend(&frame);
    hostile.extend(&frame);
    journal.append_group(2, &records([hostile])).unwrap();
    drop(journal);
    disk.edit(SEGMENT_0, |bytes| bytes[2 * BLOCK..3 * BLOCK].fill(0));
    let (journal, opened) = open(&disk).unwrap();
    assert_eq!(opened.cut.map(|cut| cut.first), Some(1));
    assert_eq!(contents(&journal.reader()).unwrap(), [b"durable"]);
}

#[test]
fn a_damaged_last_group_that_is_known_to_have_been_synced_is_refused() {
    let (disk, durable, start, _) = story();
    let size = 30;
    // Somebody holds a head of all thirty records.
    let torn = disk.fork();
    torn.edit(SEGMENT_0, |bytes| bytes[start + 500] ^= 1);
    let expecting = |n| Options {
        expect_at_least: n,
        ..options()
    };
    let refused = Journal::open(torn.shared(), expecting(size));
    assert!(matches!(refused, Err(OpenError::Rot(damage)) if damage.record == 12));
    let cleanly_shorter = disk.fork();
    cleanly_shorter.edit(SEGMENT_0, |bytes| bytes.truncate(start));
    let refused = Journal::open(cleanly_shorter.shared(), expecting(size));
    assert!(matches!(
        refused,
        Err(OpenError::Shorter {
            found: 12,
            expected: 30,
            ..
        })
    ));
    assert!(Journal::open(cleanly_shorter.shared(), expecting(durable.len() as u64)).is_ok());

    // A journal that was closed knows it by itself.
    let (journal, _) = open(&disk).unwrap();
    journal.close().unwrap();
    disk.edit(SEGMENT_0, |bytes| bytes.truncate(start));
    assert!(matches!(
        open(&disk),
        Err(OpenError::Shorter {
            found: 12,
            expected: 30,
            ..
        })
    ));
    disk.edit("synced", |bytes| bytes.fill(7));
    assert!(matches!(open(&disk), Err(OpenError::Rot(damage)) if damage.file == "synced"));
}
