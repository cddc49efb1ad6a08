//! Suppliers' bills: entered with the bill itself, approved by another officer, owed from then on, paid.

use domain::{
    accounts::{AccountCode, NewEntry, Posting, Role, Source, SourceKind},
    calendar::{Instant, LocalDay},
    money::Pence,
};
use records::{
    accounts as record,
    books::{SupplierBill, SupplierBillDecided},
    decision::What,
    tables::Kept,
};

use super::{
    super::{
        answer::{Answer, OrCaller, OrOurs, refuse},
        blobs::{Expected, Given},
        society::SocietyOffice,
    },
    posting,
};

/// A supplier's bill that is to be entered.
#[derive(Clone, Debug)]
pub struct NewSupplierBill {
    /// Who wants the money.
    pub supplier: String,
    /// The bill's own number.
    pub reference: String,
    /// Its day.
    pub on: LocalDay,
    /// The day by which to pay.
    pub due: LocalDay,
    /// What it is for, net of VAT.
    pub lines: Vec<Posting>,
    /// VAT on it.
    pub vat: Pence,
    /// The bill.
    pub file: Given,
}

/// How a supplier's bill stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillStanding {
    /// It waits for another officer.
    Waits,
    /// Another officer refused it, and why.
    Refused(String),
    /// It was approved; its entry.
    Owed(u32),
    /// It was paid; its two entries.
    Paid(u32, u32),
    /// It was approved, and its entry taken back.
    TakenBack,
}

/// A supplier's bill as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplierBillLine {
    /// As it was entered.
    pub bill: SupplierBill,
    /// Who entered it.
    pub by: String,
    /// How it stands.
    pub standing: BillStanding,
    /// True when it is owed and its day is past.
    pub late: bool,
}

impl SupplierBillLine {
    /// Net and VAT together.
    #[must_use]
    pub fn gross(&self) -> Pence {
        gross(&self.bill)
    }
}

