//! Half-hourly prices of export, as a supplier or market publishes them: a CSV file with the columns
//! `from,p_per_kwh`, a row a half hour, prices less than zero too.
//!
//! The file is kept as it came; it is read again whenever a bill is made, and the bill keeps what it
//! came to.

use std::collections::BTreeMap;

use domain::{
    calendar::{HalfHour, Instant, Zone},
    tariff::Rate,
};

use super::answer::{Answer, OrCaller, Refusal, refuse};

/// Most rows of one file: three years.
const MAX_ROWS: usize = 3 * 366 * 48;

/// Prices by the start of their half hour.
#[derive(Clone, Debug, Default)]
pub(super) struct HalfHourPrices(BTreeMap<Instant, Rate>);

impl HalfHourPrices {
    /// Reads a file; times without offset are local to the society.
    pub(super) fn read(bytes: &[u8], zone: &Zone) -> Answer<HalfHourPrices> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let head: Vec<String> = reader
            .headers()
            .or_caller()?
            .iter()
            .map(str::to_owned)
            .collect();
        if head != ["from", "p_per_kwh"] {
            return refuse(format!(
                "the prices have the columns `{}`; expected `from,p_per_kwh`, a row a half hour",
                head.join(",")
            ));
        }
        let mut prices = BTreeMap::new();
        for (n, record) in (2..).zip(reader.records()) {
            let record = record.or_caller()?;
            let wrong = |why: String| Refusal::Caller(format!("line {n} of the prices: {why}"));
            if prices.len() == MAX_ROWS {
                return refuse(format!(
                    "the file has more than {MAX_ROWS} prices; expected at most that"
                ));
            }
            let text = record.get(0).unwrap_or_default();
            let from = zone
                .instant_of_text(text)
                .map_err(|e| wrong(e.to_string()))?;
            if HalfHour::of(from).start() != from {
                return Err(wrong(format!("`{text}` is not the start of a half hour")));
            }
            let rate = record.get(1).unwrap_or_default().parse::<Rate>();
            let rate = rate.map_err(|e| wrong(e.to_string()))?;
            if prices.insert(from, rate).is_some() {
                return Err(wrong(format!("`{text}` is there twice")));
            }
        }
        if prices.is_empty() {
            return refuse("the file has no prices");
        }
        Ok(HalfHourPrices(prices))
    }

    /// Adds another file's; the same half hour at another price is refused.
    pub(super) fn add(&mut self, other: HalfHourPrices) -> Answer<()> {
        for (from, rate) in other.0 {
            if self.0.insert(from, rate).is_some_and(|there| there != rate) {
                return refuse(format!("two prices for the half hour from {from}"));
            }
        }
        Ok(())
    }

    /// The prices by the start of their half hour.
    pub(super) fn by_start(&self) -> &BTreeMap<Instant, Rate> {
        &self.0
    }

    /// How many half hours have one.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first half hour.
    pub(super) fn first(&self) -> Instant {
        self.0.keys().next().copied().unwrap_or_default()
    }

    /// The last half hour.
    pub(super) fn last(&self) -> Instant {
        self.0.keys().next_back().copied().unwrap_or_default()
    }
}
