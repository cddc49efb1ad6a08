//! Two doors for readings: the built-in MQTT endpoint and any outside broker.
//!
//! Both doors do the same with a message: check whose it is ([`registry`]), decode it and append
//! the raw record to its society's journal ([`decode`], `lane`), and acknowledge only when the
//! journal says the record is on disk. What is on disk is told to the gateway by a cumulative
//! receipt ([`receipts`]). Findings about a series are not made here, and nothing here knows what a
//! reading is worth.
//!
//! The endpoint ([`endpoint`]) is not a general broker: it routes nothing between clients, keeps no
//! outbound session and hands out nothing but a gateway's own receipt. The broker door ([`broker`])
//! trusts an outside broker to deliver, never to keep.
//!
//! This room asks no clock: whoever starts a door passes one in. Monotonic delays are tokio's.

use std::sync::Arc;

use domain::calendar::Instant;

pub mod broker;
pub mod endpoint;
mod excess;
mod lane;
pub mod metrics;
pub mod receipts;
pub mod registry;
pub mod topic;

pub use mapping::sparkplug::rebirth;
pub use metrics::Metrics;
pub use receipts::Receipts;
pub use records::{decode, directory, directory::Directory};
pub use registry::Registry;

/// What a door asks when a message reaches it; `clock.rs` of the daemon answers.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;
