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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::{
        document_from_toml,
        energy::{By, Place},
    };
    use domain::metering::Quality;
    use records::{message::Door, society::Counts};

    const SOCIETY: &str = r#"
[society]
slug = "bes1"
name = "Sample Energy"
sample = true

[[site]]
id = "roof"
name = "Roof"
latitude = "51.46"
longitude = "-0.11"
capacity_kwp = "37.24"

[[meter_point]]
id = "roof-generation"
site = "roof"
counts = "generation"
capacity_kw = "40"

[[meter]]
serial = "M1"
meter_point = "roof-generation"
installed = "2020-01-01"
[[meter.register]]
code = "2.8.0"
digits = 9

[[meter_point]]
id = "garage-generation"
site = "roof"
counts = "generation"
capacity_kw = "4"

[[meter]]
serial = "evcc-pv"
meter_point = "garage-generation"
installed = "2020-01-01"
power_only = true
"#;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn office(folder: &std::path::Path) -> Office {
        Office::open_alone(folder, at("2026-06-21T20:00:00Z")).unwrap()
    }

    fn wait(topic: &str, payload: &str, received: Instant) -> Waiting {
        Waiting {
            door: Door::Broker,
            topic: topic.to_owned(),
            payload: payload.as_bytes().to_vec(),
            retained: false,
            received,
        }
    }

    fn energy(office: &Office, point: &str) -> (i64, Quality) {
        let society = office.society("bes1").unwrap();
        let row = society
            .energy(
                &Place::Point(point.to_owned()),
                Counts::Generation,
                domain::calendar::Period::Day("2026-06-21".parse().unwrap()),
                By::Day,
                at("2026-06-21T20:00:00Z"),
            )
            .unwrap()
            .rows[0]
            .energy;
        (row.wh.0, row.quality())
    }

    #[test]
    fn what_the_inbox_held_counts_once_its_device_is_adopted() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        {
            let office = office(&data);
            let document = document_from_toml(SOCIETY).unwrap();
            office
                .apply(&document, "owner", false, at("2026-06-01T00:00:00Z"))
                .unwrap();
            // A strange inverter, and a neighbour's plug that nobody asked for.
            for (minute, total) in [(0, "465.294"), (30, "466.000"), (60, "467.500")] {
                let received = at("2026-06-21T10:00:00Z").plus_ms(minute * 60_000);
                office.inbox_put(&wait("inverter/hm600/ch0/YieldTotal", total, received));
            }
            office.inbox_put(&wait(
                "inverter/hm600/ch0/U_AC",
                "233.3",
                at("2026-06-21T10:00:00Z"),
            ));
            office.inbox_put(&wait(
                "tele/neighbour/SENSOR",
                "{}",
                at("2026-06-21T10:00:00Z"),
            ));
            let lines = office.inbox_lines(at("2026-06-21T20:00:00Z")).unwrap();
            let total = lines
                .iter()
                .find(|l| l.topic.ends_with("YieldTotal"))
                .unwrap();
            assert_eq!(
                (total.messages, total.mapping.as_deref()),
                (3, Some("ahoydtu"))
            );
            assert_eq!(total.reads[0].meter, "hm600");
            office.close();
        }
        // Nothing of it was in a journal; it waits through a restart.
        let office = office(&data);
        let society = office.society("bes1").unwrap();
        let before = society.committer().reader().size();
        assert_eq!(before, 1);
        let adopted = office
            .adopt(
                &society,
                &Adoption {
                    topic: "inverter/hm600/ch0/YieldTotal".into(),
                    gateway: "hm600".into(),
                    meters: BTreeMap::from([("hm600".to_owned(), "M1".to_owned())]),
                    ..Adoption::default()
                },
                "owner",
                at("2026-06-21T20:00:00Z"),
            )
            .unwrap();
        assert_eq!(
            (adopted.mapping.as_str(), adopted.topics.as_str()),
            ("ahoydtu", "inverter/hm600/#")
        );
        assert_eq!(
            (adopted.messages, adopted.placed, adopted.unplaced),
            (3, 3, 0)
        );
        // The mapping by content, the entry, and three messages as they came.
        assert_eq!(society.committer().reader().size(), before + 5);
        let left = office.inbox_lines(at("2026-06-21T20:00:00Z")).unwrap();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(energy(&office, "roof-generation").0, 2_206);
        // Adopting what is not there any more, or under a name that is taken, is refused.
        let again = Adoption {
            topic: "inverter/hm600/ch0/YieldTotal".into(),
            gateway: "hm600-2".into(),
            ..Adoption::default()
        };
        assert!(
            office
                .adopt(&society, &again, "owner", at("2026-06-21T20:00:00Z"))
                .is_err()
        );
        society.verify(false, &mut |_, _, _| {}).unwrap();
        office.close();
    }

    #[test]
    fn a_device_that_only_knows_power_is_estimated_and_never_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        {
            let office = office(&data);
            let document = document_from_toml(SOCIETY).unwrap();
            office
                .apply(&document, "owner", false, at("2026-06-01T00:00:00Z"))
                .unwrap();
            for minute in 0..=60 {
                let received = at("2026-06-21T10:00:00Z").plus_ms(minute * 60_000);
                office.inbox_put(&wait("evcc/site/pvPower", "1200.5", received));
            }
            let society = office.society("bes1").unwrap();
            let adoption = Adoption {
                topic: "evcc/site/pvPower".into(),
                gateway: "evcc".into(),
                ..Adoption::default()
            };
            office
                .adopt(&society, &adoption, "owner", at("2026-06-21T20:00:00Z"))
                .unwrap();
            assert_eq!(
                energy(&office, "garage-generation"),
                (1_200, Quality::Estimated)
            );
            office.close();
        }
        let office = office(&data);
        assert_eq!(
            energy(&office, "garage-generation"),
            (1_200, Quality::Estimated)
        );
        let society = office.society("bes1").unwrap();
        society.verify(false, &mut |_, _, _| {}).unwrap();
        // No installation may count on it, and nobody may approve it for billing.
        let claim = format!(
            "{SOCIETY}\n[[installation]]\nid = \"fit\"\nsite = \"roof\"\nmeter_point = \"garage-generation\"\ndeclared_net_capacity_kw = \"4\"\neligible_from = \"2014-01-01\"\n"
        );
        let error = office
            .apply(
                &document_from_toml(&claim).unwrap(),
                "owner",
                true,
                at("2026-06-22T00:00:00Z"),
            )
            .unwrap_err()
            .to_string();
        assert!(error.contains("cannot be claimed"), "{error}");
        let approved = SOCIETY.replace(
            "power_only = true",
            "power_only = true\n[meter.approved]\ntype = \"x\"\ncertificate = \"1\"\nexpires = \"2030-01-01\"",
        );
        let error = office
            .apply(
                &document_from_toml(&approved).unwrap(),
                "owner",
                true,
                at("2026-06-22T00:00:00Z"),
            )
            .unwrap_err()
            .to_string();
        assert!(error.contains("only knows power"), "{error}");
        office.close();
    }

    #[test]
    fn a_society_file_names_its_devices_and_a_second_apply_appends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let office = office(&folder.path().join("data"));
        let with = format!(
            "{SOCIETY}\n[[gateway]]\nid = \"d1\"\nmapping = \"shelly-gen1\"\ntopics = \"shellies/shellyem-1/#\"\nreversed = true\nmeters = {{ \"shellyem-1-0\" = \"M1\" }}\n"
        );
        let document = document_from_toml(&with).unwrap();
        let now = at("2026-06-21T10:00:00Z");
        office.apply(&document, "owner", false, now).unwrap();
        let society = office.society("bes1").unwrap();
        // The mapping's text and the document.
        assert_eq!(society.committer().reader().size(), 2);
        office.apply(&document, "owner", false, now).unwrap();
        assert_eq!(society.committer().reader().size(), 2);
        for (from, to, says) in [
            ("shelly-gen1", "shelly-gen3", "did you mean `shelly-gen"),
            (
                "topics = \"shellies/shellyem-1/#\"\n",
                "",
                "belong together",
            ),
            (
                "shellies/shellyem-1/#",
                "commonwatt/v1/d1/reads",
                "cannot be a device's topics",
            ),
            ("shellies/shellyem-1/#", "#", "cannot be a device's topics"),
            ("= \"M1\" }", "= \"M2\" }", "did you mean `M1`"),
        ] {
            let wrong = document_from_toml(&with.replacen(from, to, 1)).unwrap();
            let error = office
                .apply(&wrong, "owner", true, now)
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{error}\nexpected {says}");
        }
        // A text of one's own, by content, for an entry that names it.
        let text = shipped::named("shelly-gen1")
            .unwrap()
            .text
            .replace("Wmin", "Wh");
        assert!(
            office
                .apply_mapping(&society, "d1", &text, "owner", now)
                .unwrap()
        );
        assert!(
            !office
                .apply_mapping(&society, "d1", &text, "owner", now)
                .unwrap()
        );
        assert_eq!(society.committer().reader().size(), 3);
        // The next apply of the file keeps that text.
        office.apply(&document, "owner", false, now).unwrap();
        assert_eq!(society.committer().reader().size(), 3);
        let broken = text.replace("quantity", "quantty");
        let error = office
            .apply_mapping(&society, "d1", &broken, "owner", now)
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean `quantity`"), "{error}");
        office.close();
    }
}
