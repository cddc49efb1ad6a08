//! A segment file: its header, walking its frames, and what its end looks like.

use crate::disk::{DiskFile, read_exact};
use crate::error::{Damage, DamageKind};
use crate::frame::{self, BLOCK, GroupHead, HEAD_BYTES, ROW_BYTES, Tag, hash_at, u32_at, u64_at};
use crate::index::Index;
use crate::pack::{self, PACK_HEAD_BYTES, PackHead};
use crate::reader::Run;
use crate::records::Records;
use crate::{MAX_GROUP_BYTES, MAX_GROUP_RECORDS};
use std::io;
use std::sync::Arc;
use wire::{Hash, Peaks};
use zstd::bulk::Decompressor;

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

/// A window over a file that is read from front to back. It grows from small steps to large ones,
/// so that fetching one record does not read a megabyte.
pub struct Window {
    file: Arc<dyn DiskFile>,
    bytes: Vec<u8>,
    at: u64,
    step: usize,
}

const FIRST_STEP: usize = 32 << 10;
const LAST_STEP: usize = 1 << 20;

impl Window {
    pub fn new(file: Arc<dyn DiskFile>) -> Window {
        Window {
            file,
            bytes: Vec::new(),
            at: 0,
            step: FIRST_STEP,
        }
    }

    /// The bytes from `offset` on, at least `length` of them unless the file ends before.
    pub fn get(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let have = self.at..self.at + self.bytes.len() as u64;
        if have.start > offset || have.end < offset + length as u64 {
            let kept = if have.contains(&offset) {
                self.bytes.drain(..(offset - have.start) as usize);
                self.bytes.len()
            } else {
                0
            };
            self.at = offset;
            self.bytes.resize(length.max(kept + self.step), 0);
            self.step = (self.step * 2).min(LAST_STEP);
            let got = self
                .file
                .read_at(offset + kept as u64, &mut self.bytes[kept..]);
            self.bytes.truncate(kept + *got.as_ref().unwrap_or(&0));
            got?;
        }
        Ok(&self.bytes[(offset - self.at) as usize..])
    }
}

/// Walks the frames of a segment in order.
pub struct Walk {
    pub window: Window,
    pub name: String,
    pub tag: Tag,
    /// Where the next frame begins.
    pub offset: u64,
    /// Its number, first record and, where it is known, the hash it must name.
    pub group: u64,
    pub index: u64,
    pub previous: Option<Hash>,
}

impl Walk {
    /// From the segment's first frame.
    pub fn from_start(head: &SegmentHead, file: Arc<dyn DiskFile>) -> Walk {
        Walk {
            window: Window::new(file),
            name: Kind::Open.file_name(head.first()),
            tag: head.tag(),
            offset: BLOCK as u64,
            group: head.group,
            index: head.first(),
            previous: Some(head.previous),
        }
    }

    /// The next group, every bit of it checked.
    pub fn next(&mut self, leaf: impl FnMut(Hash)) -> Result<(GroupHead, Records), Damage> {
        let damage = |record, end, kind| Damage {
            record,
            end,
            file: self.name.clone(),
            offset: self.offset,
            kind,
        };
        let lost = |kind| damage(self.index, self.index, kind);
        let bytes = self
            .window
            .get(self.offset, HEAD_BYTES)
            .map_err(|e| lost(e.into()))?;
        let head = GroupHead::decode(&self.tag, bytes)
            .ok_or_else(|| lost(DamageKind::Checksum("header")))?;
        if head.number != self.group
            || head.first != self.index
            || self
                .previous
                .is_some_and(|previous| previous != head.previous)
        {
            return Err(lost(DamageKind::Order("group")));
        }
        let bytes = self
            .window
            .get(self.offset, head.padded_len())
            .map_err(|e| lost(e.into()))?;
        let records = frame::check(&head, bytes, leaf)
            .map_err(|broken| damage(broken.record, broken.end, broken.kind))?;
        self.offset += head.padded_len() as u64;
        self.group += 1;
        self.index = head.end();
        self.previous = Some(head.hash);
        Ok((head, records))
    }
}

/// Walks the frames of a compressed segment in order.
pub struct PackWalk {
    pub window: Window,
    pub name: String,
    pub tag: Tag,
    /// Where the next frame begins.
    pub offset: u64,
    /// Its first record.
    pub index: u64,
    unpacker: Option<Decompressor<'static>>,
}

impl PackWalk {
    /// From the segment's first frame.
    pub fn from_start(head: &SegmentHead, file: Arc<dyn DiskFile>) -> PackWalk {
        PackWalk {
            window: Window::new(file),
            name: Kind::Compressed.file_name(head.first()),
            tag: head.tag(),
            offset: BLOCK as u64,
            index: head.first(),
            unpacker: None,
        }
    }

