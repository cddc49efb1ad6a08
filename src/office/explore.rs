//! What the explorer shows: any roof or society over any span, in any steps, beside its forecast (or,
//! by half hours, a clear sky) and its neighbours.
//!
//! Only generation, and only as it lies on disk: looking never makes the daemon work on reads. A
//! neighbour of a roof is one of the nearest here, whosever it is; of a society, another society.

use std::sync::Arc;

use domain::{
    calendar::{HalfHour, HalfHours, Instant, LocalDay, Period, Zone},
    metering::Quality,
    quantity::{WattHours, Watts},
};
use records::society::Counts;

use super::{
    Office,
    answer::{Answer, refuse},
    charts::MAX_HALF_HOUR_DAYS,
    energy::{By, EnergyRow, MAX_DAYS, Place},
    forecast,
    known::Known,
    overview,
    society::SocietyOffice,
};

/// Most neighbours that are shown beside.
pub const MOST_BESIDE: usize = 5;
/// One part in so many of the half hours may be missing where a sum is compared, as in reports.
const COMPARABLE_PART: u64 = 20;
/// The sun of so many days is reckoned for the half hours of a chart.
const MOST_SKY_DAYS: i32 = 62;
/// Up to so many days are shown by half hours when nothing is said.
const DAYS_BY_HALF_HOUR: i32 = 3;
/// And up to so many by days.
const DAYS_BY_DAY: i32 = 92;
/// And up to so many by months.
const DAYS_BY_MONTH: i32 = 5 * 366;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exploring {
    /// The roof; the whole society when none.
    pub site: Option<String>,
    /// The days.
    pub span: Period,
    /// The steps.
    pub by: By,
    /// Neighbours too.
    pub beside: bool,
}

/// What there is to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// The roof's or society's name.
    pub name: String,
    /// Its size.
    pub peak: Watts,
    /// The zone of its days.
    pub zone: Zone,
    /// The steps.
    pub by: By,
    /// The days.
    pub span: Period,
    /// Step by step.
    pub rows: Vec<ExploredRow>,
    /// The neighbours' names and sizes, in the order of their columns.
    pub beside: Vec<(String, Watts)>,
    /// The expected energy is a clear sky's, and no forecast.
    pub by_sky: bool,
    /// It is sample data.
    pub sample: bool,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExploredRow {
    /// `2013`, `2013-06`, `2013-06-01` or `2013-06-01 SP24`.
    pub label: String,
    /// First instant.
    pub start: Instant,
    /// First local day.
    pub first_day: LocalDay,
    /// What was made; none where nothing is known.
    pub made: Option<WattHours>,
    /// How well.
    pub quality: Quality,
    /// Half hours in it that have begun.
    pub half_hours: u32,
    /// Of those, the ones that are not wholly covered.
    pub missing: u32,
    /// What was expected.
    pub expected: Option<WattHours>,
    /// What each neighbour made.
    pub beside: Vec<Option<WattHours>>,
}

/// The steps that suit a span.
#[must_use]
pub fn suitable(span: Period) -> By {
    match span.day_count() {
        n if n <= DAYS_BY_HALF_HOUR => By::Period,
        n if n <= DAYS_BY_DAY => By::Day,
        n if n <= DAYS_BY_MONTH => By::Month,
        _ => By::Year,
    }
}

impl Office {
    /// What there is to see.
    ///
    /// # Errors
    /// When the roof is unknown, the span too long for its steps, or a stored row is damaged.
    pub fn explore(
        &self,
        society: &Arc<SocietyOffice>,
        asked: &Exploring,
        now: Instant,
    ) -> Answer<Explored> {
        let span = asked.span;
        let most = match asked.by {
            By::Period => MAX_HALF_HOUR_DAYS,
            By::Day | By::Month | By::Year => MAX_DAYS,
        };
        if !(1..=most).contains(&span.day_count()) {
            return refuse(format!(
                "the span has `{}` days; expected 1 to `{most}`\nhint: ask for longer steps or a shorter span",
                span.day_count()
            ));
        }
        let known = society.known();
        let rows = seen(society, asked.site.as_deref(), span, asked.by, now)?;
        let by_sky = asked.by == By::Period;
        let expected = match by_sky {
            true => sky(&known, asked.site.as_deref(), span, &rows)?,
            false => forecasts(&known, asked.site.as_deref(), &rows, now)?,
        };
        let neighbours = match asked.beside {
            true => self.beside(society, asked.site.as_deref()),
            false => Vec::new(),
        };
        let mut explored = Explored {
            name: name_of(&known, asked.site.as_deref()),
            peak: peak(&known, asked.site.as_deref()),
            zone: known.zone.clone(),
            by: asked.by,
            span,
            rows: rows
                .into_iter()
                .enumerate()
                .map(|(place, row)| ExploredRow {
                    expected: expected.get(place).copied().flatten(),
                    made: (row.energy.covered_ms > 0).then_some(row.energy.wh),
                    quality: row.energy.quality(),
                    half_hours: row.energy.half_hours,
                    missing: row.energy.missing,
                    label: row.label,
                    start: row.start,
                    first_day: row.first_day,
                    beside: Vec::new(),
                })
                .collect(),
            beside: Vec::new(),
            by_sky,
            sample: known.document.society.sample,
        };
        for (of, site) in neighbours {
            explored.add(&of, site.as_deref(), now)?;
        }
        Ok(explored)
    }

