//! What a template can see: itself, `look.typ`, `/data.json` and the pictures of its document.

use std::sync::LazyLock;

use typst::{
    Library, LibraryExt,
    diag::{FileError, FileResult, SourceDiagnostic},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

use super::{Document, Form, NotSet, fonts::Fonts};

/// What all templates share.
pub(crate) const COMMON: &str = include_str!("templates/look.typ");

/// The text of a template.
pub(crate) fn template(form: Form) -> &'static str {
    match form {
        Form::Statement => include_str!("templates/statement.typ"),
        Form::Paper => include_str!("templates/paper.typ"),
    }
}

/// What all documents share.
pub(crate) struct Desk {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    pub fonts: Fonts,
}

impl Desk {
    pub fn new(fonts: Fonts) -> Desk {
        Desk {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(fonts.book()),
            fonts,
        }
    }
}

/// One document's files over the shared desk.
pub(crate) struct World<'a> {
    desk: &'a Desk,
    main: FileId,
    files: Vec<(FileId, Bytes)>,
}

impl<'a> World<'a> {
    pub fn new(desk: &'a Desk, document: &Document) -> Result<Self, NotSet> {
        let mut files = vec![(named("/data.json"), text(document.data.to_string()))];
        for (name, svg) in &document.pictures {
            files.push((named(name), text(svg.clone())));
        }
        Ok(World {
            desk,
            main: SOURCES
                .iter()
                .find(|(form, _)| *form == Some(document.form))
                .map(|(_, source)| source.id())
                .ok_or_else(|| NotSet::Ours("it has no template".to_owned()))?,
            files,
        })
    }

    /// typst's errors in one line, each with its place.
    pub fn told(&self, errors: &[SourceDiagnostic]) -> NotSet {
        let one = |error: &SourceDiagnostic| {
            let line = error.span.id().and_then(|id| {
                let source = typst::World::source(self, id).ok()?;
                let range = typst::WorldExt::range(self, error.span)?;
                let line = source.lines().byte_to_line(range.start)? + 1;
                Some(format!("{}:{line}: ", id.get().vpath().get_without_slash()))
            });
            format!("{}{}", line.unwrap_or_default(), error.message)
        };
        NotSet::Ours(errors.iter().map(one).collect::<Vec<_>>().join("; "))
    }
}

/// Every template, parsed once; `look.typ` has no form.
static SOURCES: LazyLock<Vec<(Option<Form>, Source)>> = LazyLock::new(|| {
    let forms = [
        (Form::Statement, "/statement.typ"),
        (Form::Paper, "/paper.typ"),
    ];
    let mut sources = vec![(None, Source::new(named("/look.typ"), COMMON.to_owned()))];
    for (form, path) in forms {
        let source = Source::new(named(path), template(form).to_owned());
        sources.push((Some(form), source));
    }
    sources
});

fn named(path: &str) -> FileId {
    let path = VirtualPath::new(path).unwrap_or_else(|_| unreachable!("our own names are paths"));
    FileId::new(RootedPath::new(VirtualRoot::Project, path))
}

fn text(text: String) -> Bytes {
    Bytes::from_string(text)
}

impl typst::World for World<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.desk.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.desk.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let found = SOURCES.iter().find(|(_, source)| source.id() == id);
        found.map_or(Err(FileError::AccessDenied), |(_, source)| {
            Ok(source.clone())
        })
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let found = self.files.iter().find(|(file, _)| *file == id);
        found.map_or(Err(FileError::AccessDenied), |(_, bytes)| Ok(bytes.clone()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.desk.fonts.all.get(index).cloned()
    }

    /// There is no clock: a document's date is in its data.
    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
