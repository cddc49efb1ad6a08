//! `/desk/{slug}/outlook` and `/desk/{slug}/projection`: what a year can afford before the board
//! declares, what this year may bring, and twenty years ahead from a file of inputs.

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use domain::{money::Pence, projection::rounded};
use office::{
    Refusal, SocietyOffice,
    interest::{Given, SharedYear, step_words},
    projection::{Projected, ROWS, project},
};
use report::words;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    Web, frame, kept,
    papers::{above, year_of},
    society::named,
    trouble::{Trouble, sentence},
    view::parts::{Cell, Field, FieldKind, Form, Part, PartsPage, Table},
    visitor::{Sent, Visitor},
};

/// A projection to start from: published figures.
const EXAMPLE: &str = include_str!("../../config/projections/harborough.toml");

/// Which year can be afforded, and what the books do not say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    year: String,
    #[serde(default)]
    costs: String,
    #[serde(default)]
    loan: String,
}

/// The inputs of a projection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectionForm {
    inputs: String,
}

/// What a year affords, and what this year may bring.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let here = format!("/desk/{slug}/outlook");
        let (this_year, told) = this_year(web, &society)?;
        let mut parts = this_year;
        parts.extend(afforded(web, &society, &asked, &here)?);
        parts.push(Part::Heading("Further ahead".to_owned()));
        parts.push(Part::Links(vec![frame::link(
            "Twenty years ahead, from a file of inputs",
            &format!("/desk/{slug}/projection"),
        )]));
        frame::page(&PartsPage {
            frame: frame::of_visitor(web, &visitor, "Outlook", &here),
            above: above(&society),
            sentence: told,
            sample: society.is_sample(),
            parts,
            ..PartsPage::default()
        })
    })
    .await
}

/// The outlook for this year, and its sentence.
fn this_year(web: &Web, society: &SocietyOffice) -> Result<(Vec<Part>, String), Trouble> {
    let outlook = match kept::outlook(web, society, web.state.clock.now()) {
        Ok(outlook) => outlook,
        Err(Refusal::Caller(why)) => {
            let why = sentence(&why.replace("\nhint: ", "; "));
            let parts = vec![Part::Heading("This year".to_owned()), Part::Text(why)];
            return Ok((
                parts,
                "What this year may bring cannot be told yet.".to_owned(),
            ));
        }
        Err(ours) => return Err(ours.into()),
    };
    let kwh = |wh: domain::quantity::WattHours| words::whole(wh.0 / 1_000);
    let pounds =
        |pence: Option<Pence>| pence.map_or_else(|| "not known".to_owned(), |p| p.to_string());
    let mut table = Table::new(
        &format!("The year to {} in three cases", words::date(outlook.last)),
        &[
            "<Case",
            "Made, kWh",
            "Income",
            "Income less costs",
            "Share interest",
            "Per cent of capital",
            "Community fund",
            "<Where it comes from",
        ],
    );
    for case in &outlook.cases {
        table.row(vec![
            Cell::text(case.word),
            Cell::text(kwh(case.energy)),
            Cell::text(case.income.to_string()),
            Cell::text(pounds(case.surplus)),
            Cell::text(pounds(case.interest)),
            Cell::text(
                case.percent
                    .map_or_else(|| "not known".to_owned(), |p| p.to_string()),
            ),
            Cell::text(pounds(case.fund)),
            Cell::text(case.why.as_str()),
        ]);
    }
    let mut parts = vec![
        Part::Heading("This year".to_owned()),
        Part::Text(format!(
            "By {} the roofs have made {} kWh{} and brought {} before costs, claimed or not.{}",
            words::date(outlook.until),
            kwh(outlook.made),
            outlook.forecast.map_or_else(String::new, |wh| format!(", where {} were forecast,", kwh(wh))),
            outlook.income,
            outlook.costs.map_or_else(String::new, |costs| format!(
                " Costs are taken as {costs}: those of the books so far, and for the rest those of the same days a year ago."
            ))
        )),
        Part::Table(table),
    ];
    if !outlook.notes.is_empty() {
        parts.push(Part::List(outlook.notes.clone()));
    }
    let percent: Vec<Decimal> = outlook
        .cases
        .iter()
        .filter_map(|case| case.percent)
        .collect();
    let told = match (percent.first(), percent.last()) {
        (Some(low), Some(high)) if percent.len() > 1 => format!(
            "The rule would leave between {low} % and {high} % for share interest of this year."
        ),
        _ => format!(
            "This year’s roofs are on the way to between {} and {} kWh.",
            outlook
                .cases
                .first()
                .map_or_else(String::new, |case| kwh(case.energy)),
            outlook
                .cases
                .last()
                .map_or_else(String::new, |case| kwh(case.energy))
        ),
    };
    Ok((parts, told))
}

