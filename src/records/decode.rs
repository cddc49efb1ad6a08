//! What the records of an entry mean: reads placed in series, sequence numbers, statuses.
//!
//! The same functions serve a message that arrives and a record that is replayed, so both give the
//! same [`Decoded`]. A payload that cannot be decoded is no error here: it is noted with its reason,
//! its bytes are in the record.

use std::sync::Arc;

use crate::{
    Decoded,
    decoded::{
        Doubt, EnrolmentAsked, NO_POWER, NamedNote, PlacedRead, PowerSample, SparkplugMessage,
        StatusNote, UndecodableMessage, UnplacedRead,
    },
    devices::{DeviceReader, Devices},
    directory::{Directory, Sender},
    message::{Arrived, BadMessage},
    own::{self, OwnRead},
    proof::{Keys, Proof},
};
use domain::{
    calendar::Instant,
    metering::{Obis, Source},
    quantity::WattHours,
};
use mapping::{Mapped, Message, Outcome, What};
use wire::{
    Note,
    note::{Link, MeterState, Register},
};

/// Longest status payload that goes along; the record keeps all of it.
pub const MAX_STATUS_BYTES: usize = 4_096;

/// What one message brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Reads of known registers.
    pub placed: u32,
    /// Reads of registers nobody has entered.
    pub unplaced: u32,
    /// Whether its payload could not be decoded.
    pub undecodable: bool,
    /// What its signature is worth; [`Proof::Unsigned`] for everything that cannot be signed.
    pub proof: Proof,
}

/// A message of reads in the own format, apart from its payload.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    /// The gateway.
    pub gateway: &'a Arc<str>,
    /// When it reached us.
    pub received: Instant,
    /// Which record of the entry holds it, counted from 0.
    pub record: u32,
}

/// Adds what a message of reads in the own format says to `into`, as it arrives: its signature is
/// checked against the keys of its gateway. `scratch` is memory to decode in.
pub fn arrived<'a>(
    from: From<'_>,
    payload: &'a [u8],
    keys: &Keys,
    directory: &Directory,
    scratch: &mut Vec<OwnRead<'a>>,
    into: &mut Decoded,
) -> Brought {
    if !Note::is_claimed_by(payload) {
        return json(from, payload, keys.of_unsigned(), directory, scratch, into);
    }
    match Note::parse(payload) {
        Ok(parsed) => {
            let proof = keys.of_note(from.gateway, &parsed);
            note(from, payload, &parsed, proof, directory, into)
        }
        Err(why) => undecodable(from, &why.to_string(), into),
    }
}

/// Adds what a message of reads in the own format says to `into`, its signature having been worth
/// this much when it arrived.
pub fn reads<'a>(
    from: From<'_>,
    payload: &'a [u8],
    proof: Proof,
    directory: &Directory,
    scratch: &mut Vec<OwnRead<'a>>,
    into: &mut Decoded,
) -> Brought {
    if !Note::is_claimed_by(payload) {
        return json(from, payload, proof, directory, scratch, into);
    }
    match Note::parse(payload) {
        // Unreadable on the day it came, and so never checked.
        Ok(_) if proof == Proof::Unsigned => {
            doubt(from, UNCHECKED, into);
            Brought::default()
        }
        Ok(parsed) => note(from, payload, &parsed, proof, directory, into),
        Err(why) => undecodable(from, &why.to_string(), into),
    }
}

const UNCHECKED: &str = "its signature was not checked when it came";

const REVOKED_SINCE: &str = "its gateway was revoked from a date before it came";

fn json<'a>(
    from: From<'_>,
    payload: &'a [u8],
    proof: Proof,
    directory: &Directory,
    scratch: &mut Vec<OwnRead<'a>>,
    into: &mut Decoded,
) -> Brought {
    let mut brought = Brought {
        proof,
        ..Brought::default()
    };
    let mut lost = Vec::new();
    let decoded = own::decode_into(payload, scratch, &mut lost);
    if let Some(why) = proof.doubt() {
        doubt(from, why, into);
        scratch.clear();
        if let Ok(head) = decoded {
            into.notes.push(NamedNote {
                gateway: Arc::clone(from.gateway),
                boot: head.boot,
                seq: head.seq,
                link: Link::to(payload).0,
                prev: None,
                lost: Box::default(),
                proof,
            });
        }
        return brought;
    }
    let head = match decoded {
        Ok(head) => head,
        Err(why) => return undecodable(from, &why.to_string(), into),
    };
    let mut placing = Placing::new(from, directory);
    for read in scratch.drain(..) {
        let w = read
            .w
            .and_then(|w| i32::try_from(w.0).ok())
            .unwrap_or(NO_POWER);
        let seen = Seen {
            meter: &read.meter,
            register: read.register,
            at: read.at,
            wh: read.wh,
            w,
            source: proof.source(),
        };
        placing.place(&seen, into, &mut brought);
    }
    placing.done(into);
    into.note_sequence(from.gateway, head.boot, head.seq);
    for loss in lost {
        into.note_lost(from.gateway, loss.boot, loss.first, loss.last);
    }
    brought
}

