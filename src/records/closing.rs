//! What is noted when a roof closes, and when papers about a council's stake are signed or given.
//!
//! A closing says what happens to the installation and what it stands at in the books; the entry of
//! its disposal is posted beside it. A signed pack is named by the hash of its figures and by the
//! journal's head they were made at. A bundle that was given is logged with what was left out.

use serde::{Deserialize, Serialize};

use crate::council::{Withdrawn, is_false};

/// Something noted of a roof that closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", content = "of", rename_all = "kebab-case")]
pub enum ClosingNote {
    /// A roof closes.
    Closing(Closing),
    /// The licensee was told who is paid from then on.
    FitChange(FitChange),
    /// A note counts no more.
    Withdrawn(Withdrawn),
}

/// A roof closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// The roof; it closes once.
    pub site: String,
    /// Its last day with the society.
    pub on: String,
    /// Why: the end of the licence, a sale.
    pub why: String,
    /// `reverts`, `sold` or `removed`.
    pub follows: String,
    /// Who has the installation, and is paid its tariff, from then on.
    pub to: String,
    /// What the installation cost, as it stands in the books.
    pub cost_pence: i64,
    /// What of it was written off.
    pub depreciation_pence: i64,
    /// What is paid for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub proceeds_pence: i64,
    /// The account of the cost.
    pub cost_account: String,
    /// The account of what was written off.
    pub depreciation_account: String,
    /// The account of the gain or loss.
    pub result_account: String,
    /// The agreement or minute.
    pub evidence: String,
    /// The entry in the books; filled in when it is posted.
    #[serde(default)]
    pub entry: u32,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// The licensee was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitChange {
    /// The roof.
    pub site: String,
    /// The day it was sent.
    pub on: String,
    /// What shows it.
    pub evidence: String,
}

/// Papers about a council's stake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", content = "of", rename_all = "kebab-case")]
pub enum PackNote {
    /// A pack is signed off.
    Signed(Signed),
    /// A bundle was given.
    Given(Given),
}

/// A pack that is signed off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The council.
    pub council: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// SHA-256 of its figures as canonical JSON, lower-case hex.
    pub sha256: String,
    /// Records of the journal they were made at.
    pub head_size: u64,
    /// The journal's root then, lower-case hex.
    pub head_root: String,
    /// The figures, as canonical JSON.
    pub figures: String,
}

/// A bundle that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Its number in the society, from 1.
    pub number: u32,
    /// The reference of the request; no person.
    pub request: String,
    /// The day it is of.
    pub on: String,
    /// SHA-256 of what was given, lower-case hex.
    pub sha256: String,
    /// What was left out, and why.
    pub left_out: Vec<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    fn check(what: What, golden: &str) {
        let decision = Decision {
            at_ms: 1,
            by: "secretary".into(),
            what,
        };
        let record = decision.to_record();
        let golden = format!(r#"{{"at_ms":1,"by":"secretary","what":{golden}}}"#);
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    #[test]
    fn notes_keep_their_golden_bytes() {
        for note in [
            r#"{"note":"closing","of":{"site":"a","on":"2037-04-22","why":"The licence ends","follows":"reverts","to":"The council","cost_pence":100,"depreciation_pence":90,"proceeds_pence":5,"cost_account":"1000","depreciation_account":"1010","result_account":"6300","evidence":"Licence","entry":4,"sample":true}}"#,
            r#"{"note":"fit-change","of":{"site":"a","on":"2037-05-01","evidence":"E-mail"}}"#,
            r#"{"note":"withdrawn","of":{"kind":"closing","id":"a","reason":"it goes on"}}"#,
        ] {
            let of: ClosingNote = serde_json::from_str(note).unwrap();
            check(
                What::ClosingNoted(Box::new(of)),
                &format!(r#"{{"type":"closing-noted/1","body":{note}}}"#),
            );
        }
        for note in [
            r#"{"note":"signed","of":{"council":"C","from":"2013-04-01","to":"2014-03-31","sha256":"00","head_size":9,"head_root":"ff","figures":"{}"}}"#,
            r#"{"note":"given","of":{"number":1,"request":"FOI 12","on":"2014-03-31","sha256":"00","left_out":["members' holdings: personal data"]}}"#,
        ] {
            let of: PackNote = serde_json::from_str(note).unwrap();
            check(
                What::PackNoted(Box::new(of)),
                &format!(r#"{{"type":"pack-noted/1","body":{note}}}"#),
            );
        }
    }
}
