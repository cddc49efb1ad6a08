//! Every figure as one JSON document, for scripts.
//!
//! The names are those of the contract and stay. Energy is integer Wh, money integer pence,
//! decimals are text, days are `YYYY-MM-DD` with the last day inside, instants RFC 3339 UTC. What
//! is not known is null.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Serialize;

use super::{GenerationReport, Granularity, Income, Progress, ReportError};
use crate::{factors, words};

#[derive(Serialize)]
struct Document<'a> {
    society: &'a str,
    site: Option<&'a str>,
    roofs: u32,
    kwp: String,
    period: Period,
    sentence: String,
    generated_wh: Option<i64>,
    forecast_wh: Option<i64>,
    difference_wh: Option<i64>,
    difference_percent: Option<String>,
    specific_yield_kwh_per_kwp: Option<Figure>,
    homes: Option<Figure>,
    kettles: Option<Figure>,
    co2_kg: Option<Figure>,
    export_pence: Option<i64>,
    quality: &'static str,
    complete: bool,
    days_complete: u32,
    days: u32,
    missing_half_hours: u32,
    held_reads: u32,
    missing_periods: Vec<Missing<'a>>,
    rows: Vec<Row<'a>>,
    factors: BTreeMap<String, Factor<'a>>,
    forecast: Option<Forecast<'a>>,
    sample: Sample<'a>,
    stand_ins: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    income: Option<Earned<'a>>,
    drawn_up: String,
}

#[derive(Serialize)]
struct Earned<'a> {
    earned_pence: i64,
    not_frozen_pence: i64,
    months: Vec<EarnedRow>,
    losses: Vec<Lost<'a>>,
    weather_wh: Option<i64>,
    notes: &'a [String],
    sample: bool,
}

#[derive(Serialize)]
struct EarnedRow {
    month: String,
    claimed_pence: i64,
    unclaimed_pence: i64,
    billed_pence: i64,
    unbilled_pence: i64,
    costs_pence: i64,
    lost_wh: Option<i64>,
    lost_pence: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    performance_ratio_permille: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usual_ratio_permille: Option<i64>,
}

#[derive(Serialize)]
struct Lost<'a> {
    cause: &'a str,
    days: u32,
    wh: i64,
    pence: Option<i64>,
}

/// A whole figure is a number, one with decimals is text, so that no digit is lost.
#[derive(Serialize)]
#[serde(untagged)]
enum Figure {
    Whole(i64),
    Decimal(String),
}

#[derive(Serialize)]
struct Period {
    start: String,
    end: String,
    by: &'static str,
}

#[derive(Serialize)]
struct Row<'a> {
    label: String,
    start: String,
    end: String,
    generated_wh: Option<i64>,
    forecast_wh: Option<i64>,
    difference_wh: Option<i64>,
    difference_percent: Option<String>,
    quality: &'static str,
    progress: &'static str,
    days_complete: u32,
    days: u32,
    missing_half_hours: u32,
    held_reads: u32,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Missing<'a> {
    place: &'a str,
    from: String,
    to: String,
    half_hours: u32,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Factor<'a> {
    value: String,
    unit: &'a str,
    year: i32,
    from: String,
    to: Option<String>,
    source: &'a str,
    certainty: &'static str,
}

#[derive(Serialize)]
struct Forecast<'a> {
    version: &'a str,
    made_on: String,
    source: &'a str,
}

#[derive(Serialize)]
struct Sample<'a> {
    generation: bool,
    forecast: bool,
    rows: bool,
    notes: &'a [String],
}

fn earned(income: &Income) -> Earned<'_> {
    let months = income.rows.iter().map(|row| EarnedRow {
        month: row.month.to_string(),
        claimed_pence: row.claimed.0,
        unclaimed_pence: row.unclaimed.0,
        billed_pence: row.billed.0,
        unbilled_pence: row.unbilled.0,
        costs_pence: row.costs.0,
        lost_wh: row.lost.map(|wh| wh.0),
        lost_pence: row.lost_pence.0,
        performance_ratio_permille: row.ratio_permille.map(|(now, _)| now),
        usual_ratio_permille: row.ratio_permille.and_then(|(_, usual)| usual),
    });
    let losses = income.losses.iter().map(|loss| Lost {
        cause: loss.cause,
        days: loss.days,
        wh: loss.wh.0,
        pence: loss.pence.map(|pence| pence.0),
    });
    Earned {
        earned_pence: income.earned().0,
        not_frozen_pence: income.not_frozen().0,
        months: months.collect(),
        losses: losses.collect(),
        weather_wh: income.weather.map(|wh| wh.0),
        notes: &income.notes,
        sample: income.sample,
    }
}

