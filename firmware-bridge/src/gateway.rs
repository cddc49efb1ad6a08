//! The running gateway: sources are read, notes are kept and sent.
//!
//! One task a source, so that a device that hangs stops nobody else: it is given up after a time and
//! asked again at the next interval. Reads of one interval are gathered into a note by the session,
//! which the uplink's task owns with the backlog. A third task writes the status file. What keeps a
//! watchdog quiet ([`Pulse`]) is fed by the reading tasks and by the uplink, each of which must go
//! round.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing::{info, warn};

use crate::{
    backlog::{BacklogError, Disk},
    clock::{self, Clock, ClockState, NEVER_SET_BEFORE_MS},
    config::{Config, KeptBy},
    keys::{KeyError, KeyFolder},
    note::{Form, MeterRead, MeterState},
    session::{Session, Standing},
    source::{AnySource, Sample, Source, SourceError, modbus::Buses},
    status::{SourceStatus, Status},
    uplink::{Uplink, UplinkConfig, UplinkState},
};

/// How often the machine's clock is asked whether it is kept by a time server.
pub const CLOCK_LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often the status file is written.
pub const STATUS_EVERY: Duration = Duration::from_secs(5);

/// File beside the key that says that the daemon knows it.
pub const ENROLLED_FILE: &str = "gateway.enrolled";

/// The gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its files.
    #[error(transparent)]
    Backlog(#[from] BacklogError),
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A source that can never work so.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file that the configuration names.
    #[error("`{file}`: {what}")]
    File {
        /// Its path.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The configuration asks for what this build does not have.
    #[error("{0}")]
    Config(String),
}

/// A gateway at work.
#[derive(Debug)]
pub struct Gateway {
    uplink: Uplink,
    readers: Vec<JoinHandle<()>>,
    board: Board,
    helpers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    clock: Clock,
    longest_poll: Duration,
    config: Config,
}

/// What each source last did.
type Board = Arc<Mutex<BTreeMap<String, SourceStatus>>>;

/// Which source reads a meter's register: the first that gave it. Two that give one register would
/// be two truths about it; serial numbers that devices give themselves are known only here.
type Owners = Arc<Mutex<BTreeMap<(String, String), String>>>;

/// Counts that rise while the gateway works; a watchdog is fed only when both rose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Rounds of the uplink.
    pub uplink: u64,
    /// Intervals that the readers have been through; the slowest reader's count.
    pub reading: u64,
}

impl Gateway {
    /// Opens the backlog, raises the boot counter and starts reading. The broker need not be there.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(config: Config) -> Result<Gateway, StartError> {
        Gateway::start_telling(config, |_| {})
    }

    /// As [`Gateway::start`]; `of_kept` is told the bytes of every note when it is on disk.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start_telling(
        config: Config,
        of_kept: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Gateway, StartError> {
        let clock = Clock::system(match config.clock.kept_by {
            KeptBy::Ntp => ClockState::Unknown,
            KeptBy::Other => ClockState::Informative,
        });
        clock.look(clock::is_kept_by_ntp());
        let keys = KeyFolder::at(&config.gateway.key_folder);
        let limits = config.limits();
        let disk = Disk::open(&config.backlog.folder, config.backlog.cap_bytes)?;
        let mut session = Session::over(disk, form(&config, &keys)?, limits)?;
        let least = session.highest_boot() + 1;
        let boot = session.backlog().next_boot(least)?;
        session.start(boot);
        session.tell(of_kept);
        info!(gateway = %config.gateway.id, boot, standing = ?session.standing(), "gateway starts");
        let buses = Buses::default();
        let sources: Vec<AnySource> = config
            .sources
            .iter()
            .map(|source| AnySource::open(source, &buses))
            .collect::<Result<_, _>>()?;
        let uplink = Uplink::over(uplink(&config, &keys)?, session, limits, clock.clone());
        let give_up = Duration::from_secs(config.reading.give_up_s);
        let longest_poll = sources
            .iter()
            .map(AnySource::patience)
            .fold(give_up, Duration::max);
        let (stop, stopping) = watch::channel(false);
        let board = Board::default();
        let owners = Owners::default();
        let readers = sources
            .into_iter()
            .enumerate()
            .map(|(i, source)| {
                let reader = Reader {
                    key: format!("{i}: {}", source.name()),
                    give_up: give_up.max(source.patience()),
                    source,
                    interval_ms: config.reading.interval_ms,
                    reads: uplink.sender(),
                    clock: clock.clone(),
                    board: Arc::clone(&board),
                    owners: Arc::clone(&owners),
                };
                tokio::spawn(reader.run(stopping.clone()))
            })
            .collect();
        let mut gateway = Gateway {
            uplink,
            readers,
            board,
            helpers: Vec::new(),
            stop,
            clock,
            longest_poll,
            config,
        };
        gateway
            .helpers
            .push(tokio::spawn(look_at_clock(gateway.clock.clone())));
        gateway.helpers.push(tokio::spawn(gateway.reporter()));
        Ok(gateway)
    }

    /// What must rise for the gateway to be alive.
    pub fn pulse(&self) -> Pulse {
        let rounds = lock(&self.board).values().map(|source| source.rounds).min();
        Pulse {
            uplink: self.uplink.watch().borrow().beat,
            reading: rounds.unwrap_or(0),
        }
    }

    /// Longest time between two rises of [`Gateway::pulse`] while all is well.
    pub fn pulse_within(&self) -> Duration {
        Duration::from_millis(self.config.reading.interval_ms)
            + self.longest_poll
            + Duration::from_secs(2 * crate::uplink::BEAT_S)
    }

    /// How it stands.
    pub fn watch(&self) -> watch::Receiver<UplinkState> {
        self.uplink.watch()
    }

    /// Stops reading, keeps what was read, waits up to `grace` for receipts.
    pub async fn stop(self, grace: Duration) -> Standing {
        self.stop.send_replace(true);
        for mut reader in self.readers {
            if timeout(Duration::from_secs(1), &mut reader).await.is_err() {
                warn!("a source did not stop in time");
                reader.abort();
            }
        }
        for helper in self.helpers {
            helper.abort();
        }
        let end = self.uplink.stop(grace).await;
        write_status(&self.config, &self.clock, &self.board, end, false);
        end.standing
    }

    fn reporter(&self) -> impl Future<Output = ()> + Send + 'static {
        let (config, clock) = (self.config.clone(), self.clock.clone());
        let (board, state) = (Arc::clone(&self.board), self.uplink.watch());
        async move {
            loop {
                let now = *state.borrow();
                write_status(&config, &clock, &board, now, true);
                sleep(STATUS_EVERY).await;
            }
        }
    }
}

