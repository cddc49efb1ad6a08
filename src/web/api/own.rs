//! What is one's own: who one is, a member's holding, a council's stake.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::calendar::{LocalDay, Period};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Asked, Days, json};
use crate::web::{Web, council, society::named, trouble::Trouble, visitor::Visitor};
use office::{interest::Standing, stake::SocietyStake};

/// Longest span of a stake, days.
const MOST_DAYS: i32 = 50 * 366;

/// The days a stake is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Between {
    /// First day, local to the society
    #[param(format = Date, nullable = false)]
    from: Option<String>,
    /// Last day, inside
    #[param(format = Date, nullable = false)]
    to: Option<String>,
}

/// Who asks.
#[derive(Serialize, ToSchema)]
pub struct Me {
    user: String,
    /// Roles in force.
    roles: Vec<HeldRole>,
    /// The members one is.
    members: Vec<Membership>,
}

/// A role and where it holds.
#[derive(Serialize, ToSchema)]
pub struct HeldRole {
    role: String,
    /// Every society when null.
    society: Option<String>,
}

/// A member of a society.
#[derive(Serialize, ToSchema)]
pub struct Membership {
    society: String,
    member: u32,
}

/// What a member holds and what it earned.
#[derive(Serialize, ToSchema)]
pub struct Holding {
    society: String,
    member: u32,
    /// The day it is reckoned for.
    on: String,
    classes: Vec<Held>,
    total_pence: i64,
    movements: Vec<Movement>,
    interest: Vec<Earned>,
    /// What becomes of interest: `bank`, `cheque`, `reinvest` or `fund`.
    payment: String,
    sample: bool,
}

/// Shares of a class.
#[derive(Serialize, ToSchema)]
pub struct Held {
    class: String,
    shares: i64,
    pence: i64,
}

/// How it came to be.
#[derive(Serialize, ToSchema)]
pub struct Movement {
    movement: u32,
    on: String,
    class: String,
    kind: String,
    shares: i64,
    pence: i64,
    /// 0 for none.
    certificate: u32,
    /// The movement that took it back; 0 for none.
    reversed_by: u32,
}

/// A line of a frozen run.
#[derive(Serialize, ToSchema)]
pub struct Earned {
    run: u32,
    from: String,
    to: String,
    class: String,
    pence: i64,
    /// The working in words.
    basis: String,
}

/// A council's stake in a society, of the buildings that the officer sees.
#[derive(Serialize, ToSchema)]
pub struct Stake {
    society: String,
    /// First day of what was earned and made.
    from: String,
    /// Last day, inside.
    to: String,
    /// Null where the council is no member.
    capital: Option<Capital>,
    interest: Vec<StakeInterest>,
    buildings: Vec<Building>,
    sample: bool,
}

/// What a council holds at the end of a day.
#[derive(Serialize, ToSchema)]
pub struct Capital {
    on: String,
    pence: i64,
    /// What all members hold.
    all_pence: i64,
    percent: Option<String>,
    /// Members with a vote, the council among them.
    voters: u32,
    vote_percent: Option<String>,
}

/// Interest of a frozen run.
#[derive(Serialize, ToSchema)]
pub struct StakeInterest {
    run: u32,
    from: String,
    to: String,
    pence: i64,
}

/// A roof that the council lends.
#[derive(Serialize, ToSchema)]
pub struct Building {
    site: String,
    name: String,
    /// What it made; null where nothing is known.
    wh: Option<i64>,
    forecast_wh: Option<i64>,
    quality: String,
    missing_half_hours: u32,
    co2_kg: Option<String>,
    savings: Vec<Saving>,
    sample: bool,
}

/// What a host saved against the grid, by a bill.
#[derive(Serialize, ToSchema)]
pub struct Saving {
    host: String,
    bill: u32,
    from: String,
    to: String,
    /// Null where the bill names no grid price.
    pence: Option<i64>,
}

/// Who asks, and what they are
#[utoipa::path(get, path = "/api/v1/me", tag = "own", responses((status = OK, body = Me)))]
pub async fn me(State(web): State<Web>, visitor: Visitor) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let office = &web.state.office;
        let roles = office.roles_in_force(&visitor.user).into_iter();
        let members = office.members_of_user(&visitor.user).into_iter();
        json(&Me {
            roles: roles
                .map(|(role, society)| HeldRole {
                    role: role.word().to_owned(),
                    society,
                })
                .collect(),
            members: members
                .map(|of| Membership {
                    society: of.society,
                    member: of.member,
                })
                .collect(),
            user: visitor.user,
        })
    })
    .await
}

