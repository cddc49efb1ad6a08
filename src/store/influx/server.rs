//! One server that speaks the API of InfluxDB 2, and what to do about each of its answers.
//!
//! Calls block the thread that makes them, up to [`TIMEOUT`]; the mirror has a thread of its own.
//! The crate beneath unwraps in places where a server can send what it likes, so every question
//! runs as a task of its own and a panic in it becomes [`Trouble::Answer`].

use std::{future::Future, time::Duration};

use fallible_iterator::FallibleIterator as _;
use influxdb2::{Client, ClientBuilder, RequestError, api::write::TimestampPrecision};

use crate::{
    flux::Flux,
    rows::{Row, WrongRow},
};

/// Longest wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for an answer; servers give a write up after 10 s.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// Connections wait this long for their next use; servers close them after 3 minutes.
const IDLE: Duration = Duration::from_secs(60);
/// Why `https://` is refused without the feature.
const PLAIN_ONLY: &str = "this build speaks plain HTTP to InfluxDB; build with `--features influx-https` (needs libssl-dev and pkg-config)";
/// Longest text of a server that is shown.
const SAID_BYTES: usize = 300;

/// Which server, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// `http://HOST:PORT`; a path would be lost, so it is refused.
    pub url: String,
    /// The organisation.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// The token; empty for none.
    pub token: String,
    /// Authority of the server's certificate, PEM; empty for those the system trusts.
    pub authority: Vec<u8>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("url", &self.url)
            .field("org", &self.org)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// Why something was not done, by what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody answered, too late, or with what is no HTTP. The same again, later.
    #[error("no answer from {0}\nhint: is it running, and is [influx] url where it listens?")]
    Unreachable(String),
    /// The server cannot now (429, 5xx), or answered something that is not in the protocol. The same
    /// again, later.
    #[error("the server answers {status}: {said}")]
    Busy {
        /// HTTP status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// Nothing was written (400): a line is not good.
    #[error("the server refuses what it was sent: {0}")]
    Refused(String),
    /// Some lines were written (422): another is not good, or older than the bucket keeps.
    #[error("the server took a part of the lines: {0}")]
    Partly(String),
    /// The body is too large (413).
    #[error("the server finds the body too large: {0}")]
    TooLarge(String),
    /// The token, the organisation or the bucket is not right (401, 403, 404).
    #[error(
        "the server does not let us: {status}: {said}\nhint: look at [influx] url, org, bucket and token_file"
    )]
    Denied {
        /// HTTP status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// The server sends us elsewhere (3xx). Nothing is followed: a write that is turned into a
    /// question would be taken for delivered, and readings would go where nobody meant them to.
    #[error(
        "the server answers {status}, a redirect, which is not followed\nhint: write the address it leads to into [influx] url"
    )]
    Elsewhere {
        /// HTTP status.
        status: u16,
    },
    /// The server has not been set up, and nobody was named to do it.
    #[error("the server is new\nhint: name its first operator with --user and --password-file")]
    New,
    /// The answer to a question cannot be understood, or says that the question failed.
    #[error("the answer cannot be used: {0}")]
    Answer(String),
    /// The URL cannot be used.
    #[error("`{url}` is no address of a server: {why}\nhint: expected http://HOST:PORT")]
    Url {
        /// As configured.
        url: String,
        /// What is wrong.
        why: &'static str,
    },
    /// This machine gives no runtime or connection pool.
    #[error("cannot start: {0}")]
    Local(String),
}

impl From<WrongRow> for Trouble {
    fn from(row: WrongRow) -> Trouble {
        Trouble::Answer(row.to_string())
    }
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it says that it is well.
    pub is_well: bool,
    /// Its version; empty where it tells none.
    pub version: String,
}

/// A server.
pub struct Server {
    client: Client,
    target: Target,
    /// There until it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The last to let go of it may be a task of another runtime, where none may be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.target.fmt(f)
    }
}

