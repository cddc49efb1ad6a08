//! PUBLISH: whose it is, whether it may be there, and into which society's batch it goes.
//!
//! All PUBLISH packets that stand together in one socket read and name one topic are taken under
//! one lock of the batch. What is above a gateway's bytes a day goes to the lane's digest instead.

use std::sync::Arc;

use domain::calendar::Instant;
use records::{message::Door, own::OwnRead};

use super::{
    close::Close,
    connection::Connection,
    packet::{self, Protocol, Publish},
    session::{Owed, Session, Who},
    shard::Shard,
};
use crate::{
    lane::{Incoming, Lane},
    registry::{Gateway, Unentered, utc_day},
    topic::{self, Kind},
};

/// Forbidden publishes and subscriptions after which a connection is closed.
const MAX_FORBIDDEN: u32 = 100;
/// Version 5 reason code of a refused publish.
const NOT_AUTHORIZED: u8 = 0x87;

impl Session {
    /// Takes as many PUBLISH packets as stand at the front of `bytes`; how many bytes those were.
    pub(super) fn publishes(
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
        let mut outcome = Ok(());
        // One topic at a time.
        while outcome.is_ok() {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(first) = next_publish(rest, protocol, limits.packet_bytes)? else {
                break;
            };
            let Some((gateway, kind)) = self.whose(first.publish.topic)? else {
                at += first.bytes;
                outcome = if self.put_into_inbox(&first.publish, received) {
                    Ok(())
                } else {
                    self.forbid(&first.publish, protocol)
                };
                continue;
            };
            if kind == Kind::Aside {
                at += first.bytes;
                metrics.aside.add(1);
                self.let_pass(&first.publish);
                continue;
            }
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
            let (mut counted, mut messages, mut payload_bytes) = (0, 0, 0);
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
            pending.count(messages, payload_bytes);
            lane.laid(pending);
            if let Err(close) = next {
                outcome = Err(close);
            }
        }
        outcome.map(|()| at)
    }

    /// The gateway and kind of a topic, if this client may publish there.
    fn whose(&self, topic: &[u8]) -> Result<Option<(Arc<Gateway>, Kind)>, Close> {
        let Some((id, kind)) = topic::published(topic) else {
            let proper = std::str::from_utf8(topic)
                .ok()
                .filter(|t| packet::is_plain(t) && !t.is_empty() && !t.contains(['+', '#']));
            return match proper {
                Some(topic) => Ok(self.dialect(topic)),
                None => Err(Close::Malformed),
            };
        };
        Ok(match self.open.as_ref().map(|open| &open.who) {
            Some(Who::Gateway(own)) if *own.entry.id == *id => Some((Arc::clone(own), kind)),
            Some(Who::Invited(own)) if *own.entry.id == *id && kind == Kind::Enrol => {
                Some((Arc::clone(own), kind))
            }
            _ => None,
        })
    }

    /// The device of a topic outside the own format, if this client may publish there.
    fn dialect(&self, topic: &str) -> Option<(Arc<Gateway>, Kind)> {
        let device = match &self.open.as_ref()?.who {
            Who::Gateway(own) => own,
            Who::Invited(_) | Who::Anonymous => return None,
        };
        Some((Arc::clone(device), device.dialect(topic)?))
    }

    /// Takes a message that is not kept: it is acknowledged like any other.
    fn let_pass(&mut self, publish: &Publish<'_>) {
        self.shard.shared.metrics.messages.add(1);
        if publish.qos == 2 && !self.unreleased.insert(publish.id) {
            return;
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
                counted: false,
            });
        }
    }

    /// While nobody has a credential, what nobody has entered is looked at by a person first.
    fn put_into_inbox(&mut self, publish: &Publish<'_>, received: Instant) -> bool {
        let shared = Arc::clone(&self.shard.shared);
        let anonymous = matches!(self.open.as_ref().map(|o| &o.who), Some(Who::Anonymous));
        let Some(topic) = std::str::from_utf8(publish.topic)
            .ok()
            // A device that is entered has a credential to show.
            .filter(|topic| anonymous && self.view.snapshot().device_of(topic).is_none())
        else {
            return false;
        };
        let own = topic.starts_with(topic::PREFIX) || topic.starts_with('$');
        let taken = !own
            && shared.registry.offer_unentered(&Unentered {
                door: Door::Endpoint,
                topic,
                payload: publish.payload,
                retained: publish.retain,
                received,
            });
        if taken {
            shared.metrics.unentered.add(1);
            self.let_pass(publish);
        }
        taken
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

    pub(super) fn note_forbidden(&mut self, topic: &str, what: &str) -> Result<(), Close> {
        let metrics = &self.shard.shared.metrics;
        metrics.forbidden.add(1);
        self.forbidden += 1;
        if self.forbidden <= 3 {
            let who = match self.open.as_ref().map(|open| &open.who) {
                Some(Who::Gateway(gateway) | Who::Invited(gateway)) => &*gateway.entry.id,
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
pub(super) fn take(
    shard: &Shard,
    lane: &Lane,
    incoming: &Incoming<'_, '_>,
    connection: &Connection,
    owed: u32,
) {
    let gateway = incoming.gateway;
    let bytes = incoming.payload.len() as u64;
    let mut pending = lane.pending();
    pending.count(1, bytes);
    if gateway
        .usage
        .charge(incoming.received, bytes, gateway.entry.day_bytes)
    {
        let metrics = &shard.shared.metrics;
        pending.take(incoming, Door::Endpoint, &mut Vec::new(), metrics);
        pending.owe(&connection.tally, owed);
    } else {
        lane.exceed(incoming, &connection.tally, owed);
    }
    lane.laid(pending);
}
