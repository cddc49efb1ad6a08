//! The decoders of the journal's bytes, one at a time, for those who test them with arbitrary
//! bytes: each answers `None`, or what it read, written again. A whole folder takes a hundred times
//! as long to open as one of its frames to decode.

use crate::disk::{Disk, MemoryDisk};
use crate::frame::{self, BLOCK, GroupHead, NewGroup, Sizes};
use crate::index::Index;
use crate::mark;
use crate::pack::{self, PackHead};
use crate::records::Records;
use crate::segment::{Kind, SegmentHead};
use std::cell::RefCell;
use zstd::bulk::Decompressor;

/// The header of a segment, open or compressed.
pub fn segment(bytes: &[u8], compressed: bool) -> Option<Vec<u8>> {
    let kind = if compressed {
        Kind::Compressed
    } else {
        Kind::Open
    };
    let block: &[u8; BLOCK] = bytes.first_chunk()?;
    let head = SegmentHead::decode(kind, block).ok()?;
    Some(head.encode(kind).to_vec())
}

/// The frame of a group in the segment with this header.
pub fn group(segment: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let segment = SegmentHead::decode(Kind::Open, segment.first_chunk()?).ok()?;
    let tag = segment.tag();
    let head = GroupHead::decode(&tag, bytes)?;
    let records = frame::check(&head, bytes, |_| {}).ok()?;
    let group = NewGroup {
        tag,
        number: head.number,
        first: head.first,
        time_ms: head.time_ms,
        previous: head.previous,
    };
    let mut again = Vec::new();
    let sizes = Sizes::of(std::iter::once(&records));
    frame::encode(
        &mut again,
        &group,
        &sizes,
        std::iter::once(&records),
        |_| {},
    );
    Some(again)
}

/// A compressed frame of the segment with this header: its records.
pub fn packed(segment: &[u8], bytes: &[u8]) -> Option<Records> {
    thread_local! {
        static UNPACKER: RefCell<Decompressor<'static>> =
            RefCell::new(Decompressor::new().expect("zstd takes memory for a context"));
    }
    let segment = SegmentHead::decode(Kind::Compressed, segment.first_chunk()?).ok()?;
    let head = PackHead::decode(&segment.tag(), bytes)?;
    let found = UNPACKER.with_borrow_mut(|unpacker| pack::check(unpacker, &head, bytes, |_| {}));
    let (records, _) = found.ok()?;
    assert_eq!(records.len(), head.count as usize, "as many as it says");
    Some(records)
}

/// The index of the segment with this header.
pub fn index(segment: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let segment = SegmentHead::decode(Kind::Open, segment.first_chunk()?).ok()?;
    Some(Index::decode(&segment, bytes).ok()?.encode())
}

/// The `synced` mark: how many records it says are on disk.
pub fn mark(bytes: &[u8]) -> Option<u64> {
    let disk = MemoryDisk::new();
    disk.create(mark::FILE, 0).ok()?.write_at(0, bytes).ok()?;
    match mark::read(disk.open(mark::FILE).ok()?.as_ref()).ok()? {
        mark::Found::Mark(mark) => Some(mark.records),
        mark::Found::Damaged | mark::Found::Blank => None,
    }
}
