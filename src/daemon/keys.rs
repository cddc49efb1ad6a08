//! What gateways ask and show about their keys, apart from their reads: enrolments, and notes that
//! tell of a clone.
//!
//! The committer's sink only looks ([`Seen::look`]); what has to be decided goes to one thread, so
//! that the sink never waits for itself. Two notes of one (gateway, boot, sequence) and different bytes
//! are two gateways with one key. The first bytes of the hashes of a gateway's last notes are
//! remembered, at least [`NOTES_LEAST`] of each and [`NOTES_IN_ALL`] of all as long as there are not
//! more gateways than that allows; at start the end of every journal is read for them
//! ([`RECORDS_AT_START`]). A clone that shows itself later than that is still seen by the reads: two
//! values at one instant are held for a person.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    sync::{Arc, Mutex, PoisonError, Weak, mpsc},
    time::Duration,
};

use domain::calendar::Instant;
use ingest::Metrics;
use records::{
    Decoded, KIND_MESSAGE,
    decode::replay,
    decoded::{EnrolmentAsked, SignedNote},
    devices::Devices,
    directory::Directory,
    message::PROVED_VERSION,
};

use crate::{
    clock::Clock,
    office::{Office, gateways::Clone},
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

/// First bytes of the hashes of notes by boot and number.
type Notes = BTreeMap<(u64, u64), [u8; 16]>;

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
                tracing::error!(
                    gateway = clone.gateway,
                    boot = clone.boot,
                    seq = clone.seq,
                    "two different notes have one number: two gateways have this key; both notes are kept"
                );
            }
            Ok(false) => {}
            Err(why) => {
                tracing::error!(gateway = clone.gateway, %why, "a clone could not be put down");
            }
        },
        Work::Doubted { gateway, reason } => office.gateway_doubted(&gateway, &reason),
    }
}

impl Remembered {
    /// The hash of another note of the same name, if there was one; a new name is remembered.
    fn differing(&mut self, note: &SignedNote) -> Option<[u8; 16]> {
        let gateways = self.0.len().max(1);
        let share = (NOTES_IN_ALL / gateways).clamp(NOTES_LEAST, NOTES_MOST);
        let notes = self.0.entry(Arc::clone(&note.gateway)).or_default();
        match notes.entry((note.boot, note.seq)) {
            Entry::Occupied(known) => (*known.get() != note.link).then_some(*known.get()),
            Entry::Vacant(place) => {
                place.insert(note.link);
                while notes.len() > share {
                    notes.pop_first();
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(boot: u64, seq: u64, link: u8) -> SignedNote {
        SignedNote {
            gateway: Arc::from("g1"),
            boot,
            seq,
            link: [link; 16],
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
    fn what_is_remembered_is_bounded() {
        let mut notes = Remembered::default();
        for seq in 0..NOTES_MOST as u64 + 100 {
            notes.differing(&note(1, seq, 1));
        }
        assert_eq!(notes.0["g1"].len(), NOTES_MOST);
    }
}
