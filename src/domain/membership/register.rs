//! The share register: everything that was entered, and what is held because of it.

use std::collections::BTreeMap;

use super::{
    Application, Line, Member, MemberNo, Movement, MovementKind, Refused, Request, ShareClass,
    Source, Suspension, account::Account,
};
use crate::{
    calendar::{Instant, LocalDay},
    money::Pence,
};

/// What a member holds in one class on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The member.
    pub member: MemberNo,
    /// The class's place among [`ShareRegister::classes`].
    pub class: u16,
    /// Shares.
    pub shares: i64,
    /// What they are worth at par.
    pub pence: Pence,
}

/// Key of a share account.
pub(super) type Key = (MemberNo, u16);

/// A society's members and their shares.
///
/// ```
/// use commonwatt_domain::{calendar::{Instant, LocalDay}, membership::*, money::Pence};
/// let mut register = ShareRegister::default();
/// let class = register.define(ShareClass {
///     id: "ordinary".into(), name: "Ordinary shares".into(), par: Pence(100), withdrawable: true,
///     transferable: false, minimum: 250, maximum: None, notice: Notice::days(91),
///     yearly_limit_bp: Some(1_000), opened: None, closed: None,
/// });
/// let day: LocalDay = "2012-03-01".parse()?;
/// register.take_member(Member::new(MemberNo(1), MemberKind::Person, day));
/// let line = Line {
///     member: MemberNo(1), class, on: day, shares: 563, kind: MovementKind::Issue,
///     source: Source::None, certificate: 1, paired: false,
/// };
/// register.check(&[line], day)?;
/// register.enter(&[line], Instant(0));
/// assert_eq!(register.held(MemberNo(1), class, day), 563);
/// assert_eq!(register.held(MemberNo(1), class, day.previous()), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareRegister {
    pub(super) members: BTreeMap<MemberNo, Member>,
    pub(super) joint: BTreeMap<MemberNo, Vec<MemberNo>>,
    pub(super) classes: Vec<ShareClass>,
    pub(super) accounts: BTreeMap<Key, Account>,
    pub(super) movements: Vec<Movement>,
    pub(super) applications: Vec<Application>,
    pub(super) requests: Vec<Request>,
    pub(super) suspensions: Vec<Suspension>,
    pub(super) carried: BTreeMap<Key, Pence>,
    certificates: u32,
}

