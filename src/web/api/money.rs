//! Claims, bills, dated tables, costs, payments in, interest runs. No member is named here.

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, Page, Paged, json};
use crate::web::{Web, society::named, trouble::Trouble};
use office::{interest::Standing, tables::Table};

/// A frozen claim.
#[derive(Serialize, ToSchema)]
pub struct Claim {
    installation: String,
    number: u32,
    /// First day.
    from: String,
    /// Last day, inside.
    to: String,
    lines: Vec<Line>,
    total_pence: i64,
    /// What was noticed when it was made.
    findings: Vec<String>,
    frozen_by: Option<String>,
    #[schema(format = DateTime)]
    frozen_at: Option<String>,
    sample: bool,
}

/// A line of a claim or bill.
#[derive(Serialize, ToSchema)]
pub struct Line {
    from: String,
    to: String,
    /// `generation`, `export` or, on a bill, `power`.
    kind: String,
    wh: i64,
    rate_p_per_kwh: String,
    pence: i64,
}

/// A frozen bill of a host.
#[derive(Serialize, ToSchema)]
pub struct Bill {
    host: String,
    number: u32,
    from: String,
    to: String,
    due: String,
    lines: Vec<Line>,
    net_pence: i64,
    vat_percent: String,
    vat_pence: i64,
    gross_pence: i64,
    /// What the host saved against the grid; null where no grid price is known.
    saving_pence: Option<i64>,
    findings: Vec<String>,
    /// Why it was taken back; null while it stands.
    credited: Option<String>,
    frozen_by: Option<String>,
    #[schema(format = DateTime)]
    frozen_at: Option<String>,
    sample: bool,
}

/// A row of a dated table in force.
#[derive(Serialize, ToSchema)]
pub struct TableRow {
    table: String,
    /// What the row is about.
    of: String,
    value: String,
    source: String,
    /// How certain the source is; `sample` where it was not found in print.
    certainty: String,
    /// `upgrade` or the proposal it came with.
    from: String,
}

/// Rows that one officer proposed and another decides.
#[derive(Serialize, ToSchema)]
pub struct Proposal {
    number: u32,
    table: String,
    rows: u32,
    source: String,
    certainty: String,
    proposed_by: String,
    #[schema(format = DateTime)]
    proposed_at: String,
    /// `waits`, `approved` or `refused`.
    state: String,
    decided_by: Option<String>,
}

/// A cost.
#[derive(Serialize, ToSchema)]
pub struct Cost {
    number: u32,
    /// Empty for the whole society.
    site: String,
    on: String,
    pence: i64,
    kind: String,
    what: String,
    entered_by: String,
    /// Why it counts no more; null while it does.
    reversed: Option<String>,
}

/// A row of an imported statement or bank file.
#[derive(Serialize, ToSchema)]
pub struct Payment {
    row: String,
    on: String,
    pence: i64,
    /// Whether anybody or anything said what it pays.
    matched: bool,
}

/// An interest run, without its members.
#[derive(Serialize, ToSchema)]
pub struct Run {
    number: u32,
    from: String,
    to: String,
    /// `prepared`, `approved`, `frozen` or `voided`.
    state: String,
    prepared_by: String,
    /// What another officer approves.
    hash: String,
    /// Lines: a member's holding of a class.
    lines: u32,
    total_pence: i64,
    classes: Vec<RunClass>,
    /// The run it takes the place of.
    replaces: Option<u32>,
    sample: bool,
}

/// A share class in a run.
#[derive(Serialize, ToSchema)]
pub struct RunClass {
    class: String,
    /// Per cent a year; empty where a pot is shared out.
    rate: String,
    maximum: String,
}

/// Frozen claims, in the order they were made
#[utoipa::path(get, path = "/api/v1/societies/{slug}/claims", tag = "money", params(Paged),
    responses((status = OK, body = Page<Claim>)))]
pub async fn claims(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let made = named(web, &slug)?.frozen_claims()?;
        json(&asked.page(made.into_iter().map(|made| {
            let (by, at) = made.frozen.unzip();
            let claim = made.claim;
            Claim {
                installation: claim.installation,
                number: claim.number,
                from: claim.from,
                to: claim.to,
                lines: claim
                    .lines
                    .into_iter()
                    .map(|line| Line {
                        from: line.from,
                        to: line.to,
                        kind: line.kind,
                        wh: line.wh,
                        rate_p_per_kwh: line.rate_p_per_kwh,
                        pence: line.pence,
                    })
                    .collect(),
                total_pence: claim.total_pence,
                findings: claim.findings.into_iter().map(|one| one.text).collect(),
                frozen_by: by,
                frozen_at: at.map(|at| at.to_string()),
                sample: claim.sample,
            }
        }))?)
    })
    .await
}

/// Frozen bills, in the order they were made
#[utoipa::path(get, path = "/api/v1/societies/{slug}/bills", tag = "money", params(Paged),
    responses((status = OK, body = Page<Bill>)))]
