//! What the board allots.

use super::{Application, Ask, Line, MemberNo, Offer, OfferRule, Refused, ShareRegister, scale};
use crate::calendar::LocalDay;

/// What one application would be allotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllotmentLine {
    /// The application.
    pub application: u32,
    /// Who applied.
    pub member: MemberNo,
    /// Shares asked for.
    pub asked: i64,
    /// Shares allotted.
    pub shares: i64,
    /// The certificate.
    pub certificate: u32,
}

impl ShareRegister {
    /// What an offer's waiting applications would be allotted.
    ///
    /// # Errors
    /// When the minimum was not raised, the offer is scaled back and still open, nothing waits, or a
    /// member may not hold what it would get.
    pub fn allot_offer(
        &self,
        offer: &Offer,
        on: LocalDay,
        today: LocalDay,
    ) -> Result<Vec<AllotmentLine>, Refused> {
        let waiting: Vec<&Application> = self
            .of_offer(offer)
            .filter(|asked| asked.waits() && asked.on <= on)
            .collect();
        if waiting.is_empty() {
            return Err(Refused::NothingWaits("allotted"));
        }
        let asked = self.asked_for(offer);
        if asked < offer.minimum_raise {
            return Err(Refused::MinimumRaise {
                offer: offer.id.to_string(),
                asked,
                minimum: offer.minimum_raise,
            });
        }
        if offer.rule == OfferRule::ScaleBack && on <= offer.closes {
            return Err(Refused::NotClosed {
                offer: offer.id.to_string(),
                closes: offer.closes,
                on,
            });
        }
        let room = offer
            .maximum_raise
            .saturating_sub(self.raised(offer))
            .max(0);
        let shares = self.share_out(offer, &waiting, room)?;
        self.lines(&waiting, &shares, on, today)
    }

    /// What one waiting application outside an offer would be allotted: all of it.
    ///
    /// # Errors
    /// When it does not wait, or the member may not hold it.
    pub fn allot_one(
        &self,
        application: u32,
        on: LocalDay,
        today: LocalDay,
    ) -> Result<Vec<AllotmentLine>, Refused> {
        let asked = self.waiting_application(application)?;
        self.lines(&[asked], &[asked.shares], on, today)
    }

    /// The movements of an allotment.
    #[must_use]
    pub fn allotment(&self, lines: &[AllotmentLine], on: LocalDay) -> Vec<Line> {
        let issue = |line: &AllotmentLine| {
            let asked = self.waiting_application(line.application).ok()?;
            Some(Line {
                certificate: line.certificate,
                ..asked.issue(line.shares, on)
            })
        };
        lines.iter().filter_map(issue).collect()
    }

    fn lines(
        &self,
        waiting: &[&Application],
        shares: &[i64],
        on: LocalDay,
        today: LocalDay,
    ) -> Result<Vec<AllotmentLine>, Refused> {
        let given = waiting
            .iter()
            .zip(shares)
            .filter(|(_, shares)| **shares > 0);
        let lines: Vec<AllotmentLine> = given
            .zip(self.next_certificate()..)
            .map(|((asked, shares), certificate)| AllotmentLine {
                application: asked.number,
                member: asked.member,
                asked: asked.shares,
                shares: *shares,
                certificate,
            })
            .collect();
        if lines.is_empty() {
            return Err(Refused::NothingWaits("allotted: the offer is full"));
        }
        self.check(&self.allotment(&lines, on), today)?;
        Ok(lines)
    }

    fn share_out(
        &self,
        offer: &Offer,
        waiting: &[&Application],
        room: i64,
    ) -> Result<Vec<i64>, Refused> {
        let minimum = self.class(offer.class)?.minimum;
        let mut left = room;
        // So many that the application and the holding are at their minimum; nothing where that is
        // more than there is.
        let mut shares: Vec<i64> = waiting
            .iter()
            .map(|asked| {
                let held = self.held_at_last(asked.member, asked.class);
                let needed = minimum.saturating_sub(held).max(offer.minimum).max(1);
                let first = match offer.rule {
                    OfferRule::ScaleBack => needed.min(asked.shares),
                    OfferRule::FirstCome => asked.shares.min(left),
                };
                let first = if first > left || first < needed.min(asked.shares) {
                    0
                } else {
                    first
                };
                left = left.saturating_sub(first);
                first
            })
            .collect();
        if offer.rule == OfferRule::ScaleBack {
            let rest: Vec<Ask> = waiting
                .iter()
                .zip(&shares)
                .map(|(asked, first)| {
                    let more = if *first == 0 {
                        0
                    } else {
                        asked.shares.saturating_sub(*first)
                    };
                    Ask {
                        wanted: more,
                        held: more,
                        minimum: 0,
                    }
                })
                .collect();
            for (has, more) in shares.iter_mut().zip(scale(&rest, left)) {
                *has = has.saturating_add(more);
            }
        }
        Ok(shares)
    }
}
