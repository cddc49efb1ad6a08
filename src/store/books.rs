//! `books.sqlite`: the decisions that were applied, and what is in force because of them.
//!
//! A decision is journaled first and applied here before the officer has an answer. Applying it is
//! one transaction: the decision joins the list of applied ones, its effects change the tables, and
//! the position moves behind it. What a decision means is decided above; this file keeps the
//! canonical JSON it was written as and finds it again by what it is about. The list of applied
//! decisions is append-only: triggers refuse to change or delete a row.
//!
//! `synchronous = FULL`: after the answer the effects are on disk, even though they could be made
//! again from the journal.

use std::path::Path;

use domain::{calendar::Instant, metering::Obis, quantity::WattHours};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use rusqlite_migration::{M, Migrations};

use crate::{codec::seal, error::StoreError};

const STEPS: &[M<'_>] = &[M::up(
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE applied (
        position INTEGER PRIMARY KEY, kind TEXT NOT NULL, json TEXT NOT NULL, hash INTEGER NOT NULL
    ) STRICT;
    CREATE TRIGGER applied_is_never_changed BEFORE UPDATE ON applied
        BEGIN SELECT RAISE(ABORT, 'an applied decision is never changed'); END;
    CREATE TRIGGER applied_is_never_deleted BEFORE DELETE ON applied
        BEGIN SELECT RAISE(ABORT, 'an applied decision is never deleted'); END;
    CREATE TABLE society (
        version INTEGER PRIMARY KEY, position INTEGER NOT NULL, json TEXT NOT NULL,
        hash INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE meter_event (
        position INTEGER NOT NULL, meter TEXT NOT NULL, register TEXT NOT NULL, at INTEGER NOT NULL,
        json TEXT NOT NULL, hash INTEGER NOT NULL, PRIMARY KEY (meter, register, at, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE read_decision (
        meter TEXT NOT NULL, register TEXT NOT NULL, at INTEGER NOT NULL, wh INTEGER NOT NULL,
        position INTEGER NOT NULL, json TEXT NOT NULL, hash INTEGER NOT NULL,
        PRIMARY KEY (meter, register, at, wh, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE history_month (
        subject TEXT NOT NULL, year INTEGER NOT NULL, month INTEGER NOT NULL,
        wh INTEGER NOT NULL, source TEXT NOT NULL, position INTEGER NOT NULL, hash INTEGER NOT NULL,
        PRIMARY KEY (subject, year, month)
    ) STRICT, WITHOUT ROWID;
    ",
)];

const TAG_APPLIED: u8 = 32;
const TAG_SOCIETY: u8 = 33;
const TAG_EVENT: u8 = 34;
const TAG_DECISION: u8 = 35;
const TAG_MONTH: u8 = 36;

/// The decisions in force, for one writer or for reading.
#[derive(Debug)]
pub struct BooksStore {
    conn: Connection,
    position: u64,
}

/// An imported total of one calendar month, for reports only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryMonth {
    /// What it is the total of, by the id the caller gives it.
    pub subject: Box<str>,
    /// The calendar year.
    pub year: i32,
    /// The month, 1 to 12.
    pub month: u8,
    /// The energy.
    pub wh: WattHours,
    /// Where it was found, in words.
    pub source: Box<str>,
}

/// What a decision changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// The society's document, whole, in its next version.
    Society {
        /// Its version, ascending.
        version: u64,
        /// Canonical JSON.
        json: &'a str,
    },
    /// A dated event of a register.
    MeterEvent {
        /// The meter's serial.
        meter: &'a str,
        /// The register.
        register: Obis,
        /// When the register's life was closed or opened.
        at: Instant,
        /// Canonical JSON.
        json: &'a str,
    },
    /// A decision about one read.
    ReadDecision {
        /// The meter's serial.
        meter: &'a str,
        /// The register.
        register: Obis,
        /// The read's time.
        at: Instant,
        /// The read's value as it arrived.
        wh: WattHours,
        /// Canonical JSON.
        json: &'a str,
    },
    /// The total of a month before there were reads; a later one replaces it.
    HistoryMonth(&'a HistoryMonth),
}

/// A row about a register, as its decision was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutRegister {
    /// The journal position of the decision.
    pub position: u64,
    /// The meter's serial.
    pub meter: String,
    /// The register, such as `2.8.0`.
    pub register: String,
    /// The instant it is about.
    pub at: Instant,
    /// The read's value it is about; `None` for a meter event.
    pub wh: Option<WattHours>,
    /// Canonical JSON.
    pub json: String,
}

/// The society's document in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocietyDocument {
    /// Its version.
    pub version: u64,
    /// The journal position of the decision that brought it.
    pub position: u64,
    /// Canonical JSON.
    pub json: String,
}

/// An applied decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedDecision {
    /// Its journal position.
    pub position: u64,
    /// Its type.
    pub kind: String,
    /// Canonical JSON.
    pub json: String,
}

