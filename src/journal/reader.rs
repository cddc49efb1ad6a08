//! Reading what is committed, while the committer writes.

use crate::batches::{Batch, Batches, OwnRecord, Place};
use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::index::meets;
use crate::journal::{Closed, Shared, State};
use crate::scan::End;
use crate::segment::Kind;
use crate::{copy, survey, verify};
use std::ops::Range;
use std::sync::Arc;
use wire::Head;

/// Reads committed records; clones share the journal. It never looks beyond the last synced group.
#[derive(Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
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
        let found = survey::survey(disk.as_ref())?;
        let Some(last) = found.last else {
            let missing = std::io::ErrorKind::NotFound.into();
            return Err(OpenError::Disk {
                what: "find a journal in the folder",
                source: missing,
            });
        };
        if let End::Rot(damage) = last.scan.end {
            return Err(damage.into());
        }
        let active = last.scan.index;
        let peaks = active.peaks.clone();
        let state = State {
            closed: found.closed,
            active,
            peaks,
        };
        Ok(Reader {
            shared: Arc::new(Shared::new(disk, last.head.identity, state)),
        })
    }

    /// Size and root of what is committed.
    pub fn head(&self) -> Head {
        let peaks = self.shared.state().peaks.clone();
        peaks.head()
    }

    /// Number of committed records.
    pub fn size(&self) -> u64 {
        self.shared.state().peaks.size()
    }

    /// Bytes of all segments, as far as they are written.
    pub fn bytes(&self) -> u64 {
        let state = self.shared.state();
        state.closed.iter().map(|c| c.summary.end).sum::<u64>() + state.active.summary.end
    }

    /// The committed records from this index on, checked, many at a time.
    pub fn batches(&self, from: u64) -> Batches {
        self.batches_in(from, None)
    }

    /// As [`batches`](Reader::batches), read and checked by a thread that works ahead: for replay.
    pub fn batches_ahead(
        &self,
        from: u64,
    ) -> impl Iterator<Item = Result<Batch, Damage>> + Send + use<> {
        /// Batches that wait for the caller.
        const AHEAD: usize = 8;
        let batches = self.batches(from);
        let (send, receive) = std::sync::mpsc::sync_channel(AHEAD);
        let thread = std::thread::Builder::new().name("journal-replay".into());
        let inline = thread.spawn(move || {
            for batch in batches {
                if send.send(batch).is_err() {
                    return;
                }
            }
        });
        // Where no thread can be had, the records are read on the spot.
        let inline = inline.is_err().then(|| self.batches(from));
        receive.into_iter().chain(inline.into_iter().flatten())
    }

    /// The records whose group's time lies in `from_ms..to_ms`, without reading what lies outside.
    pub fn between(&self, from_ms: i64, to_ms: i64) -> Batches {
        self.batches_in(0, Some(from_ms..to_ms))
    }

    /// The committed records from this index on, one at a time.
    pub fn read(&self, from: u64) -> impl Iterator<Item = Result<OwnRecord, Damage>> + use<> {
        self.batches(from).flat_map(|batch| {
            let (records, damage) = match batch {
                Ok(batch) => (batch.iter().map(OwnRecord::from).collect(), None),
                Err(damage) => (Vec::new(), Some(damage)),
            };
            records.into_iter().map(Ok).chain(damage.map(Err))
        })
    }

    /// One record; `None` beyond the end.
    pub fn record(&self, index: u64) -> Result<Option<OwnRecord>, Damage> {
        let batch = self.batches_in(index, None).next().transpose()?;
        Ok(batch.and_then(|batch| batch.iter().next().map(OwnRecord::from)))
    }

    /// Recomputes everything from record 0 with code of its own. `progress` is called with records
    /// checked and records in all.
    pub fn verify(&self, progress: impl FnMut(u64, u64)) -> Result<Verified, Damage> {
        verify::verify(self, progress)
    }

    /// Copies the journal up to the present head while it is written, then opens the copy and
    /// checks it from record 0. `progress` is called with the steps done and the steps in all: one
    /// for each record copied, one for each record checked.
    pub fn copy_to(
        &self,
        target: Arc<dyn Disk>,
        progress: impl FnMut(u64, u64),
    ) -> Result<Copied, CopyError> {
        copy::copy(self, target, progress)
    }

    fn batches_in(&self, from: u64, times: Option<Range<i64>>) -> Batches {
        let upto = self.size();
        Batches {
            reader: self.clone(),
            next: from,
            upto,
            times,
            source: None,
            ended: false,
        }
    }

    /// The segment that holds a record, or the first one after it that meets the span.
    pub(crate) fn locate(&self, record: u64, times: Option<&Range<i64>>) -> Option<Place> {
        let wanted = |at| times.is_none_or(|span| meets(at, span));
        let state = self.shared.state();
        let at = state.closed.partition_point(|c| c.summary.upto() <= record);
        if let Some(Closed { summary, kind }) =
            state.closed[at..].iter().find(|c| wanted(c.summary.times))
        {
            let (first, upto) = (summary.first, summary.upto());
            return Some(Place {
                kind: *kind,
                first,
                upto,
                active: None,
            });
        }
        let active = &state.active;
        (record < active.summary.upto() && wanted(active.summary.times)).then(|| Place {
            kind: Kind::Open,
            first: active.summary.first,
            upto: active.summary.upto(),
            active: Some(active.stretches.clone()),
        })
    }

    pub(crate) fn kind_of(&self, first: u64) -> Option<Kind> {
        let state = self.shared.state();
        state
            .closed
            .iter()
            .find(|c| c.summary.first == first)
            .map(|c| c.kind)
    }
}