struct Reader {
    /// Its place in the configuration and its name.
    key: String,
    source: AnySource,
    interval_ms: u64,
    give_up: Duration,
    reads: mpsc::Sender<MeterRead>,
    clock: Clock,
    board: Board,
    owners: Owners,
}

impl Reader {
    async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let mut due = Instant::now() + self.until_next();
        loop {
            tokio::select! {
                // An error means that the gateway was dropped.
                _ = stopping.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep_until(due) => {}
            }
            self.round().await;
            due = Instant::now() + self.until_next();
        }
    }

    /// To the next whole multiple of the interval by the wall clock, wherever that was moved to.
    fn until_next(&self) -> Duration {
        let wall_ms = self.clock.now().wall.as_millisecond();
        let into = wall_ms.rem_euclid(i64::try_from(self.interval_ms).unwrap_or(i64::MAX));
        let wait_ms = self.interval_ms - into.unsigned_abs();
        // A wall clock that is slowed down is a little before the multiple when its time has come.
        let is_same = wait_ms < self.interval_ms / 10;
        Duration::from_millis(wait_ms + if is_same { self.interval_ms } else { 0 })
    }

    async fn round(&mut self) {
        let polled = timeout(self.give_up, self.source.poll()).await;
        let at = self.clock.now().wall;
        let mut failure = None;
        let mut taken = Vec::new();
        match polled {
            Ok(Ok(samples)) => taken.extend(samples.into_iter().map(|sample| stamp(sample, at))),
            Ok(Err(error)) => failure = Some(error.to_string()),
            Err(_) => failure = Some(format!("no answer within {} s", self.give_up.as_secs())),
        }
        taken.retain(|read: &MeterRead| match self.owner_beside(read) {
            None => true,
            Some(other) => {
                failure = Some(format!(
                    "register `{}` of meter `{}` is read by source `{other}` too\nhint: give one of them another `meter`, or take it out",
                    read.register, read.meter
                ));
                false
            }
        });
        for read in &taken {
            if !read.fits() {
                failure = Some(format!(
                    "read of meter `{}` register `{}` with `{}` Wh fits no note",
                    read.meter, read.register, read.wh
                ));
            } else if self.reads.send(read.clone()).await.is_err() {
                return;
            }
        }
        let mut board = lock(&self.board);
        let entry = board.entry(self.key.clone()).or_default();
        if failure != entry.failure {
            // Once, when it changes; a meter that is off at night would fill the log.
            match &failure {
                Some(why) => warn!(source = %self.key, "{why}"),
                None => info!(source = %self.key, "source answers"),
            }
        }
        entry.after(at, &taken, failure, self.source.remark());
    }

    /// The other source that gives this read's register.
    fn owner_beside(&self, read: &MeterRead) -> Option<String> {
        let register = (read.meter.clone(), read.register.clone());
        match lock(&self.owners).entry(register) {
            Entry::Vacant(free) => {
                free.insert(self.key.clone());
                None
            }
            Entry::Occupied(taken) => (*taken.get() != self.key).then(|| taken.get().clone()),
        }
    }
}

