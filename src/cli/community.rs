//! `fund …` and `project …`: the community fund, and residents' own projects.

use std::path::PathBuf;

use clap::Subcommand;
use domain::{
    calendar::{LocalDay, Period},
    money::Pence,
};
use office::{
    Answer, SocietyOffice,
    community_sheets::{fund_document, fund_sheet, projects_document, projects_sheet},
    fund::FUND_NOTES,
    notes::notes_of_toml,
    projects::PROJECT_NOTES,
};
use records::{
    community::{FundNote, GrantPaid},
    council::Ended,
};
use serde_json::json;

use super::{
    Desk,
    council::{Form, noted, write},
    members::done,
};

/// `fund …`
#[derive(Clone, Debug, Subcommand)]
pub enum Funds {
    /// Enter rules, grants, conditions that are met and reports, from a file of notes
    Enter {
        /// The notes (TOML): [[rule]], [[grant]], [[condition-met]], [[reported]]
        file: PathBuf,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Post what a frozen interest run brings to the fund, by the rule in force
    Bring {
        /// The run
        #[arg(long)]
        run: u32,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Pay a grant, in part or whole; by another officer than the one who entered it
    Pay {
        /// The grant
        grant: String,
        /// How much, pounds
        #[arg(long)]
        pounds: Pence,
        /// The day it was paid
        #[arg(long)]
        on: LocalDay,
        /// What shows it
        #[arg(long)]
        evidence: String,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Say that nothing more of a grant will be paid; what is left of it is free again
    End {
        /// The grant
        grant: String,
        /// The day
        #[arg(long)]
        on: LocalDay,
        /// Why
        #[arg(long)]
        reason: String,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// What came in, what was granted and paid, what is left
    Report {
        /// The days
        #[arg(long)]
        period: Period,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
        /// What to write
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// `project …`
#[derive(Clone, Debug, Subcommand)]
pub enum Projects {
    /// Enter proposals, sessions, places and results, from a file of notes
    Enter {
        /// The notes (TOML): [[project]], [[session]], [[place]], [[result]]
        file: PathBuf,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// List projects
    List {
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Projects, people, hours and what happened, over a year or other days
    Report {
        /// The days
        #[arg(long)]
        period: Period,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
        /// What to write
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Name somebody who took part, with their consent
    Name {
        /// The project
        project: String,
        /// The name
        #[arg(long)]
        name: String,
        /// The day of the consent
        #[arg(long)]
        consent: LocalDay,
        /// Where the consent lies
        #[arg(long)]
        evidence: String,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Name somebody no more; the name is removed
    Unname {
        /// The project
        project: String,
        /// Their number in it
        #[arg(long)]
        number: u32,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
}

/// Runs `fund …`.
pub fn fund(desk: &mut Desk<'_>, command: &Funds) -> Answer<()> {
    match command {
        Funds::Enter { file, society } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "a note of the fund")?;
            let notes = notes_of_toml(&desk.text(file)?, &FUND_NOTES)?;
            let done = society.note_fund(notes, &by, desk.now)?;
            noted(desk, done)
        }
        Funds::Bring { run, society } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.treasurer(&society, "bringing a run to the fund")?;
            let brought = society.bring_to_fund(*run, &by, desk.now)?;
            if desk.json() {
                return desk.document(&brought);
            }
            done(
                desk,
                &format!(
                    "run {run} brings {} to the fund ({} of its interest), entry {}",
                    Pence(brought.pence),
                    brought.part_of_interest,
                    brought.entry
                ),
            )
        }
        Funds::Pay {
            grant,
            pounds,
            on,
            evidence,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "a payment of a grant")?;
            let asked = GrantPaid {
                grant: grant.clone(),
                on: on.to_string(),
                pence: pounds.0,
                evidence: evidence.clone(),
                entry: 0,
            };
            let paid = society.pay_grant(&asked, &by, desk.now)?;
            if desk.json() {
                return desk.document(&paid);
            }
            done(
                desk,
                &format!("{pounds} of grant {grant} is paid, entry {}", paid.entry),
            )
        }
        Funds::End {
            grant,
            on,
            reason,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "the end of a grant")?;
            let note = FundNote::Ended(Ended {
                id: grant.clone(),
                on: on.to_string(),
                reason: reason.clone(),
            });
            let done = society.note_fund(vec![note], &by, desk.now)?;
            noted(desk, done)
        }
        Funds::Report {
            period,
            society,
            format,
            out,
        } => {
            let society = desk.society(society.as_deref())?;
            let report = society.fund_report(*period, desk.now)?;
            let sheet = fund_sheet(&society, &report, desk.now);
            let document = fund_document(&society, &report);
            write(desk, &sheet, &document, *format, out.as_ref())
        }
    }
}

/// Runs `project …`.
pub fn project(desk: &mut Desk<'_>, command: &Projects) -> Answer<()> {
    match command {
        Projects::Enter { file, society } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.by(&society)?;
            let notes = notes_of_toml(&desk.text(file)?, &PROJECT_NOTES)?;
            let done = society.note_projects(notes, &by, desk.now)?;
            noted(desk, done)
        }
        Projects::List { society } => list(desk, society.as_deref()),
        Projects::Report {
            period,
            society,
            format,
            out,
        } => {
            let society = desk.society(society.as_deref())?;
            let year = society.projects_over(*period)?;
            let sheet = projects_sheet(&society, &year, desk.now);
            let document = projects_document(&society, &year);
            write(desk, &sheet, &document, *format, out.as_ref())
        }
        Projects::Name {
            project,
            name,
            consent,
            evidence,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.by(&society)?;
            let number = society.name_in_project(
                project,
                name,
                &consent.to_string(),
                evidence,
                &by,
                desk.now,
            )?;
            done(desk, &format!("named as {number} in {project}"))
        }
        Projects::Unname {
            project,
            number,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.by(&society)?;
            society.unname_in_project(project, *number, &by, desk.now)?;
            done(desk, &format!("{number} is named no more in {project}"))
        }
    }
}

fn list(desk: &mut Desk<'_>, society: Option<&str>) -> Answer<()> {
    let society = desk.society(society)?;
    let society: &SocietyOffice = &society;
    let lines: Vec<_> = society
        .project_notes()?
        .projects
        .iter()
        .map(|line| {
            json!({
                "id": line.of.id, "name": line.of.name, "group": line.of.group,
                "state": line.state(), "people": line.people(), "sample": line.of.sample,
            })
        })
        .collect();
    let head = ["project", "name", "group", "state", "people", ""];
    desk.table(&head, &lines, |line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        vec![
            text("id"),
            text("name"),
            text("group"),
            text("state"),
            line["people"].to_string(),
            match line["sample"] == true {
                true => "SAMPLE".to_owned(),
                false => String::new(),
            },
        ]
    })
}
