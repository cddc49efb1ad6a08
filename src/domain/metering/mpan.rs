//! The number of a meter point in the national register.

use core::{fmt, str::FromStr};

/// A meter point administration number: the 13 digits of its core, the last a check digit.
///
/// ```
/// use commonwatt_domain::metering::Mpan;
/// assert!("2000012345672".parse::<Mpan>().is_ok());
/// assert!("2000012345673".parse::<Mpan>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mpan(u64);

/// The text is not an MPAN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an MPAN; expected 13 digits with a fitting check digit\nhint: copy the lower row of the `S` box on the electricity bill"
)]
pub struct NotAnMpan(pub String);

impl FromStr for Mpan {
    type Err = NotAnMpan;

    /// The check digit is the sum of the first twelve digits times the primes from 3 without 11,
    /// modulo 11, modulo 10 (Elexon, MPAN technical guide).
    fn from_str(text: &str) -> Result<Mpan, NotAnMpan> {
        const PRIMES: [u32; 12] = [3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43];
        let refuse = || NotAnMpan(text.chars().take(24).collect());
        let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
        let digits = digits
            .filter(|digits| digits.len() == 13)
            .ok_or_else(refuse)?;
        let products = PRIMES.iter().zip(&digits);
        // At most 12 × 9 × 43.
        let sum: u32 = products
            .map(|(prime, digit)| prime.saturating_mul(*digit))
            .sum();
        if digits.last() != Some(&(sum % 11 % 10)) {
            return Err(refuse());
        }
        text.parse().map(Mpan).map_err(|_| refuse())
    }
}

impl fmt::Display for Mpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}", self.0)
    }
}
