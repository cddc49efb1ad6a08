//! What a site is expected to make, month by month, in dated versions.
//!
//! A version is published on a day and holds from a month on; a report made as of a day sees only
//! the versions published by then, so a later version never rewrites what an earlier report said.

use rust_decimal::Decimal;

use super::rounded;
use crate::{
    calendar::{LocalDay, LocalMonth, Period},
    quantity::WattHours,
};

/// One version of a site's forecast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForecastVersion {
    /// The day it was published.
    pub published: LocalDay,
    /// The first month it is meant for.
    pub valid_from: LocalMonth,
    /// The calendar year for which `months` stand as they are: year 1.
    pub base_year: i32,
    /// What January to December of year 1 are expected to make.
    pub months: [WattHours; 12],
    /// What the array loses from one year to the next, in per cent.
    pub degradation_percent: Decimal,
    /// Where it comes from.
    pub source: String,
    /// Whether it was made up for show; pages say SAMPLE.
    pub sample: bool,
}

/// A site's forecast: its versions in order of publication.
///
/// ```
/// use commonwatt_domain::{projection::*, quantity::WattHours};
/// # use commonwatt_domain::calendar::*;
/// let version = ForecastVersion {
///     published: "2012-02-01".parse()?,
///     valid_from: "2013-01".parse()?,
///     base_year: 2013,
///     months: [WattHours(2_242_750); 12], // 26,913 kWh a year
///     degradation_percent: "0.5".parse().unwrap(),
///     source: "share offer".into(),
///     sample: false,
/// };
/// let forecast = Forecast::new(vec![version])?;
/// let today = "2015-01-31".parse()?;
/// let year = |text: &str| forecast.energy(text.parse().unwrap(), today).unwrap();
/// assert_eq!(year("2013"), WattHours(26_913_000));
/// assert_eq!(year("2014"), WattHours(26_778_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    versions: Vec<ForecastVersion>,
}

/// A forecast that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForecastError {
    /// Two versions of one day.
    #[error(
        "two forecasts published on `{0}`; expected one a day\nhint: a correction is a new version with its own day"
    )]
    SameDay(LocalDay),
    /// A month below 0 or above what energy can be.
    #[error(
        "forecast of `{0}` Wh for a month; expected 0 Wh or more\nhint: check the sign and the unit"
    )]
    Month(i64),
    /// A degradation outside 0 to 100.
    #[error(
        "degradation of `{0}` per cent a year; expected 0 to less than 100\nhint: half a per cent is written `0.5`"
    )]
    Degradation(Decimal),
}

impl Forecast {
    /// A forecast of those versions.
    ///
    /// # Errors
    /// [`ForecastError`] when two were published on one day, a month is negative or the
    /// degradation is not a percentage.
    pub fn new(mut versions: Vec<ForecastVersion>) -> Result<Forecast, ForecastError> {
        versions.sort_by_key(|version| version.published);
        for pair in versions.windows(2) {
            if let [one, other] = pair
                && one.published == other.published
            {
                return Err(ForecastError::SameDay(one.published));
            }
        }
        for version in &versions {
            let possible = WattHours::ZERO..=WattHours::MAX;
            if let Some(month) = version
                .months
                .iter()
                .find(|month| !possible.contains(month))
            {
                return Err(ForecastError::Month(month.0));
            }
            let degradation = version.degradation_percent;
            if degradation.is_sign_negative() && !degradation.is_zero()
                || degradation >= Decimal::ONE_HUNDRED
            {
                return Err(ForecastError::Degradation(degradation));
            }
        }
        Ok(Forecast { versions })
    }

    /// The version that speaks for a month, as known at the end of day `as_of`: of those published
    /// by then and meant for the month, the one published last.
    #[must_use]
    pub fn version_for(&self, month: LocalMonth, as_of: LocalDay) -> Option<&ForecastVersion> {
        self.versions
            .iter()
            .rev()
            .find(|version| version.published <= as_of && version.valid_from <= month)
    }

    /// The forecast for a period as known at the end of day `as_of`: the sum of its months' lines,
    /// a month that is only partly inside taken by days. `None` when a month has no version.
    #[must_use]
    pub fn energy(&self, period: Period, as_of: LocalDay) -> Option<WattHours> {
        let mut total = WattHours::ZERO;
        for (month, part) in period.parts_by_month() {
            let line = self.version_for(month, as_of)?.line(part)?;
            total = total.checked_add(line)?;
        }
        Some(total)
    }

    /// The versions in order of publication.
    #[must_use]
    pub fn versions(&self) -> &[ForecastVersion] {
        &self.versions
    }
}

impl ForecastVersion {
    /// The line for days of one calendar year.
    ///
    /// A whole month is whole kWh, rounded half away from zero: what is rounded is the sum from 1
    /// January to the month's end, with degradation, and a month is the difference of two such
    /// sums. So a year's months sum to the year's own line (26,913 kWh less 0.5 % is 26,778) and
    /// one month is within 1 kWh of its exact value. Days share their month's line evenly, to the
    /// Wh, and sum to it.
    fn line(&self, days: Period) -> Option<WattHours> {
        let before = self.until(days.first_day().previous(), days.first_day().year())?;
        let end = self.until(days.last_day(), days.first_day().year())?;
        end.checked_sub(before)
    }

    /// From 1 January of `year` to the end of `day`; zero when that is the day before.
    fn until(&self, day: LocalDay, year: i32) -> Option<WattHours> {
        if day.year() < year {
            return Some(WattHours::ZERO);
        }
        let month = day.local_month();
        let before = self.whole_months(month.month().checked_sub(1)?, year)?;
        let through = self.whole_months(month.month(), year)?;
        let line = i128::from(through.checked_sub(before)?.0);
        let part = line
            .checked_mul(i128::from(day.day()))?
            .checked_div(i128::from(month.days()))?;
        before.checked_add(WattHours(i64::try_from(part).ok()?))
    }

    /// Whole kWh of the first `count` months of a year.
    fn whole_months(&self, count: u8, year: i32) -> Option<WattHours> {
        let mut sum = Decimal::ZERO;
        for energy in self.months.iter().take(usize::from(count)) {
            sum = sum.checked_add(Decimal::new(energy.0, 3))?;
        }
        let kept = Decimal::ONE
            .checked_sub(self.degradation_percent.checked_div(Decimal::ONE_HUNDRED)?)?;
        // Year 1 is whole, year n has lost n - 1 times; earlier years are taken as year 1.
        for _ in self.base_year..year {
            sum = sum.checked_mul(kept)?;
        }
        let kwh = i64::try_from(rounded(sum, 0)).ok()?;
        kwh.checked_mul(1000).map(WattHours)
    }
}
