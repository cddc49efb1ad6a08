//! Mappings against what other projects recorded.

mod by_hand;
mod samples;
mod sparkplug;
