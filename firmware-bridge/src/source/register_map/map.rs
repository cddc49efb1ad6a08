//! A register map: which register holds what, checked.
//!
//! Its form in TOML is in `written`, and in docs/register-maps.md.

use serde::Deserialize;
use thiserror::Error;

use super::written::Written;
use crate::source::{modbus::Table, number::Number};

/// Registers of the longest serial text.
pub const MAX_TEXT_REGISTERS: u16 = 32;
/// Energy registers in one map.
pub const MAX_ENERGIES: usize = 16;

/// A register map, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterMap {
    /// Its name in a configuration.
    pub name: String,
    /// The device, for people.
    pub title: String,
    /// Where the serial number stands.
    pub serial: Option<Serial>,
    /// The energy registers.
    pub energies: Vec<Energy>,
    /// Power, where the device gives it.
    pub power: Option<Power>,
    /// What must be so for `scan` to propose this map; empty: it never does.
    pub probes: Vec<Probe>,
}

/// Where a number stands and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which table.
    pub table: Table,
    /// The first register, counted from 0 as in a request.
    pub address: u16,
    /// How many registers.
    pub registers: u16,
    pub(super) low_first: bool,
}

/// A number in the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where it stands.
    pub place: Place,
    pub(super) kind: Kind,
    /// What its digits are multiplied with to give Wh, W or the probe's unit.
    pub factor: Number,
    pub(super) absent: Vec<u64>,
}

/// The serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serial {
    /// A number, printed as it is.
    Number(Point),
    /// Text, up to its first NUL.
    Text(Place),
}

/// One energy register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Energy {
    /// OBIS code.
    pub register: String,
    /// Its number, in Wh.
    pub point: Point,
}

/// Power.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// Its number, in W.
    pub point: Point,
    /// The register that grows while it is positive.
    pub positive: String,
}

/// A number that must lie within limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The number.
    pub point: Point,
    /// The least it can be.
    pub from: Number,
    /// The most it can be.
    pub to: Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

/// Why a text is no register map.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NotAMap(String);

impl RegisterMap {
    /// Reads and checks a map.
    ///
    /// # Errors
    /// [`NotAMap`] with the line, or the key and what was expected.
    pub fn parse(text: &str) -> Result<Self, NotAMap> {
        let written: Written = toml::from_str(text).map_err(|e| NotAMap(e.to_string()))?;
        written.checked().map_err(NotAMap)
    }
}

impl Point {
    /// The number in these registers, scaled; none when it is one that says "not implemented" or is
    /// no finite number. A float is the shortest decimal that packs to it.
    pub fn value(&self, words: &[u16]) -> Option<Number> {
        let raw = self.raw(words);
        if self.absent.contains(&raw) {
            return None;
        }
        let number = match self.kind {
            Kind::U16 | Kind::U32 | Kind::U64 => Number::new(raw.into(), 0),
            Kind::I16 => Number::new((raw as u16 as i16).into(), 0),
            Kind::I32 => Number::new((raw as u32 as i32).into(), 0),
            Kind::I64 => Number::new((raw as i64).into(), 0),
            Kind::F32 => Number::shortest_f32(raw as u32)?,
            Kind::F64 => Number::shortest_f64(raw)?,
        };
        number.times(self.factor)
    }

    /// The digits in the device, before scaling; none as for [`Point::value`].
    pub fn digits(&self, words: &[u16]) -> Option<Number> {
        let unscaled = Point {
            factor: Number::new(1, 0),
            ..self.clone()
        };
        unscaled.value(words)
    }

    fn raw(&self, words: &[u16]) -> u64 {
        let join = |n: u64, word: &u16| n << 16 | u64::from(*word);
        if self.place.low_first {
            words.iter().rev().fold(0, join)
        } else {
            words.iter().fold(0, join)
        }
    }
}

impl Kind {
    pub(super) fn registers(self) -> u16 {
        match self {
            Kind::U16 | Kind::I16 => 1,
            Kind::U32 | Kind::I32 | Kind::F32 => 2,
            Kind::U64 | Kind::I64 | Kind::F64 => 4,
        }
    }
}

impl Probe {
    /// Whether the device shows what this map expects; whole units are compared.
    pub fn holds(&self, words: &[u16]) -> bool {
        let whole = self.point.value(words).and_then(Number::whole);
        match (self.from.whole(), whole, self.to.whole()) {
            (Some(from), Some(value), Some(to)) => (from..=to).contains(&value),
            _ => false,
        }
    }
}
