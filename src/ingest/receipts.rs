//! What is on disk of each gateway's messages, and the receipt that says so.
//!
//! The committer's sink tells the hub the sequence numbers of every synced group
//! ([`Receipts::committed`]); the doors publish what a gateway's [`Cell`] says. A gateway deletes
//! what a receipt names, so the hub errs towards saying less: numbers beyond its limits are left
//! out and come again. Until [`Receipts::caught_up`] is called nothing is published, because a
//! receipt in the middle of a replay would look like a daemon restored from an older copy.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use records::{Decoded, decoded::SequenceRun};

/// Ranges beyond `upto` remembered for one boot; what would make more is not noted.
pub const MAX_TRACKED_RANGES: usize = 1_024;
/// Ranges beyond `upto` remembered for all boots of a gateway together, as soon as it has more boots
/// than a receipt names.
pub const MAX_TRACKED_RANGES_IN_ALL: usize = 16_384;
/// Boots remembered for a gateway; the lowest is forgotten for a new one. More than a receipt names:
/// a gateway that started often while it was cut off replays notes of every start, and each must be
/// named when it comes.
pub const MAX_TRACKED_BOOTS: usize = 1_024;
const STATE_VERSION: u8 = 1;

/// The receipts of all gateways.
#[derive(Debug, Default)]
pub struct Receipts {
    cells: Mutex<HashMap<Arc<str>, Arc<Cell>>>,
    caught_up: AtomicBool,
}

/// One gateway's receipt.
#[derive(Debug, Default)]
pub struct Cell {
    version: AtomicU64,
    state: Mutex<State>,
    keys: Mutex<String>,
}

#[derive(Debug, Default)]
struct State {
    tracker: Tracker,
    head: Option<wire::Head>,
}

/// The sequence numbers of one gateway that are on disk.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    boots: BTreeMap<u64, Boot>,
    /// The boots heard of last, newest word first; what a receipt names besides the highest.
    recent: Vec<u64>,
}

impl PartialEq for Tracker {
    fn eq(&self, other: &Tracker) -> bool {
        self.boots == other.boots
    }
}

impl Eq for Tracker {}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Boot {
    upto: u64,
    /// Rising, apart from each other and from `upto` by at least one number.
    also: Vec<(u64, u64)>,
}

/// The bytes are not a tracker's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("receipt state is damaged or of another version")]
pub struct BadState;

impl Receipts {
    /// A hub that knows nothing and publishes nothing yet.
    #[must_use]
    pub fn new() -> Arc<Receipts> {
        Arc::default()
    }

    /// The cell of a gateway, made if it is new.
    #[must_use]
    pub fn cell(&self, gateway: &str) -> Arc<Cell> {
        let mut cells = lock(&self.cells);
        if let Some(cell) = cells.get(gateway) {
            return Arc::clone(cell);
        }
        let cell = Arc::<Cell>::default();
        cells.insert(Arc::from(gateway), Arc::clone(&cell));
        cell
    }

    /// Notes everything a synced entry carries. Called by the committer's sink, before the acks.
    pub fn committed(&self, decoded: &Decoded) {
        for run in &decoded.sequences {
            self.note_run(run);
        }
    }

    /// Notes one number as on disk.
    pub fn note(&self, gateway: &str, boot: u64, seq: u64) {
        self.cell(gateway).note(boot, seq, seq);
    }

    /// Notes a run of numbers as on disk.
    pub fn note_run(&self, run: &SequenceRun) {
        self.cell(&run.gateway).note(run.boot, run.first, run.last);
    }

    /// Puts a stored state in place, at start-up before the replay.
    pub fn restore(&self, gateway: &str, tracker: Tracker) {
        let cell = self.cell(gateway);
        lock(&cell.state).tracker = tracker;
        cell.version.fetch_add(1, Ordering::Release);
    }

    /// Tells which head of its society's journal a gateway's next receipts carry.
    pub fn set_head(&self, gateway: &str, head: wire::Head) {
        lock(&self.cell(gateway).state).head = Some(head);
    }

