//! The client that publishes receipts, retained, QoS 1: twice a second those that have moved, and
//! every 60 s all of them.
//!
//! What the broker has not acknowledged when a connection breaks is forgotten; on the next CONNACK
//! every receipt is published again, which is what a broker without its retained messages needs too.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rumqttc::{AsyncClient, Event, EventLoop, Incoming as Packet, QoS};
use tokio::sync::watch;

use super::{Config, backoff::Backoff, commands::Commands};
use crate::{Metrics, Receipts, Registry, registry::View, topic};

/// Receipts waiting in the client's queue.
const QUEUE: usize = 512;
/// Receipts the broker may have unacknowledged.
const INFLIGHT: u16 = 100;

/// Receipts are published again after so long even when they have not moved: a gateway whose note
/// the broker forgot learns from it that the note is missing.
const REPEAT: Duration = Duration::from_secs(60);

/// Runs the outlet until `ended`.
pub(super) async fn run(
    config: Config,
    registry: Arc<Registry>,
    receipts: Arc<Receipts>,
    metrics: Arc<Metrics>,
    mut ended: watch::Receiver<bool>,
) {
    let mut options = config.options(format!("{}-receipts", config.client_id), true);
    options.set_inflight(INFLIGHT);
    let (client, events) = AsyncClient::new(options, QUEUE);
    let connections = Arc::new(AtomicU64::new(0));
    let publishing = publish(
        registry,
        receipts,
        client,
        metrics,
        Arc::clone(&connections),
    );
    let publishing = tokio::spawn(publishing);
    tokio::select! {
        _ = ended.wait_for(|ended| *ended) => {}
        () = poll(events, Backoff::new(config.jitter_seed.rotate_left(32)), &connections) => {}
    }
    publishing.abort();
}

/// Keeps the connection. `connections` is odd while it stands.
async fn poll(mut events: EventLoop, mut backoff: Backoff, connections: &AtomicU64) {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                connections.fetch_add(1, Ordering::AcqRel);
                backoff.reset();
            }
            Ok(_) => {}
            Err(error) => {
                if !connections.load(Ordering::Acquire).is_multiple_of(2) {
                    connections.fetch_add(1, Ordering::AcqRel);
                }
                events.clean();
                events.pending.clear();
                let wait = backoff.next();
                tracing::warn!(%error, ?wait, "receipts cannot reach the broker");
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Hands the client what has moved. A task of its own: nothing may interrupt a poll that writes.
async fn publish(
    registry: Arc<Registry>,
    receipts: Arc<Receipts>,
    client: AsyncClient,
    metrics: Arc<Metrics>,
    connections: Arc<AtomicU64>,
) {
    let mut view = View::new(&registry);
    let mut published: HashMap<Arc<str>, u64> = HashMap::new();
    let mut connection = 0;
    let mut commands = Commands::default();
    let mut repeated = tokio::time::Instant::now();
    let mut every = tokio::time::interval(Duration::from_millis(500));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let now = connections.load(Ordering::Acquire);
        if now.is_multiple_of(2) {
            continue;
        }
        view.refresh();
        commands.publish(&client, &view);
        if !receipts.is_caught_up() {
            continue;
        }
        let anew = std::mem::replace(&mut connection, now) != now;
        if anew || repeated.elapsed() >= REPEAT {
            published.clear();
            repeated = tokio::time::Instant::now();
        }
        for gateway in view.snapshot().gateways() {
            let id = &gateway.entry.id;
            let cell = receipts.cell(id);
            let version = cell.version();
            if version == 0 || published.get(id) == Some(&version) {
                continue;
            }
            if cell.names_keys()
                && client
                    .try_publish(topic::enrolled(id), QoS::AtLeastOnce, true, cell.keys())
                    .is_err()
            {
                break;
            }
            let topic = topic::receipt(id);
            if client
                .try_publish(topic, QoS::AtLeastOnce, true, cell.text())
                .is_err()
            {
                break; // the queue is full; the rest follows
            }
            published.insert(Arc::clone(id), version);
            metrics.receipts.add(1);
        }
    }
}
