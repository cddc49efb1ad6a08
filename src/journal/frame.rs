//! The frame of one group, as bytes. See the crate's text for the layout.

use crate::error::DamageKind;
use crate::records::Records;
use crate::{MAX_GROUP_BYTES, MAX_GROUP_RECORDS, MAX_RECORD_BYTES};
use sha2::{Digest, Sha256};
use wire::{Hash, leaf_hash};

/// Frames begin at multiples of this many bytes, so that a write that tears a sector can only
/// hurt the group being written.
pub const BLOCK: usize = 4_096;
/// Bytes of a frame before the table of lengths and checksums.
pub const HEAD_BYTES: usize = 112;
/// Bytes of a record's row in the table: its length and its checksum.
pub const ROW_BYTES: usize = 8;

/// Marks the frames of one segment, so that bytes of another one, or of a record, are not taken
/// for a frame.
pub type Tag = [u8; 8];

/// The tag of a segment's frames. The journal's identity is random and never leaves the folder.
pub fn tag(identity: &[u8; 16], first: u64) -> Tag {
    let hash: Hash = Sha256::new()
        .chain_update([0x03])
        .chain_update(identity)
        .chain_update(first.to_le_bytes())
        .finalize()
        .into();
    let mut tag = [0; 8];
    tag.copy_from_slice(&hash[..8]);
    tag
}

/// What stands at the beginning of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupHead {
    pub number: u64,
    pub first: u64,
    pub time_ms: i64,
    pub count: u32,
    pub body: u32,
    /// Hash of the group before it.
    pub previous: Hash,
    /// SHA-256(0x02 ‖ the fields above ‖ leaf hashes).
    pub hash: Hash,
    pub table_crc: u32,
}

impl GroupHead {
    /// Bytes of header, table and records.
    pub fn frame_len(&self) -> usize {
        HEAD_BYTES + self.count as usize * ROW_BYTES + self.body as usize
    }

    /// Bytes up to where the next frame begins.
    pub fn padded_len(&self) -> usize {
        self.frame_len().next_multiple_of(BLOCK)
    }

    /// One past the last record.
    pub fn end(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    /// The header at the beginning of these bytes; `None` when there is none that is whole.
    pub fn decode(tag: &Tag, bytes: &[u8]) -> Option<GroupHead> {
        let bytes = bytes.get(..HEAD_BYTES)?;
        if bytes[..8] != *tag || crc32c::crc32c(&bytes[..108]) != u32_at(bytes, 108) {
            return None;
        }
        let head = GroupHead {
            number: u64_at(bytes, 8),
            first: u64_at(bytes, 16),
            time_ms: u64_at(bytes, 24) as i64,
            count: u32_at(bytes, 32),
            body: u32_at(bytes, 36),
            previous: hash_at(bytes, 40),
            hash: hash_at(bytes, 72),
            table_crc: u32_at(bytes, 104),
        };
        let within = (1..=MAX_GROUP_RECORDS as u32).contains(&head.count)
            && u64::from(head.body) <= MAX_GROUP_BYTES
            && head.first.checked_add(u64::from(head.count)).is_some();
        within.then_some(head)
    }

    fn fields(&self) -> [u8; 64] {
        let mut fields = [0; 64];
        fields[..8].copy_from_slice(&self.number.to_le_bytes());
        fields[8..16].copy_from_slice(&self.first.to_le_bytes());
        fields[16..24].copy_from_slice(&self.time_ms.to_le_bytes());
        fields[24..28].copy_from_slice(&self.count.to_le_bytes());
        fields[28..32].copy_from_slice(&self.body.to_le_bytes());
        fields[32..].copy_from_slice(&self.previous);
        fields
    }

    /// A hasher that has seen everything a group's hash covers but the leaf hashes.
    pub fn hasher(&self) -> Sha256 {
        Sha256::new()
            .chain_update([0x02])
            .chain_update(self.fields())
    }
}

/// A group to be written, before its hash is known.
pub struct NewGroup {
    pub tag: Tag,
    pub number: u64,
    pub first: u64,
    pub time_ms: i64,
    pub previous: Hash,
}

/// Sizes of a group to be written.
pub struct Sizes {
    pub records: u64,
    pub bytes: u64,
    pub largest: usize,
}

impl Sizes {
    pub fn of<'a>(parts: impl Iterator<Item = &'a Records>) -> Sizes {
        let mut sizes = Sizes {
            records: 0,
            bytes: 0,
            largest: 0,
        };
        for part in parts {
            sizes.records += part.len() as u64;
            sizes.bytes += part.byte_len() as u64;
            if part.byte_len() > sizes.largest {
                sizes.largest = part.iter().map(<[u8]>::len).fold(sizes.largest, usize::max);
            }
        }
        sizes
    }

    pub fn fit_a_group(&self) -> bool {
        (1..=MAX_GROUP_RECORDS as u64).contains(&self.records)
            && self.bytes <= MAX_GROUP_BYTES
            && self.largest <= MAX_RECORD_BYTES
    }

    /// Bytes of the frame, up to where the next one begins.
    pub fn padded_len(&self) -> u64 {
        (HEAD_BYTES as u64 + self.records * ROW_BYTES as u64 + self.bytes)
            .next_multiple_of(BLOCK as u64)
    }
}

