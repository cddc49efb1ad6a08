//! `table list|show|extend|approve|refuse`.

use std::path::PathBuf;

use clap::Subcommand;
use domain::projection::Certainty;
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, SocietyOffice,
    answer::refuse,
    tables::{Extend, Proposal, Table as Dated, Typed},
};

/// `table …`
#[derive(Clone, Debug, Subcommand)]
pub enum Table {
    /// List the tables, what waits for approval, and what is asked for
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// Show a table's rows with their sources
    Show {
        /// uplifts, fit-new, fit-export, grid-price, export-price, bank-rate or carbon
        table: Dated,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Propose a row; it holds when another officer approves it
    Extend {
        /// uplifts, fit-new, fit-export, grid-price, export-price, bank-rate or carbon
        table: Dated,
        /// The row: COLUMN=VALUE, such as year=2027 percent=3.1 index=CPI
        #[arg(value_name = "COLUMN=VALUE", required = true)]
        row: Vec<String>,
        /// Where it is printed
        #[arg(long)]
        source: String,
        /// How sure it is: high, medium, low, calculated or sample
        #[arg(long, default_value = "high")]
        certainty: String,
        /// The page, bill or file it is taken from; kept by its SHA-256
        #[arg(long)]
        file: Option<PathBuf>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Approve a proposal of another officer
    Approve {
        /// Its number
        proposal: u32,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Refuse a proposal, or take one's own back
    Refuse {
        /// Its number
        proposal: u32,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Table) -> Answer<()> {
    match command {
        Table::List { society } => list(desk, society.as_deref()),
        Table::Show { table, society } => show(desk, *table, society.as_deref()),
        Table::Extend {
            table,
            row,
            source,
            certainty,
            file,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "extending a table")?;
            let Some(certainty) = Certainty::of_word(certainty) else {
                return refuse(format!(
                    "certainty `{certainty}`; expected high, medium, low, calculated or sample"
                ));
            };
            let extend = Extend {
                table: *table,
                rows: vec![typed(row)?],
                source: source.clone(),
                certainty,
                file: match file {
                    Some(file) => Some(desk.given(file)?),
                    None => None,
                },
            };
            let proposal = society.extend_table(&extend, &by, desk.now)?;
            said(desk, &society, &proposal)
        }
        Table::Approve { proposal, society } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "approving a row")?;
            let proposal = society.decide_table(*proposal, None, &by, desk.now)?;
            said(desk, &society, &proposal)
        }
        Table::Refuse {
            proposal,
            reason,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "refusing a row")?;
            let proposal = society.decide_table(*proposal, Some(reason), &by, desk.now)?;
            said(desk, &society, &proposal)
        }
    }
}

fn typed(words: &[String]) -> Answer<Typed> {
    let mut row = Typed::new();
    for word in words {
        match word.split_once('=') {
            Some((column, value)) if !column.is_empty() => {
                if row.insert(column.to_owned(), value.to_owned()).is_some() {
                    return refuse(format!("`{column}` is there twice"));
                }
            }
            _ => {
                return refuse(format!(
                    "`{word}`; expected COLUMN=VALUE such as `year=2027`"
                ));
            }
        }
    }
    Ok(row)
}

