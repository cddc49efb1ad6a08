//! `/desk/{slug}/tables`: the dated tables, what is asked for, rows that one officer proposes with their
//! source and file, and another officer's word on them.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::projection::Certainty;
use identity::Right;
use report::words;

use super::{
    Web, frame,
    me::moment,
    trouble::Trouble,
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Work, capital, looked, on_page},
};
use office::tables::{Extend, Proposal, Table, Typed as Cells};

/// The tables of a society.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let society = &work.society;
        let proposals = society.proposals()?;
        let waiting: Vec<&Proposal> = proposals
            .iter()
            .filter(|one| one.decided.is_none())
            .collect();
        let mut parts = Vec::new();
        let asked = society.asked_for(work.now())?;
        let asked: Vec<&String> = asked
            .iter()
            .filter(|text| !text.starts_with("proposal "))
            .collect();
        if !asked.is_empty() {
            parts.push(Part::Heading("Asked for".to_owned()));
            parts.push(Part::Notes(
                asked.iter().map(|text| on_page(text)).collect(),
            ));
        }
        if !proposals.is_empty() {
            let mut table = TableWords::new(
                "Rows that were proposed here, the newest first",
                &["Proposal", "Table", "By", "How it stands"],
            );
            for one in proposals.iter().rev() {
                table.row(
                    &work.at(&format!("/proposals/{}", one.extended.number)),
                    vec![
                        format!("Proposal {}", one.extended.number),
                        words_of(&one.extended.table),
                        one.by.0.clone(),
                        standing(one),
                    ],
                );
            }
            parts.push(Part::Table(table));
        }
        let mut table = TableWords::new(
            "The tables",
            &["Table", "What it holds", "#Rows", "The last one"],
        );
        for one in Table::ALL {
            let rows = society.table_rows(one)?;
            let last = rows.last().map(|row| format!("{}: {}", row.of, row.value));
            table.row(
                &work.at(&format!("/tables/{}", one.word())),
                vec![
                    one.word().to_owned(),
                    one.words().to_owned(),
                    rows.len().to_string(),
                    last.unwrap_or_default(),
                ],
            );
        }
        parts.push(Part::Table(table));
        let sentence = match waiting.len() {
            0 => "No row waits for another officer.".to_owned(),
            1 => "One proposal waits for another officer.".to_owned(),
            n => format!("{n} proposals wait for another officer."),
        };
        work.page("Dated tables", &[], &sentence, None, parts)
    })
    .await
}

/// One table with its rows.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, table)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let table = of_word(&table)?;
        let rows = work.society.table_rows(table)?;
        let mut shown = TableWords::new(
            "Every row, with where it stands in print",
            &["From when, for whom", "Value", "From", "How sure", "Source"],
        );
        for row in &rows {
            shown.row(
                "",
                vec![
                    row.of.clone(),
                    row.value.clone(),
                    row.from.clone(),
                    row.certainty.clone(),
                    row.source.clone(),
                ],
            );
        }
        let mut parts = vec![Part::Table(shown)];
        if work.may(Right::Money) {
            let href = format!("/tables/{}/extend", table.word());
            parts.push(Part::Links(vec![work.link("Propose a row", &href)]));
        }
        let sentence = match rows.len() {
            0 => format!("{}: no rows yet.", capital(table.words())),
            1 => format!("{}: one row.", capital(table.words())),
            n => format!("{}: {n} rows.", capital(table.words())),
        };
        work.page(table.word(), &LISTS, &sentence, None, parts)
    })
    .await
}

/// The form for a row.
pub async fn about_to_extend(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, table)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        extend_form(&work, of_word(&table)?, &Typed::default(), None)
    })
    .await
}

