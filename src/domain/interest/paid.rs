//! Periods that runs have covered: the next one joins them, without overlap and without a gap.

use crate::calendar::LocalDay;

/// A period that a run has covered for a class, at whatever rate, nothing included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaidPeriod {
    /// First day.
    pub first: LocalDay,
    /// Last day.
    pub last: LocalDay,
    /// The class.
    pub class: String,
    /// The run's number.
    pub run: u32,
}

/// A period does not join those that are covered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNext {
    /// Some days are covered already.
    #[error(
        "run {run} has covered `{class}` from `{first}` to `{last}`; expected days that no run has\nhint: to replace that run, void it and name it in the new one"
    )]
    Overlap {
        /// The run.
        run: u32,
        /// The class.
        class: String,
        /// Its first day.
        first: LocalDay,
        /// Its last day.
        last: LocalDay,
    },
    /// Days between would be covered by none.
    #[error(
        "`{class}` would be covered by no run from `{first}` to `{last}`; expected periods without a gap\nhint: for a year without interest make a run at rate 0"
    )]
    Gap {
        /// The class.
        class: String,
        /// The first day missing.
        first: LocalDay,
        /// The last day missing.
        last: LocalDay,
    },
}

/// Checks that `first` to `last` of a class joins what is covered; the order of `paid` does not
/// matter. Whatever comes first may begin anywhere.
///
/// # Errors
/// [`NotNext`] with the run it overlaps or the days between.
pub fn follows(
    class: &str,
    first: LocalDay,
    last: LocalDay,
    paid: &[PaidPeriod],
) -> Result<(), NotNext> {
    let of_class = || paid.iter().filter(|period| period.class == class);
    let overlap = of_class()
        .filter(|period| period.first <= last && first <= period.last)
        .min_by_key(|period| period.first);
    if let Some(period) = overlap {
        return Err(NotNext::Overlap {
            run: period.run,
            class: class.to_owned(),
            first: period.first,
            last: period.last,
        });
    }
    let gap = |first: LocalDay, last: LocalDay| NotNext::Gap {
        class: class.to_owned(),
        first,
        last,
    };
    let before = of_class().map(|period| period.last);
    if let Some(before) = before.filter(|day| *day < first).max()
        && before.next() != first
    {
        return Err(gap(before.next(), first.previous()));
    }
    let after = of_class().map(|period| period.first);
    if let Some(after) = after.filter(|day| *day > last).min()
        && last.next() != after
    {
        return Err(gap(last.next(), after.previous()));
    }
    Ok(())
}
