//! The one writer of `series.sqlite`.
//!
//! Reads gather in memory in journal order and go to disk in a *flush*: one transaction that holds a
//! new run, the small tables, what was settled because of it, and the journal position. A crash loses
//! what had gathered, and the journal gives it again from [`SeriesStore::position`]; sending anything
//! twice changes nothing, because reads are a set.
//!
//! What a flush leaves for later is done in steps of groups, so that a caller can apply reads between
//! them: [`SeriesStore::merge`] makes one run of the flushed ones, [`SeriesStore::close_days`] moves
//! the days that are over to their own rows and settles every series on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{
    calendar::{Instant, Zone},
    metering::{Obis, SeriesId, Source, bindings::Bindings},
    quantity::WattHours,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    define::{Def, def_of},
    key::GROUP,
    reader::SeriesReader,
    run::{FLUSHED, RunWriter},
    schema,
    settle::{Settler, TouchedDay},
    side::{self, IntervalEnergy, Side},
    tidy::settle_behind,
};
use crate::{
    codec::block::{Packer, Row, Unpacker, sort_and_unite},
    error::StoreError,
    placed::{PlacedRead, UnplacedRead},
};

/// Flushed runs of a group that are merged into one.
pub const RUNS_TO_MERGE: u16 = 32;
/// Up to so many series with new reads are settled in the flush; with more, settling waits for a
/// query, or for the day to close.
pub const SETTLE_AT_FLUSH: usize = 20_000;

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct SeriesOptions {
    /// The society's zone: where its days are cut.
    pub zone: Zone,
    /// Reads that gather in memory before a flush; 32 bytes each.
    pub flush_reads: usize,
}

impl SeriesOptions {
    /// 4 million reads (128 MB) between flushes.
    #[must_use]
    pub fn new(zone: Zone) -> SeriesOptions {
        SeriesOptions {
            zone,
            flush_reads: 4 << 20,
        }
    }
}

/// What a flush did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Reads written, without those that had gathered twice.
    pub reads: u64,
    /// Bytes of their blocks.
    pub bytes: u64,
    /// Unplaced reads for which there was no room.
    pub unplaced_over: u64,
    /// Days whose energy or findings changed.
    pub touched: Vec<TouchedDay>,
    /// Series that were judged again from before their last read, because of a late read, a meter
    /// event, a decision or other rules.
    pub again: Vec<SeriesId>,
}

/// How far behind the store is and what waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Journal position on disk.
    pub position: u64,
    /// Journal position in memory.
    pub applied: u64,
    /// Reads in memory.
    pub reads: usize,
    /// Groups with enough flushed runs to merge.
    pub to_merge: usize,
}

/// What the writer remembers of a group's runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GroupRuns {
    pub(super) flushed: u16,
    pub(super) first_at: Option<i64>,
}

/// The one writer.
pub struct SeriesStore {
    path: PathBuf,
    pub(super) conn: Connection,
    pub(super) options: SeriesOptions,
    pub(super) packer: Packer,
    pub(super) unpacker: Unpacker,
    pub(super) gathered: Vec<Row>,
    pub(super) side: Side,
    /// Registers entered since the store was opened: reads of them may have been decoded before.
    pub(super) fresh: BTreeMap<(Box<str>, Obis), u32>,
    /// Which gateway may send the reads of which meter, for those whose register is entered late.
    pub(super) bindings: Arc<Bindings>,
    position: u64,
    applied: u64,
    pub(super) next_run: i64,
    pub(super) defs: Vec<Option<Def>>,
    /// Series of which every read on disk is settled.
    pub(super) clean: Vec<bool>,
    /// Series whose rules, events or decisions changed and that wait to be settled.
    pub(super) pending: BTreeSet<u32>,
    pub(super) groups: Vec<GroupRuns>,
    /// Series to settle although many have new reads, with the number of flushes left to do it in.
    suspects: Vec<(u32, u8)>,
}

impl std::fmt::Debug for SeriesStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeriesStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A read as it lies in memory; see [`Row`].
pub(crate) fn row_of(
    series: u32,
    at: Instant,
    wh: WattHours,
    w: i32,
    received: Instant,
    source: Source,
) -> Row {
    let lag = received.0.saturating_sub(at.0).div_euclid(1000);
    let lag_s = lag.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    Row {
        at: at.0,
        wh: wh.0,
        series,
        w,
        lag_s,
        source: source_code(source),
    }
}

/// The reverse of [`row_of`].
pub(crate) fn placed_of(row: &Row) -> PlacedRead {
    let read = super::fold::read_of(row);
    PlacedRead {
        series: SeriesId(row.series),
        at: read.at,
        wh: read.wh,
        w: row.w,
        received: read.received,
        source: read.source,
    }
}

