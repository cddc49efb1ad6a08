//! `society apply`, `society list`.

use std::fmt::Write;

use serde_json::json;

use super::{Desk, args::Society, map};
use office::{Answer, document_from_toml};

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Society) -> Answer<()> {
    match command {
        Society::List => {
            let lines = desk.office.list_societies();
            let head = ["society", "name", "roofs", "kWp", "meters", "records", ""];
            desk.table(&head, &lines, |line| {
                vec![
                    line.id.clone(),
                    line.name.clone(),
                    line.sites.to_string(),
                    domain::quantity::Watts(line.capacity_wp).kw_text(),
                    line.meters.to_string(),
                    line.journal_records.to_string(),
                    if line.sample {
                        "SAMPLE".into()
                    } else {
                        String::new()
                    },
                ]
            })
        }
        Society::Apply { file, dry_run } => {
            let document = document_from_toml(&desk.text(file)?)?;
            let by = match desk.office.society(&document.society.slug) {
                Ok(society) => desk.by(&society)?,
                Err(_) => desk
                    .cli
                    .officer
                    .clone()
                    .unwrap_or_else(|| "owner".to_owned()),
            };
            let applied = desk.office.apply(&document, &by, *dry_run, desk.now)?;
            if desk.json() {
                let differences: Vec<_> = applied
                    .differences
                    .iter()
                    .map(|d| json!({"at": d.at, "was": d.was, "now": d.now}))
                    .collect();
                return desk.document(&json!({
                    "society": applied.slug,
                    "founded": applied.founded,
                    "applied": !dry_run && !applied.differences.is_empty(),
                    "dry_run": dry_run,
                    "differences": differences,
                    "advice": applied.advice,
                    "series_made_again": applied.series_made_again,
                }));
            }
            let mut text = String::new();
            for d in &applied.differences {
                let _ = match (&d.was, &d.now) {
                    (Some(was), Some(now)) => writeln!(text, "{}: {was} -> {now}", d.at),
                    (None, Some(now)) if !now.is_empty() => writeln!(text, "{}: new: {now}", d.at),
                    (None, _) => writeln!(text, "{}: new", d.at),
                    (Some(_), None) => writeln!(text, "{}: goes", d.at),
                };
            }
            desk.voice.data(&text);
            desk.voice.say(
                &match (applied.founded, applied.differences.is_empty(), dry_run) {
                    (_, true, _) => format!(
                        "`{}` is as the file says; nothing was appended",
                        applied.slug
                    ),
                    (true, _, false) => format!("`{}` was founded", applied.slug),
                    (false, _, false) => format!("`{}` was changed", applied.slug),
                    (_, _, true) => "nothing was changed (dry run)".to_owned(),
                },
            );
            if !dry_run && !applied.differences.is_empty() {
                let society = desk.office.society(&applied.slug)?;
                map::say_who_is_asked(desk, &society, None);
            }
            if applied.series_made_again {
                desk.voice.say(
                    "gateways belong to other sites since a day that has passed: the series were made again from the journal",
                );
            }
            for line in &applied.advice {
                desk.voice.say(line);
            }
            Ok(())
        }
    }
}
