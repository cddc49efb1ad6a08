//! Energy by half hour, day, month or year, reports, and the reads behind them.
//!
//! What the roofs made is for everybody. What a building takes in or gives out is asked for at an
//! address of its own, for officers.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    calendar::{Instant, Period, Span},
    metering::Obis,
};
use report::generation::{Format, Granularity};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::AdditionalProperties},
};

use super::{Asked, Days, Page, json, most, reader::Reader, refused, sent};
use crate::web::{Web, kept, site::faces, society::named, trouble::Trouble};
use office::{
    Counts, Refusal,
    energy::{By, Place},
    reads::ListedRead,
};

/// Days that are shown when none are named.
const USUAL_DAYS: i32 = 30;
/// Longest span by half hours, days.
const MOST_HALF_HOUR_DAYS: i32 = office::charts::MAX_HALF_HOUR_DAYS;
/// Most held reads of an answer.
const MOST_HELD: usize = 20_000;

/// A span of days and its steps.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EnergyAsked {
    /// First day, local to the society; 30 days ago when absent
    #[param(format = Date, nullable = false)]
    from: Option<String>,
    /// Last day, inside; today when absent
    #[param(format = Date, nullable = false)]
    to: Option<String>,
    /// `period` is a half hour; `day` when absent
    #[param(inline, nullable = false)]
    step: Option<Step>,
    /// Most items of an answer
    #[param(minimum = 1, maximum = 20_000, default = 1_000, nullable = false)]
    limit: Option<u32>,
    /// `next` of the page before
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64, nullable = false)]
    after: Option<u64>,
}

/// As [`EnergyAsked`], of a direction.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FlowAsked {
    /// Out of the building, or into it
    #[param(inline)]
    counts: Flow,
    /// First day, local to the society; 30 days ago when absent
    #[param(format = Date, nullable = false)]
    from: Option<String>,
    /// Last day, inside; today when absent
    #[param(format = Date, nullable = false)]
    to: Option<String>,
    /// `period` is a half hour; `day` when absent
    #[param(inline, nullable = false)]
    step: Option<Step>,
    /// Most items of an answer
    #[param(minimum = 1, maximum = 20_000, default = 1_000, nullable = false)]
    limit: Option<u32>,
    /// `next` of the page before
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64, nullable = false)]
    after: Option<u64>,
}

/// How long each step is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Local half hours.
    Period,
    /// Local days.
    Day,
    /// Calendar months.
    Month,
    /// Calendar years.
    Year,
}

/// A direction.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flow {
    /// Out of the building.
    Export,
    /// Into it.
    Import,
}

/// Energy of a step.
#[derive(Serialize, ToSchema)]
pub struct Energy {
    /// `2013`, `2013-06`, `2013-06-01` or `2013-06-01 SP24`.
    label: String,
    #[schema(format = DateTime)]
    start: String,
    /// First instant after.
    #[schema(format = DateTime)]
    end: String,
    /// Null where nothing is known: a hole is never zero.
    wh: Option<i64>,
    /// `actual`, `manual`, `derived`, `estimated`, `deemed` or `missing`.
    quality: String,
    /// Half hours that are not wholly covered.
    missing_half_hours: u32,
}

/// A read with its verdict.
#[derive(Serialize, ToSchema)]
pub struct Read {
    meter: String,
    register: String,
    #[schema(format = DateTime)]
    at: String,
    /// What the register showed.
    wh: i64,
    #[schema(format = DateTime)]
    received: String,
    quality: String,
    /// What it is worth as evidence: `G` signed by the gateway, `T` by a gateway's connection, …
    evidence: String,
    /// `accepted`, `held` or `refused`.
    verdict: String,
    /// As what it counts, after a decision.
    counts_as_wh: Option<i64>,
    findings: Vec<Finding>,
    decided_by: Option<String>,
    decision_reason: Option<String>,
}

/// What was noticed about a read.
#[derive(Serialize, ToSchema)]
pub struct Finding {
    kind: String,
    why: String,
}

/// A report, with the names of the report's own JSON download.
pub struct Report;

impl ToSchema for Report {}

