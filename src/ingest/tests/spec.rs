//! Cases from the MQTT 3.1.1 and 5 specifications for what the endpoint claims.

use std::time::{Duration, Instant};

use crate::{
    raw::{Hello, Raw, packet, publish, received, subscribe, text},
    stage::{GATEWAYS, NOON, Setup, Stage, payload, reads_topic, wait_until},
};
use commonwatt_ingest::endpoint::Limits;

fn hello(level: u8) -> Hello {
    match level {
        4 => Hello::v4(GATEWAYS[0]),
        _ => Hello::v5(GATEWAYS[0]),
    }
}

#[test]
fn puback_means_the_message_is_in_the_journal() {
    let stage = Stage::new();
    for level in [4, 5] {
        let mut raw = Raw::connect(stage.address(), &hello(level));
        let sent = payload(GATEWAYS[0], 1, u64::from(level));
        raw.send(&publish(
            level,
            1,
            77,
            &reads_topic(GATEWAYS[0]),
            sent.as_bytes(),
        ));
        assert_eq!(raw.packet(), (0x40, vec![0, 77]));
        let last = stage.journaled().pop().unwrap();
        assert_eq!(
            last,
            (
                GATEWAYS[0].to_owned(),
                reads_topic(GATEWAYS[0]),
                sent.into_bytes()
            )
        );
        assert_eq!(
            stage.sequences(GATEWAYS[0], 1).last(),
            Some(&u64::from(level))
        );
    }
    let committed = stage.committed.lock().unwrap();
    let read = committed[0].placed[0];
    assert_eq!(
        (read.series.0, read.wh.0, read.received.0),
        (0, 1_000_004, NOON)
    );
}

#[test]
fn a_packet_in_pieces_and_many_in_one_piece_are_the_same() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.address(), &hello(4));
    let bytes: Vec<u8> = (1..=20)
        .flat_map(|seq| {
            publish(
                4,
                1,
                seq,
                &reads_topic(GATEWAYS[0]),
                payload(GATEWAYS[0], 1, seq.into()).as_bytes(),
            )
        })
        .collect();
    for byte in bytes.chunks(7) {
        raw.send(byte);
        std::thread::sleep(Duration::from_micros(200));
    }
    raw.send(&bytes);
    for round in 0..2 {
        for seq in 1..=20 {
            assert_eq!(raw.packet(), (0x40, vec![0, seq]), "round {round}");
        }
    }
    assert_eq!(stage.journaled().len(), 40);
}

#[test]
fn qos_0_is_taken_in_without_an_answer() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.address(), &hello(4));
    raw.send(&publish(
        4,
        0,
        0,
        &reads_topic(GATEWAYS[0]),
        payload(GATEWAYS[0], 1, 1).as_bytes(),
    ));
    raw.send(&[0xc0, 0]);
    assert_eq!(raw.packet(), (0xd0, vec![]));
    wait_until("the message is committed", || stage.journaled().len() == 1);
}

#[test]
fn qos_2_repeated_before_pubrel_is_journaled_once() {
    let stage = Stage::new();
    for level in [4, 5] {
        let before = stage.journaled().len();
        let mut raw = Raw::connect(stage.address(), &hello(level));
        let once = publish(
            level,
            2,
            9,
            &reads_topic(GATEWAYS[0]),
            payload(GATEWAYS[0], 1, 1).as_bytes(),
        );
        let mut again = once.clone();
        again[0] |= 0x08;
        for bytes in [&once, &again, &again] {
            raw.send(bytes);
            assert_eq!(raw.packet(), (0x50, vec![0, 9]));
        }
        for _ in 0..2 {
            raw.send(&[0x62, 2, 0, 9]);
        }
        assert_eq!(raw.packet(), (0x70, vec![0, 9]));
        let second = if level == 5 {
            vec![0, 9, 0x92]
        } else {
            vec![0, 9]
        };
        assert_eq!(raw.packet(), (0x70, second));
        assert_eq!(stage.journaled().len(), before + 1);
        raw.send(&once);
        assert_eq!(raw.packet(), (0x50, vec![0, 9]));
        assert_eq!(
            stage.journaled().len(),
            before + 2,
            "after PUBCOMP the id is free again"
        );
    }
}

#[test]
fn too_many_open_qos_2_ids_end_the_connection() {
    let limits = Limits {
        window: 10,
        ..Limits::default()
    };
    let stage = Stage::with(Setup {
        limits,
        ..Setup::default()
    });
    let mut raw = Raw::connect(stage.address(), &hello(5));
    for id in 1..=11 {
        raw.send(&publish(5, 2, id, &reads_topic(GATEWAYS[0]), b"x"));
    }
    let seen = raw.closed();
    assert_eq!(seen[seen.len() - 4..], [0xe0, 2, 0x93, 0]);
}