impl ShareRegister {
    /// Takes a class, or new terms of one; its place does not change. Gives the place.
    pub fn define(&mut self, class: ShareClass) -> u16 {
        let there = self.classes.iter().position(|known| known.id == class.id);
        let place = there.unwrap_or(self.classes.len());
        match self.classes.get_mut(place) {
            Some(known) => *known = class,
            None => self.classes.push(class),
        }
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// Takes a member. One with that number is replaced.
    pub fn take_member(&mut self, member: Member) {
        for holder in &member.holders {
            let joint = self.joint.entry(*holder).or_default();
            if !joint.contains(&member.number) {
                joint.push(member.number);
            }
        }
        self.members.insert(member.number, member);
    }

    /// Takes the news of a member's death.
    pub fn take_death(&mut self, number: MemberNo, on: LocalDay) {
        if let Some(member) = self.members.get_mut(&number) {
            member.died = Some(on);
        }
    }

    /// Takes the end of a membership.
    pub fn take_end(&mut self, number: MemberNo, on: LocalDay) {
        if let Some(member) = self.members.get_mut(&number) {
            member.ended = Some(on);
        }
    }

    /// Enters movements as they were decided, and gives the number of the first.
    pub fn enter(&mut self, lines: &[Line], entered: Instant) -> u32 {
        let first = self.next_movement();
        let mut pair_of_last = 0_u32;
        for line in lines {
            let number = self.next_movement();
            let pair = match (line.paired, pair_of_last) {
                (true, _) => number.saturating_add(1),
                (false, before) => before,
            };
            pair_of_last = if line.paired { number } else { 0 };
            self.certificates = self.certificates.max(line.certificate);
            self.answer(line, number);
            self.accounts
                .entry((line.member, line.class))
                .or_default()
                .enter(line.on, number, line.shares);
            self.movements.push(Movement {
                number,
                line: *line,
                entered,
                pair,
                reversed_by: 0,
            });
        }
        first
    }

    /// What a movement answers to takes note of it.
    fn answer(&mut self, line: &Line, number: u32) {
        match line.source {
            Source::None | Source::Row(_) => {}
            Source::Application(asked) => self.allotted(asked, line.shares),
            Source::Request(asked) => self.paid(asked, line.shares.saturating_neg()),
            Source::Movement(taken_back) => {
                let place = place(taken_back);
                let Some(original) = self.movements.get_mut(place) else {
                    return;
                };
                original.reversed_by = number;
                match original.line.source {
                    Source::Application(asked) => self.allotted(asked, line.shares),
                    Source::Request(asked) => self.paid(asked, line.shares.saturating_neg()),
                    _ => {}
                }
            }
        }
    }

    fn allotted(&mut self, application: u32, shares: i64) {
        if let Some(asked) = self.applications.get_mut(place(application)) {
            asked.allotted = asked.allotted.saturating_add(shares);
        }
    }

    fn paid(&mut self, request: u32, shares: i64) {
        if let Some(asked) = self.requests.get_mut(place(request)) {
            asked.paid = asked.paid.saturating_add(shares);
        }
    }

    /// Takes what is kept of a member's interest for its next whole share.
    pub fn take_carried(&mut self, member: MemberNo, class: u16, rest: Pence) {
        self.carried.insert((member, class), rest);
    }

    /// What is kept of a member's interest for its next whole share.
    #[must_use]
    pub fn carried(&self, member: MemberNo, class: u16) -> Pence {
        self.carried
            .get(&(member, class))
            .copied()
            .unwrap_or_default()
    }

    /// The number the next movement gets.
    #[must_use]
    pub fn next_movement(&self) -> u32 {
        next(self.movements.len())
    }

    /// The number of the next certificate.
    #[must_use]
    pub fn next_certificate(&self) -> u32 {
        self.certificates.saturating_add(1)
    }

    /// The number of the next member.
    #[must_use]
    pub fn next_member(&self) -> MemberNo {
        let last = self.members.last_key_value();
        MemberNo(last.map_or(1, |(number, _)| number.0.saturating_add(1)))
    }

    /// The members, by number.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// One member.
    ///
    /// # Errors
    /// [`Refused::NoMember`].
    pub fn member(&self, number: MemberNo) -> Result<&Member, Refused> {
        self.members.get(&number).ok_or(Refused::NoMember(number))
    }

    /// The classes, in the order in which they were first defined.
    #[must_use]
    pub fn classes(&self) -> &[ShareClass] {
        &self.classes
    }

    /// The place of a class.
    ///
    /// # Errors
    /// [`Refused::NoClass`].
    pub fn class_named(&self, id: &str) -> Result<u16, Refused> {
        let found = self.classes.iter().position(|class| &*class.id == id);
        found
            .and_then(|place| u16::try_from(place).ok())
            .ok_or_else(|| {
                let all: Vec<&str> = self.classes.iter().map(|class| &*class.id).collect();
                Refused::NoClass(id.to_owned(), all.join(", "))
            })
    }

    /// The class at a place.
    ///
    /// # Errors
    /// [`Refused::NoClass`].
    pub fn class(&self, place: u16) -> Result<&ShareClass, Refused> {
        self.classes
            .get(usize::from(place))
            .ok_or_else(|| Refused::NoClass(place.to_string(), String::new()))
    }

    /// The movements, by number.
    #[must_use]
    pub fn movements(&self) -> &[Movement] {
        &self.movements
    }

    /// One movement.
    ///
    /// # Errors
    /// [`Refused::NoMovement`].
    pub fn movement(&self, number: u32) -> Result<&Movement, Refused> {
        self.movements
            .get(place(number))
            .ok_or(Refused::NoMovement(number))
    }

    /// The applications, by number.
    #[must_use]
    pub fn applications(&self) -> &[Application] {
        &self.applications
    }

    /// The requests to withdraw, by number.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// The suspensions of withdrawals.
    #[must_use]
    pub fn suspensions(&self) -> &[Suspension] {
        &self.suspensions
    }

    /// Shares of a class that a member holds at the end of a day.
    #[must_use]
    pub fn held(&self, member: MemberNo, class: u16, on: LocalDay) -> i64 {
        self.accounts
            .get(&(member, class))
            .map_or(0, |account| account.held(on))
    }

    /// Shares of a class that a member holds after everything that was entered.
    #[must_use]
    pub fn held_at_last(&self, member: MemberNo, class: u16) -> i64 {
        self.accounts
            .get(&(member, class))
            .map_or(0, Account::held_at_last)
    }

    /// Shares of a class that all members hold at the end of a day.
    #[must_use]
    pub fn issued(&self, class: u16, on: LocalDay) -> i64 {
        self.accounts
            .iter()
            .filter(|((_, of), _)| *of == class)
            .fold(0_i64, |sum, (_, account)| {
                sum.saturating_add(account.held(on))
            })
    }

    /// Who holds what at the end of a day, by member and class, without those who hold nothing.
    pub fn holdings(&self, on: LocalDay) -> impl Iterator<Item = Holding> + '_ {
        self.accounts.iter().filter_map(move |(key, account)| {
            let shares = account.held(on);
            let class = self.classes.get(usize::from(key.1))?;
            (shares != 0).then(|| Holding {
                member: key.0,
                class: key.1,
                shares,
                pence: class.value(shares).unwrap_or(Pence(i64::MAX)),
            })
        })
    }

