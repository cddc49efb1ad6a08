//! Any Modbus device, by a register map.
//!
//! A [`map`] says which registers hold energy, power and the serial number, and how they are packed.
//! The maps that come with the program are in [`BUILT_IN`]; a file with one's own map is named by its
//! path. Numbers are taken as exact decimals, floats as the shortest decimal that packs to them.
//! Each point is read in one request, because many meters refuse to read across a hole.

pub mod map;
mod written;

use std::path::Path;

use serde::Deserialize;
use tracing::debug;

use super::{
    MeterState, Sample, Source, SourceError,
    modbus::{Address, Buses, Device, unit_trouble},
    number::Number,
    sunspec::{chain::text, unit_one},
};
use map::{Point, RegisterMap, Serial};

/// The maps that come with the program, as text.
pub const BUILT_IN: [&str; 4] = [
    include_str!("maps/abb-b-series.toml"),
    include_str!("maps/carlo-gavazzi-em340.toml"),
    include_str!("maps/eastron-sdm120.toml"),
    include_str!("maps/eastron-sdm630.toml"),
];
/// The longest map file that is read.
pub const MAX_MAP_BYTES: u64 = 64 * 1024;

/// `kind = "modbus"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to call it; without one, the address.
    pub name: Option<String>,
    /// Where it is: `192.168.1.20:502` or `/dev/ttyUSB0,9600,8N1`.
    pub address: Address,
    /// Modbus unit (slave) number; 1..=247 on a serial line.
    #[serde(default = "unit_one")]
    pub unit: u8,
    /// Name of a map that comes with the program, or path of a map file (ends in `.toml`).
    pub map: String,
    /// The serial text to publish; needed where the map does not say where it stands.
    pub meter: Option<String>,
}

/// One device read by its map.
#[derive(Debug)]
pub struct Mapped {
    name: String,
    device: Device,
    map: RegisterMap,
    meter: Option<String>,
    /// As read from the device.
    serial: Option<String>,
}

/// What one energy register of a mapped device shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// OBIS code.
    pub register: String,
    /// Address of its first register.
    pub address: u16,
    /// The digits in the device; none when not implemented.
    pub digits: Option<Number>,
    /// What they are multiplied with to give Wh.
    pub factor: Number,
    /// Whole Wh; none when not implemented.
    pub wh: Option<u64>,
}

/// All maps that come with the program, by name.
pub fn built_in() -> Vec<RegisterMap> {
    BUILT_IN
        .iter()
        .map(|text| RegisterMap::parse(text).expect("a test reads every built-in map"))
        .collect()
}

impl Mapped {
    /// Makes the source; touches no wire, but reads the map's file.
    ///
    /// # Errors
    /// [`SourceError::Config`] when there is no such map, it is not one, or nothing says the serial
    /// number.
    pub fn open(config: &Config, buses: &Buses) -> Result<Self, SourceError> {
        let name = config
            .name
            .clone()
            .unwrap_or_else(|| format!("{} unit {}", config.address, config.unit));
        let broken = |reason, hint| SourceError::Config {
            device: name.clone(),
            reason,
            hint,
        };
        if let Some(reason) = unit_trouble(&config.address, config.unit) {
            return Err(broken(
                reason,
                "the meter's own menu shows its number; `scan` finds it",
            ));
        }
        let map = load(&config.map).map_err(|(reason, hint)| broken(reason, hint))?;
        if map.serial.is_none() && config.meter.is_none() {
            return Err(broken(
                format!(
                    "map `{}` does not say where the serial number stands",
                    map.name
                ),
                "give it in the configuration, from the label on the meter: `meter = \"...\"`",
            ));
        }
        Ok(Mapped {
            device: buses.device(&config.address, config.unit),
            map,
            meter: config.meter.clone(),
            serial: None,
            name,
        })
    }

