//! What the live values are told by the judge: after a start, after settling.

use domain::{
    calendar::{Instant, LocalDay, Span},
    metering::{
        Quality, SeriesId, Verdict,
        energy::{Energy, HalfHourEnergy},
    },
    quantity::WattHours,
};
use rusqlite::Connection;

use super::{
    key::{LAST_DAY, filing_day},
    reader::{SeriesReader, forget_empty_boundaries},
    rows::{Frontier, day_row, day_row_upto, frontier, open_frontier},
    run::{self, GroupStream},
    writer::placed_of,
};
use crate::{
    Live, Settled,
    codec::block::{Columns, Unpacker},
    error::StoreError,
};

/// Blocks whose last read is this much older than the newest do not matter for last values.
const SEED_BACK_MS: i64 = 60 * 60 * 1000;

impl SeriesReader {
    /// Sets the last values of `live` from what is on disk: what is settled first, then the reads in
    /// runs that nobody has judged yet.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn seed(&self, live: &Live) -> Result<(), StoreError> {
        self.with(|conn, unpacker| {
            let mut runs: Vec<i64> = Vec::new();
            let mut select = conn.prepare_cached("SELECT series, row FROM frontier")?;
            let mut found = select.query([])?;
            while let Some(row) = found.next()? {
                let series: u32 = row.get(0)?;
                let blob = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                let frontier = open_frontier(series, blob)?;
                let settled = self.settled_of(conn, unpacker, series, &frontier)?;
                live.settled(SeriesId(series), &settled, true);
                let place = series as usize;
                runs.resize(runs.len().max(place + 1), 0);
                runs[place] = frontier.run;
            }
            let mut groups = conn.prepare("SELECT DISTINCT grp FROM run_block ORDER BY grp")?;
            let groups = groups.query_map([], |row| row.get::<_, u32>(0))?;
            for group in groups.collect::<Result<Vec<_>, _>>()? {
                let heads = run::heads(conn, group)?;
                let newest = heads.iter().map(|head| head.last_at).max().unwrap_or(0);
                let recent: Vec<_> = heads
                    .into_iter()
                    .filter(|head| head.last_at >= newest.saturating_sub(SEED_BACK_MS))
                    .collect();
                let mut stream = GroupStream::new(conn, unpacker, &recent, Columns::All, None);
                while let Some(series) = stream.peek()? {
                    let settled = runs.get(series as usize).copied().unwrap_or(0);
                    let Some(rows) = stream.take(settled)? else {
                        break;
                    };
                    let Some((since, _)) = rows.fresh else {
                        continue;
                    };
                    let new = rows.rows.partition_point(|row| row.at < since);
                    live.roll_up(rows.rows[new..].iter().map(placed_of));
                }
            }
            Ok(())
        })
    }

    /// Tells `live` what was settled about `series`. With `change` the judge may have changed its mind
    /// about reads it had judged before.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn tell(&self, live: &Live, series: &[SeriesId], change: bool) -> Result<(), StoreError> {
        if series.is_empty() {
            return Ok(());
        }
        self.with(|conn, unpacker| {
            for &one in series {
                let Some(frontier) = frontier(conn, one.0)? else {
                    continue;
                };
                let shown = live.get(one).map(|shown| (shown.at, shown.wh));
                let last = frontier.state.last.map(|last| (last.at, last.wh));
                if change || shown != last {
                    let settled = self.settled_of(conn, unpacker, one.0, &frontier)?;
                    live.settled(one, &settled, change);
                }
            }
            Ok(())
        })
    }

    fn settled_of(
        &self,
        conn: &Connection,
        unpacker: &mut Unpacker,
        series: u32,
        frontier: &Frontier,
    ) -> Result<Settled, StoreError> {
        let state = frontier.state;
        let last = match state.last {
            Some(last) => Some((last.at, last.wh)),
            // The register's life is closed: what it showed last before that.
            None => self.last_counted(conn, unpacker, series)?,
        };
        let mut settled = Settled {
            last,
            upto: state.upto,
            day_wh: WattHours::ZERO,
            day_quality: Quality::Missing,
        };
        let Some((at, _)) = last else {
            return Ok(settled);
        };
        let day = filing_day(&self.zone, at.0);
        let mut halves: Vec<HalfHourEnergy> =
            day_row(conn, series, day)?.map_or_else(Vec::new, |row| row.halves);
        forget_empty_boundaries(&mut halves);
        let energy = Energy::of_half_hours(self.zone.half_hours_of(day), &halves);
        if energy.covered_ms > 0 {
            settled.day_wh = energy.wh;
            // The day's end is the last read itself: it is the start that may be split by time.
            settled.day_quality = energy.start.worst_known(energy.inside);
        }
        Ok(settled)
    }

    fn last_counted(
        &self,
        conn: &Connection,
        unpacker: &mut Unpacker,
        series: u32,
    ) -> Result<Option<(Instant, WattHours)>, StoreError> {
        let Some((day, _)) = day_row_upto(conn, series, LocalDay(LAST_DAY))? else {
            return Ok(None);
        };
        let Span { start, end } = self.zone.day_span(day);
        let span = Span::new(start, end.plus_ms(1));
        let reads = self.reads_in(conn, unpacker, SeriesId(series), span)?;
        Ok(reads
            .iter()
            .rev()
            .filter(|read| read.verdict == Verdict::Accepted)
            .find_map(|read| Some((read.read.at, read.counts_as?))))
    }
}
