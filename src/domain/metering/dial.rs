//! What a person read from a dial, held against telemetry and a portal.
//!
//! The dial and the telemetry of one register must agree up to a stated tolerance: the dial cannot
//! show less than the last read before it, nor more than the first read after it, nor more than the
//! source can have made since. A portal's figure is held against the dial itself. Where telemetry says
//! nothing near it, or the tolerance was widened, one person's word is all there is: a second person
//! has to see the same. Nothing is chosen here; whoever asks learns what differs and by how much.

use core::fmt;

use super::Mark;
use crate::{
    calendar::Instant,
    quantity::{WattHours, Watts},
};

/// How far dial and telemetry may be apart where nobody says otherwise: 1 kWh, the last whole digit
/// of most dials.
pub const DIAL_TOLERANCE: WattHours = WattHours(1_000);
/// A source gives no more than its ceiling, with the same margin that reads are judged by: 6/5.
const MARGIN_PERCENT: i128 = 120;
const MS_IN_HOUR: i128 = 3_600_000;
/// Telemetry further away than this leaves room for any figure that one person types: 1 hour.
const NEAR_MS: i64 = 3_600_000;

/// A figure on a dial, with what it is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial {
    /// When it showed it.
    pub at: Instant,
    /// What it showed.
    pub wh: WattHours,
    /// The last accepted read by telemetry at or before it, in the same life of the register.
    pub before: Option<Mark>,
    /// The first accepted read by telemetry after it, in the same life of the register.
    pub after: Option<Mark>,
    /// What the portal says for the same time.
    pub portal: Option<WattHours>,
    /// The most power that can pass.
    pub ceiling: Watts,
    /// The register's smallest step.
    pub step: WattHours,
    /// How far they may be apart.
    pub tolerance: WattHours,
}

/// What was noticed about a figure on a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialFinding {
    /// Finer than the dial can show: somebody typed another device's figure, or a slip.
    FinerThanTheDial {
        /// The register's step.
        step: WattHours,
    },
    /// Below the last read by telemetry.
    BelowTelemetry {
        /// That read.
        before: Mark,
        /// By so much.
        by: WattHours,
    },
    /// Above what can have been made since the last read, or above the first read after.
    AboveTelemetry {
        /// The most the dial can have shown.
        at_most: WattHours,
        /// By so much.
        by: WattHours,
    },
    /// The portal says something else.
    PortalDiffers {
        /// The portal's figure.
        portal: WattHours,
        /// By so much, whichever is larger.
        by: WattHours,
    },
    /// Neither telemetry nor a portal says anything.
    NothingToCompare,
    /// Telemetry says nothing within an hour before it, so that it leaves room for many figures.
    FarFromTelemetry,
    /// The tolerance is wider than the usual one.
    WideTolerance {
        /// The one that was asked for.
        tolerance: WattHours,
    },
}

impl Dial {
    /// What differs by more than the tolerance, and why one person's word does not do. Empty when
    /// telemetry near it holds the figure: then it counts at once.
    ///
    /// ```
    /// use commonwatt_domain::{metering::{Dial, DialFinding, Mark}, quantity::*};
    /// let at = |text: &str| text.parse().unwrap();
    /// let dial = Dial {
    ///     at: at("2026-06-01T12:15:00Z"),
    ///     wh: WattHours(310_440_000),
    ///     before: Some(Mark { at: at("2026-06-01T12:00:00Z"), wh: WattHours(310_438_000) }),
    ///     after: Some(Mark { at: at("2026-06-01T12:30:00Z"), wh: WattHours(310_442_000) }),
    ///     portal: None,
    ///     ceiling: Watts(37_240),
    ///     step: WattHours(10),
    ///     tolerance: WattHours(1_000),
    /// };
    /// assert_eq!(dial.findings(), []);
    /// let slipped = Dial { wh: WattHours(310_404_000), ..dial };
    /// assert!(matches!(slipped.findings()[..], [DialFinding::BelowTelemetry { .. }]));
    /// ```
    #[must_use]
    pub fn findings(&self) -> Vec<DialFinding> {
        let mut found = Vec::new();
        if self.step.0 > 0 && self.wh.0.checked_rem(self.step.0) != Some(0) {
            found.push(DialFinding::FinerThanTheDial { step: self.step });
        }
        let beyond = |by: WattHours| by > self.tolerance;
        if let Some(before) = self.before
            && let Some(by) = before.wh.checked_sub(self.wh)
            && beyond(by)
        {
            found.push(DialFinding::BelowTelemetry { before, by });
        }
        if let Some(at_most) = self.at_most()
            && let Some(by) = self.wh.checked_sub(at_most)
            && beyond(by)
        {
            found.push(DialFinding::AboveTelemetry { at_most, by });
        }
        if let Some(portal) = self.portal {
            let by = WattHours(portal.0.saturating_sub(self.wh.0).saturating_abs());
            if beyond(by) {
                found.push(DialFinding::PortalDiffers { portal, by });
            }
        }
        if self.before.is_none() && self.after.is_none() && self.portal.is_none() {
            found.push(DialFinding::NothingToCompare);
        } else if self
            .before
            .is_none_or(|before| self.at.ms_since(before.at) > NEAR_MS)
        {
            found.push(DialFinding::FarFromTelemetry);
        }
        if self.tolerance > DIAL_TOLERANCE {
            found.push(DialFinding::WideTolerance {
                tolerance: self.tolerance,
            });
        }
        found
    }

