//! What a roof brought in, month by month, what it cost, and what was lost.
//!
//! Frozen claims and bills are spread over their months in proportion to what the roof made on their
//! days, by largest remainder, so that the months sum to the line. What is not yet claimed or billed
//! is valued at the rates of the month and says so. What was lost is valued the same way. Costs are
//! the lines entered for the roof; the society's own are not spread.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay, LocalMonth, Period},
    income::spread,
    metering::energy::Energy,
    money::Pence,
    performance::{Basis, Cause, Doubt, Judged, Loss, Plane, Ratio, Steps},
    quantity::WattHours,
};
use records::society::Counts;
use report::generation::{Income, IncomeRow, LossRow};

use super::{
    Office,
    answer::{Answer, OrOurs, refuse},
    energy,
    outages::Outage,
    society::SocietyOffice,
    worth::{Worth, by_host, by_tariff},
};

/// Longest span at once, in days.
const MAX_DAYS: i32 = 5 * 366;

/// One month of a roof.
#[derive(Clone, Debug)]
pub struct MonthIncome {
    /// The month.
    pub month: LocalMonth,
    /// Its days within what was asked.
    pub days: Period,
    /// What is known of the energy it made.
    pub made: WattHours,
    /// Days of which all is known.
    pub known_days: u32,
    /// Of frozen claims.
    pub claimed: Pence,
    /// The part of it that is for export.
    pub exported: Pence,
    /// What is not in a frozen claim yet, at the month's rates.
    pub unclaimed: Pence,
    /// Of frozen bills, before VAT.
    pub billed: Pence,
    /// What is not in a frozen bill yet, at the month's rates, before VAT.
    pub unbilled: Pence,
    /// Costs entered for the roof.
    pub costs: Pence,
    /// How the roof did.
    pub judged: Judged,
    /// How it did by its neighbours, where `judged` stands on irradiance.
    pub peers: Option<Judged>,
    /// Its performance ratio, where irradiance is at hand.
    pub ratio: Option<Ratio>,
    /// What was lost, with its worth; none where it cannot be valued.
    pub lost: Vec<(Loss, Option<Pence>)>,
}

/// A roof's months.
#[derive(Clone, Debug)]
pub struct SiteIncome {
    /// The society's slug.
    pub society: String,
    /// The roof's id.
    pub site: String,
    /// The roof's name.
    pub name: String,
    /// Its months, in order.
    pub months: Vec<MonthIncome>,
    /// What the reader has to know, each once.
    pub notes: Vec<String>,
    /// True for sample data.
    pub sample: bool,
}

impl MonthIncome {
    /// Income in all, frozen or not.
    #[must_use]
    pub fn income(&self) -> Pence {
        Pence(self.claimed.0 + self.unclaimed.0 + self.billed.0 + self.unbilled.0)
    }

    /// What was lost in all, as far as it can be valued.
    #[must_use]
    pub fn lost_pence(&self) -> Pence {
        Pence(
            self.lost
                .iter()
                .filter_map(|(_, pence)| *pence)
                .map(|p| p.0)
                .sum(),
        )
    }
}

impl SiteIncome {
    /// A sum over the months.
    #[must_use]
    pub fn total(&self, of: impl Fn(&MonthIncome) -> Pence) -> Pence {
        Pence(self.months.iter().map(|month| of(month).0).sum())
    }
}

/// What a month's judgement stands on, in two or three words.
#[must_use]
pub fn stands_on(judged: &Judged) -> String {
    match judged.basis {
        Some(Basis::Irradiance(Steps::HalfHours)) => "irradiance".to_owned(),
        Some(Basis::Irradiance(Steps::Days)) => "irradiance by days".to_owned(),
        Some(Basis::Neighbours(1)) => "one neighbour".to_owned(),
        Some(Basis::Neighbours(count)) => format!("{count} neighbours"),
        Some(Basis::Sun) => "a clear sky".to_owned(),
        None => "nothing".to_owned(),
    }
}

/// An amount of a frozen line, with its days.
struct Frozen {
    days: Period,
    pence: Pence,
}

