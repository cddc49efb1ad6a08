//! Gateways behind a broker: the real uplink, which keeps every note until a receipt names it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use bridge::{
    clock::{Clock, ClockState},
    note::MeterRead,
    session::Limits,
    uplink::{Uplink, UplinkConfig, UplinkState},
};
use jiff::Timestamp;
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};

use crate::{
    account::{ReadKey, reads_of},
    load::Account,
};

/// A read of each roof so often.
const EVERY: Duration = Duration::from_millis(5);
/// How long the stream may take to flow again, and everything to be receipted at the end.
const PATIENCE: Duration = Duration::from_secs(60);
/// A note the broker took and forgot is sent again after so long; far less than on a real roof.
const RESEND_AFTER_MS: u64 = 2_000;

/// Several running uplinks, each fed by a meter.
pub struct Roofs {
    runtime: Runtime,
    roofs: Vec<Roof>,
    stop: Arc<AtomicBool>,
}

struct Roof {
    sent: Arc<Mutex<Vec<ReadKey>>>,
    state: watch::Receiver<UplinkState>,
    task: JoinHandle<UplinkState>,
}

impl Roofs {
    /// Starts an uplink and a meter for each account; the broker asks nobody for a password.
    pub fn start(port: u16, accounts: &[Account]) -> Self {
        Roofs::start_every(port, accounts, EVERY)
    }

    /// The same with a read of each roof so often.
    pub fn start_every(port: u16, accounts: &[Account], every: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let roofs = accounts
            .iter()
            .map(|account| {
                let mut config = UplinkConfig::new("127.0.0.1", port, account.gateway.as_str());
                config.backoff_ms = (20, 200);
                config.replay_within_ms = 50;
                let limits = Limits {
                    reads_per_note: 3,
                    note_after_ms: 50,
                    resend_after_ms: RESEND_AFTER_MS,
                    ..Limits::default()
                };
                let entered = runtime.enter();
                let uplink = Uplink::start(config, 1, limits, Clock::system(ClockState::Synced));
                drop(entered);
                let sent = Arc::default();
                let meter = account.meters[0].clone();
                Roof {
                    state: uplink.watch(),
                    task: runtime.spawn(feed(
                        uplink,
                        meter,
                        every,
                        Arc::clone(&sent),
                        Arc::clone(&stop),
                    )),
                    sent,
                }
            })
            .collect();
        Roofs {
            runtime,
            roofs,
            stop,
        }
    }

    /// Waits until each gateway has had two more receipts: the second is news, whatever a broker
    /// kept of the first.
    pub fn wait_until_receipted(&self) {
        self.wait_until_receipted_of(&(0..self.roofs.len()).collect::<Vec<_>>());
    }

    /// The same of some of the gateways, by their place among the accounts.
    pub fn wait_until_receipted_of(&self, roofs: &[usize]) {
        let before: Vec<u64> = self.states().map(|state| state.receipts).collect();
        let until = Instant::now() + PATIENCE;
        while self
            .states()
            .zip(&before)
            .enumerate()
            .any(|(roof, (state, n))| roofs.contains(&roof) && state.receipts < n + 2)
        {
            let states: Vec<UplinkState> = self.states().collect();
            assert!(Instant::now() < until, "no receipts: {states:?}");
            sleep(Duration::from_millis(10));
        }
    }

    /// Notes that a receipt named and a later one did not.
    pub fn returned(&self) -> u64 {
        self.states().map(|state| state.standing.returned).sum()
    }

    /// Stops the meters and waits until everything is receipted; each roof's reads.
    pub fn stop(self) -> Vec<Vec<ReadKey>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for roof in self.roofs {
            let state = self.runtime.block_on(roof.task).unwrap();
            assert_eq!(state.standing.unreceipted, 0, "{state:?}");
            assert_eq!(state.standing.lost_reads, 0, "{state:?}");
            all.push(std::mem::take(&mut *roof.sent.lock().unwrap()));
        }
        all
    }

    fn states(&self) -> impl Iterator<Item = UplinkState> {
        self.roofs.iter().map(|roof| *roof.state.borrow())
    }
}

async fn feed(
    uplink: Uplink,
    meter: String,
    every: Duration,
    sent: Arc<Mutex<Vec<ReadKey>>>,
    stop: Arc<AtomicBool>,
) -> UplinkState {
    let state = uplink.watch();
    let mut n = 0;
    let mut every = tokio::time::interval(every);
    let mut until = None;
    // When told to stop it goes on slowly until little is open: a broker that forgot a note is only
    // found out by a later receipt.
    while !stop.load(Ordering::Relaxed)
        || (state.borrow().standing.unreceipted > 1
            && *until.get_or_insert_with(|| Instant::now() + PATIENCE) > Instant::now())
    {
        if stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        } else {
            every.tick().await;
        }
        n += 1;
        let (at_ms, wh) = reads_of(1).nth(n);
        let read = MeterRead {
            meter: meter.clone(),
            register: "2.8.0".into(),
            at: Timestamp::from_millisecond(at_ms).unwrap(),
            wh,
            w: None,
            state: bridge::note::MeterState::Good,
        };
        uplink.read(read).await.unwrap();
        sent.lock().unwrap().push((at_ms, wh));
    }
    uplink.stop(PATIENCE).await
}
