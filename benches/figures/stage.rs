//! The measured side of the MQTT benches: an endpoint, a real journal, last values in memory, and,
//! when asked for, `series.sqlite`; in a process of its own.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant as Monotonic},
};

use domain::{
    calendar::Instant,
    metering::{Obis, SeriesId},
    quantity::Watts,
};
use ingest::{
    Clock, Metrics, Receipts, Registry,
    directory::Directory,
    endpoint::{self, Config, Limits, Listen},
    registry::{Enrolment, Society, TokenHash},
};
use journal::{CommitLimits, Committer, Disk, Group, Journal, Options, RealDisk, SlowDisk};
use records::Decoded;
use serde_json::{Value, json};
use store::Live;

use crate::{
    child, load,
    projecting::{self, Feed, Projector, london, placed},
};

/// The password of every gateway.
pub const PASSWORD: &str = "figures-figures-figures-figures";
/// A roof of 5 kW; the load generator's registers rise by 3.6 kW.
const CEILING: Watts = Watts(5_000);
/// How far behind its reads the stage's clock is set: reads come in at most this much ahead of it.
const BEHIND_MS: i64 = 60_000;
/// Time of the load generator's first reads: 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;
const DRAIN: Duration = Duration::from_secs(300);

/// A society with its journal, and whoever is told what is on disk.
pub struct Stage {
    /// The society as the doors see it.
    pub society: Arc<Society>,
    /// Who may publish.
    pub registry: Arc<Registry>,
    /// What gateways may be told.
    pub receipts: Arc<Receipts>,
    /// The doors' counters.
    pub metrics: Arc<Metrics>,
    projector: Option<Projector>,
    newest: Arc<AtomicI64>,
    rolled: Arc<AtomicU64>,
}

impl Stage {
    /// Sets it up as the parameters say: `folder`, `gateways`, `meters` (of each), `project`,
    /// `slow_ms` (added to every sync).
    pub fn set(parameters: &Value) -> anyhow::Result<Stage> {
        let folder = Path::new(parameters["folder"].as_str().unwrap_or("."));
        let number =
            |key: &str| usize::try_from(parameters[key].as_u64().unwrap_or(0)).unwrap_or(0);
        let (gateways, meters) = (number("gateways"), number("meters").max(1));
        let count = u32::try_from(gateways * meters)?;

        let live = Arc::new(Live::new(london()));
        (0..count).for_each(|series| live.define(SeriesId(series), 5_000));
        let projector = if parameters["project"].as_bool() == Some(true) {
            let series = projecting::store(&folder.join("series.sqlite"), count, CEILING)?;
            Some(Projector::start(series)?)
        } else {
            None
        };
        let receipts = Receipts::new();
        let (newest, rolled) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicU64::new(0)));
        let sink = Sink {
            live: Arc::clone(&live),
            receipts: Arc::clone(&receipts),
            feed: projector.as_ref().map(Projector::feed),
            newest: Arc::clone(&newest),
            rolled: Arc::clone(&rolled),
        };
        let mut disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.join("journal"))?);
        if let Some(ms) = parameters["slow_ms"].as_u64() {
            disk = Arc::new(SlowDisk::new(disk, Duration::from_millis(ms)));
        }
        let (journal, _) = Journal::open(disk, Options::default())?;
        let committer = Committer::spawn(journal, CommitLimits::default(), sink);

        let names: Vec<String> = (0..count as usize).map(load::meter).collect();
        let registers = (0..)
            .zip(&names)
            .map(|(n, name)| (name.as_str(), Obis::EXPORT, SeriesId(n)));
        let society = Arc::new(Society {
            id: Arc::from("society"),
            directory: Directory::new(registers),
            committer,
        });
        let token = TokenHash::of(PASSWORD)?;
        let entries = (0..gateways).map(|n| Enrolment {
            id: Arc::from(format!("g{n}")),
            society: Arc::clone(&society),
            token: Some(token),
            certificate: None,
            revoked: false,
            keys: Arc::default(),
            code: None,
            // The daily bound of a gateway is not what is measured.
            day_bytes: u64::MAX,
        });
        let registry = Registry::new();
        registry.replace(entries.collect())?;
        receipts.caught_up();
        let metrics = Arc::new(Metrics::default());
        Ok(Stage {
            society,
            registry,
            receipts,
            metrics,
            projector,
            newest,
            rolled,
        })
    }

    /// A clock that follows the reads: the load generator's days pass in seconds.
    pub fn clock(&self) -> Clock {
        let newest = Arc::clone(&self.newest);
        Arc::new(move || Instant(newest.load(Ordering::Relaxed).max(START_MS) + BEHIND_MS))
    }

    /// Answers `stats` and `drain`.
    pub fn reply(&self, question: &str) -> anyhow::Result<Value> {
        let began = Monotonic::now();
        if question == "drain"
            && let Some(projector) = &self.projector
        {
            projector.drain(DRAIN)?;
        }
        let feed = self.projector.as_ref().map(Projector::feed);
        let of = |number: fn(&Feed) -> &AtomicU64| {
            feed.as_ref()
                .map_or(0, |feed| number(feed).load(Ordering::Acquire))
        };
        Ok(json!({
            "rolled_up": self.rolled.load(Ordering::Acquire),
            "stored": of(|f| &f.stored),
            "most_waiting": of(|f| &f.most_waiting),
            "longest_flush_us": of(|f| &f.longest_flush_us),
            "records": self.society.committer.reader().size(),
            "undecodable": self.metrics.undecodable.get(),
            "unplaced": self.metrics.unplaced.get(),
            "stalls": self.metrics.stalls.get(),
            "drain_s": began.elapsed().as_secs_f64(),
            "cpu_us": child::cpu_us(),
            "rss_mb": child::memory_mb("VmRSS"),
            "rss_max_mb": child::memory_mb("VmHWM"),
        }))
    }
}

struct Sink {
    live: Arc<Live>,
    receipts: Arc<Receipts>,
    feed: Option<Arc<Feed>>,
    newest: Arc<AtomicI64>,
    rolled: Arc<AtomicU64>,
}

impl journal::Sink<Decoded> for Sink {
    fn committed(&mut self, group: Group<Decoded>) {
        for (first, records, decoded) in group.entries {
            let reads = placed(&decoded);
            self.live.roll_up(reads.iter().copied());
            self.receipts.committed(&decoded);
            self.rolled.fetch_add(reads.len() as u64, Ordering::AcqRel);
            let newest = reads.iter().map(|read| read.at.0).max().unwrap_or(0);
            self.newest.fetch_max(newest, Ordering::Relaxed);
            if let Some(feed) = &self.feed {
                feed.push(first + u64::from(records), reads);
            }
        }
    }
}

/// The child's side: an endpoint until the input ends.
pub fn serve(parameters: &Value) -> anyhow::Result<()> {
    let stage = Stage::set(parameters)?;
    let config = Config {
        listen: vec![Listen {
            address: ([127, 0, 0, 1], 0).into(),
            tls: None,
        }],
        threads: endpoint::threads(),
        limits: Limits::default(),
    };
    let running = endpoint::start(
        config,
        Arc::clone(&stage.registry),
        Arc::clone(&stage.receipts),
        Arc::clone(&stage.metrics),
        stage.clock(),
    )?;
    let port = running
        .addresses()
        .first()
        .map_or(0, std::net::SocketAddr::port);
    child::answer(&json!({"port": port}), |question| stage.reply(question))
}
