//! How long something still runs: a licence, a lease, a tariff. Who uses a roof is warned 24, 12 and 3
//! months before it ends, while there is time to agree on what follows.

use crate::{calendar::LocalDay, income::months_after};

/// Months before an end at which a warning is given.
pub const WARNINGS_MONTHS: [u8; 3] = [24, 12, 3];

/// A warning: so many months are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The day from which it is given.
    pub on: LocalDay,
    /// Months that are left then.
    pub months: u8,
}

/// The warnings before an end, in order. The end of a month stays the end of a month.
///
/// ```
/// use commonwatt_domain::council::warnings;
/// let ends = "2037-04-22".parse()?;
/// let days: Vec<String> = warnings(ends).iter().map(|w| w.on.to_string()).collect();
/// assert_eq!(days, ["2035-04-22", "2036-04-22", "2037-01-22"]);
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[must_use]
pub fn warnings(ends: LocalDay) -> [Warning; 3] {
    WARNINGS_MONTHS.map(|months| Warning {
        on: months_after(ends, i32::from(months).saturating_neg()),
        months,
    })
}
