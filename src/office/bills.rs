//! Bills to hosts for power used on site, and to buyers for what leaves it: previewed, frozen as a
//! decision that carries its lines, taken back whole by a credit note.
//!
//! The rules of claims hold: preview and freeze are one computation, a frozen bill is never reckoned
//! again, freezing it twice appends nothing, and days that were billed are not billed again.

use std::sync::Arc;

use domain::{
    calendar::{Instant, LocalDay, Period, Span},
    income::{Bill, BillOf, Chain, HalfHourlyOf, LineKind, Meets, OnSite, bill, bill_half_hourly},
    projection::Certainty,
    quantity::WattHours,
    tariff::{
        IndexName, Provenance, Rate,
        fit::ExportBasis,
        host::{GridPrice, HostRate, HostTerms, Indexed},
    },
};
use records::{
    decision::What,
    income::{self, BillCredited, BillFrozen, ClaimFrozen, Finding},
    society::{self, Counts, SocietyDocument},
};
use rust_decimal::Decimal;

use super::{
    Office,
    answer::{Answer, OrCaller, Refusal, refuse},
    claims::{BEFORE_DAYS, freezing, frozen_read, within_reach},
    known::date,
    society::{BILL_CREDITED, BILL_FROZEN, SocietyOffice},
    tariffs::find,
};

pub use records::society::Host as BilledHost;

/// A bill as it would be, or was, frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeBill {
    /// Its record.
    pub bill: BillFrozen,
    /// Who froze it and when; `None` while it is not frozen.
    pub frozen: Option<(String, Instant)>,
    /// The credit note that took it back.
    pub credited: Option<BillCredited>,
}

impl Office {
    /// The host or buyer of that id and its society.
    ///
    /// # Errors
    /// When no society, or more than one, has it.
    pub fn host(
        &self,
        id: &str,
        society: Option<&str>,
    ) -> Answer<(Arc<SocietyOffice>, BilledHost)> {
        find(self, society, "host or buyer", id, |known| {
            let hosts = known.document.host.iter().cloned();
            let buyers = known.document.buyer.iter().map(society::Buyer::as_host);
            let all = hosts.chain(buyers);
            all.map(|one| (one.id.clone(), one)).collect()
        })
    }
}

