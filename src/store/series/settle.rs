//! Settling: making findings and half hours of a series' reads, from where they may have changed.
//!
//! The judge of `domain` is a fold in meter-time order. Its state is stored at the start of every
//! day that has reads or energy, and at the *frontier*, behind the last read. From there
//!
//! * reads that come in order behind the frontier are folded on: the fast way, whose cost is that of
//!   the new reads and of one day row;
//! * anything else – late reads, a meter event, a decision, other rules – starts again at the day
//!   that holds the last accepted read before the earliest change, and goes on until a day starts
//!   with the state that was stored for it: from there everything is as it was.
//!
//! What comes out is compared with what is stored; only rows that differ are written, and their days
//! are the periods that were re-opened. Energy that an advance carries over midnight needs the first
//! point after it, so days wait in [`Fold::open`] until that point comes.
//!
//! A read more than 24 hours ahead of our clock is refused whatever else is there. While it is the
//! last one it is judged aside, so that one read of the year 2099 does not make every later read a
//! late one.

use std::{collections::BTreeMap, ops::ControlFlow};

use domain::{
    calendar::{HalfHours, Instant, LocalDay, Zone},
    metering::{
        FoldState, Mark, Point, Read, SeriesId, Source, Step,
        energy::{self, HalfHourEnergy},
        fold,
    },
    quantity::WattHours,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    days::{self, Which},
    key::{LAST_DAY, day_key, day_of_key, filing_day},
    run::SeriesRows,
    writer::Def,
};
use crate::{
    codec::{
        block::{Columns, Row, Unpacker},
        bytes::{Cursor, put_i64},
        findings::{self, Noticed},
        halves::{self, DayRow},
        seal,
    },
    error::StoreError,
};

/// A day of a series whose energy or findings changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TouchedDay {
    /// The series.
    pub series: SeriesId,
    /// The local day.
    pub day: LocalDay,
}

const TAG_DAY: u8 = 3;
const TAG_FRONTIER: u8 = 4;
const TAG_FINDING: u8 = 9;
/// Seconds ahead of our clock from which a read is refused for that alone.
const STRAY_AHEAD_S: i32 = 86_400;
const NO_STRAY: i64 = i64::MAX;

/// How far a series is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frontier {
    /// The newest run whose reads are in.
    pub(crate) run: i64,
    /// The state behind the last read that was folded.
    pub(crate) state: FoldState,
    /// The first read that is judged aside, or [`NO_STRAY`].
    stray_at: i64,
}

/// Settles series through one connection, in its transaction.
pub(crate) struct Settler<'c> {
    conn: &'c Connection,
    zone: &'c Zone,
    unpacker: Unpacker,
    touched: Vec<TouchedDay>,
}

