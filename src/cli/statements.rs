//! `statements`: one file a member of a frozen interest run, and an index.
//!
//! Files are written whole (to a name beside, then renamed), readable by their owner only, and noted
//! in `made.jsonl` with a hash of what they were made from and of their bytes: a command that was
//! broken off goes on where it stood, and a second time writes nothing. `index.csv` comes last and
//! names every member of the run, how its statement can be sent, or why there is none.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use domain::calendar::LocalDay;
use pdf::{Document, Form, Typesetter};
use report::{
    sheet::{Cell, Table},
    statement::Statement,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Desk;
use office::{
    Answer, Refusal,
    answer::{OrOurs, refuse},
    hex,
    statements::{MemberStatement, StatementsAsked},
};

/// Largest font file that is read.
const MAX_FONT_BYTES: u64 = 64 << 20;
const MADE: &str = "made.jsonl";
const INDEX: &str = "index.csv";

/// `statements`
#[derive(Clone, Debug, Args)]
pub struct Statements {
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
    /// The frozen run, by its number
    #[arg(long)]
    pub run: u32,
    /// What to write
    #[arg(long, value_enum, default_value_t = Kind::Pdf)]
    pub format: Kind,
    /// The folder to write into; it is made when it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Only this member; may be given again
    #[arg(long, value_name = "NUMBER")]
    pub member: Vec<u32>,
    /// The day the money goes out, as the statements shall say it
    #[arg(long, value_name = "DATE")]
    pub pay_on: Option<LocalDay>,
    /// A folder with further fonts (TTF, OTF), for letters that the program's own do not have
    #[arg(long, value_name = "DIR")]
    pub fonts: Option<PathBuf>,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A typeset sheet, PDF/UA-1.
    Pdf,
    /// A page that needs nothing else.
    Html,
    /// Plain text.
    Text,
}

impl Kind {
    fn ending(self) -> &'static str {
        match self {
            Kind::Pdf => "pdf",
            Kind::Html => "html",
            Kind::Text => "txt",
        }
    }
}

/// A file that was written whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    file: String,
    /// Hash of what it was made from.
    key: String,
    /// Hash of its bytes.
    sha256: String,
    pages: usize,
}

/// What became of one statement.
enum Outcome {
    /// The file there is the one that would be written.
    Left(Made),
    Written(Made, Vec<u8>),
    /// It could not be set; why.
    Not(String),
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, of: &Statements) -> Answer<()> {
    let society = desk.society(of.society.as_deref())?;
    let all = society.statements(
        &StatementsAsked {
            run: of.run,
            members: of.member.clone(),
            pay_on: of.pay_on,
        },
        desk.now,
    )?;
    let setter = match (of.format, &of.fonts) {
        (Kind::Pdf, Some(folder)) => Typesetter::with_fonts(fonts_of(&desk.folder.join(folder))?)
            .map_err(|why| Refusal::Caller(why.to_string()))?,
        _ => Typesetter::default(),
    };
    let folder = Folder::open(&desk.folder.join(&of.out))?;
    let outcomes = make(desk, &all, of.format, &setter, &folder)?;
    let written = outcomes
        .values()
        .filter(|one| matches!(one, Outcome::Written(..)))
        .count();
    folder.write(INDEX, index(&all, &outcomes).to_csv().as_bytes())?;
    let not: Vec<(u32, &str)> = outcomes
        .iter()
        .filter_map(|(place, one)| match one {
            Outcome::Not(why) => Some((all[*place].member, why.as_str())),
            _ => None,
        })
        .collect();
    let waiting = all.iter().filter(|one| !one.note.is_empty()).count();
    if desk.json() {
        let files: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(place, one)| {
                let made = outcomes.get(&place).and_then(Outcome::made);
                json!({
                    "member": one.member,
                    "pence": one.total.0,
                    "send": one.send.word(),
                    "note": note_of(one, outcomes.get(&place)),
                    "file": made.map(|made| &made.file),
                    "sha256": made.map(|made| &made.sha256),
                    "pages": made.map(|made| made.pages),
                })
            })
            .collect();
        desk.document(&json!({
            "run": of.run,
            "folder": folder.0,
            "index": INDEX,
            "written": written,
            "left": outcomes.len() - written - not.len(),
            "statements": files,
        }))?;
    } else {
        desk.voice.data(&format!(
            "{} statements in `{}`: {written} written, {} left as they were; {INDEX} lists them, {waiting} with a note\n",
            outcomes.len() - not.len(),
            folder.0.display(),
            outcomes.len() - written - not.len(),
        ));
    }
    match not.first() {
        None => Ok(()),
        Some((member, why)) => refuse(format!(
            "{} could not be set, the first that of member {member}: {why}",
            report::words::count(
                u32::try_from(not.len()).unwrap_or(u32::MAX),
                "statement",
                "statements"
            )
        )),
    }
}

