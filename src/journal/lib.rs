//! The journal.

mod commit;
mod compact;
mod copy;
mod disk;
mod error;
mod frame;
mod index;
mod journal;
mod mark;
mod pack;
mod reader;
mod records;
mod recover;
mod segment;
mod verify;

pub use commit::{Acknowledge, CommitLimits, Committer, Entry, Group, Health, Refused, Sink};
pub use compact::Compactor;
pub use disk::{CrashStyle, Disk, DiskFile, FaultPlan, MemoryDisk, RealDisk, SlowDisk};
pub use error::{AppendError, CommitError, Damage, DamageKind, OpenError};
pub use journal::{
    Appended, Cut, Journal, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES, Opened, Options, SEGMENT_BYTES,
};
pub use reader::{Batch, Batches, Copied, CopyError, OwnRecord, Reader, Record, Verified};
pub use records::Records;
pub use wire::Head;

/// Bytes of one record.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Bytes of the records of one group.
pub const MAX_GROUP_BYTES: u64 = 16 << 20;
/// Records of one group.
pub const MAX_GROUP_RECORDS: usize = 1 << 20;
