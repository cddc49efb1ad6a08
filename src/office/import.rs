//! Importing a file: read, preview, journal, and say what became of every line.
//!
//! Lines that cannot be read, or whose meter or roof nobody has entered where that has to be known,
//! are refused with their number and reason and are not journaled; all others are, raw, in records of
//! up to a thousand lines. The counts are taken from the verdicts after the series have caught up, so
//! that they say what really stands. A preview judges the file's reads among those that stand and
//! keeps nothing.

mod sorting;
mod verdicts;

use domain::calendar::Instant;
use journal::{Entry, Records};
pub use records::import::{Layout, Row};
use records::{
    Decoded,
    decision::{HistoryMonth, HistoryMonths, What},
    import::{ImportHeader, MAX_LINES, RowReader, Shape, place},
};

use super::{
    answer::{Answer, OrCaller, refuse},
    projector::{KnownPlaces, directory_of},
    society::{SocietyOffice, stopped},
};
use sorting::Sorted;

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
    /// Rows that do not count, with the lines that were not kept.
    pub refused: u64,
    /// Of the refused, lines that were not kept: not one that can be read and placed.
    pub not_kept: u64,
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
    /// Lines that can be read.
    pub good: u64,
    /// Lines that cannot be read.
    pub bad: u64,
    /// What would become of the file.
    pub imported: Imported,
}

/// A line that can be read: its number, its text, its rows.
type Good<'a> = (u64, &'a str, Vec<Row>);

struct Parsed<'a> {
    layout: Layout,
    good: Vec<Good<'a>>,
    bad: Vec<(u64, String)>,
}

fn parse<'a>(request: &'a ImportRequest, tell: Tell<'_>) -> Answer<Parsed<'a>> {
    let mut lines = request
        .text
        .lines()
        .zip(1_u64..)
        .filter(|(line, _)| !line.trim().is_empty());
    let Some((first, _)) = lines.clone().next() else {
        return refuse(format!(
            "`{}` is empty\nhint: register reads begin with the line `meter,register,time,value,unit,source`",
            request.file
        ));
    };
    let layout = request.layout.resolve(first).or_caller()?;
    if layout.header {
        lines.next();
        if lines.clone().next().is_none() {
            return refuse(format!(
                "`{}` has no line below its column names",
                request.file
            ));
        }
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
    /// When the layout does not fit, the file has no lines, or the journal takes nothing more.
    pub fn import(
        &self,
        request: &ImportRequest,
        now: Instant,
        tell: Tell<'_>,
    ) -> Answer<Imported> {
        let parsed = parse(request, tell)?;
        if parsed.layout.shape == Shape::Months {
            let (rows, result) = self.months(&parsed);
            if !rows.is_empty() {
                let file = request.file.clone();
                let what = What::HistoryMonths(HistoryMonths { file, rows });
                self.decide(what, &request.by, now)?;
            }
            return Ok(result);
        }
        let known = self.known();
        let directory = directory_of(&known);
        let places = KnownPlaces {
            directory: &directory,
            known: &known,
        };
        let sorted = self.sorted(&parsed, &places)?;
        let header = ImportHeader {
            received_ms: now.0,
            by: request.by.clone(),
            file: request.file.clone(),
            first_line: 0,
            layout: parsed.layout.clone(),
        };
        let total = sorted.kept.len() as u64;
        let mut lines: Vec<(u64, &str)> = Vec::new();
        let mut batch = Batch::default();
        for (done, (number, line, rows)) in sorted.kept.iter().enumerate() {
            // A record's lines are numbered from its first: a gap starts another record.
            let gap = lines.last().is_some_and(|(last, _)| last + 1 != *number);
            if gap || lines.len() == MAX_LINES {
                batch.take(&header, &mut lines);
                if batch.records.byte_len() >= BATCH_BYTES {
                    self.journal(&mut batch, now)?;
                    tell("keeping", done as u64, total);
                }
            }
            for row in rows {
                place(row, &header, &places, &mut batch.decoded);
            }
            lines.push((*number, line));
        }
        batch.take(&header, &mut lines);
        self.journal(&mut batch, now)?;
        tell("keeping", total, total);
        tell("judging", 0, total);
        let Sorted {
            asked, mut result, ..
        } = sorted;
        self.verdicts(&asked, &mut result)?;
        tell("judging", total, total);
        result.reasons.sort_by_key(|(number, _, _)| *number);
        Ok(result)
    }

    /// Shows what a file's first rows become, and what would become of all of them. Nothing is kept.
    ///
    /// # Errors
    /// When the layout does not fit, or the file has no lines.
    pub fn preview_import(
        &self,
        request: &ImportRequest,
        rows: usize,
        now: Instant,
    ) -> Answer<Preview> {
        let parsed = parse(request, &mut |_, _, _| {})?;
        let mut imported = if parsed.layout.shape == Shape::Months {
            self.months(&parsed).1
        } else {
            let known = self.known();
            let directory = directory_of(&known);
            let places = KnownPlaces {
                directory: &directory,
                known: &known,
            };
            let mut sorted = self.sorted(&parsed, &places)?;
            self.likely_verdicts(&sorted.asked, &mut sorted.result, now)?;
            sorted.result
        };
        imported.reasons.sort_by_key(|(number, _, _)| *number);
        let (good, bad) = (parsed.good.len() as u64, parsed.bad.len() as u64);
        let read = parsed.good.into_iter().take(rows);
        let mut lines: Vec<_> = read.map(|(n, _, rows)| (n, Ok(rows))).collect();
        let unread = parsed.bad.into_iter().take(rows);
        lines.extend(unread.map(|(n, why)| (n, Err(why))));
        lines.sort_by_key(|(n, _)| *n);
        Ok(Preview {
            layout: parsed.layout,
            lines,
            good,
            bad,
            imported,
        })
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

    /// The monthly totals of a file, and what becomes of its lines.
    fn months(&self, parsed: &Parsed<'_>) -> (Vec<HistoryMonth>, Imported) {
        let known = self.known();
        let mut result = Imported::default();
        for (number, why) in &parsed.bad {
            result.leave_out(*number, why.clone());
        }
        let mut totals = Vec::new();
        for (number, _, rows) in &parsed.good {
            for row in rows {
                let Row::Month { site, month, wh } = row else {
                    continue;
                };
                if known.sites.contains_key(site) {
                    totals.push(HistoryMonth {
                        site: site.clone(),
                        month: month.clone(),
                        wh: wh.0,
                    });
                    result.accepted += 1;
                } else {
                    let why = format!("site `{site}` is not in the society file");
                    result.leave_out(*number, why);
                }
            }
        }
        (totals, result)
    }
}

impl Imported {
    /// A line that is refused and not kept.
    fn leave_out(&mut self, line: u64, why: String) {
        self.refused += 1;
        self.not_kept += 1;
        self.note(line, "refused", why);
    }

    fn note(&mut self, line: u64, verdict: &'static str, why: String) {
        if self.reasons.len() < MAX_REASONS {
            self.reasons.push((line, verdict, why));
        }
    }
}
