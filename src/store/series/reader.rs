//! Queries beside the writer.
//!
//! A reader sees what the writer has committed; what has only gathered in memory, or is not settled,
//! it does not. A caller that wants a series up to date asks the writer first
//! ([`super::SeriesStore::settle`]). Every blob's content hash is checked; a row that does not match
//! is an error, never a number.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use domain::{
    calendar::{HalfHours, Instant, LocalDay, Span, Zone},
    metering::{
        Finding, Point, Quality, Read, ReadDecision, SeriesId, Verdict,
        energy::{self, Energy, HalfHourEnergy},
    },
    quantity::WattHours,
};
use rusqlite::{Connection, OpenFlags};

use super::{
    days::{self, Which},
    dump,
    key::{GROUP, day_key, day_of_key, filing_day},
    run::{self, GroupStream},
    schema,
    settle::{frontier, noticed_between, open_day, open_finding, read_of},
    side::{self, HistoryMonth, IntervalEnergy, UnplacedRegister},
};
use crate::{
    Live,
    codec::{
        block::{Columns, Row, Unpacker},
        findings::Noticed,
        halves,
    },
    error::StoreError,
    placed::NO_POWER,
};

/// Idle connections that are kept.
const IDLE_MAX: usize = 8;

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
    /// Actual or manual when it counts, missing when it does not.
    pub quality: Quality,
}

struct Idle {
    conn: Connection,
    unpacker: Unpacker,
}

/// Connections that only read; shared between threads.
pub struct SeriesReader {
    path: PathBuf,
    zone: Zone,
    idle: Mutex<Vec<Idle>>,
}

