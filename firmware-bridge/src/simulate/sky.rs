//! A roof under a computed sky: the sun's course, clouds that pass, and what the inverter draws at
//! night.
//!
//! Nothing here is measured, and nothing that counts is computed from it: the numbers are a sample
//! that looks like a roof. The sun's place is the Astronomical Almanac's low-precision formula
//! (0.01° from 1950 to 2050), the light of a clear sky Haurwitz's (Journal of Meteorology 2, 1945),
//! of which 85 % are taken to come from the sun and 15 % from all sides. Clouds are noise of a seed,
//! the day's own and that of minutes, so that a roof can be asked again and shows the same. Power
//! becomes whole watts once a minute; from there on all is integers, and the register is their exact
//! sum.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::{register::Wp, roof::Shown};

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 1_440;
/// What reaches the meter of what panels could give (PVWatts: 0.86, less heat).
const PERFORMANCE: f64 = 0.82;
/// Below this share of its size an inverter sleeps, in thousandths.
const SLEEPS_BELOW: u32 = 4;
/// Roofs asked for years back compute each day once; more days than this are refused by
/// [`SkyRoof::new`]'s callers, who begin at most so long ago.
const MOST_DAYS: i64 = 36_600;

/// Where a roof is, how it lies and how it is clouded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sky {
    /// Degrees north.
    pub latitude_deg: f64,
    /// Degrees east.
    pub longitude_deg: f64,
    /// Angle of the panels to the ground.
    pub tilt_deg: f64,
    /// Where they face, from north over east; 180 is south.
    pub azimuth_deg: f64,
    /// Peak power of the panels.
    pub size: Wp,
    /// 0 for a cloudless sky, 100 for a grey one.
    pub clouds_percent: u8,
    /// Another number, other clouds.
    pub seed: u64,
    /// What the inverter draws while it sleeps, in W.
    pub night_draw_w: u32,
}

impl Sky {
    /// Mean power in a minute (counted from the UNIX epoch), in whole W; 0 while the inverter sleeps.
    pub fn minute_w(&self, minute: i64) -> u32 {
        let light = self.clear(minute) * self.share_of_clear(minute);
        let size = f64::from(self.size.get());
        // Below the size of the roof, and so within u32.
        let w = (size * PERFORMANCE * light / 1_000.0).clamp(0.0, size) as u32;
        let sleeps = u64::from(w) * 1_000 < u64::from(SLEEPS_BELOW) * size as u64;
        if sleeps { 0 } else { w }
    }

    /// Irradiance on the panels under a clear sky, in W/m².
    fn clear(&self, minute: i64) -> f64 {
        let (altitude, azimuth) = self.sun(minute);
        let up = altitude.sin();
        if up < 0.02 {
            return 0.0;
        }
        let horizontal = 1_098.0 * up * (-0.057 / up).exp();
        let tilt = self.tilt_deg.to_radians();
        let sideways = (azimuth - self.azimuth_deg.to_radians()).cos();
        let incidence = up * tilt.cos() + altitude.cos() * tilt.sin() * sideways;
        let beam = 0.85 * horizontal / up * incidence.max(0.0);
        beam + 0.15 * horizontal * (1.0 + tilt.cos()) / 2.0
    }

    /// The sun's altitude and its azimuth from north over east, in radians.
    fn sun(&self, minute: i64) -> (f64, f64) {
        // Days since 2000-01-01T12:00Z.
        let n = minute as f64 / DAY_MINUTES as f64 - 10_957.5;
        let g = (357.528 + 0.985_600_3 * n).to_radians();
        let mean = 280.460 + 0.985_647_4 * n;
        let longitude = (mean + 1.915 * g.sin() + 0.020 * (2.0 * g).sin()).to_radians();
        let oblique = (23.439 - 4e-7 * n).to_radians();
        let ascension = (oblique.cos() * longitude.sin()).atan2(longitude.cos());
        let declination = (oblique.sin() * longitude.sin()).asin();
        let sidereal_deg = 15.0 * (18.697_374_558 + 24.065_709_824_419_08 * n);
        let hour = (sidereal_deg + self.longitude_deg).to_radians() - ascension;
        let latitude = self.latitude_deg.to_radians();
        let up =
            latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour.cos();
        let west = hour.sin() * declination.cos();
        let south =
            hour.cos() * declination.cos() * latitude.sin() - declination.sin() * latitude.cos();
        (
            up.clamp(-1.0, 1.0).asin(),
            west.atan2(south) + std::f64::consts::PI,
        )
    }

