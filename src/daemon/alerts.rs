//! The watch: it looks at the meters, raises alerts, and has people told; nobody waits for it.
//!
//! It looks every `look_every_s` of the world's time, on the daemon's clock. A roof's week is held
//! against its neighbours once a local day. What the relay or webhook does not take is tried again,
//! each time later, up to an hour.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant as Monotonic},
};

use domain::calendar::LocalDay;

use super::post::Post;
use crate::clock::Clock;
use config::{Alerts, Config};
use office::{
    Answer, Office, Refusal,
    answer::{OrOurs, refuse},
    telling::{Contact, Message, Teller, Way},
};

/// Who raises and tells, in the journal.
const BY: &str = "daemon";
/// How soon it hears that it should end.
const HEAR: Duration = Duration::from_millis(100);
/// How long the end waits for a message that hangs; it goes out again after the next start.
const FAREWELL: Duration = Duration::from_secs(2);
/// The shortest cadence that is believed, in ms of the world's time: a roof on a fast clock reads
/// less often than its society file says.
const LEAST_CADENCE_MS: i64 = 15_000;
/// First wait after a message was not taken, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// The running watch; dropping it ends the thread.
pub struct Watching {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Starts the watch.
///
/// # Errors
/// When `[alerts]` cannot be used.
pub fn start(config: &Config, office: &Arc<Office>, clock: &Clock) -> Answer<Watching> {
    let post = Post::of(&config.alerts)?;
    let contacts = contacts(&config.alerts)?;
    for unknown in office.unknown_contacts(&contacts) {
        tracing::warn!("[[alerts.contact]]: {unknown}; nobody is told there");
    }
    let (to_test, own) = (Post::of(&config.alerts)?, contacts.clone());
    office.tell_with(Teller::new(own, move |message, now| {
        to_test.send(message, now)
    }));
    let digest_minute = minute_of(&config.alerts.digest_at)?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut watch = Watch {
        office: Arc::clone(office),
        clock: clock.clone(),
        post,
        contacts,
        digest_minute,
        every: Duration::from_secs(config.alerts.look_every_s.max(1)),
        week_of: BTreeMap::new(),
        waits: BTreeMap::new(),
        stop: Arc::clone(&stop),
    };
    let thread = std::thread::Builder::new()
        .name("alerts".to_owned())
        .spawn(move || watch.run())
        .or_ours("the thread for alerts")?;
    Ok(Watching { stop, thread })
}

struct Watch {
    office: Arc<Office>,
    clock: Clock,
    post: Post,
    contacts: Vec<Contact>,
    digest_minute: u16,
    every: Duration,
    /// The local day on which the roofs' week was looked at, by society.
    week_of: BTreeMap<String, LocalDay>,
    /// When a message that was not taken is tried again, and how long the wait was.
    waits: BTreeMap<String, (Monotonic, Duration)>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    fn run(&mut self) {
        while !self.stopped() {
            if let Err(error) = self.look() {
                tracing::error!(%error, "alerts could not be looked for");
            }
            let until = Monotonic::now() + self.every;
            while !self.stopped() && Monotonic::now() < until {
                std::thread::sleep(HEAR);
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn look(&mut self) -> Answer<()> {
        let now = self.clock.now();
        let least = i64::from(self.clock.speed()).saturating_mul(LEAST_CADENCE_MS);
        self.office.look_for_silence(least, BY, now)?;
        let mut new_day = false;
        for society in self.office.societies() {
            let clock = society.known().zone.wall_clock(now);
            let minute = u16::from(clock.hour) * 60 + u16::from(clock.minute);
            if minute >= self.digest_minute
                && self.week_of.insert(society.slug().to_owned(), clock.day) != Some(clock.day)
            {
                new_day = true;
            }
        }
        if new_day {
            self.office.look_for_weak_roofs(BY, now)?;
        }
        for message in self
            .office
            .messages_due(&self.contacts, self.digest_minute, now)?
        {
            if self.stopped() {
                break;
            }
            self.tell(&message)?;
        }
        Ok(())
    }

    fn tell(&mut self, message: &Message) -> Answer<()> {
        let address = match &message.way {
            Way::Mail(to) | Way::Webhook(to) => to,
        };
        let waiting = self.waits.get(address);
        if waiting.is_some_and(|(until, _)| Monotonic::now() < *until) {
            return Ok(());
        }
        let now = self.clock.now();
        match self.post.send(message, now) {
            Ok(()) => {
                self.waits.remove(address);
                self.office.message_taken(message, BY, now)
            }
            Err(why) => {
                let wait = waiting.map_or(FIRST_WAIT, |(_, wait)| (*wait * 2).min(LONGEST_WAIT));
                tracing::warn!(
                    society = message.society,
                    officer = message.to,
                    by = message.way.word(),
                    about = message.about.join(", "),
                    why,
                    "a message was not taken; it is tried again in {} s",
                    wait.as_secs()
                );
                self.waits
                    .insert(address.clone(), (Monotonic::now() + wait, wait));
                Ok(())
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let until = Monotonic::now() + FAREWELL;
        while !self.thread.is_finished() && Monotonic::now() < until {
            std::thread::sleep(HEAR / 4);
        }
    }
}

/// Who is told, one for each way.
fn contacts(config: &Alerts) -> Answer<Vec<Contact>> {
    let mut all = Vec::new();
    for contact in &config.contact {
        let ways = [
            (!contact.email.is_empty()).then(|| Way::Mail(contact.email.clone())),
            (!contact.webhook.is_empty()).then(|| Way::Webhook(contact.webhook.clone())),
        ];
        if ways.iter().all(Option::is_none) {
            return refuse(format!(
                "alerts.contact of `{}`: neither `email` nor `webhook` is named",
                contact.officer
            ));
        }
        if !contact.email.is_empty() && config.relay.is_empty() {
            return refuse(
                "alerts.contact: an e-mail address needs a relay\nhint: relay = \"smtp://127.0.0.1:25\" under [alerts]",
            );
        }
        let address = contact.email.parse::<lettre::Address>();
        if let (false, Err(error)) = (contact.email.is_empty(), address) {
            return refuse(format!(
                "alerts.contact, email `{}`: {error}",
                contact.email
            ));
        }
        let web = contact.webhook.starts_with("https://") || contact.webhook.starts_with("http://");
        if !contact.webhook.is_empty() && !web {
            return refuse(format!(
                "alerts.contact, webhook `{}`: expected https://… or http://…",
                contact.webhook
            ));
        }
        all.extend(ways.into_iter().flatten().map(|way| Contact {
            society: contact.society.clone(),
            officer: contact.officer.clone(),
            sites: contact.sites.clone(),
            way,
        }));
    }
    Ok(all)
}

fn minute_of(text: &str) -> Answer<u16> {
    let parts = text
        .split_once(':')
        .and_then(|(hour, minute)| Some((hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?)));
    match parts {
        Some((hour @ 0..24, minute @ 0..60)) => Ok(hour * 60 + minute),
        _ => Err(Refusal::Caller(format!(
            "alerts.digest_at `{text}`: expected a time of day like 07:00"
        ))),
    }
}
