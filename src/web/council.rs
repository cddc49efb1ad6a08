//! `/council`: a council's stake by society, at day level and coarser. No other member's holding is
//! in anything that is asked here, and an officer of some buildings sees nothing of another.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use domain::calendar::{LocalDay, Period};
use identity::Right;
use report::{
    dossier::{Amount, Dossier, Figure, Section},
    words,
};
use serde::Deserialize;

use super::{
    Web, frame, kept,
    me::moment,
    society::named,
    trouble::Trouble,
    view::{CouncilPage, Days, Link, Picture},
    visitor::{Visitor, see},
};
use office::{
    Refusal, SocietyOffice,
    stake::{StakeAsked, StakeReport, document, outcome_sheet, sheet_of},
};

/// The days it is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Between {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

impl Between {
    /// The period, this calendar year where nothing is said.
    pub(super) fn period(&self, today: LocalDay) -> Result<Period, Trouble> {
        if self.from.is_empty() && self.to.is_empty() {
            return Ok(Period::Year(today.year()));
        }
        let day = |text: &str| {
            text.parse::<LocalDay>()
                .map_err(|why| Trouble::form(&why.to_string()))
        };
        let (first, last) = (day(&self.from)?, day(&self.to)?);
        if last < first {
            return Err(Trouble::form("the first day comes before the last"));
        }
        if first > today {
            let why = format!("{} has not come yet", words::date(first));
            return Err(Trouble::ruled_out(Refusal::Caller(why)));
        }
        Ok(Period::Range { first, last })
    }
}

/// The societies in which the council has a stake.
pub async fn all(
    State(web): State<Web>,
    visitor: Visitor,
    Query(between): Query<Between>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let societies = visitor.societies(web, Right::Stake);
        page(web, &visitor, &societies, "/council", &between)
    })
    .await
}

/// One society.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(between): Query<Between>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        page(
            web,
            &visitor,
            &[society],
            &format!("/council/{slug}"),
            &between,
        )
    })
    .await
}

/// The stake as a file: `2013.csv`, `2013-04-01..2014-03-31.json`.
pub async fn download(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, name)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let form = FORMS.iter().find_map(|(ending, kind, _)| {
            let period = name.strip_suffix(ending)?.strip_suffix('.')?;
            Some((period.to_owned(), *ending, *kind))
        });
        let Some((period, ending, kind)) = form else {
            return Err(Trouble::nothing_here());
        };
        let period: Period = period.parse().map_err(|_| Trouble::nothing_here())?;
        let report = asked(web, &visitor, &[society], period)?;
        let sheet = sheet_of(&report);
        let text = match ending {
            "csv" => sheet.to_csv(),
            "json" => format!("{:#}\n", document(&report)),
            "txt" => sheet.to_text(),
            _ => sheet.to_html().map_err(Trouble::ours)?,
        };
        let file = format!("attachment; filename=\"{slug}-stake-{period}.{ending}\"");
        let head = [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, file),
        ];
        Ok((head, text).into_response())
    })
    .await
}

const FORMS: [(&str, &str, &str); 4] = [
    ("csv", "text/csv; charset=utf-8", "Every figure (CSV)"),
    ("json", "application/json", "Every figure (JSON)"),
    ("txt", "text/plain; charset=utf-8", "Plain text"),
    (
        "html",
        "text/html; charset=utf-8",
        "One page that stands alone (HTML)",
    ),
];

/// One building.
pub async fn building(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, site)): Path<(String, String)>,
    Query(between): Query<Between>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        // A building that is not the officer's is not there.
        let only = society.buildings_of(&visitor.user)?;
        let theirs = only.is_none_or(|only| only.contains(&site));
        if !theirs || !society.known().sites.contains_key(&site) {
            return Err(Trouble::nothing_here());
        }
        let now = web.state.clock.now();
        let period = between.period(society.known().zone.day_of(now))?;
        let own = own(web, &visitor, &society);
        let asked = StakeAsked {
            council: society.council_of(&own, now).ok(),
            period,
            only: vec![(slug.clone(), vec![site.clone()])],
        };
        let report = web
            .state
            .office
            .stake_report(&asked, &[Arc::clone(&society)], now, false)?;
        let mut sheet = sheet_of(&report);
        sheet.notes.retain(|note| !note.starts_with("You see"));
        let here = format!("/council/{slug}/roofs/{site}");
        let name = society.known().sites[&site].name.clone();
        let mut frame = frame::of_visitor(web, &visitor, &name, &here);
        frame.notices = frame::notices(&society.known());
        frame::page(&CouncilPage {
            frame,
            kicker: vec![frame::link(
                "The council’s stake",
                &format!("/council/{slug}"),
            )],
            sentence: format!("{name}: what the council lends there, and what came of it."),
            above: Vec::new(),
            fragment: sheet.fragment(true).map_err(Trouble::ours)?,
            days: Some(days(&here, period)),
            downloads: Vec::new(),
            ways: Vec::new(),
            trouble: None,
        })
    })
    .await
}

