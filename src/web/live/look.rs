//! Looking at the live values, once a second for all streams together.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use domain::calendar::{HalfHour, Instant};
use report::words::unbroken;
use serde::Serialize;
use tokio::{task::spawn_blocking, time::MissedTickBehavior};

use super::{Shown, Topic};
use crate::web::{
    Web,
    figures::{self, Figures},
    view::society::sentence,
};
use office::SocietyOffice;

/// How often the live values are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Flushes after a half hour's end until it is on disk for certain: one may be under way.
const FLUSHES_TO_DISK: u64 = 2;

/// What has to change for an event to be sent. An age that only grows is no news: the page counts
/// on by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub text: BTreeMap<String, String>,
    pub reads: BTreeMap<String, Instant>,
}

#[derive(Serialize)]
struct Told<'a> {
    text: &'a BTreeMap<String, String>,
    age_s: BTreeMap<&'a str, i64>,
}
/// Looks once a second while anybody listens.
pub async fn look(web: Web) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = web.state.stop.clone();
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => {}
        }
        let wanted: Vec<Topic> = {
            let mut topics = web.live.topics();
            topics
                .senders
                .retain(|_, sender| sender.receiver_count() > 0);
            if topics.senders.is_empty() || *stop.borrow() {
                topics.running = false;
                return;
            }
            topics.senders.keys().cloned().collect()
        };
        let looking = web.clone();
        let Ok(seen) = spawn_blocking(move || see(&looking, wanted)).await else {
            tracing::error!("the live figures could not be put together");
            // The next listener starts another.
            web.live.topics().running = false;
            return;
        };
        let topics = web.live.topics();
        for (topic, content, json, refetches) in seen {
            if let Some(sender) = topics.senders.get(&topic) {
                sender.send_if_modified(|shown| {
                    let new =
                        shown.step == 0 || shown.content != content || shown.refetches != refetches;
                    if new {
                        let step = shown.step + 1;
                        *shown = Arc::new(Shown {
                            step,
                            refetches,
                            content,
                            json,
                        });
                    }
                    new
                });
            }
        }
    }
}

type Seen = (Topic, Content, String, u64);

fn see(web: &Web, wanted: Vec<Topic>) -> Vec<Seen> {
    let mut halves = web
        .live
        .halves
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let now = web.state.clock.now();
    let office = &web.state.office;
    let mut seen = Vec::new();
    for topic in wanted {
        let mut content = Content::default();
        let refetches = match &topic {
            Topic::Home => {
                let societies: Vec<_> = office
                    .societies()
                    .into_iter()
                    .map(|society| {
                        let figures = figures::of_society(&society, now);
                        (society, figures)
                    })
                    .collect();
                content.text.insert(
                    "home.sentence".to_owned(),
                    unbroken(&figures::home_sentence(&societies)),
                );
                let mut refetches = 0;
                for (society, figures) in societies {
                    refetches += halves.refetches(&society, figures.known.last_read);
                    content.add(figures);
                }
                refetches
            }
            Topic::Society(slug) => match office.society(slug) {
                Ok(society) => {
                    let last_read = content.add_society(&society, now);
                    halves.refetches(&society, last_read)
                }
                Err(_) => continue,
            },
        };
        let json = content.json(now);
        seen.push((topic, content, json, refetches));
    }
    seen
}

impl Content {
    fn add(&mut self, figures: Figures) {
        let key = figures.now.key;
        let dash = || "–".to_owned();
        self.text
            .insert(format!("{key}.now"), figures.now.kw.unwrap_or_else(dash));
        self.text
            .insert(format!("{key}.today"), figures.now.kwh.unwrap_or_else(dash));
        self.text
            .insert(format!("{key}.how"), figures.now.how.to_owned());
        if let Some(read) = figures.known.last_read {
            self.reads.insert(key, read);
        }
    }

    fn add_society(&mut self, society: &SocietyOffice, now: Instant) -> Option<Instant> {
        let known = society.known();
        let facts = &known.document.society;
        let figures = figures::of_society(society, now);
        let last_read = figures.known.last_read;
        let words = sentence(&facts.name, &figures.known, facts.sample);
        let key = format!("{}.sentence", facts.slug);
        self.text.insert(key, unbroken(&words));
        self.add(figures);
        for (id, site) in &known.sites {
            let figures = figures::of_site(society, id, now);
            let words = sentence(&site.name, &figures.known, facts.sample);
            let key = format!("{}.sentence", figures.now.key);
            self.text.insert(key, unbroken(&words));
            self.add(figures);
        }
        last_read
    }

    fn json(&self, now: Instant) -> String {
        let told = Told {
            text: &self.text,
            age_s: self
                .reads
                .iter()
                .map(|(key, read)| (key.as_str(), now.ms_since(*read).max(0) / 1_000))
                .collect(),
        };
        serde_json::to_string(&told).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// Which half hours are complete and on disk, by society.
#[derive(Default)]
pub struct Halves(BTreeMap<String, Half>);

struct Half {
    read_in: HalfHour,
    on_disk_at: Option<u64>,
    refetches: u64,
}

impl Halves {
    /// How often the society's pages had reason to be fetched again.
    fn refetches(&mut self, society: &SocietyOffice, last_read: Option<Instant>) -> u64 {
        let Some(read_in) = last_read.map(HalfHour::of) else {
            return self.0.get(society.slug()).map_or(0, |half| half.refetches);
        };
        let flushes = society
            .projector()
            .progress()
            .flushes
            .load(Ordering::Acquire);
        let half = self.0.entry(society.slug().to_owned()).or_insert(Half {
            read_in,
            on_disk_at: None,
            refetches: 0,
        });
        if read_in > half.read_in {
            half.read_in = read_in;
            half.on_disk_at.get_or_insert(flushes + FLUSHES_TO_DISK);
        }
        if half.on_disk_at.is_some_and(|at| flushes >= at) {
            half.on_disk_at = None;
            half.refetches += 1;
        }
        half.refetches
    }
}
