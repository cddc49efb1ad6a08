//! A session against a link and a daemon that fail in every way the design names.

use bridge::{
    note::NoteId,
    session::{Limits, Session},
};
use bytes::Bytes;
use proptest::prelude::*;
use wire::Receipt;

use crate::support::{Daemon, at, read};

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Reads(u8),
    Wait(u16),
    Connect(u16),
    Disconnect,
    /// Publish up to so many notes, each with this fate.
    Publish(u8, Fate),
    /// The daemon's newest receipt arrives.
    Receipt,
    /// An old receipt arrives late: the n-th before the newest.
    StaleReceipt(u8),
    /// The daemon is copied, and later restored from the copy.
    Copy,
    Restore,
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives,
    ArrivesTwice,
    ArrivesWithoutPuback,
    ArrivesLate,
    LostByTheBroker,
    Lost,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fate = prop_oneof![
        6 => Just(Fate::Arrives),
        1 => Just(Fate::ArrivesTwice),
        1 => Just(Fate::ArrivesWithoutPuback),
        1 => Just(Fate::ArrivesLate),
        1 => Just(Fate::LostByTheBroker),
        1 => Just(Fate::Lost),
    ];
    let step = prop_oneof![
        5 => (1u8..20).prop_map(Step::Reads),
        4 => (0u16..30_000).prop_map(Step::Wait),
        2 => (0u16..3_000).prop_map(Step::Connect),
        1 => Just(Step::Disconnect),
        8 => (1u8..30, fate).prop_map(|(n, fate)| Step::Publish(n, fate)),
        3 => Just(Step::Receipt),
        1 => (0u8..10).prop_map(Step::StaleReceipt),
        1 => Just(Step::Copy),
        1 => Just(Step::Restore),
    ];
    proptest::collection::vec(step, 1..120)
}

struct World {
    session: Session,
    daemon: Daemon,
    copy: Daemon,
    receipts: Vec<Receipt>,
    late: Vec<Bytes>,
    now_ms: u64,
    made: u64,
}

impl World {
    fn new(limits: Limits) -> Self {
        World {
            session: Session::new(1, limits),
            daemon: Daemon::default(),
            copy: Daemon::default(),
            receipts: Vec::new(),
            late: Vec::new(),
            now_ms: 0,
            made: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Reads(count) => {
                for _ in 0..count {
                    self.made += 1;
                    let meter = ["E1", "E2"][usize::from(self.made.is_multiple_of(3))];
                    self.session.read(read(meter, self.made), at(self.now_ms));
                }
            }
            Step::Wait(ms) => {
                self.now_ms += u64::from(ms);
                for payload in std::mem::take(&mut self.late) {
                    self.daemon.take(&payload);
                }
            }
            Step::Connect(jitter) => self.session.connected(jitter.into(), at(self.now_ms)),
            Step::Disconnect => self.session.disconnected(),
            Step::Publish(count, fate) => self.publish(count.into(), fate),
            Step::Receipt => {
                let receipt = self.daemon.receipt();
                self.session.receipt(&receipt, at(self.now_ms));
                self.receipts.push(receipt);
            }
            Step::StaleReceipt(back) => {
                if let Some(old) = self.receipts.iter().rev().nth(back.into()) {
                    self.session.receipt(old, at(self.now_ms));
                }
            }
            Step::Copy => self.copy = self.daemon.clone(),
            Step::Restore => self.daemon = self.copy.clone(),
        }
    }

    fn publish(&mut self, most: usize, fate: Fate) {
        for _ in 0..most {
            let Some(sent) = self.session.poll(at(self.now_ms)) else {
                return;
            };
            match fate {
                Fate::Arrives | Fate::ArrivesWithoutPuback => self.daemon.take(&sent.payload),
                Fate::ArrivesTwice => {
                    self.daemon.take(&sent.payload);
                    self.daemon.take(&sent.payload);
                }
                Fate::ArrivesLate => self.late.push(sent.payload),
                Fate::LostByTheBroker | Fate::Lost => {}
            }
            if !matches!(fate, Fate::ArrivesWithoutPuback | Fate::Lost) {
                self.session.transported(sent.id, at(self.now_ms));
            }
        }
    }

    /// The weather clears: the link holds and the daemon says every half minute what it has; but the
    /// broker has just taken three notes and lost them.
    fn settle(&mut self) {
        self.take(Step::Connect(0));
        self.publish(3, Fate::LostByTheBroker);
        for _ in 0..1_000 {
            self.take(Step::Wait(30_000));
            self.publish(100, Fate::Arrives);
            self.take(Step::Receipt);
            if self.session.all_receipted() {
                return;
            }
        }
        panic!("not all receipted: {:?}", self.session.standing());
    }
}

fn cases() -> u32 {
    let asked = std::env::var("COMMONWATT_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_read_reaches_the_daemon_exactly_once(steps in steps(), per_note in 1usize..8) {
        let limits = Limits { reads_per_note: per_note, ..Limits::default() };
        let mut world = World::new(limits);
        for step in steps {
            world.take(step);
        }
        world.settle();
        let mut held: Vec<i64> = world.daemon.reads().iter().map(|read| read.wh).collect();
        held.sort_unstable();
        let made: Vec<i64> = (1..=i64::try_from(world.made).unwrap()).collect();
        prop_assert_eq!(held, made);
        let seqs: Vec<NoteId> = world.daemon.notes().collect();
        let gapless = (1..).map(|seq| NoteId { boot: 1, seq }).zip(&seqs).all(|(a, b)| a == *b);
        prop_assert!(gapless, "sequence has a gap: {:?}", seqs);
        prop_assert_eq!(world.session.standing().lost_notes, 0);
    }
    #[test]
    fn what_a_small_backlog_loses_is_counted_and_never_a_last_read(
        steps in steps(), per_note in 1usize..8, backlog_bytes in 300u64..3_000,
    ) {
        let limits = Limits { reads_per_note: per_note, backlog_bytes, ..Limits::default() };
        let mut world = World::new(limits);
        for step in steps {
            // What was named and has left the ring is gone when the daemon loses it too.
            if !matches!(step, Step::Restore) {
                world.take(step);
                // The limit, and a note with its losses for each of the two registers.
                prop_assert!(world.session.standing().bytes <= backlog_bytes + 8_000);
            }
        }
        world.settle();
        let mut held: Vec<i64> = world.daemon.reads().iter().map(|read| read.wh).collect();
        held.sort_unstable();
        held.dedup();
        // A note may be given up although it had arrived: lost is what may be lost.
        prop_assert!(held.len() as u64 + world.session.standing().lost_reads >= world.made);
        let made = i64::try_from(world.made).unwrap();
        for last in [made - made % 3, made - i64::from(made % 3 == 0)] {
            prop_assert!(last <= 0 || held.contains(&last), "read {} of {}", last, made);
        }
    }
}