impl PartialSchema for Report {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
        ObjectBuilder::new()
            .description(Some(
                "Energy in Wh, money in pence, decimals as text; what is not known is null",
            ))
            .property("society", text())
            .required("society")
            .property("sentence", text())
            .required("sentence")
            .property("quality", text())
            .required("quality")
            .property(
                "rows",
                utoipa::openapi::ArrayBuilder::new().items(ObjectBuilder::new()),
            )
            .required("rows")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl From<Step> for By {
    fn from(step: Step) -> By {
        match step {
            Step::Period => By::Period,
            Step::Day => By::Day,
            Step::Month => By::Month,
            Step::Year => By::Year,
        }
    }
}

/// What a society's roofs made
#[utoipa::path(get, path = "/api/v1/societies/{slug}/energy", tag = "energy", params(EnergyAsked),
    responses((status = OK, body = Page<Energy>)))]
pub async fn society_energy(
    State(web): State<Web>,
    reader: Reader,
    Path(slug): Path<String>,
    Asked(asked): Asked<EnergyAsked>,
) -> Result<Response, Trouble> {
    web.ask(move |web| energy(web, &reader, &slug, None, Counts::Generation, &asked))
        .await
}

/// What a roof made
#[utoipa::path(get, path = "/api/v1/societies/{slug}/sites/{site}/energy", tag = "energy", params(EnergyAsked),
    responses((status = OK, body = Page<Energy>)))]
pub async fn site_energy(
    State(web): State<Web>,
    reader: Reader,
    Path((slug, site)): Path<(String, String)>,
    Asked(asked): Asked<EnergyAsked>,
) -> Result<Response, Trouble> {
    web.ask(move |web| energy(web, &reader, &slug, Some(&site), Counts::Generation, &asked))
        .await
}

/// What a roof's building took in or gave out
#[utoipa::path(get, path = "/api/v1/societies/{slug}/sites/{site}/flows", tag = "energy", params(FlowAsked),
    responses((status = OK, body = Page<Energy>)))]
pub async fn flows(
    State(web): State<Web>,
    reader: Reader,
    Path((slug, site)): Path<(String, String)>,
    Asked(asked): Asked<FlowAsked>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let counts = match asked.counts {
            Flow::Export => Counts::Export,
            Flow::Import => Counts::Import,
        };
        let asked = EnergyAsked {
            from: asked.from,
            to: asked.to,
            step: asked.step,
            limit: asked.limit,
            after: asked.after,
        };
        energy(web, &reader, &slug, Some(&site), counts, &asked)
    })
    .await
}

fn energy(
    web: &Web,
    reader: &Reader,
    slug: &str,
    site: Option<&str>,
    counts: Counts,
    asked: &EnergyAsked,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    if let Some(site) = site {
        faces(&society, site)?;
    }
    let by = asked.step.map_or(By::Day, By::from);
    reader.steps(by)?;
    let now = web.state.clock.now();
    let today = society.known().zone.day_of(now);
    let days = Days {
        from: asked.from.clone(),
        to: asked.to.clone(),
        limit: asked.limit,
        after: asked.after,
    };
    let (first, last) = days.days(today.plus(-USUAL_DAYS).min(today), today)?;
    let span = Period::Range { first, last };
    if by == By::Period && span.day_count() > MOST_HALF_HOUR_DAYS {
        return Err(Trouble::asked(&format!(
            "{} days of half hours; expected at most {MOST_HALF_HOUR_DAYS}",
            span.day_count()
        )));
    }
    let place = site.map_or(Place::Society, |site| Place::Site(site.to_owned()));
    let energy = society.energy_seen(&place, counts, span, by, now);
    let rows = energy.map_err(refused)?.into_iter().map(|row| {
        let known = row.energy.covered_ms > 0;
        Energy {
            label: row.label,
            start: row.start.to_string(),
            end: row.end.to_string(),
            wh: known.then_some(row.energy.wh.0),
            quality: row.energy.quality().word().to_owned(),
            missing_half_hours: row.energy.missing,
        }
    });
    json(&days.page(rows)?)
}

/// A society's generation report
#[utoipa::path(get, path = "/api/v1/societies/{slug}/reports/{period}", tag = "energy",
    responses((status = OK, body = Report)))]
