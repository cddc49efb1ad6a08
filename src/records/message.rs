//! A message from a gateway, as it arrived, and the digest that stands for messages in excess.
//!
//! A kind 1 record holds the raw bytes of one MQTT message with the facts of its arrival. Nothing
//! in it is interpreted: what the payload means is decoded again from these bytes at every replay,
//! so a later decoder can read what an earlier one could not. All integers are little-endian.
//!
//! | bytes | kind 1, version 1 |
//! |---|---|
//! | 1 | kind, 1 |
//! | 1 | version, 1 |
//! | 1 | door: 1 the built-in endpoint, 2 an outside broker |
//! | 1 | flags: bits 0–1 QoS, bit 2 retained, bit 3 last will, bit 4 refused by the decoder of the day, bit 5 payload compressed |
//! | 8 | when it reached us, milliseconds since 1970-01-01T00:00:00Z |
//! | 1 + n | gateway id, at most 64 bytes |
//! | 1 | topic form: 1 `commonwatt/v1/<gateway>/reads`, 2 `…/status`, 0 any other, spelled out |
//! | 2 + n | the topic, only in form 0 |
//! | 1 | mapping: 0 none (own format), 1 a hash follows |
//! | 32 | SHA-256 of the body of the decision that applied the mapping, only in form 1 |
//! | 4 | the payload's length, only with bit 5 |
//! | rest | payload: raw, or with bit 5 one LZ4 block (no frame, no dictionary) |
//!
//! Version 2 is for messages about which a signature says something: it has one byte more after the
//! flags, the [`Proof`], which is never 0; a message with proof 0 is written in version 1.
//!
//! A payload of [`COMPRESS_FROM`] bytes or more is compressed when that makes the record smaller; the
//! bytes that arrived come back exactly. A batch of JSON reads shrinks to about a sixth, which is
//! what the disk, the leaf hash and the mirrors of a journal then carry.
//!
//! | bytes | kind 3, version 1 |
//! |---|---|
//! | 1 + 1 + 1 | kind 3, version 1, door |
//! | 1 + n | gateway id |
//! | 8 + 8 | receive time of the first and of the last message it stands for |
//! | 8 + 8 | number of messages, bytes of their payloads |
//! | 32 | hash chain: h₀ = 0, hᵢ = SHA-256(hᵢ₋₁ ‖ u32 length ‖ payload) |
//!
//! Every head has one spelling: a topic that fits form 1 or 2 is refused in form 0. This module
//! never judges a payload and never truncates: what does not fit a limit is an error before a byte
//! is written.

use std::borrow::Cow;

use domain::calendar::Instant;
use lz4_flex::block;

use crate::{KIND_DIGEST, KIND_MESSAGE, proof::Proof};

/// The version written after [`KIND_MESSAGE`] and [`KIND_DIGEST`].
pub const VERSION: u8 = 1;
/// The version of a message that says something about its signature.
pub const PROVED_VERSION: u8 = 2;
/// Longest gateway id in bytes.
pub const MAX_GATEWAY_BYTES: usize = 64;
/// Longest topic in bytes that MQTT allows.
pub const MAX_TOPIC_BYTES: usize = 65_535;

/// Shortest payload that is compressed.
pub const COMPRESS_FROM: usize = 512;
/// Longest payload a compressed record may claim, checked before memory is taken for it.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

const COMPRESSED_FLAG: u8 = 1 << 5;
const OWN_PREFIX: &str = "commonwatt/v1/";

/// The way a message came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// The built-in MQTT endpoint.
    Endpoint,
    /// An outside broker, read by subscription.
    Broker,
}

