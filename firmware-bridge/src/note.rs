//! One register read, and the bytes of a note.
//!
//! A note is what a gateway publishes: its boot count, a sequence number that starts at 1 with each
//! boot, the gateway's own time with a letter for how far to trust it, what had to be given up, and
//! reads. It has two forms. With a key it is the signed text of [`wire::note`]; without one it is
//! JSON on one line:
//!
//! ```json
//! {"boot":3,"seq":17,"now":"2026-06-01T12:00:01Z","clock":"S","reads":[{"meter":"E1","register":"2.8.0","t":"2026-06-01T12:00:00Z","wh":1234567,"w":20410}]}
//! ```
//!
//! A loss is `"lost":[{"boot":3,"first":2,"last":9,"reads":40}]` before `reads`, and left out when
//! there is none.
//!
//! The bytes of a note are fixed when it is closed; sending it again sends the same bytes. Energy is
//! what the register showed, in whole Wh; this crate never writes an energy difference.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wire::note::{self as signed, ClockLetter, NoteWriter};
pub use wire::note::{Link, Loss, MeterState};

use crate::clock::{ClockState, Now};

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
    /// The meter's own state; only a signed note carries it.
    #[serde(skip)]
    pub state: MeterState,
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

/// How a gateway writes its notes.
#[derive(Clone, Default)]
pub enum Form {
    /// JSON, for a gateway without a key.
    #[default]
    Json,
    /// Signed text.
    Signed {
        /// The gateway's id.
        gateway: Arc<str>,
        /// Its private key.
        key: Arc<wire::SecretKey>,
    },
}

/// What is in a note besides its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The gateway's clock when the note was closed, ms since 1970 UTC.
    pub now_ms: i64,
    /// Notes given up.
    pub lost: Vec<Loss>,
    /// Reads.
    pub reads: Vec<MeterRead>,
}

/// The bytes are no note that this gateway could have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes are not a note")]
pub struct NotANote;

/// The bytes of a JSON note.
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
///     state: Default::default(),
/// };
/// let bytes = note::encode(NoteId { boot: 3, seq: 17 }, now, &[], &[read]);
/// assert!(bytes.starts_with(br#"{"boot":3,"seq":17,"now":"2026-06-01T12:00:01Z","clock":"S","#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode(id: NoteId, now: Now, lost: &[Loss], reads: &[MeterRead]) -> Bytes {
    let body = Body {
        boot: id.boot,
        seq: id.seq,
        now: now.wall,
        clock: now.state.letter(),
        lost: lost.iter().map(LossText::of).collect(),
        reads,
    };
    Bytes::from(serde_json::to_vec(&body).expect("texts and integers always print as JSON"))
}

impl Form {
    /// The bytes of a note; `prev` links it to the one before. A read that no signed note can carry
    /// (its source let it through against [`MeterRead::fits`]) is left out and logged.
    pub fn write(
        &self,
        id: NoteId,
        prev: Option<Link>,
        now: Now,
        lost: &[Loss],
        reads: &[MeterRead],
    ) -> Bytes {
        match self {
            Form::Json => encode(id, now, lost, reads),
            Form::Signed { gateway, key } => {
                let head = signed::Head {
                    gateway,
                    boot: id.boot,
                    seq: id.seq,
                    prev,
                    now_ms: now.wall.as_millisecond(),
                    clock: clock_letter(now.state),
                };
                let room = signed::MAX_FRAME_BYTES
                    + signed::MAX_READ_LINE_BYTES * (lost.len() + reads.len());
                let mut buffer = vec![0; room];
                let size = write_signed(&mut buffer, &head, lost, reads, key)
                    .expect("the head is checked at the start and the room is enough");
                buffer.truncate(size);
                Bytes::from(buffer)
            }
        }
    }

    /// The bytes to send of a note that was kept before this gateway was enrolled: signed now, with
    /// everything it said then, and the same at every sending. Nobody can know what came before it
    /// in signed form, so it names no note before it. Notes that are signed, and all notes of a
    /// gateway that does not sign, go as they were kept.
    pub(crate) fn believed(&self, id: NoteId, payload: Bytes) -> Bytes {
        let Form::Signed { .. } = self else {
            return payload;
        };
        if wire::Note::is_claimed_by(&payload) {
            return payload;
        }
        let Ok(body) = serde_json::from_slice::<OwnedBody>(&payload) else {
            return payload;
        };
        if !body.reads.iter().all(MeterRead::fits) {
            // No signed note can carry it: kept by the daemon as it is, and not believed.
            return payload;
        }
        let now = Now {
            tick_ms: 0,
            wall: body.now,
            state: ClockState::from_letter(&body.clock),
        };
        let lost: Vec<Loss> = body.lost.into_iter().map(LossText::loss).collect();
        self.write(id, None, now, &lost, &body.reads)
    }

