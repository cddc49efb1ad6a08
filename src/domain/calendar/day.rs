//! Local days and months: dates without a zone. Their spans of time come from [`super::Zone`].

use core::{fmt, str::FromStr};

use jiff::{ToSpan, civil::Date};

use super::{CalendarError, error::shown};

const EPOCH: Date = Date::constant(1970, 1, 1);

/// A local (civil) day, by the number of days since 1970-01-01.
///
/// ```
/// use commonwatt_domain::calendar::LocalDay;
/// let day: LocalDay = "2013-06-01".parse()?;
/// assert_eq!(day.next().to_string(), "2013-06-02");
/// assert_eq!((day.year(), day.month(), day.day()), (2013, 6, 1));
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDay(pub i32);

/// A local month, by the number of months since January 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalMonth(pub i32);

impl LocalDay {
    /// The day of that date, or `None` when the calendar has none (30 February, year 10000).
    #[must_use]
    pub fn of_date(year: i32, month: u8, day: u8) -> Option<LocalDay> {
        let date = Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        );
        date.ok().map(LocalDay::of_civil)
    }

    /// The day `n` further on; stops at the ends of 32 bits.
    #[must_use]
    pub fn plus(self, n: i32) -> LocalDay {
        LocalDay(self.0.saturating_add(n))
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> LocalDay {
        self.plus(1)
    }

    /// The day before.
    #[must_use]
    pub fn previous(self) -> LocalDay {
        self.plus(-1)
    }

    /// Days from `earlier` to here.
    #[must_use]
    pub fn days_since(self, earlier: LocalDay) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// The calendar year.
    #[must_use]
    pub fn year(self) -> i32 {
        i32::from(self.civil().year())
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.civil().month().unsigned_abs()
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.civil().day().unsigned_abs()
    }

    /// The month it lies in.
    #[must_use]
    pub fn local_month(self) -> LocalMonth {
        let date = self.civil();
        let months = i32::from(date.year())
            .saturating_sub(1970)
            .saturating_mul(12);
        LocalMonth(months.saturating_add(i32::from(date.month()).saturating_sub(1)))
    }

    /// The days from here to `last`, both inclusive.
    pub fn through(self, last: LocalDay) -> impl DoubleEndedIterator<Item = LocalDay> {
        (self.0..=last.0).map(LocalDay)
    }

    pub(super) fn of_civil(date: Date) -> LocalDay {
        // Not by way of an instant: those of jiff end before the last day of year 9999 does.
        let hours = date.duration_since(EPOCH).as_hours();
        // Dates of jiff end at year 9999: about 2.9 million days.
        LocalDay(i32::try_from(hours.div_euclid(24)).unwrap_or(0))
    }

    /// The date; days outside the years -9999 to 9999 stop at its ends.
    pub(super) fn civil(self) -> Date {
        EPOCH.saturating_add(self.0.clamp(-4_371_586, 2_932_896).days())
    }
}

impl LocalMonth {
    /// The month of that year, or `None` when the calendar has none.
    #[must_use]
    pub fn of_year(year: i32, month: u8) -> Option<LocalMonth> {
        LocalDay::of_date(year, month, 1).map(LocalDay::local_month)
    }

    /// The calendar year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.div_euclid(12).saturating_add(1970)
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        u8::try_from(self.0.rem_euclid(12))
            .unwrap_or(0)
            .saturating_add(1)
    }

    /// The month `n` further on; stops at the ends of 32 bits.
    #[must_use]
    pub fn plus(self, n: i32) -> LocalMonth {
        LocalMonth(self.0.saturating_add(n))
    }

    /// Its first day; the epoch for a month outside the years -9999 to 9999.
    #[must_use]
    pub fn first_day(self) -> LocalDay {
        LocalDay::of_date(self.year(), self.month(), 1).unwrap_or_default()
    }

    /// Its last day; the epoch for a month outside the years -9999 to 9999.
    #[must_use]
    pub fn last_day(self) -> LocalDay {
        // Not the day before the next month: the last month of all has none after it.
        let days = (28..=31).rev();
        let mut found = days.filter_map(|day| LocalDay::of_date(self.year(), self.month(), day));
        found.next().unwrap_or_default()
    }

    /// How many days it has, 28 to 31.
    #[must_use]
    pub fn days(self) -> i32 {
        self.last_day()
            .days_since(self.first_day())
            .saturating_add(1)
    }
}

impl FromStr for LocalDay {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<LocalDay, CalendarError> {
        let refuse = || CalendarError::Day(shown(text));
        let (month, day) = text.rsplit_once('-').ok_or_else(refuse)?;
        let month: LocalMonth = month.parse().map_err(|_| refuse())?;
        let day = digits(day, 2).ok_or_else(refuse)?;
        let day = u8::try_from(day).map_err(|_| refuse())?;
        LocalDay::of_date(month.year(), month.month(), day).ok_or_else(refuse)
    }
}

impl FromStr for LocalMonth {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<LocalMonth, CalendarError> {
        let refuse = || CalendarError::Month(shown(text));
        let (year, month) = text.split_once('-').ok_or_else(refuse)?;
        let year = digits(year, 4).ok_or_else(refuse)?;
        let month = digits(month, 2).and_then(|month| u8::try_from(month).ok());
        LocalMonth::of_year(year, month.ok_or_else(refuse)?).ok_or_else(refuse)
    }
}

/// Exactly `width` digits as a number.
pub(super) fn digits(text: &str, width: usize) -> Option<i32> {
    let plain = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for LocalDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}",
            self.year(),
            self.month(),
            self.day()
        )
    }
}

impl fmt::Display for LocalMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}
