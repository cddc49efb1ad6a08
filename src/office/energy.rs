//! Energy of a meter point, a roof or a society, by half hour, day, month or year.
//!
//! There is one path: the half hours of every register that counts for a meter point, chained over
//! meter exchanges, filled by imported interval energy where no register covers, are added up to
//! days, and days to months and years. So children always add up to their parents. Half hours before
//! the first meter was fitted or that have not ended yet are not missing; they are not there.

use std::collections::BTreeMap;

use domain::{
    calendar::{HalfHour, HalfHours, Instant, LocalDay, Period},
    metering::energy::{Energy, HalfHourEnergy},
};
use records::society::Counts;
use store::SeriesReader;

use super::{
    answer::{Answer, OrOurs, refuse},
    known::Known,
    society::SocietyOffice,
};

/// Longest span of one question, in days: half a century.
pub const MAX_DAYS: i32 = 50 * 366;

/// Whose energy is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// One meter point.
    Point(String),
    /// All meter points of a roof that count the same.
    Site(String),
    /// All of the society's.
    Society,
}

/// One row an answer; the finest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Local half hours.
    Period,
    /// Local days.
    Day,
    /// Calendar months.
    Month,
    /// Calendar years.
    Year,
}

impl By {
    /// All, the finest first.
    pub const ALL: [By; 4] = [By::Period, By::Day, By::Month, By::Year];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            By::Period => "period",
            By::Day => "day",
            By::Month => "month",
            By::Year => "year",
        }
    }

    /// The step of a word.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_word(word: &str) -> Answer<By> {
        let found = By::ALL.into_iter().find(|by| by.word() == word);
        found.map_or_else(
            || {
                refuse(format!(
                    "`{word}` is no step; expected period (half hours), day, month or year"
                ))
            },
            Ok,
        )
    }
}

/// Energy of one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnergyRow {
    /// `2013`, `2013-06`, `2013-06-01` or `2013-06-01 SP24`.
    pub label: String,
    /// First instant.
    pub start: Instant,
    /// First instant after.
    pub end: Instant,
    /// First local day.
    pub first_day: LocalDay,
    /// Last local day, inside.
    pub last_day: LocalDay,
    /// Energy with what is known of it.
    pub energy: Energy,
    /// Days whose every half hour is known.
    pub complete_days: u32,
}

/// Energy of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceEnergy {
    /// Row by row.
    pub rows: Vec<EnergyRow>,
    /// All of it, as its days say: the same whatever the rows are.
    pub total: Energy,
}

impl Known {
    /// Meter points that make up a place.
    ///
    /// # Errors
    /// When the place is unknown.
    pub fn points_of(&self, place: &Place, counts: Counts) -> Answer<Vec<String>> {
        let points: Vec<String> = match place {
            Place::Point(id) if self.points.contains_key(id) => vec![id.clone()],
            Place::Point(id) => return unknown("meter point", id, self.points.keys()),
            Place::Site(id) if self.sites.contains_key(id) => {
                self.points_of_site(id, counts).map(str::to_owned).collect()
            }
            Place::Site(id) => return unknown("site", id, self.sites.keys()),
            Place::Society => self
                .points
                .iter()
                .filter(|(_, p)| p.counts == counts)
                .map(|(id, _)| id.clone())
                .collect(),
        };
        Ok(points)
    }
}

fn unknown<'a, T>(what: &str, id: &str, names: impl Iterator<Item = &'a String>) -> Answer<T> {
    let nearest = config::did_you_mean(id, names.map(String::as_str));
    refuse(format!("{what} `{id}` is not in the society file{nearest}"))
}

/// Energy of each local day, by day; days that have not begun are left out.
pub type Days = BTreeMap<LocalDay, Energy>;

impl SocietyOffice {
    /// Energy of a place by rows.
    ///
    /// # Errors
    /// When the place is unknown or the span too long.
    pub fn energy(
        &self,
        place: &Place,
        counts: Counts,
        span: Period,
        by: By,
        now: Instant,
    ) -> Answer<PlaceEnergy> {
        let known = self.known();
        let points = known.points_of(place, counts)?;
        self.ask(&known.series_of_points(&points), |reader| {
            let rows = rows(reader, &known, &points, span, by, now)?;
            let total = match by {
                By::Period => {
                    Energy::of_children(days_of(reader, &known, &points, span, now)?.into_values())
                }
                By::Day | By::Month | By::Year => {
                    Energy::of_children(rows.iter().map(|row| row.energy))
                }
            };
            Ok(PlaceEnergy { rows, total })
        })
    }
}

impl SocietyOffice {
    /// As [`SocietyOffice::energy`], row by row and as it lies on disk: whoever may only look does
    /// not make the daemon work on reads.
    ///
    /// # Errors
    /// As [`SocietyOffice::energy`].
    pub fn energy_seen(
        &self,
        place: &Place,
        counts: Counts,
        span: Period,
        by: By,
        now: Instant,
    ) -> Answer<Vec<EnergyRow>> {
        let known = self.known();
        let points = known.points_of(place, counts)?;
        self.look(|reader| rows(reader, &known, &points, span, by, now))
    }
}

