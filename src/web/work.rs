//! What the desk's pages of one society share: whose page it is, how it is put together, and how what
//! the office refuses is told on the page that asked.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use domain::{
    calendar::{Instant, LocalDay, Period},
    quantity::{WattHours, separated},
};
use identity::Right;
use report::{paper::Paper, words};

use super::{
    Web, frame,
    society::named,
    trouble::{Trouble, sentence},
    view::{Link, Part, TableWords, WorkPage},
    visitor::Visitor,
};
use office::{Answer, Refusal, SocietyOffice};

/// A society's desk, as somebody sees it.
pub struct Work<'a> {
    /// The pages' means.
    pub web: &'a Web,
    /// Who looks.
    pub visitor: &'a Visitor,
    /// The society.
    pub society: Arc<SocietyOffice>,
}

/// What came of a question that the office may refuse: an answer, or why not, as a sentence.
pub type Looked<T> = Result<T, String>;

impl<'a> Work<'a> {
    /// The desk of a society.
    pub fn of(web: &'a Web, visitor: &'a Visitor, slug: &str) -> Result<Work<'a>, Trouble> {
        Ok(Work {
            web,
            visitor,
            society: named(web, slug)?,
        })
    }

    /// An address below the society's desk.
    pub fn at(&self, rest: &str) -> String {
        format!("/desk/{}{rest}", self.society.slug())
    }

    /// What time it is.
    pub fn now(&self) -> Instant {
        self.web.state.clock.now()
    }

    /// Today, where the society is.
    pub fn today(&self) -> LocalDay {
        self.society.known().zone.day_of(self.now())
    }

    /// Whether the one who looks has a right here.
    pub fn may(&self, right: Right) -> bool {
        let office = &self.web.state.office;
        office.may(&self.visitor.user, right, self.society.slug())
    }

    /// The page; `lists` are the ways back beside the desk itself. With trouble it is one that was not
    /// done.
    pub fn page(
        &self,
        title: &str,
        lists: &[(&str, &str)],
        sentence: &str,
        trouble: Option<String>,
        parts: Vec<Part>,
    ) -> Result<Response, Trouble> {
        let known = self.society.known();
        let name = format!("The desk of {}", known.document.society.name);
        let mut back = vec![frame::link(&name, &self.at(""))];
        back.extend(
            lists
                .iter()
                .map(|(text, rest)| frame::link(text, &self.at(rest))),
        );
        let mut frame = frame::of_visitor(self.web, self.visitor, title, "");
        frame.notices = frame::notices(&known);
        let failed = trouble.is_some();
        let page = WorkPage {
            frame,
            back,
            sentence: sentence.to_owned(),
            trouble,
            sample: known.document.society.sample,
            parts,
        };
        let mut answer = frame::page(&page)?;
        if failed {
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        }
        Ok(answer)
    }

    /// A link below the society's desk.
    pub fn link(&self, text: &str, rest: &str) -> Link {
        frame::link(text, &self.at(rest))
    }
}

/// Takes a refusal as a sentence for the page; what is ours to mend stays trouble.
pub fn looked<T>(answer: Answer<T>) -> Result<Looked<T>, Trouble> {
    match answer {
        Ok(done) => Ok(Ok(done)),
        Err(Refusal::Caller(why)) => Ok(Err(on_page(&why))),
        Err(ours) => Err(ours.into()),
    }
}

/// A refusal's words without hints that name commands.
pub fn on_page(why: &str) -> String {
    let (what, hint) = why.split_once("\nhint: ").unwrap_or((why, ""));
    let is_command = hint.contains("commonwatt ") || hint.contains("--") || hint.contains(" = ");
    match hint {
        "" => sentence(what),
        _ if is_command => sentence(what),
        hint => format!("{} {}", sentence(what), sentence(hint)),
    }
}

/// A finding's words as a sentence.
pub fn notes<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<Part> {
    let lines: Vec<String> = texts.map(on_page).collect();
    match lines.is_empty() {
        true => Vec::new(),
        false => vec![Part::Notes(lines)],
    }
}

/// Two typed days as a period.
pub fn days_of(from: &str, to: &str) -> Looked<Period> {
    let day = |text: &str| {
        text.trim()
            .parse::<LocalDay>()
            .map_err(|why| sentence(&why.to_string()))
    };
    let (first, last) = (day(from)?, day(to)?);
    if last < first {
        return Err("The last day lies before the first.".to_owned());
    }
    Ok(Period::Range { first, last })
}

/// A text that begins with a capital letter.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

/// A day of a record in words.
pub fn day_words(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), words::date)
}

/// Energy with its digits grouped, kWh.
pub fn kwh(wh: i64) -> String {
    separated(&WattHours(wh).kwh_text()).into_owned()
}

/// Whole kWh, for tables of months.
pub fn whole_kwh(wh: i64) -> String {
    words::whole((wh + 500 * wh.signum()) / 1_000)
}

/// A printed sheet as parts of a page.
pub fn parts_of(paper: &Paper) -> Vec<Part> {
    let mut parts: Vec<Part> = paper.text.iter().cloned().map(Part::Text).collect();
    for table in &paper.tables {
        let head: Vec<String> = table
            .head
            .iter()
            .enumerate()
            .map(|(place, name)| match table.numbers.contains(&place) {
                true => format!("#{name}"),
                false => name.clone(),
            })
            .collect();
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let caption = table.heading.as_deref().unwrap_or(&paper.heading);
        let mut words = TableWords::new(caption, &head);
        for row in &table.rows {
            words.row("", row.clone());
        }
        if let Some(total) = &table.total {
            words.sum(total.clone());
        }
        parts.push(Part::Table(words));
    }
    if !paper.notes.is_empty() {
        parts.push(Part::Heading(paper.notes_heading.to_owned()));
        parts.push(Part::Notes(paper.notes.clone()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_does_not_tell_people_to_run_commands() {
        let told = on_page(
            "a line is split by time\nhint: import that read, or freeze with --apportioned",
        );
        assert_eq!(told, "A line is split by time.");
        let told = on_page("`M1` is blurred\nhint: take another photo");
        assert_eq!(told, "M1 is blurred. Take another photo.");
    }

    #[test]
    fn days_are_read_in_order() {
        assert!(days_of("2026-01-01", "2026-03-31").is_ok());
        assert_eq!(
            days_of("2026-03-31", "2026-01-01"),
            Err("The last day lies before the first.".to_owned())
        );
        assert!(days_of("31 March", "2026-01-01").is_err());
    }
}
