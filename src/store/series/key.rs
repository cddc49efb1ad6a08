//! The keys of `series.sqlite`: groups of series, local days, and the two in one number.
//!
//! A local day is the civil date in the society's zone as days since 1970-01-01, held between 0
//! and [`LAST_DAY`]: whatever a device claims before or after falls on the first or last day, is
//! refused by the judge, and yet has a place.

use domain::calendar::{Instant, LocalDay, Zone};

/// Series that share the blocks of a run.
pub(crate) const GROUP: u32 = 1024;
/// The last local day that has a number (in the year 2243).
pub(crate) const LAST_DAY: i32 = 99_999;
const DAY_BITS: u32 = 20;

/// `series × 2^20 + day`.
pub(crate) fn day_key(series: u32, day: LocalDay) -> i64 {
    (i64::from(series) << DAY_BITS) | i64::from(day.0.clamp(0, LAST_DAY))
}

/// The day of a [`day_key`].
pub(crate) fn day_of_key(key: i64) -> LocalDay {
    LocalDay((key & ((1 << DAY_BITS) - 1)) as i32)
}

/// The series of a [`day_key`].
pub(crate) fn series_of_key(key: i64) -> u32 {
    (key >> DAY_BITS) as u32
}

/// The local day on which a read is filed.
pub(crate) fn filing_day(zone: &Zone, at: i64) -> LocalDay {
    LocalDay(zone.day_of(Instant(at)).0.clamp(0, LAST_DAY))
}

/// Finds filing days of ascending instants, asking the zone once a day.
#[derive(Debug)]
pub(crate) struct DayCutter<'z> {
    zone: &'z Zone,
    day: LocalDay,
    span: std::ops::Range<i64>,
}

impl<'z> DayCutter<'z> {
    pub(crate) fn new(zone: &'z Zone) -> DayCutter<'z> {
        DayCutter {
            zone,
            day: LocalDay(0),
            span: 0..0,
        }
    }

    pub(crate) fn day_of(&mut self, at: i64) -> LocalDay {
        if !self.span.contains(&at) {
            let span = self.zone.day_span(self.zone.day_of(Instant(at)));
            self.span = span.start.0..span.end.0;
            self.day = filing_day(self.zone, at);
        }
        self.day
    }
}
