//! Drives a session over MQTT 3.1.1.
//!
//! One task owns the session, another polls the connection. Each connection is a client of its own:
//! when it breaks, everything rumqttc had queued is thrown away with it and the session sends again
//! what no receipt names, so nothing stale can be sent after a reconnect. The MQTT session is clean
//! for the same reason: what must be remembered lies here, not in the broker.
//!
//! A connection is up when the broker has granted the receipt topic; only then are notes sent.
//! Notes go out at QoS 1, not retained, on `commonwatt/v1/<gateway>/reads`. The retained status on
//! `…/status` says whether the gateway is there; the last will says that it is not.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing,
    Packet, QoS, SubscribeReasonCode, TlsConfiguration, Transport,
};
use serde::Serialize;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tracing::{debug, info, warn};
use wire::Receipt;

use crate::{
    clock::Clock,
    note::{MeterRead, NoteId},
    session::{Limits, Session, Standing},
};

pub mod backoff;
pub mod tls;

use backoff::Backoff;

/// Largest packet taken from a broker. A receipt is far smaller; but a bigger packet that somebody
/// left retained on its topic would break every connection.
pub const INCOMING_BYTES_MOST: usize = 1024 * 1024;
/// Largest packet sent.
pub const OUTGOING_BYTES_MOST: usize = 256 * 1024;
/// Reads that may wait for the session; beyond it [`Uplink::read`] waits.
pub const READS_WAITING_MOST: usize = 4096;
/// The status is said again so often, in s.
pub const STATUS_EVERY_S: u64 = 60;

/// Where to publish, and as whom.
#[derive(Clone, Debug)]
pub struct UplinkConfig {
    /// Broker's host name or address.
    pub host: String,
    /// Broker's port: 1883 plain, 8883 TLS by custom.
    pub port: u16,
    /// The gateway's id: client id, user name and a level of its topics.
    pub gateway: String,
    /// The gateway's password; `None` for a broker without accounts.
    pub token: Option<String>,
    /// TLS, made by [`tls::client`]; `None` for a plain connection.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Keep-alive, in s.
    pub keep_alive_s: u16,
    /// After a connection is up, the replay starts at a random moment within so long, in ms.
    pub replay_within_ms: u64,
    /// The first pause after a broken connection and the longest, in ms; each is doubled from the
    /// one before and then cut to a random part between a half and the whole.
    pub backoff_ms: (u64, u64),
}

impl UplinkConfig {
    /// Plain MQTT with the usual bounds.
    pub fn new(host: impl Into<String>, port: u16, gateway: impl Into<String>) -> Self {
        UplinkConfig {
            host: host.into(),
            port,
            gateway: gateway.into(),
            token: None,
            tls: None,
            keep_alive_s: 30,
            replay_within_ms: 5_000,
            backoff_ms: (500, 60_000),
        }
    }

    fn topic(&self, leaf: &str) -> String {
        format!("commonwatt/v1/{}/{leaf}", self.gateway)
    }
}

/// What a look at an uplink shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UplinkState {
    /// Is the connection up and the receipt topic granted?
    pub connected: bool,
    /// How often it came up.
    pub connections: u64,
    /// Receipts that could be read.
    pub receipts: u64,
    /// The session.
    pub standing: Standing,
}

/// A running uplink.
#[derive(Debug)]
pub struct Uplink {
    reads: mpsc::Sender<MeterRead>,
    stop: oneshot::Sender<Duration>,
    state: watch::Receiver<UplinkState>,
    task: JoinHandle<UplinkState>,
}

/// The uplink's task is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("uplink has stopped")]
pub struct Stopped;

