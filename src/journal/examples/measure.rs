//! Measures a journal on a real folder: appends through the committer, then starts, replays,
//! checks and compresses. `measure FOLDER [RECORDS] [compact|no] [ENTRIES A BATCH]`; the folder must be empty.

use commonwatt_journal::{
    CommitLimits, Committer, Entry, Group, Journal, Options, RealDisk, Records, Refused,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder to measure in");
    let total: u64 = arguments
        .next()
        .map_or(2_000_000, |n| n.parse().expect("a number of records"));
    let compact = arguments.next().is_some_and(|word| word == "compact");
    let disk = || Arc::new(RealDisk::new(&folder).expect("a folder"));

    let (mut journal, _) = Journal::open(disk(), Options::default()).expect("opens");
    let mut group = Records::new();
    (0..4_000).for_each(|number| group.push(&reading(number)));
    let start = Instant::now();
    for _ in 0..100 {
        journal.append_group(0, &group).expect("appends");
    }
    let each = start.elapsed().as_secs_f64() / 400_000.0;
    println!(
        "groups  {:.2} M records/s, 4000 a group, no committer",
        1e-6 / each
    );
    let mut prepared: Vec<Vec<u8>> = (0..total).rev().map(reading).collect();
    let groups = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&groups);
    let entries = arguments
        .next()
        .map_or(CommitLimits::default().entries, |n| {
            n.parse().expect("entries")
        });
    let limits = CommitLimits {
        compact,
        entries,
        ..CommitLimits::default()
    };
    let committer = Committer::spawn(journal, limits, move |_: Group<u64>| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let start = Instant::now();
    for number in 0..total {
        let mut entry = Entry {
            records: Records::one(prepared.pop().expect("made before")),
            time_ms: (number / 1_000) as i64,
            count: 1,
            ack: None,
            along: number,
        };
        while let Err(refused) = committer.offer(entry) {
            let Refused::Full(back) = refused else {
                panic!("intake stopped")
            };
            entry = back;
            std::thread::yield_now();
        }
    }
    committer.stop();
    let seconds = start.elapsed().as_secs_f64();
    let bytes = committer.reader().bytes();
    let groups = groups.load(Ordering::Relaxed);
    let rate = total as f64 / seconds / 1e6;
    let speed = bytes as f64 / seconds / 1e6;
    println!("append  {rate:.2} M records/s, {speed:.0} MB/s, {groups} groups, one producer");
    drop(committer);

    let start = Instant::now();
    let (journal, opened) = Journal::open(disk(), Options::default()).expect("opens again");
    println!(
        "open    {:.3} s, {} records",
        start.elapsed().as_secs_f64(),
        opened.head.size
    );
    let reader = journal.reader();
    for (name, ahead) in [("replay", false), ("ahead ", true)] {
        let start = Instant::now();
        let mut sum = 0;
        let mut add = |batch: Result<commonwatt_journal::Batch, _>| {
            let batch: commonwatt_journal::Batch = batch.unwrap_or_else(|e| panic!("{e}"));
            sum += batch
                .iter()
                .map(|record| record.bytes.len() as u64)
                .sum::<u64>();
        };
        if ahead {
            reader.batches_ahead(0).for_each(&mut add)
        } else {
            reader.batches(0).for_each(&mut add)
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{name}  {seconds:.3} s, {:.0} MB/s of records",
            sum as f64 / seconds / 1e6
        );
    }
    let start = Instant::now();
    reader.verify(|_, _| {}).unwrap_or_else(|e| panic!("{e}"));
    println!("verify  {:.3} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let segments = journal
        .compactor()
        .compact_closed()
        .unwrap_or_else(|e| panic!("{e}"));
    let after = reader.bytes();
    println!(
        "compact {:.3} s, {segments} segments, {bytes} -> {after} bytes",
        start.elapsed().as_secs_f64()
    );
    let start = Instant::now();
    let records = reader
        .batches(0)
        .map(|b| b.unwrap_or_else(|e| panic!("{e}")).iter().count())
        .sum::<usize>();
    println!(
        "replay  {:.3} s, {records} records, mostly compressed",
        start.elapsed().as_secs_f64()
    );
}

/// What a gateway sends for one read, in about 150 bytes.
fn reading(number: u64) -> Vec<u8> {
    let (meter, wh) = (number % 2_000, number * 7 % 100_000_000);
    format!(
        r#"{{"boot":7,"seq":{number},"now":"2026-11-22T10:30:00Z","clock":"S","reads":[{{"meter":"20000{meter:07}","register":"2.8.0","t":"2026-11-22T10:29:{:02}Z","wh":{wh},"w":{}}}]}}"#,
        number % 60,
        number % 3_600
    )
    .into_bytes()
}
