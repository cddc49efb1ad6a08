//! One client's side of the protocol, without sockets: bytes in, bytes and verdicts out.
//!
//! There is no session state beyond the connection: session present is always 0. A PUBACK or PUBREC
//! leaves when the message is on disk, in the order of arrival; a forbidden publish of a version 5
//! client gets its 0x87 in its turn. A QoS 2 id stays open until PUBREL, and a repetition of it is
//! answered without being journaled again; after a reconnect it would be, which changes nothing,
//! because sending twice is once everywhere behind this door. The retain flag of a publish is kept
//! in the record and means nothing else here.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, atomic::Ordering},
};

use bytes::BytesMut;
use domain::calendar::Instant;
use records::{message::Door, own::OwnRead};
use rumqttc::{
    mqttbytes::{QoS as QoSV4, v4},
    v5::mqttbytes::{QoS as QoSV5, v5},
};

use super::{
    close::Close,
    connection::{Connection, Subscription},
    greet::{self, Greeting, Will},
    packet::{self, Packet, Protocol, Publish},
    shard::Shard,
};
use crate::{
    lane::{Incoming, Lane},
    registry::{Gateway, View, utc_day},
    topic::{self, Kind},
};

/// Forbidden publishes and subscriptions after which a connection is closed.
const MAX_FORBIDDEN: u32 = 100;
/// Version 5 reason code of a refused publish.
const NOT_AUTHORIZED: u8 = 0x87;
/// Version 5 reason code for a PUBREL that fits no PUBLISH.
const UNKNOWN_ID: u8 = 0x92;

/// One client.
pub(super) struct Session {
    pub shard: Arc<Shard>,
    pub connection: Arc<Connection>,
    pub view: View,
    pub certificate: Option<[u8; 32]>,
    /// Bytes to write to the client.
    pub out: Vec<u8>,
    pub open: Option<Open>,
    owed: VecDeque<Owed>,
    settled: u64,
    unreleased: BTreeSet<u16>,
    forbidden: u32,
    /// The day on which a message of this connection was in excess.
    excess_day: Option<i64>,
}

/// What an accepted CONNECT fixed.
pub(super) struct Open {
    pub protocol: Protocol,
    pub who: Who,
    pub client_id: String,
    pub lane: Option<Arc<Lane>>,
    pub will: Option<Will>,
    /// The largest packet the client takes.
    pub client_cap: usize,
}

/// Whose connection it is.
#[derive(Clone)]
pub(super) enum Who {
    /// A gateway that showed its credential.
    Gateway(Arc<Gateway>),
    /// Somebody on this machine, while nobody has a credential.
    Anonymous,
}

/// An acknowledgement that has not left yet.
#[derive(Clone, Copy)]
struct Owed {
    id: u16,
    kind: u8,
    reason: u8,
    /// Waits for the disk.
    counted: bool,
}

impl Session {
    pub(super) fn new(
        shard: Arc<Shard>,
        connection: Arc<Connection>,
        certificate: Option<[u8; 32]>,
    ) -> Session {
        Session {
            view: View::new(&shard.shared.registry),
            shard,
            connection,
            certificate,
            out: Vec::new(),
            open: None,
            owed: VecDeque::new(),
            settled: 0,
            unreleased: BTreeSet::new(),
            forbidden: 0,
            excess_day: None,
        }
    }

    /// Whether the client may be read from: its window and the journal have room.
    pub(super) fn may_read(&self) -> bool {
        let limits = &self.shard.shared.limits;
        self.owed.len() < usize::from(limits.window)
            && self.out.len() < limits.out_bytes
            && match self.open.as_ref().and_then(|open| open.lane.as_ref()) {
                Some(lane) => lane.has_room(&self.connection.tally),
                None => true,
            }
    }

