//! Documents that are files: typeset sheets and workbooks, written to the file that `--out` names.

use std::path::Path;

use pdf::{Document, Form, NotSet, Typesetter};
use report::paper::Paper;

use super::Desk;
use office::{Answer, Refusal, answer::refuse};

/// Writes bytes to the file that is named; a document that is no text is not printed on a terminal.
pub(super) fn write(
    desk: &mut Desk<'_>,
    out: Option<&Path>,
    bytes: &[u8],
    what: &str,
) -> Answer<()> {
    let Some(out) = out else {
        return refuse(format!(
            "a {what} is not text\nhint: name the file with --out FILE"
        ));
    };
    let path = desk.folder.join(out);
    std::fs::write(&path, bytes)
        .map_err(|e| Refusal::Caller(format!("`{}`: {e}", path.display())))?;
    desk.voice.say(&format!("written to `{}`", path.display()));
    Ok(())
}

/// Sets a sheet and writes it.
pub(super) fn set(desk: &mut Desk<'_>, paper: &Paper, out: Option<&Path>) -> Answer<()> {
    if out.is_none() {
        return write(desk, None, &[], "PDF");
    }
    let document = Document {
        form: Form::Paper,
        data: paper.data(),
        pictures: paper.pictures(),
    };
    let sheet = Typesetter::default().set(&document);
    pdf::forget();
    let sheet = sheet.map_err(|why| match why {
        NotSet::Ours(_) => Refusal::Ours(why.to_string()),
        _ => Refusal::Caller(why.to_string()),
    })?;
    write(desk, out, &sheet.pdf, "PDF")
}
