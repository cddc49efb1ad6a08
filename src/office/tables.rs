//! Dated tables on the desk: what is published later holds without an upgrade.
//!
//! The tables that come with the program are the start. An officer proposes further rows with their
//! source and the file they are taken from; another officer approves exactly those rows, and from
//! then on claims, bills and reports of the society use them. Nothing replaces a row that is there:
//! a licensee's other rate belongs under `[[installation.stated]]`, and is shown as such.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    calendar::{Instant, LocalDay},
    projection::{Certainty, Factor, FactorTable, factor_name},
    tariff::{
        IndexName, Provenance, Rate,
        fit::{Band, ExportChain, NewRate, Tables, Uplift},
        host::GridPrice,
    },
};
use records::{
    decision::What,
    tables::{TableDecided, TableExtended},
};
use rust_decimal::Decimal;

use super::{
    answer::{Answer, OrCaller, OrOurs, Refusal, refuse},
    blobs::{Expected, Given},
    prices::HalfHourPrices,
    society::SocietyOffice,
    tariffs::{kw, published},
};

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
    /// The published tables with what its officers approved.
    ///
    /// # Errors
    /// When a table is broken.
    pub fn tables(&self) -> Answer<Arc<Tables>> {
        let base = published()?;
        let approved = self.approved()?;
        if approved.is_empty() {
            return Ok(base);
        }
        with(&base, &approved).map(Arc::new)
    }

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

    /// Proposes rows; they hold when another officer approves them.
    ///
    /// # Errors
    /// When a row cannot be read, is there already, or no file is given.
    pub fn extend_table(&self, extend: &Extend, by: &str, now: Instant) -> Answer<Proposal> {
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
        let mut extended = TableExtended {
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
            return Ok(open.clone());
        }
        self.check_rows(&extended)?;
        extended.file = Some(self.keep(given, Expected::Evidence)?);
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
                Table::Uplifts | Table::FitNew | Table::FitExport | Table::ExportPrice => {}
            }
        }
        Ok(())
    }

    /// Grid prices that were approved for a host, in order of days.
    pub(super) fn grid_of(&self, host: &str) -> Answer<Vec<GridPrice>> {
        let mut prices = Vec::new();
        for extended in self.approved()? {
            for row in &extended.rows {
                if extended.table == Table::GridPrice.word() && text(row, "host")? == host {
                    prices.push(grid_price(row, &extended)?);
                }
            }
        }
        prices.sort_by_key(|price| price.from);
        Ok(prices)
    }

    /// Bank Rate by first days: per cent, with its source.
    ///
    /// # Errors
    /// When a row is broken.
    pub fn bank_rates(&self) -> Answer<Vec<(LocalDay, Decimal, String)>> {
        let mut rates = Vec::new();
        for extended in self.approved()? {
            for row in &extended.rows {
                if extended.table == Table::BankRate.word() {
                    let from = text(row, "from")?.parse().or_caller()?;
                    rates.push((from, percent(row, "percent")?, extended.source.clone()));
                }
            }
        }
        rates.sort_by_key(|(from, ..)| *from);
        Ok(rates)
    }

    /// The dated factors: those that come with the program, and the carbon factors approved here.
    ///
    /// # Errors
    /// When a table is broken.
    pub fn factors(&self) -> Answer<FactorTable> {
        let built_in = report::factors::built_in().or_ours("the factor tables")?;
        let mut factors = built_in.as_slice().to_vec();
        for extended in self.approved()? {
            for row in &extended.rows {
                if extended.table != Table::Carbon.word() {
                    continue;
                }
                factors.push(carbon(row, &extended)?);
            }
        }
        // A row holds until the next one begins; the newest until there is a newer one.
        let mut starts: Vec<LocalDay> = factors
            .iter()
            .filter(|one| one.name == factor_name::CO2)
            .map(|one| one.from)
            .collect();
        starts.sort_unstable();
        for one in factors
            .iter_mut()
            .filter(|one| one.name == factor_name::CO2)
        {
            if let Some(next) = starts.iter().find(|start| **start > one.from) {
                one.to = one.to.min(next.previous());
            }
        }
        Ok(FactorTable::new(factors))
    }

    /// Half-hourly prices of that name, from every file approved for it.
    pub(super) fn half_hour_prices(&self, name: &str) -> Answer<HalfHourPrices> {
        let mut prices = HalfHourPrices::default();
        for extended in self.approved()? {
            let named = extended
                .rows
                .iter()
                .any(|row| row.get("name").is_some_and(|n| n == name));
            if extended.table != Table::ExportPrice.word() || !named {
                continue;
            }
            let Some(file) = &extended.file else { continue };
            let bytes = self.blob(file)?;
            prices.add(HalfHourPrices::read(&bytes, &self.known().zone)?)?;
        }
        if prices.len() == 0 {
            return refuse(format!(
                "there are no half-hourly prices `{name}`\nhint: propose a file with `commonwatt table extend export-price name={name} --file PRICES.csv --source …`, and let another officer approve it"
            ));
        }
        Ok(prices)
    }

    /// The year whose uplift of 1 April is asked for, from March on, until it is there.
    ///
    /// # Errors
    /// When a table is broken.
    pub fn uplift_asked_for(&self, now: Instant) -> Answer<Option<i32>> {
        let known = self.known();
        let document = &known.document;
        let today = known.zone.day_of(now);
        let mut rates = document
            .host
            .iter()
            .map(|host| &host.rate)
            .chain(document.buyer.iter().map(|buyer| &buyer.rate));
        let needs =
            !document.installation.is_empty() || rates.any(|rate| !rate.indexed_by.is_empty());
        if !needs || today.month() < 3 || self.tables()?.uplift(today.year()).is_some() {
            return Ok(None);
        }
        Ok(Some(today.year()))
    }

    /// What is asked for at this time of the year, each as a sentence with its hint.
    ///
    /// # Errors
    /// When a table is broken.
    pub fn asked_for(&self, now: Instant) -> Answer<Vec<String>> {
        let known = self.known();
        let today = known.zone.day_of(now);
        let mut asked = Vec::new();
        if let Some(year) = self.uplift_asked_for(now)? {
            asked.push(format!(
                "the uplift of 1 April {year} is not in the table\nhint: `commonwatt table extend uplifts year={year} percent=… index=CPI --source … --file …`, with the 12-month rate of December {} as the ONS published it",
                year - 1
            ));
        }
        for proposal in self.proposals()? {
            if proposal.decided.is_none() {
                asked.push(format!(
                    "proposal {} for the table {} by `{}` waits for another officer\nhint: `commonwatt table approve {}`",
                    proposal.extended.number,
                    proposal.extended.table,
                    proposal.by.0,
                    proposal.extended.number
                ));
            }
        }
        if today.month() >= 3 {
            for host in &known.document.host {
                if host.rate.percent_below_grid.is_empty() {
                    continue;
                }
                let own = host.grid_price.iter().map(|row| row.from.clone());
                let desk = self.grid_of(&host.id)?;
                let last = own.chain(desk.iter().map(|row| row.from.to_string())).max();
                let old = last.is_none_or(|last| last < format!("{}-04-01", today.year() - 1));
                if old {
                    asked.push(format!(
                        "the grid price of `{}` is older than a year\nhint: take it from the host's own bill: `commonwatt table extend grid-price host={} from=… p_per_kwh=… --source … --file …`",
                        host.id, host.id
                    ));
                }
            }
        }
        Ok(asked)
    }

    /// A table as it holds: what came with the program, what the society's file states, what its
    /// officers approved.
    ///
    /// # Errors
    /// When a table is broken.
    pub fn table_rows(&self, table: Table) -> Answer<Vec<TableRow>> {
        let known = self.known();
        let mut rows = Vec::new();
        let mut add = |of: String, value: String, by: &Provenance, from: &str| {
            rows.push(TableRow {
                of,
                value,
                source: by.source.clone(),
                certainty: by.certainty.word().to_owned(),
                from: from.to_owned(),
            });
        };
        let base = published()?;
        let tables = self.tables()?;
        let desk = |there: bool| if there { "program" } else { "approved here" };
        match table {
            Table::Uplifts => {
                for row in tables.uplifts() {
                    add(
                        format!("1 April {}", row.year),
                        format!("{} % {}", row.percent, row.index.word()),
                        &row.provenance,
                        desk(base.uplifts().contains(row)),
                    );
                }
            }
            Table::FitNew => {
                for row in tables.new_rates() {
                    add(
                        format!("{} to {}, {}", row.from, row.to, row.band.words()),
                        format!("{} p/kWh", row.rate),
                        &row.provenance,
                        desk(base.new_rates().contains(row)),
                    );
                }
            }
            Table::FitExport => {
                for row in tables.export_chains() {
                    add(
                        format!(
                            "eligible {} to {}, from {}",
                            row.eligible_from, row.eligible_to, row.from
                        ),
                        format!("{} p/kWh", row.rate),
                        &row.provenance,
                        desk(base.export_chains().contains(row)),
                    );
                }
            }
            Table::GridPrice => {
                let own = known.document.host.iter().map(|h| (&h.id, &h.grid_price));
                let buyers = known.document.buyer.iter().map(|b| (&b.id, &b.grid_price));
                for (id, prices) in own.chain(buyers) {
                    for row in prices {
                        let by = Provenance {
                            source: row.source.clone(),
                            certainty: Certainty::High,
                        };
                        add(
                            format!("{id} from {}", row.from),
                            format!("{} p/kWh", row.p_per_kwh),
                            &by,
                            "society file",
                        );
                    }
                    for row in self.grid_of(id)? {
                        add(
                            format!("{id} from {}", row.from),
                            format!("{} p/kWh", row.rate),
                            &row.provenance,
                            desk(false),
                        );
                    }
                }
            }
            Table::ExportPrice => {
                for extended in self.approved()? {
                    for row in extended
                        .rows
                        .iter()
                        .filter(|_| extended.table == table.word())
                    {
                        let said = |key: &str| row.get(key).cloned().unwrap_or_default();
                        add(
                            format!("{}, {} to {}", said("name"), said("first"), said("last")),
                            format!("{} half hours", said("half_hours")),
                            &provenance(&extended)?,
                            desk(false),
                        );
                    }
                }
            }
            Table::BankRate => {
                for (from, percent, source) in self.bank_rates()? {
                    let by = Provenance {
                        source,
                        certainty: Certainty::High,
                    };
                    add(
                        format!("from {from}"),
                        format!("{percent} %"),
                        &by,
                        desk(false),
                    );
                }
            }
            Table::Carbon => {
                let built_in = report::factors::built_in().or_ours("the factor tables")?;
                let there = |one: &Factor| {
                    let mut all = built_in.as_slice().iter();
                    all.any(|other| other.name == one.name && other.from == one.from)
                };
                for row in self.factors()?.as_slice() {
                    if row.name == factor_name::CO2 {
                        let by = Provenance {
                            source: row.source.clone(),
                            certainty: row.certainty,
                        };
                        add(
                            row.year.to_string(),
                            format!("{} {}", row.value, row.unit),
                            &by,
                            desk(there(row)),
                        );
                    }
                }
            }
        }
        // What a licensee states stands in for the published rates, and is shown beside them.
        if matches!(table, Table::FitNew | Table::FitExport) {
            for installation in &known.document.installation {
                for row in &installation.stated {
                    let value = match table {
                        Table::FitNew => &row.generation_p_per_kwh,
                        _ => &row.export_p_per_kwh,
                    };
                    if !value.is_empty() {
                        let by = Provenance {
                            source: row.source.clone(),
                            certainty: Certainty::High,
                        };
                        add(
                            format!("{} from {}", installation.id, row.from),
                            format!("{value} p/kWh"),
                            &by,
                            "stated",
                        );
                    }
                }
            }
        }
        Ok(rows)
    }
}

