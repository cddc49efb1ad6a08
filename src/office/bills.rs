//! Bills to hosts for power used on site: previewed, frozen as a decision that carries its lines.
//!
//! The rules of claims hold: preview and freeze are one computation, a frozen bill is never reckoned
//! again, freezing it twice appends nothing, and days that were billed are not billed again.

use std::sync::Arc;

use domain::{
    calendar::{Instant, Period},
    income::{Bill, BillOf, Chain, OnSite, bill},
    projection::Certainty,
    quantity::WattHours,
    tariff::{
        IndexName, Provenance, Rate,
        host::{GridPrice, HostRate, HostTerms, Indexed},
    },
};
use records::{
    decision::What,
    income::{self, BillFrozen, Finding},
    society::{self, Counts, SocietyDocument},
};
use rust_decimal::Decimal;

use super::{
    Office,
    answer::{Answer, OrCaller, Refusal, refuse},
    claims::{freezing, frozen_read, within_reach},
    known::date,
    society::{BILL_FROZEN, SocietyOffice},
    tariffs::{find, tables},
};

pub use records::society::Host as BilledHost;

/// A bill as it would be, or was, frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeBill {
    /// Its record.
    pub bill: BillFrozen,
    /// True when it is frozen.
    pub frozen: bool,
}

impl Office {
    /// The host of that id and its society.
    ///
    /// # Errors
    /// When no society, or more than one, has it.
    pub fn host(
        &self,
        id: &str,
        society: Option<&str>,
    ) -> Answer<(Arc<SocietyOffice>, BilledHost)> {
        find(self, society, "host", id, |known| {
            let all = known.document.host.iter();
            all.map(|one| (one.id.clone(), one.clone())).collect()
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
        let same = frozen
            .iter()
            .find(|bill| bill.host == host.id && (&bill.from, &bill.to) == (&asked.0, &asked.1));
        if let Some(same) = same {
            return Ok(MadeBill {
                bill: same.clone(),
                frozen: true,
            });
        }
        within_reach(days)?;
        let made = self.make_bill(host, days, &frozen)?;
        let number = u32::try_from(frozen.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        Ok(MadeBill {
            bill: self.bill_record(host, days, number, &made, now),
            frozen: false,
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
            other.host == host.id
                && other.from <= to
                && from <= other.to
                && (&other.from, &other.to) != (&from, &to)
        });
        if let Some(other) = billed {
            return refuse(format!(
                "bill {} from `{}` to `{}` is frozen and overlaps; expected days that were not billed",
                other.number, other.from, other.to
            ));
        }
        let made = self.preview_bill(host, days, now)?;
        if made.frozen {
            return Ok(made);
        }
        if days.last_day() >= self.known().zone.day_of(now) {
            return refuse(format!(
                "`{}` is not over yet; expected days that are",
                days.last_day()
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
            frozen: true,
            ..made
        })
    }

    /// The frozen bills, in order of their numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn frozen_bills(&self) -> Answer<Vec<BillFrozen>> {
        self.decided(BILL_FROZEN, |what| match what {
            What::BillFrozen(bill) => Some(*bill),
            _ => None,
        })
    }

    fn make_bill(&self, host: &BilledHost, days: Period, frozen: &[BillFrozen]) -> Answer<Bill> {
        let known = self.known();
        let terms = terms_of(host)?;
        let near = known.zone.day_span(days.first_day().previous()).start;
        let until = known.zone.day_span(days.first_day()).end;
        let continues_at = frozen
            .iter()
            .filter(|bill| bill.host == host.id)
            .filter_map(|bill| bill.closes_at_ms.map(Instant))
            .filter(|closed| near <= *closed && *closed <= until)
            .max();
        let of_site = |counts: Counts| -> Answer<Vec<Chain>> {
            let points = known.points_of_site(&host.site, counts);
            let points: Vec<String> = points.map(str::to_owned).collect();
            let chains = self.chains(&points, days)?;
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
        let make = |on_site: OnSite<'_>| {
            bill(&BillOf {
                days,
                zone: &known.zone,
                terms: &terms,
                published: tables()?.uplifts(),
                on_site,
                continues_at,
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
        }
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
                .collect(),
            reads: made.evidence.iter().map(frozen_read).collect(),
            sample: host.sample || self.known().document.society.sample,
        }
    }
}

/// Checks every host of a document.
pub(super) fn check(document: &SocietyDocument) -> Answer<()> {
    for host in &document.host {
        terms_of(host)?;
        let wrong = |why: &str| refuse(format!("host `{}`: {why}", host.id));
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

/// The contract in the domain's words.
fn terms_of(host: &BilledHost) -> Answer<HostTerms> {
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
    let given = [&r.fixed_p_per_kwh, &r.base_p_per_kwh, &r.percent_below_grid];
    if given.into_iter().filter(|text| !text.is_empty()).count() != 1 {
        return Err(wrong(
            "rate",
            "expected exactly one of `fixed_p_per_kwh`, `base_p_per_kwh` and `percent_below_grid`"
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
    }
}
