//! From a strange topic to a meter's register: what could read it, and taking it in.

use std::collections::BTreeMap;

use domain::calendar::{Instant, Zone};
use journal::{Entry, Records};
use mapping::{Mapped, Message, Outcome, Reader, discovery::Proposal, form::Binding, shipped};
use records::{
    Decoded,
    decision::What,
    decode::{self, Dialect},
    message::ReadMessage,
    proof::Proof,
    society::Gateway,
};

use super::{
    Office,
    answer::{Answer, OrOurs, Refusal, refuse},
    devices,
    inbox::{Seen, Waiting},
    known::{Known, Numbering},
    society::{SocietyOffice, stopped},
};

/// Messages of one journal entry when an inbox is taken in.
const ENTRY_MESSAGES: usize = 500;

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

/// How a topic is to be adopted.
#[derive(Clone, Debug, Default)]
pub struct Adoption {
    /// A topic of the inbox.
    pub topic: String,
    /// Id of the gateway entry that is made; the device's MQTT user name.
    pub gateway: String,
    /// The roof; may be empty.
    pub site: String,
    /// The mapping; the one that is proposed when empty.
    pub mapping: String,
    /// The topics the entry takes; those of the device when empty.
    pub topics: String,
    /// What the mapping calls a meter, to the meter's serial.
    pub meters: BTreeMap<String, String>,
    /// The device is wired the other way round.
    pub reversed: bool,
}

/// What adopting did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The society.
    pub society: String,
    /// The mapping.
    pub mapping: String,
    /// The topics the entry takes.
    pub topics: String,
    /// Messages that went from the inbox into the journal.
    pub messages: u64,
    /// Reads of theirs that belong to registers of the society.
    pub placed: usize,
    /// Reads of theirs whose register the society has not entered yet.
    pub unplaced: usize,
}

/// What a mapping makes of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The mapping.
    pub mapping: String,
    /// What it makes of it.
    pub outcome: Outcome,
}

