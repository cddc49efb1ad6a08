//! A council's stake: what it put in and what came of it, by society and by building.
//!
//! A council is a member of that kind, and whoever lends a roof, money or hours under its name. Its
//! officers see its own holding, the society's sums and days, and nothing of another member; an
//! officer of some buildings sees those and nothing that is of the whole society. Every figure has
//! its evidence beside it. Nothing of this is kept: capital comes from the roll, interest from frozen
//! runs, savings from frozen bills, energy from the reads, the rest from notes.

mod json;
mod noted;
mod sheet;

use std::sync::Arc;

use domain::{
    calendar::{Instant, LocalDay, Period},
    council::{CarbonShortfall, Claimed, Hours, Instalment, percent, shortfall, warnings, worth},
    membership::MemberKind,
    metering::Quality,
    money::Pence,
    projection::factor_name,
    quantity::WattHours,
};
use records::council::{CarbonClaim, Guarantee, Loan, Reached, Space, Support};
use rust_decimal::{Decimal, RoundingStrategy};

pub use json::{document, outcome as outcome_document};
pub use noted::{STAKE_NOTES, StakeNotes};
pub(crate) use sheet::shown;
pub use sheet::{outcome_sheet, outcome_tables, sheet_of, year_tables};

use super::{
    Office,
    answer::{Answer, OrOurs, Refusal, refuse},
    interest::Standing,
    notes,
    outcomes::OutcomeLine,
    society::SocietyOffice,
};
pub(crate) use noted::day;

/// Years of the restated view, the period's last among them.
const RESTATED_YEARS: i32 = 5;
/// The word of support by residents.
pub const RESIDENTS: &str = "residents";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct StakeAsked {
    /// The council's name; the only one of each society where it is left out.
    pub council: Option<String>,
    /// The days.
    pub period: Period,
    /// Only these buildings, by society: for an officer who sees no others.
    pub only: Vec<(String, Vec<String>)>,
}

/// A council's stake across societies.
#[derive(Clone, Debug)]
pub struct StakeReport {
    /// The council.
    pub council: String,
    /// The days.
    pub period: Period,
    /// The day it was drawn up.
    pub drawn_up: LocalDay,
    /// In each society.
    pub societies: Vec<SocietyStake>,
}

/// In one society.
#[derive(Clone, Debug)]
pub struct SocietyStake {
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Capital and vote; none for an officer of some buildings, or where the council is no member.
    pub capital: Option<Capital>,
    /// Its interest, by frozen run whose last day lies in the period.
    pub interest: Vec<InterestLine>,
    /// Loans.
    pub loans: Vec<LoanLine>,
    /// Guarantees.
    pub guarantees: Vec<Guarantee>,
    /// Roofs and spaces lent.
    pub spaces: Vec<SpaceLine>,
    /// By building.
    pub buildings: Vec<Building>,
    /// Support in kind by the council.
    pub support: Vec<SupportLine>,
    /// Support in kind by others: never in the council's stake.
    pub others_support: Vec<SupportLine>,
    /// Carbon of the whole society, restated by year.
    pub restated: Vec<Restated>,
    /// Carbon held against what was claimed.
    pub claims: Vec<ClaimLine>,
    /// Residents reached.
    pub reached: Vec<Reached>,
    /// Outcomes.
    pub outcomes: Vec<OutcomeLine>,
    /// What is not shown here, and why.
    pub left_out: Vec<String>,
    /// True for sample data.
    pub sample: bool,
}

/// Capital and vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capital {
    /// The council's member number.
    pub member: u32,
    /// The day it is reckoned for.
    pub on: LocalDay,
    /// What it holds.
    pub own: Pence,
    /// What all hold.
    pub all: Pence,
    /// Its part, per cent, two decimals.
    pub percent: Option<Decimal>,
    /// Members with a vote, itself among them.
    pub voters: u32,
    /// One vote of them, per cent, two decimals.
    pub vote_percent: Option<Decimal>,
}

/// Interest of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterestLine {
    /// The run.
    pub run: u32,
    /// First and last day.
    pub days: (LocalDay, LocalDay),
    /// How much.
    pub pence: Pence,
}

