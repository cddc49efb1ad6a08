//! The projector: one thread a society that makes the series from what the journal has.
//!
//! At start it reads the journal from the series' own position; meanwhile new groups wait in its
//! queue. The queue is bounded by reads: when more than `max_lag_reads` wait, the committer's sink
//! waits too, and with it intake. The projector alone writes `series.sqlite`; whoever wants to read
//! what was acknowledged a moment ago asks it to flush first.
//!
//! A full disk is waited out: what the series lack stays in memory (and in the journal), definitions
//! too, and a flush is tried again every [`TRY_AGAIN`]. Any other failure ends the projector.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant as Monotonic},
};

use domain::{
    calendar::Instant,
    metering::{Obis, SeriesId},
};
use journal::{Group, Reader, Sink};
use records::{
    Decoded, KIND_IMPORT, KIND_MESSAGE,
    decode::replay,
    directory::Directory,
    import::{ImportHeader, Places, place},
    ongoing::{Ongoing, PowerPoints},
};
use store::{
    Live, SeriesReader, SeriesStore, StoreError,
    series::{Flushed, IntervalEnergy, SeriesDef, TouchedDay},
};

use super::{
    answer::{Answer, OrOurs, Refusal},
    known::Known,
    society::Settings,
};

/// What is known of the society, swapped when a document is applied.
pub type SharedKnown = Arc<RwLock<Arc<Known>>>;

/// Who else wants to know what is on disk: the receipts, the live pages.
pub trait Watch: Send + Sync {
    /// These reads are on disk; called before they are acknowledged.
    fn committed(&self, decoded: &Decoded);
    /// What gateways had been told, as the projection kept it.
    fn restored(&self, receipts: Vec<(String, Vec<u8>)>);
    /// These records were on disk before we started.
    fn replayed(&self, decoded: &Decoded);
    /// Replay has reached the end of what was there at start.
    fn caught_up(&self);
    /// What gateways may be told now, to be kept with the projection.
    fn receipts(&self) -> Vec<(String, Vec<u8>)>;
    /// What time it is, for knowing which days are over.
    fn now(&self) -> Instant;
    /// A node that lost something must be born again; the topic takes its commands.
    fn ask_for_birth(&self, _topic: &str) {}
}

/// Nobody else wants to know: a command without a daemon.
pub struct NoWatch(pub Instant);

impl Watch for NoWatch {
    fn committed(&self, _: &Decoded) {}
    fn restored(&self, _: Vec<(String, Vec<u8>)>) {}
    fn replayed(&self, _: &Decoded) {}
    fn caught_up(&self) {}
    fn receipts(&self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }
    fn now(&self) -> Instant {
        self.0
    }
}

/// Under this name, which no gateway can have, the state between messages is kept beside the
/// receipts: in the transaction that moves the series' position.
const ONGOING: &str = " ongoing";
/// How often a flush is tried while the disk is full.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Groups of series that are tidied between two flushes.
const TIDY_GROUPS: usize = 16;

enum Work {
    Group { next: u64, decoded: Box<Decoded> },
    Define(Vec<SeriesDef>),
    Flush(mpsc::Sender<Answer<()>>),
    Settle(Vec<SeriesId>, mpsc::Sender<Answer<()>>),
    SettleAll(mpsc::Sender<Answer<()>>),
    Stop,
}

/// A handle on the projector's thread.
pub struct Projector {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    progress: Arc<Progress>,
}

/// How far it is, for health, metrics and the slowing of intake.
#[derive(Debug, Default)]
pub struct Progress {
    /// Journal position on disk in the series.
    pub position: AtomicU64,
    /// Reads that wait in the queue.
    pub queued_reads: AtomicU64,
    /// True when replay has reached the live queue.
    pub caught_up: AtomicBool,
    /// Flushes so far; live pages look again when it moves.
    pub flushes: AtomicU64,
    /// True while the disk is full and the series wait for space.
    pub out_of_space: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl Progress {
    /// Why the projector stopped, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        held(&self.failure).clone()
    }
}

struct Queue {
    work: Mutex<VecDeque<Work>>,
    came: Condvar,
    went: Condvar,
    max_reads: u64,
    progress: Arc<Progress>,
}

