//! One thread's share of the connections, and what all threads share.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use records::message::Door;

use super::{
    Limits,
    close::Close,
    connection::Connection,
    session::{Open, Who},
};
use crate::{Clock, Metrics, Receipts, Registry, lane::Lane, registry::Society};

/// How often the tick runs: keep-alives, receipts and half-open connections are that exact.
pub(super) const TICKS_PER_SECOND: u64 = 4;

type Name = (Arc<str>, String);

/// What all threads of an endpoint share.
pub(super) struct Shared {
    pub limits: Limits,
    pub registry: Arc<Registry>,
    pub receipts: Arc<Receipts>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub ending: AtomicBool,
    pub numbers: AtomicU64,
    names: Mutex<HashMap<Name, Arc<Connection>>>,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// One thread's connections and lanes.
pub(super) struct Shard {
    pub shared: Arc<Shared>,
    /// Memory that every socket read goes through; what is left of it is copied out.
    pub scratch: Mutex<Vec<u8>>,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    lanes: Mutex<HashMap<Arc<str>, Arc<Lane>>>,
    ticks: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        limits: Limits,
        registry: Arc<Registry>,
        receipts: Arc<Receipts>,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Arc<Shared> {
        Arc::new(Shared {
            limits,
            registry,
            receipts,
            metrics,
            clock,
            ending: AtomicBool::new(false),
            numbers: AtomicU64::new(1),
            names: Mutex::default(),
            addresses: Mutex::default(),
        })
    }

    /// Counts a connection from an address, unless it has too many. Loopback has no limit: a proxy
    /// or a test stands there.
    pub(super) fn enter_address(&self, address: IpAddr) -> bool {
        if address.to_canonical().is_loopback() {
            return true;
        }
        let mut addresses = lock(&self.addresses);
        let count = addresses.entry(address).or_default();
        if *count >= self.limits.per_address {
            return false;
        }
        *count += 1;
        true
    }

    pub(super) fn leave_address(&self, address: IpAddr) {
        let mut addresses = lock(&self.addresses);
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }

    /// Enters a client id; a connection that had it is closed.
    pub(super) fn enter_name(&self, open: &Open, connection: &Arc<Connection>) {
        let former = lock(&self.names).insert(name(open), Arc::clone(connection));
        if let Some(former) = former {
            self.metrics.taken_over.add(1);
            former.end(Close::TakenOver);
        }
    }

    /// Frees a client id, unless another connection has taken it over.
    pub(super) fn leave_name(&self, open: &Open, connection: &Arc<Connection>) {
        let mut names = lock(&self.names);
        let name = name(open);
        if names.get(&name).is_some_and(|c| Arc::ptr_eq(c, connection)) {
            names.remove(&name);
        }
    }
}

impl Shard {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Shard> {
        let scratch = shared.limits.packet_bytes + super::READ_BYTES;
        Arc::new(Shard {
            shared,
            scratch: Mutex::new(vec![0; scratch]),
            connections: Mutex::default(),
            lanes: Mutex::default(),
            ticks: AtomicU64::new(1),
        })
    }

    pub(super) fn tick(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// The lane of a society, made when its first connection comes, and again when the society was
    /// opened anew. Call on the shard's thread.
    pub(super) fn lane(&self, society: &Society) -> Arc<Lane> {
        let mut lanes = lock(&self.lanes);
        if let Some(lane) = lanes.get(&society.id)
            && lane.leads_to(society)
        {
            return Arc::clone(lane);
        }
        let lane = Lane::new(society, Arc::clone(&self.shared.metrics), Door::Endpoint);
        tokio::spawn(Arc::clone(&lane).pump());
        lanes.insert(Arc::clone(&society.id), Arc::clone(&lane));
        lane
    }

    pub(super) fn lanes(&self) -> Vec<Arc<Lane>> {
        lock(&self.lanes).values().cloned().collect()
    }

    pub(super) fn enter(&self, connection: &Arc<Connection>) {
        lock(&self.connections).insert(connection.number, Arc::clone(connection));
    }

    pub(super) fn leave(&self, connection: &Connection) {
        lock(&self.connections).remove(&connection.number);
    }

    pub(super) fn connections(&self) -> Vec<Arc<Connection>> {
        lock(&self.connections).values().cloned().collect()
    }

    /// Looks at every connection some times a second, until the runtime ends.
    pub(super) async fn run_ticks(self: Arc<Shard>) {
        let limits = &self.shared.limits;
        let half_open = limits.connect_seconds * TICKS_PER_SECOND;
        let digest = limits.digest_seconds.max(1) * TICKS_PER_SECOND;
        let stall = limits.stall_seconds * TICKS_PER_SECOND;
        let mut every = tokio::time::interval(Duration::from_millis(1_000 / TICKS_PER_SECOND));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut version = self.shared.registry.version();
        loop {
            every.tick().await;
            let now = self.ticks.fetch_add(1, Ordering::Relaxed) + 1;
            let mut moved = version != self.shared.registry.version();
            version = self.shared.registry.version();
            for lane in self.lanes() {
                let stopped = lane.is_stopped();
                moved |= lane.check() != stopped;
                if now.is_multiple_of(digest) {
                    lane.flush_excess();
                }
            }
            for connection in self.connections() {
                connection.tick(now, half_open, limits.repeat_ticks(), stall);
                if moved {
                    connection.tally.wake();
                }
            }
        }
    }
}

fn name(open: &Open) -> Name {
    let owner = match &open.who {
        Who::Gateway(gateway) | Who::Invited(gateway) => Arc::clone(&gateway.entry.id),
        Who::Anonymous => Arc::from(""),
    };
    (owner, open.client_id.clone())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
