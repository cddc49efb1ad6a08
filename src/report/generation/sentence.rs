//! The sentence, the paragraph and the notes: a report in words.
//!
//! The paragraph follows Brixton Energy's own: kilowatt-hours, the difference, per cent, yield,
//! pounds where known, homes, kettles, carbon dioxide. A clause that rests on a factor names it,
//! so that every form of the report can lead to its source.

use domain::{metering::Quality, projection::factor_name, quantity::WattHours};
use rust_decimal::Decimal;

use super::{GenerationReport, Progress};
use crate::words::{self, Precision};

/// A piece of the paragraph and the factor it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The words, with their own spaces.
    pub text: String,
    /// The name of the factor behind them.
    pub factor: Option<&'static str>,
}

impl GenerationReport {
    /// What happened, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let when = words::opening(&self.period);
        let who = self.roofs_in_words();
        let Some(generated) = self.totals.generated else {
            return format!("{when} nothing is known of what {who} made.");
        };
        let made = self.marked(generated, self.totals.quality, self.samples.generation);
        if self.running() {
            let when = match when.strip_prefix("In ") {
                Some(rest) => format!("So far in {rest}"),
                None => format!("{when}, so far,"),
            };
            return match self.totals.forecast {
                Some(forecast) => {
                    let forecast = self.marked(forecast, Quality::Actual, self.samples.forecast);
                    format!("{when} {who} made {made} of the {forecast} forecast.")
                }
                None => format!("{when} {who} made {made}."),
            };
        }
        if !self.totals.days.whole() {
            let days = self.days_complete();
            return format!("{when} {who} made at least {made}: {days} are complete.");
        }
        match self.totals.difference_percent {
            Some(percent) if percent.is_zero() => {
                format!("{when} {who} made {made}, as forecast.")
            }
            Some(percent) => {
                let (size, word) = (words::decimal(percent.abs()), more_or_less(percent));
                format!("{when} {who} made {made}, {size} % {word} than forecast.")
            }
            None => format!("{when} {who} made {made}."),
        }
    }

    /// What happened, as a part of another sentence: "the roof of Elmore House made 32,586 kWh, 21 %
    /// more than forecast"; `None` when nothing is known or the period is still running.
    #[must_use]
    pub fn clause(&self) -> Option<String> {
        if self.totals.generated.is_none() || self.running() {
            return None;
        }
        let sentence = self.sentence();
        let rest = sentence.strip_prefix(&words::opening(&self.period))?;
        Some(rest.trim().trim_end_matches('.').to_owned())
    }

    /// What happened, in one paragraph; footnote numbers are those of [`Self::factors`].
    #[must_use]
    pub fn paragraph(&self) -> String {
        let mut text = String::new();
        for clause in self.clauses() {
            text.push_str(&clause.text);
            if let Some(number) = clause.factor.and_then(|name| self.footnote(name)) {
                text.push_str(&format!(" [{number}]"));
            }
        }
        text.push('.');
        text
    }

    /// The paragraph in pieces, without its full stop.
    #[must_use]
    pub fn clauses(&self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        let mut say = |text: String, factor| clauses.push(Clause { text, factor });
        let totals = &self.totals;
        let kwp = self.peak.kw_text();
        let subject = self.subject();
        let Some(generated) = totals.generated else {
            say(
                format!(
                    "{subject} has {kwp} kilowatt-peak (kWp) of panels, and no reads of this period reached us"
                ),
                None,
            );
            return clauses;
        };
        let precision = self.precision_in_prose();
        let mut made = self.marked(generated, totals.quality, self.samples.generation);
        made = match made.split_once("kWh (") {
            Some((number, marks)) => format!("{number}kilowatt-hours (kWh; {marks}"),
            None => made.replacen("kWh", "kilowatt-hours (kWh)", 1),
        };
        let mut text =
            format!("{subject} has {kwp} kilowatt-peak (kWp) of panels. They made {made}");
        if let Some(forecast) = totals.forecast {
            let forecast = self.marked(forecast, Quality::Actual, self.samples.forecast);
            text.push_str(&format!(" where {forecast} were forecast"));
        }
        if let (Some(difference), false) = (totals.difference, self.running()) {
            let size = precision.kwh(WattHours(difference.0.saturating_abs()));
            let word = more_or_less(Decimal::from(difference.0));
            text.push_str(&format!(": {size} kWh {word}"));
            if let Some(percent) = totals.difference_percent {
                text.push_str(&format!(", or {}", words::signed_percent(percent)));
            }
            if !totals.days.whole() {
                text.push_str(", counting what is missing as nothing");
            }
        }
        if let Some(specific_yield) = totals.specific_yield {
            text.push_str(&format!(
                ". That is {} kWh for each kWp",
                words::decimal(specific_yield)
            ));
        }
        if let Some(pence) = totals.export_pence {
            text.push_str(&format!(". Export earned {}", words::pounds(pence)));
        }
        say(text, None);
        let mut link = ". It is";
        if let Some(homes) = totals.homes {
            let homes = match homes {
                none if none.is_zero() => "less than one average UK home uses".to_owned(),
                one if one == Decimal::ONE => "what 1 average UK home uses".to_owned(),
                many => format!("what {} average UK homes use", words::decimal(many)),
            };
            say(format!("{link} {homes} in a year"), Some(factor_name::HOME));
            link = ",";
        }
        if let Some(kettles) = totals.kettles {
            let kettles = match kettles {
                none if none.is_zero() => "less than it takes to boil one kettle".to_owned(),
                one if one == Decimal::ONE => "enough to boil 1 kettle".to_owned(),
                many => format!("enough to boil {} kettles", words::decimal(many)),
            };
            say(format!("{link} {kettles}"), Some(factor_name::KETTLE));
            link = ",";
        }
        if let Some(co2) = totals.co2_kg {
            let co2 = match co2 {
                none if none.is_zero() => "less than 1".to_owned(),
                some => words::decimal(some),
            };
            let opening = if link == "," { ", and it" } else { ". It" };
            say(
                format!("{opening} avoided {co2} kg of CO2"),
                Some(factor_name::CO2),
            );
        }
        clauses
    }

    /// What a reader has to know beside the figures: gaps, held reads, samples, stand-ins.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.totals.missing_half_hours > 0 {
            let half_hours = self.totals.missing_half_hours;
            remarks.push(format!(
                "{} are missing. They are not known, they are not zero, and no figure here counts them.",
                words::count(half_hours, "half hour", "half hours")
            ));
        }
        let holes = self.missing.iter();
        remarks.extend(holes.map(|hole| words::missing(hole, &self.zone)));
        if self.totals.held > 0 {
            let (verb, pronoun) = match self.totals.held {
                1 => ("waits", "it is"),
                _ => ("wait", "they are"),
            };
            remarks.push(format!(
                "{} {verb} for a person to decide; until then {pronoun} not counted.",
                words::count(self.totals.held, "held read", "held reads")
            ));
        }
        let noted = self.rows.iter().filter(|row| !row.notes.is_empty());
        remarks.extend(noted.map(|row| {
            let label = words::row_label(&self.period, row.start);
            format!("{label}: {}.", row.notes.join("; "))
        }));
        let samples = self.samples.notes.iter();
        remarks.extend(samples.map(|note| format!("SAMPLE: {note}")));
        remarks.extend(self.stand_ins.iter().cloned());
        remarks
    }

    /// "Forecast version 2 of 12 January 2013: …".
    #[must_use]
    pub fn forecast_in_words(&self) -> Option<String> {
        let forecast = self.forecast.as_ref()?;
        let sample = if self.samples.forecast {
            " (SAMPLE)"
        } else {
            ""
        };
        Some(format!(
            "Forecast version {} of {}{sample}: {}. A later version does not change this report.",
            forecast.version,
            words::date(forecast.made_on),
            forecast.source.trim_end_matches('.')
        ))
    }

    /// One precision for every kWh of the prose.
    fn precision_in_prose(&self) -> Precision {
        let totals = [self.totals.generated, self.totals.forecast];
        Precision::for_largest(totals.into_iter().flatten().max().unwrap_or(WattHours(0)))
    }

    /// One precision for every kWh of the table and the chart.
    pub(super) fn precision(&self) -> Precision {
        let rows = self.rows.iter();
        let all = rows.flat_map(|row| [row.generated, row.forecast]);
        Precision::for_largest(all.flatten().max().unwrap_or(WattHours(0)))
    }

    /// Part of the period has not happened yet.
    pub(super) fn running(&self) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|row| row.progress != Progress::Over)
    }

    /// The place of a factor in the list of sources, from 1.
    pub(super) fn footnote(&self, name: &str) -> Option<usize> {
        let at = self.factors.iter().position(|factor| factor.name == name)?;
        Some(at + 1)
    }

    pub(super) fn days_complete(&self) -> String {
        let days = self.totals.days;
        format!(
            "{} of {}",
            days.complete,
            words::count(days.of, "day", "days")
        )
    }

    fn roofs_in_words(&self) -> String {
        let subject = words::within(self.subject());
        match self.roofs {
            0 | 1 if subject.to_lowercase().contains("roof") => subject.into_owned(),
            0 | 1 => format!("the roof of {subject}"),
            many => format!("the {} roofs of {subject}", small_number(many)),
        }
    }

    /// "32,586 kWh", with what must stand beside the number.
    fn marked(&self, energy: WattHours, quality: Quality, sample: bool) -> String {
        let mut marks = Vec::new();
        if !matches!(quality, Quality::Actual | Quality::Manual) {
            marks.push(quality.word());
        }
        if sample {
            marks.push("SAMPLE");
        }
        let kwh = self.precision_in_prose().kwh(energy);
        match marks.is_empty() {
            true => format!("{kwh} kWh"),
            false => format!("{kwh} kWh ({})", marks.join(", ")),
        }
    }
}

fn more_or_less(difference: Decimal) -> &'static str {
    if difference.is_sign_negative() {
        "less"
    } else {
        "more"
    }
}

fn small_number(number: u32) -> String {
    let names = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    let place = usize::try_from(number).ok().and_then(|n| n.checked_sub(2));
    place
        .and_then(|place| names.get(place))
        .map_or_else(|| number.to_string(), |name| (*name).to_owned())
}
