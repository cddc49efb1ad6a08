//! What gateways ask and show about their keys, apart from their reads: enrolments, and notes that
//! tell of a clone.
//!
//! The committer's sink only looks ([`Seen::look`]); what has to be decided goes to one thread, so
//! that the sink never waits for itself. Two notes of one (gateway, boot, sequence) and different bytes
//! are two gateways with one key; what is not believed and comes under such a name is told like that,
//! and never takes a name itself. Every note names the one before it, so that what is missing shows
//! ([`Seen::links`]). The first bytes of the hashes of a gateway's last notes are
//! remembered, at least [`NOTES_LEAST`] of each and [`NOTES_IN_ALL`] of all as long as there are not
//! more gateways than that allows; at start the end of every journal is read for them
//! ([`RECORDS_AT_START`]). A clone that shows itself later than that is still seen by the reads: two
//! values at one instant are held for a person.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, Weak, mpsc},
    time::Duration,
};

use domain::calendar::Instant;
use ingest::Metrics;
use records::{
    Decoded, KIND_MESSAGE,
    decode::replay,
    decoded::{EnrolmentAsked, NamedNote},
    devices::Devices,
    directory::Directory,
    message::PROVED_VERSION,
};

use crate::clock::Clock;
use office::{
    MAX_WRONG_CODES, Office,
    gateways::{Clone, Links},
};

/// Notes remembered of one gateway, at least.
pub const NOTES_LEAST: usize = 64;
/// Notes remembered of one gateway, at most.
pub const NOTES_MOST: usize = 16_384;
/// Notes remembered of all gateways together.
pub const NOTES_IN_ALL: usize = 1 << 20;
/// Records read back of each journal at start.
pub const RECORDS_AT_START: u64 = 100_000;
/// Requests that may wait; what is beyond comes again or is told by the next.
const WAITING: usize = 4_096;

/// Something for the thread to do.
enum Work {
    Asked(EnrolmentAsked),
    Cloned(Clone),
    Doubted { gateway: Arc<str>, reason: Box<str> },
    WrongCode { gateway: Arc<str> },
}

/// Looks at what is on disk and hands on what must be decided.
pub struct Seen {
    notes: Mutex<Remembered>,
    work: mpsc::SyncSender<Work>,
}

/// The other end.
pub struct KeyDesk(mpsc::Receiver<Work>);

/// The last notes of every gateway.
#[derive(Default)]
struct Remembered(HashMap<Arc<str>, Notes>);

/// The last notes of one gateway.
#[derive(Default)]
struct Notes {
    /// By boot and number.
    by_name: BTreeMap<(u64, u64), Known>,
    /// Numbers that a note says were given up: boot, first, last.
    lost: VecDeque<(u64, u64, u64)>,
    /// Names up to here were forgotten for want of room.
    forgotten: Option<(u64, u64)>,
}

/// What is remembered of a note: first bytes of hashes.
struct Known {
    link: [u8; 16],
    prev: Option<[u8; 16]>,
}

/// Loss records remembered of one gateway.
const LOSSES: usize = 256;

/// A look and its desk.
pub fn desk() -> (Arc<Seen>, KeyDesk) {
    let (work, waiting) = mpsc::sync_channel(WAITING);
    let seen = Seen {
        notes: Mutex::default(),
        work,
    };
    (Arc::new(seen), KeyDesk(waiting))
}

impl Seen {
    /// Looks at what a group of the journal said. Never waits.
    pub fn look(&self, decoded: &Decoded) {
        if !decoded.notes.is_empty() {
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            for note in &decoded.notes {
                if let Some(first) = notes.differing(note) {
                    let _ = self.work.try_send(Work::Cloned(Clone {
                        gateway: note.gateway.to_string(),
                        boot: note.boot,
                        seq: note.seq,
                        first,
                        second: note.link,
                        proof: note.proof,
                    }));
                }
            }
        }
        for doubt in &decoded.doubts {
            let _ = self.work.try_send(Work::Doubted {
                gateway: Arc::clone(&doubt.gateway),
                reason: doubt.reason.clone(),
            });
        }
        for asked in &decoded.enrolments {
            let _ = self.work.try_send(Work::Asked(asked.clone()));
        }
    }

    /// Somebody showed a wrong one-time code in a gateway's name. Never waits.
    pub fn wrong_code(&self, gateway: &Arc<str>) {
        let gateway = Arc::clone(gateway);
        let _ = self.work.try_send(Work::WrongCode { gateway });
    }

    /// How the last notes of a gateway hang together.
    pub fn links(&self, gateway: &str) -> Links {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.0.get(gateway).map(Notes::links).unwrap_or_default()
    }

