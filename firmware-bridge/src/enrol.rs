//! Making the gateway's key known to the daemon, over the link it will publish on.
//!
//! `enrol CODE`: the gateway connects and publishes an enrolment ([`wire::enrol`]) on
//! `commonwatt/v1/<gateway>/enrol`. At the built-in endpoint a gateway that has no password yet shows
//! the code as its password, and from then on the one that it drew itself and whose hash stands in
//! the enrolment. At an outside broker it logs in as ever. The daemon says on `…/enrolled`, retained,
//! which keys it believes; when ours is among them the enrolment is done. Until then the request is
//! sent again every ten seconds, which changes nothing when it had arrived. No answer within a
//! minute means no: a code that is wrong, used or older than 15 minutes is not worth a message.
//!
//! `enrol --rotate`: the same with a new key that the old one signs. The new key takes the old one's
//! place when the daemon has named it, so a cut at any moment leaves a key that is believed; asking
//! again asks for the same key.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::{task::JoinSet, time::timeout};
use wire::{
    Fingerprint, NoteError,
    enrol::{Code, MAX_ENROL_BYTES, is_known, write_enrolment, write_rotation},
};

use crate::{
    keys::{KeyError, KeyFolder},
    uplink::{INCOMING_BYTES_MOST, UplinkConfig},
};

/// How long the daemon's answer is waited for.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How often the request is sent again while there is no answer.
pub const ASK_EVERY: Duration = Duration::from_secs(10);

/// Why the key is not known to the daemon.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The gateway's id cannot stand in an enrolment.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The link broke or the login was refused.
    #[error(
        "`{host}:{port}` cannot be spoken to: {why}\nhint: a refused login means that the code is wrong, used, or older than 15 minutes; after a wrong one, wait a few seconds and try again"
    )]
    Link {
        /// Where to.
        host: String,
        /// The port.
        port: u16,
        /// What was seen.
        why: String,
    },
    /// The daemon did not name the key.
    #[error(
        "the daemon did not name this gateway's key within {} s\nhint: ask for a new code with `commonwatt gateway enrol {gateway}` and try again; a key that was revoked is never believed again: delete `gateway.key`, and a new one is made; behind a broker, see that it lets the gateway publish on `…/enrol` and read `…/enrolled`",
        ANSWER_WITHIN.as_secs()
    )]
    NoAnswer {
        /// The gateway.
        gateway: String,
    },
}

/// How the gateway logs in while it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// With the code, at the built-in endpoint; afterwards with the password drawn for it.
    ByCode,
    /// As configured: the broker keeps the passwords, or the endpoint knows this one already.
    AsConfigured,
}

/// The topic on which a gateway asks.
pub fn asked_on(gateway: &str) -> String {
    format!("commonwatt/v1/{gateway}/enrol")
}

/// The topic on which the daemon names the keys it believes.
pub fn answered_on(gateway: &str) -> String {
    format!("commonwatt/v1/{gateway}/enrolled")
}

/// Makes the gateway's key known with a one-time code; its fingerprint.
///
/// # Errors
/// [`EnrolError`].
pub async fn enrol(
    config: &UplinkConfig,
    keys: &KeyFolder,
    code: &Code,
    login: Login,
) -> Result<Fingerprint, EnrolError> {
    let key = keys.key()?;
    let (password, token) = match login {
        Login::ByCode => {
            let token = keys.token_or_new()?;
            let hash = wire::enrol::token_hash(&token);
            (Some(code.reveal().to_owned()), Some(hash))
        }
        Login::AsConfigured => (config.token.clone(), None),
    };
    let mut request = [0; MAX_ENROL_BYTES];
    let used = write_enrolment(&mut request, &config.gateway, &key, token.as_ref(), code)?;
    let print = key.public().fingerprint();
    ask(config, password, &request[..used], &print).await?;
    Ok(print)
}

/// Makes a new key known by the present one and puts it in its place; its fingerprint.
///
/// # Errors
/// [`EnrolError`].
pub async fn rotate(config: &UplinkConfig, keys: &KeyFolder) -> Result<Fingerprint, EnrolError> {
    let (old, new) = (keys.key()?, keys.next_key()?);
    let mut request = [0; MAX_ENROL_BYTES];
    let used = write_rotation(&mut request, &config.gateway, &old, &new)?;
    let print = new.public().fingerprint();
    ask(config, config.token.clone(), &request[..used], &print).await?;
    keys.take_next_key()?;
    Ok(print)
}

/// Publishes a request and waits until the daemon names the key.
async fn ask(
    config: &UplinkConfig,
    password: Option<String>,
    request: &[u8],
    key: &Fingerprint,
) -> Result<(), EnrolError> {
    let (client, mut events) = AsyncClient::new(options(config, password), 8);
    let answered = timeout(
        ANSWER_WITHIN,
        until_named(config, &client, &mut events, request, key),
    );
    match answered.await {
        Ok(named) => named?,
        Err(_) => {
            return Err(EnrolError::NoAnswer {
                gateway: config.gateway.clone(),
            });
        }
    }
    let _ = client.try_disconnect();
    // Lets the goodbye out; the daemon has answered, so nothing hangs on it.
    let _ = timeout(Duration::from_secs(1), events.poll()).await;
    Ok(())
}

async fn until_named(
    config: &UplinkConfig,
    client: &AsyncClient,
    events: &mut EventLoop,
    request: &[u8],
    key: &Fingerprint,
) -> Result<(), EnrolError> {
    let link = |why: String| EnrolError::Link {
        host: config.host.clone(),
        port: config.port,
        why,
    };
    let (asked, answered) = (asked_on(&config.gateway), answered_on(&config.gateway));
    // Ends with this function. A task of its own: a poll must not be dropped half-way.
    let mut asking = JoinSet::new();
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => client
                .try_subscribe(&answered, QoS::AtLeastOnce)
                .map_err(|e| link(e.to_string()))?,
            Ok(Event::Incoming(Packet::SubAck(_))) => {
                let (client, asked, request) = (client.clone(), asked.clone(), request.to_vec());
                asking.spawn(async move {
                    let mut every = tokio::time::interval(ASK_EVERY);
                    loop {
                        every.tick().await;
                        let _ = client.try_publish(&asked, QoS::AtLeastOnce, false, &*request);
                    }
                });
            }
            Ok(Event::Incoming(Packet::Publish(answer)))
                if answer.topic == answered && is_known(&answer.payload, key) =>
            {
                return Ok(());
            }
            Ok(_) => {}
            Err(error) => return Err(link(error.to_string())),
        }
    }
}

fn options(config: &UplinkConfig, password: Option<String>) -> MqttOptions {
    let id = format!("{}-enrol", config.gateway);
    let mut options = MqttOptions::new(id, config.host.clone(), config.port);
    options.set_keep_alive(Duration::from_secs(u64::from(config.keep_alive_s.max(5))));
    options.set_max_packet_size(INCOMING_BYTES_MOST, MAX_ENROL_BYTES * 2);
    if let Some(password) = password {
        let user = config.user.as_ref().unwrap_or(&config.gateway);
        options.set_credentials(user.clone(), password);
    }
    #[cfg(feature = "tls")]
    if let Some(tls) = &config.tls {
        options.set_transport(rumqttc::Transport::Tls(rumqttc::TlsConfiguration::Rustls(
            std::sync::Arc::clone(tls),
        )));
    }
    options
}