impl Uplink {
    /// Starts an uplink for a gateway that starts for the `boot`-th time ([`Session::new`]). It
    /// runs whether or not the broker is there.
    pub fn start(config: UplinkConfig, boot: u64, limits: Limits, clock: Clock) -> Self {
        let (reads, reads_in) = mpsc::channel(READS_WAITING_MOST);
        let (stop, stop_in) = oneshot::channel();
        let (state_out, state) = watch::channel(UplinkState::default());
        let driver = Driver {
            backoff: Backoff::new(config.backoff_ms.0, config.backoff_ms.1),
            window: limits.window,
            session: Session::new(boot, limits),
            state: UplinkState::default(),
            config,
            boot,
            clock,
            state_out,
            link: Link::Down {
                retry_at: Instant::now(),
            },
        };
        Uplink {
            reads,
            stop,
            state,
            task: tokio::spawn(driver.run(reads_in, stop_in)),
        }
    }

    /// Hands over a read; waits while [`READS_WAITING_MOST`] are waiting.
    pub async fn read(&self, read: MeterRead) -> Result<(), Stopped> {
        self.reads.send(read).await.map_err(|_| Stopped)
    }

    /// How it stands, now and after each change.
    pub fn watch(&self) -> watch::Receiver<UplinkState> {
        self.state.clone()
    }

    /// Stops: publishes what is open, waits up to `grace` for receipts, says good-bye. What is
    /// still without a receipt is counted in the state that is returned.
    pub async fn stop(self, grace: Duration) -> UplinkState {
        let last_seen = *self.state.borrow();
        drop(self.reads);
        // A task that is gone has no use for the signal.
        let _ = self.stop.send(grace);
        self.task.await.unwrap_or(last_seen)
    }
}

struct Driver {
    config: UplinkConfig,
    boot: u64,
    clock: Clock,
    session: Session,
    window: usize,
    state: UplinkState,
    state_out: watch::Sender<UplinkState>,
    backoff: Backoff,
    link: Link,
}

enum Link {
    Down { retry_at: Instant },
    Up(Connection),
}

struct Connection {
    client: AsyncClient,
    events: mpsc::Receiver<Result<Event, ConnectionError>>,
    poller: JoinHandle<()>,
    granted: bool,
    /// Publishes handed to rumqttc that have no packet id yet, in order; `None` is a status.
    submitted: VecDeque<Option<NoteId>>,
    /// Packet ids that wait for a PUBACK.
    numbered: Vec<(u16, NoteId)>,
    status_at: Instant,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.poller.abort();
    }
}

impl Driver {
    async fn run(
        mut self,
        mut reads: mpsc::Receiver<MeterRead>,
        mut stop: oneshot::Receiver<Duration>,
    ) -> UplinkState {
        let mut until: Option<Instant> = None;
        let mut taking = true;
        loop {
            self.pump();
            self.report();
            let drained = !taking && self.session.all_receipted();
            if until.is_some_and(|until| drained || Instant::now() >= until) {
                break;
            }
            let wake = self.wake_at(until);
            tokio::select! {
                read = reads.recv(), if taking => match read {
                    Some(read) => self.session.read(read, self.clock.now()),
                    None => {
                        taking = false;
                        self.session.flush(self.clock.now());
                    }
                },
                grace = &mut stop, if until.is_none() => {
                    // An uplink that was dropped without `stop` gets no grace.
                    until = Some(Instant::now() + grace.unwrap_or_default());
                },
                event = next_event(&mut self.link) => self.handle(event),
                () = sleep_until(wake) => {}
            }
        }
        self.good_bye().await;
        self.state
    }

    /// The next moment at which something happens by itself.
    fn wake_at(&self, until: Option<Instant>) -> Instant {
        let session = self.session.wake_at_ms(self.clock.now());
        let session = session.map(|tick_ms| self.clock.instant_of_tick(tick_ms));
        let link = match &self.link {
            Link::Down { retry_at } => *retry_at,
            Link::Up(connection) => connection.status_at,
        };
        let waits = [session, until].into_iter().flatten();
        waits.fold(link, Instant::min)
    }

