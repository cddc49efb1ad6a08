//! What series there are and what they are judged by.
//!
//! Definitions come from above – society document, dated events, decisions – and are given again at
//! every start. The table keeps a fingerprint of each, so that one that changed while the store was
//! closed is settled from its beginning; one that changes while it is open, from where the change
//! begins to matter.

use std::{collections::BTreeSet, sync::Arc};

use domain::metering::{Decisions, Nights, Obis, SeriesId, SeriesRules};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    run::{FLUSHED, RunWriter},
    side,
    writer::{SeriesStore, put_meta, row_of},
};
use crate::{codec::block::sort_and_unite, error::StoreError};

/// What a series is and what it is judged by.
#[derive(Clone, Debug)]
pub struct SeriesDef {
    /// Its number, which the caller gives and never changes.
    pub id: SeriesId,
    /// The meter's serial.
    pub meter: Arc<str>,
    /// The register.
    pub register: Obis,
    /// What it is judged by, with its lives from the dated events.
    pub rules: Arc<SeriesRules>,
    /// What persons decided about its reads.
    pub decisions: Arc<Decisions>,
}

#[derive(Clone, Debug)]
pub(crate) struct Def {
    pub(crate) rules: Arc<SeriesRules>,
    pub(crate) decisions: Arc<Decisions>,
}

impl SeriesStore {
    /// Makes series known or changes what they are judged by. Saying the same again changes nothing.
    /// Unplaced reads of a register that becomes known are taken in. What a change touches is settled
    /// at the next flush.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed on disk then.
    pub fn define(&mut self, defs: &[SeriesDef]) -> Result<(), StoreError> {
        let tx = self.conn.transaction()?;
        let mut adopted = Vec::new();
        let mut changed = Vec::new();
        let mut fresh = Vec::new();
        {
            let mut select = tx.prepare_cached("SELECT fingerprint FROM series WHERE id = ?1")?;
            let mut put = tx.prepare_cached(
                "INSERT INTO series (id, meter, register, fingerprint) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint",
            )?;
            let mut prints = Fingerprints::default();
            for def in defs {
                let print = prints.of(def);
                let stored: Option<i64> =
                    select.query_row([def.id.0], |row| row.get(0)).optional()?;
                if stored == Some(print) {
                    continue;
                }
                put.execute(params![
                    def.id.0,
                    def.meter,
                    def.register.to_string(),
                    print
                ])?;
                if stored.is_none() {
                    adopted.append(&mut side::adopt(
                        &tx,
                        &def.meter,
                        def.register,
                        def.id.0,
                        &self.bindings,
                    )?);
                    fresh.push(((Box::from(&*def.meter), def.register), def.id.0));
                } else {
                    let old = self.defs.get(def.id.0 as usize).and_then(Option::as_ref);
                    let (since, until) = change(old, def);
                    mark_pending(&tx, def.id.0, since, until)?;
                    changed.push(def.id.0);
                }
            }
        }
        if !adopted.is_empty() {
            // Taken out of one table and into a run in one transaction.
            sort_and_unite(&mut adopted);
            let mut run = RunWriter::new(&tx, &mut self.packer, self.next_run, FLUSHED, 0, 0)?;
            run.push(&adopted)?;
            run.finish()?;
            put_meta(&tx, "next_run", self.next_run + 1)?;
            for of_one in adopted.chunk_by(|a, b| a.series == b.series) {
                mark_pending(&tx, of_one[0].series, i64::MIN, i64::MAX)?;
                changed.push(of_one[0].series);
            }
        }
        tx.commit()?;
        if !adopted.is_empty() {
            self.next_run += 1;
            self.count_runs()?;
        }
        for def in defs {
            let place = def.id.0 as usize;
            if self.defs.len() <= place {
                self.defs.resize(place + 1, None);
            }
            self.defs[place] = Some(Def {
                rules: Arc::clone(&def.rules),
                decisions: Arc::clone(&def.decisions),
            });
        }
        self.pending.extend(changed);
        // What has gathered, or is on its way here, was decoded before these were entered.
        if self.waiting().applied > 0 || !self.side.unplaced.is_empty() {
            self.fresh.extend(fresh);
        }
        Ok(())
    }