#[test]
fn keep_alive_ends_a_silent_connection_after_one_and_a_half_times() {
    let stage = Stage::new();
    let mut silent = Raw::connect(
        stage.address(),
        &Hello {
            keep_alive: 1,
            ..hello(5)
        },
    );
    let mut pinging = Raw::connect(
        stage.address(),
        &Hello {
            keep_alive: 1,
            client_id: "pings".to_owned(),
            ..hello(5)
        },
    );
    let mut never = Raw::connect(
        stage.address(),
        &Hello {
            keep_alive: 0,
            client_id: "zero".to_owned(),
            ..hello(5)
        },
    );
    let begin = Instant::now();
    let pings = std::thread::spawn(move || {
        for _ in 0..6 {
            std::thread::sleep(Duration::from_millis(500));
            pinging.send(&[0xc0, 0]);
            assert_eq!(pinging.packet(), (0xd0, vec![]));
        }
    });
    assert_eq!(silent.closed(), [0xe0, 2, 0x8d, 0]);
    let took = begin.elapsed();
    assert!(
        took > Duration::from_millis(1_400) && took < Duration::from_millis(2_600),
        "{took:?}"
    );
    pings.join().unwrap();
    never.send(&[0xc0, 0]);
    assert_eq!(never.packet(), (0xd0, vec![]));
}

#[test]
fn the_same_client_id_takes_over_and_says_so() {
    let stage = Stage::new();
    let mut first = Raw::connect(stage.address(), &hello(5));
    let mut second = Raw::connect(stage.address(), &hello(5));
    assert_eq!(first.closed(), [0xe0, 2, 0x8e, 0]);
    second.send(&[0xc0, 0]);
    assert_eq!(second.packet(), (0xd0, vec![]));
    assert_eq!(stage.metrics.taken_over.get(), 1);
}

#[test]
fn a_second_connect_is_a_breach() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.address(), &hello(5));
    raw.send(&hello(5).packet());
    assert_eq!(raw.closed(), [0xe0, 2, 0x82, 0]);
    let mut raw = Raw::connect(stage.address(), &hello(4));
    raw.send(&hello(4).packet());
    assert_eq!(raw.closed(), b"");
}

#[test]
fn a_packet_over_the_cap_is_refused_by_its_length() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.address(), &hello(5));
    raw.send(&[0x32, 0xff, 0xff, 0x7f]);
    assert_eq!(raw.closed(), [0xe0, 2, 0x95, 0]);
    let largest = vec![b'x'; Limits::default().packet_bytes - 100];
    let mut raw = Raw::connect(stage.address(), &hello(4));
    raw.send(&publish(4, 1, 1, &reads_topic(GATEWAYS[0]), &largest));
    assert_eq!(raw.packet(), (0x40, vec![0, 1]));
    assert_eq!(stage.metrics.undecodable.get(), 1);
}