pub(crate) fn source_code(source: Source) -> u8 {
    source.code()
}

impl SeriesStore {
    /// Opens the file for the one writer, making it when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses, the schema is newer, or the file was made for another
    /// zone.
    pub fn open(path: &Path, options: SeriesOptions) -> Result<SeriesStore, StoreError> {
        let mut conn = Connection::open(path)?;
        schema::prepare_writer(&mut conn)?;
        let zone: Option<String> = meta(&conn, "zone")?;
        match zone {
            None => put_meta(&conn, "zone", options.zone.name())?,
            Some(have) if have == options.zone.name() => {}
            Some(have) => {
                return Err(StoreError::Zone {
                    given: options.zone.name().to_owned(),
                    have,
                });
            }
        }
        let position = meta::<i64>(&conn, "position")?.unwrap_or(0).cast_unsigned();
        let next_run = meta(&conn, "next_run")?.unwrap_or(1);
        let mut pending = BTreeSet::new();
        {
            let mut select = conn.prepare("SELECT series FROM pending")?;
            for series in select.query_map([], |row| row.get::<_, u32>(0))? {
                pending.insert(series?);
            }
        }
        let mut store = SeriesStore {
            path: path.to_owned(),
            packer: Packer::new()?,
            unpacker: Unpacker::new()?,
            gathered: Vec::new(),
            side: Side::default(),
            fresh: BTreeMap::new(),
            bindings: Arc::default(),
            position,
            applied: position,
            next_run,
            defs: Vec::new(),
            clean: Vec::new(),
            pending,
            groups: Vec::new(),
            suspects: Vec::new(),
            conn,
            options,
        };
        store.count_runs()?;
        Ok(store)
    }

    /// Leaves the file whole: everything in it and no log beside it, when nobody else has it open.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses; nothing is lost then.
    pub fn close(self) -> Result<(), StoreError> {
        self.conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.conn.close().map_err(|(_, error)| error)?;
        Ok(())
    }

