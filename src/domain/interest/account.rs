//! One share account over a period: from dated movements to the spans that earn.
//!
//! Movements of one day are netted first, so that a reversal dated like what it reverses leaves no
//! trace. Then an issue counts from its day or the day after, a leaving from its day or the day
//! after, as the terms say; both rules keep a holding at or above nothing when the roll's own is.

use core::ops::Range;

use super::{
    calendar::{Days, MONTH, YEAR},
    policy::{ClassTerms, DayCount, Ends},
    run::RunError,
};
use crate::calendar::LocalDay;

/// Most shares of one movement or holding, either way.
pub const MAX_SHARES: i64 = 1_000_000_000_000;

/// Shares that came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Movement {
    /// The member's number in the society.
    pub member: u32,
    /// The share class, by its place among the classes of the run.
    pub class: u16,
    /// The day, local to the society.
    pub on: LocalDay,
    /// Shares: above zero when they came.
    pub shares: i64,
}

/// Why a holding earns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyNot {
    /// The member has died, and the rules end interest there.
    Death,
    /// The account is suspended, and the rules pay no interest meanwhile.
    Suspended,
}

/// Days on which a member's shares earn nothing, as the society's rules say of the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotEarning {
    /// The member.
    pub member: u32,
    /// The first such day.
    pub first: LocalDay,
    /// The last; none while it goes on.
    pub last: Option<LocalDay>,
    /// The class, when only that one.
    pub class: Option<u16>,
    /// Why.
    pub why: WhyNot,
}

/// A span over which a holding did not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its first day.
    pub first: LocalDay,
    /// Its last day.
    pub last: LocalDay,
    /// Shares held; under whole months the lowest holding of the month.
    pub shares: i64,
    /// Time that counts, in parts of a year ([`super::YEAR`] of them); 0 when it earns nothing.
    pub parts: i64,
    /// Why it earns nothing.
    pub why_not: Option<WhyNot>,
}

/// Offsets of days, with what was held.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: u32,
    to: u32,
    shares: i64,
    why_not: Option<WhyNot>,
}

/// Memory that the accounts of a run share.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    changes: Vec<(u32, i64)>,
    stretches: Vec<Stretch>,
    cut: Vec<Stretch>,
}

/// Lays the movements of one account, sorted by day, over the period; the spans go behind `into`.
/// Gives where they lie: nothing when the account held no share in the period.
pub(super) fn lay(
    movements: &[Movement],
    stops: &[NotEarning],
    terms: &ClassTerms,
    days: &Days,
    scratch: &mut Scratch,
    into: &mut Vec<Held>,
) -> Result<Range<usize>, RunError> {
    let start = into.len();
    changes(movements, terms, days, scratch)?;
    stretches(days, scratch);
    if !stops.is_empty() {
        cut(stops, days, scratch);
    }
    match terms.days {
        DayCount::Actual365 | DayCount::ActualActual(_) => {
            for stretch in &scratch.stretches {
                let parts = match stretch.why_not {
                    None => days.parts(stretch.from, stretch.to),
                    Some(_) => 0,
                };
                into.push(held(stretch, days, parts));
            }
        }
        DayCount::WholeMonths => months(&scratch.stretches, days, into),
        DayCount::RecordDay => {
            let last = scratch.stretches.last();
            if let Some(last) = last.filter(|last| last.to == days.count()) {
                let whole = Stretch { from: 0, ..*last };
                let parts = if last.why_not.is_none() { YEAR } else { 0 };
                into.push(held(&whole, days, parts));
            }
        }
    }
    Ok(start..into.len())
}

fn held(stretch: &Stretch, days: &Days, parts: i64) -> Held {
    Held {
        first: days.day(stretch.from),
        last: days.day(stretch.to).previous(),
        shares: stretch.shares,
        parts,
        why_not: stretch.why_not,
    }
}

