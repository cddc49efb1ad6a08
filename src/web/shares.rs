//! `/desk/{slug}/shares`: applications that wait, what an allotment would give each, and the queue of
//! those who asked for shares back.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::membership::AllotmentLine;
use identity::Right;
use office::{
    Answer, Refusal, SocietyOffice,
    answer::refuse,
    roll::{AllotOf, WaitingLine},
};
use report::words;
use serde::Deserialize;

use super::{
    Web, frame,
    papers::above,
    society::named,
    trouble::{Trouble, sentence},
    view::parts::{Cell, Form, Part, PartsPage, Table},
    visitor::{Sent, Visitor, see},
};

/// What is to be allotted: an offer's applications, or one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllotForm {
    action: String,
    of: String,
}

/// The page.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &slug, None)).await
}

/// Shares are allotted, or an application is declined.
pub async fn allot(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Sent(sent): Sent<AllotForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let today = society.known().zone.day_of(now);
        let done = wanted(&sent).and_then(|wanted| match wanted {
            Wanted::Allot(of) => society
                .allot(&of, today, false, &visitor.user, now)
                .map(drop),
            Wanted::Decline(number) => {
                society.end_application(number, "declined by the board", &visitor.user, now)
            }
        });
        match done {
            Ok(()) => Ok(see(&format!("/desk/{slug}/shares"))),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                show(web, &visitor, &slug, Some(why))
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

enum Wanted {
    Allot(AllotOf),
    Decline(u32),
}

fn wanted(sent: &AllotForm) -> Answer<Wanted> {
    let number = || match sent.of.parse() {
        Ok(number) => Ok(number),
        Err(_) => refuse(format!("`{}` is no number of an application", sent.of)),
    };
    match sent.action.as_str() {
        "allot-offer" => Ok(Wanted::Allot(AllotOf::Offer(sent.of.clone()))),
        "allot" => Ok(Wanted::Allot(AllotOf::Application(number()?))),
        "decline" => Ok(Wanted::Decline(number()?)),
        other => refuse(format!("`{other}` is nothing that can be done here")),
    }
}

fn show(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let here = format!("/desk/{slug}/shares");
    let may = web.state.office.may(&visitor.user, Right::Roll, slug);
    let mut waiting = society.applications()?;
    waiting.retain(|line| line.state == "waiting");
    let mut parts = Vec::new();
    let mut offers: Vec<&str> = waiting.iter().map(|line| line.offer.as_str()).collect();
    offers.sort_unstable();
    offers.dedup();
    for offer in offers {
        let of: Vec<&WaitingLine> = waiting.iter().filter(|line| line.offer == offer).collect();
        match offer {
            "" => parts.extend(outside(&of, &here, may)),
            offer => parts.extend(of_offer(web, &society, offer, &of, &here, may)?),
        }
    }
    let asked: Vec<_> = society
        .withdrawals()?
        .into_iter()
        .filter(|line| line.waiting > 0)
        .collect();
    if !asked.is_empty() {
        let mut table = Table::new(
            "Who asked for shares back, the first first; `shares pay` pays them within the year’s limit",
            &[
                "Request",
                "Member",
                "<Class",
                "<Asked on",
                "<Notice ends",
                "Shares",
                "Waiting",
            ],
        );
        for line in &asked {
            table.row(vec![
                Cell::text(line.number.to_string()),
                Cell::text(line.member.to_string()),
                Cell::text(line.class.as_str()),
                Cell::text(words::date(line.asked)),
                Cell::text(words::date(line.notice_ends)),
                Cell::text(words::whole(line.shares)),
                Cell::text(words::whole(line.waiting)),
            ]);
        }
        parts.push(Part::Heading("Shares back".to_owned()));
        parts.push(Part::Table(table));
    }
    let failed = trouble.is_some();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut answer = frame::page(&PartsPage {
        frame: frame::of_visitor(web, visitor, "Shares", &here),
        above: above(&society),
        sentence: match (waiting.len(), asked.len()) {
            (0, 0) => "Nobody waits for shares, or for shares back.".to_owned(),
            (applied, asked) => format!(
                "{} for shares and {} for shares back wait.",
                words::count(number(applied), "application", "applications"),
                words::count(number(asked), "request", "requests")
            ),
        },
        sample: society.is_sample(),
        trouble,
        parts,
        ..PartsPage::default()
    })?;
    if failed {
        *answer.status_mut() = StatusCode::CONFLICT;
    }
    Ok(answer)
}

fn form(here: &str, action: &str, of: &str, button: &str, follows: &str) -> Part {
    Part::Form(Form {
        action: here.to_owned(),
        hidden: vec![("action", action.to_owned()), ("of", of.to_owned())],
        button: button.to_owned(),
        follows: follows.to_owned(),
        quieter: action == "decline",
        id: format!("{action}-{of}-"),
        ..Form::default()
    })
}

/// What an offer's allotment would give each, and the button.
fn of_offer(
    web: &Web,
    society: &SocietyOffice,
    offer: &str,
    waiting: &[&WaitingLine],
    here: &str,
    may: bool,
) -> Result<Vec<Part>, Trouble> {
    let now = web.state.clock.now();
    let today = society.known().zone.day_of(now);
    let mut parts = vec![Part::Heading(format!("Offer {offer}"))];
    let of = AllotOf::Offer(offer.to_owned());
    match society.allot(&of, today, true, "", now) {
        Ok((lines, moved)) => {
            let mut table = Table::new(
                &moved.reason,
                &["Application", "Member", "Asked for", "Would get"],
            );
            for line in &lines {
                table.row(line_of(line));
            }
            parts.push(Part::Table(table));
            if may {
                parts.push(form(
                    here,
                    "allot-offer",
                    offer,
                    "Allot these shares",
                    "The shares are issued today, with a certificate each. A mistake is taken back by a reversal, in the open.",
                ));
            }
        }
        Err(Refusal::Caller(why)) => {
            parts.push(Part::Text(sentence(&why.replace("\nhint: ", "; "))));
            parts.push(Part::Table(asked_for(waiting)));
        }
        Err(ours) => return Err(ours.into()),
    }
    Ok(parts)
}

fn line_of(line: &AllotmentLine) -> Vec<Cell> {
    vec![
        Cell::text(line.application.to_string()),
        Cell::text(line.member.to_string()),
        Cell::text(words::whole(line.asked)),
        Cell::text(words::whole(line.shares)),
    ]
}

fn asked_for(waiting: &[&WaitingLine]) -> Table {
    let mut table = Table::new(
        "Applications that wait",
        &["Application", "Member", "<Class", "<On", "Shares"],
    );
    for line in waiting {
        table.row(vec![
            Cell::text(line.number.to_string()),
            Cell::text(line.member.to_string()),
            Cell::text(line.class.as_str()),
            Cell::text(words::date(line.on)),
            Cell::text(words::whole(line.shares)),
        ]);
    }
    table
}

/// Applications outside an offer: each is the board's to decide.
fn outside(waiting: &[&WaitingLine], here: &str, may: bool) -> Vec<Part> {
    let mut parts = vec![
        Part::Heading("Outside an offer".to_owned()),
        Part::Table(asked_for(waiting)),
    ];
    if may {
        for line in waiting {
            let of = line.number.to_string();
            parts.push(form(
                here,
                "allot",
                &of,
                &format!(
                    "Allot {} shares to member {}",
                    words::whole(line.shares),
                    line.member
                ),
                &format!("Application {of}: the shares are issued today, with a certificate."),
            ));
            parts.push(form(
                here,
                "decline",
                &of,
                &format!("Decline application {of}"),
                "",
            ));
        }
    }
    parts
}