impl Office {
    /// A roof's income, costs and losses by month.
    ///
    /// # Errors
    /// When the roof is unknown, the span too long, or a stored row is damaged.
    pub fn site_income(
        &self,
        society: &SocietyOffice,
        site: &str,
        period: Period,
        now: Instant,
        fresh: bool,
    ) -> Answer<SiteIncome> {
        let known = society.known();
        super::known::known("site", site, &known.sites)?;
        if !(1..=MAX_DAYS).contains(&period.day_count()) {
            return refuse(format!(
                "`{}` days; expected 1 to {MAX_DAYS}\nhint: both days are included; the first comes first",
                period.day_count()
            ));
        }
        let document = &known.document;
        let installations: Vec<_> = document
            .installation
            .iter()
            .filter(|i| i.site == site)
            .collect();
        let hosts: Vec<_> = document
            .host
            .iter()
            .filter(|host| host.site == site)
            .collect();
        let tables = society.tables()?;
        let claims = society.frozen_claims()?;
        let claims: Vec<_> = claims
            .iter()
            .map(|made| &made.claim)
            .filter(|claim| installations.iter().any(|i| i.id == claim.installation))
            .collect();
        let bills = society.frozen_bills()?;
        let bills: Vec<_> = bills
            .iter()
            .filter(|made| made.credited.is_none())
            .map(|made| &made.bill)
            .filter(|bill| hosts.iter().any(|host| host.id == bill.host))
            .collect();
        let claim_lines = claims.iter().flat_map(|claim| &claim.lines);
        let claim_lines = claim_lines
            .map(|line| frozen(&line.from, &line.to, line.pence))
            .collect::<Answer<Vec<_>>>()?;
        let export_lines = claims.iter().flat_map(|claim| &claim.lines);
        let export_lines = export_lines
            .filter(|line| line.kind.starts_with("export"))
            .map(|line| frozen(&line.from, &line.to, line.pence))
            .collect::<Answer<Vec<_>>>()?;
        let bill_lines = bills.iter().flat_map(|bill| &bill.lines);
        let bill_lines = bill_lines
            .map(|line| frozen(&line.from, &line.to, line.pence))
            .collect::<Answer<Vec<_>>>()?;
        let made = made_by_day(
            society,
            site,
            period,
            claim_lines.iter().chain(&bill_lines),
            now,
            fresh,
        )?;
        let (claimed, billed) = (by_month(&claim_lines, &made), by_month(&bill_lines, &made));
        let exported_pence = by_month(&export_lines, &made);
        let evidence = self.evidence(society, site, period, now, fresh)?;
        let yesterday = known.zone.day_of(now).previous();
        let mut notes = Notes::default();
        let mut months = Vec::new();
        for (month, days) in period.parts_by_month() {
            let past = Period::Range {
                first: days.first_day(),
                last: days.last_day().min(yesterday),
            };
            let judged = evidence.judge(past);
            notes.of_judged(&judged);
            let by_light = matches!(judged.basis, Some(Basis::Irradiance(_)));
            let peers = by_light.then(|| evidence.judge_by_peers(past)).flatten();
            let ratio = evidence.ratio(past);
            if let (Some(_), Some(light)) = (&ratio, evidence.measured()) {
                notes.add(match light.plane {
                    Plane::Panels => "the performance ratio is what was made over what the irradiance on the panels gives at their rated power",
                    Plane::Flat => "the performance ratio is what was made over what the irradiance on the flat gives at the panels' rated power; it moves with the season",
                });
            }
            let rate_day = past.last_day().max(past.first_day());
            let exported = society.exported(&known, site, rate_day, now, fresh)?;
            let mut unclaimed = Pence::ZERO;
            for (installation, share) in installations.iter().zip(shares(&installations)) {
                let is_claimed = |day: LocalDay| {
                    let span = known.zone.day_span(day);
                    claims.iter().any(|claim| {
                        claim.installation == installation.id
                            && claim.opens_at_ms < span.end.0
                            && span.start.0 < claim.closes_at_ms
                    })
                };
                let open = sum(&made, past, |day| !is_claimed(day));
                let pence = by_tariff(&tables, installation, rate_day, part(open, share), exported);
                unclaimed.0 += notes.valued(pence).unwrap_or_default().0;
            }
            let mut unbilled = Pence::ZERO;
            for host in &hosts {
                let is_billed = |day: LocalDay| {
                    let day = day.to_string();
                    bills
                        .iter()
                        .any(|b| b.host == host.id && b.from <= day && day <= b.to)
                };
                let open = sum(&made, past, |day| !is_billed(day));
                unbilled.0 += notes
                    .valued(by_host(&tables, host, rate_day, open, exported))
                    .unwrap_or_default()
                    .0;
            }
            let lost = judged.losses.iter().map(|loss| {
                let mut worth = Some(Pence::ZERO);
                for (installation, share) in installations.iter().zip(shares(&installations)) {
                    let one = by_tariff(
                        &tables,
                        installation,
                        rate_day,
                        part(loss.wh, share),
                        exported,
                    );
                    worth = worth.zip(notes.valued(one)).map(|(a, b)| Pence(a.0 + b.0));
                }
                for host in &hosts {
                    let one = by_host(&tables, host, rate_day, loss.wh, exported);
                    worth = worth.zip(notes.valued(one)).map(|(a, b)| Pence(a.0 + b.0));
                }
                (*loss, worth)
            });
            let lost = lost.collect();
            let of_month = |table: &BTreeMap<LocalMonth, Pence>| {
                table.get(&month).copied().unwrap_or_default()
            };
            months.push(MonthIncome {
                month,
                days,
                made: sum(&made, days, |_| true),
                known_days: u32::try_from(
                    days.days()
                        .filter(|day| {
                            made.get(day)
                                .is_some_and(|e| e.half_hours > 0 && e.is_complete())
                        })
                        .count(),
                )
                .unwrap_or(u32::MAX),
                claimed: of_month(&claimed),
                exported: of_month(&exported_pence),
                unclaimed,
                billed: of_month(&billed),
                unbilled,
                costs: society.cost_of(Some(site), days)?,
                judged,
                peers,
                ratio,
                lost,
            });
        }
        if installations.is_empty() && hosts.is_empty() {
            notes.add("no installation and no host of this roof is in the society file, so that nothing is valued");
        }
        Ok(SiteIncome {
            society: society.slug().to_owned(),
            site: site.to_owned(),
            name: known.sites[site].name.clone(),
            months,
            notes: notes.0,
            sample: document.society.sample
                || installations.iter().any(|i| i.sample)
                || hosts.iter().any(|host| host.sample),
        })
    }
}

