//! Roles and what they may do. One table; routes and commands ask it for a [`Right`].
//!
//! Whoever prepares a payment may also approve one, never the same: that is checked where it
//! happens, by person. An auditor reads all and changes nothing.

use std::{fmt, str::FromStr};

/// What somebody is to a society.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Claims, bills, books, interest, payments.
    Treasurer,
    /// The roll, shares, cases, papers.
    Secretary,
    /// The second person: approves what others prepared.
    Approver,
    /// Meters, gateways, held reads.
    Steward,
    /// Reads all, changes nothing.
    Auditor,
    /// Users, rights, the society's file, the machine.
    Administrator,
    /// A council's officer: its stake, day level and coarser.
    Council,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// See what the society's officers see.
    See,
    /// Decide about reads, meters, gateways and devices.
    Meters,
    /// Prepare claims, bills, books, tables, interest and payments.
    Money,
    /// Approve what another prepared.
    Approve,
    /// Change the roll and the shares.
    Roll,
    /// Give and take rights, apply the society's file.
    Rights,
    /// See a council's stake.
    Stake,
}

impl Role {
    /// All, in the order they are listed.
    pub const ALL: [Role; 7] = [
        Role::Treasurer,
        Role::Secretary,
        Role::Approver,
        Role::Steward,
        Role::Auditor,
        Role::Administrator,
        Role::Council,
    ];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Role::Treasurer => "treasurer",
            Role::Secretary => "secretary",
            Role::Approver => "approver",
            Role::Steward => "steward",
            Role::Auditor => "auditor",
            Role::Administrator => "administrator",
            Role::Council => "council",
        }
    }

    /// What it may do.
    #[must_use]
    pub const fn rights(self) -> &'static [Right] {
        match self {
            Role::Treasurer => &[Right::See, Right::Meters, Right::Money, Right::Approve],
            Role::Secretary => &[Right::See, Right::Roll, Right::Approve],
            Role::Approver => &[Right::See, Right::Approve],
            Role::Steward => &[Right::See, Right::Meters],
            Role::Auditor => &[Right::See],
            Role::Administrator => &[Right::See, Right::Meters, Right::Rights],
            Role::Council => &[Right::Stake],
        }
    }

    /// Whether it may do this.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        self.rights().contains(&right)
    }
}

impl Right {
    /// What it is called where it is missing.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Right::See => "see the society's desk",
            Right::Meters => "decide about meters and reads",
            Right::Money => "prepare claims, bills, books and payments",
            Right::Approve => "approve what another prepared",
            Right::Roll => "change the roll and the shares",
            Right::Rights => "give rights and apply the society's file",
            Right::Stake => "see a council's stake",
        }
    }

    /// The roles that have it.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| role.may(self))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no role; expected treasurer, secretary, approver, steward, auditor, administrator or council"
)]
pub struct NoRole(pub String);

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(word: &str) -> Result<Role, NoRole> {
        Role::ALL
            .into_iter()
            .find(|role| role.word() == word)
            .ok_or_else(|| NoRole(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_changes_nothing_and_nobody_has_every_right() {
        assert_eq!(Role::Auditor.rights(), [Right::See]);
        for role in Role::ALL {
            assert!(role.rights().len() < 5, "{role} has too many");
            assert_eq!(role.word().parse(), Ok(role));
        }
        assert!(!Role::Administrator.may(Right::Money));
        assert!(!Role::Treasurer.may(Right::Rights));
        assert!("owner".parse::<Role>().is_err());
    }
}
