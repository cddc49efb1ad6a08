//! A class of shares: its par value, terms and limits, as the society's rules fix them.

use core::{fmt, str::FromStr};
use std::sync::Arc;

use crate::{calendar::LocalDay, money::Pence};

/// The most that one member other than a registered society may hold in withdrawable shares of one
/// society: £100,000 (Co-operative and Community Benefit Societies Act 2014, section 24, as amended
/// in April 2014; it was £20,000 before).
pub const WITHDRAWABLE_CAP: Pence = Pence(10_000_000);

/// How long before it is paid a withdrawal is to be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    days: u16,
}

impl Notice {
    /// So many days.
    #[must_use]
    pub fn days(days: u16) -> Notice {
        Notice { days }
    }

    /// The first day on which what was asked for on `asked` may be paid.
    #[must_use]
    pub fn ends(self, asked: LocalDay) -> LocalDay {
        asked.plus(i32::from(self.days))
    }

    /// Its length in days.
    #[must_use]
    pub fn in_days(self) -> u16 {
        self.days
    }
}

/// The text is no length of notice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no notice; expected `13 weeks` or `180 days`")]
pub struct NotANotice(pub String);

impl FromStr for Notice {
    type Err = NotANotice;

    /// `13 weeks`, `180 days`.
    fn from_str(text: &str) -> Result<Notice, NotANotice> {
        let refuse = || NotANotice(text.chars().take(32).collect());
        let (number, unit) = text.trim().split_once(' ').ok_or_else(refuse)?;
        let number: u16 = number.parse().map_err(|_| refuse())?;
        let each = match unit.trim() {
            "day" | "days" => 1,
            "week" | "weeks" => 7,
            _ => return Err(refuse()),
        };
        number
            .checked_mul(each)
            .map(Notice::days)
            .ok_or_else(refuse)
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days {
            days if days > 0 && days.is_multiple_of(7) && days < 180 => {
                write!(f, "{} weeks", days.wrapping_div(7))
            }
            days => write!(f, "{days} days"),
        }
    }
}

/// A class of shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareClass {
    /// Its short name, which never changes.
    pub id: Arc<str>,
    /// What people call it.
    pub name: String,
    /// What one share is worth, for ever.
    pub par: Pence,
    /// True when a member may ask for the money back; the cap holds for these.
    pub withdrawable: bool,
    /// True when members may hand shares to each other in life; on death they always pass.
    pub transferable: bool,
    /// The least a member may hold, in shares; nobody is left with fewer but none.
    pub minimum: i64,
    /// The most a member may hold, in shares.
    pub maximum: Option<i64>,
    /// How long before payment a withdrawal is asked for.
    pub notice: Notice,
    /// The most that may be withdrawn in one accounts year, in hundredths of a per cent of the
    /// class's shares on that year's first day.
    pub yearly_limit_bp: Option<u32>,
    /// The first day on which it may be issued.
    pub opened: Option<LocalDay>,
    /// The last day on which it may be issued.
    pub closed: Option<LocalDay>,
}

impl ShareClass {
    /// What so many shares are worth; `None` past the range of 64 bits.
    #[must_use]
    pub fn value(&self, shares: i64) -> Option<Pence> {
        shares.checked_mul(self.par.0).map(Pence)
    }
}
