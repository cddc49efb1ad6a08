//! `/s/{slug}/explore`: any roof, any days, half hours to years; its forecast and neighbours beside
//! it; the table under the picture, and all of it as CSV.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    calendar::{Instant, LocalDay, Period},
    quantity::WattHours,
};
use report::{
    chart::{Course, Setting, Shape, course::Point},
    sheet::{Cell, Table},
    words,
};
use serde::Deserialize;

use super::{
    Web, frame, kept,
    society::named,
    trouble::{Trouble, sentence as spelt},
    view::{
        ExplorePage, Link,
        explore::{Choice, ExploreLine},
    },
};
use office::{
    Refusal, SocietyOffice,
    energy::By,
    explore::{Explored, ExploredRow, Exploring, suitable},
};

/// Days that are shown when none are named.
const USUAL_DAYS: i32 = 30;
/// Most rows of the table on the page; the file has all.
const MOST_ROWS: usize = 400;
/// Names along the foot of a picture, about.
const FEET: usize = 12;

/// What the form says; an empty field is one that says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    #[serde(default)]
    site: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    step: String,
    #[serde(default)]
    beside: String,
}

/// The page.
pub async fn page(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Query(typed): Query<Typed>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let mut page = empty(web, &society, &typed, now);
        match shown(web, &society, &typed, now) {
            Ok((asked, explored)) => {
                filled(web, &society, &mut page, &asked, &explored, now)?;
                frame::page(&page)
            }
            Err(Refusal::Caller(why)) => {
                page.trouble = Some(spelt(&why.replace("\nhint: ", "; ")));
                "These days cannot be shown.".clone_into(&mut page.sentence);
                let mut answer = frame::page(&page)?;
                *answer.status_mut() = axum::http::StatusCode::BAD_REQUEST;
                // It has its own words: the plain page for what cannot be read is not put in its place.
                answer.extensions_mut().insert(super::guard::Told);
                Ok(answer)
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

/// Every step as CSV.
pub async fn csv(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Query(typed): Query<Typed>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let (asked, explored) = shown(web, &society, &typed, web.state.clock.now())?;
        let place = asked
            .site
            .as_deref()
            .map_or(String::new(), |site| format!("-{site}"));
        let name = format!(
            "attachment; filename=\"{slug}{place}-{}-{}.csv\"",
            asked.span.first_day(),
            asked.span.last_day()
        );
        let head = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, name),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
        ];
        Ok((head, table(&explored).to_csv()).into_response())
    })
    .await
}

fn shown(
    web: &Web,
    society: &Arc<SocietyOffice>,
    typed: &Typed,
    now: Instant,
) -> Result<(Exploring, Arc<Explored>), Refusal> {
    let asked = asked(society, typed, now)?;
    let explored = kept::explored(web, society, &asked, now)?;
    Ok((asked, explored))
}

fn asked(society: &SocietyOffice, typed: &Typed, now: Instant) -> Result<Exploring, Refusal> {
    let today = society.known().zone.day_of(now);
    let day = |text: &str, usual: LocalDay| match text.trim() {
        "" => Ok(usual),
        text => text
            .parse::<LocalDay>()
            .map_err(|why| Refusal::Caller(why.to_string())),
    };
    let last = day(&typed.to, today)?;
    let first = day(&typed.from, last.plus(1 - USUAL_DAYS))?;
    if first > last {
        return Err(Refusal::Caller(format!(
            "the first day, {first}, lies after the last, {last}"
        )));
    }
    let span = Period::Range { first, last };
    Ok(Exploring {
        site: (!typed.site.is_empty()).then(|| typed.site.clone()),
        by: match typed.step.as_str() {
            "" => suitable(span),
            word => By::of_word(word)?,
        },
        span,
        beside: !typed.beside.is_empty(),
    })
}

