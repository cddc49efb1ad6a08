//! What was paid against what is due.

use core::fmt;

use crate::money::Pence;

/// A shortfall of whole pounds up to this looks like a charge that was taken off: £50. Ours.
pub const CHARGE_LIMIT: Pence = Pence(5_000);

/// What a payment shows beside what is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidFinding {
    /// To the penny.
    Exact,
    /// Whole pounds short, and few: perhaps an administration charge.
    PossibleCharge(Pence),
    /// Short.
    Short(Pence),
    /// The same amount twice.
    Double(Pence),
    /// More than is due.
    Over(Pence),
}

/// Names the difference between an amount due and an amount paid; `None` when it leaves 64 bits.
///
/// ```
/// use commonwatt_domain::{income::{PaidFinding, compare}, money::Pence};
/// let found = compare(Pence(230_825), Pence(228_325));
/// assert_eq!(found, Some(PaidFinding::PossibleCharge(Pence(2_500))));
/// ```
#[must_use]
pub fn compare(due: Pence, paid: Pence) -> Option<PaidFinding> {
    let short = due.checked_sub(paid)?;
    let double = due.checked_add(due)?;
    Some(match short.0 {
        0 => PaidFinding::Exact,
        1.. if short <= CHARGE_LIMIT && short.0 % 100 == 0 => PaidFinding::PossibleCharge(short),
        1.. => PaidFinding::Short(short),
        _ if paid == double => PaidFinding::Double(due),
        _ => PaidFinding::Over(paid.checked_sub(due)?),
    })
}

impl PaidFinding {
    /// The word used in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            PaidFinding::Exact => "exact",
            PaidFinding::PossibleCharge(_) => "possible-charge",
            PaidFinding::Short(_) => "short",
            PaidFinding::Double(_) => "double",
            PaidFinding::Over(_) => "over",
        }
    }
}

impl fmt::Display for PaidFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PaidFinding::Exact => f.write_str("paid to the penny"),
            PaidFinding::PossibleCharge(short) => write!(
                f,
                "{short} short: a possible charge was taken off; ask the licensee by what right"
            ),
            PaidFinding::Short(short) => write!(f, "{short} short"),
            PaidFinding::Double(due) => write!(f, "{due} was paid twice"),
            PaidFinding::Over(over) => write!(f, "{over} more than is due"),
        }
    }
}
