//! `tasks list|done`: deadlines with their owners and what shows that they were met.

use std::path::PathBuf;

use clap::Subcommand;
use domain::calendar::LocalDay;
use serde_json::{Value, json};

use super::Desk;
use office::{Answer, SocietyOffice, answer::refuse, duties::Task};

/// How far back open tasks are listed when nothing is said, in days.
const BACK_DAYS: i32 = 366;
/// And how far ahead.
const AHEAD_DAYS: i32 = 120;

/// `tasks …`
#[derive(Clone, Debug, Subcommand)]
pub enum Tasks {
    /// List deadlines: claims, the read of 31 March, photos, certificates, outages
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
        /// First day; a year back when left out
        #[arg(long)]
        from: Option<LocalDay>,
        /// Last day; 120 days ahead when left out
        #[arg(long)]
        to: Option<LocalDay>,
        /// Those that are done too, with what shows it
        #[arg(long)]
        all: bool,
    },
    /// Say that a task was done, with what shows it
    Done {
        /// Its id, as it is listed
        task: String,
        /// The day it was done; today when left out
        #[arg(long)]
        on: Option<LocalDay>,
        /// What shows it, in a few words
        #[arg(long)]
        evidence: String,
        /// A file that shows it
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Its society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Tasks) -> Answer<()> {
    match command {
        Tasks::List {
            society,
            from,
            to,
            all,
        } => {
            let mut lines = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                let today = society.known().zone.day_of(desk.now);
                let from = from.unwrap_or(today.plus(-BACK_DAYS));
                let to = to.unwrap_or(today.plus(AHEAD_DAYS));
                if to < from {
                    return refuse(format!("`--from {from}` lies after `--to {to}`"));
                }
                for task in society.tasks(from, to, desk.now)? {
                    if *all || task.duty.done.is_none() {
                        lines.push(document(&society, &task));
                    }
                }
            }
            lines.sort_by_key(|line| line["due"].as_str().unwrap_or_default().to_owned());
            list(desk, &lines)
        }
        Tasks::Done {
            task,
            on,
            evidence,
            file,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "a task that was done")?;
            if desk.office.has_users() {
                desk.office.check_acts(&by, society.slug())?;
            }
            let on = on.unwrap_or(society.known().zone.day_of(desk.now));
            let given = desk.maybe_given(file.as_deref())?;
            let task = society.task_done(task, on, evidence, given.as_ref(), &by, desk.now)?;
            let line = document(&society, &task);
            if desk.json() {
                return desk.document(&line);
            }
            list(desk, &[line])
        }
    }
}

fn document(society: &SocietyOffice, task: &Task) -> Value {
    let duty = &task.duty;
    json!({
        "society": society.slug(),
        "id": duty.id(),
        "kind": duty.kind.word(),
        "about": duty.about,
        "text": duty.sentence(),
        "opens": duty.opens.to_string(),
        "due": duty.due.to_string(),
        "owner": task.owner,
        "state": task.state,
        "done": duty.done.as_ref().map(|done| json!({
            "on": done.on.to_string(),
            "evidence": done.evidence,
            "file": task.file,
        })),
        "sample": society.known().document.society.sample,
    })
}

fn list(desk: &mut Desk<'_>, lines: &[Value]) -> Answer<()> {
    if lines.is_empty() && !desk.json() {
        desk.voice.say("nothing is to be done");
        return Ok(());
    }
    let head = [
        "due", "state", "society", "whose", "what", "shown by", "task",
    ];
    desk.table(&head, lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        vec![
            text("due"),
            text("state"),
            text("society"),
            line["owner"].as_str().unwrap_or("nobody named").to_owned(),
            text("text"),
            line["done"]["evidence"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            text("id"),
        ]
    })
}