    /// Does everything that can be done without waiting.
    fn pump(&mut self) {
        let now = Instant::now();
        if matches!(self.link, Link::Down { retry_at } if retry_at <= now) {
            self.link = Link::Up(self.connect());
        }
        if let Link::Up(connection) = &mut self.link
            && connection.granted
        {
            if connection.status_at <= now {
                connection.status_at = now + Duration::from_secs(STATUS_EVERY_S);
                let status = status(true, self.boot, self.session.standing());
                let topic = self.config.topic("status");
                match connection
                    .client
                    .try_publish(topic, QoS::AtLeastOnce, true, status)
                {
                    Ok(()) => connection.submitted.push_back(None),
                    Err(error) => debug!(%error, "status was not sent"),
                }
            }
            let topic = self.config.topic("reads");
            while let Some(publish) = self.session.poll(self.clock.now()) {
                let sent = connection.client.try_publish(
                    &topic,
                    QoS::AtLeastOnce,
                    false,
                    publish.payload.clone(),
                );
                match sent {
                    Ok(()) => connection.submitted.push_back(Some(publish.id)),
                    Err(error) => {
                        // The channel holds more than the window, so this is a broken connection;
                        // its event is on the way and the note will be sent again.
                        debug!(%error, note = %publish.id, "note was not sent");
                        break;
                    }
                }
            }
        } else {
            // Nothing is sent, but a full note must be closed for the backlog's bound to hold.
            let none = self.session.poll(self.clock.now());
            debug_assert!(
                none.is_none(),
                "a session that is not connected sends nothing"
            );
        }
    }

    fn report(&mut self) {
        self.state.standing = self.session.standing();
        self.state.connected = matches!(&self.link, Link::Up(c) if c.granted);
        self.state_out.send_if_modified(|state| {
            let changed = *state != self.state;
            *state = self.state;
            changed
        });
    }

    fn connect(&self) -> Connection {
        // Room for a whole window, the status and the subscription, so that `try_publish` never
        // meets a full channel.
        let (client, event_loop) = AsyncClient::new(self.options(), self.window + 8);
        let (events_out, events) = mpsc::channel(64);
        Connection {
            client,
            events,
            poller: tokio::spawn(poll(event_loop, events_out)),
            granted: false,
            submitted: VecDeque::new(),
            numbered: Vec::new(),
            status_at: Instant::now() + Duration::from_secs(STATUS_EVERY_S),
        }
    }

    fn options(&self) -> MqttOptions {
        let config = &self.config;
        let mut options = MqttOptions::new(&config.gateway, &config.host, config.port);
        let inflight = u16::try_from(self.window + 8).unwrap_or(u16::MAX);
        let will = status(false, self.boot, Standing::default());
        options
            .set_clean_session(true)
            .set_keep_alive(Duration::from_secs(config.keep_alive_s.max(5).into()))
            .set_max_packet_size(INCOMING_BYTES_MOST, OUTGOING_BYTES_MOST)
            .set_inflight(inflight)
            .set_last_will(LastWill::new(
                config.topic("status"),
                will,
                QoS::AtLeastOnce,
                true,
            ));
        if let Some(token) = &config.token {
            options.set_credentials(&config.gateway, token);
        }
        if let Some(tls) = &config.tls {
            let tls = TlsConfiguration::Rustls(Arc::clone(tls));
            options.set_transport(Transport::tls_with_config(tls));
        }
        options
    }

