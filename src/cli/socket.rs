//! Reaching the daemon that holds the data folder.
//!
//! While a daemon runs it alone may write, so a command sends it what was typed, with the bytes of
//! the files it names, over `DATA/commonwatt.sock` (mode 0600: who may open it owns the folder).
//! The daemon runs the same code on its own thread and answers in frames: a letter (`o` data,
//! `e` words, `p` progress, `q` a question, `x` exit code), a length (u32, big endian), and that many
//! bytes. A question is answered with a length and a JSON string, or null where nobody is there.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    user::nobody_to_ask,
    voice::{Terminal, Voice},
};
use office::Answer;

/// Largest request: the bytes of an imported file and what was typed.
pub const MAX_REQUEST_BYTES: u32 = 1 << 30;

/// Longest answer to a question.
const MAX_ANSWER_BYTES: u32 = 4_096;
/// How long a person may take to answer: to find the telephone, too.
const THINKING: std::time::Duration = std::time::Duration::from_secs(300);

/// What was typed, where, and the files it names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Request {
    /// The arguments, without the program's name.
    pub argv: Vec<String>,
    /// Folder in which relative paths are meant.
    pub folder: PathBuf,
    /// Lengths of the files that follow, by the path as typed.
    pub files: Vec<(PathBuf, u64)>,
}

/// Files a command reads, by the path as typed.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Sends a request and speaks the answer on the terminal; gives the exit code.
///
/// # Errors
/// When no daemon answers, or the connection breaks.
pub fn ask(socket: &Path, request: &Request, files: &Files) -> io::Result<u8> {
    let mut stream = UnixStream::connect(socket)?;
    let head = serde_json::to_vec(request)?;
    let length = u32::try_from(head.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&head)?;
    for (path, _) in &request.files {
        stream.write_all(files.get(path).map_or(&[][..], Vec::as_slice))?;
    }
    stream.flush()?;
    let mut terminal = Terminal::default();
    loop {
        let mut start = [0_u8; 5];
        stream.read_exact(&mut start)?;
        let length = u32::from_be_bytes([start[1], start[2], start[3], start[4]]);
        let mut body = vec![0; length as usize];
        stream.read_exact(&mut body)?;
        let text = String::from_utf8_lossy(&body);
        match start[0] {
            b'o' => terminal.data(&text),
            b'e' => terminal.say(&text),
            b'q' => {
                // The answer goes back at once; nobody there is said as such.
                let (what, secret): (String, bool) =
                    serde_json::from_str(&text).map_err(io::Error::other)?;
                let answer = serde_json::to_vec(&terminal.ask(&what, secret).ok())?;
                let length = u32::try_from(answer.len()).map_err(io::Error::other)?;
                stream.write_all(&length.to_be_bytes())?;
                stream.write_all(&answer)?;
            }
            b'p' => {
                if let Ok((label, done, total)) = serde_json::from_str::<(String, u64, u64)>(&text)
                {
                    terminal.progress(&label, done, total);
                }
            }
            _ => return Ok(body.first().copied().unwrap_or(2)),
        }
    }
}

/// Reads one request from a command.
///
/// # Errors
/// When it is larger than [`MAX_REQUEST_BYTES`], broken off, or not a request.
pub fn receive(stream: &mut UnixStream) -> io::Result<(Request, Files)> {
    let too_large = || io::Error::other("the request is larger than 1 GiB");
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > MAX_REQUEST_BYTES {
        return Err(too_large());
    }
    let mut head = vec![0; length as usize];
    stream.read_exact(&mut head)?;
    let request: Request = serde_json::from_slice(&head)?;
    let mut files = Files::new();
    let mut left = u64::from(MAX_REQUEST_BYTES);
    for (path, bytes) in &request.files {
        left = left.checked_sub(*bytes).ok_or_else(too_large)?;
        let mut content = vec![0; usize::try_from(*bytes).map_err(io::Error::other)?];
        stream.read_exact(&mut content)?;
        files.insert(path.clone(), content);
    }
    Ok((request, files))
}

/// The voice of a command that runs inside the daemon for somebody at a terminal.
pub struct Remote {
    stream: UnixStream,
    last_progress: Option<std::time::Instant>,
}

impl Remote {
    /// Speaks over this connection.
    #[must_use]
    pub fn new(stream: UnixStream) -> Remote {
        Remote {
            stream,
            last_progress: None,
        }
    }

    fn frame(&mut self, letter: u8, body: &[u8]) {
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        // The other side may have gone away; the command itself goes on to its end.
        let _ = self
            .stream
            .write_all(&[letter])
            .and_then(|()| self.stream.write_all(&length.to_be_bytes()))
            .and_then(|()| self.stream.write_all(body));
    }

    /// What the person answered, once there is an answer.
    fn answer(&mut self) -> io::Result<Option<String>> {
        self.stream.set_read_timeout(Some(THINKING))?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > MAX_ANSWER_BYTES {
            return Err(io::Error::other("the answer is too long"));
        }
        let mut answer = vec![0; length as usize];
        self.stream.read_exact(&mut answer)?;
        serde_json::from_slice(&answer).map_err(io::Error::other)
    }

    /// Ends the answer with an exit code.
    pub fn exit(&mut self, code: u8) {
        self.frame(b'x', &[code]);
    }
}

impl Voice for Remote {
    fn data(&mut self, text: &str) {
        self.frame(b'o', text.as_bytes());
    }

    fn say(&mut self, line: &str) {
        self.frame(b'e', line.as_bytes());
    }

    fn ask(&mut self, what: &str, secret: bool) -> Answer<String> {
        let asked = serde_json::to_vec(&(what, secret)).unwrap_or_default();
        self.frame(b'q', &asked);
        self.answer()
            .ok()
            .flatten()
            .ok_or_else(|| nobody_to_ask(what))
    }

    fn progress(&mut self, label: &str, done: u64, total: u64) {
        let soon = self
            .last_progress
            .is_some_and(|at| at.elapsed().as_millis() < 50);
        if soon && done < total {
            return;
        }
        self.last_progress = Some(std::time::Instant::now());
        if let Ok(body) = serde_json::to_vec(&(label, done, total)) {
            self.frame(b'p', &body);
        }
    }
}