impl BooksStore {
    /// Opens the file for the one writer, making it when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses or the schema is newer than this program.
    pub fn open(path: &Path) -> Result<BooksStore, StoreError> {
        let mut conn = Connection::open(path)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "trusted_schema", false)?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.busy_timeout(std::time::Duration::from_secs(10))?;
        Migrations::from_slice(STEPS).to_latest(&mut conn)?;
        BooksStore::with(conn)
    }

    /// Opens the file for reading beside the writer.
    ///
    /// # Errors
    /// [`StoreError`] when the file is not there or SQLite refuses.
    pub fn open_to_read(path: &Path) -> Result<BooksStore, StoreError> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.busy_timeout(std::time::Duration::from_secs(10))?;
        BooksStore::with(conn)
    }

    fn with(conn: Connection) -> Result<BooksStore, StoreError> {
        let position = position_in(&conn)?;
        Ok(BooksStore { conn, position })
    }

    /// The journal position up to which decisions are applied (the next one to read).
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Applies the decision at journal `position` with its effects, in one transaction. Gives
    /// `false` and changes nothing when it was applied before.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub fn apply(
        &mut self,
        position: u64,
        kind: &str,
        json: &str,
        effects: &[Effect<'_>],
    ) -> Result<bool, StoreError> {
        if position < self.position {
            return Ok(false);
        }
        let at = position.cast_signed();
        let tx = self.conn.transaction()?;
        tx.prepare_cached(
            "INSERT INTO applied (position, kind, json, hash) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            at,
            kind,
            json,
            hash(TAG_APPLIED, &[at, key(kind)], json)
        ])?;
        for effect in effects {
            write(&tx, at, effect)?;
        }
        set_position(&tx, at + 1)?;
        tx.commit()?;
        self.position = position + 1;
        Ok(true)
    }

    /// Moves the position over records that are no decisions.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub fn pass(&mut self, position: u64) -> Result<(), StoreError> {
        if position > self.position {
            set_position(&self.conn, position.cast_signed())?;
            self.position = position;
        }
        Ok(())
    }

    /// The society's document in force.
    ///
    /// # Errors
    /// [`StoreError`], also when the row is damaged.
    pub fn society(&self) -> Result<Option<SocietyDocument>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT version, position, json, hash FROM society ORDER BY version DESC LIMIT 1",
        )?;
        let row = select
            .query_row([], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            })
            .optional()?;
        let Some((version, position, json, stored)) = row else {
            return Ok(None);
        };
        check(
            "society",
            version,
            stored == hash(TAG_SOCIETY, &[version, position], &json),
        )?;
        Ok(Some(SocietyDocument {
            version: version.cast_unsigned(),
            position: position.cast_unsigned(),
            json,
        }))
    }

    /// The dated events of all registers, by meter, register, time and position.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn meter_events(&self) -> Result<Vec<AboutRegister>, StoreError> {
        self.about(
            "SELECT position, meter, register, at, NULL, json, hash FROM meter_event
             ORDER BY meter, register, at, position",
            "meter_event",
            TAG_EVENT,
        )
    }

    /// The decisions about reads, by meter, register, time, value and position; of several about
    /// one read the last is in force.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn read_decisions(&self) -> Result<Vec<AboutRegister>, StoreError> {
        self.about(
            "SELECT position, meter, register, at, wh, json, hash FROM read_decision
             ORDER BY meter, register, at, wh, position",
            "read_decision",
            TAG_DECISION,
        )
    }

    fn about(
        &self,
        sql: &str,
        table: &'static str,
        tag: u8,
    ) -> Result<Vec<AboutRegister>, StoreError> {
        let mut select = self.conn.prepare_cached(sql)?;
        let mut found = select.query([])?;
        let mut out = Vec::new();
        while let Some(row) = found.next()? {
            let about = AboutRegister {
                position: row.get::<_, i64>(0)?.cast_unsigned(),
                meter: row.get(1)?,
                register: row.get(2)?,
                at: Instant(row.get(3)?),
                wh: row.get::<_, Option<i64>>(4)?.map(WattHours),
                json: row.get(5)?,
            };
            let sound = row.get::<_, i64>(6)? == about_hash(tag, &about);
            check(table, about.position, sound)?;
            out.push(about);
        }
        Ok(out)
    }

    /// The monthly history of `subject`, by month.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn history_months(&self, subject: &str) -> Result<Vec<HistoryMonth>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT year, month, wh, source, position, hash FROM history_month
             WHERE subject = ?1 ORDER BY 1, 2",
        )?;
        let mut found = select.query([subject])?;
        let mut out = Vec::new();
        while let Some(row) = found.next()? {
            let month = HistoryMonth {
                subject: subject.into(),
                year: row.get(0)?,
                month: row.get(1)?,
                wh: WattHours(row.get(2)?),
                source: row.get(3)?,
            };
            let sound = row.get::<_, i64>(5)? == month_hash(row.get(4)?, &month);
            check("history_month", subject, sound)?;
            out.push(month);
        }
        Ok(out)
    }

    /// The applied decisions from `position` on, in order.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn applied(&self, from: u64) -> Result<Vec<AppliedDecision>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT position, kind, json, hash FROM applied WHERE position >= ?1 ORDER BY position",
        )?;
        let mut found = select.query([i64::try_from(from).unwrap_or(i64::MAX)])?;
        let mut out = Vec::new();
        while let Some(row) = found.next()? {
            let position: i64 = row.get(0)?;
            let (kind, json): (String, String) = (row.get(1)?, row.get(2)?);
            let sound = row.get::<_, i64>(3)? == hash(TAG_APPLIED, &[position, key(&kind)], &json);
            check("applied", position, sound)?;
            out.push(AppliedDecision {
                position: position.cast_unsigned(),
                kind,
                json,
            });
        }
        Ok(out)
    }

    /// Calls `visit` with the applied decisions of these kinds, in order; the text of others is not
    /// even read.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged, and what `visit` gives.
    pub fn applied_of<E: From<StoreError>>(
        &self,
        kinds: &[&str],
        mut visit: impl FnMut(AppliedDecision) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = |error: rusqlite::Error| E::from(StoreError::from(error));
        let places = vec!["?"; kinds.len()].join(", ");
        let mut select = self
            .conn
            .prepare(&format!(
                "SELECT position, kind, json, hash FROM applied WHERE kind IN ({places}) ORDER BY position"
            ))
            .map_err(sql)?;
        let mut found = select
            .query(rusqlite::params_from_iter(kinds))
            .map_err(sql)?;
        while let Some(row) = found.next().map_err(sql)? {
            let row = (|| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            })();
            let (position, kind, json, stored) = row.map_err(sql)?;
            let sound = stored == hash(TAG_APPLIED, &[position, key(&kind)], &json);
            check("applied", position, sound)?;
            visit(AppliedDecision {
                position: position.cast_unsigned(),
                kind,
                json,
            })?;
        }
        Ok(())
    }

    /// Calls `visit` with (table, key, value) of every row, decoded, in key order: what `verify`
    /// compares with a rebuilt file.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn dump(
        &self,
        visit: &mut dyn FnMut(&'static str, String, String),
    ) -> Result<(), StoreError> {
        for row in self.applied(0)? {
            visit(
                "applied",
                row.position.to_string(),
                format!("{} {}", row.kind, row.json),
            );
        }
        if let Some(row) = self.society()? {
            visit(
                "society",
                row.version.to_string(),
                format!("{} {}", row.position, row.json),
            );
        }
        for (table, rows) in [
            ("meter_event", self.meter_events()?),
            ("read_decision", self.read_decisions()?),
        ] {
            for row in rows {
                let key = format!(
                    "{} {} {} {:?} {}",
                    row.meter, row.register, row.at.0, row.wh, row.position
                );
                visit(table, key, row.json);
            }
        }
        let mut select = self
            .conn
            .prepare("SELECT DISTINCT subject FROM history_month ORDER BY 1")?;
        let subjects = select.query_map([], |row| row.get::<_, String>(0))?;
        for subject in subjects {
            for row in self.history_months(&subject?)? {
                let key = format!("{} {}-{:02}", row.subject, row.year, row.month);
                visit("history_month", key, format!("{} {}", row.wh.0, row.source));
            }
        }
        Ok(())
    }
}

