//! A small state that survives a power cut: two files, written in turn.
//!
//! `NAME.a` and `NAME.b` hold one line each: the CRC-32C of the rest in hex, a blank, a number that
//! rises with each save, a blank, the state as JSON. A save overwrites the older file and syncs it,
//! so that a cut in the middle costs that file only and the other still has the state before. What
//! is loaded is the higher number whose check sum fits.
//!
//! Flash wears by erased blocks, not by bytes: a save costs about one block of each the data and
//! the file system's own. Whoever saves says how often at most.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// A file longer than this is not ours.
const MAX_FILE: u64 = 64 * 1024;

/// The pair of files of one state.
#[derive(Debug)]
pub struct Kept<T> {
    paths: [PathBuf; 2],
    /// Number of the last save, and which file it is in.
    last: u64,
    next: usize,
    state: PhantomData<T>,
}

/// A state that was kept cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// Both files are there and neither is whole.
    #[error(
        "neither `{0}.a` nor `{0}.b` is whole\nhint: read the meter's own register, then delete both files and set `opening_wh` to what it showed"
    )]
    BothBroken(String),
    /// The folder or a file cannot be read or made.
    #[error("the state `{0}` cannot be read: {1}\nhint: give the user of the service the folder")]
    Unreadable(String, io::Error),
}

impl<T: Serialize + DeserializeOwned> Kept<T> {
    /// Opens the pair and loads what was saved last; none before the first save. Makes the folder.
    ///
    /// # Errors
    /// [`NotKept`].
    pub fn open(folder: &Path, name: &str) -> Result<(Self, Option<T>), NotKept> {
        let base = folder.join(name);
        let shown = base.display().to_string();
        let paths = ["a", "b"].map(|end| folder.join(format!("{name}.{end}")));
        std::fs::create_dir_all(folder)
            .map_err(|error| NotKept::Unreadable(shown.clone(), error))?;
        let mut found: Option<(u64, usize, T)> = None;
        let mut broken = 0;
        for (i, path) in paths.iter().enumerate() {
            let text = read(path).map_err(|error| NotKept::Unreadable(shown.clone(), error))?;
            let Some(bytes) = text else { continue };
            match parse(&bytes) {
                Some((number, state)) if found.as_ref().is_none_or(|(n, ..)| number > *n) => {
                    found = Some((number, i, state));
                }
                Some(_) => {}
                None => broken += 1,
            }
        }
        // A cut during the very first save leaves one broken file and no other: nothing was kept.
        if found.is_none() && broken == 2 {
            return Err(NotKept::BothBroken(shown));
        }
        let (last, next) = found
            .as_ref()
            .map_or((0, 0), |(number, i, _)| (*number, 1 - i));
        let kept = Kept {
            paths,
            last,
            next,
            state: PhantomData,
        };
        Ok((kept, found.map(|(_, _, state)| state)))
    }

    /// Saves a state; when this returns, no power cut takes it back.
    ///
    /// # Errors
    /// What the disk said. What was saved before still stands, and the next save uses the same file.
    pub fn save(&mut self, state: &T) -> io::Result<()> {
        let number = self.last + 1;
        let body = format!("{number} {}", serde_json::to_string(state)?);
        let line = format!("{:08x} {body}\n", crc32c::crc32c(body.as_bytes()));
        let path = &self.paths[self.next];
        let fresh = !path.exists();
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        file.write_all(line.as_bytes())?;
        file.set_len(line.len() as u64)?;
        file.sync_all()?;
        if fresh && let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.last = number;
        self.next = 1 - self.next;
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_FILE).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(bytes))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Option<(u64, T)> {
    let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (crc, body) = line.split_once(' ')?;
    let fits = u32::from_str_radix(crc, 16).ok()? == crc32c::crc32c(body.as_bytes());
    let (number, state) = body.split_once(' ').filter(|_| fits)?;
    Some((number.parse().ok()?, serde_json::from_str(state).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(folder: &Path) -> (Kept<u64>, Option<u64>) {
        Kept::open(folder, "count").unwrap()
    }

    #[test]
    fn what_was_saved_last_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let (mut keep, none) = kept(folder.path());
        assert_eq!(none, None);
        for count in [5, 1_000, 7] {
            keep.save(&count).unwrap();
            assert_eq!(kept(folder.path()).1, Some(count));
        }
        let (mut again, _) = kept(folder.path());
        again.save(&8).unwrap();
        assert_eq!(kept(folder.path()).1, Some(8));
    }

    #[test]
    fn a_cut_in_the_middle_of_a_save_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let (mut keep, _) = kept(folder.path());
        for count in [123_456, 123_457, 123_458] {
            keep.save(&count).unwrap();
        }
        // The third save went to `a` over the first; the cut leaves any mixture of both.
        let path = folder.path().join("count.a");
        let new = std::fs::read(&path).unwrap();
        let old = parse_and_print(1, 123_456);
        for cut in 0..=new.len() {
            let torn = [&new[..cut], &old[cut.min(old.len())..]].concat();
            std::fs::write(&path, &torn).unwrap();
            let loaded = kept(folder.path()).1;
            let whole = torn == new;
            assert_eq!(loaded, Some(if whole { 123_458 } else { 123_457 }), "{cut}");
            std::fs::write(&path, &new[..cut]).unwrap();
            let expected = if cut == new.len() { 123_458 } else { 123_457 };
            assert_eq!(kept(folder.path()).1, Some(expected), "{cut}");
        }
    }

    fn parse_and_print(number: u64, count: u64) -> Vec<u8> {
        let body = format!("{number} {count}");
        format!("{:08x} {body}\n", crc32c::crc32c(body.as_bytes())).into_bytes()
    }

    #[test]
    fn two_broken_files_are_an_error_and_not_a_zero() {
        let folder = tempfile::tempdir().unwrap();
        let (mut keep, _) = kept(folder.path());
        keep.save(&1).unwrap();
        keep.save(&2).unwrap();
        for end in ["a", "b"] {
            std::fs::write(folder.path().join(format!("count.{end}")), "0").unwrap();
        }
        let error = Kept::<u64>::open(folder.path(), "count")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("neither") && error.contains("hint: "),
            "{error}"
        );
    }
}
