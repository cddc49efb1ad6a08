//! The messages of an SML file (BSI TR-03109-1 annex IV), as far as a push meter sends them.
//!
//! Of a file only the answers `GetList` (0x0701) are read, each with its own check sum; opening,
//! closing and messages of other kinds are walked over. What is not well formed refuses the whole
//! file. Lists are read entry by entry, so a length that lies costs nothing but the refusal.

use jiff::Timestamp;

use super::transport::crc_x25;
use crate::source::text::{Code, Unreadable};

/// Lists within lists deeper than this are refused.
const MAX_DEPTH: usize = 8;
const GET_LIST_ANSWER: u64 = 0x0701;

/// An answer: whose values, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Who answers: the meter's number as bytes (DIN 43863-5), or a name of the maker's own.
    pub server: Vec<u8>,
    /// Its values, in order.
    pub entries: Vec<Entry>,
}

/// A value of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its code; none for a name that is not six bytes.
    pub code: Option<Code>,
    /// When it was taken, where the meter gives it in UTC.
    pub time: Option<Timestamp>,
    /// Unit of IEC 62056-6-2: 30 is Wh, 27 is W.
    pub unit: Option<u8>,
    /// The value is to be multiplied by ten to the power of this.
    pub scaler: i8,
    /// The value, if it is a number.
    pub number: Option<i128>,
}

/// Reads the answers of a file.
///
/// # Errors
/// [`Unreadable`] for the first thing that is not as it should be.
pub fn lists(file: &[u8]) -> Result<Vec<List>, Unreadable> {
    let mut cursor = Cursor { bytes: file, at: 0 };
    let mut lists = Vec::new();
    while cursor.at < file.len() {
        lists.extend(cursor.message()?);
    }
    Ok(lists)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Octets(usize),
    Bool,
    Signed(usize),
    Unsigned(usize),
    List(usize),
    EndOfMessage,
}

impl<'a> Cursor<'a> {
    fn message(&mut self) -> Result<Option<List>, Unreadable> {
        let start = self.at;
        self.list_of(6)?;
        self.octets()?;
        self.unsigned()?;
        self.unsigned()?;
        self.list_of(2)?;
        let list = if self.unsigned()? == GET_LIST_ANSWER {
            Some(self.answer()?)
        } else {
            self.skip(0)?;
            None
        };
        let counted = crc_x25(&self.bytes[start..self.at]).swap_bytes();
        let given = self.unsigned()?;
        if given != u64::from(counted) {
            return Err(Unreadable::new(
                format!("check sum {given:04x} over a message that gives {counted:04x}"),
                "one that fits",
            ));
        }
        match self.head()? {
            Head::EndOfMessage => Ok(list),
            other => Err(Unreadable::new(
                format!("{other:?}"),
                "the end of a message",
            )),
        }
    }

