//! What a closed segment holds and where, so that a record or a span of time is found without
//! reading it. It lies beside an open segment's file (`.idx`) and at the end of a compressed one.

use crate::error::DamageKind;
use crate::frame::{BLOCK, GroupHead, hash_at, u32_at, u64_at};
use crate::segment::SegmentHead;
use wire::{Hash, Peaks};

const MAGIC: &[u8; 8] = b"CWJINDX1";
/// A stretch of an open segment ends when it reaches this many bytes.
const STRETCH_BYTES: u64 = 256 << 10;
/// Bytes before the peaks.
const BASE: usize = 120;
/// Bytes of a stretch.
const STRETCH: usize = 48;
/// Bytes of the largest index that is read.
pub const MAX_INDEX_BYTES: u64 = 64 << 20;

/// The index of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub summary: Summary,
    /// Hash of its last group.
    pub hash: Hash,
    /// The right edge of the tree at its end.
    pub peaks: Peaks,
    pub stretches: Vec<Stretch>,
    pub identity: [u8; 16],
}

/// The segment as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub first: u64,
    pub records: u64,
    pub first_group: u64,
    pub groups: u64,
    /// Where its last frame ends, in bytes.
    pub end: u64,
    /// Earliest and latest time of its groups; an empty segment has them the wrong way round.
    pub times: (i64, i64),
}

impl Summary {
    pub fn upto(&self) -> u64 {
        self.first + self.records
    }
}

/// Frames that stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub first: u64,
    pub group: u64,
    pub offset: u64,
    pub bytes: u64,
    pub times: (i64, i64),
}

/// Do the times from `a.0` to `a.1`, both included, meet the half-open span?
pub fn meets(a: (i64, i64), span: &std::ops::Range<i64>) -> bool {
    a.0 < span.end && a.1 >= span.start
}

fn widen(times: &mut (i64, i64), other: (i64, i64)) {
    *times = (times.0.min(other.0), times.1.max(other.1));
}

impl Index {
    /// Of a segment without groups.
    pub fn new(head: &SegmentHead) -> Index {
        let summary = Summary {
            first: head.first(),
            records: 0,
            first_group: head.group,
            groups: 0,
            end: BLOCK as u64,
            times: (i64::MAX, i64::MIN),
        };
        Index {
            summary,
            hash: head.previous,
            peaks: head.peaks.clone(),
            stretches: Vec::new(),
            identity: head.identity,
        }
    }

    /// Adds a group of an open segment. The peaks are the caller's to set.
    pub fn add(&mut self, group: &GroupHead, offset: u64) {
        let bytes = group.padded_len() as u64;
        let full = self
            .stretches
            .last()
            .is_none_or(|s| s.bytes + bytes > STRETCH_BYTES);
        let times = (group.time_ms, group.time_ms);
        let stretch = Stretch {
            first: group.first,
            group: group.number,
            offset,
            bytes,
            times,
        };
        self.push(stretch, full);
        self.summary.records += u64::from(group.count);
        self.summary.groups += 1;
        self.hash = group.hash;
    }

    /// Adds a compressed frame; the records, groups, hash and peaks are the caller's to set.
    pub fn add_stretch(&mut self, stretch: Stretch) {
        self.push(stretch, true);
    }

    fn push(&mut self, stretch: Stretch, new: bool) {
        widen(&mut self.summary.times, stretch.times);
        self.summary.end = stretch.offset + stretch.bytes;
        match self.stretches.last_mut() {
            Some(last) if !new => {
                last.bytes += stretch.bytes;
                widen(&mut last.times, stretch.times);
            }
            _ => self.stretches.push(stretch),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let s = &self.summary;
        let mut bytes = Vec::with_capacity(BASE + self.stretches.len() * STRETCH + 2_052);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.identity);
        for number in [s.first, s.records, s.first_group, s.groups, s.end] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&s.times.0.to_le_bytes());
        bytes.extend_from_slice(&s.times.1.to_le_bytes());
        bytes.extend_from_slice(&self.hash);
        bytes.extend_from_slice(&(self.stretches.len() as u64).to_le_bytes());
        self.peaks
            .iter()
            .for_each(|peak| bytes.extend_from_slice(peak));
        for t in &self.stretches {
            for number in [t.first, t.group, t.offset, t.bytes] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(&t.times.0.to_le_bytes());
            bytes.extend_from_slice(&t.times.1.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The index of the segment with this header, or what is wrong with the bytes.
    pub fn decode(head: &SegmentHead, bytes: &[u8]) -> Result<Index, DamageKind> {
        let Some((bytes, crc)) = bytes.split_last_chunk::<4>() else {
            return Err(DamageKind::Missing);
        };
        if bytes.len() < BASE
            || crc32c::crc32c(bytes) != u32::from_le_bytes(*crc)
            || bytes[..8] != *MAGIC
        {
            return Err(DamageKind::Checksum("index"));
        }
        let summary = Summary {
            first: u64_at(bytes, 24),
            records: u64_at(bytes, 32),
            first_group: u64_at(bytes, 40),
            groups: u64_at(bytes, 48),
            end: u64_at(bytes, 56),
            times: (u64_at(bytes, 64) as i64, u64_at(bytes, 72) as i64),
        };
        let size = summary
            .first
            .checked_add(summary.records)
            .ok_or(DamageKind::Length)?;
        let peaks_at = BASE;
        let stretches_at = peaks_at + size.count_ones() as usize * 32;
        let count = u64_at(bytes, 112);
        if count > MAX_INDEX_BYTES
            || bytes.len() as u64 != stretches_at as u64 + count * STRETCH as u64
        {
            return Err(DamageKind::Length);
        }
        if bytes[8..24] != head.identity
            || summary.first != head.first()
            || summary.first_group != head.group
        {
            return Err(DamageKind::Order("header"));
        }
        let peaks = (peaks_at..stretches_at)
            .step_by(32)
            .map(|at| hash_at(bytes, at));
        let stretches = bytes[stretches_at..]
            .chunks_exact(STRETCH)
            .map(|t| Stretch {
                first: u64_at(t, 0),
                group: u64_at(t, 8),
                offset: u64_at(t, 16),
                bytes: u64_at(t, 24),
                times: (u64_at(t, 32) as i64, u64_at(t, 40) as i64),
            });
        Ok(Index {
            summary,
            hash: hash_at(bytes, 80),
            peaks: Peaks::from_parts(size, peaks).ok_or(DamageKind::Length)?,
            stretches: stretches.collect(),
            identity: head.identity,
        })
    }
}

/// The end of a compressed segment: where its index begins, its length, and a checksum of both.
pub fn trailer(offset: u64, bytes: u64) -> [u8; 20] {
    let mut trailer = [0; 20];
    trailer[..8].copy_from_slice(&offset.to_le_bytes());
    trailer[8..16].copy_from_slice(&bytes.to_le_bytes());
    let crc = crc32c::crc32c(&trailer[..16]);
    trailer[16..].copy_from_slice(&crc.to_le_bytes());
    trailer
}

/// Reads a trailer: offset and length of the index.
pub fn read_trailer(trailer: &[u8; 20]) -> Option<(u64, u64)> {
    (crc32c::crc32c(&trailer[..16]) == u32_at(trailer, 16))
        .then(|| (u64_at(trailer, 0), u64_at(trailer, 8)))
}
