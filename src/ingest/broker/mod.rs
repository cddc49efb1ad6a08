//! Any broker: the other door, through rumqttc.
//!
//! One client takes messages in and nothing else; another publishes receipts, so that an outgoing
//! queue can never hold up an acknowledgement. The inlet has a fixed client id, a persistent session
//! (`clean_session` false), QoS 1 and acknowledges by hand after our own fsync, in order of arrival.
//! It subscribes on every CONNACK and checks the SUBACK. What was received on an earlier connection
//! is never acknowledged on a later one: the broker sends it again, and twice is once.
//!
//! An outside broker's PUBACK to a device is not ours. A gateway behind this door may delete only
//! what a receipt names; see `docs` for the settings mosquitto needs (`max_inflight_messages`,
//! `max_queued_messages`, `persistence`), without which it forgets what it has acknowledged.
//!
//! Messages of gateways that nobody has entered are acknowledged, counted and named in
//! [`Metrics::recent_refusals`]; they do not enter a journal. A message above [`MESSAGE_BYTES`] is
//! acknowledged and leaves a digest only: refused as a packet, it would come again with every
//! connection and stand before everybody else's. Brokers should refuse such messages themselves.

mod backoff;
mod commands;
mod inlet;
mod outlet;

use std::{io, sync::Arc, thread::JoinHandle, time::Duration};

use rumqttc::{MqttOptions, TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::sync::watch;

use crate::{Clock, Metrics, Receipts, Registry};

/// Bytes of a message that is kept whole; of a larger one a digest is.
pub const MESSAGE_BYTES: usize = 1 << 20;
/// Bytes of the largest packet that MQTT knows.
const PACKET_BYTES: usize = 268_435_455 + 5;

/// Which broker, and as whom.
#[derive(Clone)]
pub struct Config {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The inlet's client id; must stay the same for ever, the broker keeps its session under it.
    /// The outlet's is this with `-receipts` added.
    pub client_id: String,
    /// User name and password, if the broker wants them.
    pub login: Option<(String, String)>,
    /// TLS, or none for plaintext.
    pub tls: Option<Arc<ClientConfig>>,
    /// What to subscribe to.
    pub filters: Vec<String>,
    /// What to look at besides, for devices nobody has entered; they go to the inbox.
    pub inbox_filters: Vec<String>,
    /// Whether to subscribe to the topics of gateways that were entered here, and to nothing else:
    /// several daemons share a broker.
    pub own_gateways_only: bool,
    /// Keep-alive in seconds.
    pub keep_alive_seconds: u64,
    /// What spreads the reconnects of several daemons; any number.
    pub jitter_seed: u64,
}

impl Config {
    /// The usual configuration for a host.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Config {
        Config {
            host: host.to_owned(),
            port,
            client_id: "commonwatt".to_owned(),
            login: None,
            tls: None,
            filters: vec![
                "commonwatt/v1/+/reads".to_owned(),
                "commonwatt/v1/+/status".to_owned(),
                "commonwatt/v1/+/enrol".to_owned(),
            ],
            inbox_filters: Vec::new(),
            own_gateways_only: false,
            keep_alive_seconds: 30,
            jitter_seed: 0,
        }
    }

    fn options(&self, client_id: String, clean: bool) -> MqttOptions {
        let mut options = MqttOptions::new(client_id, self.host.clone(), self.port);
        options
            .set_keep_alive(Duration::from_secs(self.keep_alive_seconds.max(5)))
            .set_clean_session(clean)
            .set_max_packet_size(PACKET_BYTES, MESSAGE_BYTES);
        if let Some((user, password)) = &self.login {
            options.set_credentials(user, password);
        }
        if let Some(tls) = &self.tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(
                Arc::clone(tls),
            )));
        }
        options
    }
}

/// The running door. Dropping it ends it without waiting for the disk.
#[derive(Debug)]
pub struct Broker {
    end: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the door on a thread of its own. It connects in the background and goes on trying.
///
/// # Errors
/// When the thread or its runtime cannot be made.
pub fn start(
    config: Config,
    registry: Arc<Registry>,
    receipts: Arc<Receipts>,
    metrics: Arc<Metrics>,
    clock: Clock,
) -> io::Result<Broker> {
    let (end, ended) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new()
        .name("mqtt-broker".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                let outlet = outlet::run(
                    config.clone(),
                    Arc::clone(&registry),
                    receipts,
                    Arc::clone(&metrics),
                    ended.clone(),
                );
                let outlet = tokio::spawn(outlet);
                inlet::run(config, registry, metrics, clock, ended).await;
                let _ = outlet.await;
            });
        })?;
    Ok(Broker {
        end,
        thread: Some(thread),
    })
}

impl Broker {
    /// Takes nothing more, acknowledges what reaches the disk, and ends.
    pub fn stop(mut self) {
        let _ = self.end.send(true);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by its own hook.
            let _ = thread.join();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.end.send(true);
    }
}
