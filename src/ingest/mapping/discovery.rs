//! Home Assistant's discovery messages: they name a device's counters, so they propose meters.
//!
//! Understood: one sensor a topic (`…/sensor/…/config`) and whole devices (`…/device/…/config`,
//! `components`), long names and abbreviations, the base topic `~`. Only energy that only rises
//! (`state_class` total or total_increasing, unit Wh, kWh or MWh) is proposed. Of templates the
//! plain path is understood: `{{ value }}`, `{{ value_json.a.b['c'][0] | float }}`; any other
//! template is code, and code is not run: such a sensor is left out.
//!
//! A proposal is a mapping text of its own. Nothing is read by it until a person adopts it.

use std::fmt::Write;

use serde_json::value::RawValue;

use crate::{
    json::{self, Found},
    template::MAX_METER_BYTES,
};

/// Most proposals of one message.
pub const MAX_PROPOSALS: usize = 64;

/// A meter that a device offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What the meter would be called.
    pub meter: String,
    /// What the device calls it.
    pub label: String,
    /// Where its values are published.
    pub topic: String,
    /// The mapping that would read them.
    pub mapping: String,
}

/// Units of a counter, as Home Assistant and we both write them.
const UNITS: [&str; 3] = ["Wh", "kWh", "MWh"];
/// Words that tell of energy sent out or generated.
const OUT: [&str; 10] = [
    "export", "return", "feed", "sold", "deliver", "product", "generat", "yield", "solar", "pv",
];

/// What a discovery message proposes.
///
/// # Errors
/// When it is no JSON object.
pub fn proposals(topic: &str, payload: &str) -> Result<Vec<Proposal>, String> {
    if payload.trim().is_empty() {
        // An empty message takes a sensor away again.
        return Ok(Vec::new());
    }
    let document = json::document(payload.as_bytes())?;
    if !document.get().starts_with('{') {
        return Err("a discovery message is a JSON object".to_owned());
    }
    let base = text(document, &["/~"])?.unwrap_or_default();
    let mut found = Vec::new();
    let mut components = Vec::new();
    for (key, value) in json::entries(document) {
        if key == "components" || key == "cmps" {
            components = json::entries(value);
        }
    }
    if components.is_empty() {
        found.extend(sensor(topic, document, document, &base)?);
    }
    for (_, component) in components {
        if found.len() < MAX_PROPOSALS {
            found.extend(sensor(topic, component, document, &base)?);
        }
    }
    Ok(found)
}

fn sensor(
    topic: &str,
    sensor: &RawValue,
    device: &RawValue,
    base: &str,
) -> Result<Option<Proposal>, String> {
    let class = text(sensor, &["/device_class", "/dev_cla"])?;
    let state = text(sensor, &["/state_class", "/stat_cla"])?;
    let unit = text(sensor, &["/unit_of_measurement", "/unit_of_meas"])?.unwrap_or_default();
    let rises = matches!(state.as_deref(), Some("total" | "total_increasing"));
    if class.as_deref() != Some("energy") || !rises || !UNITS.contains(&unit.as_str()) {
        return Ok(None);
    }
    let own = text(sensor, &["/state_topic", "/stat_t"])?;
    let Some(published) = own.or(text(device, &["/state_topic", "/stat_t"])?) else {
        return Ok(None);
    };
    let published = match (published.strip_prefix('~'), published.strip_suffix('~')) {
        (Some(rest), _) => format!("{base}{rest}"),
        (None, Some(rest)) => format!("{rest}{base}"),
        _ => published,
    };
    let template = text(sensor, &["/value_template", "/val_tpl"])?;
    let Some(pointer) = pointer_of(template.as_deref().unwrap_or("{{ value }}")) else {
        return Ok(None);
    };
    let label = text(sensor, &["/name"])?;
    let label = label
        .or(text(sensor, &["/object_id", "/obj_id"])?)
        .unwrap_or_default();
    let id = text(sensor, &["/unique_id", "/uniq_id"])?.unwrap_or_else(|| topic.to_owned());
    let meter: String = id
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, ',' | '{' | '}' | '"' | '\\') {
                '-'
            } else {
                c
            }
        })
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= MAX_METER_BYTES).then_some(c)
        })
        .collect();
    let words = format!("{label} {id} {}", pointer.as_deref().unwrap_or_default()).to_lowercase();
    let register = if OUT.iter().any(|word| words.contains(word)) {
        "2.8.0"
    } else {
        "1.8.0"
    };
    let mapping = mapping_text(&meter, &published, pointer.as_deref(), &unit, register);
    // What this message cannot be put into is not proposed: a wild topic, an empty name.
    Ok(crate::Mapping::read(&mapping).is_ok().then_some(Proposal {
        meter,
        label,
        topic: published,
        mapping,
    }))
}