    /// The link that the note after these bytes carries; none in the JSON form.
    pub(crate) fn link(&self, payload: &[u8]) -> Option<Link> {
        matches!(self, Form::Signed { .. }).then(|| Link::to(payload))
    }
}

impl MeterRead {
    /// Can every form of note carry it?
    pub fn fits(&self) -> bool {
        let Some(read) = self.to_wire() else {
            return false;
        };
        let mut buffer = [0; signed::MAX_FRAME_BYTES + signed::MAX_READ_LINE_BYTES];
        let head = signed::Head {
            gateway: "any",
            boot: 1,
            seq: 1,
            prev: None,
            now_ms: 0,
            clock: ClockLetter::Unknown,
        };
        NoteWriter::begin(&mut buffer, &head).is_ok_and(|mut note| note.read(&read).is_ok())
    }

    fn to_wire(&self) -> Option<signed::Read<'_>> {
        Some(signed::Read {
            meter: &self.meter,
            register: self.register.parse().ok()?,
            at_ms: self.at.as_millisecond(),
            state: self.state,
            wh: u64::try_from(self.wh).ok()?,
            w: self.w.map(i32::try_from).transpose().ok()?,
        })
    }

    fn from_wire(read: &signed::Read<'_>) -> Option<MeterRead> {
        Some(MeterRead {
            meter: read.meter.to_owned(),
            register: read.register.to_string(),
            at: Timestamp::from_millisecond(read.at_ms).ok()?,
            wh: i64::try_from(read.wh).ok()?,
            w: read.w.map(i64::from),
            state: read.state,
        })
    }
}

/// What is in a note that this gateway wrote, in either form.
///
/// # Errors
/// [`NotANote`].
pub fn open(payload: &[u8]) -> Result<Contents, NotANote> {
    if wire::Note::is_claimed_by(payload) {
        let note = wire::Note::parse(payload).map_err(|_| NotANote)?;
        let reads = note.reads().map(|read| MeterRead::from_wire(&read));
        return Ok(Contents {
            now_ms: note.head().now_ms,
            lost: note.losses().collect(),
            reads: reads.collect::<Option<_>>().ok_or(NotANote)?,
        });
    }
    let body: OwnedBody = serde_json::from_slice(payload).map_err(|_| NotANote)?;
    Ok(Contents {
        now_ms: body.now.as_millisecond(),
        lost: body.lost.into_iter().map(LossText::loss).collect(),
        reads: body.reads,
    })
}

fn write_signed(
    buffer: &mut [u8],
    head: &signed::Head<'_>,
    lost: &[Loss],
    reads: &[MeterRead],
    key: &wire::SecretKey,
) -> Result<usize, wire::NoteError> {
    let mut note = NoteWriter::begin(buffer, head)?;
    for loss in lost {
        note.lost(loss)?;
    }
    for read in reads {
        let written = read.to_wire().map(|read| note.read(&read));
        if !matches!(written, Some(Ok(()))) {
            tracing::error!(meter = %read.meter, register = %read.register, wh = read.wh, "no note can carry this read");
        }
    }
    note.sign(key)
}

fn clock_letter(state: ClockState) -> ClockLetter {
    match state {
        ClockState::Unknown => ClockLetter::Unknown,
        ClockState::Informative => ClockLetter::Informative,
        ClockState::Synced => ClockLetter::Synced,
        ClockState::Relative => ClockLetter::Relative,
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Json => "Json",
            Form::Signed { .. } => "Signed",
        })
    }
}

#[derive(Serialize)]
struct Body<'a> {
    boot: u64,
    seq: u64,
    now: Timestamp,
    clock: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lost: Vec<LossText>,
    reads: &'a [MeterRead],
}

#[derive(Deserialize)]
struct OwnedBody {
    now: Timestamp,
    #[serde(default)]
    clock: String,
    #[serde(default)]
    lost: Vec<LossText>,
    reads: Vec<MeterRead>,
}

#[derive(Serialize, Deserialize)]
struct LossText {
    boot: u64,
    first: u64,
    last: u64,
    reads: u64,
}

impl LossText {
    fn of(loss: &Loss) -> LossText {
        let &Loss {
            boot,
            first,
            last,
            reads,
        } = loss;
        LossText {
            boot,
            first,
            last,
            reads,
        }
    }

