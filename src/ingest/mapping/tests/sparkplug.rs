//! Sparkplug B against the static vectors of another project (`samples/SOURCES.md`).

use commonwatt_mapping::{
    Mapping, Message, Reader, What,
    form::Binding,
    sparkplug::{Metric, Node, Payload},
};
use domain::calendar::{Instant, Zone};

const NBIRTH_V1: &str = "CNLig7n6MhINCgViZFNlcRABIAhYWBIcChROb2RlIENvbnRyb2wvUmViaXJ0aBACIAtwABIaCgtUZW1wZXJhdHVyZRBkIAppAAAAAACANUAYAA==";
const NDATA_V1: &str = "CNLig7n6MhINEGQgCmkAAAAAAIA2QBgB";
const NDEATH_V1: &str = "CNLig7n6MhINCgViZFNlcRAAIAhYABgA";
const NDATA_GAP: &str = "CNLig7n6MhINEGQgCmkAAAAAAAA7QBgF";
const NDATA_BEFORE_BIRTH: &str = "CNLig7n6MhINEGQgCmkAAAAAAAA5QBgB";
const NDATA_WRAPAROUND: &str = "CNLig7n6MhINEGQgCmkAAAAAAAA+QBgA";

/// When the vectors say they were sent.
const SENT: i64 = 1_750_855_643_474;

/// The vectors speak of a temperature; what it measures does not matter to the protocol.
const MAPPING: &str = r#"
name = "vectors"
[[message]]
topic = "spBv1.0/{group}/{kind}/{node}"
payload = "sparkplug-b"
meter = "{group}-{node}"
[[message.value]]
field = "Temperature"
unit = "kWh"
quantity = "energy"
kind = "counter"
register = "2.8.0"
"#;

