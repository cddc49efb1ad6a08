//! A P1 telegram: from the slash to the check sum, and what stands between.
//!
//! DSMR 4 and 5 end a telegram with `!` and four hex digits: CRC-16 (polynomial 0xA001 reflected,
//! from 0) over everything from `/` to `!`. DSMR 2.2 ends with a bare `!`. A telegram that names its
//! version and has no check sum was cut, and is refused.

use jiff::{Timestamp, civil};

use crate::source::{
    crc::Crc16,
    port::Framer,
    text::{DataSet, Unreadable, data_sets, shown},
};

/// A telegram longer than this is noise. The longest of DSMR 5 is about 4 KiB, with a text message
/// of 2 KiB.
pub const MAX_TELEGRAM: usize = 16 * 1024;

/// A whole telegram that checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telegram {
    text: String,
    /// Did it have a check sum?
    pub checked: bool,
}

impl Telegram {
    /// Reads a telegram from its slash to the CR LF at its end.
    ///
    /// # Errors
    /// [`Unreadable`] when the check sum does not fit or is missing where there has to be one.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.len() > MAX_TELEGRAM {
            return Err(Unreadable::new("more than 16 KiB", "a telegram"));
        }
        let end = bytes
            .iter()
            .position(|byte| *byte == b'!')
            .ok_or_else(|| Unreadable::new("no `!`", "a whole telegram"))?;
        let (covered, tail) = bytes.split_at(end + 1);
        let sum = tail
            .strip_suffix(b"\r\n")
            .ok_or_else(|| Unreadable::new("a telegram without its end", "CR LF"))?;
        let text = match std::str::from_utf8(covered) {
            Ok(text) if text.is_ascii() && text.starts_with('/') => text,
            _ => {
                let found = shown(&String::from_utf8_lossy(covered));
                return Err(Unreadable::new(found, "a telegram of 7 bit characters"));
            }
        };
        if sum.is_empty() {
            let telegram = Telegram {
                text: text.to_owned(),
                checked: false,
            };
            let versioned = telegram.sets()?.iter().any(|set| is_version(set.id));
            return if versioned {
                Err(Unreadable::new("no check sum", "four hex digits after `!`"))
            } else {
                Ok(telegram)
            };
        }
        let given = std::str::from_utf8(sum)
            .ok()
            .filter(|hex| hex.len() == 4 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u16::from_str_radix(hex, 16).ok())
            .ok_or_else(|| {
                let found = shown(&String::from_utf8_lossy(sum));
                Unreadable::new(found, "four hex digits after `!`")
            })?;
        let counted = crc16(covered);
        if given != counted {
            return Err(Unreadable::new(
                format!("check sum {given:04X} over a telegram that gives {counted:04X}"),
                "one that fits",
            ));
        }
        Ok(Telegram {
            text: text.to_owned(),
            checked: true,
        })
    }

    /// The meter's name in the first line, after the slash.
    pub fn identification(&self) -> &str {
        self.text[1..].split("\r\n").next().unwrap_or_default()
    }

    /// Every data set.
    ///
    /// # Errors
    /// [`Unreadable`] at the first that is none.
    pub fn sets(&self) -> Result<Vec<DataSet<'_>>, Unreadable> {
        let (_, body) = self
            .text
            .split_once("\r\n")
            .ok_or_else(|| Unreadable::new(shown(&self.text), "a line with the meter's name"))?;
        data_sets(body.strip_suffix('!').unwrap_or(body))
    }
}

/// `1-3:0.2.8` in the Netherlands from DSMR 4 on, `0-0:96.1.4` in Belgium.
fn is_version(id: &str) -> bool {
    matches!(id, "1-3:0.2.8" | "0-0:96.1.4")
}

/// An instant as DSMR 4 and 5 write it, `161113205757W`: local time in Central Europe, `S` in
/// summer, `W` in winter, so that the hour that comes twice is told apart.
pub fn time(text: &str) -> Option<Timestamp> {
    let (digits, season) = text.split_at_checked(12)?;
    let offset_h: i64 = match season {
        "W" => 1,
        "S" => 2,
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits[at..at + 2].parse::<i8>().ok();
    let year = 2000 + i16::from(part(0)?);
    let date = civil::Date::new(year, part(2)?, part(4)?).ok()?;
    let time = civil::Time::new(part(6)?, part(8)?, part(10)?, 0).ok()?;
    let local = date
        .to_datetime(time)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?;
    Timestamp::from_second(local.timestamp().as_second() - offset_h * 3600).ok()
}

/// CRC-16 with polynomial 0xA001, reflected, from 0.
pub fn crc16(bytes: &[u8]) -> u16 {
    static CRC: Crc16 = Crc16::new(0xa001, 0);
    CRC.over(bytes)
}

/// Cuts a stream into telegrams.
#[derive(Debug, Default)]
pub struct Cutter {
    bytes: Vec<u8>,
    ending: bool,
}

impl Framer for Cutter {
    type Frame = Telegram;

    fn push(&mut self, byte: u8) -> Option<Result<Telegram, Unreadable>> {
        if byte == b'/' {
            let cut = !self.bytes.is_empty();
            self.bytes.clear();
            self.bytes.push(byte);
            self.ending = false;
            return cut.then(|| Err(Unreadable::new("a telegram without its end", "`!`")));
        }
        if self.bytes.is_empty() {
            return None;
        }
        self.bytes.push(byte);
        self.ending |= byte == b'!';
        if self.ending && byte == b'\n' {
            self.ending = false;
            return Some(Telegram::read(&std::mem::take(&mut self.bytes)));
        }
        if self.bytes.len() > MAX_TELEGRAM {
            self.bytes.clear();
            self.ending = false;
            return Some(Err(Unreadable::new("more than 16 KiB", "a telegram's end")));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_that_comes_twice_is_told_apart() {
        let at = |text| time(text).map(|at| at.to_string());
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(at("161030023000S"), is("2016-10-30T00:30:00Z"));
        assert_eq!(at("161030023000W"), is("2016-10-30T01:30:00Z"));
        assert_eq!(at("161113205757W"), is("2016-11-13T19:57:57Z"));
        for bad in [
            "161113205757",
            "161113205757X",
            "161313205757W",
            "1611132057W",
            "16111320575éW",
            "-61113205757W",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_telegram_that_names_its_version_needs_its_check_sum() {
        let with = |line: &str| format!("/ABC5x\r\n\r\n{line}\r\n!\r\n");
        assert!(
            !Telegram::read(with("1-0:1.8.1(00001.001*kWh)").as_bytes())
                .unwrap()
                .checked
        );
        for line in ["1-3:0.2.8(42)", "0-0:96.1.4(50217)"] {
            let error = Telegram::read(with(line).as_bytes()).unwrap_err();
            assert_eq!(error.found, "no check sum");
        }
    }
}