    fn loss(self) -> Loss {
        Loss {
            boot: self.boot,
            first: self.first,
            last: self.last,
            reads: self.reads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_read(meter: &str, register: &str, wh: i64, w: Option<i64>) -> MeterRead {
        MeterRead {
            meter: meter.into(),
            register: register.into(),
            at: Timestamp::from_second(1_780_315_200).unwrap(),
            wh,
            w,
            state: MeterState::Good,
        }
    }

    fn a_moment() -> Now {
        Now {
            tick_ms: 5,
            wall: Timestamp::from_millisecond(1_780_315_201_250).unwrap(),
            state: ClockState::Unknown,
        }
    }

    #[test]
    fn a_note_prints_as_the_contract_has_it() {
        let reads = [
            a_read("quote\"d", "1.8.0", 7, None),
            a_read("E1", "2.8.0", 8, Some(0)),
        ];
        let bytes = encode(NoteId { boot: 1, seq: 0 }, a_moment(), &[], &reads);
        let expected = concat!(
            r#"{"boot":1,"seq":0,"now":"2026-06-01T12:00:01.25Z","clock":"U","reads":["#,
            r#"{"meter":"quote\"d","register":"1.8.0","t":"2026-06-01T12:00:00Z","wh":7},"#,
            r#"{"meter":"E1","register":"2.8.0","t":"2026-06-01T12:00:00Z","wh":8,"w":0}]}"#
        );
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), expected);
        assert_eq!(open(&bytes).unwrap().reads, reads);
    }

    #[test]
    fn both_forms_open_to_what_was_put_in() {
        let lost = [Loss {
            boot: 1,
            first: 2,
            last: 40,
            reads: 390,
        }];
        let reads = [
            a_read("E 1", "1.8.0", 7, None),
            a_read("E1", "2.8.0", 8, Some(-3)),
        ];
        let signed = Form::Signed {
            gateway: "roof-1".into(),
            key: Arc::new(wire::SecretKey::from_seed(&[7; 32])),
        };
        for form in [Form::Json, signed] {
            let bytes = form.write(NoteId { boot: 2, seq: 1 }, None, a_moment(), &lost, &reads);
            let contents = open(&bytes).unwrap();
            assert_eq!(contents.lost, lost, "{form:?}");
            assert_eq!(contents.reads, reads, "{form:?}");
            assert_eq!(contents.now_ms, 1_780_315_201_250);
        }
        assert_eq!(open(b"rubbish"), Err(NotANote));
    }

    #[test]
    fn a_note_kept_before_the_enrolment_is_signed_when_it_is_sent_and_always_the_same() {
        let lost = [Loss {
            boot: 1,
            first: 2,
            last: 40,
            reads: 390,
        }];
        let reads = [a_read("E1", "2.8.0", 8, Some(-3))];
        let now = Now {
            state: ClockState::Synced,
            ..a_moment()
        };
        let id = NoteId { boot: 2, seq: 9 };
        let kept = encode(id, now, &lost, &reads);
        let key = wire::SecretKey::from_seed(&[7; 32]);
        let public = key.public();
        let signed = Form::Signed {
            gateway: "roof-1".into(),
            key: Arc::new(key),
        };
        assert_eq!(Form::Json.believed(id, kept.clone()), kept);
        let sent = signed.believed(id, kept.clone());
        assert_eq!(signed.believed(id, kept), sent);
        let note = wire::Note::parse(&sent).unwrap();
        assert!(note.verifies(&public));
        let head = note.head();
        assert_eq!((head.boot, head.seq, head.prev), (2, 9, None));
        assert_eq!(head.clock, ClockLetter::Synced);
        assert_eq!(head.now_ms, now.wall.as_millisecond());
        let contents = open(&sent).unwrap();
        assert_eq!(
            (&contents.lost[..], &contents.reads[..]),
            (&lost[..], &reads[..])
        );
        // What is signed already goes as it was kept, and so does what no signed note can carry.
        assert_eq!(signed.believed(id, sent.clone()), sent);
        let odd = encode(id, now, &[], &[a_read("E1", "2.8.0", -1, None)]);
        assert_eq!(signed.believed(id, odd.clone()), odd);
    }

    #[test]
    fn a_read_that_no_note_can_carry_is_known_beforehand() {
        assert!(a_read("E1", "2.8.0", 8, None).fits());
        for wrong in [
            a_read("", "2.8.0", 8, None),
            a_read("E1", "2.8", 8, None),
            a_read("E1", "2.8.0", -1, None),
            a_read("E1", "2.8.0", 1, Some(1 << 40)),
            a_read("E\n1", "2.8.0", 1, None),
        ] {
            assert!(!wrong.fits(), "{wrong:?}");
        }
    }
}
