//! Interval energy as meter operators mail it: from, to, value.

use super::{
    HalfHourEnergy,
    half_hour::{even_part, plus},
};
use crate::{
    calendar::{HalfHour, HalfHours, Instant, Span},
    metering::Quality,
    quantity::WattHours,
};

/// Energy of a meter point over a span of time, from a file instead of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntervalEnergy {
    /// The span.
    pub span: Span,
    /// The energy.
    pub wh: WattHours,
    /// What the file says of it: actual, estimated or deemed.
    pub quality: Quality,
}

/// The half hours that imported intervals cover. Intervals come in order of their start; where two
/// overlap the one that starts earlier counts. One entry for each half hour.
#[must_use]
pub fn half_hours_of_intervals(
    run: HalfHours,
    intervals: &[IntervalEnergy],
) -> Vec<HalfHourEnergy> {
    let mut parts: Vec<_> = run.iter().map(HalfHourEnergy::missing).collect();
    let mut covered_until = Instant(i64::MIN);
    for interval in intervals {
        let Span { start, end } = interval.span;
        let from = start.max(covered_until);
        if end <= from || interval.quality == Quality::Missing {
            continue;
        }
        covered_until = end;
        for part in touched(run, &mut parts, Span::new(from, end)) {
            let inside = part.half_hour.span().overlap(Span::new(from, end));
            let until =
                |at: Instant| even_part(interval.wh.0, at.ms_since(start), interval.span.ms());
            let energy = until(inside.end).saturating_sub(until(inside.start));
            part.wh = plus(part.wh, WattHours(energy));
            part.cover(inside.ms());
            part.inside = part.inside.max(interval.quality);
            let boundary = |at: Instant| {
                if at == start || at == end {
                    interval.quality
                } else {
                    interval.quality.max(Quality::Derived)
                }
            };
            if inside.start == part.half_hour.start() {
                part.start = boundary(inside.start);
            }
            if inside.end == part.half_hour.end() {
                part.end = boundary(inside.end);
            }
        }
    }
    parts
}

/// The half hours of a run that a span touches.
fn touched(
    run: HalfHours,
    parts: &mut [HalfHourEnergy],
    span: Span,
) -> impl Iterator<Item = &mut HalfHourEnergy> {
    let index =
        |half_hour: HalfHour| usize::try_from(half_hour.0.saturating_sub(run.start.0)).unwrap_or(0);
    let (first, end) = (HalfHour::of(span.start), HalfHour::at_or_after(span.end));
    let count = index(end).saturating_sub(index(first));
    parts.iter_mut().skip(index(first)).take(count)
}
