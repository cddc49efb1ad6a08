//! A bill to a host as text and as a page of its own.
//!
//! Values come in as they were frozen; nothing is added up here. The page needs nothing else: no
//! script, no style attribute, no font.

use askama::Template;
use domain::{calendar::LocalDay, money::Pence, quantity::WattHours};

use crate::{
    generation::ReportError,
    paper::{Paper, PaperTable},
    words,
};

/// A bill, ready to be printed.
#[derive(Clone, Debug)]
pub struct HostBill {
    /// The society.
    pub society: String,
    /// Who is billed.
    pub host: String,
    /// The roof.
    pub site: String,
    /// Its number; `None` while it is a preview.
    pub number: Option<u32>,
    /// The credit note that takes it back.
    pub credit_note: Option<CreditNote>,
    /// What is billed, before the roof's name.
    pub what: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// How the energy is known, as a sentence.
    pub basis: String,
    /// Lines.
    pub lines: Vec<HostBillLine>,
    /// Before VAT.
    pub net: Pence,
    /// Per cent.
    pub vat_percent: String,
    /// VAT.
    pub vat: Pence,
    /// To be paid.
    pub gross: Pence,
    /// Saved against the grid price, before VAT.
    pub saving: Option<Pence>,
    /// The host's order number.
    pub po_number: String,
    /// Last day to pay.
    pub due: String,
    /// What is to be known of it.
    pub findings: Vec<String>,
    /// The reads it stands on, in words.
    pub reads: Vec<String>,
    /// True for sample data.
    pub sample: bool,
}

/// A credit note: the whole bill, reversed.
#[derive(Clone, Debug)]
pub struct CreditNote {
    /// Its number.
    pub number: u32,
    /// Its day.
    pub on: String,
    /// Why.
    pub reason: String,
    /// Before VAT, less than zero.
    pub net: Pence,
    /// VAT, less than zero.
    pub vat: Pence,
    /// Both.
    pub gross: Pence,
}

/// A line of it.
#[derive(Clone, Debug)]
pub struct HostBillLine {
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Energy.
    pub wh: WattHours,
    /// Rate, p/kWh.
    pub rate: String,
    /// Due, before VAT.
    pub pence: Pence,
    /// The grid's price, p/kWh.
    pub grid: Option<String>,
}

#[derive(Template)]
#[template(path = "host_bill.html")]
struct Page<'a> {
    bill: &'a HostBill,
    title: String,
}

impl HostBill {
    /// Its heading: `Bill 3` or `Bill (preview, not frozen)`.
    #[must_use]
    pub fn title(&self) -> String {
        match (self.number, &self.credit_note) {
            (Some(number), Some(note)) => format!("Credit note {} for bill {number}", note.number),
            (Some(number), None) => format!("Bill {number}"),
            (None, _) => "Bill (preview, not frozen)".to_owned(),
        }
    }

