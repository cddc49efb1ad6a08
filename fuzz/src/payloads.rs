//! What arrives and what is kept of it: records of the journal, payloads, receipts.

use domain::calendar::Instant;
use ingest::receipts::Tracker;
use records::{
    decision::{Decision, EventKind, MeterEvent, ReadAction, ReadDecision, What},
    message::{Arrived, Digest, Door, ReadMessage},
    own,
    proof::Proof,
};
use wire::{MAX_RECEIPT_BYTES, Receipt};

const NOON: i64 = 1_781_524_800_000;

pub fn message(input: &[u8]) -> bool {
    let Ok(arrived) = Arrived::decode(input) else {
        return false;
    };
    let topic = arrived.topic();
    let message = ReadMessage {
        topic: &topic,
        ..arrived.message()
    };
    let mut again = Vec::new();
    message
        .encode(&mut again)
        .expect("what was read can be written");
    // A long payload is kept as one LZ4 block, which has many spellings; what it says has one.
    let reread = Arrived::decode(&again).expect("what was written can be read");
    assert_eq!(reread.message().payload, arrived.message().payload);
    assert_eq!(reread.topic(), topic);
    let mut third = Vec::new();
    let message = ReadMessage {
        topic: &topic,
        ..reread.message()
    };
    message
        .encode(&mut third)
        .expect("what was read can be written");
    assert_eq!(third, again, "what we write we write the same again");
    true
}

pub fn message_seeds() -> Vec<Vec<u8>> {
    let hash = [7; 32];
    let plain = ReadMessage {
        received: Instant(NOON),
        door: Door::Endpoint,
        qos: 1,
        retained: false,
        will: false,
        undecodable: false,
        proof: Proof::Unsigned,
        gateway: "bes1-gw",
        topic: "commonwatt/v1/bes1-gw/reads",
        mapping: None,
        payload: br#"{"boot":1}"#,
    };
    let status = ReadMessage {
        topic: "commonwatt/v1/bes1-gw/status",
        will: true,
        ..plain
    };
    let foreign = ReadMessage {
        door: Door::Broker,
        topic: "shellies/em3/emeter/0/total",
        mapping: Some(&hash),
        undecodable: true,
        ..plain
    };
    let seed = |message: ReadMessage<'_>| {
        let mut bytes = Vec::new();
        message
            .encode(&mut bytes)
            .expect("a seed is within the limits");
        bytes
    };
    let signed = ReadMessage {
        proof: Proof::Signed,
        ..plain
    };
    [plain, status, foreign, signed].map(seed).into()
}

pub fn digest(input: &[u8]) -> bool {
    let Ok(digest) = Digest::decode(input) else {
        return false;
    };
    let mut again = Vec::new();
    digest
        .encode(&mut again)
        .expect("what was read can be written");
    assert_eq!(again, input, "a digest has one spelling");
    true
}

pub fn digest_seeds() -> Vec<Vec<u8>> {
    let digest = Digest {
        door: Door::Endpoint,
        gateway: "bes2-gw",
        first: Instant(NOON),
        last: Instant(NOON + 60_000),
        count: 6,
        bytes: 900,
        hash: [3; 32],
    };
    let mut bytes = Vec::new();
    digest
        .encode(&mut bytes)
        .expect("a seed is within the limits");
    vec![bytes]
}

pub fn own(input: &[u8]) -> bool {
    let Ok(message) = own::decode(input) else {
        return false;
    };
    assert!(message.reads.len() <= own::MAX_READS && message.lost.len() <= own::MAX_LOSSES);
    for read in &message.reads {
        assert!(
            read.meter.len() <= own::MAX_METER_BYTES,
            "a serial is within its limit"
        );
        assert!(
            (0..=own::MAX_INTEGER.cast_signed()).contains(&read.wh.0),
            "{:?}",
            read.wh
        );
    }
    let (mut reads, mut lost) = (Vec::new(), Vec::new());
    let head = own::decode_into(input, &mut reads, &mut lost).expect("what was read is read again");
    assert_eq!(
        (head, reads, lost),
        (message.head, message.reads, message.lost)
    );
    true
}

pub fn own_seeds() -> Vec<Vec<u8>> {
    let canonical = r#"{"boot":7,"seq":42,"now":"2026-06-21T12:00:10Z","clock":"S","reads":[{"meter":"2000012345","register":"2.8.0","t":"2026-06-21T12:00:00Z","wh":1548,"w":2410},{"meter":"A1","register":"1.8.0","t":"2026-06-21T12:00:00.250Z","wh":9007199254740991}]}"#;
    let loose = r#"{ "seq": 1, "boot": 0, "clock": "U", "now": "2024-02-29T23:59:59Z",
        "reads": [ {"w": -5, "wh": 0, "t": "2024-02-29T23:59:58.001Z", "register": "2.8.0", "meter": "\u00e9" } ] }"#;
    let lossy = r#"{"boot":7,"seq":42,"now":"2026-06-21T12:00:10Z","clock":"S","lost":[{"boot":7,"first":2,"last":41,"reads":290}],"reads":[]}"#;
    vec![canonical.into(), loose.into(), lossy.into()]
}

