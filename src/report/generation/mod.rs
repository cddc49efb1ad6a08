//! The generation report: forecast against what the roofs made, in the style Brixton Energy made
//! known. This module is the view model; each way of printing it has a file of its own.
//!
//! The office fills [`GenerationReport`] from the domain's figures. Days are local to the society
//! and `end` is the last day inside. Nothing is added up here: if a total and its rows disagreed,
//! the report would print both as they came.

mod csv;

pub(crate) use crate::sheet::harmless;
mod html;
pub(crate) use html::page_of;
mod income;
mod json;
mod paper;
mod sentence;
mod svg;
mod table;
mod text;

use domain::{
    calendar::{Instant, LocalDay, Zone},
    metering::Quality,
    projection::Factor,
    quantity::{WattHours, Watts},
};
use rust_decimal::Decimal;

pub use income::{Income, IncomeLine, IncomeRow, LossRow, ratio_words};
pub use sentence::Clause;
pub use table::Line;

/// One society's or one roof's generation over a period, ready to be printed.
#[derive(Clone, Debug)]
pub struct GenerationReport {
    /// The legal person, such as "Brixton Energy Solar 1".
    pub society: String,
    /// Its name in addresses and file names, such as "bes1".
    pub slug: String,
    /// The one roof reported on; none when the report covers the whole society.
    pub place: Option<String>,
    /// How many roofs are counted.
    pub roofs: u32,
    /// Installed peak capacity counted.
    pub peak: Watts,
    /// The zone that days and clock times are told in.
    pub zone: Zone,
    /// What span is reported, and in what steps.
    pub period: Period,
    /// One row a step, in order.
    pub rows: Vec<Row>,
    /// The figures over the whole period.
    pub totals: Totals,
    /// The forecast it is compared with.
    pub forecast: Option<ForecastVersion>,
    /// Every factor behind an equivalent that is printed.
    pub factors: Vec<Factor>,
    /// Spans without energy, in order.
    pub missing: Vec<Missing>,
    /// What is sample data and not in print; those figures say SAMPLE wherever they show.
    pub samples: Samples,
    /// Sentences on days that other days stand in for, printed as they are.
    pub stand_ins: Vec<String>,
    /// How we know: each a step further down, to the meter.
    pub working: Vec<Step>,
    /// A roof's income, costs and losses, where they are asked for.
    pub income: Option<Income>,
    /// When the report was drawn up.
    pub drawn_up: Instant,
}

/// The span reported and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// First local day.
    pub start: LocalDay,
    /// Last local day, inside.
    pub end: LocalDay,
    /// What one row is.
    pub granularity: Granularity,
}

/// What one row of a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// A local day.
    Day,
    /// A local calendar month, or the part of it inside the period.
    Month,
    /// A calendar year, or the part of it inside the period.
    Year,
}

/// One bar of the chart, one line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// First local day.
    pub start: LocalDay,
    /// Last local day, inside.
    pub end: LocalDay,
    /// What is known to have been made; none when nothing is known, never zero instead.
    pub generated: Option<WattHours>,
    /// What was forecast for the same days.
    pub forecast: Option<WattHours>,
    /// Made less forecast; none where it would mislead, as in a row that is not complete.
    pub difference: Option<WattHours>,
    /// The same in per cent of the forecast, one decimal.
    pub difference_percent: Option<Decimal>,
    /// How well the figure is known.
    pub quality: Quality,
    /// Whether the row lies behind us.
    pub progress: Progress,
    /// How many of its days are complete.
    pub days: Days,
    /// Half hours in it that no register covers; of those already past.
    pub missing_half_hours: u32,
    /// Reads in it that wait for a person.
    pub held: u32,
    /// What a reader should know of this row, such as "inverter fault 3 to 9 June".
    pub notes: Vec<String>,
}

/// Where a row stands against the day the report was drawn up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// It is over.
    #[default]
    Over,
    /// It has begun and not ended.
    Running,
    /// It has not begun.
    ToCome,
}

/// "23 of 30 days".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// Days whose every half hour is known.
    pub complete: u32,
    /// Days in the row.
    pub of: u32,
}

