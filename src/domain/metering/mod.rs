//! Meter points, meters, registers, reads; what is noticed about them; what energy they mean.
//!
//! A *series* is one register of one meter. Its reads form a set, keyed by instant and value;
//! [`judge()`] makes of that set, the decisions about it and the [`SeriesRules`] a verdict per read
//! and a chain of [`Point`]s; [`energy`] makes of the chain energy per half hour, day, month, year.
//! Both are pure: the order in which reads arrive cannot matter, and nothing is guessed. A read
//! that cannot be right is held for a person or refused, never repaired.

pub mod bindings;
mod decision;
mod dial;
pub mod energy;
mod event;
mod explain;
mod finding;
mod fold;
mod fold_bytes;
mod judge;
mod lives;
mod meter;
mod mpan;
mod nights;
mod noticed;
mod read;
mod read_set;
mod rules;
mod same_instant;

pub use decision::{Decisions, ReadDecision};
pub use dial::{DIAL_TOLERANCE, Dial, DialFinding};
pub use event::{EventError, EventKind, MeterEvent, Neighbours};
pub use finding::{ClockFault, Finding, Mark, Verdict};
pub use fold::{DarkAnchor, FoldState, HeldJump, LastAccepted};
pub use fold_bytes::NotAState;
pub use judge::{Judged, JudgedRead, Point, Step, fold, judge};
pub use lives::{Life, Lives, LivesError};
pub use meter::{
    Approval, Direction, FittedMeter, Meter, MeterError, MeterPoint, Register, SeriesId,
};
pub use mpan::{Mpan, NotAnMpan};
pub use nights::{Nights, NightsError};
pub use read::{Evidence, NotAnObisCode, Obis, Quality, Read, Source};
pub use read_set::{Inserted, ReadSet};
pub use rules::{
    CLOCK_AHEAD_HELD_MS, CLOCK_AHEAD_REFUSED_MS, CLOCK_SLACK_MS, DARK_PERCENT, EARLIEST_READ,
    FROZEN_DAYLIGHT_MS, LATE_MS, RULES_VERSION, SeriesRules,
};
