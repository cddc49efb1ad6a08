//! The mirror: reads, half-hour energy and roll-ups flow out of the journal to a server that speaks
//! the API of InfluxDB 2.
//!
//! A society's mirror is a walk along its journal with a durable cursor ([`cursor`]). What lies
//! between the cursor and the journal's end becomes points ([`points`]) whose times come from the
//! reads themselves, so that sending them twice changes nothing; only when the server has them on
//! disk does the cursor move. Several values at one instant of one register stand in the order of
//! the journal: the last one remains, whatever was sent how often.
//!
//! Energy follows the reads: the days that reads touched are remembered with the cursor and written
//! from the series once these are settled. A half hour of which nothing is known is not written,
//! unless something was there before: then it is written with `covered_ms` 0.
//!
//! A mirror is never a source of money or of a report, and it cannot slow intake: it reads the
//! journal's files from a thread of its own, holds one batch of records at a time, and waits as long
//! as it must. Nobody waits for it.

mod check;
mod cursor;
mod dead;
mod lane;
mod points;
mod store;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant as Monotonic},
};

use domain::calendar::{Instant, LocalDay, Period};
use influx::{
    Server, Target, Trouble,
    setup::{FirstOperator, Made},
};

pub use check::{Checked, Difference};
pub use dead::DeadLetters;
pub use store::ChartStore;

use super::{
    Office,
    answer::{Answer, OrOurs, Refusal, refuse},
    folder,
    society::SocietyOffice,
};
use config::{Influx, MirrorMode};
use lane::{Lane, Moved};

/// Where a mirror is, from `[influx]`.
#[derive(Clone, Debug)]
pub struct MirrorSettings {
    /// The server.
    pub target: Target,
    /// Where its token is.
    pub token_file: PathBuf,
    /// Longest wait of energy behind its reads.
    pub energy_every: Duration,
    /// Whether charts read from it.
    pub is_store: bool,
}

impl MirrorSettings {
    /// What `[influx]` says; none when there is no mirror. A token file that is not there yet is an
    /// empty token: set-up makes it.
    ///
    /// # Errors
    /// When a key is missing or the token cannot be read.
    pub fn of(config: &Influx) -> Answer<Option<MirrorSettings>> {
        if config.mode == MirrorMode::Off {
            return Ok(None);
        }
        for (key, value) in [("url", &config.url), ("bucket", &config.bucket)] {
            if value.is_empty() {
                return refuse(format!(
                    "influx.{key} is empty\nhint: name it in commonwatt.toml"
                ));
            }
        }
        let token_file = PathBuf::from(&config.token_file);
        let token = match token_file.exists() {
            true => secret_in(&token_file)?,
            false => String::new(),
        };
        let authority = match config.ca_file.as_str() {
            "" => Vec::new(),
            file => fs::read(file)
                .map_err(|e| Refusal::Caller(format!("influx.ca_file: `{file}`: {e}")))?,
        };
        Ok(Some(MirrorSettings {
            target: Target {
                url: config.url.clone(),
                org: config.org.clone(),
                bucket: config.bucket.clone(),
                token,
                authority,
            },
            token_file,
            energy_every: Duration::from_secs(config.energy_interval_s),
            is_store: config.mode == MirrorMode::Store,
        }))
    }
}

/// The secret in a file, without the end of its line.
///
/// # Errors
/// When it cannot be read.
pub fn secret_in(file: &Path) -> Answer<String> {
    let text = fs::read_to_string(file)
        .map_err(|e| Refusal::Caller(format!("`{}`: {e}", file.display())))?;
    let secret = text.trim_end();
    if secret.contains(char::is_control) {
        return refuse(format!(
            "`{}` has more than one line\nhint: the file of a token or password has it on its only line",
            file.display()
        ));
    }
    Ok(secret.to_owned())
}

