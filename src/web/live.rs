//! `/live` and `/s/{slug}/live`: server-sent events, as `view/live.rs` and `live.js` describe them.
//!
//! One task looks at the live values once a second, for all streams together, while anybody
//! listens. A stream hands on what changed since it last spoke; a client that does not keep up
//! misses the steps between and gets a `refetch` when it has room again, and one that takes nothing
//! for long loses its place. `refetch` is also sent when a half hour is complete and on disk. An
//! event's id names how many there have been, so that whoever comes back knows what it missed.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::calendar::{HalfHour, Instant};
use report::words::unbroken;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::spawn_blocking,
    time::MissedTickBehavior,
};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use super::{
    Web,
    figures::{self, Figures},
    society::named,
    trouble::Trouble,
    view::society::sentence,
};
use crate::office::SocietyOffice;

/// Most streams at once; the next is told to come back.
pub const MOST_STREAMS: usize = 200;
/// How often the live values are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How often a silent line says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events that may wait for a client before it counts as behind.
const WAITING: usize = 4;
/// A client that has been behind for so many steps loses its place.
const MOST_STEPS_BEHIND: u32 = 60;
/// Flushes after a half hour's end until it is on disk for certain: one may be under way.
const FLUSHES_TO_DISK: u64 = 2;

/// The stream of the home page.
pub async fn home(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Trouble> {
    stream(&web, Topic::Home, &headers)
}

/// The stream of a society's pages and those of its roofs.
pub async fn society(
    State(web): State<Web>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    named(&web, &slug)?;
    stream(&web, Topic::Society(slug), &headers)
}

/// What a stream is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Home,
    Society(String),
}

/// What all streams share.
pub struct Board {
    began: i64,
    seats: Arc<Semaphore>,
    topics: Mutex<Topics>,
    /// Used by the one task that looks, and kept while nobody listens.
    halves: Mutex<Halves>,
}

#[derive(Default)]
struct Topics {
    running: bool,
    senders: BTreeMap<Topic, watch::Sender<Arc<Shown>>>,
}

/// What a topic shows at a moment; `step` 0 is nothing yet.
#[derive(Clone, Debug, Default)]
struct Shown {
    step: u64,
    refetches: u64,
    content: Content,
    json: String,
}

/// What has to change for an event to be sent. An age that only grows is no news: the page counts
/// on by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    text: BTreeMap<String, String>,
    reads: BTreeMap<String, Instant>,
}

#[derive(Serialize)]
struct Told<'a> {
    text: &'a BTreeMap<String, String>,
    age_s: BTreeMap<&'a str, i64>,
}

impl Board {
    /// Nobody listens yet.
    pub fn new(now: Instant) -> Board {
        Board {
            began: now.0,
            seats: Arc::new(Semaphore::new(MOST_STREAMS)),
            topics: Mutex::default(),
            halves: Mutex::default(),
        }
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, shown: &Shown) -> String {
        format!("{}-{}-{}", self.began, shown.refetches, shown.step)
    }

    /// Whether a client that saw `id` last has missed a refetch.
    fn missed(&self, id: &str, shown: &Shown) -> bool {
        !id.starts_with(&format!("{}-{}-", self.began, shown.refetches))
    }
}

fn stream(web: &Web, topic: Topic, headers: &HeaderMap) -> Result<Response, Trouble> {
    let seat = Arc::clone(&web.live.seats)
        .try_acquire_owned()
        .map_err(|_| Trouble::live_is_full())?;
    let last_id = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    let (events, waiting) = mpsc::channel(WAITING);
    let listener = Listener {
        shown: subscribe(web, topic),
        stop: web.state.stop.clone(),
        events,
        last_id,
        behind: 0,
    };
    tokio::spawn(listener.run(web.clone(), seat));
    let events = Sse::new(ReceiverStream::new(waiting).map(Ok::<Event, Infallible>));
    let mut answer = events
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    // Proxies that gather answers would keep the events back.
    answer.headers_mut().insert(
        "x-accel-buffering",
        axum::http::HeaderValue::from_static("no"),
    );
    Ok(answer)
}

/// A seat at a topic; starts the task that looks when nobody else did.
fn subscribe(web: &Web, topic: Topic) -> watch::Receiver<Arc<Shown>> {
    let mut topics = web.live.topics();
    let sender = topics
        .senders
        .entry(topic)
        .or_insert_with(|| watch::Sender::new(Arc::default()));
    let shown = sender.subscribe();
    if !topics.running {
        topics.running = true;
        tokio::spawn(look(web.clone()));
    }
    shown
}

