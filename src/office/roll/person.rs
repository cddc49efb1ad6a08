//! One member: entered, changed, dead, gone.

use domain::{
    calendar::{Instant, LocalDay},
    membership::{MemberKind, MemberNo, Refused},
    modulus::Table,
};
use records::{
    decision::What,
    person::Person,
    roll::{MemberChanged, MemberDay, MemberEntered, Payment, Rest},
};
use store::people::PersonRow;

use super::{
    super::{
        answer::{Answer, Refusal, refuse},
        keys::SealingKey,
        society::SocietyOffice,
    },
    bank::{BankText, details_of},
    caller,
    fold::Roll,
    salted,
};

/// Longest text of one field.
const MAX_FIELD: usize = 200;

/// A member that is to be entered.
#[derive(Clone)]
pub struct NewMember {
    /// Its number; the next one where none is named.
    pub number: Option<u32>,
    /// Its kind.
    pub kind: MemberKind,
    /// The day it joined.
    pub joined: LocalDay,
    /// The day it left, for history.
    pub ended: Option<LocalDay>,
    /// Members who hold together.
    pub holders: Vec<u32>,
    /// What becomes of interest.
    pub payment: Payment,
    /// What becomes of less than a share.
    pub rest: Rest,
    /// Who it is.
    pub person: Person,
    /// Where money goes.
    pub bank: Option<BankText>,
}

/// What is to change about a member; what is `None` stays.
#[derive(Clone, Default)]
pub struct Changes {
    /// Name.
    pub name: Option<String>,
    /// Lines of the address.
    pub address: Option<Vec<String>>,
    /// Post code.
    pub postcode: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Nominee.
    pub nominee: Option<String>,
    /// What becomes of interest.
    pub payment: Option<Payment>,
    /// What becomes of less than a share.
    pub rest: Option<Rest>,
}

/// A member that was checked: its decision, its rows of the people file, and what is to be looked at.
pub(super) struct Prepared {
    pub entered: MemberEntered,
    pub rows: Vec<PersonRow>,
    pub notes: Vec<String>,
}

impl SocietyOffice {
    /// Enters a member; gives its number and what is to be looked at.
    ///
    /// # Errors
    /// When something about it is wrong.
    pub fn add_member(
        &self,
        new: &NewMember,
        by: &str,
        now: Instant,
    ) -> Answer<(u32, Vec<String>)> {
        let table = self.modulus_table()?;
        self.with_roll(|roll| {
            let number = new.number.map_or(roll.register.next_member(), MemberNo);
            let mut key = None;
            let made =
                self.prepare(roll, number, new, table.as_ref(), &mut key, self.today(now))?;
            self.write_people(&made.rows)?;
            self.enter(roll, vec![What::MemberEntered(made.entered)], by, now)?;
            Ok((number.0, made.notes))
        })
    }

    /// Checks a member and makes its rows.
    pub(super) fn prepare(
        &self,
        roll: &Roll,
        number: MemberNo,
        new: &NewMember,
        table: Option<&Table>,
        key: &mut Option<SealingKey>,
        today: LocalDay,
    ) -> Answer<Prepared> {
        if number.0 == 0 {
            return refuse("a member's number is at least `1`");
        }
        if roll.register.member(number).is_ok() {
            return refuse(Refused::MemberThere(number));
        }
        if new.joined > today {
            return refuse(Refused::Future {
                on: new.joined,
                today,
            });
        }
        if let Some(ended) = new
            .ended
            .filter(|ended| *ended < new.joined || *ended > today)
        {
            return refuse(format!(
                "it left on `{ended}`; expected a day from `{}` to `{today}`",
                new.joined
            ));
        }
        check_person(&new.person, new.kind, &new.holders)?;
        let person = salted(number, new.person.to_bytes())?;
        let mut notes = Vec::new();
        let mut rows = vec![person];
        if let Some(text) = &new.bank {
            let (details, found) = details_of(text, &new.person.name, table)?;
            notes = found;
            let key = match key {
                Some(key) => key,
                None => key.insert(self.keys().sealing_key_or_new()?),
            };
            rows.push(self.seal_bank(key, number, &details)?);
        } else if new.payment == Payment::Bank {
            notes.push("interest goes to the bank, but there are no bank details yet".to_owned());
        }
        Ok(Prepared {
            entered: MemberEntered {
                number: number.0,
                kind: new.kind.word().to_owned(),
                joined: new.joined.to_string(),
                ended: new.ended.map(|day| day.to_string()),
                holders: new.holders.clone(),
                payment: new.payment,
                rest: new.rest,
                person: rows[0].hash.clone(),
                bank: rows.get(1).map(|row| row.hash.clone()),
                row: None,
            },
            rows,
            notes,
        })
    }

    /// Changes what is known of a member. Its earlier row stays until it is erased.
    ///
    /// # Errors
    /// When nothing changes, or the new text is wrong.
    pub fn change_member(
        &self,
        member: u32,
        changes: &Changes,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        self.with_roll(|roll| {
            let (what, row) = self.changed(roll, member, changes)?;
            self.write_people(row.as_slice())?;
            self.enter(roll, vec![what], by, now)
        })
    }

