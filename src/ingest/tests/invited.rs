//! A gateway that shows its one-time code may enrol its key, and nothing else.

use std::sync::{Arc, atomic::Ordering};

use commonwatt_ingest::registry::{Enrolment, OneTimeCode, TokenHash};
use domain::calendar::Instant;

use crate::{
    raw::{Hello, Raw, publish, subscribe},
    stage::{GATEWAYS, NOON, Setup, Stage, payload, reads_topic, wait_until},
};

const CODE: &str = "abcdefghijklmnopqrstuvwxyz";
const QUARTER: i64 = 15 * 60_000;

fn stage() -> Stage {
    let stage = Stage::new();
    let entries = GATEWAYS.map(|id| Enrolment {
        code: (id == GATEWAYS[0]).then(|| OneTimeCode {
            hash: TokenHash::of(CODE).unwrap(),
            until: Instant(NOON + QUARTER),
        }),
        ..stage.enrolment(id, &Setup::default())
    });
    stage.registry.replace(entries.to_vec()).unwrap();
    stage
}

fn hello(level: u8, gateway: &str) -> Hello {
    Hello {
        level,
        login: Some((gateway.to_owned(), CODE.to_owned())),
        ..Hello::v4(gateway)
    }
}

#[test]
fn the_code_lets_a_gateway_ask_and_hear_and_nothing_else() {
    let stage = stage();
    let mut raw = Raw::connect(stage.address(), &hello(5, GATEWAYS[0]));
    let filters = [
        "commonwatt/v1/elmore-1/enrolled",
        "commonwatt/v1/elmore-1/receipt",
        "commonwatt/v1/elmore-2/enrolled",
        "#",
    ];
    raw.send(&subscribe(5, 9, &filters));
    assert_eq!(raw.packet(), (0x90, vec![0, 9, 0, 0, 0x87, 0x87, 0xa2]));
    // What is known, at once.
    let (first, body) = raw.packet();
    assert_eq!(first & 0xf0, 0x30);
    assert!(String::from_utf8_lossy(&body).ends_with(r#"{"keys":[]}"#));

    let own = |leaf: &str| format!("commonwatt/v1/{}/{leaf}", GATEWAYS[0]);
    raw.send(&publish(
        5,
        1,
        1,
        &own("reads"),
        payload(GATEWAYS[0], 1, 1).as_bytes(),
    ));
    assert_eq!(raw.packet(), (0x40, vec![0, 1, 0x87]));
    raw.send(&publish(5, 1, 2, &own("status"), b"{}"));
    assert_eq!(raw.packet(), (0x40, vec![0, 2, 0x87]));
    raw.send(&publish(5, 1, 3, "commonwatt/v1/elmore-2/enrol", b"x"));
    assert_eq!(raw.packet(), (0x40, vec![0, 3, 0x87]));
    raw.send(&publish(5, 1, 4, &own("enrol"), b"please"));
    assert_eq!(raw.packet(), (0x40, vec![0, 4]));
    assert_eq!(
        stage.journaled(),
        [(GATEWAYS[0].to_owned(), own("enrol"), b"please".to_vec())]
    );
    let committed = stage.committed.lock().unwrap();
    assert_eq!(&*committed[0].enrolments[0].payload, b"please");
}

#[test]
fn the_answer_reaches_the_gateway_although_its_code_is_used_up() {
    let stage = stage();
    let mut raw = Raw::connect(stage.address(), &hello(4, GATEWAYS[0]));
    raw.send(&subscribe(4, 9, &["commonwatt/v1/elmore-1/enrolled"]));
    assert_eq!(raw.packet(), (0x90, vec![0, 9, 0]));
    assert_eq!(raw.packet().0 & 0xf0, 0x30);
    let entries = GATEWAYS.map(|id| stage.enrolment(id, &Setup::default()));
    stage.registry.replace(entries.to_vec()).unwrap();
    let print = wire::Fingerprint([7; 32]);
    stage.receipts.set_keys(GATEWAYS[0], [print].into_iter());
    let (first, body) = raw.packet();
    assert_eq!(first & 0xf0, 0x30);
    assert!(String::from_utf8_lossy(&body).contains(&print.to_string()));
    // A second connection finds no code.
    let mut late = Raw::open(stage.address());
    late.send(&hello(4, GATEWAYS[0]).packet());
    assert_eq!(late.closed(), [0x20, 2, 0, 4]);
}

#[test]
fn a_code_is_worth_nothing_to_another_gateway_or_after_a_quarter_of_an_hour() {
    let stage = stage();
    let mut other = Raw::open(stage.address());
    other.send(&hello(4, GATEWAYS[1]).packet());
    assert_eq!(other.closed(), [0x20, 2, 0, 4]);
    stage.now.store(NOON + QUARTER, Ordering::Relaxed);
    let mut late = Raw::open(stage.address());
    late.send(&hello(4, GATEWAYS[0]).packet());
    assert_eq!(late.closed(), [0x20, 2, 0, 4]);
}

#[test]
fn an_unsigned_message_of_a_gateway_with_a_key_is_kept_and_not_receipted() {
    let stage = Stage::new();
    let key = wire::SecretKey::from_seed(&[7; 32]).public();
    let keys = records::proof::Keys::new(GATEWAYS[0], [(key, records::proof::Standing::InForce)]);
    let entries = GATEWAYS.map(|id| Enrolment {
        keys: Arc::new(keys.clone()),
        ..stage.enrolment(id, &Setup::default())
    });
    stage.registry.replace(entries.to_vec()).unwrap();
    let mut raw = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[0]));
    let message = payload(GATEWAYS[0], 1, 1);
    raw.send(&publish(
        4,
        1,
        1,
        &reads_topic(GATEWAYS[0]),
        message.as_bytes(),
    ));
    assert_eq!(raw.packet(), (0x40, vec![0, 1]));
    wait_until("it is counted", || stage.metrics.disbelieved.get() == 1);
    assert_eq!(stage.journaled().len(), 1);
    assert!(stage.sequences(GATEWAYS[0], 1).is_empty());
}

#[test]
fn a_wrong_code_is_told_and_makes_the_next_one_wait() {
    let stage = stage();
    let told = Arc::new(std::sync::atomic::AtomicU32::new(0));
    stage.registry.watch_codes({
        let told = Arc::clone(&told);
        Box::new(move |gateway| {
            assert_eq!(&**gateway, GATEWAYS[0]);
            told.fetch_add(1, Ordering::SeqCst);
        })
    });
    let try_with = |password: &str| {
        let wrong = Hello {
            login: Some((GATEWAYS[0].to_owned(), password.to_owned())),
            ..hello(4, GATEWAYS[0])
        };
        let mut raw = Raw::open(stage.address());
        raw.send(&wrong.packet());
        raw.closed() == [0x20, 2, 0, 4]
    };
    let wrong = "b".repeat(26);
    assert!(try_with(&wrong));
    assert_eq!(told.load(Ordering::SeqCst), 1);
    // Within a second nothing is looked at, not even the right one.
    assert!(try_with(&wrong) && try_with(CODE));
    assert_eq!(told.load(Ordering::SeqCst), 1);
    stage.now.fetch_add(1_000, Ordering::SeqCst);
    // What is not written as a code is a password that is wrong, and says nothing of the code.
    assert!(try_with("another old password 1234"));
    assert_eq!(told.load(Ordering::SeqCst), 1);
    let _raw = Raw::connect(stage.address(), &hello(4, GATEWAYS[0]));
}
