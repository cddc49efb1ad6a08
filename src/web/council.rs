//! `/council`: a council's stake, by society, at day level and coarser. No other member's holding is
//! in anything that is asked here.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::{
    calendar::{LocalDay, Period},
    money::Pence,
};
use identity::Right;
use report::words;
use serde::Deserialize;

use super::{
    Web, frame, kept,
    society::named,
    trouble::Trouble,
    view::{CouncilPage, StakeWords},
    visitor::{Visitor, see},
};
use office::{Refusal, SocietyOffice, stake::Stake};

/// The day it is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct On {
    #[serde(default)]
    on: String,
}

/// The societies in which the council has a stake.
pub async fn all(
    State(web): State<Web>,
    visitor: Visitor,
    Query(on): Query<On>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let societies = visitor.societies(web, Right::Stake);
        page(web, &visitor, &societies, "/council", &on)
    })
    .await
}

/// One society.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(on): Query<On>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        page(web, &visitor, &[society], &format!("/council/{slug}"), &on)
    })
    .await
}

fn page(
    web: &Web,
    visitor: &Visitor,
    societies: &[Arc<SocietyOffice>],
    here: &str,
    on: &On,
) -> Result<Response, Trouble> {
    let day = match on.on.as_str() {
        "" => None,
        text => Some(
            text.parse::<LocalDay>()
                .map_err(|why| Trouble::form(&why.to_string()))?,
        ),
    };
    if societies.is_empty() {
        return Ok(see("/me"));
    }
    let now = web.state.clock.now();
    let today = societies[0].known().zone.day_of(now);
    if let Some(day) = day.filter(|day| *day > today) {
        let why = format!("{} has not come yet", words::date(day));
        return Err(Trouble::ruled_out(Refusal::Caller(why)));
    }
    let own = web.state.office.members_of_user(&visitor.user);
    let mut stakes = Vec::new();
    let (mut capital, mut all) = (0, 0);
    let (mut name, mut places) = (String::new(), Vec::new());
    for society in societies {
        let of_here = own.iter().filter(|of| of.society == society.slug());
        let numbers: Vec<u32> = of_here.map(|of| of.member).collect();
        match society.stake(&numbers, day, now) {
            Ok(stake) => {
                capital += stake.capital.0;
                all += stake.all_capital.0;
                name.clone_from(&stake.name);
                places.push(society.known().document.society.name.clone());
                stakes.push(words_of(web, society, &stake)?);
            }
            // A society without a council among its members has its roofs to show all the same.
            Err(Refusal::Caller(why)) => stakes.push(without(web, society, &why)?),
            Err(ours) => return Err(ours.into()),
        }
    }
    let sentence = match places.as_slice() {
        [] => "The council holds no shares in these societies.".to_owned(),
        places => format!(
            "{name} holds {} of {} in {}.",
            pounds(capital),
            pounds(all),
            words::list(places)
        ),
    };
    let mut frame = frame::of_visitor(web, visitor, "The council’s stake", here);
    frame.notices = frame::all_notices(societies);
    frame::page(&CouncilPage {
        frame,
        sentence,
        here: here.to_owned(),
        on: on.on.clone(),
        stakes,
    })
}

/// Whole pounds where they are.
fn pounds(pence: i64) -> String {
    let text = Pence(pence).to_string();
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

fn without(web: &Web, society: &SocietyOffice, why: &str) -> Result<StakeWords, Trouble> {
    let why = why.split('\n').next().unwrap_or_default();
    let mut words = roofs(web, society)?;
    words.sentence = super::trouble::sentence(why);
    Ok(words)
}

fn words_of(web: &Web, society: &SocietyOffice, stake: &Stake) -> Result<StakeWords, Trouble> {
    let mut words = roofs(web, society)?;
    let percent = |of: Option<rust_decimal::Decimal>| {
        of.map_or_else(|| "no part".to_owned(), |of| format!("{of} %"))
    };
    words.sentence = format!(
        "{} of {} is {} of the capital; one vote of {} is {} of the votes.",
        pounds(stake.capital.0),
        pounds(stake.all_capital.0),
        percent(stake.capital_percent),
        stake.votes,
        percent(stake.vote_percent)
    );
    words.has_stake = true;
    words.as_of = words::date(stake.on);
    words.interest = stake
        .interest
        .iter()
        .map(|(run, from, to, pence)| (format!("Run {run}, {}", span(from, to)), pence.to_string()))
        .collect();
    words.savings = stake
        .savings
        .iter()
        .map(|(host, from, to, saved)| {
            let saved = saved.map_or_else(|| "not known".to_owned(), |pence| pence.to_string());
            (format!("{host}, {}", span(from, to)), saved)
        })
        .collect();
    Ok(words)
}

fn span(from: &str, to: &str) -> String {
    match (from.parse::<LocalDay>(), to.parse::<LocalDay>()) {
        (Ok(from), Ok(to)) => words::span(from, to),
        _ => format!("{from} to {to}"),
    }
}

/// What is public of a society: its roofs, and the last whole year beside its forecast.
fn roofs(web: &Web, society: &SocietyOffice) -> Result<StakeWords, Trouble> {
    let now = web.state.clock.now();
    let known = society.known();
    let slug = society.slug();
    let facts = &known.document.society;
    let this = known.zone.day_of(now).year();
    let known_of = |year: i32| {
        let report = kept::report(web, society, None, Period::Year(year), now);
        report.is_ok_and(|report| report.totals.generated.is_some())
    };
    let last = if known_of(this - 1) { this - 1 } else { this };
    let roofs = known.document.site.iter().map(|site| {
        let host = match site.host.is_empty() {
            true => String::new(),
            false => format!(", on a roof of {}", site.host),
        };
        let mark = if site.sample { " (SAMPLE)" } else { "" };
        (
            frame::link(&site.name, &format!("/s/{slug}/sites/{}", site.id)),
            format!("{} kWp{host}{mark}", site.capacity_kwp),
        )
    });
    let mut words = StakeWords {
        society: frame::link(&facts.name, &format!("/s/{slug}")),
        roofs: roofs.collect(),
        sample: facts.sample,
        ..StakeWords::default()
    };
    match kept::report(web, society, None, Period::Year(last), now) {
        Ok(report) => {
            words.generation = report.sentence();
            words.figure = report
                .html_figure(&format!("year-{slug}"))
                .map_err(Trouble::ours)?;
            words.report = Some(frame::link(
                &format!("The report of {last}, with every factor and read behind it"),
                &format!("/s/{slug}/reports/{last}"),
            ));
            if let Some(co2) = report.totals.co2_kg {
                let factor = report
                    .factors
                    .iter()
                    .find(|factor| factor.name == "co2_kg_per_kwh" || factor.name.contains("co2"));
                words.carbon = format!(
                    "That is {} kg of carbon dioxide that the grid did not have to make{}.",
                    words::decimal(co2),
                    factor.map_or_else(String::new, |factor| format!(
                        ", at {} kg a kWh ({})",
                        words::decimal(factor.value),
                        factor.source
                    ))
                );
            }
        }
        Err(Refusal::Caller(_)) => {
            words.generation = "Nothing is known to have been made yet.".to_owned()
        }
        Err(ours) => return Err(ours.into()),
    }
    Ok(words)
}
