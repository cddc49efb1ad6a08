//! A page of the desk that is put together from parts: what is so, what waits, and what can be done.
//!
//! Claims, bills, tables, money in the bank, outages, meters and roofs all have the same anatomy, so
//! that they share one template: the sentence, then parts in the order in which they are read. A part
//! holds words; nothing here knows what they are about.

use askama::Template;

use super::{Frame, Link};

/// A page of the desk.
#[derive(Clone, Debug, Template)]
#[template(path = "work.html")]
pub struct WorkPage {
    /// What every page has.
    pub frame: Frame,
    /// The ways back: the society's desk, the list.
    pub back: Vec<Link>,
    /// What is so.
    pub sentence: String,
    /// Why the last try was not taken.
    pub trouble: Option<String>,
    /// SAMPLE.
    pub sample: bool,
    /// What it has, in order.
    pub parts: Vec<Part>,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub enum Part {
    /// A heading.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// What has to be known, each a sentence.
    Notes(Vec<String>),
    /// Ways on.
    Links(Vec<Link>),
    /// A table.
    Table(TableWords),
    /// What can be done.
    Form(FormWords),
    /// A letter or a form to be printed: alone on its sheet.
    Letter(String),
    /// A picture: its address and what it shows.
    Photo(String, String),
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct TableWords {
    /// What it shows.
    pub caption: String,
    /// Its columns; the first names the row.
    pub head: Vec<Column>,
    /// Its rows.
    pub rows: Vec<RowWords>,
    /// The row under the rule.
    pub total: Vec<Cell>,
}

/// A column.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Its head.
    pub name: String,
    /// It holds words, not numbers.
    pub words: bool,
}

/// A row.
#[derive(Clone, Debug, Default)]
pub struct RowWords {
    /// Its page.
    pub href: String,
    /// Its cells, one a column.
    pub cells: Vec<Cell>,
}

/// A cell, with what a telephone shows before it.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What stands in it.
    pub text: String,
    /// The head of its column.
    pub head: String,
    /// It holds words, not a number.
    pub words: bool,
}

/// A form.
#[derive(Clone, Debug, Default)]
pub struct FormWords {
    /// Where it goes.
    pub action: String,
    /// It only looks: what was typed stands in the address.
    pub looks: bool,
    /// It carries a file.
    pub upload: bool,
    /// What goes along unseen.
    pub hidden: Vec<(String, String)>,
    /// What is asked.
    pub fields: Vec<Field>,
    /// What follows from it.
    pub follows: String,
    /// Its buttons: what each means, its words, and whether it is the quieter one.
    pub buttons: Vec<(String, String, bool)>,
}

/// A field of a form.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// Its id on the page.
    pub id: String,
    /// Its name in the form.
    pub name: String,
    /// What is asked.
    pub label: String,
    /// One line of help; empty where none is needed.
    pub help: String,
    /// What stands in it.
    pub value: String,
    /// What it is.
    pub kind: FieldKind,
    /// It has to be filled in.
    pub required: bool,
}

/// What a field takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FieldKind {
    /// A line of text.
    #[default]
    Text,
    /// A word or two.
    Short,
    /// A number with decimals.
    Decimal,
    /// A day.
    Day,
    /// A local time.
    Time,
    /// Several lines.
    Lines,
    /// One of several: value and words.
    Choice(Vec<(String, String)>),
    /// Yes or no.
    Tick,
    /// A file of these kinds; a telephone may take a picture for it.
    File(String),
}

impl WorkPage {
    /// Whether it has something to be printed alone.
    fn has_letter(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Letter(_)))
    }
}

impl TableWords {
    /// An empty table: a column that begins with `#` holds numbers, the others words.
    #[must_use]
    pub fn new(caption: &str, head: &[&str]) -> TableWords {
        let column = |name: &&str| Column {
            name: name.trim_start_matches('#').to_owned(),
            words: !name.starts_with('#'),
        };
        TableWords {
            caption: caption.to_owned(),
            head: head.iter().map(column).collect(),
            rows: Vec::new(),
            total: Vec::new(),
        }
    }

    /// One row more.
    pub fn row(&mut self, href: &str, cells: Vec<String>) {
        let cells = self.cells(cells);
        self.rows.push(RowWords {
            href: href.to_owned(),
            cells,
        });
    }

    /// The row under the rule.
    pub fn sum(&mut self, cells: Vec<String>) {
        self.total = self.cells(cells);
    }

    fn cells(&self, texts: Vec<String>) -> Vec<Cell> {
        let with_head = texts.into_iter().zip(&self.head);
        with_head
            .map(|(text, column)| Cell {
                text,
                head: column.name.clone(),
                words: column.words,
            })
            .collect()
    }
}

impl FormWords {
    /// A form without fields.
    #[must_use]
    pub fn to(action: &str) -> FormWords {
        FormWords {
            action: action.to_owned(),
            ..FormWords::default()
        }
    }

    /// What goes along unseen.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> FormWords {
        self.hidden.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks something that has to be answered; the label may carry its help after a bar.
    #[must_use]
    pub fn ask(self, name: &str, label: &str, kind: FieldKind, value: &str) -> FormWords {
        self.asks(name, label, kind, value, true)
    }

    /// Asks something that may be left out.
    #[must_use]
    pub fn may(self, name: &str, label: &str, kind: FieldKind, value: &str) -> FormWords {
        self.asks(name, label, kind, value, false)
    }

    fn asks(
        mut self,
        name: &str,
        label: &str,
        kind: FieldKind,
        value: &str,
        required: bool,
    ) -> FormWords {
        let (label, help) = label.split_once('|').unwrap_or((label, ""));
        self.upload |= matches!(kind, FieldKind::File(_));
        self.fields.push(Field {
            id: name.replace('_', "-"),
            name: name.to_owned(),
            label: label.to_owned(),
            help: help.to_owned(),
            value: value.to_owned(),
            kind,
            required,
        });
        self
    }

    /// A page may have several forms with the same fields: these ids are the form's own.
    #[must_use]
    pub fn named(mut self, form: &str) -> FormWords {
        for field in &mut self.fields {
            field.id = format!("{form}-{}", field.id);
        }
        self
    }

    /// What follows from it.
    #[must_use]
    pub fn follows(mut self, text: &str) -> FormWords {
        self.follows = text.to_owned();
        self
    }

    /// A button; `action` is what it sends, or empty.
    #[must_use]
    pub fn button(mut self, action: &str, text: &str) -> FormWords {
        self.buttons
            .push((action.to_owned(), text.to_owned(), false));
        self
    }

    /// A quieter button.
    #[must_use]
    pub fn quieter(mut self, action: &str, text: &str) -> FormWords {
        self.buttons
            .push((action.to_owned(), text.to_owned(), true));
        self
    }
}