/// A row is looked at, or proposed.
pub async fn extend(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, table)): Path<(String, String)>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let table = of_word(&table)?;
    let columns: Vec<&str> = table.columns().iter().map(|name| bare(name)).collect();
    let mut others = columns.clone();
    others.extend(["file", "upload"]);
    let typed = typed.has(&["action", "source", "certainty"], &others)?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let Some((upload, given)) = typed.given(web, &visitor, &slug, "file")? else {
            let why = "Choose the page, bill or file the row is taken from.".to_owned();
            return extend_form(&work, table, &typed, Some(why));
        };
        let Some(certainty) = Certainty::of_word(typed.text("certainty")) else {
            return Err(Trouble::form("that is no certainty"));
        };
        let cells: Cells = columns
            .iter()
            .map(|name| ((*name).to_owned(), typed.text(name).to_owned()))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        let extend = Extend {
            table,
            rows: vec![cells],
            source: typed.text("source").to_owned(),
            certainty,
            file: Some(given),
        };
        if typed.text("action") == "propose" {
            let done = work.society.extend_table(&extend, &visitor.user, work.now());
            return match looked(done)? {
                Ok(made) => {
                    web.uploads.forget(&upload);
                    let number = made.extended.number;
                    Ok(see(&work.at(&format!("/proposals/{number}"))))
                }
                Err(why) => extend_form(&work, table, &typed, Some(why)),
            };
        }
        match looked(work.society.look_at_rows(&extend))? {
            Ok(Ok(there)) => Ok(see(&work.at(&format!("/proposals/{}", there.extended.number)))),
            Ok(Err(_)) => {
                let mut shown = TableWords::new("The row", &["Column", "Value"]);
                for (name, text) in extend.rows.iter().flatten() {
                    shown.row("", vec![name.clone(), text.clone()]);
                }
                shown.row("", vec!["source".to_owned(), extend.source.clone()]);
                let mut form = FormWords::to(&work.at(&format!("/tables/{}/extend", table.word())))
                    .with("upload", &upload);
                for field in columns.iter().copied().chain(["source", "certainty"]) {
                    form = form.with(field, typed.text(field));
                }
                let parts = vec![
                    Part::Table(shown),
                    Part::Form(form
                        .follows("It holds when another officer has looked at the file and approved it; then claims, bills and reports of the society use it. Nothing replaces a row that is there.")
                        .button("propose", "Propose this row")),
                ];
                let sentence = format!("This row can stand in {}.", table.words());
                work.page("A row to propose", &LISTS, &sentence, None, parts)
            }
            Err(why) => extend_form(&work, table, &typed, Some(why)),
        }
    })
    .await
}

/// A proposal.
pub async fn proposal(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(&Work::of(web, &visitor, &slug)?, number, false, None))
        .await
}

/// The same, where it is decided.
pub async fn about_to_decide(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(&Work::of(web, &visitor, &slug)?, number, true, None))
        .await
}

/// Another officer says yes or no.
pub async fn decide(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(&["action"], &["reason"])?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let refused = match typed.text("action") {
            "approve" => None,
            "refuse" if typed.text("reason").is_empty() => {
                return show(
                    &work,
                    number,
                    true,
                    Some("Say why it is refused.".to_owned()),
                );
            }
            "refuse" => Some(typed.text("reason")),
            _ => return Err(Trouble::form("that is no decision")),
        };
        let done = work
            .society
            .decide_table(number, refused, &visitor.user, work.now());
        match looked(done)? {
            Ok(_) => Ok(see(&work.at(&format!("/proposals/{number}")))),
            Err(why) => show(&work, number, true, Some(why)),
        }
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("dated tables", "/tables")];

fn of_word(word: &str) -> Result<Table, Trouble> {
    word.parse().map_err(|_| Trouble::nothing_here())
}

fn words_of(word: &str) -> String {
    word.parse::<Table>()
        .map_or_else(|_| word.to_owned(), |table| table.words().to_owned())
}

fn bare(column: &str) -> &str {
    column.trim_matches(['[', ']'])
}

fn standing(one: &Proposal) -> String {
    match &one.decided {
        None => "waits for another officer".to_owned(),
        Some((said, by, _)) if said.approved => format!("approved by {by}"),
        Some((said, by, _)) => format!("refused by {by}: {}", said.reason),
    }
}

fn extend_form(
    work: &Work<'_>,
    table: Table,
    typed: &Typed,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let mut form = FormWords::to(&work.at(&format!("/tables/{}/extend", table.word())));
    for column in table.columns() {
        let name = bare(column);
        let label = format!("{}{}", capital(&name.replace('_', " ")), help_of(name));
        let kind = match name {
            "from" | "to" | "eligible_from" | "eligible_to" => FieldKind::Day,
            "percent" | "p_per_kwh" | "kg_per_kwh" | "over_kw" | "up_to_kw" => FieldKind::Decimal,
            "index" => FieldKind::Choice(pairs(&["CPI", "RPI"])),
            _ => FieldKind::Short,
        };
        form = match column.starts_with('[') {
            true => form.may(name, &label, kind, typed.text(name)),
            false => form.ask(name, &label, kind, typed.text(name)),
        };
    }
    let form = form
        .ask(
            "source",
            "Where it is printed|Who published it, and when.",
            FieldKind::Text,
            typed.text("source"),
        )
        .ask(
            "certainty",
            "How sure it is",
            FieldKind::Choice(pairs(&["high", "medium", "low", "calculated", "sample"])),
            typed.text("certainty"),
        )
        .ask(
            "file",
            "The page, bill or file it is taken from|It is kept beside the journal by its hash, and the other officer looks at it.",
            FieldKind::File("image/*,.pdf,.csv,.html,.txt".to_owned()),
            "",
        )
        .button("look", "Look at it first");
    let sentence = format!("Propose a row of {}.", table.words());
    work.page(
        "A row to propose",
        &LISTS,
        &sentence,
        trouble,
        vec![Part::Form(form)],
    )
}

