//! A segment file: its kinds, its name, and the header that ties it to what stands before it.

use crate::disk::{DiskFile, read_exact};
use crate::error::{Damage, DamageKind};
use crate::frame::{self, BLOCK, Tag, hash_at, u32_at, u64_at};
use std::io;
use wire::{Hash, Peaks};

/// Format version; one that is newer is refused.
pub const VERSION: u32 = 1;

/// The two kinds of segment, by the first bytes of their header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Frames of groups as they were committed.
    Open,
    /// Compressed frames of up to 256 records.
    Compressed,
}

impl Kind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Kind::Open => b"CWJOURN1",
            Kind::Compressed => b"CWJPACK1",
        }
    }

    /// The file of the segment that begins at this record.
    pub fn file_name(self, first: u64) -> String {
        match self {
            Kind::Open => format!("{first:020}.seg"),
            Kind::Compressed => format!("{first:020}.zst"),
        }
    }
}

/// The segment's header: who it belongs to and what stands before it. One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHead {
    pub identity: [u8; 16],
    /// Number of its first group.
    pub group: u64,
    /// Hash of the group before it; zeros before the first.
    pub previous: Hash,
    /// The right edge of the tree over everything before it; its size is the first index.
    pub peaks: Peaks,
}

impl SegmentHead {
    pub fn first(&self) -> u64 {
        self.peaks.size()
    }

    pub fn tag(&self) -> Tag {
        frame::tag(&self.identity, self.first())
    }

    pub fn encode(&self, kind: Kind) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(kind.magic());
        block[8..12].copy_from_slice(&VERSION.to_le_bytes());
        block[16..32].copy_from_slice(&self.identity);
        block[32..40].copy_from_slice(&self.first().to_le_bytes());
        block[40..48].copy_from_slice(&self.group.to_le_bytes());
        block[48..80].copy_from_slice(&self.previous);
        for (i, peak) in self.peaks.iter().enumerate() {
            block[80 + i * 32..112 + i * 32].copy_from_slice(peak);
        }
        let crc = crc32c::crc32c(&block[..BLOCK - 4]);
        block[BLOCK - 4..].copy_from_slice(&crc.to_le_bytes());
        block
    }

    pub fn decode(kind: Kind, block: &[u8; BLOCK]) -> Result<SegmentHead, DamageKind> {
        if crc32c::crc32c(&block[..BLOCK - 4]) != u32_at(block, BLOCK - 4)
            || block[..8] != *kind.magic()
        {
            return Err(DamageKind::Checksum("header"));
        }
        match u32_at(block, 8) {
            VERSION => {}
            other => return Err(DamageKind::Newer(other)),
        }
        let first = u64_at(block, 32);
        let peaks = (0..first.count_ones() as usize).map(|i| hash_at(block, 80 + i * 32));
        Ok(SegmentHead {
            identity: block[16..32].try_into().expect("sixteen bytes"),
            group: u64_at(block, 40),
            previous: hash_at(block, 48),
            peaks: Peaks::from_parts(first, peaks).ok_or(DamageKind::Length)?,
        })
    }

    /// Reads the header of the segment named for `first`.
    pub fn read(kind: Kind, first: u64, file: &dyn DiskFile) -> Result<SegmentHead, Damage> {
        let damage = |kind_of| Damage {
            record: first,
            end: first,
            file: kind.file_name(first),
            offset: 0,
            kind: kind_of,
        };
        let mut block = [0; BLOCK];
        match read_exact(file, 0, &mut block) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(damage(DamageKind::Missing)),
            Err(e) => Err(damage(e.into())),
            Ok(()) => match SegmentHead::decode(kind, &block) {
                Ok(head) if head.first() != first => Err(damage(DamageKind::Order("name"))),
                other => other.map_err(damage),
            },
        }
    }
}
