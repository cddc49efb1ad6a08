//! What waits in the inbox, topic by topic, with what could be made of it.

use std::collections::BTreeMap;

use domain::calendar::{Instant, Zone};
use mapping::{Mapped, Message, Outcome, discovery::Proposal, shipped};

use super::{Tried, try_message};
use crate::{
    Office,
    answer::{Answer, OrOurs, refuse},
    inbox::{Seen, Waiting},
};

/// A topic of the inbox with what could be made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxLine {
    /// The topic.
    pub topic: String,
    /// Messages that wait.
    pub messages: u64,
    /// When the first of them came.
    pub first: Instant,
    /// When the last of them came.
    pub last: Instant,
    /// The mapping that reads it; none when no mapping does.
    pub mapping: Option<String>,
    /// What that mapping makes of the last message.
    pub reads: Vec<Mapped>,
    /// The meter of a society that is meant, when its serial is known.
    pub meter: Option<String>,
    /// The last payload.
    pub payload: Vec<u8>,
}

impl Office {
    /// The inbox, topic by topic.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn inbox_lines(&self, now: Instant) -> Answer<Vec<InboxLine>> {
        let topics = self.inbox.topics(now)?;
        let discovered = discovered(&topics);
        let societies = self.societies();
        let zone = societies.first().map(|s| s.known().zone.clone());
        let zone = match zone {
            Some(zone) => zone,
            None => Zone::named("UTC").or_ours("the zone")?,
        };
        Ok(topics
            .into_iter()
            .map(|(topic, seen)| {
                let message = Message {
                    topic: &topic,
                    payload: &seen.payload,
                    received: seen.last,
                    stale: seen.stale,
                };
                let text = discovered.get(&topic).map(|p| p.mapping.as_str());
                let tried = try_message(text, None, &zone, &message).unwrap_or_default();
                let best = tried.into_iter().max_by_key(|t| match &t.outcome {
                    Outcome::Reads(reads) => 1 + reads.len(),
                    Outcome::Proposals(_) => 1,
                    _ => 0,
                });
                let (mapping, reads) = match best {
                    Some(Tried {
                        mapping,
                        outcome: Outcome::Reads(reads),
                    }) => (Some(mapping), reads),
                    Some(other) => (Some(other.mapping), Vec::new()),
                    None => (None, Vec::new()),
                };
                let meter = reads
                    .iter()
                    .map(|read| &read.meter)
                    .find(|meter| {
                        societies
                            .iter()
                            .any(|s| s.known().meters.contains_key(*meter))
                    })
                    .cloned();
                InboxLine {
                    messages: seen.messages,
                    first: seen.first,
                    last: seen.last,
                    mapping,
                    reads,
                    meter,
                    payload: seen.payload,
                    topic,
                }
            })
            .collect())
    }

    /// Drops a topic or a filter and keeps nothing of it from now on; how many messages went.
    ///
    /// # Errors
    /// When it is no filter, or the files cannot be written.
    pub fn inbox_dismiss(&self, filter: &str) -> Answer<u64> {
        if !mapping::topic::is_filter(filter) {
            return refuse(format!("`{filter}` is no topic and no MQTT filter"));
        }
        self.inbox.dismiss(filter)
    }

    /// How many messages the inbox had no room for.
    #[must_use]
    pub fn inbox_dropped(&self) -> u64 {
        self.inbox.dropped()
    }

    /// Takes a message of a topic that nobody has entered.
    pub fn inbox_put(&self, message: &Waiting) {
        self.inbox.put(message);
    }
}

/// What discovery messages in the inbox propose, by the topic the values are published on.
pub(super) fn discovered(topics: &BTreeMap<String, Seen>) -> BTreeMap<String, Proposal> {
    let mut found = BTreeMap::new();
    let Some(home) = shipped::named("home-assistant") else {
        return found;
    };
    for (topic, seen) in topics.iter().filter(|(topic, _)| home.mapping.knows(topic)) {
        let text = std::str::from_utf8(&seen.payload).unwrap_or_default();
        for proposal in mapping::discovery::proposals(topic, text).unwrap_or_default() {
            found.insert(proposal.topic.clone(), proposal);
        }
    }
    found
}
