//! The committer's thread: takes the pending batch, appends it as one group, hands it on.

use super::background::Compaction;
use super::told::Waiting;
use super::{CommitLimits, Group, Sink, lock};
use crate::MAX_GROUP_RECORDS;
use crate::error::{AppendError, CommitError};
use crate::journal::Journal;
use crate::reader::Reader;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::Notify;

pub(super) struct Inner<T> {
    pub(super) pending: Mutex<Pending<T>>,
    /// The thread sleeps here while nothing is pending.
    pub(super) work: Condvar,
    /// Blocking appends wait here for room.
    pub(super) freed: Condvar,
    pub(super) freed_async: Notify,
    pub(super) async_waiters: AtomicBool,
    pub(super) limits: CommitLimits,
    pub(super) reader: Reader,
    pub(super) thread: Mutex<Option<JoinHandle<()>>>,
}

pub(super) struct Pending<T> {
    pub(super) entries: Vec<Waiting<T>>,
    pub(super) bytes: u64,
    pub(super) records: usize,
    pub(super) sleeping: bool,
    pub(super) closing: bool,
    pub(super) out_of_space: bool,
    pub(super) stopped: Option<CommitError>,
}

impl<T> Pending<T> {
    pub(super) fn new() -> Pending<T> {
        Pending {
            entries: Vec::new(),
            bytes: 0,
            records: 0,
            sleeping: false,
            closing: false,
            out_of_space: false,
            stopped: None,
        }
    }
}

impl<T> Inner<T> {
    /// Would an entry of the largest size be refused? Half a batch is always free otherwise.
    pub(super) fn is_full(&self, pending: &Pending<T>) -> bool {
        pending.entries.len() >= self.limits.entries
            || pending.bytes > self.limits.bytes / 2
            || pending.records > MAX_GROUP_RECORDS / 2
    }

    pub(super) fn close(&self) {
        lock(&self.pending).closing = true;
        self.work.notify_all();
        self.tell_room();
    }

    pub(super) fn stop_reason(&self) -> CommitError {
        lock(&self.pending)
            .stopped
            .clone()
            .unwrap_or(CommitError::Closed)
    }

    fn tell_room(&self) {
        self.freed.notify_all();
        if self.async_waiters.swap(false, Ordering::Relaxed) {
            self.freed_async.notify_waiters();
        }
    }

    /// Refuses everything from now on and fails what is pending.
    fn stop(&self, why: CommitError) {
        let entries = {
            let mut pending = lock(&self.pending);
            pending.stopped.get_or_insert_with(|| why.clone());
            pending.bytes = 0;
            pending.records = 0;
            std::mem::take(&mut pending.entries)
        };
        self.freed_async.notify_waiters();
        self.tell_room();
        fail(entries, &why);
    }
}

pub(super) fn run<T: Send + 'static>(
    mut journal: Journal,
    inner: &Inner<T>,
    mut sink: impl Sink<T>,
) {
    // Whatever ends this thread, nobody waits for it in vain.
    let _end = StopOnExit(inner);
    let compaction = inner
        .limits
        .compact
        .then(|| Compaction::start(journal.compactor()));
    let mut batch: Vec<Waiting<T>> = Vec::new();
    let mut segments = journal.closed_segments();
    loop {
        {
            let mut pending = lock(&inner.pending);
            while pending.entries.is_empty() && !pending.closing {
                pending.sleeping = true;
                pending = inner
                    .work
                    .wait(pending)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            pending.sleeping = false;
            if pending.entries.is_empty() {
                break;
            }
            std::mem::swap(&mut pending.entries, &mut batch);
            pending.bytes = 0;
            pending.records = 0;
        }
        inner.tell_room();
        let time_ms = batch.iter().map(|entry| entry.time_ms).max().unwrap_or(0);
        match journal.append_parts(time_ms, batch.iter().map(|entry| &entry.records)) {
            Ok(appended) => {
                set_space(inner, false);
                release(&mut batch, appended.first, time_ms, &mut sink);
            }
            Err(error @ AppendError::Stopped { .. }) => {
                tracing::error!(%error, "the journal stopped; intake ends");
                inner.stop(error.clone().into());
                fail(std::mem::take(&mut batch), &error.into());
                return;
            }
            Err(error) => {
                if set_space(inner, matches!(error, AppendError::OutOfSpace { .. })) {
                    tracing::error!(%error, "a group was refused");
                }
                fail(batch.drain(..), &error.into());
            }
        }
        let now = journal.closed_segments();
        if std::mem::replace(&mut segments, now) != now
            && let Some(compaction) = &compaction
        {
            compaction.wake();
        }
    }
    drop(compaction);
    if let Err(error) = journal.close() {
        tracing::error!(%error, "the journal did not close cleanly");
        inner.stop(error.into());
    }
}

/// The sink first, then the acknowledgers.
fn release<T>(batch: &mut Vec<Waiting<T>>, first: u64, time_ms: i64, sink: &mut impl Sink<T>) {
    let mut entries = Vec::with_capacity(batch.len());
    let mut tell = Vec::with_capacity(batch.len());
    let mut index = first;
    for Waiting {
        records,
        along,
        told,
        ..
    } in batch.drain(..)
    {
        let count = records.len() as u32;
        tell.push((told, index));
        entries.push((index, count, along));
        index += u64::from(count);
    }
    sink.committed(Group {
        first,
        time_ms,
        entries,
    });
    tell.into_iter()
        .for_each(|(told, index)| told.durable(index));
}

fn fail<T>(entries: impl IntoIterator<Item = Waiting<T>>, why: &CommitError) {
    entries.into_iter().for_each(|entry| entry.told.failed(why));
}

/// Notes whether space is wanting; says whether that is news of the bad kind.
fn set_space<T>(inner: &Inner<T>, wanting: bool) -> bool {
    let mut pending = lock(&inner.pending);
    !std::mem::replace(&mut pending.out_of_space, wanting) && wanting
}

struct StopOnExit<'a, T>(&'a Inner<T>);

impl<T> Drop for StopOnExit<'_, T> {
    fn drop(&mut self) {
        self.0.stop(CommitError::Closed);
    }
}