/// The notes behind the figures, with who made them and when.
pub async fn evidence(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let only = society.buildings_of(&visitor.user)?;
        let trail = society.stake_trail(only.as_deref())?;
        let now = web.state.clock.now();
        let mut sections = vec![text_section(
            "Capital and votes",
            "They come from the register of members and shares: the council’s own holding, the sum of all, and the number of members. The treasurer can open each movement; no other member is shown here.",
        )];
        if only.is_none() {
            let own = own(web, &visitor, &society);
            let mut interest = text_section(
                "Interest",
                "Interest comes from frozen runs. A run was prepared by one officer and approved by another by its hash; it is never changed.",
            );
            let name = society.council_of(&own, now).ok();
            for run in society.interest_runs()? {
                if run.standing == office::interest::Standing::Frozen && name.is_some() {
                    interest.figures.push(Figure {
                        what: format!("Run {}, {} to {}", run.note.number, run.note.from, run.note.to),
                        amount: Amount::Words("frozen".to_owned()),
                        evidence: format!("Prepared by {}", run.prepared_by),
                        href: None,
                        sample: known.document.society.sample,
                    });
                }
            }
            sections.push(interest);
        }
        let mut notes = text_section(
            "What was noted",
            "Each note is a record of the journal, which anybody with a copy can verify. A note is never edited; another one takes it back.",
        );
        for line in &trail {
            notes.figures.push(Figure {
                what: format!("{} {}", line.kind.replace('-', " "), body_words(&line.body)),
                amount: Amount::Words(format!("record {}", line.record)),
                evidence: format!("{}, {}", line.by, moment(&known.zone, line.at)),
                href: None,
                sample: line.body["sample"] == true,
            });
        }
        sections.push(notes);
        let dossier = Dossier { sections, ..Dossier::default() };
        let here = format!("/council/{slug}/evidence");
        let mut frame = frame::of_visitor(web, &visitor, "What stands behind the figures", &here);
        frame.notices = frame::notices(&known);
        let count = words::count(u32::try_from(trail.len()).unwrap_or(u32::MAX), "note stands", "notes stand");
        frame::page(&CouncilPage {
            frame,
            kicker: vec![frame::link("The council’s stake", &format!("/council/{slug}"))],
            sentence: format!("{count} behind the council’s stake in {}.", known.document.society.name),
            above: Vec::new(),
            fragment: dossier.fragment(true).map_err(Trouble::ours)?,
            days: None,
            downloads: Vec::new(),
            ways: Vec::new(),
            trouble: None,
        })
    })
    .await
}

/// Outcomes of a society, for the council.
pub async fn outcomes(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(between): Query<Between>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        if society.buildings_of(&visitor.user)?.is_some() {
            return Err(Trouble::nothing_here());
        }
        let back = frame::link("The council’s stake", &format!("/council/{slug}"));
        outcome_page(
            web,
            &visitor,
            &society,
            &format!("/council/{slug}/outcomes"),
            back,
            &between,
            Vec::new(),
        )
    })
    .await
}

/// The page of outcomes, for a council and for the desk.
pub(super) fn outcome_page(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    here: &str,
    back: Link,
    between: &Between,
    ways: Vec<Link>,
) -> Result<Response, Trouble> {
    let known = society.known();
    let now = web.state.clock.now();
    let period = between.period(known.zone.day_of(now))?;
    let lines = society.outcomes(period, now)?;
    let sheet = outcome_sheet(society, period, &lines, now);
    let mut frame = frame::of_visitor(web, visitor, "Outcomes", here);
    frame.notices = frame::notices(&known);
    frame::page(&CouncilPage {
        frame,
        kicker: vec![back],
        sentence: match lines.len() {
            0 => "No outcome is noted yet: what do we want to see, how do we want to achieve it, who can help us?".to_owned(),
            _ => sheet.sentence.clone(),
        },
        above: Vec::new(),
        fragment: sheet.fragment(true).map_err(Trouble::ours)?,
        days: Some(days(here, period)),
        downloads: Vec::new(),
        ways,
        trouble: None,
    })
}

fn text_section(heading: &str, text: &str) -> Section {
    Section {
        heading: heading.to_owned(),
        text: vec![text.to_owned()],
        ..Section::default()
    }
}

/// A note's body in a line.
fn body_words(body: &serde_json::Value) -> String {
    let fields = body.as_object().into_iter().flatten();
    let words = fields.map(|(key, value)| match value {
        serde_json::Value::String(text) => format!("{}: {text}", key.replace('_', " ")),
        other => format!("{}: {other}", key.replace('_', " ")),
    });
    words.collect::<Vec<_>>().join("; ")
}