    /// Takes whole packets from the front of `bytes`; how many bytes that were.
    pub(super) fn input(&mut self, bytes: &[u8]) -> Result<usize, Close> {
        self.recheck()?;
        let received = (self.shard.shared.clock)();
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(open) = &self.open else {
                let cap = self.shard.shared.limits.connect_bytes;
                if rest.first().is_some_and(|first| *first != 0x10) {
                    return Err(Close::Malformed);
                }
                let Some(packet) = packet::next(rest, cap)? else {
                    return Ok(at);
                };
                at += packet.whole.len();
                self.connect(&packet)?;
                continue;
            };
            let protocol = open.protocol;
            let Some(packet) = packet::next(rest, self.shard.shared.limits.packet_bytes)? else {
                return Ok(at);
            };
            if packet.kind() == packet::PUBLISH {
                at += self.publishes(rest, protocol, received)?;
                continue;
            }
            at += packet.whole.len();
            self.other(&packet, protocol)?;
        }
    }

    /// Moves acknowledgements of what is on disk to the output.
    pub(super) fn acknowledge(&mut self) -> Result<(), Close> {
        if self.connection.tally.has_failed() {
            return Err(Close::NotDurable);
        }
        let durable = self.connection.tally.durable();
        while let Some(owed) = self.owed.front().copied() {
            if owed.counted {
                if self.settled == durable {
                    break;
                }
                self.settled += 1;
            }
            packet::write_ack(&mut self.out, owed.kind, owed.id, owed.reason);
            self.owed.pop_front();
        }
        Ok(())
    }

    /// Writes the receipts that are due.
    pub(super) fn receipts(&mut self) {
        if !self.connection.due.swap(false, Ordering::AcqRel) {
            return;
        }
        let shared = &self.shard.shared;
        let Some(open) = self
            .open
            .as_ref()
            .filter(|_| shared.receipts.is_caught_up())
        else {
            return;
        };
        let now = self.shard.tick();
        let repeat = shared.limits.repeat_ticks();
        for subscription in self.connection.subscriptions().iter_mut() {
            let version = subscription.cell.version();
            let due = match subscription.sent {
                None => true,
                Some((sent, tick)) => sent != version || now.saturating_sub(tick) >= repeat,
            };
            if !due || self.out.len() >= shared.limits.out_bytes {
                continue;
            }
            let text = subscription.cell.text();
            let retain = std::mem::take(&mut subscription.fresh);
            let sent = write_receipt(&mut self.out, open, &subscription.topic, text, retain);
            subscription.sent = Some((version, now));
            shared.metrics.receipts.add(u64::from(sent));
        }
    }

    /// Says goodbye to a version 5 client.
    pub(super) fn say_why(&mut self, why: Close) {
        let v5_open = matches!(&self.open, Some(open) if open.protocol == Protocol::V5);
        if let Some(code) = why.code().filter(|_| v5_open) {
            packet::write_disconnect(&mut self.out, code as u8);
        }
    }

    /// Journals the last will, when the connection did not end in peace.
    pub(super) fn publish_will(&mut self, why: Close) {
        let Some(open) = self.open.as_mut() else {
            return;
        };
        let Some(will) = open.will.take().filter(|_| why.publishes_will()) else {
            return;
        };
        let Some(gateway) = self.view.snapshot().gateway(&will.gateway).cloned() else {
            return;
        };
        let incoming = Incoming {
            gateway: &gateway,
            kind: Kind::Status,
            topic: &will.topic,
            payload: &will.payload,
            qos: will.qos,
            retained: will.retain,
            will: true,
            received: (self.shard.shared.clock)(),
        };
        let lane = self.shard.lane(&gateway.entry.society);
        take(&self.shard, &lane, &incoming, &self.connection, 0);
        lane.pump_soon();
    }

    /// Looks the client up again when the registry has moved.
    fn recheck(&mut self) -> Result<(), Close> {
        if !self.view.refresh() {
            return Ok(());
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        match &mut open.who {
            Who::Gateway(gateway) => {
                let now = self.view.snapshot().gateway(&gateway.entry.id);
                match now.filter(|now| greet::same_credential(now, gateway)) {
                    Some(now) => *gateway = Arc::clone(now),
                    None => return Err(Close::NotAuthorized),
                }
            }
            Who::Anonymous if self.view.snapshot().has_credentials() => {
                return Err(Close::NotAuthorized);
            }
            Who::Anonymous => {}
        }
        Ok(())
    }

    /// Whether the credential still holds and the journal still takes something. The tick asks it of
    /// idle connections.
    pub(super) fn still_welcome(&mut self) -> Result<(), Close> {
        let lane = self.open.as_ref().and_then(|open| open.lane.as_ref());
        if lane.is_some_and(|lane| lane.is_stopped()) {
            return Err(Close::NotDurable);
        }
        self.recheck()
    }

    fn connect(&mut self, packet: &Packet<'_>) -> Result<(), Close> {
        let greeting = greet::answer(
            packet,
            &self.shard,
            self.view.snapshot(),
            &self.connection,
            self.certificate.as_ref(),
            &mut self.out,
        )?;
        match greeting {
            Greeting::Refused(why) => {
                let metrics = &self.shard.shared.metrics;
                metrics.refused_connects.add(1);
                metrics.note_refusal(format!("CONNECT from {}: {why}", self.connection.peer));
                Err(Close::Refused)
            }
            Greeting::Welcome(open) => {
                self.open = Some(*open);
                Ok(())
            }
        }
    }

    /// Takes as many PUBLISH packets as stand at the front of `bytes`; how many bytes those were.
    fn publishes(
        &mut self,
        bytes: &[u8],
        protocol: Protocol,
        received: Instant,
    ) -> Result<usize, Close> {
        let shard = Arc::clone(&self.shard);
        let limits = &shard.shared.limits;
        let metrics = &shard.shared.metrics;
        let mut at = 0;
        let mut scratch: Vec<OwnRead<'_>> = Vec::new();
        let (mut messages, mut payload_bytes) = (0_u64, 0_u64);
        let mut outcome = Ok(());
        // One gateway at a time: an anonymous connection may speak for several.
        while outcome.is_ok() {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(first) = next_publish(rest, protocol, limits.packet_bytes)? else {
                break;
            };
            let Some((gateway, kind)) = self.whose(first.publish.topic)? else {
                at += first.bytes;
                outcome = self.forbid(&first.publish, protocol);
                continue;
            };
            let Some(lane) = self.lane_of(&gateway) else {
                at += first.bytes;
                outcome = self.forbid(&first.publish, protocol);
                continue;
            };
            if lane.is_stopped() {
                return Err(Close::NotDurable);
            }
            let topic = first.publish.topic;
            let text = std::str::from_utf8(topic).map_err(|_| Close::Malformed)?;
            // Acknowledgements are in order because a day's excess comes last; what follows on
            // another day must find the digest in the batch before it.
            if self.excess_day.is_some_and(|day| day != utc_day(received)) {
                self.excess_day = None;
                lane.flush_excess();
            }
            let mut pending = lane.pending();
            let mut counted = 0;
            let mut next = Ok(Some(first));
            while let Ok(Some(this)) = next {
                let publish = this.publish;
                if publish.topic != topic {
                    break;
                }
                at += this.bytes;
                let again = publish.qos == 2 && !self.unreleased.insert(publish.id);
                if self.unreleased.len() > usize::from(limits.window) {
                    outcome = Err(Close::TooManyOpen);
                    break;
                }
                if !again {
                    messages += 1;
                    payload_bytes += publish.payload.len() as u64;
                    let incoming = Incoming {
                        gateway: &gateway,
                        kind,
                        topic: text,
                        payload: publish.payload,
                        qos: publish.qos,
                        retained: publish.retain,
                        will: false,
                        received,
                    };
                    if gateway.usage.charge(
                        received,
                        publish.payload.len() as u64,
                        gateway.entry.day_bytes,
                    ) {
                        pending.take(&incoming, Door::Endpoint, &mut scratch, metrics);
                        counted += u32::from(publish.qos > 0);
                    } else {
                        self.excess_day = Some(utc_day(received));
                        lane.exceed(
                            &incoming,
                            &self.connection.tally,
                            u32::from(publish.qos > 0),
                        );
                    }
                }
                if publish.qos > 0 {
                    self.owed.push_back(Owed {
                        id: publish.id,
                        kind: if publish.qos == 1 {
                            packet::PUBACK
                        } else {
                            packet::PUBREC
                        },
                        reason: 0,
                        counted: !again,
                    });
                }
                next = next_publish(
                    bytes.get(at..).unwrap_or_default(),
                    protocol,
                    limits.packet_bytes,
                );
            }
            pending.owe(&self.connection.tally, counted);
            drop(pending);
            lane.pump_soon();
            if let Err(close) = next {
                outcome = Err(close);
            }
        }
        metrics.messages.add(messages);
        metrics.bytes.add(payload_bytes);
        outcome.map(|()| at)
    }

    /// The gateway and kind of a topic, if this client may publish there.
    fn whose(&self, topic: &[u8]) -> Result<Option<(Arc<Gateway>, Kind)>, Close> {
        let Some((id, kind)) = topic::published(topic) else {
            let proper = std::str::from_utf8(topic)
                .is_ok_and(|t| packet::is_plain(t) && !t.is_empty() && !t.contains(['+', '#']));
            return if proper {
                Ok(None)
            } else {
                Err(Close::Malformed)
            };
        };
        Ok(match self.open.as_ref().map(|open| &open.who) {
            Some(Who::Gateway(own)) if *own.entry.id == *id => Some((Arc::clone(own), kind)),
            Some(Who::Anonymous) => {
                let known = self.view.snapshot().gateway(id);
                known
                    .filter(|g| !g.entry.revoked)
                    .map(|g| (Arc::clone(g), kind))
            }
            _ => None,
        })
    }

    /// The lane of a gateway's society. A connection belongs to the society of its first message.
    fn lane_of(&mut self, gateway: &Gateway) -> Option<Arc<Lane>> {
        let society = &gateway.entry.society;
        let own = &mut self.open.as_mut()?.lane;
        match own {
            Some(own) if own.society == society.id => Some(Arc::clone(own)),
            Some(_) => None,
            None => Some(Arc::clone(own.insert(self.shard.lane(society)))),
        }
    }

    fn forbid(&mut self, publish: &Publish<'_>, protocol: Protocol) -> Result<(), Close> {
        self.note_forbidden(&String::from_utf8_lossy(publish.topic), "publish to")?;
        if protocol == Protocol::V4 || publish.qos == 0 {
            return Err(Close::NotAuthorized);
        }
        self.owed.push_back(Owed {
            id: publish.id,
            kind: if publish.qos == 1 {
                packet::PUBACK
            } else {
                packet::PUBREC
            },
            reason: NOT_AUTHORIZED,
            counted: false,
        });
        Ok(())
    }

    fn note_forbidden(&mut self, topic: &str, what: &str) -> Result<(), Close> {
        let metrics = &self.shard.shared.metrics;
        metrics.forbidden.add(1);
        self.forbidden += 1;
        if self.forbidden <= 3 {
            let who = match self.open.as_ref().map(|open| &open.who) {
                Some(Who::Gateway(gateway)) => &*gateway.entry.id,
                _ => "anonymous",
            };
            let topic: String = topic.chars().take(100).collect();
            metrics.note_refusal(format!("{what} `{}` by {who}", topic.escape_debug()));
        }
        if self.forbidden > MAX_FORBIDDEN {
            return Err(Close::NotAuthorized);
        }
        Ok(())
    }

    fn other(&mut self, packet: &Packet<'_>, protocol: Protocol) -> Result<(), Close> {
        match packet.kind() {
            packet::PINGREQ if packet.first == 0xc0 && packet.body.is_empty() => {
                self.out.extend_from_slice(&[0xd0, 0]);
                Ok(())
            }
            packet::PUBREL => {
                let id = packet.acknowledged_id(protocol)?;
                let known = self.unreleased.remove(&id);
                let reason = match protocol {
                    Protocol::V5 if !known => UNKNOWN_ID,
                    _ => 0,
                };
                packet::write_ack(&mut self.out, packet::PUBCOMP, id, reason);
                Ok(())
            }
            packet::SUBSCRIBE if packet.flags() == 0b0010 => self.subscribe(packet, protocol),
            packet::UNSUBSCRIBE if packet.flags() == 0b0010 => self.unsubscribe(packet, protocol),
            packet::DISCONNECT if packet.flags() == 0 => Err(goodbye(packet, protocol)),
            packet::CONNECT => Err(Close::Protocol),
            // We send QoS 0 only, so nothing of ours can be acknowledged.
            packet::PUBACK | packet::PUBREC | packet::PUBCOMP => Err(Close::Protocol),
            _ => Err(Close::Malformed),
        }
    }

    fn subscribe(&mut self, packet: &Packet<'_>, protocol: Protocol) -> Result<(), Close> {
        let (id, filters): (u16, Vec<String>) = match protocol {
            Protocol::V4 => match packet.read_v4()? {
                v4::Packet::Subscribe(s) => {
                    (s.pkid, s.filters.into_iter().map(|f| f.path).collect())
                }
                _ => return Err(Close::Malformed),
            },
            Protocol::V5 => match packet.read_v5()? {
                v5::Packet::Subscribe(s) => {
                    if s.properties.as_ref().is_some_and(|p| p.id.is_some()) {
                        return Err(Close::Protocol); // CONNACK said there are none
                    }
                    (s.pkid, s.filters.into_iter().map(|f| f.path).collect())
                }
                _ => return Err(Close::Malformed),
            },
        };
        if id == 0 || filters.iter().any(|f| f.is_empty() || !packet::is_plain(f)) {
            return Err(Close::Malformed);
        }
        let mut granted = Vec::with_capacity(filters.len());
        for filter in &filters {
            granted.push(self.grant(filter)?);
        }
        let mut answer = BytesMut::new();
        let written = match protocol {
            Protocol::V4 => v4::SubAck::new(
                id,
                granted
                    .iter()
                    .map(|g| match g {
                        Ok(()) => v4::SubscribeReasonCode::Success(QoSV4::AtMostOnce),
                        Err(_) => v4::SubscribeReasonCode::Failure,
                    })
                    .collect(),
            )
            .write(&mut answer)
            .is_ok(),
            Protocol::V5 => v5::SubAck {
                pkid: id,
                return_codes: granted
                    .iter()
                    .map(|g| match g {
                        Ok(()) => v5::SubscribeReasonCode::Success(QoSV5::AtMostOnce),
                        Err(code) => *code,
                    })
                    .collect(),
                properties: None,
            }
            .write(&mut answer)
            .is_ok(),
        };
        debug_assert!(written, "a SUBACK of few codes fits");
        self.out.extend_from_slice(&answer);
        self.receipts();
        Ok(())
    }

    fn grant(&mut self, filter: &str) -> Result<Result<(), v5::SubscribeReasonCode>, Close> {
        use v5::SubscribeReasonCode as No;
        let gateway = topic::receipt_of(filter);
        let allowed = match (self.open.as_ref().map(|open| &open.who), gateway) {
            (Some(Who::Gateway(own)), Some(id)) => *own.entry.id == *id,
            (Some(Who::Anonymous), Some(id)) => self.view.snapshot().gateway(id).is_some(),
            _ => false,
        };
        let Some(gateway) = gateway.filter(|_| allowed) else {
            self.note_forbidden(filter, "subscribe to")?;
            return Ok(Err(if filter.starts_with("$share/") {
                No::SharedSubscriptionsNotSupported
            } else if filter.contains(['+', '#']) {
                No::WildcardSubscriptionsNotSupported
            } else {
                No::NotAuthorized
            }));
        };
        let mut subscriptions = self.connection.subscriptions();
        let full = subscriptions.len() >= self.shard.shared.limits.subscriptions;
        match subscriptions.iter_mut().find(|s| s.topic == filter) {
            Some(known) => (known.sent, known.fresh) = (None, true),
            None if full => {
                return Ok(Err(No::QuotaExceeded));
            }
            None => subscriptions.push(Subscription {
                topic: filter.to_owned(),
                cell: self.shard.shared.receipts.cell(gateway),
                sent: None,
                fresh: true,
            }),
        }
        self.connection.due.store(true, Ordering::Release);
        Ok(Ok(()))
    }

    fn unsubscribe(&mut self, packet: &Packet<'_>, protocol: Protocol) -> Result<(), Close> {
        let mut answer = BytesMut::new();
        let (id, filters) = match protocol {
            Protocol::V4 => match packet.read_v4()? {
                v4::Packet::Unsubscribe(u) => (u.pkid, u.topics),
                _ => return Err(Close::Malformed),
            },
            Protocol::V5 => match packet.read_v5()? {
                v5::Packet::Unsubscribe(u) => (u.pkid, u.filters),
                _ => return Err(Close::Malformed),
            },
        };
        if id == 0 || filters.is_empty() {
            return Err(Close::Malformed);
        }
        let mut reasons = Vec::with_capacity(filters.len());
        {
            let mut subscriptions = self.connection.subscriptions();
            for filter in &filters {
                let before = subscriptions.len();
                subscriptions.retain(|s| s.topic != *filter);
                reasons.push(if subscriptions.len() < before {
                    v5::UnsubAckReason::Success
                } else {
                    v5::UnsubAckReason::NoSubscriptionExisted
                });
            }
        }
        let written = match protocol {
            Protocol::V4 => v4::UnsubAck::new(id).write(&mut answer).is_ok(),
            Protocol::V5 => v5::UnsubAck {
                pkid: id,
                reasons,
                properties: None,
            }
            .write(&mut answer)
            .is_ok(),
        };
        debug_assert!(written, "an UNSUBACK of few codes fits");
        self.out.extend_from_slice(&answer);
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Next<'a> {
    publish: Publish<'a>,
    bytes: usize,
}

/// The PUBLISH at the front, if a whole one stands there.
fn next_publish(bytes: &[u8], protocol: Protocol, cap: usize) -> Result<Option<Next<'_>>, Close> {
    match packet::next(bytes, cap)? {
        Some(packet) if packet.kind() == packet::PUBLISH => Ok(Some(Next {
            publish: packet.publish(protocol)?,
            bytes: packet.whole.len(),
        })),
        _ => Ok(None),
    }
}

