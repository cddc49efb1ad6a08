//! Where notes wait for their receipt.
//!
//! A backlog keeps notes in *groups*, in the order in which they were appended; a whole group is
//! removed at a time. On disk a group is a file ([`disk`]), so that room is made by unlinking and
//! works on a full disk too. In memory a group is one note ([`Memory`]); that is for simulated roofs,
//! which have nothing to lose.
//!
//! A backlog knows bytes and names. What may be given up, and in which order, is the session's to
//! say.

use std::{collections::BTreeMap, io};

use bytes::Bytes;

use crate::note::NoteId;

pub mod boot;
pub mod disk;
mod frame;

pub use disk::Disk;

/// Where notes wait.
pub trait Backlog {
    /// Shows what is there, oldest first, a group at a time, until `None`. Called before anything
    /// else.
    ///
    /// # Errors
    /// When it cannot be read at all; damage in it is shown as [`Found::Damage`].
    fn scan(&mut self) -> Result<Option<Vec<Found>>, BacklogError>;

    /// Keeps a note; it is durable when this returns. A note of the same name replaces the earlier.
    ///
    /// # Errors
    /// [`BacklogError`]; the note is then not kept.
    fn append(&mut self, id: NoteId, payload: &Bytes) -> Result<Placed, BacklogError>;

    /// Keeps, without haste, that receipts have named every note of `boot` up to `upto`. The newest
    /// word counts.
    ///
    /// # Errors
    /// [`BacklogError`]; forgetting it costs a repetition.
    fn named(&mut self, boot: u64, upto: u64) -> Result<(), BacklogError>;

    /// A note's bytes.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    fn load(&self, id: NoteId) -> Result<Bytes, BacklogError>;

    /// Removes a group with all that is in it.
    ///
    /// # Errors
    /// When it is still there.
    fn remove(&mut self, group: u64) -> Result<(), BacklogError>;

    /// From now on the gateway starts at least for the `boot`-th time.
    ///
    /// # Errors
    /// When it would be forgotten.
    fn raise_boot(&mut self, boot: u64) -> Result<(), BacklogError>;
}

/// Where a note went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its group; groups rise.
    pub group: u64,
    /// Bytes by which the backlog grew.
    pub bytes: u64,
}

/// One thing that a scan shows.
#[derive(Clone, Debug)]
pub enum Found {
    /// A note.
    Note {
        /// Its name.
        id: NoteId,
        /// Where it lies.
        placed: Placed,
        /// Its bytes.
        payload: Bytes,
    },
    /// What receipts had named.
    Named {
        /// Of this boot,
        boot: u64,
        /// up to this note.
        upto: u64,
    },
    /// Bytes that cannot be read any more.
    Damage {
        /// In this group.
        group: u64,
        /// So many.
        bytes: u64,
    },
}

/// Why a backlog did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BacklogError {
    /// No room on the disk.
    #[error("no room left on the backlog's disk")]
    Full,
    /// The disk failed.
    #[error("backlog's disk failed to {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the folder open.
    #[error("`{0}` is in use by another gateway process\nhint: `firmware-bridge status` shows it")]
    InUse(String),
    /// A note's bytes are not what was written.
    #[error("note `{0}` is damaged on disk")]
    Damaged(NoteId),
    /// No such note.
    #[error("note `{0}` is not in the backlog")]
    Unknown(NoteId),
}

/// A backlog that is gone with the process.
#[derive(Debug, Default)]
pub struct Memory {
    next: u64,
    groups: BTreeMap<u64, NoteId>,
    notes: BTreeMap<NoteId, Bytes>,
}

impl Backlog for Memory {
    fn scan(&mut self) -> Result<Option<Vec<Found>>, BacklogError> {
        Ok(None)
    }

    fn append(&mut self, id: NoteId, payload: &Bytes) -> Result<Placed, BacklogError> {
        let group = self.next;
        self.next += 1;
        self.groups.insert(group, id);
        self.notes.insert(id, payload.clone());
        Ok(Placed {
            group,
            bytes: payload.len() as u64,
        })
    }

    fn named(&mut self, _: u64, _: u64) -> Result<(), BacklogError> {
        Ok(())
    }

    fn load(&self, id: NoteId) -> Result<Bytes, BacklogError> {
        self.notes
            .get(&id)
            .cloned()
            .ok_or(BacklogError::Unknown(id))
    }

    fn remove(&mut self, group: u64) -> Result<(), BacklogError> {
        if let Some(id) = self.groups.remove(&group)
            && !self.groups.values().any(|other| *other == id)
        {
            self.notes.remove(&id);
        }
        Ok(())
    }

    fn raise_boot(&mut self, _: u64) -> Result<(), BacklogError> {
        Ok(())
    }
}
