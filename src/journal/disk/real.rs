//! A folder of the operating system.

use super::{Disk, DiskFile};
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::io::Errno;
use std::any::Any;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder on a real disk. Every file is allocated when it is made, so that running out of space
/// shows there and nowhere else.
pub struct RealDisk {
    folder: PathBuf,
}

/// The file whose lock says that a writer holds the folder.
const LOCK: &str = "lock";

impl RealDisk {
    /// Uses this folder; makes it, durably, when it is not there.
    pub fn new(folder: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let folder = folder.into();
        if !folder.is_dir() {
            fs::create_dir_all(&folder)?;
            // Each ancestor's entry must reach the disk too; the nearest two are ours.
            for parent in folder.ancestors().skip(1).take(2) {
                let parent = if parent.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    parent
                };
                sync_all(&File::open(parent)?)?;
            }
        }
        Ok(RealDisk { folder })
    }

    /// Uses this folder as it is; an error when it is not there.
    pub fn existing(folder: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let folder = folder.into();
        fs::metadata(&folder)?;
        Ok(RealDisk { folder })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Disk for RealDisk {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        let path = self.folder.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(file))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.folder.join(name);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            // A copy on a read-only medium can still be verified.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                File::open(&path)?
            }
            other => other?,
        };
        Ok(Arc::new(RealFile { file }))
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.folder.join(name);
        if let Some((inner, _)) = name.rsplit_once('/') {
            fs::create_dir_all(self.folder.join(inner))?;
        }
        let made = OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .and_then(|file| allocate(&file, 0, bytes).map(|()| file));
        match made {
            Ok(file) => Ok(Arc::new(RealFile { file })),
            Err(e) => {
                let _ = fs::remove_file(&path);
                Err(e)
            }
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn sync_folder(&self) -> io::Result<()> {
        for folder in [self.folder.join("cut"), self.folder.clone()] {
            match File::open(&folder) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                opened => sync_all(&opened?)?,
            }
        }
        Ok(())
    }
}

struct RealFile {
    file: File,
}

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut got = 0;
        while got < into.len() {
            match self.file.read_at(&mut into[got..], offset + got as u64) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(got)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut(&self, keep: u64, bytes: u64) -> io::Result<()> {
        self.file.set_len(keep)?;
        allocate(&self.file, keep, bytes.saturating_sub(keep))
    }
}

fn sync_all(folder: &File) -> io::Result<()> {
    folder.sync_all()
}

/// Allocates zero bytes. Where the file system cannot promise space, zeros are written, which
/// takes it.
fn allocate(file: &File, offset: u64, bytes: u64) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::empty(), offset, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let zeros = [0u8; 64 * 1024];
            let mut at = 0;
            while at < bytes {
                let part = (bytes - at).min(zeros.len() as u64);
                file.write_all_at(&zeros[..part as usize], offset + at)?;
                at += part;
            }
            Ok(())
        }
        other => Ok(other?),
    }
}
