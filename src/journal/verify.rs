//! The full check: every segment from record 0, recomputed with a second, simple code path.
//!
//! It shares the layout's constants with the rest and nothing of the machinery: it reads whole
//! files, hashes with the plain hasher and keeps its own stack of subtrees, so that a mistake in
//! the fast path cannot hide itself.

use crate::error::{Damage, DamageKind};
use crate::frame::{BLOCK, GroupHead, HEAD_BYTES, ROW_BYTES, u32_at, u64_at};
use crate::index::{Summary, read_trailer};
use crate::pack::{PACK_HEAD_BYTES, PackHead};
use crate::reader::{Reader, Verified};
use crate::segment::{Kind, SegmentHead};
use sha2::{Digest, Sha256};
use std::io;
use wire::{Hash, Head};

/// Checks everything that was committed when it was called.
pub(crate) fn verify(
    reader: &Reader,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verified, Damage> {
    let (mut segments, expected) = {
        let state = reader.shared.state();
        let closed = state.closed.iter().map(|c| (c.summary, c.kind));
        let active = std::iter::once((state.active.summary, Kind::Open));
        (closed.chain(active).collect::<Vec<_>>(), state.peaks.head())
    };
    let mut check = Check::default();
    for (summary, kind) in &mut segments {
        let bytes = read_whole(reader, summary, kind)?;
        let name = kind.file_name(summary.first);
        let mut at = Place {
            name: &name,
            offset: 0,
            record: check.records,
        };
        let block: &[u8; BLOCK] = bytes
            .first_chunk()
            .ok_or_else(|| at.damage(DamageKind::Missing))?;
        let head = SegmentHead::decode(*kind, block).map_err(|kind| at.damage(kind))?;
        let continues = head.identity == reader.shared.identity
            && head.first() == check.records
            && head.group == check.groups
            && head.previous == check.previous
            && head
                .peaks
                .iter()
                .eq(check.tree.iter().map(|(_, hash)| hash));
        if !continues {
            return Err(at.damage(DamageKind::Order("segment")));
        }
        at.offset = BLOCK;
        while check.records < summary.upto() {
            at.record = check.records;
            match kind {
                Kind::Open => check.group(&mut at, &bytes, &head)?,
                Kind::Compressed => check.pack(&mut at, &bytes, &head)?,
            }
            progress(check.records, expected.size);
        }
        check.end_group(&at)?;
        if *kind == Kind::Compressed {
            check.tail(&at, &bytes)?;
        }
        check.segments += 1;
    }
    let head = Head {
        size: check.records,
        root: check.root(),
    };
    if head != expected {
        let at = Place {
            name: "the whole journal",
            offset: 0,
            record: 0,
        };
        return Err(at.damage(DamageKind::Hash));
    }
    Ok(Verified {
        head,
        groups: check.groups,
        segments: check.segments,
        bytes: check.bytes,
    })
}

/// The bytes of a segment up to the end of its last frame (an open one) or of the file.
fn read_whole(reader: &Reader, summary: &Summary, kind: &mut Kind) -> Result<Vec<u8>, Damage> {
    let disk = &reader.shared.disk;
    loop {
        let read = || -> io::Result<Vec<u8>> {
            let file = disk.open(&kind.file_name(summary.first))?;
            let length = match kind {
                Kind::Open => summary.end.min(file.len()?),
                Kind::Compressed => file.len()?,
            };
            let mut bytes = vec![0; length as usize];
            let got = file.read_at(0, &mut bytes)?;
            bytes.truncate(got);
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => return Ok(bytes),
            // It was compressed between looking and opening: look again.
            Err(e)
                if e.kind() == io::ErrorKind::NotFound
                    && reader
                        .kind_of(summary.first)
                        .is_some_and(|now| now != *kind) =>
            {
                *kind = Kind::Compressed;
            }
            Err(e) => {
                let name = kind.file_name(summary.first);
                let at = Place {
                    name: &name,
                    offset: 0,
                    record: summary.first,
                };
                return Err(at.damage(e.into()));
            }
        }
    }
}

struct Place<'a> {
    name: &'a str,
    offset: usize,
    record: u64,
}

