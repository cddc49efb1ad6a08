//! Drives a session over MQTT 3.1.1.
//!
//! One task owns the session with its backlog, another polls the connection. The first waits for each
//! sync of the disk, so it wants a runtime with another thread for the second. Each connection is a
//! client of its own: when it breaks, everything rumqttc had queued is thrown away with it and the
//! session sends again what no receipt names, so nothing stale can be sent after a reconnect. The
//! client id is always the gateway's, and the MQTT session is clean: what must be remembered lies
//! here, not in the broker.
//!
//! A connection is up when the broker has granted the receipt topic; only then are notes sent.
//! Notes go out at QoS 1, not retained, on `commonwatt/v1/<gateway>/reads`. The retained status on
//! `…/status` says whether the gateway is there; the last will says that it is not.

#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tracing::{debug, info, warn};
use wire::Receipt;

use crate::{
    backlog::{Backlog, Memory},
    clock::Clock,
    note::MeterRead,
    session::{Heard, Limits, Session, Standing},
};

pub mod backoff;
mod connection;
#[cfg(feature = "tls")]
pub mod tls;

use backoff::Backoff;
use connection::{Connection, Said};

/// Largest packet taken from a broker. A receipt is far smaller; but a bigger packet that somebody
/// left retained on its topic would break every connection.
pub const INCOMING_BYTES_MOST: usize = 1024 * 1024;
/// Largest packet sent.
pub const OUTGOING_BYTES_MOST: usize = 256 * 1024;
/// Reads that may wait for the session; beyond it [`Uplink::read`] waits.
pub const READS_WAITING_MOST: usize = 4096;
/// The status is said again so often, in s.
pub const STATUS_EVERY_S: u64 = 60;

/// The task looks around at least so often, in s.
pub const BEAT_S: u64 = 5;