impl GenerationReport {
    /// One JSON document with a line end.
    ///
    /// # Errors
    /// When the serialiser refuses.
    pub fn json(&self) -> Result<String, ReportError> {
        let mut text =
            serde_json::to_string_pretty(&self.document()).map_err(|cause| ReportError::Write {
                subject: self.subject().to_owned(),
                format: "JSON",
                cause: cause.to_string(),
            })?;
        text.push('\n');
        Ok(text)
    }

    fn document(&self) -> Document<'_> {
        let totals = &self.totals;
        Document {
            society: &self.society,
            site: self.place.as_deref(),
            roofs: self.roofs,
            kwp: self.peak.kw_text(),
            period: Period {
                start: self.period.start.to_string(),
                end: self.period.end.to_string(),
                by: match self.period.granularity {
                    Granularity::Day => "day",
                    Granularity::Month => "month",
                    Granularity::Year => "year",
                },
            },
            sentence: self.sentence(),
            generated_wh: totals.generated.map(|energy| energy.0),
            forecast_wh: totals.forecast.map(|energy| energy.0),
            difference_wh: totals.difference.map(|energy| energy.0),
            difference_percent: totals.difference_percent.map(one_decimal),
            specific_yield_kwh_per_kwp: totals.specific_yield.map(figure),
            homes: totals.homes.map(figure),
            kettles: totals.kettles.map(figure),
            co2_kg: totals.co2_kg.map(figure),
            export_pence: totals.export_pence,
            quality: totals
                .generated
                .map_or("missing", |_| totals.quality.word()),
            complete: totals.days.whole() && !self.running(),
            days_complete: totals.days.complete,
            days: totals.days.of,
            missing_half_hours: totals.missing_half_hours,
            held_reads: totals.held,
            missing_periods: self.missing.iter().map(missing).collect(),
            rows: self.json_rows(),
            factors: self.json_factors(),
            forecast: self.forecast.as_ref().map(|forecast| Forecast {
                version: &forecast.version,
                made_on: forecast.made_on.to_string(),
                source: &forecast.source,
            }),
            sample: Sample {
                generation: self.samples.generation,
                forecast: self.samples.forecast,
                rows: self.samples.rows,
                notes: &self.samples.notes,
            },
            stand_ins: &self.stand_ins,
            income: self.income.as_ref().map(earned),
            drawn_up: self.drawn_up.to_string(),
        }
    }

    fn json_rows(&self) -> Vec<Row<'_>> {
        let rows = self.rows.iter();
        let rows = rows.map(|row| Row {
            label: words::row_label(&self.period, row.start),
            start: row.start.to_string(),
            end: row.end.to_string(),
            generated_wh: row.generated.map(|energy| energy.0),
            forecast_wh: row.forecast.map(|energy| energy.0),
            difference_wh: row.difference.map(|energy| energy.0),
            difference_percent: row.difference_percent.map(one_decimal),
            quality: row.generated.map_or("missing", |_| row.quality.word()),
            progress: match row.progress {
                Progress::Over => "over",
                Progress::Running => "running",
                Progress::ToCome => "to come",
            },
            days_complete: row.days.complete,
            days: row.days.of,
            missing_half_hours: row.missing_half_hours,
            held_reads: row.held,
            notes: &row.notes,
        });
        rows.collect()
    }

    /// By name; when a period spans several years of one table, by name and year.
    fn json_factors(&self) -> BTreeMap<String, Factor<'_>> {
        let mut factors = BTreeMap::new();
        for factor in &self.factors {
            let mut key = factor.name.clone();
            if factors.contains_key(&key) {
                key = format!("{key}-{}", factor.year);
            }
            let value = Factor {
                value: factor.value.to_string(),
                unit: &factor.unit,
                year: factor.year,
                from: factor.from.to_string(),
                to: (factor.to != factors::OPEN_END).then(|| factor.to.to_string()),
                source: &factor.source,
                certainty: factor.certainty.word(),
            };
            factors.insert(key, value);
        }
        factors
    }
}

fn missing(hole: &super::Missing) -> Missing<'_> {
    Missing {
        place: &hole.place,
        from: hole.from.to_string(),
        to: hole.to.to_string(),
        half_hours: hole.half_hours,
        reason: hole.reason.as_deref(),
    }
}

fn figure(value: Decimal) -> Figure {
    match value.normalize() {
        whole if whole.is_integer() => whole
            .to_i64()
            .map_or_else(|| Figure::Decimal(whole.to_string()), Figure::Whole),
        _ => Figure::Decimal(value.to_string()),
    }
}

fn one_decimal(percent: Decimal) -> String {
    format!("{percent:.1}")
}
