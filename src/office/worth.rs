//! What energy is worth on a day: by the Feed-in Tariff, as export, and to the hosts of the roof.
//!
//! One rounding a line, half away from zero. Generation is paid at the rate of the day; deemed export
//! for half of it; metered export and metered use on site for the share of the roof's generation that
//! was exported over the twelve months before, where both registers are known. What a contract fixes
//! by the year is not less because less was made. What cannot be valued is named, never nothing.

use domain::{
    calendar::{Instant, LocalDay, Period},
    metering::energy::Energy,
    money::Pence,
    quantity::WattHours,
    tariff::fit::{ExportBasis, Tables},
};
use records::society::{Counts, Host, Installation, OnSite};

use super::{
    answer::Answer,
    bills, energy,
    known::Known,
    society::SocietyOffice,
    tariffs::{rate_on, terms_of},
};

/// Days over which the exported share is taken.
const SHARE_DAYS: i32 = 365;

/// How much of a roof's generation was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exported {
    /// Of this generation …
    generated: i64,
    /// … so much was exported.
    exported: i64,
}

impl Exported {
    fn of(self, wh: WattHours) -> WattHours {
        let part = i128::from(wh.0) * i128::from(self.exported) / i128::from(self.generated);
        WattHours(i64::try_from(part).unwrap_or(i64::MAX))
    }
}

impl SocietyOffice {
    /// The exported share of a roof's generation over the year that ends with a day; none where one
    /// of the two is not known on any day.
    pub(super) fn exported(
        &self,
        known: &Known,
        site: &str,
        last: LocalDay,
        now: Instant,
        fresh: bool,
    ) -> Answer<Option<Exported>> {
        let days = Period::Range {
            first: last.plus(-SHARE_DAYS + 1),
            last,
        };
        let points = |counts| -> Vec<String> {
            known
                .points_of_site(site, counts)
                .map(str::to_owned)
                .collect()
        };
        let (generation, export) = (points(Counts::Generation), points(Counts::Export));
        if generation.is_empty() || export.is_empty() {
            return Ok(None);
        }
        let all: Vec<String> = generation.iter().chain(&export).cloned().collect();
        let (made, sent) = self.seen(fresh, &known.series_of_points(&all), |reader| {
            Ok((
                energy::days_of(reader, known, &generation, days, now)?,
                energy::days_of(reader, known, &export, days, now)?,
            ))
        })?;
        let whole = |energy: &&Energy| energy.half_hours > 0 && energy.is_complete();
        let (mut generated, mut exported) = (0, 0);
        for (day, made) in &made {
            if let (true, Some(sent)) = (whole(&made), sent.get(day).filter(whole)) {
                generated += made.wh.0;
                exported += sent.wh.0;
            }
        }
        Ok((generated > 0).then_some(Exported {
            generated,
            exported: exported.min(generated),
        }))
    }
}

/// What energy is worth: what can be said, and the reason where a part cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Worth {
    /// As far as it can be valued.
    pub(super) pence: Pence,
    /// Why a part is not in it.
    pub(super) lacks: Option<String>,
}

impl Worth {
    fn of(pence: Pence) -> Worth {
        Worth { pence, lacks: None }
    }
}

/// What a Feed-in Tariff pays for energy generated on a day; the reason where it cannot be said.
pub(super) fn by_tariff(
    tables: &Tables,
    installation: &Installation,
    day: LocalDay,
    wh: WattHours,
    exported: Option<Exported>,
) -> Result<Worth, String> {
    let terms = terms_of(installation).map_err(|e| e.to_string())?;
    if day < terms.eligible() || terms.last_day() < day {
        return Ok(Worth::default());
    }
    let rate = rate_on(tables, installation, day)
        .map_err(|e| e.to_string())?
        .rate;
    let priced = |rate: domain::tariff::Rate, wh| {
        rate.price(wh)
            .ok_or_else(|| "the amount is too large".to_owned())
    };
    let generation = priced(rate.generation, wh)?;
    let export = match (rate.basis, rate.export, exported) {
        (ExportBasis::None, _, _) | (_, None, _) => Pence::ZERO,
        (ExportBasis::Deemed, Some(rate), _) => priced(rate, WattHours(wh.0 / 2))?,
        (ExportBasis::Metered, Some(rate), Some(exported)) => priced(rate, exported.of(wh))?,
        (ExportBasis::Metered, Some(_), None) => {
            return Ok(Worth {
                pence: generation,
                lacks: Some(format!(
                    "the share that {} exports is not known: its export is not valued and stands in no sum",
                    installation.id
                )),
            });
        }
    };
    Ok(Worth::of(Pence(generation.0 + export.0)))
}

/// What a host pays, before VAT, for energy generated on a day; the reason where it cannot be said.
pub(super) fn by_host(
    tables: &Tables,
    host: &Host,
    day: LocalDay,
    wh: WattHours,
    exported: Option<Exported>,
) -> Result<Worth, String> {
    let terms = bills::terms_of(host).map_err(|e| e.to_string())?;
    if day < terms.from {
        return Ok(Worth::default());
    }
    let used = match host.on_site {
        OnSite::Fixed => return Ok(Worth::default()),
        // Export that is sold: the share that leaves the site.
        OnSite::Export => match exported {
            Some(exported) => exported.of(wh),
            None => {
                return Ok(Worth {
                    pence: Pence::ZERO,
                    lacks: Some(format!(
                        "the share that is exported is not known: what {} pays for it is not valued and stands in no sum",
                        host.name
                    )),
                });
            }
        },
        OnSite::Deemed => WattHours(wh.0 * i64::from(host.deemed_percent.unwrap_or(0)) / 100),
        OnSite::Metered => match exported {
            Some(exported) => WattHours(wh.0 - exported.of(wh).0),
            None => {
                return Ok(Worth {
                    pence: Pence::ZERO,
                    lacks: Some(format!(
                        "the share that is used on site is not known: the use of {} is not valued and stands in no sum",
                        host.name
                    )),
                });
            }
        },
    };
    let prices = terms
        .prices(tables.uplifts(), day, day)
        .map_err(|e| e.to_string())?;
    match prices.first() {
        Some(price) => price
            .rate
            .price(used)
            .map(Worth::of)
            .ok_or_else(|| "the amount is too large".to_owned()),
        None => Ok(Worth::default()),
    }
}