#[test]
fn connects_that_break_the_rules_are_turned_away() {
    let stage = Stage::new();
    let refused = |hello: Hello| {
        let mut raw = Raw::open(stage.address());
        raw.send(&hello.packet());
        raw.closed()
    };
    let v4 = || hello(4);
    let wrong = Some((
        GATEWAYS[0].to_owned(),
        "another-token-of-22-characters".to_owned(),
    ));
    assert_eq!(refused(Hello { level: 3, ..v4() }), [0x20, 2, 0, 1]);
    assert_eq!(refused(Hello { level: 6, ..v4() }), [0x20, 2, 0, 1]);
    assert_eq!(
        refused(Hello {
            login: wrong.clone(),
            ..v4()
        }),
        [0x20, 2, 0, 4]
    );
    assert_eq!(
        refused(Hello {
            login: None,
            ..v4()
        }),
        [0x20, 2, 0, 4]
    );
    assert_eq!(
        refused(Hello {
            client_id: String::new(),
            flags: 0,
            ..v4()
        }),
        [0x20, 2, 0, 2]
    );
    assert_eq!(
        refused(Hello {
            login: wrong,
            ..hello(5)
        }),
        [0x20, 3, 0, 0x86, 0]
    );
    assert_eq!(refused(Hello { flags: 3, ..v4() }), b"", "reserved flag");
    assert_eq!(
        refused(Hello {
            flags: 0x18,
            ..v4()
        }),
        b"",
        "will QoS without will"
    );
    assert_eq!(
        refused(Hello {
            client_id: "a\0b".to_owned(),
            ..v4()
        }),
        b""
    );
    let mut raw = Raw::open(stage.address());
    raw.send(&packet(
        0x10,
        &[text("MQTT"), vec![4, 0xc2, 0, 0], text("x"), text("y")].concat(),
    ));
    assert_eq!(raw.closed(), b"", "CONNECT ends before the password");
    let mut raw = Raw::open(stage.address());
    raw.send(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(raw.closed(), b"");
    let mut raw = Raw::open(stage.address());
    raw.send(&publish(4, 1, 1, &reads_topic(GATEWAYS[0]), b"x"));
    assert_eq!(raw.closed(), b"", "PUBLISH before CONNECT");
    assert_eq!(stage.journaled(), []);
}

#[test]
fn version_5_says_what_the_endpoint_does_not_offer_and_names_the_nameless() {
    let stage = Stage::new();
    let mut raw = Raw::open(stage.address());
    raw.send(
        &Hello {
            client_id: String::new(),
            ..hello(5)
        }
        .packet(),
    );
    let (first, body) = raw.packet();
    assert_eq!((first, body[0], body[1]), (0x20, 0, 0));
    let has = |bytes: &[u8]| body.windows(bytes.len()).any(|w| w == bytes);
    assert!(has(b"unnamed-"), "assigned client id");
    assert!(
        has(&[40, 0]) && has(&[41, 0]) && has(&[42, 0]),
        "no wildcard, id, shared"
    );
    assert!(has(&[17, 0, 0, 0, 0]), "session expiry 0");
}

#[test]
fn a_will_is_journaled_when_the_connection_breaks_and_not_after_goodbye() {
    let stage = Stage::new();
    let status = format!("commonwatt/v1/{}/status", GATEWAYS[0]);
    for level in [4, 5] {
        let before = stage.journaled().len();
        let will = Some((status.clone(), format!("gone {level}")));
        let mut polite = Raw::connect(
            stage.address(),
            &Hello {
                will: will.clone(),
                ..hello(level)
            },
        );
        polite.send(&[0xe0, 0]);
        assert_eq!(polite.closed(), b"");
        drop(Raw::connect(
            stage.address(),
            &Hello {
                will,
                ..hello(level)
            },
        ));
        wait_until("the will is committed", || stage.journaled().len() > before);
        let (_, topic, seen) = stage.journaled().pop().unwrap();
        assert_eq!(
            (topic, seen),
            (status.clone(), format!("gone {level}").into_bytes())
        );
        assert_eq!(stage.journaled().len(), before + 1);
    }
    let with_will = Some((status, "asked for".to_owned()));
    let mut raw = Raw::connect(
        stage.address(),
        &Hello {
            will: with_will,
            ..hello(5)
        },
    );
    raw.send(&[0xe0, 1, 4]);
    raw.closed();
    wait_until("the will asked for is committed", || {
        stage.journaled().len() == 3
    });
    let committed = stage.committed.lock().unwrap();
    let wills: Vec<bool> = committed
        .iter()
        .flat_map(|d| &d.statuses)
        .map(|s| s.will)
        .collect();
    assert_eq!(wills, [true, true, true]);
}

#[test]
fn a_receipt_comes_on_subscribe_when_it_moves_and_again() {
    let limits = Limits {
        repeat_seconds: 1,
        ..Limits::default()
    };
    let stage = Stage::with(Setup {
        limits,
        ..Setup::default()
    });
    for level in [4, 5] {
        let boot = u64::from(level);
        let topic = format!("commonwatt/v1/{}/receipt", GATEWAYS[0]);
        let mut raw = Raw::connect(stage.address(), &hello(level));
        raw.send(&subscribe(level, 5, &[&topic]));
        let granted = if level == 5 {
            vec![0, 5, 0, 0]
        } else {
            vec![0, 5, 0]
        };
        assert_eq!(raw.packet(), (0x90, granted), "granted with QoS 0");
        let (first, body) = raw.packet();
        assert_eq!(first, 0x31, "the first is retained");
        assert_eq!(received(level, &body).0, topic);
        for seq in [1, 2, 4] {
            let sent = payload(GATEWAYS[0], boot, seq);
            raw.send(&publish(
                level,
                1,
                7,
                &reads_topic(GATEWAYS[0]),
                sent.as_bytes(),
            ));
        }
        let wanted = format!(r#"{{"boot":{boot},"upto":2,"also":[[4,4]]}}"#);
        let mut seen = 0;
        while seen < 2 {
            let (first, body) = raw.packet();
            if first == 0x30 {
                seen += usize::from(received(level, &body).1.contains(&wanted));
            } else {
                assert_eq!(first, 0x40);
            }
        }
        raw.send(&packet(0xa2, &unsubscribe_body(level, 6, &topic)));
        loop {
            let (first, body) = raw.packet();
            if first == 0xb0 {
                assert_eq!(&body[..2], [0, 6]);
                break;
            }
        }
        raw.is_quiet(Duration::from_millis(1_300));
    }
}

fn unsubscribe_body(level: u8, id: u16, filter: &str) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if level == 5 {
        body.push(0);
    }
    body.extend(text(filter));
    body
}

#[test]
fn no_receipt_leaves_before_the_replay_has_caught_up() {
    let stage = Stage::with(Setup {
        caught_up: false,
        ..Setup::default()
    });
    let mut raw = Raw::connect(stage.address(), &hello(4));
    raw.send(&subscribe(4, 5, &["commonwatt/v1/elmore-1/receipt"]));
    assert_eq!(raw.packet(), (0x90, vec![0, 5, 0]));
    raw.is_quiet(Duration::from_millis(700));
    stage.receipts.caught_up();
    assert_eq!(raw.packet().0, 0x31);
}

#[test]
fn a_payload_nobody_can_read_is_kept_acknowledged_and_shown() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.address(), &hello(4));
    raw.send(&publish(
        4,
        1,
        1,
        &reads_topic(GATEWAYS[0]),
        br#"{"boot":1,"sequence":2}"#,
    ));
    assert_eq!(raw.packet(), (0x40, vec![0, 1]));
    assert_eq!(stage.journaled().len(), 1);
    assert_eq!(stage.metrics.undecodable.get(), 1);
    let committed = stage.committed.lock().unwrap();
    assert!(
        committed[0].undecodable[0]
            .reason
            .contains("unknown field `sequence`")
    );
}

