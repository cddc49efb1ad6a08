//! One serial line or one network connection, and everything that can go wrong on it.
//!
//! A request waits for its answer before the next one leaves. After any time-out the connection is
//! dropped: a late answer would otherwise be taken for the next one, for ever (tokio-modbus #324).
//! On a serial line the port is closed, opened again and left quiet for a moment, and what came in
//! meanwhile is thrown away. An idle network connection that the device closed is opened again once,
//! without a word: inverters do that every few minutes.

use std::{os::fd::OwnedFd, time::Duration};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use serial2_tokio::{CharSize, FlowControl, SerialPort, StopBits};
use thiserror::Error;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tokio_modbus::{
    ExceptionCode, Request, Response, Slave,
    client::{Client, Context, rtu, tcp},
    slave::SlaveContext,
};
use tracing::debug;

use super::{Address, Parity};

/// The most registers that one request may ask for (Modbus application protocol 1.1b3, 6.3).
pub const MAX_REGISTERS: u16 = 125;

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a network connection to open.
    pub connect: Duration,
    /// For the first answer on a fresh network connection; some inverters wake up for it.
    pub first_answer: Duration,
    /// For every other answer.
    pub answer: Duration,
    /// Quiet time on a serial line between an answer and the next request.
    pub gap: Duration,
    /// Quiet time on a serial line after a time-out, for late answers to pass.
    pub settle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            connect: Duration::from_secs(5),
            first_answer: Duration::from_secs(10),
            answer: Duration::from_secs(3),
            gap: Duration::from_millis(100),
            settle: Duration::from_secs(1),
        }
    }
}

/// Which of a device's two tables to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Holding registers, function 3.
    Holding,
    /// Input registers, function 4.
    Input,
}

/// Why registers could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Nothing came in time; the connection was dropped.
    #[error("no answer within {0} ms")]
    Timeout(u64),
    /// The port or the connection is not there.
    #[error("{0}")]
    Gone(String),
    /// The device answered with a Modbus exception.
    #[error("exception {}: {}", u8::from(*.0), spoken(*.0))]
    Exception(ExceptionCode),
    /// The answer is not one to this request.
    #[error("{0}")]
    Garbage(String),
}

impl ReadError {
    /// Whether the device says that there is no such register, rather than that something failed.
    pub fn is_no_such_register(&self) -> bool {
        matches!(
            self,
            ReadError::Exception(
                ExceptionCode::IllegalDataAddress
                    | ExceptionCode::IllegalDataValue
                    | ExceptionCode::IllegalFunction
            )
        )
    }

    /// Whether the device itself speaks here. Where no device is, gateways say 10 or 11, and some
    /// servers 4.
    pub fn is_somebodys(&self) -> bool {
        match self {
            ReadError::Exception(code) => !matches!(
                code,
                ExceptionCode::GatewayPathUnavailable
                    | ExceptionCode::GatewayTargetDevice
                    | ExceptionCode::ServerDeviceFailure
            ),
            _ => false,
        }
    }
}

fn spoken(code: ExceptionCode) -> &'static str {
    match code {
        ExceptionCode::IllegalFunction => "it does not know this function",
        ExceptionCode::IllegalDataAddress => "it has no such register",
        ExceptionCode::IllegalDataValue => "it does not give so many registers at once",
        ExceptionCode::ServerDeviceFailure => "it failed inside",
        ExceptionCode::Acknowledge | ExceptionCode::ServerDeviceBusy => "it is busy",
        ExceptionCode::MemoryParityError => "its memory is damaged",
        ExceptionCode::GatewayPathUnavailable => "the gateway has no way to it",
        ExceptionCode::GatewayTargetDevice => "the gateway gets no answer from it",
        ExceptionCode::Custom(_) => "a code of its maker's own",
    }
}

/// A line with at most one open connection.
#[derive(Debug)]
pub(super) struct Line {
    address: Address,
    timing: Timing,
    connection: Option<Connection>,
    /// No request may leave before; only on a serial line.
    quiet_until: Option<Instant>,
}

struct Connection {
    context: Context,
    answered: bool,
    /// Held while a serial line is open: another gateway or scan must not talk into it.
    _talker: Option<OwnedFd>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

impl Line {
    pub(super) fn new(address: Address, timing: Timing) -> Self {
        Line {
            address,
            timing,
            connection: None,
            quiet_until: None,
        }
    }

    /// Reads `count` registers from `from` on.
    pub(super) async fn read(
        &mut self,
        unit: u8,
        table: Table,
        from: u16,
        count: u16,
    ) -> Result<Vec<u16>, ReadError> {
        assert!(
            (1..=MAX_REGISTERS).contains(&count),
            "a request asks for 1 to 125 registers"
        );
        let was_idle = self.connection.as_ref().is_some_and(|c| c.answered);
        match self.ask(unit, table, from, count).await {
            Err(ReadError::Gone(reason)) if was_idle => {
                debug!(line = %self.address, reason, "opening an idle connection again");
                self.ask(unit, table, from, count).await
            }
            answer => answer,
        }
    }

