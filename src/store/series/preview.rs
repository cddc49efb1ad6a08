//! What would be noticed about reads that are not there yet.

use std::collections::BTreeSet;

use domain::{
    calendar::{Instant, Span},
    metering::{Decisions, JudgedRead, Read, ReadSet, SeriesId, SeriesRules, Step, fold},
};

use super::{reader::SeriesReader, settle::restart};
use crate::error::StoreError;

impl SeriesReader {
    /// Judges `new` among the reads that stand, without keeping anything: each of `new` as it would be
    /// judged. The series must be settled and its rules and decisions those it was settled with.
    ///
    /// # Errors
    /// [`StoreError`], also when a row is damaged.
    pub fn judged_with(
        &self,
        series: SeriesId,
        rules: &SeriesRules,
        decisions: &Decisions,
        new: &[Read],
    ) -> Result<Vec<JudgedRead>, StoreError> {
        let first = new.iter().map(|read| read.at).min();
        let last = new.iter().map(|read| read.at).max();
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(Vec::new());
        };
        let end = last.plus_ms(1);
        self.with(|conn, unpacker| {
            let (from, mut state) = restart(conn, &self.zone, series.0, first.0)?;
            let start = match from.0 {
                ..=0 => Instant(i64::MIN),
                _ => self.zone.day_span(from).start,
            };
            let stand = self.reads_in(conn, unpacker, series, Span { start, end })?;
            let all = stand.iter().map(|row| row.read).chain(new.iter().copied());
            let all = ReadSet::of(all.collect());
            let wanted: BTreeSet<_> = new.iter().map(|read| (read.at, read.wh)).collect();
            let mut judged = Vec::with_capacity(new.len());
            fold(
                rules,
                decisions,
                &mut state,
                all.as_slice(),
                end,
                &mut |step| {
                    if let Step::Read(read) = step
                        && wanted.contains(&(read.read.at, read.read.wh))
                    {
                        judged.push(read);
                    }
                },
            );
            Ok(judged)
        })
    }
}
