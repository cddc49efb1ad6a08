//! Settling: making findings and half hours of a series' reads, from where they may have changed.
//!
//! The judge of `domain` is a fold in meter-time order. Its state is stored at the start of every
//! day that has reads or energy, and at the *frontier*, behind the last read. From there
//!
//! * reads that come in order behind the frontier are folded on: the fast way, whose cost is that of
//!   the new reads and of one day row;
//! * anything else – late reads, a meter event, a decision, other rules – starts again at the day
//!   that holds the last accepted read before the earliest change, and goes on until a day starts
//!   with the state that was stored for it: from there everything is as it was.
//!
//! What comes out is compared with what is stored; only rows that differ are written, and their days
//! are the periods that were re-opened. Energy that an advance carries over midnight needs the first
//! point after it, so days wait in [`Fold`] until that point comes.
//!
//! A read more than 24 hours ahead of our clock is refused whatever else is there. While it is the
//! last one it is judged aside, so that one read of the year 2099 does not make every later read a
//! late one.

use std::{collections::BTreeMap, ops::ControlFlow};

use domain::{
    calendar::{LocalDay, Zone},
    metering::{FoldState, SeriesId},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    days::{self, Which},
    define::Def,
    fold::{Fold, turn_days},
    key::{DayCutter, LAST_DAY, day_key, filing_day},
    rows::{
        Frontier, TAG_DAY, damaged_day, day_row, day_row_upto, frontier, noticed_between, old_days,
        put_finding, put_frontier,
    },
    run::SeriesRows,
};
use crate::{
    codec::{
        block::{Columns, Row, Unpacker},
        findings::Noticed,
        halves::{self, DayRow},
        seal,
    },
    error::StoreError,
};

/// A day of a series whose energy or findings changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TouchedDay {
    /// The series.
    pub series: SeriesId,
    /// The local day.
    pub day: LocalDay,
}

/// Settles series through one connection, in its transaction.
pub(crate) struct Settler<'c> {
    conn: &'c Connection,
    zone: &'c Zone,
    unpacker: Unpacker,
    touched: Vec<TouchedDay>,
}

