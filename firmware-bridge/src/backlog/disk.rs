//! Notes in files that survive power cuts.
//!
//! A folder holds `boot` ([`super::boot`]), `lock`, and files `00000001.notes`, … ([`super::frame`]),
//! each a group of notes in the order in which they were appended. Every append is one write and one
//! `fdatasync`; a new file and its name are synced before its first note counts. A process begins a
//! new file, so that it never writes behind a torn end.
//!
//! Room is made by unlinking whole files, oldest first: what a receipt named stays readable as long
//! as there is room, which is the ring from which a restored daemon is served again.
//!
//! An embedded store (redb 4) was measured for the same work: a note of 1.1 KB wrote 28 to 50 KB in
//! whole pages against 5 KB here, and on a full disk it could not even delete, because deleting needs
//! new pages first. A gateway that nobody visits must get out of that by itself.
//!
//! A failed sync leaves nothing that is believed: the file is left as it is, and the note is
//! appended again to a new one.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rustix::fs::{FlockOperation, flock};

use super::{
    Backlog, BacklogError, Found, Placed, boot,
    frame::{self, Frame},
};
use crate::note::NoteId;

/// A file is closed when it has so many bytes, or the 256th part of the cap if that is less.
pub const FILE_BYTES: u64 = 1 << 20;
/// Smallest bound of a file.
const FILE_BYTES_LEAST: u64 = 16 << 10;
/// What a file costs besides its frames: the part of its last block that stays empty.
const FILE_COST_BYTES: u64 = 4096;

/// A folder of notes, held by one process.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    file_bytes: u64,
    /// The number of the next file.
    next: u64,
    /// Files not scanned yet.
    unseen: VecDeque<u64>,
    writing: Option<Writing>,
    places: BTreeMap<NoteId, Place>,
    _lock: File,
}

#[derive(Debug)]
struct Writing {
    group: u64,
    file: File,
    size: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    group: u64,
    offset: u64,
    length: u32,
}

impl Disk {
    /// Opens a folder, made if it is not there, for at most `cap_bytes` of notes.
    ///
    /// # Errors
    /// [`BacklogError::InUse`], or what the system says.
    pub fn open(folder: &Path, cap_bytes: u64) -> Result<Disk, BacklogError> {
        fs::create_dir_all(folder).map_err(failed("make the folder"))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))
            .map_err(failed("open the lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| BacklogError::InUse(folder.display().to_string()))?;
        let unseen = groups(folder)?;
        Ok(Disk {
            folder: folder.to_owned(),
            file_bytes: (cap_bytes / 256).clamp(FILE_BYTES_LEAST, FILE_BYTES),
            next: unseen.back().map_or(1, |last| last + 1),
            unseen,
            writing: None,
            places: BTreeMap::new(),
            _lock: lock,
        })
    }

    /// The number for this start, which is on disk when it is given ([`boot::next`]).
    ///
    /// # Errors
    /// [`BacklogError`]; the gateway must not start without one.
    pub fn next_boot(&mut self, least: u64) -> Result<u64, BacklogError> {
        boot::next(&self.folder, least).map_err(failed("write the boot number"))
    }

    fn path(&self, group: u64) -> PathBuf {
        self.folder.join(format!("{group:08}.notes"))
    }

    fn scan_file(&mut self, group: u64) -> Result<Vec<Found>, BacklogError> {
        let mut all = Vec::new();
        let bytes = fs::read(self.path(group)).map_err(failed("read a file"))?;
        let mut at = match bytes.starts_with(frame::MAGIC) {
            true => frame::MAGIC.len(),
            false => 0,
        };
        let mut cost = FILE_COST_BYTES;
        while at < bytes.len() {
            let Some((frame, size)) = frame::read(&bytes[at..]) else {
                let whole = frame::next_whole(&bytes, at + 1);
                all.push(Found::Damage {
                    group,
                    bytes: (whole - at) as u64,
                });
                at = whole;
                continue;
            };
            match frame {
                Frame::Note(id, payload) => {
                    let end = at + size;
                    self.places.insert(id, place(group, end, payload.len()));
                    all.push(Found::Note {
                        id,
                        placed: Placed {
                            group,
                            bytes: size as u64 + std::mem::take(&mut cost),
                        },
                        payload: Bytes::copy_from_slice(payload),
                    });
                }
                Frame::Named { boot, upto } => all.push(Found::Named { boot, upto }),
            }
            at += size;
        }
        Ok(all)
    }

    /// The file being written, with room for another frame; and what it costs if it is new.
    fn writing(&mut self) -> Result<(&mut Writing, u64), BacklogError> {
        if self
            .writing
            .as_ref()
            .is_some_and(|w| w.size >= self.file_bytes)
        {
            self.writing = None;
        }
        let mut cost = 0;
        let writing = match self.writing.take() {
            Some(writing) => writing,
            None => {
                cost = FILE_COST_BYTES;
                let group = self.next;
                let file = self.begin(group);
                if file.is_err() {
                    // Nobody reads it; it would only be in the way of the next try.
                    let _ = fs::remove_file(self.path(group));
                }
                let file = file.map_err(failed("begin a file"))?;
                self.next += 1;
                Writing {
                    group,
                    file,
                    size: frame::MAGIC.len() as u64,
                }
            }
        };
        Ok((self.writing.insert(writing), cost))
    }

    fn begin(&self, group: u64) -> io::Result<File> {
        let mut file = File::options()
            .create_new(true)
            .write(true)
            .open(self.path(group))?;
        file.write_all(frame::MAGIC)?;
        file.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(file)
    }
}

