//! Mappings against what other projects recorded.

mod samples;
mod sparkplug;
