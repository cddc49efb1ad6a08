//! The table as CSV: RFC 4180, a header line, energy in whole Wh, days as `YYYY-MM-DD`.
//!
//! There is no total line, so that a spreadsheet may add the column up. Words that a spreadsheet
//! would take for a formula get an apostrophe in front (OWASP, CSV injection); numbers are written
//! by us and stay numbers, a minus included.

use super::{GenerationReport, Progress, ReportError, Row};
use crate::sheet::harmless;
use crate::words;

pub(super) const HEAD: [&str; 14] = [
    "label",
    "start",
    "end",
    "generated_wh",
    "forecast_wh",
    "difference_wh",
    "difference_percent",
    "quality",
    "days_complete",
    "days",
    "missing_half_hours",
    "held_reads",
    "sample",
    "notes",
];

impl GenerationReport {
    /// The rows as CSV.
    ///
    /// # Errors
    /// When the writer refuses.
    pub fn csv(&self) -> Result<String, ReportError> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let refuse = |cause: String| ReportError::Write {
            subject: self.subject().to_owned(),
            format: "CSV",
            cause,
        };
        writer
            .write_record(HEAD)
            .map_err(|cause| refuse(cause.to_string()))?;
        for row in &self.rows {
            writer
                .write_record(self.cells(row))
                .map_err(|cause| refuse(cause.to_string()))?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|cause| refuse(cause.to_string()))?;
        String::from_utf8(bytes).map_err(|cause| refuse(cause.to_string()))
    }

    pub(super) fn cells(&self, row: &Row) -> [String; 14] {
        let rows = self.samples.rows;
        let sample = match (
            self.samples.generation || rows,
            self.samples.forecast || rows,
        ) {
            (true, true) => "SAMPLE generation and forecast",
            (true, false) => "SAMPLE generation",
            (false, true) => "SAMPLE forecast",
            (false, false) => "",
        };
        let quality = match (row.generated, row.progress) {
            (None, Progress::ToCome) => "to come",
            (None, _) => "missing",
            (Some(_), _) => row.quality.word(),
        };
        [
            harmless(&words::row_label(&self.period, row.start)),
            row.start.to_string(),
            row.end.to_string(),
            number(row.generated.map(|energy| energy.0)),
            number(row.forecast.map(|energy| energy.0)),
            number(row.difference.map(|energy| energy.0)),
            number(row.difference_percent),
            quality.to_owned(),
            row.days.complete.to_string(),
            row.days.of.to_string(),
            row.missing_half_hours.to_string(),
            row.held.to_string(),
            sample.to_owned(),
            harmless(&row.notes.join("; ")),
        ]
    }
}

fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
