//! German meters that push: SML over an optical head, 9600 baud, 8N1.
//!
//! The meter sends a file each 1 to 4 s, unasked. A poll throws away what came before and takes the
//! next whole one: [`transport`] cuts it out, [`messages`] reads it. Registers are the values
//! `1.8.x` and `2.8.x` in Wh; unit and scaler are applied as integers. Power (`16.7.0`, signed) goes
//! with the register of its direction. A meter whose export register is not shown before a PIN was
//! typed in has none here either.
//!
//! The decoder is our own: crate sml-rs 0.4 reads the same meters (the tests compare them over its
//! collection), but adds up noise in 16 bits, which panics where overflows are checked, and makes
//! room for as many entries as a broken length says.

pub mod messages;
pub mod transport;

use std::time::Duration;

use serde::Deserialize;

use super::{
    MeterState, Sample, Source, SourceError,
    port::{Frames, Parity, Port, Wait, gone, malformed},
    text::{Decimal, MAX_WH, Unreadable},
};
use messages::{Entry, List, lists};
use transport::Cutter;

const HINT: &str = "look at the head's place on the meter; `baud` is 9600 for nearly all";
const WATT_HOURS: u8 = 30;
const WATTS: u8 = 27;

/// `[[source]]` of `kind = "sml"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to call it; without one, the meter's serial or the port.
    pub name: Option<String>,
    /// Path of the serial port, or `tcp:host:port`.
    pub port: String,
    /// Speed of the line.
    #[serde(default = "baud")]
    pub baud: u32,
    /// The meter's serial, instead of the number it sends (`1EMH0012345678`).
    pub meter: Option<String>,
    /// How long to wait for a whole file.
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
}

fn baud() -> u32 {
    9600
}

fn timeout_s() -> u64 {
    15
}

/// A meter under an optical head.
#[derive(Debug)]
pub struct Sml {
    config: Config,
}

impl Sml {
    /// Makes the source; touches no wire.
    pub fn new(config: Config) -> Self {
        Sml { config }
    }
}

impl Source for Sml {
    fn name(&self) -> &str {
        let config = &self.config;
        let called = config.name.as_deref().or(config.meter.as_deref());
        called.unwrap_or(&config.port)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.config.timeout_s) + Duration::from_secs(5)
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        let mut port = Port::open(&self.config.port, self.config.baud).await?;
        port.discard()
            .await
            .map_err(|error| gone(&self.config.port, &error))?;
        let wait = Wait {
            address: &self.config.port,
            parity: Parity::None,
            within: Duration::from_secs(self.config.timeout_s),
            hint: HINT,
        };
        let file = Frames::new(&mut port, Cutter::default(), wait)
            .next()
            .await?;
        lists(&file)
            .and_then(|lists| samples(&lists, self.config.meter.as_deref()))
            .map_err(|why| malformed(&self.config.port, why, HINT))
    }
}

/// The registers of a file; `meter` stands for the serial where it is given.
///
/// # Errors
/// [`Unreadable`] when a register is no number of Wh, is below zero or comes twice with two values.
pub fn samples(lists: &[List], meter: Option<&str>) -> Result<Vec<Sample>, Unreadable> {
    let mut samples: Vec<Sample> = Vec::new();
    for list in lists {
        let serial = meter.map_or_else(|| serial(&list.server), str::to_owned);
        for entry in &list.entries {
            let Some(code) = entry.code.filter(|code| code.is_energy_register()) else {
                continue;
            };
            // Without a unit the meter only says that it has such a register (PIN not typed in).
            if entry.unit.is_none() && entry.number.is_none() {
                continue;
            }
            let sample = Sample {
                meter: serial.clone(),
                register: code.register(),
                wh: register_wh(entry)?,
                w: (code.e == 0).then(|| power_of(list, code.c)).flatten(),
                state: MeterState::Good,
                meter_time: entry.time,
            };
            let same =
                |other: &&Sample| other.meter == sample.meter && other.register == sample.register;
            match samples.iter().find(same) {
                Some(other) if other.wh == sample.wh => {}
                Some(_) => {
                    let found = format!("register `{}` twice", sample.register);
                    return Err(Unreadable::new(found, "each register once"));
                }
                None => samples.push(sample),
            }
        }
    }
    Ok(samples)
}

