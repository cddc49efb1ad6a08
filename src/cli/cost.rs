//! `cost add|reverse|list`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{calendar::LocalDay, money::Pence};
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, SocietyOffice,
    answer::OrCaller,
    costs::{AskedCost, Cost},
};

/// `cost …`
#[derive(Clone, Debug, Subcommand)]
pub enum CostCommand {
    /// Enter a cost of a roof, or of the whole society
    Add(Add),
    /// A cost counts no more; both lines stay
    Reverse {
        /// Its number
        number: u32,
        /// Why
        #[arg(long)]
        reason: String,
        /// Its society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
    /// List the costs
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
}

/// `cost add`
#[derive(Clone, Debug, Args)]
pub struct Add {
    /// The roof; the whole society's when left out
    #[arg(long)]
    pub site: Option<String>,
    /// The day it belongs to
    #[arg(long)]
    pub on: LocalDay,
    /// How much; below zero for a refund
    #[arg(long, allow_hyphen_values = true)]
    pub pounds: String,
    /// rent, insurance, metering, monitoring, repair, cleaning, administration or other
    #[arg(long)]
    pub kind: String,
    /// What for
    #[arg(long)]
    pub what: String,
    /// The invoice
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Its society, when there is more than one
    #[arg(long)]
    pub society: Option<String>,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &CostCommand) -> Answer<()> {
    match command {
        CostCommand::Add(add) => {
            let society = desk.society(add.society.as_deref())?;
            let by = desk.officer(&society, "a cost")?;
            let asked = AskedCost {
                site: add.site.clone(),
                on: add.on,
                amount: add.pounds.parse::<Pence>().or_caller()?,
                kind: add.kind.clone(),
                what: add.what.clone(),
                file: desk.maybe_given(add.file.as_deref())?,
            };
            let cost = society.enter_cost(&asked, &by, desk.now)?;
            list(desk, vec![document(&society, &cost)], true)
        }
        CostCommand::Reverse {
            number,
            reason,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "reversing a cost")?;
            let cost = society.reverse_cost(*number, reason, &by, desk.now)?;
            list(desk, vec![document(&society, &cost)], true)
        }
        CostCommand::List { society } => {
            let mut lines = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                lines.extend(society.costs()?.iter().map(|cost| document(&society, cost)));
            }
            list(desk, lines, false)
        }
    }
}

fn document(society: &SocietyOffice, cost: &Cost) -> Value {
    let entered = &cost.entered;
    json!({
        "society": society.slug(),
        "number": entered.number,
        "site": entered.site,
        "on": cost.on.to_string(),
        "pence": entered.pence,
        "kind": entered.kind,
        "what": entered.what,
        "by": cost.by.0,
        "entered_at": cost.by.1.to_string(),
        "file": entered.file.as_ref().map(|file| json!({"sha256": file.sha256, "name": file.name})),
        "reversed": cost.reversed,
    })
}

fn list(desk: &mut Desk<'_>, mut lines: Vec<Value>, one: bool) -> Answer<()> {
    if one && desk.json() {
        let line = lines.pop().unwrap_or_default();
        return desk.document(&line);
    }
    let head = ["cost", "on", "site", "amount", "kind", "what", ""];
    desk.table(&head, &lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let site = match line["site"].as_str() {
            Some("") | None => "the society".to_owned(),
            Some(site) => site.to_owned(),
        };
        vec![
            line["number"].to_string(),
            text("on"),
            site,
            Pence(line["pence"].as_i64().unwrap_or_default()).to_string(),
            text("kind"),
            text("what"),
            match line["reversed"].as_str() {
                Some(why) => format!("reversed: {why}"),
                None => String::new(),
            },
        ]
    })
}
