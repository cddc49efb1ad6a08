//! The books beyond single entries: fixed assets, suppliers' bills, accruals, loans, VAT, budgets.
//!
//! Each of these decisions says what was agreed; the entries that follow from it stand in the same
//! group and name it as their source. Money is integer pence, rates are decimal text.

use serde::{Deserialize, Serialize};

use crate::{accounts::Posting, tables::Kept};

/// A fixed asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetEntered {
    /// Its number in the society, from 1.
    pub number: u32,
    /// What it is.
    pub name: String,
    /// The account with what it cost.
    pub cost_account: String,
    /// The account with depreciation so far.
    pub depreciation_account: String,
    /// The account that depreciation is charged to.
    pub expense_account: String,
    /// The day it came into use.
    pub on: String,
    /// What it cost.
    pub cost_pence: i64,
    /// What it is worth at the end of its life.
    pub residual_pence: i64,
    /// Its life, in months.
    pub life_months: u32,
    /// Depreciation that opening balances hold already.
    pub before_pence: i64,
    /// The entry in which it was bought, or taken over.
    pub entry: u32,
    /// The roof it is part of.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
}

/// A fixed asset went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetDisposed {
    /// Its number.
    pub number: u32,
    /// The day.
    pub on: String,
    /// What was paid for it.
    pub proceeds_pence: i64,
    /// Why.
    pub reason: String,
}

/// A supplier's bill was entered, for another officer to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplierBill {
    /// Its number in the society, from 1.
    pub number: u32,
    /// Who wants the money.
    pub supplier: String,
    /// The bill's own number.
    pub reference: String,
    /// Its day.
    pub on: String,
    /// The day by which to pay.
    pub due: String,
    /// What it is for, net of VAT.
    pub lines: Vec<Posting>,
    /// VAT on it that can be reclaimed.
    pub vat_pence: i64,
    /// The bill.
    pub file: Kept,
}

/// What another officer said to a supplier's bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplierBillDecided {
    /// Its number.
    pub number: u32,
    /// Whether it is to be paid.
    pub approved: bool,
    /// Why not, where it is not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A cost or income was put into the period it belongs to, and is taken out of the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccrualEntered {
    /// Its number in the society, from 1.
    pub number: u32,
    /// `accrual`, `prepayment` or `fit`.
    pub kind: String,
    /// The last day of the period.
    pub on: String,
    /// How it comes about, in words: the paper, the days, the claim to be.
    pub basis: String,
    /// How much.
    pub pence: i64,
}

/// A loan to the society.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoanTaken {
    /// Its number in the society, from 1.
    pub number: u32,
    /// Who lent it.
    pub lender: String,
    /// The day it was drawn.
    pub on: String,
    /// The principal.
    pub pence: i64,
    /// The yearly rate, per cent.
    pub percent: String,
    /// Instalments.
    pub instalments: u32,
    /// Months between two of them.
    pub every_months: u32,
    /// `equal-payments`, `equal-principal` or `at-the-end`.
    pub repayment: String,
    /// The account of the principal.
    pub account: String,
    /// The account of the interest.
    pub interest_account: String,
    /// The paper.
    pub document: String,
}

/// The society's VAT from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VatTerms {
    /// The first day.
    pub from: String,
    /// Whether it is registered.
    pub registered: bool,
    /// Name and per cent of each rate.
    pub rates: Vec<(String, String)>,
    /// Where this stands.
    pub source: String,
}

/// A VAT return as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VatReturned {
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Boxes 1 to 9, pence.
    pub boxes: Vec<i64>,
}