/// The file that a token goes to, made and open before the token is: readable by its owner alone.
fn token_file(path: &Path) -> Answer<fs::File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .and_then(|file| {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            Ok(file)
        })
        .map_err(|e| {
            Refusal::Caller(format!(
                "influx.token_file: `{}`: {e}\nhint: nothing was asked of the server yet",
                path.display()
            ))
        })
}

/// Makes the bucket, and a token for it alone that is put in the token file (mode 0600). `first` is
/// the name and password of a new server's first operator, or empty; `operator` the token of an
/// operator, or empty.
///
/// # Errors
/// When the server does not let us, or the file cannot be written.
pub fn set_up(
    settings: &MirrorSettings,
    first: (&str, &str),
    operator: &str,
    keep_days: u16,
) -> Answer<Made> {
    use std::io::Write as _;
    if settings.token_file.as_os_str().is_empty() {
        return refuse("influx.token_file is empty\nhint: name the file the token should go to");
    }
    let mut file = token_file(&settings.token_file)?;
    let mut target = settings.target.clone();
    if !operator.is_empty() {
        operator.clone_into(&mut target.token);
    }
    let first = (!first.0.is_empty()).then(|| FirstOperator {
        name: first.0.to_owned(),
        password: first.1.to_owned(),
    });
    let made = influx::setup::set_up(&target, first.as_ref(), i32::from(keep_days) * 86_400)
        .map_err(|e| match e {
            Trouble::Refused(_) | Trouble::Denied { status: 404, .. } => Refusal::Caller(format!(
                "{e}\nhint: only InfluxDB 2 is set up like this; VictoriaMetrics has no tokens and needs no set-up"
            )),
            e => Refusal::Caller(e.to_string()),
        })?;
    file.set_len(0)
        .and_then(|()| file.write_all(format!("{}\n", made.token).as_bytes()))
        .map_err(|e| Refusal::Caller(format!("`{}`: {e}", settings.token_file.display())))?;
    Ok(made)
}

/// How the mirror of one society is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MirrorStatus {
    /// The society.
    pub society: String,
    /// Records of the journal that are out.
    pub position: u64,
    /// Records of the journal.
    pub size: u64,
    /// Points the server took, since this mirror began.
    pub points: u64,
    /// Points the server does not take; they are listed in the mirror's folder.
    pub dead: u64,
    /// Meter points whose energy is behind their reads.
    pub energy_behind: u64,
    /// What keeps it, if anything does.
    pub trouble: Option<String>,
}

impl MirrorStatus {
    /// In a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = format!(
            "{} of {} records and {} points are out",
            self.position, self.size, self.points
        );
        if self.energy_behind > 0 {
            text += &format!("; energy of {} meter points follows", self.energy_behind);
        }
        if self.dead > 0 {
            text += &format!("; {} points are not taken", self.dead);
        }
        if let Some(why) = &self.trouble {
            text += &format!("; it waits: {why}");
        }
        text
    }
}

/// What a step brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something went out; more may be there.
    Moved,
    /// Everything is out.
    Idle,
    /// The server keeps us waiting.
    Wait(Duration),
}

/// The mirror of all societies of a data folder.
pub struct Mirror {
    settings: MirrorSettings,
    folder: PathBuf,
    store: Option<ChartStore>,
    work: Mutex<Work>,
    status: Mutex<BTreeMap<String, MirrorStatus>>,
}

struct Work {
    server: Server,
    lanes: BTreeMap<String, Lane>,
    resume: BTreeMap<String, Monotonic>,
}

impl Mirror {
    /// A mirror whose cursors lie in `DATA/mirror`; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL cannot be used or the folder not be made.
    pub fn new(settings: MirrorSettings, data: &Path) -> Answer<Mirror> {
        let server = Server::new(&settings.target).map_err(|e| Refusal::Caller(e.to_string()))?;
        let folder = data.join("mirror");
        folder::make(&folder)?;
        let store = match settings.is_store {
            true => Some(ChartStore::new(&settings.target)?),
            false => None,
        };
        Ok(Mirror {
            settings,
            folder,
            store,
            work: Mutex::new(Work {
                server,
                lanes: BTreeMap::new(),
                resume: BTreeMap::new(),
            }),
            status: Mutex::default(),
        })
    }

