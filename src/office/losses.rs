//! How a roof did against its neighbours or the sun: what the domain's judgement is made from.
//!
//! Neighbours are the other roofs of this house within a tenth of a degree (some 10 km), of any
//! society, the nearest twelve; only their median ever shows. A day counts where every half hour of
//! it is known and its two midnights come from reads, not from one advance split over several days.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    calendar::{HalfHour, Instant, LocalDay, Period},
    metering::Quality,
    performance::{
        Course, DAY_PARTS, DayPart, Judged, MeasuredLight, Over, Parts, Ratio, judge, ratio,
    },
    quantity::{WattHours, Watts},
};
use records::society::Counts;

use super::{Office, answer::Answer, energy, known::Known, society::SocietyOffice, sun};

/// Farthest neighbour, in degrees of latitude and of longitude.
const NEAR_DEGREES: f64 = 0.1;
/// Most neighbours.
const MAX_NEIGHBOURS: usize = 12;
/// Days looked back from the first day asked about: three years and what lies around them.
const BACK_DAYS: i32 = 3 * 365 + 25;
const MINUTES_IN_DAY: i64 = 1_440;

/// Everything a roof is judged from over a span.
pub struct Evidence {
    own: Course,
    measured: Option<MeasuredLight>,
    neighbours: Vec<Course>,
    sky: BTreeMap<LocalDay, Parts>,
    off: BTreeSet<LocalDay>,
}

impl Evidence {
    /// Judges some days of the span, by irradiance where it is at hand.
    #[must_use]
    pub fn judge(&self, days: Period) -> Judged {
        self.judged(days, self.measured.as_ref())
    }

    /// Judges some days by neighbouring roofs alone; none where there is none.
    #[must_use]
    pub fn judge_by_peers(&self, days: Period) -> Option<Judged> {
        (!self.neighbours.is_empty()).then(|| self.judged(days, None))
    }

    /// The performance ratio over some days; none where no irradiance is at hand.
    #[must_use]
    pub fn ratio(&self, days: Period) -> Option<Ratio> {
        ratio(days, &self.own, self.measured.as_ref()?, &self.off)
    }

    /// On what the irradiance was measured; none where there is none.
    #[must_use]
    pub fn measured(&self) -> Option<&MeasuredLight> {
        self.measured.as_ref()
    }

    fn judged(&self, days: Period, measured: Option<&MeasuredLight>) -> Judged {
        let neighbours: Vec<&Course> = self.neighbours.iter().collect();
        judge(&Over {
            days,
            own: &self.own,
            measured,
            neighbours: &neighbours,
            sky: &self.sky,
            off: &self.off,
        })
    }

    /// What the roof made on a day, where all of it is known.
    #[must_use]
    pub fn made_on(&self, day: LocalDay) -> Option<WattHours> {
        let parts = self.own.days.get(&day)?;
        Some(WattHours(parts.iter().map(|part| part.0).sum()))
    }
}

impl Office {
    /// Gathers what a roof's days are judged from; days that are not over are left out. `fresh` waits
    /// for everything acknowledged so far.
    ///
    /// # Errors
    /// When the roof is unknown or a stored row is damaged.
    pub fn evidence(
        &self,
        society: &SocietyOffice,
        site: &str,
        days: Period,
        now: Instant,
        fresh: bool,
    ) -> Answer<Evidence> {
        let known = society.known();
        super::known::known("site", site, &known.sites)?;
        let yesterday = known.zone.day_of(now).previous();
        let all = Period::Range {
            first: days.first_day().plus(-BACK_DAYS),
            last: days.last_day().min(yesterday),
        };
        let own = course(society, &known, site, all, now, fresh)?;
        let mut neighbours = Vec::new();
        for (other, id) in self.neighbours(society, site) {
            let known = other.known();
            let mut course = course(&other, &known, &id, all, now, fresh)?;
            let off = days_off(&other, &id, all)?;
            course.days.retain(|day, _| !off.contains(day));
            if !course.days.is_empty() {
                neighbours.push(course);
            }
        }
        let sky = own
            .days
            .keys()
            .map(|day| (*day, sky_of(&known, site, own.peak, *day)))
            .collect();
        Ok(Evidence {
            own,
            measured: society.measured_light(&known, site)?,
            neighbours,
            sky,
            off: days_off(society, site, all)?,
        })
    }

    /// The nearest other roofs, with their societies.
    pub(super) fn neighbours(
        &self,
        society: &SocietyOffice,
        site: &str,
    ) -> Vec<(Arc<SocietyOffice>, String)> {
        let Some((latitude, longitude)) = place(&society.known(), site) else {
            return Vec::new();
        };
        let mut found: Vec<(u64, Arc<SocietyOffice>, String)> = Vec::new();
        for other in self.societies() {
            let known = other.known();
            for id in known.sites.keys() {
                if other.slug() == society.slug() && id == site {
                    continue;
                }
                let Some((lat, long)) = place(&known, id) else {
                    continue;
                };
                let (away, aside) = ((lat - latitude).abs(), (long - longitude).abs());
                if away <= NEAR_DEGREES && aside <= NEAR_DEGREES {
                    // In millionths of a degree, so that the order is one of integers.
                    let far = ((away + aside) * 1e6) as u64;
                    found.push((far, Arc::clone(&other), id.clone()));
                }
            }
        }
        found.sort_by(|a, b| (a.0, a.1.slug(), &a.2).cmp(&(b.0, b.1.slug(), &b.2)));
        let nearest = found.into_iter().take(MAX_NEIGHBOURS);
        nearest.map(|(_, other, id)| (other, id)).collect()
    }
}

