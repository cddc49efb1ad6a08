//! The rows that settling reads and writes: days of half hours, frontiers, findings.

use std::collections::BTreeMap;

use domain::{calendar::LocalDay, metering::FoldState};
use rusqlite::{Connection, OptionalExtension, params};

use super::key::{day_key, day_of_key};
use crate::{
    codec::{
        bytes::{Cursor, put_i64},
        findings::{self, Noticed},
        halves::{self, DayRow},
        seal,
    },
    error::StoreError,
};

pub(crate) const TAG_DAY: u8 = 3;
const TAG_FRONTIER: u8 = 4;
const TAG_FINDING: u8 = 9;
/// [`Frontier::stray_at`] when there is none.
pub(crate) const NO_STRAY: i64 = i64::MAX;

/// How far a series is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frontier {
    /// The newest run whose reads are in.
    pub(crate) run: i64,
    /// The state behind the last read that was folded.
    pub(crate) state: FoldState,
    /// The first read that is judged aside, or [`NO_STRAY`].
    pub(crate) stray_at: i64,
}

pub(crate) fn damaged_day(series: u32, day: LocalDay) -> impl FnOnce(seal::Damage) -> StoreError {
    StoreError::damaged(
        "day_energy",
        format_args!("series {series} day {day}").to_string(),
    )
}

/// The unsealed bytes of a `day_energy` row.
pub(crate) fn open_day(series: u32, day: LocalDay, blob: &[u8]) -> Result<&[u8], StoreError> {
    seal::open(TAG_DAY, &[day_key(series, day)], blob).map_err(damaged_day(series, day))
}

pub(crate) fn day_row(
    conn: &Connection,
    series: u32,
    day: LocalDay,
) -> Result<Option<DayRow>, StoreError> {
    let found = day_row_upto(conn, series, day)?;
    Ok(found.filter(|(found, _)| *found == day).map(|(_, row)| row))
}

/// The last row of the series on `day` or before.
pub(crate) fn day_row_upto(
    conn: &Connection,
    series: u32,
    day: LocalDay,
) -> Result<Option<(LocalDay, DayRow)>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT key, row FROM day_energy WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    )?;
    let mut found = select.query([day_key(series, LocalDay(0)), day_key(series, day)])?;
    let Some(row) = found.next()? else {
        return Ok(None);
    };
    let day = day_of_key(row.get(0)?);
    let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
    let row = halves::decode(open_day(series, day, blob)?).map_err(damaged_day(series, day))?;
    Ok(Some((day, row)))
}

/// The unsealed rows of days `from..=to`.
pub(crate) fn old_days(
    conn: &Connection,
    series: u32,
    from: LocalDay,
    to: LocalDay,
) -> Result<BTreeMap<LocalDay, Vec<u8>>, StoreError> {
    let mut select =
        conn.prepare_cached("SELECT key, row FROM day_energy WHERE key BETWEEN ?1 AND ?2")?;
    let mut found = select.query([day_key(series, from), day_key(series, to)])?;
    let mut out = BTreeMap::new();
    while let Some(row) = found.next()? {
        let day = day_of_key(row.get(0)?);
        let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        out.insert(day, open_day(series, day, blob)?.to_vec());
    }
    Ok(out)
}

/// How far a series is settled, if it ever was.
pub(crate) fn frontier(conn: &Connection, series: u32) -> Result<Option<Frontier>, StoreError> {
    let mut select = conn.prepare_cached("SELECT row FROM frontier WHERE series = ?1")?;
    let blob: Option<Vec<u8>> = select.query_row([series], |row| row.get(0)).optional()?;
    blob.map(|blob| open_frontier(series, &blob)).transpose()
}

pub(crate) fn open_frontier(series: u32, blob: &[u8]) -> Result<Frontier, StoreError> {
    seal::open(TAG_FRONTIER, &[i64::from(series)], blob)
        .and_then(decode_frontier)
        .map_err(StoreError::damaged(
            "frontier",
            format_args!("series {series}"),
        ))
}

pub(crate) fn decode_frontier(payload: &[u8]) -> Result<Frontier, seal::Damage> {
    let (state, rest) = payload
        .split_at_checked(FoldState::BYTES)
        .ok_or(seal::Damage("cut short"))?;
    let state = FoldState::from_bytes(state).map_err(|_| seal::Damage("no state of judging"))?;
    let mut cursor = Cursor::new(rest);
    let (run, stray_at) = (cursor.i64()?, cursor.i64()?);
    cursor.end()?;
    Ok(Frontier {
        run,
        state,
        stray_at,
    })
}

/// Notes that run `run` holds nothing of a settled series that is not in.
pub(crate) fn lift_frontier(conn: &Connection, series: u32, run: i64) -> Result<(), StoreError> {
    match frontier(conn, series)? {
        Some(frontier) if frontier.run < run => {
            put_frontier(conn, series, &Frontier { run, ..frontier })
        }
        _ => Ok(()),
    }
}

pub(crate) fn put_frontier(
    conn: &Connection,
    series: u32,
    frontier: &Frontier,
) -> Result<(), StoreError> {
    let mut row = frontier.state.to_bytes().to_vec();
    put_i64(&mut row, frontier.run);
    put_i64(&mut row, frontier.stray_at);
    seal::seal(TAG_FRONTIER, &[i64::from(series)], &mut row);
    conn.prepare_cached("INSERT OR REPLACE INTO frontier (series, row) VALUES (?1, ?2)")?
        .execute(params![series, row])?;
    Ok(())
}

pub(crate) fn put_finding(
    conn: &Connection,
    series: u32,
    key: (i64, i64),
    noticed: &Noticed,
) -> Result<(), StoreError> {
    let mut row = findings::encode(noticed);
    seal::seal(TAG_FINDING, &[i64::from(series), key.0, key.1], &mut row);
    conn.prepare_cached(
        "INSERT OR REPLACE INTO finding (series, at, wh, row) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![series, key.0, key.1, row])?;
    Ok(())
}

/// The rows of a `finding` blob.
pub(crate) fn open_finding(
    series: u32,
    key: (i64, i64),
    blob: &[u8],
) -> Result<Noticed, StoreError> {
    seal::open(TAG_FINDING, &[i64::from(series), key.0, key.1], blob)
        .and_then(findings::decode)
        .map_err(StoreError::damaged(
            "finding",
            format_args!("series {series} at {} wh {}", key.0, key.1),
        ))
}

/// What was noticed about reads from `start` up to but without `end` (with it, when `inclusive`).
pub(crate) fn noticed_between(
    conn: &Connection,
    series: u32,
    start: i64,
    end: i64,
    inclusive: bool,
) -> Result<BTreeMap<(i64, i64), Noticed>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT at, wh, row FROM finding WHERE series = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at, wh",
    )?;
    let mut found = select.query(params![series, start, end])?;
    let mut out = BTreeMap::new();
    while let Some(row) = found.next()? {
        let key: (i64, i64) = (row.get(0)?, row.get(1)?);
        if key.0 < end || inclusive {
            let blob = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            out.insert(key, open_finding(series, key, blob)?);
        }
    }
    Ok(out)
}
