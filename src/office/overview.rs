//! What the public pages ask beside reports: the day so far, the first year, the meters' faces.
//!
//! Only generation is spoken of here: what a building takes in or gives out is never public in
//! steps finer than a day.

use domain::{
    calendar::{HalfHour, Instant, LocalDay, Period, Zone},
    quantity::{WattHours, Watts},
};
use records::society::Counts;

use super::{
    Office,
    answer::{Answer, OrOurs},
    charts::{Grain, Stretch, Told},
    energy::Place,
    known::Known,
    society::SocietyOffice,
    sun,
};

/// Half hours at the end of the day so far that may be left off while they are not complete: their
/// reads are on the way, or wait for the next flush.
const ON_THE_WAY: usize = 2;

/// Power by half hour since the local midnight, beside what a clear sky would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySoFar {
    /// The local day.
    pub day: LocalDay,
    /// The zone of its hours.
    pub zone: Zone,
    /// Mean power from midnight on; none where a register that spoke today does not cover it.
    pub made: Vec<Option<Watts>>,
    /// The same under a clear sky, over the whole day.
    pub clear_sky: Vec<Watts>,
    /// Whose registers have said nothing today: they are in neither line.
    pub silent: Vec<String>,
    /// It is sample data.
    pub sample: bool,
    /// Who told the half hours.
    pub told: Told,
}

impl DaySoFar {
    /// Energy of the half hours known, and what a clear sky would have given in the same ones.
    #[must_use]
    pub fn energy(&self) -> (WattHours, WattHours) {
        let known = self
            .made
            .iter()
            .zip(&self.clear_sky)
            .filter_map(|(made, sky)| Some(((*made)?, sky)));
        let (made, sky) = known.fold((0, 0), |(a, b), (made, sky)| (a + made.0, b + sky.0));
        (WattHours(made / 2), WattHours(sky / 2))
    }

    /// The end of the last half hour known.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        let last = self.made.iter().rposition(Option::is_some)?;
        let start = self.zone.half_hours_of(self.day).start;
        Some(start.plus(i32::try_from(last).ok()?).end())
    }

    /// Several societies as one, named: those on another local day or zone than the first, and those
    /// that said nothing, are named as silent.
    #[must_use]
    pub fn together(days: Vec<(String, DaySoFar)>) -> Option<DaySoFar> {
        let speaks = |day: &DaySoFar| day.until().is_some();
        let first = days.iter().position(|(_, day)| speaks(day)).unwrap_or(0);
        let mut sum = days.get(first)?.1.clone();
        for (place, (name, day)) in days.into_iter().enumerate() {
            if place == first {
                continue;
            }
            if !speaks(&day) || (day.day, &day.zone) != (sum.day, &sum.zone) {
                sum.silent.push(name);
                continue;
            }
            sum.made.truncate(day.made.len());
            for (sum, made) in sum.made.iter_mut().zip(&day.made) {
                *sum = sum.zip(*made).map(|(a, b)| Watts(a.0 + b.0));
            }
            for (sum, sky) in sum.clear_sky.iter_mut().zip(&day.clear_sky) {
                sum.0 += sky.0;
            }
            sum.silent.extend(day.silent);
            sum.sample |= day.sample;
            sum.told = sum.told.and(day.told);
        }
        Some(sum)
    }
}

/// A generation meter as one would read it on the wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    /// Serial number.
    pub serial: String,
    /// When its counting register was last read, and what it showed.
    pub last: Option<(Instant, WattHours)>,
}

