//! The client that takes messages in: subscribe, journal, acknowledge.
//!
//! Acknowledgements go straight into rumqttc's write buffer between two polls, as many as the disk
//! has confirmed, and are flushed once. Through the client's request channel each would cost a
//! system call, and awaiting a full channel in the task that polls would never return.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    future::poll_fn,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use domain::calendar::Instant;
use records::{message::Door, own::OwnRead};
use rumqttc::{
    AsyncClient, Event, EventLoop, Incoming as Packet, QoS, SubscribeFilter, SubscribeReasonCode,
    mqttbytes::v4,
};
use tokio::sync::watch;

use super::{Config, MESSAGE_BYTES, backoff::Backoff};
use crate::{
    Clock, Metrics, Registry,
    lane::{Incoming, Lane, Tally},
    registry::{Gateway, Society, Unentered, View},
    topic::{self, Kind},
};

/// Seconds between digests of messages in excess.
const EXCESS_SECONDS: u64 = 10;
/// How often it is looked whether a device was entered.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Subscriptions that may wait to be sent.
const MAX_REQUESTS: usize = 1_024;
/// Most filters of one SUBSCRIBE.
const FILTERS_AT_ONCE: usize = 1_000;
/// How long the end waits for the disk.
const DRAIN: Duration = Duration::from_secs(5);

/// Runs the inlet until `ended`.
pub(super) async fn run(
    config: Config,
    registry: Arc<Registry>,
    metrics: Arc<Metrics>,
    clock: Clock,
    mut ended: watch::Receiver<bool>,
) {
    let mut options = config.options(config.client_id.clone(), false);
    options.set_manual_acks(true);
    let (client, events) = AsyncClient::new(options, MAX_REQUESTS);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut inlet = Inlet {
        looks,
        view: View::new(&registry),
        backoff: Backoff::new(config.jitter_seed),
        lanes: HashMap::new(),
        epoch: Epoch::default(),
        subscribed: BTreeSet::new(),
        asked: VecDeque::new(),
        config,
        metrics,
        clock,
        client,
        events,
    };
    loop {
        tokio::select! {
            _ = ended.wait_for(|ended| *ended) => break,
            () = inlet.turn() => {}
        }
    }
    for lane in inlet.lanes.values() {
        lane.flush_excess();
        let _ = tokio::time::timeout(DRAIN, lane.drained()).await;
    }
    tokio::task::yield_now().await;
    let _ = tokio::time::timeout(DRAIN, inlet.acknowledge()).await;
}

struct Inlet {
    config: Config,
    metrics: Arc<Metrics>,
    clock: Clock,
    view: View,
    backoff: Backoff,
    lanes: HashMap<Arc<str>, Arc<Lane>>,
    epoch: Epoch,
    looks: tokio::time::Interval,
    /// What this connection has subscribed to.
    subscribed: BTreeSet<String>,
    /// Subscriptions the broker has not answered.
    asked: VecDeque<BTreeSet<String>>,
    client: AsyncClient,
    events: EventLoop,
}

/// What belongs to one connection. It is dropped as a whole with the connection, so that no
/// acknowledgement can outlive it.
#[derive(Default)]
struct Epoch {
    owed: VecDeque<Owed>,
    tallies: HashMap<Arc<str>, Progress>,
}

#[derive(Default)]
struct Progress {
    tally: Arc<Tally>,
    settled: u64,
}

/// A message to acknowledge, when its society's journal has it; at once where that is none.
struct Owed {
    id: u16,
    society: Option<Arc<str>>,
}

impl Inlet {
    /// Waits for the broker or the disk, once, and deals with it.
    async fn turn(&mut self) {
        if self.epoch.has_failed() {
            self.lose("a message did not reach the disk").await;
            return;
        }
        if self.epoch.is_due() {
            self.acknowledge().await;
            return;
        }
        let blocked = self
            .lanes
            .iter()
            .any(|(id, lane)| !lane.has_room(self.epoch.tally(id)));
        if blocked {
            self.epoch.wait(|_| true).await;
            return;
        }
        // Leaving a poll that waits is safe: a packet is taken from the socket whole or not at all,
        // and while it connects nothing can be due.
        tokio::select! {
            biased;
            event = self.events.poll() => match event {
                Ok(event) => self.take_all(event).await,
                Err(error) => self.lose(&error.to_string()).await,
            },
            () = self.epoch.wait(|epoch| epoch.is_due() || epoch.has_failed()) => {}
            // Never while it connects: an attempt that is left would begin again.
            _ = self.looks.tick(), if !self.subscribed.is_empty() => self.subscribe_to_new().await,
        }
    }

