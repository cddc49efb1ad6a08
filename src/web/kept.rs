//! Answers that are costly to make, kept while nothing new can have come: reports and the day so
//! far. Nothing is made while the table is held; of several that find an answer stale, one makes
//! it anew and the others take the stale one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant as Monotonic},
};

use domain::calendar::{HalfHour, Instant, Period};
use report::{GenerationReport, generation::Income, statement::RunFacts};

use super::Web;
use office::{
    Answer, Known, SocietyOffice,
    energy::By,
    explore::{Explored, Exploring},
    outlook::Outlook,
    overview::DaySoFar,
};

/// A report of a time that is over is made anew at most so often: late reads are rare.
const SETTLED_FOR: Duration = Duration::from_secs(60);
/// Most answers of one kind that are kept; the oldest goes first.
const MOST_KEPT: usize = 2048;

/// Most answers of the explorer: each may have seventeen thousand rows.
pub const MOST_EXPLORED: usize = 16;

/// Generation reports by society, roof and period.
pub type Reports = Kept<Period, GenerationReport>;
/// Income of roofs, by society, roof and period.
pub type Incomes = Kept<Period, Option<Income>>;
/// Workings of frozen interest runs, by society and number.
pub type Workings = Kept<u32, RunFacts>;
/// Outlooks for this year, by society.
pub type Outlooks = Kept<(), Outlook>;
/// The days so far, by society and roof.
pub type Days = Kept<(), DaySoFar>;

/// What the explorer shows, by society, roof and what else is asked for.
pub type Explorations = Kept<(Period, By, bool), Explored>;

type Key<K> = (String, Option<String>, K);

/// Answers of one kind.
pub struct Kept<K, V> {
    table: Mutex<BTreeMap<Key<K>, Entry<V>>>,
    most: usize,
}

struct Entry<V> {
    value: Arc<V>,
    of: Stamp,
    made: Monotonic,
    making: bool,
}

/// What an answer depends on.
#[derive(Clone)]
struct Stamp {
    flushes: u64,
    half_hour: HalfHour,
    known: Arc<Known>,
    /// Points that InfluxDB had by then, where charts read from it.
    mirrored: u64,
}

impl Stamp {
    fn of(web: &Web, society: &SocietyOffice, now: Instant) -> Stamp {
        let mirror = web.state.office.mirror();
        let store = mirror.filter(|mirror| mirror.store().is_some());
        Stamp {
            mirrored: store.map_or(0, |mirror| mirror.points_out(society.slug())),
            flushes: society
                .projector()
                .progress()
                .flushes
                .load(Ordering::Acquire),
            half_hour: HalfHour::of(now),
            known: society.known(),
        }
    }

    fn same(&self, other: &Stamp) -> bool {
        (self.flushes, self.half_hour, self.mirrored)
            == (other.flushes, other.half_hour, other.mirrored)
            && Arc::ptr_eq(&self.known, &other.known)
    }
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Kept<K, V> {
        Kept::of(MOST_KEPT)
    }
}

impl<K, V> Kept<K, V> {
    /// Of which so many are kept at most.
    pub fn of(most: usize) -> Kept<K, V> {
        Kept {
            table: Mutex::default(),
            most,
        }
    }
}

impl<K: Ord + Clone, V> Kept<K, V> {
    fn table(&self) -> MutexGuard<'_, BTreeMap<Key<K>, Entry<V>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer under `key`; `settled` when it is of a time that is over.
    fn get(
        &self,
        key: Key<K>,
        settled: bool,
        stamp: Stamp,
        make: impl FnOnce() -> Answer<V>,
    ) -> Answer<Arc<V>> {
        if let Some(entry) = self.table().get_mut(&key) {
            let known = Arc::ptr_eq(&entry.of.known, &stamp.known);
            let rested = settled && known && entry.made.elapsed() < SETTLED_FOR;
            if rested || entry.of.same(&stamp) || (entry.making && known) {
                return Ok(Arc::clone(&entry.value));
            }
            entry.making = true;
        }
        let made = make().map(Arc::new);
        let mut table = self.table();
        match &made {
            Ok(value) => {
                if table.len() >= self.most && !table.contains_key(&key) {
                    let oldest = table
                        .iter()
                        .min_by_key(|(_, entry)| entry.made)
                        .map(|(key, _)| key.clone());
                    oldest.and_then(|oldest| table.remove(&oldest));
                }
                let entry = Entry {
                    value: Arc::clone(value),
                    of: stamp,
                    made: Monotonic::now(),
                    making: false,
                };
                table.insert(key, entry);
            }
            Err(_) => drop(table.remove(&key)),
        }
        made
    }
}

/// A generation report, at most one flush behind; of a time that is over, at most a minute more.
pub fn report(
    web: &Web,
    society: &SocietyOffice,
    site: Option<&str>,
    period: Period,
    now: Instant,
) -> Answer<Arc<GenerationReport>> {
    let stamp = Stamp::of(web, society, now);
    let today = stamp.known.zone.day_of(now);
    let key = (society.slug().to_owned(), site.map(str::to_owned), period);
    let make = || society.generation(site, period, None, now, false);
    web.reports.get(key, period.last_day() < today, stamp, make)
}

/// A roof's income over a period, at most one flush behind; of a time that is over, at most a minute
/// more.
pub fn income(
    web: &Web,
    society: &SocietyOffice,
    site: &str,
    period: Period,
    now: Instant,
) -> Answer<Arc<Option<Income>>> {
    let stamp = Stamp::of(web, society, now);
    let today = stamp.known.zone.day_of(now);
    let key = (society.slug().to_owned(), Some(site.to_owned()), period);
    web.incomes.get(key, period.last_day() < today, stamp, || {
        web.state.office.earned(society, site, period, now, false)
    })
}

/// What the explorer shows, at most one flush behind; of a time that is over, at most a minute more.
pub fn explored(
    web: &Web,
    society: &Arc<SocietyOffice>,
    asked: &Exploring,
    now: Instant,
) -> Answer<Arc<Explored>> {
    let stamp = Stamp::of(web, society, now);
    let over = asked.span.last_day() < stamp.known.zone.day_of(now);
    let rest = (asked.span, asked.by, asked.beside);
    let key = (society.slug().to_owned(), asked.site.clone(), rest);
    web.explored.get(key, over, stamp, || {
        web.state.office.explore(society, asked, now)
    })
}

/// The outlook for this year, at most a minute behind.
pub fn outlook(web: &Web, society: &SocietyOffice, now: Instant) -> Answer<Arc<Outlook>> {
    let key = (society.slug().to_owned(), None, ());
    web.outlooks
        .get(key, true, Stamp::of(web, society, now), || {
            society.outlook(&web.state.office, now, false)
        })
}

/// The working of a frozen interest run, at most a minute behind.
pub fn working(
    web: &Web,
    society: &SocietyOffice,
    number: u32,
    now: Instant,
) -> Answer<Arc<RunFacts>> {
    let key = (society.slug().to_owned(), None, number);
    web.workings
        .get(key, true, Stamp::of(web, society, now), || {
            society.run_working(number, now)
        })
}

/// The day so far, at most one flush behind.
pub fn day(
    web: &Web,
    society: &SocietyOffice,
    site: Option<&str>,
    now: Instant,
) -> Answer<Arc<DaySoFar>> {
    let key = (society.slug().to_owned(), site.map(str::to_owned), ());
    web.days.get(key, false, Stamp::of(web, society, now), || {
        web.state.office.day_so_far(society, site, now)
    })
}
