//! Dated tables on the desk: what is published later holds without an upgrade.
//!
//! The tables that come with the program are the start. An officer proposes further rows with their
//! source and the file they are taken from; another officer approves exactly those rows, and from
//! then on claims, bills and reports of the society use them. Nothing replaces a row that is there:
//! a licensee's other rate belongs under `[[installation.stated]]`, and is shown as such.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay},
    projection::{Certainty, factor_name},
};
use records::{
    decision::What,
    tables::{TableDecided, TableExtended},
};
use rust_decimal::Decimal;

use super::{
    answer::{Answer, OrCaller, Refusal, refuse},
    blobs::{Expected, Given},
    prices::HalfHourPrices,
    society::SocietyOffice,
    tariffs::published,
};

mod asked;
mod in_force;
mod rows;

use rows::{carbon, columns, grid_price, own_index, percent, text, with};

/// Most rows of one proposal.
const MAX_ROWS: usize = 200;

/// A row as it was typed: column to value.
pub type Typed = BTreeMap<String, String>;

/// A dated table that officers can extend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The raise of every 1 April.
    Uplifts,
    /// FIT rates of new installations.
    FitNew,
    /// FIT export rates by class.
    FitExport,
    /// What the grid asks of a host.
    GridPrice,
    /// Half-hourly prices of export, from a file.
    ExportPrice,
    /// Bank Rate.
    BankRate,
    /// kg of CO2 equivalent a kWh.
    Carbon,
}

/// A proposal and what became of it.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What was proposed.
    pub extended: TableExtended,
    /// By whom and when.
    pub by: (String, Instant),
    /// What was said to it, by whom and when.
    pub decided: Option<(TableDecided, String, Instant)>,
}

/// One row of a table as it is shown.
#[derive(Clone, Debug)]
pub struct TableRow {
    /// From when, for whom.
    pub of: String,
    /// Its value with its unit.
    pub value: String,
    /// Where it is printed.
    pub source: String,
    /// How sure it is.
    pub certainty: String,
    /// `program`, `stated` (a licensee's statement of terms), `society file` or the proposal.
    pub from: String,
}

/// What an officer proposes.
#[derive(Clone, Debug)]
pub struct Extend {
    /// The table.
    pub table: Table,
    /// The rows.
    pub rows: Vec<Typed>,
    /// Where they are printed.
    pub source: String,
    /// How sure they are.
    pub certainty: Certainty,
    /// The page, bill or file.
    pub file: Option<Given>,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 7] = [
        Table::Uplifts,
        Table::FitNew,
        Table::FitExport,
        Table::GridPrice,
        Table::ExportPrice,
        Table::BankRate,
        Table::Carbon,
    ];

    /// The word used in commands, in JSON and in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Table::Uplifts => "uplifts",
            Table::FitNew => "fit-new",
            Table::FitExport => "fit-export",
            Table::GridPrice => "grid-price",
            Table::ExportPrice => "export-price",
            Table::BankRate => "bank-rate",
            Table::Carbon => "carbon",
        }
    }

    /// What it holds, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Table::Uplifts => {
                "raise of FIT and indexed rates every 1 April, published 12-month rate"
            }
            Table::FitNew => "FIT rates of new installations",
            Table::FitExport => "FIT export rates by class",
            Table::GridPrice => "what the grid asks of a host",
            Table::ExportPrice => "half-hourly prices of export",
            Table::BankRate => "Bank Rate",
            Table::Carbon => "carbon factor by year",
        }
    }

    /// The columns of a row; those in brackets may be left out.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Table::Uplifts => &["year", "percent", "index"],
            Table::FitNew => &[
                "from",
                "to",
                "p_per_kwh",
                "[over_kw]",
                "[up_to_kw]",
                "[stand_alone]",
            ],
            Table::FitExport => &["name", "eligible_from", "eligible_to", "from", "p_per_kwh"],
            Table::GridPrice => &["host", "from", "p_per_kwh"],
            Table::ExportPrice => &["name"],
            Table::BankRate => &["from", "percent"],
            Table::Carbon => &["year", "kg_per_kwh"],
        }
    }
}

