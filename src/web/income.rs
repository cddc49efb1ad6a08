//! `/desk/{slug}/income`: what each roof brought in by month, what it cost, what was lost and what the
//! weather gave; and irradiance measured for it, taken in from a file.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::{
    calendar::{LocalDay, LocalMonth, Period},
    money::Pence,
    performance::Judged,
};
use identity::Right;
use report::{generation::ratio_words, words};
use serde::Deserialize;

use super::{
    Web,
    outages::site_name,
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Looked, Work, day_words, days_of, kwh, looked, whole_kwh},
};
use office::{
    irradiance::{AskedIrradiance, LightPlane, plane_words},
    site_income::{MonthIncome, SiteIncome, stands_on},
};

/// The days that are asked about.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// The roofs.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let known = work.society.known();
        let mut table = TableWords::new("The roofs", &["Roof", "#Size, kWp"]);
        for (id, site) in &known.sites {
            table.row(
                &work.at(&format!("/income/{id}")),
                vec![site.name.clone(), site.kwp.kw_text()],
            );
        }
        let whole = work.society.cost_of(None, this_year(work.today()))?;
        let parts = vec![
            Part::Table(table),
            Part::Text(format!(
                "Costs entered this year, of roofs and of the whole society: {whole}."
            )),
        ];
        let sentence = "What did each roof bring in, and what was lost?";
        work.page("Income by roof", &[], sentence, None, parts)
    })
    .await
}

/// One roof, by month.
pub async fn site(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, site)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(&Work::of(web, &visitor, &slug)?, &site, &asked, None))
        .await
}

/// The form for irradiance.
pub async fn about_light(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, site)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        light_form(&work, &site, &Typed::default(), None)
    })
    .await
}

/// Irradiance is looked at, taken in, or withdrawn.
pub async fn light(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, site)): Path<(String, String)>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let others = ["plane", "source", "file", "upload", "number", "reason"];
    let typed = typed.has(&["action"], &others)?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let here = format!("/income/{site}/irradiance");
        if typed.text("action") == "withdraw" {
            let Ok(number) = typed.text("number").parse() else {
                return Err(Trouble::form("that is no number"));
            };
            let reason = typed.text("reason");
            let done = work
                .society
                .withdraw_irradiance(number, reason, &visitor.user, work.now());
            return match looked(done)? {
                Ok(_) => Ok(see(&work.at(&here))),
                Err(why) => light_form(&work, &site, &typed, Some(why)),
            };
        }
        let plane = match typed.text("plane") {
            "panels" => LightPlane::Panels,
            "flat" => LightPlane::Flat,
            _ => return light_form(&work, &site, &typed, Some("Say on what it was measured.".to_owned())),
        };
        let Some((upload, given)) = typed.given(web, &visitor, &slug, "file")? else {
            return light_form(&work, &site, &typed, Some("Choose the file.".to_owned()));
        };
        let asked = AskedIrradiance {
            site: site.clone(),
            plane,
            source: typed.text("source").to_owned(),
            file: given,
        };
        if typed.text("action") == "import" {
            let done = work
                .society
                .import_irradiance(&asked, &visitor.user, work.now());
            return match looked(done)? {
                Ok(_) => {
                    web.uploads.forget(&upload);
                    Ok(see(&work.at(&format!("/income/{site}"))))
                }
                Err(why) => light_form(&work, &site, &typed, Some(why)),
            };
        }
        let read = match looked(work.society.read_irradiance(&asked))? {
            Ok(read) => read,
            Err(why) => return light_form(&work, &site, &typed, Some(why)),
        };
        let mut notes = vec![format!(
            "{} rows, measured on the {}.",
            words::whole(i64::try_from(read.rows).unwrap_or(i64::MAX)),
            plane_words(plane)
        )];
        if let (Some(first), n) = (read.incomplete.first(), read.incomplete.len()) {
            notes.push(format!(
                "{n} days lack a half hour of daylight and are left out, the first {}.",
                words::date(*first)
            ));
        }
        let form = FormWords::to(&work.at(&here))
            .with("upload", &upload)
            .with("plane", typed.text("plane"))
            .with("source", typed.text("source"))
            .follows("The file is kept by its hash. Months under it get a performance ratio, and what was lost is told from the weather by it.")
            .button("import", "Take this irradiance in");
        let sentence = match (read.days.keys().next(), read.days.keys().next_back()) {
            (Some(first), Some(last)) => format!(
                "The file has {} whole days, {}, with {} kWh on each square metre.",
                read.days.len(),
                words::span(*first, *last),
                whole_kwh(read.wh_per_m2())
            ),
            _ => "No day of the file is whole.".to_owned(),
        };
        let lists = lists(&work, &site);
        let lists: Vec<(&str, &str)> = lists.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let parts = vec![Part::Notes(notes), Part::Form(form)];
        work.page("Irradiance", &lists, &sentence, None, parts)
    })
    .await
}

