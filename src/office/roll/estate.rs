//! A death's case: the nomination book, papers that were seen, what passes to nominees or without a
//! grant, and who is paid for the estate. Powers of attorney are entered here too.
//!
//! What may pass is decided by `domain/membership/estate`; until a payee is agreed, everything that
//! would be paid to the member stays owed. Names lie in the people file, papers are sealed files.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay},
    membership::{Estate, EstateBasis, MemberNo, may_nominate},
    money::Pence,
};
use records::{
    decision::What,
    estate::{CaseStep, NominationEnded, NominationMade, Resolution},
    person::Person,
};

use super::{
    super::{
        answer::{Answer, OrOurs, refuse},
        blobs::{Expected, Given},
        society::SocietyOffice,
    },
    caller,
    cases::Case,
    fold::Roll,
    salted,
};

/// Documents that are asked for, as they are typed.
pub const DOCUMENTS: [&str; 6] = [
    "death-certificate",
    "will",
    "probate",
    "letters",
    "identity",
    "power-of-attorney",
];

/// A nomination as it stands in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nomination {
    /// As it was made.
    pub made: NominationMade,
    /// The day it was made.
    pub on: LocalDay,
    /// The day it ended, and why.
    pub ended: Option<(LocalDay, String)>,
}

/// A nomination that is to be entered.
#[derive(Clone, Debug)]
pub struct NewNomination {
    /// Whose.
    pub member: u32,
    /// Who is nominated.
    pub name: String,
    /// Where the nominee lives.
    pub address: Vec<String>,
    /// The day it was made.
    pub on: LocalDay,
    /// How much, per cent.
    pub percent: u32,
    /// True for an officer or employee of the society.
    pub officer: bool,
    /// What the nominee is to the member.
    pub kin: String,
}

/// A step that is to be entered.
#[derive(Clone, Debug)]
pub enum NewStep {
    /// A paper was seen.
    Document {
        /// Its kind.
        kind: String,
        /// The paper.
        file: Option<Given>,
    },
    /// A nominee takes so much.
    Nominee {
        /// The nomination.
        nomination: u32,
        /// How much.
        pence: Pence,
    },
    /// The board lets it go without a grant.
    SmallSum {
        /// The day of the resolution.
        resolved: LocalDay,
        /// Where it stands in the minutes.
        minute: String,
    },
    /// Who is paid for the estate.
    Payee {
        /// On what.
        basis: EstateBasis,
        /// The payee.
        name: String,
        /// Where the payee lives.
        address: Vec<String>,
    },
    /// Who acts for a living member.
    Attorney {
        /// The attorney.
        name: String,
        /// Where the attorney lives.
        address: Vec<String>,
    },
}

/// An estate as it is shown.
#[derive(Clone, Debug)]
pub struct EstateLine {
    /// The case.
    pub case: Case,
    /// The day of death.
    pub died: LocalDay,
    /// What may pass, and what did.
    pub estate: Estate,
    /// Who is paid for it, and on what; the name is missing when it was erased.
    pub payee: Option<(Option<Person>, String)>,
    /// Nominations that stood at death, with the nominee's name.
    pub nominations: Vec<(Nomination, Option<String>)>,
}

