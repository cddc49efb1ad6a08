//! Statements typeset for pages: one when it is asked for, those of a whole run as one file.
//!
//! A whole run is made by a thread of its own, one run at a time; a page says how far it is. The file
//! lies in the society's folder `made`, readable by its owner only, until it is made anew or the
//! society has none for a day: it holds names and addresses and is in no backup.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use domain::calendar::Instant;
use office::{
    Answer, Refusal, SocietyOffice,
    answer::{OrOurs, refuse},
    statements::{MemberStatement, StatementsAsked},
};
use pdf::{Document, Form, NotSet, Typesetter};
use report::{
    paper::Paper,
    sheet::{Cell, Table},
    statement::{RunFacts, Statement},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A file that was made is kept so long, ms.
const KEPT_MS: i64 = 86_400_000;

/// What typesets, and what is being made.
#[derive(Default)]
pub struct Making {
    jobs: Mutex<BTreeMap<(String, u32), Arc<Job>>>,
    setter: OnceLock<Typesetter>,
}

/// The statements of a run, being made.
#[derive(Default)]
pub struct Job {
    done: AtomicU64,
    all: AtomicU64,
    began: i64,
    end: Mutex<Option<Result<Ready, String>>>,
}

/// The statements of a run, made.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where the file lies.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// Statements in it.
    pub statements: u32,
    /// Members whose statement could not be set, and why.
    pub not: Vec<(u32, String)>,
}

/// How far it is.
pub enum Progress {
    /// Nothing was asked for.
    None,
    /// Being made: done and all.
    Running(u64, u64),
    /// Made.
    Ready(Ready),
    /// It could not be made.
    Failed(String),
}

impl Making {
    /// One statement as PDF.
    ///
    /// # Errors
    /// When it cannot be set.
    pub fn sheet(&self, statement: &Statement) -> Result<Vec<u8>, NotSet> {
        let setter = self.setter.get_or_init(Typesetter::default);
        Ok(setter.set(&document(statement))?.pdf)
    }

    /// A letter as PDF.
    ///
    /// # Errors
    /// When it cannot be set.
    pub fn paper(&self, paper: &Paper) -> Result<Vec<u8>, NotSet> {
        let setter = self.setter.get_or_init(Typesetter::default);
        let document = Document {
            form: Form::Paper,
            data: paper.data(),
            pictures: paper.pictures(),
        };
        Ok(setter.set(&document)?.pdf)
    }

    /// How far the statements of a run are.
    pub fn progress(&self, society: &str, run: u32, now: Instant) -> Progress {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (society.to_owned(), run);
        let Some(job) = jobs.get(&key) else {
            return Progress::None;
        };
        let end = job.end.lock().unwrap_or_else(PoisonError::into_inner);
        match end.clone() {
            None => Progress::Running(
                job.done.load(Ordering::Relaxed),
                job.all.load(Ordering::Relaxed),
            ),
            Some(Err(why)) => Progress::Failed(why),
            Some(Ok(ready)) if now.0 - job.began < KEPT_MS => Progress::Ready(ready),
            Some(Ok(ready)) => {
                drop(end);
                jobs.remove(&key);
                // It may be gone already.
                let _ = fs::remove_file(&ready.path);
                Progress::None
            }
        }
    }

    /// Begins to make the statements of a run; one that is being made goes on.
    ///
    /// # Errors
    /// When another run's are being made, or the machine has no thread left.
    pub fn begin(
        &self,
        society: &Arc<SocietyOffice>,
        facts: &Arc<RunFacts>,
        now: Instant,
    ) -> Answer<()> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (society.slug().to_owned(), facts.number);
        let running = |job: &Arc<Job>| {
            let end = job.end.lock().unwrap_or_else(PoisonError::into_inner);
            end.is_none()
        };
        if jobs.get(&key).is_some_and(running) {
            return Ok(());
        }
        if jobs.values().any(running) {
            return refuse(
                "the statements of another run are being made\nhint: wait until they are there; one after the other is as fast",
            );
        }
        let job = Arc::new(Job {
            began: now.0,
            ..Job::default()
        });
        jobs.insert(key, Arc::clone(&job));
        let (society, facts) = (Arc::clone(society), Arc::clone(facts));
        let work = move || {
            let made = make(&society, &facts, &job, now).map_err(|why| why.to_string());
            if let Err(why) = &made {
                tracing::warn!(society = society.slug(), run = facts.number, %why, "the statements were not made");
            }
            *job.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        };
        let thread = thread::Builder::new().name("statements".to_owned());
        thread.spawn(work).map(drop).or_ours("a thread")
    }
}

