//! What became of a file's reads, or would become of them.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, Span},
    metering::{Finding, Read, SeriesId, Verdict},
};

use super::{
    Imported, MAX_REASONS,
    sorting::{Asked, series_of, spans},
};
use crate::{
    answer::{Answer, OrOurs},
    known::Known,
    society::{SocietyOffice, decisions_of, definitions},
};

impl SocietyOffice {
    /// Counts what became of reads that were kept.
    pub(super) fn verdicts(&self, asked: &[Asked], result: &mut Imported) -> Answer<()> {
        let known = self.known();
        let spans = spans(asked.iter().map(|(_, series, read)| (*series, read.at)));
        self.ask(&series_of(&spans), |reader| {
            let mut notable = BTreeMap::new();
            for (series, span) in &spans {
                for (at, wh, verdict) in reader.noticed(*series, *span).or_ours("series.sqlite")? {
                    notable.insert((*series, at, wh), verdict);
                }
            }
            for (number, series, read) in asked {
                let verdict = notable.get(&(*series, read.at, read.wh));
                let verdict = verdict.copied().unwrap_or(Verdict::Accepted);
                let findings = match verdict {
                    Verdict::Held | Verdict::Refused if result.reasons.len() < MAX_REASONS => {
                        let here = Span::new(read.at, read.at.plus_ms(1));
                        let reads = reader.reads(*series, here).or_ours("series.sqlite")?;
                        let same = reads.into_iter().find(|row| row.read.wh == read.wh);
                        same.map(|row| row.findings).unwrap_or_default()
                    }
                    _ => Vec::new(),
                };
                result.judged(*number, verdict, &findings, meter(&known, *series), read);
            }
            Ok(())
        })
    }

    /// Counts what would become of reads that were received now, among those that stand.
    pub(super) fn likely_verdicts(
        &self,
        asked: &[Asked],
        result: &mut Imported,
        now: Instant,
    ) -> Answer<()> {
        let known = self.known();
        let mut of_series: BTreeMap<SeriesId, Vec<(u64, Read)>> = BTreeMap::new();
        for (number, series, read) in asked {
            let read = Read {
                received: now,
                ..*read
            };
            of_series.entry(*series).or_default().push((*number, read));
        }
        let series: Vec<SeriesId> = of_series.keys().copied().collect();
        let decisions = decisions_of(&self.books(), &known)?;
        let defs = definitions(&known, &self.events(), &decisions)?;
        self.ask(&series, |reader| {
            for (series, new) in &of_series {
                let Some(def) = defs.iter().find(|def| def.id == *series) else {
                    continue;
                };
                let reads: Vec<Read> = new.iter().map(|(_, read)| *read).collect();
                let judged = reader
                    .judged_with(*series, &def.rules, &def.decisions, &reads)
                    .or_ours("series.sqlite")?;
                let judged: BTreeMap<_, _> = judged
                    .iter()
                    .map(|judged| ((judged.read.at, judged.read.wh), judged))
                    .collect();
                for (number, read) in new {
                    if let Some(judged) = judged.get(&(read.at, read.wh)) {
                        let meter = meter(&known, *series);
                        result.judged(*number, judged.verdict, &judged.findings, meter, read);
                    }
                }
            }
            Ok(())
        })
    }
}

impl Imported {
    /// Counts a read with its verdict and, where it does not count, the first finding's reason.
    fn judged(
        &mut self,
        line: u64,
        verdict: Verdict,
        findings: &[Finding],
        meter: &str,
        read: &Read,
    ) {
        match verdict {
            Verdict::Accepted => {
                self.accepted += 1;
                return;
            }
            Verdict::Held => self.held += 1,
            Verdict::Refused => self.refused += 1,
        }
        let why = findings.first().map(|finding| finding.explain(meter, read));
        self.note(line, verdict.word(), why.unwrap_or_default());
    }
}

fn meter(known: &Known, series: SeriesId) -> &str {
    let named = known.series.get(series.0 as usize);
    named.map_or("", |named| named.meter.as_str())
}
