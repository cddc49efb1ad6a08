//! A member's own data, and their end.
//!
//! Erasure is refused while the law asks for the data, and the refusal names the duty. Then the
//! decision is journaled first and the rows go after it, so that a crash between the two is made good
//! at the next start, and so that a people file put back from a copy loses them again.

use domain::{
    calendar::{Instant, LocalDay},
    membership::MemberNo,
    money::Pence,
};
use records::{
    decision::What,
    person::{BankDetails, Person},
    roll::{MemberErased, Payment},
};

use super::{
    super::{
        answer::{Answer, OrOurs, refuse},
        society::SocietyOffice,
    },
    caller,
    cases::CaseLine,
    fold::Roll,
    person::holds_nothing,
    shares::{Moved, MovedRow},
};

/// All that is kept of one member.
#[derive(Clone, Debug)]
pub struct OwnData {
    /// Its number.
    pub number: u32,
    /// Its kind.
    pub kind: &'static str,
    /// The day it joined.
    pub joined: LocalDay,
    /// The day it left.
    pub left: Option<LocalDay>,
    /// Who it is, and was: the present row first.
    pub persons: Vec<Person>,
    /// Others that are named about it: nominees, an attorney, the payee of its estate.
    pub named: Vec<Person>,
    /// Bank details, with the first instant at which money may go there, the present ones first.
    pub bank: Vec<(BankDetails, Instant)>,
    /// Its cases, open and closed.
    pub cases: Vec<CaseLine>,
    /// What becomes of interest.
    pub payment: Payment,
    /// Share movements.
    pub movements: Vec<MovedRow>,
    /// Interest kept for the next share.
    pub carried: Pence,
    /// The first day on which its data may be erased; `None` while it is a member.
    pub erasable_from: Option<LocalDay>,
}

impl SocietyOffice {
    /// All that is kept of one member, for the member.
    ///
    /// # Errors
    /// When there is none, or the people file is damaged.
    pub fn own_data(&self, member: u32) -> Answer<OwnData> {
        self.with_roll(|roll| {
            let number = MemberNo(member);
            let known = roll.register.member(number).map_err(caller)?;
            let facts = roll.facts.get(&number).cloned().unwrap_or_default();
            let (mut persons, mut named) = (Vec::new(), Vec::new());
            let banks: Vec<&String> = facts.bank.iter().map(|(hash, _)| hash).collect();
            let own = roll.cases.iter().filter(|case| case.member == number);
            let noted: Vec<&String> = own
                .clone()
                .flat_map(|case| case.notes.iter().map(|(_, hash)| hash))
                .collect();
            let nominated = roll
                .nominations
                .iter()
                .filter(|one| one.made.member == member)
                .map(|one| &one.made.nominee);
            let others: Vec<&String> = own
                .clone()
                .flat_map(|case| {
                    case.steps
                        .iter()
                        .filter_map(|(_, step)| step.person.as_ref())
                })
                .chain(nominated)
                .collect();
            let cases: Answer<Vec<CaseLine>> = own
                .map(|case| {
                    Ok(CaseLine {
                        case: case.clone(),
                        texts: self.case_texts(roll, case)?,
                        late: false,
                    })
                })
                .collect();
            let earlier = facts.rows.iter().filter(|hash| **hash != facts.person);
            let present = Some(&facts.person).filter(|_| !facts.erased);
            for hash in present.into_iter().chain(earlier) {
                let letter = facts.letters.contains(hash);
                if !banks.contains(&hash) && !noted.contains(&hash) && !letter {
                    let row = self.row(number, hash)?;
                    let person = Person::from_bytes(&row.bytes).or_ours("people.sqlite")?;
                    match others.contains(&hash) {
                        true => named.push(person),
                        false => persons.push(person),
                    }
                }
            }
            let mut bank = Vec::new();
            for (_, from) in facts.bank.iter().rev() {
                let (details, _) = self.bank_at(roll, number, *from)?;
                bank.extend(details.map(|details| (details, *from)));
            }
            let classes = 0..roll.register.classes().len();
            Ok(OwnData {
                number: member,
                kind: known.kind.word(),
                joined: known.joined,
                left: roll.register.left(number),
                persons,
                named,
                bank,
                cases: cases?,
                payment: facts.payment,
                movements: Moved::rows(roll, |line| line.member == number),
                carried: Pence(
                    classes
                        .filter_map(|place| u16::try_from(place).ok())
                        .map(|place| roll.register.carried(number, place).0)
                        .sum(),
                ),
                erasable_from: self.kept_until(roll, number).map(LocalDay::next),
            })
        })
    }

