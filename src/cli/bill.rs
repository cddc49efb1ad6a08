//! `bill preview|freeze|list`.

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    calendar::{Instant, LocalDay, Period},
    money::Pence,
    quantity::WattHours,
};
use report::bill::{HostBill, HostBillLine};
use serde_json::{Value, json};

use super::Desk;
use crate::office::{
    Answer, SocietyOffice,
    answer::OrOurs,
    bills::{BilledHost, MadeBill},
};

/// `bill …`
#[derive(Clone, Debug, Subcommand)]
pub enum Bill {
    /// Show a bill and change nothing
    Preview(Of),
    /// Fix a bill with its lines and reads; a second time changes nothing
    Freeze {
        /// The bill
        #[command(flatten)]
        of: Of,
        /// Lines that are split by time, for want of a read where a price changed, are meant
        #[arg(long)]
        apportioned: bool,
    },
    /// List the frozen bills
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
}

/// Which bill.
#[derive(Clone, Debug, Args)]
pub struct Of {
    /// The host
    #[arg(long)]
    pub host: String,
    /// First day, YYYY-MM-DD
    #[arg(long)]
    pub from: LocalDay,
    /// Last day, inside
    #[arg(long)]
    pub to: LocalDay,
    /// Its society, where several have a host of that id
    #[arg(long)]
    pub society: Option<String>,
    /// The form of the bill
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
}

/// Forms of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a terminal or an e-mail.
    Text,
    /// A page of its own.
    Html,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Bill) -> Answer<()> {
    let of = match command {
        Bill::Preview(of) | Bill::Freeze { of, .. } => of,
        Bill::List { society } => return list(desk, society.as_deref()),
    };
    let (society, host) = desk.office.host(&of.host, of.society.as_deref())?;
    let days = Period::Range {
        first: of.from,
        last: of.to,
    };
    let made = match command {
        Bill::Freeze { apportioned, .. } => {
            let by = desk.officer(&society, "freezing a bill")?;
            let before = society.frozen_bills()?.len();
            let made = society.freeze_bill(&host, days, *apportioned, &by, desk.now)?;
            if society.frozen_bills()?.len() == before {
                desk.voice
                    .say("this bill was frozen before; nothing was changed");
            }
            made
        }
        Bill::Preview(_) | Bill::List { .. } => society.preview_bill(&host, days, desk.now)?,
    };
    if desk.json() {
        return desk.document(&document(&society, &made));
    }
    let printed = printed(&society, &host, &made);
    let text = match of.format {
        Form::Text => printed.text(),
        Form::Html => printed.html().or_ours("the bill")?,
    };
    desk.voice.data(&text);
    Ok(())
}

fn list(desk: &mut Desk<'_>, only: Option<&str>) -> Answer<()> {
    let mut lines: Vec<Value> = Vec::new();
    for society in super::lists::societies(desk, only)? {
        for bill in society.frozen_bills()? {
            let made = MadeBill { bill, frozen: true };
            lines.push(document(&society, &made));
        }
    }
    let head = ["bill", "society", "host", "from", "to", "to pay", "due", ""];
    desk.table(&head, &lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let sample = line["sample"].as_bool().unwrap_or_default();
        vec![
            line["number"].to_string(),
            text("society"),
            text("host"),
            text("from"),
            text("to"),
            Pence(line["gross_pence"].as_i64().unwrap_or_default()).to_string(),
            text("due"),
            if sample {
                "SAMPLE".into()
            } else {
                String::new()
            },
        ]
    })
}

fn document(society: &SocietyOffice, made: &MadeBill) -> Value {
    let bill = &made.bill;
    let at = |ms: i64| Instant(ms).to_string();
    json!({
        "society": society.slug(),
        "host": bill.host,
        "number": bill.number,
        "frozen": made.frozen,
        "from": bill.from,
        "to": bill.to,
        "on_site": bill.on_site,
        "lines": bill.lines.iter().map(|line| json!({
            "from": line.from,
            "to": line.to,
            "wh": line.wh,
            "rate_p_per_kwh": line.rate_p_per_kwh,
            "pence": line.pence,
            "grid_p_per_kwh": line.grid_p_per_kwh,
            "grid_pence": line.grid_pence,
        })).collect::<Vec<_>>(),
        "net_pence": bill.net_pence,
        "vat_percent": bill.vat_percent,
        "vat_pence": bill.vat_pence,
        "gross_pence": bill.gross_pence,
        "saving_pence": bill.saving_pence,
        "po_number": bill.po_number,
        "due": bill.due,
        "findings": bill.findings.iter().map(|finding| json!({
            "kind": finding.kind,
            "text": finding.text,
        })).collect::<Vec<_>>(),
        "reads": bill.reads.iter().map(|read| json!({
            "meter": read.meter,
            "register": read.register,
            "at": at(read.at_ms),
            "wh": read.wh,
            "quality": read.quality,
            "evidence": read.evidence,
        })).collect::<Vec<_>>(),
        "sample": bill.sample,
    })
}

/// The bill in the words of the printed form.
fn printed(society: &SocietyOffice, host: &BilledHost, made: &MadeBill) -> HostBill {
    let bill = &made.bill;
    let known = society.known();
    let site = known.sites.get(&host.site);
    HostBill {
        society: known.document.society.name.clone(),
        host: host.name.clone(),
        site: site.map_or_else(|| host.site.clone(), |site| site.name.clone()),
        number: made.frozen.then_some(bill.number),
        from: bill.from.clone(),
        to: bill.to.clone(),
        basis: match bill.on_site.as_str() {
            "metered" => "metered as generation less export".to_owned(),
            "deemed" => format!(
                "deemed {} % of the generation, by contract",
                host.deemed_percent.unwrap_or_default()
            ),
            _ => format!("{} kWh a year, by contract", host.fixed_kwh_a_year),
        },
        lines: bill
            .lines
            .iter()
            .map(|line| HostBillLine {
                from: line.from.clone(),
                to: line.to.clone(),
                wh: WattHours(line.wh),
                rate: line.rate_p_per_kwh.clone(),
                pence: Pence(line.pence),
                grid: line.grid_p_per_kwh.clone(),
            })
            .collect(),
        net: Pence(bill.net_pence),
        vat_percent: bill.vat_percent.clone(),
        vat: Pence(bill.vat_pence),
        gross: Pence(bill.gross_pence),
        saving: bill.saving_pence.map(Pence),
        po_number: bill.po_number.clone(),
        due: bill.due.clone(),
        findings: bill.findings.iter().map(|f| f.text.clone()).collect(),
        reads: bill
            .reads
            .iter()
            .map(|read| {
                format!(
                    "{} {} {}: {} ({})",
                    read.meter,
                    read.register,
                    Instant(read.at_ms),
                    WattHours(read.wh).kwh_words(),
                    read.quality
                )
            })
            .collect(),
        sample: bill.sample,
    }
}
