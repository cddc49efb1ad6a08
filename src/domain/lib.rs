//! What a community energy society means, as values and pure functions.
//!
//! This room holds quantities, the local calendar, metering. It lacks, on purpose: IO, a clock,
//! async, serde, binary floats, unordered maps. Time is passed in; energy is integer watt-hours.

pub mod calendar;
pub mod metering;
pub mod quantity;
