//! A member, as far as rules need to know one: a number, a kind, and dates.

use core::{fmt, str::FromStr};

use crate::calendar::LocalDay;

/// A member's number on the roll of one society: sequential, never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberNo(pub u32);

impl fmt::Display for MemberNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for MemberNo {
    type Err = core::num::ParseIntError;

    fn from_str(text: &str) -> Result<MemberNo, Self::Err> {
        text.trim().parse().map(MemberNo)
    }
}

/// What kind of member it is.
///
/// Only a registered society is free of the cap on withdrawable shares (Co-operative and Community
/// Benefit Societies Act 2014, section 24); a council is an organisation like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberKind {
    /// A person.
    Person,
    /// A company, charity or club.
    Organisation,
    /// A local authority.
    Council,
    /// Another registered society.
    Society,
    /// Several persons who hold together.
    Joint,
    /// A child, for whom a nominee acts.
    Child,
}

impl MemberKind {
    /// All kinds, as they are listed.
    pub const ALL: [MemberKind; 6] = [
        MemberKind::Person,
        MemberKind::Organisation,
        MemberKind::Council,
        MemberKind::Society,
        MemberKind::Joint,
        MemberKind::Child,
    ];

    /// Its word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            MemberKind::Person => "person",
            MemberKind::Organisation => "organisation",
            MemberKind::Council => "council",
            MemberKind::Society => "society",
            MemberKind::Joint => "joint",
            MemberKind::Child => "child",
        }
    }

    /// The kind with that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<MemberKind> {
        let word = word.trim().to_lowercase();
        MemberKind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// True when the cap on withdrawable shares holds for it.
    #[must_use]
    pub fn is_capped(self) -> bool {
        self != MemberKind::Society
    }
}

/// A member on the roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub number: MemberNo,
    /// Its kind.
    pub kind: MemberKind,
    /// The day it was entered as a member.
    pub joined: LocalDay,
    /// The day it was said to have left, by a decision of its own. A member whose last share went
    /// left on that day without one: see [`ShareRegister::left`](super::ShareRegister::left).
    pub ended: Option<LocalDay>,
    /// The day of its death, once notified.
    pub died: Option<LocalDay>,
    /// The members who hold together, where they are members on their own too; a joint account
    /// counts whole towards the cap of each.
    pub holders: Vec<MemberNo>,
}

impl Member {
    /// A member from that day on.
    #[must_use]
    pub fn new(number: MemberNo, kind: MemberKind, joined: LocalDay) -> Member {
        Member {
            number,
            kind,
            joined,
            ended: None,
            died: None,
            holders: Vec::new(),
        }
    }
}
