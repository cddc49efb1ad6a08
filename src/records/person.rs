//! What the people file holds of a member: canonical JSON, named in the journal by its salted hash.
//!
//! These rows are personal data: they are in no journal, no log and no projection. Bank details lie
//! sealed beside the rest and are opened only where they are used.

use serde::{Deserialize, Serialize};

/// Who a member is and where letters go.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Full name, or the organisation's.
    pub name: String,
    /// Lines of the postal address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<String>,
    /// Post code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub postcode: String,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Telephone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    /// Date of birth, `YYYY-MM-DD`; asked for of a child.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub born: String,
    /// Who holds together, for a joint account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<String>,
    /// Who acts for a child, or is nominated for the member's death.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nominee: String,
}

impl std::fmt::Debug for Person {
    /// Personal data reach no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(…)")
    }
}

impl Person {
    /// The row's bytes.
    ///
    /// # Panics
    /// Never: the fields are text.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text is plain JSON")
    }

    /// Reads a row back.
    ///
    /// # Errors
    /// In words, without the row's content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Person, &'static str> {
        serde_json::from_slice(bytes).map_err(|_| "the row of the people file cannot be read")
    }
}

/// Where money goes.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankDetails {
    /// The name on the account.
    pub name: String,
    /// Six digits.
    pub sort_code: String,
    /// Eight digits.
    pub account: String,
    /// A building society's roll number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub roll_number: String,
}

impl std::fmt::Debug for BankDetails {
    /// Bank details reach no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BankDetails(…)")
    }
}

impl BankDetails {
    /// The bytes that are sealed.
    ///
    /// # Panics
    /// Never: the fields are text.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text is plain JSON")
    }

    /// Reads what was unsealed.
    ///
    /// # Errors
    /// In words, without the details.
    pub fn from_bytes(bytes: &[u8]) -> Result<BankDetails, &'static str> {
        serde_json::from_slice(bytes).map_err(|_| "the bank details cannot be read")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_bytes_and_show_nothing_in_a_log() {
        let person = Person {
            name: "Member 001".into(),
            address: vec!["1 Sample Street".into()],
            holders: vec!["Member 002".into()],
            ..Person::default()
        };
        let bytes = person.to_bytes();
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            r#"{"name":"Member 001","address":["1 Sample Street"],"holders":["Member 002"]}"#
        );
        assert_eq!(Person::from_bytes(&bytes).unwrap(), person);
        let bank = BankDetails {
            name: "Member 001".into(),
            sort_code: "000000".into(),
            account: "00000001".into(),
            roll_number: String::new(),
        };
        assert_eq!(BankDetails::from_bytes(&bank.to_bytes()).unwrap(), bank);
        assert!(!format!("{person:?}{bank:?}").contains("00"));
        assert!(Person::from_bytes(b"{}").is_err());
    }
}
