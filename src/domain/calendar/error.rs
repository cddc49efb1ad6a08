//! What can be wrong with a time, a date, a period or a zone.

/// A text about time that cannot be taken, with the next step on its `hint:` line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Not an instant.
    #[error(
        "`{0}` is not a time; expected a form like `2013-06-01T12:00:00Z`\nhint: give date, time and offset"
    )]
    Instant(String),
    /// Not a local time.
    #[error(
        "`{0}` is not a local time; expected a form like `2013-06-01 12:00`\nhint: give date and time, with an offset where the zone is not the society's"
    )]
    LocalTime(String),
    /// The autumn hour that comes twice.
    #[error(
        "`{text}` comes twice in `{zone}`: at `{first}` and at `{second}`; expected a time that names one instant\nhint: add the offset, such as `{first}`"
    )]
    Ambiguous {
        /// The text given.
        text: String,
        /// The zone it was read in.
        zone: String,
        /// The earlier instant with its offset.
        first: String,
        /// The later instant with its offset.
        second: String,
    },
    /// The spring hour that is skipped.
    #[error(
        "`{text}` does not exist in `{zone}`: the clocks go forward over it\nhint: add the offset that the device used, such as `Z`"
    )]
    Skipped {
        /// The text given.
        text: String,
        /// The zone it was read in.
        zone: String,
    },
    /// Not a day.
    #[error(
        "`{0}` is not a date; expected a form like `2013-06-01`\nhint: write year, month and day with dashes"
    )]
    Day(String),
    /// Not a month.
    #[error(
        "`{0}` is not a month; expected a form like `2013-06`\nhint: write year and month with a dash"
    )]
    Month(String),
    /// Not a period.
    #[error(
        "`{0}` is not a period; expected `2013`, `2013-06`, `2013-06-01` or `2013-06-01..2013-06-30`\nhint: both ends of a range are days inside it"
    )]
    Period(String),
    /// A range that ends before it starts.
    #[error("period `{0}` ends before it starts\nhint: write the earlier day first")]
    Backwards(String),
    /// Not a start of a financial year.
    #[error(
        "`{0}` cannot start a financial year; expected month and day like `04-01`, the day at most 28\nhint: most societies use `01-01` or `04-01`"
    )]
    YearStart(String),
    /// Unknown zone.
    #[error(
        "`{0}` is not a time zone; expected an IANA name such as `Europe/London`\nhint: check the spelling; abbreviations like `BST` name no zone"
    )]
    UnknownZone(String),
    /// A zone whose days do not start on a half hour of UTC.
    #[error(
        "days in `{0}` do not start on a half hour of UTC, which settlement periods ask for\nhint: use a zone with whole or half hours of offset"
    )]
    UnevenZone(String),
}

/// The text as it may stand in a message: at most 48 characters.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(48).collect()
}
