//! What waits for officers, and who decided what: to-do, deadlines, alerts, outages, decisions.

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Asked, Days, Page, Paged, at, json, most, place};
use crate::web::{Web, society::named, trouble::Trouble};

/// How far back deadlines are listed when nothing is said, days.
const BACK_DAYS: i32 = 366;
/// And how far ahead.
const AHEAD_DAYS: i32 = 120;
/// Longest span of deadlines, days.
const MOST_DAYS: i32 = 10 * 366;

/// Which decisions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Before {
    /// Decisions older than this record: `next` of the page before
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64, nullable = false)]
    after: Option<u64>,
    /// Most items of an answer
    #[param(minimum = 1, maximum = 20_000, default = 1_000, nullable = false)]
    limit: Option<u32>,
}

/// Something to do.
#[derive(Serialize, ToSchema)]
pub struct ToDo {
    /// Since when it waits, or by when it has to be done.
    day: String,
    is_deadline: bool,
    is_late: bool,
    sentence: String,
    /// The officer whose it is; null where nobody is named.
    owner: Option<String>,
}

/// A deadline.
#[derive(Serialize, ToSchema)]
pub struct Task {
    id: String,
    kind: String,
    about: String,
    sentence: String,
    opens: String,
    due: String,
    owner: Option<String>,
    /// `done`, `overdue`, `open` or `to come`.
    state: String,
    /// What shows that it was done.
    evidence: Option<String>,
}

/// An alert.
#[derive(Serialize, ToSchema)]
pub struct Alert {
    number: u32,
    kind: String,
    site: String,
    /// Empty where it is about the roof.
    meter: String,
    #[schema(format = DateTime)]
    since: String,
    text: String,
    /// `open`, `seen, waiting for engineer` or `over`.
    state: String,
    seen_by: Option<String>,
}

/// A planned outage.
#[derive(Serialize, ToSchema)]
pub struct Outage {
    number: u32,
    site: String,
    from: String,
    to: String,
    cause: String,
    asked_by: String,
    /// Why it does not take place; null when it does.
    cancelled: Option<String>,
}

/// A decision.
#[derive(Serialize, ToSchema)]
pub struct Decided {
    /// Its record in the society's journal.
    record: u64,
    #[schema(format = DateTime)]
    at: String,
    by: String,
    kind: String,
    /// Its body, cut where it is long.
    details: String,
}

/// What waits for officers, the oldest first
#[utoipa::path(get, path = "/api/v1/societies/{slug}/to-do", tag = "work", params(Paged),
    responses((status = OK, body = Page<ToDo>)))]
pub async fn to_do(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let all = named(web, &slug)?.to_do(web.state.clock.now())?;
        json(&asked.page(all.into_iter().map(|one| ToDo {
            day: one.day.to_string(),
            is_deadline: one.is_deadline,
            is_late: one.is_late,
            sentence: one.sentence,
            owner: one.who,
        }))?)
    })
    .await
}

/// Deadlines in order of their days
#[utoipa::path(get, path = "/api/v1/societies/{slug}/tasks", tag = "work", params(Days),
    responses((status = OK, body = Page<Task>)))]
pub async fn tasks(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Days>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let today = society.known().zone.day_of(now);
        let (from, to) = asked.days(today.plus(-BACK_DAYS), today.plus(AHEAD_DAYS))?;
        if to.days_since(from) > MOST_DAYS {
            return Err(Trouble::asked(&format!(
                "the span is longer than {MOST_DAYS} days"
            )));
        }
        let all = society.tasks(from, to, now)?;
        json(&asked.page(all.into_iter().map(|task| Task {
            id: task.duty.id(),
            kind: task.duty.kind.word().to_owned(),
            sentence: task.duty.sentence(),
            about: task.duty.about,
            opens: task.duty.opens.to_string(),
            due: task.duty.due.to_string(),
            owner: task.owner,
            state: task.state.to_owned(),
            evidence: task.duty.done.map(|done| done.evidence),
        }))?)
    })
    .await
}

/// Alerts, in the order they were raised
#[utoipa::path(get, path = "/api/v1/societies/{slug}/alerts", tag = "work", params(Paged),
    responses((status = OK, body = Page<Alert>)))]
pub async fn alerts(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let all = named(web, &slug)?.alerts()?;
        json(&asked.page(all.into_iter().map(|alert| Alert {
            state: alert.state().to_owned(),
            number: alert.raised.number,
            kind: alert.raised.kind,
            site: alert.raised.site,
            meter: alert.raised.meter,
            since: at(alert.raised.since_ms),
            text: alert.raised.text,
            seen_by: alert.seen.map(|(_, by, _)| by),
        }))?)
    })
    .await
}

/// Planned outages, in the order they were recorded
#[utoipa::path(get, path = "/api/v1/societies/{slug}/outages", tag = "work", params(Paged),
    responses((status = OK, body = Page<Outage>)))]
pub async fn outages(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let all = named(web, &slug)?.outages()?;
        json(&asked.page(all.into_iter().map(|outage| Outage {
            number: outage.planned.number,
            site: outage.planned.site,
            from: outage.from.to_string(),
            to: outage.to.to_string(),
            cause: outage.planned.cause,
            asked_by: outage.planned.asked_by,
            cancelled: outage.cancelled,
        }))?)
    })
    .await
}

/// Who decided what and when, the newest first
#[utoipa::path(get, path = "/api/v1/societies/{slug}/decisions", tag = "work", params(Before),
    responses((status = OK, body = Page<Decided>)))]
pub async fn decisions(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Before>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let limit = most(asked.limit)?;
        let (lines, more) = named(web, &slug)?.audit(place(asked.after)?, limit)?;
        let oldest = lines.last().map(|line| line.record);
        let items: Vec<Decided> = lines
            .into_iter()
            .map(|line| Decided {
                record: line.record,
                at: line.at.to_string(),
                by: line.by,
                kind: line.kind,
                details: line.details,
            })
            .collect();
        json(&Page {
            items,
            next: oldest.filter(|_| more),
        })
    })
    .await
}
