//! What a flush leaves for later: settling on demand, merging runs, closing days.
//!
//! Each works group by group, a transaction each, so that the caller can apply reads between two
//! groups and a crash leaves every group as it was before or after.

use std::collections::BTreeSet;

use domain::{calendar::LocalDay, metering::SeriesId};
use rusqlite::{Connection, TransactionBehavior};

use super::{
    days,
    define::{Def, def_of},
    key::{DayCutter, GROUP},
    rows::{frontier, lift_frontier},
    run::{self, BlockHead, FLUSHED, GroupStream, MERGED, RunWriter, SeriesRows},
    settle::{Settler, TouchedDay},
    writer::{RUNS_TO_MERGE, SeriesStore, set_clean},
};
use crate::{
    codec::block::{Columns, Row, Unpacker},
    error::StoreError,
};

/// Of a group with more series to settle than this all reads are walked at once.
const ONE_BY_ONE: usize = 4;

/// What a step of closing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Whether groups are left.
    pub more: bool,
    /// Days whose energy or findings changed.
    pub touched: Vec<TouchedDay>,
}

/// Settles `series`, sorted, with their reads in runs and closed days.
pub(crate) fn settle_behind(
    conn: &Connection,
    settler: &mut Settler<'_>,
    unpacker: &mut Unpacker,
    defs: &[Option<Def>],
    series: &[u32],
) -> Result<(), StoreError> {
    for of_group in series.chunk_by(|a, b| a / GROUP == b / GROUP) {
        let heads = run::heads(conn, of_group[0] / GROUP)?;
        let newest = heads.last().map_or(0, |head| head.run);
        if of_group.len() <= ONE_BY_ONE {
            for &one in of_group {
                let Some(def) = def_of(defs, one) else {
                    continue;
                };
                let settled = frontier(conn, one)?.map_or(0, |f| f.run);
                let mut stream = GroupStream::new(conn, unpacker, &heads, Columns::All, Some(one));
                let rows = stream.take(settled)?.unwrap_or(SeriesRows {
                    series: one,
                    ..SeriesRows::default()
                });
                settler.settle(one, def, &rows, newest)?;
            }
            continue;
        }
        let mut stream = GroupStream::new(conn, unpacker, &heads, Columns::All, None);
        for &next in of_group {
            let Some(def) = def_of(defs, next) else {
                continue;
            };
            while stream.peek()?.is_some_and(|here| here < next) {
                stream.skip()?;
            }
            let settled = frontier(conn, next)?.map_or(0, |f| f.run);
            let rows = match stream.peek()? {
                Some(here) if here == next => stream.take(settled)?,
                _ => None,
            };
            let rows = rows.unwrap_or(SeriesRows {
                series: next,
                ..SeriesRows::default()
            });
            settler.settle(next, def, &rows, newest)?;
        }
    }
    Ok(())
}

