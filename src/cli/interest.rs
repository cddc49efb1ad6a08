//! `interest preview|prepare|approve|freeze|void|list|show`.

use clap::{Args, Subcommand};
use domain::{
    calendar::Period,
    interest::{Index, IndexValue},
    money::Pence,
};
use serde_json::{Value, json};

use super::Desk;
use crate::office::{
    Answer, SocietyOffice,
    answer::refuse,
    interest::{Asked, Policy, RunAsked, RunNote, RunState, Standing, one_rate, rate_of_text},
};

/// `interest …`
#[derive(Clone, Debug, Subcommand)]
pub enum Interest {
    /// Show what each member would be paid, and change nothing
    Preview(Of),
    /// Fix a run's inputs and lines for another officer to approve
    Prepare(Of),
    /// Approve a prepared run, as another officer than the one who prepared it
    Approve {
        /// The run
        #[command(flatten)]
        run: Which,
        /// The hash of what was looked at
        #[arg(long)]
        hash: String,
    },
    /// Fix an approved run, when the same inputs still give the same bytes; a second time changes nothing
    Freeze {
        /// The run
        #[command(flatten)]
        run: Which,
    },
    /// Take a frozen run back; only a run that names it takes its place
    Void {
        /// The run
        #[command(flatten)]
        run: Which,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
    },
    /// List the runs
    List {
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Show a run with its lines
    Show {
        /// The run
        #[command(flatten)]
        run: Which,
    },
}

/// What a run is made of.
#[derive(Clone, Debug, Args)]
pub struct Of {
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
    /// The days, both ends included: 2013, 2013-06 or A..B
    #[arg(long)]
    pub period: Period,
    /// Per cent a year such as `3.25`, or `12p` a share; `CLASS=RATE` for one class
    #[arg(long, value_name = "RATE", required_unless_present = "pot")]
    pub rate: Vec<String>,
    /// An amount for all, in pence, shared by largest remainder
    #[arg(long, value_name = "PENCE", conflicts_with = "rate")]
    pub pot: Option<i64>,
    /// Only this class; may be given again
    #[arg(long, value_name = "CLASS")]
    pub class: Vec<String>,
    /// What was published of an index that a rule needs: RPI=1.2
    #[arg(long, value_name = "INDEX=PERCENT")]
    pub published: Vec<String>,
    /// Where it was published
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub published_source: String,
    /// Preview with another way of counting days: actual/365, actual/actual, whole-months, record-day, and `,issue-out`
    #[arg(long)]
    pub policy: Option<String>,
    /// The voided run whose place it takes
    #[arg(long, value_name = "NUMBER")]
    pub replaces: Option<u32>,
}

/// Which run.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
    /// Its number
    #[arg(long, required_unless_present = "period")]
    pub run: Option<u32>,
    /// Its days; the last run of these days
    #[arg(long, conflicts_with = "run")]
    pub period: Option<Period>,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Interest) -> Answer<()> {
    match command {
        Interest::Preview(of) => {
            let society = desk.society(of.society.as_deref())?;
            let note = society.preview_run(&asked(&society, of)?)?;
            show(desk, &society, &note, "preview")
        }
        Interest::Prepare(of) => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "preparing an interest run")?;
            let note = society.prepare_run(&asked(&society, of)?, &by, desk.now)?;
            show(desk, &society, &note, "prepared")
        }
        Interest::Approve { run, hash } => {
            let (society, number) = found(desk, run)?;
            let by = desk.officer(&society, "approving an interest run")?;
            let state = society.approve_run(number, hash, &by, desk.now)?;
            told(desk, &state)
        }
        Interest::Freeze { run } => {
            let (society, number) = found(desk, run)?;
            let by = desk.officer(&society, "freezing an interest run")?;
            if society.interest_run(number)?.standing == Standing::Frozen {
                desk.voice
                    .say("this run was frozen before; nothing was changed");
            }
            let state = society.freeze_run(number, &by, desk.now)?;
            if society.ledger()?.chart().is_empty() {
                desk.voice.say(
                    "the society has no chart of accounts, so nothing was posted in its books",
                );
            }
            show(desk, &society, &state.note, "frozen")
        }
        Interest::Void { run, reason } => {
            let (society, number) = found(desk, run)?;
            let by = desk.officer(&society, "voiding an interest run")?;
            let state = society.void_run(number, reason, &by, desk.now)?;
            told(desk, &state)
        }
        Interest::Show { run } => {
            let (society, number) = found(desk, run)?;
            let state = society.interest_run(number)?;
            show(desk, &society, &state.note, state.standing.word())
        }
        Interest::List { society } => {
            let mut rows = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                for state in society.interest_runs()? {
                    rows.push(json!({
                        "run": state.note.number,
                        "society": society.slug(),
                        "from": state.note.from,
                        "to": state.note.to,
                        "mode": state.note.mode,
                        "total_pence": state.note.total_pence,
                        "state": state.standing.word(),
                        "prepared_by": state.prepared_by,
                        "run_hash": state.hash,
                    }));
                }
            }
            let head = ["run", "society", "from", "to", "total", "state", "hash"];
            desk.table(&head, &rows, |row| {
                let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                vec![
                    row["run"].to_string(),
                    text("society"),
                    text("from"),
                    text("to"),
                    Pence(row["total_pence"].as_i64().unwrap_or_default()).to_string(),
                    text("state"),
                    text("run_hash").chars().take(16).collect(),
                ]
            })
        }
    }
}

