//! The inbox: messages on topics that nobody has entered, until a person adopts or dismisses them.
//!
//! Such a message may be a neighbour's; it never enters a journal unasked. It is kept in files of
//! its own, `DATA/inbox/<number>.log`, each a row of framed message records (length, u32 little
//! endian, then the record of [`records::message`]), at most [`MAX_BYTES`] together and
//! [`MAX_DAYS`] days old. What does not fit pushes out the oldest file; what was pushed out is
//! counted. Nothing here is synced: the inbox is a look, not a promise, and an end that was cut is
//! left out when it is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::calendar::Instant;
use mapping::topic::filter_takes;
use records::{
    message::{Arrived, Door, ReadMessage},
    proof::Proof,
};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, OrOurs};

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
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<u64, Held>,
    topics: BTreeMap<String, Seen>,
    kept: Kept,
    open: Option<(u64, File)>,
}

/// One file.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    bytes: u64,
    messages: u64,
    newest_ms: i64,
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
        let mut state = State::default();
        if let Ok(text) = fs::read(folder.join("kept.json")) {
            state.kept = serde_json::from_slice(&text).or_ours("the inbox's list")?;
        }
        let inbox = Inbox {
            folder: folder.to_owned(),
            state: Mutex::new(state),
        };
        inbox.scan(&mut inbox.state()).or_ours("the inbox")?;
        Ok(inbox)
    }

    /// Takes a message in. What cannot be kept is counted.
    pub fn put(&self, message: &Waiting) {
        let mut state = self.state();
        let known = state.topics.contains_key(&message.topic);
        let unwanted = state
            .kept
            .dismissed
            .iter()
            .any(|filter| filter_takes(filter, &message.topic));
        if unwanted {
            return;
        }
        let fits = message.payload.len() <= MAX_PAYLOAD_BYTES
            && (known || state.topics.len() < MAX_TOPICS);
        let stored = fits && self.append(&mut state, message).is_ok();
        if !stored {
            state.kept.dropped += 1;
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
            .files
            .iter()
            .filter(|(_, held)| held.newest_ms < before)
            .map(|(number, _)| *number)
            .collect();
        self.remove(&mut state, &old).or_ours("the inbox")?;
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
        for number in state.files.keys() {
            self.each(*number, |message| {
                if filter_takes(filter, &message.topic) && wanted(&message.topic) {
                    found.push(message);
                }
            })
            .or_ours("the inbox")?;
        }
        Ok(found)
    }

    /// Takes out the messages of a filter; how many.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn forget(&self, filter: &str) -> Answer<u64> {
        let mut state = self.state();
        state.open = None;
        let mut gone = 0;
        for number in state.files.keys().copied().collect::<Vec<_>>() {
            let mut left = Vec::new();
            let mut some = false;
            self.each(number, |message| {
                if filter_takes(filter, &message.topic) {
                    gone += 1;
                    some = true;
                } else {
                    frame(&message, &mut left);
                }
            })
            .or_ours("the inbox")?;
            if some {
                let part = self.folder.join("part");
                fs::write(&part, &left)
                    .and_then(|()| fs::rename(&part, self.file(number)))
                    .or_ours("the inbox")?;
            }
        }
        self.scan(&mut state).or_ours("the inbox")?;
        Ok(gone)
    }

    /// Takes out the messages of a filter and keeps nothing of it from now on; how many went.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn dismiss(&self, filter: &str) -> Answer<u64> {
        let gone = self.forget(filter)?;
        let mut state = self.state();
        state.kept.dismissed.insert(filter.to_owned());
        self.keep(&state.kept).or_ours("the inbox")?;
        Ok(gone)
    }

    fn append(&self, state: &mut State, message: &Waiting) -> io::Result<()> {
        let mut bytes = Vec::new();
        frame(message, &mut bytes);
        let size = bytes.len() as u64;
        let last = state.files.keys().next_back().copied();
        let number = match last {
            Some(last) if state.files[&last].bytes + size <= FILE_BYTES => last,
            last => last.map_or(0, |last| last + 1),
        };
        if state.open.as_ref().is_none_or(|(open, _)| *open != number) {
            super::folder::make(&self.folder).map_err(|e| io::Error::other(e.to_string()))?;
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(self.file(number))?;
            state.open = Some((number, file));
        }
        if let Some((_, file)) = &mut state.open {
            file.write_all(&bytes)?;
        }
        let held = state.files.entry(number).or_default();
        held.bytes += size;
        held.messages += 1;
        held.newest_ms = held.newest_ms.max(message.received.0);
        note(&mut state.topics, message);
        let mut total: u64 = state.files.values().map(|held| held.bytes).sum();
        let mut out = Vec::new();
        for (number, held) in &state.files {
            if total <= MAX_BYTES {
                break;
            }
            total -= held.bytes;
            out.push(*number);
        }
        self.remove(state, &out)
    }

    fn remove(&self, state: &mut State, files: &[u64]) -> io::Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        for number in files {
            if state.open.as_ref().is_some_and(|(open, _)| open == number) {
                state.open = None;
            }
            fs::remove_file(self.file(*number))?;
            if let Some(held) = state.files.remove(number) {
                state.kept.dropped += held.messages;
            }
        }
        self.keep(&state.kept)?;
        self.scan(state)
    }

    /// Looks at all files again.
    fn scan(&self, state: &mut State) -> io::Result<()> {
        state.files.clear();
        state.topics.clear();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|n| n.strip_suffix(".log"));
            if let Some(number) = number.and_then(|n| n.parse::<u64>().ok()) {
                state.files.insert(number, Held::default());
            }
        }
        for number in state.files.keys().copied().collect::<Vec<_>>() {
            let mut held = Held::default();
            let topics = &mut state.topics;
            held.bytes = self.each(number, |message| {
                held.messages += 1;
                held.newest_ms = held.newest_ms.max(message.received.0);
                note(topics, &message);
            })?;
            // What was cut at the end must not be written on to.
            let file = OpenOptions::new().write(true).open(self.file(number))?;
            file.set_len(held.bytes)?;
            state.files.insert(number, held);
        }
        Ok(())
    }

    /// Visits the messages of a file; the bytes up to the last whole one.
    fn each(&self, number: u64, mut visit: impl FnMut(Waiting)) -> io::Result<u64> {
        let bytes = fs::read(self.file(number))?;
        let mut at = 0;
        while let Some((head, rest)) = bytes.get(at..).and_then(|b| b.split_first_chunk::<4>()) {
            let length = u32::from_le_bytes(*head) as usize;
            let Some(arrived) = rest.get(..length).and_then(|r| Arrived::decode(r).ok()) else {
                break;
            };
            let message = arrived.message();
            visit(Waiting {
                door: message.door,
                topic: arrived.topic(),
                payload: message.payload.to_vec(),
                retained: message.retained,
                received: message.received,
            });
            at += 4 + length;
        }
        Ok(at as u64)
    }

    fn keep(&self, kept: &Kept) -> io::Result<()> {
        super::folder::make(&self.folder).map_err(|e| io::Error::other(e.to_string()))?;
        let part = self.folder.join("part");
        fs::write(&part, serde_json::to_vec(kept).map_err(io::Error::other)?)?;
        fs::rename(&part, self.folder.join("kept.json"))
    }

    fn file(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:08}.log"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn frame(message: &Waiting, into: &mut Vec<u8>) {
    let start = into.len();
    into.extend_from_slice(&[0; 4]);
    let record = ReadMessage {
        received: message.received,
        door: message.door,
        qos: 0,
        retained: message.retained,
        will: false,
        undecodable: false,
        proof: Proof::Unsigned,
        gateway: "",
        topic: &message.topic,
        mapping: None,
        payload: &message.payload,
    };
    if record.encode(into).is_err() {
        into.truncate(start);
        return;
    }
    let length = u32::try_from(into.len() - start - 4).unwrap_or(0);
    into[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn note(topics: &mut BTreeMap<String, Seen>, message: &Waiting) {
    let seen = topics.entry(message.topic.clone()).or_insert_with(|| Seen {
        first: message.received,
        ..Seen::default()
    });
    seen.messages += 1;
    seen.last = message.received;
    seen.payload.clone_from(&message.payload);
    seen.stale = message.retained && message.door == Door::Broker;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, at_ms: i64, bytes: usize) -> Waiting {
        Waiting {
            door: Door::Broker,
            topic: topic.to_owned(),
            // Nothing that could be made smaller.
            payload: (0..bytes)
                .map(|n| (n as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3])
                .collect(),
            retained: false,
            received: Instant(at_ms),
        }
    }

    #[test]
    fn what_waits_survives_a_restart_and_a_cut_end() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        for n in 0..5 {
            inbox.put(&message("tele/a/SENSOR", n, 100));
            inbox.put(&message("tele/b/SENSOR", n, 100));
        }
        drop(inbox);
        let file = folder.path().join("00000000.log");
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - 7]).unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        let topics = inbox.topics(Instant(0)).unwrap();
        assert_eq!(topics["tele/a/SENSOR"].messages, 5);
        assert_eq!(topics["tele/b/SENSOR"].messages, 4);
        inbox.put(&message("tele/b/SENSOR", 9, 100));
        assert_eq!(inbox.waiting("tele/b/#", |_| true).unwrap().len(), 5);
        assert_eq!(inbox.forget("tele/a/#").unwrap(), 5);
        assert_eq!(inbox.waiting("#", |_| true).unwrap().len(), 5);
    }

    #[test]
    fn it_never_grows_beyond_its_bound_and_counts_what_it_drops() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        let each = MAX_PAYLOAD_BYTES;
        let many = (MAX_BYTES as usize / each) * 3 / 2;
        for n in 0..many {
            inbox.put(&message("flood", i64::try_from(n).unwrap(), each));
        }
        inbox.put(&message("long", 0, MAX_PAYLOAD_BYTES + 1));
        let on_disk: u64 = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().metadata().unwrap().len())
            .sum();
        assert!(on_disk <= MAX_BYTES + 4096, "{on_disk}");
        let left = inbox.topics(Instant(0)).unwrap()["flood"].messages;
        assert_eq!(inbox.dropped(), many as u64 - left + 1);
    }

    #[test]
    fn what_is_old_goes_and_what_was_dismissed_does_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        inbox.put(&message("a/b", 1_000, 10));
        let now = Instant(1_000 + MAX_DAYS * DAY_MS);
        assert_eq!(inbox.topics(now).unwrap().len(), 1);
        assert!(inbox.topics(now.plus_ms(1)).unwrap().is_empty());
        assert_eq!(inbox.dropped(), 1);
        inbox.put(&message("a/b", 5_000, 10));
        assert_eq!(inbox.dismiss("a/#").unwrap(), 1);
        inbox.put(&message("a/b", 6_000, 10));
        let again = Inbox::open(folder.path()).unwrap();
        again.put(&message("a/c", 7_000, 10));
        assert!(again.topics(Instant(8_000)).unwrap().is_empty());
    }
}
