//! `members case open|note|close|list`.

use clap::{Args, Subcommand};
use domain::calendar::LocalDay;
use serde_json::{Value, json};

use super::{Desk, members::done};
use office::{
    Answer,
    roll::{CaseLine, NewCase, document::case as document},
};

/// `members case …`
#[derive(Clone, Debug, Subcommand)]
pub enum Cases {
    /// Open a case: a death, a power of attorney, a complaint, a question
    Open {
        /// Whose
        member: u32,
        /// death, attorney, untraceable, complaint, question or other
        #[arg(long)]
        kind: String,
        /// The day; today by itself
        #[arg(long)]
        on: Option<LocalDay>,
        /// The day by which to answer
        #[arg(long)]
        reply_by: Option<LocalDay>,
        /// What it is about
        #[arg(long)]
        text: String,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Add a note
    Note(Note),
    /// Close a case with its last note
    Close(Note),
    /// List the open cases, the one to answer first first
    List {
        /// Only this member's
        #[arg(long)]
        member: Option<u32>,
        /// The closed ones too
        #[arg(long)]
        all: bool,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
}

/// A note.
#[derive(Clone, Debug, Args)]
pub struct Note {
    /// The case
    pub case: u32,
    /// What happened
    #[arg(long)]
    pub text: String,
    /// The society
    #[arg(long)]
    pub society: Option<String>,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Cases) -> Answer<()> {
    match command {
        Cases::Open {
            member,
            kind,
            on,
            reply_by,
            text,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "opening a case")?;
            let new = NewCase {
                member: *member,
                kind: kind.clone(),
                on: on.unwrap_or_else(|| society.known().zone.day_of(desk.now)),
                reply_by: *reply_by,
                text: text.clone(),
            };
            let case = society.open_case(&new, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({ "case": case, "member": member }));
            }
            desk.voice.data(&format!("case {case}\n"));
            Ok(())
        }
        Cases::Note(of) => note(desk, of, false),
        Cases::Close(of) => note(desk, of, true),
        Cases::List {
            member,
            all,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            desk.officer(&society, "reading cases")?;
            let lines = society.cases(*member, *all, desk.now)?;
            list(desk, &lines)
        }
    }
}

fn note(desk: &mut Desk<'_>, of: &Note, closes: bool) -> Answer<()> {
    let society = desk.society(of.society.as_deref())?;
    let by = desk.officer(&society, "a note in a case")?;
    society.note_case(of.case, &of.text, closes, &by, desk.now)?;
    let became = if closes {
        "is closed"
    } else {
        "has a new note"
    };
    done(desk, &format!("case {} {became}", of.case))
}

fn list(desk: &mut Desk<'_>, lines: &[CaseLine]) -> Answer<()> {
    let day = |day: Option<LocalDay>| day.map(|day| day.to_string());
    if desk.json() {
        let all: Vec<Value> = lines.iter().map(document).collect();
        return desk.document(&all);
    }
    let mut text = String::new();
    for line in lines {
        let case = &line.case;
        let state = match (day(case.closed), day(case.reply_by), line.late) {
            (Some(closed), ..) => format!("closed on {closed}"),
            (None, Some(reply_by), true) => format!("an answer was due by {reply_by}"),
            (None, Some(reply_by), false) => format!("to be answered by {reply_by}"),
            (None, None, _) => "open".to_owned(),
        };
        text.push_str(&format!(
            "Case {}: {} of member {}, {}; {state}\n",
            case.number, case.kind, case.member, case.on
        ));
        for (on, words) in &line.texts {
            text.push_str(&format!("  {on}  {words}\n"));
        }
    }
    if text.is_empty() {
        desk.voice.say("no case is open");
    }
    desk.voice.data(&text);
    Ok(())
}
