//! What belongs to a period and is billed or claimed in another: accrued costs, prepaid costs, and the
//! FIT that a year-end read has earned and no claim has yet. Each is an entry on the last day of the
//! period and one that takes it back on the day after. Corporation tax is entered as it was computed
//! elsewhere.

use domain::{
    accounts::{AccountCode, NewEntry, Posting, Role, Source, SourceKind},
    calendar::{Instant, LocalDay, Period},
    money::Pence,
};
use records::{books::AccrualEntered, decision::What, society::Installation};
use rust_decimal::Decimal;

use super::{
    super::{
        answer::{Answer, OrCaller, OrOurs, refuse},
        society::SocietyOffice,
    },
    posting,
};

/// An accrual with its two entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccrualLine {
    /// As it was entered.
    pub entered: AccrualEntered,
    /// The entry on the last day.
    pub entry: Option<u32>,
    /// The entry that takes it back.
    pub back: Option<u32>,
}

/// What is put into its period.
#[derive(Clone, Debug)]
pub enum NewAccrual {
    /// A cost of the period whose bill is to come.
    Cost {
        /// The cost's account.
        account: AccountCode,
        /// How much.
        pence: Pence,
        /// The paper, or how it was reckoned.
        basis: String,
    },
    /// A cost that is paid and in part for days after the period.
    Prepaid {
        /// The cost's account.
        account: AccountCode,
        /// The whole cost.
        pence: Pence,
        /// The days it is for.
        days: (LocalDay, LocalDay),
        /// The paper.
        basis: String,
    },
    /// FIT that was earned up to the period's last read and is not claimed yet.
    Fit(Box<Installation>),
}

impl SocietyOffice {
    /// Puts a cost or income into its period; gives how much, and its two entries.
    ///
    /// # Errors
    /// When the period is not over, there is nothing to put, or the same is in its period already.
    pub fn accrue(
        &self,
        new: &NewAccrual,
        on: LocalDay,
        by: &str,
        now: Instant,
    ) -> Answer<(Pence, Vec<u32>)> {
        let _one_at_a_time = posting();
        let ledger = self.with_chart()?;
        self.not_to_come(on.next(), now)?;
        let all = self.accruals()?;
        let (kind, basis, postings) = match new {
            NewAccrual::Cost {
                account,
                pence,
                basis,
            } => {
                let other = ledger.role(Role::Accruals).or_caller()?;
                (
                    "accrual",
                    basis.clone(),
                    sides(account.clone(), other, *pence),
                )
            }
            NewAccrual::Prepaid {
                account,
                pence,
                days,
                basis,
            } => {
                let part = part_after(*pence, *days, on)?;
                let other = ledger.role(Role::Prepayments).or_caller()?;
                let basis = format!("{basis}, {pence} for {} to {}", days.0, days.1);
                ("prepayment", basis, sides(other, account.clone(), part))
            }
            NewAccrual::Fit(installation) => {
                let (basis, generation, export) = self.unclaimed(installation, on, now)?;
                let mut postings = vec![Posting {
                    account: ledger.role(Role::AccruedIncome).or_caller()?,
                    pence: Pence(generation.saturating_add(export)),
                }];
                for (role, pence) in [(Role::Generation, generation), (Role::Export, export)] {
                    if pence != 0 {
                        postings.push(Posting {
                            account: ledger.role(role).or_caller()?,
                            pence: Pence(pence.saturating_neg()),
                        });
                    }
                }
                ("fit", basis, postings)
            }
        };
        let pence = postings.first().map_or(Pence::ZERO, |first| first.pence);
        if pence.0 <= 0 || basis.trim().is_empty() {
            return refuse(
                "nothing is to be put into the period; expected an amount above nothing, and what it stands on",
            );
        }
        let same = all.iter().find(|one| {
            let e = &one.entered;
            one.entry.is_some()
                && (e.kind.as_str(), &e.on, &e.basis) == (kind, &on.to_string(), &basis)
        });
        if let Some(same) = same {
            return refuse(format!(
                "this is in its period already, as number {}\nhint: `commonwatt accounts reverse` takes its two entries back first",
                same.entered.number
            ));
        }
        let number = u32::try_from(all.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let entry = NewEntry {
            on,
            text: format!("{basis}, at the end of {on}")
                .chars()
                .take(200)
                .collect(),
            source: source(number, false),
            postings,
        };
        let mut back = entry.reversed(
            0,
            on.next(),
            &format!("{basis}, taken into the next period"),
        );
        back.text = back.text.chars().take(200).collect();
        back.source = source(number, true);
        let what = What::AccrualEntered(AccrualEntered {
            number,
            kind: kind.to_owned(),
            on: on.to_string(),
            basis,
            pence: pence.0,
        });
        let posted = self.post_under(ledger, vec![what], vec![entry, back], by, now)?;
        Ok((pence, posted))
    }

    /// What was put into its period, in order of the numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn accruals(&self) -> Answer<Vec<AccrualLine>> {
        let ledger = self.ledger()?;
        let all = self.decided("accrual-entered/1", |what| match what {
            What::AccrualEntered(entered) => Some(entered),
            _ => None,
        })?;
        let line = |entered: AccrualEntered| AccrualLine {
            entry: ledger.standing_of(&source(entered.number, false)),
            back: ledger.standing_of(&source(entered.number, true)),
            entered,
        };
        Ok(all.into_iter().map(line).collect())
    }