/// The rows of an answer.
///
/// # Errors
/// When the span is too long or a stored row is damaged.
pub fn rows(
    reader: &SeriesReader,
    known: &Known,
    points: &[String],
    span: Period,
    by: By,
    now: Instant,
) -> Answer<Vec<EnergyRow>> {
    if span.day_count() > MAX_DAYS {
        return refuse(format!(
            "the span has `{}` days; expected at most `{MAX_DAYS}`",
            span.day_count()
        ));
    }
    if by == By::Period {
        return half_hour_rows(reader, known, points, span, now);
    }
    let days = days_of(reader, known, points, span, now)?;
    let mut groups: BTreeMap<(i32, u8), Vec<LocalDay>> = BTreeMap::new();
    for day in span.days() {
        let key = match by {
            By::Day | By::Period => (day.0, 0),
            By::Month => (day.year(), day.month()),
            By::Year => (day.year(), 0),
        };
        groups.entry(key).or_default().push(day);
    }
    let mut rows = Vec::new();
    for group in groups.values() {
        let (Some(first), Some(last)) = (group.first().copied(), group.last().copied()) else {
            continue;
        };
        let there: Vec<Energy> = group
            .iter()
            .filter_map(|day| days.get(day).copied())
            .collect();
        rows.push(EnergyRow {
            energy: match by {
                // A day is as well known as its boundaries.
                By::Day | By::Period => there.first().copied().unwrap_or(Energy::NONE),
                By::Month | By::Year => Energy::of_children(there.iter().copied()),
            },
            label: match by {
                By::Day | By::Period => first.to_string(),
                By::Month => first.local_month().to_string(),
                By::Year => format!("{:04}", first.year()),
            },
            start: known.zone.day_span(first).start,
            end: known.zone.day_span(last).end,
            first_day: first,
            last_day: last,
            complete_days: u32::try_from(
                there
                    .iter()
                    .filter(|e| e.half_hours > 0 && e.is_complete())
                    .count(),
            )
            .unwrap_or(u32::MAX),
        });
    }
    Ok(rows)
}

/// Energy of each day of a span, over several meter points.
///
/// # Errors
/// When a stored row is damaged.
pub fn days_of(
    reader: &SeriesReader,
    known: &Known,
    points: &[String],
    span: Period,
    now: Instant,
) -> Answer<Days> {
    let mut days = Days::new();
    for point in points {
        let halves = half_hours_of(reader, known, point, span, now)?;
        let mut rest = halves.as_slice();
        for day in span.days() {
            let all = known.zone.half_hours_of(day);
            let count = rest
                .iter()
                .take_while(|h| all.contains(h.half_hour))
                .count();
            if count == 0 {
                continue;
            }
            let (of_day, after) = rest.split_at(count);
            rest = after;
            let (Some(first), Some(last)) = (of_day.first(), of_day.last()) else {
                continue;
            };
            let run = HalfHours::new(first.half_hour, last.half_hour.plus(1));
            let energy = Energy::of_half_hours(run, of_day);
            days.entry(day)
                .and_modify(|sum| *sum = Energy::of_places([*sum, energy]))
                .or_insert(energy);
        }
    }
    Ok(days)
}

/// Every half hour of a span that has ended, of one meter point, in order; missing ones too.
///
/// # Errors
/// When a stored row is damaged.
pub fn half_hours_of(
    reader: &SeriesReader,
    known: &Known,
    point: &str,
    span: Period,
    now: Instant,
) -> Answer<Vec<HalfHourEnergy>> {
    let all = known.zone.half_hours_in(span);
    let ended = HalfHour::of(now);
    let began = known
        .points
        .get(point)
        .and_then(|p| {
            p.meters
                .iter()
                .filter_map(|serial| known.meters.get(serial))
                .map(|m| m.installed)
                .min()
        })
        .map_or(all.start, |day| known.zone.half_hours_of(day).start);
    let start = all.start.max(began);
    let run = HalfHours::new(start, all.end.min(ended).max(start));
    let mut halves: Vec<HalfHourEnergy> = run.iter().map(HalfHourEnergy::missing).collect();
    let place = |half: HalfHour| usize::try_from(half.0 - run.start.0).ok();
    for (n, series) in known.series_of_point(point).into_iter().enumerate() {
        for half in reader
            .half_hours(series, span.first_day(), span.last_day())
            .or_ours("series.sqlite")?
        {
            if let Some(slot) = place(half.half_hour).and_then(|at| halves.get_mut(at)) {
                *slot = if n == 0 { half } else { slot.chained(half) };
            }
        }
    }
    for imported in reader.intervals(point, run).or_ours("series.sqlite")? {
        if let Some(slot) = place(imported.half_hour).and_then(|at| halves.get_mut(at)) {
            *slot = slot.filled(HalfHourEnergy {
                half_hour: imported.half_hour,
                wh: imported.wh,
                start: imported.quality,
                end: imported.quality,
                inside: imported.quality,
                covered_ms: 1_800_000,
            });
        }
    }
    Ok(halves)
}

fn half_hour_rows(
    reader: &SeriesReader,
    known: &Known,
    points: &[String],
    span: Period,
    now: Instant,
) -> Answer<Vec<EnergyRow>> {
    let mut sums: BTreeMap<HalfHour, Energy> = BTreeMap::new();
    for point in points {
        for half in half_hours_of(reader, known, point, span, now)? {
            let run = HalfHours::new(half.half_hour, half.half_hour.plus(1));
            let energy = Energy::of_half_hours(run, &[half]);
            sums.entry(half.half_hour)
                .and_modify(|sum| *sum = Energy::of_places([*sum, energy]))
                .or_insert(energy);
        }
    }
    Ok(sums
        .into_iter()
        .map(|(half, energy)| {
            let (day, number) = known.zone.settlement_period(half);
            EnergyRow {
                label: format!("{day} SP{number}"),
                start: half.start(),
                end: half.end(),
                first_day: day,
                last_day: day,
                energy,
                complete_days: 0,
            }
        })
        .collect())
}
