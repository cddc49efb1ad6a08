//! `/s/{slug}`: one society. The parts it shares with a roof's page (the month, the years, the day)
//! are here too.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    calendar::{Instant, Period},
    quantity::WattHours,
};
use report::{GenerationReport, generation::Step, words};

use super::{
    Web, day, figures, frame, kept,
    trouble::Trouble,
    view::{RoofLine, SocietyPage, YearLine, society::sentence},
};
use office::{Refusal, SocietyOffice};

/// The society's page.
pub async fn page(State(web): State<Web>, Path(slug): Path<String>) -> Result<Response, Trouble> {
    web.ask(move |web| frame::page(&filled(web, &slug)?)).await
}

/// The society of an address.
pub fn named(web: &Web, slug: &str) -> Result<Arc<SocietyOffice>, Trouble> {
    web.state
        .office
        .society(slug)
        .map_err(|refusal| Trouble::society(slug, &refusal))
}

fn filled(web: &Web, slug: &str) -> Result<SocietyPage, Trouble> {
    let society = named(web, slug)?;
    let known = society.known();
    let facts = &known.document.society;
    let now = web.state.clock.now();
    let here = format!("/s/{slug}");
    let figures = figures::of_society(&society, now);
    let month = month(web, &society, None, &here, now)?;
    let mut frame = frame::of_society(web, &known, &facts.name, &here);
    frame.events = Some(format!("{here}/live"));
    Ok(SocietyPage {
        frame,
        name: facts.name.clone(),
        about: facts.about.clone(),
        sentence: sentence(&facts.name, &figures.known, facts.sample),
        now: figures.now,
        day_figure: day_figure(web, &society, None, &facts.name, now)?,
        month_sentence: month.sentence,
        month_figure: month.figure,
        month_table: month.table,
        month_href: month.href,
        explore_href: format!("{here}/explore"),
        years: years(web, &society, None, &here, now)?,
        roofs: roofs(&society, &here, now),
        working: month.working,
    })
}

fn roofs(society: &SocietyOffice, here: &str, now: Instant) -> Vec<RoofLine> {
    let known = society.known();
    let roof = |(id, site): (&String, &office::KnownSite)| RoofLine {
        name: site.name.clone(),
        href: format!("{here}/sites/{id}"),
        kwp: site.kwp.kw_text(),
        now: figures::of_site(society, id, now).now,
    };
    known.sites.iter().map(roof).collect()
}

/// The day's figure; none where nothing generates.
pub fn day_figure(
    web: &Web,
    society: &SocietyOffice,
    site: Option<&str>,
    who: &str,
    now: Instant,
) -> Result<Option<String>, Trouble> {
    let so_far = kept::day(web, society, site, now)?;
    if so_far.clear_sky.iter().all(|power| power.0 == 0) && so_far.until().is_none() {
        return Ok(None);
    }
    day::figure(who, &so_far).map(Some)
}

/// This month, ready for a page.
pub struct Month {
    /// Its report's sentence.
    pub sentence: String,
    /// Its chart.
    pub figure: String,
    /// Its table.
    pub table: String,
    /// Its report's address.
    pub href: String,
    /// How we know.
    pub working: Vec<Step>,
}

/// This month's report in pieces; `here` is the address of the society or roof.
pub fn month(
    web: &Web,
    society: &SocietyOffice,
    site: Option<&str>,
    here: &str,
    now: Instant,
) -> Result<Month, Trouble> {
    let month = society.known().zone.day_of(now).local_month();
    let href = format!("{here}/reports/{month}");
    match kept::report(web, society, site, Period::Month(month), now) {
        Ok(report) => Ok(Month {
            sentence: report.sentence(),
            figure: report.html_figure("month").map_err(Trouble::ours)?,
            table: report.html_table().map_err(Trouble::ours)?,
            href,
            working: report.working.clone(),
        }),
        // A society that generates nothing yet has a page all the same.
        Err(Refusal::Caller(_)) => Ok(Month {
            sentence: "No generation meter has been entered here yet.".to_owned(),
            figure: String::new(),
            table: String::new(),
            href: here.to_owned(),
            working: Vec::new(),
        }),
        Err(ours) => Err(ours.into()),
    }
}

/// The years from the first of which anything is known to this one, newest first.
pub fn years(
    web: &Web,
    society: &SocietyOffice,
    site: Option<&str>,
    here: &str,
    now: Instant,
) -> Result<Vec<YearLine>, Trouble> {
    let Some(first) = society.first_year(site)? else {
        return Ok(Vec::new());
    };
    let this = society.known().zone.day_of(now).year();
    let mut reports = Vec::new();
    for year in first..=this {
        let report = kept::report(web, society, site, Period::Year(year), now)?;
        if !reports.is_empty() || report.totals.generated.is_some() {
            reports.push((year, report));
        }
    }
    let largest = reports
        .iter()
        .filter_map(|(_, report)| report.totals.generated)
        .max();
    let precision = words::Precision::for_largest(largest.unwrap_or(WattHours(0)));
    let line = |(year, report): &(i32, Arc<GenerationReport>)| YearLine {
        year: year.to_string(),
        href: format!("{here}/reports/{year}"),
        made: report
            .totals
            .generated
            .map_or_else(String::new, |made| precision.kwh(made)),
        difference: difference(report),
        known: how_well(report),
    };
    Ok(reports.iter().rev().map(line).collect())
}

/// In per cent; empty where days are missing, because it would mislead.
fn difference(report: &GenerationReport) -> String {
    let percent = report
        .totals
        .difference_percent
        .filter(|_| report.totals.days.whole());
    percent.map_or_else(String::new, words::signed_percent)
}

fn how_well(report: &GenerationReport) -> String {
    let totals = &report.totals;
    let quality = totals.quality.word();
    let mut text = match totals.days.whole() {
        true => quality.to_owned(),
        false => {
            let days = words::count(totals.days.of, "day", "days");
            format!("{quality}, {} of {days}", totals.days.complete)
        }
    };
    if totals.held > 0 {
        text.push_str(&format!(", {} held", words::whole(i64::from(totals.held))));
    }
    text
}
