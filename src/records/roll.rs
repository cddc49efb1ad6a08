//! The roll and the shares: bodies of the decisions about members.
//!
//! Nothing here is personal: a member is a number, a person is the salted hash of a row of the
//! people file ([`row_hash`]), and so are bank details. An import is written in parts, as a record
//! has a largest size; the parts count from the moment `import-closed/1` names them, so that an
//! import is there whole or not at all. Shares are whole numbers, signed; money is integer pence;
//! days are `YYYY-MM-DD`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Rows of one part of an import; far below the largest record.
pub const PART_ROWS: usize = 2_000;

/// The hash by which the journal names a row of the people file: SHA-256 over the row's salt and its
/// bytes, lower-case hex. The salt lies in the row, so that the hash says nothing once it is gone.
#[must_use]
pub fn row_hash(salt: &[u8; 32], bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(bytes);
    hash.finalize()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
            text
        })
}

/// What becomes of a member's interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Payment {
    /// Paid to the member's bank account.
    Bank,
    /// Paid by cheque.
    #[default]
    Cheque,
    /// Turned into shares.
    Reinvest,
    /// Given to the community fund.
    Fund,
}

/// What becomes of less than a share when interest is turned into shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rest {
    /// Paid out.
    #[default]
    Paid,
    /// Kept for the next share.
    Carried,
}

/// A member as it was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberEntered {
    /// Its number.
    pub number: u32,
    /// `person`, `organisation`, `council`, `society`, `joint` or `child`.
    pub kind: String,
    /// The day it joined.
    pub joined: String,
    /// The day it left, for history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Members who hold together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<u32>,
    /// What becomes of interest.
    pub payment: Payment,
    /// What becomes of less than a share.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rest: Rest,
    /// Hash of the row of the people file.
    pub person: String,
    /// Hash of the sealed bank details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<String>,
    /// Its row of the imported file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
}

/// Members of an import, one part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembersImported {
    /// The import.
    pub import: u32,
    /// Members.
    pub rows: Vec<MemberEntered>,
}

/// A movement of an earlier register: row of the file, member, class, day, shares, kind,
/// certificate (0: none).
pub type HistoryRow = (u32, u32, String, String, i64, String, u32);

/// Share movements of an import, one part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharesImported {
    /// The import.
    pub import: u32,
    /// Movements.
    pub rows: Vec<HistoryRow>,
}

/// An import counts from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportClosed {
    /// The import.
    pub import: u32,
    /// Members in it.
    pub members: u32,
    /// Movements in it.
    pub movements: u32,
}

/// Something about a member changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberChanged {
    /// The member.
    pub member: u32,
    /// Hash of the new row of the people file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// What becomes of interest from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Payment>,
    /// What becomes of less than a share from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

/// A member's bank details changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberBank {
    /// The member.
    pub member: u32,
    /// Hash of the sealed details.
    pub bank: String,
    /// The first instant at which money may go there, ms UTC.
    pub in_force_ms: i64,
}

/// A day on which something happened to a member: it died, or it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberDay {
    /// The member.
    pub member: u32,
    /// The day.
    pub on: String,
}

/// A former member's personal data are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberErased {
    /// The member.
    pub member: u32,
    /// The last day on which the law asked for the data.
    pub kept_until: String,
}

/// A case of a member was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseOpened {
    /// Its number.
    pub case: u32,
    /// Whose.
    pub member: u32,
    /// `death`, `attorney`, `untraceable`, `complaint`, `question` or `other`.
    pub kind: String,
    /// The day.
    pub on: String,
    /// The day by which to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_by: Option<String>,
    /// Hash of what it is about, in the people file.
    pub note: String,
}

/// A note was added to a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseNoted {
    /// The case.
    pub case: u32,
    /// The day.
    pub on: String,
    /// Hash of the note, in the people file.
    pub note: String,
    /// True when it is the last one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub closes: bool,
}

/// An application for shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharesApplied {
    /// Its number.
    pub number: u32,
    /// The offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// The class.
    pub class: String,
    /// Who applies.
    pub member: u32,
    /// Shares.
    pub shares: i64,
    /// The day.
    pub on: String,
}

/// An application or a request is taken back or declined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Its number.
    pub number: u32,
    /// Why.
    pub reason: String,
}

/// A request to withdraw shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalAsked {
    /// Its number.
    pub number: u32,
    /// Whose.
    pub member: u32,
    /// The class.
    pub class: String,
    /// Shares.
    pub shares: i64,
    /// The day it was asked.
    pub on: String,
    /// The first day on which it may be paid.
    pub notice_ends: String,
}

/// Withdrawals of a class are not paid from a day on, or are again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalsFrom {
    /// The class.
    pub class: String,
    /// The first day.
    pub from: String,
    /// Why.
    pub reason: String,
}

