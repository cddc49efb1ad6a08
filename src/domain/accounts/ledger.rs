//! All that was posted: balances on any day, and what may be posted next.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    chart::{Account, AccountCode, Chart, ChartError, Role},
    entry::{Entry, NewEntry, NotBalanced, Source},
};
use crate::{calendar::LocalDay, money::Pence};

/// The fold of charts, entries and closed days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    chart: Chart,
    entries: Vec<Entry>,
    closed: Option<LocalDay>,
    /// What moved on each account, by day.
    moved: BTreeMap<AccountCode, BTreeMap<LocalDay, i64>>,
    reversed_by: BTreeMap<u32, u32>,
    sources: BTreeSet<Source>,
}

/// An account with its balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The account; `None` for surpluses of earlier years that no entry has moved to a reserve.
    pub account: Option<Account>,
    /// Above zero a debit balance.
    pub pence: Pence,
}

/// A posting as it appears on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLine<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// The amount.
    pub pence: Pence,
    /// The balance behind it.
    pub balance: Pence,
}

/// An entry is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPosted {
    /// It is no entry.
    #[error(transparent)]
    NotBalanced(#[from] NotBalanced),
    /// An account that the chart lacks.
    #[error(
        "account `{0}` is not in the chart\nhint: `accounts chart` lists it, `accounts chart FILE` changes it"
    )]
    NoAccount(AccountCode),
    /// No account has a role that is needed.
    #[error("no account has the role `{0}`\nhint: give it to one in the chart file and apply it")]
    NoRole(&'static str),
    /// The day is closed.
    #[error(
        "the books are closed up to {closed}, and the entry is of {on}\nhint: date it later and say in its text what it is for"
    )]
    Closed {
        /// The entry's day.
        on: LocalDay,
        /// The last closed day.
        closed: LocalDay,
    },
    /// A balance would leave its limits.
    #[error("account `{account}` would stand at {balance} on {on}; its limits are {limits}")]
    Limit {
        /// The account.
        account: AccountCode,
        /// The first day on which it would.
        on: LocalDay,
        /// The balance.
        balance: Pence,
        /// The limits in words.
        limits: String,
    },
    /// The source was posted before.
    #[error(
        "`{0}` is posted already; expected something new\nhint: reverse that entry first if it was wrong"
    )]
    Twice(Source),
    /// No such entry.
    #[error("there is no entry `{0}`")]
    NoEntry(u32),
    /// Taken back already.
    #[error("entry `{number}` was taken back by entry `{by}`")]
    Reversed {
        /// The entry.
        number: u32,
        /// Its reversal.
        by: u32,
    },
    /// A reversal is not taken back.
    #[error(
        "entry `{0}` is a reversal itself; expected one that is not\nhint: post what was meant as a new entry"
    )]
    IsReversal(u32),
    /// A reversal before what it reverses.
    #[error("entry `{number}` is of {entry}; expected a reversal on that day or later, not {on}")]
    TooEarly {
        /// The entry.
        number: u32,
        /// Its day.
        entry: LocalDay,
        /// The reversal's day.
        on: LocalDay,
    },
    /// Days that are closed cannot be opened.
    #[error("the books are closed up to {closed} already; expected a later day than {until}")]
    ClosedAlready {
        /// The last closed day.
        closed: LocalDay,
        /// The day asked for.
        until: LocalDay,
    },
    /// A balance leaves the range of 64 bits.
    #[error("account `{0}` would leave the range that can be counted")]
    TooLarge(AccountCode),
}

impl Ledger {
    /// The chart in force.
    #[must_use]
    pub fn chart(&self) -> &Chart {
        &self.chart
    }

