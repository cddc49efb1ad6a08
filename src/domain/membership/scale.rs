//! Scaling what is wanted down to what there is, in whole shares.

/// What one member wants of a limited amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Shares wanted.
    pub wanted: i64,
    /// Shares held before; what is given is taken from them.
    pub held: i64,
    /// Nobody is left with fewer than this but none.
    pub minimum: i64,
}

impl Ask {
    /// The most, up to `shares`, that may be given.
    fn allowed(&self, shares: i64) -> i64 {
        let given = shares.min(self.wanted).min(self.held).max(0);
        let left = self.held.saturating_sub(given);
        if left > 0 && left < self.minimum {
            // Either all of it or so much that the minimum stays.
            return self.held.saturating_sub(self.minimum).max(0);
        }
        given
    }
}

/// Shares out at most `limit` shares: everybody the same part of what was wanted, in whole shares
/// (largest remainder; of equal remainders the one who asked first), nobody left between nothing and
/// the minimum, and never more than `limit` in all. What falls free where a minimum stands in the way
/// is scaled among the others, and at last goes to those who asked first. `asks` stand in the order
/// in which they were made.
///
/// ```
/// use commonwatt_domain::membership::{Ask, scale};
/// let ask = |wanted| Ask { wanted, held: 10_000, minimum: 250 };
/// assert_eq!(scale(&[ask(4_350), ask(4_350)], 5_800), [2_900, 2_900]);
/// ```
#[must_use]
pub fn scale(asks: &[Ask], limit: i64) -> Vec<i64> {
    let mut given: Vec<i64> = vec![0; asks.len()];
    let mut left = limit.max(0);
    let mut open: Vec<usize> = (0..asks.len()).collect();
    loop {
        let parts = parts(asks, &open, left);
        let (stay, settled): (Vec<_>, Vec<_>) =
            open.iter().copied().zip(parts).partition(|(place, part)| {
                asks.get(*place)
                    .is_some_and(|ask| ask.allowed(*part) == *part)
            });
        if settled.is_empty() {
            for (place, part) in stay {
                give(&mut given, &mut left, place, part);
            }
            break;
        }
        for (place, part) in settled {
            let part = asks.get(place).map_or(0, |ask| ask.allowed(part));
            give(&mut given, &mut left, place, part);
        }
        open = stay.into_iter().map(|(place, _)| place).collect();
    }
    for (place, ask) in asks.iter().enumerate() {
        let has = given.get(place).copied().unwrap_or(0);
        let more = ask.allowed(has.saturating_add(left)).saturating_sub(has);
        if more > 0 {
            give(&mut given, &mut left, place, more);
        }
    }
    given
}

fn give(given: &mut [i64], left: &mut i64, place: usize, shares: i64) {
    if let Some(has) = given.get_mut(place) {
        *has = has.saturating_add(shares);
        *left = left.saturating_sub(shares);
    }
}

/// The same part for each of the open asks, by largest remainder; all of it when there is enough.
fn parts(asks: &[Ask], open: &[usize], limit: i64) -> Vec<i64> {
    let wanted: Vec<i128> = open
        .iter()
        .map(|place| {
            asks.get(*place)
                .map_or(0, |ask| i128::from(ask.wanted.min(ask.held).max(0)))
        })
        .collect();
    let total: i128 = wanted.iter().fold(0, |sum, each| sum.saturating_add(*each));
    let limit = i128::from(limit).min(total);
    let exact = |each: i128| each.saturating_mul(limit);
    let mut parts: Vec<i128> = wanted
        .iter()
        .map(|each| exact(*each).checked_div(total).unwrap_or(0))
        .collect();
    let spent: i128 = parts.iter().fold(0, |sum, each| sum.saturating_add(*each));
    let mut by_remainder: Vec<(i128, usize)> = wanted
        .iter()
        .enumerate()
        .map(|(place, each)| (exact(*each).checked_rem(total).unwrap_or(0), place))
        .filter(|(remainder, _)| *remainder > 0)
        .collect();
    by_remainder.sort_by_key(|(remainder, place)| (core::cmp::Reverse(*remainder), *place));
    let odd = usize::try_from(limit.saturating_sub(spent)).unwrap_or(0);
    for (_, place) in by_remainder.into_iter().take(odd) {
        if let Some(part) = parts.get_mut(place) {
            *part = part.saturating_add(1);
        }
    }
    parts
        .into_iter()
        .map(|part| i64::try_from(part).unwrap_or(i64::MAX))
        .collect()
}
