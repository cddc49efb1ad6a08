//! A disk whose syncs take long, as those of an SD card do. For tests and benches.

use super::{Disk, DiskFile};
use std::any::Any;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Another disk, with every sync delayed.
pub struct SlowDisk {
    disk: Arc<dyn Disk>,
    delay: Duration,
}

impl SlowDisk {
    /// Delays every sync of `disk`.
    pub fn new(disk: Arc<dyn Disk>, delay: Duration) -> SlowDisk {
        SlowDisk { disk, delay }
    }

    fn slow(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(SlowFile {
            file,
            delay: self.delay,
        })
    }
}

impl Disk for SlowDisk {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.disk.lock()
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.slow(self.disk.open(name)?))
    }
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.slow(self.disk.create(name, bytes)?))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn sync_folder(&self) -> io::Result<()> {
        std::thread::sleep(self.delay);
        self.disk.sync_folder()
    }
}

struct SlowFile {
    file: Arc<dyn DiskFile>,
    delay: Duration,
}

impl DiskFile for SlowFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, into)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }
    fn sync(&self) -> io::Result<()> {
        std::thread::sleep(self.delay);
        self.file.sync()
    }
    fn cut(&self, keep: u64, bytes: u64) -> io::Result<()> {
        self.file.cut(keep, bytes)
    }
}