/// A loan.
#[derive(Clone, Debug)]
pub struct LoanLine {
    /// As it was agreed.
    pub of: Loan,
    /// Its schedule.
    pub schedule: Vec<Instalment>,
    /// Principal paid back up to the period's end.
    pub paid: Pence,
    /// Interest received within the period.
    pub interest: Pence,
    /// Owed at the period's end.
    pub left: Pence,
    /// Of what was due by then, not paid.
    pub behind: Pence,
}

/// A roof or another space.
#[derive(Clone, Debug)]
pub struct SpaceLine {
    /// As it is lent.
    pub of: Space,
    /// Its last day as it stands.
    pub until: LocalDay,
    /// Why it ended before its day.
    pub ended: Option<String>,
    /// Months left at the period's end, where a warning is due.
    pub warning: Option<u8>,
}

/// A building.
#[derive(Clone, Debug)]
pub struct Building {
    /// Its id.
    pub site: String,
    /// Its name.
    pub name: String,
    /// Size, decimal text.
    pub kwp: String,
    /// Who owns it.
    pub host: String,
    /// What was made.
    pub made: Option<WattHours>,
    /// The forecast.
    pub forecast: Option<WattHours>,
    /// How sure it is.
    pub quality: Quality,
    /// Half hours of which nothing is known.
    pub missing: u32,
    /// Carbon avoided, kg, one decimal.
    pub co2_kg: Option<Decimal>,
    /// What its host saved, by frozen bill whose last day lies in the period.
    pub savings: Vec<SavingLine>,
    /// Planned outages in the period: words, energy and worth lost.
    pub outages: Vec<OutageLine>,
    /// True for sample data.
    pub sample: bool,
}

/// What a host saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavingLine {
    /// The host.
    pub host: String,
    /// The bill.
    pub bill: u32,
    /// First and last day.
    pub days: (LocalDay, LocalDay),
    /// How much; none where the bill names no grid price.
    pub saved: Option<Pence>,
}

/// A planned outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageLine {
    /// Its number.
    pub number: u32,
    /// Its days.
    pub days: (LocalDay, LocalDay),
    /// Why.
    pub cause: String,
    /// Energy lost.
    pub lost: WattHours,
    /// What that is worth; none where it cannot be valued.
    pub pence: Option<Pence>,
}

/// Support in kind.
#[derive(Clone, Debug)]
pub struct SupportLine {
    /// As it was entered.
    pub of: Support,
    /// Hours.
    pub hours: Hours,
    /// What they are worth; nothing for a line that only lists hours counted elsewhere.
    pub worth: Pence,
}

/// A year's carbon, at its own factor and at the period's.
#[derive(Clone, Debug)]
pub struct Restated {
    /// The year.
    pub year: i32,
    /// What was made.
    pub made: WattHours,
    /// Its own factor, kg a kWh, and where it is from.
    pub factor: (Decimal, String),
    /// At its own factor, kg.
    pub kg: Decimal,
    /// At the factor of the period, kg: a change of it is a change of energy.
    pub restated_kg: Decimal,
}

/// Carbon held against what was claimed.
#[derive(Clone, Debug)]
pub struct ClaimLine {
    /// The claim.
    pub of: CarbonClaim,
    /// The split; none where a year's energy is not known.
    pub split: Option<CarbonShortfall>,
}

impl SocietyOffice {
    /// The councils among the members.
    ///
    /// # Errors
    /// When the people file is damaged.
    pub fn councils(&self, now: Instant) -> Answer<Vec<(u32, String)>> {
        let members = self.members(now)?.into_iter();
        Ok(members
            .filter(|line| line.kind == MemberKind::Council.word() && line.left.is_none())
            .map(|line| (line.number, line.name.unwrap_or_default()))
            .collect())
    }

    /// The name of the council that is one of the members `own`, or of the only council there is.
    ///
    /// # Errors
    /// When no council is a member, or several are and none is named.
    pub fn council_of(&self, own: &[u32], now: Instant) -> Answer<String> {
        let councils = self.councils(now)?;
        let linked: Vec<_> = councils
            .iter()
            .filter(|(number, _)| own.contains(number))
            .collect();
        match (linked.as_slice(), councils.as_slice()) {
            ([(_, name)], _) => Ok(name.clone()),
            ([], [(_, name)]) => Ok(name.clone()),
            (_, []) => refuse("no council is a member of this society"),
            _ => refuse(
                "several councils are members of this society\nhint: an administrator links your login to yours: commonwatt user add USER --member SOCIETY/NUMBER",
            ),
        }
    }

