//! Syncing beside the stream of messages: at most once a second, and never while a message waits.

use std::{
    sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::State;

/// A power cut takes at most so much of what a broker delivered.
const EVERY: Duration = Duration::from_secs(1);

/// The thread that syncs; begun by the first message.
pub(super) struct Syncer {
    state: Weak<Mutex<State>>,
    sign: Arc<Sign>,
    thread: OnceLock<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Sign {
    says: Mutex<Says>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default)]
struct Says {
    work: bool,
    end: bool,
}

impl Syncer {
    pub(super) fn of(state: &Arc<Mutex<State>>) -> Self {
        Syncer {
            state: Arc::downgrade(state),
            sign: Arc::default(),
            thread: OnceLock::new(),
        }
    }

    /// There is something to sync.
    pub(super) fn wake(&self) {
        self.thread.get_or_init(|| {
            let (state, sign) = (self.state.clone(), Arc::clone(&self.sign));
            let thread = thread::Builder::new().name("inbox".to_owned());
            thread
                .spawn(move || run(&state, &sign))
                .inspect_err(|error| tracing::error!(%error, "the inbox is not synced"))
                .ok()
        });
        let mut says = self
            .sign
            .says
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !says.work {
            says.work = true;
            self.sign.changed.notify_one();
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        let mut says = self
            .sign
            .says
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        says.end = true;
        self.sign.changed.notify_one();
        drop(says);
        if let Some(Some(thread)) = self.thread.take() {
            // Its last sync is the end of an orderly stop.
            let _ = thread.join();
        }
    }
}

fn run(state: &Weak<Mutex<State>>, sign: &Sign) {
    loop {
        let says = sign.says.lock().unwrap_or_else(PoisonError::into_inner);
        let mut says = sign
            .changed
            .wait_while(says, |says| !says.work && !says.end)
            .unwrap_or_else(PoisonError::into_inner);
        says.work = false;
        drop(says);
        if let Some(state) = state.upgrade() {
            sync(&state);
        }
        let says = sign.says.lock().unwrap_or_else(PoisonError::into_inner);
        let (says, _) = sign
            .changed
            .wait_timeout_while(says, EVERY, |says| !says.end)
            .unwrap_or_else(PoisonError::into_inner);
        if says.end {
            let work = says.work;
            drop(says);
            if let Some(state) = state.upgrade().filter(|_| work) {
                sync(&state);
            }
            return;
        }
    }
}

/// The messages are synced without holding up the next; the short list of what outlives them after.
fn sync(state: &Mutex<State>) {
    let file = {
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.files.being_written()
    };
    let synced = file.map_or(Ok(()), |file| file.sync_data());
    let kept = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.keep_if_changed()
    };
    if let Err(error) = synced.and(kept) {
        tracing::error!(%error, "the inbox could not be synced");
    }
}
