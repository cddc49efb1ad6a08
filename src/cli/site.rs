//! `site list|income|irradiance`.

use std::{path::PathBuf, sync::Arc};

use clap::{Subcommand, ValueEnum};
use domain::{
    calendar::{LocalDay, Period},
    money::Pence,
    performance::{Basis, Judged, Ratio, Steps},
    quantity::WattHours,
};
use records::roofs::LightPlane;
use report::generation::ratio_words;
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, SocietyOffice,
    irradiance::{AskedIrradiance, Irradiance, plane_words},
    site_income::{MonthIncome, SiteIncome, stands_on},
};

/// `site …`
#[derive(Clone, Debug, Subcommand)]
pub enum Site {
    /// List them
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// Income, costs and what was lost, by roof and month
    Income {
        /// The roof; every roof of the society when left out
        site: Option<String>,
        /// First day
        #[arg(long)]
        from: LocalDay,
        /// Last day, included
        #[arg(long)]
        to: LocalDay,
        /// The society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
    /// Irradiance measured for a roof, which tells weather from a fault
    #[command(subcommand)]
    Irradiance(Light),
}

/// `site irradiance …`
#[derive(Clone, Debug, Subcommand)]
pub enum Light {
    /// Take in a CSV file: `day,wh_per_m2` or `day,kwh_per_m2`, a row a day; `from,wh_per_m2` or
    /// `from,w_per_m2`, a row a half hour
    Import {
        /// The roof
        site: String,
        /// The file (CSV)
        file: PathBuf,
        /// On what it was measured
        #[arg(long, value_enum)]
        plane: OnPlane,
        /// Who or what measured it, and where
        #[arg(long)]
        source: String,
        /// Show what the file says and change nothing
        #[arg(long)]
        preview: bool,
        /// The society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
    /// List what was taken in
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// What was taken in wrongly counts no more
    Withdraw {
        /// Its number
        number: u32,
        /// Why
        #[arg(long)]
        reason: String,
        /// The society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
}

/// On what light was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnPlane {
    /// The plane of the panels.
    Panels,
    /// The flat: a horizontal sensor, or a weather service's figure.
    Flat,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Site) -> Answer<()> {
    let (site, from, to, society) = match command {
        Site::List { society } => return super::lists::sites(desk, society.as_deref()),
        Site::Irradiance(command) => return light(desk, command),
        Site::Income {
            site,
            from,
            to,
            society,
        } => (site, from, to, society),
    };
    let society = match (site, society) {
        (Some(site), None) => of_site(desk, site)?,
        _ => desk.society(society.as_deref())?,
    };
    let days = Period::Range {
        first: *from,
        last: *to,
    };
    let sites: Vec<String> = match site {
        Some(site) => vec![site.clone()],
        None => society.known().sites.keys().cloned().collect(),
    };
    let mut all = Vec::new();
    for site in &sites {
        all.push(
            desk.office
                .site_income(&society, site, days, desk.now, true)?,
        );
    }
    if desk.json() {
        let all: Vec<Value> = all.iter().map(document).collect();
        return desk.document(&all);
    }
    let text: Vec<String> = all.iter().map(in_words).collect();
    desk.voice.data(&text.join("\n"));
    // The society's own costs belong to no roof, and are not spread over them.
    let whole = society.cost_of(None, days)?;
    let of_roofs: i64 = all
        .iter()
        .map(|site| site.total(|month| month.costs).0)
        .sum();
    if site.is_none() && whole.0 != of_roofs {
        desk.voice.data(&format!(
            "\ncosts of the whole society, of no roof: {}\n",
            Pence(whole.0 - of_roofs)
        ));
    }
    Ok(())
}

/// The only society with a roof of that id; when there is none or several, what to say instead.
fn of_site(desk: &Desk<'_>, site: &str) -> Answer<Arc<SocietyOffice>> {
    let mut with = desk
        .office
        .societies()
        .into_iter()
        .filter(|society| society.known().sites.contains_key(site));
    match (with.next(), with.next()) {
        (Some(one), None) => Ok(one),
        _ => desk.society(None),
    }
}

fn document(income: &SiteIncome) -> Value {
    json!({
        "society": income.society,
        "site": income.site,
        "name": income.name,
        "months": income.months.iter().map(month).collect::<Vec<_>>(),
        "notes": income.notes,
        "sample": income.sample,
    })
}

fn month(month: &MonthIncome) -> Value {
    let judged = &month.judged;
    json!({
        "month": month.month.to_string(),
        "from": month.days.first_day().to_string(),
        "to": month.days.last_day().to_string(),
        "made_wh": month.made.0,
        "known_days": month.known_days,
        "claimed_pence": month.claimed.0,
        "unclaimed_pence": month.unclaimed.0,
        "billed_pence": month.billed.0,
        "unbilled_pence": month.unbilled.0,
        "income_pence": month.income().0,
        "costs_pence": month.costs.0,
        "expected_wh": judged.basis.map(|_| judged.expected.0),
        "compared_days": judged.known_days,
        "permille_of_expected": judged.permille(),
        "basis": basis(judged),
        "performance_ratio": month.ratio.as_ref().map(ratio),
        "peers": month.peers.as_ref().map(|peers| json!({
            "basis": basis(peers),
            "expected_wh": peers.basis.map(|_| peers.expected.0),
            "permille_of_expected": peers.permille(),
            "lost_wh": peers.basis.map(|_| peers.lost().0),
        })),
        "losses": month.lost.iter().map(|(loss, pence)| json!({
            "cause": loss.cause.word(),
            "days": loss.days,
            "wh": loss.wh.0,
            "pence": pence.map(|pence| pence.0),
        })).collect::<Vec<_>>(),
        "lost_pence": month.lost_pence().0,
        "scatter_wh": judged.basis.map(|_| judged.rest.0),
        "weather_wh": judged.weather.map(|wh| wh.0),
    })
}

/// What a judgement stands on.
fn basis(judged: &Judged) -> Value {
    let base_days = judged.base_days;
    match judged.basis {
        Some(Basis::Irradiance(steps)) => {
            let steps = match steps {
                Steps::HalfHours => "half-hours",
                Steps::Days => "days",
            };
            json!({"irradiance": steps, "base_days": base_days})
        }
        Some(Basis::Neighbours(n)) => json!({"neighbours": n, "base_days": base_days}),
        Some(Basis::Sun) => json!({"sun": true, "base_days": base_days}),
        None => Value::Null,
    }
}

fn ratio(ratio: &Ratio) -> Value {
    json!({
        "permille": ratio.permille,
        "usual_permille": ratio.usual_permille,
        "days": ratio.days,
        "irradiation_wh_per_m2": ratio.wh_per_m2,
    })
}

fn light(desk: &mut Desk<'_>, command: &Light) -> Answer<()> {
    match command {
        Light::Import {
            site,
            file,
            plane,
            source,
            preview,
            society,
        } => {
            let society = match society {
                Some(_) => desk.society(society.as_deref())?,
                None => of_site(desk, site)?,
            };
            let asked = AskedIrradiance {
                site: site.clone(),
                plane: match plane {
                    OnPlane::Panels => LightPlane::Panels,
                    OnPlane::Flat => LightPlane::Flat,
                },
                source: source.clone(),
                file: desk.given(file)?,
            };
            let read = society.read_irradiance(&asked)?;
            desk.voice.say(&format!(
                "{} rows, {} whole days, {} kWh/m² on the {}",
                read.rows,
                read.days.len(),
                read.wh_per_m2() / 1_000,
                plane_words(asked.plane)
            ));
            if let (Some(first), more) = (read.incomplete.first(), read.incomplete.len()) {
                desk.voice.say(&format!(
                    "{more} days lack a half hour of daylight and are left out, the first {first}"
                ));
            }
            if *preview {
                return match desk.json() {
                    true => desk.document(&json!({
                        "society": society.slug(),
                        "site": site,
                        "rows": read.rows,
                        "days": read.days.len(),
                        "incomplete_days": read.incomplete.len(),
                        "irradiation_wh_per_m2": read.wh_per_m2(),
                    })),
                    false => Ok(()),
                };
            }
            let by = desk.officer(&society, "taking in irradiance")?;
            let made = society.import_irradiance(&asked, &by, desk.now)?;
            listed(desk, &[measured(&society, &made)])
        }
        Light::List { society } => {
            let mut lines = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                for one in society.irradiance()? {
                    lines.push(measured(&society, &one));
                }
            }
            listed(desk, &lines)
        }
        Light::Withdraw {
            number,
            reason,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "withdrawing irradiance")?;
            let one = society.withdraw_irradiance(*number, reason, &by, desk.now)?;
            listed(desk, &[measured(&society, &one)])
        }
    }
}

