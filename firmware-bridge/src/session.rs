//! The protocol of a gateway without sockets, clock or threads.
//!
//! Register reads go in and are gathered into notes. A note is put into the [`Backlog`] when it is
//! closed, sent, sent again, and kept until a receipt names it; a broker's PUBACK only frees a place
//! in the window. After a reconnect every note without a receipt is sent again in order, a few at a
//! time, and notes made meanwhile go first: the `also` ranges of the receipt make that harmless. A
//! receipt that names less than an earlier one (the daemon was restored from an older copy) puts what
//! it no longer names back into the queue; for that, named notes stay in a ring as long as there is
//! room.
//!
//! The backlog is bounded by bytes ([`Limits::backlog_bytes`]) and by notes. When it is full, groups
//! of named notes go first, oldest first; then groups with notes that no receipt names, oldest first,
//! and each of these is counted ([`Standing::lost_reads`]) and said in the next note. The last read
//! of every register is never among the loss: it is put into a new note when its old one has to go,
//! so that the energy of an outage is still known as a whole when its detail is not. The group goes
//! only after that note is kept. On a disk that fails, notes wait in memory within a bound, by the
//! same rule.
//!
//! While the clock was never set ([`ClockState::Relative`]) notes are kept and not sent: once it is
//! set, their times are moved by what the clock moved. Notes of an earlier start cannot be moved any
//! more and go as they are.
//!
//! The caller says when ([`Now`]), when the link comes and goes, and who this is the how-manieth
//! boot of. The session never asks for the time and never draws a random number.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry};

use bytes::Bytes;
use wire::{MAX_BOOTS, Receipt};

use crate::{
    backlog::{Backlog, BacklogError, Found, Memory, Placed},
    clock::{ClockState, NEVER_SET_BEFORE_MS, Now},
    note::{self, Form, Link, Loss, MeterRead, NoteId},
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
    pub backlog_bytes: u64,
    /// Notes kept, named or not; each takes about 100 bytes of memory.
    pub backlog_notes: usize,
    /// Bytes of notes that wait in memory while the disk takes none.
    pub unsaved_bytes: u64,
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
            backlog_notes: 200_000,
            unsaved_bytes: 2 * 1024 * 1024,
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
    pub bytes: u64,
    /// Notes given up for want of room.
    pub lost_notes: u64,
    /// Reads in them, less those that were carried into a new note.
    pub lost_reads: u64,
    /// Notes that a receipt named and a later one did not.
    pub returned: u64,
    /// The oldest note that no receipt names.
    pub oldest: Option<NoteId>,
    /// Notes that wait in memory because the disk takes none.
    pub unsaved: usize,
    /// Bytes on the disk that could not be read any more.
    pub damaged_bytes: u64,
    /// Notes that wait for the clock to be set.
    pub undated: usize,
    /// The longest time, in ms, from the closing of a note made on a connection to its receipt.
    pub slowest_live_ms: u64,
}

/// What a receipt said about this gateway's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It fits.
    Ours,
    /// It names a start or a note that this gateway has not come to: its boot counter was lost or
    /// went back (an older copy of its disk). Nothing was believed. The caller raises the counter to
    /// this number and calls [`Session::restart_as`].
    CounterWentBack(u64),
}

/// The group of notes that wait in memory because the disk takes none.
const UNSAVED: u64 = u64::MAX;
/// Losses in one note; the rest is said by the next.
const LOSSES_PER_NOTE: usize = 32;
/// A receipt names the notes of few starts: so many are replayed before receipts are waited for,
const STARTS_AT_ONCE: usize = 8;
/// and so long, in ms.
const NEXT_START_AFTER_MS: u64 = 2_000;