    /// The next frame, every bit of it checked.
    pub fn next(
        &mut self,
        leaf: impl FnMut(Hash),
    ) -> Result<(PackHead, Records, Vec<Run>), Damage> {
        let (record, offset, name) = (self.index, self.offset, &self.name);
        let damage = |end, kind| Damage {
            record,
            end,
            file: name.clone(),
            offset,
            kind,
        };
        let lost = |kind| damage(record, kind);
        let unpacker = match &mut self.unpacker {
            Some(unpacker) => unpacker,
            none => none.insert(Decompressor::new().map_err(|e| lost(e.into()))?),
        };
        let bytes = self
            .window
            .get(self.offset, PACK_HEAD_BYTES)
            .map_err(|e| lost(e.into()))?;
        let head = PackHead::decode(&self.tag, bytes)
            .ok_or_else(|| lost(DamageKind::Checksum("header")))?;
        if head.first != self.index {
            return Err(lost(DamageKind::Order("frame")));
        }
        let bytes = self
            .window
            .get(self.offset, head.frame_len())
            .map_err(|e| lost(e.into()))?;
        let (records, runs) =
            pack::check(unpacker, &head, bytes, leaf).map_err(|kind| damage(head.end(), kind))?;
        self.offset += head.frame_len() as u64;
        self.index = head.end();
        Ok((head, records, runs))
    }
}

/// Everything a segment holds, checked, and how it ends.
pub struct Scan {
    pub index: Index,
    /// Where the last whole group begins, if there is one.
    pub last: Option<(u64, usize)>,
    pub end: End,
}

/// How a segment ends.
pub enum End {
    /// In zeros, or with the file.
    Clean,
    /// With something that is not a whole group, up to this offset, and nothing after it that
    /// shows that a later group had been started: the last group, unfinished.
    Unfinished { damage: Damage, upto: u64 },
    /// With damage that a later group proves to have been on disk.
    Rot(Damage),
}

/// Checks a segment from its header to its end.
pub fn scan(head: &SegmentHead, file: &Arc<dyn DiskFile>) -> Result<Scan, Damage> {
    let mut walk = Walk::from_start(head, Arc::clone(file));
    let mut index = Index::new(head);
    let mut peaks = head.peaks.clone();
    let mut last = None;
    let end = loop {
        let at = walk.offset;
        let before = peaks.clone();
        match walk.next(|leaf| peaks.push(leaf)) {
            Ok((group, _)) => {
                index.add(&group, at);
                last = Some((at, group.padded_len()));
            }
            Err(damage) => {
                peaks = before;
                break ending(damage, &mut walk, file.as_ref())?;
            }
        }
    };
    index.peaks = peaks;
    Ok(Scan { index, last, end })
}

/// The longest frame there can be.
const MAX_FRAME: u64 =
    (HEAD_BYTES + MAX_GROUP_RECORDS * ROW_BYTES + BLOCK) as u64 + MAX_GROUP_BYTES;

/// Tells a clean end from an unfinished group from rot. Group n+1 is started only when n is on
/// disk, so any byte that can only belong to a later group turns a damaged group into rot.
fn ending(mut damage: Damage, walk: &mut Walk, file: &dyn DiskFile) -> Result<End, Damage> {
    if matches!(damage.kind, DamageKind::Disk(_)) {
        return Err(damage);
    }
    let disk = |e: io::Error| Damage {
        record: walk.index,
        end: walk.index,
        file: walk.name.clone(),
        offset: walk.offset,
        kind: e.into(),
    };
    let start = walk.offset;
    let mut upto = None;
    let mut later = None;
    let mut block = vec![0u8; LAST_STEP];
    let mut at = start;
    loop {
        let got = file.read_at(at, &mut block).map_err(disk)?;
        for (i, piece) in block[..got].chunks(BLOCK).enumerate() {
            if let Some(last) = piece.iter().rposition(|b| *b != 0) {
                let offset = at + (i * BLOCK) as u64;
                upto = Some(offset + last as u64 + 1);
                let found = GroupHead::decode(&walk.tag, piece).filter(|g| g.number > walk.group);
                if later.is_none()
                    && let Some(group) = found
                {
                    later = Some(group.first);
                }
            }
        }
        at += got as u64;
        if got < block.len() {
            break;
        }
    }
    let Some(upto) = upto else {
        return Ok(End::Clean);
    };
    // Where its own header is whole, the group's extent is known, and it alone decides: a record
    // inside it may look like anything.
    let own = walk.window.get(start, HEAD_BYTES).map_err(disk)?;
    let own = GroupHead::decode(&walk.tag, own)
        .filter(|group| group.number == walk.group && group.first == walk.index)
        .filter(|group| {
            walk.previous
                .is_none_or(|previous| previous == group.previous)
        });
    let rot = match &own {
        Some(group) => upto > start + group.padded_len() as u64,
        None => later.is_some() || upto - start > MAX_FRAME,
    };
    if own.is_none() {
        damage.end = later.unwrap_or(damage.record);
    }
    Ok(if rot {
        End::Rot(damage)
    } else {
        End::Unfinished { damage, upto }
    })
}
