//! SunSpec devices: inverters and meters that say themselves what their registers mean.
//!
//! A device is found by walking its [`chain`] of models; [`model`] says where energy stands in each,
//! [`shown`] turns registers into exact watt-hours, and a [`Machine`] is what has a serial number.
//! What is published is the register as the device shows it, scaled; that a 32-bit counter wraps is
//! for the daemon to judge.
//!
//! We read the models ourselves instead of with the crate `sunspec` (0.9.1), which was weighed: it
//! keeps one address for a model number, so that of two meters on a chain one is lost; it takes an
//! accumulator of 0 for a number; and it reads model 701 in two requests, the energy in one and its
//! scale factor in the other.

pub mod chain;
mod machine;
pub mod model;
pub mod shown;
mod string;

use serde::Deserialize;
use tracing::{info, warn};

pub use machine::Machine;

use super::{
    Sample, Source, SourceError,
    modbus::{Address, Buses, Device, Table, unit_trouble},
};
use chain::{Block, Chain, ChainError, Identity};
use machine::machines;
use model::{COMMON, Family, Model};
use shown::{ModelShown, show};
use string::read_strings;

/// `kind = "sunspec"`.
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
    /// The serial text to publish for the first machine instead of the device's own.
    pub meter: Option<String>,
    /// Whether to publish the direct-current energy of each string (model 160) as meters of their
    /// own, `SERIAL/dc1`...
    #[serde(default)]
    pub strings: bool,
}

pub(super) fn unit_one() -> u8 {
    1
}

/// A device that was walked: its chain, who it is and what machines it holds.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The models.
    pub chain: Chain,
    /// The common models in their order.
    pub identities: Vec<Identity>,
    /// The machines that hold energy.
    pub machines: Vec<Machine>,
    /// Models 160 with the serial text of their inverter.
    strings: Vec<(String, Block)>,
}

/// One SunSpec device.
#[derive(Debug)]
pub struct SunSpec {
    name: String,
    device: Device,
    meter: Option<String>,
    with_strings: bool,
    survey: Option<Survey>,
    /// Where the chain was when it was walked last.
    base: Option<u16>,
    /// Which model is read for each machine, by serial; kept when the chain is walked again.
    chosen: std::collections::BTreeMap<String, u16>,
}

impl SunSpec {
    /// Makes the source; touches no wire.
    ///
    /// # Errors
    /// [`SourceError::Config`] for a unit number that no device can have.
    pub fn open(config: &Config, buses: &Buses) -> Result<Self, SourceError> {
        let name = config
            .name
            .clone()
            .unwrap_or_else(|| format!("{} unit {}", config.address, config.unit));
        if let Some(reason) = unit_trouble(&config.address, config.unit) {
            return Err(SourceError::Config {
                device: name,
                reason,
                hint: "a network inverter is mostly unit 1; `scan` finds it",
            });
        }
        Ok(SunSpec {
            name,
            device: buses.device(&config.address, config.unit),
            meter: config.meter.clone(),
            with_strings: config.strings,
            survey: None,
            base: None,
            chosen: std::collections::BTreeMap::new(),
        })
    }

