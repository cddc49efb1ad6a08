//! What follows a member's death, or a power of attorney: nominations, and the steps of a case.
//!
//! Names lie in the people file and are named here by their salted hashes; papers are sealed files.

use serde::{Deserialize, Serialize};

use crate::tables::Kept;

/// A member nominated somebody for the member's death.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NominationMade {
    /// Its number in the book, from 1.
    pub number: u32,
    /// Whose.
    pub member: u32,
    /// The day it was made.
    pub on: String,
    /// How much of the member's property, per cent.
    pub percent: u32,
    /// True when the nominee was an officer or employee that day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub officer: bool,
    /// What the nominee is to the member, where the nominee is an officer or employee.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kin: String,
    /// Hash of who it is, in the people file.
    pub nominee: String,
}

/// A nomination was revoked, or another one took its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NominationEnded {
    /// Its number.
    pub number: u32,
    /// The day.
    pub on: String,
    /// Why.
    pub reason: String,
}

/// A step of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseStep {
    /// The case.
    pub case: u32,
    /// The day.
    pub on: String,
    /// `document`, `nominee`, `small-sum`, `payee` or `attorney`.
    pub step: String,
    /// The kind of document, or what a payee stands on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// How much passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pence: Option<i64>,
    /// The nomination it passes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nomination: Option<u32>,
    /// The board's resolution that allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Hash of who it is about, in the people file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The paper, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Kept>,
}

/// A resolution of the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// Its day.
    pub on: String,
    /// Where it stands in the minutes.
    pub minute: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    fn check(what: What, golden: &str) {
        let decision = Decision {
            at_ms: 1_384_600_000_000,
            by: "secretary".into(),
            what,
        };
        let record = decision.to_record();
        let golden = format!(r#"{{"at_ms":1384600000000,"by":"secretary","what":{golden}}}"#);
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    #[test]
    fn decisions_about_estates_keep_their_golden_bytes() {
        check(
            What::NominationMade(NominationMade {
                number: 1,
                member: 7,
                on: "2014-02-10".into(),
                percent: 50,
                officer: true,
                kin: "child".into(),
                nominee: "00ff".into(),
            }),
            r#"{"type":"nomination-made/1","body":{"number":1,"member":7,"on":"2014-02-10","percent":50,"officer":true,"kin":"child","nominee":"00ff"}}"#,
        );
        check(
            What::NominationEnded(NominationEnded {
                number: 1,
                on: "2014-03-01".into(),
                reason: "married".into(),
            }),
            r#"{"type":"nomination-ended/1","body":{"number":1,"on":"2014-03-01","reason":"married"}}"#,
        );
        let plain = CaseStep {
            case: 2,
            on: "2014-05-01".into(),
            step: "document".into(),
            what: "probate".into(),
            pence: None,
            nomination: None,
            resolution: None,
            person: None,
            file: None,
        };
        check(
            What::CaseStep(Box::new(plain.clone())),
            r#"{"type":"case-step/1","body":{"case":2,"on":"2014-05-01","step":"document","what":"probate"}}"#,
        );
        check(
            What::CaseStep(Box::new(CaseStep {
                step: "small-sum".into(),
                what: String::new(),
                pence: Some(41_200),
                nomination: Some(1),
                resolution: Some(Resolution {
                    on: "2014-04-30".into(),
                    minute: "7/2014".into(),
                }),
                person: Some("ff00".into()),
                file: Some(Kept {
                    sha256: "00ff".into(),
                    bytes: 7,
                    name: "will.pdf".into(),
                    sealed: true,
                }),
                ..plain
            })),
            r#"{"type":"case-step/1","body":{"case":2,"on":"2014-05-01","step":"small-sum","pence":41200,"nomination":1,"resolution":{"on":"2014-04-30","minute":"7/2014"},"person":"ff00","file":{"sha256":"00ff","bytes":7,"name":"will.pdf","sealed":true}}}"#,
        );
    }
}
