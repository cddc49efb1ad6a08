//! SunSpec devices: inverters and meters that say themselves what their registers mean.

use serde::Deserialize;

use super::{
    Sample, Source, SourceError,
    modbus::{Address, Buses},
};

/// `kind = "sunspec"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to call it; without one, the address.
    pub name: Option<String>,
    /// Where it is: `192.168.1.20:502` or `/dev/ttyUSB0,9600,8N1`.
    pub address: Address,
    /// Modbus unit (slave) number, 1..=247.
    #[serde(default = "unit_one")]
    pub unit: u8,
    /// The serial text to publish instead of the device's own.
    pub meter: Option<String>,
    /// Whether to publish the direct-current energy of each string (model 160) as meters of their
    /// own, `SERIAL/dc1`...
    #[serde(default)]
    pub strings: bool,
}

fn unit_one() -> u8 {
    1
}

/// One SunSpec device.
#[derive(Debug)]
pub struct SunSpec {
    name: String,
}

impl SunSpec {
    /// Makes the source; touches no wire.
    ///
    /// # Errors
    /// [`SourceError::Config`] for a unit number that no device can have.
    pub fn open(config: &Config, _buses: &Buses) -> Result<Self, SourceError> {
        Ok(SunSpec {
            name: config
                .name
                .clone()
                .unwrap_or_else(|| config.address.to_string()),
        })
    }
}

impl Source for SunSpec {
    fn name(&self) -> &str {
        &self.name
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        Ok(Vec::new())
    }
}
