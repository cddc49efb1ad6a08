//! A note is closed and kept: numbered, written, put on the disk, and entered in every account.

use std::collections::btree_map::Entry;

use bytes::Bytes;

use super::{
    Group, Kept, LOSSES_PER_NOTE, LastRead, Session, UNSAVED,
    date::{moved, moved_by},
};
use crate::{
    backlog::{Backlog, BacklogError, Placed},
    clock::{ClockState, Now},
    note::{Loss, MeterRead, NoteId},
};

impl<B: Backlog> Session<B> {
    pub(super) fn close_note(&mut self, now: Now) {
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

    pub(super) fn close_at_ms(&self) -> u64 {
        self.open_since_ms.saturating_add(self.limits.note_after_ms)
    }

    /// A note is known; where it lies is not yet.
    pub(super) fn enter(&mut self, id: NoteId, reads: usize) {
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
    pub(super) fn settle(&mut self, id: NoteId, placed: Placed) {
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
    pub(super) fn save(&mut self, id: NoteId, payload: Bytes, now: Now) {
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

    pub(super) fn load(&self, id: NoteId) -> Option<Bytes> {
        if let Some(bytes) = self.unsaved.get(&id) {
            return Some(bytes.clone());
        }
        self.backlog
            .load(id)
            .inspect_err(|error| tracing::error!(%error, note = %id, "note cannot be read back"))
            .ok()
    }

    pub(super) fn remember_last(&mut self, read: &MeterRead, note: NoteId) {
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

    /// Takes a note out of every account but its group's list.
    pub(super) fn forget(&mut self, id: NoteId) -> Kept {
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

    pub(super) fn count_in_group(&mut self, id: NoteId, change: impl FnOnce(&mut Group)) {
        let group = self.notes.get(&id).map(|kept| kept.group);
        if let Some(group) = group.and_then(|group| self.groups.get_mut(&group)) {
            change(group);
        }
    }
}