/// Makes every statement there can be, by its place in `all`.
fn make(
    desk: &mut Desk<'_>,
    all: &[MemberStatement],
    kind: Kind,
    setter: &Typesetter,
    folder: &Folder,
) -> Answer<BTreeMap<usize, Outcome>> {
    let jobs: Vec<(usize, &Statement)> = all
        .iter()
        .enumerate()
        .filter_map(|(place, one)| Some((place, one.statement.as_ref()?)))
        .collect();
    let before = folder.made()?;
    let mut notes = folder.notes()?;
    let total = jobs.len() as u64;
    let mut outcomes = BTreeMap::new();
    let mut outcome_of = |place: usize, outcome: Answer<Outcome>| -> Answer<()> {
        let mut outcome = outcome?;
        if let Outcome::Written(made, bytes) = &mut outcome {
            folder.write(&made.file, bytes)?;
            *bytes = Vec::new();
            let line = serde_json::to_string(made).or_ours("a note")?;
            writeln!(notes, "{line}").map_err(|e| folder.refused(MADE, &e))?;
        }
        outcomes.insert(jobs[place].0, outcome);
        desk.voice
            .progress("statements", outcomes.len() as u64, total);
        Ok(())
    };
    pdf::each(
        &jobs,
        pdf::workers(),
        |(_, statement)| one(statement, kind, setter, folder, &before),
        &mut outcome_of,
    )?;
    Ok(outcomes)
}

/// Makes one statement, unless the file that is there is the one it would be.
fn one(
    statement: &Statement,
    kind: Kind,
    setter: &Typesetter,
    folder: &Folder,
    before: &BTreeMap<String, Made>,
) -> Answer<Outcome> {
    let file = statement.file_name(kind.ending());
    let document = match kind {
        Kind::Pdf => Some(Document {
            form: Form::Statement,
            data: statement.data(),
            pictures: statement.pictures(),
        }),
        Kind::Html | Kind::Text => None,
    };
    let text = match kind {
        Kind::Pdf => None,
        Kind::Html => Some(statement.to_html().or_ours("a statement")?),
        Kind::Text => Some(statement.to_text()),
    };
    let key = match (&document, &text) {
        (Some(document), _) => pdf::key(document),
        (None, text) => sha256(text.as_deref().unwrap_or_default().as_bytes()),
    };
    if let Some(made) = before.get(&file).filter(|made| made.key == key)
        && fs::read(folder.0.join(&file)).is_ok_and(|bytes| sha256(&bytes) == made.sha256)
    {
        return Ok(Outcome::Left(made.clone()));
    }
    let (bytes, pages) = match (document, text) {
        (Some(document), _) => match setter.set(&document) {
            Ok(sheet) => (sheet.pdf, sheet.pages),
            Err(pdf::NotSet::Ours(why)) => return Err(Refusal::Ours(why)),
            Err(why) => return Ok(Outcome::Not(why.to_string())),
        },
        (None, text) => (text.unwrap_or_default().into_bytes(), 1),
    };
    let sha256 = sha256(&bytes);
    let made = Made {
        file,
        key,
        sha256,
        pages,
    };
    Ok(Outcome::Written(made, bytes))
}

