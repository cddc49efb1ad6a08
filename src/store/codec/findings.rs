//! What was noticed about one read, as the bytes of a `finding` row.
//!
//! ```text
//! version 1 | verdict | counts as: 0, or 1 and Wh | decision: 0 none, 1 accept, 2 refuse, 3 and Wh
//! number of findings | each: its number, its numbers
//! ```

use domain::{
    calendar::Instant,
    metering::{ClockFault, Evidence, Finding, JudgedRead, Mark, ReadDecision, Verdict},
    quantity::WattHours,
};

use super::{
    bytes::{Cursor, put_i64, put_u64},
    seal::Damage,
};

const VERSION: u8 = 1;
/// A read has at most so many findings: one of each kind, twice over.
const FINDINGS_MAX: u64 = 32;

/// What is stored of a judged read beside its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noticed {
    pub(crate) verdict: Verdict,
    pub(crate) counts_as: Option<WattHours>,
    pub(crate) decision: Option<ReadDecision>,
    pub(crate) findings: Vec<Finding>,
}

impl Noticed {
    /// What is worth a row: nothing for a read that is accepted as it came.
    pub(crate) fn of(judged: JudgedRead) -> Option<Noticed> {
        let plain = judged.verdict == Verdict::Accepted
            && judged.findings.is_empty()
            && judged.decision.is_none()
            && judged.counts_as == Some(judged.read.wh);
        (!plain).then_some(Noticed {
            verdict: judged.verdict,
            counts_as: judged.counts_as,
            decision: judged.decision,
            findings: judged.findings,
        })
    }
}

fn put_option(out: &mut Vec<u8>, wh: Option<WattHours>) {
    out.push(u8::from(wh.is_some()));
    if let Some(wh) = wh {
        put_i64(out, wh.0);
    }
}

fn put_mark(out: &mut Vec<u8>, mark: Mark) {
    put_i64(out, mark.at.0);
    put_i64(out, mark.wh.0);
}

fn put_mark_option(out: &mut Vec<u8>, mark: Option<Mark>) {
    out.push(u8::from(mark.is_some()));
    if let Some(mark) = mark {
        put_mark(out, mark);
    }
}

pub(crate) fn encode(noticed: &Noticed) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.push(match noticed.verdict {
        Verdict::Accepted => 0,
        Verdict::Held => 1,
        Verdict::Refused => 2,
    });
    put_option(&mut out, noticed.counts_as);
    match noticed.decision {
        None => out.push(0),
        Some(ReadDecision::Accept) => out.push(1),
        Some(ReadDecision::Refuse) => out.push(2),
        Some(ReadDecision::Correct(wh)) => {
            out.push(3);
            put_i64(&mut out, wh.0);
        }
    }
    put_u64(&mut out, noticed.findings.len() as u64);
    for finding in &noticed.findings {
        put_finding(&mut out, *finding);
    }
    out
}

fn put_finding(out: &mut Vec<u8>, finding: Finding) {
    match finding {
        Finding::ClockImpossible(ClockFault::TooOld) => out.push(0),
        Finding::ClockImpossible(ClockFault::Ahead(ms)) => {
            out.push(1);
            put_i64(out, ms);
        }
        Finding::OutsideRegisterLife { closed, opens } => {
            out.push(2);
            put_mark_option(out, closed);
            put_mark_option(out, opens);
        }
        Finding::ConflictingDuplicate { other } => {
            out.push(3);
            put_i64(out, other.0);
        }
        Finding::WakeUpZero { previous } => {
            out.push(4);
            put_mark(out, previous);
        }
        Finding::Fell { previous, rollover } => {
            out.push(5);
            put_mark(out, previous);
            put_option(out, rollover);
        }
        Finding::DecimalSlip { proposed } => {
            out.push(6);
            put_i64(out, proposed.0);
        }
        Finding::JumpAboveCeiling {
            previous,
            at_most,
            continues,
        } => {
            out.push(7);
            put_mark(out, previous);
            put_i64(out, at_most.0);
            put_mark_option(out, continues);
        }
        Finding::BeyondWidth { modulus } => {
            out.push(8);
            put_i64(out, modulus.0);
        }
        Finding::GenerationInTheDark { since, at_most } => {
            out.push(9);
            put_mark(out, since);
            put_i64(out, at_most.0);
        }
        Finding::Frozen { since } => {
            out.push(10);
            put_i64(out, since.0);
        }
        Finding::Late { by_ms } => {
            out.push(11);
            put_i64(out, by_ms);
        }
        Finding::Duplicate => out.push(12),
        Finding::OtherGateway => out.push(13),
        Finding::Outweighed { by, evidence } => {
            out.push(14);
            put_i64(out, by.0);
            out.push(evidence_code(evidence));
        }
    }
}

fn evidence_code(evidence: Evidence) -> u8 {
    match evidence {
        Evidence::Meter => 0,
        Evidence::Gateway => 1,
        Evidence::Transport => 2,
        Evidence::Person => 3,
    }
}

struct Parts<'a>(Cursor<'a>);

