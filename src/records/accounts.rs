//! The books: bodies of the decisions that make a chart, post an entry and close days.
//!
//! An entry carries its number, so that a journal cut in two cannot be put together wrongly, and its
//! source, so that every figure opens to what it was made from. Money is integer pence, a debit
//! above zero; days are `YYYY-MM-DD`.

use serde::{Deserialize, Serialize};

/// The chart of accounts from now on, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartApplied {
    /// Its accounts.
    pub account: Vec<Account>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its code.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// `asset`, `liability`, `equity`, `income` or `expense`.
    pub kind: String,
    /// What the program posts to it for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// Its balance is never below, pence; a debit balance is above zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least_pence: Option<i64>,
    /// Its balance is never above, pence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most_pence: Option<i64>,
}

/// An entry, posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryPosted {
    /// Its number in the society, from 1, without a gap.
    pub number: u32,
    /// The day it counts on.
    pub on: String,
    /// What happened.
    pub text: String,
    /// What it was made from.
    pub source: Source,
    /// Its postings, which sum to zero.
    pub postings: Vec<Posting>,
    /// The entry it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<u32>,
}

/// What an entry was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// `opening`, `claim`, `bill`, `run`, `statement`, `row`, `document` or `reversal`.
    pub kind: String,
    /// Which one.
    pub reference: String,
}

/// An amount on an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posting {
    /// The account's code.
    pub account: String,
    /// Above zero a debit.
    pub pence: i64,
}

/// Days up to one take no more entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BooksClosed {
    /// The last such day.
    pub until: String,
    /// Why.
    pub reason: String,
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
    fn decisions_about_the_books_keep_their_golden_bytes() {
        check(
            What::ChartApplied(Box::new(ChartApplied {
                account: vec![
                    Account {
                        code: "1200".into(),
                        name: "Bank".into(),
                        kind: "asset".into(),
                        role: "bank".into(),
                        at_least_pence: Some(0),
                        at_most_pence: Some(9_000_000),
                    },
                    Account {
                        code: "7000".into(),
                        name: "Insurance".into(),
                        kind: "expense".into(),
                        role: String::new(),
                        at_least_pence: None,
                        at_most_pence: None,
                    },
                ],
            })),
            r#"{"type":"chart-applied/1","body":{"account":[{"code":"1200","name":"Bank","kind":"asset","role":"bank","at_least_pence":0,"at_most_pence":9000000},{"code":"7000","name":"Insurance","kind":"expense"}]}}"#,
        );
        let posting = |account: &str, pence| Posting {
            account: account.into(),
            pence,
        };
        let posted = |kind: &str, reference: &str, reverses| {
            What::EntryPosted(Box::new(EntryPosted {
                number: 12,
                on: "2014-03-31".into(),
                text: "insurance".into(),
                source: Source {
                    kind: kind.into(),
                    reference: reference.into(),
                },
                postings: vec![posting("7000", 41_250), posting("1200", -41_250)],
                reverses,
            }))
        };
        check(
            posted("document", "bill 77", None),
            r#"{"type":"entry-posted/1","body":{"number":12,"on":"2014-03-31","text":"insurance","source":{"kind":"document","reference":"bill 77"},"postings":[{"account":"7000","pence":41250},{"account":"1200","pence":-41250}]}}"#,
        );
        check(
            posted("reversal", "9", Some(9)),
            r#"{"type":"entry-posted/1","body":{"number":12,"on":"2014-03-31","text":"insurance","source":{"kind":"reversal","reference":"9"},"postings":[{"account":"7000","pence":41250},{"account":"1200","pence":-41250}],"reverses":9}}"#,
        );
        check(
            What::BooksClosed(BooksClosed {
                until: "2014-12-31".into(),
                reason: "accounts signed".into(),
            }),
            r#"{"type":"books-closed/1","body":{"until":"2014-12-31","reason":"accounts signed"}}"#,
        );
    }
}
