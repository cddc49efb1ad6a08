//! A line on which a meter talks: a serial port, a TCP socket of a serial server, or a fifo.
//!
//! Serial ports are always opened with 8 data bits and no parity. Meters of IEC 62056-21 talk with 7
//! data bits and even parity, which on the wire is the same 8 bits: [`Parity::Even`] makes and
//! checks the eighth here, so that a byte whose parity is wrong is *seen* to be wrong. (Kernels drop
//! such a byte or pass it on, depending on the driver.)
//!
//! A port that failed is not used again: whoever polls opens a new one.

use std::{collections::VecDeque, io, time::Duration};

use serde::Deserialize;
use serial2_tokio::SerialPort;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, unix::pipe},
    time::Instant,
};

use super::SourceError;

/// Bytes asked for at once.
const CHUNK: usize = 1024;
/// Old bytes that are thrown away before a line is taken for one that never stops.
const MAX_STALE: usize = 1 << 20;
/// How long a serial server may take to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Stands for a byte whose parity was wrong.
const SPOILT: u8 = 0xff;
const HINT: &str =
    "look at the plug, the path (`ls /dev/serial/by-id`) and the group of the user (`dialout`)";
const FIFO_HINT: &str =
    "`mkfifo PATH` makes a fifo; the user of the gateway must be able to read and write it";

/// What the eighth bit of a byte is; `framing` of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Parity {
    /// A bit of the byte, or no business of ours: heads and serial servers that take the parity off
    /// themselves.
    #[serde(rename = "8N1")]
    None,
    /// Even parity over the other seven.
    #[serde(rename = "7E1")]
    Even,
}

impl Parity {
    /// A byte as it goes over the wire.
    pub fn dressed(self, byte: u8) -> u8 {
        match self {
            Parity::None => byte,
            Parity::Even => byte & 0x7f | u8::from(byte.count_ones() % 2 == 1) << 7,
        }
    }

    /// A byte as it was meant; none when its parity is wrong.
    pub fn undressed(self, byte: u8) -> Option<u8> {
        match self {
            Parity::None => Some(byte),
            Parity::Even => byte.count_ones().is_multiple_of(2).then_some(byte & 0x7f),
        }
    }
}

/// An open line.
#[derive(Debug)]
pub enum Port {
    /// A serial port.
    Serial(SerialPort),
    /// A serial server, `tcp:host:port`.
    Tcp(TcpStream),
    /// A fifo, `fifo:/path`, for tests and for other programs that count.
    Fifo(pipe::Receiver),
}

impl Port {
    /// Opens a line: a path of a serial port, `tcp:host:port`, or `fifo:/path`.
    ///
    /// # Errors
    /// [`SourceError::Gone`] when it cannot be opened.
    pub async fn open(address: &str, baud: u32) -> Result<Self, SourceError> {
        let opened = if let Some(peer) = address.strip_prefix("tcp:") {
            match tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(peer)).await {
                Ok(stream) => stream.map(Port::Tcp),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        } else if let Some(path) = address.strip_prefix("fifo:") {
            // Open for writing too, so that the end of one writer is not the end of the fifo.
            pipe::OpenOptions::new()
                .read_write(true)
                .open_receiver(path)
                .map(Port::Fifo)
        } else {
            SerialPort::open(address, baud).map(Port::Serial)
        };
        opened.map_err(|error| gone(address, &error))
    }

    /// Waits for bytes; at least one.
    ///
    /// # Errors
    /// The line's own; `UnexpectedEof` when the other side closed it.
    pub async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut chunk = [0; CHUNK];
        let count = match self {
            Port::Serial(port) => port.read(&mut chunk).await?,
            Port::Tcp(stream) => stream.read(&mut chunk).await?,
            Port::Fifo(pipe) => pipe.read(&mut chunk).await?,
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.extend_from_slice(&chunk[..count]);
        Ok(())
    }

