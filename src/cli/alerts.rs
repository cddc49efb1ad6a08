//! `alerts list|seen`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer,
    alerts::AlertSeen,
    answer::refuse,
    telling::{Way, alert_json, seen_words},
};

/// `alerts …`
#[derive(Clone, Debug, Subcommand)]
pub enum Alerts {
    /// List what needs a person, and who was told
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
        /// Those that are over too
        #[arg(long)]
        all: bool,
    },
    /// Send a test message to everybody who is told, by the daemon's relay and webhooks
    Test {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// Say that an alert was seen and an engineer is awaited
    Seen {
        /// Its number
        number: u32,
        /// The engineer's or installer's ticket
        #[arg(long, default_value = "")]
        ticket: String,
        /// What the warranty says
        #[arg(long, default_value = "")]
        warranty: String,
        /// What else is to be known
        #[arg(long, default_value = "")]
        note: String,
        /// Its society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Alerts) -> Answer<()> {
    match command {
        Alerts::List { society, all } => {
            let mut lines: Vec<Value> = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                for alert in society.alerts()? {
                    if *all || alert.cleared.is_none() {
                        let mut line = alert_json(&alert);
                        line["society"] = society.slug().into();
                        if let Some((seen, by, _)) = &alert.seen {
                            line["seen_words"] = seen_words(seen, by).into();
                        }
                        lines.push(line);
                    }
                }
            }
            if lines.is_empty() && !desk.json() {
                desk.voice.say("nothing needs a person");
                return Ok(());
            }
            let head = ["alert", "society", "what", "state", "told"];
            desk.table(&head, &lines, |line| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let told = line["told"].as_array().map(|all| {
                    let all: Vec<&str> = all.iter().filter_map(|one| one["to"].as_str()).collect();
                    all.join(", ")
                });
                let state = match (line["state"].as_str(), line["seen_words"].as_str()) {
                    (Some("over"), _) => format!("over: {}", text(&line["cleared"]["text"])),
                    (_, Some(seen)) => seen.to_owned(),
                    (state, None) => state.unwrap_or_default().to_owned(),
                };
                vec![
                    line["number"].to_string(),
                    text(&line["society"]),
                    text(&line["text"]),
                    state,
                    told.filter(|told| !told.is_empty())
                        .unwrap_or_else(|| "nobody".to_owned()),
                ]
            })
        }
        Alerts::Test { society } => {
            let tried = desk.office.send_test(society.as_deref(), desk.now)?;
            let failed = tried.iter().filter(|one| one.failed.is_some()).count();
            let lines: Vec<Value> = tried
                .iter()
                .map(|one| {
                    json!({
                        "society": one.society,
                        "to": one.to,
                        "by": one.way.word(),
                        "address": match &one.way { Way::Mail(to) | Way::Webhook(to) => to },
                        "taken": one.failed.is_none(),
                        "why": one.failed,
                    })
                })
                .collect();
            let head = ["society", "to", "by", "address", "taken"];
            desk.table(&head, &lines, |line| {
                let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                vec![
                    text("society"),
                    text("to"),
                    text("by"),
                    text("address"),
                    line["why"]
                        .as_str()
                        .map_or_else(|| "yes".to_owned(), |why| format!("no: {why}")),
                ]
            })?;
            match failed {
                0 => Ok(()),
                failed => refuse(format!(
                    "{failed} of {} messages were not taken\nhint: see [alerts] in the daemon's configuration: relay, from, username, webhook",
                    tried.len()
                )),
            }
        }
        Alerts::Seen {
            number,
            ticket,
            warranty,
            note,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "an alert that was seen")?;
            let seen = AlertSeen {
                number: *number,
                ticket: ticket.clone(),
                warranty: warranty.clone(),
                note: note.clone(),
            };
            let alert = society.see_alert(&seen, &by, desk.now)?;
            if desk.json() {
                let line = alert_json(&alert);
                return desk.document(&line);
            }
            desk.voice.data(&format!(
                "{}. {}\n{}\n",
                alert.raised.number,
                alert.raised.text,
                seen_words(&seen, &by)
            ));
            Ok(())
        }
    }
}