fn write(conn: &Connection, position: i64, effect: &Effect<'_>) -> Result<(), StoreError> {
    match *effect {
        Effect::Society { version, json } => {
            let version = version.cast_signed();
            conn.prepare_cached(
                "INSERT INTO society (version, position, json, hash) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                version,
                position,
                json,
                hash(TAG_SOCIETY, &[version, position], json)
            ])?;
        }
        Effect::MeterEvent {
            meter,
            register,
            at,
            json,
        } => {
            let about = about(position, meter, register, at, None, json);
            conn.prepare_cached(
                "INSERT INTO meter_event (position, meter, register, at, json, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                position,
                meter,
                about.register,
                at.0,
                json,
                about_hash(TAG_EVENT, &about)
            ])?;
        }
        Effect::ReadDecision {
            meter,
            register,
            at,
            wh,
            json,
        } => {
            let about = about(position, meter, register, at, Some(wh), json);
            conn.prepare_cached(
                "INSERT INTO read_decision (position, meter, register, at, wh, json, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                position,
                meter,
                about.register,
                at.0,
                wh.0,
                json,
                about_hash(TAG_DECISION, &about)
            ])?;
        }
        Effect::HistoryMonth(month) => {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO history_month
                 (subject, year, month, wh, source, position, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                month.subject,
                month.year,
                month.month,
                month.wh.0,
                month.source,
                position,
                month_hash(position, month)
            ])?;
        }
    }
    Ok(())
}

