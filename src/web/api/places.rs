//! Societies, roofs, meters, installations, gateways, and what they do now.

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, Page, Paged, json, reader::Reader};
use crate::web::{Web, figures, site::faces, society::named, trouble::Trouble};
use office::{SocietyOffice, energy::By};

/// A society.
#[derive(Serialize, ToSchema)]
pub struct Society {
    id: String,
    name: String,
    about: String,
    /// The zone of its days.
    zone: String,
    sites: u32,
    /// Its arrays together, W peak.
    capacity_w: i64,
    /// What readers are told of its data.
    notices: Vec<String>,
    /// It is sample data.
    sample: bool,
}

/// A roof.
#[derive(Serialize, ToSchema)]
pub struct Site {
    id: String,
    society: String,
    name: String,
    /// Its array, W peak.
    capacity_w: i64,
    /// First day of generation; empty where the society's file names none.
    commissioned: String,
    /// Whose roof it is; empty where the society's file names nobody.
    host: String,
    sample: bool,
    /// Its generation meters.
    generation_meters: Vec<Face>,
}

/// A generation meter as one would read it on the wall.
#[derive(Serialize, ToSchema)]
pub struct Face {
    id: String,
    /// RFC 3339; null when it was never read.
    #[schema(format = DateTime)]
    last_read_at: Option<String>,
    last_read_wh: Option<i64>,
}

/// What a place does now.
#[derive(Serialize, ToSchema)]
pub struct Now {
    /// Power; null when the last read is too old to say.
    power_w: Option<i64>,
    /// Energy since the local midnight; null when nothing of it is known.
    today_wh: Option<i64>,
    /// How today's energy is known.
    quality: String,
    /// When the last read was taken.
    #[schema(format = DateTime)]
    last_read_at: Option<String>,
    sample: bool,
}

/// A meter.
#[derive(Serialize, ToSchema)]
pub struct Meter {
    id: String,
    society: String,
    site: String,
    meter_point: String,
    registers: Vec<String>,
    /// First day there.
    installed: String,
    approved_for_billing: bool,
    #[schema(format = DateTime)]
    last_read_at: Option<String>,
    last_read_wh: Option<i64>,
}

/// A FIT installation.
#[derive(Serialize, ToSchema)]
pub struct Installation {
    id: String,
    society: String,
    site: String,
    meter_point: String,
    declared_net_capacity_kw: String,
    eligible_from: String,
    sample: bool,
}

/// A gateway.
#[derive(Serialize, ToSchema)]
pub struct Gateway {
    id: String,
    society: String,
    site: String,
    /// `token`, `certificate`, `token and certificate`, `revoked` or `none`.
    credential: String,
    /// What its reads are worth: `G` signed, `T` transport, `none` when it is revoked.
    evidence: String,
    /// Messages since the daemon started that were kept and do not count.
    not_believed: u64,
    /// Notes whose predecessor is not here and not said to be lost.
    missing_links: u64,
    /// Notes that name another predecessor than the one that is here.
    broken_links: u64,
}

/// The societies
#[utoipa::path(get, path = "/api/v1/societies", tag = "places", params(Paged),
    responses((status = OK, body = Page<Society>)))]
pub async fn societies(
    State(web): State<Web>,
    reader: Reader,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let all = web.state.office.societies();
        let seen = all.iter().filter(|society| reader.sees(society.slug()));
        json(&asked.page(seen.map(|society| society_of(society)))?)
    })
    .await
}

/// One society
#[utoipa::path(get, path = "/api/v1/societies/{slug}", tag = "places",
    responses((status = OK, body = Society)))]
pub async fn society(
    State(web): State<Web>,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| json(&society_of(&*named(web, &slug)?)))
        .await
}

/// What a society's roofs do now
#[utoipa::path(get, path = "/api/v1/societies/{slug}/now", tag = "places",
    responses((status = OK, body = Now)))]
pub async fn society_now(
    State(web): State<Web>,
    reader: Reader,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    reader.steps(By::Period)?;
    web.ask(move |web| {
        let society = named(web, &slug)?;
        json(&now(figures::of_society(&society, web.state.clock.now())))
    })
    .await
}

/// A society's roofs
#[utoipa::path(get, path = "/api/v1/societies/{slug}/sites", tag = "places", params(Paged),
    responses((status = OK, body = Page<Site>)))]
pub async fn sites(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let ids = known.sites.keys();
        let all = ids.map(|id| site_of(&society, id));
        json(&asked.page(all.collect::<Result<Vec<_>, _>>()?)?)
    })
    .await
}