impl SocietyOffice {
    /// Enters a nomination; gives its number in the book.
    ///
    /// # Errors
    /// When the member has died or is none, the nominee is an officer and no kin, or more than the
    /// whole would be nominated.
    pub fn nominate(&self, new: &NewNomination, by: &str, now: Instant) -> Answer<u32> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let number = MemberNo(new.member);
            let member = roll.register.member(number).map_err(caller)?;
            if let Some(died) = member.died {
                return refuse(format!(
                    "member `{number}` died on `{died}`; a nomination is made by the living"
                ));
            }
            if member.kind != domain::membership::MemberKind::Person {
                return refuse(format!(
                    "member `{number}` is a {}; only a person nominates",
                    member.kind.word()
                ));
            }
            if new.on > today || new.on < member.joined {
                return refuse(format!(
                    "`{}` is outside its membership; expected a day from `{}` to `{today}`",
                    new.on, member.joined
                ));
            }
            may_nominate(new.officer, &new.kin).map_err(caller)?;
            let standing: u32 = roll.standing(number, today).map(|one| one.made.percent).sum();
            let all = standing.saturating_add(new.percent);
            if new.percent == 0 || all > 100 {
                return refuse(format!(
                    "{} % on top of the {standing} % that member `{number}` nominated before; expected 1 to 100 % in all\nhint: `members nomination-end` ends an earlier one",
                    new.percent
                ));
            }
            let row = named(number, &new.name, &new.address)?;
            let next = u32::try_from(roll.nominations.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1);
            let what = What::NominationMade(NominationMade {
                number: next,
                member: new.member,
                on: new.on.to_string(),
                percent: new.percent,
                officer: new.officer,
                kin: new.kin.clone(),
                nominee: row.hash.clone(),
            });
            self.write_people(&[row])?;
            self.enter(roll, vec![what], by, now)?;
            Ok(next)
        })
    }

    /// Ends a nomination: it was revoked, varied by another, or the member married.
    ///
    /// # Errors
    /// When it is not there, ended before, or the member has died.
    pub fn end_nomination(
        &self,
        number: u32,
        on: LocalDay,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let Some(found) = roll.nominations.iter().find(|n| n.made.number == number) else {
                return refuse(format!("nomination `{number}` is not in the book"));
            };
            if let Some((day, why)) = &found.ended {
                return refuse(format!("nomination `{number}` ended on `{day}`: {why}"));
            }
            if on < found.on || on > today || reason.trim().is_empty() {
                return refuse(format!(
                    "the end of nomination `{number}` needs a reason and a day from `{}` to `{today}`",
                    found.on
                ));
            }
            let member = roll.register.member(MemberNo(found.made.member)).map_err(caller)?;
            if member.died.is_some_and(|died| died <= on) {
                return refuse("the member has died; the nomination stands as it did on that day");
            }
            let what = What::NominationEnded(NominationEnded {
                number,
                on: on.to_string(),
                reason: reason.to_owned(),
            });
            self.enter(roll, vec![what], by, now)
        })
    }

    /// The nomination book: of one member or all, each with the nominee, who is missing when the
    /// member was erased.
    ///
    /// # Errors
    /// When the people file is damaged.
    pub fn nominations(&self, member: Option<u32>) -> Answer<Vec<(Nomination, Option<Person>)>> {
        self.with_roll(|roll| {
            let wanted = roll
                .nominations
                .iter()
                .filter(|one| member.is_none_or(|member| one.made.member == member));
            wanted
                .map(|one| {
                    let person =
                        self.person_of(roll, MemberNo(one.made.member), &one.made.nominee)?;
                    Ok((one.clone(), person))
                })
                .collect()
        })
    }

    /// Enters a step of a case.
    ///
    /// # Errors
    /// When the case is closed or of another kind, or the step is not allowed yet.
    pub fn case_step(&self, case: u32, new: &NewStep, by: &str, now: Instant) -> Answer<()> {
        let on = self.today(now);
        self.with_roll(|roll| {
            let Some(found) = roll.cases.iter().find(|known| known.number == case) else {
                return refuse(format!("case `{case}` is not there"));
            };
            if let Some(closed) = found.closed {
                return refuse(format!("case `{case}` was closed on `{closed}`\nhint: open a new one"));
            }
            let member = found.member;
            let wanted = match new {
                NewStep::Attorney { .. } => "attorney",
                NewStep::Document { kind, .. } if kind == "power-of-attorney" => "attorney",
                _ => "death",
            };
            if found.kind != wanted {
                return refuse(format!(
                    "case `{case}` is of kind {}; expected one of kind {wanted}\nhint: `members case open {member} --kind {wanted}`",
                    found.kind
                ));
            }
            let mut step = CaseStep {
                case,
                on: on.to_string(),
                step: String::new(),
                what: String::new(),
                pence: None,
                nomination: None,
                resolution: None,
                person: None,
                file: None,
            };
            let mut rows = Vec::new();
            match new {
                NewStep::Document { kind, file } => {
                    if !DOCUMENTS.contains(&kind.as_str()) {
                        return refuse(format!(
                            "`{kind}` is no kind of document; expected one of: {}",
                            DOCUMENTS.join(", ")
                        ));
                    }
                    step.step = "document".to_owned();
                    step.what.clone_from(kind);
                    step.file = match file {
                        Some(given) => Some(self.keep(given, Expected::Personal)?),
                        None => None,
                    };
                }
                NewStep::Nominee { nomination, pence } => {
                    let died = died(roll, member)?;
                    let stands = roll
                        .standing(member, died)
                        .any(|one| one.made.number == *nomination);
                    if !stands {
                        return refuse(format!(
                            "nomination `{nomination}` is not one of member `{member}` that stood on `{died}`\nhint: `members nominations --member {member}` shows the book"
                        ));
                    }
                    self.estate_of(roll, found, died)?.to_nominee(*pence).map_err(caller)?;
                    step.step = "nominee".to_owned();
                    step.nomination = Some(*nomination);
                    step.pence = Some(pence.0);
                }
                NewStep::SmallSum { resolved, minute } => {
                    let died = died(roll, member)?;
                    if *resolved < died || *resolved > on || minute.trim().is_empty() {
                        return refuse(format!(
                            "the board's resolution needs its minute and a day from `{died}` to `{on}`\nhint: --resolved DATE --minute \"board 3/2026, item 4\""
                        ));
                    }
                    let estate = self.estate_of(roll, found, died)?;
                    estate.without_grant().map_err(caller)?;
                    step.step = "small-sum".to_owned();
                    step.pence = Some(estate.property.0);
                    step.resolution = Some(Resolution {
                        on: resolved.to_string(),
                        minute: minute.clone(),
                    });
                }
                NewStep::Payee { basis, name, address } => {
                    let died = died(roll, member)?;
                    self.estate_of(roll, found, died)?.pays_on(*basis).map_err(caller)?;
                    let row = named(member, name, address)?;
                    step.step = "payee".to_owned();
                    step.what = basis.word().to_owned();
                    step.person = Some(row.hash.clone());
                    rows.push(row);
                }
                NewStep::Attorney { name, address } => {
                    let seen = found.steps.iter().any(|(_, step)| step.what == "power-of-attorney");
                    if !seen {
                        return refuse(format!(
                            "no `power-of-attorney` was seen\nhint: enter it first: `members case document {case} --kind power-of-attorney`"
                        ));
                    }
                    let row = named(member, name, address)?;
                    step.step = "attorney".to_owned();
                    step.person = Some(row.hash.clone());
                    rows.push(row);
                }
            }
            self.write_people(&rows)?;
            self.enter(roll, vec![What::CaseStep(Box::new(step))], by, now)
        })
    }

    /// A death's case as it stands.
    ///
    /// # Errors
    /// When it is not there or of another kind.
    pub fn estate(&self, case: u32) -> Answer<EstateLine> {
        self.with_roll(|roll| {
            let Some(found) = roll.cases.iter().find(|known| known.number == case) else {
                return refuse(format!("case `{case}` is not there"));
            };
            let member = found.member;
            let died = died(roll, member)?;
            let payee = match roll.estate_payee(member) {
                Some(step) => {
                    let hash = step.person.clone().unwrap_or_default();
                    Some((self.person_of(roll, member, &hash)?, step.what.clone()))
                }
                None => None,
            };
            let nominations: Answer<Vec<(Nomination, Option<String>)>> = roll
                .standing(member, died)
                .map(|one| {
                    let person = self.person_of(roll, member, &one.made.nominee)?;
                    Ok((one.clone(), person.map(|person| person.name)))
                })
                .collect();
            Ok(EstateLine {
                case: found.clone(),
                died,
                estate: self.estate_of(roll, found, died)?,
                payee,
                nominations: nominations?,
            })
        })
    }

    /// What the shares of a dead member earn, by class, as the society's latest terms have it.
    #[must_use]
    pub fn interest_after_death(&self) -> Vec<(String, &'static str)> {
        let known = self.known();
        let mut last = BTreeMap::new();
        for terms in &known.document.interest {
            let of_class = last.entry(terms.class.clone()).or_insert(terms);
            if of_class.from <= terms.from {
                *of_class = terms;
            }
        }
        let words = |word: &str| match word {
            "nothing" => "no interest after the day of death",
            _ => "interest until the shares go",
        };
        let all = last
            .into_iter()
            .map(|(class, terms)| (class, words(&terms.after_death)));
        all.collect()
    }

    /// Who acts for a member by a power of attorney.
    ///
    /// # Errors
    /// When the people file is damaged.
    pub fn attorney(&self, member: u32) -> Answer<Option<Person>> {
        self.with_roll(|roll| {
            let member = MemberNo(member);
            let open = roll.cases.iter().rev().filter(|case| {
                case.member == member && case.kind == "attorney" && case.closed.is_none()
            });
            let step = open
                .flat_map(|case| case.steps.iter().rev())
                .find_map(|(_, step)| step.person.clone().filter(|_| step.step == "attorney"));
            match step {
                Some(hash) => self.person_of(roll, member, &hash),
                None => Ok(None),
            }
        })
    }

    /// Who is paid for a dead member's estate, once somebody is agreed.
    pub(crate) fn estate_payee(&self, roll: &Roll, member: MemberNo) -> Answer<Option<Person>> {
        match roll
            .estate_payee(member)
            .and_then(|step| step.person.clone())
        {
            Some(hash) => self.person_of(roll, member, &hash),
            None => Ok(None),
        }
    }

    fn person_of(&self, roll: &Roll, member: MemberNo, hash: &str) -> Answer<Option<Person>> {
        if roll.facts.get(&member).is_none_or(|facts| facts.erased) {
            return Ok(None);
        }
        let row = self.row(member, hash)?;
        Person::from_bytes(&row.bytes)
            .map(Some)
            .or_ours("people.sqlite")
    }

    /// What is known of an estate: its property on the day of death, and its case.
    fn estate_of(&self, roll: &Roll, case: &Case, died: LocalDay) -> Answer<Estate> {
        let member = case.member;
        let classes = roll.register.classes().iter().zip(0_u16..);
        let shares = classes.filter_map(|(class, place)| {
            let carried = roll.register.carried(member, place).0;
            let held = class.value(roll.register.held(member, place, died))?;
            Some(held.0.saturating_add(carried))
        });
        let owed = self.owed(None)?;
        let owed = owed
            .iter()
            .filter(|owed| owed.member == member.0)
            .map(|owed| owed.owed.open_total().0);
        let step_sum = |name: &str| {
            let steps = case.steps.iter().filter(|(_, step)| step.step == name);
            steps.filter_map(|(_, step)| step.pence).collect::<Vec<_>>()
        };
        let documents = case
            .steps
            .iter()
            .filter(|(_, step)| step.step == "document");
        Ok(Estate {
            property: Pence(shares.chain(owed).sum()),
            seen: documents.map(|(_, step)| step.what.clone()).collect(),
            nominated_percent: roll
                .standing(member, died)
                .map(|one| one.made.percent)
                .sum(),
            to_nominees: Pence(step_sum("nominee").iter().sum()),
            small_sum: step_sum("small-sum").last().copied().map(Pence),
        })
    }
}

