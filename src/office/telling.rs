//! What is to be told to whom: new alerts at once and each once, a digest once a day.
//!
//! All new alerts of a look go to a person in one message: when a router dies ten meters fall silent
//! together. Messages are made here and sent by the daemon, which notes what was taken.

use std::sync::Arc;

use domain::calendar::{Instant, LocalDay};
use records::roofs::AlertTold;
use serde_json::{Value, json};

use super::{
    Office,
    alerts::Alert,
    answer::{Answer, Refusal, refuse},
    duties::Task,
    held,
    society::SocietyOffice,
};

/// A task is in the digest so many days before its day.
const TASK_DAYS: i32 = 14;
/// And so many days after it.
const OVERDUE_DAYS: i32 = 120;

/// A person who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The society's slug.
    pub society: String,
    /// The officer.
    pub officer: String,
    /// Roofs; all of the society's when empty.
    pub sites: Vec<String>,
    /// How the person is reached.
    pub way: Way,
}

/// How a person is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By e-mail.
    Mail(String),
    /// By a POST of JSON.
    Webhook(String),
}

impl Way {
    /// `mail` or `webhook`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Way::Mail(_) => "mail",
            Way::Webhook(_) => "webhook",
        }
    }
}

/// A message to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The society's slug.
    pub society: String,
    /// The officer.
    pub to: String,
    /// How.
    pub way: Way,
    /// What it is about: `alert 3`, `digest 2026-06-01`.
    pub about: Vec<String>,
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same for programs.
    pub json: Value,
}

/// Sends one message now; why it was not taken.
type Deliver = Box<dyn Fn(&Message, Instant) -> Result<(), String> + Send + Sync>;

/// Who is told and how a message goes out, while a daemon runs.
pub struct Teller {
    contacts: Vec<Contact>,
    send: Deliver,
}

/// What became of a test message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The society's slug.
    pub society: String,
    /// The officer.
    pub to: String,
    /// How.
    pub way: Way,
    /// Why it was not taken; none when it was.
    pub failed: Option<String>,
}

impl Teller {
    /// Tells these persons in this way.
    #[must_use]
    pub fn new(
        contacts: Vec<Contact>,
        send: impl Fn(&Message, Instant) -> Result<(), String> + Send + Sync + 'static,
    ) -> Teller {
        Teller {
            contacts,
            send: Box::new(send),
        }
    }
}

impl Office {
    /// From now on test messages can be sent.
    pub fn tell_with(&self, teller: Teller) {
        *held(&self.teller) = Some(Arc::new(teller));
    }

    /// Sends a test message to every person who is told, of one society or all, and says of each what
    /// became of it. Nothing is recorded: nobody was told anything.
    ///
    /// # Errors
    /// When no daemon runs, or nobody is named.
    pub fn send_test(&self, society: Option<&str>, now: Instant) -> Answer<Vec<Tried>> {
        let Some(teller) = held(&self.teller).clone() else {
            return refuse(
                "no daemon runs here, and only a daemon sends messages\nhint: start it with `commonwatt serve`, and run this again",
            );
        };
        let mut tried = Vec::new();
        let of_it = |c: &&Contact| society.is_none_or(|slug| c.society == slug);
        for contact in teller.contacts.iter().filter(of_it) {
            let message = test_message(&*self.society(&contact.society)?, contact, now);
            tried.push(Tried {
                society: contact.society.clone(),
                to: contact.officer.clone(),
                way: contact.way.clone(),
                failed: (teller.send)(&message, now).err(),
            });
        }
        if tried.is_empty() {
            return refuse(
                "nobody is told anything\nhint: name somebody in the daemon's configuration: [[alerts.contact]] society, officer, email or webhook",
            );
        }
        Ok(tried)
    }

    /// The messages that are due. A digest is due once a local day from `digest_minute` of it on,
    /// when there is anything to say.
    ///
    /// # Errors
    /// When the books or series are damaged.
    pub fn messages_due(
        &self,
        contacts: &[Contact],
        digest_minute: u16,
        now: Instant,
    ) -> Answer<Vec<Message>> {
        let mut due = Vec::new();
        for society in self.societies() {
            let of_it: Vec<&Contact> = contacts
                .iter()
                .filter(|c| c.society == society.slug())
                .collect();
            if of_it.is_empty() {
                continue;
            }
            let alerts = society.alerts()?;
            for contact in &of_it {
                due.extend(new_alerts(&society, contact, &alerts));
            }
            let clock = society.known().zone.wall_clock(now);
            if u16::from(clock.hour) * 60 + u16::from(clock.minute) < digest_minute {
                continue;
            }
            let about = format!("digest {}", clock.day);
            let told = society.digests_told()?;
            let left: Vec<&&Contact> = of_it
                .iter()
                .filter(|c| {
                    let name = (about.clone(), c.officer.clone(), c.way.word().to_owned());
                    !told.contains(&name)
                })
                .collect();
            if left.is_empty() {
                continue;
            }
            let (from, to) = (clock.day.plus(-OVERDUE_DAYS), clock.day.plus(TASK_DAYS));
            let tasks = society.tasks(from, to, now)?;
            for contact in left {
                due.extend(digest(&society, contact, &alerts, &tasks, clock.day));
            }
        }
        Ok(due)
    }

