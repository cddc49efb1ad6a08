//! The data folder: where everything of one installation lies, and who holds it.
//!
//! ```text
//! DATA/node/journal/           the node's own decisions: gateways' tokens
//! DATA/s/<society>/journal/    one society's evidence
//! DATA/s/<society>/books.sqlite, series.sqlite     projections, made again by `rebuild`
//! DATA/commonwatt.lock         held by whoever may write; names its process
//! DATA/commonwatt.sock         where commands reach the daemon
//! ```

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::answer::{Answer, OrOurs, Refusal, refuse};

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
        // Not truncated: until it is held it names another's process.
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.0.join("commonwatt.lock"))
            .or_ours("the lock file cannot be made")?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _ = lock.read_to_string(&mut holder);
            return Err(Refusal::Caller(self.held_by(holder.trim())));
        }
        let named = lock
            .set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()));
        // On a full disk the lock is held all the same; it only names nobody.
        if let Err(error) = named {
            tracing::debug!(%error, "the lock file does not name this process");
        }
        Ok(Held { _lock: lock })
    }

    /// Who holds the folder, and what can be done.
    fn held_by(&self, process: &str) -> String {
        let (folder, socket) = (self.0.display(), self.socket());
        let who = match process {
            "" => "another commonwatt".to_owned(),
            process => format!("another commonwatt, process {process}"),
        };
        let stop = match process {
            "" => "stop it".to_owned(),
            process => format!("stop it with `kill {process}`"),
        };
        match socket.exists() {
            true => format!(
                "`{folder}` is held by {who}, which answers commands on `{}`\nhint: one daemon serves a folder; {stop}, or name another folder with --data",
                socket.display()
            ),
            false => format!(
                "`{folder}` is held by {who}, which does not answer on `{}`\nhint: it may be starting or stopping; wait a moment and try again, or {stop}",
                socket.display()
            ),
        }
    }

    /// Looks at the folder before a daemon starts in it: what there is to say when it is new.
    ///
    /// # Errors
    /// When it is a file, or the folder it should lie in is not there: then it is mistyped.
    pub fn greet(&self) -> Answer<Option<String>> {
        let folder = self.0.display();
        match fs::metadata(&self.0) {
            Ok(there) if !there.is_dir() => refuse(format!(
                "`{folder}` is a file; expected a data folder\nhint: name the folder with --data"
            )),
            Ok(_) => {
                let mut inside =
                    fs::read_dir(&self.0).or_ours("the data folder cannot be listed")?;
                Ok(inside
                    .next()
                    .is_none()
                    .then(|| format!("`{folder}` was empty; it is a new data folder now")))
            }
            Err(_) => {
                let parent = match self.0.parent() {
                    Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
                    Some(parent) => parent,
                    None => Path::new("/"),
                };
                if !parent.is_dir() {
                    return refuse(format!(
                        "`{folder}` cannot be the data folder: `{}` does not exist\nhint: is --data mistyped? make the folder around it first",
                        parent.display()
                    ));
                }
                Ok(Some(format!(
                    "`{folder}` was not there; an empty data folder was made"
                )))
            }
        }
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