/// Tries one message with a mapping by its text, or with every one that comes with the program and
/// knows the topic.
///
/// # Errors
/// When the mapping is broken, or none knows the topic.
pub fn try_message(
    text: Option<&str>,
    name: Option<&str>,
    zone: &Zone,
    message: &Message<'_>,
) -> Answer<Vec<Tried>> {
    let mappings = match (text, name) {
        (Some(text), _) => vec![devices::mapping_of_text(text)?],
        (None, Some(name)) => match shipped::named(name) {
            Some(shipped) => vec![shipped.mapping.clone()],
            None => return devices::unknown_mapping(name),
        },
        (None, None) => {
            let all = shipped::all().iter();
            all.filter(|s| s.mapping.knows(message.topic))
                .map(|s| s.mapping.clone())
                .collect()
        }
    };
    if mappings.is_empty() {
        return refuse(format!(
            "no mapping knows the topic `{}`\nhint: name one with --mapping, or a file of your own",
            message.topic
        ));
    }
    Ok(mappings
        .into_iter()
        .map(|mapping| {
            let name = mapping.name.clone();
            let reader = Reader::new(mapping, Binding::default(), zone);
            let outcome = match reader.read(message) {
                Outcome::Sparkplug => {
                    let mut node = mapping::sparkplug::Node::default();
                    match reader.sparkplug(&mut node, message) {
                        Ok(read) => Outcome::Reads(read.reads),
                        Err(why) => Outcome::Refused(why),
                    }
                }
                outcome => outcome,
            };
            Tried {
                mapping: name,
                outcome,
            }
        })
        .collect())
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

    /// Enters the device of a topic and takes what the inbox holds of it into the journal.
    ///
    /// # Errors
    /// When no mapping reads the topic, or the society's rules refuse the entry.
    pub fn adopt(
        &self,
        society: &SocietyOffice,
        wanted: &Adoption,
        by: &str,
        now: Instant,
    ) -> Answer<Adopted> {
        let topics = self.inbox.topics(now)?;
        if !topics.contains_key(&wanted.topic) {
            return refuse(format!(
                "`{}` is not in the inbox\nhint: `commonwatt inbox list` names what is",
                wanted.topic
            ));
        }
        let (name, text) = self.mapping_for(&wanted.topic, &wanted.mapping, &topics, now)?;
        let mapping = devices::mapping_of_text(&text)?;
        let filter = match wanted.topics.as_str() {
            "" => mapping
                .device_filter(&wanted.topic)
                .unwrap_or_else(|| wanted.topic.clone()),
            given => given.to_owned(),
        };
        let known = society.known();
        let mut document = known.document.clone();
        if document.gateway.iter().any(|g| g.id == wanted.gateway) {
            return refuse(format!(
                "gateway `{}` is already in the society file",
                wanted.gateway
            ));
        }
        let gateway = Gateway {
            id: wanted.gateway.clone(),
            site: wanted.site.clone(),
            cadence_s: 1800,
            mapping: name.clone(),
            topics: filter.clone(),
            meters: wanted.meters.clone(),
            reversed: wanted.reversed,
        };
        let applied = devices::bound(&document, &gateway, text);
        devices::check(&applied)?;
        document.gateway.push(gateway);
        self.check_gateways(&document)?;
        let mut numbering: Numbering = known
            .series
            .iter()
            .map(|s| (s.meter.clone(), s.register))
            .collect();
        Known::check(&document, &mut numbering)?;
        let decisions = vec![
            What::MappingApplied(applied),
            What::SocietyApplied(Box::new(document)),
        ];
        society.decide_all(decisions, by, now)?;
        self.tell_changed();
        let (messages, placed, unplaced) = self.take_in(society, &wanted.gateway, &filter, now)?;
        Ok(Adopted {
            society: society.slug().to_owned(),
            mapping: name,
            topics: filter,
            messages,
            placed,
            unplaced,
        })
    }

    /// Applies a mapping's text to a gateway entry that names it.
    ///
    /// # Errors
    /// When the entry is unknown or names another mapping.
    pub fn apply_mapping(
        &self,
        society: &SocietyOffice,
        gateway: &str,
        text: &str,
        by: &str,
        now: Instant,
    ) -> Answer<bool> {
        let mapping = devices::mapping_of_text(text)?;
        let known = society.known();
        let entry = known.document.gateway.iter().find(|g| g.id == gateway);
        let Some(entry) = entry.filter(|g| g.mapping == mapping.name) else {
            return refuse(format!(
                "gateway `{gateway}` of `{}` does not name the mapping `{}`\nhint: set `mapping` and `topics` in the society file and apply it",
                society.slug(),
                mapping.name
            ));
        };
        let applied = devices::bound(&known.document, entry, text.to_owned());
        let present = known.devices.of_gateway(gateway);
        if present.is_some_and(|p| p.applied == applied) {
            return Ok(false);
        }
        devices::check(&applied)?;
        society.decide(What::MappingApplied(applied), by, now)?;
        self.tell_changed();
        Ok(true)
    }

    /// The mapping to adopt a topic with: the one named, or the one that is proposed.
    fn mapping_for(
        &self,
        topic: &str,
        named: &str,
        topics: &BTreeMap<String, Seen>,
        now: Instant,
    ) -> Answer<(String, String)> {
        if let Some(shipped) = shipped::named(named) {
            return Ok((named.to_owned(), shipped.text.to_owned()));
        }
        if let Some(proposal) = discovered(topics).get(topic)
            && (named.is_empty() || named == "discovered")
        {
            return Ok(("discovered".to_owned(), proposal.mapping.clone()));
        }
        if !named.is_empty() {
            return devices::unknown_mapping(named);
        }
        let lines = self.inbox_lines(now)?;
        let line = lines.into_iter().find(|line| line.topic == topic);
        let proposed = line
            .filter(|line| !line.reads.is_empty())
            .and_then(|line| line.mapping);
        match proposed.as_deref().and_then(shipped::named) {
            Some(shipped) => Ok((shipped.mapping.name.clone(), shipped.text.to_owned())),
            None => refuse(format!(
                "no mapping reads `{topic}`\nhint: write one and try it with `commonwatt map test`"
            )),
        }
    }

    /// Journals what the inbox holds of a gateway entry, and empties it there.
    fn take_in(
        &self,
        society: &SocietyOffice,
        gateway: &str,
        filter: &str,
        now: Instant,
    ) -> Answer<(u64, usize, usize)> {
        let known = society.known();
        let Some(device) = known.devices.of_gateway(gateway) else {
            return Err(Refusal::Ours(
                "the mapping just applied is not there".to_owned(),
            ));
        };
        let mapping = device.reader.mapping();
        let waiting = self.inbox.waiting(filter, |topic| mapping.knows(topic))?;
        let directory = super::projector::directory_of(&known);
        let id = std::sync::Arc::from(gateway);
        let (mut placed, mut unplaced) = (0, 0);
        for messages in waiting.chunks(ENTRY_MESSAGES) {
            let mut records = Records::default();
            let mut decoded = Decoded::default();
            for (message, number) in messages.iter().zip(0_u32..) {
                let from = decode::From {
                    gateway: &id,
                    received: message.received,
                    record: number,
                };
                let record = ReadMessage {
                    received: message.received,
                    door: message.door,
                    qos: 0,
                    retained: message.retained,
                    will: false,
                    undecodable: false,
                    proof: Proof::Unsigned,
                    gateway,
                    topic: &message.topic,
                    mapping: Some(&device.hash),
                    payload: &message.payload,
                };
                let said = Dialect {
                    device,
                    topic: &message.topic,
                    payload: &message.payload,
                    stale: record.is_stale(),
                };
                let brought = decode::device(from, said, &directory, &mut decoded);
                let record = ReadMessage {
                    undecodable: brought.undecodable,
                    ..record
                };
                let mut bytes = Vec::new();
                record
                    .encode(&mut bytes)
                    .or_ours("a message of the inbox")?;
                records.push(&bytes);
            }
            placed += decoded.placed.len();
            unplaced += decoded.unplaced.len();
            let entry = Entry {
                records,
                time_ms: now.0,
                count: 0,
                ack: None,
                along: decoded,
            };
            society.committer().append(entry).map_err(stopped)?;
        }
        self.inbox.forget(filter)?;
        Ok((waiting.len() as u64, placed, unplaced))
    }
}

/// What discovery messages in the inbox propose, by the topic the values are published on.
fn discovered(topics: &BTreeMap<String, Seen>) -> BTreeMap<String, Proposal> {
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
