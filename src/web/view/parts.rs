//! A page that is a row of parts: words, lists, tables, forms. For pages of officers and members that
//! need no picture of their own; what each says is made by its handler, in the order of the page.

use askama::Template;

use super::{Frame, Link};

/// A page of parts.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "parts.html")]
pub struct PartsPage {
    /// What every page has.
    pub frame: Frame,
    /// The pages it lies below, the nearest last.
    pub above: Vec<Link>,
    /// What happened, in one sentence.
    pub sentence: String,
    /// SAMPLE.
    pub sample: bool,
    /// Why the last try was not taken.
    pub trouble: Option<String>,
    /// What the last try did.
    pub done: Option<String>,
    /// The page is asked for again after so many seconds; 0: never.
    pub again_s: u32,
    /// The parts.
    pub parts: Vec<Part>,
}

/// A part.
#[derive(Clone, Debug)]
pub enum Part {
    /// A heading.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A paragraph in small letters.
    Small(String),
    /// Short lines.
    List(Vec<String>),
    /// Ways from here.
    Links(Vec<Link>),
    /// Steps, and whether each is done.
    Steps(Vec<(String, bool)>),
    /// A table.
    Table(Table),
    /// A form.
    Form(Form),
    /// How far a long piece of work is: done and all.
    Progress(u64, u64),
    /// A picture, ready made.
    Picture(String),
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What it is.
    pub caption: String,
    /// Heads of columns; true for words, which stand to the left.
    pub head: Vec<(String, bool)>,
    /// Rows; the first cell names the row.
    pub rows: Vec<Vec<Cell>>,
    /// The sums.
    pub foot: Vec<String>,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Where it leads.
    pub href: Option<String>,
}

/// A form.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// What follows from it, above the button.
    pub follows: String,
    /// Fields nobody sees.
    pub hidden: Vec<(&'static str, String)>,
    /// Fields.
    pub fields: Vec<Field>,
    /// The button.
    pub button: String,
    /// It is not the main thing to do here.
    pub quieter: bool,
    /// It looks and changes nothing: sent by GET.
    pub looks: bool,
    /// It has a file in it.
    pub has_file: bool,
    /// Where several stand on one page: what tells its fields from the others'.
    pub id: String,
}

/// A field of a form.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is called.
    pub label: String,
    /// A line of help.
    pub help: String,
    /// What is in it.
    pub value: String,
    /// What kind.
    pub kind: FieldKind,
    /// It may not be empty.
    pub required: bool,
}

/// What kind of field it is.
#[derive(Clone, Debug)]
pub enum FieldKind {
    /// A line of text; true for a short one.
    Line(bool),
    /// A day.
    Day,
    /// Several lines.
    Lines,
    /// A file.
    File,
    /// One of these: value and words.
    OneOf(Vec<(String, String)>),
}

impl Table {
    /// A table with these heads; those that begin with `<` are words.
    pub fn new(caption: &str, head: &[&str]) -> Table {
        let head = head.iter().map(|head| match head.strip_prefix('<') {
            Some(words) => (words.to_owned(), true),
            None => ((*head).to_owned(), false),
        });
        Table {
            caption: caption.to_owned(),
            head: head.collect(),
            ..Table::default()
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The head of a column.
    pub fn label(&self, place: &usize) -> &str {
        self.head.get(*place).map_or("", |(head, _)| head.as_str())
    }

    /// Whether a column is of words.
    pub fn is_words(&self, place: &usize) -> bool {
        self.head.get(*place).is_some_and(|(_, words)| *words)
    }
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell {
            text: text.into(),
            href: None,
        }
    }

    /// Words that lead somewhere.
    pub fn link(text: impl Into<String>, href: String) -> Cell {
        Cell {
            text: text.into(),
            href: Some(href),
        }
    }
}

impl Field {
    /// A field that has to be filled.
    pub fn new(name: &'static str, label: &str, kind: FieldKind) -> Field {
        Field {
            name,
            label: label.to_owned(),
            help: String::new(),
            value: String::new(),
            kind,
            required: true,
        }
    }

    /// With a line of help.
    #[must_use]
    pub fn help(mut self, help: &str) -> Field {
        help.clone_into(&mut self.help);
        self
    }

    /// With something in it.
    #[must_use]
    pub fn value(mut self, value: &str) -> Field {
        value.clone_into(&mut self.value);
        self
    }

    /// It may stay empty.
    #[must_use]
    pub fn optional(mut self) -> Field {
        self.required = false;
        self
    }
}