fn register_wh(entry: &Entry) -> Result<u64, Unreadable> {
    if entry.unit != Some(WATT_HOURS) {
        return Err(Unreadable::new(
            format!("an energy register in unit {:?}", entry.unit),
            "unit 30, Wh",
        ));
    }
    let number = entry
        .number
        .ok_or_else(|| Unreadable::new("an energy register without a number", "a number"))?;
    if number < 0 {
        return Err(Unreadable::new(
            "a register below zero",
            "a cumulative register",
        ));
    }
    scaled(number, entry.scaler)
        .and_then(|wh| u64::try_from(wh).ok())
        .filter(|wh| *wh <= MAX_WH)
        .ok_or_else(|| Unreadable::new("a register above 2⁵³ Wh", "a register that a meter has"))
}

/// Power in a direction: `1.7.0` and `2.7.0` where the meter has them, else the signed `16.7.0`.
/// Meters of DZG (a `DZG` number below 60 million) write a sign that is none: their power is left
/// out.
fn power_of(list: &List, direction: u8) -> Option<i32> {
    if list.server.get(2..5) == Some(b"DZG") {
        return None;
    }
    let of = |c: u8| {
        let entry = list.entries.iter().find(|entry| {
            let code = entry.code.map(|k| (k.a, k.c, k.d, k.e, k.f));
            code == Some((1, c, 7, 0, 255)) && entry.unit == Some(WATTS)
        })?;
        i32::try_from(scaled(entry.number?, entry.scaler)?).ok()
    };
    of(direction).or_else(|| {
        let sum = of(16)?;
        Some(if direction == 1 { sum } else { -sum }.max(0))
    })
}

/// A number times ten to the power of `scaler`, its fraction cut off.
fn scaled(number: i128, scaler: i8) -> Option<i64> {
    let number = i64::try_from(number).ok()?;
    if scaler >= 0 {
        Decimal::new(number, 0).scaled(scaler.unsigned_abs().into())
    } else {
        Decimal::new(number, scaler.unsigned_abs().into()).scaled(0)
    }
}