fn empty(web: &Web, society: &SocietyOffice, typed: &Typed, now: Instant) -> ExplorePage {
    let known = society.known();
    let facts = &known.document.society;
    let slug = society.slug();
    let here = format!("/s/{slug}/explore");
    let today = known.zone.day_of(now);
    let or = |text: &str, usual: LocalDay| match text {
        "" => usual.to_string(),
        text => text.to_owned(),
    };
    let choice = |value: &str, text: &str, chosen: &str| Choice {
        value: value.to_owned(),
        text: text.to_owned(),
        chosen: value == chosen,
    };
    let whole = choice("", "All roofs together", &typed.site);
    let roofs = known.sites.iter();
    let roofs = roofs.map(|(id, site)| choice(id, &site.name, &typed.site));
    let steps = [
        ("", "as suits the days"),
        ("period", "half hours"),
        ("day", "days"),
        ("month", "months"),
        ("year", "years"),
    ];
    let title = format!("Look at any days: {}", facts.name);
    ExplorePage {
        frame: frame::of_society(web, &known, &title, &here),
        society: frame::link(&facts.name, &format!("/s/{slug}")),
        sites: std::iter::once(whole).chain(roofs).collect(),
        steps: steps
            .into_iter()
            .map(|(value, text)| choice(value, text, &typed.step))
            .collect(),
        from: or(&typed.from, today.plus(1 - USUAL_DAYS)),
        to: or(&typed.to, today),
        beside: !typed.beside.is_empty(),
        beside_words: match typed.site.is_empty() {
            true => "Other societies beside it",
            false => "Other roofs beside it",
        },
        here,
        ..ExplorePage::default()
    }
}

fn filled(
    web: &Web,
    society: &Arc<SocietyOffice>,
    page: &mut ExplorePage,
    asked: &Exploring,
    explored: &Explored,
    now: Instant,
) -> Result<(), Trouble> {
    let course = course(explored, now);
    let drawn = |shape, id| course.svg(shape, Setting::Inline(id));
    page.wide = drawn(Shape::Wide, "explore-wide").map_err(Trouble::ours)?;
    page.tall = drawn(Shape::Tall, "explore-tall").map_err(Trouble::ours)?;
    page.sentence = said(explored);
    page.caption = caption(explored);
    page.sample = explored.sample;
    page.from = asked.span.first_day().to_string();
    page.to = asked.span.last_day().to_string();
    page.ways = ways(society.slug(), asked);
    // A page of seventeen thousand rows is no table to read: longer steps there, all in the file.
    let coarser = match asked.by {
        _ if explored.rows.len() <= MOST_ROWS => None,
        By::Period => Some(By::Day),
        By::Day => Some(By::Month),
        By::Month | By::Year => Some(By::Year),
    };
    let table = match coarser {
        None => None,
        Some(by) => {
            let asked = Exploring {
                by,
                ..asked.clone()
            };
            Some(kept::explored(web, society, &asked, now)?)
        }
    };
    let table = table.as_deref().unwrap_or(explored);
    let (step, steps) = step_words(table.by);
    page.step_word = step;
    page.table_caption = match coarser {
        None => format!("The same figures by {steps}"),
        Some(_) => format!(
            "The same figures by {steps}; the file has every {}",
            step_words(explored.by).0.to_lowercase()
        ),
    };
    page.heads = heads(table);
    page.lines = table
        .rows
        .iter()
        .map(|row| line(table, &page.heads, row, now))
        .collect();
    Ok(())
}

fn step_words(by: By) -> (&'static str, &'static str) {
    match by {
        By::Period => ("Half hour", "half hour"),
        By::Day => ("Day", "day"),
        By::Month => ("Month", "month"),
        By::Year => ("Year", "year"),
    }
}

fn expected(explored: &Explored) -> &'static str {
    match explored.by_sky {
        true => "a clear sky",
        false => "forecast",
    }
}

fn to_come(row: &ExploredRow, now: Instant) -> bool {
    row.made.is_none() && row.start > now
}

