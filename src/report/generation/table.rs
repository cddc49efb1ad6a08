//! The table of a report: the same words for the page and for plain text.

use domain::{metering::Quality, quantity::WattHours};

use super::{Days, GenerationReport, Progress, Row};
use crate::words;

/// One line of the table, spelt. Cells of what is not known are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The row's name.
    pub label: String,
    /// kWh made.
    pub made: String,
    /// kWh forecast.
    pub forecast: String,
    /// kWh made less forecast, with its sign.
    pub difference: String,
    /// The same in per cent of the forecast.
    pub percent: String,
    /// How well it is known: "actual", "derived, 23 of 30 days; 2 reads held".
    pub known: String,
}

impl GenerationReport {
    /// Every row.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.rows.iter().map(|row| self.line(row)).collect()
    }

    /// The line under the rule.
    #[must_use]
    pub fn total_line(&self) -> Line {
        let totals = &self.totals;
        let days = totals.days;
        let quality = totals
            .generated
            .map_or(Quality::Missing, |_| totals.quality);
        Line {
            label: "Total".to_owned(),
            made: self.kwh(totals.generated),
            forecast: self.kwh(totals.forecast),
            difference: self.signed(totals.difference),
            percent: percent(totals.difference_percent),
            known: known(quality, days, totals.held, false),
        }
    }

    fn line(&self, row: &Row) -> Line {
        let quality = row.generated.map_or(Quality::Missing, |_| row.quality);
        Line {
            label: words::row_label(&self.period, row.start),
            made: self.kwh(row.generated),
            forecast: self.kwh(row.forecast),
            difference: self.signed(row.difference),
            percent: percent(row.difference_percent),
            known: match row.progress {
                Progress::ToCome => "to come".to_owned(),
                Progress::Running => known(quality, row.days, row.held, true),
                Progress::Over if row.days.of == 1 && row.has_hole() => {
                    let gap = words::count(row.missing_half_hours, "half hour", "half hours");
                    let known = known(quality, Days { complete: 1, of: 1 }, row.held, false);
                    match quality {
                        Quality::Missing => known,
                        _ => format!("{known}, {gap} missing"),
                    }
                }
                Progress::Over => known(quality, row.days, row.held, false),
            },
        }
    }

    fn kwh(&self, energy: Option<WattHours>) -> String {
        energy.map_or_else(String::new, |energy| self.precision().kwh(energy))
    }

    fn signed(&self, energy: Option<WattHours>) -> String {
        energy.map_or_else(String::new, |energy| self.precision().signed_kwh(energy))
    }
}

fn percent(percent: Option<rust_decimal::Decimal>) -> String {
    percent.map_or_else(String::new, words::signed_percent)
}

fn known(quality: Quality, days: Days, held: u32, running: bool) -> String {
    let mut text = match quality {
        Quality::Missing => "no reads".to_owned(),
        known => known.word().to_owned(),
    };
    if running && days.of == 1 {
        text.push_str(", so far");
    } else if !days.whole() && quality != Quality::Missing {
        let so_far = if running { " so far" } else { "" };
        text.push_str(&format!(", {} of {} days{so_far}", days.complete, days.of));
    }
    if held > 0 {
        let reads = words::count(held, "read", "reads");
        text.push_str(&format!("; {reads} held"));
    }
    text
}
