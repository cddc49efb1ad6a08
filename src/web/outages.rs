//! `/desk/{slug}/outages`: a roof that will be off for a while, what has to be known before, the notice
//! to print, what it cost; and the notice of a battery.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::{calendar::LocalDay, income::accreditation::SOURCE, money::Pence};
use identity::Right;
use report::words;
use serde::Deserialize;

use super::{
    Web,
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Looked, Work, day_words, days_of, kwh, looked},
};
use office::{
    notices::{Notice, NoticeOf},
    outages::{AskedOutage, Outage},
};

/// A battery, as it is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    #[serde(default)]
    site: String,
    #[serde(default)]
    on: String,
}

/// The planned outages.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let all = work.society.outages()?;
        let today = work.today();
        let off = all.iter().filter(|outage| outage.covers(today)).count();
        let mut ways = Vec::new();
        if work.may(Right::Meters) {
            ways.push(work.link("Plan an outage", "/outages/plan"));
        }
        ways.push(work.link("The notice of a battery", "/battery"));
        let mut parts = vec![Part::Links(ways)];
        if !all.is_empty() {
            let mut table = TableWords::new(
                "Planned outages, the newest first",
                &["Outage", "Roof", "Days", "Cause", "How it stands"],
            );
            for outage in all.iter().rev() {
                let number = outage.planned.number;
                table.row(
                    &work.at(&format!("/outages/{number}")),
                    vec![
                        format!("Outage {number}"),
                        site_name(&work, &outage.planned.site),
                        words::span(outage.from, outage.to),
                        outage.planned.cause.clone(),
                        standing(outage, today),
                    ],
                );
            }
            parts.push(Part::Table(table));
        }
        let sentence = match (all.len(), off) {
            (0, _) => "No outage is planned.".to_owned(),
            (_, 0) => "No roof is off as planned today.".to_owned(),
            (_, 1) => "One roof is off as planned today.".to_owned(),
            (_, n) => format!("{n} roofs are off as planned today."),
        };
        work.page("Planned outages", &[], &sentence, None, parts)
    })
    .await
}

/// The form for one.
pub async fn about_to_plan(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| plan_form(&Work::of(web, &visitor, &slug)?, &Typed::default(), None))
        .await
}

/// An outage is looked at, or planned.
pub async fn plan(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let fields = ["site", "from", "to", "cause", "asked_by"];
    let mut needed = vec!["action"];
    needed.extend(fields);
    let typed = typed.has(&needed, &["clause", "allowance_days", "all_plant_removed"])?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let asked = match asked_of(&typed) {
            Ok(asked) => asked,
            Err(why) => return plan_form(&work, &typed, Some(why)),
        };
        if typed.text("action") == "plan" {
            let done = work.society.plan_outage(&asked, &visitor.user, work.now());
            return match looked(done)? {
                Ok(outage) => Ok(see(&work.at(&format!("/outages/{}", outage.planned.number)))),
                Err(why) => plan_form(&work, &typed, Some(why)),
            };
        }
        if let Err(why) = looked(work.society.look_at_outage(&asked))? {
            return plan_form(&work, &typed, Some(why));
        }
        let change = domain::income::accreditation::Change::Outage {
            all_plant_removed: asked.all_plant_removed,
        };
        let mut form = FormWords::to(&work.at("/outages/plan"));
        let others = ["clause", "allowance_days", "all_plant_removed"];
        for field in fields.into_iter().chain(others) {
            if !typed.text(field).is_empty() {
                form = form.with(field, typed.text(field));
            }
        }
        let mut parts = warnings(&change.warnings());
        parts.push(Part::Heading("What follows".to_owned()));
        parts.push(Part::Form(form
            .follows("Alerts of the roof are muted on these days, its forecast stays, and what is lost shows as a line of its own. The notice to the licensee and the closing reads become tasks.")
            .button("plan", "Plan this outage")));
        let sentence = format!(
            "{} will be off for {}.",
            site_name(&work, &asked.site),
            words::span(asked.from, asked.to)
        );
        work.page("An outage", &LISTS, &sentence, None, parts)
    })
    .await
}

/// One outage, with what it cost so far.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(&Work::of(web, &visitor, &slug)?, number, None))
        .await
}

