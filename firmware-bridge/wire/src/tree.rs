//! The hash tree over the records of a journal, as RFC 6962 §2.1 draws it: a leaf is
//! SHA-256(0x00 ‖ record), a node SHA-256(0x01 ‖ left ‖ right), the empty tree SHA-256 of nothing.
//!
//! Only the right edge of the tree is kept ([`Peaks`]): one hash for every bit set in the number
//! of records, which is all that appending and the root need.

use core::fmt;
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Levels of the largest tree: a journal has fewer than 2⁶⁴ records.
pub const MAX_LEVELS: usize = 64;

/// The leaf hash of a record: SHA-256(0x00 ‖ record), RFC 6962 §2.1.
pub fn leaf_hash(record: &[u8]) -> Hash {
    // Most records fit a few blocks. They are padded here, as FIPS 180-4 §5.1.1 says, so that one
    // call compresses them; the general hasher would copy them through its own buffer.
    const SMALL: usize = 64 * 8 - 9 - 1;
    if record.len() > SMALL {
        return Sha256::new()
            .chain_update([0x00])
            .chain_update(record)
            .finalize()
            .into();
    }
    let mut blocks = [[0u8; 64]; 8];
    let flat = blocks.as_flattened_mut();
    let length = record.len() + 1;
    flat[1..length].copy_from_slice(record);
    flat[length] = 0x80;
    let used = (length + 9).div_ceil(64);
    flat[used * 64 - 8..used * 64].copy_from_slice(&(length as u64 * 8).to_be_bytes());
    finish(&blocks[..used])
}

/// The hash of a node over two: SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut blocks = [[0u8; 64]; 2];
    let flat = blocks.as_flattened_mut();
    flat[0] = 0x01;
    flat[1..33].copy_from_slice(left);
    flat[33..65].copy_from_slice(right);
    flat[65] = 0x80;
    flat[120..].copy_from_slice(&(65u64 * 8).to_be_bytes());
    finish(&blocks)
}

/// Compresses padded blocks from SHA-256's initial state (FIPS 180-4 §5.3.3).
fn finish(blocks: &[[u8; 64]]) -> Hash {
    let mut state = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    compress256(&mut state, blocks);
    let mut hash = [0; 32];
    for (place, word) in hash.chunks_exact_mut(4).zip(state) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

/// The right edge of a tree: the roots of its full subtrees, largest first.
///
/// ```
/// use commonwatt_wire::{Peaks, leaf_hash, node_hash};
/// let mut edge = Peaks::new();
/// edge.push(leaf_hash(b"first"));
/// edge.push(leaf_hash(b"second"));
/// assert_eq!(edge.root(), node_hash(&leaf_hash(b"first"), &leaf_hash(b"second")));
/// assert_eq!(edge.size(), 2);
/// ```
#[derive(Clone)]
pub struct Peaks {
    size: u64,
    /// The root of the full subtree of 2ˡ leaves at `l`, meaningful where bit `l` of `size` is set.
    at: [Hash; MAX_LEVELS],
}

impl Peaks {
    /// The edge of the empty tree.
    pub const fn new() -> Peaks {
        Peaks {
            size: 0,
            at: [[0; 32]; MAX_LEVELS],
        }
    }

    /// The edge of a tree of `size` leaves, given its peaks, largest first. `None` when their
    /// count is not the number of bits set in `size`.
    pub fn from_parts(size: u64, peaks: impl IntoIterator<Item = Hash>) -> Option<Peaks> {
        let mut edge = Peaks {
            size,
            ..Peaks::new()
        };
        let mut peaks = peaks.into_iter();
        for level in (0..MAX_LEVELS).rev().filter(|l| size >> l & 1 == 1) {
            edge.at[level] = peaks.next()?;
        }
        peaks.next().is_none().then_some(edge)
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut level = 0;
        while self.size >> level & 1 == 1 {
            hash = node_hash(&self.at[level], &hash);
            level += 1;
        }
        self.at[level] = hash;
        self.size += 1;
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for level in (0..MAX_LEVELS).filter(|l| self.size >> l & 1 == 1) {
            root = Some(match root {
                None => self.at[level],
                Some(right) => node_hash(&self.at[level], &right),
            });
        }
        root.unwrap_or_else(|| Sha256::digest([]).into())
    }

    /// Size and root together.
    pub fn head(&self) -> Head {
        Head {
            size: self.size,
            root: self.root(),
        }
    }

    /// The peaks, largest first.
    pub fn iter(&self) -> impl Iterator<Item = &Hash> {
        (0..MAX_LEVELS)
            .rev()
            .filter(|l| self.size >> l & 1 == 1)
            .map(|l| &self.at[l])
    }
}

impl Default for Peaks {
    fn default() -> Peaks {
        Peaks::new()
    }
}

impl PartialEq for Peaks {
    fn eq(&self, other: &Peaks) -> bool {
        self.size == other.size && self.iter().eq(other.iter())
    }
}

impl Eq for Peaks {}

impl fmt::Debug for Peaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peaks({})", self.head())
    }
}