/// The state of one gateway.
#[derive(Debug)]
pub struct Session<B = Memory> {
    limits: Limits,
    backlog: B,
    form: Form,
    prev: Option<Link>,
    boot: u64,
    next_seq: u64,
    connected: bool,
    /// The note being filled, and the tick of its first read.
    open: Vec<MeterRead>,
    open_since_ms: u64,
    /// Losses that no note has said yet.
    lost: Vec<Loss>,
    /// Every note kept. Each name is in exactly one of `unreceipted` and `ring`.
    notes: BTreeMap<NoteId, Kept>,
    groups: BTreeMap<u64, Group>,
    /// Bytes of all groups but the condemned.
    bytes: u64,
    unreceipted: BTreeSet<NoteId>,
    ring: BTreeSet<NoteId>,
    /// Groups that go when the next note is kept.
    condemned: Vec<u64>,
    unsaved: BTreeMap<NoteId, Bytes>,
    witness: Witness,
    /// Boots whose receipted part moved since it was last kept.
    moved: BTreeSet<u64>,
    /// Notes of this start made before the clock was set.
    undated: BTreeSet<NoteId>,
    /// Where each register's last read lies.
    last: BTreeMap<(String, String), LastRead>,
    /// Notes to send: made on this connection, and older ones.
    live: VecDeque<NoteId>,
    /// When notes made on this connection were closed, until a receipt names them.
    live_since: BTreeMap<NoteId, u64>,
    replay: BTreeSet<NoteId>,
    replay_from_ms: u64,
    /// Starts whose last note was sent once more on this connection.
    probed: BTreeSet<u64>,
    /// The size of the daemon's journal in the last receipt that gave it.
    daemon_size: u64,
    /// When this connection's replay may begin at the earliest.
    jitter_until_ms: u64,
    /// When the last replayed note went out.
    held_back_since_ms: u64,
    /// Notes sent that wait for a PUBACK, and notes that had one and wait for a receipt.
    flying: BTreeMap<NoteId, Lane>,
    carried: VecDeque<(u64, NoteId)>,
    standing: Standing,
}

/// Who is told of notes that are kept.
struct Witness(Option<Box<Tell>>);

type Tell = dyn FnMut(&[u8]) + Send;

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Witness")
    }
}

#[derive(Debug)]
struct Kept {
    group: u64,
    reads: u32,
    /// How many of the reads are followed by a later one of their register.
    superseded: u32,
}

#[derive(Debug, Default)]
struct Group {
    notes: Vec<NoteId>,
    unreceipted: usize,
    bytes: u64,
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
    /// A session that forgets, of a gateway that starts for the `boot`-th time. The number must never
    /// be used twice by one gateway: together with the sequence it names a note for ever.
    pub fn new(boot: u64, limits: Limits) -> Self {
        let mut session = Session::with(Memory::default(), Form::Json, limits);
        session.start(boot);
        session
    }
}

impl<B: Backlog> Session<B> {
    /// A session over what a backlog holds. It must be given its number with [`Session::start`].
    ///
    /// # Errors
    /// When the backlog cannot be read.
    pub fn over(backlog: B, form: Form, limits: Limits) -> Result<Self, BacklogError> {
        let mut session = Session::with(backlog, form, limits);
        session.recover()?;
        Ok(session)
    }

    fn with(backlog: B, form: Form, limits: Limits) -> Self {
        Session {
            limits: Limits {
                reads_per_note: limits.reads_per_note.max(1),
                window: limits.window.max(2),
                replay_window: limits.replay_window.clamp(1, limits.window.max(2) - 1),
                ..limits
            },
            backlog,
            form,
            prev: None,
            boot: 0,
            next_seq: 1,
            connected: false,
            open: Vec::new(),
            open_since_ms: 0,
            lost: Vec::new(),
            notes: BTreeMap::new(),
            groups: BTreeMap::new(),
            bytes: 0,
            unreceipted: BTreeSet::new(),
            ring: BTreeSet::new(),
            condemned: Vec::new(),
            unsaved: BTreeMap::new(),
            witness: Witness(None),
            moved: BTreeSet::new(),
            undated: BTreeSet::new(),
            last: BTreeMap::new(),
            live: VecDeque::new(),
            live_since: BTreeMap::new(),
            replay: BTreeSet::new(),
            replay_from_ms: 0,
            probed: BTreeSet::new(),
            daemon_size: 0,
            jitter_until_ms: 0,
            held_back_since_ms: 0,
            flying: BTreeMap::new(),
            carried: VecDeque::new(),
            standing: Standing::default(),
        }
    }