fn about(
    position: i64,
    meter: &str,
    register: Obis,
    at: Instant,
    wh: Option<WattHours>,
    json: &str,
) -> AboutRegister {
    AboutRegister {
        position: position.cast_unsigned(),
        meter: meter.to_owned(),
        register: register.to_string(),
        at,
        wh,
        json: json.to_owned(),
    }
}

fn about_hash(tag: u8, row: &AboutRegister) -> i64 {
    let wh = row.wh.map_or(0, |wh| wh.0);
    let numbers = [
        row.position.cast_signed(),
        row.at.0,
        wh,
        key(&row.meter),
        key(&row.register),
    ];
    hash(tag, &numbers, &row.json)
}

fn month_hash(position: i64, row: &HistoryMonth) -> i64 {
    let numbers = [
        position,
        i64::from(row.year),
        i64::from(row.month),
        row.wh.0,
        key(&row.subject),
    ];
    hash(TAG_MONTH, &numbers, &row.source)
}

fn hash(tag: u8, numbers: &[i64], text: &str) -> i64 {
    i64::from(seal::crc(tag, numbers, text.as_bytes()))
}

fn key(text: &str) -> i64 {
    i64::from(seal::crc(0, &[], text.as_bytes()))
}

fn position_in(conn: &Connection) -> Result<u64, StoreError> {
    let position: Option<i64> = conn
        .query_row("SELECT value FROM meta WHERE key = 'position'", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(position.unwrap_or(0).cast_unsigned())
}

fn set_position(conn: &Connection, position: i64) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('position', ?1)")?
        .execute([position])?;
    Ok(())
}

