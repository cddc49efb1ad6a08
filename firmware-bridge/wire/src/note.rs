//! The reading note: what a gateway signs.
//!
//! ```text
//! commonwatt/reading/v1
//! gw elmore-1 boot 7 seq 48213
//! prev 6f1c0a93b2d04e55a1c7f0e8d3b69482
//! now 2026-11-22T10:30:00Z S
//! lost boot 7 seq 48100 to 48199 reads 1000
//! r 2.8.0 2026-11-22T10:30:00Z G 345678 Wh 2410 W M123456
//! r 1.8.0 2026-11-22T10:30:00Z G 12345678 Wh - W M123456
//!
//! — commonwatt/gw/elmore-1 Az3g…=
//! ```
//!
//! Strict UTF-8 lines, each ended by one line feed; then an empty line and one signature line, as in
//! a C2SP signed note: base64 of the key's id and the Ed25519 signature of everything before the
//! empty line.
//!
//! - `gw`: whose note it is, how often the gateway has started, and the note's number since then,
//!   from 1. The three together name one note for ever.
//! - `prev`: the first 16 bytes of SHA-256 of the gateway's previous note, all of its bytes; `-` when
//!   the gateway knows of none. It shows a gap or a fork at once.
//! - `now`: the gateway's clock when it closed the note, and how far it trusts it ([`ClockLetter`]).
//! - `lost`: notes that were given up for want of room, and how many reads went with them. They count
//!   as received from then on. The last read of every register is never among the loss: it is in a
//!   later note, as a rule in the one that says `lost`.
//! - `r`: a **cumulative** register: OBIS code, when it was read, the meter's state as OCMF has it
//!   ([`MeterState`]), whole Wh, power in whole W at that instant or `-`, and the meter's serial, which
//!   is the rest of the line.
//!
//! Losses come before reads. Numbers have no sign (but power may be negative), no leading zeros and
//! are at most [`MAX_INTEGER`]; times have milliseconds or none. So a note has one spelling: [`Note::parse`]
//! takes exactly what a [`NoteWriter`] writes. A version outside [`VERSIONS`] is an error of its own,
//! so that a newer gateway is told apart from noise.

use base64ct::{Base64, Encoding as _};
use core::fmt::{self, Write as _};
use core::ops::RangeInclusive;
use sha2::{Digest as _, Sha256};

use crate::{
    key::{KEY_NAME_PREFIX, KeyId, PublicKey, SIGNATURE_BYTES, SecretKey},
    text::{Cursor, FIRST_MS, Fixed, Hex, LAST_MS, Stray, Utc},
};

mod letters;
pub use letters::{ClockLetter, MeterState, Register};

/// What every reading note begins with; a version number and a line feed follow.
pub const PREFIX: &str = "commonwatt/reading/v";
/// The versions this build reads.
pub const VERSIONS: RangeInclusive<u32> = 1..=1;
/// The version this build writes.
pub const VERSION: u32 = 1;
/// Longest note in bytes.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;
/// Most reads in a note.
pub const MAX_READS: usize = 1_000;
/// Most losses in a note.
pub const MAX_LOSSES: usize = 64;
/// Longest meter serial in bytes.
pub const MAX_METER_BYTES: usize = 64;
/// Largest boot, sequence, count and register: 2⁵³ − 1, exact in every JSON implementation.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
/// Bytes of the longest read line.
pub const MAX_READ_LINE_BYTES: usize = 144;
/// Bytes that head and signature of a note take at most.
pub const MAX_FRAME_BYTES: usize = 448;

/// Base64 of a key id and a signature.
const SIGNATURE_TEXT_BYTES: usize = 92;

/// The first 16 bytes of SHA-256 of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link(pub [u8; 16]);

/// What a note says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The gateway.
    pub gateway: &'a str,
    /// How often it has started.
    pub boot: u64,
    /// The note's number since then, from 1.
    pub seq: u64,
    /// The gateway's previous note, if it knows of one.
    pub prev: Option<Link>,
    /// The gateway's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
    /// How far it trusts it.
    pub clock: ClockLetter,
}

/// What one register of one meter showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read<'a> {
    /// The meter's serial.
    pub meter: &'a str,
    /// The register.
    pub register: Register,
    /// When it was read, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The meter's state.
    pub state: MeterState,
    /// What the register showed, Wh.
    pub wh: u64,
    /// Power at that instant, W.
    pub w: Option<i32>,
}

