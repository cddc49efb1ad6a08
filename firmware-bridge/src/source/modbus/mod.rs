//! Modbus over TCP and RTU: one talker on a line, one client at an address.

mod address;

pub use address::{Address, BAUD, NotAnAddress, Parity, TCP_PORT};

/// The lines and connections that sources share, by port or address. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Buses {}
