//! A statement as text, as a page, and as the data of a typeset sheet.

use askama::Template;
use serde_json::{Value, json};

use super::{Statement, words::Section};
use crate::{
    generation::{ReportError, page_of},
    qr,
    texts::{ENGLISH, Texts},
    words::{date, unbroken, unbroken_dates},
};

const HEAD: [&str; 6] = ENGLISH.held;
const ROOF_HEAD: [&str; 5] = ENGLISH.roofs;

#[derive(Template)]
#[template(path = "statement.html")]
struct Fragment<'a> {
    statement: &'a Statement,
    texts: Texts,
    title: String,
    sentence: String,
    head: [&'static str; 6],
    rows: Vec<[String; 6]>,
    total: String,
    roof_head: [&'static str; 5],
    roofs: Vec<[String; 5]>,
    sections: Vec<Section>,
    working: Vec<String>,
    address: Vec<String>,
    on: String,
    code: String,
    code_words: &'static str,
    code_picture: String,
    link: Option<String>,
}

impl Statement {
    /// As text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let run = &self.run;
        let mut text = String::new();
        let mut line = |words: &str| {
            text.push_str(words);
            text.push('\n');
        };
        if run.sample {
            line(&format!("{}\n", ENGLISH.sample));
        }
        line(&format!("{}\n{}\n", run.society, self.title()));
        line(&self.address_lines().join("\n"));
        line(&format!(
            "\n{} {}, {}\n\n{}\n",
            ENGLISH.reference[0],
            self.to.member,
            date(run.frozen_on),
            self.sentence()
        ));
        line(&columns(&HEAD.map(str::to_owned), &self.cells()));
        line(&format!("{} {}\n", ENGLISH.together, self.total));
        for section in self.sections() {
            line(section.heading);
            line(&format!("{}\n", section.text.join("\n")));
        }
        line(ENGLISH.how_we_know);
        line(&self.working().join("\n"));
        if !run.roofs.is_empty() {
            let head = ROOF_HEAD.map(str::to_owned);
            line(&format!("\n{}", columns(&head, &self.roof_cells())));
        }
        line(&format!("{}: {}", self.code_words(), self.code()));
        for notice in &run.notices {
            line(&format!("{}: {notice}", ENGLISH.sample));
        }
        text
    }

    /// As a complete page that needs nothing else.
    ///
    /// # Errors
    /// When the template cannot be filled.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let run = &self.run;
        let fragment = Fragment {
            statement: self,
            texts: ENGLISH,
            title: self.title(),
            sentence: self.sentence(),
            head: HEAD,
            rows: self.cells(),
            total: self.total.to_string(),
            roof_head: ROOF_HEAD,
            roofs: self.roof_cells(),
            sections: self.sections(),
            working: self.working(),
            address: self.address_lines(),
            on: date(run.frozen_on),
            code: self.code(),
            code_words: self.code_words(),
            code_picture: qr::svg(&self.code()).unwrap_or_default(),
            link: run.address.as_ref().map(|_| self.code()),
        };
        let written = fragment.render().map_err(|cause| ReportError::Write {
            subject: format!("statement of member {}", self.to.member),
            format: "html",
            cause: cause.to_string(),
        })?;
        Ok(page_of(
            &format!("{}, {}", self.title(), run.society),
            written,
        ))
    }

    /// What the typeset sheet reads; its pictures are [`Self::pictures`].
    #[must_use]
    pub fn data(&self) -> Value {
        let run = &self.run;
        let section =
            |section: Section| json!({ "heading": section.heading, "text": section.text });
        let sections: Vec<Value> = self.sections().into_iter().map(section).collect();
        json!({
            "title": format!("{}, {}, {} {}", self.title(), run.society, ENGLISH.member, self.to.member),
            "lang": ENGLISH.lang,
            "region": ENGLISH.region,
            "page": ENGLISH.page,
            "words": {
                "sample": ENGLISH.sample,
                "member": ENGLISH.member,
                "together": ENGLISH.together,
                "how_we_know": ENGLISH.how_we_know,
                "code": ENGLISH.code,
            },
            "date": run.frozen_on.to_string(),
            "author": run.society,
            "sample": run.sample,
            "society": run.society,
            "heading": self.title(),
            "address": self.address_lines(),
            "reference": [
                [ENGLISH.reference[0], &self.to.member.to_string()],
                [ENGLISH.reference[1], &date(run.frozen_on)],
                [ENGLISH.reference[2], &run.number.to_string()],
            ],
            "sentence": unbroken(&unbroken_dates(&self.sentence())),
            "chart_words": run.generation.chart().description,
            "chart_caption": run.generation.sentence(),
            "head": HEAD,
            "rows": self.cells(),
            "total": self.total.to_string(),
            "sections": sections,
            "working": self.working(),
            "roof_head": ROOF_HEAD,
            "roofs": self.roof_cells(),
            "code_words": self.code_words(),
            "link": run.address.as_ref().map(|_| self.code()),
            "notices": run.notices,
        })
    }

    /// The pictures of the typeset sheet, by the name its template shows them under.
    #[must_use]
    pub fn pictures(&self) -> Vec<(&'static str, String)> {
        vec![
            ("/chart.svg", self.run.chart.clone()),
            ("/code.svg", qr::svg(&self.code()).unwrap_or_default()),
        ]
    }

    fn address_lines(&self) -> Vec<String> {
        let mut lines = vec![self.addressed()];
        lines.extend(self.to.address.iter().cloned());
        lines
    }

    fn cells(&self) -> Vec<[String; 6]> {
        let rows = self.rows().into_iter();
        rows.map(|row| {
            [
                row.class,
                row.shares,
                row.days,
                row.count,
                row.rate,
                row.interest,
            ]
        })
        .collect()
    }

    fn roof_cells(&self) -> Vec<[String; 5]> {
        let roofs = self.run.roofs.iter().cloned();
        roofs
            .map(|roof| [roof.roof, roof.meter, roof.opening, roof.closing, roof.made])
            .collect()
    }
}

/// A table in columns of characters.
fn columns<const N: usize>(head: &[String; N], rows: &[[String; N]]) -> String {
    let all = || std::iter::once(head).chain(rows);
    let widths: Vec<usize> = (0..N)
        .map(|place| {
            let cells = all().map(|row| row[place].chars().count());
            cells.max().unwrap_or(0)
        })
        .collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all().map(line).collect::<Vec<_>>().join("\n")
}