/// The picture: power by half hours, energy by longer steps.
fn course(explored: &Explored, now: Instant) -> Course {
    // The mean power of a half hour is twice its energy an hour.
    let height = |wh: WattHours| match explored.by {
        By::Period => wh.0.saturating_mul(2),
        By::Day | By::Month | By::Year => wh.0,
    };
    let rows = &explored.rows;
    let every = rows.len().div_ceil(FEET).max(1);
    let has_expected = rows.iter().any(|row| row.expected.is_some());
    Course {
        title: format!("{}, {}", explored.name, days(explored)),
        description: said(explored),
        value_axis: match explored.by {
            By::Period => "Power, kW".to_owned(),
            by => format!("Made in a {}, kWh", step_words(by).1),
        },
        points: rows
            .iter()
            .map(|row| Point {
                made: row.made.map(height),
                to_come: to_come(row, now),
                expected: row.expected.map(height),
                beside: explored.like_neighbours(row).map(height),
            })
            .collect(),
        ticks: rows
            .iter()
            .enumerate()
            .step_by(every)
            .map(|(place, row)| (place, foot(explored, row)))
            .collect(),
        expected: match has_expected {
            true => expected(explored).to_owned(),
            false => String::new(),
        },
        beside: match explored.beside.is_empty() {
            true => String::new(),
            false => "neighbours".to_owned(),
        },
        sample: explored.sample,
    }
}

fn foot(explored: &Explored, row: &ExploredRow) -> String {
    let day = row.first_day;
    let short = |name: &str| name.chars().take(3).collect::<String>();
    match explored.by {
        By::Period if explored.span.day_count() <= 2 => {
            words::clock(explored.zone.wall_clock(row.start))
        }
        By::Period | By::Day => format!("{} {}", day.day(), short(words::month(day))),
        By::Month => format!("{} {}", short(words::month(day)), day.year()),
        By::Year => day.year().to_string(),
    }
}

fn days(explored: &Explored) -> String {
    words::span(explored.span.first_day(), explored.span.last_day())
}

/// "From 1 to 30 June 2016 Elmore House made 3,412 kWh, and 3,300 kWh were forecast."
fn said(explored: &Explored) -> String {
    let made: i64 = explored
        .rows
        .iter()
        .filter_map(|row| row.made)
        .map(|wh| wh.0)
        .sum();
    let known = explored.rows.iter().any(|row| row.made.is_some());
    let holes = explored.has_holes();
    let place = words::within(&explored.name);
    let days = days(explored);
    if !known {
        return format!("Nothing is known of what {place} made: {days}.");
    }
    let precision = words::Precision::for_largest(WattHours(made));
    let mut text = format!(
        "{days}: {place} made {} kWh",
        precision.kwh(WattHours(made))
    );
    let compared = explored.rows.iter().filter(|row| row.made.is_some());
    let expected: Option<i64> = compared.map(|row| row.expected.map(|wh| wh.0)).sum();
    if let Some(expected) = expected.filter(|_| !holes) {
        let expected = precision.kwh(WattHours(expected));
        text.push_str(&match explored.by_sky {
            true => format!("; a clear sky would have given {expected} kWh"),
            false => format!("; {expected} kWh were forecast"),
        });
    }
    if holes {
        text.push_str(", as far as it is known");
    }
    text.push('.');
    text
}

fn caption(explored: &Explored) -> String {
    let mut text = match explored.rows.len() {
        n if n > 860 => {
            "Each strip of the picture stands for several steps: the fill reaches to the highest of them, the line within it is their mean.".to_owned()
        }
        _ => "Each step of the picture is a row of the file; hatched is what is not known.".to_owned(),
    };
    let names: Vec<String> = explored
        .beside
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    if !names.is_empty() {
        text.push_str(&format!(" The neighbours are {}.", words::list(&names)));
    }
    text
}

