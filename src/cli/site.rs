//! `site list|income`.

use std::sync::Arc;

use clap::Subcommand;
use domain::{
    calendar::{LocalDay, Period},
    money::Pence,
    performance::Basis,
    quantity::WattHours,
};
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, SocietyOffice,
    site_income::{MonthIncome, SiteIncome},
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
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Site) -> Answer<()> {
    let (site, from, to, society) = match command {
        Site::List { society } => return super::lists::sites(desk, society.as_deref()),
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
        "basis": match judged.basis {
            Some(Basis::Neighbours(n)) => json!({"neighbours": n, "base_days": judged.base_days}),
            Some(Basis::Sun) => json!({"sun": true, "base_days": judged.base_days}),
            None => Value::Null,
        },
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
    for note in &income.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

fn whole_kwh(wh: WattHours) -> String {
    let kwh = (wh.0 + 500 * wh.0.signum()) / 1_000;
    domain::quantity::separated(&kwh.to_string()).into_owned()
}