    /// Notes that a message was taken by the relay or webhook.
    ///
    /// # Errors
    /// When the society is gone or the journal takes nothing.
    pub fn message_taken(&self, message: &Message, by: &str, now: Instant) -> Answer<()> {
        let told = message.about.iter().map(|about| AlertTold {
            about: about.clone(),
            to: message.to.clone(),
            by: message.way.word().to_owned(),
        });
        self.society(&message.society)?
            .told(told.collect(), by, now)
    }

    /// Contacts whose society or officer is not known, in words.
    #[must_use]
    pub fn unknown_contacts(&self, contacts: &[Contact]) -> Vec<String> {
        let wrong = |contact: &Contact| match self.society(&contact.society) {
            Err(Refusal::Caller(why) | Refusal::Ours(why)) => Some(why),
            Ok(society) => {
                let known = society.known();
                let officer = known
                    .document
                    .officer
                    .iter()
                    .any(|o| o.id == contact.officer);
                let site = contact
                    .sites
                    .iter()
                    .find(|site| !known.sites.contains_key(*site));
                match (officer, site) {
                    (false, _) => Some(format!(
                        "officer `{}` is not in the file of society `{}`",
                        contact.officer, contact.society
                    )),
                    (true, Some(site)) => Some(format!(
                        "site `{site}` is not in the file of society `{}`",
                        contact.society
                    )),
                    (true, None) => None,
                }
            }
        };
        contacts.iter().filter_map(wrong).collect()
    }
}

fn mine(contact: &Contact, site: &str) -> bool {
    contact.sites.is_empty() || contact.sites.iter().any(|one| one == site)
}

fn test_message(society: &SocietyOffice, contact: &Contact, now: Instant) -> Message {
    let known = society.known();
    let sample = known.document.society.sample;
    let name = &known.document.society.name;
    let sites = match contact.sites.as_slice() {
        [] => "all roofs".to_owned(),
        sites => sites.join(", "),
    };
    Message {
        society: society.slug().to_owned(),
        to: contact.officer.clone(),
        way: contact.way.clone(),
        about: vec![format!("test {}", now.0)],
        subject: format!("{}{name}: a test message", mark(sample)),
        text: format!(
            "{}{name}\n\nThis is a test. Alerts of {sites} and the daily digest for {} arrive here.\n",
            mark(sample),
            contact.officer
        ),
        json: json!({
            "society": society.slug(),
            "to": contact.officer,
            "sample": sample,
            "test": true,
            "alerts": [],
        }),
    }
}

fn new_alerts(society: &SocietyOffice, contact: &Contact, alerts: &[Alert]) -> Option<Message> {
    let way = contact.way.word();
    let new: Vec<&Alert> = alerts
        .iter()
        .filter(|alert| alert.cleared.is_none() && mine(contact, &alert.raised.site))
        .filter(|alert| {
            let told =
                |(told, _): &(AlertTold, Instant)| told.to == contact.officer && told.by == way;
            !alert.told.iter().any(told)
        })
        .collect();
    let first = new.first()?;
    let known = society.known();
    let sample = known.document.society.sample;
    let subject = match new.len() {
        1 => first.raised.text.clone(),
        n => format!("{n} alerts; the first: {}", first.raised.text),
    };
    let lines: Vec<String> = new
        .iter()
        .map(|alert| format!("{}. {}", alert.raised.number, alert.raised.text))
        .collect();
    Some(Message {
        society: society.slug().to_owned(),
        to: contact.officer.clone(),
        way: contact.way.clone(),
        about: new.iter().map(|alert| alert.about()).collect(),
        subject: format!("{}{subject}", mark(sample)),
        text: format!(
            "{}{}\n\n{}\n\nSay that you have seen it, with the engineer's ticket:\ncommonwatt --as {} alerts seen {} --society {} --ticket T --warranty W\n\nYou are told of each once; a daily digest names what is open.\n",
            mark(sample),
            known.document.society.name,
            lines.join("\n"),
            contact.officer,
            first.raised.number,
            society.slug()
        ),
        json: json!({
            "society": society.slug(),
            "to": contact.officer,
            "sample": sample,
            "alerts": new.iter().map(|alert| alert_json(alert)).collect::<Vec<_>>(),
        }),
    })
}

