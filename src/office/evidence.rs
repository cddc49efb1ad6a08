//! Evidence: heads, verification, rebuilding, copies.
//!
//! `verify` trusts nothing: it recomputes every hash of the journal, makes both projections again
//! beside the live ones, and compares decoded rows in key order; files that decisions name must be
//! there with the bytes they had. `rebuild` does the same and puts
//! the new files in place. `backup` copies journals while they are written, opens the copies and
//! recomputes their heads; the people file goes with them, the keys never do. `verify` also holds
//! every row of the people file against the hash by which the journal names it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use domain::calendar::Instant;
use journal::{Reader, RealDisk};
use records::{
    Decoded,
    decision::{Decision, What},
    ongoing::Ongoing,
};
use store::{SeriesReader, SeriesStore, books::BooksStore, series::SeriesOptions};

use super::{
    Office,
    answer::{Answer, OrOurs, Refusal, refuse},
    folder,
    known::{Known, Numbering},
    node::hex,
    projector::{apply_decoded, decode, directory_of},
    society::{SocietyOffice, catch_up_books, decisions_of, definitions, events_of, known_of},
};

/// Most roots of earlier sizes that are remembered.
const MAX_ROOTS: usize = 256;

/// A journal's size and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadLine {
    /// The society; `node` for the node's own journal.
    pub society: String,
    /// Number of records.
    pub size: u64,
    /// RFC 6962 root, lower-case hex.
    pub root: String,
}

/// What verification found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSociety {
    /// The society.
    pub head: HeadLine,
    /// Records read.
    pub records: u64,
    /// Rows of projections compared; none when only the journal was checked.
    pub rows: Option<u64>,
    /// Photos and documents whose bytes were compared with their hashes.
    pub files: u64,
}

/// What rebuilding made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The society.
    pub society: String,
    /// Rows made.
    pub rows: u64,
}

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Heads of the copies, recomputed from them.
    pub heads: Vec<HeadLine>,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Told while a long piece of work goes on.
pub type Tell<'a> = &'a mut dyn FnMut(&str, u64, u64);

impl SocietyOffice {
    /// Its journal's size and root.
    #[must_use]
    pub fn head(&self) -> HeadLine {
        head_line(self.slug(), self.committer().reader().head())
    }

    /// Checks the journal from its first record, and the projections against it.
    ///
    /// # Errors
    /// Exactly what differs, by record or row.
    pub fn verify(&self, journal_only: bool, tell: Tell<'_>) -> Answer<VerifiedSociety> {
        let reader = self.committer().reader();
        let verified = reader
            .verify(|done, total| tell("checking the journal", done, total))
            .map_err(|damage| Refusal::Caller(format!("society `{}`: {damage}", self.slug())))?;
        let files = self.check_kept()?;
        let mut rows = None;
        if !journal_only {
            let aside = Aside::new(&self.folder().join("verify"))?;
            let (series, books) = make_again(&reader, &aside.0, tell)?;
            self.projector().settle_all()?;
            let live = self.look(dump_series)?;
            let again = dump_series(&series.reader().or_ours("the series made again")?)?;
            same("series.sqlite", &live, &again)?;
            let compared = live.len() as u64;
            let live = dump_books(&self.books())?;
            let again = dump_books(&books)?;
            same("books.sqlite", &live, &again)?;
            rows = Some(compared + live.len() as u64 + self.verify_people()?);
        }
        Ok(VerifiedSociety {
            head: head_line(self.slug(), verified.head),
            records: verified.head.size,
            rows,
            files,
        })
    }

    /// Checks that the journal extends a head that was kept elsewhere.
    ///
    /// # Errors
    /// When it does not.
    pub fn extends(&self, head: &HeadLine) -> Answer<()> {
        let reader = self.committer().reader();
        if head.size > reader.size() {
            return refuse(format!(
                "the journal of `{}` has `{}` records; the head names `{}`: records are missing",
                self.slug(),
                reader.size(),
                head.size
            ));
        }
        let root = self.root_at(head.size)?;
        if root == head.root {
            Ok(())
        } else {
            refuse(format!(
                "the journal of `{}` is not the one the head was made of: at `{}` records its root is `{}`; expected `{}`",
                self.slug(),
                head.size,
                root,
                head.root
            ))
        }
    }

