//! Load on the endpoint or on any broker, for measuring by hand.
//!
//! ```text
//! blast serve ADDRESS FOLDER GATEWAYS       an endpoint with a real journal, until killed
//! blast send ADDRESS CONNECTIONS WINDOW READS SECONDS [own|plain]
//! ```
//!
//! `own` shows the credential that `serve` gave out, `plain` connects without one.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use commonwatt_ingest::{
    Directory, Metrics, Receipts, Registry,
    endpoint::{self, Config, Limits, Listen},
    registry::{DEFAULT_DAY_BYTES, Enrolment, Society, TokenHash},
};
use domain::{
    calendar::Instant,
    metering::{Obis, SeriesId},
};
use journal::{CommitLimits, Committer, Group, Journal, Options, RealDisk};
use records::Decoded;

#[path = "../../../benches/load/mod.rs"]
mod load;

const PASSWORD: &str = "blast-blast-blast-blast-blast";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", address, folder, gateways] => serve(address, folder.as_ref(), gateways.parse()?),
        ["send", address, connections, window, reads, seconds, ref how @ ..] => {
            let outcome = load::run(&load::Plan {
                address: address.parse()?,
                connections: connections.parse()?,
                window: window.parse()?,
                reads: reads.parse()?,
                meters: 1,
                duration: Duration::from_secs_f64(seconds.parse()?),
                threads: 1,
                prefix: "g".to_owned(),
                password: (how != ["plain"]).then(|| PASSWORD.to_owned()),
                boot: 1,
            })?;
            println!(
                "{:.0} messages/s, {:.0} reads/s, {:.1} MB/s, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
                outcome.messages_per_second(),
                outcome.reads_per_second(),
                outcome.payload_bytes as f64 / outcome.seconds / 1e6,
                outcome.latency_ms(0.5),
                outcome.latency_ms(0.99),
                outcome.latency_ms(1.0),
            );
            Ok(())
        }
        _ => Err("expected `serve ADDRESS FOLDER GATEWAYS` or `send ADDRESS CONNECTIONS WINDOW READS SECONDS`".into()),
    }
}

fn serve(address: &str, folder: &Path, gateways: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (journal, _) = Journal::open(Arc::new(RealDisk::new(folder)?), Options::default())?;
    let receipts = Receipts::new();
    let noted = Arc::clone(&receipts);
    let sink = move |group: Group<Decoded>| {
        for (_, _, decoded) in &group.entries {
            noted.committed(decoded);
        }
    };
    let committer = Committer::spawn(journal, CommitLimits::default(), sink);
    let meters: Vec<String> = (0..gateways).map(load::meter).collect();
    let registers = (0..)
        .zip(&meters)
        .map(|(n, meter)| (meter.as_str(), Obis::EXPORT, SeriesId(n)));
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
        day_bytes: DEFAULT_DAY_BYTES << 20,
    });
    let registry = Registry::new();
    registry.replace(entries.collect())?;
    receipts.caught_up();
    let config = Config {
        listen: vec![Listen {
            address: address.parse()?,
            tls: None,
        }],
        threads: 1,
        limits: Limits::default(),
    };
    let clock = Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Instant(now.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    });
    let metrics = Arc::new(Metrics::default());
    let running = endpoint::start(config, registry, receipts, Arc::clone(&metrics), clock)?;
    println!("{:?}", running.addresses());
    loop {
        std::thread::sleep(Duration::from_secs(5));
        println!("{:?}", metrics.named());
    }
}
