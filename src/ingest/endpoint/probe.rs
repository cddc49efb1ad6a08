//! The readers of packets, for the fuzz targets in `fuzz/`; nothing else calls this.

use rumqttc::mqttbytes::v4;

use super::packet::{self, PUBLISH, Packet, Protocol};

/// Bytes of the largest packet that is read here.
const CAP: usize = 16 << 10;

/// Reads a stream as a connection of this version does, with every reader there is; whether it
/// began with a whole packet.
///
/// # Panics
/// When a reader contradicts itself or the other one.
#[must_use]
pub fn packets(stream: &[u8], v5: bool) -> bool {
    let protocol = if v5 { Protocol::V5 } else { Protocol::V4 };
    let mut at = 0;
    while let Some(packet) = take(stream.get(at..).unwrap_or_default()) {
        look(&packet, protocol);
        at += packet.whole.len();
    }
    at > 0
}

fn take(rest: &[u8]) -> Option<Packet<'_>> {
    let packet = packet::next(rest, CAP).ok().flatten()?;
    let half = rest.get(..packet.whole.len() - 1).unwrap_or_default();
    let early = packet::next(half, CAP);
    assert!(
        matches!(early, Ok(None)),
        "a packet is whole with its last byte"
    );
    Some(packet)
}

fn look(packet: &Packet<'_>, protocol: Protocol) {
    let _ = packet::connect_protocol(packet);
    let _ = packet.acknowledged_id(protocol);
    let codec = packet.read_v4();
    let _ = packet.read_v5();
    if packet.kind() != PUBLISH {
        return;
    }
    let ours = packet.publish(protocol);
    if let (Protocol::V4, Ok(ours), Ok(v4::Packet::Publish(theirs))) = (protocol, ours, codec) {
        assert_eq!(
            (ours.topic, ours.payload, ours.id),
            (theirs.topic.as_bytes(), &theirs.payload[..], theirs.pkid),
            "two readers of one PUBLISH"
        );
    }
}
