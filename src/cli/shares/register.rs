//! `register`: the register of members, as text, a page or a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use domain::calendar::LocalDay;
use serde_json::json;

use super::super::{
    Desk,
    members::{Download, download},
};
use office::{
    Answer,
    answer::{OrCaller, OrOurs},
};

/// `register`
#[derive(Clone, Debug, Args)]
pub struct Register {
    /// The day; today by itself
    #[arg(long)]
    pub on: Option<LocalDay>,
    /// Without share accounts: the copy that anybody may inspect
    #[arg(long)]
    pub without_shares: bool,
    /// The form
    #[arg(long, value_enum, default_value_t = RegisterForm::Text)]
    pub format: RegisterForm,
    /// Write it to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The society
    #[arg(long)]
    pub society: Option<String>,
}

/// Forms of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RegisterForm {
    /// A table for people.
    Text,
    /// A page.
    Html,
    /// Comma-separated values.
    Csv,
    /// A workbook.
    Xlsx,
}

/// Prints the register of members.
pub fn register(desk: &mut Desk<'_>, of: &Register) -> Answer<()> {
    let society = desk.society(of.society.as_deref())?;
    let on = of
        .on
        .unwrap_or_else(|| society.known().zone.day_of(desk.now));
    let made = society.statutory_register(on, !of.without_shares, desk.now)?;
    if desk.json() {
        return desk.document(&json!({
            "society": made.society,
            "on": made.on.to_string(),
            "members": made.rows.iter().map(|row| {
                let mut member = json!({
                    "member": row.number,
                    "kind": row.kind,
                    "name": row.name,
                    "address": row.address,
                    "joined": row.joined.to_string(),
                    "left": row.left.map(|day| day.to_string()),
                });
                if made.with_shares {
                    member["shares"] = row.shares.iter().map(|(class, shares, paid)| json!({
                        "class": class, "shares": shares, "pence": paid.0,
                    })).collect();
                }
                member
            }).collect::<Vec<_>>(),
            "total_pence": made.with_shares.then(|| made.total().0),
            "sample": made.sample,
        }));
    }
    let out = of.out.as_deref();
    let text = match of.format {
        RegisterForm::Csv => return download(desk, &made.table(), Download::Csv, out),
        RegisterForm::Xlsx => return download(desk, &made.table(), Download::Xlsx, out),
        RegisterForm::Html => made.to_html().or_ours("the register")?,
        RegisterForm::Text => {
            let mut table = comfy_table::Table::new();
            table
                .load_preset(comfy_table::presets::NOTHING)
                .set_header([
                    "",
                    "name",
                    "address",
                    "entered",
                    "ceased",
                    "shares held and paid",
                ]);
            for row in &made.rows {
                table.add_row([
                    row.number.to_string(),
                    row.shown_name().to_owned(),
                    row.address.clone(),
                    row.joined.to_string(),
                    row.left_words(),
                    row.shares_words(),
                ]);
            }
            let sample = if made.sample { "SAMPLE\n" } else { "" };
            format!("{sample}{}\n\n{table}\n", made.sentence())
        }
    };
    match out {
        None => desk.voice.data(&text),
        Some(out) => {
            let path = desk.folder.join(out);
            std::fs::write(&path, text).or_caller()?;
            desk.voice.say(&format!("written to `{}`", path.display()));
        }
    }
    Ok(())
}
