//! The protocol of a gateway without sockets, clock or threads.
//!
//! Register reads go in and are gathered into notes. A note is sent, sent again, and kept until a
//! receipt names it; a broker's PUBACK only frees a place in the window. After a reconnect every
//! note without a receipt is sent again in order, a few at a time, and notes made meanwhile go
//! first: the `also` ranges of the receipt make that harmless. A receipt that names less than an
//! earlier one (the daemon was restored from an older copy) puts what it no longer names back into
//! the queue; for that, named notes stay in a ring as long as there is room.
//!
//! The backlog is bounded by bytes ([`Limits::backlog_bytes`]) and lies in memory. When it is full,
//! named notes go first, oldest first; then notes without a receipt, oldest first, and each is
//! counted ([`Standing::lost_reads`]). The last read of every register is never among the loss: it is
//! put into a new note when its old one has to go, so that the energy of an outage is still known
//! as a whole when its detail is not. A lost note leaves a hole in the sequence; receipts go on
//! beyond it in `also`.
//!
//! The caller says when ([`Now`]), when the link comes and goes, and who this is the how-manieth
//! boot of. The session never asks for the time and never draws a random number.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry};

use bytes::Bytes;
use wire::Receipt;

use crate::{
    clock::Now,
    note::{self, MeterRead, NoteId},
};

/// The bounds of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A note is closed when it holds so many reads.
    pub reads_per_note: usize,
    /// A note is closed when its first read has waited so long, in ms.
    pub note_after_ms: u64,
    /// Notes that may wait for a PUBACK at once. Mosquitto takes 20 unless told otherwise.
    pub window: usize,
    /// How many of these may be a replay; the rest is kept free for notes made now.
    pub replay_window: usize,
    /// A note that a broker took but no receipt names is sent again after so long, in ms, once a
    /// later receipt shows that the daemon is there. Longer than the receipts' repetition (60 s).
    pub resend_after_ms: u64,
    /// Bytes of notes kept, named or not.
    pub backlog_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            reads_per_note: 30,
            note_after_ms: 1_000,
            window: 20,
            replay_window: 12,
            resend_after_ms: 90_000,
            backlog_bytes: 64 * 1024 * 1024,
        }
    }
}

/// A note to be published now, at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Its name.
    pub id: NoteId,
    /// Its bytes, the same at every sending.
    pub payload: Bytes,
}

/// How a session stands, for a status message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Notes that no receipt names yet.
    pub unreceipted: usize,
    /// Notes that a receipt names and that are still kept.
    pub ring: usize,
    /// Bytes of both.
    pub bytes: usize,
    /// Notes given up for want of room.
    pub lost_notes: u64,
    /// Reads in them, less those that were carried into a new note.
    pub lost_reads: u64,
    /// Notes that a receipt named and a later one did not.
    pub returned: u64,
}

/// The state of one gateway.
#[derive(Debug)]
pub struct Session {
    limits: Limits,
    boot: u64,
    next_seq: u64,
    connected: bool,
    /// The note being filled, and the tick of its first read.
    open: Vec<MeterRead>,
    open_since_ms: u64,
    /// Every note kept. Each name is in exactly one of `unreceipted` and `ring`.
    notes: BTreeMap<NoteId, Kept>,
    bytes: usize,
    unreceipted: BTreeSet<NoteId>,
    ring: BTreeSet<NoteId>,
    /// Where each register's last read lies.
    last: BTreeMap<(String, String), LastRead>,
    /// Notes to send: made on this connection, and older ones.
    live: VecDeque<NoteId>,
    replay: BTreeSet<NoteId>,
    replay_from_ms: u64,
    /// Notes sent that wait for a PUBACK, and notes that had one and wait for a receipt.
    flying: BTreeMap<NoteId, Lane>,
    carried: VecDeque<(u64, NoteId)>,
    standing: Standing,
}

#[derive(Debug)]
struct Kept {
    payload: Bytes,
    reads: usize,
    /// How many of the reads are followed by a later one of their register.
    superseded: usize,
}

#[derive(Clone, Copy, Debug)]
struct LastRead {
    at: jiff::Timestamp,
    note: NoteId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Live,
    Replay,
}