impl SeriesStore {
    /// Writes what has gathered and settles `series`, so that a query finds them up to date. Gives
    /// the days whose energy or findings changed.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed on disk by the step that failed.
    pub fn settle(&mut self, series: &[SeriesId]) -> Result<Vec<TouchedDay>, StoreError> {
        let mut touched = self.flush()?.touched;
        let mut behind: Vec<u32> = series.iter().map(|s| s.0).collect();
        behind.retain(|s| !self.clean.get(*s as usize).is_some_and(|clean| *clean));
        behind.sort_unstable();
        behind.dedup();
        if behind.is_empty() {
            return Ok(touched);
        }
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut settler = Settler::new(&tx, &self.options.zone)?;
        settle_behind(&tx, &mut settler, &mut self.unpacker, &self.defs, &behind)?;
        touched.append(&mut settler.finish());
        tx.commit()?;
        for one in behind {
            if def_of(&self.defs, one).is_some() {
                set_clean(&mut self.clean, one, true);
                self.pending.remove(&one);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        Ok(touched)
    }

    /// Settles every series that is defined; for `verify` and `rebuild`.
    ///
    /// # Errors
    /// As [`SeriesStore::settle`].
    pub fn settle_all(&mut self) -> Result<Vec<TouchedDay>, StoreError> {
        let all: Vec<SeriesId> = (0_u32..)
            .zip(&self.defs)
            .filter(|(_, def)| def.is_some())
            .map(|(id, _)| SeriesId(id))
            .collect();
        let mut touched = Vec::new();
        for some in all.chunks(GROUP as usize) {
            touched.append(&mut self.settle(some)?);
        }
        Ok(touched)
    }

    /// Merges the flushed runs of up to `groups` groups that have [`RUNS_TO_MERGE`] of them. Gives
    /// whether groups are left.
    ///
    /// # Errors
    /// [`StoreError`]; the group that failed is as it was.
    pub fn merge(&mut self, groups: usize) -> Result<bool, StoreError> {
        self.merge_from(RUNS_TO_MERGE, groups)
    }

    /// Merges the flushed runs of all groups, however few there are.
    ///
    /// # Errors
    /// As [`SeriesStore::merge`].
    pub fn merge_all(&mut self) -> Result<(), StoreError> {
        while self.merge_from(2, usize::MAX)? {}
        Ok(())
    }

    fn merge_from(&mut self, runs: u16, groups: usize) -> Result<bool, StoreError> {
        let due: Vec<u32> = (0_u32..)
            .zip(&self.groups)
            .filter(|(_, group)| group.flushed >= runs)
            .map(|(group, _)| group)
            .collect();
        for &group in due.iter().take(groups) {
            self.merge_group(group)?;
        }
        Ok(due.len() > groups)
    }

    fn merge_group(&mut self, group: u32) -> Result<(), StoreError> {
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let all = run::heads(&tx, group)?;
        let flushed: Vec<BlockHead> = all.iter().filter(|h| h.level == FLUSHED).copied().collect();
        if let Some(newest) = flushed.last().map(|head| head.run) {
            let part = first_free_part(&all, newest);
            let mut merged = RunWriter::new(&tx, &mut self.packer, newest, MERGED, group, part)?;
            let mut stream =
                GroupStream::new(&tx, &mut self.unpacker, &flushed, Columns::All, None);
            while let Some(rows) = stream.take(i64::MAX)? {
                merged.push(&rows.rows)?;
                if self
                    .clean
                    .get(rows.series as usize)
                    .is_some_and(|clean| *clean)
                {
                    lift_frontier(&tx, rows.series, newest)?;
                }
            }
            merged.finish()?;
            run::delete(&tx, &flushed)?;
        }
        tx.commit()?;
        self.groups[group as usize].flushed = 0;
        Ok(())
    }

    /// Moves the reads of days before `today` into rows of their own, in up to `groups` groups, and
    /// settles every series on the way. Call it again while there is more; reads may be applied
    /// between two calls.
    ///
    /// # Errors
    /// [`StoreError`]; the group that failed is as it was.
    pub fn close_days(&mut self, today: LocalDay, groups: usize) -> Result<Closed, StoreError> {
        let mut closed = Closed {
            more: false,
            touched: self.flush()?.touched,
        };
        let start = self.options.zone.day_span(today).start.0;
        let due: Vec<u32> = (0_u32..)
            .zip(&self.groups)
            .filter(|(_, group)| group.first_at.is_some_and(|at| at < start))
            .map(|(group, _)| group)
            .collect();
        for &group in due.iter().take(groups) {
            closed.touched.append(&mut self.close_group(group, today)?);
        }
        closed.more = due.len() > groups;
        Ok(closed)
    }

    fn close_group(&mut self, group: u32, today: LocalDay) -> Result<Vec<TouchedDay>, StoreError> {
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let zone = &self.options.zone;
        let start = zone.day_span(today).start.0;
        let members =
            (group * GROUP..(group + 1) * GROUP).filter(|s| def_of(&self.defs, *s).is_some());
        let behind: Vec<u32> = members
            .filter(|s| !self.clean.get(*s as usize).is_some_and(|clean| *clean))
            .collect();
        let mut settler = Settler::new(&tx, zone)?;
        settle_behind(&tx, &mut settler, &mut self.unpacker, &self.defs, &behind)?;

        let all = run::heads(&tx, group)?;
        // Blocks with reads of today only stay as they are.
        let (old, young): (Vec<BlockHead>, Vec<BlockHead>) =
            all.iter().partition(|head| head.first_at < start);
        let newest = old.last().map_or(0, |head| head.run);
        let mut kept = Vec::new();
        let mut of_days = Unpacker::new()?;
        let mut stream = GroupStream::new(&tx, &mut self.unpacker, &old, Columns::All, None);
        while let Some(rows) = stream.take(i64::MAX)? {
            let mut cutter = DayCutter::new(zone);
            let mut rest: &[Row] = &rows.rows;
            while let Some(first) = rest.first() {
                let day = cutter.day_of(first.at);
                if day >= today {
                    kept.extend_from_slice(rest);
                    lift_frontier(&tx, rows.series, newest)?;
                    break;
                }
                let count = rest.partition_point(|r| cutter.day_of(r.at) <= day);
                let mut of_day = rest[..count].to_vec();
                let (packer, unpacker) = (&mut self.packer, &mut of_days);
                kept.append(&mut days::add(
                    &tx,
                    packer,
                    unpacker,
                    rows.series,
                    day,
                    &mut of_day,
                )?);
                rest = &rest[count..];
            }
        }
        let part = first_free_part(&all, newest);
        let mut open = RunWriter::new(&tx, &mut self.packer, newest, MERGED, group, part)?;
        open.push(&kept)?;
        open.finish()?;
        run::delete(&tx, &old)?;
        let touched = settler.finish();
        tx.commit()?;

        let runs = &mut self.groups[group as usize];
        let flushed = young.iter().filter(|head| head.level == FLUSHED);
        runs.flushed = flushed.map(|head| head.run).collect::<BTreeSet<_>>().len() as u16;
        // What a full day had no room for stays; it does not make the group due again.
        let left = kept
            .iter()
            .map(|r| r.at)
            .chain(young.iter().map(|head| head.first_at));
        runs.first_at = left.filter(|at| *at >= start).min();
        for one in behind {
            set_clean(&mut self.clean, one, true);
            self.pending.remove(&one);
        }
        Ok(touched)
    }
}

fn first_free_part(heads: &[BlockHead], run: i64) -> i64 {
    heads
        .iter()
        .filter(|h| h.run == run)
        .map(|h| h.part + 1)
        .max()
        .unwrap_or(0)
}
