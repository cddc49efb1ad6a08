//! What is asked for: the uplift of the next April from March on, grid prices that have grown old.

use domain::calendar::Instant;

use super::super::{answer::Answer, society::SocietyOffice};

impl SocietyOffice {
    /// The year whose uplift of 1 April is asked for, from March on, until it is there.
    ///
    /// # Errors
    /// When a table is broken.
    pub fn uplift_asked_for(&self, now: Instant) -> Answer<Option<i32>> {
        let known = self.known();
        let document = &known.document;
        let today = known.zone.day_of(now);
        let mut rates = document
            .host
            .iter()
            .map(|host| &host.rate)
            .chain(document.buyer.iter().map(|buyer| &buyer.rate));
        let needs =
            !document.installation.is_empty() || rates.any(|rate| !rate.indexed_by.is_empty());
        if !needs || today.month() < 3 || self.tables()?.uplift(today.year()).is_some() {
            return Ok(None);
        }
        Ok(Some(today.year()))
    }

    /// What is asked for at this time of the year, each as a sentence with its hint.
    ///
    /// # Errors
    /// When a table is broken.
    pub fn asked_for(&self, now: Instant) -> Answer<Vec<String>> {
        let known = self.known();
        let today = known.zone.day_of(now);
        let mut asked = Vec::new();
        if let Some(year) = self.uplift_asked_for(now)? {
            asked.push(format!(
                "the uplift of 1 April {year} is not in the table\nhint: `commonwatt table extend uplifts year={year} percent=… index=CPI --source … --file …`, with the 12-month rate of December {} as the ONS published it",
                year - 1
            ));
        }
        for proposal in self.proposals()? {
            if proposal.decided.is_none() {
                asked.push(format!(
                    "proposal {} for the table {} by `{}` waits for another officer\nhint: `commonwatt table approve {}`",
                    proposal.extended.number,
                    proposal.extended.table,
                    proposal.by.0,
                    proposal.extended.number
                ));
            }
        }
        if today.month() >= 3 {
            for host in &known.document.host {
                if host.rate.percent_below_grid.is_empty() {
                    continue;
                }
                let own = host.grid_price.iter().map(|row| row.from.clone());
                let desk = self.grid_of(&host.id)?;
                let last = own.chain(desk.iter().map(|row| row.from.to_string())).max();
                let old = last.is_none_or(|last| last < format!("{}-04-01", today.year() - 1));
                if old {
                    asked.push(format!(
                        "the grid price of `{}` is older than a year\nhint: take it from the host's own bill: `commonwatt table extend grid-price host={} from=… p_per_kwh=… --source … --file …`",
                        host.id, host.id
                    ));
                }
            }
        }
        Ok(asked)
    }
}