/// The budget of an accounts year, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetSet {
    /// The first day of the accounts year.
    pub year: String,
    /// Where it stands: the board's minute.
    pub source: String,
    /// What is meant to move on each account.
    pub lines: Vec<Posting>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    fn check(what: What, golden: &str) {
        let decision = Decision {
            at_ms: 1_384_600_000_000,
            by: "treasurer".into(),
            what,
        };
        let record = decision.to_record();
        let golden = format!(r#"{{"at_ms":1384600000000,"by":"treasurer","what":{golden}}}"#);
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    fn lines() -> Vec<Posting> {
        vec![Posting {
            account: "6000".into(),
            pence: 41_250,
        }]
    }

    #[test]
    fn decisions_about_assets_and_suppliers_keep_their_golden_bytes() {
        check(
            What::AssetEntered(Box::new(AssetEntered {
                number: 1,
                name: "panels".into(),
                cost_account: "1000".into(),
                depreciation_account: "1010".into(),
                expense_account: "6400".into(),
                on: "2012-03-09".into(),
                cost_pence: 5_800_000,
                residual_pence: 0,
                life_months: 300,
                before_pence: 7,
                entry: 2,
                site: "roof".into(),
            })),
            r#"{"type":"asset-entered/1","body":{"number":1,"name":"panels","cost_account":"1000","depreciation_account":"1010","expense_account":"6400","on":"2012-03-09","cost_pence":5800000,"residual_pence":0,"life_months":300,"before_pence":7,"entry":2,"site":"roof"}}"#,
        );
        check(
            What::AssetDisposed(AssetDisposed {
                number: 1,
                on: "2014-03-09".into(),
                proceeds_pence: 100,
                reason: "sold".into(),
            }),
            r#"{"type":"asset-disposed/1","body":{"number":1,"on":"2014-03-09","proceeds_pence":100,"reason":"sold"}}"#,
        );
        check(
            What::SupplierBill(Box::new(SupplierBill {
                number: 1,
                supplier: "Sample Insurers".into(),
                reference: "77".into(),
                on: "2014-03-01".into(),
                due: "2014-03-31".into(),
                lines: lines(),
                vat_pence: 8_250,
                file: Kept {
                    sha256: "00ff".into(),
                    bytes: 7,
                    name: "77.pdf".into(),
                    sealed: false,
                },
            })),
            r#"{"type":"supplier-bill/1","body":{"number":1,"supplier":"Sample Insurers","reference":"77","on":"2014-03-01","due":"2014-03-31","lines":[{"account":"6000","pence":41250}],"vat_pence":8250,"file":{"sha256":"00ff","bytes":7,"name":"77.pdf"}}}"#,
        );
        check(
            What::SupplierBillDecided(SupplierBillDecided {
                number: 1,
                approved: false,
                reason: "paid twice".into(),
            }),
            r#"{"type":"supplier-bill-decided/1","body":{"number":1,"approved":false,"reason":"paid twice"}}"#,
        );
    }

    #[test]
    fn decisions_about_periods_loans_vat_and_budgets_keep_their_golden_bytes() {
        check(
            What::AccrualEntered(AccrualEntered {
                number: 1,
                kind: "accrual".into(),
                on: "2014-12-31".into(),
                basis: "audit of 2014".into(),
                pence: 90_000,
            }),
            r#"{"type":"accrual-entered/1","body":{"number":1,"kind":"accrual","on":"2014-12-31","basis":"audit of 2014","pence":90000}}"#,
        );
        check(
            What::LoanTaken(Box::new(LoanTaken {
                number: 1,
                lender: "Sample Bank".into(),
                on: "2014-01-02".into(),
                pence: 1_000_000,
                percent: "5".into(),
                instalments: 10,
                every_months: 12,
                repayment: "equal-payments".into(),
                account: "2500".into(),
                interest_account: "6500".into(),
                document: "agreement".into(),
            })),
            r#"{"type":"loan-taken/1","body":{"number":1,"lender":"Sample Bank","on":"2014-01-02","pence":1000000,"percent":"5","instalments":10,"every_months":12,"repayment":"equal-payments","account":"2500","interest_account":"6500","document":"agreement"}}"#,
        );
        check(
            What::VatTerms(VatTerms {
                from: "2014-01-01".into(),
                registered: true,
                rates: vec![("standard".into(), "20".into())],
                source: "certificate".into(),
            }),
            r#"{"type":"vat-terms/1","body":{"from":"2014-01-01","registered":true,"rates":[["standard","20"]],"source":"certificate"}}"#,
        );
        check(
            What::VatReturned(VatReturned {
                from: "2014-01-01".into(),
                to: "2014-03-31".into(),
                boxes: vec![1, 0, 1, 2, -1, 3, 4, 0, 0],
            }),
            r#"{"type":"vat-returned/1","body":{"from":"2014-01-01","to":"2014-03-31","boxes":[1,0,1,2,-1,3,4,0,0]}}"#,
        );
        check(
            What::BudgetSet(BudgetSet {
                year: "2014-01-01".into(),
                source: "board 1/2014".into(),
                lines: lines(),
            }),
            r#"{"type":"budget-set/1","body":{"year":"2014-01-01","source":"board 1/2014","lines":[{"account":"6000","pence":41250}]}}"#,
        );
    }
}
