//! Where reads come from: a device on a wire, read as it is.
//!
//! A [`Source`] is one device, or one line of devices that send by themselves. It is polled; a poll
//! gives what each register showed, as [`Sample`]s, or says why it could not. A source never waits
//! longer than its own time-outs, never remembers a value (but [`s0`] and [`emon`], whose devices
//! forget, keep their counts on disk), and never gives a number that the device
//! did not show: a register that the device does not have is absent, never 0. A source that failed
//! may be polled again at once; it starts from a fresh connection.
//!
//! Sources are made from the configuration, `[[source]]` with a `kind`; every kind has its own
//! struct, which refuses keys it does not know. Making one touches no wire: a device that is down
//! is met at the first poll. Two sources on one serial line or one network address share it through
//! [`modbus::Buses`], so that a line has one talker and an inverter one client.
//!
//! Times are given by the caller; only a meter with a clock of its own adds `meter_time`.

pub mod crc;
pub mod emon;
pub mod iec62056;
pub mod keep;
pub mod modbus;
pub mod number;
pub mod p1;
pub mod port;
pub mod register_map;
pub mod s0;
pub mod sml;
pub mod sunspec;
pub mod text;

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;

pub use wire::note::MeterState;

/// What one register of one meter showed when it was polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The meter's serial text.
    pub meter: String,
    /// OBIS code of the register: `2.8.0` generation or export, `1.8.0` import.
    pub register: String,
    /// The register, in whole Wh; a fraction is cut off.
    pub wh: u64,
    /// Power at that instant in W, positive in the direction of the register, where the meter gives
    /// it.
    pub w: Option<i32>,
    /// What the source knows about the meter's health.
    pub state: MeterState,
    /// The meter's own time of this value, where it has a clock that it shows.
    pub meter_time: Option<Timestamp>,
}

/// Why a poll gave nothing. `device` is what the configuration calls it: a name, an address, a port.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// Nothing came in time. The connection has been dropped: a late answer must not be taken for
    /// the next one.
    #[error("`{device}` did not answer within {after_ms} ms\nhint: {hint}")]
    Timeout {
        /// Who was asked.
        device: String,
        /// How long the answer was waited for.
        after_ms: u64,
        /// What to look at.
        hint: &'static str,
    },
    /// The line or the connection is not there.
    #[error("`{device}` cannot be reached: {reason}\nhint: {hint}")]
    Gone {
        /// What was to be reached.
        device: String,
        /// What the system said.
        reason: String,
        /// What to look at.
        hint: &'static str,
    },
    /// The device answered, and said no.
    #[error("`{device}` refused: {reason}\nhint: {hint}")]
    Refused {
        /// Who was asked.
        device: String,
        /// What it said.
        reason: String,
        /// What to look at.
        hint: &'static str,
    },
    /// The device answered with something that is not what it should be.
    #[error("`{device}` sent {found}; expected {expected}\nhint: {hint}")]
    Malformed {
        /// Who was asked.
        device: String,
        /// What was seen.
        found: String,
        /// What should have been there.
        expected: String,
        /// What to look at.
        hint: &'static str,
    },
    /// It will not work before somebody changes the configuration.
    #[error("`{device}`: {reason}\nhint: {hint}")]
    Config {
        /// The source as the configuration calls it.
        device: String,
        /// What is wrong.
        reason: String,
        /// What to change.
        hint: &'static str,
    },
}

/// One device or line that can be polled.
pub trait Source: Send {
    /// What the configuration or, without one, the address calls it; for logs and `status`.
    fn name(&self) -> &str;

    /// Asks once. An empty list is an answer: the device is there and shows no register now (an
    /// inverter at night, a line between two telegrams).
    ///
    /// # Errors
    /// [`SourceError`]; the next poll starts afresh.
    fn poll(&mut self) -> impl Future<Output = Result<Vec<Sample>, SourceError>> + Send;

    /// How long a poll may take by the source's own time-outs, where that can be long: a readout at
    /// 300 baud, two lines of a device that sends each 10 s. Whoever polls gives up no earlier.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// What a person should see although reads come; for `status`.
    fn remark(&self) -> Option<String> {
        None
    }
}

