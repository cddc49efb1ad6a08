//! `/operations`: how the machine is, for whoever looks after it, from this machine only. Counts and
//! reasons; no read, no point and nobody's name.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use report::words;

use super::{
    Web, frame,
    trouble::Trouble,
    view::{OperationsPage, SocietyStanding, operations::DeadReason},
};
use office::{
    SocietyOffice,
    mirror::{Mirror, MirrorStatus},
};

/// The operations page.
pub async fn page(State(web): State<Web>) -> Result<Response, Trouble> {
    let page = web.ask(|web| frame::page(&filled(web)?)).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], page).into_response())
}

fn filled(web: &Web) -> Result<OperationsPage, Trouble> {
    let office = &web.state.office;
    let mirror = office.mirror();
    let statuses = mirror
        .as_ref()
        .map(|mirror| mirror.status(office))
        .unwrap_or_default();
    let mut dead = Vec::new();
    let mut societies = Vec::new();
    for society in office.societies() {
        let status = statuses
            .iter()
            .find(|status| status.society == society.slug());
        societies.push(standing(&society, status));
        if let Some(mirror) = &mirror {
            dead.extend(dead_reasons(mirror, &society)?);
        }
    }
    let reasons = (web.state.health)();
    Ok(OperationsPage {
        frame: frame::at(web, "Operations", "/operations"),
        sentence: match reasons.len() {
            0 => "All is well with this machine.".to_owned(),
            1 => "One thing is not well with this machine.".to_owned(),
            _ => "Several things are not well with this machine.".to_owned(),
        },
        reasons,
        has_mirror: mirror.is_some(),
        is_store: mirror.is_some_and(|mirror| mirror.store().is_some()),
        societies,
        dead,
    })
}

fn standing(society: &Arc<SocietyOffice>, status: Option<&MirrorStatus>) -> SocietyStanding {
    let size = society.committer().reader().size();
    let position = society
        .projector()
        .progress()
        .position
        .load(Ordering::Acquire);
    SocietyStanding {
        name: society.known().document.society.name.clone(),
        records: number(size),
        series_behind: number(size.saturating_sub(position)),
        mirror_behind: status.map_or_else(String::new, |status| {
            number(status.size.saturating_sub(status.position))
        }),
        points: status.map_or_else(String::new, |status| number(status.points)),
        dead: status.map_or_else(String::new, |status| number(status.dead)),
        waits: status
            .and_then(|status| status.trouble.clone())
            .unwrap_or_default(),
    }
}

fn dead_reasons(mirror: &Mirror, society: &SocietyOffice) -> Result<Vec<DeadReason>, Trouble> {
    let letters = mirror.dead_letters(society)?;
    let name = &society.known().document.society.name;
    let reasons = letters.reasons().into_iter();
    Ok(reasons
        .map(|(reason, count)| DeadReason {
            society: name.clone(),
            reason,
            count: number(count),
        })
        .collect())
}

fn number(n: u64) -> String {
    words::whole(i64::try_from(n).unwrap_or(i64::MAX))
}
