//! Bank details: sealed, checked by the modulus rules where there is a table, and in force seven days
//! after a change.
//!
//! The check only warns: the tables of Pay.UK change several times a year, and a new sort code is no
//! mistake. The table is a file of the user's, kept under `node/` of the data folder.

use std::fs;

use domain::{
    calendar::Instant,
    membership::MemberNo,
    modulus::{Checked, Table},
};
use records::{decision::What, person::BankDetails, roll as body};
use store::people::PersonRow;

use super::{
    super::{
        Office,
        answer::{Answer, OrOurs, Refusal, refuse},
        keys::SealingKey,
        society::SocietyOffice,
    },
    fold::Roll,
    salted,
};

/// How long changed bank details wait before money goes there, ms: seven days.
const WAIT_MS: i64 = 7 * 86_400_000;

/// Bank details as they were typed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BankText {
    /// The name on the account; the member's where it is empty.
    pub name: String,
    /// The sort code.
    pub sort_code: String,
    /// The account number.
    pub account: String,
    /// A building society's roll number.
    pub roll_number: String,
}

/// How a member's bank details stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankLine {
    /// From when money goes there.
    pub in_force: Instant,
    /// The last three digits of the account.
    pub ending: String,
    /// What is to be looked at.
    pub notes: Vec<String>,
}

/// The files of the modulus check, as texts.
#[derive(Clone, Debug, Default)]
pub struct ModulusFiles {
    /// The weights.
    pub weights: String,
    /// Sort codes that stand for others in the check.
    pub substitutions: String,
}

impl Office {
    /// Keeps the table for the modulus check; gives the number of its rows.
    ///
    /// # Errors
    /// When it is no such table.
    pub fn keep_modulus_table(&self, files: &ModulusFiles) -> Answer<usize> {
        let table = Table::read(&files.weights, &files.substitutions)
            .map_err(|e| Refusal::Caller(e.to_string()))?;
        let node = self.folder().path().join("node");
        for (name, text) in [
            ("modulus-weights.txt", &files.weights),
            ("modulus-substitutions.txt", &files.substitutions),
        ] {
            fs::write(node.join(name), text).or_ours("the table cannot be kept")?;
        }
        Ok(table.len())
    }
}

impl SocietyOffice {
    /// The table of the modulus check, where there is one.
    pub(super) fn modulus_table(&self) -> Answer<Option<Table>> {
        let Some(data) = self.folder().ancestors().nth(2) else {
            return Ok(None);
        };
        let read = |name: &str| fs::read_to_string(data.join("node").join(name));
        let Ok(weights) = read("modulus-weights.txt") else {
            return Ok(None);
        };
        let substitutions = read("modulus-substitutions.txt").unwrap_or_default();
        Table::read(&weights, &substitutions)
            .map(Some)
            .or_ours("the table of the modulus check")
    }

    /// Seals bank details into a row of the people file.
    pub(super) fn seal_bank(
        &self,
        key: &SealingKey,
        member: MemberNo,
        details: &BankDetails,
    ) -> Answer<PersonRow> {
        let sealed = key.seal(&self.about_bank(member), &details.to_bytes())?;
        salted(member, sealed)
    }

    fn about_bank(&self, member: MemberNo) -> String {
        format!("commonwatt bank 1 {} {member}", self.slug())
    }

    pub(crate) fn open_bank(
        &self,
        key: &SealingKey,
        member: MemberNo,
        hash: &str,
    ) -> Answer<BankDetails> {
        let row = self.row(member, hash)?;
        let bytes = key.open(&self.about_bank(member), &row.bytes)?;
        BankDetails::from_bytes(&bytes).or_ours("people.sqlite")
    }

    /// Whose bank details lie sealed in the people file, each with the hash of its row.
    pub(crate) fn sealed_details(&self) -> Answer<Vec<(MemberNo, String)>> {
        self.with_roll(|roll| {
            let all = roll.facts.iter().flat_map(|(member, facts)| {
                facts.bank.iter().map(|(hash, _)| (*member, hash.clone()))
            });
            Ok(all.collect())
        })
    }

    /// Changes a member's bank details; they are in force in seven days.
    ///
    /// # Errors
    /// When they are no bank details, or the member is gone.
    pub fn change_bank(
        &self,
        member: u32,
        text: &BankText,
        by: &str,
        now: Instant,
    ) -> Answer<BankLine> {
        let table = self.modulus_table()?;
        self.with_roll(|roll| {
            let (what, row, line) = self.banked(roll, member, text, table.as_ref(), now)?;
            self.write_people(&[row])?;
            self.enter(roll, vec![what], by, now)?;
            Ok(line)
        })
    }

