//! Shares as officers move them: one use case a wish, each checked and journaled with the roll held.

use domain::{
    calendar::{Instant, LocalDay},
    membership::{
        AllotmentLine, ApplicationState, Line, MemberNo, PayoutPlan, QueuePlace, Refused,
        ShareRegister, Source, Transfer, convert,
    },
    money::Pence,
};
use records::{
    decision::What,
    roll::{
        Ended, InterestConverted, MovedLine, Payment, SharesApplied, SharesMoved, WithdrawalAsked,
        WithdrawalsFrom,
    },
};

use super::{
    super::{
        answer::{Answer, refuse},
        society::SocietyOffice,
    },
    caller,
    classes::offer_named,
    fold::Roll,
};

/// What is held on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// The day.
    pub on: LocalDay,
    /// By member and class.
    pub lines: Vec<HoldingLine>,
    /// In all.
    pub total: Pence,
}

/// What one member holds in one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldingLine {
    /// The member.
    pub member: u32,
    /// The class.
    pub class: std::sync::Arc<str>,
    /// Shares.
    pub shares: i64,
    /// At par.
    pub pence: Pence,
}

/// Movements that were, or would be, entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The movements.
    pub rows: Vec<MovedRow>,
    /// How they come about.
    pub reason: String,
    /// False for a preview.
    pub entered: bool,
}

/// A movement, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedRow {
    /// Its number; the one it would get, in a preview.
    pub movement: u32,
    /// Whose.
    pub member: u32,
    /// The class.
    pub class: String,
    /// The day.
    pub on: LocalDay,
    /// Shares, signed.
    pub shares: i64,
    /// At par, signed.
    pub pence: Pence,
    /// Its kind.
    pub kind: &'static str,
    /// The certificate; 0 when there is none.
    pub certificate: u32,
    /// What it answers to, in words.
    pub source: String,
    /// The movement that took it back; 0 while it stands.
    pub reversed_by: u32,
}

/// An application that waits, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingLine {
    /// Its number.
    pub number: u32,
    /// The offer.
    pub offer: String,
    /// Who applied.
    pub member: u32,
    /// The class.
    pub class: String,
    /// The day.
    pub on: LocalDay,
    /// Shares asked for.
    pub shares: i64,
    /// Shares allotted.
    pub allotted: i64,
    /// `waiting`, `allotted` or `ended`.
    pub state: &'static str,
}

/// A request to withdraw, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueLine {
    /// Its number.
    pub number: u32,
    /// Whose.
    pub member: u32,
    /// The class.
    pub class: String,
    /// The day it was asked.
    pub asked: LocalDay,
    /// The first day on which it may be paid.
    pub notice_ends: LocalDay,
    /// Shares asked back.
    pub shares: i64,
    /// Shares paid.
    pub paid: i64,
    /// Shares that wait.
    pub waiting: i64,
}

/// An application for shares.
#[derive(Clone, Debug)]
pub struct ApplyOf {
    /// Who applies.
    pub member: u32,
    /// The class; the offer's, or the only one, where none is named.
    pub class: Option<String>,
    /// The offer it answers to.
    pub offer: Option<String>,
    /// How many.
    pub shares: i64,
    /// The day.
    pub on: LocalDay,
}

/// What to allot.
#[derive(Clone, Debug)]
pub enum AllotOf {
    /// Everything that waits for an offer.
    Offer(String),
    /// One application outside an offer.
    Application(u32),
}

/// What to pay out.
#[derive(Clone, Debug)]
pub struct PayoutOf {
    /// The class; the only one where none is named.
    pub class: Option<String>,
    /// The day.
    pub on: LocalDay,
    /// The most there is money for.
    pub at_most: Option<Pence>,
    /// True when nothing is to be entered.
    pub preview: bool,
}

/// What to transfer.
#[derive(Clone, Debug)]
pub struct TransferOf {
    /// Whose they are.
    pub from: u32,
    /// Whose they become.
    pub to: u32,
    /// The class; the only one where none is named.
    pub class: Option<String>,
    /// How many.
    pub shares: i64,
    /// The day.
    pub on: LocalDay,
    /// True when the one who holds them died.
    pub on_death: bool,
    /// Why.
    pub reason: String,
}

/// Interest that becomes shares.
#[derive(Clone, Debug)]
pub struct ConvertOf {
    /// Whose.
    pub member: u32,
    /// The class; the only one where none is named.
    pub class: Option<String>,
    /// The interest.
    pub interest: Pence,
    /// The day.
    pub on: LocalDay,
}

