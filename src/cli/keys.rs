//! `keys backup|restore|check`.

use clap::Subcommand;
use serde_json::json;

use super::Desk;
use office::{
    Answer,
    key_words::{KeyStanding, WORDS, check_word},
};

/// `keys …`
#[derive(Clone, Debug, Subcommand)]
pub enum Keys {
    /// Write the sealing key down: 24 words to print, of which three are asked back
    Backup,
    /// Put the sealing key in again on another machine, from its 24 words
    Restore,
    /// Which key there is, whether it was written down, and what it opens
    Check,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Keys) -> Answer<()> {
    match command {
        Keys::Backup => backup(desk),
        Keys::Restore => restore(desk),
        Keys::Check => {
            let standing = desk.office.key_standing()?;
            if standing.written_down.is_none() {
                desk.voice.say("this key was never written down: losing its folder would lose members' bank details\nhint: `commonwatt keys backup`");
            }
            show(desk, &standing)
        }
    }
}

fn backup(desk: &mut Desk<'_>) -> Answer<()> {
    let sheet = desk.office.key_sheet()?;
    if desk.json() {
        desk.document(&json!({ "key": sheet.key, "words": sheet.words }))?;
    } else {
        let societies: Vec<String> = desk
            .office
            .societies()
            .iter()
            .map(|society| society.known().document.society.name.clone())
            .collect();
        let mut text = format!("Sealing key {} of {}\n\n", sheet.key, societies.join(", "));
        for (row, words) in sheet.words.chunks(4).enumerate() {
            for (word, place) in words.iter().zip(row.saturating_mul(4).saturating_add(1)..) {
                text.push_str(&format!("{place:>4}. {word:<12}"));
            }
            text.push('\n');
        }
        text.push_str("\nWith these words and a copy of the data folder anybody can read members' bank details. Keep the\nsheet where you keep deeds, apart from the machine and its backups, and no photo of it.\nTo put the key in again: commonwatt keys restore\n");
        desk.voice.data(&text);
    }
    let mut answers = Vec::new();
    for place in sheet.asked {
        let asked = format!("word {place} of the sheet");
        answers.push(desk.voice.ask(&asked, false)?);
    }
    let day = desk.office.key_written_down(&sheet, &answers, desk.now)?;
    desk.voice
        .say(&format!("key {} was written down on {day}", sheet.key));
    Ok(())
}

fn restore(desk: &mut Desk<'_>) -> Answer<()> {
    let mut words: Vec<String> = Vec::new();
    while words.len() < WORDS {
        let next = words.len().saturating_add(1);
        let asked = format!("word {next} of {WORDS} (or several, with spaces between them)");
        let typed = desk.voice.ask(&asked, true)?;
        if typed.trim().is_empty() {
            return office::answer::refuse("no word was typed; nothing was changed");
        }
        for word in typed.split_whitespace() {
            let word = word.to_lowercase();
            match check_word(&word, words.len().saturating_add(1)) {
                Ok(()) => words.push(word),
                Err(why) => {
                    desk.voice.say(&why.to_string());
                    break;
                }
            }
        }
    }
    let standing = desk.office.key_put_back(&words)?;
    if !desk.json() {
        desk.voice
            .say(&format!("key {} is in its place again", standing.key));
    }
    show(desk, &standing)
}

fn show(desk: &mut Desk<'_>, standing: &KeyStanding) -> Answer<()> {
    if desk.json() {
        return desk.document(&json!({
            "key": standing.key,
            "written_down": standing.written_down.map(|day| day.to_string()),
            "societies": standing.societies.iter().map(|one| json!({
                "society": one.society, "opened": one.opened, "shut": one.shut,
            })).collect::<Vec<_>>(),
        }));
    }
    let mut text = format!("key {}", standing.key);
    if let Some(day) = standing.written_down {
        text.push_str(&format!(", written down on {day}"));
    }
    text.push('\n');
    for one in &standing.societies {
        text.push_str(&format!(
            "`{}`: {} sealed details and files open",
            one.society, one.opened
        ));
        if one.shut > 0 {
            text.push_str(&format!(", {} do not: another key sealed them", one.shut));
        }
        text.push('\n');
    }
    desk.voice.data(&text);
    Ok(())
}
