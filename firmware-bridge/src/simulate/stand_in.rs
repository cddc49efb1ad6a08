//! One whole year that stands in for any other.
//!
//! A half hour of any year shows what the half hour of the same month, day and time of day (UTC) of
//! the source year measured. The source year must be a leap year, so that 29 February is in it; other
//! years leave it out. A day of the source year with a half hour that nobody measured shows the
//! nearest complete day instead, the earlier of two equally near: in 2016 of the Bath file that is
//! only 25 November, and 24 November stands in for it.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    HALF_HOUR_MS,
    half_hours::{HalfHours, Output},
};

/// The leap year of the Bath file.
pub const BATH_YEAR: i16 = 2016;

/// Half hours of a leap year.
const YEAR: usize = 366 * 48;
/// Index of 29 February in it, and of 1 March.
const LEAP_DAY: std::ops::Range<usize> = 59 * 48..60 * 48;
/// Sums are counted from the start of this year; earlier instants show its start.
const EPOCH_YEAR: i64 = 2000;

/// A year of output without holes.
#[derive(Clone, Debug)]
pub struct StandInYear {
    outputs: Vec<Output>,
    /// Sum of the outputs before each half hour, and of all.
    sums: Vec<u128>,
    replaced: Vec<(Date, Date)>,
}

/// The file cannot give a whole year.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWholeYear {
    /// 29 February would be missing.
    #[error("`{0}` is not a leap year; expected one, so that 29 February can be shown")]
    NotALeapYear(i16),
    /// Not one complete day.
    #[error("`{0}` has no complete day in the file")]
    NoCompleteDay(i16),
}

impl StandInYear {
    /// Takes a year out of a file.
    pub fn new(file: &HalfHours, year: i16) -> Result<Self, NoWholeYear> {
        let first = Date::new(year, 1, 1).map_err(|_| NoWholeYear::NotALeapYear(year))?;
        if !first.in_leap_year() {
            return Err(NoWholeYear::NotALeapYear(year));
        }
        let dates: Vec<Date> = first.series(jiff::Span::new().days(1)).take(366).collect();
        let days: Vec<Option<Vec<Output>>> = dates.iter().map(|day| whole(file, *day)).collect();
        let mut outputs: Vec<Output> = Vec::with_capacity(YEAR);
        let mut replaced = Vec::new();
        for (i, date) in dates.iter().enumerate() {
            let (from, day) = (0..dates.len())
                .filter_map(|j| Some((j, days[j].as_ref()?)))
                .min_by_key(|(j, _)| i.abs_diff(*j))
                .ok_or(NoWholeYear::NoCompleteDay(year))?;
            outputs.extend(day);
            if from != i {
                replaced.push((*date, dates[from]));
            }
        }
        let mut sum = 0;
        let mut sums = vec![0];
        sums.extend(outputs.iter().map(|output| {
            sum += output.0;
            sum
        }));
        Ok(StandInYear {
            outputs,
            sums,
            replaced,
        })
    }

    /// Days of the source year that show another day, with that day.
    pub fn replaced(&self) -> &[(Date, Date)] {
        &self.replaced
    }

    /// Output in the half hour that starts `half_hour` half hours after the UNIX epoch.
    pub(crate) fn output(&self, half_hour: i64) -> Output {
        self.outputs[Place::of(half_hour).index]
    }

    /// Sum of the outputs from the start of the year 2000 to the start of a half hour.
    pub(crate) fn sum_before(&self, half_hour: i64) -> u128 {
        let place = Place::of(half_hour);
        if place.year < EPOCH_YEAR {
            return 0;
        }
        let leap_day = self.sums[LEAP_DAY.end] - self.sums[LEAP_DAY.start];
        let common = self.sums[YEAR] - leap_day;
        let years = u128::try_from(place.year - EPOCH_YEAR).unwrap_or(0);
        let leap_days = u128::try_from(leap_years_before(place.year)).unwrap_or(0);
        let within = self.sums[place.index]
            - if place.leap || place.index < LEAP_DAY.end {
                0
            } else {
                leap_day
            };
        years * common + leap_days * leap_day + within
    }
}

/// Where a half hour lies in the year.
struct Place {
    year: i64,
    leap: bool,
    /// As in a leap year.
    index: usize,
}

impl Place {
    fn of(half_hour: i64) -> Self {
        let start = Timestamp::from_millisecond(half_hour.saturating_mul(HALF_HOUR_MS));
        let start = start.unwrap_or(Timestamp::MAX);
        let local = TimeZone::UTC.to_datetime(start);
        let date = local.date();
        let day = usize::try_from(date.day_of_year() - 1).unwrap_or(0);
        let after_leap_day = !date.in_leap_year() && day * 48 >= LEAP_DAY.start;
        let time = usize::try_from(half_hour.rem_euclid(48)).unwrap_or(0);
        Place {
            year: date.year().into(),
            leap: date.in_leap_year(),
            index: (day + usize::from(after_leap_day)) * 48 + time,
        }
    }
}

/// Leap years from 2000 to before `year`, by the Gregorian rule.
fn leap_years_before(year: i64) -> i64 {
    let until = |year: i64| year / 4 - year / 100 + year / 400;
    until(year - 1) - until(EPOCH_YEAR - 1)
}

fn whole(file: &HalfHours, day: Date) -> Option<Vec<Output>> {
    let midnight = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let start =
        |i: i64| Timestamp::from_millisecond(midnight.as_millisecond() + i * HALF_HOUR_MS).ok();
    (0..48).map(|i| file.starting(start(i)?)).collect()
}
