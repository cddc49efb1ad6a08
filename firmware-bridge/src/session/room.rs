//! Making room: which notes go when the backlog is full, and how their loss is said.

use super::{Group, LastRead, Session};
use crate::{
    backlog::Backlog,
    clock::Now,
    note::{self, Loss, NoteId},
};

impl<B: Backlog> Session<B> {
    /// Brings the backlog under its limits. A group all of whose reads are the last of their
    /// registers is never given up, so the true bound is the limit plus one read a register.
    pub(super) fn make_room(&mut self, now: Now) {
        while (self.bytes > self.limits.backlog_bytes
            || self.notes.len() > self.limits.backlog_notes)
            && self.condemn_oldest(now)
        {}
        if self.open.is_empty() && self.lost.is_empty() {
            self.remove_condemned();
        }
    }

    /// Gives up one group; whether there was one.
    pub(super) fn condemn_oldest(&mut self, now: Now) -> bool {
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

    pub(super) fn remove_condemned(&mut self) {
        for group in std::mem::take(&mut self.condemned) {
            self.groups.remove(&group);
            if let Err(error) = self.backlog.remove(group) {
                tracing::error!(%error, group, "notes that were given up are still on the disk");
            }
        }
    }

    /// A note without a receipt goes: its registers' last reads into the note being filled, the rest
    /// into the account of losses.
    pub(super) fn give_up(&mut self, id: NoteId, now: Now) {
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
    pub(super) fn give_up_unreadable(&mut self, id: NoteId, now: Now) {
        let group = self.notes.get(&id).map(|kept| kept.group);
        self.give_up(id, now);
        if let Some(group) = group.and_then(|group| self.groups.get_mut(&group)) {
            group.notes.retain(|note| *note != id);
        }
    }

    /// Adds to the losses to be said, which rise and are joined where they touch.
    pub(super) fn note_loss(&mut self, loss: Loss) {
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
}
