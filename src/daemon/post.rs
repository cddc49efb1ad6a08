//! The post: a message to a mail relay by SMTP, or to a webhook by HTTP POST.
//!
//! Each is one attempt with a time limit; whoever asks tries again. Nothing is believed to have
//! arrived but what the relay or the webhook took (250 after DATA; any 2xx).

use std::{
    fs,
    time::{Duration, SystemTime},
};

use domain::calendar::Instant;
use lettre::{
    SmtpTransport, Transport,
    message::{Mailbox, MessageBuilder, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};

use config::Alerts;
use office::{
    Answer, Refusal,
    answer::refuse,
    telling::{Message, Way},
};

/// Longest attempt.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest subject; what is longer is in the text.
const MAX_SUBJECT: usize = 180;

/// Where messages go out.
pub struct Post {
    relay: Option<(SmtpTransport, Mailbox)>,
    web: ureq::Agent,
}

impl Post {
    /// The post as `[alerts]` has it.
    ///
    /// # Errors
    /// When the relay, the sender or a file of it cannot be used.
    pub fn of(config: &Alerts) -> Answer<Post> {
        let relay = match config.relay.as_str() {
            "" => None,
            relay => Some(relay_of(config, relay)?),
        };
        let web = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .user_agent("commonwatt")
            .build()
            .new_agent();
        Ok(Post { relay, web })
    }

    /// Sends a message once.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn send(&self, message: &Message, now: Instant) -> Result<(), String> {
        match &message.way {
            Way::Mail(address) => self.mail(message, address, now),
            Way::Webhook(url) => self.call(message, url),
        }
    }

    fn mail(&self, message: &Message, address: &str, now: Instant) -> Result<(), String> {
        let Some((relay, from)) = &self.relay else {
            return Err("no relay is named under [alerts] relay".to_owned());
        };
        let to: Mailbox = address.parse().map_err(|e| format!("`{address}`: {e}"))?;
        let subject: String = message.subject.chars().take(MAX_SUBJECT).collect();
        let date = SystemTime::UNIX_EPOCH
            + Duration::from_millis(u64::try_from(now.0).unwrap_or_default());
        let host = from.email.domain();
        let id = message.about.join(".").replace(' ', "-");
        let mail = MessageBuilder::new()
            .from(from.clone())
            .to(to)
            .subject(subject)
            .date(date)
            // The same message again has the same name, so that a mailbox shows it once.
            .message_id(Some(format!(
                "<{}.{}.{id}@{host}>",
                message.society, message.to
            )))
            .header(ContentType::TEXT_PLAIN)
            .body(message.text.clone())
            .map_err(|e| e.to_string())?;
        relay.send(&mail).map(|_| ()).map_err(|e| e.to_string())
    }

    fn call(&self, message: &Message, url: &str) -> Result<(), String> {
        let answer = self
            .web
            .post(url)
            .header("content-type", "application/json")
            .send(message.json.to_string())
            .map_err(|e| e.to_string())?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            other => Err(format!("the webhook answered {other}")),
        }
    }
}

fn relay_of(config: &Alerts, relay: &str) -> Answer<(SmtpTransport, Mailbox)> {
    let bad = || {
        Refusal::Caller(format!(
            "alerts.relay `{relay}`: expected smtp://HOST:PORT, starttls://HOST:PORT or smtps://HOST:PORT"
        ))
    };
    let (scheme, rest) = relay.split_once("://").ok_or_else(bad)?;
    let usual = match scheme {
        "smtp" => 25,
        "starttls" => 587,
        "smtps" => 465,
        _ => return Err(bad()),
    };
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().map_err(|_| bad())?),
        None => (rest, usual),
    };
    if host.is_empty() {
        return Err(bad());
    }
    let from: Mailbox = config.from.parse().map_err(|e| {
        Refusal::Caller(format!(
            "alerts.from `{}`: {e}\nhint: the address mail comes from, such as alerts@example.coop",
            config.from
        ))
    })?;
    let mut builder = SmtpTransport::builder_dangerous(host)
        .port(port)
        .timeout(Some(PATIENCE));
    if scheme == "smtp" {
        let here = ["127.0.0.1", "localhost", "::1", "[::1]"].contains(&host);
        if !config.username.is_empty() && !here {
            return refuse(
                "alerts.relay: a password would travel in clear text\nhint: use starttls:// or smtps://",
            );
        }
    } else {
        let mut tls = TlsParameters::builder(host.to_owned());
        if !config.ca_file.is_empty() {
            let pem = file("alerts.ca_file", &config.ca_file)?;
            let authority = Certificate::from_pem(pem.as_bytes())
                .map_err(|e| Refusal::Caller(format!("alerts.ca_file: {e}")))?;
            tls = tls.add_root_certificate(authority);
        }
        let tls = tls
            .build_rustls()
            .map_err(|e| Refusal::Caller(format!("alerts.relay: {e}")))?;
        builder = builder.tls(match scheme {
            "smtps" => Tls::Wrapper(tls),
            _ => Tls::Required(tls),
        });
    }
    if !config.username.is_empty() {
        let password = file("alerts.password_file", &config.password_file)?;
        let password = password.trim_end().to_owned();
        builder = builder.credentials(Credentials::new(config.username.clone(), password));
    }
    Ok((builder.build(), from))
}

fn file(key: &str, path: &str) -> Answer<String> {
    fs::read_to_string(path).map_err(|e| Refusal::Caller(format!("{key}: `{path}`: {e}")))
}
