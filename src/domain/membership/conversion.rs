//! Share interest that becomes shares.

use crate::money::Pence;

/// What becomes of interest that is turned into shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Whole shares.
    pub shares: i64,
    /// Less than one share: paid, or carried to the next time, as the member chose.
    pub rest: Pence,
}

/// Turns interest, with what was carried from the last time, into whole shares.
///
/// ```
/// use commonwatt_domain::{membership::convert, money::Pence};
/// let made = convert(Pence(4_712), Pence(95), Pence(100));
/// assert_eq!((made.shares, made.rest), (48, Pence(7)));
/// ```
#[must_use]
pub fn convert(interest: Pence, carried: Pence, par: Pence) -> Converted {
    let all = interest.0.saturating_add(carried.0).max(0);
    Converted {
        shares: all.checked_div(par.0).unwrap_or(0),
        rest: Pence(all.checked_rem(par.0).unwrap_or(all)),
    }
}
