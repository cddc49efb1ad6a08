//! Notes: what is entered about a council's stake, outcomes, the fund, projects and closings.
//!
//! A note comes from a file (`[[space]]`, `[[grant]]`, one table each) or from a form of a page; both
//! become the same table of keys and are read into the body that the journal has. Pounds are typed as
//! pounds (`rent_pounds_a_year = "1.00"`) and kept as integer pence. The same note again changes
//! nothing; a note is never edited, another takes it back.

use std::collections::BTreeMap;

use domain::money::Pence;
use serde::{Serialize, de::DeserializeOwned};
use toml::{Table, Value};

use super::answer::{Answer, OrCaller, Refusal, refuse};

/// The kind of the decisions about a council's stake.
pub(super) const STAKE: &str = "stake-noted/1";
/// The kind of the decisions about outcomes.
pub(super) const OUTCOME: &str = "outcome-noted/1";
/// The kind of the decisions about the community fund.
pub(super) const FUND: &str = "fund-noted/1";
/// The kind of the decisions about projects.
pub(super) const PROJECT: &str = "project-noted/1";
/// The kind of the decisions about roofs that close.
pub(super) const CLOSING: &str = "closing-noted/1";
/// The kind of the decisions about papers of a stake.
pub(super) const PACK: &str = "pack-noted/1";
/// All of them.
pub(super) const KINDS: [&str; 6] = [STAKE, OUTCOME, FUND, PROJECT, CLOSING, PACK];

/// Most notes of one file.
const MAX_NOTES: usize = 5_000;
/// Longest text of a note, in characters.
const MAX_TEXT: usize = 4_000;
/// Keys that hold a whole number.
const NUMBERS: [&str; 8] = [
    "years",
    "people",
    "new_people",
    "every_months",
    "instalments",
    "condition",
    "number",
    "run",
];
/// Keys that hold several lines.
const LISTS: [&str; 2] = ["conditions", "sites"];

/// What came of notes: how many are new, how many were there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// New ones.
    pub new: usize,
    /// Those that were there as they are.
    pub already: usize,
}

/// The notes of a file, in the order of `kinds` and, within one, of the file.
///
/// # Errors
/// When it is no such file: the kind and key are named.
pub fn notes_of_toml<T: DeserializeOwned>(text: &str, kinds: &[&str]) -> Answer<Vec<T>> {
    let file: Table =
        toml::from_str(text).map_err(|e| Refusal::Caller(config::explain(&e.to_string())))?;
    if let Some(other) = file.keys().find(|key| !kinds.contains(&key.as_str())) {
        return refuse(format!(
            "`{other}` is nothing that can be noted here; expected [[{}]]",
            kinds.join("]], [[")
        ));
    }
    let mut notes = Vec::new();
    for kind in kinds {
        match file.get(*kind) {
            None => {}
            Some(Value::Array(rows)) => {
                for (row, place) in rows.iter().zip(1..) {
                    let Value::Table(row) = row else {
                        return refuse(format!("`{kind}` is no table; write [[{kind}]]"));
                    };
                    let note = note_of(kind, row.clone()).map_err(|why| match why {
                        Refusal::Caller(why) => {
                            Refusal::Caller(format!("[[{kind}]] {place}: {why}"))
                        }
                        ours => ours,
                    })?;
                    notes.push(note);
                }
            }
            Some(_) => return refuse(format!("`{kind}` is no table; write [[{kind}]]")),
        }
    }
    if notes.is_empty() || notes.len() > MAX_NOTES {
        return refuse(format!(
            "the file has {} notes; expected 1 to {MAX_NOTES}, each under [[{}]]",
            notes.len(),
            kinds.join("]], [[")
        ));
    }
    Ok(notes)
}

/// The note that a form says; what was left empty is not there.
///
/// # Errors
/// When a key is missing, unknown, or not of its form.
pub fn note_of_form<T: DeserializeOwned>(
    kind: &str,
    fields: &BTreeMap<String, String>,
) -> Answer<T> {
    let mut table = Table::new();
    for (key, text) in fields {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let value = if NUMBERS.contains(&key.as_str()) {
            Value::Integer(text.replace(',', "").parse().map_err(|_| {
                Refusal::Caller(format!("{key} is `{text}`; expected a whole number"))
            })?)
        } else if LISTS.contains(&key.as_str()) {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Value::Array(lines.map(|line| Value::String(line.to_owned())).collect())
        } else if key == "sample" {
            Value::Boolean(text == "true")
        } else {
            Value::String(text.replace("\r\n", "\n"))
        };
        table.insert(key.clone(), value);
    }
    note_of(kind, table)
}

fn note_of<T: DeserializeOwned>(kind: &str, of: Table) -> Answer<T> {
    let mut body = Table::new();
    for (key, value) in of {
        if let Value::String(text) = &value
            && text.chars().count() > MAX_TEXT
        {
            return refuse(format!("`{key}` is longer than {MAX_TEXT} characters"));
        }
        match (key == "pounds" || key.contains("_pounds"), &value) {
            (false, _) => body.insert(key, value),
            (true, Value::String(text)) => {
                let pence: Pence = text.parse().or_caller()?;
                body.insert(key.replace("pounds", "pence"), Value::Integer(pence.0))
            }
            (true, _) => {
                return refuse(format!(
                    "`{key}` is a number; expected pounds as text, such as \"1250.00\""
                ));
            }
        };
    }
    let mut whole = Table::new();
    whole.insert("note".to_owned(), Value::String(kind.to_owned()));
    whole.insert("of".to_owned(), Value::Table(body));
    T::deserialize(Value::Table(whole))
        .map_err(|e| Refusal::Caller(config::explain(&e.to_string())))
}

