//! What can go wrong in a projection. None of it is about a reading: a bad reading is a finding.

use crate::codec::seal::Damage;

/// A projection cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("the projection cannot be used: {0}")]
    Sql(#[from] rusqlite::Error),
    /// The file was made by a newer version.
    #[error(
        "its schema is newer than this program's\nhint: it was written by a newer commonwatt; start that version"
    )]
    Newer,
    /// A schema step failed.
    #[error("the schema of the projection does not fit: {0}\nhint: run `commonwatt rebuild`")]
    Schema(rusqlite_migration::Error),
    /// A stored row is not what was written.
    #[error(
        "row `{key}` of `{table}` is damaged: {damage}\nhint: run `commonwatt rebuild`; the journal has the evidence"
    )]
    Damaged {
        /// The table.
        table: &'static str,
        /// Which row.
        key: String,
        /// What was seen.
        damage: Damage,
    },
    /// The compressor refused.
    #[error("a block cannot be packed: {0}")]
    Pack(#[from] std::io::Error),
    /// A batch that lies before what was applied already.
    #[error("a batch ends at journal position `{given}`, but `{have}` was applied already")]
    Backwards {
        /// The position of the batch.
        given: u64,
        /// The position of the store.
        have: u64,
    },
    /// The store was made for another time zone; days would be cut elsewhere.
    #[error(
        "the projection was made for zone `{have}`, not `{given}`\nhint: run `commonwatt rebuild`"
    )]
    Zone {
        /// The zone asked for.
        given: String,
        /// The zone in the file.
        have: String,
    },
}

impl From<rusqlite_migration::Error> for StoreError {
    fn from(error: rusqlite_migration::Error) -> StoreError {
        use rusqlite_migration::{Error, MigrationDefinitionError};
        match error {
            Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
                StoreError::Newer
            }
            other => StoreError::Schema(other),
        }
    }
}

impl StoreError {
    /// Whether it failed for want of space: nothing was changed, and it works again when there is.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let StoreError::Sql(rusqlite::Error::SqliteFailure(error, _)) = self else {
            return false;
        };
        // The second is how SQLite says that the write-ahead log's index cannot grow.
        error.code == rusqlite::ErrorCode::DiskFull
            || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    }

    pub(crate) fn damaged(
        table: &'static str,
        key: impl std::fmt::Display,
    ) -> impl FnOnce(Damage) -> StoreError {
        move |damage| StoreError::Damaged {
            table,
            key: key.to_string(),
            damage,
        }
    }
}
