//! Findings in words: what was seen, what was expected, with units, and the next step.

use core::fmt;

use super::{CLOCK_AHEAD_HELD_MS, ClockFault, EARLIEST_READ, Finding, Read};

impl Finding {
    /// One sentence for people, and the next step on its own `hint:` line.
    ///
    /// ```
    /// # use commonwatt_domain::{calendar::Instant, metering::*, quantity::WattHours};
    /// let read = Read { wh: WattHours(1204), ..Read::default() };
    /// let previous = Mark { at: Instant(0), wh: WattHours(1310) };
    /// let finding = Finding::Fell { previous, rollover: None };
    /// assert_eq!(
    ///     finding.explain("2000012345672", &read),
    ///     "register read `1204` Wh for `2000012345672` is below the previous `1310` Wh of \
    ///      1970-01-01T00:00:00Z; expected a rollover or a meter exchange\n\
    ///      hint: record the exchange, reset or rollover with `commonwatt meter`, or refuse the read"
    /// );
    /// ```
    #[must_use]
    pub fn explain(self, meter: &str, read: &Read) -> String {
        format!(
            "{}\nhint: {}",
            Sentence {
                finding: self,
                meter,
                read
            },
            self.hint()
        )
    }

    fn hint(self) -> &'static str {
        match self {
            Finding::ClockImpossible(_) => "set the device's clock and send the read again",
            Finding::OutsideRegisterLife { .. } => {
                "correct the dates of the meter event, or leave the read out"
            }
            Finding::OtherGateway => {
                "`commonwatt messages list` names the gateway; if it reads this meter, say so with the day under [[gateway]] in the society file, or accept the read; if not, refuse it and look at that gateway"
            }
            Finding::Outweighed { .. } => {
                "nothing to do if the signed value is right; accept this one if it is not"
            }
            Finding::ConflictingDuplicate { .. } => {
                "accept the value that is right; the other is then refused"
            }
            Finding::WakeUpZero { .. } => {
                "nothing to do if the next read is right; if the register was reset, record it with `commonwatt meter reset`"
            }
            Finding::Fell { rollover: None, .. } => {
                "record the exchange, reset or rollover with `commonwatt meter`, or refuse the read"
            }
            Finding::Fell { .. } => {
                "record it with `commonwatt meter rollover`, or refuse the read"
            }
            Finding::DecimalSlip { .. } => "correct the read to the proposed value, or refuse it",
            Finding::JumpAboveCeiling { .. } => {
                "accept the first read of the jump if the register is right, or record a meter event"
            }
            Finding::BeyondWidth { .. } => "correct the read, or the register's digits and unit",
            Finding::GenerationInTheDark { .. } => {
                "check the device's clock and that the register counts generation, then accept or refuse"
            }
            Finding::Frozen { .. } => "look at the inverter and the meter's link",
            Finding::Late { .. } => {
                "nothing to do; periods already frozen carry it to the next run"
            }
            Finding::Duplicate => "nothing to do; twice is once",
        }
    }
}

struct Sentence<'a> {
    finding: Finding,
    meter: &'a str,
    read: &'a Read,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wh, at, meter) = (self.read.wh.0, self.read.at, self.meter);
        match self.finding {
            Finding::ClockImpossible(ClockFault::TooOld) => write!(
                f,
                "read of `{meter}` says `{at}`; expected a time from {} on",
                EARLIEST_READ
            ),
            Finding::ClockImpossible(ClockFault::Ahead(ms)) => write!(
                f,
                "read of `{meter}` says `{at}`, `{}` minutes after it was received; expected at most {} minutes",
                ms / 60_000,
                CLOCK_AHEAD_HELD_MS / 60_000
            ),
            Finding::OutsideRegisterLife { closed, opens } => {
                write!(
                    f,
                    "read of `{meter}` at `{at}` lies outside the register's life;"
                )?;
                match (closed, opens) {
                    (Some(closed), Some(opens)) => write!(
                        f,
                        " it was closed at {} and opens at {}",
                        closed.at, opens.at
                    ),
                    (Some(closed), None) => write!(f, " it was closed at {}", closed.at),
                    (None, Some(opens)) => write!(f, " it opens at {}", opens.at),
                    (None, None) => write!(f, " it has none"),
                }
            }
            Finding::OtherGateway => write!(
                f,
                "register read `{wh}` Wh for `{meter}` at `{at}` came from a gateway that was not this meter's; expected its own"
            ),
            Finding::Outweighed { by, evidence } => write!(
                f,
                "register read `{wh}` Wh for `{meter}` at `{at}` is not signed as `{}` Wh of the same instant is (evidence {}); expected one value",
                by.0,
                evidence.letter()
            ),
            Finding::ConflictingDuplicate { other } => write!(
                f,
                "register read `{wh}` Wh for `{meter}` at `{at}` stands beside `{}` Wh for the same instant; expected one value",
                other.0
            ),
            Finding::WakeUpZero { previous } => write!(
                f,
                "register read `0` Wh for `{meter}` after `{}` Wh of {}; expected the register to stand where it was or higher",
                previous.wh.0, previous.at
            ),
            Finding::Fell { previous, rollover } => {
                write!(
                    f,
                    "register read `{wh}` Wh for `{meter}` is below the previous `{}` Wh of {}; expected ",
                    previous.wh.0, previous.at
                )?;
                match rollover {
                    Some(advance) => write!(
                        f,
                        "more, unless the register passed its width: then it advanced by `{}` Wh",
                        advance.0
                    ),
                    None => f.write_str("a rollover or a meter exchange"),
                }
            }
            Finding::DecimalSlip { proposed } => write!(
                f,
                "register read `{wh}` Wh for `{meter}` does not fit, `{}` Wh would; expected no slip of the decimal point",
                proposed.0
            ),
            Finding::JumpAboveCeiling {
                previous,
                at_most,
                continues: None,
            } => write!(
                f,
                "register read `{wh}` Wh for `{meter}` jumps from `{}` Wh of {}; expected at most `{}` Wh",
                previous.wh.0, previous.at, at_most.0
            ),
            Finding::JumpAboveCeiling {
                continues: Some(jump),
                ..
            } => write!(
                f,
                "register read `{wh}` Wh for `{meter}` continues the jump to `{}` Wh of {}, which is held; expected that to be decided first",
                jump.wh.0, jump.at
            ),
            Finding::BeyondWidth { modulus } => write!(
                f,
                "register read `{wh}` Wh for `{meter}` cannot be shown; expected 0 Wh to less than `{}` Wh",
                modulus.0
            ),
            Finding::GenerationInTheDark { since, at_most } => write!(
                f,
                "register read `{wh}` Wh for `{meter}` rose from `{}` Wh of {} in the dark; expected at most `{}` Wh",
                since.wh.0, since.at, at_most.0
            ),
            Finding::Frozen { since } => write!(
                f,
                "register read `{wh}` Wh for `{meter}` is unchanged since {}; expected generation in 6 hours of daylight",
                since
            ),
            Finding::Late { by_ms } => write!(
                f,
                "read of `{meter}` at `{at}` was received `{}` hours late; expected it within 24 hours",
                by_ms / 3_600_000
            ),
            Finding::Duplicate => write!(
                f,
                "register read `{wh}` Wh for `{meter}` at `{at}` was received before; expected each read once"
            ),
        }
    }
}
