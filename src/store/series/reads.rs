//! Queries of reads: as they came, as they were judged, and half hours made of them anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use domain::{
    calendar::{HalfHours, Instant, LocalDay, Span, Zone},
    metering::{
        Finding, Point, Quality, Read, ReadDecision, SeriesId, Verdict,
        energy::{self, HalfHourEnergy},
    },
    quantity::WattHours,
};
use rusqlite::Connection;

use super::{
    chain::Chain,
    days::{self, Which},
    fold::read_of,
    key::{GROUP, filing_day},
    reader::{SeriesReader, forget_empty_boundaries},
    rows::{noticed_between, open_finding},
    run::{self, GroupStream},
};
use crate::{
    codec::{
        block::{Columns, Row, Unpacker},
        findings::Noticed,
    },
    error::StoreError,
    placed::NO_POWER,
};

/// A read with what was noticed about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRow {
    /// The read; its receive time is kept to the second.
    pub read: Read,
    /// Power in W, if the device sent it.
    pub w: Option<i32>,
    /// What follows from the findings.
    pub verdict: Verdict,
    /// The value that counts, when it is accepted.
    pub counts_as: Option<WattHours>,
    /// What was noticed, in order of precedence.
    pub findings: Vec<Finding>,
    /// What a person decided about it.
    pub decision: Option<ReadDecision>,
    /// Actual or manual when it counts, manual when a person corrected it, missing when it does not
    /// count.
    pub quality: Quality,
}

impl SeriesReader {
    /// The reads of a series in `span`, in order of time and value, each with what was noticed.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn reads(&self, series: SeriesId, span: Span) -> Result<Vec<JudgedRow>, StoreError> {
        self.with(|conn, unpacker| self.reads_in(conn, unpacker, series, span))
    }

    pub(super) fn reads_in(
        &self,
        conn: &Connection,
        unpacker: &mut Unpacker,
        series: SeriesId,
        span: Span,
    ) -> Result<Vec<JudgedRow>, StoreError> {
        let mut out = Vec::new();
        let noticed = noticed_between(conn, series.0, span.start.0, span.end.0, false)?;
        each_read(
            conn,
            unpacker,
            &self.zone,
            series,
            span,
            Columns::All,
            |_, rows| {
                for row in rows {
                    out.push(judged(row, noticed.get(&(row.at, row.wh)).cloned()));
                }
            },
        )?;
        Ok(out)
    }

    /// How many of `reads` (time and value) the series has already, for each.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn known(
        &self,
        series: SeriesId,
        reads: &[(Instant, WattHours)],
    ) -> Result<Vec<bool>, StoreError> {
        let Some(first) = reads.iter().map(|r| r.0).min() else {
            return Ok(Vec::new());
        };
        let last = reads.iter().map(|r| r.0).max().unwrap_or(first);
        let span = Span {
            start: first,
            end: Instant(last.0.saturating_add(1)),
        };
        self.with(|conn, unpacker| {
            let mut have = BTreeSet::new();
            each_read(
                conn,
                unpacker,
                &self.zone,
                series,
                span,
                Columns::Near,
                |_, rows| {
                    have.extend(rows.iter().map(|row| (row.at, row.wh)));
                },
            )?;
            Ok(reads
                .iter()
                .map(|(at, wh)| have.contains(&(at.0, wh.0)))
                .collect())
        })
    }

    /// The half hours of the local days `from..=to` made anew from the raw reads, leaving out those
    /// that are held or refused and putting corrected values in: the slow way, to look closer or to
    /// check the stored days. Lives of the register are the caller's (`turns`: where they end and
    /// start, as points).
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn half_hours_from_reads(
        &self,
        series: SeriesId,
        from: LocalDay,
        to: LocalDay,
        turns: &[Point],
    ) -> Result<Vec<HalfHourEnergy>, StoreError> {
        let run = HalfHours::new(
            self.zone.half_hours_of(from).start,
            self.zone.half_hours_of(to).end,
        );
        // A day to either side, for what an advance carries over midnight.
        let around = Span {
            start: self.zone.day_span(from.previous()).start,
            end: self.zone.day_span(to.next()).end,
        };
        self.with(|conn, unpacker| {
            let noticed = noticed_between(conn, series.0, around.start.0, around.end.0, false)?;
            let mut points = Chain::default();
            each_read(
                conn,
                unpacker,
                &self.zone,
                series,
                around,
                Columns::Near,
                |_, rows| {
                    for row in rows {
                        let noticed = match noticed.is_empty() {
                            true => None,
                            false => noticed.get(&(row.at, row.wh)),
                        };
                        let wh = match noticed {
                            None => row.wh,
                            Some(n) => match n.counts_as.filter(|_| n.verdict == Verdict::Accepted)
                            {
                                Some(wh) => wh.0,
                                None => continue,
                            },
                        };
                        points.push(point(row.at, wh));
                    }
                },
            )?;
            let mut points = points.into_points();
            if !turns.is_empty() {
                points.retain(|p| turns.iter().all(|turn| turn.at != p.at));
                points.extend_from_slice(turns);
                points.sort_by_key(|p| (p.at, !p.joined));
            }
            let (start, end) = (run.start.start(), run.end.start());
            let first = points.partition_point(|p| p.at < start);
            let last = points.partition_point(|p| p.at < end);
            let before = first.checked_sub(1).map(|n| points[n]);
            let after = points.get(last).copied();
            let mut out = energy::half_hours(run, before, &points[first..last], after);
            forget_empty_boundaries(&mut out);
            Ok(out)
        })
    }

    /// The reads of `span` that wait for a person, over all series, by series, time and value; at most
    /// `limit`.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn held(&self, span: Span, limit: usize) -> Result<Vec<(SeriesId, JudgedRow)>, StoreError> {
        self.with(|conn, unpacker| {
            let mut select = conn.prepare_cached(
                "SELECT series, at, wh, row FROM finding WHERE at >= ?1 AND at < ?2 ORDER BY 1, 2, 3",
            )?;
            let mut found = select.query([span.start.0, span.end.0])?;
            let mut held: Vec<(u32, (i64, i64), Noticed)> = Vec::new();
            while held.len() < limit
                && let Some(row) = found.next()?
            {
                let (series, key) = (row.get(0)?, (row.get(1)?, row.get(2)?));
                let blob = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
                let noticed = open_finding(series, key, blob)?;
                if noticed.verdict == Verdict::Held {
                    held.push((series, key, noticed));
                }
            }
            let mut out = Vec::with_capacity(held.len());
            for of_one in held.chunk_by(|a, b| {
                a.0 == b.0 && filing_day(&self.zone, a.1.0) == filing_day(&self.zone, b.1.0)
            }) {
                let series = SeriesId(of_one[0].0);
                let mut wanted: BTreeMap<(i64, i64), Noticed> = of_one
                    .iter()
                    .map(|(_, key, noticed)| (*key, noticed.clone()))
                    .collect();
                let (first, last) = (of_one[0].1.0, of_one[of_one.len() - 1].1.0);
                let span = Span {
                    start: Instant(first),
                    end: Instant(last.saturating_add(1)),
                };
                each_read(
                    conn,
                    unpacker,
                    &self.zone,
                    series,
                    span,
                    Columns::All,
                    |_, rows| {
                        for row in rows {
                            if let Some(noticed) = wanted.remove(&(row.at, row.wh)) {
                                out.push((series, judged(row, Some(noticed))));
                            }
                        }
                    },
                )?;
            }
            Ok(out)
        })
    }

    /// Reads of a series in `span` of which something was noticed, by time and value, with what
    /// follows: the others are accepted.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn noticed(
        &self,
        series: SeriesId,
        span: Span,
    ) -> Result<Vec<(Instant, WattHours, Verdict)>, StoreError> {
        self.with(|conn, _| {
            let found = noticed_between(conn, series.0, span.start.0, span.end.0, false)?;
            Ok(found
                .into_iter()
                .map(|((at, wh), noticed)| (Instant(at), WattHours(wh), noticed.verdict))
                .collect())
        })
    }
}

