//! What goes out, and how it is named.
//!
//! ```text
//! read,meter=S1,register=2.8.0,society=bes1  wh=15475040i,w=1820i                       time of the read
//! interval,point=P1,society=bes1             wh=410i,covered_ms=1800000i,quality="actual"  start of the half hour
//! day,point=P1,society=bes1                  wh=…i,missing=0i,quality="actual"             start of the local day
//! month,point=P1,society=bes1                wh=…i,missing=0i,quality="derived"            start of the local month
//! roof_month,site=R1,society=bes1            wh=…i,missing=0i,quality="actual"             start of the local month
//! roof_month,site=R1,society=bes1            forecast_wh=…i                              start of the local month
//! ```
//! Tags are stable ids and never a person's; `missing` counts half hours that are not wholly covered. A
//! roof's month is the generation of all its meter points, beside what was forecast for it.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::RangeInclusive,
};

use domain::{
    calendar::{Instant, LocalDay, LocalMonth, Period},
    metering::{Quality, SeriesId},
};
use influx::{Batch, DeadLetter, Series, Unfit, Value};
use records::{
    decoded::{NO_POWER, PlacedRead},
    society::Counts,
};
use store::SeriesReader;

use super::cursor::{Cursor, Owed};
use crate::{
    answer::Answer,
    energy::{self, By},
    forecast,
    known::Known,
};

/// Days of energy that are made at once.
pub(super) const DAYS_AT_ONCE: i32 = 366;
/// Points without a safe form of which the reason is kept, of those made at once.
const MAX_UNSENT: usize = 20;
/// How far back energy is looked at that a late read may have changed.
const MAX_WALK_BACK: i32 = 400;

/// Batches in the making.
#[derive(Default)]
pub(super) struct Out {
    full: VecDeque<Batch>,
    batch: Batch,
    /// Points that have no safe form; nobody could take them.
    pub(super) unfit: u64,
    /// Some of these, to be looked at.
    pub(super) unsent: Vec<DeadLetter>,
}

