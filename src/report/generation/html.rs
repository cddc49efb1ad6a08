//! The report as HTML: a complete page that needs nothing else, and the pieces a web page wraps.
//!
//! The order is always the same: the sentence, the picture, the paragraph, the table, the working.
//! The picture is drawn twice, standing for screens and paper, lying for phones; the stylesheet
//! shows one. There is no script and no style attribute, so that a strict content policy holds.

use askama::Template;

use super::{GenerationReport, IncomeLine, ReportError, table::Line};
use crate::{
    chart::{Setting, Shape},
    factors, words,
};

const STYLESHEET: &str = include_str!("../../web/assets/commonwatt.css");
const REGULAR: &[u8] =
    include_bytes!("../../web/assets/fonts/atkinson-hyperlegible-next-latin-400-normal.woff2");
const BOLD: &[u8] =
    include_bytes!("../../web/assets/fonts/atkinson-hyperlegible-next-latin-700-normal.woff2");

#[derive(Template)]
#[template(path = "generation_page.html")]
struct Page {
    title: String,
    stylesheet: String,
    fragment: String,
}

#[derive(Template)]
#[template(path = "generation_fragment.html")]
struct Fragment {
    kicker: String,
    sentence: String,
    wide: String,
    tall: String,
    caption: String,
    paragraph: Vec<Piece>,
    remarks: Vec<String>,
    income: String,
    table_caption: String,
    step_axis: String,
    sample_generation: bool,
    sample_forecast: bool,
    generation_mark: &'static str,
    forecast_mark: &'static str,
    lines: Vec<Line>,
    total: Line,
    forecast: Option<String>,
    working: Vec<super::Step>,
    drawn_up: String,
    factors: Vec<Source>,
}

#[derive(Template)]
#[template(path = "generation_figure.html")]
struct Figure {
    wide: String,
    tall: String,
    caption: String,
}

#[derive(Template)]
#[template(path = "generation_table.html")]
struct Table {
    table_caption: String,
    step_axis: String,
    sample_generation: bool,
    sample_forecast: bool,
    generation_mark: &'static str,
    forecast_mark: &'static str,
    lines: Vec<Line>,
    total: Line,
}

#[derive(Template)]
#[template(path = "generation_income.html")]
struct Earned {
    sentence: String,
    sample: bool,
    mark: &'static str,
    lines: Vec<IncomeLine>,
    total: IncomeLine,
    notes: Vec<String>,
}

struct Piece {
    html: String,
    footnote: Option<usize>,
}

struct Source {
    number: usize,
    value: String,
    unit: String,
    source: String,
    year: i32,
    certainty: &'static str,
}

/// A complete page around a fragment: stylesheet and type inside, nothing to fetch.
///
/// # Panics
/// Never: the template has no part that can fail.
#[must_use]
pub(crate) fn page_of(title: &str, fragment: String) -> String {
    let regular = data_address(REGULAR);
    let bold = data_address(BOLD);
    let stylesheet = STYLESHEET
        .replace(
            "fonts/atkinson-hyperlegible-next-latin-400-normal.woff2",
            &regular,
        )
        .replace(
            "fonts/atkinson-hyperlegible-next-latin-700-normal.woff2",
            &bold,
        );
    let page = Page {
        title: title.to_owned(),
        stylesheet,
        fragment,
    };
    page.render().expect("text goes into text")
}

impl GenerationReport {
    /// A complete page: stylesheet, type and picture inside, nothing to fetch.
    ///
    /// # Errors
    /// When drawing or the template refuses.
    pub fn html_page(&self) -> Result<String, ReportError> {
        Ok(page_of(&self.title(), self.html_fragment()?))
    }

    /// Sentence (the page's `h1`), picture, paragraph, table and working, for a page that has the
    /// stylesheet.
    ///
    /// # Errors
    /// When drawing or the template refuses.
    pub fn html_fragment(&self) -> Result<String, ReportError> {
        let factors = self.factors.iter().enumerate();
        let factors = factors.map(|(place, factor)| Source {
            number: place + 1,
            value: words::decimal(factor.value),
            unit: markup(&factor.unit),
            source: markup(&factor.source),
            year: factor.year,
            certainty: factors::certainty_in_words(factor.certainty),
        });
        let clauses = self.clauses().into_iter();
        let paragraph = clauses.map(|clause| Piece {
            html: markup(&clause.text),
            footnote: clause.factor.and_then(|name| self.footnote(name)),
        });
        let table = self.table();
        self.written(&Fragment {
            kicker: self.title(),
            sentence: markup(&self.sentence()),
            wide: self.drawn(Shape::Wide, Setting::Inline("bars-wide"))?,
            tall: self.drawn(Shape::Tall, Setting::Inline("bars-tall"))?,
            caption: self.caption(),
            paragraph: paragraph.collect(),
            remarks: self.remarks().iter().map(|text| markup(text)).collect(),
            income: self.html_income()?,
            table_caption: table.table_caption,
            step_axis: table.step_axis,
            sample_generation: table.sample_generation,
            sample_forecast: table.sample_forecast,
            generation_mark: table.generation_mark,
            forecast_mark: table.forecast_mark,
            lines: table.lines,
            total: table.total,
            forecast: self.forecast_in_words(),
            working: self.working.clone(),
            drawn_up: words::date(self.zone.day_of(self.drawn_up)),
            factors: factors.collect(),
        })
    }