    /// The nearest other roofs of a roof; of a society, the others here.
    fn beside(
        &self,
        own: &Arc<SocietyOffice>,
        site: Option<&str>,
    ) -> Vec<(Arc<SocietyOffice>, Option<String>)> {
        let mut found: Vec<_> = match site {
            Some(site) => {
                let roofs = self.neighbours(own, site).into_iter();
                roofs.map(|(of, id)| (of, Some(id))).collect()
            }
            None => {
                let others = self.societies().into_iter();
                let others = others.filter(|one| one.slug() != own.slug());
                others.map(|one| (one, None)).collect()
            }
        };
        found.truncate(MOST_BESIDE);
        found
    }
}

impl Explored {
    /// Adds a neighbour's column, by the instants of the steps.
    fn add(&mut self, of: &SocietyOffice, site: Option<&str>, now: Instant) -> Answer<()> {
        let known = of.known();
        let rows = seen(of, site, self.span, self.by, now)?;
        let mut rows = rows.into_iter().peekable();
        for own in &mut self.rows {
            while rows.next_if(|row| row.start < own.start).is_some() {}
            let same = rows.next_if(|row| row.start == own.start);
            let made = same.filter(|row| row.energy.covered_ms > 0);
            own.beside.push(made.map(|row| row.energy.wh));
        }
        let name = name_of(&known, site);
        self.beside.push((name, peak(&known, site)));
        Ok(())
    }

    /// Whether so much is missing that a sum says little: more than a twentieth.
    #[must_use]
    pub fn has_holes(&self) -> bool {
        let sum = |count: fn(&ExploredRow) -> u32| {
            let counts = self.rows.iter().map(|row| u64::from(count(row)));
            counts.sum::<u64>()
        };
        sum(|row| row.missing) * COMPARABLE_PART > sum(|row| row.half_hours)
    }

    /// What all neighbours together would have made with panels of this size; none where nothing is
    /// known of any.
    #[must_use]
    pub fn like_neighbours(&self, row: &ExploredRow) -> Option<WattHours> {
        let known = row.beside.iter().zip(&self.beside);
        let known = known.filter_map(|(wh, (_, peak))| Some(((*wh)?, peak)));
        let (wh, peak) = known.fold((0_i128, 0_i128), |(wh, all), (one, peak)| {
            (wh + i128::from(one.0), all + i128::from(peak.0))
        });
        let scaled = (wh * i128::from(self.peak.0)).checked_div(peak)?;
        i64::try_from(scaled).ok().map(WattHours)
    }
}

/// What lies on disk of a place.
fn seen(
    society: &SocietyOffice,
    site: Option<&str>,
    span: Period,
    by: By,
    now: Instant,
) -> Answer<Vec<EnergyRow>> {
    society.energy_seen(&place(site), Counts::Generation, span, by, now)
}

fn place(site: Option<&str>) -> Place {
    site.map_or(Place::Society, |id| Place::Site(id.to_owned()))
}

fn name_of(known: &Known, site: Option<&str>) -> String {
    match site {
        Some(id) => known
            .sites
            .get(id)
            .map_or_else(|| id.to_owned(), |site| site.name.clone()),
        None => known.document.society.name.clone(),
    }
}

fn peak(known: &Known, site: Option<&str>) -> Watts {
    let sites = known
        .sites
        .iter()
        .filter(|(id, _)| site.is_none_or(|site| site == id.as_str()));
    Watts(sites.map(|(_, site)| site.kwp.0).sum())
}

fn forecasts(
    known: &Known,
    site: Option<&str>,
    rows: &[EnergyRow],
    now: Instant,
) -> Answer<Vec<Option<WattHours>>> {
    let sites = known
        .sites
        .keys()
        .filter(|id| site.is_none_or(|site| site == id.as_str()));
    let forecasts = sites
        .map(|id| forecast::of_site(&known.document, id))
        .collect::<Answer<Vec<_>>>()?;
    let today = known.zone.day_of(now);
    let expected = rows.iter().map(|row| {
        let span = Period::Range {
            first: row.first_day,
            last: row.last_day,
        };
        forecast::together(&forecasts, span, row.last_day.min(today))
    });
    Ok(expected.collect())
}

/// A clear sky's energy by half hour; nothing over a long span.
fn sky(
    known: &Known,
    site: Option<&str>,
    span: Period,
    rows: &[EnergyRow],
) -> Answer<Vec<Option<WattHours>>> {
    if span.day_count() > MOST_SKY_DAYS {
        return Ok(Vec::new());
    }
    let half_hours: HalfHours = known.zone.half_hours_in(span);
    let points = known.points_of(&place(site), Counts::Generation)?;
    let mut sum = vec![0_i64; half_hours.iter().count()];
    for point in &points {
        for (sum, power) in sum
            .iter_mut()
            .zip(overview::sky_of(known, point, half_hours))
        {
            *sum += power.0;
        }
    }
    // The first rows may be missing: no meter was there yet.
    let of = |row: &EnergyRow| {
        let place = HalfHour::of(row.start).0 - half_hours.start.0;
        let watts = sum.get(usize::try_from(place).ok()?)?;
        Some(WattHours(watts / 2))
    };
    Ok(rows.iter().map(of).collect())
}