/// Offsets at which the holding that counts changes, in order; the first stands for all before.
fn changes(
    movements: &[Movement],
    terms: &ClassTerms,
    days: &Days,
    scratch: &mut Scratch,
) -> Result<(), RunError> {
    scratch.changes.clear();
    let mut holding = 0_i64;
    for same_day in movements.chunk_by(|one, next| one.on == next.on) {
        let Some(first) = same_day.first() else {
            continue;
        };
        let too_large = || RunError::TooLarge {
            member: first.member,
        };
        let mut net = 0_i64;
        for movement in same_day {
            net = net.checked_add(movement.shares).ok_or_else(too_large)?;
        }
        holding = holding.checked_add(net).ok_or_else(too_large)?;
        if holding > MAX_SHARES || movements_out_of_range(same_day) {
            return Err(too_large());
        }
        if holding < 0 {
            return Err(RunError::BelowZero {
                member: first.member,
                class: terms.id.clone(),
                on: first.on,
                shares: holding,
            });
        }
        let counts_from = match (net > 0, terms.issue_day, terms.leaving_day) {
            (true, Ends::Out, _) | (false, _, Ends::In) => first.on.next(),
            (true, Ends::In, _) | (false, _, Ends::Out) => first.on,
        };
        let at = days.offset(counts_from);
        if net != 0 && at < days.count() {
            match scratch.changes.last_mut() {
                Some((same, sum)) if *same == at => *sum = sum.saturating_add(net),
                _ => scratch.changes.push((at, net)),
            }
        }
    }
    // An issue that counts a day later may lie behind the leaving of the next day.
    scratch.changes.sort_unstable_by_key(|(at, _)| *at);
    Ok(())
}

fn movements_out_of_range(movements: &[Movement]) -> bool {
    movements
        .iter()
        .any(|one| one.shares.unsigned_abs() > MAX_SHARES.unsigned_abs())
}

/// Spans of one holding, without those in which nothing is held.
fn stretches(days: &Days, scratch: &mut Scratch) {
    let Scratch {
        changes, stretches, ..
    } = scratch;
    stretches.clear();
    let (mut from, mut shares) = (0, 0_i64);
    let ends = changes.iter().copied().chain([(days.count(), 0)]);
    for (at, change) in ends {
        if at > from && shares > 0 {
            stretches.push(Stretch {
                from,
                to: at,
                shares,
                why_not: None,
            });
        }
        from = at;
        shares = shares.saturating_add(change);
    }
}

/// Cuts the spans where the account stops earning or earns again.
fn cut(stops: &[NotEarning], days: &Days, scratch: &mut Scratch) {
    let Scratch { stretches, cut, .. } = scratch;
    cut.clear();
    for stretch in stretches.drain(..) {
        let mut from = stretch.from;
        while from < stretch.to {
            let mut until = stretch.to;
            let mut why_not = None;
            for stop in stops {
                let first = days.offset(stop.first);
                let behind = stop
                    .last
                    .map_or(days.count(), |last| days.offset(last.next()));
                if first <= from && from < behind {
                    // Of several reasons the one that lasts longest is told.
                    if why_not.is_none() || behind.min(stretch.to) > until {
                        until = behind.min(stretch.to);
                        why_not = Some(stop.why);
                    }
                } else if first > from && why_not.is_none() {
                    until = until.min(first);
                }
            }
            cut.push(Stretch {
                from,
                to: until,
                shares: stretch.shares,
                why_not,
            });
            from = until;
        }
    }
    core::mem::swap(stretches, cut);
}

/// Months that were held throughout, each with its lowest holding; equal ones in a row are one span.
fn months(stretches: &[Stretch], days: &Days, into: &mut Vec<Held>) {
    let start = into.len();
    let mut from = 0;
    let mut next = 0_usize;
    while from < days.count() {
        let end = days.end_of_month(from);
        let (mut lowest, mut covered, mut why_not) = (i64::MAX, 0_u32, None);
        while let Some(stretch) = stretches.get(next).filter(|stretch| stretch.from < end) {
            let part = stretch.to.min(end).saturating_sub(stretch.from.max(from));
            covered = covered.saturating_add(part);
            lowest = lowest.min(stretch.shares);
            why_not = why_not.or(stretch.why_not);
            if stretch.to > end {
                break;
            }
            next = next.saturating_add(1);
        }
        let whole = covered == end.saturating_sub(from);
        if whole {
            let month = held(
                &Stretch {
                    from,
                    to: end,
                    shares: lowest,
                    why_not,
                },
                days,
                if why_not.is_none() { MONTH } else { 0 },
            );
            let same = into.get_mut(start..).and_then(<[Held]>::last_mut);
            match same.filter(|held| {
                held.last.next() == month.first
                    && (held.shares, held.why_not) == (month.shares, month.why_not)
            }) {
                Some(held) => {
                    held.last = month.last;
                    held.parts = held.parts.saturating_add(month.parts);
                }
                None => into.push(month),
            }
        }
        from = end;
    }
}
