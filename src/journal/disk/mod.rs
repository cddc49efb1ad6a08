//! What the journal asks of a disk: files in one folder, written at an offset, synced, renamed.
//!
//! [`RealDisk`] is a folder. [`MemoryDisk`] is a folder that can lose power, tear and lie, for
//! tests. [`SlowDisk`] is any of them with a slow sync, as an SD card has.

mod memory;
mod real;
mod slow;

pub use memory::{CrashStyle, FaultPlan, MemoryDisk};
pub use real::RealDisk;
pub use slow::SlowDisk;

use std::any::Any;
use std::io;
use std::sync::Arc;

/// A folder of files. Names are flat, except `cut/NAME`.
///
/// Out of space is an error of kind [`io::ErrorKind::StorageFull`]; a name that is not there is
/// [`io::ErrorKind::NotFound`].
pub trait Disk: Send + Sync + 'static {
    /// Holds the folder for one writer until the guard is dropped; an error of kind
    /// [`io::ErrorKind::WouldBlock`] when another holds it.
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>>;
    /// The names in the folder, in any order, without those in `cut/`.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Makes a new file of this many zero bytes, all of them allocated, replacing one of that
    /// name. When there is no space, nothing remains of it.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>>;
    /// Gives a file another name, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file; one that is not there is no error.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable: returns when every create, rename and remove before it is on disk.
    fn sync_folder(&self) -> io::Result<()>;
}

/// An open file. It may be read while it is written; a removed file stays readable.
pub trait DiskFile: Send + Sync + 'static {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Reads up to `into.len()` bytes; fewer only at the end of the file.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Writes all bytes.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes the file's bytes and length durable (`fdatasync`).
    fn sync(&self) -> io::Result<()>;
    /// Cuts the file to `keep` bytes, then allocates zero bytes up to `bytes`.
    fn cut(&self, keep: u64, bytes: u64) -> io::Result<()>;
    /// Is the file of no bytes?
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// Reads exactly `into.len()` bytes or says that the end came first.
pub(crate) fn read_exact(file: &dyn DiskFile, offset: u64, into: &mut [u8]) -> io::Result<()> {
    if file.read_at(offset, into)? == into.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
