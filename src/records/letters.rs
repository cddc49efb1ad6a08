//! An officer acts for a member on a letter or a call: the body of the decision that says so.
//!
//! What changes stands in the decisions beside it in the same group. What was said, and the notice
//! that goes to the address and the name the society had before, are personal: they lie in a row of
//! the people file, which the journal names by its hash. The scan of a letter is a sealed file.

use serde::{Deserialize, Serialize};

use crate::tables::Kept;

/// An officer acted on a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterActed {
    /// Its number, from 1.
    pub number: u32,
    /// For whom.
    pub member: u32,
    /// `letter` or `call`.
    pub came_by: String,
    /// The day it came.
    pub received: String,
    /// What changed: `payment`, `address`, `email`, `bank`.
    pub changes: Vec<String>,
    /// Hash of the row of the people file with [`LetterNote`].
    pub note: String,
    /// The scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Kept>,
}

/// What the people file has of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterNote {
    /// What the officer saw or heard, and how it is known that it was the member.
    pub source: String,
    /// Name and address before, a line each: where the notice goes.
    pub to: Vec<String>,
    /// The e-mail address before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// What the notice says, a sentence each.
    pub says: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    #[test]
    fn a_letter_acted_on_keeps_its_golden_bytes() {
        let decision = Decision {
            at_ms: 1_384_600_000_000,
            by: "secretary".into(),
            what: What::LetterActed(LetterActed {
                number: 1,
                member: 12,
                came_by: "letter".into(),
                received: "2013-11-15".into(),
                changes: vec!["payment".into(), "bank".into()],
                note: "00ff".into(),
                file: None,
            }),
        };
        let record = decision.to_record();
        let golden = r#"{"at_ms":1384600000000,"by":"secretary","what":{"type":"letter-acted/1","body":{"number":1,"member":12,"came_by":"letter","received":"2013-11-15","changes":["payment","bank"],"note":"00ff"}}}"#;
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }
}
