//! What other people's devices say: bytes in, register reads out.
//!
//! A mapping is a small TOML file that says which topic a device publishes on, where in the payload
//! its counters and powers stand, in which unit and direction, and how far its clock is to be
//! believed ([`form`]). [`Reader::read`] is a pure function of the mapping, the topic, the payload
//! and the receive time, so that a message means the same when it arrives and when it is replayed.
//! Values go from text to an exact decimal to whole watt-hours; no binary float is ever made.
//!
//! Limits: [`form::MAX_FORM_BYTES`], [`form::MAX_MESSAGES`], [`form::MAX_VALUES`],
//! [`read::MAX_READS`]. This room opens no file, asks no clock and keeps nothing between two
//! messages; the one format that needs a memory ([`sparkplug`]) is given it by the caller.

pub mod discovery;
mod exact;
pub mod form;
mod json;
mod line;
pub mod read;
pub mod shipped;
pub mod sparkplug;
mod template;
mod time;
pub mod topic;

pub use form::{BadMapping, Mapping};
pub use read::{Clock, Mapped, Message, Outcome, Reader, What};
