//! Several records in one piece of memory, in the order they will stand in the journal.

/// Records in one arena. One record alone costs one allocation.
///
/// ```
/// use commonwatt_journal::Records;
/// let mut records = Records::new();
/// records.push(b"first");
/// records.push(b"second");
/// assert_eq!(records.iter().collect::<Vec<_>>(), [&b"first"[..], b"second"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    bytes: Vec<u8>,
    /// Where every record but the first begins in `bytes`.
    cuts: Vec<u32>,
    empty: Empty,
}

/// Whether the arena holds no record at all; a single record of no bytes looks the same otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Empty {
    #[default]
    Yes,
    No,
}

impl Records {
    /// No records.
    pub const fn new() -> Records {
        Records {
            bytes: Vec::new(),
            cuts: Vec::new(),
            empty: Empty::Yes,
        }
    }

    /// One record.
    pub fn one(record: impl Into<Vec<u8>>) -> Records {
        Records {
            bytes: record.into(),
            cuts: Vec::new(),
            empty: Empty::No,
        }
    }

    /// No records yet, with room for these many and these bytes in all.
    pub fn with_capacity(records: usize, bytes: usize) -> Records {
        Records {
            bytes: Vec::with_capacity(bytes),
            cuts: Vec::with_capacity(records.saturating_sub(1)),
            empty: Empty::Yes,
        }
    }

    /// At least one record, from its arena and where the later ones begin.
    pub(crate) fn from_parts(bytes: Vec<u8>, cuts: Vec<u32>) -> Records {
        Records {
            bytes,
            cuts,
            empty: Empty::No,
        }
    }

    /// Appends a record.
    ///
    /// # Panics
    /// When the arena would pass 4 GiB, far beyond [`MAX_GROUP_BYTES`](crate::MAX_GROUP_BYTES).
    pub fn push(&mut self, record: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(record));
    }

    /// Appends the record that `write` adds to the end of the arena, without a copy between.
    ///
    /// # Panics
    /// As [`push`](Records::push), and when `write` takes away what was there.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        assert!(
            self.bytes.len() >= start,
            "a record is only ever added to the arena"
        );
        assert!(
            u32::try_from(self.bytes.len()).is_ok(),
            "an arena of records stays below 4 GiB"
        );
        match self.empty {
            Empty::Yes => self.empty = Empty::No,
            Empty::No => self.cuts.push(start as u32),
        }
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.cuts.clear();
        self.empty = Empty::Yes;
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        match self.empty {
            Empty::Yes => 0,
            Empty::No => self.cuts.len() + 1,
        }
    }

    /// Is there no record?
    pub fn is_empty(&self) -> bool {
        self.empty == Empty::Yes
    }

    /// Bytes of all records together.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The record at this place.
    pub fn get(&self, at: usize) -> Option<&[u8]> {
        (at < self.len()).then(|| {
            let start = if at == 0 {
                0
            } else {
                self.cuts[at - 1] as usize
            };
            let end = self
                .cuts
                .get(at)
                .map_or(self.bytes.len(), |cut| *cut as usize);
            &self.bytes[start..end]
        })
    }

    /// The records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        (0..self.len()).map(|at| {
            let start = if at == 0 {
                0
            } else {
                self.cuts[at - 1] as usize
            };
            let end = self
                .cuts
                .get(at)
                .map_or(self.bytes.len(), |cut| *cut as usize);
            &self.bytes[start..end]
        })
    }
}

impl<'a> FromIterator<&'a [u8]> for Records {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(records: I) -> Records {
        let mut all = Records::new();
        records.into_iter().for_each(|record| all.push(record));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_pushed_also_empty_ones() {
        for list in [
            &[][..],
            &[&b""[..]],
            &[b"a"],
            &[b"", b""],
            &[b"a", b"", b"bc", b""],
        ] {
            let records: Records = list.iter().copied().collect();
            assert_eq!(records.len(), list.len());
            assert_eq!(records.is_empty(), list.is_empty());
            assert_eq!(records.iter().collect::<Vec<_>>(), list);
            for (at, record) in list.iter().enumerate() {
                assert_eq!(records.get(at), Some(*record));
            }
            assert_eq!(records.get(list.len()), None);
        }
        assert_eq!(
            Records::one(b"x".to_vec()),
            [&b"x"[..]].into_iter().collect()
        );
    }
}
