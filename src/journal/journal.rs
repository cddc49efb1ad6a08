//! The journal itself: appending and rotating. Opening is in `recover`, reading in `reader`.

use crate::compact::Compactor;
use crate::disk::{Disk, DiskFile};
use crate::error::{AppendError, OpenError};
use crate::frame::{self, BLOCK, NewGroup, Sizes, Tag};
use crate::index::{Index, Summary};
use crate::mark::Mark;
use crate::reader::Reader;
use crate::records::Records;
use crate::segment::{Kind, SegmentHead};
use crate::{MAX_GROUP_BYTES, recover, survey};
use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::{Hash, Head, Peaks};

/// Bytes of a segment, unless the options say otherwise.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// Bytes of the smallest segment.
pub const MIN_SEGMENT_BYTES: u64 = 16 << 10;
/// Bytes of the largest segment.
pub const MAX_SEGMENT_BYTES: u64 = 4 << 30;
/// The `synced` mark is written when the groups' time has moved this far, in milliseconds.
const MARK_EVERY_MS: u64 = 10_000;
/// And after this many groups in any case.
const MARK_EVERY_GROUPS: u64 = 4_096;
/// A reserve that could not be made is tried again after this many groups.
const RESERVE_EVERY_GROUPS: u64 = 64;
/// The file of the reserve.
pub(crate) const RESERVE: &str = "reserve";

/// How a journal is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a segment, allocated when it is made: a multiple of 4096 between
    /// [`MIN_SEGMENT_BYTES`] and [`MAX_SEGMENT_BYTES`].
    pub segment_bytes: u64,
    /// Records that somebody knows to have been on disk (the last head, a projection's position);
    /// a journal that is shorter does not open.
    pub expect_at_least: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: SEGMENT_BYTES,
            expect_at_least: 0,
        }
    }
}

/// An open journal. One at a time may append to a folder.
pub struct Journal {
    pub(crate) shared: Arc<Shared>,
    pub(crate) segment_bytes: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Length of the active segment's file.
    pub(crate) file_bytes: u64,
    pub(crate) tag: Tag,
    /// Hash of the last group.
    pub(crate) hash: Hash,
    pub(crate) next_group: u64,
    /// Where the next frame goes.
    pub(crate) offset: u64,
    pub(crate) peaks: Peaks,
    pub(crate) reserve: Option<Arc<dyn DiskFile>>,
    pub(crate) mark_file: Arc<dyn DiskFile>,
    pub(crate) mark: Mark,
    pub(crate) mark_time_ms: i64,
    /// The frame being written; its memory is kept.
    pub(crate) frame: Vec<u8>,
    pub(crate) _lock: Box<dyn Any + Send + Sync>,
}

/// What the writer, the readers and the compactor share.
pub(crate) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub identity: [u8; 16],
    pub state: Mutex<State>,
    /// The first failure; after it nothing is appended.
    failed: Mutex<Option<String>>,
    /// Held while segments are compressed: one compactor at a time.
    pub compacting: Mutex<()>,
}

/// What is committed.
pub(crate) struct State {
    pub closed: Vec<Closed>,
    /// The index of the active segment, up to the last synced group.
    pub active: Index,
    pub peaks: Peaks,
}

/// A segment that takes nothing more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    pub summary: Summary,
    pub kind: Kind,
}

