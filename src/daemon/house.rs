//! The house, open: office, doors, pages, commands, and how it is closed.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{Arc, PoisonError, RwLock, atomic::Ordering},
    time::Duration,
};

use ingest::{
    Metrics, Receipts, Registry,
    broker::{self, Broker},
    endpoint::{self, Endpoint, Limits, Listen},
    registry::{Device, Enrolment, OneTimeCode, Society, TokenHash},
};
use records::proof::Keys;
use tokio::{net::TcpListener, sync::watch};

use super::{
    alerts::{self, Watching},
    http, keys, metrics,
    mirror::{self, Mirroring},
    socket::{self, CommandSocket},
    watch::{Gate, ReceiptWatch},
};
use crate::{clock::Clock, web};
use config::Config;
use office::{
    Answer, Office, Refusal, Settings, Watch, answer::OrOurs, bindings, inbox::Waiting,
    projector::directory_of,
};

/// How often the heads in receipts move and the books note their position.
const HEADS_EVERY: Duration = Duration::from_secs(30);

/// The running house.
pub struct House {
    /// The use cases.
    pub office: Arc<Office>,
    /// Where the pages are.
    pub http: Option<SocketAddr>,
    /// Where they are over TLS.
    pub https: Option<SocketAddr>,
    /// Where the endpoint listens.
    pub mqtt: Vec<SocketAddr>,
    endpoint: Option<Endpoint>,
    broker: Option<Broker>,
    commands: Option<CommandSocket>,
    mirror: Option<Mirroring>,
    alerts: Option<Watching>,
    stop: watch::Sender<bool>,
    pages: Vec<tokio::task::JoinHandle<()>>,
}

/// What the parts of the house share.
struct Parts {
    registry: Arc<Registry>,
    receipts: Arc<Receipts>,
    metrics: Arc<Metrics>,
    gateways: Arc<RwLock<BTreeSet<String>>>,
    day_bytes: u64,
}

impl House {
    /// Opens the data folder; nothing listens yet but the socket for commands.
    ///
    /// # Errors
    /// When the folder is held by another, or a file is damaged.
    pub fn open(config: &Config, data: &Path, clock: &Clock) -> Answer<Opening> {
        let parts = Parts {
            registry: Registry::new(),
            receipts: Receipts::new(),
            metrics: Arc::new(Metrics::default()),
            gateways: Arc::default(),
            day_bytes: config.mqtt.max_bytes_per_gateway_per_day,
        };
        let (seen, desk) = keys::desk();
        let gate = Gate::new(Arc::clone(&parts.receipts));
        let settings = Settings {
            segment_bytes: config.journal.segment_bytes,
            flush_reads: config.series.flush_reads,
            flush_interval_ms: config.series.flush_interval_s.saturating_mul(1000),
            max_lag_reads: config.series.max_lag_reads,
        };
        let watches = {
            let registry = Arc::clone(&parts.registry);
            let seen = Arc::clone(&seen);
            let (receipts, gate, gateways, clock) = (
                Arc::clone(&parts.receipts),
                Arc::clone(&gate),
                Arc::clone(&parts.gateways),
                clock.clone(),
            );
            Arc::new(move |society: &str| {
                let watch = ReceiptWatch::new(
                    society,
                    Arc::clone(&receipts),
                    Arc::clone(&gate),
                    Arc::clone(&gateways),
                    Arc::clone(&registry),
                    Arc::clone(&seen),
                    clock.clone(),
                );
                Arc::new(watch) as Arc<dyn Watch>
            })
        };
        let office = Arc::new(Office::open(data, settings, watches, clock.now())?);
        parts.registry.watch_codes({
            let seen = Arc::clone(&seen);
            Box::new(move |gateway| seen.wrong_code(gateway))
        });
        office.watch_links({
            let seen = Arc::clone(&seen);
            move |gateway| seen.links(gateway)
        });
        desk.open(&office, &seen, Arc::clone(&parts.metrics), clock.clone())
            .or_ours("the thread for gateways' keys")?;
        gate.seal();
        Ok(Opening { office, parts })
    }

