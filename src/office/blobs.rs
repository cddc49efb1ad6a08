//! Files kept beside the journal: photos of dials, invoices, and, sealed, the bank's files.
//! `DATA/s/<society>/blobs/<sha256>`, named by the bytes that lie there.
//!
//! A file is written, synced and named by its hash before the decision that names it is taken, so
//! that no decision ever speaks of a file that is not there. The same bytes are kept once. What no
//! decision names does no harm: a command was refused after its photo was written.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use records::{decision::What, tables::Kept};
use sha2::{Digest, Sha256};

use super::{
    answer::{Answer, OrOurs, refuse},
    folder, imported_files,
    keys::SealingKey,
    node::hex,
    society::SocietyOffice,
};

/// Largest file kept, in bytes: a photo from a telephone several times over.
pub const MAX_FILE_BYTES: usize = 16 << 20;

/// Largest imported file kept, in bytes: 25 years of movements of 100,000 members four times over.
pub const MAX_IMPORT_BYTES: usize = 512 << 20;

/// A file as it was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its name, without folders.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Given {
    /// The name under which it is kept.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(&self.bytes))
    }
}

/// What kind of file is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A photo.
    Photo,
    /// A photo or a document.
    Evidence,
    /// A file with persons in it, such as the bank's: kept sealed.
    Personal,
    /// A file of rows that was imported, kept sealed; it may be as large as a register is.
    Import,
}

/// What a sealed file is about.
const SEALED_ABOUT: &str = "a kept file";

impl SocietyOffice {
    /// Keeps a file; the same bytes twice are one file.
    ///
    /// # Errors
    /// When it is empty, too large or not what is expected, or the disk takes nothing.
    pub(super) fn keep(&self, given: &Given, expected: Expected) -> Answer<Kept> {
        check(given, expected)?;
        let sealed = matches!(expected, Expected::Personal | Expected::Import);
        let given = &match sealed {
            true => Given {
                name: given.name.clone(),
                bytes: self
                    .keys()
                    .sealing_key_or_new()?
                    .seal(SEALED_ABOUT, &given.bytes)?,
            },
            false => given.clone(),
        };
        let folder = self.blobs();
        folder::make(&folder)?;
        let sha256 = given.sha256();
        let path = folder.join(&sha256);
        if !path.exists() {
            let aside = folder.join(format!(".{sha256}"));
            let write = || {
                let mut file = File::create(&aside)?;
                file.write_all(&given.bytes)?;
                file.sync_all()?;
                fs::rename(&aside, &path)?;
                File::open(&folder)?.sync_all()
            };
            write().or_ours(&format!("`{}` cannot be kept", given.name))?;
        }
        Ok(Kept {
            sha256,
            bytes: given.bytes.len() as u64,
            name: given.name.clone(),
            sealed,
        })
    }

    /// The bytes of a kept file, opened where it is sealed.
    ///
    /// # Errors
    /// When it is missing or was changed, or the sealing key is not here.
    pub(super) fn blob(&self, kept: &Kept) -> Answer<Vec<u8>> {
        match kept.sealed {
            true => self.opened(kept, &self.keys().sealing_key()?),
            false => sound(kept, &self.kept_at(kept)),
        }
    }

    /// The bytes of a sealed file, opened with this key.
    ///
    /// # Errors
    /// When it is missing or was changed, or another key sealed it.
    pub(super) fn opened(&self, kept: &Kept, key: &SealingKey) -> Answer<Vec<u8>> {
        key.open(SEALED_ABOUT, &sound(kept, &self.kept_at(kept))?)
    }

    /// A kept file that a decision names, by its SHA-256; a sealed one is shown to nobody here.
    ///
    /// # Errors
    /// When no decision names it, or it is missing or was changed.
    pub fn kept_file(&self, sha256: &str) -> Answer<(Kept, Vec<u8>)> {
        // Evidence of meters, money and tables alone: letters of members are not for every officer.
        let kinds = [
            "table-extended/1",
            "manual-read/1",
            "task-done/1",
            "cost-entered/1",
            "irradiance-imported/1",
        ];
        let all = self.decisions(&kinds)?.into_iter();
        let kept = all
            .filter_map(|decision| match decision.what {
                What::ManualRead(read) => read.photo,
                What::TaskDone(done) => done.file,
                What::CostEntered(cost) => cost.file,
                What::IrradianceImported(light) => Some(light.file),
                What::TableExtended(table) => table.file,
                _ => None,
            })
            .find(|kept| !kept.sealed && kept.sha256 == sha256);
        let Some(kept) = kept else {
            return refuse("no decision names this file");
        };
        let bytes = self.blob(&kept)?;
        Ok((kept, bytes))
    }

    /// The photo of a dial that has this name, and what kind of picture it is; `None` when no read
    /// from a dial names it.
    ///
    /// # Errors
    /// When it is missing or was changed.
    pub fn photo(&self, sha256: &str) -> Answer<Option<(Vec<u8>, &'static str)>> {
        let dials = self.dial_reads(None)?;
        let mut photos = dials.iter().filter_map(|dial| dial.read.photo.as_ref());
        let Some(kept) = photos.find(|kept| kept.sha256 == sha256) else {
            return Ok(None);
        };
        let bytes = self.blob(kept)?;
        let kind = match bytes.get(..4) {
            Some([0xFF, 0xD8, ..]) => "image/jpeg",
            Some(b"\x89PNG") => "image/png",
            Some(b"RIFF") => "image/webp",
            _ => "image/heic",
        };
        Ok(Some((bytes, kind)))
    }

