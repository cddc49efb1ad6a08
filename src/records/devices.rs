//! Devices that speak their own dialect: which mapping reads whose messages.
//!
//! A mapping is journaled by content, bound to one gateway entry, when it is applied; its hash
//! stands in every message it reads. So a message means the same at every replay, whatever mapping
//! the program ships by then and however the device has been renamed since.

use std::{collections::BTreeMap, sync::Arc};

use domain::calendar::Zone;
use mapping::{Mapping, Reader, form::Binding};
use sha2::{Digest as _, Sha256};

use crate::decision::MappingApplied;

/// A mapping in the form it was applied in, ready to read.
#[derive(Debug)]
pub struct DeviceReader {
    /// What was applied.
    pub applied: MappingApplied,
    /// SHA-256 of the body of its decision.
    pub hash: [u8; 32],
    /// The mapping, bound.
    pub reader: Reader,
}

/// Every mapping ever applied in a society, by hash, and the one in force of each gateway.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    by_hash: BTreeMap<[u8; 32], Arc<DeviceReader>>,
    in_force: BTreeMap<String, Arc<DeviceReader>>,
}

/// An applied mapping cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadDevice(String);

impl DeviceReader {
    /// Checks a mapping as it is to be applied.
    ///
    /// # Errors
    /// [`BadDevice`] when the mapping or the zone is wrong.
    pub fn new(applied: MappingApplied) -> Result<DeviceReader, BadDevice> {
        let mapping = Mapping::read(&applied.text).map_err(|e| BadDevice(e.to_string()))?;
        let zone = Zone::named(&applied.zone).map_err(|e| BadDevice(e.to_string()))?;
        let binding = Binding {
            meters: applied.meters.clone(),
            reversed: applied.reversed,
        };
        let body = serde_json::to_vec(&applied).map_err(|e| BadDevice(e.to_string()))?;
        Ok(DeviceReader {
            hash: Sha256::digest(&body).into(),
            reader: Reader::new(mapping, binding, &zone),
            applied,
        })
    }
}

impl Devices {
    /// Takes a mapping that was applied; the later of two for one gateway is in force.
    ///
    /// # Errors
    /// As [`DeviceReader::new`].
    pub fn apply(&mut self, applied: &MappingApplied) -> Result<(), BadDevice> {
        let device = Arc::new(DeviceReader::new(applied.clone())?);
        self.by_hash.insert(device.hash, Arc::clone(&device));
        self.in_force.insert(applied.gateway.clone(), device);
        Ok(())
    }

    /// The mapping of this hash.
    #[must_use]
    pub fn by_hash(&self, hash: &[u8; 32]) -> Option<&Arc<DeviceReader>> {
        self.by_hash.get(hash)
    }

    /// The mapping in force for a gateway.
    #[must_use]
    pub fn of_gateway(&self, gateway: &str) -> Option<&Arc<DeviceReader>> {
        self.in_force.get(gateway)
    }
}
