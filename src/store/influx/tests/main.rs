//! What the mirror relies on, shown against servers: see [`contract`] and [`peers`].

extern crate commonwatt_influx as influx;

mod answers;
mod contract;
mod encoder;
mod flux_types;
mod peers;
mod setting_up;
#[cfg(feature = "https")]
mod tls;
