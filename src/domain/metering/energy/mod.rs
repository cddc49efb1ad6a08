//! Energy: what advances of registers mean for half hours and for longer periods.
//!
//! An advance is split over half hours by time, with a cumulative floor, so that the parts sum to
//! it exactly. A longer period is the sum of its half hours, exactly. Each number carries the
//! quality of its two boundaries, and counts the half hours that are not known.

mod half_hour;
mod interval;
mod total;

pub use half_hour::{HalfHourEnergy, SHORT_ADVANCE_MS, half_hours};
pub use interval::{IntervalEnergy, half_hours_of_intervals};
pub use total::Energy;
