//! The generation report: what a society or a roof made, against what was forecast.
//!
//! This file gathers; the figures come from `domain`, the words and the drawing from `report`.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    calendar::{Instant, LocalDay, LocalMonth, Period},
    metering::{Quality, Verdict},
    projection::{
        Comparison, Equivalents, Factor, FactorTable, Forecast, factor_name,
        specific_yield_kwh_per_kwp,
    },
    quantity::{WattHours, Watts},
};
use records::society::Counts;
use report::generation::{
    Days, ForecastVersion, GenerationReport, Granularity, Missing, Period as Shown, Progress, Row,
    Samples, Step, Totals,
};
use store::SeriesReader;

use super::{
    answer::{Answer, OrOurs, refuse},
    energy::{self, By, EnergyRow, Place},
    forecast,
    known::Known,
    society::SocietyOffice,
};

/// Most holes a report lists one by one; the count of missing half hours names all.
const MAX_HOLES: usize = 60;
/// A period that is over is compared with its forecast when at most so many per cent of its half
/// hours are missing; with more, the difference would speak of the holes.
const COMPARABLE_MISSING_PERCENT: u64 = 5;
/// No read is taken from before this year.
const EARLIEST_YEAR: i32 = 2009;
/// A range up to so many days is reported day by day.
const DAYS_BY_DAY: i32 = 62;
/// A range up to so many days is reported month by month; a longer one by years.
const DAYS_BY_MONTH: i32 = 3 * 366;

impl SocietyOffice {
    /// A generation report of the society, or of one roof.
    ///
    /// `as_of` picks the forecast as it stood on that day; left out, on the period's last day or
    /// today, so that a later version never rewrites what an earlier report said.
    ///
    /// # Errors
    /// When the roof is unknown or a stored row is damaged.
    pub fn generation(
        &self,
        site: Option<&str>,
        period: Period,
        as_of: Option<LocalDay>,
        now: Instant,
        fresh: bool,
    ) -> Answer<GenerationReport> {
        let known = self.known();
        self.within_its_life(&known, site, period, now)?;
        let as_of = as_of.unwrap_or_else(|| period.last_day().min(known.zone.day_of(now)));
        let history = self.history(&known, site)?;
        let work =
            |reader: &SeriesReader| build(reader, self, &known, site, period, as_of, now, &history);
        if fresh {
            let place = site.map_or(Place::Society, |id| Place::Site(id.to_owned()));
            let points = known.points_of(&place, Counts::Generation)?;
            self.ask(&known.series_of_points(&points), work)
        } else {
            self.look(work)
        }
    }

    /// Refuses a period of which no report can say anything: before the first year from which there
    /// may be reads, or beyond next year.
    fn within_its_life(
        &self,
        known: &Known,
        site: Option<&str>,
        period: Period,
        now: Instant,
    ) -> Answer<()> {
        let first = self.first_year(site)?.unwrap_or(EARLIEST_YEAR);
        let first = first.max(EARLIEST_YEAR);
        let last = known.zone.day_of(now).year() + 1;
        if period.last_day().year() < first || period.first_day().year() > last {
            return refuse(format!(
                "period `{period}` lies outside what there can be reads or a forecast of; expected years from `{first}` to `{last}`"
            ));
        }
        Ok(())
    }

