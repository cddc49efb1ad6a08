//! The gateway on the roof.
//!
//! A gateway reads registers, puts the reads into numbered notes, and keeps every note until the
//! daemon's receipt names it. A broker's PUBACK says only that a message was carried; the receipt
//! says that it is on disk. What is not named is sent again, in order, in small chunks, and reads
//! made now overtake what is being replayed.
//!
//! In reading order:
//!
//! - [`note`]: one register read, and the bytes of a note;
//! - [`session`]: the protocol without sockets, clock or threads: input and time in, output out;
//! - [`backlog`]: where notes wait, on disk or in memory;
//! - [`clock`]: where the time comes from, real or simulated;
//! - [`uplink`]: drives a session over MQTT;
//! - [`keys`]: the gateway's key;
//! - [`enrol`]: how the daemon comes to know it;
//! - [`source`]: meters and inverters on their wires;
//! - [`scan`]: what is on a line or at a network address;
//! - [`config`], [`gateway`], [`status`], [`process`]: the program: its file, its tasks, how it
//!   stands;
//! - [`commission`]: one meter checked with its dial, and a sheet for the file;
//! - [`simulate`]: roofs that are not there, under a computed sky or of measured generation, and a
//!   fleet of them.
//!
//! What the daemon says it holds, the receipt, is read by `wire`, which both sides share.
//!
//! This crate never edits a read, never invents one outside [`simulate`], and never deletes one
//! without counting it.

pub mod backlog;
pub mod clock;
pub mod commission;
pub mod config;
pub mod enrol;
pub mod gateway;
pub mod keys;
pub mod note;
pub mod process;
pub mod scan;
pub mod session;
pub mod simulate;
pub mod source;
pub mod status;
pub mod uplink;
