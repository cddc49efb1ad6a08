//! What a gateway and the daemon say to each other, in a form both can compute without an
//! allocator: the hashes of journal records and of the tree above them ([`tree`]), proofs that a
//! record or an older head belongs to it ([`proof`]), and the receipt that lets a gateway delete
//! what is on the daemon's disk ([`receipt`]).
//!
//! It is `no_std`, allocates nothing, opens nothing and asks no clock. Limits have names beside
//! what they limit. Signed notes are not here.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod proof;
pub mod receipt;
pub mod tree;

pub use proof::{verify_consistency, verify_inclusion};
pub use receipt::{Done, MAX_BOOTS, MAX_RANGES, MAX_RECEIPT_BYTES, Receipt, ReceiptError};
pub use tree::{Hash, Head, HeadError, Peaks, leaf_hash, node_hash};