impl SocietyOffice {
    /// Makes a bill and changes nothing.
    ///
    /// # Errors
    /// When reads or prices are missing.
    pub fn preview_bill(&self, host: &BilledHost, days: Period, now: Instant) -> Answer<MadeBill> {
        let frozen = self.frozen_bills()?;
        let asked = (days.first_day().to_string(), days.last_day().to_string());
        let standing = |made: &&MadeBill| made.credited.is_none() && made.bill.host == host.id;
        let same = frozen
            .iter()
            .filter(standing)
            .find(|made| (&made.bill.from, &made.bill.to) == (&asked.0, &asked.1));
        if let Some(same) = same {
            return Ok(same.clone());
        }
        within_reach(days)?;
        let standing: Vec<&BillFrozen> = frozen.iter().filter(standing).map(|m| &m.bill).collect();
        let made = self.make_bill(host, days, &standing)?;
        let number = u32::try_from(frozen.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        Ok(MadeBill {
            bill: self.bill_record(host, days, number, &made, now),
            frozen: None,
            credited: None,
        })
    }

    /// Freezes a bill; one that was frozen before is found and nothing is appended.
    ///
    /// # Errors
    /// As for the preview; when its days were billed, are not over yet, or a line is apportioned and
    /// the officer did not say that this is meant.
    pub fn freeze_bill(
        &self,
        host: &BilledHost,
        days: Period,
        apportioned: bool,
        by: &str,
        now: Instant,
    ) -> Answer<MadeBill> {
        let _one_at_a_time = freezing();
        let (from, to) = (days.first_day().to_string(), days.last_day().to_string());
        // Days as text stand in order of the calendar.
        let billed = self.frozen_bills()?.into_iter().find(|other| {
            let bill = &other.bill;
            other.credited.is_none()
                && bill.host == host.id
                && bill.from <= to
                && from <= bill.to
                && (&bill.from, &bill.to) != (&from, &to)
        });
        if let Some(MadeBill { bill: other, .. }) = billed {
            return refuse(format!(
                "bill {} from `{}` to `{}` is frozen and overlaps; expected days that were not billed\nhint: `commonwatt bill credit --bill {} --reason …` takes it back",
                other.number, other.from, other.to, other.number
            ));
        }
        let made = self.preview_bill(host, days, now)?;
        if made.frozen.is_some() {
            return Ok(made);
        }
        self.not_own_contract(host, by)?;
        if days.last_day() >= self.known().zone.day_of(now) {
            return refuse(format!(
                "`{}` is not over yet; expected days that are",
                days.last_day()
            ));
        }
        if host.on_site == society::OnSite::Export
            && let Some(claim) = self.claimed_export(&host.site, &from, &to)?
        {
            return refuse(format!(
                "claim {} of `{}` has FIT export of days between `{from}` and `{to}`; export is never sold and claimed\nhint: give FIT export up from a day on: export = [{{ from = …, basis = \"none\" }}]",
                claim.number, claim.installation
            ));
        }
        let split = made.bill.findings.iter().find(|f| f.kind == "apportioned");
        if let (false, Some(split)) = (apportioned, split) {
            return refuse(format!(
                "{}\nhint: import that read, or freeze with --apportioned if there is none",
                split.text
            ));
        }
        self.decide(What::BillFrozen(Box::new(made.bill.clone())), by, now)?;
        Ok(MadeBill {
            frozen: Some((by.to_owned(), now)),
            ..made
        })
    }

    /// Takes a bill back whole: a credit note, and its days may be billed again.
    ///
    /// # Errors
    /// When there is no such bill, or it was taken back before.
    pub fn credit_bill(
        &self,
        number: u32,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<(BilledHost, MadeBill)> {
        let _one_at_a_time = freezing();
        if reason.trim().is_empty() {
            return refuse("a credit note needs its reason\nhint: say why with --reason");
        }
        let bills = self.frozen_bills()?;
        let notes = bills.iter().filter(|made| made.credited.is_some()).count();
        let made = bills
            .iter()
            .find(|made| made.bill.number == number)
            .cloned();
        let Some(mut made) = made else {
            return refuse(format!(
                "there is no bill `{number}`; there are `{}`",
                bills.len()
            ));
        };
        if let Some(note) = &made.credited {
            return refuse(format!(
                "bill `{number}` was taken back by credit note {}",
                note.number
            ));
        }
        let note = BillCredited {
            number: u32::try_from(notes).unwrap_or(u32::MAX).saturating_add(1),
            bill: number,
            on: self.known().zone.day_of(now).to_string(),
            reason: reason.to_owned(),
            net_pence: made.bill.net_pence.saturating_neg(),
            vat_pence: made.bill.vat_pence.saturating_neg(),
            gross_pence: made.bill.gross_pence.saturating_neg(),
        };
        self.decide(What::BillCredited(note.clone()), by, now)?;
        made.credited = Some(note);
        Ok((self.billed(&made.bill.host)?, made))
    }

    /// A host or buyer of the society.
    ///
    /// # Errors
    /// When the society file no longer has it.
    pub fn billed(&self, id: &str) -> Answer<BilledHost> {
        let known = self.known();
        let hosts = known.document.host.iter().cloned();
        let mut all = hosts.chain(known.document.buyer.iter().map(society::Buyer::as_host));
        all.find(|host| host.id == id)
            .ok_or_else(|| Refusal::Caller(format!("host or buyer `{id}` is in no society file")))
    }

    /// The frozen bills, in order of their numbers, with the credit notes that took some back.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn frozen_bills(&self) -> Answer<Vec<MadeBill>> {
        let mut bills: Vec<MadeBill> = Vec::new();
        for decision in self.decisions(&[BILL_FROZEN, BILL_CREDITED])? {
            match decision.what {
                What::BillFrozen(bill) => bills.push(MadeBill {
                    bill: *bill,
                    frozen: Some((decision.by, Instant(decision.at_ms))),
                    credited: None,
                }),
                What::BillCredited(note) => {
                    let of = bills.iter_mut().find(|made| made.bill.number == note.bill);
                    if let Some(made) = of {
                        made.credited = Some(note);
                    }
                }
                _ => {}
            }
        }
        Ok(bills)
    }

    /// Whether a frozen read was of a meter at a site; the society file may have changed since.
    fn read_at(&self, site: &str, reads: &[income::FrozenRead]) -> bool {
        let known = self.known();
        reads.iter().any(|read| {
            let meter = known.meters.get(&read.meter);
            let point = meter.and_then(|meter| known.points.get(&meter.point));
            point.is_some_and(|point| point.site == site)
        })
    }

    /// A frozen claim with FIT export of a site between two days.
    fn claimed_export(&self, site: &str, from: &str, to: &str) -> Answer<Option<ClaimFrozen>> {
        let mut found = self.frozen_claims()?.into_iter().map(|made| made.claim);
        Ok(found.find(|claim| {
            self.read_at(site, &claim.reads)
                && claim.lines.iter().any(|line| {
                    line.kind != LineKind::Generation.word()
                        && line.from.as_str() <= to
                        && from <= line.to.as_str()
                })
        }))
    }

    /// A frozen bill, not taken back, for export that a claim has too.
    pub(super) fn sold_export(
        &self,
        site: &str,
        claim: &ClaimFrozen,
    ) -> Answer<Option<BillFrozen>> {
        let lines = claim.lines.iter();
        let exported: Vec<_> = lines
            .filter(|line| line.kind != LineKind::Generation.word())
            .collect();
        let mut bills = self.frozen_bills()?.into_iter();
        Ok(bills
            .find(|made| {
                made.credited.is_none()
                    && made.bill.on_site == "export"
                    && self.read_at(site, &made.bill.reads)
                    && exported
                        .iter()
                        .any(|line| line.from <= made.bill.to && made.bill.from <= line.to)
            })
            .map(|made| made.bill))
    }

    fn make_bill(&self, host: &BilledHost, days: Period, frozen: &[&BillFrozen]) -> Answer<Bill> {
        let known = self.known();
        let zone = &known.zone;
        let mut terms = terms_of(host)?;
        for price in self.grid_of(&host.id)? {
            terms.grid.push(price);
        }
        terms.grid.sort_by_key(|price| price.from);
        if let Some(until) = known
            .document
            .buyer
            .iter()
            .find(|b| b.id == host.id)
            .map(|b| &b.to)
            && !until.is_empty()
            && days.last_day() > date("buyer.to", until)?
        {
            return refuse(format!(
                "`{}` is after the contract of `{}`, which ends with `{until}`",
                days.last_day(),
                host.id
            ));
        }
        let day = |text: &str| text.parse::<LocalDay>().ok();
        let before = frozen
            .iter()
            .filter(|bill| day(&bill.to).is_some_and(|last| last.next() == days.first_day()));
        let meets = Meets {
            opens_at: before
                .filter_map(|bill| bill.closes_at_ms.map(Instant))
                .max(),
            closes_at: None,
        };
        let start = zone.day_span(days.first_day().plus(-BEFORE_DAYS)).start;
        let start = meets.opens_at.map_or(start, |at| at.min(start));
        // The read at the midnight that ends the days is one of theirs.
        let span = Span::new(start, zone.day_span(days.last_day()).end.plus_ms(1));
        let of_site = |counts: Counts| -> Answer<Vec<Chain>> {
            let points = known.points_of_site(&host.site, counts);
            let points: Vec<String> = points.map(str::to_owned).collect();
            let chains = self.chains(&points, span)?;
            chains
                .into_iter()
                .map(|(chain, refused)| {
                    let empty = chain.reads().next().is_none();
                    match refused {
                        Some(refused) if empty => refuse(refused),
                        _ => Ok(chain),
                    }
                })
                .collect()
        };
        let published = self.tables()?;
        let make = |on_site: OnSite<'_>| {
            bill(&BillOf {
                days,
                zone,
                terms: &terms,
                published: published.uplifts(),
                on_site,
                meets,
            })
            .or_caller()
        };
        match host.on_site {
            society::OnSite::Metered => make(OnSite::Metered {
                generation: &of_site(Counts::Generation)?,
                export: &of_site(Counts::Export)?,
            }),
            society::OnSite::Deemed => make(OnSite::Deemed {
                generation: &of_site(Counts::Generation)?,
                percent: host.deemed_percent.unwrap_or(0),
            }),
            society::OnSite::Fixed => make(OnSite::Fixed {
                a_year: WattHours::from_kwh_text(&host.fixed_kwh_a_year).or_caller()?,
            }),
            society::OnSite::Export if host.rate.half_hourly.is_empty() => make(OnSite::Export {
                export: &of_site(Counts::Export)?,
            }),
            society::OnSite::Export => {
                if days.first_day() < terms.from {
                    return refuse(format!(
                        "`{}` is before the contract of `{}`, which begins with `{}`",
                        days.first_day(),
                        host.id,
                        terms.from
                    ));
                }
                bill_half_hourly(&HalfHourlyOf {
                    days,
                    zone,
                    export: &of_site(Counts::Export)?,
                    prices: self.half_hour_prices(&host.rate.half_hourly)?.by_start(),
                    vat_percent: terms.vat_percent,
                    meets,
                })
                .or_caller()
            }
        }
    }

