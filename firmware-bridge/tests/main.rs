//! Situations a gateway meets, each seen from outside the crate.

mod backlog;
mod commission;
mod disk;
mod lossy_link;
mod modbus;
mod mosquitto;
mod roofs;
mod sunspec;
mod support;
