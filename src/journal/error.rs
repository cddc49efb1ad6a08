//! What can go wrong, in the order a caller meets it: opening, appending, committing, reading.

use std::io;

/// Something on the disk that is not what was written there. It names the records it hides; they
/// are never given out.
#[derive(Debug, thiserror::Error)]
#[error("record `{record}`{} in `{file}` at byte `{offset}` is damaged: {kind}", upto(*.record, *.end))]
pub struct Damage {
    /// The first record that cannot be given out.
    pub record: u64,
    /// One past the last record hidden by the damage, where that is known.
    pub end: u64,
    /// The file of the journal.
    pub file: String,
    /// Where in the file the damaged group, frame or header begins, in bytes.
    pub offset: u64,
    /// What was seen.
    pub kind: DamageKind,
}

fn upto(record: u64, end: u64) -> String {
    if end > record + 1 {
        format!(" to `{}`", end - 1)
    } else {
        String::new()
    }
}

/// What a check found.
#[derive(Debug, thiserror::Error)]
pub enum DamageKind {
    /// A checksum over a header, a table, a record or a frame differs.
    #[error("checksum of its {0} differs")]
    Checksum(&'static str),
    /// The hash that covers the leaf hashes differs.
    #[error("hash over its leaf hashes differs")]
    Hash,
    /// It does not continue what stands before it.
    #[error("it does not continue the {0} before it")]
    Order(&'static str),
    /// A length is beyond its limit or the lengths do not add up.
    #[error("its lengths do not add up")]
    Length,
    /// Bytes that must be zero are not.
    #[error("the space after it is not empty")]
    Space,
    /// The file or a part of it is not there.
    #[error("it is missing")]
    Missing,
    /// It was written by a newer version.
    #[error("its format is version `{0}`, newer than this program's `1`")]
    Newer(u32),
    /// The disk did not give the bytes.
    #[error("the disk did not give it: {0}")]
    Disk(#[from] io::Error),
}

/// Why a journal does not open. Nothing on the disk was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the folder.
    #[error("the journal is held by another process")]
    Locked,
    /// Damage before the last group: the disk lost what it had confirmed.
    #[error(
        "{0}\nhint: the disk is losing data; copy the folder, then restore from the last backup"
    )]
    Rot(#[from] Damage),
    /// Fewer records than somebody knows to have been on disk.
    #[error(
        "the journal ends at record `{found}`; expected at least `{expected}`, known from {by}\nhint: \
         the folder is older than what was confirmed; restore a newer copy"
    )]
    Shorter {
        /// Records found.
        found: u64,
        /// Records that must be there.
        expected: u64,
        /// Who knows.
        by: &'static str,
    },
    /// There is no room for the first segment.
    #[error("no space for a segment of `{bytes}` bytes\nhint: free space on the disk")]
    OutOfSpace {
        /// Bytes asked for.
        bytes: u64,
    },
    /// An option is outside its limits.
    #[error("option {0}")]
    Option(&'static str),
    /// The disk refused.
    #[error("the disk refused to {what}: {source}")]
    Disk {
        /// What was asked of it.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

/// Why a group was not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No space for the next segment. Nothing was written; it works again when space returns.
    #[error(
        "no space for the next segment of `{bytes}` bytes; nothing was written\nhint: free space on the disk; intake continues by itself"
    )]
    OutOfSpace {
        /// Bytes asked for.
        bytes: u64,
    },
    /// More than a group holds. Nothing was written.
    #[error("`{records}` records of `{bytes}` bytes do not fit a group")]
    TooLarge {
        /// Records in the group.
        records: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The disk failed, now or earlier. The journal takes nothing more until it is opened again.
    #[error("the journal stopped: {reason}\nhint: look at the disk, then start again")]
    Stopped {
        /// The first failure.
        reason: String,
    },
}

/// Why a blocking append has no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The group could not be appended.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// More than half of what the batch holds.
    #[error("`{bytes}` bytes do not fit the pending batch; expected at most `{limit}`")]
    TooLarge {
        /// Bytes of the entry.
        bytes: u64,
        /// Limit of an entry.
        limit: u64,
    },
    /// The committer was stopped.
    #[error("the committer was stopped")]
    Closed,
}
