//! `inbox list|show|adopt|dismiss`.

use std::fmt::Write;

use serde_json::json;

use super::{
    Desk,
    args::{Adopt, Inbox},
    map, reads,
};
use office::{Adoption, Answer, InboxLine, answer::refuse};

/// Longest part of a payload that is shown, in characters.
const SHOWN_CHARS: usize = 2_000;

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Inbox) -> Answer<()> {
    match command {
        Inbox::List => list(desk),
        Inbox::Show { topic } => show(desk, topic),
        Inbox::Adopt(wanted) => adopt(desk, wanted),
        Inbox::Dismiss { topic } => {
            let gone = desk.office.inbox_dismiss(topic)?;
            if desk.json() {
                return desk.document(&json!({"topic": topic, "messages": gone}));
            }
            desk.voice.say(&format!(
                "{gone} messages of `{topic}` were dropped; nothing more of it is kept"
            ));
            Ok(())
        }
    }
}

fn list(desk: &mut Desk<'_>) -> Answer<()> {
    let lines = desk.office.inbox_lines(desk.now)?;
    let dropped = desk.office.inbox_dropped();
    if desk.json() {
        let topics: Vec<_> = lines.iter().map(line).collect();
        return desk.document(&json!({"topics": topics, "dropped": dropped}));
    }
    let rows: Vec<serde_json::Value> = lines.iter().map(line).collect();
    desk.table(
        &["topic", "messages", "last", "mapping", "meter"],
        &rows,
        |row| {
            let text = |key: &str| match &row[key] {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            vec![
                text("topic"),
                text("messages"),
                text("last"),
                text("mapping"),
                meter(row),
            ]
        },
    )?;
    if dropped > 0 {
        desk.voice.say(&format!(
            "{dropped} messages were dropped: the inbox holds 64 MiB and 30 days"
        ));
    }
    Ok(())
}

/// The text of a mapping that is named by its file.
fn own_mapping(desk: &mut Desk<'_>, named: &str) -> Answer<Option<String>> {
    match reads::is_file(named) {
        true => desk.text(named.as_ref()).map(Some),
        false => Ok(None),
    }
}

/// The meter that is meant; what the mapping calls it where no society has entered such a serial.
fn meter(row: &serde_json::Value) -> String {
    if let Some(serial) = row["meter"].as_str() {
        return serial.to_owned();
    }
    let proposed = row["proposed_meters"].as_array().into_iter().flatten();
    let names: Vec<&str> = proposed.filter_map(serde_json::Value::as_str).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("{} (not entered)", names.join(", ")),
    }
}

fn show(desk: &mut Desk<'_>, topic: &str) -> Answer<()> {
    let lines = desk.office.inbox_lines(desk.now)?;
    let Some(found) = lines.iter().find(|line| line.topic == topic) else {
        return refuse(format!(
            "`{topic}` is not in the inbox\nhint: `commonwatt inbox list`"
        ));
    };
    let payload: String = String::from_utf8_lossy(&found.payload)
        .chars()
        .take(SHOWN_CHARS)
        .collect();
    if desk.json() {
        let mut document = line(found);
        document["payload"] = json!(payload);
        document["reads"] = map::reads_json(&found.reads);
        return desk.document(&document);
    }
    let mut text = format!("{payload}\n\n");
    match &found.mapping {
        Some(mapping) => {
            let _ = writeln!(text, "read by `{mapping}`:");
            text.push_str(&map::reads_text(&found.reads));
        }
        None => text.push_str("no mapping knows this topic\n"),
    }
    desk.voice.data(&text);
    Ok(())
}

fn adopt(desk: &mut Desk<'_>, wanted: &Adopt) -> Answer<()> {
    let society = desk.society(wanted.society.as_deref())?;
    let by = desk.by(&society)?;
    let mut adoption = Adoption {
        topic: wanted.topic.clone(),
        gateway: wanted.gateway.clone(),
        site: wanted.site.clone(),
        mapping: wanted.mapping.clone(),
        text: own_mapping(desk, &wanted.mapping)?,
        topics: wanted.topics.clone(),
        reversed: wanted.reversed,
        ..Adoption::default()
    };
    for pair in &wanted.meters {
        let Some((name, serial)) = pair.split_once('=') else {
            return refuse(format!("--meter `{pair}`: expected NAME=SERIAL"));
        };
        adoption.meters.insert(name.to_owned(), serial.to_owned());
    }
    let adopted = desk.office.adopt(&society, &adoption, &by, desk.now)?;
    if desk.json() {
        return desk.document(&json!({
            "society": adopted.society,
            "gateway": wanted.gateway,
            "mapping": adopted.mapping,
            "topics": adopted.topics,
            "messages": adopted.messages,
            "placed": adopted.placed,
            "unplaced": adopted.unplaced,
        }));
    }
    desk.voice.say(&format!(
        "`{}` is entered for `{}` and read by `{}`; {} messages went into the journal, {} of their reads count now, {} wait for their meter",
        wanted.gateway,
        adopted.topics,
        adopted.mapping,
        adopted.messages,
        adopted.placed,
        adopted.unplaced
    ));
    desk.voice.say(&format!(
        "hint: add the entry to your society file, or the next `society apply` of it takes it away; `commonwatt gateway token {}` makes a password",
        wanted.gateway
    ));
    map::say_who_is_asked(desk, &society, Some(&wanted.gateway));
    Ok(())
}

fn line(line: &InboxLine) -> serde_json::Value {
    json!({
        "topic": line.topic,
        "messages": line.messages,
        "first": line.first.to_string(),
        "last": line.last.to_string(),
        "mapping": line.mapping,
        "meter": line.meter,
        "proposed_meters": line.reads.iter().map(|r| r.meter.as_str()).collect::<std::collections::BTreeSet<_>>(),
    })
}