pub async fn society_report(
    State(web): State<Web>,
    reader: Reader,
    Path((slug, period)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| report(web, &reader, &slug, None, &period))
        .await
}

/// A roof's generation report
#[utoipa::path(get, path = "/api/v1/societies/{slug}/sites/{site}/reports/{period}", tag = "energy",
    responses((status = OK, body = Report)))]
pub async fn site_report(
    State(web): State<Web>,
    reader: Reader,
    Path((slug, site, period)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| report(web, &reader, &slug, Some(&site), &period))
        .await
}

fn report(
    web: &Web,
    reader: &Reader,
    slug: &str,
    site: Option<&str>,
    text: &str,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    if let Some(site) = site {
        faces(&society, site)?;
    }
    let no_report = |why: &str| Trouble::period(text, why, format!("/s/{slug}"));
    let period: Period = text
        .parse()
        .map_err(|_| no_report("It is not a span of days that we can read."))?;
    let now = web.state.clock.now();
    let made = kept::report(web, &society, site, period, now);
    let made = made.map_err(|refusal| match refusal {
        Refusal::Caller(why) => no_report(&why),
        ours => ours.into(),
    })?;
    reader.steps(match made.period.granularity {
        Granularity::Day => By::Day,
        Granularity::Month => By::Month,
        Granularity::Year => By::Year,
    })?;
    Ok(sent(made.render(Format::Json).map_err(Trouble::ours)?))
}

/// Reads of a meter
#[utoipa::path(get, path = "/api/v1/societies/{slug}/meters/{meter}/reads", tag = "energy", params(Days),
    responses((status = OK, body = Page<Read>)))]
pub async fn reads(
    State(web): State<Web>,
    reader: Reader,
    Path((slug, meter)): Path<(String, String)>,
    Asked(asked): Asked<Days>,
) -> Result<Response, Trouble> {
    reader.steps(By::Period)?;
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        if !known.meters.contains_key(&meter) {
            return Err(Trouble::no_such("meter", &meter));
        }
        let today = known.zone.day_of(web.state.clock.now());
        let (first, last) = asked.days(today.plus(-USUAL_DAYS), today)?;
        let span = known.zone.span_of(Period::Range { first, last });
        let all: Option<Obis> = None;
        let listed = society.list_reads(&meter, all, span, false)?;
        json(&asked.page(listed.iter().map(read))?)
    })
    .await
}

/// Reads that wait for a person, of all meters
#[utoipa::path(get, path = "/api/v1/societies/{slug}/held", tag = "energy", params(super::Paged),
    responses((status = OK, body = Page<Read>)))]
pub async fn held(
    State(web): State<Web>,
    reader: Reader,
    Path(slug): Path<String>,
    Asked(asked): Asked<super::Paged>,
) -> Result<Response, Trouble> {
    reader.steps(By::Period)?;
    web.ask(move |web| {
        most(asked.limit)?;
        let society = named(web, &slug)?;
        let ever = Span::new(Instant(i64::MIN / 2), Instant(i64::MAX / 2));
        let (listed, _) = society.held_reads(ever, MOST_HELD)?;
        json(&asked.page(listed.iter().map(read))?)
    })
    .await
}

fn read(listed: &ListedRead) -> Read {
    let row = &listed.judged;
    let said = listed.decided.as_ref();
    Read {
        meter: listed.meter.clone(),
        register: listed.register.to_string(),
        at: row.read.at.to_string(),
        wh: row.read.wh.0,
        received: row.read.received.to_string(),
        quality: row.quality.word().to_owned(),
        evidence: row.read.source.evidence().letter().to_string(),
        verdict: row.verdict.word().to_owned(),
        counts_as_wh: row.counts_as.map(|wh| wh.0),
        findings: row
            .findings
            .iter()
            .map(|finding| Finding {
                kind: finding.word().to_owned(),
                why: finding.explain(&listed.meter, &row.read),
            })
            .collect(),
        decided_by: said.map(|word| word.by.clone()),
        decision_reason: said.map(|word| word.reason.clone()),
    }
}
