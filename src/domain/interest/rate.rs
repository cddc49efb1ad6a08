//! Rates of share interest: per cent a year, or pence a share, as exact decimals.

use core::{cmp::Ordering, fmt, str::FromStr};

use rust_decimal::Decimal;

use crate::money::Pence;

/// Most digits after the point that a rate may carry.
const MAX_DECIMALS: u32 = 6;

/// The largest rate, per cent a year.
pub const MAX_PERCENT: u32 = 100;

/// The largest rate in pence a share.
const MAX_PENCE_PER_SHARE: u32 = 1_000_000;

/// Per cent a year, exact: from 0 to 100 with at most six digits after the point.
///
/// ```
/// use commonwatt_domain::interest::Percent;
/// let rate: Percent = "3.25".parse()?;
/// assert_eq!(rate.to_string(), "3.25");
/// # Ok::<(), commonwatt_domain::interest::NotAPercent>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(Decimal);

/// The text is no rate of interest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a rate; expected per cent such as `3.25`, from 0 to {MAX_PERCENT}, with at most {MAX_DECIMALS} digits after the point\nhint: write `3` for three per cent, without the sign"
)]
pub struct NotAPercent(pub String);

impl Percent {
    /// Nothing.
    pub const ZERO: Percent = Percent(Decimal::ZERO);

    /// So many per cent.
    ///
    /// # Errors
    /// [`NotAPercent`] when it is below 0, above [`MAX_PERCENT`] or too fine.
    pub fn new(percent: Decimal) -> Result<Percent, NotAPercent> {
        let percent = percent.normalize();
        let fits = !percent.is_sign_negative() || percent.is_zero();
        let fits = fits && percent <= Decimal::from(MAX_PERCENT) && percent.scale() <= MAX_DECIMALS;
        fits.then_some(Percent(percent))
            .ok_or_else(|| NotAPercent(percent.to_string()))
    }

    /// The number of per cent.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Percent {
    type Err = NotAPercent;

    fn from_str(text: &str) -> Result<Percent, NotAPercent> {
        let refuse = || NotAPercent(text.chars().take(32).collect());
        // Longer texts hold no six decimals of a hundred; the parser is not asked about them.
        let short = Some(text.trim()).filter(|text| text.len() <= 16);
        let decimal = short.and_then(|text| Decimal::from_str_exact(text).ok());
        decimal
            .and_then(|decimal| Percent::new(decimal).ok())
            .ok_or_else(refuse)
    }
}

/// What a share earns in a year: a part of its par, or an amount a share (Westmill declares the
/// latter).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareRate {
    /// Per cent of par, a year.
    Percent(Percent),
    /// Pence a share, a year; an exact decimal.
    PencePerShare(Decimal),
}

impl ShareRate {
    /// Nothing.
    pub const ZERO: ShareRate = ShareRate::Percent(Percent::ZERO);

    /// So many pence a share.
    ///
    /// # Errors
    /// [`NotAPercent`] when it is below 0, too large or finer than six digits after the point.
    pub fn pence_per_share(pence: Decimal) -> Result<ShareRate, NotAPercent> {
        let pence = pence.normalize();
        let fits = (!pence.is_sign_negative() || pence.is_zero())
            && pence <= Decimal::from(MAX_PENCE_PER_SHARE)
            && pence.scale() <= MAX_DECIMALS;
        fits.then_some(ShareRate::PencePerShare(pence))
            .ok_or_else(|| NotAPercent(format!("{pence} pence a share")))
    }

    /// Interest on one penny of par in one year, as a fraction of whole numbers: `(over, under)`
    /// with `under` above zero. `None` when the par is not above zero.
    #[must_use]
    pub(super) fn fraction(self, par: Pence) -> Option<(i128, i128)> {
        let (number, whole) = match self {
            ShareRate::Percent(percent) => (percent.0, 100),
            ShareRate::PencePerShare(pence) => (pence, i128::from(par.0)),
        };
        let under = 10_i128.checked_pow(number.scale())?.checked_mul(whole)?;
        (under > 0).then_some((number.mantissa(), under))
    }

    /// Which of two rates is higher, for shares of this par; `None` when the par is not above zero.
    #[must_use]
    pub fn compare(self, other: ShareRate, par: Pence) -> Option<Ordering> {
        let (over, under) = self.fraction(par)?;
        let (other_over, other_under) = other.fraction(par)?;
        let mine = over.checked_mul(other_under)?;
        Some(mine.cmp(&other_over.checked_mul(under)?))
    }
}

impl fmt::Display for ShareRate {
    /// `3.25 %`, `12 p a share`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShareRate::Percent(percent) => write!(f, "{percent} %"),
            ShareRate::PencePerShare(pence) => write!(f, "{pence} p a share"),
        }
    }
}
