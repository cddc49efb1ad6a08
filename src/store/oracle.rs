//! The plain store: one row a reading, everything computed from all rows in the simplest way.
//!
//! It serves the tests as oracle. It is slow on purpose: each question reads every row of the series,
//! judges the whole set and makes the half hours of it.

use std::{collections::BTreeMap, path::Path};

use domain::{
    calendar::{HalfHours, Instant, LocalDay, Zone},
    metering::{
        Judged, Point, ReadSet, SeriesId,
        energy::{Energy, HalfHourEnergy, half_hours},
        judge,
    },
};
use rusqlite::{Connection, params};

use crate::{
    codec::block::Row,
    error::StoreError,
    placed::PlacedRead,
    series::{SeriesDef, forget_empty_boundaries, read_of, row_of},
};

/// One row a reading.
#[derive(Debug)]
pub struct RowStore {
    conn: Connection,
    zone: Zone,
    defs: BTreeMap<SeriesId, SeriesDef>,
}

impl RowStore {
    /// Opens or makes the file; `:memory:` for none.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn open(path: &Path, zone: Zone) -> Result<RowStore, StoreError> {
        let conn = Connection::open(path)?;
        conn.execute_batch(
            "CREATE TABLE IF NOT EXISTS read (
                series INTEGER NOT NULL, at INTEGER NOT NULL, wh INTEGER NOT NULL,
                w INTEGER NOT NULL, lag_s INTEGER NOT NULL, source INTEGER NOT NULL,
                PRIMARY KEY (series, at, wh)
            ) STRICT, WITHOUT ROWID;",
        )?;
        Ok(RowStore {
            conn,
            zone,
            defs: BTreeMap::new(),
        })
    }

    /// Makes a series known or changes what it is judged by.
    pub fn define(&mut self, def: SeriesDef) {
        self.defs.insert(def.id, def);
    }

    /// Takes reads; twice is once, and the weightiest source and of those the earliest arrival stays.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn apply(&mut self, reads: impl IntoIterator<Item = PlacedRead>) -> Result<(), StoreError> {
        let tx = self.conn.transaction()?;
        {
            let mut put = tx.prepare_cached(
                "INSERT INTO read (series, at, wh, w, lag_s, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET
                     w = excluded.w, lag_s = excluded.lag_s, source = excluded.source
                 WHERE (CASE excluded.source WHEN 5 THEN 0 WHEN 4 THEN 1 WHEN 7 THEN 3 WHEN 6 THEN 4 ELSE 2 END,
                        excluded.lag_s, excluded.source, excluded.w)
                     < (CASE source WHEN 5 THEN 0 WHEN 4 THEN 1 WHEN 7 THEN 3 WHEN 6 THEN 4 ELSE 2 END,
                        lag_s, source, w)",
            )?;
            for read in reads {
                let row = row_of(
                    read.series.0,
                    read.at,
                    read.wh,
                    read.w,
                    read.received,
                    read.source,
                );
                put.execute(params![
                    row.series, row.at, row.wh, row.w, row.lag_s, row.source
                ])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Every read of a series, judged, with the chain of points; `None` when it is not defined.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn judged(&self, series: SeriesId) -> Result<Option<Judged>, StoreError> {
        let Some(def) = self.defs.get(&series) else {
            return Ok(None);
        };
        let mut select = self.conn.prepare_cached(
            "SELECT at, wh, w, lag_s, source FROM read WHERE series = ?1 ORDER BY at, wh",
        )?;
        let rows = select.query_map([series.0], |row| {
            Ok(read_of(&Row {
                series: series.0,
                at: row.get(0)?,
                wh: row.get(1)?,
                w: row.get(2)?,
                lag_s: row.get(3)?,
                source: row.get(4)?,
            }))
        })?;
        let set = ReadSet::of(rows.collect::<Result<_, _>>()?);
        Ok(Some(judge(&def.rules, &def.decisions, &set)))
    }

    /// The half hours of the local days `from..=to`.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn half_hours(
        &self,
        series: SeriesId,
        from: LocalDay,
        to: LocalDay,
    ) -> Result<Vec<HalfHourEnergy>, StoreError> {
        let run = HalfHours::new(
            self.zone.half_hours_of(from).start,
            self.zone.half_hours_of(to).end,
        );
        let Some(judged) = self.judged(series)? else {
            return Ok(run.iter().map(HalfHourEnergy::missing).collect());
        };
        let points = judged.points;
        let place = |at: Instant| points.partition_point(|p: &Point| p.at < at);
        let (first, last) = (place(run.start.start()), place(run.end.start()));
        // A life that was closed before carries nothing over.
        let before = first.checked_sub(1).map(|n| points[n]);
        let after = points.get(last).copied();
        let mut halves = half_hours(run, before, &points[first..last], after);
        forget_empty_boundaries(&mut halves);
        Ok(halves)
    }

    /// The energy of each local day `from..=to`.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn day_energies(
        &self,
        series: SeriesId,
        from: LocalDay,
        to: LocalDay,
    ) -> Result<Vec<(LocalDay, Energy)>, StoreError> {
        let all = self.half_hours(series, from, to)?;
        Ok(from
            .through(to)
            .map(|day| {
                let run = self.zone.half_hours_of(day);
                let parts: Vec<_> = all
                    .iter()
                    .filter(|half| run.contains(half.half_hour))
                    .copied()
                    .collect();
                (day, Energy::of_half_hours(run, &parts))
            })
            .collect())
    }
}
