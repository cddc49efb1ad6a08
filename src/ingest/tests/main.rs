//! Both doors against real clients, a real journal and hostile peers, on loopback only.

mod broker;
mod clients;
mod dialects;
mod hostile;
mod invited;
mod limits;
mod raw;
mod rights;
mod spec;
mod stage;
mod tls;
