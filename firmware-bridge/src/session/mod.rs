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

mod date;
mod keep;
mod receipts;
mod recover;
mod room;
mod send;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use crate::{
    backlog::{Backlog, BacklogError, Memory},
    clock::Now,
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
}
