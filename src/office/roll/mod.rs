//! The roll: members, who they are, and their shares.
//!
//! What was decided is folded into a [`Roll`] once, when it is first asked for, and kept up to date
//! from then on. Every command that decides holds the roll from its first check until the decision
//! is in the journal: two officers at once cannot both have the last share. Names, addresses and
//! sealed bank details lie in the people file; a row is on disk before the decision that names it,
//! and a row that no decision names is taken away when the roll is next opened.

mod bank;
mod cases;
mod classes;
pub mod document;
mod erase;
mod estate;
mod fold;
mod history;
mod imports;
mod letters;
mod person;
mod shares;
mod statutory;

use std::sync::{MutexGuard, PoisonError};

use domain::{
    calendar::{Instant, LocalDay},
    membership::{MemberNo, ShareRegister},
};
use records::{
    decision::{Decision, What},
    roll as body,
};
use store::people::{PeopleStore, PersonRow};

pub use bank::{BankLine, BankText, ModulusFiles};
pub use cases::{CASE_KINDS, Case, CaseLine, NewCase};
pub(super) use classes::{check as check_classes, keeps as keeps_classes};
pub use erase::OwnData;
pub use estate::{DOCUMENTS, EstateLine, NewNomination, NewStep, Nomination};
pub(super) use fold::KINDS;
pub use fold::{Facts, Roll};
pub use imports::{Columns, ImportedRoll, Problem};
pub use letters::{LetterLine, LetterOf};
pub use person::{Changes, NewMember};
pub use records::{
    person::Person,
    roll::{Payment, Rest},
};
pub use shares::{
    AllotOf, ApplyOf, ConvertOf, HoldingLine, Holdings, Moved, MovedRow, PayoutOf, QueueLine,
    TransferOf, WaitingLine,
};

use super::{
    answer::{Answer, OrOurs, Refusal, refuse},
    keys::Keys,
    society::SocietyOffice,
};

/// A member as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberLine {
    /// Its number.
    pub number: u32,
    /// Its kind.
    pub kind: &'static str,
    /// Its name; `None` when it was erased.
    pub name: Option<String>,
    /// The day it joined.
    pub joined: LocalDay,
    /// The day it left.
    pub left: Option<LocalDay>,
    /// The day it died.
    pub died: Option<LocalDay>,
    /// What becomes of interest.
    pub payment: Payment,
    /// What becomes of less than a share.
    pub rest: Rest,
    /// What its shares are worth today, pence.
    pub pence: i64,
    /// The import it came with, and its row there.
    pub from: Option<(u32, u32)>,
}

impl SocietyOffice {
    /// Does something with the roll, held.
    pub(super) fn with_roll<T>(&self, work: impl FnOnce(&mut Roll) -> Answer<T>) -> Answer<T> {
        let mut held = self.roll.lock().unwrap_or_else(PoisonError::into_inner);
        let mut roll = match held.take() {
            Some(roll) => roll,
            None => self.load_roll()?,
        };
        classes::define(&mut roll.register, &self.known().document)?;
        let outcome = work(&mut roll);
        // After a failure of ours the journal may hold more than this roll knows: it is read again.
        if !matches!(outcome, Err(Refusal::Ours(_))) {
            *held = Some(roll);
        }
        outcome
    }

    /// Asks something about the shares.
    ///
    /// # Errors
    /// What the question gives, or when the books are damaged.
    pub fn shares<T>(&self, question: impl FnOnce(&ShareRegister) -> Answer<T>) -> Answer<T> {
        self.with_roll(|roll| question(&roll.register))
    }

    fn load_roll(&self) -> Answer<Roll> {
        let mut roll = Roll::default();
        classes::define(&mut roll.register, &self.known().document)?;
        self.books().applied_of(&fold::KINDS, |row| {
            let decision: Decision = serde_json::from_str(&row.json).or_ours("a decision")?;
            roll.take(Instant(decision.at_ms), &decision.what)
        })?;
        self.tidy_people(&roll)?;
        Ok(roll)
    }

    /// Takes away what no decision names, and what was erased: an erasure is repeated after the
    /// people file was restored from a copy.
    fn tidy_people(&self, roll: &Roll) -> Answer<()> {
        let mut people = self.people();
        let mut gone = Vec::new();
        people.each(|row| {
            let facts = roll.facts.get(&MemberNo(row.member));
            if facts.is_none_or(|facts| facts.erased || !facts.rows.contains(&row.hash)) {
                gone.push((row.member, row.hash));
            }
            Answer::Ok(())
        })?;
        if !gone.is_empty() {
            people.forget(&gone).or_ours("people.sqlite")?;
        }
        Ok(())
    }

    /// The people file, held.
    pub(super) fn people(&self) -> MutexGuard<'_, PeopleStore> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of the data folder.
    pub(super) fn keys(&self) -> Keys {
        let data = self.folder().ancestors().nth(2);
        Keys::beside(data.unwrap_or(self.folder()))
    }