/// Sentences, each once, in the order in which they came up.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn add(&mut self, text: &str) {
        if !self.0.iter().any(|one| one == text) {
            self.0.push(text.to_owned());
        }
    }

    /// The worth as far as it can be said; what is lacking is noted.
    fn valued(&mut self, worth: Result<Worth, String>) -> Option<Pence> {
        match worth {
            Ok(worth) => {
                if let Some(why) = &worth.lacks {
                    self.add(why);
                }
                Some(worth.pence)
            }
            Err(why) => {
                self.add(why.lines().next().unwrap_or_default());
                None
            }
        }
    }

    fn of_judged(&mut self, judged: &Judged) {
        match judged.basis {
            None if judged.days > 0 => self.add(
                "in some months the roof's own history is too short and no neighbour is known: nothing can be expected, and nothing is called lost",
            ),
            Some(basis) => {
                self.add(&match basis {
                    Basis::Irradiance(Steps::HalfHours) => "what was expected is the roof's own share of the irradiance measured for it, by half hours".to_owned(),
                    Basis::Irradiance(Steps::Days) => "what was expected is the roof's own share of the irradiance measured for it, by days".to_owned(),
                    Basis::Neighbours(1) => "what was expected is the roof's own share of the light of one neighbouring roof".to_owned(),
                    Basis::Neighbours(count) => format!("what was expected is the roof's own share of the light of {count} neighbouring roofs, their median"),
                    Basis::Sun => "what was expected is the roof's usual share of a clear sky".to_owned(),
                });
                for doubt in &judged.doubts {
                    self.add(Doubt::sentence(*doubt));
                }
            }
            None => {}
        }
    }
}

fn frozen(from: &str, to: &str, pence: i64) -> Answer<Frozen> {
    Ok(Frozen {
        days: Period::Range {
            first: from.parse().or_ours("a frozen line")?,
            last: to.parse().or_ours("a frozen line")?,
        },
        pence: Pence(pence),
    })
}