    /// Capital and vote of a member at the end of a day.
    fn capital_and_vote(&self, member: u32, on: LocalDay, now: Instant) -> Answer<Capital> {
        let own = self.holdings(on, Some(member), now)?.total;
        let all = self.holdings(on, None, now)?.total;
        let voters = self.members(now)?;
        let voters = voters.iter().filter(|line| {
            let stays = |end: Option<LocalDay>| end.is_none_or(|end| on < end);
            line.joined <= on && stays(line.left) && stays(line.died)
        });
        let voters = u32::try_from(voters.count()).unwrap_or(u32::MAX);
        Ok(Capital {
            member,
            on,
            own,
            all,
            percent: percent(own.0, all.0),
            voters,
            vote_percent: percent(1, i64::from(voters)),
        })
    }

    fn interest_of(&self, member: u32, period: Period) -> Answer<Vec<InterestLine>> {
        let mut lines = Vec::new();
        for run in self.interest_runs()? {
            if run.standing != Standing::Frozen {
                continue;
            }
            let days = (day(&run.note.from)?, day(&run.note.to)?);
            let own = run.note.lines.iter().filter(|line| line.member == member);
            let pence = own.map(|line| line.pence).sum();
            if period.contains(days.1) {
                let run = run.note.number;
                let pence = Pence(pence);
                lines.push(InterestLine { run, days, pence });
            }
        }
        Ok(lines)
    }

    fn support_lines(&self, all: &StakeNotes, period: Period) -> Answer<Vec<SupportLine>> {
        let what = "a line of support";
        let mut lines = Vec::new();
        for of in &all.support {
            if !period.contains(day(&of.to)?) {
                continue;
            }
            let hours: Hours = of.hours.parse().or_ours(what)?;
            let part = notes::attribution(&of.attribution_percent).or_ours(what)?;
            let worth = match of.part_of.is_empty() {
                true => worth(hours, Pence(of.unit_pence), part)
                    .ok_or("too large")
                    .or_ours(what)?,
                false => Pence::ZERO,
            };
            let of = of.clone();
            lines.push(SupportLine { of, hours, worth });
        }
        Ok(lines)
    }

    /// What was made in a period and its carbon; none where nothing is known of it.
    fn carbon_of(
        &self,
        site: Option<&str>,
        period: Period,
        now: Instant,
        fresh: bool,
    ) -> Answer<Option<(WattHours, Decimal, String)>> {
        let made = match self.generation(site, period, None, now, fresh) {
            Ok(report) => report.totals.generated,
            Err(Refusal::Caller(_)) => None,
            Err(ours) => return Err(ours),
        };
        let table = self.factors()?;
        let factor = table.lookup(factor_name::CO2, period);
        Ok(made
            .zip(factor)
            .map(|(made, factor)| (made, factor.value, factor.source.clone())))
    }

    fn restated(&self, period: Period, now: Instant, fresh: bool) -> Answer<Vec<Restated>> {
        let table = self.factors()?;
        let Some(now_factor) = table.lookup(factor_name::CO2, period).map(|f| f.value) else {
            return Ok(Vec::new());
        };
        let last = period.last_day().year();
        let first = self
            .first_year(None)?
            .unwrap_or(last)
            .max(last - RESTATED_YEARS + 1);
        let mut years = Vec::new();
        for year in first..=last {
            let made = self.carbon_of(None, Period::Year(year), now, fresh)?;
            if let Some((made, factor, source)) = made {
                years.push(Restated {
                    year,
                    made,
                    kg: kilograms(made, factor),
                    restated_kg: kilograms(made, now_factor),
                    factor: (factor, source),
                });
            }
        }
        Ok(years)
    }

