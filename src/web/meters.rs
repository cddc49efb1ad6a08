//! `/desk/{slug}/meters`: the meters, a change of one with its closing and opening reads, and the notice
//! to the licensee.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{income::accreditation::Change, metering::EventKind, quantity::WattHours};
use identity::Right;

use super::{
    Web,
    me::moment,
    outages::{letter, site_name, warnings},
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Looked, Work, day_words, kwh, looked},
};
use office::{meters::EventRequest, notices::NoticeOf};

/// The meters.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let known = work.society.known();
        let mut parts = Vec::new();
        let mut ways = vec![
            work.link("Reads from the dial", "/dials"),
            work.link("Held reads", "/held"),
        ];
        if work.may(Right::Meters) {
            ways.insert(0, work.link("A meter was changed", "/meters/exchange"));
        }
        parts.push(Part::Links(ways));
        let all = work.society.list_meters(work.now());
        let mut table = TableWords::new(
            "The meters, each with its last read; open one for the notice of its change",
            &[
                "Meter",
                "Roof",
                "Counts at",
                "#Register, kWh",
                "Read at",
                "For billing",
            ],
        );
        for one in &all {
            let at = one.last_read_at.as_deref().and_then(|at| at.parse().ok());
            table.row(
                &work.at(&format!("/meters/{}/notice", one.id)),
                vec![
                    one.id.clone(),
                    site_name(&work, &one.site),
                    one.meter_point.clone(),
                    one.last_read_wh.map(kwh).unwrap_or_default(),
                    at.map_or_else(String::new, |at| moment(&known.zone, at)),
                    match one.approved_for_billing {
                        true => "approved".to_owned(),
                        false => "not approved".to_owned(),
                    },
                ],
            );
        }
        parts.push(Part::Table(table));
        let events = work.society.events();
        if !events.is_empty() {
            let mut table = TableWords::new(
                "What happened to meters",
                &[
                    "When",
                    "What",
                    "Meter",
                    "#Showed, kWh",
                    "Then",
                    "#From, kWh",
                    "Why",
                ],
            );
            for event in events.iter().rev() {
                let serial = |id: domain::metering::SeriesId| {
                    let named = known.series.get(id.0 as usize);
                    named.map_or_else(String::new, |series| series.meter.clone())
                };
                table.row(
                    "",
                    vec![
                        moment(&known.zone, event.closed_at),
                        event.kind.word().to_owned(),
                        serial(event.closes),
                        kwh(event.final_wh.0),
                        serial(event.opens),
                        kwh(event.opening_wh.0),
                        format!("{} ({})", event.reason, event.author),
                    ],
                );
            }
            parts.push(Part::Table(table));
        }
        let sentence = match all.len() {
            1 => "One meter is in the society's file.".to_owned(),
            n => format!("{n} meters are in the society's file."),
        };
        work.page("Meters", &[], &sentence, None, parts)
    })
    .await
}

/// The form for a change.
pub async fn about_to_exchange(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| form(&Work::of(web, &visitor, &slug)?, &Typed::default(), None))
        .await
}

/// A change is looked at, or recorded.
pub async fn exchange(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let mut needed = vec!["action"];
    needed.extend(FIELDS);
    let typed = typed.has(&needed, &["opened_at"])?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let request = match request_of(&work, &typed) {
            Ok(request) => request,
            Err(why) => return form(&work, &typed, Some(why)),
        };
        if typed.text("action") == "record" {
            let done = work
                .society
                .record_event(&request, &visitor.user, work.now());
            return match looked(done)? {
                Ok(()) => Ok(see(&work.at(&format!("/meters/{}/notice", request.meter)))),
                Err(why) => form(&work, &typed, Some(why)),
            };
        }
        let looked_at = work
            .society
            .look_at_event(&request, &visitor.user, work.now());
        let event = match looked(looked_at)? {
            Ok(event) => event,
            Err(why) => return form(&work, &typed, Some(why)),
        };
        let zone = &work.society.known().zone;
        let next = request.next_meter.as_deref().unwrap_or_default();
        let mut sent = FormWords::to(&work.at("/meters/exchange"));
        for field in FIELDS.into_iter().chain(["opened_at"]) {
            if !typed.text(field).is_empty() {
                sent = sent.with(field, typed.text(field));
            }
        }
        let mut parts = vec![Part::Notes(vec![
            format!(
                "{} counts up to {} kWh on {}.",
                request.meter,
                kwh(event.final_wh.0),
                moment(zone, event.closed_at)
            ),
            format!(
                "{next} counts from {} kWh on {}.",
                kwh(event.opening_wh.0),
                moment(zone, event.opened_at)
            ),
            "Between the two nothing is counted, claimed or billed.".to_owned(),
        ])];
        parts.extend(warnings(&Change::Meter.warnings()));
        parts.push(Part::Heading("What follows".to_owned()));
        parts.push(Part::Form(sent
            .follows("The reads around it are judged anew, and the notice to the licensee is drafted. It is not taken back: another event would set it right.")
            .button("record", "Record this change")));
        let sentence = format!("{} gave way to {next}.", request.meter);
        work.page("A meter was changed", &LISTS, &sentence, None, parts)
    })
    .await
}

