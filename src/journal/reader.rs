//! Reading what is committed, while the committer writes.

use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::journal::Shared;
use crate::records::Records;
use std::sync::Arc;
use wire::Head;

/// Reads committed records; clones share the journal. It never looks beyond the last synced group.
#[derive(Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

/// Records that stand together in the journal, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) first: u64,
    pub(crate) records: Records,
    pub(crate) runs: Vec<Run>,
    pub(crate) wanted: std::ops::Range<u64>,
    pub(crate) times: Option<std::ops::Range<i64>>,
}

/// Consecutive records of one group in a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub group: u64,
    pub time_ms: i64,
    pub records: u32,
}

/// A record and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its index in the journal, from 0.
    pub index: u64,
    /// The time of its group, in milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
    /// Its bytes, as they were appended.
    pub bytes: &'a [u8],
}

/// A record with its own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRecord {
    /// Its index in the journal, from 0.
    pub index: u64,
    /// The time of its group, in milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
    /// Its bytes, as they were appended.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> + '_ {
        let times = self
            .runs
            .iter()
            .flat_map(|run| std::iter::repeat_n(run.time_ms, run.records as usize));
        let indexed = (self.first..).zip(self.records.iter()).zip(times);
        indexed
            .map(|((index, bytes), time_ms)| Record {
                index,
                time_ms,
                bytes,
            })
            .filter(|r| self.wanted.contains(&r.index))
            .filter(|r| {
                self.times
                    .as_ref()
                    .is_none_or(|times| times.contains(&r.time_ms))
            })
    }
}

/// The batches of a journal from an index on. Ends at what was committed when it was made, or
/// after the first damage.
pub struct Batches {
    _todo: (),
}

impl Iterator for Batches {
    type Item = Result<Batch, Damage>;

    fn next(&mut self) -> Option<Result<Batch, Damage>> {
        todo!()
    }
}

/// What a full check found: everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The head, recomputed from the records.
    pub head: Head,
    /// Groups checked.
    pub groups: u64,
    /// Segments checked.
    pub segments: u64,
    /// Bytes of the records.
    pub bytes: u64,
}

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The head of the copy, recomputed from it.
    pub head: Head,
    /// Files copied.
    pub files: u64,
    /// Bytes copied.
    pub bytes: u64,
}

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The journal itself is damaged.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The copy does not open or is not what was copied.
    #[error("the copy is not good: {0}")]
    Copy(OpenError),
    /// The copy's head differs.
    #[error("the copy's head is `{found}`; expected `{expected}`")]
    Head {
        /// Head of the copy.
        found: Head,
        /// Head that was copied.
        expected: Head,
    },
    /// The target holds a journal already.
    #[error("the target holds files of a journal already; expected an empty folder")]
    NotEmpty,
    /// A disk refused.
    #[error("the copy failed: {0}")]
    Disk(#[from] std::io::Error),
}

impl Reader {
    /// Opens a journal that nobody writes, for reading only: nothing is changed, and an unfinished
    /// last group is left out.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Reader, OpenError> {
        let _ = disk;
        todo!()
    }

    /// Size and root of what is committed.
    pub fn head(&self) -> Head {
        todo!()
    }

    /// Number of committed records.
    pub fn size(&self) -> u64 {
        todo!()
    }

    /// The committed records from this index on, checked, many at a time.
    pub fn batches(&self, from: u64) -> Batches {
        let _ = from;
        todo!()
    }

    /// As [`batches`](Reader::batches), read and checked by a thread that works ahead: for replay.
    pub fn batches_ahead(
        &self,
        from: u64,
    ) -> impl Iterator<Item = Result<Batch, Damage>> + Send + use<> {
        self.batches(from)
    }

    /// The records whose group's time lies in `from_ms..to_ms`, without reading the others' segments.
    pub fn between(&self, from_ms: i64, to_ms: i64) -> Batches {
        let _ = (from_ms, to_ms);
        todo!()
    }

    /// The committed records from this index on, one at a time.
    pub fn read(&self, from: u64) -> impl Iterator<Item = Result<OwnRecord, Damage>> + use<> {
        let _ = from;
        std::iter::empty()
    }

    /// One record; `None` beyond the end.
    pub fn record(&self, index: u64) -> Result<Option<OwnRecord>, Damage> {
        self.read(index).next().transpose()
    }

    /// Recomputes everything from record 0 with code of its own. `progress` is called with records
    /// checked and records in all.
    pub fn verify(&self, progress: impl FnMut(u64, u64)) -> Result<Verified, Damage> {
        let _ = progress;
        todo!()
    }

    /// Copies the journal up to the present head while it is written, then opens the copy and
    /// recomputes its head.
    pub fn copy_to(
        &self,
        target: Arc<dyn Disk>,
        progress: impl FnMut(u64, u64),
    ) -> Result<Copied, CopyError> {
        let _ = (target, progress);
        todo!()
    }
}
