//! Dating what was read before the clock was set.

use super::Session;
use crate::{
    backlog::Backlog,
    clock::{NEVER_SET_BEFORE_MS, Now},
    note::{self, MeterRead},
};

impl<B: Backlog> Session<B> {
    /// The clock was set: what was dated relative to the start is moved.
    pub(super) fn date(&mut self, now: Now) {
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
}

/// What a clock was moved by, that before counted from the start.
pub(super) fn moved_by(now: Now) -> i64 {
    let tick_ms = i64::try_from(now.tick_ms).unwrap_or(i64::MAX);
    now.wall.as_millisecond().saturating_sub(tick_ms)
}

/// Moves a read's time if it was dated by a clock that was never set; a meter's own time stays.
pub(super) fn moved(read: &mut MeterRead, by_ms: i64) {
    let at_ms = read.at.as_millisecond();
    if at_ms < NEVER_SET_BEFORE_MS
        && let Ok(at) = jiff::Timestamp::from_millisecond(at_ms.saturating_add(by_ms))
    {
        read.at = at;
    }
}
