//! Imported files: kept sealed as they came, so that every member, movement and entry opens to the
//! row it was made from.
//!
//! When a member is erased, each file with a row of that member is kept anew as text without these
//! rows; the others keep their line numbers. The earlier file, and papers of that member's cases, go once the decision is in the
//! journal, and again at every start, also when it came back from a copy.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    path::Path,
};

use domain::calendar::{Instant, LocalDay};
use records::{
    decision::{Decision, What},
    files::{FileKept, FileRedacted},
    tables::Kept,
};
use store::books::BooksStore;

use super::{
    answer::{Answer, OrOurs, refuse},
    blobs::{Expected, Given},
    roll::Columns,
    sheet,
    society::SocietyOffice,
};

/// The kinds of decision that speak of imported files.
const KINDS: [&str; 2] = ["file-kept/1", "file-redacted/1"];

/// An imported file as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// As it was kept; its `file` is the present one.
    pub kept: FileKept,
    /// The day.
    pub on: LocalDay,
    /// Who imported it.
    pub by: String,
    /// Members whose rows were taken away since.
    pub redacted: Vec<u32>,
    /// True when it could not be opened at an erasure, and went whole.
    pub gone: bool,
}

/// One row of an imported file: heading and cell.
pub type ImportedRow = Vec<(String, String)>;