    fn claim_lines(
        &self,
        claims: Vec<CarbonClaim>,
        period: Period,
        now: Instant,
        fresh: bool,
    ) -> Answer<Vec<ClaimLine>> {
        let mut lines = Vec::new();
        for of in claims {
            let site = Some(of.site.as_str()).filter(|site| !site.is_empty());
            // A claim is of a year: of another span, or one not over, there is nothing to hold
            // against it.
            let over = period.last_day() < self.known().zone.day_of(now);
            let year = over && (365..=366).contains(&period.day_count());
            let made = match year {
                true => self.carbon_of(site, period, now, fresh)?,
                false => None,
            };
            let claimed = Claimed {
                tonnes: notes::amount("tonnes", &of.tonnes).or_ours("a claim of carbon")?,
                years: of.years,
                energy_a_year: WattHours::from_kwh_text(&of.kwh_a_year)
                    .or_ours("a claim of carbon")?,
            };
            let split = made.and_then(|(made, factor, _)| shortfall(&claimed, made, factor));
            lines.push(ClaimLine { of, split });
        }
        Ok(lines)
    }
}

impl Office {
    /// The stake of a council in these societies.
    ///
    /// # Errors
    /// When no council is named and there is not exactly one, or a stored row is damaged.
    pub fn stake_report(
        &self,
        asked: &StakeAsked,
        societies: &[Arc<SocietyOffice>],
        now: Instant,
        fresh: bool,
    ) -> Answer<StakeReport> {
        let mut all = Vec::new();
        let mut council = asked.council.clone();
        let mut why = None;
        let mut drawn_up = None;
        for society in societies {
            drawn_up.get_or_insert(society.known().zone.day_of(now));
            let only = asked.only.iter().find(|(slug, _)| slug == society.slug());
            let only = only.map(|(_, sites)| sites.as_slice());
            let name = match &asked.council {
                Some(name) => name.clone(),
                None => match society.council_of(&[], now) {
                    Ok(name) => name,
                    Err(Refusal::Caller(reason)) => {
                        why.get_or_insert(reason);
                        council.clone().unwrap_or_default()
                    }
                    Err(ours) => return Err(ours),
                },
            };
            if council.is_none() && !name.is_empty() {
                council = Some(name.clone());
            }
            if let Some(stake) =
                self.society_stake(society, &name, asked.period, only, now, fresh)?
            {
                all.push(stake);
            }
        }
        let (Some(council), Some(drawn_up)) = (council, drawn_up) else {
            return refuse(why.unwrap_or_else(|| "there is no society here".to_owned()));
        };
        if all.is_empty() {
            let names: Vec<String> = societies
                .iter()
                .filter_map(|society| society.councils(now).ok())
                .flatten()
                .map(|(_, name)| name)
                .collect();
            return refuse(format!(
                "`{council}` has no stake here{}\nhint: a council is a member of kind council, or lends something under its name (`commonwatt council enter FILE`)",
                config::did_you_mean(&council, names.iter().map(String::as_str))
            ));
        }
        Ok(StakeReport {
            council,
            period: asked.period,
            drawn_up,
            societies: all,
        })
    }

