//! The fold of one series over its days: reads in, half hours and findings out. No SQL here.
//!
//! Energy that an advance carries over midnight needs the first point after it, so days wait in
//! [`Fold`] until that point comes. Days without reads that such an advance covers are written too.

use std::collections::BTreeMap;

use domain::{
    calendar::{HalfHour, HalfHours, Instant, LocalDay, Zone},
    metering::{
        FoldState, Mark, Point, Read, Source, Step,
        energy::{self, HalfHourEnergy},
        fold,
    },
    quantity::WattHours,
};

use super::{
    chain::Chain,
    define::Def,
    key::filing_day,
    rows::{Frontier, NO_STRAY},
};
use crate::codec::{block::Row, findings::Noticed, halves::DayRow};

/// Seconds ahead of our clock from which a read is refused for that alone.
const STRAY_AHEAD_S: i32 = 86_400;

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
pub(crate) struct Out {
    pub(crate) days: BTreeMap<LocalDay, DayRow>,
    pub(crate) noticed: BTreeMap<(i64, i64), Noticed>,
}

/// A fold over days in order.
pub(crate) struct Fold<'a> {
    zone: &'a Zone,
    def: &'a Def,
    state: FoldState,
    open: Vec<OpenDay>,
    strays: Vec<Read>,
    pub(crate) stray_at: i64,
    reads: Vec<Read>,
    points: Chain,
    out: Out,
}

impl<'a> Fold<'a> {
    pub(crate) fn new(zone: &'a Zone, def: &'a Def, state: FoldState) -> Fold<'a> {
        Fold {
            zone,
            def,
            state,
            open: Vec::new(),
            strays: Vec::new(),
            stray_at: NO_STRAY,
            reads: Vec::new(),
            points: Chain::default(),
            out: Out::default(),
        }
    }

    /// Goes on in the middle of `day`, of which `base` is stored.
    pub(crate) fn resume(&mut self, day: LocalDay, base: DayRow) {
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
    pub(crate) fn state_at_start_of(&mut self, day: LocalDay) -> FoldState {
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
    pub(crate) fn open_from(&self) -> Option<LocalDay> {
        self.open.first().map(|open| open.day)
    }

    /// Takes the reads of a day, and the turns of the register's life on it.
    pub(crate) fn day(&mut self, day: LocalDay, rows: &[Row]) {
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
    pub(crate) fn flush_strays(&mut self) {
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
        if let Some(first) = points.points().first() {
            self.close_before(day, *first);
        }
        let open = self
            .open
            .last_mut()
            .expect("the day was opened above and waits for a later point");
        open.inside.extend_from_slice(points.points());
        open.has_reads |= !reads.is_empty();
        open.behind = self.state;
        self.points = points;
    }

    /// Takes reads as long as each is accepted without a look at the others; gives how many.
    fn fold_plain(&mut self, reads: &[Read], points: &mut Chain) -> usize {
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
            if let Some(point) = self.state.point() {
                let joined = true;
                points.push(Point { joined, ..point });
            }
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
    pub(crate) fn end(mut self, run: i64) -> (Frontier, Out) {
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
pub(crate) fn turn_days(zone: &Zone, def: &Def, from: LocalDay) -> Vec<LocalDay> {
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
        source: Source::of_code(row.source).unwrap_or(Source::Event),
    }
}