    async fn read_all(&mut self) -> Result<Vec<Sample>, SourceError> {
        let meter = match (&self.meter, &self.serial) {
            (Some(meter), _) => meter.clone(),
            (None, Some(serial)) => serial.clone(),
            (None, None) => {
                let serial = serial_of(&self.device, &self.name, &self.map).await?;
                self.serial.insert(serial).clone()
            }
        };
        let shown = show(&self.device, &self.name, &self.map).await?;
        let power = match &self.map.power {
            None => None,
            Some(power) => read(&self.device, &self.name, &power.point)
                .await
                // Power is a picture, not money: a device without it is still read.
                .or_else(|e| match e {
                    SourceError::Refused { .. } => Ok(None),
                    other => Err(other),
                })?
                .and_then(Number::w)
                .map(|w| (w, power.positive.as_str())),
        };
        Ok(shown
            .into_iter()
            .filter_map(|shown| {
                let w = power.and_then(|(w, positive)| {
                    if shown.register == positive {
                        Some(w)
                    } else {
                        w.checked_neg()
                    }
                });
                if shown.wh.is_none() {
                    debug!(
                        source = self.name,
                        register = shown.register,
                        "not implemented"
                    );
                }
                Some(Sample {
                    meter: meter.clone(),
                    register: shown.register,
                    wh: shown.wh?,
                    w,
                    state: MeterState::Good,
                    meter_time: None,
                })
            })
            .collect())
    }
}

impl Source for Mapped {
    fn name(&self) -> &str {
        &self.name
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        let read = self.read_all().await;
        if read.is_err() {
            self.serial = None;
        }
        read
    }
}

/// A map by name or path.
///
/// # Errors
/// What is wrong, and what to do.
pub fn load(name: &str) -> Result<RegisterMap, (String, &'static str)> {
    const FORM: &str = "the form of a map is in docs/register-maps.md";
    if !name.ends_with(".toml") {
        let mut maps = built_in();
        let names: Vec<String> = maps.iter().map(|map| map.name.clone()).collect();
        return match maps.iter().position(|map| map.name == name) {
            Some(at) => Ok(maps.swap_remove(at)),
            None => Err((
                format!("no map `{name}`; there are {}", names.join(", ")),
                "name one of them, or the path of a file that ends in `.toml`",
            )),
        };
    }
    let path = Path::new(name);
    let size = std::fs::metadata(path).map_err(|e| {
        (
            format!("map `{name}` cannot be read: {e}"),
            "look at the path and its permissions",
        )
    })?;
    if size.len() > MAX_MAP_BYTES {
        return Err((
            format!(
                "map `{name}` has {} bytes; expected at most {MAX_MAP_BYTES}",
                size.len()
            ),
            FORM,
        ));
    }
    let text = std::fs::read_to_string(path).map_err(|e| {
        (
            format!("map `{name}` cannot be read: {e}"),
            "look at the path and its permissions",
        )
    })?;
    RegisterMap::parse(&text).map_err(|e| (format!("map `{name}`: {e}"), FORM))
}

/// The device's serial number as the map has it.
///
/// # Errors
/// [`SourceError`]; `Config` where the device gives none.
pub async fn serial_of(
    device: &Device,
    name: &str,
    map: &RegisterMap,
) -> Result<String, SourceError> {
    let serial = match &map.serial {
        None => String::new(),
        Some(Serial::Number(point)) => read(device, name, point)
            .await?
            .filter(|number| number.whole() != Some(0))
            .map(|number| number.to_string())
            .unwrap_or_default(),
        Some(Serial::Text(place)) => {
            let words = device
                .read(place.table, place.address, place.registers)
                .await
                .map_err(|e| device.explain(name, e))?;
            text(&words)
        }
    };
    if serial.is_empty() {
        return Err(SourceError::Config {
            device: name.to_owned(),
            reason: "the device gives no serial number".to_owned(),
            hint: "give it in the configuration, from the label on the meter: `meter = \"...\"`",
        });
    }
    Ok(serial)
}

/// What every energy register shows now.
///
/// # Errors
/// [`SourceError`]; `Malformed` for a register below zero or past 2^63 Wh.
pub async fn show(
    device: &Device,
    name: &str,
    map: &RegisterMap,
) -> Result<Vec<Shown>, SourceError> {
    let mut all = Vec::new();
    for energy in &map.energies {
        let place = energy.point.place;
        let words = device
            .read(place.table, place.address, place.registers)
            .await
            .map_err(|e| device.explain(name, e))?;
        let wh = match energy.point.value(&words) {
            None => None,
            Some(value) => Some(value.wh().ok_or_else(|| SourceError::Malformed {
                device: name.to_owned(),
                found: format!("{value} Wh at register {}", place.address),
                expected: "0 Wh or more, and less than 2^63".to_owned(),
                hint: "does the map belong to this device? Compare type and word order with its manual",
            })?),
        };
        all.push(Shown {
            register: energy.register.clone(),
            address: place.address,
            digits: energy.point.digits(&words),
            factor: energy.point.factor,
            wh,
        });
    }
    Ok(all)
}

