//! `/live` and `/s/{slug}/live`: server-sent events, as `view/live.rs` and `live.js` describe them.
//!
//! One task looks at the live values once a second, for all streams together, while anybody
//! listens. A stream hands on what changed since it last spoke; a client that does not keep up
//! misses the steps between and gets a `refetch` when it has room again, and one that takes nothing
//! for long loses its place. `refetch` is also sent when a half hour is complete and on disk. An
//! event's id names how many there have been, so that whoever comes back knows what it missed.

mod listener;
mod look;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
use domain::calendar::Instant;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use super::{Web, society::named, trouble::Trouble};
use listener::{Listener, WAITING};
use look::{Content, Halves, look};

/// Most streams at once; the next is told to come back.
pub const MOST_STREAMS: usize = 200;
/// How often a silent line says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

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
