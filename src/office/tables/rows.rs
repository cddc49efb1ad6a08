//! A typed row read as what its table holds, and the tables with such rows laid over them.

use domain::{
    calendar::LocalDay,
    projection::{Certainty, Factor, factor_name},
    tariff::{
        IndexName, Provenance, Rate,
        fit::{Band, ExportChain, NewRate, Tables, Uplift},
        host::GridPrice,
    },
};
use records::tables::TableExtended;
use rust_decimal::Decimal;

use super::super::{
    answer::{Answer, OrCaller, Refusal, refuse},
    tariffs::kw,
};
use super::{Table, Typed};

/// The first 1 April whose raise goes by CPI.
const FIRST_CPI_YEAR: i32 = 2026;

/// Published tables with further rows.
pub(super) fn with(base: &Tables, approved: &[TableExtended]) -> Answer<Tables> {
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

pub(super) fn provenance(extended: &TableExtended) -> Answer<Provenance> {
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
pub(super) fn columns(table: Table, row: &Typed) -> Answer<()> {
    let bare = |name: &str| name.trim_matches(['[', ']']).to_owned();
    let known: Vec<String> = table.columns().iter().map(|name| bare(name)).collect();
    let made = ["first", "last", "half_hours"];
    for key in row.keys() {
        let own = table == Table::ExportPrice && made.contains(&key.as_str());
        if !known.contains(key) && !own {
            return refuse(format!(
                "the table {} has no column `{key}`; it has {}{}",
                table.word(),
                known.join(", "),
                config::did_you_mean(key, known.iter().map(String::as_str))
            ));
        }
    }
    for name in table.columns().iter().filter(|name| !name.starts_with('[')) {
        text(row, name)?;
    }
    Ok(())
}

pub(super) fn text<'r>(row: &'r Typed, key: &str) -> Answer<&'r str> {
    match row.get(key).map(String::as_str) {
        None | Some("") => refuse(format!("a row has no `{key}`\nhint: say {key}=…")),
        Some(value) => Ok(value),
    }
}

pub(super) fn percent(row: &Typed, key: &str) -> Answer<Decimal> {
    let value = text(row, key)?;
    match Decimal::from_str_exact(value) {
        Ok(percent) if percent.abs() <= Decimal::ONE_HUNDRED => Ok(percent),
        _ => refuse(format!("{key} `{value}`; expected per cent such as `3.4`")),
    }
}

/// The raise of a 1 April goes by one index: RPI until 2025, CPI from then on (government
/// response on FIT indexation, 28 January 2026).
pub(super) fn own_index(row: &Typed) -> Answer<()> {
    let (year, index) = (text(row, "year")?, text(row, "index")?);
    let wanted = match year.parse::<i32>() {
        Ok(year) if year >= FIRST_CPI_YEAR => IndexName::Cpi,
        _ => IndexName::Rpi,
    };
    if index != wanted.word() {
        return refuse(format!(
            "the uplift of 1 April {year} by {index}; expected {}\nhint: the scheme goes by RPI until 1 April 2025 and by CPI from 1 April {FIRST_CPI_YEAR} on",
            wanted.word()
        ));
    }
    Ok(())
}

pub(super) fn grid_price(row: &Typed, extended: &TableExtended) -> Answer<GridPrice> {
    Ok(GridPrice {
        from: text(row, "from")?.parse().or_caller()?,
        rate: text(row, "p_per_kwh")?.parse::<Rate>().or_caller()?,
        provenance: provenance(extended)?,
    })
}

pub(super) fn carbon(row: &Typed, extended: &TableExtended) -> Answer<Factor> {
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
