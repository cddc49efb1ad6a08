//! Energy of half hours from a chain of points.

use crate::{
    calendar::{HALF_HOUR_MS, HalfHour, HalfHours, Instant},
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
///
/// ```
/// use commonwatt_domain::{calendar::*, metering::{energy::half_hours, Point, Quality}, quantity::*};
/// let point = |time: &str, wh| Point {
///     at: time.parse().unwrap(),
///     wh: WattHours(wh),
///     quality: Quality::Actual,
///     joined: true,
/// };
/// // Silence from 10:00 to 12:00 with the register up by 18 kWh.
/// let chain = [point("2013-06-01T10:00:00Z", 0), point("2013-06-01T12:00:00Z", 18_000)];
/// let run = HalfHours::new(HalfHour::of(chain[0].at), HalfHour::of(chain[1].at));
/// let parts = half_hours(run, None, &chain, None);
/// assert_eq!(parts.len(), 4);
/// assert!(parts.iter().all(|part| part.wh == WattHours(4_500)));
/// assert_eq!(parts[1].quality(), Quality::Derived);
/// ```
#[must_use]
pub fn half_hours(
    run: HalfHours,
    before: Option<Point>,
    inside: &[Point],
    after: Option<Point>,
) -> Vec<HalfHourEnergy> {
    let mut parts: Vec<_> = run.iter().map(HalfHourEnergy::missing).collect();
    let mut from = before;
    for to in inside.iter().copied().chain(after) {
        if let Some(from) = from.filter(|_| to.joined) {
            spread(run, &mut parts, &Advance { from, to });
        }
        from = Some(to);
    }
    for point in inside.iter().chain(&after) {
        mark_boundary(run, &mut parts, point);
    }
    parts
}

/// The known advance between two joined points.
struct Advance {
    from: Point,
    to: Point,
}

impl Advance {
    /// The energy from its start to an instant inside: the even part, cut to whole Wh. The parts of
    /// any division of it sum to it.
    fn until(&self, at: Instant) -> i64 {
        let energy = self.to.wh.0.saturating_sub(self.from.wh.0);
        let ms = self.to.at.ms_since(self.from.at);
        even_part(energy, at.ms_since(self.from.at), ms)
    }

    /// How a boundary inside it is known.
    fn boundary(&self) -> Quality {
        if self.to.at.ms_since(self.from.at) <= SHORT_ADVANCE_MS {
            self.from.quality.max(self.to.quality)
        } else {
            Quality::Derived
        }
    }
}

/// floor(energy × part / whole) for 0 ≤ part ≤ whole; the energy itself at the end.
pub(super) fn even_part(energy: i64, part: i64, whole: i64) -> i64 {
    if part >= whole {
        return energy;
    }
    if let Some(product) = energy.checked_mul(part) {
        return product.checked_div(whole).unwrap_or(0);
    }
    let product = i128::from(energy).saturating_mul(i128::from(part));
    let quotient = product.checked_div(i128::from(whole)).unwrap_or(0);
    i64::try_from(quotient).unwrap_or(energy)
}

/// Adds an advance to the half hours it touches.
fn spread(run: HalfHours, parts: &mut [HalfHourEnergy], advance: &Advance) {
    let (from, to) = (advance.from.at, advance.to.at);
    if to <= from || advance.to.wh < advance.from.wh {
        return;
    }
    let first = HalfHour::of(from).max(run.start);
    let end = HalfHour::at_or_after(to).min(run.end);
    let mut before = None;
    for half_hour in HalfHours::new(first, end).iter() {
        let Some(part) = part_of(run, parts, half_hour) else {
            continue;
        };
        let (start, end) = (half_hour.start().max(from), half_hour.end().min(to));
        let energy_before = before.unwrap_or_else(|| advance.until(start));
        let energy = advance.until(end);
        before = Some(energy);
        part.wh = plus(part.wh, WattHours(energy.saturating_sub(energy_before)));
        part.cover(end.ms_since(start));
        if from < half_hour.start() {
            part.start = advance.boundary();
        }
        if half_hour.end() < to {
            part.end = advance.boundary();
        }
    }
}

/// A point that lies on a boundary says how that boundary is known: of a final and an opening read
/// at one instant, the final read for the half hour that ends, the opening for the one that starts.
fn mark_boundary(run: HalfHours, parts: &mut [HalfHourEnergy], point: &Point) {
    let half_hour = HalfHour::of(point.at);
    if half_hour.start() != point.at {
        return;
    }
    if let Some(part) = part_of(run, parts, half_hour.plus(-1))
        && part.end == Quality::Missing
    {
        part.end = point.quality;
    }
    if let Some(part) = part_of(run, parts, half_hour) {
        part.start = point.quality;
    }
}

fn part_of(
    run: HalfHours,
    parts: &mut [HalfHourEnergy],
    half_hour: HalfHour,
) -> Option<&mut HalfHourEnergy> {
    let number = half_hour.0.checked_sub(run.start.0)?;
    parts.get_mut(usize::try_from(number).ok()?)
}

/// The sum of two energies.
///
/// # Panics
/// Beyond 9.2 × 10¹⁸ Wh. Register reads are at most [`WattHours::MAX`], so that a sum would need
/// thousands of full turns of the widest register.
pub(super) fn plus(one: WattHours, other: WattHours) -> WattHours {
    one.checked_add(other)
        .expect("energies sum to less than nine thousand petawatt-hours")
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
        i64::from(self.covered_ms) >= HALF_HOUR_MS
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

    /// The same half hour of the next meter on the meter point: energies and covered times add up.
    /// The two never cover the same time, because each counts within its register's life only.
    #[must_use]
    pub fn chained(self, next: HalfHourEnergy) -> HalfHourEnergy {
        let mut sum = HalfHourEnergy {
            wh: plus(self.wh, next.wh),
            start: self.start.worst_known(next.start),
            end: self.end.worst_known(next.end),
            inside: self.inside.max(next.inside),
            ..self
        };
        sum.cover(i64::from(next.covered_ms));
        sum
    }

    /// This half hour with imported interval energy where no register covers it. Of a half hour that
    /// a register covers in part, the import gives the even part for the rest, marked derived.
    #[must_use]
    pub fn filled(self, imported: HalfHourEnergy) -> HalfHourEnergy {
        let open = HALF_HOUR_MS
            .saturating_sub(i64::from(self.covered_ms))
            .max(0);
        let offered = i64::from(imported.covered_ms);
        if open == 0 || offered == 0 {
            return self;
        }
        if self.covered_ms == 0 {
            return imported;
        }
        let taken = open.min(offered);
        let mut filled = self.chained(HalfHourEnergy {
            wh: WattHours(even_part(imported.wh.0, taken, offered)),
            inside: imported.inside.max(Quality::Derived),
            covered_ms: 0,
            ..imported
        });
        filled.cover(taken);
        filled
    }

    /// Covers some more milliseconds of it, at most all.
    pub(super) fn cover(&mut self, ms: i64) {
        let covered = i64::from(self.covered_ms).saturating_add(ms);
        // At most 1,800,000.
        self.covered_ms = u32::try_from(covered.clamp(0, HALF_HOUR_MS)).unwrap_or(0);
    }
}