    /// Monthly totals of the roofs asked for, summed; months that one roof lacks are left out.
    fn history(
        &self,
        known: &Known,
        site: Option<&str>,
    ) -> Answer<BTreeMap<LocalMonth, WattHours>> {
        let books = self.books();
        let mut sums: BTreeMap<LocalMonth, (usize, WattHours)> = BTreeMap::new();
        let sites: Vec<&String> = known
            .sites
            .keys()
            .filter(|id| site.is_none_or(|s| s == id.as_str()))
            .collect();
        for site in &sites {
            for row in books.history_months(site).or_ours("books.sqlite")? {
                let Some(month) = LocalMonth::of_year(row.year, row.month) else {
                    continue;
                };
                let sum = sums.entry(month).or_insert((0, WattHours::ZERO));
                sum.0 += 1;
                sum.1 = sum.1.checked_add(row.wh).unwrap_or(sum.1);
            }
        }
        let all = sites.len();
        Ok(sums
            .into_iter()
            .filter(|(_, (n, _))| *n == all)
            .map(|(m, (_, wh))| (m, wh))
            .collect())
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a report is gathered from all of these once"
)]
fn build(
    reader: &SeriesReader,
    society: &SocietyOffice,
    known: &Known,
    site: Option<&str>,
    period: Period,
    as_of: LocalDay,
    now: Instant,
    history: &BTreeMap<LocalMonth, WattHours>,
) -> Answer<GenerationReport> {
    let place = site.map_or(Place::Society, |id| Place::Site(id.to_owned()));
    let points = known.points_of(&place, Counts::Generation)?;
    if points.is_empty() {
        return refuse("no meter point of generation is in the society file");
    }
    let sites: BTreeSet<&str> = points
        .iter()
        .filter_map(|point| known.points.get(point))
        .map(|point| point.site.as_str())
        .collect();
    let granularity = granularity(period);
    let by = match granularity {
        Granularity::Day => By::Day,
        Granularity::Month => By::Month,
        Granularity::Year => By::Year,
    };
    let forecasts: Vec<Forecast> = sites
        .iter()
        .map(|site| forecast::of_site(&known.document, site))
        .collect::<Answer<_>>()?;
    let held = held_by_day(reader, known, &points, period)?;
    let today = known.zone.day_of(now);
    let mut used_history = false;
    let mut rows = Vec::new();
    for row in energy::rows(reader, known, &points, period, by, now)? {
        let old = history_of(&row, history);
        used_history |= old.is_some() && row.energy.covered_ms == 0;
        rows.push(report_row(&row, old, &forecasts, as_of, today, &held));
    }
    let totals = totals(
        &rows,
        period,
        forecast::together(&forecasts, period, as_of),
        peak(known, &sites),
        now,
        known,
        &society.factors()?,
    )?;
    let missing = if used_history {
        Vec::new()
    } else {
        holes(reader, society, known, &points, period, now)?
    };
    Ok(GenerationReport {
        society: known.document.society.name.clone(),
        slug: known.document.society.slug.clone(),
        place: site
            .and_then(|id| known.sites.get(id))
            .map(|s| s.name.clone()),
        roofs: u32::try_from(sites.len()).unwrap_or(u32::MAX),
        peak: peak(known, &sites),
        zone: known.zone.clone(),
        period: Shown {
            start: period.first_day(),
            end: period.last_day(),
            granularity,
        },
        rows,
        totals: totals.0,
        forecast: version(&forecasts, period, as_of),
        factors: totals.1,
        missing,
        samples: samples(known, &sites, as_of),
        stand_ins: Vec::new(),
        working: working(known, &points, used_history),
        income: None,
        drawn_up: now,
    })
}

fn granularity(period: Period) -> Granularity {
    match period {
        Period::Day(_) | Period::Month(_) => Granularity::Day,
        Period::Year(_) | Period::Financial(_) => Granularity::Month,
        Period::Range { .. } => match period.day_count() {
            n if n <= DAYS_BY_DAY => Granularity::Day,
            n if n <= DAYS_BY_MONTH => Granularity::Month,
            _ => Granularity::Year,
        },
    }
}

/// The monthly totals that stand for a row: all of its months, whole, or none.
fn history_of(row: &EnergyRow, history: &BTreeMap<LocalMonth, WattHours>) -> Option<WattHours> {
    let span = Period::Range {
        first: row.first_day,
        last: row.last_day,
    };
    let mut sum = WattHours::ZERO;
    for (month, part) in span.parts_by_month() {
        if part.day_count() != month.days() {
            return None;
        }
        sum = sum.checked_add(*history.get(&month)?)?;
    }
    Some(sum)
}