impl SocietyOffice {
    /// What is held at the end of a day, by all or one.
    ///
    /// # Errors
    /// When the day has not come, or there is no such member.
    pub fn holdings(&self, on: LocalDay, member: Option<u32>, now: Instant) -> Answer<Holdings> {
        let today = self.today(now);
        if on > today {
            return refuse(Refused::Future { on, today });
        }
        self.shares(|register| {
            if let Some(member) = member {
                register.member(MemberNo(member)).map_err(caller)?;
            }
            let classes = register.classes();
            let lines: Vec<HoldingLine> = register
                .holdings(on)
                .filter(|held| member.is_none_or(|member| held.member.0 == member))
                .filter_map(|held| {
                    Some(HoldingLine {
                        member: held.member.0,
                        class: std::sync::Arc::clone(&classes.get(usize::from(held.class))?.id),
                        shares: held.shares,
                        pence: held.pence,
                    })
                })
                .collect();
            let total = Pence::total(lines.iter().map(|line| line.pence));
            Ok(Holdings {
                on,
                total: total.ok_or(Refused::TooLarge)?,
                lines,
            })
        })
    }

    /// The movements, of all or one, in the order in which they were entered.
    ///
    /// # Errors
    /// When there is no such member.
    pub fn movements(&self, member: Option<u32>) -> Answer<Vec<MovedRow>> {
        self.with_roll(|roll| {
            if let Some(member) = member {
                roll.register.member(MemberNo(member)).map_err(caller)?;
            }
            Ok(Moved::rows(roll, |line| {
                member.is_none_or(|member| line.member.0 == member)
            }))
        })
    }

