//! The daemon's own configuration: `commonwatt.toml`, every key with its default.
//!
//! Unknown keys are errors that name the key and the nearest one. What a society is does not
//! stand here: that is applied and journaled.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A segment holds several of the batches that a door gathers in one turn.
const MIN_SEGMENT_BYTES: u64 = 4 << 20;

/// `commonwatt.toml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Web pages.
    pub http: Http,
    /// The built-in MQTT endpoint.
    pub mqtt: Mqtt,
    /// An outside broker.
    pub broker: Broker,
    /// The journal's files.
    pub journal: Journal,
    /// The series projection.
    pub series: Series,
    /// A mirror, or series store, that speaks the API of InfluxDB 2.
    pub influx: Influx,
    /// Who is told when a roof needs a person.
    pub alerts: Alerts,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address of the pages; empty for none.
    pub listen: String,
    /// Longest wait for headers, seconds.
    pub header_timeout_s: u64,
    /// Longest wait for the body of a small request, seconds; large ones get longer.
    pub body_timeout_s: u64,
    /// Longest request, seconds.
    pub request_timeout_s: u64,
    /// Most connections at once.
    pub max_connections: usize,
    /// Proxies that are believed when they say for whom they ask, and how: their addresses.
    pub trusted_proxies: Vec<String>,
    /// TLS address of the pages; empty for none.
    pub tls_listen: String,
    /// Certificate chain, PEM.
    pub tls_certificate_file: String,
    /// Private key, PEM.
    pub tls_key_file: String,
}

/// `[mqtt]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mqtt {
    /// Plain-text address; empty for none.
    pub listen: String,
    /// TLS address; empty for none.
    pub tls_listen: String,
    /// Certificate chain, PEM.
    pub tls_certificate_file: String,
    /// Private key, PEM.
    pub tls_key_file: String,
    /// Most connections at once.
    pub max_connections: usize,
    /// Most connections from one address.
    pub max_connections_per_address: usize,
    /// Largest packet, bytes.
    pub max_packet_bytes: usize,
    /// Longest wait for CONNECT, seconds.
    pub connect_timeout_s: u64,
    /// Bytes of one gateway kept in full a day.
    pub max_bytes_per_gateway_per_day: u64,
}

/// `[broker]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// Address; empty for none.
    pub url: String,
    /// Fixed client id.
    pub client_id: String,
    /// User name.
    pub username: String,
    /// File that holds the password.
    pub password_file: String,
    /// Authority of the broker's certificate, PEM.
    pub ca_file: String,
    /// Whether only what gateways of this daemon publish is subscribed to: several daemons behind one
    /// broker. Nothing then looks for devices nobody has entered.
    pub own_gateways_only: bool,
    /// MQTT filters to look at for devices nobody has entered; what they bring goes to the inbox.
    pub inbox_filters: Vec<String>,
}

/// `[journal]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Segment size, bytes.
    pub segment_bytes: u64,
}

/// `[series]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Series {
    /// Reads written at once.
    pub flush_reads: usize,
    /// Longest wait of a read, seconds.
    pub flush_interval_s: u64,
    /// Reads that may wait before intake slows.
    pub max_lag_reads: u64,
}

/// `[influx]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Influx {
    /// Whether there is a mirror.
    pub mode: MirrorMode,
    /// `http://HOST:PORT`.
    pub url: String,
    /// The organisation.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// File that holds the token.
    pub token_file: String,
    /// Authority of the server's certificate, PEM; empty for those the system trusts.
    pub ca_file: String,
    /// Longest wait of energy behind its reads, seconds.
    pub energy_interval_s: u64,
}

/// `[alerts]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// How often it looks, seconds of the world's time.
    pub look_every_s: u64,
    /// Local time of the daily digest.
    pub digest_at: String,
    /// The mail relay; empty for none.
    pub relay: String,
    /// The address mail comes from.
    pub from: String,
    /// User name at the relay.
    pub username: String,
    /// File that holds the password.
    pub password_file: String,
    /// Authority of the relay's certificate, PEM; the public ones when empty.
    pub ca_file: String,
    /// Who is told.
    pub contact: Vec<AlertContact>,
}

/// `[[alerts.contact]]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AlertContact {
    /// The society.
    pub society: String,
    /// The officer's id in the society file.
    pub officer: String,
    /// Only these roofs; all when empty.
    #[serde(default)]
    pub sites: Vec<String>,
    /// Where mail goes.
    #[serde(default)]
    pub email: String,
    /// Where a POST of JSON goes.
    #[serde(default)]
    pub webhook: String,
}

/// What InfluxDB is to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MirrorMode {
    /// Nothing.
    #[default]
    Off,
    /// It is told everything, and asked nothing that counts.
    Mirror,
    /// As a mirror, and charts read their series from it.
    Store,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            listen: "127.0.0.1:8080".into(),
            header_timeout_s: 5,
            body_timeout_s: 8,
            request_timeout_s: 30,
            max_connections: 1024,
            trusted_proxies: Vec::new(),
            tls_listen: String::new(),
            tls_certificate_file: String::new(),
            tls_key_file: String::new(),
        }
    }
}