impl std::fmt::Debug for SeriesReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeriesReader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl SeriesReader {
    /// Opens `series.sqlite` for reading; the file must be there.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn open(path: &Path, zone: Zone) -> Result<SeriesReader, StoreError> {
        let reader = SeriesReader {
            path: path.to_owned(),
            zone,
            idle: Mutex::default(),
        };
        reader.with(|_, _| Ok(()))?;
        Ok(reader)
    }

    /// The society's zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Connection, &mut Unpacker) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let taken = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut idle = match taken {
            Some(idle) => idle,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let conn = Connection::open_with_flags(&self.path, flags)?;
                schema::prepare_reader(&conn)?;
                Idle {
                    conn,
                    unpacker: Unpacker::new()?,
                }
            }
        };
        // One transaction, so that runs and closed days are seen as of one moment.
        let tx = idle.conn.unchecked_transaction()?;
        let out = work(&tx, &mut idle.unpacker);
        tx.finish()?;
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < IDLE_MAX {
            pool.push(idle);
        }
        out
    }

    /// The journal position up to which everything is on disk.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn position(&self) -> Result<u64, StoreError> {
        self.with(|conn, _| {
            Ok(super::writer::meta::<i64>(conn, "position")?
                .unwrap_or(0)
                .cast_unsigned())
        })
    }

    /// The reads of a series in `span`, in order of time and value, each with what was noticed.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn reads(&self, series: SeriesId, span: Span) -> Result<Vec<JudgedRow>, StoreError> {
        self.with(|conn, unpacker| {
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
        })
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
            let mut have = std::collections::BTreeSet::new();
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

    /// The half hours of the local days `from..=to`, one entry for each, from the stored days.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn half_hours(
        &self,
        series: SeriesId,
        from: LocalDay,
        to: LocalDay,
    ) -> Result<Vec<HalfHourEnergy>, StoreError> {
        let mut out = Vec::with_capacity(48 * (to.days_since(from).max(0) as usize + 1));
        self.each_day(series, from, to, |zone, day, row| {
            match row {
                Some(row) => halves::decode_halves(row, &mut out).map_err(StoreError::damaged(
                    "day_energy",
                    format_args!("series {} day {day}", series.0),
                ))?,
                None => out.extend(zone.half_hours_of(day).iter().map(HalfHourEnergy::missing)),
            }
            Ok(())
        })?;
        forget_empty_boundaries(&mut out);
        Ok(out)
    }

    /// The energy of each local day `from..=to`, from the stored days.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn day_energies(
        &self,
        series: SeriesId,
        from: LocalDay,
        to: LocalDay,
    ) -> Result<Vec<(LocalDay, Energy)>, StoreError> {
        let mut out = Vec::new();
        let mut parts = Vec::with_capacity(50);
        self.each_day(series, from, to, |zone, day, row| {
            parts.clear();
            if let Some(row) = row {
                halves::decode_halves(row, &mut parts).map_err(StoreError::damaged(
                    "day_energy",
                    format_args!("series {} day {day}", series.0),
                ))?;
            }
            forget_empty_boundaries(&mut parts);
            out.push((day, Energy::of_half_hours(zone.half_hours_of(day), &parts)));
            Ok(())
        })?;
        Ok(out)
    }

    fn each_day(
        &self,
        series: SeriesId,
        from: LocalDay,
        to: LocalDay,
        mut visit: impl FnMut(&Zone, LocalDay, Option<&[u8]>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.with(|conn, _| {
            let mut select = conn.prepare_cached(
                "SELECT key, row FROM day_energy WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
            )?;
            let mut found = select.query([day_key(series.0, from), day_key(series.0, to)])?;
            let mut next = from;
            while let Some(row) = found.next()? {
                let day = day_of_key(row.get(0)?);
                let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                let bytes = open_day(series.0, day, blob)?;
                while next < day {
                    visit(&self.zone, next, None)?;
                    next = next.next();
                }
                visit(&self.zone, day, Some(bytes))?;
                next = day.next();
            }
            while next <= to {
                visit(&self.zone, next, None)?;
                next = next.next();
            }
            Ok(())
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
            let mut points = Vec::new();
            each_read(
                conn,
                unpacker,
                &self.zone,
                series,
                around,
                Columns::Near,
                |_, rows| {
                    points.reserve(rows.len());
                    if noticed.is_empty() {
                        points.extend(rows.iter().map(|row| point(row.at, row.wh)));
                    } else {
                        points.extend(rows.iter().filter_map(|row| {
                            let wh = match noticed.get(&(row.at, row.wh)) {
                                None => Some(row.wh),
                                Some(n) => n
                                    .counts_as
                                    .filter(|_| n.verdict == Verdict::Accepted)
                                    .map(|wh| wh.0),
                            };
                            wh.map(|wh| point(row.at, wh))
                        }));
                    }
                },
            )?;
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

    /// The reads that wait for a person, over all series, by series, time and value; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn held(&self, limit: usize) -> Result<Vec<(SeriesId, JudgedRow)>, StoreError> {
        self.with(|conn, unpacker| {
            let mut select =
                conn.prepare_cached("SELECT series, at, wh, row FROM finding ORDER BY 1, 2, 3")?;
            let mut found = select.query([])?;
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

    /// Imported energy of a meter or meter point in the half hours `run`.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn intervals(
        &self,
        subject: &str,
        run: HalfHours,
    ) -> Result<Vec<IntervalEnergy>, StoreError> {
        self.with(|conn, _| side::intervals(conn, subject, run.start, run.end))
    }

    /// The imported monthly totals of `subject`.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn history_months(&self, subject: &str) -> Result<Vec<HistoryMonth>, StoreError> {
        self.with(|conn, _| side::months(conn, subject))
    }

    /// Registers that send and that nobody has entered.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn unplaced(&self) -> Result<Vec<UnplacedRegister>, StoreError> {
        self.with(|conn, _| side::unplaced_registers(conn))
    }

    /// What `gateway` was told is on disk, as of [`SeriesReader::position`].
    ///
    /// # Errors
    /// [`StoreError`], also when the row is damaged.
    pub fn receipt(&self, gateway: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|conn, _| side::receipt(conn, gateway))
    }

    /// All receipts, by gateway.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn receipts(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.with(|conn, _| side::receipts(conn))
    }

    /// Whether every read of the series that is on disk is settled.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn is_settled(&self, series: SeriesId) -> Result<bool, StoreError> {
        self.with(|conn, unpacker| {
            let pending: i64 = conn
                .prepare_cached("SELECT count(*) FROM pending WHERE series = ?1")?
                .query_row([series.0], |row| row.get(0))?;
            let settled = frontier(conn, series.0)?.map_or(0, |f| f.run);
            let mut heads = run::heads(conn, series.0 / GROUP)?;
            heads.retain(|head| head.run > settled);
            let mut stream =
                GroupStream::new(conn, unpacker, &heads, Columns::Near, Some(series.0));
            Ok(pending == 0 && stream.take(settled)?.is_none())
        })
    }

    /// Sets the last values of `live` from what is on disk: settled days first, then the reads in
    /// runs.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn seed(&self, live: &Live) -> Result<(), StoreError> {
        self.with(|conn, unpacker| {
            let mut select = conn.prepare_cached("SELECT series, row FROM frontier")?;
            let mut found = select.query([])?;
            while let Some(row) = found.next()? {
                let series: u32 = row.get(0)?;
                let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                let state = super::settle::open_frontier(series, blob)?.state;
                let Some(last) = state.last else { continue };
                let day = filing_day(&self.zone, last.at.0);
                let day_wh = day_energy_wh(conn, series, day)?;
                live.seed(SeriesId(series), last.at, last.wh, NO_POWER, day_wh);
            }
            let mut groups = conn.prepare("SELECT DISTINCT grp FROM run_block ORDER BY grp")?;
            let groups = groups.query_map([], |row| row.get::<_, u32>(0))?;
            for group in groups.collect::<Result<Vec<_>, _>>()? {
                let heads = run::heads(conn, group)?;
                let newest = heads.iter().map(|head| head.last_at).max().unwrap_or(0);
                let recent: Vec<_> = heads
                    .into_iter()
                    .filter(|head| head.last_at >= newest.saturating_sub(SEED_BACK_MS))
                    .collect();
                let mut stream = GroupStream::new(conn, unpacker, &recent, Columns::All, None);
                while let Some(rows) = stream.take(0)? {
                    live.roll_up(rows.rows.iter().map(super::writer::placed_of));
                }
            }
            Ok(())
        })
    }

    /// Calls `visit` with every row, decoded, in key order: what `verify` compares with a store that
    /// was made again from the journal. Both must be settled and have their days closed alike, or
    /// not: where reads lie on disk does not show.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn dump(&self, visit: &mut dyn FnMut(dump::Row)) -> Result<(), StoreError> {
        self.with(|conn, unpacker| dump::dump(conn, unpacker, &self.zone, visit))
    }
}