impl Place<'_> {
    fn damage(&self, kind: DamageKind) -> Damage {
        Damage {
            record: self.record,
            end: self.record,
            file: self.name.into(),
            offset: self.offset as u64,
            kind,
        }
    }

    fn need(&self, good: bool, kind: DamageKind) -> Result<(), Damage> {
        if good { Ok(()) } else { Err(self.damage(kind)) }
    }
}

/// What has been recomputed so far.
#[derive(Default)]
struct Check {
    records: u64,
    groups: u64,
    segments: u64,
    bytes: u64,
    previous: Hash,
    /// Roots of full subtrees with their number of leaves, largest first.
    tree: Vec<(u64, Hash)>,
    /// The group of a compressed segment that is being put together again.
    open: Option<OpenGroup>,
}

struct OpenGroup {
    number: u64,
    first: u64,
    time_ms: i64,
    bytes: u64,
    leaves: Vec<Hash>,
}

impl Check {
    /// One record: its leaf hash, and the tree over all of them.
    fn record(&mut self, record: &[u8]) -> Hash {
        let leaf: Hash = Sha256::new()
            .chain_update([0x00])
            .chain_update(record)
            .finalize()
            .into();
        let mut tree = (1, leaf);
        while let Some((size, left)) = self.tree.pop_if(|top| top.0 == tree.0) {
            tree = (size * 2, node(&left, &tree.1));
        }
        self.tree.push(tree);
        self.records += 1;
        self.bytes += record.len() as u64;
        leaf
    }

    fn root(&self) -> Hash {
        let mut trees = self.tree.iter().rev().map(|(_, hash)| *hash);
        match trees.next() {
            None => Sha256::digest([]).into(),
            Some(last) => trees.fold(last, |right, left| node(&left, &right)),
        }
    }

    /// One group of an open segment.
    fn group(
        &mut self,
        at: &mut Place<'_>,
        bytes: &[u8],
        head: &SegmentHead,
    ) -> Result<(), Damage> {
        let frame = &bytes[at.offset.min(bytes.len())..];
        let group = GroupHead::decode(&head.tag(), frame)
            .ok_or_else(|| at.damage(DamageKind::Checksum("header")))?;
        at.need(frame.len() >= group.padded_len(), DamageKind::Missing)?;
        let continues = group.number == self.groups
            && group.first == self.records
            && group.previous == self.previous;
        at.need(continues, DamageKind::Order("group"))?;
        let table = &frame[HEAD_BYTES..HEAD_BYTES + group.count as usize * ROW_BYTES];
        at.need(
            crc32c::crc32c(table) == group.table_crc,
            DamageKind::Checksum("table"),
        )?;
        let mut body = &frame[HEAD_BYTES + table.len()..group.frame_len()];
        let mut leaves = Vec::with_capacity(group.count as usize);
        for row in table.chunks_exact(ROW_BYTES) {
            at.record = self.records;
            let (record, rest) = body
                .split_at_checked(u32_at(row, 0) as usize)
                .ok_or_else(|| at.damage(DamageKind::Length))?;
            at.need(
                crc32c::crc32c(record) == u32_at(row, 4),
                DamageKind::Checksum("bytes"),
            )?;
            leaves.push(self.record(record));
            body = rest;
        }
        at.need(body.is_empty(), DamageKind::Length)?;
        let space = &frame[group.frame_len()..group.padded_len()];
        at.need(space.iter().all(|b| *b == 0), DamageKind::Space)?;
        let open = OpenGroup {
            number: group.number,
            first: group.first,
            time_ms: group.time_ms,
            bytes: u64::from(group.body),
            leaves,
        };
        let hash = self.close(open);
        at.need(hash == group.hash, DamageKind::Hash)?;
        at.offset += group.padded_len();
        Ok(())
    }

