//! What the daemon says it holds.
//!
//! A receipt is cumulative: `{"done":[{"boot":3,"upto":17,"also":[[20,24]]}],"head":"…"}` says that
//! of boot 3 every note up to 17 and those from 20 to 24 are on the daemon's disk (or covered by a
//! loss record). A later receipt replaces an earlier one; one that names less than before means that
//! the daemon was restored from an older copy. While note 0 has not arrived there is nothing to put
//! in `upto`: it is `null` or absent then.

use serde::Deserialize;

use crate::note::NoteId;

/// Most ranges a receipt may carry over all its boots; a longer one is refused.
pub const RANGES_MOST: usize = 100_000;

/// A receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// One entry for each boot the daemon speaks about.
    pub done: Vec<Done>,
    /// The journal's head, as the daemon prints it.
    #[serde(default)]
    pub head: Option<String>,
}

/// What is held of one boot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// The boot.
    pub boot: u64,
    /// Every sequence up to this one, inclusive; `None` while 0 is missing.
    #[serde(default)]
    pub upto: Option<u64>,
    /// Ranges beyond it, ends inclusive.
    #[serde(default)]
    pub also: Vec<(u64, u64)>,
}

/// The bytes are not a receipt.
#[derive(Debug, thiserror::Error)]
pub enum NotAReceipt {
    /// Not the expected JSON.
    #[error("receipt is not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// A range that ends before it starts.
    #[error(
        "receipt has the range `[{from},{to}]` in boot `{boot}`; expected the first not above the second"
    )]
    Backwards {
        /// The boot.
        boot: u64,
        /// First of the range.
        from: u64,
        /// Last of the range.
        to: u64,
    },
    /// More ranges than [`RANGES_MOST`].
    #[error("receipt has `{0}` ranges; expected at most {RANGES_MOST}")]
    TooMany(usize),
}

impl Receipt {
    /// Reads a receipt as it arrives on the topic.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAReceipt> {
        let receipt: Receipt = serde_json::from_slice(bytes)?;
        let ranges = receipt.done.iter().map(|d| d.also.len() + 1).sum();
        if ranges > RANGES_MOST {
            return Err(NotAReceipt::TooMany(ranges));
        }
        for done in &receipt.done {
            if let Some(&(from, to)) = done.also.iter().find(|(from, to)| from > to) {
                return Err(NotAReceipt::Backwards {
                    boot: done.boot,
                    from,
                    to,
                });
            }
        }
        Ok(receipt)
    }

    /// Does it name this note?
    pub fn names(&self, id: NoteId) -> bool {
        self.done.iter().filter(|d| d.boot == id.boot).any(|d| {
            d.upto.is_some_and(|upto| id.seq <= upto)
                || d.also.iter().any(|&(a, b)| (a..=b).contains(&id.seq))
        })
    }

    /// Does it say anything about this boot? A boot that is not listed although it is newer than
    /// every listed one is spoken about: the daemon has nothing of it. An older one may merely
    /// have been left out.
    pub fn speaks_of(&self, boot: u64) -> bool {
        self.done.iter().all(|d| d.boot < boot) || self.done.iter().any(|d| d.boot == boot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(boot: u64, seq: u64) -> NoteId {
        NoteId { boot, seq }
    }

    #[test]
    fn a_receipt_names_what_is_upto_and_also() {
        let text = br#"{"done":[{"boot":3,"upto":17,"also":[[20,24]]}],"head":"h"}"#;
        let receipt = Receipt::parse(text).unwrap();
        let named: Vec<u64> = (0..30).filter(|&s| receipt.names(id(3, s))).collect();
        let expected: Vec<u64> = (0..=17).chain(20..=24).collect();
        assert_eq!(named, expected);
        assert!(!receipt.names(id(2, 0)));
    }

    #[test]
    fn before_note_0_arrives_upto_is_null_or_absent() {
        for text in [
            r#"{"done":[{"boot":3,"upto":null,"also":[[2,2]]}],"head":null}"#,
            r#"{"done":[{"boot":3,"also":[[2,2]]}]}"#,
        ] {
            let receipt = Receipt::parse(text.as_bytes()).unwrap();
            assert!(!receipt.names(id(3, 0)));
            assert!(receipt.names(id(3, 2)));
        }
    }

    #[test]
    fn a_newer_boot_that_is_not_listed_is_wholly_missing_an_older_one_is_left_open() {
        let receipt = Receipt::parse(br#"{"done":[{"boot":5,"upto":1}]}"#).unwrap();
        assert!(receipt.speaks_of(6));
        assert!(receipt.speaks_of(5));
        assert!(!receipt.speaks_of(4));
    }

    #[test]
    fn what_is_not_a_receipt_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"done":[{"boot":1,"upto":-1}]}"#,
            r#"{"done":[{"boot":1,"upto":1,"also":[[3,2]]}]}"#,
            r#"{"done":[],"more":1}"#,
        ] {
            assert!(Receipt::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