impl Default for Mqtt {
    fn default() -> Self {
        Mqtt {
            listen: "127.0.0.1:1883".into(),
            tls_listen: String::new(),
            tls_certificate_file: String::new(),
            tls_key_file: String::new(),
            max_connections: 10_000,
            max_connections_per_address: 10_000,
            max_packet_bytes: 262_144,
            connect_timeout_s: 10,
            max_bytes_per_gateway_per_day: 268_435_456,
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        Broker {
            url: String::new(),
            client_id: "commonwatt".into(),
            username: String::new(),
            password_file: String::new(),
            ca_file: String::new(),
            own_gateways_only: false,
            inbox_filters: mapping::shipped::filters(),
        }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Journal {
            segment_bytes: 64 << 20,
        }
    }
}

impl Default for Influx {
    fn default() -> Self {
        Influx {
            mode: MirrorMode::Off,
            url: String::new(),
            org: "energy".into(),
            bucket: "solar".into(),
            token_file: String::new(),
            ca_file: String::new(),
            energy_interval_s: 60,
        }
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Alerts {
            look_every_s: 60,
            digest_at: "07:00".into(),
            relay: String::new(),
            from: String::new(),
            username: String::new(),
            password_file: String::new(),
            ca_file: String::new(),
            contact: Vec::new(),
        }
    }
}

impl Default for Series {
    fn default() -> Self {
        Series {
            flush_reads: 2_000_000,
            flush_interval_s: 30,
            max_lag_reads: 4_000_000,
        }
    }
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{file}`: {what}")]
pub struct BadConfig {
    file: String,
    what: String,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or holds an unknown key.
    pub fn load(path: &Path) -> Result<Config, BadConfig> {
        let bad = |what: String| BadConfig {
            file: path.display().to_string(),
            what,
        };
        let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
        let config: Config = toml::from_str(&text).map_err(|e| bad(explain(&e.to_string())))?;
        if config.journal.segment_bytes < MIN_SEGMENT_BYTES {
            return Err(bad(format!(
                "journal.segment_bytes is `{}`; expected at least `{MIN_SEGMENT_BYTES}`",
                config.journal.segment_bytes
            )));
        }
        Ok(config)
    }

    /// The whole of it as a file: every key that is in force, those with their default too.
    pub fn as_file(&self) -> String {
        toml::to_string(self).expect("plain tables of words and numbers are TOML")
    }
}

/// Adds "did you mean" to an error about an unknown field or variant, from the names it lists.
pub fn explain(error: &str) -> String {
    let error = error.trim_end();
    let said = ["unknown field", "unknown variant"]
        .iter()
        .find_map(|what| error.find(what).map(|at| &error[at..]));
    let Some(said) = said else {
        return error.to_owned();
    };
    let mut quoted = said.split('`').skip(1).step_by(2);
    let hint = match quoted.next() {
        Some(wrong) => did_you_mean(wrong, quoted),
        None => String::new(),
    };
    format!("{error}{hint}")
}

/// The nearest of the names as a hint on a line of its own; nothing where none is near, for a guess
/// that is wrong costs more than none.
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(wrong, names) {
        Some(name) => format!("\nhint: did you mean `{name}`?"),
        None => String::new(),
    }
}

/// The name that needs fewest changes, at most one in three letters.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = wrong.chars().count().div_ceil(3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(changes, _)| (1..=most).contains(changes))
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_the_defaults() {
        let shipped: Config =
            toml::from_str(include_str!("../../config/commonwatt.toml")).expect("it parses");
        assert_eq!(format!("{shipped:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn what_is_in_force_is_printed_as_a_file_that_reads_back() {
        let text = "[http]\nlisten = \"127.0.0.1:1\"\n[broker]\ninbox_filters = [\"a/#\"]\n";
        let config: Config = toml::from_str(text).unwrap();
        let printed = config.as_file();
        assert!(
            printed.contains("[http]\nlisten = \"127.0.0.1:1\"\n"),
            "{printed}"
        );
        let again: Config = toml::from_str(&printed).unwrap();
        assert_eq!(format!("{again:?}"), format!("{config:?}"));
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let error = toml::from_str::<Config>("[http]\nlisten_to = \"x\"\n").unwrap_err();
        assert!(explain(&error.to_string()).contains("did you mean `listen`?"));
        // Nothing is near: nothing is guessed.
        let error = toml::from_str::<Config>("[http]\ncolour = \"x\"\n").unwrap_err();
        assert!(!explain(&error.to_string()).contains("did you mean"));
        assert_eq!(
            did_you_mean("E1234568", ["E1234567", "X9"]),
            "\nhint: did you mean `E1234567`?"
        );
        assert_eq!(
            did_you_mean("E1234567", ["E1234567"]),
            "",
            "what is there is not meant"
        );
    }
}
