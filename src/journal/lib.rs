//! The journal: the append-only record of evidence. It knows bytes, not meaning.

mod commit;
mod disk;
mod error;
mod journal;
mod reader;
mod records;

pub use commit::{Acknowledge, CommitLimits, Committer, Entry, Group, Health, Refused, Sink};
pub use disk::{CrashStyle, Disk, DiskFile, FaultPlan, MemoryDisk, RealDisk, SlowDisk};
pub use error::{AppendError, CommitError, Damage, DamageKind, OpenError};
pub use journal::{Appended, Compactor, Cut, Journal, Opened, Options};
pub use reader::{Batch, Batches, Copied, CopyError, OwnRecord, Reader, Record, Verified};
pub use records::Records;
pub use wire::Head;

/// Bytes of one record.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Bytes of the records of one group.
pub const MAX_GROUP_BYTES: u64 = 16 << 20;
/// Records of one group.
pub const MAX_GROUP_RECORDS: usize = 1 << 20;