    /// As a typeset sheet; `on` is its date.
    #[must_use]
    pub fn paper(&self, on: LocalDay) -> Paper {
        let day = |text: &str| {
            text.parse::<LocalDay>()
                .map_or_else(|_| text.to_owned(), words::date)
        };
        let due = day(&self.due);
        let sentence = match (&self.credit_note, self.number) {
            (Some(note), Some(number)) => format!(
                "Bill {number} is taken back whole: {} is credited, and nothing is left to pay.",
                Pence(-note.gross.0)
            ),
            (_, None) => format!("{} would be to pay by {due}.", self.gross),
            (None, Some(_)) => format!("{} is to pay by {due}.", self.gross),
        };
        let grid = self.lines.iter().any(|line| line.grid.is_some());
        let mut head = vec!["From", "To", "Energy", "p/kWh", "Grid, p/kWh", "Due"];
        let rows = self.lines.iter().map(|line| {
            let mut cells = vec![
                day(&line.from),
                day(&line.to),
                line.wh.kwh_words(),
                line.rate.clone(),
                line.grid.clone().unwrap_or_default(),
                line.pence.to_string(),
            ];
            if !grid {
                cells.remove(4);
            }
            cells
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if !grid {
            head.remove(4);
        }
        let last = head.len() - 1;
        let sum = |label: String, pence: Pence| {
            let mut cells = vec![String::new(); last + 1];
            cells[0] = label;
            cells[last] = pence.to_string();
            cells
        };
        let mut rows = rows;
        rows.push(sum("Net".to_owned(), self.net));
        rows.push(sum(format!("VAT {} %", self.vat_percent), self.vat));
        let mut text = vec![format!(
            "{} {}, {} to {}, {}.",
            self.what,
            self.site,
            day(&self.from),
            day(&self.to),
            self.basis
        )];
        if let Some(note) = &self.credit_note {
            text.push(format!(
                "Credited on {}: {}. Net {}, VAT {}, together {}.",
                day(&note.on),
                note.reason,
                note.net,
                note.vat,
                note.gross
            ));
        }
        if let Some(saving) = self.saving {
            text.push(format!(
                "Saved against the grid price, before VAT: {saving}."
            ));
        }
        if !self.po_number.is_empty() {
            text.push(format!("Your order: {}", self.po_number));
        }
        let mut notes = self.findings.clone();
        notes.extend(self.reads.iter().cloned());
        Paper {
            author: self.society.clone(),
            heading: self.title(),
            on,
            sentence,
            address: vec![self.host.clone()],
            chart: None,
            text,
            tables: vec![PaperTable {
                heading: None,
                head: head.into_iter().map(str::to_owned).collect(),
                rows,
                total: Some(sum("To pay".to_owned(), self.gross)),
                numbers: (2..=last).collect(),
                wide: 1,
            }],
            notes_heading: "The reads it stands on",
            notes,
            signatures: Vec::new(),
            sample: self.sample,
        }
    }

    /// For a terminal or an e-mail.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}{}\n{} to {}\n{} {}, {} to {}, {}\n\n",
            if self.sample { "SAMPLE\n" } else { "" },
            self.title(),
            self.society,
            self.host,
            self.what,
            self.site,
            self.from,
            self.to,
            self.basis
        );
        for line in &self.lines {
            let grid = line.grid.as_ref();
            let grid = grid.map_or(String::new(), |p| format!(" (grid {p} p)"));
            text.push_str(&format!(
                "{} to {}  {} at {} p{grid}  {}\n",
                line.from,
                line.to,
                line.wh.kwh_words(),
                line.rate,
                line.pence
            ));
        }
        text.push_str(&format!(
            "\nnet {}\nVAT {} % {}\nto pay {} by {}\n",
            self.net, self.vat_percent, self.vat, self.gross, self.due
        ));
        if let Some(note) = &self.credit_note {
            text.push_str(&format!(
                "\ncredited on {}: {}\nnet {}\nVAT {}\nto pay {}, nothing is left of the bill\n",
                note.on, note.reason, note.net, note.vat, note.gross
            ));
        }
        if let Some(saving) = self.saving {
            text.push_str(&format!(
                "saved against the grid price, before VAT: {saving}\n"
            ));
        }
        if !self.po_number.is_empty() {
            text.push_str(&format!("your order: {}\n", self.po_number));
        }
        for finding in &self.findings {
            text.push_str(&format!("note: {finding}\n"));
        }
        if !self.reads.is_empty() {
            text.push_str("\nreads\n");
        }
        for read in &self.reads {
            text.push_str(&format!("{read}\n"));
        }
        text
    }

    /// A page of its own.
    ///
    /// # Errors
    /// When the template fails.
    pub fn html(&self) -> Result<String, ReportError> {
        let page = Page {
            title: format!("{} · {}", self.title(), self.society),
            bill: self,
        };
        page.render().map_err(|cause| ReportError::Write {
            subject: self.title(),
            format: "HTML",
            cause: cause.to_string(),
        })
    }
}