    /// The applications.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn applications(&self) -> Answer<Vec<WaitingLine>> {
        self.shares(|register| {
            let line = |asked: &domain::membership::Application| WaitingLine {
                number: asked.number,
                offer: asked.offer.as_deref().unwrap_or_default().to_owned(),
                member: asked.member.0,
                class: class_id(register, asked.class),
                on: asked.on,
                shares: asked.shares,
                allotted: asked.allotted,
                state: match asked.state() {
                    ApplicationState::Waiting => "waiting",
                    ApplicationState::Allotted => "allotted",
                    ApplicationState::Ended => "ended",
                },
            };
            Ok(register.applications().iter().map(line).collect())
        })
    }

    /// The requests to withdraw.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn withdrawals(&self) -> Answer<Vec<QueueLine>> {
        self.shares(|register| {
            let line = |request: &domain::membership::Request| QueueLine {
                number: request.number,
                member: request.member.0,
                class: class_id(register, request.class),
                asked: request.asked,
                notice_ends: request.notice_ends,
                shares: request.shares,
                paid: request.paid,
                waiting: request.waiting(),
            };
            Ok(register.requests().iter().map(line).collect())
        })
    }

    /// Enters an application.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn apply_for_shares(&self, of: &ApplyOf, by: &str, now: Instant) -> Answer<u32> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let register = &roll.register;
            let offer = of
                .offer
                .as_deref()
                .map(|id| offer_named(register, &self.known().document, id))
                .transpose()?;
            let class = match (of.class.as_deref(), &offer) {
                (None, Some(offer)) => offer.class,
                (class, offer) => {
                    let class = class_or_only(register, class)?;
                    if let Some(offer) = offer.as_ref().filter(|offer| offer.class != class) {
                        return refuse(format!("share offer `{}` is of another class", offer.id));
                    }
                    class
                }
            };
            let asked = register.application(
                MemberNo(of.member),
                class,
                offer.as_ref(),
                of.shares,
                of.on,
                today,
            )?;
            let number = asked.number;
            let what = What::SharesApplied(SharesApplied {
                number,
                offer: asked.offer.as_deref().map(str::to_owned),
                class: class_id(register, class),
                member: of.member,
                shares: of.shares,
                on: of.on.to_string(),
            });
            self.enter(roll, vec![what], by, now)?;
            Ok(number)
        })
    }

    /// Allots shares to what waits, or shows what would be allotted.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn allot(
        &self,
        of: &AllotOf,
        on: LocalDay,
        preview: bool,
        by: &str,
        now: Instant,
    ) -> Answer<(Vec<AllotmentLine>, Moved)> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let register = &roll.register;
            let (lines, reason) = match of {
                AllotOf::Offer(id) => {
                    let offer = offer_named(register, &self.known().document, id)?;
                    let lines = register.allot_offer(&offer, on, today)?;
                    let given: i64 = lines.iter().map(|line| line.shares).sum();
                    let asked: i64 = lines.iter().map(|line| line.asked).sum();
                    let reason = format!(
                        "allotment of offer {id}: {given} shares for {asked} asked for, {} offered",
                        offer.maximum_raise
                    );
                    (lines, reason)
                }
                AllotOf::Application(number) => (
                    register.allot_one(*number, on, today)?,
                    format!("allotment of application {number}"),
                ),
            };
            let movements = register.allotment(&lines, on);
            let moved = self.move_shares(roll, &movements, &reason, preview, by, now)?;
            Ok((lines, moved))
        })
    }

    /// Withdraws or declines an application.
    ///
    /// # Errors
    /// When it does not wait.
    pub fn end_application(&self, number: u32, reason: &str, by: &str, now: Instant) -> Answer<()> {
        self.with_roll(|roll| {
            roll.register.waiting_application(number)?;
            let what = What::ApplicationEnded(Ended {
                number,
                reason: reason.to_owned(),
            });
            self.enter(roll, vec![what], by, now)
        })
    }

    /// Enters a request to withdraw; gives its number and the first day on which it may be paid.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn ask_withdrawal(
        &self,
        member: u32,
        class: Option<&str>,
        shares: Option<i64>,
        on: LocalDay,
        by: &str,
        now: Instant,
    ) -> Answer<QueueLine> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let register = &roll.register;
            let class = class_or_only(register, class)?;
            let number = MemberNo(member);
            let all = || {
                register
                    .held_at_last(number, class)
                    .saturating_sub(register.asked_back(number, class))
            };
            let request = register.request(number, class, shares.unwrap_or_else(all), on, today)?;
            let line = QueueLine {
                number: request.number,
                member,
                class: class_id(register, class),
                asked: on,
                notice_ends: request.notice_ends,
                shares: request.shares,
                paid: 0,
                waiting: request.shares,
            };
            let what = What::WithdrawalAsked(WithdrawalAsked {
                number: request.number,
                member,
                class: line.class.clone(),
                shares: request.shares,
                on: on.to_string(),
                notice_ends: request.notice_ends.to_string(),
            });
            self.enter(roll, vec![what], by, now)?;
            Ok(line)
        })
    }

    /// Where the waiting requests of a member stand in their queues: each with its number.
    ///
    /// # Errors
    /// When there is no such member.
    pub fn queue_places(&self, member: u32, now: Instant) -> Answer<Vec<(u32, QueuePlace)>> {
        let today = self.today(now);
        let year = self.year_of(today);
        self.shares(|register| {
            register.member(MemberNo(member)).map_err(caller)?;
            let own = register.requests().iter();
            let own = own.filter(|one| one.member.0 == member && one.waiting() > 0);
            own.map(|one| {
                let place = register.queue_place(one.number, year, today);
                Ok((one.number, place.map_err(caller)?))
            })
            .collect()
        })
    }

    /// Takes a request back, or what of it still waits.
    ///
    /// # Errors
    /// When nothing of it waits.
    pub fn end_withdrawal(&self, number: u32, reason: &str, by: &str, now: Instant) -> Answer<()> {
        self.with_roll(|roll| {
            roll.register.waiting_request(number)?;
            let what = What::WithdrawalEnded(Ended {
                number,
                reason: reason.to_owned(),
            });
            self.enter(roll, vec![what], by, now)
        })
    }

    /// Pays out what waits within the year's limit, or shows what would be paid.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn pay_withdrawals(
        &self,
        of: &PayoutOf,
        by: &str,
        now: Instant,
    ) -> Answer<(PayoutPlan, Moved)> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let register = &roll.register;
            let class = class_or_only(register, of.class.as_deref())?;
            let terms = register.class(class)?;
            let at_most = of
                .at_most
                .and_then(|money| money.0.checked_div(terms.par.0));
            let year = self.year_of(of.on);
            let plan = register.payout(class, of.on, year, at_most, today)?;
            let limit = plan.limit.map_or_else(String::new, |limit| {
                format!(
                    ", the year's limit is {limit} of {} and {} were withdrawn before",
                    plan.base, plan.used
                )
            });
            let reason = format!(
                "withdrawals of class {}: {} of {} shares that wait{limit}",
                terms.id,
                plan.paid(),
                plan.asked
            );
            let moved = self.move_shares(roll, &plan.movements(), &reason, of.preview, by, now)?;
            Ok((plan, moved))
        })
    }

    /// Suspends the withdrawals of a class from a day on, or pays them again.
    ///
    /// # Errors
    /// When there is no such class.
    pub fn suspend_withdrawals(
        &self,
        class: Option<&str>,
        from: LocalDay,
        again: bool,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        self.with_roll(|roll| {
            let class = class_or_only(&roll.register, class)?;
            let open = roll
                .register
                .suspensions()
                .iter()
                .any(|s| s.class == class && s.until.is_none_or(|until| until >= from));
            let from = WithdrawalsFrom {
                class: class_id(&roll.register, class),
                from: from.to_string(),
                reason: reason.to_owned(),
            };
            let what = match again {
                true if !open => return refuse("withdrawals are not suspended then"),
                true => What::WithdrawalsResumed(from),
                false => What::WithdrawalsSuspended(from),
            };
            self.enter(roll, vec![what], by, now)
        })
    }

    /// Transfers shares from one member to another.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn transfer_shares(&self, of: &TransferOf, by: &str, now: Instant) -> Answer<Moved> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let wish = Transfer {
                from: MemberNo(of.from),
                to: MemberNo(of.to),
                class: class_or_only(&roll.register, of.class.as_deref())?,
                shares: of.shares,
                on: of.on,
                on_death: of.on_death,
            };
            let lines = roll.register.transfer(&wish, today)?;
            self.move_shares(roll, &lines, &of.reason, false, by, now)
        })
    }

    /// Takes a movement back, with the other end of a transfer.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn reverse_movement(
        &self,
        movement: u32,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<Moved> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let lines = roll.register.reversal(movement, today)?;
            self.move_shares(roll, &lines, reason, false, by, now)
        })
    }

    /// Pays the same part of every holding of a class back, or shows what would be paid.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn repay_capital(
        &self,
        class: Option<&str>,
        percent: &str,
        on: LocalDay,
        preview: bool,
        by: &str,
        now: Instant,
    ) -> Answer<Moved> {
        let today = self.today(now);
        let Some(part) = super::classes::basis_points("--percent", percent)? else {
            return refuse("--percent is empty; expected the part of each holding, such as `5`");
        };
        self.with_roll(|roll| {
            let class = class_or_only(&roll.register, class)?;
            let lines = roll.register.repayment(class, part, on, today)?;
            let reason = format!("repayment of {percent} % of every holding");
            self.move_shares(roll, &lines, &reason, preview, by, now)
        })
    }

    /// Turns a member's interest into whole shares; the rest is paid or carried, as it chose.
    ///
    /// # Errors
    /// When the member did not choose shares, or a rule refuses them.
    pub fn convert_interest(
        &self,
        of: &ConvertOf,
        by: &str,
        now: Instant,
    ) -> Answer<InterestConverted> {
        let today = self.today(now);
        if let Some(owed) = self
            .owed(None)?
            .iter()
            .find(|owed| owed.member == of.member && owed.owed.open_total().0 != 0)
        {
            return refuse(format!(
                "interest run {} owes member `{}` {}; turned into shares by hand it would be paid twice\nhint: `payments prepare --run {}` makes shares of it for those who chose them",
                owed.run,
                of.member,
                owed.owed.open_total(),
                owed.run
            ));
        }
        self.with_roll(|roll| {
            let register = &roll.register;
            let number = MemberNo(of.member);
            let class = class_or_only(register, of.class.as_deref())?;
            let terms = register.class(class)?;
            let facts = roll.facts.get(&number).cloned().unwrap_or_default();
            register.member(number).map_err(caller)?;
            if of.interest.0 < 1 {
                return refuse(format!("interest of {} becomes no shares", of.interest));
            }
            if facts.payment != Payment::Reinvest {
                return refuse(format!(
                    "member `{number}` did not choose shares for its interest\nhint: `members change {number} --payment reinvest`"
                ));
            }
            let carried = register.carried(number, class);
            let made = convert(of.interest, carried, terms.par);
            let mut entered = InterestConverted {
                member: of.member,
                class: terms.id.to_string(),
                on: of.on.to_string(),
                interest_pence: of.interest.0,
                carried_pence: carried.0,
                shares: made.shares,
                certificate: None,
                rest_pence: made.rest.0,
                rest: facts.rest,
                order: None,
            };
            if made.shares > 0 {
                let line = Line {
                    member: number,
                    class,
                    on: of.on,
                    shares: made.shares,
                    kind: domain::membership::MovementKind::Conversion,
                    source: Source::None,
                    certificate: register.next_certificate(),
                    paired: false,
                };
                register.check(&[line], today)?;
                entered.certificate = Some(line.certificate);
            }
            let what = What::InterestConverted(entered.clone());
            self.enter(roll, vec![what], by, now)?;
            Ok(entered)
        })
    }

    /// Enters movements that were checked, or shows them.
    fn move_shares(
        &self,
        roll: &mut Roll,
        lines: &[Line],
        reason: &str,
        preview: bool,
        by: &str,
        now: Instant,
    ) -> Answer<Moved> {
        let moved = Moved {
            rows: (roll.register.next_movement()..)
                .zip(lines)
                .map(|(number, line)| row(&roll.register, number, line, 0))
                .collect(),
            reason: reason.to_owned(),
            entered: !preview,
        };
        if !preview {
            let register = &roll.register;
            let what = What::SharesMoved(SharesMoved {
                reason: reason.to_owned(),
                lines: lines.iter().map(|line| journaled(register, line)).collect(),
            });
            self.enter(roll, vec![what], by, now)?;
        }
        Ok(moved)
    }
}

