//! `/`: every society at a glance.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use report::words;

use super::{
    Web, day,
    figures::{self, Figures},
    frame, kept,
    trouble::Trouble,
    view::{Glance, HomePage},
};
use office::{SocietyOffice, overview::DaySoFar};

/// The first page.
pub async fn page(State(web): State<Web>) -> Result<Response, Trouble> {
    web.ask(|web| frame::page(&filled(web)?)).await
}

fn filled(web: &Web) -> Result<HomePage, Trouble> {
    let now = web.state.clock.now();
    let all = web.state.office.societies();
    let days = all
        .iter()
        .map(|society| {
            Ok((
                society.known().document.society.name.clone(),
                (*kept::day(web, society, None, now)?).clone(),
            ))
        })
        .collect::<Result<Vec<_>, Trouble>>()?;
    let day_figure = DaySoFar::together(days)
        .map(|day| day::figure("all roofs together", &day))
        .transpose()?;
    let mut frame = frame::at(web, &web.state.house, "/");
    frame.notices = frame::all_notices(&all);
    frame.events = Some("/live".to_owned());
    let societies: Vec<(Arc<SocietyOffice>, Figures)> = all
        .into_iter()
        .map(|society| {
            let figures = figures::of_society(&society, now);
            (society, figures)
        })
        .collect();
    Ok(HomePage {
        frame,
        sentence: figures::home_sentence(&societies),
        day_figure,
        societies: societies
            .into_iter()
            .map(|(society, figures)| glance(&society, figures))
            .collect(),
    })
}

fn glance(society: &SocietyOffice, figures: Figures) -> Glance {
    let known = society.known();
    let facts = &known.document.society;
    let roofs = u32::try_from(known.sites.len()).unwrap_or(u32::MAX);
    Glance {
        name: facts.name.clone(),
        href: format!("/s/{}", facts.slug),
        about: match facts.about.as_str() {
            "" => format!("{}.", words::count(roofs, "roof", "roofs")),
            about => about.to_owned(),
        },
        now: figures.now,
    }
}
