//! The engine: (mapping, topic, payload, receive time) to reads, proposals, or a refusal.
//!
//! A value that is absent, `null`, `nan`, `unavailable` or `unknown` gives no read: a device that
//! sends only what changed is understood. A counter that is negative, no number or out of range
//! refuses the message, with the reason. Power has one sign inside: positive where energy is taken
//! in; with a read goes the power that flows in the direction its register counts, or 0.

use domain::{
    calendar::{Instant, Zone},
    metering::Obis,
    quantity::WattHours,
};

use crate::{
    discovery::{self, Proposal},
    exact::Exact,
    form::{Binding, Kind, Mapping, Payload, Place, UseAs, Value},
    json::{self, Found},
    line::{self, Line},
    template::Part,
    time::TimePlace,
    topic::Captures,
};

/// Most reads of one message.
pub const MAX_READS: usize = 1_000;
/// Longest payload that is looked at.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;
const MAX_REASON_CHARS: usize = 200;

/// A message to read.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its bytes.
    pub payload: &'a [u8],
    /// When it reached us.
    pub received: Instant,
    /// True when it comes from a broker's memory and not from the device just now.
    pub stale: bool,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its topic is none of this mapping's.
    Elsewhere,
    /// Reads and powers; perhaps none, when it held nothing that matters.
    Reads(Vec<Mapped>),
    /// Meters that somebody could enter.
    Proposals(Vec<Proposal>),
    /// It needs what an earlier message said.
    Sparkplug,
    /// It cannot be read; why, for a person.
    Refused(String),
}

/// One thing a message says of one meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The meter, by its serial or by the mapping's own name for it.
    pub meter: String,
    /// When it was read.
    pub at: Instant,
    /// Whose clock that is.
    pub clock: Clock,
    /// What was read.
    pub what: What,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A register, with the power that flows its way where the message has it.
    Register {
        /// Which register.
        register: Obis,
        /// What it showed.
        wh: WattHours,
        /// The power in its direction, W.
        w: Option<i32>,
    },
    /// The only thing a device without a counter knows, W, positive where energy is taken in: to be
    /// integrated, and estimated for ever.
    Power(i32),
    /// A power that comes without its counter in this message: to be shown, not kept.
    Glance(i32),
}

/// Whose clock a read's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The device's.
    Device,
    /// Ours: the message has no time.
    Received,
    /// Ours: the message has a time that cannot be believed.
    NotBelieved,
}

/// A mapping bound to one device of one society.
#[derive(Clone, Debug)]
pub struct Reader {
    mapping: Mapping,
    binding: Binding,
    zone: Zone,
}

impl Reader {
    /// Binds a mapping. `zone` is the society's, for local times; the mapping's own goes first.
    #[must_use]
    pub fn new(mapping: Mapping, binding: Binding, zone: &Zone) -> Reader {
        let zone = mapping.zone.clone().unwrap_or_else(|| zone.clone());
        Reader {
            mapping,
            binding,
            zone,
        }
    }

    /// The mapping.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// What a message says. The first message kind whose topic fits decides.
    #[must_use]
    pub fn read(&self, message: &Message<'_>) -> Outcome {
        for kind in &self.mapping.messages {
            if let Some(captures) = kind.topic.matches(message.topic) {
                return self
                    .read_as(kind, &captures, message)
                    .unwrap_or_else(|why| Outcome::Refused(plain_reason(&why)));
            }
        }
        Outcome::Elsewhere
    }