    /// Takes decisions about the roll, as one group of the journal, and folds them in.
    pub(super) fn enter(
        &self,
        roll: &mut Roll,
        what: Vec<What>,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        self.outside_frozen_runs(&what)?;
        // What goes wrong from here on is ours: the journal may have it.
        let ours = |refusal: Refusal| Refusal::Ours(refusal.to_string());
        self.decide_all(what.clone(), by, now).map_err(ours)?;
        what.iter()
            .try_for_each(|what| roll.take(now, what))
            .map_err(ours)
    }

    /// Writes rows of the people file, on disk when this returns.
    fn write_people(&self, rows: &[PersonRow]) -> Answer<()> {
        self.people().insert(rows).or_ours("people.sqlite")
    }

    /// Today, by the society's calendar.
    pub(super) fn today(&self, now: Instant) -> LocalDay {
        self.known().zone.day_of(now)
    }

    /// What the people file has of a member, checked against the journal; `None` when it was erased.
    pub(super) fn person(&self, roll: &Roll, member: MemberNo) -> Answer<Option<Person>> {
        roll.register.member(member).map_err(caller)?;
        let Some(hash) = roll
            .facts
            .get(&member)
            .filter(|facts| !facts.erased)
            .map(|f| &f.person)
        else {
            return Ok(None);
        };
        let row = self.row(member, hash)?;
        Person::from_bytes(&row.bytes)
            .map(Some)
            .or_ours("people.sqlite")
    }

    /// One row of the people file, checked against the hash by which the journal names it.
    pub(super) fn row(&self, member: MemberNo, hash: &str) -> Answer<PersonRow> {
        let row = self.people().get(member.0, hash).or_ours("people.sqlite")?;
        let Some(row) = row else {
            return refuse(format!(
                "member `{member}`: the row that the journal names is not in the people file\nhint: put `people.sqlite` back from the last copy of society `{}`",
                self.slug()
            ));
        };
        if body::row_hash(&row.salt, &row.bytes) == row.hash {
            Ok(row)
        } else {
            Err(Refusal::Ours(format!(
                "member `{member}`: the row of the people file is not the one the journal names\nhint: put `people.sqlite` back from the last copy of society `{}`",
                self.slug()
            )))
        }
    }

    /// The members as they stand.
    ///
    /// # Errors
    /// When the people file is damaged.
    pub fn members(&self, now: Instant) -> Answer<Vec<MemberLine>> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let numbers: Vec<MemberNo> = roll.register.members().map(|m| m.number).collect();
            numbers
                .into_iter()
                .map(|number| self.line(roll, number, today))
                .collect()
        })
    }

    /// One member as it stands, with its address.
    ///
    /// # Errors
    /// When there is none, or the people file is damaged.
    pub fn member(&self, number: u32, now: Instant) -> Answer<(MemberLine, Option<Person>)> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let number = MemberNo(number);
            Ok((self.line(roll, number, today)?, self.person(roll, number)?))
        })
    }

    fn line(&self, roll: &Roll, number: MemberNo, today: LocalDay) -> Answer<MemberLine> {
        let member = roll.register.member(number).map_err(caller)?;
        let facts = roll.facts.get(&number).cloned().unwrap_or_default();
        let classes = roll.register.classes().iter().zip(0_u16..);
        let pence = classes
            .filter_map(|(class, place)| class.value(roll.register.held(number, place, today)))
            .map(|pence| pence.0)
            .sum();
        Ok(MemberLine {
            number: number.0,
            kind: member.kind.word(),
            name: self.person(roll, number)?.map(|person| person.name),
            joined: member.joined,
            left: roll.register.left(number),
            died: member.died,
            payment: facts.payment,
            rest: facts.rest,
            pence,
            from: facts.from,
        })
    }

    /// Checks every row of the people file against the journal; how many there are.
    ///
    /// # Errors
    /// Exactly what is missing or differs.
    pub fn verify_people(&self) -> Answer<u64> {
        self.with_roll(|roll| {
            let mut rows = 0;
            for (member, facts) in roll.facts.iter().filter(|(_, facts)| !facts.erased) {
                for hash in &facts.rows {
                    self.row(*member, hash)?;
                    rows += 1;
                }
            }
            Ok(rows)
        })
    }
}

/// A row of the people file with a fresh salt.
fn salted(member: MemberNo, bytes: Vec<u8>) -> Answer<PersonRow> {
    let mut salt = [0_u8; 32];
    getrandom::fill(&mut salt).or_ours("the system gives no random numbers")?;
    Ok(PersonRow {
        member: member.0,
        hash: body::row_hash(&salt, &bytes),
        salt,
        bytes,
    })
}

/// A rule's refusal, told to the caller.
fn caller(why: impl std::fmt::Display) -> Refusal {
    Refusal::Caller(why.to_string())
}
