//! Rates in force: the chain from a base rate through every 1 April up to a day.

use super::{
    Band, Tables, Terms,
    terms::{ExportBasis, Stated},
};
use crate::{
    calendar::LocalDay,
    projection::Certainty,
    quantity::Watts,
    tariff::{Provenance, Rate},
};

/// Uplifts from this 1 April on are rounded to 2 decimals; earlier ones to 1.
const TWO_DECIMALS_FROM: i32 = 2013;

/// How the source of a rate begins that a licensee's statement of terms gives.
const STATED: &str = "stated: ";

/// A rate of a chain from its day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// First day of this rate.
    pub from: LocalDay,
    /// The rate.
    pub rate: Rate,
    /// Where the rate or the uplift that made it comes from.
    pub provenance: Provenance,
}

/// A span of days with one rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// First day.
    pub first: LocalDay,
    /// Last day.
    pub last: LocalDay,
    /// The rate; `None` where nothing is paid.
    pub rate: Option<Rate>,
    /// How export is paid; `None` for generation.
    pub basis: Option<ExportBasis>,
    /// How the rate came about, base rate first; empty where nothing is paid.
    pub steps: Vec<Step>,
}

/// What an installation is paid on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateOn {
    /// Generation rate.
    pub generation: Rate,
    /// Export rate of its class; `None` where no export is paid.
    pub export: Option<Rate>,
    /// How export is paid.
    pub basis: ExportBasis,
    /// How the generation rate came about, base rate first.
    pub generation_steps: Vec<Step>,
    /// How the export rate came about; empty where no export is paid.
    pub export_steps: Vec<Step>,
}

/// Why there is no rate for a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// Not yet eligible.
    #[error("nothing is paid for `{day}`; the installation is eligible from `{eligible}`")]
    TooEarly {
        /// The day asked for.
        day: LocalDay,
        /// The eligibility date.
        eligible: LocalDay,
    },
    /// The tariff ended.
    #[error("nothing is paid for `{day}`; the tariff ended with `{last}`")]
    Ended {
        /// The day asked for.
        day: LocalDay,
        /// The last day paid.
        last: LocalDay,
    },
    /// No row for the eligibility date and band.
    #[error(
        "no generation rate for `{}` kW eligible from `{eligible}` is in the tables\nhint: give the rate of the licensee's statement of terms under [[installation.stated]]", .capacity.kw_text()
    )]
    NoBase {
        /// The eligibility date.
        eligible: LocalDay,
        /// Declared net capacity.
        capacity: Watts,
    },
    /// No export row.
    #[error(
        "no export rate for `{day}` and eligibility from `{eligible}` is in the tables\nhint: give the rate of the licensee's statement of terms under [[installation.stated]]"
    )]
    NoExport {
        /// The day asked for.
        day: LocalDay,
        /// The eligibility date.
        eligible: LocalDay,
    },
    /// No uplift row.
    #[error(
        "the uplift of 1 April `{0}` is not in the table\nhint: add the published 12-month rate of the December before, with its source"
    )]
    NoUplift(i32),
    /// The rate leaves what a rate can be.
    #[error("the uplift of 1 April `{0}` makes no rate; expected less than £10 a kWh")]
    Beyond(i32),
}

impl Tables {
    /// What the installation is paid on that day.
    ///
    /// # Errors
    /// [`NoRate`] when the day is outside its life or a table has no row; nothing is carried on.
    pub fn rate_on(&self, terms: &Terms, day: LocalDay) -> Result<RateOn, NoRate> {
        within_life(terms, day)?;
        let generation_steps = self.generation_steps(terms, day)?;
        let basis = terms.basis_on(day);
        let export_steps = match basis {
            ExportBasis::None => Vec::new(),
            ExportBasis::Deemed | ExportBasis::Metered => self.export_steps(terms, day)?,
        };
        let Some(generation) = generation_steps.last() else {
            return Err(no_base(terms));
        };
        Ok(RateOn {
            generation: generation.rate,
            export: export_steps.last().map(|step| step.rate),
            basis,
            generation_steps,
            export_steps,
        })
    }

    /// The generation rates of the days from `first` to `last`, split at every change.
    ///
    /// # Errors
    /// As [`Tables::rate_on`].
    pub fn generation(
        &self,
        terms: &Terms,
        first: LocalDay,
        last: LocalDay,
    ) -> Result<Vec<Priced>, NoRate> {
        let changes = terms
            .stated()
            .iter()
            .filter(|row| row.generation.is_some())
            .map(|row| row.from);
        spans(first, last, changes)
            .into_iter()
            .map(|(first, last)| {
                within_life(terms, first)?;
                let steps = self.generation_steps(terms, first)?;
                Ok(Priced {
                    first,
                    last,
                    rate: steps.last().map(|step| step.rate),
                    basis: None,
                    steps,
                })
            })
            .collect()
    }

    /// The export rates of the days from `first` to `last`, split at every change of rate or basis.
    ///
    /// # Errors
    /// As [`Tables::rate_on`].
    pub fn export(
        &self,
        terms: &Terms,
        first: LocalDay,
        last: LocalDay,
    ) -> Result<Vec<Priced>, NoRate> {
        let stated = terms
            .stated()
            .iter()
            .filter(|row| row.export.is_some())
            .map(|row| row.from);
        let basis = terms.export().iter().map(|row| row.from);
        spans(first, last, stated.chain(basis))
            .into_iter()
            .map(|(first, last)| {
                within_life(terms, first)?;
                let basis = terms.basis_on(first);
                let steps = match basis {
                    ExportBasis::None => Vec::new(),
                    ExportBasis::Deemed | ExportBasis::Metered => {
                        self.export_steps(terms, first)?
                    }
                };
                Ok(Priced {
                    first,
                    last,
                    rate: steps.last().map(|step| step.rate),
                    basis: Some(basis),
                    steps,
                })
            })
            .collect()
    }