    /// The root of the journal's first `size` records, which anybody can hold against it later.
    ///
    /// # Errors
    /// When the journal is damaged or shorter.
    pub fn root_at(&self, size: u64) -> Answer<String> {
        let reader = self.committer().reader();
        if size > reader.size() {
            return refuse(format!(
                "the journal of `{}` has `{}` records; expected at least `{size}`",
                self.slug(),
                reader.size()
            ));
        }
        let known = |roots: &BTreeMap<u64, String>| roots.get(&size).cloned();
        if let Some(root) = known(&self.roots.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(root);
        }
        let mut edge = wire::Peaks::new();
        'journal: for batch in reader.batches_ahead(0) {
            for record in batch.or_ours("the society's journal")?.iter() {
                if record.index >= size {
                    break 'journal;
                }
                edge.push(wire::leaf_hash(record.bytes));
            }
        }
        let root = hex(&edge.root());
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if roots.len() >= MAX_ROOTS {
            roots.clear();
        }
        roots.insert(size, root.clone());
        Ok(root)
    }
}

impl Office {
    /// Makes the projections of closed societies again, in place. The office must not be running
    /// them: societies are closed first and opened again after.
    ///
    /// # Errors
    /// When the journal is damaged.
    pub fn rebuild(
        &self,
        society: &Arc<SocietyOffice>,
        now: Instant,
        tell: Tell<'_>,
    ) -> Answer<Rebuilt> {
        let reader = society.committer().reader();
        let aside = Aside::new(&society.folder().join("rebuild"))?;
        let (mut series, books) = make_again(&reader, &aside.0, tell)?;
        series.flush().or_ours("the series made again")?;
        let rows = dump_series(&series.reader().or_ours("the series made again")?)?.len();
        let rows = (rows + dump_books(&books)?.len()) as u64;
        // Closing the last connection moves the write-ahead log into the file.
        drop((series, books));
        society.close();
        let slug = society.slug().to_owned();
        let target = society.folder().to_owned();
        self.societies
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remove(&slug);
        for name in ["series.sqlite", "books.sqlite"] {
            for ending in ["-wal", "-shm"] {
                let _ = fs::remove_file(target.join(format!("{name}{ending}")));
            }
            fs::rename(aside.0.join(name), target.join(name))
                .or_ours("the new projection cannot take its place")?;
        }
        let opened =
            SocietyOffice::open(&slug, &target, now, self.settings, (self.watches)(&slug))?;
        self.societies
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(slug.clone(), Arc::new(opened));
        self.tell_changed();
        Ok(Rebuilt {
            society: slug,
            rows,
        })
    }

    /// Copies journals to a new folder while they are written and checks the copies.
    ///
    /// # Errors
    /// When the target exists, a disk refuses, or a copy is not what was copied.
    pub fn backup(
        &self,
        dest: &Path,
        societies: &[Arc<SocietyOffice>],
        tell: Tell<'_>,
    ) -> Answer<BackedUp> {
        if dest.exists() {
            return refuse(format!(
                "`{}` exists\nhint: name a folder that does not exist yet",
                dest.display()
            ));
        }
        let inside = |path: &Path| path.canonicalize().ok();
        if let (Some(parent), Some(data)) =
            (dest.parent().and_then(inside), inside(self.folder.path()))
            && parent.starts_with(&data)
        {
            return refuse(format!(
                "`{}` lies inside the data folder\nhint: a copy belongs on another disk",
                dest.display()
            ));
        }
        let target = folder::Folder::at(dest);
        let mut done = BackedUp {
            heads: Vec::new(),
            files: 0,
            bytes: 0,
        };
        let node = self.node().reader();
        copy("node", &node, &target.node_journal(), &mut done, tell)?;
        for society in societies {
            let to = target.society(society.slug()).join("journal");
            copy(
                society.slug(),
                &society.committer().reader(),
                &to,
                &mut done,
                tell,
            )?;
            // Files after the journal: whatever its copy names is there by now.
            let (files, bytes) = society.copy_kept(&target.society(society.slug()))?;
            done.files += files;
            done.bytes += bytes;
            // After the journal: a row that a copied record names is there before the record is.
            let people = target.society(society.slug()).join("people.sqlite");
            society
                .people()
                .copy_to(&people)
                .or_ours("the copy of the people file")?;
            done.files += 1;
            done.bytes += fs::metadata(&people).map_or(0, |meta| meta.len());
        }
        Ok(done)
    }
}

fn copy(name: &str, from: &Reader, to: &Path, done: &mut BackedUp, tell: Tell<'_>) -> Answer<()> {
    folder::make(to)?;
    let disk = RealDisk::new(to).or_ours("the copy")?;
    let copied = from
        .copy_to(Arc::new(disk), |n, total| {
            tell(&format!("copying {name}"), n, total)
        })
        .or_ours(&format!("the copy of `{name}`"))?;
    done.heads.push(head_line(name, copied.head));
    done.files += copied.files;
    done.bytes += copied.bytes;
    Ok(())
}

