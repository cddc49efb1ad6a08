//! Modbus over TCP and RTU: one talker on a line, one client at an address.
//!
//! [`Buses`] keeps one line for each address. Whoever asks for a unit on an address gets a
//! [`Device`], which shares that line with all others: requests queue up, one is under way at a
//! time, and inverters that take only one network client see only one. Two spellings of one address
//! (a name and its number) are two lines; the configuration must not mix them.

mod address;
mod line;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

pub use address::{Address, BAUD, NotAnAddress, Parity, TCP_PORT};
pub use line::{MAX_REGISTERS, ReadError, Table, Timing};

use super::SourceError;
use line::Line;

type SharedLine = Arc<tokio::sync::Mutex<Line>>;

/// The lines and connections that sources share, by port or address. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Buses {
    timing: Timing,
    lines: Arc<Mutex<BTreeMap<Address, SharedLine>>>,
}

impl Buses {
    /// Lines with other time-outs than the usual.
    pub fn with_timing(timing: Timing) -> Self {
        Buses {
            timing,
            lines: Arc::default(),
        }
    }

    /// A device on a line; touches no wire.
    pub fn device(&self, address: &Address, unit: u8) -> Device {
        let line = self
            .lines
            .lock()
            .expect("nobody panics while holding the list of lines")
            .entry(address.clone())
            .or_insert_with(|| {
                let line = Line::new(address.clone(), self.timing);
                Arc::new(tokio::sync::Mutex::new(line))
            })
            .clone();
        Device {
            address: address.clone(),
            unit,
            line,
        }
    }

    /// Closes the connection to an address, if there is one; the next read opens another.
    pub async fn close(&self, address: &Address) {
        let line = {
            let lines = self.lines.lock();
            lines
                .expect("nobody panics while holding the list of lines")
                .get(address)
                .cloned()
        };
        if let Some(line) = line {
            line.lock().await.close();
        }
    }
}

/// Says what is wrong with a unit number, if anything is.
pub(super) fn unit_trouble(address: &Address, unit: u8) -> Option<String> {
    match address {
        Address::Serial { .. } if !(1..=247).contains(&unit) => {
            Some(format!("unit {unit} on a serial line; expected 1 to 247"))
        }
        _ => None,
    }
}

/// One unit on a line.
#[derive(Clone)]
pub struct Device {
    address: Address,
    unit: u8,
    line: SharedLine,
}

impl Device {
    /// The line or network address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The unit (slave) number.
    pub fn unit(&self) -> u8 {
        self.unit
    }

    /// Reads `count` registers (1 to [`MAX_REGISTERS`]) from `from` on, all in one request, so that
    /// they belong to one instant.
    ///
    /// # Errors
    /// [`ReadError`]; after anything but an exception the connection has been dropped.
    pub async fn read(&self, table: Table, from: u16, count: u16) -> Result<Vec<u16>, ReadError> {
        let mut line = self.line.lock().await;
        line.read(self.unit, table, from, count).await
    }

    /// A [`ReadError`] as the source's own, with the next step.
    pub fn explain(&self, name: &str, error: ReadError) -> SourceError {
        let device = name.to_owned();
        let network = matches!(self.address, Address::Tcp { .. });
        match error {
            ReadError::Timeout(after_ms) => SourceError::Timeout {
                device,
                after_ms,
                hint: if network {
                    "is another program connected? Many inverters take one client at a time; then check the unit number with `scan`"
                } else {
                    "check the unit number, speed and parity, and that A and B are not swapped; `scan --every-speed` tries them"
                },
            },
            ReadError::Gone(reason) => SourceError::Gone {
                device,
                reason,
                hint: if network {
                    "is the device on, and Modbus TCP switched on in its menu? Many inverters take one client at a time"
                } else {
                    "is the adapter plugged in, and may this user open it (group `dialout`)?"
                },
            },
            ReadError::Exception(_) => SourceError::Refused {
                device,
                reason: error.to_string(),
                hint: "run `scan` to see what is there",
            },
            ReadError::Garbage(found) => SourceError::Malformed {
                device,
                found,
                expected: "the registers that were asked for".to_owned(),
                hint: "two talkers on one line, or two units with one number, look like this",
            },
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unit {}", self.address, self.unit)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
