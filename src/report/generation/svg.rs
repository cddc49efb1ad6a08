//! The Brixton chart of a report.

use super::{GenerationReport, Granularity, Progress, ReportError, Row};
use crate::{
    chart::{Bar, BarChart, Hole, NotDrawn, Setting, Shape},
    words,
};

impl GenerationReport {
    /// The chart alone, as a file of its own.
    ///
    /// # Errors
    /// When the drawing library refuses.
    pub fn svg(&self) -> Result<String, ReportError> {
        self.drawn(Shape::Wide, Setting::File)
    }

    /// The chart as a sheet of paper has it, low and without figures.
    ///
    /// # Errors
    /// When the drawing library refuses.
    pub fn svg_for_paper(&self) -> Result<String, ReportError> {
        let drawn = self.chart().small_svg(Setting::Inline("paper"));
        drawn.map_err(|cause| self.not_drawn(&cause))
    }

    pub(super) fn drawn(&self, shape: Shape, setting: Setting<'_>) -> Result<String, ReportError> {
        let chart = self.chart();
        chart
            .svg(shape, setting)
            .map_err(|cause| self.not_drawn(&cause))
    }

    fn not_drawn(&self, cause: &NotDrawn) -> ReportError {
        ReportError::Chart {
            subject: self.subject().to_owned(),
            cause: cause.to_string(),
        }
    }

    /// The report's bars.
    #[must_use]
    pub fn chart(&self) -> BarChart {
        let when = words::span(self.period.start, self.period.end);
        let (step, _) = words::step(self.period.granularity);
        BarChart {
            title: format!("{}: made and forecast by {step}, {when}", self.subject()),
            description: self.description(),
            value_axis: "Electricity, kWh".to_owned(),
            step_axis: words::step_axis(&self.period),
            bars: self.rows.iter().map(|row| self.bar(row)).collect(),
            sample: self.samples.generation || self.samples.forecast || self.samples.rows,
        }
    }

    fn bar(&self, row: &Row) -> Bar {
        let label = match self.period.granularity {
            Granularity::Day => row.start.day().to_string(),
            _ => words::row_label(&self.period, row.start),
        };
        let days = format!("{} of {} days", row.days.complete, row.days.of);
        let hole = match (row.progress, row.generated) {
            (Progress::ToCome, _) => Hole::None,
            (_, None) => Hole::Whole("no reads".to_owned()),
            (Progress::Running, Some(_)) => Hole::SoFar(days),
            (Progress::Over, Some(_)) if !row.days.whole() => Hole::Part(days),
            (Progress::Over, Some(_)) if row.has_hole() => Hole::Part(days),
            (Progress::Over, Some(_)) => Hole::None,
        };
        let precision = self.precision();
        Bar {
            label,
            made_wh: row.generated.map(|energy| energy.0),
            forecast_wh: row.forecast.map(|energy| energy.0),
            figure: row
                .generated
                .map_or_else(String::new, |energy| precision.kwh(energy)),
            difference: row.difference_percent.map_or_else(String::new, |percent| {
                words::signed_percent(percent.round())
            }),
            hole,
        }
    }

    /// The sentence, the highest and lowest complete step, and what is missing.
    fn description(&self) -> String {
        let precision = self.precision();
        let mut text = self.sentence();
        let complete = || {
            self.rows
                .iter()
                .filter(|row| row.days.whole() && !row.has_hole())
        };
        let most = complete().max_by_key(|row| row.generated);
        let least = complete().min_by_key(|row| row.generated);
        if let (Some(most), Some(least)) = (most, least)
            && let (Some(high), Some(low)) = (most.generated, least.generated)
            && most != least
        {
            text.push_str(&format!(
                " The most was {} kWh ({}), the least {} kWh ({}).",
                precision.kwh(high),
                words::row_label(&self.period, most.start),
                precision.kwh(low),
                words::row_label(&self.period, least.start)
            ));
        }
        let holes: Vec<String> = self
            .rows
            .iter()
            .filter(|row| row.progress == Progress::Over && row.has_hole())
            .map(|row| {
                let label = words::row_label(&self.period, row.start);
                let days = row.days;
                match (row.generated, days.of) {
                    (None, _) => format!("{label} (no reads)"),
                    (Some(_), 1) => label,
                    (Some(_), _) => format!("{label} ({} of {} days)", days.complete, days.of),
                }
            })
            .collect();
        if !holes.is_empty() {
            text.push_str(&format!(" Not complete: {}.", words::list(&holes)));
        }
        text.push_str(" The same numbers are in the table below the picture.");
        text
    }
}
