//! Counters of both doors, plain atomics, for whoever serves `/metrics` and the health page.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

/// Refusals kept by name for a person to see.
pub const MAX_RECENT: usize = 64;

/// Everything that is counted. All but the gauges only rise.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Open connections at the endpoint (gauge).
    pub connections: Gauge,
    /// Connections that have not said CONNECT yet (gauge).
    pub half_open: Gauge,
    /// Whether the broker door is connected: 0 or 1 (gauge).
    pub broker_connected: Gauge,
    /// Connections accepted.
    pub accepted: Counter,
    /// Connections turned away by a cap before a byte was read.
    pub turned_away: Counter,
    /// CONNECTs refused: wrong or no credential.
    pub refused_connects: Counter,
    /// Connections closed for breaking the protocol.
    pub malformed: Counter,
    /// Connections closed because nothing came for 1.5 times the keep-alive.
    pub keep_alive_expired: Counter,
    /// Connections closed because the same client id connected again.
    pub taken_over: Counter,
    /// Messages taken in, of every kind and both doors.
    pub messages: Counter,
    /// Payload bytes taken in.
    pub bytes: Counter,
    /// Reads decoded and placed.
    pub reads: Counter,
    /// Reads of registers that no society has entered.
    pub unplaced: Counter,
    /// Messages kept but not decodable.
    pub undecodable: Counter,
    /// Messages and subscriptions outside a gateway's rights.
    pub forbidden: Counter,
    /// Messages from an outside broker whose gateway nobody has entered; acknowledged, not kept.
    pub unknown_gateway: Counter,
    /// Messages whose signature is wrong, missing, or by a key that is not believed; kept, not placed.
    pub disbelieved: Counter,
    /// Numbers found that two different notes of one gateway have; the first few of each gateway.
    pub clones: Counter,
    /// Wrong one-time codes that were shown for a gateway which had one.
    pub wrong_codes: Counter,
    /// Messages of a device that its mapping does not read; acknowledged, not kept.
    pub aside: Counter,
    /// Messages on topics nobody has entered that went to the inbox.
    pub unentered: Counter,
    /// Messages above a gateway's bytes a day, counted in a digest.
    pub excess: Counter,
    /// Messages acknowledged after they were on disk.
    pub acknowledged: Counter,
    /// Batches handed to a committer.
    pub offered: Counter,
    /// Times a full committer made a door stop reading.
    pub stalls: Counter,
    /// Receipts sent.
    pub receipts: Counter,
    /// Times the broker door lost its connection.
    pub broker_lost: Counter,
    recent: Mutex<Vec<String>>,
}

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    /// Adds `n`, which may be negative.
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Sets the value.
    pub fn set(&self, n: i64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// The value now.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Metrics {
    /// Keeps one line about a refusal; the last [`MAX_RECENT`] can be shown.
    pub fn note_refusal(&self, line: String) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.last() == Some(&line) {
            return;
        }
        if recent.len() == MAX_RECENT {
            recent.remove(0);
        }
        recent.push(line);
    }

    /// The last refusals, oldest first.
    #[must_use]
    pub fn recent_refusals(&self) -> Vec<String> {
        self.recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Every number with the name it has on `/metrics`.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, i64)> {
        let c = |counter: &Counter| i64::try_from(counter.get()).unwrap_or(i64::MAX);
        vec![
            ("ingest_connections", self.connections.get()),
            ("ingest_half_open", self.half_open.get()),
            ("ingest_broker_connected", self.broker_connected.get()),
            ("ingest_accepted_total", c(&self.accepted)),
            ("ingest_turned_away_total", c(&self.turned_away)),
            ("ingest_refused_connects_total", c(&self.refused_connects)),
            ("ingest_malformed_total", c(&self.malformed)),
            (
                "ingest_keep_alive_expired_total",
                c(&self.keep_alive_expired),
            ),
            ("ingest_taken_over_total", c(&self.taken_over)),
            ("ingest_messages_total", c(&self.messages)),
            ("ingest_bytes_total", c(&self.bytes)),
            ("ingest_reads_total", c(&self.reads)),
            ("ingest_unplaced_reads_total", c(&self.unplaced)),
            ("ingest_undecodable_total", c(&self.undecodable)),
            ("ingest_forbidden_total", c(&self.forbidden)),
            ("ingest_unknown_gateway_total", c(&self.unknown_gateway)),
            ("ingest_disbelieved_total", c(&self.disbelieved)),
            ("ingest_clones_total", c(&self.clones)),
            ("ingest_wrong_codes_total", c(&self.wrong_codes)),
            ("ingest_aside_total", c(&self.aside)),
            ("ingest_unentered_total", c(&self.unentered)),
            ("ingest_excess_total", c(&self.excess)),
            ("ingest_acknowledged_total", c(&self.acknowledged)),
            ("ingest_offered_total", c(&self.offered)),
            ("ingest_stalls_total", c(&self.stalls)),
            ("ingest_receipts_total", c(&self.receipts)),
            ("ingest_broker_lost_total", c(&self.broker_lost)),
        ]
    }
}