    /// The most the dial can have shown: the read after it, or what the ceiling allows since the one
    /// before, whichever is less.
    fn at_most(&self) -> Option<WattHours> {
        let made = self.before.and_then(|before| {
            let ms = i128::from(self.at.ms_since(before.at).max(0));
            let wh = i128::from(self.ceiling.0)
                .checked_mul(ms)?
                .checked_mul(MARGIN_PERCENT)?
                .checked_div(MS_IN_HOUR.checked_mul(100)?)?;
            before.wh.checked_add(WattHours(i64::try_from(wh).ok()?))
        });
        match (made, self.after) {
            (Some(made), Some(after)) => Some(made.min(after.wh)),
            (made, after) => made.or(after.map(|after| after.wh)),
        }
    }
}

impl DialFinding {
    /// The word used in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            DialFinding::FinerThanTheDial { .. } => "finer-than-the-dial",
            DialFinding::BelowTelemetry { .. } => "below-telemetry",
            DialFinding::AboveTelemetry { .. } => "above-telemetry",
            DialFinding::PortalDiffers { .. } => "portal-differs",
            DialFinding::NothingToCompare => "nothing-to-compare",
            DialFinding::FarFromTelemetry => "far-from-telemetry",
            DialFinding::WideTolerance { .. } => "wide-tolerance",
        }
    }

    /// Whether a person has to choose the figure; where it does not differ, a second person has to
    /// see the same.
    #[must_use]
    pub fn differs(self) -> bool {
        !matches!(
            self,
            DialFinding::NothingToCompare
                | DialFinding::FarFromTelemetry
                | DialFinding::WideTolerance { .. }
        )
    }

    /// Whether a finding of this word says that the figure differs.
    #[must_use]
    pub fn differs_by_word(word: &str) -> bool {
        !["nothing-to-compare", "far-from-telemetry", "wide-tolerance"].contains(&word)
    }
}

impl fmt::Display for DialFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialFinding::FinerThanTheDial { step } => {
                write!(f, "finer than the dial's steps of {}", step.kwh_words())
            }
            DialFinding::BelowTelemetry { before, by } => write!(
                f,
                "{} below the read by telemetry of {} at {}",
                by.kwh_words(),
                before.wh.kwh_words(),
                before.at
            ),
            DialFinding::AboveTelemetry { at_most, by } => write!(
                f,
                "{} above {}, the most that telemetry leaves room for",
                by.kwh_words(),
                at_most.kwh_words()
            ),
            DialFinding::PortalDiffers { portal, by } => write!(
                f,
                "{} away from the portal's {}",
                by.kwh_words(),
                portal.kwh_words()
            ),
            DialFinding::NothingToCompare => f.write_str(
                "neither telemetry nor a portal says anything to hold it against; a second person has to see the same",
            ),
            DialFinding::FarFromTelemetry => f.write_str(
                "telemetry says nothing within the hour before it; a second person has to see the same",
            ),
            DialFinding::WideTolerance { tolerance } => write!(
                f,
                "the tolerance of {} is wider than {}; a second person has to see the same",
                tolerance.kwh_words(),
                DIAL_TOLERANCE.kwh_words()
            ),
        }
    }
}
