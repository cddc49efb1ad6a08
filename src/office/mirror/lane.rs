//! The mirror of one society: from its journal to batches of points, and the cursor behind them.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant as Monotonic},
};

use domain::calendar::{Instant, LocalDay};
use influx::{Batch, Delivery, Outcome, Server, Trouble};
use records::{Decoded, KIND_DECISION, directory::Directory, ongoing::PowerPoints};

use super::{
    MirrorSettings, MirrorStatus,
    cursor::{Cursor, Owed},
    dead::{self, DeadLetters},
    points::{self, Out},
};
use crate::{
    answer::{Answer, OrOurs},
    known::Known,
    projector::{decode, directory_of},
    society::SocietyOffice,
};

/// How often the cursor goes to disk while points go out.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// What a step did.
pub(super) enum Moved {
    Something,
    Nothing,
    Kept { why: Trouble, pause: Duration },
}

/// One society's mirror.
pub(super) struct Lane {
    file: PathBuf,
    dead_letters: PathBuf,
    /// What the server has.
    cursor: Cursor,
    /// Whether the disk says so as well.
    is_kept: bool,
    kept_at: Option<Monotonic>,
    /// Batches that go out before the cursor becomes `then`.
    outgoing: VecDeque<Batch>,
    then: Option<Cursor>,
    delivery: Delivery,
    heads: points::Heads,
    places: Option<(Arc<Known>, Directory, PowerPoints)>,
    energy_every: Duration,
    energy_sent: Option<Monotonic>,
    /// The meter point whose series were settled for the energy that goes out now.
    settled: Option<String>,
}

impl Lane {
    pub(super) fn open(folder: &Path, slug: &str, settings: &MirrorSettings) -> Answer<Lane> {
        let target = &settings.target;
        let name = format!("{} {} {}", target.url, target.org, target.bucket);
        let file = folder.join(format!("{slug}.json"));
        let cursor = Cursor::load(&file, &name);
        // Two societies, or two daemons, should not come back at the same moment.
        let seed = slug
            .bytes()
            .fold(u64::from(std::process::id()), |seed, byte| {
                seed.rotate_left(7) ^ u64::from(byte)
            });
        Ok(Lane {
            file,
            dead_letters: folder.join(format!("{slug}.dead-letters")),
            cursor,
            is_kept: true,
            kept_at: None,
            outgoing: VecDeque::new(),
            then: None,
            delivery: Delivery::new(seed),
            heads: points::Heads::new(slug),
            places: None,
            energy_every: settings.energy_every,
            energy_sent: None,
            settled: None,
        })
    }

    pub(super) fn status(&self) -> MirrorStatus {
        MirrorStatus {
            position: self.cursor.position,
            points: self.cursor.points,
            dead: self.cursor.dead,
            energy_behind: self.cursor.owed.len() as u64,
            ..MirrorStatus::default()
        }
    }

    /// What the server does not take.
    pub(super) fn dead_letters(&self, slug: &str) -> Answer<DeadLetters> {
        DeadLetters::read(slug, self.cursor.dead, &self.dead_letters)
    }

    /// Counts dead letters from nothing again.
    pub(super) fn forget_dead(&mut self) -> Answer<()> {
        dead::forget(&self.dead_letters)?;
        self.cursor.dead = 0;
        if let Some(then) = &mut self.then {
            then.dead = 0;
        }
        self.cursor.keep(&self.file)
    }

    /// Begins again for what was read from a day on.
    pub(super) fn back_fill(&mut self, from: Instant, day: LocalDay, size: u64) -> Answer<()> {
        self.cursor.begin_again(from.0, size);
        for owed in self.cursor.owed.values_mut() {
            owed.from_day = owed.from_day.min(day.0);
        }
        self.cursor.keep(&self.file)
    }

