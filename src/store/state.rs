//! `state.sqlite` of the node: what doors remember, and no journal has to.
//!
//! Sessions by the hash of their token, wrong tries, the step of each second factor that was used
//! last, and the addresses a user came in from. Losing the file loses no evidence: everybody logs in
//! anew. It is synced with every change all the same, because a step that was used must not be worth
//! anything after a power cut.

use std::path::Path;

use domain::calendar::Instant;
use rusqlite::{Connection, OptionalExtension, Row, params};
use rusqlite_migration::{M, Migrations};

use crate::error::StoreError;

const STEPS: &[M<'_>] = &[M::up(
    "
    CREATE TABLE session (
        token BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL,
        began_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, sure_ms INTEGER NOT NULL,
        address TEXT NOT NULL, agent TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX session_user ON session (user);
    CREATE TABLE tries (
        name TEXT PRIMARY KEY, wrong INTEGER NOT NULL, last_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE step (user TEXT PRIMARY KEY, step INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE came_from (
        user TEXT NOT NULL, address TEXT NOT NULL, last_ms INTEGER NOT NULL,
        PRIMARY KEY (user, address)
    ) STRICT, WITHOUT ROWID;
    ",
)];
/// Addresses remembered of one user; the oldest goes first.
const MOST_ADDRESSES: u32 = 20;

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of its token.
    pub token: [u8; 32],
    /// What it is called where it is listed; opens nothing.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// When it began.
    pub began: Instant,
    /// When it was last used.
    pub seen: Instant,
    /// When its user last showed password and second factor.
    pub sure: Instant,
    /// Where it began.
    pub address: String,
    /// The browser, as it calls itself.
    pub agent: String,
}

/// Wrong tries of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriesRow {
    /// The name.
    pub name: String,
    /// How many.
    pub wrong: u32,
    /// When the last one was, ms UTC.
    pub last_ms: i64,
}

/// The file, for its one owner.
#[derive(Debug)]
pub struct StateStore {
    conn: Connection,
}

impl StateStore {
    /// Opens the file, making it when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses or the schema is newer than this program.
    pub fn open(path: &Path) -> Result<StateStore, StoreError> {
        let mut conn = Connection::open(path)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "secure_delete", true)?;
        conn.pragma_update(None, "trusted_schema", false)?;
        conn.busy_timeout(std::time::Duration::from_secs(10))?;
        Migrations::from_slice(STEPS).to_latest(&mut conn)?;
        Ok(StateStore { conn })
    }

    /// Adds a session, and remembers where its user came from.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was added then.
    pub fn add_session(&mut self, row: &SessionRow) -> Result<(), StoreError> {
        let tx = self.conn.transaction()?;
        tx.execute(
            "INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                row.token,
                row.id,
                row.user,
                row.began.0,
                row.seen.0,
                row.sure.0,
                row.address,
                row.agent
            ],
        )?;
        tx.execute(
            "INSERT OR REPLACE INTO came_from VALUES (?1, ?2, ?3)",
            params![row.user, row.address, row.began.0],
        )?;
        tx.execute(
            "DELETE FROM came_from WHERE user = ?1 AND address NOT IN
             (SELECT address FROM came_from WHERE user = ?1 ORDER BY last_ms DESC LIMIT ?2)",
            params![row.user, MOST_ADDRESSES],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// The session of a token.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn session(&self, token: &[u8; 32]) -> Result<Option<SessionRow>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT * FROM session WHERE token = ?1")?;
        Ok(select.query_row([token], session_of).optional()?)
    }

    /// The sessions of a user, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sessions(&self, user: &str) -> Result<Vec<SessionRow>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT * FROM session WHERE user = ?1 ORDER BY began_ms DESC, id")?;
        let rows = select.query_map([user], session_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A session was used, and perhaps its user showed again who they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn touch(&self, token: &[u8; 32], seen: Instant, sure: Instant) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE session SET seen_ms = ?2, sure_ms = ?3 WHERE token = ?1")?
            .execute(params![token, seen.0, sure.0])?;
        Ok(())
    }

    /// Ends the session of a token.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_token(&self, token: &[u8; 32]) -> Result<(), StoreError> {
        self.conn
            .execute("DELETE FROM session WHERE token = ?1", [token])?;
        Ok(())
    }

    /// Ends one session of a user; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_session(&self, user: &str, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM session WHERE user = ?1 AND id = ?2";
        Ok(self.conn.execute(sql, [user, id])? > 0)
    }

    /// Ends every session of a user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_sessions(&self, user: &str) -> Result<(), StoreError> {
        self.conn
            .execute("DELETE FROM session WHERE user = ?1", [user])?;
        Ok(())
    }

    /// Takes sessions away that began or were last used before these instants.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_before(&self, began: Instant, seen: Instant) -> Result<(), StoreError> {
        self.conn.execute(
            "DELETE FROM session WHERE began_ms < ?1 OR seen_ms < ?2",
            params![began.0, seen.0],
        )?;
        Ok(())
    }

    /// Whether a user came in from this address before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn came_from(&self, user: &str, address: &str) -> Result<bool, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT 1 FROM came_from WHERE user = ?1 AND address = ?2")?;
        Ok(select.exists([user, address])?)
    }

    /// Every name's wrong tries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tries(&self) -> Result<Vec<TriesRow>, StoreError> {
        let mut select = self
            .conn
            .prepare("SELECT name, wrong, last_ms FROM tries ORDER BY name")?;
        let rows = select.query_map([], |row| {
            Ok(TriesRow {
                name: row.get(0)?,
                wrong: row.get(1)?,
                last_ms: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps a name's wrong tries, and those of no more than `most` names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_tries(&self, row: &TriesRow, most: usize) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO tries VALUES (?1, ?2, ?3)")?
            .execute(params![row.name, row.wrong, row.last_ms])?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.conn
            .prepare_cached(
                "DELETE FROM tries WHERE name IN
                 (SELECT name FROM tries ORDER BY last_ms DESC LIMIT -1 OFFSET ?1)",
            )?
            .execute([most])?;
        Ok(())
    }

    /// Forgets a name's wrong tries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_tries(&self, name: &str) -> Result<(), StoreError> {
        self.conn
            .execute("DELETE FROM tries WHERE name = ?1", [name])?;
        Ok(())
    }

    /// The last step of a user's second factor that was used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn step(&self, user: &str) -> Result<Option<u64>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT step FROM step WHERE user = ?1")?;
        let step: Option<i64> = select.query_row([user], |row| row.get(0)).optional()?;
        Ok(step.and_then(|step| u64::try_from(step).ok()))
    }

    /// Keeps it; none when the second factor is a new one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_step(&self, user: &str, step: Option<u64>) -> Result<(), StoreError> {
        match step.and_then(|step| i64::try_from(step).ok()) {
            Some(step) => self.conn.execute(
                "INSERT OR REPLACE INTO step VALUES (?1, ?2)",
                params![user, step],
            )?,
            None => self
                .conn
                .execute("DELETE FROM step WHERE user = ?1", [user])?,
        };
        Ok(())
    }
}

