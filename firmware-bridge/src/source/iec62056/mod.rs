//! Meters with an optical head: IEC 62056-21, modes A, B and C, readout.
//!
//! [`session`] holds the protocol; here are the configuration, the line, and what the data mean.
//! Registers are the data sets `1.8.x` and `2.8.x` of now; values of earlier billing periods
//! (`1.8.0*01`) and everything else are left out. The meter's clock (`0.9.1`) is local time without
//! a zone and is left out as well. `F.F`, the fault word, becomes the meter's state.

pub mod session;

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::{
    MeterState, Sample, Source, SourceError,
    port::{Parity, Port, gone, malformed},
    text::{Code, DataSet, Decimal, Unreadable, data_sets, energy_wh, power_w, shown},
};
use session::{Action, Session};

/// Codes under which meters show their serial, in the order in which they are looked for.
const SERIALS: [&str; 6] = ["0.0.0", "0.0", "C.1.0", "C.1", "1-0:0.0.0*255", "1-0:0.0.0"];
/// Between the answer and the acknowledgement, and before the speed changes: the meter's reaction
/// time is 200 ms at least.
const REACTION: Duration = Duration::from_millis(300);
const HINT: &str = "look at the head's place on the meter, `framing`, `max_baud` and `address`";

/// `[[source]]` of `kind = "iec62056"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to call it; without one, the meter's serial or the port.
    pub name: Option<String>,
    /// Path of the serial port, or `tcp:host:port`.
    pub port: String,
    /// Address of the meter, where several are on one line.
    #[serde(default)]
    pub address: String,
    /// The meter's serial, instead of what it shows under `0.0.0` or `C.1.0`.
    pub meter: Option<String>,
    /// The highest speed the head can follow; 300 for one that cannot switch.
    #[serde(default = "max_baud")]
    pub max_baud: u32,
    /// How a byte goes over the line: `7E1`, as the standard has it, or `8N1`.
    #[serde(default = "framing")]
    pub framing: Parity,
    /// How long a whole readout may take.
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
}

fn max_baud() -> u32 {
    9600
}

fn framing() -> Parity {
    Parity::Even
}

/// A readout of a large meter at 300 baud takes more than a minute.
fn timeout_s() -> u64 {
    120
}

/// A meter under an optical head.
#[derive(Debug)]
pub struct Iec62056 {
    config: Config,
}

impl Iec62056 {
    /// Makes the source; touches no wire.
    ///
    /// # Errors
    /// [`SourceError::Config`] for an address that cannot be sent.
    pub fn new(config: Config) -> Result<Self, SourceError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b' ';
        if config.address.len() > 32 || !config.address.bytes().all(plain) {
            return Err(SourceError::Config {
                device: config.port,
                reason: format!("address {} is none", shown(&config.address)),
                hint: "use up to 32 digits or letters, or leave `address` out",
            });
        }
        Ok(Iec62056 { config })
    }

    async fn read_out(&self, port: &mut Port) -> Result<String, SourceError> {
        let device = &self.config.port;
        let lost = |error| gone(device, &error);
        let within = Duration::from_secs(self.config.timeout_s);
        let until = Instant::now() + within;
        let mut session = Session::new(&self.config.address, self.config.max_baud);
        let mut buffer = Vec::new();
        port.discard().await.map_err(lost)?;
        loop {
            match session.poll() {
                Action::Send(bytes) => {
                    tokio::time::sleep(REACTION).await;
                    let wire: Vec<u8> = bytes
                        .iter()
                        .map(|b| self.config.framing.dressed(*b))
                        .collect();
                    port.write(&wire).await.map_err(lost)?;
                    // At 300 baud and 10 bits a byte; the write may return before the bytes are out.
                    let ms = wire.len() as u64 * 10_000 / u64::from(session::OPENING_BAUD);
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                Action::Baud(baud) => port.set_baud(baud).map_err(lost)?,
                Action::Listen => {
                    buffer.clear();
                    match tokio::time::timeout_at(until, port.read(&mut buffer)).await {
                        Ok(read) => read.map_err(lost)?,
                        Err(_) if session.heard() => {
                            let why =
                                Unreadable::new("an answer that broke off", "a whole readout");
                            return Err(malformed(device, why, HINT));
                        }
                        Err(_) => {
                            return Err(SourceError::Timeout {
                                device: device.clone(),
                                after_ms: self.config.timeout_s.saturating_mul(1000),
                                hint: HINT,
                            });
                        }
                    }
                    for byte in &buffer {
                        session.input(self.config.framing.undressed(*byte));
                    }
                }
                Action::Done { data, .. } => return Ok(data),
                Action::Failed(why) => return Err(malformed(device, why, HINT)),
            }
        }
    }
}