fn point(at: i64, wh: i64) -> Point {
    Point {
        at: Instant(at),
        wh: WattHours(wh),
        quality: Quality::Actual,
        joined: true,
    }
}

fn judged(row: &Row, noticed: Option<Noticed>) -> JudgedRow {
    let read = read_of(row);
    let noticed = noticed.unwrap_or(Noticed {
        verdict: Verdict::Accepted,
        counts_as: Some(read.wh),
        decision: None,
        findings: Vec::new(),
    });
    JudgedRow {
        read,
        w: (row.w != NO_POWER).then_some(row.w),
        verdict: noticed.verdict,
        counts_as: noticed.counts_as,
        findings: noticed.findings,
        decision: noticed.decision,
        quality: match noticed.verdict {
            // A value that a person put in the place of what the register was said to show.
            Verdict::Accepted if noticed.counts_as != Some(read.wh) => Quality::Manual,
            Verdict::Accepted => read.source.quality(),
            Verdict::Held | Verdict::Refused => Quality::Missing,
        },
    }
}

/// Calls `visit` with the reads of a series in `span`, day by day.
fn each_read(
    conn: &Connection,
    unpacker: &mut Unpacker,
    zone: &Zone,
    series: SeriesId,
    span: Span,
    columns: Columns,
    mut visit: impl FnMut(LocalDay, &[Row]),
) -> Result<(), StoreError> {
    if span.start >= span.end {
        return Ok(());
    }
    let mut heads = run::heads(conn, series.0 / GROUP)?;
    heads.retain(|head| head.first_at < span.end.0 && head.last_at >= span.start.0);
    let mut stream = GroupStream::new(conn, unpacker, &heads, columns, Some(series.0));
    let in_runs = stream.take(0)?.map(|rows| rows.rows).unwrap_or_default();
    let which = Which {
        series: series.0,
        from: filing_day(zone, span.start.0),
        to: filing_day(zone, span.end.0.saturating_sub(1)),
        columns,
        in_runs: &in_runs,
    };
    days::each_day(conn, unpacker, zone, &which, |day, rows| {
        let first = rows.partition_point(|row| row.at < span.start.0);
        let last = rows.partition_point(|row| row.at < span.end.0);
        visit(day, &rows[first..last]);
        Ok(ControlFlow::Continue(()))
    })
}
