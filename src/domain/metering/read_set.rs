//! The reads of a series as a set: keyed by instant and value, each with its earliest receipt.

use super::{Read, Source};
use crate::calendar::Instant;

/// A set of reads in order of (instant, value). The same read twice is one read; the weightiest
/// source stands ([`Source::weight`](super::Source::weight)), and of equals the receipt that came
/// first, so that the set does not depend on the order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSet(Vec<Read>);

/// What became of a read that was put into a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Inserted {
    /// It is new.
    New,
    /// It was there; nothing changed. The finding is [`super::Finding::Duplicate`].
    Duplicate,
    /// It was there with a later receipt or a lighter source, and this one stands now.
    ReceivedEarlier,
}

impl ReadSet {
    /// The set of those reads, in whatever order and however often they come.
    #[must_use]
    pub fn of(mut reads: Vec<Read>) -> ReadSet {
        reads.sort_unstable_by_key(|read| (read.at, read.wh, rank(read)));
        reads.dedup_by_key(|read| (read.at, read.wh));
        ReadSet(reads)
    }

    /// Puts one read in.
    pub fn insert(&mut self, read: Read) -> Inserted {
        let key = |read: &Read| (read.at, read.wh);
        let at = self.0.partition_point(|other| key(other) < key(&read));
        match self.0.get_mut(at).filter(|other| key(other) == key(&read)) {
            Some(other) if rank(&read) < rank(other) => {
                *other = read;
                Inserted::ReceivedEarlier
            }
            Some(_) => Inserted::Duplicate,
            None => {
                self.0.insert(at, read);
                Inserted::New
            }
        }
    }

    /// The reads in order of (instant, value).
    #[must_use]
    pub fn as_slice(&self) -> &[Read] {
        &self.0
    }
}

/// Of one read that came several times the smallest of these stands.
fn rank(read: &Read) -> (u8, Instant, Source) {
    (read.source.weight(), read.received, read.source)
}

impl From<ReadSet> for Vec<Read> {
    fn from(set: ReadSet) -> Vec<Read> {
        set.0
    }
}
