//! A chain of points without those that change no half hour.
//!
//! Of the points of one half hour only the first and the last matter as long as every advance between
//! them is known: the energy in between is their difference, and how a boundary is known depends on
//! the advance that crosses it. A day at one read each 10 s shrinks from 8,640 points to 96.

use domain::{calendar::HALF_HOUR_MS, metering::Point};

/// The points that matter, in order.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    points: Vec<Point>,
    /// While the last point is in the middle of a half hour that goes on: the end of it.
    until: Option<i64>,
}

impl Chain {
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    pub(crate) fn into_points(self) -> Vec<Point> {
        self.points
    }

    pub(crate) fn clear(&mut self) {
        self.points.clear();
        self.until = None;
    }

    /// Adds a point behind the others.
    #[inline]
    pub(crate) fn push(&mut self, point: Point) {
        if let (Some(until), Some(last)) = (self.until, self.points.last_mut())
            && point.at.0 < until
            && point.joined
            && last.wh <= point.wh
            && last.at < point.at
        {
            *last = point;
        } else {
            self.append(point);
        }
    }

    fn append(&mut self, point: Point) {
        let half = |p: &Point| p.at.0.div_euclid(HALF_HOUR_MS);
        let replaceable = self.points.last().is_some_and(|first| {
            point.joined
                && first.wh <= point.wh
                && first.at < point.at
                && half(first) == half(&point)
        });
        self.until =
            replaceable.then(|| half(&point).saturating_add(1).saturating_mul(HALF_HOUR_MS));
        self.points.push(point);
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        calendar::{HalfHour, HalfHours, Instant},
        metering::{Quality, energy::half_hours},
        quantity::WattHours,
    };
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_half_hours_stay_the_same(steps in prop::collection::vec((prop_oneof![0_i64..90_000, Just(300_000), Just(4_000_000)], -2_i64..40, 0_u8..12), 1..120)) {
            let (mut at, mut wh) = (HALF_HOUR_MS * 900_000 + 1_000, 500);
            let all: Vec<Point> = steps
                .iter()
                .map(|(ms, energy, kind)| {
                    at += ms;
                    wh += energy;
                    let quality = if *kind == 1 { Quality::Manual } else { Quality::Actual };
                    Point { at: Instant(at), wh: WattHours(wh), quality, joined: *kind != 0 }
                })
                .collect();
            let mut thin = Chain::default();
            all.iter().for_each(|point| thin.push(*point));
            let run = HalfHours::new(HalfHour(899_999), HalfHour::of(Instant(at)).plus(2));
            prop_assert_eq!(half_hours(run, None, thin.points(), None), half_hours(run, None, &all, None));
        }
    }
}