/// Notes that were given up: they are covered by this record and will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Their boot.
    pub boot: u64,
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// Reads in them that are nowhere else.
    pub reads: u64,
}

/// A note that is well written; whether it is well signed is [`Note::verifies`]'s to say.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    head: Head<'a>,
    /// The signed part.
    text: &'a str,
    losses: &'a str,
    reads: &'a str,
    key: KeyId,
    signature: [u8; SIGNATURE_BYTES],
}

/// Writes one note into a caller's buffer.
pub struct NoteWriter<'b> {
    out: Fixed<'b>,
    gateway_at: (usize, usize),
    reads: usize,
    losses: usize,
}

/// Why bytes are not a note, or a note cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// It does not begin as a note does.
    NotANote,
    /// A version outside [`VERSIONS`].
    Version(u32),
    /// Longer than [`MAX_NOTE_BYTES`].
    TooLong,
    /// Not UTF-8.
    NotText,
    /// Other bytes than the one way to write it, at this offset.
    Syntax(usize),
    /// More reads than [`MAX_READS`].
    TooManyReads,
    /// More losses than [`MAX_LOSSES`].
    TooManyLosses,
    /// A value that no note can carry.
    Value(&'static str),
    /// A loss after a read.
    Order,
    /// The buffer is too small.
    Full,
}

impl Link {
    /// The link that the note after these bytes carries.
    pub fn to(note: &[u8]) -> Link {
        let hash: [u8; 32] = Sha256::digest(note).into();
        let mut link = [0; 16];
        link.copy_from_slice(&hash[..16]);
        Link(link)
    }
}

impl<'b> NoteWriter<'b> {
    /// Writes the head. [`MAX_FRAME_BYTES`] and [`MAX_READ_LINE_BYTES`] for every read are always
    /// room enough.
    ///
    /// # Errors
    /// [`NoteError::Value`] with the name of what cannot be written, [`NoteError::Full`].
    pub fn begin(buffer: &'b mut [u8], head: &Head<'_>) -> Result<NoteWriter<'b>, NoteError> {
        head.check()?;
        let mut out = Fixed::new(buffer);
        write!(out, "{PREFIX}{VERSION}\ngw ").map_err(|_| NoteError::Full)?;
        let start = out.used();
        out.write_str(head.gateway).map_err(|_| NoteError::Full)?;
        let gateway_at = (start, out.used());
        head.rest(&mut out).map_err(|_| NoteError::Full)?;
        Ok(NoteWriter {
            out,
            gateway_at,
            reads: 0,
            losses: 0,
        })
    }

    /// Adds a loss; before the first read.
    ///
    /// # Errors
    /// As [`begin`](NoteWriter::begin), [`NoteError::Order`], [`NoteError::TooManyLosses`]; the note
    /// is then as it was.
    pub fn lost(&mut self, loss: &Loss) -> Result<(), NoteError> {
        loss.check()?;
        if self.reads > 0 {
            return Err(NoteError::Order);
        }
        if self.losses == MAX_LOSSES {
            return Err(NoteError::TooManyLosses);
        }
        self.line(format_args!("{loss}\n"))?;
        self.losses += 1;
        Ok(())
    }

    /// Adds a read.
    ///
    /// # Errors
    /// As [`begin`](NoteWriter::begin), [`NoteError::TooManyReads`]; the note is then as it was.
    pub fn read(&mut self, read: &Read<'_>) -> Result<(), NoteError> {
        read.check()?;
        if self.reads == MAX_READS {
            return Err(NoteError::TooManyReads);
        }
        self.line(format_args!("{read}\n"))?;
        self.reads += 1;
        Ok(())
    }

    /// Signs and ends the note; how many bytes of the buffer it takes.
    ///
    /// # Errors
    /// [`NoteError::Full`], [`NoteError::TooLong`].
    pub fn sign(mut self, key: &SecretKey) -> Result<usize, NoteError> {
        let signature = key.sign(self.out.written());
        let (from, to) = self.gateway_at;
        let mut name = [0; crate::MAX_GATEWAY_BYTES];
        let name = name.get_mut(..to - from).ok_or(NoteError::Full)?;
        name.copy_from_slice(self.out.written().get(from..to).ok_or(NoteError::Full)?);
        let gateway = core::str::from_utf8(name).map_err(|_| NoteError::NotText)?;
        let id = key.public().id(gateway);
        write_signature(&mut self.out, gateway, id, &signature).map_err(|_| NoteError::Full)?;
        match self.out.used() {
            long if long > MAX_NOTE_BYTES => Err(NoteError::TooLong),
            used => Ok(used),
        }
    }

    fn line(&mut self, line: fmt::Arguments<'_>) -> Result<(), NoteError> {
        let before = self.out.used();
        self.out.write_fmt(line).map_err(|_| {
            self.out.truncate(before);
            NoteError::Full
        })
    }
}

