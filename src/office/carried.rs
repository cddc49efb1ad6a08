//! What earlier claims left behind, and what has changed since they were frozen.
//!
//! A frozen claim is never reckoned again. Where its reads were corrected, a read of 31 March came
//! late, or export had no read at the time, the difference is a line of the next claim that names the
//! one it sets right: energy and amount such that both together are what the reads now give, rounded
//! once. Rates of a frozen line stay.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay, Period, Span, Zone},
    income::{
        Again, AgainExport, BillableRead, ClaimOf, ExportMeets, LineKind, Meets, claim_again,
    },
    money::Pence,
    quantity::WattHours,
    tariff::Rate,
};
use records::{
    income::{ClaimFrozen, ClaimLine, Finding},
    society::Installation,
};

use super::{
    answer::{Answer, OrOurs, Refusal},
    claim_reads::{billable, meter_of},
    claims::{BEFORE_DAYS, MadeClaim, frozen_read, line, points_of},
    known::Known,
    society::SocietyOffice,
    tariffs::terms_of,
};

/// A frozen claim of one installation.
pub(super) struct Earlier<'a> {
    pub(super) claim: &'a ClaimFrozen,
    pub(super) first: LocalDay,
    pub(super) last: LocalDay,
    /// The reads its export opens and closes with.
    export: Option<(Instant, Instant)>,
    /// Whether export was to be metered and had no reads.
    lacks_export: bool,
}

