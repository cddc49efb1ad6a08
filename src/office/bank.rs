//! Payments as they came in: licensees' statements and the bank's files, each row journaled once.
//!
//! A row is known by a salted hash of its text, and, where a file has the same row several times, by
//! which of them it is; so importing a file again, or the next file that overlaps it, adds only what
//! is new. The file lies sealed beside the journal; the journal has days, amounts and what each row
//! pays.

use std::{collections::BTreeMap, fs, io::Write, os::unix::fs::OpenOptionsExt};

use domain::{
    calendar::{Instant, LocalDay},
    income::{Difference, HostPayment, SentBill, bill_differences, settle_bills},
    money::Pence,
};
pub use records::bank::{BankRow, Pays};
use records::{
    bank::{BankImported, BankMatched},
    decision::What,
};
use sha2::{Digest, Sha256};

use super::{
    answer::{Answer, OrOurs, Refusal, refuse},
    bills::MadeBill,
    blobs::{Expected, Given},
    node::hex,
    society::SocietyOffice,
    statement::{FileRow, StatementMapping},
};

/// A row's name: so many bytes of its hash.
const NAME_BYTES: usize = 16;
/// What stands for a row's text where the sealing key is not.
const SEALED_WORDS: &str = "sealed: the sealing key is not here";

/// What an import did.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its number; `None` when nothing was new.
    pub number: Option<u32>,
    /// Rows of the file.
    pub rows: usize,
    /// Rows that were not known before.
    pub new: Vec<BankRow>,
}

/// A bill and what was paid of it.
#[derive(Clone, Debug)]
pub struct Debt {
    /// The bill.
    pub made: MadeBill,
    /// Who owes it.
    pub name: String,
    /// What was paid.
    pub paid: Pence,
    /// What is open.
    pub open: Pence,
    /// Days since the last day to pay; less than one where it is not past.
    pub days_over: i32,
}

/// What is wrong with the payment of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillDiffers {
    /// The bill's number.
    pub number: u32,
    /// Who owes it.
    pub host: String,
    /// Their name.
    pub name: String,
    /// What is wrong.
    pub difference: Difference,
    /// What is lacking; below zero what is too much.
    pub lacking: Pence,
    /// Days since the last day to pay.
    pub age_days: i32,
}

impl SocietyOffice {
    /// What importing a file of payments would add; nothing is changed.
    ///
    /// # Errors
    /// When a line cannot be read, or names an installation of another society.
    pub fn look_at_bank(
        &self,
        file: &Given,
        mapping_name: &str,
        mapping: &StatementMapping,
    ) -> Answer<Imported> {
        let text = std::str::from_utf8(&file.bytes)
            .map_err(|_| Refusal::Caller(format!("`{}` is not UTF-8 text", file.name)))?;
        let rows = mapping.rows(text)?;
        let salt = self.bank_salt()?;
        let known = self.known();
        let own = |id: &str| known.document.installation.iter().any(|one| one.id == id);
        let there: Vec<String> = self.payments()?.into_iter().map(|row| row.row).collect();
        let mut same: BTreeMap<&str, u32> = BTreeMap::new();
        let mut left: Vec<(String, &FileRow)> = Vec::new();
        for row in &rows {
            if let Some(paid) = &row.paid
                && !own(&paid.claim.installation)
            {
                return refuse(format!(
                    "line {} of the file: installation `{}` is not in the file of society `{}`\nhint: say in a mapping what the file calls it, under [installations], or name its society with --society",
                    row.line,
                    paid.claim.installation,
                    self.slug()
                ));
            }
            let n = same.entry(row.text.as_str()).or_default();
            *n += 1;
            let name = name_of(&salt, &row.text, *n);
            if !there.contains(&name) {
                left.push((name, row));
            }
        }
        let (mut bills, _) = self.sent_bills()?;
        let unknown: Vec<&FileRow> = left.iter().map(|(_, row)| *row).collect();
        let mut new = Vec::new();
        for ((name, row), pays) in left.iter().zip(pays(&unknown, &mut bills)) {
            if let Some(Pays::Claims { installation }) = &pays
                && !own(installation)
            {
                return refuse(format!(
                    "mapping `{mapping_name}`: installation `{installation}` is not in the file of society `{}`",
                    self.slug()
                ));
            }
            new.push(BankRow {
                row: name.clone(),
                line: row.line,
                on: row.on.to_string(),
                pence: row.pence.0,
                pays,
            });
        }
        Ok(Imported {
            number: None,
            rows: rows.len(),
            new,
        })
    }

    /// Imports a file of payments.
    ///
    /// # Errors
    /// As [`SocietyOffice::look_at_bank`].
    pub fn import_bank(
        &self,
        file: &Given,
        mapping_name: &str,
        mapping: &StatementMapping,
        by: &str,
        now: Instant,
    ) -> Answer<Imported> {
        let made = self.look_at_bank(file, mapping_name, mapping)?;
        if made.new.is_empty() {
            return Ok(made);
        }
        let imports = self.decided("bank-imported/1", |what| {
            matches!(what, What::BankImported(_)).then_some(())
        })?;
        let number = imports.len();
        let number = u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
        let import = BankImported {
            number,
            file: self.keep(file, Expected::Personal)?,
            mapping: mapping_name.to_owned(),
            rows: made.new.clone(),
        };
        self.decide(What::BankImported(Box::new(import)), by, now)?;
        Ok(Imported {
            number: Some(number),
            ..made
        })
    }

