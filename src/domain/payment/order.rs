//! A payment order: lines for members of one run, prepared, approved by another, released once.

use std::collections::BTreeMap;

use crate::{calendar::LocalDay, money::Pence};

/// How a line is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// To the member's bank account, in the bank's file.
    Bank,
    /// By cheque.
    Cheque,
    /// Turned into shares.
    Reinvest,
    /// Given to the community fund.
    Fund,
}

/// Interest of one share class inside a line, before tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The class.
    pub class: String,
    /// The interest.
    pub gross: Pence,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The member.
    pub member: u32,
    /// How.
    pub way: Way,
    /// Interest, the sum of the parts.
    pub gross: Pence,
    /// Income tax deducted from it.
    pub tax: Pence,
    /// What is paid or credited.
    pub net: Pence,
    /// The interest by share class.
    pub parts: Vec<Part>,
    /// Whole shares, when it becomes shares.
    pub shares: i64,
    /// Carried towards the next share, when it becomes shares.
    pub carried: Pence,
}

/// What became of a line of a released order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The bank reported it paid, or the cheque cashed.
    Paid(LocalDay),
    /// It came back.
    Returned(LocalDay),
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for another officer.
    Prepared,
    /// Another officer approved it.
    Approved,
    /// It was released on that day.
    Released(LocalDay),
    /// It was taken back before its release.
    Cancelled,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number in the society.
    pub number: u32,
    /// The interest run it pays.
    pub run: u32,
    /// The day on which money moves.
    pub on: LocalDay,
    /// Its lines.
    pub lines: Vec<Line>,
    /// How it stands.
    pub state: State,
    /// What became of lines that move money, by member.
    pub fates: BTreeMap<u32, Fate>,
}

impl Way {
    /// All ways.
    pub const ALL: [Way; 4] = [Way::Bank, Way::Cheque, Way::Reinvest, Way::Fund];

    /// The word used in files and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Way::Bank => "bank",
            Way::Cheque => "cheque",
            Way::Reinvest => "reinvest",
            Way::Fund => "fund",
        }
    }

    /// The way of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Way> {
        Way::ALL.into_iter().find(|way| way.word() == word)
    }

    /// True where money leaves the society: such a line can come back.
    #[must_use]
    pub fn moves_money(self) -> bool {
        matches!(self, Way::Bank | Way::Cheque)
    }
}

impl Order {
    /// The line by which money goes to a member; an order has at most one.
    #[must_use]
    pub fn money_line(&self, member: u32) -> Option<&Line> {
        let mut lines = self.lines.iter();
        lines.find(|line| line.member == member && line.way.moves_money())
    }
}
