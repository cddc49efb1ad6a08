//! Runs: what a flush writes, and how the reads of neighbouring series are found in them again.
//!
//! A flush sorts the reads that have gathered in memory by (series, time, value) and writes them as
//! one *run*: for each group of 1,024 neighbouring series one or more blocks of at most
//! [`BLOCK_READS`] reads. Runs of level 0 come from flushes, of level 1 from merges. A block's run is
//! the newest whose reads it holds, so "settled up to run n" stays true across merges. A group is the
//! unit of every later change: its blocks are merged, moved to closed days and deleted in one
//! transaction, whatever the other groups are doing.
//!
//! [`GroupStream`] walks the reads of a group in order of series, across all runs, one decoded block
//! a run in memory.

use rusqlite::{CachedStatement, Connection, params};

use super::key::GROUP;
use crate::{
    codec::{
        block::{Columns, Effort, Packer, Row, Unpacker, sort_and_unite},
        seal,
    },
    error::StoreError,
};

/// Reads after which a block is cut.
pub(crate) const BLOCK_READS: usize = 16_384;
/// Level of a run that a flush wrote.
pub(crate) const FLUSHED: u8 = 0;
/// Level of a run that a merge wrote.
pub(crate) const MERGED: u8 = 1;

const TAG: u8 = 1;

/// Writes blocks of one run in order of series and key.
pub(crate) struct RunWriter<'c, 'p> {
    insert: CachedStatement<'c>,
    packer: &'p mut Packer,
    run: i64,
    level: u8,
    part: i64,
    group: u32,
    rows: Vec<Row>,
    /// Bytes of blocks written.
    pub(crate) bytes: u64,
}

impl<'c, 'p> RunWriter<'c, 'p> {
    pub(crate) fn new(
        conn: &'c Connection,
        packer: &'p mut Packer,
        run: i64,
        level: u8,
        group: u32,
        first_part: i64,
    ) -> Result<RunWriter<'c, 'p>, StoreError> {
        let insert = conn.prepare_cached(
            "INSERT INTO run_block
             (grp, run, part, level, first_series, last_series, first_at, last_at, reads, block)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        Ok(RunWriter {
            insert,
            packer,
            run,
            level,
            part: first_part,
            group,
            rows: Vec::new(),
            bytes: 0,
        })
    }

    /// Adds rows that are sorted, and not before those added earlier.
    pub(crate) fn push(&mut self, mut rows: &[Row]) -> Result<(), StoreError> {
        while let Some(first) = rows.first() {
            let group = first.series / GROUP;
            if group != self.group || self.rows.len() >= BLOCK_READS {
                self.cut()?;
                if group != self.group {
                    (self.group, self.part) = (group, 0);
                }
            }
            let room = BLOCK_READS - self.rows.len();
            let same = rows
                .iter()
                .take(room)
                .take_while(|r| r.series / GROUP == group)
                .count();
            let (now, later) = rows.split_at(same);
            self.rows.extend_from_slice(now);
            rows = later;
        }
        Ok(())
    }

    /// Writes what is gathered and gives the number of bytes in all blocks.
    pub(crate) fn finish(mut self) -> Result<u64, StoreError> {
        self.cut()?;
        Ok(self.bytes)
    }

    fn cut(&mut self) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else {
            return Ok(());
        };
        let (first_series, last_series) = (first.series, last.series);
        let first_at = self.rows.iter().map(|r| r.at).min().unwrap_or(0);
        let last_at = self.rows.iter().map(|r| r.at).max().unwrap_or(0);
        let effort = if self.level == FLUSHED {
            Effort::Flush
        } else {
            Effort::Keep
        };
        let mut block = self.packer.encode(&self.rows, effort)?;
        let key = [
            i64::from(self.group),
            self.run,
            self.part,
            i64::from(self.level),
            i64::from(first_series),
            i64::from(last_series),
            first_at,
            last_at,
        ];
        seal::seal(TAG, &key, &mut block);
        self.bytes += block.len() as u64;
        self.insert.execute(params![
            self.group,
            self.run,
            self.part,
            self.level,
            first_series,
            last_series,
            first_at,
            last_at,
            self.rows.len() as i64,
            block
        ])?;
        self.part += 1;
        self.rows.clear();
        Ok(())
    }
}

/// The columns of a block beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockHead {
    id: i64,
    group: u32,
    pub(crate) run: i64,
    pub(crate) part: i64,
    pub(crate) level: u8,
    pub(crate) first_series: u32,
    pub(crate) last_series: u32,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
}

/// The heads of a group's blocks, by run and part.
pub(crate) fn heads(conn: &Connection, group: u32) -> Result<Vec<BlockHead>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT id, run, part, level, first_series, last_series, first_at, last_at
         FROM run_block WHERE grp = ?1 ORDER BY run, part",
    )?;
    let heads = select.query_map([group], |row| {
        Ok(BlockHead {
            id: row.get(0)?,
            group,
            run: row.get(1)?,
            part: row.get(2)?,
            level: row.get(3)?,
            first_series: row.get(4)?,
            last_series: row.get(5)?,
            first_at: row.get(6)?,
            last_at: row.get(7)?,
        })
    })?;
    Ok(heads.collect::<Result<_, _>>()?)
}

/// Appends the rows of a block to `out`.
pub(crate) fn load(
    conn: &Connection,
    unpacker: &mut Unpacker,
    head: &BlockHead,
    columns: Columns,
    only: Option<u32>,
    out: &mut Vec<Row>,
) -> Result<(), StoreError> {
    let mut select = conn.prepare_cached("SELECT block FROM run_block WHERE id = ?1")?;
    let mut found = select.query([head.id])?;
    let row = found.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let blob = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
    let key = [
        i64::from(head.group),
        head.run,
        head.part,
        i64::from(head.level),
        i64::from(head.first_series),
        i64::from(head.last_series),
        head.first_at,
        head.last_at,
    ];
    seal::open(TAG, &key, blob)
        .and_then(|payload| unpacker.decode(payload, columns, only, out))
        .map_err(StoreError::damaged(
            "run_block",
            format_args!("group {} run {} part {}", head.group, head.run, head.part),
        ))
}

