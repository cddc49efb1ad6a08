//! Walking the frames of a segment in order, every bit of them checked.

use crate::disk::DiskFile;
use crate::error::{Damage, DamageKind};
use crate::frame::{self, BLOCK, GroupHead, HEAD_BYTES, Tag};
use crate::pack::{self, PACK_HEAD_BYTES, PackHead, Run};
use crate::records::Records;
use crate::segment::{Kind, SegmentHead};
use std::io;
use std::sync::Arc;
use wire::Hash;
use zstd::bulk::Decompressor;

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
