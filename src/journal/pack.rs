//! A compressed frame: up to 256 records of a closed segment, in zstd. See the crate's text.

use crate::MAX_RECORD_BYTES;
use crate::error::DamageKind;
use crate::frame::{Tag, hash_at, u32_at, u64_at};
use crate::records::Records;
use sha2::{Digest, Sha256};
use wire::{Hash, leaf_hash};
use zstd::bulk::{Compressor, Decompressor};

/// Records of one compressed frame.
pub const MAX_PACK_RECORDS: usize = 256;
/// A frame takes no further record once its records have this many bytes.
pub const PACK_BYTES: usize = 1 << 20;
/// Bytes of a frame's header.
pub const PACK_HEAD_BYTES: usize = 68;
/// zstd's level: 1 is half as fast again and a tenth larger on readings.
pub const LEVEL: i32 = 3;
const RUN_BYTES: usize = 20;
const MAX_RAW: usize = PACK_BYTES + MAX_RECORD_BYTES + MAX_PACK_RECORDS * (RUN_BYTES + 4) + 8;

/// Consecutive records of one group in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub group: u64,
    pub time_ms: i64,
    pub records: u32,
}

/// What stands at the beginning of a compressed frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackHead {
    pub first: u64,
    pub count: u32,
    raw: u32,
    pub packed: u32,
    packed_crc: u32,
    /// SHA-256(0x04 ‖ first ‖ leaf hashes).
    hash: Hash,
}

impl PackHead {
    pub fn decode(tag: &Tag, bytes: &[u8]) -> Option<PackHead> {
        let bytes = bytes.get(..PACK_HEAD_BYTES)?;
        if bytes[..8] != *tag || crc32c::crc32c(&bytes[..64]) != u32_at(bytes, 64) {
            return None;
        }
        let head = PackHead {
            first: u64_at(bytes, 8),
            count: u32_at(bytes, 16),
            raw: u32_at(bytes, 20),
            packed: u32_at(bytes, 24),
            packed_crc: u32_at(bytes, 28),
            hash: hash_at(bytes, 32),
        };
        let within = (1..=MAX_PACK_RECORDS as u32).contains(&head.count)
            && head.raw as usize <= MAX_RAW
            && head.packed as usize <= 2 * MAX_RAW
            && head.first.checked_add(u64::from(head.count)).is_some();
        within.then_some(head)
    }

    /// Bytes of header and compressed records.
    pub fn frame_len(&self) -> usize {
        PACK_HEAD_BYTES + self.packed as usize
    }

    /// One past the last record.
    pub fn end(&self) -> u64 {
        self.first + u64::from(self.count)
    }
}

fn hasher(first: u64) -> Sha256 {
    Sha256::new()
        .chain_update([0x04])
        .chain_update(first.to_le_bytes())
}

/// Compresses records; `leaves` are their hashes, `runs` says which groups they belong to.
pub fn encode(
    packer: &mut Compressor<'_>,
    tag: &Tag,
    first: u64,
    records: &Records,
    leaves: &[Hash],
    runs: &[Run],
) -> std::io::Result<Vec<u8>> {
    let mut raw =
        Vec::with_capacity(records.byte_len() + records.len() * 4 + runs.len() * RUN_BYTES + 4);
    raw.extend_from_slice(&(runs.len() as u32).to_le_bytes());
    for run in runs {
        raw.extend_from_slice(&run.group.to_le_bytes());
        raw.extend_from_slice(&run.time_ms.to_le_bytes());
        raw.extend_from_slice(&run.records.to_le_bytes());
    }
    let mut hash = hasher(first);
    for record in records.iter() {
        raw.extend_from_slice(&(record.len() as u32).to_le_bytes());
    }
    for leaf in leaves {
        hash.update(leaf);
    }
    records
        .iter()
        .for_each(|record| raw.extend_from_slice(record));
    let packed = packer.compress(&raw)?;

    let mut frame = Vec::with_capacity(PACK_HEAD_BYTES + packed.len());
    frame.extend_from_slice(tag);
    frame.extend_from_slice(&first.to_le_bytes());
    for number in [
        records.len() as u32,
        raw.len() as u32,
        packed.len() as u32,
        crc32c::crc32c(&packed),
    ] {
        frame.extend_from_slice(&number.to_le_bytes());
    }
    frame.extend_from_slice(&hash.finalize());
    let crc = crc32c::crc32c(&frame);
    frame.extend_from_slice(&crc.to_le_bytes());
    frame.extend_from_slice(&packed);
    Ok(frame)
}

