//! The days of a period in whole parts of a year, of which every rule has a whole number.
//!
//! The year has 267,180 parts: 732 for a day of 365, 730 for a day of 366, 22,265 for a month of 12.
//! So a span of time is an integer under each rule, spans of different rules can be added and
//! compared, and no fraction of a year is ever rounded.

use super::policy::DayCount;
use crate::calendar::{LocalDay, Period};

/// Parts of a year in which time is counted: 2 × 365 × 366, which 12 divides.
pub const YEAR: i64 = 267_180;

/// Parts of a calendar month under whole months.
pub(super) const MONTH: i64 = 22_265;

const DAY_OF_365: i64 = 732;
const DAY_OF_366: i64 = 730;

/// The period's days and months, laid out once for all accounts of a run.
#[derive(Debug)]
pub(super) struct Days {
    first: LocalDay,
    /// Parts from the first day to the start of each day, and to the end of the last.
    upto: Vec<i64>,
    /// The offset behind the last day of the month that each day lies in; no longer than the period.
    month_end: Vec<u32>,
    whole_months: Option<i64>,
}

impl Days {
    /// Lays out a period of at least one day under a rule.
    pub(super) fn of(period: Period, rule: DayCount) -> Days {
        let (first, last) = (period.first_day(), period.last_day());
        let mut upto = Vec::new();
        let mut month_end = Vec::new();
        let mut sum = 0_i64;
        upto.push(sum);
        let (mut year_last, mut part) = (first.previous(), DAY_OF_365);
        for month in first.local_month().0..=last.local_month().0 {
            let month = crate::calendar::LocalMonth(month);
            let month_last = month.last_day().min(last);
            let end = month_last.next().days_since(first).unsigned_abs();
            for day in month.first_day().max(first).through(month_last) {
                if let DayCount::ActualActual(starts) = rule
                    && day > year_last
                {
                    let year = starts.year_of(day);
                    let year_end = year.next().first_day();
                    year_last = year_end.previous();
                    part = match year_end.days_since(year.first_day()) {
                        366 => DAY_OF_366,
                        _ => DAY_OF_365,
                    };
                }
                sum = sum.saturating_add(part);
                upto.push(sum);
                month_end.push(end);
            }
        }
        let whole =
            first == first.local_month().first_day() && last == last.local_month().last_day();
        let months = last.local_month().0.saturating_sub(first.local_month().0);
        Days {
            first,
            upto,
            month_end,
            whole_months: whole.then_some(i64::from(months).saturating_add(1)),
        }
    }

    /// How many days there are.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.month_end.len()).unwrap_or(u32::MAX)
    }

    /// The months of the period, when it is made of whole ones.
    pub(super) fn whole_months(&self) -> Option<i64> {
        self.whole_months
    }

    /// The offset of a day: 0 for the first or one before it, the count for one behind the last.
    pub(super) fn offset(&self, day: LocalDay) -> u32 {
        let offset = day.days_since(self.first).max(0).unsigned_abs();
        offset.min(self.count())
    }

    /// The day at an offset.
    pub(super) fn day(&self, offset: u32) -> LocalDay {
        self.first.plus(i32::try_from(offset).unwrap_or(i32::MAX))
    }

    /// Parts from the start of one offset to the start of another.
    pub(super) fn parts(&self, from: u32, to: u32) -> i64 {
        let at = |offset: u32| self.upto.get(offset as usize).copied().unwrap_or_default();
        at(to).saturating_sub(at(from))
    }

    /// The offset behind the last day of the month of this day.
    pub(super) fn end_of_month(&self, offset: u32) -> u32 {
        let end = self.month_end.get(offset as usize).copied();
        end.unwrap_or_else(|| self.count())
    }
}
