//! Servers for the contract: a strict stub of version 2, Debian's InfluxDB 1.6.7 behind a shim that
//! rewrites paths, Debian's victoria-metrics, and whatever `COMMONWATT_INFLUX_URL` names.

pub mod asked;
pub mod debian;
pub mod http;
pub mod shim;
pub mod stub;