fn report_row(
    row: &EnergyRow,
    history: Option<WattHours>,
    forecasts: &[Forecast],
    as_of: LocalDay,
    today: LocalDay,
    held: &BTreeMap<LocalDay, u32>,
) -> Row {
    let span = Period::Range {
        first: row.first_day,
        last: row.last_day,
    };
    let of = u32::try_from(span.day_count()).unwrap_or(0);
    let progress = match (row.first_day, row.last_day) {
        (first, _) if first > today => Progress::ToCome,
        (_, last) if last >= today => Progress::Running,
        _ => Progress::Over,
    };
    let known = row.energy.covered_ms > 0;
    let mut notes = Vec::new();
    let (generated, quality, complete, missing) = match (known, history) {
        (true, _) => (
            Some(row.energy.wh),
            row.energy.quality(),
            row.complete_days,
            row.energy.missing,
        ),
        (false, Some(total)) => {
            notes.push("monthly total from before the reads began".to_owned());
            (Some(total), Quality::Manual, of, 0)
        }
        (false, None) => (None, Quality::Missing, 0, row.energy.missing),
    };
    let whole = progress == Progress::Over && complete == of && missing == 0;
    let forecast = forecast::together(forecasts, span, as_of);
    let comparison = match (generated, forecast, whole) {
        (Some(actual), Some(forecast), true) => Some(Comparison { actual, forecast }),
        _ => None,
    };
    Row {
        start: row.first_day,
        end: row.last_day,
        generated,
        forecast,
        difference: comparison.as_ref().and_then(Comparison::difference),
        difference_percent: comparison.as_ref().and_then(Comparison::difference_percent),
        quality,
        progress,
        days: Days { complete, of },
        missing_half_hours: missing,
        held: held
            .range(row.first_day..=row.last_day)
            .map(|(_, n)| n)
            .sum(),
        notes,
    }
}

fn totals(
    rows: &[Row],
    period: Period,
    forecast: Option<WattHours>,
    peak: Watts,
    now: Instant,
    known: &Known,
    table: &FactorTable,
) -> Answer<(Totals, Vec<Factor>)> {
    let generated = rows
        .iter()
        .filter_map(|row| row.generated)
        .try_fold(WattHours::ZERO, WattHours::checked_add);
    let generated = generated.filter(|_| rows.iter().any(|row| row.generated.is_some()));
    let missing: u32 = rows.iter().map(|row| row.missing_half_hours).sum();
    let all = known.zone.half_hours_in(period).count();
    let over = known.zone.span_of(period).end <= now;
    let comparable =
        over && u64::from(missing) * 100 <= u64::from(all) * COMPARABLE_MISSING_PERCENT;
    let comparison = match (generated, forecast, comparable) {
        (Some(actual), Some(forecast), true) => Some(Comparison { actual, forecast }),
        _ => None,
    };
    let equivalents = generated.map(|energy| Equivalents::of(energy, period, table));
    let factors = match generated {
        Some(_) => [factor_name::HOME, factor_name::KETTLE, factor_name::CO2]
            .into_iter()
            .filter_map(|name| table.lookup(name, period).cloned())
            .collect(),
        None => Vec::new(),
    };
    let quality = rows
        .iter()
        .filter(|row| row.generated.is_some())
        .map(|row| row.quality)
        .max()
        .unwrap_or(Quality::Missing);
    Ok((
        Totals {
            generated,
            forecast,
            difference: comparison.as_ref().and_then(Comparison::difference),
            difference_percent: comparison.as_ref().and_then(Comparison::difference_percent),
            specific_yield: generated.and_then(|energy| specific_yield_kwh_per_kwp(energy, peak)),
            homes: equivalents.as_ref().and_then(|e| e.homes),
            kettles: equivalents.as_ref().and_then(|e| e.kettles),
            co2_kg: equivalents.as_ref().and_then(|e| e.co2_kg),
            export_pence: None,
            days: Days {
                complete: rows.iter().map(|row| row.days.complete).sum(),
                of: rows.iter().map(|row| row.days.of).sum(),
            },
            quality,
            missing_half_hours: rows.iter().map(|row| row.missing_half_hours).sum(),
            held: rows.iter().map(|row| row.held).sum(),
        },
        factors,
    ))
}

