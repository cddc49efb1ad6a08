//! The mirror's thread: it sends what is there, waits when the server makes it wait, and is never
//! waited for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant as Monotonic},
};

use crate::clock::Clock;
use config::Config;
use office::{
    Answer, Office,
    answer::OrOurs,
    mirror::{Mirror, MirrorSettings, Step},
};

/// How often it looks for new records.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long it rests after a failure of ours, such as a full disk.
const REST: Duration = Duration::from_secs(30);
/// How soon it hears that it should end.
const HEAR: Duration = Duration::from_millis(100);
/// How long the end waits for a request that hangs; what it brings is then not noted, and sent again.
const FAREWELL: Duration = Duration::from_secs(2);

/// The running mirror; dropping it ends the thread.
pub struct Mirroring {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Starts the mirror, when `[influx]` has one.
///
/// # Errors
/// When `[influx]` cannot be used.
pub fn start(config: &Config, office: &Arc<Office>, clock: &Clock) -> Answer<Option<Mirroring>> {
    let Some(settings) = MirrorSettings::of(&config.influx)? else {
        return Ok(None);
    };
    let mirror = Arc::new(Mirror::new(settings, office.folder().path())?);
    office.mirrored_by(Arc::clone(&mirror));
    let stop = Arc::new(AtomicBool::new(false));
    let (office, clock, told) = (Arc::clone(office), clock.clone(), Arc::clone(&stop));
    let thread = std::thread::Builder::new()
        .name("mirror".to_owned())
        .spawn(move || run(&mirror, &office, &clock, &told))
        .or_ours("the mirror's thread")?;
    Ok(Some(Mirroring { stop, thread }))
}

fn run(mirror: &Mirror, office: &Office, clock: &Clock, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let wait = match mirror.step(office, clock.now()) {
            Ok(Step::Moved) => continue,
            Ok(Step::Idle) => LOOK_EVERY,
            // One society waits; another may have something by then.
            Ok(Step::Wait(time)) => time.min(LOOK_EVERY),
            Err(error) => {
                tracing::error!(%error, "the mirror rests");
                REST
            }
        };
        let until = Monotonic::now() + wait;
        while !stop.load(Ordering::Acquire) && Monotonic::now() < until {
            std::thread::sleep(HEAR.min(wait));
        }
    }
}

impl Drop for Mirroring {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let until = Monotonic::now() + FAREWELL;
        while !self.thread.is_finished() && Monotonic::now() < until {
            std::thread::sleep(HEAR / 4);
        }
    }
}
