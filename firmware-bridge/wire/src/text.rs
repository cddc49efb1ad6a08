//! What the text forms share: writing into a caller's buffer, reading with a cursor, and times.
//!
//! Every form has one spelling. The readers here take only that one: numbers without sign and
//! leading zeros, lower-case hex, times as `YYYY-MM-DDTHH:MM:SS[.mmm]Z` with three digits after the
//! point or no point at all.

use core::fmt;

/// Writes text into a borrowed buffer; what does not fit is an error.
pub(crate) struct Fixed<'b> {
    buffer: &'b mut [u8],
    used: usize,
}

/// Prints bytes as lower-case hex.
pub(crate) struct Hex<'a>(pub &'a [u8]);

/// Prints milliseconds since 1970 as a UTC time.
#[derive(Clone, Copy)]
pub(crate) struct Utc(pub i64);

/// Where in the text the one spelling was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stray(pub usize);

/// Reads a text from its start.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

const DAY_MS: i64 = 86_400_000;
/// 0000-01-01T00:00:00Z.
pub(crate) const FIRST_MS: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
pub(crate) const LAST_MS: i64 = 253_402_300_799_999;

impl<'b> Fixed<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Fixed<'b> {
        Fixed { buffer, used: 0 }
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    pub(crate) fn written(&self) -> &[u8] {
        self.buffer.get(..self.used).unwrap_or_default()
    }

    /// Takes back everything after the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.used = self.used.min(length);
    }

    /// What was written, for as long as the buffer lives.
    pub(crate) fn into_text(self) -> &'b str {
        let written = self.buffer.get(..self.used).unwrap_or_default();
        core::str::from_utf8(written).unwrap_or_default()
    }
}

impl fmt::Write for Fixed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.used.checked_add(text.len()).ok_or(fmt::Error)?;
        self.buffer
            .get_mut(self.used..end)
            .ok_or(fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY_MS));
        let ms = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        match ms % 1_000 {
            0 => f.write_str("Z"),
            millis => write!(f, ".{millis:03}Z"),
        }
    }
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn stray<T>(&self) -> Result<T, Stray> {
        Err(Stray(self.at))
    }

    pub(crate) fn is_done(&self) -> bool {
        self.rest().is_empty()
    }

    pub(crate) fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    pub(crate) fn expect(&mut self, text: &str) -> Result<(), Stray> {
        if self.take(text) {
            Ok(())
        } else {
            self.stray()
        }
    }

    /// What stands before the next `end`, which is passed over.
    pub(crate) fn until(&mut self, end: &str) -> Result<&'a str, Stray> {
        let (found, _) = self.rest().split_once(end).ok_or(Stray(self.at))?;
        self.at += found.len() + end.len();
        Ok(found)
    }

    pub(crate) fn number(&mut self, limit: u64) -> Result<u64, Stray> {
        let start = Stray(self.at);
        let rest = self.rest();
        let length = rest
            .bytes()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(rest.len());
        let digits = rest.get(..length).ok_or(start)?;
        if length > 1 && digits.starts_with('0') {
            return Err(start);
        }
        self.at += length;
        match digits.parse() {
            Ok(number) if number <= limit => Ok(number),
            _ => Err(start),
        }
    }

    pub(crate) fn hex<const N: usize>(&mut self) -> Result<[u8; N], Stray> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            let start = Stray(self.at);
            let pair = self.rest().as_bytes().first_chunk::<2>().ok_or(start)?;
            let digit = |b: u8| match b {
                b'0'..=b'9' => Ok(b - b'0'),
                b'a'..=b'f' => Ok(b - b'a' + 10),
                _ => Err(start),
            };
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
            self.at += 2;
        }
        Ok(bytes)
    }

    /// A time in milliseconds since 1970, UTC.
    pub(crate) fn time(&mut self) -> Result<i64, Stray> {
        let start = Stray(self.at);
        let year = self.digits::<4>()?;
        self.expect("-")?;
        let month = self.digits::<2>()?;
        self.expect("-")?;
        let day = self.digits::<2>()?;
        self.expect("T")?;
        let hour = self.digits::<2>()?;
        self.expect(":")?;
        let minute = self.digits::<2>()?;
        self.expect(":")?;
        let second = self.digits::<2>()?;
        let mut millis = 0;
        if self.take(".") {
            millis = self.digits::<3>()?;
            if millis == 0 {
                return Err(start);
            }
        }
        self.expect("Z")?;
        let days = days_since_1970(year, month, day);
        let exists = (1..=12).contains(&month) && civil(days) == (year, month, day);
        if !exists || hour > 23 || minute > 59 || second > 59 {
            return Err(start);
        }
        Ok(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000 + millis)
    }

    fn digits<const N: usize>(&mut self) -> Result<i64, Stray> {
        let start = Stray(self.at);
        let digits = self.rest().as_bytes().first_chunk::<N>().ok_or(start)?;
        let mut number = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return Err(start);
            }
            number = number * 10 + i64::from(digit - b'0');
        }
        self.at += N;
        Ok(number)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

// Howard Hinnant, "chrono-compatible low-level date algorithms": the year is counted from March,
// so that the leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString as _;

    #[test]
    fn a_time_has_one_spelling() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.999Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            let ms = Cursor::new(text).time().unwrap();
            assert_eq!(Utc(ms).to_string(), text);
        }
        assert_eq!(Cursor::new("9999-12-31T23:59:59.999Z").time(), Ok(LAST_MS));
        assert_eq!(Cursor::new("0000-01-01T00:00:00Z").time(), Ok(FIRST_MS));
        for text in [
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01T00:00:00.000Z",
            "2024-01-01T00:00:00.5Z",
            "2024-01-01t00:00:00Z",
            "2024-01-01T00:00:00+00:00",
            "",
        ] {
            assert!(Cursor::new(text).time().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_time_reads_back(ms in FIRST_MS..=LAST_MS) {
            prop_assert_eq!(Cursor::new(&Utc(ms).to_string()).time(), Ok(ms));
        }
    }
}
