//! The journal itself: opening, appending, rotating.

use crate::disk::Disk;
use crate::error::{AppendError, Damage, OpenError};
use crate::reader::Reader;
use crate::records::Records;
use std::sync::Arc;
use wire::Head;

/// How a journal is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a segment, allocated when it is made.
    pub segment_bytes: u64,
    /// Records that somebody knows to have been on disk (the last head, a projection's position);
    /// a journal that is shorter does not open.
    pub expect_at_least: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: 64 << 20,
            expect_at_least: 0,
        }
    }
}

/// An open journal. One at a time may append to a folder.
pub struct Journal {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Size and root.
    pub head: Head,
    /// The folder was empty: this journal is new.
    pub created: bool,
    /// An unfinished last group that was set aside. A record of it belongs in the journal.
    pub cut: Option<Cut>,
}

/// The unfinished end of a journal, set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The index at which the unfinished group began; the next record takes it.
    pub first: u64,
    /// Bytes set aside.
    pub bytes: u64,
    /// Their file, in the journal's folder.
    pub file: String,
}

/// Where an appended group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The index of its first record.
    pub first: u64,
    /// Its number of records.
    pub count: u64,
}

impl Journal {
    /// Opens the journal in this folder, or makes one where there is none.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Journal, Opened), OpenError> {
        let _ = (disk, options);
        todo!()
    }

    /// Appends records as one group; on disk when it returns. `time_ms` is when they arrived, in
    /// milliseconds since 1970-01-01 UTC.
    pub fn append_group(
        &mut self,
        time_ms: i64,
        records: &Records,
    ) -> Result<Appended, AppendError> {
        self.append_parts(time_ms, std::iter::once(records))
    }

    pub(crate) fn append_parts<'a>(
        &mut self,
        time_ms: i64,
        parts: impl Iterator<Item = &'a Records> + Clone,
    ) -> Result<Appended, AppendError> {
        let _ = (time_ms, parts);
        todo!()
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        self.reader().head()
    }

    /// A handle that reads what is committed, also while this appends.
    pub fn reader(&self) -> Reader {
        Reader {
            shared: Arc::clone(&self.shared),
        }
    }

    /// A handle that compresses closed segments, also while this appends.
    pub fn compactor(&self) -> Compactor {
        Compactor {
            _shared: Arc::clone(&self.shared),
        }
    }

    /// Bytes of records that fit one group of this journal's segments.
    pub fn group_capacity(&self) -> u64 {
        todo!()
    }

    pub(crate) fn closed_segments(&self) -> usize {
        todo!()
    }

    /// Closes it: the `synced` mark names everything.
    pub fn close(self) -> Result<(), AppendError> {
        todo!()
    }
}

/// Compresses closed segments.
#[derive(Clone)]
pub struct Compactor {
    _shared: Arc<Shared>,
}

impl Compactor {
    /// Compresses every closed segment that is not yet; returns how many were.
    pub fn compact_closed(&self) -> Result<u64, Damage> {
        todo!()
    }
}