impl<'c> Settler<'c> {
    pub(crate) fn new(conn: &'c Connection, zone: &'c Zone) -> Result<Settler<'c>, StoreError> {
        Ok(Settler {
            conn,
            zone,
            unpacker: Unpacker::new()?,
            touched: Vec::new(),
        })
    }

    /// The days whose rows were written, each once, in order.
    pub(crate) fn finish(mut self) -> Vec<TouchedDay> {
        self.touched.sort_unstable();
        self.touched.dedup();
        self.touched
    }

    /// Folds on with `rows`, the new reads of a series that was settled before. Gives `false` and
    /// does nothing when they do not all lie behind the frontier.
    pub(crate) fn append(
        &mut self,
        series: u32,
        def: &Def,
        rows: &[Row],
        run: i64,
    ) -> Result<bool, StoreError> {
        let Some(frontier) = frontier(self.conn, series)? else {
            return Ok(false);
        };
        self.append_behind(series, def, rows, run, frontier)
    }

    fn append_behind(
        &mut self,
        series: u32,
        def: &Def,
        rows: &[Row],
        run: i64,
        frontier: Frontier,
    ) -> Result<bool, StoreError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(true);
        };
        let state = frontier.state;
        let behind = first.at >= state.upto.0 && last.at < frontier.stray_at;
        let Some(last_accepted) = state.last.filter(|_| behind) else {
            return Ok(false);
        };
        let from = filing_day(self.zone, last_accepted.at.0);
        // The frontier must lie in that day: its row is then complete up to the frontier.
        if filing_day(self.zone, state.upto.0.saturating_sub(1)) != from {
            return Ok(false);
        }
        let Some(base) = day_row(self.conn, series, from)? else {
            return Ok(false);
        };
        let mut fold = Fold::new(self.zone, def, state);
        fold.stray_at = frontier.stray_at;
        fold.resume(from, base);
        let mut cutter = super::key::DayCutter::new(self.zone);
        let mut rest = rows;
        while let Some(head) = rest.first() {
            let day = cutter.day_of(head.at);
            let count = rest.partition_point(|r| cutter.day_of(r.at) <= day);
            fold.day(day, &rest[..count]);
            rest = &rest[count..];
        }
        let (frontier, out) = fold.end(run);
        let old = old_days(
            self.conn,
            series,
            from,
            out.days.keys().next_back().copied().unwrap_or(from),
        )?;
        self.write_days(series, &old, &out.days)?;
        for (key, noticed) in &out.noticed {
            put_finding(self.conn, series, *key, noticed)?;
            self.touch(series, filing_day(self.zone, key.0));
        }
        put_frontier(self.conn, series, &frontier)?;
        Ok(true)
    }

    /// Settles a series with all its reads in runs, `rows`, and those in closed days.
    pub(crate) fn settle(
        &mut self,
        series: u32,
        def: &Def,
        rows: &SeriesRows,
        run: i64,
    ) -> Result<(), StoreError> {
        let before = frontier(self.conn, series)?;
        let pending: Option<(i64, i64)> = self
            .conn
            .prepare_cached("SELECT since, until FROM pending WHERE series = ?1")?
            .query_row([series], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let changed = match (before, rows.fresh, pending) {
            (None, ..) => (i64::MIN, i64::MAX),
            (Some(_), Some(a), Some(b)) => (a.0.min(b.0), a.1.max(b.1)),
            (Some(_), Some(one), None) | (Some(_), None, Some(one)) => one,
            (Some(frontier), None, None) => {
                if frontier.run < run {
                    put_frontier(self.conn, series, &Frontier { run, ..frontier })?;
                }
                return Ok(());
            }
        };
        if let (Some(frontier), None) = (before, pending) {
            let new = rows.rows.partition_point(|r| r.at < changed.0);
            if self.append_behind(series, def, &rows.rows[new..], run, frontier)? {
                return Ok(());
            }
        }
        self.again(series, def, &rows.rows, run, changed, before)?;
        if pending.is_some() {
            self.conn
                .prepare_cached("DELETE FROM pending WHERE series = ?1")?
                .execute([series])?;
        }
        Ok(())
    }

    /// Folds from the day that holds the last accepted read before the first change.
    fn again(
        &mut self,
        series: u32,
        def: &Def,
        in_runs: &[Row],
        run: i64,
        (since, until): (i64, i64),
        before: Option<Frontier>,
    ) -> Result<(), StoreError> {
        let (from, state) = self.restart(series, since)?;
        let last_changed = filing_day(self.zone, until);
        let old = old_days(self.conn, series, from, LocalDay(LAST_DAY))?;
        let mut fold = Fold::new(self.zone, def, state);
        let mut converged = None;
        let (conn, zone) = (self.conn, self.zone);
        let which = Which {
            series,
            from,
            to: LocalDay(LAST_DAY),
            columns: Columns::All,
            in_runs,
        };
        let mut turns = turn_days(zone, def, from).into_iter().peekable();
        days::each_day(conn, &mut self.unpacker, zone, &which, |day, rows| {
            while let Some(turn) = turns.next_if(|turn| *turn < day) {
                fold.day(turn, &[]);
            }
            turns.next_if_eq(&day);
            if converged.is_none() && day > last_changed && before.is_some() {
                let stored = old.get(&day).map(|row| halves::decode_start(row));
                let stored = stored.transpose().map_err(damaged_day(series, day))?;
                if stored.is_some_and(|stored| stored == fold.state_at_start_of(day)) {
                    fold.flush_strays();
                    converged = Some(day);
                }
            }
            fold.day(day, rows);
            // After convergence only the first point is still wanted: what carries over midnight.
            Ok(
                if converged.is_some_and(|c| fold.open_from().is_none_or(|open| open >= c)) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                },
            )
        })?;
        for turn in turns {
            if converged.is_none_or(|c| fold.open_from().is_some_and(|open| open < c)) {
                fold.day(turn, &[]);
            }
        }
        let (frontier, mut out) = fold.end(run);
        let end = converged.unwrap_or(LocalDay(LAST_DAY + 1));
        let end_at = converged.map_or(i64::MAX, |day| zone.day_span(day).start.0);
        let start_at = if from.0 <= 0 {
            i64::MIN
        } else {
            zone.day_span(from).start.0
        };
        out.days.retain(|day, _| *day < end);
        out.noticed
            .retain(|key, _| key.0 < end_at || converged.is_none());
        let old = old.into_iter().filter(|(day, _)| *day < end).collect();
        self.write_days(series, &old, &out.days)?;
        self.write_noticed(series, start_at, end_at, converged.is_none(), &out.noticed)?;
        let frontier = match (converged, before) {
            (Some(_), Some(before)) => Frontier { run, ..before },
            _ => frontier,
        };
        put_frontier(self.conn, series, &frontier)
    }

    /// The day to start from for a change at `since`, with the state at its start.
    fn restart(&self, series: u32, since: i64) -> Result<(LocalDay, FoldState), StoreError> {
        let beginning = (LocalDay(0), FoldState::EMPTY);
        let day = filing_day(self.zone, since);
        let Some((day, row)) = day_row_upto(self.conn, series, day)? else {
            return Ok(beginning);
        };
        let Some(last) = row.start.last else {
            // Nothing carries into this day; what comes before it cannot change.
            return Ok(if row.start == FoldState::EMPTY {
                beginning
            } else {
                (day, row.start)
            });
        };
        let from = filing_day(self.zone, last.at.0);
        match day_row(self.conn, series, from)? {
            Some(row) if row.start != FoldState::EMPTY => Ok((from, row.start)),
            _ => Ok(beginning),
        }
    }

    fn touch(&mut self, series: u32, day: LocalDay) {
        self.touched.push(TouchedDay {
            series: SeriesId(series),
            day,
        });
    }

    fn write_days(
        &mut self,
        series: u32,
        old: &BTreeMap<LocalDay, Vec<u8>>,
        new: &BTreeMap<LocalDay, DayRow>,
    ) -> Result<(), StoreError> {
        let mut put = self
            .conn
            .prepare_cached("INSERT OR REPLACE INTO day_energy (key, row) VALUES (?1, ?2)")?;
        for (day, row) in new {
            let mut bytes = halves::encode(row);
            let before = old.get(day);
            if before != Some(&bytes) {
                // Only the judge's state may differ: that is no change to anyone outside.
                if before.map(|row| halves::energy_part(row)) != Some(halves::energy_part(&bytes)) {
                    self.touched.push(TouchedDay {
                        series: SeriesId(series),
                        day: *day,
                    });
                }
                let key = day_key(series, *day);
                seal::seal(TAG_DAY, &[key], &mut bytes);
                put.execute(params![key, bytes])?;
            }
        }
        let mut delete = self
            .conn
            .prepare_cached("DELETE FROM day_energy WHERE key = ?1")?;
        for day in old.keys().filter(|day| !new.contains_key(day)) {
            delete.execute([day_key(series, *day)])?;
            self.touched.push(TouchedDay {
                series: SeriesId(series),
                day: *day,
            });
        }
        Ok(())
    }

    fn write_noticed(
        &mut self,
        series: u32,
        start_at: i64,
        end_at: i64,
        to_the_end: bool,
        new: &BTreeMap<(i64, i64), Noticed>,
    ) -> Result<(), StoreError> {
        let old = noticed_between(self.conn, series, start_at, end_at, to_the_end)?;
        for (key, noticed) in new {
            if old.get(key) != Some(noticed) {
                put_finding(self.conn, series, *key, noticed)?;
                self.touch(series, filing_day(self.zone, key.0));
            }
        }
        let mut delete = self
            .conn
            .prepare_cached("DELETE FROM finding WHERE series = ?1 AND at = ?2 AND wh = ?3")?;
        for key in old.keys().filter(|key| !new.contains_key(key)) {
            delete.execute(params![series, key.0, key.1])?;
            self.touched.push(TouchedDay {
                series: SeriesId(series),
                day: filing_day(self.zone, key.0),
            });
        }
        Ok(())
    }
}

