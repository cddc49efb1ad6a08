//! The inbox: messages on topics that nobody has entered, until a person adopts or dismisses them.
//!
//! Such a message may be a neighbour's; it never enters a journal unasked. It is kept in files of
//! its own ([`files`]), at most [`MAX_BYTES`] together and [`MAX_DAYS`] days old. What does not fit
//! pushes out the oldest file; what was pushed out, is too long or is one topic too many is counted,
//! and the count outlives a restart.
//!
//! A message that came to our own endpoint is on disk before it is acknowledged. What an outside
//! broker delivers is synced within a second beside the stream ([`sync`]): a flood of strange topics
//! must not hold up readings, and a power cut takes at most that second. An end that was cut is left
//! out when it is read.

mod files;
mod sync;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::calendar::Instant;
use mapping::topic::filter_takes;
use records::message::Door;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, OrOurs};
use files::{Files, framed};
use sync::Syncer;

/// Most bytes the inbox holds.
pub const MAX_BYTES: u64 = 64 << 20;
/// Longest a message waits, in days.
pub const MAX_DAYS: i64 = 30;
/// Most topics; messages of one more are counted and dropped.
pub const MAX_TOPICS: usize = 10_000;
/// Longest payload; a longer one is counted and dropped.
pub const MAX_PAYLOAD_BYTES: usize = 256 << 10;
/// Bytes of one file.
const FILE_BYTES: u64 = 4 << 20;
const DAY_MS: i64 = 86_400_000;

/// The inbox of one data folder.
pub struct Inbox {
    // Dropped before the state, which it syncs a last time.
    syncer: Syncer,
    state: Arc<Mutex<State>>,
}

/// What is known of the files, and what outlives them.
struct State {
    files: Files,
    held: BTreeMap<u64, Held>,
    topics: BTreeMap<String, Seen>,
    kept: Kept,
    /// What outlives the files is not on disk as it is.
    kept_changed: bool,
}

/// One file.
#[derive(Clone, Debug, Default)]
struct Held {
    bytes: u64,
    messages: u64,
    newest_ms: i64,
    topics: BTreeMap<String, Part>,
}

/// A topic's part of a file.
#[derive(Clone, Copy, Debug)]
struct Part {
    messages: u64,
    first: Instant,
}

/// What is known of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Messages in the inbox.
    pub messages: u64,
    /// When the first of them came.
    pub first: Instant,
    /// When the last of them came.
    pub last: Instant,
    /// The last payload.
    pub payload: Vec<u8>,
    /// Whether the last one came from a broker's memory.
    pub stale: bool,
}

/// What outlives the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kept {
    dropped: u64,
    dismissed: BTreeSet<String>,
}

/// A message as it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The way it came in.
    pub door: Door,
    /// Its topic.
    pub topic: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Whether it was retained.
    pub retained: bool,
    /// When it reached us.
    pub received: Instant,
}

