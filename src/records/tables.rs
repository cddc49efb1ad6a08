//! Dated tables as officers extend them: the bodies of the decisions.
//!
//! Published figures come with the program; what is published later is proposed here with its source
//! and file and holds from the moment another officer approves it. Values are text, as they were
//! typed and checked, so that no digit moves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A file that is kept beside the journal, named by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// SHA-256 of its bytes, lower-case hex; its name under `blobs/`.
    pub sha256: String,
    /// How many bytes.
    pub bytes: u64,
    /// What it was called when it was given, without folders.
    pub name: String,
    /// Whether the bytes are sealed, because persons stand in the file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
}

/// Rows that an officer proposes for a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableExtended {
    /// The proposal's number in the society, from 1.
    pub number: u32,
    /// The table.
    pub table: String,
    /// The rows: column to value.
    pub rows: Vec<BTreeMap<String, String>>,
    /// Where they are printed.
    pub source: String,
    /// How sure they are.
    pub certainty: String,
    /// The page, bill or file they are taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Kept>,
}

/// What another officer says to a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableDecided {
    /// The proposal's number.
    pub number: u32,
    /// Whether its rows hold from now on.
    pub approved: bool,
    /// Why not, where they do not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    #[test]
    fn extended_tables_keep_their_golden_bytes() {
        for (what, golden) in [
            (
                What::TableExtended(Box::new(TableExtended {
                    number: 1,
                    table: "uplifts".into(),
                    rows: vec![BTreeMap::from([
                        ("year".to_owned(), "2027".to_owned()),
                        ("percent".to_owned(), "3.1".to_owned()),
                    ])],
                    source: "ONS".into(),
                    certainty: "high".into(),
                    file: Some(Kept {
                        name: "ons.pdf".into(),
                        sealed: false,
                        sha256: "00ff".into(),
                        bytes: 2,
                    }),
                })),
                r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"table-extended/1","body":{"number":1,"table":"uplifts","rows":[{"percent":"3.1","year":"2027"}],"source":"ONS","certainty":"high","file":{"sha256":"00ff","bytes":2,"name":"ons.pdf"}}}}"#,
            ),
            (
                What::TableDecided(TableDecided {
                    number: 1,
                    approved: true,
                    reason: String::new(),
                }),
                r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"table-decided/1","body":{"number":1,"approved":true}}}"#,
            ),
        ] {
            let decision = Decision {
                at_ms: 1_384_600_000_000,
                by: "treasurer".into(),
                what,
            };
            let record = decision.to_record();
            assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
            assert_eq!(Decision::from_record(&record).unwrap(), decision);
        }
    }
}
