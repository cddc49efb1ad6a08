//! `bill preview|freeze|credit|list|owed|remind`.

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    calendar::{Instant, LocalDay, Period},
    money::Pence,
};
use serde_json::{Value, json};

use super::{Desk, paper};
use office::{
    Answer, SocietyOffice, answer::OrOurs, bank::Debt, bills::MadeBill, claims_paid::Age,
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
    /// Take a bill back whole by a credit note; its days may then be billed again
    Credit {
        /// The bill's number
        #[arg(long)]
        bill: u32,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// List what is not paid, by age
    Owed {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// Hold what hosts and buyers paid against their bills, and name every difference
    Reconcile {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// Draft a reminder for each bill that is past its day
    Remind {
        /// Only this bill
        #[arg(long)]
        bill: Option<u32>,
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
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
    /// The host, or the buyer of export
    #[arg(long, alias = "buyer")]
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
    /// Write a typeset sheet to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<std::path::PathBuf>,
}

/// Forms of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a terminal or an e-mail.
    Text,
    /// A page of its own.
    Html,
    /// A typeset sheet for a window envelope.
    Pdf,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Bill) -> Answer<()> {
    let of = match command {
        Bill::Preview(of) | Bill::Freeze { of, .. } => of,
        Bill::List { society } => return list(desk, society.as_deref()),
        Bill::Owed { society } => return owed(desk, society.as_deref()),
        Bill::Reconcile { society } => return reconciled(desk, society.as_deref()),
        Bill::Remind { bill, society } => return remind(desk, *bill, society.as_deref()),
        Bill::Credit {
            bill,
            reason,
            society,
        } => return credit(desk, *bill, reason, society.as_deref()),
    };
    let (society, host) = desk.office.host(&of.host, of.society.as_deref())?;
    let days = Period::Range {
        first: of.from,
        last: of.to,
    };
    let made = match command {
        Bill::Freeze { apportioned, .. } => {
            let by = desk.treasurer(&society, "freezing a bill")?;
            let before = society.frozen_bills()?.len();
            let made = society.freeze_bill(&host, days, *apportioned, &by, desk.now)?;
            if society.frozen_bills()?.len() == before {
                desk.voice
                    .say("this bill was frozen before; nothing was changed");
            }
            made
        }
        _ => society.preview_bill(&host, days, desk.now)?,
    };
    desk.remind(&society)?;
    if desk.json() {
        return desk.document(&document(&society, &made));
    }
    let printed = society.bill_form(&host, &made);
    let text = match of.format {
        Form::Text => printed.text(),
        Form::Html => printed.html().or_ours("the bill")?,
        Form::Pdf => {
            let frozen = made.frozen.as_ref().map(|(_, at)| *at);
            let on = society.known().zone.day_of(frozen.unwrap_or(desk.now));
            return paper::set(desk, &printed.paper(on), of.out.as_deref());
        }
    };
    desk.voice.data(&text);
    Ok(())
}

fn list(desk: &mut Desk<'_>, only: Option<&str>) -> Answer<()> {
    let mut lines: Vec<Value> = Vec::new();
    for society in super::lists::societies(desk, only)? {
        for made in society.frozen_bills()? {
            lines.push(document(&society, &made));
        }
    }
    let head = [
        "bill",
        "society",
        "host",
        "from",
        "to",
        "to pay",
        "due",
        "frozen by",
        "on",
        "",
        "",
    ];
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
            text("frozen_by"),
            text("frozen_at").chars().take(10).collect(),
            match line["credit_note"].as_u64() {
                Some(note) => format!("credit note {note}"),
                None => String::new(),
            },
            if sample {
                "SAMPLE".into()
            } else {
                String::new()
            },
        ]
    })
}

fn credit(desk: &mut Desk<'_>, number: u32, reason: &str, society: Option<&str>) -> Answer<()> {
    let society = desk.society(society)?;
    let by = desk.treasurer(&society, "taking a bill back")?;
    let (host, made) = society.credit_bill(number, reason, &by, desk.now)?;
    if desk.json() {
        return desk.document(&document(&society, &made));
    }
    desk.voice.data(&society.bill_form(&host, &made).text());
    Ok(())
}