fn digest(
    society: &SocietyOffice,
    contact: &Contact,
    alerts: &[Alert],
    tasks: &[Task],
    day: LocalDay,
) -> Option<Message> {
    let known = society.known();
    let open: Vec<&Alert> = alerts
        .iter()
        .filter(|alert| alert.cleared.is_none() && mine(contact, &alert.raised.site))
        .collect();
    let over: Vec<&Alert> = alerts
        .iter()
        .filter(|alert| mine(contact, &alert.raised.site))
        .filter(|alert| {
            let at = alert.cleared.as_ref().map(|(_, at)| known.zone.day_of(*at));
            at.is_some_and(|at| at >= day.previous())
        })
        .collect();
    let tasks: Vec<&Task> = tasks
        .iter()
        .filter(|task| task.duty.done.is_none() && task.state != "to come")
        .filter(|task| {
            task.owner
                .as_ref()
                .is_none_or(|owner| *owner == contact.officer)
        })
        .collect();
    if open.is_empty() && over.is_empty() && tasks.is_empty() {
        return None;
    }
    let mut text = String::new();
    for alert in &open {
        text.push_str(&format!("{}. {}\n", alert.raised.number, alert.raised.text));
        if let Some((seen, by, _)) = &alert.seen {
            text.push_str(&format!("   {}\n", seen_words(seen, by)));
        }
    }
    for alert in &over {
        if let Some((cleared, _)) = &alert.cleared {
            text.push_str(&format!(
                "{}. over: {}\n",
                alert.raised.number, cleared.text
            ));
        }
    }
    for task in &tasks {
        text.push_str(&format!(
            "{} by {}: {} ({})\n",
            task.state,
            task.duty.due,
            task.duty.sentence(),
            task.duty.id()
        ));
    }
    let sample = known.document.society.sample;
    let subject = format!(
        "{}{}: {} open, {} over, {} to do",
        mark(sample),
        known.document.society.name,
        open.len(),
        over.len(),
        tasks.len()
    );
    Some(Message {
        society: society.slug().to_owned(),
        to: contact.officer.clone(),
        way: contact.way.clone(),
        about: vec![format!("digest {day}")],
        text: format!("{subject}\n\n{text}"),
        subject,
        json: json!({
            "society": society.slug(),
            "to": contact.officer,
            "sample": sample,
            "digest": day.to_string(),
            "alerts": open.iter().map(|alert| alert_json(alert)).collect::<Vec<_>>(),
            "over": over.iter().map(|alert| alert_json(alert)).collect::<Vec<_>>(),
            "tasks": tasks.iter().map(|task| json!({
                "id": task.duty.id(),
                "due": task.duty.due.to_string(),
                "state": task.state,
                "text": task.duty.sentence(),
            })).collect::<Vec<_>>(),
        }),
    })
}

/// "seen by roofs, waiting for engineer, ticket T-7, warranty to 2032".
#[must_use]
pub fn seen_words(seen: &records::roofs::AlertSeen, by: &str) -> String {
    let mut text = format!("seen by {by}, waiting for engineer");
    for (what, said) in [
        ("ticket ", &seen.ticket),
        ("warranty ", &seen.warranty),
        ("", &seen.note),
    ] {
        if !said.is_empty() {
            text.push_str(&format!(", {what}{said}"));
        }
    }
    text
}

/// An alert for programs.
#[must_use]
pub fn alert_json(alert: &Alert) -> Value {
    json!({
        "number": alert.raised.number,
        "kind": alert.raised.kind,
        "site": alert.raised.site,
        "meter": alert.raised.meter,
        "since": Instant(alert.raised.since_ms).to_string(),
        "raised_at": alert.at.to_string(),
        "text": alert.raised.text,
        "state": alert.state(),
        "seen": alert.seen.as_ref().map(|(seen, by, at)| json!({
            "by": by,
            "at": at.to_string(),
            "ticket": seen.ticket,
            "warranty": seen.warranty,
            "note": seen.note,
        })),
        "cleared": alert.cleared.as_ref().map(|(cleared, at)| json!({
            "at": at.to_string(),
            "text": cleared.text,
        })),
        "told": alert.told.iter().map(|(told, at)| json!({
            "to": told.to,
            "by": told.by,
            "at": at.to_string(),
        })).collect::<Vec<_>>(),
    })
}

fn mark(sample: bool) -> &'static str {
    if sample { "SAMPLE " } else { "" }
}
