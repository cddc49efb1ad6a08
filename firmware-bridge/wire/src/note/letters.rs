//! The letters and codes in a note: clock and meter state as OCMF (Open Charge Metering Format) has
//! them, registers by OBIS code.

use core::{fmt, str::FromStr};

use crate::text::{Cursor, Stray};

/// How far a gateway trusts its clock (OCMF, time synchronicity).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClockLetter {
    /// `U`: nobody knows.
    #[default]
    Unknown,
    /// `I`: set by hand or by a device that may be wrong.
    Informative,
    /// `S`: kept by a time server.
    Synced,
    /// `R`: right only relative to the gateway's start.
    Relative,
}

/// A meter's state at a read (OCMF, field `ST`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MeterState {
    /// `N`: the meter is not there.
    NotPresent,
    /// `G`: all is well.
    #[default]
    Good,
    /// `T`: the meter did not answer in time.
    Timeout,
    /// `D`: the meter is cut off.
    Disconnected,
    /// `R`: the meter was there once and is not found any more.
    NotFound,
    /// `M`: the meter says that it was tampered with.
    Manipulated,
    /// `X`: the meter was exchanged.
    Exchanged,
    /// `I`: the meter does not fit.
    Incompatible,
    /// `O`: the value is out of range.
    OutOfRange,
    /// `S`: the value is a substitute.
    Substitute,
    /// `E`: another error.
    OtherError,
    /// `F`: the register could not be read.
    ReadError,
}

/// A register, by the value groups C, D and E of its OBIS code (IEC 62056-61): `2.8.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Register(pub u8, pub u8, pub u8);

/// The text is not a register's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRegister;

const CLOCKS: [(ClockLetter, &str); 4] = [
    (ClockLetter::Unknown, "U"),
    (ClockLetter::Informative, "I"),
    (ClockLetter::Synced, "S"),
    (ClockLetter::Relative, "R"),
];

const STATES: [(MeterState, &str); 12] = [
    (MeterState::NotPresent, "N"),
    (MeterState::Good, "G"),
    (MeterState::Timeout, "T"),
    (MeterState::Disconnected, "D"),
    (MeterState::NotFound, "R"),
    (MeterState::Manipulated, "M"),
    (MeterState::Exchanged, "X"),
    (MeterState::Incompatible, "I"),
    (MeterState::OutOfRange, "O"),
    (MeterState::Substitute, "S"),
    (MeterState::OtherError, "E"),
    (MeterState::ReadError, "F"),
];

impl ClockLetter {
    /// Its letter.
    pub fn letter(self) -> &'static str {
        letter_of(&CLOCKS, self)
    }

    /// The clock of a letter.
    pub fn from_letter(letter: &str) -> Option<ClockLetter> {
        by_letter(&CLOCKS, letter)
    }
}

impl MeterState {
    /// Its letter.
    pub fn letter(self) -> &'static str {
        letter_of(&STATES, self)
    }

    /// The state of a letter.
    pub fn from_letter(letter: &str) -> Option<MeterState> {
        by_letter(&STATES, letter)
    }
}

fn letter_of<T: PartialEq>(table: &[(T, &'static str)], wanted: T) -> &'static str {
    table
        .iter()
        .find(|(value, _)| *value == wanted)
        .map_or("", |(_, letter)| letter)
}

fn by_letter<T: Copy>(table: &[(T, &'static str)], wanted: &str) -> Option<T> {
    table
        .iter()
        .find(|(_, letter)| *letter == wanted)
        .map(|(value, _)| *value)
}

impl Register {
    /// Energy taken from the grid.
    pub const IMPORT: Register = Register(1, 8, 0);
    /// Energy given out: generation or export.
    pub const EXPORT: Register = Register(2, 8, 0);

    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Register, Stray> {
        let start = Stray(cursor.at());
        let mut part = || u8::try_from(cursor.number(255)?).map_err(|_| start);
        let c = part()?;
        cursor.expect(".")?;
        let mut part = || u8::try_from(cursor.number(255)?).map_err(|_| start);
        let d = part()?;
        cursor.expect(".")?;
        let e = u8::try_from(cursor.number(255)?).map_err(|_| start)?;
        Ok(Register(c, d, e))
    }
}

impl FromStr for Register {
    type Err = BadRegister;

    fn from_str(text: &str) -> Result<Register, BadRegister> {
        let mut cursor = Cursor::new(text);
        match Register::parse(&mut cursor) {
            Ok(register) if cursor.is_done() => Ok(register),
            _ => Err(BadRegister),
        }
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl fmt::Display for BadRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a register's code; expected one like `2.8.0`")
    }
}

impl core::error::Error for BadRegister {}