/// The figures over the whole period. None is "not known" or "cannot be said", never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What is known to have been made.
    pub generated: Option<WattHours>,
    /// What was forecast.
    pub forecast: Option<WattHours>,
    /// Made less forecast.
    pub difference: Option<WattHours>,
    /// The same in per cent of the forecast, one decimal.
    pub difference_percent: Option<Decimal>,
    /// kWh for each kWp, whole.
    pub specific_yield: Option<Decimal>,
    /// Average homes it would supply for a year.
    pub homes: Option<Decimal>,
    /// Kettles it would boil, whole.
    pub kettles: Option<Decimal>,
    /// Carbon dioxide equivalent, kg.
    pub co2_kg: Option<Decimal>,
    /// Export income, pence.
    pub export_pence: Option<i64>,
    /// Days complete over the whole period.
    pub days: Days,
    /// How well the total is known.
    pub quality: Quality,
    /// Half hours already past that no register covers.
    pub missing_half_hours: u32,
    /// Reads that wait for a person.
    pub held: u32,
}

/// The forecast a report was compared with. A later version never rewrites this report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForecastVersion {
    /// Its name, such as "2" or "2013 offer document".
    pub version: String,
    /// The day it was made.
    pub made_on: LocalDay,
    /// Where it comes from.
    pub source: String,
}

/// A span of which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The roof or meter point, by name.
    pub place: String,
    /// First instant without energy.
    pub from: Instant,
    /// First instant with energy again.
    pub to: Instant,
    /// How many half hours.
    pub half_hours: u32,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// What is sample data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// The energy figures are a sample.
    pub generation: bool,
    /// The forecast figures are a sample.
    pub forecast: bool,
    /// The totals are in print; how they fall on the rows is a sample.
    pub rows: bool,
    /// Sentences that say what is a sample and what it stands for.
    pub notes: Vec<String>,
}

/// One step of "how we know".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What lies there, in words: "17,520 half hours of meter 2000012345672".
    pub text: String,
    /// The address, where there is one.
    pub target: Option<String>,
}

impl Days {
    /// Every day is complete.
    #[must_use]
    pub fn whole(self) -> bool {
        self.complete == self.of
    }
}

impl Row {
    /// Something inside is missing although it lies behind us.
    #[must_use]
    pub fn has_hole(&self) -> bool {
        self.missing_half_hours > 0
    }
}

/// A report could not be drawn or written out.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The drawing library refused.
    #[error("the chart of `{subject}` could not be drawn: {cause}")]
    Chart {
        /// Whose chart.
        subject: String,
        /// What it said.
        cause: String,
    },
    /// A template or a serialiser refused.
    #[error("the report of `{subject}` could not be written as {format}: {cause}")]
    Write {
        /// Whose report.
        subject: String,
        /// Which form.
        format: &'static str,
        /// What it said.
        cause: String,
    },
}

/// The forms a generation report can be downloaded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain words and a table, for a terminal or a letter.
    Text,
    /// A complete page that needs nothing else.
    Html,
    /// The chart alone.
    Svg,
    /// The table, RFC 4180.
    Csv,
    /// Every figure, for scripts.
    Json,
}

impl Format {
    /// The media type to serve it as.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; charset=utf-8",
            Format::Html => "text/html; charset=utf-8",
            Format::Svg => "image/svg+xml",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Json => "application/json",
        }
    }

    /// The file name's ending.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Format::Text => "txt",
            Format::Html => "html",
            Format::Svg => "svg",
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }
}

impl GenerationReport {
    /// The report in one of its forms, whole.
    ///
    /// # Errors
    /// When the drawing library, a template or a serialiser refuses; that is ours to repair.
    pub fn render(&self, format: Format) -> Result<String, ReportError> {
        match format {
            Format::Text => Ok(self.text()),
            Format::Html => self.html_page(),
            Format::Svg => self.svg(),
            Format::Csv => self.csv(),
            Format::Json => self.json(),
        }
    }

    /// A file name: "bes1-generation-2013.csv".
    #[must_use]
    pub fn file_name(&self, format: Format) -> String {
        let period = crate::words::period_slug(&self.period);
        format!("{}-generation-{period}.{}", self.slug, format.ending())
    }

    /// Whom it is about: "Elmore House" or "Brixton Energy Solar 1".
    #[must_use]
    pub fn subject(&self) -> &str {
        self.place.as_deref().unwrap_or(&self.society)
    }
}