    /// In one society; none where the council has no stake in it.
    fn society_stake(
        &self,
        society: &SocietyOffice,
        council: &str,
        period: Period,
        only: Option<&[String]>,
        now: Instant,
        fresh: bool,
    ) -> Answer<Option<SocietyStake>> {
        let known = society.known();
        let today = known.zone.day_of(now);
        let on = period.last_day().min(today);
        let notes = society.stake_notes()?;
        let member = society.councils(now)?.into_iter();
        let member = member
            .filter(|(_, name)| same(name, council))
            .map(|(number, _)| number)
            .next();
        let lends = notes.spaces.iter().any(|(s, _)| same(&s.council, council))
            || notes.loans.iter().any(|(l, _)| same(&l.council, council))
            || notes.guarantees.iter().any(|g| same(&g.council, council))
            || notes.support.iter().any(|s| same(&s.giver, council));
        if member.is_none() && !lends {
            return Ok(None);
        }
        let sees = |site: &str| match only {
            None => true,
            Some(sites) => sites.iter().any(|own| own == site),
        };
        let of_whole = only.is_none();
        let (capital, interest) = match member.filter(|_| of_whole) {
            Some(member) => (
                Some(society.capital_and_vote(member, on, now)?),
                society.interest_of(member, period)?,
            ),
            None => (None, Vec::new()),
        };
        let loans = match of_whole {
            true => loans(&notes, council, period, on)?,
            false => Vec::new(),
        };
        let own = |council_of: &str| same(council_of, council);
        let guarantees = notes.guarantees.iter();
        let guarantees = guarantees.filter(|g| of_whole && own(&g.council));
        let mut buildings = Vec::new();
        for site in known.document.site.iter().filter(|site| sees(&site.id)) {
            buildings.push(self.building_stake(society, site, period, now, fresh)?);
        }
        let (support, others_support) = society
            .support_lines(&notes, period)?
            .into_iter()
            .filter(|line| sees(&line.of.site))
            .partition(|line: &SupportLine| own(&line.of.giver));
        let reached = notes.reached.iter().filter(|r| sees(&r.site));
        let mut of_period = Vec::new();
        for one in reached {
            if period.contains(day(&one.to)?) {
                of_period.push(one.clone());
            }
        }
        let claims = notes.claims.iter().filter(|c| sees(&c.site)).cloned();
        let mut left_out = Vec::new();
        if let Some(sites) = only {
            left_out.push(format!(
                "You see {} only. Capital, votes, interest, loans and whatever else is of the whole society are not shown to an officer of some buildings.",
                sites.join(", ")
            ));
        }
        Ok(Some(SocietyStake {
            slug: society.slug().to_owned(),
            name: known.document.society.name.clone(),
            capital,
            interest,
            loans,
            guarantees: guarantees.cloned().collect(),
            spaces: spaces(&notes, council, period, on, &sees)?,
            buildings,
            support,
            others_support,
            restated: match of_whole {
                true => society.restated(period, now, fresh)?,
                false => Vec::new(),
            },
            claims: society.claim_lines(claims.collect(), period, now, fresh)?,
            reached: of_period,
            outcomes: match of_whole {
                true => society.outcomes(period, now)?,
                false => Vec::new(),
            },
            left_out,
            sample: known.document.society.sample,
        }))
    }

    fn building_stake(
        &self,
        society: &SocietyOffice,
        site: &records::society::Site,
        period: Period,
        now: Instant,
        fresh: bool,
    ) -> Answer<Building> {
        let known = society.known();
        let mut building = Building {
            site: site.id.clone(),
            name: site.name.clone(),
            kwp: site.capacity_kwp.clone(),
            host: site.host.clone(),
            made: None,
            forecast: None,
            quality: Quality::Missing,
            missing: 0,
            co2_kg: None,
            savings: Vec::new(),
            outages: Vec::new(),
            sample: site.sample || known.document.society.sample,
        };
        match society.generation(Some(&site.id), period, None, now, fresh) {
            Ok(report) => {
                building.made = report.totals.generated;
                building.forecast = report.totals.forecast;
                building.quality = report.totals.quality;
                building.missing = report.totals.missing_half_hours;
                let table = society.factors()?;
                building.co2_kg = report
                    .totals
                    .generated
                    .zip(table.lookup(factor_name::CO2, period))
                    .map(|(made, factor)| kilograms(made, factor.value));
            }
            Err(Refusal::Caller(_)) => {}
            Err(ours) => return Err(ours),
        }
        for made in society.frozen_bills()? {
            let host = known.document.host.iter().find(|h| h.id == made.bill.host);
            let Some(host) = host.filter(|host| host.site == site.id) else {
                continue;
            };
            let days = (day(&made.bill.from)?, day(&made.bill.to)?);
            if made.credited.is_none() && period.contains(days.1) {
                building.savings.push(SavingLine {
                    host: host.name.clone(),
                    bill: made.bill.number,
                    days,
                    saved: made.bill.saving_pence.map(Pence),
                });
            }
        }
        for outage in society.outages()? {
            let in_period = outage.from <= period.last_day() && period.first_day() <= outage.to;
            if outage.planned.site != site.id || outage.cancelled.is_some() || !in_period {
                continue;
            }
            let loss = self.outage_loss(society, &outage, now)?;
            building.outages.push(OutageLine {
                number: outage.planned.number,
                days: (outage.from, outage.to),
                cause: outage.planned.cause.clone(),
                lost: WattHours(loss.wh.0),
                pence: loss.pence,
            });
        }
        Ok(building)
    }
}