/// Checks a frame against its header and gives the records and their groups.
pub fn check(
    unpacker: &mut Decompressor<'_>,
    head: &PackHead,
    frame: &[u8],
    mut leaf: impl FnMut(Hash),
) -> Result<(Records, Vec<Run>), DamageKind> {
    let (records, runs) = unpack(unpacker, head, frame)?;
    let mut hash = hasher(head.first);
    for record in records.iter() {
        let one = leaf_hash(record);
        hash.update(one);
        leaf(one);
    }
    if <Hash>::from(hash.finalize()) != head.hash {
        return Err(DamageKind::Hash);
    }
    Ok((records, runs))
}

/// The records of a frame and their groups, checked by everything but their hashes: for somebody
/// who has the same records to compare them with.
pub fn unpack(
    unpacker: &mut Decompressor<'_>,
    head: &PackHead,
    frame: &[u8],
) -> Result<(Records, Vec<Run>), DamageKind> {
    let packed = frame
        .get(PACK_HEAD_BYTES..head.frame_len())
        .ok_or(DamageKind::Missing)?;
    if crc32c::crc32c(packed) != head.packed_crc {
        return Err(DamageKind::Checksum("bytes"));
    }
    let raw = unpacker
        .decompress(packed, head.raw as usize)
        .map_err(|_| DamageKind::Checksum("compression"))?;
    let count = head.count as usize;
    let runs_count = raw
        .get(..4)
        .map(|b| u32_at(b, 0) as usize)
        .ok_or(DamageKind::Length)?;
    if runs_count > count {
        return Err(DamageKind::Length);
    }
    let lengths_at = 4 + runs_count * RUN_BYTES;
    let body_at = lengths_at + count * 4;
    if raw.len() < body_at {
        return Err(DamageKind::Length);
    }
    let runs: Vec<Run> = raw[4..lengths_at]
        .chunks_exact(RUN_BYTES)
        .map(|run| Run {
            group: u64_at(run, 0),
            time_ms: u64_at(run, 8) as i64,
            records: u32_at(run, 16),
        })
        .collect();
    if runs.iter().map(|run| u64::from(run.records)).sum::<u64>() != count as u64 {
        return Err(DamageKind::Length);
    }
    let body = &raw[body_at..];
    let mut cuts = Vec::with_capacity(count - 1);
    let mut at = 0;
    for (i, length) in raw[lengths_at..body_at].chunks_exact(4).enumerate() {
        if i > 0 {
            cuts.push(at as u32);
        }
        at += u32_at(length, 0) as usize;
        if at > body.len() {
            return Err(DamageKind::Length);
        }
    }
    if at != body.len() {
        return Err(DamageKind::Length);
    }
    Ok((Records::from_parts(body.to_vec(), cuts), runs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bit_of_a_compressed_frame_can_flip_unnoticed() {
        let tag = [9; 8];
        let records: Records = [&b"one"[..], b"", b"three"].into_iter().collect();
        let run = |group, records| Run {
            group,
            time_ms: 5,
            records,
        };
        let runs = [run(3, 1), run(4, 2)];
        let mut packer = Compressor::new(LEVEL).unwrap();
        let mut unpacker = Decompressor::new().unwrap();
        let leaves: Vec<Hash> = records.iter().map(leaf_hash).collect();
        let good = encode(&mut packer, &tag, 77, &records, &leaves, &runs).unwrap();
        let head = PackHead::decode(&tag, &good).unwrap();
        assert_eq!(
            check(&mut unpacker, &head, &good, |_| {}).unwrap(),
            (records, runs.to_vec())
        );
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let noticed = match PackHead::decode(&tag, &bytes) {
                None => true,
                Some(head) => check(&mut unpacker, &head, &bytes, |_| {}).is_err(),
            };
            assert!(noticed, "bit {bit}");
        }
    }
}
