//! The built-in MQTT endpoint: PUBACK means "on disk".
//!
//! It speaks MQTT 3.1.1 and 5, takes QoS 0, 1 and 2, and hands out nothing but receipts. Each of its
//! threads runs one single-threaded runtime with one task a connection; what they take in goes
//! through a lane into the society's journal, and acknowledgements leave when the disk has it.
//!
//! What it claims: credentials and topic rights per gateway, in force on live connections within a
//! second; keep-alive, 0 too; last will to the own status topic; takeover of a client id within one
//! gateway; receipts on SUBSCRIBE, when they move, and every 60 s, QoS 0; 0x87 for what is
//! forbidden in version 5 and a closed link in 3.1.1, never a PUBACK.
//!
//! What it does not do: it routes nothing between clients, keeps no session (session present is
//! always 0, an expiry interval is answered with 0), retains nothing (the flag is kept in the record
//! and otherwise ignored), offers no topic alias, subscription id, shared or wildcard subscription,
//! and no extended authentication. A last will's delay is not waited for.
//!
//! Limits have names in [`Limits`]; what happens at each stands beside it. A panic in a connection's
//! task ends that connection alone.

mod close;
mod connection;
mod greet;
mod packet;
#[doc(hidden)]
pub mod probe;
mod publish;
mod serve;
mod session;
mod shard;
mod subscribe;
pub mod tls;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering, mpsc as std_mpsc},
    thread::JoinHandle,
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, watch},
};
use tokio_rustls::TlsAcceptor;

use self::{
    close::Close,
    connection::Connection,
    shard::{Shard, Shared, TICKS_PER_SECOND},
};
use crate::{Clock, Metrics, Receipts, Registry};

/// Most bytes one socket read brings.
pub(crate) const READ_BYTES: usize = 64 << 10;
/// How long the end waits for the disk.
const DRAIN: Duration = Duration::from_secs(5);
const BACKLOG: u32 = 1_024;
const MOST_THREADS: usize = 4;
/// Turns of connections between two looks at the sockets, and most sockets a look brings.
const TURNS: u32 = 128;
const EVENTS: usize = 128;

/// Where the endpoint listens and what it bears.
#[derive(Clone, Debug)]
pub struct Config {
    /// The listeners.
    pub listen: Vec<Listen>,
    /// Threads that serve connections; see [`threads`].
    pub threads: usize,
    /// The limits.
    pub limits: Limits,
}

/// One thread a core, at most four. One thread alone takes more than a disk when messages come in
/// batches; with one message in flight on each of many connections the work is the kernel's, and is
/// as many cores' as there are.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS))
}

/// One listener.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS, or none for plaintext.
    pub tls: Option<Arc<ServerConfig>>,
}

/// The endpoint's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all. The next one is closed at once.
    pub connections: usize,
    /// Connections that have not said CONNECT. The next one is closed at once.
    pub half_open: usize,
    /// Connections from one address, loopback excepted. The next one is closed at once.
    pub per_address: usize,
    /// Seconds from accept to CONNECT, TLS handshake included. Then the connection is closed.
    pub connect_seconds: u64,
    /// Seconds without progress in writing to a client. Then the connection is closed.
    pub stall_seconds: u64,
    /// Bytes of a CONNECT packet. A larger one closes the connection.
    pub connect_bytes: usize,
    /// Bytes of any other packet. A larger one closes the connection as soon as its length is read.
    pub packet_bytes: usize,
    /// Messages of one connection that may wait for the disk, and open QoS 2 ids. The connection is
    /// not read from while there are more; more open QoS 2 ids close it.
    pub window: u16,
    /// Bytes waiting to be written to one client. It is not read from while there are more.
    pub out_bytes: usize,
    /// Subscriptions of one connection. The next one is refused.
    pub subscriptions: usize,
    /// Seconds after which an unchanged receipt is sent again.
    pub repeat_seconds: u64,
    /// Seconds between digests of messages above a gateway's bytes a day, which are acknowledged no
    /// sooner.
    pub digest_seconds: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            half_open: 512,
            per_address: 256,
            connect_seconds: 10,
            stall_seconds: 30,
            connect_bytes: 16 << 10,
            packet_bytes: 256 << 10,
            window: 4_096,
            out_bytes: 64 << 10,
            subscriptions: 16,
            repeat_seconds: 60,
            digest_seconds: 10,
        }
    }
}

