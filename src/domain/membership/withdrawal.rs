//! Withdrawals: members ask for their money back, wait for the notice, and are paid within the
//! year's limit, all by the same part. What is not paid keeps its place in the queue.

use super::{
    Ask, Line, MemberNo, MovementKind, Refused, ShareRegister, Source,
    register::{next, place},
    scale,
};
use crate::{
    calendar::{FinancialYear, LocalDay},
    money::Pence,
};

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// Something of it waits.
    Waiting,
    /// All of it was paid.
    Paid,
    /// It was taken back, or the rest of it.
    Ended,
}

/// A member's wish to have shares paid back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number, from 1: its place in the queue.
    pub number: u32,
    /// Whose.
    pub member: MemberNo,
    /// The class, by its place.
    pub class: u16,
    /// Shares asked back.
    pub shares: i64,
    /// The day it was asked.
    pub asked: LocalDay,
    /// The first day on which it may be paid.
    pub notice_ends: LocalDay,
    /// Shares paid so far.
    pub paid: i64,
    /// True when the rest was taken back.
    pub ended: bool,
}

impl Request {
    /// Shares that wait.
    #[must_use]
    pub fn waiting(&self) -> i64 {
        if self.ended {
            return 0;
        }
        self.shares.saturating_sub(self.paid).max(0)
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> RequestState {
        match (self.waiting(), self.ended) {
            (1.., _) => RequestState::Waiting,
            (_, true) => RequestState::Ended,
            _ => RequestState::Paid,
        }
    }
}

/// A time in which a class's withdrawals are not paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// The class, by its place.
    pub class: u16,
    /// First day.
    pub from: LocalDay,
    /// Last day; open while `None`.
    pub until: Option<LocalDay>,
    /// Why, in the board's words.
    pub reason: String,
}

/// What would be paid out, and how it comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutPlan {
    /// The class, by its place.
    pub class: u16,
    /// The day.
    pub on: LocalDay,
    /// Shares that the year's limit is a part of.
    pub base: i64,
    /// The year's limit, in shares; `None` when the rules set none.
    pub limit: Option<i64>,
    /// Shares withdrawn in the year before this.
    pub used: i64,
    /// Shares that wait with their notice over.
    pub asked: i64,
    /// Who is paid what, by request.
    pub lines: Vec<PayoutLine>,
}

/// What one request is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayoutLine {
    /// The request.
    pub request: u32,
    /// Whose.
    pub member: MemberNo,
    /// Shares paid now.
    pub shares: i64,
    /// What they are worth.
    pub pence: Pence,
    /// Shares that go on waiting.
    pub waiting: i64,
}

impl PayoutPlan {
    /// Shares paid in all.
    #[must_use]
    pub fn paid(&self) -> i64 {
        self.lines
            .iter()
            .fold(0, |sum, line| sum.saturating_add(line.shares))
    }

    /// The movements.
    #[must_use]
    pub fn movements(&self) -> Vec<Line> {
        let movement = |line: &PayoutLine| Line {
            member: line.member,
            class: self.class,
            on: self.on,
            shares: line.shares.saturating_neg(),
            kind: MovementKind::Withdrawal,
            source: Source::Request(line.request),
            certificate: 0,
            paired: false,
        };
        self.lines.iter().map(movement).collect()
    }
}

impl ShareRegister {
    /// Checks a request to withdraw and gives it as it would be entered.
    ///
    /// # Errors
    /// When the class is not withdrawable, the member has fewer free shares, or would be left between
    /// nothing and the minimum.
    pub fn request(
        &self,
        member: MemberNo,
        class: u16,
        shares: i64,
        on: LocalDay,
        today: LocalDay,
    ) -> Result<Request, Refused> {
        self.member(member)?;
        let terms = self.class(class)?;
        if !terms.withdrawable {
            return Err(Refused::NotWithdrawable(terms.id.to_string()));
        }
        if shares < 1 {
            return Err(Refused::NoShares(shares));
        }
        if on > today {
            return Err(Refused::Future { on, today });
        }
        self.free(member, class, shares)?;
        let asked = self.asked_back(member, class);
        let held = self.held_at_last(member, class);
        let left = held.saturating_sub(asked).saturating_sub(shares);
        if left > 0 && left < terms.minimum {
            return Err(Refused::Minimum {
                member,
                class: terms.id.to_string(),
                would: left,
                minimum: terms.minimum,
            });
        }
        Ok(Request {
            number: next(self.requests.len()),
            member,
            class,
            shares,
            asked: on,
            notice_ends: terms.notice.ends(on),
            paid: 0,
            ended: false,
        })
    }

