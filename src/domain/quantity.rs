//! Quantities with their unit in the type: energy, power.
//!
//! Energy is integer watt-hours, exact; a fraction of a watt-hour is cut toward zero when a
//! device's text is decoded (the raw bytes stay in the journal). Nothing here is a binary float:
//! text goes to an integer digit by digit. Sums that could leave the range of 64 bits return
//! `None`; they never wrap and never saturate, because a number that is wrong without saying so
//! is worse than none.

use core::fmt;
use std::borrow::Cow;

mod number_text;

pub use number_text::{MAX_NUMBER_TEXT, NotANumber};

/// Energy, or what a register shows, in watt-hours (Wh).
///
/// ```
/// use commonwatt_domain::quantity::WattHours;
/// let read = WattHours::from_kwh_text("15475.04")?;
/// assert_eq!(read, WattHours(15_475_040));
/// assert_eq!(read.kwh_text(), "15475.04");
/// # Ok::<(), commonwatt_domain::quantity::NotANumber>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WattHours(pub i64);

/// Power in watts (W); of an array, its peak (Wp).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watts(pub i64);

impl WattHours {
    /// Nothing generated, nothing used.
    pub const ZERO: WattHours = WattHours(0);

    /// The largest register value or energy that a text may name: 10¹⁵ Wh (a petawatt-hour), far
    /// above any meter and far below 64 bits, so that sums of reads have room.
    pub const MAX: WattHours = WattHours(1_000_000_000_000_000);

    /// Kilowatt-hours as decimal text (`15475.04`, `5.5e-06`, `-0.1`), exactly; a fraction of a
    /// watt-hour is cut toward zero.
    ///
    /// # Errors
    /// [`NotANumber`] when the text is no decimal number, is longer than [`MAX_NUMBER_TEXT`]
    /// bytes, or names more than [`WattHours::MAX`].
    pub fn from_kwh_text(text: &str) -> Result<WattHours, NotANumber> {
        number_text::scaled(text, 3, Self::MAX.0).map(WattHours)
    }

    /// Watt-hours as decimal text, exactly; a fraction of a watt-hour is cut toward zero.
    ///
    /// # Errors
    /// As [`WattHours::from_kwh_text`].
    pub fn from_wh_text(text: &str) -> Result<WattHours, NotANumber> {
        number_text::scaled(text, 0, Self::MAX.0).map(WattHours)
    }

    /// The sum, or `None` when it leaves the range of 64 bits.
    #[must_use]
    pub fn checked_add(self, other: WattHours) -> Option<WattHours> {
        self.0.checked_add(other.0).map(WattHours)
    }

    /// The difference, or `None` when it leaves the range of 64 bits.
    #[must_use]
    pub fn checked_sub(self, other: WattHours) -> Option<WattHours> {
        self.0.checked_sub(other.0).map(WattHours)
    }

    /// Kilowatt-hours, exactly, without needless zeros: `15475.04`, `0.001`, `-3`.
    #[must_use]
    pub fn kwh_text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        let text = format!("{sign}{whole}.{rest:03}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// Kilowatt-hours for people, with thousands separated, exactly: `15,475.04 kWh`.
    ///
    /// ```
    /// use commonwatt_domain::quantity::WattHours;
    /// assert_eq!(WattHours(15_475_040).kwh_words(), "15,475.04 kWh");
    /// assert_eq!(WattHours(-100).kwh_words(), "-0.1 kWh");
    /// ```
    #[must_use]
    pub fn kwh_words(self) -> String {
        format!("{} kWh", separated(&self.kwh_text()))
    }
}

impl Watts {
    /// The largest power that a text may name: 10¹² W (a terawatt).
    pub const MAX: Watts = Watts(1_000_000_000_000);