impl Outcome {
    fn made(&self) -> Option<&Made> {
        match self {
            Outcome::Left(made) | Outcome::Written(made, _) => Some(made),
            Outcome::Not(_) => None,
        }
    }
}

fn note_of(one: &MemberStatement, outcome: Option<&Outcome>) -> String {
    match outcome {
        Some(Outcome::Not(why)) => why.lines().next().unwrap_or_default().to_owned(),
        _ => one.note.clone(),
    }
}

fn index(all: &[MemberStatement], outcomes: &BTreeMap<usize, Outcome>) -> Table {
    let head = [
        "member", "name", "pounds", "send", "note", "email", "file", "pages", "sha256",
    ];
    let rows = all.iter().enumerate().map(|(place, one)| {
        let outcome = outcomes.get(&place);
        let made = outcome.and_then(Outcome::made);
        let text = |text: &str| Cell::Text(text.to_owned());
        let name = one.statement.as_ref().map_or("", |s| s.to.name.as_str());
        vec![
            Cell::Number(i64::from(one.member)),
            text(name),
            Cell::Pounds(one.total.0),
            text(match outcome {
                Some(Outcome::Not(_)) => "none",
                _ => one.send.word(),
            }),
            text(&note_of(one, outcome)),
            text(&one.email),
            text(made.map_or("", |made| made.file.as_str())),
            Cell::Number(made.map_or(0, |made| i64::try_from(made.pages).unwrap_or(0))),
            text(made.map_or("", |made| made.sha256.as_str())),
        ]
    });
    Table {
        name: "Statements",
        head: head.iter().map(|cell| (*cell).to_owned()).collect(),
        rows: rows.collect(),
    }
}

/// The folder that is written into.
struct Folder(PathBuf);

impl Folder {
    fn open(path: &Path) -> Answer<Folder> {
        let folder = Folder(path.to_owned());
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|e| folder.refused("", &e))?;
        Ok(folder)
    }

    /// What an earlier command wrote whole; a line that was broken off counts for nothing.
    fn made(&self) -> Answer<BTreeMap<String, Made>> {
        let text = match fs::read_to_string(self.0.join(MADE)) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(self.refused(MADE, &e)),
        };
        let lines = text.lines().filter_map(|line| {
            let made: Made = serde_json::from_str(line).ok()?;
            Some((made.file.clone(), made))
        });
        Ok(lines.collect())
    }

    fn notes(&self) -> Answer<fs::File> {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(self.0.join(MADE))
            .map_err(|e| self.refused(MADE, &e))?;
        // Ends a line that was broken off.
        file.write_all(b"\n").map_err(|e| self.refused(MADE, &e))?;
        Ok(file)
    }

    /// Writes a file whole or not at all.
    fn write(&self, name: &str, bytes: &[u8]) -> Answer<()> {
        let (beside, path) = (self.0.join(format!(".{name}.part")), self.0.join(name));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .map_err(|e| self.refused(name, &e))?;
        file.write_all(bytes)
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|e| self.refused(name, &e))
    }

    fn refused(&self, name: &str, cause: &std::io::Error) -> Refusal {
        Refusal::Caller(format!("`{}`: {cause}", self.0.join(name).display()))
    }
}

/// The font files of a folder, by name.
fn fonts_of(folder: &Path) -> Answer<Vec<(String, Vec<u8>)>> {
    let refused = |e: std::io::Error| Refusal::Caller(format!("`{}`: {e}", folder.display()));
    let mut fonts = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if !matches!(ending, Some("ttf" | "otf" | "ttc")) {
            continue;
        }
        if fs::metadata(&path).map_err(refused)?.len() > MAX_FONT_BYTES {
            return refuse(format!("`{}` is larger than 64 MiB", path.display()));
        }
        let name = path.display().to_string();
        fonts.push((name, fs::read(&path).map_err(refused)?));
    }
    if fonts.is_empty() {
        return refuse(format!(
            "`{}` has no font; expected .ttf or .otf files",
            folder.display()
        ));
    }
    fonts.sort();
    Ok(fonts)
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