impl Parts<'_> {
    fn wh(&mut self) -> Result<WattHours, Damage> {
        self.0.i64().map(WattHours)
    }

    fn option<T>(
        &mut self,
        take: impl FnOnce(&mut Self) -> Result<T, Damage>,
    ) -> Result<Option<T>, Damage> {
        match self.0.u8()? {
            0 => Ok(None),
            1 => take(self).map(Some),
            _ => Err(Damage("neither there nor absent")),
        }
    }

    fn mark(&mut self) -> Result<Mark, Damage> {
        Ok(Mark {
            at: Instant(self.0.i64()?),
            wh: self.wh()?,
        })
    }

    fn finding(&mut self) -> Result<Finding, Damage> {
        Ok(match self.0.u8()? {
            0 => Finding::ClockImpossible(ClockFault::TooOld),
            1 => Finding::ClockImpossible(ClockFault::Ahead(self.0.i64()?)),
            2 => Finding::OutsideRegisterLife {
                closed: self.option(Self::mark)?,
                opens: self.option(Self::mark)?,
            },
            3 => Finding::ConflictingDuplicate { other: self.wh()? },
            4 => Finding::WakeUpZero {
                previous: self.mark()?,
            },
            5 => Finding::Fell {
                previous: self.mark()?,
                rollover: self.option(Self::wh)?,
            },
            6 => Finding::DecimalSlip {
                proposed: self.wh()?,
            },
            7 => Finding::JumpAboveCeiling {
                previous: self.mark()?,
                at_most: self.wh()?,
                continues: self.option(Self::mark)?,
            },
            8 => Finding::BeyondWidth {
                modulus: self.wh()?,
            },
            9 => Finding::GenerationInTheDark {
                since: self.mark()?,
                at_most: self.wh()?,
            },
            10 => Finding::Frozen {
                since: Instant(self.0.i64()?),
            },
            11 => Finding::Late {
                by_ms: self.0.i64()?,
            },
            12 => Finding::Duplicate,
            13 => Finding::OtherGateway,
            14 => Finding::Outweighed {
                by: self.wh()?,
                evidence: match self.0.u8()? {
                    0 => Evidence::Meter,
                    1 => Evidence::Gateway,
                    2 => Evidence::Transport,
                    3 => Evidence::Person,
                    _ => return Err(Damage("an unknown evidence")),
                },
            },
            _ => return Err(Damage("an unknown finding")),
        })
    }
}

pub(crate) fn decode(payload: &[u8]) -> Result<Noticed, Damage> {
    let mut parts = Parts(Cursor::new(payload));
    if parts.0.u8()? != VERSION {
        return Err(Damage("a finding of an unknown version"));
    }
    let verdict = match parts.0.u8()? {
        0 => Verdict::Accepted,
        1 => Verdict::Held,
        2 => Verdict::Refused,
        _ => return Err(Damage("an unknown verdict")),
    };
    let counts_as = parts.option(Parts::wh)?;
    let decision = match parts.0.u8()? {
        0 => None,
        1 => Some(ReadDecision::Accept),
        2 => Some(ReadDecision::Refuse),
        3 => Some(ReadDecision::Correct(parts.wh()?)),
        _ => return Err(Damage("an unknown decision")),
    };
    let count = parts.0.u64()?;
    if count > FINDINGS_MAX {
        return Err(Damage("too many findings"));
    }
    let findings = (0..count)
        .map(|_| parts.finding())
        .collect::<Result<_, _>>()?;
    parts.0.end()?;
    Ok(Noticed {
        verdict,
        counts_as,
        decision,
        findings,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_finding_comes_back() {
        let mark = Mark {
            at: Instant(1_700_000_000_000),
            wh: WattHours(-3),
        };
        let findings = vec![
            Finding::ClockImpossible(ClockFault::TooOld),
            Finding::ClockImpossible(ClockFault::Ahead(400_000)),
            Finding::OutsideRegisterLife {
                closed: Some(mark),
                opens: None,
            },
            Finding::ConflictingDuplicate {
                other: WattHours(9),
            },
            Finding::WakeUpZero { previous: mark },
            Finding::Fell {
                previous: mark,
                rollover: Some(WattHours(4)),
            },
            Finding::DecimalSlip {
                proposed: WattHours(i64::MAX),
            },
            Finding::JumpAboveCeiling {
                previous: mark,
                at_most: WattHours(1),
                continues: Some(mark),
            },
            Finding::BeyondWidth {
                modulus: WattHours(1_000_000),
            },
            Finding::GenerationInTheDark {
                since: mark,
                at_most: WattHours(7),
            },
            Finding::Frozen { since: Instant(5) },
            Finding::Late { by_ms: 90_000_000 },
            Finding::Duplicate,
            Finding::OtherGateway,
            Finding::Outweighed {
                by: WattHours(3),
                evidence: Evidence::Gateway,
            },
        ];
        for decision in [
            None,
            Some(ReadDecision::Accept),
            Some(ReadDecision::Refuse),
            Some(ReadDecision::Correct(WattHours(12))),
        ] {
            let noticed = Noticed {
                verdict: Verdict::Held,
                counts_as: decision.map(|_| WattHours(12)),
                decision,
                findings: findings.clone(),
            };
            assert_eq!(decode(&encode(&noticed)), Ok(noticed));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = decode(&bytes);
        }
    }
}
