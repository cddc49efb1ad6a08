//! Every row of `series.sqlite`, decoded, in key order, independent of where reads lie on disk.
//!
//! Reads are given as one line per series and local day with their number and a hash, so that a
//! store of a hundred million reads is compared in minutes and a difference is found to the day.

use std::ops::ControlFlow;

use domain::calendar::{LocalDay, Zone};
use rusqlite::Connection;

use super::{
    days::{self, Which},
    key::{GROUP, LAST_DAY, day_of_key, series_of_key},
    rows::{open_day, open_finding},
    run::{self, GroupStream},
    side,
};
use crate::{
    codec::{
        block::{Columns, Row as Read, Unpacker},
        halves,
    },
    error::StoreError,
};

/// A decoded row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The table, or `reads` for the reads of a series on a day.
    pub table: &'static str,
    /// Which row.
    pub key: String,
    /// What it says.
    pub value: String,
}

pub(crate) fn dump(
    conn: &Connection,
    unpacker: &mut Unpacker,
    zone: &Zone,
    visit: &mut dyn FnMut(Row),
) -> Result<(), StoreError> {
    let mut select = conn.prepare("SELECT id, meter, register FROM series ORDER BY id")?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        let (id, meter, register): (u32, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        visit(Row {
            table: "series",
            key: id.to_string(),
            value: format!("{meter} {register}"),
        });
    }
    reads(conn, unpacker, zone, visit)?;
    let mut select = conn.prepare("SELECT key, row FROM day_energy ORDER BY key")?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        let key = row.get(0)?;
        let (series, day) = (series_of_key(key), day_of_key(key));
        let blob: Vec<u8> = row.get(1)?;
        let name = format!("series {series} day {day}");
        let row = halves::decode(open_day(series, day, &blob)?)
            .map_err(StoreError::damaged("day_energy", &name))?;
        visit(Row {
            table: "day_energy",
            key: name,
            value: format!("{row:?}"),
        });
    }
    let mut select = conn.prepare("SELECT series, at, wh, row FROM finding ORDER BY 1, 2, 3")?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        let (series, key) = (row.get(0)?, (row.get(1)?, row.get(2)?));
        let noticed = open_finding(series, key, &row.get::<_, Vec<u8>>(3)?)?;
        visit(Row {
            table: "finding",
            key: format!("series {series} at {} wh {}", key.0, key.1),
            value: format!("{noticed:?}"),
        });
    }
    side::dump(conn, &mut |table, key, value| {
        visit(Row { table, key, value })
    })
}

fn reads(
    conn: &Connection,
    unpacker: &mut Unpacker,
    zone: &Zone,
    visit: &mut dyn FnMut(Row),
) -> Result<(), StoreError> {
    let mut series = conn.prepare(
        "SELECT DISTINCT grp FROM run_block UNION SELECT DISTINCT (key >> 30) FROM day_reads ORDER BY 1",
    )?;
    let groups = series.query_map([], |row| row.get::<_, u32>(0))?;
    for group in groups.collect::<Result<Vec<_>, _>>()? {
        let heads = run::heads(conn, group)?;
        let mut closed = conn.prepare_cached(
            "SELECT DISTINCT key >> 20 FROM day_reads WHERE key >> 30 = ?1 ORDER BY 1",
        )?;
        let mut members: std::collections::BTreeSet<u32> = closed
            .query_map([group], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for head in &heads {
            members.extend(head.first_series..=head.last_series);
        }
        debug_assert!(
            members.iter().all(|one| one / GROUP == group),
            "keys sort by group"
        );
        let mut later = Unpacker::new()?;
        let mut stream = GroupStream::new(conn, unpacker, &heads, Columns::All, None);
        for series in members {
            let rows = match stream.peek()? {
                Some(here) if here == series => stream.take(0)?.map(|rows| rows.rows),
                _ => None,
            };
            let which = Which {
                series,
                from: LocalDay(0),
                to: LocalDay(LAST_DAY),
                columns: Columns::All,
                in_runs: &rows.unwrap_or_default(),
            };
            days::each_day(conn, &mut later, zone, &which, |day, rows| {
                visit(Row {
                    table: "reads",
                    key: format!("series {series} day {day}"),
                    value: format!("{} reads, hash {:016x}", rows.len(), hash(rows)),
                });
                Ok(ControlFlow::Continue(()))
            })?;
        }
    }
    Ok(())
}

/// Two chained CRC-32C over all columns, forwards and backwards: 64 bits against accidents.
fn hash(rows: &[Read]) -> u64 {
    let mut both = [0_u32; 2];
    let mut line = Vec::with_capacity(32);
    for row in rows {
        line.clear();
        line.extend(row.at.to_le_bytes());
        line.extend(row.wh.to_le_bytes());
        line.extend(row.w.to_le_bytes());
        line.extend(row.lag_s.to_le_bytes());
        line.push(row.source);
        both[0] = crc32c::crc32c_append(both[0], &line);
        line.reverse();
        both[1] = crc32c::crc32c_append(both[1].rotate_left(7), &line);
    }
    u64::from(both[0]) << 32 | u64::from(both[1])
}
