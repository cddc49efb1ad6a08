//! What happens at each limit, and when the disk says no.

use std::{
    io::Write,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use commonwatt_ingest::endpoint::Limits;
use journal::{CommitLimits, FaultPlan, SlowDisk};
use records::message::Digest;

use crate::{
    raw::{Hello, Raw, publish},
    stage::{GATEWAYS, NOON, Setup, Stage, payload, reads_topic, wait_until},
};

fn with_limits(limits: Limits) -> Stage {
    Stage::with(Setup {
        limits,
        ..Setup::default()
    })
}

#[test]
fn half_open_connections_end_in_time_and_do_not_keep_others_out() {
    let stage = with_limits(Limits {
        connect_seconds: 1,
        half_open: 200,
        ..Limits::default()
    });
    let begin = Instant::now();
    let mut silent: Vec<Raw> = (0..150).map(|_| Raw::open(stage.address())).collect();
    for (n, raw) in silent.iter_mut().enumerate() {
        // Half of them send the beginning of a CONNECT, which must not buy them time.
        if n % 2 == 0 {
            raw.send(&Hello::v4(GATEWAYS[0]).packet()[..9]);
        }
    }
    let mut good = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[0]));
    good.send(&publish(
        4,
        1,
        1,
        &reads_topic(GATEWAYS[0]),
        payload(GATEWAYS[0], 1, 1).as_bytes(),
    ));
    assert_eq!(good.packet(), (0x40, vec![0, 1]));
    for raw in &mut silent {
        assert_eq!(raw.closed(), b"");
    }
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    wait_until("they are forgotten", || stage.metrics.half_open.get() == 0);
}

#[test]
fn more_connections_than_the_cap_are_closed_at_once() {
    let stage = with_limits(Limits {
        connections: 5,
        half_open: 3,
        ..Limits::default()
    });
    let mut good: Vec<Raw> = (0..5)
        .map(|n| {
            Raw::connect(
                stage.address(),
                &Hello {
                    client_id: format!("c{n}"),
                    ..Hello::v4(GATEWAYS[0])
                },
            )
        })
        .collect();
    let mut extra = Raw::open(stage.address());
    assert_eq!(extra.closed(), b"");
    good.pop();
    wait_until("one has left", || stage.metrics.connections.get() == 4);
    drop(Raw::connect(stage.address(), &Hello::v4(GATEWAYS[0])));
    assert_eq!(stage.metrics.turned_away.get(), 1);
}

#[test]
fn a_client_that_does_not_read_is_let_go() {
    let stage = with_limits(Limits {
        stall_seconds: 1,
        out_bytes: 4 << 10,
        ..Limits::default()
    });
    let mut raw = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[0]));
    raw.stream.set_nonblocking(true).unwrap();
    let pings = [0xc0, 0].repeat(8 << 10);
    let begin = Instant::now();
    loop {
        match raw.stream.write(&pings) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(_) => break,
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "still connected");
    }
}

