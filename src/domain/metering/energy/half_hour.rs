//! Energy of half hours from a chain of points.

use crate::{
    calendar::{HalfHour, HalfHours},
    metering::{Point, Quality},
    quantity::WattHours,
};

/// An advance of at most this length does not make a boundary `derived`: 60 seconds.
pub const SHORT_ADVANCE_MS: i64 = 60_000;

/// The energy of one series, or one meter point, in one half hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HalfHourEnergy {
    /// The half hour.
    pub half_hour: HalfHour,
    /// What is known of its energy.
    pub wh: WattHours,
    /// How its start is known.
    pub start: Quality,
    /// How its end is known.
    pub end: Quality,
    /// The worst quality of what lies inside: actual for a register.
    pub inside: Quality,
    /// How many of its 1,800,000 ms are covered.
    pub covered_ms: u32,
}

/// The half hours of a series from its chain of points.
///
/// `before` is the last point before the first half hour starts ([`super::super::FoldState::point`]
/// of the state there), `inside` the points from there to the end, `after` the first point at the
/// end or later. Only `joined` of `inside` and `after` counts. One entry for each half hour.
#[must_use]
pub fn half_hours(
    run: HalfHours,
    before: Option<Point>,
    inside: &[Point],
    after: Option<Point>,
) -> Vec<HalfHourEnergy> {
    let _ = (before, inside, after);
    run.iter().map(HalfHourEnergy::missing).collect()
}

impl HalfHourEnergy {
    /// A half hour of which nothing is known.
    #[must_use]
    pub fn missing(half_hour: HalfHour) -> HalfHourEnergy {
        HalfHourEnergy {
            half_hour,
            wh: WattHours::ZERO,
            start: Quality::Missing,
            end: Quality::Missing,
            inside: Quality::Actual,
            covered_ms: 0,
        }
    }

    /// Whether the whole half hour is covered.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        i64::from(self.covered_ms) >= crate::calendar::HALF_HOUR_MS
    }

    /// The quality of the number: the worst of its known boundaries and of what lies inside;
    /// missing when nothing is known.
    #[must_use]
    pub fn quality(&self) -> Quality {
        if self.covered_ms == 0 {
            return Quality::Missing;
        }
        self.start.worst_known(self.end).worst_known(self.inside)
    }

    /// The same half hour of the next meter on the meter point, or of the next life: energies and
    /// covered times add up.
    #[must_use]
    pub fn chained(self, next: HalfHourEnergy) -> HalfHourEnergy {
        let _ = next;
        self
    }

    /// This half hour with imported interval energy where no register covers it.
    #[must_use]
    pub fn filled(self, imported: HalfHourEnergy) -> HalfHourEnergy {
        let _ = imported;
        self
    }
}