/// A day that waits for the first point after it.
struct OpenDay {
    day: LocalDay,
    run: HalfHours,
    start: FoldState,
    /// What was stored of the day when the fold began in its middle.
    base: Option<Vec<HalfHourEnergy>>,
    before: Option<Point>,
    inside: Vec<Point>,
    has_reads: bool,
    /// The state behind the day's last read.
    behind: FoldState,
}

/// What a fold gives.
#[derive(Default)]
struct Out {
    days: BTreeMap<LocalDay, DayRow>,
    noticed: BTreeMap<(i64, i64), Noticed>,
}

/// A fold over days in order.
struct Fold<'a> {
    zone: &'a Zone,
    def: &'a Def,
    state: FoldState,
    open: Vec<OpenDay>,
    strays: Vec<Read>,
    stray_at: i64,
    reads: Vec<Read>,
    points: Vec<Point>,
    out: Out,
}

impl<'a> Fold<'a> {
    fn new(zone: &'a Zone, def: &'a Def, state: FoldState) -> Fold<'a> {
        Fold {
            zone,
            def,
            state,
            open: Vec::new(),
            strays: Vec::new(),
            stray_at: NO_STRAY,
            reads: Vec::new(),
            points: Vec::new(),
            out: Out::default(),
        }
    }

    /// Goes on in the middle of `day`, of which `base` is stored.
    fn resume(&mut self, day: LocalDay, base: DayRow) {
        self.open.push(OpenDay {
            day,
            run: self.zone.half_hours_of(day),
            start: base.start,
            base: Some(base.halves),
            before: self.state.point(),
            inside: Vec::new(),
            has_reads: true,
            behind: self.state,
        });
    }

    /// The state at the start of a day that was not reached yet.
    fn state_at_start_of(&mut self, day: LocalDay) -> FoldState {
        let mut state = self.state;
        self.fold_nothing(&mut state, day);
        state
    }

    fn fold_nothing(&self, state: &mut FoldState, day: LocalDay) {
        let start = self.zone.day_span(day).start;
        if start > state.upto {
            fold(
                &self.def.rules,
                &self.def.decisions,
                state,
                &[],
                start,
                &mut |_| {},
            );
        }
    }

    /// The first day that still waits for a point.
    fn open_from(&self) -> Option<LocalDay> {
        self.open.first().map(|open| open.day)
    }

    /// Takes the reads of a day, and the turns of the register's life on it.
    fn day(&mut self, day: LocalDay, rows: &[Row]) {
        let stray = |row: &Row| row.lag_s < -STRAY_AHEAD_S;
        let turns = self.turns_on(day);
        // Up to the instant of the last read that is no stray, or of the last turn.
        let last = rows.iter().rfind(|row| !stray(row)).map(|row| row.at);
        let last = last.max(turns.map(|turn| turn.0));
        let main = rows.partition_point(|row| last.is_some_and(|last| row.at <= last));
        if main > 0 || turns.is_some() {
            self.flush_strays();
            let mut reads = std::mem::take(&mut self.reads);
            reads.clear();
            reads.extend(rows[..main].iter().map(read_of));
            self.fold_day(day, &reads, turns);
            self.reads = reads;
        }
        self.strays.extend(rows[main..].iter().map(read_of));
    }

    /// Folds the reads that were put aside, because more came after them.
    fn flush_strays(&mut self) {
        let strays = std::mem::take(&mut self.strays);
        for of_day in
            strays.chunk_by(|a, b| filing_day(self.zone, a.at.0) == filing_day(self.zone, b.at.0))
        {
            self.fold_day(filing_day(self.zone, of_day[0].at.0), of_day, None);
        }
    }

    /// The last instant of the day at which a life ends or starts and which is still ahead.
    fn turns_on(&self, day: LocalDay) -> Option<Instant> {
        let span = self.zone.day_span(day);
        turns(self.def)
            .filter(|at| span.start <= *at && *at < span.end && *at >= self.state.upto)
            .max()
    }

    fn fold_day(&mut self, day: LocalDay, reads: &[Read], turn: Option<Instant>) {
        if self.open.last().is_none_or(|open| open.day != day) {
            let mut state = self.state;
            self.fold_nothing(&mut state, day);
            self.state = state;
            self.open.push(OpenDay {
                day,
                run: self.zone.half_hours_of(day),
                start: self.state,
                base: None,
                before: self.state.point(),
                inside: Vec::new(),
                has_reads: false,
                behind: self.state,
            });
        }
        let mut points = std::mem::take(&mut self.points);
        points.clear();
        let plain = self.fold_plain(reads, &mut points);
        let rest = &reads[plain..];
        let last = rest.last().map(|read| read.at).max(turn);
        if let Some(last) = last {
            let noticed = &mut self.out.noticed;
            fold(
                &self.def.rules,
                &self.def.decisions,
                &mut self.state,
                rest,
                Instant(last.0.saturating_add(1)),
                &mut |step| match step {
                    Step::Point(point) => points.push(point),
                    Step::Read(read) => {
                        let key = (read.read.at.0, read.read.wh.0);
                        if let Some(row) = Noticed::of(read) {
                            noticed.insert(key, row);
                        }
                    }
                },
            );
        }
        if let Some(first) = points.first() {
            self.close_before(day, *first);
        }
        let open = self
            .open
            .last_mut()
            .expect("the day was opened above and waits for a later point");
        open.inside.extend_from_slice(&points);
        open.has_reads |= !reads.is_empty();
        open.behind = self.state;
        self.points = points;
    }

    /// Takes reads as long as each is accepted without a look at the others; gives how many.
    fn fold_plain(&mut self, reads: &[Read], points: &mut Vec<Point>) -> usize {
        if !self.def.decisions.is_empty() {
            return 0;
        }
        let rules = &self.def.rules;
        for (n, read) in reads.iter().enumerate() {
            let alone = reads.get(n + 1).is_none_or(|next| next.at != read.at);
            if !alone || !self.state.accepts_plainly(rules, read) {
                return n;
            }
            self.state.accept(rules, read);
            points.extend(self.state.point().map(|point| Point {
                joined: true,
                ..point
            }));
        }
        reads.len()
    }

    /// Closes the days before `day` with the first point after them.
    fn close_before(&mut self, day: LocalDay, after: Point) {
        while self.open.first().is_some_and(|open| open.day < day) {
            let open = self.open.remove(0);
            let next = self.open.first().map_or(day, |open| open.day);
            self.close(open, Some(after), next);
        }
    }

    /// Writes a day, and those without reads between it and `next` that the advance covers.
    fn close(&mut self, open: OpenDay, after: Option<Point>, next: LocalDay) {
        let last = open.inside.last().copied().or(open.before);
        let still_open = open.behind.point().is_some();
        if let Some(point) = last.filter(|_| still_open && after.is_some_and(|after| after.joined))
        {
            for day in (open.day.0 + 1..next.0).map(LocalDay) {
                let mut start = open.behind;
                self.fold_nothing(&mut start, day);
                let run = self.zone.half_hours_of(day);
                let halves = energy::half_hours(run, Some(point), &[], after);
                self.out.days.insert(day, DayRow { start, halves });
            }
        }
        let halves = match open.base {
            None => energy::half_hours(open.run, open.before, &open.inside, after),
            Some(base) => go_on(base, open.run, open.before, &open.inside, after),
        };
        if open.has_reads || halves.iter().any(|half| half.covered_ms > 0) {
            self.out.days.insert(
                open.day,
                DayRow {
                    start: open.start,
                    halves,
                },
            );
        }
    }

    /// Closes what waits, without a point after it, and judges the reads that were put aside.
    fn end(mut self, run: i64) -> (Frontier, Out) {
        while !self.open.is_empty() {
            let open = self.open.remove(0);
            let next = self.open.first().map_or(open.day, |open| open.day);
            self.close(open, None, next);
        }
        let mut aside = self.state;
        let strays = std::mem::take(&mut self.strays);
        let stray_at = strays
            .first()
            .map_or(self.stray_at, |read| read.at.0.min(self.stray_at));
        if let Some(last) = strays.last() {
            let until = Instant(last.at.0.saturating_add(1));
            let noticed = &mut self.out.noticed;
            fold(
                &self.def.rules,
                &self.def.decisions,
                &mut aside,
                &strays,
                until,
                &mut |step| {
                    if let Step::Read(read) = step {
                        let key = (read.read.at.0, read.read.wh.0);
                        noticed.extend(Noticed::of(read).map(|row| (key, row)));
                    }
                },
            );
        }
        (
            Frontier {
                run,
                state: self.state,
                stray_at,
            },
            self.out,
        )
    }
}

