//! `/desk/{slug}/bank`: payments as they came in, a file of them taken in after it was looked at, and
//! what each payment is for.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::money::Pence;
use identity::Right;

use super::{
    Web, layout,
    trouble::Trouble,
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Work, day_words, looked},
};
use office::bank::{BankRow, Imported, Pays, pays_words};

/// Most payments in the list.
const MOST: usize = 500;
/// Letters of a payment's name that are shown.
const SHOWN: usize = 8;

/// The payments.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let mut rows = work.society.payments()?;
        rows.sort_by(|a, b| (&b.on, &b.row).cmp(&(&a.on, &a.row)));
        let open: Vec<&BankRow> = rows.iter().filter(|row| row.pays.is_none()).collect();
        let sentence = match (rows.len(), open.len()) {
            (0, _) => "No payment has been taken in yet.".to_owned(),
            (_, 0) => "Every payment is matched.".to_owned(),
            (_, 1) => "One payment is matched to nothing.".to_owned(),
            (_, n) => format!("{n} payments are matched to nothing."),
        };
        let mut parts = Vec::new();
        if work.may(Right::Money) {
            let mut ways =
                vec![work.link("Take in the bank's file or a statement", "/bank/import")];
            if !open.is_empty() {
                ways.push(work.link("Say what payments are for", "/bank/match"));
            }
            ways.push(work.link("What is lacking", "/paid"));
            parts.push(Part::Links(ways));
        }
        if !rows.is_empty() {
            let texts = work.society.payment_texts()?;
            let mut table = TableWords::new(
                "Payments, the newest first",
                &[
                    "Day",
                    "#Amount",
                    "Pays",
                    "As it stands in the file",
                    "Its name here",
                ],
            );
            for row in rows.iter().take(MOST) {
                table.row(
                    "",
                    vec![
                        day_words(&row.on),
                        Pence(row.pence).to_string(),
                        pays_words(row.pays.as_ref(), day_words),
                        texts.get(&row.row).cloned().unwrap_or_default(),
                        row.row.chars().take(SHOWN).collect(),
                    ],
                );
            }
            parts.push(Part::Table(table));
            if rows.len() > MOST {
                parts.push(Part::Text(format!(
                    "These are the newest {MOST} of {}.",
                    rows.len()
                )));
            }
        }
        work.page("Money in the bank", &[], &sentence, None, parts)
    })
    .await
}

/// The form for a file.
pub async fn about_to_import(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| import_form(&Work::of(web, &visitor, &slug)?, &Typed::default(), None))
        .await
}

/// A file is looked at, or taken in.
pub async fn import(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let mut others = vec!["file", "upload"];
    others.extend(layout::FIELDS);
    let typed = typed.has(&["action"], &others)?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let Some((upload, given)) = typed.given(web, &visitor, &slug, "file")? else {
            return import_form(&work, &typed, Some("Choose the file.".to_owned()));
        };
        let mapping = match looked(layout::typed(&typed))? {
            Ok(mapping) => mapping,
            Err(why) => return import_form(&work, &typed, Some(why)),
        };
        let society = &work.society;
        if typed.text("action") == "import" {
            let done = society.import_bank(&given, "desk", &mapping, &visitor.user, work.now());
            return match looked(done)? {
                Ok(_) => {
                    web.uploads.forget(&upload);
                    Ok(see(&work.at("/bank")))
                }
                Err(why) => import_form(&work, &typed, Some(why)),
            };
        }
        match looked(society.look_at_bank(&given, "desk", &mapping))? {
            Ok(made) => {
                let go_on = FormWords::to(&work.at("/bank/import")).with("upload", &upload);
                let mut parts = rows_of(&made);
                if !made.new.is_empty() {
                    parts.push(Part::Heading("What follows".to_owned()));
                    parts.push(Part::Form(
                        layout::along(go_on, &typed)
                            .follows("Days, amounts and what each row pays are written down; the file itself is kept sealed. A row is never counted twice.")
                            .button("import", "Take these payments in"),
                    ));
                }
                let sentence = match (made.new.len(), made.rows) {
                    (0, rows) => format!("All {rows} rows of {} are known already.", given.name),
                    (1, _) => format!("One row of {} is new.", given.name),
                    (n, rows) => format!("{n} of {rows} rows of {} are new.", given.name),
                };
                work.page("A file of payments", &LISTS, &sentence, None, parts)
            }
            Err(why) => import_form(&work, &typed, Some(why)),
        }
    })
    .await
}

