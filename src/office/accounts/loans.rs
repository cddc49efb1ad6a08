//! Loans to the society: agreed terms, the schedule that follows, instalments as they are paid.

use domain::{
    accounts::{
        AccountCode, Instalment, Loan, NewEntry, Posting, Repayment, Role, Source, SourceKind,
    },
    calendar::{Instant, LocalDay},
    money::Pence,
};
use records::{books::LoanTaken, decision::What};

use super::{
    super::{
        answer::{Answer, OrCaller, OrOurs, refuse},
        society::SocietyOffice,
    },
    periods::sides,
    posting,
};

/// An instalment with its day, and the entry that paid it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstalmentLine {
    /// The instalment.
    pub instalment: Instalment,
    /// The day on which it is due.
    pub due: LocalDay,
    /// The entry that paid it.
    pub paid: Option<u32>,
}

/// A loan as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoanLine {
    /// As it was taken.
    pub taken: LoanTaken,
    /// Its schedule.
    pub schedule: Vec<InstalmentLine>,
    /// What is owed after the instalments that were paid.
    pub owed: Pence,
}

impl SocietyOffice {
    /// Takes a loan: the bank is debited, or `into`; gives its number and the entry.
    ///
    /// # Errors
    /// When terms or accounts do not fit.
    pub fn take_loan(
        &self,
        new: &LoanTaken,
        into: Option<AccountCode>,
        by: &str,
        now: Instant,
    ) -> Answer<(u32, u32)> {
        let _one_at_a_time = posting();
        let ledger = self.with_chart()?;
        let on: LocalDay = new.on.parse().or_caller()?;
        self.not_to_come(on, now)?;
        terms(new)?.schedule().or_caller()?;
        for text in [&new.lender, &new.document] {
            if text.trim().is_empty() {
                return refuse(
                    "a loan has a lender and a paper\nhint: --lender NAME --document \"agreement of …\"",
                );
            }
        }
        let interest: AccountCode = new.interest_account.parse().or_caller()?;
        if ledger.chart().get(&interest).is_none() {
            return refuse(format!("account `{interest}` is not in the chart"));
        }
        let into = match into {
            Some(code) => code,
            None => ledger.role(Role::Bank).or_caller()?,
        };
        let number = u32::try_from(self.loans()?.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let taken = LoanTaken {
            number,
            ..new.clone()
        };
        let entry = NewEntry {
            on,
            text: format!("loan of {}, {}", new.lender, new.document),
            source: source(number, "drawn"),
            postings: sides(into, new.account.parse().or_caller()?, Pence(new.pence)),
        };
        let what = What::LoanTaken(Box::new(taken));
        let posted = self.post_under(ledger, vec![what], vec![entry], by, now)?;
        Ok((number, posted.first().copied().unwrap_or_default()))
    }

    /// Posts the next instalment of a loan that is not paid; gives it and the entry.
    ///
    /// # Errors
    /// When there is no such loan, or all is paid.
    pub fn pay_instalment(
        &self,
        number: u32,
        on: LocalDay,
        from: Option<AccountCode>,
        by: &str,
        now: Instant,
    ) -> Answer<(Instalment, u32)> {
        let _one_at_a_time = posting();
        self.not_to_come(on, now)?;
        let ledger = self.with_chart()?;
        let all = self.loans()?;
        let Some(loan) = all.iter().find(|loan| loan.taken.number == number) else {
            return refuse(format!(
                "there is no loan `{number}`\nhint: `commonwatt accounts loan list` shows them"
            ));
        };
        let next = loan.schedule.iter().find(|line| line.paid.is_none());
        let Some(InstalmentLine { instalment, .. }) = next.copied() else {
            return refuse(format!("loan {number} is paid back"));
        };
        let from = match from {
            Some(code) => code,
            None => ledger.role(Role::Bank).or_caller()?,
        };
        let all = instalment.interest.0.saturating_add(instalment.principal.0);
        let mut postings = Vec::new();
        for (account, pence) in [
            (
                loan.taken.account.parse().or_ours("a loan")?,
                instalment.principal.0,
            ),
            (
                loan.taken.interest_account.parse().or_ours("a loan")?,
                instalment.interest.0,
            ),
            (from, all.saturating_neg()),
        ] {
            if pence != 0 {
                postings.push(Posting {
                    account,
                    pence: Pence(pence),
                });
            }
        }
        let entry = NewEntry {
            on,
            text: format!(
                "instalment {} of the loan of {}",
                instalment.number, loan.taken.lender
            ),
            source: source(number, &instalment.number.to_string()),
            postings,
        };
        let posted = self.post_under(ledger, Vec::new(), vec![entry], by, now)?;
        Ok((instalment, posted.first().copied().unwrap_or_default()))
    }

    /// The loans as they stand.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn loans(&self) -> Answer<Vec<LoanLine>> {
        let ledger = self.ledger()?;
        let all = self.decided("loan-taken/1", |what| match what {
            What::LoanTaken(taken) => Some(*taken),
            _ => None,
        })?;
        let line = |taken: LoanTaken| {
            let on: LocalDay = taken.on.parse().or_ours("a loan")?;
            let schedule = terms(&taken)?.schedule().or_ours("a loan")?;
            let mut lines = Vec::new();
            for instalment in schedule {
                let months = instalment.number.saturating_mul(taken.every_months);
                lines.push(InstalmentLine {
                    due: months_later(on, months),
                    paid: ledger.standing_of(&source(taken.number, &instalment.number.to_string())),
                    instalment,
                });
            }
            let paid = lines.iter().filter(|line| line.paid.is_some());
            let paid: i64 = paid.map(|line| line.instalment.principal.0).sum();
            Ok(LoanLine {
                owed: Pence(taken.pence.saturating_sub(paid)),
                schedule: lines,
                taken,
            })
        };
        all.into_iter().map(line).collect()
    }
}

/// The same day so many months later, or the last of that month.
fn months_later(on: LocalDay, months: u32) -> LocalDay {
    let count = on
        .year()
        .saturating_mul(12)
        .saturating_add(i32::from(on.month()))
        .saturating_sub(1)
        .saturating_add(i32::try_from(months).unwrap_or(i32::MAX));
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12).saturating_add(1));
    let month = u8::try_from(month).unwrap_or(12);
    (1..=on.day())
        .rev()
        .find_map(|day| LocalDay::of_date(year, month, day))
        .unwrap_or(on)
}

fn terms(taken: &LoanTaken) -> Answer<Loan> {
    let Some(repayment) = Repayment::of_word(&taken.repayment) else {
        return refuse(format!(
            "`{}` is no way to pay back; expected one of: {}",
            taken.repayment,
            Repayment::ALL.map(Repayment::word).join(", ")
        ));
    };
    Ok(Loan {
        principal: Pence(taken.pence),
        rate: taken.percent.parse().or_caller()?,
        instalments: taken.instalments,
        every_months: taken.every_months,
        repayment,
    })
}

fn source(number: u32, what: &str) -> Source {
    Source {
        kind: SourceKind::Loan,
        reference: format!("{number}/{what}"),
    }
}