impl<'a> Note<'a> {
    /// Do these bytes claim to be a reading note, of whatever version?
    pub fn is_claimed_by(bytes: &[u8]) -> bool {
        bytes.starts_with(PREFIX.as_bytes())
    }

    /// The parser: exactly the bytes that a [`NoteWriter`] writes, or an error.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Note<'a>, NoteError> {
        if !Note::is_claimed_by(bytes) {
            return Err(NoteError::NotANote);
        }
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        let whole = core::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        let mut cursor = Cursor::new(whole);
        cursor.expect(PREFIX)?;
        let version = cursor.number(u64::from(u32::MAX))?;
        match u32::try_from(version) {
            Ok(version) if VERSIONS.contains(&version) => {}
            Ok(version) => return Err(NoteError::Version(version)),
            Err(_) => return Err(NoteError::Syntax(PREFIX.len())),
        }
        cursor.expect("\n")?;
        let head = Head::parse(&mut cursor)?;
        let from = cursor.at();
        let losses = lines(&mut cursor, "lost ", MAX_LOSSES, Loss::parse)?
            .ok_or(NoteError::TooManyLosses)?;
        let losses_end = from + losses;
        let reads =
            lines(&mut cursor, "r ", MAX_READS, Read::parse)?.ok_or(NoteError::TooManyReads)?;
        let end = losses_end + reads;
        let (key, signature) = parse_signature(&mut cursor, head.gateway)?;
        if !cursor.is_done() {
            return Err(NoteError::Syntax(cursor.at()));
        }
        Ok(Note {
            head,
            text: whole.get(..end).unwrap_or_default(),
            losses: whole.get(from..losses_end).unwrap_or_default(),
            reads: whole.get(losses_end..end).unwrap_or_default(),
            key,
            signature,
        })
    }

    /// What it says about itself.
    pub fn head(&self) -> Head<'a> {
        self.head
    }

    /// The losses it tells of.
    pub fn losses(&self) -> impl Iterator<Item = Loss> + use<'a> {
        self.losses
            .lines()
            .filter_map(|line| Loss::parse(&mut Cursor::new(line)).ok())
    }

    /// Its reads.
    pub fn reads(&self) -> impl Iterator<Item = Read<'a>> + use<'a> {
        // With the line feed, which ends the serial.
        self.reads
            .split_inclusive('\n')
            .filter_map(|line| Read::parse(&mut Cursor::new(line)).ok())
    }

    /// Which key it says it is signed with.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Is it signed by this key, as its gateway's?
    pub fn verifies(&self, key: &PublicKey) -> bool {
        key.id(self.head.gateway) == self.key && key.verifies(self.text.as_bytes(), &self.signature)
    }
}

/// Takes lines that begin with `start`; how many bytes they take, or nothing when there are more
/// than `limit`.
fn lines<'a, T>(
    cursor: &mut Cursor<'a>,
    start: &str,
    limit: usize,
    mut line: impl FnMut(&mut Cursor<'a>) -> Result<T, Stray>,
) -> Result<Option<usize>, Stray> {
    let from = cursor.at();
    let mut count = 0;
    while cursor.clone().take(start) {
        if count == limit {
            return Ok(None);
        }
        line(cursor)?;
        if start == "lost " {
            cursor.expect("\n")?;
        }
        count += 1;
    }
    Ok(Some(cursor.at() - from))
}

/// Writes the empty line and the first signature line.
pub(crate) fn write_signature(
    out: &mut Fixed<'_>,
    gateway: &str,
    key: KeyId,
    signature: &[u8; SIGNATURE_BYTES],
) -> fmt::Result {
    out.write_str("\n")?;
    write_signature_line(out, gateway, key, signature)
}