    /// Reads the end of every journal for the notes that came before the start.
    fn remember(&self, office: &Office) {
        for society in office.societies() {
            let reader = society.committer().reader();
            let from = reader.size().saturating_sub(RECORDS_AT_START);
            let (directory, devices) = (Directory::default(), Devices::default());
            for batch in reader.batches_ahead(from) {
                let Ok(batch) = batch else { return };
                let mut decoded = Decoded::default();
                for record in batch.iter() {
                    if record.bytes.starts_with(&[KIND_MESSAGE, PROVED_VERSION]) {
                        let _ = replay(record.bytes, 0, &directory, &devices, &mut decoded);
                    }
                }
                // Doubts and requests of that time have been dealt with.
                decoded.doubts.clear();
                decoded.enrolments.clear();
                self.look(&decoded);
            }
        }
    }
}

impl KeyDesk {
    /// Works until the office is closed.
    pub fn open(
        self,
        office: &Arc<Office>,
        seen: &Arc<Seen>,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> std::io::Result<()> {
        let (office, seen) = (Arc::downgrade(office), Arc::downgrade(seen));
        std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || self.run(&office, &seen, &metrics, &clock))
            .map(|_| ())
    }

    fn run(&self, office: &Weak<Office>, seen: &Weak<Seen>, metrics: &Metrics, clock: &Clock) {
        if let (Some(office), Some(seen)) = (office.upgrade(), seen.upgrade()) {
            seen.remember(&office);
        }
        loop {
            let work = match self.0.recv_timeout(Duration::from_secs(1)) {
                Ok(work) => Some(work),
                Err(mpsc::RecvTimeoutError::Timeout) => None,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let Some(office) = office.upgrade() else {
                return;
            };
            if let Some(work) = work {
                settle(&office, work, metrics, clock.now());
            }
        }
    }
}

fn settle(office: &Office, work: Work, metrics: &Metrics, now: Instant) {
    match work {
        Work::Asked(asked) => {
            match office.gateway_asks(&asked.gateway, &asked.payload, asked.received) {
                Ok(()) => {
                    tracing::info!(gateway = &*asked.gateway, "the gateway's key is believed");
                }
                Err(why) => {
                    tracing::warn!(gateway = &*asked.gateway, %why, "a key was not enrolled");
                }
            }
        }
        Work::Cloned(clone) => match office.gateway_cloned(&clone, now) {
            Ok(true) => {
                metrics.clones.add(1);
                if clone.proof.is_believed() {
                    tracing::error!(
                        gateway = clone.gateway,
                        boot = clone.boot,
                        seq = clone.seq,
                        "two different notes have one number: two gateways have this key; both notes are kept"
                    );
                } else {
                    tracing::warn!(
                        gateway = clone.gateway,
                        boot = clone.boot,
                        seq = clone.seq,
                        why = clone.proof.doubt().unwrap_or_default(),
                        "something else came under the number of a signed note: it does not count"
                    );
                }
            }
            Ok(false) => {}
            Err(why) => {
                tracing::error!(gateway = clone.gateway, %why, "a clone could not be put down");
            }
        },
        Work::WrongCode { gateway } => match office.gateway_wrong_code(&gateway, now) {
            Ok(Some((count, ended))) => {
                metrics.wrong_codes.add(1);
                tracing::warn!(
                    gateway = &*gateway,
                    count,
                    most = MAX_WRONG_CODES,
                    ended,
                    "a wrong one-time code was shown"
                );
            }
            Ok(None) => {}
            Err(why) => tracing::error!(gateway = &*gateway, %why, "a wrong code was not counted"),
        },
        Work::Doubted { gateway, reason } => office.gateway_doubted(&gateway, &reason),
    }
}

impl Remembered {
    /// The hash of another note of the same name, if there was one. A new name is remembered when
    /// its note is believed.
    fn differing(&mut self, note: &NamedNote) -> Option<[u8; 16]> {
        let gateways = self.0.len().max(1);
        let share = (NOTES_IN_ALL / gateways).clamp(NOTES_LEAST, NOTES_MOST);
        let name = (note.boot, note.seq);
        let notes = match self.0.get_mut(&note.gateway) {
            Some(notes) => notes,
            None if note.proof.is_believed() => {
                self.0.entry(Arc::clone(&note.gateway)).or_default()
            }
            None => return None,
        };
        if let Some(known) = notes.by_name.get(&name) {
            return (known.link != note.link).then_some(known.link);
        }
        if note.proof.is_believed() {
            notes.take(note, share);
        }
        None
    }
}

impl Notes {
    fn take(&mut self, note: &NamedNote, share: usize) {
        let known = Known {
            link: note.link,
            prev: note.prev,
        };
        self.by_name.insert((note.boot, note.seq), known);
        self.lost.extend(&note.lost);
        while self.lost.len() > LOSSES {
            self.lost.pop_front();
        }
        while self.by_name.len() > share {
            if let Some((name, _)) = self.by_name.pop_first() {
                self.forgotten = self.forgotten.max(Some(name));
            }
        }
    }

