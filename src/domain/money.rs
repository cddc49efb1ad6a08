//! Money: integer pence, exact. A fraction of a penny exists only inside the one rounding that makes
//! a line, which is done where [`crate::tariff::Rate`] meets energy.

use core::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

/// An amount of money in pence.
///
/// ```
/// use commonwatt_domain::money::Pence;
/// let due: Pence = "2308.25".parse()?;
/// assert_eq!(due, Pence(230_825));
/// assert_eq!(due.to_string(), "£2,308.25");
/// # Ok::<(), commonwatt_domain::money::NotMoney>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pence(pub i64);

/// The text is not an amount in pounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an amount in pounds; expected a form like `2283.25`\nhint: at most two digits after the point, no fractions of a penny"
)]
pub struct NotMoney(pub String);

impl Pence {
    /// Nothing.
    pub const ZERO: Pence = Pence(0);

    /// The sum, or `None` when it leaves the range of 64 bits.
    #[must_use]
    pub fn checked_add(self, other: Pence) -> Option<Pence> {
        self.0.checked_add(other.0).map(Pence)
    }

    /// The difference, or `None` when it leaves the range of 64 bits.
    #[must_use]
    pub fn checked_sub(self, other: Pence) -> Option<Pence> {
        self.0.checked_sub(other.0).map(Pence)
    }

    /// The sum of the lines, or `None` when it leaves the range of 64 bits.
    #[must_use]
    pub fn total(lines: impl IntoIterator<Item = Pence>) -> Option<Pence> {
        lines.into_iter().try_fold(Pence::ZERO, Pence::checked_add)
    }

    /// So many pence, rounded once, half away from zero; `None` when it leaves the range.
    #[must_use]
    pub fn rounded(pence: Decimal) -> Option<Pence> {
        pence
            .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
            .to_i64()
            .map(Pence)
    }

    /// Pounds without sign of currency or separators: `2308.25`.
    #[must_use]
    pub fn pounds_text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", all / 100, all % 100)
    }
}

impl fmt::Display for Pence {
    /// `£2,308.25`, `-£25.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = self.0.unsigned_abs();
        let digits = (all / 100).to_string();
        let mut pounds = String::new();
        for (n, digit) in digits.chars().enumerate() {
            let left = digits.len().saturating_sub(n);
            if n > 0 && left.is_multiple_of(3) {
                pounds.push(',');
            }
            pounds.push(digit);
        }
        write!(f, "{sign}£{pounds}.{:02}", all % 100)
    }
}

impl FromStr for Pence {
    type Err = NotMoney;

    /// Pounds as a treasurer types them: `2283.25`, `£2,283.25`, `-25`.
    fn from_str(text: &str) -> Result<Pence, NotMoney> {
        let refuse = || NotMoney(text.chars().take(32).collect());
        let bare: String = text
            .trim()
            .chars()
            .filter(|c| !matches!(c, '£' | ','))
            .collect();
        let pounds = Decimal::from_str_exact(&bare).map_err(|_| refuse())?;
        let pence = pounds
            .checked_mul(Decimal::ONE_HUNDRED)
            .ok_or_else(refuse)?;
        if !pence.fract().is_zero() {
            return Err(refuse());
        }
        pence.to_i64().map(Pence).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pounds_are_read_and_printed_to_the_penny() {
        for (text, pence, shown) in [
            ("2283.25", 228_325, "£2,283.25"),
            ("£1,234,567.8", 123_456_780, "£1,234,567.80"),
            ("-25", -2_500, "-£25.00"),
            ("0.05", 5, "£0.05"),
        ] {
            assert_eq!(text.parse(), Ok(Pence(pence)), "{text}");
            assert_eq!(Pence(pence).to_string(), shown);
        }
        for text in ["", "ten", "1.005", "1e3", "99999999999999999999"] {
            assert!(text.parse::<Pence>().is_err(), "{text}");
        }
    }

    #[test]
    fn half_a_penny_goes_away_from_zero() {
        for (tenths, pence) in [(5, 1), (4, 0), (-5, -1), (15, 2), (25, 3)] {
            assert_eq!(Pence::rounded(Decimal::new(tenths, 1)), Some(Pence(pence)));
        }
    }
}
