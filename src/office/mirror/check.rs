//! The server against the journal: by register and meter point, local day by local day, how many and
//! their sum.
//!
//! What should be there is made again from the journal's first record, apart from the mirror's own
//! way: the reads of some days, the last of several at one instant. Energy is compared with the
//! series. A sum is of 64 bits and wraps on both sides alike.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    calendar::{Instant, LocalDay, Period, Span},
    metering::SeriesId,
};
use influx::{
    Flux, Server,
    flux::{Points, Total},
    line::TIMES_MS,
};
use records::{Decoded, ongoing::Ongoing};

use crate::{
    answer::{Answer, OrOurs, Refusal},
    energy,
    known::Known,
    projector::{decode, directory_of},
    society::SocietyOffice,
};

/// Reads that are held at once, about; more days than these fill take another walk.
const READS_AT_ONCE: i64 = 4_000_000;
/// Reads of one register in a day, at most, for choosing how many days go together.
const READS_A_DAY: i64 = 8_640;

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// First and last day compared; none when there is nothing in the journal.
    pub days: Option<(LocalDay, LocalDay)>,
    /// Reads that are there.
    pub reads: u64,
    /// Half hours of energy that are there.
    pub half_hours: u64,
    /// Where the two differ.
    pub differences: Vec<Difference>,
}

/// Where the server differs from the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `read` or `interval`.
    pub what: &'static str,
    /// Meter and register, or meter point.
    pub subject: String,
    /// Local day.
    pub day: LocalDay,
    /// Count and sum in the journal.
    pub journal: (i64, i64),
    /// Count and sum on the server.
    pub server: (i64, i64),
}

/// Count and sum by subject.
type Totals = BTreeMap<String, (i64, i64)>;

pub(super) fn check(
    society: &SocietyOffice,
    server: &Server,
    span: Option<Period>,
    now: Instant,
    tell: &mut dyn FnMut(u64, u64),
) -> Answer<Checked> {
    let known = society.known();
    society.ask(
        &known.series_of_points(&known.points.keys().cloned().collect::<Vec<_>>()),
        |_| Ok(()),
    )?;
    let mut checked = Checked::default();
    let Some((first, last)) = days(society, &known, span, now)? else {
        return Ok(checked);
    };
    checked.days = Some((first, last));
    let registers = i64::try_from(known.series.len().max(1)).unwrap_or(i64::MAX);
    let at_once = (READS_AT_ONCE / (registers * READS_A_DAY).max(1)).clamp(1, 31);
    let at_once = i32::try_from(at_once).unwrap_or(1);
    let all = u64::from(last.days_since(first).unsigned_abs()) + 1;
    let mut done = 0;
    let mut from = first;
    while from <= last {
        let to = from.plus(at_once - 1).min(last);
        let mut reads = reads_of(society, &known, from, to)?;
        for day in from.through(to) {
            let journal = reads.remove(&day).unwrap_or_default();
            checked.reads += journal
                .values()
                .map(|(count, _)| count.unsigned_abs())
                .sum::<u64>();
            let span = known.zone.day_span(day);
            let found = totals(
                server,
                society.slug(),
                "read",
                "wh",
                &["meter", "register"],
                span,
            )?;
            compare("read", day, &journal, &found, &mut checked.differences);

            let journal = energy_of(society, &known, day, now)?;
            checked.half_hours += journal
                .values()
                .map(|(count, _)| count.unsigned_abs())
                .sum::<u64>();
            let mut found = totals(server, society.slug(), "interval", "wh", &["point"], span)?;
            let covered = totals(
                server,
                society.slug(),
                "interval",
                "covered_ms",
                &["point"],
                span,
            )?;
            for (point, (count, _)) in &mut found {
                // Half hours are counted by the time they cover: one that went is there with none.
                *count = covered.get(point).map_or(0, |(_, covered)| *covered);
            }
            let in_time = covered_of(society, &known, day, now)?;
            compare("interval", day, &in_time, &found, &mut checked.differences);
            done += 1;
            tell(done, all);
        }
        from = to.next();
    }
    Ok(checked)
}

fn compare(
    what: &'static str,
    day: LocalDay,
    journal: &Totals,
    server: &Totals,
    into: &mut Vec<Difference>,
) {
    let subjects: BTreeSet<&String> = journal.keys().chain(server.keys()).collect();
    for subject in subjects {
        let of = |totals: &Totals| totals.get(subject).copied().unwrap_or_default();
        if of(journal) != of(server) {
            into.push(Difference {
                what,
                subject: subject.clone(),
                day,
                journal: of(journal),
                server: of(server),
            });
        }
    }
}

