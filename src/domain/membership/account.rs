//! One member's movements in one class, by day, with the holding after each.

use crate::calendar::LocalDay;

/// A share account. Entries stand by day, then by number; what is held on a day is what was held at
/// its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    on: LocalDay,
    number: u32,
    shares: i64,
    after: i64,
}

impl Account {
    /// Takes a movement in its place.
    pub fn enter(&mut self, on: LocalDay, number: u32, shares: i64) {
        let place = self
            .entries
            .partition_point(|entry| (entry.on, entry.number) < (on, number));
        let entry = Entry {
            on,
            number,
            shares,
            after: 0,
        };
        self.entries.insert(place, entry);
        let mut held = match place.checked_sub(1).and_then(|n| self.entries.get(n)) {
            Some(before) => before.after,
            None => 0,
        };
        for entry in self.entries.iter_mut().skip(place) {
            held = held.saturating_add(entry.shares);
            entry.after = held;
        }
    }

    /// Shares held at the end of a day.
    pub fn held(&self, on: LocalDay) -> i64 {
        let count = self.entries.partition_point(|entry| entry.on <= on);
        match count.checked_sub(1).and_then(|n| self.entries.get(n)) {
            Some(entry) => entry.after,
            None => 0,
        }
    }

    /// Shares held after everything.
    pub fn held_at_last(&self) -> i64 {
        self.entries.last().map_or(0, |entry| entry.after)
    }

    /// The least held at the end of any day from `on`.
    pub fn least_from(&self, on: LocalDay) -> i64 {
        let later = self.ends_after(on).map(|(_, held)| held);
        later.fold(self.held(on), i64::min)
    }

    /// The most held at the end of any day from `on`.
    pub fn most_from(&self, on: LocalDay) -> i64 {
        let later = self.ends_after(on).map(|(_, held)| held);
        later.fold(self.held(on), i64::max)
    }

    /// Days after `on` on which something moved, with what was held at their end.
    pub fn ends_after(&self, on: LocalDay) -> impl Iterator<Item = (LocalDay, i64)> + '_ {
        let first = self.entries.partition_point(|entry| entry.on <= on);
        let later = self.entries.get(first..).unwrap_or_default();
        later
            .chunk_by(|a, b| a.on == b.on)
            .filter_map(|day| day.last().map(|entry| (entry.on, entry.after)))
    }

    /// The last day on which something moved.
    pub fn last_day(&self) -> Option<LocalDay> {
        self.entries.last().map(|entry| entry.on)
    }
}
