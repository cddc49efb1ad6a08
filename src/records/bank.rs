//! Money as it came in: rows of licensees' statements and of a bank's file, and what they pay.
//!
//! The file itself is kept beside the journal; a row here has its day, its amount and what it was
//! matched to, never its text: that may name a member. A row is known by a salted hash of its text,
//! so that the same row in the next file is the same row.

use serde::{Deserialize, Serialize};

use crate::tables::Kept;

/// A file of payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankImported {
    /// The import's number in the society, from 1.
    pub number: u32,
    /// The file.
    pub file: Kept,
    /// The mapping it was read by.
    pub mapping: String,
    /// Its rows that were not known before.
    pub rows: Vec<BankRow>,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankRow {
    /// By what it is known: 16 bytes of a salted hash, lower-case hex.
    pub row: String,
    /// Its line in the file, from 1.
    pub line: u32,
    /// The day it was paid.
    pub on: String,
    /// The amount; less than zero where money went out.
    pub pence: i64,
    /// What it pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pays: Option<Pays>,
}

/// What a row pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pays {
    /// Part of a licensee's statement.
    Statement {
        /// The installation.
        installation: String,
        /// First day it is for.
        from: String,
        /// Last day it is for.
        to: String,
        /// `generation`, `export-deemed`, `export-metered` or `deduction`.
        kind: String,
        /// Energy, Wh, where the statement gives it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wh: Option<i64>,
        /// Rate, decimal text, where the statement gives it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate_p_per_kwh: Option<String>,
    },
    /// Claims of an installation, as one amount.
    Claims {
        /// The installation.
        installation: String,
    },
    /// A bill.
    Bill {
        /// Its number.
        number: u32,
    },
    /// Nothing of the society's income.
    Nothing,
}

/// What an officer says a row pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankMatched {
    /// The row.
    pub row: String,
    /// What it pays.
    pub pays: Pays,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    #[test]
    fn payments_keep_their_golden_bytes() {
        let row = |n: u32, pays| BankRow {
            row: "00ff".into(),
            line: n,
            on: "2014-05-15".into(),
            pence: 88_803,
            pays,
        };
        for (what, golden) in [
            (
                What::BankImported(Box::new(BankImported {
                    number: 1,
                    file: Kept {
                        sha256: "00ff".into(),
                        bytes: 2,
                        name: "may.csv".into(),
                        sealed: false,
                    },
                    mapping: "statement".into(),
                    rows: vec![
                        row(
                            2,
                            Some(Pays::Statement {
                                installation: "block-fit".into(),
                                from: "2013-04-01".into(),
                                to: "2014-03-31".into(),
                                kind: "generation".into(),
                                wh: Some(5_940_000),
                                rate_p_per_kwh: Some("14.95".into()),
                            }),
                        ),
                        row(3, Some(Pays::Bill { number: 7 })),
                        row(4, None),
                    ],
                })),
                r#"{"type":"bank-imported/1","body":{"number":1,"file":{"sha256":"00ff","bytes":2,"name":"may.csv"},"mapping":"statement","rows":[{"row":"00ff","line":2,"on":"2014-05-15","pence":88803,"pays":{"for":"statement","installation":"block-fit","from":"2013-04-01","to":"2014-03-31","kind":"generation","wh":5940000,"rate_p_per_kwh":"14.95"}},{"row":"00ff","line":3,"on":"2014-05-15","pence":88803,"pays":{"for":"bill","number":7}},{"row":"00ff","line":4,"on":"2014-05-15","pence":88803}]}}"#,
            ),
            (
                What::BankMatched(BankMatched {
                    row: "00ff".into(),
                    pays: Pays::Claims {
                        installation: "block-fit".into(),
                    },
                }),
                r#"{"type":"bank-matched/1","body":{"row":"00ff","pays":{"for":"claims","installation":"block-fit"}}}"#,
            ),
        ] {
            let decision = Decision {
                at_ms: 1,
                by: "treasurer".into(),
                what,
            };
            let record = decision.to_record();
            let golden = format!(r#"{{"at_ms":1,"by":"treasurer","what":{golden}}}"#);
            assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
            assert_eq!(Decision::from_record(&record).unwrap(), decision);
        }
    }
}
