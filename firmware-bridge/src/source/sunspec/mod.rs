//! SunSpec devices: inverters and meters that say themselves what their registers mean.
//!
//! A device is found by walking its [`chain`] of models; [`model`] says where energy stands in each,
//! [`shown`] turns registers into exact watt-hours. What is published is the register as the device
//! shows it, scaled; that a 32-bit counter wraps is for the daemon to judge.
//!
//! **Machines.** Several models may describe one machine: the integer and the float form of an
//! inverter, and model 701 beside them. One of them is read: at the first poll that shows energy, the
//! widest counter that does, and the same one from then on, because two counters of one machine need
//! not agree. Under one common model the first inverter has the serial number; a meter beside it is
//! `SERIAL/meter`, a second one `SERIAL/2`. A common model without a serial number, where it is not
//! the first, is `FIRST/2`, `FIRST/3`...
//!
//! We read the models ourselves instead of with the crate `sunspec` (0.9.1), which was weighed: it
//! keeps one address for a model number, so that of two meters on a chain one is lost; it takes an
//! accumulator of 0 for a number; and it reads model 701 in two requests, the energy in one and its
//! scale factor in the other.

pub mod chain;
pub mod model;
pub mod shown;

use serde::Deserialize;
use tracing::{info, warn};

use super::{
    MeterState, Sample, Source, SourceError,
    modbus::{Address, Buses, Device, MAX_REGISTERS, ReadError, Table, unit_trouble},
    number::Number,
};
use chain::{Block, Chain, ChainError, Identity};
use model::{COMMON, Family, Model, STRINGS, strings};
use shown::{ModelShown, show};

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