/// The file, and the days before and after.
fn ways(slug: &str, asked: &Exploring) -> Vec<Link> {
    let query = |first: LocalDay, last: LocalDay| {
        let site = asked.site.as_deref().unwrap_or_default();
        let beside = if asked.beside { "&beside=yes" } else { "" };
        let step = asked.by.word();
        format!("?site={site}&from={first}&to={last}&step={step}{beside}")
    };
    let (first, last) = (asked.span.first_day(), asked.span.last_day());
    let many = asked.span.day_count();
    let here = format!("/s/{slug}/explore");
    let before = query(first.plus(-many), first.plus(-1));
    let after = query(last.plus(1), last.plus(many));
    vec![
        frame::link("The days before", &format!("{here}{before}")),
        frame::link("The days after", &format!("{here}{after}")),
        frame::link(
            "The table (CSV)",
            &format!("{here}.csv{}", query(first, last)),
        ),
    ]
}

fn heads(explored: &Explored) -> Vec<String> {
    let mut heads = vec!["Made, kWh".to_owned()];
    heads.push(match explored.by_sky {
        true => "A clear sky, kWh".to_owned(),
        false => "Forecast, kWh".to_owned(),
    });
    if !explored.beside.is_empty() {
        heads.push("Like the neighbours, kWh".to_owned());
    }
    let names = explored
        .beside
        .iter()
        .map(|(name, peak)| format!("{name} ({} kWp), kWh", peak.kw_text()));
    heads.extend(names);
    heads
}

fn line(explored: &Explored, heads: &[String], row: &ExploredRow, now: Instant) -> ExploreLine {
    let kwh = |wh: WattHours| words::Precision::Tenth.kwh(wh);
    let or_hole = |wh: Option<WattHours>| wh.map_or_else(|| "–".to_owned(), kwh);
    let mut cells = vec![
        match row.made {
            Some(wh) => kwh(wh),
            None if to_come(row, now) => "to come".to_owned(),
            None => "no reads".to_owned(),
        },
        or_hole(row.expected),
    ];
    if !explored.beside.is_empty() {
        cells.push(or_hole(explored.like_neighbours(row)));
    }
    cells.extend(row.beside.iter().map(|wh| or_hole(*wh)));
    let clock = explored.zone.wall_clock(row.start);
    ExploreLine {
        label: match explored.by {
            By::Period => format!("{}, {}", words::date(row.first_day), words::clock(clock)),
            By::Day => words::date(row.first_day),
            By::Month => format!("{} {}", words::month(row.first_day), row.first_day.year()),
            By::Year => row.label.clone(),
        },
        cells: heads.iter().cloned().zip(cells).collect(),
        known: match (row.made, row.missing) {
            (None, _) => String::new(),
            (Some(_), 0) => row.quality.word().to_owned(),
            (Some(_), missing) => format!(
                "{}, without {}",
                row.quality.word(),
                words::count(missing, "half hour", "half hours")
            ),
        },
    }
}

fn table(explored: &Explored) -> Table {
    let number = |wh: Option<WattHours>| {
        wh.map_or_else(|| Cell::Text(String::new()), |wh| Cell::Number(wh.0))
    };
    let mut head: Vec<String> = [
        "label",
        "start",
        "made_wh",
        "quality",
        "missing_half_hours",
        match explored.by_sky {
            true => "clear_sky_wh",
            false => "forecast_wh",
        },
        "sample",
    ]
    .map(str::to_owned)
    .to_vec();
    head.extend(explored.beside.iter().map(|(name, _)| format!("{name}_wh")));
    let rows = explored.rows.iter().map(|row| {
        let mut cells = vec![
            Cell::Text(row.label.clone()),
            Cell::Text(row.start.to_string()),
            number(row.made),
            Cell::Text(row.quality.word().to_owned()),
            Cell::Number(i64::from(row.missing)),
            number(row.expected),
            Cell::Text(if explored.sample { "SAMPLE" } else { "" }.to_owned()),
        ];
        cells.extend(row.beside.iter().map(|wh| number(*wh)));
        cells
    });
    Table {
        name: "Energy",
        rows: rows.collect(),
        head,
    }
}