    fn answer(&mut self) -> Result<List, Unreadable> {
        self.list_of(7)?;
        self.octets()?;
        let server = self.octets()?.to_vec();
        self.octets()?;
        self.skip(0)?;
        let count = match self.head()? {
            Head::List(count) => count,
            other => return Err(Unreadable::new(format!("{other:?}"), "a list of values")),
        };
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(self.entry()?);
        }
        self.skip(0)?;
        self.skip(0)?;
        Ok(List { server, entries })
    }

    fn entry(&mut self) -> Result<Entry, Unreadable> {
        self.list_of(7)?;
        let code = match *self.octets()? {
            [a, b, c, d, e, f] => Some(Code { a, b, c, d, e, f }),
            _ => None,
        };
        self.skip(0)?;
        let time = self.time()?;
        let unit = self
            .optional_number()?
            .and_then(|unit| u8::try_from(unit).ok());
        let scaler = self.optional_number()?.unwrap_or(0);
        let scaler = i8::try_from(scaler)
            .map_err(|_| Unreadable::new(format!("scaler {scaler}"), "-128 to 127"))?;
        let number = self.optional_number()?;
        self.skip(0)?;
        Ok(Entry {
            code,
            time,
            unit,
            scaler,
            number,
        })
    }

    /// A choice of seconds since the meter's start (1), UTC (2) and local time (3). Some meters of
    /// Holley leave the choice out and send bare seconds since their start.
    fn time(&mut self) -> Result<Option<Timestamp>, Unreadable> {
        let before = self.at;
        if self.head()? != Head::List(2) {
            self.at = before;
            self.skip(0)?;
            return Ok(None);
        }
        if self.unsigned()? == 2 {
            let seconds = self.unsigned()?;
            return Ok(i64::try_from(seconds)
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok()));
        }
        self.skip(0)?;
        Ok(None)
    }

    /// A number, or nothing where something else stands.
    fn optional_number(&mut self) -> Result<Option<i128>, Unreadable> {
        let before = self.at;
        match self.head()? {
            Head::Signed(length) => {
                let bytes = self.take(length)?;
                let sign: i128 = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
                let fold = |number: i128, byte: &u8| number << 8 | i128::from(*byte);
                Ok(Some(bytes.iter().fold(sign, fold)))
            }
            Head::Unsigned(length) => {
                let bytes = self.take(length)?;
                Ok(Some(
                    bytes.iter().fold(0, |n, byte| n << 8 | i128::from(*byte)),
                ))
            }
            _ => {
                self.at = before;
                self.skip(0)?;
                Ok(None)
            }
        }
    }

    fn unsigned(&mut self) -> Result<u64, Unreadable> {
        match self.head()? {
            Head::Unsigned(length) => {
                let bytes = self.take(length)?;
                Ok(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
            }
            other => Err(Unreadable::new(format!("{other:?}"), "an unsigned number")),
        }
    }

    fn octets(&mut self) -> Result<&'a [u8], Unreadable> {
        match self.head()? {
            Head::Octets(length) => self.take(length),
            other => Err(Unreadable::new(format!("{other:?}"), "octets")),
        }
    }

    fn list_of(&mut self, expected: usize) -> Result<(), Unreadable> {
        match self.head()? {
            Head::List(count) if count == expected => Ok(()),
            other => Err(Unreadable::new(
                format!("{other:?}"),
                "a list of the right length",
            )),
        }
    }

    fn skip(&mut self, depth: usize) -> Result<(), Unreadable> {
        match self.head()? {
            Head::Octets(length) | Head::Signed(length) | Head::Unsigned(length) => {
                self.take(length).map(|_| ())
            }
            Head::Bool => self.take(1).map(|_| ()),
            Head::List(_) if depth >= MAX_DEPTH => {
                Err(Unreadable::new("lists within lists", "at most eight deep"))
            }
            Head::List(count) => {
                for _ in 0..count {
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            Head::EndOfMessage => Err(Unreadable::new("the end of a message", "a value")),
        }
    }

    /// Type and length: the length of a list counts entries, every other its own bytes too.
    fn head(&mut self) -> Result<Head, Unreadable> {
        let first = self.take(1)?[0];
        if first == 0 {
            return Ok(Head::EndOfMessage);
        }
        let mut length = usize::from(first & 0x0f);
        let mut more = first & 0x80 != 0;
        let mut own = 1;
        while more {
            let next = self.take(1)?[0];
            if next & 0x70 != 0 || own >= 4 {
                return Err(Unreadable::new(
                    format!("length byte {next:02x}"),
                    "a length",
                ));
            }
            length = length << 4 | usize::from(next & 0x0f);
            more = next & 0x80 != 0;
            own += 1;
        }
        let kind = first >> 4 & 0x07;
        if kind == 7 {
            return Ok(Head::List(length));
        }
        let refuse = || Unreadable::new(format!("type and length {first:02x}"), "a value");
        let length = length.checked_sub(own).ok_or_else(refuse)?;
        match (kind, length) {
            (0, length) => Ok(Head::Octets(length)),
            (4, 1) => Ok(Head::Bool),
            (5, 1..=8) => Ok(Head::Signed(length)),
            (6, 1..=8) => Ok(Head::Unsigned(length)),
            _ => Err(refuse()),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| Unreadable::new("a file that ends too soon", "the rest"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }
}
