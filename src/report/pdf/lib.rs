//! Typeset documents: data in, tagged PDF out.
//!
//! typst is used as a library. What a document says comes in as one JSON value, which a template of
//! this crate reads; pictures come in as SVG. No markup is ever made of data, so a name full of `#`
//! and `$` is a name. Nothing is read from disk or network: templates and fonts are part of the
//! program, packages cannot be loaded, and there is no clock: the date of a document is in its data.
//! The same data gives the same bytes on the same kind of machine; on another, the last digits of a
//! position may differ, so keep the file or its hash, not the promise to make it again.
//!
//! Every document is PDF/UA-1: tagged, titled, in a named language, each picture with its words; one
//! that would not be is refused.

mod batch;
mod fonts;
mod png;
mod world;

pub use batch::{each, workers};
pub use png::png;

use std::sync::LazyLock;

use serde_json::Value;
use sha2::{Digest, Sha256};
use typst::foundations::{Bytes, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use fonts::Fonts;
use world::{Desk, World};

/// Most pages a document may have.
pub const MAX_PAGES: usize = 200;

/// What kind of document it is; each has a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A member's statement of share interest.
    Statement,
    /// A report, bill, claim or certificate.
    Paper,
}

/// One document to be set.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its template.
    pub form: Form,
    /// What it says. `title`, `lang` and `date` (`YYYY-MM-DD`) are read of every document.
    pub data: Value,
    /// SVG pictures, by the name under which the template shows them.
    pub pictures: Vec<(&'static str, String)>,
}

/// A document that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The PDF file.
    pub pdf: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
}

/// A document that was not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSet {
    /// Letters that no font has.
    #[error("no font here has {0}\nhint: name a folder with a font that has them: --fonts FOLDER")]
    Letters(String),
    /// More pages than a document may have.
    #[error("it would have {0} pages; a document has at most {MAX_PAGES}")]
    TooLong(usize),
    /// A file that is no font.
    #[error("`{0}` is no font; expected a TTF or OTF file")]
    NoFont(String),
    /// The template or the data are at fault; ours to repair.
    #[error("the document could not be set: {0}")]
    Ours(String),
}

/// Sets documents. Made once and shared: fonts and templates are read at the start.
pub struct Typesetter {
    desk: Desk,
}

impl Default for Typesetter {
    fn default() -> Self {
        Typesetter {
            desk: Desk::new(Fonts::embedded()),
        }
    }
}

impl Typesetter {
    /// With further fonts: each the name and bytes of a TTF or OTF file.
    ///
    /// # Errors
    /// When one is no font.
    pub fn with_fonts(more: Vec<(String, Vec<u8>)>) -> Result<Self, NotSet> {
        let mut fonts = Fonts::embedded();
        for (name, bytes) in more {
            if !fonts.add(Bytes::new(bytes)) {
                return Err(NotSet::NoFont(name));
            }
        }
        Ok(Typesetter {
            desk: Desk::new(fonts),
        })
    }

    /// Sets one document.
    ///
    /// # Errors
    /// When it has a letter that no font has, is too long, or the data do not fit the template.
    pub fn set(&self, document: &Document) -> Result<Sheet, NotSet> {
        self.check_letters(&document.data)?;
        let world = World::new(&self.desk, document)?;
        let paged = typst::compile::<PagedDocument>(&world)
            .output
            .map_err(|errors| world.told(&errors))?;
        let pages = paged.pages().len();
        if pages > MAX_PAGES {
            return Err(NotSet::TooLong(pages));
        }
        let options = PdfOptions {
            ident: Smart::Custom(key(document)),
            creator: Smart::Custom(Some("Commonwatt".to_owned())),
            standards: UA.clone(),
            ..PdfOptions::default()
        };
        let pdf = typst_pdf::pdf(&paged, &options).map_err(|errors| world.told(&errors))?;
        Ok(Sheet { pdf, pages })
    }

    /// Refuses text with a letter that no font has.
    fn check_letters(&self, data: &Value) -> Result<(), NotSet> {
        let mut lacking = Vec::new();
        each_text(data, &mut |text| {
            for letter in text.chars() {
                if !self.desk.fonts.has(letter) && !lacking.contains(&letter) {
                    lacking.push(letter);
                }
            }
        });
        if lacking.is_empty() {
            return Ok(());
        }
        let named = |letter: &char| format!("`{letter}` (U+{:04X})", u32::from(*letter));
        let named: Vec<String> = lacking.iter().take(8).map(named).collect();
        Err(NotSet::Letters(named.join(", ")))
    }
}

/// A hash over everything a document is made of: program, template, data and pictures. Two documents
/// with one key have the same bytes on one machine.
#[must_use]
pub fn key(document: &Document) -> String {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(fonts::digest());
    hash.update(world::COMMON);
    hash.update(world::template(document.form));
    hash.update(document.data.to_string());
    for (name, svg) in &document.pictures {
        hash.update(name);
        hash.update(svg);
    }
    hex(&hash.finalize())
}

/// Lets go of what typst remembers of documents set a while ago; called between batches.
pub fn forget() {
    comemo::evict(4);
}

static UA: LazyLock<PdfStandards> = LazyLock::new(|| {
    PdfStandards::new(&[PdfStandard::Ua_1]).unwrap_or_else(|_| unreachable!("one standard"))
});

fn each_text(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, take)),
        Value::Object(fields) => fields.values().for_each(|field| each_text(field, take)),
        _ => {}
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