    fn read_as(
        &self,
        kind: &Kind,
        captures: &Captures<'_>,
        message: &Message<'_>,
    ) -> Result<Outcome, String> {
        if message.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(format!("the payload is over {MAX_PAYLOAD_BYTES} bytes"));
        }
        if kind.payload == Payload::SparkplugB {
            return Ok(Outcome::Sparkplug);
        }
        let text = std::str::from_utf8(message.payload)
            .map_err(|_| "the payload is not UTF-8 text".to_owned())?;
        if kind.payload == Payload::HomeAssistant {
            return discovery::proposals(message.topic, text).map(Outcome::Proposals);
        }
        let mut reads = Vec::new();
        match kind.payload {
            Payload::Json => {
                let body = Body::Json(json::document(message.payload)?);
                self.gather(kind, &body, captures, message, &mut reads)?;
            }
            Payload::Line => {
                for line in line::lines(text)? {
                    if kind
                        .measurement
                        .as_ref()
                        .is_none_or(|m| *m == line.measurement)
                    {
                        self.gather(kind, &Body::Line(line), captures, message, &mut reads)?;
                    }
                }
            }
            Payload::Csv => {
                let columns = text.trim().split(',').map(str::trim).collect();
                self.gather(kind, &Body::Csv(columns), captures, message, &mut reads)?;
            }
            _ => self.gather(
                kind,
                &Body::Number(text.trim()),
                captures,
                message,
                &mut reads,
            )?,
        }
        Ok(Outcome::Reads(reads))
    }

    fn gather(
        &self,
        kind: &Kind,
        body: &Body<'_>,
        captures: &Captures<'_>,
        message: &Message<'_>,
        reads: &mut Vec<Mapped>,
    ) -> Result<(), String> {
        let mut found: Vec<(String, UseAs, i64)> = Vec::new();
        for value in &kind.values {
            let meant =
                |(part, says): &(Part, String)| body.name(part, captures).as_ref() == Some(says);
            if !value.only.iter().all(meant) {
                continue;
            }
            let Some(number) = body.number(&value.place)? else {
                continue;
            };
            if let Some(base) = converted(value, number)? {
                let meter = value.meter.fill(|part| body.name(part, captures))?;
                found.push((meter, value.use_as, base));
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let time = body.time(&kind.time.place)?;
        let (at, clock) =
            kind.time
                .decide(time.as_deref(), &self.zone, message.received, message.stale)?;
        if reads.len() + found.len() > MAX_READS {
            return Err(format!("more than {MAX_READS} reads in one message"));
        }
        self.put_together(&found, at, clock, reads);
        Ok(())
    }

    /// Joins counters and powers of one instant, under the meters' serials.
    pub(crate) fn put_together(
        &self,
        found: &[(String, UseAs, i64)],
        at: Instant,
        clock: Clock,
        reads: &mut Vec<Mapped>,
    ) {
        let power_of = |meter: &str| {
            found
                .iter()
                .find(|(m, use_as, _)| m == meter && *use_as == UseAs::Power)
                .map(|(_, _, w)| self.turned(*w))
        };
        for (meter, use_as, base) in found {
            let what = match use_as {
                UseAs::Counter(register) => {
                    let register = self.turned_register(*register);
                    let w = power_of(meter).map(|w| {
                        let along = if register.0 == 1 { w } else { -w };
                        i32::try_from(along.max(0)).unwrap_or(i32::MAX)
                    });
                    What::Register {
                        register,
                        wh: WattHours(*base),
                        w,
                    }
                }
                UseAs::PowerToIntegrate => What::Power(watts(self.turned(*base))),
                UseAs::Power => {
                    let with_counter = found
                        .iter()
                        .any(|(m, u, _)| m == meter && matches!(u, UseAs::Counter(_)));
                    if with_counter {
                        continue;
                    }
                    What::Glance(watts(self.turned(*base)))
                }
            };
            reads.push(Mapped {
                meter: self.serial(meter),
                at,
                clock,
                what,
            });
        }
    }

    fn serial(&self, meter: &str) -> String {
        let bound = self.binding.meters.get(meter);
        bound.map_or_else(|| meter.to_owned(), Clone::clone)
    }

    fn turned(&self, w: i64) -> i64 {
        if self.binding.reversed { -w } else { w }
    }

    fn turned_register(&self, register: Obis) -> Obis {
        match (self.binding.reversed, register) {
            (true, Obis(1, d, e)) => Obis(2, d, e),
            (true, Obis(2, d, e)) => Obis(1, d, e),
            _ => register,
        }
    }
}

/// A number in its unit, made whole; none when it is a zero that means nothing.
pub(crate) fn converted(value: &Value, number: Exact) -> Result<Option<i64>, String> {
    if value.zero_is_absent && number.is_zero() {
        return Ok(None);
    }
    let number = if value.negate {
        number.negated()
    } else {
        number
    };
    let base = number
        .in_base(value.unit)
        .ok_or("a value is out of every device's range")?;
    match value.use_as {
        UseAs::Counter(register) if base < 0 => {
            Err(format!("the counter {register} is negative: {base} Wh"))
        }
        UseAs::Counter(_) => Ok(Some(base)),
        _ => match i32::try_from(base) {
            Ok(w) if w != i32::MIN => Ok(Some(base)),
            _ => Err(format!(
                "a power of {base} W is out of every device's range"
            )),
        },
    }
}

enum Body<'a> {
    Number(&'a str),
    Json(&'a serde_json::value::RawValue),
    Csv(Vec<&'a str>),
    Line(Line<'a>),
}

impl Body<'_> {
    fn number(&self, place: &Place) -> Result<Option<Exact>, String> {
        match (self, place) {
            (Body::Number(text), Place::Whole) => read_number(text, "the payload"),
            (Body::Csv(columns), Place::Column(column)) => match columns.get(column - 1) {
                Some(text) => read_number(text, &format!("column {column}")),
                None => Err(format!(
                    "column {column} is missing; the message has {}",
                    columns.len()
                )),
            },
            (Body::Line(line), Place::Field(name)) => {
                match line.fields.iter().find(|(known, _)| known == name) {
                    Some((_, text)) => read_number(text, &format!("field `{name}`")),
                    None => Ok(None),
                }
            }
            (Body::Json(document), Place::Pointers(pointers)) => {
                let mut sum = Exact::ZERO;
                for pointer in pointers {
                    let Some(part) = json_number(json::at(document, pointer)?, pointer)? else {
                        return Ok(None);
                    };
                    sum = sum.plus(part).ok_or("a sum is out of range")?;
                }
                Ok(Some(sum))
            }
            _ => Ok(None),
        }
    }

    fn name(&self, part: &Part, captures: &Captures<'_>) -> Option<String> {
        match (part, self) {
            (Part::Capture(name), _) => captures
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, held)| (*held).to_owned()),
            (Part::Tag(name), Body::Line(line)) => line
                .tags
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, held)| held.clone()),
            (Part::Pointer(pointer), Body::Json(document)) => {
                match json::at(document, pointer).ok()? {
                    Found::Text(text) => Some(text),
                    Found::Number(text) => Some(text.to_owned()),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn time(&self, place: &TimePlace) -> Result<Option<String>, String> {
        Ok(match (place, self) {
            (TimePlace::Pointer(pointer), Body::Json(document)) => {
                match json::at(document, pointer)? {
                    Found::Text(text) => Some(text),
                    Found::Number(text) => Some(text.to_owned()),
                    _ => None,
                }
            }
            (TimePlace::Column(column), Body::Csv(columns)) => {
                columns.get(column - 1).map(|text| (*text).to_owned())
            }
            (TimePlace::Line, Body::Line(line)) => line.time.map(str::to_owned),
            _ => None,
        })
    }
}

/// A number, or several of one device's phases, which are summed.
fn json_number(found: Found<'_>, pointer: &str) -> Result<Option<Exact>, String> {
    match found {
        Found::Absent => Ok(None),
        Found::Number(text) => read_number(text, pointer),
        Found::Text(text) => read_number(&text, pointer),
        Found::List(phases) if !phases.is_empty() => {
            let mut sum = Exact::ZERO;
            for phase in phases {
                let part = match json::found(phase)? {
                    Found::Number(text) => read_number(text, pointer)?,
                    _ => None,
                };
                let part = part.ok_or_else(|| {
                    format!("`{pointer}` is a list with something else than numbers")
                })?;
                sum = sum.plus(part).ok_or("a sum is out of range")?;
            }
            Ok(Some(sum))
        }
        Found::List(_) => Ok(None),
        Found::Other => Err(format!("`{pointer}` is no number")),
    }
}

/// A number; none for the words devices write when they have none.
fn read_number(text: &str, what: &str) -> Result<Option<Exact>, String> {
    let text = text.trim();
    let nothing = [
        "",
        "nan",
        "-nan",
        "null",
        "none",
        "unavailable",
        "unknown",
        "inf",
        "-inf",
    ];
    if nothing.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Ok(None);
    }
    Exact::read(text).map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        format!("{what} is `{shown}`; expected a number")
    })
}

fn watts(w: i64) -> i32 {
    i32::try_from(w).unwrap_or(0)
}

/// A reason, short and without control characters.
fn plain_reason(why: &str) -> String {
    let plain = |c: char| if c.is_control() { '·' } else { c };
    why.chars().take(MAX_REASON_CHARS).map(plain).collect()
}
