//! Who is told what is on disk: the receipts of gateways.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant as Monotonic},
};

use ingest::{Receipts, Registry, receipts::Tracker, registry::Command};
use records::Decoded;

use super::keys::Seen;
use crate::clock::Clock;
use office::Watch;

/// Receipts go out only when the replay of every society has reached the end of its journal: a
/// receipt that went backwards would make gateways send everything again.
pub struct Gate {
    receipts: Arc<Receipts>,
    waiting: Mutex<BTreeSet<String>>,
    sealed: AtomicBool,
}

impl Gate {
    /// A gate before the receipts.
    pub fn new(receipts: Arc<Receipts>) -> Arc<Gate> {
        Arc::new(Gate {
            receipts,
            waiting: Mutex::default(),
            sealed: AtomicBool::new(false),
        })
    }

    fn wait_for(&self, society: &str) {
        if !self.sealed.load(Ordering::Acquire) {
            held(&self.waiting).insert(society.to_owned());
        }
    }

    fn done(&self, society: &str) {
        held(&self.waiting).remove(society);
        self.open_when_done();
    }

    /// Every society that was there at start has been opened.
    pub fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
        self.open_when_done();
    }

    fn open_when_done(&self) {
        if self.sealed.load(Ordering::Acquire) && held(&self.waiting).is_empty() {
            self.receipts.caught_up();
        }
    }
}

/// The watch of one society.
pub struct ReceiptWatch {
    society: String,
    receipts: Arc<Receipts>,
    gate: Arc<Gate>,
    gateways: Arc<RwLock<BTreeSet<String>>>,
    /// Gateways that the store or the journal named before the house entered any: what is stored in
    /// the middle of a replay must not leave them out.
    replayed: Mutex<BTreeSet<String>>,
    registry: Arc<Registry>,
    seen: Arc<Seen>,
    clock: Clock,
    warned: Mutex<Option<Monotonic>>,
}

impl ReceiptWatch {
    /// Watches a society; `gateways` is kept up to date by the house.
    pub fn new(
        society: &str,
        receipts: Arc<Receipts>,
        gate: Arc<Gate>,
        gateways: Arc<RwLock<BTreeSet<String>>>,
        registry: Arc<Registry>,
        seen: Arc<Seen>,
        clock: Clock,
    ) -> ReceiptWatch {
        gate.wait_for(society);
        ReceiptWatch {
            society: society.to_owned(),
            receipts,
            gate,
            gateways,
            replayed: Mutex::default(),
            registry,
            seen,
            clock,
            warned: Mutex::default(),
        }
    }
}

/// A society's messages that say nothing are logged at most so often.
const WARN_EVERY: Duration = Duration::from_secs(10);

impl ReceiptWatch {
    fn warn(&self, gateway: &str, why: &str) {
        let mut last = held(&self.warned);
        if last.is_none_or(|at: Monotonic| at.elapsed() >= WARN_EVERY) {
            *last = Some(Monotonic::now());
            tracing::warn!(
                society = self.society,
                gateway,
                why,
                "a message was kept and does not count"
            );
        }
    }
}

impl Watch for ReceiptWatch {
    fn ask_for_birth(&self, topic: &str) {
        let now = u64::try_from(self.clock.now().0).unwrap_or(0);
        self.registry.command(Command {
            topic: topic.to_owned(),
            payload: ingest::rebirth(now),
        });
    }

    fn committed(&self, decoded: &Decoded) {
        self.receipts.committed(decoded);
        self.seen.look(decoded);
        if let Some(doubt) = decoded.doubts.first() {
            self.warn(&doubt.gateway, &doubt.reason);
        }
        if let Some(message) = decoded.undecodable.first() {
            self.warn(&message.gateway, &message.reason);
        }
        if let Some(read) = decoded.unplaced.first() {
            let register = format!(
                "meter `{}` with register `{}` is not in the society file; its reads are kept and count once it is",
                read.meter, read.register
            );
            self.warn(&read.gateway, &register);
        }
    }

    fn restored(&self, receipts: Vec<(String, Vec<u8>)>) {
        for (gateway, bytes) in receipts {
            held(&self.replayed).insert(gateway.clone());
            match Tracker::from_bytes(&bytes) {
                Ok(tracker) => self.receipts.restore(&gateway, tracker),
                Err(error) => {
                    tracing::error!(gateway, %error, "a receipt cannot be read; `commonwatt rebuild` makes it again")
                }
            }
        }
    }

    fn replayed(&self, decoded: &Decoded) {
        let mut replayed = held(&self.replayed);
        for run in &decoded.sequences {
            if !replayed.contains(run.gateway.as_ref()) {
                replayed.insert(run.gateway.to_string());
            }
        }
        drop(replayed);
        self.receipts.committed(decoded);
    }

    fn caught_up(&self) {
        self.gate.done(&self.society);
    }

    fn receipts(&self) -> Vec<(String, Vec<u8>)> {
        let gateways = self.gateways.read().unwrap_or_else(PoisonError::into_inner);
        let replayed = held(&self.replayed);
        let own = |gateway: &str| gateways.contains(gateway) || replayed.contains(gateway);
        self.receipts
            .states()
            .into_iter()
            .filter(|(gateway, _)| own(gateway))
            .map(|(gateway, state)| (gateway.to_string(), state))
            .collect()
    }

    fn now(&self) -> domain::calendar::Instant {
        self.clock.now()
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use records::decoded::SequenceRun;

    use super::*;
    use crate::daemon::keys;

    #[test]
    fn what_is_stored_in_the_middle_of_a_replay_names_gateways_that_are_not_entered_yet() {
        let receipts = Receipts::new();
        let gate = Gate::new(Arc::clone(&receipts));
        let (seen, _desk) = keys::desk();
        let watch = |society: &str| {
            let (receipts, gate) = (Arc::clone(&receipts), Arc::clone(&gate));
            ReceiptWatch::new(
                society,
                receipts,
                gate,
                Arc::default(),
                Arc::default(),
                Arc::clone(&seen),
                Clock::system(),
            )
        };
        let (bes1, bes2) = (watch("bes1"), watch("bes2"));
        let mut before = Tracker::default();
        before.note(1, 1, 168);
        bes1.restored(vec![("elmore-1".to_owned(), before.to_bytes())]);
        let mut decoded = Decoded::default();
        decoded.sequences.push(SequenceRun {
            gateway: Arc::from("elmore-1"),
            boot: 1,
            first: 169,
            last: 184,
        });
        bes1.replayed(&decoded);
        let stored = bes1.receipts();
        let [(gateway, state)] = stored.as_slice() else {
            panic!("one gateway's state: {stored:?}");
        };
        assert_eq!(gateway, "elmore-1");
        assert!(Tracker::from_bytes(state).unwrap().covers(1, 184));
        assert!(bes2.receipts().is_empty(), "another society's gateway");
    }
}
