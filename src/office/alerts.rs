//! Alerts: a meter that says nothing, a roof below its neighbours; raised once, cleared, seen, told.
//!
//! Raising, clearing, seeing and telling are decisions: what was known when, and who was told, comes
//! back from the journal, and nobody is told twice after a restart. The daemon looks; who is told at
//! which address stands in its own configuration, because addresses of persons never enter a journal.
//! A roof that is off as planned raises nothing.

use std::collections::BTreeSet;

use domain::{
    calendar::{Instant, LocalDay, Period},
    performance::{Basis, Cause, Doubt, Judged, is_silent},
};
pub use records::roofs::AlertSeen;
use records::{
    decision::What,
    roofs::{AlertCleared, AlertRaised, AlertTold},
    society::Counts,
};

use super::{
    Office,
    answer::{Answer, refuse},
    known::Known,
    society::SocietyOffice,
};

/// Days over which a roof is held against its neighbours.
const WEEK_DAYS: i32 = 7;
/// Days of them that have to be known.
const LEAST_DAYS: u32 = 3;
/// Per mille of the expected over the week below which a roof is told of.
const WEEK_PERMILLE: i64 = 800;
/// The same for a single day.
const DAY_PERMILLE: i64 = 500;
/// The day above which it has recovered.
const WELL_PERMILLE: i64 = 900;

/// A meter that says nothing.
pub const SILENT: &str = "silent";
/// A roof that made next to nothing, or much less than its neighbours' light.
pub const BELOW: &str = "below-neighbours";

/// An alert with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// As it was raised.
    pub raised: AlertRaised,
    /// When.
    pub at: Instant,
    /// Who saw it, when, and what was said; the last of several.
    pub seen: Option<(AlertSeen, String, Instant)>,
    /// When it was over, and how.
    pub cleared: Option<(AlertCleared, Instant)>,
    /// Who was told how, and when.
    pub told: Vec<(AlertTold, Instant)>,
}

impl Alert {
    /// `open`, `seen, waiting for engineer` or `over`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (&self.cleared, &self.seen) {
            (Some(_), _) => "over",
            (None, Some(_)) => "seen, waiting for engineer",
            (None, None) => "open",
        }
    }

    /// What it is about, as tellings name it.
    #[must_use]
    pub fn about(&self) -> String {
        format!("alert {}", self.raised.number)
    }
}

impl Office {
    /// Looks at every meter: raises what is silent and clears what speaks again. `least_ms` is the
    /// shortest cadence that is believed (a clock that runs fast reads less often).
    ///
    /// # Errors
    /// When the journal takes nothing or the books are damaged.
    pub fn look_for_silence(&self, least_ms: i64, by: &str, now: Instant) -> Answer<()> {
        for society in self.societies() {
            society.look_for_silence(least_ms, by, now)?;
        }
        Ok(())
    }

    /// Holds every roof's last week against its neighbours. To be called once a day.
    ///
    /// # Errors
    /// As above; also when a stored row is damaged.
    pub fn look_for_weak_roofs(&self, by: &str, now: Instant) -> Answer<()> {
        for society in self.societies() {
            let known = society.known();
            let yesterday = known.zone.day_of(now).previous();
            for site in known.sites.keys() {
                if known
                    .points_of_site(site, Counts::Generation)
                    .next()
                    .is_none()
                {
                    continue;
                }
                let week = Period::Range {
                    first: yesterday.plus(1 - WEEK_DAYS),
                    last: yesterday,
                };
                let evidence = self.evidence(&society, site, week, now, true)?;
                let (week, day) = (evidence.judge(week), evidence.judge(Period::Day(yesterday)));
                society.weak(&known, site, &week, &day, yesterday, by, now)?;
            }
        }
        Ok(())
    }
}

