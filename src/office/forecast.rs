//! Forecasts of a society's roofs, from its document to the domain's words.

use domain::{
    calendar::{LocalDay, LocalMonth, Period},
    projection::{Forecast, ForecastVersion},
    quantity::WattHours,
};
use records::society::SocietyDocument;
use rust_decimal::Decimal;

use super::answer::{Answer, Refusal, refuse};

/// Checks every forecast of a document.
pub(super) fn check(document: &SocietyDocument) -> Answer<()> {
    for forecast in &document.forecast {
        if !document.site.iter().any(|site| site.id == forecast.site) {
            return refuse(format!(
                "forecast.site: `{}` is not in this file",
                forecast.site
            ));
        }
    }
    for site in &document.site {
        of_site(document, &site.id)?;
    }
    Ok(())
}

/// The forecast of one roof.
///
/// # Errors
/// When a number or date cannot be read, or a version makes no sense.
pub fn of_site(document: &SocietyDocument, site: &str) -> Answer<Forecast> {
    let mut versions = Vec::new();
    for forecast in document.forecast.iter().filter(|f| f.site == site) {
        let wrong =
            |key: &str, why: String| Refusal::Caller(format!("forecast of `{site}`, {key}: {why}"));
        if forecast.monthly_kwh.len() != 12 {
            return refuse(format!(
                "forecast of `{site}`, monthly_kwh: `{}` values; expected 12, January to December",
                forecast.monthly_kwh.len()
            ));
        }
        let mut months = [WattHours::ZERO; 12];
        for (month, text) in months.iter_mut().zip(&forecast.monthly_kwh) {
            *month =
                WattHours::from_kwh_text(text).map_err(|e| wrong("monthly_kwh", e.to_string()))?;
        }
        versions.push(ForecastVersion {
            published: super::known::date("forecast.published", &forecast.published)?,
            valid_from: LocalMonth::of_year(i32::from(forecast.base_year), 1).ok_or_else(|| {
                wrong(
                    "base_year",
                    format!("`{}` is not a year", forecast.base_year),
                )
            })?,
            base_year: i32::from(forecast.base_year),
            months,
            degradation_percent: Decimal::from_str_exact(&forecast.degradation_percent)
                .map_err(|e| wrong("degradation_percent", e.to_string()))?,
            source: forecast.source.clone(),
            sample: forecast.sample,
        });
    }
    Forecast::new(versions).map_err(|e| Refusal::Caller(format!("forecast of `{site}`: {e}")))
}

/// What several roofs were expected to make together: none when one of them has no forecast.
#[must_use]
pub fn together(forecasts: &[Forecast], period: Period, as_of: LocalDay) -> Option<WattHours> {
    if forecasts.is_empty() {
        return None;
    }
    forecasts.iter().try_fold(WattHours::ZERO, |sum, forecast| {
        sum.checked_add(forecast.energy(period, as_of)?)
    })
}