impl Roll {
    /// A member's nominations that stand on a day.
    fn standing(&self, member: MemberNo, on: LocalDay) -> impl Iterator<Item = &Nomination> {
        self.nominations.iter().filter(move |one| {
            one.made.member == member.0
                && one.on <= on
                && one.ended.as_ref().is_none_or(|(ended, _)| *ended > on)
        })
    }

    /// The step that says who is paid for a member's estate.
    pub(crate) fn estate_payee(&self, member: MemberNo) -> Option<&CaseStep> {
        let steps = self
            .cases
            .iter()
            .filter(|case| case.member == member)
            .flat_map(|case| &case.steps);
        let mut payees = steps.filter(|(_, step)| step.step == "payee");
        payees.next_back().map(|(_, step)| step)
    }
}

fn died(roll: &Roll, member: MemberNo) -> Answer<LocalDay> {
    let known = roll.register.member(member).map_err(caller)?;
    match known.died {
        Some(died) => Ok(died),
        None => refuse(format!(
            "the death of member `{member}` was not entered\nhint: `members died {member} --on DATE`"
        )),
    }
}

/// A row about somebody else than the member: it goes when the member is erased.
fn named(member: MemberNo, name: &str, address: &[String]) -> Answer<store::people::PersonRow> {
    let long = |text: &String| text.chars().count() > 200 || text.contains(char::is_control);
    if name.trim().is_empty() || long(&name.to_owned()) || address.iter().any(long) {
        return refuse(
            "a name is needed, and no line of name and address is longer than 200 characters",
        );
    }
    let person = Person {
        name: name.trim().to_owned(),
        address: address.to_vec(),
        ..Person::default()
    };
    salted(member, person.to_bytes())
}
