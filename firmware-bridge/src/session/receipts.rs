//! What a receipt says, and what follows: notes it names may go, notes it no longer names are sent
//! again, and a number that we never gave means that our counter went back.

use wire::{MAX_BOOTS, Receipt};

use super::{Heard, STARTS_AT_ONCE, Session};
use crate::{
    backlog::Backlog,
    clock::Now,
    note::{self, NoteId},
};

impl<B: Backlog> Session<B> {
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

    /// Keeps what receipts have named, before the end.
    pub fn keep_receipts(&mut self) {
        for boot in std::mem::take(&mut self.moved) {
            let upto = self.named_upto(boot);
            if let Err(error) = self.backlog.named(boot, upto) {
                tracing::debug!(%error, boot, "receipt is not kept");
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
