//! A chain of points without those that change no half hour.
//!
//! Of the points of one half hour only the first and the last matter as long as every advance between
//! them is known: the energy in between is their difference, and how a boundary is known depends on
//! the advance that crosses it. A day at one read each 10 s shrinks from 8,640 points to 96.

use domain::{calendar::HALF_HOUR_MS, metering::Point};

/// Adds a point behind the others, in place of the last one where that is in the middle of a half
/// hour that goes on.
pub(crate) fn push(points: &mut Vec<Point>, point: Point) {
    let half = |p: &Point| p.at.0.div_euclid(HALF_HOUR_MS);
    if let [.., first, last] = points.as_mut_slice()
        && point.joined
        && last.joined
        && first.wh <= last.wh
        && last.wh <= point.wh
        && first.at < last.at
        && last.at < point.at
        && half(first) == half(&point)
    {
        *last = point;
    } else {
        points.push(point);
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
            let mut thin = Vec::new();
            all.iter().for_each(|point| push(&mut thin, *point));
            let run = HalfHours::new(HalfHour(899_999), HalfHour::of(Instant(at)).plus(2));
            prop_assert_eq!(half_hours(run, None, &thin, None), half_hours(run, None, &all, None));
        }
    }
}