impl Session {
    /// A session of a gateway that starts for the `boot`-th time. The number must never be used
    /// twice by one gateway: together with the sequence it names a note for ever.
    pub fn new(boot: u64, limits: Limits) -> Self {
        Session {
            limits: Limits {
                reads_per_note: limits.reads_per_note.max(1),
                window: limits.window.max(2),
                replay_window: limits.replay_window.clamp(1, limits.window.max(2) - 1),
                ..limits
            },
            boot,
            next_seq: 1,
            connected: false,
            open: Vec::new(),
            open_since_ms: 0,
            notes: BTreeMap::new(),
            bytes: 0,
            unreceipted: BTreeSet::new(),
            ring: BTreeSet::new(),
            last: BTreeMap::new(),
            live: VecDeque::new(),
            replay: BTreeSet::new(),
            replay_from_ms: 0,
            flying: BTreeMap::new(),
            carried: VecDeque::new(),
            standing: Standing::default(),
        }
    }

    /// A meter was read.
    pub fn read(&mut self, read: MeterRead, now: Now) {
        if self.open.is_empty() {
            self.open_since_ms = now.tick_ms;
        }
        self.open.push(read);
        if self.open.len() >= self.limits.reads_per_note {
            self.close_note(now);
        }
    }

    /// The link is up and receipts are subscribed to. Everything without a receipt will be sent
    /// again, not before `replay_after_ms` from now: the caller draws that number, so that a
    /// thousand gateways do not replay at once when their broker returns.
    pub fn connected(&mut self, replay_after_ms: u64, now: Now) {
        self.disconnected();
        self.connected = true;
        self.replay = self.unreceipted.clone();
        self.replay_from_ms = now.tick_ms.saturating_add(replay_after_ms);
    }

