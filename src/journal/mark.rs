//! The `synced` mark: how far the journal is known to have been on disk. It is never ahead of
//! what the disk has confirmed, and may lag. Two slots are written in turn, each in a block of its
//! own, so that a torn write leaves the other.

use crate::disk::{DiskFile, read_exact};
use crate::frame::{BLOCK, hash_at, u32_at, u64_at};
use std::io;
use wire::Hash;

/// The mark's file.
pub const FILE: &str = "synced";
/// Its length in bytes.
pub const FILE_BYTES: u64 = 2 * BLOCK as u64;
const MAGIC: &[u8; 8] = b"CWJSYNC1";
const SLOT: usize = 76;

/// What was on disk when the mark was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Rises with each mark; its last bit chooses the slot.
    pub turn: u64,
    pub records: u64,
    pub groups: u64,
    /// Hash of the last group.
    pub hash: Hash,
}

/// What the file says.
pub enum Found {
    Mark(Mark),
    /// Neither slot is whole, and both were written.
    Damaged,
    /// No mark was ever written whole.
    Blank,
}

impl Mark {
    /// Makes the mark durable.
    pub fn write(&self, file: &dyn DiskFile) -> io::Result<()> {
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(MAGIC);
        slot[8..16].copy_from_slice(&self.turn.to_le_bytes());
        slot[16..24].copy_from_slice(&self.records.to_le_bytes());
        slot[24..32].copy_from_slice(&self.groups.to_le_bytes());
        slot[32..64].copy_from_slice(&self.hash);
        let crc = crc32c::crc32c(&slot[..72]);
        slot[72..].copy_from_slice(&crc.to_le_bytes());
        file.write_at((self.turn & 1) * BLOCK as u64, &slot)?;
        file.sync()
    }
}

/// Reads the newer of the two slots.
pub fn read(file: &dyn DiskFile) -> io::Result<Found> {
    let mut blank = false;
    let mut newest: Option<Mark> = None;
    for at in [0, BLOCK as u64] {
        let mut slot = [0; SLOT];
        match read_exact(file, at, &mut slot) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => slot.fill(0),
            other => other?,
        }
        blank |= slot.iter().all(|b| *b == 0);
        if slot[..8] == *MAGIC && crc32c::crc32c(&slot[..72]) == u32_at(&slot, 72) {
            let mark = Mark {
                turn: u64_at(&slot, 8),
                records: u64_at(&slot, 16),
                groups: u64_at(&slot, 24),
                hash: hash_at(&slot, 32),
            };
            if newest.is_none_or(|other| other.turn < mark.turn) {
                newest = Some(mark);
            }
        }
    }
    Ok(match newest {
        Some(mark) => Found::Mark(mark),
        None if blank => Found::Blank,
        None => Found::Damaged,
    })
}
