//! Half hours of UTC, runs of them, and their number in a local day.

use core::{fmt, ops::RangeInclusive};

use super::{Instant, Span};

/// A half hour in milliseconds.
pub const HALF_HOUR_MS: i64 = 1_800_000;

/// A half hour by the number of half hours since 1970-01-01T00:00:00Z; keyed by its UTC start.
///
/// ```
/// use commonwatt_domain::calendar::{HalfHour, Instant};
/// let at: Instant = "2023-10-29T01:59:59.999Z".parse()?;
/// assert_eq!(HalfHour::of(at).start().to_string(), "2023-10-29T01:30:00Z");
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HalfHour(pub i32);

/// A run of half hours: from `start` up to but without `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HalfHours {
    /// First half hour inside.
    pub start: HalfHour,
    /// First half hour after.
    pub end: HalfHour,
}

/// The number of a half hour in its local day, 1 to 50 (Elexon's settlement period).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettlementPeriod(u8);

impl HalfHour {
    /// The half hour that holds the instant. Instants more than 122,000 years from 1970 fall into
    /// the first or last half hour.
    #[must_use]
    pub fn of(at: Instant) -> HalfHour {
        let number = at.0.div_euclid(HALF_HOUR_MS);
        HalfHour(i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The first half hour that starts at the instant or after it.
    #[must_use]
    pub fn at_or_after(at: Instant) -> HalfHour {
        HalfHour::of(at.plus_ms(HALF_HOUR_MS.saturating_sub(1)))
    }

    /// Its first instant.
    #[must_use]
    pub fn start(self) -> Instant {
        // 32 bits times 1,800,000 stay far inside 64 bits.
        Instant(i64::from(self.0).saturating_mul(HALF_HOUR_MS))
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(self) -> Instant {
        self.start().plus_ms(HALF_HOUR_MS)
    }

    /// Its span of time.
    #[must_use]
    pub fn span(self) -> Span {
        Span::new(self.start(), self.end())
    }

    /// The half hour `n` further on; stops at the ends of 32 bits.
    #[must_use]
    pub fn plus(self, n: i32) -> HalfHour {
        HalfHour(self.0.saturating_add(n))
    }
}

impl HalfHours {
    /// The half hours from `start` up to but without `end`.
    #[must_use]
    pub fn new(start: HalfHour, end: HalfHour) -> HalfHours {
        HalfHours { start, end }
    }

    /// How many there are; none when it ends before it starts.
    #[must_use]
    pub fn count(self) -> u32 {
        u32::try_from(self.end.0.saturating_sub(self.start.0)).unwrap_or(0)
    }

    /// Whether the half hour is one of them.
    #[must_use]
    pub fn contains(self, half_hour: HalfHour) -> bool {
        self.start <= half_hour && half_hour < self.end
    }

    /// Each of them in turn.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = HalfHour> + ExactSizeIterator {
        (self.start.0..self.end.0).map(HalfHour)
    }

    /// Their span of time.
    #[must_use]
    pub fn span(self) -> Span {
        Span::new(self.start.start(), self.end.start())
    }
}

impl SettlementPeriod {
    /// All numbers a day can have: 50 on the day the clocks go back.
    pub const RANGE: RangeInclusive<u8> = 1..=50;

    /// The settlement period of that number, when it is one of [`SettlementPeriod::RANGE`].
    #[must_use]
    pub fn new(number: u8) -> Option<SettlementPeriod> {
        Self::RANGE
            .contains(&number)
            .then_some(SettlementPeriod(number))
    }

    /// The number, 1 to 50.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for SettlementPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