impl Shared {
    pub fn new(disk: Arc<dyn Disk>, identity: [u8; 16], state: State) -> Shared {
        Shared {
            disk,
            identity,
            state: Mutex::new(state),
            failed: Mutex::new(None),
            compacting: Mutex::new(()),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops intake for good.
    pub fn fail(&self, what: &str, error: &io::Error) -> AppendError {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = failed.get_or_insert_with(|| format!("the disk refused to {what}: {error}"));
        AppendError::Stopped {
            reason: reason.clone(),
        }
    }

    fn check(&self) -> Result<(), AppendError> {
        match &*self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(reason) => Err(AppendError::Stopped {
                reason: reason.clone(),
            }),
            None => Ok(()),
        }
    }
}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Size and root.
    pub head: Head,
    /// The folder was empty: this journal is new.
    pub created: bool,
    /// An unfinished last group that was set aside. A record of it belongs in the journal.
    pub cut: Option<Cut>,
    /// Closed segments whose index was missing and was made again from their records.
    pub rebuilt: u64,
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
    /// What was wrong with them.
    pub reason: String,
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
    /// Opens the journal in this folder, or makes one where there is none. The last segment is
    /// checked record by record; an unfinished last group is set aside.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Journal, Opened), OpenError> {
        recover::open(disk, options)
    }

    /// Appends records as one group; on disk when it returns. `time_ms` is when they arrived, in
    /// milliseconds since 1970-01-01 UTC. No records are no group.
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
        self.shared.check()?;
        let first = self.peaks.size();
        let sizes = Sizes::of(parts.clone());
        if sizes.records == 0 {
            return Ok(Appended { first, count: 0 });
        }
        let needed = sizes.padded_len();
        if !sizes.fit_a_group() || needed > self.segment_bytes - BLOCK as u64 {
            return Err(AppendError::TooLarge {
                records: sizes.records,
                bytes: sizes.bytes,
            });
        }
        self.make_room(needed)?;
        let group = NewGroup {
            tag: self.tag,
            number: self.next_group,
            first,
            time_ms,
            previous: self.hash,
        };
        // From here on a failure is final, so the edge need not be put back.
        let peaks = &mut self.peaks;
        let head = frame::encode(&mut self.frame, &group, &sizes, parts, |leaf| {
            peaks.push(leaf)
        });
        self.file
            .write_at(self.offset, &self.frame)
            .map_err(|e| self.shared.fail("write a group", &e))?;
        self.file
            .sync()
            .map_err(|e| self.shared.fail("sync a group", &e))?;
        {
            let mut state = self.shared.state();
            state.active.add(&head, self.offset);
            state.peaks = self.peaks.clone();
        }
        self.offset += head.padded_len() as u64;
        self.next_group += 1;
        self.hash = head.hash;
        if time_ms.abs_diff(self.mark_time_ms) >= MARK_EVERY_MS
            || self.next_group - self.mark.groups >= MARK_EVERY_GROUPS
        {
            self.write_mark()?;
            self.mark_time_ms = time_ms;
        }
        // Another thread's failure counts too: nothing is acknowledged after it.
        self.shared.check()?;
        Ok(Appended {
            first,
            count: sizes.records,
        })
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        self.peaks.head()
    }

    /// A handle that reads what is committed, also while this appends.
    pub fn reader(&self) -> Reader {
        Reader {
            shared: Arc::clone(&self.shared),
        }
    }

    /// A handle that compresses closed segments, also while this appends.
    pub fn compactor(&self) -> Compactor {
        Compactor::new(Arc::clone(&self.shared))
    }

    /// What fits one group of this journal's segments: bytes of the records, and 8 more for each.
    pub fn group_capacity(&self) -> u64 {
        MAX_GROUP_BYTES.min(self.segment_bytes - 2 * BLOCK as u64)
    }

    /// Is the next segment allocated already? Without it, out of space is near.
    pub fn has_reserve(&self) -> bool {
        self.reserve.is_some()
    }

    pub(crate) fn closed_segments(&self) -> usize {
        self.shared.state().closed.len()
    }

    /// Closes it: the `synced` mark names everything.
    pub fn close(mut self) -> Result<(), AppendError> {
        self.shared.check()?;
        if self.mark.records == self.peaks.size() {
            Ok(())
        } else {
            self.write_mark()
        }
    }

    /// Sees to it that a frame of this many bytes fits the active segment. Out of space is found
    /// here, before anything has changed.
    fn make_room(&mut self, needed: u64) -> Result<(), AppendError> {
        if self.reserve.is_none() && self.next_group.is_multiple_of(RESERVE_EVERY_GROUPS) {
            self.reserve = self.allocate().map(Some).or_else(no_space)?;
        }
        if self.offset + needed <= self.file_bytes {
            return Ok(());
        }
        if self.file_bytes < self.segment_bytes {
            // The file was cut short, or it is a copy, which has no empty space at its end.
            match self.file.cut(self.offset, self.segment_bytes) {
                Ok(()) => self.file_bytes = self.segment_bytes,
                Err(e) if is_full(&e) => {
                    return Err(AppendError::OutOfSpace {
                        bytes: self.segment_bytes,
                    });
                }
                Err(e) => return Err(self.shared.fail("extend a segment", &e)),
            }
            if self.offset + needed <= self.file_bytes {
                return Ok(());
            }
        }
        self.rotate()
    }

    /// Closes the active segment and begins the next one in the reserve.
    fn rotate(&mut self) -> Result<(), AppendError> {
        let file = match self.reserve.take() {
            Some(file) => file,
            None => self.allocate()?,
        };
        let head = SegmentHead {
            identity: self.shared.identity,
            group: self.next_group,
            previous: self.hash,
            peaks: self.peaks.clone(),
        };
        let disk = Arc::clone(&self.shared.disk);
        begin(disk.as_ref(), file.as_ref(), &head)
            .map_err(|e| self.shared.fail("begin a segment", &e))?;
        let closed = {
            let mut state = self.shared.state();
            let mut index = std::mem::replace(&mut state.active, Index::new(&head));
            index.peaks = self.peaks.clone();
            state.closed.push(Closed {
                summary: index.summary,
                kind: Kind::Open,
            });
            index
        };
        self.tag = head.tag();
        self.file = file;
        self.file_bytes = self.segment_bytes;
        self.offset = BLOCK as u64;
        match survey::write_index(disk.as_ref(), &closed) {
            // Without it, the next start reads the segment instead.
            Err(e) if is_full(&e) => tracing::warn!("no space for the index of a closed segment"),
            Err(e) => return Err(self.shared.fail("write an index", &e)),
            Ok(()) => {}
        }
        self.write_mark()?;
        self.reserve = self.allocate().map(Some).or_else(no_space)?;
        Ok(())
    }

    /// Makes a reserve.
    pub(crate) fn allocate(&self) -> Result<Arc<dyn DiskFile>, AppendError> {
        match self.shared.disk.create(RESERVE, self.segment_bytes) {
            Ok(file) => {
                file.sync()
                    .map_err(|e| self.shared.fail("sync a reserve", &e))?;
                Ok(file)
            }
            Err(e) if is_full(&e) => Err(AppendError::OutOfSpace {
                bytes: self.segment_bytes,
            }),
            Err(e) => Err(self.shared.fail("make a reserve", &e)),
        }
    }

    /// Writes the mark: everything appended so far is on disk.
    pub(crate) fn write_mark(&mut self) -> Result<(), AppendError> {
        self.mark = Mark {
            turn: self.mark.turn + 1,
            records: self.peaks.size(),
            groups: self.next_group,
            hash: self.hash,
        };
        self.mark
            .write(self.mark_file.as_ref())
            .map_err(|e| self.shared.fail("write the synced mark", &e))
    }
}

/// Gives a prepared file its header and its name, durably.
pub(crate) fn begin(disk: &dyn Disk, file: &dyn DiskFile, head: &SegmentHead) -> io::Result<()> {
    file.write_at(0, &head.encode(Kind::Open))?;
    file.sync()?;
    disk.rename(RESERVE, &Kind::Open.file_name(head.first()))?;
    disk.sync_folder()
}

/// Is this the disk saying that there is no room?
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Being out of space for a reserve refuses nothing yet.
fn no_space(error: AppendError) -> Result<Option<Arc<dyn DiskFile>>, AppendError> {
    match error {
        AppendError::OutOfSpace { .. } => Ok(None),
        other => Err(other),
    }
}
