//! The journal: the append-only record of evidence. It knows bytes, not meaning. What has been
//! acknowledged is on disk; what is damaged is an error that names the records, never a wrong
//! one; a disk that reports an error ends intake.
//!
//! # The folder
//!
//! ```text
//! 00000000000000000000.zst   a closed segment, compressed, named by its first record
//! 00000000000000421337.seg   a closed segment as it was written, with its index …
//! 00000000000000421337.idx   … beside it
//! 00000000000000602214.seg   the active segment
//! reserve                    the next segment, allocated and empty
//! synced                     how far the journal is known to have been on disk
//! cut/                       unfinished ends that were set aside
//! lock                       held by the one process that appends
//! ```
//!
//! Numbers are little-endian; hashes are SHA-256; checksums are CRC-32C.
//!
//! # Records, groups, the tree
//!
//! A record is a string of bytes with an index, from 0. Over all records stands the tree of
//! RFC 6962: leaf SHA-256(0x00 ‖ record), node SHA-256(0x01 ‖ left ‖ right). Only its right edge
//! is kept, in memory and in each segment's header, so that a start hashes the last segment and no
//! other. Size and root are the journal's [`Head`].
//!
//! Records are written in groups: one write, one `fdatasync`, then the acknowledgements. **Group
//! n+1 is written only when group n is on disk.** Everything about recovery follows from that.
//!
//! A group is a frame. Frames begin at multiples of 4096 bytes and the space between them is zero,
//! so that a torn sector can only hurt the group being written, never an acknowledged one.
//!
//! ```text
//! tag 8 | number 8 | first record 8 | time_ms 8 | records 4 | bytes 4 | previous group's hash 32
//! | hash 32 | checksum of the table 4 | checksum of all this 4        112 bytes
//! for each record: length 4, checksum 4                               the table
//! the records, one after the other
//! ```
//!
//! `hash` is SHA-256(0x02 ‖ number … previous ‖ leaf hashes), so the groups are a chain too. The
//! tag is the first 8 bytes of SHA-256(0x03 ‖ the journal's identity ‖ the segment's first
//! record). The identity is random and never leaves the folder: no device can send bytes that
//! recovery would take for a frame. Each read of a record checks the checksums (which name the
//! damaged record), every leaf hash, the group's hash, the chain where the group before was read
//! too, and that the space after the frame is empty.
//!
//! # Segments
//!
//! A segment begins with a block of 4096 bytes: `CWJOURN1` (or `CWJPACK1`), version, identity,
//! first record, first group, hash of the group before, the tree's right edge, checksum. It is
//! allocated whole, synced, and named durably before its first group. There is always one more,
//! the reserve; when none can be allocated, an append that no longer fits is refused as
//! [`AppendError::OutOfSpace`] **before anything is written**, and works again when space returns.
//! Any other failure of a write, a sync or a rename is final: the journal takes nothing more
//! until it is opened again.
//!
//! A closed segment has an index: its span of records, groups and times, its last hash and right
//! edge, and the stretches (256 KiB, or one compressed frame) with their offsets and times. A
//! position or a span of time is found through it without a scan. A missing one is made again.
//!
//! Closed segments are compressed into zstd frames of up to 256 records. A frame keeps which
//! groups its records came in and SHA-256(0x04 ‖ first record ‖ leaf hashes): as long as the
//! records are there their leaf hashes are recomputed, not stored. The new file replaces the old
//! one only after it was synced, read back, and led to the same right edge of the tree.
//!
//! # Recovery
//!
//! Opening reads every segment's header and index, each of which must continue the one before it,
//! and checks the last segment record by record. Where that meets something that is not a whole
//! group:
//!
//! - only zeros follow, or the file ends: the journal ends there;
//! - the group's own header is whole, and a byte beyond its extent is not zero: a later group was
//!   begun, so this one had been on disk. That is **rot**; opening is refused;
//! - its header is not whole, and the header of a later group follows, or more bytes than the
//!   largest group has: rot as well;
//! - otherwise it is the **unfinished last group**. It was never acknowledged. Its bytes go to
//!   `cut/`, the segment ends before it, and [`Opened::cut`] tells the caller, who owes the
//!   journal a record of it.
//!
//! Whatever is wrong in an earlier segment is rot. What is left must reach the `synced` mark and
//! [`Options::expect_at_least`]; a shorter journal does not open, and nothing is changed. The mark
//! is written at start, at each new segment, when the time of the groups has moved by 10 seconds,
//! every 4096 groups, and at close; it never names what is not on disk. It decides the one case
//! that the groups cannot: a last group that is damaged, or a tail that is gone, with nothing
//! after it.
//!
//! The last whole group is written again and synced at each start: after a failed sync the kernel
//! may show bytes that are not on the disk and would never write them.
//!
//! What cannot be told apart from a power cut: rot that hides exactly the end of the journal since
//! the last mark, when nobody holds a newer head. And of two faults at once, rot in the header of
//! a group and a power cut during the next one that left no header of it, the first is taken for
//! the second.
//!
//! # Limits
//!
//! | | |
//! |---|---|
//! | a record | [`MAX_RECORD_BYTES`] |
//! | a group | [`MAX_GROUP_BYTES`], [`MAX_GROUP_RECORDS`], and what a segment holds |
//! | a segment | [`MIN_SEGMENT_BYTES`] to [`MAX_SEGMENT_BYTES`], [`SEGMENT_BYTES`] by itself |
//! | the pending batch | [`CommitLimits`]; when it is full, [`Refused::Full`] |
//!
//! A record or group beyond its limit is refused and nothing is written.

mod batches;
mod commit;
mod compact;
mod copy;
#[doc(hidden)]
pub mod decoders;
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
mod scan;
mod segment;
mod survey;
mod verify;
mod walk;

pub use batches::{Batch, Batches, OwnRecord, Record};
pub use commit::{Acknowledge, CommitLimits, Committer, Entry, Group, Health, Refused, Sink};
pub use compact::Compactor;
pub use disk::{CrashStyle, Disk, DiskFile, FaultPlan, MemoryDisk, RealDisk, SlowDisk};
pub use error::{AppendError, CommitError, Damage, DamageKind, OpenError};
pub use journal::{
    Appended, Cut, Journal, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES, Opened, Options, SEGMENT_BYTES,
};
pub use reader::{Copied, CopyError, Reader, Verified};
pub use records::Records;
pub use wire::Head;

/// Bytes of one record.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Bytes of the records of one group.
pub const MAX_GROUP_BYTES: u64 = 16 << 20;
/// Records of one group.
pub const MAX_GROUP_RECORDS: usize = 1 << 20;
