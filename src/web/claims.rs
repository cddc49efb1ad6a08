//! `/desk/{slug}/claims`: claims as a draft with its evidence, frozen by whoever prepares money, and the
//! sheet to print.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::{
    calendar::{Instant, LocalDay, Period},
    income::DutyKind,
    money::Pence,
};
use identity::Right;
use report::words;
use serde::Deserialize;

use super::{
    Web,
    me::moment,
    trouble::Trouble,
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Looked, Work, day_words, days_of, kwh, looked, notes, parts_of},
};
use office::claims::MadeClaim;

/// How far back claims that are due are looked for, days.
const BACK_DAYS: i32 = 366;

/// Which claim, in an address.
type Which = (String, String, String, String);

/// Days that were asked for with the form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    installation: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// The claims of a society: due, and frozen.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    if !asked.installation.is_empty() {
        let Asked {
            installation,
            from,
            to,
        } = asked;
        let days = days_of(&from, &to).map_err(|why| Trouble::form(&why))?;
        return Ok(see(&format!(
            "/desk/{slug}/claims/{installation}/{}/{}",
            days.first_day(),
            days.last_day()
        )));
    }
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let (today, known) = (work.today(), work.society.known());
        let tasks = work
            .society
            .tasks(today.plus(-BACK_DAYS), today.plus(31), work.now())?;
        let frozen = work.society.frozen_claims()?;
        let mut parts = Vec::new();
        let mut due = TableWords::new(
            "Claims that are due",
            &["Installation", "Due", "Days", "Whose it is"],
        );
        for task in tasks
            .iter()
            .filter(|task| task.duty.kind == DutyKind::Claim && task.duty.done.is_none())
        {
            let id = &task.duty.about;
            let days = next_days(&frozen, id, task.duty.due);
            let href = format!("/claims/{id}/{}/{}", days.first_day(), days.last_day());
            due.row(
                &work.at(&href),
                vec![
                    id.clone(),
                    words::date(task.duty.due),
                    words::span(days.first_day(), days.last_day()),
                    task.owner.clone().unwrap_or_default(),
                ],
            );
        }
        let waiting = due.rows.len();
        if waiting > 0 {
            parts.push(Part::Text("A claim opens with the read the one before it closed with, and closes with the last read of its days. Open one to see what it would come to; looking changes nothing.".to_owned()));
            parts.push(Part::Table(due));
        }
        parts.push(Part::Heading("A claim of other days".to_owned()));
        parts.push(Part::Form(form_of_days(&work, "", today)));
        if !frozen.is_empty() {
            let mut table = TableWords::new(
                "Frozen claims, the newest first",
                &["Claim", "Installation", "Days", "#Claimed", "Frozen by"],
            );
            for made in frozen.iter().rev() {
                let claim = &made.claim;
                let (by, at) = made.frozen.clone().unwrap_or_default();
                let href = format!("/claims/{}/{}/{}", claim.installation, claim.from, claim.to);
                table.row(
                    &work.at(&href),
                    vec![
                        format!("Claim {}", claim.number),
                        claim.installation.clone(),
                        format!("{} to {}", day_words(&claim.from), day_words(&claim.to)),
                        Pence(claim.total_pence).to_string(),
                        format!("{by}, {}", words::date(known.zone.day_of(at))),
                    ],
                );
            }
            parts.push(Part::Table(table));
        }
        parts.push(Part::Heading("Was it paid?".to_owned()));
        parts.push(Part::Links(vec![
            work.link("Hold a licensee's statement against the reads", "/statement"),
            work.link("What is lacking of all that came in", "/paid"),
        ]));
        let sentence = match (waiting, frozen.len()) {
            (0, 0) => "No claim is due, and none has been frozen yet.".to_owned(),
            (0, _) => "No claim is due.".to_owned(),
            (1, _) => "One claim is due.".to_owned(),
            (n, _) => format!("{n} claims are due."),
        };
        work.page("Claims", &[], &sentence, None, parts)
    })
    .await
}

/// One claim: as it would be frozen, or as it was.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &which, false, None))
        .await
}

/// The same, where it is frozen.
pub async fn about_to_freeze(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &which, true, None))
        .await
}

