//! `/desk/{slug}/dials`: reads that a person takes from a dial with a photo, on a telephone too; what they
//! are held against; a second person who sees the same, or chooses the figure that counts.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    calendar::{Instant, Zone},
    metering::{DIAL_TOLERANCE, Obis},
    quantity::WattHours,
};
use identity::Right;

use super::{
    Web,
    me::moment,
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Looked, Work, kwh, looked, on_page},
};
use office::dials::{Chosen, DialRead, ShownBy, TakenRead, differs, figure};

/// Photos that telephones make.
const PHOTO: &str = "image/jpeg,image/png,image/webp,image/heic,image/heif";

/// Which read, in an address.
type Which = (String, String, String, i64);

/// The reads that were taken.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let known = work.society.known();
        let all = work.society.dial_reads(None)?;
        let waiting = all.iter().filter(|dial| dial.agreed.is_none()).count();
        let mut parts = Vec::new();
        if work.may(Right::Meters) {
            parts.push(Part::Links(vec![
                work.link("Take a read from a dial", "/dials/take"),
            ]));
        }
        if !all.is_empty() {
            let mut table = TableWords::new(
                "Reads from the dial, the newest first",
                &[
                    "Read at",
                    "Meter",
                    "#Register, kWh",
                    "Taken by",
                    "The figure that counts",
                ],
            );
            let mut newest: Vec<&DialRead> = all.iter().collect();
            newest.sort_by_key(|dial| (dial.agreed.is_some(), -dial.read.read_at_ms));
            for dial in newest {
                table.row(
                    &work.at(&address(dial)),
                    vec![
                        moment(&known.zone, Instant(dial.read.read_at_ms)),
                        dial.read.meter.clone(),
                        kwh(dial.read.wh),
                        dial.taken.0.clone(),
                        counts(dial),
                    ],
                );
            }
            parts.push(Part::Table(table));
        }
        let sentence = match (all.len(), waiting) {
            (0, _) => "No read has been taken from a dial yet.".to_owned(),
            (_, 0) => "No read from a dial waits for a second person.".to_owned(),
            (_, 1) => "One read from a dial waits for a second person.".to_owned(),
            (_, n) => format!("{n} reads from dials wait for a second person."),
        };
        work.page("Reads from the dial", &[], &sentence, None, parts)
    })
    .await
}

/// The form, for a telephone.
pub async fn about_to_take(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| take_form(&Work::of(web, &visitor, &slug)?, &Typed::default(), None))
        .await
}

/// A read is looked at, or taken.
pub async fn take(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(
        &["action", "meter", "value", "at"],
        &["portal", "photo", "upload"],
    )?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let photo = typed.given(web, &visitor, &slug, "photo")?;
        let taken = match taken_of(&work, &typed, photo.as_ref().map(|(_, given)| given)) {
            Ok(taken) => taken,
            Err(why) => return take_form(&work, &typed, Some(why)),
        };
        if typed.text("action") == "take" {
            let done = work.society.take_read(&taken, &visitor.user, work.now());
            return match looked(done)? {
                Ok(dial) => {
                    if let Some((upload, _)) = photo {
                        web.uploads.forget(&upload);
                    }
                    Ok(see(&work.at(&address(&dial))))
                }
                Err(why) => take_form(&work, &typed, Some(why)),
            };
        }
        let read = match looked(work.society.look_at_read(&taken, work.now()))? {
            Ok(read) => read,
            Err(why) => return take_form(&work, &typed, Some(why)),
        };
        let zone = &work.society.known().zone;
        let mut form = FormWords::to(&work.at("/dials/take"));
        for field in ["meter", "value", "at", "portal"] {
            form = form.with(field, typed.text(field));
        }
        if let Some((upload, _)) = &photo {
            form = form.with("upload", upload);
        }
        let mut notes = around(zone, read.before.as_ref(), read.after.as_ref());
        notes.extend(read.findings.iter().map(|finding| on_page(&finding.text)));
        notes.push(match (&photo, read.findings.is_empty()) {
            (None, _) => "No photo is with it. A licensee wants one every two years, and a second person can only look at a photo.".to_owned(),
            (Some((_, given)), _) => format!("The photo {} is with it.", given.name),
        });
        let follows = match (read.findings.is_empty(), differs(&read)) {
            (true, _) => "The reads around it hold this figure. It counts at once.",
            (false, false) => "It counts for nothing until a second person has looked at the photo and sees the same.",
            (false, true) => "It counts for nothing until another officer has chosen the figure that counts.",
        };
        let parts = vec![
            Part::Notes(notes),
            Part::Heading("What follows".to_owned()),
            Part::Form(form.follows(follows).button("take", "Take this read")),
        ];
        let sentence = format!(
            "Meter {} showed {} kWh on {}.",
            read.meter,
            kwh(read.wh),
            moment(zone, Instant(read.read_at_ms))
        );
        work.page("A read from the dial", &LISTS, &sentence, None, parts)
    })
    .await
}