impl SocietyOffice {
    /// Enters a supplier's bill; gives its number. Nothing is posted before another officer approves.
    ///
    /// # Errors
    /// When it does not fit the chart, has VAT while the society is not registered, or was entered
    /// before.
    pub fn enter_supplier_bill(
        &self,
        new: &NewSupplierBill,
        by: &str,
        now: Instant,
    ) -> Answer<u32> {
        let _one_at_a_time = posting();
        let ledger = self.with_chart()?;
        self.not_to_come(new.on, now)?;
        if new.due < new.on {
            return refuse(format!(
                "`{}` is before the bill's own day, `{}`",
                new.due, new.on
            ));
        }
        let net = Pence::total(new.lines.iter().map(|line| line.pence)).unwrap_or_default();
        if new.lines.is_empty() || net.0 <= 0 || new.vat.0 < 0 {
            return refuse(
                "a bill has at least one line and comes to more than nothing\nhint: --line 6000=412.50",
            );
        }
        self.check_input_vat(new.on, net, new.vat)?;
        let all = self.supplier_bills(now)?;
        let same = all.iter().find(|one| {
            one.bill.supplier.eq_ignore_ascii_case(new.supplier.trim())
                && one.bill.reference == new.reference.trim()
                && !matches!(
                    one.standing,
                    BillStanding::Refused(_) | BillStanding::TakenBack
                )
        });
        if let Some(same) = same {
            return refuse(format!(
                "bill `{}` of {} is entered already, as number {}",
                same.bill.reference, same.bill.supplier, same.bill.number
            ));
        }
        let number = u32::try_from(all.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let line = |line: &Posting| record::Posting {
            account: line.account.to_string(),
            pence: line.pence.0,
        };
        let mut bill = SupplierBill {
            number,
            supplier: new.supplier.trim().to_owned(),
            reference: new.reference.trim().to_owned(),
            on: new.on.to_string(),
            due: new.due.to_string(),
            lines: new.lines.iter().map(line).collect(),
            vat_pence: new.vat.0,
            file: Kept {
                sha256: String::new(),
                bytes: 0,
                name: String::new(),
                sealed: false,
            },
        };
        ledger
            .check(&self.entry_of_supplier(&ledger, &bill)?)
            .or_caller()?;
        bill.file = self.keep(&new.file, Expected::Evidence)?;
        self.decide(What::SupplierBill(Box::new(bill)), by, now)?;
        Ok(number)
    }

    /// Approves a supplier's bill as another officer, and posts it; gives its entry.
    ///
    /// # Errors
    /// When the same officer entered it, or it does not wait.
    pub fn approve_supplier_bill(&self, number: u32, by: &str, now: Instant) -> Answer<u32> {
        let _one_at_a_time = posting();
        let bill = self.waiting_bill(number, by, now)?;
        let ledger = self.with_chart()?;
        let entry = self.entry_of_supplier(&ledger, &bill)?;
        let what = What::SupplierBillDecided(SupplierBillDecided {
            number,
            approved: true,
            reason: String::new(),
        });
        let posted = self.post_under(ledger, vec![what], vec![entry], by, now)?;
        Ok(posted.first().copied().unwrap_or_default())
    }

    /// Refuses a supplier's bill.
    ///
    /// # Errors
    /// When the same officer entered it, it does not wait, or no reason is given.
    pub fn refuse_supplier_bill(
        &self,
        number: u32,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let _one_at_a_time = posting();
        self.waiting_bill(number, by, now)?;
        if reason.trim().is_empty() {
            return refuse("a refusal needs a reason\nhint: say why with --reason");
        }
        let what = What::SupplierBillDecided(SupplierBillDecided {
            number,
            approved: false,
            reason: reason.to_owned(),
        });
        self.decide(what, by, now)
    }

    /// Posts the payment of a bill that is owed; gives the entry.
    ///
    /// # Errors
    /// When it is not owed, or the day does not fit.
    pub fn pay_supplier_bill(
        &self,
        number: u32,
        on: LocalDay,
        from: Option<AccountCode>,
        by: &str,
        now: Instant,
    ) -> Answer<u32> {
        let _one_at_a_time = posting();
        self.not_to_come(on, now)?;
        let ledger = self.with_chart()?;
        let all = self.supplier_bills(now)?;
        let Some(line) = all.iter().find(|one| one.bill.number == number) else {
            return refuse(format!("there is no supplier's bill `{number}`"));
        };
        match &line.standing {
            BillStanding::Owed(_) => {}
            BillStanding::Waits => {
                return refuse(format!(
                    "bill {number} waits for another officer's approval; it is not paid before\nhint: `commonwatt --as OFFICER accounts supplier approve {number}`"
                ));
            }
            BillStanding::Paid(_, entry) => {
                return refuse(format!("bill {number} was paid by entry {entry}"));
            }
            BillStanding::Refused(why) => {
                return refuse(format!("bill {number} was refused: {why}"));
            }
            BillStanding::TakenBack => {
                return refuse(format!(
                    "the entry of bill {number} was taken back; nothing is owed"
                ));
            }
        }
        let from = match from {
            Some(code) => code,
            None => ledger.role(Role::Bank).or_caller()?,
        };
        let gross = line.gross();
        let entry = NewEntry {
            on,
            text: format!(
                "bill {} of {} paid",
                line.bill.reference, line.bill.supplier
            ),
            source: source(number, true),
            postings: vec![
                Posting {
                    account: ledger.role(Role::Creditors).or_caller()?,
                    pence: gross,
                },
                Posting {
                    account: from,
                    pence: Pence(gross.0.saturating_neg()),
                },
            ],
        };
        let posted = self.post_under(ledger, Vec::new(), vec![entry], by, now)?;
        Ok(posted.first().copied().unwrap_or_default())
    }

    /// The suppliers' bills, in order of their numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn supplier_bills(&self, now: Instant) -> Answer<Vec<SupplierBillLine>> {
        let ledger = self.ledger()?;
        let today = self.known().zone.day_of(now);
        let mut all: Vec<SupplierBillLine> = Vec::new();
        for decision in self.decisions(&["supplier-bill/1", "supplier-bill-decided/1"])? {
            match decision.what {
                What::SupplierBill(bill) => all.push(SupplierBillLine {
                    bill: *bill,
                    by: decision.by,
                    standing: BillStanding::Waits,
                    late: false,
                }),
                What::SupplierBillDecided(decided) => {
                    let of = all.iter_mut().find(|one| one.bill.number == decided.number);
                    if let Some(line) = of {
                        let posted = ledger.standing_of(&source(decided.number, false));
                        let paid = ledger.standing_of(&source(decided.number, true));
                        line.standing = match (decided.approved, posted, paid) {
                            (false, ..) => BillStanding::Refused(decided.reason),
                            (true, Some(entry), Some(paid)) => BillStanding::Paid(entry, paid),
                            (true, Some(entry), None) => BillStanding::Owed(entry),
                            (true, None, _) => BillStanding::TakenBack,
                        };
                        let due: LocalDay = line.bill.due.parse().or_ours("a supplier's bill")?;
                        line.late = matches!(line.standing, BillStanding::Owed(_)) && due < today;
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }

    fn waiting_bill(&self, number: u32, by: &str, now: Instant) -> Answer<SupplierBill> {
        let all = self.supplier_bills(now)?;
        let Some(line) = all.into_iter().find(|one| one.bill.number == number) else {
            return refuse(format!(
                "there is no supplier's bill `{number}`\nhint: `commonwatt accounts supplier list` shows them"
            ));
        };
        if line.standing != BillStanding::Waits {
            return refuse(format!("bill {number} was decided before"));
        }
        if line.by == by {
            return refuse(format!(
                "`{by}` entered bill {number}; expected another officer to decide\nhint: two people are two people: say --as with the other one"
            ));
        }
        Ok(line.bill)
    }

    fn entry_of_supplier(
        &self,
        ledger: &domain::accounts::Ledger,
        bill: &SupplierBill,
    ) -> Answer<NewEntry> {
        let mut postings = Vec::new();
        for line in &bill.lines {
            postings.push(Posting {
                account: line.account.parse().or_caller()?,
                pence: Pence(line.pence),
            });
        }
        if bill.vat_pence != 0 {
            postings.push(Posting {
                account: ledger.role(Role::Vat).or_caller()?,
                pence: Pence(bill.vat_pence),
            });
        }
        postings.push(Posting {
            account: ledger.role(Role::Creditors).or_caller()?,
            pence: Pence(gross(bill).0.saturating_neg()),
        });
        Ok(NewEntry {
            on: bill.on.parse().or_ours("a supplier's bill")?,
            text: format!("bill {} of {}", bill.reference, bill.supplier),
            source: source(bill.number, false),
            postings,
        })
    }
}

fn gross(bill: &SupplierBill) -> Pence {
    let net: i64 = bill.lines.iter().map(|line| line.pence).sum();
    Pence(net.saturating_add(bill.vat_pence))
}

fn source(number: u32, paid: bool) -> Source {
    let end = if paid { "/paid" } else { "" };
    Source {
        kind: SourceKind::Supplier,
        reference: format!("{number}{end}"),
    }
}
