//! How a backlog's file is written.
//!
//! ```text
//! file    "commonwatt backlog 1\n"  frame*
//! frame   mark(4)  length(4, LE)  crc32c(4, LE)  body(length)
//! body    1  boot(8, LE)  seq(8, LE)  the note's bytes
//!         2  boot(8, LE)  upto(8, LE)
//! ```
//!
//! The checksum covers length and body. A reader that meets anything else goes on to the next mark
//! whose frame is whole, so that a flipped bit costs one note and a torn end nothing but itself. A
//! file is never appended to after it was opened again, and never changed.

use crate::note::NoteId;

/// What a file begins with.
pub(super) const MAGIC: &[u8] = b"commonwatt backlog 1\n";
/// Bytes of a frame besides its body.
pub(super) const HEAD_BYTES: usize = 12;
/// Longest body.
pub(super) const BODY_BYTES_MOST: usize = 512 * 1024;
const MARK: [u8; 4] = [0xc3, 0x57, 0x0a, 0xf5];
const NOTE: u8 = 1;
const NAMED: u8 = 2;

/// A frame's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Note(NoteId, &'a [u8]),
    Named { boot: u64, upto: u64 },
}

/// Appends a frame to a buffer.
pub(super) fn write(out: &mut Vec<u8>, frame: Frame<'_>) {
    let (kind, a, b, rest) = match frame {
        Frame::Note(id, payload) => (NOTE, id.boot, id.seq, payload),
        Frame::Named { boot, upto } => (NAMED, boot, upto, &[][..]),
    };
    let mut body = Vec::with_capacity(17 + rest.len());
    body.push(kind);
    body.extend_from_slice(&a.to_le_bytes());
    body.extend_from_slice(&b.to_le_bytes());
    body.extend_from_slice(rest);
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&length), &body);
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&length);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&body);
}

/// The frame at the beginning of `bytes`, and how long it is.
pub(super) fn read(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let rest = bytes.strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let size = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let body = rest.get(..size).filter(|_| size <= BODY_BYTES_MOST)?;
    if crc32c::crc32c_append(crc32c::crc32c(length), body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (kind, rest) = body.split_first()?;
    let (a, rest) = rest.split_first_chunk::<8>()?;
    let (b, rest) = rest.split_first_chunk::<8>()?;
    let (a, b) = (u64::from_le_bytes(*a), u64::from_le_bytes(*b));
    let frame = match *kind {
        NOTE => Frame::Note(NoteId { boot: a, seq: b }, rest),
        NAMED => Frame::Named { boot: a, upto: b },
        _ => return None,
    };
    Some((frame, HEAD_BYTES + size))
}

/// Where the next whole frame after `from` begins, or the end.
pub(super) fn next_whole(bytes: &[u8], from: usize) -> usize {
    (from..bytes.len())
        .find(|&at| bytes[at..].starts_with(&MARK) && read(&bytes[at..]).is_some())
        .unwrap_or(bytes.len())
}
