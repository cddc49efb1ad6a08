//! The billable reads of a meter point in order of time, with the energy between any two of them.
//!
//! A register's life ends at a meter event; between the final read of one life and the opening read
//! of the next nothing is claimable, as nothing was counted. A read below the one before it, which a
//! person accepted, begins a life too.

use super::BillableRead;
use crate::{
    calendar::{Instant, LocalDay, Period, Zone},
    quantity::WattHours,
};

/// A place in the chain: a read, and the energy counted since the chain's first read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    read: BillableRead,
    counted: WattHours,
    /// Whether the energy since the link before is known.
    joined: bool,
}

/// Billable reads in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    links: Vec<Link>,
}

/// What was counted up to an instant where a rate changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary<'a> {
    /// A read of the day before is there.
    Read(&'a BillableRead),
    /// Nothing was counted then: a meter was off.
    Off,
    /// The advance between two reads was split by time.
    Apportioned {
        /// The read before.
        before: &'a BillableRead,
        /// The read after.
        after: &'a BillableRead,
    },
}

/// Where the spans before and after have their reads, so that nothing lies between or counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meets {
    /// The read that the span before closed with.
    pub opens_at: Option<Instant>,
    /// The read that the span after opens with.
    pub closes_at: Option<Instant>,
}

/// The reads between which a span of days is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<'a> {
    pub(super) opening: &'a BillableRead,
    pub(super) closing: &'a BillableRead,
}

/// Why a span of days has no reads at its ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndsError {
    /// Nothing to open with.
    #[error(
        "no read that can be billed lies between `{from}` and `{to}`; expected one at each end\nhint: import the reads; estimates and meters without approval for billing do not count"
    )]
    NoReads {
        /// First day.
        from: LocalDay,
        /// Last day.
        to: LocalDay,
    },
    /// A read that an earlier claim stands on counts no more.
    #[error("the read of {0}, which it stands on, counts no more")]
    Gone(Instant),
    /// One read only.
    #[error(
        "the only read that can be billed is of {0}; expected a later one to close with\nhint: nothing can be claimed after the last good read until the next"
    )]
    NoClosing(Instant),
}