/// The letter about a change.
pub async fn notice(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, meter)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let known = work.society.known();
        let of = known.meters.get(&meter).ok_or_else(Trouble::nothing_here)?;
        let site = known.points.get(&of.point).map(|point| &point.site);
        let about = Part::Text(format!(
            "{meter} counts at {} on {}, since {}.",
            of.point,
            site.map_or_else(String::new, |site| site_name(&work, site)),
            day_words(&of.installed.to_string())
        ));
        let made = looked(
            work.society
                .notice(&NoticeOf::Meter(meter.clone()), work.now()),
        )?;
        letter(&work, &format!("Meter {meter}"), made, vec![about])
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("meters", "/meters")];
const FIELDS: [&str; 6] = [
    "meter",
    "next_meter",
    "closed_at",
    "closing",
    "opening",
    "reason",
];

fn request_of(work: &Work<'_>, typed: &Typed) -> Looked<EventRequest> {
    let known = work.society.known();
    let at = |text: &str| {
        let at = known.zone.instant_of_text(text);
        at.map_err(|why| sentence(&why.to_string()))
    };
    let wh = |text: &str| {
        let wh = WattHours::from_kwh_text(text);
        wh.map_err(|why| sentence(&why.to_string()))
    };
    let (meter, register) = typed.text("meter").split_once(' ').unwrap_or_default();
    let closed_at = at(typed.text("closed_at"))?;
    let opened_at = match typed.text("opened_at") {
        "" => closed_at,
        text => at(text)?,
    };
    Ok(EventRequest {
        kind: EventKind::Exchange,
        meter: meter.to_owned(),
        register: register
            .parse()
            .map_err(|_| "Choose the meter that went.".to_owned())?,
        closed_at,
        final_wh: Some(wh(typed.text("closing"))?),
        next_meter: Some(typed.text("next_meter").to_owned()),
        opened_at,
        opening_wh: wh(typed.text("opening"))?,
        reason: typed.text("reason").to_owned(),
    })
}

fn form(work: &Work<'_>, typed: &Typed, trouble: Option<String>) -> Result<Response, Trouble> {
    let known = work.society.known();
    let mut went = vec![(String::new(), "choose the meter that went".to_owned())];
    let mut came = vec![(String::new(), "choose the one that came".to_owned())];
    for (serial, meter) in &known.meters {
        came.push((serial.clone(), format!("{serial}, at {}", meter.point)));
        for register in &meter.registers {
            let code = register.obis();
            went.push((
                format!("{serial} {code}"),
                format!("{serial}, at {}, register {code}", meter.point),
            ));
        }
    }
    let text = |name| typed.text(name);
    let form = FormWords::to(&work.at("/meters/exchange"))
        .ask("meter", "The meter that went", FieldKind::Choice(went), text("meter"))
        .ask("closed_at", "When it was last read", FieldKind::Time, text("closed_at"))
        .ask("closing", "What it showed then, kWh", FieldKind::Decimal, text("closing"))
        .ask(
            "next_meter",
            "The meter that came|It has to be in the society's file, with its certificate, before its reads count.",
            FieldKind::Choice(came),
            text("next_meter"),
        )
        .may(
            "opened_at",
            "When it began to count|The same time when left out.",
            FieldKind::Time,
            text("opened_at"),
        )
        .ask("opening", "What it showed then, kWh", FieldKind::Decimal, text("opening"))
        .ask("reason", "Why it was changed|The auditor will ask.", FieldKind::Text, text("reason"))
        .button("look", "Look at it first");
    let mut parts = warnings(&Change::Meter.warnings());
    parts.push(Part::Form(form));
    let sentence = "Record that a meter was changed.";
    work.page("A meter was changed", &LISTS, sentence, trouble, parts)
}
