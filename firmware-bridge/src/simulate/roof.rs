//! A roof's register for any instant.
//!
//! The register is a function of time alone: it can be asked in any order, from any number of
//! processes, and after a restart it shows what it would have shown. At half hours it is the exact sum
//! of the stand-in year's outputs. Within a half hour power runs in two straight lines, from the value
//! at its start over one in the middle to the value at its end; the value at a boundary is the mean of
//! the two outputs beside it, but at most twice the smaller of them, and the one in the middle is
//! what makes the total right. So power does not jump, is never below zero, and each half hour's
//! energy is the file's.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    HALF_HOUR_MS,
    half_hours::Output,
    register::{Exact, Wp},
    stand_in::StandInYear,
};

/// Within a half hour power is counted in 10⁻¹⁸ W per Wp; the sums at its ends stay exact.
const COARSE: u128 = 1_000_000_000_000;
/// A quarter of an hour in ms.
const QUARTER_MS: i128 = 900_000;

/// A roof.
#[derive(Clone, Debug)]
pub struct SimulatedRoof {
    year: Arc<StandInYear>,
    size: Wp,
    origin: Timestamp,
    opening_wh: i64,
    origin_sum: u128,
}

/// What the roof's meter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The register, in Wh.
    pub wh: i64,
    /// Power at that instant, in W, to the nearest.
    pub w: i64,
}

impl SimulatedRoof {
    /// A roof of `size` whose register shows `opening_wh` at `origin`, such as the last instant and
    /// value of its history. Before `origin` it stands still.
    pub fn new(year: Arc<StandInYear>, size: Wp, origin: Timestamp, opening_wh: i64) -> Self {
        let origin_sum = sum_at(&year, origin);
        SimulatedRoof {
            year,
            size,
            origin,
            opening_wh,
            origin_sum,
        }
    }

    /// What the meter shows at an instant.
    pub fn at(&self, at: Timestamp) -> Shown {
        let sum = sum_at(&self.year, at).saturating_sub(self.origin_sum);
        let generated = Exact::generated(Output(sum), self.size);
        let wh = Exact::from_wh(self.opening_wh).plus(generated).shown_wh();
        let power = Shape::around(&self.year, at).power() * u128::from(self.size.get());
        let one = super::half_hours::ONE / COARSE;
        let w = i64::try_from((power + one / 2) / one).unwrap_or(i64::MAX);
        Shown { wh, w }
    }

    /// The register at every multiple of `step_ms` (counted from the UNIX epoch) after `after` and
    /// up to `until`: with a half hour as step, the reads that bring a roof up to date.
    pub fn reads(
        &self,
        after: Timestamp,
        until: Timestamp,
        step_ms: i64,
    ) -> impl Iterator<Item = (Timestamp, Shown)> + '_ {
        let step_ms = step_ms.max(1);
        let first = after.as_millisecond().div_euclid(step_ms) + 1;
        let last = until.as_millisecond().div_euclid(step_ms);
        (first..=last).filter_map(move |i| {
            let at = Timestamp::from_millisecond(i * step_ms).ok()?;
            Some((at, self.at(at)))
        })
    }

    /// When the register showed its opening.
    pub fn origin(&self) -> Timestamp {
        self.origin
    }

    /// The roof's size.
    pub fn size(&self) -> Wp {
        self.size
    }
}

/// Sum of the outputs up to an instant, in half hours of 10⁻³⁰ W per Wp.
fn sum_at(year: &StandInYear, at: Timestamp) -> u128 {
    let half_hour = at.as_millisecond().div_euclid(HALF_HOUR_MS);
    year.sum_before(half_hour) + Shape::around(year, at).sum_so_far() * COARSE
}

/// The two straight lines of a half hour, in 10⁻¹⁸ W per Wp, and where in it we are.
struct Shape {
    start: i128,
    middle: i128,
    end: i128,
    into_ms: i128,
}

impl Shape {
    fn around(year: &StandInYear, at: Timestamp) -> Self {
        let ms = at.as_millisecond();
        let half_hour = ms.div_euclid(HALF_HOUR_MS);
        let coarse = |output: Output| {
            i128::try_from(output.0 / COARSE).expect("an output is below 2 kW per kWp")
        };
        let before = coarse(year.output(half_hour - 1));
        let here = coarse(year.output(half_hour));
        let after = coarse(year.output(half_hour + 1));
        let start = boundary(before, here);
        let end = boundary(here, after);
        Shape {
            start,
            // Not below zero, because neither boundary is above twice the output.
            middle: (4 * here - start - end) / 2,
            end,
            into_ms: ms.rem_euclid(HALF_HOUR_MS).into(),
        }
    }

    /// Power now.
    fn power(&self) -> u128 {
        let power = if self.into_ms < QUARTER_MS {
            self.start + (self.middle - self.start) * self.into_ms / QUARTER_MS
        } else {
            let into_ms = self.into_ms - QUARTER_MS;
            self.middle + (self.end - self.middle) * into_ms / QUARTER_MS
        };
        u128::try_from(power).unwrap_or(0)
    }

    /// The part of the half hour's output that lies behind us: the area under the lines, as a mean
    /// over the whole half hour. Cut, so that it is never more than the half hour's own output.
    fn sum_so_far(&self) -> u128 {
        let q = QUARTER_MS;
        let area = if self.into_ms < q {
            let t = self.into_ms;
            2 * q * self.start * t + (self.middle - self.start) * t * t
        } else {
            let t = self.into_ms - q;
            (self.start + self.middle) * q * q
                + 2 * q * self.middle * t
                + (self.end - self.middle) * t * t
        };
        u128::try_from(area / (2 * q * i128::from(HALF_HOUR_MS))).unwrap_or(0)
    }
}

fn boundary(a: i128, b: i128) -> i128 {
    ((a + b) / 2).min(2 * a).min(2 * b)
}
