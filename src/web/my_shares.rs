//! `/my/{slug}/{member}/shares`: a member applies for shares and asks for shares back, with its place
//! in the queue and the day on which it is likely to be paid.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::calendar::LocalDay;
use office::{
    Answer, Refusal, SocietyOffice,
    answer::{OrCaller, refuse},
    roll::{ApplyOf, QueueLine, WaitingLine},
};
use report::words;
use serde::Deserialize;

use super::{
    Web, frame,
    me::name_of,
    society::named,
    trouble::{Trouble, sentence},
    view::parts::{Cell, Field, FieldKind, Form, Part, PartsPage, Table},
    visitor::{Sent, Visitor, see},
};

/// What a member wishes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareForm {
    action: String,
    #[serde(default)]
    of: String,
    #[serde(default)]
    shares: String,
    #[serde(default)]
    number: String,
}

/// The page.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, member)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &slug, member, None))
        .await
}

/// What the member wished.
pub async fn wish(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, member)): Path<(String, u32)>,
    Sent(sent): Sent<ShareForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        match done(web, &visitor, &society, member, &sent) {
            Ok(()) => Ok(see(&format!("/my/{slug}/{member}/shares"))),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                show(web, &visitor, &slug, member, Some(why))
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

fn done(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    member: u32,
    sent: &ShareForm,
) -> Answer<()> {
    let now = web.state.clock.now();
    let today = society.known().zone.day_of(now);
    let by = visitor.user.as_str();
    let shares = || -> Answer<i64> {
        let text = sent.shares.trim().replace(',', "");
        let number = text.parse::<i64>();
        number
            .map_err(|_| format!("`{text}` is no number of shares; expected a whole one"))
            .or_caller()
    };
    let number = || -> Answer<u32> {
        let text = sent.number.trim();
        text.parse::<u32>()
            .map_err(|_| format!("`{text}` is no number of a request"))
            .or_caller()
    };
    match sent.action.as_str() {
        "withdraw" => {
            let class = Some(sent.of.as_str()).filter(|class| !class.is_empty());
            let line = society.ask_withdrawal(member, class, Some(shares()?), today, by, now);
            line.map(drop)
        }
        "apply" => {
            let (class, offer) = match sent.of.strip_prefix("class:") {
                Some(class) => (Some(class.to_owned()), None),
                None => (None, Some(sent.of.clone())),
            };
            let of = ApplyOf {
                member,
                class,
                offer,
                shares: shares()?,
                on: today,
            };
            society.apply_for_shares(&of, by, now).map(drop)
        }
        "take-back" => {
            let number = number()?;
            // Another's request is not there.
            let own = |line: &QueueLine| line.number == number && line.member == member;
            match society.withdrawals()?.iter().any(own) {
                true => society.end_withdrawal(number, "taken back by the member", by, now),
                false => refuse(format!("there is no request `{number}` of yours")),
            }
        }
        "give-up" => {
            let number = number()?;
            let own = |line: &WaitingLine| line.number == number && line.member == member;
            match society.applications()?.iter().any(own) {
                true => society.end_application(number, "taken back by the member", by, now),
                false => refuse(format!("there is no application `{number}` of yours")),
            }
        }
        other => refuse(format!("`{other}` is nothing that can be asked here")),
    }
}

fn show(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    member: u32,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let known = society.known();
    let now = web.state.clock.now();
    let today = known.zone.day_of(now);
    let here = format!("/my/{slug}/{member}/shares");
    let held = society.holdings(today, Some(member), now)?;
    let mut requests = society.withdrawals()?;
    requests.retain(|line| line.member == member);
    let waiting: i64 = requests.iter().map(|line| line.waiting).sum();
    let all: i64 = held.lines.iter().map(|line| line.shares).sum();
    let mut parts = Vec::new();
    parts.extend(back(&society, member, &requests, &here, now)?);
    parts.extend(more(&society, member, &here, today)?);
    let sentence = match waiting {
        0 => format!(
            "You hold {} shares, and none of them is asked back.",
            words::whole(all)
        ),
        n => format!(
            "You hold {} shares and have asked for {} of them back.",
            words::whole(all),
            words::whole(n)
        ),
    };
    let failed = trouble.is_some();
    let mut answer = frame::page(&PartsPage {
        frame: frame::of_visitor(web, visitor, "Shares back, and new shares", ""),
        above: vec![frame::link(
            &name_of(web, slug),
            &format!("/my/{slug}/{member}"),
        )],
        sentence,
        sample: society.is_sample(),
        trouble,
        parts,
        ..PartsPage::default()
    })?;
    if failed {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

/// Shares back: what waits, and the form.
fn back(
    society: &SocietyOffice,
    member: u32,
    requests: &[QueueLine],
    here: &str,
    now: domain::calendar::Instant,
) -> Result<Vec<Part>, Trouble> {
    let known = society.known();
    let mut parts = vec![Part::Heading("Shares back".to_owned())];
    let classes: Vec<_> = known
        .document
        .share_class
        .iter()
        .filter(|class| class.withdrawable)
        .collect();
    if classes.is_empty() {
        parts.push(Part::Text(
            "The shares of this society are not paid back on request.".to_owned(),
        ));
        return Ok(parts);
    }
    let places = society.queue_places(member, now)?;
    if !places.is_empty() {
        let mut table = Table::new(
            "What you have asked for; the last day is an estimate by this year’s limit, and not a promise",
            &[
                "Request",
                "<Class",
                "<Asked on",
                "Shares",
                "Waiting",
                "<Place in the queue",
                "<Notice ends",
                "<Likely paid by",
            ],
        );
        for (number, place) in &places {
            let Some(line) = requests.iter().find(|line| line.number == *number) else {
                continue;
            };
            table.row(vec![
                Cell::text(number.to_string()),
                Cell::text(line.class.as_str()),
                Cell::text(words::date(line.asked)),
                Cell::text(words::whole(line.shares)),
                Cell::text(words::whole(line.waiting)),
                Cell::text(format!("{} of {}", place.place, place.of)),
                Cell::text(words::date(line.notice_ends)),
                Cell::text(place.likely.map_or_else(
                    || "not known: withdrawals are not paid now".to_owned(),
                    words::date,
                )),
            ]);
        }
        parts.push(Part::Table(table));
        if let Some(place) = places
            .iter()
            .map(|(_, place)| place)
            .find(|place| place.limit.is_some())
        {
            parts.push(Part::Small(format!(
                "All members together wait for {} shares; the rules let {} be paid back in one year, {} of them still this year. Where they are not enough, each gets the same part.",
                words::whole(place.waiting),
                words::whole(place.limit.unwrap_or_default()),
                words::whole(place.left.unwrap_or_default()),
            )));
        }
        let waiting = places
            .iter()
            .map(|(number, _)| (number.to_string(), format!("Request {number}")));
        parts.push(Part::Form(Form {
            action: here.to_owned(),
            hidden: vec![("action", "take-back".to_owned())],
            fields: vec![Field::new(
                "number",
                "A request you no longer want",
                FieldKind::OneOf(waiting.collect()),
            )],
            button: "Take this request back".to_owned(),
            quieter: true,
            id: "take-back-".to_owned(),
            ..Form::default()
        }));
    }
    let notice = classes.iter().map(|class| match class.notice.as_str() {
        "" => format!("{}: paid when the society has the money.", class.name),
        notice => format!(
            "{}: paid {notice} after you ask at the earliest{}, when the society has the money.",
            class.name,
            match class.yearly_limit_percent.as_str() {
                "" => String::new(),
                percent => format!(", and {percent} % of all shares in one year at most"),
            }
        ),
    });
    parts.push(Part::List(notice.collect()));
    let choices: Vec<(String, String)> = classes
        .iter()
        .map(|class| (class.id.clone(), class.name.clone()))
        .collect();
    let first = choices
        .first()
        .map_or_else(String::new, |(id, _)| id.clone());
    parts.push(Part::Form(Form {
        action: here.to_owned(),
        hidden: vec![("action", "withdraw".to_owned())],
        fields: vec![
            Field::new("of", "Which shares", FieldKind::OneOf(choices)).value(&first),
            Field::new("shares", "How many", FieldKind::Line(true))
                .help("A whole number. They earn interest until they are paid back."),
        ],
        button: "Ask for these shares back".to_owned(),
        follows: "You get a place in the queue, and you may take it back while it waits."
            .to_owned(),
        id: "withdraw-".to_owned(),
        ..Form::default()
    }));
    Ok(parts)
}

/// New shares: what was applied for, and the offers that are open.
fn more(
    society: &SocietyOffice,
    member: u32,
    here: &str,
    today: LocalDay,
) -> Result<Vec<Part>, Trouble> {
    let known = society.known();
    let mut parts = vec![Part::Heading("New shares".to_owned())];
    let mut applied = society.applications()?;
    applied.retain(|line| line.member == member);
    if !applied.is_empty() {
        let mut table = Table::new(
            "What you have applied for",
            &[
                "Application",
                "<Offer",
                "<On",
                "Shares",
                "Allotted",
                "<How it stands",
            ],
        );
        for line in &applied {
            table.row(vec![
                Cell::text(line.number.to_string()),
                Cell::text(line.offer.as_str()),
                Cell::text(words::date(line.on)),
                Cell::text(words::whole(line.shares)),
                Cell::text(words::whole(line.allotted)),
                Cell::text(line.state),
            ]);
        }
        parts.push(Part::Table(table));
    }
    let waiting: Vec<(String, String)> = applied
        .iter()
        .filter(|line| line.state == "waiting")
        .map(|line| {
            (
                line.number.to_string(),
                format!("Application {}", line.number),
            )
        })
        .collect();
    if !waiting.is_empty() {
        parts.push(Part::Form(Form {
            action: here.to_owned(),
            hidden: vec![("action", "give-up".to_owned())],
            fields: vec![Field::new(
                "number",
                "An application you no longer want",
                FieldKind::OneOf(waiting),
            )],
            button: "Take this application back".to_owned(),
            quieter: true,
            id: "give-up-".to_owned(),
            ..Form::default()
        }));
    }
    let today = today.to_string();
    let mut open: Vec<(String, String)> = known
        .document
        .share_offer
        .iter()
        .filter(|offer| offer.opens <= today && today <= offer.closes)
        .map(|offer| {
            let closes = offer
                .closes
                .parse()
                .map_or_else(|_| offer.closes.clone(), words::date);
            let class = known
                .document
                .share_class
                .iter()
                .find(|class| class.id == offer.class);
            let (name, par) = class.map_or(("shares", ""), |class| {
                (class.name.as_str(), class.par_pounds.as_str())
            });
            let words = format!(
                "{name} of £{par} each, {} at least, until {closes}",
                words::whole(offer.minimum_shares)
            );
            (offer.id.clone(), words)
        })
        .collect();
    if open.is_empty() {
        // Without an offer the board may still take in members and let them add to what they hold.
        open = known
            .document
            .share_class
            .iter()
            .filter(|class| class.opened.is_empty() || class.opened <= today)
            .filter(|class| class.closed.is_empty() || today <= class.closed)
            .map(|class| {
                let words = format!("{} of £{} each", class.name, class.par_pounds);
                (format!("class:{}", class.id), words)
            })
            .collect();
        if open.is_empty() {
            parts.push(Part::Text("No shares are issued today.".to_owned()));
            return Ok(parts);
        }
        parts.push(Part::Text(
            "No share offer is open today. You may ask for shares all the same; the board decides."
                .to_owned(),
        ));
    }
    let first = open[0].0.clone();
    parts.push(Part::Form(Form {
        action: here.to_owned(),
        hidden: vec![("action", "apply".to_owned())],
        fields: vec![
            Field::new("of", "Which shares", FieldKind::OneOf(open)).value(&first),
            Field::new("shares", "How many shares", FieldKind::Line(true)).help("A whole number."),
        ],
        button: "Apply for these shares".to_owned(),
        follows: "The board allots shares when the offer allows it. Pay when the secretary asks you to; until then you may take the application back.".to_owned(),
        id: "apply-".to_owned(),
        ..Form::default()
    }));
    Ok(parts)
}
