//! One read that waits for a person: what stands around it, and what would follow from each decision.
//!
//! The consequences are not guessed: the judge itself is asked what it would say of the read and of
//! those after it, once with the read accepted and once with it refused. Nothing is kept.

use domain::{
    calendar::{Instant, Span},
    metering::{Obis, Read, ReadDecision, Verdict},
    money::Pence,
    quantity::{WattHours, Watts},
};

use super::{
    answer::{Answer, OrOurs, refuse},
    known::Known,
    reads::ListedRead,
    society::{SocietyOffice, decisions_of, definitions},
    tariffs::rate_on,
};

/// Reads before and after that are shown and judged again.
const AROUND_MS: i64 = 10 * 86_400_000;
/// Most reads on either side.
const MOST_AROUND: usize = 400;

/// A read that waits, with what a person needs to decide.
#[derive(Clone, Debug)]
pub struct HeldRead {
    /// The read and what was noticed.
    pub listed: ListedRead,
    /// The roof's name.
    pub site: String,
    /// The most that can flow.
    pub ceiling: Watts,
    /// The last read before it that counts.
    pub before: Option<(Instant, WattHours)>,
    /// The reads around it, in order of time.
    pub around: Vec<ListedRead>,
    /// If it is accepted.
    pub accepted: Consequence,
    /// If it is refused.
    pub refused: Consequence,
}

/// What follows from a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// Reads from this one on that count then.
    pub count: usize,
    /// Reads from this one on that wait for a person then.
    pub held: usize,
    /// Energy that is known from the last read before to the last that counts then.
    pub energy: WattHours,
    /// What that is worth at the installation's generation rate; none where there is no rate.
    pub worth: Option<Pence>,
}

impl SocietyOffice {
    /// A read with what stands around it and what would follow.
    ///
    /// # Errors
    /// When there is no such read.
    pub fn held_read(
        &self,
        meter: &str,
        register: Obis,
        at: Instant,
        wh: WattHours,
    ) -> Answer<HeldRead> {
        let known = self.known();
        let span = Span::new(at.plus_ms(-AROUND_MS), at.plus_ms(AROUND_MS));
        let listed = self.list_reads(meter, Some(register), span, false)?;
        let is_it = |one: &ListedRead| one.judged.read.at == at && one.judged.read.wh == wh;
        let Some(place) = listed.iter().position(is_it) else {
            return refuse(format!(
                "meter `{meter}` has no read of `{}` kWh at `{at}`",
                wh.kwh_text()
            ));
        };
        let first = place.saturating_sub(MOST_AROUND);
        let around: Vec<ListedRead> = listed
            .iter()
            .skip(first)
            .take(place - first + 1 + MOST_AROUND)
            .cloned()
            .collect();
        let before = listed.iter().take(place).rev().find_map(|one| {
            let counts = one.judged.counts_as?;
            Some((one.judged.read.at, counts))
        });
        let then = |decision| {
            self.consequence(&known, meter, register, &around, (at, wh), before, decision)
        };
        let point = known.meters.get(meter).map(|meter| meter.point.clone());
        let point = point.and_then(|point| known.points.get(&point));
        Ok(HeldRead {
            accepted: then(ReadDecision::Accept)?,
            refused: then(ReadDecision::Refuse)?,
            site: point
                .and_then(|point| known.sites.get(&point.site))
                .map_or_else(String::new, |site| site.name.clone()),
            ceiling: point.map_or(Watts(0), |point| point.ceiling),
            listed: listed[place].clone(),
            before,
            around,
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one read, one decision, and where they stand"
    )]
    fn consequence(
        &self,
        known: &Known,
        meter: &str,
        register: Obis,
        around: &[ListedRead],
        (at, wh): (Instant, WattHours),
        before: Option<(Instant, WattHours)>,
        decision: ReadDecision,
    ) -> Answer<Consequence> {
        let Some(series) = known.series_of(meter, register) else {
            return refuse(format!("meter `{meter}` has no register `{register}`"));
        };
        let mut decisions = decisions_of(&self.books(), known)?;
        let of_series = decisions.entry(series.0).or_default();
        of_series.decide(at, wh, decision);
        let defs = definitions(known, &self.events(), &decisions)?;
        let Some(def) = defs.iter().find(|def| def.id == series) else {
            return refuse(format!("meter `{meter}` has no register `{register}`"));
        };
        let later: Vec<Read> = around
            .iter()
            .map(|one| one.judged.read)
            .filter(|read| read.at >= at)
            .collect();
        let judged = self.ask(&[series], |reader| {
            reader
                .judged_with(series, &def.rules, &def.decisions, &later)
                .or_ours("series.sqlite")
        })?;
        let of = |verdict| judged.iter().filter(|one| one.verdict == verdict).count();
        let last = judged.iter().rev().find_map(|one| one.counts_as);
        let energy = match (before, last) {
            (Some((_, from)), Some(to)) => WattHours(to.0.saturating_sub(from.0)),
            _ => WattHours(0),
        };
        Ok(Consequence {
            count: of(Verdict::Accepted),
            held: of(Verdict::Held),
            energy,
            worth: self.worth_at(known, meter, at, energy)?,
        })
    }

    /// Energy at the generation rate of its meter's installation on that day.
    fn worth_at(
        &self,
        known: &Known,
        meter: &str,
        at: Instant,
        energy: WattHours,
    ) -> Answer<Option<Pence>> {
        let point = known.meters.get(meter).map(|meter| meter.point.as_str());
        let mut all = known.document.installation.iter();
        let Some(installation) = all.find(|one| Some(one.meter_point.as_str()) == point) else {
            return Ok(None);
        };
        let tables = self.tables()?;
        Ok(rate_on(&tables, installation, known.zone.day_of(at))
            .ok()
            .and_then(|on| on.rate.generation.price(energy)))
    }
}
