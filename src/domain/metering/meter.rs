//! Meter points, meters by serial number, and their registers.
//!
//! A meter point is a place where energy is measured; meters come and go on it; each meter has
//! registers that count up to their width and start again. Whether a meter may bill is a fact with
//! an expiry date, asked for a day.

use super::{Mpan, Obis};
use crate::{
    calendar::{Instant, LocalDay},
    quantity::{NotANumber, WattHours},
};

/// The number of a series (one register of one meter) within its society.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u32);

/// What a register counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// What an array makes.
    Generation,
    /// What leaves the site.
    Export,
    /// What enters the site, or is used on it.
    Import,
}

/// A place where energy is measured: an MPAN or the society's own point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterPoint {
    /// The society's own word for it, unique within the society.
    pub id: String,
    /// Its number in the national register, where it has one.
    pub mpan: Option<Mpan>,
    /// What is measured here.
    pub direction: Direction,
    /// The meters that were fitted here, in order of time.
    pub meters: Vec<FittedMeter>,
}

/// A meter for as long as it hung at a meter point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FittedMeter {
    /// The meter's serial number.
    pub serial: String,
    /// When it was fitted; `None` when that is older than our records.
    pub from: Option<Instant>,
    /// When it was taken off; `None` while it hangs.
    pub to: Option<Instant>,
}

/// A device by serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// The number on its plate.
    pub serial: String,
    /// What it may be used for beyond looking.
    pub approval: Option<Approval>,
    /// Its registers, by OBIS code.
    pub registers: Vec<Register>,
}

/// The proof that a meter may be used for billing (in Great Britain: type approved, certified, and
/// within its certification period; Electricity Act 1989 schedule 7, SI 1998/1566).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The approved pattern, as on the plate.
    pub meter_type: String,
    /// The certificate's number.
    pub certificate: String,
    /// The last day on which the certificate holds.
    pub expires: LocalDay,
}

/// A cumulative counter inside a meter.
///
/// ```
/// use commonwatt_domain::{metering::{Direction, Obis, Register}, quantity::WattHours};
/// // Six digits, the last of them tenths of a kWh: it wraps at 100,000.0 kWh.
/// let register = Register::new(Obis::EXPORT, Direction::Generation, 6, WattHours(100), 1)?;
/// assert_eq!(register.modulus(), WattHours(100_000_000));
/// # Ok::<(), commonwatt_domain::metering::MeterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    obis: Obis,
    direction: Direction,
    digits: u8,
    unit: WattHours,
    multiplier: u32,
}

/// A register that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// The width is out of range.
    #[error(
        "register of `{0}` digits; expected 1 to 15\nhint: count all digits of the display, those after the point too"
    )]
    Digits(u8),
    /// The unit is not positive.
    #[error(
        "register that counts in steps of `{0}` Wh; expected more than 0 Wh\nhint: 1 for Wh, 1000 for kWh, 100 for tenths of a kWh"
    )]
    Unit(i64),
    /// The multiplier is zero.
    #[error(
        "register with a multiplier of `0`; expected 1 or the ratio of the current transformers\nhint: use 1 for a meter without transformers"
    )]
    Multiplier,
    /// The register's width is above what energy can be.
    #[error(
        "register of `{digits}` digits of `{unit_wh}` Wh times `{multiplier}` counts too far; expected at most 10^15 Wh\nhint: check digits and unit"
    )]
    TooWide {
        /// Digits of the display.
        digits: u8,
        /// Wh per last digit.
        unit_wh: i64,
        /// Transformer ratio.
        multiplier: u32,
    },
}

impl Register {
    /// A register of `digits` digits in all, whose last digit counts `unit`, times `multiplier`
    /// (the ratio of the current transformers; 1 without).
    ///
    /// # Errors
    /// [`MeterError`] when the parts cannot be, or the width exceeds [`WattHours::MAX`].
    pub fn new(
        obis: Obis,
        direction: Direction,
        digits: u8,
        unit: WattHours,
        multiplier: u32,
    ) -> Result<Register, MeterError> {
        if !(1..=15).contains(&digits) {
            return Err(MeterError::Digits(digits));
        }
        if unit.0 <= 0 {
            return Err(MeterError::Unit(unit.0));
        }
        if multiplier == 0 {
            return Err(MeterError::Multiplier);
        }
        let register = Register {
            obis,
            direction,
            digits,
            unit,
            multiplier,
        };
        if register.width().is_none_or(|width| width > WattHours::MAX) {
            return Err(MeterError::TooWide {
                digits,
                unit_wh: unit.0,
                multiplier,
            });
        }
        Ok(register)
    }

    /// Its OBIS code.
    #[must_use]
    pub fn obis(&self) -> Obis {
        self.obis
    }

    /// What it counts.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Its smallest step in energy: unit times multiplier.
    #[must_use]
    pub fn step(&self) -> WattHours {
        WattHours(self.unit.0.saturating_mul(i64::from(self.multiplier)))
    }

    /// Where it starts again from 0.
    #[must_use]
    pub fn modulus(&self) -> WattHours {
        self.width()
            .expect("a register's width was checked when it was made")
    }

    /// The energy that a display of that many kWh stands for, with the multiplier.
    ///
    /// # Errors
    /// [`NotANumber`] when the text is no number or too large.
    pub fn energy_of_display(&self, kwh: &str) -> Result<WattHours, NotANumber> {
        let shown = WattHours::from_kwh_text(kwh)?;
        let energy = shown.0.checked_mul(i64::from(self.multiplier));
        energy.map(WattHours).ok_or(NotANumber::TooLarge {
            text: kwh.to_owned(),
            limit: WattHours::MAX.0,
        })
    }

    fn width(&self) -> Option<WattHours> {
        10_i64
            .checked_pow(u32::from(self.digits))?
            .checked_mul(self.unit.0)?
            .checked_mul(i64::from(self.multiplier))
            .map(WattHours)
    }
}

impl Meter {
    /// The register of that code.
    #[must_use]
    pub fn register(&self, obis: Obis) -> Option<&Register> {
        self.registers.iter().find(|register| register.obis == obis)
    }

    /// Whether its reads may be billed on that day.
    #[must_use]
    pub fn approved_for_billing(&self, on: LocalDay) -> bool {
        self.approval
            .as_ref()
            .is_some_and(|approval| on <= approval.expires)
    }
}

impl MeterPoint {
    /// The meter that hung here at the instant.
    #[must_use]
    pub fn meter_at(&self, at: Instant) -> Option<&FittedMeter> {
        self.meters.iter().find(|meter| {
            meter.from.is_none_or(|from| from <= at) && meter.to.is_none_or(|to| at < to)
        })
    }
}

impl Direction {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Direction::Generation => "generation",
            Direction::Export => "export",
            Direction::Import => "import",
        }
    }
}
