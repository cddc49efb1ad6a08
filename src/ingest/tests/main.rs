//! Both doors against real clients, a real journal and hostile peers, on loopback only.

mod broker;
mod clients;
mod hostile;
mod limits;
mod raw;
mod rights;
mod spec;
mod stage;
mod tls;
