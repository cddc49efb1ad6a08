//! A file of half-hourly output in kW per kWp.
//!
//! One line a day: the date, 48 values, and a comma at the end. Days follow each other without a
//! gap. Time is UTC all year. The `i`-th value (from 0) is labelled `i` half hours after midnight, and
//! the label is the END of its half hour: with that reading the energy's centre lies at solar noon
//! over Bath, with any other half an hour beside it. So the first value of a day belongs to the last half
//! hour of the day before. `nan` says that nobody measured. Values are decimals, some with an
//! exponent, and are taken exactly.

use std::{io::BufRead, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::HALF_HOUR_MS;

/// Decimals kept of a value. The file has at most 27.
pub const DECIMALS: u32 = 30;

/// One kW per kWp as an [`Output`].
pub const ONE: u128 = 10u128.pow(DECIMALS);

/// Mean output over a half hour in 10⁻³⁰ kW per kWp (equally 10⁻³⁰ W per Wp). Below 2 kW per kWp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Output(pub u128);

/// Measured output, half hour after half hour.
#[derive(Clone, Debug)]
pub struct HalfHours {
    /// End of the first half hour.
    pub first_end: Timestamp,
    /// Mean output in each; `None` where it was not measured.
    pub outputs: Vec<Option<Output>>,
}

/// A line that is not as the file promises.
#[derive(Debug, thiserror::Error)]
pub enum BadFile {
    /// The file could not be read.
    #[error("half-hourly file could not be read: {0}")]
    Io(#[from] std::io::Error),
    /// The first field is not a date, or not the day after the line before.
    #[error("line {line} starts with `{seen}`; expected the date `{expected}`")]
    Date {
        /// Line number from 1.
        line: usize,
        /// The field.
        seen: String,
        /// The next day, or the form of a date.
        expected: String,
    },
    /// Not 48 values and an empty field.
    #[error("line {line} has `{seen}` values; expected 48 and a comma at the end")]
    Values {
        /// Line number from 1.
        line: usize,
        /// How many.
        seen: usize,
    },
    /// A value that cannot be taken exactly.
    #[error("line {line}: {reason}")]
    Value {
        /// Line number from 1.
        line: usize,
        /// What is wrong with it.
        reason: NotAnOutput,
    },
    /// No line at all.
    #[error("half-hourly file is empty")]
    Empty,
}

/// The text is not an output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an output; expected a decimal from 0 to below 2 kW per kWp with at most {DECIMALS} decimals"
)]
pub struct NotAnOutput(pub String);

impl HalfHours {
    /// Reads a whole file.
    pub fn read(file: impl BufRead) -> Result<Self, BadFile> {
        let mut first_end = None;
        let mut next_day: Option<Date> = None;
        let mut outputs = Vec::new();
        for (number, line) in file.lines().enumerate() {
            let (line, number) = (line?, number + 1);
            let (day, values) = line.split_once(',').unwrap_or((&line, ""));
            let date = expect_date(day, next_day, number)?;
            if first_end.is_none() {
                first_end = Some(midnight(date));
            }
            next_day = date.tomorrow().ok();
            let mut fields: Vec<&str> = values.split(',').collect();
            if fields.pop() != Some("") || fields.len() != 48 {
                let seen = fields.len();
                return Err(BadFile::Values { line: number, seen });
            }
            for field in fields {
                let output = if field.eq_ignore_ascii_case("nan") {
                    None
                } else {
                    let taken = field.parse();
                    Some(taken.map_err(|reason| BadFile::Value {
                        line: number,
                        reason,
                    })?)
                };
                outputs.push(output);
            }
        }
        let first_end = first_end.ok_or(BadFile::Empty)?;
        Ok(HalfHours { first_end, outputs })
    }

    /// Every half hour's end and output, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Option<Output>)> + '_ {
        let first_ms = self.first_end.as_millisecond();
        self.outputs.iter().zip(0i64..).map(move |(output, i)| {
            let end_ms = first_ms + i * HALF_HOUR_MS;
            let end = Timestamp::from_millisecond(end_ms).expect("a file of days lies in range");
            (end, *output)
        })
    }

    /// The output of the half hour that starts at `start`; `None` outside the file, between half
    /// hours, and where it was not measured.
    pub fn starting(&self, start: Timestamp) -> Option<Output> {
        let since_ms = start.as_millisecond() + HALF_HOUR_MS - self.first_end.as_millisecond();
        if since_ms % HALF_HOUR_MS != 0 {
            return None;
        }
        let index = usize::try_from(since_ms / HALF_HOUR_MS).ok()?;
        *self.outputs.get(index)?
    }
}

