//! The society's zone: which local day an instant lies in, and when days start.
//!
//! A zone is a table with the start of every local day from 2000 to 2100, made once from the IANA
//! rules; asking for a day is then one division and at most one step. Before and after the table
//! days are taken as 24 hours, so that an absurd instant has a day too (and a finding elsewhere).
//! Zones whose days do not start on a half hour of UTC are refused.

use core::fmt;
use std::sync::Arc;

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use super::{
    CalendarError, HalfHour, HalfHours, Instant, LocalDay, Period, SettlementPeriod, Span,
    error::shown,
};

/// The first day of the table, 2000-01-01.
const FIRST_DAY: i32 = 10_957;
/// The day after the last of the table, 2101-01-01.
const END_DAY: i32 = 47_847;
const HALF_HOURS_A_DAY: i32 = 48;

/// An IANA time zone, such as Europe/London; cheap to clone.
///
/// ```
/// use commonwatt_domain::calendar::Zone;
/// let london = Zone::named("Europe/London")?;
/// let autumn = "2023-10-29".parse()?;
/// assert_eq!(london.half_hours_of(autumn).count(), 50);
/// assert_eq!(london.day_of("2023-06-30T23:30:00Z".parse()?).to_string(), "2023-07-01");
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[derive(Clone)]
pub struct Zone(Arc<Table>);

struct Table {
    name: String,
    rules: TimeZone,
    /// The first half hour of each day from [`FIRST_DAY`] to [`END_DAY`], both inclusive.
    starts: Vec<i32>,
}

/// What a clock on the wall shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallClock {
    /// The date.
    pub day: LocalDay,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
    /// The second, 0 to 59.
    pub second: u8,
    /// Minutes ahead of UTC (60 in British Summer Time).
    pub offset_min: i32,
}

impl Zone {
    /// The zone of that IANA name.
    ///
    /// # Errors
    /// [`CalendarError::UnknownZone`], or [`CalendarError::UnevenZone`] when its days do not start
    /// on a half hour of UTC.
    pub fn named(name: &str) -> Result<Zone, CalendarError> {
        let rules = TimeZone::get(name).map_err(|_| CalendarError::UnknownZone(shown(name)))?;
        let starts = day_starts(&rules).ok_or_else(|| CalendarError::UnevenZone(shown(name)))?;
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Ok(Zone(Arc::new(Table {
            name,
            rules,
            starts,
        })))
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The local day that holds the instant.
    #[must_use]
    pub fn day_of(&self, at: Instant) -> LocalDay {
        self.day_of_half_hour(HalfHour::of(at))
    }

    /// The local day that holds the half hour.
    #[must_use]
    pub fn day_of_half_hour(&self, half_hour: HalfHour) -> LocalDay {
        // No offset is a full day, so the guess is at most a day off.
        let day = LocalDay(half_hour.0.div_euclid(HALF_HOURS_A_DAY));
        if self.start_of(day) > half_hour {
            day.previous()
        } else if self.start_of(day.next()) <= half_hour {
            day.next()
        } else {
            day
        }
    }

    /// The day's half hours: 46, 48 or 50 in London.
    #[must_use]
    pub fn half_hours_of(&self, day: LocalDay) -> HalfHours {
        HalfHours::new(self.start_of(day), self.start_of(day.next()))
    }

    /// The day's span of time.
    #[must_use]
    pub fn day_span(&self, day: LocalDay) -> Span {
        self.half_hours_of(day).span()
    }

    /// The half hours of a period.
    #[must_use]
    pub fn half_hours_in(&self, period: Period) -> HalfHours {
        HalfHours::new(
            self.start_of(period.first_day()),
            self.start_of(period.last_day().next()),
        )
    }

    /// The period's span of time.
    #[must_use]
    pub fn span_of(&self, period: Period) -> Span {
        self.half_hours_in(period).span()
    }

    /// The day and the number in it of a half hour. (A zone whose day has more than 50 half hours,
    /// which none has had since 2000 but by moving over the date line, gives 50 for the rest.)
    #[must_use]
    pub fn settlement_period(&self, half_hour: HalfHour) -> (LocalDay, SettlementPeriod) {
        let day = self.day_of_half_hour(half_hour);
        let number = half_hour
            .0
            .saturating_sub(self.start_of(day).0)
            .saturating_add(1);
        let number = u8::try_from(number.clamp(1, 50)).unwrap_or(50);
        let period = SettlementPeriod::new(number);
        (
            day,
            period.expect("a number from 1 to 50 is a settlement period"),
        )
    }

    /// The half hour of a local day by its settlement period; `None` when the day is too short.
    #[must_use]
    pub fn half_hour(&self, day: LocalDay, period: SettlementPeriod) -> Option<HalfHour> {
        let all = self.half_hours_of(day);
        let half_hour = all.start.plus(i32::from(period.number()).saturating_sub(1));
        all.contains(half_hour).then_some(half_hour)
    }

    /// An instant from text: RFC 3339 with an offset, or a local time of this zone
    /// (`2013-06-01 12:00`, `2013-06-01T12:00:00`).
    ///
    /// # Errors
    /// [`CalendarError::LocalTime`]; [`CalendarError::Ambiguous`] for the autumn hour that comes
    /// twice; [`CalendarError::Skipped`] for the spring hour that does not exist. Neither is
    /// guessed.
    pub fn instant_of_text(&self, text: &str) -> Result<Instant, CalendarError> {
        let text = text.trim_ascii();
        if let Ok(instant) = text.parse() {
            return Ok(instant);
        }
        let local: DateTime = text
            .parse()
            .map_err(|_| CalendarError::LocalTime(shown(text)))?;
        if !text.contains(':') {
            return Err(CalendarError::LocalTime(shown(text)));
        }
        let instant = |offset: Offset| {
            let stamp = offset.to_timestamp(local);
            let ms = stamp.map(|stamp| stamp.as_nanosecond().div_euclid(1_000_000));
            ms.ok()
                .and_then(|ms| i64::try_from(ms).ok())
                .map(Instant)
                .ok_or_else(|| CalendarError::LocalTime(shown(text)))
        };
        match self.0.rules.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => instant(offset),
            AmbiguousOffset::Gap { .. } => Err(CalendarError::Skipped {
                text: shown(text),
                zone: self.name().to_owned(),
            }),
            AmbiguousOffset::Fold { before, after } => Err(CalendarError::Ambiguous {
                text: shown(text),
                zone: self.name().to_owned(),
                first: with_offset(local, before),
                second: with_offset(local, after),
            }),
        }
    }

