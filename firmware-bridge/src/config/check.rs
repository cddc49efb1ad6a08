//! What a configuration must be besides well-formed: every value within its bounds, and no two sources
//! for one register.

use super::{CAP_BYTES_LEAST, Config, ID_BYTES_MOST, INTERVAL_MS_LEAST};
use crate::source::{
    SourceConfig,
    modbus::Address,
    register_map::{self, map::RegisterMap},
};

impl Config {
    /// Everything that can be seen without a wire.
    pub(super) fn check(&self) -> Result<(), String> {
        let id = &self.gateway.id;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if id.is_empty() || id.len() > ID_BYTES_MOST || !id.chars().all(allowed) {
            return Err(format!(
                "gateway.id is `{id}`; expected 1 to {ID_BYTES_MOST} letters, digits, `-`, `_` or `.`"
            ));
        }
        if jiff::tz::TimeZone::get(&self.gateway.zone).is_err() {
            let zone = &self.gateway.zone;
            return Err(format!(
                "gateway.zone is `{zone}`; expected an IANA name like `Europe/London`"
            ));
        }
        let (_, _, tls) = self.address()?;
        if tls && self.uplink.ca_file.as_os_str().is_empty() {
            return Err("uplink.ca_file is empty; `mqtts` needs the authority to trust".into());
        }
        if !self.uplink.password.is_empty() && !self.uplink.token_file.as_os_str().is_empty() {
            return Err("uplink has `password` and `token_file`; expected one of them".into());
        }
        let reading = &self.reading;
        for (key, value, least) in [
            (
                "reading.interval_ms",
                reading.interval_ms,
                INTERVAL_MS_LEAST,
            ),
            ("reading.give_up_s", reading.give_up_s, 1),
            ("backlog.cap_bytes", self.backlog.cap_bytes, CAP_BYTES_LEAST),
        ] {
            if value < least {
                return Err(format!("{key} is `{value}`; expected at least `{least}`"));
            }
        }
        check_sources(&self.sources)
    }
}

/// No two sources may read one register of one meter: that would be two truths about it. Where a
/// source learns its meter's serial number from the device, the gateway looks when it runs.
fn check_sources(sources: &[SourceConfig]) -> Result<(), String> {
    let mut before: Vec<Reads> = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let reads = Reads::of(source);
        let place = place(at, source);
        if reads.meters.iter().any(|(meter, _)| meter.is_empty()) {
            return Err(format!(
                "{place}: `meter` is empty; expected the serial number on the meter's label"
            ));
        }
        if let Some(other) = before.iter().position(|other| other.name_of(&reads)) {
            let (name, other) = (reads.name.unwrap_or_default(), other + 1);
            return Err(format!(
                "{place}: source {other} is called `{name}` too; expected a `name` of its own"
            ));
        }
        if let Some(other) = before.iter().position(|other| other.device_of(&reads)) {
            return Err(format!(
                "{place}: source {} reads the same unit at the same address",
                other + 1
            ));
        }
        for (other, earlier) in before.iter().enumerate() {
            if let Some((meter, register)) = earlier.shared(&reads) {
                return Err(format!(
                    "{place}: source {} reads {register} of meter `{meter}` too; expected one source for each",
                    other + 1
                ));
            }
        }
        before.push(reads);
    }
    Ok(())
}

/// `source 2 ("roof inverter")`, as they stand in the file.
fn place(at: usize, source: &SourceConfig) -> String {
    match source.name() {
        Some(name) => format!("source {} (`{name}`)", at + 1),
        None => format!("source {}", at + 1),
    }
}

/// What a source reads, as far as the file says.
struct Reads<'a> {
    name: Option<&'a str>,
    device: Option<(&'a Address, u8)>,
    /// Meters with their registers; none for any register.
    meters: Vec<(&'a str, Option<Vec<String>>)>,
}

impl<'a> Reads<'a> {
    fn of(source: &'a SourceConfig) -> Self {
        let any = |meter: &'a Option<String>| -> Vec<(&'a str, Option<Vec<String>>)> {
            meter.iter().map(|meter| (meter.as_str(), None)).collect()
        };
        let (device, meters) = match source {
            SourceConfig::SunSpec(c) => (Some((&c.address, c.unit)), any(&c.meter)),
            SourceConfig::Modbus(c) => {
                // A map that cannot be read is said when the source is made.
                let registers = register_map::load(&c.map).ok().map(registers);
                let meters = c.meter.iter().map(|m| (m.as_str(), registers.clone()));
                (Some((&c.address, c.unit)), meters.collect())
            }
            SourceConfig::S0(c) => {
                let register = vec![c.register.clone()];
                (None, vec![(c.meter.as_str(), Some(register))])
            }
            SourceConfig::Emon(c) => {
                let each = |r: &'a crate::source::emon::Register| {
                    (r.meter.as_str(), Some(vec![r.register.clone()]))
                };
                (None, c.register.iter().map(each).collect())
            }
            SourceConfig::Iec62056(c) => (None, any(&c.meter)),
            SourceConfig::P1(c) => (None, any(&c.meter)),
            SourceConfig::Sml(c) => (None, any(&c.meter)),
        };
        Reads {
            name: source.name(),
            device,
            meters,
        }
    }

    fn name_of(&self, other: &Reads<'_>) -> bool {
        self.name.is_some() && self.name == other.name
    }

    fn device_of(&self, other: &Reads<'_>) -> bool {
        self.device.is_some() && self.device == other.device
    }

    /// A meter that both read, and which register, in words.
    fn shared(&self, other: &Reads<'_>) -> Option<(&str, String)> {
        self.meters.iter().find_map(|(meter, ours)| {
            let same = other.meters.iter().filter(|(theirs, _)| theirs == meter);
            same.into_iter().find_map(|(_, theirs)| {
                let register = match (ours, theirs) {
                    (Some(ours), Some(theirs)) => {
                        let both = ours.iter().find(|register| theirs.contains(register))?;
                        format!("register `{both}`")
                    }
                    _ => "registers".to_owned(),
                };
                Some((*meter, register))
            })
        })
    }
}

fn registers(map: RegisterMap) -> Vec<String> {
    map.energies.into_iter().map(|each| each.register).collect()
}
