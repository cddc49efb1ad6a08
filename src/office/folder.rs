//! The data folder: where everything of one installation lies, and who holds it.
//!
//! ```text
//! DATA/node/journal/           the node's own decisions: gateways' tokens
//! DATA/s/<society>/journal/    one society's evidence
//! DATA/s/<society>/books.sqlite, series.sqlite     projections, made again by `rebuild`
//! DATA/commonwatt.lock         held by whoever may write
//! DATA/commonwatt.sock         where commands reach the daemon
//! ```

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::answer::{Answer, OrOurs, Refusal};

/// Paths inside a data folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// Proof that this process alone may write the folder.
pub struct Held {
    _lock: File,
}

impl Folder {
    /// The folder at this path; it need not exist yet.
    #[must_use]
    pub fn at(path: &Path) -> Folder {
        Folder(path.to_owned())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The socket through which commands reach the daemon.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("commonwatt.sock")
    }

    /// The node's journal.
    #[must_use]
    pub fn node_journal(&self) -> PathBuf {
        self.0.join("node/journal")
    }

    /// One society's folder.
    #[must_use]
    pub fn society(&self, slug: &str) -> PathBuf {
        self.0.join("s").join(slug)
    }

    /// Slugs of the societies that have a folder, in order.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn societies(&self) -> Answer<Vec<String>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.0.join("s")) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error).or_ours("the societies' folder cannot be listed"),
        };
        for entry in entries {
            let entry = entry.or_ours("the societies' folder cannot be listed")?;
            if entry.path().join("journal").is_dir() {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Takes the projections of one society, or all, away; the next start makes them again.
    ///
    /// # Errors
    /// When another process holds the folder, or a file cannot be removed.
    pub fn forget_projections(&self, only: Option<&str>) -> Answer<()> {
        let _held = self.hold()?;
        for slug in self.societies()? {
            if only.is_some_and(|only| only != slug) {
                continue;
            }
            for name in ["series.sqlite", "books.sqlite"] {
                for ending in ["", "-wal", "-shm"] {
                    match fs::remove_file(self.society(&slug).join(format!("{name}{ending}"))) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => {
                            return Err(error).or_ours("an old projection cannot be taken away");
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes the folder where it is missing, readable by its owner only, and takes the lock.
    ///
    /// # Errors
    /// When another process holds it.
    pub fn hold(&self) -> Answer<Held> {
        make(&self.0)?;
        let lock =
            File::create(self.0.join("commonwatt.lock")).or_ours("the lock file cannot be made")?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Refusal::Caller(format!(
                "`{}` is held by another commonwatt that does not answer on its socket\nhint: it may be starting or stopping; wait a moment and try again",
                self.0.display()
            ))
        })?;
        Ok(Held { _lock: lock })
    }
}

/// Makes a folder and its parents; only the owner may enter.
///
/// # Errors
/// When it cannot be made.
pub fn make(path: &Path) -> Answer<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .or_ours(&format!("`{}` cannot be made", path.display()))?;
    let meta = fs::metadata(path).or_ours("the folder cannot be seen")?;
    if meta.permissions().mode() & 0o077 != 0 {
        tracing::warn!(folder = %path.display(), "the data folder can be entered by others; `chmod 700` closes it");
    }
    Ok(())
}
