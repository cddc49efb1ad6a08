//! Twenty years ahead from a dozen inputs: income, costs, loan, share interest, capital, fund.
//!
//! A projection says what follows from its inputs and no more; it posts nothing. Amounts are exact
//! decimals in the unit of the inputs and are rounded only where they are printed, so printed cells
//! need not add up while their unrounded values do. A plant loses the same part of its first year's
//! output every year; prices rise by one rate for income and by one for costs and the fund.

use rust_decimal::Decimal;

/// Longest projection, in years.
pub const MAX_YEARS: u16 = 60;
/// Digits kept behind the point from year to year; far below a penny of any society.
const KEPT: u32 = 14;

/// The inputs. Amounts are of the first year, rates per cent a year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Years, from the first.
    pub years: u16,
    /// Income of the first year.
    pub income: Decimal,
    /// By which prices of what is sold rise.
    pub income_rises: Decimal,
    /// Part of the first year's output lost every year.
    pub degradation: Decimal,
    /// Income of the last year that comes in, per cent, where payments end inside it.
    pub last_year_part: Option<Decimal>,
    /// Costs of the first year.
    pub costs: Decimal,
    /// By which costs and the fund rise.
    pub costs_rise: Decimal,
    /// Costs of one year only, such as inverters: year, from 1, and amount.
    pub once: Vec<(u16, Decimal)>,
    /// What the plant cost; written off evenly over all years.
    pub plant: Decimal,
    /// A loan, paid back by equal amounts.
    pub loan: Option<Loan>,
    /// Share capital and its interest; without it members get what is left after the fund.
    pub shares: Option<Shares>,
    /// The fund's first year.
    pub fund: Decimal,
    /// What a bank pays on cash.
    pub cash_rate: Decimal,
    /// Cash kept at most.
    pub cash_kept: Decimal,
}

/// A loan paid back by equal yearly amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loan {
    /// How much.
    pub amount: Decimal,
    /// Interest.
    pub rate: Decimal,
    /// In how many years.
    pub years: u16,
}

/// Share capital with a rate. Interest is paid in the year after it was earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Capital raised.
    pub capital: Decimal,
    /// Interest on what is not repaid.
    pub rate: Decimal,
    /// Paid back evenly over so many last years.
    pub repaid_over: u16,
}

/// One year. What is paid out is above zero like what comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanYear {
    /// Income.
    pub income: Decimal,
    /// Costs, those of one year included.
    pub costs: Decimal,
    /// Written off the plant.
    pub depreciation: Decimal,
    /// Income less costs.
    pub gross: Decimal,
    /// Income less costs and depreciation.
    pub surplus: Decimal,
    /// From the bank.
    pub bank_interest: Decimal,
    /// For the loan.
    pub loan_interest: Decimal,
    /// Paid back of the loan.
    pub loan_repaid: Decimal,
    /// To members.
    pub member_interest: Decimal,
    /// To the community fund.
    pub fund: Decimal,
    /// Capital paid back to members.
    pub capital_repaid: Decimal,
    /// Capital of members at the year's end.
    pub capital: Decimal,
}

/// No projection can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// No years, or too many.
    #[error("the projection has `{0}` years; expected 1 to {MAX_YEARS}")]
    Years(u16),
    /// A cost in a year that is none of them.
    #[error("a cost is of year `{0}`; expected a year of the projection")]
    Year(u16),
    /// Amounts too large to reckon with.
    #[error("the amounts of year {0} are too large to reckon with")]
    TooLarge(u16),
}

impl Plan {
    /// The years.
    ///
    /// # Errors
    /// [`NoPlan`] when the inputs make none.
    pub fn project(&self) -> Result<Vec<PlanYear>, NoPlan> {
        if !(1..=MAX_YEARS).contains(&self.years) {
            return Err(NoPlan::Years(self.years));
        }
        if let Some((year, _)) = self
            .once
            .iter()
            .find(|(year, _)| !(1..=self.years).contains(year))
        {
            return Err(NoPlan::Year(*year));
        }
        let mut made = Vec::new();
        let mut state = State::of(self).ok_or(NoPlan::TooLarge(1))?;
        for year in 1..=self.years {
            made.push(self.year(year, &mut state).ok_or(NoPlan::TooLarge(year))?);
        }
        Ok(made)
    }

