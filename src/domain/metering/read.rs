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
#[error(
    "`{0}` is not a register code; expected a form like `2.8.0`\nhint: the short form C.D.E of the OBIS code"
)]
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

    /// The stable number for files: 0 actual to 5 missing.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Quality::Actual => 0,
            Quality::Manual => 1,
            Quality::Derived => 2,
            Quality::Estimated => 3,
            Quality::Deemed => 4,
            Quality::Missing => 5,
        }
    }

    /// The quality of that number.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Quality> {
        Some(match code {
            0 => Quality::Actual,
            1 => Quality::Manual,
            2 => Quality::Derived,
            3 => Quality::Estimated,
            4 => Quality::Deemed,
            5 => Quality::Missing,
            _ => return None,
        })
    }

    /// The worse of two, where one that is missing says nothing against the other.
    #[must_use]
    pub fn worst_known(self, other: Quality) -> Quality {
        match (self, other) {
            (Quality::Missing, known) | (known, Quality::Missing) => known,
            (one, other) => one.max(other),
        }
    }
}

impl Source {
    /// The quality of a read that came this way.
    #[must_use]
    pub fn quality(self) -> Quality {
        match self {
            Source::Manual | Source::Event => Quality::Manual,
            _ => Quality::Actual,
        }
    }

    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Source::Import => "import",
            Source::Manual => "manual",
            Source::Event => "event",
            _ => "telemetry",
        }
    }

    /// The stable number for files.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Source::Telemetry => 0,
            Source::Import => 1,
            Source::Manual => 2,
            Source::Event => 3,
            Source::Signed => 4,
            Source::MeterSigned => 5,
            Source::OtherGateway => 6,
            Source::OtherGatewaySigned => 7,
        }
    }

    /// The source of that number.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Source> {
        Some(match code {
            0 => Source::Telemetry,
            1 => Source::Import,
            2 => Source::Manual,
            3 => Source::Event,
            4 => Source::Signed,
            5 => Source::MeterSigned,
            6 => Source::OtherGateway,
            7 => Source::OtherGatewaySigned,
            _ => return None,
        })
    }

    /// Whether a gateway sent it, signed or not.
    #[must_use]
    pub fn is_telemetry(self) -> bool {
        !matches!(self, Source::Import | Source::Manual | Source::Event)
    }

    /// Whether it came from a gateway that was not the meter's own at its time.
    #[must_use]
    pub fn is_of_other_gateway(self) -> bool {
        matches!(self, Source::OtherGateway | Source::OtherGatewaySigned)
    }

    /// The same way, from a gateway that was not the meter's own.
    #[must_use]
    pub fn of_other_gateway(self) -> Source {
        match self.evidence() {
            Evidence::Meter | Evidence::Gateway => Source::OtherGatewaySigned,
            Evidence::Transport | Evidence::Person => Source::OtherGateway,
        }
    }

    /// How much it weighs against another read of the same instant, the smallest most: what a meter
    /// signed, what its gateway signed, what came over a connection or from a person, and last what a
    /// gateway sent that is not the meter's own. Of one read that came in several ways the weightiest
    /// stands, so that nobody can take a signature from a read by being there first.
    #[must_use]
    pub fn weight(self) -> u8 {
        match self {
            Source::MeterSigned => 0,
            Source::Signed => 1,
            Source::Telemetry | Source::Import | Source::Manual | Source::Event => 2,
            Source::OtherGatewaySigned => 3,
            Source::OtherGateway => 4,
        }
    }

    /// What stands behind a read that came this way.
    #[must_use]
    pub fn evidence(self) -> Evidence {
        match self {
            Source::MeterSigned => Evidence::Meter,
            Source::Signed | Source::OtherGatewaySigned => Evidence::Gateway,
            Source::Telemetry | Source::OtherGateway => Evidence::Transport,
            Source::Import | Source::Manual | Source::Event => Evidence::Person,
        }
    }
}

/// What stands behind a read, strongest first. It is shown beside the read and on statements.
///
/// ```
/// use commonwatt_domain::metering::{Evidence, Source};
/// assert_eq!(Source::Signed.evidence(), Evidence::Gateway);
/// assert_eq!(Source::Signed.evidence().letter(), "G");
/// assert_eq!(Source::Manual.evidence().letter(), "H");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// `M`: the meter signed it.
    Meter,
    /// `G`: its gateway signed it, with a key that was enrolled and not revoked when it came.
    Gateway,
    /// `T`: it came over an authenticated connection and nothing more.
    Transport,
    /// `H`: a person typed it or gave a file that holds it.
    Person,
}

impl Evidence {
    /// Its letter on pages, in JSON and in files.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Evidence::Meter => "M",
            Evidence::Gateway => "G",
            Evidence::Transport => "T",
            Evidence::Person => "H",
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
    /// By MQTT from a gateway that signed it.
    Signed,
    /// In a record that the meter itself signed.
    MeterSigned,
    /// By MQTT from a gateway that was not the meter's own at the read's time.
    OtherGateway,
    /// The same, signed by that gateway.
    OtherGatewaySigned,
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