    /// Checks that a member has so many shares that it did not ask back.
    ///
    /// # Errors
    /// [`Refused::TooFew`] or [`Refused::Asked`].
    pub fn free(&self, member: MemberNo, class: u16, shares: i64) -> Result<(), Refused> {
        let id = self.class(class)?.id.to_string();
        let held = self.held_at_last(member, class);
        let asked = self.asked_back(member, class);
        if shares > held {
            return Err(Refused::TooFew {
                member,
                class: id,
                held,
                wanted: shares,
                on: self
                    .accounts
                    .get(&(member, class))
                    .and_then(super::account::Account::last_day)
                    .unwrap_or_default(),
            });
        }
        if shares > held.saturating_sub(asked) {
            return Err(Refused::Asked {
                member,
                class: id,
                held,
                asked,
                wanted: shares,
            });
        }
        Ok(())
    }

    /// Shares that a member asked back and was not paid yet.
    #[must_use]
    pub fn asked_back(&self, member: MemberNo, class: u16) -> i64 {
        self.requests
            .iter()
            .filter(|request| request.member == member && request.class == class)
            .fold(0, |sum, request| sum.saturating_add(request.waiting()))
    }

    /// What would be paid out on a day, at most `at_most` shares where money is short.
    ///
    /// The limit is a part of the shares issued when the accounts year began, or, in the class's
    /// first year, of those issued on the day; a fraction of a share is dropped.
    ///
    /// # Errors
    /// When withdrawals are suspended, nobody's notice is over, or the year's limit is used.
    pub fn payout(
        &self,
        class: u16,
        on: LocalDay,
        year: FinancialYear,
        at_most: Option<i64>,
        today: LocalDay,
    ) -> Result<PayoutPlan, Refused> {
        let terms = self.class(class)?;
        self.not_suspended(class, on)?;
        let mut queue: Vec<&Request> = self
            .requests
            .iter()
            .filter(|request| request.class == class && request.waiting() > 0)
            .collect();
        queue.sort_by_key(|request| (request.asked, request.number));
        let ready: Vec<&Request> = queue
            .iter()
            .copied()
            .filter(|request| request.notice_ends <= on)
            .collect();
        if ready.is_empty() {
            let next = queue.iter().map(|request| request.notice_ends).min();
            let next = next.ok_or(Refused::NothingWaits("paid out"))?;
            return Err(Refused::NoticeRuns {
                notice: terms.notice,
                on,
                next,
            });
        }
        let used = self.withdrawn(class, year);
        let base = match self.issued(class, year.first_day().previous()) {
            0 => self.issued(class, on).saturating_add(used),
            issued => issued,
        };
        let limit = terms.yearly_limit_bp.map(|bp| {
            base.saturating_mul(i64::from(bp))
                .checked_div(10_000)
                .unwrap_or(0)
        });
        let left = limit.map_or(i64::MAX, |limit| limit.saturating_sub(used).max(0));
        if left == 0 {
            return Err(Refused::LimitUsed {
                class: terms.id.to_string(),
                limit: limit.unwrap_or(0),
            });
        }
        let mut plan = PayoutPlan {
            class,
            on,
            base,
            limit,
            used,
            asked: ready
                .iter()
                .fold(0, |sum, request| sum.saturating_add(request.waiting())),
            lines: Vec::new(),
        };
        let mut members: Vec<MemberNo> = Vec::new();
        for request in &ready {
            if !members.contains(&request.member) {
                members.push(request.member);
            }
        }
        let asks: Vec<Ask> = members
            .iter()
            .map(|member| Ask {
                wanted: waiting_of(&ready, *member),
                held: self
                    .accounts
                    .get(&(*member, class))
                    .map_or(0, |a| a.least_from(on)),
                minimum: terms.minimum,
            })
            .collect();
        let given = scale(&asks, left.min(at_most.unwrap_or(i64::MAX)));
        for (member, mut shares) in members.iter().zip(given) {
            for request in ready.iter().filter(|request| request.member == *member) {
                let part = shares.min(request.waiting());
                shares = shares.saturating_sub(part);
                if part > 0 {
                    plan.lines.push(PayoutLine {
                        request: request.number,
                        member: *member,
                        shares: part,
                        pence: terms.value(part).ok_or(Refused::TooLarge)?,
                        waiting: request.waiting().saturating_sub(part),
                    });
                }
            }
        }
        if plan.lines.is_empty() {
            return Err(Refused::NothingWaits(
                "paid out: no holding can be made smaller within the limit without falling below the minimum",
            ));
        }
        self.check(&plan.movements(), today)?;
        Ok(plan)
    }