    /// Opens the doors.
    ///
    /// # Errors
    /// When an address is taken or a certificate cannot be used.
    pub async fn start(opening: Opening, config: &Config, clock: &Clock) -> Answer<House> {
        let Opening { office, parts } = opening;
        {
            let (registry, receipts, gateways, day_bytes) = (
                Arc::clone(&parts.registry),
                Arc::clone(&parts.receipts),
                Arc::clone(&parts.gateways),
                parts.day_bytes,
            );
            office.on_change(move |office| {
                enrol(office, &registry, &receipts, &gateways, day_bytes);
            });
        }
        {
            // The office's watches know the registry: a strong handle would keep both for ever, and
            // with them the projections' write-ahead logs.
            let office = Arc::downgrade(&office);
            parts.registry.take_unentered(Box::new(move |message| {
                let Some(office) = office.upgrade() else {
                    return;
                };
                office.inbox_put(&Waiting {
                    door: message.door,
                    topic: message.topic.to_owned(),
                    payload: message.payload.to_vec(),
                    retained: message.retained,
                    received: message.received,
                });
            }));
        }
        let door_clock: ingest::Clock = {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        };
        for society in office.societies() {
            for advice in bindings::advice(&society.known()) {
                tracing::warn!("{advice}");
            }
        }
        // Before the pages, whose health says that commands are answered.
        let commands = socket::listen(
            &office.folder().socket(),
            Arc::clone(&office),
            clock.clone(),
        )
        .or_ours("the socket for commands")?;
        let endpoint = start_endpoint(config, &parts, Arc::clone(&door_clock))?;
        let broker = start_broker(config, &parts, door_clock)?;
        let (stop, stopping) = watch::channel(false);
        let (mut http_address, mut https_address) = (None, None);
        let mut pages = Vec::new();
        let limits = &config.http;
        let doors = [
            ("listen", &limits.listen, None),
            ("tls_listen", &limits.tls_listen, http::tls(limits)?),
        ];
        let proxies = proxies(&limits.trusted_proxies)?;
        let router = web::router(web_state(&office, &parts, clock, proxies, stopping.clone()));
        for (key, address, tls) in doors {
            if address.is_empty() {
                continue;
            }
            let listener = TcpListener::bind(address).await.map_err(|e| {
                Refusal::Caller(format!(
                    "cannot listen on `{address}`: {e}\nhint: choose another address under [http] {key}"
                ))
            })?;
            match tls {
                None => http_address = listener.local_addr().ok(),
                Some(_) => https_address = listener.local_addr().ok(),
            }
            pages.push(tokio::spawn(http::serve(
                listener,
                tls,
                router.clone(),
                limits.clone(),
                stopping.clone(),
            )));
        }
        tokio::spawn(move_heads(
            Arc::clone(&office),
            Arc::clone(&parts.receipts),
            stopping,
        ));
        let mirror = mirror::start(config, &office, clock)?;
        let alerts = alerts::start(config, &office, clock)?;
        Ok(House {
            office,
            http: http_address,
            https: https_address,
            mqtt: endpoint
                .as_ref()
                .map(|e| e.addresses().to_vec())
                .unwrap_or_default(),
            endpoint,
            broker,
            commands: Some(commands),
            mirror,
            alerts: Some(alerts),
            stop,
            pages,
        })
    }

    /// Closes the doors, waits for the disk, flushes the series.
    pub async fn close(mut self) {
        let _ = self.stop.send(true);
        let (endpoint, broker, commands, mirror, alerts, office) = (
            self.endpoint.take(),
            self.broker.take(),
            self.commands.take(),
            self.mirror.take(),
            self.alerts.take(),
            Arc::clone(&self.office),
        );
        let closing = tokio::task::spawn_blocking(move || {
            drop(commands);
            drop(mirror);
            drop(alerts);
            if let Some(endpoint) = endpoint {
                endpoint.stop();
            }
            if let Some(broker) = broker {
                broker.stop();
            }
            office.close();
        });
        let _ = closing.await;
        for pages in self.pages.drain(..) {
            let _ = tokio::time::timeout(Duration::from_secs(2), pages).await;
        }
    }
}

/// The data folder, open; the doors are not.
pub struct Opening {
    /// The use cases.
    pub office: Arc<Office>,
    parts: Parts,
}

/// The proxies that are believed.
fn proxies(named: &[String]) -> Answer<Vec<IpAddr>> {
    let one = |text: &String| {
        text.parse::<IpAddr>().map_or_else(
            |_| {
                Err(Refusal::Caller(format!(
                    "http.trusted_proxies has `{text}`; expected addresses such as 127.0.0.1"
                )))
            },
            |address| Ok(address.to_canonical()),
        )
    };
    named.iter().map(one).collect()
}

