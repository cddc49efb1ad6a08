//! `/s/{slug}/interest/{run}`: the working of a frozen interest run, which the code on every
//! statement opens: from the total back to the roofs' meters, their reads at both ends and the
//! journal's head. No member is in it. The photo of a dial is for the society's members and officers.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use identity::Right;
use report::words;

use super::{
    Web, frame, kept,
    society::named,
    trouble::Trouble,
    view::parts::{Cell, Part, PartsPage, Table},
    visitor::Visitor,
};

/// The working.
pub async fn page(
    State(web): State<Web>,
    Path((slug, run)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        // A run that is not frozen is nobody's business yet.
        let facts = kept::working(web, &society, run, now).map_err(|_| Trouble::nothing_here())?;
        let known = society.known();
        let days = words::span(facts.from, facts.to);
        let here = format!("/s/{slug}/interest/{run}");
        let title = format!("Interest run {run}");
        let classes: Vec<String> = facts
            .classes
            .iter()
            .map(|class| {
                let rate = match class.rate.as_str() {
                    "" => "a share of the pot",
                    rate => rate,
                };
                format!(
                    "{}: {rate}. The rule: {}; at most {}, declared in advance.",
                    class.name, class.rule, class.maximum
                )
            })
            .collect();
        let mut roofs = Table::new(
            "The meters, with the reads at both ends of these days, kWh",
            &["<Roof", "<Meter, register", "<Opening read", "<Closing read", "Made", "<Photos"],
        );
        for roof in &facts.roofs {
            let photo = |which: &str, sha256: &str| {
                Cell::link(which, format!("/s/{slug}/photos/{sha256}"))
            };
            let [opening, closing] = &roof.photos;
            let picture = match (opening, closing) {
                (_, Some(sha256)) => photo("the dial at the closing read", sha256),
                (Some(sha256), None) => photo("the dial at the opening read", sha256),
                (None, None) => Cell::text("none"),
            };
            let read = |text: &str, sha256: &Option<String>| match sha256 {
                Some(sha256) => Cell::link(text, format!("/s/{slug}/photos/{sha256}")),
                None => Cell::text(text),
            };
            roofs.row(vec![
                Cell::text(roof.roof.as_str()),
                Cell::text(roof.meter.as_str()),
                read(&roof.opening, opening),
                read(&roof.closing, closing),
                Cell::text(roof.made.as_str()),
                picture,
            ]);
        }
        let mut parts = vec![
            Part::Text(facts.generation.sentence()),
            Part::Picture(facts.generation.html_figure("year").map_err(Trouble::ours)?),
            Part::Heading("The rate".to_owned()),
            Part::List(classes),
            Part::Heading("The meters".to_owned()),
        ];
        match facts.roofs.is_empty() {
            true => parts.push(Part::Text("No read of a meter is known for these days.".to_owned())),
            false => parts.push(Part::Table(roofs)),
        }
        parts.push(Part::Small(
            "The photo of a dial is shown to members and officers who are logged in.".to_owned(),
        ));
        parts.push(Part::Links(vec![frame::link(
            "The report of these days, month by month",
            &format!("/s/{slug}/reports/{}..{}", facts.from, facts.to),
        )]));
        parts.push(Part::Heading("What it can be held against".to_owned()));
        let mut against = vec![
            format!("Run {run}, frozen on {} after two officers put their names to its hash: {}", words::date(facts.frozen_on), facts.hash),
            format!(
                "The journal had {} records then, and this root: {}",
                words::whole(i64::try_from(facts.head.0).unwrap_or(i64::MAX)),
                facts.head.1
            ),
            "Both stand on every member’s statement. Whoever holds a copy of the journal can hold it against them: `commonwatt verify --head`.".to_owned(),
        ];
        if let Some(voided) = facts.replaces {
            against.push(format!("It takes the place of run {voided}, which was taken back."));
        }
        parts.push(Part::List(against));
        frame::page(&PartsPage {
            frame: frame::of_society(web, &known, &title, &here),
            above: vec![frame::link(
                &known.document.society.name,
                &format!("/s/{slug}"),
            )],
            sentence: format!(
                "For {days}, members of {} earned {} of share interest in {}.",
                known.document.society.name,
                facts.total,
                words::count(
                    u32::try_from(facts.lines).unwrap_or(u32::MAX),
                    "line",
                    "lines"
                )
            ),
            sample: facts.sample,
            parts,
            ..PartsPage::default()
        })
    })
    .await
}

/// The photo of a dial, for the society's members and officers.
pub async fn photo(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, sha256)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let office = &web.state.office;
        let member = office
            .members_of_user(&visitor.user)
            .iter()
            .any(|of| of.society == slug);
        let sees = [Right::See, Right::Stake]
            .into_iter()
            .any(|right| office.may(&visitor.user, right, &slug));
        let found = match member || sees {
            true => society.photo(&sha256)?,
            false => None,
        };
        let (bytes, kind) = found.ok_or_else(Trouble::nothing_here)?;
        Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
    })
    .await
}