/// The half hours of a day that was stored up to `before`, with the points that came since.
fn go_on(
    mut base: Vec<HalfHourEnergy>,
    run: HalfHours,
    before: Option<Point>,
    inside: &[Point],
    after: Option<Point>,
) -> Vec<HalfHourEnergy> {
    use domain::calendar::HalfHour;
    let Some(from) = before.or(inside.first().copied()) else {
        return base;
    };
    let first = HalfHour::of(from.at).max(run.start);
    let new = energy::half_hours(HalfHours::new(first, run.end), before, inside, after);
    for half in new {
        let place = (half.half_hour.0 - run.start.0) as usize;
        let Some(stored) = base.get_mut(place) else {
            continue;
        };
        *stored = if half.half_hour == first {
            stored.chained(half)
        } else {
            half
        };
    }
    base
}

fn turns(def: &Def) -> impl Iterator<Item = Instant> {
    def.rules
        .lives
        .as_slice()
        .iter()
        .flat_map(|life| [life.opened, life.closed])
        .flatten()
        .map(|mark: Mark| mark.at)
}

/// The days from `from` on at which a life ends or starts.
fn turn_days(zone: &Zone, def: &Def, from: LocalDay) -> Vec<LocalDay> {
    let mut days: Vec<_> = turns(def)
        .map(|at| filing_day(zone, at.0))
        .filter(|day| *day >= from)
        .collect();
    days.sort_unstable();
    days.dedup();
    days
}