/// Writes the frame of a group into `frame`, padded to whole blocks, and hands each leaf hash on.
pub fn encode<'a>(
    frame: &mut Vec<u8>,
    group: &NewGroup,
    sizes: &Sizes,
    parts: impl Iterator<Item = &'a Records>,
    mut leaf: impl FnMut(Hash),
) -> GroupHead {
    let mut head = GroupHead {
        number: group.number,
        first: group.first,
        time_ms: group.time_ms,
        count: sizes.records as u32,
        body: sizes.bytes as u32,
        previous: group.previous,
        hash: [0; 32],
        table_crc: 0,
    };
    let mut hasher = head.hasher();
    let body_at = HEAD_BYTES + sizes.records as usize * ROW_BYTES;
    frame.clear();
    frame.reserve(head.padded_len());
    frame.resize(body_at, 0);
    let mut row = HEAD_BYTES;
    for record in parts.flat_map(Records::iter) {
        let hash = leaf_hash(record);
        hasher.update(hash);
        leaf(hash);
        frame[row..row + 4].copy_from_slice(&(record.len() as u32).to_le_bytes());
        frame[row + 4..row + 8].copy_from_slice(&crc32c::crc32c(record).to_le_bytes());
        row += ROW_BYTES;
        frame.extend_from_slice(record);
    }
    head.hash = hasher.finalize().into();
    head.table_crc = crc32c::crc32c(&frame[HEAD_BYTES..body_at]);
    frame[..8].copy_from_slice(&group.tag);
    frame[8..72].copy_from_slice(&head.fields());
    frame[72..104].copy_from_slice(&head.hash);
    frame[104..108].copy_from_slice(&head.table_crc.to_le_bytes());
    let crc = crc32c::crc32c(&frame[..108]);
    frame[108..112].copy_from_slice(&crc.to_le_bytes());
    frame.resize(head.padded_len(), 0);
    head
}

/// What is wrong with a frame whose header is whole: the first record it hides, and why.
pub struct Broken {
    pub record: u64,
    pub end: u64,
    pub kind: DamageKind,
}

/// Checks a whole frame against its header and gives the records. Every bit of it is covered: the
/// header and the table by a checksum each, every record by its own, the leaf hashes by the
/// group's hash, the space after it by being zero.
pub fn check(
    head: &GroupHead,
    frame: &[u8],
    mut leaf: impl FnMut(Hash),
) -> Result<Records, Broken> {
    let whole = |kind| Broken {
        record: head.first,
        end: head.end(),
        kind,
    };
    if frame.len() < head.padded_len() {
        return Err(whole(DamageKind::Missing));
    }
    let body_at = HEAD_BYTES + head.count as usize * ROW_BYTES;
    let table = &frame[HEAD_BYTES..body_at];
    if crc32c::crc32c(table) != head.table_crc {
        return Err(whole(DamageKind::Checksum("table")));
    }
    let body = &frame[body_at..head.frame_len()];
    let mut hasher = head.hasher();
    let mut cuts = Vec::with_capacity(head.count as usize - 1);
    let mut at = 0;
    for (i, row) in table.chunks_exact(ROW_BYTES).enumerate() {
        let Some(record) = body.get(at..at + u32_at(row, 0) as usize) else {
            return Err(whole(DamageKind::Length));
        };
        let index = head.first + i as u64;
        if crc32c::crc32c(record) != u32_at(row, 4) {
            let kind = DamageKind::Checksum("bytes");
            return Err(Broken {
                record: index,
                end: index + 1,
                kind,
            });
        }
        let hash = leaf_hash(record);
        hasher.update(hash);
        leaf(hash);
        if i > 0 {
            cuts.push(at as u32);
        }
        at += record.len();
    }
    if at != body.len() {
        return Err(whole(DamageKind::Length));
    }
    if <Hash>::from(hasher.finalize()) != head.hash {
        return Err(whole(DamageKind::Hash));
    }
    if frame[head.frame_len()..head.padded_len()]
        .iter()
        .any(|b| *b != 0)
    {
        return Err(whole(DamageKind::Space));
    }
    Ok(Records::from_parts(body.to_vec(), cuts))
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

pub fn hash_at(bytes: &[u8], at: usize) -> Hash {
    bytes[at..at + 32].try_into().expect("thirty-two bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> (Tag, GroupHead, Vec<u8>) {
        let tag = tag(&[7; 16], 40);
        let parts = [
            Records::one(b"one".to_vec()),
            [&b""[..], b"three"].into_iter().collect(),
        ];
        let group = NewGroup {
            tag,
            number: 9,
            first: 40,
            time_ms: -5,
            previous: [3; 32],
        };
        let mut bytes = Vec::new();
        let head = encode(
            &mut bytes,
            &group,
            &Sizes::of(parts.iter()),
            parts.iter(),
            |_| {},
        );
        (tag, head, bytes)
    }

    #[test]
    fn a_group_comes_back_from_its_frame() {
        let (tag, head, bytes) = frame();
        assert_eq!(GroupHead::decode(&tag, &bytes), Some(head.clone()));
        let mut leaves = Vec::new();
        let records = check(&head, &bytes, |leaf| leaves.push(leaf)).ok().unwrap();
        assert_eq!(
            records.iter().collect::<Vec<_>>(),
            [&b"one"[..], b"", b"three"]
        );
        assert_eq!(leaves[2], leaf_hash(b"three"));
        assert_eq!(bytes.len(), BLOCK);
    }

    #[test]
    fn no_bit_of_a_frame_can_flip_unnoticed() {
        let (tag, _, good) = frame();
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let noticed = match GroupHead::decode(&tag, &bytes) {
                None => true,
                Some(head) => check(&head, &bytes, |_| {}).is_err(),
            };
            assert!(noticed, "bit {bit}");
        }
    }
}