fn note(
    from: From<'_>,
    payload: &[u8],
    note: &Note<'_>,
    proof: Proof,
    directory: &Directory,
    into: &mut Decoded,
) -> Brought {
    let mut brought = Brought {
        proof,
        ..Brought::default()
    };
    let head = note.head();
    if proof != Proof::Misplaced {
        let lost = note.losses().map(|loss| (loss.boot, loss.first, loss.last));
        into.notes.push(NamedNote {
            gateway: Arc::clone(from.gateway),
            boot: head.boot,
            seq: head.seq,
            link: Link::to(payload).0,
            prev: head.prev.map(|link| link.0),
            lost: lost.collect(),
            proof,
        });
    }
    if let Some(why) = proof.doubt() {
        doubt(from, why, into);
        return brought;
    }
    let mut placing = Placing::new(from, directory);
    for read in note.reads() {
        if read.state != MeterState::Good {
            let why = format!(
                "meter `{}` gives its register `{}` with state `{}`; expected `G`",
                read.meter,
                read.register,
                read.state.letter()
            );
            doubt(from, &why, into);
            continue;
        }
        let Register(c, d, e) = read.register;
        let seen = Seen {
            meter: read.meter,
            register: Obis(c, d, e),
            at: Instant(read.at_ms),
            wh: WattHours(read.wh.cast_signed()),
            w: read.w.unwrap_or(NO_POWER),
            source: proof.source(),
        };
        placing.place(&seen, into, &mut brought);
    }
    placing.done(into);
    into.note_sequence(from.gateway, head.boot, head.seq);
    for loss in note.losses() {
        into.note_lost(from.gateway, loss.boot, loss.first, loss.last);
    }
    brought
}

/// One read of a message.
struct Seen<'a> {
    meter: &'a str,
    register: Obis,
    at: Instant,
    wh: WattHours,
    w: i32,
    source: Source,
}

/// Places the reads of one message.
struct Placing<'a> {
    from: From<'a>,
    directory: &'a Directory,
    sender: Sender<'a>,
    /// The first meter that is not the gateway's, and how many reads there are of such.
    of_others: Option<(Box<str>, u32)>,
}

impl<'a> Placing<'a> {
    fn new(from: From<'a>, directory: &'a Directory) -> Placing<'a> {
        Placing {
            from,
            directory,
            sender: directory.sender(from.gateway, from.received),
            of_others: None,
        }
    }

    fn place(&mut self, seen: &Seen<'_>, into: &mut Decoded, brought: &mut Brought) {
        let &Seen {
            meter,
            register,
            at,
            wh,
            w,
            source,
        } = seen;
        let received = self.from.received;
        let Some(belongs) = self.directory.place(self.sender, meter, register, at) else {
            brought.unplaced += 1;
            into.unplaced.push(UnplacedRead {
                gateway: Arc::clone(self.from.gateway),
                bound: self.sender.is_bound(),
                meter: meter.into(),
                register,
                at,
                wh,
                w,
                received,
                source,
            });
            return;
        };
        let source = if belongs.own {
            source
        } else {
            self.note_other(meter);
            source.of_other_gateway()
        };
        brought.placed += 1;
        into.placed.push(PlacedRead {
            series: belongs.series,
            at,
            wh,
            w,
            received,
            source,
        });
    }

    /// A power of a device without a counter, unless its meter is another gateway's: nobody could
    /// accept it later.
    fn power(&mut self, meter: String, at: Instant, w: i32, into: &mut Decoded) {
        if self.directory.owns(self.sender, &meter, at) {
            into.powers.push(PowerSample {
                meter: meter.into_boxed_str(),
                at,
                w,
            });
        } else {
            self.note_other(&meter);
        }
    }

    fn note_other(&mut self, meter: &str) {
        let (_, count) = self.of_others.get_or_insert_with(|| (meter.into(), 0));
        *count += 1;
    }

    /// Tells of reads of meters that are not the gateway's.
    fn done(self, into: &mut Decoded) {
        if let Some((meter, count)) = self.of_others {
            let why = match count {
                1 => format!("its read of meter `{meter}` does not count: {NOT_ITS_METER}"),
                _ => format!(
                    "`{count}` of its reads, as of meter `{meter}`, do not count: {NOT_ITS_METER}"
                ),
            };
            doubt(self.from, &why, into);
        }
    }
}

const NOT_ITS_METER: &str = "this gateway was not that meter's at their time; expected a site of the gateway, or its name at the meter";

fn undecodable(from: From<'_>, why: &str, into: &mut Decoded) -> Brought {
    into.undecodable.push(UndecodableMessage {
        gateway: Arc::clone(from.gateway),
        record: from.record,
        reason: why.into(),
        received: from.received,
    });
    Brought {
        undecodable: true,
        ..Brought::default()
    }
}

