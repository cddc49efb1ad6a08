//! Sorting a file's lines before anything is kept: what can be placed, what is there already.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    calendar::{Instant, Span},
    metering::{Read, SeriesId},
};
use records::import::{Places, Row};

use super::{Good, Imported, Parsed};
use crate::{
    answer::{Answer, OrOurs},
    society::SocietyOffice,
};

/// A read that has to be judged: its line, its series, and itself. Its receive time is not known yet.
pub(super) type Asked = (u64, SeriesId, Read);

/// A file's lines, sorted.
pub(super) struct Sorted<'a> {
    /// Those to keep.
    pub(super) kept: Vec<&'a Good<'a>>,
    /// The reads among them that are new and whose meter is known.
    pub(super) asked: Vec<Asked>,
    /// What is certain before judging.
    pub(super) result: Imported,
}

impl SocietyOffice {
    pub(super) fn sorted<'a>(
        &self,
        parsed: &'a Parsed<'a>,
        places: &impl Places,
    ) -> Answer<Sorted<'a>> {
        let mut sorted = Sorted {
            kept: Vec::with_capacity(parsed.good.len()),
            asked: Vec::new(),
            result: Imported::default(),
        };
        let result = &mut sorted.result;
        for (number, why) in &parsed.bad {
            result.leave_out(*number, why.clone());
        }
        let mut standing = self.standing(&parsed.good, places)?;
        for good in &parsed.good {
            let (number, _, rows) = good;
            let homeless = rows.iter().find_map(|row| match row {
                Row::Interval { meter, .. } if places.point(meter).is_none() => Some(meter),
                _ => None,
            });
            if let Some(meter) = homeless {
                let why = format!("meter `{meter}` is not in the society file");
                result.leave_out(*number, why);
                continue;
            }
            if rows.iter().any(|row| matches!(row, Row::Interval { .. })) {
                result.accepted += 1;
            }
            for row in rows {
                let Row::Read {
                    meter,
                    register,
                    at,
                    wh,
                    source,
                } = row
                else {
                    continue;
                };
                match places.series(meter, *register) {
                    Some(series) if standing.insert((series.0, at.0, wh.0)) => {
                        let read = Read {
                            at: *at,
                            wh: *wh,
                            received: *at,
                            source: *source,
                        };
                        sorted.asked.push((*number, series, read));
                    }
                    Some(_) => result.duplicate += 1,
                    None => {
                        result.unplaced += 1;
                        result.note(*number, "unplaced", format!("meter `{meter}` with register `{register}` is not in the society file; the read counts once it is"));
                    }
                }
            }
            sorted.kept.push(good);
        }
        Ok(sorted)
    }

    /// Reads that stand already within the file's span, so that they can be called duplicates.
    fn standing(
        &self,
        good: &[Good<'_>],
        places: &impl Places,
    ) -> Answer<BTreeSet<(u32, i64, i64)>> {
        let rows = good.iter().flat_map(|(_, _, rows)| rows);
        let spans = spans(rows.filter_map(|row| match row {
            Row::Read {
                meter,
                register,
                at,
                ..
            } => Some((places.series(meter, *register)?, *at)),
            _ => None,
        }));
        self.ask(&series_of(&spans), |reader| {
            let mut standing = BTreeSet::new();
            for (series, span) in &spans {
                for judged in reader.reads(*series, *span).or_ours("series.sqlite")? {
                    standing.insert((series.0, judged.read.at.0, judged.read.wh.0));
                }
            }
            Ok(standing)
        })
    }
}

/// The span of the reads of each series.
pub(super) fn spans(reads: impl Iterator<Item = (SeriesId, Instant)>) -> BTreeMap<SeriesId, Span> {
    let mut spans: BTreeMap<SeriesId, Span> = BTreeMap::new();
    for (series, at) in reads {
        let end = at.plus_ms(1);
        let span = spans.entry(series).or_insert(Span { start: at, end });
        *span = Span {
            start: span.start.min(at),
            end: span.end.max(end),
        };
    }
    spans
}

/// The series of spans.
pub(super) fn series_of(spans: &BTreeMap<SeriesId, Span>) -> Vec<SeriesId> {
    spans.keys().copied().collect()
}
