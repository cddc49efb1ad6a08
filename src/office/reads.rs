//! Reads with what was noticed about them, and what a person decides about held ones.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, Span},
    metering::{Obis, ReadDecision, Verdict},
    quantity::WattHours,
};
use records::decision::{self, Decision, What};
pub use records::decision::{ReadAction, ReadDecision as DecidedRead};

use store::series::JudgedRow;

use super::{
    answer::{Answer, OrOurs, Refusal, refuse},
    meters::unknown_register,
    society::SocietyOffice,
};

/// A read of a register of a meter, judged.
#[derive(Clone, Debug)]
pub struct ListedRead {
    /// Meter serial.
    pub meter: String,
    /// Register.
    pub register: Obis,
    /// The read, its verdict and findings.
    pub judged: JudgedRow,
    /// Who decided about it, when and why; the last of several.
    pub decided: Option<Word>,
}

/// A person's word on a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Who.
    pub by: String,
    /// When.
    pub at: Instant,
    /// Why.
    pub reason: String,
}

/// Words on reads of a meter, by register, time and value.
type Words = BTreeMap<(Obis, Instant, WattHours), Word>;

impl SocietyOffice {
    /// Reads of a meter in a span, of one register or all; only those held for a person on demand.
    ///
    /// # Errors
    /// When the meter is unknown.
    pub fn list_reads(
        &self,
        meter: &str,
        register: Option<Obis>,
        span: Span,
        only_held: bool,
    ) -> Answer<Vec<ListedRead>> {
        let known = self.known();
        let series: Vec<_> = known
            .series
            .iter()
            .filter(|s| s.meter == meter && register.is_none_or(|r| r == s.register))
            .cloned()
            .collect();
        if series.is_empty() {
            return Err(unknown_register(&known, meter, register));
        }
        let about: Vec<_> = series.iter().map(|s| s.id).collect();
        let mut words = self.words_on(meter)?;
        self.ask(&about, |reader| {
            let mut listed = Vec::new();
            for one in &series {
                for judged in reader.reads(one.id, span).or_ours("series.sqlite")? {
                    if !only_held || judged.verdict == Verdict::Held {
                        let read = (one.register, judged.read.at, judged.read.wh);
                        listed.push(ListedRead {
                            meter: one.meter.clone(),
                            register: one.register,
                            decided: words.remove(&read),
                            judged,
                        });
                    }
                }
            }
            Ok(listed)
        })
    }

    /// The reads of all meters in a span that wait for a person: at most `limit`, and whether there
    /// are more.
    ///
    /// # Errors
    /// When the series cannot be brought up to date.
    pub fn held_reads(&self, span: Span, limit: usize) -> Answer<(Vec<ListedRead>, bool)> {
        let known = self.known();
        self.projector().settle_all()?;
        let wanted = limit.saturating_add(1);
        let mut held = self.look(|reader| reader.held(span, wanted).or_ours("series.sqlite"))?;
        let more = held.len() > limit;
        held.truncate(limit);
        let listed = held.into_iter().filter_map(|(id, judged)| {
            let series = known.series.get(id.0 as usize)?;
            Some(ListedRead {
                meter: series.meter.clone(),
                register: series.register,
                judged,
                decided: None,
            })
        });
        Ok((listed.collect(), more))
    }

    fn words_on(&self, meter: &str) -> Answer<Words> {
        let mut words = Words::new();
        // In order of their journal position: the last stands.
        for row in self.books().read_decisions().or_ours("books.sqlite")? {
            if row.meter != meter {
                continue;
            }
            let decision: Decision =
                serde_json::from_str(&row.json).or_ours("a decision of the books")?;
            let What::ReadDecision(read) = decision.what else {
                continue;
            };
            let register: Obis = read.register.parse().or_ours("a decision of the books")?;
            let word = Word {
                by: decision.by,
                at: Instant(decision.at_ms),
                reason: read.reason,
            };
            words.insert((register, row.at, WattHours(read.wh)), word);
        }
        Ok(words)
    }

    /// Records what a person decided about one read.
    ///
    /// # Errors
    /// When there is no such read, it was decided the same way before, or the one who took it from
    /// the dial wants it to count.
    pub fn decide_read(&self, read: &decision::ReadDecision, by: &str, now: Instant) -> Answer<()> {
        let register: Obis = read
            .register
            .parse()
            .map_err(|e: domain::metering::NotAnObisCode| Refusal::Caller(e.to_string()))?;
        if read.reason.trim().is_empty() {
            return refuse("a decision needs a reason\nhint: the auditor will ask");
        }
        let wanted = domain_decision(read)?;
        let at = Instant(read.read_at_ms);
        let found = self.list_reads(
            &read.meter,
            Some(register),
            Span::new(at, at.plus_ms(1)),
            false,
        )?;
        let Some(listed) = found.iter().find(|l| l.judged.read.wh.0 == read.wh) else {
            let seen: Vec<String> = found.iter().map(|l| l.judged.read.wh.kwh_text()).collect();
            return refuse(format!(
                "register `{register}` of meter `{}` has no read of `{}` kWh at `{at}`; it has: {}",
                read.meter,
                WattHours(read.wh).kwh_text(),
                if seen.is_empty() {
                    "none".to_owned()
                } else {
                    seen.join(", ")
                }
            ));
        };
        if wanted != ReadDecision::Refuse {
            self.another_than_the_taker(read, by)?;
        }
        if listed.judged.decision == Some(wanted) {
            return refuse("this was decided already; nothing was changed");
        }
        self.decide(What::ReadDecision(read.clone()), by, now)
    }

    /// Money hangs on a read from the dial: who took it cannot be the one who says that it counts.
    fn another_than_the_taker(&self, read: &decision::ReadDecision, by: &str) -> Answer<()> {
        let taken = self.dial_reads(Some(&read.meter))?.into_iter().any(|dial| {
            dial.taken.0 == by
                && dial.read.read_at_ms == read.read_at_ms
                && dial.read.register == read.register
                && dial.read.wh == read.wh
        });
        if taken {
            return refuse(format!(
                "`{by}` took this read from the dial, and it is held; expected another officer to decide\nhint: two people are two people: let another officer look at the photo; whoever took it may refuse it"
            ));
        }
        Ok(())
    }
}

/// A journaled decision in the domain's words.
pub(super) fn domain_decision(read: &decision::ReadDecision) -> Answer<ReadDecision> {
    match (read.action, read.corrected_wh) {
        (ReadAction::Accept, None) => Ok(ReadDecision::Accept),
        (ReadAction::Refuse, None) => Ok(ReadDecision::Refuse),
        (ReadAction::Correct, Some(wh)) => Ok(ReadDecision::Correct(WattHours(wh))),
        (ReadAction::Correct, None) => {
            refuse("a correction needs the value that takes its place\nhint: add --correct-to KWH")
        }
        (_, Some(_)) => refuse("only a correction names another value"),
    }
}