/// Published tables with further rows.
fn with(base: &Tables, approved: &[TableExtended]) -> Answer<Tables> {
    let mut new = base.new_rates().to_vec();
    let mut uplifts = base.uplifts().to_vec();
    let mut export = base.export_chains().to_vec();
    for extended in approved {
        let by = provenance(extended)?;
        for row in &extended.rows {
            match extended.table.parse() {
                Ok(Table::Uplifts) => uplifts.push(Uplift {
                    year: text(row, "year")?
                        .parse()
                        .map_err(|_| Refusal::Caller(format!("`{}` is not a year", row["year"])))?,
                    percent: percent(row, "percent")?,
                    index: IndexName::of_word(text(row, "index")?).ok_or_else(|| {
                        Refusal::Caller(format!("index `{}`; expected RPI or CPI", row["index"]))
                    })?,
                    provenance: by.clone(),
                }),
                Ok(Table::FitNew) => new.push(NewRate {
                    from: text(row, "from")?.parse().or_caller()?,
                    to: text(row, "to")?.parse().or_caller()?,
                    band: match row.get("stand_alone").map(String::as_str) {
                        Some("true" | "yes") => Band::StandAlone,
                        Some("false" | "no") | None => Band::Building {
                            over: kw(text(row, "over_kw")?).or_caller()?,
                            up_to: match row.get("up_to_kw") {
                                Some(most) => Some(kw(most).or_caller()?),
                                None => None,
                            },
                        },
                        Some(other) => {
                            return refuse(format!("stand_alone `{other}`; expected yes or no"));
                        }
                    },
                    rate: text(row, "p_per_kwh")?.parse().or_caller()?,
                    provenance: by.clone(),
                }),
                Ok(Table::FitExport) => export.push(ExportChain {
                    eligible_from: text(row, "eligible_from")?.parse().or_caller()?,
                    eligible_to: text(row, "eligible_to")?.parse().or_caller()?,
                    from: text(row, "from")?.parse().or_caller()?,
                    rate: text(row, "p_per_kwh")?.parse().or_caller()?,
                    provenance: by.clone(),
                }),
                _ => {}
            }
        }
    }
    for (n, chain) in export.iter().enumerate() {
        let clash = export.iter().take(n).any(|other| {
            other.eligible_from <= chain.eligible_to && chain.eligible_from <= other.eligible_to
        });
        if clash {
            return refuse(format!(
                "two export classes hold `{}`; expected one for each eligibility date",
                chain.eligible_from
            ));
        }
    }
    Tables::new(new, uplifts, export).or_caller()
}

