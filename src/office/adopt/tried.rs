//! One message, tried with the mappings that know its topic.

use domain::calendar::Zone;
use mapping::{Message, Outcome, Reader, form::Binding, shipped};

use crate::{
    answer::{Answer, refuse},
    devices,
};

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
