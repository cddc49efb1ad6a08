//! The terms of a share class as data: how its days are counted, and what it may earn at most.

use core::fmt;

use super::rate::ShareRate;
use crate::{calendar::YearStart, money::Pence};

/// Most share classes of one run.
pub const MAX_CLASSES: usize = 100;

/// How time is counted. No single convention is in use, so each class says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayCount {
    /// Days over 365, also in a leap year: 366 days earn 366/365 of the rate.
    Actual365,
    /// Days over the days of the accounts year they lie in, 365 or 366: a whole accounts year earns
    /// exactly the rate.
    ActualActual(YearStart),
    /// Calendar months over 12; a month counts with the lowest holding of its days, so one that was
    /// not held throughout does not count. The period is of whole months.
    WholeMonths,
    /// The holding on the period's last day, as if it had been held throughout, for one declared
    /// rate (pence a share at Westmill). The period is of whole months.
    RecordDay,
}

/// Whether a day at the end of a holding earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ends {
    /// It does.
    In,
    /// It does not.
    Out,
}

/// How a line becomes whole pence, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest penny, half a penny away from zero.
    #[default]
    HalfAway,
    /// The fraction of a penny is cut.
    Down,
}

/// What a share class is paid by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassTerms {
    /// Its id in the society.
    pub id: String,
    /// The par of one share, above zero.
    pub par: Pence,
    /// How time is counted.
    pub days: DayCount,
    /// Whether the day of issue earns.
    pub issue_day: Ends,
    /// Whether the day of leaving (withdrawal, repayment, transfer away) earns.
    pub leaving_day: Ends,
    /// How a line is rounded.
    pub rounding: Rounding,
    /// The highest rate, declared in advance.
    pub maximum: ShareRate,
}

impl DayCount {
    /// The word used in files and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            DayCount::Actual365 => "actual/365",
            DayCount::ActualActual(_) => "actual/actual",
            DayCount::WholeMonths => "whole-months",
            DayCount::RecordDay => "record-day",
        }
    }

    /// The rule of that word; `accounts` is the start of the society's accounts year.
    #[must_use]
    pub fn of_word(word: &str, accounts: YearStart) -> Option<DayCount> {
        [
            DayCount::Actual365,
            DayCount::ActualActual(accounts),
            DayCount::WholeMonths,
            DayCount::RecordDay,
        ]
        .into_iter()
        .find(|days| days.word() == word)
    }
}

impl Ends {
    /// The word used in files and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Ends::In => "in",
            Ends::Out => "out",
        }
    }

    /// The rule of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Ends> {
        [Ends::In, Ends::Out]
            .into_iter()
            .find(|ends| ends.word() == word)
    }
}

impl Rounding {
    /// The word used in files and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Rounding::HalfAway => "half-away",
            Rounding::Down => "down",
        }
    }

    /// The rule of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Rounding> {
        [Rounding::HalfAway, Rounding::Down]
            .into_iter()
            .find(|rounding| rounding.word() == word)
    }

    /// `over / under` in whole numbers; both at least 0 and `under` above it.
    pub(super) fn quotient(self, over: i128, under: i128) -> Option<i128> {
        let whole = over.checked_div(under)?;
        let rest = over.checked_rem(under)?;
        let up = match self {
            Rounding::HalfAway => rest.checked_mul(2)? >= under,
            Rounding::Down => false,
        };
        whole.checked_add(i128::from(up))
    }
}

impl fmt::Display for DayCount {
    /// The rule in words, for a statement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DayCount::Actual365 => f.write_str("days over 365"),
            DayCount::ActualActual(_) => f.write_str("days over the days of the accounts year"),
            DayCount::WholeMonths => f.write_str("whole months over 12"),
            DayCount::RecordDay => f.write_str("the holding on the last day"),
        }
    }
}
