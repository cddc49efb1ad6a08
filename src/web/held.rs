//! `/desk/{slug}/held`: reads that wait, each with its evidence, and what would follow from a decision.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    calendar::{Instant, Span, Zone},
    metering::{Finding, Obis},
    quantity::{WattHours, separated},
};
use identity::Right;
use report::words;
use serde::Deserialize;

use super::{
    Web, frame,
    me::moment,
    society::named,
    trouble::{Trouble, sentence},
    view::{AroundLine, ConsequenceWords, HeldLine, HeldListPage, HeldPage},
    visitor::{Sent, Visitor, see},
    work::capital,
};
use office::{
    Known, Refusal,
    held::{Consequence, HeldRead},
    reads::{DecidedRead, ListedRead, ReadAction},
};

/// Most reads in the list.
const MOST: usize = 200;
/// Reads shown before and after the one that waits.
const NEAR: usize = 4;

/// Which read, in an address.
type Which = (String, String, String, i64, i64);

/// What the form says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideForm {
    action: String,
    reason: String,
    #[serde(default)]
    correct_to: String,
}

/// The list.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let ever = Span::new(Instant(i64::MIN / 2), Instant(i64::MAX / 2));
        let (held, more) = society.held_reads(ever, MOST)?;
        let name = &known.document.society.name;
        let here = format!("/desk/{slug}/held");
        let number = u32::try_from(held.len()).unwrap_or(u32::MAX);
        let sentence = match (held.len(), more) {
            (0, _) => format!("No read of {name} waits for a person."),
            (1, _) => format!("One read of {name} waits for a person."),
            (_, false) => format!(
                "{} of {name} wait for a person.",
                words::count(number, "read", "reads")
            ),
            (_, true) => format!(
                "More than {number} reads of {name} wait for a person; these are the first."
            ),
        };
        frame::page(&HeldListPage {
            frame: frame::of_visitor(web, &visitor, "Held reads", &here),
            society: frame::link(name, &format!("/desk/{slug}")),
            sentence,
            reads: held.iter().map(|one| line(&here, &known, one)).collect(),
        })
    })
    .await
}

/// One read.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &which, None)).await
}