    /// One frame of a compressed segment; its groups are put together again.
    fn pack(&mut self, at: &mut Place<'_>, bytes: &[u8], head: &SegmentHead) -> Result<(), Damage> {
        let frame = &bytes[at.offset.min(bytes.len())..];
        let pack = PackHead::decode(&head.tag(), frame)
            .ok_or_else(|| at.damage(DamageKind::Checksum("header")))?;
        at.need(pack.first == self.records, DamageKind::Order("frame"))?;
        let packed = frame
            .get(PACK_HEAD_BYTES..pack.frame_len())
            .ok_or_else(|| at.damage(DamageKind::Missing))?;
        let raw = zstd::stream::decode_all(packed)
            .map_err(|_| at.damage(DamageKind::Checksum("compression")))?;
        let length = || at.damage(DamageKind::Length);
        let (runs, rest) = raw.split_at_checked(4).ok_or_else(length)?;
        let runs_count = u32_at(runs, 0) as usize;
        let (runs, rest) = rest
            .split_at_checked(runs_count.saturating_mul(20))
            .ok_or_else(length)?;
        let (lengths, mut body) = rest
            .split_at_checked(pack.count as usize * 4)
            .ok_or_else(length)?;
        let mut lengths = lengths.chunks_exact(4);
        for run in runs.chunks_exact(20) {
            let (number, time_ms) = (u64_at(run, 0), u64_at(run, 8) as i64);
            if self.open.as_ref().is_some_and(|open| open.number != number) {
                self.end_group(at)?;
            }
            let first = self.records;
            let mut open = self.open.take().unwrap_or_else(|| OpenGroup {
                number,
                first,
                time_ms,
                bytes: 0,
                leaves: Vec::new(),
            });
            at.need(
                open.time_ms == time_ms && number == self.groups,
                DamageKind::Order("group"),
            )?;
            for _ in 0..u32_at(run, 16) {
                let wanted = lengths
                    .next()
                    .map(|l| u32_at(l, 0) as usize)
                    .ok_or_else(length)?;
                let (record, rest) = body.split_at_checked(wanted).ok_or_else(length)?;
                open.leaves.push(self.record(record));
                open.bytes += wanted as u64;
                body = rest;
            }
            self.open = Some(open);
        }
        at.need(
            body.is_empty() && self.records == pack.end(),
            DamageKind::Length,
        )?;
        at.offset += pack.frame_len();
        Ok(())
    }

    /// The end of a group of a compressed segment: its hash goes into the chain.
    fn end_group(&mut self, at: &Place<'_>) -> Result<(), Damage> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        at.need(!open.leaves.is_empty(), DamageKind::Length)?;
        self.close(open);
        Ok(())
    }

    /// The end of a compressed segment: its index names the hash of the last group.
    fn tail(&self, at: &Place<'_>, bytes: &[u8]) -> Result<(), Damage> {
        let trailer = bytes.last_chunk::<20>().and_then(read_trailer);
        let (offset, _) = trailer.ok_or_else(|| at.damage(DamageKind::Checksum("trailer")))?;
        at.need(offset == at.offset as u64, DamageKind::Length)?;
        let hash = bytes.get(at.offset + 80..at.offset + 112);
        at.need(hash == Some(&self.previous[..]), DamageKind::Hash)
    }

    fn close(&mut self, open: OpenGroup) -> Hash {
        let mut hash = Sha256::new();
        hash.update([0x02]);
        hash.update(open.number.to_le_bytes());
        hash.update(open.first.to_le_bytes());
        hash.update(open.time_ms.to_le_bytes());
        hash.update((open.leaves.len() as u32).to_le_bytes());
        hash.update((open.bytes as u32).to_le_bytes());
        hash.update(self.previous);
        open.leaves.iter().for_each(|leaf| hash.update(leaf));
        self.groups += 1;
        self.previous = hash.finalize().into();
        self.previous
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([0x01])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}
