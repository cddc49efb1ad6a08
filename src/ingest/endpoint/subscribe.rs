//! SUBSCRIBE, UNSUBSCRIBE, and what can be subscribed to: the own receipt, and which of the own keys
//! are believed.
//!
//! A receipt goes out with QoS 0, whatever was asked for: retained on SUBSCRIBE, then whenever it
//! moves and again after a while. So there is nothing to keep for a client that is away.

use std::sync::atomic::Ordering;

use bytes::BytesMut;
use rumqttc::{
    mqttbytes::{QoS as QoSV4, v4},
    v5::mqttbytes::{QoS as QoSV5, v5},
};

use super::{
    close::Close,
    connection::Subscription,
    packet::{self, Packet, Protocol},
    session::{Open, Session, Who},
};
use crate::topic;

impl Session {
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
            let text = match subscription.keys {
                true => subscription.cell.keys(),
                false => subscription.cell.text(),
            };
            let retain = std::mem::take(&mut subscription.fresh);
            let sent = write_receipt(&mut self.out, open, &subscription.topic, text, retain);
            subscription.sent = Some((version, now));
            shared.metrics.receipts.add(u64::from(sent));
        }
    }

    pub(super) fn subscribe(
        &mut self,
        packet: &Packet<'_>,
        protocol: Protocol,
    ) -> Result<(), Close> {
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
        let keys = topic::enrolled_of(filter);
        let gateway = keys.or_else(|| topic::receipt_of(filter));
        if let Some(Who::Gateway(own)) = self.open.as_ref().map(|open| &open.who)
            && own.device.is_some()
            && gateway.is_none()
        {
            // A device as it is listens for its commands. There are none: nothing is ever sent.
            return Ok(Ok(()));
        }
        let allowed = match (self.open.as_ref().map(|open| &open.who), gateway) {
            (Some(Who::Gateway(own)), Some(id)) => *own.entry.id == *id,
            (Some(Who::Invited(own)), Some(id)) => *own.entry.id == *id && keys.is_some(),
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
                keys: keys.is_some(),
                sent: None,
                fresh: true,
            }),
        }
        self.connection.due.store(true, Ordering::Release);
        Ok(Ok(()))
    }

    pub(super) fn unsubscribe(
        &mut self,
        packet: &Packet<'_>,
        protocol: Protocol,
    ) -> Result<(), Close> {
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
