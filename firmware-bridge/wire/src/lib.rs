//! What a gateway and the daemon say to each other, in a form both can compute without an
//! allocator: the hashes of journal records and of the tree above them ([`tree`]), proofs that a
//! record or an older head belongs to it ([`proof`]), the receipt that lets a gateway delete
//! what is on the daemon's disk ([`receipt`]), the reading note that a gateway signs ([`note`]),
//! the key it signs with ([`key`]) and how that becomes known ([`enrol`]), and the short form in which
//! a microcontroller hands reads to its gateway ([`frame`]).
//!
//! It is `no_std`, allocates nothing, opens nothing and asks no clock. Limits have names beside
//! what they limit. A text form has one spelling, and its parser takes no other.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod enrol;
pub mod frame;
pub mod key;
pub mod note;
pub mod proof;
pub mod receipt;
mod text;
pub mod tree;

pub use key::{Fingerprint, KeyId, PublicKey, SecretKey};
pub use note::{Note, NoteError, NoteWriter};
pub use proof::{verify_consistency, verify_inclusion};
pub use receipt::{Done, MAX_BOOTS, MAX_RANGES, MAX_RECEIPT_BYTES, Receipt, ReceiptError};
pub use tree::{Hash, Head, HeadError, Peaks, leaf_hash, node_hash};

/// Longest gateway id in bytes.
pub const MAX_GATEWAY_BYTES: usize = 64;

/// Whether a text can be a gateway's id: 1 to 64 of `a–z A–Z 0–9 . _ -`.
pub fn is_gateway_id(text: &str) -> bool {
    (1..=MAX_GATEWAY_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}
