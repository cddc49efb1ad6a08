//! Energy of a longer period, or of several meter points: sums that keep what is not known.

use super::HalfHourEnergy;
use crate::{calendar::HalfHours, metering::Quality, quantity::WattHours};

/// The energy of a period, for one meter point or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Energy {
    /// What is known of the energy.
    pub wh: WattHours,
    /// How the period's start is known.
    pub start: Quality,
    /// How the period's end is known.
    pub end: Quality,
    /// The worst quality of what lies inside: estimated where a part was.
    pub inside: Quality,
    /// Half hours in the period, times meter points.
    pub half_hours: u32,
    /// Half hours, times meter points, that are not wholly covered.
    pub missing: u32,
    /// Milliseconds covered, times meter points.
    pub covered_ms: u64,
}

impl Energy {
    /// Nothing, over no time.
    pub const NONE: Energy = Energy {
        wh: WattHours::ZERO,
        start: Quality::Missing,
        end: Quality::Missing,
        inside: Quality::Actual,
        half_hours: 0,
        missing: 0,
        covered_ms: 0,
    };

    /// The energy of a run of half hours. Those that are not among `parts` are missing; `parts` come
    /// in order, each half hour once, and all within the run.
    #[must_use]
    pub fn of_half_hours(run: HalfHours, parts: &[HalfHourEnergy]) -> Energy {
        let _ = (run, parts);
        Energy::NONE
    }

    /// The energy of a period from its children in order of time, without a gap between them.
    #[must_use]
    pub fn of_children(children: impl IntoIterator<Item = Energy>) -> Energy {
        let _ = children;
        Energy::NONE
    }

    /// The energy of several meter points, or sites, over the same period.
    #[must_use]
    pub fn of_places(places: impl IntoIterator<Item = Energy>) -> Energy {
        let _ = places;
        Energy::NONE
    }

    /// Whether all of it is known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing == 0
    }

    /// The quality of the number: the worst of its known boundaries and of what lies inside;
    /// missing when nothing is known. A hole does not change it: [`Energy::missing`] counts it.
    #[must_use]
    pub fn quality(&self) -> Quality {
        if self.covered_ms == 0 {
            return Quality::Missing;
        }
        self.start.worst_known(self.end).worst_known(self.inside)
    }
}
