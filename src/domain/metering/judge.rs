//! Judging: the reads of a series in meter-time order, each with its findings and a verdict.
//!
//! A fold over a small [`FoldState`]. It never looks at the order of arrival, and a read that is
//! held or refused is never the predecessor of anything. Of several values of one instant those with
//! the weightiest evidence contend, the others stand back; a read of a gateway that is not the
//! meter's own waits for a person and touches no other read. Accepted reads and the final and opening
//! reads of events come out as [`Point`]s; between two joined points the register's advance is
//! known, and nowhere else.

use super::{
    Decisions, Finding, FoldState, HeldJump, Life, Mark, Quality, Read, ReadDecision, ReadSet,
    SeriesRules, Verdict,
    fold::rises_too_fast,
    lives::Turn,
    noticed::{clock_finding, findings_of_value, late_finding, other_gateway},
    same_instant::{
        Choice, chosen, conflict, is_candidate, outweigh, quality_of, settle_conflict, weightiest,
    },
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
///
/// ```
/// use commonwatt_domain::{metering::*, quantity::*};
/// let register = Register::new(Obis::EXPORT, Direction::Generation, 8, WattHours(10), 1)?;
/// let rules = SeriesRules::of(&register, Some(Watts(37_240)), Nights::unknown());
/// let read = |time: &str, kwh| {
///     let at = time.parse().unwrap();
///     let wh = WattHours::from_kwh_text(kwh).unwrap();
///     Read { at, wh, received: at, source: Source::Telemetry }
/// };
/// let reads = ReadSet::of(vec![
///     read("2013-06-01T07:30:00Z", "15508.51"),
///     read("2013-06-01T06:00:00Z", "15475.04"),
///     read("2013-06-01T06:01:00Z", "0"), // the device woke up
/// ]);
/// let judged = judge(&rules, &Decisions::none(), &reads);
/// assert_eq!(judged.reads[1].verdict, Verdict::Refused);
/// let advance = judged.points[1].wh.checked_sub(judged.points[0].wh);
/// assert_eq!(advance.unwrap().kwh_words(), "33.47 kWh");
/// # Ok::<(), MeterError>(())
/// ```
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
    debug_assert!(
        reads.is_sorted_by_key(|read| (read.at, read.wh)),
        "reads are judged in order of (instant, value)"
    );
    let bench = Bench { rules, decisions };
    let (_, rest) = reads.split_at(reads.partition_point(|read| read.at < state.upto));
    let (mut rest, _) = rest.split_at(rest.partition_point(|read| read.at < until));
    let next_turn = |from| rules.lives.next_turn(from).filter(|turn| turn.at < until);
    let mut turn = next_turn(state.upto);
    loop {
        let next = rest.first().map(|read| read.at);
        let first_turn = turn.filter(|turn| next.is_none_or(|next| turn.at <= next));
        let Some(at) = first_turn.map(|turn| turn.at).or(next) else {
            break;
        };
        let here = rest.iter().take_while(|read| read.at == at).count();
        let (here, later) = rest.split_at(here);
        if let Some(now) = first_turn {
            bench.turn(state, &now, here, visit);
            turn = next_turn(at.plus_ms(1));
        } else {
            bench.instant(state, here, visit);
        }
        rest = later;
    }
    state.upto = state.upto.max(until);
}

struct Bench<'a> {
    rules: &'a SeriesRules,
    decisions: &'a Decisions,
}