/// It ends on another day, or does not happen.
pub async fn change(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(&["action", "reason"], &["on"])?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let to = match typed.text("action") {
            "end" => match typed.text("on").parse::<LocalDay>() {
                Ok(day) => Some(day),
                Err(why) => return show(&work, number, Some(sentence(&why.to_string()))),
            },
            "cancel" => None,
            _ => return Err(Trouble::form("that is no change")),
        };
        let reason = typed.text("reason");
        let done = work
            .society
            .change_outage(number, to, reason, &visitor.user, work.now());
        match looked(done)? {
            Ok(_) => Ok(see(&work.at(&format!("/outages/{number}")))),
            Err(why) => show(&work, number, Some(why)),
        }
    })
    .await
}

/// The letter to the licensee.
pub async fn notice(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        work.society
            .outage(number)
            .map_err(|_| Trouble::nothing_here())?;
        let made = looked(work.society.notice(&NoticeOf::Outage(number), work.now()))?;
        letter(
            &work,
            &format!("The notice of outage {number}"),
            made,
            Vec::new(),
        )
    })
    .await
}

/// The letter about a battery.
pub async fn battery(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(asked): Query<Battery>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let mut form = FormWords::to(&work.at("/battery"))
            .ask("site", "Roof", FieldKind::Choice(sites(&work)), &asked.site)
            .ask("on", "Connected on", FieldKind::Day, &asked.on)
            .button("", "Draft the notice");
        form.looks = true;
        let parts = vec![Part::Form(form)];
        let title = "The notice of a battery";
        if asked.site.is_empty() {
            let sentence = "A battery has to be told to the licensee before it is connected.";
            return work.page(title, &LISTS, sentence, None, parts);
        }
        let made = match asked.on.parse::<LocalDay>() {
            Ok(on) => {
                let site = asked.site.clone();
                looked(
                    work.society
                        .notice(&NoticeOf::Battery { site, on }, work.now()),
                )?
            }
            Err(why) => Err(sentence(&why.to_string())),
        };
        letter(&work, title, made, parts)
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("planned outages", "/outages")];

/// A drafted notice as a page that prints as a letter.
pub fn letter(
    work: &Work<'_>,
    title: &str,
    made: Looked<Notice>,
    mut parts: Vec<Part>,
) -> Result<Response, Trouble> {
    match made {
        Ok(notice) => {
            parts.extend(warnings(&notice.warnings));
            parts.push(Part::Text("A draft: fill the gaps, check it, print it and sign it. Printing this page prints the letter alone.".to_owned()));
            parts.push(Part::Letter(notice.letter));
            work.page(
                title,
                &LISTS,
                "A letter to the licensee, drafted.",
                None,
                parts,
            )
        }
        // Nothing failed: there is nobody to write to, or nothing to write of.
        Err(why) => {
            parts.insert(0, Part::Notes(vec![why]));
            work.page(title, &LISTS, "There is no notice to write.", None, parts)
        }
    }
}

/// What has to be known before, with where the rules stand.
pub fn warnings(all: &[&str]) -> Vec<Part> {
    let mut lines: Vec<String> = all.iter().map(|text| sentence(text)).collect();
    if lines.is_empty() {
        return Vec::new();
    }
    lines.push(format!("Source: {SOURCE}."));
    vec![
        Part::Heading("To be known before".to_owned()),
        Part::Notes(lines),
    ]
}

/// The roofs, to choose from.
pub fn sites(work: &Work<'_>) -> Vec<(String, String)> {
    let known = work.society.known();
    let all = known.sites.iter();
    all.map(|(id, site)| (id.clone(), site.name.clone()))
        .collect()
}

/// A roof's name.
pub fn site_name(work: &Work<'_>, id: &str) -> String {
    let known = work.society.known();
    let site = known.sites.get(id);
    site.map_or_else(|| id.to_owned(), |site| site.name.clone())
}

fn standing(outage: &Outage, today: LocalDay) -> String {
    match &outage.cancelled {
        Some(why) => format!("does not happen: {why}"),
        None if today < outage.from => "to come".to_owned(),
        None if outage.covers(today) => "off now".to_owned(),
        None => "over".to_owned(),
    }
}

fn asked_of(typed: &Typed) -> Looked<AskedOutage> {
    let days = days_of(typed.text("from"), typed.text("to"))?;
    let allowance = match typed.text("allowance_days") {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|_| format!("{text} is no number of days."))?,
        ),
    };
    Ok(AskedOutage {
        site: typed.text("site").to_owned(),
        from: days.first_day(),
        to: days.last_day(),
        cause: typed.text("cause").to_owned(),
        asked_by: typed.text("asked_by").to_owned(),
        clause: typed.text("clause").to_owned(),
        allowance_days: allowance,
        all_plant_removed: typed.ticked("all_plant_removed"),
    })
}