impl Inbox {
    /// Opens what is there; makes nothing.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn open(folder: &Path) -> Answer<Inbox> {
        let files = Files::at(folder);
        let kept = match fs::read(files.kept()) {
            Ok(text) => serde_json::from_slice(&text).or_ours("the inbox's list")?,
            Err(_) => Kept::default(),
        };
        let mut state = State {
            files,
            held: BTreeMap::new(),
            topics: BTreeMap::new(),
            kept,
            kept_changed: false,
        };
        state.look().or_ours("the inbox")?;
        let state = Arc::new(Mutex::new(state));
        Ok(Inbox {
            syncer: Syncer::of(&state),
            state,
        })
    }

    /// Takes a message in. What cannot be kept is counted.
    pub fn put(&self, message: &Waiting) {
        let mut state = self.state();
        let unwanted = |filter: &String| filter_takes(filter, &message.topic);
        if state.kept.dismissed.iter().any(unwanted) {
            return;
        }
        let known = state.topics.contains_key(&message.topic);
        let fits = message.payload.len() <= MAX_PAYLOAD_BYTES
            && (known || state.topics.len() < MAX_TOPICS);
        let stored = fits && state.append(message).is_ok();
        if !stored {
            state.kept.dropped += 1;
            state.kept_changed = true;
        }
        if message.door == Door::Broker {
            drop(state);
            self.syncer.wake();
        } else if let Err(error) = state.sync() {
            tracing::error!(%error, "the inbox could not be synced");
        }
    }

    /// Every topic with what is known of it, after what is too old is gone.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn topics(&self, now: Instant) -> Answer<BTreeMap<String, Seen>> {
        let mut state = self.state();
        let before = now.0 - MAX_DAYS * DAY_MS;
        let old: Vec<u64> = state
            .held
            .iter()
            .filter(|(_, held)| held.newest_ms < before)
            .map(|(number, _)| *number)
            .collect();
        state.remove(&old).or_ours("the inbox")?;
        Ok(state.topics.clone())
    }

    /// How many messages were dropped since the folder was made.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.state().kept.dropped
    }

    /// The messages a filter takes and `wanted` wants, oldest first.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn waiting(&self, filter: &str, wanted: impl Fn(&str) -> bool) -> Answer<Vec<Waiting>> {
        let state = self.state();
        let mut found = Vec::new();
        for number in state.held.keys() {
            let visit = |message: Waiting, _| {
                if filter_takes(filter, &message.topic) && wanted(&message.topic) {
                    found.push(message);
                }
            };
            state.files.each(*number, visit).or_ours("the inbox")?;
        }
        Ok(found)
    }

    /// Takes out the messages of a filter; how many.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn forget(&self, filter: &str) -> Answer<u64> {
        self.state().forget(filter).or_ours("the inbox")
    }

    /// Takes out the messages of a filter and keeps nothing of it from now on; how many went.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn dismiss(&self, filter: &str) -> Answer<u64> {
        let mut state = self.state();
        let gone = state.forget(filter).or_ours("the inbox")?;
        state.kept.dismissed.insert(filter.to_owned());
        state.keep().or_ours("the inbox")?;
        Ok(gone)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn append(&mut self, message: &Waiting) -> io::Result<()> {
        let bytes = framed(message);
        let size = bytes.len() as u64;
        let last = self.held.last_key_value().map(|(last, held)| (*last, held));
        let number = match last {
            Some((last, held)) if held.bytes + size <= FILE_BYTES => last,
            last => last.map_or(0, |(last, _)| last + 1),
        };
        self.files.append(number, &bytes)?;
        self.enter(number, size, message);
        let mut total: u64 = self.held.values().map(|held| held.bytes).sum();
        let mut out = Vec::new();
        for (number, held) in &self.held {
            if total <= MAX_BYTES {
                break;
            }
            total -= held.bytes;
            out.push(*number);
        }
        self.remove(&out)
    }

    /// A message of so many bytes lies in a file.
    fn enter(&mut self, number: u64, bytes: u64, message: &Waiting) {
        let held = self.held.entry(number).or_default();
        held.bytes += bytes;
        held.messages += 1;
        held.newest_ms = held.newest_ms.max(message.received.0);
        let part = held.topics.entry(message.topic.clone()).or_insert(Part {
            messages: 0,
            first: message.received,
        });
        part.messages += 1;
        let seen = self.topics.entry(message.topic.clone());
        let seen = seen.or_insert_with(|| Seen {
            first: message.received,
            ..Seen::default()
        });
        seen.messages += 1;
        seen.last = message.received;
        seen.payload.clone_from(&message.payload);
        seen.stale = message.retained && message.door == Door::Broker;
    }

    /// Whole files go, and what is in them is counted.
    fn remove(&mut self, numbers: &[u64]) -> io::Result<()> {
        for number in numbers {
            self.files.remove(*number)?;
            let Some(gone) = self.held.remove(number) else {
                continue;
            };
            self.kept.dropped += gone.messages;
            for (topic, part) in gone.topics {
                let left = self.held.values().find_map(|held| held.topics.get(&topic));
                match (left, self.topics.get_mut(&topic)) {
                    (Some(left), Some(seen)) => {
                        seen.messages -= part.messages;
                        seen.first = left.first;
                    }
                    _ => {
                        self.topics.remove(&topic);
                    }
                }
            }
        }
        match numbers {
            [] => Ok(()),
            _ => self.keep(),
        }
    }

    fn forget(&mut self, filter: &str) -> io::Result<u64> {
        let mut gone = 0;
        for number in self.held.keys().copied().collect::<Vec<_>>() {
            let mut left = Vec::new();
            let mut some = false;
            self.files.each(number, |message, _| {
                if filter_takes(filter, &message.topic) {
                    gone += 1;
                    some = true;
                } else {
                    left.extend(framed(&message));
                }
            })?;
            if some {
                self.files.write_again(number, &left)?;
            }
        }
        self.look()?;
        Ok(gone)
    }

    /// Looks at all files.
    fn look(&mut self) -> io::Result<()> {
        self.held.clear();
        self.topics.clear();
        for number in self.files.numbers()? {
            let mut messages = Vec::new();
            let visit = |message, bytes| messages.push((message, bytes));
            let whole = self.files.each(number, visit)?;
            self.files.cut(number, whole)?;
            self.held.insert(number, Held::default());
            for (message, bytes) in &messages {
                self.enter(number, *bytes, message);
            }
        }
        Ok(())
    }

    fn keep(&mut self) -> io::Result<()> {
        let text = serde_json::to_vec(&self.kept).map_err(io::Error::other)?;
        self.files.keep(&text)?;
        self.kept_changed = false;
        Ok(())
    }

    fn keep_if_changed(&mut self) -> io::Result<()> {
        match self.kept_changed {
            true => self.keep(),
            false => Ok(()),
        }
    }

    /// Everything that was taken in is on disk afterwards.
    fn sync(&mut self) -> io::Result<()> {
        self.files.sync()?;
        self.keep_if_changed()
    }
}

#[cfg(test)]
mod tests;
