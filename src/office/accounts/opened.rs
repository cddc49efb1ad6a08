//! An entry opened: what its source says, so that no figure of the books ends in a word.

use domain::{
    accounts::{Entry, SourceKind},
    money::Pence,
};

use records::decision::What;

use super::{
    super::{
        answer::{Answer, refuse},
        society::SocietyOffice,
    },
    loans::LoanLine,
};

/// An entry with what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedEntry {
    /// The entry.
    pub entry: Entry,
    /// The entry that took it back.
    pub reversed_by: Option<u32>,
    /// What its source says: what, and the words.
    pub source: Vec<(String, String)>,
}

impl SocietyOffice {
    /// An entry, opened.
    ///
    /// # Errors
    /// When there is none, or its source is damaged.
    pub fn entry_opened(&self, number: u32) -> Answer<OpenedEntry> {
        let ledger = self.ledger()?;
        let Some(entry) = ledger.entry(number) else {
            return refuse(format!(
                "there is no entry `{number}`\nhint: `commonwatt accounts account CODE` lists those of an account"
            ));
        };
        Ok(OpenedEntry {
            reversed_by: ledger.reversed_by(number),
            source: self.source_opened(entry)?,
            entry: entry.clone(),
        })
    }

    fn source_opened(&self, entry: &Entry) -> Answer<Vec<(String, String)>> {
        let reference = entry.new.source.reference.as_str();
        let line = |what: &str, text: String| (what.to_owned(), text);
        let mut said = Vec::new();
        match entry.new.source.kind {
            SourceKind::Claim => {
                let claims = self.frozen_claims()?;
                let of = claims
                    .iter()
                    .find(|made| made.claim.number.to_string() == reference);
                if let Some(made) = of {
                    let claim = &made.claim;
                    said.push(line(
                        "claim",
                        format!("{}, {} to {}", claim.installation, claim.from, claim.to),
                    ));
                    said.extend(claim.lines.iter().map(|of| {
                        line(
                            &of.kind,
                            format!(
                                "{} to {}: {} Wh, {}",
                                of.from,
                                of.to,
                                of.wh,
                                Pence(of.pence)
                            ),
                        )
                    }));
                    said.extend(claim.reads.iter().map(|read| {
                        line(
                            "read",
                            format!("{} {}: {} Wh", read.meter, read.register, read.wh),
                        )
                    }));
                }
            }
            SourceKind::Bill => {
                let bills = self.frozen_bills()?;
                let of = bills
                    .iter()
                    .find(|made| made.bill.number.to_string() == reference);
                if let Some(made) = of {
                    let bill = &made.bill;
                    said.push(line(
                        "bill",
                        format!("{}, {} to {}", bill.host, bill.from, bill.to),
                    ));
                    said.push(line(
                        "net, VAT",
                        format!("{}, {}", Pence(bill.net_pence), Pence(bill.vat_pence)),
                    ));
                }
            }
            SourceKind::Cost => {
                let costs = self.costs()?;
                let of = costs
                    .iter()
                    .find(|cost| cost.entered.number.to_string() == reference);
                if let Some(cost) = of {
                    said.push(line(&cost.entered.kind, cost.entered.what.clone()));
                    let file = cost.entered.file.iter();
                    said.extend(
                        file.map(|file| line("file", self.kept_at(file).display().to_string())),
                    );
                }
            }
            SourceKind::Row => {
                let file = self.imported_files()?.into_iter().find(|file| {
                    file.kept.made == "entries"
                        && (file.kept.first..=file.kept.last).contains(&entry.number)
                });
                let row = reference
                    .rsplit_once('/')
                    .and_then(|(_, row)| row.parse().ok());
                if let (Some(file), Some(row)) = (file, row) {
                    said.push(line("imported file", file.kept.number.to_string()));
                    said.extend(self.imported_row(file.kept.number, row)?);
                }
            }
            SourceKind::Reversal => {
                said.push(line("entry", reference.to_owned()));
            }
            SourceKind::Supplier => {
                let bills = self.decided("supplier-bill/1", |what| match what {
                    What::SupplierBill(bill) => Some(*bill),
                    _ => None,
                })?;
                let of = bills
                    .iter()
                    .find(|bill| bill.number.to_string() == number_of(reference));
                if let Some(bill) = of {
                    said.push(line(
                        "supplier's bill",
                        format!("{}, {}, of {}", bill.supplier, bill.reference, bill.on),
                    ));
                    said.push(line("file", self.kept_at(&bill.file).display().to_string()));
                }
            }
            SourceKind::Asset => {
                let all = self.assets()?;
                let of = all
                    .iter()
                    .find(|(one, _)| one.number.to_string() == number_of(reference));
                if let Some((asset, _)) = of {
                    said.push(line("asset", asset.name.clone()));
                    let (cost, residual) = (Pence(asset.cost_pence), Pence(asset.residual_pence));
                    said.push(line(
                        "straight line",
                        format!(
                            "{cost} less {residual} over {} months from {}",
                            asset.life_months, asset.on
                        ),
                    ));
                    said.push(line("bought by entry", asset.entry.to_string()));
                }
            }
            SourceKind::Accrual => {
                let all = self.accruals()?;
                let of = all
                    .iter()
                    .find(|one| one.entered.number.to_string() == number_of(reference));
                if let Some(accrual) = of {
                    said.push(line(&accrual.entered.kind, accrual.entered.basis.clone()));
                }
            }
            SourceKind::Loan => {
                let all = self.loans()?;
                let of = all
                    .iter()
                    .find(|one| one.taken.number.to_string() == number_of(reference));
                if let Some(LoanLine { taken, .. }) = of {
                    said.push(line(
                        "loan",
                        format!("{}, {}", taken.lender, taken.document),
                    ));
                    said.push(line(
                        "terms",
                        format!(
                            "{} at {} %, {} instalments, {}",
                            Pence(taken.pence),
                            taken.percent,
                            taken.instalments,
                            taken.repayment
                        ),
                    ));
                }
            }
            SourceKind::Opening
            | SourceKind::Fund
            | SourceKind::Tax
            | SourceKind::Run
            | SourceKind::Payment
            | SourceKind::Statement
            | SourceKind::Document => {}
        }
        Ok(said)
    }
}

/// The number in front of a reference: `3` of `3/2025-12-31`.
fn number_of(reference: &str) -> &str {
    reference.split('/').next().unwrap_or(reference)
}
