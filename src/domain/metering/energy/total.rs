//! Energy of a longer period, or of several meter points: sums that keep what is not known.

use super::{HalfHourEnergy, half_hour::plus};
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
    /// The worst quality of what lies inside: estimated where a part was, derived where a part was
    /// that has a quality of its own ([`Energy::of_children`]).
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
        let mut total = Energy {
            half_hours: run.count(),
            missing: run.count(),
            ..Energy::NONE
        };
        for part in parts {
            total.wh = plus(total.wh, part.wh);
            total.inside = total.inside.max(part.inside);
            total.missing = total.missing.saturating_sub(u32::from(part.is_complete()));
            total.covered_ms = total.covered_ms.saturating_add(u64::from(part.covered_ms));
        }
        if let Some(first) = parts.first().filter(|part| part.half_hour == run.start) {
            total.start = first.start;
        }
        if let Some(last) = parts
            .last()
            .filter(|part| part.half_hour.plus(1) == run.end)
        {
            total.end = last.end;
        }
        total
    }

    /// The energy of a period from its children in order of time, without a gap between them: days,
    /// months, years. Its quality is never better than that of any of them of which anything is known.
    ///
    /// ```
    /// use commonwatt_domain::{metering::{Quality, energy::Energy}, quantity::WattHours};
    /// let month = |start, end| Energy {
    ///     wh: WattHours(900_000), start, end, covered_ms: 1, ..Energy::NONE
    /// };
    /// // Nobody read the register at the turn of the month; at both ends of the two months it was read.
    /// let two = [
    ///     month(Quality::Actual, Quality::Derived),
    ///     month(Quality::Derived, Quality::Actual),
    /// ];
    /// let both = Energy::of_children(two);
    /// assert_eq!((both.wh, both.quality()), (WattHours(1_800_000), Quality::Derived));
    /// ```
    #[must_use]
    pub fn of_children(children: impl IntoIterator<Item = Energy>) -> Energy {
        let known = |child: Energy| Energy {
            inside: child.inside.worst_known(child.quality()),
            ..child
        };
        let mut children = children.into_iter().map(known);
        let Some(first) = children.next() else {
            return Energy::NONE;
        };
        children.fold(first, |total, child| Energy {
            start: total.start,
            end: child.end,
            ..total.with(child)
        })
    }

    /// The energy of several meter points, or sites, over the same period.
    #[must_use]
    pub fn of_places(places: impl IntoIterator<Item = Energy>) -> Energy {
        places.into_iter().fold(Energy::NONE, Energy::with)
    }

    /// The sum, with the worst of what is known about the boundaries.
    fn with(self, other: Energy) -> Energy {
        Energy {
            wh: plus(self.wh, other.wh),
            start: self.start.worst_known(other.start),
            end: self.end.worst_known(other.end),
            inside: self.inside.max(other.inside),
            half_hours: self.half_hours.saturating_add(other.half_hours),
            missing: self.missing.saturating_add(other.missing),
            covered_ms: self.covered_ms.saturating_add(other.covered_ms),
        }
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
