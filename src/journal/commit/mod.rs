//! The committer: one thread that owns a journal and turns what many offer into groups.
//!
//! Whoever has records calls [`Committer::offer`], which never waits: it lays the entry into the
//! one pending batch. The thread takes the whole batch (one swap), appends it as one group, and
//! when the disk has confirmed it tells the sink, then every acknowledger, in the order of the
//! offers. There is no timer: while one group is being synced the next one forms.
//!
//! The batch has limits ([`CommitLimits`]). When it is full, `offer` gives the entry back, and the
//! caller stops taking data from its peer and waits for [`Committer::room`].
//!
//! A group for which there is no space fails alone: its acknowledgers hear `failed`, and the next
//! group tries again. Any other failure stops intake for good: everything pending fails, and every
//! later offer is refused.

mod background;
mod thread;
mod told;

use crate::error::{AppendError, CommitError};
use crate::frame::ROW_BYTES;
use crate::journal::Journal;
use crate::reader::Reader;
use crate::records::Records;
use crate::{MAX_GROUP_BYTES, MAX_GROUP_RECORDS, MAX_RECORD_BYTES};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use thread::{Inner, Pending};
use tokio::sync::Notify;
use told::{Told, Waiter, Waiting};

/// Is told what became of an entry, from the committer's thread: it must not wait.
pub trait Acknowledge: Send + Sync {
    /// The entry's records are on disk and the sink has them. `entries` is the entry's `count`.
    fn durable(&self, entries: u32);
    /// The entry's records are not in the journal. Nothing may be acknowledged for it.
    fn failed(&self);
}

/// Receives every group after it is on disk and before anybody is told so.
pub trait Sink<T>: Send + 'static {
    /// Called from the committer's thread, in journal order.
    fn committed(&mut self, group: Group<T>);
}

impl<T, F: FnMut(Group<T>) + Send + 'static> Sink<T> for F {
    fn committed(&mut self, group: Group<T>) {
        self(group);
    }
}

/// What a caller wants in the journal.
pub struct Entry<T> {
    /// The records, in order; they stand together in the journal.
    pub records: Records,
    /// When they arrived, in milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
    /// What [`Acknowledge::durable`] is called with: how many messages the entry stands for.
    pub count: u32,
    /// Who is told.
    pub ack: Option<Arc<dyn Acknowledge>>,
    /// What the sink gets with it: the decoded form, so that nobody decodes twice.
    pub along: T,
}

/// A committed group.
pub struct Group<T> {
    /// The journal index of its first record.
    pub first: u64,
    /// The group's time: the latest of its entries', in milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
    /// For each entry: the index of its first record, its number of records, what came along.
    pub entries: Vec<(u64, u32, T)>,
}

/// Why an offer came back. The entry is the caller's again.
pub enum Refused<T> {
    /// The batch is full; wait for [`Committer::room`].
    Full(Entry<T>),
    /// The entry alone is more than half of what the batch holds.
    TooLarge(Entry<T>),
    /// Intake has stopped.
    Stopped(Entry<T>),
}

/// Limits of the pending batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitLimits {
    /// Bytes of the records in a batch; at most [`MAX_GROUP_BYTES`] and what a segment holds. One
    /// entry has at most half.
    pub bytes: u64,
    /// Entries in a batch; their records together stay below [`MAX_GROUP_RECORDS`].
    pub entries: usize,
    /// Compress closed segments in a thread of its own.
    pub compact: bool,
}

impl Default for CommitLimits {
    fn default() -> CommitLimits {
        CommitLimits {
            bytes: 4 << 20,
            entries: 16 << 10,
            compact: true,
        }
    }
}

/// How intake does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// The last group reached the disk.
    Running,
    /// The last group was refused for want of space; the next one tries again.
    OutOfSpace,
    /// Intake has stopped, for this reason.
    Stopped(String),
}

/// A handle to the committer's thread; clones share it. When the last one is dropped the thread
/// commits what is pending and ends.
pub struct Committer<T> {
    inner: Arc<Inner<T>>,
    _last: Arc<CloseOnDrop<T>>,
}

impl<T> Clone for Committer<T> {
    fn clone(&self) -> Committer<T> {
        Committer {
            inner: Arc::clone(&self.inner),
            _last: Arc::clone(&self._last),
        }
    }
}

