//! Interest runs: bodies of the decisions that prepare, approve, freeze and void one.
//!
//! A run note holds everything a line was made from and every line; its hash is the SHA-256 of its
//! canonical JSON. Preparing appends the note, another officer approves the hash, freezing appends
//! the same note again or fails. Money is integer pence, rates decimals as text with their unit.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a run was made from, and its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunNote {
    /// The run's number in the society, from 1, by preparation.
    pub number: u32,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// `rate` or `pot`.
    pub mode: String,
    /// The pot, or the sum of the lines.
    pub declared_pence: i64,
    /// The share classes of the run, in order.
    pub classes: Vec<RunClass>,
    /// What was published of the indices that rules need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<Published>,
    /// How pence that a division leaves over are given, for a pot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remainder_rule: String,
    /// Records in the journal when it was prepared.
    pub journal_size: u64,
    /// Lines by member and class.
    pub lines: Vec<RunLine>,
    /// Their sum.
    pub total_pence: i64,
    /// Income of days that earlier runs have frozen and that claims have set right since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<RunAdjustment>,
    /// The voided run whose place it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u32>,
    /// True when the society, a class or its terms are sample data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A share class as the run used it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunClass {
    /// Its id.
    pub class: String,
    /// The par of a share, pence.
    pub par_pence: i64,
    /// The rate declared; none for a pot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rate: String,
    /// The highest rate, declared in advance.
    pub maximum: String,
    /// The rule in words.
    pub rule: String,
    /// How time is counted.
    pub days: String,
    /// `in` or `out`.
    pub issue_day: String,
    /// `in` or `out`.
    pub leaving_day: String,
    /// `half-away` or `down`.
    pub rounding: String,
    /// `earns` or `nothing`.
    pub after_death: String,
}

/// What was published of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// `RPI`, `CPI` or `base rate`.
    pub index: String,
    /// Per cent, decimal text.
    pub percent: String,
    /// Where.
    pub source: String,
}

/// A line of a claim that sets an earlier one right: reads came late or were corrected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAdjustment {
    /// The claim with the line.
    pub claim: u32,
    /// The claim it sets right.
    pub adjusts: u32,
    /// The installation.
    pub installation: String,
    /// First day of the line.
    pub from: String,
    /// Last day of the line.
    pub to: String,
    /// The difference in energy, Wh.
    pub wh: i64,
    /// The difference in income, pence.
    pub pence: i64,
}

/// What a member's account of a class earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunLine {
    /// The member.
    pub member: u32,
    /// The class.
    pub class: String,
    /// The interest.
    pub pence: i64,
    /// What was held when, in words.
    pub basis: String,
}

/// An officer approves a prepared run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunApproved {
    /// Its number.
    pub number: u32,
    /// The hash of its note.
    pub hash: String,
}

/// A frozen run is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunVoided {
    /// Its number.
    pub number: u32,
    /// Why.
    pub reason: String,
}

impl RunNote {
    /// SHA-256 of its canonical JSON, lower-case hex.
    ///
    /// # Panics
    /// Never: the types have no map keys or values that JSON cannot hold.
    #[must_use]
    pub fn hash(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("a run note is plain JSON");
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
    fn decisions_about_runs_keep_their_golden_bytes() {
        let note = RunNote {
            number: 1,
            from: "2013-01-01".into(),
            to: "2013-12-31".into(),
            mode: "pot".into(),
            declared_pence: 10_000,
            classes: vec![RunClass {
                class: "ordinary".into(),
                par_pence: 100,
                rate: "3 %".into(),
                maximum: "5 %".into(),
                rule: "3 % a year".into(),
                days: "actual/365".into(),
                issue_day: "in".into(),
                leaving_day: "out".into(),
                rounding: "half-away".into(),
                after_death: "earns".into(),
            }],
            published: vec![Published {
                index: "RPI".into(),
                percent: "1.2".into(),
                source: "ONS".into(),
            }],
            remainder_rule: "largest".into(),
            journal_size: 7,
            lines: vec![RunLine {
                member: 4,
                class: "ordinary".into(),
                pence: 10_000,
                basis: "words".into(),
            }],
            total_pence: 10_000,
            adjustments: Vec::new(),
            replaces: Some(9),
            sample: true,
        };
        assert_eq!(
            note.hash(),
            "3e206eedf61ffaba5ce5212c519684736d76f25129bfcade615d375430615170"
        );
        let golden = r#"{"number":1,"from":"2013-01-01","to":"2013-12-31","mode":"pot","declared_pence":10000,"classes":[{"class":"ordinary","par_pence":100,"rate":"3 %","maximum":"5 %","rule":"3 % a year","days":"actual/365","issue_day":"in","leaving_day":"out","rounding":"half-away","after_death":"earns"}],"published":[{"index":"RPI","percent":"1.2","source":"ONS"}],"remainder_rule":"largest","journal_size":7,"lines":[{"member":4,"class":"ordinary","pence":10000,"basis":"words"}],"total_pence":10000,"replaces":9,"sample":true}"#;
        check(
            What::RunPrepared(Box::new(note.clone())),
            &format!(r#"{{"type":"run-prepared/1","body":{golden}}}"#),
        );
        let adjusted = RunNote {
            adjustments: vec![RunAdjustment {
                claim: 5,
                adjusts: 4,
                installation: "roof-fit".into(),
                from: "2012-10-01".into(),
                to: "2012-12-31".into(),
                wh: -100_000,
                pence: -1_609,
            }],
            ..note.clone()
        };
        let with = golden.replace(
            r#","replaces":9"#,
            r#","adjustments":[{"claim":5,"adjusts":4,"installation":"roof-fit","from":"2012-10-01","to":"2012-12-31","wh":-100000,"pence":-1609}],"replaces":9"#,
        );
        check(
            What::RunPrepared(Box::new(adjusted)),
            &format!(r#"{{"type":"run-prepared/1","body":{with}}}"#),
        );
        check(
            What::RunFrozen(Box::new(note)),
            &format!(r#"{{"type":"run-frozen/1","body":{golden}}}"#),
        );
        check(
            What::RunApproved(RunApproved {
                number: 1,
                hash: "00ff".into(),
            }),
            r#"{"type":"run-approved/1","body":{"number":1,"hash":"00ff"}}"#,
        );
        check(
            What::RunVoided(RunVoided {
                number: 1,
                reason: "wrong rate".into(),
            }),
            r#"{"type":"run-voided/1","body":{"number":1,"reason":"wrong rate"}}"#,
        );
    }
}
