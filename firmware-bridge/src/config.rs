//! The gateway's configuration, `gateway.toml`.
//!
//! Unknown keys are errors that name the key and the nearest one. `config/gateway.toml` of the
//! repository shows every key with its default and unit; a test holds it against [`Config`].

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
    /// A note waits so long for the other sources of its interval, in ms.
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
                "{e}\nhint: copy `config/gateway.toml` there, or say where it is with `--config`"
            ))
        })?;
        Config::parse(&text).map_err(bad)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn parse(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|e| explain(&e.to_string()))?;
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

    fn check(&self) -> Result<(), String> {
        let id = &self.gateway.id;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if id.is_empty() || id.len() > ID_BYTES_MOST || !id.chars().all(allowed) {
            return Err(format!(
                "gateway.id is `{id}`; expected 1 to {ID_BYTES_MOST} letters, digits, `-`, `_` or `.`"
            ));
        }
        if jiff::tz::TimeZone::get(&self.gateway.zone).is_err() {
            let zone = &self.gateway.zone;
            return Err(format!(
                "gateway.zone is `{zone}`; expected an IANA name like `Europe/London`"
            ));
        }
        let (_, _, tls) = self.address()?;
        if tls && self.uplink.ca_file.as_os_str().is_empty() {
            return Err("uplink.ca_file is empty; `mqtts` needs the authority to trust".into());
        }
        if !self.uplink.password.is_empty() && !self.uplink.token_file.as_os_str().is_empty() {
            return Err("uplink has `password` and `token_file`; expected one of them".into());
        }
        let reading = &self.reading;
        for (key, value, least) in [
            (
                "reading.interval_ms",
                reading.interval_ms,
                INTERVAL_MS_LEAST,
            ),
            ("reading.give_up_s", reading.give_up_s, 1),
            ("backlog.cap_bytes", self.backlog.cap_bytes, CAP_BYTES_LEAST),
        ] {
            if value < least {
                return Err(format!("{key} is `{value}`; expected at least `{least}`"));
            }
        }
        Ok(())
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

/// Adds "did you mean" to an error about an unknown name, from the names it lists.
fn explain(error: &str) -> String {
    let error = error.trim_end();
    if !error.contains("unknown field") && !error.contains("unknown variant") {
        return error.to_owned();
    }
    let said = error.lines().find(|line| line.starts_with("unknown"));
    let mut quoted = said.unwrap_or(error).split('`').skip(1).step_by(2);
    let nearest = quoted.next().and_then(|wrong| {
        quoted
            .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
            .min()
    });
    match nearest {
        Some((_, name)) => format!("{error}\nhint: did you mean `{name}`?"),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../config/gateway.toml");

    #[test]
    fn the_shipped_file_shows_every_key_with_its_default() {
        let shipped = Config::parse(SHIPPED).unwrap();
        let all_keys: String = SHIPPED
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(key)
                    if key.contains(" = ") && !key.contains(". ") && !key.starts_with(' ') =>
                {
                    format!("{key}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        assert_eq!(Config::parse(&all_keys).unwrap(), shipped, "{all_keys}");
        let least = "[gateway]\nid = \"roof-1\"\n[uplink]\nurl = \"mqtt://192.168.1.10:1883\"\n";
        assert_eq!(Config::parse(least).unwrap(), shipped);
        for key in format!("{shipped:#?}").lines() {
            let Some((key, _)) = key.trim().split_once(": ") else {
                continue;
            };
            let is_table = [
                "gateway", "uplink", "reading", "backlog", "clock", "status", "sources",
            ]
            .contains(&key);
            assert!(
                is_table || all_keys.contains(&format!("{key} = ")),
                "`{key}`"
            );
        }
    }

    #[test]
    fn the_sample_sources_of_the_shipped_file_are_sources() {
        let samples: String = SHIPPED
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .map(|line| format!("{line}\n"))
            .collect();
        let shipped = Config::parse(&format!("{SHIPPED}\n{samples}")).unwrap();
        assert_eq!(shipped.sources.len(), samples.matches("[[source]]").count());
        assert!(shipped.sources.len() >= 7, "{samples}");
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest() {
        let text = SHIPPED.replace("[reading]", "[reading]\nintervall_ms = 5");
        let error = Config::parse(&text).unwrap_err();
        assert!(error.contains("intervall_ms"), "{error}");
        assert!(
            error.ends_with("hint: did you mean `interval_ms`?"),
            "{error}"
        );
        let error = Config::parse(&format!("{SHIPPED}\n[[source]]\nkind = \"sunspek\"\n"));
        let error = error.unwrap_err();
        assert!(error.ends_with("hint: did you mean `sunspec`?"), "{error}");
    }

    #[test]
    fn values_out_of_bounds_are_refused_with_what_was_expected() {
        let with = |from: &str, to: &str| Config::parse(&SHIPPED.replace(from, to)).unwrap_err();
        for (from, to, expected) in [
            ("\"roof-1\"", "\"roof/1\"", "gateway.id is `roof/1`"),
            (
                "mqtt://192.168.1.10:1883",
                "http://x",
                "expected `mqtt://HOST:PORT`",
            ),
            (
                "mqtt://192.168.1.10:1883",
                "mqtts://x",
                "uplink.ca_file is empty",
            ),
            ("# interval_ms = 60000", "interval_ms = 1", "at least `100`"),
            (
                "# zone = \"Europe/London\"",
                "zone = \"Europe/Lndon\"",
                "IANA name",
            ),
        ] {
            let error = with(from, to);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn addresses_are_understood() {
        for (url, expected) in [
            ("mqtt://a.example", ("a.example", 1883, false)),
            ("mqtt://[fd00::1]:1884/", ("fd00::1", 1884, false)),
            ("mqtt://10.0.0.1:99", ("10.0.0.1", 99, false)),
        ] {
            let config = Config::parse(&SHIPPED.replace("mqtt://192.168.1.10:1883", url)).unwrap();
            let (host, port, tls) = config.address().unwrap();
            assert_eq!((host.as_str(), port, tls), expected);
        }
    }
}