    /// What is to be said of a contract beside the meters that hang at its site.
    fn beside_its_meters(&self, host: &BilledHost, days: Period) -> Option<Finding> {
        let stated = match host.on_site {
            society::OnSite::Deemed => "deemed",
            society::OnSite::Fixed => "fixed by contract",
            society::OnSite::Metered | society::OnSite::Export => return None,
        };
        let known = self.known();
        let mut points = known.points_of_site(&host.site, Counts::Export);
        let meter = points.find_map(|id| {
            let meters = known.points.get(id)?.meters.iter();
            meters
                .filter_map(|serial| Some((serial, known.meters.get(serial)?.installed)))
                .find(|(_, since)| *since <= days.last_day())
        })?;
        Some(Finding {
            kind: "export-meter".to_owned(),
            text: format!(
                "power used on site is {stated}, and export meter `{}` hangs there since {}: generation less export would be metered; check that the contract means this",
                meter.0, meter.1
            ),
        })
    }

    fn bill_record(
        &self,
        host: &BilledHost,
        days: Period,
        number: u32,
        made: &Bill,
        now: Instant,
    ) -> BillFrozen {
        let today = self.known().zone.day_of(now);
        BillFrozen {
            host: host.id.clone(),
            number,
            from: days.first_day().to_string(),
            to: days.last_day().to_string(),
            on_site: word_of(host.on_site).to_owned(),
            closes_at_ms: made.closes_at.map(|at| at.0),
            lines: made
                .lines
                .iter()
                .map(|line| income::BillLine {
                    from: line.from.to_string(),
                    to: line.to.to_string(),
                    wh: line.wh.0,
                    rate_p_per_kwh: line.rate.to_string(),
                    pence: line.pence.0,
                    grid_p_per_kwh: line.grid.map(|rate| rate.to_string()),
                    grid_pence: line.grid_pence.map(|pence| pence.0),
                    half_hours: line.half_hours,
                })
                .collect(),
            net_pence: made.net.0,
            vat_percent: host.vat_percent.clone(),
            vat_pence: made.vat.0,
            gross_pence: made.gross.0,
            saving_pence: made.saving.map(|pence| pence.0),
            po_number: host.po_number.clone(),
            due: today.plus(i32::from(host.payment_days)).to_string(),
            findings: made
                .findings
                .iter()
                .map(|finding| Finding {
                    kind: finding.word().to_owned(),
                    text: finding.to_string(),
                })
                .chain(self.beside_its_meters(host, days))
                .collect(),
            reads: made.evidence.iter().map(frozen_read).collect(),
            sample: host.sample || self.known().document.society.sample,
        }
    }
}

