//! Calling a ballot: its file, and who may vote.

use std::collections::BTreeSet;

use domain::{
    calendar::{Instant, LocalDay},
    governance::Majority,
    membership::MemberKind,
    money::Pence,
};
use records::{
    decision::What,
    governance::{BallotCalled, BallotOption, BallotQuestion, ElectorList},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Ballot, open_box, terms_of};
use crate::{
    answer::{Answer, OrCaller, Refusal, refuse},
    blobs::Given,
    node::hex,
    roll::Roll,
    sheet::{Field, Sheet},
    society::SocietyOffice,
};

/// Most who may vote in one ballot: each vote writes the box anew.
pub const MAX_ELECTORS: usize = 50_000;
/// Most options of a budget.
const MAX_OPTIONS: usize = 100;
/// Longest text that is decided on, in characters.
const MAX_TEXT: usize = 20_000;
/// Years of age at which a member may vote, where the ballot does not say another: section 31 of the
/// Co-operative and Community Benefit Societies Act 2014 lets a member be younger, voting is left to
/// the rules.
const VOTING_AGE: i32 = 16;

const LIST: &[Field] = &[
    ("number", true, &["no", "voter", "id"]),
    ("age", false, &["years"]),
    ("residence", false, &["estate", "block", "address"]),
];

/// A ballot as a file says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BallotFile {
    /// A short name.
    pub title: String,
    /// The words that are decided on.
    pub text: String,
    /// `members` or `residents`.
    pub electorate: String,
    /// The day whose roll or list it is, `YYYY-MM-DD`.
    pub record_day: String,
    /// The first day on which votes are taken.
    pub opens: String,
    /// The last one.
    pub closes: String,
    /// `12` voters or `10 %` of the electors.
    pub quorum: String,
    /// For how many others one elector may vote.
    #[serde(default)]
    pub proxy_limit: u32,
    /// `11..24`: only those of that age on the record day.
    #[serde(default)]
    pub ages: String,
    /// Only those whose residence on the list is this.
    #[serde(default)]
    pub residence: String,
    /// `simple` or `three-quarters`: it is a resolution.
    #[serde(default)]
    pub majority: String,
    /// What there is to share out, in pounds: it is a budget.
    #[serde(default)]
    pub pot_pounds: String,
    /// What it may go to.
    #[serde(default)]
    pub option: Vec<OptionFile>,
    /// True when it is sample data.
    #[serde(default)]
    pub sample: bool,
}

/// Something a fund may go to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionFile {
    /// Its id on the ballot.
    pub id: String,
    /// What it is.
    pub name: String,
    /// The most it can use, in pounds.
    pub limit_pounds: String,
}

/// A ballot that is to be called.
#[derive(Clone, Debug)]
pub struct CallOf {
    /// Its file.
    pub file: BallotFile,
    /// The list of residents.
    pub list: Option<Given>,
}

impl BallotFile {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is no such file; an unknown key is named.
    pub fn from_toml(text: &str) -> Answer<BallotFile> {
        toml::from_str(text).map_err(|e| Refusal::Caller(config::explain(&e.to_string())))
    }

    fn question(&self) -> Answer<BallotQuestion> {
        match (self.majority.as_str(), self.pot_pounds.as_str()) {
            ("", "") => refuse(
                "a ballot asks for a resolution or shares out a fund\nhint: say `majority = \"simple\"`, or `pot_pounds` and its [[option]]s",
            ),
            (majority, "") => match Majority::of_word(majority) {
                _ if !self.option.is_empty() => refuse(
                    "a resolution has no [[option]]s\nhint: leave them out, or say `pot_pounds`",
                ),
                Some(majority) => Ok(BallotQuestion::Resolution {
                    majority: majority.word().to_owned(),
                }),
                None => refuse(format!(
                    "`{majority}` is no majority; expected `simple` or `three-quarters`"
                )),
            },
            ("", pounds) => self.budget(pounds),
            _ => refuse("a ballot has `majority` or `pot_pounds`, not both"),
        }
    }