    /// Says what a row pays.
    ///
    /// # Errors
    /// When there is no such row, installation or bill.
    pub fn match_payment(&self, row: &str, pays: Pays, by: &str, now: Instant) -> Answer<BankRow> {
        let all = self.payments()?;
        let mut fits = all
            .iter()
            .filter(|one| one.row.starts_with(row) && !row.is_empty());
        let (Some(found), None) = (fits.next(), fits.next()) else {
            return refuse(format!(
                "`{row}` names no row, or several; expected the first letters of one\nhint: `commonwatt bank list` shows them"
            ));
        };
        match &pays {
            Pays::Claims { installation } => {
                let known = self.known();
                if !known
                    .document
                    .installation
                    .iter()
                    .any(|one| &one.id == installation)
                {
                    return refuse(format!(
                        "installation `{installation}` is not in the society file"
                    ));
                }
            }
            Pays::Bill { number } => {
                if !self
                    .frozen_bills()?
                    .iter()
                    .any(|made| made.bill.number == *number)
                {
                    return refuse(format!("there is no bill `{number}`"));
                }
            }
            Pays::Statement { .. } | Pays::Nothing => {}
        }
        if found.pays.as_ref() == Some(&pays) {
            return Ok(found.clone());
        }
        let what = What::BankMatched(BankMatched {
            row: found.row.clone(),
            pays: pays.clone(),
        });
        self.decide(what, by, now)?;
        Ok(BankRow {
            pays: Some(pays),
            ..found.clone()
        })
    }

    /// Every imported row, with what officers said since about what it pays.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn payments(&self) -> Answer<Vec<BankRow>> {
        let mut rows: Vec<BankRow> = Vec::new();
        for decision in self.decisions(&["bank-imported/1", "bank-matched/1"])? {
            match decision.what {
                What::BankImported(import) => rows.extend(import.rows),
                What::BankMatched(said) => {
                    if let Some(row) = rows.iter_mut().find(|row| row.row == said.row) {
                        row.pays = Some(said.pays);
                    }
                }
                _ => {}
            }
        }
        Ok(rows)
    }

    /// The lines of the imported files, by the rows' names; for people at the desk.
    ///
    /// # Errors
    /// When a file is missing or was changed.
    pub fn payment_texts(&self) -> Answer<BTreeMap<String, String>> {
        let mut texts = BTreeMap::new();
        for decision in self.decisions(&["bank-imported/1"])? {
            let What::BankImported(import) = decision.what else {
                continue;
            };
            let bytes = match self.keys().sealing_key() {
                Err(Refusal::Caller(_)) if import.file.sealed => {
                    // A copy without its keys knows what was paid, and not by whom.
                    let sealed = |row: BankRow| (row.row, SEALED_WORDS.to_owned());
                    texts.extend(import.rows.into_iter().map(sealed));
                    continue;
                }
                _ => self.blob(&import.file)?,
            };
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            for row in import.rows {
                let line = usize::try_from(row.line)
                    .ok()
                    .and_then(|n| n.checked_sub(1));
                let line = line.and_then(|n| lines.get(n)).copied().unwrap_or_default();
                texts.insert(row.row, line.to_owned());
            }
        }
        Ok(texts)
    }

    /// Bills that are not paid whole nor taken back, oldest first.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn debts(&self, now: Instant) -> Answer<Vec<Debt>> {
        let today = self.known().zone.day_of(now);
        let (sent, _) = self.sent_bills()?;
        let mut debts = Vec::new();
        for (made, sent) in self.frozen_bills()?.into_iter().zip(sent) {
            let open = sent.asked.checked_sub(sent.paid).unwrap_or_default();
            if open != Pence::ZERO {
                debts.push(Debt {
                    name: self.name_of_host(&made.bill.host),
                    days_over: today.days_since(sent.by),
                    made,
                    paid: sent.paid,
                    open,
                });
            }
        }
        debts.sort_by(|a, b| {
            (&a.made.bill.due, a.made.bill.number).cmp(&(&b.made.bill.due, b.made.bill.number))
        });
        Ok(debts)
    }

    /// Every difference between bills and payments of hosts and buyers, in order of the bills.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn bill_differences(&self, now: Instant) -> Answer<Vec<BillDiffers>> {
        let today = self.known().zone.day_of(now);
        let (sent, last_paid) = self.sent_bills()?;
        let mut all = Vec::new();
        for bill in sent {
            let paid_on = last_paid.get(&bill.number).copied();
            for (difference, lacking) in bill_differences(&bill, paid_on, today) {
                all.push(BillDiffers {
                    number: bill.number,
                    name: self.name_of_host(&bill.host),
                    host: bill.host.clone(),
                    difference,
                    lacking,
                    age_days: today.days_since(bill.by),
                });
            }
        }
        Ok(all)
    }

    /// The bills in order of their numbers with what was paid of each, and the day of the last payment.
    fn sent_bills(&self) -> Answer<(Vec<SentBill>, BTreeMap<u32, LocalDay>)> {
        let mut paid: BTreeMap<u32, Pence> = BTreeMap::new();
        let mut last: BTreeMap<u32, LocalDay> = BTreeMap::new();
        for row in self.payments()? {
            if let Some(Pays::Bill { number }) = row.pays {
                let sum = paid.entry(number).or_default();
                *sum = sum.checked_add(Pence(row.pence)).unwrap_or(*sum);
                let on: LocalDay = row.on.parse().or_ours("an imported row")?;
                let day = last.entry(number).or_insert(on);
                *day = on.max(*day);
            }
        }
        let sent = self.frozen_bills()?.into_iter().map(|made| {
            Ok(SentBill {
                number: made.bill.number,
                asked: match &made.credited {
                    Some(_) => Pence::ZERO,
                    None => Pence(made.bill.gross_pence),
                },
                paid: paid.get(&made.bill.number).copied().unwrap_or_default(),
                to: made.bill.to.parse().or_ours("a bill")?,
                by: made.bill.due.parse().or_ours("a bill")?,
                host: made.bill.host,
            })
        });
        Ok((sent.collect::<Answer<_>>()?, last))
    }

    fn name_of_host(&self, host: &str) -> String {
        self.billed(host)
            .map_or_else(|_| host.to_owned(), |found| found.name)
    }

    /// What rows are salted with: random, made once, beside the kept files.
    fn bank_salt(&self) -> Answer<Vec<u8>> {
        let what = "the salt of bank rows";
        let path = self.folder().join("bank.salt");
        match fs::read(&path) {
            Ok(salt) if salt.len() == 32 => return Ok(salt),
            Ok(_) => {
                return Err(Refusal::Ours(format!(
                    "{what}: `{}` is damaged",
                    path.display()
                )));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).or_ours(what),
        }
        let mut salt = [0_u8; 32];
        getrandom::fill(&mut salt).or_ours("the system gives no random numbers")?;
        let mut file = fs::File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .or_ours(what)?;
        file.write_all(&salt).or_ours(what)?;
        file.sync_all().or_ours(what)?;
        fs::File::open(self.folder())
            .and_then(|folder| folder.sync_all())
            .or_ours(what)?;
        Ok(salt.to_vec())
    }
}

