//! The run itself: one line a member and class, in one of two modes.

use core::ops::Range;

use super::{
    account::{self, Held, Movement, NotEarning, Scratch},
    calendar::{Days, MONTH, YEAR},
    policy::{ClassTerms, DayCount, MAX_CLASSES},
    rate::ShareRate,
};
use crate::{
    calendar::{LocalDay, Period},
    money::Pence,
};

/// Longest period of a run, in days: thirty years.
pub const MAX_DAYS: i32 = 30 * 366;

/// How the pence that a division leaves over are given, in words for the run's papers.
pub const REMAINDER_RULE: &str = "each line is cut to whole pence; the pence left over go one each to the largest fractions cut off, between equal fractions to the lower member number, then to the class named first";

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub struct RunOf<'a> {
    /// The period, both ends inside.
    pub period: Period,
    /// The share classes; movements name them by place.
    pub classes: &'a [ClassTerms],
    /// All movements up to the period's end, from the first share on, in any order; later ones are
    /// left out.
    pub movements: &'a [Movement],
    /// Days on which accounts earn nothing.
    pub not_earning: &'a [NotEarning],
    /// What was declared.
    pub declared: Declared<'a>,
}

/// What the board declared.
#[derive(Clone, Copy, Debug)]
pub enum Declared<'a> {
    /// A rate for each class, in their order.
    Rates(&'a [ShareRate]),
    /// An amount for all of them together.
    Pot(Pence),
}

/// What a member's account of one class earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The member.
    pub member: u32,
    /// The class, by place.
    pub class: u16,
    /// The interest.
    pub pence: Pence,
    /// Holding in pence × parts of a year ([`super::YEAR`]), summed: what the line was made from.
    pub weight: i128,
    /// Holding × maximum rate × time, rounded up: the line is never above it.
    pub most: Pence,
    /// Its spans among [`Run::held`].
    pub held: Range<usize>,
}

/// The lines of a run, by member and class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// One for each account that held a share on a day that the rule looks at.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: Pence,
    /// The spans of all of them.
    pub held: Vec<Held>,
}

/// A run cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The period is empty or too long.
    #[error("the period has `{0}` days; expected 1 to {MAX_DAYS}")]
    Days(i32),
    /// Too many classes.
    #[error("`{0}` share classes; expected at most {MAX_CLASSES}")]
    Classes(usize),
    /// A class has no par.
    #[error("share class `{class}` has a par of `{par}`; expected more than nothing")]
    NoPar {
        /// The class.
        class: String,
        /// Its par.
        par: Pence,
    },
    /// A movement names no class of the run.
    #[error(
        "a movement of member `{member}` is of class number `{class}`; expected one of the run's"
    )]
    UnknownClass {
        /// The member.
        member: u32,
        /// The place it names.
        class: u16,
    },
    /// A holding falls below nothing.
    #[error(
        "member `{member}` would hold `{shares}` shares of `{class}` on {on}; expected 0 or more\nhint: a movement before it is missing or dated too late"
    )]
    BelowZero {
        /// The member.
        member: u32,
        /// The class.
        class: String,
        /// The day.
        on: LocalDay,
        /// Shares.
        shares: i64,
    },
    /// The class counts whole months and the period has others.
    #[error(
        "share class `{class}` counts by whole months, and `{first}` to `{last}` is not made of them"
    )]
    PartMonths {
        /// The class.
        class: String,
        /// First day.
        first: LocalDay,
        /// Last day.
        last: LocalDay,
    },
    /// Rates and classes are not as many.
    #[error("`{rates}` rates for `{classes}` share classes; expected one each")]
    Rates {
        /// Rates.
        rates: usize,
        /// Classes.
        classes: usize,
    },
    /// A rate is above the maximum.
    #[error(
        "`{declared}` for share class `{class}` is above its maximum of `{maximum}` declared in advance; expected at most that\nhint: lean years before do not raise it: interest is not caught up"
    )]
    AboveMaximum {
        /// The class.
        class: String,
        /// The rate.
        declared: ShareRate,
        /// The maximum.
        maximum: ShareRate,
    },
    /// The pot is above what the maximum rates allow.
    #[error(
        "a pot of `{pot}` gives member `{member}` `{line}` for shares of `{class}`, above the `{most}` that the maximum rate allows\nhint: at the maximum rates of all classes the pot is `{most_in_all}` at most"
    )]
    PotAboveMaximum {
        /// The pot.
        pot: Pence,
        /// The first member above.
        member: u32,
        /// The class.
        class: String,
        /// The line.
        line: Pence,
        /// The most it may be.
        most: Pence,
        /// The sum of all those.
        most_in_all: Pence,
    },
    /// The pot is below nothing.
    #[error("a pot of `{0}`; expected nothing or more")]
    NegativePot(Pence),
    /// There is a pot and no account that earns.
    #[error("no share earns in this period; expected somebody to share `{0}` among")]
    NobodyEarns(Pence),
    /// Numbers leave their range.
    #[error(
        "the amounts of member `{member}` are too large to reckon with; expected at most {max} shares",
        max = super::MAX_SHARES
    )]
    TooLarge {
        /// The member.
        member: u32,
    },
}