impl Out {
    fn push(&mut self, series: &Result<Series, Unfit>, fields: &[(&str, Value<'_>)], at: Instant) {
        let pushed = match series {
            Ok(series) => self.batch.push(series, fields, at),
            Err(unfit) => Err(unfit.clone()),
        };
        if let Err(unfit) = pushed {
            self.unfit += 1;
            if self.unsent.len() < MAX_UNSENT {
                self.unsent.push(DeadLetter {
                    line: "(not sent)".to_owned(),
                    why: unfit.to_string(),
                });
            }
        }
        if self.batch.is_full() {
            self.full.push_back(std::mem::take(&mut self.batch));
        }
    }

    pub(super) fn into_batches(mut self) -> VecDeque<Batch> {
        if !self.batch.is_empty() {
            self.full.push_back(self.batch);
        }
        self.full
    }
}

/// Measurements and tags, escaped once.
pub(super) struct Heads {
    society: String,
    reads: BTreeMap<SeriesId, Result<Series, Unfit>>,
}

impl Heads {
    pub(super) fn new(society: &str) -> Heads {
        Heads {
            society: society.to_owned(),
            reads: BTreeMap::new(),
        }
    }

    pub(super) fn forget(&mut self) {
        self.reads.clear();
    }

    /// The point of a read.
    pub(super) fn read(&mut self, known: &Known, read: &PlacedRead, out: &mut Out) {
        let Some(series) = known.series.get(read.series.0 as usize) else {
            return;
        };
        let society = &self.society;
        let head = self.reads.entry(read.series).or_insert_with(|| {
            let register = series.register.to_string();
            Series::new(
                "read",
                &[
                    ("society", society),
                    ("meter", &series.meter),
                    ("register", &register),
                ],
            )
        });
        let fields = [
            ("wh", Value::Int(read.wh.0)),
            ("w", Value::Int(i64::from(read.w))),
        ];
        let there = if read.w == NO_POWER { 1 } else { 2 };
        out.push(head, &fields[..there], read.at);
    }

    /// The points of a meter point's energy on some days, and of the months these lie in. The day in
    /// which what is known ends, when anything is: a read to come may change energy from there on.
    #[expect(
        clippy::too_many_arguments,
        reason = "what, of whom, when, and where to"
    )]
    pub(super) fn energy(
        &self,
        reader: &SeriesReader,
        known: &Known,
        point: &str,
        days: RangeInclusive<LocalDay>,
        now: Instant,
        judged_again: bool,
        out: &mut Out,
    ) -> Answer<Option<LocalDay>> {
        let mut ends = None;
        let head =
            |measurement| Series::new(measurement, &[("society", &self.society), ("point", point)]);
        let span = Period::Range {
            first: *days.start(),
            last: *days.end(),
        };
        let interval = head("interval");
        for half in energy::half_hours_of(reader, known, point, span, now)? {
            if half.covered_ms > 0 {
                let open = match half.is_complete() {
                    true => half.half_hour.plus(1),
                    false => half.half_hour,
                };
                ends = Some(known.zone.day_of_half_hour(open));
            }
            if half.covered_ms > 0 || judged_again {
                let fields = [
                    ("wh", Value::Int(half.wh.0)),
                    ("covered_ms", Value::Int(i64::from(half.covered_ms))),
                    ("quality", Value::Text(half.quality().word())),
                ];
                out.push(&interval, &fields, half.half_hour.start());
            }
        }
        let months = Period::Range {
            first: days.start().local_month().first_day(),
            last: days.end().local_month().last_day(),
        };
        let points = [point.to_owned()];
        for (measurement, span, by) in [("day", span, By::Day), ("month", months, By::Month)] {
            let series = head(measurement);
            for row in energy::rows(reader, known, &points, span, by, now)? {
                if row.energy.covered_ms > 0 || judged_again {
                    let fields = [
                        ("wh", Value::Int(row.energy.wh.0)),
                        ("missing", Value::Int(i64::from(row.energy.missing))),
                        ("quality", Value::Text(row.energy.quality().word())),
                    ];
                    out.push(&series, &fields, row.start);
                }
            }
        }
        self.roof_months(reader, known, point, months, now, judged_again, out)?;
        Ok(ends)
    }