/// Writes one signature line.
pub(crate) fn write_signature_line(
    out: &mut Fixed<'_>,
    gateway: &str,
    key: KeyId,
    signature: &[u8; SIGNATURE_BYTES],
) -> fmt::Result {
    let mut bytes = [0; 4 + SIGNATURE_BYTES];
    bytes[..4].copy_from_slice(&key.0);
    bytes[4..].copy_from_slice(signature);
    let mut text = [0; SIGNATURE_TEXT_BYTES];
    let text = Base64::encode(&bytes, &mut text).map_err(|_| fmt::Error)?;
    writeln!(out, "— {KEY_NAME_PREFIX}{gateway} {text}")
}

/// Reads the empty line and one signature line.
pub(crate) fn parse_signature(
    cursor: &mut Cursor<'_>,
    gateway: &str,
) -> Result<(KeyId, [u8; SIGNATURE_BYTES]), Stray> {
    cursor.expect("\n— ")?;
    parse_signature_line(cursor, gateway)
}

/// Reads what follows the dash of a signature line.
pub(crate) fn parse_signature_line(
    cursor: &mut Cursor<'_>,
    gateway: &str,
) -> Result<(KeyId, [u8; SIGNATURE_BYTES]), Stray> {
    cursor.expect(KEY_NAME_PREFIX)?;
    cursor.expect(gateway)?;
    cursor.expect(" ")?;
    let start = Stray(cursor.at());
    let text = cursor.until("\n")?;
    let mut bytes = [0; 4 + SIGNATURE_BYTES];
    let decoded = Base64::decode(text, &mut bytes).map_err(|_| start)?;
    let (id, signature) = decoded.split_first_chunk::<4>().ok_or(start)?;
    let signature = signature.try_into().map_err(|_| start)?;
    // One spelling: the spare bits of the last digit are zero.
    let mut again = [0; SIGNATURE_TEXT_BYTES];
    match Base64::encode(decoded, &mut again) {
        Ok(same) if same == text => Ok((KeyId(*id), signature)),
        _ => Err(start),
    }
}

impl<'a> Head<'a> {
    fn check(&self) -> Result<(), NoteError> {
        let checks = [
            (crate::is_gateway_id(self.gateway), "gateway"),
            (self.boot <= MAX_INTEGER, "boot"),
            ((1..=MAX_INTEGER).contains(&self.seq), "seq"),
            ((FIRST_MS..=LAST_MS).contains(&self.now_ms), "now"),
        ];
        refuse_first(checks)
    }

    fn rest(&self, out: &mut Fixed<'_>) -> fmt::Result {
        write!(out, " boot {} seq {}\nprev ", self.boot, self.seq)?;
        match &self.prev {
            Some(link) => write!(out, "{}", Hex(&link.0))?,
            None => out.write_str("-")?,
        }
        writeln!(out, "\nnow {} {}", Utc(self.now_ms), self.clock.letter())
    }

    fn parse(cursor: &mut Cursor<'a>) -> Result<Head<'a>, Stray> {
        cursor.expect("gw ")?;
        let start = Stray(cursor.at());
        let gateway = cursor.until(" boot ")?;
        if !crate::is_gateway_id(gateway) {
            return Err(start);
        }
        let boot = cursor.number(MAX_INTEGER)?;
        cursor.expect(" seq ")?;
        let start = Stray(cursor.at());
        let seq = cursor.number(MAX_INTEGER)?;
        if seq == 0 {
            return Err(start);
        }
        cursor.expect("\nprev ")?;
        let prev = match cursor.take("-") {
            true => None,
            false => Some(Link(cursor.hex()?)),
        };
        cursor.expect("\nnow ")?;
        let now_ms = cursor.time()?;
        cursor.expect(" ")?;
        let start = Stray(cursor.at());
        let clock = ClockLetter::from_letter(cursor.until("\n")?).ok_or(start)?;
        Ok(Head {
            gateway,
            boot,
            seq,
            prev,
            now_ms,
            clock,
        })
    }
}

impl Loss {
    fn check(&self) -> Result<(), NoteError> {
        refuse_first([
            (self.boot <= MAX_INTEGER, "boot"),
            (self.first >= 1 && self.first <= self.last, "seq"),
            (self.last <= MAX_INTEGER, "seq"),
            (self.reads <= MAX_INTEGER, "reads"),
        ])
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Loss, Stray> {
        cursor.expect("lost boot ")?;
        let boot = cursor.number(MAX_INTEGER)?;
        cursor.expect(" seq ")?;
        let start = Stray(cursor.at());
        let first = cursor.number(MAX_INTEGER)?;
        cursor.expect(" to ")?;
        let last = cursor.number(MAX_INTEGER)?;
        cursor.expect(" reads ")?;
        let reads = cursor.number(MAX_INTEGER)?;
        let loss = Loss {
            boot,
            first,
            last,
            reads,
        };
        loss.check().map_err(|_| start)?;
        Ok(loss)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "lost boot {} seq {} to {} reads {}",
            self.boot, self.first, self.last, self.reads
        )
    }
}

impl<'a> Read<'a> {
    fn check(&self) -> Result<(), NoteError> {
        refuse_first([
            (is_meter(self.meter), "meter"),
            ((FIRST_MS..=LAST_MS).contains(&self.at_ms), "time"),
            (self.wh <= MAX_INTEGER, "wh"),
            (self.w != Some(i32::MIN), "w"),
        ])
    }