impl Queue {
    fn push(&self, item: Work) {
        let reads = reads_of(&item);
        let mut work = held(&self.work);
        while reads > 0
            && self.progress.queued_reads.load(Ordering::Acquire) > self.max_reads
            && self.progress.failure().is_none()
        {
            work = self
                .went
                .wait_timeout(work, Duration::from_secs(1))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        self.progress
            .queued_reads
            .fetch_add(reads, Ordering::AcqRel);
        work.push_back(item);
        self.came.notify_one();
    }

    fn pop(&self, wait: Duration) -> Option<Work> {
        let mut work = held(&self.work);
        if work.is_empty() {
            work = self
                .came
                .wait_timeout(work, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let item = work.pop_front()?;
        self.progress
            .queued_reads
            .fetch_sub(reads_of(&item), Ordering::AcqRel);
        self.went.notify_all();
        Some(item)
    }
}

fn reads_of(item: &Work) -> u64 {
    match item {
        Work::Group { decoded, .. } => (decoded.placed.len() + decoded.unplaced.len()) as u64,
        _ => 0,
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The committer's sink: live values, receipts, the queue; then the acknowledgements go out.
pub struct ToProjector {
    queue: Arc<Queue>,
    live: Arc<Live>,
    watch: Arc<dyn Watch>,
}

impl Sink<Decoded> for ToProjector {
    fn committed(&mut self, group: Group<Decoded>) {
        for (first, records, decoded) in group.entries {
            self.live.roll_up(decoded.placed.iter().map(to_store));
            self.watch.committed(&decoded);
            let next = first + u64::from(records);
            let decoded = Box::new(decoded);
            self.queue.push(Work::Group { next, decoded });
        }
    }
}

impl Projector {
    /// Starts the thread; replay begins at the series' own position.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        society: &str,
        series: SeriesStore,
        reader: Reader,
        known: SharedKnown,
        live: Arc<Live>,
        settings: Settings,
        watch: Arc<dyn Watch>,
    ) -> Answer<Projector> {
        let progress = Arc::new(Progress::default());
        progress
            .position
            .store(series.position(), Ordering::Release);
        let queue = Arc::new(Queue {
            work: Mutex::new(VecDeque::new()),
            came: Condvar::new(),
            went: Condvar::new(),
            max_reads: settings.max_lag_reads,
            progress: Arc::clone(&progress),
        });
        let look = series.reader().or_ours("series.sqlite")?;
        let mut worker = Worker {
            series,
            look,
            undefined: None,
            ongoing: Ongoing::default(),
            places: None,
            reader,
            known,
            live,
            watch,
            queue: Arc::clone(&queue),
            progress: Arc::clone(&progress),
            interval: Duration::from_millis(settings.flush_interval_ms.max(1)),
            flushed: Monotonic::now(),
        };
        let name = society.to_owned();
        let thread = std::thread::Builder::new()
            .name(format!("series {society}"))
            .spawn(move || {
                if let Err(error) = worker.run() {
                    tracing::error!(society = name, %error, "the series stopped; what arrives is still kept in the journal");
                    *held(&worker.progress.failure) = Some(error.to_string());
                    worker.refuse_the_rest();
                }
                worker.leave(&name);
            })
            .or_ours("the series' thread")?;
        Ok(Projector {
            queue,
            thread: Mutex::new(Some(thread)),
            progress,
        })
    }

    /// The sink of this society's committer.
    #[must_use]
    pub fn sink(&self, live: Arc<Live>, watch: Arc<dyn Watch>) -> ToProjector {
        ToProjector {
            queue: Arc::clone(&self.queue),
            live,
            watch,
        }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Waits until everything acknowledged so far is in the series and settled.
    ///
    /// # Errors
    /// When the projector stopped.
    pub fn flush(&self) -> Answer<()> {
        self.ask(Work::Flush)
    }

    /// Waits until everything acknowledged so far of these series is stored and settled.
    ///
    /// # Errors
    /// When the projector stopped.
    pub fn settle(&self, series: Vec<SeriesId>) -> Answer<()> {
        self.ask(|done| Work::Settle(series, done))
    }

    /// Waits until every series is settled, also those that wait for a query.
    ///
    /// # Errors
    /// When the projector stopped.
    pub fn settle_all(&self) -> Answer<()> {
        self.ask(Work::SettleAll)
    }

    fn ask(&self, work: impl FnOnce(mpsc::Sender<Answer<()>>) -> Work) -> Answer<()> {
        if self.progress.failure().is_some() {
            return Err(self.stopped());
        }
        let (done, answer) = mpsc::channel();
        self.queue.push(work(done));
        match answer.recv() {
            Ok(answer) => answer,
            Err(_) => Err(self.stopped()),
        }
    }

    /// Tells the series what registers are and how they are judged.
    ///
    /// # Errors
    /// When the projector stopped.
    pub fn define(&self, defs: Vec<SeriesDef>) -> Answer<()> {
        if self.progress.failure().is_some() {
            return Err(self.stopped());
        }
        self.queue.push(Work::Define(defs));
        Ok(())
    }

    /// Flushes and ends the thread.
    pub fn stop(&self) {
        self.queue.push(Work::Stop);
        if let Some(thread) = held(&self.thread).take() {
            let _ = thread.join();
        }
    }

    fn stopped(&self) -> Refusal {
        let why = self
            .progress
            .failure()
            .unwrap_or_else(|| "it was stopped".to_owned());
        Refusal::Ours(format!(
            "the series are not kept up: {why}\nhint: `commonwatt rebuild` makes them again from the journal"
        ))
    }
}

/// Where reads and powers belong.
type Belongings = (Directory, PowerPoints);

struct Worker {
    series: SeriesStore,
    /// What the live values are told from.
    look: SeriesReader,
    /// Definitions for which there was no space.
    undefined: Option<Vec<SeriesDef>>,
    /// What later messages are understood by.
    ongoing: Ongoing,
    /// Where their reads belong, as long as nothing was applied.
    places: Option<(Arc<Known>, Arc<Belongings>)>,
    reader: Reader,
    known: SharedKnown,
    live: Arc<Live>,
    watch: Arc<dyn Watch>,
    queue: Arc<Queue>,
    progress: Arc<Progress>,
    interval: Duration,
    flushed: Monotonic,
}

impl Worker {
    fn run(&mut self) -> Answer<()> {
        let mut receipts = self.look.receipts().or_ours("series.sqlite")?;
        if let Some(at) = receipts.iter().position(|(name, _)| name == ONGOING) {
            let (_, state) = receipts.swap_remove(at);
            // A state of another version is made again with the series: `rebuild`.
            self.ongoing = Ongoing::from_bytes(&state).unwrap_or_default();
        }
        self.watch.restored(receipts);
        self.look.seed(&self.live).or_ours("series.sqlite")?;
        self.catch_up()?;
        self.watch.caught_up();
        self.progress.caught_up.store(true, Ordering::Release);
        loop {
            let wait = self.pause().saturating_sub(self.flushed.elapsed());
            match self.queue.pop(wait.max(Duration::from_millis(1))) {
                Some(Work::Group { next, decoded }) => self.take(next, *decoded)?,
                Some(Work::Define(defs)) => {
                    self.undefined = Some(defs);
                    // What a decision or an event changes is seen at once.
                    self.flush()?;
                }
                Some(Work::Flush(done)) => self.answer(&done, |_| Ok(Vec::new()))?,
                Some(Work::Settle(series, done)) => {
                    self.answer(&done, |store| store.settle(&series))?;
                }
                Some(Work::SettleAll(done)) => {
                    self.answer(&done, SeriesStore::settle_all)?;
                }
                Some(Work::Stop) => return self.flush().map(|_| ()),
                None => {}
            }
            if self.flushed.elapsed() >= self.pause() && self.flush()? {
                self.tidy()?;
            }
        }
    }

    /// Flushes, does one thing more, and says what became of it.
    fn answer(
        &mut self,
        done: &mpsc::Sender<Answer<()>>,
        then: impl FnOnce(&mut SeriesStore) -> Result<Vec<TouchedDay>, StoreError>,
    ) -> Answer<()> {
        let mut outcome = self.flush();
        if matches!(outcome, Ok(true)) {
            let settled = then(&mut self.series);
            outcome = self.unless_full(settled).and_then(|touched| match touched {
                Some(touched) => self.tell(&touched, &[]).map(|()| true),
                None => Ok(false),
            });
        }
        let _ = done.send(match &outcome {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Ours(
                "the disk is full; the series wait for space\nhint: free space on the disk, then ask again".to_owned(),
            )),
            Err(refusal) => Err(refusal.clone()),
        });
        outcome.map(|_| ())
    }

    /// What a step of the series gave; nothing when the disk is full, which is noted.
    fn unless_full<T>(&mut self, step: Result<T, StoreError>) -> Answer<Option<T>> {
        let is_full = step.as_ref().is_err_and(StoreError::is_full);
        if self.progress.out_of_space.swap(is_full, Ordering::AcqRel) != is_full {
            if is_full {
                tracing::warn!("the disk is full; the series wait for space");
            } else {
                tracing::info!("the series have space again");
            }
        }
        if is_full {
            self.flushed = Monotonic::now();
            return Ok(None);
        }
        step.map(Some).or_ours("series.sqlite")
    }

    fn pause(&self) -> Duration {
        if self.progress.out_of_space.load(Ordering::Acquire) {
            self.interval.min(TRY_AGAIN)
        } else {
            self.interval
        }
    }

    /// Tells the series what registers are and how they are judged; later, when the disk is full.
    fn define(&mut self) -> Answer<bool> {
        let Some(defs) = self.undefined.take() else {
            return Ok(true);
        };
        self.series.bind(Arc::clone(&self.known_now().bindings));
        let defined = self.series.define(&defs);
        let done = self.unless_full(defined)?.is_some();
        if !done {
            self.undefined = Some(defs);
        }
        Ok(done)
    }

    /// Tells the live values what was settled; `again` are those whose judge may have changed its mind.
    fn tell(&self, touched: &[TouchedDay], again: &[SeriesId]) -> Answer<()> {
        let mut series: Vec<SeriesId> = touched.iter().map(|day| day.series).collect();
        series.dedup();
        self.look
            .tell(&self.live, again, true)
            .and_then(|()| self.look.tell(&self.live, &series, false))
            .or_ours("series.sqlite")
    }

    /// Reads what the journal has beyond the series' position.
    fn catch_up(&mut self) -> Answer<()> {
        let known = self.known_now();
        let directory = directory_of(&known);
        for batch in self.reader.clone().batches_ahead(self.series.position()) {
            let batch = batch.or_ours("the society's journal")?;
            let mut decoded = Decoded::default();
            let mut next = self.series.waiting().applied;
            for record in batch.iter() {
                decode(record.bytes, &directory, &known, &mut decoded)?;
                next = record.index + 1;
            }
            self.live.roll_up(decoded.placed.iter().map(to_store));
            self.watch.replayed(&decoded);
            self.take(next, decoded)?;
        }
        self.flush().map(|_| ())
    }

    fn take(&mut self, next: u64, mut decoded: Decoded) -> Answer<()> {
        if next <= self.series.waiting().applied {
            return Ok(());
        }
        if !decoded.powers.is_empty() || !decoded.sparkplug.is_empty() {
            let known = self.known_now();
            let places = match &self.places {
                Some((of, places)) if Arc::ptr_eq(of, &known) => Arc::clone(places),
                _ => {
                    let places = Arc::new((directory_of(&known), known.power_points()));
                    self.places = Some((known, Arc::clone(&places)));
                    places
                }
            };
            let done = self.ongoing.take(&mut decoded, &places.0, &places.1);
            let fresh = decoded.placed.iter().skip(done.placed_before);
            self.live.roll_up(fresh.map(to_store));
            if self.progress.caught_up.load(Ordering::Acquire) {
                for topic in done.rebirths {
                    self.watch.ask_for_birth(&topic);
                }
            }
            // The position and this state belong to one transaction, whichever step flushes.
            self.note_ongoing();
        }
        match apply_decoded(&mut self.series, next, decoded) {
            Ok(None) => {}
            // Taken, and flushed or waiting for space.
            flushed => {
                if let Some(Some(flushed)) = self.unless_full(flushed)? {
                    self.noted(&flushed)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what waits; false when the disk is full.
    fn flush(&mut self) -> Answer<bool> {
        if !self.define()? {
            return Ok(false);
        }
        let suspects = self.live.take_suspects();
        self.series.suspect(&suspects);
        for (gateway, state) in self.watch.receipts() {
            self.series.note_receipt(&gateway, &state);
        }
        let flushed = self.series.flush();
        let Some(flushed) = self.unless_full(flushed)? else {
            return Ok(false);
        };
        self.noted(&flushed)?;
        Ok(true)
    }

    fn noted(&mut self, flushed: &Flushed) -> Answer<()> {
        self.tell(&flushed.touched, &flushed.again)?;
        self.flushed = Monotonic::now();
        self.progress
            .position
            .store(self.series.position(), Ordering::Release);
        self.progress.flushes.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Housekeeping in small steps, between the groups that come.
    fn tidy(&mut self) -> Answer<()> {
        let today = self.known_now().zone.day_of(self.watch.now());
        let merged = self.series.merge(TIDY_GROUPS);
        if self.unless_full(merged)?.is_some() {
            let closed = self.series.close_days(today, TIDY_GROUPS);
            self.unless_full(closed)?;
        }
        Ok(())
    }

    fn note_ongoing(&mut self) {
        self.series.note_receipt(ONGOING, &self.ongoing.to_bytes());
    }

    fn known_now(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves the file whole, as the last who has it open.
    fn leave(self, society: &str) {
        self.look.rest();
        if let Err(error) = self.series.close() {
            tracing::warn!(society, %error, "series.sqlite was left with its log; the next start takes it in");
        }
    }

    /// After a failure: nobody waits for ever.
    fn refuse_the_rest(&mut self) {
        let mut work = held(&self.queue.work);
        work.clear();
        self.queue.went.notify_all();
    }
}

/// Hands what records say to the series; what was flushed, when that made them flush.
pub(super) fn apply_decoded(
    series: &mut SeriesStore,
    next: u64,
    decoded: Decoded,
) -> Result<Option<Flushed>, StoreError> {
    if !decoded.intervals.is_empty() {
        let rows = decoded.intervals.into_iter().map(|row| IntervalEnergy {
            subject: row.point.as_ref().into(),
            half_hour: row.half_hour,
            wh: row.wh,
            quality: row.quality,
        });
        series.apply_intervals(next, rows)?;
    }
    let unplaced = decoded
        .unplaced
        .into_iter()
        .map(|read| store::UnplacedRead {
            gateway: if read.bound {
                Box::from(&*read.gateway)
            } else {
                Box::default()
            },
            meter: read.meter,
            register: read.register,
            at: read.at,
            wh: read.wh,
            w: read.w,
            received: read.received,
            source: read.source,
        });
    let placed = decoded.placed.iter().map(to_store);
    series.apply(next, placed, unplaced)
}

/// The directory of a society's registers.
#[must_use]
pub fn directory_of(known: &Known) -> Directory {
    Directory::new(
        known
            .series
            .iter()
            .filter(|s| s.named)
            .map(|s| (s.meter.as_str(), s.register, s.id)),
    )
    .disbelieving(known.disbelieved.as_slice().into())
    .bound(Arc::clone(&known.bindings))
}

/// What one record says, as when it arrived. Decisions say nothing here: the books know them.
pub(super) fn decode(
    record: &[u8],
    directory: &Directory,
    known: &Known,
    into: &mut Decoded,
) -> Answer<()> {
    match record.first() {
        Some(&KIND_MESSAGE) => {
            replay(record, 0, directory, &known.devices, into)
                .or_ours("a message of the journal")?;
        }
        Some(&KIND_IMPORT) => {
            let (header, lines) =
                ImportHeader::from_record(record).or_ours("imported lines of the journal")?;
            for (_, rows) in lines {
                for row in rows.unwrap_or_default() {
                    place(&row, &header, &KnownPlaces { directory, known }, into);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Where imported rows belong.
pub(super) struct KnownPlaces<'a> {
    pub(super) directory: &'a Directory,
    pub(super) known: &'a Known,
}

impl Places for KnownPlaces<'_> {
    fn series(&self, meter: &str, register: Obis) -> Option<SeriesId> {
        self.directory.find(meter, register)
    }

    fn point(&self, meter: &str) -> Option<Arc<str>> {
        self.known
            .meters
            .get(meter)
            .map(|m| Arc::from(m.point.as_str()))
    }
}

fn to_store(read: &records::decoded::PlacedRead) -> store::PlacedRead {
    store::PlacedRead {
        series: read.series,
        at: read.at,
        wh: read.wh,
        w: read.w,
        received: read.received,
        source: read.source,
    }
}