async fn read(device: &Device, name: &str, point: &Point) -> Result<Option<Number>, SourceError> {
    let place = point.place;
    let words = device
        .read(place.table, place.address, place.registers)
        .await
        .map_err(|e| device.explain(name, e))?;
    Ok(point.value(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn energy<'a>(map: &'a RegisterMap, register: &str) -> &'a Point {
        let found = map.energies.iter().find(|e| e.register == register);
        &found.unwrap().point
    }

    #[test]
    fn every_built_in_map_reads_and_names_itself() {
        let names: Vec<String> = built_in().into_iter().map(|map| map.name).collect();
        assert_eq!(
            names,
            [
                "abb-b-series",
                "carlo-gavazzi-em340",
                "eastron-sdm120",
                "eastron-sdm630"
            ]
        );
        for name in names {
            assert_eq!(load(&name).unwrap().name, name);
        }
        assert!(load("eastron").unwrap_err().0.contains("eastron-sdm120"));
    }

    #[test]
    fn the_map_in_the_documentation_reads() {
        let page = include_str!("../../../../docs/register-maps.md");
        let (_, map) = page.split_once("```toml\n").unwrap();
        let (map, _) = map.split_once("```").unwrap();
        assert_eq!(RegisterMap::parse(map).unwrap().name, "maker-model");
    }

    #[test]
    fn registers_of_each_packing_give_exact_watt_hours() {
        // Words as the devices send them.
        let sdm = load("eastron-sdm120").unwrap();
        let kwh = 342.7_f32.to_bits();
        let words = [(kwh >> 16) as u16, kwh as u16];
        assert_eq!(
            energy(&sdm, "2.8.0").value(&words).unwrap().wh(),
            Some(342_700)
        );
        let nan = [0x7fc0, 0];
        assert_eq!(energy(&sdm, "2.8.0").value(&nan), None);

        let abb = load("abb-b-series").unwrap();
        let words = [0, 0, 0x0012, 0xd687];
        assert_eq!(
            energy(&abb, "2.8.0").value(&words).unwrap().wh(),
            Some(12_345_670)
        );
        assert_eq!(energy(&abb, "2.8.0").value(&[0xffff; 4]), None);
        let power = &abb.power.as_ref().unwrap().point;
        assert_eq!(power.value(&[0xffff, 0xfc18]).unwrap().w(), Some(-10));
        assert_eq!(power.value(&[0x7fff, 0xffff]), None);

        let gavazzi = load("carlo-gavazzi-em340").unwrap();
        let words = [0xd687, 0x0012];
        assert_eq!(
            energy(&gavazzi, "1.8.0").value(&words).unwrap().wh(),
            Some(123_456_700)
        );
    }

    #[test]
    fn a_map_that_cannot_be_meant_is_refused_by_its_key() {
        let good = BUILT_IN[0];
        for (from, to, said) in [
            (
                "name = \"abb-b-series\"",
                "name = \"ABB\"",
                "`name` is `ABB`",
            ),
            (
                "register = \"1.8.0\"",
                "register = \"2.8.0\"",
                "`2.8.0` twice",
            ),
            (
                "register = \"1.8.0\"",
                "register = \"power\"",
                "`register` is `power`",
            ),
            ("scale = \"0.01\"", "scale = \"0\"", "`scale` is `0`"),
            ("scale = \"0.01\"", "scale = \"-1\"", "`scale` is `-1`"),
            ("0xffffffffffffffff", "65535", "`absent` has `65535`"),
            ("type = \"u64\"", "type = \"u48\"", "u48"),
            ("unit = \"kWh\"", "unit = \"kwh\"", "kwh"),
            (
                "positive = \"1.8.0\"",
                "positive = \"3.8.0\"",
                "`positive` is `3.8.0`",
            ),
            (
                "address = 0x5004",
                "address = 0xffff",
                "expected to end at 65535",
            ),
            ("table = \"holding\"", "table = \"coils\"", "coils"),
            ("title =", "colour =", "colour"),
        ] {
            assert!(good.contains(from), "{from}");
            let error = RegisterMap::parse(&good.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(said), "{to}: {error}");
        }
    }
}