impl FromStr for Output {
    type Err = NotAnOutput;

    /// ```
    /// use bridge::simulate::half_hours::Output;
    /// assert_eq!("0.5".parse(), Ok(Output(500_000_000_000_000_000_000_000_000_000)));
    /// assert_eq!("5.5e-06".parse(), Ok(Output(5_500_000_000_000_000_000_000_000)));
    /// ```
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        exact(text).ok_or_else(|| NotAnOutput(text.chars().take(48).collect()))
    }
}

fn exact(text: &str) -> Option<Output> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, decimals].concat();
    if digits.is_empty() || digits.len() > 36 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u128 = digits.parse().ok()?;
    let decimals = i32::try_from(decimals.len()).ok()?.checked_sub(exponent)?;
    let shift = i32::try_from(DECIMALS).ok()?.checked_sub(decimals)?;
    let power = 10u128.checked_pow(shift.unsigned_abs());
    let output = if number == 0 {
        0
    } else if shift >= 0 {
        number.checked_mul(power?)?
    } else {
        let power = power?;
        if !number.is_multiple_of(power) {
            return None;
        }
        number / power
    };
    (output < 2 * ONE).then_some(Output(output))
}

fn expect_date(text: &str, next: Option<Date>, line: usize) -> Result<Date, BadFile> {
    let bad = |expected| BadFile::Date {
        line,
        seen: text.chars().take(24).collect(),
        expected,
    };
    let date: Date = text.parse().map_err(|_| bad("YYYY-MM-DD".into()))?;
    match next {
        Some(next) if next != date => Err(bad(next.to_string())),
        _ => Ok(date),
    }
}

fn midnight(date: Date) -> Timestamp {
    let zoned = date.to_zoned(TimeZone::UTC);
    zoned.expect("every date has a midnight in UTC").timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_taken_exactly_or_not_at_all() {
        for (text, expected) in [
            ("0.0", Some(0)),
            ("0", Some(0)),
            ("0e-99", Some(0)),
            ("1", Some(ONE)),
            ("1.999", Some(1_999 * ONE / 1_000)),
            (
                "6.990241226216757e-06",
                Some(6_990_241_226_216_757 * 10u128.pow(9)),
            ),
            (
                "0.0005910940362298815",
                Some(5_910_940_362_298_815 * 10u128.pow(11)),
            ),
            ("12e-1", Some(12 * ONE / 10)),
            ("1e-30", Some(1)),
            ("10e-31", Some(1)),
            ("1e-31", None),
            ("2", None),
            ("-0.1", None),
            ("+0.1", None),
            ("", None),
            (".", None),
            ("1e", None),
            ("1e99", None),
            ("1e-2147483648", None),
            ("nan", None),
            ("0,1", None),
        ] {
            assert_eq!(exact(text), expected.map(Output), "{text}");
        }
    }

    #[test]
    fn a_line_that_skips_a_day_or_a_value_is_refused_by_number() {
        let day = |date: &str| format!("{date}{},\n", ",0.0".repeat(48));
        let check = |file: String, expected: &str| {
            let error = HalfHours::read(file.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            day("2014-01-01") + &day("2014-01-03"),
            "line 2 starts with `2014-01-03`; expected the date `2014-01-02`",
        );
        check("2014-01-01,0.0,\n".into(), "line 1 has `1` values");
        check(
            day("2014-01-01").replacen("0.0", "x", 1),
            "line 1: `x` is not an output",
        );
        check(String::new(), "is empty");
        let good = HalfHours::read(day("2014-01-01").as_bytes()).unwrap();
        assert_eq!(good.outputs.len(), 48);
        assert_eq!(
            good.iter().next().unwrap().0.to_string(),
            "2014-01-01T00:00:00Z"
        );
    }
}