/// Which members of a society the visitor is.
fn own(web: &Web, visitor: &Visitor, society: &SocietyOffice) -> Vec<u32> {
    let own = web.state.office.members_of_user(&visitor.user).into_iter();
    own.filter(|of| of.society == society.slug())
        .map(|of| of.member)
        .collect()
}

/// The stake as this visitor may see it.
pub(super) fn asked(
    web: &Web,
    visitor: &Visitor,
    societies: &[Arc<SocietyOffice>],
    period: Period,
) -> Result<StakeReport, Trouble> {
    let now = web.state.clock.now();
    let mut only = Vec::new();
    let mut council = None;
    for society in societies {
        if let Some(sites) = society.buildings_of(&visitor.user)? {
            only.push((society.slug().to_owned(), sites));
        }
        let own = own(web, visitor, society);
        if council.is_none() && !own.is_empty() {
            council = society.council_of(&own, now).ok();
        }
    }
    let asked = StakeAsked {
        council,
        period,
        only,
    };
    Ok(web
        .state
        .office
        .stake_report(&asked, societies, now, false)?)
}

/// The form that asks for other days.
pub(super) fn days(here: &str, period: Period) -> Days {
    Days {
        here: here.to_owned(),
        from: period.first_day().to_string(),
        to: period.last_day().to_string(),
    }
}

fn page(
    web: &Web,
    visitor: &Visitor,
    societies: &[Arc<SocietyOffice>],
    here: &str,
    between: &Between,
) -> Result<Response, Trouble> {
    let Some(first) = societies.first() else {
        return Ok(see("/me"));
    };
    let now = web.state.clock.now();
    let period = between.period(first.known().zone.day_of(now))?;
    let mut frame = frame::of_visitor(web, visitor, "The council’s stake", here);
    frame.notices = frame::all_notices(societies);
    let mut above = Vec::new();
    let (mut downloads, mut ways) = (Vec::new(), Vec::new());
    for society in societies {
        let slug = society.slug();
        let limited = society.buildings_of(&visitor.user)?.is_some();
        let name = society.known().document.society.name.clone();
        if !limited {
            above.extend(picture(web, society)?);
            ways.push(frame::link(
                &format!("Outcomes of {name}"),
                &format!("/council/{slug}/outcomes"),
            ));
        }
        ways.push(frame::link(
            &format!("What stands behind the figures of {name}"),
            &format!("/council/{slug}/evidence"),
        ));
        for (ending, _, text) in FORMS {
            downloads.push(frame::link(
                &format!("{name}: {text}"),
                &format!("/council/{slug}/stake/{period}.{ending}"),
            ));
        }
    }
    let (sentence, fragment) = match asked(web, visitor, societies, period) {
        Ok(report) => {
            let sheet = sheet_of(&report);
            let fragment = sheet.fragment(true).map_err(Trouble::ours)?;
            (sheet.sentence, fragment)
        }
        // Without a council among its members a society has its roofs to show all the same.
        Err(trouble) if trouble.status == axum::http::StatusCode::NOT_FOUND => {
            downloads.clear();
            ("No council has a stake here yet.".to_owned(), String::new())
        }
        Err(trouble) => return Err(trouble),
    };
    frame::page(&CouncilPage {
        frame,
        kicker: vec![Link {
            current: here == "/council",
            ..frame::link("The council’s stake", "/council")
        }],
        sentence,
        above,
        fragment,
        days: Some(days(here, period)),
        downloads,
        ways,
        trouble: None,
    })
}

/// What the roofs made in the last whole year beside the forecast; none where nothing is known.
fn picture(web: &Web, society: &SocietyOffice) -> Result<Option<Picture>, Trouble> {
    let now = web.state.clock.now();
    let slug = society.slug();
    let this = society.known().zone.day_of(now).year();
    let known_of = |year: i32| {
        let report = kept::report(web, society, None, Period::Year(year), now);
        report.is_ok_and(|report| report.totals.generated.is_some())
    };
    let last = if known_of(this - 1) { this - 1 } else { this };
    match kept::report(web, society, None, Period::Year(last), now) {
        Ok(report) => Ok(Some(Picture {
            sentence: report.sentence(),
            report: frame::link(
                &format!("The report of {last}"),
                &format!("/s/{slug}/reports/{last}"),
            ),
            figure: report
                .html_figure(&format!("year-{slug}"))
                .map_err(Trouble::ours)?,
        })),
        Err(Refusal::Caller(_)) => Ok(None),
        Err(ours) => Err(ours.into()),
    }
}
