//! Several values for one instant: which of them stands, if any.
//!
//! A person's choice stands. Without one, what has the weightiest evidence stands before the rest
//! ([`Source::weight`](super::Source::weight)), and two values of one weight contradict each other
//! and are both held.

use super::{Finding, JudgedRead, Life, Quality, ReadDecision, SeriesRules, Verdict};
use crate::quantity::WattHours;

/// What people chose for an instant.
pub(super) enum Choice {
    /// Nothing.
    None,
    /// One value.
    Value(WattHours),
    /// Several values.
    Contradictory,
}

/// The value that people chose for an instant, among those that can act: the read must not be
/// refused, and the value must fit the register's width and its final read.
pub(super) fn chosen(rules: &SeriesRules, life: Option<&Life>, judged: &[JudgedRead]) -> Choice {
    let Some(life) = life else {
        return Choice::None;
    };
    let final_wh = life.closed.map_or(WattHours(i64::MAX), |mark| mark.wh);
    let mut values = judged
        .iter()
        .filter(|read| read.verdict != Verdict::Refused)
        .filter_map(|read| match read.decision? {
            ReadDecision::Accept => Some(read.read.wh),
            ReadDecision::Correct(wh) => Some(wh),
            ReadDecision::Refuse => None,
        })
        .filter(|wh| *wh >= WattHours::ZERO && *wh < rules.modulus && *wh <= final_wh);
    match values.next() {
        None => Choice::None,
        Some(value) if values.all(|other| other == value) => Choice::Value(value),
        Some(_) => Choice::Contradictory,
    }
}

/// Whether a read of an instant may stand for it: no person refused it, and its clock and its
/// register's life do not forbid it. 0 after a positive register still contradicts another value.
pub(super) fn is_candidate(read: &JudgedRead) -> bool {
    let impossible = read.findings.iter().any(|finding| {
        finding.verdict() == Verdict::Refused && !matches!(finding, Finding::WakeUpZero { .. })
    });
    read.decision != Some(ReadDecision::Refuse) && !impossible
}

pub(super) fn candidates(judged: &[JudgedRead]) -> impl Iterator<Item = &JudgedRead> {
    judged.iter().filter(|read| is_candidate(read))
}

/// The weight of the weightiest evidence there is for an instant, reads of other gateways left out.
pub(super) fn weightiest(judged: &[JudgedRead]) -> Option<u8> {
    let own = candidates(judged).filter(|read| !read.read.source.is_of_other_gateway());
    own.map(|read| read.read.source.weight()).min()
}

/// Holds the reads of an instant that contend, each naming the smallest other value.
pub(super) fn conflict(judged: &mut [JudgedRead], contends: impl Fn(&JudgedRead) -> bool) {
    let contending = judged.iter().filter(|read| contends(read));
    let values: Vec<WattHours> = contending.map(|read| read.read.wh).collect();
    for read in judged.iter_mut().filter(|read| contends(read)) {
        if let Some(other) = values.iter().find(|wh| **wh != read.read.wh) {
            stand_back(read, Finding::ConflictingDuplicate { other: *other });
        }
        read.verdict = Verdict::Held;
    }
}

/// Sets aside the candidates that do not contend: refused when a value stands, held when the
/// weightier one is held itself. What another gateway sent waits for a person as it is.
pub(super) fn outweigh(
    judged: &mut [JudgedRead],
    contends: impl Fn(&JudgedRead) -> bool,
    stands: bool,
) {
    let weightier = judged.iter().find(|read| contends(read)).map(|r| r.read);
    let Some(weightier) = weightier else { return };
    let lighter = |read: &&mut JudgedRead| {
        is_candidate(read) && !contends(read) && !read.read.source.is_of_other_gateway()
    };
    for read in judged.iter_mut().filter(lighter) {
        let finding = Finding::Outweighed {
            by: weightier.wh,
            evidence: weightier.source.evidence(),
        };
        stand_back(read, finding);
        read.verdict = if stands {
            Verdict::Refused
        } else {
            Verdict::Held
        };
    }
}

/// Puts what another value of its instant means for a read in the place of what its own value does.
fn stand_back(read: &mut JudgedRead, finding: Finding) {
    read.findings.retain(|finding| {
        matches!(
            finding,
            Finding::ClockImpossible(_) | Finding::OtherGateway | Finding::Late { .. }
        )
    });
    read.findings.push(finding);
    read.findings.sort_unstable();
}

/// Accepts the reads that stand for the chosen value and refuses the other candidates.
pub(super) fn settle_conflict(judged: &mut [JudgedRead], value: WattHours) {
    for read in judged.iter_mut().filter(|read| is_candidate(read)) {
        let stands = match read.decision {
            Some(ReadDecision::Correct(wh)) => wh == value,
            _ => read.read.wh == value,
        };
        if stands {
            read.verdict = Verdict::Accepted;
            read.counts_as = Some(value);
        } else {
            read.verdict = Verdict::Refused;
            read.findings
                .push(Finding::ConflictingDuplicate { other: value });
            read.findings.sort_unstable();
        }
    }
}

/// The best quality among the reads that show the value themselves; manual when a person put it in.
pub(super) fn quality_of(judged: &[JudgedRead], value: WattHours) -> Quality {
    candidates(judged)
        .filter(|read| read.verdict == Verdict::Accepted && read.read.wh == value)
        .map(|read| read.read.source.quality())
        .min()
        .unwrap_or(Quality::Manual)
}
