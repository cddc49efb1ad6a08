//! Energy: what advances of registers mean for half hours and for longer periods.
//!
//! An advance is split over half hours by time, with a cumulative floor, so that the parts sum to
//! it exactly. A longer period is the sum of its half hours, exactly. Each number carries its
//! quality, and counts the half hours that are not known.
//!
//! The quality of a half hour and of a day is that of its two boundaries, or worse where a part
//! inside was estimated: a day whose register was read at both midnights is measured, even if the
//! register was silent from ten to twelve and the half hours between were split by time. From the day
//! up a period is known as well as the worst of its days, although its own two boundaries may have
//! been read: nobody should find a year called `actual` above a month called `derived`, and what
//! claims, bills and reports are made of are days and months. A period of which nothing is known says
//! nothing against the others; [`Energy::missing`] counts it.

mod half_hour;
mod interval;
mod total;

pub use half_hour::{HalfHourEnergy, SHORT_ADVANCE_MS, half_hours};
pub use interval::{IntervalEnergy, half_hours_of_intervals};
pub use total::Energy;
