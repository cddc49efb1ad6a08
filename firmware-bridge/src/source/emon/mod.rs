//! emonTx and emonPi on a serial line: a line each 10 s, names and values.
//!
//! [`line`] reads a line, [`counter`] makes registers of counters that start anew. The
//! configuration says which name is which register of which meter. Only counters make registers,
//! of energy (`E1`, Wh) or of pulses; power goes along where a name is given. An input that has
//! power alone makes none: integrating samples is an estimate, which the daemon's mappings can make
//! and mark as such.
//!
//! What the registers were is kept in `state` and saved before each read is given, so that a power
//! cut of the gateway never makes a register fall: one small save each poll in which one moved.

pub mod counter;
pub mod line;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{
    MeterState, Sample, Source, SourceError,
    keep::Kept,
    port::{Frames, Parity, Port, Wait, gone, malformed},
    text::{Decimal, Unreadable, energy_wh, power_w},
};
use counter::{Base, Counters, Seen, borne_out, carried_on};
use line::{Cutter, Line};

const HINT: &str = "look at `baud` (9600 or 115200) and at the names in `[[source.register]]`";

/// `[[source]]` of `kind = "emon"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to call it; without one, the port.
    pub name: Option<String>,
    /// Path of the serial port, `tcp:host:port` or `fifo:/path`.
    pub port: String,
    /// Speed of the line.
    #[serde(default = "baud")]
    pub baud: u32,
    /// What the counters do when the device restarts.
    pub counters: Counters,
    /// Folder where the registers are kept.
    pub state: PathBuf,
    /// Name of the message count.
    #[serde(default = "message")]
    pub message: String,
    /// A line comes so often.
    #[serde(default = "interval_s")]
    pub interval_s: u32,
    /// The registers.
    pub register: Vec<Register>,
}

/// One counter of a line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Name of the counter in the line.
    pub key: String,
    /// What it counts.
    pub unit: Unit,
    /// Pulses a kWh; for pulses.
    pub impulses_per_kwh: Option<u32>,
    /// Name of the power in the line, in W.
    pub power: Option<String>,
    /// The meter's serial.
    pub meter: String,
    /// The OBIS code, `2.8.0` generation or export, `1.8.0` import.
    pub register: String,
    /// The most that the input can be, in W.
    pub max_w: u32,
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Unit {
    /// Watt-hours.
    Wh,
    /// Kilowatt-hours.
    #[serde(rename = "kWh")]
    KWh,
    /// Pulses of a meter.
    #[serde(rename = "pulses")]
    Pulses,
}

fn baud() -> u32 {
    115_200
}

fn message() -> String {
    "MSG".to_owned()
}

fn interval_s() -> u32 {
    10
}

/// What is kept, by meter and register.
type Bases = BTreeMap<String, Base>;

/// An emonTx or emonPi.
#[derive(Debug)]
pub struct Emon {
    config: Config,
    /// The pair of files; opened at the first poll.
    kept: Option<Kept<Bases>>,
    bases: Bases,
    away: bool,
}

impl Emon {
    /// Makes the source; touches neither wire nor disk.
    ///
    /// # Errors
    /// [`SourceError::Config`] when a register cannot be made as it is asked for.
    pub fn new(config: Config) -> Result<Self, SourceError> {
        let refuse = |reason: String, hint| {
            Err(SourceError::Config {
                device: config.port.clone(),
                reason,
                hint,
            })
        };
        for (i, register) in config.register.iter().enumerate() {
            let pulses = register.unit == Unit::Pulses;
            if pulses != register.impulses_per_kwh.is_some_and(|n| n > 0) {
                return refuse(
                    format!(
                        "`{}` counts pulses without their worth, or the reverse",
                        register.key
                    ),
                    "set `impulses_per_kwh` with `unit = \"pulses\"`, as printed on the meter",
                );
            }
            let names = |r: &Register| (r.meter.clone(), r.register.clone());
            if config.register[..i]
                .iter()
                .any(|other| names(other) == names(register))
            {
                return refuse(
                    format!(
                        "register `{}` of `{}` twice",
                        register.register, register.meter
                    ),
                    "give each register once",
                );
            }
        }
        if config.register.is_empty() || config.interval_s == 0 {
            return refuse(
                "no `[[source.register]]`, or an interval of 0".to_owned(),
                "name at least one counter; power alone makes no register",
            );
        }
        Ok(Emon {
            config,
            kept: None,
            bases: Bases::new(),
            away: true,
        })
    }

