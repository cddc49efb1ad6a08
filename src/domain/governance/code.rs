//! The code on a ballot paper.

use core::{fmt, str::FromStr};

/// 128 random bits that stand on one ballot paper and nowhere beside a name. Whoever cast it finds
/// it among the published ballots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BallotCode(pub u128);

/// The text is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ballot code; expected 32 hex digits, with or without spaces and hyphens")]
pub struct NotACode(pub String);

impl fmt::Display for BallotCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for BallotCode {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<BallotCode, NotACode> {
        let digits: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .collect();
        let proper = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if !proper {
            return Err(NotACode(text.to_owned()));
        }
        u128::from_str_radix(&digits, 16)
            .map(BallotCode)
            .map_err(|_| NotACode(text.to_owned()))
    }
}
