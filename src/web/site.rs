//! `/s/{slug}/sites/{site}`: one roof, down to the meter.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    calendar::{LocalDay, Zone},
    quantity::separated,
};
use report::words;

use super::{
    Web, figures, frame,
    society::{day_figure, month, named, years},
    trouble::Trouble,
    view::{MeterLine, RoofPage, society::sentence},
};
use office::{Known, SocietyOffice, overview::Face};

/// The roof's page.
pub async fn page(
    State(web): State<Web>,
    Path((slug, site)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| frame::page(&filled(web, &slug, &site)?))
        .await
}

/// The meters of a roof of an address: that the roof is there, and what its meters show.
pub fn faces(society: &SocietyOffice, site: &str) -> Result<Vec<Face>, Trouble> {
    society
        .faces(site)
        .map_err(|refusal| Trouble::site(society.slug(), site, &refusal))
}

fn filled(web: &Web, slug: &str, id: &str) -> Result<RoofPage, Trouble> {
    let society = named(web, slug)?;
    let meters = faces(&society, id)?;
    let known = society.known();
    let facts = &known.document.society;
    let now = web.state.clock.now();
    let here = format!("/s/{slug}/sites/{id}");
    let name = known.sites.get(id).map_or(id, |site| &site.name);
    let figures = figures::of_site(&society, id, now);
    let month = month(web, &society, Some(id), &here, now)?;
    let mut frame = frame::of_society(web, &known, &format!("{name}, {}", facts.name), &here);
    frame.events = Some(format!("/s/{slug}/live"));
    Ok(RoofPage {
        frame,
        name: name.to_owned(),
        society: frame::link(&facts.name, &format!("/s/{slug}")),
        about: about(&known, id),
        sentence: sentence(name, &figures.known, facts.sample),
        now: figures.now,
        day_figure: day_figure(web, &society, Some(id), name, now)?,
        month_sentence: month.sentence,
        month_figure: month.figure,
        month_table: month.table,
        month_href: month.href,
        explore_href: format!("/s/{slug}/explore?site={id}"),
        years: years(web, &society, Some(id), &here, now)?,
        meters: meters
            .into_iter()
            .map(|face| meter(face, &known.zone))
            .collect(),
        working: month.working,
    })
}

/// "37.24 kWp, in use since 23 April 2012, on a roof of London Borough of Lambeth".
fn about(known: &Known, id: &str) -> String {
    let Some(site) = known.document.site.iter().find(|site| site.id == id) else {
        return String::new();
    };
    let mut parts = vec![format!("{} kWp", site.capacity_kwp)];
    if let Ok(since) = site.commissioned.parse::<LocalDay>() {
        parts.push(format!("in use since {}", words::date(since)));
    }
    if !site.host.is_empty() {
        parts.push(format!("on a roof of {}", site.host));
    }
    let mark = if site.sample { " (SAMPLE)" } else { "" };
    format!("{}{mark}", parts.join(", "))
}

fn meter(face: Face, zone: &Zone) -> MeterLine {
    let at = face.last.map(|(at, _)| zone.wall_clock(at));
    MeterLine {
        serial: face.serial,
        counts: "generation".to_owned(),
        register: face.last.map_or_else(String::new, |(_, wh)| {
            separated(&wh.kwh_text()).into_owned()
        }),
        read_at: at.map_or_else(String::new, |at| {
            format!("{}, {}", words::date(at.day), words::clock(at))
        }),
    }
}