    fn parse(cursor: &mut Cursor<'a>) -> Result<Read<'a>, Stray> {
        cursor.expect("r ")?;
        let register = Register::parse(cursor)?;
        cursor.expect(" ")?;
        let at_ms = cursor.time()?;
        cursor.expect(" ")?;
        let start = Stray(cursor.at());
        let state = MeterState::from_letter(cursor.until(" ")?).ok_or(start)?;
        let wh = cursor.number(MAX_INTEGER)?;
        cursor.expect(" Wh ")?;
        let start = Stray(cursor.at());
        let negative = cursor.take("-");
        let w = if negative && cursor.clone().take(" ") {
            None
        } else {
            let size = cursor.number(i32::MAX as u64)?;
            let size = i32::try_from(size).map_err(|_| start)?;
            if negative && size == 0 {
                return Err(start);
            }
            Some(if negative { -size } else { size })
        };
        cursor.expect(" W ")?;
        let start = Stray(cursor.at());
        let meter = cursor.until("\n")?;
        if !is_meter(meter) {
            return Err(start);
        }
        Ok(Read {
            meter,
            register,
            at_ms,
            state,
            wh,
            w,
        })
    }
}

impl fmt::Display for Read<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.letter();
        let at = Utc(self.at_ms);
        write!(f, "r {} {at} {state} {} Wh ", self.register, self.wh)?;
        match self.w {
            Some(w) => write!(f, "{w}")?,
            None => f.write_str("-")?,
        }
        write!(f, " W {}", self.meter)
    }
}

/// Whether a text can be a meter's serial.
pub(crate) fn is_meter(text: &str) -> bool {
    (1..=MAX_METER_BYTES).contains(&text.len()) && text.bytes().all(|b| b >= 0x20 && b != 0x7f)
}

fn refuse_first<const N: usize>(checks: [(bool, &'static str); N]) -> Result<(), NoteError> {
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(NoteError::Value(what)),
        None => Ok(()),
    }
}

impl From<Stray> for NoteError {
    fn from(stray: Stray) -> NoteError {
        NoteError::Syntax(stray.0)
    }
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoteError::NotANote => f.write_str("not a reading note"),
            NoteError::Version(version) => write!(
                f,
                "reading note of version `{version}`; this build reads `{}` to `{}`",
                VERSIONS.start(),
                VERSIONS.end()
            ),
            NoteError::TooLong => write!(f, "note is longer than {MAX_NOTE_BYTES} bytes"),
            NoteError::NotText => f.write_str("note is not UTF-8"),
            NoteError::Syntax(at) => write!(f, "note is not canonical at byte `{at}`"),
            NoteError::TooManyReads => write!(f, "note holds more than {MAX_READS} reads"),
            NoteError::TooManyLosses => write!(f, "note holds more than {MAX_LOSSES} losses"),
            NoteError::Value(what) => write!(f, "a note cannot carry this `{what}`"),
            NoteError::Order => f.write_str("a loss stands after a read"),
            NoteError::Full => f.write_str("the buffer for a note is too small"),
        }
    }
}

impl core::error::Error for NoteError {}

#[cfg(test)]
mod tests;