/// The size of a journal and the root of the tree over it. As text: the size, a space, the root as
/// 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of records.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.size)?;
        self.root
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is not a head: a size, a space and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadError;

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a head; expected a size, a space and 64 lower-case hexadecimal digits")
    }
}

impl core::error::Error for HeadError {}

impl core::str::FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Head, HeadError> {
        let (size, root) = text.split_once(' ').ok_or(HeadError)?;
        let digits = size.bytes().all(|b| b.is_ascii_digit());
        if !digits || (size.len() > 1 && size.starts_with('0')) || root.len() != 64 {
            return Err(HeadError);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(root.as_bytes().chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Head {
            size: size.parse().map_err(|_| HeadError)?,
            root: hash,
        })
    }
}

fn nibble(digit: u8) -> Result<u8, HeadError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(HeadError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// RFC 6962 §2.1, word by word.
    pub fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            many => {
                let k = many.len().next_power_of_two() / 2;
                node_hash(
                    &root_by_definition(&many[..k]),
                    &root_by_definition(&many[k..]),
                )
            }
        }
    }

    #[test]
    fn hashes_equal_the_general_hasher_at_every_length() {
        for length in 0..1_200 {
            let record: Vec<u8> = (0..length).map(|i| (i * 7 + 3) as u8).collect();
            let general: Hash = Sha256::new()
                .chain_update([0])
                .chain_update(&record)
                .finalize()
                .into();
            assert_eq!(leaf_hash(&record), general, "length {length}");
        }
        let (l, r) = (leaf_hash(b"l"), leaf_hash(b"r"));
        let general: Hash = Sha256::new()
            .chain_update([1])
            .chain_update(l)
            .chain_update(r)
            .finalize()
            .into();
        assert_eq!(node_hash(&l, &r), general);
    }

    #[test]
    fn the_edge_has_the_root_of_the_definition_at_every_size() {
        let leaves: Vec<Hash> = (0..300u32).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut edge = Peaks::new();
        for (size, leaf) in leaves.iter().enumerate() {
            assert_eq!(edge.root(), root_by_definition(&leaves[..size]));
            let again = Peaks::from_parts(edge.size(), edge.iter().copied()).unwrap();
            assert_eq!(again, edge);
            edge.push(*leaf);
        }
        assert_eq!(Peaks::from_parts(3, [leaves[0]]), None);
        assert_eq!(Peaks::from_parts(1, [leaves[0], leaves[1]]), None);
    }

    #[test]
    fn the_published_test_tree_has_its_published_root() {
        // The eight leaves and the root of the reference test of Certificate Transparency.
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut edge = Peaks::new();
        leaves.iter().for_each(|leaf| edge.push(leaf_hash(leaf)));
        assert_eq!(
            edge.head().to_string(),
            "8 5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    #[test]
    fn a_head_survives_its_own_text_and_nothing_else_is_one() {
        let mut edge = Peaks::new();
        edge.push(leaf_hash(b"x"));
        let text = edge.head().to_string();
        assert_eq!(text.parse::<Head>(), Ok(edge.head()));
        let upper = text.to_uppercase();
        for wrong in [
            "",
            "1",
            "01 ",
            " 1",
            &text[..65],
            &text[1..],
            &upper,
            &("0".to_string() + &text),
        ] {
            assert_eq!(wrong.parse::<Head>(), Err(HeadError), "{wrong}");
        }
    }
}