    /// One request, one answer; on anything but an answer the connection is dropped.
    async fn ask(
        &mut self,
        unit: u8,
        table: Table,
        from: u16,
        count: u16,
    ) -> Result<Vec<u16>, ReadError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        if let Some(quiet_until) = self.quiet_until {
            sleep_until(quiet_until).await;
        }
        // Meters on a line do not sleep; only a network inverter is waited for.
        let wait = if connection.answered || matches!(self.address, Address::Serial { .. }) {
            self.timing.answer
        } else {
            self.timing.first_answer
        };
        connection.context.set_slave(Slave(unit));
        let request = match table {
            Table::Holding => Request::ReadHoldingRegisters(from, count),
            Table::Input => Request::ReadInputRegisters(from, count),
        };
        // Whoever gives up waiting drops this future and with it the connection.
        self.keep_quiet(self.timing.settle);
        let answer = timeout(wait, connection.context.call(request)).await;
        self.keep_quiet(self.timing.gap);
        let words = match answer {
            Err(_) => {
                self.keep_quiet(self.timing.settle);
                let waited_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                return Err(ReadError::Timeout(waited_ms));
            }
            Ok(Err(tokio_modbus::Error::Transport(error))) => {
                self.keep_quiet(self.timing.settle);
                return Err(broken(&error));
            }
            Ok(Err(tokio_modbus::Error::Protocol(error))) => {
                self.keep_quiet(self.timing.settle);
                return Err(ReadError::Garbage(format!(
                    "an answer to another request ({error})"
                )));
            }
            Ok(Ok(Err(exception))) => {
                connection.answered = true;
                self.connection = Some(connection);
                return Err(ReadError::Exception(exception));
            }
            Ok(Ok(Ok(
                Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words),
            ))) => words,
            Ok(Ok(Ok(other))) => {
                return Err(ReadError::Garbage(format!("{other:?}")));
            }
        };
        if words.len() != usize::from(count) {
            self.keep_quiet(self.timing.settle);
            return Err(ReadError::Garbage(format!(
                "{} registers where {count} were asked for",
                words.len()
            )));
        }
        connection.answered = true;
        self.connection = Some(connection);
        Ok(words)
    }

    /// Closes the connection; the next request opens another.
    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    async fn connect(&mut self) -> Result<Connection, ReadError> {
        let mut talker = None;
        let context = match &self.address {
            Address::Tcp { host, port } => {
                let opening = TcpStream::connect((host.as_str(), *port));
                let stream = timeout(self.timing.connect, opening)
                    .await
                    .map_err(|_| {
                        ReadError::Gone(format!(
                            "no connection within {} ms",
                            self.timing.connect.as_millis()
                        ))
                    })?
                    .map_err(|e| ReadError::Gone(e.to_string()))?;
                let _ = stream.set_nodelay(true);
                tcp::attach(stream)
            }
            Address::Serial {
                path,
                baud,
                parity,
                stop_bits,
            } => {
                if let Some(quiet_until) = self.quiet_until {
                    sleep_until(quiet_until).await;
                }
                talker = Some(sole_talker(path)?);
                let port = open_port(path, *baud, *parity, *stop_bits)
                    .map_err(|e| ReadError::Gone(e.to_string()))?;
                port.discard_buffers()
                    .map_err(|e| ReadError::Gone(e.to_string()))?;
                rtu::attach(port)
            }
        };
        Ok(Connection {
            context,
            answered: false,
            _talker: talker,
        })
    }

    /// On a serial line, nothing leaves for this long; a network device sorts its own requests.
    fn keep_quiet(&mut self, wait: Duration) {
        if matches!(self.address, Address::Serial { .. }) {
            self.quiet_until = Some(Instant::now() + wait);
        }
    }
}

/// The right to talk on a serial line, by the lock that other careful programs take too.
fn sole_talker(path: &str) -> Result<OwnedFd, ReadError> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|e| ReadError::Gone(std::io::Error::from(e).to_string()))?;
    flock(&port, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| ReadError::Gone("another program talks on this line".to_owned()))?;
    Ok(port)
}

fn open_port(path: &str, baud: u32, parity: Parity, stop_bits: u8) -> std::io::Result<SerialPort> {
    SerialPort::open(path, |mut settings: serial2_tokio::Settings| {
        settings.set_raw();
        settings.set_baud_rate(baud)?;
        settings.set_char_size(CharSize::Bits8);
        settings.set_parity(match parity {
            Parity::None => serial2_tokio::Parity::None,
            Parity::Even => serial2_tokio::Parity::Even,
            Parity::Odd => serial2_tokio::Parity::Odd,
        });
        settings.set_stop_bits(if stop_bits == 2 {
            StopBits::Two
        } else {
            StopBits::One
        });
        settings.set_flow_control(FlowControl::None);
        Ok(settings)
    })
}

fn broken(error: &std::io::Error) -> ReadError {
    match error.kind() {
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
            ReadError::Garbage(format!("no Modbus frame ({error})"))
        }
        // tokio-modbus reports an orderly end with the last system error, which may be "success".
        _ if error.raw_os_error() == Some(0) => {
            ReadError::Gone("the device closed the connection".to_owned())
        }
        _ => ReadError::Gone(error.to_string()),
    }
}