    /// Sends a batch, or finds the next ones.
    pub(super) fn step(
        &mut self,
        society: &SocietyOffice,
        server: &Server,
        now: Instant,
        at_once: bool,
    ) -> Answer<Moved> {
        if let Some(batch) = self.outgoing.front() {
            return match self.delivery.send(batch, server) {
                Outcome::Written => {
                    self.note_dead()?;
                    if let (Some(batch), Some(then)) = (self.outgoing.pop_front(), &mut self.then) {
                        then.points += batch.len() as u64;
                    }
                    self.keep_when_out()?;
                    Ok(Moved::Something)
                }
                Outcome::Later { why, pause } => Ok(Moved::Kept { why, pause }),
            };
        }
        if self.take_reads(society, now)?
            || self.take_forecast(society, now)?
            || self.take_energy(society, now, at_once)?
        {
            self.keep_when_out()?;
            return Ok(Moved::Something);
        }
        self.keep()?;
        Ok(Moved::Nothing)
    }

    /// The cursor moves when the last batch is out. On disk it may be behind: what it has not noted
    /// goes out once more after a restart.
    fn keep_when_out(&mut self) -> Answer<()> {
        if self.outgoing.is_empty()
            && let Some(then) = self.then.take()
        {
            self.cursor = then;
            self.is_kept = false;
        }
        match self.kept_at.is_none_or(|at| at.elapsed() >= KEEP_EVERY) {
            true => self.keep(),
            false => Ok(()),
        }
    }

    fn keep(&mut self) -> Answer<()> {
        if !self.is_kept {
            self.cursor.keep(&self.file)?;
            self.is_kept = true;
            self.kept_at = Some(Monotonic::now());
        }
        Ok(())
    }

    /// Makes points of the next records; false when there are none.
    fn take_reads(&mut self, society: &SocietyOffice, now: Instant) -> Answer<bool> {
        let reader = society.committer().reader();
        let size = reader.size();
        let mut then = self.cursor.clone();
        if then.position > size {
            // The journal was restored from a copy.
            then.begin_again(i64::MIN, size);
        }
        let known = society.known();
        self.learn(&known, &mut then);
        let Some(batch) = reader.batches(then.position).next() else {
            let changed = then != self.cursor;
            if changed {
                self.then = Some(then);
            }
            return Ok(changed);
        };
        let batch = batch.or_ours("the society's journal")?;
        let Some((_, directory, powers)) = &self.places else {
            return Ok(false);
        };
        let mut out = Out::default();
        let mut decoded = Decoded::default();
        let mut next = then.position;
        for record in batch.iter() {
            decode(record.bytes, directory, &known, &mut decoded)?;
            for read in decoded.unplaced.drain(..) {
                let name = format!("{} {}", read.meter, read.register);
                then.note_unplaced(name, record.index);
            }
            next = record.index + 1;
            if record.bytes.first() == Some(&KIND_DECISION) {
                points::owe_everything(&known, &mut then);
            }
        }
        then.ongoing.take(&mut decoded, directory, powers);
        let from_ms = match then.again {
            Some(again) if then.position < again.upto => again.from_ms,
            _ => i64::MIN,
        };
        for read in &decoded.placed {
            // It waits for a person, and must not take the place of the meter's own.
            if read.source.is_of_other_gateway() {
                continue;
            }
            if read.at.0 >= from_ms {
                points::owe(&known, read, now, &mut then);
                self.heads.read(&known, read, &mut out);
            }
            let newest = then.newest.entry(read.series.0).or_insert(read.at.0);
            *newest = (*newest).max(read.at.0);
        }
        for interval in &decoded.intervals {
            if interval.half_hour.start().0 >= from_ms {
                let day = known.zone.day_of_half_hour(interval.half_hour);
                let owed = Owed {
                    from_day: day.0,
                    judged_again: false,
                    late: false,
                };
                then.touch(&interval.point, day.0);
                then.owe(&interval.point, owed);
            }
        }
        then.position = next;
        then.again = then.again.filter(|again| next < again.upto);
        self.send(out, then)?;
        Ok(true)
    }

    /// These points go out before the cursor becomes `then`; those nobody could take are noted.
    fn send(&mut self, mut out: Out, mut then: Cursor) -> Answer<()> {
        then.dead += out.unfit;
        if !out.unsent.is_empty() {
            dead::append(&self.dead_letters, &std::mem::take(&mut out.unsent))?;
        }
        self.outgoing = out.into_batches();
        self.then = Some(then);
        Ok(())
    }