fn peak(known: &Known, sites: &BTreeSet<&str>) -> Watts {
    Watts(
        sites
            .iter()
            .filter_map(|id| known.sites.get(*id))
            .map(|site| site.kwp.0)
            .sum(),
    )
}

fn held_by_day(
    reader: &SeriesReader,
    known: &Known,
    points: &[String],
    period: Period,
) -> Answer<BTreeMap<LocalDay, u32>> {
    let span = known.zone.span_of(period);
    let mut held = BTreeMap::new();
    for series in points.iter().flat_map(|point| known.series_of_point(point)) {
        for (at, _, verdict) in reader.noticed(series, span).or_ours("series.sqlite")? {
            if verdict == Verdict::Held {
                *held.entry(known.zone.day_of(at)).or_insert(0) += 1;
            }
        }
    }
    Ok(held)
}

/// Spans of which nothing is known, with the reason where a meter event gives one.
fn holes(
    reader: &SeriesReader,
    society: &SocietyOffice,
    known: &Known,
    points: &[String],
    period: Period,
    now: Instant,
) -> Answer<Vec<Missing>> {
    let events = society.events();
    let mut missing = Vec::new();
    for point in points {
        let Some(facts) = known.points.get(point) else {
            continue;
        };
        let place = known
            .sites
            .get(&facts.site)
            .map_or(&facts.name, |site| &site.name);
        let series = known.series_of_point(point);
        let halves = energy::half_hours_of(reader, known, point, period, now)?;
        for run in halves.chunk_by(|a, b| a.is_complete() == b.is_complete()) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            if first.is_complete() {
                continue;
            }
            let (from, to) = (first.half_hour.start(), last.half_hour.end());
            let reason = events
                .iter()
                .find(|e| series.contains(&e.closes) && e.closed_at < to && e.opened_at > from)
                .map(|e| e.reason.clone());
            missing.push(Missing {
                place: place.clone(),
                from,
                to,
                half_hours: u32::try_from(run.len()).unwrap_or(u32::MAX),
                reason,
            });
        }
    }
    missing.sort_by_key(|hole| (hole.from, hole.place.clone()));
    missing.truncate(MAX_HOLES);
    Ok(missing)
}

/// The forecast version that speaks for the period's last month, where all roofs agree on its day.
fn version(forecasts: &[Forecast], period: Period, as_of: LocalDay) -> Option<ForecastVersion> {
    let month = period.last_day().local_month();
    let first = forecasts.first()?.version_for(month, as_of)?;
    let number = forecasts
        .first()?
        .versions()
        .iter()
        .position(|v| v.published == first.published)?
        + 1;
    Some(ForecastVersion {
        version: number.to_string(),
        made_on: first.published,
        source: first.source.clone(),
    })
}

fn samples(known: &Known, sites: &BTreeSet<&str>, as_of: LocalDay) -> Samples {
    let document = &known.document;
    Samples {
        generation: document.society.sample,
        forecast: document
            .forecast
            .iter()
            .filter(|f| {
                sites.contains(f.site.as_str())
                    && f.published.parse().is_ok_and(|day: LocalDay| day <= as_of)
            })
            .any(|f| f.sample),
        rows: false,
        notes: document.society.notice.clone(),
    }
}

fn working(known: &Known, points: &[String], used_history: bool) -> Vec<Step> {
    let slug = &known.document.society.slug;
    let mut steps = Vec::new();
    for point in points {
        let Some(facts) = known.points.get(point) else {
            continue;
        };
        let target = Some(format!("/s/{slug}/sites/{}", facts.site));
        for series in known.series_of_point(point) {
            if let Some(series) = known.series.get(series.0 as usize) {
                steps.push(Step {
                    text: format!(
                        "{}: register {} of meter {}",
                        facts.name, series.register, series.meter
                    ),
                    target: target.clone(),
                });
            }
        }
    }
    if used_history {
        steps.push(Step {
            text: "Months before the reads began: totals that the society imported, used in reports only".to_owned(),
            target: None,
        });
    }
    steps.push(Step {
        text: "Half hours come from the registers' advances, split by time; days are the sum of their half hours".to_owned(),
        target: Some("/how".to_owned()),
    });
    steps
}
