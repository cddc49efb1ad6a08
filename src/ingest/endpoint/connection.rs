//! What the endpoint knows of a connection from outside it: enough to end it, to wake it, and to
//! see that it has fallen silent. One tick of the shard looks at all of them, so that no connection
//! needs a timer.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
};

use super::close::Close;
use crate::{lane::Tally, receipts::Cell};

/// A connection as its shard's tick sees it.
pub(super) struct Connection {
    pub number: u64,
    pub peer: SocketAddr,
    pub tally: Arc<Tally>,
    /// Whether CONNECT has been accepted.
    pub open: AtomicBool,
    /// The tick of the last byte received.
    pub heard: AtomicU64,
    /// Ticks of silence after which it is closed; 0 is never.
    pub patience: AtomicU64,
    /// The tick since which nothing could be written; 0 is none.
    pub stalled: AtomicU64,
    /// Set when a subscription has something to send.
    pub due: AtomicBool,
    subscriptions: Mutex<Vec<Subscription>>,
    end: AtomicU8,
}

/// A receipt somebody asked for.
pub(super) struct Subscription {
    pub topic: String,
    pub cell: Arc<Cell>,
    /// Not the receipt, but the keys that are believed.
    pub keys: bool,
    /// The version sent last, and the tick; none before the first.
    pub sent: Option<(u64, u64)>,
    /// Not yet sent since SUBSCRIBE: goes out as a retained message.
    pub fresh: bool,
}

impl Connection {
    pub(super) fn new(number: u64, peer: SocketAddr, tick: u64) -> Arc<Connection> {
        Arc::new(Connection {
            number,
            peer,
            tally: Arc::default(),
            open: AtomicBool::new(false),
            heard: AtomicU64::new(tick),
            patience: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            due: AtomicBool::new(false),
            subscriptions: Mutex::default(),
            end: AtomicU8::new(0),
        })
    }

    /// Asks the connection to close; the first reason counts.
    pub(super) fn end(&self, why: Close) {
        let first = self
            .end
            .compare_exchange(0, why.number(), Ordering::AcqRel, Ordering::Acquire);
        if first.is_ok() {
            self.tally.wake();
        }
    }

    /// Why it shall close, if it shall.
    pub(super) fn ended(&self) -> Option<Close> {
        match self.end.load(Ordering::Acquire) {
            0 => None,
            number => Close::from_number(number),
        }
    }

    pub(super) fn subscriptions(&self) -> MutexGuard<'_, Vec<Subscription>> {
        self.subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the connection once a tick.
    pub(super) fn tick(&self, now: u64, half_open_ticks: u64, repeat_ticks: u64, stall_ticks: u64) {
        let silence = now.saturating_sub(self.heard.load(Ordering::Relaxed));
        let patience = if self.open.load(Ordering::Relaxed) {
            self.patience.load(Ordering::Relaxed)
        } else {
            half_open_ticks
        };
        // The half-open limit counts from accept, so that a drip of bytes does not extend it.
        if patience > 0 && silence > patience {
            self.end(Close::Silent);
        }
        let stalled = self.stalled.load(Ordering::Relaxed);
        if stalled > 0 && now.saturating_sub(stalled) > stall_ticks {
            self.end(Close::Stalled);
        }
        let due = self.subscriptions().iter().any(|s| match s.sent {
            None => true,
            Some((version, tick)) => {
                version != s.cell.version() || now.saturating_sub(tick) >= repeat_ticks
            }
        });
        if due {
            self.due.store(true, Ordering::Release);
            self.tally.wake();
        }
    }
}
