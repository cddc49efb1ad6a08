//! Closed days: all reads of one series on one local day as one compressed row.
//!
//! A day is closed when the caller says that it is over; reads that come later open its row again.
//! [`each_day`] gives the reads of a series day by day, from closed days and runs together.

use std::ops::ControlFlow;

use domain::calendar::{LocalDay, Zone};
use rusqlite::{Connection, OptionalExtension, params};

use super::key::{DayCutter, LAST_DAY, day_key, day_of_key};
use crate::{
    codec::{
        block::{BLOCK_READS_MAX, Columns, Effort, Packer, Row, Unpacker, sort_and_unite},
        seal,
    },
    error::StoreError,
};

const TAG: u8 = 2;

/// Adds `rows`, sorted, to the closed day and gives those for which it has no room.
pub(crate) fn add(
    conn: &Connection,
    packer: &mut Packer,
    unpacker: &mut Unpacker,
    series: u32,
    day: LocalDay,
    rows: &mut Vec<Row>,
) -> Result<Vec<Row>, StoreError> {
    let key = day_key(series, day);
    let mut select = conn.prepare_cached("SELECT block FROM day_reads WHERE key = ?1")?;
    let before: Option<Vec<u8>> = select.query_row([key], |row| row.get(0)).optional()?;
    if let Some(block) = before {
        decode(unpacker, key, &block, Columns::All, rows)?;
        sort_and_unite(rows);
    }
    // A full day keeps its earliest reads; the others stay in the runs, where they are found too.
    let over = if rows.len() > BLOCK_READS_MAX {
        rows.split_off(BLOCK_READS_MAX)
    } else {
        Vec::new()
    };
    let mut block = packer.encode(rows, Effort::Keep)?;
    seal::seal(TAG, &[key], &mut block);
    conn.prepare_cached(
        "INSERT OR REPLACE INTO day_reads (key, reads, block) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![key, rows.len() as i64, block])?;
    Ok(over)
}

fn decode(
    unpacker: &mut Unpacker,
    key: i64,
    blob: &[u8],
    columns: Columns,
    out: &mut Vec<Row>,
) -> Result<(), StoreError> {
    seal::open(TAG, &[key], blob)
        .and_then(|payload| unpacker.decode(payload, columns, None, out))
        .map_err(StoreError::damaged(
            "day_reads",
            format_args!(
                "series {} day {}",
                super::key::series_of_key(key),
                day_of_key(key)
            ),
        ))
}

/// Which reads [`each_day`] is to give.
pub(crate) struct Which<'a> {
    pub(crate) series: u32,
    pub(crate) from: LocalDay,
    pub(crate) to: LocalDay,
    pub(crate) columns: Columns,
    /// The reads of this series in the runs, sorted.
    pub(crate) in_runs: &'a [Row],
}

/// Calls `visit` with the rows of each day that has some, in order, until it breaks.
pub(crate) fn each_day(
    conn: &Connection,
    unpacker: &mut Unpacker,
    zone: &Zone,
    which: &Which<'_>,
    mut visit: impl FnMut(LocalDay, &[Row]) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut cutter = DayCutter::new(zone);
    let mut in_runs = which.in_runs;
    let skip = in_runs.partition_point(|r| cutter.day_of(r.at) < which.from);
    in_runs = &in_runs[skip..];
    let mut next_of_run = move || {
        let first = in_runs.first()?;
        let day = cutter.day_of(first.at);
        let count = in_runs.partition_point(|r| cutter.day_of(r.at) <= day);
        let (now, later) = in_runs.split_at(count);
        in_runs = later;
        Some((day, now))
    };
    let mut select = conn.prepare_cached(
        "SELECT key, block FROM day_reads WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    )?;
    let to = which.to.0.clamp(0, LAST_DAY);
    let mut closed = select.query([
        day_key(which.series, which.from),
        day_key(which.series, LocalDay(to)),
    ])?;
    let mut rows: Vec<Row> = Vec::new();
    let mut run = next_of_run();
    loop {
        let mut closed_day = None;
        rows.clear();
        if let Some(row) = closed.next()? {
            let key: i64 = row.get(0)?;
            let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            decode(unpacker, key, blob, which.columns, &mut rows)?;
            for row in &mut rows {
                row.series = which.series;
            }
            closed_day = Some(day_of_key(key));
        }
        // Days that lie in the runs only and come before this closed day.
        while let Some((day, of_run)) = run
            && closed_day.is_none_or(|c| day < c)
        {
            if day > which.to || visit(day, of_run)?.is_break() {
                return Ok(());
            }
            run = next_of_run();
        }
        let Some(day) = closed_day else { return Ok(()) };
        if let Some((run_day, of_run)) = run
            && run_day == day
        {
            rows.extend_from_slice(of_run);
            sort_and_unite(&mut rows);
            run = next_of_run();
        }
        if visit(day, &rows)?.is_break() {
            return Ok(());
        }
    }
}
