//! Importing a file: read, preview, journal, and say what became of every line.
//!
//! Lines that cannot be read are refused with their number and reason and are not journaled; all
//! others are, raw, in records of up to a thousand lines. The counts are taken from the verdicts
//! after the series have caught up, so that they say what really stands.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, Span},
    metering::{SeriesId, Verdict},
    quantity::WattHours,
};
use journal::{Entry, Records};
pub use records::import::{Layout, Row};
use records::{
    Decoded,
    decision::{HistoryMonth, HistoryMonths, What},
    import::{ImportHeader, MAX_LINES, Places, RowReader, Shape, place},
};

use super::{
    answer::{Answer, OrCaller, OrOurs, refuse},
    projector::{KnownPlaces, directory_of},
    society::{SocietyOffice, stopped},
};

/// Most reasons that are kept one by one; the rest are counted.
pub const MAX_REASONS: usize = 10_000;

/// Bytes of records that are journaled at once.
const BATCH_BYTES: usize = 1 << 20;

/// Told while a long import goes on: what is being done, how much of how much.
pub type Tell<'a> = &'a mut dyn FnMut(&str, u64, u64);

/// A file to import.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// Its name, without folders.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The layout, columns by name.
    pub layout: Layout,
    /// Who imports it.
    pub by: String,
}

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows that stand.
    pub accepted: u64,
    /// Rows that stood already, or stood twice in the file.
    pub duplicate: u64,
    /// Rows held for a person.
    pub held: u64,
    /// Rows that do not count, with the lines that could not be read.
    pub refused: u64,
    /// Rows of meters nobody has entered; they count once somebody does.
    pub unplaced: u64,
    /// Line number, verdict word, reason.
    pub reasons: Vec<(u64, &'static str, String)>,
}

/// A row as it would be imported.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The layout by which the file is read, columns as numbers.
    pub layout: Layout,
    /// First lines with what they become.
    pub lines: Vec<(u64, Result<Vec<Row>, String>)>,
    /// Lines that can be read, and that cannot.
    pub good: u64,
    /// Lines that cannot be read.
    pub bad: u64,
}

struct Parsed<'a> {
    layout: Layout,
    good: Vec<(u64, &'a str, Vec<Row>)>,
    bad: Vec<(u64, String)>,
}

fn parse<'a>(request: &'a ImportRequest, tell: Tell<'_>) -> Answer<Parsed<'a>> {
    let mut lines = request
        .text
        .lines()
        .zip(1_u64..)
        .filter(|(line, _)| !line.trim().is_empty());
    let first = lines.clone().next().map_or("", |(line, _)| line);
    let layout = request.layout.resolve(first).or_caller()?;
    if layout.header {
        lines.next();
    }
    let total = request.text.lines().count() as u64;
    let mut parsed = Parsed {
        layout,
        good: Vec::new(),
        bad: Vec::new(),
    };
    let layout = parsed.layout.clone();
    let reader = RowReader::at_intake(&layout).or_caller()?;
    for (line, number) in lines {
        if number % 16_384 == 0 {
            tell("reading", number, total);
        }
        match reader.read(line) {
            Ok(rows) => parsed.good.push((number, line, rows)),
            Err(why) => parsed.bad.push((number, why)),
        }
    }
    tell("reading", total, total);
    Ok(parsed)
}

/// Shows what a file's first rows become.
///
/// # Errors
/// When the layout does not fit the file.
pub fn preview(request: &ImportRequest, rows: usize) -> Answer<Preview> {
    let parsed = parse(request, &mut |_, _, _| {})?;
    let (good, bad) = (parsed.good.len() as u64, parsed.bad.len() as u64);
    let mut lines: Vec<_> = parsed
        .good
        .into_iter()
        .take(rows)
        .map(|(n, _, rows)| (n, Ok(rows)))
        .collect();
    lines.extend(
        parsed
            .bad
            .into_iter()
            .take(rows)
            .map(|(n, why)| (n, Err(why))),
    );
    lines.sort_by_key(|(n, _)| *n);
    Ok(Preview {
        layout: parsed.layout,
        lines,
        good,
        bad,
    })
}

/// Records that go to the journal as one group, with what they say.
#[derive(Default)]
struct Batch {
    records: Records,
    decoded: Decoded,
}