fn loans(notes: &StakeNotes, council: &str, period: Period, on: LocalDay) -> Answer<Vec<LoanLine>> {
    let mut lines = Vec::new();
    for (of, payments) in &notes.loans {
        if !same(&of.council, council) || day(&of.drawn)? > on {
            continue;
        }
        let schedule = noted::schedule_of(of).or_ours("a loan of the journal")?;
        let (mut paid, mut interest, mut all_interest) = (Pence::ZERO, Pence::ZERO, Pence::ZERO);
        for payment in payments {
            let paid_on = day(&payment.on)?;
            if paid_on <= on {
                paid.0 += payment.principal_pence;
                all_interest.0 += payment.interest_pence;
            }
            if period.contains(paid_on) && paid_on <= on {
                interest.0 += payment.interest_pence;
            }
        }
        let due: i64 = schedule
            .iter()
            .filter(|step| step.on <= on)
            .map(|step| step.principal.0 + step.interest.0)
            .sum();
        lines.push(LoanLine {
            left: Pence(of.principal_pence - paid.0),
            behind: Pence((due - paid.0 - all_interest.0).max(0)),
            paid,
            interest,
            schedule,
            of: of.clone(),
        });
    }
    Ok(lines)
}

fn spaces(
    notes: &StakeNotes,
    council: &str,
    period: Period,
    on: LocalDay,
    sees: &impl Fn(&str) -> bool,
) -> Answer<Vec<SpaceLine>> {
    let mut lines = Vec::new();
    for (of, ended) in &notes.spaces {
        let until = match ended {
            Some(ended) => day(&ended.on)?,
            None => day(&of.to)?,
        };
        let lent = day(&of.from)? <= period.last_day() && period.first_day() <= until;
        if !same(&of.council, council) || !lent || !sees(&of.site) {
            continue;
        }
        let warning = warnings(until).into_iter().rev().find(|one| one.on <= on);
        lines.push(SpaceLine {
            until,
            ended: ended.as_ref().map(|ended| ended.reason.clone()),
            warning: warning.map(|one| one.months).filter(|_| on <= until),
            of: of.clone(),
        });
    }
    Ok(lines)
}

/// Whether two names mean one council.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Kilograms of an energy at a factor, one decimal, half away from zero.
fn kilograms(made: WattHours, factor_kg_per_kwh: Decimal) -> Decimal {
    let kg = Decimal::from(made.0) * factor_kg_per_kwh / Decimal::from(1_000);
    kg.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero)
}

/// A note with who made it and when.
#[derive(Clone, Debug)]
pub struct TrailLine {
    /// Its record in the journal.
    pub record: u64,
    /// When.
    pub at: Instant,
    /// Who.
    pub by: String,
    /// Its kind: `space`, `delivery`.
    pub kind: String,
    /// Its body as JSON.
    pub body: serde_json::Value,
}

impl SocietyOffice {
    /// The notes of a council's stake and of outcomes as the journal has them, in order; an officer of
    /// some buildings sees those of theirs only.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn stake_trail(&self, only: Option<&[String]>) -> Answer<Vec<TrailLine>> {
        let mut lines = Vec::new();
        self.books()
            .applied_of(&[notes::STAKE, notes::OUTCOME], |row| {
                let whole: serde_json::Value =
                    serde_json::from_str(&row.json).or_ours("a decision")?;
                let body = &whole["what"]["body"];
                let kind = body["note"].as_str().unwrap_or_default();
                // Who of the council sees which building is the society's affair.
                let site = body["of"]["site"].as_str().unwrap_or_default();
                let theirs = only.is_none_or(|only| only.iter().any(|own| own == site));
                if kind != "officer" && theirs {
                    lines.push(TrailLine {
                        record: row.position,
                        at: Instant(whole["at_ms"].as_i64().unwrap_or_default()),
                        by: whole["by"].as_str().unwrap_or_default().to_owned(),
                        kind: kind.to_owned(),
                        body: body["of"].clone(),
                    });
                }
                Answer::Ok(())
            })?;
        Ok(lines)
    }
}
