//! A part of a whole, as it is printed.

use rust_decimal::{Decimal, RoundingStrategy};

/// Decimals of a percentage.
const DECIMALS: u32 = 2;

/// A part of a whole in per cent, two decimals, half away from zero; none of nothing.
///
/// ```
/// use commonwatt_domain::council::percent;
/// assert_eq!(percent(1_000_000, 5_800_000).map(|p| p.to_string()).as_deref(), Some("17.24"));
/// assert_eq!(percent(1, 103).map(|p| p.to_string()).as_deref(), Some("0.97"));
/// assert_eq!(percent(0, 0), None);
/// ```
#[must_use]
pub fn percent(part: i64, whole: i64) -> Option<Decimal> {
    let of = Decimal::from(part)
        .checked_mul(Decimal::ONE_HUNDRED)?
        .checked_div(Decimal::from(whole))?;
    Some(of.round_dp_with_strategy(DECIMALS, RoundingStrategy::MidpointAwayFromZero))
}