    /// Acknowledges, in order of arrival, what the disk has.
    async fn acknowledge(&mut self) {
        let mut any = false;
        while self.epoch.is_due() {
            let Some(owed) = self.epoch.owed.pop_front() else {
                break;
            };
            if let Some(society) = &owed.society
                && let Some(progress) = self.epoch.tallies.get_mut(society)
            {
                progress.settled += 1;
            }
            let Some(network) = self.events.network.as_mut() else {
                return;
            };
            let ack = v4::Packet::PubAck(v4::PubAck::new(owed.id));
            if network.write(ack).await.is_err() {
                return;
            }
            any = true;
        }
        if any && let Some(network) = self.events.network.as_mut() {
            // An error here is seen again by the next poll.
            let _ = network.flush().await;
        }
    }

    /// The connection is gone or must go: forget what belonged to it and wait a while.
    async fn lose(&mut self, why: &str) {
        self.events.clean();
        self.events.pending.clear();
        self.events.state.events.clear();
        self.epoch = Epoch::default();
        self.subscribed.clear();
        self.asked.clear();
        self.metrics.broker_connected.set(0);
        self.metrics.broker_lost.add(1);
        let wait = self.backoff.next();
        tracing::warn!(why, ?wait, "the broker connection was lost");
        tokio::time::sleep(wait).await;
    }

    /// Takes an event and those the same socket read brought, without a poll for each.
    async fn take_all(&mut self, first: Event) {
        let mut next = Some(first);
        while let Some(event) = next {
            self.take(event).await;
            next = self.events.state.events.pop_front();
        }
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => {
                self.epoch = Epoch::default();
                self.view.refresh();
                self.subscribed = self.wanted();
                let filters = self.subscribed.clone();
                self.subscribe(filters).await;
                if self.config.own_gateways_only {
                    self.leave_to_others();
                }
            }
            Event::Incoming(Packet::SubAck(answer)) => {
                let refused = answer.return_codes.contains(&SubscribeReasonCode::Failure);
                let asked = self.asked.pop_front().unwrap_or_default();
                if refused || answer.return_codes.len() != asked.len() {
                    let filters = asked.into_iter().collect::<Vec<_>>().join(" ");
                    self.metrics
                        .note_refusal(format!("the broker refused to subscribe us to `{filters}`"));
                    self.lose("the broker refused a subscription").await;
                } else {
                    self.backoff.reset();
                    self.metrics.broker_connected.set(1);
                    tracing::info!(host = self.config.host, "the broker delivers");
                }
            }
            Event::Incoming(Packet::Publish(publish)) => self.publish(&publish),
            _ => {}
        }
    }

    /// Everything to subscribe to: the own format, what devices publish, what the inbox looks for.
    fn wanted(&self) -> BTreeSet<String> {
        let own_only = self.config.own_gateways_only;
        let mut filters: BTreeSet<String> = match own_only {
            false => self.config.filters.iter().cloned().collect(),
            // So that there is something to subscribe to before the first gateway is entered.
            true => BTreeSet::from([format!("{}{}/reads", topic::PREFIX, self.config.client_id)]),
        };
        for gateway in self.view.snapshot().gateways() {
            if own_only && gateway.device.is_none() && !gateway.entry.revoked {
                let own = |kind| format!("{}{}/{kind}", topic::PREFIX, gateway.entry.id);
                filters.extend(["reads", "status", "enrol"].map(own));
            }
            if let Some(device) = gateway.device.as_ref().filter(|_| !gateway.entry.revoked) {
                filters.insert(device.topics.to_string());
            }
        }
        if self.view.registry().has_inbox() && !own_only {
            filters.extend(self.config.inbox_filters.iter().cloned());
        }
        filters
    }

    /// Takes back what an earlier connection of this session subscribed to for everybody.
    fn leave_to_others(&self) {
        let all = self.config.filters.iter().chain(&self.config.inbox_filters);
        for filter in all {
            // What cannot be sent now is taken back with the next connection; until then messages of
            // others are counted and let go.
            let _ = self.client.try_unsubscribe(filter.clone());
        }
    }

    /// Subscribes to what has been entered since.
    async fn subscribe_to_new(&mut self) {
        if !self.view.refresh() || self.subscribed.is_empty() {
            return;
        }
        let wanted = self.wanted();
        let new: BTreeSet<String> = wanted.difference(&self.subscribed).cloned().collect();
        self.subscribed.extend(wanted);
        if !new.is_empty() {
            self.subscribe(new).await;
        }
    }

    async fn subscribe(&mut self, filters: BTreeSet<String>) {
        let filters: Vec<String> = filters.into_iter().collect();
        for some in filters.chunks(FILTERS_AT_ONCE) {
            let wanted = some
                .iter()
                .map(|f| SubscribeFilter::new(f.clone(), QoS::AtLeastOnce));
            if self.client.try_subscribe_many(wanted).is_err() {
                self.lose("the subscription could not be sent").await;
                return;
            }
            self.asked.push_back(some.iter().cloned().collect());
        }
    }

    fn publish(&mut self, publish: &v4::Publish) {
        self.view.refresh();
        self.metrics.messages.add(1);
        self.metrics.bytes.add(publish.payload.len() as u64);
        let received = (self.clock)();
        let society = self.journal(publish, received);
        if publish.qos != QoS::AtMostOnce {
            self.epoch.owed.push_back(Owed {
                id: publish.pkid,
                society,
            });
        }
    }

    /// Lays a message into its society's batch; the society, when the acknowledgement must wait.
    fn journal(&mut self, publish: &v4::Publish, received: Instant) -> Option<Arc<str>> {
        let known = match topic::published(publish.topic.as_bytes()) {
            Some((id, kind)) => {
                let gateway = self.view.snapshot().gateway(id);
                gateway
                    .filter(|g| !g.entry.revoked)
                    .map(|g| (Arc::clone(g), kind))
            }
            None => self
                .view
                .snapshot()
                .device_of(&publish.topic)
                .and_then(|g| {
                    let kind = g.dialect(&publish.topic)?;
                    Some((Arc::clone(g), kind))
                }),
        };
        if known.as_ref().is_some_and(|(_, kind)| *kind == Kind::Aside) {
            self.metrics.aside.add(1);
            return None;
        }
        let Some((gateway, kind)) = known else {
            let own = publish.topic.starts_with(topic::PREFIX);
            if !own
                && publish.payload.len() <= MESSAGE_BYTES
                && self.view.registry().offer_unentered(&Unentered {
                    door: Door::Broker,
                    topic: &publish.topic,
                    payload: &publish.payload,
                    retained: publish.retain,
                    received,
                })
            {
                self.metrics.unentered.add(1);
                return None;
            }
            self.metrics.unknown_gateway.add(1);
            let topic: String = publish.topic.chars().take(100).collect();
            let line = format!("no gateway entered for `{}`", topic.escape_debug());
            self.metrics.note_refusal(line);
            return None;
        };
        let incoming = Incoming {
            gateway: &gateway,
            kind,
            topic: &publish.topic,
            payload: &publish.payload,
            qos: publish.qos as u8,
            retained: publish.retain,
            will: false,
            received,
        };
        let lane = self.lane(&gateway.entry.society);
        let counted = u32::from(publish.qos != QoS::AtMostOnce);
        if !fits(&gateway, &incoming) {
            // Acknowledged at once, so that one flood does not hold up every gateway behind this
            // broker; the digest follows within seconds, and no receipt names the message.
            lane.exceed(&incoming, self.epoch.tally(&gateway.entry.society.id), 0);
            return None;
        }
        let tally = self.epoch.tally(&gateway.entry.society.id);
        let mut pending = lane.pending();
        let mut scratch: Vec<OwnRead<'_>> = Vec::new();
        pending.take(&incoming, Door::Broker, &mut scratch, &self.metrics);
        pending.owe(tally, counted);
        lane.laid(pending);
        Some(Arc::clone(&gateway.entry.society.id))
    }

    fn lane(&mut self, society: &Society) -> Arc<Lane> {
        if let Some(lane) = self.lanes.get(&society.id)
            && (!lane.is_stopped() || lane.leads_to(society))
        {
            return Arc::clone(lane);
        }
        let lane = Lane::new(society, Arc::clone(&self.metrics), Door::Broker);
        tokio::spawn(Arc::clone(&lane).pump());
        let digests = Arc::clone(&lane);
        tokio::spawn(async move {
            let mut every = tokio::time::interval(Duration::from_secs(EXCESS_SECONDS));
            loop {
                every.tick().await;
                digests.flush_excess();
            }
        });
        self.lanes
            .insert(Arc::clone(&society.id), Arc::clone(&lane));
        lane
    }
}

