//! One register read, and the bytes of a note.
//!
//! A note is what a gateway publishes: its boot count, a sequence number that starts at 1 with each
//! boot, the gateway's own time with a letter for how far to trust it, and reads. It is written as
//! JSON on one line:
//!
//! ```json
//! {"boot":3,"seq":17,"now":"2026-06-01T12:00:01Z","clock":"S","reads":[{"meter":"E1","register":"2.8.0","t":"2026-06-01T12:00:00Z","wh":1234567,"w":20410}]}
//! ```
//!
//! The bytes of a note are fixed when it is closed; sending it again sends the same bytes. Energy is
//! what the register showed, in whole Wh; this crate never writes an energy difference.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Now;

/// What one register of one meter showed at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterRead {
    /// The meter's serial text.
    pub meter: String,
    /// OBIS code of the register: `2.8.0` generation or export, `1.8.0` import.
    pub register: String,
    /// When the meter was read, UTC.
    #[serde(rename = "t")]
    pub at: Timestamp,
    /// The register, in Wh.
    pub wh: i64,
    /// Power at that instant, in W, where the meter gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub w: Option<i64>,
}

/// A note's name: unique for a gateway for ever, ascending in the order in which notes were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoteId {
    /// How often the gateway has started.
    pub boot: u64,
    /// Number within the boot, from 1.
    pub seq: u64,
}

impl fmt::Display for NoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.boot, self.seq)
    }
}

/// The bytes of a note.
///
/// ```
/// use bridge::{clock::{ClockState, Now}, note::{self, MeterRead, NoteId}};
/// let now = Now { tick_ms: 0, wall: "2026-06-01T12:00:01Z".parse()?, state: ClockState::Synced };
/// let read = MeterRead {
///     meter: "E1".into(),
///     register: "2.8.0".into(),
///     at: "2026-06-01T12:00:00Z".parse()?,
///     wh: 1_234_567,
///     w: Some(20_410),
/// };
/// let bytes = note::encode(NoteId { boot: 3, seq: 17 }, now, &[read]);
/// assert!(bytes.starts_with(br#"{"boot":3,"seq":17,"now":"2026-06-01T12:00:01Z","clock":"S","#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode(id: NoteId, now: Now, reads: &[MeterRead]) -> Bytes {
    let body = Body {
        boot: id.boot,
        seq: id.seq,
        now: now.wall,
        clock: now.state.letter(),
        reads,
    };
    Bytes::from(serde_json::to_vec(&body).expect("texts and integers always print as JSON"))
}

/// The reads of a note that this gateway wrote itself.
pub(crate) fn reads_of(bytes: &[u8]) -> Vec<MeterRead> {
    #[derive(Deserialize)]
    struct Reads {
        reads: Vec<MeterRead>,
    }
    serde_json::from_slice::<Reads>(bytes)
        .expect("a note written by `encode` reads back")
        .reads
}

#[derive(Serialize)]
struct Body<'a> {
    boot: u64,
    seq: u64,
    now: Timestamp,
    clock: &'static str,
    reads: &'a [MeterRead],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockState;

    #[test]
    fn a_note_prints_as_the_contract_has_it() {
        let now = Now {
            tick_ms: 5,
            wall: Timestamp::from_millisecond(1_780_315_201_250).unwrap(),
            state: ClockState::Unknown,
        };
        let reads = [
            MeterRead {
                meter: "quote\"d".into(),
                register: "1.8.0".into(),
                at: Timestamp::from_second(1_780_315_200).unwrap(),
                wh: 7,
                w: None,
            },
            MeterRead {
                meter: "E1".into(),
                register: "2.8.0".into(),
                at: Timestamp::from_second(1_780_315_200).unwrap(),
                wh: 8,
                w: Some(0),
            },
        ];
        let bytes = encode(NoteId { boot: 1, seq: 0 }, now, &reads);
        let expected = concat!(
            r#"{"boot":1,"seq":0,"now":"2026-06-01T12:00:01.25Z","clock":"U","reads":["#,
            r#"{"meter":"quote\"d","register":"1.8.0","t":"2026-06-01T12:00:00Z","wh":7},"#,
            r#"{"meter":"E1","register":"2.8.0","t":"2026-06-01T12:00:00Z","wh":8,"w":0}]}"#
        );
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), expected);
        assert_eq!(reads_of(&bytes), reads);
    }
}
