//! How rows of the projections are written as bytes.
//!
//! [`bytes`] has the whole numbers, [`seal`] the hash that every blob carries, [`block`] a block of
//! reads, [`halves`] the half hours of a day, [`findings`] what was noticed about a read. Every decoder takes arbitrary bytes: it answers with
//! a [`seal::Damage`], never a panic, and never sets memory aside by a length it has not checked.

pub(crate) mod block;
pub(crate) mod bytes;
pub(crate) mod findings;
pub(crate) mod halves;
pub(crate) mod seal;