    fn open_state(&mut self) -> Result<(), SourceError> {
        if self.kept.is_some() {
            return Ok(());
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = self.config.register[0].meter.chars().map(plain).collect();
        let opened = Kept::<Bases>::open(&self.config.state, &format!("emon-{name}"));
        let (kept, bases) = opened.map_err(|why| SourceError::Config {
            device: self.config.port.clone(),
            reason: why.to_string(),
            hint: "look at `state`",
        })?;
        self.kept = Some(kept);
        self.bases = bases.unwrap_or_default();
        Ok(())
    }

    /// Saves the registers, unless all stand as they were saved (at night).
    fn keep(&mut self, bases: Bases) -> Result<(), SourceError> {
        let shown = |bases: &Bases| -> Vec<u64> {
            let each = bases.values().map(|base| base.register_wh());
            each.collect()
        };
        let moved = shown(&bases) != shown(&self.bases);
        if moved && let Some(kept) = &mut self.kept {
            kept.save(&bases)
                .map_err(|error| gone(&self.config.port, &error))?;
        }
        self.bases = bases;
        Ok(())
    }

    /// The first of two lines that bear each other out.
    async fn two_lines(&self, port: &mut Port) -> Result<Line, SourceError> {
        let within_s = self.config.interval_s.saturating_mul(6);
        let wait = Wait {
            address: &self.config.port,
            parity: Parity::None,
            within: Duration::from_secs(within_s.into()),
            hint: HINT,
        };
        let mut lines = Frames::new(port, Cutter::default(), wait);
        let mut first = lines.next().await?;
        let mut why = None;
        for _ in 0..4 {
            let second = lines.next().await?;
            match agree(&self.config, &first, &second) {
                Ok(()) => return Ok(first),
                Err(unlike) => why = Some(unlike),
            }
            first = second;
        }
        let why = why.unwrap_or_else(|| Unreadable::new("no line", "two that agree"));
        Err(malformed(&self.config.port, why, HINT))
    }
}

impl Source for Emon {
    fn name(&self) -> &str {
        self.config.name.as_deref().unwrap_or(&self.config.port)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.config.interval_s) * 7)
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        self.open_state()?;
        let away = std::mem::replace(&mut self.away, true);
        let mut port = Port::open(&self.config.port, self.config.baud).await?;
        port.discard()
            .await
            .map_err(|error| gone(&self.config.port, &error))?;
        let line = self.two_lines(&mut port).await?;
        let mut samples = Vec::new();
        let mut bases = Bases::new();
        for register in &self.config.register {
            let key = format!("{} {}", register.meter, register.register);
            let next = seen(&self.config, register, &line)
                .and_then(|seen| {
                    let last = self.bases.get(&key).copied();
                    carried_on(last, seen, self.config.counters, away)
                })
                .map_err(|why| malformed(&self.config.port, why, HINT))?;
            bases.insert(key, next);
            samples.push(Sample {
                meter: register.meter.clone(),
                register: register.register.clone(),
                wh: next.register_wh(),
                w: power(register, &line),
                state: MeterState::Good,
                meter_time: None,
            });
        }
        self.keep(bases)?;
        self.away = false;
        Ok(samples)
    }
}

fn power(register: &Register, line: &Line) -> Option<i32> {
    power_w(line.value(register.power.as_deref()?)?, "W")
}

/// Do all counters of a line have their successors in the other?
fn agree(config: &Config, first: &Line, second: &Line) -> Result<(), Unreadable> {
    for register in &config.register {
        if !borne_out(
            seen(config, register, first)?,
            seen(config, register, second)?,
        ) {
            return Err(Unreadable::new(
                format!("two lines whose `{}` do not agree", register.key),
                "a message count one higher and a counter that rose by what `max_w` allows",
            ));
        }
    }
    Ok(())
}

/// A register's counter in a line, in Wh.
fn seen(config: &Config, register: &Register, line: &Line) -> Result<Seen, Unreadable> {
    let value = |key: &str| {
        line.value(key)
            .ok_or_else(|| Unreadable::new(format!("a line without `{key}`"), "one with it"))
    };
    let whole = |value: Decimal| value.scaled(0).and_then(|n| u64::try_from(n).ok());
    let message = whole(value(&config.message)?)
        .ok_or_else(|| Unreadable::new("a message count below 0", "0 or more"))?;
    let counter = value(&register.key)?;
    let (wh, step_wh) = match (register.unit, register.impulses_per_kwh) {
        (Unit::Pulses, Some(per_kwh)) => {
            let pulses = whole(counter)
                .ok_or_else(|| Unreadable::new("pulses below 0", "a count of pulses"))?;
            let wh = pulses_wh(pulses, per_kwh)
                .ok_or_else(|| Unreadable::new("too many pulses", "a count of pulses"))?;
            (wh, u64::from(1000_u32.div_ceil(per_kwh)))
        }
        (Unit::KWh, _) => (energy_wh(counter, "kWh")?, 1),
        _ => (energy_wh(counter, "Wh")?, 1),
    };
    let most = u64::from(register.max_w) * u64::from(config.interval_s);
    Ok(Seen {
        wh,
        message,
        most_per_message_wh: most.div_ceil(3600) + step_wh,
    })
}

/// What so many pulses are, in whole Wh, the fraction cut off.
pub(super) fn pulses_wh(pulses: u64, per_kwh: u32) -> Option<u64> {
    let wh = u128::from(pulses) * 1000 / u128::from(per_kwh.max(1));
    u64::try_from(wh)
        .ok()
        .filter(|wh| *wh <= super::text::MAX_WH)
}