/// Movements of shares, entered together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharesMoved {
    /// Why, or how it comes about, in a sentence.
    pub reason: String,
    /// The movements.
    pub lines: Vec<MovedLine>,
}

/// One movement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedLine {
    /// Whose.
    pub member: u32,
    /// The class.
    pub class: String,
    /// The day it takes effect.
    pub on: String,
    /// Shares, signed.
    pub shares: i64,
    /// `issue`, `withdrawal`, `repayment`, `transfer-in`, `transfer-out`, `conversion` or `reversal`.
    pub kind: String,
    /// The certificate issued with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<u32>,
    /// The application it answers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<u32>,
    /// The withdrawal request it answers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u32>,
    /// The movement it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<u32>,
    /// True when the next line is the other end of the same transfer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paired: bool,
}

/// A member's interest became shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterestConverted {
    /// Whose.
    pub member: u32,
    /// The class.
    pub class: String,
    /// The day.
    pub on: String,
    /// Interest.
    pub interest_pence: i64,
    /// Kept from the last time.
    pub carried_pence: i64,
    /// Whole shares made of both.
    pub shares: i64,
    /// The certificate, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<u32>,
    /// Less than a share.
    pub rest_pence: i64,
    /// What becomes of it.
    pub rest: Rest,
    /// The payment order that turned it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    fn check(what: What, body: &str) {
        let decision = Decision {
            at_ms: 1_384_600_000_000,
            by: "secretary".into(),
            what,
        };
        let record = decision.to_record();
        let golden = format!(r#"{{"at_ms":1384600000000,"by":"secretary","what":{body}}}"#);
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    fn member() -> MemberEntered {
        MemberEntered {
            number: 7,
            kind: "joint".into(),
            joined: "2012-03-01".into(),
            ended: Some("2020-12-31".into()),
            holders: vec![1, 2],
            payment: Payment::Fund,
            rest: Rest::Carried,
            person: "00ff".into(),
            bank: Some("ff00".into()),
            row: None,
        }
    }

    #[test]
    fn decisions_about_members_keep_their_golden_bytes() {
        let row = r#"{"number":7,"kind":"joint","joined":"2012-03-01","ended":"2020-12-31","holders":[1,2],"payment":"fund","rest":"carried","person":"00ff","bank":"ff00"}"#;
        check(
            What::MemberEntered(member()),
            &format!(r#"{{"type":"member-entered/1","body":{row}}}"#),
        );
        let plain = MemberEntered {
            ended: None,
            holders: vec![],
            payment: Payment::default(),
            rest: Rest::default(),
            bank: None,
            kind: "person".into(),
            ..member()
        };
        let of_row = MemberEntered {
            row: Some(14),
            ..plain.clone()
        };
        check(
            What::MembersImported(MembersImported {
                import: 3,
                rows: vec![plain, of_row],
            }),
            r#"{"type":"members-imported/1","body":{"import":3,"rows":[{"number":7,"kind":"person","joined":"2012-03-01","payment":"cheque","person":"00ff"},{"number":7,"kind":"person","joined":"2012-03-01","payment":"cheque","person":"00ff","row":14}]}}"#,
        );
        check(
            What::MemberChanged(MemberChanged {
                member: 7,
                person: Some("01".into()),
                payment: Some(Payment::Reinvest),
                rest: Some(Rest::Paid),
            }),
            r#"{"type":"member-changed/1","body":{"member":7,"person":"01","payment":"reinvest","rest":"paid"}}"#,
        );
        check(
            What::MemberBank(MemberBank {
                member: 7,
                bank: "02".into(),
                in_force_ms: 9,
            }),
            r#"{"type":"member-bank/1","body":{"member":7,"bank":"02","in_force_ms":9}}"#,
        );
        let on = MemberDay {
            member: 7,
            on: "2014-05-01".into(),
        };
        check(
            What::MemberDied(on.clone()),
            r#"{"type":"member-died/1","body":{"member":7,"on":"2014-05-01"}}"#,
        );
        check(
            What::MemberEnded(on),
            r#"{"type":"member-ended/1","body":{"member":7,"on":"2014-05-01"}}"#,
        );
        check(
            What::MemberErased(MemberErased {
                member: 7,
                kept_until: "2026-12-31".into(),
            }),
            r#"{"type":"member-erased/1","body":{"member":7,"kept_until":"2026-12-31"}}"#,
        );
    }

    #[test]
    fn decisions_about_cases_keep_their_golden_bytes() {
        check(
            What::CaseOpened(CaseOpened {
                case: 1,
                member: 7,
                kind: "complaint".into(),
                on: "2014-02-10".into(),
                reply_by: Some("2014-03-10".into()),
                note: "00ff".into(),
            }),
            r#"{"type":"case-opened/1","body":{"case":1,"member":7,"kind":"complaint","on":"2014-02-10","reply_by":"2014-03-10","note":"00ff"}}"#,
        );
        check(
            What::CaseNoted(CaseNoted {
                case: 1,
                on: "2014-02-11".into(),
                note: "ff00".into(),
                closes: true,
            }),
            r#"{"type":"case-noted/1","body":{"case":1,"on":"2014-02-11","note":"ff00","closes":true}}"#,
        );
    }

    #[test]
    fn decisions_about_shares_keep_their_golden_bytes() {
        check(
            What::SharesImported(SharesImported {
                import: 3,
                rows: vec![(
                    2,
                    7,
                    "ordinary".into(),
                    "2012-03-01".into(),
                    563,
                    "issue".into(),
                    4,
                )],
            }),
            r#"{"type":"shares-imported/1","body":{"import":3,"rows":[[2,7,"ordinary","2012-03-01",563,"issue",4]]}}"#,
        );
        check(
            What::ImportClosed(ImportClosed {
                import: 3,
                members: 1,
                movements: 1,
            }),
            r#"{"type":"import-closed/1","body":{"import":3,"members":1,"movements":1}}"#,
        );
        check(
            What::SharesApplied(SharesApplied {
                number: 1,
                offer: Some("2014".into()),
                class: "ordinary".into(),
                member: 7,
                shares: 250,
                on: "2014-02-10".into(),
            }),
            r#"{"type":"shares-applied/1","body":{"number":1,"offer":"2014","class":"ordinary","member":7,"shares":250,"on":"2014-02-10"}}"#,
        );
        let ended = Ended {
            number: 1,
            reason: "declined".into(),
        };
        check(
            What::ApplicationEnded(ended.clone()),
            r#"{"type":"application-ended/1","body":{"number":1,"reason":"declined"}}"#,
        );
        check(
            What::WithdrawalAsked(WithdrawalAsked {
                number: 1,
                member: 7,
                class: "ordinary".into(),
                shares: 100,
                on: "2014-02-10".into(),
                notice_ends: "2014-05-12".into(),
            }),
            r#"{"type":"withdrawal-asked/1","body":{"number":1,"member":7,"class":"ordinary","shares":100,"on":"2014-02-10","notice_ends":"2014-05-12"}}"#,
        );
        check(
            What::WithdrawalEnded(ended),
            r#"{"type":"withdrawal-ended/1","body":{"number":1,"reason":"declined"}}"#,
        );
        let from = WithdrawalsFrom {
            class: "ordinary".into(),
            from: "2014-05-01".into(),
            reason: "inverter".into(),
        };
        check(
            What::WithdrawalsSuspended(from.clone()),
            r#"{"type":"withdrawals-suspended/1","body":{"class":"ordinary","from":"2014-05-01","reason":"inverter"}}"#,
        );
        check(
            What::WithdrawalsResumed(from),
            r#"{"type":"withdrawals-resumed/1","body":{"class":"ordinary","from":"2014-05-01","reason":"inverter"}}"#,
        );
        let line = MovedLine {
            member: 7,
            class: "ordinary".into(),
            on: "2014-06-01".into(),
            shares: -100,
            kind: "withdrawal".into(),
            certificate: None,
            application: None,
            request: Some(1),
            reverses: None,
            paired: false,
        };
        let other = MovedLine {
            shares: 250,
            kind: "issue".into(),
            certificate: Some(9),
            application: Some(2),
            request: None,
            reverses: Some(5),
            paired: true,
            ..line.clone()
        };
        check(
            What::SharesMoved(SharesMoved {
                reason: "paid out".into(),
                lines: vec![line, other],
            }),
            r#"{"type":"shares-moved/1","body":{"reason":"paid out","lines":[{"member":7,"class":"ordinary","on":"2014-06-01","shares":-100,"kind":"withdrawal","request":1},{"member":7,"class":"ordinary","on":"2014-06-01","shares":250,"kind":"issue","certificate":9,"application":2,"reverses":5,"paired":true}]}}"#,
        );
        check(
            What::InterestConverted(InterestConverted {
                member: 7,
                class: "ordinary".into(),
                on: "2014-06-01".into(),
                interest_pence: 4_712,
                carried_pence: 95,
                shares: 48,
                certificate: Some(10),
                rest_pence: 7,
                rest: Rest::Carried,
                order: None,
            }),
            r#"{"type":"interest-converted/1","body":{"member":7,"class":"ordinary","on":"2014-06-01","interest_pence":4712,"carried_pence":95,"shares":48,"certificate":10,"rest_pence":7,"rest":"carried"}}"#,
        );
    }

    #[test]
    fn a_row_is_named_by_its_salt_and_bytes() {
        // SHA-256 of 32 zero bytes and `abc`, by sha256sum.
        assert_eq!(
            row_hash(&[0; 32], b"abc"),
            "365aa7d8f7f9402c4b9434502b4cc89ddb09fe50d7cd95b493b834c62d5a5370"
        );
        assert_ne!(row_hash(&[1; 32], b"abc"), row_hash(&[0; 32], b"abc"));
    }
}
