//! Files from which decisions were made, kept whole: a roll, its history, opening balances.
//!
//! The file lies sealed beside the journal, as persons stand in it. When one of them is erased, the
//! file is kept anew without that person's rows, and the earlier one goes.

use serde::{Deserialize, Serialize};

use crate::tables::Kept;

/// A file was imported and is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileKept {
    /// Its number in the society, from 1.
    pub number: u32,
    /// What was made of it: `members`, `shares` or `entries`.
    pub made: String,
    /// The import of the roll, or the number of the first entry.
    pub first: u32,
    /// The same import, or the number of the last entry.
    pub last: u32,
    /// The sheet of a workbook, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The file.
    pub file: Kept,
}

/// A kept file is without the rows of a person who was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRedacted {
    /// The file's number.
    pub number: u32,
    /// The member who was erased.
    pub member: u32,
    /// The file as it is now; none where it could not be opened any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Kept>,
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
    fn decisions_about_files_keep_their_golden_bytes() {
        let file = Kept {
            sha256: "00ff".into(),
            bytes: 7,
            name: "members.xlsx".into(),
            sealed: true,
        };
        let kept = FileKept {
            number: 1,
            made: "members".into(),
            first: 3,
            last: 3,
            sheet: Some("Roll".into()),
            file: file.clone(),
        };
        check(
            What::FileKept(Box::new(kept.clone())),
            r#"{"type":"file-kept/1","body":{"number":1,"made":"members","first":3,"last":3,"sheet":"Roll","file":{"sha256":"00ff","bytes":7,"name":"members.xlsx","sealed":true}}}"#,
        );
        check(
            What::FileKept(Box::new(FileKept {
                made: "entries".into(),
                last: 9,
                sheet: None,
                ..kept
            })),
            r#"{"type":"file-kept/1","body":{"number":1,"made":"entries","first":3,"last":9,"file":{"sha256":"00ff","bytes":7,"name":"members.xlsx","sealed":true}}}"#,
        );
        let redacted = FileRedacted {
            number: 1,
            member: 7,
            file: Some(file),
        };
        check(
            What::FileRedacted(Box::new(redacted)),
            r#"{"type":"file-redacted/1","body":{"number":1,"member":7,"file":{"sha256":"00ff","bytes":7,"name":"members.xlsx","sealed":true}}}"#,
        );
        check(
            What::FileRedacted(Box::new(FileRedacted {
                number: 1,
                member: 7,
                file: None,
            })),
            r#"{"type":"file-redacted/1","body":{"number":1,"member":7}}"#,
        );
    }
}