/// One inverter or meter, seen through one or more models.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The serial text to publish.
    pub serial: String,
    /// What it is.
    pub family: Family,
    /// The models that show it, the best first.
    pub views: Vec<(Block, &'static Model)>,
    /// Index of the common model that names it.
    pub identity: Option<usize>,
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

type Named = (Vec<Machine>, Vec<(String, Block)>);

fn machines(chain: &Chain, identities: &[Identity], meter: Option<&str>) -> Result<Named, String> {
    let first = match (meter, identities.first()) {
        (Some(meter), _) => meter.to_owned(),
        (None, Some(identity)) if !identity.serial.is_empty() => identity.serial.clone(),
        _ => return Err("the device gives no serial number".to_owned()),
    };
    let mut machines: Vec<Machine> = Vec::new();
    let mut strings = Vec::new();
    let mut commons = 0_usize;
    let mut serial = first.clone();
    // Machines of the present common model start here.
    let mut from = 0;
    for block in &chain.blocks {
        if block.id == COMMON {
            commons += 1;
            from = machines.len();
            serial = match identities.get(commons - 1) {
                _ if commons == 1 => first.clone(),
                Some(identity) if !identity.serial.is_empty() => identity.serial.clone(),
                _ => format!("{first}/{commons}"),
            };
        } else if block.id == STRINGS {
            strings.push((serial.clone(), *block));
        } else if let Some(model) = Model::with_id(block.id) {
            // A machine that this model's class has not shown yet, or a new one.
            let known = machines[from..].iter_mut().find(|machine| {
                machine.family == model.family
                    && machine
                        .views
                        .iter()
                        .all(|(_, seen)| seen.rank != model.rank)
            });
            match known {
                Some(machine) => {
                    machine.views.push((*block, model));
                    machine.views.sort_by_key(|(_, model)| model.rank);
                }
                None => {
                    let name = unused(&serial, model.family, &machines);
                    machines.push(Machine {
                        serial: name,
                        family: model.family,
                        views: vec![(*block, model)],
                        identity: commons.checked_sub(1),
                    });
                }
            }
        }
    }
    // An inverter has the bare serial even when its meter comes first on the chain.
    for at in 0..machines.len() {
        let plain = machines[at].serial.clone();
        let beside = format!("{plain}/meter");
        let identity = machines[at].identity;
        if machines[at].family == Family::Meter
            && let Some(other) = machines.iter().position(|m| {
                m.family == Family::Inverter
                    && m.identity == identity
                    && m.serial == format!("{plain}/2")
            })
        {
            machines[at].serial = beside;
            machines[other].serial = plain;
        }
    }
    Ok((machines, strings))
}

fn unused(serial: &str, family: Family, machines: &[Machine]) -> String {
    let beside_inverter = family == Family::Meter
        && machines
            .iter()
            .any(|m| m.serial == serial && m.family == Family::Inverter);
    let stem = if beside_inverter {
        format!("{serial}/meter")
    } else {
        serial.to_owned()
    };
    let taken = |name: &str| machines.iter().any(|m| m.serial == name);
    if !taken(&stem) {
        return stem;
    }
    (2..)
        .map(|n| format!("{stem}/{n}"))
        .find(|name| !taken(name))
        .expect("a chain has fewer machines than there are numbers")
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

/// Reads the strings of a model 160. More strings than come with the head are read in further
/// requests, between two reads of the head that must agree.
async fn read_strings(
    device: &Device,
    name: &str,
    serial: &str,
    block: &Block,
) -> Result<Vec<Sample>, SourceError> {
    let read = async |from: u16, count: u16| -> Result<Vec<u16>, ReadError> {
        device.read(Table::Holding, from, count).await
    };
    let explain = |error| device.explain(name, error);
    let fits = (block.length + 2).saturating_sub(strings::HEAD) / strings::EACH;
    let with_head = fits.min(strings::WITH_HEAD);
    let size = strings::HEAD + with_head * strings::EACH;
    let mut words = read(block.at, size).await.map_err(explain)?;
    let count = words[usize::from(strings::COUNT)].min(fits);
    let head = words[..usize::from(strings::HEAD)].to_vec();
    let each_read = MAX_REGISTERS / strings::EACH;
    let mut have = with_head;
    while have < count {
        let more = (count - have).min(each_read);
        let from = block.at + strings::HEAD + have * strings::EACH;
        words.extend(read(from, more * strings::EACH).await.map_err(explain)?);
        have += more;
    }
    if count > with_head {
        let again = read(block.at, strings::HEAD).await.map_err(explain)?;
        if again[usize::from(strings::SCALE)] != head[usize::from(strings::SCALE)] {
            warn!(
                source = name,
                "a scale factor of the strings changed while they were read"
            );
            return Ok(Vec::new());
        }
    }
    let factor = |name, at: u16| {
        shown::scale_factor(name, head[usize::from(at)])
            .ok()
            .flatten()
    };
    let Some(scale) = factor("DCWH_SF", strings::SCALE) else {
        return Ok(Vec::new());
    };
    let power_scale = factor("DCW_SF", strings::POWER_SCALE);
    let samples = words[usize::from(strings::HEAD)..]
        .chunks(strings::EACH.into())
        .take(count.into())
        .enumerate()
        .filter_map(|(index, string)| {
            let at = usize::from(strings::ENERGY);
            let wh = i128::from(string[at]) << 16 | i128::from(string[at + 1]);
            let w = string[usize::from(strings::POWER)];
            let w = power_scale
                .filter(|_| w != u16::MAX)
                .and_then(|scale| Number::new(w.into(), scale.into()).w());
            Some(Sample {
                meter: format!("{serial}/dc{}", index + 1),
                register: "2.8.0".to_owned(),
                wh: (wh != 0).then(|| Number::new(wh, scale.into()).wh())??,
                w,
                state: MeterState::Good,
                meter_time: None,
            })
        })
        .collect();
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(ids: &[u16], serials: &[&str], meter: Option<&str>) -> Vec<(String, Vec<u16>)> {
        let chain = Chain {
            base: 40_000,
            blocks: ids
                .iter()
                .map(|&id| Block {
                    id,
                    at: 0,
                    length: 50,
                })
                .collect(),
            ended: true,
        };
        let identities: Vec<Identity> = serials
            .iter()
            .map(|serial| Identity {
                serial: (*serial).to_owned(),
                ..Identity::default()
            })
            .collect();
        let (machines, _) = machines(&chain, &identities, meter).unwrap();
        machines
            .into_iter()
            .map(|m| (m.serial, m.views.iter().map(|(_, v)| v.id).collect()))
            .collect()
    }

    fn check(ids: &[u16], serials: &[&str], expected: &[(&str, &[u16])]) {
        let expected: Vec<(String, Vec<u16>)> = expected
            .iter()
            .map(|(serial, views)| ((*serial).to_owned(), views.to_vec()))
            .collect();
        assert_eq!(named(ids, serials, None), expected, "{ids:?}");
    }

    #[test]
    fn machines_are_told_apart_and_keep_their_serials() {
        check(&[1, 103], &["A"], &[("A", &[103])]);
        check(&[1, 113, 103, 701], &["A"], &[("A", &[701, 103, 113])]);
        check(
            &[1, 103, 160, 1, 203],
            &["A", "B"],
            &[("A", &[103]), ("B", &[203])],
        );
        check(
            &[1, 103, 203],
            &["A"],
            &[("A", &[103]), ("A/meter", &[203])],
        );
        check(
            &[1, 203, 103],
            &["A"],
            &[("A/meter", &[203]), ("A", &[103])],
        );
        check(&[1, 203, 203], &["A"], &[("A", &[203]), ("A/2", &[203])]);
        check(
            &[1, 103, 1, 103],
            &["A", ""],
            &[("A", &[103]), ("A/2", &[103])],
        );
        check(
            &[1, 103, 1, 103],
            &["A", "A"],
            &[("A", &[103]), ("A/2", &[103])],
        );
    }

    #[test]
    fn a_device_without_a_serial_needs_one_from_the_configuration() {
        let chain = Chain {
            base: 0,
            blocks: vec![Block {
                id: 103,
                at: 2,
                length: 50,
            }],
            ended: true,
        };
        assert!(machines(&chain, &[], None).is_err());
        assert_eq!(named(&[1, 103], &[""], Some("S1"))[0].0, "S1");
    }
}