/// `1EMH0012345678` from `0a 01 45 4d 48 00 00 bc 61 4e` (DIN 43863-5; some begin with `09`): medium,
/// maker, block, number of eight digits. Any other name as it is, or in hex where it is no text.
fn serial(server: &[u8]) -> String {
    match *server {
        [0x09 | 0x0a, medium @ 0..=9, a, b, c, block, n1, n2, n3, n4]
            if [a, b, c].iter().all(u8::is_ascii_uppercase) =>
        {
            let number = u32::from_be_bytes([n1, n2, n3, n4]);
            let maker: String = [a, b, c].map(char::from).iter().collect();
            format!("{medium}{maker}{block:02X}{number:08}")
        }
        _ if !server.is_empty() && server.iter().all(u8::is_ascii_alphanumeric) => {
            server.iter().map(|byte| char::from(*byte)).collect()
        }
        _ => server.iter().map(|byte| format!("{byte:02X}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use sml_rs::parser::{
        common::Value,
        complete::{MessageBody, parse},
    };

    use super::{
        super::{port::Framer, text::Code},
        *,
    };

    /// The collection in `tests/data/sml`, by name.
    fn dumps() -> Vec<(String, Vec<u8>)> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/sml");
        let mut dumps: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "bin"))
            .map(|path| {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                (name, fs::read(path).unwrap())
            })
            .collect();
        dumps.sort();
        dumps
    }

    fn cut(dump: &[u8]) -> Vec<Result<Vec<u8>, Unreadable>> {
        let mut cutter = Cutter::default();
        dump.iter().filter_map(|byte| cutter.push(*byte)).collect()
    }

    /// Code, unit, scaler and number of a value.
    type Row = (Vec<u8>, Option<u8>, i8, Option<i128>);

    /// Every value, as the other decoder reads a file.
    fn other_reads(file: &[u8]) -> Option<Vec<Row>> {
        let mut values = Vec::new();
        for message in parse(file).ok()?.messages {
            let MessageBody::GetListResponse(answer) = message.message_body else {
                continue;
            };
            for entry in answer.val_list {
                let number = match entry.value {
                    Value::I8(n) => Some(n.into()),
                    Value::I16(n) => Some(n.into()),
                    Value::I32(n) => Some(n.into()),
                    Value::I64(n) => Some(n.into()),
                    Value::U8(n) => Some(n.into()),
                    Value::U16(n) => Some(n.into()),
                    Value::U32(n) => Some(n.into()),
                    Value::U64(n) => Some(n.into()),
                    _ => None,
                };
                let name = entry.obj_name.to_vec();
                values.push((name, entry.unit, entry.scaler.unwrap_or(0), number));
            }
        }
        Some(values)
    }

    #[test]
    fn every_meter_of_the_collection_reads_as_the_other_decoder_reads_it() {
        let (mut files, mut values) = (0, 0);
        for (name, dump) in dumps() {
            let others: Vec<Vec<u8>> = sml_rs::transport::decode(&dump)
                .into_iter()
                .filter_map(Result::ok)
                .collect();
            let ours: Vec<Vec<u8>> = cut(&dump).into_iter().filter_map(Result::ok).collect();
            assert_eq!(ours, others, "{name}");
            for file in ours {
                let theirs = other_reads(&file);
                let ours = lists(&file).ok().map(|lists| {
                    let entries = lists.into_iter().flat_map(|list| list.entries);
                    let row = |e: Entry| {
                        let name = e
                            .code
                            .map_or(Vec::new(), |k| vec![k.a, k.b, k.c, k.d, k.e, k.f]);
                        (name, e.unit, e.scaler, e.number)
                    };
                    entries.map(row).collect::<Vec<_>>()
                });
                assert_eq!(ours, theirs, "{name}");
                files += 1;
                values += ours.map_or(0, |rows| rows.len());
            }
        }
        assert!(
            files > 150 && values > 1_000,
            "{files} files, {values} values"
        );
    }

    #[test]
    fn registers_of_meters_of_nine_makers() {
        for (name, expected) in [
            (
                "DZG_DVS-7420.2V.G2_mtr2_neg",
                "1DZG0060694611 1.8.0 13232, 2.8.0 1500321",
            ),
            (
                "DrNeuhaus_SMARTY_ix-130",
                "1DNT0100008240 2.8.0 4373, 2.8.1 4373, 2.8.2 0",
            ),
            ("EMH_eHZ361L5R", "1001185 2.8.1 110340315"),
            (
                "EMH_mME40-AE6AKF0K0",
                "1EMH0010599732 1.8.0 428896 (2623 W)",
            ),
            (
                "EasyMeter_Q3A_A1064V1009",
                "1ESY1162232997 1.8.0 2941646 (810 W), 2.8.0 110073 (0 W)",
            ),
            (
                "HOLLEY_DTZ541-ZDBA",
                "1HLY0200239888 1.8.1 0, 1.8.2 177360, 2.8.0 314926 (0 W)",
            ),
            (
                "ISKRA_MT175_D1A52-V22-K0t",
                "0649534B010E1F66299A 1.8.0 10732309 (0 W), 1.8.1 10732309, 1.8.2 0, \
                 2.8.0 28275324 (4308 W), 2.8.1 28275324, 2.8.2 0",
            ),
            (
                "ITRON_OpenWay-3.HZ_without_PIN",
                "1ITR0055046208 1.8.0 25688000",
            ),
            (
                "eBZ_DD3_DD32R06DTA-SMZ1",
                "1EBZ0100191547 1.8.0 13024000, 1.8.1 13023000, 1.8.2 1000, 2.8.0 1000",
            ),
        ] {
            let dumps = dumps();
            let dump = &dumps.iter().find(|(other, _)| other == name).unwrap().1;
            let file = cut(dump).into_iter().find_map(Result::ok).unwrap();
            let samples = lists(&file)
                .and_then(|lists| samples(&lists, None))
                .unwrap();
            let rows: Vec<String> = samples
                .iter()
                .map(|s| {
                    let w = s.w.map_or(String::new(), |w| format!(" ({w} W)"));
                    format!("{} {}{w}", s.register, s.wh)
                })
                .collect();
            let read = format!("{} {}", samples[0].meter, rows.join(", "));
            assert_eq!(read, expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_register_in_wh_is_refused() {
        let entry = |unit, scaler, number| Entry {
            code: Code::read("1-0:2.8.0"),
            time: None,
            unit,
            scaler,
            number,
        };
        for (entry, why) in [
            (entry(Some(27), 0, Some(1)), "unit"),
            (entry(None, 0, Some(1)), "unit"),
            (entry(Some(30), 0, None), "number"),
            (entry(Some(30), 0, Some(-1)), "below zero"),
            (entry(Some(30), 127, Some(1)), "above"),
            (entry(Some(30), 0, Some(i128::from(u64::MAX))), "above"),
        ] {
            let list = List {
                server: vec![1],
                entries: vec![entry],
            };
            let error = samples(&[list], None).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