pub fn decision(input: &[u8]) -> bool {
    let Ok(decision) = Decision::from_record(input) else {
        return false;
    };
    let canonical = decision.to_record();
    let again = Decision::from_record(&canonical).expect("what is written is read");
    assert_eq!(again, decision);
    assert_eq!(again.to_record(), canonical);
    true
}

pub fn decision_seeds() -> Vec<Vec<u8>> {
    let event = MeterEvent {
        kind: EventKind::Exchange,
        meter: "A1".into(),
        register: "2.8.0".into(),
        closed_at_ms: NOON,
        final_wh: 45_678_900,
        next_meter: "A2".into(),
        opened_at_ms: NOON + 1,
        opening_wh: 120,
        reason: "certificate expired".into(),
    };
    let read = ReadDecision {
        meter: "A1".into(),
        register: "2.8.0".into(),
        read_at_ms: NOON,
        wh: 1,
        action: ReadAction::Correct,
        corrected_wh: Some(10),
        reason: "a decimal place".into(),
    };
    [What::MeterEvent(event), What::ReadDecision(read)]
        .map(|what| {
            Decision {
                at_ms: NOON,
                by: "owner".into(),
                what,
            }
            .to_record()
        })
        .into()
}

pub fn receipt(input: &[u8]) -> bool {
    let Ok(receipt) = Receipt::parse(input) else {
        return false;
    };
    let mut buffer = [0; MAX_RECEIPT_BYTES];
    let length = receipt
        .write_to(&mut buffer)
        .expect("the largest receipt fits");
    assert_eq!(&buffer[..length], input, "a receipt has one spelling");
    for done in receipt.done() {
        assert!(done.upto == 0 || receipt.covers(done.boot, done.upto));
        for &(from, to) in done.also {
            assert!(receipt.covers(done.boot, from) && receipt.covers(done.boot, to));
        }
    }
    true
}

pub fn receipt_seeds() -> Vec<Vec<u8>> {
    let mut tracker = Tracker::default();
    tracker.note(7, 1, 48_213);
    tracker.note(7, 48_220, 48_229);
    tracker.note(8, 3, 3);
    let head = wire::Peaks::new().head();
    [
        tracker.receipt(None),
        tracker.receipt(Some(head)),
        Receipt::new(None),
    ]
    .map(|receipt| receipt.to_string().into_bytes())
    .into()
}

/// First a stored state of `4n + 1` bytes, as all are, then numbers that arrive on top of it.
pub fn tracker(input: &[u8]) -> bool {
    let Some((n, rest)) = input.split_first() else {
        return false;
    };
    let (state, arriving) = rest.split_at((usize::from(*n) * 4 + 1).min(rest.len()));
    let Ok(mut tracker) = Tracker::from_bytes(state) else {
        return false;
    };
    assert_eq!(tracker.to_bytes(), state, "a state has one spelling");
    for note in arriving.chunks_exact(4) {
        let boot = u64::from(note[0] % 20);
        let first = u64::from(note[1]) << (note[3] % 50);
        let last = first.saturating_add(u64::from(note[2]));
        let fresh = tracker.note(boot, first, last);
        if fresh && first > 0 {
            assert!(tracker.covers(boot, first) && tracker.covers(boot, last));
        }
    }
    let text = tracker.receipt(None).to_string();
    Receipt::parse(text.as_bytes()).expect("a receipt is written as it is read");
    let bytes = tracker.to_bytes();
    assert_eq!(Tracker::from_bytes(&bytes).as_ref(), Ok(&tracker));
    true
}

pub fn tracker_seeds() -> Vec<Vec<u8>> {
    let mut tracker = Tracker::default();
    let mut seeds = Vec::new();
    for (boot, first, last) in [(1, 1, 40), (1, 60, 70), (2, 9, 9), (3, 1, 2)] {
        tracker.note(boot, first, last);
        let state = tracker.to_bytes();
        let mut seed = vec![u8::try_from(state.len() / 4).expect("a seed is short")];
        seed.extend(&state);
        seed.extend([1, 41, 3, 0, 2, 1, 8, 0, 9, 7, 7, 3]);
        seeds.push(seed);
    }
    seeds
}
