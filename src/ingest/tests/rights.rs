//! A gateway may publish its own reads and status and read its own receipt; nothing else.

use std::{sync::Arc, time::Duration};

use commonwatt_ingest::registry::{Enrolment, TokenHash};

use crate::{
    raw::{Hello, Raw, publish, subscribe},
    stage::{GATEWAYS, Setup, Stage, payload, reads_topic},
};

const FOREIGN: [&str; 6] = [
    "commonwatt/v1/elmore-2/reads",
    "commonwatt/v1/elmore-2/status",
    "commonwatt/v1/elmore-1/receipt",
    "commonwatt/v1/elmore-1/reads/more",
    "$SYS/broker/uptime",
    "shellies/roof/power",
];

#[test]
fn a_forbidden_publish_is_never_acknowledged_in_version_3() {
    let stage = Stage::new();
    for topic in FOREIGN {
        for qos in 0..3 {
            let mut raw = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[0]));
            raw.send(&publish(4, qos, 1, topic, b"x"));
            assert_eq!(raw.closed(), b"", "{topic}");
        }
    }
    assert_eq!(stage.metrics.forbidden.get(), 18);
    assert_eq!(stage.journaled(), []);
}

#[test]
fn a_forbidden_publish_gets_0x87_in_its_turn_in_version_5() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.address(), &Hello::v5(GATEWAYS[0]));
    let mut bytes = publish(
        5,
        1,
        1,
        &reads_topic(GATEWAYS[0]),
        payload(GATEWAYS[0], 1, 1).as_bytes(),
    );
    bytes.extend(publish(5, 1, 2, FOREIGN[0], b"x"));
    bytes.extend(publish(5, 2, 3, FOREIGN[1], b"x"));
    bytes.extend(publish(
        5,
        1,
        4,
        &reads_topic(GATEWAYS[0]),
        payload(GATEWAYS[0], 1, 2).as_bytes(),
    ));
    raw.send(&bytes);
    assert_eq!(raw.packet(), (0x40, vec![0, 1]));
    assert_eq!(raw.packet(), (0x40, vec![0, 2, 0x87]));
    assert_eq!(raw.packet(), (0x50, vec![0, 3, 0x87]));
    assert_eq!(raw.packet(), (0x40, vec![0, 4]));
    raw.send(&publish(5, 0, 0, FOREIGN[0], b"x"));
    assert_eq!(raw.closed(), [0xe0, 2, 0x87, 0]);
    assert_eq!(stage.journaled().len(), 2);
}

#[test]
fn only_the_own_receipt_can_be_subscribed_to() {
    let stage = Stage::new();
    let filters = [
        "commonwatt/v1/elmore-1/receipt",
        "commonwatt/v1/elmore-2/receipt",
        "commonwatt/v1/+/receipt",
        "#",
        "$share/all/commonwatt/v1/elmore-1/receipt",
        "commonwatt/v1/elmore-1/reads",
        "$SYS/#",
    ];
    let mut raw = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[0]));
    raw.send(&subscribe(4, 9, &filters));
    let no = 0x80;
    assert_eq!(raw.packet(), (0x90, vec![0, 9, 0, no, no, no, no, no, no]));
    let mut raw = Raw::connect(stage.address(), &Hello::v5(GATEWAYS[0]));
    raw.send(&subscribe(5, 9, &filters));
    let codes = vec![0, 9, 0, 0, 0x87, 0xa2, 0xa2, 0x9e, 0x87, 0xa2];
    assert_eq!(raw.packet(), (0x90, codes));
}

#[test]
fn endless_trying_ends_the_connection() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.address(), &Hello::v5(GATEWAYS[0]));
    let bytes: Vec<u8> = (1..=200)
        .flat_map(|id| publish(5, 1, id, FOREIGN[0], b"x"))
        .collect();
    raw.send(&bytes);
    let seen = raw.closed();
    assert_eq!(seen[seen.len() - 4..], [0xe0, 2, 0x87, 0]);
    assert!(stage.metrics.recent_refusals().len() < 10);
}

#[test]
fn a_will_elsewhere_is_refused_at_connect() {
    let stage = Stage::new();
    for topic in FOREIGN.iter().chain(&["commonwatt/v1/elmore-1/reads"]) {
        let will = Some(((*topic).to_owned(), "gone".to_owned()));
        let mut raw = Raw::open(stage.address());
        raw.send(
            &Hello {
                will: will.clone(),
                ..Hello::v4(GATEWAYS[0])
            }
            .packet(),
        );
        assert_eq!(raw.closed(), [0x20, 2, 0, 5]);
        let mut raw = Raw::open(stage.address());
        raw.send(
            &Hello {
                will,
                ..Hello::v5(GATEWAYS[0])
            }
            .packet(),
        );
        assert_eq!(raw.closed(), [0x20, 3, 0, 0x87, 0]);
    }
    assert_eq!(stage.journaled(), []);
}