impl Limits {
    fn repeat_ticks(&self) -> u64 {
        self.repeat_seconds * TICKS_PER_SECOND
    }
}

/// The endpoint could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A plaintext listener beyond this machine while nobody has a credential.
    #[error(
        "`{0}` is reachable from other machines, but no gateway has a credential; expected a loopback address\nhint: give a gateway a token or a client certificate first, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
    /// A thread or its runtime cannot be made.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// A running endpoint. Dropping it ends it without waiting for the disk.
#[derive(Debug)]
pub struct Endpoint {
    addresses: Vec<SocketAddr>,
    end: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

/// A connection on its way to the thread that serves it.
struct Accepted {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
}

/// Starts the endpoint on its own threads.
///
/// # Errors
/// [`StartError`]; nothing listens then.
pub fn start(
    config: Config,
    registry: Arc<Registry>,
    receipts: Arc<Receipts>,
    metrics: Arc<Metrics>,
    clock: Clock,
) -> Result<Endpoint, StartError> {
    for listen in &config.listen {
        let guarded = registry.snapshot().has_credentials();
        if !listen.address.ip().is_loopback() && !guarded {
            return Err(StartError::Open(listen.address));
        }
    }
    let shared = Shared::new(config.limits, registry, receipts, metrics, clock);
    let (end, ended) = watch::channel(false);
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for number in 0..config.threads.max(1) {
        let (sender, accepted) = mpsc::channel(256);
        senders.push(sender);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Answers come a batch at a time: ask the kernel less often, for more.
            .event_interval(TURNS)
            .max_io_events_per_tick(EVENTS)
            .build()
            .map_err(StartError::Thread)?;
        let (shared, ended) = (Arc::clone(&shared), ended.clone());
        let thread = std::thread::Builder::new()
            .name(format!("mqtt-{number}"))
            .spawn(move || runtime.block_on(run_shard(shared, accepted, ended)))
            .map_err(StartError::Thread)?;
        threads.push(thread);
    }
    let (tell, told) = std_mpsc::channel();
    let (acceptor_end, acceptor_shared) = (ended, Arc::clone(&shared));
    let acceptor = std::thread::Builder::new()
        .name("mqtt-accept".to_owned())
        .spawn(move || accept_thread(config.listen, senders, acceptor_shared, acceptor_end, tell))
        .map_err(StartError::Thread)?;
    threads.push(acceptor);
    let addresses = told
        .recv()
        .unwrap_or_else(|_| Err(StartError::Thread(io::ErrorKind::Other.into())))?;
    Ok(Endpoint {
        addresses,
        end,
        threads,
    })
}

impl Endpoint {
    /// The addresses listened on, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Accepts nothing more, tells every client, waits for the disk, and ends.
    pub fn stop(mut self) {
        let _ = self.end.send(true);
        for thread in self.threads.drain(..) {
            // A panic of a thread has been reported by its own hook.
            let _ = thread.join();
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.end.send(true);
    }
}

fn accept_thread(
    listen: Vec<Listen>,
    senders: Vec<mpsc::Sender<Accepted>>,
    shared: Arc<Shared>,
    mut ended: watch::Receiver<bool>,
    tell: std_mpsc::Sender<Result<Vec<SocketAddr>, StartError>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = tell.send(Err(StartError::Thread(error)));
            return;
        }
    };
    runtime.block_on(async move {
        let mut bound = Vec::new();
        for listen in listen {
            match bind(listen.address) {
                Ok(listener) => bound.push((listener, listen.tls)),
                Err(source) => {
                    let address = listen.address;
                    let _ = tell.send(Err(StartError::Listen { address, source }));
                    return;
                }
            }
        }
        let addresses = bound.iter().filter_map(|(l, _)| l.local_addr().ok());
        let _ = tell.send(Ok(addresses.collect()));
        for (listener, tls) in bound {
            let tls = tls.map(TlsAcceptor::from);
            tokio::spawn(accept(listener, tls, senders.clone(), Arc::clone(&shared)));
        }
        let _ = ended.wait_for(|ended| *ended).await;
        shared.ending.store(true, Ordering::Release);
    });
}