impl Server {
    /// Makes ready to talk to a server; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub fn new(target: &Target) -> Result<Server, Trouble> {
        Server::patient(target, CONNECT_TIMEOUT, TIMEOUT)
    }

    /// As [`Server::new`], with other patience.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn patient(
        target: &Target,
        connect: Duration,
        timeout: Duration,
    ) -> Result<Server, Trouble> {
        check_url(&target.url)?;
        let http = reqwest::ClientBuilder::new()
            .connect_timeout(connect)
            .timeout(timeout)
            .pool_idle_timeout(IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let http = trusting(http, target)?;
        let local = |e: String| Trouble::Local(e);
        let client = ClientBuilder::with_builder(http, &target.url, &target.org, &target.token)
            .build()
            .map_err(|e| local(e.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| local(e.to_string()))?;
        Ok(Server {
            client,
            target: target.clone(),
            runtime: Some(runtime),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Writes lines whose times are in milliseconds; they are on the server's disk when this returns.
    ///
    /// # Errors
    /// What the server, or the lack of it, says.
    pub fn write(&self, lines: &str) -> Result<(), Trouble> {
        let (client, target, body) = (self.client.clone(), self.target.clone(), lines.to_owned());
        self.run(async move {
            client
                .write_line_protocol_with_precision(
                    &target.org,
                    &target.bucket,
                    body,
                    TimestampPrecision::Milliseconds,
                )
                .await
        })
    }

    /// Asks a question. The whole answer is held in memory.
    ///
    /// # Errors
    /// What the server says, also in the middle of its answer.
    pub fn ask(&self, question: &Flux) -> Result<Vec<Row>, Trouble> {
        let client = self.client.clone();
        let query = influxdb2::models::Query::new(question.as_str().to_owned());
        self.run(async move {
            let answer = client.query_raw_iter(Some(query)).await?;
            answer
                .result()
                .map(|record| Ok(Row(record.values)))
                .collect()
        })
    }

    /// Asks the server how it is.
    ///
    /// # Errors
    /// When it does not answer as such a server does.
    pub fn health(&self) -> Result<Health, Trouble> {
        let client = self.client.clone();
        let health = self.run(async move { client.health().await })?;
        Ok(Health {
            is_well: health.status == influxdb2::models::Status::Pass,
            version: health.version.unwrap_or_default(),
        })
    }

    /// Asks whether the server has started.
    ///
    /// # Errors
    /// When it has not, or does not answer.
    pub fn ready(&self) -> Result<bool, Trouble> {
        let client = self.client.clone();
        self.run(async move { client.ready().await })
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Runs a call as a task of its own, so that a panic in it stays there.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, RequestError>> + Send + 'static,
    ) -> Result<T, Trouble> {
        let runtime = self
            .runtime
            .as_ref()
            .ok_or_else(|| Trouble::Local("it is ending".to_owned()))?;
        let outcome = runtime.block_on(async { tokio::spawn(call).await });
        match outcome {
            Ok(done) => done.map_err(|error| trouble_of(&error, &self.target)),
            Err(_) => Err(Trouble::Answer(
                "it broke the reader: a value that is empty or malformed".to_owned(),
            )),
        }
    }
}

#[cfg(feature = "https")]
fn trusting(
    http: reqwest::ClientBuilder,
    target: &Target,
) -> Result<reqwest::ClientBuilder, Trouble> {
    if target.authority.is_empty() {
        return Ok(http);
    }
    let authority = reqwest::Certificate::from_pem(&target.authority)
        .map_err(|e| Trouble::Local(format!("the authority's certificate: {}", chain(&e))))?;
    Ok(http.add_root_certificate(authority))
}

#[cfg(not(feature = "https"))]
fn trusting(
    http: reqwest::ClientBuilder,
    target: &Target,
) -> Result<reqwest::ClientBuilder, Trouble> {
    match target.authority.is_empty() {
        true => Ok(http),
        false => Err(Trouble::Url {
            url: target.url.clone(),
            why: PLAIN_ONLY,
        }),
    }
}

fn check_url(url: &str) -> Result<(), Trouble> {
    let wrong = |why| {
        Err(Trouble::Url {
            url: without_login(url),
            why,
        })
    };
    let Ok(parsed) = reqwest::Url::parse(url) else {
        return wrong("it is no URL");
    };
    match parsed.scheme() {
        "http" => {}
        "https" if cfg!(feature = "https") => {}
        "https" => return wrong(PLAIN_ONLY),
        _ => return wrong("it is neither http nor https"),
    }
    if parsed.host_str().is_none_or(str::is_empty) {
        return wrong("it names no host");
    }
    if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
        return wrong("a path or query would be lost");
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return wrong("a login does not belong in it; use token_file");
    }
    Ok(())
}

/// A URL without the login that may stand in it.
fn without_login(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

fn trouble_of(error: &RequestError, target: &Target) -> Trouble {
    // A server may say back what it was sent, the token among it.
    let said = |text: &str| match target.token.as_str() {
        "" => said(text),
        token => said(&text.replace(token, "…")),
    };
    match error {
        RequestError::Http { status, text } => {
            let said = said(&message_of(text));
            match status.as_u16() {
                status @ 300..=399 => Trouble::Elsewhere { status },
                400 => Trouble::Refused(said),
                401 | 403 | 404 => Trouble::Denied {
                    status: status.as_u16(),
                    said,
                },
                413 => Trouble::TooLarge(said),
                422 => Trouble::Partly(said),
                status => Trouble::Busy { status, said },
            }
        }
        RequestError::ReqwestProcessing { source } => {
            if source.is_decode() {
                return Trouble::Answer(chain(source));
            }
            // Which address it was stands in the configuration; its query would only hide the reason.
            let text = chain(source);
            let why = text.split_once("): ").map_or(text.as_str(), |(_, why)| why);
            Trouble::Unreachable(format!("`{}`: {why}", target.url))
        }
        RequestError::Deserializing { text } => Trouble::Answer(said(text)),
        RequestError::Serializing { source } => Trouble::Local(source.to_string()),
    }
}

/// The message of an error as version 2 writes it, `{"code": …, "message": …}`; else the whole text.
fn message_of(text: &str) -> String {
    let error: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let message = error.as_ref().and_then(|error| error["message"].as_str());
    message.unwrap_or(text).to_owned()
}

/// A server's words on one line, not too many of them.
fn said(text: &str) -> String {
    let words: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SAID_BYTES)
        .collect();
    words.trim().to_owned()
}

/// An error and its causes; what a cause only repeats is said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    said(&text)
}