/// What the roof made on each day of the span and of every frozen line that touches it.
fn made_by_day<'a>(
    society: &SocietyOffice,
    site: &str,
    period: Period,
    lines: impl Iterator<Item = &'a Frozen>,
    now: Instant,
    fresh: bool,
) -> Answer<energy::Days> {
    let known = society.known();
    let (mut first, mut last) = (period.first_day(), period.last_day());
    for line in lines {
        if line.days.first_day() <= period.last_day() && period.first_day() <= line.days.last_day()
        {
            first = first.min(line.days.first_day());
            last = last.max(line.days.last_day());
        }
    }
    let points: Vec<String> = known
        .points_of_site(site, Counts::Generation)
        .map(str::to_owned)
        .collect();
    society.seen(fresh, &known.series_of_points(&points), |reader| {
        energy::days_of(reader, &known, &points, Period::Range { first, last }, now)
    })
}

/// Each line over its months, by what was made.
fn by_month(lines: &[Frozen], made: &BTreeMap<LocalDay, Energy>) -> BTreeMap<LocalMonth, Pence> {
    let mut months: BTreeMap<LocalMonth, Pence> = BTreeMap::new();
    for line in lines {
        let parts = line.days.parts_by_month();
        let weights: Vec<i64> = parts
            .iter()
            .map(|(_, days)| sum(made, *days, |_| true).0)
            .collect();
        for ((month, _), pence) in parts.iter().zip(spread(line.pence, &weights)) {
            months.entry(*month).or_default().0 += pence.0;
        }
    }
    months
}

fn sum(made: &energy::Days, days: Period, wanted: impl Fn(LocalDay) -> bool) -> WattHours {
    let of_days = made.range(days.first_day()..=days.last_day().max(days.first_day()));
    let wanted = of_days.filter(|(day, _)| days.contains(**day) && wanted(**day));
    WattHours(wanted.map(|(_, energy)| energy.wh.0).sum())
}

/// The share of each installation in the roof's energy, by declared net capacity: (its, all).
fn shares(installations: &[&records::society::Installation]) -> Vec<(i64, i64)> {
    let watts: Vec<i64> = installations
        .iter()
        .map(|i| {
            domain::quantity::Watts::from_kwp_text(&i.declared_net_capacity_kw).map_or(0, |w| w.0)
        })
        .collect();
    let all = watts.iter().sum::<i64>().max(1);
    watts.into_iter().map(|own| (own, all)).collect()
}

fn part(wh: WattHours, (own, all): (i64, i64)) -> WattHours {
    let part = i128::from(wh.0) * i128::from(own) / i128::from(all);
    WattHours(i64::try_from(part).unwrap_or(i64::MAX))
}

impl Office {
    /// A roof's income for its report; none where nothing of it is in the society file.
    ///
    /// # Errors
    /// As [`Office::site_income`].
    pub fn earned(
        &self,
        society: &SocietyOffice,
        site: &str,
        period: Period,
        now: Instant,
        fresh: bool,
    ) -> Answer<Option<Income>> {
        let known = society.known();
        let document = &known.document;
        let earns = document.installation.iter().any(|i| i.site == site)
            || document.host.iter().any(|host| host.site == site);
        let today = known.zone.day_of(now);
        if !earns || period.day_count() > MAX_DAYS || period.first_day() > today {
            return Ok(None);
        }
        // Months that have not begun earn nothing yet.
        let days = Period::Range {
            first: period.first_day(),
            last: period.last_day().min(today),
        };
        let made = self.site_income(society, site, days, now, fresh)?;
        let rows = made.months.iter().map(|month| IncomeRow {
            month: month.month,
            claimed: month.claimed,
            unclaimed: month.unclaimed,
            billed: month.billed,
            unbilled: month.unbilled,
            costs: month.costs,
            lost: month.judged.basis.map(|_| month.judged.lost()),
            ratio_permille: month
                .ratio
                .map(|ratio| (ratio.permille, ratio.usual_permille)),
            lost_pence: month.lost_pence(),
        });
        let mut losses: BTreeMap<Cause, LossRow> = BTreeMap::new();
        for (loss, pence) in made.months.iter().flat_map(|month| &month.lost) {
            let row = losses.entry(loss.cause).or_insert_with(|| LossRow {
                cause: loss.cause.word(),
                words: loss.cause.words(),
                days: 0,
                wh: WattHours::ZERO,
                pence: Some(Pence::ZERO),
            });
            row.days += loss.days;
            row.wh.0 += loss.wh.0;
            row.pence = row.pence.zip(*pence).map(|(a, b)| Pence(a.0 + b.0));
        }
        let weather: Vec<i64> = made
            .months
            .iter()
            .filter_map(|month| month.judged.weather)
            .map(|wh| wh.0)
            .collect();
        let mut income = Income {
            rows: rows.collect(),
            losses: losses.into_values().collect(),
            weather: (!weather.is_empty()).then(|| WattHours(weather.iter().sum())),
            exported: made.total(|month| month.exported),
            notes: made.notes,
            sample: made.sample,
        };
        income.notes.extend(income.ratio_sentence());
        Ok(Some(income))
    }
}

