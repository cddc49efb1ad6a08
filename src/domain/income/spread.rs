//! One amount over several months: whole pence that sum to it.

use crate::money::Pence;

/// Spreads an amount in proportion to weights, by largest remainder (of equal remainders the first
/// gets the penny), so that the parts sum to it. Where all weights are zero the parts are equal; a
/// weight below zero counts as zero. Empty where there are no weights.
///
/// ```
/// use commonwatt_domain::{income::spread, money::Pence};
/// let parts = spread(Pence(100), &[1, 1, 1]);
/// assert_eq!(parts, [Pence(34), Pence(33), Pence(33)]);
/// ```
#[must_use]
pub fn spread(amount: Pence, weights: &[i64]) -> Vec<Pence> {
    let mut weights: Vec<i128> = weights.iter().map(|w| i128::from((*w).max(0))).collect();
    if weights.iter().all(|w| *w == 0) {
        weights.fill(1);
    }
    let all: i128 = weights.iter().fold(0, |sum, w| sum.saturating_add(*w));
    let size = i128::from(amount.0.unsigned_abs());
    let mut parts: Vec<(i128, i128, usize)> = weights
        .iter()
        .enumerate()
        .map(|(place, weight)| {
            let share = size.saturating_mul(*weight);
            let whole = share.checked_div(all).unwrap_or(0);
            (whole, share.checked_rem(all).unwrap_or(0), place)
        })
        .collect();
    let given = parts
        .iter()
        .fold(0_i128, |sum, (whole, _, _)| sum.saturating_add(*whole));
    let left = usize::try_from(size.saturating_sub(given)).unwrap_or(0);
    parts.sort_by_key(|(_, rest, place)| (core::cmp::Reverse(*rest), *place));
    for part in parts.iter_mut().take(left) {
        part.0 = part.0.saturating_add(1);
    }
    parts.sort_by_key(|(_, _, place)| *place);
    parts
        .into_iter()
        .map(|(whole, _, _)| {
            let whole = i64::try_from(whole).unwrap_or(i64::MAX);
            Pence(whole.saturating_mul(amount.0.signum()))
        })
        .collect()
}
