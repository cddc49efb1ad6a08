//! The entries of a run in the books: share interest, an expense, owed to members.

use domain::{
    accounts::{NewEntry, Posting, Role, Source, SourceKind},
    calendar::{Instant, LocalDay},
    money::Pence,
};
use records::{decision::What, interest::RunNote};

use crate::{
    accounts::posted,
    answer::{Answer, OrCaller},
    society::SocietyOffice,
};

impl SocietyOffice {
    /// The decision that posts a run on the last day of its period, or today where that is closed;
    /// `None` for a society without a chart of accounts, or a run of nothing.
    pub(super) fn entry_of_run(&self, note: &RunNote, now: Instant) -> Answer<Option<What>> {
        let ledger = self.ledger()?;
        if ledger.chart().is_empty() || note.total_pence == 0 {
            return Ok(None);
        }
        let last: LocalDay = note.to.parse().or_caller()?;
        let on = match ledger.closed() {
            Some(closed) if last <= closed => self.known().zone.day_of(now),
            _ => last,
        };
        let posting = |role, pence| -> Answer<Posting> {
            Ok(Posting {
                account: ledger.role(role).or_caller()?,
                pence: Pence(pence),
            })
        };
        let entry = NewEntry {
            on,
            text: format!("share interest {} to {}", note.from, note.to),
            source: Source {
                kind: SourceKind::Run,
                reference: note.number.to_string(),
            },
            postings: vec![
                posting(Role::ShareInterest, note.total_pence)?,
                posting(Role::InterestOwed, -note.total_pence)?,
            ],
        };
        ledger.check(&entry).or_caller()?;
        Ok(Some(posted(ledger.next_number(), &entry, None)))
    }

    /// The decision that takes the entry of a run back today.
    pub(super) fn reversal_of_run(
        &self,
        number: u32,
        reason: &str,
        now: Instant,
    ) -> Answer<Option<What>> {
        let ledger = self.ledger()?;
        let source = Source {
            kind: SourceKind::Run,
            reference: number.to_string(),
        };
        let stands = ledger
            .entries()
            .iter()
            .find(|entry| entry.new.source == source && ledger.reversed_by(entry.number).is_none());
        let Some(entry) = stands else {
            return Ok(None);
        };
        let today = self.known().zone.day_of(now);
        let back = ledger
            .reversal(
                entry.number,
                today,
                &format!("run {number} voided: {reason}"),
            )
            .or_caller()?;
        Ok(Some(posted(
            ledger.next_number(),
            &back,
            Some(entry.number),
        )))
    }
}
