//! Many documents on all cores, in any order, handed over one at a time.

use std::{
    num::NonZero,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

/// Documents that may wait to be taken, for each worker.
const WAITING: usize = 8;
/// After so many documents, what typst remembers of the oldest is let go.
const BATCH: usize = 200;

/// Workers that this machine has cores for.
#[must_use]
pub fn workers() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does `work` for each of `jobs` on `workers` threads and hands what it gives to `take` on this one,
/// with the job's place, as it is done.
///
/// # Errors
/// The first error that `take` gives; the rest is not begun.
pub fn each<J: Sync, M: Send, E>(
    jobs: &[J],
    workers: usize,
    work: impl Fn(&J) -> M + Sync,
    mut take: impl FnMut(usize, M) -> Result<(), E>,
) -> Result<(), E> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (done, made) = sync_channel(WAITING * workers.max(1));
        for _ in 0..workers.max(1) {
            let (done, next, stop, work) = (done.clone(), &next, &stop, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(place) else { break };
                    if done.send((place, work(job))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(done);
        let mut outcome = Ok(());
        for (count, (place, one)) in made.into_iter().enumerate() {
            outcome = take(place, one);
            if outcome.is_err() {
                stop.store(true, Ordering::Relaxed);
                break;
            }
            if count % BATCH == BATCH - 1 {
                super::forget();
            }
        }
        super::forget();
        outcome
    })
}
