//! Packets as the built-in endpoint reads them from a stream, and topics.

use ingest::{endpoint::probe, topic};

use crate::text;

pub fn v4(input: &[u8]) -> bool {
    probe::packets(input, false)
}

pub fn v5(input: &[u8]) -> bool {
    probe::packets(input, true)
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).expect("a seed is short");
    [&[first, length], body].concat()
}

pub fn v4_seeds() -> Vec<Vec<u8>> {
    let connect = packet(
        0x10,
        b"\0\x04MQTT\x04\xc6\0\x3c\0\x03bes\0\x01s\0\x04gone\0\x03bes\0\x04pass",
    );
    let publish = packet(0x32, b"\0\x1bcommonwatt/v1/bes1-gw/reads\0\x07{\"boot\":1}");
    let subscribe = packet(0x82, b"\0\x09\0\x05a/b/+\x01");
    let unsubscribe = packet(0xa2, b"\0\x0a\0\x01a");
    let small = [
        packet(0x40, b"\0\x01"),
        packet(0x62, b"\0\x02"),
        packet(0xc0, b""),
        packet(0xe0, b""),
    ];
    let all = [
        vec![connect, publish, subscribe, unsubscribe],
        small.to_vec(),
    ]
    .concat();
    let stream = all.concat();
    [all, vec![stream]].concat()
}

pub fn v5_seeds() -> Vec<Vec<u8>> {
    let connect = packet(
        0x10,
        b"\0\x04MQTT\x05\xc2\0\x3c\x05\x11\0\0\0\x0a\0\x03bes\0\x03bes\0\x04pass",
    );
    let bare = packet(0x32, b"\0\x01a\0\x07\0{}");
    let properties = packet(
        0x32,
        b"\0\x01a\0\x07\x0c\x01\x01\x02\0\0\0\x09\x26\0\x01k\0\0{}",
    );
    let subscribe = packet(0x82, b"\0\x09\0\0\x01a\x01");
    let release = packet(0x62, b"\0\x02\x92\0");
    let goodbye = packet(0xe0, b"\x04\0");
    let all = vec![connect, bare, properties, subscribe, release, goodbye];
    let stream = all.concat();
    [all, vec![stream]].concat()
}

pub fn topic(input: &[u8]) -> bool {
    let published = topic::published(input);
    if let Some((gateway, _)) = published {
        assert!(topic::is_gateway_id(gateway), "`{gateway}`");
    }
    let receipt = text(input).and_then(topic::receipt_of);
    if let Some(gateway) = receipt {
        assert_eq!(topic::receipt(gateway).as_bytes(), input);
    }
    published.is_some() || receipt.is_some()
}

pub fn topic_seeds() -> Vec<Vec<u8>> {
    [
        "commonwatt/v1/bes1-gw/reads",
        "commonwatt/v1/bes1-gw/status",
        "commonwatt/v1/a.B_9/receipt",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
