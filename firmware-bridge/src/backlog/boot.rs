//! How often the gateway has started.
//!
//! One small file beside the notes. A number is used only after it is on disk, and it is never used
//! twice: together with a sequence it names a note for ever. The file is written under another name,
//! synced, and put in place by a rename that is synced too, so that a power cut leaves the old
//! number or the new one. A file that is gone or unreadable counts as 0; the backlog's own notes and
//! the daemon's receipts then show that the number was higher
//! ([`Session::receipt`](crate::session::Session::receipt)).

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

const NAME: &str = "boot";

/// Raises the number for a start, to at least `least`, and gives it.
///
/// # Errors
/// When it cannot be written; it must not be used then.
pub fn next(folder: &Path, least: u64) -> io::Result<u64> {
    let boot = read(folder).saturating_add(1).max(least).max(1);
    write(folder, boot)?;
    Ok(boot)
}

/// The number of the last start; 0 for none.
pub fn read(folder: &Path) -> u64 {
    fs::read_to_string(folder.join(NAME))
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// Puts a number in place.
///
/// # Errors
/// When it may not survive a power cut.
pub fn write(folder: &Path, boot: u64) -> io::Result<()> {
    let beside = folder.join("boot.new");
    let mut file = File::create(&beside)?;
    writeln!(file, "{boot}")?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(NAME))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_has_a_number_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(next(folder.path(), 0).unwrap(), 1);
        assert_eq!(next(folder.path(), 0).unwrap(), 2);
        assert_eq!(
            next(folder.path(), 9).unwrap(),
            9,
            "the backlog knows better"
        );
        fs::write(folder.path().join(NAME), "\0\0").unwrap();
        assert_eq!(next(folder.path(), 10).unwrap(), 10);
    }
}