    /// How much of a clear sky's light comes through: 1 without clouds, about a sixth under grey.
    fn share_of_clear(&self, minute: i64) -> f64 {
        let cover = f64::from(self.clouds_percent.min(100)) / 100.0;
        let day = self.noise(1, minute, 2 * DAY_MINUTES);
        // The day's mood leans on the cover; passing clouds are deepest on half-covered days.
        let mood = (cover + (day - 0.5) * 1.4 * cover * (2.0 - cover)).clamp(0.0, 1.0);
        let passing = 0.6 * self.noise(2, minute, 23) + 0.4 * self.noise(3, minute, 7);
        let cloud = (mood * mood + (1.0 - mood) * mood * 2.0 * passing).clamp(0.0, 1.0);
        1.0 - 0.83 * cloud
    }

    /// Smooth noise from 0 to 1 that changes over so many minutes.
    fn noise(&self, kind: u64, minute: i64, every: i64) -> f64 {
        let cell = minute.div_euclid(every);
        let into = minute.rem_euclid(every) as f64 / every as f64;
        let at = |cell: i64| {
            let mixed = mixed(self.seed ^ kind.rotate_left(32) ^ cell.cast_unsigned());
            (mixed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let smooth = into * into * (3.0 - 2.0 * into);
        at(cell) + (at(cell + 1) - at(cell)) * smooth
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A roof under a sky. Clones share what was computed.
#[derive(Clone, Debug)]
pub struct SkyRoof {
    sky: Sky,
    origin_minute: i64,
    opening_wh: i64,
    days: Arc<Mutex<Days>>,
}

/// Sums of watt-minutes, generated and drawn.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    generated: u64,
    drawn: u64,
}

#[derive(Debug, Default)]
struct Days {
    /// Before each day since the origin's.
    before: Vec<Sum>,
    /// The day asked last, and its power by minute.
    number: Option<i64>,
    watts: Vec<u32>,
}

impl SkyRoof {
    /// A roof whose generation register shows `opening_wh` at `origin` and whose import register
    /// shows 0. Before `origin` both stand still.
    pub fn new(sky: Sky, origin: Timestamp, opening_wh: i64) -> Self {
        SkyRoof {
            sky,
            origin_minute: origin.as_millisecond().div_euclid(MINUTE_MS),
            opening_wh,
            days: Arc::default(),
        }
    }

    /// The generation register, and power.
    pub fn at(&self, at: Timestamp) -> Shown {
        let (sum, w) = self.sum_at(at);
        Shown {
            wh: self.opening_wh + whole_wh(sum.generated),
            w: w.into(),
        }
    }

    /// The import register: what the sleeping inverter drew.
    pub fn drawn_at(&self, at: Timestamp) -> Shown {
        let (sum, w) = self.sum_at(at);
        Shown {
            wh: whole_wh(sum.drawn),
            w: if w == 0 {
                self.sky.night_draw_w.into()
            } else {
                0
            },
        }
    }

    /// Does the inverter draw anything at night?
    pub fn draws(&self) -> bool {
        self.sky.night_draw_w > 0
    }

    fn sum_at(&self, at: Timestamp) -> (Sum, u32) {
        let last_minute = self.origin_minute + MOST_DAYS * DAY_MINUTES;
        let minute = at.as_millisecond().div_euclid(MINUTE_MS);
        let minute = minute.clamp(self.origin_minute, last_minute);
        let day = minute.div_euclid(DAY_MINUTES);
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let first = self.origin_minute.div_euclid(DAY_MINUTES);
        let index = usize::try_from(day - first).unwrap_or(0);
        if days.before.is_empty() {
            days.before.push(Sum::default());
        }
        while days.before.len() <= index {
            let n = i64::try_from(days.before.len()).unwrap_or(0) - 1;
            let watts = self.day(first + n);
            let sum = self.added(
                days.before[days.before.len() - 1],
                first + n,
                &watts,
                DAY_MINUTES,
            );
            days.before.push(sum);
        }
        if days.number != Some(day) {
            days.watts = self.day(day);
            days.number = Some(day);
        }
        let into = minute.rem_euclid(DAY_MINUTES);
        let sum = self.added(days.before[index], day, &days.watts, into);
        (sum, days.watts[usize::try_from(into).unwrap_or(0)])
    }

    fn day(&self, day: i64) -> Vec<u32> {
        let start = day * DAY_MINUTES;
        (start..start + DAY_MINUTES)
            .map(|minute| self.sky.minute_w(minute))
            .collect()
    }

    /// A sum with the first `until` minutes of a day, less those before the origin.
    fn added(&self, mut sum: Sum, day: i64, watts: &[u32], until: i64) -> Sum {
        let from = (self.origin_minute - day * DAY_MINUTES).clamp(0, until);
        let from = usize::try_from(from).unwrap_or(0);
        let until = usize::try_from(until).unwrap_or(0);
        for w in &watts[from..until.max(from)] {
            sum.generated += u64::from(*w);
            if *w == 0 {
                sum.drawn += u64::from(self.sky.night_draw_w);
            }
        }
        sum
    }
}

fn whole_wh(watt_minutes: u64) -> i64 {
    i64::try_from(watt_minutes / 60).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sky(clouds_percent: u8) -> Sky {
        Sky {
            latitude_deg: 51.4681,
            longitude_deg: -0.103,
            tilt_deg: 35.0,
            azimuth_deg: 180.0,
            size: "10".parse().unwrap(),
            clouds_percent,
            seed: 7,
            night_draw_w: 6,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn minute(text: &str) -> i64 {
        at(text).as_millisecond() / MINUTE_MS
    }

    #[test]
    fn the_sun_over_brixton_stands_where_the_almanac_has_it() {
        // Solstices: 90° − 51.4681° ± 23.44° at local noon; due south within the equation of time.
        for (time, altitude_deg) in [
            ("2026-06-21T12:02:00Z", 61.97),
            ("2026-12-21T11:59:00Z", 15.10),
            ("2026-03-20T12:08:00Z", 38.5),
        ] {
            let (altitude, azimuth) = sky(0).sun(minute(time));
            assert!(
                (altitude.to_degrees() - altitude_deg).abs() < 0.15,
                "{time}: {altitude}"
            );
            assert!(
                (azimuth.to_degrees() - 180.0).abs() < 1.5,
                "{time}: {azimuth}"
            );
        }
        // Sunrise at midsummer, 03:43 UTC with refraction and the sun's radius: 0.83° below.
        let (altitude, azimuth) = sky(0).sun(minute("2026-06-21T03:43:00Z"));
        assert!((altitude.to_degrees() + 0.83).abs() < 0.3);
        assert!((azimuth.to_degrees() - 49.0).abs() < 2.0);
    }

    #[test]
    fn a_year_under_half_clouds_is_what_london_roofs_make() {
        let roof = SkyRoof::new(sky(60), at("2026-01-01T00:00:00Z"), 500);
        let shown = |time| roof.at(at(time)).wh;
        let year = shown("2027-01-01T00:00:00Z") - 500;
        // 10 kWp in London: 850 to 1,050 kWh per kWp.
        assert!((8_000_000..11_000_000).contains(&year), "{year}");
        let december = shown("2027-01-01T00:00:00Z") - shown("2026-12-01T00:00:00Z");
        let june = shown("2026-07-01T00:00:00Z") - shown("2026-06-01T00:00:00Z");
        assert!(june > 3 * december, "{june} {december}");
    }

    #[test]
    fn at_night_nothing_is_made_and_the_inverter_draws() {
        let roof = SkyRoof::new(sky(30), at("2026-06-01T00:00:00Z"), 0);
        let (before, after) = (at("2026-06-01T22:00:00Z"), at("2026-06-02T02:00:00Z"));
        assert_eq!(roof.at(before), roof.at(after));
        assert_eq!(roof.at(after).w, 0);
        assert_eq!(roof.drawn_at(after).wh - roof.drawn_at(before).wh, 24);
        assert_eq!(roof.drawn_at(after).w, 6);
    }

    #[test]
    fn it_shows_the_same_whenever_and_in_whatever_order_it_is_asked() {
        let origin = at("2026-06-01T05:30:00Z");
        let times = [
            "2026-06-04T12:00:00Z",
            "2026-06-01T09:00:00Z",
            "2026-06-03T15:10:30Z",
        ];
        let one = SkyRoof::new(sky(50), origin, 0);
        let shown: Vec<Shown> = times.iter().map(|time| one.at(at(time))).collect();
        for (time, shown) in times.iter().zip(&shown).rev() {
            assert_eq!(SkyRoof::new(sky(50), origin, 0).at(at(time)), *shown);
        }
        assert_eq!(one.at(origin).wh, 0);
        assert_eq!(one.at(at("2020-01-01T00:00:00Z")).wh, 0);
        let mut last = 0;
        for minute in 0..4 * DAY_MINUTES {
            let now = Timestamp::from_millisecond(origin.as_millisecond() + minute * MINUTE_MS);
            let wh = one.at(now.unwrap()).wh;
            assert!(wh >= last && wh - last <= 10_000 / 60 + 1);
            last = wh;
        }
    }

    #[test]
    fn more_clouds_make_less() {
        let made = |clouds| {
            let roof = SkyRoof::new(sky(clouds), at("2026-06-01T00:00:00Z"), 0);
            roof.at(at("2026-07-01T00:00:00Z")).wh
        };
        assert!(made(0) > made(40) && made(40) > made(80) && made(80) > made(100));
        assert!(made(100) > 0);
    }
}