    /// The points of the months of the roof that a generation meter point is on.
    #[expect(
        clippy::too_many_arguments,
        reason = "what, of whom, when, and where to"
    )]
    fn roof_months(
        &self,
        reader: &SeriesReader,
        known: &Known,
        point: &str,
        months: Period,
        now: Instant,
        judged_again: bool,
        out: &mut Out,
    ) -> Answer<()> {
        let facts = known.points.get(point);
        let Some(facts) = facts.filter(|facts| facts.counts == Counts::Generation) else {
            return Ok(());
        };
        let points: Vec<String> = known
            .points_of_site(&facts.site, Counts::Generation)
            .map(str::to_owned)
            .collect();
        let series = self.roof(&facts.site);
        for row in energy::rows(reader, known, &points, months, By::Month, now)? {
            if row.energy.covered_ms > 0 || judged_again {
                let fields = [
                    ("wh", Value::Int(row.energy.wh.0)),
                    ("missing", Value::Int(i64::from(row.energy.missing))),
                    ("quality", Value::Text(row.energy.quality().word())),
                ];
                out.push(&series, &fields, row.start);
            }
        }
        Ok(())
    }

    fn roof(&self, site: &str) -> Result<Series, Unfit> {
        Series::new("roof_month", &[("society", &self.society), ("site", site)])
    }

    /// The forecast of every roof, month by month from its first meter to the end of next year; each
    /// month as the report of that month has it.
    pub(super) fn forecast(&self, known: &Known, now: Instant, out: &mut Out) -> Answer<()> {
        let today = known.zone.day_of(now);
        for site in known.sites.keys() {
            let forecast = forecast::of_site(&known.document, site)?;
            let installed = known
                .points_of_site(site, Counts::Generation)
                .filter_map(|point| known.points.get(point))
                .flat_map(|point| &point.meters)
                .filter_map(|serial| known.meters.get(serial))
                .map(|meter| meter.installed)
                .min();
            let Some(installed) = installed else {
                continue;
            };
            let series = self.roof(site);
            for year in installed.year()..=today.year() + 1 {
                for month in (1..=12).filter_map(|month| LocalMonth::of_year(year, month)) {
                    let as_of = month.last_day().min(today);
                    let expected = forecast.energy(Period::Month(month), as_of);
                    if let Some(wh) = expected.filter(|_| month >= installed.local_month()) {
                        let start = known.zone.day_span(month.first_day()).start;
                        out.push(&series, &[("forecast_wh", Value::Int(wh.0))], start);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A read touches the energy since the read before it; one that comes late may touch all that
/// follows, and days before it.
pub(super) fn owe(known: &Known, read: &PlacedRead, now: Instant, cursor: &mut Cursor) {
    let Some(point) = known
        .series
        .get(read.series.0 as usize)
        .and_then(|series| known.meters.get(&series.meter))
        .map(|meter| meter.point.as_str())
    else {
        return;
    };
    let before = cursor.newest.get(&read.series.0).copied();
    let late = before.is_none_or(|newest| read.at.0 <= newest);
    // What claims to be of the future touches nothing that has ended.
    let at = match before {
        Some(newest) if !late => newest,
        _ => read.at.0,
    };
    let day = known.zone.day_of(Instant(at.min(now.0)));
    let first = known
        .points
        .get(point)
        .into_iter()
        .flat_map(|point| &point.meters)
        .filter_map(|serial| known.meters.get(serial))
        .map(|meter| meter.installed)
        .min();
    let of_day = |day: LocalDay| first.map_or(day, |first| day.max(first));
    let day = of_day(day);
    cursor.touch(point, day.0);
    cursor.touch(
        point,
        of_day(known.zone.day_of(Instant(read.at.0.min(now.0)))).0,
    );
    let owed = Owed {
        from_day: day.0,
        judged_again: late && before.is_some() && cursor.again.is_none(),
        late,
    };
    cursor.owe(point, owed);
}

/// A decision may change any energy.
pub(super) fn owe_everything(known: &Known, cursor: &mut Cursor) {
    cursor.forecast_until = 0;
    for (id, point) in &known.points {
        let first = point
            .meters
            .iter()
            .filter_map(|serial| known.meters.get(serial))
            .map(|meter| meter.installed)
            .min();
        if let Some(first) = first {
            let owed = Owed {
                from_day: first.0,
                // A decision that a back-fill passes again was followed when it was new.
                judged_again: cursor.points > 0 && cursor.again.is_none(),
                late: false,
            };
            cursor.owe(id, owed);
        }
    }
}

/// The first day before `from` whose energy may have changed with a late read: as far back as an
/// advance that was split reaches, or as nothing is known any more, where a read that was held took
/// the energy away. Not before `first`, of which nothing was ever said.
pub(super) fn walk_back(
    reader: &SeriesReader,
    known: &Known,
    point: &str,
    (first, from): (LocalDay, LocalDay),
    now: Instant,
) -> Answer<LocalDay> {
    let mut day = from;
    for _ in 0..MAX_WALK_BACK {
        let before = day.previous();
        if before < first {
            return Ok(day);
        }
        let halves = energy::half_hours_of(reader, known, point, Period::Day(before), now)?;
        day = before;
        let last = halves.last().filter(|half| half.covered_ms > 0);
        if last.is_some_and(|last| last.end != Quality::Derived) {
            return Ok(day);
        }
    }
    Ok(day)
}
