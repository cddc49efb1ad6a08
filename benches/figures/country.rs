//! (d) Every rooftop of the country: 1.5 million meters, one read each ten seconds, for minutes.
//! Through the committer into the journal, last values and `series.sqlite`, in a process of its own
//! whose memory is looked at. The same driver runs the slow disk of figure (g).

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant as Monotonic},
};

use anyhow::Context as _;
use domain::{
    calendar::{Instant, Span},
    metering::{Obis, SeriesId},
    quantity::Watts,
};
use ingest::directory::Directory;
use journal::{
    Acknowledge, CommitLimits, Committer, Disk, Entry, Group, Journal, Options, RealDisk, Records,
    Refused, SlowDisk,
};
use records::Decoded;
use serde_json::{Value, json};
use store::Live;

use crate::{
    child::{self, Child},
    figure::{Figure, Size, median, quantile, round},
    load,
    messages::Writer,
    peers::Read,
    projecting::{self, Feed, Projector, london, placed},
    solar::{Fleet, MIDSUMMER_S},
};

/// The first read: ten in the morning.
const START_S: i64 = MIDSUMMER_S + 36_000;
/// Reads reach us so much after they were taken.
const TRANSIT_MS: i64 = 400;
/// Entries are offered at this pace, as a busy endpoint does.
const TICK: Duration = Duration::from_millis(10);
const ROUND_S: u64 = 10;
const DRAIN: Duration = Duration::from_secs(300);

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let (meters, seconds) = size.pick((150_000, 10), (1_500_000, 600));
    let rate = meters / ROUND_S;
    let parameters = json!({
        "meters": meters, "reads_per_s": rate, "seconds": seconds, "reads_per_message": 30,
        "gateways": 1_000,
    });
    let mut figure = Figure::new(
        size,
        "one read each ten seconds of very many meters, through journal and series, for minutes",
        parameters.clone(),
    );
    let found = drive(parameters)?;
    let number = |key: &str| {
        found[key]
            .as_f64()
            .with_context(|| format!("the run said no {key}"))
    };
    let (longest, rss) = (number("longest_commit_ms")?, number("rss_max_mb")?);
    let (waiting, behind) = (
        number("most_reads_waiting")?,
        number("most_seconds_behind")?,
    );
    let lost = number("reads_lost")?;
    let (early, late) = (number("rss_first_third_mb")?, number("rss_last_third_mb")?);
    figure.found("ours", found);
    figure
        .note("a commit is from the offer of an entry to its acknowledgement, every entry counted");
    figure.note("memory is of the whole process, the 1.5 million simulated roofs included");
    figure.goal("no read lost", lost == 0.0);
    figure.goal(
        "lag bounded: no more reads wait than the limit allows",
        waiting < 2.0 * projecting::MAX_LAG_READS as f64 && behind < 120.0,
    );
    figure.goal("memory under 800 MB", rss < 800.0);
    figure.goal(
        "memory flat: the last third at most a tenth above the first",
        late <= early * 1.1,
    );
    figure.goal("no commit over 250 ms", longest <= 250.0);
    Ok(figure)
}

/// Runs it in a process of its own.
pub fn drive(parameters: Value) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let mut parameters = parameters;
    parameters["folder"] = json!(folder.path());
    Child::start("country", &parameters)?.ask("run")
}

/// The child's side.
pub fn serve(parameters: &Value) -> anyhow::Result<()> {
    child::answer(&json!({}), |_| measure(parameters))
}

/// What acknowledgements tell.
#[derive(Default)]
struct Waits {
    ms: Mutex<Vec<f64>>,
    failed: AtomicBool,
}

struct Ack {
    offered: Monotonic,
    waits: Arc<Waits>,
}

impl Acknowledge for Ack {
    fn durable(&self, _: u32) {
        let ms = self.offered.elapsed().as_secs_f64() * 1e3;
        self.waits
            .ms
            .lock()
            .expect("nobody panics with it")
            .push(ms);
    }

    fn failed(&self) {
        self.waits.failed.store(true, Ordering::Release);
    }
}

/// What is looked at each second.
#[derive(Default)]
struct Watched {
    /// Reads offered by then, and when.
    offered: VecDeque<(u64, Monotonic)>,
    most_seconds_behind: f64,
    rss_mb: Vec<f64>,
}

