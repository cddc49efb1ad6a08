//! How numbers, dates and spans are spelt on pages, in letters and in downloads.
//!
//! British English: "1 April 2026", "32,586 kWh", "+21.1 %". A minus is U+2212 in print; downloads
//! for spreadsheets use the plain hyphen and do not come here.

use std::borrow::Cow;

use domain::{
    calendar::{LocalDay, WallClock, Zone},
    quantity::WattHours,
};
use rust_decimal::Decimal;

use crate::generation::{Granularity, Missing, Period};

/// From here on a table shows whole kWh, below it one decimal.
const WHOLE_KWH_FROM: WattHours = WattHours(1_000_000);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// How many decimals the kWh of one table have; the same for all its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32,586
    Whole,
    /// 33.5
    Tenth,
}

impl Precision {
    /// What suits a table whose largest figure is `largest`.
    #[must_use]
    pub fn for_largest(largest: WattHours) -> Self {
        if largest >= WHOLE_KWH_FROM {
            Precision::Whole
        } else {
            Precision::Tenth
        }
    }

    /// Energy in kWh without the unit, rounded half away from zero.
    #[must_use]
    pub fn kwh(self, energy: WattHours) -> String {
        let step = match self {
            Precision::Whole => 1000,
            Precision::Tenth => 100,
        };
        let size = energy.0.unsigned_abs();
        let steps = (size + step / 2) / step;
        let sign = if energy.0 < 0 && steps > 0 { "−" } else { "" };
        match self {
            Precision::Whole => format!("{sign}{}", grouped(steps)),
            Precision::Tenth => format!("{sign}{}.{}", grouped(steps / 10), steps % 10),
        }
    }

    /// The same with a plus where it is one.
    #[must_use]
    pub fn signed_kwh(self, energy: WattHours) -> String {
        let text = self.kwh(energy);
        if energy.0 > 0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
            format!("+{text}")
        } else {
            text
        }
    }
}

/// "32,586".
#[must_use]
pub fn whole(number: i64) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

/// A decimal as it came, its whole part in thousands: "14,516.7".
#[must_use]
pub fn decimal(number: Decimal) -> String {
    let text = number.abs().to_string();
    let (units, rest) = text.split_once('.').unwrap_or((&text, ""));
    let units = units.parse().map_or_else(|_| units.to_owned(), grouped);
    let sign = if number.is_sign_negative() && !number.is_zero() {
        "−"
    } else {
        ""
    };
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{units}{point}{rest}")
}

/// "+21.1 %".
#[must_use]
pub fn signed_percent(percent: Decimal) -> String {
    let plus = if percent.is_sign_positive() && !percent.is_zero() {
        "+"
    } else {
        ""
    };
    format!("{plus}{} %", decimal(percent))
}

/// "£322" or "£1,450.07".
#[must_use]
pub fn pounds(pence: i64) -> String {
    let sign = if pence < 0 { "−" } else { "" };
    let size = pence.unsigned_abs();
    let (pounds, rest) = (grouped(size / 100), size % 100);
    if rest == 0 {
        format!("{sign}£{pounds}")
    } else {
        format!("{sign}£{pounds}.{rest:02}")
    }
}

/// "1 day", "23 days".
#[must_use]
pub fn count(number: u32, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", grouped(u64::from(number)))
}

/// "June".
#[must_use]
pub fn month(day: LocalDay) -> &'static str {
    MONTHS[usize::from(day.month() - 1)]
}

/// "1 April 2026".
#[must_use]
pub fn date(day: LocalDay) -> String {
    format!("{} {} {}", day.day(), month(day), day.year())
}

/// Both days inside: "2013", "June 2013", "1 to 9 June 2013", "23 April to 12 September 2012".
#[must_use]
pub fn span(start: LocalDay, end: LocalDay) -> String {
    let whole_months = start.day() == 1 && end == end.local_month().last_day();
    if start == end {
        date(start)
    } else if whole_months && start.year() == end.year() && (start.month(), end.month()) == (1, 12)
    {
        start.year().to_string()
    } else if whole_months && (start.year(), start.month()) == (end.year(), end.month()) {
        format!("{} {}", month(start), start.year())
    } else if (start.year(), start.month()) == (end.year(), end.month()) {
        format!("{} to {}", start.day(), date(end))
    } else if whole_months && (start.month(), end.month()) == (1, 12) {
        format!("{} to {}", start.year(), end.year())
    } else if start.year() == end.year() {
        format!("{} {} to {}", start.day(), month(start), date(end))
    } else {
        format!("{} to {}", date(start), date(end))
    }
}