    /// Makes points of the forecast, when a decision may have changed it or a new year has come;
    /// false when it is out.
    fn take_forecast(&mut self, society: &SocietyOffice, now: Instant) -> Answer<bool> {
        let known = society.known();
        let until = known.zone.day_of(now).year() + 1;
        if self.cursor.forecast_until >= until {
            return Ok(false);
        }
        let mut then = self.cursor.clone();
        then.forecast_until = until;
        let mut out = Out::default();
        self.heads.forecast(&known, now, &mut out)?;
        self.send(out, then)?;
        Ok(true)
    }

    /// Takes in a changed document: where reads belong, and what can be placed now.
    fn learn(&mut self, known: &Arc<Known>, then: &mut Cursor) {
        let is_new = self
            .places
            .as_ref()
            .is_none_or(|(of, ..)| !Arc::ptr_eq(of, known));
        if !is_new {
            return;
        }
        let directory = directory_of(known);
        let placed: Vec<u64> = then
            .unplaced
            .iter()
            .filter(|(name, _)| {
                let (meter, register) = name.rsplit_once(' ').unwrap_or((name, ""));
                let register = register.parse().ok();
                register.is_some_and(|register| directory.find(meter, register).is_some())
            })
            .map(|(_, record)| *record)
            .collect();
        if !placed.is_empty() {
            // What they sent before they were entered counts now; it went by unseen.
            then.begin_again(i64::MIN, then.position);
        }
        self.places = Some((Arc::clone(known), directory, known.power_points()));
        self.heads.forget();
    }

    /// Makes points of the energy that is owed; false when none is due.
    fn take_energy(
        &mut self,
        society: &SocietyOffice,
        now: Instant,
        at_once: bool,
    ) -> Answer<bool> {
        let is_due = at_once
            || self
                .energy_sent
                .is_none_or(|sent| sent.elapsed() >= self.energy_every);
        if !is_due {
            return Ok(false);
        }
        let known = society.known();
        let Some((point, owed)) = self.cursor.owed.first_key_value() else {
            self.energy_sent = Some(Monotonic::now());
            return Ok(false);
        };
        let mut then = self.cursor.clone();
        let mut out = Out::default();
        let days = self.cursor.days.get(point).copied();
        match days.filter(|_| known.points.contains_key(point)) {
            Some((first, last)) => {
                // Settled once for all the years of a meter point, not to keep the series from their
                // work.
                let goes_on = self.settled.as_ref() == Some(point);
                if !goes_on {
                    society.ask(&known.series_of_point(point), |_| Ok(()))?;
                    self.settled = Some(point.clone());
                }
                let rest = society.look(|series| {
                    let from = match owed.late {
                        true => {
                            let days = (LocalDay(first).previous(), LocalDay(owed.from_day));
                            points::walk_back(series, &known, point, days, now)?
                        }
                        false => LocalDay(owed.from_day),
                    };
                    // Nothing lies beyond the days around what was said; a year's energy at a time.
                    let from = from.max(LocalDay(first).previous());
                    let ends = self.cursor.ends.get(point).filter(|_| !goes_on);
                    let from = ends.map_or(from, |ends| from.min(LocalDay(*ends)));
                    let end = known.zone.day_of(now).min(LocalDay(last).next());
                    let last = from.plus(points::DAYS_AT_ONCE - 1).min(end);
                    if from <= last {
                        let days = from..=last;
                        let again = owed.judged_again;
                        let ends = self
                            .heads
                            .energy(series, &known, point, days, now, again, &mut out)?;
                        if let Some(day) = ends {
                            then.ends.insert(point.clone(), day.0);
                        }
                    }
                    Ok((last < end).then(|| last.next()))
                })?;
                if let Some(rest) = rest {
                    let rest = Owed {
                        from_day: rest.0,
                        late: false,
                        ..*owed
                    };
                    then.owed.insert(point.clone(), rest);
                } else {
                    then.owed.remove(point);
                    self.settled = None;
                }
            }
            None => drop(then.owed.remove(point)),
        }
        self.send(out, then)?;
        Ok(true)
    }

    /// Writes down what the server does not take.
    fn note_dead(&mut self) -> Answer<()> {
        let dead = std::mem::take(&mut self.delivery.dead);
        if dead.is_empty() {
            return Ok(());
        }
        if let Some(then) = &mut self.then {
            then.dead += dead.len() as u64;
        }
        dead::append(&self.dead_letters, &dead)
    }
}