    /// Tells which keys are believed of a gateway: the daemon's answer to an enrolment.
    pub fn set_keys(&self, gateway: &str, keys: impl Iterator<Item = wire::Fingerprint>) {
        let mut text = [0; wire::enrol::MAX_KNOWN_BYTES];
        let used = wire::enrol::write_known(&mut text, keys).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[..used]).into_owned();
        let cell = self.cell(gateway);
        if lock(&cell.keys).is_empty() && text == "{\"keys\":[]}" {
            return;
        }
        if std::mem::replace(&mut *lock(&cell.keys), text.clone()) != text {
            cell.version.fetch_add(1, Ordering::Release);
        }
    }

    /// The replay has reached the end of every journal: receipts may go out.
    pub fn caught_up(&self) {
        self.caught_up.store(true, Ordering::Release);
    }

    /// Whether receipts may go out.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Acquire)
    }

    /// The receipt of a gateway; `None` before [`Receipts::caught_up`].
    #[must_use]
    pub fn current(&self, gateway: &str) -> Option<String> {
        self.is_caught_up().then(|| self.cell(gateway).text())
    }

    /// Every gateway's state, for the store to keep beside the journal position it belongs to.
    #[must_use]
    pub fn states(&self) -> Vec<(Arc<str>, Vec<u8>)> {
        let cells: Vec<_> = lock(&self.cells)
            .iter()
            .map(|(id, cell)| (Arc::clone(id), Arc::clone(cell)))
            .collect();
        cells
            .into_iter()
            .map(|(id, cell)| (id, lock(&cell.state).tracker.to_bytes()))
            .collect()
    }
}

impl Cell {
    /// A number that moves whenever the receipt would say something else.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The receipt as published.
    #[must_use]
    pub fn text(&self) -> String {
        let state = lock(&self.state);
        state.tracker.receipt(state.head).to_string()
    }

    /// Whether there is anything to say about keys.
    pub(crate) fn names_keys(&self) -> bool {
        !lock(&self.keys).is_empty()
    }

    /// Which keys are believed, as published.
    #[must_use]
    pub fn keys(&self) -> String {
        match &*lock(&self.keys) {
            none if none.is_empty() => "{\"keys\":[]}".to_owned(),
            some => some.clone(),
        }
    }

    /// A copy of what is tracked.
    #[must_use]
    pub fn tracker(&self) -> Tracker {
        lock(&self.state).tracker.clone()
    }

    fn note(&self, boot: u64, first: u64, last: u64) {
        if lock(&self.state).tracker.note(boot, first, last) {
            self.version.fetch_add(1, Ordering::Release);
        }
    }
}

impl Tracker {
    /// Notes `first..=last` of a boot as on disk; whether anything is new. Numbers start at 1; what
    /// a gateway numbers 0 is receipted by the boot's entry alone, whose `upto` is 0 or more.
    pub fn note(&mut self, boot: u64, first: u64, last: u64) -> bool {
        let is_new = !self.boots.contains_key(&boot);
        if is_new && self.boots.len() >= MAX_TRACKED_BOOTS {
            match self.boots.first_key_value() {
                Some((&lowest, _)) if lowest < boot => self.boots.remove(&lowest),
                _ => return false,
            };
        }
        let many = self.boots.len() > wire::MAX_BOOTS;
        let full = many
            && self
                .boots
                .values()
                .map(|boot| boot.also.len())
                .sum::<usize>()
                >= MAX_TRACKED_RANGES_IN_ALL;
        let entry = self.boots.entry(boot).or_default();
        let says_more = match last {
            0 => is_new,
            _ if full && first > entry.upto.saturating_add(1) => false,
            _ => entry.note(first.max(1), last),
        };
        self.touch(boot) || says_more
    }

    /// A boot was heard of; whether it was not among the recent ones.
    fn touch(&mut self, boot: u64) -> bool {
        let before = self.recent.iter().position(|&recent| recent == boot);
        if before != Some(0) {
            match before {
                Some(place) => drop(self.recent.remove(place)),
                None => self.recent.truncate(wire::MAX_BOOTS - 1),
            }
            self.recent.insert(0, boot);
        }
        before.is_none()
    }

    /// The boots that a receipt names: the highest, by which a gateway knows what is missing after
    /// it, and those heard of last.
    fn named(&self) -> std::collections::BTreeSet<u64> {
        let highest = self.boots.keys().next_back();
        let recent = self
            .recent
            .iter()
            .filter(|boot| self.boots.contains_key(boot));
        let older = self.boots.keys().rev();
        let mut named = std::collections::BTreeSet::new();
        for &boot in highest.into_iter().chain(recent).chain(older) {
            if named.len() == wire::MAX_BOOTS {
                break;
            }
            named.insert(boot);
        }
        named
    }