impl<'a> Earlier<'a> {
    /// The frozen claims of an installation in order of days.
    pub(super) fn of(
        known: &Known,
        installation: &Installation,
        frozen: &'a [MadeClaim],
    ) -> Answer<Vec<Earlier<'a>>> {
        let meters = known.points.get(&installation.export_meter_point);
        let meters = meters
            .map(|point| point.meters.as_slice())
            .unwrap_or_default();
        let own = frozen.iter().map(|made| &made.claim);
        let mut found = own
            .filter(|claim| claim.installation == installation.id)
            .map(|claim| {
                let has = claim.lines.iter().any(|line| {
                    line.kind == LineKind::ExportMetered.word() && line.adjusts.is_none()
                });
                let named = claim.export_opens_at_ms.zip(claim.export_closes_at_ms);
                // Claims of the first version name no reads of export; they are among all reads.
                let reads = claim
                    .reads
                    .iter()
                    .filter(|read| meters.contains(&read.meter));
                let times = reads.map(|read| read.at_ms);
                let among = times.clone().min().zip(times.max()).filter(|_| has);
                Ok(Earlier {
                    claim,
                    first: claim.from.parse().or_ours("a frozen claim")?,
                    last: claim.to.parse().or_ours("a frozen claim")?,
                    export: named
                        .or(among)
                        .map(|(opens, closes)| (Instant(opens), Instant(closes))),
                    lacks_export: claim.findings.iter().any(|f| f.kind == "no-export-read"),
                })
            })
            .collect::<Answer<Vec<_>>>()?;
        found.sort_by_key(|one| (one.first, one.last));
        Ok(found)
    }

    pub(super) fn opens_at(&self) -> Instant {
        Instant(self.claim.opens_at_ms)
    }

    pub(super) fn closes_at(&self) -> Instant {
        Instant(self.claim.closes_at_ms)
    }

    /// The claim that ends where these days begin.
    pub(super) fn before<'e>(
        earlier: &'e [Earlier<'a>],
        first: LocalDay,
    ) -> Option<&'e Earlier<'a>> {
        earlier
            .iter()
            .rfind(|one| one.first < first && (one.last.next() == first || one.last == first))
    }

    /// The claim that begins where these days end.
    pub(super) fn after<'e>(earlier: &'e [Earlier<'a>], last: LocalDay) -> Option<&'e Earlier<'a>> {
        earlier
            .iter()
            .find(|one| last < one.last && (one.first == last.next() || one.first == last))
    }

    /// Whether a claim of these days would count something that this one counts. Two may meet on
    /// one day, at a read.
    pub(super) fn meets(&self, days: Period, claim: &ClaimFrozen) -> bool {
        let apart = |a: (i64, i64), b: (i64, i64)| a.1 <= b.0 || b.1 <= a.0;
        let by_days = days.first_day() < self.last && self.first < days.last_day();
        let same_day = days.first_day() == days.last_day() || self.first == self.last;
        let within = same_day && days.first_day() <= self.last && self.first <= days.last_day();
        let by_reads = !apart(
            (self.claim.opens_at_ms, self.claim.closes_at_ms),
            (claim.opens_at_ms, claim.closes_at_ms),
        );
        let export = claim.export_opens_at_ms.zip(claim.export_closes_at_ms);
        let by_export = match (self.export, export) {
            (Some((from, to)), Some(other)) => !apart((from.0, to.0), other),
            _ => false,
        };
        by_days || within || by_reads || by_export
    }

    /// Which export belongs to a claim of these days: from where the last export closed, or, where
    /// the claims just before had no reads of export, from the first day of those.
    pub(super) fn export_meets(earlier: &[Earlier<'a>], days: Period, zone: &Zone) -> ExportMeets {
        let after = Earlier::after(earlier, days.last_day());
        let closes_at = after.and_then(|one| one.export).map(|(opens, _)| opens);
        let mut since = None;
        let mut first = days.first_day();
        while let Some(before) = Earlier::before(earlier, first) {
            if let Some((_, closes)) = before.export {
                return ExportMeets {
                    meets: Meets {
                        opens_at: Some(closes),
                        closes_at,
                    },
                    since: Some(zone.day_of(closes)),
                };
            }
            if !before.lacks_export {
                break;
            }
            first = before.first;
            since = Some(first);
        }
        ExportMeets {
            meets: Meets {
                opens_at: None,
                closes_at,
            },
            since,
        }
    }

    /// How the export of this claim is looked at again. What had no reads and is followed by a claim
    /// that has some is late; what is not belongs to the next claim.
    fn export_again(&self, earlier: &[Earlier<'a>], zone: &Zone) -> AgainExport {
        match self.export {
            Some((opens, closes)) => AgainExport::Between(opens, closes),
            None if self.lacks_export => match Earlier::after(earlier, self.last) {
                // One that opens before these days has taken theirs along.
                Some(Earlier {
                    export: Some((opens, _)),
                    ..
                }) if *opens > zone.day_span(self.first).end => {
                    let days = Period::Range {
                        first: self.first,
                        last: self.last,
                    };
                    AgainExport::Late(Earlier::export_meets(earlier, days, zone))
                }
                _ => AgainExport::Not,
            },
            None => AgainExport::Not,
        }
    }
}

/// Lines of one kind and span, together.
struct Sum {
    wh: WattHours,
    pence: Pence,
    rate: Rate,
}

/// By kind, first and last day.
type Sums = BTreeMap<(String, String, String), Sum>;

impl SocietyOffice {
    /// Adds to a claim what earlier ones of the installation lack or have too much by now.
    pub(super) fn carry(
        &self,
        installation: &Installation,
        days: Period,
        earlier: &[Earlier<'_>],
        made: &mut ClaimFrozen,
    ) -> Answer<()> {
        for one in earlier.iter().filter(|one| one.last <= days.first_day()) {
            if self.stands(installation, one, earlier)? {
                continue;
            }
            match self.again(installation, one, earlier) {
                Ok(again) => differ(one, earlier, again, made)?,
                Err(Refusal::Caller(why)) => made.findings.push(Finding {
                    kind: "adjusts-unclear".to_owned(),
                    text: format!(
                        "claim {} cannot be worked out from the reads as they are now: {why}; compare it by hand",
                        one.claim.number
                    ),
                }),
                Err(ours) => return Err(ours),
            }
        }
        let total = Pence::total(made.lines.iter().map(|line| Pence(line.pence)));
        made.total_pence = total
            .ok_or_else(|| Refusal::Caller("the claim leaves the range of 64 bits".into()))?
            .0;
        Ok(())
    }

    /// Whether nothing that a claim was made of has changed: quickly, without its whole chain.
    fn stands(
        &self,
        installation: &Installation,
        one: &Earlier<'_>,
        earlier: &[Earlier<'_>],
    ) -> Answer<bool> {
        let known = self.known();
        let late = matches!(one.export_again(earlier, &known.zone), AgainExport::Late(_));
        let adjusted = earlier.iter().any(|other| {
            let mut lines = other.claim.lines.iter();
            lines.any(|line| line.adjusts == Some(one.claim.number))
        });
        if late || adjusted || one.claim.lines.iter().any(|line| line.apportioned) {
            return Ok(false);
        }
        let from = one
            .opens_at()
            .min(one.export.map_or(one.opens_at(), |(opens, _)| opens));
        let to = one
            .closes_at()
            .max(one.export.map_or(one.closes_at(), |(_, closes)| closes));
        let span = Span::new(from, to.plus_ms(1));
        let series = known.series_of_points(&points_of(installation));
        let own = |meter: &str| {
            let mut all = series.iter();
            all.any(|series| {
                known
                    .series
                    .get(series.0 as usize)
                    .is_some_and(|s| s.meter == meter)
            })
        };
        let events = self.events();
        if events.iter().any(|event| {
            (series.contains(&event.closes) || series.contains(&event.opens))
                && (span.contains(event.closed_at) || span.contains(event.opened_at))
        }) {
            return Ok(false);
        }
        for row in self.books().read_decisions().or_ours("books.sqlite")? {
            if own(&row.meter) && span.contains(row.at) {
                return Ok(false);
            }
        }
        self.ask(&series, |reader| {
            let mut left: Vec<_> = one
                .claim
                .reads
                .iter()
                .filter(|read| own(&read.meter))
                .collect();
            for id in &series {
                let Some(meter) = meter_of(&known, *id)? else {
                    continue;
                };
                for read in one
                    .claim
                    .reads
                    .iter()
                    .filter(|read| read.meter == meter.serial)
                {
                    let at = Instant(read.at_ms);
                    let now = billable(reader, &known, *id, &meter, Span::new(at, at.plus_ms(1)))?;
                    let same = now
                        .into_iter()
                        .flatten()
                        .any(|now: BillableRead| now.wh().0 == read.wh);
                    if same {
                        left.retain(|other| *other != read);
                    }
                }
            }
            Ok(left.is_empty())
        })
    }

    /// A frozen claim from the reads as they are now, between the instants it had.
    fn again(
        &self,
        installation: &Installation,
        one: &Earlier<'_>,
        earlier: &[Earlier<'_>],
    ) -> Answer<domain::income::Claim> {
        let known = self.known();
        let zone = &known.zone;
        let export_meets = Earlier::export_meets(
            earlier,
            Period::Range {
                first: one.first,
                last: one.last,
            },
            zone,
        );
        let early = export_meets
            .since
            .map_or(one.first, |since| since.min(one.first));
        let from = [
            Some(zone.day_span(early.plus(-BEFORE_DAYS)).start),
            Some(one.opens_at()),
            one.export.map(|(opens, _)| opens),
            export_meets.meets.opens_at,
        ];
        let to = [
            Some(zone.day_span(one.last).end),
            Some(one.closes_at()),
            one.export.map(|(_, closes)| closes),
            export_meets.meets.closes_at,
        ];
        let span = Span::new(
            from.into_iter().flatten().min().unwrap_or_default(),
            to.into_iter()
                .flatten()
                .max()
                .unwrap_or_default()
                .plus_ms(1),
        );
        let chains = self.chains(&points_of(installation), span)?;
        let Some((generation, _)) = chains.first() else {
            return Err(Refusal::Ours("a claim without a meter point".into()));
        };
        let of = ClaimOf {
            days: Period::Range {
                first: one.first,
                last: one.last,
            },
            zone,
            tables: &*self.tables()?,
            terms: &terms_of(installation)?,
            generation,
            export: chains.get(1).map(|(chain, _)| chain),
            meets: Meets::default(),
            export_meets: ExportMeets::default(),
            expected: None,
        };
        let again = Again {
            generation: (one.opens_at(), one.closes_at()),
            export: one.export_again(earlier, zone),
        };
        claim_again(&of, again).map_err(|why| Refusal::Caller(why.to_string()))
    }
}

/// What a claim said, with what later claims set right.
fn said(one: &Earlier<'_>, earlier: &[Earlier<'_>]) -> Answer<Sums> {
    let own = one.claim.lines.iter().filter(|line| line.adjusts.is_none());
    let later = earlier.iter().flat_map(|other| &other.claim.lines);
    let later = later.filter(|line| line.adjusts == Some(one.claim.number));
    let mut sums = Sums::new();
    for line in own.chain(later) {
        let key = (line.kind.clone(), line.from.clone(), line.to.clone());
        let sum = sums.entry(key).or_insert(Sum {
            wh: WattHours::ZERO,
            pence: Pence::ZERO,
            rate: line.rate_p_per_kwh.parse().or_ours("a claim's rate")?,
        });
        let added = (
            sum.wh.checked_add(WattHours(line.wh)),
            sum.pence.checked_add(Pence(line.pence)),
        );
        let (Some(wh), Some(pence)) = added else {
            return Err(Refusal::Ours("a claim leaves the range of 64 bits".into()));
        };
        (sum.wh, sum.pence) = (wh, pence);
    }
    Ok(sums)
}

/// Puts the difference between what a claim said and what its reads now give into another.
fn differ(
    one: &Earlier<'_>,
    earlier: &[Earlier<'_>],
    again: domain::income::Claim,
    made: &mut ClaimFrozen,
) -> Answer<()> {
    let number = one.claim.number;
    let beyond = || Refusal::Caller("the claim leaves the range of 64 bits".into());
    let mut said = said(one, earlier)?;
    let mut changes = Vec::new();
    for now in &again.lines {
        let new = line(now, Some(number));
        let key = (new.kind.clone(), new.from.clone(), new.to.clone());
        let old = said.remove(&key);
        let late_export = one.export.is_none() && now.kind == LineKind::ExportMetered;
        if old.is_none() && !late_export && now.wh != WattHours::ZERO {
            made.findings.push(Finding {
                kind: "adjusts-unclear".to_owned(),
                text: format!(
                    "the days of claim {number} would be split otherwise now than when it was frozen; compare it by hand"
                ),
            });
            return Ok(());
        }
        let rate = old.as_ref().map_or(now.rate, |old| old.rate);
        let (before, paid) = old.map_or((WattHours::ZERO, Pence::ZERO), |old| (old.wh, old.pence));
        let pence = rate.price(now.wh).and_then(|full| full.checked_sub(paid));
        let pence = pence.ok_or_else(beyond)?;
        let wh = now.wh.checked_sub(before).ok_or_else(beyond)?;
        changes.push((
            before,
            now.wh,
            ClaimLine {
                wh: wh.0,
                pence: pence.0,
                rate_p_per_kwh: rate.to_string(),
                ..new
            },
        ));
    }
    // A line that the reads no longer give at all.
    for ((kind, from, to), old) in said {
        changes.push((
            old.wh,
            WattHours::ZERO,
            ClaimLine {
                from,
                to,
                wh: WattHours::ZERO.checked_sub(old.wh).ok_or_else(beyond)?.0,
                rate_p_per_kwh: old.rate.to_string(),
                pence: Pence::ZERO.checked_sub(old.pence).ok_or_else(beyond)?.0,
                kind,
                apportioned: false,
                adjusts: Some(number),
            },
        ));
    }
    changes.retain(|(_, _, line)| line.wh != 0);
    if changes.is_empty() {
        return Ok(());
    }
    for (before, now, line) in changes {
        made.findings.push(Finding {
            kind: "adjusts".to_owned(),
            text: format!(
                "sets claim {number} right: {} from {} to {}, claimed {}, by the reads as they are now {}; {} is in this claim",
                line.kind,
                line.from,
                line.to,
                before.kwh_words(),
                now.kwh_words(),
                Pence(line.pence)
            ),
        });
        made.lines.push(line);
    }
    for read in again.evidence.iter().map(frozen_read) {
        if !made.reads.contains(&read) {
            made.reads.push(read);
        }
    }
    made.reads
        .sort_by(|a, b| (a.at_ms, &a.register, &a.meter).cmp(&(b.at_ms, &b.register, &b.meter)));
    Ok(())
}
