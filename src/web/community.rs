//! The community fund on the desk; residents' own projects on the desk and for everybody.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::calendar::{LocalDay, Period};
use office::{
    Refusal, SocietyOffice,
    community_sheets::{fund_sheet, project_words, projects_sheet},
};

use super::{
    Web,
    council::{Between, days},
    frame, notes,
    society::named,
    trouble::{Trouble, sentence},
    view::{CouncilPage, Link},
    visitor::Visitor,
};

/// Days before any project.
const FIRST: LocalDay = LocalDay(0);

/// The fund.
pub async fn fund(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(between): Query<Between>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let now = web.state.clock.now();
        let period = between.period(known.zone.day_of(now))?;
        let here = format!("/desk/{slug}/fund");
        let mut frame = frame::of_visitor(web, &visitor, "The community fund", &here);
        frame.notices = frame::notices(&known);
        let (words, fragment) = match society.fund_report(period, now) {
            Ok(report) => {
                let sheet = fund_sheet(&society, &report, now);
                let fragment = sheet.fragment(true).map_err(Trouble::ours)?;
                (sheet.sentence, fragment)
            }
            Err(Refusal::Caller(why)) => (sentence(&why.replace("\nhint: ", "; ")), String::new()),
            Err(ours) => return Err(ours.into()),
        };
        frame::page(&CouncilPage {
            frame,
            kicker: vec![desk_link(&society)],
            sentence: words,
            fragment,
            days: Some(days(&here, period)),
            ways: notes::ways(&slug, "/fund"),
            ..CouncilPage::default()
        })
    })
    .await
}

/// Projects, on the desk.
pub async fn desk_projects(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(between): Query<Between>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let now = web.state.clock.now();
        let period = between.period(known.zone.day_of(now))?;
        let here = format!("/desk/{slug}/projects");
        let mut frame = frame::of_visitor(web, &visitor, "Residents’ projects", &here);
        frame.notices = frame::notices(&known);
        let sheet = projects_sheet(&society, &society.projects_over(period)?, now);
        let mut ways = notes::ways(&slug, "/projects");
        ways.push(frame::link(
            "The public list",
            &format!("/s/{slug}/projects"),
        ));
        frame::page(&CouncilPage {
            frame,
            kicker: vec![desk_link(&society)],
            fragment: sheet.fragment(true).map_err(Trouble::ours)?,
            sentence: sheet.sentence,
            days: Some(days(&here, period)),
            ways,
            ..CouncilPage::default()
        })
    })
    .await
}

/// Projects for everybody: all there ever were.
pub async fn projects(
    State(web): State<Web>,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let last = society.known().zone.day_of(web.state.clock.now());
        let ever = Period::Range { first: FIRST, last };
        public(web, &society, ever, &format!("/s/{slug}/projects"))
    })
    .await
}

/// The yearly page.
pub async fn projects_of_year(
    State(web): State<Web>,
    Path((slug, year)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let year: i32 = year.parse().map_err(|_| Trouble::nothing_here())?;
        let today = society.known().zone.day_of(web.state.clock.now());
        if !(1970..=today.year()).contains(&year) {
            return Err(Trouble::nothing_here());
        }
        public(
            web,
            &society,
            Period::Year(year),
            &format!("/s/{slug}/projects/{year}"),
        )
    })
    .await
}

fn public(
    web: &Web,
    society: &SocietyOffice,
    period: Period,
    here: &str,
) -> Result<Response, Trouble> {
    let known = society.known();
    let slug = society.slug();
    let now = web.state.clock.now();
    let today = known.zone.day_of(now);
    let mut sheet = projects_sheet(society, &society.projects_over(period)?, now);
    let name = &known.document.society.name;
    if period.first_day() == FIRST {
        let all = society.project_notes()?.projects;
        sheet.sentence = match all.as_slice() {
            [] => format!("Nobody has proposed a project with {name} yet."),
            [only] => format!("{}.", project_words(only)),
            all => {
                let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
                let people = all.iter().map(office::projects::ProjectLine::people).sum();
                format!(
                    "{} of residents’ own, in which {} took part.",
                    report::words::count(count, "project", "projects"),
                    report::words::count(people, "person", "people")
                )
            }
        };
    }
    let mut ways: Vec<Link> = Vec::new();
    for year in society.project_years(today)? {
        ways.push(frame::link(
            &format!("The projects of {year}"),
            &format!("/s/{slug}/projects/{year}"),
        ));
    }
    frame::page(&CouncilPage {
        frame: frame::of_society(web, &known, "Residents’ projects", here),
        kicker: vec![
            frame::link(name, &format!("/s/{slug}")),
            frame::link("Residents’ projects", &format!("/s/{slug}/projects")),
        ],
        fragment: sheet.fragment(true).map_err(Trouble::ours)?,
        sentence: sheet.sentence,
        ways,
        ..CouncilPage::default()
    })
}

fn desk_link(society: &SocietyOffice) -> Link {
    let name = &society.known().document.society.name;
    frame::link(
        &format!("The desk of {name}"),
        &format!("/desk/{}", society.slug()),
    )
}
