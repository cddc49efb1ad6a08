//! One session, step by step.

use bridge::session::{Limits, Publish, Session};

use crate::support::{Daemon, at, parse, read};

/// One read a note, closed at once.
fn singly() -> Limits {
    Limits {
        reads_per_note: 1,
        ..Limits::default()
    }
}

fn all(session: &mut Session, ms: u64) -> Vec<Publish> {
    std::iter::from_fn(|| session.poll(at(ms))).collect()
}

fn seqs(published: &[Publish]) -> Vec<u64> {
    published.iter().map(|p| p.id.seq).collect()
}

#[test]
fn a_note_is_closed_by_count_or_by_age() {
    let limits = Limits {
        reads_per_note: 3,
        note_after_ms: 1_000,
        ..Limits::default()
    };
    let mut session = Session::new(7, limits);
    session.connected(0, at(0));
    for n in 0..4 {
        session.read(read("E1", n), at(100));
    }
    let first = all(&mut session, 100);
    assert_eq!(seqs(&first), [1]);
    assert_eq!(parse(&first[0].payload).1.len(), 3);
    assert_eq!(session.wake_at_ms(at(100)), Some(1_100));
    assert_eq!(seqs(&all(&mut session, 1_099)), [0u64; 0]);
    let second = all(&mut session, 1_100);
    assert_eq!(seqs(&second), [2]);
    assert_eq!(parse(&second[0].payload).0.boot, 7);
}

#[test]
fn rounds_that_come_faster_than_a_note_gathers_share_it_each_with_its_time() {
    // Two meters each 100 ms, gathered for 250 ms: one write to the card for three rounds.
    let limits = Limits {
        reads_per_note: 200,
        note_after_ms: 250,
        ..Limits::default()
    };
    let mut session = Session::new(1, limits);
    let mut daemon = Daemon::default();
    session.connected(0, at(0));
    let mut expected = Vec::new();
    let mut notes = 0;
    for round in 1..=9 {
        for meter in ["E1", "E2"] {
            expected.push(read(meter, round * 100));
            session.read(read(meter, round * 100), at(round * 100));
        }
        for sent in all(&mut session, round * 100 + 50) {
            notes += 1;
            daemon.take(&sent.payload);
        }
    }
    assert_eq!(notes, 3);
    let mut kept = daemon.reads();
    kept.sort_by_key(|read| (read.at, read.meter.clone()));
    assert_eq!(kept, expected);
}

#[test]
fn a_puback_is_only_transport_and_a_receipt_lets_a_note_go() {
    let mut session = Session::new(1, singly());
    let mut daemon = Daemon::default();
    session.connected(0, at(0));
    session.read(read("E1", 1), at(0));
    let sent = session.poll(at(0)).unwrap();
    session.transported(sent.id, at(1));
    assert!(!session.all_receipted());

    session.connected(0, at(10));
    assert_eq!(session.poll(at(10)), Some(sent.clone()), "same bytes again");
    daemon.take(&sent.payload);
    session.receipt(&daemon.receipt(), at(20));
    assert!(session.all_receipted());
    session.connected(0, at(30));
    assert_eq!(session.poll(at(30)), None);
}

#[test]
fn reads_made_now_overtake_a_replay() {
    let mut session = Session::new(1, singly());
    for n in 1..=100 {
        session.read(read("E1", n), at(n));
    }
    session.connected(500, at(1_000));
    assert_eq!(
        seqs(&all(&mut session, 1_000)),
        [0u64; 0],
        "the replay waits"
    );
    assert_eq!(session.wake_at_ms(at(1_000)), Some(1_500));
    session.read(read("E1", 101), at(1_100));
    assert_eq!(seqs(&all(&mut session, 1_100)), [101]);

    let replayed = all(&mut session, 1_500);
    assert_eq!(
        seqs(&replayed),
        (1..=12).collect::<Vec<_>>(),
        "a chunk, in order"
    );
    session.read(read("E1", 102), at(1_600));
    assert_eq!(
        seqs(&all(&mut session, 1_600)),
        [102],
        "without waiting for a PUBACK"
    );
    session.transported(replayed[0].id, at(1_700));
    assert_eq!(seqs(&all(&mut session, 1_700)), [13]);
}

#[test]
fn what_the_daemon_already_holds_is_not_replayed() {
    let mut session = Session::new(1, singly());
    let mut daemon = Daemon::default();
    session.connected(0, at(0));
    for n in 1..=5 {
        session.read(read("E1", n), at(n));
    }
    for sent in all(&mut session, 10) {
        if sent.id.seq != 3 {
            daemon.take(&sent.payload);
        }
    }
    session.connected(1_000, at(20));
    session.receipt(&daemon.receipt(), at(30));
    assert_eq!(seqs(&all(&mut session, 1_020)), [3]);
}

