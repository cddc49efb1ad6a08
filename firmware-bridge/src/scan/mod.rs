//! What is on this line or network address.
//!
//! Each unit number is knocked at with one small read; what answers, even with a refusal, is there.
//! Then its SunSpec chain is walked, or the register maps that come with the program are tried by
//! their probes. Nothing is written to any device. A scan must be the only talker: stop the gateway
//! before scanning its line.

mod report;
mod same;

use std::time::Duration;

use crate::source::{
    SourceError,
    modbus::{Address, Buses, Device, Parity, ReadError, Table, Timing},
    register_map::{self, map::RegisterMap},
    sunspec::{self, Survey, chain::ChainError, shown::ModelShown},
};

/// What to look at, and how patiently.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The line or network address; several where the speed of a line is not known. The first at
    /// which somebody answers is the right one.
    pub addresses: Vec<Address>,
    /// The unit numbers to knock at.
    pub units: Vec<u8>,
    /// How long to wait for each.
    pub wait: Duration,
}

/// What was found at an address.
#[derive(Clone, Debug)]
pub struct Report {
    /// The line or network address, as it was when somebody answered.
    pub address: Address,
    /// The unit numbers that were knocked at.
    pub tried: Vec<u8>,
    /// What answered.
    pub found: Vec<Found>,
}

/// A unit that answered.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its number.
    pub unit: u8,
    /// Other numbers at which the same device answers.
    pub also: Vec<u8>,
    /// What it is.
    pub what: What,
}

/// What a unit is.
#[derive(Clone, Debug)]
pub enum What {
    /// A SunSpec device.
    SunSpec {
        /// Its chain and machines.
        survey: Survey,
        /// What each machine's models show, or why they do not.
        machines: Vec<(String, Vec<Result<ModelShown, SourceError>>)>,
        /// Whether the device gives no serial number.
        without_serial: bool,
    },
    /// A device that answers as one or more register maps expect, the most particular first.
    Mapped(Vec<Candidate>),
    /// It answers, but as nothing we know; with what it said.
    Unknown(String),
}

/// A register map that fits.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The map.
    pub map: RegisterMap,
    /// The device's serial number, where the map says where it stands and the device has one.
    pub serial: Option<String>,
    /// What the energy registers show, or why they do not.
    pub energy: Result<Vec<register_map::Shown>, SourceError>,
}

/// How far a scan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Knocking at this unit, the `done`-th of `all`.
    Knocking {
        /// Unit number.
        unit: u8,
        /// Units done.
        done: usize,
        /// Units to do.
        all: usize,
    },
    /// This unit answered.
    Answered {
        /// Unit number.
        unit: u8,
    },
}

/// Unit numbers that devices at network addresses have: small ones, those of SMA (126) and of
/// gateways (100, 247), and 255, which stands for "the device itself".
pub const NETWORK_UNITS: [u8; 9] = [1, 2, 3, 4, 5, 100, 126, 247, 255];

/// Speeds and frames that meters and inverters leave the factory with, the commonest first.
const FRAMES: [(u32, Parity); 7] = [
    (9600, Parity::None),
    (19_200, Parity::Even),
    (19_200, Parity::None),
    (9600, Parity::Even),
    (2400, Parity::None),
    (38_400, Parity::None),
    (115_200, Parity::None),
];
/// Units that are knocked at with every speed; a factory sets a small number.
const UNITS_OF_EACH_FRAME: u8 = 10;

impl Plan {
    /// The usual plan for an address: every unit of a serial line, the usual ones of a network.
    pub fn usual(address: Address) -> Self {
        let (units, wait) = match address {
            Address::Serial { .. } => ((1..=247).collect(), Duration::from_millis(300)),
            Address::Tcp { .. } => (NETWORK_UNITS.to_vec(), Duration::from_secs(2)),
        };
        Plan {
            addresses: vec![address],
            units,
            wait,
        }
    }

    /// A plan for a line whose speed nobody knows: the given one first, then the usual ones, each
    /// with the first few units. For a network address the usual plan.
    pub fn every_speed(address: Address) -> Self {
        let mut plan = Plan::usual(address.clone());
        if let Address::Serial { path, .. } = &address {
            plan.units = (1..=UNITS_OF_EACH_FRAME).collect();
            for (baud, parity) in FRAMES {
                let other = Address::Serial {
                    path: path.clone(),
                    baud,
                    parity,
                    stop_bits: 1,
                };
                if other != address {
                    plan.addresses.push(other);
                }
            }
        }
        plan
    }
}

/// Scans.
///
/// # Errors
/// [`SourceError::Gone`] when the line or address is not there at all. A silent unit is no error.
pub async fn scan(plan: &Plan, mut tell: impl FnMut(Progress)) -> Result<Report, SourceError> {
    let mut address = &plan.addresses[0];
    let mut found = Vec::new();
    let all = plan.addresses.len() * plan.units.len();
    for (round, each) in plan.addresses.iter().enumerate() {
        let done = round * plan.units.len();
        let here = scan_one(plan, each, &mut |unit, at| {
            tell(match at {
                Some(at) => Progress::Knocking {
                    unit,
                    done: done + at,
                    all,
                },
                None => Progress::Answered { unit },
            });
        })
        .await?;
        let understood =
            |found: &[Found]| found.iter().any(|f| !matches!(f.what, What::Unknown(_)));
        if understood(&here) || found.is_empty() && !here.is_empty() {
            (address, found) = (each, here);
        }
        // At a wrong speed a line may babble; only who is understood settles it.
        if understood(&found) {
            break;
        }
    }
    Ok(Report {
        address: address.clone(),
        tried: plan.units.clone(),
        found,
    })
}

