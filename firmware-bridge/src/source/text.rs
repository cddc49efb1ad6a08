//! What text meters write: decimals, data sets and OBIS codes.
//!
//! IEC 62056-21 and DSMR P1 share one way to write a value, `1-0:2.8.0(001234.567*kWh)`: a code,
//! then values in brackets, each with its unit. Numbers are read digit by digit into integers; no
//! binary float is near, and what is not a plain decimal is refused. A fraction of a Wh is cut off,
//! as everywhere in this house.

use std::fmt;

/// A register above this many Wh is refused; 2⁵³ − 1, which the JSON of a note can carry.
pub const MAX_WH: u64 = (1 << 53) - 1;
/// Digits a decimal may have, before and after its point together.
pub const MAX_DIGITS: usize = 18;

/// What was seen and what was expected in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found}; expected {expected}")]
pub struct Unreadable {
    /// What was seen, short.
    pub found: String,
    /// What should have been there.
    pub expected: &'static str,
}

impl Unreadable {
    /// Says what was seen and what was expected.
    pub fn new(found: impl Into<String>, expected: &'static str) -> Self {
        Unreadable {
            found: found.into(),
            expected,
        }
    }
}

/// Text of a meter, at most 40 characters of it, without what a terminal would obey.
pub fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let mut shown: String = text
        .chars()
        .take(MOST)
        .flat_map(char::escape_default)
        .collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A decimal as a meter writes it: digits and the place of the point, nothing rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    units: i64,
    places: u32,
}

impl Decimal {
    /// `units` divided by ten to the power of `places`.
    pub fn new(units: i64, places: u32) -> Self {
        Decimal { units, places }
    }

    /// Reads `-12.345`, `000012` or `7.`; no exponent, no blank, no plus.
    ///
    /// # Errors
    /// [`Unreadable`] when it is anything else or has more than [`MAX_DIGITS`] digits.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let refuse = || Unreadable::new(shown(text), "a decimal of at most 18 digits");
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let count = whole.len() + fraction.len();
        if whole.is_empty() || count > MAX_DIGITS || !plain(whole) || !plain(fraction) {
            return Err(refuse());
        }
        let units = whole
            .bytes()
            .chain(fraction.bytes())
            .fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Ok(Decimal {
            units: if negative { -units } else { units },
            places: u32::try_from(fraction.len()).map_err(|_| refuse())?,
        })
    }

    /// The value times ten to the power of `up`, its fraction cut off; none beyond an `i64`.
    pub fn scaled(self, up: u32) -> Option<i64> {
        if up >= self.places {
            let factor = 10_i64.checked_pow(up - self.places)?;
            self.units.checked_mul(factor)
        } else {
            match 10_i64.checked_pow(self.places - up) {
                Some(factor) => Some(self.units / factor),
                None => Some(0),
            }
        }
    }

    /// Is it below zero?
    pub fn is_negative(self) -> bool {
        self.units < 0
    }
}

/// A register in whole Wh, from a value in `Wh`, `kWh` or `MWh`.
///
/// # Errors
/// [`Unreadable`] for another unit, a negative value or one above [`MAX_WH`].
pub fn energy_wh(value: Decimal, unit: &str) -> Result<u64, Unreadable> {
    let up = match unit {
        "Wh" => 0,
        "kWh" => 3,
        "MWh" => 6,
        other => return Err(Unreadable::new(shown(other), "`Wh`, `kWh` or `MWh`")),
    };
    if value.is_negative() {
        return Err(Unreadable::new(
            "a register below zero",
            "a cumulative register",
        ));
    }
    value
        .scaled(up)
        .and_then(|wh| u64::try_from(wh).ok())
        .filter(|wh| *wh <= MAX_WH)
        .ok_or_else(|| Unreadable::new("a register above 2⁵³ Wh", "a register that a meter has"))
}

