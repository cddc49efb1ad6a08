//! How the running gateway stands, as one JSON document in a file.
//!
//! The gateway writes it every few seconds, `firmware-bridge status` reads it. It is written beside
//! its place and renamed, so that a reader never sees half of it; it is not synced, for nobody needs
//! it after a power cut.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, ErrorKind},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{clock::Now, note::MeterRead, process::Process, uplink::UplinkState};

/// A status older than this, in s, is of a gateway that hangs.
pub const STALE_AFTER_S: i64 = 30;

/// How a gateway stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its id.
    pub gateway: String,
    /// False after a clean stop.
    pub running: bool,
    /// Which process wrote this.
    pub process: Option<Process>,
    /// When this was written, by the gateway's clock.
    pub now: Timestamp,
    /// How far to trust that clock: `U`, `I`, `S` or `R`.
    pub clock: String,
    /// This start's number.
    pub boot: u64,
    /// Is the broker there, with the receipt topic granted?
    pub connected: bool,
    /// How often it came up since the start.
    pub connections: u64,
    /// When the last receipt came.
    pub last_receipt: Option<Timestamp>,
    /// What waits.
    pub backlog: BacklogStatus,
    /// Every source by its place in the configuration and its name.
    pub sources: BTreeMap<String, SourceStatus>,
}

/// What waits, and what went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacklogStatus {
    /// Notes that no receipt names.
    pub unreceipted_notes: usize,
    /// When the oldest of them was closed.
    pub oldest: Option<Timestamp>,
    /// Notes that a receipt names and that are still kept.
    pub receipted_notes: usize,
    /// Bytes of both.
    pub bytes: u64,
    /// Notes in memory because the disk takes none.
    pub unsaved_notes: usize,
    /// Notes that wait for the clock to be set.
    pub undated_notes: usize,
    /// Notes given up for want of room since the start.
    pub lost_notes: u64,
    /// Reads in them that are nowhere else.
    pub lost_reads: u64,
    /// Bytes on the disk that could not be read.
    pub damaged_bytes: u64,
}

/// What a source last did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Intervals it has been through since the start.
    pub rounds: u64,
    /// Why the last one gave nothing.
    pub failure: Option<String>,
    /// What a person should see although reads come.
    pub remark: Option<String>,
    /// When it last gave reads.
    pub last_answer: Option<Timestamp>,
    /// The newest read of every register, by `meter register`.
    pub reads: BTreeMap<String, ShownRead>,
}

/// A read for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRead {
    /// When.
    pub at: Timestamp,
    /// The register.
    pub wh: i64,
    /// Power, where the meter gives it.
    pub w: Option<i64>,
}

impl Status {
    /// From what the parts say.
    pub fn new(
        gateway: &str,
        running: bool,
        now: Now,
        state: UplinkState,
        sources: BTreeMap<String, SourceStatus>,
    ) -> Status {
        let time = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let standing = state.standing;
        Status {
            gateway: gateway.to_owned(),
            running,
            process: Process::own(),
            now: now.wall,
            clock: now.state.letter().to_owned(),
            boot: state.boot,
            connected: running && state.connected,
            connections: state.connections,
            last_receipt: time(state.last_receipt_ms),
            backlog: BacklogStatus {
                unreceipted_notes: standing.unreceipted,
                oldest: time(state.oldest_ms),
                receipted_notes: standing.ring,
                bytes: standing.bytes,
                unsaved_notes: standing.unsaved,
                undated_notes: standing.undated,
                lost_notes: standing.lost_notes,
                lost_reads: standing.lost_reads,
                damaged_bytes: standing.damaged_bytes,
            },
            sources,
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = file.with_extension("new");
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        fs::write(&beside, text)?;
        fs::rename(&beside, file)
    }

    /// Reads it.
    ///
    /// # Errors
    /// What the system says; no file and half a file are [`ErrorKind::NotFound`] and
    /// [`ErrorKind::InvalidData`].
    pub fn read(file: &Path) -> io::Result<Status> {
        serde_json::from_slice(&fs::read(file)?)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }

    /// Does somebody still write it? A gateway that was killed is seen at once by its process,
    /// one that hangs by the age of what it wrote.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let is_dead = self.process.as_ref().and_then(Process::runs) == Some(false);
        // Nothing can be said about the age of what a clock that was never set has dated.
        let is_new = self.clock == "R" || now.as_second() - self.now.as_second() < STALE_AFTER_S;
        self.running && !is_dead && is_new
    }
}

impl SourceStatus {
    /// A round is over.
    pub fn after(
        &mut self,
        at: Timestamp,
        taken: &[MeterRead],
        failure: Option<String>,
        remark: Option<String>,
    ) {
        self.rounds += 1;
        self.failure = failure;
        self.remark = remark;
        if !taken.is_empty() {
            self.last_answer = Some(at);
        }
        for read in taken {
            let shown = ShownRead {
                at: read.at,
                wh: read.wh,
                w: read.w,
            };
            self.reads
                .insert(format!("{} {}", read.meter, read.register), shown);
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_never = |time: Option<Timestamp>| match time {
            Some(time) => format!("{time:.0}"),
            None => "never".to_owned(),
        };
        let clock = match self.clock.as_str() {
            "S" => "kept by a time server",
            "I" => "kept by something that cannot be asked",
            "R" => "never set: reads wait for their time",
            _ => "nobody knows whether it is right",
        };
        writeln!(f, "gateway       {} (start {})", self.gateway, self.boot)?;
        writeln!(f, "clock         {:.0}, {clock}", self.now)?;
        let link = if self.connected { "up" } else { "down" };
        writeln!(
            f,
            "uplink        {link}, came up {} times",
            self.connections
        )?;
        writeln!(f, "last receipt  {}", or_never(self.last_receipt))?;
        let backlog = &self.backlog;
        writeln!(
            f,
            "backlog       {} notes without a receipt, oldest {}; {} kept besides; {} KiB",
            backlog.unreceipted_notes,
            match backlog.unreceipted_notes {
                0 => "none".to_owned(),
                _ => or_never(backlog.oldest),
            },
            backlog.receipted_notes,
            backlog.bytes / 1024
        )?;
        for (count, what) in [
            (
                backlog.unsaved_notes as u64,
                "notes wait in memory: the disk takes none",
            ),
            (
                backlog.undated_notes as u64,
                "notes wait for the clock to be set",
            ),
            (backlog.lost_reads, "reads were given up for want of room"),
            (backlog.damaged_bytes, "bytes on the disk could not be read"),
        ] {
            if count > 0 {
                writeln!(f, "              {count} {what}")?;
            }
        }
        for (name, source) in &self.sources {
            let state = source.failure.as_deref().unwrap_or("answers");
            writeln!(
                f,
                "source {name}\n              {}",
                state.replace('\n', "; ")
            )?;
            if let Some(remark) = &source.remark {
                writeln!(f, "              {remark}")?;
            }
            for (register, read) in &source.reads {
                let power = read.w.map(|w| format!(", {w} W")).unwrap_or_default();
                writeln!(
                    f,
                    "              {register}  {} Wh{power}  {:.0}",
                    read.wh, read.at
                )?;
            }
        }
        Ok(())
    }
}