    /// Whether a number is on disk.
    #[must_use]
    pub fn covers(&self, boot: u64, seq: u64) -> bool {
        self.boots.get(&boot).is_some_and(|b| {
            seq <= b.upto || b.also.iter().any(|&(from, to)| (from..=to).contains(&seq))
        })
    }

    /// The receipt. Where its limits leave ranges out, the newest boot's lowest come first.
    #[must_use]
    pub fn receipt(&self, head: Option<wire::Head>) -> wire::Receipt {
        let mut room = wire::MAX_RANGES;
        let mut shares = Vec::with_capacity(self.boots.len());
        for number in self.named().into_iter().rev() {
            let Some(boot) = self.boots.get(&number) else {
                continue;
            };
            let share = boot.also.len().min(room);
            room -= share;
            shares.push((number, boot, share));
        }
        let mut receipt = wire::Receipt::new(head);
        for (number, boot, share) in shares.into_iter().rev() {
            let done = wire::Done {
                boot: number,
                upto: boot.upto,
                also: boot.also.get(..share).unwrap_or(&[]),
            };
            // Within the limits and rising by construction; left out it would only say less.
            let fits = receipt.push(done);
            debug_assert_eq!(fits, Ok(()));
        }
        receipt
    }

    /// The state as bytes: version, then per boot its number, `upto`, the count of ranges and the
    /// ranges, all little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![STATE_VERSION];
        for (number, boot) in &self.boots {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&boot.upto.to_le_bytes());
            let ranges = u32::try_from(boot.also.len()).unwrap_or(0);
            bytes.extend_from_slice(&ranges.to_le_bytes());
            for (from, to) in &boot.also {
                bytes.extend_from_slice(&from.to_le_bytes());
                bytes.extend_from_slice(&to.to_le_bytes());
            }
        }
        bytes
    }

    /// The state from bytes.
    ///
    /// # Errors
    /// [`BadState`] for anything [`Tracker::to_bytes`] would not have written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Tracker, BadState> {
        let mut rest = bytes.strip_prefix(&[STATE_VERSION]).ok_or(BadState)?;
        let mut tracker = Tracker::default();
        let next_u64 = |rest: &mut &[u8]| -> Result<u64, BadState> {
            let (head, tail) = rest.split_first_chunk::<8>().ok_or(BadState)?;
            *rest = tail;
            Ok(u64::from_le_bytes(*head))
        };
        while !rest.is_empty() {
            let number = next_u64(&mut rest)?;
            let upto = next_u64(&mut rest)?;
            let (count, tail) = rest.split_first_chunk::<4>().ok_or(BadState)?;
            rest = tail;
            let count = u32::from_le_bytes(*count) as usize;
            if count > MAX_TRACKED_RANGES {
                return Err(BadState);
            }
            let mut boot = Boot {
                upto,
                also: Vec::with_capacity(count),
            };
            let mut below = upto;
            for _ in 0..count {
                let (from, to) = (next_u64(&mut rest)?, next_u64(&mut rest)?);
                if from > to || from - u64::from(from > 0) <= below {
                    return Err(BadState);
                }
                boot.also.push((from, to));
                below = to;
            }
            let rises = tracker
                .boots
                .last_key_value()
                .is_none_or(|(&b, _)| b < number);
            if !rises || tracker.boots.len() == MAX_TRACKED_BOOTS {
                return Err(BadState);
            }
            tracker.boots.insert(number, boot);
        }
        Ok(tracker)
    }
}

