//! `people.sqlite`: names, addresses and sealed bank details, and nothing else of a society.
//!
//! This file is no projection: the journal cannot make it again, as the journal holds only the
//! salted hash of each row. A row is bytes with its salt; what they mean is decided above. Rows are
//! added and never changed; a later row of a member stands beside the earlier ones until the member
//! is erased, so that every hash the journal names can be checked while the law asks for the data.
//!
//! A row is synced before [`PeopleStore::insert`] returns. There is no write-ahead log: the rollback
//! journal is cut to nothing at each commit, deleted content is overwritten, and an erasure packs the
//! file anew, so that what was erased is in no page and no file of the folder.

use std::{fs::File, path::Path};

use rusqlite::{Connection, OptionalExtension, params};
use rusqlite_migration::{M, Migrations};

use crate::error::StoreError;

const STEPS: &[M<'_>] = &[M::up(
    "
    CREATE TABLE row (
        member INTEGER NOT NULL, hash TEXT NOT NULL, salt BLOB NOT NULL, bytes BLOB NOT NULL,
        PRIMARY KEY (member, hash)
    ) STRICT, WITHOUT ROWID;
    ",
)];

/// One row about one member.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The member's number.
    pub member: u32,
    /// The hash by which the journal names it.
    pub hash: String,
    /// What makes the hash say nothing once the row is gone.
    pub salt: [u8; 32],
    /// The row itself.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for PersonRow {
    /// Personal data reach no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonRow({} {})", self.member, self.hash)
    }
}

/// The people file, for its one owner.
#[derive(Debug)]
pub struct PeopleStore {
    conn: Connection,
}

