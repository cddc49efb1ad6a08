//! Share offers and applications.

use std::sync::Arc;

use super::{
    Line, MemberNo, MovementKind, Refused, ShareRegister, Source,
    register::{next, place},
};
use crate::calendar::LocalDay;

/// What happens when more is asked for than is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferRule {
    /// Who applies first is allotted first.
    FirstCome,
    /// After the offer closed everybody gets the minimum, and the same part of the rest.
    ScaleBack,
}

/// A share offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its short name.
    pub id: Arc<str>,
    /// The class offered, by its place.
    pub class: u16,
    /// First day of applications.
    pub opens: LocalDay,
    /// Last day of applications.
    pub closes: LocalDay,
    /// Shares that must be asked for before any is allotted.
    pub minimum_raise: i64,
    /// Shares offered.
    pub maximum_raise: i64,
    /// The least an application may ask for.
    pub minimum: i64,
    /// The most an application may ask for.
    pub maximum: Option<i64>,
    /// What happens when more is asked for than is offered.
    pub rule: OfferRule,
    /// With [`OfferRule::FirstCome`]: true when what is asked for beyond the offer waits.
    pub waiting_list: bool,
}

/// How an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationState {
    /// It waits for the board.
    Waiting,
    /// Shares were allotted.
    Allotted,
    /// It was withdrawn or declined; the money goes back.
    Ended,
}

/// An application for shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its number, from 1.
    pub number: u32,
    /// The offer it answers to, if any.
    pub offer: Option<Arc<str>>,
    /// The class, by its place.
    pub class: u16,
    /// Who applies.
    pub member: MemberNo,
    /// Shares asked for.
    pub shares: i64,
    /// The day of the application.
    pub on: LocalDay,
    /// Shares allotted so far.
    pub allotted: i64,
    /// True when it was withdrawn or declined.
    pub ended: bool,
}

impl Application {
    /// How it stands.
    #[must_use]
    pub fn state(&self) -> ApplicationState {
        match (self.allotted, self.ended) {
            (1.., _) => ApplicationState::Allotted,
            (_, true) => ApplicationState::Ended,
            _ => ApplicationState::Waiting,
        }
    }

    pub(super) fn waits(&self) -> bool {
        self.state() == ApplicationState::Waiting
    }

    /// The movement that would allot so many shares.
    pub(super) fn issue(&self, shares: i64, on: LocalDay) -> Line {
        Line {
            member: self.member,
            class: self.class,
            on,
            shares,
            kind: MovementKind::Issue,
            source: Source::Application(self.number),
            certificate: 0,
            paired: false,
        }
    }
}

impl ShareRegister {
    /// Checks an application and gives it as it would be entered.
    ///
    /// # Errors
    /// When the offer is shut or full, the size is outside its limits, or the member could not hold
    /// the shares together with all it has applied for.
    pub fn application(
        &self,
        member: MemberNo,
        class: u16,
        offer: Option<&Offer>,
        shares: i64,
        on: LocalDay,
        today: LocalDay,
    ) -> Result<Application, Refused> {
        let asked = Application {
            number: next(self.applications.len()),
            offer: offer.map(|offer| Arc::clone(&offer.id)),
            class,
            member,
            shares,
            on,
            allotted: 0,
            ended: false,
        };
        if let Some(offer) = offer {
            self.fits(offer, &asked)?;
        }
        let earlier = self
            .applications
            .iter()
            .filter(|other| other.member == member && other.waits())
            .map(|other| other.issue(other.shares, on.max(other.on)));
        let lines: Vec<Line> = earlier.chain([asked.issue(shares, on)]).collect();
        self.check(&lines, today)?;
        Ok(asked)
    }

    fn fits(&self, offer: &Offer, asked: &Application) -> Result<(), Refused> {
        let id = || offer.id.to_string();
        if asked.on < offer.opens || asked.on > offer.closes {
            return Err(Refused::OfferShut {
                offer: id(),
                opens: offer.opens,
                closes: offer.closes,
                on: asked.on,
            });
        }
        let too_many = offer.maximum.is_some_and(|most| asked.shares > most);
        if asked.shares < offer.minimum.max(1) || too_many {
            return Err(Refused::OfferSize {
                offer: id(),
                least: offer.minimum.max(1),
                most: offer
                    .maximum
                    .map_or_else(|| "any number of".to_owned(), |most| format!("`{most}`")),
                wanted: asked.shares,
            });
        }
        if offer.rule == OfferRule::FirstCome && !offer.waiting_list {
            let left = offer.maximum_raise.saturating_sub(self.asked_for(offer));
            if asked.shares > left {
                return Err(Refused::Oversubscribed {
                    offer: id(),
                    left: left.max(0),
                    maximum: offer.maximum_raise,
                    wanted: asked.shares,
                });
            }
        }
        Ok(())
    }

    /// Shares of an offer that were allotted.
    #[must_use]
    pub fn raised(&self, offer: &Offer) -> i64 {
        self.of_offer(offer)
            .fold(0, |sum, asked| sum.saturating_add(asked.allotted))
    }

    /// Shares of an offer that were allotted or are waited for.
    #[must_use]
    pub fn asked_for(&self, offer: &Offer) -> i64 {
        self.of_offer(offer).fold(0, |sum, asked| {
            sum.saturating_add(if asked.waits() {
                asked.shares
            } else {
                asked.allotted
            })
        })
    }

    pub(super) fn of_offer<'a>(
        &'a self,
        offer: &'a Offer,
    ) -> impl Iterator<Item = &'a Application> {
        self.applications
            .iter()
            .filter(|asked| asked.offer.as_deref() == Some(&*offer.id))
    }

    /// Takes an application as it was entered.
    pub fn take_application(&mut self, application: Application) {
        self.applications.push(application);
    }

    /// The application with that number, which still waits.
    ///
    /// # Errors
    /// [`Refused::NoApplication`].
    pub fn waiting_application(&self, number: u32) -> Result<&Application, Refused> {
        self.applications
            .get(place(number))
            .filter(|asked| asked.waits())
            .ok_or(Refused::NoApplication(number))
    }

    /// Takes the end of an application.
    pub fn take_application_ended(&mut self, number: u32) {
        if let Some(asked) = self.applications.get_mut(place(number)) {
            asked.ended = true;
        }
    }
}
