//! The backlog's self-test: a note is written to its disk as in service, and read back.

use std::{path::Path, time::Instant};

use jiff::Timestamp;

use crate::{
    backlog::{Backlog, BacklogError, Disk, Found},
    clock::{ClockState, Now},
    note::{self, NoteId},
};

/// What a self-test showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTest {
    /// How long writing, syncing and reading back took, in ms.
    pub took_ms: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// The backlog said so.
    #[error(transparent)]
    Backlog(#[from] BacklogError),
    /// What was read is not what was written.
    #[error("the note that was read back is not the one that was written")]
    Changed,
    /// The folder of the test stays.
    #[error("the folder of the test cannot be removed: {0}")]
    Remains(std::io::Error),
}

/// The folder of a test, beside the notes and never among them.
const FOLDER: &str = "self-test";
/// Room for the test.
const CAP_BYTES: u64 = 1 << 20;

pub(super) fn test(backlog: &Path, at: Timestamp) -> Result<SelfTest, SelfTestError> {
    let folder = backlog.join(FOLDER);
    let begun = Instant::now();
    let id = NoteId { boot: 1, seq: 1 };
    let now = Now {
        tick_ms: 0,
        wall: at,
        state: ClockState::Unknown,
    };
    let written = note::encode(id, now, &[], &[]);
    {
        let mut disk = Disk::open(&folder, CAP_BYTES)?;
        disk.append(id, &written)?;
    }
    // Another process would find it so.
    let read = {
        let mut disk = Disk::open(&folder, CAP_BYTES)?;
        let mut found = Vec::new();
        while let Some(more) = disk.scan()? {
            found.extend(more);
        }
        found.into_iter().find_map(|found| match found {
            Found::Note {
                id: name, payload, ..
            } if name == id => Some(payload),
            _ => None,
        })
    };
    if read.as_ref() != Some(&written) {
        return Err(SelfTestError::Changed);
    }
    std::fs::remove_dir_all(&folder).map_err(SelfTestError::Remains)?;
    Ok(SelfTest {
        took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        bytes: written.len() as u64,
    })
}