    /// Places the gathered reads of registers that were entered while they were on their way.
    pub(super) fn place_fresh(&mut self) {
        if self.fresh.is_empty() || self.side.unplaced.is_empty() {
            return;
        }
        for read in std::mem::take(&mut self.side.unplaced) {
            let key = (read.meter.clone(), read.register);
            match self.fresh.get(&key) {
                Some(series) => self.gathered.push(row_of(
                    *series,
                    read.at,
                    read.wh,
                    read.w,
                    read.received,
                    side::way_of(
                        &self.bindings,
                        &read.gateway,
                        &read.meter,
                        read.at,
                        read.source,
                    ),
                )),
                None => self.side.unplaced.push(read),
            }
        }
    }
}

pub(crate) fn def_of(defs: &[Option<Def>], series: u32) -> Option<&Def> {
    defs.get(series as usize).and_then(Option::as_ref)
}

/// Notes that a span of the series is to be settled again.
fn mark_pending(conn: &Connection, series: u32, since: i64, until: i64) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO pending (series, since, until) VALUES (?1, ?2, ?3)
         ON CONFLICT (series) DO UPDATE SET
             since = min(since, excluded.since), until = max(until, excluded.until)",
    )?
    .execute(params![series, since, until])?;
    Ok(())
}

/// The first and last instant at which definitions differ.
fn change(old: Option<&Def>, new: &SeriesDef) -> (i64, i64) {
    const EVERYTHING: (i64, i64) = (i64::MIN, i64::MAX);
    let Some(old) = old else { return EVERYTHING };
    let (a, b) = (&*old.rules, &*new.rules);
    let numbers = |r: &SeriesRules| (r.direction, r.ceiling, r.modulus, r.step);
    if numbers(a) != numbers(b) || a.nights != b.nights {
        return EVERYTHING;
    }
    // A final read bounds every read of its life, so that a life that changes does so from its start.
    let lives = [&a.lives, &b.lives].map(|lives| lives.as_slice());
    let same = lives[0]
        .iter()
        .zip(lives[1])
        .take_while(|(a, b)| a == b)
        .count();
    let changed = lives.iter().filter_map(|of| of.get(same));
    let lived = changed
        .map(|life| life.opened.map_or(i64::MIN, |mark| mark.at.0))
        .min();
    let old: BTreeSet<_> = old.decisions.iter().collect();
    let now: BTreeSet<_> = new.decisions.iter().collect();
    let decided = old.symmetric_difference(&now).map(|(at, _, _)| at.0);
    let decided: Vec<i64> = decided.collect();
    match (lived, decided.iter().min(), decided.iter().max()) {
        (Some(from), first, _) => (first.map_or(from, |first| from.min(*first)), i64::MAX),
        (None, Some(first), Some(last)) => (*first, *last),
        (None, ..) => EVERYTHING,
    }
}

/// What tells two definitions apart across a restart.
#[derive(Default)]
struct Fingerprints {
    /// Nights are large and shared by many series; they are kept so that no address comes twice.
    nights: Vec<(Arc<Nights>, u32)>,
}

