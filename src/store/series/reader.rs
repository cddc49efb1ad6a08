//! Queries beside the writer.
//!
//! A reader sees what the writer has committed; what has only gathered in memory, or is not settled,
//! it does not. A caller that wants a series up to date asks the writer first
//! ([`super::SeriesStore::settle`]). Every blob's content hash is checked; a row that does not match
//! is an error, never a number.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use domain::{
    calendar::{HalfHours, LocalDay, Zone},
    metering::{
        SeriesId,
        energy::{Energy, HalfHourEnergy},
    },
};
use rusqlite::{Connection, OpenFlags};

use super::{
    dump,
    key::{GROUP, day_key, day_of_key},
    rows::{frontier, open_day},
    run::{self, GroupStream},
    schema,
    side::{self, IntervalEnergy, UnplacedRegister},
};
use crate::{
    codec::{
        block::{Columns, Unpacker},
        halves,
    },
    error::StoreError,
};

/// Idle connections that are kept.
const IDLE_MAX: usize = 8;

struct Idle {
    conn: Connection,
    unpacker: Unpacker,
}

/// Connections that only read; shared between threads.
pub struct SeriesReader {
    path: PathBuf,
    pub(super) zone: Zone,
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

    pub(super) fn with<T>(
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

    /// The journal position up to which everything is on disk; 0 for a file without tables, which is
    /// what a power cut right after its first opening leaves.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn position(&self) -> Result<u64, StoreError> {
        self.with(|conn, _| {
            if !conn.table_exists(None, "meta")? {
                return Ok(0);
            }
            Ok(super::writer::meta::<i64>(conn, "position")?
                .unwrap_or(0)
                .cast_unsigned())
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

    /// Lets go of the connections that wait for the next question: a file whose writer is the last to
    /// leave it is left whole, without a log beside it.
    pub fn rest(&self) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
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

/// A half hour without energy has no boundaries: whether a read lies on one of them depends on its
/// neighbours, of which nothing is stored where nothing is known.
pub(crate) fn forget_empty_boundaries(halves: &mut [HalfHourEnergy]) {
    for half in halves.iter_mut().filter(|half| half.covered_ms == 0) {
        *half = HalfHourEnergy::missing(half.half_hour);
    }
}