fn start_endpoint(
    config: &Config,
    parts: &Parts,
    clock: ingest::Clock,
) -> Answer<Option<Endpoint>> {
    let mqtt = &config.mqtt;
    let mut listen = Vec::new();
    if !mqtt.listen.is_empty() {
        listen.push(Listen {
            address: address("mqtt.listen", &mqtt.listen)?,
            tls: None,
        });
    }
    if !mqtt.tls_listen.is_empty() {
        let certificate = file("mqtt.tls_certificate_file", &mqtt.tls_certificate_file)?;
        let key = file("mqtt.tls_key_file", &mqtt.tls_key_file)?;
        let tls = endpoint::tls::server_config(&certificate, &key, Arc::clone(&parts.registry))
            .map_err(|e| Refusal::Caller(format!("mqtt.tls_certificate_file: {e}")))?;
        listen.push(Listen {
            address: address("mqtt.tls_listen", &mqtt.tls_listen)?,
            tls: Some(tls),
        });
    }
    if listen.is_empty() {
        return Ok(None);
    }
    let wanted = endpoint::Config {
        listen,
        threads: endpoint::threads(),
        limits: Limits {
            connections: mqtt.max_connections,
            per_address: mqtt.max_connections_per_address,
            connect_seconds: mqtt.connect_timeout_s,
            packet_bytes: mqtt.max_packet_bytes,
            ..Limits::default()
        },
    };
    endpoint::start(
        wanted,
        Arc::clone(&parts.registry),
        Arc::clone(&parts.receipts),
        Arc::clone(&parts.metrics),
        clock,
    )
    .map(Some)
    .map_err(|e| Refusal::Caller(e.to_string()))
}

fn start_broker(config: &Config, parts: &Parts, clock: ingest::Clock) -> Answer<Option<Broker>> {
    let wanted = &config.broker;
    if wanted.url.is_empty() {
        return Ok(None);
    }
    let bad = || {
        Refusal::Caller(format!(
            "broker.url `{}`: expected mqtt://HOST:PORT or mqtts://HOST:PORT",
            wanted.url
        ))
    };
    let (secure, rest) = match wanted.url.split_once("://") {
        Some(("mqtt", rest)) => (false, rest),
        Some(("mqtts", rest)) => (true, rest),
        _ => return Err(bad()),
    };
    let (host, port) = match rest.trim_end_matches('/').rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| bad())?),
        None => (rest.trim_end_matches('/'), if secure { 8883 } else { 1883 }),
    };
    let mut door = broker::Config::new(host, port);
    door.client_id.clone_from(&wanted.client_id);
    door.inbox_filters.clone_from(&wanted.inbox_filters);
    door.own_gateways_only = wanted.own_gateways_only;
    door.jitter_seed = u64::from(std::process::id());
    if !wanted.username.is_empty() {
        let password = if wanted.password_file.is_empty() {
            String::new()
        } else {
            String::from_utf8_lossy(&file("broker.password_file", &wanted.password_file)?)
                .trim_end()
                .to_owned()
        };
        door.login = Some((wanted.username.clone(), password));
    }
    if secure {
        let authority = file("broker.ca_file", &wanted.ca_file)?;
        let tls = bridge::uplink::tls::client(&authority, None)
            .map_err(|e| Refusal::Caller(format!("broker.ca_file: {e}")))?;
        door.tls = Some(tls);
    }
    broker::start(
        door,
        Arc::clone(&parts.registry),
        Arc::clone(&parts.receipts),
        Arc::clone(&parts.metrics),
        clock,
    )
    .map(Some)
    .or_ours("the broker door")
}

fn web_state(
    office: &Arc<Office>,
    parts: &Parts,
    clock: &Clock,
    proxies: Vec<IpAddr>,
    stop: watch::Receiver<bool>,
) -> web::WebState {
    let (health_office, metrics_office) = (Arc::clone(office), Arc::clone(office));
    let counters = Arc::clone(&parts.metrics);
    web::WebState {
        office: Arc::clone(office),
        clock: clock.clone(),
        people: Clock::system(),
        proxies,
        health: Arc::new(move || health(&health_office)),
        metrics: Arc::new(move || metrics::text(&metrics_office, &counters)),
        house: "Commonwatt".to_owned(),
        stop,
    }
}

