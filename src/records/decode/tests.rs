//! What a signed note means when it arrives, and that a replay of its record means the same.

use super::*;
use crate::{
    Decoded,
    directory::Disbelieved,
    message::{Door, ReadMessage},
    proof::Standing,
};
use domain::{
    calendar::Span,
    metering::{
        SeriesId,
        bindings::{Bindings, Entries, GatewayEntry, MeterEntry},
    },
};
use wire::{
    NoteWriter, SecretKey,
    note::{ClockLetter, Head, Loss, Read},
};

const NOON: i64 = 1_782_043_200_000;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// A note of `g1` with one good and one doubtful read and a loss.
fn note(by: &SecretKey) -> Vec<u8> {
    let head = Head {
        gateway: "g1",
        boot: 7,
        seq: 50,
        prev: None,
        now_ms: NOON,
        clock: ClockLetter::Synced,
    };
    let good = Read {
        meter: "M1",
        register: Register::EXPORT,
        at_ms: NOON,
        state: MeterState::Good,
        wh: 1_548,
        w: Some(-3),
    };
    let doubtful = Read {
        state: MeterState::Manipulated,
        wh: 9_999,
        ..good
    };
    let loss = Loss {
        boot: 6,
        first: 3,
        last: 9,
        reads: 70,
    };
    let mut buffer = [0; 1_024];
    let mut writer = NoteWriter::begin(&mut buffer, &head).unwrap();
    writer.lost(&loss).unwrap();
    writer.read(&good).unwrap();
    writer.read(&doubtful).unwrap();
    let used = writer.sign(by).unwrap();
    buffer[..used].to_vec()
}

fn directory() -> Directory {
    Directory::new([("M1", Obis::EXPORT, SeriesId(4))])
}

/// Takes a payload as a door does; what it says, and its record.
fn take(payload: &[u8], keys: &Keys) -> (Decoded, Vec<u8>) {
    let gateway: Arc<str> = Arc::from("g1");
    let from = From {
        gateway: &gateway,
        received: Instant(NOON),
        record: 0,
    };
    let mut decoded = Decoded::default();
    let brought = arrived(
        from,
        payload,
        keys,
        &directory(),
        &mut Vec::new(),
        &mut decoded,
    );
    let message = ReadMessage {
        received: Instant(NOON),
        door: Door::Endpoint,
        qos: 1,
        retained: false,
        will: false,
        undecodable: brought.undecodable,
        proof: brought.proof,
        gateway: "g1",
        topic: "commonwatt/v1/g1/reads",
        mapping: None,
        payload,
    };
    let mut record = Vec::new();
    message.encode(&mut record).unwrap();
    (decoded, record)
}

fn again(record: &[u8], directory: &Directory) -> Decoded {
    let mut decoded = Decoded::default();
    replay(record, 0, directory, &Devices::default(), &mut decoded).unwrap();
    decoded
}

#[test]
fn a_signed_note_counts_and_names_its_losses() {
    let keys = Keys::new("g1", [(key(1).public(), Standing::InForce)]);
    let (decoded, record) = take(&note(&key(1)), &keys);
    let [read] = &decoded.placed[..] else {
        panic!("{:?}", decoded.placed)
    };
    assert_eq!(
        (read.series, read.wh, read.w),
        (SeriesId(4), WattHours(1_548), -3)
    );
    assert_eq!(read.source, Source::Signed);
    let runs: Vec<_> = decoded
        .sequences
        .iter()
        .map(|r| (r.boot, r.first, r.last))
        .collect();
    assert_eq!(runs, [(7, 50, 50), (6, 3, 9)]);
    assert!(decoded.doubts[0].reason.contains("state `M`"));
    assert_eq!(decoded.notes[0].link, Link::to(&note(&key(1))).0);
    assert_eq!(again(&record, &directory()), decoded);
}

#[test]
fn without_a_known_key_it_is_worth_what_the_connection_is_worth() {
    let (decoded, record) = take(&note(&key(1)), &Keys::default());
    assert_eq!(decoded.placed[0].source, Source::Telemetry);
    assert_eq!(decoded.notes[0].proof, Proof::Unenrolled);
    assert_eq!(again(&record, &directory()), decoded);
}

#[test]
fn what_is_not_believed_places_nothing_and_no_receipt_names_it() {
    let keys = Keys::new(
        "g1",
        [
            (key(1).public(), Standing::InForce),
            (key(2).public(), Standing::Revoked),
        ],
    );
    let mut changed = note(&key(1));
    let at = changed.windows(4).position(|w| w == b"1548").unwrap();
    changed[at] = b'2';
    let json = br#"{"boot":7,"seq":50,"now":"2026-06-21T12:00:10Z","clock":"S","reads":[{"meter":"M1","register":"2.8.0","t":"2026-06-21T12:00:00Z","wh":1548}]}"#;
    let cases: [(&[u8], Proof); 4] = [
        (&changed, Proof::Forged),
        (&note(&key(2)), Proof::Revoked),
        (&note(&key(3)), Proof::Foreign),
        (json, Proof::Missing),
    ];
    for (payload, proof) in cases {
        let (decoded, record) = take(payload, &keys);
        assert_eq!(Arrived::decode(&record).unwrap().message().proof, proof);
        assert_eq!(decoded.doubts.len(), 1, "{proof:?}");
        assert!(decoded.placed.is_empty() && decoded.sequences.is_empty());
        // Its name is told, so that one that was used shows.
        let [named] = &decoded.notes[..] else {
            panic!("{:?}", decoded.notes)
        };
        assert_eq!((named.boot, named.seq, named.proof), (7, 50, proof));
        assert_eq!(named.link, Link::to(payload).0);
        assert_eq!(again(&record, &directory()), decoded);
    }
}

