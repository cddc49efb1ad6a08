//! What the store takes in: reads with the number of their series, and reads of registers that
//! nobody has entered yet.
//!
//! The room that decodes records has its own such values; whoever carries them over converts, so
//! that neither room imports the other.

use domain::{
    calendar::Instant,
    metering::{Obis, SeriesId, Source},
    quantity::WattHours,
};

/// [`PlacedRead::w`] when the device sent no power.
pub const NO_POWER: i32 = i32::MIN;

/// A read of a register that has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedRead {
    /// The register of the meter.
    pub series: SeriesId,
    /// The reading time, as the device claims it.
    pub at: Instant,
    /// What the register showed.
    pub wh: WattHours,
    /// Power in W at that instant, [`NO_POWER`] for none.
    pub w: i32,
    /// When it reached us.
    pub received: Instant,
    /// How it reached us.
    pub source: Source,
}

/// A read of a register that the society has not entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnplacedRead {
    /// The gateway that sent it, where that matters once the register is entered; empty when it was
    /// free to send anything, and for what came in a file.
    pub gateway: Box<str>,
    /// The meter's serial as the gateway wrote it.
    pub meter: Box<str>,
    /// The register.
    pub register: Obis,
    /// The reading time, as the device claims it.
    pub at: Instant,
    /// What the register showed.
    pub wh: WattHours,
    /// Power in W at that instant, [`NO_POWER`] for none.
    pub w: i32,
    /// When it reached us.
    pub received: Instant,
    /// How it reached us.
    pub source: Source,
}
