//! What is noticed about a read, in order of precedence, and what follows from it.

use super::Evidence;
use crate::{calendar::Instant, quantity::WattHours};

/// What a register showed at an instant; the bare pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// The instant.
    pub at: Instant,
    /// The register's value.
    pub wh: WattHours,
}

/// What follows for a read from its findings, the gravest counting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It counts.
    #[default]
    Accepted,
    /// A person decides; until then it counts for nothing.
    Held,
    /// It cannot be and counts for nothing.
    Refused,
}

/// What is wrong with a read's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClockFault {
    /// Before [`super::EARLIEST_READ`]: a clock that was never set, mostly 1970.
    TooOld,
    /// So many milliseconds after the read was received.
    Ahead(i64),
}

/// Something noticed about a read; the order of the variants is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// Its time cannot be, or is ahead of ours.
    ClockImpossible(ClockFault),
    /// The register did not count at that time: before it was fitted, after it was closed.
    OutsideRegisterLife {
        /// The final read before, if an event closed the register.
        closed: Option<Mark>,
        /// The opening read after, if an event opens it again.
        opens: Option<Mark>,
    },
    /// It came from a gateway that was not the meter's own at its time.
    OtherGateway,
    /// Another value with weightier evidence is there for the same instant.
    Outweighed {
        /// That value.
        by: WattHours,
        /// What stands behind it.
        evidence: Evidence,
    },
    /// Another value stands for the same instant.
    ConflictingDuplicate {
        /// That value: the decided one, or else the smallest other.
        other: WattHours,
    },
    /// 0 after a positive register: what devices say before they have read their meter.
    WakeUpZero {
        /// The last accepted read.
        previous: Mark,
    },
    /// Below the last accepted read.
    Fell {
        /// The last accepted read.
        previous: Mark,
        /// The advance if the register has passed its width, where that is possible.
        rollover: Option<WattHours>,
    },
    /// The digits fit, the decimal point does not.
    DecimalSlip {
        /// The value that would fit.
        proposed: WattHours,
    },
    /// Above what can have flowed since the last accepted read, or the continuation of such.
    JumpAboveCeiling {
        /// The last accepted read.
        previous: Mark,
        /// The largest value that would have been taken.
        at_most: WattHours,
        /// The held read that this one continues, when it does not jump itself.
        continues: Option<Mark>,
    },
    /// Below 0, or above what the register's digits can show.
    BeyondWidth {
        /// Where the register starts again from 0.
        modulus: WattHours,
    },
    /// A generation register moved while the sun was down.
    GenerationInTheDark {
        /// The first accepted read of that darkness.
        since: Mark,
        /// The largest value that would have been taken.
        at_most: WattHours,
    },
    /// Unchanged over 6 hours of daylight or more.
    Frozen {
        /// When the value was first read.
        since: Instant,
    },
    /// Received long after its time.
    Late {
        /// By so many milliseconds.
        by_ms: i64,
    },
    /// It was there already; an outcome of sending it, never part of a series.
    Duplicate,
}

impl Finding {
    /// What follows from this finding alone.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Finding::ClockImpossible(ClockFault::TooOld)
            | Finding::OutsideRegisterLife { .. }
            | Finding::WakeUpZero { .. } => Verdict::Refused,
            Finding::ClockImpossible(ClockFault::Ahead(ms)) => {
                if ms > super::CLOCK_AHEAD_REFUSED_MS {
                    Verdict::Refused
                } else {
                    Verdict::Held
                }
            }
            Finding::OtherGateway
            | Finding::Outweighed { .. }
            | Finding::ConflictingDuplicate { .. }
            | Finding::Fell { .. }
            | Finding::DecimalSlip { .. }
            | Finding::JumpAboveCeiling { .. }
            | Finding::BeyondWidth { .. }
            | Finding::GenerationInTheDark { .. } => Verdict::Held,
            Finding::Frozen { .. } | Finding::Late { .. } | Finding::Duplicate => Verdict::Accepted,
        }
    }

    /// The stable word for JSON, CSV and the store.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Finding::ClockImpossible(_) => "clock_impossible",
            Finding::OutsideRegisterLife { .. } => "outside_register_life",
            Finding::OtherGateway => "other_gateway",
            Finding::Outweighed { .. } => "outweighed",
            Finding::ConflictingDuplicate { .. } => "conflicting_duplicate",
            Finding::WakeUpZero { .. } => "wake_up_zero",
            Finding::Fell { .. } => "fell",
            Finding::DecimalSlip { .. } => "decimal_slip",
            Finding::JumpAboveCeiling { .. } => "jump_above_ceiling",
            Finding::BeyondWidth { .. } => "beyond_width",
            Finding::GenerationInTheDark { .. } => "generation_in_the_dark",
            Finding::Frozen { .. } => "frozen",
            Finding::Late { .. } => "late",
            Finding::Duplicate => "duplicate",
        }
    }
}

impl Verdict {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::Held => "held",
            Verdict::Refused => "refused",
        }
    }
}
