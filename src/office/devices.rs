//! Devices that speak their own dialect: which mapping reads them, journaled by content.
//!
//! A gateway entry of a society file may name a mapping and the topics its device publishes. When
//! the file is applied, the mapping's text goes into the journal with it, bound to that entry. From
//! then on that text is meant: a newer program with a newer mapping of the same name changes
//! nothing until a person applies it (`commonwatt map apply`).

use std::collections::BTreeMap;

use mapping::{Mapping, shipped, topic};
use records::{
    decision::{MappingApplied, What},
    devices::DeviceReader,
    society::{Gateway, SocietyDocument},
};

use super::{
    answer::{Answer, Refusal, refuse},
    known::{Known, KnownMeter},
    society::SocietyOffice,
};

/// The own format's topics, which no device may take.
const OWN: &str = "commonwatt/";

/// What is wrong with a gateway entry that names a mapping.
pub(super) fn check_gateway(
    gateway: &Gateway,
    meters: &BTreeMap<String, KnownMeter>,
) -> Answer<()> {
    let id = &gateway.id;
    if gateway.mapping.is_empty() != gateway.topics.is_empty() {
        return refuse(format!(
            "gateway `{id}`: `mapping` and `topics` belong together\nhint: topics = \"shellies/shellyem-1A2B/#\""
        ));
    }
    if gateway.mapping.is_empty() {
        if !gateway.meters.is_empty() || gateway.reversed {
            return refuse(format!(
                "gateway `{id}`: `meters` and `reversed` are for a device with a `mapping`"
            ));
        }
        return Ok(());
    }
    let taken = gateway.topics.starts_with(OWN)
        || gateway.topics.starts_with(['#', '+', '$'])
        || !topic::is_filter(&gateway.topics);
    if taken {
        return refuse(format!(
            "gateway `{id}`: `{}` cannot be a device's topics; expected an MQTT filter that begins with a word",
            gateway.topics
        ));
    }
    for serial in gateway.meters.values() {
        super::known::known("gateway.meters", serial, meters)?;
    }
    Ok(())
}

/// The mappings a document needs and that are not in force, as decisions.
pub(super) fn wanted(document: &SocietyDocument, known: Option<&Known>) -> Answer<Vec<What>> {
    let mut decisions = Vec::new();
    for gateway in document.gateway.iter().filter(|g| !g.mapping.is_empty()) {
        let present = known.and_then(|k| k.devices.of_gateway(&gateway.id));
        let same = present.filter(|p| p.applied.name == gateway.mapping);
        let text = match (same, shipped::named(&gateway.mapping)) {
            (Some(present), _) => present.applied.text.clone(),
            (None, Some(shipped)) => shipped.text.to_owned(),
            (None, None) => return unknown_mapping(&gateway.mapping),
        };
        let applied = bound(document, gateway, text);
        if present.is_none_or(|p| p.applied != applied) {
            check(&applied)?;
            decisions.push(What::MappingApplied(applied));
        }
    }
    Ok(decisions)
}

/// A mapping's text bound to a gateway entry.
pub(super) fn bound(document: &SocietyDocument, gateway: &Gateway, text: String) -> MappingApplied {
    MappingApplied {
        gateway: gateway.id.clone(),
        name: gateway.mapping.clone(),
        meters: gateway.meters.clone(),
        reversed: gateway.reversed,
        zone: document.society.zone.clone(),
        text,
    }
}

/// Checks a mapping as it would be applied.
pub(super) fn check(applied: &MappingApplied) -> Answer<DeviceReader> {
    DeviceReader::new(applied.clone()).map_err(|e| Refusal::Caller(config::explain(&e.to_string())))
}

/// Reads a mapping that a person wrote.
///
/// # Errors
/// With the key and the nearest known one.
pub fn mapping_of_text(text: &str) -> Answer<Mapping> {
    Mapping::read(text).map_err(|e| Refusal::Caller(config::explain(&e.to_string())))
}

impl SocietyOffice {
    /// Devices that have to be asked for what they publish, with how, in words. Only behind an outside
    /// broker does the daemon ask; the built-in endpoint sends nothing but receipts.
    #[must_use]
    pub fn asked_devices(&self) -> Vec<(String, &'static str)> {
        let known = self.known();
        let gateways = known.document.gateway.iter();
        gateways
            .filter_map(|gateway| {
                let device = known.devices.of_gateway(&gateway.id)?;
                let how = device.reader.mapping().is_asked()?;
                Some((gateway.id.clone(), how))
            })
            .collect()
    }
}

/// Refuses a name that no mapping has.
pub(super) fn unknown_mapping<T>(name: &str) -> Answer<T> {
    let known = shipped::all().iter().map(|s| s.mapping.name.as_str());
    let nearest = config::nearest(name, known)
        .map(|known| format!("; did you mean `{known}`?"))
        .unwrap_or_default();
    refuse(format!(
        "mapping `{name}` is not here\nhint: `commonwatt map list` names them{nearest}; one of your own comes in by `commonwatt map apply FILE.toml --gateway ID --topics FILTER`"
    ))
}
