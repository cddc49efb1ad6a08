//! Rates that one officer entered alone: nobody freezes money on their own word.
//!
//! Rows of the dated tables take two officers (`tables`). What a society file says of money (a
//! licensee's stated rates, a contract's rate, its grid prices) is applied by one; whoever applied the
//! last change of it does not freeze what is reckoned from it.

use records::{
    decision::What,
    society::{GridPrice, HostRate, Installation, SocietyDocument, StatedRate},
};

use super::{
    answer::{Answer, refuse},
    bills::BilledHost,
    society::SocietyOffice,
};

impl SocietyOffice {
    /// Refuses a claim by whoever entered the rates that the licensee stated.
    pub(super) fn not_own_rates(&self, installation: &Installation, by: &str) -> Answer<()> {
        let stated = |document: &SocietyDocument| -> Vec<StatedRate> {
            let mut all = document.installation.iter();
            let own = all.find(|one| one.id == installation.id);
            own.map(|one| one.stated.clone()).unwrap_or_default()
        };
        self.not_own(
            stated,
            Vec::is_empty,
            &format!("the stated rates of `{}`", installation.id),
            by,
        )
    }

    /// Refuses a bill by whoever entered the contract's rate or grid prices.
    pub(super) fn not_own_contract(&self, host: &BilledHost, by: &str) -> Answer<()> {
        let terms = |document: &SocietyDocument| -> Option<(HostRate, Vec<GridPrice>)> {
            let money = |rate: &HostRate, grid: &[GridPrice]| (rate.clone(), grid.to_vec());
            let mut hosts = document.host.iter();
            let mut buyers = document.buyer.iter();
            match hosts.find(|one| one.id == host.id) {
                Some(one) => Some(money(&one.rate, &one.grid_price)),
                None => buyers
                    .find(|one| one.id == host.id)
                    .map(|one| money(&one.rate, &one.grid_price)),
            }
        };
        self.not_own(
            terms,
            Option::is_none,
            &format!("the contract of `{}`", host.id),
            by,
        )
    }

    fn not_own<T: PartialEq>(
        &self,
        part: impl Fn(&SocietyDocument) -> T,
        is_nothing: impl Fn(&T) -> bool,
        words: &str,
        by: &str,
    ) -> Answer<()> {
        let mut last: Option<(T, String)> = None;
        for decision in self.decisions(&["society-applied/1"])? {
            let What::SocietyApplied(document) = decision.what else {
                continue;
            };
            let now = part(&document);
            if last.as_ref().is_none_or(|(before, _)| *before != now) {
                last = Some((now, decision.by));
            }
        }
        match last {
            Some((part, who)) if who == by && !is_nothing(&part) => refuse(format!(
                "`{by}` entered {words} in the society file, and money hangs on it; expected another officer to freeze\nhint: two people look at it: let another officer who prepares claims and bills freeze it"
            )),
            _ => Ok(()),
        }
    }
}