    fn generation_steps(&self, terms: &Terms, day: LocalDay) -> Result<Vec<Step>, NoRate> {
        let row = self.new.iter().find(|row| {
            row.from <= terms.eligible()
                && terms.eligible() <= row.to
                && row.band.holds(terms.capacity(), terms.stand_alone())
        });
        let base = row.map(|row| Step {
            from: terms.eligible(),
            rate: row.rate,
            provenance: provenance_of(row.band, &row.provenance),
        });
        let stated = in_force(terms, day, |row| row.generation);
        // A later statement stands in for everything before it.
        let start = stated.or(base).ok_or_else(|| no_base(terms))?;
        let first = if start.from == terms.eligible() {
            terms.first_uplift_year()
        } else {
            year_after(start.from)
        };
        self.raised(start, first, day)
    }

    fn export_steps(&self, terms: &Terms, day: LocalDay) -> Result<Vec<Step>, NoRate> {
        let chain = self.export.iter().find(|chain| {
            chain.eligible_from <= terms.eligible()
                && terms.eligible() <= chain.eligible_to
                && chain.from <= day
        });
        let base = chain.map(|chain| Step {
            from: chain.from,
            rate: chain.rate,
            provenance: chain.provenance.clone(),
        });
        let start = in_force(terms, day, |row| row.export)
            .or(base)
            .ok_or(NoRate::NoExport {
                day,
                eligible: terms.eligible(),
            })?;
        let first = year_after(start.from);
        self.raised(start, first, day)
    }

    /// The chain from its start through every 1 April from that of `first` up to `day`.
    fn raised(&self, start: Step, first: i32, day: LocalDay) -> Result<Vec<Step>, NoRate> {
        let mut steps = vec![start];
        for year in first..=day.year() {
            let Some(april) = LocalDay::of_date(year, 4, 1) else {
                break;
            };
            if april > day {
                break;
            }
            let uplift = self.uplift(year).ok_or(NoRate::NoUplift(year))?;
            let decimals = if year < TWO_DECIMALS_FROM { 1 } else { 2 };
            let before = steps.last().ok_or(NoRate::Beyond(year))?.rate;
            let rate = before
                .raised(uplift.percent, decimals)
                .ok_or(NoRate::Beyond(year))?;
            steps.push(Step {
                from: april,
                rate,
                provenance: Provenance {
                    source: format!(
                        "{} {} %: {}",
                        uplift.index.word(),
                        uplift.percent,
                        uplift.provenance.source
                    ),
                    certainty: uplift.provenance.certainty,
                },
            });
        }
        Ok(steps)
    }
}

impl Step {
    /// Whether it comes from a licensee's statement of terms and not from the published tables.
    #[must_use]
    pub fn is_stated(&self) -> bool {
        self.provenance.source.starts_with(STATED)
    }
}

impl RateOn {
    /// The least sure of what the rates were made of.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        let steps = self.generation_steps.iter().chain(&self.export_steps);
        steps
            .map(|step| step.provenance.certainty)
            .max()
            .unwrap_or(Certainty::Sample)
    }
}

fn within_life(terms: &Terms, day: LocalDay) -> Result<(), NoRate> {
    if day < terms.eligible() {
        return Err(NoRate::TooEarly {
            day,
            eligible: terms.eligible(),
        });
    }
    if day > terms.last_day() {
        return Err(NoRate::Ended {
            day,
            last: terms.last_day(),
        });
    }
    Ok(())
}

fn no_base(terms: &Terms) -> NoRate {
    NoRate::NoBase {
        eligible: terms.eligible(),
        capacity: terms.capacity(),
    }
}

fn provenance_of(band: Band, row: &Provenance) -> Provenance {
    Provenance {
        source: format!("new installations {}: {}", band.words(), row.source),
        certainty: row.certainty,
    }
}

/// The statement in force on a day, as the start of a chain.
fn in_force(terms: &Terms, day: LocalDay, rate: impl Fn(&Stated) -> Option<Rate>) -> Option<Step> {
    terms
        .stated()
        .iter()
        .rev()
        .filter(|row| row.from <= day)
        .find_map(|row| {
            Some(Step {
                from: row.from,
                rate: rate(row)?,
                provenance: Provenance {
                    source: format!("{STATED}{}", row.provenance.source),
                    certainty: row.provenance.certainty,
                },
            })
        })
}

/// The year of the first 1 April after a day.
fn year_after(day: LocalDay) -> i32 {
    if day.month() >= 4 {
        day.year().saturating_add(1)
    } else {
        day.year()
    }
}

/// The days from `first` to `last` split at every 1 April and at the changes.
fn spans(
    first: LocalDay,
    last: LocalDay,
    changes: impl Iterator<Item = LocalDay>,
) -> Vec<(LocalDay, LocalDay)> {
    let aprils = (first.year()..=last.year()).filter_map(|year| LocalDay::of_date(year, 4, 1));
    let mut starts: Vec<LocalDay> = aprils
        .chain(changes)
        .filter(|day| first < *day && *day <= last)
        .chain([first])
        .collect();
    starts.sort_unstable();
    starts.dedup();
    let ends = starts
        .iter()
        .skip(1)
        .map(|start| start.previous())
        .chain([last]);
    starts.iter().copied().zip(ends).collect()
}