fn session_of(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        token: row.get(0)?,
        id: row.get(1)?,
        user: row.get(2)?,
        began: Instant(row.get(3)?),
        seen: Instant(row.get(4)?),
        sure: Instant(row.get(5)?),
        address: row.get(6)?,
        agent: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(user: &str, n: u8) -> SessionRow {
        SessionRow {
            token: [n; 32],
            id: format!("s{n}"),
            user: user.to_owned(),
            began: Instant(i64::from(n)),
            seen: Instant(i64::from(n)),
            sure: Instant(i64::from(n)),
            address: format!("192.0.2.{n}"),
            agent: "a browser".to_owned(),
        }
    }

    #[test]
    fn sessions_are_found_by_their_tokens_hash_and_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sqlite");
        let mut state = StateStore::open(&path).unwrap();
        for n in 1..=3 {
            state.add_session(&row("treasurer-1", n)).unwrap();
        }
        state.touch(&[2; 32], Instant(50), Instant(40)).unwrap();
        drop(state);
        let state = StateStore::open(&path).unwrap();
        let found = state.session(&[2; 32]).unwrap().unwrap();
        assert_eq!((found.seen, found.sure), (Instant(50), Instant(40)));
        assert!(state.came_from("treasurer-1", "192.0.2.3").unwrap());
        assert!(!state.came_from("secretary-1", "192.0.2.3").unwrap());
        assert!(!state.end_session("secretary-1", "s2").unwrap());
        assert!(state.end_session("treasurer-1", "s2").unwrap());
        assert_eq!(state.session(&[2; 32]).unwrap(), None);
        state.forget_before(Instant(2), Instant(0)).unwrap();
        let left = state.sessions("treasurer-1").unwrap();
        assert_eq!(left, [row("treasurer-1", 3)]);
        state.end_sessions("treasurer-1").unwrap();
        assert!(state.sessions("treasurer-1").unwrap().is_empty());
    }

    #[test]
    fn addresses_tries_and_steps_are_bounded_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = StateStore::open(&dir.path().join("state.sqlite")).unwrap();
        for n in 1..=30 {
            state.add_session(&row("treasurer-1", n)).unwrap();
            let tries = TriesRow {
                name: format!("name {n}"),
                wrong: 1,
                last_ms: i64::from(n),
            };
            state.keep_tries(&tries, 10).unwrap();
        }
        assert!(!state.came_from("treasurer-1", "192.0.2.10").unwrap());
        assert!(state.came_from("treasurer-1", "192.0.2.11").unwrap());
        assert_eq!(state.tries().unwrap().len(), 10);
        state.forget_tries("name 30").unwrap();
        assert_eq!(state.tries().unwrap().len(), 9);
        assert_eq!(state.step("treasurer-1").unwrap(), None);
        state.keep_step("treasurer-1", Some(7)).unwrap();
        assert_eq!(state.step("treasurer-1").unwrap(), Some(7));
        state.keep_step("treasurer-1", None).unwrap();
        assert_eq!(state.step("treasurer-1").unwrap(), None);
    }
}