impl Batch {
    /// Makes a record of the lines that have gathered.
    fn take(&mut self, header: &ImportHeader, lines: &mut Vec<(u64, &str)>) {
        let Some((first_line, _)) = lines.first() else {
            return;
        };
        let header = ImportHeader {
            first_line: *first_line,
            ..header.clone()
        };
        let raw: Vec<&str> = lines.iter().map(|(_, line)| *line).collect();
        self.records.push(&header.to_record(&raw));
        lines.clear();
    }
}

impl SocietyOffice {
    /// Imports a file.
    ///
    /// # Errors
    /// When the layout does not fit, or the journal takes nothing more.
    pub fn import(
        &self,
        request: &ImportRequest,
        now: Instant,
        tell: Tell<'_>,
    ) -> Answer<Imported> {
        let parsed = parse(request, tell)?;
        let mut result = Imported::default();
        for (number, why) in parsed.bad {
            result.refuse(number, why);
        }
        if parsed.layout.shape == Shape::Months {
            return self.import_months(request, &parsed.good, result, now);
        }
        let known = self.known();
        let directory = directory_of(&known);
        let places = KnownPlaces {
            directory: &directory,
            known: &known,
        };
        let mut standing = self.standing(&parsed.good, &places)?;
        let mut lines: Vec<(u64, &str)> = Vec::new();
        let mut batch = Batch::default();
        let mut asked: Vec<(u64, SeriesId, Instant, WattHours)> = Vec::new();
        let header = ImportHeader {
            received_ms: now.0,
            by: request.by.clone(),
            file: request.file.clone(),
            first_line: 0,
            layout: parsed.layout.clone(),
        };
        let total = parsed.good.len() as u64;
        for (done, (number, line, rows)) in parsed.good.iter().enumerate() {
            // A record's lines are numbered from its first: a gap starts another record.
            let gap = lines.last().is_some_and(|(last, _)| last + 1 != *number);
            if gap || lines.len() == MAX_LINES {
                batch.take(&header, &mut lines);
                if batch.records.byte_len() >= BATCH_BYTES {
                    self.journal(&mut batch, now)?;
                    tell("keeping", done as u64, total);
                }
            }
            let mut fits = true;
            for row in rows {
                if let Row::Interval { meter, .. } = row
                    && places.point(meter).is_none()
                {
                    result.refuse(
                        *number,
                        format!("meter `{meter}` is not in the society file"),
                    );
                    fits = false;
                    break;
                }
            }
            if !fits {
                continue;
            }
            let before = batch.decoded.intervals.len();
            for row in rows {
                place(row, &header, &places, &mut batch.decoded);
                if let Row::Read {
                    meter,
                    register,
                    at,
                    wh,
                    ..
                } = row
                {
                    match places.series(meter, *register) {
                        Some(series) if standing.insert((series.0, at.0, wh.0), ()).is_none() => {
                            asked.push((*number, series, *at, *wh));
                        }
                        Some(_) => result.duplicate += 1,
                        None => {
                            result.unplaced += 1;
                            result.note(*number, "unplaced", format!("meter `{meter}` with register `{register}` is not in the society file; the read counts once it is"));
                        }
                    }
                }
            }
            if batch.decoded.intervals.len() > before {
                result.accepted += 1;
            }
            lines.push((*number, line));
        }
        batch.take(&header, &mut lines);
        self.journal(&mut batch, now)?;
        tell("keeping", total, total);
        tell("judging", 0, total);
        self.verdicts(&asked, &mut result)?;
        tell("judging", total, total);
        result.reasons.sort_by_key(|(number, _, _)| *number);
        Ok(result)
    }

    fn journal(&self, batch: &mut Batch, now: Instant) -> Answer<()> {
        if batch.records.is_empty() {
            return Ok(());
        }
        let entry = Entry {
            records: std::mem::take(&mut batch.records),
            time_ms: now.0,
            count: 1,
            ack: None,
            along: std::mem::take(&mut batch.decoded),
        };
        self.committer().append(entry).map_err(stopped)?;
        Ok(())
    }