/// One message as it arrived; a view on borrowed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMessage<'a> {
    /// When it reached us.
    pub received: Instant,
    /// The way it came in.
    pub door: Door,
    /// Quality of service it was sent with, 0 to 2.
    pub qos: u8,
    /// Whether the sender asked for it to be retained (we never do).
    pub retained: bool,
    /// Whether it is a connection's last will.
    pub will: bool,
    /// Whether the decoder of the day could not read it; it is kept and shown all the same.
    pub undecodable: bool,
    /// What its signature was worth when it came.
    pub proof: Proof,
    /// The gateway it is from, by credential or topic.
    pub gateway: &'a str,
    /// The topic it was published to.
    pub topic: &'a str,
    /// SHA-256 of the decision body of the mapping that reads it; none for the own format.
    pub mapping: Option<&'a [u8; 32]>,
    /// The payload, untouched.
    pub payload: &'a [u8],
}

/// Messages above a gateway's bound of bytes a day, counted instead of kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest<'a> {
    /// The way they came in.
    pub door: Door,
    /// The gateway they are from.
    pub gateway: &'a str,
    /// When the first of them reached us.
    pub first: Instant,
    /// When the last of them reached us.
    pub last: Instant,
    /// How many messages.
    pub count: u64,
    /// Sum of their payloads in bytes.
    pub bytes: u64,
    /// The hash chain over their payloads.
    pub hash: [u8; 32],
}

/// A record or its parts break the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// The record ends inside a field.
    #[error("message record ends inside `{0}`")]
    Short(&'static str),
    /// A field holds a value that this version does not know.
    #[error("message record has `{value}` in `{field}`, which version 1 does not know")]
    Unknown {
        /// The field.
        field: &'static str,
        /// The byte seen.
        value: u8,
    },
    /// A text field is not UTF-8.
    #[error("`{0}` in a message record is not UTF-8")]
    NotText(&'static str),
    /// A field is longer than its limit.
    #[error("`{field}` is {bytes} bytes long; the limit is {limit}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length in bytes.
        bytes: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// The compressed payload cannot be brought back.
    #[error("the compressed payload of a message record is damaged")]
    BadBlock,
    /// The record has another spelling than the one this format prescribes.
    #[error("message record spells `{0}` in a form that is kept for another case")]
    NotCanonical(&'static str),
}

impl<'a> ReadMessage<'a> {
    /// Whether it comes from a broker's memory. At the endpoint the flag is only the device's wish
    /// to be remembered; a broker sets it on what it kept.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.retained && self.door == Door::Broker
    }

    /// Appends the record's bytes to `into`. On error nothing is appended.
    ///
    /// # Errors
    /// [`BadMessage`] when the gateway id or the topic is over its limit or `qos` is over 2.
    pub fn encode(&self, into: &mut Vec<u8>) -> Result<(), BadMessage> {
        let (form, spelled) = match own_form(self.topic, self.gateway) {
            Some(form) => (form, false),
            None => (0, true),
        };
        let gateway_len = length("gateway", self.gateway, MAX_GATEWAY_BYTES)?;
        let topic_len = u16::try_from(self.topic.len()).map_err(|_| BadMessage::TooLong {
            field: "topic",
            bytes: self.topic.len(),
            limit: MAX_TOPIC_BYTES,
        })?;
        if self.qos > 2 {
            return Err(BadMessage::Unknown {
                field: "qos",
                value: self.qos,
            });
        }
        let start = into.len();
        into.reserve(64 + self.gateway.len() + self.topic.len() + self.payload.len());
        let flags = self.qos
            | u8::from(self.retained) << 2
            | u8::from(self.will) << 3
            | u8::from(self.undecodable) << 4;
        match self.proof {
            Proof::Unsigned => {
                into.extend_from_slice(&[KIND_MESSAGE, VERSION, self.door.byte(), flags]);
            }
            proof => into.extend_from_slice(&[
                KIND_MESSAGE,
                PROVED_VERSION,
                self.door.byte(),
                flags,
                proof.code(),
            ]),
        }
        into.extend_from_slice(&self.received.0.to_le_bytes());
        into.push(gateway_len);
        into.extend_from_slice(self.gateway.as_bytes());
        into.push(form);
        if spelled {
            into.extend_from_slice(&topic_len.to_le_bytes());
            into.extend_from_slice(self.topic.as_bytes());
        }
        match self.mapping {
            None => into.push(0),
            Some(hash) => {
                into.push(1);
                into.extend_from_slice(hash);
            }
        }
        if (COMPRESS_FROM..=MAX_PAYLOAD_BYTES).contains(&self.payload.len())
            && compress(self.payload, into)
        {
            if let Some(flags) = into.get_mut(start + FLAGS_AT) {
                *flags |= COMPRESSED_FLAG;
            }
        } else {
            into.extend_from_slice(self.payload);
        }
        Ok(())
    }
}

/// Where the flags stand in a record.
const FLAGS_AT: usize = 3;

/// Appends the length and the block; leaves `into` as it was when that would not be shorter.
fn compress(payload: &[u8], into: &mut Vec<u8>) -> bool {
    let start = into.len();
    let Ok(length) = u32::try_from(payload.len()) else {
        return false;
    };
    into.extend_from_slice(&length.to_le_bytes());
    let block_at = into.len();
    into.resize(block_at + block::get_maximum_output_size(payload.len()), 0);
    let room = into.get_mut(block_at..).unwrap_or_default();
    match block::compress_into(payload, room) {
        Ok(bytes) if bytes + 4 < payload.len() => {
            into.truncate(block_at + bytes);
            true
        }
        _ => {
            into.truncate(start);
            false
        }
    }
}

fn decompress(rest: &[u8]) -> Result<Vec<u8>, BadMessage> {
    let (length, block) = rest
        .split_first_chunk::<4>()
        .ok_or(BadMessage::Short("payload length"))?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_PAYLOAD_BYTES {
        return Err(BadMessage::TooLong {
            field: "payload",
            bytes: length,
            limit: MAX_PAYLOAD_BYTES,
        });
    }
    let payload = block::decompress(block, length).map_err(|_| BadMessage::BadBlock)?;
    if payload.len() != length || length < COMPRESS_FROM || rest.len() >= length {
        return Err(BadMessage::NotCanonical("payload"));
    }
    Ok(payload)
}

/// A decoded kind 1 record: the message, its topic rebuilt where the record abbreviates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived<'a> {
    form: u8,
    payload: Cow<'a, [u8]>,
    message: ReadMessage<'a>,
}

