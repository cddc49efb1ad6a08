//! Meter points, meters, registers, reads; what is noticed about them; what energy they mean.

pub mod read;

pub use read::{Obis, Quality, Read, Source};
