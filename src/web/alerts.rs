//! `/desk/{slug}/alerts/{number}`: a meter that says nothing, or a roof that falls behind; and what an
//! officer says is being done about it.

use axum::{
    extract::{Path, State},
    response::Response,
};
use identity::Right;
use serde::Deserialize;

use super::{
    Web, frame,
    me::moment,
    society::named,
    trouble::{Trouble, sentence},
    view::AlertPage,
    visitor::{Sent, Visitor, see},
};
use office::{Refusal, alerts::AlertSeen};

/// What the form says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenForm {
    note: String,
    #[serde(default)]
    ticket: String,
    #[serde(default)]
    warranty: String,
}

/// The page.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &slug, number, None))
        .await
}

/// Somebody has seen it.
pub async fn seen(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    Sent(sent): Sent<SeenForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let said = AlertSeen {
            number,
            ticket: sent.ticket,
            warranty: sent.warranty,
            note: sent.note,
        };
        match society.see_alert(&said, &visitor.user, web.state.clock.now()) {
            Ok(_) => Ok(see(&format!("/desk/{slug}"))),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                show(web, &visitor, &slug, number, Some(why))
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

fn show(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    number: u32,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let known = society.known();
    let alert = society
        .alerts()?
        .into_iter()
        .find(|one| one.raised.number == number);
    let alert = alert.ok_or_else(Trouble::nothing_here)?;
    let site = known.sites.get(&alert.raised.site);
    let mut history = vec![format!("Raised on {}.", moment(&known.zone, alert.at))];
    for (told, at) in &alert.told {
        history.push(format!(
            "Told to {} on {}.",
            told.to,
            moment(&known.zone, *at)
        ));
    }
    if let Some((seen, by, at)) = &alert.seen {
        let said: Vec<&str> = [&seen.note, &seen.ticket, &seen.warranty]
            .into_iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .collect();
        let said = said.join("; ");
        history.push(format!(
            "{by} saw it on {}: {said}.",
            moment(&known.zone, *at)
        ));
    }
    if let Some((cleared, at)) = &alert.cleared {
        history.push(format!(
            "Over on {}: {}",
            moment(&known.zone, *at),
            cleared.text
        ));
    }
    frame::page(&AlertPage {
        frame: frame::of_visitor(web, visitor, "An alert", ""),
        society: frame::link(&known.document.society.name, &format!("/desk/{slug}")),
        here: format!("/desk/{slug}/alerts/{number}"),
        sentence: sentence(&alert.raised.text),
        roof: site.map(|site| {
            let href = format!("/s/{slug}/sites/{}", alert.raised.site);
            frame::link(&site.name, &href)
        }),
        history,
        may_say: alert.cleared.is_none()
            && web.state.office.may(&visitor.user, Right::Meters, slug),
        trouble,
    })
}
