//! FIT claims: previewed from reads and published rates, frozen as a decision that carries its lines.
//!
//! Preview and freeze are one computation. A frozen claim is never reckoned again; freezing the same
//! claim a second time finds it there and appends nothing, and a claim that overlaps a frozen one is
//! refused. What is split by time for want of a read is frozen only when the officer says so.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{
    calendar::{Instant, LocalDay, Period, Span},
    income::{
        BillableRead, Chain, Claim, ClaimLine, ClaimOf, NotBillable, PaidFinding, claim, compare,
    },
    metering::{Approval, JudgedRead, Meter, SeriesId},
    money::Pence,
};
use records::{
    decision::What,
    income::{self, ClaimFrozen, Finding, FrozenRead},
    society::{Counts, Installation},
};
use store::SeriesReader;

use super::{
    answer::{Answer, OrCaller, OrOurs, Refusal, refuse},
    forecast,
    known::{Known, date},
    society::{CLAIM_FROZEN, SocietyOffice},
    tariffs::{tables, terms_of},
};

/// Reads are looked for so many days before a claim's first, for the one it opens with.
const BEFORE_DAYS: i32 = 2;
/// Longest claim, in days: three years, as licensees look back no further at once.
const MAX_DAYS: i32 = 3 * 366;
/// Two claims may meet at a read; a gap up to this is closed by opening where the last one closed.
const CONTINUES_DAYS: i32 = 1;

/// A claim as it would be, or was, frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeClaim {
    /// Its record.
    pub claim: ClaimFrozen,
    /// True when it is frozen.
    pub frozen: bool,
}

impl SocietyOffice {
    /// Makes a claim and changes nothing.
    ///
    /// # Errors
    /// When reads or rates are missing.
    pub fn preview_claim(
        &self,
        installation: &Installation,
        days: Period,
        now: Instant,
    ) -> Answer<MadeClaim> {
        let frozen = self.frozen_claims()?;
        let of_it: Vec<&ClaimFrozen> = frozen
            .iter()
            .filter(|claim| claim.installation == installation.id)
            .collect();
        let asked = (days.first_day().to_string(), days.last_day().to_string());
        if let Some(same) = of_it
            .iter()
            .find(|claim| (&claim.from, &claim.to) == (&asked.0, &asked.1))
        {
            return Ok(MadeClaim {
                claim: ClaimFrozen::clone(same),
                frozen: true,
            });
        }
        let made = self.make_claim(installation, days, &of_it, now)?;
        let number = u32::try_from(frozen.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        Ok(MadeClaim {
            claim: self.record(installation, days, number, &made),
            frozen: false,
        })
    }

    /// Freezes a claim; one that was frozen before is found and nothing is appended.
    ///
    /// # Errors
    /// As for the preview; when it overlaps a frozen one, is not over yet, or a line is apportioned
    /// and the officer did not say that this is meant.
    pub fn freeze_claim(
        &self,
        installation: &Installation,
        days: Period,
        apportioned: bool,
        by: &str,
        now: Instant,
    ) -> Answer<MadeClaim> {
        let _one_at_a_time = freezing();
        let made = self.preview_claim(installation, days, now)?;
        if made.frozen {
            return Ok(made);
        }
        if days.last_day() >= self.known().zone.day_of(now) {
            return refuse(format!(
                "`{}` is not over yet; expected days that are",
                days.last_day()
            ));
        }
        for other in self.frozen_claims()? {
            let meets = other.installation == installation.id
                && other.opens_at_ms < made.claim.closes_at_ms
                && made.claim.opens_at_ms < other.closes_at_ms;
            if meets {
                return refuse(format!(
                    "claim {} from `{}` to `{}` is frozen and overlaps; expected days that were not claimed\nhint: a claim opens with the read the one before it closed with",
                    other.number, other.from, other.to
                ));
            }
        }
        if !apportioned && made.claim.lines.iter().any(|line| line.apportioned) {
            return refuse(format!(
                "{}\nhint: import that read, or freeze with --apportioned if there is none",
                made.claim
                    .findings
                    .iter()
                    .find(|finding| finding.kind == "apportioned")
                    .map_or("a line is split by time", |finding| finding.text.as_str())
            ));
        }
        self.decide(What::ClaimFrozen(Box::new(made.claim.clone())), by, now)?;
        Ok(MadeClaim {
            frozen: true,
            ..made
        })
    }

    /// The frozen claims, in order of their numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn frozen_claims(&self) -> Answer<Vec<ClaimFrozen>> {
        self.decided(CLAIM_FROZEN, |what| match what {
            What::ClaimFrozen(claim) => Some(*claim),
            _ => None,
        })
    }

