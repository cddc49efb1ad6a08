//! How far the mirror of a society is: one small file, outside journal and projections.
//!
//! `DATA/mirror/<society>.json` is replaced whole, at most each second, after the server has acknowledged
//! what it stands for. It may be deleted: the mirror then begins again, and the same points go out once more. A file
//! that cannot be read, or that speaks of another server or bucket, counts as deleted.

use std::{collections::BTreeMap, fs, path::Path};

use records::ongoing::Ongoing;
use serde::{Deserialize, Serialize};

use super::put;
use crate::answer::{Answer, OrOurs};

/// Raised when what is sent changes its form: everything goes out again.
const VERSION: u32 = 1;
/// Registers that nobody has entered, remembered at most.
const MAX_UNPLACED: usize = 1_000;

/// The cursor and what is owed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    version: u32,
    /// Server, organisation and bucket.
    target: String,
    /// Records of the journal that are out.
    pub(super) position: u64,
    /// What later messages are understood by, as of `position`.
    pub(super) ongoing: Ongoing,
    /// Up to this record only what was read at the instant or later goes out.
    pub(super) again: Option<Again>,
    /// Days whose energy is owed, by meter point.
    pub(super) owed: BTreeMap<String, Owed>,
    /// First and last local day of which anything was said, by meter point.
    pub(super) days: BTreeMap<String, (i32, i32)>,
    /// The day in which energy that is out ends, by meter point: the next read that counts may change
    /// it from there on, however many came between that do not.
    #[serde(default)]
    pub(super) ends: BTreeMap<String, i32>,
    /// The newest time seen of each register, ms.
    pub(super) newest: BTreeMap<u32, i64>,
    /// Registers that nobody had entered, and the first record that has them.
    pub(super) unplaced: BTreeMap<String, u64>,
    /// The forecast is out up to the end of this year; 0 when it is owed.
    #[serde(default)]
    pub(super) forecast_until: i32,
    /// Points taken.
    pub(super) points: u64,
    /// Points not taken.
    pub(super) dead: u64,
}

/// A back-fill under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Again {
    pub(super) from_ms: i64,
    pub(super) upto: u64,
}

/// Days of a meter point from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owed {
    /// First local day, as days since 1970-01-01.
    pub(super) from_day: i32,
    /// Whether energy that was known may have gone.
    pub(super) judged_again: bool,
    /// Whether days before the first may have changed with it.
    pub(super) late: bool,
}

impl Owed {
    pub(super) fn with(self, other: Owed) -> Owed {
        Owed {
            from_day: self.from_day.min(other.from_day),
            judged_again: self.judged_again || other.judged_again,
            late: self.late || other.late,
        }
    }
}

impl Cursor {
    pub(super) fn load(path: &Path, target: &str) -> Cursor {
        let kept = fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Cursor>(&bytes).ok());
        kept.filter(|kept| kept.version == VERSION && kept.target == target)
            .unwrap_or_else(|| Cursor {
                version: VERSION,
                target: target.to_owned(),
                ..Cursor::default()
            })
    }

    pub(super) fn keep(&self, path: &Path) -> Answer<()> {
        let bytes = serde_json::to_vec(self).or_ours("the mirror's cursor")?;
        put(path, &bytes)
    }

    /// Something was said of a day of a meter point.
    pub(super) fn touch(&mut self, point: &str, day: i32) {
        let (first, last) = self.days.get(point).copied().unwrap_or((day, day));
        if !(first..=last).contains(&day) || first == last {
            let days = (first.min(day), last.max(day));
            self.days.insert(point.to_owned(), days);
        }
    }

    /// The days of a meter point from one on are owed.
    pub(super) fn owe(&mut self, point: &str, owed: Owed) {
        let before = self.owed.get(point).copied().unwrap_or(owed);
        self.owed.insert(point.to_owned(), before.with(owed));
    }

    /// A register that nobody has entered was first seen in this record.
    pub(super) fn note_unplaced(&mut self, name: String, record: u64) {
        if self.unplaced.len() < MAX_UNPLACED || self.unplaced.contains_key(&name) {
            self.unplaced.entry(name).or_insert(record);
        }
    }

    /// Begins again at the first record; up to the present position only what was read at `from` or
    /// later goes out.
    pub(super) fn begin_again(&mut self, from_ms: i64, upto: u64) {
        self.position = 0;
        self.ongoing = Ongoing::default();
        self.newest.clear();
        self.unplaced.clear();
        let from_ms = self
            .again
            .map_or(from_ms, |again| again.from_ms.min(from_ms));
        self.again = Some(Again { from_ms, upto });
    }
}