fn doubt(from: From<'_>, why: &str, into: &mut Decoded) {
    into.doubts.push(Doubt {
        gateway: Arc::clone(from.gateway),
        record: from.record,
        reason: why.into(),
        received: from.received,
    });
}

/// A message of a device that speaks its own dialect.
#[derive(Clone, Copy, Debug)]
pub struct Dialect<'a> {
    /// The mapping that reads it.
    pub device: &'a Arc<DeviceReader>,
    /// Its topic.
    pub topic: &'a str,
    /// Its bytes.
    pub payload: &'a [u8],
    /// Whether it comes from a broker's memory and not from the device just now.
    pub stale: bool,
}

/// Adds what a device's message says to `into`.
pub fn device(
    from: From<'_>,
    said: Dialect<'_>,
    directory: &Directory,
    into: &mut Decoded,
) -> Brought {
    let message = Message {
        topic: said.topic,
        payload: said.payload,
        received: from.received,
        stale: said.stale,
    };
    match said.device.reader.read(&message) {
        Outcome::Elsewhere | Outcome::Proposals(_) => Brought::default(),
        Outcome::Reads(reads) => mapped(from, reads, directory, into),
        Outcome::Sparkplug => {
            into.sparkplug.push(SparkplugMessage {
                gateway: Arc::clone(from.gateway),
                device: Arc::clone(said.device),
                topic: said.topic.into(),
                payload: said.payload.into(),
                received: from.received,
                stale: said.stale,
                record: from.record,
            });
            Brought::default()
        }
        Outcome::Refused(reason) => {
            into.undecodable.push(UndecodableMessage {
                gateway: Arc::clone(from.gateway),
                record: from.record,
                reason: reason.into_boxed_str(),
                received: from.received,
            });
            Brought {
                undecodable: true,
                ..Brought::default()
            }
        }
    }
}

/// Adds what a mapping made of a message to `into`.
pub(crate) fn mapped(
    from: From<'_>,
    reads: Vec<Mapped>,
    directory: &Directory,
    into: &mut Decoded,
) -> Brought {
    let mut brought = Brought::default();
    let mut placing = Placing::new(from, directory);
    for read in reads {
        match read.what {
            What::Register { register, wh, w } => {
                let seen = Seen {
                    meter: &read.meter,
                    register,
                    at: read.at,
                    wh,
                    w: w.unwrap_or(NO_POWER),
                    source: Source::Telemetry,
                };
                placing.place(&seen, into, &mut brought);
            }
            What::Power(w) => placing.power(read.meter, read.at, w, into),
            What::Glance(_) => {}
        }
    }
    placing.done(into);
    brought
}

/// Adds a gateway's status or last will to `into`.
pub fn status(from: From<'_>, payload: &[u8], will: bool, into: &mut Decoded) {
    into.statuses.push(StatusNote {
        gateway: Arc::clone(from.gateway),
        payload: payload
            .get(..payload.len().min(MAX_STATUS_BYTES))
            .unwrap_or_default()
            .into(),
        will,
        received: from.received,
    });
}

/// Adds a request that a key be believed to `into`.
pub fn enrolment(from: From<'_>, payload: &[u8], into: &mut Decoded) {
    into.enrolments.push(EnrolmentAsked {
        gateway: Arc::clone(from.gateway),
        payload: payload
            .get(..payload.len().min(wire::enrol::MAX_ENROL_BYTES))
            .unwrap_or_default()
            .into(),
        received: from.received,
    });
}

/// Adds what one kind 1 record of the journal says to `into`, as when it arrived.
///
/// # Errors
/// [`BadMessage`] when the record itself breaks its format.
pub fn replay(
    record: &[u8],
    number: u32,
    directory: &Directory,
    devices: &Devices,
    into: &mut Decoded,
) -> Result<Brought, BadMessage> {
    let arrived = Arrived::decode(record)?;
    let message = arrived.message();
    let gateway = match into.sequences.last() {
        Some(run) if *run.gateway == *message.gateway => Arc::clone(&run.gateway),
        _ => Arc::from(message.gateway),
    };
    let from = From {
        gateway: &gateway,
        received: message.received,
        record: number,
    };
    if directory.disbelieves(message.gateway, message.received) {
        doubt(from, REVOKED_SINCE, into);
        return Ok(Brought::default());
    }
    if let Some(hash) = message.mapping {
        // A hash that no decision names cannot be: the mapping is journaled before its first
        // message. The bytes stay, and say nothing.
        return Ok(devices
            .by_hash(hash)
            .map_or_else(Brought::default, |known| {
                let said = Dialect {
                    device: known,
                    topic: message.topic,
                    payload: message.payload,
                    stale: message.is_stale(),
                };
                device(from, said, directory, into)
            }));
    }
    if arrived.is_reads() {
        Ok(reads(
            from,
            message.payload,
            message.proof,
            directory,
            &mut Vec::new(),
            into,
        ))
    } else {
        if arrived.is_status() {
            status(from, message.payload, message.will, into);
        }
        Ok(Brought::default())
    }
}

#[cfg(test)]
mod tests;