    /// The highest boot of a note in the backlog; 0 for none.
    pub fn highest_boot(&self) -> u64 {
        self.notes.last_key_value().map_or(0, |(id, _)| id.boot)
    }

    /// The backlog, for the number of this start.
    pub fn backlog(&mut self) -> &mut B {
        &mut self.backlog
    }

    /// From now on notes carry this boot, higher than any before.
    pub fn start(&mut self, boot: u64) {
        self.boot = boot;
        self.next_seq = 1;
    }

    /// Tells of every note as soon as it is kept.
    pub fn tell(&mut self, of_kept: impl FnMut(&[u8]) + Send + 'static) {
        self.witness = Witness(Some(Box::new(of_kept)));
    }

    /// This start's number.
    pub fn boot(&self) -> u64 {
        self.boot
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
        self.probed.clear();
        self.replay = self
            .unreceipted
            .difference(&self.undated)
            .copied()
            .collect();
        self.replay_from_ms = now.tick_ms.saturating_add(replay_after_ms);
        self.jitter_until_ms = self.replay_from_ms;
    }

    /// The link is down.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.live.clear();
        self.live_since.clear();
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
    pub fn receipt(&mut self, receipt: &Receipt, now: Now) -> Heard {
        if let Some(boot) = self.beyond_us(receipt) {
            return Heard::CounterWentBack(boot);
        }
        for id in self.newly_named(receipt) {
            self.unreceipted.remove(&id);
            self.replay.remove(&id);
            self.ring.insert(id);
            self.moved.insert(id.boot);
            self.count_in_group(id, |group| group.unreceipted -= 1);
            if let Some(since_ms) = self.live_since.remove(&id) {
                let took_ms = now.tick_ms.saturating_sub(since_ms);
                self.standing.slowest_live_ms = self.standing.slowest_live_ms.max(took_ms);
            }
        }
        // A replay that waited for this goes on.
        self.replay_from_ms = self
            .replay_from_ms
            .min(now.tick_ms.max(self.jitter_until_ms));
        // A journal only grows; a shorter one is an older copy.
        let size = receipt.head().map_or(self.daemon_size, |head| head.size);
        let went_back = std::mem::replace(&mut self.daemon_size, size) > size;
        for id in self.no_longer_named(receipt, went_back) {
            self.ring.remove(&id);
            self.unreceipted.insert(id);
            self.moved.insert(id.boot);
            self.count_in_group(id, |group| group.unreceipted += 1);
            self.queue_again(id);
            self.standing.returned += 1;
        }
        for id in self.unheard_starts(receipt) {
            self.probed.insert(id.boot);
            self.ring.remove(&id);
            self.unreceipted.insert(id);
            self.count_in_group(id, |group| group.unreceipted += 1);
            self.queue_again(id);
        }
        while let Some(&(since_ms, id)) = self.carried.front() {
            if now.tick_ms.saturating_sub(since_ms) < self.limits.resend_after_ms {
                break;
            }
            self.carried.pop_front();
            self.queue_again(id);
        }
        Heard::Ours
    }