/// The span as a sentence begins: "In 2013", "In June 2013", "From 23 April to 12 September 2012".
#[must_use]
pub fn opening(period: &Period) -> String {
    let text = span(period.start, period.end);
    if period.start == period.end {
        format!("On {text}")
    } else if text.contains(" to ") {
        format!("From {text}")
    } else {
        format!("In {text}")
    }
}

/// The name of a row, as short as the period allows: "January", "January 2013", "1 June", "2013".
#[must_use]
pub fn row_label(period: &Period, start: LocalDay) -> String {
    let one_year = period.start.year() == period.end.year();
    match period.granularity {
        Granularity::Year => start.year().to_string(),
        Granularity::Month if one_year => month(start).to_owned(),
        Granularity::Month => format!("{} {}", month(start), start.year()),
        Granularity::Day if one_year => format!("{} {}", start.day(), month(start)),
        Granularity::Day => date(start),
    }
}

/// The column head of the rows and the chart's other axis: "Month of 2013", "Day of June 2013".
#[must_use]
pub fn step_axis(period: &Period) -> String {
    let (start, end) = (period.start, period.end);
    match period.granularity {
        Granularity::Year => "Year".to_owned(),
        Granularity::Month if start.year() == end.year() => format!("Month of {}", start.year()),
        Granularity::Month => "Month".to_owned(),
        Granularity::Day if (start.year(), start.month()) == (end.year(), end.month()) => {
            format!("Day of {} {}", month(start), start.year())
        }
        Granularity::Day => "Day".to_owned(),
    }
}

/// What one row is called: "month", "months".
#[must_use]
pub fn step(granularity: Granularity) -> (&'static str, &'static str) {
    match granularity {
        Granularity::Day => ("day", "days"),
        Granularity::Month => ("month", "months"),
        Granularity::Year => ("year", "years"),
    }
}

/// "2013", "2013-06" or "2013-04-01_2014-03-31", for file names.
#[must_use]
pub fn period_slug(period: &Period) -> String {
    let (start, end) = (period.start, period.end);
    let whole_months = start.day() == 1 && end == end.local_month().last_day();
    let same_year = start.year() == end.year();
    if whole_months && same_year && (start.month(), end.month()) == (1, 12) {
        start.year().to_string()
    } else if whole_months && same_year && start.month() == end.month() {
        format!("{}-{:02}", start.year(), start.month())
    } else {
        format!("{start}_{end}")
    }
}

/// A hole in words: "Styles Gardens: 3 to 9 June 2013 (336 half hours), inverter fault".
#[must_use]
pub fn missing(hole: &Missing, zone: &Zone) -> String {
    let (from, to) = (zone.wall_clock(hole.from), zone.wall_clock(hole.to));
    let at_midnight = |at: WallClock| (at.hour, at.minute) == (0, 0);
    let when = if at_midnight(from) && at_midnight(to) {
        match span(from.day, to.day.previous()) {
            text if text.contains(' ') => text,
            year => format!("all of {year}"),
        }
    } else if from.day == to.day {
        format!("{}, {} to {}", date(from.day), clock(from), clock(to))
    } else {
        format!(
            "{}, {} to {}, {}",
            date(from.day),
            clock(from),
            date(to.day),
            clock(to)
        )
    };
    let size = count(hole.half_hours, "half hour", "half hours");
    let reason = hole
        .reason
        .as_deref()
        .map_or_else(String::new, |reason| format!(", {reason}"));
    format!("{}: {when} ({size}){reason}", hole.place)
}

/// "09:30".
#[must_use]
pub fn clock(at: WallClock) -> String {
    format!("{:02}:{:02}", at.hour, at.minute)
}

/// The same text with the day of each date kept on one line with its month.
#[must_use]
pub fn unbroken_dates(text: &str) -> String {
    let mut parts = text.split(' ').peekable();
    let mut kept = String::with_capacity(text.len());
    while let Some(part) = parts.next() {
        kept.push_str(part);
        let is_day = part.len() <= 2 && part.parse::<u8>().is_ok();
        match parts.peek() {
            Some(next) if is_day && MONTHS.contains(next) => kept.push('\u{a0}'),
            Some(_) => kept.push(' '),
            None => {}
        }
    }
    kept
}