    /// Where it goes.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.settings.target
    }

    /// Where charts read their series, when that is here.
    #[must_use]
    pub fn store(&self) -> Option<&ChartStore> {
        self.store.as_ref()
    }

    /// How it is, by society.
    #[must_use]
    pub fn status(&self, office: &Office) -> Vec<MirrorStatus> {
        let known = held(&self.status).clone();
        let of = |society: &Arc<SocietyOffice>| {
            // One that has not been looked at since the start stands where its file says.
            let mut status = known.get(society.slug()).cloned().unwrap_or_else(|| {
                Lane::open(&self.folder, society.slug(), &self.settings)
                    .map_or_else(|_| MirrorStatus::default(), |lane| lane.status())
            });
            society.slug().clone_into(&mut status.society);
            status.size = society.committer().reader().size();
            status
        };
        office.societies().iter().map(of).collect()
    }

    /// Points of a society that are out.
    #[must_use]
    pub fn points_out(&self, slug: &str) -> u64 {
        held(&self.status)
            .get(slug)
            .map_or(0, |status| status.points)
    }

    /// The points of a society that the server does not take.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn dead_letters(&self, society: &SocietyOffice) -> Answer<DeadLetters> {
        // From the files, so that nobody waits for a server that hangs.
        Lane::open(&self.folder, society.slug(), &self.settings)?.dead_letters(society.slug())
    }

    /// Forgets the dead letters of a society: the list is gone and counts from nothing.
    ///
    /// # Errors
    /// When the list cannot be taken away.
    pub fn forget_dead_letters(&self, society: &SocietyOffice) -> Answer<()> {
        let mut work = held(&self.work);
        let slug = society.slug();
        let mut fresh = None;
        let lane = match work.lanes.get_mut(slug) {
            Some(lane) => lane,
            None => fresh.insert(Lane::open(&self.folder, slug, &self.settings)?),
        };
        lane.forget_dead()?;
        let status = lane.status();
        if let Some(shown) = held(&self.status).get_mut(slug) {
            shown.dead = status.dead;
        }
        Ok(())
    }

    /// Sends one portion for each society that has something to send.
    ///
    /// # Errors
    /// When the journal, the series or the cursor cannot be read or kept: ours, not the server's.
    pub fn step(&self, office: &Office, now: Instant) -> Answer<Step> {
        let mut work = held(&self.work);
        let mut all = Step::Idle;
        for society in office.societies() {
            let waits = work
                .resume
                .get(society.slug())
                .map(|until| until.saturating_duration_since(Monotonic::now()));
            if let Some(left) = waits.filter(|left| !left.is_zero()) {
                all = all.with(Step::Wait(left));
                continue;
            }
            all = all.with(self.step_of(&mut work, &society, now, false)?);
        }
        Ok(all)
    }

    fn step_of(
        &self,
        work: &mut Work,
        society: &SocietyOffice,
        now: Instant,
        at_once: bool,
    ) -> Answer<Step> {
        let slug = society.slug();
        if !work.lanes.contains_key(slug) {
            let lane = Lane::open(&self.folder, slug, &self.settings)?;
            work.lanes.insert(slug.to_owned(), lane);
        }
        let Some(lane) = work.lanes.get_mut(slug) else {
            return Ok(Step::Idle);
        };
        let moved = lane.step(society, &work.server, now, at_once);
        let mut status = lane.status();
        let step = match moved {
            Ok(Moved::Something) => Step::Moved,
            Ok(Moved::Nothing) => Step::Idle,
            Ok(Moved::Kept { why, pause }) => {
                status.trouble = Some(why.to_string());
                work.resume
                    .insert(slug.to_owned(), Monotonic::now() + pause);
                Step::Wait(pause)
            }
            Err(refusal) => {
                status.trouble = Some(refusal.to_string());
                held(&self.status).insert(slug.to_owned(), status);
                return Err(refusal);
            }
        };
        let before = held(&self.status).insert(slug.to_owned(), status.clone());
        let before = before.and_then(|status| status.trouble);
        match (&before, &status.trouble) {
            (None, Some(why)) => {
                tracing::warn!(
                    society = slug,
                    why,
                    "the mirror waits; nothing is lost: it goes on from its cursor"
                );
            }
            (Some(_), None) if step == Step::Moved => {
                tracing::info!(society = slug, "the mirror goes on");
            }
            _ => {}
        }
        Ok(step)
    }

    /// Sends again everything of a society that was read at `from` or later.
    ///
    /// # Errors
    /// When the cursor cannot be kept.
    pub fn back_fill(&self, society: &SocietyOffice, from: LocalDay) -> Answer<()> {
        let mut work = held(&self.work);
        let start = society.known().zone.day_span(from).start;
        let mut lane = Lane::open(&self.folder, society.slug(), &self.settings)?;
        lane.back_fill(start, from, society.committer().reader().size())?;
        work.lanes.insert(society.slug().to_owned(), lane);
        work.resume.remove(society.slug());
        Ok(())
    }

    /// Sends until everything of a society is out.
    ///
    /// # Errors
    /// When the server keeps us waiting: what is left goes out later.
    pub fn drain(
        &self,
        society: &SocietyOffice,
        now: Instant,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Answer<MirrorStatus> {
        self.drain_in(&mut held(&self.work), society, now, tell)
    }

    fn drain_in(
        &self,
        work: &mut Work,
        society: &SocietyOffice,
        now: Instant,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Answer<MirrorStatus> {
        loop {
            let step = self.step_of(work, society, now, true)?;
            let mut status = held(&self.status)
                .get(society.slug())
                .cloned()
                .unwrap_or_default();
            society.slug().clone_into(&mut status.society);
            status.size = society.committer().reader().size();
            tell(status.position, status.size);
            match step {
                Step::Moved => {}
                Step::Idle => return Ok(status),
                Step::Wait(_) => {
                    return refuse(format!(
                        "the mirror of `{}` waits at record `{}` of `{}`: {}",
                        society.slug(),
                        status.position,
                        status.size,
                        status.trouble.unwrap_or_default()
                    ));
                }
            }
        }
    }

    /// Compares the server with the journal, by register and by meter point, day by day: how many,
    /// and their sum. The mirror is brought up to date first and stands still meanwhile.
    ///
    /// # Errors
    /// When the server does not answer, or cannot answer Flux.
    pub fn check(
        &self,
        society: &SocietyOffice,
        span: Option<Period>,
        now: Instant,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Answer<Checked> {
        let mut work = held(&self.work);
        self.drain_in(&mut work, society, now, &mut |_, _| {})?;
        check::check(society, &work.server, span, now, tell)
    }
}

impl Step {
    fn with(self, other: Step) -> Step {
        match (self, other) {
            (Step::Moved, _) | (_, Step::Moved) => Step::Moved,
            (Step::Idle, other) => other,
            (this, Step::Idle) => this,
            (Step::Wait(a), Step::Wait(b)) => Step::Wait(a.min(b)),
        }
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a file in place whole: a copy beside it, synced, renamed, the folder synced.
fn put(path: &Path, bytes: &[u8]) -> Answer<()> {
    use std::io::Write as _;
    let beside = path.with_extension("new");
    let mut file = fs::File::create(&beside).or_ours("the mirror's cursor")?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path))
        .or_ours("the mirror's cursor")?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .or_ours("the mirror's cursor")
}
