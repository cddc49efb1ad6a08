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
    sync::Arc,
};

use super::{
    close::Close,
    connection::Connection,
    greet::{self, Greeting, Will},
    packet::{self, Packet, Protocol},
    publish::take,
    shard::Shard,
};
use crate::{
    lane::{Incoming, Lane},
    registry::{Gateway, View},
    topic::Kind,
};

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
    pub(super) owed: VecDeque<Owed>,
    settled: u64,
    pub(super) unreleased: BTreeSet<u16>,
    pub(super) forbidden: u32,
    /// The day on which a message of this connection was in excess.
    pub(super) excess_day: Option<i64>,
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
    /// A gateway that showed its one-time code: it may enrol its key and nothing else.
    Invited(Arc<Gateway>),
    /// Somebody on this machine, while nobody has a credential.
    Anonymous,
}

/// An acknowledgement that has not left yet.
#[derive(Clone, Copy)]
pub(super) struct Owed {
    pub id: u16,
    pub kind: u8,
    pub reason: u8,
    /// Waits for the disk.
    pub counted: bool,
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
            // The code is used up by the enrolment; the answer is still to come.
            Who::Invited(gateway) => {
                let now = self.view.snapshot().gateway(&gateway.entry.id);
                let same = |now: &&Arc<Gateway>| now.entry.society.id == gateway.entry.society.id;
                match now.filter(same) {
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