impl Bench<'_> {
    /// Judges the reads of one instant inside or outside the register's lives.
    fn instant(&self, state: &mut FoldState, here: &[Read], visit: &mut impl FnMut(Step)) {
        if let [read] = here
            && self.decisions.about(read.at, read.wh).is_none()
            && state.accepts_plainly(self.rules, read)
        {
            state.settle(self.rules, read.at, read.wh, read.source.quality());
            visit(Step::Read(JudgedRead {
                read: *read,
                verdict: Verdict::Accepted,
                counts_as: Some(read.wh),
                findings: Vec::new(),
                decision: None,
            }));
            visit(Step::Point(Point {
                at: read.at,
                wh: read.wh,
                quality: read.source.quality(),
                joined: true,
            }));
            return;
        }
        let Some(at) = here.first().map(|read| read.at) else {
            return;
        };
        let life = self.rules.lives.at(at);
        let mut judged: Vec<JudgedRead> = here
            .iter()
            .map(|read| self.alone(state, life, read))
            .collect();
        let point = match chosen(self.rules, life, &judged) {
            Choice::Contradictory => {
                conflict(&mut judged, is_candidate);
                None
            }
            Choice::Value(value) => {
                settle_conflict(&mut judged, value);
                Some((value, quality_of(&judged, value)))
            }
            Choice::None => weightiest(&judged).and_then(|weight| {
                let contends =
                    |read: &JudgedRead| is_candidate(read) && read.read.source.weight() == weight;
                let point = if judged.iter().filter(|read| contends(read)).count() == 1 {
                    self.only_candidate(state, &mut judged, contends)
                } else {
                    conflict(&mut judged, contends);
                    None
                };
                outweigh(&mut judged, contends, point.is_some());
                point
            }),
        };
        judged.into_iter().for_each(|read| visit(Step::Read(read)));
        if let Some((wh, quality)) = point {
            let joined = state.last.is_some_and(|last| last.wh <= wh);
            if !joined {
                state.dark = None;
            }
            state.settle(self.rules, at, wh, quality);
            visit(Step::Point(Point {
                at,
                wh,
                quality,
                joined,
            }));
        }
    }

    /// Accepts, holds or refuses the one read of an instant that contends and that nobody decided
    /// about.
    fn only_candidate(
        &self,
        state: &mut FoldState,
        judged: &mut [JudgedRead],
        contends: impl Fn(&JudgedRead) -> bool,
    ) -> Option<(WattHours, Quality)> {
        let read = judged.iter_mut().find(|read| contends(read))?;
        if read.verdict == Verdict::Accepted {
            read.counts_as = Some(read.read.wh);
            return Some((read.read.wh, read.read.source.quality()));
        }
        let jumps = read
            .findings
            .iter()
            .any(|finding| matches!(finding, Finding::JumpAboveCeiling { .. }));
        let too_fast = state
            .last
            .is_some_and(|last| rises_too_fast(self.rules, last, &read.read));
        if jumps && too_fast && state.jump.is_none_or(|jump| read.read.wh < jump.0.wh) {
            state.jump = Some(HeldJump(Mark {
                at: read.read.at,
                wh: read.read.wh,
            }));
        }
        None
    }

    /// Judges the reads at an instant where a life ends or starts, and turns the state.
    fn turn(
        &self,
        state: &mut FoldState,
        turn: &Turn,
        here: &[Read],
        visit: &mut impl FnMut(Step),
    ) {
        let mut measured = (false, false);
        for read in here {
            let mut judged = self.bare(read);
            judged.findings.extend(clock_finding(read));
            judged.findings.extend(other_gateway(read));
            let says = |mark: Option<Mark>| mark.is_some_and(|mark| mark.wh == read.wh);
            let (closes, opens) = (says(turn.closes), says(turn.opens));
            if !(closes || opens)
                && let Some(mark) = turn.closes.or(turn.opens)
            {
                judged
                    .findings
                    .push(Finding::ConflictingDuplicate { other: mark.wh });
            }
            judged.conclude();
            if judged.decision == Some(ReadDecision::Refuse) {
                judged.verdict = Verdict::Refused;
            }
            if judged.verdict == Verdict::Accepted {
                judged.counts_as = Some(read.wh);
                judged.findings.extend(late_finding(read));
                let actual = read.source.quality() == Quality::Actual;
                measured = (
                    measured.0 || actual && closes,
                    measured.1 || actual && opens,
                );
            }
            visit(Step::Read(judged));
        }
        let quality = |actual| {
            if actual {
                Quality::Actual
            } else {
                Quality::Manual
            }
        };
        if let Some(Mark { at, wh }) = turn.closes {
            let joined = state.last.is_some();
            let quality = quality(measured.0);
            visit(Step::Point(Point {
                at,
                wh,
                quality,
                joined,
            }));
            (state.last, state.jump, state.dark) = (None, None, None);
        }
        if let Some(Mark { at, wh }) = turn.opens {
            let quality = quality(measured.1);
            visit(Step::Point(Point {
                at,
                wh,
                quality,
                joined: false,
            }));
            state.settle(self.rules, at, wh, quality);
        }
    }

    /// What is noticed about a read by itself, without the others of its instant and without
    /// decisions.
    fn alone(&self, state: &FoldState, life: Option<&Life>, read: &Read) -> JudgedRead {
        let mut judged = self.bare(read);
        judged.findings.extend(clock_finding(read));
        let told = !judged.findings.is_empty();
        judged.findings.extend(other_gateway(read));
        match life {
            _ if told => {}
            Some(_) if read.source.is_of_other_gateway() => {}
            None => {
                let (closed, opens) = self.rules.lives.around(read.at);
                judged
                    .findings
                    .push(Finding::OutsideRegisterLife { closed, opens });
                judged.findings.sort_unstable();
            }
            Some(life) => findings_of_value(self.rules, state, life, read, &mut judged.findings),
        }
        judged.conclude();
        if judged.verdict != Verdict::Refused {
            judged.findings.extend(late_finding(read));
        }
        if judged.decision == Some(ReadDecision::Refuse) {
            judged.verdict = Verdict::Refused;
        }
        judged
    }

    fn bare(&self, read: &Read) -> JudgedRead {
        JudgedRead {
            read: *read,
            verdict: Verdict::Accepted,
            counts_as: None,
            findings: Vec::new(),
            decision: self.decisions.about(read.at, read.wh),
        }
    }
}

impl JudgedRead {
    /// The gravest finding gives the verdict.
    fn conclude(&mut self) {
        let verdicts = self.findings.iter().map(|finding| finding.verdict());
        self.verdict = verdicts.max().unwrap_or(Verdict::Accepted);
    }
}
