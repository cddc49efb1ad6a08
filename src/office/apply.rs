//! `society apply`: from a TOML file to the document in force, idempotent, with its differences.

use std::sync::Arc;

use domain::{
    calendar::{Instant, Span},
    metering::bindings::GRACE_MS,
};
use records::{decision::What, society::SocietyDocument};
use serde_json::Value;

use super::{
    Office,
    answer::{Answer, OrOurs, Refusal, refuse},
    bindings, devices,
    known::{Known, Numbering},
    roll,
    society::SocietyOffice,
};

/// One difference between the document in force and the one that is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: `site elmore-house capacity_kwp`.
    pub at: String,
    /// What stands; none when it is new.
    pub was: Option<String>,
    /// What is wanted; none when it goes.
    pub now: Option<String>,
}

/// What applying did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The society.
    pub slug: String,
    /// True when the society is new.
    pub founded: bool,
    /// What differed; empty when nothing was appended.
    pub differences: Vec<Difference>,
    /// What is to be said of gateways that may send reads of any meter.
    pub advice: Vec<String>,
    /// Whether gateways were bound otherwise for a time of which there are reads, so that the series
    /// were made again from the journal.
    pub series_made_again: bool,
}

/// Reads a society file.
///
/// # Errors
/// With the line, the key and the nearest known key.
pub fn document_from_toml(text: &str) -> Answer<SocietyDocument> {
    toml::from_str(text).map_err(|e| Refusal::Caller(config::explain(&e.to_string())))
}

impl Office {
    /// Applies a society document; changes nothing when it is the one in force, or on a dry run.
    ///
    /// # Errors
    /// When the document is wrong, or takes away what reads or another society depend on.
    pub fn apply(
        &self,
        document: &SocietyDocument,
        by: &str,
        dry_run: bool,
        now: Instant,
    ) -> Answer<Applied> {
        let slug = document.society.slug.clone();
        let mut document = document.clone();
        document.society.binds_gateways = true;
        let document = &document;
        self.check_gateways(document)?;
        let present = self.societies().into_iter().find(|s| s.slug() == slug);
        let Some(society) = present else {
            let founding = Known::check(document, &mut Numbering::new())?;
            let mappings = devices::wanted(document, None)?;
            let differences = differences(None, document)?;
            if !dry_run {
                let folder = self.folder.society(&slug);
                SocietyOffice::found(&folder, document, mappings, by, now, self.settings)?;
                let opened =
                    SocietyOffice::open(&slug, &folder, now, self.settings, (self.watches)(&slug))?;
                self.societies
                    .write()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .insert(slug.clone(), Arc::new(opened));
                self.tell_changed();
            }
            return Ok(Applied {
                slug,
                founded: true,
                advice: bindings::advice(&founding),
                series_made_again: false,
                differences,
            });
        };
        let known = society.known();
        let mut numbering: Numbering = known
            .series
            .iter()
            .map(|s| (s.meter.clone(), s.register))
            .collect();
        let next = Known::check(document, &mut numbering)?;
        if next.zone != known.zone {
            return refuse("society.zone cannot be changed: days already reported would move");
        }
        let mut decisions = devices::wanted(document, Some(&known))?;
        events_keep_their_meters(&society, &next)?;
        bindings::check_change(&known.document, document)?;
        roll::keeps_classes(&society, document)?;
        let differences = differences(Some(&known.document), document)?;
        let mut again = false;
        if !dry_run && !differences.is_empty() {
            decisions.push(What::SocietyApplied(Box::new(document.clone())));
            society.decide_all(decisions, by, now)?;
            self.tell_changed();
            again = reads_belong_elsewhere(&society, &known, now)?;
            if again {
                self.rebuild(&society, now, &mut |_, _, _| {})?;
            }
        }
        Ok(Applied {
            slug,
            founded: false,
            differences,
            advice: bindings::advice(&next),
            series_made_again: again,
        })
    }