    async fn read_all(&mut self) -> Result<Vec<Sample>, SourceError> {
        if self.survey.is_none() {
            let survey = survey(&self.device, &self.name, self.meter.as_deref(), self.base).await?;
            self.base = Some(survey.chain.base);
            let machines: Vec<&str> = survey.machines.iter().map(|m| &*m.serial).collect();
            info!(source = self.name, ?machines, "walked the SunSpec chain");
            self.survey = Some(survey);
        }
        let survey = self.survey.as_ref().expect("walked just now");
        let mut samples = Vec::new();
        let mut first_error = None;
        for machine in &survey.machines {
            match read_machine(&self.device, &self.name, machine, &mut self.chosen).await {
                Ok(read) => samples.extend(read),
                // One machine that refuses does not silence the others on its chain.
                Err(error @ (SourceError::Refused { .. } | SourceError::Malformed { .. })) => {
                    warn!(source = self.name, meter = machine.serial, %error, "not read");
                    first_error.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if self.with_strings {
            for (serial, block) in &survey.strings {
                samples.extend(read_strings(&self.device, &self.name, serial, block).await?);
            }
        }
        match first_error {
            Some(error) if samples.is_empty() => Err(error),
            Some(_) => {
                // Walked again at the next poll: the chain may have changed under us.
                self.survey = None;
                Ok(samples)
            }
            None => Ok(samples),
        }
    }
}

impl Source for SunSpec {
    fn name(&self) -> &str {
        &self.name
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        let read = self.read_all().await;
        if read.is_err() {
            self.survey = None;
        }
        read
    }
}

/// Walks a device and names its machines. `meter` stands for the first one's serial number, and
/// `known` is where the chain was before.
///
/// # Errors
/// [`SourceError`], also when a serial number is missing and `meter` does not give one.
pub async fn survey(
    device: &Device,
    name: &str,
    meter: Option<&str>,
    known: Option<u16>,
) -> Result<Survey, SourceError> {
    let chain = chain::walk(device, known).await.map_err(|e| match e {
        ChainError::Read(error) => device.explain(name, error),
        ChainError::NotSunSpec => SourceError::Malformed {
            device: name.to_owned(),
            found: e.to_string(),
            expected: "a SunSpec map".to_owned(),
            hint: "switch SunSpec on in the device's menu, or read it with kind = \"modbus\" and a register map",
        },
        ChainError::Broken(found) => SourceError::Malformed {
            device: name.to_owned(),
            found,
            expected: "a chain of SunSpec models that ends with 0xFFFF".to_owned(),
            hint: "ask the maker for newer firmware, or read it with kind = \"modbus\" and a register map",
        },
    })?;
    let mut identities = Vec::new();
    for block in chain.blocks.iter().filter(|block| block.id == COMMON) {
        identities.push(
            chain::identity(device, block)
                .await
                .map_err(|e| device.explain(name, e))?,
        );
    }
    let (machines, strings) =
        machines(&chain, &identities, meter).map_err(|reason| SourceError::Config {
            device: name.to_owned(),
            reason,
            hint: "give it one in the configuration, from the label on the device: `meter = \"...\"`",
        })?;
    Ok(Survey {
        chain,
        identities,
        machines,
        strings,
    })
}

async fn read_machine(
    device: &Device,
    name: &str,
    machine: &Machine,
    chosen: &mut std::collections::BTreeMap<String, u16>,
) -> Result<Vec<Sample>, SourceError> {
    let settled = chosen.get(&machine.serial).copied();
    for (block, model) in &machine.views {
        if settled.is_some_and(|id| id != model.id) {
            continue;
        }
        let shown = read_model(device, name, block, model).await?;
        let samples = samples_of(&machine.serial, model, &shown);
        if !samples.is_empty() {
            chosen.insert(machine.serial.clone(), model.id);
            return Ok(samples);
        }
    }
    Ok(Vec::new())
}

/// Reads one model, energy and its scale factors in one request.
///
/// # Errors
/// [`SourceError`]; `Malformed` also when another model stands there now.
pub async fn read_model(
    device: &Device,
    name: &str,
    block: &Block,
    model: &Model,
) -> Result<ModelShown, SourceError> {
    let malformed = |found: String, expected: String| SourceError::Malformed {
        device: name.to_owned(),
        found,
        expected,
        hint: "look at the device with `scan`; if its display shows the same, tell its maker",
    };
    let span = model.span();
    if block.length + 2 < span {
        return Err(malformed(
            format!("model {} of {} registers", model.id, block.length),
            format!("at least {}", span - 2),
        ));
    }
    let words = device
        .read(Table::Holding, block.at, span)
        .await
        .map_err(|e| device.explain(name, e))?;
    if words[0] != model.id || words[1] != block.length {
        return Err(malformed(
            format!(
                "model {} of {} registers at {}",
                words[0], words[1], block.at
            ),
            format!("model {} of {}", model.id, block.length),
        ));
    }
    show(model, &words).map_err(|(found, expected)| malformed(found, expected.to_owned()))
}

fn samples_of(serial: &str, model: &Model, shown: &ModelShown) -> Vec<Sample> {
    shown
        .energy
        .iter()
        .filter_map(|energy| {
            let outgoing = model.family == Family::Inverter && energy.register == "2.8.0";
            Some(Sample {
                meter: serial.to_owned(),
                register: energy.register.to_owned(),
                wh: energy.wh?,
                w: shown.w.filter(|_| outgoing),
                state: shown.state,
                meter_time: None,
            })
        })
        .collect()
}
