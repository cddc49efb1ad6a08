//! The form of a register map: TOML, and how it is checked.
//!
//! ```toml
//! name = "maker-model"
//! title = "Maker Model, three phases"
//! table = "holding"            # or "input"
//! word_order = "high-first"    # or "low-first"
//!
//! [serial]                     # optional: without it the configuration gives `meter`
//! address = 0xfc00
//! type = "u32"                 # or "text" with `registers = 8`
//!
//! [[energy]]
//! register = "2.8.0"
//! address = 0x5004             # as in a request, counted from 0
//! type = "u64"                 # u16 i16 u32 i32 u64 i64 f32 f64
//! scale = "0.01"               # exact, as text; 1 unless given
//! unit = "kWh"                 # Wh, kWh or MWh
//! absent = ["0xffffffffffffffff"]   # raw values that say "not implemented"
//!
//! [power]                      # optional
//! address = 0x5b14
//! type = "i32"
//! scale = "0.01"
//! unit = "W"                   # or kW
//! positive = "1.8.0"           # the register that grows while power is positive
//!
//! [[probe]]                    # what `scan` looks at; all must lie within
//! address = 0x5b2c
//! type = "u16"
//! scale = "0.01"
//! from = "45"
//! to = "65"
//! ```
//!
//! Every point may override `table` and `word_order`. Unknown keys are refused.

use serde::Deserialize;
use wire::note::Register;