pub(crate) fn read_of(row: &Row) -> Read {
    Read {
        at: Instant(row.at),
        wh: WattHours(row.wh),
        received: Instant(row.at.saturating_add(i64::from(row.lag_s) * 1000)),
        source: match row.source {
            0 => Source::Telemetry,
            1 => Source::Import,
            2 => Source::Manual,
            _ => Source::Event,
        },
    }
}

fn damaged_day(series: u32, day: LocalDay) -> impl FnOnce(seal::Damage) -> StoreError {
    StoreError::damaged(
        "day_energy",
        format_args!("series {series} day {day}").to_string(),
    )
}

/// The unsealed bytes of a `day_energy` row.
pub(crate) fn open_day(series: u32, day: LocalDay, blob: &[u8]) -> Result<&[u8], StoreError> {
    seal::open(TAG_DAY, &[day_key(series, day)], blob).map_err(damaged_day(series, day))
}

fn day_row(conn: &Connection, series: u32, day: LocalDay) -> Result<Option<DayRow>, StoreError> {
    let found = day_row_upto(conn, series, day)?;
    Ok(found.filter(|(found, _)| *found == day).map(|(_, row)| row))
}

/// The last row of the series on `day` or before.
fn day_row_upto(
    conn: &Connection,
    series: u32,
    day: LocalDay,
) -> Result<Option<(LocalDay, DayRow)>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT key, row FROM day_energy WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    )?;
    let mut found = select.query([day_key(series, LocalDay(0)), day_key(series, day)])?;
    let Some(row) = found.next()? else {
        return Ok(None);
    };
    let day = day_of_key(row.get(0)?);
    let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
    let row = halves::decode(open_day(series, day, blob)?).map_err(damaged_day(series, day))?;
    Ok(Some((day, row)))
}

