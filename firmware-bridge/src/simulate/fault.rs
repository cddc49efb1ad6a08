//! Faults to order: what real meters and gateways have been seen to do, at a time of choice.
//!
//! A fault is written `KIND`, `KIND@START` or `KIND@START/DURATION`; `START` is an instant
//! (`2026-06-01T10:00:00Z`) or counted from the start of the simulation (`+2h30m`).
//!
//! | kind | what is published | lasts, unless told |
//! |---|---|---|
//! | `wake-up-zero` | 0 in the first read of each morning (needs no start) | one read |
//! | `freeze` | the register stands still, then jumps to the truth | 6 h |
//! | `reset` | the register counts from 0 from then on | for ever |
//! | `clock-1970` | reads are dated as if the clock had started at 1970-01-01 | 1 h |
//! | `slip` | the register times 1,000 | one read |
//! | `duplicate` | every read twice | one read |
//! | `conflict` | every read twice, the second 1 Wh higher | one read |
//! | `gap` | nothing | 1 h |

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::note::MeterRead;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0 in the first read of each morning.
    WakeUpZero,
    /// The register stands still.
    Freeze,
    /// The register counts from 0.
    Reset,
    /// Reads are dated 1970.
    Clock1970,
    /// A decimal slip by three places.
    Slip,
    /// Every read twice.
    Duplicate,
    /// Two values at one instant.
    Conflict,
    /// Nothing is read.
    Gap,
}

const KINDS: [(&str, Kind); 8] = [
    ("wake-up-zero", Kind::WakeUpZero),
    ("freeze", Kind::Freeze),
    ("reset", Kind::Reset),
    ("clock-1970", Kind::Clock1970),
    ("slip", Kind::Slip),
    ("duplicate", Kind::Duplicate),
    ("conflict", Kind::Conflict),
    ("gap", Kind::Gap),
];

/// A fault as it was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    kind: Kind,
    start: Start,
    lasts: Option<SignedDuration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Always,
    At(Timestamp),
    After(SignedDuration),
}

/// A text orders no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` orders no fault; expected such as `gap@2026-06-01T10:00:00Z/2h`, `slip@+30m` or `wake-up-zero`\nhint: kinds are wake-up-zero, freeze, reset, clock-1970, slip, duplicate, conflict, gap"
)]
pub struct NoFault(String);

impl FromStr for Order {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let refuse = || NoFault(text.to_owned());
        let (kind, when) = match text.split_once('@') {
            Some((kind, when)) => (kind, Some(when)),
            None => (text, None),
        };
        let (_, kind) = *KINDS
            .iter()
            .find(|(name, _)| *name == kind)
            .ok_or_else(refuse)?;
        let duration = |text: &str| {
            let lasts: SignedDuration = text.parse().map_err(|_| refuse())?;
            (lasts > SignedDuration::ZERO)
                .then_some(lasts)
                .ok_or_else(refuse)
        };
        let (start, lasts) = match when.map(|when| when.split_once('/').unwrap_or((when, ""))) {
            None if kind == Kind::WakeUpZero => (Start::Always, None),
            None => return Err(refuse()),
            Some((start, lasts)) => {
                let start = match start.strip_prefix('+') {
                    Some(after) => Start::After(duration(after)?),
                    None => Start::At(start.parse().map_err(|_| refuse())?),
                };
                let lasts = if lasts.is_empty() {
                    None
                } else {
                    Some(duration(lasts)?)
                };
                (start, lasts)
            }
        };
        Ok(Order { kind, start, lasts })
    }
}

impl Order {
    /// The fault in a simulation that starts at `started` and reads each `every_ms`.
    pub fn placed(self, started: Timestamp, every_ms: i64) -> Fault {
        let start_ms = match self.start {
            Start::Always => i64::MIN,
            Start::At(at) => at.as_millisecond(),
            Start::After(after) => {
                let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
                started.as_millisecond().saturating_add(after_ms)
            }
        };
        let lasts_ms = match (self.lasts, self.kind) {
            (Some(lasts), _) => i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX),
            (None, Kind::Reset) => i64::MAX,
            (None, Kind::WakeUpZero) if self.start == Start::Always => i64::MAX,
            (None, Kind::Freeze) => 6 * 3_600_000,
            (None, Kind::Clock1970 | Kind::Gap) => 3_600_000,
            (None, _) => every_ms,
        };
        Fault {
            kind: self.kind,
            start_ms,
            end_ms: match start_ms {
                i64::MIN => i64::MAX,
                start_ms => start_ms.saturating_add(lasts_ms),
            },
        }
    }
}

/// A fault with its place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    kind: Kind,
    start_ms: i64,
    end_ms: i64,
}

impl Fault {
    /// What becomes of the reads of one instant. `truth` is what the register really shows at any
    /// other; `woke` says that the roof made nothing at the read before and makes something now.
    pub fn applied(
        self,
        reads: Vec<MeterRead>,
        at: Timestamp,
        woke: bool,
        truth: impl Fn(Timestamp) -> i64,
    ) -> Vec<MeterRead> {
        let at_ms = at.as_millisecond();
        if at_ms < self.start_ms || at_ms >= self.end_ms {
            return reads;
        }
        let start = Timestamp::from_millisecond(self.start_ms).unwrap_or(Timestamp::MIN);
        let each = |change: &dyn Fn(&mut MeterRead)| {
            let mut reads = reads.clone();
            reads.iter_mut().for_each(change);
            reads
        };
        let twice = |more_wh: i64| {
            let again = reads.iter().cloned().map(|read| MeterRead {
                wh: read.wh + more_wh,
                ..read
            });
            reads.iter().cloned().chain(again).collect()
        };
        match self.kind {
            Kind::WakeUpZero if woke => each(&|read| read.wh = 0),
            Kind::WakeUpZero => reads,
            Kind::Freeze => each(&|read| read.wh = truth(start)),
            Kind::Reset => each(&|read| read.wh -= truth(start)),
            Kind::Clock1970 => each(&|read| {
                let since = at_ms - self.start_ms;
                read.at = Timestamp::from_millisecond(since).unwrap_or(read.at);
            }),
            Kind::Slip => each(&|read| read.wh = read.wh.saturating_mul(1_000)),
            Kind::Duplicate => twice(0),
            Kind::Conflict => twice(1),
            Kind::Gap => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_or_refused() {
        for good in [
            "wake-up-zero",
            "wake-up-zero@2026-06-01T00:00:00Z/24h",
            "freeze@2026-06-01T10:00:00+01:00",
            "reset@+90s",
            "clock-1970@+1h/20m",
            "gap@+1h 30m/2h",
        ] {
            assert!(good.parse::<Order>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "freeze",
            "flood@+1h",
            "gap@",
            "gap@now",
            "gap@+1h/0s",
            "gap@+1h/-2h",
            "gap@2026-06-01",
        ] {
            assert!(bad.parse::<Order>().is_err(), "{bad}");
        }
    }
}