use super::map::{
    Energy, Kind, MAX_ENERGIES, MAX_TEXT_REGISTERS, Place, Point, Power, Probe, RegisterMap, Serial,
};
use crate::source::{
    modbus::Table,
    number::{MAX_SCALE, Number},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    name: String,
    title: String,
    table: Table,
    word_order: WordOrder,
    serial: Option<WrittenSerial>,
    energy: Vec<WrittenEnergy>,
    power: Option<WrittenPower>,
    #[serde(default)]
    probe: Vec<WrittenProbe>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WordOrder {
    HighFirst,
    LowFirst,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SerialKind {
    U16,
    U32,
    U64,
    Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSerial {
    table: Option<Table>,
    word_order: Option<WordOrder>,
    address: u16,
    #[serde(rename = "type")]
    kind: SerialKind,
    registers: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEnergy {
    register: String,
    table: Option<Table>,
    word_order: Option<WordOrder>,
    address: u16,
    #[serde(rename = "type")]
    kind: Kind,
    scale: Option<String>,
    unit: EnergyUnit,
    #[serde(default)]
    absent: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
enum EnergyUnit {
    Wh,
    #[serde(rename = "kWh")]
    KWh,
    MWh,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPower {
    table: Option<Table>,
    word_order: Option<WordOrder>,
    address: u16,
    #[serde(rename = "type")]
    kind: Kind,
    scale: Option<String>,
    unit: PowerUnit,
    positive: String,
    #[serde(default)]
    absent: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
enum PowerUnit {
    W,
    #[serde(rename = "kW")]
    KW,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProbe {
    table: Option<Table>,
    word_order: Option<WordOrder>,
    address: u16,
    #[serde(rename = "type")]
    kind: Kind,
    scale: Option<String>,
    from: String,
    to: String,
}

impl Written {
    /// Checks what was written.
    ///
    /// # Errors
    /// The key, what it holds and what was expected.
    pub(super) fn checked(self) -> Result<RegisterMap, String> {
        let name_is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(name_is_plain) {
            return Err(format!(
                "`name` is `{}`; expected lower-case letters, digits and `-`",
                self.name
            ));
        }
        if self.energy.is_empty() || self.energy.len() > MAX_ENERGIES {
            return Err(format!(
                "{} `[[energy]]`; expected 1 to {MAX_ENERGIES}",
                self.energy.len()
            ));
        }
        let place = |table: Option<Table>, order: Option<WordOrder>, address, registers| {
            checked_place(
                table.unwrap_or(self.table),
                order.unwrap_or(self.word_order),
                address,
                registers,
            )
        };
        let mut energies: Vec<Energy> = Vec::new();
        for energy in &self.energy {
            checked_register(&energy.register)?;
            if energies.iter().any(|e| e.register == energy.register) {
                return Err(format!("`{}` twice", energy.register));
            }
            let tens = match energy.unit {
                EnergyUnit::Wh => 0,
                EnergyUnit::KWh => 3,
                EnergyUnit::MWh => 6,
            };
            energies.push(Energy {
                register: energy.register.clone(),
                point: Point {
                    place: place(
                        energy.table,
                        energy.word_order,
                        energy.address,
                        energy.kind.registers(),
                    )?,
                    kind: energy.kind,
                    factor: factor(energy.scale.as_deref(), tens)?,
                    absent: absent(&energy.absent)?,
                },
            });
        }
        let power = match &self.power {
            None => None,
            Some(power) => {
                let named = energies.iter().any(|e| e.register == power.positive);
                if !named && !["1.8.0", "2.8.0"].contains(&&*power.positive) {
                    return Err(format!(
                        "`positive` is `{}`; expected `1.8.0`, `2.8.0` or one of the energy registers",
                        power.positive
                    ));
                }
                let tens = match power.unit {
                    PowerUnit::W => 0,
                    PowerUnit::KW => 3,
                };
                Some(Power {
                    point: Point {
                        place: place(
                            power.table,
                            power.word_order,
                            power.address,
                            power.kind.registers(),
                        )?,
                        kind: power.kind,
                        factor: factor(power.scale.as_deref(), tens)?,
                        absent: absent(&power.absent)?,
                    },
                    positive: power.positive.clone(),
                })
            }
        };
        let serial = match &self.serial {
            None => None,
            Some(serial) => Some(checked_serial(serial, place)?),
        };
        let mut probes = Vec::new();
        for probe in &self.probe {
            let limit = |text: &str| {
                Number::parse(text)
                    .filter(|n| n.whole().is_some())
                    .ok_or_else(|| format!("`{text}` is no limit; expected a decimal number"))
            };
            probes.push(Probe {
                point: Point {
                    place: place(
                        probe.table,
                        probe.word_order,
                        probe.address,
                        probe.kind.registers(),
                    )?,
                    kind: probe.kind,
                    factor: factor(probe.scale.as_deref(), 0)?,
                    absent: Vec::new(),
                },
                from: limit(&probe.from)?,
                to: limit(&probe.to)?,
            });
        }
        Ok(RegisterMap {
            name: self.name,
            title: self.title,
            serial,
            energies,
            power,
            probes,
        })
    }
}

fn checked_place(
    table: Table,
    order: WordOrder,
    address: u16,
    registers: u16,
) -> Result<Place, String> {
    if u32::from(address) + u32::from(registers) > 0x1_0000 {
        return Err(format!(
            "`address` {address} with {registers} registers; expected to end at 65535"
        ));
    }
    Ok(Place {
        table,
        address,
        registers,
        low_first: order == WordOrder::LowFirst,
    })
}

fn checked_serial(
    serial: &WrittenSerial,
    place: impl Fn(Option<Table>, Option<WordOrder>, u16, u16) -> Result<Place, String>,
) -> Result<Serial, String> {
    let place = |registers| place(serial.table, serial.word_order, serial.address, registers);
    let kind = match serial.kind {
        SerialKind::Text => {
            let registers = serial
                .registers
                .filter(|n| (1..=MAX_TEXT_REGISTERS).contains(n))
                .ok_or_else(|| {
                    format!("a serial text needs `registers` from 1 to {MAX_TEXT_REGISTERS}")
                })?;
            return place(registers).map(Serial::Text);
        }
        SerialKind::U16 => Kind::U16,
        SerialKind::U32 => Kind::U32,
        SerialKind::U64 => Kind::U64,
    };
    if serial.registers.is_some() {
        return Err("`registers` belongs to a serial of type `text` only".to_owned());
    }
    Ok(Serial::Number(Point {
        place: place(kind.registers())?,
        kind,
        factor: Number::new(1, 0),
        absent: Vec::new(),
    }))
}

fn checked_register(code: &str) -> Result<(), String> {
    code.parse::<Register>()
        .map(|_| ())
        .map_err(|_| format!("`register` is `{code}`; expected an OBIS code such as `2.8.0`"))
}

fn factor(scale: Option<&str>, tens: i32) -> Result<Number, String> {
    let text = scale.unwrap_or("1");
    let limit = Number::new(1, MAX_SCALE);
    Number::parse(text)
        .filter(|n| {
            !n.is_negative()
                && n.times(limit)
                    .and_then(Number::whole)
                    .is_some_and(|w| w > 0)
                && n.whole().is_some_and(|w| Some(w) <= limit.whole())
        })
        .and_then(|n| n.times(Number::new(1, tens)))
        .ok_or_else(|| {
            format!(
                "`scale` is `{text}`; expected a decimal above 0, between 10^-10 and 10^10, as text"
            )
        })
}

fn absent(values: &[String]) -> Result<Vec<u64>, String> {
    values
        .iter()
        .map(|text| {
            text.strip_prefix("0x")
                .and_then(|hex| u64::from_str_radix(hex, 16).ok())
                .ok_or_else(|| format!("`absent` has `{text}`; expected text such as \"0xffff\""))
        })
        .collect()
}