#[test]
fn a_retained_publish_is_taken_in_and_retained_for_nobody() {
    let stage = Stage::new();
    for level in [4, 5] {
        let mut raw = Raw::connect(stage.address(), &hello(level));
        let mut bytes = publish(level, 1, 3, "commonwatt/v1/elmore-1/status", b"up");
        bytes[0] |= 1;
        raw.send(&bytes);
        assert_eq!(raw.packet(), (0x40, vec![0, 3]));
    }
}

#[test]
fn packets_a_client_must_not_send_end_the_connection() {
    let stage = Stage::new();
    let topic = reads_topic(GATEWAYS[0]);
    let breaches: Vec<Vec<u8>> = vec![
        vec![0x20, 2, 0, 0],
        vec![0x90, 3, 0, 1, 0],
        vec![0xd0, 0],
        vec![0x00, 0],
        vec![0xf0, 0],
        vec![0xc1, 0],
        vec![0xc0, 1, 0],
        vec![0x60, 2, 0, 1],
        vec![0x62, 2, 0, 0],
        vec![0x62, 1, 0],
        vec![0x80, 2, 0, 1],
        vec![0x82, 2, 0, 1],
        vec![0x40, 2, 0, 1],
        vec![0xff; 6],
        publish(4, 3, 1, &topic, b"x"),
        publish(4, 1, 0, &topic, b"x"),
        publish(4, 1, 1, "commonwatt/v1/+/reads", b"x"),
        publish(4, 1, 1, "", b"x"),
        publish(4, 1, 1, "a\0b", b"x"),
        packet(0x32, &[0, 9, b'a']),
    ];
    for bytes in breaches {
        for level in [4, 5] {
            let mut raw = Raw::connect(stage.address(), &hello(level));
            raw.send(&bytes);
            let seen = raw.closed();
            let told = seen.first().is_none_or(|first| *first == 0xe0);
            assert!(
                told,
                "{bytes:?} of version {level} was answered with {seen:?}"
            );
        }
    }
    assert_eq!(stage.journaled(), []);
    wait_until("all connections are gone", || {
        stage.metrics.connections.get() == 0
    });
    assert_eq!(stage.metrics.half_open.get(), 0);
}

#[test]
fn the_end_tells_clients_and_keeps_what_was_acknowledged() {
    let mut stage = Stage::new();
    let mut raw = Raw::connect(stage.address(), &hello(5));
    for seq in 1..=50 {
        let sent = payload(GATEWAYS[0], 1, seq);
        raw.send(&publish(
            5,
            1,
            1,
            &reads_topic(GATEWAYS[0]),
            sent.as_bytes(),
        ));
    }
    wait_until("all are taken in", || stage.metrics.messages.get() == 50);
    stage.stop_endpoint();
    let seen = raw.closed();
    assert_eq!(seen.len(), 50 * 4 + 4);
    assert_eq!(seen[200..], [0xe0, 2, 0x8b, 0]);
    assert_eq!(stage.journaled().len(), 50);
}
