//! Planned outages: a roof that is off for repairs, its dates, its cause, its clause.
//!
//! While one lasts, alerts of the roof are muted; its forecast is never touched, so that what was
//! lost shows, as a line of its own. An outage is changed by another decision: it ends on another
//! day, or does not happen.

use domain::{
    calendar::{Instant, LocalDay, Period},
    income::accreditation::Change,
};
use records::{
    decision::What,
    roofs::{OutageChanged, OutagePlanned},
};

use super::{
    answer::{Answer, OrOurs, refuse},
    society::SocietyOffice,
};

/// Longest planned outage, in days.
const MAX_DAYS: i32 = 366;

/// An outage as it is asked for.
#[derive(Clone, Debug)]
pub struct AskedOutage {
    /// The roof.
    pub site: String,
    /// First day.
    pub from: LocalDay,
    /// Last day.
    pub to: LocalDay,
    /// Why.
    pub cause: String,
    /// Who asked.
    pub asked_by: String,
    /// The clause it stands on.
    pub clause: String,
    /// Days a calendar year that the clause allows without payment.
    pub allowance_days: Option<u16>,
    /// Whether all plant up to the grid connection comes off.
    pub all_plant_removed: bool,
}

/// A planned outage as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// As it was planned.
    pub planned: OutagePlanned,
    /// Who recorded it, and when.
    pub recorded: (String, Instant),
    /// First day.
    pub from: LocalDay,
    /// Last day, as it stands now.
    pub to: LocalDay,
    /// Why it did not happen.
    pub cancelled: Option<String>,
    /// What was changed, in order.
    pub changes: Vec<OutageChanged>,
}

impl Outage {
    /// Its days.
    #[must_use]
    pub fn days(&self) -> Period {
        Period::Range {
            first: self.from,
            last: self.to,
        }
    }

    /// Whether the roof is off on that day.
    #[must_use]
    pub fn covers(&self, day: LocalDay) -> bool {
        self.cancelled.is_none() && self.from <= day && day <= self.to
    }

    /// What has to be known before it starts.
    #[must_use]
    pub fn warnings(&self) -> Vec<&'static str> {
        let all_plant_removed = self.planned.all_plant_removed;
        Change::Outage { all_plant_removed }.warnings()
    }

    /// Days of it in a calendar year.
    #[must_use]
    pub fn days_in(&self, year: i32) -> i32 {
        let all = self.from.through(self.to).filter(|day| day.year() == year);
        i32::try_from(all.count()).unwrap_or(i32::MAX)
    }
}

impl SocietyOffice {
    /// What would be planned; nothing is changed.
    ///
    /// # Errors
    /// When the roof is unknown, the dates make no sense, or another outage of it overlaps.
    pub fn look_at_outage(&self, asked: &AskedOutage) -> Answer<OutagePlanned> {
        let known = self.known();
        super::known::known("site", &asked.site, &known.sites)?;
        for (what, text) in [("cause", &asked.cause), ("asked-by", &asked.asked_by)] {
            if text.trim().is_empty() {
                return refuse(format!(
                    "a planned outage needs its {what}\nhint: say it with --{what}"
                ));
            }
        }
        let days = asked.to.days_since(asked.from);
        if !(0..MAX_DAYS).contains(&days) {
            return refuse(format!(
                "from `{}` to `{}`; expected 1 to {MAX_DAYS} days, the first first\nhint: both days are included",
                asked.from, asked.to
            ));
        }
        let before = self.outages()?;
        let overlaps = before.iter().find(|other| {
            other.cancelled.is_none()
                && other.planned.site == asked.site
                && other.from <= asked.to
                && asked.from <= other.to
        });
        if let Some(other) = overlaps {
            return refuse(format!(
                "outage {} of `{}` from `{}` to `{}` overlaps\nhint: move its end with `commonwatt outage end {} --on DAY`",
                other.planned.number, asked.site, other.from, other.to, other.planned.number
            ));
        }
        Ok(OutagePlanned {
            number: u32::try_from(before.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1),
            site: asked.site.clone(),
            from: asked.from.to_string(),
            to: asked.to.to_string(),
            cause: asked.cause.clone(),
            asked_by: asked.asked_by.clone(),
            clause: asked.clause.clone(),
            allowance_days: asked.allowance_days,
            all_plant_removed: asked.all_plant_removed,
        })
    }

    /// Plans an outage.
    ///
    /// # Errors
    /// As [`SocietyOffice::look_at_outage`].
    pub fn plan_outage(&self, asked: &AskedOutage, by: &str, now: Instant) -> Answer<Outage> {
        let planned = self.look_at_outage(asked)?;
        let number = planned.number;
        self.decide(What::OutagePlanned(planned), by, now)?;
        self.outage(number)
    }

    /// Moves the last day of an outage, or says that it does not happen.
    ///
    /// # Errors
    /// When it is unknown, was cancelled, or would end before it starts.
    pub fn change_outage(
        &self,
        number: u32,
        to: Option<LocalDay>,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<Outage> {
        let outage = self.outage(number)?;
        if outage.cancelled.is_some() {
            return refuse(format!("outage {number} was cancelled; plan a new one"));
        }
        if reason.trim().is_empty() {
            return refuse("a change needs a reason\nhint: say why with --reason");
        }
        match to {
            Some(to) if to == outage.to => {
                return refuse("the outage ends on that day already; nothing was changed");
            }
            Some(to) if !(0..MAX_DAYS).contains(&to.days_since(outage.from)) => {
                return refuse(format!(
                    "`{to}` is not within {MAX_DAYS} days from its first day, `{}`\nhint: an outage that does not happen is cancelled",
                    outage.from
                ));
            }
            None if outage.from <= self.known().zone.day_of(now) => {
                return refuse(format!(
                    "outage {number} began on `{}`; it cannot be cancelled any more\nhint: `commonwatt outage end {number} --on DAY` gives its last day",
                    outage.from
                ));
            }
            _ => {}
        }
        let what = What::OutageChanged(OutageChanged {
            number,
            to: to.map(|day| day.to_string()),
            reason: reason.to_owned(),
        });
        self.decide(what, by, now)?;
        self.outage(number)
    }

    /// One outage.
    ///
    /// # Errors
    /// When there is none of that number.
    pub fn outage(&self, number: u32) -> Answer<Outage> {
        let all = self.outages()?;
        let count = all.len();
        all.into_iter()
            .find(|outage| outage.planned.number == number)
            .map_or_else(
                || refuse(format!("there is no outage {number}; there are {count}\nhint: `commonwatt outage list` names them")),
                Ok,
            )
    }

    /// All planned outages, in order of their numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn outages(&self) -> Answer<Vec<Outage>> {
        let mut all: Vec<Outage> = Vec::new();
        for decision in self.decisions(&["outage-planned/1", "outage-changed/1"])? {
            match decision.what {
                What::OutagePlanned(planned) => all.push(Outage {
                    from: planned.from.parse().or_ours("a planned outage")?,
                    to: planned.to.parse().or_ours("a planned outage")?,
                    planned,
                    recorded: (decision.by, Instant(decision.at_ms)),
                    cancelled: None,
                    changes: Vec::new(),
                }),
                What::OutageChanged(change) => {
                    let of = all.iter_mut().find(|o| o.planned.number == change.number);
                    if let Some(outage) = of {
                        match &change.to {
                            Some(to) => outage.to = to.parse().or_ours("a planned outage")?,
                            None => outage.cancelled = Some(change.reason.clone()),
                        }
                        outage.changes.push(change);
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }
}