    /// Sends bytes; a fifo only listens.
    ///
    /// # Errors
    /// The line's own.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Port::Serial(port) => port.write_all(bytes).await,
            Port::Tcp(stream) => stream.write_all(bytes).await,
            Port::Fifo(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Talks at another speed from now on. A serial server has its own; there is none on a fifo.
    ///
    /// # Errors
    /// The line's own.
    pub fn set_baud(&mut self, baud: u32) -> io::Result<()> {
        if let Port::Serial(port) = self {
            let mut settings = port.get_configuration()?;
            settings.set_baud_rate(baud)?;
            port.set_configuration(&settings)?;
        }
        Ok(())
    }

    /// Throws away what came before now: what is read after this was sent after this, but for one
    /// telegram that was under way.
    ///
    /// # Errors
    /// The line's own; `InvalidData` when it never stops.
    pub async fn discard(&mut self) -> io::Result<()> {
        let mut stale = Vec::new();
        loop {
            tokio::select! {
                biased;
                read = self.read(&mut stale) => read?,
                () = std::future::ready(()) => return Ok(()),
            }
            if stale.len() > MAX_STALE {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the line never stops",
                ));
            }
        }
    }
}

/// Cuts a stream of bytes into telegrams. Never ends: after noise it finds the next beginning.
pub trait Framer {
    /// What a whole telegram says.
    type Frame;

    /// Takes a byte; at the end of a telegram says what it holds or why it is none.
    fn push(&mut self, byte: u8) -> Option<Result<Self::Frame, super::text::Unreadable>>;
}

/// The telegrams of a line, one after the other. Bytes after the end of one belong to the next.
#[derive(Debug)]
pub struct Frames<'a, F> {
    port: &'a mut Port,
    framer: F,
    wait: Wait<'a>,
    until: Instant,
    pending: VecDeque<u8>,
}

impl<'a, F: Framer> Frames<'a, F> {
    /// Begins with what comes next. The time runs from now, for all that are waited for.
    pub fn new(port: &'a mut Port, framer: F, wait: Wait<'a>) -> Self {
        Frames {
            port,
            framer,
            wait,
            until: Instant::now() + wait.within,
            pending: VecDeque::new(),
        }
    }

    /// Waits for the next telegram that is whole.
    ///
    /// # Errors
    /// [`SourceError::Malformed`] when only broken ones came in time, [`SourceError::Timeout`] when
    /// nothing did, [`SourceError::Gone`] when the line failed.
    pub async fn next(&mut self) -> Result<F::Frame, SourceError> {
        let mut broken = None;
        let mut buffer = Vec::new();
        loop {
            while let Some(byte) = self.pending.pop_front() {
                let byte = self.wait.parity.undressed(byte).unwrap_or(SPOILT);
                match self.framer.push(byte) {
                    Some(Ok(frame)) => return Ok(frame),
                    Some(Err(why)) => broken = Some(why),
                    None => {}
                }
            }
            match tokio::time::timeout_at(self.until, self.port.read(&mut buffer)).await {
                Ok(Ok(())) => self.pending.extend(buffer.drain(..)),
                Ok(Err(error)) => return Err(gone(self.wait.address, &error)),
                Err(_) => return Err(self.wait.ended(broken)),
            }
        }
    }
}

/// How a telegram is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a> {
    /// The line, for errors.
    pub address: &'a str,
    /// How its bytes come; one of wrong parity reaches the framer as 0xff, which no telegram of
    /// 7 bits has.
    pub parity: Parity,
    /// How long, for all that are waited for.
    pub within: Duration,
    /// What to look at when nothing comes.
    pub hint: &'static str,
}

impl Wait<'_> {
    fn ended(&self, broken: Option<super::text::Unreadable>) -> SourceError {
        match broken {
            Some(why) => malformed(self.address, why, self.hint),
            None => SourceError::Timeout {
                device: self.address.to_owned(),
                after_ms: u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX),
                hint: self.hint,
            },
        }
    }
}

pub(super) fn malformed(
    address: &str,
    why: super::text::Unreadable,
    hint: &'static str,
) -> SourceError {
    SourceError::Malformed {
        device: address.to_owned(),
        found: why.found,
        expected: why.expected.to_owned(),
        hint,
    }
}

pub(super) fn gone(address: &str, error: &io::Error) -> SourceError {
    SourceError::Gone {
        device: address.to_owned(),
        reason: error.to_string(),
        hint: if address.starts_with("fifo:") {
            FIFO_HINT
        } else {
            HINT
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_whose_parity_is_wrong_is_seen() {
        for byte in 0..128 {
            let wire = Parity::Even.dressed(byte);
            assert_eq!(Parity::Even.undressed(wire), Some(byte));
            for bit in 0..8 {
                assert_eq!(Parity::Even.undressed(wire ^ (1 << bit)), None);
            }
        }
        // `/?!` with even parity, by hand.
        let wire = b"/?!".map(|byte| Parity::Even.dressed(byte));
        assert_eq!(wire, [0xaf, 0x3f, 0x21]);
    }
}
