//! How a roof did against what could be expected of it, and what was lost.
//!
//! A roof is measured by itself: by what it made before under the same light. The light of a day is
//! known from irradiance that was measured for it ([`Basis::Irradiance`]), or from neighbouring roofs
//! ([`Basis::Neighbours`]), which stand under the same weather, so that a bad day can be told apart
//! from a fault; without either only the clear sky is known
//! ([`Basis::Sun`]), weather and fault look the same, and only a roof that makes nothing at all is
//! called lost. Everything is integers; what is uncertain says so as a [`Doubt`].
//!
//! Where the light is stronger than what the sensor of another roof says, or a roof was worse than
//! its own past from the first day on, nothing is lost by this measure: it is not a yield report.

mod course;
mod expected;
mod light;
mod losses;

pub use course::{Course, DAY_PARTS, DayPart, Parts};
pub use expected::{Basis, Doubt, Expectation, expectation};
pub use light::{MeasuredLight, Plane, Ratio, Steps, ratio};
pub use losses::{Cause, Judged, Loss, Over, judge};

use crate::{
    calendar::{Instant, Span},
    metering::Nights,
};

/// A meter that says nothing over twice its cadence in daylight is silent.
pub const SILENT_CADENCES: i64 = 2;

/// Whether a meter that was last read at `last` and is read every `cadence_ms` is silent: more than
/// twice its cadence has passed since in daylight. At night nobody has to say anything.
///
/// ```
/// use commonwatt_domain::{calendar::{Instant, Span}, metering::Nights, performance::is_silent};
/// let hour = 3_600_000;
/// let at = |n| Instant(n * hour);
/// let nights = Nights::new(Span::new(at(0), at(48)), vec![Span::new(at(20), at(30))])?;
/// assert!(!is_silent(at(19), at(30), hour, &nights), "one hour of daylight");
/// assert!(is_silent(at(10), at(13), hour, &nights));
/// # Ok::<(), commonwatt_domain::metering::NightsError>(())
/// ```
#[must_use]
pub fn is_silent(last: Instant, now: Instant, cadence_ms: i64, nights: &Nights) -> bool {
    last < now
        && nights.daylight_ms(Span::new(last, now)) > cadence_ms.saturating_mul(SILENT_CADENCES)
}