impl Source for Iec62056 {
    fn name(&self) -> &str {
        let config = &self.config;
        let called = config.name.as_deref().or(config.meter.as_deref());
        called.unwrap_or(&config.port)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.config.timeout_s) + Duration::from_secs(5)
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        let mut port = Port::open(&self.config.port, session::OPENING_BAUD).await?;
        let data = self.read_out(&mut port).await?;
        samples(&data, self.config.meter.as_deref()).map_err(|why| {
            malformed(
                &self.config.port,
                why,
                "set `meter` if the serial is missing",
            )
        })
    }
}

/// What the data of a readout say; `meter` stands for the serial where it is given.
///
/// # Errors
/// [`Unreadable`] when a line, a register's value or unit cannot be read, a register comes twice
/// with two values, or there is no serial.
pub fn samples(data: &str, meter: Option<&str>) -> Result<Vec<Sample>, Unreadable> {
    let sets = data_sets(data)?;
    let text_of = |id: &str| {
        let set = sets.iter().find(|set| set.id == id)?;
        Some(set.values[0].text.trim()).filter(|text| !text.is_empty())
    };
    let serial = meter
        .or_else(|| SERIALS.iter().find_map(|id| text_of(id)))
        .ok_or_else(|| Unreadable::new("no serial (`0.0.0`, `C.1.0`)", "the meter's serial"))?;
    let fault = text_of("F.F").is_some_and(|word| word.bytes().any(|b| b != b'0'));
    let state = if fault {
        MeterState::OtherError
    } else {
        MeterState::Good
    };
    let mut samples: Vec<Sample> = Vec::new();
    for set in &sets {
        let Some(code) = Code::read(set.id).filter(|code| code.is_energy_register()) else {
            continue;
        };
        let sample = Sample {
            meter: serial.to_owned(),
            register: code.register(),
            wh: register_wh(set)?,
            w: (code.e == 0).then(|| power_of(&sets, code.c)).flatten(),
            state,
            meter_time: None,
        };
        match samples
            .iter()
            .find(|other| other.register == sample.register)
        {
            Some(other) if other.wh == sample.wh => {}
            Some(_) => {
                return Err(Unreadable::new(
                    format!("register `{}` twice", sample.register),
                    "each register once",
                ));
            }
            None => samples.push(sample),
        }
    }
    Ok(samples)
}

fn register_wh(set: &DataSet<'_>) -> Result<u64, Unreadable> {
    let [value] = set.values[..] else {
        return Err(Unreadable::new(shown(&set.to_string()), "one value"));
    };
    let unit = value
        .unit
        .ok_or_else(|| Unreadable::new(shown(&set.to_string()), "a value with its unit"))?;
    energy_wh(Decimal::read(value.text)?, unit)
}

