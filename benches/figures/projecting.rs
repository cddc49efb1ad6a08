//! From the committer to `series.sqlite`: the daemon's projector without its society. A bounded
//! queue, one thread that applies, flushes and tidies.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant as Monotonic},
};

use anyhow::anyhow;
use domain::{
    calendar::{Instant, Zone},
    metering::{Decisions, Direction, Nights, Obis, Register, SeriesId, SeriesRules},
    quantity::{WattHours, Watts},
};
use records::Decoded;
use store::{
    PlacedRead, SeriesStore,
    series::{SeriesDef, SeriesOptions},
};

/// Reads that may wait before the sink, and with it intake, waits; as `commonwatt.toml` has it.
pub const MAX_LAG_READS: u64 = 4_000_000;
/// Reads that gather before a flush; as `commonwatt.toml` has it.
pub const FLUSH_READS: usize = 2_000_000;
/// The longest wait of a read before it is written; as `commonwatt.toml` has it.
pub const FLUSH_INTERVAL: Duration = Duration::from_secs(30);
const TIDY_GROUPS: usize = 16;

enum Work {
    Group(u64, Vec<PlacedRead>),
    Flush,
    Stop,
}

/// The thread and its queue.
pub struct Projector {
    feed: Arc<Feed>,
    thread: Option<JoinHandle<anyhow::Result<SeriesStore>>>,
}

/// The queue and what is known of it.
pub struct Feed {
    work: Mutex<VecDeque<Work>>,
    came: Condvar,
    went: Condvar,
    /// Reads in the queue.
    queued: AtomicU64,
    /// Reads that came so far.
    pub taken: AtomicU64,
    /// Reads that are in `series.sqlite`.
    pub stored: AtomicU64,
    /// The latest read time seen.
    pub newest_ms: AtomicI64,
    /// The most reads that waited, here and in the store's memory.
    pub most_waiting: AtomicU64,
    /// Microseconds of the longest flush.
    pub longest_flush_us: AtomicU64,
    failed: Mutex<Option<String>>,
}

impl Feed {
    /// Takes the reads of one entry; waits while too many wait.
    pub fn push(&self, next: u64, reads: Vec<PlacedRead>) {
        let count = reads.len() as u64;
        let newest = reads.iter().map(|read| read.at.0).max().unwrap_or(0);
        self.newest_ms.fetch_max(newest, Ordering::Relaxed);
        let waiting = self.taken.fetch_add(count, Ordering::AcqRel) + count
            - self.stored.load(Ordering::Acquire);
        self.most_waiting.fetch_max(waiting, Ordering::Relaxed);
        let mut work = self.work.lock().expect("no thread panics with the queue");
        while self.queued.load(Ordering::Acquire) > MAX_LAG_READS && self.failure().is_none() {
            let waited = self.went.wait_timeout(work, Duration::from_secs(1));
            work = waited.expect("no thread panics with the queue").0;
        }
        self.queued.fetch_add(count, Ordering::AcqRel);
        work.push_back(Work::Group(next, reads));
        self.came.notify_one();
    }

    fn tell(&self, item: Work) {
        self.work
            .lock()
            .expect("no thread panics with the queue")
            .push_back(item);
        self.came.notify_one();
    }

    fn pop(&self, wait: Duration) -> Option<Work> {
        let mut work = self.work.lock().expect("no thread panics with the queue");
        if work.is_empty() {
            work = self
                .came
                .wait_timeout(work, wait)
                .expect("no thread panics with the queue")
                .0;
        }
        let item = work.pop_front()?;
        if let Work::Group(_, reads) = &item {
            self.queued.fetch_sub(reads.len() as u64, Ordering::AcqRel);
        }
        self.went.notify_all();
        Some(item)
    }

    /// Why the thread ended, if it did.
    pub fn failure(&self) -> Option<String> {
        self.failed.lock().ok().and_then(|failed| failed.clone())
    }
}

impl Projector {
    /// Starts the thread.
    pub fn start(series: SeriesStore) -> anyhow::Result<Projector> {
        let feed = Arc::new(Feed {
            work: Mutex::default(),
            came: Condvar::new(),
            went: Condvar::new(),
            queued: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            newest_ms: AtomicI64::new(0),
            most_waiting: AtomicU64::new(0),
            longest_flush_us: AtomicU64::new(0),
            failed: Mutex::default(),
        });
        let shared = Arc::clone(&feed);
        let thread = std::thread::Builder::new()
            .name("series".into())
            .spawn(move || {
                let outcome = work(series, &shared);
                if let (Err(error), Ok(mut failed)) = (&outcome, shared.failed.lock()) {
                    *failed = Some(error.to_string());
                    shared.went.notify_all();
                }
                outcome
            })?;
        Ok(Projector {
            feed,
            thread: Some(thread),
        })
    }

