//! The committer: order, limits, refusals, and what happens when the disk fails under it.

use crate::{contents, open, record};
use commonwatt_journal::{
    Acknowledge, CommitError, CommitLimits, Committer, Entry, FaultPlan, Group, Health, Journal,
    MemoryDisk, Options, Records, Refused, SlowDisk,
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Ack {
    durable: AtomicU64,
    failed: AtomicU64,
}

impl Acknowledge for Ack {
    fn durable(&self, entries: u32) {
        assert_eq!(
            self.failed.load(Ordering::SeqCst),
            0,
            "acknowledged after a failure"
        );
        self.durable.fetch_add(u64::from(entries), Ordering::SeqCst);
    }
    fn failed(&self) {
        self.failed.fetch_add(1, Ordering::SeqCst);
    }
}

fn entry<T>(record: Vec<u8>, ack: Option<&Arc<Ack>>, along: T) -> Entry<T> {
    let ack = ack.map(|ack| Arc::clone(ack) as Arc<dyn Acknowledge>);
    Entry {
        records: Records::one(record),
        time_ms: 7,
        count: 1,
        ack,
        along,
    }
}

fn limits() -> CommitLimits {
    CommitLimits {
        bytes: 16 << 10,
        entries: 500,
        compact: true,
    }
}

#[test]
fn the_sink_sees_every_entry_in_journal_order_before_it_is_acknowledged() {
    let disk = MemoryDisk::new();
    let (journal, _) = open(&disk).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ack = Arc::new(Ack::default());
    let (sink_seen, sink_ack) = (Arc::clone(&seen), Arc::clone(&ack));
    let committer = Committer::spawn(journal, limits(), move |group: Group<u64>| {
        let mut seen = sink_seen.lock().unwrap();
        // Nothing of this group has been acknowledged yet.
        assert_eq!(sink_ack.durable.load(Ordering::SeqCst), seen.len() as u64);
        assert_eq!(group.first, seen.len() as u64);
        for (first, count, along) in group.entries {
            assert_eq!((first, count), (seen.len() as u64, 1));
            seen.push(along);
        }
    });
    for number in 0..2_000 {
        let mut next = entry(record(number, 40), Some(&ack), number);
        while let Err(refused) = committer.offer(next) {
            let Refused::Full(back) = refused else {
                panic!("refused for another reason")
            };
            next = back;
            std::thread::yield_now();
        }
    }
    committer.stop();
    assert_eq!(ack.durable.load(Ordering::SeqCst), 2_000);
    assert_eq!(*seen.lock().unwrap(), (0..2_000).collect::<Vec<_>>());
    assert!(matches!(
        committer.offer(entry(vec![], None, 0)),
        Err(Refused::Stopped(_))
    ));
    let all: Vec<_> = (0..2_000).map(|n| record(n, 40)).collect();
    assert_eq!(contents(&committer.reader()).unwrap(), all);
    drop(committer);
    assert_eq!(contents(&open(&disk).unwrap().0.reader()).unwrap(), all);
}

#[test]
fn a_decision_waits_until_it_is_on_disk_and_learns_its_position() {
    let disk = MemoryDisk::new();
    let (journal, _) = open(&disk).unwrap();
    let committer = Committer::spawn(journal, limits(), |_: Group<()>| {});
    let threads: Vec<_> = (0..4u64)
        .map(|t| {
            let committer = committer.clone();
            std::thread::spawn(move || {
                for i in 0..50u64 {
                    let text = record(t * 50 + i, 30);
                    let index = committer.append(entry(text.clone(), None, ())).unwrap();
                    let found = committer.reader().record(index).unwrap().unwrap();
                    assert_eq!(found.bytes, text);
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(committer.reader().size(), 200);
    let large = Entry {
        records: Records::one(vec![1; 9 << 10]),
        time_ms: 0,
        count: 1,
        ack: None,
        along: (),
    };
    assert!(matches!(
        committer.append(large),
        Err(CommitError::TooLarge { .. })
    ));
}

#[test]
fn a_full_batch_gives_the_entry_back_and_room_comes_with_the_next_group() {
    let disk = MemoryDisk::new();
    let slow = Arc::new(SlowDisk::new(disk.shared(), Duration::from_millis(20)));
    let options = Options {
        segment_bytes: 64 << 10,
        expect_at_least: 0,
    };
    let (journal, _) = Journal::open(slow, options).unwrap();
    let committer = Committer::spawn(
        journal,
        CommitLimits {
            entries: 3,
            ..limits()
        },
        |_: Group<()>| {},
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut fulls = 0;
    runtime.block_on(async {
        for number in 0..40 {
            let mut next = entry(record(number, 20), None, ());
            loop {
                committer.room().await;
                match committer.offer(next) {
                    Ok(()) => break,
                    Err(Refused::Full(back)) => {
                        next = back;
                        fulls += 1;
                    }
                    Err(_) => panic!("refused for another reason"),
                }
            }
        }
    });
    assert_eq!(fulls, 0, "after room, one offer is taken");
    committer.stop();
    runtime.block_on(committer.room());
    assert_eq!(committer.reader().size(), 40);
}

#[test]
fn a_failed_sync_fails_everything_pending_and_stops_intake() {
    let disk = MemoryDisk::new();
    let (journal, _) = open(&disk).unwrap();
    let sunk = Arc::new(AtomicU64::new(0));
    let sink = Arc::clone(&sunk);
    let committer = Committer::spawn(journal, limits(), move |group: Group<()>| {
        sink.fetch_add(group.entries.len() as u64, Ordering::SeqCst);
    });
    committer
        .append(entry(b"first".to_vec(), None, ()))
        .unwrap();
    disk.set_plan(FaultPlan {
        sync: Some(3),
        ..FaultPlan::default()
    });
    let ack = Arc::new(Ack::default());
    let mut offered = 0;
    while committer
        .offer(entry(record(offered, 30), Some(&ack), ()))
        .is_ok()
        || committer.health() == Health::Running
    {
        offered += 1;
        std::thread::sleep(Duration::from_micros(50));
    }
    let Health::Stopped(reason) = committer.health() else {
        panic!("intake has stopped")
    };
    assert!(reason.contains("sync"), "{reason}");
    assert!(matches!(
        committer.append(entry(vec![1], None, ())),
        Err(CommitError::Append(_))
    ));
    committer.stop();
    assert!(ack.failed.load(Ordering::SeqCst) > 0);
    assert_eq!(
        sunk.load(Ordering::SeqCst),
        1 + ack.durable.load(Ordering::SeqCst)
    );
}

#[test]
fn out_of_space_fails_the_group_alone_and_heals() {
    let disk = MemoryDisk::new();
    let (journal, _) = open(&disk).unwrap();
    let committer = Committer::spawn(
        journal,
        CommitLimits {
            compact: false,
            ..limits()
        },
        |_: Group<()>| {},
    );
    disk.set_capacity(disk.used());
    let mut appended = 0;
    let refused = loop {
        match committer.append(entry(record(appended, 4_000), None, ())) {
            Ok(_) => appended += 1,
            Err(refused) => break refused,
        }
    };
    assert!(refused.to_string().contains("no space"), "{refused}");
    assert_eq!(committer.health(), Health::OutOfSpace);
    disk.set_capacity(1 << 30);
    let index = committer
        .append(entry(b"healed".to_vec(), None, ()))
        .unwrap();
    assert_eq!((index, committer.health()), (appended, Health::Running));
}

#[test]
fn a_sink_that_panics_leaves_nobody_waiting() {
    let disk = MemoryDisk::new();
    let (journal, _) = open(&disk).unwrap();
    let armed = Arc::new(AtomicBool::new(false));
    let sink_armed = Arc::clone(&armed);
    let committer = Committer::spawn(journal, limits(), move |_: Group<()>| {
        assert!(!sink_armed.load(Ordering::SeqCst), "the planned panic");
    });
    committer.append(entry(b"calm".to_vec(), None, ())).unwrap();
    armed.store(true, Ordering::SeqCst);
    assert!(
        committer
            .append(entry(b"storm".to_vec(), None, ()))
            .is_err()
    );
    committer.stop();
    assert!(matches!(committer.health(), Health::Stopped(_)));
}

#[test]
fn dropping_the_last_handle_commits_what_is_pending() {
    let disk = MemoryDisk::new();
    let (journal, _) = open(&disk).unwrap();
    let committer = Committer::spawn(journal, limits(), |_: Group<()>| {});
    for number in 0..100 {
        assert!(committer.offer(entry(record(number, 20), None, ())).is_ok());
    }
    let reader = committer.reader();
    drop(committer);
    while reader.size() < 100 {
        std::thread::yield_now();
    }
    // The thread gives the folder up when it has closed the journal.
    let (journal, _) = loop {
        match open(&disk) {
            Ok(opened) => break opened,
            Err(_) => std::thread::yield_now(),
        }
    };
    assert_eq!(journal.head().size, 100);
}