/// Makes the lines.
///
/// ```
/// use commonwatt_domain::{calendar::LocalDay, interest::*, money::Pence};
/// let day = |text: &str| text.parse::<LocalDay>();
/// let terms = ClassTerms {
///     id: "ordinary".into(),
///     par: Pence(100),
///     days: DayCount::Actual365,
///     issue_day: Ends::In,
///     leaving_day: Ends::Out,
///     rounding: Rounding::HalfAway,
///     maximum: ShareRate::Percent("5".parse()?),
/// };
/// let issued = Movement { member: 1, class: 0, on: day("2022-11-01")?, shares: 1_000 };
/// let made = run(&RunOf {
///     period: "2022".parse()?,
///     classes: &[terms],
///     movements: &[issued],
///     not_earning: &[],
///     declared: Declared::Rates(&[ShareRate::Percent("3".parse()?)]),
/// })?;
/// // 61 days of 365: £5.01.
/// assert_eq!(made.total, Pence(501));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`RunError`]: nothing is made then.
pub fn run(of: &RunOf<'_>) -> Result<Run, RunError> {
    let days = check(of)?;
    let mut made = lay_out(of, &days)?;
    match of.declared {
        Declared::Rates(rates) => by_rate(of, rates, &mut made)?,
        Declared::Pot(pot) => by_pot(of, pot, &mut made)?,
    }
    Ok(made)
}

/// Refuses what no run is made of; gives the period laid out for each class.
fn check(of: &RunOf<'_>) -> Result<Vec<Days>, RunError> {
    let (first, last) = (of.period.first_day(), of.period.last_day());
    if !(1..=MAX_DAYS).contains(&of.period.day_count()) {
        return Err(RunError::Days(of.period.day_count()));
    }
    if of.classes.len() > MAX_CLASSES {
        return Err(RunError::Classes(of.classes.len()));
    }
    let mut days = Vec::new();
    for terms in of.classes {
        if terms.par <= Pence::ZERO {
            return Err(RunError::NoPar {
                class: terms.id.clone(),
                par: terms.par,
            });
        }
        let laid = Days::of(of.period, terms.days);
        let by_months = matches!(terms.days, DayCount::WholeMonths | DayCount::RecordDay);
        if by_months && laid.whole_months().is_none() {
            return Err(RunError::PartMonths {
                class: terms.id.clone(),
                first,
                last,
            });
        }
        days.push(laid);
    }
    let (rates, classes) = match of.declared {
        Declared::Rates(rates) => (rates.len(), of.classes.len()),
        Declared::Pot(pot) if pot < Pence::ZERO => return Err(RunError::NegativePot(pot)),
        Declared::Pot(_) => (0, 0),
    };
    if rates != classes {
        return Err(RunError::Rates { rates, classes });
    }
    Ok(days)
}