    /// The queue.
    pub fn feed(&self) -> Arc<Feed> {
        Arc::clone(&self.feed)
    }

    /// Waits until everything that came is in `series.sqlite`.
    pub fn drain(&self, limit: Duration) -> anyhow::Result<()> {
        let began = Monotonic::now();
        self.feed.tell(Work::Flush);
        while self.feed.stored.load(Ordering::Acquire) < self.feed.taken.load(Ordering::Acquire) {
            if let Some(why) = self.feed.failure() {
                return Err(anyhow!("the projector ended: {why}"));
            }
            if began.elapsed() > limit {
                return Err(anyhow!("the projector did not come to an end in {limit:?}"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Ends the thread; gives the store.
    pub fn stop(mut self) -> anyhow::Result<SeriesStore> {
        self.feed.tell(Work::Stop);
        let thread = self
            .thread
            .take()
            .ok_or_else(|| anyhow!("it was stopped"))?;
        thread
            .join()
            .map_err(|_| anyhow!("the projector panicked"))?
    }
}

fn work(mut series: SeriesStore, feed: &Feed) -> anyhow::Result<SeriesStore> {
    let zone = london();
    let mut flushed = Monotonic::now();
    let mut applied = 0;
    loop {
        let wait = FLUSH_INTERVAL
            .saturating_sub(flushed.elapsed())
            .max(Duration::from_millis(1));
        let began = Monotonic::now();
        let mut wrote = false;
        match feed.pop(wait) {
            Some(Work::Group(next, reads)) => {
                applied += reads.len() as u64;
                wrote = series.apply(next, reads, [])?.is_some();
            }
            Some(Work::Flush) => {
                series.flush()?;
                wrote = true;
            }
            Some(Work::Stop) => {
                series.flush()?;
                feed.stored.store(applied, Ordering::Release);
                return Ok(series);
            }
            None => {}
        }
        let due = flushed.elapsed() >= FLUSH_INTERVAL;
        if due && !wrote {
            series.flush()?;
            wrote = true;
        }
        if wrote {
            feed.stored.store(applied, Ordering::Release);
            let us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            feed.longest_flush_us.fetch_max(us, Ordering::Relaxed);
            flushed = Monotonic::now();
        }
        if due {
            let today = zone.day_of(Instant(feed.newest_ms.load(Ordering::Relaxed)));
            series.merge(TIDY_GROUPS)?;
            series.close_days(today, TIDY_GROUPS)?;
        }
    }
}

/// Where the societies' days are cut.
pub fn london() -> Zone {
    Zone::named("Europe/London").expect("a known zone")
}

/// An empty store with `count` registers, named as the load generator names them.
pub fn store(path: &Path, count: u32, ceiling: Watts) -> anyhow::Result<SeriesStore> {
    let options = SeriesOptions {
        flush_reads: FLUSH_READS,
        ..SeriesOptions::new(london())
    };
    let mut series = SeriesStore::open(path, options)?;
    let rules = Arc::new(rules(ceiling)?);
    let decisions = Arc::new(Decisions::none());
    let mut from = 0;
    while from < count {
        let upto = count.min(from + 50_000);
        let defs: Vec<SeriesDef> = (from..upto)
            .map(|number| SeriesDef {
                id: SeriesId(number),
                meter: crate::load::meter(number as usize).into(),
                register: Obis::EXPORT,
                rules: Arc::clone(&rules),
                decisions: Arc::clone(&decisions),
            })
            .collect();
        series.define(&defs)?;
        from = upto;
    }
    Ok(series)
}

fn rules(ceiling: Watts) -> anyhow::Result<SeriesRules> {
    let register = Register::new(Obis::EXPORT, Direction::Generation, 12, WattHours(1), 1)?;
    Ok(SeriesRules::of(&register, Some(ceiling), Nights::unknown()))
}

/// The reads of an entry as the store takes them.
pub fn placed(decoded: &Decoded) -> Vec<PlacedRead> {
    let to_store = |read: &records::decoded::PlacedRead| PlacedRead {
        series: read.series,
        at: read.at,
        wh: read.wh,
        w: read.w,
        received: read.received,
        source: read.source,
    };
    decoded.placed.iter().map(to_store).collect()
}
