//! `/desk/{slug}/year`: the year's papers. HMRC's list, tax deducted, the year-end pack.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::{
    calendar::{LocalDay, Period},
    money::Pence,
};
use office::{
    Refusal, SocietyOffice,
    papers::{HMRC_LEAST, PackLine, hmrc_table},
};
use report::{sheet, words};
use serde::Deserialize;

use super::{
    Web, frame,
    society::named,
    statements::attached,
    trouble::{Trouble, sentence},
    view::{
        Link,
        parts::{Cell, Field, FieldKind, Form, Part, PartsPage, Table},
    },
    visitor::Visitor,
};

/// Most persons on the page; the table to take away has all.
const MOST_LINES: usize = 500;

/// Which year.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Year {
    #[serde(default)]
    year: String,
}

/// The pages that pages about papers lie below.
pub fn above(society: &SocietyOffice) -> Vec<Link> {
    let name = &society.known().document.society.name;
    let href = format!("/desk/{}", society.slug());
    vec![frame::link(&format!("The desk of {name}"), &href)]
}

/// The papers of a year.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(year): Query<Year>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let period = year_of(web, &society, &year.year)?;
        let here = format!("/desk/{slug}/year");
        let of = period.last_day().year();
        let list = society.hmrc_list(period, HMRC_LEAST)?;
        let mut parts = vec![Part::Heading(format!("Interest for HMRC, {of}"))];
        let mut table = Table::new(
            "Persons with £250 and more paid or credited in the year, over all runs and ways",
            &["Member", "<Name", "<Address", "Interest", "Tax deducted"],
        );
        for line in list.lines.iter().take(MOST_LINES) {
            table.row(vec![
                Cell::text(line.member.to_string()),
                Cell::text(line.name.clone().unwrap_or_else(|| "(erased)".to_owned())),
                Cell::text(line.address.as_str()),
                Cell::text(line.gross.to_string()),
                Cell::text(line.tax.to_string()),
            ]);
        }
        parts.push(match list.lines.is_empty() {
            true => Part::Text("Nobody was paid £250 or more in this year.".to_owned()),
            false => Part::Table(table),
        });
        parts.push(Part::Text(format!(
            "{} below that got {} together. Cheques over {} were not cashed: they are owed, and count when they are. HMRC’s own template is filled unaltered; copy the columns into it, and send it by {}.",
            words::count(u32::try_from(list.below_count).unwrap_or(u32::MAX), "person", "persons"),
            list.below,
            list.uncashed,
            words::date(list.due)
        )));
        parts.push(Part::Links(vec![
            frame::link("The list (CSV)", &format!("{here}/hmrc-{of}.csv")),
            frame::link("The list (XLSX)", &format!("{here}/hmrc-{of}.xlsx")),
        ]));
        parts.extend(tax(&society, period)?);
        parts.push(Part::Heading(format!("The year-end pack, {of}")));
        match society.year_end_pack(period) {
            Ok(pack) => {
                parts.push(Part::Text(
                    "What an accountant starts from; no accounts.".to_owned(),
                ));
                parts.push(Part::Table(amounts("Income and expense", &pack.income, Some(pack.surplus))));
                parts.push(Part::Table(amounts("The balance at the end", &pack.balance, None)));
                parts.push(Part::Table(notes(&pack.notes)));
                if !pack.owed.is_empty() {
                    parts.push(Part::Table(owed(&pack.owed)));
                }
                parts.push(Part::Links(vec![
                    frame::link("The pack, to print (HTML)", &format!("{here}/pack-{of}.html")),
                    frame::link("The pack (CSV)", &format!("{here}/pack-{of}.csv")),
                ]));
            }
            Err(Refusal::Caller(why)) => {
                parts.push(Part::Text(sentence(&why.replace("\nhint: ", "; "))));
            }
            Err(ours) => return Err(ours.into()),
        }
        parts.push(Part::Heading("Another year".to_owned()));
        parts.push(Part::Form(Form {
            action: here.clone(),
            fields: vec![Field::new("year", "The year in which it ends", FieldKind::Line(true)).value(&of.to_string())],
            button: "Show that year".to_owned(),
            quieter: true,
            looks: true,
            ..Form::default()
        }));
        frame::page(&PartsPage {
            frame: frame::of_visitor(web, &visitor, "The year’s papers", &here),
            above: above(&society),
            sentence: format!(
                "For {}, {} of share interest stand on HMRC’s list, {} in all.",
                words::span(period.first_day(), period.last_day()),
                words::count(
                    u32::try_from(list.lines.len()).unwrap_or(u32::MAX),
                    "line",
                    "lines"
                ),
                Pence(list.lines.iter().map(|line| line.gross.0).sum())
            ),
            sample: society.is_sample(),
            parts,
            ..PartsPage::default()
        })
    })
    .await
}