impl SocietyOffice {
    /// The imported files, in order of their numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn imported_files(&self) -> Answer<Vec<ImportedFile>> {
        let zone = self.known().zone.clone();
        let mut all: Vec<ImportedFile> = Vec::new();
        for decision in self.decisions(&KINDS)? {
            match decision.what {
                What::FileKept(kept) => all.push(ImportedFile {
                    kept: *kept,
                    on: zone.day_of(Instant(decision.at_ms)),
                    by: decision.by,
                    redacted: Vec::new(),
                    gone: false,
                }),
                What::FileRedacted(redacted) => {
                    let found = all.iter_mut().find(|f| f.kept.number == redacted.number);
                    if let Some(found) = found {
                        found.redacted.push(redacted.member);
                        match redacted.file {
                            Some(file) => found.kept.file = file,
                            None => found.gone = true,
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// An imported file, opened.
    ///
    /// # Errors
    /// When there is none of that number, or the sealing key is not here.
    pub fn imported_file(&self, number: u32) -> Answer<(ImportedFile, Vec<u8>)> {
        let all = self.imported_files()?;
        let found = all.into_iter().find(|one| one.kept.number == number);
        let Some(found) = found else {
            return refuse(format!(
                "there is no imported file `{number}`\nhint: `commonwatt imports list` shows them"
            ));
        };
        if found.gone {
            return refuse(format!(
                "imported file `{number}` went when a member in it was erased and the sealing key was lost"
            ));
        }
        let bytes = self.blob(&found.kept.file)?;
        Ok((found, bytes))
    }

    /// One row of an imported file: its line counts from 1, as a spreadsheet shows it.
    ///
    /// # Errors
    /// When the file has no such row, or it was a person's who was erased.
    pub fn imported_row(&self, number: u32, line: u32) -> Answer<ImportedRow> {
        let (file, bytes) = self.imported_file(number)?;
        let rows = rows_of(&file.kept, &bytes)?;
        let mut rows = rows.into_iter();
        let head = rows.next().map(|(_, cells)| cells).unwrap_or_default();
        match rows.find(|(at, _)| *at == line) {
            Some((_, cells)) => {
                let head = head.into_iter().chain(std::iter::repeat(String::new()));
                Ok(head
                    .zip(cells)
                    .filter(|(_, cell)| !cell.is_empty())
                    .collect())
            }
            None if !file.redacted.is_empty() => refuse(format!(
                "imported file `{number}` has no row `{line}` any more; rows of members who were erased are gone"
            )),
            None => refuse(format!("imported file `{number}` has no row `{line}`")),
        }
    }

    /// Keeps a file; the decision that names it, to be taken with those made of it.
    pub(super) fn keep_import(
        &self,
        made: &str,
        (first, last): (u32, u32),
        file: &Columns,
    ) -> Answer<What> {
        let given = Given {
            name: file.file.clone(),
            bytes: file.bytes.clone(),
        };
        let before = self.imported_files()?.len();
        Ok(What::FileKept(Box::new(FileKept {
            number: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
            made: made.to_owned(),
            first,
            last,
            sheet: file.sheet.clone(),
            file: self.keep(&given, Expected::Import)?,
        })))
    }

    /// The files that hold these rows, kept anew without them: `rows` names kind and import of a
    /// file and its line. Gives the decisions to take.
    pub(super) fn redact(&self, member: u32, rows: &[(&str, u32, u32)]) -> Answer<Vec<What>> {
        let mut lines: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let files = self.imported_files()?;
        for (made, import, line) in rows {
            let file = files
                .iter()
                .find(|one| one.kept.made == *made && one.kept.first == *import && !one.gone);
            if let Some(file) = file {
                lines.entry(file.kept.number).or_default().push(*line);
            }
        }
        let mut decisions = Vec::new();
        for (number, lines) in lines {
            let file = match self.keys().sealing_key() {
                Ok(_) => Some(self.without(number, &lines)?),
                // What nobody can open any more is no evidence of anything.
                Err(_) => None,
            };
            decisions.push(What::FileRedacted(Box::new(FileRedacted {
                number,
                member,
                file,
            })));
        }
        Ok(decisions)
    }

    /// A file without these lines, kept.
    fn without(&self, number: u32, lines: &[u32]) -> Answer<Kept> {
        let (file, bytes) = self.imported_file(number)?;
        let mut text = Vec::new();
        let mut at = 1;
        for (line, cells) in rows_of(&file.kept, &bytes)? {
            if lines.contains(&line) {
                continue;
            }
            // Empty lines keep the numbers of those that stay.
            let empty = usize::try_from(line.saturating_sub(at)).unwrap_or(0);
            text.resize(text.len().saturating_add(empty), b'\n');
            at = line.saturating_add(1);
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .from_writer(Vec::new());
            let cells = cells
                .iter()
                .map(|cell| report::sheet::harmless(&cell.replace(['\n', '\r'], " ")));
            writer.write_record(cells).or_ours("the rows of a file")?;
            text.extend(writer.into_inner().or_ours("the rows of a file")?);
        }
        let name = match file.kept.file.name.rsplit_once('.') {
            Some((stem, _)) => format!("{stem}.csv"),
            None => file.kept.file.name.clone(),
        };
        self.keep(&Given { name, bytes: text }, Expected::Import)
    }

    /// Takes away what a redaction put another file in the place of.
    pub(super) fn forget_redacted(&self) -> Answer<()> {
        forget_redacted(&self.books(), self.folder())
    }
}

/// Takes away every imported file that was kept anew without somebody's rows.
pub(super) fn forget_redacted(books: &BooksStore, society: &Path) -> Answer<()> {
    let mut present: BTreeMap<u32, Kept> = BTreeMap::new();
    let mut gone = Vec::new();
    books.applied_of(&KINDS, |row| {
        let decision: Decision = serde_json::from_str(&row.json).or_ours("a decision")?;
        match decision.what {
            What::FileKept(kept) => {
                present.insert(kept.number, kept.file);
            }
            What::FileRedacted(redacted) => {
                gone.extend(present.remove(&redacted.number));
                present.extend(redacted.file.map(|file| (redacted.number, file)));
            }
            _ => {}
        }
        Answer::Ok(())
    })?;
    let cases = cases_of_erased(books)?;
    books.applied_of(&["case-step/1"], |row| {
        let decision: Decision = serde_json::from_str(&row.json).or_ours("a decision")?;
        if let What::CaseStep(step) = decision.what
            && cases.contains(&step.case)
        {
            gone.extend(step.file);
        }
        Answer::Ok(())
    })?;
    for file in gone {
        match fs::remove_file(society.join("blobs").join(&file.sha256)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).or_ours("a file that was redacted cannot be taken away");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The cases of members who were erased: their papers go with them.
pub(super) fn cases_of_erased(books: &BooksStore) -> Answer<BTreeSet<u32>> {
    let (mut whose, mut erased) = (BTreeMap::new(), BTreeSet::new());
    books.applied_of(&["case-opened/1", "member-erased/1"], |row| {
        let decision: Decision = serde_json::from_str(&row.json).or_ours("a decision")?;
        match decision.what {
            What::CaseOpened(opened) => {
                whose.insert(opened.case, opened.member);
            }
            What::MemberErased(gone) => {
                erased.insert(gone.member);
            }
            _ => {}
        }
        Answer::Ok(())
    })?;
    whose.retain(|_, member| erased.contains(member));
    Ok(whose.into_keys().collect())
}

/// Lines and cells of a kept file, the headings first.
fn rows_of(kept: &FileKept, bytes: &[u8]) -> Answer<Vec<(u32, Vec<String>)>> {
    sheet::plain_rows(&kept.file.name, bytes, kept.sheet.as_deref())
}