/// One client.
struct Listener {
    shown: watch::Receiver<Arc<Shown>>,
    stop: watch::Receiver<bool>,
    events: mpsc::Sender<Event>,
    last_id: Option<String>,
    behind: u32,
}

impl Listener {
    /// Tells the client what changes until it leaves, we stop, or it takes nothing for long.
    async fn run(mut self, web: Web, seat: OwnedSemaphorePermit) {
        let mut told: Option<Arc<Shown>> = None;
        while !*self.stop.borrow() && self.behind < MOST_STEPS_BEHIND {
            let shown = Arc::clone(&self.shown.borrow_and_update());
            if shown.step > 0 && !self.tell(&web.live, told.as_deref(), &shown) {
                break;
            }
            told = Some(shown).filter(|shown| shown.step > 0);
            tokio::select! {
                changed = self.shown.changed() => if changed.is_err() { break },
                stopped = self.stop.changed() => if stopped.is_err() { break },
                () = self.events.closed() => break,
            }
        }
        drop(seat);
    }

    /// False when the client has left.
    fn tell(&mut self, board: &Board, told: Option<&Shown>, shown: &Shown) -> bool {
        let missed = match (told, self.last_id.take()) {
            (Some(told), _) => told.refetches != shown.refetches,
            (None, Some(id)) => board.missed(&id, shown),
            (None, None) => false,
        };
        let refetch = missed || self.behind > 0;
        let live = self.behind > 0 || told.is_none_or(|told| told.content != shown.content);
        let mut due = Vec::new();
        if live {
            due.push(Event::default().event("live").data(&shown.json));
        }
        if refetch {
            due.push(Event::default().event("refetch").data("{}"));
        }
        if self.events.capacity() < due.len() && !self.events.is_closed() {
            self.behind += 1;
            return true;
        }
        self.behind = 0;
        due.into_iter()
            .all(|event| self.events.try_send(event.id(board.id(shown))).is_ok())
    }
}

/// Looks once a second while anybody listens.
async fn look(web: Web) {
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
                    refetches += halves.refetches(&society, figures.last_read);
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
        if let Some(read) = figures.last_read {
            self.reads.insert(key, read);
        }
    }

    fn add_society(&mut self, society: &SocietyOffice, now: Instant) -> Option<Instant> {
        let known = society.known();
        let facts = &known.document.society;
        let figures = figures::of_society(society, now);
        let last_read = figures.last_read;
        let words = sentence(&facts.name, figures.power, figures.today, facts.sample);
        let key = format!("{}.sentence", facts.slug);
        self.text.insert(key, unbroken(&words));
        self.add(figures);
        for (id, site) in &known.sites {
            let figures = figures::of_site(society, id, now);
            let words = sentence(&site.name, figures.power, figures.today, facts.sample);
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
struct Halves(BTreeMap<String, Half>);

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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(step: u64) -> Shown {
        let text = BTreeMap::from([("bes1.now".to_owned(), step.to_string())]);
        Shown {
            step,
            content: Content {
                text,
                ..Content::default()
            },
            ..Shown::default()
        }
    }

    #[test]
    fn a_client_that_does_not_keep_up_is_told_to_look_again_when_it_does() {
        let board = Board::new(Instant(1));
        let (_news, shown_to) = watch::channel(Arc::default());
        let (_house, stop) = watch::channel(false);
        let (events, mut waiting) = mpsc::channel(WAITING);
        let mut listener = Listener {
            shown: shown_to,
            stop,
            events,
            last_id: None,
            behind: 0,
        };
        assert!(listener.tell(&board, None, &shown(1)));
        for step in 2..=9 {
            assert!(
                listener.tell(&board, Some(&shown(step - 1)), &shown(step)),
                "never a hang"
            );
        }
        assert_eq!(listener.behind, 5, "steps 5 to 9 were not told");
        let mut read = || {
            std::iter::from_fn(|| waiting.try_recv().ok())
                .map(|event| format!("{event:?}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(read().len(), WAITING);
        assert!(listener.tell(&board, Some(&shown(9)), &shown(10)));
        let told = read();
        assert!(
            told[0].contains("event: live") && told[1].contains("event: refetch"),
            "{told:?}"
        );
        assert_eq!(listener.behind, 0);
        drop(waiting);
        assert!(
            !listener.tell(&board, Some(&shown(10)), &shown(11)),
            "it has left"
        );
    }
}