/// Refuses an id that cannot stand in an address.
pub(super) fn proper_id(what: &str, id: &str) -> Answer<()> {
    let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !id.is_empty() && id.len() <= 64 && id.chars().all(proper) {
        true => Ok(()),
        false => refuse(format!(
            "`{id}` is no id of a {what}; expected small letters, digits and hyphens, at most 64"
        )),
    }
}

/// Refuses a text that is not there.
pub(super) fn needed(what: &str, texts: &[(&str, &str)]) -> Answer<()> {
    match texts.iter().find(|(_, text)| text.trim().is_empty()) {
        None => Ok(()),
        Some((key, _)) => refuse(format!("a {what} needs its `{key}`")),
    }
}

/// A first and a last day.
pub(super) fn span(
    from: &str,
    to: &str,
) -> Answer<(domain::calendar::LocalDay, domain::calendar::LocalDay)> {
    let (first, last) = (from.parse().or_caller()?, to.parse().or_caller()?);
    match last < first {
        true => refuse(format!(
            "from `{from}` to `{to}`; the first day comes first"
        )),
        false => Ok((first, last)),
    }
}

/// A decimal of zero or more.
pub(super) fn amount(what: &str, text: &str) -> Answer<rust_decimal::Decimal> {
    match rust_decimal::Decimal::from_str_exact(text) {
        Ok(of) if !of.is_sign_negative() || of.is_zero() => Ok(of),
        _ => refuse(format!(
            "{what} is `{text}`; expected a decimal of zero or more, such as `24.4`"
        )),
    }
}

/// Per cent, above zero and at most a hundred.
pub(super) fn attribution(text: &str) -> Answer<rust_decimal::Decimal> {
    match rust_decimal::Decimal::from_str_exact(text) {
        Ok(of) if of > rust_decimal::Decimal::ZERO && of <= rust_decimal::Decimal::ONE_HUNDRED => {
            Ok(of)
        }
        _ => refuse(format!(
            "attribution_percent is `{text}`; expected above 0 and at most 100: only what is yours may be claimed"
        )),
    }
}

/// What stands under an id already: the same note changes nothing, another one is refused.
pub(super) fn same_or_other<T: PartialEq>(
    what: &str,
    id: &str,
    there: Option<&T>,
    new: &T,
) -> Answer<bool> {
    match there {
        None => Ok(false),
        Some(there) if there == new => Ok(true),
        Some(_) => refuse(format!(
            "{what} `{id}` is noted already, with something else\nhint: nothing is edited: take it back first, or choose another id"
        )),
    }
}

impl super::society::SocietyOffice {
    /// Enters the note that a form says.
    ///
    /// # Errors
    /// When a field is missing or wrong, or the note is refused.
    pub fn enter_note(
        &self,
        kind: &str,
        fields: &BTreeMap<String, String>,
        by: &str,
        now: domain::calendar::Instant,
    ) -> Answer<Noted> {
        if super::outcomes::OUTCOME_NOTES.contains(&kind) && kind != "withdrawn" {
            return self.note_outcomes(vec![note_of_form(kind, fields)?], by, now);
        }
        if super::stake::STAKE_NOTES.contains(&kind) && kind != "withdrawn" {
            return self.note_stake(vec![note_of_form(kind, fields)?], by, now);
        }
        let said = |key: &str| fields.get(key).map(|text| text.trim().to_owned());
        match kind {
            "bring" => {
                let run = said("run").unwrap_or_default();
                let Ok(run) = run.parse() else {
                    return refuse(format!("run is `{run}`; expected the number of a run"));
                };
                self.bring_to_fund(run, by, now)?;
                return Ok(Noted { new: 1, already: 0 });
            }
            _ if kind.starts_with("ballot") => return self.enter_of_ballot(kind, fields, by, now),
            "fund-payment" => {
                let pounds: Pence = said("pounds").unwrap_or_default().parse().or_caller()?;
                let paid = records::community::GrantPaid {
                    grant: said("grant").unwrap_or_default(),
                    on: said("on").unwrap_or_default(),
                    pence: pounds.0,
                    evidence: said("evidence").unwrap_or_default(),
                    entry: 0,
                };
                self.pay_grant(&paid, by, now)?;
                return Ok(Noted { new: 1, already: 0 });
            }
            _ => {}
        }
        if super::fund::FUND_NOTES.contains(&kind) && kind != "ended" {
            return self.note_fund(vec![note_of_form(kind, fields)?], by, now);
        }
        if super::projects::PROJECT_NOTES.contains(&kind) {
            return self.note_projects(vec![note_of_form(kind, fields)?], by, now);
        }
        refuse(format!("`{kind}` is nothing that can be noted on a page"))
    }
}