    /// The entries, by number.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that number.
    #[must_use]
    pub fn entry(&self, number: u32) -> Option<&Entry> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        self.entries.get(place)
    }

    /// The entry that stands of a source, the last of several.
    #[must_use]
    pub fn standing_of(&self, source: &Source) -> Option<u32> {
        let stands = |entry: &&Entry| {
            &entry.new.source == source && !self.reversed_by.contains_key(&entry.number)
        };
        let last = self.entries.iter().rev().find(stands);
        last.map(|entry| entry.number)
    }

    /// The entry that took this one back.
    #[must_use]
    pub fn reversed_by(&self, number: u32) -> Option<u32> {
        self.reversed_by.get(&number).copied()
    }

    /// The last day that takes no more entries.
    #[must_use]
    pub fn closed(&self) -> Option<LocalDay> {
        self.closed
    }

    /// The number of the next entry.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        count.saturating_add(1)
    }

    /// The code of the account with a role.
    ///
    /// # Errors
    /// [`NotPosted::NoRole`].
    pub fn role(&self, role: Role) -> Result<AccountCode, NotPosted> {
        self.chart
            .of_role(role)
            .map(|account| account.code.clone())
            .ok_or(NotPosted::NoRole(role.word()))
    }

    /// Whether an entry may be posted.
    ///
    /// # Errors
    /// [`NotPosted`] with the reason.
    pub fn check(&self, new: &NewEntry) -> Result<(), NotPosted> {
        new.check()?;
        if let Some(closed) = self.closed.filter(|closed| new.on <= *closed) {
            return Err(NotPosted::Closed { on: new.on, closed });
        }
        let mut net: BTreeMap<&AccountCode, i64> = BTreeMap::new();
        for posting in &new.postings {
            if self.chart.get(&posting.account).is_none() {
                return Err(NotPosted::NoAccount(posting.account.clone()));
            }
            let sum = net.entry(&posting.account).or_default();
            *sum = sum.saturating_add(posting.pence.0);
        }
        if self.sources.contains(&new.source) {
            return Err(NotPosted::Twice(new.source.clone()));
        }
        for (code, net) in net {
            self.check_limit(code, new.on, net)?;
        }
        Ok(())
    }

    /// Holds the balances of an account from `on` on against its limits, with `net` more.
    fn check_limit(&self, code: &AccountCode, on: LocalDay, net: i64) -> Result<(), NotPosted> {
        let Some(account) = self.chart.get(code) else {
            return Err(NotPosted::NoAccount(code.clone()));
        };
        let too_large = || NotPosted::TooLarge(code.clone());
        let mut balance = self
            .balance(code, on)
            .0
            .checked_add(net)
            .ok_or_else(too_large)?;
        let later = self.moved.get(code).into_iter();
        let later = later.flat_map(|days| days.range(on.next()..));
        for (day, moved) in core::iter::once((&on, &0)).chain(later) {
            balance = balance.checked_add(*moved).ok_or_else(too_large)?;
            if !account.limit.holds(Pence(balance)) {
                let bound =
                    |bound: Option<Pence>| bound.map_or("none".to_owned(), |p| p.to_string());
                return Err(NotPosted::Limit {
                    account: code.clone(),
                    on: *day,
                    balance: Pence(balance),
                    limits: format!(
                        "{} below and {} above",
                        bound(account.limit.at_least),
                        bound(account.limit.at_most)
                    ),
                });
            }
        }
        Ok(())
    }

    /// The entry that takes another back, when that may be posted.
    ///
    /// # Errors
    /// [`NotPosted`] with the reason.
    pub fn reversal(&self, number: u32, on: LocalDay, why: &str) -> Result<NewEntry, NotPosted> {
        let entry = self.entry(number).ok_or(NotPosted::NoEntry(number))?;
        if let Some(by) = self.reversed_by(number) {
            return Err(NotPosted::Reversed { number, by });
        }
        if entry.reverses.is_some() {
            return Err(NotPosted::IsReversal(number));
        }
        if on < entry.new.on {
            return Err(NotPosted::TooEarly {
                number,
                entry: entry.new.on,
                on,
            });
        }
        let new = entry.new.reversed(number, on, why);
        self.check(&new)?;
        Ok(new)
    }

    /// Takes an entry that was posted, as the next one. What stands in the journal is taken whatever
    /// today's chart and limits say.
    pub fn enter(&mut self, new: NewEntry, reverses: Option<u32>) {
        for posting in &new.postings {
            let days = self.moved.entry(posting.account.clone()).or_default();
            let moved = days.entry(new.on).or_default();
            *moved = moved.saturating_add(posting.pence.0);
        }
        let number = self.next_number();
        if new.source.kind.is_posted_once() {
            self.sources.insert(new.source.clone());
        }
        if let Some(number_back) = reverses {
            self.reversed_by.insert(number_back, number);
            // What was taken back may be posted again.
            let source = self
                .entry(number_back)
                .map(|entry| entry.new.source.clone());
            if let Some(source) = source {
                self.sources.remove(&source);
            }
        }
        self.entries.push(Entry {
            number,
            new,
            reverses,
        });
    }

    /// Whether the days up to one may be closed.
    ///
    /// # Errors
    /// [`NotPosted::ClosedAlready`].
    pub fn check_close(&self, until: LocalDay) -> Result<(), NotPosted> {
        match self.closed {
            Some(closed) if until <= closed => Err(NotPosted::ClosedAlready { closed, until }),
            _ => Ok(()),
        }
    }

    /// Takes a closing that was decided.
    pub fn close(&mut self, until: LocalDay) {
        self.closed = self.closed.max(Some(until));
    }

    /// Whether another chart may take the place of this one.
    ///
    /// # Errors
    /// [`ChartError`] when an account with postings is gone or of another kind.
    pub fn check_chart(&self, chart: &Chart) -> Result<(), ChartError> {
        for code in self.moved.keys() {
            let Some(new) = chart.get(code) else {
                return Err(ChartError::Gone(code.clone()));
            };
            if let Some(before) = self.chart.get(code).filter(|old| old.kind != new.kind) {
                return Err(ChartError::OtherKind {
                    code: code.clone(),
                    before: before.kind.word(),
                });
            }
        }
        Ok(())
    }

    /// Takes a chart that was decided.
    pub fn chart_is(&mut self, chart: Chart) {
        self.chart = chart;
    }

    /// The balance of an account at the end of a day.
    #[must_use]
    pub fn balance(&self, code: &AccountCode, on: LocalDay) -> Pence {
        self.sum(code, None, on)
    }

    /// What moved on an account from one day to another, both inside.
    #[must_use]
    pub fn moved(&self, code: &AccountCode, first: LocalDay, last: LocalDay) -> Pence {
        self.sum(code, Some(first), last)
    }

    fn sum(&self, code: &AccountCode, first: Option<LocalDay>, last: LocalDay) -> Pence {
        let Some(days) = self.moved.get(code) else {
            return Pence::ZERO;
        };
        if first.is_some_and(|first| first > last) {
            return Pence::ZERO;
        }
        let from = first.map_or(core::ops::Bound::Unbounded, core::ops::Bound::Included);
        let range = days.range((from, core::ops::Bound::Included(last)));
        let sum = range.fold(0_i64, |sum, (_, moved)| sum.saturating_add(*moved));
        Pence(sum)
    }

    /// Every account's balance at the end of a day, by code, with nothing left out that moved; they
    /// sum to zero. Income and expense count from `year`, the first day of the accounts year; what
    /// they were before stands in one line without an account.
    #[must_use]
    pub fn trial_balance(&self, year: LocalDay, on: LocalDay) -> Vec<Balance> {
        let mut rows = Vec::new();
        let mut brought = 0_i64;
        for account in self.chart.accounts() {
            if !self.moved.contains_key(&account.code) {
                continue;
            }
            let all = self.balance(&account.code, on);
            let pence = if account.kind.is_of_the_year() {
                self.moved(&account.code, year, on)
            } else {
                all
            };
            brought = brought.saturating_add(all.0).saturating_sub(pence.0);
            rows.push(Balance {
                account: Some(account.clone()),
                pence,
            });
        }
        if brought != 0 {
            rows.push(Balance {
                account: None,
                pence: Pence(brought),
            });
        }
        rows
    }

    /// Income less expense from one day to another, both inside: above zero a surplus.
    #[must_use]
    pub fn surplus(&self, first: LocalDay, last: LocalDay) -> Pence {
        let of_the_year = self
            .chart
            .accounts()
            .filter(|account| account.kind.is_of_the_year());
        let sum = of_the_year.fold(0_i64, |sum, account| {
            sum.saturating_sub(self.moved(&account.code, first, last).0)
        });
        Pence(sum)
    }

    /// The postings on an account from one day to another, by day and number, each with the balance
    /// behind it.
    #[must_use]
    pub fn lines(
        &self,
        code: &AccountCode,
        first: LocalDay,
        last: LocalDay,
    ) -> Vec<AccountLine<'_>> {
        let mut balance = self.balance(code, first.previous());
        let mut lines = Vec::new();
        for entry in self.between(first, last) {
            for posting in entry
                .new
                .postings
                .iter()
                .filter(|posting| posting.account == *code)
            {
                balance = Pence(balance.0.saturating_add(posting.pence.0));
                lines.push(AccountLine {
                    entry,
                    pence: posting.pence,
                    balance,
                });
            }
        }
        lines
    }

    /// The entries from one day to another, both inside, by day and number.
    #[must_use]
    pub fn between(&self, first: LocalDay, last: LocalDay) -> Vec<&Entry> {
        let inside = |entry: &&Entry| first <= entry.new.on && entry.new.on <= last;
        let mut entries: Vec<&Entry> = self.entries.iter().filter(inside).collect();
        entries.sort_by_key(|entry| (entry.new.on, entry.number));
        entries
    }
}
