//! When it is dark on a roof, as integers for the domain.
//!
//! Sun positions are floating-point astronomy, so they stay out of the domain: here they become
//! spans in whole minutes. One leap year (2024) is computed for each place and stands for every
//! year of the table: a date's dusk and dawn move by about a minute from year to year, which the
//! margin covers. Dark is below civil twilight (6 degrees under the horizon), less the margin on
//! both sides; what a panel makes then is dust.
//!
//! The same room draws the clear-sky line behind the day's curve ([`clear_sky`]): a picture, never
//! a figure that counts.

use domain::{
    calendar::{HalfHours, Instant, Span},
    quantity::Watts,
};
use solar_positioning::{
    Horizon, Location, RefractionCorrection, SolarEvents, SolarPositions, time::JulianDate,
};

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
    let place = Location {
        latitude,
        longitude,
    };
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

/// Panels are taken to face the equator at this angle [degrees], the usual British roof: society
/// files name no tilt.
const TILT: f64 = 35.0;
/// What reaches the meter of what the panels could give: heat, wiring and inverter (pvlib's
/// PVWatts default is 0.86 before heat).
const PERFORMANCE: f64 = 0.85;
/// Irradiance above the air [W/m²], mean over the year.
const SOLAR_CONSTANT: f64 = 1_361.0;
/// Below this cosine of the zenith the formulas say nothing of use (the sun at about one degree).
const LOWEST_SUN: f64 = 0.02;

/// Mean power [W] of panels of `peak` in each half hour if no cloud came, read at its middle; none
/// at all where the degrees cannot be read.
///
/// Global horizontal irradiance by Haurwitz (Journal of Meteorology 2, 1945, and 3, 1946; as in
/// Reno, Hansen and Stein, SAND2012-2389), split into beam and diffuse light by Erbs, Klein and
/// Duffie (Solar Energy 28, 1982), turned onto panels at [`TILT`] under an even sky (Liu and
/// Jordan, Solar Energy 4, 1960). Held against the best half hours of four years around Bath it is
/// within about 15 % from February to November; a horizontal plane shows half of them in winter.
#[must_use]
pub fn clear_sky(
    latitude: &str,
    longitude: &str,
    peak: Watts,
    half_hours: HalfHours,
) -> Vec<Watts> {
    let (Ok(latitude), Ok(longitude)) = (latitude.parse::<f64>(), longitude.parse::<f64>()) else {
        return Vec::new();
    };
    let place = Location {
        latitude,
        longitude,
    };
    let sun = SolarPositions::grena3();
    let air = RefractionCorrection::standard();
    half_hours
        .iter()
        .map(|half_hour| {
            let middle = (half_hour.start().0 + half_hour.end().0) / 2;
            let irradiance = JulianDate::new(julian(middle), DELTA_T)
                .and_then(|at| sun.at_from_julian(at, place, 0.0, Some(air)))
                .map_or(0.0, |sun| {
                    on_panels(sun.zenith_angle(), sun.azimuth(), latitude)
                });
            Watts((peak.0 as f64 * PERFORMANCE * irradiance / 1_000.0) as i64)
        })
        .collect()
}

/// Irradiance [W/m²] on panels under a clear sky; angles in degrees, azimuth from north.
fn on_panels(zenith: f64, azimuth: f64, latitude: f64) -> f64 {
    let cos_zenith = zenith.to_radians().cos();
    if cos_zenith < LOWEST_SUN {
        return 0.0;
    }
    let horizontal = 1_098.0 * cos_zenith * (-0.057 / cos_zenith).exp();
    let clearness = horizontal / (SOLAR_CONSTANT * cos_zenith);
    let diffuse = horizontal * diffuse_share(clearness);
    let faces = if latitude < 0.0 { 0.0 } else { 180.0 };
    let tilt = TILT.to_radians();
    let sideways = (azimuth - faces).to_radians().cos();
    let cos_incidence = cos_zenith * tilt.cos() + zenith.to_radians().sin() * tilt.sin() * sideways;
    let beam = (horizontal - diffuse) / cos_zenith;
    beam * cos_incidence.max(0.0) + diffuse * (1.0 + tilt.cos()) / 2.0
}

/// The diffuse share of the light on the ground, by Erbs, Klein and Duffie.
fn diffuse_share(clearness: f64) -> f64 {
    match clearness {
        k if k <= 0.22 => 1.0 - 0.09 * k,
        k if k <= 0.8 => {
            0.9511 - 0.1604 * k + 4.388 * k.powi(2) - 16.638 * k.powi(3) + 12.336 * k.powi(4)
        }
        _ => 0.165,
    }
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
    fn the_clear_sky_of_brixton_is_like_the_best_half_hours_measured() {
        // Best half hour from 12:00 UTC in any year's month, W per kWp, around Bath 2014 to 2018
        // (config/demo): 520 in January, 762 in March, 751 in June, 545 in November.
        let zone = domain::calendar::Zone::named("Europe/London").expect("zone");
        let noon = |day: &str, at: usize| {
            let half_hours = zone.half_hours_of(day.parse().expect("day"));
            let sky = clear_sky("51.4681", "-0.1030", Watts(1_000), half_hours);
            assert_eq!(sky.len(), 48);
            assert_eq!(sky[0], Watts(0), "midnight");
            assert_eq!(sky[47], Watts(0), "an hour before midnight");
            sky[at].0
        };
        for (day, at, best) in [
            ("2016-01-15", 24, 520),
            ("2016-03-15", 24, 762),
            ("2016-06-15", 26, 751),
            ("2016-11-15", 24, 545),
        ] {
            let sky = noon(day, at);
            assert!(
                (best * 8 / 10..=best * 12 / 10).contains(&sky),
                "{day}: {sky} W, measured {best} W"
            );
        }
        assert!(
            clear_sky(
                "north",
                "0",
                Watts(1_000),
                zone.half_hours_of("2016-06-15".parse().expect("day"))
            )
            .is_empty()
        );
    }

    #[test]
    fn a_place_without_dark_nights_in_june_has_them_in_december() {
        let nights = nights("65.0", "25.0");
        assert!(!nights.is_empty());
        assert!(nights.len() < 52 * 330);
    }
}
