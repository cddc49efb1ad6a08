//! A council's stake in a society: its capital and vote, what it was paid, what its buildings saved.
//!
//! A council is a member of that kind. Its officers see its own holding, the society's sums and days,
//! and nothing of another member. Where a society has several councils as members, an officer's user
//! is linked to theirs; an officer who is linked to a council sees that one only.

use domain::{
    calendar::{Instant, LocalDay},
    membership::MemberKind,
    money::Pence,
};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    answer::{Answer, refuse},
    interest::Standing,
    society::SocietyOffice,
};

/// Decimals of a percentage.
const DECIMALS: u32 = 2;

/// A council's stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stake {
    /// The council's member number.
    pub member: u32,
    /// What it is called.
    pub name: String,
    /// The day it is reckoned for.
    pub on: LocalDay,
    /// What it holds.
    pub capital: Pence,
    /// What all hold.
    pub all_capital: Pence,
    /// Its part, per cent, two decimals.
    pub capital_percent: Option<Decimal>,
    /// Members with a vote, itself among them.
    pub votes: u32,
    /// One vote of them, per cent, two decimals.
    pub vote_percent: Option<Decimal>,
    /// Its interest, by frozen run: number, first and last day, and how much.
    pub interest: Vec<(u32, String, String, Pence)>,
    /// What hosts of these roofs saved against the grid, by frozen bill: host, first and last day, and
    /// how much; none where the bill names no grid price.
    pub savings: Vec<(String, String, String, Option<Pence>)>,
}

impl SocietyOffice {
    /// The councils among the members.
    ///
    /// # Errors
    /// When the people file is damaged.
    fn councils(&self, now: Instant) -> Answer<Vec<(u32, String)>> {
        let members = self.members(now)?.into_iter();
        Ok(members
            .filter(|line| line.kind == MemberKind::Council.word() && line.left.is_none())
            .map(|line| (line.number, line.name.unwrap_or_default()))
            .collect())
    }

    /// The stake, at the end of a day or today, of the council that is one of the members `own`, or of
    /// the only council there is.
    ///
    /// # Errors
    /// When no council is a member, or several are and none is named.
    pub fn stake(&self, own: &[u32], on: Option<LocalDay>, now: Instant) -> Answer<Stake> {
        let councils = self.councils(now)?;
        let linked: Vec<_> = councils
            .iter()
            .filter(|(number, _)| own.contains(number))
            .collect();
        let (member, name) = match (linked.as_slice(), councils.as_slice()) {
            ([(member, name)], _) => (*member, name.clone()),
            ([], [(member, name)]) => (*member, name.clone()),
            (_, []) => return refuse("no council is a member of this society"),
            _ => {
                return refuse(
                    "several councils are members of this society\nhint: an administrator links your login to yours: commonwatt user add USER --member SOCIETY/NUMBER",
                );
            }
        };
        let on = on.unwrap_or_else(|| self.known().zone.day_of(now));
        let capital = self.holdings(on, Some(member), now)?.total;
        let all_capital = self.holdings(on, None, now)?.total;
        let voters = self
            .members(now)?
            .iter()
            .filter(|line| {
                let stays = |end: Option<LocalDay>| end.is_none_or(|end| on < end);
                line.joined <= on && stays(line.left) && stays(line.died)
            })
            .count();
        let votes = u32::try_from(voters).unwrap_or(u32::MAX);
        let frozen = self.interest_runs()?.into_iter();
        let interest = frozen
            .filter(|run| run.standing == Standing::Frozen)
            .map(|run| {
                let note = run.note;
                let own = note.lines.iter().filter(|line| line.member == member);
                let pence = own.map(|line| line.pence).sum();
                (note.number, note.from, note.to, Pence(pence))
            })
            .collect();
        let hosts = self.known();
        let name_of = |id: &str| {
            let host = hosts.document.host.iter().find(|host| host.id == id);
            host.map_or_else(|| id.to_owned(), |host| host.name.clone())
        };
        let bills = self.frozen_bills()?.into_iter();
        let savings = bills
            .filter(|made| made.credited.is_none())
            .map(|made| {
                let bill = made.bill;
                let saved = bill.saving_pence.map(Pence);
                (name_of(&bill.host), bill.from, bill.to, saved)
            })
            .collect();
        Ok(Stake {
            member,
            name,
            on,
            capital_percent: percent(capital.0, all_capital.0),
            vote_percent: percent(1, i64::from(votes)),
            capital,
            all_capital,
            votes,
            interest,
            savings,
        })
    }
}

/// A part of a whole in per cent, half away from zero; none of nothing.
fn percent(part: i64, whole: i64) -> Option<Decimal> {
    let of = Decimal::from(part)
        .checked_mul(Decimal::ONE_HUNDRED)?
        .checked_div(Decimal::from(whole))?;
    Some(of.round_dp_with_strategy(DECIMALS, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn ten_thousand_of_fifty_eight_and_one_vote_of_a_hundred_and_three() {
        let text = |part, whole| percent(part, whole).map(|of| of.to_string());
        assert_eq!(text(1_000_000, 5_800_000).as_deref(), Some("17.24"));
        assert_eq!(text(1, 103).as_deref(), Some("0.97"));
        assert_eq!(text(0, 0), None);
    }
}