/// It is frozen, if it still comes to what was looked at.
pub async fn freeze(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(&["total"], &["apportioned"])?;
    web.ask(move |web| {
        let (slug, id, from, to) = &which;
        let work = Work::of(web, &visitor, slug)?;
        let (_, installation) = web
            .state
            .office
            .installation(id, Some(slug))
            .map_err(Trouble::refused)?;
        let days = match days_of(from, to) {
            Ok(days) => days,
            Err(why) => return show(web, &visitor, &which, true, Some(why)),
        };
        let now = work.now();
        let made = looked(work.society.preview_claim(&installation, days, now))?;
        if let Ok(made) = &made
            && made.claim.total_pence.to_string() != typed.text("total")
        {
            let why = format!(
                "It comes to {} now, and not to what you looked at; a read has come in between. Look again.",
                Pence(made.claim.total_pence)
            );
            return show(web, &visitor, &which, true, Some(why));
        }
        let apportioned = typed.ticked("apportioned");
        let user = &visitor.user;
        match looked(
            work.society
                .freeze_claim(&installation, days, apportioned, user, now),
        )? {
            Ok(_) => Ok(see(&format!("/desk/{slug}/claims/{id}/{from}/{to}"))),
            Err(why) => show(web, &visitor, &which, true, Some(why)),
        }
    })
    .await
}

/// The sheet that goes to the licensee.
pub async fn sheet(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &which.0)?;
        let made = match made(&work, &which)? {
            Ok(made) => made,
            Err(why) => {
                return work.page(
                    "Claim",
                    &LISTS,
                    "There is no such claim.",
                    Some(why),
                    Vec::new(),
                );
            }
        };
        let paper = work.society.claim_sheet(&made, work.now());
        let mut parts = vec![Part::Text(format!(
            "{}: {}, {}.",
            paper.author,
            paper.heading,
            words::date(paper.on)
        ))];
        parts.extend(parts_of(&paper));
        work.page(&paper.heading, &LISTS, &paper.sentence, None, parts)
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("claims", "/claims")];

/// The claim of an address, looked at.
fn made(work: &Work<'_>, (slug, id, from, to): &Which) -> Result<Looked<MadeClaim>, Trouble> {
    let office = &work.web.state.office;
    let found = office.installation(id, Some(slug));
    let (_, installation) = found.map_err(Trouble::refused)?;
    let days = match days_of(from, to) {
        Ok(days) => days,
        Err(why) => return Ok(Err(why)),
    };
    looked(work.society.preview_claim(&installation, days, work.now()))
}

fn show(
    web: &Web,
    visitor: &Visitor,
    which: &Which,
    freezing: bool,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let (slug, id, from, to) = which;
    let work = Work::of(web, visitor, slug)?;
    let title = format!("A claim for {id}");
    let here = format!("/claims/{id}/{from}/{to}");
    let made = match made(&work, which)? {
        Ok(made) => made,
        Err(why) => {
            let parts = vec![Part::Form(form_of_days(&work, id, work.today()))];
            let sentence = "This claim cannot be made from the reads that are here.";
            return work.page(
                &title,
                &LISTS,
                sentence,
                Some(trouble.unwrap_or(why)),
                parts,
            );
        }
    };
    let claim = &made.claim;
    let total = Pence(claim.total_pence);
    let days = format!("{} to {}", day_words(from), day_words(to));
    let sentence = match &made.frozen {
        Some((by, at)) => format!(
            "Claim {} over {total} for {id}, {days}, was frozen by {by} on {}.",
            claim.number,
            words::date(work.society.known().zone.day_of(*at))
        ),
        None => format!("{total} would be claimed for {id}, {days}."),
    };
    let mut parts = lines_of(&made);
    let findings = claim.findings.iter().map(|one| one.text.as_str());
    parts.extend(notes(findings));
    parts.push(Part::Heading("The reads it stands on".to_owned()));
    parts.push(reads_of(&work, &made)?);
    let may = work.may(Right::Money);
    match (&made.frozen, freezing) {
        (Some(_), _) => {
            parts.push(Part::Text("A frozen claim is never reckoned again. What changes later is set right in the next one, in the open.".to_owned()));
            parts.push(Part::Links(vec![
                work.link("The sheet to print", &format!("{here}/sheet")),
                work.link("Hold the licensee's statement against it", "/statement"),
            ]));
        }
        (None, true) => {
            let mut form = FormWords::to(&work.at(&format!("{here}/freeze")))
                .with("total", &claim.total_pence.to_string());
            if claim.lines.iter().any(|line| line.apportioned) {
                form = form.ask(
                    "apportioned",
                    "A line that is split by time is meant|There is no read of the day on which the rate changes. If there is one on paper, take it in first.",
                    FieldKind::Tick,
                    "",
                );
            }
            parts.push(Part::Heading("What follows".to_owned()));
            parts.push(Part::Form(form
                .follows("Its lines, rates and reads are fixed for ever. Nothing is sent: read the meter's figures into the licensee's portal, or print the sheet.")
                .button("", "Freeze this claim")));
        }
        (None, false) if may => parts.push(Part::Links(vec![
            work.link("Go on to freeze this claim", &format!("{here}/freeze")),
            work.link("A sheet of it to print", &format!("{here}/sheet")),
        ])),
        (None, false) => {
            parts.push(Part::Text(
                "Who prepares claims freezes it; you may look.".to_owned(),
            ));
        }
    }
    work.page(&title, &LISTS, &sentence, trouble, parts)
}

