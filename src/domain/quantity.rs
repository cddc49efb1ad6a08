//! Quantities with their unit in the type: energy, power.
//!
//! Energy is integer watt-hours, exact; a fraction of a watt-hour is cut when a device's text is
//! decoded (the raw bytes stay in the journal). Nothing here is a binary float.

use core::fmt;

/// Energy, or what a register shows, in watt-hours (Wh).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WattHours(pub i64);

/// Power in watts (W).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watts(pub i64);

impl WattHours {
    /// Nothing generated, nothing used.
    pub const ZERO: WattHours = WattHours(0);
}

impl fmt::Display for WattHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Wh", self.0)
    }
}
