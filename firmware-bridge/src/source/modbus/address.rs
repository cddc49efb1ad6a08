//! Where a Modbus device is: a network address or a serial line, in one word.
//!
//! `192.168.1.20`, `inverter.lan:1502`, `[fe80::1]:502`; `/dev/ttyUSB0`, `/dev/ttyUSB0,19200,8E1`.
//! Without a port it is 502; without speed and frame a line runs at 9600 8N1, which SunSpec devices
//! and most meters are set to when they leave the factory.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// The port of Modbus TCP.
pub const TCP_PORT: u16 = 502;
/// The speed of a serial line that says nothing else.
pub const BAUD: u32 = 9600;

/// Where a Modbus device, or a whole line of them, is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Address {
    /// Modbus TCP.
    Tcp {
        /// Name or number of the host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// Modbus RTU.
    Serial {
        /// The port's path.
        path: String,
        /// Bits a second.
        baud: u32,
        /// Parity bit.
        parity: Parity,
        /// Stop bits, 1 or 2.
        stop_bits: u8,
    },
}

/// The parity bit of a serial line; eight data bits always, as RTU needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Parity {
    /// `N`.
    None,
    /// `E`.
    Even,
    /// `O`.
    Odd,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no Modbus address: {reason}\nhint: write `192.168.1.20`, `192.168.1.20:1502`, `/dev/ttyUSB0` or `/dev/ttyUSB0,19200,8E1`"
)]
pub struct NotAnAddress {
    text: String,
    reason: &'static str,
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let no = |reason| NotAnAddress {
            text: text.to_owned(),
            reason,
        };
        if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(no("it is empty or has a space in it"));
        }
        if text.contains('/') || text.starts_with("COM") {
            return serial(text).map_err(no);
        }
        tcp(text).map_err(no)
    }
}

fn tcp(text: &str) -> Result<Address, &'static str> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (
            host,
            port.parse()
                .ok()
                .filter(|p| *p != 0)
                .ok_or("the port is not between 1 and 65535")?,
        ),
        _ => (text, TCP_PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err("the host is missing");
    }
    Ok(Address::Tcp {
        host: host.to_owned(),
        port,
    })
}

fn serial(text: &str) -> Result<Address, &'static str> {
    let mut parts = text.split(',');
    let path = parts.next().unwrap_or_default().to_owned();
    let baud = match parts.next() {
        None => BAUD,
        Some(baud) => baud
            .parse()
            .ok()
            .filter(|b| (1200..=1_000_000).contains(b))
            .ok_or("the speed is not between 1200 and 1000000")?,
    };
    let (parity, stop_bits) = match parts.next() {
        None | Some("8N1") => (Parity::None, 1),
        Some("8E1") => (Parity::Even, 1),
        Some("8O1") => (Parity::Odd, 1),
        Some("8N2") => (Parity::None, 2),
        Some(_) => return Err("the frame is none of 8N1, 8E1, 8O1 and 8N2"),
    };
    if parts.next().is_some() {
        return Err("there is more after the frame");
    }
    Ok(Address::Serial {
        path,
        baud,
        parity,
        stop_bits,
    })
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
            Address::Serial {
                path,
                baud,
                parity,
                stop_bits,
            } => {
                let parity = match parity {
                    Parity::None => 'N',
                    Parity::Even => 'E',
                    Parity::Odd => 'O',
                };
                write!(f, "{path},{baud},8{parity}{stop_bits}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_prints_in_full_and_reads_back() {
        for (written, full) in [
            ("192.168.1.20", "192.168.1.20:502"),
            ("inverter.lan:1502", "inverter.lan:1502"),
            ("fe80::1", "[fe80::1]:502"),
            ("[fe80::1]:1502", "[fe80::1]:1502"),
            ("/dev/ttyUSB0", "/dev/ttyUSB0,9600,8N1"),
            ("/dev/ttyUSB0,19200", "/dev/ttyUSB0,19200,8N1"),
            ("/dev/ttyUSB0,19200,8E1", "/dev/ttyUSB0,19200,8E1"),
        ] {
            let address: Address = written.parse().unwrap();
            assert_eq!(address.to_string(), full);
            assert_eq!(full.parse::<Address>().unwrap(), address);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_hint() {
        for bad in [
            "",
            "a b",
            ":502",
            "host:0",
            "host:99999",
            "host:x",
            "/dev/ttyUSB0,9",
            "/dev/ttyUSB0,9600,7E1",
            "/dev/ttyUSB0,9600,8N1,x",
        ] {
            let error = bad.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("hint: write"), "{error}");
        }
    }
}