    /// The picture alone, both ways, with its caption. `prefix` keeps its ids apart from others on
    /// the page.
    ///
    /// # Errors
    /// When drawing or the template refuses.
    pub fn html_figure(&self, prefix: &str) -> Result<String, ReportError> {
        let (wide, tall) = (format!("{prefix}-wide"), format!("{prefix}-tall"));
        self.written(&Figure {
            wide: self.drawn(Shape::Wide, Setting::Inline(&wide))?,
            tall: self.drawn(Shape::Tall, Setting::Inline(&tall))?,
            caption: self.caption(),
        })
    }

    /// The table alone.
    ///
    /// # Errors
    /// When the template refuses.
    pub fn html_table(&self) -> Result<String, ReportError> {
        self.written(&self.table())
    }

    /// What the roof earned, with its table; empty where nobody asked.
    fn html_income(&self) -> Result<String, ReportError> {
        let (Some(income), Some(sentence)) = (&self.income, self.income_sentence()) else {
            return Ok(String::new());
        };
        let (lines, total) = income.lines();
        self.written(&Earned {
            sentence: markup(&sentence),
            sample: income.sample,
            mark: if income.sample { " (SAMPLE)" } else { "" },
            lines,
            total,
            notes: income.notes.iter().map(|note| markup(note)).collect(),
        })
    }

    /// "Elmore House, generation report 2013".
    #[must_use]
    pub fn title(&self) -> String {
        let when = words::span(self.period.start, self.period.end);
        match &self.place {
            Some(place) => format!("{}, {place}: generation report, {when}", self.society),
            None => format!("{}: generation report, {when}", self.society),
        }
    }

    fn table(&self) -> Table {
        let mark = |sample: bool| if sample { " (SAMPLE)" } else { "" };
        let (step, _) = words::step(self.period.granularity);
        let sample_generation = self.samples.generation || self.samples.rows;
        let sample_forecast = self.samples.forecast || self.samples.rows;
        Table {
            table_caption: format!(
                "Made and forecast by {step}, {}",
                words::span(self.period.start, self.period.end)
            ),
            step_axis: words::step_axis(&self.period),
            sample_generation,
            sample_forecast,
            generation_mark: mark(sample_generation),
            forecast_mark: mark(sample_forecast),
            lines: self.lines(),
            total: self.total_line(),
        }
    }

    fn caption(&self) -> String {
        let (step, _) = words::step(self.period.granularity);
        let mut text = format!(
            "The filled bar is what {} made each {step}; the outline behind it is the forecast.",
            self.subject()
        );
        if self.rows.iter().any(super::Row::has_hole) {
            text.push_str(" Striped bars are not complete; hatched gaps are not known.");
        }
        text
    }

    fn written(&self, template: &impl Template) -> Result<String, ReportError> {
        template.render().map_err(|cause| ReportError::Write {
            subject: self.subject().to_owned(),
            format: "HTML",
            cause: cause.to_string(),
        })
    }
}

/// Escapes text, keeps numbers with their units on one line and sets CO2 as it is written.
fn markup(text: &str) -> String {
    words::unbroken(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace("CO2", "CO<sub>2</sub>")
        .replace("SAMPLE", "<span class=\"sample\">SAMPLE</span>")
}

/// RFC 4648 base64, for type inside the page.
fn data_address(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("data:font/woff2;base64,");
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            let six = (bits >> (18 - 6 * place)) & 0x3F;
            match place <= chunk.len() {
                true => text.push(char::from(ALPHABET[six as usize])),
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        assert_eq!(
            markup("<Elmore> & \"House\" 5 kWh of CO2"),
            "&lt;Elmore&gt; &amp; &quot;House&quot; 5\u{a0}kWh of CO<sub>2</sub>"
        );
    }

    #[test]
    fn type_is_embedded_as_base64() {
        let text = |bytes: &[u8]| data_address(bytes).split_off(23);
        assert_eq!(text(b"foobar"), "Zm9vYmFy");
        assert_eq!(text(b"fooba"), "Zm9vYmE=");
        assert_eq!(text(b"foob"), "Zm9vYg==");
    }
}