/// What was decided about it.
pub async fn decide(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
    Sent(sent): Sent<DecideForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let (slug, meter, register, at, wh) = &which;
        let society = named(web, slug)?;
        let (action, corrected) = match sent.action.as_str() {
            "accept" => (ReadAction::Accept, None),
            "refuse" => (ReadAction::Refuse, None),
            "correct" => match WattHours::from_kwh_text(sent.correct_to.trim()) {
                Ok(wh) => (ReadAction::Correct, Some(wh.0)),
                Err(why) => return show(web, &visitor, &which, Some(sentence(&why.to_string()))),
            },
            other => return Err(Trouble::form(&format!("`{other}` is no decision"))),
        };
        let read = DecidedRead {
            meter: meter.clone(),
            register: register.clone(),
            read_at_ms: *at,
            wh: *wh,
            action,
            corrected_wh: corrected,
            reason: sent.reason.trim().to_owned(),
        };
        match society.decide_read(&read, &visitor.user, web.state.clock.now()) {
            Ok(()) => Ok(see(&format!("/desk/{slug}/held"))),
            Err(Refusal::Caller(why)) => {
                let why = why.replace("\nhint: ", "; ");
                show(web, &visitor, &which, Some(sentence(&why)))
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

fn show(
    web: &Web,
    visitor: &Visitor,
    which: &Which,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let (slug, meter, register, at, wh) = which;
    let society = named(web, slug)?;
    let known = society.known();
    let register: Obis = register.parse().map_err(|_| Trouble::nothing_here())?;
    let held = society
        .held_read(meter, register, Instant(*at), WattHours(*wh))
        .map_err(Trouble::refused)?;
    let zone = &known.zone;
    let read = &held.listed.judged.read;
    let mut why: Vec<String> = held
        .listed
        .judged
        .findings
        .iter()
        .map(|finding| told(&finding.explain(meter, read)))
        .collect();
    if let Some(word) = &held.listed.decided {
        why.push(format!(
            "{} decided about it on {}: {}",
            word.by,
            moment(zone, word.at),
            word.reason
        ));
    }
    let proposed = held.listed.judged.findings.iter().find_map(|f| match f {
        Finding::DecimalSlip { proposed } => Some(proposed.kwh_text()),
        _ => None,
    });
    let trouble_there = trouble.is_some();
    let page = HeldPage {
        frame: frame::of_visitor(web, visitor, &format!("A held read of {meter}"), ""),
        society: frame::link(&known.document.society.name, &format!("/desk/{slug}")),
        list: format!("/desk/{slug}/held"),
        here: format!("/desk/{slug}/held/{meter}/{register}/{at}/{wh}"),
        sentence: format!(
            "On {} the meter of {} showed {} kWh, and that read waits for you.",
            moment(zone, read.at),
            held.site,
            separated(&read.wh.kwh_text())
        ),
        why,
        received: moment(zone, read.received),
        evidence: evidence(read.source.evidence().letter()).to_owned(),
        around: around(&held, zone),
        accepted: consequence(&held, held.accepted, true),
        refused: consequence(&held, held.refused, false),
        proposed: proposed.unwrap_or_default(),
        may_decide: web.state.office.may(&visitor.user, Right::Meters, slug),
        trouble,
    };
    let mut answer = frame::page(&page)?;
    if trouble_there {
        *answer.status_mut() = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

fn line(here: &str, known: &Known, one: &ListedRead) -> HeldLine {
    let read = &one.judged.read;
    let point = known.meters.get(&one.meter).map(|meter| &meter.point);
    let point = point.and_then(|point| known.points.get(point));
    let site = point.and_then(|point| known.sites.get(&point.site));
    HeldLine {
        href: format!(
            "{here}/{}/{}/{}/{}",
            one.meter, one.register, read.at.0, read.wh.0
        ),
        at: moment(&known.zone, read.at),
        site: site.map_or_else(String::new, |site| site.name.clone()),
        meter: one.meter.clone(),
        kwh: separated(&read.wh.kwh_text()).into_owned(),
        why: one
            .judged
            .findings
            .first()
            .map(|finding| told(&finding.explain(&one.meter, read)))
            .unwrap_or_default(),
    }
}

/// What was noticed, and what can be done about it.
fn told(text: &str) -> String {
    match text.split_once("\nhint: ") {
        Some((what, hint)) => format!("{} {}", sentence(what), sentence(hint)),
        None => sentence(text),
    }
}

/// What stands behind a read, in words.
fn evidence(letter: &str) -> &'static str {
    match letter {
        "M" => "signed by the meter itself",
        "G" => "signed by the gateway",
        "T" => "over a connection that had to log in; not signed",
        "H" => "typed by a person",
        _ => "not known",
    }
}

fn around(held: &HeldRead, zone: &Zone) -> Vec<AroundLine> {
    let this = (held.listed.judged.read.at, held.listed.judged.read.wh);
    let is_it = |one: &ListedRead| (one.judged.read.at, one.judged.read.wh) == this;
    let place = held.around.iter().position(is_it).unwrap_or(0);
    let first = place.saturating_sub(NEAR);
    let mut before: Option<WattHours> = None;
    let mut lines = Vec::new();
    for (at, one) in held.around.iter().enumerate().take(place + NEAR + 1) {
        let read = &one.judged.read;
        let advance = before.map(|before| WattHours(read.wh.0.saturating_sub(before.0)));
        if at >= first {
            lines.push(AroundLine {
                this: at == place,
                at: moment(zone, read.at),
                kwh: separated(&read.wh.kwh_text()).into_owned(),
                advance: advance
                    .map_or_else(String::new, |wh| separated(&wh.kwh_text()).into_owned()),
                verdict: one.judged.verdict.word().to_owned(),
            });
        }
        before = Some(read.wh);
    }
    lines
}

fn consequence(held: &HeldRead, of: Consequence, accepted: bool) -> ConsequenceWords {
    let count = |n: usize, verb: (&str, &str)| {
        let number = u32::try_from(n).unwrap_or(u32::MAX);
        let verb = if n == 1 { verb.0 } else { verb.1 };
        format!("{} {verb}", words::count(number, "read", "reads"))
    };
    let mut lines = vec![match accepted {
        true if of.count <= 1 => "This read counts.".to_owned(),
        true => format!(
            "This read counts. {} after it.",
            capital(&count(of.count - 1, ("counts", "count")))
        ),
        false => format!(
            "This read never counts. {} after it.",
            capital(&count(of.count, ("counts", "count")))
        ),
    }];
    if of.held > 0 {
        lines.push(format!(
            "{} for a person.",
            capital(&count(of.held, ("still waits", "still wait")))
        ));
    }
    lines.push(match (held.before, of.energy.0) {
        (None, _) => "There is no read before it that counts, so no energy follows.".to_owned(),
        (Some(_), 0) => "No energy is known from the last read before it on.".to_owned(),
        (Some((at, _)), _) => {
            let worth = of
                .worth
                .map(|pence| format!(", worth {pence} at the generation rate of that day"));
            let minutes = held.listed.judged.read.at.ms_since(at) / 60_000;
            let earlier = match minutes {
                ..120 => format!("{minutes} minutes"),
                120..2_880 => format!("{} hours", minutes / 60),
                _ => format!("{} days", minutes / 1_440),
            };
            format!(
                "{} kWh are known from the last read before it ({earlier} earlier) to the last that counts then{}.",
                separated(&of.energy.kwh_text()),
                worth.unwrap_or_default()
            )
        }
    });
    ConsequenceWords { lines }
}