fn provenance(extended: &TableExtended) -> Answer<Provenance> {
    let certainty = Certainty::of_word(&extended.certainty)
        .ok_or_else(|| Refusal::Ours(format!("certainty `{}`", extended.certainty)))?;
    Ok(Provenance {
        source: format!(
            "{} (approved here, proposal {})",
            extended.source, extended.number
        ),
        certainty,
    })
}

/// Refuses a row with a column too many or too few.
fn columns(table: Table, row: &Typed) -> Answer<()> {
    let bare = |name: &str| name.trim_matches(['[', ']']).to_owned();
    let known: Vec<String> = table.columns().iter().map(|name| bare(name)).collect();
    let made = ["first", "last", "half_hours"];
    for key in row.keys() {
        let own = table == Table::ExportPrice && made.contains(&key.as_str());
        if !known.contains(key) && !own {
            let nearest = known
                .iter()
                .min_by_key(|name| strsim::damerau_levenshtein(name, key));
            return refuse(format!(
                "the table {} has no column `{key}`\nhint: did you mean `{}`?",
                table.word(),
                nearest.map_or("", String::as_str)
            ));
        }
    }
    for name in table.columns().iter().filter(|name| !name.starts_with('[')) {
        text(row, name)?;
    }
    Ok(())
}

fn text<'r>(row: &'r Typed, key: &str) -> Answer<&'r str> {
    match row.get(key).map(String::as_str) {
        None | Some("") => refuse(format!("a row has no `{key}`\nhint: say {key}=…")),
        Some(value) => Ok(value),
    }
}

