//! `/desk/{slug}/tasks`: what has to be done by when, what shows that it was done, and the alerts with
//! what is being done about each.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::calendar::LocalDay;
use report::words;
use serde::Deserialize;

use super::{
    Web,
    me::moment,
    outages::site_name,
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Work, capital, looked},
};
use office::duties::Task;

/// Days of tasks that are listed, back and ahead.
const BACK_DAYS: i32 = 366;
const AHEAD_DAYS: i32 = 100;

/// Which task.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    #[serde(default)]
    task: String,
}

/// The tasks.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let all = tasks(&work)?;
        let (done, open): (Vec<&Task>, Vec<&Task>) =
            all.iter().partition(|task| task.duty.done.is_some());
        let late = open.iter().filter(|task| task.state == "overdue").count();
        let mut parts = Vec::new();
        let mut table = TableWords::new(
            "To be done, the oldest first; open one to say that it was done",
            &["What", "By", "Whose it is", "How it stands"],
        );
        for task in &open {
            let id = task.duty.id();
            table.row(
                &work.at(&format!("/tasks/done?task={id}")),
                vec![
                    capital(&task.duty.sentence()),
                    words::date(task.duty.due),
                    task.owner.clone().unwrap_or_default(),
                    task.state.to_owned(),
                ],
            );
        }
        if !table.rows.is_empty() {
            parts.push(Part::Table(table));
        }
        let mut table = TableWords::new(
            "Done, the newest first",
            &["What", "Was due", "Done on", "What shows it"],
        );
        for task in done.iter().rev() {
            let shown = task.duty.done.as_ref();
            let file = task.file.as_ref();
            table.row(
                &file.map_or_else(String::new, |sha256| work.at(&format!("/files/{sha256}"))),
                vec![
                    capital(&task.duty.sentence()),
                    words::date(task.duty.due),
                    shown.map_or_else(String::new, |shown| words::date(shown.on)),
                    shown.map_or_else(String::new, |shown| shown.evidence.clone()),
                ],
            );
        }
        if !table.rows.is_empty() {
            parts.push(Part::Table(table));
        }
        let sentence = match (open.len(), late) {
            (0, _) => "Nothing is to be done in the next months.".to_owned(),
            (1, 0) => "One thing is to be done, and nothing is late.".to_owned(),
            (n, 0) => format!("{n} things are to be done, and nothing is late."),
            (1, _) => "One thing is to be done, and it is late.".to_owned(),
            (n, 1) => format!("{n} things are to be done, one of them late."),
            (n, late) => format!("{n} things are to be done, {late} of them late."),
        };
        work.page("What there is to do", &[], &sentence, None, parts)
    })
    .await
}

/// The form for one.
pub async fn about_done(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        form(&work, &which.task, &Typed::default(), None)
    })
    .await
}

/// Somebody says that it was done.
pub async fn done(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(&["task", "on", "evidence"], &["file"])?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let task = typed.text("task").to_owned();
        let office = &web.state.office;
        if let Err(why) = looked(office.check_acts(&visitor.user, &slug))? {
            return form(&work, &task, &typed, Some(why));
        }
        let on: LocalDay = match typed.text("on").parse() {
            Ok(on) => on,
            Err(why) => {
                let why: domain::calendar::CalendarError = why;
                return form(&work, &task, &typed, Some(sentence(&why.to_string())));
            }
        };
        let (evidence, file) = (typed.text("evidence"), typed.file("file"));
        let said = work
            .society
            .task_done(&task, on, evidence, file, &visitor.user, work.now());
        match looked(said)? {
            Ok(_) => Ok(see(&work.at("/tasks"))),
            Err(why) => form(&work, &task, &typed, Some(why)),
        }
    })
    .await
}

/// The alerts.
pub async fn alerts(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let known = work.society.known();
        let all = work.society.alerts()?;
        let open = all.iter().filter(|one| one.cleared.is_none()).count();
        let seen = all
            .iter()
            .filter(|one| one.cleared.is_none() && one.seen.is_some())
            .count();
        let mut table = TableWords::new(
            "Alerts, the newest first",
            &["Alert", "Roof", "What", "Since", "How it stands"],
        );
        for one in all.iter().rev() {
            let stands = match (&one.cleared, &one.seen) {
                (Some((_, at)), _) => format!("over since {}", moment(&known.zone, *at)),
                (None, Some((seen, by, _))) => {
                    let ticket = match seen.ticket.as_str() {
                        "" => String::new(),
                        ticket => format!(", ticket {ticket}"),
                    };
                    format!("seen by {by}, waiting for an engineer{ticket}")
                }
                (None, None) => "nobody has seen it".to_owned(),
            };
            table.row(
                &work.at(&format!("/alerts/{}", one.raised.number)),
                vec![
                    format!("Alert {}", one.raised.number),
                    site_name(&work, &one.raised.site),
                    one.raised.text.clone(),
                    moment(&known.zone, one.at),
                    stands,
                ],
            );
        }
        let parts = match all.is_empty() {
            true => Vec::new(),
            false => vec![Part::Table(table)],
        };
        let sentence = match (open, seen) {
            (0, _) => "No meter is silent and no roof falls behind.".to_owned(),
            (1, 0) => "One alert is open.".to_owned(),
            (1, _) => "One alert is open, and an engineer is waited for.".to_owned(),
            (n, 0) => format!("{n} alerts are open."),
            (n, seen) => {
                format!("{n} alerts are open; for {seen} of them an engineer is waited for.")
            }
        };
        work.page("Alerts", &[], &sentence, None, parts)
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("what there is to do", "/tasks")];

fn tasks(work: &Work<'_>) -> Result<Vec<Task>, Trouble> {
    let today = work.today();
    let (from, until) = (today.plus(-BACK_DAYS), today.plus(AHEAD_DAYS));
    Ok(work.society.tasks(from, until, work.now())?)
}

fn form(
    work: &Work<'_>,
    task: &str,
    typed: &Typed,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let all = tasks(work)?;
    let open = all.iter().filter(|task| task.duty.done.is_none());
    let choices: Vec<(String, String)> = open
        .map(|task| {
            let words = format!(
                "{}, by {}",
                capital(&task.duty.sentence()),
                words::date(task.duty.due)
            );
            (task.duty.id(), words)
        })
        .collect();
    let on = match typed.text("on") {
        "" => work.today().to_string(),
        typed => typed.to_owned(),
    };
    let sentence = match choices.iter().find(|(id, _)| id == task) {
        Some((_, words)) => format!("{words}: was it done?"),
        None => "What was done?".to_owned(),
    };
    let form = FormWords::to(&work.at("/tasks/done"))
        .ask("task", "What was done", FieldKind::Choice(choices), task)
        .ask("on", "On which day", FieldKind::Day, &on)
        .ask(
            "evidence",
            "What shows it|Such as: read entered at the licensee's portal, reference 123.",
            FieldKind::Text,
            typed.text("evidence"),
        )
        .may(
            "file",
            "A picture or letter that shows it",
            FieldKind::File("image/*,.pdf,.txt,.csv,.html".to_owned()),
            "",
        )
        .follows("It leaves the desk, with your name and what shows it. It is said once.")
        .button("", "Say that it was done");
    work.page(
        "It was done",
        &LISTS,
        &sentence,
        trouble,
        vec![Part::Form(form)],
    )
}
