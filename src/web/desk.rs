//! `/desk` and `/desk/{slug}`: what waits for an officer, in all societies or in one.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use identity::Right;
use report::words;

use super::{
    Web, frame,
    society::named,
    trouble::Trouble,
    view::{DeskPage, Link, TodoLine},
    visitor::Visitor,
    work::capital,
};
use office::{
    SocietyOffice,
    todo::{About, ToDo},
};

/// All societies of the officer.
pub async fn all(State(web): State<Web>, visitor: Visitor) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let societies = visitor.societies(web, Right::See);
        frame::page(&filled(web, &visitor, &societies, "/desk")?)
    })
    .await
}

/// One society.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        frame::page(&filled(
            web,
            &visitor,
            &[society],
            &format!("/desk/{slug}"),
        )?)
    })
    .await
}

fn filled(
    web: &Web,
    visitor: &Visitor,
    societies: &[Arc<SocietyOffice>],
    here: &str,
) -> Result<DeskPage, Trouble> {
    let now = web.state.clock.now();
    let mut all: Vec<(ToDo, Arc<SocietyOffice>)> = Vec::new();
    for society in societies {
        let waiting = society.to_do(now)?;
        all.extend(waiting.into_iter().map(|one| (one, Arc::clone(society))));
    }
    all.sort_by_key(|(one, _)| one.day);
    let late = all.iter().filter(|(one, _)| one.is_late).count();
    let title = match societies {
        [only] => only.known().document.society.name.clone(),
        _ => "The desk".to_owned(),
    };
    let mut frame = frame::of_visitor(web, visitor, &title, here);
    frame.notices = frame::all_notices(societies);
    let several = societies.len() > 1;
    Ok(DeskPage {
        frame,
        kicker: match societies {
            [only] => format!("The desk of {}", only.known().document.society.name),
            _ => "The desk".to_owned(),
        },
        sentence: sentence(all.len(), late),
        todo: all
            .iter()
            .map(|(one, society)| line(one, society, several))
            .collect(),
        societies: societies.iter().map(|society| ways(society)).collect(),
    })
}

fn sentence(all: usize, late: usize) -> String {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    match (all, late) {
        (0, _) => "Nothing waits for you.".to_owned(),
        (all, 0) => format!(
            "{} and nothing is late.",
            match all {
                1 => "One thing waits".to_owned(),
                n => format!("{} wait", words::count(number(n), "thing", "things")),
            }
        ),
        (1, _) => "One thing waits, and it is late.".to_owned(),
        (all, late) => format!(
            "{} wait, {} of them late.",
            capital(&words::count(number(all), "thing", "things")),
            match late {
                1 => "one".to_owned(),
                n => n.to_string(),
            }
        ),
    }
}

/// What else an officer does in a society.
fn ways(society: &SocietyOffice) -> (String, Vec<Link>) {
    let known = society.known();
    let slug = society.slug();
    let links = vec![
        frame::link("What there is to do", &format!("/desk/{slug}/tasks")),
        frame::link("Claims", &format!("/desk/{slug}/claims")),
        frame::link("Old statements", &format!("/desk/{slug}/statement")),
        frame::link("Bills", &format!("/desk/{slug}/bills")),
        frame::link("Money in the bank", &format!("/desk/{slug}/bank")),
        frame::link("Dated tables", &format!("/desk/{slug}/tables")),
        frame::link("Income by roof", &format!("/desk/{slug}/income")),
        frame::link("Meters", &format!("/desk/{slug}/meters")),
        frame::link("Reads from the dial", &format!("/desk/{slug}/dials")),
        frame::link("Held reads", &format!("/desk/{slug}/held")),
        frame::link("Alerts", &format!("/desk/{slug}/alerts")),
        frame::link("Planned outages", &format!("/desk/{slug}/outages")),
        frame::link("Interest", &format!("/desk/{slug}/interest")),
        frame::link("Council’s stake", &format!("/desk/{slug}/council")),
        frame::link("Ballots", &format!("/desk/{slug}/ballots")),
        frame::link("Roofs that close", &format!("/desk/{slug}/closing")),
        frame::link("Outcomes", &format!("/desk/{slug}/outcomes")),
        frame::link("Community fund", &format!("/desk/{slug}/fund")),
        frame::link("Residents’ projects", &format!("/desk/{slug}/projects")),
        frame::link("Payments", &format!("/desk/{slug}/payments")),
        frame::link("Shares", &format!("/desk/{slug}/shares")),
        frame::link("Outlook", &format!("/desk/{slug}/outlook")),
        frame::link("The year’s papers", &format!("/desk/{slug}/year")),
        frame::link("Letters", &format!("/desk/{slug}/letters")),
        frame::link("Who decided what", &format!("/desk/{slug}/audit")),
        frame::link("The public page", &format!("/s/{slug}")),
    ];
    (known.document.society.name.clone(), links)
}

fn line(one: &ToDo, society: &SocietyOffice, several: bool) -> TodoLine {
    let slug = society.slug();
    let (text, href) = match &one.about {
        About::HeldReads => ("Look at them", format!("/desk/{slug}/held")),
        About::Run(number) => ("Look at the run", format!("/desk/{slug}/interest/{number}")),
        About::Order(number) => (
            "Look at the order",
            format!("/desk/{slug}/payments/{number}"),
        ),
        About::Alert(number) => (
            "Say what is being done",
            format!("/desk/{slug}/alerts/{number}"),
        ),
        About::Ending => ("Look at what is lent", format!("/desk/{slug}/council")),
        About::Closing => ("Look at the steps", format!("/desk/{slug}/closing")),
        About::Ballot => ("Close it", format!("/desk/{slug}/note/ballot-close")),
        About::Fund => ("Look at the fund", format!("/desk/{slug}/fund")),
        About::Table(number) => (
            "Look at the rows",
            format!("/desk/{slug}/proposals/{number}"),
        ),
        About::Duty { claim: Some(_), .. } => ("Make the claim", format!("/desk/{slug}/claims")),
        About::Duty { id, claim: None } => (
            "Say that it was done",
            format!("/desk/{slug}/tasks/done?task={id}"),
        ),
        About::Dial(meter, register, at) => (
            "Look at the read",
            format!("/desk/{slug}/dials/{meter}/{register}/{at}"),
        ),
        About::Bill(number) => (
            "Print the reminder",
            format!("/desk/{slug}/bill/{number}/reminder"),
        ),
        About::Bank => ("Say what it is for", format!("/desk/{slug}/bank/match")),
        About::Lacking => ("Propose the row", format!("/desk/{slug}/tables")),
    };
    TodoLine {
        day: words::date(one.day),
        when: when(one),
        late: one.is_late,
        sentence: format!("{}.", one.sentence),
        society: match several {
            true => society.known().document.society.name.clone(),
            false => String::new(),
        },
        who: one.who.clone().unwrap_or_default(),
        action: Some(frame::link(text, &href)),
    }
}

fn when(one: &ToDo) -> &'static str {
    match (one.is_deadline, one.is_late) {
        (true, true) => "was due",
        (true, false) => "due",
        (false, _) => "since",
    }
}