/// What a payment pays, in words; `day` writes a day.
#[must_use]
pub fn pays_words(pays: Option<&Pays>, day: fn(&str) -> String) -> String {
    match pays {
        None => "nothing known".to_owned(),
        Some(Pays::Nothing) => "none of the income".to_owned(),
        Some(Pays::Bill { number }) => format!("bill {number}"),
        Some(Pays::Claims { installation }) => format!("claims of {installation}"),
        Some(Pays::Statement {
            installation,
            from,
            to,
            kind,
            ..
        }) => format!("{installation}, {kind}, {} to {}", day(from), day(to)),
    }
}

fn name_of(salt: &[u8], text: &str, n: u32) -> String {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(text.as_bytes());
    hash.update([0x1e]);
    hash.update(n.to_be_bytes());
    hex(&hash.finalize()[..NAME_BYTES])
}

/// What each row of a file pays: a statement says so; of a bank's, the payer's text. A host's payments
/// go to its bills as [`settle_bills`] has it.
fn pays(rows: &[&FileRow], bills: &mut [SentBill]) -> Vec<Option<Pays>> {
    let of_hosts = rows.iter().map(|row| HostPayment {
        host: match (&row.paid, &row.payer) {
            (None, Some(payer)) if payer.installation.is_empty() => payer.host.clone(),
            _ => String::new(),
        },
        on: row.on,
        pence: row.pence,
    });
    let of_hosts: Vec<HostPayment> = of_hosts.collect();
    let settled = settle_bills(bills, &of_hosts);
    rows.iter()
        .zip(settled)
        .map(|(row, bill)| {
            if let Some(paid) = &row.paid {
                return Some(Pays::Statement {
                    installation: paid.claim.installation.clone(),
                    from: paid.claim.from.to_string(),
                    to: paid.claim.to.to_string(),
                    kind: paid
                        .kind
                        .map_or("deduction", domain::income::LineKind::word)
                        .to_owned(),
                    wh: paid.wh.map(|wh| wh.0),
                    rate_p_per_kwh: paid.rate.map(|rate| rate.to_string()),
                });
            }
            let payer = row.payer.as_ref()?;
            match payer.installation.as_str() {
                "" => bill.map(|number| Pays::Bill { number }),
                installation => Some(Pays::Claims {
                    installation: installation.to_owned(),
                }),
            }
        })
        .collect()
}
