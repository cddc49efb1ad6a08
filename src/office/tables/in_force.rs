//! What holds: the tables that came with the program and the rows that were approved here.

use std::sync::Arc;

use domain::{
    calendar::LocalDay,
    projection::{Certainty, Factor, FactorTable, factor_name},
    tariff::{Provenance, fit::Tables, host::GridPrice},
};
use rust_decimal::Decimal;

use super::super::{
    answer::{Answer, OrCaller, OrOurs, refuse},
    prices::HalfHourPrices,
    society::SocietyOffice,
    tariffs::published,
};
use super::{
    Table, TableRow,
    rows::{carbon, grid_price, percent, provenance, text, with},
};

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

    /// Grid prices that were approved for a host, in order of days.
    pub(crate) fn grid_of(&self, host: &str) -> Answer<Vec<GridPrice>> {
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
    pub(crate) fn half_hour_prices(&self, name: &str) -> Answer<HalfHourPrices> {
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
