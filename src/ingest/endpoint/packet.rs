//! MQTT packets on a byte stream: framing with the size cap first, and the packets that make up the
//! traffic read without a copy.
//!
//! PUBLISH and the four-byte acknowledgements are read and written here, on the slice the socket
//! filled. Everything else goes through rumqttc's `mqttbytes` codec, which copies a packet and
//! checks less than a server must (reserved flags, bytes left over, NUL in text); the missing
//! checks are here too.

use bytes::BytesMut;
use rumqttc::{mqttbytes::v4, v5::mqttbytes::v5};

use super::close::Close;

pub(super) const CONNECT: u8 = 1;
pub(super) const PUBLISH: u8 = 3;
pub(super) const PUBACK: u8 = 4;
pub(super) const PUBREC: u8 = 5;
pub(super) const PUBREL: u8 = 6;
pub(super) const PUBCOMP: u8 = 7;
pub(super) const SUBSCRIBE: u8 = 8;
pub(super) const UNSUBSCRIBE: u8 = 10;
pub(super) const PINGREQ: u8 = 12;
pub(super) const DISCONNECT: u8 = 14;

/// The two versions spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    V4,
    V5,
}

/// One whole packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// Type and flags.
    pub first: u8,
    /// Variable header and payload.
    pub body: &'a [u8],
    /// The packet as it stands in the stream.
    pub whole: &'a [u8],
}

/// A PUBLISH, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Publish<'a> {
    pub qos: u8,
    pub retain: bool,
    pub topic: &'a [u8],
    pub id: u16,
    pub payload: &'a [u8],
}

/// The next packet of the stream, or `None` when more bytes are needed. The cap is checked as soon
/// as the length can be read, before anything is kept for it.
pub(super) fn next(stream: &[u8], cap: usize) -> Result<Option<Packet<'_>>, Close> {
    let Some((&first, rest)) = stream.split_first() else {
        return Ok(None);
    };
    let mut length = 0_usize;
    for (place, &byte) in rest.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 != 0 {
            if place == 3 {
                return Err(Close::Malformed);
            }
            continue;
        }
        let head = 2 + place;
        let end = head + length;
        if end > cap {
            return Err(Close::TooLarge);
        }
        let Some(whole) = stream.get(..end) else {
            return Ok(None);
        };
        let body = whole.get(head..).unwrap_or_default();
        return Ok(Some(Packet { first, body, whole }));
    }
    Ok(None)
}

impl<'a> Packet<'a> {
    pub(super) fn kind(&self) -> u8 {
        self.first >> 4
    }

    pub(super) fn flags(&self) -> u8 {
        self.first & 0x0f
    }

    /// Reads a PUBLISH.
    pub(super) fn publish(&self, protocol: Protocol) -> Result<Publish<'a>, Close> {
        let flags = self.flags();
        let qos = flags >> 1 & 0b11;
        if qos == 3 || (qos == 0 && flags & 0b1000 != 0) {
            return Err(Close::Malformed);
        }
        let (topic, rest) = text(self.body)?;
        let (id, rest) = if qos == 0 {
            (0, rest)
        } else {
            packet_id(rest)?
        };
        let payload = match protocol {
            Protocol::V4 => rest,
            Protocol::V5 => match rest.split_first() {
                Some((0, payload)) => payload,
                Some(_) => self.publish_with_properties(rest)?,
                None => return Err(Close::Malformed),
            },
        };
        Ok(Publish {
            qos,
            retain: flags & 1 != 0,
            topic,
            id,
            payload,
        })
    }

    fn publish_with_properties(&self, rest: &'a [u8]) -> Result<&'a [u8], Close> {
        let v5::Packet::Publish(publish) = self.read_v5()? else {
            return Err(Close::Malformed);
        };
        if let Some(properties) = &publish.properties {
            if properties.topic_alias.is_some() {
                return Err(Close::TopicAlias);
            }
            if !properties.subscription_identifiers.is_empty() {
                return Err(Close::Protocol);
            }
        }
        let start = rest
            .len()
            .checked_sub(publish.payload.len())
            .ok_or(Close::Malformed)?;
        rest.get(start..).ok_or(Close::Malformed)
    }

    /// The packet id of an acknowledgement; a version 5 reason code after it is not looked at.
    pub(super) fn acknowledged_id(&self, protocol: Protocol) -> Result<u16, Close> {
        let wanted = if self.kind() == PUBREL { 0b0010 } else { 0 };
        let (id, rest) = packet_id(self.body)?;
        let plain = rest.is_empty() || (protocol == Protocol::V5 && self.read_v5().is_ok());
        if self.flags() != wanted || !plain {
            return Err(Close::Malformed);
        }
        Ok(id)
    }

    /// Reads any packet with the codec of version 3.1.1.
    pub(super) fn read_v4(&self) -> Result<v4::Packet, Close> {
        let mut stream = BytesMut::from(self.whole);
        v4::Packet::read(&mut stream, self.whole.len()).map_err(|_| Close::Malformed)
    }

    /// Reads any packet with the codec of version 5.
    pub(super) fn read_v5(&self) -> Result<v5::Packet, Close> {
        let mut stream = BytesMut::from(self.whole);
        let cap = u32::try_from(self.whole.len()).ok();
        v5::Packet::read(&mut stream, cap).map_err(|_| Close::Malformed)
    }
}