impl Moved {
    /// The movements of a register that `wanted` picks.
    pub(super) fn rows(roll: &Roll, wanted: impl Fn(&Line) -> bool) -> Vec<MovedRow> {
        let register = &roll.register;
        register
            .movements()
            .iter()
            .filter(|movement| wanted(&movement.line))
            .map(|movement| {
                let mut row = row(
                    register,
                    movement.number,
                    &movement.line,
                    movement.reversed_by,
                );
                if let (Source::Row(line), Some(import)) =
                    (movement.line.source, roll.import_of(movement.number))
                {
                    row.source = format!("row {line} of import {import}");
                }
                row
            })
            .collect()
    }
}

fn row(register: &ShareRegister, number: u32, line: &Line, reversed_by: u32) -> MovedRow {
    let class = register.class(line.class).ok();
    MovedRow {
        movement: number,
        member: line.member.0,
        class: class_id(register, line.class),
        on: line.on,
        shares: line.shares,
        pence: class
            .and_then(|class| class.value(line.shares))
            .unwrap_or_default(),
        kind: line.kind.word(),
        certificate: line.certificate,
        source: match line.source {
            Source::None => String::new(),
            Source::Application(n) => format!("application {n}"),
            Source::Request(n) => format!("request {n}"),
            Source::Row(n) => format!("row {n} of the import"),
            Source::Movement(n) => format!("reverses movement {n}"),
        },
        reversed_by,
    }
}