/// The unsealed rows of days `from..=to`.
fn old_days(
    conn: &Connection,
    series: u32,
    from: LocalDay,
    to: LocalDay,
) -> Result<BTreeMap<LocalDay, Vec<u8>>, StoreError> {
    let mut select =
        conn.prepare_cached("SELECT key, row FROM day_energy WHERE key BETWEEN ?1 AND ?2")?;
    let mut found = select.query([day_key(series, from), day_key(series, to)])?;
    let mut out = BTreeMap::new();
    while let Some(row) = found.next()? {
        let day = day_of_key(row.get(0)?);
        let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        out.insert(day, open_day(series, day, blob)?.to_vec());
    }
    Ok(out)
}

/// How far a series is settled, if it ever was.
pub(crate) fn frontier(conn: &Connection, series: u32) -> Result<Option<Frontier>, StoreError> {
    let mut select = conn.prepare_cached("SELECT row FROM frontier WHERE series = ?1")?;
    let blob: Option<Vec<u8>> = select.query_row([series], |row| row.get(0)).optional()?;
    blob.map(|blob| open_frontier(series, &blob)).transpose()
}

pub(crate) fn open_frontier(series: u32, blob: &[u8]) -> Result<Frontier, StoreError> {
    seal::open(TAG_FRONTIER, &[i64::from(series)], blob)
        .and_then(decode_frontier)
        .map_err(StoreError::damaged(
            "frontier",
            format_args!("series {series}"),
        ))
}

