//! Ballots: bodies of the decisions that call one, appoint a proxy, and close it.
//!
//! While a ballot is open nothing of a vote is in the journal. At its close two records are
//! appended: who voted, sorted by number, and the ballots, sorted by their random codes. No order,
//! time or size links one to the other. Money is integer pence, instants are ms UTC.

use serde::{Deserialize, Serialize};

/// A ballot, with its question and everybody who may vote in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BallotCalled {
    /// Its number in the society, from 1.
    pub number: u32,
    /// A short name.
    pub title: String,
    /// The words that are decided on.
    pub text: String,
    /// What is asked.
    pub question: BallotQuestion,
    /// `members` or `residents`; only a ballot of members binds the society.
    pub electorate: String,
    /// The day whose roll or list it is.
    pub record_day: String,
    /// Who may vote, by number, sorted.
    pub electors: Vec<u32>,
    /// How the electors were chosen from the list, in words, and the SHA-256 of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ElectorList>,
    /// The first instant at which a vote is taken.
    pub opens_ms: i64,
    /// From then on none is.
    pub closes_ms: i64,
    /// How many must vote: `12` or `10 %`.
    pub quorum: String,
    /// For how many others one elector may vote.
    pub proxy_limit: u32,
    /// True when it is sample data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum BallotQuestion {
    /// For, against or abstain.
    Resolution {
        /// `simple` or `three-quarters`.
        majority: String,
    },
    /// How a fund is shared out.
    Budget {
        /// What there is, pence.
        pot_pence: i64,
        /// What it may go to.
        options: Vec<BallotOption>,
    },
}

/// Something a fund may go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BallotOption {
    /// Its id on the ballot.
    pub id: String,
    /// What it is.
    pub name: String,
    /// The most it can use, pence.
    pub limit_pence: i64,
}

/// The list the electors of a ballot of residents were chosen from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElectorList {
    /// Its SHA-256, lower-case hex. The list itself names persons and is not kept.
    pub sha256: String,
    /// Who of it, in words.
    pub chosen: String,
}

/// An elector lets another one vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyAppointed {
    /// The ballot.
    pub ballot: u32,
    /// Whose vote it is.
    pub elector: u32,
    /// Who may cast it.
    pub holder: u32,
}

/// Who voted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BallotVoters {
    /// The ballot.
    pub ballot: u32,
    /// Their numbers, sorted.
    pub voters: Vec<u32>,
}

/// The ballots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BallotBox {
    /// The ballot.
    pub ballot: u32,
    /// Papers, sorted by code.
    pub ballots: Vec<Paper>,
}

/// One ballot paper.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// 128 random bits, 32 hex digits.
    pub code: String,
    /// `for`, `against`, `abstain`, or `option=pounds,…`.
    pub choice: String,
}

/// A ballot will not be counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BallotCancelled {
    /// The ballot.
    pub ballot: u32,
    /// Why.
    pub reason: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    #[test]
    fn ballots_keep_their_golden_bytes() {
        let called = |question| {
            What::BallotCalled(Box::new(BallotCalled {
                number: 1,
                title: "Accounts".into(),
                text: "To take the accounts of 2013.".into(),
                question,
                electorate: "residents".into(),
                record_day: "2014-05-01".into(),
                electors: vec![1, 3],
                list: Some(ElectorList {
                    sha256: "00ff".into(),
                    chosen: "aged 11 to 24".into(),
                }),
                opens_ms: 1_398_898_800_000,
                closes_ms: 1_399_503_600_000,
                quorum: "10 %".into(),
                proxy_limit: 2,
                sample: true,
            }))
        };
        let body = |question: &str| {
            format!(
                r#"{{"type":"ballot-called/1","body":{{"number":1,"title":"Accounts","text":"To take the accounts of 2013.","question":{question},"electorate":"residents","record_day":"2014-05-01","electors":[1,3],"list":{{"sha256":"00ff","chosen":"aged 11 to 24"}},"opens_ms":1398898800000,"closes_ms":1399503600000,"quorum":"10 %","proxy_limit":2,"sample":true}}}}"#
            )
        };
        let majority = "simple".to_owned();
        let budget = BallotQuestion::Budget {
            pot_pence: 1_000_000,
            options: vec![BallotOption {
                id: "garden".into(),
                name: "A garden".into(),
                limit_pence: 200_000,
            }],
        };
        for (what, golden) in [
            (
                called(BallotQuestion::Resolution { majority }),
                body(r#"{"kind":"resolution","majority":"simple"}"#),
            ),
            (
                called(budget),
                body(
                    r#"{"kind":"budget","pot_pence":1000000,"options":[{"id":"garden","name":"A garden","limit_pence":200000}]}"#,
                ),
            ),
            (
                What::ProxyAppointed(ProxyAppointed {
                    ballot: 1,
                    elector: 3,
                    holder: 1,
                }),
                r#"{"type":"proxy-appointed/1","body":{"ballot":1,"elector":3,"holder":1}}"#.into(),
            ),
            (
                What::BallotVoters(BallotVoters {
                    ballot: 1,
                    voters: vec![1, 3],
                }),
                r#"{"type":"ballot-voters/1","body":{"ballot":1,"voters":[1,3]}}"#.into(),
            ),
            (
                What::BallotBox(BallotBox {
                    ballot: 1,
                    ballots: vec![Paper {
                        code: "00".into(),
                        choice: "for".into(),
                    }],
                }),
                r#"{"type":"ballot-box/1","body":{"ballot":1,"ballots":[{"code":"00","choice":"for"}]}}"#.into(),
            ),
            (
                What::BallotCancelled(BallotCancelled {
                    ballot: 1,
                    reason: "a wrong figure in its text".into(),
                }),
                r#"{"type":"ballot-cancelled/1","body":{"ballot":1,"reason":"a wrong figure in its text"}}"#.into(),
            ),
        ] {
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
    }
}