fn journaled(register: &ShareRegister, line: &Line) -> MovedLine {
    let number = |wanted: fn(Source) -> Option<u32>| wanted(line.source);
    MovedLine {
        member: line.member.0,
        class: class_id(register, line.class),
        on: line.on.to_string(),
        shares: line.shares,
        kind: line.kind.word().to_owned(),
        certificate: (line.certificate != 0).then_some(line.certificate),
        application: number(|source| match source {
            Source::Application(n) => Some(n),
            _ => None,
        }),
        request: number(|source| match source {
            Source::Request(n) => Some(n),
            _ => None,
        }),
        reverses: number(|source| match source {
            Source::Movement(n) => Some(n),
            _ => None,
        }),
        paired: line.paired,
    }
}

fn class_id(register: &ShareRegister, place: u16) -> String {
    register
        .class(place)
        .map_or_else(|_| String::new(), |class| class.id.to_string())
}

/// The class named, or the only one there is.
fn class_or_only(register: &ShareRegister, class: Option<&str>) -> Answer<u16> {
    match (class, register.classes()) {
        (Some(id), _) => Ok(register.class_named(id)?),
        (None, [_]) => Ok(0),
        (None, []) => refuse(
            "the society has no share class\nhint: add [[share_class]] to the society file and apply it",
        ),
        (None, several) => {
            let all: Vec<&str> = several.iter().map(|class| &*class.id).collect();
            refuse(format!(
                "the society has several share classes: {}\nhint: say which with --class",
                all.join(", ")
            ))
        }
    }
}
