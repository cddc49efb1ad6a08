//! How a licensee's statement or a bank's file is laid out, as an officer says it on a page: the same
//! mapping that commands take from a file.

use std::collections::BTreeMap;

use office::{
    Answer,
    answer::refuse,
    statement::{FileKind, Payer, STATEMENT_COLUMNS, StatementMapping, check_mapping},
};

use super::{
    uploads::Typed,
    view::{FieldKind, FormWords},
};

/// The fields of a form that say it.
pub const FIELDS: [&str; 7] = [
    "kind",
    "dates",
    "separator",
    "columns",
    "installations",
    "kinds",
    "payers",
];
const DATES: [(&str, &str); 5] = [
    ("", "2026-03-31"),
    ("%d/%m/%Y", "31/03/2026"),
    ("%d/%m/%y", "31/03/26"),
    ("%d %b %Y", "31 Mar 2026"),
    ("%d-%b-%Y", "31-Mar-2026"),
];
const SEPARATORS: [(&str, &str); 3] = [(",", "a comma"), (";", "a semicolon"), ("tab", "a tab")];

/// The mapping that was typed.
pub fn typed(typed: &Typed) -> Answer<StatementMapping> {
    let kind = match typed.text("kind") {
        "statement" | "" => FileKind::Statement,
        "bank" => FileKind::Bank,
        other => return refuse(format!("`{other}` is no kind of file")),
    };
    let delimiter = match typed.text("separator") {
        "" | "," => ',',
        ";" => ';',
        "tab" => '\t',
        other => return refuse(format!("`{other}` separates no columns")),
    };
    let payers = pairs(typed, "payers")?.into_iter();
    let mapping = StatementMapping {
        kind,
        date_format: typed.text("dates").to_owned(),
        delimiter,
        columns: pairs(typed, "columns")?,
        installations: pairs(typed, "installations")?,
        kinds: pairs(typed, "kinds")?,
        payer: payers
            .map(|(text, whose)| match whose.strip_prefix("host ") {
                Some(host) => Payer {
                    text,
                    installation: String::new(),
                    host: host.trim().to_owned(),
                },
                None => Payer {
                    text,
                    installation: whose,
                    host: String::new(),
                },
            })
            .collect(),
    };
    check_mapping("of this page", &mapping)?;
    Ok(mapping)
}

/// The lines of a field, each `left = right`.
fn pairs(typed: &Typed, field: &str) -> Answer<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for line in typed.text(field).lines().map(str::trim) {
        if line.is_empty() {
            continue;
        }
        match line.split_once('=') {
            Some((left, right)) if !left.trim().is_empty() && !right.trim().is_empty() => {
                all.insert(left.trim().to_owned(), right.trim().to_owned());
            }
            _ => {
                return refuse(format!(
                    "`{line}` is no pair\nhint: write one a line, with an equals sign between"
                ));
            }
        }
    }
    Ok(all)
}

/// Asks for it; what was typed before stands in the fields.
pub fn ask(form: FormWords, typed: &Typed, with_kind: bool) -> FormWords {
    let choices = |all: &[(&str, &str)]| {
        let all = all.iter();
        all.map(|(value, words)| ((*value).to_owned(), (*words).to_owned()))
            .collect()
    };
    let form = match with_kind {
        true => form.ask(
            "kind",
            "Whose file it is",
            FieldKind::Choice(choices(&[
                ("statement", "a licensee's statement"),
                ("bank", "the bank's"),
            ])),
            typed.text("kind"),
        ),
        false => form,
    };
    form.may(
        "dates",
        "How it writes days",
        FieldKind::Choice(choices(&DATES)),
        typed.text("dates"),
    )
    .may(
        "separator",
        "What stands between its columns",
        FieldKind::Choice(choices(&SEPARATORS)),
        typed.text("separator"),
    )
    .may(
        "columns",
        &format!(
            "What it calls its columns|One a line, ours first, such as: installation = FIT ID. A statement has {}; a bank's file paid_on, pounds (or paid_in and paid_out) and text. Leave out what has our name already.",
            STATEMENT_COLUMNS.join(", ")
        ),
        FieldKind::Lines,
        typed.text("columns"),
    )
    .may(
        "installations",
        "What it calls installations|One a line, the file's first, such as: FIT00012345 = elmore-house-fit.",
        FieldKind::Lines,
        typed.text("installations"),
    )
    .may(
        "kinds",
        "What it calls kinds of payment|One a line, the file's first, such as: Gen = generation. Ours are generation, export-deemed, export-metered and deduction.",
        FieldKind::Lines,
        typed.text("kinds"),
    )
    .may(
        "payers",
        "Who pays for what, in a bank's file|One a line, a part of the row's text first, such as: GOOD LICENSEE = elmore-house-fit, or COUNCIL = host council.",
        FieldKind::Lines,
        typed.text("payers"),
    )
}

/// What was typed goes along unseen.
pub fn along(mut form: FormWords, typed: &Typed) -> FormWords {
    for field in FIELDS {
        let text = typed.text(field);
        if !text.is_empty() {
            form = form.with(field, text);
        }
    }
    form
}