/// Why the house is not well; empty when it is.
fn health(office: &Office) -> Vec<String> {
    let mut reasons = Vec::new();
    for society in office.societies() {
        let slug = society.slug();
        match society.committer().health() {
            journal::Health::Running => {}
            journal::Health::OutOfSpace => reasons.push(format!(
                "{slug}: the disk is full; reads are refused until there is space"
            )),
            journal::Health::Stopped(why) => {
                reasons.push(format!("{slug}: the journal takes nothing more: {why}"))
            }
        }
        let progress = society.projector().progress();
        if progress.out_of_space.load(Ordering::Acquire) {
            reasons.push(format!(
                "{slug}: the disk is full; the series wait for space"
            ));
        }
        if let Some(why) = progress.failure() {
            reasons.push(format!("{slug}: the series are not kept up: {why}"));
        }
    }
    reasons
}

/// Tells the doors who may publish and where reads belong.
fn enrol(
    office: &Office,
    registry: &Registry,
    receipts: &Receipts,
    gateways: &RwLock<BTreeSet<String>>,
    day_bytes: u64,
) {
    let credentials = office.credentials();
    let mut entries = Vec::new();
    let mut names = BTreeSet::new();
    let mut devices = HashMap::new();
    for society in office.societies() {
        let known = society.known();
        let place = Arc::new(Society {
            id: Arc::from(society.slug()),
            directory: directory_of(&known),
            committer: society.committer().clone(),
        });
        for gateway in &known.document.gateway {
            let reader = known.devices.of_gateway(&gateway.id);
            if let Some(reader) = reader.filter(|_| !gateway.mapping.is_empty()) {
                let device = Device {
                    topics: Arc::from(gateway.topics.as_str()),
                    reader: Arc::clone(reader),
                };
                devices.insert(Arc::from(gateway.id.as_str()), device);
            }
            names.insert(gateway.id.clone());
            let standing = credentials.get(&gateway.id).cloned().unwrap_or_default();
            entries.push(Enrolment {
                id: Arc::from(gateway.id.as_str()),
                society: Arc::clone(&place),
                token: standing.token.map(TokenHash::stored),
                certificate: standing.certificate,
                revoked: standing.revoked,
                keys: {
                    let keys = standing.keys.iter();
                    let keys = keys.map(|k| (k.key, k.standing()));
                    Arc::new(Keys::new(&gateway.id, keys))
                },
                code: standing.code.map(|code| OneTimeCode {
                    hash: TokenHash::stored(code.hash),
                    until: code.until,
                }),
                day_bytes,
            });
        }
    }
    *gateways.write().unwrap_or_else(PoisonError::into_inner) = names;
    let keys: Vec<_> = entries
        .iter()
        .map(|entry| (Arc::clone(&entry.id), Arc::clone(&entry.keys)))
        .collect();
    if let Err(error) = registry.replace_with(entries, devices) {
        tracing::error!(%error, "gateways could not be enrolled");
    }
    // After the doors know them: who hears that its key is believed may sign at once.
    for (gateway, keys) in keys {
        receipts.set_keys(&gateway, keys.in_force());
    }
}

/// Receipts carry a recent head of the society's journal.
async fn move_heads(office: Arc<Office>, receipts: Arc<Receipts>, mut stop: watch::Receiver<bool>) {
    loop {
        for society in office.societies() {
            let head = society.committer().reader().head();
            for gateway in &society.known().document.gateway {
                receipts.set_head(&gateway.id, head);
            }
            let kept = Arc::clone(&society);
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || kept.keep_books()).await {
                tracing::warn!(society = society.slug(), %error, "the books' position was not kept");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(HEADS_EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

fn address(key: &str, text: &str) -> Answer<SocketAddr> {
    text.parse().map_err(|_| {
        Refusal::Caller(format!(
            "{key}: `{text}` is not an address like 127.0.0.1:1883"
        ))
    })
}

fn file(key: &str, path: &str) -> Answer<Vec<u8>> {
    if path.is_empty() {
        return Err(Refusal::Caller(format!(
            "{key} is empty\nhint: name the file in commonwatt.toml"
        )));
    }
    fs::read(path).map_err(|e| Refusal::Caller(format!("{key}: `{path}`: {e}")))
}