impl<T: Send + 'static> Committer<T> {
    /// Starts the thread. It owns the journal from here on; read through [`Committer::reader`].
    pub fn spawn(journal: Journal, limits: CommitLimits, sink: impl Sink<T>) -> Committer<T> {
        let limits = CommitLimits {
            bytes: limits
                .bytes
                .clamp(2, MAX_GROUP_BYTES.min(journal.group_capacity())),
            entries: limits.entries.max(1),
            ..limits
        };
        let inner = Arc::new(Inner {
            pending: Mutex::new(Pending::new()),
            work: Condvar::new(),
            freed: Condvar::new(),
            freed_async: Notify::new(),
            async_waiters: AtomicBool::new(false),
            limits,
            reader: journal.reader(),
            thread: Mutex::new(None),
        });
        let for_thread = Arc::clone(&inner);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || thread::run(journal, &for_thread, sink))
            .expect("a thread for the committer can be started at start-up");
        *lock(&inner.thread) = Some(thread);
        let _last = Arc::new(CloseOnDrop(Arc::clone(&inner)));
        Committer { inner, _last }
    }

    /// Lays an entry into the pending batch. Never waits.
    pub fn offer(&self, entry: Entry<T>) -> Result<(), Refused<T>> {
        self.put(entry, None)
    }

    /// Appends an entry and waits until it is on disk; gives the index of its first record. For
    /// decisions; never call it from an async task without `spawn_blocking`.
    pub fn append(&self, entry: Entry<T>) -> Result<u64, CommitError> {
        let bytes = weight(&entry.records);
        let waiter = Arc::new(Waiter::default());
        let mut entry = entry;
        loop {
            match self.put(entry, Some(Arc::clone(&waiter))) {
                Ok(()) => return waiter.wait(),
                Err(Refused::TooLarge(_)) => {
                    return Err(CommitError::TooLarge {
                        bytes,
                        limit: self.inner.limits.bytes / 2,
                    });
                }
                Err(Refused::Stopped(_)) => return Err(self.inner.stop_reason()),
                Err(Refused::Full(back)) => {
                    entry = back;
                    let pending = lock(&self.inner.pending);
                    let full = |p: &mut Pending<T>| self.inner.is_full(p) && p.stopped.is_none();
                    drop(
                        self.inner
                            .freed
                            .wait_while(pending, full)
                            .unwrap_or_else(PoisonError::into_inner),
                    );
                }
            }
        }
    }

    /// Waits until an entry alone will be taken, or intake has stopped.
    pub async fn room(&self) {
        loop {
            let freed = self.inner.freed_async.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            {
                let pending = lock(&self.inner.pending);
                if pending.stopped.is_some() || pending.closing || !self.inner.is_full(&pending) {
                    return;
                }
                self.inner.async_waiters.store(true, Ordering::Relaxed);
            }
            freed.await;
        }
    }

    /// A handle that reads what is committed.
    pub fn reader(&self) -> Reader {
        self.inner.reader.clone()
    }

    /// How intake does.
    pub fn health(&self) -> Health {
        let pending = lock(&self.inner.pending);
        match &pending.stopped {
            Some(CommitError::Append(AppendError::Stopped { reason })) => {
                Health::Stopped(reason.clone())
            }
            Some(other) => Health::Stopped(other.to_string()),
            None if pending.out_of_space => Health::OutOfSpace,
            None => Health::Running,
        }
    }

    /// Whether it was stopped on purpose, and not by its disk.
    pub fn is_closed(&self) -> bool {
        let pending = lock(&self.inner.pending);
        matches!(pending.stopped, Some(CommitError::Closed))
    }

    /// Commits what is pending, closes the journal and waits for the thread to end. Later offers
    /// are refused.
    pub fn stop(&self) {
        self.inner.close();
        let thread = lock(&self.inner.thread).take();
        if let Some(thread) = thread {
            // A panic in the thread has already failed everything that was pending.
            let _ = thread.join();
        }
    }

    fn put(&self, entry: Entry<T>, waiter: Option<Arc<Waiter>>) -> Result<(), Refused<T>> {
        let inner = &*self.inner;
        let (bytes, records) = (weight(&entry.records), entry.records.len());
        if bytes > inner.limits.bytes / 2
            || records > MAX_GROUP_RECORDS / 2
            || has_oversized(&entry.records)
        {
            return Err(Refused::TooLarge(entry));
        }
        let mut pending = lock(&inner.pending);
        if pending.stopped.is_some() || pending.closing {
            return Err(Refused::Stopped(entry));
        }
        if pending.entries.len() >= inner.limits.entries
            || pending.bytes + bytes > inner.limits.bytes
            || pending.records + records > MAX_GROUP_RECORDS
        {
            return Err(Refused::Full(entry));
        }
        pending.bytes += bytes;
        pending.records += records;
        let Entry {
            records,
            time_ms,
            count,
            ack,
            along,
        } = entry;
        let told = Told { ack, count, waiter };
        pending.entries.push(Waiting {
            records,
            time_ms,
            along,
            told,
        });
        if std::mem::take(&mut pending.sleeping) {
            drop(pending);
            inner.work.notify_one();
        }
        Ok(())
    }
}

struct CloseOnDrop<T>(Arc<Inner<T>>);

impl<T> Drop for CloseOnDrop<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What an entry's records take of a group: their bytes and their rows in its table.
fn weight(records: &Records) -> u64 {
    (records.byte_len() + records.len() * ROW_BYTES) as u64
}

fn has_oversized(records: &Records) -> bool {
    records.byte_len() > MAX_RECORD_BYTES && records.iter().any(|r| r.len() > MAX_RECORD_BYTES)
}

fn lock<U>(mutex: &Mutex<U>) -> MutexGuard<'_, U> {
    // A panic elsewhere has already been turned into a stop; the data behind the lock is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
