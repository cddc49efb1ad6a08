//! A node's memory, and one message after another.

use std::collections::BTreeMap;

use domain::calendar::Instant;
use serde::{Deserialize, Serialize};

use super::{
    Topic,
    wire::{Metric, Payload},
};
use crate::{
    exact::Exact,
    form::{Kind, Payload as Form, Place, UseAs},
    read::{Clock, MAX_READS, Mapped, Message, Reader, converted},
    template::Part,
};

/// Most metrics a node may name; what is beyond is not remembered.
pub const MAX_ALIASES: usize = 20_000;
/// A metric's own time is believed this far ahead of ours.
const AHEAD_MS: i64 = 300_000;
/// A metric not marked historical is believed this far behind.
const BEHIND_MS: i64 = 86_400_000;
/// 2009-01-01, as for every device.
const EARLIEST_MS: i64 = 1_230_768_000_000;

/// A meter's name, what its value is, and the value in Wh or W.
type Found = (String, UseAs, i64);

/// What must be remembered of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    born: bool,
    bd_seq: Option<u64>,
    seq: Option<u8>,
    /// Device, metric name by alias; an alias is unique in a node.
    aliases: BTreeMap<u64, (String, String)>,
}

/// What a message brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SparkplugRead {
    /// Reads and powers.
    pub reads: Vec<Mapped>,
    /// The node must be asked to be born again; why.
    pub rebirth: Option<&'static str>,
}

impl Reader {
    /// What a Sparkplug message says, given what was said before.
    ///
    /// # Errors
    /// When the payload is no Sparkplug B or a counter is none.
    pub fn sparkplug(
        &self,
        node: &mut Node,
        message: &Message<'_>,
    ) -> Result<SparkplugRead, String> {
        let Some(topic) = Topic::read(message.topic) else {
            return Ok(SparkplugRead::default());
        };
        if topic.kind == "STATE" || message.stale {
            // Births are never retained; one that is would be of another session.
            return Ok(SparkplugRead::default());
        }
        let payload = Payload::read(message.payload).map_err(|e| e.to_string())?;
        let rebirth = node.follow(&topic, &payload);
        let mut read = SparkplugRead {
            reads: Vec::new(),
            rebirth,
        };
        if matches!(topic.kind, "NBIRTH" | "DBIRTH" | "NDATA" | "DDATA") {
            for kind in self.mapping().messages.iter() {
                if kind.payload == Form::SparkplugB && kind.topic.matches(message.topic).is_some() {
                    self.metrics(kind, node, &topic, &payload, message, &mut read)?;
                }
            }
        }
        Ok(read)
    }

    fn metrics(
        &self,
        kind: &Kind,
        node: &Node,
        topic: &Topic<'_>,
        payload: &Payload,
        message: &Message<'_>,
        read: &mut SparkplugRead,
    ) -> Result<(), String> {
        // Values of one instant belong together.
        let mut found: BTreeMap<i64, (Clock, Vec<Found>)> = BTreeMap::new();
        let mut count = 0;
        for metric in &payload.metrics {
            let Some(name) = node.name_of(metric, topic) else {
                if metric.name.is_none() {
                    read.rebirth = read.rebirth.or(Some("an alias that no birth named"));
                }
                continue;
            };
            let Some(text) = &metric.value else {
                continue;
            };
            for value in kind
                .values
                .iter()
                .filter(|v| v.place == Place::Field(name.to_owned()))
            {
                let Some(number) = Exact::read(text) else {
                    continue;
                };
                let Some(base) = converted(value, number)? else {
                    continue;
                };
                count += 1;
                if count > MAX_READS {
                    return Err(format!("more than {MAX_READS} reads in one message"));
                }
                let meter = value.meter.fill(|part| match part {
                    Part::Capture(name) => Some(
                        match name.as_str() {
                            "group" => topic.group,
                            "node" => topic.node,
                            "device" if topic.device.is_empty() => topic.node,
                            "device" => topic.device,
                            _ => return None,
                        }
                        .to_owned(),
                    ),
                    _ => None,
                })?;
                let (at, clock) = time_of(metric, payload, message.received);
                found
                    .entry(at.0)
                    .or_insert_with(|| (clock, Vec::new()))
                    .1
                    .push((meter, value.use_as, base));
            }
        }
        for (at, (clock, values)) in found {
            self.put_together(&values, Instant(at), clock, &mut read.reads);
        }
        Ok(())
    }
}

impl Node {
    /// Takes note of a message; why the node must be born again, if it must.
    fn follow(&mut self, topic: &Topic<'_>, payload: &Payload) -> Option<&'static str> {
        let seq = payload.seq.and_then(|seq| u8::try_from(seq).ok());
        match topic.kind {
            "NBIRTH" => {
                *self = Node {
                    born: true,
                    bd_seq: bd_seq(payload),
                    seq,
                    aliases: BTreeMap::new(),
                };
                self.learn(topic, payload);
                None
            }
            "NDEATH" => {
                // A death of an older session comes late and ends nothing.
                if bd_seq(payload) == self.bd_seq {
                    *self = Node::default();
                }
                None
            }
            "DBIRTH" | "DDATA" | "NDATA" | "DDEATH" => {
                if !self.born {
                    return Some("data before a birth");
                }
                let expected = self.seq.map(|last| last.wrapping_add(1));
                let lost = seq.is_none() || expected.is_some_and(|e| seq != Some(e));
                if seq.is_some() {
                    self.seq = seq;
                }
                if topic.kind == "DBIRTH" {
                    self.aliases.retain(|_, (device, _)| device != topic.device);
                    self.learn(topic, payload);
                }
                if topic.kind == "DDEATH" {
                    self.aliases.retain(|_, (device, _)| device != topic.device);
                }
                lost.then_some("a gap in the sequence")
            }
            _ => None,
        }
    }

    fn learn(&mut self, topic: &Topic<'_>, payload: &Payload) {
        for metric in &payload.metrics {
            if let (Some(alias), Some(name)) = (metric.alias, &metric.name)
                && self.aliases.len() < MAX_ALIASES
            {
                let meaning = (topic.device.to_owned(), name.clone());
                self.aliases.insert(alias, meaning);
            }
        }
    }

    fn name_of<'a>(&'a self, metric: &'a Metric, topic: &Topic<'_>) -> Option<&'a str> {
        if let Some(name) = metric.name.as_deref().filter(|name| !name.is_empty()) {
            return Some(name);
        }
        let (device, name) = self.aliases.get(&metric.alias?)?;
        (device == topic.device).then_some(name.as_str())
    }
}

fn bd_seq(payload: &Payload) -> Option<u64> {
    let metric = payload
        .metrics
        .iter()
        .find(|m| m.name.as_deref() == Some("bdSeq"))?;
    metric.value.as_ref()?.parse().ok()
}

/// The metric's time, else the payload's, when it can be believed.
fn time_of(metric: &Metric, payload: &Payload, received: Instant) -> (Instant, Clock) {
    let said = metric.timestamp.or(payload.timestamp);
    let Some(said) = said.and_then(|ms| i64::try_from(ms).ok()) else {
        return (received, Clock::Received);
    };
    let oldest = if metric.is_historical {
        EARLIEST_MS
    } else {
        received.0.saturating_sub(BEHIND_MS)
    };
    if said >= oldest && said <= received.0.saturating_add(AHEAD_MS) {
        (Instant(said), Clock::Device)
    } else {
        (received, Clock::NotBelieved)
    }
}
