//! How numbers, dates and spans are spelt.
use crate::generation::Period;
/// "2013", "2013-06" or "2013-04-01..2014-03-31".
#[must_use]
pub fn period_slug(period: &Period) -> String {
    format!("{}..{}", period.start, period.end)
}