/// What the codec does not check in a CONNECT: protocol name and level, reserved and contradictory
/// flags. Gives the version, or the level nobody here speaks.
pub(super) fn connect_protocol(packet: &Packet<'_>) -> Result<Result<Protocol, u8>, Close> {
    if packet.flags() != 0 {
        return Err(Close::Malformed);
    }
    let (name, rest) = text(packet.body)?;
    let [level, flags, ..] = *rest else {
        return Err(Close::Malformed);
    };
    if name == b"MQIsdp" {
        return Ok(Err(level));
    }
    if name != b"MQTT" {
        return Err(Close::Malformed);
    }
    let protocol = match level {
        4 => Protocol::V4,
        5 => Protocol::V5,
        other => return Ok(Err(other)),
    };
    let (user, password) = (flags & 0x80 != 0, flags & 0x40 != 0);
    let (will, will_parts) = (flags & 0x04 != 0, flags & 0x38);
    let contradicts = (!will && will_parts != 0)
        || will_parts & 0x18 == 0x18
        || (protocol == Protocol::V4 && password && !user);
    if flags & 1 != 0 || contradicts {
        return Err(Close::Malformed);
    }
    Ok(Ok(protocol))
}

/// Appends PUBACK, PUBREC or PUBCOMP. A reason other than 0 exists in version 5 only.
pub(super) fn write_ack(out: &mut Vec<u8>, kind: u8, id: u16, reason: u8) {
    let [high, low] = id.to_be_bytes();
    if reason == 0 {
        out.extend_from_slice(&[kind << 4, 2, high, low]);
    } else {
        out.extend_from_slice(&[kind << 4, 3, high, low, reason]);
    }
}

/// Appends a version 5 DISCONNECT with an empty list of properties. The codec of rumqttc 0.25.1
/// counts one byte too few in this packet.
pub(super) fn write_disconnect(out: &mut Vec<u8>, reason: u8) {
    out.extend_from_slice(&[DISCONNECT << 4, 2, reason, 0]);
}

/// Whether text may stand in a packet: MQTT forbids NUL.
pub(super) fn is_plain(text: &str) -> bool {
    !text.contains('\0')
}

fn text(bytes: &[u8]) -> Result<(&[u8], &[u8]), Close> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(Close::Malformed)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        .ok_or(Close::Malformed)
}

fn packet_id(bytes: &[u8]) -> Result<(u16, &[u8]), Close> {
    let (id, rest) = bytes.split_first_chunk::<2>().ok_or(Close::Malformed)?;
    match u16::from_be_bytes(*id) {
        0 => Err(Close::Malformed),
        id => Ok((id, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_refused_by_its_length_before_it_is_there() {
        assert!(matches!(
            next(&[0x30, 0x80, 0x80, 0x04], 65_536),
            Err(Close::TooLarge)
        ));
        assert!(matches!(next(&[0x30, 0x80, 0x80], 65_536), Ok(None)));
        assert!(matches!(
            next(&[0x30, 0xff, 0xff, 0xff, 0xff], 1 << 30),
            Err(Close::Malformed)
        ));
        let whole = next(&[0xc0, 0, 0x30], 10).unwrap().unwrap();
        assert_eq!((whole.kind(), whole.whole.len()), (PINGREQ, 2));
    }

    #[test]
    fn publish_is_read_in_place_with_and_without_properties() {
        let v4 = [0x32, 7, 0, 1, b'a', 0, 9, b'h', b'i'];
        let publish = next(&v4, 99)
            .unwrap()
            .unwrap()
            .publish(Protocol::V4)
            .unwrap();
        assert_eq!((publish.id, publish.payload), (9, &b"hi"[..]));
        let v5 = [0x32, 10, 0, 1, b'a', 0, 9, 2, 1, 1, b'h', b'i'];
        let publish = next(&v5, 99)
            .unwrap()
            .unwrap()
            .publish(Protocol::V5)
            .unwrap();
        assert_eq!((publish.id, publish.payload), (9, &b"hi"[..]));
        let alias = [0x30, 9, 0, 1, b'a', 3, 0x23, 0, 1, b'h', b'i'];
        let refused = next(&alias, 99).unwrap().unwrap().publish(Protocol::V5);
        assert_eq!(refused, Err(Close::TopicAlias));
    }

    #[test]
    fn publish_with_impossible_flags_is_refused() {
        for first in [0x36, 0x38, 0x3e] {
            let bytes = [first, 5, 0, 1, b'a', 0, 1];
            let packet = next(&bytes, 99).unwrap().unwrap();
            assert_eq!(packet.publish(Protocol::V4), Err(Close::Malformed));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            if let Ok(Some(packet)) = next(&bytes, 4_096) {
                for protocol in [Protocol::V4, Protocol::V5] {
                    let _ = packet.publish(protocol);
                    let _ = packet.acknowledged_id(protocol);
                }
                let _ = connect_protocol(&packet);
                let _ = packet.read_v4();
                let _ = packet.read_v5();
            }
        }
    }
}
