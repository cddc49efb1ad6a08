//! The frame of every page, filled: masthead, notices, addresses of stylesheet and script.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

use super::{
    Web, assets,
    trouble::Trouble,
    view::{Frame, Link},
    visitor::Visitor,
};
use identity::Right;
use office::{Known, SocietyOffice};

/// A link in words.
pub fn link(text: &str, href: &str) -> Link {
    Link {
        text: text.to_owned(),
        href: href.to_owned(),
        current: false,
    }
}

/// A frame without society, notices or live figures.
pub fn plain(web: &Web, title: &str) -> Frame {
    Frame {
        title: title.to_owned(),
        house: web.state.house.clone(),
        nav: vec![
            link("Societies", "/"),
            link("How this works", "/how"),
            link("Log in", "/login"),
        ],
        notices: Vec::new(),
        stylesheet: assets::address("commonwatt.css"),
        script: assets::address("live.js"),
        events: None,
    }
}

/// The frame of the page at `here`.
pub fn at(web: &Web, title: &str, here: &str) -> Frame {
    let mut frame = plain(web, title);
    for link in &mut frame.nav {
        link.current = link.href == here;
    }
    frame
}

/// The frame of a private page: the ways of whoever is logged in.
pub fn of_visitor(web: &Web, visitor: &Visitor, title: &str, here: &str) -> Frame {
    let mut frame = plain(web, title);
    let office = &web.state.office;
    let may = |right| office.check_right_anywhere(&visitor.user, right).is_ok();
    let mut ways = Vec::new();
    if may(Right::See) {
        ways.push(link("Desk", "/desk"));
    }
    if may(Right::Stake) {
        ways.push(link("Council", "/council"));
    }
    if !office.members_of_user(&visitor.user).is_empty() {
        ways.push(link("My shares", "/my"));
    }
    ways.push(link("Societies", "/"));
    ways.push(link("You", "/me"));
    for link in &mut ways {
        link.current = link.href == here;
    }
    frame.nav = ways;
    frame
}

/// The frame of a page of one society.
pub fn of_society(web: &Web, known: &Known, title: &str, here: &str) -> Frame {
    let mut frame = plain(web, title);
    let society = &known.document.society;
    frame
        .nav
        .insert(1, link(&society.name, &format!("/s/{}", society.slug)));
    for link in &mut frame.nav {
        link.current = link.href == here;
    }
    frame.notices = notices(known);
    frame
}

/// What the society tells the reader of its data.
pub fn notices(known: &Known) -> Vec<String> {
    let society = &known.document.society;
    let mark = if society.sample { "SAMPLE: " } else { "" };
    society
        .notice
        .iter()
        .map(|notice| format!("{mark}{notice}"))
        .collect()
}

/// The notices of several societies, each once.
pub fn all_notices(societies: &[std::sync::Arc<SocietyOffice>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = societies
        .iter()
        .flat_map(|society| notices(&society.known()));
    all.filter(|notice| seen.insert(notice.clone())).collect()
}

/// A page, to be asked for anew each time it is looked at.
pub fn page(template: &impl Template) -> Result<Response, Trouble> {
    let html = template.render().map_err(Trouble::ours)?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], Html(html)).into_response())
}