impl SocietyOffice {
    /// All alerts, in order of their numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn alerts(&self) -> Answer<Vec<Alert>> {
        let kinds = [
            "alert-raised/1",
            "alert-cleared/1",
            "alert-seen/1",
            "alert-told/1",
        ];
        let mut all: Vec<Alert> = Vec::new();
        for decision in self.decisions(&kinds)? {
            let at = Instant(decision.at_ms);
            match decision.what {
                What::AlertRaised(raised) => all.push(Alert {
                    raised,
                    at,
                    seen: None,
                    cleared: None,
                    told: Vec::new(),
                }),
                What::AlertCleared(cleared) => {
                    if let Some(alert) = numbered(&mut all, cleared.number) {
                        alert.cleared = Some((cleared, at));
                    }
                }
                What::AlertSeen(seen) => {
                    if let Some(alert) = numbered(&mut all, seen.number) {
                        alert.seen = Some((seen, decision.by, at));
                    }
                }
                What::AlertTold(told) => {
                    if let Some(alert) = all.iter_mut().find(|alert| alert.about() == told.about) {
                        alert.told.push((told, at));
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// Somebody has seen an alert and waits for an engineer.
    ///
    /// # Errors
    /// When there is no such alert, it is over, or nothing is said.
    pub fn see_alert(&self, seen: &AlertSeen, by: &str, now: Instant) -> Answer<Alert> {
        let alert = self.alert(seen.number)?;
        if let Some((cleared, at)) = &alert.cleared {
            return refuse(format!(
                "alert {} was over at {at}: {}",
                seen.number, cleared.text
            ));
        }
        let said = [&seen.ticket, &seen.warranty, &seen.note];
        if said.iter().all(|text| text.trim().is_empty()) {
            return refuse(
                "say what is being done\nhint: --ticket T-123 --warranty \"inverter, to 2032\" --note \"engineer on Tuesday\"",
            );
        }
        if alert
            .seen
            .as_ref()
            .is_some_and(|(before, _, _)| before == seen)
        {
            return refuse("this was said before; nothing was changed");
        }
        self.decide(What::AlertSeen(seen.clone()), by, now)?;
        self.alert(seen.number)
    }

    /// Notes that somebody was told.
    ///
    /// # Errors
    /// When the journal takes nothing.
    pub fn told(&self, told: Vec<AlertTold>, by: &str, now: Instant) -> Answer<()> {
        self.decide_all(told.into_iter().map(What::AlertTold).collect(), by, now)
    }

    /// What was told so far that is about no single alert: the daily digests.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn digests_told(&self) -> Answer<BTreeSet<(String, String, String)>> {
        let told = self.decided("alert-told/1", |what| match what {
            What::AlertTold(told) => Some((told.about, told.to, told.by)),
            _ => None,
        })?;
        Ok(told
            .into_iter()
            .filter(|(about, _, _)| about.starts_with("digest "))
            .collect())
    }

    /// One alert.
    ///
    /// # Errors
    /// When there is none of that number.
    pub fn alert(&self, number: u32) -> Answer<Alert> {
        let mut all = self.alerts()?;
        let count = all.len();
        match numbered(&mut all, number) {
            Some(alert) => Ok(alert.clone()),
            None => refuse(format!(
                "there is no alert {number}; there are {count}\nhint: `commonwatt alerts list --all` names them"
            )),
        }
    }

    fn look_for_silence(&self, least_ms: i64, by: &str, now: Instant) -> Answer<()> {
        let known = self.known();
        let today = known.zone.day_of(now);
        let mut silent = Vec::new();
        let mut speaking = Vec::new();
        for (site, facts) in &known.sites {
            let gateways = known.document.gateway.iter().filter(|g| g.site == *site);
            let Some(cadence_s) = gateways.map(|gateway| gateway.cadence_s).max() else {
                continue;
            };
            let cadence = (i64::from(cadence_s) * 1_000).max(least_ms);
            for point in known.points_of_site(site, Counts::Generation) {
                let Some(series) = known.series_of_point(point).last().copied() else {
                    continue;
                };
                // What never spoke is not silent: it is not connected yet.
                let Some(last) = self.live().get(series) else {
                    continue;
                };
                let meter = known.series[series.0 as usize].meter.clone();
                match is_silent(last.at, now, cadence, &facts.nights) {
                    true => silent.push((site.clone(), meter, last.at, cadence)),
                    false => speaking.push((meter, last.at)),
                }
            }
        }
        if silent.is_empty() && speaking.is_empty() {
            return Ok(());
        }
        let all = self.alerts()?;
        let open = |meter: &str| {
            all.iter().find(|alert| {
                alert.cleared.is_none()
                    && alert.raised.kind == SILENT
                    && alert.raised.meter == meter
            })
        };
        let mut what = Vec::new();
        let mut number = u32::try_from(all.len()).unwrap_or(u32::MAX);
        for (site, meter, since, cadence) in silent {
            if open(&meter).is_some() || self.is_off(&site, today)? {
                continue;
            }
            number = number.saturating_add(1);
            let name = &known.sites[&site].name;
            what.push(What::AlertRaised(AlertRaised {
                number,
                kind: SILENT.to_owned(),
                text: format!(
                    "{name}: meter {meter} has said nothing since {since}; it is read every {}, and it is daylight",
                    in_minutes(cadence)
                ),
                site,
                meter,
                since_ms: since.0,
            }));
        }
        for (meter, at) in speaking {
            if let Some(alert) = open(&meter) {
                what.push(What::AlertCleared(AlertCleared {
                    number: alert.raised.number,
                    text: format!("meter {meter} spoke again, last at {at}"),
                }));
            }
        }
        self.decide_all(what, by, now)
    }

    /// Raises or clears the alert of a roof that is weak.
    #[expect(
        clippy::too_many_arguments,
        reason = "two judgements of one roof, and who looks when"
    )]
    fn weak(
        &self,
        known: &Known,
        site: &str,
        week: &Judged,
        day: &Judged,
        yesterday: LocalDay,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let all = self.alerts()?;
        let open = all.iter().find(|alert| {
            alert.cleared.is_none() && alert.raised.kind == BELOW && alert.raised.site == site
        });
        let name = &known.sites[site].name;
        let off = |judged: &Judged| judged.losses.iter().any(|loss| loss.cause == Cause::Outage);
        let day_known = day.known_days > 0;
        let well = day.permille().is_some_and(|p| p >= WELL_PERMILLE) && !off(day);
        if let Some(alert) = open {
            if day_known && (well || (day.basis == Some(Basis::Sun) && !off(day))) {
                let what = What::AlertCleared(AlertCleared {
                    number: alert.raised.number,
                    text: format!("{name} made what was expected of it on {yesterday}"),
                });
                self.decide(what, by, now)?;
            }
            return Ok(());
        }
        if self.is_off(site, known.zone.day_of(now))? || self.is_off(site, yesterday)? {
            return Ok(());
        }
        let believed = match week.basis {
            Some(Basis::Irradiance(_)) => !week.doubts.contains(&Doubt::OnTheFlat),
            Some(Basis::Neighbours(count)) => count > 1 && !week.doubts.contains(&Doubt::NoHistory),
            Some(Basis::Sun) | None => false,
        };
        let light = |judged: &Judged| match judged.basis {
            Some(Basis::Irradiance(_)) => "the irradiance measured for it gave",
            _ => "its neighbours' light gave",
        };
        let per_cent = |permille: i64| format!("{} %", permille / 10);
        let text = match (day.permille(), week.permille()) {
            (Some(permille), _) if day_known && off(day) => format!(
                "{name} made next to nothing on {yesterday} or a part of it: {} of what was expected, while its meter spoke",
                per_cent(permille)
            ),
            (Some(permille), _) if believed && day_known && permille < DAY_PERMILLE => format!(
                "{name} made {} of what {} on {yesterday}",
                per_cent(permille),
                light(day)
            ),
            (_, Some(permille))
                if believed && week.known_days >= LEAST_DAYS && permille < WEEK_PERMILLE =>
            {
                format!(
                    "{name} made {} of what {} over {} days to {yesterday}",
                    per_cent(permille),
                    light(week),
                    week.known_days
                )
            }
            _ => return Ok(()),
        };
        let what = What::AlertRaised(AlertRaised {
            number: u32::try_from(all.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1),
            kind: BELOW.to_owned(),
            site: site.to_owned(),
            meter: String::new(),
            since_ms: known.zone.day_span(yesterday).start.0,
            text,
        });
        self.decide(what, by, now)
    }

    fn is_off(&self, site: &str, day: LocalDay) -> Answer<bool> {
        let all = self.outages()?;
        Ok(all
            .iter()
            .any(|outage| outage.planned.site == site && outage.covers(day)))
    }
}

fn numbered(all: &mut [Alert], number: u32) -> Option<&mut Alert> {
    all.iter_mut().find(|alert| alert.raised.number == number)
}

fn in_minutes(ms: i64) -> String {
    match ms / 60_000 {
        0 => format!("{} seconds", ms / 1_000),
        1 => "minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