/// One of the papers as a file: `hmrc-2015.csv`, `hmrc-2015.xlsx`, `pack-2014.html`, `pack-2014.csv`.
pub async fn file(
    State(web): State<Web>,
    _: Visitor,
    Path((slug, paper)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let parts = paper.split_once('-').and_then(|(what, rest)| {
            let (year, ending) = rest.split_once('.')?;
            Some((what, year, ending))
        });
        let (what, year, ending) = parts.ok_or_else(Trouble::nothing_here)?;
        let period = year_of(web, &society, year)?;
        let name = format!("{slug}-{paper}");
        let csv = "text/csv; charset=utf-8";
        match (what, ending) {
            ("hmrc", "csv") => {
                let table = hmrc_table(&society.hmrc_list(period, HMRC_LEAST)?);
                Ok(attached(csv, &name, table.to_csv().into_bytes()))
            }
            ("hmrc", "xlsx") => {
                let table = hmrc_table(&society.hmrc_list(period, HMRC_LEAST)?);
                let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
                Ok(attached(
                    kind,
                    &name,
                    table.to_xlsx().map_err(Trouble::ours)?,
                ))
            }
            ("pack", "html" | "csv") => {
                let pack = society.year_end_pack(period).map_err(Trouble::refused)?;
                let shown = pack.year_end(&society.known().document.society.name);
                match ending {
                    "csv" => Ok(attached(csv, &name, shown.to_csv().into_bytes())),
                    _ => {
                        let html = shown.to_html().map_err(Trouble::ours)?;
                        Ok(attached(
                            "text/html; charset=utf-8",
                            &name,
                            html.into_bytes(),
                        ))
                    }
                }
            }
            _ => Err(Trouble::nothing_here()),
        }
    })
    .await
}

/// The accounts year that ends in a calendar year; the last whole one where none is named.
pub fn year_of(web: &Web, society: &SocietyOffice, text: &str) -> Result<Period, Trouble> {
    let today = society.known().zone.day_of(web.state.clock.now());
    let start = society.known().year_start;
    let ends = match text.trim() {
        "" => start.year_of(today).first_day().previous().year(),
        text => match text.parse::<i32>() {
            Ok(year @ 1990..=2200) => year,
            _ => return Err(Trouble::form(&format!("`{text}` is no year"))),
        },
    };
    let last = LocalDay::of_date(ends, 12, 31).ok_or_else(Trouble::nothing_here)?;
    // The year that began last before the end of that calendar year may end in the next one.
    let year = start.year_of(last);
    let first = match year.next().first_day().previous().year() {
        end if end == ends => year.first_day(),
        _ => start.year_of(year.first_day().previous()).first_day(),
    };
    let last = start.year_of(first).next().first_day().previous();
    Ok(match (first.month(), first.day()) {
        (1, 1) => Period::Year(ends),
        _ => Period::Range { first, last },
    })
}

fn tax(society: &SocietyOffice, period: Period) -> Result<Vec<Part>, Trouble> {
    let quarters = society.tax_quarters(period)?;
    if quarters.is_empty() {
        return Ok(Vec::new());
    }
    let mut table = Table::new(
        "For form CT61, by quarter",
        &["<Quarter ends", "<Due", "Member", "Interest", "Tax"],
    );
    for quarter in &quarters {
        for (member, gross, tax) in &quarter.lines {
            table.row(vec![
                Cell::text(words::date(quarter.ends)),
                Cell::text(words::date(quarter.due)),
                Cell::text(member.to_string()),
                Cell::text(gross.to_string()),
                Cell::text(tax.to_string()),
            ]);
        }
    }
    Ok(vec![
        Part::Heading("Income tax deducted".to_owned()),
        Part::Table(table),
    ])
}

fn amounts(caption: &str, lines: &[PackLine], sum: Option<Pence>) -> Table {
    let mut table = Table::new(caption, &["<Account", "<Name", "Pounds"]);
    for line in lines {
        table.row(vec![
            Cell::text(line.code.as_str()),
            Cell::text(line.name.as_str()),
            Cell::text(line.pence.to_string()),
        ]);
    }
    if let Some(sum) = sum {
        table.foot = vec!["Surplus".to_owned(), String::new(), sum.to_string()];
    }
    table
}

fn notes(notes: &[(String, sheet::Cell)]) -> Table {
    let mut table = Table::new("Figures for the notes", &["<What", "Figure"]);
    for (what, figure) in notes {
        let text = match figure {
            sheet::Cell::Pounds(pence) => Pence(*pence).to_string(),
            sheet::Cell::Number(number) => words::whole(*number),
            sheet::Cell::Text(text) => text.clone(),
        };
        table.row(vec![Cell::text(what.as_str()), Cell::text(text)]);
    }
    table
}

fn owed(owed: &[(u32, u32, Pence, String)]) -> Table {
    let mut table = Table::new(
        "Owed and unclaimed today, of runs up to the year’s end",
        &["Member", "Run", "Owed", "<Why"],
    );
    for (run, member, pence, why) in owed.iter().take(MOST_LINES) {
        table.row(vec![
            Cell::text(member.to_string()),
            Cell::text(run.to_string()),
            Cell::text(pence.to_string()),
            Cell::text(why.as_str()),
        ]);
    }
    table
}