    /// Reads that stand already within the file's span, so that they can be called duplicates.
    fn standing(
        &self,
        good: &[(u64, &str, Vec<Row>)],
        places: &impl Places,
    ) -> Answer<BTreeMap<(u32, i64, i64), ()>> {
        let mut spans: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        for (_, _, rows) in good {
            for row in rows {
                if let Row::Read {
                    meter,
                    register,
                    at,
                    ..
                } = row
                    && let Some(series) = places.series(meter, *register)
                {
                    let span = spans.entry(series.0).or_insert((at.0, at.0));
                    *span = (span.0.min(at.0), span.1.max(at.0));
                }
            }
        }
        self.ask(
            &spans.keys().map(|id| SeriesId(*id)).collect::<Vec<_>>(),
            |reader| {
                let mut standing = BTreeMap::new();
                for (series, (start, end)) in &spans {
                    let span = Span::new(Instant(*start), Instant(end.saturating_add(1)));
                    for judged in reader
                        .reads(SeriesId(*series), span)
                        .or_ours("series.sqlite")?
                    {
                        standing.insert((*series, judged.read.at.0, judged.read.wh.0), ());
                    }
                }
                Ok(standing)
            },
        )
    }

    fn verdicts(
        &self,
        asked: &[(u64, SeriesId, Instant, WattHours)],
        result: &mut Imported,
    ) -> Answer<()> {
        let mut spans: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        for (_, series, at, _) in asked {
            let span = spans.entry(series.0).or_insert((at.0, at.0));
            *span = (span.0.min(at.0), span.1.max(at.0));
        }
        let known = self.known();
        self.ask(
            &spans.keys().map(|id| SeriesId(*id)).collect::<Vec<_>>(),
            |reader| {
                let mut notable = BTreeMap::new();
                for (series, (start, end)) in &spans {
                    let span = Span::new(Instant(*start), Instant(end.saturating_add(1)));
                    for (at, wh, verdict) in reader
                        .noticed(SeriesId(*series), span)
                        .or_ours("series.sqlite")?
                    {
                        notable.insert((*series, at.0, wh.0), verdict);
                    }
                }
                for (number, series, at, wh) in asked {
                    let verdict = notable
                        .get(&(series.0, at.0, wh.0))
                        .copied()
                        .unwrap_or(Verdict::Accepted);
                    let word = match verdict {
                        Verdict::Accepted => {
                            result.accepted += 1;
                            continue;
                        }
                        Verdict::Held => {
                            result.held += 1;
                            "held"
                        }
                        Verdict::Refused => {
                            result.refused += 1;
                            "refused"
                        }
                    };
                    if result.reasons.len() >= MAX_REASONS {
                        continue;
                    }
                    let meter = known
                        .series
                        .get(series.0 as usize)
                        .map_or("", |s| s.meter.as_str());
                    let why = reader
                        .reads(*series, Span::new(*at, at.plus_ms(1)))
                        .or_ours("series.sqlite")?
                        .iter()
                        .find(|row| row.read.wh == *wh)
                        .and_then(|row| {
                            row.findings
                                .first()
                                .map(|finding| finding.explain(meter, &row.read))
                        })
                        .unwrap_or_default();
                    result.note(*number, word, why);
                }
                Ok(())
            },
        )?;
        Ok(())
    }

    fn import_months(
        &self,
        request: &ImportRequest,
        good: &[(u64, &str, Vec<Row>)],
        mut result: Imported,
        now: Instant,
    ) -> Answer<Imported> {
        let known = self.known();
        let mut rows = Vec::new();
        for (number, _, line_rows) in good {
            for row in line_rows {
                let Row::Month { site, month, wh } = row else {
                    continue;
                };
                if known.sites.contains_key(site) {
                    rows.push(HistoryMonth {
                        site: site.clone(),
                        month: month.clone(),
                        wh: wh.0,
                    });
                    result.accepted += 1;
                } else {
                    result.refuse(*number, format!("site `{site}` is not in the society file"));
                }
            }
        }
        if rows.is_empty() {
            return if result.refused > 0 {
                Ok(result)
            } else {
                refuse("the file has no rows")
            };
        }
        let file = request.file.clone();
        self.decide(
            What::HistoryMonths(HistoryMonths { file, rows }),
            &request.by,
            now,
        )?;
        Ok(result)
    }
}

impl Imported {
    fn refuse(&mut self, line: u64, why: String) {
        self.refused += 1;
        self.note(line, "refused", why);
    }

    fn note(&mut self, line: u64, verdict: &'static str, why: String) {
        if self.reasons.len() < MAX_REASONS {
            self.reasons.push((line, verdict, why));
        }
    }
}
