//! The published tables: rates of new installations, yearly uplifts, export chains.

use rust_decimal::Decimal;

use crate::{
    calendar::LocalDay,
    quantity::Watts,
    tariff::{IndexName, Provenance, Rate},
};

/// Which installations a rate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// On a building, by declared net capacity: above `over`, up to and with `up_to`.
    Building {
        /// Smaller ones have their own band.
        over: Watts,
        /// The largest; `None` for all above `over`.
        up_to: Option<Watts>,
    },
    /// Not wired to a building.
    StandAlone,
}

/// The generation rate of a new installation, higher rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRate {
    /// First eligibility date.
    pub from: LocalDay,
    /// Last eligibility date.
    pub to: LocalDay,
    /// Which installations.
    pub band: Band,
    /// The rate in its first year.
    pub rate: Rate,
    /// Where it is printed.
    pub provenance: Provenance,
}

/// The raise of 1 April of a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplift {
    /// The year whose 1 April it is.
    pub year: i32,
    /// The published 12-month rate, per cent to one decimal.
    pub percent: Decimal,
    /// What it was published for.
    pub index: IndexName,
    /// Where it is printed.
    pub provenance: Provenance,
}

/// An export rate with its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportChain {
    /// First eligibility date of the class.
    pub eligible_from: LocalDay,
    /// Last eligibility date of the class.
    pub eligible_to: LocalDay,
    /// The first day on which the base rate held; every 1 April after it raises the rate.
    pub from: LocalDay,
    /// The rate then.
    pub rate: Rate,
    /// Where it is printed.
    pub provenance: Provenance,
}

/// All published tables of the scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    pub(super) new: Vec<NewRate>,
    pub(super) uplifts: Vec<Uplift>,
    pub(super) export: Vec<ExportChain>,
}

/// Tables that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TablesError {
    /// Two rows for one April.
    #[error("two uplifts for 1 April `{0}`; expected one")]
    TwoUplifts(i32),
    /// More than one decimal.
    #[error(
        "uplift of 1 April `{year}` is `{percent}` %; expected the published rate to one decimal"
    )]
    TooFine {
        /// The year.
        year: i32,
        /// What was given.
        percent: Decimal,
    },
    /// A row that ends before it starts.
    #[error("a rate from `{from}` to `{to}` ends before it starts")]
    Backwards {
        /// First day.
        from: LocalDay,
        /// Last day.
        to: LocalDay,
    },
    /// Two rows for one installation.
    #[error("two rates of new installations overlap at `{0}`; expected one for each date and band")]
    Overlap(LocalDay),
}

impl Band {
    /// Whether an installation of that capacity belongs here.
    #[must_use]
    pub fn holds(self, capacity: Watts, stand_alone: bool) -> bool {
        match self {
            Band::StandAlone => stand_alone,
            Band::Building { over, up_to } => {
                !stand_alone && capacity > over && up_to.is_none_or(|most| capacity <= most)
            }
        }
    }

    /// `>10–50 kW`, `stand-alone`.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Band::StandAlone => "stand-alone".to_owned(),
            Band::Building { over, up_to: None } => format!(">{} kW", over.kw_text()),
            Band::Building {
                over,
                up_to: Some(most),
            } if over.0 == 0 => format!("≤{} kW", most.kw_text()),
            Band::Building {
                over,
                up_to: Some(most),
            } => format!(">{}–{} kW", over.kw_text(), most.kw_text()),
        }
    }

    fn meets(self, other: Band) -> bool {
        match (self, other) {
            (Band::StandAlone, Band::StandAlone) => true,
            (
                Band::Building { over, up_to },
                Band::Building {
                    over: other_over,
                    up_to: other_up_to,
                },
            ) => {
                up_to.is_none_or(|most| other_over < most)
                    && other_up_to.is_none_or(|most| over < most)
            }
            _ => false,
        }
    }
}

impl Tables {
    /// Checked tables; uplifts come out in order of years.
    ///
    /// # Errors
    /// [`TablesError`] when rows overlap, run backwards or an uplift is finer than published.
    pub fn new(
        new: Vec<NewRate>,
        mut uplifts: Vec<Uplift>,
        export: Vec<ExportChain>,
    ) -> Result<Tables, TablesError> {
        for (n, row) in new.iter().enumerate() {
            if row.to < row.from {
                return Err(TablesError::Backwards {
                    from: row.from,
                    to: row.to,
                });
            }
            let clash = new.iter().take(n).any(|other| {
                other.from <= row.to && row.from <= other.to && row.band.meets(other.band)
            });
            if clash {
                return Err(TablesError::Overlap(row.from));
            }
        }
        for chain in &export {
            if chain.eligible_to < chain.eligible_from {
                return Err(TablesError::Backwards {
                    from: chain.eligible_from,
                    to: chain.eligible_to,
                });
            }
        }
        uplifts.sort_by_key(|uplift| uplift.year);
        for pair in uplifts.windows(2) {
            if let [one, other] = pair
                && one.year == other.year
            {
                return Err(TablesError::TwoUplifts(one.year));
            }
        }
        if let Some(fine) = uplifts.iter().find(|one| one.percent.scale() > 1) {
            return Err(TablesError::TooFine {
                year: fine.year,
                percent: fine.percent,
            });
        }
        Ok(Tables {
            new,
            uplifts,
            export,
        })
    }

    /// The yearly uplifts in order.
    #[must_use]
    pub fn uplifts(&self) -> &[Uplift] {
        &self.uplifts
    }

    /// The rates of new installations, as given.
    #[must_use]
    pub fn new_rates(&self) -> &[NewRate] {
        &self.new
    }

    /// The export classes, as given.
    #[must_use]
    pub fn export_chains(&self) -> &[ExportChain] {
        &self.export
    }

    /// The uplift of a year's 1 April.
    #[must_use]
    pub fn uplift(&self, year: i32) -> Option<&Uplift> {
        self.uplifts.iter().find(|uplift| uplift.year == year)
    }
}