fn lists(work: &Work<'_>, site: &str) -> [(String, String); 2] {
    [
        ("income by roof".to_owned(), "/income".to_owned()),
        (site_name(work, site), format!("/income/{site}")),
    ]
}

fn this_year(today: LocalDay) -> Period {
    Period::Range {
        first: LocalDay::of_date(today.year(), 1, 1).unwrap_or(today),
        last: today,
    }
}

/// The days that were asked for; the months of this year, or of the last one in January.
fn asked_days(asked: &Asked, today: LocalDay) -> Looked<Period> {
    if !asked.from.is_empty() || !asked.to.is_empty() {
        return days_of(&asked.from, &asked.to);
    }
    let year = today.year() - i32::from(today.month() == 1);
    let first = LocalDay::of_date(year, 1, 1).unwrap_or(today);
    let last = LocalDay::of_date(year, 12, 31).unwrap_or(today);
    Ok(Period::Range {
        first,
        last: last.min(today),
    })
}

fn show(
    work: &Work<'_>,
    site: &str,
    asked: &Asked,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let known = work.society.known();
    if !known.sites.contains_key(site) {
        return Err(Trouble::nothing_here());
    }
    let name = site_name(work, site);
    let (days, mut trouble) = match asked_days(asked, work.today()) {
        Ok(days) => (days, trouble),
        Err(why) => (this_year(work.today()), Some(why)),
    };
    let office = &work.web.state.office;
    let made = office.site_income(&work.society, site, days, work.now(), false);
    let mut parts = Vec::new();
    let mut sentence = format!("{name} earned nothing that is known.");
    match looked(made)? {
        Ok(income) => {
            sentence = in_a_sentence(&income, days);
            parts.extend(parts_of(&income));
        }
        Err(why) => trouble = Some(why),
    }
    let mut form = FormWords::to(&work.at(&format!("/income/{site}")))
        .ask(
            "from",
            "First day",
            FieldKind::Day,
            &days.first_day().to_string(),
        )
        .ask(
            "to",
            "Last day",
            FieldKind::Day,
            &days.last_day().to_string(),
        )
        .button("", "Look at these days");
    form.looks = true;
    parts.push(Part::Heading("Other days".to_owned()));
    parts.push(Part::Form(form));
    let mut ways = vec![work.link("Planned outages", "/outages")];
    if work.may(Right::Meters) {
        ways.insert(
            0,
            work.link(
                "Irradiance of this roof",
                &format!("/income/{site}/irradiance"),
            ),
        );
    }
    parts.push(Part::Links(ways));
    let list = [("income by roof", "/income")];
    work.page(
        &format!("Income of {name}"),
        &list,
        &sentence,
        trouble,
        parts,
    )
}

fn in_a_sentence(income: &SiteIncome, days: Period) -> String {
    let earned = income.total(MonthIncome::income);
    let costs = income.total(|month| month.costs);
    let lost = income.total(MonthIncome::lost_pence);
    let lost = match lost {
        Pence::ZERO => "nothing was lost that could be told".to_owned(),
        lost => format!("{lost} was lost"),
    };
    format!(
        "{} earned {earned}, {}; {costs} of costs are entered, and {lost}.",
        income.name,
        words::span(days.first_day(), days.last_day())
    )
}

fn month_words(month: LocalMonth) -> String {
    let first = month.first_day();
    format!("{} {}", words::month(first), first.year())
}

