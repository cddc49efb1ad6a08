//! The form of a mapping, as a person writes it in TOML, and what is checked once.
//!
//! ```toml
//! name = "shelly-gen1"                       # a-z, 0-9, `-`
//! about = "Shelly EM and 3EM, first generation"
//! source = "https://…"                       # where the payloads are described
//! zone = "Europe/Berlin"                     # of local times; default: the society's
//! keep_alive = { topic = "R/{portal}/keepalive", every_s = 30 }   # only if the device wants one
//!
//! [[message]]                                # one for each kind of topic
//! topic = "shellies/{device}/emeter/{channel}/total"
//! payload = "number"                         # number | json | csv | line | home-assistant | sparkplug-b
//! meter = "{device}-{channel}"               # also `{tag:name}`, `{/json/pointer}`
//! measurement = "electricity"                # only for line protocol
//! time = { pointer = "/Time", format = "local" }   # absent: the receive time
//!
//! [[message.value]]                          # one for each value that matters
//! pointer = "/ENERGY/Total"                  # json; a list of pointers is summed; csv: column = 3; line: field = "x"
//! unit = "kWh"                               # Wh kWh MWh Wmin Ws | W kW
//! quantity = "energy"                        # energy | power
//! kind = "counter"                           # counter (energy) | gauge (power)
//! register = "1.8.0"                         # for a counter: 1.x taken in, 2.x sent out or generated
//! positive = "import"                        # for a gauge: which way a positive value flows
//! negate = false                             # the device counts backwards
//! zero = "value"                             # or "absent": this counter says 0 while it sleeps
//! integrate = false                          # power-only device: made into estimated energy
//! meter = "{device}"                         # when it differs from the message's
//! only = { datapoint = "ENERGY_PRODUCED" }   # only where this tag of a line says so; json: a pointer
//! ```
//!
//! Unknown keys are errors. A power is never integrated where the same mapping has a counter for the
//! same meter and direction: counters are preferred, always.

use std::collections::{BTreeMap, BTreeSet};

use domain::{calendar::Zone, metering::Obis};
use serde::{Deserialize, Serialize};

use crate::{
    exact,
    template::{Part, Template},
    time::{Policy, TimeForm},
    topic::Pattern,
};

pub use exact::Unit;

/// Longest mapping in bytes.
pub const MAX_FORM_BYTES: usize = 64 << 10;
/// Most message kinds of a mapping.
pub const MAX_MESSAGES: usize = 64;
/// Most values of a message.
pub const MAX_VALUES: usize = 64;

/// A mapping that has been checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// Where the payloads are described.
    pub source: String,
    /// What must be published to keep the device talking.
    pub keep_alive: Option<KeepAlive>,
    pub(crate) zone: Option<Zone>,
    pub(crate) messages: Vec<Kind>,
}

/// What must be published now and then, or the device falls silent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepAlive {
    /// The topic, with captures of the message patterns.
    pub topic: String,
    /// Seconds between two.
    pub every_s: u32,
    /// What is published.
    #[serde(default)]
    pub payload: String,
}

/// One kind of message.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub topic: Pattern,
    pub payload: Payload,
    pub measurement: Option<String>,
    pub time: Policy,
    pub values: Vec<Value>,
}