/// Power in whole W, from a value in `W` or `kW`; none for another unit or a value that no meter
/// has.
pub fn power_w(value: Decimal, unit: &str) -> Option<i32> {
    let up = match unit {
        "W" => 0,
        "kW" => 3,
        _ => return None,
    };
    value.scaled(up).and_then(|w| i32::try_from(w).ok())
}

/// One value in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// The text before the `*`, blanks and all.
    pub text: &'a str,
    /// The text after it.
    pub unit: Option<&'a str>,
}

/// A code and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSet<'a> {
    /// As written, `1-0:1.8.0*255` or `F.F`.
    pub id: &'a str,
    /// At least one.
    pub values: Vec<Value<'a>>,
}

impl fmt::Display for DataSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)?;
        for value in &self.values {
            match value.unit {
                Some(unit) => write!(f, "({}*{unit})", value.text)?,
                None => write!(f, "({})", value.text)?,
            }
        }
        Ok(())
    }
}

/// Reads lines of data sets. A line may hold several; one that begins with a bracket carries on
/// the set before it (DSMR 2.2 writes gas so).
///
/// # Errors
/// [`Unreadable`] at the first character that does not fit.
pub fn data_sets(text: &str) -> Result<Vec<DataSet<'_>>, Unreadable> {
    let mut sets: Vec<DataSet<'_>> = Vec::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let mut rest = line;
        while !rest.is_empty() {
            let refuse = || Unreadable::new(shown(line), "a code with values in brackets");
            let (id, after) = rest.split_once('(').ok_or_else(refuse)?;
            let (inside, after) = after.split_once(')').ok_or_else(refuse)?;
            let odd = |c: char| c.is_ascii_control() || matches!(c, '(' | '/' | '!');
            if id.contains(|c: char| odd(c) || matches!(c, ')' | ' ')) || inside.contains(odd) {
                return Err(refuse());
            }
            let value = match inside.split_once('*') {
                Some((text, unit)) => Value {
                    text,
                    unit: Some(unit),
                },
                None => Value {
                    text: inside,
                    unit: None,
                },
            };
            if id.is_empty() {
                sets.last_mut().ok_or_else(refuse)?.values.push(value);
            } else {
                sets.push(DataSet {
                    id,
                    values: vec![value],
                });
            }
            rest = after;
        }
    }
    Ok(sets)
}

/// An OBIS code, A-B:C.D.E*F, with what a meter leaves out filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// Medium: 1 is electricity.
    pub a: u8,
    /// Channel.
    pub b: u8,
    /// Quantity: 1 import, 2 export.
    pub c: u8,
    /// Kind: 7 power now, 8 register.
    pub d: u8,
    /// Tariff; 0 is the total.
    pub e: u8,
    /// Billing period; 255 is now.
    pub f: u8,
}

impl Code {
    /// Reads `1-0:2.8.1*255`, `2.8.1` and `2.8`; none for letters (`F.F`, `C.1.0`), which are no
    /// measured values.
    pub fn read(id: &str) -> Option<Self> {
        let (head, f) = match id.split_once(['*', '&']) {
            Some((head, f)) => (head, number(f)?),
            None => (id, 255),
        };
        let (a, b, rest) = match head.split_once(':') {
            Some((ab, rest)) => {
                let (a, b) = ab.split_once('-')?;
                (number(a)?, number(b)?, rest)
            }
            None => (1, 0, head),
        };
        let mut parts = rest.split('.');
        let c = number(parts.next()?)?;
        let d = number(parts.next()?)?;
        let e = parts.next().map_or(Some(0), number)?;
        parts.next().is_none().then_some(Code { a, b, c, d, e, f })
    }

    /// Is it an energy register of now, import or export, total or tariff?
    pub fn is_energy_register(self) -> bool {
        self.a == 1 && matches!(self.c, 1 | 2) && self.d == 8 && self.e < 64 && self.f == 255
    }