/// A line of help where a column needs one.
fn help_of(column: &str) -> &'static str {
    match column {
        "year" => "|The year that begins on its 1 April.",
        "percent" => "|As it was published: the 12-month rate, to one decimal.",
        "p_per_kwh" => "|Pence a kWh, before VAT.",
        "host" => "|The host's id in the society file.",
        "name" => "|The word under which contracts name these prices.",
        _ => "",
    }
}

fn pairs(words: &[&str]) -> Vec<(String, String)> {
    let all = words.iter();
    all.map(|word| ((*word).to_owned(), (*word).to_owned()))
        .collect()
}

fn show(
    work: &Work<'_>,
    number: u32,
    deciding: bool,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let all = work.society.proposals()?;
    let one = all.iter().find(|one| one.extended.number == number);
    let one = one.ok_or_else(Trouble::nothing_here)?;
    let known = work.society.known();
    let extended = &one.extended;
    let mut table = TableWords::new("What was proposed", &["Column", "Value"]);
    for row in &extended.rows {
        for (name, text) in row {
            table.row("", vec![name.clone(), text.clone()]);
        }
    }
    table.row("", vec!["source".to_owned(), extended.source.clone()]);
    table.row("", vec!["how sure".to_owned(), extended.certainty.clone()]);
    let mut parts = vec![Part::Table(table)];
    let mut notes = vec![format!(
        "Proposed by {} on {}.",
        one.by.0,
        moment(&known.zone, one.by.1)
    )];
    if let Some((said, by, at)) = &one.decided {
        let what = match said.approved {
            true => "Approved".to_owned(),
            false => format!("Refused ({})", said.reason),
        };
        notes.push(format!("{what} by {by} on {}.", moment(&known.zone, *at)));
    }
    parts.push(Part::Notes(notes));
    if let Some(file) = &extended.file {
        let href = work.at(&format!("/files/{}", file.sha256));
        parts.push(Part::Links(vec![frame::link(
            &format!("The file it is taken from: {}", file.name),
            &href,
        )]));
    }
    let own = one.by.0 == work.visitor.user;
    let here = format!("/proposals/{number}");
    match (&one.decided, deciding) {
        (Some(_), _) => {}
        (None, true) => {
            let to = work.at(&format!("{here}/decide"));
            if !own {
                parts.push(Part::Heading("What follows".to_owned()));
                parts.push(Part::Form(FormWords::to(&to)
                    .follows("You have looked at the file, and it says so. From now on claims, bills and reports of the society use the row.")
                    .button("approve", "Approve this row")));
            }
            parts.push(Part::Form(
                FormWords::to(&to)
                    .ask(
                        "reason",
                        if own {
                            "Why you take it back"
                        } else {
                            "Why it is refused"
                        },
                        FieldKind::Text,
                        "",
                    )
                    .button(
                        "refuse",
                        if own {
                            "Take it back"
                        } else {
                            "Refuse this row"
                        },
                    ),
            ));
        }
        (None, false) if work.may(Right::Approve) => {
            if own {
                parts.push(Part::Text(
                    "You proposed it, so another officer has to approve it.".to_owned(),
                ));
            }
            let text = if own {
                "Take it back"
            } else {
                "Decide about it"
            };
            parts.push(Part::Links(vec![
                work.link(text, &format!("{here}/decide")),
            ]));
        }
        (None, false) => parts.push(Part::Text(
            "It takes an officer who may approve what another prepared.".to_owned(),
        )),
    }
    let sentence = format!(
        "Proposal {number} for {}: {}.",
        words_of(&extended.table),
        match &one.decided {
            None => format!(
                "{} waits for another officer",
                words::count(
                    u32::try_from(extended.rows.len()).unwrap_or(0),
                    "row",
                    "rows"
                )
            ),
            Some(_) => standing(one),
        }
    );
    work.page(
        &format!("Proposal {number}"),
        &LISTS,
        &sentence,
        trouble,
        parts,
    )
}
