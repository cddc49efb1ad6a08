//! InfluxDB 2 as a mirror: exact lines out, strictly typed answers in.
//!
//! The crate `influxdb2` appears here and nowhere else, and only those of its calls that neither
//! panic nor guess: whole bodies of lines that we encode, raw rows that we read by type. A mirror is
//! never a source of money or of a report.
//!
//! - [`line`]: points as text, integers exact, times in milliseconds.
//! - [`flux`]: the few questions we ask, every literal escaped.
//! - [`server`]: one server, its answers sorted by what to do about them.
//! - [`rows`]: answers by type; a missing or differently typed column is an error.
//! - [`delivery`]: batches until they are written, with the lines that cannot be set aside.
//! - [`setup`]: a bucket and a token of our own.

pub mod delivery;
pub mod flux;
pub mod line;
pub mod rows;
pub mod server;
pub mod setup;

pub use delivery::{DeadLetter, Delivery, Outcome};
pub use flux::Flux;
pub use line::{Batch, Series, Unfit, Value};
pub use rows::{Row, WrongRow};
pub use server::{Health, Server, Target, Trouble};
