//! A stage for the tests: an endpoint over a real journal in a temporary folder, a society with a
//! few gateways, and what was committed.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant as Monotonic},
};

use commonwatt_ingest::{
    Clock, Directory, Metrics, Receipts, Registry,
    endpoint::{self, Config, Endpoint, Limits, Listen},
    registry::{DEFAULT_DAY_BYTES, Enrolment, Society, TokenHash},
};
use domain::{
    calendar::Instant,
    metering::{Obis, SeriesId},
};
use journal::{CommitLimits, Committer, Disk, Group, Journal, Options, RealDisk};
use records::{Decoded, message::Arrived};

pub const TOKEN: &str = "a-token-of-more-than-22-characters";
pub const GATEWAYS: [&str; 3] = ["elmore-1", "elmore-2", "styles-1"];
/// 2026-06-21T12:00:00Z
pub const NOON: i64 = 1_782_043_200_000;

pub struct Stage {
    pub registry: Arc<Registry>,
    pub receipts: Arc<Receipts>,
    pub metrics: Arc<Metrics>,
    pub society: Arc<Society>,
    pub now: Arc<AtomicI64>,
    pub committed: Arc<Mutex<Vec<Decoded>>>,
    endpoint: Option<Endpoint>,
    _folder: Option<tempfile::TempDir>,
}

pub struct Setup {
    pub limits: Limits,
    pub commit: CommitLimits,
    pub disk: Option<Arc<dyn Disk>>,
    pub day_bytes: u64,
    pub credentials: bool,
    pub tls: bool,
    pub caught_up: bool,
    pub segment_bytes: u64,
    pub society: &'static str,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            limits: Limits::default(),
            commit: CommitLimits::default(),
            disk: None,
            day_bytes: DEFAULT_DAY_BYTES,
            credentials: true,
            tls: false,
            caught_up: true,
            segment_bytes: 8 << 20,
            society: "bes-1",
        }
    }
}

impl Stage {
    pub fn new() -> Stage {
        Stage::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Stage {
        let stage = Stage::without_endpoint(&setup);
        stage.listen(&setup)
    }

    /// Everything but the endpoint, for the broker door.
    pub fn without_endpoint(setup: &Setup) -> Stage {
        let (folder, disk): (_, Arc<dyn Disk>) = match &setup.disk {
            Some(disk) => (None, Arc::clone(disk)),
            None => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let disk = RealDisk::new(folder.path()).expect("a folder to write in");
                (Some(folder), Arc::new(disk))
            }
        };
        let options = Options {
            segment_bytes: setup.segment_bytes,
            ..Options::default()
        };
        let (journal, _) = Journal::open(disk, options).expect("a new journal opens");
        let receipts = Receipts::new();
        let committed = Arc::new(Mutex::new(Vec::new()));
        let (noted, kept) = (Arc::clone(&receipts), Arc::clone(&committed));
        let sink = move |group: Group<Decoded>| {
            for (_, _, decoded) in group.entries {
                noted.committed(&decoded);
                kept.lock().unwrap().push(decoded);
            }
        };
        let committer = Committer::spawn(journal, setup.commit, sink);
        let meters = GATEWAYS.iter().zip(0..).map(|(id, n)| (*id, n));
        let society = Arc::new(Society {
            id: Arc::from(setup.society),
            directory: Directory::new(meters.map(|(id, n)| (id, Obis::EXPORT, SeriesId(n)))),
            committer,
        });
        if setup.caught_up {
            receipts.caught_up();
        }
        let stage = Stage {
            registry: Registry::new(),
            receipts,
            metrics: Arc::default(),
            society,
            now: Arc::new(AtomicI64::new(NOON)),
            committed,
            endpoint: None,
            _folder: folder,
        };
        let entries = GATEWAYS.map(|id| stage.enrolment(id, setup));
        stage.registry.replace(entries.to_vec()).unwrap();
        stage
    }

    fn listen(mut self, setup: &Setup) -> Stage {
        let tls = setup.tls.then(|| crate::tls::server(&self.registry));
        let config = Config {
            listen: vec![Listen {
                address: "127.0.0.1:0".parse().unwrap(),
                tls,
            }],
            threads: 2,
            limits: setup.limits,
        };
        let endpoint = endpoint::start(
            config,
            Arc::clone(&self.registry),
            Arc::clone(&self.receipts),
            Arc::clone(&self.metrics),
            self.clock(),
        );
        self.endpoint = Some(endpoint.expect("the endpoint starts"));
        self
    }

    pub fn enrolment(&self, id: &str, setup: &Setup) -> Enrolment {
        Enrolment {
            id: Arc::from(id),
            society: Arc::clone(&self.society),
            token: setup.credentials.then(|| TokenHash::of(TOKEN).unwrap()),
            certificate: None,
            revoked: false,
            keys: Arc::default(),
            code: None,
            day_bytes: setup.day_bytes,
        }
    }

    pub fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Instant(now.load(Ordering::Relaxed)))
    }

    pub fn address(&self) -> SocketAddr {
        self.endpoint.as_ref().unwrap().addresses()[0]
    }

    pub fn stop_endpoint(&mut self) {
        self.endpoint.take().unwrap().stop();
    }

    /// Every committed kind 1 record: gateway, topic and payload.
    pub fn journaled(&self) -> Vec<(String, String, Vec<u8>)> {
        let mut found = Vec::new();
        for record in self.raw_records() {
            if record[0] != records::KIND_MESSAGE {
                continue;
            }
            let arrived = Arrived::decode(&record).expect("a journaled record decodes");
            let message = arrived.message();
            found.push((
                message.gateway.to_owned(),
                arrived.topic(),
                message.payload.to_vec(),
            ));
        }
        found
    }

    pub fn raw_records(&self) -> Vec<Vec<u8>> {
        let reader = self.society.committer.reader();
        let records = reader.read(0);
        records
            .map(|record| record.expect("the journal is whole").bytes)
            .collect()
    }

    /// Sequence numbers on disk of one gateway's boot, each as often as it was committed.
    pub fn sequences(&self, gateway: &str, boot: u64) -> Vec<u64> {
        let committed = self.committed.lock().unwrap();
        let runs = committed.iter().flat_map(|d| &d.sequences);
        let own = runs.filter(|run| &*run.gateway == gateway && run.boot == boot);
        own.flat_map(|run| run.first..=run.last).collect()
    }
}

/// One message in the own format with one read.
pub fn payload(meter: &str, boot: u64, seq: u64) -> String {
    format!(
        r#"{{"boot":{boot},"seq":{seq},"now":"2026-06-21T12:00:00Z","clock":"S","reads":[{{"meter":"{meter}","register":"2.8.0","t":"2026-06-21T11:59:50Z","wh":{}}}]}}"#,
        1_000_000 + seq
    )
}

pub fn reads_topic(gateway: &str) -> String {
    format!("commonwatt/v1/{gateway}/reads")
}

/// Waits until something holds; fails the test when it does not within ten seconds.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    wait_for(Duration::from_secs(10), what, holds);
}

pub fn wait_for(limit: Duration, what: &str, holds: impl Fn() -> bool) {
    let begin = Monotonic::now();
    while !holds() {
        assert!(begin.elapsed() < limit, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
