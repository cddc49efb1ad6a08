//! What is known about a series besides its reads: the numbers its findings are measured by.

use std::sync::Arc;

use super::{Direction, Lives, Nights, Register};
use crate::{
    calendar::Instant,
    quantity::{WattHours, Watts},
};

/// The version of the findings below. An upgrade that would change a finding raises it. 2: evidence
/// decides between two values of one instant, and the meter's own gateway counts.
pub const RULES_VERSION: u32 = 2;

/// No read can be older: 2009-01-01T00:00:00Z, before the feed-in tariff and any of our meters.
pub const EARLIEST_READ: Instant = Instant(1_230_768_000_000);
/// A read whose time is more than this after its receipt is held: 5 minutes.
pub const CLOCK_AHEAD_HELD_MS: i64 = 300_000;
/// A read whose time is more than this after its receipt is refused: 24 hours.
pub const CLOCK_AHEAD_REFUSED_MS: i64 = 86_400_000;
/// A telemetry read received more than this after its time is late: 24 hours.
pub const LATE_MS: i64 = 86_400_000;
/// A generation register that has not moved over this much daylight is frozen: 6 hours.
pub const FROZEN_DAYLIGHT_MS: i64 = 21_600_000;
/// What a generation register may make in the dark, in per cent of its ceiling: dust, not power.
pub const DARK_PERCENT: i64 = 2;
/// How far two stamps of one device may be off against each other: 10 seconds are added to the
/// time in which an advance was made.
pub const CLOCK_SLACK_MS: i64 = 10_000;
/// The margin over the ceiling: 6/5, in per cent.
const MARGIN_PERCENT: i64 = 120;

/// What a series is judged by. Cheap to share: nights and lives are the only heap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesRules {
    /// What the register counts; darkness and freezing are findings of generation only.
    pub direction: Direction,
    /// The most power that can flow: the array's own peak, or the supply's rating. `None` where it
    /// is not known: then no advance is too large and nothing is noticed in the dark.
    pub ceiling: Option<Watts>,
    /// The register starts again from 0 here: its width in Wh.
    pub modulus: WattHours,
    /// The register's smallest step in Wh.
    pub step: WattHours,
    /// When the sun is down at the site.
    pub nights: Arc<Nights>,
    /// The stretches of time in which this register counted, from its dated events.
    pub lives: Lives,
}

impl SeriesRules {
    /// The rules of a register at a site, with one life and no events.
    #[must_use]
    pub fn of(register: &Register, ceiling: Option<Watts>, nights: Arc<Nights>) -> SeriesRules {
        SeriesRules {
            direction: register.direction(),
            ceiling,
            modulus: register.modulus(),
            step: register.step(),
            nights,
            lives: Lives::one(),
        }
    }

    /// The version of the rules that these numbers feed.
    #[must_use]
    pub fn version(&self) -> u32 {
        RULES_VERSION
    }

    /// The largest advance that is taken over `elapsed_ms`: ceiling × time × 6/5 plus one step of
    /// the register; the time counts with [`CLOCK_SLACK_MS`]. `None` without a ceiling.
    ///
    /// ```
    /// # use commonwatt_domain::{metering::*, quantity::*};
    /// # let register = Register::new(Obis::EXPORT, Direction::Generation, 8, WattHours(1), 1)?;
    /// let rules = SeriesRules::of(&register, Some(Watts(37_240)), Nights::unknown());
    /// // 37.24 kW × 1,810 s × 6/5 + 1 Wh
    /// assert_eq!(rules.largest_advance(1_800_000), Some(WattHours(22_469)));
    /// # Ok::<(), MeterError>(())
    /// ```
    #[must_use]
    pub fn largest_advance(&self, elapsed_ms: i64) -> Option<WattHours> {
        let ms = elapsed_ms.max(0).saturating_add(CLOCK_SLACK_MS);
        let energy = energy_at(self.ceiling?, MARGIN_PERCENT, ms);
        Some(self.with_step(energy))
    }

    /// The largest advance that is taken over a stretch in the dark: [`DARK_PERCENT`] of the
    /// ceiling plus one step. `None` unless the register counts generation under a known ceiling.
    #[must_use]
    pub fn largest_dark_advance(&self, elapsed_ms: i64) -> Option<WattHours> {
        let ceiling = match self.direction {
            Direction::Generation => self.ceiling?,
            Direction::Export | Direction::Import => return None,
        };
        let energy = energy_at(ceiling, DARK_PERCENT, elapsed_ms.max(0));
        Some(self.with_step(energy))
    }

    /// An energy plus one step; stops at the end of 64 bits, which then limits nothing.
    fn with_step(&self, energy: i64) -> WattHours {
        WattHours(energy.saturating_add(self.step.0))
    }
}

/// The energy in Wh of `percent` of a power over `ms`, cut to whole Wh; stops at the end of 64
/// bits.
fn energy_at(power: Watts, percent: i64, ms: i64) -> i64 {
    const DIVISOR: i64 = 3_600_000 * 100;
    const DIVISOR_128: i128 = DIVISOR as i128;
    let small = power
        .0
        .checked_mul(percent)
        .and_then(|power| power.checked_mul(ms));
    if let Some(product) = small {
        return product / DIVISOR;
    }
    let product = i128::from(power.0)
        .saturating_mul(i128::from(percent))
        .saturating_mul(i128::from(ms));
    i64::try_from(product / DIVISOR_128).unwrap_or(i64::MAX)
}