    /// Begins again under a higher number: what was numbered since the start gets new names. Its
    /// reads stay what they are.
    pub fn restart_as(&mut self, boot: u64, now: Now) {
        let old = self.boot;
        self.flush(now);
        let name = |seq| NoteId { boot: old, seq };
        let ours: Vec<NoteId> = self
            .notes
            .range(name(0)..=name(u64::MAX))
            .map(|(id, _)| *id)
            .collect();
        self.start(boot.max(old + 1));
        for id in ours {
            let contents = self.load(id).and_then(|bytes| note::open(&bytes).ok());
            self.forget(id);
            self.last.retain(|_, last| last.note != id);
            if let Some(contents) = contents {
                for loss in contents.lost {
                    self.note_loss(loss);
                }
                self.open.extend(contents.reads);
                self.close_note(now);
            }
        }
        // What lies on the disk under the old names is not to be sent after the next start.
        if let Err(error) = self.backlog.named(old, u64::MAX) {
            tracing::warn!(%error, "old names may be sent once more");
        }
    }

    /// The next note to publish, if there is one and the window has room. Call until `None`.
    pub fn poll(&mut self, now: Now) -> Option<Publish> {
        if now.state != ClockState::Relative && !self.undated.is_empty() {
            self.date(now);
        }
        if !self.open.is_empty() && now.tick_ms >= self.close_at_ms() {
            self.close_note(now);
        }
        while self.connected && self.flying.len() < self.limits.window {
            let (id, lane) = self.next_live().or_else(|| self.next_replay(now))?;
            let Some(payload) = self.load(id) else {
                self.give_up_unreadable(id, now);
                continue;
            };
            self.flying.insert(id, lane);
            return Some(Publish { id, payload });
        }
        None
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

    /// Keeps what receipts have named, before the end.
    pub fn keep_receipts(&mut self) {
        for boot in std::mem::take(&mut self.moved) {
            let upto = self.named_upto(boot);
            if let Err(error) = self.backlog.named(boot, upto) {
                tracing::debug!(%error, boot, "receipt is not kept");
            }
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
            oldest: self.unreceipted.first().copied(),
            unsaved: self.unsaved.len(),
            undated: self.undated.len(),
            ..self.standing
        }
    }

    /// When the gateway's clock said a note was closed, ms since 1970; for a status.
    pub fn closed_at_ms(&self, id: NoteId) -> Option<i64> {
        let contents = note::open(&self.load(id)?).ok()?;
        Some(contents.now_ms)
    }

    fn recover(&mut self) -> Result<(), BacklogError> {
        let mut named = BTreeMap::new();
        while let Some(found) = self.backlog.scan()? {
            for what in found {
                match what {
                    Found::Note {
                        id,
                        placed,
                        payload,
                    } => self.found_note(id, placed, &payload),
                    Found::Named { boot, upto } => {
                        named.insert(boot, upto);
                    }
                    Found::Damage { group, bytes } => {
                        self.standing.damaged_bytes += bytes;
                        tracing::warn!(group, bytes, "backlog has bytes that cannot be read");
                    }
                }
            }
        }
        for (boot, upto) in named {
            let id = |seq| NoteId { boot, seq };
            let done: Vec<NoteId> = self.unreceipted.range(id(0)..=id(upto)).copied().collect();
            for id in done {
                self.unreceipted.remove(&id);
                self.ring.insert(id);
                self.count_in_group(id, |group| group.unreceipted -= 1);
            }
        }
        Ok(())
    }

    fn found_note(&mut self, id: NoteId, placed: Placed, payload: &Bytes) {
        match note::open(payload) {
            Ok(contents) => {
                self.prev = self.form.link(payload);
                self.enter(id, contents.reads.len());
                self.settle(id, placed);
                for read in &contents.reads {
                    self.remember_last(read, id);
                }
            }
            Err(_) => self.standing.damaged_bytes += placed.bytes,
        }
    }

    fn close_at_ms(&self) -> u64 {
        self.open_since_ms.saturating_add(self.limits.note_after_ms)
    }

    fn close_note(&mut self, now: Now) {
        let mut reads = std::mem::take(&mut self.open);
        if now.state != ClockState::Relative {
            // Read before the clock was set, and closed after.
            reads.iter_mut().for_each(|read| moved(read, moved_by(now)));
        }
        let id = NoteId {
            boot: self.boot,
            seq: self.next_seq,
        };
        self.next_seq += 1;
        let said = self.lost.len().min(LOSSES_PER_NOTE);
        let lost: Vec<Loss> = self.lost.drain(..said).collect();
        let payload = self.form.write(id, self.prev, now, &lost, &reads);
        self.prev = self.form.link(&payload);
        self.enter(id, reads.len());
        for read in &reads {
            self.remember_last(read, id);
        }
        if now.state == ClockState::Relative {
            self.undated.insert(id);
        } else if self.connected {
            self.live.push_back(id);
            self.live_since.insert(id, now.tick_ms);
        }
        self.keep_receipts();
        self.save(id, payload, now);
        self.make_room(now);
    }

    /// A note is known; where it lies is not yet.
    fn enter(&mut self, id: NoteId, reads: usize) {
        let kept = Kept {
            group: UNSAVED,
            reads: u32::try_from(reads).unwrap_or(u32::MAX),
            superseded: 0,
        };
        if self.notes.contains_key(&id) {
            // The later one counts; its reads come again.
            self.last.retain(|_, last| last.note != id);
            self.forget(id);
        }
        self.notes.insert(id, kept);
        self.unreceipted.insert(id);
    }

    /// A note lies where the backlog says.
    fn settle(&mut self, id: NoteId, placed: Placed) {
        let Some(kept) = self.notes.get_mut(&id) else {
            return;
        };
        kept.group = placed.group;
        let group = self.groups.entry(placed.group).or_default();
        group.notes.push(id);
        group.bytes += placed.bytes;
        self.bytes += placed.bytes;
        group.unreceipted += usize::from(self.unreceipted.contains(&id));
    }

    /// Puts a note into the backlog, with whatever waits for the disk before it. When the disk is
    /// full, groups are given up until it fits; when it fails, the note waits in memory.
    fn save(&mut self, id: NoteId, payload: Bytes, now: Now) {
        self.unsaved.insert(id, payload);
        while let Some((&id, payload)) = self.unsaved.first_key_value() {
            match self.backlog.append(id, payload) {
                Ok(placed) => {
                    if let Some(tell) = &mut self.witness.0 {
                        tell(payload);
                    }
                    self.unsaved.remove(&id);
                    self.settle(id, placed);
                    self.remove_condemned();
                }
                Err(BacklogError::Full) if self.condemn_oldest(now) => {
                    tracing::warn!("disk is full: the oldest notes go");
                    self.remove_condemned();
                }
                Err(error) => {
                    tracing::error!(%error, waiting = self.unsaved.len(), "a note is not kept on disk");
                    break;
                }
            }
        }
        let mut waiting: u64 = self.unsaved.values().map(|bytes| bytes.len() as u64).sum();
        while waiting > self.limits.unsaved_bytes {
            let gained = |id: &&NoteId| self.notes[*id].superseded > 0;
            let Some(&oldest) = self.unsaved.keys().find(gained) else {
                return;
            };
            waiting -= self.unsaved[&oldest].len() as u64;
            self.give_up(oldest, now);
        }
    }

    fn load(&self, id: NoteId) -> Option<Bytes> {
        if let Some(bytes) = self.unsaved.get(&id) {
            return Some(bytes.clone());
        }
        self.backlog
            .load(id)
            .inspect_err(|error| tracing::error!(%error, note = %id, "note cannot be read back"))
            .ok()
    }

    fn remember_last(&mut self, read: &MeterRead, note: NoteId) {
        let key = (read.meter.clone(), read.register.clone());
        let superseded = match self.last.entry(key) {
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

    /// Brings the backlog under its limits. A group all of whose reads are the last of their
    /// registers is never given up, so the true bound is the limit plus one read a register.
    fn make_room(&mut self, now: Now) {
        while (self.bytes > self.limits.backlog_bytes
            || self.notes.len() > self.limits.backlog_notes)
            && self.condemn_oldest(now)
        {}
        if self.open.is_empty() && self.lost.is_empty() {
            self.remove_condemned();
        }
    }

    /// Gives up one group; whether there was one.
    fn condemn_oldest(&mut self, now: Now) -> bool {
        let holds = |id: u64, note: &NoteId| self.notes.get(note).is_some_and(|k| k.group == id);
        let gains = |id: u64, group: &Group| {
            let gain = |note: &NoteId| self.ring.contains(note) || self.notes[note].superseded > 0;
            let mut notes = group.notes.iter().filter(|note| holds(id, note)).peekable();
            notes.peek().is_none() || notes.any(gain)
        };
        let there = || {
            self.groups
                .iter()
                .filter(|(id, _)| !self.condemned.contains(id))
        };
        let Some((&id, _)) = there()
            .find(|(_, group)| group.unreceipted == 0)
            .or_else(|| there().find(|(id, group)| gains(**id, group)))
        else {
            return false;
        };
        let group = self
            .groups
            .get_mut(&id)
            .map(std::mem::take)
            .unwrap_or_default();
        self.bytes -= group.bytes;
        self.condemned.push(id);
        for note in group.notes {
            // A note that was written again lies elsewhere.
            if self.notes.get(&note).is_none_or(|kept| kept.group != id) {
                continue;
            }
            if self.ring.contains(&note) {
                self.forget(note);
            } else {
                self.give_up(note, now);
            }
        }
        true
    }

    fn remove_condemned(&mut self) {
        for group in std::mem::take(&mut self.condemned) {
            self.groups.remove(&group);
            if let Err(error) = self.backlog.remove(group) {
                tracing::error!(%error, group, "notes that were given up are still on the disk");
            }
        }
    }

    /// A note without a receipt goes: its registers' last reads into the note being filled, the rest
    /// into the account of losses.
    fn give_up(&mut self, id: NoteId, now: Now) {
        let contents = self.load(id).and_then(|bytes| note::open(&bytes).ok());
        let kept = self.forget(id);
        let mut reads = u64::from(kept.reads);
        if self.open.is_empty() {
            self.open_since_ms = now.tick_ms;
        }
        let contents = contents.unwrap_or_default();
        for read in contents.reads {
            let key = (read.meter.clone(), read.register.clone());
            let is_last = |last: &LastRead| last.note == id && last.at == read.at;
            if self.last.get(&key).is_some_and(is_last) {
                // Taken out, so that the read is the first of its register when its new note closes.
                self.last.remove(&key);
                self.open.push(read);
                reads -= 1;
            }
        }
        self.last.retain(|_, last| last.note != id);
        for loss in contents.lost {
            self.note_loss(loss);
        }
        self.standing.lost_notes += 1;
        self.standing.lost_reads += reads;
        self.note_loss(Loss {
            boot: id.boot,
            first: id.seq,
            last: id.seq,
            reads,
        });
    }

    /// A note that the disk does not give back. Its neighbours are fine.
    fn give_up_unreadable(&mut self, id: NoteId, now: Now) {
        let group = self.notes.get(&id).map(|kept| kept.group);
        self.give_up(id, now);
        if let Some(group) = group.and_then(|group| self.groups.get_mut(&group)) {
            group.notes.retain(|note| *note != id);
        }
    }

    /// Adds to the losses to be said, which rise and are joined where they touch.
    fn note_loss(&mut self, loss: Loss) {
        let place = |other: &Loss| (other.boot, other.first) < (loss.boot, loss.first);
        let at = self.lost.partition_point(place);
        self.lost.insert(at, loss);
        let touch = |a: &Loss, b: &Loss| a.boot == b.boot && a.last + 1 == b.first;
        for at in [at + 1, at] {
            if at > 0 && at < self.lost.len() && touch(&self.lost[at - 1], &self.lost[at]) {
                let later = self.lost.remove(at);
                self.lost[at - 1].last = later.last;
                self.lost[at - 1].reads += later.reads;
            }
        }
    }

    /// Takes a note out of every account but its group's list.
    fn forget(&mut self, id: NoteId) -> Kept {
        let kept = self.notes.remove(&id).expect("a named note is kept");
        let was_open = self.unreceipted.remove(&id);
        self.ring.remove(&id);
        self.replay.remove(&id);
        self.flying.remove(&id);
        self.undated.remove(&id);
        self.live_since.remove(&id);
        self.unsaved.remove(&id);
        if let Some(group) = self.groups.get_mut(&kept.group) {
            group.unreceipted = group.unreceipted.saturating_sub(usize::from(was_open));
        }
        kept
    }

    fn count_in_group(&mut self, id: NoteId, change: impl FnOnce(&mut Group)) {
        let group = self.notes.get(&id).map(|kept| kept.group);
        if let Some(group) = group.and_then(|group| self.groups.get_mut(&group)) {
            change(group);
        }
    }

    /// The clock was set: what was dated relative to the start is moved.
    fn date(&mut self, now: Now) {
        let moved_ms = moved_by(now);
        for id in std::mem::take(&mut self.undated) {
            let contents = self.load(id).and_then(|bytes| note::open(&bytes).ok());
            let Some(mut contents) = contents else {
                continue;
            };
            for read in &mut contents.reads {
                moved(read, moved_ms);
            }
            let closed_ms = contents.now_ms.saturating_add(moved_ms);
            let closed = Now {
                wall: jiff::Timestamp::from_millisecond(closed_ms).unwrap_or(now.wall),
                ..now
            };
            let payload = self
                .form
                .write(id, self.prev, closed, &contents.lost, &contents.reads);
            self.prev = self.form.link(&payload);
            if let Some(group) = self.notes.get(&id).map(|kept| kept.group)
                && let Some(group) = self.groups.get_mut(&group)
            {
                group.notes.retain(|note| *note != id);
            }
            self.enter(id, contents.reads.len());
            for read in &contents.reads {
                self.remember_last(read, id);
            }
            self.save(id, payload, now);
            if self.connected {
                self.replay.insert(id);
            }
        }
    }

    /// The number to go on with, when a receipt names what this gateway has not come to.
    fn beyond_us(&self, receipt: &Receipt) -> Option<u64> {
        let highest = receipt.done().last()?;
        let named = highest.also.last().map_or(highest.upto, |range| range.1);
        let is_beyond =
            highest.boot > self.boot || (highest.boot == self.boot && named >= self.next_seq);
        is_beyond.then_some(highest.boot + 1)
    }

    /// Up to where notes of a boot are named without a gap.
    fn named_upto(&self, boot: u64) -> u64 {
        let id = |seq| NoteId { boot, seq };
        let first_open = self.unreceipted.range(id(0)..=id(u64::MAX)).next();
        match first_open {
            Some(open) => open.seq.saturating_sub(1),
            None => self
                .ring
                .range(id(0)..=id(u64::MAX))
                .next_back()
                .map_or(0, |last| last.seq),
        }
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

    fn no_longer_named(&self, receipt: &Receipt, went_back: bool) -> Vec<NoteId> {
        let mut missing = Vec::new();
        let mut unspoken = Vec::new();
        let mut next = self.ring.first().copied();
        while let Some(NoteId { boot, .. }) = next {
            let id = |seq| NoteId { boot, seq };
            if speaks_of(receipt, boot) {
                let done = receipt.done().find(|done| done.boot == boot);
                let upto = done.map_or(0, |done| done.upto);
                let beyond = self.ring.range(id(upto)..=id(u64::MAX));
                missing.extend(beyond.filter(|id| !receipt.covers(id.boot, id.seq)));
            } else {
                unspoken.push(boot);
            }
            next = boot
                .checked_add(1)
                .and_then(|boot| self.ring.range(NoteId { boot, seq: 0 }..).next())
                .copied();
        }
        if !missing.is_empty() || went_back {
            // The daemon went back, and of these it does not speak: to send them again is safe.
            for boot in unspoken {
                let id = |seq| NoteId { boot, seq };
                missing.extend(self.ring.range(id(0)..=id(u64::MAX)));
            }
        }
        missing
    }

    /// Of a few starts that a receipt had no room to speak of, the last note each. It is sent once
    /// more on this connection: the daemon then names that start, and so shows whether it still has
    /// the rest.
    fn unheard_starts(&self, receipt: &Receipt) -> Vec<NoteId> {
        let id = |boot, seq| NoteId { boot, seq };
        let mut last = Vec::new();
        let mut next = self.ring.first().map(|first| first.boot);
        while let Some(boot) = next.filter(|_| last.len() < STARTS_AT_ONCE) {
            if !speaks_of(receipt, boot) && !self.probed.contains(&boot) {
                last.extend(
                    self.ring
                        .range(id(boot, 0)..=id(boot, u64::MAX))
                        .next_back(),
                );
            }
            let beyond = self.ring.range(id(boot.saturating_add(1), 0)..).next();
            next = beyond.map(|id| id.boot);
        }
        last
    }

    fn queue_again(&mut self, id: NoteId) {
        let waits = self.flying.contains_key(&id) || self.undated.contains(&id);
        if self.connected && self.unreceipted.contains(&id) && !waits {
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
        let &id = self.replay.first()?;
        if self.starts_open_before(id.boot) >= STARTS_AT_ONCE {
            // Let their receipts come first; but a daemon that never names them must not stop us.
            self.replay_from_ms = now.tick_ms + NEXT_START_AFTER_MS;
            if now.tick_ms < self.held_back_since_ms + NEXT_START_AFTER_MS {
                return None;
            }
        }
        self.held_back_since_ms = now.tick_ms;
        self.replay.pop_first().map(|id| (id, Lane::Replay))
    }

    /// Starts before this one with notes that are sent and not named, as far as is of interest.
    fn starts_open_before(&self, boot: u64) -> usize {
        let id = |boot, seq| NoteId { boot, seq };
        let mut found = 0;
        let mut next = self.unreceipted.first().map(|first| first.boot);
        while let Some(open) = next.filter(|open| *open < boot && found < STARTS_AT_ONCE) {
            found += 1;
            let beyond = self.unreceipted.range(id(open + 1, 0)..).next();
            next = beyond.map(|id| id.boot);
        }
        found
    }
}

/// What a clock was moved by, that before counted from the start.
fn moved_by(now: Now) -> i64 {
    let tick_ms = i64::try_from(now.tick_ms).unwrap_or(i64::MAX);
    now.wall.as_millisecond().saturating_sub(tick_ms)
}

/// Moves a read's time if it was dated by a clock that was never set; a meter's own time stays.
fn moved(read: &mut MeterRead, by_ms: i64) {
    let at_ms = read.at.as_millisecond();
    if at_ms < NEVER_SET_BEFORE_MS
        && let Ok(at) = jiff::Timestamp::from_millisecond(at_ms.saturating_add(by_ms))
    {
        read.at = at;
    }
}

/// Does a receipt say anything about this boot? A daemon that names fewer boots than a receipt can
/// hold has named all that it knows. Otherwise a boot that is not listed although it is newer than
/// every listed one is spoken about: the daemon has nothing of it. An older one may merely have been
/// left out for want of room.
fn speaks_of(receipt: &Receipt, boot: u64) -> bool {
    receipt.done().count() < MAX_BOOTS
        || receipt.done().all(|done| done.boot < boot)
        || receipt.done().any(|done| done.boot == boot)
}
