//! `members case open|document|nominee|small-sum|payee|attorney|estate|note|close|list`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{calendar::LocalDay, membership::EstateBasis, money::Pence};
use serde_json::{Value, json};

use super::{Desk, members::done};
use office::{
    Answer, SocietyOffice,
    answer::refuse,
    roll::{CaseLine, EstateLine, NewCase, NewStep, document::case as document},
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
        /// The day of death, for a case of kind death: it stops payments, post and ballots at once
        #[arg(long, value_name = "DATE")]
        died: Option<LocalDay>,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Enter a paper that was seen: death-certificate, will, probate, letters, identity or
    /// power-of-attorney
    Document {
        /// The case
        case: u32,
        /// Its kind
        #[arg(long)]
        kind: String,
        /// The paper, kept sealed
        #[arg(long)]
        file: Option<PathBuf>,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Let a nominee take so much of a dead member's property
    Nominee {
        /// The case
        case: u32,
        /// The nomination's number in the book
        #[arg(long)]
        nomination: u32,
        /// How much
        #[arg(long)]
        pounds: Pence,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// The board lets a small sum go without probate or letters of administration
    SmallSum {
        /// The case
        case: u32,
        /// The day of its resolution
        #[arg(long, value_name = "DATE")]
        resolved: LocalDay,
        /// Where it stands in the minutes
        #[arg(long)]
        minute: String,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Say who is paid for the estate, and on what
    Payee {
        /// The case
        case: u32,
        /// probate, letters, nominee or small-sum
        #[arg(long)]
        basis: String,
        /// The payee
        #[command(flatten)]
        who: Who,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Say who acts for a member by a power of attorney that was seen
    Attorney {
        /// The case
        case: u32,
        /// The attorney
        #[command(flatten)]
        who: Who,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Show a dead member's estate: what there is, what passes, who is paid
    Estate {
        /// The case
        case: u32,
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

/// Somebody who is no member here.
#[derive(Clone, Debug, Args)]
pub struct Who {
    /// The name
    #[arg(long)]
    pub name: String,
    /// A line of the address; may be given again
    #[arg(long)]
    pub address: Vec<String>,
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
            died,
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
                died: *died,
            };
            let case = society.open_case(&new, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({ "case": case, "member": member }));
            }
            desk.voice.data(&format!("case {case}\n"));
            Ok(())
        }
        Cases::Document {
            case,
            kind,
            file,
            society,
        } => {
            let file = desk.maybe_given(file.as_deref())?;
            let new = NewStep::Document {
                kind: kind.clone(),
                file,
            };
            step(
                desk,
                *case,
                &new,
                society.as_deref(),
                "the paper is entered",
            )
        }
        Cases::Nominee {
            case,
            nomination,
            pounds,
            society,
        } => {
            let new = NewStep::Nominee {
                nomination: *nomination,
                pence: *pounds,
            };
            let became = format!("{pounds} passes by nomination {nomination}");
            step(desk, *case, &new, society.as_deref(), &became)
        }
        Cases::SmallSum {
            case,
            resolved,
            minute,
            society,
        } => {
            let new = NewStep::SmallSum {
                resolved: *resolved,
                minute: minute.clone(),
            };
            let became = "it may go without a grant";
            step(desk, *case, &new, society.as_deref(), became)
        }
        Cases::Payee {
            case,
            basis,
            who,
            society,
        } => {
            let Some(basis) = EstateBasis::of_word(basis) else {
                return refuse(format!(
                    "`{basis}` is nothing that a payee stands on; expected one of: {}",
                    EstateBasis::ALL.map(EstateBasis::word).join(", ")
                ));
            };
            let new = NewStep::Payee {
                basis,
                name: who.name.clone(),
                address: who.address.clone(),
            };
            let became = "what is owed is paid to this payee by cheque from now on";
            step(desk, *case, &new, society.as_deref(), became)
        }
        Cases::Attorney { case, who, society } => {
            let new = NewStep::Attorney {
                name: who.name.clone(),
                address: who.address.clone(),
            };
            step(
                desk,
                *case,
                &new,
                society.as_deref(),
                "the attorney is entered",
            )
        }
        Cases::Estate { case, society } => {
            let society = desk.society(society.as_deref())?;
            desk.officer(&society, "reading a case")?;
            let estate = society.estate(*case)?;
            show(desk, &society, &estate)
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

/// Enters a step.
fn step(
    desk: &mut Desk<'_>,
    case: u32,
    new: &NewStep,
    society: Option<&str>,
    became: &str,
) -> Answer<()> {
    let society = desk.society(society)?;
    let by = desk.officer(&society, "a step of a case")?;
    society.case_step(case, new, &by, desk.now)?;
    done(desk, &format!("case {case}: {became}"))
}

fn show(desk: &mut Desk<'_>, society: &SocietyOffice, line: &EstateLine) -> Answer<()> {
    let estate = &line.estate;
    let payee = line.payee.as_ref();
    let name = payee.map(|(person, _)| person.as_ref().map(|person| person.name.clone()));
    let after = society.interest_after_death();
    if desk.json() {
        return desk.document(&json!({
            "case": line.case.number,
            "member": line.case.member.0,
            "died": line.died.to_string(),
            "property_pence": estate.property.0,
            "seen": estate.seen,
            "nominated_percent": estate.nominated_percent,
            "nominations_pass_pence": estate.nominations_pass().0,
            "to_nominees_pence": estate.to_nominees.0,
            "small_sum_pence": estate.small_sum.map(|pence| pence.0),
            "payee": name,
            "basis": payee.map(|(_, basis)| basis),
            "interest_after_death": after
                .iter()
                .map(|(class, word)| json!({ "class": class, "rule": word }))
                .collect::<Vec<_>>(),
            "nominations": line.nominations.iter().map(|(one, name)| json!({
                "nomination": one.made.number, "name": name, "percent": one.made.percent,
            })).collect::<Vec<_>>(),
        }));
    }
    let mut text = format!(
        "Case {}: estate of member {}, who died on {}\n",
        line.case.number, line.case.member, line.died
    );
    let mut put = |label: &str, value: String| text.push_str(&format!("{label:<14} {value}\n"));
    put(
        "property",
        format!("{}, shares at par and interest owed", estate.property),
    );
    for (class, word) in after {
        put("interest", format!("{class}: {word}"));
    }
    let seen = match estate.seen.as_slice() {
        [] => "nothing yet".to_owned(),
        seen => seen.join(", "),
    };
    put("seen", seen);
    for (one, name) in &line.nominations {
        let name = name.as_deref().unwrap_or("(erased)");
        put(
            "nomination",
            format!("{}: {name}, {} %", one.made.number, one.made.percent),
        );
    }
    if !line.nominations.is_empty() {
        put(
            "passes",
            format!(
                "{} in all, {} so far",
                estate.nominations_pass(),
                estate.to_nominees
            ),
        );
    }
    if let Some(pence) = estate.small_sum {
        put("without grant", pence.to_string());
    }
    let paid = match (name.flatten(), payee) {
        (Some(name), Some((_, basis))) => format!("{name}, on {basis}"),
        _ => "nobody yet; everything stays owed".to_owned(),
    };
    put("payee", paid);
    desk.voice.data(&text);
    Ok(())
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