/// Lines without money: what each account held, and the most it may earn.
fn lay_out(of: &RunOf<'_>, days: &[Days]) -> Result<Run, RunError> {
    let last = of.period.last_day();
    let mut movements: Vec<Movement> = of
        .movements
        .iter()
        .filter(|movement| movement.on <= last)
        .copied()
        .collect();
    if !movements.is_sorted() {
        movements.sort_unstable();
    }
    let mut not_earning = of.not_earning.to_vec();
    not_earning.sort_unstable();
    let mut made = Run::default();
    let mut scratch = Scratch::default();
    let mut stops: Vec<NotEarning> = Vec::new();
    for account in
        movements.chunk_by(|one, next| (one.member, one.class) == (next.member, next.class))
    {
        let Some(&Movement { member, class, .. }) = account.first() else {
            continue;
        };
        let place = usize::from(class);
        let (Some(terms), Some(days)) = (of.classes.get(place), days.get(place)) else {
            return Err(RunError::UnknownClass { member, class });
        };
        stops.clear();
        if !not_earning.is_empty() {
            let from = not_earning.partition_point(|stop| stop.member < member);
            let all = not_earning.get(from..).unwrap_or_default();
            let of_member = all.iter().take_while(|stop| stop.member == member);
            stops.extend(of_member.filter(|stop| stop.class.is_none_or(|only| only == class)));
        }
        let held = account::lay(account, &stops, terms, days, &mut scratch, &mut made.held)?;
        if held.is_empty() {
            continue;
        }
        let spans = made.held.get(held.clone()).unwrap_or_default();
        let line = weigh(spans, terms, days)
            .map(|(weight, most)| Line {
                member,
                class,
                pence: Pence::ZERO,
                weight,
                most,
                held,
            })
            .ok_or(RunError::TooLarge { member })?;
        made.lines.push(line);
    }
    Ok(made)
}

/// Holding × time, and the most it may earn.
fn weigh(spans: &[Held], terms: &ClassTerms, days: &Days) -> Option<(i128, Pence)> {
    let mut weight = 0_i128;
    for held in spans {
        let shares_time = i128::from(held.shares).checked_mul(i128::from(held.parts))?;
        weight = weight.checked_add(shares_time.checked_mul(i128::from(terms.par.0))?)?;
    }
    // The record day's holding counts as held throughout, which is as long as the period.
    let (over, under) = match terms.days {
        DayCount::RecordDay => (days.whole_months()?.checked_mul(MONTH)?, YEAR),
        _ => (1, 1),
    };
    let timed = weight
        .checked_mul(i128::from(over))?
        .checked_div(i128::from(under))?;
    let (rate, whole) = terms.maximum.fraction(terms.par)?;
    let whole = whole.checked_mul(i128::from(YEAR))?;
    let exact = timed.checked_mul(rate)?;
    let up = exact
        .checked_add(whole.checked_sub(1)?)?
        .checked_div(whole)?;
    Some((weight, Pence(i64::try_from(up).ok()?)))
}

/// Rate declared: each line is rounded once, and the pot is their sum.
fn by_rate(of: &RunOf<'_>, rates: &[ShareRate], made: &mut Run) -> Result<(), RunError> {
    let mut fractions = Vec::new();
    for (terms, rate) in of.classes.iter().zip(rates) {
        let too_large = RunError::TooLarge { member: 0 };
        let fraction = rate.fraction(terms.par).ok_or(too_large.clone())?;
        if is_above(*rate, terms, of.period).ok_or(too_large)? {
            return Err(RunError::AboveMaximum {
                class: terms.id.clone(),
                declared: *rate,
                maximum: terms.maximum,
            });
        }
        fractions.push((fraction, terms.rounding));
    }
    let mut total = 0_i64;
    for line in &mut made.lines {
        let Some(((over, under), rounding)) = fractions.get(usize::from(line.class)) else {
            continue;
        };
        let pence = line
            .weight
            .checked_mul(*over)
            .zip(under.checked_mul(i128::from(YEAR)))
            .and_then(|(over, under)| rounding.quotient(over, under))
            .and_then(|pence| i64::try_from(pence).ok());
        let summed = pence.and_then(|pence| total.checked_add(pence));
        let (Some(pence), Some(summed)) = (pence, summed) else {
            return Err(RunError::TooLarge {
                member: line.member,
            });
        };
        (line.pence, total) = (Pence(pence), summed);
    }
    made.total = Pence(total);
    Ok(())
}

