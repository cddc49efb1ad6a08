//! `papers hmrc|tax|pack`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use domain::{calendar::Period, money::Pence};
use serde_json::json;

use super::{
    Desk,
    members::{Download, download},
};
use office::{
    Answer, Refusal,
    papers::{HMRC_LEAST, Pack, hmrc_table},
};
use report::sheet::Cell;

/// `papers …`
#[derive(Clone, Debug, Subcommand)]
pub enum Papers {
    /// HMRC's return of share interest paid or credited in a period, in the order of its template
    Hmrc {
        /// The accounts period, both days included
        #[arg(long)]
        period: Period,
        /// From so many pounds a person is on the list; HMRC's practice is 250, the law says 15
        #[arg(long, value_name = "POUNDS")]
        least: Option<Pence>,
        /// As a table to read, or a download
        #[arg(long, value_enum, default_value_t = Download::Text)]
        format: Download,
        /// Write a download to this file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Income tax deducted from share interest, by quarter, for form CT61
    Tax {
        /// The period
        #[arg(long)]
        period: Period,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// The year-end pack: income, balance, figures for the notes, what is owed and unclaimed
    Pack {
        /// The accounts period
        #[arg(long)]
        period: Period,
        /// How
        #[arg(long, value_enum, default_value_t = PackForm::Text)]
        format: PackForm,
        /// Write to this file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
}

/// How the pack leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PackForm {
    /// For people.
    Text,
    /// Comma-separated values.
    Csv,
    /// A page of its own.
    Html,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Papers) -> Answer<()> {
    match command {
        Papers::Hmrc {
            period,
            least,
            format,
            out,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let least = least.unwrap_or(HMRC_LEAST);
            let list = society.hmrc_list(*period, least)?;
            if *format != Download::Text {
                return download(desk, &hmrc_table(&list), *format, out.as_deref());
            }
            let rows: Vec<_> = list
                .lines
                .iter()
                .map(|line| {
                    json!({
                        "member": line.member,
                        "name": line.name,
                        "address": line.address,
                        "gross_pence": line.gross.0,
                        "tax_pence": line.tax.0,
                    })
                })
                .collect();
            if desk.json() {
                return desk.document(&json!({
                    "society": society.slug(),
                    "from": period.first_day().to_string(),
                    "to": period.last_day().to_string(),
                    "least_pence": least.0,
                    "due": list.due.to_string(),
                    "lines": rows,
                    "below_count": list.below_count,
                    "below_pence": list.below.0,
                    "uncashed_cheques_pence": list.uncashed.0,
                    "sample": society.is_sample(),
                }));
            }
            desk.table(
                &["member", "name", "address", "interest", "tax"],
                &rows,
                |row| {
                    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                    let pence =
                        |key: &str| Pence(row[key].as_i64().unwrap_or_default()).to_string();
                    vec![
                        row["member"].to_string(),
                        text("name"),
                        text("address"),
                        pence("gross_pence"),
                        pence("tax_pence"),
                    ]
                },
            )?;
            desk.voice.data(&format!(
                "{} persons with {least} or more; {} below it with {} in all; to be sent by {}\n",
                list.lines.len(),
                list.below_count,
                list.below,
                list.due
            ));
            if list.uncashed.0 != 0 {
                desk.voice.say(&format!(
                    "cheques of {} were not cashed; they are owed, and count when they are",
                    list.uncashed
                ));
            }
            desk.voice.say("HMRC's own template is filled unaltered: copy the columns into it (--format csv or xlsx)");
            Ok(())
        }
        Papers::Tax { period, society } => {
            let society = desk.society(society.as_deref())?;
            let mut rows = Vec::new();
            for quarter in society.tax_quarters(*period)? {
                for (member, gross, tax) in &quarter.lines {
                    rows.push(json!({
                        "quarter_ends": quarter.ends.to_string(),
                        "due": quarter.due.to_string(),
                        "member": member,
                        "gross_pence": gross.0,
                        "tax_pence": tax.0,
                    }));
                }
            }
            desk.table(
                &["quarter ends", "CT61 due", "member", "interest", "tax"],
                &rows,
                |row| {
                    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                    let pence =
                        |key: &str| Pence(row[key].as_i64().unwrap_or_default()).to_string();
                    vec![
                        text("quarter_ends"),
                        text("due"),
                        row["member"].to_string(),
                        pence("gross_pence"),
                        pence("tax_pence"),
                    ]
                },
            )
        }
        Papers::Pack {
            period,
            format,
            out,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let pack = society.year_end_pack(*period)?;
            if desk.json() {
                return desk.document(&document(society.slug(), &pack));
            }
            let shown = pack.year_end(&society.known().document.society.name);
            let text = match format {
                PackForm::Text => shown.to_text(),
                PackForm::Csv => shown.to_csv(),
                PackForm::Html => shown.to_html().map_err(|e| Refusal::Ours(e.to_string()))?,
            };
            let Some(out) = out else {
                desk.voice.data(&text);
                return Ok(());
            };
            let path = desk.folder.join(out);
            std::fs::write(&path, text)
                .map_err(|e| Refusal::Caller(format!("`{}`: {e}", path.display())))
        }
    }
}

fn document(slug: &str, pack: &Pack) -> serde_json::Value {
    let lines = |lines: &[office::papers::PackLine]| -> Vec<_> {
        lines
            .iter()
            .map(|line| json!({"account": line.code, "name": line.name, "pence": line.pence.0}))
            .collect()
    };
    let notes: Vec<_> = pack
        .notes
        .iter()
        .map(|(words, cell)| match cell {
            Cell::Pounds(pence) => json!({"what": words, "pence": pence}),
            Cell::Number(number) => json!({"what": words, "number": number}),
            Cell::Text(text) => json!({"what": words, "text": text}),
        })
        .collect();
    let owed: Vec<_> = pack
        .owed
        .iter()
        .map(|(run, member, pence, why)| {
            json!({"run": run, "member": member, "pence": pence.0, "why": why})
        })
        .collect();
    json!({
        "society": slug,
        "from": pack.period.first_day().to_string(),
        "to": pack.period.last_day().to_string(),
        "income": lines(&pack.income),
        "surplus_pence": pack.surplus.0,
        "balance": lines(&pack.balance),
        "notes": notes,
        "owed": owed,
        "sample": pack.sample,
    })
}
