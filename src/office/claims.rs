//! FIT claims: previewed from reads and published rates, frozen as a decision that carries its lines.
//!
//! Preview and freeze are one computation. A frozen claim is never reckoned again; freezing the same
//! claim a second time finds it there and appends nothing, and a claim that overlaps a frozen one is
//! refused. What is split by time for want of a read is frozen only when the officer says so.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{
    calendar::{Instant, LocalDay, Period, Span},
    income::{BillableRead, Claim, ClaimLine, ClaimOf, Meets, PaidFinding, claim, compare},
    money::Pence,
};
use records::{
    decision::What,
    income::{self, ClaimFrozen, Finding, FrozenRead},
    society::{Counts, Installation},
};

use super::{
    answer::{Answer, OrCaller, Refusal, refuse},
    carried::Earlier,
    forecast,
    known::Known,
    society::{CLAIM_FROZEN, SocietyOffice},
    tariffs::terms_of,
};

/// Reads are looked for so many days before a claim's first, for the one it opens with.
pub(super) const BEFORE_DAYS: i32 = 2;
/// Longest claim, in days: three years, as licensees look back no further at once.
const MAX_DAYS: i32 = 3 * 366;

/// A claim as it would be, or was, frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeClaim {
    /// Its record.
    pub claim: ClaimFrozen,
    /// Who froze it and when; `None` while it is not frozen.
    pub frozen: Option<(String, Instant)>,
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
        let (first, last) = (days.first_day().to_string(), days.last_day().to_string());
        let same = frozen.iter().find(|made| {
            let claim = &made.claim;
            claim.installation == installation.id && (&claim.from, &claim.to) == (&first, &last)
        });
        if let Some(same) = same {
            return Ok(same.clone());
        }
        let number = u32::try_from(frozen.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let earlier = Earlier::of(&self.known(), installation, &frozen)?;
        let mut made = self.make_claim(installation, days, &earlier, None, now)?;
        made.number = number;
        self.carry(installation, days, &earlier, &mut made)?;
        Ok(MadeClaim {
            claim: made,
            frozen: None,
        })
    }

    /// Freezes a claim; one that was frozen before is found and nothing is appended.
    ///
    /// # Errors
    /// As for the preview; when its days or reads overlap a frozen one's, it is not over yet, or a
    /// line is apportioned and the officer did not say that this is meant.
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
        if made.frozen.is_some() {
            return Ok(made);
        }
        self.not_own_rates(installation, by)?;
        if days.last_day() >= self.known().zone.day_of(now) {
            return refuse(format!(
                "`{}` is not over yet; expected days that are",
                days.last_day()
            ));
        }
        let claim = &made.claim;
        let frozen = self.frozen_claims()?;
        let of_it = Earlier::of(&self.known(), installation, &frozen)?;
        if let Some(other) = of_it.iter().find(|other| other.meets(days, claim)) {
            return refuse(format!(
                "claim {} from `{}` to `{}` is frozen and overlaps; expected days that were not claimed\nhint: a claim opens with the read the one before it closed with; what has changed since is set right in the next",
                other.claim.number, other.first, other.last
            ));
        }
        if let Some(bill) = self.sold_export(&installation.site, claim)? {
            return refuse(format!(
                "bill {} to `{}` sells export from `{}` to `{}`; export is never sold and claimed\nhint: give FIT export up from a day on: export = [{{ from = …, basis = \"none\" }}]",
                bill.number, bill.host, bill.from, bill.to
            ));
        }
        if let Some(beyond) = claim.findings.iter().find(|f| f.kind == "beyond-capacity") {
            return refuse(format!(
                "{}\nhint: one of its reads is wrong: see `commonwatt reads list`, and refuse or correct it with `commonwatt reads decide`",
                beyond.text
            ));
        }
        let split = claim.findings.iter().find(|f| f.kind == "apportioned");
        if !apportioned && claim.lines.iter().any(|line| line.apportioned) {
            return refuse(format!(
                "{}\nhint: import that read, or freeze with --apportioned if there is none",
                split.map_or("a line is split by time", |finding| finding.text.as_str())
            ));
        }
        self.decide(What::ClaimFrozen(Box::new(claim.clone())), by, now)?;
        Ok(MadeClaim {
            frozen: Some((by.to_owned(), now)),
            ..made
        })
    }

    /// The frozen claims, in order of their numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn frozen_claims(&self) -> Answer<Vec<MadeClaim>> {
        let decisions = self.decisions(&[CLAIM_FROZEN])?.into_iter();
        Ok(decisions
            .filter_map(|decision| match decision.what {
                What::ClaimFrozen(claim) => Some(MadeClaim {
                    claim: *claim,
                    frozen: Some((decision.by, Instant(decision.at_ms))),
                }),
                _ => None,
            })
            .collect())
    }

    /// A claim from the reads as they are, beside the frozen ones around it; `opens_at` is where one
    /// that was only looked at closed.
    pub(super) fn make_claim(
        &self,
        installation: &Installation,
        days: Period,
        earlier: &[Earlier<'_>],
        opens_at: Option<Instant>,
        now: Instant,
    ) -> Answer<ClaimFrozen> {
        within_reach(days)?;
        let known = self.known();
        let terms = terms_of(installation)?;
        let zone = &known.zone;
        let before = Earlier::before(earlier, days.first_day());
        let after = Earlier::after(earlier, days.last_day());
        let meets = Meets {
            opens_at: before.map(Earlier::closes_at).or(opens_at),
            closes_at: after.map(Earlier::opens_at),
        };
        let export_meets = Earlier::export_meets(earlier, days, zone);
        let first = [
            Some(zone.day_span(days.first_day().plus(-BEFORE_DAYS)).start),
            meets.opens_at,
            export_meets.meets.opens_at,
            export_meets
                .since
                .map(|since| zone.day_span(since.plus(-BEFORE_DAYS)).start),
        ];
        let start = first.into_iter().flatten().min().unwrap_or_default();
        // The read at the midnight that ends the days is one of theirs.
        let span = Span::new(start, zone.day_span(days.last_day()).end.plus_ms(1));
        let chains = self.chains(&points_of(installation), span)?;
        let (Some((generation, refused)), export) = (chains.first(), chains.get(1)) else {
            return Err(Refusal::Ours("a claim without a meter point".into()));
        };
        if let (None, Some(refused)) = (generation.reads().next(), refused) {
            return refuse(refused);
        }
        let made = claim(&ClaimOf {
            days,
            zone,
            tables: &*self.tables()?,
            terms: &terms,
            generation,
            export: export.map(|(chain, _)| chain),
            meets,
            export_meets,
            expected: expected(&known, installation, days, now)?,
        })
        .or_caller()?;
        Ok(self.record(installation, days, &made))
    }

    fn record(&self, installation: &Installation, days: Period, made: &Claim) -> ClaimFrozen {
        ClaimFrozen {
            installation: installation.id.clone(),
            number: 0,
            from: days.first_day().to_string(),
            to: days.last_day().to_string(),
            opens_at_ms: made.opens_at.0,
            closes_at_ms: made.closes_at.0,
            export_opens_at_ms: made.export_at.map(|(opens, _)| opens.0),
            export_closes_at_ms: made.export_at.map(|(_, closes)| closes.0),
            lines: made.lines.iter().map(|one| line(one, None)).collect(),
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

/// The meter points of an installation: generation, and export where there is one.
pub(super) fn points_of(installation: &Installation) -> Vec<String> {
    let mut points = vec![installation.meter_point.clone()];
    if !installation.export_meter_point.is_empty() {
        points.push(installation.export_meter_point.clone());
    }
    points
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

/// A line as it is frozen.
pub(super) fn line(line: &ClaimLine, adjusts: Option<u32>) -> income::ClaimLine {
    income::ClaimLine {
        from: line.from.to_string(),
        to: line.to.to_string(),
        wh: line.wh.0,
        rate_p_per_kwh: line.rate.to_string(),
        pence: line.pence.0,
        kind: line.kind.word().to_owned(),
        apportioned: line.apportioned,
        adjusts,
    }
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