    /// The day on which a member left: by a decision of its own, or when its last share went.
    #[must_use]
    pub fn left(&self, number: MemberNo) -> Option<LocalDay> {
        let ended = self.members.get(&number).and_then(|member| member.ended);
        ended.or_else(|| {
            let mut accounts = self
                .accounts
                .range((number, 0)..=(number, u16::MAX))
                .map(|(_, account)| account)
                .peekable();
            accounts.peek()?;
            accounts.try_fold(LocalDay(i32::MIN), |last, account| {
                (account.held_at_last() == 0).then(|| last.max(account.last_day().unwrap_or(last)))
            })
        })
    }

    /// The lines that take a movement back, with the other end of its transfer. They take effect on
    /// the movement's own day, as if it had never been; when they were entered is kept beside.
    ///
    /// # Errors
    /// When it was taken back, is a reversal, or what it gave is not there any more.
    pub fn reversal(&self, number: u32, today: LocalDay) -> Result<Vec<Line>, Refused> {
        let movement = self.movement(number)?;
        if movement.line.kind == MovementKind::Reversal {
            return Err(Refused::IsReversal(number));
        }
        if movement.reversed_by != 0 {
            return Err(Refused::ReversedBefore {
                number,
                by: movement.reversed_by,
            });
        }
        let both = [number, movement.pair];
        let mut lines = Vec::new();
        for one in both.into_iter().filter(|number| *number != 0) {
            let original = self.movement(one)?;
            lines.push(Line {
                shares: original.line.shares.saturating_neg(),
                kind: MovementKind::Reversal,
                source: Source::Movement(one),
                certificate: 0,
                paired: false,
                ..original.line
            });
        }
        self.check(&lines, today)?;
        Ok(lines)
    }
}

/// Where the thing with a number stands in its list.
pub(super) fn place(number: u32) -> usize {
    usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1))
        .unwrap_or(usize::MAX)
}

/// The number after so many.
pub(super) fn next(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1)
}