/// One read.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<(String, String, String, i64)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &which, None)).await
}

/// A second person sees the same, or chooses.
pub async fn decide(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<(String, String, String, i64)>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(&["action"], &["value", "chosen", "reason"])?;
    web.ask(move |web| {
        let (slug, meter, register, at) = &which;
        let work = Work::of(web, &visitor, slug)?;
        let register: Obis = register.parse().map_err(|_| Trouble::nothing_here())?;
        let named = (meter.as_str(), register, Instant(*at));
        let (society, now) = (&work.society, work.now());
        let value = typed.text("value");
        let done = match typed.text("action") {
            "confirm" => society.confirm_read(named, value, &visitor.user, now),
            "agree" => {
                let chosen = match typed.text("chosen") {
                    "dial" => Chosen::Dial,
                    "telemetry" => Chosen::Telemetry,
                    "portal" => Chosen::Portal,
                    "other" => Chosen::Other,
                    _ => return show(web, &visitor, &which, Some("Choose a figure.".to_owned())),
                };
                let other = match (chosen, value) {
                    (Chosen::Other, value) => match WattHours::from_kwh_text(value) {
                        Ok(wh) => Some(wh),
                        Err(why) => {
                            let why = sentence(&why.to_string());
                            return show(web, &visitor, &which, Some(why));
                        }
                    },
                    _ => None,
                };
                let reason = typed.text("reason");
                society.agree_read(named, chosen, other, reason, &visitor.user, now)
            }
            _ => return Err(Trouble::form("that is no decision")),
        };
        match looked(done)? {
            Ok(dial) => Ok(see(&work.at(&address(&dial)))),
            Err(why) => show(web, &visitor, &which, Some(why)),
        }
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("reads from the dial", "/dials")];

/// A read's page below the desk.
pub fn address(dial: &DialRead) -> String {
    let read = &dial.read;
    format!(
        "/dials/{}/{}/{}",
        read.meter, read.register, read.read_at_ms
    )
}

fn counts(dial: &DialRead) -> String {
    match (&dial.agreed, dial.differs()) {
        (Some((agreed, _)), _) => figure(agreed),
        (None, true) => "waits for another officer to choose".to_owned(),
        (None, false) => "waits for a second person".to_owned(),
    }
}

fn taken_of(
    work: &Work<'_>,
    typed: &Typed,
    photo: Option<&office::blobs::Given>,
) -> Looked<TakenRead> {
    let known = work.society.known();
    let (meter, register) = typed.text("meter").split_once(' ').unwrap_or_default();
    let point = known.meters.get(meter).map(|meter| meter.point.clone());
    let wh = |text: &str| WattHours::from_kwh_text(text).map_err(|e| sentence(&e.to_string()));
    Ok(TakenRead {
        meter_point: point.ok_or("Choose the meter by the serial on its face.")?,
        meter: meter.to_owned(),
        register: register
            .parse()
            .map_err(|_| "Choose the meter by the serial on its face.".to_owned())?,
        at: known
            .zone
            .instant_of_text(typed.text("at"))
            .map_err(|e| sentence(&e.to_string()))?,
        display_kwh: typed.text("value").to_owned(),
        portal: match typed.text("portal") {
            "" => None,
            text => Some(wh(text)?),
        },
        tolerance: DIAL_TOLERANCE,
        photo: photo.cloned(),
    })
}

fn take_form(work: &Work<'_>, typed: &Typed, trouble: Option<String>) -> Result<Response, Trouble> {
    let known = work.society.known();
    let mut meters = vec![(String::new(), "choose the serial on its face".to_owned())];
    for (serial, meter) in &known.meters {
        let site = known.points.get(&meter.point).map(|point| &point.site);
        let name = site.and_then(|site| known.sites.get(site));
        let name = name.map_or("", |site| site.name.as_str());
        for register in &meter.registers {
            let code = register.obis();
            meters.push((
                format!("{serial} {code}"),
                format!("{serial}, {name}, register {code}"),
            ));
        }
    }
    let clock = known.zone.wall_clock(work.now());
    let now = format!("{}T{:02}:{:02}", clock.day, clock.hour, clock.minute);
    let at = match typed.text("at") {
        "" => &now,
        typed => typed,
    };
    let form = FormWords::to(&work.at("/dials/take"))
        .ask(
            "meter",
            "Meter",
            FieldKind::Choice(meters),
            typed.text("meter"),
        )
        .ask(
            "value",
            "What the dial shows, kWh|With the decimal point where the dial has it.",
            FieldKind::Decimal,
            typed.text("value"),
        )
        .ask("at", "When it showed that", FieldKind::Time, at)
        .may(
            "photo",
            "A photo of the dial|With the serial number in it. A telephone can take it now.",
            FieldKind::File(PHOTO.to_owned()),
            "",
        )
        .may(
            "portal",
            "What the licensee's portal says, kWh|Only where it says something of the same time.",
            FieldKind::Decimal,
            typed.text("portal"),
        )
        .button("look", "Look at it first");
    let sentence = "Take a read from a dial.";
    work.page(
        "A read from the dial",
        &LISTS,
        sentence,
        trouble,
        vec![Part::Form(form)],
    )
}

/// The reads by telemetry around it, in words.
fn around(zone: &Zone, before: Option<&ShownBy>, after: Option<&ShownBy>) -> Vec<String> {
    let told = |words: &str, mark: &ShownBy| {
        format!(
            "{words}, on {}, telemetry said {} kWh.",
            moment(zone, Instant(mark.at_ms)),
            kwh(mark.wh)
        )
    };
    let before = before.map(|mark| told("Before it", mark));
    before
        .into_iter()
        .chain(after.map(|mark| told("After it", mark)))
        .collect()
}

fn show(
    web: &Web,
    visitor: &Visitor,
    (slug, meter, register, at): &Which,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let work = Work::of(web, visitor, slug)?;
    let all = work.society.dial_reads(Some(meter))?;
    let dial = all
        .iter()
        .find(|dial| dial.read.register == *register && dial.read.read_at_ms == *at)
        .ok_or_else(Trouble::nothing_here)?;
    let known = work.society.known();
    let zone = &known.zone;
    let read = &dial.read;
    let mut notes = vec![format!(
        "Taken by {}, entered on {}.",
        dial.taken.0,
        moment(zone, dial.taken.1)
    )];
    notes.extend(around(zone, read.before.as_ref(), read.after.as_ref()));
    if let Some(portal) = read.portal_wh {
        notes.push(format!("The portal said {} kWh.", kwh(portal)));
    }
    notes.extend(read.findings.iter().map(|finding| on_page(&finding.text)));
    for (by, when) in &dial.confirmed {
        notes.push(format!("{by} saw the same on {}.", moment(zone, *when)));
    }
    if let Some((agreed, word)) = &dial.agreed {
        notes.push(format!(
            "What counts: {}; {} on {} ({}).",
            figure(agreed),
            word.by,
            moment(zone, word.at),
            word.reason
        ));
    }
    let mut parts = vec![Part::Notes(notes)];
    if let Some(photo) = &read.photo {
        let href = work.at(&format!("/files/{}", photo.sha256));
        let alt = format!("The photo of meter {meter} that {} took", dial.taken.0);
        parts.push(Part::Photo(href, alt));
    }
    let own = dial.taken.0 == visitor.user;
    let may = work.may(Right::Meters);
    let to = work.at(&address(dial));
    let unconfirmed = !dial.confirmed.iter().any(|(by, _)| *by == visitor.user);
    if own && dial.agreed.is_none() {
        parts.push(Part::Text(
            "You took it, so a second person has to look.".to_owned(),
        ));
    }
    if may && !own && unconfirmed && (dial.agreed.is_some() || !dial.differs()) {
        parts.push(Part::Heading("You see the same".to_owned()));
        parts.push(Part::Form(FormWords::to(&to)
            .ask("value", "What you see on the dial or in the photo, kWh|Type it yourself, without looking at the figure above.", FieldKind::Decimal, "")
            .follows(match dial.agreed {
                Some(_) => "Your name stands beside it from then on.",
                None => "If you see the same, the read counts from then on.",
            })
            .button("confirm", "I see this")
            .named("confirm")));
    }
    if may && !own && dial.agreed.is_none() {
        let mut choices = vec![("dial".to_owned(), format!("the dial: {} kWh", kwh(read.wh)))];
        if read.before.is_some() || read.after.is_some() {
            choices.push((
                "telemetry".to_owned(),
                "telemetry: its reads stand".to_owned(),
            ));
        }
        if let Some(portal) = read.portal_wh {
            choices.push((
                "portal".to_owned(),
                format!("the portal: {} kWh", kwh(portal)),
            ));
        }
        choices.push((
            "other".to_owned(),
            "another figure, which I type".to_owned(),
        ));
        parts.push(Part::Heading("Choose the figure that counts".to_owned()));
        parts.push(Part::Form(FormWords::to(&to)
            .ask("chosen", "The figure", FieldKind::Choice(choices), "")
            .may("value", "Another figure, kWh", FieldKind::Decimal, "")
            .ask("reason", "Why|The auditor will ask.", FieldKind::Text, "")
            .follows("It is chosen once. Claims and bills use it from then on; what was seen stays as it was taken.")
            .button("agree", "Choose this figure")
            .named("agree")));
    }
    let sentence = format!(
        "Meter {meter} showed {} kWh on {}: {}.",
        kwh(read.wh),
        moment(zone, Instant(*at)),
        match &dial.agreed {
            Some(_) => "it counts as agreed".to_owned(),
            None => counts(dial),
        }
    );
    work.page("A read from the dial", &LISTS, &sentence, trouble, parts)
}
