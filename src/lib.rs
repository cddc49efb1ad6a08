//! Commonwatt: the system a community energy co-operative runs on.
//!
//! A table of contents; `ARCHITECTURE.md` is the map. What energy means lives in the crate
//! `commonwatt-domain`, what is kept in `commonwatt-journal`.

pub mod cli;
pub mod clock;
pub mod daemon;
pub mod web;