/// One value of a message.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub place: Place,
    pub unit: Unit,
    pub use_as: UseAs,
    pub negate: bool,
    pub zero_is_absent: bool,
    pub meter: Template,
    /// Tags or pointers and what they must say, or this value is none of the message's.
    pub only: Vec<(Part, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Whole,
    Pointers(Vec<String>),
    Column(usize),
    Field(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UseAs {
    Counter(Obis),
    /// Shown with the counters of the message.
    Power,
    /// The only thing the device knows.
    PowerToIntegrate,
}

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payload {
    /// One number as text.
    Number,
    /// A JSON document.
    Json,
    /// Numbers apart by commas.
    Csv,
    /// InfluxDB line protocol.
    Line,
    /// Home Assistant's discovery: proposes meters, brings no reads.
    HomeAssistant,
    /// Sparkplug B protobuf.
    SparkplugB,
}

/// A mapping cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMapping {
    /// No TOML of this form; names the key.
    #[error("{0}")]
    Form(String),
    /// A rule is broken.
    #[error("mapping `{name}`: {what}")]
    Rule {
        /// The mapping.
        name: String,
        /// What is wrong.
        what: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    keep_alive: Option<KeepAlive>,
    #[serde(default)]
    message: Vec<MessageForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageForm {
    topic: String,
    payload: Payload,
    #[serde(default)]
    meter: Option<String>,
    #[serde(default)]
    measurement: Option<String>,
    #[serde(default)]
    time: Option<TimeForm>,
    #[serde(default)]
    value: Vec<ValueForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueForm {
    #[serde(default)]
    pointer: Option<OneOrMore>,
    #[serde(default)]
    column: Option<u16>,
    #[serde(default)]
    field: Option<String>,
    unit: Unit,
    quantity: Quantity,
    kind: CounterOrGauge,
    #[serde(default)]
    register: Option<String>,
    #[serde(default)]
    positive: Option<Way>,
    #[serde(default)]
    negate: bool,
    #[serde(default)]
    zero: Zero,
    #[serde(default)]
    integrate: bool,
    #[serde(default)]
    meter: Option<String>,
    #[serde(default)]
    only: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Quantity {
    Energy,
    Power,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CounterOrGauge {
    Counter,
    Gauge,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    Import,
    Export,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Zero {
    #[default]
    Value,
    Absent,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// How a mapping is bound to one device of one society; journaled with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// What the mapping calls a meter, to the meter's serial.
    pub meters: std::collections::BTreeMap<String, String>,
    /// The device is wired the other way round: import and export change places.
    pub reversed: bool,
}

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    /// [`BadMapping`] with the key or the rule.
    pub fn read(text: &str) -> Result<Mapping, BadMapping> {
        if text.len() > MAX_FORM_BYTES {
            return Err(BadMapping::Form(format!(
                "the mapping is {} bytes long; the limit is {MAX_FORM_BYTES}",
                text.len()
            )));
        }
        let form: Form = toml::from_str(text).map_err(|e| BadMapping::Form(e.to_string()))?;
        let name = form.name.clone();
        check(form).map_err(|what| BadMapping::Rule { name, what })
    }

    /// MQTT filters that bring its messages, each once.
    #[must_use]
    pub fn filters(&self) -> Vec<String> {
        let filters: BTreeSet<String> = self.messages.iter().map(|m| m.topic.filter()).collect();
        filters.into_iter().collect()
    }

    /// Whether a topic is one of its own.
    #[must_use]
    pub fn knows(&self, topic: &str) -> bool {
        self.messages
            .iter()
            .any(|m| m.topic.matches(topic).is_some())
    }

    /// The narrowest MQTT filter that takes what the device of this topic publishes: everything
    /// under the word that names it. None for a topic that is not this mapping's.
    #[must_use]
    pub fn device_filter(&self, topic: &str) -> Option<String> {
        let kind = self
            .messages
            .iter()
            .find(|m| m.topic.matches(topic).is_some())?;
        Some(kind.topic.device_filter(topic))
    }

    /// Whether it reads Sparkplug B, which needs a memory.
    #[must_use]
    pub fn is_sparkplug(&self) -> bool {
        self.messages
            .iter()
            .any(|m| m.payload == Payload::SparkplugB)
    }

    /// How such a device has to be asked for what it publishes, in words; none when it needs no asking.
    #[must_use]
    pub fn is_asked(&self) -> Option<&'static str> {
        match &self.keep_alive {
            Some(_) => Some("it falls silent unless it is asked again and again"),
            None if self.is_sparkplug() => {
                Some("it has to be asked for a new birth when a message was lost")
            }
            None => None,
        }
    }

    /// The topic on which a device under `filter` is kept talking; none when it needs none or the
    /// filter does not name it.
    #[must_use]
    pub fn keep_alive_topic(&self, filter: &str) -> Option<String> {
        let wanted = Template::read(&self.keep_alive.as_ref()?.topic).ok()?;
        self.messages.iter().find_map(|message| {
            let captures = message.topic.captures_in_filter(filter);
            wanted
                .fill(|part| match part {
                    Part::Capture(name) => captures
                        .iter()
                        .find(|(known, _)| known == name)
                        .map(|(_, held)| (*held).to_owned()),
                    _ => None,
                })
                .ok()
        })
    }
}

fn check(form: Form) -> Result<Mapping, String> {
    let slug = (1..=40).contains(&form.name.len())
        && form
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !slug {
        return Err("its name must be 1 to 40 of a-z, 0-9 and `-`".to_owned());
    }
    if form.message.is_empty() || form.message.len() > MAX_MESSAGES {
        return Err(format!("expected 1 to {MAX_MESSAGES} [[message]] tables"));
    }
    let zone = match &form.zone {
        Some(name) => Some(Zone::named(name).map_err(|e| e.to_string())?),
        None => None,
    };
    let messages = form
        .message
        .into_iter()
        .map(message)
        .collect::<Result<Vec<Kind>, String>>()?;
    counters_come_first(&messages)?;
    let mapping = Mapping {
        name: form.name,
        about: form.about,
        source: form.source,
        keep_alive: form.keep_alive,
        zone,
        messages,
    };
    if let Some(keep_alive) = &mapping.keep_alive {
        let wanted = Template::read(&keep_alive.topic)?;
        let known = |name: &String| {
            mapping
                .messages
                .iter()
                .any(|m| m.topic.names().any(|n| n == name))
        };
        let proper = wanted.parts().iter().all(|part| match part {
            Part::Capture(name) => known(name),
            Part::Text(_) => true,
            _ => false,
        });
        if !proper || !(5..=3_600).contains(&keep_alive.every_s) {
            return Err(
                "keep_alive: expected captures of the topics and every_s from 5 to 3600".to_owned(),
            );
        }
    }
    Ok(mapping)
}

fn message(form: MessageForm) -> Result<Kind, String> {
    let topic = Pattern::read(&form.topic)?;
    let place = format!("message `{}`", form.topic);
    let bare = matches!(form.payload, Payload::HomeAssistant | Payload::SparkplugB);
    // A Sparkplug message names its values by metric, so it lists them; a proposal has none.
    let wants_values = form.payload != Payload::HomeAssistant;
    if wants_values == form.value.is_empty() || form.value.len() > MAX_VALUES {
        return Err(format!(
            "{place}: expected 1 to {MAX_VALUES} [[message.value]] tables (none for home-assistant)"
        ));
    }
    if form.measurement.is_some() && form.payload != Payload::Line {
        return Err(format!("{place}: `measurement` is for payload = \"line\""));
    }
    if bare && form.time.is_some() {
        return Err(format!("{place}: this payload brings its own times"));
    }
    let time = Policy::of(form.time, form.payload).map_err(|e| format!("{place}: {e}"))?;
    let values = form
        .value
        .into_iter()
        .map(|v| {
            value(v, form.payload, form.meter.as_deref(), &topic)
                .map_err(|e| format!("{place}: {e}"))
        })
        .collect::<Result<Vec<Value>, String>>()?;
    Ok(Kind {
        topic,
        payload: form.payload,
        measurement: form.measurement,
        time,
        values,
    })
}

fn value(
    form: ValueForm,
    payload: Payload,
    meter: Option<&str>,
    topic: &Pattern,
) -> Result<Value, String> {
    let place = match (payload, form.pointer, form.column, form.field) {
        (Payload::Number, None, None, None) => Place::Whole,
        (Payload::Json, Some(pointers), None, None) => {
            let pointers = match pointers {
                OneOrMore::One(one) => vec![one],
                OneOrMore::More(more) => more,
            };
            if pointers.is_empty() || pointers.iter().any(|p| !is_pointer(p)) {
                return Err("a pointer begins with `/`, like `/ENERGY/Total`".to_owned());
            }
            Place::Pointers(pointers)
        }
        (Payload::Csv, None, Some(column @ 1..), None) => Place::Column(usize::from(column)),
        (Payload::Line | Payload::SparkplugB, None, None, Some(field)) if !field.is_empty() => {
            Place::Field(field)
        }
        _ => {
            return Err(
                "a value is found by `pointer` in json, `column` (from 1) in csv, `field` in line and sparkplug-b, and by nothing in number"
                    .to_owned(),
            );
        }
    };
    let use_as = match (form.quantity, form.kind, form.register, form.positive) {
        (Quantity::Energy, CounterOrGauge::Counter, Some(register), None) => {
            let register: Obis = register.parse().map_err(|e| format!("register: {e}"))?;
            if !matches!(register.0, 1 | 2) || register.1 != 8 {
                return Err(format!(
                    "register `{register}` is no energy register; expected 1.8.x or 2.8.x"
                ));
            }
            if form.integrate {
                return Err("a counter is not integrated".to_owned());
            }
            UseAs::Counter(register)
        }
        (Quantity::Power, CounterOrGauge::Gauge, None, Some(_)) if form.integrate => {
            UseAs::PowerToIntegrate
        }
        (Quantity::Power, CounterOrGauge::Gauge, None, Some(_)) => UseAs::Power,
        _ => {
            return Err(
                "expected quantity = \"energy\", kind = \"counter\" with a `register`, or quantity = \"power\", kind = \"gauge\" with `positive`"
                    .to_owned(),
            );
        }
    };
    if form.unit.is_energy() != matches!(use_as, UseAs::Counter(_)) {
        return Err(format!(
            "unit `{:?}` does not measure this quantity",
            form.unit
        ));
    }
    let meter = form.meter.as_deref().or(meter);
    let meter = Template::read(meter.ok_or("`meter` is missing: what is the meter called?")?)?;
    for part in meter.parts() {
        let known = match part {
            Part::Text(_) => true,
            Part::Capture(name) => {
                topic.names().any(|n| n == name)
                    || (payload == Payload::SparkplugB && SPARKPLUG_NAMES.contains(&name.as_str()))
            }
            Part::Tag(_) => payload == Payload::Line,
            Part::Pointer(pointer) => payload == Payload::Json && is_pointer(pointer),
        };
        if !known {
            return Err(
                "the meter's name uses something that this message does not have".to_owned(),
            );
        }
    }
    let only = form
        .only
        .into_iter()
        .map(|(key, says)| match payload {
            Payload::Line => Ok((Part::Tag(key), says)),
            Payload::Json if is_pointer(&key) => Ok((Part::Pointer(key), says)),
            _ => Err("`only` names tags of a line, or pointers in json".to_owned()),
        })
        .collect::<Result<Vec<_>, String>>()?;
    // Inside, every power is positive where energy is taken in.
    let negate = form.negate != (form.positive == Some(Way::Export));
    Ok(Value {
        place,
        unit: form.unit,
        use_as,
        negate,
        zero_is_absent: form.zero == Zero::Absent,
        meter,
        only,
    })
}

/// What a Sparkplug topic always has.
const SPARKPLUG_NAMES: [&str; 3] = ["group", "node", "device"];

fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.len() <= 256
}

/// No power is integrated where a counter of the same meter's name exists.
fn counters_come_first(messages: &[Kind]) -> Result<(), String> {
    let all = || messages.iter().flat_map(|m| &m.values);
    for power in all().filter(|v| v.use_as == UseAs::PowerToIntegrate) {
        if all().any(|v| matches!(v.use_as, UseAs::Counter(_)) && v.meter == power.meter) {
            return Err(
                "`integrate` is for devices that have no counter, and this meter has one"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "x"
[[message]]
topic = "a/{device}"
payload = "json"
meter = "{device}"
[[message.value]]
pointer = "/e"
unit = "kWh"
quantity = "energy"
kind = "counter"
register = "1.8.0"
"#;

    #[test]
    fn every_departure_is_named() {
        assert!(Mapping::read(GOOD).is_ok());
        let power = "\n[[message.value]]\npointer = \"/p\"\nunit = \"W\"\nquantity = \"power\"\nkind = \"gauge\"\npositive = \"import\"\nintegrate = true\n";
        let cases = [
            (
                "pointer = \"/e\"",
                "pointr = \"/e\"",
                "unknown field `pointr`",
            ),
            ("pointer = \"/e\"", "pointer = \"e\"", "begins with `/`"),
            ("pointer = \"/e\"", "column = 3", "found by `pointer`"),
            ("\"kWh\"", "\"kW\"", "does not measure"),
            ("\"kWh\"", "\"kwh\"", "unknown variant `kwh`"),
            ("\"1.8.0\"", "\"32.7.0\"", "no energy register"),
            (
                "kind = \"counter\"",
                "kind = \"gauge\"",
                "expected quantity",
            ),
            (
                "meter = \"{device}\"",
                "meter = \"{devise}\"",
                "does not have",
            ),
            ("meter = \"{device}\"", "", "`meter` is missing"),
            (
                "register = \"1.8.0\"",
                "register = \"1.8.0\"\nonly = { unit = \"Wh\" }",
                "`only` names",
            ),
            ("name = \"x\"", "name = \"X y\"", "its name"),
            ("a/{device}", "a/{device", "is no level"),
            (
                "payload = \"json\"",
                "payload = \"xml\"",
                "unknown variant `xml`",
            ),
            (
                "register = \"1.8.0\"\n",
                &format!("register = \"1.8.0\"\n{power}"),
                "has one",
            ),
        ];
        for (from, to, says) in cases {
            let text = GOOD.replacen(from, to, 1);
            let error = Mapping::read(&text).expect_err(&text).to_string();
            assert!(error.contains(says), "{text}\n{error}\nexpected {says}");
        }
    }
}