/// `[[source]]` of the configuration. A new kind adds one variant here, in [`AnySource`] and in the
/// three `match`es below.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum SourceConfig {
    /// A SunSpec device over Modbus.
    SunSpec(sunspec::Config),
    /// Any Modbus device, by a register map.
    Modbus(register_map::Config),
    /// A meter that gives pulses.
    S0(s0::Config),
    /// An emonTx or emonPi.
    Emon(emon::Config),
    /// A meter with an optical head, IEC 62056-21.
    Iec62056(iec62056::Config),
    /// A Dutch or Belgian meter, DSMR P1.
    P1(p1::Config),
    /// A German meter that pushes SML.
    Sml(sml::Config),
}

impl SourceConfig {
    /// What the configuration calls it.
    pub fn name(&self) -> Option<&str> {
        let name = match self {
            SourceConfig::SunSpec(config) => &config.name,
            SourceConfig::Modbus(config) => &config.name,
            SourceConfig::S0(config) => &config.name,
            SourceConfig::Emon(config) => &config.name,
            SourceConfig::Iec62056(config) => &config.name,
            SourceConfig::P1(config) => &config.name,
            SourceConfig::Sml(config) => &config.name,
        };
        name.as_deref()
    }
}

/// Any source that a configuration can name.
#[derive(Debug)]
pub enum AnySource {
    /// A SunSpec device over Modbus.
    SunSpec(sunspec::SunSpec),
    /// Any Modbus device, by a register map.
    Modbus(register_map::Mapped),
    /// A meter that gives pulses.
    S0(s0::S0),
    /// An emonTx or emonPi.
    Emon(emon::Emon),
    /// A meter with an optical head, IEC 62056-21.
    Iec62056(iec62056::Iec62056),
    /// A Dutch or Belgian meter, DSMR P1.
    P1(p1::P1),
    /// A German meter that pushes SML.
    Sml(sml::Sml),
}

impl AnySource {
    /// Makes the source; touches no wire.
    ///
    /// # Errors
    /// [`SourceError::Config`] when it can never work so.
    pub fn open(config: &SourceConfig, buses: &modbus::Buses) -> Result<Self, SourceError> {
        Ok(match config {
            SourceConfig::SunSpec(config) => {
                AnySource::SunSpec(sunspec::SunSpec::open(config, buses)?)
            }
            SourceConfig::Modbus(config) => {
                AnySource::Modbus(register_map::Mapped::open(config, buses)?)
            }
            SourceConfig::S0(config) => AnySource::S0(s0::S0::new(config.clone())?),
            SourceConfig::Emon(config) => AnySource::Emon(emon::Emon::new(config.clone())?),
            SourceConfig::Iec62056(config) => {
                AnySource::Iec62056(iec62056::Iec62056::new(config.clone())?)
            }
            SourceConfig::P1(config) => AnySource::P1(p1::P1::new(config.clone())),
            SourceConfig::Sml(config) => AnySource::Sml(sml::Sml::new(config.clone())),
        })
    }
}

impl Source for AnySource {
    fn name(&self) -> &str {
        match self {
            AnySource::SunSpec(source) => source.name(),
            AnySource::Modbus(source) => source.name(),
            AnySource::S0(source) => source.name(),
            AnySource::Emon(source) => source.name(),
            AnySource::Iec62056(source) => source.name(),
            AnySource::P1(source) => source.name(),
            AnySource::Sml(source) => source.name(),
        }
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        match self {
            AnySource::SunSpec(source) => source.poll().await,
            AnySource::Modbus(source) => source.poll().await,
            AnySource::S0(source) => source.poll().await,
            AnySource::Emon(source) => source.poll().await,
            AnySource::Iec62056(source) => source.poll().await,
            AnySource::P1(source) => source.poll().await,
            AnySource::Sml(source) => source.poll().await,
        }
    }

    fn patience(&self) -> Duration {
        match self {
            AnySource::Emon(source) => source.patience(),
            AnySource::Iec62056(source) => source.patience(),
            AnySource::P1(source) => source.patience(),
            AnySource::Sml(source) => source.patience(),
            _ => Duration::ZERO,
        }
    }

    fn remark(&self) -> Option<String> {
        match self {
            AnySource::S0(source) => source.remark(),
            _ => None,
        }
    }
}