impl Boot {
    fn note(&mut self, first: u64, last: u64) -> bool {
        if first > last || last <= self.upto {
            return false;
        }
        if first <= self.upto.saturating_add(1) {
            self.upto = last;
            let swallowed = self
                .also
                .iter()
                .take_while(|&&(from, _)| from <= self.upto.saturating_add(1))
                .count();
            if let Some(&(_, to)) = self.also[..swallowed].last() {
                self.upto = self.upto.max(to);
            }
            self.also.drain(..swallowed);
            return true;
        }
        // The ranges that touch or overlap the new one: start..end.
        let start = self
            .also
            .partition_point(|&(_, to)| to.saturating_add(1) < first);
        let end = self
            .also
            .partition_point(|&(from, _)| from <= last.saturating_add(1));
        if start == end {
            if self.also.len() == MAX_TRACKED_RANGES {
                return false;
            }
            self.also.insert(start, (first, last));
            return true;
        }
        let merged = (
            self.also[start].0.min(first),
            self.also[end - 1].1.max(last),
        );
        if end - start == 1 && merged == self.also[start] {
            return false;
        }
        self.also.splice(start..end, [merged]);
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn live_reads_overtake_a_replay_and_are_joined_when_it_catches_up() {
        let hub = Receipts::new();
        for seq in [1, 2, 3, 10, 11, 20] {
            hub.note("elmore-1", 7, seq);
        }
        assert_eq!(hub.current("elmore-1"), None, "withheld until caught up");
        hub.caught_up();
        let says = |text: &str| assert_eq!(hub.current("elmore-1").as_deref(), Some(text));
        says(r#"{"done":[{"boot":7,"upto":3,"also":[[10,11],[20,20]]}],"head":""}"#);
        hub.note_run(&SequenceRun {
            gateway: Arc::from("elmore-1"),
            boot: 7,
            first: 4,
            last: 9,
        });
        says(r#"{"done":[{"boot":7,"upto":11,"also":[[20,20]]}],"head":""}"#);
    }

    #[test]
    fn a_gateway_that_started_often_while_cut_off_has_every_start_named_when_it_replays() {
        let mut tracker = Tracker::default();
        tracker.note(300, 1, 9);
        for boot in 1..=300 {
            tracker.note(boot, 1, 4);
            let receipt = tracker.receipt(None);
            assert!(receipt.covers(boot, 4), "boot {boot}");
            assert!(receipt.covers(300, 9), "and the highest with it");
        }
        assert!(
            tracker.note(7, 1, 4),
            "what comes again is named again although it is not new"
        );
        assert!(tracker.receipt(None).covers(7, 4));
    }

    #[test]
    fn version_moves_only_when_the_receipt_does() {
        let hub = Receipts::new();
        let cell = hub.cell("elmore-1");
        hub.note("elmore-1", 1, 1);
        let version = cell.version();
        hub.note("elmore-1", 1, 1);
        assert_eq!(cell.version(), version);
        hub.note("elmore-1", 1, 3);
        assert_ne!(cell.version(), version);
    }

    #[test]
    fn beyond_its_limits_the_tracker_says_less_never_more() {
        let mut tracker = Tracker::default();
        for n in 0..3_000 {
            tracker.note(1, 2 + 2 * n, 2 + 2 * n);
        }
        assert!(tracker.covers(1, 2) && !tracker.covers(1, 5_000));
        assert_eq!(
            tracker.receipt(None).done().next().unwrap().also.len(),
            wire::MAX_RANGES
        );
        let newest = MAX_TRACKED_BOOTS as u64 + 1;
        for boot in 2..=newest {
            tracker.note(boot, 1, 1);
        }
        assert!(!tracker.covers(1, 2) && tracker.covers(newest, 1));
        assert!(
            !tracker.note(1, 1, 1),
            "an older boot does not push out a newer one"
        );
    }

    proptest::proptest! {
        #[test]
        fn tracker_covers_exactly_what_was_noted(
            runs in proptest::collection::vec((1_u64..4, 1_u64..120, 0_u64..9), 0..80),
        ) {
            let mut tracker = Tracker::default();
            let mut noted = BTreeSet::new();
            for (boot, first, more) in runs {
                let fresh = (first..=first + more).any(|seq| !noted.contains(&(boot, seq)));
                proptest::prop_assert_eq!(tracker.note(boot, first, first + more), fresh);
                noted.extend((first..=first + more).map(|seq| (boot, seq)));
            }
            for boot in 1..4 {
                for seq in 1..140 {
                    proptest::prop_assert_eq!(tracker.covers(boot, seq), noted.contains(&(boot, seq)));
                }
            }
            let text = tracker.receipt(None).to_string();
            proptest::prop_assert!(wire::Receipt::parse(text.as_bytes()).is_ok(), "{}", text);
            let bytes = tracker.to_bytes();
            proptest::prop_assert_eq!(Tracker::from_bytes(&bytes), Ok(tracker));
            for cut in 1..bytes.len().min(40) {
                let _ = Tracker::from_bytes(&bytes[..bytes.len() - cut]);
            }
        }
    }
}
