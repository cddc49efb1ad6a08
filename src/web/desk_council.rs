//! `/desk/{slug}/council`, `/outcomes` and `/closing`: what a society's officers see and note of a
//! council's stake, of outcomes, and of roofs that close.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use office::{
    Refusal,
    stake::{StakeAsked, sheet_of},
};

use report::{
    dossier::{Amount, Dossier, Figure, Section},
    words,
};

use super::{
    Web,
    council::{Between, days, outcome_page},
    frame, notes,
    society::named,
    trouble::{Trouble, sentence},
    view::CouncilPage,
    visitor::Visitor,
};

/// The council's stake, as the society's officers see it.
pub async fn stake(
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
        let asked = StakeAsked {
            council: None,
            period,
            only: Vec::new(),
        };
        let societies = [std::sync::Arc::clone(&society)];
        let made = web
            .state
            .office
            .stake_report(&asked, &societies, now, false);
        let (said, fragment) = match made {
            Ok(report) => {
                let sheet = sheet_of(&report);
                let fragment = sheet.fragment(false).map_err(Trouble::ours)?;
                (sheet.sentence, fragment)
            }
            Err(Refusal::Caller(why)) => (
                sentence(why.split('\n').next().unwrap_or_default()),
                String::new(),
            ),
            Err(ours) => return Err(ours.into()),
        };
        let here = format!("/desk/{slug}/council");
        let mut frame = frame::of_visitor(web, &visitor, "The council’s stake", &here);
        frame.notices = frame::notices(&known);
        frame::page(&CouncilPage {
            frame,
            kicker: vec![frame::link(
                &format!("The desk of {}", known.document.society.name),
                &format!("/desk/{slug}"),
            )],
            sentence: said,
            fragment,
            days: Some(days(&here, period)),
            ways: notes::ways(&slug, "/council"),
            ..CouncilPage::default()
        })
    })
    .await
}

/// Outcomes.
pub async fn outcomes(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(between): Query<Between>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let name = society.known().document.society.name.clone();
        let back = frame::link(&format!("The desk of {name}"), &format!("/desk/{slug}"));
        let ways = notes::ways(&slug, "/outcomes");
        let here = format!("/desk/{slug}/outcomes");
        outcome_page(web, &visitor, &society, &here, back, &between, ways)
    })
    .await
}

/// Roofs that close, and what ends soon.
pub async fn closing(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let now = web.state.clock.now();
        let mut sections = Vec::new();
        let endings = society.endings(known.zone.day_of(now))?;
        let figure = |what: String, amount: String, evidence: String| Figure {
            what,
            amount: Amount::Words(amount),
            evidence,
            href: None,
            sample: known.document.society.sample,
        };
        if !endings.is_empty() {
            let line = |one: &office::closing::Ending| {
                figure(
                    format!("The {} of {}", one.kind, one.of),
                    format!("ends on {}", words::date(one.ends)),
                    format!(
                        "{} months were left on {}",
                        one.months,
                        words::date(one.since)
                    ),
                )
            };
            sections.push(Section {
                heading: "What ends soon".to_owned(),
                figures: endings.iter().map(line).collect(),
                ..Section::default()
            });
        }
        let closings = society.closings(now)?;
        for state in &closings {
            let line = |step: &office::closing::ClosingStep| match &step.shown {
                Some(shown) => figure(step.what.clone(), "done".to_owned(), shown.clone()),
                None => figure(step.what.clone(), "to do".to_owned(), step.hint.clone()),
            };
            sections.push(Section {
                heading: format!("{} closes on {}", state.of.site, state.of.on),
                text: vec![format!(
                    "{} The installation goes to {}.",
                    sentence(&state.of.why),
                    state.of.to
                )],
                figures: state.steps.iter().map(line).collect(),
                ..Section::default()
            });
            if let Some(letter) = &state.letter {
                sections.push(Section {
                    heading: format!("The letter to the licensee of {}", state.of.site),
                    text: letter.split("\n\n").map(str::to_owned).collect(),
                    ..Section::default()
                });
            }
        }
        let here = format!("/desk/{slug}/closing");
        let mut frame = frame::of_visitor(web, &visitor, "Roofs that close", &here);
        frame.notices = frame::notices(&known);
        let dossier = Dossier {
            sections,
            ..Dossier::default()
        };
        frame::page(&CouncilPage {
            frame,
            kicker: vec![frame::link(
                &format!("The desk of {}", known.document.society.name),
                &format!("/desk/{slug}"),
            )],
            sentence: match (closings.len(), endings.len()) {
                (0, 0) => "No roof closes, and no licence or tariff ends soon.".to_owned(),
                (0, _) => "A licence or a tariff ends soon: agree on what follows.".to_owned(),
                (1, _) => "One roof closes.".to_owned(),
                (n, _) => format!("{n} roofs close."),
            },
            fragment: dossier.fragment(true).map_err(Trouble::ours)?,
            ..CouncilPage::default()
        })
    })
    .await
}