impl<'a> Arrived<'a> {
    /// Decodes one record strictly.
    ///
    /// # Errors
    /// [`BadMessage`] for anything that [`ReadMessage::encode`] would not have written.
    pub fn decode(record: &'a [u8]) -> Result<Arrived<'a>, BadMessage> {
        let mut cursor = Cursor { rest: record };
        cursor.expect("kind", KIND_MESSAGE)?;
        let version = cursor.byte("version")?;
        if version != VERSION && version != PROVED_VERSION {
            return Err(BadMessage::Unknown {
                field: "version",
                value: version,
            });
        }
        let door = Door::from_byte(cursor.byte("door")?)?;
        let flags = cursor.byte("flags")?;
        if flags & 0b1100_0000 != 0 || flags & 0b11 == 0b11 {
            return Err(BadMessage::Unknown {
                field: "flags",
                value: flags,
            });
        }
        let proof = match version {
            PROVED_VERSION => {
                let value = cursor.byte("proof")?;
                let known = Proof::of_code(value).filter(|proof| *proof != Proof::Unsigned);
                known.ok_or(BadMessage::Unknown {
                    field: "proof",
                    value,
                })?
            }
            _ => Proof::Unsigned,
        };
        let received = Instant(cursor.i64("received")?);
        let gateway = cursor.short_text("gateway", MAX_GATEWAY_BYTES)?;
        let form = cursor.byte("topic form")?;
        let spelled = match form {
            0 => {
                let length = cursor.array::<2>("topic")?;
                let text = cursor.text("topic", usize::from(u16::from_le_bytes(*length)))?;
                if own_form(text, gateway).is_some() {
                    return Err(BadMessage::NotCanonical("topic"));
                }
                text
            }
            1 | 2 => "",
            value => {
                return Err(BadMessage::Unknown {
                    field: "topic form",
                    value,
                });
            }
        };
        let mapping = match cursor.byte("mapping")? {
            0 => None,
            1 => Some(cursor.array::<32>("mapping")?),
            value => {
                return Err(BadMessage::Unknown {
                    field: "mapping",
                    value,
                });
            }
        };
        let payload = match flags & COMPRESSED_FLAG {
            0 => Cow::Borrowed(cursor.rest),
            _ => Cow::Owned(decompress(cursor.rest)?),
        };
        Ok(Arrived {
            form,
            payload,
            message: ReadMessage {
                received,
                door,
                qos: flags & 0b11,
                retained: flags & 1 << 2 != 0,
                will: flags & 1 << 3 != 0,
                undecodable: flags & 1 << 4 != 0,
                proof,
                gateway,
                topic: spelled,
                mapping,
                payload: &[],
            },
        })
    }

    /// The message without its topic: `topic` is empty unless the record spells it out.
    #[must_use]
    pub fn message(&self) -> ReadMessage<'_> {
        ReadMessage {
            payload: &self.payload,
            ..self.message
        }
    }