    /// The last day on which records of a former member are kept: so many years from the end of the
    /// accounts year in which it left.
    fn kept_until(&self, roll: &Roll, number: MemberNo) -> Option<LocalDay> {
        let left = roll.register.left(number)?;
        let years = i32::from(self.known().document.society.retention_years);
        let mut year = self.year_of(left).next();
        year.year = year.year.saturating_add(years);
        Some(year.first_day().previous())
    }

    /// Erases a former member's personal data: names, addresses and bank details are in no file of
    /// the folder then. Movements stay, under the number.
    ///
    /// # Errors
    /// While the law asks for the data, naming the duty.
    pub fn erase_member(&self, member: u32, by: &str, now: Instant) -> Answer<LocalDay> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let number = MemberNo(member);
            let register = &roll.register;
            register.member(number).map_err(caller)?;
            if roll.facts.get(&number).is_some_and(|facts| facts.erased) {
                return refuse(format!("member `{member}` was erased before"));
            }
            holds_nothing(roll, number)?;
            if let Some(open) = roll
                .cases
                .iter()
                .find(|case| case.member == number && case.closed.is_none())
            {
                return refuse(format!(
                    "case `{}` of member `{member}` is open; its log is needed until it is closed\nhint: `members case close {} --text …` first",
                    open.number, open.number
                ));
            }
            let applied = register.applications().iter().find(|asked| {
                asked.member == number
                    && asked.state() == domain::membership::ApplicationState::Waiting
            });
            if let Some(asked) = applied {
                return refuse(format!(
                    "application `{}` of member `{member}` is open: the society holds its money\nhint: `shares cancel --application {}` first",
                    asked.number, asked.number
                ));
            }
            for (class, place) in register.classes().iter().zip(0_u16..) {
                let carried = register.carried(number, place);
                if carried.0 != 0 {
                    return refuse(format!(
                        "the society owes member `{member}` {carried} of interest that was carried towards a share of class `{}`",
                        class.id
                    ));
                }
            }
            for owed in self.owed(None)? {
                let open = owed.owed.open_total().0.saturating_add(owed.owed.on_the_way.0);
                if owed.member == member && open != 0 {
                    return refuse(format!(
                        "the society owes member `{member}` {} of interest run {}",
                        Pence(open),
                        owed.run
                    ));
                }
            }
            let Some(until) = self.kept_until(roll, number) else {
                return refuse(format!(
                    "member `{member}` has not left; while it is a member, the society must name it in its register of members (Co-operative and Community Benefit Societies Act 2014, section 30)\nhint: `members end {member} --on DATE` ends a membership without shares"
                ));
            };
            if today <= until {
                return refuse(format!(
                    "records of member `{member}` are kept until `{until}`: `{}` years from the end of the accounts year in which it left, for accounts and tax\nhint: ask again from `{}` on; `retention_years` of the society file is the society's own rule",
                    self.known().document.society.retention_years,
                    until.next()
                ));
            }
            let what = What::MemberErased(MemberErased {
                member,
                kept_until: until.to_string(),
            });
            let mut all = vec![what];
            all.extend(self.redact(member, &roll.rows_of(number))?);
            self.enter(roll, all, by, now)?;
            self.people().erase(&[member]).or_ours("people.sqlite")?;
            self.forget_redacted()?;
            Ok(until)
        })
    }
}