#[test]
fn a_note_that_a_broker_lost_is_sent_again_when_the_daemon_is_heard_without_it() {
    let mut session = Session::new(1, singly());
    let daemon = Daemon::default();
    session.connected(0, at(0));
    session.read(read("E1", 1), at(0));
    let sent = session.poll(at(0)).unwrap();
    session.transported(sent.id, at(0));
    session.receipt(&daemon.receipt(), at(89_999));
    assert_eq!(session.poll(at(89_999)), None, "it may still be on its way");
    assert_eq!(session.poll(at(200_000)), None, "nobody listens");
    session.receipt(&daemon.receipt(), at(200_000));
    assert_eq!(session.poll(at(200_000)), Some(sent));
}

#[test]
fn a_receipt_that_goes_backwards_makes_it_send_again_from_there() {
    let mut session = Session::new(1, singly());
    let mut daemon = Daemon::default();
    let mut older = Daemon::default();
    session.connected(0, at(0));
    for n in 1..=10 {
        session.read(read("E1", n), at(n));
        let sent = session.poll(at(n)).unwrap();
        session.transported(sent.id, at(n));
        daemon.take(&sent.payload);
        if n == 4 {
            older = daemon.clone();
        }
    }
    session.receipt(&daemon.receipt(), at(20));
    assert!(session.all_receipted());
    session.receipt(&older.receipt(), at(30));
    assert_eq!(seqs(&all(&mut session, 30)), [5, 6, 7, 8, 9, 10]);
    assert_eq!(session.standing().returned, 6);
}

#[test]
fn a_daemon_that_has_never_heard_of_this_boot_gets_all_of_it() {
    let mut session = Session::new(3, singly());
    let mut daemon = Daemon::default();
    session.connected(0, at(0));
    session.read(read("E1", 1), at(0));
    daemon.take(&session.poll(at(0)).unwrap().payload);
    session.receipt(&daemon.receipt(), at(1));
    assert!(session.all_receipted());
    session.receipt(
        &wire::Receipt::parse(br#"{"done":[{"boot":2,"upto":9,"also":[]}],"head":""}"#).unwrap(),
        at(2),
    );
    assert_eq!(session.standing().unreceipted, 1);
    session.receipt(&daemon.receipt(), at(3));
    session.receipt(
        &wire::Receipt::parse(br#"{"done":[{"boot":4,"upto":9,"also":[]}],"head":""}"#).unwrap(),
        at(4),
    );
    assert!(
        session.all_receipted(),
        "an older boot may merely be left out"
    );
}

#[test]
fn a_full_backlog_gives_up_the_oldest_detail_and_never_a_registers_last_read() {
    let limits = Limits {
        reads_per_note: 10,
        backlog_bytes: 20_000,
        ..Limits::default()
    };
    let mut session = Session::new(1, limits);
    let total = 20_000;
    session.read(read("died", 1), at(1));
    for n in 2..=total {
        let meter = ["E1", "E2", "E3"][usize::try_from(n % 3).unwrap()];
        session.read(read(meter, n), at(n));
        assert!(
            session.standing().bytes <= limits.backlog_bytes,
            "after read {n}"
        );
    }
    session.flush(at(total));

    let mut daemon = Daemon::default();
    session.connected(0, at(total));
    while let Some(sent) = session.poll(at(total)) {
        session.transported(sent.id, at(total));
        daemon.take(&sent.payload);
    }
    session.receipt(&daemon.receipt(), at(total));
    assert!(
        session.all_receipted(),
        "the hole in the sequence does not matter"
    );
    let kept = daemon.reads();
    let standing = session.standing();
    assert!(standing.lost_notes > 0);
    assert_eq!(
        standing.lost_reads + kept.len() as u64,
        total,
        "what is not kept is counted"
    );
    for (meter, last) in [
        ("died", 1),
        ("E3", total),
        ("E2", total - 1),
        ("E1", total - 2),
    ] {
        assert!(kept.contains(&read(meter, last)), "last read of {meter}");
    }
    let newest_first: Vec<i64> = kept
        .iter()
        .rev()
        .filter(|r| r.meter == "E3")
        .map(|r| r.wh)
        .collect();
    assert!(
        newest_first.windows(2).all(|pair| pair[0] - pair[1] == 3),
        "the newest without a gap"
    );
}

#[test]
fn a_backlog_of_last_reads_alone_stays_above_its_limit() {
    let limits = Limits {
        backlog_bytes: 100,
        ..singly()
    };
    let mut session = Session::new(1, limits);
    for n in 1..=50 {
        session.read(read(&format!("meter {n}"), n), at(n));
    }
    assert_eq!(session.standing().unreceipted, 50);
    assert_eq!(session.standing().lost_reads, 0);
}

#[test]
fn named_notes_make_room_before_unnamed_ones() {
    let limits = Limits {
        backlog_bytes: 5_000,
        ..singly()
    };
    let mut session = Session::new(1, limits);
    let mut daemon = Daemon::default();
    session.connected(0, at(0));
    for n in 1..=1_000 {
        session.read(read("E1", n), at(n));
        let sent = session.poll(at(n)).unwrap();
        session.transported(sent.id, at(n));
        daemon.take(&sent.payload);
        session.receipt(&daemon.receipt(), at(n));
    }
    let standing = session.standing();
    assert_eq!((standing.unreceipted, standing.lost_notes), (0, 0));
    assert!(
        standing.ring > 20 && standing.bytes <= 5_000,
        "{standing:?}"
    );
}
