//! The dated factors behind homes, kettles and carbon dioxide, each with its unit and source.
//!
//! They are data, not code: `config/factors/*.toml` holds the tables that come with the program,
//! and a society may load its own in their place. A table has a `name`, a `unit` and rows
//! `[[factor]]` with `from`, `to`, `value`, `year`, `source` and `certainty`. Values and dates are
//! text, so that no digit moves. Rows stand in order and never overlap; only the last may lack
//! `to`. An unknown key is an error that names the nearest one.

use domain::{
    calendar::LocalDay,
    projection::{Certainty, Factor, FactorTable},
};
use rust_decimal::Decimal;
use toml::{Table, Value};

/// The tables that come with the program.
const HOMES: &str = include_str!("../../config/factors/homes.toml");
const KETTLES: &str = include_str!("../../config/factors/kettles.toml");
const CARBON: &str = include_str!("../../config/factors/carbon.toml");

const TABLE_KEYS: [&str; 3] = ["name", "unit", "factor"];
const ROW_KEYS: [&str; 6] = ["from", "to", "value", "year", "source", "certainty"];

/// The last day of a row that still holds.
pub const OPEN_END: LocalDay = LocalDay(2_932_896);

/// The tables that come with the program, as one.
///
/// # Errors
/// When a table that was compiled in is broken; a test keeps that from happening.
pub fn built_in() -> Result<FactorTable, FactorError> {
    let mut factors = load("config/factors/homes.toml", HOMES)?;
    factors.extend(load("config/factors/kettles.toml", KETTLES)?);
    factors.extend(load("config/factors/carbon.toml", CARBON)?);
    Ok(FactorTable::new(factors))
}

/// What a reader is told of a factor's certainty.
#[must_use]
pub fn certainty_in_words(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::High => "sure",
        Certainty::Medium => "fairly sure",
        Certainty::Low => "not sure, to be checked",
        Certainty::Calculated => "worked out from figures in print",
        Certainty::Sample => "SAMPLE",
    }
}

/// Reads one table; `file` is named in errors.
///
/// # Errors
/// Names the file, the row and the key: unknown key, missing or wrong value, rows that overlap.
pub fn load(file: &str, text: &str) -> Result<Vec<Factor>, FactorError> {
    let refuse = |what: String| FactorError {
        file: file.to_owned(),
        what,
    };
    let table: Table = text
        .parse()
        .map_err(|cause: toml::de::Error| refuse(cause.message().to_owned()))?;
    known_keys(&table, &TABLE_KEYS, "the table").map_err(refuse)?;
    let name = words(&table, "name", "the table").map_err(refuse)?;
    let unit = words(&table, "unit", "the table").map_err(refuse)?;
    let rows = match table.get("factor") {
        Some(Value::Array(rows)) if !rows.is_empty() => rows,
        _ => return Err(refuse("there is no `[[factor]]` row".to_owned())),
    };
    let mut factors: Vec<Factor> = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let place = format!("row {}", place + 1);
        let factor = factor(&name, &unit, row, &place).map_err(refuse)?;
        if let Some(before) = factors.last()
            && before.to >= factor.from
        {
            let from = factor.from;
            return Err(refuse(format!(
                "{place} starts on `{from}` while the row before it still holds"
            )));
        }
        factors.push(factor);
    }
    Ok(factors)
}

fn factor(name: &str, unit: &str, row: &Value, place: &str) -> Result<Factor, String> {
    let Value::Table(row) = row else {
        return Err(format!("{place} is not a table"));
    };
    known_keys(row, &ROW_KEYS, place)?;
    let from = day(row, "from", place)?;
    let to = match row.contains_key("to") {
        true => day(row, "to", place)?,
        false => OPEN_END,
    };
    if to < from {
        return Err(format!("{place} ends before it starts on `{from}`"));
    }
    let value = words(row, "value", place)?;
    let value: Decimal = value.parse().map_err(|_| {
        format!("`value` of {place} is `{value}`; expected a decimal such as `0.15`")
    })?;
    if value <= Decimal::ZERO {
        return Err(format!(
            "`value` of {place} is `{value}`; expected more than 0"
        ));
    }
    let year = row
        .get("year")
        .and_then(Value::as_integer)
        .and_then(|year| i32::try_from(year).ok())
        .ok_or_else(|| format!("`year` of {place} is not a year such as 2013"))?;
    let certainty = words(row, "certainty", place)?;
    let certainty = Certainty::of_word(&certainty).ok_or_else(|| {
        format!(
            "`certainty` of {place} is `{certainty}`; expected `high`, `medium`, `low`, \
             `calculated` or `sample`"
        )
    })?;
    Ok(Factor {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        from,
        to,
        source: words(row, "source", place)?,
        year,
        certainty,
    })
}

