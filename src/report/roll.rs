//! The register that the law asks for, and share certificates: as text and as pages of their own.
//!
//! The pages need nothing else: no script, no style sheet, no font.

use askama::Template;
use domain::{calendar::LocalDay, money::Pence};

use crate::{
    generation::ReportError,
    paper::Paper,
    sheet::{Cell, Table},
    words,
};

/// The register of members on a day (Co-operative and Community Benefit Societies Act 2014, section
/// 30).
#[derive(Clone, Debug)]
pub struct Register {
    /// The society.
    pub society: String,
    /// The day.
    pub on: LocalDay,
    /// Members and former members, by number.
    pub rows: Vec<RegisterRow>,
    /// True with share accounts; the copy that anybody may inspect has none.
    pub with_shares: bool,
    /// Officers: id and role.
    pub officers: Vec<(String, String)>,
    /// True for sample data.
    pub sample: bool,
}

/// One member on it.
#[derive(Clone, Debug)]
pub struct RegisterRow {
    /// Its number.
    pub number: u32,
    /// Its kind.
    pub kind: &'static str,
    /// Its name; `None` when it was erased.
    pub name: Option<String>,
    /// Its postal address.
    pub address: String,
    /// The day it was entered.
    pub joined: LocalDay,
    /// The day it ceased to be a member, by then.
    pub left: Option<LocalDay>,
    /// Class, shares, and the amount paid on them.
    pub shares: Vec<(String, i64, Pence)>,
}

/// A share certificate.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The society.
    pub society: String,
    /// Its number.
    pub number: u32,
    /// The member's number.
    pub member: u32,
    /// The member's name.
    pub name: String,
    /// Shares.
    pub shares: i64,
    /// What one is worth.
    pub par: Pence,
    /// What they are worth.
    pub pence: Pence,
    /// The class.
    pub class: String,
    /// True when the member may ask for the money back.
    pub withdrawable: bool,
    /// The day of issue.
    pub on: LocalDay,
    /// The movement that took them back, where one did.
    pub reversed: bool,
    /// True for sample data.
    pub sample: bool,
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage<'a> {
    register: &'a Register,
    total: Pence,
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct CertificatePage<'a> {
    certificate: &'a Certificate,
}

fn unwritten(subject: &str, cause: &askama::Error) -> ReportError {
    ReportError::Write {
        subject: subject.to_owned(),
        format: "html",
        cause: cause.to_string(),
    }
}

impl RegisterRow {
    /// Its name, or that it was erased.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or("(erased)")
    }

    /// Its shares in words: `250 ordinary (£250.00)`.
    #[must_use]
    pub fn shares_words(&self) -> String {
        let all = self
            .shares
            .iter()
            .map(|(class, shares, paid)| format!("{shares} {class} ({paid})"));
        all.collect::<Vec<_>>().join(", ")
    }

    /// The day it ceased to be a member, or nothing.
    #[must_use]
    pub fn left_words(&self) -> String {
        self.left.map_or_else(String::new, |day| day.to_string())
    }
}

impl Register {
    /// What is paid on all shares.
    #[must_use]
    pub fn total(&self) -> Pence {
        let paid = self.rows.iter().flat_map(|row| &row.shares);
        Pence::total(paid.map(|(_, _, paid)| *paid)).unwrap_or(Pence(i64::MAX))
    }

    /// Members who had not left.
    #[must_use]
    pub fn present(&self) -> usize {
        self.rows.iter().filter(|row| row.left.is_none()).count()
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let copy = match self.with_shares {
            true => format!("with share accounts, {} paid in all", self.total()),
            false => "without share accounts, for inspection".to_owned(),
        };
        format!(
            "Register of members of {} on {}: {} members, {copy}.",
            self.society,
            self.on,
            self.present()
        )
    }

    /// As a page.
    ///
    /// # Errors
    /// When the template cannot be filled.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let page = RegisterPage {
            register: self,
            total: self.total(),
        };
        page.render()
            .map_err(|cause| unwritten("register of members", &cause))
    }

    /// As a table to download.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut head = vec!["number", "name", "kind", "address", "joined", "left"];
        if self.with_shares {
            head.extend(["class", "shares", "paid_pounds"]);
        }
        let text = |text: &str| Cell::Text(text.to_owned());
        let mut rows = Vec::new();
        for row in &self.rows {
            let who = vec![
                Cell::Number(i64::from(row.number)),
                text(row.shown_name()),
                text(row.kind),
                text(&row.address),
                text(&row.joined.to_string()),
                text(&row.left_words()),
            ];
            match (self.with_shares, row.shares.as_slice()) {
                (false, _) => rows.push(who),
                (true, []) => {
                    rows.push([who, vec![text(""), Cell::Number(0), Cell::Pounds(0)]].concat())
                }
                (true, all) => {
                    for (class, shares, paid) in all {
                        let held = vec![text(class), Cell::Number(*shares), Cell::Pounds(paid.0)];
                        rows.push([who.clone(), held].concat());
                    }
                }
            }
        }
        Table {
            name: "Register of members",
            head: head.into_iter().map(str::to_owned).collect(),
            rows,
        }
    }
}

impl Certificate {
    /// As text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let sample = if self.sample { "SAMPLE\n\n" } else { "" };
        let back = match self.withdrawable {
            true => {
                "The shares are withdrawable under the society's rules. They can go down in value and carry one vote a member, whatever is held."
            }
            false => {
                "The shares are not withdrawable. They carry one vote a member, whatever is held."
            }
        };
        let reversed = match self.reversed {
            true => "\nThis certificate was taken back by a reversal and is void.\n",
            false => "",
        };
        format!(
            "{sample}{}\n\nShare certificate {}\n\n{}, member {}, was issued {} {} of {} each, {} in all, on {}.\n{back}\n{reversed}",
            self.society,
            self.number,
            self.name,
            self.member,
            self.shares,
            self.class.to_lowercase(),
            self.par,
            self.pence,
            self.on
        )
    }

    /// As a typeset sheet.
    #[must_use]
    pub fn paper(&self) -> Paper {
        let mut text = vec![format!(
            "Class: {}. Each share was issued at {}. Day of issue: {}.",
            self.class,
            self.par,
            words::date(self.on)
        )];
        text.push(match self.withdrawable {
            true => "The shares are withdrawable under the society's rules. They can go down in value and carry one vote a member, whatever is held.".to_owned(),
            false => "The shares are not withdrawable. They carry one vote a member, whatever is held.".to_owned(),
        });
        if self.reversed {
            text.push("This certificate was taken back by a reversal and is void.".to_owned());
        }
        Paper {
            author: self.society.clone(),
            heading: format!("Share certificate {}", self.number),
            on: self.on,
            sentence: format!(
                "{}, member {}, holds {} {} of {}, issued on {}.",
                self.name,
                self.member,
                words::whole(self.shares),
                self.class.to_lowercase(),
                self.pence,
                words::date(self.on)
            ),
            address: Vec::new(),
            chart: None,
            text,
            tables: Vec::new(),
            notes_heading: "",
            notes: Vec::new(),
            signatures: vec!["Director", "Secretary"],
            sample: self.sample,
        }
    }

    /// As a page.
    ///
    /// # Errors
    /// When the template cannot be filled.
    pub fn to_html(&self) -> Result<String, ReportError> {
        CertificatePage { certificate: self }
            .render()
            .map_err(|cause| unwritten("share certificate", &cause))
    }
}
