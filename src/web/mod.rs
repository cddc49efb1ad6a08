//! The pages: a file a noun.
//!
//! A handler parses the address, asks the office once, and renders; what it may answer and to whom
//! stands in [`policy`], from which the router is built. Trouble comes back as a value
//! ([`trouble::Trouble`]) and becomes a page in [`guard`], which also puts the same headers on every
//! answer. The office blocks, so it is asked on threads for that, a bounded number at a time.
//! Nothing here knows a journal, a store or a broker, nor asks what time it is.

mod alerts;
mod api;
mod assets;
mod audit;
mod ballots;
mod bank;
mod bills;
mod claims;
mod community;
mod council;
mod day;
mod desk;
mod desk_council;
mod dials;
mod explore;
mod figures;
mod files;
mod frame;
mod guard;
mod health;
mod held;
mod home;
mod how;
mod income;
mod interest;
mod kept;
mod layout;
mod letters;
mod live;
mod login;
mod making;
mod me;
mod meters;
mod my;
mod my_shares;
mod notes;
mod operations;
pub mod origin;
mod outages;
mod outlook;
mod paid;
mod papers;
mod payments;
pub mod policy;
mod reports;
mod set_up;
mod shares;
mod site;
mod society;
mod statements;
mod tables;
mod tasks;
mod trouble;
mod uploads;
mod users;
pub mod view;
mod visitor;
mod work;
mod working;

#[cfg(test)]
mod tests;

use std::{net::IpAddr, ops::Deref, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
};

use crate::clock::Clock;
use office::Office;
use trouble::Trouble;

/// Most questions to the office at once; the next one waits, within its request's time.
const QUESTIONS_AT_ONCE: usize = 16;
/// Most passwords looked at at once: each takes 19 MiB and a tenth of a second, by design.
const PASSWORDS_AT_ONCE: usize = 2;

/// Why the installation is not healthy; nothing when it is.
pub type Health = Arc<dyn Fn() -> Vec<String> + Send + Sync>;
/// The figures of the machinery as OpenMetrics text.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the pages work with.
#[derive(Clone)]
pub struct WebState {
    /// The use cases.
    pub office: Arc<Office>,
    /// What time it is.
    pub clock: Clock,
    /// What time it is for people: that of their telephones, also where the house runs faster.
    pub people: Clock,
    /// Proxies that are believed when they say for whom they ask.
    pub proxies: Vec<IpAddr>,
    /// Reasons why not healthy.
    pub health: Health,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// Whose pages these are, in the masthead: "Brixton Energy".
    pub house: String,
    /// Turns true at shutdown: live updates end.
    pub stop: watch::Receiver<bool>,
}

/// Put on a request by the listener: the longest it may take. Thirty seconds when absent.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit(pub Duration);

/// The pages' routes, each from its row in [`policy::ROUTES`].
pub fn router(state: WebState) -> axum::Router {
    let web = Web(Arc::new(Room {
        live: live::Board::new(state.clock.now()),
        state,
        reports: kept::Reports::default(),
        incomes: kept::Incomes::default(),
        days: kept::Days::default(),
        explored: kept::Explorations::of(kept::MOST_EXPLORED),
        uploads: uploads::Uploads::default(),
        workings: kept::Workings::default(),
        outlooks: kept::Outlooks::default(),
        making: making::Making::default(),
        questions: Arc::new(Semaphore::new(QUESTIONS_AT_ONCE)),
        passwords: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
    }));
    guard::around(policy::routes(&web), &web).with_state(web)
}

/// A handle on what all handlers share.
#[derive(Clone)]
pub struct Web(Arc<Room>);

/// What all handlers share.
pub struct Room {
    state: WebState,
    live: live::Board,
    reports: kept::Reports,
    incomes: kept::Incomes,
    days: kept::Days,
    explored: kept::Explorations,
    uploads: uploads::Uploads,
    workings: kept::Workings,
    outlooks: kept::Outlooks,
    making: making::Making,
    questions: Arc<Semaphore>,
    passwords: Arc<Semaphore>,
}

impl Deref for Web {
    type Target = Room;

    fn deref(&self) -> &Room {
        &self.0
    }
}

impl Web {
    /// As [`Web::ask`], where a password is looked at: few at once, and those who wait for their turn
    /// keep nobody else from a page.
    async fn ask_about_password<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Web) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let turn = Arc::clone(&self.passwords)
            .acquire_owned()
            .await
            .map_err(Trouble::ours)?;
        self.ask(move |web| {
            let _turn = turn;
            question(web)
        })
        .await
    }

    /// Asks the office on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Web) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let seat = Arc::clone(&self.questions)
            .acquire_owned()
            .await
            .map_err(Trouble::ours)?;
        let web = self.clone();
        let answered = spawn_blocking(move || {
            // The seat is held until the work is done, also when nobody waits for it any more.
            let _seat = seat;
            question(&web)
        });
        answered.await.map_err(Trouble::ours)?
    }
}