fn known_keys(table: &Table, known: &[&str], place: &str) -> Result<(), String> {
    for key in table.keys() {
        if known.contains(&key.as_str()) {
            continue;
        }
        let nearest = known
            .iter()
            .min_by_key(|candidate| strsim::levenshtein(key, candidate))
            .copied()
            .unwrap_or_default();
        return Err(format!(
            "unknown key `{key}` in {place}\nhint: did you mean `{nearest}`?"
        ));
    }
    Ok(())
}

fn words(table: &Table, key: &str, place: &str) -> Result<String, String> {
    match table.get(key) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
        Some(_) => Err(format!("`{key}` of {place} must be text in quotes")),
        None => Err(format!("`{key}` is missing in {place}")),
    }
}

fn day(table: &Table, key: &str, place: &str) -> Result<LocalDay, String> {
    let text = words(table, key, place)?;
    text.parse()
        .map_err(|_| format!("`{key}` of {place} is `{text}`; expected a day such as `2013-12-31`"))
}

/// A table of factors cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`: {what}")]
pub struct FactorError {
    /// Which file.
    pub file: String,
    /// What is wrong, and where.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use domain::{
        calendar::Period,
        projection::{Equivalents, factor_name},
        quantity::WattHours,
    };

    use super::*;

    #[test]
    fn the_tables_that_come_with_the_program_can_be_read() {
        let table = built_in().unwrap();
        let value = |name, year| {
            let factor = table.lookup(name, Period::Year(year));
            factor.map(|factor| factor.value.to_string())
        };
        assert_eq!(value(factor_name::HOME, 2013).as_deref(), Some("3259"));
        assert_eq!(value(factor_name::KETTLE, 2013).as_deref(), Some("0.15"));
        assert_eq!(value(factor_name::CO2, 2013).as_deref(), Some("0.44548"));
        assert_eq!(value(factor_name::CO2, 2011), None);
        assert_eq!(value(factor_name::CO2, 2040).as_deref(), Some("0.177"));
        let from_memory = table.lookup(factor_name::CO2, Period::Year(2013)).unwrap();
        assert!(from_memory.source.contains("from memory: check"));
        assert_eq!(from_memory.certainty, Certainty::Low);
    }

    #[test]
    fn the_equivalents_are_those_that_brixton_energy_printed() {
        let table = built_in().unwrap();
        let of =
            |kwh: i64, year| Equivalents::of(WattHours(kwh * 1000), Period::Year(year), &table);
        let in_print = |value: Option<Decimal>| value.map(|value| value.to_string());
        assert_eq!(in_print(of(32_586, 2013).homes).as_deref(), Some("10"));
        assert_eq!(
            in_print(of(19_414, 2012).kettles).as_deref(),
            Some("129427")
        );
    }

    #[test]
    fn a_broken_table_says_what_and_where() {
        let good = "name = \"kettles\"\nunit = \"kWh\"\n[[factor]]\nfrom = \"2012-01-01\"\n\
                    value = \"0.15\"\nyear = 2012\nsource = \"print\"\ncertainty = \"high\"\n";
        assert_eq!(load("k.toml", good).unwrap().len(), 1);
        let table = [
            (
                "value =",
                "valeu =",
                "`k.toml`: unknown key `valeu` in row 1\nhint: did you mean `value`?",
            ),
            (
                "unit =",
                "units =",
                "`k.toml`: unknown key `units` in the table\nhint: did you mean `unit`?",
            ),
            (
                "\"0.15\"",
                "0.15",
                "`k.toml`: `value` of row 1 must be text in quotes",
            ),
            (
                "\"0.15\"",
                "\"0,15\"",
                "`k.toml`: `value` of row 1 is `0,15`; expected a decimal such as `0.15`",
            ),
            (
                "\"0.15\"",
                "\"0\"",
                "`k.toml`: `value` of row 1 is `0`; expected more than 0",
            ),
            (
                "2012-01-01",
                "2012-13-01",
                "`k.toml`: `from` of row 1 is `2012-13-01`; expected a day such as `2013-12-31`",
            ),
            (
                "\"high\"",
                "\"sure\"",
                "`k.toml`: `certainty` of row 1 is `sure`; expected `high`, `medium`, `low`, `calculated` or `sample`",
            ),
            (
                "source = \"print\"",
                "",
                "`k.toml`: `source` is missing in row 1",
            ),
        ];
        for (right, wrong, said) in table {
            let broken = good.replacen(right, wrong, 1);
            assert_eq!(load("k.toml", &broken).unwrap_err().to_string(), said);
        }
        let twice = format!("{good}{}", &good[good.find("[[").unwrap()..]);
        assert_eq!(
            load("k.toml", &twice).unwrap_err().to_string(),
            "`k.toml`: row 2 starts on `2012-01-01` while the row before it still holds"
        );
    }
}
