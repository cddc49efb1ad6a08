//! Generation reports: a page with its downloads, and each download at the same address with an
//! ending.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use domain::calendar::{Instant, LocalMonth, Period};
use report::{GenerationReport, generation::Format};

use super::{
    Web, frame, kept,
    site::faces,
    society::named,
    trouble::Trouble,
    view::{Download, Link, ReportPage},
};
use office::{Refusal, SocietyOffice};

const FORMS: [(Format, &str); 5] = [
    (Format::Svg, "The chart (SVG)"),
    (Format::Csv, "The table (CSV)"),
    (Format::Json, "Every figure (JSON)"),
    (Format::Text, "Plain text"),
    (Format::Html, "One page that stands alone (HTML)"),
];

/// `/s/{slug}/reports/{period}`, with or without an ending.
pub async fn of_society(
    State(web): State<Web>,
    Path((slug, name)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| answer(web, &slug, None, &name)).await
}

/// `/s/{slug}/sites/{site}/reports/{period}`, with or without an ending.
pub async fn of_site(
    State(web): State<Web>,
    Path((slug, site, name)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| answer(web, &slug, Some(&site), &name))
        .await
}

/// A report that was asked for.
struct Asked<'a> {
    society: Arc<SocietyOffice>,
    site: Option<&'a str>,
    /// The address of the society or roof.
    here: String,
    period: Period,
    now: Instant,
}

fn answer(web: &Web, slug: &str, site: Option<&str>, name: &str) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    if let Some(site) = site {
        faces(&society, site)?;
    }
    let here = site.map_or_else(
        || format!("/s/{slug}"),
        |site| format!("/s/{slug}/sites/{site}"),
    );
    let (text, form) = split(name);
    let period = text.parse().map_err(|_| {
        Trouble::period(
            text,
            "It is not a span of days that we can read.",
            here.clone(),
        )
    })?;
    let now = web.state.clock.now();
    let report =
        kept::report(web, &society, site, period, now).map_err(|refusal| match refusal {
            Refusal::Caller(why) => Trouble::period(text, &why, here.clone()),
            ours @ Refusal::Ours(_) => ours.into(),
        })?;
    let report = match site {
        Some(site) => {
            let income = kept::income(web, &society, site, period, now)?;
            Arc::new(GenerationReport::clone(&report).with_income(Option::clone(&income)))
        }
        None => report,
    };
    let asked = Asked {
        society,
        site,
        here,
        period,
        now,
    };
    match form {
        Some(form) => download(&asked, &report, form),
        None => frame::page(&page(web, &asked, &report)?),
    }
}

/// "2013.csv" is "2013" as CSV.
fn split(name: &str) -> (&str, Option<Format>) {
    let found = FORMS.iter().find_map(|(form, _)| {
        let period = name.strip_suffix(form.ending())?.strip_suffix('.')?;
        Some((period, Some(*form)))
    });
    found.unwrap_or((name, None))
}

fn download(
    asked: &Asked<'_>,
    report: &GenerationReport,
    form: Format,
) -> Result<Response, Trouble> {
    let words = report.render(form).map_err(Trouble::ours)?;
    let head = [
        (header::CONTENT_TYPE, form.media_type().to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!(
                "attachment; filename=\"{}\"",
                file_name(asked, report, form)
            ),
        ),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok((head, words).into_response())
}

/// "bes1-generation-2013.csv", "bes1-elmore-house-generation-2013.csv".
fn file_name(asked: &Asked<'_>, report: &GenerationReport, form: Format) -> String {
    let name = report.file_name(form);
    match (asked.site, name.strip_prefix(&report.slug)) {
        (Some(site), Some(rest)) => format!("{}-{site}{rest}", report.slug),
        _ => name,
    }
}

fn page(web: &Web, asked: &Asked<'_>, report: &GenerationReport) -> Result<ReportPage, Trouble> {
    let base = format!("{}/reports/{}", asked.here, asked.period);
    let mut frame = frame::of_society(web, &asked.society.known(), &report.title(), &base);
    // The report says them itself, beside its figures and in every download.
    let said = report.remarks();
    frame.notices.retain(|notice| !said.contains(notice));
    let (before, after) = neighbours(asked)?;
    Ok(ReportPage {
        frame,
        fragment: report.html_fragment().map_err(Trouble::ours)?,
        downloads: FORMS
            .iter()
            .map(|(form, text)| Download {
                text: (*text).to_owned(),
                href: format!("{base}.{}", form.ending()),
                file_name: file_name(asked, report, *form),
            })
            .collect(),
        before,
        after,
    })
}

/// The periods before and after a year or a month, between the first year and today.
fn neighbours(asked: &Asked<'_>) -> Result<(Option<Link>, Option<Link>), Trouble> {
    let (before, after) = match asked.period {
        Period::Year(year) => (Period::Year(year - 1), Period::Year(year + 1)),
        Period::Month(LocalMonth(month)) => (
            Period::Month(LocalMonth(month - 1)),
            Period::Month(LocalMonth(month + 1)),
        ),
        _ => return Ok((None, None)),
    };
    let first = asked.society.first_year(asked.site)?.unwrap_or(i32::MAX);
    let today = asked.society.known().zone.day_of(asked.now);
    let inside = |period: &Period| period.first_day() <= today && period.last_day().year() >= first;
    let link = |period: Period| {
        frame::link(
            &named_shortly(period),
            &format!("{}/reports/{period}", asked.here),
        )
    };
    Ok((
        Some(before).filter(inside).map(link),
        Some(after).filter(inside).map(link),
    ))
}

fn named_shortly(period: Period) -> String {
    report::words::span(period.first_day(), period.last_day())
}