/// What a planned outage cost so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageLoss {
    /// Days of it that are over and known.
    pub days: u32,
    /// What was not made.
    pub wh: WattHours,
    /// What that is worth; none where it cannot be valued.
    pub pence: Option<Pence>,
    /// Days beyond what the clause allows in their calendar years; none without an allowance.
    pub beyond_allowance_days: Option<i32>,
    /// What is lost on those days.
    pub beyond_allowance_pence: Option<Pence>,
    /// What the reader has to know.
    pub notes: Vec<String>,
}

impl Office {
    /// What an outage cost so far in energy and money.
    ///
    /// # Errors
    /// When the roof is unknown or a stored row is damaged.
    pub fn outage_loss(
        &self,
        society: &SocietyOffice,
        outage: &Outage,
        now: Instant,
    ) -> Answer<OutageLoss> {
        let yesterday = society.known().zone.day_of(now).previous();
        let mut made = OutageLoss {
            days: 0,
            wh: WattHours::ZERO,
            pence: Some(Pence::ZERO),
            beyond_allowance_days: outage.planned.allowance_days.map(|_| 0),
            beyond_allowance_pence: outage.planned.allowance_days.map(|_| Pence::ZERO),
            notes: Vec::new(),
        };
        if outage.cancelled.is_some() || yesterday < outage.from {
            made.notes.push("it has not begun".to_owned());
            return Ok(made);
        }
        let all = Period::Range {
            first: outage.from,
            last: outage.to.min(yesterday),
        };
        let beyond = society.beyond_allowance(outage)?;
        // Each span is worth what its months are worth.
        let (inside, outside) = match beyond {
            Some(first) if first <= all.last_day() => {
                let outside = Period::Range {
                    first: first.max(outage.from),
                    last: all.last_day(),
                };
                let inside = (outage.from < first).then(|| Period::Range {
                    first: outage.from,
                    last: first.previous(),
                });
                (inside, Some(outside))
            }
            _ => (Some(all), None),
        };
        for (days, is_beyond) in [(inside, false), (outside, true)] {
            let Some(days) = days else { continue };
            let income = self.site_income(society, &outage.planned.site, days, now, true)?;
            for month in &income.months {
                made.days += month.judged.known_days;
                let planned = month
                    .lost
                    .iter()
                    .find(|(loss, _)| loss.cause == Cause::Planned);
                let Some((loss, pence)) = planned else {
                    continue;
                };
                made.wh.0 += loss.wh.0;
                made.pence = made.pence.zip(*pence).map(|(a, b)| Pence(a.0 + b.0));
                if is_beyond {
                    made.beyond_allowance_pence = made
                        .beyond_allowance_pence
                        .zip(*pence)
                        .map(|(a, b)| Pence(a.0 + b.0));
                }
            }
            if is_beyond {
                made.beyond_allowance_days = Some(days.day_count());
            }
            for note in income.notes {
                if !made.notes.contains(&note) {
                    made.notes.push(note);
                }
            }
        }
        Ok(made)
    }
}

impl SocietyOffice {
    /// The first day of an outage beyond what its clause allows in its calendar year, counting the
    /// outages of the roof before it.
    fn beyond_allowance(&self, outage: &Outage) -> Answer<Option<LocalDay>> {
        let Some(allowed) = outage.planned.allowance_days else {
            return Ok(None);
        };
        let all = self.outages()?;
        let mut used: BTreeMap<i32, i32> = BTreeMap::new();
        for other in &all {
            if other.cancelled.is_none()
                && other.planned.site == outage.planned.site
                && other.to < outage.from
            {
                for year in other.from.year()..=other.to.year() {
                    *used.entry(year).or_default() += other.days_in(year);
                }
            }
        }
        for day in outage.from.through(outage.to) {
            let used = used.entry(day.year()).or_default();
            *used += 1;
            if *used > i32::from(allowed) {
                return Ok(Some(day));
            }
        }
        Ok(None)
    }
}
