//! Situations a gateway meets, each seen from outside the crate.

mod backlog;
mod commission;
mod disk;
mod lossy_link;
mod modbus;
mod mosquitto;
mod p1;
mod program;
mod roofs;
mod serial;
mod sunspec;
mod support;