/// Deletes blocks.
pub(crate) fn delete(conn: &Connection, heads: &[BlockHead]) -> Result<(), StoreError> {
    let mut delete = conn.prepare_cached("DELETE FROM run_block WHERE id = ?1")?;
    for head in heads {
        delete.execute([head.id])?;
    }
    Ok(())
}

/// The reads of one series in the runs of its group.
#[derive(Debug, Default)]
pub(crate) struct SeriesRows {
    pub(crate) series: u32,
    /// Sorted, each key once.
    pub(crate) rows: Vec<Row>,
    /// First and last time of the rows that newer runs than the one asked for added.
    pub(crate) fresh: Option<(i64, i64)>,
}

struct RunCursor {
    run: i64,
    heads: std::vec::IntoIter<BlockHead>,
    rows: Vec<Row>,
    next: usize,
}

/// Walks the reads of a group's runs, series by series.
pub(crate) struct GroupStream<'c, 'u> {
    conn: &'c Connection,
    unpacker: &'u mut Unpacker,
    columns: Columns,
    only: Option<u32>,
    cursors: Vec<RunCursor>,
}

impl<'c, 'u> GroupStream<'c, 'u> {
    /// Over `heads`, which are sorted by run and part, for series `only` when it is given.
    pub(crate) fn new(
        conn: &'c Connection,
        unpacker: &'u mut Unpacker,
        heads: &[BlockHead],
        columns: Columns,
        only: Option<u32>,
    ) -> GroupStream<'c, 'u> {
        let wanted =
            |h: &&BlockHead| only.is_none_or(|s| h.first_series <= s && s <= h.last_series);
        let cursors = heads
            .chunk_by(|a, b| a.run == b.run)
            .map(|of_run| RunCursor {
                run: of_run[0].run,
                heads: of_run
                    .iter()
                    .filter(wanted)
                    .copied()
                    .collect::<Vec<_>>()
                    .into_iter(),
                rows: Vec::new(),
                next: 0,
            })
            .filter(|cursor| cursor.heads.len() > 0)
            .collect();
        GroupStream {
            conn,
            unpacker,
            columns,
            only,
            cursors,
        }
    }

    /// The series that comes next, without its reads.
    pub(crate) fn peek(&mut self) -> Result<Option<u32>, StoreError> {
        let mut least = None;
        for cursor in &mut self.cursors {
            if fill(self.conn, self.unpacker, self.columns, self.only, cursor)? {
                let series = cursor.rows[cursor.next].series;
                least = Some(least.map_or(series, |l: u32| l.min(series)));
            }
        }
        Ok(least)
    }

    /// Passes over the next series.
    pub(crate) fn skip(&mut self) -> Result<(), StoreError> {
        let Some(series) = self.peek()? else {
            return Ok(());
        };
        for cursor in &mut self.cursors {
            while fill(self.conn, self.unpacker, self.columns, self.only, cursor)? {
                let rest = &cursor.rows[cursor.next..];
                cursor.next += rest.partition_point(|r| r.series == series);
                if cursor.next < cursor.rows.len() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The reads of the next series; `fresh` spans those that runs after `settled` added or changed.
    pub(crate) fn take(&mut self, settled: i64) -> Result<Option<SeriesRows>, StoreError> {
        let Some(series) = self.peek()? else {
            return Ok(None);
        };
        let mut old = Vec::new();
        let mut new = Vec::new();
        for cursor in &mut self.cursors {
            let into = if cursor.run <= settled {
                &mut old
            } else {
                &mut new
            };
            while fill(self.conn, self.unpacker, self.columns, self.only, cursor)? {
                let rest = &cursor.rows[cursor.next..];
                let count = rest.partition_point(|r| r.series == series);
                into.extend_from_slice(&rest[..count]);
                cursor.next += count;
                if cursor.next < cursor.rows.len() {
                    break;
                }
            }
        }
        sort_and_unite(&mut old);
        sort_and_unite(&mut new);
        let fresh = span_of_news(&old, &new);
        if old.is_empty() {
            old = new;
        } else if !new.is_empty() {
            old.append(&mut new);
            sort_and_unite(&mut old);
        }
        Ok(Some(SeriesRows {
            series,
            rows: old,
            fresh,
        }))
    }
}

/// Whether the cursor stands on a row, after loading the next block if it must.
fn fill(
    conn: &Connection,
    unpacker: &mut Unpacker,
    columns: Columns,
    only: Option<u32>,
    cursor: &mut RunCursor,
) -> Result<bool, StoreError> {
    while cursor.next >= cursor.rows.len() {
        let Some(head) = cursor.heads.next() else {
            return Ok(false);
        };
        cursor.rows.clear();
        cursor.next = 0;
        load(conn, unpacker, &head, columns, only, &mut cursor.rows)?;
    }
    Ok(true)
}

/// The span of the rows of `new` that are not in `old` already in the same or a better form.
fn span_of_news(old: &[Row], new: &[Row]) -> Option<(i64, i64)> {
    let mut span: Option<(i64, i64)> = None;
    for row in new {
        let known = old
            .binary_search_by_key(&row.key(), Row::key)
            .is_ok_and(|at| old[at].rank() <= row.rank());
        if !known {
            span = Some(span.map_or((row.at, row.at), |(a, b)| (a.min(row.at), b.max(row.at))));
        }
    }
    span
}