#[test]
fn a_read_of_a_neighbours_meter_is_marked_and_told_and_the_same_at_a_replay() {
    let roof = |site: &str| GatewayEntry {
        sites: [site.into()].into(),
        ..GatewayEntry::default()
    };
    let hangs = |site: &str| MeterEntry {
        site: site.into(),
        ..MeterEntry::default()
    };
    let mut entries = Entries {
        binds: true,
        gateways: [("g1".into(), roof("dorchester"))].into(),
        meters: [("M1".into(), hangs("elmore"))].into(),
    };
    let bound = |entries: &Entries| {
        let mut bindings = Bindings::none();
        bindings.take(entries, Instant(0));
        directory().bound(Arc::new(bindings))
    };
    let keys = Keys::new("g1", [(key(1).public(), Standing::InForce)]);
    let (_, record) = take(&note(&key(1)), &keys);
    let json = br#"{"boot":7,"seq":50,"now":"2026-06-21T12:00:10Z","clock":"S","reads":[{"meter":"M1","register":"2.8.0","t":"2026-06-21T12:00:00Z","wh":1548}]}"#;
    let (_, unsigned) = take(json, &Keys::default());
    for (record, source) in [
        (&record, Source::OtherGatewaySigned),
        (&unsigned, Source::OtherGateway),
    ] {
        let decoded = again(record, &bound(&entries));
        assert_eq!(decoded.placed[0].source, source);
        let told = decoded.doubts.last().expect("it is told");
        assert!(told.reason.contains("meter `M1`"), "{}", told.reason);
        // The receipt names it: it is here, and a person decides.
        assert!(!decoded.sequences.is_empty());
    }
    entries.gateways.insert("g1".into(), roof("elmore"));
    let own = again(&record, &bound(&entries));
    assert_eq!(own.placed[0].source, Source::Signed);
}

#[test]
fn a_replay_does_not_ask_which_keys_are_known_today() {
    let keys = Keys::new("g1", [(key(1).public(), Standing::InForce)]);
    let (then, record) = take(&note(&key(1)), &keys);
    // Revoked since: the record still says what the signature was worth when it came.
    assert_eq!(again(&record, &directory()).placed, then.placed);
    // Unless the revocation reaches back to it.
    let span = Span::new(Instant(NOON), Instant(NOON + 1));
    let disbelieved = Disbelieved {
        gateway: "g1".into(),
        received: span,
    };
    let directory = directory().disbelieving(Arc::from([disbelieved]));
    let decoded = again(&record, &directory);
    assert!(decoded.placed.is_empty() && decoded.sequences.is_empty());
    assert_eq!(&*decoded.doubts[0].reason, REVOKED_SINCE);
}

#[test]
fn a_note_of_a_newer_version_is_kept_and_never_believed_unchecked() {
    let newer = b"commonwatt/reading/v2\nwhatever comes";
    let (decoded, record) = take(newer, &Keys::default());
    assert!(decoded.undecodable[0].reason.contains("version `2`"));
    assert_eq!(again(&record, &directory()), decoded);
    // The same record holding a note that this build reads: it was not checked when it came.
    let mut decoded = Decoded::default();
    let gateway: Arc<str> = Arc::from("g1");
    let from = From {
        gateway: &gateway,
        received: Instant(NOON),
        record: 0,
    };
    reads(
        from,
        &note(&key(1)),
        Proof::Unsigned,
        &directory(),
        &mut Vec::new(),
        &mut decoded,
    );
    assert!(decoded.placed.is_empty() && decoded.doubts.len() == 1);
}

#[test]
fn numbers_that_a_loss_covers_are_named_in_json_too() {
    let json = br#"{"boot":7,"seq":50,"now":"2026-06-21T12:00:10Z","clock":"S","lost":[{"boot":7,"first":3,"last":9,"reads":70}],"reads":[]}"#;
    let (decoded, _) = take(json, &Keys::default());
    let runs: Vec<_> = decoded
        .sequences
        .iter()
        .map(|r| (r.boot, r.first, r.last))
        .collect();
    assert_eq!(runs, [(7, 50, 50), (7, 3, 9)]);
}

#[test]
fn a_power_of_a_neighbours_meter_is_left_out_and_told() {
    let hangs = MeterEntry {
        site: "elmore".into(),
        ..MeterEntry::default()
    };
    let roof = |site: &str| GatewayEntry {
        sites: [site.into()].into(),
        ..GatewayEntry::default()
    };
    let mut bindings = Bindings::none();
    let entries = Entries {
        binds: true,
        gateways: [("evcc".into(), roof("elmore")), ("g1".into(), roof("barn"))].into(),
        meters: [("PV".into(), hangs)].into(),
    };
    bindings.take(&entries, Instant(0));
    let directory = directory().bound(Arc::new(bindings));
    let power = || Mapped {
        meter: "PV".to_owned(),
        at: Instant(NOON),
        clock: mapping::Clock::Received,
        what: What::Power(-1_200),
    };
    for (gateway, powers, doubts) in [("evcc", 1, 0), ("g1", 0, 1)] {
        let gateway: Arc<str> = Arc::from(gateway);
        let from = From {
            gateway: &gateway,
            received: Instant(NOON),
            record: 0,
        };
        let mut decoded = Decoded::default();
        mapped(from, vec![power()], &directory, &mut decoded);
        assert_eq!(
            (decoded.powers.len(), decoded.doubts.len()),
            (powers, doubts)
        );
    }
}