    /// The decision that changes bank details in seven days, and the sealed row that it names.
    pub(super) fn banked(
        &self,
        roll: &Roll,
        member: u32,
        text: &BankText,
        table: Option<&Table>,
        now: Instant,
    ) -> Answer<(What, PersonRow, BankLine)> {
        let number = MemberNo(member);
        let Some(person) = self.person(roll, number)? else {
            return refuse(format!("member `{member}` was erased"));
        };
        let (details, notes) = details_of(text, &person.name, table)?;
        let key = self.keys().sealing_key_or_new()?;
        let row = self.seal_bank(&key, number, &details)?;
        let in_force = now.plus_ms(WAIT_MS);
        let what = What::MemberBank(body::MemberBank {
            member,
            bank: row.hash.clone(),
            in_force_ms: in_force.0,
        });
        let line = BankLine {
            in_force,
            ending: ending(&details),
            notes,
        };
        Ok((what, row, line))
    }

    /// The details to which a member's money goes at an instant, and the change that waits.
    pub(super) fn bank_at(
        &self,
        roll: &Roll,
        member: MemberNo,
        at: Instant,
    ) -> Answer<(Option<BankDetails>, Option<BankLine>)> {
        let Some(facts) = roll.facts.get(&member).filter(|f| !f.bank.is_empty()) else {
            return Ok((None, None));
        };
        let key = self.keys().sealing_key()?;
        let in_force = facts.bank.iter().rev().find(|(_, from)| *from <= at);
        let waits = facts.bank.last().filter(|(_, from)| *from > at);
        let open = |hash: &String| self.open_bank(&key, member, hash);
        let waits = match waits {
            Some((hash, from)) => Some(BankLine {
                in_force: *from,
                ending: ending(&open(hash)?),
                notes: Vec::new(),
            }),
            None => None,
        };
        Ok((in_force.map(|(hash, _)| open(hash)).transpose()?, waits))
    }

    /// Where a member's money goes at an instant, and the change that waits.
    ///
    /// # Errors
    /// When the key is not there, or the people file is damaged.
    pub fn bank_of(
        &self,
        member: u32,
        at: Instant,
    ) -> Answer<(Option<BankDetails>, Option<BankLine>)> {
        self.with_roll(|roll| self.bank_at(roll, MemberNo(member), at))
    }
}

fn ending(details: &BankDetails) -> String {
    let digits = details.account.chars().count();
    details
        .account
        .chars()
        .skip(digits.saturating_sub(3))
        .collect()
}

/// Reads bank details as people type them, and says what is to be looked at.
pub(super) fn details_of(
    text: &BankText,
    member: &str,
    table: Option<&Table>,
) -> Answer<(BankDetails, Vec<String>)> {
    let digits = |what: &str, text: &str| -> Answer<String> {
        let bare: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '\u{2013}'))
            .collect();
        if bare.is_empty() || !bare.chars().all(|c| c.is_ascii_digit()) {
            return refuse(format!(
                "the {what} has other characters than digits, spaces and hyphens"
            ));
        }
        Ok(bare)
    };
    let mut notes = Vec::new();
    let mut sort_code = digits("sort code", &text.sort_code)?;
    let mut account = digits("account number", &text.account)?;
    if sort_code.len() == 5 {
        notes.push(
            "the sort code had 5 digits; a leading zero was put back, as spreadsheets drop it"
                .to_owned(),
        );
        sort_code.insert(0, '0');
    }
    if sort_code.len() != 6 {
        return refuse(format!(
            "the sort code has `{}` digits; expected 6",
            sort_code.len()
        ));
    }
    if (6..8).contains(&account.len()) {
        notes.push(format!(
            "the account number had {} digits; zeros were put in front to make 8",
            account.len()
        ));
        account = format!("{account:0>8}");
    }
    if account.len() != 8 {
        return refuse(format!(
            "the account number has `{}` digits; expected 8",
            account.len()
        ));
    }
    match table.map(|table| table.check(&sort_code, &account)) {
        Some(Checked::Wrong) => notes.push(
            "sort code and account number do not belong together by the modulus rules; look at the papers again".to_owned(),
        ),
        Some(Checked::Unknown) => notes.push("the modulus table has no rule for this sort code".to_owned()),
        Some(Checked::Right) | None => {}
    }
    let name = match text.name.trim() {
        "" => member.to_owned(),
        name => name.to_owned(),
    };
    Ok((
        BankDetails {
            name,
            sort_code,
            account,
            roll_number: text.roll_number.trim().to_owned(),
        },
        notes,
    ))
}
