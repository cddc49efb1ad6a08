//! Those who wait for an entry, each told once.

use super::{Acknowledge, lock};
use crate::error::CommitError;
use crate::records::Records;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// An entry that was taken.
pub(super) struct Waiting<T> {
    pub(super) records: Records,
    pub(super) time_ms: i64,
    pub(super) along: T,
    pub(super) told: Told,
}

/// Who is told about an entry, once. Dropped untold, as when the sink panics, it has failed.
pub(super) struct Told {
    pub(super) ack: Option<Arc<dyn Acknowledge>>,
    pub(super) count: u32,
    pub(super) waiter: Option<Arc<Waiter>>,
}

impl Told {
    pub(super) fn durable(mut self, index: u64) {
        if let Some(ack) = self.ack.take() {
            ack.durable(self.count);
        }
        if let Some(waiter) = self.waiter.take() {
            waiter.set(Ok(index));
        }
    }

    pub(super) fn failed(mut self, why: &CommitError) {
        self.tell_failed(why);
    }

    fn tell_failed(&mut self, why: &CommitError) {
        if let Some(ack) = self.ack.take() {
            ack.failed();
        }
        if let Some(waiter) = self.waiter.take() {
            waiter.set(Err(why.clone()));
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.tell_failed(&CommitError::Closed);
    }
}

/// A blocking append waits here.
#[derive(Default)]
pub(super) struct Waiter {
    outcome: Mutex<Option<Result<u64, CommitError>>>,
    set: Condvar,
}

impl Waiter {
    pub(super) fn set(&self, outcome: Result<u64, CommitError>) {
        *lock(&self.outcome) = Some(outcome);
        self.set.notify_one();
    }

    pub(super) fn wait(&self) -> Result<u64, CommitError> {
        let mut outcome = lock(&self.outcome);
        loop {
            match outcome.take() {
                Some(outcome) => return outcome,
                None => {
                    outcome = self
                        .set
                        .wait(outcome)
                        .unwrap_or_else(PoisonError::into_inner)
                }
            }
        }
    }
}
