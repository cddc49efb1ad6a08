//! From a strange topic to a meter's register: what could read it, and taking it in.

mod lines;
mod take_in;
mod tried;

use std::collections::BTreeMap;

use domain::calendar::Instant;
use mapping::shipped;
use records::{
    decision::{MappingApplied, What},
    society::{Gateway, SocietyDocument},
};

pub use lines::InboxLine;
use lines::discovered;
pub use tried::{Tried, try_message};

use super::{
    Office,
    answer::{Answer, refuse},
    devices,
    inbox::Seen,
    known::{Known, Numbering},
    society::SocietyOffice,
};

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
    /// A mapping of one's own by its text, instead of one by name.
    pub text: Option<String>,
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

impl Office {
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
        let (name, text) = match &wanted.text {
            Some(own) => (devices::mapping_of_text(own)?.name, own.clone()),
            None => self.mapping_for(&wanted.topic, &wanted.mapping, &topics, now)?,
        };
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
            more_sites: Vec::new(),
            from: String::new(),
            cadence_s: 1800,
            mapping: name.clone(),
            topics: filter.clone(),
            meters: wanted.meters.clone(),
            reversed: wanted.reversed,
        };
        let applied = devices::bound(&document, &gateway, text);
        document.gateway.push(gateway);
        self.enter(society, document, applied, by, now)?;
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

    /// Applies a mapping's text to a gateway entry: one that names it already, or any other together
    /// with the topics of its device. So a mapping of one's own comes to be known; it has no name
    /// that a society file could have used before.
    ///
    /// # Errors
    /// When the entry is unknown, or names another mapping and no topics are given.
    pub fn apply_mapping(
        &self,
        society: &SocietyOffice,
        gateway: &str,
        text: &str,
        topics: Option<&str>,
        by: &str,
        now: Instant,
    ) -> Answer<bool> {
        let mapping = devices::mapping_of_text(text)?;
        let known = society.known();
        let mut document = known.document.clone();
        let Some(at) = document.gateway.iter().position(|g| g.id == gateway) else {
            return refuse(format!(
                "gateway `{gateway}` is not in the society file of `{}`\nhint: add `[[gateway]]` with this id and apply the file",
                society.slug()
            ));
        };
        let entry = &document.gateway[at];
        if entry.mapping != mapping.name || topics.is_some_and(|t| t != entry.topics) {
            let Some(topics) = topics else {
                return refuse(format!(
                    "gateway `{gateway}` of `{}` does not name the mapping `{}`\nhint: say what its device publishes with `--topics FILTER`, such as `shed/meter/#`",
                    society.slug(),
                    mapping.name
                ));
            };
            document.gateway[at].mapping.clone_from(&mapping.name);
            topics.clone_into(&mut document.gateway[at].topics);
            let applied = devices::bound(&document, &document.gateway[at], text.to_owned());
            self.enter(society, document, applied, by, now)?;
            return Ok(true);
        }
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

    /// Decides a mapping together with the society file that names it.
    fn enter(
        &self,
        society: &SocietyOffice,
        document: SocietyDocument,
        applied: MappingApplied,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        devices::check(&applied)?;
        self.check_gateways(&document)?;
        let known = society.known();
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
        Ok(())
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
}

#[cfg(test)]
mod tests;