/// Checks every host and buyer of a document.
pub(super) fn check(document: &SocietyDocument) -> Answer<()> {
    for buyer in &document.buyer {
        check_buyer(document, buyer)?;
    }
    for host in &document.host {
        terms_of(host)?;
        let wrong = |why: &str| refuse(format!("host `{}`: {why}", host.id));
        if host.on_site == society::OnSite::Export || !host.rate.half_hourly.is_empty() {
            return wrong(
                "what leaves the site is sold to a buyer\nhint: enter it under [[buyer]]",
            );
        }
        if !document.site.iter().any(|site| site.id == host.site) {
            return wrong(&format!("site `{}` is not in this file", host.site));
        }
        match (
            host.on_site,
            host.deemed_percent,
            host.fixed_kwh_a_year.as_str(),
        ) {
            (society::OnSite::Metered, None, "") => {}
            (society::OnSite::Deemed, Some(1..=100), "") => {}
            (society::OnSite::Fixed, None, kwh) if !kwh.is_empty() => {
                WattHours::from_kwh_text(kwh).or_caller()?;
            }
            _ => {
                return wrong(
                    "`deemed_percent` (1 to 100) belongs to `deemed`, `fixed_kwh_a_year` to `fixed`, neither to `metered`",
                );
            }
        }
    }
    Ok(())
}

/// Checks a buyer: never beside FIT export of the same site.
fn check_buyer(document: &SocietyDocument, buyer: &society::Buyer) -> Answer<()> {
    let host = buyer.as_host();
    let terms = terms_of(&host)?;
    let wrong = |why: String| refuse(format!("buyer `{}`: {why}", buyer.id));
    if document.host.iter().any(|other| other.id == buyer.id) {
        return wrong("a host has the same id".to_owned());
    }
    if !document.site.iter().any(|site| site.id == buyer.site) {
        return wrong(format!("site `{}` is not in this file", buyer.site));
    }
    let mut points = document.meter_point.iter();
    if !points.any(|point| point.site == buyer.site && point.counts == Counts::Export) {
        return wrong(format!(
            "site `{}` has no meter point that counts export\nhint: what is sold is metered",
            buyer.site
        ));
    }
    let until = match buyer.to.as_str() {
        "" => None,
        text => Some(date("buyer.to", text)?),
    };
    for installation in document
        .installation
        .iter()
        .filter(|one| one.site == buyer.site)
    {
        let fit = super::tariffs::terms_of(installation)?;
        let changes = fit.export().iter().map(|row| row.from);
        let mut days = changes.chain([terms.from]).filter(|day| {
            *day >= terms.from && until.is_none_or(|until| *day <= until) && *day <= fit.last_day()
        });
        if let Some(day) = days.find(|day| fit.basis_on(*day) != ExportBasis::None) {
            return wrong(format!(
                "installation `{}` is paid FIT export on {day}; export is never sold and paid under the scheme together\nhint: give FIT export up from that day: add {{ from = \"{day}\", basis = \"none\" }} to its export, or begin the contract later",
                installation.id
            ));
        }
    }
    Ok(())
}

