//! CONNECT and its answer: who it is, on whose behalf, and what is agreed.
//!
//! The user name is the gateway's id and the password its token; a client certificate stands for
//! both. A gateway without a password yet may show its one-time code instead, and may then do nothing
//! but enrol its key. While the registry has no credential at all, anyone on a loopback address is let
//! in without one, and speaks for nobody: what it says waits in the inbox. The client id may be anything: it is only compared with other connections of the same
//! gateway, so nobody can push out another gateway's connection. A last will must go to the own
//! status topic.

use std::sync::{Arc, atomic::Ordering};

use bytes::BytesMut;
use domain::calendar::Instant;
use rumqttc::{
    mqttbytes::v4,
    v5::mqttbytes::v5::{self, ConnAckProperties, ConnectReturnCode as Code5},
};
use subtle::ConstantTimeEq;

use super::{
    close::Close,
    connection::Connection,
    packet::{self, Packet, Protocol},
    session::{Open, Who},
    shard::{Shard, TICKS_PER_SECOND},
};
use crate::{
    registry::{Gateway, Registry, Snapshot},
    topic::{self, Kind},
};

/// What became of a CONNECT.
pub(super) enum Greeting {
    /// The CONNACK says no; for a person, why.
    Refused(&'static str),
    /// The CONNACK says yes.
    Welcome(Box<Open>),
}

/// A last will, already checked.
pub(super) struct Will {
    pub gateway: Arc<str>,
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
}

struct Connect {
    client_id: String,
    clean: bool,
    keep_alive: u16,
    will: Option<SentWill>,
    login: Option<(String, String)>,
    client_cap: usize,
}

struct SentWill {
    topic: Vec<u8>,
    payload: Vec<u8>,
    qos: u8,
    retain: bool,
}

/// Why a CONNECT is refused, in both versions' codes.
#[derive(Clone, Copy)]
struct No {
    v4: v4::ConnectReturnCode,
    v5: Code5,
    why: &'static str,
}

const UNKNOWN: No = No {
    v4: v4::ConnectReturnCode::BadUserNamePassword,
    v5: Code5::BadUserNamePassword,
    why: "no such credential",
};
const FORBIDDEN_WILL: No = No {
    v4: v4::ConnectReturnCode::NotAuthorized,
    v5: Code5::NotAuthorized,
    why: "last will outside the own status topic",
};
const NAMELESS: No = No {
    v4: v4::ConnectReturnCode::BadClientId,
    v5: Code5::ClientIdentifierNotValid,
    why: "no client id, and no clean session",
};
const STOPPED: No = No {
    v4: v4::ConnectReturnCode::ServiceUnavailable,
    v5: Code5::ServerUnavailable,
    why: "the journal has stopped",
};
const NO_SUCH_METHOD: No = No {
    v4: v4::ConnectReturnCode::NotAuthorized,
    v5: Code5::BadAuthenticationMethod,
    why: "extended authentication",
};

/// Reads a CONNECT and writes the CONNACK.
pub(super) fn answer(
    packet: &Packet<'_>,
    shard: &Arc<Shard>,
    snapshot: &Snapshot,
    connection: &Arc<Connection>,
    certificate: Option<&[u8; 32]>,
    out: &mut Vec<u8>,
) -> Result<Greeting, Close> {
    let protocol = match packet::connect_protocol(packet)? {
        Ok(protocol) => protocol,
        Err(_) => {
            refuse_v4(out, v4::ConnectReturnCode::RefusedProtocolVersion);
            return Ok(Greeting::Refused("a protocol version other than 4 and 5"));
        }
    };
    let connect = match protocol {
        Protocol::V4 => read_v4(packet)?,
        Protocol::V5 => match read_v5(packet)? {
            Ok(connect) => connect,
            Err(no) => return Ok(refuse(out, protocol, no)),
        },
    };
    match welcome(connect, protocol, shard, snapshot, connection, certificate) {
        Err(no) => Ok(refuse(out, protocol, no)),
        Ok((open, assigned)) => {
            accept(out, protocol, shard, &open, assigned);
            connection.open.store(true, Ordering::Release);
            shard.shared.enter_name(&open, connection);
            Ok(Greeting::Welcome(Box::new(open)))
        }
    }
}

/// Whether a gateway's credential is still the one a connection was let in with.
pub(super) fn same_credential(now: &Gateway, then: &Gateway) -> bool {
    let token = |g: &Gateway| g.entry.token.map(|t| t.bytes());
    !now.entry.revoked
        && token(now) == token(then)
        && now.entry.certificate == then.entry.certificate
        && now.entry.society.id == then.entry.society.id
}

fn welcome(
    connect: Connect,
    protocol: Protocol,
    shard: &Arc<Shard>,
    snapshot: &Snapshot,
    connection: &Connection,
    certificate: Option<&[u8; 32]>,
) -> Result<(Open, bool), No> {
    let now = (shard.shared.clock)();
    let registry = &shard.shared.registry;
    let who = who(&connect, snapshot, connection, certificate, registry, now).ok_or(UNKNOWN)?;
    let lane = match &who {
        Who::Gateway(gateway) | Who::Invited(gateway) => Some(shard.lane(&gateway.entry.society)),
        Who::Anonymous => None,
    };
    if lane.as_ref().is_some_and(|lane| lane.check()) {
        return Err(STOPPED);
    }
    let will = match connect.will {
        None => None,
        Some(sent) if is_own_of_device(&sent, &who, snapshot) => None,
        Some(sent) => Some(allowed_will(sent, &who).ok_or(FORBIDDEN_WILL)?),
    };
    let assigned = connect.client_id.is_empty();
    if assigned && protocol == Protocol::V4 && !connect.clean {
        return Err(NAMELESS);
    }
    let client_id = if assigned {
        format!("unnamed-{}", connection.number)
    } else {
        connect.client_id
    };
    // 1.5 times the keep-alive, rounded up to a tick.
    let patience = u64::from(connect.keep_alive) * TICKS_PER_SECOND * 3 / 2;
    connection.patience.store(patience, Ordering::Relaxed);
    let open = Open {
        protocol,
        who,
        client_id,
        lane,
        will,
        client_cap: connect.client_cap,
    };
    Ok((open, assigned))
}

fn who(
    connect: &Connect,
    snapshot: &Snapshot,
    connection: &Connection,
    certificate: Option<&[u8; 32]>,
    registry: &Registry,
    now: Instant,
) -> Option<Who> {
    if let Some(print) = certificate {
        let gateway = snapshot.by_certificate(print)?;
        let same_user = connect
            .login
            .as_ref()
            .is_none_or(|(user, _)| bool::from(user.as_bytes().ct_eq(gateway.entry.id.as_bytes())));
        return (same_user && !gateway.entry.revoked).then(|| Who::Gateway(Arc::clone(gateway)));
    }
    if let Some((user, password)) = &connect.login
        && let Some(gateway) = snapshot.gateway(user)
        && registry.is_code(gateway, password.as_bytes(), now)
    {
        return Some(Who::Invited(Arc::clone(gateway)));
    }
    if !snapshot.has_credentials() {
        let local = connection.peer.ip().to_canonical().is_loopback();
        return local.then_some(Who::Anonymous);
    }
    let (user, password) = connect.login.as_ref()?;
    let gateway = snapshot.authenticate(user, password.as_bytes())?;
    Some(Who::Gateway(Arc::clone(gateway)))
}

/// A device as it is leaves its will on its own topics; it says nothing of a register.
fn is_own_of_device(sent: &SentWill, who: &Who, snapshot: &Snapshot) -> bool {
    let Ok(topic) = std::str::from_utf8(&sent.topic) else {
        return false;
    };
    match who {
        Who::Gateway(own) => own.dialect(topic).is_some(),
        Who::Invited(_) => false,
        Who::Anonymous => snapshot.device_of(topic).is_some(),
    }
}

fn allowed_will(sent: SentWill, who: &Who) -> Option<Will> {
    let (id, kind) = topic::published(&sent.topic)?;
    let gateway = match who {
        Who::Gateway(own) => (*own.entry.id == *id).then_some(own),
        Who::Invited(_) | Who::Anonymous => None,
    }?;
    (kind == Kind::Status).then(|| Will {
        gateway: Arc::clone(&gateway.entry.id),
        topic: String::from_utf8_lossy(&sent.topic).into_owned(),
        payload: sent.payload,
        qos: sent.qos,
        retain: sent.retain,
    })
}

fn read_v4(packet: &Packet<'_>) -> Result<Connect, Close> {
    let v4::Packet::Connect(connect) = packet.read_v4()? else {
        return Err(Close::Malformed);
    };
    let login = connect.login.as_ref();
    let sizes_agree = connect.size() == packet.whole.len();
    let has_empty = login.is_none_or(|l| l.username.is_empty() || l.password.is_empty());
    if !packet::is_plain(&connect.client_id) || !(sizes_agree || has_empty) {
        return Err(Close::Malformed);
    }
    Ok(Connect {
        clean: connect.clean_session,
        keep_alive: connect.keep_alive,
        will: connect.last_will.map(|will| SentWill {
            topic: will.topic.into_bytes(),
            payload: will.message.to_vec(),
            qos: will.qos as u8,
            retain: will.retain,
        }),
        login: connect.login.map(|l| (l.username, l.password)),
        client_id: connect.client_id,
        client_cap: usize::MAX,
    })
}

fn read_v5(packet: &Packet<'_>) -> Result<Result<Connect, No>, Close> {
    let v5::Packet::Connect(connect, will, login) = packet.read_v5()? else {
        return Err(Close::Malformed);
    };
    if !packet::is_plain(&connect.client_id) {
        return Err(Close::Malformed);
    }
    let properties = connect.properties.as_ref();
    if properties.is_some_and(|p| p.authentication_method.is_some()) {
        return Ok(Err(NO_SUCH_METHOD));
    }
    if properties.is_some_and(|p| p.receive_maximum == Some(0) || p.max_packet_size == Some(0)) {
        return Err(Close::Protocol);
    }
    let client_cap = properties
        .and_then(|p| p.max_packet_size)
        .and_then(|cap| usize::try_from(cap).ok())
        .unwrap_or(usize::MAX);
    Ok(Ok(Connect {
        clean: connect.clean_start,
        keep_alive: connect.keep_alive,
        will: will.map(|will| SentWill {
            topic: will.topic.to_vec(),
            payload: will.message.to_vec(),
            qos: will.qos as u8,
            retain: will.retain,
        }),
        login: login.map(|l| (l.username, l.password)),
        client_id: connect.client_id,
        client_cap,
    }))
}

fn accept(out: &mut Vec<u8>, protocol: Protocol, shard: &Shard, open: &Open, assigned: bool) {
    let mut packet = BytesMut::new();
    let limits = &shard.shared.limits;
    let written = match protocol {
        Protocol::V4 => v4::ConnAck::new(v4::ConnectReturnCode::Success, false)
            .write(&mut packet)
            .is_ok(),
        Protocol::V5 => v5::ConnAck {
            session_present: false,
            code: Code5::Success,
            properties: Some(ConnAckProperties {
                session_expiry_interval: Some(0),
                receive_max: Some(limits.window),
                max_qos: None,
                retain_available: None,
                max_packet_size: u32::try_from(limits.packet_bytes).ok(),
                assigned_client_identifier: assigned.then(|| open.client_id.clone()),
                topic_alias_max: None,
                reason_string: None,
                user_properties: Vec::new(),
                wildcard_subscription_available: Some(0),
                subscription_identifiers_available: Some(0),
                shared_subscription_available: Some(0),
                server_keep_alive: None,
                response_information: None,
                server_reference: None,
                authentication_method: None,
                authentication_data: None,
            }),
        }
        .write(&mut packet)
        .is_ok(),
    };
    debug_assert!(written, "a CONNACK fits");
    out.extend_from_slice(&packet);
}

fn refuse(out: &mut Vec<u8>, protocol: Protocol, no: No) -> Greeting {
    match protocol {
        Protocol::V4 => refuse_v4(out, no.v4),
        Protocol::V5 => {
            let mut packet = BytesMut::new();
            let refusal = v5::ConnAck {
                session_present: false,
                code: no.v5,
                properties: None,
            };
            if refusal.write(&mut packet).is_ok() {
                out.extend_from_slice(&packet);
            }
        }
    }
    Greeting::Refused(no.why)
}

fn refuse_v4(out: &mut Vec<u8>, code: v4::ConnectReturnCode) {
    let mut packet = BytesMut::new();
    if v4::ConnAck::new(code, false).write(&mut packet).is_ok() {
        out.extend_from_slice(&packet);
    }
}
