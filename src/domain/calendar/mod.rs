//! Instants, half hours and the society's local calendar.
//!
//! An instant is milliseconds UTC; a half hour is keyed by its UTC start, so the autumn hour that
//! comes twice stays two hours. Days, months and years are local to the society's zone
//! (Europe/London: 46, 48 or 50 half hours a day). The rules come from the IANA data bundled with
//! jiff, which is used in this module only; [`Zone`] copies what it needs into a table, because
//! every read asks for its day. It lacks a clock: nothing here knows what time it is.

mod day;
mod error;
mod half_hour;
mod instant;
mod period;
mod zone;

pub use day::{LocalDay, LocalMonth};
pub use error::CalendarError;
pub use half_hour::{HALF_HOUR_MS, HalfHour, HalfHours, SettlementPeriod};
pub use instant::{Instant, Span};
pub use period::{FinancialYear, Period, YearStart};
pub use zone::{WallClock, Zone};
