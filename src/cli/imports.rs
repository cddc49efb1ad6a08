//! `imports list|row|file`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::{Desk, members::done};
use office::{Answer, answer::OrOurs, imported_files::ImportedFile};

/// `imports …`
#[derive(Clone, Debug, Subcommand)]
pub enum Imports {
    /// List the imported files that are kept
    List {
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Show one row of a file as it was imported
    Row {
        /// The file's number
        number: u32,
        /// The row, as a spreadsheet counts: the headings are row 1
        row: u32,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Give a file back as it was imported
    File {
        /// The file's number
        number: u32,
        /// Where to
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Imports) -> Answer<()> {
    match command {
        Imports::List { society } => {
            let society = desk.society(society.as_deref())?;
            let rows: Vec<Value> = society.imported_files()?.iter().map(document).collect();
            let head = ["", "day", "by", "file", "made"];
            desk.table(&head, &rows, |row| {
                let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                vec![
                    row["number"].to_string(),
                    text("on"),
                    text("by"),
                    text("file"),
                    text("made"),
                ]
            })
        }
        Imports::Row {
            number,
            row,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            desk.officer(&society, "reading an imported file")?;
            let cells = society.imported_row(*number, *row)?;
            if desk.json() {
                let cells: Map<String, Value> = cells
                    .into_iter()
                    .map(|(heading, cell)| (heading, cell.into()))
                    .collect();
                return desk.document(&json!({ "number": number, "row": row, "cells": cells }));
            }
            let lines = cells
                .iter()
                .map(|(heading, cell)| format!("{heading}: {cell}\n"));
            desk.voice.data(&lines.collect::<String>());
            Ok(())
        }
        Imports::File {
            number,
            out,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            desk.officer(&society, "taking an imported file out")?;
            let (_, bytes) = society.imported_file(*number)?;
            let path = desk.folder.join(out);
            std::fs::write(&path, bytes).or_ours("the file cannot be written")?;
            done(
                desk,
                &format!(
                    "file {number} is in `{}`; it has persons in it",
                    path.display()
                ),
            )
        }
    }
}

fn document(file: &ImportedFile) -> Value {
    let kept = &file.kept;
    let made = match kept.made.as_str() {
        "entries" => format!("entries {} to {}", kept.first, kept.last),
        other => format!("{other}, import {}", kept.first),
    };
    json!({
        "number": kept.number,
        "on": file.on.to_string(),
        "by": file.by,
        "file": kept.file.name,
        "sha256": kept.file.sha256,
        "made": made,
        "redacted": file.redacted,
        "gone": file.gone,
    })
}
