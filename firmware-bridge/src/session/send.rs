//! What goes out, and when: notes made now first, then the replay, within the window.

use super::{Lane, NEXT_START_AFTER_MS, Publish, STARTS_AT_ONCE, Session};
use crate::{
    backlog::Backlog,
    clock::{ClockState, Now},
    note::NoteId,
};

impl<B: Backlog> Session<B> {
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
            let payload = self.form.believed(id, payload);
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

    pub(super) fn queue_again(&mut self, id: NoteId) {
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