fn list(desk: &mut Desk<'_>, only: Option<&str>) -> Answer<()> {
    let mut lines = Vec::new();
    let mut waiting = Vec::new();
    let mut asked = Vec::new();
    for society in super::lists::societies(desk, only)? {
        for table in Dated::ALL {
            let rows = society.table_rows(table)?;
            lines.push(json!({
                "society": society.slug(),
                "table": table.word(),
                "holds": table.words(),
                "columns": table.columns(),
                "rows": rows.len(),
                "last": rows.last().map(|row| format!("{}: {}", row.of, row.value)),
            }));
        }
        for proposal in society.proposals()? {
            waiting.push(document(&society, &proposal));
        }
        for one in society.asked_for(desk.now)? {
            asked.push(json!({"society": society.slug(), "text": one}));
        }
    }
    if desk.json() {
        return desk.document(&json!({"tables": lines, "proposals": waiting, "asked_for": asked}));
    }
    desk.table(
        &["table", "society", "rows", "last", "columns"],
        &lines,
        |line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let columns = line["columns"].as_array().into_iter().flatten();
            let columns: Vec<&str> = columns.filter_map(Value::as_str).collect();
            vec![
                text("table"),
                text("society"),
                line["rows"].to_string(),
                text("last"),
                columns.join(" "),
            ]
        },
    )?;
    for proposal in &waiting {
        desk.voice.data(&format!("{}\n", in_words(proposal)));
    }
    for one in asked {
        desk.voice.say(&format!(
            "asked for, {}: {}",
            one["society"].as_str().unwrap_or_default(),
            one["text"].as_str().unwrap_or_default()
        ));
    }
    Ok(())
}

fn show(desk: &mut Desk<'_>, table: Dated, society: Option<&str>) -> Answer<()> {
    let society = desk.society(society)?;
    let rows: Vec<Value> = society
        .table_rows(table)?
        .into_iter()
        .map(|row| {
            json!({
                "of": row.of,
                "value": row.value,
                "source": row.source,
                "certainty": row.certainty,
                "from": row.from,
            })
        })
        .collect();
    desk.table(&["of", "value", "from", "sure", "source"], &rows, |row| {
        ["of", "value", "from", "certainty", "source"]
            .map(|key| row[key].as_str().unwrap_or_default().to_owned())
            .to_vec()
    })
}

fn said(desk: &mut Desk<'_>, society: &SocietyOffice, proposal: &Proposal) -> Answer<()> {
    let document = document(society, proposal);
    if desk.json() {
        return desk.document(&document);
    }
    desk.voice.data(&format!("{}\n", in_words(&document)));
    if proposal.decided.is_none() {
        desk.voice.say(&format!(
            "it holds when another officer runs `commonwatt table approve {} --society {} --as OFFICER`",
            proposal.extended.number,
            society.slug()
        ));
    }
    Ok(())
}

fn document(society: &SocietyOffice, proposal: &Proposal) -> Value {
    let extended = &proposal.extended;
    let (state, decided_by) = match &proposal.decided {
        None => ("waits", None),
        Some((said, by, _)) if said.approved => ("approved", Some(by)),
        Some((_, by, _)) => ("refused", Some(by)),
    };
    json!({
        "society": society.slug(),
        "proposal": extended.number,
        "table": extended.table,
        "rows": extended.rows,
        "source": extended.source,
        "certainty": extended.certainty,
        "file": extended.file.as_ref().map(|file| &file.name),
        "file_sha256": extended.file.as_ref().map(|file| &file.sha256),
        "proposed_by": proposal.by.0,
        "state": state,
        "decided_by": decided_by,
    })
}

/// `proposal 1, uplifts: index=CPI percent=3.1 year=2027 (ONS; high; by treasurer), approved by …`
fn in_words(proposal: &Value) -> String {
    let text = |key: &str| proposal[key].as_str().unwrap_or_default().to_owned();
    let rows = proposal["rows"].as_array().into_iter().flatten();
    let rows: Vec<String> = rows
        .filter_map(Value::as_object)
        .map(|row| {
            let cells = row
                .iter()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
            cells.collect::<Vec<_>>().join(" ")
        })
        .collect();
    format!(
        "proposal {} of {}, {}: {} ({}; {}; file {}; by {}), {}{}",
        proposal["proposal"],
        text("society"),
        text("table"),
        rows.join("; "),
        text("source"),
        text("certainty"),
        text("file_sha256").chars().take(12).collect::<String>(),
        text("proposed_by"),
        text("state"),
        match text("decided_by").as_str() {
            "" => String::new(),
            by => format!(" by {by}"),
        }
    )
}