/// Payments that nobody has matched, each with what it may be for.
pub async fn about_to_match(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| match_form(&Work::of(web, &visitor, &slug)?, None))
        .await
}

/// A payment is for something.
pub async fn matched(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(&["row", "pays"], &[])?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let pays = match typed.text("pays").split_once(' ') {
            None if typed.text("pays") == "nothing" => Pays::Nothing,
            Some(("claims", installation)) => Pays::Claims {
                installation: installation.to_owned(),
            },
            Some(("bill", number)) => match number.parse() {
                Ok(number) => Pays::Bill { number },
                Err(_) => return Err(Trouble::form("that is no bill")),
            },
            _ => {
                let why = "Choose what the payment is for.".to_owned();
                return match_form(&work, Some(why));
            }
        };
        let row = typed.text("row");
        match looked(
            work.society
                .match_payment(row, pays, &visitor.user, work.now()),
        )? {
            Ok(_) => Ok(see(&work.at("/bank/match"))),
            Err(why) => match_form(&work, Some(why)),
        }
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("money in the bank", "/bank")];
/// Most payments with a form at once.
const MOST_FORMS: usize = 20;

fn import_form(
    work: &Work<'_>,
    typed: &Typed,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let form = FormWords::to(&work.at("/bank/import")).ask(
        "file",
        "The file|As the bank or the licensee gives it for download, as CSV.",
        FieldKind::File(".csv,text/csv,text/plain".to_owned()),
        "",
    );
    let form = layout::ask(form, typed, true)
        .follows("You see what would be taken in before anything is written down.")
        .button("look", "Look at it first");
    let sentence = "Take in what came into the bank.";
    work.page(
        "A file of payments",
        &LISTS,
        sentence,
        trouble,
        vec![Part::Form(form)],
    )
}

fn rows_of(made: &Imported) -> Vec<Part> {
    if made.new.is_empty() {
        return Vec::new();
    }
    let mut table = TableWords::new("What is new", &["Line", "Day", "#Amount", "Pays"]);
    for row in made.new.iter().take(MOST) {
        table.row(
            "",
            vec![
                row.line.to_string(),
                day_words(&row.on),
                Pence(row.pence).to_string(),
                pays_words(row.pays.as_ref(), day_words),
            ],
        );
    }
    vec![Part::Table(table)]
}

fn match_form(work: &Work<'_>, trouble: Option<String>) -> Result<Response, Trouble> {
    let known = work.society.known();
    let rows = work.society.payments()?;
    let open: Vec<&BankRow> = rows.iter().filter(|row| row.pays.is_none()).collect();
    let texts = work.society.payment_texts()?;
    let mut choices = vec![(String::new(), "choose what it is for".to_owned())];
    for debt in work.society.debts(work.now())? {
        let number = debt.made.bill.number;
        let words = format!("bill {number} to {}, {} open", debt.name, debt.open);
        choices.push((format!("bill {number}"), words));
    }
    for one in &known.document.installation {
        choices.push((
            format!("claims {}", one.id),
            format!("claims of {}", one.id),
        ));
    }
    choices.push((
        "nothing".to_owned(),
        "none of the society's income".to_owned(),
    ));
    let mut parts = Vec::new();
    for (n, row) in open.iter().take(MOST_FORMS).enumerate() {
        parts.push(Part::Heading(format!(
            "{} on {}",
            Pence(row.pence),
            day_words(&row.on)
        )));
        if let Some(text) = texts.get(&row.row) {
            parts.push(Part::Text(text.clone()));
        }
        let form = FormWords::to(&work.at("/bank/match"))
            .with("row", &row.row)
            .ask(
                "pays",
                "What it is for",
                FieldKind::Choice(choices.clone()),
                "",
            )
            .button("", "Match this payment")
            .named(&format!("row-{n}"));
        parts.push(Part::Form(form));
    }
    let sentence = match open.len() {
        0 => "Every payment is matched.".to_owned(),
        1 => "One payment is matched to nothing.".to_owned(),
        n => format!("{n} payments are matched to nothing."),
    };
    work.page("What payments are for", &LISTS, &sentence, trouble, parts)
}