impl Office {
    /// Power by half hour since midnight, of a society or of one of its roofs, as it lies on disk or
    /// in InfluxDB.
    ///
    /// # Errors
    /// When the roof is unknown or a stored row is damaged.
    pub fn day_so_far(
        &self,
        society: &SocietyOffice,
        site: Option<&str>,
        now: Instant,
    ) -> Answer<DaySoFar> {
        let known = society.known();
        let points = known.points_of(&place(site), Counts::Generation)?;
        let day = known.zone.day_of(now);
        let (courses, told) =
            self.courses(society, &points, Grain::HalfHour, Period::Day(day), now)?;
        let speaks = |halves: &[Stretch]| !halves.is_empty();
        let all_silent = !courses.values().any(|halves| speaks(halves));
        let half_hours = known.zone.half_hours_of(day);
        let mut sum = DaySoFar {
            day,
            zone: known.zone.clone(),
            made: half_hours
                .iter()
                .take_while(|half| half.end() <= now)
                .map(|_| Some(Watts(0)))
                .collect(),
            clear_sky: half_hours.iter().map(|_| Watts(0)).collect(),
            silent: Vec::new(),
            sample: known.document.society.sample,
            told,
        };
        for (point, halves) in &courses {
            if !all_silent && !speaks(halves) {
                sum.silent
                    .extend(known.points.get(point).map(|facts| facts.name.clone()));
                continue;
            }
            let mut made = vec![None; sum.made.len()];
            for half in halves.iter().filter(|half| half.missing == 0) {
                if let Some(slot) =
                    slot(half_hours.start, HalfHour::of(half.start)).and_then(|at| made.get_mut(at))
                {
                    *slot = Some(Watts(half.wh.0 * 2));
                }
            }
            for (sum, made) in sum.made.iter_mut().zip(made) {
                *sum = sum.zip(made).map(|(a, b)| Watts(a.0 + b.0));
            }
            for (sum, sky) in sum
                .clear_sky
                .iter_mut()
                .zip(sky_of(&known, point, half_hours))
            {
                sum.0 += sky.0;
            }
        }
        for _ in 0..ON_THE_WAY {
            if sum.made.last() == Some(&None) {
                sum.made.pop();
            }
        }
        Ok(sum)
    }
}

impl SocietyOffice {
    /// The first calendar year from which there may be reads or monthly totals: a meter was there,
    /// or somebody imported a total.
    ///
    /// # Errors
    /// When the roof is unknown or the books are damaged.
    pub fn first_year(&self, site: Option<&str>) -> Answer<Option<i32>> {
        let known = self.known();
        let points = known.points_of(&place(site), Counts::Generation)?;
        let meters = points
            .iter()
            .filter_map(|point| known.points.get(point))
            .flat_map(|point| &point.meters);
        let mut first = meters
            .filter_map(|serial| known.meters.get(serial))
            .map(|meter| meter.installed.year())
            .min();
        let books = self.books();
        for id in known
            .sites
            .keys()
            .filter(|id| site.is_none_or(|site| site == id.as_str()))
        {
            let years = books.history_months(id).or_ours("books.sqlite")?;
            first = years.iter().map(|row| row.year).chain(first).min();
        }
        Ok(first)
    }

    /// The generation meters of a roof, and what each showed last.
    ///
    /// # Errors
    /// When the roof is unknown.
    pub fn faces(&self, site: &str) -> Answer<Vec<Face>> {
        let known = self.known();
        let points = known.points_of(&place(Some(site)), Counts::Generation)?;
        let series = points.iter().flat_map(|point| known.series_of_point(point));
        let faces = series.filter_map(|series| {
            Some(Face {
                serial: known.series.get(series.0 as usize)?.meter.clone(),
                last: self.live().get(series).map(|last| (last.at, last.wh)),
            })
        });
        Ok(faces.collect())
    }
}

fn place(site: Option<&str>) -> Place {
    site.map_or(Place::Society, |id| Place::Site(id.to_owned()))
}

fn slot(first: HalfHour, half_hour: HalfHour) -> Option<usize> {
    usize::try_from(half_hour.0 - first.0).ok()
}

/// The clear sky over one meter point: its roof's panels, or its own part of them where a roof has
/// several meter points.
pub(super) fn sky_of(
    known: &Known,
    point: &str,
    half_hours: domain::calendar::HalfHours,
) -> Vec<Watts> {
    let Some(facts) = known.points.get(point) else {
        return Vec::new();
    };
    let alone = known
        .points_of_site(&facts.site, Counts::Generation)
        .count()
        == 1;
    let peak = match known.sites.get(&facts.site) {
        Some(site) if alone => site.kwp,
        _ => facts.ceiling,
    };
    let site = known
        .document
        .site
        .iter()
        .find(|site| site.id == facts.site);
    site.map_or_else(Vec::new, |site| {
        sun::clear_sky(&site.latitude, &site.longitude, peak, half_hours)
    })
}
