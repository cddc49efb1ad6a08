//! The thread that compresses closed segments beside intake.

use crate::compact::Compactor;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// What the thread gives way by; at 10 it has a tenth of what intake has on a processor both want.
const NICENESS: i32 = 10;

/// The thread that compresses closed segments, woken at each rotation.
pub(super) struct Compaction {
    wake: Option<SyncSender<()>>,
    compactor: Compactor,
    thread: Option<JoinHandle<()>>,
}

impl Compaction {
    pub(super) fn start(compactor: Compactor) -> Compaction {
        let compactor = compactor.gentle();
        let working = compactor.clone();
        let (wake, woken) = sync_channel(1);
        let _ = wake.try_send(());
        let thread = std::thread::Builder::new()
            .name("journal-compact".into())
            .spawn(move || {
                // Intake comes first where processors are few. Linux keeps a niceness a thread.
                if let Err(error) = rustix::process::nice(NICENESS) {
                    tracing::debug!(%error, "compression runs at the priority of intake");
                }
                while woken.recv().is_ok() {
                    if let Err(error) = working.compact_closed() {
                        tracing::warn!(%error, "a closed segment was left as it is");
                    }
                }
            })
            .ok();
        Compaction {
            wake: Some(wake),
            compactor,
            thread,
        }
    }

    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            // One pending call compresses everything that is closed by then.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Compaction {
    fn drop(&mut self) {
        self.wake = None;
        self.compactor.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