fn percent(row: &Typed, key: &str) -> Answer<Decimal> {
    let value = text(row, key)?;
    match Decimal::from_str_exact(value) {
        Ok(percent) if percent.abs() <= Decimal::ONE_HUNDRED => Ok(percent),
        _ => refuse(format!("{key} `{value}`; expected per cent such as `3.4`")),
    }
}

fn grid_price(row: &Typed, extended: &TableExtended) -> Answer<GridPrice> {
    Ok(GridPrice {
        from: text(row, "from")?.parse().or_caller()?,
        rate: text(row, "p_per_kwh")?.parse::<Rate>().or_caller()?,
        provenance: provenance(extended)?,
    })
}

fn carbon(row: &Typed, extended: &TableExtended) -> Answer<Factor> {
    let value = text(row, "kg_per_kwh")?;
    let kg = Decimal::from_str_exact(value)
        .ok()
        .filter(|kg| *kg > Decimal::ZERO && *kg < Decimal::from(5));
    let Some(kg) = kg else {
        return refuse(format!(
            "kg_per_kwh `{value}`; expected more than 0 and less than 5, such as `0.177`"
        ));
    };
    let year: i32 = text(row, "year")?
        .parse()
        .map_err(|_| Refusal::Caller(format!("`{}` is not a year", row["year"])))?;
    let by = provenance(extended)?;
    Ok(Factor {
        name: factor_name::CO2.to_owned(),
        value: kg,
        unit: "kg CO2e per kWh".to_owned(),
        from: LocalDay::of_date(year, 1, 1)
            .ok_or_else(|| Refusal::Caller(format!("`{year}` is not a year")))?,
        to: report::factors::OPEN_END,
        source: by.source,
        year,
        certainty: by.certainty,
    })
}
