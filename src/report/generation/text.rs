//! The report as plain text, for a terminal or the body of a letter.

use super::{GenerationReport, IncomeLine, table::Line};
use crate::{factors, words};

/// Words are wrapped to this many columns.
const COLUMNS: usize = 78;

impl GenerationReport {
    /// Sentence, paragraph, table, remarks and sources.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut say = |words: &str, indent: &str| {
            out.push_str(&wrapped(words, indent));
            out.push('\n');
        };
        say(&self.sentence(), "");
        say("", "");
        say(&self.paragraph(), "");
        say("", "");
        for line in self.columns() {
            say(&line, "raw");
        }
        if let Some(sentence) = self.income_sentence() {
            say("", "");
            say(&sentence, "");
            say("", "");
            for line in self.income_columns() {
                say(&line, "raw");
            }
            let notes = self.income.iter().flat_map(|income| &income.notes);
            for note in notes {
                say(&format!("* {note}"), "  ");
            }
        }
        let remarks = self.remarks();
        if !remarks.is_empty() {
            say("", "");
        }
        for remark in remarks {
            say(&format!("* {remark}"), "  ");
        }
        say("", "");
        say("How we know", "");
        if let Some(forecast) = self.forecast_in_words() {
            say(&format!("* {forecast}"), "  ");
        }
        for step in &self.working {
            let target = step.target.as_deref().unwrap_or_default();
            say(format!("* {} {target}", step.text).trim_end(), "  ");
        }
        for (place, factor) in self.factors.iter().enumerate() {
            let text = format!(
                "[{}] {} {} ({}): {}; {}.",
                place + 1,
                factor.value,
                factor.unit,
                factor.year,
                factor.source,
                factors::certainty_in_words(factor.certainty)
            );
            say(&text, "    ");
        }
        say("", "");
        let drawn_up = format!(
            "{}. Drawn up on {}, {}. Each figure is rounded on its own.",
            self.society,
            words::date(self.zone.wall_clock(self.drawn_up).day),
            words::clock(self.zone.wall_clock(self.drawn_up))
        );
        say(&drawn_up, "");
        out
    }

    fn columns(&self) -> Vec<String> {
        let mark = |sample: bool| if sample { " SAMPLE" } else { "" };
        let head = Line {
            label: words::step_axis(&self.period),
            made: format!(
                "Made kWh{}",
                mark(self.samples.generation || self.samples.rows)
            ),
            forecast: format!(
                "Forecast kWh{}",
                mark(self.samples.forecast || self.samples.rows)
            ),
            difference: "Difference".to_owned(),
            percent: "Per cent".to_owned(),
            known: "Known".to_owned(),
        };
        let (rows, total) = (self.lines(), self.total_line());
        let all = || [&head].into_iter().chain(&rows).chain([&total]);
        let width = |cell: fn(&Line) -> &str| all().map(|line| cell(line).chars().count()).max();
        let widths = [
            width(|line| &line.label),
            width(|line| &line.made),
            width(|line| &line.forecast),
            width(|line| &line.difference),
            width(|line| &line.percent),
        ]
        .map(Option::unwrap_or_default);
        let print = |line: &Line| {
            let [label, made, forecast, difference, percent] = widths;
            let text = format!(
                "{:<label$}  {:>made$}  {:>forecast$}  {:>difference$}  {:>percent$}  {}",
                line.label, line.made, line.forecast, line.difference, line.percent, line.known
            );
            text.trim_end().to_owned()
        };
        let mut lines: Vec<String> = [&head].into_iter().chain(&rows).map(print).collect();
        let rule = widths.iter().sum::<usize>() + 8;
        lines.push("-".repeat(rule));
        lines.push(print(&total));
        lines
    }
}

impl GenerationReport {
    fn income_columns(&self) -> Vec<String> {
        let Some(income) = &self.income else {
            return Vec::new();
        };
        let (rows, total) = income.lines();
        let cells = |line: &IncomeLine| {
            [
                line.label.clone(),
                line.claims.clone(),
                line.bills.clone(),
                line.open.clone(),
                line.costs.clone(),
                line.lost_kwh.clone(),
                line.lost.clone(),
            ]
        };
        let head = [
            "Month",
            "Claims",
            "Bills",
            "Not yet frozen",
            "Costs",
            "Lost kWh",
            "Lost",
        ]
        .map(str::to_owned);
        let mut all = vec![head];
        all.extend(rows.iter().map(cells));
        all.push(cells(&total));
        let width = |n: usize| {
            all.iter()
                .map(|row| row[n].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths = [0, 1, 2, 3, 4, 5, 6].map(width);
        let mut lines: Vec<String> = all
            .iter()
            .map(|row| {
                let mut text = format!("{:<1$}", row[0], widths[0]);
                for (cell, width) in row.iter().zip(widths).skip(1) {
                    text.push_str(&format!("  {cell:>width$}"));
                }
                text.trim_end().to_owned()
            })
            .collect();
        let rule = widths.iter().sum::<usize>() + 12;
        lines.insert(lines.len() - 1, "-".repeat(rule));
        lines
    }
}

fn wrapped(words: &str, indent: &str) -> String {
    if indent == "raw" {
        return words.to_owned();
    }
    let mut text = String::new();
    let mut column = 0;
    for word in words.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > COLUMNS {
            text.push('\n');
            text.push_str(indent);
            column = indent.len();
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}