/// A listener whose connections are probed by the kernel when they fall silent.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.set_keepalive(true)?;
    // Acknowledgements of a few bytes need no pacing by timers, which BBR would add to each; where
    // the system has no Reno they go as it likes.
    let _ = rustix::net::sockopt::set_tcp_congestion(&socket, "reno");
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    senders: Vec<mpsc::Sender<Accepted>>,
    shared: Arc<Shared>,
) {
    let mut turn = 0_usize;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors or a connection that died in the queue: wait, go on.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let full = shared.metrics.connections.get() >= as_count(shared.limits.connections)
            || shared.metrics.half_open.get() >= as_count(shared.limits.half_open);
        if full || !shared.enter_address(peer.ip()) {
            shared.metrics.turned_away.add(1);
            continue;
        }
        shared.metrics.accepted.add(1);
        shared.metrics.connections.add(1);
        shared.metrics.half_open.add(1);
        let undo = |shared: &Shared| {
            shared.metrics.connections.add(-1);
            shared.metrics.half_open.add(-1);
            shared.leave_address(peer.ip());
        };
        let Ok(stream) = stream.into_std() else {
            undo(&shared);
            continue;
        };
        turn = (turn + 1) % senders.len();
        let accepted = Accepted {
            stream,
            peer,
            tls: tls.clone(),
        };
        let sent = match senders.get(turn) {
            Some(sender) => sender.send(accepted).await.is_ok(),
            None => false,
        };
        if !sent {
            undo(&shared);
            return;
        }
    }
}

fn as_count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

async fn run_shard(
    shared: Arc<Shared>,
    mut accepted: mpsc::Receiver<Accepted>,
    mut ended: watch::Receiver<bool>,
) {
    let shard = Shard::new(shared);
    tokio::spawn(Arc::clone(&shard).run_ticks());
    loop {
        tokio::select! {
            next = accepted.recv() => match next {
                Some(next) => admit(next, &shard),
                None => break,
            },
            _ = ended.wait_for(|ended| *ended) => break,
        }
    }
    for lane in shard.lanes() {
        lane.flush_excess();
        // What is on its way to the disk is still acknowledged.
        let _ = tokio::time::timeout(DRAIN, lane.drained()).await;
    }
    tokio::task::yield_now().await;
    for connection in shard.connections() {
        connection.end(Close::ShuttingDown);
    }
    let gone = async {
        while !shard.connections().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for lane in shard.lanes() {
            lane.drained().await;
        }
    };
    let _ = tokio::time::timeout(DRAIN, gone).await;
}

fn admit(accepted: Accepted, shard: &Arc<Shard>) {
    let number = shard.shared.numbers.fetch_add(1, Ordering::Relaxed);
    let connection = Connection::new(number, accepted.peer, shard.tick());
    shard.enter(&connection);
    let shard = Arc::clone(shard);
    let seat = serve::Seat::new(Arc::clone(&shard), Arc::clone(&connection));
    tokio::spawn(async move {
        let _ = accepted.stream.set_nodelay(true);
        let Ok(stream) = TcpStream::from_std(accepted.stream) else {
            return;
        };
        let Some(acceptor) = accepted.tls else {
            return serve::serve(stream, seat, None).await;
        };
        let limit = Duration::from_secs(shard.shared.limits.connect_seconds);
        match tokio::time::timeout(limit, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let certificate = tls::fingerprint(stream.get_ref().1);
                serve::serve(stream, seat, certificate).await;
            }
            Ok(Err(error)) => {
                shard.shared.metrics.refused_connects.add(1);
                let line = format!("TLS handshake from {}: {error}", connection.peer);
                shard.shared.metrics.note_refusal(line);
            }
            Err(_) => shard.shared.metrics.keep_alive_expired.add(1),
        }
    });
}