impl Watched {
    fn look(&mut self, offered: u64, feed: &Feed) {
        self.offered.push_back((offered, Monotonic::now()));
        let stored = feed.stored.load(Ordering::Acquire);
        while self
            .offered
            .front()
            .is_some_and(|(reads, _)| *reads <= stored)
        {
            self.offered.pop_front();
        }
        let behind = self
            .offered
            .front()
            .map_or(0.0, |(_, when)| when.elapsed().as_secs_f64());
        self.most_seconds_behind = self.most_seconds_behind.max(behind);
        self.rss_mb.push(child::memory_mb("VmRSS"));
    }
}

fn measure(parameters: &Value) -> anyhow::Result<Value> {
    let number = |key: &str| {
        parameters[key]
            .as_u64()
            .with_context(|| format!("`{key}` is missing"))
    };
    let (meters, rate, seconds) = (
        number("meters")?,
        number("reads_per_s")?,
        number("seconds")?,
    );
    let per_message = usize::try_from(number("reads_per_message")?)?;
    let folder = Path::new(
        parameters["folder"]
            .as_str()
            .context("`folder` is missing")?,
    );
    let count = u32::try_from(meters)?;

    let store = projecting::store(&folder.join("series.sqlite"), count, Watts(5_000))?;
    let projector = Projector::start(store)?;
    let feed = projector.feed();
    let live = Arc::new(Live::new(london()));
    (0..count).for_each(|series| live.define(SeriesId(series), 5_000));
    let directory = Arc::new(directory(count));
    let mut disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.join("journal"))?);
    if let Some(ms) = parameters["slow_ms"].as_u64() {
        disk = Arc::new(SlowDisk::new(disk, Duration::from_millis(ms)));
    }
    let (journal, _) = Journal::open(disk, Options::default())?;
    let (to_feed, to_live) = (Arc::clone(&feed), Arc::clone(&live));
    let committer = Committer::spawn(
        journal,
        CommitLimits::default(),
        move |group: Group<Decoded>| {
            for (first, records, decoded) in group.entries {
                let reads = placed(&decoded);
                to_live.roll_up(reads.iter().copied());
                to_feed.push(first + u64::from(records), reads);
            }
        },
    );

    let waits = Arc::new(Waits::default());
    let mut writer = Writer::new(
        Arc::clone(&directory),
        usize::try_from(number("gateways")?)?,
    );
    let mut fleet = Fleet::new(count as usize);
    let mut watched = Watched::default();
    let (cpu_before, began) = (child::cpu_us(), Monotonic::now());
    let (mut offered, mut full, mut messages) = (0_u64, 0_u64, 0_u64);
    let mut looked = 0;
    let mut reads: Vec<Read> = Vec::new();
    while began.elapsed().as_secs() < seconds {
        let due = u64::try_from(began.elapsed().as_millis())? * rate / 1_000;
        let until = due.min(offered + rate / 10 + 1);
        reads.clear();
        reads.extend((offered..until).map(|n| next(&mut fleet, n, meters, rate)));
        offered = until;
        if !reads.is_empty() {
            let entry = entry(&mut writer, &reads, per_message, &waits);
            messages += u64::from(entry.count);
            full += offer(&committer, entry)?;
        }
        if began.elapsed().as_secs() > looked {
            looked = began.elapsed().as_secs();
            watched.look(offered, &feed);
            if looked.is_multiple_of(60) {
                eprintln!(
                    "    {looked} s: {offered} reads, {:.0} MB",
                    watched.rss_mb.last().unwrap_or(&0.0)
                );
            }
        }
        std::thread::sleep(TICK);
    }
    let elapsed = began.elapsed().as_secs_f64();
    let cpu_us = child::cpu_us() - cpu_before;
    let ended = Monotonic::now();
    committer.stop();
    projector.drain(DRAIN)?;
    let drain_s = ended.elapsed().as_secs_f64();
    anyhow::ensure!(!waits.failed.load(Ordering::Acquire), "an entry failed");

    let reader = committer.reader();
    let kept = kept_in_journal(&reader, &directory)?;
    let series = projector.stop()?;
    let stored = stored_of(&series, count, offered)?;
    let ms = std::mem::take(&mut *waits.ms.lock().expect("nobody panics with it"));
    let third = watched.rss_mb.len() / 3;
    Ok(json!({
        "reads": offered,
        "reads_per_s": round(offered as f64 / elapsed, 0),
        "messages": messages,
        "reads_lost": offered.abs_diff(kept) + offered.abs_diff(feed.stored.load(Ordering::Acquire)) + stored,
        "commit_p50_ms": round(quantile(&ms, 0.5), 2),
        "commit_p99_ms": round(quantile(&ms, 0.99), 2),
        "longest_commit_ms": round(ms.iter().copied().fold(0.0, f64::max), 1),
        "times_intake_was_full": full,
        "most_reads_waiting": feed.most_waiting.load(Ordering::Acquire),
        "most_seconds_behind": round(watched.most_seconds_behind, 1),
        "seconds_behind_at_the_end": round(drain_s, 1),
        "longest_flush_ms": round(feed.longest_flush_us.load(Ordering::Acquire) as f64 / 1e3, 0),
        "cpu_share_of_one_core": round(cpu_us as f64 / 1e6 / elapsed, 2),
        "rss_first_third_mb": round(median(&watched.rss_mb[..third.max(1).min(watched.rss_mb.len())]), 0),
        "rss_last_third_mb": round(median(&watched.rss_mb[2 * third..]), 0),
        "rss_max_mb": round(child::memory_mb("VmHWM"), 0),
        "journal_bytes_per_read": round(reader.bytes() as f64 / offered as f64, 1),
    }))
}