pub(crate) fn decode_frontier(payload: &[u8]) -> Result<Frontier, seal::Damage> {
    let (state, rest) = payload
        .split_at_checked(FoldState::BYTES)
        .ok_or(seal::Damage("cut short"))?;
    let state = FoldState::from_bytes(state).map_err(|_| seal::Damage("no state of judging"))?;
    let mut cursor = Cursor::new(rest);
    let (run, stray_at) = (cursor.i64()?, cursor.i64()?);
    cursor.end()?;
    Ok(Frontier {
        run,
        state,
        stray_at,
    })
}

/// Notes that run `run` holds nothing of a settled series that is not in.
pub(crate) fn lift_frontier(conn: &Connection, series: u32, run: i64) -> Result<(), StoreError> {
    match frontier(conn, series)? {
        Some(frontier) if frontier.run < run => {
            put_frontier(conn, series, &Frontier { run, ..frontier })
        }
        _ => Ok(()),
    }
}

fn put_frontier(conn: &Connection, series: u32, frontier: &Frontier) -> Result<(), StoreError> {
    let mut row = frontier.state.to_bytes().to_vec();
    put_i64(&mut row, frontier.run);
    put_i64(&mut row, frontier.stray_at);
    seal::seal(TAG_FRONTIER, &[i64::from(series)], &mut row);
    conn.prepare_cached("INSERT OR REPLACE INTO frontier (series, row) VALUES (?1, ?2)")?
        .execute(params![series, row])?;
    Ok(())
}

fn put_finding(
    conn: &Connection,
    series: u32,
    key: (i64, i64),
    noticed: &Noticed,
) -> Result<(), StoreError> {
    let mut row = findings::encode(noticed);
    seal::seal(TAG_FINDING, &[i64::from(series), key.0, key.1], &mut row);
    conn.prepare_cached(
        "INSERT OR REPLACE INTO finding (series, at, wh, row) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![series, key.0, key.1, row])?;
    Ok(())
}

/// The rows of a `finding` blob.
pub(crate) fn open_finding(
    series: u32,
    key: (i64, i64),
    blob: &[u8],
) -> Result<Noticed, StoreError> {
    seal::open(TAG_FINDING, &[i64::from(series), key.0, key.1], blob)
        .and_then(findings::decode)
        .map_err(StoreError::damaged(
            "finding",
            format_args!("series {series} at {} wh {}", key.0, key.1),
        ))
}

/// What was noticed about reads from `start` up to but without `end` (with it, when `inclusive`).
pub(crate) fn noticed_between(
    conn: &Connection,
    series: u32,
    start: i64,
    end: i64,
    inclusive: bool,
) -> Result<BTreeMap<(i64, i64), Noticed>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT at, wh, row FROM finding WHERE series = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at, wh",
    )?;
    let mut found = select.query(params![series, start, end])?;
    let mut out = BTreeMap::new();
    while let Some(row) = found.next()? {
        let key: (i64, i64) = (row.get(0)?, row.get(1)?);
        if key.0 < end || inclusive {
            let blob = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            out.insert(key, open_finding(series, key, blob)?);
        }
    }
    Ok(out)
}
