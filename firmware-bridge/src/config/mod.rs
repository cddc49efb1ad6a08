//! The gateway's configuration, `gateway.toml`.
//!
//! Unknown keys are errors that name the key and the nearest one. `config/gateway.toml` of the
//! repository shows every key with its default and unit; a test holds it against [`Config`].

mod check;
mod explain;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{session, source::SourceConfig};

/// `gateway.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this is.
    pub gateway: Gateway,
    /// Where to publish.
    pub uplink: Uplink,
    /// How often to read.
    #[serde(default)]
    pub reading: Reading,
    /// Where notes wait.
    #[serde(default)]
    pub backlog: Backlog,
    /// The machine's clock.
    #[serde(default)]
    pub clock: Clock,
    /// What `firmware-bridge status` shows.
    #[serde(default)]
    pub status: Status,
    /// The meters.
    #[serde(default, rename = "source")]
    pub sources: Vec<SourceConfig>,
}

/// `[gateway]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// The id under which the daemon knows this gateway: client id, user name and topic level.
    pub id: String,
    /// IANA zone of the roof, for sheets and for meters that show local time.
    #[serde(default = "london")]
    pub zone: String,
    /// Folder of the gateway's private key.
    #[serde(default = "key_folder")]
    pub key_folder: PathBuf,
    /// Sign notes with that key once the gateway is enrolled.
    #[serde(default = "yes")]
    pub sign: bool,
}

/// `[uplink]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uplink {
    /// `mqtt://HOST:PORT` or `mqtts://HOST:PORT`; the port may be left out.
    pub url: String,
    /// User name; the gateway's id when empty.
    #[serde(default)]
    pub user: String,
    /// Password or token; empty for none.
    #[serde(default)]
    pub password: String,
    /// File that holds the password or token; empty for none.
    #[serde(default)]
    pub token_file: PathBuf,
    /// Certificate authorities to trust, PEM; needed for `mqtts`.
    #[serde(default)]
    pub ca_file: PathBuf,
    /// Client certificate chain, PEM; empty for none.
    #[serde(default)]
    pub certificate_file: PathBuf,
    /// Its private key, PEM.
    #[serde(default)]
    pub key_file: PathBuf,
    /// Keep-alive in s.
    #[serde(default = "keep_alive_s")]
    pub keep_alive_s: u16,
    /// After a connection is up, the replay begins at a random moment within so long, in ms.
    #[serde(default = "replay_within_ms")]
    pub replay_within_ms: u64,
    /// Longest pause between two tries, in s.
    #[serde(default = "retry_within_s")]
    pub retry_within_s: u64,
}

/// `[reading]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// Every source is read so often, in ms, at whole multiples of it since midnight UTC.
    pub interval_ms: u64,
    /// A note waits so long for the other sources of its interval, in ms. At shorter intervals it
    /// holds several rounds, each read with its own time: fewer writes to the card.
    pub gather_ms: u64,
    /// A source whose own time-outs fail is given up after so long, in s, until the next interval; a
    /// slow optical head takes two minutes.
    pub give_up_s: u64,
}

/// `[backlog]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backlog {
    /// Folder of notes and boot counter; on a disk that survives power loss.
    pub folder: PathBuf,
    /// Most bytes of notes kept, sent or not.
    pub cap_bytes: u64,
}

/// `[status]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Status {
    /// File that says how the running gateway stands; better not on flash, it is written often.
    pub file: PathBuf,
}

impl Default for Status {
    fn default() -> Self {
        Status {
            file: "/run/firmware-bridge/status.json".into(),
        }
    }
}

/// `[clock]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clock {
    /// Who keeps the machine's clock right.
    pub kept_by: KeptBy,
}

/// Who keeps the machine's clock right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeptBy {
    /// Time synchronisation, whose state can be asked: reads say `S` or `U`, and before the clock
    /// was ever set `R`.
    #[default]
    Ntp,
    /// Something that cannot be asked (a GPS clock, a person): reads say `I`.
    Other,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{file}`: {what}")]
pub struct BadConfig {
    file: String,
    what: String,
}

/// Smallest backlog: below it there is no room for a note to be carried over.
pub const CAP_BYTES_LEAST: u64 = 1 << 20;
/// Shortest interval between two reads of a meter.
pub const INTERVAL_MS_LEAST: u64 = 100;
/// Longest gateway id.
pub const ID_BYTES_MOST: usize = 64;

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, holds an unknown key or a value out of bounds.
    pub fn load(file: &Path) -> Result<Config, BadConfig> {
        let bad = |what: String| BadConfig {
            file: file.display().to_string(),
            what,
        };
        let text = std::fs::read_to_string(file).map_err(|e| {
            bad(format!(
                "{e}\nhint: say where it is with `--config`; the least is `[gateway]` with `id = \"roof-1\"` and `[uplink]` with `url = \"mqtt://HOST:1883\"`, then what `scan` prints"
            ))
        })?;
        Config::parse(&text).map_err(bad)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn parse(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|e| explain::explain(text, &e))?;
        config.check()?;
        Ok(config)
    }

    /// Host, port and whether TLS is wanted.
    ///
    /// # Errors
    /// When the address is none.
    pub fn address(&self) -> Result<(String, u16, bool), String> {
        let url = &self.uplink.url;
        let wrong =
            || format!("uplink.url is `{url}`; expected `mqtt://HOST:PORT` or `mqtts://HOST:PORT`");
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (tls, usual) = match scheme {
            "mqtt" => (false, 1883),
            "mqtts" => (true, 8883),
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ => (rest, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match host.is_empty() || host.contains('/') {
            true => Err(wrong()),
            false => Ok((host.to_owned(), port, tls)),
        }
    }

    /// The bounds of the session.
    pub fn limits(&self) -> session::Limits {
        session::Limits {
            reads_per_note: 200,
            note_after_ms: self.reading.gather_ms,
            backlog_bytes: self.backlog.cap_bytes,
            ..session::Limits::default()
        }
    }
}

impl Default for Reading {
    fn default() -> Self {
        Reading {
            interval_ms: 60_000,
            gather_ms: 3_000,
            give_up_s: 180,
        }
    }
}

impl Default for Backlog {
    fn default() -> Self {
        Backlog {
            folder: "/var/lib/firmware-bridge".into(),
            cap_bytes: 256 << 20,
        }
    }
}

fn london() -> String {
    "Europe/London".into()
}

fn key_folder() -> PathBuf {
    "/var/lib/firmware-bridge/keys".into()
}

fn yes() -> bool {
    true
}

fn keep_alive_s() -> u16 {
    30
}

fn replay_within_ms() -> u64 {
    5_000
}

fn retry_within_s() -> u64 {
    60
}

#[cfg(test)]
mod tests;