#[test]
fn nobody_pushes_out_another_gateway_by_its_client_id() {
    let stage = Stage::new();
    let mut first = Raw::connect(stage.address(), &Hello::v5(GATEWAYS[0]));
    let client_id = Hello::v5(GATEWAYS[0]).client_id;
    let _second = Raw::connect(
        stage.address(),
        &Hello {
            client_id,
            ..Hello::v5(GATEWAYS[1])
        },
    );
    first.send(&[0xc0, 0]);
    assert_eq!(first.packet(), (0xd0, vec![]));
}

#[test]
fn a_withdrawn_credential_ends_live_connections_within_a_second_or_so() {
    let stage = Stage::new();
    let setup = Setup::default();
    let mut idle = Raw::connect(stage.address(), &Hello::v5(GATEWAYS[0]));
    let mut old = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[1]));
    let mut other = Raw::connect(stage.address(), &Hello::v5(GATEWAYS[2]));
    let mut entries = GATEWAYS.map(|id| stage.enrolment(id, &setup)).to_vec();
    entries[0].revoked = true;
    entries[1].token = Some(TokenHash::of("a-new-token-after-rotation-1234").unwrap());
    stage.registry.replace(entries).unwrap();
    let begin = std::time::Instant::now();
    assert_eq!(idle.closed(), [0xe0, 2, 0x87, 0]);
    assert_eq!(old.closed(), b"");
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    other.send(&[0xc0, 0]);
    assert_eq!(other.packet(), (0xd0, vec![]));
    let mut again = Raw::open(stage.address());
    again.send(&Hello::v4(GATEWAYS[0]).packet());
    assert_eq!(again.closed(), [0x20, 2, 0, 4]);
}

#[test]
fn without_any_credential_this_machine_is_let_in_and_speaks_for_no_gateway() {
    let setup = Setup {
        credentials: false,
        ..Setup::default()
    };
    let stage = Stage::with(setup);
    let hello = Hello {
        login: None,
        ..Hello::v5("nobody")
    };
    let mut raw = Raw::connect(stage.address(), &hello);
    for (id, gateway) in (1..).zip(GATEWAYS) {
        let sent = payload(gateway, 1, 1);
        raw.send(&publish(5, 1, id, &reads_topic(gateway), sent.as_bytes()));
        let [high, low] = id.to_be_bytes();
        assert_eq!(raw.packet(), (0x40, vec![high, low, 0x87]));
    }
    raw.send(&publish(5, 1, 9, "commonwatt/v1/stranger/reads", b"x"));
    assert_eq!(raw.packet(), (0x40, vec![0, 9, 0x87]));
    let with = |id: &&str| stage.enrolment(id, &Setup::default());
    stage
        .registry
        .replace(GATEWAYS.iter().map(with).collect())
        .unwrap();
    assert_eq!(raw.closed(), [0xe0, 2, 0x87, 0]);
    let mut again = Raw::open(stage.address());
    again.send(
        &Hello {
            login: None,
            ..Hello::v4("nobody")
        }
        .packet(),
    );
    assert_eq!(again.closed(), [0x20, 2, 0, 4]);
    assert_eq!(stage.journaled().len(), 0);
}

#[test]
fn a_gateway_of_another_society_has_another_journal() {
    let first = Stage::new();
    let setup = Setup {
        society: "bes-2",
        ..Setup::default()
    };
    let second = Stage::without_endpoint(&setup);
    let mut entries: Vec<Enrolment> = GATEWAYS[..2]
        .iter()
        .map(|id| first.enrolment(id, &setup))
        .collect();
    entries.push(second.enrolment(GATEWAYS[2], &setup));
    first.registry.replace(entries).unwrap();
    for gateway in [GATEWAYS[0], GATEWAYS[2]] {
        let mut raw = Raw::connect(first.address(), &Hello::v4(gateway));
        raw.send(&publish(
            4,
            1,
            1,
            &reads_topic(gateway),
            payload(gateway, 1, 1).as_bytes(),
        ));
        assert_eq!(raw.packet(), (0x40, vec![0, 1]));
    }
    assert_eq!((first.journaled().len(), second.journaled().len()), (1, 1));
    assert_eq!(second.sequences(GATEWAYS[2], 1), [1]);
}

#[test]
fn an_open_listener_beyond_this_machine_needs_a_credential() {
    use commonwatt_ingest::endpoint::{self, Config, Limits, Listen, StartError};
    let setup = Setup {
        credentials: false,
        ..Setup::default()
    };
    let stage = Stage::without_endpoint(&setup);
    let config = Config {
        listen: vec![Listen {
            address: "0.0.0.0:0".parse().unwrap(),
            tls: None,
        }],
        threads: 2,
        limits: Limits::default(),
    };
    let refused = endpoint::start(
        config,
        Arc::clone(&stage.registry),
        Arc::clone(&stage.receipts),
        Arc::clone(&stage.metrics),
        stage.clock(),
    );
    assert!(matches!(refused, Err(StartError::Open(_))), "{refused:?}");
}