fn mapping_text(
    meter: &str,
    topic: &str,
    pointer: Option<&str>,
    unit: &str,
    register: &str,
) -> String {
    let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "name = \"discovered\"\nabout = \"proposed by Home Assistant discovery\"\n\n[[message]]\ntopic = {}\npayload = {}\nmeter = {}\n\n[[message.value]]\n",
        quote(topic),
        if pointer.is_some() {
            "\"json\""
        } else {
            "\"number\""
        },
        quote(meter),
    );
    if let Some(pointer) = pointer {
        let _ = writeln!(text, "pointer = {}", quote(pointer));
    }
    let _ = write!(
        text,
        "unit = \"{unit}\"\nquantity = \"energy\"\nkind = \"counter\"\nregister = \"{register}\"\n"
    );
    text
}

/// The JSON pointer of a plain template; `Some(None)` for the whole payload, `None` for code.
fn pointer_of(template: &str) -> Option<Option<String>> {
    let inner = template
        .trim()
        .strip_prefix("{{")?
        .strip_suffix("}}")?
        .trim();
    if inner.contains(['{', '}', '%', '(']) && !filters_are_plain(inner) {
        return None;
    }
    let mut parts = inner.split('|').map(str::trim);
    let path = parts.next()?;
    if !parts.all(is_plain_filter) {
        return None;
    }
    if path == "value" {
        return Some(None);
    }
    let mut rest = path.strip_prefix("value_json")?;
    let mut pointer = String::new();
    while !rest.is_empty() {
        let (key, after) = if let Some(dotted) = rest.strip_prefix('.') {
            let end = dotted.find(['.', '[']).unwrap_or(dotted.len());
            dotted.split_at(end)
        } else {
            let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
            let inside = inside.trim();
            let quoted = |mark| inside.strip_prefix(mark)?.strip_suffix(mark);
            let bare = quoted('\'').or(quoted('"'));
            let number = inside.bytes().all(|b| b.is_ascii_digit()).then_some(inside);
            (bare.or(number)?, after)
        };
        let proper = !key.is_empty()
            && !key.contains(['\'', '"', ' ', '(', ')', '~', '+', '-', '*', '/'])
            || key.contains(['-', ':']) && !key.contains(['\'', '"', '(', ')', '~', '/']);
        if !proper {
            return None;
        }
        let _ = write!(pointer, "/{key}");
        rest = after;
    }
    (!pointer.is_empty()).then_some(Some(pointer))
}

fn filters_are_plain(inner: &str) -> bool {
    inner.split('|').skip(1).map(str::trim).all(is_plain_filter)
        && !inner
            .split('|')
            .next()
            .unwrap_or_default()
            .contains(['{', '}', '%', '('])
}

/// Filters that only say of what kind a value is, or round it for a display.
fn is_plain_filter(filter: &str) -> bool {
    let (name, rest) = filter.split_once('(').unwrap_or((filter, ")"));
    let numbers = rest.strip_suffix(')').is_some_and(|inside| {
        inside
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b' '))
    });
    numbers && matches!(name.trim(), "float" | "int" | "round" | "is_defined")
}

fn text(document: &RawValue, pointers: &[&str]) -> Result<Option<String>, String> {
    for pointer in pointers {
        if let Found::Text(text) = json::at(document, pointer)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_read_from_templates() {
        let table = [
            ("{{ value }}", Some(None)),
            (
                "{{value_json['ENERGY']['Total']}}",
                Some(Some("/ENERGY/Total")),
            ),
            (
                "{{ value_json.a.b['c'][0] | float | round(2) }}",
                Some(Some("/a/b/c/0")),
            ),
            ("{{ value_json.total_act_energy|float / 1000 }}", None),
            ("{{ value_json.a * 2 }}", None),
            ("{% if value %}{{ value }}{% endif %}", None),
            ("{{ states('sensor.x') }}", None),
            ("{{ value | float(0) }}", Some(None)),
            ("{{ value_json }}", None),
        ];
        for (template, expected) in table {
            let expected = expected.map(|p: Option<&str>| p.map(str::to_owned));
            assert_eq!(pointer_of(template), expected, "{template}");
        }
    }
}