fn bytes(base64: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for c in base64.bytes().filter(|c| *c != b'=') {
        held = held << 6 | u32::from(digit(c));
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

struct Talk {
    reader: Reader,
    node: Node,
}

impl Talk {
    fn new() -> Talk {
        static UTC: std::sync::LazyLock<Zone> =
            std::sync::LazyLock::new(|| Zone::named("UTC").unwrap());
        let zone = UTC.clone();
        Talk {
            reader: Reader::new(Mapping::read(MAPPING).unwrap(), Binding::default(), &zone),
            node: Node::default(),
        }
    }

    /// What a message says, and whether the node must be born again.
    fn hear(&mut self, kind: &str, payload: &[u8]) -> (Vec<i64>, Option<&'static str>) {
        // What is kept between two messages is kept as text.
        let kept = serde_json::to_string(&self.node).unwrap();
        self.node = serde_json::from_str(&kept).unwrap();
        let topic = format!("spBv1.0/factory/{kind}/line1");
        let read = self
            .reader
            .sparkplug(
                &mut self.node,
                &Message {
                    topic: &topic,
                    payload,
                    received: Instant(SENT + 5_000),
                    stale: false,
                },
            )
            .unwrap();
        let values = read
            .reads
            .iter()
            .map(|read| {
                assert_eq!(
                    (read.meter.as_str(), read.at),
                    ("factory-line1", Instant(SENT))
                );
                match read.what {
                    What::Register { wh, .. } => wh.0,
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        (values, read.rebirth)
    }

    fn vector(&mut self, kind: &str, base64: &str) -> (Vec<i64>, Option<&'static str>) {
        self.hear(kind, &bytes(base64))
    }
}

#[test]
fn a_birth_names_what_data_send_by_number() {
    let birth = Payload::read(&bytes(NBIRTH_V1)).unwrap();
    assert_eq!(birth.timestamp, Some(u64::try_from(SENT).unwrap()));
    assert_eq!((birth.seq, birth.metrics.len()), (Some(0), 3));
    let temperature = Metric {
        name: Some("Temperature".into()),
        alias: Some(100),
        datatype: Some(10),
        value: Some("21.5".into()),
        ..Metric::default()
    };
    assert_eq!(birth.metrics[2], temperature);
    let mut talk = Talk::new();
    assert_eq!(talk.vector("NBIRTH", NBIRTH_V1), (vec![21_500], None));
    assert_eq!(talk.vector("NDATA", NDATA_V1), (vec![22_500], None));
}

#[test]
fn a_gap_in_the_sequence_asks_for_a_birth_and_loses_nothing_that_came() {
    let mut talk = Talk::new();
    talk.vector("NBIRTH", NBIRTH_V1);
    talk.vector("NDATA", NDATA_V1);
    let (values, rebirth) = talk.vector("NDATA", NDATA_GAP);
    assert_eq!(values, [27_000]);
    assert_eq!(rebirth, Some("a gap in the sequence"));
}

#[test]
fn data_before_a_birth_say_nothing_and_ask_for_one() {
    let mut talk = Talk::new();
    let (values, rebirth) = talk.vector("NDATA", NDATA_BEFORE_BIRTH);
    assert_eq!((values, rebirth), (vec![], Some("data before a birth")));
    assert_eq!(talk.vector("NBIRTH", NBIRTH_V1), (vec![21_500], None));
}

#[test]
fn the_sequence_goes_round_from_255_to_0() {
    let mut talk = Talk::new();
    talk.vector("NBIRTH", NBIRTH_V1);
    let mut data = bytes(NDATA_V1);
    let last = data.len() - 1;
    for seq in 1..=127_u8 {
        data[last] = seq;
        assert_eq!(talk.hear("NDATA", &data).1, None, "{seq}");
    }
    // From 128 on a sequence number takes two bytes.
    for seq in 128..=255_u8 {
        let mut long = data[..last].to_vec();
        long.extend_from_slice(&[seq | 0x80, 1]);
        assert_eq!(talk.hear("NDATA", &long).1, None, "{seq}");
    }
    assert_eq!(talk.vector("NDATA", NDATA_WRAPAROUND), (vec![30_000], None));
}

#[test]
fn a_death_of_an_older_session_ends_nothing() {
    let mut talk = Talk::new();
    talk.vector("NBIRTH", NBIRTH_V1);
    // The vector's death has bdSeq 0; the birth had 88.
    talk.vector("NDEATH", NDEATH_V1);
    assert_eq!(talk.vector("NDATA", NDATA_V1), (vec![22_500], None));
    let mut own = bytes(NDEATH_V1);
    let at = own.windows(2).position(|w| w == [0x58, 0]).unwrap();
    own[at + 1] = 88;
    talk.hear("NDEATH", &own);
    assert_eq!(
        talk.vector("NDATA", NDATA_V1).1,
        Some("data before a birth")
    );
}

#[test]
fn a_historical_metric_keeps_its_own_time_and_a_null_says_nothing() {
    let mut talk = Talk::new();
    talk.vector("NBIRTH", NBIRTH_V1);
    let day = 86_400_000;
    let old = u64::try_from(SENT - 30 * day).unwrap();
    // The vector's metric with a timestamp (3) of thirty days ago and is_historical (5).
    let mut metric = vec![0x10, 100, 0x20, 10, 0x18];
    let mut rest = old;
    while rest >= 0x80 {
        metric.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    metric.push(rest as u8);
    metric.extend_from_slice(&[0x28, 1, 0x69, 0, 0, 0, 0, 0, 0x80, 0x36, 0x40]);
    let null = [0x10, 100, 0x20, 10, 0x38, 1];
    for (metric, reads) in [(metric.as_slice(), 1), (null.as_slice(), 0)] {
        let mut payload = vec![0x12, u8::try_from(metric.len()).unwrap()];
        payload.extend_from_slice(metric);
        payload.extend_from_slice(&[0x18, 1]);
        let read = talk
            .reader
            .sparkplug(
                &mut talk.node.clone(),
                &Message {
                    topic: "spBv1.0/factory/NDATA/line1",
                    payload: &payload,
                    received: Instant(SENT),
                    stale: false,
                },
            )
            .unwrap();
        assert_eq!(read.reads.len(), reads);
        assert!(read.reads.iter().all(|r| r.at == Instant(SENT - 30 * day)));
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_payload_or_refused(
        noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        at in 0_usize..90, byte in proptest::prelude::any::<u8>(),
    ) {
        let _ = Payload::read(&noise);
        let mut near = bytes(NBIRTH_V1);
        if let Some(place) = near.get_mut(at) { *place = byte; }
        let mut talk = Talk::new();
        let _ = talk.reader.sparkplug(&mut talk.node, &Message {
            topic: "spBv1.0/factory/NBIRTH/line1", payload: &near, received: Instant(SENT), stale: false,
        });
    }
}
