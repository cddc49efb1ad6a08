//! From many connections into one journal: the pending batch of a society, and who waits for it.
//!
//! All connections of one thread lay what a socket read brought into the lane's pending batch. A
//! small task, the pump, runs when the connections that were ready have had their turn, offers the
//! batch to the committer as one entry, and, when the entry is on disk, tells each connection how
//! many of its messages that were. So the cost of a commit, of a lock and of a wake-up is paid once
//! a batch, and acknowledgements leave in the order of arrival.
//!
//! A full committer stops the lane: connections stop reading until there is room. A group that
//! could not be written fails the connections it came from; they close without an acknowledgement
//! and their clients send again. After a panic in the middle of an append the pending batch is
//! thrown away with all connections that had a part in it, for the same reason.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
};

use domain::calendar::Instant;
use journal::{Acknowledge, Committer, Entry, Health, Records, Refused};
use records::{
    Decoded,
    message::{Digest, Door, ReadMessage},
};
use tokio::sync::Notify;

use crate::{
    decode,
    excess::Excess,
    metrics::Metrics,
    registry::{Gateway, Society},
    topic::Kind,
};

/// Bytes of a pending batch at which connections stop reading until the pump has taken it.
pub(crate) const BATCH_BYTES: usize = 1 << 20;

/// One society's way into its journal, for the connections of one thread.
pub(crate) struct Lane {
    pub society: Arc<str>,
    committer: Committer<Decoded>,
    metrics: Arc<Metrics>,
    door: Door,
    pending: Mutex<Pending>,
    excess: Mutex<HashMap<Arc<str>, Excess>>,
    waiting: Mutex<Vec<Arc<Tally>>>,
    full: AtomicBool,
    /// Whether the pending batch has reached [`BATCH_BYTES`].
    brimming: AtomicBool,
    stopped: AtomicBool,
    flight: Arc<Flight>,
}

/// What will be the next entry.
#[derive(Default)]
pub(crate) struct Pending {
    records: Records,
    decoded: Decoded,
    owed: Debts,
    messages: u32,
    latest_ms: i64,
    counted: Counted,
}

/// What the metrics learn when the batch leaves: two threads that count every message on the same
/// counters spend more on that than on the message's bytes.
#[derive(Default)]
struct Counted {
    messages: u64,
    bytes: u64,
    reads: u64,
}

/// Who waits for how many messages.
type Debts = Vec<(Arc<Tally>, u32)>;

/// How many of a connection's messages are on disk.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    durable: AtomicU64,
    failed: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// One message to take in.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'g, 'a> {
    pub gateway: &'g Gateway,
    pub kind: Kind,
    pub topic: &'g str,
    pub payload: &'a [u8],
    pub qos: u8,
    pub retained: bool,
    pub will: bool,
    pub received: Instant,
}

#[derive(Default)]
struct Flight {
    outcomes: Mutex<VecDeque<bool>>,
    batches: Mutex<VecDeque<Debts>>,
    signal: Notify,
}

impl Lane {
    pub(crate) fn new(society: &Society, metrics: Arc<Metrics>, door: Door) -> Arc<Lane> {
        Arc::new(Lane {
            society: Arc::clone(&society.id),
            committer: society.committer.clone(),
            metrics,
            door,
            pending: Mutex::default(),
            excess: Mutex::default(),
            waiting: Mutex::default(),
            full: AtomicBool::new(false),
            brimming: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            flight: Arc::default(),
        })
    }

