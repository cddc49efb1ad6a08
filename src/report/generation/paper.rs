//! The report as a typeset sheet, and its table as a workbook.

use super::{GenerationReport, ReportError};
use crate::{
    factors,
    paper::{Paper, PaperTable},
    sheet::{Cell, Table},
    words,
};

impl GenerationReport {
    /// The report as a sheet.
    ///
    /// # Errors
    /// When the drawing library refuses.
    pub fn paper(&self) -> Result<Paper, ReportError> {
        let mark = |sample: bool| if sample { " SAMPLE" } else { "" };
        let (generation, forecast) = (
            self.samples.generation || self.samples.rows,
            self.samples.forecast || self.samples.rows,
        );
        let cells = |line: super::Line| {
            vec![
                line.label,
                line.made,
                line.forecast,
                line.difference,
                line.percent,
                line.known,
            ]
        };
        let mut tables = vec![PaperTable {
            heading: None,
            head: vec![
                words::step_axis(&self.period),
                format!("Made, kWh{}", mark(generation)),
                format!("Forecast, kWh{}", mark(forecast)),
                "Difference".to_owned(),
                "Per cent".to_owned(),
                "How well known".to_owned(),
            ],
            rows: self.lines().into_iter().map(cells).collect(),
            total: Some(cells(self.total_line())),
            numbers: vec![1, 2, 3, 4],
            wide: 5,
        }];
        let mut notes = self.remarks();
        if let Some(sentence) = self.income_sentence() {
            let (rows, total) = self.income.as_ref().map(super::Income::lines).unzip();
            let cells = |line: super::IncomeLine| {
                vec![
                    line.label,
                    line.claims,
                    line.bills,
                    line.open,
                    line.costs,
                    line.lost_kwh,
                    line.lost,
                ]
            };
            let head = [
                "Month",
                "Claims",
                "Bills",
                "Open",
                "Costs",
                "Lost, kWh",
                "Lost",
            ];
            tables.push(PaperTable {
                heading: Some(sentence),
                head: head.map(str::to_owned).to_vec(),
                rows: rows.unwrap_or_default().into_iter().map(cells).collect(),
                total: total.map(cells),
                numbers: (1..7).collect(),
                wide: 0,
            });
            notes.extend(self.income.iter().flat_map(|income| income.notes.clone()));
        }
        notes.extend(self.forecast_in_words());
        notes.extend(self.working.iter().map(|step| step.text.clone()));
        for (place, factor) in self.factors.iter().enumerate() {
            notes.push(format!(
                "[{}] {} {} ({}): {}; {}.",
                place + 1,
                words::decimal(factor.value),
                factor.unit,
                factor.year,
                factor.source,
                factors::certainty_in_words(factor.certainty)
            ));
        }
        let now = self.zone.wall_clock(self.drawn_up);
        notes.push(format!(
            "Drawn up on {}, {}. Each figure is rounded on its own.",
            words::date(now.day),
            words::clock(now)
        ));
        Ok(Paper {
            author: self.society.clone(),
            heading: format!(
                "{}: generation report, {}",
                self.subject(),
                words::span(self.period.start, self.period.end)
            ),
            on: now.day,
            sentence: self.sentence(),
            address: Vec::new(),
            chart: Some((self.svg_for_paper()?, self.chart().description)),
            text: vec![self.paragraph()],
            tables,
            notes_heading: "How we know",
            notes,
            signatures: Vec::new(),
            sample: generation || forecast,
        })
    }

    /// The rows as a table to download; energy in whole Wh, an empty cell for what is not known.
    #[must_use]
    pub fn rows_table(&self) -> Table {
        let number =
            |value: Option<i64>| value.map_or_else(|| Cell::Text(String::new()), Cell::Number);
        let rows = self.rows.iter().map(|row| {
            let cells = self.cells(row);
            let text = |place: usize| Cell::Text(cells[place].clone());
            vec![
                Cell::Text(words::row_label(&self.period, row.start)),
                text(1),
                text(2),
                number(row.generated.map(|energy| energy.0)),
                number(row.forecast.map(|energy| energy.0)),
                number(row.difference.map(|energy| energy.0)),
                text(6),
                text(7),
                Cell::Number(i64::from(row.days.complete)),
                Cell::Number(i64::from(row.days.of)),
                Cell::Number(i64::from(row.missing_half_hours)),
                Cell::Number(i64::from(row.held)),
                text(12),
                Cell::Text(row.notes.join("; ")),
            ]
        });
        Table {
            name: "Generation",
            head: super::csv::HEAD
                .iter()
                .map(|cell| (*cell).to_owned())
                .collect(),
            rows: rows.collect(),
        }
    }
}