/// The contract in the domain's words.
pub(super) fn terms_of(host: &BilledHost) -> Answer<HostTerms> {
    let wrong =
        |key: &str, why: String| Refusal::Caller(format!("host `{}`, {key}: {why}", host.id));
    let rate = |key: &str, text: &str| text.parse::<Rate>().map_err(|e| wrong(key, e.to_string()));
    let percent = |key: &str, text: &str| match Decimal::from_str_exact(text) {
        Ok(percent) if percent.abs() <= Decimal::ONE_HUNDRED => Ok(percent),
        _ => Err(wrong(key, format!("`{text}` is not per cent, at most 100"))),
    };
    let optional = |key: &str, text: &str| match text {
        "" => Ok(None),
        text => percent(key, text).map(Some),
    };
    let r = &host.rate;
    let given = [
        &r.fixed_p_per_kwh,
        &r.base_p_per_kwh,
        &r.percent_below_grid,
        &r.half_hourly,
    ];
    if given.into_iter().filter(|text| !text.is_empty()).count() != 1 {
        return Err(wrong(
            "rate",
            "expected exactly one of `fixed_p_per_kwh`, `base_p_per_kwh` and `percent_below_grid`, or for a buyer `half_hourly`"
                .to_owned(),
        ));
    }
    let indexed =
        !r.indexed_by.is_empty() || !r.cap_percent.is_empty() || !r.floor_percent.is_empty();
    if indexed && r.base_p_per_kwh.is_empty() {
        return Err(wrong(
            "rate",
            "`indexed_by`, `cap_percent` and `floor_percent` belong to `base_p_per_kwh`".to_owned(),
        ));
    }
    let made = if !r.fixed_p_per_kwh.is_empty() {
        HostRate::Fixed(rate("rate.fixed_p_per_kwh", &r.fixed_p_per_kwh)?)
    } else if !r.half_hourly.is_empty() {
        // Its prices are those of the desk's table; a bill never asks this rate.
        HostRate::BelowGrid(Decimal::ZERO)
    } else if r.base_p_per_kwh.is_empty() {
        HostRate::BelowGrid(percent("rate.percent_below_grid", &r.percent_below_grid)?)
    } else {
        HostRate::Indexed {
            base: rate("rate.base_p_per_kwh", &r.base_p_per_kwh)?,
            by: match IndexName::of_word(&r.indexed_by) {
                Some(index) => Indexed::Published(index),
                None => Indexed::Percent(percent("rate.indexed_by", &r.indexed_by)?),
            },
            cap: optional("rate.cap_percent", &r.cap_percent)?,
            floor: optional("rate.floor_percent", &r.floor_percent)?,
        }
    };
    let mut grid: Vec<GridPrice> = Vec::new();
    for row in &host.grid_price {
        let from = date("host.grid_price.from", &row.from)?;
        if grid.last().is_some_and(|before| from <= before.from) {
            return Err(wrong("grid_price", format!("`{from}` is out of order")));
        }
        grid.push(GridPrice {
            from,
            rate: rate("grid_price.p_per_kwh", &row.p_per_kwh)?,
            provenance: Provenance {
                source: row.source.clone(),
                certainty: Certainty::High,
            },
        });
    }
    let vat_percent = percent("vat_percent", &host.vat_percent)?;
    if vat_percent < Decimal::ZERO {
        return Err(wrong("vat_percent", "expected 0 or more".to_owned()));
    }
    Ok(HostTerms {
        from: date("host.from", &host.from)?,
        rate: made,
        grid,
        vat_percent,
    })
}

fn word_of(on_site: society::OnSite) -> &'static str {
    match on_site {
        society::OnSite::Metered => "metered",
        society::OnSite::Deemed => "deemed",
        society::OnSite::Fixed => "fixed",
        society::OnSite::Export => "export",
    }
}
