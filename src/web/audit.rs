//! `/desk/{slug}/audit`: who decided what and when, as the journal has it.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use report::words;
use serde::Deserialize;

use super::{
    Web, frame,
    me::moment,
    society::named,
    trouble::Trouble,
    view::{AuditLine, AuditPage},
    visitor::Visitor,
};

/// Decisions on a page.
const ON_A_PAGE: usize = 100;

/// From where on.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    before: Option<u64>,
}

/// The page.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(from): Query<From>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let (decided, more) = society.audit(from.before, ON_A_PAGE)?;
        let here = format!("/desk/{slug}/audit");
        let oldest = decided.last().map(|line| line.record);
        let name = &known.document.society.name;
        frame::page(&AuditPage {
            frame: frame::of_visitor(web, &visitor, "Who decided what", &here),
            society: frame::link(name, &format!("/desk/{slug}")),
            sentence: match (from.before, decided.first()) {
                (_, None) => format!("Nothing older was decided in {name}."),
                (None, Some(last)) => format!(
                    "{} last decided something in {name} on {}.",
                    last.by,
                    moment(&known.zone, last.at)
                ),
                (Some(before), Some(_)) => {
                    format!(
                        "What was decided in {name} before record {}.",
                        words::whole(i64::try_from(before).unwrap_or(i64::MAX))
                    )
                }
            },
            lines: decided
                .into_iter()
                .map(|line| AuditLine {
                    record: line.record.to_string(),
                    at: moment(&known.zone, line.at),
                    by: line.by,
                    what: in_words(&line.kind),
                    details: line.details,
                })
                .collect(),
            older: oldest
                .filter(|_| more)
                .map(|oldest| frame::link("Older decisions", &format!("{here}?before={oldest}"))),
        })
    })
    .await
}

/// A kind of decision as a few words.
fn in_words(kind: &str) -> String {
    let known = match kind {
        "society-applied" => "the society’s file was applied",
        "meter-event" => "a meter was exchanged, reset or started again",
        "read-decision" => "a held read was decided",
        "read-agreed" => "the readings of a dial were agreed",
        "read-confirmed" => "a reading of a dial was confirmed",
        "manual-read" => "a dial was read",
        "history-months" => "monthly totals of earlier years were taken in",
        "stake-noted" => "something of a council’s stake was noted",
        "outcome-noted" => "something of an outcome was noted",
        "fund-noted" => "something of the community fund was noted",
        "project-noted" => "something of a project was noted",
        "closing-noted" => "something of a roof that closes was noted",
        "pack-noted" => "a paper about a council’s stake was signed or given",
        "claim-frozen" => "a claim was frozen",
        "bill-frozen" => "a bill was frozen",
        "bill-credited" => "a bill was taken back",
        "entry-posted" => "an entry was posted",
        "books-closed" => "days of the books were closed",
        "run-lines" => "some lines of an interest run, closed by the record after them",
        "order-lines" => "some lines of a payment order, closed by the record after them",
        "order-prepared" => "a payment order was prepared",
        "order-approved" => "a payment order was approved",
        "order-released" => "a payment order was released",
        "order-cancelled" => "a payment order was taken back",
        "order-reported" => "the bank’s report of an order was taken in",
        "run-prepared" => "an interest run was prepared",
        "run-approved" => "an interest run was approved",
        "run-frozen" => "an interest run was frozen",
        "run-voided" => "an interest run was taken back",
        "table-extended" => "rows of a table were proposed",
        "table-decided" => "rows of a table were decided",
        "member-entered" => "a member was entered",
        "letter-acted" => "an officer acted for a member on a letter or a call",
        "member-changed" => "a member was changed",
        "member-bank" => "a member’s bank details were changed",
        "alert-raised" => "an alert was raised",
        "alert-cleared" => "an alert was over",
        "alert-seen" => "an alert was seen",
        "alert-told" => "somebody was told of an alert",
        "bank-imported" => "payments were taken in",
        "irradiance-imported" => "irradiance of a roof was taken in",
        "irradiance-withdrawn" => "irradiance of a roof was withdrawn",
        "outage-planned" => "an outage was planned",
        "outage-changed" => "a planned outage was changed",
        "task-done" => "a task was done",
        "cost-entered" => "a cost was entered",
        "cost-reversed" => "a cost was reversed",
        "bank-matched" => "a payment was matched",
        other => return other.replace('-', " "),
    };
    known.to_owned()
}
