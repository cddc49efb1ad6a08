//! Statements of frozen runs: a member's own below `/my`, those of a whole run at the desk.

use std::{io::Read, path::Path as FilePath, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use domain::money::Pence;
use office::{
    Refusal, SocietyOffice,
    statements::{MemberStatement, StatementsAsked},
};
use report::{statement::RunFacts, words};
use serde::Deserialize;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Web, frame, kept,
    making::{Progress, index},
    society::named,
    trouble::{Trouble, sentence},
    view::parts::{Cell, Form, Part, PartsPage, Table},
    visitor::{Sent, Visitor, see},
};

/// Members on one page.
const ON_A_PAGE: usize = 100;
/// The page of a run that is being made asks again after so many seconds.
const AGAIN_S: &str = "3";
/// Bytes of a large file that are read at once.
const CHUNK: usize = 256 << 10;

/// The place in the list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    #[serde(default)]
    from: usize,
}

/// What is asked for: to make them all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeForm {
    make: String,
}

/// A member's own statement: `3.pdf`, `3.html`, by the run.
pub async fn own(
    State(web): State<Web>,
    _: Visitor,
    Path((slug, member, sheet)): Path<(String, u32, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let (run, ending) = split(&sheet)?;
        one(web, &society, run, member, ending)
    })
    .await
}

/// The statements of a run.
pub async fn of_run(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, run)): Path<(String, u32)>,
    Query(from): Query<From>,
) -> Result<Response, Trouble> {
    web.ask(move |web| list(web, &visitor, &slug, run, from.from, None))
        .await
}

/// They are to be made, all of them.
pub async fn make(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, run)): Path<(String, u32)>,
    Sent(sent): Sent<MakeForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        if sent.make != "all" {
            return Err(Trouble::form(&format!(
                "`{}` is nothing to make",
                sent.make
            )));
        }
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let facts = kept::working(web, &society, run, now).map_err(Trouble::refused)?;
        match web.making.begin(&society, &facts, now) {
            Ok(()) => Ok(see(&format!("/desk/{slug}/interest/{run}/statements"))),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                list(web, &visitor, &slug, run, 0, Some(why))
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

/// One of them, or the index, or all in one file.
pub async fn file(
    State(web): State<Web>,
    _: Visitor,
    Path((slug, run, of)): Path<(String, u32, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        match of.as_str() {
            "index.csv" => {
                let facts = kept::working(web, &society, run, now).map_err(Trouble::refused)?;
                let asked = StatementsAsked {
                    run,
                    ..StatementsAsked::default()
                };
                let all = society.statements_of(&facts, &asked, now)?;
                let text = index(&all, &[]).to_csv();
                Ok(attached(
                    "text/csv; charset=utf-8",
                    &format!("{slug}-run-{run}-statements.csv"),
                    text.into_bytes(),
                ))
            }
            "all.zip" => match web.making.progress(&slug, run, now) {
                Progress::Ready(ready) => {
                    let name = format!("{slug}-run-{run}-statements.zip");
                    streamed(&ready.path, ready.bytes, &name)
                }
                _ => Err(Trouble::nothing_here()),
            },
            sheet => {
                let (member, ending) = split(sheet)?;
                one(web, &society, run, member, ending)
            }
        }
    })
    .await
}

fn split(name: &str) -> Result<(u32, &str), Trouble> {
    let found = name.rsplit_once('.').and_then(|(number, ending)| {
        let known = matches!(ending, "pdf" | "html");
        known.then_some((number.parse().ok()?, ending))
    });
    found.ok_or_else(Trouble::nothing_here)
}

/// One member's statement of a run, as a file.
fn one(
    web: &Web,
    society: &SocietyOffice,
    run: u32,
    member: u32,
    ending: &str,
) -> Result<Response, Trouble> {
    let now = web.state.clock.now();
    let facts = kept::working(web, society, run, now).map_err(|_| Trouble::nothing_here())?;
    let asked = StatementsAsked {
        run,
        members: vec![member],
        pay_on: None,
    };
    let mut found = match society.statements_of(&facts, &asked, now) {
        Ok(found) => found,
        Err(Refusal::Caller(_)) => return Err(Trouble::nothing_here()),
        Err(ours) => return Err(ours.into()),
    };
    let statement = found.pop().and_then(|one: MemberStatement| one.statement);
    let statement = statement.ok_or_else(Trouble::nothing_here)?;
    let name = statement.file_name(ending);
    if ending == "html" {
        let page = statement.to_html().map_err(Trouble::ours)?;
        return Ok(attached(
            "text/html; charset=utf-8",
            &name,
            page.into_bytes(),
        ));
    }
    match web.making.sheet(&statement) {
        Ok(bytes) => Ok(attached("application/pdf", &name, bytes)),
        Err(pdf::NotSet::Ours(why)) => Err(Trouble::ours(why)),
        Err(why) => Err(Trouble::refused(Refusal::Caller(format!(
            "the statement cannot be typeset: {why}"
        )))),
    }
}

/// A file to keep.
pub fn attached(kind: &str, name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, bytes).into_response()
}

/// A large file, read as it goes out.
fn streamed(path: &FilePath, bytes: u64, name: &str) -> Result<Response, Trouble> {
    let mut file = std::fs::File::open(path).map_err(Trouble::ours)?;
    let (out, chunks) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => {
                    chunk.truncate(read);
                    Ok(Bytes::from(chunk))
                }
                Err(error) => Err(error),
            };
            // Whoever asked for it may have gone.
            if out.blocking_send(read).is_err() {
                break;
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    let body = Body::from_stream(ReceiverStream::new(chunks));
    Ok((headers, body).into_response())
}