    fn make_claim(
        &self,
        installation: &Installation,
        days: Period,
        frozen: &[&ClaimFrozen],
        now: Instant,
    ) -> Answer<Claim> {
        within_reach(days)?;
        let known = self.known();
        let terms = terms_of(installation)?;
        let zone = &known.zone;
        // Where a claim before closed, this one opens, so that nothing lies between.
        let near = zone.day_span(days.first_day().plus(-CONTINUES_DAYS)).start;
        let until = zone.day_span(days.first_day()).end;
        let continues_at = frozen
            .iter()
            .map(|claim| Instant(claim.closes_at_ms))
            .filter(|closed| near <= *closed && *closed <= until)
            .max();
        let mut points = vec![installation.meter_point.clone()];
        if !installation.export_meter_point.is_empty() {
            points.push(installation.export_meter_point.clone());
        }
        let chains = self.chains(&points, days)?;
        let (Some((generation, refused)), export) = (chains.first(), chains.get(1)) else {
            return Err(Refusal::Ours("a claim without a meter point".into()));
        };
        if let (None, Some(refused)) = (generation.reads().next(), refused) {
            return refuse(refused);
        }
        let expected = expected(&known, installation, days, now)?;
        claim(&ClaimOf {
            days,
            zone,
            tables: tables()?,
            terms: &terms,
            generation,
            export: export.map(|(chain, _)| chain),
            continues_at,
            expected,
        })
        .or_caller()
    }

    /// The billable reads of meter points around days, each with the reason of the first read that
    /// was left out for want of an approval.
    pub(super) fn chains(
        &self,
        points: &[String],
        days: Period,
    ) -> Answer<Vec<(Chain, Option<NotBillable>)>> {
        let known = self.known();
        let events = self.events();
        let start = known
            .zone
            .day_span(days.first_day().plus(-BEFORE_DAYS))
            .start;
        // The read at the midnight that ends the days is one of theirs.
        let span = Span::new(start, known.zone.day_span(days.last_day()).end.plus_ms(1));
        self.ask(&known.series_of_points(points), |reader| {
            points
                .iter()
                .map(|point| {
                    let mut reads = Vec::new();
                    let mut refused = None;
                    for series in known.series_of_point(point) {
                        let Some(meter) = meter_of(&known, series)? else {
                            continue;
                        };
                        let found = billable(reader, &known, series, &meter, span)?;
                        let ends = events.iter().flat_map(|event| {
                            let register = known.series[series.0 as usize].register;
                            let closes = (event.closes == series && span.contains(event.closed_at))
                                .then(|| {
                                    BillableRead::final_of(&meter, register, event, &known.zone)
                                });
                            let opens = (event.opens == series && span.contains(event.opened_at))
                                .then(|| {
                                    BillableRead::opening_of(&meter, register, event, &known.zone)
                                });
                            [closes, opens].into_iter().flatten()
                        });
                        for read in found.into_iter().chain(ends) {
                            match read {
                                Ok(read) => reads.push(read),
                                // Held and refused reads are listed elsewhere.
                                Err(NotBillable::NotAccepted(_)) => {}
                                Err(why) => {
                                    refused.get_or_insert(why);
                                }
                            }
                        }
                    }
                    Ok((Chain::new(reads), refused))
                })
                .collect()
        })
    }

    fn record(
        &self,
        installation: &Installation,
        days: Period,
        number: u32,
        made: &Claim,
    ) -> ClaimFrozen {
        ClaimFrozen {
            installation: installation.id.clone(),
            number,
            from: days.first_day().to_string(),
            to: days.last_day().to_string(),
            opens_at_ms: made.opens_at.0,
            closes_at_ms: made.closes_at.0,
            lines: made.lines.iter().map(line).collect(),
            total_pence: made.total.0,
            findings: made
                .findings
                .iter()
                .map(|finding| Finding {
                    kind: finding.word().to_owned(),
                    text: finding.to_string(),
                })
                .collect(),
            reads: made.evidence.iter().map(frozen_read).collect(),
            sample: installation.sample || self.known().document.society.sample,
        }
    }
}

