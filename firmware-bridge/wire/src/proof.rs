//! Checking proofs without the records: that a leaf is in a tree (RFC 9162 §2.1.3.2) and that a
//! tree is the beginning of a larger one (RFC 9162 §2.1.4.2). A proof is a list of at most 64
//! hashes; a longer one is simply wrong.

use crate::tree::{Hash, Head, node_hash};

/// Is the leaf with this hash at `index` of the tree of `head`?
pub fn verify_inclusion(leaf: &Hash, index: u64, path: &[Hash], head: &Head) -> bool {
    if index >= head.size {
        return false;
    }
    let (mut at, mut last) = (index, head.size - 1);
    let mut hash = *leaf;
    for step in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(step, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == head.root
}

/// Is the tree of `older` the beginning of the tree of `newer`?
pub fn verify_consistency(older: &Head, newer: &Head, path: &[Hash]) -> bool {
    if older.size > newer.size {
        return false;
    }
    if older.size == newer.size {
        return path.is_empty() && older.root == newer.root;
    }
    if older.size == 0 {
        // The empty tree begins every tree; there is nothing to prove.
        return path.is_empty();
    }
    // Where the older tree is one full subtree, its root is not repeated in the path.
    let mut steps = path.iter();
    let first = if older.size.is_power_of_two() {
        Some(&older.root)
    } else {
        steps.next()
    };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (older.size - 1, newer.size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old_root, mut new_root) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_root = node_hash(step, &old_root);
            new_root = node_hash(step, &new_root);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new_root = node_hash(&new_root, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_root == older.root && new_root == newer.root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Peaks, leaf_hash};
    use std::vec;
    use std::vec::Vec;

    fn root(leaves: &[Hash]) -> Hash {
        let mut edge = Peaks::new();
        leaves.iter().for_each(|leaf| edge.push(*leaf));
        edge.root()
    }

    /// RFC 9162 §2.1.3.1.
    fn path(at: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() <= 1 {
            return vec![];
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut steps, other) = if at < k {
            (path(at, &leaves[..k]), root(&leaves[k..]))
        } else {
            (path(at - k, &leaves[k..]), root(&leaves[..k]))
        };
        steps.push(other);
        steps
    }

    /// RFC 9162 §2.1.4.1; `whole` says that the older tree is a full subtree reached from itself.
    fn consistency(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if whole { vec![] } else { vec![root(leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut steps, other) = if m <= k {
            (consistency(m, &leaves[..k], whole), root(&leaves[k..]))
        } else {
            (consistency(m - k, &leaves[k..], false), root(&leaves[..k]))
        };
        steps.push(other);
        steps
    }

    #[test]
    fn proofs_of_every_small_tree_hold_and_break_when_anything_changes() {
        let leaves: Vec<Hash> = (0..40u8).map(|i| leaf_hash(&[i])).collect();
        for size in 1..=leaves.len() {
            let newer = Head {
                size: size as u64,
                root: root(&leaves[..size]),
            };
            for at in 0..size {
                let steps = path(at, &leaves[..size]);
                assert!(verify_inclusion(&leaves[at], at as u64, &steps, &newer));
                assert!(!verify_inclusion(
                    &leaf_hash(b"no"),
                    at as u64,
                    &steps,
                    &newer
                ));
                assert!(!verify_inclusion(&leaves[at], size as u64, &steps, &newer));
                for wrong in 0..steps.len() {
                    let mut bent = steps.clone();
                    bent[wrong][5] ^= 1;
                    assert!(!verify_inclusion(&leaves[at], at as u64, &bent, &newer));
                }
            }
            for m in 1..=size {
                let older = Head {
                    size: m as u64,
                    root: root(&leaves[..m]),
                };
                let steps = consistency(m, &leaves[..size], true);
                assert!(verify_consistency(&older, &newer, &steps), "{m} of {size}");
                let other = Head {
                    root: leaf_hash(b"no"),
                    ..older
                };
                assert!(!verify_consistency(&other, &newer, &steps));
                if m < size {
                    assert!(!verify_consistency(&newer, &older, &steps));
                    assert!(!verify_consistency(&older, &newer, &steps[1..]));
                }
            }
        }
    }
}