    /// The pending batch, to append to. Give it to [`Lane::laid`] afterwards.
    pub(crate) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(|poisoned| {
            let mut pending = poisoned.into_inner();
            tracing::error!("a batch was thrown away after a panic; its senders send again");
            for (tally, _) in std::mem::take(&mut *pending).owed {
                tally.fail();
            }
            self.pending.clear_poison();
            pending
        })
    }

    /// Gives the pending batch back, and lets the pump run once the tasks that are ready now have
    /// had their turn.
    pub(crate) fn laid(&self, pending: MutexGuard<'_, Pending>) {
        if pending.records.byte_len() >= BATCH_BYTES {
            self.brimming.store(true, Ordering::Release);
        }
        drop(pending);
        self.pump_soon();
    }

    fn pump_soon(&self) {
        self.flight.signal.notify_one();
    }

    /// Whether a connection may read on. If not, it is woken when it may.
    pub(crate) fn has_room(&self, tally: &Arc<Tally>) -> bool {
        let room = || !self.full.load(Ordering::Acquire) && !self.brimming.load(Ordering::Acquire);
        if room() {
            return true;
        }
        lock(&self.waiting).push(Arc::clone(tally));
        self.pump_soon();
        room()
    }

    /// Whether the committer is known to have stopped for good.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether it leads into the journal this society has now. A society that was closed and opened
    /// again, to make its projections anew, has another committer.
    pub(crate) fn leads_to(&self, society: &Society) -> bool {
        let stopped = |c: &Committer<Decoded>| matches!(c.health(), Health::Stopped(_));
        !stopped(&self.committer) || stopped(&society.committer)
    }

    /// Asks the committer; whether it has stopped for good.
    pub(crate) fn check(&self) -> bool {
        if matches!(self.committer.health(), Health::Stopped(_)) {
            self.stop();
        }
        self.is_stopped()
    }

    /// Counts a message above its gateway's bytes a day; its acknowledgement waits for the digest.
    pub(crate) fn exceed(&self, incoming: &Incoming<'_, '_>, tally: &Arc<Tally>, owed: u32) {
        lock(&self.excess)
            .entry(Arc::clone(&incoming.gateway.entry.id))
            .or_default()
            .add(incoming.payload, incoming.received, tally, owed);
        self.metrics.excess.add(1);
    }

    /// Puts the digests of what was in excess so far into the pending batch.
    pub(crate) fn flush_excess(&self) {
        let excess = std::mem::take(&mut *lock(&self.excess));
        if excess.is_empty() {
            return;
        }
        let mut pending = self.pending();
        for (gateway, excess) in excess {
            let digest = Digest {
                door: self.door,
                gateway: &gateway,
                first: excess.first,
                last: excess.last,
                count: excess.count,
                bytes: excess.bytes,
                hash: excess.hash,
            };
            pending.latest_ms = pending.latest_ms.max(excess.last.0);
            pending.records.push_with(|bytes| {
                digest
                    .encode(bytes)
                    .expect("a gateway's id is checked when it is entered");
            });
            pending.owed.extend(excess.waiting);
        }
        self.laid(pending);
    }

    /// Offers what is pending and hands on what became of it, until the runtime ends.
    pub(crate) async fn pump(self: Arc<Lane>) {
        loop {
            self.flight.signal.notified().await;
            self.settle();
            let Some(entry) = self.take_entry() else {
                continue;
            };
            self.offer(entry).await;
        }
    }

    /// Waits until everything offered so far is on disk or failed.
    pub(crate) async fn drained(&self) {
        while !lock(&self.pending).records.is_empty() || !lock(&self.flight.batches).is_empty() {
            if self.is_stopped() {
                return;
            }
            self.pump_soon();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn offer(&self, mut entry: Entry<Decoded>) {
        loop {
            match self.committer.offer(entry) {
                Ok(()) => {
                    self.metrics.offered.add(1);
                    break;
                }
                Err(Refused::Full(back)) => {
                    entry = back;
                    if !self.full.swap(true, Ordering::AcqRel) {
                        self.metrics.stalls.add(1);
                    }
                    tokio::select! {
                        () = self.committer.room() => {}
                        () = self.flight.signal.notified() => self.settle(),
                    }
                }
                Err(Refused::TooLarge(_)) => {
                    tracing::error!(
                        "a batch is larger than the committer takes; expected a limit of at least `{}` bytes",
                        4 * BATCH_BYTES
                    );
                    self.drop_last();
                    break;
                }
                Err(Refused::Stopped(_)) => {
                    self.drop_last();
                    self.stop();
                    break;
                }
            }
        }
        self.full.store(false, Ordering::Release);
        for tally in std::mem::take(&mut *lock(&self.waiting)) {
            tally.wake();
        }
    }

    fn take_entry(&self) -> Option<Entry<Decoded>> {
        let mut pending = self.pending();
        if pending.records.is_empty() {
            return None;
        }
        let batch = std::mem::take(&mut *pending);
        self.brimming.store(false, Ordering::Release);
        drop(pending);
        self.metrics.messages.add(batch.counted.messages);
        self.metrics.bytes.add(batch.counted.bytes);
        self.metrics.reads.add(batch.counted.reads);
        lock(&self.flight.batches).push_back(batch.owed);
        Some(Entry {
            records: batch.records,
            time_ms: batch.latest_ms,
            count: batch.messages,
            ack: Some(Arc::clone(&self.flight) as Arc<dyn Acknowledge>),
            along: batch.decoded,
        })
    }

    fn drop_last(&self) {
        let batch = lock(&self.flight.batches).pop_back();
        for (tally, _) in batch.into_iter().flatten() {
            tally.fail();
        }
    }

    fn stop(&self) {
        if self.stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        if self.committer.is_closed() {
            tracing::info!(
                society = &*self.society,
                "the journal is closed and opened again; its gateways connect again"
            );
        } else {
            tracing::error!("the journal takes nothing more; connections of its society close");
        }
    }

    fn settle(&self) {
        loop {
            let Some(durable) = lock(&self.flight.outcomes).pop_front() else {
                return;
            };
            let batch = lock(&self.flight.batches).pop_front().unwrap_or_default();
            let mut acknowledged = 0;
            for (tally, messages) in batch {
                if durable {
                    acknowledged += u64::from(messages);
                    tally.add(messages);
                } else {
                    tally.fail();
                }
            }
            self.metrics.acknowledged.add(acknowledged);
            if !durable {
                self.check();
            }
        }
    }
}

impl Pending {
    /// Appends one message as a record, with its meaning. `scratch` is memory to decode in.
    pub(crate) fn take<'a>(
        &mut self,
        incoming: &Incoming<'_, 'a>,
        door: Door,
        scratch: &mut Vec<records::own::OwnRead<'a>>,
        metrics: &Metrics,
    ) {
        let from = decode::From {
            gateway: &incoming.gateway.entry.id,
            received: incoming.received,
            record: u32::try_from(self.records.len()).unwrap_or(u32::MAX),
        };
        let brought = match incoming.kind {
            Kind::Reads => {
                let directory = &incoming.gateway.entry.society.directory;
                decode::arrived(
                    from,
                    incoming.payload,
                    &incoming.gateway.entry.keys,
                    directory,
                    scratch,
                    &mut self.decoded,
                )
            }
            Kind::Dialect => {
                let Some(device) = &incoming.gateway.device else {
                    return;
                };
                let said = decode::Dialect {
                    device: &device.reader,
                    topic: incoming.topic,
                    payload: incoming.payload,
                    stale: incoming.retained && door == Door::Broker,
                };
                let directory = &incoming.gateway.entry.society.directory;
                decode::device(from, said, directory, &mut self.decoded)
            }
            Kind::Aside => return,
            Kind::Enrol => {
                decode::enrolment(from, incoming.payload, &mut self.decoded);
                decode::Brought::default()
            }
            Kind::Status => {
                decode::status(from, incoming.payload, incoming.will, &mut self.decoded);
                decode::Brought::default()
            }
        };
        let message = ReadMessage {
            received: incoming.received,
            door,
            qos: incoming.qos,
            retained: incoming.retained,
            will: incoming.will,
            undecodable: brought.undecodable,
            proof: brought.proof,
            gateway: &incoming.gateway.entry.id,
            topic: incoming.topic,
            mapping: match (incoming.kind, &incoming.gateway.device) {
                (Kind::Dialect, Some(device)) => Some(&device.reader.hash),
                _ => None,
            },
            payload: incoming.payload,
        };
        self.records.push_with(|bytes| {
            message
                .encode(bytes)
                .expect("a gateway's id, and its topics with it, are checked when it is entered");
        });
        self.messages = self.messages.saturating_add(1);
        self.latest_ms = self.latest_ms.max(incoming.received.0);
        self.counted.reads += u64::from(brought.placed);
        if brought.unplaced > 0 {
            metrics.unplaced.add(u64::from(brought.unplaced));
        }
        if !brought.proof.is_believed() {
            metrics.disbelieved.add(1);
        }
        if brought.undecodable {
            metrics.undecodable.add(1);
        }
    }

    /// Counts messages that came, and their payload bytes.
    pub(crate) fn count(&mut self, messages: u64, bytes: u64) {
        self.counted.messages += messages;
        self.counted.bytes += bytes;
    }

    /// Notes that a connection waits for so many of the messages just appended.
    pub(crate) fn owe(&mut self, tally: &Arc<Tally>, messages: u32) {
        if messages > 0 {
            self.owed.push((Arc::clone(tally), messages));
        }
    }
}

impl Tally {
    /// Remembers whom to wake.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut known = lock(&self.waker);
        if !known.as_ref().is_some_and(|k| k.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = &*lock(&self.waker) {
            waker.wake_by_ref();
        }
    }

    /// How many messages are on disk since the start.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Whether a message was lost on the way to the disk; the connection must close.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    fn add(&self, messages: u32) {
        self.durable
            .fetch_add(u64::from(messages), Ordering::AcqRel);
        self.wake();
    }

    fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.wake();
    }
}

impl Acknowledge for Flight {
    fn durable(&self, _entries: u32) {
        lock(&self.outcomes).push_back(true);
        self.signal.notify_one();
    }

    fn failed(&self) {
        lock(&self.outcomes).push_back(false);
        self.signal.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