impl Epoch {
    fn tally(&mut self, society: &Arc<str>) -> &Arc<Tally> {
        let progress = self.tallies.entry(Arc::clone(society)).or_default();
        &progress.tally
    }

    /// Whether the oldest message can be acknowledged.
    fn is_due(&self) -> bool {
        match self.owed.front() {
            None => false,
            Some(Owed { society: None, .. }) => true,
            Some(Owed {
                society: Some(id), ..
            }) => self
                .tallies
                .get(id)
                .is_some_and(|p| p.tally.durable() > p.settled),
        }
    }

    fn has_failed(&self) -> bool {
        self.tallies.values().any(|p| p.tally.has_failed())
    }

    /// Waits for a wake-up from a lane after which `enough` holds.
    async fn wait(&self, enough: impl Fn(&Epoch) -> bool) {
        let mut woken = false;
        poll_fn(|cx| {
            for progress in self.tallies.values() {
                progress.tally.register(cx.waker());
            }
            if std::mem::replace(&mut woken, true) && enough(self) {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }
}

fn fits(gateway: &Gateway, incoming: &Incoming<'_, '_>) -> bool {
    incoming.payload.len() <= MESSAGE_BYTES
        && gateway.usage.charge(
            incoming.received,
            incoming.payload.len() as u64,
            gateway.entry.day_bytes,
        )
}
