//! A form for a note.

use askama::Template;

use super::{Frame, Link};

/// The form.
#[derive(Clone, Debug, Template)]
#[template(path = "note.html")]
pub struct NotePage {
    /// What every page has.
    pub frame: Frame,
    /// Where it belongs.
    pub kicker: Vec<Link>,
    /// This page.
    pub here: String,
    /// What is done.
    pub title: &'static str,
    /// What follows.
    pub follows: &'static str,
    /// Its fields.
    pub fields: Vec<NoteField>,
    /// Why it was not taken.
    pub trouble: Option<String>,
}

/// A field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoteField {
    /// Its key.
    pub key: &'static str,
    /// Its label.
    pub label: &'static str,
    /// A line of help; empty where none is needed.
    pub help: &'static str,
    /// What was typed.
    pub value: String,
    /// It cannot be left empty.
    pub needed: bool,
    /// `line`, `lines`, `day`, `number` or `one`.
    pub kind: &'static str,
    /// What can be chosen.
    pub choices: &'static [&'static str],
}