    /// Whether withdrawals of a class are not paid on a day.
    #[must_use]
    pub fn is_suspended(&self, class: u16, on: LocalDay) -> bool {
        self.not_suspended(class, on).is_err()
    }

    fn not_suspended(&self, class: u16, on: LocalDay) -> Result<(), Refused> {
        let stands = |s: &&Suspension| {
            s.class == class && s.from <= on && s.until.is_none_or(|until| on <= until)
        };
        match self.suspensions.iter().find(stands) {
            None => Ok(()),
            Some(s) => Err(Refused::Suspended {
                class: self.class(class)?.id.to_string(),
                from: s.from,
                until: s
                    .until
                    .map_or_else(String::new, |until| format!(" to `{until}`")),
                reason: s.reason.clone(),
            }),
        }
    }

    /// Shares of a class that were withdrawn in an accounts year and not taken back.
    #[must_use]
    pub fn withdrawn(&self, class: u16, year: FinancialYear) -> i64 {
        let (first, next) = (year.first_day(), year.next().first_day());
        self.movements
            .iter()
            .filter(|m| m.line.class == class && m.line.kind == MovementKind::Withdrawal)
            .filter(|m| m.stands() && m.line.on >= first && m.line.on < next)
            .fold(0, |sum, m| sum.saturating_sub(m.line.shares))
    }

    /// Takes a request as it was entered.
    pub fn take_request(&mut self, request: Request) {
        self.requests.push(request);
    }

    /// The request with that number, of which something waits.
    ///
    /// # Errors
    /// [`Refused::NoRequest`].
    pub fn waiting_request(&self, number: u32) -> Result<&Request, Refused> {
        self.requests
            .get(place(number))
            .filter(|request| request.waiting() > 0)
            .ok_or(Refused::NoRequest(number))
    }

    /// Takes the end of a request.
    pub fn take_request_ended(&mut self, number: u32) {
        if let Some(request) = self.requests.get_mut(place(number)) {
            request.ended = true;
        }
    }

    /// Takes a suspension; one that stands open is ended the day before.
    pub fn take_suspension(&mut self, suspension: Suspension) {
        self.take_resumption(suspension.class, suspension.from);
        self.suspensions.push(suspension);
    }

    /// Takes the end of a suspension: withdrawals are paid again from that day on.
    pub fn take_resumption(&mut self, class: u16, from: LocalDay) {
        for open in &mut self.suspensions {
            if open.class == class && open.until.is_none_or(|until| until >= from) {
                open.until = Some(from.previous());
            }
        }
    }
}

fn waiting_of(ready: &[&Request], member: MemberNo) -> i64 {
    ready
        .iter()
        .filter(|request| request.member == member)
        .fold(0, |sum, request| sum.saturating_add(request.waiting()))
}