    fn handle(&mut self, event: Option<Result<Event, ConnectionError>>) {
        let Link::Up(connection) = &mut self.link else {
            return;
        };
        match event {
            Some(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                let topic = self.config.topic("receipt");
                let subscribed = connection.client.try_subscribe(topic, QoS::AtLeastOnce);
                self.unless_refused(subscribed);
            }
            Some(Ok(Event::Incoming(Packet::SubAck(granted)))) => {
                if granted.return_codes.contains(&SubscribeReasonCode::Failure) {
                    self.lost("broker refused the receipt topic");
                    return;
                }
                connection.granted = true;
                connection.status_at = Instant::now();
                self.state.connections += 1;
                self.backoff.reset();
                let replay_after_ms = backoff::random_below(self.config.replay_within_ms);
                self.session.connected(replay_after_ms, self.clock.now());
                info!(gateway = %self.config.gateway, "uplink is up");
            }
            Some(Ok(Event::Outgoing(Outgoing::Publish(packet)))) => {
                if let Some(Some(note)) = connection.submitted.pop_front() {
                    connection.numbered.push((packet, note));
                }
            }
            Some(Ok(Event::Incoming(Packet::PubAck(ack)))) => {
                let numbered = &mut connection.numbered;
                if let Some(at) = numbered.iter().position(|(packet, _)| *packet == ack.pkid) {
                    let (_, note) = numbered.swap_remove(at);
                    self.session.transported(note, self.clock.now());
                }
            }
            Some(Ok(Event::Incoming(Packet::Publish(message)))) => {
                if message.topic == self.config.topic("receipt") {
                    self.handle_receipt(&message.payload);
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => self.lost(&error.to_string()),
            None => self.lost("connection's task ended"),
        }
    }

    fn handle_receipt(&mut self, payload: &[u8]) {
        match Receipt::parse(payload) {
            Ok(receipt) => {
                self.session.receipt(&receipt, self.clock.now());
                self.state.receipts += 1;
            }
            Err(error) => warn!(gateway = %self.config.gateway, %error, "receipt was not readable"),
        }
    }

    fn unless_refused(&mut self, done: Result<(), ClientError>) {
        if let Err(error) = done {
            self.lost(&error.to_string());
        }
    }

    fn lost(&mut self, reason: &str) {
        let pause = self.backoff.next_pause();
        warn!(gateway = %self.config.gateway, reason, pause_ms = pause.as_millis(), "uplink is down");
        self.session.disconnected();
        self.link = Link::Down {
            retry_at: Instant::now() + pause,
        };
    }

    /// Says that the gateway leaves, so that the broker needs no last will.
    async fn good_bye(&mut self) {
        self.report();
        let Link::Up(connection) = &mut self.link else {
            return;
        };
        if !connection.granted {
            return;
        }
        let status = status(false, self.boot, self.state.standing);
        let topic = self.config.topic("status");
        let said = connection
            .client
            .try_publish(topic, QoS::AtLeastOnce, true, status)
            .and_then(|()| connection.client.try_disconnect());
        if said.is_ok() {
            let closed = async { while let Some(Ok(_)) = connection.events.recv().await {} };
            // A broker that does not close the connection is left to its last will.
            let _ = tokio::time::timeout(Duration::from_secs(1), closed).await;
        }
    }
}

/// Polls one connection until it breaks. It runs apart because `EventLoop::poll` must not be
/// dropped half-way: a packet it was writing would be lost.
async fn poll(mut event_loop: EventLoop, events: mpsc::Sender<Result<Event, ConnectionError>>) {
    loop {
        let event = event_loop.poll().await;
        let broken = event.is_err();
        if events.send(event).await.is_err() || broken {
            return;
        }
    }
}

async fn next_event(link: &mut Link) -> Option<Result<Event, ConnectionError>> {
    match link {
        Link::Up(connection) => connection.events.recv().await,
        Link::Down { .. } => std::future::pending().await,
    }
}

#[derive(Serialize)]
struct Status {
    online: bool,
    boot: u64,
    unreceipted_notes: usize,
    backlog_bytes: usize,
    lost_notes: u64,
    lost_reads: u64,
}

fn status(online: bool, boot: u64, standing: Standing) -> Vec<u8> {
    let status = Status {
        online,
        boot,
        unreceipted_notes: standing.unreceipted,
        backlog_bytes: standing.bytes,
        lost_notes: standing.lost_notes,
        lost_reads: standing.lost_reads,
    };
    serde_json::to_vec(&status).expect("integers always print as JSON")
}