fn owed(desk: &mut Desk<'_>, only: Option<&str>) -> Answer<()> {
    let mut lines: Vec<Value> = Vec::new();
    for society in super::lists::societies(desk, only)? {
        for debt in society.debts(desk.now)? {
            lines.push(json!({
                "society": society.slug(),
                "bill": debt.made.bill.number,
                "host": debt.made.bill.host,
                "name": debt.name,
                "due": debt.made.bill.due,
                "asked_pence": debt.made.bill.gross_pence,
                "paid_pence": debt.paid.0,
                "open_pence": debt.open.0,
                "days_over": debt.days_over,
                "age": Age::of(debt.days_over).word(),
                "credit_note": debt.made.credited.as_ref().map(|note| note.number),
                "sample": debt.made.bill.sample,
            }));
        }
    }
    let head = [
        "bill", "society", "host", "due", "asked", "paid", "open", "age", "",
    ];
    desk.table(&head, &lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let money = |key: &str| Pence(line[key].as_i64().unwrap_or_default()).to_string();
        vec![
            line["bill"].to_string(),
            text("society"),
            text("host"),
            text("due"),
            money("asked_pence"),
            money("paid_pence"),
            money("open_pence"),
            text("age"),
            if line["sample"].as_bool().unwrap_or_default() {
                "SAMPLE".to_owned()
            } else {
                String::new()
            },
        ]
    })
}

fn reconciled(desk: &mut Desk<'_>, only: Option<&str>) -> Answer<()> {
    let mut lines: Vec<Value> = Vec::new();
    for society in super::lists::societies(desk, only)? {
        for one in society.bill_differences(desk.now)? {
            lines.push(json!({
                "society": society.slug(),
                "bill": one.number,
                "host": one.host,
                "name": one.name,
                "difference": one.difference.word(),
                "text": one.difference.to_string(),
                "lacking_pence": one.lacking.0,
                "age": Age::of(one.age_days).word(),
            }));
        }
    }
    if lines.is_empty() && !desk.json() {
        desk.voice
            .say("every bill whose day is past was paid in time and to the penny");
        return Ok(());
    }
    let head = ["bill", "society", "host", "what", "lacking", "age"];
    desk.table(&head, &lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        vec![
            line["bill"].to_string(),
            text("society"),
            text("host"),
            text("text"),
            Pence(line["lacking_pence"].as_i64().unwrap_or_default()).to_string(),
            text("age"),
        ]
    })
}

fn remind(desk: &mut Desk<'_>, bill: Option<u32>, only: Option<&str>) -> Answer<()> {
    let mut letters: Vec<Value> = Vec::new();
    for society in super::lists::societies(desk, only)? {
        let over = |debt: &Debt| debt.days_over > 0 && debt.open > Pence::ZERO;
        for debt in society.debts(desk.now)? {
            let number = debt.made.bill.number;
            if !over(&debt) || bill.is_some_and(|bill| bill != number) {
                continue;
            }
            let reminder = society.reminder(&debt, desk.now);
            letters.push(json!({
                "society": society.slug(),
                "bill": number,
                "open_pence": debt.open.0,
                "days_over": debt.days_over,
                "level": reminder.level(),
                "letter": reminder.text(),
            }));
        }
    }
    if desk.json() {
        return desk.document(&letters);
    }
    if letters.is_empty() {
        desk.voice
            .say("no bill is past its day; there is nothing to write");
    }
    let texts = letters.iter().filter_map(|one| one["letter"].as_str());
    let texts: Vec<&str> = texts.collect();
    desk.voice.data(&texts.join("\n\n"));
    Ok(())
}

fn document(society: &SocietyOffice, made: &MadeBill) -> Value {
    let bill = &made.bill;
    let at = |ms: i64| Instant(ms).to_string();
    json!({
        "society": society.slug(),
        "host": bill.host,
        "number": bill.number,
        "frozen": made.frozen.is_some(),
        "frozen_by": made.frozen.as_ref().map(|(by, _)| by),
        "frozen_at": made.frozen.as_ref().map(|(_, at)| at.to_string()),
        "credit_note": made.credited.as_ref().map(|note| note.number),
        "credited_on": made.credited.as_ref().map(|note| &note.on),
        "credit_reason": made.credited.as_ref().map(|note| &note.reason),
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
            "half_hours": line.half_hours,
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
