//! What is noticed about one read: about its time, and about its value against the last accepted
//! read of its register's life.

use super::{
    ClockFault, Finding, FoldState, LastAccepted, Life, Mark, Read, SeriesRules,
    fold::{highest, rises_too_fast},
    rules as limits,
};
use crate::quantity::WattHours;

/// The powers by which a decimal point slips.
const SLIPS: [i64; 3] = [10, 100, 1000];

/// Adds the findings of a read's value in order of precedence.
pub(super) fn findings_of_value(
    rules: &SeriesRules,
    state: &FoldState,
    life: &Life,
    read: &Read,
    findings: &mut Vec<Finding>,
) {
    let last = state.last;
    let beyond = read.wh < WattHours::ZERO || read.wh >= rules.modulus;
    let Some(last) = last else {
        if beyond {
            findings.push(Finding::BeyondWidth {
                modulus: rules.modulus,
            });
        } else {
            findings.extend(above_final(life, None, read));
        }
        return;
    };
    let previous = Mark {
        at: last.at,
        wh: last.wh,
    };
    let jump = state
        .jump
        .map(|jump| jump.0)
        .filter(|jump| read.wh >= jump.wh);
    let slip = || proposed(rules, last, read).map(|proposed| Finding::DecimalSlip { proposed });
    if beyond {
        findings.extend(slip());
        findings.push(Finding::BeyondWidth {
            modulus: rules.modulus,
        });
    } else if read.wh == WattHours::ZERO && last.wh > WattHours::ZERO {
        findings.push(Finding::WakeUpZero { previous });
    } else if read.wh < last.wh {
        let rollover = rollover_advance(rules, last, read);
        findings.push(Finding::Fell { previous, rollover });
        findings.extend(slip());
    } else if jump.is_some() || rises_too_fast(rules, last, read) {
        findings.extend(slip());
        findings.push(Finding::JumpAboveCeiling {
            previous,
            at_most: highest(rules, last, read.at).unwrap_or(rules.modulus),
            continues: jump,
        });
    } else if let Some(finding) = above_final(life, Some(previous), read) {
        findings.push(finding);
    } else if let Some((since, at_most)) = state.dark_limit(rules, read) {
        findings.push(Finding::GenerationInTheDark { since, at_most });
    } else if state.is_frozen(rules, read) {
        findings.push(Finding::Frozen { since: last.since });
    }
}

/// What is wrong with a read's time.
pub(super) fn clock_finding(read: &Read) -> Option<Finding> {
    let ahead = read.at.ms_since(read.received);
    let fault = if read.at < limits::EARLIEST_READ {
        ClockFault::TooOld
    } else if ahead > limits::CLOCK_AHEAD_HELD_MS {
        ClockFault::Ahead(ahead)
    } else {
        return None;
    };
    Some(Finding::ClockImpossible(fault))
}

/// A read that a gateway sent which is not the meter's own.
pub(super) fn other_gateway(read: &Read) -> Option<Finding> {
    read.source
        .is_of_other_gateway()
        .then_some(Finding::OtherGateway)
}

/// A telemetry read that came long after its time.
pub(super) fn late_finding(read: &Read) -> Option<Finding> {
    let by_ms = read.received.ms_since(read.at);
    let late = read.source.is_telemetry() && by_ms > limits::LATE_MS;
    late.then_some(Finding::Late { by_ms })
}

/// A read above the final read of its register's life.
fn above_final(life: &Life, previous: Option<Mark>, read: &Read) -> Option<Finding> {
    let closed = life.closed.filter(|closed| read.wh > closed.wh)?;
    Some(Finding::JumpAboveCeiling {
        previous: previous.unwrap_or(closed),
        at_most: closed.wh,
        continues: None,
    })
}

/// The advance over the register's width, when that much can have flowed.
fn rollover_advance(rules: &SeriesRules, last: LastAccepted, read: &Read) -> Option<WattHours> {
    let largest = rules.largest_advance(read.at.ms_since(last.at))?;
    let rest = rules.modulus.checked_sub(last.wh)?;
    let advance = rest.checked_add(read.wh)?;
    (rest >= WattHours::ZERO && advance <= largest).then_some(advance)
}

/// The value with the decimal point moved by one, two or three places that would have been taken.
fn proposed(rules: &SeriesRules, last: LastAccepted, read: &Read) -> Option<WattHours> {
    let highest = highest(rules, last, read.at)?;
    let fits = |wh: &WattHours| last.wh <= *wh && *wh <= highest && *wh < rules.modulus;
    let moved = |power: &i64| {
        let wh = if read.wh < last.wh {
            read.wh.0.checked_mul(*power)
        } else {
            read.wh.0.checked_div(*power)
        };
        wh.map(WattHours)
    };
    SLIPS.iter().filter_map(moved).find(fits)
}