/// The registers that the load generator and this driver speak of.
pub fn directory(count: u32) -> Directory {
    let names: Vec<String> = (0..count as usize).map(load::meter).collect();
    let registers = (0..)
        .zip(&names)
        .map(|(n, name)| (name.as_str(), Obis::EXPORT, SeriesId(n)));
    Directory::new(registers)
}

/// The `n`-th read of all: meters come in another order than their numbers.
fn next(fleet: &mut Fleet, n: u64, meters: u64, rate: u64) -> Read {
    let meter = (n % meters) * 999_983 % meters;
    let at_s = START_S + i64::try_from(n / rate.max(1)).unwrap_or(0);
    fleet.read(usize::try_from(meter).unwrap_or(0), at_s, 10)
}

fn entry(
    writer: &mut Writer,
    reads: &[Read],
    per_message: usize,
    waits: &Arc<Waits>,
) -> Entry<Decoded> {
    let (mut records, mut decoded) = (Records::new(), Decoded::default());
    let now_ms = reads.iter().map(|read| read.at).max().unwrap_or(0) + TRANSIT_MS;
    for of_one in reads.chunks(per_message) {
        writer.write(of_one, now_ms, &mut records, &mut decoded);
    }
    Entry {
        count: u32::try_from(records.len()).unwrap_or(u32::MAX),
        records,
        time_ms: now_ms,
        ack: Some(Arc::new(Ack {
            offered: Monotonic::now(),
            waits: Arc::clone(waits),
        })),
        along: decoded,
    }
}

/// Offers until it is taken; how often it was not.
fn offer(committer: &Committer<Decoded>, mut entry: Entry<Decoded>) -> anyhow::Result<u64> {
    let mut full = 0;
    loop {
        match committer.offer(entry) {
            Ok(()) => return Ok(full),
            Err(Refused::Full(back)) => entry = back,
            Err(Refused::TooLarge(_)) => anyhow::bail!("an entry is too large"),
            Err(Refused::Stopped(_)) => anyhow::bail!("the journal stopped"),
        }
        full += 1;
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reads in the journal, decoded again.
fn kept_in_journal(reader: &journal::Reader, directory: &Directory) -> anyhow::Result<u64> {
    let mut kept = 0;
    for batch in reader.batches_ahead(0) {
        let mut decoded = Decoded::default();
        for record in batch?.iter() {
            records::decode::replay(
                record.bytes,
                0,
                directory,
                &records::devices::Devices::default(),
                &mut decoded,
            )?;
        }
        kept += decoded.placed.len() as u64;
    }
    Ok(kept)
}

/// Reads missing from the series of some meters, looked up one by one.
fn stored_of(series: &store::SeriesStore, count: u32, offered: u64) -> anyhow::Result<u64> {
    let reader = series.reader()?;
    let all = Span::new(
        Instant(START_S * 1_000),
        Instant((START_S + 86_400) * 1_000),
    );
    let step = (count / 2_000).max(1);
    let mut missing = 0;
    for meter in (0..count).step_by(step as usize) {
        // Each whole round brought one read of every meter.
        let rounds = offered / u64::from(count);
        let have = reader.reads(SeriesId(meter), all)?.len() as u64;
        missing += rounds.saturating_sub(have);
    }
    Ok(missing)
}
