//! What devices behind a broker must be told: go on talking, or be born again.
//!
//! Some devices fall silent unless somebody publishes now and then (Victron's keep-alive); a
//! Sparkplug node that lost something is asked for its birth. Both are QoS 0, not retained, and
//! never more often than [`AGAIN`] for one topic.

use std::{collections::HashMap, time::Duration};

use rumqttc::{AsyncClient, QoS};
use tokio::time::Instant;

use crate::registry::View;

/// One topic is told the same thing at most so often.
pub(super) const AGAIN: Duration = Duration::from_secs(10);
/// Topics whose last time is remembered.
const MAX_TOPICS: usize = 10_000;

#[derive(Default)]
pub(super) struct Commands {
    last: HashMap<String, Instant>,
}

impl Commands {
    /// Publishes what is due.
    pub(super) fn publish(&mut self, client: &AsyncClient, view: &View) {
        for command in view.registry().take_commands() {
            self.send(client, &command.topic, &command.payload, AGAIN);
        }
        for gateway in view.snapshot().gateways() {
            let Some(device) = gateway.device.as_ref().filter(|_| !gateway.entry.revoked) else {
                continue;
            };
            let mapping = device.reader.reader.mapping();
            if let Some(keep) = &mapping.keep_alive
                && let Some(topic) = mapping.keep_alive_topic(&device.topics)
            {
                let every = Duration::from_secs(u64::from(keep.every_s));
                self.send(client, &topic, keep.payload.as_bytes(), every);
            }
        }
    }

    fn send(&mut self, client: &AsyncClient, topic: &str, payload: &[u8], every: Duration) {
        if self.last.get(topic).is_some_and(|at| at.elapsed() < every) {
            return;
        }
        if self.last.len() >= MAX_TOPICS {
            self.last.clear();
        }
        if client
            .try_publish(topic, QoS::AtMostOnce, false, payload)
            .is_ok()
        {
            self.last.insert(topic.to_owned(), Instant::now());
        }
    }
}