    /// The topic, rebuilt.
    #[must_use]
    pub fn topic(&self) -> String {
        match self.form {
            1 => format!("{OWN_PREFIX}{}/reads", self.message.gateway),
            2 => format!("{OWN_PREFIX}{}/status", self.message.gateway),
            _ => self.message.topic.to_owned(),
        }
    }

    /// Whether it is a reads message in the own format.
    #[must_use]
    pub fn is_reads(&self) -> bool {
        self.form == 1
    }

    /// Whether it asks that a key be believed.
    #[must_use]
    pub fn is_enrolment(&self) -> bool {
        let topic = self.message.topic.strip_prefix(OWN_PREFIX);
        self.form == 0
            && topic.and_then(|rest| rest.strip_prefix(self.message.gateway)) == Some("/enrol")
    }

    /// Whether it is a gateway's status.
    #[must_use]
    pub fn is_status(&self) -> bool {
        self.form == 2
    }
}

impl<'a> Digest<'a> {
    /// Appends the record's bytes to `into`. On error nothing is appended.
    ///
    /// # Errors
    /// [`BadMessage::TooLong`] when the gateway id is over its limit.
    pub fn encode(&self, into: &mut Vec<u8>) -> Result<(), BadMessage> {
        let gateway_len = length("gateway", self.gateway, MAX_GATEWAY_BYTES)?;
        into.extend_from_slice(&[KIND_DIGEST, VERSION, self.door.byte(), gateway_len]);
        into.extend_from_slice(self.gateway.as_bytes());
        into.extend_from_slice(&self.first.0.to_le_bytes());
        into.extend_from_slice(&self.last.0.to_le_bytes());
        into.extend_from_slice(&self.count.to_le_bytes());
        into.extend_from_slice(&self.bytes.to_le_bytes());
        into.extend_from_slice(&self.hash);
        Ok(())
    }

    /// Decodes one record strictly.
    ///
    /// # Errors
    /// [`BadMessage`] for anything that [`Digest::encode`] would not have written.
    pub fn decode(record: &'a [u8]) -> Result<Digest<'a>, BadMessage> {
        let mut cursor = Cursor { rest: record };
        cursor.expect("kind", KIND_DIGEST)?;
        cursor.expect("version", VERSION)?;
        let digest = Digest {
            door: Door::from_byte(cursor.byte("door")?)?,
            gateway: cursor.short_text("gateway", MAX_GATEWAY_BYTES)?,
            first: Instant(cursor.i64("first")?),
            last: Instant(cursor.i64("last")?),
            count: u64::from_le_bytes(*cursor.array::<8>("count")?),
            bytes: u64::from_le_bytes(*cursor.array::<8>("bytes")?),
            hash: *cursor.array::<32>("hash")?,
        };
        if !cursor.rest.is_empty() {
            return Err(BadMessage::TooLong {
                field: "digest record",
                bytes: record.len(),
                limit: record.len() - cursor.rest.len(),
            });
        }
        Ok(digest)
    }
}

impl Door {
    fn byte(self) -> u8 {
        match self {
            Door::Endpoint => 1,
            Door::Broker => 2,
        }
    }

