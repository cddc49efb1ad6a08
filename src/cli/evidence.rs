//! `verify`, `rebuild`, `head`, `backup`.

use serde::Deserialize;
use serde_json::json;

use super::{Desk, args, lists::societies};
use office::{Answer, HeadLine, Refusal, answer::refuse};

/// A head as `head --output json` prints it.
#[derive(Deserialize)]
struct HeadFile {
    society: String,
    size: u64,
    root: String,
}

/// `head`.
pub fn head(desk: &mut Desk<'_>, command: &args::SocietyChoice) -> Answer<()> {
    let heads: Vec<HeadLine> = societies(desk, command.society.as_deref())?
        .iter()
        .map(|s| s.head())
        .collect();
    let lines: Vec<_> = heads
        .iter()
        .map(|h| json!({"society": h.society, "size": h.size, "root": h.root}))
        .collect();
    desk.table(&["society", "records", "root"], &lines, |line| {
        vec![
            line["society"].as_str().unwrap_or_default().to_owned(),
            line["size"].to_string(),
            line["root"].as_str().unwrap_or_default().to_owned(),
        ]
    })
}

/// `verify`.
pub fn verify(desk: &mut Desk<'_>, command: &args::Verify) -> Answer<()> {
    let heads: Vec<HeadFile> = match &command.head {
        None => Vec::new(),
        Some(file) => {
            let text = desk.text(file)?;
            let many: Result<Vec<HeadFile>, _> = serde_json::from_str(&text);
            many.or_else(|_| serde_json::from_str(&text).map(|one| vec![one]))
                .map_err(|e| Refusal::Caller(format!("`{}` is not a head: {e}", file.display())))?
        }
    };
    let chosen = societies(desk, command.society.as_deref())?;
    let mut lost = desk.office.lost_societies();
    for head in &heads {
        if command
            .society
            .as_ref()
            .is_none_or(|only| *only == head.society)
            && chosen.iter().all(|s| s.slug() != head.society)
        {
            lost.push(head.society.clone());
        }
    }
    if let Some(lost) = lost.first() {
        return refuse(format!(
            "society `{lost}` is known and not here: its folder is missing\nhint: bring it back from the last copy"
        ));
    }
    if chosen.is_empty() {
        return refuse("there is no society here: nothing was checked");
    }
    let mut found = Vec::new();
    for society in chosen {
        for head in heads.iter().filter(|h| h.society == society.slug()) {
            society.extends(&HeadLine {
                society: head.society.clone(),
                size: head.size,
                root: head.root.clone(),
            })?;
        }
        let voice = &mut *desk.voice;
        let verified = society.verify(command.journal_only, &mut |label, done, total| {
            voice.progress(label, done, total)
        })?;
        if !desk.json() {
            let rows = match verified.rows {
                Some(rows) => format!("; {rows} rows of the projections are what it gives"),
                None => String::new(),
            };
            let files = match verified.files {
                0 => String::new(),
                files => format!("; {files} photos and documents are those it names"),
            };
            desk.voice.data(&format!(
                "`{}`: {} records are as they were written{rows}{files}\n",
                society.slug(),
                verified.records
            ));
        }
        found.push(json!({
            "society": verified.head.society,
            "size": verified.head.size,
            "root": verified.head.root,
            "records": verified.records,
            "projection_rows": verified.rows,
            "files": verified.files,
            "ok": true,
        }));
    }
    if desk.json() {
        desk.document(&found)
    } else {
        Ok(())
    }
}

/// `rebuild`.
pub fn rebuild(desk: &mut Desk<'_>, command: &args::SocietyChoice) -> Answer<()> {
    let mut done = Vec::new();
    for society in societies(desk, command.society.as_deref())? {
        let voice = &mut *desk.voice;
        let rebuilt = desk
            .office
            .rebuild(&society, desk.now, &mut |label, n, total| {
                voice.progress(label, n, total)
            })?;
        if !desk.json() {
            desk.voice.data(&format!(
                "`{}`: {} rows made again from the journal\n",
                rebuilt.society, rebuilt.rows
            ));
        }
        done.push(json!({"society": rebuilt.society, "rows": rebuilt.rows}));
    }
    if desk.json() {
        desk.document(&done)
    } else {
        Ok(())
    }
}

/// `backup`.
pub fn backup(desk: &mut Desk<'_>, command: &args::Backup) -> Answer<()> {
    let dest = desk.folder.join(&command.dest);
    let chosen = societies(desk, command.society.as_deref())?;
    let voice = &mut *desk.voice;
    let copied = desk.office.backup(&dest, &chosen, &mut |label, n, total| {
        voice.progress(label, n, total)
    })?;
    if desk.json() {
        let heads: Vec<_> = copied
            .heads
            .iter()
            .map(|h| json!({"society": h.society, "size": h.size, "root": h.root}))
            .collect();
        return desk.document(
            &json!({"dest": dest, "files": copied.files, "bytes": copied.bytes, "heads": heads}),
        );
    }
    for head in &copied.heads {
        desk.voice.data(&format!(
            "`{}`: {} records, root {}\n",
            head.society, head.size, head.root
        ));
    }
    desk.voice.say(&format!(
        "{} files, {} bytes; every copy was opened again and its root recomputed",
        copied.files, copied.bytes
    ));
    Ok(())
}
