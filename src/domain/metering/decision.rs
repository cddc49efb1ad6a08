//! What a person decided about a read.

use std::collections::BTreeMap;

use crate::{calendar::Instant, quantity::WattHours};

/// A person's decision about one read, named by its instant and value. The latest one counts.
///
/// Accept and Correct act on a held read only: a refused one stays refused, because its clock or
/// its register's life says that it cannot be. Refuse and Correct act on an accepted one as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadDecision {
    /// It is right as it stands.
    Accept,
    /// It is wrong and counts for nothing.
    Refuse,
    /// It is wrong; this value takes its place.
    Correct(WattHours),
}

impl ReadDecision {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ReadDecision::Accept => "accept",
            ReadDecision::Refuse => "refuse",
            ReadDecision::Correct(_) => "correct",
        }
    }
}

/// The decisions about a series' reads, by instant and value as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions(BTreeMap<(Instant, WattHours), ReadDecision>);

impl Decisions {
    /// No decisions.
    #[must_use]
    pub fn none() -> Decisions {
        Decisions::default()
    }

    /// Decides about a read; returns the decision that this one replaces.
    pub fn decide(
        &mut self,
        at: Instant,
        wh: WattHours,
        decision: ReadDecision,
    ) -> Option<ReadDecision> {
        self.0.insert((at, wh), decision)
    }

    /// The decision about a read.
    #[must_use]
    pub fn about(&self, at: Instant, wh: WattHours) -> Option<ReadDecision> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(at, wh)).copied()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them in order of (instant, value).
    pub fn iter(&self) -> impl Iterator<Item = (Instant, WattHours, ReadDecision)> {
        self.0
            .iter()
            .map(|((at, wh), decision)| (*at, *wh, *decision))
    }
}
