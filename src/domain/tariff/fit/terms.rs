//! The terms of one installation: what the register of the scheme says about it.

use crate::{
    calendar::LocalDay,
    quantity::Watts,
    tariff::{Provenance, Rate},
};

/// Up to this declared net capacity export may be deemed: 30 kW.
pub const DEEMING_LIMIT: Watts = Watts(30_000);
/// How much of the generation counts as exported where it is deemed (solar panels).
pub const DEEMED_PERCENT: i64 = 50;
/// Installations eligible from this day on are paid for 20 years; earlier ones for 25.
pub const SHORTER_LIFE_FROM: LocalDay = LocalDay(15_553); // 2012-08-01

const LONGER_YEARS: i32 = 25;
const SHORTER_YEARS: i32 = 20;

/// How export is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExportBasis {
    /// Half of the generation, without a meter.
    Deemed,
    /// By an export meter.
    Metered,
    /// Not at all.
    None,
}

/// The export basis from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportFrom {
    /// First day.
    pub from: LocalDay,
    /// How export is paid from then on.
    pub basis: ExportBasis,
}

/// A rate as the licensee's statement of terms has it; it stands in for the tables from its day on,
/// and later uplifts raise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// First day.
    pub from: LocalDay,
    /// Generation rate, where stated.
    pub generation: Option<Rate>,
    /// Export rate, where stated.
    pub export: Option<Rate>,
    /// The statement.
    pub provenance: Provenance,
}

/// What is registered of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    eligible: LocalDay,
    capacity: Watts,
    stand_alone: bool,
    export: Vec<ExportFrom>,
    stated: Vec<Stated>,
}

/// Terms that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Too large to deem.
    #[error(
        "export of `{}` kW cannot be deemed; expected at most `{}` kW\nhint: an installation above that needs an export meter; blocks that are registered one by one are installations of their own", .0.kw_text(), DEEMING_LIMIT.kw_text()
    )]
    TooLargeToDeem(Watts),
    /// A dated change before eligibility, or two on one day.
    #[error(
        "dated terms of `{0}`; expected each on a day of its own, none before the eligibility date"
    )]
    Dates(LocalDay),
    /// No capacity.
    #[error("declared net capacity of `{0}` W; expected more than 0 W")]
    Capacity(i64),
    /// A stated rate that states nothing.
    #[error(
        "stated rates of `{0}` name no rate; expected a generation rate, an export rate or both"
    )]
    NothingStated(LocalDay),
}

impl Terms {
    /// Checked terms. Before the first row of `export` nothing is paid for export.
    ///
    /// # Errors
    /// [`TermsError`] when export is deemed above [`DEEMING_LIMIT`], or dates make no sense.
    pub fn new(
        eligible: LocalDay,
        capacity: Watts,
        stand_alone: bool,
        export: Vec<ExportFrom>,
        stated: Vec<Stated>,
    ) -> Result<Terms, TermsError> {
        if capacity.0 <= 0 {
            return Err(TermsError::Capacity(capacity.0));
        }
        if capacity > DEEMING_LIMIT && export.iter().any(|row| row.basis == ExportBasis::Deemed) {
            return Err(TermsError::TooLargeToDeem(capacity));
        }
        in_order(eligible, export.iter().map(|row| row.from))?;
        in_order(eligible, stated.iter().map(|row| row.from))?;
        if let Some(empty) = stated
            .iter()
            .find(|row| row.generation.is_none() && row.export.is_none())
        {
            return Err(TermsError::NothingStated(empty.from));
        }
        Ok(Terms {
            eligible,
            capacity,
            stand_alone,
            export,
            stated,
        })
    }

    /// The eligibility date.
    #[must_use]
    pub fn eligible(&self) -> LocalDay {
        self.eligible
    }

    /// Declared net capacity.
    #[must_use]
    pub fn capacity(&self) -> Watts {
        self.capacity
    }

    /// Whether it is not wired to a building.
    #[must_use]
    pub fn stand_alone(&self) -> bool {
        self.stand_alone
    }

    /// The dated rows of the export basis.
    #[must_use]
    pub fn export(&self) -> &[ExportFrom] {
        &self.export
    }

    /// The stated rates.
    #[must_use]
    pub fn stated(&self) -> &[Stated] {
        &self.stated
    }

    /// Years of payment: 25 where eligible before 1 August 2012, else 20.
    #[must_use]
    pub fn years(&self) -> i32 {
        if self.eligible < SHORTER_LIFE_FROM {
            LONGER_YEARS
        } else {
            SHORTER_YEARS
        }
    }

    /// The last day that is paid: the day before the anniversary.
    ///
    /// ```
    /// use commonwatt_domain::{quantity::Watts, tariff::fit::Terms};
    /// let bes1 = Terms::new("2012-04-23".parse()?, Watts(37_240), false, vec![], vec![])?;
    /// assert_eq!(bes1.last_day().to_string(), "2037-04-22");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn last_day(&self) -> LocalDay {
        let year = self.eligible.year().saturating_add(self.years());
        let (month, day) = (self.eligible.month(), self.eligible.day());
        // Eligible on 29 February: the anniversary of a common year is 1 March.
        LocalDay::of_date(year, month, day)
            .or_else(|| LocalDay::of_date(year, 3, 1))
            .unwrap_or(self.eligible)
            .previous()
    }

    /// The first 1 April that raises the rate, by its year: the next for eligibility from April to
    /// December, the one after next for January to March; and 2014 for 1 November 2012 to 31 March
    /// 2013.
    #[must_use]
    pub fn first_uplift_year(&self) -> i32 {
        let (year, month) = (self.eligible.year(), self.eligible.month());
        let next_april = if month >= 4 {
            year.saturating_add(1)
        } else {
            year
        };
        if (year == 2012 && month >= 11) || (year == 2013 && month <= 3) {
            return 2014;
        }
        if month <= 3 {
            next_april.saturating_add(1)
        } else {
            next_april
        }
    }

    /// The export basis on a day.
    #[must_use]
    pub fn basis_on(&self, day: LocalDay) -> ExportBasis {
        self.export
            .iter()
            .rev()
            .find(|row| row.from <= day)
            .map_or(ExportBasis::None, |row| row.basis)
    }
}

fn in_order(eligible: LocalDay, days: impl Iterator<Item = LocalDay>) -> Result<(), TermsError> {
    let mut before = None;
    for day in days {
        if day < eligible || before.is_some_and(|before| day <= before) {
            return Err(TermsError::Dates(day));
        }
        before = Some(day);
    }
    Ok(())
}

impl ExportBasis {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ExportBasis::Deemed => "deemed",
            ExportBasis::Metered => "metered",
            ExportBasis::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_life_begins_on_the_first_of_august_2012() {
        assert_eq!(SHORTER_LIFE_FROM.to_string(), "2012-08-01");
    }
}