impl Backlog for Disk {
    fn scan(&mut self) -> Result<Option<Vec<Found>>, BacklogError> {
        while let Some(group) = self.unseen.pop_front() {
            let found = self.scan_file(group)?;
            if found
                .iter()
                .any(|found| matches!(found, Found::Note { .. }))
            {
                return Ok(Some(found));
            }
            // A start that never came to a note, or nothing but damage.
            fs::remove_file(self.path(group)).map_err(failed("remove an empty file"))?;
        }
        Ok(None)
    }

    fn append(&mut self, id: NoteId, payload: &Bytes) -> Result<Placed, BacklogError> {
        let mut bytes = Vec::with_capacity(payload.len() + 64);
        frame::write(&mut bytes, Frame::Note(id, payload));
        let (writing, cost) = self.writing()?;
        let written = writing
            .file
            .write_all(&bytes)
            .and_then(|()| writing.file.sync_data());
        if let Err(error) = written {
            // What was written of it is cut off again as far as the disk lets us, and not relied on.
            let _ = writing.file.set_len(writing.size);
            self.writing = None;
            return Err(failed("keep a note")(error));
        }
        writing.size += bytes.len() as u64;
        let (group, end) = (writing.group, writing.size);
        let end = usize::try_from(end).unwrap_or(usize::MAX);
        self.places.insert(id, place(group, end, payload.len()));
        Ok(Placed {
            group,
            bytes: bytes.len() as u64 + cost,
        })
    }

    fn named(&mut self, boot: u64, upto: u64) -> Result<(), BacklogError> {
        // Only behind a note: a file of its own is not worth it.
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        let mut bytes = Vec::with_capacity(64);
        frame::write(&mut bytes, Frame::Named { boot, upto });
        if let Err(error) = writing.file.write_all(&bytes) {
            let _ = writing.file.set_len(writing.size);
            self.writing = None;
            return Err(failed("keep a receipt")(error));
        }
        writing.size += bytes.len() as u64;
        Ok(())
    }

    fn load(&self, id: NoteId) -> Result<Bytes, BacklogError> {
        let place = self.places.get(&id).ok_or(BacklogError::Unknown(id))?;
        let mut file = File::open(self.path(place.group)).map_err(failed("open a file"))?;
        file.seek(SeekFrom::Start(place.offset))
            .map_err(failed("read a note"))?;
        let mut bytes = vec![0; place.length as usize];
        file.read_exact(&mut bytes).map_err(failed("read a note"))?;
        match frame::read(&bytes) {
            Some((Frame::Note(found, payload), _)) if found == id => {
                Ok(Bytes::copy_from_slice(payload))
            }
            _ => Err(BacklogError::Damaged(id)),
        }
    }

    fn remove(&mut self, group: u64) -> Result<(), BacklogError> {
        if self.writing.as_ref().is_some_and(|w| w.group == group) {
            self.writing = None;
        }
        match fs::remove_file(self.path(group)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed("remove a file")(error));
            }
            _ => {}
        }
        self.places.retain(|_, place| place.group != group);
        Ok(())
    }

    fn raise_boot(&mut self, to: u64) -> Result<(), BacklogError> {
        boot::write(&self.folder, to).map_err(failed("write the boot number"))
    }
}

/// The place of a note's frame that ends at `end`.
fn place(group: u64, end: usize, payload: usize) -> Place {
    let length = frame::HEAD_BYTES + 17 + payload;
    Place {
        group,
        offset: end.saturating_sub(length) as u64,
        length: u32::try_from(length).unwrap_or(u32::MAX),
    }
}

fn groups(folder: &Path) -> Result<VecDeque<u64>, BacklogError> {
    let mut groups = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed("list the folder"))? {
        let name = entry.map_err(failed("list the folder"))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".notes"));
        groups.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    groups.sort_unstable();
    Ok(groups.into())
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> BacklogError {
    move |source| match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => BacklogError::Full,
        _ => BacklogError::Io { what, source },
    }
}