fn parts_of(income: &SiteIncome) -> Vec<Part> {
    let mut money = TableWords::new(
        "Income and costs by month, before VAT; what is not frozen yet is at the month's rates",
        &[
            "Month",
            "#Made, kWh",
            "#Claims",
            "#Not claimed yet",
            "#Bills",
            "#Not billed yet",
            "#Costs",
        ],
    );
    let mut light = TableWords::new(
        "How the roof did against what could be expected, and what it stands on",
        &[
            "Month",
            "#Of expected",
            "It stands on",
            "#By its neighbours",
            "Performance ratio",
            "#Lost, kWh",
            "#Lost, worth",
            "#Weather, kWh",
        ],
    );
    let percent = |judged: &Judged| {
        judged
            .permille()
            .map_or_else(String::new, |p| format!("{}.{} %", p / 10, p % 10))
    };
    for month in &income.months {
        let name = month_words(month.month);
        money.row(
            "",
            vec![
                name.clone(),
                whole_kwh(month.made.0),
                month.claimed.to_string(),
                month.unclaimed.to_string(),
                month.billed.to_string(),
                month.unbilled.to_string(),
                month.costs.to_string(),
            ],
        );
        let judged = &month.judged;
        let ratio = month.ratio.as_ref();
        light.row(
            "",
            vec![
                name,
                percent(judged),
                match judged.basis {
                    Some(_) => stands_on(judged),
                    None => "nothing can be expected".to_owned(),
                },
                month.peers.as_ref().map(percent).unwrap_or_default(),
                ratio.map_or_else(String::new, |one| {
                    ratio_words((one.permille, one.usual_permille))
                }),
                judged
                    .basis
                    .map_or_else(|| "not known".to_owned(), |_| whole_kwh(judged.lost().0)),
                month.lost_pence().to_string(),
                judged
                    .weather
                    .map_or_else(String::new, |wh| whole_kwh(wh.0)),
            ],
        );
    }
    let total = |of: fn(&MonthIncome) -> Pence| income.total(of).to_string();
    money.sum(vec![
        "Together".to_owned(),
        whole_kwh(income.months.iter().map(|month| month.made.0).sum()),
        total(|month| month.claimed),
        total(|month| month.unclaimed),
        total(|month| month.billed),
        total(|month| month.unbilled),
        total(|month| month.costs),
    ]);
    let mut parts = vec![Part::Table(money), Part::Table(light)];
    let mut lost = TableWords::new(
        "What was lost, by cause",
        &["Month", "Why", "#Days", "#kWh", "#Worth"],
    );
    for month in &income.months {
        for (loss, pence) in &month.lost {
            lost.row(
                "",
                vec![
                    month_words(month.month),
                    loss.cause.words(),
                    loss.days.to_string(),
                    kwh(loss.wh.0),
                    pence.map_or_else(|| "not valued".to_owned(), |pence| pence.to_string()),
                ],
            );
        }
    }
    if !lost.rows.is_empty() {
        parts.push(Part::Table(lost));
    }
    if !income.notes.is_empty() {
        parts.push(Part::Notes(
            income.notes.iter().map(|note| sentence(note)).collect(),
        ));
    }
    parts
}

fn light_form(
    work: &Work<'_>,
    site: &str,
    typed: &Typed,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let known = work.society.known();
    if !known.sites.contains_key(site) {
        return Err(Trouble::nothing_here());
    }
    let here = work.at(&format!("/income/{site}/irradiance"));
    let planes = vec![
        (String::new(), "choose".to_owned()),
        ("panels".to_owned(), "the plane of the panels".to_owned()),
        ("flat".to_owned(), "the flat".to_owned()),
    ];
    let mut parts = vec![Part::Form(
        FormWords::to(&here)
            .ask(
                "file",
                "The file|CSV: day,wh_per_m2 or day,kwh_per_m2, a row a day; or from,wh_per_m2 or from,w_per_m2, a row a half hour.",
                FieldKind::File(".csv,text/csv,text/plain".to_owned()),
                "",
            )
            .ask(
                "plane",
                "On what it was measured|A horizontal sensor and most weather services measure on the flat.",
                FieldKind::Choice(planes),
                typed.text("plane"),
            )
            .ask(
                "source",
                "Who or what measured it, and where",
                FieldKind::Text,
                typed.text("source"),
            )
            .button("look", "Look at it first"),
    )];
    let all = work.society.irradiance()?;
    let own = all.iter().filter(|one| one.imported.site == site);
    let mut table = TableWords::new(
        "Irradiance that was taken in",
        &["Number", "Days", "On", "Source", "By", "How it stands"],
    );
    let mut standing = Vec::new();
    for one in own {
        let imported = &one.imported;
        table.row(
            &work.at(&format!("/files/{}", imported.file.sha256)),
            vec![
                imported.number.to_string(),
                format!(
                    "{} to {}, {} whole",
                    day_words(&imported.first),
                    day_words(&imported.last),
                    imported.days
                ),
                plane_words(imported.plane).to_owned(),
                imported.source.clone(),
                one.by.0.clone(),
                match &one.withdrawn {
                    Some(why) => format!("withdrawn: {why}"),
                    None => "counts".to_owned(),
                },
            ],
        );
        if one.withdrawn.is_none() {
            let number = imported.number.to_string();
            standing.push((number.clone(), format!("irradiance {number}")));
        }
    }
    if !table.rows.is_empty() {
        parts.push(Part::Table(table));
    }
    if !standing.is_empty() {
        parts.push(Part::Heading("Withdraw what is wrong".to_owned()));
        parts.push(Part::Form(
            FormWords::to(&here)
                .ask("number", "Which", FieldKind::Choice(standing), "")
                .ask("reason", "Why|The auditor will ask.", FieldKind::Text, "")
                .button("withdraw", "Withdraw this irradiance")
                .named("withdraw"),
        ));
    }
    let lists = lists(work, site);
    let lists: Vec<(&str, &str)> = lists
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let sentence = format!(
        "Irradiance tells a dull month of {} from a fault.",
        site_name(work, site)
    );
    work.page("Irradiance", &lists, &sentence, trouble, parts)
}