/// The days to compare: as asked, or from the first read to today.
fn days(
    society: &SocietyOffice,
    known: &Known,
    span: Option<Period>,
    now: Instant,
) -> Answer<Option<(LocalDay, LocalDay)>> {
    if let Some(span) = span {
        return Ok(Some((span.first_day(), span.last_day())));
    }
    let mut ends: Option<(i64, i64)> = None;
    each_read(society, known, &mut |_, at, _| {
        let (first, last) = ends.unwrap_or((at, at));
        ends = Some((first.min(at), last.max(at)));
    })?;
    let installed = known.meters.values().map(|meter| meter.installed).min();
    let today = known.zone.day_of(now);
    Ok(match (ends, installed) {
        (Some((first, last)), installed) => {
            let first = known.zone.day_of(Instant(first));
            let first = installed.map_or(first, |day| day.min(first));
            Some((first, known.zone.day_of(Instant(last)).max(today)))
        }
        (None, Some(installed)) => Some((installed, today)),
        (None, None) => None,
    })
}

/// Every read of the journal that a mirror can hold, in its order.
fn each_read(
    society: &SocietyOffice,
    known: &Known,
    visit: &mut dyn FnMut(SeriesId, i64, i64),
) -> Answer<()> {
    let directory = directory_of(known);
    let powers = known.power_points();
    let mut ongoing = Ongoing::default();
    for batch in society.committer().reader().batches_ahead(0) {
        let batch = batch.or_ours("the society's journal")?;
        let mut decoded = Decoded::default();
        for record in batch.iter() {
            decode(record.bytes, &directory, known, &mut decoded)?;
        }
        ongoing.take(&mut decoded, &directory, &powers);
        for read in &decoded.placed {
            if TIMES_MS.contains(&read.at.0) && !read.source.is_of_other_gateway() {
                visit(read.series, read.at.0, read.wh.0);
            }
        }
    }
    Ok(())
}

fn reads_of(
    society: &SocietyOffice,
    known: &Known,
    from: LocalDay,
    to: LocalDay,
) -> Answer<BTreeMap<LocalDay, Totals>> {
    let span = Span {
        start: known.zone.day_span(from).start,
        end: known.zone.day_span(to).end,
    };
    let mut reads: Vec<(SeriesId, i64, i64)> = Vec::new();
    each_read(society, known, &mut |series, at, wh| {
        if (span.start.0..span.end.0).contains(&at) {
            reads.push((series, at, wh));
        }
    })?;
    // Stable: of several at one instant the last one of the journal stays last.
    reads.sort_by_key(|(series, at, _)| (*series, *at));
    let mut days: BTreeMap<LocalDay, Totals> = BTreeMap::new();
    for (n, (series, at, wh)) in reads.iter().enumerate() {
        let is_last = reads
            .get(n + 1)
            .is_none_or(|next| (next.0, next.1) != (*series, *at));
        let Some(series) = known.series.get(series.0 as usize).filter(|_| is_last) else {
            continue;
        };
        let subject = format!("{} {}", series.meter, series.register);
        let day = known.zone.day_of(Instant(*at));
        let total = days.entry(day).or_default().entry(subject).or_default();
        *total = (total.0 + 1, total.1.wrapping_add(*wh));
    }
    Ok(days)
}

/// Half hours of which something is known, and their energy, by meter point.
fn energy_of(
    society: &SocietyOffice,
    known: &Known,
    day: LocalDay,
    now: Instant,
) -> Answer<Totals> {
    energy_by(society, known, day, now, |_| 1)
}

/// Milliseconds covered, and the energy, by meter point.
fn covered_of(
    society: &SocietyOffice,
    known: &Known,
    day: LocalDay,
    now: Instant,
) -> Answer<Totals> {
    energy_by(society, known, day, now, i64::from)
}

fn energy_by(
    society: &SocietyOffice,
    known: &Known,
    day: LocalDay,
    now: Instant,
    weigh: impl Fn(u32) -> i64,
) -> Answer<Totals> {
    society.look(|reader| {
        let mut totals = Totals::new();
        for point in known.points.keys() {
            for half in energy::half_hours_of(reader, known, point, Period::Day(day), now)? {
                if half.covered_ms > 0 {
                    let total = totals.entry(point.clone()).or_default();
                    *total = (
                        total.0 + weigh(half.covered_ms),
                        total.1.wrapping_add(half.wh.0),
                    );
                }
            }
        }
        Ok(totals)
    })
}

/// Count and sum on the server.
fn totals(
    server: &Server,
    society: &str,
    measurement: &str,
    field: &str,
    by: &[&str],
    span: Span,
) -> Answer<Totals> {
    let tags = [("society", society)];
    let points = Points {
        bucket: &server.target().bucket,
        measurement,
        field,
        tags: &tags,
        span,
    };
    let mut totals = Totals::new();
    for total in [Total::Count, Total::Sum] {
        let rows = server.ask(&Flux::totals(&points, by, total)).map_err(|trouble| {
            Refusal::Ours(format!(
                "the server was asked for its sums: {trouble}\nhint: a check needs Flux: InfluxDB 2, not VictoriaMetrics or InfluxDB 3"
            ))
        })?;
        for row in rows {
            let names: Result<Vec<&str>, _> = by.iter().map(|name| row.text(name)).collect();
            let subject = names.or_ours("the server's answer")?.join(" ");
            let value = row.long("_value").or_ours("the server's answer")?;
            let entry = totals.entry(subject).or_default();
            match total {
                Total::Count => entry.0 = value,
                Total::Sum => entry.1 = value,
            }
        }
    }
    Ok(totals)
}