impl Fingerprints {
    fn of(&mut self, def: &SeriesDef) -> i64 {
        let rules = &def.rules;
        let known = self
            .nights
            .iter()
            .find(|(nights, _)| Arc::ptr_eq(nights, &rules.nights));
        let nights = match known {
            Some((_, print)) => *print,
            None => {
                let print = crc32c::crc32c(format!("{:?}", rules.nights).as_bytes());
                self.nights.push((Arc::clone(&rules.nights), print));
                print
            }
        };
        let text = format!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?}",
            rules.version(),
            rules.direction,
            rules.ceiling,
            rules.modulus,
            rules.step,
            rules.lives,
            def.decisions,
        );
        (i64::from(nights) << 32) | i64::from(crc32c::crc32c(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        calendar::{Instant, Zone},
        metering::{Direction, Register, Source},
        quantity::{WattHours, Watts},
    };

    use super::*;
    use crate::{UnplacedRead, series::SeriesOptions};

    #[test]
    fn reads_on_their_way_when_their_register_is_entered_count() {
        let dir = tempfile::tempdir().unwrap();
        let options = SeriesOptions::new(Zone::named("UTC").unwrap());
        let mut store = SeriesStore::open(&dir.path().join("series.sqlite"), options).unwrap();
        let read = |n: i64| UnplacedRead {
            gateway: Box::default(),
            meter: "M1".into(),
            register: Obis::EXPORT,
            at: Instant(1_718_884_800_000 + n * 60_000),
            wh: WattHours(n * 7),
            w: 0,
            received: Instant(1_718_884_800_000 + n * 60_000),
            source: Source::Telemetry,
        };
        // One on disk, one gathered, one still on its way, one of another meter.
        store.apply(1, [], [read(1)]).unwrap();
        store.flush().unwrap();
        store.apply(2, [], [read(2)]).unwrap();
        let register =
            Register::new(Obis::EXPORT, Direction::Generation, 9, WattHours(1), 1).unwrap();
        let def = SeriesDef {
            id: SeriesId(0),
            meter: "M1".into(),
            register: Obis::EXPORT,
            rules: Arc::new(SeriesRules::of(
                &register,
                Some(Watts(5_000)),
                Nights::unknown(),
            )),
            decisions: Decisions::none().into(),
        };
        store.define(&[def]).unwrap();
        let other = UnplacedRead {
            gateway: Box::default(),
            meter: "M2".into(),
            ..read(4)
        };
        store.apply(3, [], [read(3), other]).unwrap();
        store.flush().unwrap();
        let reader = store.reader().unwrap();
        let waiting = reader.unplaced().unwrap();
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        let reads: i64 = store
            .conn
            .query_row("SELECT sum(reads) FROM run_block", [], |row| row.get(0))
            .unwrap();
        assert_eq!(reads, 3);
    }

    #[test]
    fn definitions_that_found_no_space_are_taken_when_there_is_some() {
        let dir = tempfile::tempdir().unwrap();
        let options = SeriesOptions::new(Zone::named("UTC").unwrap());
        let mut store = SeriesStore::open(&dir.path().join("series.sqlite"), options).unwrap();
        let waiting = (0..5_000).map(|n| UnplacedRead {
            gateway: Box::default(),
            meter: "M1".into(),
            register: Obis::EXPORT,
            at: Instant(1_718_884_800_000 + n * 60_000),
            wh: WattHours(n * 7 % 977),
            w: 0,
            received: Instant(1_718_884_800_000 + n * 60_000),
            source: Source::Telemetry,
        });
        store.apply(1, [], waiting).unwrap();
        store.flush().unwrap();
        let pages: i64 = store
            .conn
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .unwrap();
        let limit = |store: &SeriesStore, pages: i64| {
            store
                .conn
                .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
                .unwrap();
        };
        limit(&store, pages);
        let register =
            Register::new(Obis::EXPORT, Direction::Generation, 9, WattHours(1), 1).unwrap();
        let rules = SeriesRules::of(&register, Some(Watts(5_000)), Nights::unknown());
        let defs: Vec<SeriesDef> = (0..2_000)
            .map(|id| SeriesDef {
                id: SeriesId(id),
                // The one whose reads wait comes last: taking them in sets pages free.
                meter: format!("M{}", 2_000 - id).into(),
                register: Obis::EXPORT,
                rules: Arc::new(rules.clone()),
                decisions: Decisions::none().into(),
            })
            .collect();
        let refused = store.define(&defs).unwrap_err();
        assert!(refused.is_full(), "{refused}");
        assert!(store.pending.is_empty());
        limit(&store, 1 << 20);
        store.define(&defs).unwrap();
        let flushed = store.flush().unwrap();
        assert_eq!(flushed.again, [SeriesId(1_999)], "its reads had waited");
        assert!(store.reader().unwrap().unplaced().unwrap().is_empty());
    }
}