fn head_line(society: &str, head: journal::Head) -> HeadLine {
    HeadLine {
        society: society.to_owned(),
        size: head.size,
        root: hex(&head.root),
    }
}

/// A folder for work in progress, removed at the end.
struct Aside(PathBuf);

impl Aside {
    fn new(path: &Path) -> Answer<Aside> {
        let _ = fs::remove_dir_all(path);
        folder::make(path)?;
        Ok(Aside(path.to_owned()))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes both projections from the journal's first record on, in an empty folder.
fn make_again(reader: &Reader, into: &Path, tell: Tell<'_>) -> Answer<(SeriesStore, BooksStore)> {
    let mut books = BooksStore::open(&into.join("books.sqlite")).or_ours("books.sqlite")?;
    catch_up_books(&mut books, reader)?;
    let (known, _) = known_of(&books)?;
    let once = once_known(&books)?;
    let options = SeriesOptions::new(known.zone.clone());
    let mut series =
        SeriesStore::open(&into.join("series.sqlite"), options).or_ours("series.sqlite")?;
    let events = events_of(&books, &known)?;
    series.bind(Arc::clone(&known.bindings));
    // A register that left the file keeps its row, whether it was ever read or not.
    for before in &once {
        let defs = definitions(before, &[], &std::collections::BTreeMap::new())?;
        series.define(&defs).or_ours("series.sqlite")?;
    }
    let defs = definitions(&known, &events, &decisions_of(&books, &known)?)?;
    series.define(&defs).or_ours("series.sqlite")?;
    let directory = directory_of(&known);
    let mut ongoing = Ongoing::default();
    let total = reader.size();
    for batch in reader.batches_ahead(0) {
        let batch = batch.or_ours("the society's journal")?;
        let mut decoded = Decoded::default();
        let mut next = 0;
        for record in batch.iter() {
            decode(record.bytes, &directory, &known, &mut decoded)?;
            next = record.index + 1;
        }
        ongoing.take(&mut decoded, &directory, &known.power_points());
        apply_decoded(&mut series, next, decoded).or_ours("series.sqlite")?;
        tell("making the series again", next, total);
    }
    series.flush().or_ours("series.sqlite")?;
    series.settle_all().or_ours("series.sqlite")?;
    Ok((series, books))
}

/// What was known by each document before the one in force.
fn once_known(books: &BooksStore) -> Answer<Vec<Known>> {
    let mut numbering = Numbering::new();
    let mut all = Vec::new();
    for row in books.applied(0).or_ours("books.sqlite")? {
        if row.kind == "society-applied/1" {
            let decision: Decision = serde_json::from_str(&row.json).or_ours("a document")?;
            if let What::SocietyApplied(document) = decision.what {
                all.push(Known::check(&document, &mut numbering)?);
            }
        }
    }
    all.pop();
    Ok(all)
}

/// One decoded row: table, key, value.
type Line = (String, String, String);

/// Compares decoded rows in key order and names the first that differs.
fn same(what: &str, live: &[Line], again: &[Line]) -> Answer<()> {
    let mut pairs = live.iter().zip(again);
    let wrong = |row: &Line, seen: &str, wanted: &str| {
        refuse(format!(
            "{what}, {} `{}`, differs from what the journal gives: it says `{seen}`; expected `{wanted}`\nhint: `commonwatt rebuild` makes it again",
            row.0, row.1
        ))
    };
    if let Some((a, b)) = pairs.find(|(a, b)| a != b) {
        return if (&a.0, &a.1) == (&b.0, &b.1) {
            wrong(a, &a.2, &b.2)
        } else {
            wrong(b, "nothing", &b.2)
        };
    }
    match (live.get(again.len()), again.get(live.len())) {
        (Some(more), _) => wrong(more, &more.2, "nothing"),
        (_, Some(less)) => wrong(less, "nothing", &less.2),
        (None, None) => Ok(()),
    }
}

/// The rows of the series; what gateways were told is not made from the journal alone.
fn dump_series(reader: &SeriesReader) -> Answer<Vec<Line>> {
    let mut rows = Vec::new();
    reader
        .dump(&mut |row| {
            if row.table != "receipt" {
                rows.push((row.table.to_owned(), row.key, row.value));
            }
        })
        .or_ours("series.sqlite")?;
    Ok(rows)
}

fn dump_books(books: &BooksStore) -> Answer<Vec<Line>> {
    let mut rows = Vec::new();
    books
        .dump(&mut |table, key, value| rows.push((table.to_owned(), key, value)))
        .or_ours("books.sqlite")?;
    Ok(rows)
}
