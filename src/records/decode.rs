//! What the records of an entry mean: reads placed in series, sequence numbers, statuses.
//!
//! The same functions serve a message that arrives and a record that is replayed, so both give the
//! same [`Decoded`]. A payload that cannot be decoded is no error here: it is noted with its reason,
//! its bytes are in the record.

use std::sync::Arc;

use crate::{
    Decoded,
    decoded::{NO_POWER, PlacedRead, StatusNote, UndecodableMessage, UnplacedRead},
    directory::Directory,
    message::{Arrived, BadMessage},
    own::{self, OwnRead},
};
use domain::{calendar::Instant, metering::Source};

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

/// Adds what a payload in the own format says to `into`. `scratch` is memory to decode in.
pub fn reads<'a>(
    from: From<'_>,
    payload: &'a [u8],
    directory: &Directory,
    scratch: &mut Vec<OwnRead<'a>>,
    into: &mut Decoded,
) -> Brought {
    let mut brought = Brought::default();
    let head = match own::decode_into(payload, scratch) {
        Ok(head) => head,
        Err(why) => {
            into.undecodable.push(UndecodableMessage {
                gateway: Arc::clone(from.gateway),
                record: from.record,
                reason: why.to_string().into_boxed_str(),
                received: from.received,
            });
            brought.undecodable = true;
            return brought;
        }
    };
    for read in scratch.drain(..) {
        let w = read
            .w
            .and_then(|w| i32::try_from(w.0).ok())
            .unwrap_or(NO_POWER);
        if let Some(series) = directory.find(&read.meter, read.register) {
            brought.placed += 1;
            into.placed.push(PlacedRead {
                series,
                at: read.at,
                wh: read.wh,
                w,
                received: from.received,
                source: Source::Telemetry,
            });
        } else {
            brought.unplaced += 1;
            into.unplaced.push(UnplacedRead {
                gateway: Arc::clone(from.gateway),
                meter: read.meter.into(),
                register: read.register,
                at: read.at,
                wh: read.wh,
                w,
                received: from.received,
                source: Source::Telemetry,
            });
        }
    }
    into.note_sequence(from.gateway, head.boot, head.seq);
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

/// Adds what one kind 1 record of the journal says to `into`, as when it arrived.
///
/// # Errors
/// [`BadMessage`] when the record itself breaks its format.
pub fn replay(
    record: &[u8],
    number: u32,
    directory: &Directory,
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
    if arrived.is_reads() {
        Ok(reads(
            from,
            message.payload,
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