    /// `2.8.1`, the name of the register in a note.
    pub fn register(self) -> String {
        format!("{}.{}.{}", self.c, self.d, self.e)
    }
}

fn number(text: &str) -> Option<u8> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn registers_come_out_in_whole_wh_and_fractions_are_cut() {
        for (text, unit, expected) in [
            ("061561.289", "kWh", Some(61_561_289)),
            ("1.0019", "kWh", Some(1_001)),
            ("0000042", "Wh", Some(42)),
            ("7.", "MWh", Some(7_000_000)),
            ("9007199254740.991", "kWh", Some(MAX_WH)),
            ("9007199254740.992", "kWh", None),
            ("-0.001", "kWh", None),
            ("1.5", "kW", None),
            ("1.5", "kwh", None),
            ("999999999999999999", "MWh", None),
        ] {
            let value = Decimal::read(text).unwrap();
            assert_eq!(energy_wh(value, unit).ok(), expected, "{text} {unit}");
        }
    }

    #[test]
    fn what_is_not_a_plain_decimal_is_refused() {
        for text in [
            "",
            "-",
            ".",
            ".5",
            "+1",
            "1e3",
            " 1",
            "1 ",
            "1,5",
            "0x10",
            "1.2.3",
            "nan",
            "٣",
            "1234567890123456789",
        ] {
            assert!(Decimal::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn data_sets_of_one_line_and_of_two_are_read() {
        let sets =
            data_sets("1.8.0(1*kWh)2.8.0(2)\r\n0-1:24.3.0(16)(m3)\r\n(00001.001)\r\n").unwrap();
        let ids: Vec<&str> = sets.iter().map(|set| set.id).collect();
        assert_eq!(ids, ["1.8.0", "2.8.0", "0-1:24.3.0"]);
        assert_eq!(sets[2].values[2].text, "00001.001");
        for bad in [
            "(1)\r\n",
            "1.8.0\r\n",
            "1.8.0(1\r\n",
            "1.8.0(1)x\r\n",
            "1.8.0((1)\r\n",
            "a b(1)",
        ] {
            assert!(data_sets(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn codes_are_read_with_what_is_left_out() {
        let code = |id| Code::read(id).map(|c| (c.a, c.b, c.c, c.d, c.e, c.f));
        assert_eq!(code("1-0:2.8.1*255"), Some((1, 0, 2, 8, 1, 255)));
        assert_eq!(code("2.8"), Some((1, 0, 2, 8, 0, 255)));
        assert_eq!(code("1.8.0*01"), Some((1, 0, 1, 8, 0, 1)));
        for id in [
            "F.F", "C.1.0", "1-0:", "1.8.0.0", "300.8.0", "1..0", "", "-1.8.0", "+1.8.0",
        ] {
            assert_eq!(code(id), None, "{id}");
        }
        let energy = |id| Code::read(id).is_some_and(Code::is_energy_register);
        assert!(energy("1-1:1.8.2*255") && energy("2.8.0"));
        assert!(
            !energy("1.8.0*01") && !energy("15.8.0") && !energy("0-1:24.2.1") && !energy("1.7.0")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_register_printed_in_kwh_reads_back(wh in 0..=MAX_WH, zeros in 0_usize..3) {
            let text = format!("{}{}.{:03}", "0".repeat(zeros), wh / 1000, wh % 1000);
            prop_assert_eq!(energy_wh(Decimal::read(&text).unwrap(), "kWh"), Ok(wh));
        }

        #[test]
        fn data_sets_print_back(text in "([0-9A-F]{1,3}(\\.[0-9]{1,2}){1,2}(\\([0-9.]{0,9}(\\*[a-zA-Z]{1,4})?\\)){1,3}){1,4}") {
            let sets = data_sets(&text).unwrap();
            let printed: String = sets.iter().map(ToString::to_string).collect();
            prop_assert_eq!(printed, text);
        }
    }
}
