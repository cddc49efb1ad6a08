//! `/desk/{slug}/statement` and `/desk/{slug}/paid`: what a licensee says it paid held against what is
//! due, every difference named, and the letter; from old statements and reads alone, too.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::money::Pence;
use identity::Right;

use super::{
    Web, layout,
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::Visitor,
    work::{Work, looked, on_page},
};
use office::claims_paid::{Age, Differs, Reconciled};

/// Paid within so many days of a claim's last is paid in time.
const WITHIN_DAYS: u16 = 60;
/// Files a statement may be.
const CSV: &str = ".csv,text/csv,text/plain";

/// The form for a statement.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| form(&Work::of(web, &visitor, &slug)?, &Typed::default(), None))
        .await
}

/// A statement is looked at; nothing is kept.
pub async fn look(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let mut others = vec!["file", "upload"];
    others.extend(layout::FIELDS);
    let typed = typed.has(&["dates"], &others)?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let Some((upload, given)) = typed.given(web, &visitor, &slug, "file")? else {
            return form(&work, &typed, Some("Choose the statement's file.".to_owned()));
        };
        let mapping = match looked(layout::typed(&typed))? {
            Ok(mapping) => mapping,
            Err(why) => return form(&work, &typed, Some(why)),
        };
        let Ok(text) = std::str::from_utf8(&given.bytes) else {
            let why = format!("{} is no text. Save it as CSV in UTF-8.", given.name);
            return form(&work, &typed, Some(why));
        };
        let statement = Some((text, &mapping));
        let office = &web.state.office;
        match looked(office.reconcile(Some(&slug), statement, WITHIN_DAYS, work.now()))? {
            Ok(made) => {
                let mut parts = parts_of(&made);
                if work.may(Right::Money) {
                    let go_on = FormWords::to(&work.at("/bank/import"))
                        .with("upload", &upload);
                    parts.push(Part::Heading("Take these payments in".to_owned()));
                    parts.push(Part::Form(
                        layout::along(go_on, &typed)
                            .follows("So far nothing of the file is kept. Taken in, its rows are known from then on, and the next look needs no file.")
                            .button("look", "Go on to take them in"),
                    ));
                }
                let sentence = in_a_sentence(&made, &given.name);
                work.page("A statement", &LISTS, &sentence, None, parts)
            }
            Err(why) => form(&work, &typed, Some(why)),
        }
    })
    .await
}

/// All that came in so far.
pub async fn all(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let office = &web.state.office;
        let made = office.reconcile(Some(&slug), None, WITHIN_DAYS, work.now())?;
        let parts = parts_of(&made);
        let sentence = in_a_sentence(&made, "what was taken in so far");
        work.page("Paid against due", &LISTS, &sentence, None, parts)
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("claims", "/claims")];

fn form(work: &Work<'_>, typed: &Typed, trouble: Option<String>) -> Result<Response, Trouble> {
    let form = FormWords::to(&work.at("/statement")).ask(
        "file",
        "The statement|A CSV file. Old ones will do: what was due is worked out from the reads of those days.",
        FieldKind::File(CSV.to_owned()),
        "",
    );
    let form = layout::ask(form, typed, false)
        .follows("Each row is held against the reads and the published rates. Nothing is kept or changed.")
        .button("", "Look for what is lacking");
    work.page(
        "A statement",
        &LISTS,
        "Which of these payments were right?",
        trouble,
        vec![Part::Form(form)],
    )
}

fn in_a_sentence(made: &Reconciled, of: &str) -> String {
    let lacking = made.lacking();
    match (made.claims, made.found.len()) {
        (0, 0) => "There is nothing yet to hold against each other.".to_owned(),
        (_, 0) => format!("Everything in {of} was paid as it should be."),
        (_, _) if lacking == Pence::ZERO => {
            format!(
                "Nothing is lacking in {of}, and {} is to be looked at.",
                count(made.found.len())
            )
        }
        (_, n) => format!("{lacking} is lacking in {of}: {}.", count(n)),
    }
}

fn count(n: usize) -> String {
    match n {
        1 => "one difference".to_owned(),
        n => format!("{n} differences"),
    }
}

fn parts_of(made: &Reconciled) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut table = TableWords::new(
        "Every difference between what is due and what was paid",
        &["Days", "Installation", "What", "#Lacking", "How old"],
    );
    for Differs {
        found, age_days, ..
    } in &made.found
    {
        let kind = found.kind.map(|kind| format!("{}: ", kind.word()));
        let what = sentence(&found.difference.to_string());
        table.row(
            "",
            vec![
                report::words::span(found.claim.from, found.claim.to),
                found.claim.installation.clone(),
                format!("{}{what}", kind.unwrap_or_default()),
                match found.lacking.0 {
                    ..0 => format!("{} too much", Pence(-found.lacking.0)),
                    _ => found.lacking.to_string(),
                },
                match found.lacking.0 {
                    1.. => Age::of(*age_days).word().to_owned(),
                    _ => String::new(),
                },
            ],
        );
    }
    if !table.rows.is_empty() {
        let lacking = made.lacking().to_string();
        table.sum(vec![
            "Lacking".to_owned(),
            String::new(),
            String::new(),
            lacking,
            String::new(),
        ]);
        parts.push(Part::Table(table));
    }
    parts.push(Part::Text(format!(
        "{} rows were held against {} claims; a frozen claim says what is due, other days are worked out from the reads.",
        made.rows, made.claims
    )));
    if !made.unclear.is_empty() {
        parts.push(Part::Heading(
            "What could not be held against anything".to_owned(),
        ));
        parts.push(Part::Notes(
            made.unclear.iter().map(|why| on_page(why)).collect(),
        ));
    }
    let letter = made.letter();
    if !letter.is_empty() {
        parts.push(Part::Heading("The letter, drafted".to_owned()));
        parts.push(Part::Text("Check it, print it, sign it, and enclose the sheets of the claims it names. Printing this page prints the letter alone.".to_owned()));
        parts.push(Part::Letter(letter));
    }
    parts
}
