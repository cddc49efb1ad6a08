//! The tables of `series.sqlite`, as steps that are never changed once released.
//!
//! | table | one row is |
//! |---|---|
//! | `meta` | a word of the store: journal position, zone, number of the next run |
//! | `series` | a register of a meter and a fingerprint of its rules, events and decisions |
//! | `run_block` | a block of reads of up to 1,024 neighbouring series, from one flush or merge |
//! | `day_reads` | all reads of one series on one closed local day |
//! | `day_energy` | what one series gave on one local day: half hours, sum, the judge's state at its start |
//! | `finding` | a read that was held, refused or flagged; the others have no row |
//! | `frontier` | how far a series is settled, and the judge's state there |
//! | `pending` | a span of a series to settle again, because its rules, events or decisions changed |
//! | `unplaced` | a read of a register that nobody has entered yet |
//! | `interval_energy` | imported energy of one half hour of a meter or meter point |
//! | `receipt` | what one gateway was told is on disk |
//!
//! `day_reads` and `day_energy` have one whole-number key, `series × 2^20 + local day since 1970`,
//! so that a year of one series lies in neighbouring pages. The index of `run_block` has all its
//! columns but the bytes, so that finding blocks never touches them. Every blob ends in a content hash, every
//! other row has one as a column ([`crate::codec::seal`]).
//!
//! WAL with `synchronous = NORMAL` is enough here: a power cut may take back the last transactions,
//! and with them the position they carried, never a part of one; the journal is read again from
//! there.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::error::StoreError;

const STEPS: &[M<'_>] = &[
    M::up(
        "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE series (
        id INTEGER PRIMARY KEY, meter TEXT NOT NULL, register TEXT NOT NULL,
        fingerprint INTEGER NOT NULL, UNIQUE (meter, register)
    ) STRICT;
    CREATE TABLE run_block (
        id INTEGER PRIMARY KEY,
        grp INTEGER NOT NULL, run INTEGER NOT NULL, part INTEGER NOT NULL, level INTEGER NOT NULL,
        first_series INTEGER NOT NULL, last_series INTEGER NOT NULL,
        first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
        reads INTEGER NOT NULL, block BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX run_block_place ON run_block
        (grp, run, part, level, first_series, last_series, first_at, last_at);
    CREATE TABLE day_reads (key INTEGER PRIMARY KEY, reads INTEGER NOT NULL, block BLOB NOT NULL) STRICT;
    CREATE TABLE day_energy (key INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT;
    CREATE TABLE finding (
        series INTEGER NOT NULL, at INTEGER NOT NULL, wh INTEGER NOT NULL, row BLOB NOT NULL,
        PRIMARY KEY (series, at, wh)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE frontier (series INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT;
    CREATE TABLE pending (
        series INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE unplaced (
        meter TEXT NOT NULL, register TEXT NOT NULL, at INTEGER NOT NULL, wh INTEGER NOT NULL,
        w INTEGER NOT NULL, lag_s INTEGER NOT NULL, source INTEGER NOT NULL, hash INTEGER NOT NULL,
        PRIMARY KEY (meter, register, at, wh)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE interval_energy (
        subject TEXT NOT NULL, half INTEGER NOT NULL, wh INTEGER NOT NULL,
        quality INTEGER NOT NULL, hash INTEGER NOT NULL, PRIMARY KEY (subject, half)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE history_month (
        subject TEXT NOT NULL, year INTEGER NOT NULL, month INTEGER NOT NULL,
        wh INTEGER NOT NULL, source TEXT NOT NULL, hash INTEGER NOT NULL,
        PRIMARY KEY (subject, year, month)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE receipt (gateway TEXT PRIMARY KEY, state BLOB NOT NULL) STRICT, WITHOUT ROWID;
    ",
    ),
    // Monthly totals are decisions: `books.sqlite` has them.
    M::up("DROP TABLE history_month"),
    // Which gateway sent a read that waits for its register, and which of two equal reads stands:
    // everything is made again from the journal.
    M::up(
        "
    DELETE FROM meta WHERE key IN ('position', 'next_run');
    DELETE FROM series; DELETE FROM run_block; DELETE FROM day_reads; DELETE FROM day_energy;
    DELETE FROM finding; DELETE FROM frontier; DELETE FROM pending; DELETE FROM interval_energy;
    DELETE FROM receipt;
    DROP TABLE unplaced;
    CREATE TABLE unplaced (
        meter TEXT NOT NULL, register TEXT NOT NULL, at INTEGER NOT NULL, wh INTEGER NOT NULL,
        gateway TEXT NOT NULL,
        w INTEGER NOT NULL, lag_s INTEGER NOT NULL, source INTEGER NOT NULL, hash INTEGER NOT NULL,
        PRIMARY KEY (meter, register, at, wh, gateway)
    ) STRICT, WITHOUT ROWID;
    ",
    ),
];

/// Pages that SQLite keeps of this file per connection, in KiB.
const CACHE_KIB: i64 = 32 * 1024;

/// Brings a writer's connection and the file to the newest schema.
pub(crate) fn prepare_writer(conn: &mut Connection) -> Result<(), StoreError> {
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // A flush writes tens of MB in one transaction: check in often enough that the WAL stays small.
    conn.pragma_update(None, "wal_autocheckpoint", 4096)?;
    conn.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    conn.busy_timeout(std::time::Duration::from_secs(10))?;
    conn.set_prepared_statement_cache_capacity(64);
    Migrations::from_slice(STEPS).to_latest(conn)?;
    Ok(())
}

/// Settles the switches of a connection that only reads.
pub(crate) fn prepare_reader(conn: &Connection) -> Result<(), StoreError> {
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cache_size", -8 * 1024)?;
    conn.busy_timeout(std::time::Duration::from_secs(10))?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_run_on_an_empty_file() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }
}