fn plan_form(work: &Work<'_>, typed: &Typed, trouble: Option<String>) -> Result<Response, Trouble> {
    let text = |name| typed.text(name);
    let form = FormWords::to(&work.at("/outages/plan"))
        .ask("site", "Roof", FieldKind::Choice(sites(work)), text("site"))
        .ask("from", "First day off", FieldKind::Day, text("from"))
        .ask("to", "Last day off", FieldKind::Day, text("to"))
        .ask("cause", "Why|Such as: roof repairs, panels off.", FieldKind::Text, text("cause"))
        .ask("asked_by", "Who asked for it", FieldKind::Text, text("asked_by"))
        .may("clause", "The clause it stands on|Of the lease or contract.", FieldKind::Text, text("clause"))
        .may(
            "allowance_days",
            "Days a year that the clause allows without payment",
            FieldKind::Decimal,
            text("allowance_days"),
        )
        .may(
            "all_plant_removed",
            "All plant up to the grid connection comes off|If it ever does, the scheme counts the installation as decommissioned. Ask for consent first.",
            FieldKind::Tick,
            text("all_plant_removed"),
        )
        .button("look", "Look at it first");
    let sentence = "Plan an outage of a roof.";
    work.page(
        "An outage",
        &LISTS,
        sentence,
        trouble,
        vec![Part::Form(form)],
    )
}

fn show(work: &Work<'_>, number: u32, trouble: Option<String>) -> Result<Response, Trouble> {
    let outage = work
        .society
        .outage(number)
        .map_err(|_| Trouble::nothing_here())?;
    let planned = &outage.planned;
    let office = &work.web.state.office;
    let loss = office.outage_loss(&work.society, &outage, work.now())?;
    let today = work.today();
    let pounds =
        |pence: Option<Pence>| pence.map_or_else(|| "not valued".to_owned(), |p| p.to_string());
    let mut table = TableWords::new("What it cost so far", &["What", "#Days", "#kWh", "#Pounds"]);
    table.row(
        "",
        vec![
            "Lost".to_owned(),
            loss.days.to_string(),
            kwh(loss.wh.0),
            pounds(loss.pence),
        ],
    );
    if let Some(days) = loss.beyond_allowance_days {
        table.row(
            "",
            vec![
                "Of it beyond the allowance".to_owned(),
                days.to_string(),
                String::new(),
                pounds(loss.beyond_allowance_pence),
            ],
        );
    }
    let mut about = vec![
        format!("Cause: {}.", planned.cause),
        format!("Asked for by {}.", planned.asked_by),
    ];
    if !planned.clause.is_empty() {
        about.push(format!("Clause: {}.", planned.clause));
    }
    if let Some(days) = planned.allowance_days {
        about.push(format!("{days} days a year are allowed without payment."));
    }
    for change in &outage.changes {
        about.push(match &change.to {
            Some(to) => format!("Moved to end on {}: {}.", day_words(to), change.reason),
            None => format!("Cancelled: {}.", change.reason),
        });
    }
    about.extend(loss.notes.iter().map(|note| sentence(note)));
    let mut parts = vec![Part::Table(table), Part::Notes(about)];
    parts.extend(warnings(&outage.warnings()));
    parts.push(Part::Links(vec![
        work.link("The notice to print", &format!("/outages/{number}/notice")),
        work.link("Take the closing reads", "/dials/take"),
        work.link("What there is to do", "/tasks"),
    ]));
    if outage.cancelled.is_none() && work.may(Right::Meters) {
        let to = work.at(&format!("/outages/{number}"));
        parts.push(Part::Heading("It ends on another day".to_owned()));
        parts.push(Part::Form(
            FormWords::to(&to)
                .ask("on", "Its last day", FieldKind::Day, &outage.to.to_string())
                .ask("reason", "Why", FieldKind::Text, "")
                .button("end", "Move its end")
                .named("end"),
        ));
        if today < outage.from {
            parts.push(Part::Form(
                FormWords::to(&to)
                    .ask("reason", "Why it does not happen", FieldKind::Text, "")
                    .button("cancel", "Cancel this outage")
                    .named("cancel"),
            ));
        }
    }
    let sentence = format!(
        "Outage {number}: {} is off for {} ({}).",
        site_name(work, &planned.site),
        words::span(outage.from, outage.to),
        standing(&outage, today)
    );
    work.page(
        &format!("Outage {number}"),
        &LISTS,
        &sentence,
        trouble,
        parts,
    )
}