/// Blocks whose last read is this much older than the newest do not matter for last values.
const SEED_BACK_MS: i64 = 60 * 60 * 1000;

fn day_energy_wh(conn: &Connection, series: u32, day: LocalDay) -> Result<WattHours, StoreError> {
    let mut select = conn.prepare_cached("SELECT row FROM day_energy WHERE key = ?1")?;
    let mut found = select.query([day_key(series, day)])?;
    let Some(row) = found.next()? else {
        return Ok(WattHours::ZERO);
    };
    let blob = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
    let mut parts: Vec<HalfHourEnergy> = Vec::new();
    halves::decode_halves(open_day(series, day, blob)?, &mut parts).map_err(
        StoreError::damaged("day_energy", format_args!("series {series} day {day}")),
    )?;
    Ok(WattHours(
        parts
            .iter()
            .map(|half| half.wh.0)
            .fold(0, i64::saturating_add),
    ))
}

/// A half hour without energy has no boundaries: whether a read lies on one of them depends on its
/// neighbours, of which nothing is stored where nothing is known.
pub(crate) fn forget_empty_boundaries(halves: &mut [HalfHourEnergy]) {
    for half in halves.iter_mut().filter(|half| half.covered_ms == 0) {
        *half = HalfHourEnergy::missing(half.half_hour);
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
