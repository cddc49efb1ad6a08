//! Which form a bank wants, as a data file.
//!
//! ```toml
//! title = "Bank, what it calls the form"
//! source = "where its columns are printed"
//! sample = true                 # when they were not found in print
//! kind = "csv"                  # or "pain.001.001.09", "pain.001.001.03", "bacs18"
//! by_hand = false               # true: a list for people, not sent to a bank
//! head = false                  # a line with the columns' titles
//! delimiter = ","
//! line_end = "crlf"             # or "lf"
//! quote = "needed"              # or "always", "never"
//! date = "dd/mm/yyyy"           # or "yyyy-mm-dd", "yyyymmdd"
//! first = [["H", "date_made"]]  # rows before the payments
//! last = [["T"]]                # rows after them
//! [[column]]
//! title = "Sort code"
//! value = "sort_code"
//! ```
//!
//! A value is a word of [`VALUES`], or text of its own behind an equals sign: `=99`.

use serde::Deserialize;

/// What a column or a cell may hold.
pub const VALUES: [&str; 19] = [
    "sort_code",
    "sort_code_dashed",
    "account",
    "name",
    "roll_number",
    "pounds",
    "pence",
    "reference",
    "date",
    "date_made",
    "own_name",
    "own_sort_code",
    "own_sort_code_dashed",
    "own_account",
    "service_user",
    "order",
    "count",
    "control_pounds",
    "line",
];

/// A profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What it is called.
    pub title: String,
    /// Where the form is printed.
    pub source: String,
    /// True when its columns were not found in print.
    pub sample: bool,
    /// True for a list that people work from: it goes to no bank, and its day may be past.
    pub by_hand: bool,
    /// The form.
    pub kind: Kind,
}

/// A form.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Columns.
    Csv(Columns),
    /// ISO 20022 customer credit transfer, version 3 or 9.
    Pain(u8),
    /// Bacs Standard 18.
    Bacs18,
}

/// Columns of a CSV form.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Whether titles stand on the first line.
    pub head: bool,
    /// Between columns.
    pub delimiter: u8,
    /// `\r\n` rather than `\n`.
    pub crlf: bool,
    /// When cells stand in quotes.
    pub quote: Quote,
    /// How days are written.
    pub date: DateForm,
    /// Rows before the payments.
    pub first: Vec<Vec<String>>,
    /// Title and value.
    pub columns: Vec<(String, String)>,
    /// Rows behind the payments.
    pub last: Vec<Vec<String>>,
}

/// When cells stand in quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quote {
    /// Where a cell has the delimiter in it.
    #[default]
    Needed,
    /// Always.
    Always,
    /// Never: the character set has no delimiter.
    Never,
}

/// How days are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum DateForm {
    /// 31/12/2026
    #[default]
    #[serde(rename = "dd/mm/yyyy")]
    Slashes,
    /// 2026-12-31
    #[serde(rename = "yyyy-mm-dd")]
    Iso,
    /// 20261231
    #[serde(rename = "yyyymmdd")]
    Bare,
}

/// A profile cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// It is no such file.
    #[error("{0}")]
    File(String),
    /// An unknown kind.
    #[error("kind is `{0}`; expected csv, pain.001.001.09, pain.001.001.03 or bacs18")]
    Kind(String),
    /// An unknown value.
    #[error("`{0}` is no value of a column; expected one of {list}, or text behind `=`", list = VALUES.join(", "))]
    Value(String),
    /// A key with a word that is none.
    #[error("{key} is `{word}`; expected {expected}")]
    Word {
        /// The key.
        key: &'static str,
        /// What stands there.
        word: String,
        /// What may.
        expected: &'static str,
    },
    /// Columns in a form that has none, or none in one that needs them.
    #[error(
        "a csv form has columns with sort_code, account, pounds or pence, and name; other forms have none"
    )]
    Columns,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    title: String,
    source: String,
    #[serde(default)]
    sample: bool,
    kind: String,
    #[serde(default)]
    by_hand: bool,
    #[serde(default)]
    head: bool,
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default = "crlf")]
    line_end: String,
    #[serde(default)]
    quote: Quote,
    #[serde(default)]
    date: DateForm,
    #[serde(default)]
    first: Vec<Vec<String>>,
    #[serde(default)]
    last: Vec<Vec<String>>,
    #[serde(default)]
    column: Vec<FileColumn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileColumn {
    #[serde(default)]
    title: String,
    value: String,
}

fn comma() -> String {
    ",".into()
}

fn crlf() -> String {
    "crlf".into()
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError`] with the key that is wrong.
    pub fn read(text: &str) -> Result<Profile, ProfileError> {
        let file: FileForm = toml::from_str(text).map_err(|e| ProfileError::File(e.to_string()))?;
        let kind = match file.kind.as_str() {
            "csv" => Kind::Csv(columns(&file)?),
            "pain.001.001.03" => Kind::Pain(3),
            "pain.001.001.09" => Kind::Pain(9),
            "bacs18" => Kind::Bacs18,
            other => return Err(ProfileError::Kind(other.to_owned())),
        };
        if !matches!(kind, Kind::Csv(_)) && !file.column.is_empty() {
            return Err(ProfileError::Columns);
        }
        Ok(Profile {
            title: file.title,
            source: file.source,
            sample: file.sample,
            by_hand: file.by_hand,
            kind,
        })
    }
}

fn columns(file: &FileForm) -> Result<Columns, ProfileError> {
    let delimiter = match file.delimiter.as_bytes() {
        [one] if matches!(one, b',' | b';' | b'\t' | b'|') => *one,
        _ => {
            return Err(ProfileError::Word {
                key: "delimiter",
                word: file.delimiter.clone(),
                expected: "`,`, `;`, `|` or a tab",
            });
        }
    };
    let crlf = match file.line_end.as_str() {
        "crlf" => true,
        "lf" => false,
        other => {
            return Err(ProfileError::Word {
                key: "line_end",
                word: other.to_owned(),
                expected: "`crlf` or `lf`",
            });
        }
    };
    let own = file.column.iter().map(|column| &column.value);
    let rows = file.first.iter().chain(&file.last).flatten();
    for value in own.chain(rows) {
        if !value.starts_with('=') && !VALUES.contains(&value.as_str()) {
            return Err(ProfileError::Value(value.clone()));
        }
    }
    let has = |words: &[&str]| {
        let mut all = file.column.iter();
        all.any(|column| words.contains(&column.value.as_str()))
    };
    let whole = has(&["sort_code", "sort_code_dashed"])
        && has(&["account"])
        && has(&["pounds", "pence"])
        && has(&["name"]);
    if !whole {
        return Err(ProfileError::Columns);
    }
    Ok(Columns {
        head: file.head,
        delimiter,
        crlf,
        quote: file.quote,
        date: file.date,
        first: file.first.clone(),
        columns: file
            .column
            .iter()
            .map(|column| (column.title.clone(), column.value.clone()))
            .collect(),
        last: file.last.clone(),
    })
}