impl core::str::FromStr for Table {
    type Err = String;

    fn from_str(word: &str) -> Result<Table, String> {
        Table::ALL
            .into_iter()
            .find(|table| table.word() == word)
            .ok_or_else(|| {
                let words: Vec<&str> = Table::ALL.into_iter().map(Table::word).collect();
                format!("`{word}` is no table; expected one of {}", words.join(", "))
            })
    }
}

impl SocietyOffice {
    /// Every proposal, in order of numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn proposals(&self) -> Answer<Vec<Proposal>> {
        let mut proposals: Vec<Proposal> = Vec::new();
        for decision in self.decisions(&["table-extended/1", "table-decided/1"])? {
            let by = (decision.by, Instant(decision.at_ms));
            match decision.what {
                What::TableExtended(extended) => proposals.push(Proposal {
                    extended: *extended,
                    by,
                    decided: None,
                }),
                What::TableDecided(said) => {
                    let of = proposals
                        .iter_mut()
                        .find(|one| one.extended.number == said.number);
                    if let Some(proposal) = of {
                        proposal.decided = Some((said, by.0, by.1));
                    }
                }
                _ => {}
            }
        }
        Ok(proposals)
    }

    /// What holds of the proposals.
    pub(super) fn approved(&self) -> Answer<Vec<TableExtended>> {
        let all = self.proposals()?.into_iter();
        Ok(all
            .filter(|one| one.decided.as_ref().is_some_and(|(said, ..)| said.approved))
            .map(|one| one.extended)
            .collect())
    }

    /// What would be proposed; nothing is changed. A proposal of the same rows that stands is found.
    ///
    /// # Errors
    /// When a row cannot be read, is there already, or no file is given.
    pub fn look_at_rows(&self, extend: &Extend) -> Answer<Result<Proposal, TableExtended>> {
        if extend.source.trim().is_empty() {
            return refuse(
                "rows need their source\nhint: say where they are printed with --source",
            );
        }
        if extend.rows.is_empty() || extend.rows.len() > MAX_ROWS {
            return refuse(format!(
                "`{}` rows; expected 1 to {MAX_ROWS}",
                extend.rows.len()
            ));
        }
        let Some(given) = &extend.file else {
            return refuse(
                "rows need the page, bill or file they are taken from\nhint: name it with --file; it is kept beside the journal by its SHA-256",
            );
        };
        let mut rows = extend.rows.clone();
        if extend.table == Table::ExportPrice {
            let prices = HalfHourPrices::read(&given.bytes, &self.known().zone)?;
            for row in &mut rows {
                row.insert("first".into(), prices.first().to_string());
                row.insert("last".into(), prices.last().to_string());
                row.insert("half_hours".into(), prices.len().to_string());
            }
        }
        let proposals = self.proposals()?;
        let extended = TableExtended {
            number: u32::try_from(proposals.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1),
            table: extend.table.word().to_owned(),
            rows,
            source: extend.source.clone(),
            certainty: extend.certainty.word().to_owned(),
            file: None,
        };
        // The same rows twice are one proposal.
        let open = proposals.iter().find(|one| {
            one.decided.as_ref().is_none_or(|(said, ..)| said.approved)
                && (&one.extended.table, &one.extended.rows) == (&extended.table, &extended.rows)
        });
        if let Some(open) = open {
            return Ok(Ok(open.clone()));
        }
        self.check_rows(&extended)?;
        Ok(Err(extended))
    }

    /// Proposes rows; they hold when another officer approves them.
    ///
    /// # Errors
    /// As [`SocietyOffice::look_at_rows`].
    pub fn extend_table(&self, extend: &Extend, by: &str, now: Instant) -> Answer<Proposal> {
        let mut extended = match self.look_at_rows(extend)? {
            Ok(open) => return Ok(open),
            Err(extended) => extended,
        };
        if let Some(given) = &extend.file {
            extended.file = Some(self.keep(given, Expected::Evidence)?);
        }
        let what = What::TableExtended(Box::new(extended.clone()));
        self.decide(what, by, now)?;
        Ok(Proposal {
            extended,
            by: (by.to_owned(), now),
            decided: None,
        })
    }

    /// Says yes or no to a proposal.
    ///
    /// # Errors
    /// When there is none of that number, it was decided, or the officer proposed it.
    pub fn decide_table(
        &self,
        number: u32,
        refused: Option<&str>,
        by: &str,
        now: Instant,
    ) -> Answer<Proposal> {
        let proposals = self.proposals()?;
        let Some(found) = proposals.iter().find(|one| one.extended.number == number) else {
            return refuse(format!(
                "there is no proposal `{number}`; there are `{}`",
                proposals.len()
            ));
        };
        if let Some((said, other, _)) = &found.decided {
            return refuse(format!(
                "proposal `{number}` was {} by `{other}`",
                if said.approved { "approved" } else { "refused" }
            ));
        }
        if refused.is_none() {
            if found.by.0 == by {
                return refuse(format!(
                    "`{by}` proposed it; expected another officer\nhint: money hangs on it, so two people look: let another officer run `table approve {number}`"
                ));
            }
            self.check_rows(&found.extended)?;
        }
        let said = TableDecided {
            number,
            approved: refused.is_none(),
            reason: refused.unwrap_or_default().to_owned(),
        };
        self.decide(What::TableDecided(said.clone()), by, now)?;
        Ok(Proposal {
            decided: Some((said, by.to_owned(), now)),
            ..found.clone()
        })
    }

    /// Whether rows can be read and stand beside what is there.
    fn check_rows(&self, extended: &TableExtended) -> Answer<()> {
        let table: Table = extended.table.parse().map_err(Refusal::Caller)?;
        for row in &extended.rows {
            columns(table, row)?;
        }
        let mut all = self.approved()?;
        all.push(extended.clone());
        with(&*published()?, &all)?;
        let known = self.known();
        for row in &extended.rows {
            match table {
                Table::GridPrice => {
                    let price = grid_price(row, extended)?;
                    if price.rate.p_per_kwh() < Decimal::ZERO {
                        return refuse(format!(
                            "the grid asks `{}` p/kWh; expected a price that is not below zero\nhint: a host is billed from it; half-hourly export may be below zero: the table export-price",
                            price.rate
                        ));
                    }
                    let name = text(row, "host")?;
                    let found = known.document.host.iter().find(|h| h.id == name);
                    let buyer = known.document.buyer.iter().find(|b| b.id == name);
                    let own = match (found, buyer) {
                        (Some(host), _) => &host.grid_price,
                        (None, Some(buyer)) => &buyer.grid_price,
                        (None, None) => {
                            return refuse(format!("host or buyer `{name}` is in no society file"));
                        }
                    };
                    let there = own.iter().any(|row| row.from == price.from.to_string());
                    if there || self.grid_of(name)?.iter().any(|one| one.from == price.from) {
                        return refuse(format!(
                            "`{name}` has a grid price from `{}` already",
                            price.from
                        ));
                    }
                }
                Table::BankRate => {
                    let from: LocalDay = text(row, "from")?.parse().or_caller()?;
                    percent(row, "percent")?;
                    if self.bank_rates()?.iter().any(|(day, ..)| *day == from) {
                        return refuse(format!("there is a Bank Rate from `{from}` already"));
                    }
                }
                Table::Carbon => {
                    let factor = carbon(row, extended)?;
                    let there = self.factors()?;
                    let same = there
                        .as_slice()
                        .iter()
                        .any(|other| other.name == factor_name::CO2 && other.year == factor.year);
                    if same {
                        return refuse(format!(
                            "there is a carbon factor of `{}` already",
                            factor.year
                        ));
                    }
                }
                Table::Uplifts => own_index(row)?,
                Table::FitNew | Table::FitExport | Table::ExportPrice => {}
            }
        }
        Ok(())
    }
}
