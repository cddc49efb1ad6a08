//! What a society has to do by when, whatever its roofs do: returns, taxes, meetings, terms, renewals.
//!
//! The end of the accounts year gives HMRC's return of share interest (three months, section 887 of
//! the Income Tax Act 2007), form AR30 (seven months, the FCA), corporation tax (nine months and a
//! day) and its return CT600 (twelve months). What the year does not give stands in the society file,
//! once or again every so many months. Months are counted from the last day of a month to the last
//! day of another, as HMRC and the FCA count them. The notice of a meeting is counted in clear days:
//! neither the day it is given nor the day of the meeting is one of them.

use super::duty::{Duty, DutyKind};
use crate::calendar::LocalDay;

/// Most recurrences of one deadline that are looked through.
const MAX_TIMES: i32 = 2_400;

/// The day so many months after a day; from a month's last day to a month's last day.
///
/// ```
/// use commonwatt_domain::income::months_after;
/// assert_eq!(months_after("2026-03-31".parse()?, 7).to_string(), "2026-10-31");
/// assert_eq!(months_after("2026-08-31".parse()?, 7).to_string(), "2027-03-31");
/// assert_eq!(months_after("2026-02-28".parse()?, 9).to_string(), "2026-11-30");
/// assert_eq!(months_after("2026-05-15".parse()?, 3).to_string(), "2026-08-15");
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[must_use]
pub fn months_after(day: LocalDay, months: i32) -> LocalDay {
    let month = day.local_month();
    let last = month.plus(months).last_day();
    if day == month.last_day() {
        return last;
    }
    LocalDay::of_date(last.year(), last.month(), day.day().min(last.day())).unwrap_or(last)
}

/// The last day on which notice of a meeting may be given, with so many clear days between.
///
/// ```
/// use commonwatt_domain::income::notice_by;
/// assert_eq!(notice_by("2026-06-20".parse()?, 14).to_string(), "2026-06-05");
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[must_use]
pub fn notice_by(meeting: LocalDay, clear_days: u16) -> LocalDay {
    meeting.plus(i32::from(clear_days).saturating_add(1).saturating_neg())
}

/// The duties that the end of an accounts year gives; HMRC's return where interest was paid in it.
#[must_use]
pub fn of_year_end(ends: LocalDay, interest_paid: bool) -> Vec<Duty> {
    let duty = |kind, due| Duty {
        kind,
        about: ends.to_string(),
        opens: ends.next(),
        due,
        done: None,
    };
    let mut all = vec![
        duty(DutyKind::Ar30, months_after(ends, 7)),
        duty(DutyKind::CorporationTax, months_after(ends, 9).next()),
        duty(DutyKind::Ct600, months_after(ends, 12)),
    ];
    if interest_paid {
        all.push(duty(DutyKind::HmrcInterest, months_after(ends, 3)));
    }
    all
}

/// The days of a deadline up to `until`: one, or one every so many months.
#[must_use]
pub fn days_of(first: LocalDay, every_months: Option<u16>, until: LocalDay) -> Vec<LocalDay> {
    let step = i32::from(every_months.unwrap_or(0));
    let times = if step == 0 { 1 } else { MAX_TIMES };
    (0..times)
        .map(|time| months_after(first, time.saturating_mul(step)))
        .take_while(|day| *day <= until)
        .collect()
}
