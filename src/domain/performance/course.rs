//! The days of a roof, each in three parts: shade comes with the hour, dirt does not.

use std::collections::BTreeMap;

use crate::{
    calendar::LocalDay,
    quantity::{WattHours, Watts},
};

/// Parts of a day.
pub const DAY_PARTS: usize = 3;

/// A part of the day by the sun's own hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DayPart {
    /// Until 10:30 of the sun's time.
    Morning,
    /// Until 13:30.
    Midday,
    /// After it.
    Evening,
}

/// Energy of a day in its parts.
pub type Parts = [WattHours; DAY_PARTS];

/// The days of a roof of which all is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// The array's size.
    pub peak: Watts,
    /// Days whose energy is known, not split over several days from one advance.
    pub days: BTreeMap<LocalDay, Parts>,
}

impl DayPart {
    /// All, in order.
    pub const ALL: [DayPart; DAY_PARTS] = [DayPart::Morning, DayPart::Midday, DayPart::Evening];

    /// The part in which a minute of the sun's day lies (720 is noon).
    #[must_use]
    pub fn of_solar_minute(minute: i64) -> DayPart {
        match minute {
            ..630 => DayPart::Morning,
            630..810 => DayPart::Midday,
            _ => DayPart::Evening,
        }
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            DayPart::Morning => "morning",
            DayPart::Midday => "midday",
            DayPart::Evening => "evening",
        }
    }

    /// Its place in [`Parts`].
    #[must_use]
    pub fn place(self) -> usize {
        match self {
            DayPart::Morning => 0,
            DayPart::Midday => 1,
            DayPart::Evening => 2,
        }
    }
}

/// The sum of the parts, in 128 bits so that it cannot overflow.
pub(super) fn whole(parts: &Parts) -> i128 {
    parts
        .iter()
        .fold(0_i128, |sum, part| sum.saturating_add(i128::from(part.0)))
}

pub(super) fn wh(value: i128) -> WattHours {
    WattHours(i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }))
}