    /// What a clock on the wall shows at the instant; clamped to the years -9999 to 9999.
    #[must_use]
    pub fn wall_clock(&self, at: Instant) -> WallClock {
        let stamp = Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        let offset = self.0.rules.to_offset(stamp);
        let local = offset.to_datetime(stamp);
        WallClock {
            day: LocalDay::of_civil(local.date()),
            hour: local.hour().unsigned_abs(),
            minute: local.minute().unsigned_abs(),
            second: local.second().unsigned_abs(),
            offset_min: offset.seconds() / 60,
        }
    }

    /// The first half hour of a day.
    fn start_of(&self, day: LocalDay) -> HalfHour {
        let starts = &self.0.starts;
        let index = usize::try_from(day.0.saturating_sub(FIRST_DAY)).ok();
        if let Some(start) = index.and_then(|index| starts.get(index)) {
            return HalfHour(*start);
        }
        let (edge_day, edge) = if day.0 < FIRST_DAY {
            (FIRST_DAY, starts.first())
        } else {
            (END_DAY, starts.last())
        };
        let days = day
            .0
            .saturating_sub(edge_day)
            .saturating_mul(HALF_HOURS_A_DAY);
        HalfHour(edge.copied().unwrap_or(0).saturating_add(days))
    }
}

/// The first half hour of each day of the table; `None` when one is not on a half hour of UTC.
///
/// Days away from a change of the clocks start at midnight less the offset; the days around one are
/// asked for singly, because midnight itself may be skipped or come twice.
fn day_starts(rules: &TimeZone) -> Option<Vec<i32>> {
    let near = jiff::SignedDuration::from_hours(48);
    let midnight = |day: LocalDay| Offset::UTC.to_timestamp(day.civil().at(0, 0, 0, 0)).ok();
    let first = midnight(LocalDay(FIRST_DAY))?.checked_sub(near).ok()?;
    let mut changes = rules.following(first).peekable();
    let mut offset = rules.to_offset(first);
    let mut starts = Vec::with_capacity(usize::try_from(END_DAY.saturating_sub(FIRST_DAY)).ok()?);
    for day in (FIRST_DAY..=END_DAY).map(LocalDay) {
        let utc = midnight(day)?;
        let (from, to) = (utc.checked_sub(near).ok()?, utc.checked_add(near).ok()?);
        while let Some(change) = changes.next_if(|change| change.timestamp() < from) {
            offset = change.offset();
        }
        let start = if changes
            .peek()
            .is_some_and(|change| change.timestamp() <= to)
        {
            let midnight = rules.to_zoned(day.civil().at(0, 0, 0, 0)).ok()?;
            midnight.start_of_day().ok()?.timestamp()
        } else {
            offset.to_timestamp(day.civil().at(0, 0, 0, 0)).ok()?
        };
        let start = Instant(start.as_millisecond());
        let half_hour = HalfHour::of(start);
        starts.push((half_hour.start() == start).then_some(half_hour.0)?);
    }
    Some(starts)
}

fn with_offset(local: DateTime, offset: Offset) -> String {
    let minutes = (offset.seconds() / 60).unsigned_abs();
    let sign = if offset.is_negative() { '-' } else { '+' };
    format!("{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

impl fmt::Display for WallClock {
    /// `2013-06-01 12:00`, with seconds only where there are some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02}:{:02}", self.day, self.hour, self.minute)?;
        if self.second != 0 {
            write!(f, ":{:02}", self.second)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.0.name).finish()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Zone {}
