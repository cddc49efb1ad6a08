//! `state.sqlite`: small words the daemon leaves for its next start – cursors of brokers and
//! mirrors, jobs, throttles. Outside the projections: nothing here comes from the journal, nothing
//! here is backed up, and losing it costs time, not facts.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use rusqlite_migration::{M, Migrations};

use crate::error::StoreError;

/// Longest value that is kept, in bytes.
pub const VALUE_MAX: usize = 1 << 20;

const STEPS: &[M<'_>] = &[M::up(
    "CREATE TABLE word (
        room TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (room, key)
     ) STRICT, WITHOUT ROWID;",
)];

/// Words by room and key.
#[derive(Debug)]
pub struct StateStore {
    conn: Connection,
}

impl StateStore {
    /// Opens the file, making it when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn open(path: &Path) -> Result<StateStore, StoreError> {
        let mut conn = Connection::open(path)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "NORMAL")?;
        conn.busy_timeout(std::time::Duration::from_secs(10))?;
        Migrations::from_slice(STEPS).to_latest(&mut conn)?;
        Ok(StateStore { conn })
    }

    /// The word of that room and key.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn get(&self, room: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT value FROM word WHERE room = ?1 AND key = ?2")?;
        Ok(select
            .query_row(params![room, key], |row| row.get(0))
            .optional()?)
    }

    /// Sets a word, at most [`VALUE_MAX`] bytes.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses or the value is too long.
    pub fn set(&self, room: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
        if value.len() > VALUE_MAX {
            return Err(StoreError::Sql(rusqlite::Error::InvalidParameterName(
                format!(
                    "the value of `{room}/{key}` has `{}` bytes; expected at most `{VALUE_MAX}`",
                    value.len()
                ),
            )));
        }
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO word (room, key, value) VALUES (?1, ?2, ?3)")?
            .execute(params![room, key, value])?;
        Ok(())
    }

    /// All words of a room, by key.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn of_room(&self, room: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT key, value FROM word WHERE room = ?1 ORDER BY key")?;
        let rows = select.query_map([room], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets a word.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses.
    pub fn forget(&self, room: &str, key: &str) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("DELETE FROM word WHERE room = ?1 AND key = ?2")?
            .execute(params![room, key])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_there_after_a_restart_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sqlite");
        StateStore::open(&path)
            .unwrap()
            .set("broker", "roof-7", b"41")
            .unwrap();
        let state = StateStore::open(&path).unwrap();
        assert_eq!(
            state.get("broker", "roof-7").unwrap().as_deref(),
            Some(&b"41"[..])
        );
        assert_eq!(state.of_room("broker").unwrap().len(), 1);
        state.forget("broker", "roof-7").unwrap();
        assert_eq!(state.get("broker", "roof-7").unwrap(), None);
        assert!(state.set("broker", "big", &vec![0; VALUE_MAX + 1]).is_err());
    }
}