pub async fn bills(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let made = named(web, &slug)?.frozen_bills()?;
        json(&asked.page(made.into_iter().map(|made| {
            let (by, at) = made.frozen.unzip();
            let bill = made.bill;
            Bill {
                host: bill.host,
                number: bill.number,
                from: bill.from,
                to: bill.to,
                due: bill.due,
                lines: bill
                    .lines
                    .into_iter()
                    .map(|line| Line {
                        from: line.from,
                        to: line.to,
                        kind: "power".to_owned(),
                        wh: line.wh,
                        rate_p_per_kwh: line.rate_p_per_kwh,
                        pence: line.pence,
                    })
                    .collect(),
                net_pence: bill.net_pence,
                vat_percent: bill.vat_percent,
                vat_pence: bill.vat_pence,
                gross_pence: bill.gross_pence,
                saving_pence: bill.saving_pence,
                findings: bill.findings.into_iter().map(|one| one.text).collect(),
                credited: made.credited.map(|credit| credit.reason),
                frozen_by: by,
                frozen_at: at.map(|at| at.to_string()),
                sample: bill.sample,
            }
        }))?)
    })
    .await
}

/// Rows of every dated table in force
#[utoipa::path(get, path = "/api/v1/societies/{slug}/tables", tag = "money", params(Paged),
    responses((status = OK, body = Page<TableRow>)))]
pub async fn tables(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let mut all = Vec::new();
        for table in Table::ALL {
            let rows = society.table_rows(table)?.into_iter();
            all.extend(rows.map(|row| TableRow {
                table: table.word().to_owned(),
                of: row.of,
                value: row.value,
                source: row.source,
                certainty: row.certainty,
                from: row.from,
            }));
        }
        json(&asked.page(all)?)
    })
    .await
}

/// Proposed rows of dated tables, in the order they were proposed
#[utoipa::path(get, path = "/api/v1/societies/{slug}/proposals", tag = "money", params(Paged),
    responses((status = OK, body = Page<Proposal>)))]
pub async fn proposals(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let all = named(web, &slug)?.proposals()?;
        json(&asked.page(all.into_iter().map(|one| {
            let (by, at) = one.by;
            Proposal {
                number: one.extended.number,
                table: one.extended.table,
                rows: u32::try_from(one.extended.rows.len()).unwrap_or(u32::MAX),
                source: one.extended.source,
                certainty: one.extended.certainty,
                proposed_by: by,
                proposed_at: at.to_string(),
                state: match &one.decided {
                    None => "waits",
                    Some((decided, ..)) if decided.approved => "approved",
                    Some(_) => "refused",
                }
                .to_owned(),
                decided_by: one.decided.map(|(_, by, _)| by),
            }
        }))?)
    })
    .await
}

/// Costs, in the order they were entered
#[utoipa::path(get, path = "/api/v1/societies/{slug}/costs", tag = "money", params(Paged),
    responses((status = OK, body = Page<Cost>)))]
pub async fn costs(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let all = named(web, &slug)?.costs()?;
        json(&asked.page(all.into_iter().map(|cost| Cost {
            number: cost.entered.number,
            site: cost.entered.site,
            on: cost.on.to_string(),
            pence: cost.entered.pence,
            kind: cost.entered.kind,
            what: cost.entered.what,
            entered_by: cost.by.0,
            reversed: cost.reversed,
        }))?)
    })
    .await
}

/// Payments in, in the order they were imported
#[utoipa::path(get, path = "/api/v1/societies/{slug}/payments", tag = "money", params(Paged),
    responses((status = OK, body = Page<Payment>)))]
pub async fn payments(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let all = named(web, &slug)?.payments()?;
        json(&asked.page(all.into_iter().map(|row| Payment {
            row: row.row,
            on: row.on,
            pence: row.pence,
            matched: row.pays.is_some(),
        }))?)
    })
    .await
}

/// Interest runs, in the order they were prepared
#[utoipa::path(get, path = "/api/v1/societies/{slug}/interest-runs", tag = "money", params(Paged),
    responses((status = OK, body = Page<Run>)))]
pub async fn runs(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let all = named(web, &slug)?.interest_runs()?;
        json(&asked.page(all.into_iter().map(|run| {
            let note = run.note;
            Run {
                number: note.number,
                from: note.from,
                to: note.to,
                state: match run.standing {
                    Standing::Prepared => "prepared",
                    Standing::Approved { .. } => "approved",
                    Standing::Frozen => "frozen",
                    Standing::Voided { .. } => "voided",
                }
                .to_owned(),
                prepared_by: run.prepared_by,
                hash: run.hash,
                lines: u32::try_from(note.lines.len()).unwrap_or(u32::MAX),
                total_pence: note.total_pence,
                classes: note
                    .classes
                    .into_iter()
                    .map(|class| RunClass {
                        class: class.class,
                        rate: class.rate,
                        maximum: class.maximum,
                    })
                    .collect(),
                replaces: note.replaces,
                sample: note.sample,
            }
        }))?)
    })
    .await
}