    /// The decision that changes a member, and the row of the people file that it names.
    pub(super) fn changed(
        &self,
        roll: &Roll,
        member: u32,
        changes: &Changes,
    ) -> Answer<(What, Option<PersonRow>)> {
        let number = MemberNo(member);
        let Some(known) = self.person(roll, number)? else {
            return refuse(format!("member `{member}` was erased"));
        };
        let mut person = known.clone();
        let set = |field: &mut String, to: &Option<String>| {
            if let Some(to) = to {
                field.clone_from(to);
            }
        };
        set(&mut person.name, &changes.name);
        set(&mut person.postcode, &changes.postcode);
        set(&mut person.email, &changes.email);
        set(&mut person.phone, &changes.phone);
        set(&mut person.nominee, &changes.nominee);
        if let Some(address) = &changes.address {
            person.address.clone_from(address);
        }
        let kind = roll.register.member(number).map_err(caller)?;
        check_person(
            &person,
            kind.kind,
            &kind.holders.iter().map(|h| h.0).collect::<Vec<_>>(),
        )?;
        let row = match person == known {
            true => None,
            false => Some(salted(number, person.to_bytes())?),
        };
        if row.is_none() && changes.payment.is_none() && changes.rest.is_none() {
            return refuse("nothing is to change\nhint: `--help` lists what can be");
        }
        let what = What::MemberChanged(MemberChanged {
            member,
            person: row.as_ref().map(|row| row.hash.clone()),
            payment: changes.payment,
            rest: changes.rest,
        });
        Ok((what, row))
    }

    /// Enters the news of a member's death: nothing is issued or paid to it any more.
    ///
    /// # Errors
    /// When the day has not come, or its death was entered before.
    pub fn member_died(&self, member: u32, on: LocalDay, by: &str, now: Instant) -> Answer<()> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let known = roll.register.member(MemberNo(member)).map_err(caller)?;
            if let Some(died) = known.died {
                return refuse(format!(
                    "the death of member `{member}` on `{died}` was entered before"
                ));
            }
            if on > today {
                return refuse(Refused::Future { on, today });
            }
            let what = What::MemberDied(MemberDay {
                member,
                on: on.to_string(),
            });
            self.enter(roll, vec![what], by, now)
        })
    }

    /// Ends a membership without shares.
    ///
    /// # Errors
    /// When it holds shares, or left before.
    pub fn end_member(&self, member: u32, on: LocalDay, by: &str, now: Instant) -> Answer<()> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let number = MemberNo(member);
            let known = roll.register.member(number).map_err(caller)?;
            if let Some(ended) = known.ended {
                return refuse(format!("member `{member}` left on `{ended}`"));
            }
            if on < known.joined || on > today {
                return refuse(format!(
                    "`{on}` is outside its membership; expected a day from `{}` to `{today}`",
                    known.joined
                ));
            }
            holds_nothing(roll, number)?;
            let what = What::MemberEnded(MemberDay {
                member,
                on: on.to_string(),
            });
            self.enter(roll, vec![what], by, now)
        })
    }
}

/// Refuses where a member holds shares.
pub(super) fn holds_nothing(roll: &Roll, number: MemberNo) -> Answer<()> {
    for (class, place) in roll.register.classes().iter().zip(0_u16..) {
        let held = roll.register.held_at_last(number, place);
        if held != 0 {
            return refuse(format!(
                "member `{number}` holds `{held}` shares of class `{}`; while it does, the society must name it in its register of members (Co-operative and Community Benefit Societies Act 2014, section 30)\nhint: its shares are withdrawn or transferred first",
                class.id
            ));
        }
    }
    Ok(())
}

fn check_person(person: &Person, kind: MemberKind, holders: &[u32]) -> Answer<()> {
    if person.name.trim().is_empty() {
        return refuse("a member has a name; the field is empty");
    }
    let single = [
        ("name", &person.name),
        ("postcode", &person.postcode),
        ("email", &person.email),
        ("phone", &person.phone),
        ("born", &person.born),
        ("nominee", &person.nominee),
    ];
    let lists = person
        .address
        .iter()
        .map(|line| ("address", line))
        .chain(person.holders.iter().map(|name| ("holders", name)));
    for (field, text) in single.into_iter().chain(lists) {
        if text.chars().count() > MAX_FIELD || text.chars().any(char::is_control) {
            return refuse(format!(
                "the field `{field}` is too long or has control characters; expected at most {MAX_FIELD} characters on one line"
            ));
        }
    }
    if !person.email.is_empty() && !plausible_email(&person.email) {
        return refuse(
            "the field `email` is no e-mail address; expected a form like `name@example.org`",
        );
    }
    if !person.born.is_empty() && person.born.parse::<LocalDay>().is_err() {
        return refuse("the field `born` is no day; expected `2013-12-31`");
    }
    match kind {
        MemberKind::Child if person.nominee.trim().is_empty() || person.born.is_empty() => refuse(
            "a child needs a nominee who acts for it, and its date of birth\nhint: the fields `nominee` and `born`",
        ),
        MemberKind::Joint if person.holders.len().max(holders.len()) < 2 => refuse(
            "a joint account needs the names, or the member numbers, of at least two who hold together\nhint: the fields `holders` or `holder_numbers`, with `;` between them",
        ),
        _ => Ok(()),
    }
}

fn plausible_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, place)| {
        !name.is_empty() && place.contains('.') && !place.contains('@')
    }) && !text.contains(char::is_whitespace)
}

/// The payment with that word.
///
/// # Errors
/// When there is none.
pub(super) fn payment_of(word: &str) -> Result<Payment, String> {
    match word.trim().to_lowercase().as_str() {
        "" | "cheque" | "check" => Ok(Payment::Cheque),
        "bank" | "bacs" | "transfer" => Ok(Payment::Bank),
        "reinvest" | "shares" => Ok(Payment::Reinvest),
        "fund" | "donate" | "gift" => Ok(Payment::Fund),
        other => Err(format!(
            "`{other}` is no way of payment; expected bank, cheque, reinvest or fund"
        )),
    }
}

impl From<Refused> for Refusal {
    fn from(why: Refused) -> Refusal {
        Refusal::Caller(why.to_string())
    }
}
