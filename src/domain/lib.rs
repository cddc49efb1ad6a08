//! What a community energy society means, as values and pure functions.
//!
//! This room holds quantities, the local calendar, metering, and the comparison with forecasts. It
//! lacks, on purpose: IO, a clock, async, serde, binary floats, unordered maps. Time is passed in;
//! energy is integer watt-hours; nights and other astronomy come in as integers worked out outside.

pub mod calendar;
pub mod metering;
pub mod projection;
pub mod quantity;
