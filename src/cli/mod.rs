//! The command line.

pub mod args;
pub mod socket;
pub mod voice;