/// A bill that is past its day.
#[derive(Clone, Debug)]
pub struct Reminder {
    /// The society.
    pub society: String,
    /// Today.
    pub on: String,
    /// Who owes.
    pub host: String,
    /// The bill's number.
    pub bill: u32,
    /// First day billed.
    pub from: String,
    /// Last day billed.
    pub to: String,
    /// The host's order number.
    pub po_number: String,
    /// Last day to pay.
    pub due: String,
    /// What was asked.
    pub asked: Pence,
    /// What was paid.
    pub paid: Pence,
    /// What is open.
    pub open: Pence,
    /// Days since.
    pub days_over: i32,
    /// True for sample data.
    pub sample: bool,
}

/// From so many days on a reminder is the second, then the last.
const REMINDER_DAYS: [i32; 2] = [30, 60];

impl Reminder {
    /// 1, 2 or 3: how firmly it asks.
    #[must_use]
    pub fn level(&self) -> u8 {
        match self.days_over {
            days if days < REMINDER_DAYS[0] => 1,
            days if days < REMINDER_DAYS[1] => 2,
            _ => 3,
        }
    }

    /// The letter.
    #[must_use]
    pub fn text(&self) -> String {
        let order = match self.po_number.as_str() {
            "" => String::new(),
            number => format!(" (your order {number})"),
        };
        let paid = match self.paid {
            Pence::ZERO => String::new(),
            paid => format!(" {paid} of it was paid, thank you;"),
        };
        let ask = match self.level() {
            1 => {
                "It may have crossed with this letter; if not, please pay it, or tell us what is wrong with it."
            }
            2 => {
                "This is our second reminder. Please pay it within seven days, or tell us today what is wrong with it."
            }
            _ => {
                "This is our last reminder. Please pay it within seven days. We may otherwise ask for statutory\ninterest and compensation under the Late Payment of Commercial Debts (Interest) Act 1998."
            }
        };
        format!(
            "{}{}\n\nTo {}\n\nBill {}{order}, power from {} to {}, was due on {}.\nIt asked for {};{paid} {} is open, {} days after its day.\n\n{ask}\n\nYours faithfully\n{}\n",
            if self.sample { "SAMPLE\n" } else { "" },
            self.on,
            self.host,
            self.bill,
            self.from,
            self.to,
            self.due,
            self.asked,
            self.open,
            self.days_over,
            self.society
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_page_say_the_same() {
        let bill = HostBill {
            society: "Test Society".into(),
            host: "Council <of> X".into(),
            site: "The roof".into(),
            number: Some(1),
            credit_note: None,
            what: "Power used on site at".into(),
            from: "2014-01-01".into(),
            to: "2014-12-31".into(),
            basis: "metered".into(),
            lines: vec![HostBillLine {
                from: "2014-01-01".into(),
                to: "2014-12-31".into(),
                wh: WattHours(100_000_000),
                rate: "12.6".into(),
                pence: Pence(1_260_000),
                grid: Some("14".into()),
            }],
            net: Pence(1_260_000),
            vat_percent: "20".into(),
            vat: Pence(252_000),
            gross: Pence(1_512_000),
            saving: Some(Pence(140_000)),
            po_number: "PO 7".into(),
            due: "2015-01-30".into(),
            findings: vec![],
            reads: vec!["M1".into()],
            sample: true,
        };
        let (text, html) = (bill.text(), bill.html().unwrap());
        for said in [
            "SAMPLE",
            "Bill 1",
            "£12,600.00",
            "£2,520.00",
            "£15,120.00",
            "£1,400.00",
            "100,000 kWh",
            "PO 7",
            "2015-01-30",
        ] {
            assert!(text.contains(said), "{said}\n{text}");
            assert!(html.contains(said), "{said}\n{html}");
        }
        assert!(html.contains("Council &#60;of&#62; X"), "{html}");
    }
}