/// Whether a rate is above the maximum; for a holding of one day that stands for the period, above
/// the maximum for so many months.
fn is_above(rate: ShareRate, terms: &ClassTerms, period: Period) -> Option<bool> {
    if terms.days != DayCount::RecordDay {
        return Some(rate.compare(terms.maximum, terms.par)?.is_gt());
    }
    let months = period
        .last_day()
        .local_month()
        .0
        .checked_sub(period.first_day().local_month().0)?
        .checked_add(1)?;
    let (over, under) = rate.fraction(terms.par)?;
    let (most_over, most_under) = terms.maximum.fraction(terms.par)?;
    let declared = over.checked_mul(most_under)?.checked_mul(12)?;
    let allowed = most_over
        .checked_mul(under)?
        .checked_mul(i128::from(months))?;
    Some(declared > allowed)
}

/// Pot declared: shared by largest remainder ([`REMAINDER_RULE`]).
fn by_pot(of: &RunOf<'_>, pot: Pence, made: &mut Run) -> Result<(), RunError> {
    let member = made.lines.first().map_or(0, |line| line.member);
    let too_large = || RunError::TooLarge { member };
    let mut whole = 0_i128;
    for line in &made.lines {
        whole = whole.checked_add(line.weight).ok_or_else(too_large)?;
    }
    if whole == 0 {
        return match pot {
            Pence::ZERO => Ok(()),
            _ => Err(RunError::NobodyEarns(pot)),
        };
    }
    let mut left = pot.0;
    let mut cut_off: Vec<(i128, usize)> = Vec::new();
    for (place, line) in made.lines.iter_mut().enumerate() {
        let over = line
            .weight
            .checked_mul(i128::from(pot.0))
            .ok_or_else(too_large)?;
        let (cut, rest) = (over.checked_div(whole), over.checked_rem(whole));
        let (Some(cut), Some(rest)) = (cut, rest) else {
            return Err(too_large());
        };
        let cut = i64::try_from(cut).map_err(|_| too_large())?;
        line.pence = Pence(cut);
        left = left.checked_sub(cut).ok_or_else(too_large)?;
        if rest > 0 {
            cut_off.push((rest, place));
        }
    }
    // Lines stand by member and class, so a stable order by fraction gives ties to the lower number.
    cut_off.sort_by_key(|(rest, _)| core::cmp::Reverse(*rest));
    let left = usize::try_from(left).map_err(|_| too_large())?;
    for (_, place) in cut_off.into_iter().take(left) {
        if let Some(line) = made.lines.get_mut(place) {
            line.pence = Pence(line.pence.0.saturating_add(1));
        }
    }
    made.total = pot;
    let above = made.lines.iter().find(|line| line.pence > line.most);
    if let Some(line) = above {
        let most_in_all = Pence::total(made.lines.iter().map(|line| line.most));
        let class = of.classes.get(usize::from(line.class));
        return Err(RunError::PotAboveMaximum {
            pot,
            member: line.member,
            class: class.map_or_else(String::new, |terms| terms.id.clone()),
            line: line.pence,
            most: line.most,
            most_in_all: most_in_all.ok_or_else(too_large)?,
        });
    }
    Ok(())
}
