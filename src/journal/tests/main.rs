//! The journal as its callers meet it, on disks that lose power, tear, fill up, fail and rot.
//! `COMMONWATT_CAMPAIGN=1` runs the large counts.

mod committing;
mod disk_full;
mod failing_disk;
mod model;
mod reading;
mod rot;
mod torn_tail;

use commonwatt_journal::{Journal, MemoryDisk, OpenError, Opened, Options, Reader, Records};

/// Small segments, so that every test rotates.
const SEGMENT: u64 = 32 << 10;

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT,
        expect_at_least: 0,
    }
}

fn open(disk: &MemoryDisk) -> Result<(Journal, Opened), OpenError> {
    Journal::open(disk.shared(), options())
}

fn records<R: AsRef<[u8]>>(list: impl IntoIterator<Item = R>) -> Records {
    let mut records = Records::new();
    list.into_iter()
        .for_each(|record| records.push(record.as_ref()));
    records
}

/// A record of this length that no other number has.
fn record(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = format!("record {number} ").into_bytes();
    bytes.extend((bytes.len()..length).map(|i| (number as usize * 31 + i * 7) as u8));
    bytes
}

/// Everything a reader gives, or the damage it names.
fn contents(reader: &Reader) -> Result<Vec<Vec<u8>>, String> {
    reader
        .read(0)
        .map(|r| r.map(|r| r.bytes).map_err(|e| e.to_string()))
        .collect()
}

fn campaign() -> bool {
    std::env::var_os("COMMONWATT_CAMPAIGN").is_some_and(|v| v != "0")
}

/// Every offset and every byte: in the optimised build, and in a campaign.
fn thorough() -> bool {
    campaign() || !cfg!(debug_assertions)
}

/// A journal of groups of one to five records, about this many bytes on disk.
fn filled(disk: &MemoryDisk, bytes: u64) -> Vec<Vec<u8>> {
    let (mut journal, _) = open(disk).unwrap();
    let mut all = Vec::new();
    let mut group = 0;
    while journal.reader().bytes() < bytes {
        let many = 1 + group % 5;
        let list: Vec<_> = (0..many)
            .map(|i| record(all.len() as u64 + i, 60 + (group as usize * 37) % 900))
            .collect();
        journal
            .append_group(1_000 * group as i64, &records(&list))
            .unwrap();
        all.extend(list);
        group += 1;
    }
    journal.close().unwrap();
    all
}