fn check(table: &'static str, key: impl std::fmt::Display, sound: bool) -> Result<(), StoreError> {
    if sound {
        Ok(())
    } else {
        Err(StoreError::damaged(table, key)(seal::Damage(
            "the content hash does not match",
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply_all(books: &mut BooksStore) {
        let society = [Effect::Society {
            version: 1,
            json: "{\"name\":\"BES 1\"}",
        }];
        assert!(books.apply(0, "society", "{\"v\":1}", &society).unwrap());
        let month = HistoryMonth {
            subject: "bes1".into(),
            year: 2013,
            month: 6,
            wh: WattHours(4_100_000),
            source: "annual report".into(),
        };
        let effects = [
            Effect::MeterEvent {
                meter: "Z1",
                register: Obis::EXPORT,
                at: Instant(5),
                json: "{}",
            },
            Effect::ReadDecision {
                meter: "Z1",
                register: Obis::EXPORT,
                at: Instant(7),
                wh: WattHours(0),
                json: "{\"refuse\":true}",
            },
            Effect::HistoryMonth(&month),
        ];
        assert!(books.apply(3, "several", "{\"v\":2}", &effects).unwrap());
    }

    #[test]
    fn a_decision_is_applied_once_and_found_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("books.sqlite");
        apply_all(&mut BooksStore::open(&path).unwrap());
        let mut books = BooksStore::open(&path).unwrap();
        assert_eq!(books.position(), 4);
        assert!(!books.apply(3, "several", "{\"v\":2}", &[]).unwrap());
        books.pass(9).unwrap();
        let reader = BooksStore::open_to_read(&path).unwrap();
        assert_eq!(reader.position(), 9);
        assert_eq!(reader.society().unwrap().unwrap().version, 1);
        assert_eq!(reader.meter_events().unwrap().len(), 1);
        assert_eq!(reader.read_decisions().unwrap()[0].wh, Some(WattHours(0)));
        assert_eq!(reader.history_months("bes1").unwrap()[0].wh.0, 4_100_000);
        assert_eq!(reader.applied(0).unwrap().len(), 2);
        let mut rows = 0;
        reader.dump(&mut |_, _, _| rows += 1).unwrap();
        assert_eq!(rows, 6);
    }

    #[test]
    fn an_applied_decision_cannot_be_changed_or_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("books.sqlite");
        apply_all(&mut BooksStore::open(&path).unwrap());
        let conn = Connection::open(&path).unwrap();
        assert!(conn.execute("UPDATE applied SET json = '{}'", []).is_err());
        assert!(conn.execute("DELETE FROM applied", []).is_err());
    }

    #[test]
    fn a_changed_row_is_an_error_not_a_value() {
        for (change, read) in [
            ("UPDATE society SET json = '{\"name\":\"BES 2\"}'", 0),
            ("UPDATE meter_event SET json = '[]'", 1),
            ("UPDATE read_decision SET wh = 1", 2),
            ("UPDATE history_month SET wh = wh + 1", 3),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("books.sqlite");
            apply_all(&mut BooksStore::open(&path).unwrap());
            Connection::open(&path)
                .unwrap()
                .execute(change, [])
                .unwrap();
            let books = BooksStore::open(&path).unwrap();
            let refused = match read {
                0 => books.society().is_err(),
                1 => books.meter_events().is_err(),
                2 => books.read_decisions().is_err(),
                _ => books.history_months("bes1").is_err(),
            };
            assert!(refused, "{change}");
        }
    }
}