    fn budget(&self, pounds: &str) -> Answer<BallotQuestion> {
        let pot: Pence = pounds.parse().or_caller()?;
        if pot.0 <= 0 {
            return refuse(format!(
                "`pot_pounds = \"{pounds}\"` leaves nothing to share out"
            ));
        }
        if !(1..=MAX_OPTIONS).contains(&self.option.len()) {
            return refuse(format!(
                "a budget has 1 to {MAX_OPTIONS} [[option]]s; this one has {}",
                self.option.len()
            ));
        }
        let mut ids = BTreeSet::new();
        let mut options = Vec::new();
        for option in &self.option {
            let limit: Pence = option.limit_pounds.parse().or_caller()?;
            let proper = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if option.id.is_empty() || !option.id.chars().all(proper) {
                return refuse(format!(
                    "`{}` is no id of an option; expected letters, digits and hyphens",
                    option.id
                ));
            }
            if !ids.insert(option.id.clone()) {
                return refuse(format!("option `{}` stands twice", option.id));
            }
            if limit.0 < 100 {
                return refuse(format!("option `{}` can use less than a pound", option.id));
            }
            options.push(BallotOption {
                id: option.id.clone(),
                name: option.name.clone(),
                limit_pence: limit.0,
            });
        }
        Ok(BallotQuestion::Budget {
            pot_pence: pot.0,
            options,
        })
    }

    /// The ages that may vote, both included.
    fn ages(&self) -> Answer<Option<(i32, i32)>> {
        if self.ages.is_empty() {
            return Ok(None);
        }
        let parts = self.ages.split_once("..");
        let read = parts.and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        match read {
            Some((from, to)) if 0 <= from && from <= to => Ok(Some((from, to))),
            _ => refuse(format!(
                "`{}` is no span of ages; expected a form like `11..24`, both included",
                self.ages
            )),
        }
    }
}

impl SocietyOffice {
    /// Calls a ballot; its electors are fixed from here on.
    ///
    /// # Errors
    /// When its file is wrong, its days make no sense, or nobody may vote.
    pub fn call_ballot(&self, of: &CallOf, by: &str, now: Instant) -> Answer<Ballot> {
        let file = &of.file;
        let day = |text: &str| text.parse::<LocalDay>().or_caller();
        let (record_day, opens, closes) = (
            day(&file.record_day)?,
            day(&file.opens)?,
            day(&file.closes)?,
        );
        if closes < opens {
            return refuse(format!(
                "it closes on `{closes}`, before it opens on `{opens}`"
            ));
        }
        if record_day > self.today(now) {
            return refuse(format!(
                "the record day `{record_day}` is still to come; who is on the roll then is not known"
            ));
        }
        if record_day > opens {
            return refuse(format!(
                "the record day `{record_day}` lies after the first day of voting `{opens}`"
            ));
        }
        for (what, text) in [("title", &file.title), ("text", &file.text)] {
            if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
                return refuse(format!(
                    "a ballot needs its {what}, of at most {MAX_TEXT} characters"
                ));
            }
        }
        let zone = self.known().zone.clone();
        let closes_ms = zone.day_span(closes).end.0;
        if closes_ms <= now.0 {
            return refuse(format!("`{closes}`, its last day, is over"));
        }
        let ages = file.ages()?;
        self.with_roll(|roll| {
            let (electors, list) = match (file.electorate.as_str(), &of.list) {
                ("members", None) => (self.members_of_age(roll, record_day, ages)?, None),
                ("members", Some(_)) => {
                    return refuse("a ballot of members is called from the roll, not from a list");
                }
                ("residents", Some(list)) => {
                    let (electors, list) = listed(list, file, ages)?;
                    (electors, Some(list))
                }
                ("residents", None) => {
                    return refuse("residents are not on the roll\nhint: say who may vote with --list FILE (number, age, residence)");
                }
                (other, _) => {
                    return refuse(format!(
                        "`{other}` is no electorate; expected `members` or `residents`"
                    ));
                }
            };
            if electors.is_empty() || electors.len() > MAX_ELECTORS {
                return refuse(format!(
                    "{} may vote in it; expected 1 to {MAX_ELECTORS}",
                    electors.len()
                ));
            }
            let number = u32::try_from(self.ballots()?.len()).unwrap_or(u32::MAX);
            let number = number.saturating_add(1);
            let called = BallotCalled {
                number,
                title: file.title.trim().to_owned(),
                text: file.text.trim().to_owned(),
                question: file.question()?,
                electorate: file.electorate.clone(),
                record_day: record_day.to_string(),
                electors: electors.into_iter().collect(),
                list,
                opens_ms: zone.day_span(opens).start.0,
                closes_ms,
                quorum: file.quorum.trim().to_owned(),
                proxy_limit: file.proxy_limit,
                sample: file.sample || self.known().document.society.sample,
            };
            terms_of(&called)?;
            open_box::make(self, number)?;
            self.decide(What::BallotCalled(Box::new(called)), by, now)
        })?;
        let last = self.ballots()?.pop();
        last.ok_or_else(|| Refusal::Ours("the ballot was not entered".to_owned()))
    }

    /// Members on the record day who are old enough. A member whose day of birth nobody knows is
    /// taken to be of age, unless the ballot is for an age group or the account is a child's.
    fn members_of_age(
        &self,
        roll: &Roll,
        on: LocalDay,
        ages: Option<(i32, i32)>,
    ) -> Answer<BTreeSet<u32>> {
        let mut electors = BTreeSet::new();
        for member in roll.register.members() {
            let there = member.joined <= on
                && roll
                    .register
                    .left(member.number)
                    .is_none_or(|left| left > on)
                && member.died.is_none_or(|died| died > on);
            if !there {
                continue;
            }
            if ages.is_some() || member.kind == MemberKind::Child {
                let person = self.person(roll, member.number)?;
                let born = person.and_then(|person| person.born.parse::<LocalDay>().ok());
                let (from, to) = ages.unwrap_or((VOTING_AGE, i32::MAX));
                let old = born.map(|born| age_on(born, on));
                if old.is_none_or(|old| old < from || to < old) {
                    continue;
                }
            }
            electors.insert(member.number.0);
        }
        Ok(electors)
    }
}