    fn year(&self, year: u16, state: &mut State) -> Option<PlanYear> {
        let before = Decimal::from(year.checked_sub(1)?);
        let lost = part(self.degradation)?.checked_mul(before)?;
        let left = Decimal::ONE.checked_sub(lost)?.max(Decimal::ZERO);
        let mut income = kept(
            self.income
                .checked_mul(state.income_price)?
                .checked_mul(left)?,
        );
        if let Some(last) = self.last_year_part.filter(|_| year == self.years) {
            income = kept(income.checked_mul(part(last)?)?);
        }
        let mut costs = kept(self.costs.checked_mul(state.cost_price)?);
        for (_, once) in self.once.iter().filter(|(of, _)| *of == year) {
            costs = costs.checked_add(*once)?;
        }
        let depreciation = self.plant.checked_div(Decimal::from(self.years))?;
        let gross = income.checked_sub(costs)?;
        let surplus = gross.checked_sub(depreciation)?;
        let bank_interest = kept(state.cash.checked_mul(part(self.cash_rate)?)?);
        let (loan_interest, loan_repaid) = match self.loan {
            Some(loan) if year <= loan.years => {
                let interest = kept(state.loan.checked_mul(part(loan.rate)?)?);
                (interest, state.instalment.checked_sub(interest)?)
            }
            _ => (Decimal::ZERO, Decimal::ZERO),
        };
        state.loan = state.loan.checked_sub(loan_repaid)?;
        let fund = kept(self.fund.checked_mul(state.cost_price)?);
        let (member_interest, capital_repaid) = match self.shares {
            Some(shares) => {
                let interest = state.earned;
                state.earned = kept(state.capital.checked_mul(part(shares.rate)?)?);
                let left = self.years.checked_sub(year)?;
                let due = shares
                    .capital
                    .checked_div(Decimal::from(shares.repaid_over.max(1)))?;
                let repaid = match left < shares.repaid_over {
                    true => due.min(state.capital),
                    false => Decimal::ZERO,
                };
                (interest, kept(repaid))
            }
            None => {
                let left = surplus
                    .checked_add(bank_interest)?
                    .checked_sub(loan_interest)?
                    .checked_sub(fund)?;
                (left.max(Decimal::ZERO), Decimal::ZERO)
            }
        };
        state.capital = state.capital.checked_sub(capital_repaid)?;
        // What is written off and not paid to the bank stays as cash, up to what is kept.
        let saved = state
            .cash
            .checked_add(depreciation)?
            .checked_sub(loan_repaid)?;
        state.cash = saved.min(self.cash_kept).max(Decimal::ZERO);
        state.income_price = risen(state.income_price, self.income_rises)?;
        state.cost_price = risen(state.cost_price, self.costs_rise)?;
        Some(PlanYear {
            income,
            costs,
            depreciation,
            gross,
            surplus,
            bank_interest,
            loan_interest,
            loan_repaid,
            member_interest,
            fund,
            capital_repaid,
            capital: state.capital,
        })
    }

    /// What members who put up the capital earn on it, per cent a year to two decimals: the rate at
    /// which interest and repaid capital are worth what was paid in. `None` without share capital,
    /// or when less comes back than was paid in.
    #[must_use]
    pub fn member_return(&self, years: &[PlanYear]) -> Option<Decimal> {
        let capital = self.shares?.capital;
        let worth = |hundredths: i64| -> Option<Decimal> {
            let factor = Decimal::ONE.checked_add(Decimal::new(hundredths, 4))?;
            let mut discount = Decimal::ONE;
            let mut sum = Decimal::ZERO;
            for (place, year) in years.iter().enumerate() {
                discount = kept(discount.checked_div(factor)?);
                let mut flow = year.member_interest.checked_add(year.capital_repaid)?;
                if place.checked_add(1)? == years.len() {
                    flow = flow.checked_add(year.capital)?;
                }
                sum = sum.checked_add(kept(flow.checked_mul(discount)?))?;
            }
            Some(sum)
        };
        let (mut low, mut high) = (0_i64, 10_000_i64);
        if worth(low)? < capital {
            return None;
        }
        // Worth falls as the rate rises, so the highest rate that still pays back is found by halving.
        while low.checked_add(1)? < high {
            let middle = low.checked_add(high)?.checked_div(2)?;
            if worth(middle)? >= capital {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(Decimal::new(low, 2))
    }
}

/// What one year hands on to the next.
struct State {
    income_price: Decimal,
    cost_price: Decimal,
    loan: Decimal,
    instalment: Decimal,
    capital: Decimal,
    /// Interest that members earned in the year before.
    earned: Decimal,
    cash: Decimal,
}

impl State {
    fn of(plan: &Plan) -> Option<State> {
        let mut instalment = Decimal::ZERO;
        if let Some(loan) = plan.loan.filter(|loan| loan.years > 0) {
            // Amount over the worth today of one a year for so many years.
            let factor = Decimal::ONE.checked_add(part(loan.rate)?)?;
            let (mut discount, mut worth) = (Decimal::ONE, Decimal::ZERO);
            for _ in 0..loan.years {
                discount = kept(discount.checked_div(factor)?);
                worth = worth.checked_add(discount)?;
            }
            instalment = kept(loan.amount.checked_div(worth)?);
        }
        Some(State {
            income_price: Decimal::ONE,
            cost_price: Decimal::ONE,
            loan: plan.loan.map_or(Decimal::ZERO, |loan| loan.amount),
            instalment,
            capital: plan.shares.map_or(Decimal::ZERO, |shares| shares.capital),
            earned: Decimal::ZERO,
            cash: Decimal::ZERO,
        })
    }
}

fn part(percent: Decimal) -> Option<Decimal> {
    percent.checked_div(Decimal::ONE_HUNDRED)
}

fn risen(price: Decimal, percent: Decimal) -> Option<Decimal> {
    price
        .checked_mul(Decimal::ONE.checked_add(part(percent)?)?)
        .map(kept)
}

/// Keeps products inside the digits a decimal has.
fn kept(number: Decimal) -> Decimal {
    super::rounded(number, KEPT)
}
