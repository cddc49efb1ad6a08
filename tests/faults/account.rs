//! What is owed, against what the daemon lists.
//!
//! Each round has a day of its own in the past, so that a round's reads can be listed alone however
//! many rounds went before. A round takes less than [`ROUND_MS`] of its day, around noon.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{
    daemon::Place,
    load::{Account, Promises, Reads},
};

/// Longest span of one round's read times, in ms: at one read a millisecond more than any round.
pub const ROUND_MS: i64 = 3_600_000;
/// How long the daemon's projections may take to show what is owed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Days listed at once when everything is compared.
const DAYS_AT_ONCE: usize = 30;

/// A read: its time in ms and its register in Wh.
pub type ReadKey = (i64, i64);

/// What was sent and promised for one meter, by round.
#[derive(Debug, Default)]
pub struct Ledger {
    rounds: BTreeMap<u32, Round>,
}

#[derive(Debug, Default)]
struct Round {
    owed: BTreeSet<ReadKey>,
    sent: BTreeSet<ReadKey>,
}

/// What a comparison showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Reads that a PUBACK or a receipt named.
    pub owed: usize,
    /// Of these, how many are not listed.
    pub lost: usize,
    /// Reads listed more than once.
    pub doubled: usize,
    /// Reads listed that nobody sent.
    pub invented: usize,
}

impl Outcome {
    /// Adds another's counts.
    pub fn add(&mut self, other: Outcome) {
        self.owed += other.owed;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.invented += other.invented;
    }

    /// Is nothing wrong?
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.invented == 0
    }
}

impl Ledger {
    /// Enters what a publisher did in a round.
    pub fn enter(&mut self, round: u32, promises: &Promises) {
        let into = self.rounds.entry(round).or_default();
        into.owed.extend(promises.owed());
        into.sent.extend(promises.sent.values());
    }

    /// Enters reads that were sent and are all owed.
    pub fn enter_owed(&mut self, round: u32, reads: impl Iterator<Item = ReadKey>) {
        let into = self.rounds.entry(round).or_default();
        into.owed.extend(reads);
        into.sent.clone_from(&into.owed);
    }

    /// Reads owed so far.
    pub fn owed(&self) -> usize {
        self.rounds.values().map(|round| round.owed.len()).sum()
    }

    /// Compares one round with what the daemon lists.
    pub fn compare(&self, place: &Place, account: &Account, round: u32) -> Outcome {
        self.compare_rounds(place, account, &[round])
    }

    /// Compares every round.
    pub fn compare_all(&self, place: &Place, account: &Account) -> Outcome {
        let rounds: Vec<u32> = self.rounds.keys().copied().collect();
        let mut outcome = Outcome::default();
        for some in rounds.chunks(DAYS_AT_ONCE) {
            outcome.add(self.compare_rounds(place, account, some));
        }
        outcome
    }

    /// Gives the projections a moment as long as something is missing.
    fn compare_rounds(&self, place: &Place, account: &Account, rounds: &[u32]) -> Outcome {
        let until = Instant::now() + PATIENCE;
        loop {
            let outcome = self.compare_once(place, account, rounds);
            if outcome.lost == 0 || Instant::now() > until {
                return outcome;
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// Compares these consecutive rounds as things are now.
    pub fn compare_once(&self, place: &Place, account: &Account, rounds: &[u32]) -> Outcome {
        let (Some(first), Some(last)) = (rounds.first(), rounds.last()) else {
            return Outcome::default();
        };
        let listed = listed(place, &account.meters[0], day_of(*first), day_of(*last));
        let as_set: BTreeSet<ReadKey> = listed.iter().copied().collect();
        let mut outcome = Outcome {
            doubled: listed.len() - as_set.len(),
            ..Outcome::default()
        };
        let mut unknown = as_set.clone();
        for round in rounds.iter().filter_map(|round| self.rounds.get(round)) {
            outcome.owed += round.owed.len();
            outcome.lost += round.owed.difference(&as_set).count();
            unknown.retain(|read| !round.sent.contains(read));
        }
        outcome.invented = unknown.len();
        outcome
    }
}

/// The day of a round: it rises with the round and ends before today.
fn day_of(round: u32) -> Date {
    // Once, so that midnight does not move the days of a run.
    static TODAY: OnceLock<Date> = OnceLock::new();
    let today = *TODAY.get_or_init(|| Timestamp::now().to_zoned(TimeZone::UTC).date());
    today - i64::from(crate::rounds() + 10).days() + i64::from(round).days()
}

/// The read times and register of a round: each day begins higher than the day before ended.
pub fn reads_of(round: u32) -> Reads {
    let noon = day_of(round)
        .at(12, 0, 0, 0)
        .to_zoned(TimeZone::UTC)
        .unwrap();
    Reads {
        from_ms: noon.timestamp().as_millisecond() - ROUND_MS / 2,
        from_wh: i64::from(round) * ROUND_MS / 1_000,
    }
}

fn listed(place: &Place, meter: &str, from: Date, to: Date) -> Vec<ReadKey> {
    let (from, to) = (from.to_string(), to.to_string());
    let listed = place.ask(&[
        "reads", "list", "--meter", meter, "--from", &from, "--to", &to,
    ]);
    let reads = listed.as_array().expect("a list of reads").iter();
    let time = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
    reads
        .map(|read| {
            let at = read["at"].as_str().expect("a time");
            (time(at), read["wh"].as_i64().expect("Wh"))
        })
        .collect()
}
