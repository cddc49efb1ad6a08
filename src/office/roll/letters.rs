//! Acting for a member on a letter or a call: an officer changes what the member asked to have changed,
//! says where it stands, and a notice goes to the address the society had before. New bank details wait
//! the same seven days as the member's own.
//!
//! One group of the journal has the letter and what changed by it.

use domain::{
    calendar::{Instant, LocalDay},
    membership::{MemberNo, Refused},
};
use records::{
    decision::What,
    letters::{LetterActed, LetterNote},
    person::Person,
    roll::Payment,
};

use super::{
    super::{
        answer::{Answer, OrOurs, refuse},
        blobs::{Expected, Given},
        society::SocietyOffice,
    },
    bank::BankText,
    document,
    person::Changes,
    salted,
};
use report::{texts::Changed, words::date};

/// Longest account of what was seen or heard, in characters.
const MAX_SOURCE: usize = 4_000;

/// What a letter asks for.
#[derive(Clone, Default)]
pub struct LetterOf {
    /// Whose it is.
    pub member: u32,
    /// True for a call.
    pub is_call: bool,
    /// The day it came.
    pub received: LocalDay,
    /// What was seen or heard, and how it is known that it was the member.
    pub source: String,
    /// The scan.
    pub file: Option<Given>,
    /// What becomes of interest from now on.
    pub payment: Option<Payment>,
    /// The new address: its lines and the post code.
    pub address: Option<(Vec<String>, String)>,
    /// The new e-mail address.
    pub email: Option<String>,
    /// The new bank details.
    pub bank: Option<BankText>,
}

/// A letter that was acted on.
#[derive(Clone, Debug)]
pub struct LetterLine {
    /// What the journal has.
    pub acted: LetterActed,
    /// Who acted.
    pub by: String,
    /// When.
    pub at: Instant,
    /// What the people file has; `None` when the member was erased.
    pub note: Option<LetterNote>,
}

impl SocietyOffice {
    /// Acts on a letter; gives its number.
    ///
    /// # Errors
    /// When nothing is to change, it does not say where it stands, or what is to change is refused.
    pub fn act_on_letter(&self, of: &LetterOf, by: &str, now: Instant) -> Answer<u32> {
        let today = self.today(now);
        let source = of.source.trim();
        if source.is_empty() || source.chars().count() > MAX_SOURCE {
            return refuse(format!(
                "what was seen or heard?\nhint: say in at most {MAX_SOURCE} characters what the letter or call said, and how you know that it was the member"
            ));
        }
        if !of.is_call && of.file.is_none() {
            return refuse(
                "the letter is not there\nhint: attach a scan or a photo of it; a call needs none",
            );
        }
        if of.received > today {
            return refuse(Refused::Future {
                on: of.received,
                today,
            });
        }
        let table = self.modulus_table()?;
        let file = match &of.file {
            Some(given) => Some(self.keep(given, Expected::Personal)?),
            None => None,
        };
        let number = count(self.letters_acted()?.len());
        self.with_roll(|roll| {
            let member = MemberNo(of.member);
            let Some(before) = self.person(roll, member)? else {
                return refuse(format!("member `{}` was erased", of.member));
            };
            let (mut says, mut changes) = (Vec::new(), Vec::new());
            let (mut rows, mut decisions) = (Vec::new(), Vec::new());
            let plain = Changes {
                payment: of.payment,
                address: of.address.as_ref().map(|(lines, _)| lines.clone()),
                postcode: of.address.as_ref().map(|(_, postcode)| postcode.clone()),
                email: of.email.clone(),
                ..Changes::default()
            };
            if let Some(payment) = of.payment {
                changes.push("payment".to_owned());
                says.push(Changed::Payment(document::payment_word(payment)).sentence());
            }
            if of.address.is_some() {
                changes.push("address".to_owned());
                says.push(Changed::Address.sentence());
            }
            if of.email.is_some() {
                changes.push("email".to_owned());
                says.push(Changed::Email.sentence());
            }
            if !changes.is_empty() {
                let (what, row) = self.changed(roll, of.member, &plain)?;
                decisions.push(what);
                rows.extend(row);
            }
            if let Some(text) = &of.bank {
                changes.push("bank".to_owned());
                let (what, row, line) = self.banked(roll, of.member, text, table.as_ref(), now)?;
                let from = self.known().zone.day_of(line.in_force);
                says.push(Changed::Bank(&line.ending, &date(from)).sentence());
                decisions.push(what);
                rows.push(row);
            }
            if changes.is_empty() {
                return refuse("nothing is to change\nhint: fill in what the member asked for");
            }
            let note = LetterNote {
                source: source.to_owned(),
                to: addressed(&before),
                email: before.email.clone(),
                says,
            };
            let bytes = serde_json::to_vec(&note).or_ours("the notice")?;
            let row = salted(member, bytes)?;
            decisions.insert(
                0,
                What::LetterActed(LetterActed {
                    number,
                    member: of.member,
                    came_by: if of.is_call { "call" } else { "letter" }.to_owned(),
                    received: of.received.to_string(),
                    changes,
                    note: row.hash.clone(),
                    file,
                }),
            );
            rows.push(row);
            self.write_people(&rows)?;
            self.enter(roll, decisions, by, now)?;
            Ok(number)
        })
    }

    /// The letters that were acted on, in order.
    ///
    /// # Errors
    /// When the books or the people file are damaged.
    pub fn letters(&self) -> Answer<Vec<LetterLine>> {
        let acted = self.letters_acted()?;
        self.with_roll(|roll| {
            let mut lines = Vec::new();
            for (acted, by, at) in acted {
                let member = MemberNo(acted.member);
                let erased = roll.facts.get(&member).is_some_and(|facts| facts.erased);
                let note = match erased {
                    true => None,
                    false => {
                        let row = self.row(member, &acted.note)?;
                        Some(serde_json::from_slice(&row.bytes).or_ours("people.sqlite")?)
                    }
                };
                lines.push(LetterLine {
                    acted,
                    by,
                    at,
                    note,
                });
            }
            Ok(lines)
        })
    }

    fn letters_acted(&self) -> Answer<Vec<(LetterActed, String, Instant)>> {
        let decisions = self.decisions(&["letter-acted/1"])?.into_iter();
        let acted = decisions.filter_map(|decision| match decision.what {
            What::LetterActed(acted) => Some((acted, decision.by, Instant(decision.at_ms))),
            _ => None,
        });
        Ok(acted.collect())
    }
}

fn count(before: usize) -> u32 {
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

/// Name and address, as they stand on an envelope.
fn addressed(person: &Person) -> Vec<String> {
    let lines = std::iter::once(&person.name)
        .chain(&person.address)
        .chain([&person.postcode]);
    lines
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}