impl Chain {
    /// The reads between which days are counted: it opens where the span before it closed, if that
    /// is told; else with the last read of the day `before` or at the first midnight; else with the
    /// first read of the days. It closes where the span after it opens, if that is told; else with
    /// the last read up to the midnight that ends them.
    pub(super) fn ends(
        &self,
        zone: &Zone,
        days: Period,
        before: bool,
        meets: Meets,
    ) -> Result<Ends<'_>, EndsError> {
        let (first, last) = (days.first_day(), days.last_day());
        let start = zone.day_span(first).start;
        let end = zone.day_span(last).end;
        let day_before = zone.day_span(first.previous()).start;
        let told = |at: Option<Instant>| at.and_then(|at| self.last_in(at, at));
        let continued = told(meets.opens_at);
        let near = || before.then(|| self.last_in(day_before, start)).flatten();
        let opening = continued
            .or_else(near)
            .or_else(|| self.first_in(start, end))
            .ok_or(EndsError::NoReads {
                from: first,
                to: last,
            })?;
        let closing = told(meets.closes_at)
            .filter(|read| opening.at() < read.at())
            .or_else(|| self.last_in(opening.at().plus_ms(1), end))
            .ok_or(EndsError::NoClosing(opening.at()))?;
        Ok(Ends { opening, closing })
    }

    /// The reads of exactly these instants, as an earlier claim or bill had them.
    pub(super) fn ends_at(&self, opens: Instant, closes: Instant) -> Result<Ends<'_>, EndsError> {
        let read = |at| self.last_in(at, at).ok_or(EndsError::Gone(at));
        Ok(Ends {
            opening: read(opens)?,
            closing: read(closes)?,
        })
    }

    /// Puts reads in order and adds up. Two reads of one instant and register are one.
    #[must_use]
    pub fn new(mut reads: Vec<BillableRead>) -> Chain {
        reads.sort_by(|a, b| {
            let order = (a.at(), a.opens(), a.meter()).cmp(&(b.at(), b.opens(), b.meter()));
            order.then(a.register().cmp(&b.register()))
        });
        let mut links: Vec<Link> = Vec::with_capacity(reads.len());
        for read in reads {
            let Some(before) = links.last() else {
                links.push(Link {
                    read,
                    counted: WattHours::ZERO,
                    joined: false,
                });
                continue;
            };
            let same = before.read.meter() == read.meter()
                && before.read.register() == read.register()
                && !read.opens();
            if same && before.read.at() == read.at() {
                continue;
            }
            let advance = read.wh().checked_sub(before.read.wh());
            let advance = advance.filter(|wh| same && *wh >= WattHours::ZERO);
            let counted = before.counted.checked_add(advance.unwrap_or_default());
            links.push(Link {
                counted: counted.unwrap_or(before.counted),
                joined: advance.is_some(),
                read,
            });
        }
        Chain { links }
    }

    /// Its reads in order of time.
    pub fn reads(&self) -> impl DoubleEndedIterator<Item = &BillableRead> {
        self.links.iter().map(|link| &link.read)
    }

    /// The last read in `[from, to]`.
    #[must_use]
    pub fn last_in(&self, from: Instant, to: Instant) -> Option<&BillableRead> {
        self.reads()
            .rev()
            .find(|read| from <= read.at() && read.at() <= to)
    }

    /// The first read in `[from, to]`.
    #[must_use]
    pub fn first_in(&self, from: Instant, to: Instant) -> Option<&BillableRead> {
        self.reads()
            .find(|read| from <= read.at() && read.at() <= to)
    }

    /// Spans in which nothing was counted between two reads: from the last good read to the opening
    /// of the next life.
    #[must_use]
    pub fn gaps(&self, from: Instant, to: Instant) -> Vec<(&BillableRead, &BillableRead)> {
        let pairs = self.links.windows(2).filter_map(|pair| match pair {
            [a, b] if !b.joined && a.read.at() < b.read.at() => Some((&a.read, &b.read)),
            _ => None,
        });
        pairs
            .filter(|(a, b)| a.at() < to && from < b.at())
            .collect()
    }

    /// What was counted up to an instant at which a rate changes, since the chain's first read: by
    /// the last read of the span `[day_before, at]`, else by time between the reads around it.
    /// `None` when the chain does not reach so far.
    #[must_use]
    pub fn counted_to(
        &self,
        day_before: Instant,
        at: Instant,
    ) -> Option<(WattHours, Boundary<'_>)> {
        let place = self.links.partition_point(|link| link.read.at() <= at);
        let before = self.links.get(place.checked_sub(1)?)?;
        if day_before <= before.read.at() {
            return Some((before.counted, Boundary::Read(&before.read)));
        }
        let after = self.links.get(place)?;
        if !after.joined {
            return Some((before.counted, Boundary::Off));
        }
        let advance = i128::from(after.counted.checked_sub(before.counted)?.0);
        let passed = i128::from(at.ms_since(before.read.at()));
        let all = i128::from(after.read.at().ms_since(before.read.at()));
        // By time, cut to the Wh; what is cut lies after the boundary, so that the parts sum to it.
        let part = advance.checked_mul(passed)?.checked_div(all)?;
        let part = WattHours(i64::try_from(part).ok()?);
        Some((
            before.counted.checked_add(part)?,
            Boundary::Apportioned {
                before: &before.read,
                after: &after.read,
            },
        ))
    }

    /// What was counted up to an instant, since the chain's first read, and whether it was split by
    /// time between the reads around it. `None` when the chain does not reach so far.
    #[must_use]
    pub fn counted_by(&self, at: Instant) -> Option<(WattHours, bool)> {
        let place = self.links.partition_point(|link| link.read.at() <= at);
        let before = self.links.get(place.checked_sub(1)?)?;
        if before.read.at() == at {
            return Some((before.counted, false));
        }
        let (counted, boundary) = self.counted_to(at, at)?;
        Some((counted, matches!(boundary, Boundary::Apportioned { .. })))
    }

    /// What was counted up to a read of this chain, since its first.
    #[must_use]
    pub fn counted_at(&self, read: &BillableRead) -> Option<WattHours> {
        let link = self.links.iter().find(|link| link.read == *read)?;
        Some(link.counted)
    }
}