/// What a typeset statement is made of.
fn document(statement: &Statement) -> Document {
    Document {
        form: Form::Statement,
        data: statement.data(),
        pictures: statement.pictures(),
    }
}

/// The index of a run's statements: whom, how much, how it can be sent.
pub fn index(all: &[MemberStatement], not: &[(u32, String)]) -> Table {
    let head = ["member", "name", "pounds", "send", "note", "email", "file"];
    let rows = all.iter().map(|one| {
        let failed = not.iter().find(|(member, _)| *member == one.member);
        let name = one.statement.as_ref().map_or("", |s| s.to.name.as_str());
        let file = match (&one.statement, failed) {
            (Some(statement), None) => statement.file_name("pdf"),
            _ => String::new(),
        };
        vec![
            Cell::Number(i64::from(one.member)),
            Cell::Text(name.to_owned()),
            Cell::Pounds(one.total.0),
            Cell::Text(
                if failed.is_some() {
                    "none"
                } else {
                    one.send.word()
                }
                .to_owned(),
            ),
            Cell::Text(failed.map_or(&one.note, |(_, why)| why).clone()),
            Cell::Text(one.email.clone()),
            Cell::Text(file),
        ]
    });
    Table {
        name: "Statements",
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

fn make(society: &SocietyOffice, facts: &Arc<RunFacts>, job: &Job, now: Instant) -> Answer<Ready> {
    let asked = StatementsAsked {
        run: facts.number,
        ..StatementsAsked::default()
    };
    let all = society.statements_of(facts, &asked, now)?;
    let sheets: Vec<&Statement> = all
        .iter()
        .filter_map(|one| one.statement.as_ref())
        .collect();
    job.all.store(sheets.len() as u64, Ordering::Relaxed);
    let folder = society.folder().join("made");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .or_ours("the folder `made`")?;
    let path = folder.join(format!("statements-run-{}.zip", facts.number));
    let aside = path.with_extension("part");
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .or_ours("the file of all statements")?;
    let mut zip = ZipWriter::new(std::io::BufWriter::new(file));
    let mut put = |name: &str, bytes: &[u8]| -> Answer<()> {
        // A PDF is compressed in itself.
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(name, stored)
            .or_ours("the file of all statements")?;
        zip.write_all(bytes).or_ours("the file of all statements")
    };
    let setter = Typesetter::default();
    let mut not = Vec::new();
    pdf::each(
        &sheets,
        pdf::workers(),
        |statement| setter.set(&document(statement)),
        |place, set| {
            let statement = sheets[place];
            match set {
                Ok(sheet) => put(&statement.file_name("pdf"), &sheet.pdf)?,
                Err(NotSet::Ours(why)) => return Err(Refusal::Ours(why)),
                Err(why) => {
                    let why = why.to_string();
                    let first = why.lines().next().unwrap_or_default().to_owned();
                    not.push((statement.to.member, first));
                }
            }
            job.done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        },
    )?;
    put("index.csv", index(&all, &not).to_csv().as_bytes())?;
    let mut file = zip.finish().or_ours("the file of all statements")?;
    file.flush().or_ours("the file of all statements")?;
    fs::rename(&aside, &path).or_ours("the file of all statements")?;
    Ok(Ready {
        bytes: size_of(&path)?,
        path,
        statements: u32::try_from(sheets.len() - not.len()).unwrap_or(u32::MAX),
        not,
    })
}

fn size_of(path: &Path) -> Answer<u64> {
    Ok(fs::metadata(path)
        .or_ours("the file of all statements")?
        .len())
}
