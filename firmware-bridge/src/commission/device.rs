//! What a device shows about itself and its energy, whichever kind of source reads it.

use crate::source::{
    AnySource, Source, SourceConfig, SourceError, modbus::Buses, number::Number, register_map,
    sunspec,
};

/// How often a device that sends by itself is polled for its first registers.
const POLLS: usize = 3;

/// A device as it stands.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// What the source is called.
    pub name: String,
    /// Every energy register, meter by meter.
    pub lines: Vec<Line>,
    /// What is known about a meter: its serial text, a label, a value.
    facts: Vec<(String, String, String)>,
}

/// One energy register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The meter's serial text.
    pub meter: String,
    /// OBIS code.
    pub register: String,
    /// Where it stands in the device: a SunSpec point, a register's address; empty where the device
    /// names it by its code.
    pub place: String,
    /// The digits in the device, where they are not Wh already.
    pub raw: Option<String>,
    /// What they are multiplied with, in words.
    pub scale: Option<String>,
    /// Whole Wh; none when the device does not have it.
    pub wh: Option<u64>,
}

impl Inspected {
    /// The registers of one meter.
    pub fn lines_of<'a>(&'a self, meter: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.meter == meter)
    }

    /// What is known about one meter.
    pub(super) fn facts_of(&self, meter: &str) -> Vec<(String, String)> {
        self.facts
            .iter()
            .filter(|(of, ..)| of == meter)
            .map(|(_, label, value)| (label.clone(), value.clone()))
            .collect()
    }

    fn fact(&mut self, meter: &str, label: &str, value: &str) {
        if !value.is_empty() {
            self.facts
                .push((meter.to_owned(), label.to_owned(), value.to_owned()));
        }
    }
}

/// Reads a device once.
///
/// # Errors
/// [`SourceError`].
pub async fn inspect(config: &SourceConfig, buses: &Buses) -> Result<Inspected, SourceError> {
    let source = AnySource::open(config, buses)?;
    match config {
        SourceConfig::SunSpec(config) => inspect_sunspec(config, source.name(), buses).await,
        SourceConfig::Modbus(config) => inspect_mapped(config, source.name(), buses).await,
        _ => inspect_any(source).await,
    }
}

async fn inspect_sunspec(
    config: &sunspec::Config,
    name: &str,
    buses: &Buses,
) -> Result<Inspected, SourceError> {
    let device = buses.device(&config.address, config.unit);
    let survey = sunspec::survey(&device, name, config.meter.as_deref(), None).await?;
    let mut all = Inspected {
        name: name.to_owned(),
        lines: Vec::new(),
        facts: Vec::new(),
    };
    for machine in &survey.machines {
        let meter = &machine.serial;
        let identity = machine.identity.and_then(|at| survey.identities.get(at));
        if let Some(identity) = identity {
            all.fact(meter, "Maker", &identity.maker);
            all.fact(meter, "Model", &identity.model);
            all.fact(meter, "Firmware", &identity.version);
            all.fact(meter, "Serial number in the device", &identity.serial);
        }
        all.fact(meter, "Read by", "SunSpec");
        all.fact(meter, "Address", &device.to_string());
        // The same choice as in service: the best view that shows energy.
        for (block, model) in &machine.views {
            let shown = sunspec::read_model(&device, name, block, model).await?;
            if shown.energy.iter().all(|energy| energy.wh.is_none()) {
                continue;
            }
            all.fact(
                meter,
                "SunSpec model",
                &format!("{} at register {}", model.id, block.at),
            );
            for energy in shown.energy {
                all.lines.push(Line {
                    meter: meter.clone(),
                    register: energy.register.to_owned(),
                    place: format!("model {} {}", model.id, energy.point),
                    raw: energy.raw,
                    scale: match energy.scale {
                        None => Some("Wh as a float".to_owned()),
                        Some((factor, Some(tens))) => Some(format!("10^{tens} ({factor})")),
                        Some((factor, None)) => Some(format!("{factor} not implemented")),
                    },
                    wh: energy.wh,
                });
            }
            break;
        }
    }
    Ok(all)
}

async fn inspect_mapped(
    config: &register_map::Config,
    name: &str,
    buses: &Buses,
) -> Result<Inspected, SourceError> {
    let device = buses.device(&config.address, config.unit);
    let map = register_map::load(&config.map).map_err(|(reason, hint)| SourceError::Config {
        device: name.to_owned(),
        reason,
        hint,
    })?;
    let in_device = match &map.serial {
        Some(_) => match register_map::serial_of(&device, name, &map).await {
            Ok(serial) => Some(serial),
            // In service it is not asked for either, where the configuration names the meter.
            Err(SourceError::Config { .. } | SourceError::Refused { .. })
                if config.meter.is_some() =>
            {
                None
            }
            Err(error) => return Err(error),
        },
        None => None,
    };
    let meter = config
        .meter
        .clone()
        .or_else(|| in_device.clone())
        .unwrap_or_default();
    let mut all = Inspected {
        name: name.to_owned(),
        lines: Vec::new(),
        facts: Vec::new(),
    };
    all.fact(&meter, "Device", &map.title);
    if let Some(serial) = in_device {
        all.fact(&meter, "Serial number in the device", &serial);
    }
    all.fact(&meter, "Read by", &format!("register map {}", map.name));
    all.fact(&meter, "Address", &device.to_string());
    for shown in register_map::show(&device, name, &map).await? {
        all.lines.push(Line {
            meter: meter.clone(),
            register: shown.register,
            place: format!("register {:#06x}", shown.address),
            raw: shown.digits.map(|digits| digits.to_string()),
            scale: Some(in_wh_each(shown.factor)),
            wh: shown.wh,
        });
    }
    Ok(all)
}

/// `× 10 Wh`.
fn in_wh_each(factor: Number) -> String {
    format!("{factor} Wh each")
}

async fn inspect_any(mut source: AnySource) -> Result<Inspected, SourceError> {
    let mut samples = Vec::new();
    for _ in 0..POLLS {
        samples = source.poll().await?;
        if !samples.is_empty() {
            break;
        }
    }
    let mut all = Inspected {
        name: source.name().to_owned(),
        lines: Vec::new(),
        facts: Vec::new(),
    };
    samples.sort_by(|a, b| a.meter.cmp(&b.meter));
    for sample in samples {
        if all.lines_of(&sample.meter).next().is_none() {
            all.fact(&sample.meter, "Read by", source.name());
        }
        all.lines.push(Line {
            meter: sample.meter,
            register: sample.register,
            place: String::new(),
            raw: None,
            scale: None,
            wh: Some(sample.wh),
        });
    }
    Ok(all)
}