    /// Looks at every note that is not the first of its start: its predecessor must be here, or
    /// said to be lost, or older than what is remembered.
    fn links(&self) -> Links {
        let mut links = Links::default();
        let oldest = self.by_name.keys().next();
        for (name @ (boot, seq), known) in &self.by_name {
            let (Some(prev), Some(before)) = (known.prev, seq.checked_sub(1)) else {
                continue;
            };
            if before == 0 || Some(name) == oldest || self.forgotten >= Some((*boot, before)) {
                continue;
            }
            match self.by_name.get(&(*boot, before)) {
                Some(other) if other.link == prev => {}
                Some(_) => {
                    links.broken += 1;
                    links.first_broken.get_or_insert(*name);
                }
                None => {
                    let is_lost = self
                        .lost
                        .iter()
                        .any(|(of, first, last)| of == boot && (*first..=*last).contains(&before));
                    if !is_lost {
                        links.missing += 1;
                        links.first_missing.get_or_insert(*name);
                    }
                }
            }
        }
        links
    }
}

#[cfg(test)]
mod tests {
    use records::proof::Proof;

    use super::*;

    fn note(boot: u64, seq: u64, link: u8) -> NamedNote {
        NamedNote {
            gateway: Arc::from("g1"),
            boot,
            seq,
            link: [link; 16],
            prev: None,
            lost: Box::default(),
            proof: Proof::Signed,
        }
    }

    #[test]
    fn one_number_with_other_bytes_is_a_clone_and_a_repetition_is_none() {
        let mut notes = Remembered::default();
        assert_eq!(notes.differing(&note(1, 1, 7)), None);
        assert_eq!(notes.differing(&note(1, 2, 8)), None);
        assert_eq!(notes.differing(&note(1, 1, 7)), None);
        assert_eq!(notes.differing(&note(1, 1, 9)), Some([7; 16]));
        assert_eq!(notes.differing(&note(2, 1, 9)), None);
    }

    #[test]
    fn what_is_not_believed_is_told_under_a_used_number_and_takes_none() {
        let mut notes = Remembered::default();
        let unsigned = |seq, link| NamedNote {
            proof: Proof::Missing,
            ..note(1, seq, link)
        };
        assert_eq!(notes.differing(&unsigned(1, 9)), None);
        assert_eq!(notes.differing(&note(1, 1, 7)), None);
        assert_eq!(notes.differing(&unsigned(1, 9)), Some([7; 16]));
        assert_eq!(notes.differing(&unsigned(2, 9)), None);
        assert_eq!(notes.differing(&note(1, 2, 8)), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut notes = Remembered::default();
        for seq in 0..NOTES_MOST as u64 + 100 {
            notes.differing(&note(1, seq, 1));
        }
        assert_eq!(notes.0["g1"].by_name.len(), NOTES_MOST);
    }

    #[test]
    fn a_missing_link_shows_and_a_loss_or_a_start_explains_it() {
        let mut notes = Remembered::default();
        let after = |boot, seq, link, prev| NamedNote {
            prev: Some([prev; 16]),
            ..note(boot, seq, link)
        };
        notes.differing(&after(1, 5, 5, 4));
        notes.differing(&after(1, 6, 6, 5));
        assert_eq!(notes.0["g1"].links(), Links::default());
        // A start: what came before it may be anything.
        notes.differing(&after(2, 1, 21, 99));
        assert_eq!(notes.0["g1"].links(), Links::default());
        // Live reads overtake: 2 and 3 may still come, and when they have, all is well.
        notes.differing(&after(2, 4, 24, 23));
        let links = notes.0["g1"].links();
        assert_eq!((links.missing, links.first_missing), (1, Some((2, 4))));
        notes.differing(&after(2, 2, 22, 21));
        notes.differing(&after(2, 3, 23, 22));
        assert_eq!(notes.0["g1"].links(), Links::default());
        // Given up and said so.
        let lost = NamedNote {
            lost: [(2, 5, 8)].into(),
            ..after(2, 9, 29, 28)
        };
        notes.differing(&lost);
        assert_eq!(notes.0["g1"].links(), Links::default());
        // Another history.
        notes.differing(&after(2, 10, 30, 77));
        let links = notes.0["g1"].links();
        assert_eq!((links.broken, links.first_broken), (1, Some((2, 10))));
        assert_eq!(links.missing, 0);
    }
}