    /// Enters corporation tax of a year as it was computed; gives the entry.
    ///
    /// # Errors
    /// When the day is no end of an accounts year, or the tax of that year was entered before.
    pub fn enter_corporation_tax(
        &self,
        year_end: LocalDay,
        pence: Pence,
        basis: &str,
        by: &str,
        now: Instant,
    ) -> Answer<u32> {
        let _one_at_a_time = posting();
        self.not_to_come(year_end, now)?;
        let ledger = self.with_chart()?;
        let year = self.known().year_start.year_of(year_end);
        if year.next().first_day() != year_end.next() {
            return refuse(format!(
                "`{year_end}` does not end an accounts year; expected `{}`",
                year.next().first_day().previous()
            ));
        }
        if pence.0 <= 0 {
            return refuse("corporation tax is above nothing; a refund is an entry of its own");
        }
        let charge = ledger.role(Role::TaxCharge).or_caller()?;
        let owed = ledger.role(Role::CorporationTax).or_caller()?;
        let entry = NewEntry {
            on: year_end,
            text: format!("corporation tax of the year to {year_end}: {basis}"),
            source: Source {
                kind: SourceKind::Tax,
                reference: year_end.to_string(),
            },
            postings: sides(charge, owed, pence),
        };
        let posted = self.post_under(ledger, Vec::new(), vec![entry], by, now)?;
        Ok(posted.first().copied().unwrap_or_default())
    }

    /// FIT earned from the day after the last frozen claim up to a day, by generation and export.
    fn unclaimed(
        &self,
        installation: &Installation,
        on: LocalDay,
        now: Instant,
    ) -> Answer<(String, i64, i64)> {
        let frozen = self.frozen_claims()?;
        let last = frozen
            .iter()
            .filter(|made| made.claim.installation == installation.id)
            .map(|made| made.claim.to.parse::<LocalDay>().or_ours("a claim"))
            .collect::<Answer<Vec<LocalDay>>>()?
            .into_iter()
            .max();
        let Some(last) = last else {
            return refuse(format!(
                "nothing of installation `{}` was claimed yet; expected a frozen claim before the days that are to be claimed",
                installation.id
            ));
        };
        if last >= on {
            return refuse(format!(
                "installation `{}` is claimed to `{last}`; nothing is left to accrue at `{on}`",
                installation.id
            ));
        }
        let days = Period::Range {
            first: last.next(),
            last: on,
        };
        let made = self.preview_claim(installation, days, now)?.claim;
        let of = |generation: bool| -> i64 {
            let lines = made.lines.iter();
            lines
                .filter(|line| (line.kind == "generation") == generation && line.adjusts.is_none())
                .map(|line| line.pence)
                .sum()
        };
        let basis = format!("FIT of {}, {} to {on}", installation.id, last.next());
        Ok((basis, of(true), of(false)))
    }
}

/// What of a cost is for days after one: by days, half a penny away from zero.
fn part_after(pence: Pence, days: (LocalDay, LocalDay), on: LocalDay) -> Answer<Pence> {
    let (first, last) = days;
    let all = last.days_since(first).saturating_add(1);
    let after = last.days_since(on.max(first.previous()));
    if all < 1 || after < 1 {
        return refuse(format!(
            "`{first}` to `{last}` has no day after `{on}`; nothing is prepaid"
        ));
    }
    let part = Decimal::from(pence.0).checked_mul(Decimal::from(after));
    let part = part.and_then(|part| part.checked_div(Decimal::from(all)));
    part.and_then(Pence::rounded)
        .map_or_else(|| refuse("the cost is too much to be parted"), Ok)
}

/// A debit and a credit of the same amount.
pub(super) fn sides(debit: AccountCode, credit: AccountCode, pence: Pence) -> Vec<Posting> {
    vec![
        Posting {
            account: debit,
            pence,
        },
        Posting {
            account: credit,
            pence: Pence(pence.0.saturating_neg()),
        },
    ]
}

fn source(number: u32, back: bool) -> Source {
    let end = if back { "/back" } else { "" };
    Source {
        kind: SourceKind::Accrual,
        reference: format!("{number}{end}"),
    }
}
