//! When it is dark on a roof, as integers for the domain.
//!
//! Sun positions are floating-point astronomy, so they stay out of the domain: here they become
//! spans in whole minutes. One leap year (2024) is computed for each place and stands for every
//! year of the table: a date's dusk and dawn move by about a minute from year to year, which the
//! margin covers. Dark is below civil twilight (6 degrees under the horizon), less the margin on
//! both sides; what a panel makes then is dust.

use domain::calendar::{Instant, Span};
use solar_positioning::{Horizon, Location, SolarEvents};

/// First and last year of the table of nights.
pub const YEARS: std::ops::RangeInclusive<i16> = 2009..=2060;
/// How much later than dusk and earlier than dawn it is called dark.
const MARGIN_MS: i64 = 10 * 60_000;
const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// Julian date of 1970-01-01T00:00:00Z.
const EPOCH_JULIAN: f64 = 2_440_587.5;
/// TT minus UT1 in seconds, near enough for minutes over the whole table.
const DELTA_T: f64 = 70.0;

/// The nights of a place, one after the other. Empty where the latitude knows no dark night all
/// year round, or the degrees cannot be read: then nothing is ever called dark.
#[must_use]
pub fn nights(latitude: &str, longitude: &str) -> Vec<Span> {
    let (Ok(latitude), Ok(longitude)) = (latitude.parse::<f64>(), longitude.parse::<f64>()) else {
        return Vec::new();
    };
    let place = Location { latitude, longitude };
    let sun = SolarEvents::grena3();
    // Dusk of each day of 2024 and the dawn after it, as minutes after that day's noon UTC shifted
    // to the place's own noon.
    let noon_shift = -(longitude / 360.0 * 86_400_000.0) as i64;
    let year_start = jiff::civil::date(2024, 1, 1);
    let mut pattern: Vec<Option<(i64, i64)>> = Vec::with_capacity(366);
    for n in 0..366_i64 {
        let noon = utc_ms(year_start) + n * DAY_MS + DAY_MS / 2 + noon_shift;
        let from = julian(noon);
        let night = (|| {
            let dusk = sun
                .next_set_from_julian(from, from + 1.0, place, DELTA_T, Horizon::CivilTwilight)
                .ok()??;
            let dawn = sun
                .next_rise_from_julian(dusk, from + 1.0, place, DELTA_T, Horizon::CivilTwilight)
                .ok()??;
            let start = whole_minutes(unix_ms(dusk) + MARGIN_MS) - noon;
            let end = whole_minutes(unix_ms(dawn) - MARGIN_MS) - noon;
            (start < end).then_some((start, end))
        })();
        pattern.push(night);
    }
    let mut nights = Vec::new();
    for year in YEARS {
        let leap = jiff::civil::date(year, 1, 1).in_leap_year();
        let start = utc_ms(jiff::civil::date(year, 1, 1));
        let mut day_of_year = 0;
        for (n, night) in pattern.iter().enumerate() {
            // 29 February is the 60th day of the pattern.
            if n == 59 && !leap {
                continue;
            }
            let noon = start + day_of_year * DAY_MS + DAY_MS / 2 + noon_shift;
            day_of_year += 1;
            if let Some((dusk, dawn)) = night {
                nights.push(Span {
                    start: Instant(noon + dusk),
                    end: Instant(noon + dawn),
                });
            }
        }
    }
    nights
}

fn utc_ms(date: jiff::civil::Date) -> i64 {
    date.to_zoned(jiff::tz::TimeZone::UTC)
        .map_or(0, |midnight| midnight.timestamp().as_millisecond())
}

fn julian(ms: i64) -> f64 {
    ms as f64 / DAY_MS as f64 + EPOCH_JULIAN
}

fn unix_ms(julian: f64) -> i64 {
    ((julian - EPOCH_JULIAN) * DAY_MS as f64) as i64
}

fn whole_minutes(ms: i64) -> i64 {
    ms.div_euclid(MINUTE_MS) * MINUTE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brixton_is_dark_at_midnight_and_light_at_noon_all_year() {
        let nights = nights("51.4681", "-0.1030");
        assert_eq!(nights.len(), 52 * 365 + 13);
        assert!(nights.windows(2).all(|w| w[0].end < w[1].start));
        let dark = |text: &str| {
            let at: jiff::Timestamp = text.parse().expect("instant");
            let at = Instant(at.as_millisecond());
            nights.iter().any(|n| n.start <= at && at < n.end)
        };
        for day in ["2014-06-21", "2016-02-29", "2020-12-21", "2026-03-29"] {
            assert!(dark(&format!("{day}T00:30:00Z")), "{day}");
            assert!(!dark(&format!("{day}T12:00:00Z")), "{day}");
        }
        assert!(!dark("2014-06-21T20:45:00Z"), "midsummer twilight");
        assert!(dark("2014-12-21T17:00:00Z"), "midwinter tea time");
    }

    #[test]
    fn a_place_without_dark_nights_in_june_has_them_in_december() {
        let nights = nights("65.0", "25.0");
        assert!(!nights.is_empty());
        assert!(nights.len() < 52 * 330);
    }
}