fn stamp(sample: Sample, at: Timestamp) -> MeterRead {
    MeterRead {
        meter: sample.meter,
        register: sample.register,
        // A meter whose own clock was never set has no time of its own.
        at: sample
            .meter_time
            .filter(|own| own.as_millisecond() >= NEVER_SET_BEFORE_MS)
            .unwrap_or(at),
        wh: i64::try_from(sample.wh).unwrap_or(-1),
        w: sample.w.map(i64::from),
        state: MeterState::from_letter(sample.state.letter()).unwrap_or(MeterState::OtherError),
    }
}

async fn look_at_clock(clock: Clock) {
    loop {
        sleep(CLOCK_LOOK_EVERY).await;
        let is_kept = tokio::task::spawn_blocking(clock::is_kept_by_ntp);
        clock.look(is_kept.await.unwrap_or(false));
    }
}

fn write_status(config: &Config, clock: &Clock, board: &Board, state: UplinkState, running: bool) {
    let sources = lock(board).clone();
    let status = Status::new(&config.gateway.id, running, clock.now(), state, sources);
    if let Err(error) = status.write(&config.status.file) {
        // The status is a convenience; without its folder there is none.
        tracing::debug!(%error, file = %config.status.file.display(), "status is not written");
    }
}

/// Signed once the gateway is enrolled. The key is made at the first start.
fn form(config: &Config, keys: &KeyFolder) -> Result<Form, KeyError> {
    if !config.gateway.sign {
        return Ok(Form::Json);
    }
    let key = keys.key()?;
    Ok(
        match config.gateway.key_folder.join(ENROLLED_FILE).exists() {
            false => Form::Json,
            true => Form::Signed {
                gateway: config.gateway.id.as_str().into(),
                key: Arc::new(key),
            },
        },
    )
}

/// Where to publish, from the configuration and the files it names.
///
/// # Errors
/// [`StartError`].
pub fn uplink(config: &Config, keys: &KeyFolder) -> Result<UplinkConfig, StartError> {
    let (host, port, tls) = config.address().map_err(StartError::Config)?;
    let wanted = &config.uplink;
    let mut uplink = UplinkConfig::new(host, port, &config.gateway.id);
    uplink.user = (!wanted.user.is_empty()).then(|| wanted.user.clone());
    uplink.token = match (&wanted.password, &wanted.token_file) {
        (password, _) if !password.is_empty() => Some(password.clone()),
        (_, file) if !file.as_os_str().is_empty() => {
            Some(String::from_utf8_lossy(&read(file)?).trim_end().to_owned())
        }
        _ => keys.token()?,
    };
    uplink.keep_alive_s = wanted.keep_alive_s;
    uplink.replay_within_ms = wanted.replay_within_ms;
    uplink.backoff_ms.1 = wanted.retry_within_s.saturating_mul(1000);
    if tls {
        add_tls(config, &mut uplink)?;
    }
    Ok(uplink)
}

#[cfg(feature = "tls")]
fn add_tls(config: &Config, uplink: &mut UplinkConfig) -> Result<(), StartError> {
    let wanted = &config.uplink;
    let authorities = read(&wanted.ca_file)?;
    let identity = match wanted.certificate_file.as_os_str().is_empty() {
        true => None,
        false => Some((read(&wanted.certificate_file)?, read(&wanted.key_file)?)),
    };
    let identity = identity.as_ref().map(|(chain, key)| (&chain[..], &key[..]));
    let client = crate::uplink::tls::client(&authorities, identity);
    uplink.tls = Some(client.map_err(|error| StartError::Config(error.to_string()))?);
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn add_tls(_: &Config, _: &mut UplinkConfig) -> Result<(), StartError> {
    Err(StartError::Config(
        "uplink.url is `mqtts`, and this build has no TLS\nhint: build with the feature `tls`"
            .into(),
    ))
}

fn read(file: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(file).map_err(|error| StartError::File {
        file: file.display().to_string(),
        what: error.to_string(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