fn measured(society: &SocietyOffice, one: &Irradiance) -> Value {
    let imported = &one.imported;
    json!({
        "society": society.slug(),
        "number": imported.number,
        "site": imported.site,
        "plane": match imported.plane {
            LightPlane::Panels => "panels",
            LightPlane::Flat => "flat",
        },
        "source": imported.source,
        "file": imported.file.name,
        "file_sha256": imported.file.sha256,
        "first": imported.first,
        "last": imported.last,
        "days": imported.days,
        "by": one.by.0,
        "at": one.by.1.to_string(),
        "withdrawn": one.withdrawn,
        "sample": society.known().document.society.sample,
    })
}

fn listed(desk: &mut Desk<'_>, lines: &[Value]) -> Answer<()> {
    let head = [
        "", "site", "plane", "first", "last", "days", "source", "by", "",
    ];
    desk.table(&head, lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        vec![
            line["number"].to_string(),
            text("site"),
            text("plane"),
            text("first"),
            text("last"),
            line["days"].to_string(),
            text("source"),
            text("by"),
            match line["withdrawn"].as_str() {
                Some(why) => format!("withdrawn: {why}"),
                None => String::new(),
            },
        ]
    })
}

fn in_words(income: &SiteIncome) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_preset(comfy_table::presets::NOTHING)
        .set_header([
            "month",
            "made kWh",
            "claims",
            "not claimed",
            "bills",
            "not billed",
            "costs",
            "of expected",
            "by",
            "ratio",
            "lost kWh",
            "lost",
            "weather kWh",
        ]);
    for month in &income.months {
        let judged = &month.judged;
        table.add_row([
            month.month.to_string(),
            whole_kwh(month.made),
            month.claimed.to_string(),
            month.unclaimed.to_string(),
            month.billed.to_string(),
            month.unbilled.to_string(),
            month.costs.to_string(),
            judged
                .permille()
                .map_or_else(String::new, |p| format!("{}.{} %", p / 10, p % 10)),
            match judged.permille() {
                Some(_) => stands_on(judged),
                None => String::new(),
            },
            month.ratio.map_or_else(String::new, |ratio| {
                ratio_words((ratio.permille, ratio.usual_permille))
            }),
            judged
                .basis
                .map_or_else(|| "not known".to_owned(), |_| whole_kwh(judged.lost())),
            month.lost_pence().to_string(),
            judged.weather.map_or_else(String::new, whole_kwh),
        ]);
    }
    let total = |of: fn(&MonthIncome) -> Pence| income.total(of).to_string();
    table.add_row([
        "all".to_owned(),
        whole_kwh(WattHours(income.months.iter().map(|m| m.made.0).sum())),
        total(|m| m.claimed),
        total(|m| m.unclaimed),
        total(|m| m.billed),
        total(|m| m.unbilled),
        total(|m| m.costs),
        String::new(),
        String::new(),
        String::new(),
        whole_kwh(WattHours(
            income.months.iter().map(|m| m.judged.lost().0).sum(),
        )),
        total(MonthIncome::lost_pence),
        String::new(),
    ]);
    let mark = if income.sample { "SAMPLE " } else { "" };
    let mut text = format!("{mark}{}, {}\n{table}\n", income.name, income.society);
    for month in &income.months {
        for (loss, pence) in &month.lost {
            text.push_str(&format!(
                "{}: {}, {} days, {}, {}\n",
                month.month,
                loss.cause.words(),
                loss.days,
                loss.wh.kwh_words(),
                pence.map_or_else(|| "not valued".to_owned(), |p| p.to_string())
            ));
        }
    }
    for month in &income.months {
        if let Some((peers, permille)) = month
            .peers
            .as_ref()
            .zip(month.peers.as_ref().and_then(Judged::permille))
        {
            text.push_str(&format!(
                "{}: by {} beside it {}.{} % of what was expected\n",
                month.month,
                stands_on(peers),
                permille / 10,
                permille % 10
            ));
        }
    }
    for note in &income.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

fn whole_kwh(wh: WattHours) -> String {
    let kwh = (wh.0 + 500 * wh.0.signum()) / 1_000;
    domain::quantity::separated(&kwh.to_string()).into_owned()
}
