//! One register read and the small words around it.

use core::{fmt, str::FromStr};

use crate::{calendar::Instant, quantity::WattHours};

/// A register's OBIS code in its short form `C.D.E`, such as `2.8.0` (energy sent out) or `1.8.0`
/// (energy taken in); IEC 62056-61.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Obis(pub u8, pub u8, pub u8);

impl Obis {
    /// Active energy import, total.
    pub const IMPORT: Obis = Obis(1, 8, 0);
    /// Active energy export, total; what a generation meter counts.
    pub const EXPORT: Obis = Obis(2, 8, 0);
}

impl fmt::Display for Obis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for Obis {
    type Err = NotAnObisCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NotAnObisCode(text.chars().take(24).collect());
        let mut parts = text
            .split('.')
            .map(|p| p.parse::<u8>().map_err(|_| refuse()));
        let mut next = || parts.next().ok_or_else(refuse)?;
        let code = Obis(next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(refuse());
        }
        Ok(code)
    }
}

/// The text is not an OBIS code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a register code; expected a form like `2.8.0`")]
pub struct NotAnObisCode(pub String);

/// Where a number comes from, best first. It travels with the number to the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Read from a meter's register by telemetry.
    #[default]
    Actual,
    /// Read from a meter's register by a person.
    Manual,
    /// Split by time from a register's advance over a longer span.
    Derived,
    /// Estimated, for instance from power.
    Estimated,
    /// Set by a rule of the scheme instead of a meter.
    Deemed,
    /// Not known.
    Missing,
}

impl Quality {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Quality::Actual => "actual",
            Quality::Manual => "manual",
            Quality::Derived => "derived",
            Quality::Estimated => "estimated",
            Quality::Deemed => "deemed",
            Quality::Missing => "missing",
        }
    }
}

/// How a read reached us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// By MQTT from a gateway.
    #[default]
    Telemetry,
    /// From a file.
    Import,
    /// Typed by a person.
    Manual,
    /// The final or opening read of a dated meter event.
    Event,
}

/// What a register showed at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Read {
    /// The reading time, as the device or person claims it.
    pub at: Instant,
    /// The register's value.
    pub wh: WattHours,
    /// When it reached us; kept beside the claim.
    pub received: Instant,
    /// How it reached us.
    pub source: Source,
}