    fn from_byte(value: u8) -> Result<Door, BadMessage> {
        match value {
            1 => Ok(Door::Endpoint),
            2 => Ok(Door::Broker),
            _ => Err(BadMessage::Unknown {
                field: "door",
                value,
            }),
        }
    }
}

fn own_form(topic: &str, gateway: &str) -> Option<u8> {
    let rest = topic.strip_prefix(OWN_PREFIX)?.strip_prefix(gateway)?;
    match rest {
        "/reads" => Some(1),
        "/status" => Some(2),
        _ => None,
    }
}

fn length(field: &'static str, text: &str, limit: usize) -> Result<u8, BadMessage> {
    let too_long = || BadMessage::TooLong {
        field,
        bytes: text.len(),
        limit,
    };
    if text.len() > limit {
        return Err(too_long());
    }
    u8::try_from(text.len()).map_err(|_| too_long())
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], BadMessage> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(BadMessage::Short(field))?;
        self.rest = rest;
        Ok(head)
    }

    fn byte(&mut self, field: &'static str) -> Result<u8, BadMessage> {
        self.array::<1>(field).map(|b| b[0])
    }

    fn i64(&mut self, field: &'static str) -> Result<i64, BadMessage> {
        self.array::<8>(field).map(|b| i64::from_le_bytes(*b))
    }

    fn expect(&mut self, field: &'static str, wanted: u8) -> Result<(), BadMessage> {
        match self.byte(field)? {
            value if value == wanted => Ok(()),
            value => Err(BadMessage::Unknown { field, value }),
        }
    }

    fn text(&mut self, field: &'static str, bytes: usize) -> Result<&'a str, BadMessage> {
        let (head, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or(BadMessage::Short(field))?;
        self.rest = rest;
        std::str::from_utf8(head).map_err(|_| BadMessage::NotText(field))
    }

    fn short_text(&mut self, field: &'static str, limit: usize) -> Result<&'a str, BadMessage> {
        let bytes = usize::from(self.byte(field)?);
        if bytes > limit {
            return Err(BadMessage::TooLong {
                field,
                bytes,
                limit,
            });
        }
        self.text(field, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> ReadMessage<'static> {
        ReadMessage {
            received: Instant(1_762_000_000_123),
            door: Door::Endpoint,
            qos: 1,
            retained: false,
            will: false,
            undecodable: false,
            proof: Proof::Unsigned,
            gateway: "elmore-1",
            topic: "commonwatt/v1/elmore-1/reads",
            mapping: None,
            payload: b"{}",
        }
    }

    #[test]
    fn golden_bytes_of_version_1_never_change() {
        let mut bytes = Vec::new();
        message().encode(&mut bytes).unwrap();
        assert_eq!(
            bytes,
            [
                1, 1, 1, 1, 0x7b, 0x54, 0x62, 0x3f, 0x9a, 0x01, 0, 0, 8, b'e', b'l', b'm', b'o',
                b'r', b'e', b'-', b'1', 1, 0, b'{', b'}'
            ]
        );
    }

    #[test]
    fn golden_bytes_of_version_2_never_change() {
        let signed = ReadMessage {
            proof: Proof::Signed,
            ..message()
        };
        let mut bytes = Vec::new();
        signed.encode(&mut bytes).unwrap();
        assert_eq!(
            bytes,
            [
                1, 2, 1, 1, 1, 0x7b, 0x54, 0x62, 0x3f, 0x9a, 0x01, 0, 0, 8, b'e', b'l', b'm', b'o',
                b'r', b'e', b'-', b'1', 1, 0, b'{', b'}'
            ]
        );
        assert_eq!(
            Arrived::decode(&bytes).unwrap().message().proof,
            Proof::Signed
        );
        for unknown in [0, 9, 255] {
            bytes[4] = unknown;
            assert!(Arrived::decode(&bytes).is_err(), "{unknown}");
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let hash = [7; 32];
        let other = ReadMessage {
            topic: "shellies/roof/emeter/0/total",
            mapping: Some(&hash),
            door: Door::Broker,
            retained: true,
            will: true,
            undecodable: true,
            proof: Proof::Forged,
            qos: 2,
            ..message()
        };
        for case in [message(), other] {
            let mut bytes = Vec::new();
            case.encode(&mut bytes).unwrap();
            let arrived = Arrived::decode(&bytes).unwrap();
            assert_eq!(arrived.topic(), case.topic);
            let same_topic = ReadMessage {
                topic: case.topic,
                ..arrived.message()
            };
            assert_eq!(same_topic, case);
        }
    }

    #[test]
    fn a_batch_is_kept_small_and_comes_back_to_the_byte() {
        let read =
            r#"{"meter":"2000012345","register":"2.8.0","t":"2026-06-21T12:00:00Z","wh":1548}"#;
        let batch = vec![read; 30].join(",");
        let noise: Vec<u8> = (0..3_000_u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
            .collect();
        for (payload, shrinks) in [(batch.as_bytes(), true), (&noise[..], false)] {
            let mut bytes = vec![7; 5];
            let sent = ReadMessage {
                payload,
                ..message()
            };
            sent.encode(&mut bytes).unwrap();
            let record = &bytes[5..];
            assert_eq!(
                record.len() < payload.len() / 4,
                shrinks,
                "{}",
                record.len()
            );
            let arrived = Arrived::decode(record).unwrap();
            assert_eq!(arrived.message().payload, payload);
            if shrinks {
                for at in 25..record.len() {
                    let _ = Arrived::decode(&record[..at]);
                    let mut flipped = record.to_vec();
                    flipped[at] ^= 0x40;
                    let _ = Arrived::decode(&flipped);
                }
                assert!(Arrived::decode(&record[..record.len() - 1]).is_err());
            }
        }
    }

    #[test]
    fn a_record_cut_anywhere_in_its_head_is_refused() {
        let mut bytes = Vec::new();
        message().encode(&mut bytes).unwrap();
        let head = bytes.len() - message().payload.len();
        for cut in 0..head {
            assert!(Arrived::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn an_own_topic_spelled_out_is_refused() {
        let mut bytes = Vec::new();
        message().encode(&mut bytes).unwrap();
        let mut spelled = bytes[..21].to_vec();
        let topic = message().topic;
        spelled.push(0);
        spelled.extend_from_slice(&u16::try_from(topic.len()).unwrap().to_le_bytes());
        spelled.extend_from_slice(topic.as_bytes());
        spelled.push(0);
        assert_eq!(
            Arrived::decode(&spelled),
            Err(BadMessage::NotCanonical("topic"))
        );
    }

    #[test]
    fn a_digest_comes_back_and_nothing_may_follow_it() {
        let digest = Digest {
            door: Door::Endpoint,
            gateway: "elmore-1",
            first: Instant(1),
            last: Instant(2),
            count: 3,
            bytes: 4,
            hash: [9; 32],
        };
        let mut bytes = Vec::new();
        digest.encode(&mut bytes).unwrap();
        assert_eq!(Digest::decode(&bytes), Ok(digest));
        bytes.push(0);
        assert!(Digest::decode(&bytes).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused_and_what_decodes_is_canonical(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..120),
        ) {
            let mut bytes = bytes;
            if bytes.len() > 2 { bytes[0] = 1; bytes[1] = 1 + bytes[1] % 2; bytes[2] = 1 + bytes[2] % 2; }
            if let Ok(arrived) = Arrived::decode(&bytes) {
                let topic = arrived.topic();
                let mut again = Vec::new();
                ReadMessage { topic: &topic, ..arrived.message() }.encode(&mut again).unwrap();
                if bytes[3] & COMPRESSED_FLAG == 0 { proptest::prop_assert_eq!(again, bytes); }
            }
        }
    }
}
