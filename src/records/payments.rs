//! Payments to members: bodies of the decisions that prepare, approve, release and follow an order.
//!
//! An order holds every line and the form of the bank's file by content; its hash is the SHA-256 of
//! its canonical JSON, with the file's own SHA-256 inside. Names and bank details are not here: a line
//! names the sealed details by the hash under which the journal has them. Money is integer pence.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// An order to pay members of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderNote {
    /// Its number in the society, from 1.
    pub order: u32,
    /// The interest run.
    pub run: u32,
    /// The hash of the run's note.
    pub run_hash: String,
    /// The name of the profile.
    pub profile: String,
    /// The profile, as its file was.
    pub profile_text: String,
    /// When it was prepared, ms UTC.
    pub made_ms: i64,
    /// The day on which money moves.
    pub on: String,
    /// Lines by member.
    pub lines: Vec<OrderLine>,
    /// What is owed and left out, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<OrderHeld>,
    /// Payments in the bank's file.
    pub count: u32,
    /// Their sum.
    pub control_pence: i64,
    /// SHA-256 of the bank's file; empty when nothing goes to the bank.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file_sha256: String,
    /// True when the society, the run or the profile is sample data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// The member.
    pub member: u32,
    /// `bank`, `cheque`, `reinvest` or `fund`.
    pub way: String,
    /// Interest before tax.
    pub gross_pence: i64,
    /// Income tax deducted.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub tax_pence: i64,
    /// What is paid or credited.
    pub pence: i64,
    /// The interest by share class: class and pence.
    pub parts: Vec<(String, i64)>,
    /// Hash of the sealed bank details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// What stands on the payee's bank statement, or the cheque.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// Whole shares.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub shares: i64,
    /// Carried towards the next share.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub carried_pence: i64,
}

/// Owed and left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderHeld {
    /// The member.
    pub member: u32,
    /// How much.
    pub pence: i64,
    /// Why.
    pub why: String,
}

/// An officer's word about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderNamed {
    /// The order.
    pub order: u32,
    /// The hash of its note.
    pub hash: String,
}

/// An order is taken back before its release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderCancelled {
    /// The order.
    pub order: u32,
    /// Why.
    pub reason: String,
}

/// What the bank says became of payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderReported {
    /// The order.
    pub order: u32,
    /// Where it stands: the SHA-256 of the bank's file, or an officer's words.
    pub source: String,
    /// Only what is new.
    pub rows: Vec<ReportedRow>,
}

/// What became of one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedRow {
    /// The member.
    pub member: u32,
    /// `paid` or `returned`.
    pub outcome: String,
    /// The day.
    pub on: String,
    /// Why it came back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Interest falls to the society by a named rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterestForfeited {
    /// The run.
    pub run: u32,
    /// The member.
    pub member: u32,
    /// How much, before tax.
    pub pence: i64,
    /// The day.
    pub on: String,
    /// The rule.
    pub rule: String,
    /// `fund` or `reserve`.
    pub to: String,
}

/// Income tax to deduct from a member's interest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberTax {
    /// The member.
    pub member: u32,
    /// Per cent, decimal text; empty when no tax is deducted any more.
    pub percent: String,
    /// What it stands on.
    pub source: String,
}

impl OrderNote {
    /// SHA-256 of its canonical JSON, lower-case hex.
    ///
    /// # Panics
    /// Never: the types have no map keys or values that JSON cannot hold.
    #[must_use]
    pub fn hash(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("an order is plain JSON");
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_nothing(value: &i64) -> bool {
    *value == 0
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

    #[test]
    fn decisions_about_payments_keep_their_golden_bytes() {
        let line = |way: &str| OrderLine {
            member: 4,
            way: way.into(),
            gross_pence: 4_712,
            tax_pence: 0,
            pence: 4_712,
            parts: vec![("ordinary".into(), 4_712)],
            bank: None,
            reference: String::new(),
            shares: 0,
            carried_pence: 0,
        };
        let note = OrderNote {
            order: 1,
            run: 2,
            run_hash: "00ff".into(),
            profile: "by-hand".into(),
            profile_text: "kind = \"csv\"".into(),
            made_ms: 1_384_600_000_000,
            on: "2013-11-20".into(),
            lines: vec![
                OrderLine {
                    tax_pence: 942,
                    pence: 3_770,
                    bank: Some("ab".into()),
                    reference: "INTEREST 1-4".into(),
                    ..line("bank")
                },
                OrderLine {
                    shares: 47,
                    carried_pence: 12,
                    ..line("reinvest")
                },
            ],
            held: vec![OrderHeld {
                member: 9,
                pence: 5,
                why: "there are no bank details".into(),
            }],
            count: 1,
            control_pence: 3_770,
            file_sha256: "cd".into(),
            sample: true,
        };
        assert_eq!(
            note.hash(),
            "7fdfab466d77cae7decb9da11dfabdbfc68767045c8ac95a2f4a5faba62caadd"
        );
        check(
            What::OrderPrepared(Box::new(note)),
            r#"{"type":"order-prepared/1","body":{"order":1,"run":2,"run_hash":"00ff","profile":"by-hand","profile_text":"kind = \"csv\"","made_ms":1384600000000,"on":"2013-11-20","lines":[{"member":4,"way":"bank","gross_pence":4712,"tax_pence":942,"pence":3770,"parts":[["ordinary",4712]],"bank":"ab","reference":"INTEREST 1-4"},{"member":4,"way":"reinvest","gross_pence":4712,"pence":4712,"parts":[["ordinary",4712]],"shares":47,"carried_pence":12}],"held":[{"member":9,"pence":5,"why":"there are no bank details"}],"count":1,"control_pence":3770,"file_sha256":"cd","sample":true}}"#,
        );
        let named = OrderNamed {
            order: 1,
            hash: "00ff".into(),
        };
        check(
            What::OrderApproved(named.clone()),
            r#"{"type":"order-approved/1","body":{"order":1,"hash":"00ff"}}"#,
        );
        check(
            What::OrderReleased(named),
            r#"{"type":"order-released/1","body":{"order":1,"hash":"00ff"}}"#,
        );
        check(
            What::OrderCancelled(OrderCancelled {
                order: 1,
                reason: "wrong day".into(),
            }),
            r#"{"type":"order-cancelled/1","body":{"order":1,"reason":"wrong day"}}"#,
        );
        check(
            What::OrderReported(OrderReported {
                order: 1,
                source: "sha256:ab".into(),
                rows: vec![ReportedRow {
                    member: 4,
                    outcome: "returned".into(),
                    on: "2013-11-22".into(),
                    reason: "account closed".into(),
                }],
            }),
            r#"{"type":"order-reported/1","body":{"order":1,"source":"sha256:ab","rows":[{"member":4,"outcome":"returned","on":"2013-11-22","reason":"account closed"}]}}"#,
        );
        check(
            What::InterestForfeited(InterestForfeited {
                run: 2,
                member: 9,
                pence: 5,
                on: "2020-01-01".into(),
                rule: "rule 62".into(),
                to: "fund".into(),
            }),
            r#"{"type":"interest-forfeited/1","body":{"run":2,"member":9,"pence":5,"on":"2020-01-01","rule":"rule 62","to":"fund"}}"#,
        );
        check(
            What::MemberTax(MemberTax {
                member: 9,
                percent: "20".into(),
                source: "lives in Lisbon".into(),
            }),
            r#"{"type":"member-tax/1","body":{"member":9,"percent":"20","source":"lives in Lisbon"}}"#,
        );
    }
}
