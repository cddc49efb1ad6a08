//! `/me`: who I am here, and where I am logged in.

use axum::{extract::State, response::Response};
use report::words;
use serde::Deserialize;

use super::{
    Web, frame,
    trouble::Trouble,
    view::{MePage, SessionLine},
    visitor::{Sent, Visitor, see},
};
use domain::calendar::{Instant, Zone};
use office::doors::Session;

/// What a button of the page says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndForm {
    session: String,
}

/// The page.
pub async fn page(State(web): State<Web>, visitor: Visitor) -> Result<Response, Trouble> {
    web.ask(move |web| frame::page(&filled(web, &visitor)?))
        .await
}

/// Ends one of my sessions.
pub async fn end_session(
    State(web): State<Web>,
    visitor: Visitor,
    Sent(sent): Sent<EndForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let office = &web.state.office;
        office
            .end_session(&visitor.user, &sent.session)
            .map_err(Trouble::ruled_out)
    })
    .await?;
    Ok(see("/me"))
}

fn filled(web: &Web, visitor: &Visitor) -> Result<MePage, Trouble> {
    let office = &web.state.office;
    let now = web.state.people.now();
    let own = office.sessions(&visitor.user, now)?;
    let zone = zone(web)?;
    let line = |session: &Session| SessionLine {
        id: session.id.clone(),
        this: session.id == visitor.session,
        agent: browser(&session.agent),
        address: session.address.clone(),
        began: moment(&zone, session.began),
        seen: moment(&zone, session.seen),
    };
    let me = office.users(now).into_iter().find(|u| u.id == visitor.user);
    let mut roles = Vec::new();
    let mut codes_left = None;
    for me in me.into_iter() {
        roles.extend(me.roles.iter().map(|held| match &held.society {
            Some(society) => format!("{} of {}", held.role, name_of(web, society)),
            None => format!("{} of every society here", held.role),
        }));
        roles.extend(
            me.members
                .iter()
                .map(|of| format!("member {} of {}", of.member, name_of(web, &of.society))),
        );
        codes_left = (!me.roles.is_empty()).then_some(me.recovery_codes_left);
    }
    Ok(MePage {
        frame: frame::of_visitor(web, visitor, "You", "/me"),
        sentence: format!(
            "You are logged in as {} {}.",
            visitor.user,
            match own.len() {
                0 | 1 => "here and nowhere else".to_owned(),
                n => format!("in {n} places"),
            }
        ),
        roles,
        codes_left: codes_left.map(|n| n.to_string()),
        sessions: own.iter().map(line).collect(),
    })
}

/// A society's name, or what it is called in addresses.
pub fn name_of(web: &Web, slug: &str) -> String {
    web.state.office.society(slug).map_or_else(
        |_| slug.to_owned(),
        |society| society.known().document.society.name.clone(),
    )
}

/// The clock on the wall for people: that of the first society.
fn zone(web: &Web) -> Result<Zone, Trouble> {
    match web.state.office.societies().into_iter().next() {
        Some(society) => Ok(society.known().zone.clone()),
        None => Zone::named("Europe/London").map_err(Trouble::ours),
    }
}

/// "22 November 2026, 13:05".
pub fn moment(zone: &Zone, at: Instant) -> String {
    let at = zone.wall_clock(at);
    format!("{}, {}", words::date(at.day), words::clock(at))
}

/// A browser's name out of what it calls itself.
fn browser(agent: &str) -> String {
    let names = [
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome or Chromium"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "a Mac"),
        ("Linux", "Linux"),
    ];
    let find = |list: &[(&str, &'static str)]| {
        let mut list = list.iter();
        list.find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (find(&names), find(&systems)) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        _ if agent.is_empty() => "a program without a name".to_owned(),
        _ => agent.to_owned(),
    }
}