    /// Where a kept file lies.
    #[must_use]
    pub fn kept_at(&self, kept: &Kept) -> PathBuf {
        self.blobs().join(&kept.sha256)
    }

    fn blobs(&self) -> PathBuf {
        self.folder().join("blobs")
    }

    /// Every file that a decision names, once, in order of their hashes.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn kept(&self) -> Answer<Vec<Kept>> {
        let mut named = Vec::new();
        for project in self.project_notes()?.projects {
            named.extend(project.named.into_iter().map(|named| named.name));
        }
        let erased = imported_files::cases_of_erased(&self.books())?;
        let mut all: Vec<Kept> = self
            .decisions(&[
                "table-extended/1",
                "bank-imported/1",
                "manual-read/1",
                "task-done/1",
                "cost-entered/1",
                "case-step/1",
                "supplier-bill/1",
                "irradiance-imported/1",
                "letter-acted/1",
            ])?
            .into_iter()
            .filter_map(|decision| match decision.what {
                What::CaseStep(step) if erased.contains(&step.case) => None,
                What::CaseStep(step) => step.file,
                What::SupplierBill(bill) => Some(bill.file),
                What::ManualRead(read) => read.photo,
                What::TaskDone(done) => done.file,
                What::CostEntered(cost) => cost.file,
                What::IrradianceImported(light) => Some(light.file),
                What::LetterActed(letter) => letter.file,
                What::TableExtended(table) => table.file,
                What::BankImported(import) => Some(import.file),
                _ => None,
            })
            .chain(named)
            .collect();
        let imported = self.imported_files()?.into_iter();
        all.extend(imported.filter(|one| !one.gone).map(|one| one.kept.file));
        all.sort_by(|a, b| a.sha256.cmp(&b.sha256));
        all.dedup_by(|a, b| a.sha256 == b.sha256);
        Ok(all)
    }

    /// Checks that every file that a decision names is there, with the bytes it had; how many.
    ///
    /// # Errors
    /// The first that is missing or different.
    pub(super) fn check_kept(&self) -> Answer<u64> {
        let all = self.kept()?;
        for kept in &all {
            sound(kept, &self.kept_at(kept))?;
        }
        Ok(all.len() as u64)
    }

    /// Copies every kept file into another society folder and checks the copies; files and bytes.
    ///
    /// # Errors
    /// When a file is damaged or a disk refuses.
    pub(super) fn copy_kept(&self, to: &Path) -> Answer<(u64, u64)> {
        let (mut files, mut bytes) = (0, 0);
        for kept in self.kept()? {
            let folder = to.join("blobs");
            folder::make(&folder)?;
            let copy = folder.join(&kept.sha256);
            fs::copy(self.kept_at(&kept), &copy)
                .and_then(|_| File::open(&copy)?.sync_all())
                .or_ours(&format!("the copy of `{}`", kept.name))?;
            sound(&kept, &copy)?;
            files += 1;
            bytes += kept.bytes;
        }
        // What bank rows are known by, so that a copy knows them again.
        let salt = self.folder().join("bank.salt");
        if salt.exists() {
            fs::copy(&salt, to.join("bank.salt")).or_ours("the copy of the salt")?;
        }
        Ok((files, bytes))
    }
}

fn sound(kept: &Kept, path: &Path) -> Answer<Vec<u8>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return refuse(format!(
                "`{}` (`{}`), which a decision names, is missing\nhint: put it back from a copy of the data folder",
                path.display(),
                kept.name
            ));
        }
        other => other.or_ours("a kept file")?,
    };
    if hex(&Sha256::digest(&bytes)) == kept.sha256 {
        return Ok(bytes);
    }
    refuse(format!(
        "`{}` (`{}`) was changed: its bytes are not those it is named by\nhint: put it back from a copy of the data folder",
        path.display(),
        kept.name
    ))
}

/// Whether a file is what is expected.
pub(super) fn check(given: &Given, expected: Expected) -> Answer<()> {
    let name = &given.name;
    if given.bytes.is_empty() {
        return refuse(format!("`{name}` is empty"));
    }
    let (most, hint) = match expected {
        Expected::Import => (MAX_IMPORT_BYTES, "import it in parts"),
        _ => (MAX_FILE_BYTES, "send the photo in a smaller size"),
    };
    if given.bytes.len() > most {
        return refuse(format!(
            "`{name}` has `{}` bytes; expected at most `{most}`\nhint: {hint}",
            given.bytes.len()
        ));
    }
    if expected == Expected::Photo && !is_photo(&given.bytes) {
        return refuse(format!(
            "`{name}` is no photo; expected JPEG, PNG, WebP or HEIC\nhint: the photo must show the dial and the serial number"
        ));
    }
    Ok(())
}

/// The first bytes of the forms that telephones make.
fn is_photo(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xD8, 0xFF])
        || bytes.starts_with(b"\x89PNG\r\n\x1a\n")
        || (bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"))
        || bytes.get(4..8) == Some(b"ftyp")
}
