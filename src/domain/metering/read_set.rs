//! The reads of a series as a set: keyed by instant and value, each with its earliest receipt.

use super::Read;

/// A set of reads in order of (instant, value). The same read twice is one read; it keeps the
/// receipt that came first, so that the set does not depend on the order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSet(Vec<Read>);

/// What became of a read that was put into a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Inserted {
    /// It is new.
    New,
    /// It was there; nothing changed. The finding is [`super::Finding::Duplicate`].
    Duplicate,
    /// It was there with a later receipt, which is now the earlier one.
    ReceivedEarlier,
}

impl ReadSet {
    /// The set of those reads, in whatever order and however often they come.
    #[must_use]
    pub fn of(mut reads: Vec<Read>) -> ReadSet {
        reads.sort_unstable_by_key(|read| (read.at, read.wh, read.received, read.source));
        reads.dedup_by_key(|read| (read.at, read.wh));
        ReadSet(reads)
    }

    /// Puts one read in.
    pub fn insert(&mut self, read: Read) -> Inserted {
        let key = |read: &Read| (read.at, read.wh);
        let at = self.0.partition_point(|other| key(other) < key(&read));
        match self.0.get_mut(at).filter(|other| key(other) == key(&read)) {
            Some(other) if (read.received, read.source) < (other.received, other.source) => {
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

impl From<ReadSet> for Vec<Read> {
    fn from(set: ReadSet) -> Vec<Read> {
        set.0
    }
}
