//! What goes out, and how it is named.
//!
//! ```text
//! read,meter=S1,register=2.8.0,society=bes1  wh=15475040i,w=1820i                       time of the read
//! interval,point=P1,society=bes1             wh=410i,covered_ms=1800000i,quality="actual"  start of the half hour
//! day,point=P1,society=bes1                  wh=…i,missing=0i,quality="actual"             start of the local day
//! month,point=P1,society=bes1                wh=…i,missing=0i,quality="derived"            start of the local month
//! ```
//! Tags are stable ids and never a person's; `missing` counts half hours that are not wholly covered.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::RangeInclusive,
};

use domain::{
    calendar::{Instant, LocalDay, Period},
    metering::{Quality, SeriesId},
};
use influx::{Batch, Series, Unfit, Value};
use records::decoded::{NO_POWER, PlacedRead};
use store::SeriesReader;

use super::cursor::{Cursor, Owed};
use crate::office::{
    answer::Answer,
    energy::{self, By},
    known::Known,
};

/// Days of energy that are made at once.
pub(super) const DAYS_AT_ONCE: i32 = 366;
/// How far back energy is looked at that a late read may have changed.
const MAX_WALK_BACK: i32 = 400;

/// Batches in the making.
#[derive(Default)]
pub(super) struct Out {
    full: VecDeque<Batch>,
    batch: Batch,
    /// Points that have no safe form; nobody could take them.
    pub(super) unfit: u64,
}

impl Out {
    fn push(&mut self, series: &Result<Series, Unfit>, fields: &[(&str, Value<'_>)], at: Instant) {
        let Ok(series) = series else {
            self.unfit += 1;
            return;
        };
        if self.batch.push(series, fields, at).is_err() {
            self.unfit += 1;
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

    /// The points of a meter point's energy on some days, and of the months these lie in.
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
    ) -> Answer<()> {
        let head =
            |measurement| Series::new(measurement, &[("society", &self.society), ("point", point)]);
        let span = Period::Range {
            first: *days.start(),
            last: *days.end(),
        };
        let interval = head("interval");
        for half in energy::half_hours_of(reader, known, point, span, now)? {
            if half.covered_ms > 0 || judged_again {
                let fields = [
                    ("wh", Value::Int(half.wh.0)),
                    ("covered_ms", Value::Int(i64::from(half.covered_ms))),
                    ("quality", Value::Text(word(half.quality()))),
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
                        ("quality", Value::Text(word(row.energy.quality()))),
                    ];
                    out.push(&series, &fields, row.start);
                }
            }
        }
        Ok(())
    }
}

fn word(quality: Quality) -> &'static str {
    match quality {
        Quality::Actual => "actual",
        Quality::Manual => "manual",
        Quality::Derived => "derived",
        Quality::Estimated => "estimated",
        Quality::Deemed => "deemed",
        Quality::Missing => "missing",
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

/// The first day before `from` whose energy reaches over into the next by an advance that was split.
pub(super) fn walk_back(
    reader: &SeriesReader,
    known: &Known,
    point: &str,
    from: LocalDay,
    now: Instant,
) -> Answer<LocalDay> {
    let mut day = from;
    for _ in 0..MAX_WALK_BACK {
        let before = day.previous();
        let halves = energy::half_hours_of(reader, known, point, Period::Day(before), now)?;
        let Some(last) = halves.last().filter(|half| half.covered_ms > 0) else {
            return Ok(day);
        };
        day = before;
        if last.end != Quality::Derived {
            return Ok(day);
        }
    }
    Ok(day)
}