/// What a year that is over can afford, and the form to ask about another.
fn afforded(
    web: &Web,
    society: &SocietyOffice,
    asked: &Asked,
    here: &str,
) -> Result<Vec<Part>, Trouble> {
    let period = year_of(web, society, &asked.year)?;
    let money = |text: &str| match text.trim() {
        "" => Ok(Pence::ZERO),
        text => text
            .parse::<Pence>()
            .map_err(|why| Trouble::form(&why.to_string())),
    };
    let given = Given {
        costs: money(&asked.costs)?,
        loan: money(&asked.loan)?,
        ..Given::default()
    };
    let mut parts = vec![Part::Heading(format!(
        "What {} affords",
        words::span(period.first_day(), period.last_day())
    ))];
    match society.afford(&web.state.office, period, &given, web.state.clock.now()) {
        Ok(found) => {
            parts.push(Part::Text(format!(
                "At most {} %, which costs {}: {}.",
                found.rate, found.cost, found.stops
            )));
            parts.push(Part::Table(steps(&found.year)));
            if let Some(found) = &found.year.not_booked {
                parts.push(Part::Small(format!(
                    "The books have {} of claims and bills; {} are claimed or billed and {} metered and not claimed yet. What the books lack is added.",
                    found.booked, found.claimed, found.metered
                )));
            }
            parts.push(Part::Small(
                "The board declares the rate, and nothing is decided here. A rate above the maximum declared in advance is refused.".to_owned(),
            ));
        }
        Err(Refusal::Caller(why)) => {
            parts.push(Part::Text(sentence(&why.replace("\nhint: ", "; "))));
        }
        Err(ours) => return Err(ours.into()),
    }
    parts.push(Part::Form(Form {
        action: here.to_owned(),
        fields: vec![
            Field::new("year", "The year in which it ends", FieldKind::Line(true))
                .value(&period.last_day().year().to_string()),
            Field::new(
                "costs",
                "Costs still to be paid, pounds",
                FieldKind::Line(true),
            )
            .value(&asked.costs)
            .optional(),
            Field::new("loan", "Due on loans, pounds", FieldKind::Line(true))
                .value(&asked.loan)
                .optional(),
        ],
        button: "Look at that year".to_owned(),
        quieter: true,
        looks: true,
        ..Form::default()
    }));
    Ok(parts)
}

/// How a year is shared out, step by step.
fn steps(year: &SharedYear) -> Table {
    let mut table = Table::new(
        "The surplus or cash, shared out by the society’s rule",
        &["<Step", "<Resolution", "Takes", "Leaves"],
    );
    table.row(vec![
        Cell::text("what there is"),
        Cell::text(""),
        Cell::text(""),
        Cell::text(year.year.start.to_string()),
    ]);
    for taken in &year.shared.steps {
        let Some(step) = year.rule.steps.get(taken.step) else {
            continue;
        };
        table.row(vec![
            Cell::text(step_words(&step.takes)),
            Cell::text(format!("{}, {}", step.resolution, words::date(step.on))),
            Cell::text(taken.pence.to_string()),
            Cell::text(taken.left.to_string()),
        ]);
    }
    table.foot = vec![
        "carried forward".to_owned(),
        String::new(),
        String::new(),
        year.shared.carried.to_string(),
    ];
    table
}

/// The projection, of the example.
pub async fn projection(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| projected(web, &visitor, &slug, EXAMPLE))
        .await
}

/// The projection of inputs that were typed.
pub async fn project_inputs(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Sent(sent): Sent<ProjectionForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| projected(web, &visitor, &slug, &sent.inputs))
        .await
}

fn projected(web: &Web, visitor: &Visitor, slug: &str, inputs: &str) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let here = format!("/desk/{slug}/projection");
    let (told, trouble, mut parts) = match project(inputs) {
        Ok(made) => {
            let told = match made.member_return {
                Some(percent) => format!(
                    "{}: members would earn {percent} % a year on their capital over {} years.",
                    made.name,
                    made.years.len()
                ),
                None => format!("{}, over {} years.", made.name, made.years.len()),
            };
            (told, None, vec![Part::Table(table_of(&made))])
        }
        Err(Refusal::Caller(why)) => {
            let why = sentence(&why.replace("\nhint: ", "; "));
            (
                "These inputs make no projection.".to_owned(),
                Some(why),
                Vec::new(),
            )
        }
        Err(ours) => return Err(ours.into()),
    };
    parts.push(Part::Heading("The inputs".to_owned()));
    parts.push(Part::Form(Form {
        action: here.clone(),
        fields: vec![
            Field::new("inputs", "Inputs", FieldKind::Lines)
                .help("Amounts of the first year and rates in per cent a year, as in the file of the command `projection`. Nothing of the society is asked, and nothing is kept.")
                .value(inputs),
        ],
        button: "Work it out".to_owned(),
        ..Form::default()
    }));
    let failed = trouble.is_some();
    let mut above = above(&society);
    above.push(frame::link("Outlook", &format!("/desk/{slug}/outlook")));
    let mut answer = frame::page(&PartsPage {
        frame: frame::of_visitor(web, visitor, "Projection", &here),
        above,
        sentence: told,
        trouble,
        parts,
        ..PartsPage::default()
    })?;
    if failed {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

/// Years as rows: a page is high, not wide.
fn table_of(made: &Projected) -> Table {
    let sample = if made.sample { "SAMPLE " } else { "" };
    let source = match made.source.as_str() {
        "" => String::new(),
        source => format!("; {source}"),
    };
    let mut heads = vec!["<Year"];
    heads.extend(ROWS.iter().map(|(_, words, _)| *words));
    let mut table = Table::new(&format!("{sample}In {}{source}", made.unit), &heads);
    for (place, year) in made.years.iter().enumerate() {
        let mut cells = vec![Cell::text(
            (usize::from(made.first_year) + place).to_string(),
        )];
        cells.extend(
            ROWS.iter()
                .map(|(_, _, of)| Cell::text(rounded(of(year), 0).to_string())),
        );
        table.row(cells);
    }
    let sum = |of: fn(&domain::projection::PlanYear) -> Decimal| -> String {
        rounded(made.years.iter().map(of).sum(), 0).to_string()
    };
    table.foot = vec!["all".to_owned()];
    table.foot.extend(ROWS.iter().map(|(_, _, of)| sum(*of)));
    table
}