fn found(desk: &Desk<'_>, which: &Which) -> Answer<(std::sync::Arc<SocietyOffice>, u32)> {
    let society = desk.society(which.society.as_deref())?;
    let number = match (which.run, which.period) {
        (Some(number), _) => number,
        (None, Some(period)) => {
            let days = (
                period.first_day().to_string(),
                period.last_day().to_string(),
            );
            let runs = society.interest_runs()?;
            let mut same = runs
                .iter()
                .filter(|run| (&run.note.from, &run.note.to) == (&days.0, &days.1));
            match same.next_back() {
                Some(run) => run.note.number,
                None => {
                    return refuse(format!(
                        "no interest run of `{period}` was prepared\nhint: `commonwatt interest list` shows the runs"
                    ));
                }
            }
        }
        (None, None) => return refuse("say which run with --run or --period"),
    };
    Ok((society, number))
}

fn asked(society: &SocietyOffice, of: &Of) -> Answer<RunAsked> {
    let mut published = Vec::new();
    for text in &of.published {
        let value = text.split_once('=').and_then(|(index, percent)| {
            Some(IndexValue {
                index: Index::of_word(index.trim())?,
                percent: percent.trim().parse().ok()?,
                source: of.published_source.clone(),
            })
        });
        let Some(value) = value else {
            return refuse(format!(
                "`{text}` is no published index; expected RPI=1.2, CPI=1.2 or \"base rate=0.5\""
            ));
        };
        if of.published_source.trim().is_empty() {
            return refuse(
                "a published index needs its source\nhint: say --published-source \"ONS, December 2021\"",
            );
        }
        published.push(value);
    }
    let declared = match of.pot {
        Some(pot) => Asked::Pot(Pence(pot)),
        None => {
            let rates = of.rate.iter().map(|text| rate_of_text(text));
            Asked::Rates(rates.collect::<Answer<_>>()?)
        }
    };
    let start = society.known().year_start;
    let policy = of.policy.as_deref();
    Ok(RunAsked {
        period: of.period,
        classes: of.class.clone(),
        declared,
        published,
        policy: policy
            .map(|text| Policy::of_text(text, start))
            .transpose()?,
        replaces: of.replaces,
    })
}

fn told(desk: &mut Desk<'_>, state: &RunState) -> Answer<()> {
    let number = state.note.number;
    if desk.json() {
        let by = match &state.standing {
            Standing::Approved { by } => Some(by),
            _ => None,
        };
        return desk.document(&json!({
            "run": number,
            "state": state.standing.word(),
            "run_hash": state.hash,
            "prepared_by": state.prepared_by,
            "approved_by": by,
        }));
    }
    desk.voice
        .data(&format!("run {number} is {}\n", state.standing.word()));
    Ok(())
}

fn document(society: &SocietyOffice, note: &RunNote, state: &str) -> Value {
    let policy: Vec<String> = note
        .classes
        .iter()
        .map(|class| {
            format!(
                "{}: {}, issue day {}, leaving day {}, {}",
                class.class, class.days, class.issue_day, class.leaving_day, class.rounding
            )
        })
        .collect();
    json!({
        "society": society.slug(),
        "run": note.number,
        "state": state,
        "from": note.from,
        "to": note.to,
        "mode": note.mode,
        "declared_pence": note.declared_pence,
        "rate_percent": one_rate(note),
        "policy": policy.join("; "),
        "classes": note.classes,
        "published": note.published,
        "lines": note.lines,
        "total_pence": note.total_pence,
        "remainder_rule": match note.mode.as_str() {
            "pot" => note.remainder_rule.as_str(),
            _ => "each line is rounded once; the pot is their sum",
        },
        "journal_size": note.journal_size,
        "replaces": note.replaces,
        "run_hash": note.hash(),
        "sample": note.sample,
    })
}

fn show(desk: &mut Desk<'_>, society: &SocietyOffice, note: &RunNote, state: &str) -> Answer<()> {
    if desk.json() {
        return desk.document(&document(society, note, state));
    }
    let mut text = format!(
        "{}Interest run {} of {}, {} to {}, {state}\n\n",
        if note.sample { "SAMPLE " } else { "" },
        note.number,
        society.known().document.society.name,
        note.from,
        note.to,
    );
    for class in &note.classes {
        let rate = match class.rate.as_str() {
            "" => "a share of the pot",
            rate => rate,
        };
        text.push_str(&format!(
            "{}: {rate}; rule: {}; at most {}; {}, issue day {}, leaving day {}\n",
            class.class, class.rule, class.maximum, class.days, class.issue_day, class.leaving_day
        ));
    }
    for value in &note.published {
        text.push_str(&format!(
            "{} {} % ({})\n",
            value.index, value.percent, value.source
        ));
    }
    let mut table = comfy_table::Table::new();
    table
        .load_preset(comfy_table::presets::NOTHING)
        .set_header(["member", "class", "interest", "held"]);
    for line in &note.lines {
        table.add_row([
            line.member.to_string(),
            line.class.clone(),
            Pence(line.pence).to_string(),
            line.basis.clone(),
        ]);
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    text.push_str(&format!("\n{table}\n\n"));
    text.push_str(&format!(
        "{} lines, total {}\n",
        note.lines.len(),
        Pence(note.total_pence)
    ));
    if !note.remainder_rule.is_empty() {
        text.push_str(&format!("{}\n", note.remainder_rule));
    }
    let hash = note.hash();
    text.push_str(&format!("hash {hash}\n"));
    if state == "prepared" {
        text.push_str(&format!(
            "next: another officer looks at it and says\n  commonwatt --as OFFICER interest approve --run {} --hash {hash}\n",
            note.number
        ));
    }
    desk.voice.data(&text);
    Ok(())
}