/// A member's own holding, its history and what it earned
#[utoipa::path(get, path = "/api/v1/societies/{slug}/members/{member}/holding", tag = "own",
    responses((status = OK, body = Holding)))]
pub async fn holding(
    State(web): State<Web>,
    Path((slug, member)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let today = society.known().zone.day_of(now);
        let (line, _) = society.member(member, now)?;
        let held = society.holdings(today, Some(member), now)?;
        let mut interest = Vec::new();
        for run in society.interest_runs()? {
            if run.standing != Standing::Frozen {
                continue;
            }
            let note = run.note;
            let own = note.lines.into_iter().filter(|own| own.member == member);
            interest.extend(own.map(|own| Earned {
                run: note.number,
                from: note.from.clone(),
                to: note.to.clone(),
                class: own.class,
                pence: own.pence,
                basis: own.basis,
            }));
        }
        json(&Holding {
            society: slug.clone(),
            member,
            on: held.on.to_string(),
            classes: held
                .lines
                .iter()
                .map(|line| Held {
                    class: line.class.to_string(),
                    shares: line.shares,
                    pence: line.pence.0,
                })
                .collect(),
            total_pence: held.total.0,
            movements: society
                .movements(Some(member))?
                .into_iter()
                .map(|row| Movement {
                    movement: row.movement,
                    on: row.on.to_string(),
                    class: row.class,
                    kind: row.kind.to_owned(),
                    shares: row.shares,
                    pence: row.pence.0,
                    certificate: row.certificate,
                    reversed_by: row.reversed_by,
                })
                .collect(),
            interest,
            payment: office::roll::document::payment_word(line.payment).to_owned(),
            sample: society.is_sample(),
        })
    })
    .await
}

/// A council's stake over days; this calendar year when none are named
#[utoipa::path(get, path = "/api/v1/societies/{slug}/stake", tag = "own", params(Between),
    responses((status = OK, body = Stake)))]
pub async fn stake(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Asked(between): Asked<Between>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let today = society.known().zone.day_of(web.state.clock.now());
        let year = Period::Year(today.year());
        let days = Days {
            from: between.from,
            to: between.to,
            ..Days::default()
        };
        let (first, last) = days.days(year.first_day(), year.last_day())?;
        let span = Period::Range { first, last };
        if span.day_count() > MOST_DAYS {
            return Err(Trouble::asked(&format!(
                "the span is longer than {MOST_DAYS} days"
            )));
        }
        let report = council::asked(web, &visitor, &[society], span)?;
        let stake = report.societies.into_iter().find(|of| of.slug == slug);
        let Some(stake) = stake else {
            return Err(Trouble::no_such("stake in", &slug));
        };
        json(&of_stake(stake, (first, last)))
    })
    .await
}

fn of_stake(stake: SocietyStake, (from, to): (LocalDay, LocalDay)) -> Stake {
    Stake {
        society: stake.slug,
        from: from.to_string(),
        to: to.to_string(),
        capital: stake.capital.map(|capital| Capital {
            on: capital.on.to_string(),
            pence: capital.own.0,
            all_pence: capital.all.0,
            percent: capital.percent.map(|percent| percent.to_string()),
            voters: capital.voters,
            vote_percent: capital.vote_percent.map(|percent| percent.to_string()),
        }),
        interest: stake
            .interest
            .into_iter()
            .map(|line| StakeInterest {
                run: line.run,
                from: line.days.0.to_string(),
                to: line.days.1.to_string(),
                pence: line.pence.0,
            })
            .collect(),
        buildings: stake
            .buildings
            .into_iter()
            .map(|of| Building {
                site: of.site,
                name: of.name,
                wh: of.made.map(|made| made.0),
                forecast_wh: of.forecast.map(|forecast| forecast.0),
                quality: of.quality.word().to_owned(),
                missing_half_hours: of.missing,
                co2_kg: of.co2_kg.map(|kg| kg.to_string()),
                savings: of
                    .savings
                    .into_iter()
                    .map(|line| Saving {
                        host: line.host,
                        bill: line.bill,
                        from: line.days.0.to_string(),
                        to: line.days.1.to_string(),
                        pence: line.saved.map(|saved| saved.0),
                    })
                    .collect(),
                sample: of.sample,
            })
            .collect(),
        sample: stake.sample,
    }
}