    /// The journal position up to which everything is on disk: where a replay begins.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// What waits in memory and on disk.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        Waiting {
            position: self.position,
            applied: self.applied,
            reads: self.gathered.len(),
            to_merge: self
                .groups
                .iter()
                .filter(|g| g.flushed >= RUNS_TO_MERGE)
                .count(),
        }
    }

    /// Connections for queries beside the writer.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn reader(&self) -> Result<SeriesReader, StoreError> {
        SeriesReader::open(&self.path, self.options.zone.clone())
    }

    /// Takes the reads of journal records up to `position` (the next one to read). Flushes when
    /// enough have gathered.
    ///
    /// # Errors
    /// [`StoreError`] when `position` lies before what was applied, or a flush fails.
    pub fn apply(
        &mut self,
        position: u64,
        placed: impl IntoIterator<Item = PlacedRead>,
        unplaced: impl IntoIterator<Item = UnplacedRead>,
    ) -> Result<Option<Flushed>, StoreError> {
        self.advance(position)?;
        self.gathered.extend(
            placed
                .into_iter()
                .map(|r| row_of(r.series.0, r.at, r.wh, r.w, r.received, r.source)),
        );
        self.side.unplaced.extend(unplaced);
        if self.gathered.len() < self.options.flush_reads
            && (self.side.unplaced.len() as u64) < side::UNPLACED_MAX
        {
            return Ok(None);
        }
        self.flush().map(Some)
    }

    /// Takes imported interval energy of journal records up to `position`.
    ///
    /// # Errors
    /// [`StoreError::Backwards`] when `position` lies before what was applied.
    pub fn apply_intervals(
        &mut self,
        position: u64,
        rows: impl IntoIterator<Item = IntervalEnergy>,
    ) -> Result<(), StoreError> {
        self.advance(position)?;
        self.side.intervals.extend(rows);
        Ok(())
    }

    /// Notes what a gateway may be told is on disk, as of the position that was applied last; the
    /// last note before a flush is kept.
    pub fn note_receipt(&mut self, gateway: &str, state: &[u8]) {
        match self.side.receipts.last_mut() {
            Some((last, kept)) if **last == *gateway => *kept = state.into(),
            _ => self.side.receipts.push((gateway.into(), state.into())),
        }
    }

    /// Says which gateway may send the reads of which meter; before the definitions of the registers
    /// that came with it.
    pub fn bind(&mut self, bindings: Arc<Bindings>) {
        self.bindings = bindings;
    }

    /// Names series whose reads failed the quick look ([`crate::Live::take_suspects`]): the next two
    /// flushes settle them, however many others have new reads.
    pub fn suspect(&mut self, series: &[SeriesId]) {
        self.suspects.extend(series.iter().map(|s| (s.0, 2)));
    }

    pub(super) fn count_runs(&mut self) -> Result<(), StoreError> {
        self.groups.clear();
        let mut select = self.conn.prepare(
            "SELECT grp, count(DISTINCT CASE level WHEN 0 THEN run END), min(first_at)
             FROM run_block GROUP BY grp ORDER BY grp",
        )?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            let place = row.get::<_, u32>(0)? as usize;
            self.groups.resize(place + 1, GroupRuns::default());
            self.groups[place] = GroupRuns {
                flushed: row.get(1)?,
                first_at: row.get(2)?,
            };
        }
        Ok(())
    }

    fn advance(&mut self, position: u64) -> Result<(), StoreError> {
        if position < self.applied {
            return Err(StoreError::Backwards {
                given: position,
                have: self.applied,
            });
        }
        self.applied = position;
        Ok(())
    }

    /// Writes what has gathered, settles what it touched, and moves the position, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; everything stays gathered then, and nothing was changed on disk.
    pub fn flush(&mut self) -> Result<Flushed, StoreError> {
        let idle = self.gathered.is_empty() && self.side.is_empty() && self.pending.is_empty();
        if idle && self.applied == self.position {
            return Ok(Flushed::default());
        }
        self.place_fresh();
        sort_and_unite(&mut self.gathered);
        let run = self.next_run;
        let tx = self.conn.transaction()?;
        let mut flushed = Flushed {
            reads: self.gathered.len() as u64,
            ..Flushed::default()
        };
        let mut blocks = RunWriter::new(&tx, &mut self.packer, run, FLUSHED, 0, 0)?;
        blocks.push(&self.gathered)?;
        flushed.bytes = blocks.finish()?;
        flushed.unplaced_over = self.side.write(&tx)?;
        put_meta(&tx, "position", self.applied.cast_signed())?;
        put_meta(&tx, "next_run", run + 1)?;

        let mut settler = Settler::new(&tx, &self.options.zone)?;
        let mut behind: Vec<u32> = self.pending.iter().copied().collect();
        behind.extend(self.suspects.iter().map(|s| s.0));
        let of_each = || self.gathered.chunk_by(|a, b| a.series == b.series);
        let settle_all = of_each().take(SETTLE_AT_FLUSH + 1).count() <= SETTLE_AT_FLUSH;
        for rows in of_each().filter(|_| settle_all) {
            let series = rows[0].series;
            let Some(def) = def_of(&self.defs, series) else {
                continue;
            };
            let clean = self.clean.get(series as usize).is_some_and(|c| *c);
            let appended = clean
                && !self.pending.contains(&series)
                && settler.append(series, def, rows, run)?;
            if !appended {
                behind.push(series);
            }
        }
        behind.sort_unstable();
        behind.dedup();
        settle_behind(&tx, &mut settler, &mut self.unpacker, &self.defs, &behind)?;
        flushed.touched = settler.finish();
        tx.commit()?;

        for rows in self.gathered.chunk_by(|a, b| a.series == b.series) {
            set_clean(&mut self.clean, rows[0].series, settle_all);
        }
        for series in behind {
            if def_of(&self.defs, series).is_some() {
                set_clean(&mut self.clean, series, true);
                self.pending.remove(&series);
                flushed.again.push(SeriesId(series));
            }
        }
        for suspect in &mut self.suspects {
            suspect.1 -= 1;
        }
        self.suspects.retain(|s| s.1 > 0);
        note_flush(&mut self.groups, &self.gathered);
        self.gathered.clear();
        self.side = Side::default();
        self.position = self.applied;
        self.next_run = run + 1;
        Ok(flushed)
    }
}

pub(crate) fn set_clean(clean: &mut Vec<bool>, series: u32, is: bool) {
    let place = series as usize;
    if clean.len() <= place {
        clean.resize(place + 1, false);
    }
    clean[place] = is;
}

pub(super) fn meta<T: rusqlite::types::FromSql>(
    conn: &Connection,
    key: &str,
) -> Result<Option<T>, StoreError> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(select.query_row([key], |row| row.get(0)).optional()?)
}

pub(super) fn put_meta(
    conn: &Connection,
    key: &str,
    value: impl rusqlite::ToSql,
) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])?;
    Ok(())
}

/// Counts what one more flushed run brought to each group.
fn note_flush(groups: &mut Vec<GroupRuns>, rows: &[Row]) {
    for of_group in rows.chunk_by(|a, b| a.series / GROUP == b.series / GROUP) {
        let place = (of_group[0].series / GROUP) as usize;
        if groups.len() <= place {
            groups.resize(place + 1, GroupRuns::default());
        }
        let group = &mut groups[place];
        group.flushed = group.flushed.saturating_add(1);
        let first = of_group.iter().map(|r| r.at).min();
        group.first_at = group.first_at.into_iter().chain(first).min();
    }
}