/// Where to publish, and as whom.
#[derive(Clone, Debug)]
pub struct UplinkConfig {
    /// Broker's host name or address.
    pub host: String,
    /// Broker's port: 1883 plain, 8883 TLS by custom.
    pub port: u16,
    /// The gateway's id: client id, user name and a level of its topics.
    pub gateway: String,
    /// User name; `None` for the gateway's id.
    pub user: Option<String>,
    /// The gateway's password; `None` for a broker without accounts.
    pub token: Option<String>,
    /// TLS, made by [`tls::client`]; `None` for a plain connection.
    #[cfg(feature = "tls")]
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
            user: None,
            token: None,
            #[cfg(feature = "tls")]
            tls: None,
            keep_alive_s: 30,
            replay_within_ms: 5_000,
            backoff_ms: (500, 60_000),
        }
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
    /// When the last of them came, by the gateway's clock, ms since 1970 UTC.
    pub last_receipt_ms: Option<i64>,
    /// When the oldest note without a receipt was closed, by the gateway's clock, ms since 1970 UTC.
    pub oldest_ms: Option<i64>,
    /// This start's number.
    pub boot: u64,
    /// Rises while the task is alive, at least every [`BEAT_S`].
    pub beat: u64,
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
    /// Starts an uplink that forgets, for a gateway that starts for the `boot`-th time
    /// ([`Session::new`]). It runs whether or not the broker is there.
    pub fn start(config: UplinkConfig, boot: u64, limits: Limits, clock: Clock) -> Self {
        Uplink::over(config, Session::<Memory>::new(boot, limits), limits, clock)
    }

    /// Starts an uplink over a session that has its number.
    pub fn over<B: Backlog + Send + 'static>(
        config: UplinkConfig,
        session: Session<B>,
        limits: Limits,
        clock: Clock,
    ) -> Self {
        let (reads, reads_in) = mpsc::channel(READS_WAITING_MOST);
        let (stop, stop_in) = oneshot::channel();
        let (state_out, state) = watch::channel(UplinkState::default());
        let driver = Driver {
            backoff: Backoff::new(config.backoff_ms.0, config.backoff_ms.1),
            window: limits.window,
            session,
            state: UplinkState::default(),
            config,
            clock,
            state_out,
            link: Link::Down {
                retry_at: Instant::now(),
            },
            look_at: Instant::now(),
        };
        Uplink {
            reads,
            stop,
            state,
            task: tokio::spawn(driver.run(reads_in, stop_in)),
        }
    }

    /// A handle through which reads can be handed over from elsewhere; waits while
    /// [`READS_WAITING_MOST`] are waiting.
    pub fn sender(&self) -> mpsc::Sender<MeterRead> {
        self.reads.clone()
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

struct Driver<B> {
    config: UplinkConfig,
    clock: Clock,
    session: Session<B>,
    window: usize,
    state: UplinkState,
    state_out: watch::Sender<UplinkState>,
    backoff: Backoff,
    link: Link,
    /// When the state is looked at although nothing happened.
    look_at: Instant,
}

enum Link {
    Down { retry_at: Instant },
    Up(Box<Connection>),
}

impl<B: Backlog> Driver<B> {
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
                    // Whoever still holds a sender (a source that hangs) must not hold up the end.
                    reads.close();
                },
                said = next_said(&mut self.link) => self.heed(said),
                () = sleep_until(wake) => {}
            }
        }
        while let Ok(read) = reads.try_recv() {
            self.session.read(read, self.clock.now());
        }
        self.session.flush(self.clock.now());
        if let Link::Up(connection) = &mut self.link
            && connection.is_granted()
        {
            connection.good_bye(self.state.standing).await;
        }
        self.session.keep_receipts();
        self.report();
        self.state
    }

    /// The next moment at which something happens by itself.
    fn wake_at(&self, until: Option<Instant>) -> Instant {
        let session = self.session.wake_at_ms(self.clock.now());
        let session = session.map(|tick_ms| self.clock.instant_of_tick(tick_ms));
        let link = match &self.link {
            Link::Down { retry_at } => *retry_at,
            Link::Up(connection) => connection.due(),
        };
        let waits = [session, until].into_iter().flatten();
        waits.fold(link.min(self.look_at), Instant::min)
    }

    /// Does everything that can be done without waiting.
    fn pump(&mut self) {
        if matches!(self.link, Link::Down { retry_at } if retry_at <= Instant::now()) {
            let connection = Connection::open(&self.config, self.session.boot(), self.window);
            self.link = Link::Up(Box::new(connection));
        }
        // Asked with the link down too: a note that is full of age must be closed for the backlog's
        // bound to hold.
        while let Some(note) = self.session.poll(self.clock.now()) {
            let (Link::Up(connection), id) = (&mut self.link, note.id) else {
                unreachable!("a session that is not connected sends nothing");
            };
            if let Err(error) = connection.publish(note) {
                // The note stays in the session and is sent again on the next connection.
                debug!(%error, note = %id, "note was not sent");
                break;
            }
        }
        if let Link::Up(connection) = &mut self.link {
            let said = connection.tend(self.session.standing());
            self.heed(said);
        }
    }

    fn report(&mut self) {
        self.state.standing = self.session.standing();
        self.state.connected = matches!(&self.link, Link::Up(c) if c.is_granted());
        self.state.boot = self.session.boot();
        if self.look_at <= Instant::now() {
            self.look_at = Instant::now() + Duration::from_secs(BEAT_S);
            self.state.beat += 1;
            let oldest = self.state.standing.oldest;
            self.state.oldest_ms = oldest.and_then(|id| self.session.closed_at_ms(id));
        }
        self.state_out.send_if_modified(|state| {
            let changed = *state != self.state;
            *state = self.state;
            changed
        });
    }

    fn heed(&mut self, said: Said) {
        let now = self.clock.now();
        match said {
            Said::Nothing => {}
            Said::Granted => {
                self.state.connections += 1;
                let replay_after_ms = backoff::random_below(self.config.replay_within_ms);
                self.session.connected(replay_after_ms, now);
                info!(gateway = %self.config.gateway, "uplink is up");
            }
            Said::Took(note) => {
                // Not before: a broker that grants and then closes at the first note must not be
                // tried twice a second for ever.
                self.backoff.reset();
                self.session.transported(note, now);
            }
            Said::Receipt(text) => match Receipt::parse(&text) {
                Ok(receipt) => {
                    self.state.receipts += 1;
                    self.state.last_receipt_ms = Some(now.wall.as_millisecond());
                    if let Heard::CounterWentBack(boot) = self.session.receipt(&receipt, now) {
                        self.go_on_as(boot);
                    }
                }
                Err(error) => {
                    warn!(gateway = %self.config.gateway, %error, "receipt was not readable");
                }
            },
            Said::Lost(reason) => {
                let pause = self.backoff.next_pause();
                let pause_ms = pause.as_millis();
                warn!(gateway = %self.config.gateway, reason, pause_ms, "uplink is down");
                self.session.disconnected();
                self.link = Link::Down {
                    retry_at: Instant::now() + pause,
                };
            }
        }
    }
}

impl<B: Backlog> Driver<B> {
    /// The daemon knows more of us than we do: our disk is an older copy, or the counter was lost.
    fn go_on_as(&mut self, boot: u64) {
        let old = self.session.boot();
        match self.session.backlog().raise_boot(boot) {
            Ok(()) => {
                warn!(
                    old,
                    boot, "daemon knows later starts: the boot counter had gone back"
                );
                self.session.restart_as(boot, self.clock.now());
            }
            Err(error) => warn!(%error, old, boot, "boot counter cannot be raised"),
        }
    }
}

async fn next_said(link: &mut Link) -> Said {
    match link {
        Link::Up(connection) => connection.said().await,
        Link::Down { .. } => std::future::pending().await,
    }
}