    /// The link is down.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.live.clear();
        self.replay.clear();
        self.flying.clear();
        self.carried.clear();
    }

    /// A broker took a note: a place in the window is free again.
    pub fn transported(&mut self, id: NoteId, now: Now) {
        if self.flying.remove(&id).is_some() && self.unreceipted.contains(&id) {
            self.carried.push_back((now.tick_ms, id));
        }
    }

    /// The daemon says what it holds.
    pub fn receipt(&mut self, receipt: &Receipt, now: Now) {
        for id in self.newly_named(receipt) {
            self.unreceipted.remove(&id);
            self.replay.remove(&id);
            self.ring.insert(id);
        }
        for id in self.no_longer_named(receipt) {
            self.ring.remove(&id);
            self.unreceipted.insert(id);
            self.queue_again(id);
            self.standing.returned += 1;
        }
        while let Some(&(since_ms, id)) = self.carried.front() {
            if now.tick_ms.saturating_sub(since_ms) < self.limits.resend_after_ms {
                break;
            }
            self.carried.pop_front();
            self.queue_again(id);
        }
    }

    /// The next note to publish, if there is one and the window has room. Call until `None`.
    pub fn poll(&mut self, now: Now) -> Option<Publish> {
        if !self.open.is_empty() && now.tick_ms >= self.close_at_ms() {
            self.close_note(now);
        }
        if !self.connected || self.flying.len() >= self.limits.window {
            return None;
        }
        let (id, lane) = self.next_live().or_else(|| self.next_replay(now))?;
        self.flying.insert(id, lane);
        Some(Publish {
            id,
            payload: self.notes[&id].payload.clone(),
        })
    }

    /// The tick at which [`Session::poll`] may have something to do although nothing came in.
    pub fn wake_at_ms(&self, now: Now) -> Option<u64> {
        let close = (!self.open.is_empty()).then(|| self.close_at_ms());
        // A replay that has begun is driven by PUBACKs.
        let begins = self.connected && !self.replay.is_empty() && self.replay_from_ms > now.tick_ms;
        let replay = begins.then_some(self.replay_from_ms);
        match (close, replay) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Closes the note being filled without waiting for more reads.
    pub fn flush(&mut self, now: Now) {
        if !self.open.is_empty() {
            self.close_note(now);
        }
    }

    /// Is every read that ever came in named by a receipt (or counted as lost)?
    pub fn all_receipted(&self) -> bool {
        self.open.is_empty() && self.unreceipted.is_empty()
    }

    /// How the session stands.
    pub fn standing(&self) -> Standing {
        Standing {
            unreceipted: self.unreceipted.len(),
            ring: self.ring.len(),
            bytes: self.bytes,
            ..self.standing
        }
    }

    fn close_at_ms(&self) -> u64 {
        self.open_since_ms.saturating_add(self.limits.note_after_ms)
    }

    fn close_note(&mut self, now: Now) {
        let reads = std::mem::take(&mut self.open);
        let id = NoteId {
            boot: self.boot,
            seq: self.next_seq,
        };
        self.next_seq += 1;
        let payload = note::encode(id, now, &reads);
        self.bytes += payload.len();
        let kept = Kept {
            payload,
            reads: reads.len(),
            superseded: 0,
        };
        self.notes.insert(id, kept);
        self.unreceipted.insert(id);
        for read in reads {
            self.remember_last(read, id);
        }
        if self.connected {
            self.live.push_back(id);
        }
        self.make_room(now);
    }

    fn remember_last(&mut self, read: MeterRead, note: NoteId) {
        let superseded = match self.last.entry((read.meter, read.register)) {
            Entry::Vacant(place) => {
                place.insert(LastRead { at: read.at, note });
                return;
            }
            Entry::Occupied(mut place) if place.get().at <= read.at => {
                place.insert(LastRead { at: read.at, note }).note
            }
            Entry::Occupied(_) => note,
        };
        if let Some(kept) = self.notes.get_mut(&superseded) {
            kept.superseded += 1;
        }
    }

    /// Brings the backlog under its limit. A note all of whose reads are the last of their
    /// registers is never given up, so the true bound is the limit plus one read a register.
    fn make_room(&mut self, now: Now) {
        while self.bytes > self.limits.backlog_bytes {
            if let Some(id) = self.ring.pop_first() {
                self.forget(id);
                continue;
            }
            let oldest = self
                .unreceipted
                .iter()
                .find(|id| self.notes[id].superseded > 0);
            let Some(&id) = oldest else { return };
            self.unreceipted.remove(&id);
            self.replay.remove(&id);
            self.flying.remove(&id);
            self.give_up(id, now);
        }
    }

    fn give_up(&mut self, id: NoteId, now: Now) {
        let kept = self.forget(id);
        self.standing.lost_notes += 1;
        self.standing.lost_reads += kept.superseded as u64;
        if kept.superseded == kept.reads {
            return;
        }
        if self.open.is_empty() {
            self.open_since_ms = now.tick_ms;
        }
        for read in note::reads_of(&kept.payload) {
            let key = (read.meter.clone(), read.register.clone());
            let is_last = |last: &LastRead| last.note == id && last.at == read.at;
            if self.last.get(&key).is_some_and(is_last) {
                // Taken out, so that the read is the first of its register when its new note closes.
                self.last.remove(&key);
                self.open.push(read);
            }
        }
    }

    fn forget(&mut self, id: NoteId) -> Kept {
        let kept = self.notes.remove(&id).expect("a named note is kept");
        self.bytes -= kept.payload.len();
        kept
    }

    fn newly_named(&self, receipt: &Receipt) -> Vec<NoteId> {
        let mut named = Vec::new();
        for done in receipt.done() {
            let id = |seq| NoteId {
                boot: done.boot,
                seq,
            };
            named.extend(self.unreceipted.range(id(0)..=id(done.upto)));
            for &(from, to) in done.also {
                named.extend(self.unreceipted.range(id(from)..=id(to)));
            }
        }
        named
    }

    fn no_longer_named(&self, receipt: &Receipt) -> Vec<NoteId> {
        let mut missing = Vec::new();
        let mut next = self.ring.first().copied();
        while let Some(NoteId { boot, .. }) = next {
            let id = |seq| NoteId { boot, seq };
            if speaks_of(receipt, boot) {
                let done = receipt.done().find(|done| done.boot == boot);
                let upto = done.map_or(0, |done| done.upto);
                let beyond = self.ring.range(id(upto)..=id(u64::MAX));
                missing.extend(beyond.filter(|id| !receipt.covers(id.boot, id.seq)));
            }
            next = boot
                .checked_add(1)
                .and_then(|boot| self.ring.range(NoteId { boot, seq: 0 }..).next())
                .copied();
        }
        missing
    }

    fn queue_again(&mut self, id: NoteId) {
        if self.connected && self.unreceipted.contains(&id) && !self.flying.contains_key(&id) {
            self.replay.insert(id);
        }
    }

    fn next_live(&mut self) -> Option<(NoteId, Lane)> {
        while let Some(id) = self.live.pop_front() {
            if self.unreceipted.contains(&id) {
                return Some((id, Lane::Live));
            }
        }
        None
    }

    fn next_replay(&mut self, now: Now) -> Option<(NoteId, Lane)> {
        let replaying = self.flying.values().filter(|l| **l == Lane::Replay).count();
        if now.tick_ms < self.replay_from_ms || replaying >= self.limits.replay_window {
            return None;
        }
        self.replay.pop_first().map(|id| (id, Lane::Replay))
    }
}

/// Does a receipt say anything about this boot? A boot that is not listed although it is newer than
/// every listed one is spoken about: the daemon has nothing of it. An older one may merely have been
/// left out for want of room.
fn speaks_of(receipt: &Receipt, boot: u64) -> bool {
    receipt.done().all(|done| done.boot < boot) || receipt.done().any(|done| done.boot == boot)
}
