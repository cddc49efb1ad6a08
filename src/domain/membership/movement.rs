//! Dated, signed movements of whole shares.

use crate::{
    calendar::{Instant, LocalDay},
    membership::MemberNo,
};

/// Why shares moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MovementKind {
    /// A holding taken over from an earlier register.
    Opening,
    /// Issued: paid for and allotted.
    Issue,
    /// Issued for share interest that the member left with the society.
    Conversion,
    /// Paid back because the member asked.
    Withdrawal,
    /// Paid back because the society decided so, to all holders alike.
    Repayment,
    /// Came from another member.
    TransferIn,
    /// Went to another member.
    TransferOut,
    /// Takes back an earlier movement that was a mistake.
    Reversal,
}

impl MovementKind {
    /// All kinds.
    pub const ALL: [MovementKind; 8] = [
        MovementKind::Opening,
        MovementKind::Issue,
        MovementKind::Conversion,
        MovementKind::Withdrawal,
        MovementKind::Repayment,
        MovementKind::TransferIn,
        MovementKind::TransferOut,
        MovementKind::Reversal,
    ];

    /// Its word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            MovementKind::Opening => "opening",
            MovementKind::Issue => "issue",
            MovementKind::Conversion => "conversion",
            MovementKind::Withdrawal => "withdrawal",
            MovementKind::Repayment => "repayment",
            MovementKind::TransferIn => "transfer-in",
            MovementKind::TransferOut => "transfer-out",
            MovementKind::Reversal => "reversal",
        }
    }

    /// The kind with that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<MovementKind> {
        let word = word.trim().to_lowercase().replace(' ', "-");
        MovementKind::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    /// True when it adds shares, false when it takes them; a reversal does either.
    #[must_use]
    pub fn adds(self) -> Option<bool> {
        match self {
            MovementKind::Opening
            | MovementKind::Issue
            | MovementKind::Conversion
            | MovementKind::TransferIn => Some(true),
            MovementKind::Withdrawal | MovementKind::Repayment | MovementKind::TransferOut => {
                Some(false)
            }
            MovementKind::Reversal => None,
        }
    }
}

/// What a movement answers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nothing else on the roll.
    #[default]
    None,
    /// An application, by its number.
    Application(u32),
    /// A request to withdraw, by its number.
    Request(u32),
    /// A row of an imported file.
    Row(u32),
    /// The movement that it takes back.
    Movement(u32),
}

/// A movement that is about to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub member: MemberNo,
    /// Place of the class among the register's classes.
    pub class: u16,
    /// The day it takes effect.
    pub on: LocalDay,
    /// Shares, signed.
    pub shares: i64,
    /// Why.
    pub kind: MovementKind,
    /// What it answers to.
    pub source: Source,
    /// The number of the certificate issued with it; 0 when none is.
    pub certificate: u32,
    /// True when it and the next line are the two ends of one transfer.
    pub paired: bool,
}

/// A movement as it stands in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Its number, from 1.
    pub number: u32,
    /// What moved.
    pub line: Line,
    /// When it was entered.
    pub entered: Instant,
    /// The other end of the transfer; 0 when it is none.
    pub pair: u32,
    /// The reversal that took it back; 0 while it stands.
    pub reversed_by: u32,
}

impl Movement {
    /// True when it was not taken back and takes nothing back.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.reversed_by == 0 && self.line.kind != MovementKind::Reversal
    }
}