/// Takes one message outside the common path.
fn take(
    shard: &Shard,
    lane: &Lane,
    incoming: &Incoming<'_, '_>,
    connection: &Connection,
    owed: u32,
) {
    let metrics = &shard.shared.metrics;
    metrics.messages.add(1);
    metrics.bytes.add(incoming.payload.len() as u64);
    let gateway = incoming.gateway;
    let bytes = incoming.payload.len() as u64;
    if gateway
        .usage
        .charge(incoming.received, bytes, gateway.entry.day_bytes)
    {
        let mut pending = lane.pending();
        pending.take(incoming, Door::Endpoint, &mut Vec::new(), metrics);
        pending.owe(&connection.tally, owed);
    } else {
        lane.exceed(incoming, &connection.tally, owed);
    }
}

fn goodbye(packet: &Packet<'_>, protocol: Protocol) -> Close {
    match (protocol, packet.body) {
        (_, []) => Close::Goodbye,
        (Protocol::V4, _) => Close::Malformed,
        (Protocol::V5, [0x04, ..]) => Close::GoodbyeWithWill,
        (Protocol::V5, [0x00, ..]) => Close::Goodbye,
        // Any other reason is an abnormal end, and the last will is due.
        (Protocol::V5, _) => Close::Gone,
    }
}

/// Appends a receipt as a QoS 0 PUBLISH; whether it fits what the client takes.
fn write_receipt(out: &mut Vec<u8>, open: &Open, topic: &str, text: String, retain: bool) -> bool {
    let mut packet = BytesMut::new();
    let written = match open.protocol {
        Protocol::V4 => {
            let mut publish = v4::Publish::new(topic, QoSV4::AtMostOnce, text);
            publish.retain = retain;
            publish.write(&mut packet).is_ok()
        }
        Protocol::V5 => {
            let mut publish = v5::Publish::new(topic, QoSV5::AtMostOnce, text, None);
            publish.retain = retain;
            publish.write(&mut packet).is_ok()
        }
    };
    let fits = written && packet.len() <= open.client_cap;
    if fits {
        out.extend_from_slice(&packet);
    }
    fits
}