fn list(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    run: u32,
    from: usize,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let now = web.state.clock.now();
    let facts = kept::working(web, &society, run, now).map_err(Trouble::refused)?;
    let here = format!("/desk/{slug}/interest/{run}/statements");
    let totals = totals(&society, run)?;
    let mut table = Table::new(
        "One a member; each as a sheet to print and as a page",
        &["Member", "<Name", "Interest", "<Page"],
    );
    for (member, pence) in totals.iter().skip(from).take(ON_A_PAGE) {
        let name = society.member(*member, now)?.1;
        table.row(vec![
            Cell::link(member.to_string(), format!("{here}/{member}.pdf")),
            Cell::text(name.map_or_else(|| "(erased)".to_owned(), |person| person.name)),
            Cell::text(Pence(*pence).to_string()),
            Cell::link("as a page", format!("{here}/{member}.html")),
        ]);
    }
    let number = u32::try_from(totals.len()).unwrap_or(u32::MAX);
    let mut parts = all_of_them(web, slug, &facts, &here)?;
    let running = parts.iter().any(|part| matches!(part, Part::Progress(..)));
    parts.push(Part::Heading("One by one".to_owned()));
    parts.push(Part::Table(table));
    let mut ways = vec![frame::link(
        "The index of all (CSV)",
        &format!("{here}/index.csv"),
    )];
    if from > 0 {
        let before = from.saturating_sub(ON_A_PAGE);
        ways.push(frame::link(
            "The members before",
            &format!("{here}?from={before}"),
        ));
    }
    if from + ON_A_PAGE < totals.len() {
        let next = from + ON_A_PAGE;
        ways.push(frame::link(
            "The members after",
            &format!("{here}?from={next}"),
        ));
    }
    parts.push(Part::Links(ways));
    let mut page = frame::page(&PartsPage {
        frame: frame::of_visitor(web, visitor, "Statements", &here),
        above: super::interest::above(&society, Some(run)),
        sentence: format!(
            "Interest run {run} for {} has {}, together {}.",
            words::span(facts.from, facts.to),
            words::count(number, "statement", "statements"),
            facts.total
        ),
        sample: facts.sample,
        trouble,
        parts,
        ..PartsPage::default()
    })?;
    if running {
        let again = HeaderValue::from_static(AGAIN_S);
        page.headers_mut().insert(header::REFRESH, again);
    }
    Ok(page)
}

/// What each member of a run got, by member.
fn totals(society: &SocietyOffice, run: u32) -> Result<Vec<(u32, i64)>, Trouble> {
    let mut totals = std::collections::BTreeMap::<u32, i64>::new();
    for line in society.interest_run(run)?.note.lines {
        *totals.entry(line.member).or_default() += line.pence;
    }
    Ok(totals.into_iter().collect())
}

/// How the file of all statements stands, and what can be done about it.
fn all_of_them(
    web: &Web,
    slug: &str,
    facts: &Arc<RunFacts>,
    here: &str,
) -> Result<Vec<Part>, Trouble> {
    let form = |button: &str, quieter| {
        Part::Form(Form {
            action: here.to_owned(),
            hidden: vec![("make", "all".to_owned())],
            button: button.to_owned(),
            quieter,
            ..Form::default()
        })
    };
    let mut parts = vec![Part::Heading("All in one file".to_owned())];
    match web
        .making
        .progress(slug, facts.number, web.state.clock.now())
    {
        Progress::None => {
            parts.push(Part::Text(
                "One sheet for each member and an index, in one file (ZIP). Ten thousand take about a minute; this page says how far they are.".to_owned(),
            ));
            parts.push(form("Make all statements", false));
        }
        Progress::Running(done, all) => {
            parts.push(Part::Text(format!(
                "{} of {} are made. This page looks again by itself; you may go on with something else.",
                words::whole(i64::try_from(done).unwrap_or(i64::MAX)),
                words::whole(i64::try_from(all).unwrap_or(i64::MAX)),
            )));
            parts.push(Part::Progress(done, all.max(1)));
        }
        Progress::Ready(ready) => {
            parts.push(Part::Text(format!(
                "{} are made, {} MB. They hold names and addresses: keep the file where only you can read it. It is taken away here after a day.",
                words::count(ready.statements, "statement", "statements"),
                words::whole(i64::try_from(ready.bytes.div_ceil(1_000_000)).unwrap_or(i64::MAX)),
            )));
            if !ready.not.is_empty() {
                let lines = ready
                    .not
                    .iter()
                    .map(|(member, why)| format!("Member {member}: {why}"));
                parts.push(Part::Text("These could not be set:".to_owned()));
                parts.push(Part::List(lines.collect()));
            }
            parts.push(Part::Links(vec![frame::link(
                "Take all statements away (ZIP)",
                &format!("{here}/all.zip"),
            )]));
            parts.push(form("Make them again", true));
        }
        Progress::Failed(why) => {
            parts.push(Part::Text(format!(
                "They could not be made: {}",
                sentence(&why.replace("\nhint: ", "; "))
            )));
            parts.push(form("Try again", false));
        }
    }
    Ok(parts)
}