impl<'c> Settler<'c> {
    pub(crate) fn new(conn: &'c Connection, zone: &'c Zone) -> Result<Settler<'c>, StoreError> {
        Ok(Settler {
            conn,
            zone,
            unpacker: Unpacker::new()?,
            touched: Vec::new(),
        })
    }

    /// The days whose rows were written, each once, in order.
    pub(crate) fn finish(mut self) -> Vec<TouchedDay> {
        self.touched.sort_unstable();
        self.touched.dedup();
        self.touched
    }

    /// Folds on with `rows`, the new reads of a series that was settled before. Gives `false` and
    /// does nothing when they do not all lie behind the frontier.
    pub(crate) fn append(
        &mut self,
        series: u32,
        def: &Def,
        rows: &[Row],
        run: i64,
    ) -> Result<bool, StoreError> {
        let Some(frontier) = frontier(self.conn, series)? else {
            return Ok(false);
        };
        self.append_behind(series, def, rows, run, frontier)
    }

    fn append_behind(
        &mut self,
        series: u32,
        def: &Def,
        rows: &[Row],
        run: i64,
        frontier: Frontier,
    ) -> Result<bool, StoreError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(true);
        };
        let state = frontier.state;
        let behind = first.at >= state.upto.0 && last.at < frontier.stray_at;
        let Some(last_accepted) = state.last.filter(|_| behind) else {
            return Ok(false);
        };
        let from = filing_day(self.zone, last_accepted.at.0);
        // The frontier must lie in that day: its row is then complete up to the frontier.
        if filing_day(self.zone, state.upto.0.saturating_sub(1)) != from {
            return Ok(false);
        }
        let Some(base) = day_row(self.conn, series, from)? else {
            return Ok(false);
        };
        let mut fold = Fold::new(self.zone, def, state);
        fold.stray_at = frontier.stray_at;
        fold.resume(from, base);
        let mut cutter = DayCutter::new(self.zone);
        let mut rest = rows;
        while let Some(head) = rest.first() {
            let day = cutter.day_of(head.at);
            let count = rest.partition_point(|r| cutter.day_of(r.at) <= day);
            fold.day(day, &rest[..count]);
            rest = &rest[count..];
        }
        let (frontier, out) = fold.end(run);
        let old = old_days(
            self.conn,
            series,
            from,
            out.days.keys().next_back().copied().unwrap_or(from),
        )?;
        self.write_days(series, &old, &out.days)?;
        for (key, noticed) in &out.noticed {
            put_finding(self.conn, series, *key, noticed)?;
            self.touch(series, filing_day(self.zone, key.0));
        }
        put_frontier(self.conn, series, &frontier)?;
        Ok(true)
    }

    /// Settles a series with all its reads in runs, `rows`, and those in closed days.
    pub(crate) fn settle(
        &mut self,
        series: u32,
        def: &Def,
        rows: &SeriesRows,
        run: i64,
    ) -> Result<(), StoreError> {
        let before = frontier(self.conn, series)?;
        let pending: Option<(i64, i64)> = self
            .conn
            .prepare_cached("SELECT since, until FROM pending WHERE series = ?1")?
            .query_row([series], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let changed = match (before, rows.fresh, pending) {
            (None, ..) => (i64::MIN, i64::MAX),
            (Some(_), Some(a), Some(b)) => (a.0.min(b.0), a.1.max(b.1)),
            (Some(_), Some(one), None) | (Some(_), None, Some(one)) => one,
            (Some(frontier), None, None) => {
                if frontier.run < run {
                    put_frontier(self.conn, series, &Frontier { run, ..frontier })?;
                }
                return Ok(());
            }
        };
        if let (Some(frontier), None) = (before, pending) {
            let new = rows.rows.partition_point(|r| r.at < changed.0);
            if self.append_behind(series, def, &rows.rows[new..], run, frontier)? {
                return Ok(());
            }
        }
        self.again(series, def, &rows.rows, run, changed, before)?;
        if pending.is_some() {
            self.conn
                .prepare_cached("DELETE FROM pending WHERE series = ?1")?
                .execute([series])?;
        }
        Ok(())
    }

    /// Folds from the day that holds the last accepted read before the first change.
    fn again(
        &mut self,
        series: u32,
        def: &Def,
        in_runs: &[Row],
        run: i64,
        (since, until): (i64, i64),
        before: Option<Frontier>,
    ) -> Result<(), StoreError> {
        let (from, state) = restart(self.conn, self.zone, series, since)?;
        let last_changed = filing_day(self.zone, until);
        let old = old_days(self.conn, series, from, LocalDay(LAST_DAY))?;
        let mut fold = Fold::new(self.zone, def, state);
        let mut converged = None;
        let (conn, zone) = (self.conn, self.zone);
        let which = Which {
            series,
            from,
            to: LocalDay(LAST_DAY),
            columns: Columns::All,
            in_runs,
        };
        let mut turns = turn_days(zone, def, from).into_iter().peekable();
        days::each_day(conn, &mut self.unpacker, zone, &which, |day, rows| {
            while let Some(turn) = turns.next_if(|turn| *turn < day) {
                fold.day(turn, &[]);
            }
            turns.next_if_eq(&day);
            if converged.is_none() && day > last_changed && before.is_some() {
                let stored = old.get(&day).map(|row| halves::decode_start(row));
                let stored = stored.transpose().map_err(damaged_day(series, day))?;
                if stored.is_some_and(|stored| stored == fold.state_at_start_of(day)) {
                    fold.flush_strays();
                    converged = Some(day);
                }
            }
            fold.day(day, rows);
            // After convergence only the first point is still wanted: what carries over midnight.
            Ok(
                if converged.is_some_and(|c| fold.open_from().is_none_or(|open| open >= c)) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                },
            )
        })?;
        for turn in turns {
            if converged.is_none_or(|c| fold.open_from().is_some_and(|open| open < c)) {
                fold.day(turn, &[]);
            }
        }
        let (frontier, mut out) = fold.end(run);
        let end = converged.unwrap_or(LocalDay(LAST_DAY + 1));
        let end_at = converged.map_or(i64::MAX, |day| zone.day_span(day).start.0);
        let start_at = if from.0 <= 0 {
            i64::MIN
        } else {
            zone.day_span(from).start.0
        };
        out.days.retain(|day, _| *day < end);
        out.noticed
            .retain(|key, _| key.0 < end_at || converged.is_none());
        let old = old.into_iter().filter(|(day, _)| *day < end).collect();
        self.write_days(series, &old, &out.days)?;
        self.write_noticed(series, start_at, end_at, converged.is_none(), &out.noticed)?;
        let frontier = match (converged, before) {
            (Some(_), Some(before)) => Frontier { run, ..before },
            _ => frontier,
        };
        put_frontier(self.conn, series, &frontier)
    }

    fn touch(&mut self, series: u32, day: LocalDay) {
        self.touched.push(TouchedDay {
            series: SeriesId(series),
            day,
        });
    }

    fn write_days(
        &mut self,
        series: u32,
        old: &BTreeMap<LocalDay, Vec<u8>>,
        new: &BTreeMap<LocalDay, DayRow>,
    ) -> Result<(), StoreError> {
        let mut put = self
            .conn
            .prepare_cached("INSERT OR REPLACE INTO day_energy (key, row) VALUES (?1, ?2)")?;
        for (day, row) in new {
            let mut bytes = halves::encode(row);
            let before = old.get(day);
            if before != Some(&bytes) {
                // Only the judge's state may differ: that is no change to anyone outside.
                if before.map(|row| halves::energy_part(row)) != Some(halves::energy_part(&bytes)) {
                    self.touched.push(TouchedDay {
                        series: SeriesId(series),
                        day: *day,
                    });
                }
                let key = day_key(series, *day);
                seal::seal(TAG_DAY, &[key], &mut bytes);
                put.execute(params![key, bytes])?;
            }
        }
        let mut delete = self
            .conn
            .prepare_cached("DELETE FROM day_energy WHERE key = ?1")?;
        for day in old.keys().filter(|day| !new.contains_key(day)) {
            delete.execute([day_key(series, *day)])?;
            self.touched.push(TouchedDay {
                series: SeriesId(series),
                day: *day,
            });
        }
        Ok(())
    }

    fn write_noticed(
        &mut self,
        series: u32,
        start_at: i64,
        end_at: i64,
        to_the_end: bool,
        new: &BTreeMap<(i64, i64), Noticed>,
    ) -> Result<(), StoreError> {
        let old = noticed_between(self.conn, series, start_at, end_at, to_the_end)?;
        for (key, noticed) in new {
            if old.get(key) != Some(noticed) {
                put_finding(self.conn, series, *key, noticed)?;
                self.touch(series, filing_day(self.zone, key.0));
            }
        }
        let mut delete = self
            .conn
            .prepare_cached("DELETE FROM finding WHERE series = ?1 AND at = ?2 AND wh = ?3")?;
        for key in old.keys().filter(|key| !new.contains_key(key)) {
            delete.execute(params![series, key.0, key.1])?;
            self.touched.push(TouchedDay {
                series: SeriesId(series),
                day: filing_day(self.zone, key.0),
            });
        }
        Ok(())
    }
}

/// The day to start from for a change at `since`, with the state at its start.
pub(super) fn restart(
    conn: &Connection,
    zone: &Zone,
    series: u32,
    since: i64,
) -> Result<(LocalDay, FoldState), StoreError> {
    let beginning = (LocalDay(0), FoldState::EMPTY);
    let day = filing_day(zone, since);
    let Some((day, row)) = day_row_upto(conn, series, day)? else {
        return Ok(beginning);
    };
    let Some(last) = row.start.last else {
        // Nothing carries into this day; what comes before it cannot change.
        return Ok(if row.start == FoldState::EMPTY {
            beginning
        } else {
            (day, row.start)
        });
    };
    let from = filing_day(zone, last.at.0);
    match day_row(conn, series, from)? {
        Some(row) if row.start != FoldState::EMPTY => Ok((from, row.start)),
        _ => Ok(beginning),
    }
}
