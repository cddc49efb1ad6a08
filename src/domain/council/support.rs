//! Support in kind: hours at a dated unit value, each hour counted once.
//!
//! A line is hours × unit value × the part that may be claimed (attribution), rounded once. The same
//! giver cannot give hours to the same activity twice on one day, and the same evidence cannot stand
//! behind two lines: either would count an hour twice.

use core::{fmt, str::FromStr};

use rust_decimal::Decimal;

use crate::{calendar::LocalDay, money::Pence};

/// Hours in hundredths: a quarter of an hour is 25.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours(i64);

/// The text is no number of hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no number of hours; expected a form like `2500` or `7.25`, above zero, at most two digits after the point"
)]
pub struct NotHours(pub String);

impl Hours {
    /// So many hundredths of an hour.
    #[must_use]
    pub const fn of_hundredths(hundredths: i64) -> Hours {
        Hours(hundredths)
    }

    /// Hundredths of an hour.
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.0
    }

    /// So long for each of so many; stays at the end of 64 bits.
    #[must_use]
    pub fn times(self, people: u32) -> Hours {
        Hours(self.0.saturating_mul(i64::from(people)))
    }

    /// The sum; stays at the end of 64 bits.
    #[must_use]
    pub fn plus(self, other: Hours) -> Hours {
        Hours(self.0.saturating_add(other.0))
    }
}

impl FromStr for Hours {
    type Err = NotHours;

    fn from_str(text: &str) -> Result<Hours, NotHours> {
        let refuse = || NotHours(text.chars().take(32).collect());
        // Hours have two decimals at most, as pounds do.
        let Pence(hundredths) = text.parse().map_err(|_| refuse())?;
        if hundredths <= 0 || text.contains('£') {
            return Err(refuse());
        }
        Ok(Hours(hundredths))
    }
}

impl fmt::Display for Hours {
    /// `2,500`, `7.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pounds = Pence(self.0).to_string().replace('£', "");
        f.write_str(pounds.strip_suffix(".00").unwrap_or(&pounds))
    }
}

/// Support in kind as far as it can count twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support<'a> {
    /// Who gave it: `council`, `residents` or another word.
    pub giver: &'a str,
    /// For what.
    pub activity: &'a str,
    /// First day.
    pub from: LocalDay,
    /// Last day.
    pub to: LocalDay,
    /// What shows it.
    pub evidence: &'a str,
}

/// What hours are worth: hours × unit value × attribution (per cent), rounded once; none beyond 64
/// bits. Unit values are dated tables such as the TOMs of social value: 16.93 £/h for volunteering.
///
/// ```
/// use commonwatt_domain::{council::worth, money::Pence};
/// use rust_decimal::Decimal;
/// let hours = "2500".parse().unwrap();
/// assert_eq!(worth(hours, Pence(1693), Decimal::ONE_HUNDRED), Some(Pence(4_232_500)));
/// ```
#[must_use]
pub fn worth(hours: Hours, unit: Pence, attribution_percent: Decimal) -> Option<Pence> {
    let all = Decimal::from(hours.0).checked_mul(Decimal::from(unit.0))?;
    let part = all.checked_mul(attribution_percent)?;
    // Hundredths of hours, and per cent.
    Pence::rounded(part.checked_div(Decimal::from(10_000))?)
}

/// Whether two lines count an hour twice, and why.
#[must_use]
pub fn counted_twice(one: &Support<'_>, other: &Support<'_>) -> Option<&'static str> {
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    if same(one.giver, other.giver)
        && same(one.activity, other.activity)
        && one.from <= other.to
        && other.from <= one.to
    {
        return Some("the same giver, the same activity, the same days");
    }
    same(one.evidence, other.evidence).then_some("the same evidence")
}
