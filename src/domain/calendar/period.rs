//! Periods as people name them: a day, a month, a year, a financial year, a range of days.
//!
//! Both ends of a range are days inside it; the span of time of a period comes from
//! [`super::Zone::span_of`] and is half-open.

use core::{fmt, str::FromStr};

use super::{CalendarError, LocalDay, LocalMonth, day::digits, error::shown};

/// A period of whole local days.
///
/// ```
/// use commonwatt_domain::calendar::Period;
/// let june: Period = "2013-06".parse()?;
/// assert_eq!(june.day_count(), 30);
/// assert_eq!("2013-06-01..2013-06-30".parse::<Period>()?.day_count(), 30);
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// One local day.
    Day(LocalDay),
    /// One local month.
    Month(LocalMonth),
    /// One calendar year.
    Year(i32),
    /// One year of the society's accounts.
    Financial(FinancialYear),
    /// Days from `first` to `last`, both inside.
    Range {
        /// First day inside.
        first: LocalDay,
        /// Last day inside.
        last: LocalDay,
    },
}

/// The month and day on which a society's financial year starts; the day is at most 28.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct YearStart {
    month: u8,
    day: u8,
}

/// The financial year that starts in calendar year `year`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FinancialYear {
    /// Where financial years start.
    pub starts: YearStart,
    /// The calendar year in which this one starts.
    pub year: i32,
}

impl Period {
    /// The first day inside.
    #[must_use]
    pub fn first_day(self) -> LocalDay {
        match self {
            Period::Day(day) => day,
            Period::Month(month) => month.first_day(),
            Period::Year(year) => LocalDay::of_date(year, 1, 1).unwrap_or_default(),
            Period::Financial(year) => year.first_day(),
            Period::Range { first, .. } => first,
        }
    }

    /// The last day inside.
    #[must_use]
    pub fn last_day(self) -> LocalDay {
        match self {
            Period::Day(day) => day,
            Period::Month(month) => month.last_day(),
            Period::Year(year) => LocalDay::of_date(year, 12, 31).unwrap_or_default(),
            Period::Financial(year) => year.next().first_day().previous(),
            Period::Range { last, .. } => last,
        }
    }

    /// How many days it has.
    #[must_use]
    pub fn day_count(self) -> i32 {
        self.last_day()
            .days_since(self.first_day())
            .saturating_add(1)
    }

    /// Its days in order.
    pub fn days(self) -> impl DoubleEndedIterator<Item = LocalDay> {
        self.first_day().through(self.last_day())
    }

    /// Whether the day lies inside.
    #[must_use]
    pub fn contains(self, day: LocalDay) -> bool {
        self.first_day() <= day && day <= self.last_day()
    }

    /// The next smaller periods it falls into, in order and without a gap: a year into months, a
    /// month into days; a financial year and a range into the whole months inside and the days
    /// before and after them. A day has none: its children are half hours
    /// ([`super::Zone::half_hours_of`]).
    #[must_use]
    pub fn children(self) -> Vec<Period> {
        match self {
            Period::Day(_) => Vec::new(),
            Period::Month(_) => self.days().map(Period::Day).collect(),
            _ => {
                let (mut day, last) = (self.first_day(), self.last_day());
                let mut children = Vec::new();
                while day <= last {
                    let month = day.local_month();
                    if month.first_day() == day && month.last_day() <= last {
                        children.push(Period::Month(month));
                        day = month.last_day().next();
                    } else {
                        children.push(Period::Day(day));
                        day = day.next();
                    }
                }
                children
            }
        }
    }

    /// The months it touches, each with the part of it that lies inside.
    #[must_use]
    pub fn parts_by_month(self) -> Vec<(LocalMonth, Period)> {
        let (first, last) = (self.first_day(), self.last_day());
        (first.local_month().0..=last.local_month().0)
            .map(LocalMonth)
            .map(|month| {
                let part = Period::Range {
                    first: first.max(month.first_day()),
                    last: last.min(month.last_day()),
                };
                (
                    month,
                    if part.day_count() == month.days() {
                        Period::Month(month)
                    } else {
                        part
                    },
                )
            })
            .collect()
    }
}

impl YearStart {
    /// Financial years that are calendar years.
    pub const JANUARY: YearStart = YearStart { month: 1, day: 1 };
    /// Financial years from 1 April to 31 March.
    pub const APRIL: YearStart = YearStart { month: 4, day: 1 };

    /// A start on that month and day.
    ///
    /// # Errors
    /// [`CalendarError::YearStart`] when there is no such month or the day is not 1 to 28.
    pub fn new(month: u8, day: u8) -> Result<YearStart, CalendarError> {
        if (1..=12).contains(&month) && (1..=28).contains(&day) {
            Ok(YearStart { month, day })
        } else {
            Err(CalendarError::YearStart(format!("{month:02}-{day:02}")))
        }
    }

    /// The financial year that holds the day.
    #[must_use]
    pub fn year_of(self, day: LocalDay) -> FinancialYear {
        let year = day.year();
        let started = (day.month(), day.day()) >= (self.month, self.day);
        FinancialYear {
            starts: self,
            year: if started {
                year
            } else {
                year.saturating_sub(1)
            },
        }
    }
}

impl FinancialYear {
    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> LocalDay {
        LocalDay::of_date(self.year, self.starts.month, self.starts.day).unwrap_or_default()
    }

    /// The one after.
    #[must_use]
    pub fn next(self) -> FinancialYear {
        FinancialYear {
            starts: self.starts,
            year: self.year.saturating_add(1),
        }
    }
}

impl FromStr for YearStart {
    type Err = CalendarError;

    /// `04-01`: month and day.
    fn from_str(text: &str) -> Result<YearStart, CalendarError> {
        let parts = text.split_once('-').and_then(|(month, day)| {
            let month = u8::try_from(digits(month, 2)?).ok()?;
            Some((month, u8::try_from(digits(day, 2)?).ok()?))
        });
        let (month, day) = parts.ok_or_else(|| CalendarError::YearStart(shown(text)))?;
        YearStart::new(month, day)
    }
}

impl FromStr for Period {
    type Err = CalendarError;

    /// `2013`, `2013-06`, `2013-06-01` or `A..B`, where A and B are days (or months or years, of
    /// which the first and the last day count).
    fn from_str(text: &str) -> Result<Period, CalendarError> {
        let refuse = || CalendarError::Period(shown(text));
        if let Some((from, to)) = text.split_once("..") {
            let first = single(from).ok_or_else(refuse)?.first_day();
            let last = single(to).ok_or_else(refuse)?.last_day();
            if last < first {
                return Err(CalendarError::Backwards(shown(text)));
            }
            return Ok(Period::Range { first, last });
        }
        single(text).ok_or_else(refuse)
    }
}

fn single(text: &str) -> Option<Period> {
    match text.len() {
        4 => digits(text, 4).filter(|year| *year > 0).map(Period::Year),
        7 => text.parse().ok().map(Period::Month),
        _ => text.parse().ok().map(Period::Day),
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Day(day) => day.fmt(f),
            Period::Month(month) => month.fmt(f),
            Period::Year(year) => write!(f, "{year:04}"),
            Period::Financial(year) => year.fmt(f),
            Period::Range { first, last } => write!(f, "{first}..{last}"),
        }
    }
}

impl fmt::Display for FinancialYear {
    /// `2013` for a calendar year, else `2013/14`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.starts == YearStart::JANUARY {
            return write!(f, "{:04}", self.year);
        }
        let next = self.year.saturating_add(1).rem_euclid(100);
        write!(f, "{:04}/{next:02}", self.year)
    }
}

impl fmt::Display for YearStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}
