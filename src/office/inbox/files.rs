//! The inbox's files, `DATA/inbox/<number>.log`.
//!
//! Each is a row of framed message records: length (u32, little endian), then the record as
//! [`records::message`] has it. `kept.json` beside them says what outlives them. A file is written
//! again under another name, synced and put in place.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use records::{
    message::{Arrived, ReadMessage},
    proof::Proof,
};

use super::Waiting;

/// The files of one inbox.
pub(super) struct Files {
    folder: PathBuf,
    open: Option<(u64, File)>,
}

impl Files {
    /// Those of a folder, which need not be there.
    pub(super) fn at(folder: &Path) -> Self {
        Files {
            folder: folder.to_owned(),
            open: None,
        }
    }

    /// Where that lies which outlives the files.
    pub(super) fn kept(&self) -> PathBuf {
        self.folder.join("kept.json")
    }

    /// The numbers of the files, rising.
    pub(super) fn numbers(&self) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|n| n.strip_suffix(".log"));
            numbers.extend(number.and_then(|n| n.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Visits the messages of a file with the bytes that each takes; the bytes of all of them.
    pub(super) fn each(&self, number: u64, mut visit: impl FnMut(Waiting, u64)) -> io::Result<u64> {
        let bytes = fs::read(self.file(number))?;
        let mut at = 0;
        while let Some((head, rest)) = bytes.get(at..).and_then(|b| b.split_first_chunk::<4>()) {
            let length = u32::from_le_bytes(*head) as usize;
            let Some(arrived) = rest.get(..length).and_then(|r| Arrived::decode(r).ok()) else {
                break;
            };
            let message = arrived.message();
            let waiting = Waiting {
                door: message.door,
                topic: arrived.topic(),
                payload: message.payload.to_vec(),
                retained: message.retained,
                received: message.received,
            };
            visit(waiting, 4 + length as u64);
            at += 4 + length;
        }
        Ok(at as u64)
    }

    /// Takes the end off that was cut, so that nothing is written behind it.
    pub(super) fn cut(&self, number: u64, whole: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.file(number))?;
        if file.metadata()?.len() > whole {
            file.set_len(whole)?;
        }
        Ok(())
    }

    /// Appends to a file, which is made if it is not there.
    pub(super) fn append(&mut self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let file = match self.open.take() {
            Some((open, file)) if open == number => file,
            before => {
                // What lies in the file before must not wait for a sync that never comes.
                if let Some((_, file)) = before {
                    file.sync_data()?;
                }
                self.make()?;
                let path = self.file(number);
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                File::open(&self.folder)?.sync_all()?;
                file
            }
        };
        let (_, file) = self.open.insert((number, file));
        file.write_all(bytes)
    }

    /// What was appended is on disk afterwards.
    pub(super) fn sync(&self) -> io::Result<()> {
        match &self.open {
            Some((_, file)) => file.sync_data(),
            None => Ok(()),
        }
    }

    /// The file that is being written, to be synced by somebody else.
    pub(super) fn being_written(&self) -> Option<File> {
        self.open
            .as_ref()
            .and_then(|(_, file)| file.try_clone().ok())
    }

    /// Puts other bytes in the place of a file.
    pub(super) fn write_again(&mut self, number: u64, bytes: &[u8]) -> io::Result<()> {
        self.open = None;
        self.replace(&self.file(number), bytes)
    }

    /// Puts that in place which outlives the files.
    pub(super) fn keep(&self, text: &[u8]) -> io::Result<()> {
        self.make()?;
        self.replace(&self.kept(), text)
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, number: u64) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|(open, _)| *open == number) {
            self.open = None;
        }
        fs::remove_file(self.file(number))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let part = self.folder.join("part");
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        File::open(&self.folder)?.sync_all()
    }

    fn make(&self) -> io::Result<()> {
        crate::folder::make(&self.folder).map_err(|e| io::Error::other(e.to_string()))
    }

    fn file(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:08}.log"))
    }
}

/// A message as it lies in a file; nothing for one that no record can hold.
pub(super) fn framed(message: &Waiting) -> Vec<u8> {
    let mut into = vec![0; 4];
    let record = ReadMessage {
        received: message.received,
        door: message.door,
        qos: 0,
        retained: message.retained,
        will: false,
        undecodable: false,
        proof: Proof::Unsigned,
        gateway: "",
        topic: &message.topic,
        mapping: None,
        payload: &message.payload,
    };
    let Some(length) = record
        .encode(&mut into)
        .ok()
        .and_then(|_| u32::try_from(into.len() - 4).ok())
    else {
        return Vec::new();
    };
    into[..4].copy_from_slice(&length.to_le_bytes());
    into
}
