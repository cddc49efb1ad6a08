//! Where a request to withdraw stands in its queue, and when it is likely to be paid.
//!
//! The day is an estimate and says so: it takes the year's limit of the class as it is now for the
//! years to come, and that the society has the money. What waits is paid by the same part of each
//! request, so that the last of everything decides, not the place alone.

use super::{Refused, Request, ShareRegister};
use crate::calendar::{FinancialYear, LocalDay};

/// A request in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePlace {
    /// Its place, from 1, by the day it was asked.
    pub place: u32,
    /// How many requests wait.
    pub of: u32,
    /// Shares that all of them together ask back.
    pub waiting: i64,
    /// The year's limit, in shares; `None` when the rules set none.
    pub limit: Option<i64>,
    /// What is left of this year's limit.
    pub left: Option<i64>,
    /// The day on which the last of it is likely to be paid; `None` while withdrawals are suspended
    /// or the limit is nothing.
    pub likely: Option<LocalDay>,
}

impl ShareRegister {
    /// Where a waiting request stands.
    ///
    /// # Errors
    /// When nothing of it waits.
    pub fn queue_place(
        &self,
        number: u32,
        year: FinancialYear,
        today: LocalDay,
    ) -> Result<QueuePlace, Refused> {
        let request = self.waiting_request(number)?;
        let terms = self.class(request.class)?;
        let mut queue: Vec<&Request> = self
            .requests()
            .iter()
            .filter(|one| one.class == request.class && one.waiting() > 0)
            .collect();
        queue.sort_by_key(|one| (one.asked, one.number));
        let place = queue.iter().position(|one| one.number == number);
        let waiting = queue
            .iter()
            .fold(0_i64, |sum, one| sum.saturating_add(one.waiting()));
        let used = self.withdrawn(request.class, year);
        let base = match self.issued(request.class, year.first_day().previous()) {
            0 => self.issued(request.class, today).saturating_add(used),
            issued => issued,
        };
        let limit = terms.yearly_limit_bp.map(|bp| {
            base.saturating_mul(i64::from(bp))
                .checked_div(10_000)
                .unwrap_or(0)
        });
        let left = limit.map(|limit| limit.saturating_sub(used).max(0));
        let earliest = request.notice_ends.max(today);
        let open = !self.is_suspended(request.class, today);
        let likely = match (limit, left) {
            (None, _) | (_, None) => Some(earliest),
            (Some(_), Some(left)) if waiting <= left => Some(earliest),
            (Some(limit), Some(_)) if limit < 1 => None,
            (Some(limit), Some(left)) => {
                let more = waiting.saturating_sub(left).saturating_sub(1);
                let years = more.checked_div(limit).unwrap_or(0).saturating_add(1);
                let mut then = year;
                for _ in 0..years.min(100) {
                    then = then.next();
                }
                Some(earliest.max(then.first_day()))
            }
        };
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(QueuePlace {
            place: number(place.unwrap_or(0)).saturating_add(1),
            of: number(queue.len()),
            waiting,
            limit,
            left,
            likely: likely.filter(|_| open),
        })
    }
}