/// Those of a list who may vote. The list names residents by number; whose number it is stays with
/// whoever keeps the list.
fn listed(
    list: &Given,
    file: &BallotFile,
    ages: Option<(i32, i32)>,
) -> Answer<(BTreeSet<u32>, ElectorList)> {
    let sheet = Sheet::read(&list.name, &list.bytes, None, LIST, &[])?;
    let mut all = BTreeSet::new();
    let mut electors = BTreeSet::new();
    for row in sheet.rows() {
        let line = row.line;
        let wrong = |what: &str, text: &str| {
            Refusal::Caller(format!(
                "`{}` line {line}: {what} `{text}` is no number",
                list.name
            ))
        };
        let text = row.text("number");
        let number: u32 = text.parse().map_err(|_| wrong("number", &text))?;
        if !all.insert(number) {
            return refuse(format!(
                "`{}` line {line}: number `{number}` stands twice",
                list.name
            ));
        }
        let residence = row.text("residence");
        if !file.residence.is_empty() && residence.trim() != file.residence {
            continue;
        }
        if let Some((from, to)) = ages {
            let text = row.text("age");
            let age: i32 = text.parse().map_err(|_| wrong("age", &text))?;
            if age < from || to < age {
                continue;
            }
        }
        electors.insert(number);
    }
    let mut chosen = Vec::new();
    if let Some((from, to)) = ages {
        chosen.push(format!("aged {from} to {to}"));
    }
    if !file.residence.is_empty() {
        chosen.push(format!("of {}", file.residence));
    }
    let list = ElectorList {
        sha256: hex(&Sha256::digest(&list.bytes)),
        chosen: match chosen.is_empty() {
            true => "everybody on the list".to_owned(),
            false => chosen.join(" "),
        },
    };
    Ok((electors, list))
}

/// Whole years on a day; who was born on 29 February is a year older on 1 March.
fn age_on(born: LocalDay, on: LocalDay) -> i32 {
    let before = (on.month(), on.day()) < (born.month(), born.day());
    on.year() - born.year() - i32::from(before)
}