fn lines_of(made: &MadeClaim) -> Vec<Part> {
    let mut table = TableWords::new(
        "Its lines; each is rounded once",
        &["Days", "What", "#Energy, kWh", "#Rate, p/kWh", "#Pounds"],
    );
    for line in &made.claim.lines {
        let what = match (line.apportioned, line.adjusts) {
            (_, Some(number)) => format!("{}, sets claim {number} right", line.kind),
            (true, None) => format!("{}, apportioned", line.kind),
            (false, None) => line.kind.clone(),
        };
        table.row(
            "",
            vec![
                format!("{} to {}", day_words(&line.from), day_words(&line.to)),
                what,
                kwh(line.wh),
                line.rate_p_per_kwh.clone(),
                Pence(line.pence).to_string(),
            ],
        );
    }
    let mut total = vec!["Together".to_owned()];
    total.extend([String::new(), String::new(), String::new()]);
    total.push(Pence(made.claim.total_pence).to_string());
    table.sum(total);
    vec![Part::Table(table)]
}

fn reads_of(work: &Work<'_>, made: &MadeClaim) -> Result<Part, Trouble> {
    let known = work.society.known();
    let mut table = TableWords::new(
        "Accepted reads of meters that are approved for billing; one with a photo opens it",
        &["Read at", "Meter", "#Register, kWh", "How well known"],
    );
    for read in &made.claim.reads {
        let photo = work
            .society
            .photo_of(&read.meter, &read.register, read.at_ms)?;
        let href = photo.map(|photo| work.at(&format!("/files/{}", photo.sha256)));
        table.row(
            &href.unwrap_or_default(),
            vec![
                moment(&known.zone, Instant(read.at_ms)),
                format!("{} {}", read.meter, read.register),
                kwh(read.wh),
                read.quality.clone(),
            ],
        );
    }
    Ok(Part::Table(table))
}

/// The days to claim next: from where the last claim ended, or a quarter, up to the day it is due.
fn next_days(frozen: &[MadeClaim], installation: &str, due: LocalDay) -> Period {
    let ended = frozen
        .iter()
        .filter(|made| made.claim.installation == installation)
        .filter_map(|made| made.claim.to.parse::<LocalDay>().ok())
        .filter(|last| *last < due)
        .max();
    let quarter = LocalDay::of_date(
        due.year() - i32::from(due.month() <= 3),
        (due.month() + 8) % 12 + 1,
        due.day().min(28),
    );
    let first = ended.or(quarter).map_or(due, LocalDay::next);
    Period::Range {
        first: first.min(due),
        last: due,
    }
}

fn form_of_days(work: &Work<'_>, installation: &str, today: LocalDay) -> FormWords {
    let known = work.society.known();
    let all = known.document.installation.iter();
    let choices = all.map(|one| (one.id.clone(), one.id.clone())).collect();
    let quarter = today.plus(-92).to_string();
    let mut form = FormWords::to(&work.at("/claims"))
        .ask(
            "installation",
            "Installation",
            FieldKind::Choice(choices),
            installation,
        )
        .ask("from", "First day", FieldKind::Day, &quarter)
        .ask(
            "to",
            "Last day",
            FieldKind::Day,
            &today.previous().to_string(),
        )
        .button("", "Look at it");
    form.looks = true;
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_goes_on_where_the_last_one_ended_or_takes_a_quarter() {
        let due = |text: &str| text.parse::<LocalDay>().expect("a day");
        for (day, first) in [
            ("2026-03-15", "2025-12-16"),
            ("2026-06-15", "2026-03-16"),
            ("2026-12-15", "2026-09-16"),
        ] {
            let days = next_days(&[], "roof-fit", due(day));
            assert_eq!(days.first_day().to_string(), first);
            assert_eq!(days.last_day().to_string(), day);
        }
    }
}