/// The same text with each number kept on one line with its unit.
#[must_use]
pub fn unbroken(text: &str) -> String {
    let mut text = text.to_owned();
    for unit in ["kWh", "kWp", "kW", "kg", "%"] {
        text = text.replace(&format!(" {unit}"), &format!("\u{a0}{unit}"));
    }
    text
}

/// A name inside a sentence: "The Old Library" is "the Old Library" there.
#[must_use]
pub fn within(name: &str) -> Cow<'_, str> {
    match name.strip_prefix("The ") {
        Some(rest) => Cow::Owned(format!("the {rest}")),
        None => Cow::Borrowed(name),
    }
}

/// "a", "a and b", "a, b and c".
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u8, day: u8) -> LocalDay {
        LocalDay::of_date(year, month, day).unwrap()
    }

    fn months(start: LocalDay, end: LocalDay) -> Period {
        Period {
            start,
            end,
            granularity: Granularity::Month,
        }
    }

    #[test]
    fn energy_is_rounded_half_away_from_zero_and_grouped() {
        let table = [
            (32_586_000, "32,586", "32,586.0"),
            (499, "0", "0.5"),
            (500, "1", "0.5"),
            (-500, "−1", "−0.5"),
            (-49, "0", "0.0"),
            (1_234_567_890, "1,234,568", "1,234,567.9"),
        ];
        for (wh, expected_whole, expected_tenth) in table {
            assert_eq!(Precision::Whole.kwh(WattHours(wh)), expected_whole);
            assert_eq!(Precision::Tenth.kwh(WattHours(wh)), expected_tenth);
        }
        assert_eq!(Precision::Whole.signed_kwh(WattHours(5_673_000)), "+5,673");
        assert_eq!(Precision::Whole.signed_kwh(WattHours(400)), "0");
    }

    #[test]
    fn spans_are_named_as_people_name_them() {
        let table = [
            (day(2013, 1, 1), day(2013, 12, 31), "In 2013", "2013"),
            (day(2013, 6, 1), day(2013, 6, 30), "In June 2013", "2013-06"),
            (
                day(2013, 6, 3),
                day(2013, 6, 9),
                "From 3 to 9 June 2013",
                "2013-06-03_2013-06-09",
            ),
            (
                day(2012, 4, 23),
                day(2012, 9, 12),
                "From 23 April to 12 September 2012",
                "2012-04-23_2012-09-12",
            ),
            (
                day(2013, 1, 1),
                day(2022, 12, 31),
                "From 2013 to 2022",
                "2013-01-01_2022-12-31",
            ),
            (
                day(2013, 4, 1),
                day(2014, 3, 31),
                "From 1 April 2013 to 31 March 2014",
                "2013-04-01_2014-03-31",
            ),
            (
                day(2013, 6, 3),
                day(2013, 6, 3),
                "On 3 June 2013",
                "2013-06-03_2013-06-03",
            ),
        ];
        for (start, end, words, slug) in table {
            assert_eq!(opening(&months(start, end)), words);
            assert_eq!(period_slug(&months(start, end)), slug);
        }
    }

    #[test]
    fn decimals_and_pounds_keep_their_digits() {
        assert_eq!(decimal("14516.70".parse().unwrap()), "14,516.70");
        assert_eq!(signed_percent("-0.1".parse().unwrap()), "−0.1 %");
        assert_eq!(signed_percent("0.0".parse().unwrap()), "0.0 %");
        assert_eq!(pounds(32_200), "£322");
        assert_eq!(pounds(-145_007), "−£1,450.07");
    }

    #[test]
    fn a_hole_says_where_when_and_how_long() {
        let zone = Zone::named("Europe/London").unwrap();
        let at = |text: &str| text.parse().unwrap();
        let mut hole = Missing {
            place: "Styles Gardens".into(),
            from: at("2013-06-02T23:00:00Z"),
            to: at("2013-06-09T23:00:00Z"),
            half_hours: 336,
            reason: Some("inverter fault".into()),
        };
        assert_eq!(
            missing(&hole, &zone),
            "Styles Gardens: 3 to 9 June 2013 (336 half hours), inverter fault"
        );
        hole.to = at("2013-06-02T23:30:00Z");
        hole.half_hours = 1;
        hole.reason = None;
        assert_eq!(
            missing(&hole, &zone),
            "Styles Gardens: 3 June 2013, 00:00 to 00:30 (1 half hour)"
        );
    }
}