#[test]
fn a_full_committer_slows_clients_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = journal::RealDisk::new(folder.path()).unwrap();
    let slow = SlowDisk::new(std::sync::Arc::new(disk), Duration::from_millis(20));
    let stage = Stage::with(Setup {
        commit: CommitLimits {
            bytes: 4 << 20,
            entries: 1,
            ..CommitLimits::default()
        },
        disk: Some(std::sync::Arc::new(slow)),
        ..Setup::default()
    });
    let clients: Vec<_> = (0..8_u64)
        .map(|n| {
            let hello = Hello {
                client_id: format!("c{n}"),
                ..Hello::v4(GATEWAYS[0])
            };
            let mut raw = Raw::connect(stage.address(), &hello);
            std::thread::spawn(move || {
                for round in 0..20 {
                    let bytes: Vec<u8> = (1..=50)
                        .flat_map(|id: u16| {
                            let seq = n * 1_000 + round * 50 + u64::from(id);
                            publish(
                                4,
                                1,
                                id,
                                &reads_topic(GATEWAYS[0]),
                                payload(GATEWAYS[0], 1, seq).as_bytes(),
                            )
                        })
                        .collect();
                    raw.send(&bytes);
                    for id in 1..=50_u16 {
                        assert_eq!(raw.packet(), (0x40, id.to_be_bytes().to_vec()));
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let mut sequences = stage.sequences(GATEWAYS[0], 1);
    sequences.sort_unstable();
    let all: Vec<u64> = (0..8)
        .flat_map(|n| n * 1_000 + 1..=n * 1_000 + 1_000)
        .collect();
    assert_eq!(sequences, all);
    assert!(
        stage.metrics.stalls.get() > 0,
        "the committer was never full"
    );
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_nobody_is_let_in() {
    for fail_at in 1..12 {
        let disk = journal::MemoryDisk::new();
        let stage = Stage::with(Setup {
            disk: Some(disk.shared()),
            segment_bytes: 1 << 20,
            ..Setup::default()
        });
        disk.set_plan(FaultPlan {
            sync: Some(fail_at),
            ..FaultPlan::default()
        });
        let mut raw = Raw::connect(stage.address(), &Hello::v5(GATEWAYS[0]));
        let mut acknowledged = 0;
        for seq in 1..=40 {
            let sent = payload(GATEWAYS[0], 1, seq);
            if raw
                .stream
                .write_all(&publish(
                    5,
                    1,
                    1,
                    &reads_topic(GATEWAYS[0]),
                    sent.as_bytes(),
                ))
                .is_err()
            {
                break;
            }
            match raw.try_packet() {
                Ok((0x40, _)) => acknowledged = seq,
                Ok((first, body)) => {
                    assert_eq!((first, body), (0xe0, vec![0x89, 0]));
                    break;
                }
                Err(_) => break,
            }
        }
        assert!(
            acknowledged < 40,
            "the failure at sync {fail_at} was not noticed"
        );
        // One message may be on disk whose sender was never told.
        let on_disk = stage.journaled().len() as u64;
        assert!(
            (acknowledged..=acknowledged + 1).contains(&on_disk),
            "{acknowledged} {on_disk}"
        );
        let mut again = Raw::open(stage.address());
        again.send(&Hello::v5(GATEWAYS[0]).packet());
        assert_eq!(again.closed(), [0x20, 3, 0, 0x88, 0]);
    }
}

#[test]
fn what_is_above_the_bytes_of_a_day_is_counted_in_a_digest_until_midnight() {
    let stage = Stage::with(Setup {
        limits: Limits {
            digest_seconds: 2,
            ..Limits::default()
        },
        day_bytes: 1_000,
        ..Setup::default()
    });
    let mut raw = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[0]));
    raw.stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let send = |raw: &mut Raw, seq: u64| {
        let sent = payload(GATEWAYS[0], 1, seq);
        let id = u16::try_from(seq).unwrap();
        raw.send(&publish(
            4,
            1,
            id,
            &reads_topic(GATEWAYS[0]),
            sent.as_bytes(),
        ));
    };
    for seq in 1..=20 {
        send(&mut raw, seq);
    }
    let kept = 1_000 / payload(GATEWAYS[0], 1, 1).len() as u64;
    for id in 1..=kept {
        assert_eq!(
            raw.packet(),
            (0x40, u16::try_from(id).unwrap().to_be_bytes().to_vec())
        );
    }
    wait_until("the rest is counted", || {
        stage.metrics.excess.get() == 20 - kept
    });
    // A new day: the digest goes first, so that acknowledgements stay in order.
    stage.now.store(NOON + 86_400_000, Ordering::Relaxed);
    send(&mut raw, 21);
    for id in kept + 1..=21 {
        assert_eq!(
            raw.packet(),
            (0x40, u16::try_from(id).unwrap().to_be_bytes().to_vec())
        );
    }
    let records = stage.raw_records();
    assert_eq!(records.len() as u64, kept + 2);
    let digest = Digest::decode(&records[kept as usize]).unwrap();
    assert_eq!((digest.gateway, digest.count), (GATEWAYS[0], 20 - kept));
    let mut expected: Vec<u64> = (1..=kept).collect();
    expected.push(21);
    assert_eq!(
        stage.sequences(GATEWAYS[0], 1),
        expected,
        "no receipt for the excess"
    );
    // And without a new day, after some seconds.
    for seq in 22..=30 {
        send(&mut raw, seq);
    }
    for id in 22..=30_u16 {
        assert_eq!(raw.packet(), (0x40, id.to_be_bytes().to_vec()));
    }
}