    pub(super) fn check_gateways(&self, document: &SocietyDocument) -> Answer<()> {
        for other in self
            .societies()
            .iter()
            .filter(|s| s.slug() != document.society.slug)
        {
            let known = other.known();
            for gateway in &document.gateway {
                if known.document.gateway.iter().any(|g| g.id == gateway.id) {
                    return refuse(format!(
                        "gateway `{}` belongs to society `{}`; a gateway belongs to one society",
                        gateway.id,
                        other.slug()
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Whether the document that was just applied says of reads that are placed already that they belong
/// elsewhere.
fn reads_belong_elsewhere(society: &SocietyOffice, before: &Known, now: Instant) -> Answer<bool> {
    let known = society.known();
    let Some(since) = known.bindings.changed_since(&before.bindings) else {
        return Ok(false);
    };
    if since < now.plus_ms(GRACE_MS) {
        return Ok(true);
    }
    // Clocks that are ahead of ours.
    society.projector().flush()?;
    let span = Span::new(since, Instant(i64::MAX));
    society.look(|reader| {
        for series in known.series.iter().filter(|series| series.named) {
            if !reader
                .reads(series.id, span)
                .or_ours("series.sqlite")?
                .is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// A meter that a dated event names is part of the evidence: without it the event would count for
/// nothing and the energy around it would change.
fn events_keep_their_meters(society: &SocietyOffice, next: &Known) -> Answer<()> {
    for event in society.events().iter() {
        for id in [event.closes, event.opens] {
            let Some(series) = next.series.get(id.0 as usize) else {
                continue;
            };
            if !series.named {
                return refuse(format!(
                    "meter `{}` with register `{}` is not in the file, but the {} of {} names it\nhint: keep its [[meter]] in the file; a meter that was taken down stays there with its reads",
                    series.meter,
                    series.register,
                    event.kind.word(),
                    event.closed_at
                ));
            }
        }
    }
    Ok(())
}

fn differences(was: Option<&SocietyDocument>, now: &SocietyDocument) -> Answer<Vec<Difference>> {
    let was = match was {
        Some(document) => serde_json::to_value(document).or_ours("the society document")?,
        None => Value::Null,
    };
    let now = serde_json::to_value(now).or_ours("the society document")?;
    let mut found = Vec::new();
    compare("", Some(&was), Some(&now), &mut found);
    Ok(found)
}

/// Rows of a list are told apart by their own id, not by their place in the file.
fn name_of(row: &Value, place: usize) -> String {
    ["id", "serial", "slug", "code"]
        .iter()
        .find_map(|key| row.get(key).and_then(Value::as_str).map(str::to_owned))
        .or_else(|| {
            Some(format!(
                "{} v{}",
                row.get("site")?.as_str()?,
                row.get("version")?
            ))
        })
        .unwrap_or_else(|| (place + 1).to_string())
}

fn compare(at: &str, was: Option<&Value>, now: Option<&Value>, found: &mut Vec<Difference>) {
    let nothing = |value: Option<&Value>| {
        value.is_none_or(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty))
    };
    if was == now || (nothing(was) && nothing(now)) {
        return;
    }
    let join = |key: &str| {
        if at.is_empty() {
            key.to_owned()
        } else {
            format!("{at} {key}")
        }
    };
    match (was, now) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                compare(&join(key), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Null) | None, Some(Value::Object(b))) if at.is_empty() => {
            for (key, value) in b {
                compare(&join(key), None, Some(value), found);
            }
        }
        (a, Some(Value::Array(b)))
            if b.iter().any(Value::is_object) || a.is_some_and(Value::is_array) =>
        {
            let empty = Vec::new();
            let a = a.and_then(Value::as_array).unwrap_or(&empty);
            if !a.iter().chain(b).any(Value::is_object) {
                found.push(difference(at, was, now));
                return;
            }
            let named = |rows: &[Value]| -> std::collections::BTreeMap<String, Value> {
                rows.iter()
                    .enumerate()
                    .map(|(n, row)| (name_of(row, n), row.clone()))
                    .collect()
            };
            let (a_rows, b_rows) = (named(a), named(b));
            let before = found.len();
            let keys: std::collections::BTreeSet<&String> =
                a_rows.keys().chain(b_rows.keys()).collect();
            for key in keys {
                match (a_rows.get(key), b_rows.get(key)) {
                    (Some(x), Some(y)) => compare(&join(key), Some(x), Some(y), found),
                    (x, y) => found.push(difference(&join(key), x, y)),
                }
            }
            // The same rows in another order are another document.
            if found.len() == before && !a.is_empty() {
                found.push(Difference {
                    at: at.to_owned(),
                    was: Some("another order".to_owned()),
                    now: Some("the order of the file".to_owned()),
                });
            }
        }
        _ => found.push(difference(at, was, now)),
    }
}

fn difference(at: &str, was: Option<&Value>, now: Option<&Value>) -> Difference {
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => None,
        Some(value) => Some(in_words(value)),
    };
    Difference {
        at: at.to_owned(),
        was: text(was),
        now: text(now),
    }
}

/// A value for people: `a, b` for a list, `key value, key value` for a row without its own name.
fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(rows) => {
            let rows: Vec<String> = rows.iter().map(in_words).collect();
            match rows.as_slice() {
                [] => "none".to_owned(),
                rows => rows.join(", "),
            }
        }
        Value::Object(row) => {
            let named = ["id", "serial", "slug"];
            let keys = row
                .iter()
                .filter(|(key, value)| {
                    !named.contains(&key.as_str())
                        && !value.is_null()
                        && value.as_str().is_none_or(|text| !text.is_empty())
                        && value.as_array().is_none_or(|rows| !rows.is_empty())
                })
                .map(|(key, value)| match value {
                    Value::Array(rows) if rows.iter().any(Value::is_object) => {
                        let rows: Vec<String> = rows
                            .iter()
                            .map(|row| format!("({})", in_words(row)))
                            .collect();
                        format!("{key} {}", rows.join(" "))
                    }
                    value => format!("{key} {}", in_words(value)),
                });
            keys.collect::<Vec<_>>().join(", ")
        }
    }
}