/// The days of a roof of which all is known.
fn course(
    society: &SocietyOffice,
    known: &Known,
    site: &str,
    days: Period,
    now: Instant,
    fresh: bool,
) -> Answer<Course> {
    let points: Vec<String> = known
        .points_of_site(site, Counts::Generation)
        .map(str::to_owned)
        .collect();
    let longitude = place(known, site).map_or(0.0, |(_, longitude)| longitude);
    let mut sums: BTreeMap<LocalDay, (usize, Parts)> = BTreeMap::new();
    let mut spoken: BTreeMap<LocalDay, usize> = BTreeMap::new();
    society.seen(fresh, &known.series_of_points(&points), |reader| {
        for point in &points {
            let halves = energy::half_hours_of(reader, known, point, days, now)?;
            let of_day = |half: &domain::metering::energy::HalfHourEnergy| {
                known.zone.day_of_half_hour(half.half_hour)
            };
            for run in halves.chunk_by(|a, b| of_day(a) == of_day(b)) {
                let (Some(first), Some(last)) = (run.first(), run.last()) else {
                    continue;
                };
                let day = of_day(first);
                *spoken.entry(day).or_default() += 1;
                let read = |quality: Quality| matches!(quality, Quality::Actual | Quality::Manual);
                let all = known.zone.half_hours_of(day).count() as usize == run.len();
                let complete = run.iter().all(|half| half.is_complete());
                if !(all && complete && read(first.start) && read(last.end)) {
                    continue;
                }
                let sum = sums.entry(day).or_default();
                sum.0 += 1;
                for half in run {
                    sum.1[part_of(half.half_hour, longitude).place()].0 += half.wh.0;
                }
            }
        }
        Ok(())
    })?;
    let whole = |(day, (count, parts)): (LocalDay, (usize, Parts))| {
        (spoken.get(&day) == Some(&count)).then_some((day, parts))
    };
    Ok(Course {
        peak: known.sites.get(site).map_or(Watts(0), |site| site.kwp),
        days: sums.into_iter().filter_map(whole).collect(),
    })
}

/// Days on which a roof is off as planned.
fn days_off(society: &SocietyOffice, site: &str, days: Period) -> Answer<BTreeSet<LocalDay>> {
    let outages = society.outages()?;
    let of_it = outages
        .iter()
        .filter(|outage| outage.planned.site == site && outage.cancelled.is_none());
    Ok(of_it
        .flat_map(|outage| {
            outage
                .days()
                .days()
                .filter(|day| days.contains(*day))
                .collect::<Vec<_>>()
        })
        .collect())
}

/// Where a roof is: degrees of latitude and longitude.
pub(super) fn place(known: &Known, site: &str) -> Option<(f64, f64)> {
    let site = known.document.site.iter().find(|one| one.id == site)?;
    Some((site.latitude.parse().ok()?, site.longitude.parse().ok()?))
}

/// The part of the sun's day in which a half hour's middle lies; the sun is at noon 4 minutes
/// earlier for each degree east.
pub(super) fn part_of(half_hour: HalfHour, longitude: f64) -> DayPart {
    let middle = (half_hour.start().0 + half_hour.end().0) / 2 / 60_000;
    let shift = (longitude * 4.0) as i64;
    DayPart::of_solar_minute((middle + shift).rem_euclid(MINUTES_IN_DAY))
}

/// The half hours of a day, and whether a clear sky gives light in each; all do where the roof's
/// place is not known.
pub(super) fn daylight(known: &Known, site: &str, day: LocalDay) -> Vec<(HalfHour, bool)> {
    let half_hours = known.zone.half_hours_of(day);
    let document = known.document.site.iter().find(|one| one.id == site);
    let sky = document.map_or_else(Vec::new, |one| {
        sun::clear_sky(&one.latitude, &one.longitude, Watts(1_000_000), half_hours)
    });
    let lights = sky.into_iter().map(|power| power.0 > 0);
    let lights = lights.chain(std::iter::repeat(true));
    half_hours.iter().zip(lights).collect()
}

/// What a clear sky gives on a roof, part by part.
pub(super) fn sky_of(known: &Known, site: &str, peak: Watts, day: LocalDay) -> Parts {
    let mut parts = [WattHours::ZERO; DAY_PARTS];
    let Some(document) = known.document.site.iter().find(|one| one.id == site) else {
        return parts;
    };
    let half_hours = known.zone.half_hours_of(day);
    let longitude = document.longitude.parse().unwrap_or(0.0);
    let sky = sun::clear_sky(&document.latitude, &document.longitude, peak, half_hours);
    for (half_hour, power) in half_hours.iter().zip(sky) {
        parts[part_of(half_hour, longitude).place()].0 += power.0 / 2;
    }
    parts
}