/// One roof
#[utoipa::path(get, path = "/api/v1/societies/{slug}/sites/{site}", tag = "places",
    responses((status = OK, body = Site)))]
pub async fn site(
    State(web): State<Web>,
    Path((slug, site)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| json(&site_of(&*named(web, &slug)?, &site)?))
        .await
}

/// What a roof does now
#[utoipa::path(get, path = "/api/v1/societies/{slug}/sites/{site}/now", tag = "places",
    responses((status = OK, body = Now)))]
pub async fn site_now(
    State(web): State<Web>,
    reader: Reader,
    Path((slug, site)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    reader.steps(By::Period)?;
    web.ask(move |web| {
        let society = named(web, &slug)?;
        faces(&society, &site)?;
        let at = web.state.clock.now();
        json(&now(figures::of_site(&society, &site, at)))
    })
    .await
}

/// A society's meters
#[utoipa::path(get, path = "/api/v1/societies/{slug}/meters", tag = "places", params(Paged),
    responses((status = OK, body = Page<Meter>)))]
pub async fn meters(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let lines = named(web, &slug)?.list_meters(web.state.clock.now());
        json(&asked.page(lines.into_iter().map(|line| Meter {
            id: line.id,
            society: line.society,
            site: line.site,
            meter_point: line.meter_point,
            registers: line.registers,
            installed: line.installed,
            approved_for_billing: line.approved_for_billing,
            last_read_at: line.last_read_at,
            last_read_wh: line.last_read_wh,
        }))?)
    })
    .await
}

/// A society's FIT installations
#[utoipa::path(get, path = "/api/v1/societies/{slug}/installations", tag = "places", params(Paged),
    responses((status = OK, body = Page<Installation>)))]
pub async fn installations(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let lines = named(web, &slug)?.list_installations();
        json(&asked.page(lines.into_iter().map(|line| Installation {
            id: line.id,
            society: line.society,
            site: line.site,
            meter_point: line.meter_point,
            declared_net_capacity_kw: line.declared_net_capacity_kw,
            eligible_from: line.eligible_from,
            sample: line.sample,
        }))?)
    })
    .await
}

/// A society's gateways
#[utoipa::path(get, path = "/api/v1/societies/{slug}/gateways", tag = "places", params(Paged),
    responses((status = OK, body = Page<Gateway>)))]
pub async fn gateways(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Asked(asked): Asked<Paged>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        named(web, &slug)?;
        let now = web.state.clock.now();
        let lines = web.state.office.list_gateways(Some(&slug), now);
        json(&asked.page(lines.into_iter().map(|line| Gateway {
            id: line.id,
            society: line.society,
            site: line.site,
            credential: line.credential.to_owned(),
            evidence: line.evidence.to_owned(),
            not_believed: line.not_believed,
            missing_links: line.missing_links,
            broken_links: line.broken_links,
        }))?)
    })
    .await
}

fn society_of(society: &SocietyOffice) -> Society {
    let known = society.known();
    let facts = &known.document.society;
    Society {
        id: facts.slug.clone(),
        name: facts.name.clone(),
        about: facts.about.clone(),
        zone: known.zone.name().to_owned(),
        sites: u32::try_from(known.sites.len()).unwrap_or(u32::MAX),
        capacity_w: known.sites.values().map(|site| site.kwp.0).sum(),
        notices: facts.notice.clone(),
        sample: facts.sample,
    }
}

fn site_of(society: &SocietyOffice, id: &str) -> Result<Site, Trouble> {
    let faces = faces(society, id)?;
    let known = society.known();
    let facts = known.document.site.iter().find(|site| site.id == id);
    let facts = facts.ok_or_else(|| Trouble::ours("a known roof is not in the document"))?;
    Ok(Site {
        id: id.to_owned(),
        society: society.slug().to_owned(),
        name: facts.name.clone(),
        capacity_w: known.sites.get(id).map_or(0, |site| site.kwp.0),
        commissioned: facts.commissioned.clone(),
        host: facts.host.clone(),
        sample: facts.sample || known.document.society.sample,
        generation_meters: faces
            .into_iter()
            .map(|face| Face {
                id: face.serial,
                last_read_at: face.last.map(|(at, _)| at.to_string()),
                last_read_wh: face.last.map(|(_, wh)| wh.0),
            })
            .collect(),
    })
}

fn now(figures: figures::Figures) -> Now {
    let known = figures.known;
    Now {
        power_w: known.power.map(|power| power.0),
        today_wh: known.today.map(|today| today.0),
        quality: known.quality.word().to_owned(),
        last_read_at: known.last_read.map(|at| at.to_string()),
        sample: figures.now.sample,
    }
}