/// Scans one address; `tell` is given each unit with its place in the plan, and again without one
/// when it answered.
async fn scan_one(
    plan: &Plan,
    address: &Address,
    tell: &mut impl FnMut(u8, Option<usize>),
) -> Result<Vec<Found>, SourceError> {
    let timing = Timing {
        first_answer: plan.wait,
        answer: plan.wait,
        settle: Duration::from_millis(50),
        gap: Duration::from_millis(50),
        ..Timing::default()
    };
    let buses = Buses::with_timing(timing);
    let patient = Buses::default();
    let mut found = Vec::new();
    for (at, &unit) in plan.units.iter().enumerate() {
        tell(unit, Some(at));
        if let Some(said) = knock(&buses.device(address, unit)).await? {
            tell(unit, None);
            // A device that takes one client must not meet two of ours.
            buses.close(address).await;
            let what = look(&patient.device(address, unit), said).await?;
            patient.close(address).await;
            found.push(Found {
                unit,
                also: Vec::new(),
                what,
            });
        }
    }
    Ok(match address {
        Address::Tcp { .. } => same::once(found, plan.units.len()),
        Address::Serial { .. } => found,
    })
}

/// Whether somebody is there, and what it said.
async fn knock(device: &Device) -> Result<Option<String>, SourceError> {
    // SunSpec's first place, and where most meters keep volts. Some devices answer only where they
    // have registers.
    for (table, at) in [(Table::Holding, 40_000), (Table::Input, 0)] {
        let mut answer = device.read(table, at, 2).await;
        if matches!(answer, Err(ReadError::Garbage(_))) {
            // Most likely the late answer of the unit before.
            answer = device.read(table, at, 2).await;
        }
        match answer {
            Ok(words) => return Ok(Some(format!("{words:04x?} at {at}"))),
            Err(error @ ReadError::Exception(_)) if error.is_somebodys() => {
                return Ok(Some(error.to_string()));
            }
            Err(ReadError::Gone(reason)) => {
                return Err(device.explain(&device.address().to_string(), ReadError::Gone(reason)));
            }
            Err(ReadError::Garbage(said)) => return Ok(Some(said)),
            Err(ReadError::Timeout(_) | ReadError::Exception(_)) => {}
        }
    }
    Ok(None)
}

async fn look(device: &Device, said: String) -> Result<What, SourceError> {
    let name = device.to_string();
    match sunspec::chain::walk(device, None).await {
        Ok(chain) => look_at_sunspec(device, &name, chain.base).await,
        Err(ChainError::Broken(why)) => Ok(What::Unknown(format!(
            "it has the mark of SunSpec, but no chain behind it: {why}"
        ))),
        Err(ChainError::Read(error @ ReadError::Gone(_))) => Err(device.explain(&name, error)),
        Err(ChainError::NotSunSpec | ChainError::Read(_)) => {
            let candidates = candidates(device, &name).await;
            Ok(if candidates.is_empty() {
                What::Unknown(said)
            } else {
                What::Mapped(candidates)
            })
        }
    }
}

async fn look_at_sunspec(device: &Device, name: &str, base: u16) -> Result<What, SourceError> {
    let mut without_serial = false;
    let survey = match sunspec::survey(device, name, None, Some(base)).await {
        Err(SourceError::Config { .. }) => {
            without_serial = true;
            sunspec::survey(device, name, Some("no serial number"), Some(base)).await
        }
        other => other,
    };
    let survey = match survey {
        Ok(survey) => survey,
        Err(error @ SourceError::Gone { .. }) => return Err(error),
        Err(error) => return Ok(What::Unknown(error.to_string())),
    };
    let mut machines = Vec::new();
    for machine in &survey.machines {
        let mut shown = Vec::new();
        for (block, model) in &machine.views {
            shown.push(sunspec::read_model(device, name, block, model).await);
        }
        machines.push((machine.serial.clone(), shown));
    }
    Ok(What::SunSpec {
        survey,
        machines,
        without_serial,
    })
}

async fn candidates(device: &Device, name: &str) -> Vec<Candidate> {
    let mut fitting: Vec<RegisterMap> = Vec::new();
    'maps: for map in register_map::built_in() {
        for probe in &map.probes {
            let place = probe.point.place;
            match device
                .read(place.table, place.address, place.registers)
                .await
            {
                Ok(words) if probe.holds(&words) => {}
                _ => continue 'maps,
            }
        }
        if !map.probes.is_empty() {
            fitting.push(map);
        }
    }
    fitting.sort_by_key(|map| std::cmp::Reverse(map.probes.len()));
    let mut candidates = Vec::new();
    for map in fitting {
        candidates.push(Candidate {
            serial: register_map::serial_of(device, name, &map).await.ok(),
            energy: register_map::show(device, name, &map).await,
            map,
        });
    }
    candidates
}