impl PeopleStore {
    /// Opens the file, making it when it is not there.
    ///
    /// # Errors
    /// [`StoreError`] when SQLite refuses or the schema is newer than this program.
    pub fn open(path: &Path) -> Result<PeopleStore, StoreError> {
        let mut conn = Connection::open(path)?;
        conn.pragma_update(None, "journal_mode", "TRUNCATE")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "secure_delete", true)?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        conn.pragma_update(None, "trusted_schema", false)?;
        conn.busy_timeout(std::time::Duration::from_secs(10))?;
        Migrations::from_slice(STEPS).to_latest(&mut conn)?;
        Ok(PeopleStore { conn })
    }

    /// Adds rows, all or none; they are on disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was added then.
    pub fn insert(&mut self, rows: &[PersonRow]) -> Result<(), StoreError> {
        let tx = self.conn.transaction()?;
        {
            let mut insert = tx.prepare_cached(
                "INSERT INTO row (member, hash, salt, bytes) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for row in rows {
                insert.execute(params![row.member, row.hash, row.salt, row.bytes])?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// One row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn get(&self, member: u32, hash: &str) -> Result<Option<PersonRow>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT salt, bytes FROM row WHERE member = ?1 AND hash = ?2")?;
        let row = select
            .query_row(params![member, hash], |row| {
                Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        Ok(row.map(|(salt, bytes)| PersonRow {
            member,
            hash: hash.to_owned(),
            salt,
            bytes,
        }))
    }

    /// All rows, by member and hash.
    ///
    /// # Errors
    /// [`StoreError`], and what `visit` gives.
    pub fn each<E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(PersonRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = |error: rusqlite::Error| E::from(StoreError::from(error));
        let mut select = self
            .conn
            .prepare_cached("SELECT member, hash, salt, bytes FROM row ORDER BY member, hash")
            .map_err(sql)?;
        let mut found = select.query([]).map_err(sql)?;
        while let Some(row) = found.next().map_err(sql)? {
            let row = (|| {
                Ok(PersonRow {
                    member: row.get(0)?,
                    hash: row.get(1)?,
                    salt: row.get(2)?,
                    bytes: row.get(3)?,
                })
            })();
            visit(row.map_err(sql)?)?;
        }
        Ok(())
    }

    /// Takes all rows of members away, without a trace in the file. Gives how many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn erase(&mut self, members: &[u32]) -> Result<u64, StoreError> {
        self.take_away("DELETE FROM row WHERE member = ?1", members, |member| {
            vec![i64::from(*member).into()]
        })
    }

    /// Takes single rows away, without a trace in the file. Gives how many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget(&mut self, rows: &[(u32, String)]) -> Result<u64, StoreError> {
        let sql = "DELETE FROM row WHERE member = ?1 AND hash = ?2";
        self.take_away(sql, rows, |(member, hash)| {
            vec![i64::from(*member).into(), hash.clone().into()]
        })
    }

    fn take_away<T>(
        &mut self,
        sql: &str,
        of: &[T],
        values: impl Fn(&T) -> Vec<rusqlite::types::Value>,
    ) -> Result<u64, StoreError> {
        let tx = self.conn.transaction()?;
        let mut gone = 0;
        {
            let mut delete = tx.prepare_cached(sql)?;
            for one in of {
                gone += delete.execute(rusqlite::params_from_iter(values(one)))? as u64;
            }
        }
        tx.commit()?;
        if gone > 0 {
            // Overwritten cells may have had copies in the free space of pages that were split.
            self.conn.execute_batch("VACUUM")?;
        }
        Ok(gone)
    }

    /// Copies the file to a new one, which is on disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`], also when the target exists.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        self.conn
            .execute("VACUUM INTO ?1", [path.to_string_lossy().as_ref()])?;
        Ok(File::open(path)?.sync_all()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(member: u32, text: &str) -> PersonRow {
        PersonRow {
            member,
            hash: format!("{member}-{}", text.len()),
            salt: [7; 32],
            bytes: text.as_bytes().to_vec(),
        }
    }

    fn traces(folder: &Path, word: &str) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(word.len()).any(|w| w == word.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
        found
    }

    #[test]
    fn what_is_erased_is_in_no_page_and_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.sqlite");
        let mut people = PeopleStore::open(&path).unwrap();
        // Enough rows of odd lengths that pages split and cells move.
        for n in 1..=400_u32 {
            let length = usize::try_from(n * 37 % 900).unwrap();
            people
                .insert(&[row(n, &format!("canary-{n:04}-{}", "x".repeat(length)))])
                .unwrap();
        }
        people
            .insert(&[row(77, "canary-0077 moved to another street")])
            .unwrap();
        assert_eq!(traces(dir.path(), "canary-0077").len(), 1);
        assert_eq!(people.erase(&[77]).unwrap(), 2);
        assert_eq!(
            people
                .forget(&[(
                    78,
                    row(78, &format!("canary-0078-{}", "x".repeat(78 * 37 % 900))).hash
                )])
                .unwrap(),
            1
        );
        for gone in ["canary-0077", "canary-0078"] {
            assert_eq!(
                traces(dir.path(), gone),
                Vec::<String>::new(),
                "while it is open"
            );
        }
        drop(people);
        assert_eq!(traces(dir.path(), "canary-0077"), Vec::<String>::new());
        assert_eq!(traces(dir.path(), "canary-0079").len(), 1);
        let people = PeopleStore::open(&path).unwrap();
        let mut left = 0;
        people
            .each(|_| {
                left += 1;
                Ok::<(), StoreError>(())
            })
            .unwrap();
        assert_eq!(left, 398);
    }

    #[test]
    fn rows_are_added_all_or_none_and_copied() {
        let dir = tempfile::tempdir().unwrap();
        let mut people = PeopleStore::open(&dir.path().join("people.sqlite")).unwrap();
        people.insert(&[row(1, "one")]).unwrap();
        assert!(people.insert(&[row(2, "two"), row(1, "three")]).is_ok());
        assert!(people.insert(&[row(3, "three"), row(1, "one")]).is_err());
        assert_eq!(people.get(3, "3-5").unwrap(), None);
        let copy = dir.path().join("copy.sqlite");
        people.copy_to(&copy).unwrap();
        let copied = PeopleStore::open(&copy).unwrap();
        assert_eq!(copied.get(1, "1-3").unwrap(), people.get(1, "1-3").unwrap());
    }
}