/// A payment beside what a claim says is due.
///
/// # Errors
/// When the amounts leave the range of 64 bits.
pub fn paid(claim: &ClaimFrozen, paid: Pence) -> Answer<PaidFinding> {
    compare(Pence(claim.total_pence), paid)
        .ok_or_else(|| Refusal::Caller(format!("`{paid}` is too much to compare")))
}

/// Held from the look at what is frozen until the new decision stands, so that two officers at once
/// cannot freeze the same energy.
pub(super) fn freezing() -> MutexGuard<'static, ()> {
    static FREEZING: Mutex<()> = Mutex::new(());
    FREEZING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses days of which no claim or bill is made.
pub(super) fn within_reach(days: Period) -> Answer<()> {
    if days.day_count() <= 0 || days.day_count() > MAX_DAYS {
        return refuse(format!(
            "`{}` days; expected 1 to {MAX_DAYS}\nhint: both days are included; the first comes first",
            days.day_count()
        ));
    }
    Ok(())
}

/// A read as a frozen line keeps it.
pub(super) fn frozen_read(read: &BillableRead) -> FrozenRead {
    FrozenRead {
        meter: read.meter().to_owned(),
        register: read.register().to_string(),
        at_ms: read.at().0,
        wh: read.wh().0,
        quality: read.quality().word().to_owned(),
        evidence: read.evidence().letter().to_owned(),
    }
}

fn line(line: &ClaimLine) -> income::ClaimLine {
    income::ClaimLine {
        from: line.from.to_string(),
        to: line.to.to_string(),
        wh: line.wh.0,
        rate_p_per_kwh: line.rate.to_string(),
        pence: line.pence.0,
        kind: line.kind.word().to_owned(),
        apportioned: line.apportioned,
    }
}

/// The reads of a series, each as billable or with the reason why not.
fn billable(
    reader: &SeriesReader,
    known: &Known,
    series: SeriesId,
    meter: &Meter,
    span: Span,
) -> Answer<Vec<Result<BillableRead, NotBillable>>> {
    let register = known.series[series.0 as usize].register;
    let rows = reader.reads(series, span).or_ours("series.sqlite")?;
    let judged = rows.into_iter().map(|row| JudgedRead {
        read: row.read,
        verdict: row.verdict,
        counts_as: row.counts_as,
        findings: row.findings,
        decision: row.decision,
    });
    Ok(judged
        .map(|read| BillableRead::of(meter, register, &read, &known.zone))
        .collect())
}

/// The meter of a series with its approval, in the domain's words.
fn meter_of(known: &Known, series: SeriesId) -> Answer<Option<Meter>> {
    let Some(named) = known.series.get(series.0 as usize) else {
        return Ok(None);
    };
    let (Some(meter), Some(document)) = (
        known.meters.get(&named.meter),
        known
            .document
            .meter
            .iter()
            .find(|m| m.serial == named.meter),
    ) else {
        return Ok(None);
    };
    let approval = match &document.approved {
        None => None,
        Some(approved) => Some(Approval {
            meter_type: approved.kind.clone(),
            certificate: approved.certificate.clone(),
            expires: date("meter.approved.expires", &approved.expires)?,
        }),
    };
    Ok(Some(Meter {
        serial: named.meter.clone(),
        approval,
        registers: meter.registers.clone(),
    }))
}

/// What the roof of an installation was expected to make, where only this installation is on it.
fn expected(
    known: &Known,
    installation: &Installation,
    days: Period,
    now: Instant,
) -> Answer<Option<domain::quantity::WattHours>> {
    let on_roof = known
        .document
        .installation
        .iter()
        .filter(|other| other.site == installation.site)
        .count();
    let points = known.points_of_site(&installation.site, Counts::Generation);
    if on_roof != 1 || points.count() != 1 {
        return Ok(None);
    }
    let forecast = forecast::of_site(&known.document, &installation.site)?;
    let today: LocalDay = known.zone.day_of(now);
    Ok(forecast.energy(days, days.last_day().min(today)))
}