/// Power in a direction: `1.7.0` or `2.7.0`.
fn power_of(sets: &[DataSet<'_>], direction: u8) -> Option<i32> {
    let set = sets.iter().find(|set| {
        Code::read(set.id).is_some_and(|code| {
            (code.a, code.c, code.d, code.e, code.f) == (1, direction, 7, 0, 255)
        })
    })?;
    let value = set.values[0];
    power_w(Decimal::read(value.text).ok()?, value.unit?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::text::MAX_WH, *};

    /// A Landis+Gyr E350, from github.com/saliWd/strommesser (the simulated answer in the Pico's
    /// program), data of the readout only.
    const E350: &str = "F.F(00)\r\n0.0(          120858)\r\nC.1.0(13647123)\r\nC.1.1(        )\r\n\
        1.8.1(042951.721*kWh)\r\n1.8.2(018609.568*kWh)\r\n2.8.1(000000.302*kWh)\r\n\
        2.8.2(000010.188*kWh)\r\n1.8.0(061561.289*kWh)\r\n2.8.0(000010.490*kWh)\r\n\
        15.8.0(061571.780*kWh)\r\nC.7.0(0008)\r\n32.7(241*V)\r\n52.7(243*V)\r\n72.7(242*V)\r\n\
        31.7(000.35*A)\r\n51.7(000.52*A)\r\n71.7(000.47*A)\r\n82.8.1(0000)\r\n82.8.2(0000)\r\n\
        0.2.0(M26)\r\nC.5.0(0401)\r\n";

    fn table(samples: &[Sample]) -> Vec<(String, u64, Option<i32>)> {
        samples
            .iter()
            .map(|s| (s.register.clone(), s.wh, s.w))
            .collect()
    }

    #[test]
    fn a_landis_gyr_e350_shows_six_registers() {
        // Its check character as it was recorded: 0x01.
        let mut wire = format!("{E350}!\r\n\x03").into_bytes();
        wire.push(1);
        let data = session::data_of(&wire).unwrap();
        let samples = samples(&data, None).unwrap();
        assert_eq!(samples[0].meter, "120858");
        assert_eq!(
            table(&samples),
            [
                ("1.8.1".into(), 42_951_721, None),
                ("1.8.2".into(), 18_609_568, None),
                ("2.8.1".into(), 302, None),
                ("2.8.2".into(), 10_188, None),
                ("1.8.0".into(), 61_561_289, None),
                ("2.8.0".into(), 10_490, None),
            ]
        );
    }

    #[test]
    fn earlier_periods_and_other_quantities_are_left_out() {
        let data = "0.0.0(4711)\r\n2.8.0(5.0*kWh)\r\n2.8.0*01(4.0*kWh)\r\n2.8.0&02(3*kWh)\r\n\
            3.8.0(9*kvarh)\r\n2.7.0(1.25*kW)\r\n0.9.1(121500)\r\n";
        let samples = samples(data, None).unwrap();
        assert_eq!(table(&samples), [("2.8.0".into(), 5_000, Some(1_250))]);
        assert_eq!(samples[0].state, MeterState::Good);
    }

    #[test]
    fn a_fault_word_is_the_state_of_every_register() {
        let samples = samples("F.F(01000000)\r\n2.8.0(5*kWh)\r\n", Some("A1")).unwrap();
        assert_eq!(samples[0].state, MeterState::OtherError);
    }

    #[test]
    fn what_cannot_be_a_register_is_refused_with_its_reason() {
        for (data, why) in [
            ("0.0.0(1)\r\n2.8.0(5)\r\n", "unit"),
            ("0.0.0(1)\r\n2.8.0(5*kW)\r\n", "kWh"),
            ("0.0.0(1)\r\n2.8.0(-5*kWh)\r\n", "below zero"),
            ("0.0.0(1)\r\n2.8.0(5 *kWh)\r\n", "decimal"),
            ("0.0.0(1)\r\n2.8.0(5*kWh)(6*kWh)\r\n", "one value"),
            ("0.0.0(1)\r\n2.8.0(5*kWh)\r\n1-0:2.8.0(6*kWh)\r\n", "twice"),
            ("2.8.0(5*kWh)\r\n", "serial"),
        ] {
            let error = samples(data, None).unwrap_err().to_string();
            assert!(error.contains(why), "{data}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn registers_written_by_a_meter_read_back(import in 0..=MAX_WH, export in 0..=MAX_WH) {
            let kwh = |wh: u64| format!("{}.{:03}*kWh", wh / 1000, wh % 1000);
            let data = format!("0.0.0(A1)\r\n1.8.0({})\r\n2.8.0({})\r\n", kwh(import), kwh(export));
            let mut wire = format!("{data}!\r\n\x03").into_bytes();
            wire.push(wire.iter().fold(0, |sum, byte| sum ^ byte));
            let read = samples(&session::data_of(&wire).unwrap(), None).unwrap();
            let expected = [("1.8.0".into(), import, None), ("2.8.0".into(), export, None)];
            prop_assert_eq!(table(&read), expected);
        }
    }
}
