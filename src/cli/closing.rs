//! `closing enter|show|letter`: a roof closes.

use std::path::PathBuf;

use clap::Subcommand;
use office::{
    Answer,
    answer::refuse,
    closing::{CLOSING_NOTES, ClosingState},
    notes::notes_of_toml,
};
use serde_json::{Value, json};

use super::{Desk, council::noted};

/// `closing …`
#[derive(Clone, Debug, Subcommand)]
pub enum Closings {
    /// Enter a closing, which posts the disposal, or that the licensee was told, from a file of notes
    Enter {
        /// The notes (TOML): [[closing]], [[fit-change]]
        file: PathBuf,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Show what has to be done for each roof that closes, and what of it is done
    Show {
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Draft the letter to the licensee about who is paid from then on
    Letter {
        /// The roof
        #[arg(long)]
        site: String,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
}

/// Runs `closing …`.
pub fn run(desk: &mut Desk<'_>, command: &Closings) -> Answer<()> {
    match command {
        Closings::Enter { file, society } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.treasurer(&society, "the closing of a roof")?;
            let notes = notes_of_toml(&desk.text(file)?, &CLOSING_NOTES)?;
            let done = society.note_closings(notes, &by, desk.now)?;
            noted(desk, done)
        }
        Closings::Show { society } => {
            let society = desk.society(society.as_deref())?;
            let all = society.closings(desk.now)?;
            let endings = society.endings(society.known().zone.day_of(desk.now))?;
            if desk.json() {
                let ending = |one: &office::closing::Ending| json!({"kind": one.kind, "of": one.of, "site": one.site, "ends": one.ends.to_string(), "since": one.since.to_string(), "months": one.months});
                return desk.document(&json!({
                    "closings": all.iter().map(document).collect::<Vec<_>>(),
                    "endings": endings.iter().map(ending).collect::<Vec<_>>(),
                }));
            }
            let mut text = String::new();
            for one in &endings {
                text.push_str(&format!(
                    "The {} of {} ends on {}: {} months were left on {}\n",
                    one.kind, one.of, one.ends, one.months, one.since
                ));
            }
            for state in &all {
                text.push_str(&words(state));
            }
            if text.is_empty() {
                text.push_str("no roof closes, and nothing ends within a warning's time\n");
            }
            desk.voice.data(&text);
            Ok(())
        }
        Closings::Letter { site, society } => {
            let society = desk.society(society.as_deref())?;
            let all = society.closings(desk.now)?;
            let Some(state) = all.iter().find(|state| &state.of.site == site) else {
                return refuse(format!(
                    "`{site}` does not close\nhint: enter [[closing]] with `commonwatt closing enter FILE`"
                ));
            };
            match &state.letter {
                Some(letter) => {
                    desk.voice.data(letter);
                    Ok(())
                }
                None => refuse(format!(
                    "no installation under the Feed-in Tariff is on `{site}`; no licensee has to be told"
                )),
            }
        }
    }
}

fn document(state: &ClosingState) -> Value {
    json!({
        "closing": state.of,
        "entered_by": state.by,
        "told": state.told,
        "steps": state.steps.iter().map(|step| json!({
            "what": step.what, "done": step.shown.is_some(), "shown": step.shown, "hint": step.hint,
        })).collect::<Vec<_>>(),
    })
}

fn words(state: &ClosingState) -> String {
    let mut text = format!(
        "{}{} closes on {}: {}\n",
        if state.of.sample { "SAMPLE " } else { "" },
        state.of.site,
        state.of.on,
        state.of.why
    );
    for step in &state.steps {
        text.push_str(&match &step.shown {
            Some(shown) => format!("  done   {}: {shown}\n", step.what),
            None => format!("  to do  {} ({})\n", step.what, step.hint),
        });
    }
    text
}
