//! A dossier as a Word document: headings, paragraphs and tables, nothing else.
//!
//! Of Office Open XML (ECMA-376) only what such a document needs: content types, one relation, the
//! document with its paragraphs and tables. No macro, picture, link or field is ever written; text is
//! text. The same dossier gives the same bytes.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::dossier::{Amount, Dossier};

const TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;

/// Half points of the running text, of a heading, of the sentence.
const TEXT: u8 = 22;
const HEADING: u8 = 28;
const SENTENCE: u8 = 34;

impl Dossier {
    /// As a Word document.
    ///
    /// # Errors
    /// When the archive cannot be written, which memory always takes.
    pub fn to_docx(&self) -> Result<Vec<u8>, zip::result::ZipError> {
        let mut body = String::new();
        if self.sample {
            paragraph(
                &mut body,
                "SAMPLE: something of this is sample data; each such figure says so.",
                TEXT,
                true,
            );
        }
        paragraph(
            &mut body,
            &format!("{}, {}", self.author, self.heading),
            TEXT,
            false,
        );
        paragraph(&mut body, &self.sentence, SENTENCE, true);
        for section in &self.sections {
            paragraph(&mut body, &section.heading, HEADING, true);
            for text in &section.text {
                paragraph(&mut body, text, TEXT, false);
            }
            if let Some((_, words)) = &section.chart {
                paragraph(&mut body, words, TEXT, false);
            }
            if !section.figures.is_empty() {
                let head = ["Figure", "Amount", "Evidence"].map(str::to_owned);
                let rows = section.figures.iter().map(|figure| {
                    vec![
                        figure.what.clone(),
                        figure.amount.shown(),
                        figure.evidence_shown(),
                    ]
                });
                table(&mut body, &head, rows);
            }
            for one in &section.tables {
                paragraph(&mut body, &one.caption, TEXT, true);
                let rows = one
                    .rows
                    .iter()
                    .map(|row| row.iter().map(Amount::shown).collect());
                table(&mut body, &one.head, rows);
            }
        }
        if !self.notes.is_empty() {
            paragraph(&mut body, "How we know", HEADING, true);
            for note in &self.notes {
                paragraph(&mut body, note, TEXT, false);
            }
        }
        for who in &self.signatures {
            paragraph(
                &mut body,
                &format!("{who}: ______________________"),
                TEXT,
                false,
            );
        }
        let document = format!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1134" w:right="1134" w:bottom="1134" w:left="1134" w:header="0" w:footer="0" w:gutter="0"/></w:sectPr></w:body></w:document>"#
        );
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // No clock: the first instant an archive can name.
        let how = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default());
        for (name, text) in [
            ("[Content_Types].xml", TYPES),
            ("_rels/.rels", RELATIONS),
            ("word/document.xml", document.as_str()),
        ] {
            archive.start_file(name, how)?;
            archive.write_all(text.as_bytes())?;
        }
        Ok(archive.finish()?.into_inner())
    }
}

fn paragraph(into: &mut String, text: &str, half_points: u8, bold: bool) {
    let bold = if bold { "<w:b/>" } else { "" };
    into.push_str(&format!(
        r#"<w:p><w:pPr><w:spacing w:after="120"/></w:pPr><w:r><w:rPr>{bold}<w:sz w:val="{half_points}"/></w:rPr><w:t xml:space="preserve">{}</w:t></w:r></w:p>"#,
        escaped(text)
    ));
}

fn table(into: &mut String, head: &[String], rows: impl Iterator<Item = Vec<String>>) {
    into.push_str(r#"<w:tbl><w:tblPr><w:tblW w:w="5000" w:type="pct"/><w:tblBorders><w:insideH w:val="single" w:sz="4" w:color="999999"/><w:bottom w:val="single" w:sz="4" w:color="999999"/></w:tblBorders></w:tblPr><w:tblGrid>"#);
    for _ in head {
        into.push_str("<w:gridCol/>");
    }
    into.push_str("</w:tblGrid>");
    row(into, head, true);
    for cells in rows {
        row(into, &cells, false);
    }
    into.push_str("</w:tbl>");
    paragraph(into, "", TEXT, false);
}

fn row(into: &mut String, cells: &[String], bold: bool) {
    into.push_str("<w:tr>");
    for cell in cells {
        into.push_str("<w:tc><w:tcPr/>");
        paragraph(into, cell, TEXT - 2, bold);
        into.push_str("</w:tc>");
    }
    into.push_str("</w:tr>");
}

/// Text as it may stand in XML: what XML 1.0 cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_word_document_has_the_words_and_is_sound_xml() {
        let dossier = Dossier {
            author: "A & B".into(),
            heading: "<the stake>\u{1}".into(),
            sentence: "Sample Council holds £10,000.00.".into(),
            notes: vec!["How".into()],
            ..Dossier::default()
        };
        let bytes = dossier.to_docx().unwrap();
        assert_eq!(bytes, dossier.to_docx().unwrap());
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        let mut file = archive.by_name("word/document.xml").unwrap();
        file.read_to_string(&mut text).unwrap();
        let xml = roxmltree::Document::parse(&text).unwrap();
        let words: Vec<&str> = xml.descendants().filter_map(|node| node.text()).collect();
        assert!(words.contains(&"A & B, <the stake>"), "{words:?}");
    }
}