    /// An array's peak from its kWp as decimal text: `37.24` is 37,240 W; a fraction of a watt is
    /// cut toward zero.
    ///
    /// # Errors
    /// [`NotANumber`] as for [`WattHours::from_kwh_text`].
    pub fn from_kwp_text(text: &str) -> Result<Watts, NotANumber> {
        number_text::scaled(text, 3, Self::MAX.0).map(Watts)
    }

    /// Watts as decimal text; a fraction of a watt is cut toward zero.
    ///
    /// # Errors
    /// [`NotANumber`] as for [`WattHours::from_kwh_text`].
    pub fn from_w_text(text: &str) -> Result<Watts, NotANumber> {
        number_text::scaled(text, 0, Self::MAX.0).map(Watts)
    }

    /// Kilowatts, exactly, without needless zeros: `37.24`.
    #[must_use]
    pub fn kw_text(self) -> String {
        WattHours(self.0).kwh_text()
    }
}

impl fmt::Display for WattHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Wh", self.0)
    }
}

impl fmt::Display for Watts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} W", self.0)
    }
}

/// A decimal number's text with commas between thousands: `15475.04` becomes `15,475.04`.
#[must_use]
pub fn separated(number: &str) -> Cow<'_, str> {
    let (sign, rest) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (whole, decimals) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    if whole.len() <= 3 {
        return Cow::Borrowed(number);
    }
    let groups: Vec<&str> = whole
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| core::str::from_utf8(group).ok())
        .collect();
    Cow::Owned(format!("{sign}{}{decimals}", groups.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kwh_texts_become_exact_watt_hours() {
        for (text, wh) in [
            ("15475.04", 15_475_040),
            ("0", 0),
            ("-0.1", -100),
            ("+12.3", 12_300),
            (".5", 500),
            ("5.", 5_000),
            ("99999.9", 99_999_900),
            ("0.0019999999", 1),
            ("-0.0019999999", -1),
            ("5.5e-06", 0),
            ("5.5e-03", 5),
            ("1.5E3", 1_500_000),
            ("6.990241226216757e-06", 0),
            ("0.0005910940362298815", 0),
            ("1000000000000", 1_000_000_000_000_000),
            ("0e999", 0),
            ("1e-999", 0),
        ] {
            assert_eq!(WattHours::from_kwh_text(text), Ok(WattHours(wh)), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_number_are_refused_with_a_hint() {
        for (text, words) in [
            ("", "expected a decimal number"),
            ("NaN", "expected a decimal number"),
            ("inf", "expected a decimal number"),
            ("15,475.04", "without thousands separators"),
            ("15475,04", "with a point"),
            ("15 475", "expected a decimal number"),
            ("1e", "expected a decimal number"),
            ("1e5.5", "expected a decimal number"),
            ("--1", "expected a decimal number"),
            (".", "expected a decimal number"),
            ("1.2.3", "expected a decimal number"),
            ("1000000000000.001", "at most"),
            ("1e30", "at most"),
            ("0.00000000000000000000000000000000000000001", "at most 40"),
        ] {
            let error = WattHours::from_kwh_text(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
            assert!(error.contains("hint: "), "{text}: {error}");
        }
    }

    #[test]
    fn kwh_is_printed_exactly() {
        for (wh, text, words) in [
            (15_475_040, "15475.04", "15,475.04 kWh"),
            (33_470, "33.47", "33.47 kWh"),
            (-5, "-0.005", "-0.005 kWh"),
            (0, "0", "0 kWh"),
            (1_000_000_000, "1000000", "1,000,000 kWh"),
            (
                i64::MIN,
                "-9223372036854775.808",
                "-9,223,372,036,854,775.808 kWh",
            ),
        ] {
            assert_eq!(WattHours(wh).kwh_text(), text);
            assert_eq!(WattHours(wh).kwh_words(), words);
        }
        assert_eq!(Watts::from_kwp_text("37.24"), Ok(Watts(37_240)));
        assert_eq!(Watts(37_240).kw_text(), "37.24");
    }
}
