//! `projection FILE`.

use domain::projection::{PlanYear, rounded};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{
    args::{Cli, Output},
    voice::Voice,
};
use office::{
    Answer, Refusal,
    projection::{Projected, ROWS, project},
};

/// Prints the projection of a file; no data folder is needed.
///
/// # Errors
/// When the file cannot be read, or says something that makes no projection.
pub fn alone(cli: &Cli, file: &std::path::Path, voice: &mut dyn Voice) -> Answer<()> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Refusal::Caller(format!("`{}`: {e}", file.display())))?;
    let made = project(&text)?;
    if cli.output == Output::Json {
        let text = serde_json::to_string_pretty(&document(&made))
            .map_err(|e| Refusal::Ours(e.to_string()))?;
        voice.data(&format!("{text}\n"));
        return Ok(());
    }
    let mut table = comfy_table::Table::new();
    let heads = made.columns.iter().map(|(head, ..)| head.clone());
    let heads: Vec<String> = [made.unit.clone()]
        .into_iter()
        .chain(heads)
        .chain(["all".to_owned()])
        .collect();
    let columns = heads.len();
    table
        .load_preset(comfy_table::presets::NOTHING)
        .set_header(heads);
    for (_, words, of) in ROWS {
        let spans = made.columns.iter().map(|(_, first, last)| (*first, *last));
        let all = (0, made.years.len().saturating_sub(1));
        let cells = spans
            .chain([all])
            .map(|(first, last)| rounded(sum(&made, of, first, last), 0).to_string());
        table.add_row([words.to_owned()].into_iter().chain(cells));
    }
    for column in 1..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    let earned = made.member_return.map_or_else(String::new, |percent| {
        format!("\nmembers earn {percent} % a year on their capital, late payment counted\n")
    });
    voice.data(&format!(
        "{}Projection of {}, years {} to {}{}\n\n{table}\n{earned}",
        if made.sample { "SAMPLE " } else { "" },
        made.name,
        made.first_year,
        usize::from(made.first_year) + made.years.len() - 1,
        match made.source.as_str() {
            "" => String::new(),
            source => format!(" ({source})"),
        },
    ));
    Ok(())
}

fn sum(made: &Projected, of: fn(&PlanYear) -> Decimal, first: usize, last: usize) -> Decimal {
    let years = made.years.get(first..=last).unwrap_or_default();
    years.iter().map(of).sum()
}

fn document(made: &Projected) -> Value {
    let years: Vec<Value> = made
        .years
        .iter()
        .enumerate()
        .map(|(place, year)| {
            let mut row = Map::new();
            row.insert("year".into(), json!(usize::from(made.first_year) + place));
            for (key, _, of) in ROWS {
                row.insert(key.into(), json!(rounded(of(year), 2).to_string()));
            }
            Value::Object(row)
        })
        .collect();
    json!({
        "name": made.name,
        "unit": made.unit,
        "source": made.source,
        "sample": made.sample,
        "years": years,
        "member_return_percent": made.member_return.map(|percent| percent.to_string()),
    })
}
