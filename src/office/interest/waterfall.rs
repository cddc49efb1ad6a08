//! The year's surplus by the society's rule, and what share interest it can afford.
//!
//! What there is comes from the books: income less expense of the period without share interest and
//! the community fund, or the bank account at its end, as the rule says. Affordability adds what
//! roofs earned and the books do not have yet: frozen claims and bills that were not posted, and
//! metered energy at the rates of its month. Nothing is decided here.

use domain::{
    accounts::{Ledger, Role},
    calendar::{Instant, LocalDay, Period},
    interest::{
        Declared, IndexValue, Percent, Ruled, RunOf, ShareRate, run,
        waterfall::{
            Shared, Start, Step, Takes, Waterfall, Year, affordable, in_force, percent_of,
        },
    },
    money::Pence,
};
use records::{
    rules::{WaterfallStep, WaterfallTerms},
    society::SocietyDocument,
};
use rust_decimal::Decimal;

use super::{Asked, RunAsked, after_death, movements, terms::classes_of};
use crate::{
    Office,
    answer::{Answer, OrCaller, Refusal, refuse},
    society::SocietyOffice,
};

/// What the books do not say.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Costs still to be paid.
    pub costs: Pence,
    /// Due on loans.
    pub loan: Pence,
    /// What there is, in place of the books' figure.
    pub start: Option<Pence>,
    /// What is in the reserve, in place of the books' figure.
    pub reserve: Option<Pence>,
    /// What was published of the indices that rules need.
    pub published: Vec<IndexValue>,
}

/// A year shared out.
#[derive(Clone, Debug)]
pub struct SharedYear {
    /// The version of the rule.
    pub rule: Waterfall,
    /// The figures it started from.
    pub year: Year,
    /// What each step took.
    pub shared: Shared,
    /// Share capital at the period's end.
    pub capital: Pence,
    /// The interest as per cent of that capital, two decimals; none without capital.
    pub percent: Option<Decimal>,
    /// Earned and not in the books yet, where it was asked for.
    pub not_booked: Option<NotBooked>,
    /// True when the rule or the society is sample data.
    pub sample: bool,
}

/// What roofs earned, and what of it the books have.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotBooked {
    /// In frozen claims and bills, by days.
    pub claimed: Pence,
    /// Metered, at the rates of its month, in no claim or bill yet.
    pub metered: Pence,
    /// Income of claims and bills in the books.
    pub booked: Pence,
}

/// What a year can afford.
#[derive(Clone, Debug)]
pub struct Afforded {
    /// The year, shared out.
    pub year: SharedYear,
    /// The highest rate for all classes, two decimals; classes with a lower maximum get theirs.
    pub rate: Percent,
    /// What it costs.
    pub cost: Pence,
    /// Why it is not higher, in words.
    pub stops: String,
}

impl NotBooked {
    /// What is to be added to the books.
    #[must_use]
    pub fn added(&self) -> Pence {
        let all = self.claimed.0.saturating_add(self.metered.0);
        Pence(all.saturating_sub(self.booked.0).max(0))
    }
}

impl SocietyOffice {
    /// Shares the period out by the rule in force on its first day.
    ///
    /// # Errors
    /// When there is no rule, no chart of accounts, or no terms of a share class.
    pub fn share_out(&self, period: Period, given: &Given) -> Answer<SharedYear> {
        self.share_with(period, given, None)
    }

    fn share_with(
        &self,
        period: Period,
        given: &Given,
        not_booked: Option<NotBooked>,
    ) -> Answer<SharedYear> {
        let known = self.known();
        let rules = rules_of(&known.document)?;
        let (first, last) = (period.first_day(), period.last_day());
        let rule = in_force(&rules, first).or_caller()?.clone();
        let sample = self.is_sample()
            || known
                .document
                .waterfall
                .iter()
                .any(|terms| terms.sample && terms.from == rule.from.to_string());
        let ledger = self.ledger()?;
        if ledger.chart().is_empty() && (given.start.is_none() || given.reserve.is_none()) {
            return refuse(
                "the society has no chart of accounts, so what there is cannot be read from its books\nhint: `commonwatt accounts chart --standard` starts with one; --start and --reserve say the figures by hand",
            );
        }
        let from_books = match rule.starts {
            Start::Surplus => surplus(&ledger, first, last),
            Start::Cash => balance(&ledger, Role::Bank, last),
        };
        let added = not_booked.map_or(0, |found| found.added().0);
        let (interest_most, capital) = self.most(period, given)?;
        let year = Year {
            start: given
                .start
                .unwrap_or(Pence(from_books.0.saturating_add(added))),
            costs: given.costs,
            loan: given.loan,
            reserve: given
                .reserve
                .unwrap_or_else(|| Pence(balance(&ledger, Role::Reserve, last).0.saturating_neg())),
            interest_most,
        };
        let shared = rule.share(&year).or_caller()?;
        Ok(SharedYear {
            percent: percent_of(shared.interest, capital),
            rule,
            year,
            shared,
            capital,
            not_booked,
            sample,
        })
    }

    /// The highest rate that fits into what the rule leaves for interest, with what is claimed and
    /// metered but not in the books yet.
    ///
    /// # Errors
    /// As [`share_out`](SocietyOffice::share_out), or when the roofs' figures cannot be read.
    pub fn afford(
        &self,
        office: &Office,
        period: Period,
        given: &Given,
        now: Instant,
    ) -> Answer<Afforded> {
        let ledger = self.ledger()?;
        let (first, last) = (period.first_day(), period.last_day());
        let mut found = NotBooked::default();
        let sites: Vec<String> = self
            .known()
            .document
            .site
            .iter()
            .map(|s| s.id.clone())
            .collect();
        for site in sites {
            let income = office.site_income(self, &site, period, now, true)?;
            for month in &income.months {
                let add = |sum: &mut Pence, pence: Pence| sum.0 = sum.0.saturating_add(pence.0);
                add(&mut found.claimed, month.claimed);
                add(&mut found.claimed, month.billed);
                add(&mut found.metered, month.unclaimed);
                add(&mut found.metered, month.unbilled);
            }
        }
        for role in [Role::Generation, Role::Export, Role::PowerSales] {
            if let Ok(code) = ledger.role(role) {
                let moved = ledger.moved(&code, first, last).0.saturating_neg();
                found.booked.0 = found.booked.0.saturating_add(moved);
            }
        }
        let year = self.share_with(period, given, Some(found))?;
        let room = year.shared.interest;
        let (rate, cost, next) = self.with_run(period, given, |of| {
            let rate = affordable(of, room).or_caller()?;
            let at = |rate: Percent| -> Answer<Pence> {
                let rates: Vec<ShareRate> = of
                    .classes
                    .iter()
                    .map(|class| lower(ShareRate::Percent(rate), class.maximum, class.par))
                    .collect();
                let made = run(&RunOf {
                    declared: Declared::Rates(&rates),
                    ..*of
                });
                Ok(made.or_caller()?.total)
            };
            let higher = Percent::new(rate.decimal() + Decimal::new(1, 2)).or_caller()?;
            Ok((rate, at(rate)?, (higher, at(higher)?)))
        })?;
        let stops = if next.1 > room {
            format!(
                "at {} % it would cost {}, and the rule leaves {room} for interest",
                next.0, next.1
            )
        } else {
            "it is the maximum that was declared in advance, or what the rule of the class gives"
                .to_owned()
        };
        Ok(Afforded {
            year,
            rate,
            cost,
            stops,
        })
    }

    /// What the maximum rates allow over all accounts, and share capital at the period's end.
    fn most(&self, period: Period, given: &Given) -> Answer<(Pence, Pence)> {
        let most = self.with_run(period, given, |of| {
            let rates: Vec<ShareRate> = of.classes.iter().map(|class| class.maximum).collect();
            let made = run(&RunOf {
                declared: Declared::Rates(&rates),
                ..*of
            });
            Ok(made.or_caller()?.total)
        })?;
        let last = period.last_day();
        let capital = self.with_roll(|roll| {
            let mut capital = 0_i64;
            for (class, place) in roll.register.classes().iter().zip(0_u16..) {
                for member in roll.register.members() {
                    let shares = roll.register.held(member.number, place, last);
                    let pence = class.value(shares).map_or(0, |pence| pence.0);
                    capital = capital.saturating_add(pence);
                }
            }
            Ok(Pence(capital))
        })?;
        Ok((most, capital))
    }

    /// Does something with the run of a period, its classes held to what rule and maximum allow.
    fn with_run<T>(
        &self,
        period: Period,
        given: &Given,
        work: impl FnOnce(&RunOf<'_>) -> Answer<T>,
    ) -> Answer<T> {
        let asked = RunAsked {
            period,
            classes: Vec::new(),
            declared: Asked::Rates(Vec::new()),
            published: given.published.clone(),
            policy: None,
            replaces: None,
        };
        let known = self.known();
        self.with_roll(|roll| {
            let mut classes = classes_of(&known, &roll.register, &asked)?;
            for class in &mut classes {
                let Some(rule) = &class.rule else { continue };
                let ruled = rule.rate(&given.published).map_err(|why| {
                    Refusal::Caller(format!(
                        "share class `{}`: {why}\nhint: --published RPI=1.2 --published-source \"ONS, December\"",
                        class.terms.id
                    ))
                })?;
                if let Ruled::Rate(percent) = ruled {
                    let ruled = ShareRate::Percent(percent);
                    class.terms.maximum = lower(ruled, class.terms.maximum, class.terms.par);
                }
            }
            let terms: Vec<_> = classes.iter().map(|class| class.terms.clone()).collect();
            let movements = movements(&roll.register, &classes);
            work(&RunOf {
                period,
                classes: &terms,
                movements: &movements,
                not_earning: &after_death(&roll.register, &classes),
                declared: Declared::Rates(&[]),
            })
        })
    }
}

/// The lower of two rates for a share of that par.
fn lower(one: ShareRate, other: ShareRate, par: Pence) -> ShareRate {
    match one.compare(other, par) {
        Some(order) if order.is_le() => one,
        _ => other,
    }
}

/// Income less expense, without share interest and what was given to the fund.
fn surplus(ledger: &Ledger, first: LocalDay, last: LocalDay) -> Pence {
    let mut surplus = ledger.surplus(first, last).0;
    for role in [Role::ShareInterest, Role::FundGiven] {
        if let Ok(code) = ledger.role(role) {
            surplus = surplus.saturating_add(ledger.moved(&code, first, last).0);
        }
    }
    Pence(surplus)
}

fn balance(ledger: &Ledger, role: Role, on: LocalDay) -> Pence {
    ledger
        .role(role)
        .map_or(Pence::ZERO, |code| ledger.balance(&code, on))
}

/// What a step takes, in words.
#[must_use]
pub fn step_words(takes: &Takes) -> String {
    match takes {
        Takes::Costs => "costs still to be paid".to_owned(),
        Takes::Loan => "due on loans".to_owned(),
        Takes::ReserveFixed(pence) => format!("reserve, {pence}"),
        Takes::ReservePercent(percent) => format!("reserve, {percent} % of what is left"),
        Takes::ReserveTarget(target) => format!("reserve, up to {target}"),
        Takes::Interest(percent) => {
            format!("share interest, {percent} % of what is left, up to the maximum rates")
        }
        Takes::FundPercent(percent) => format!("community fund, {percent} % of what is left"),
        Takes::FundOfInterest { over, under } => {
            format!("community fund, {over}/{under} of the interest")
        }
        Takes::FundOfStart(percent) => format!("community fund, {percent} % of the start"),
    }
}

/// Checks the waterfalls of a document.
///
/// # Errors
/// With the step that is wrong.
pub fn check_waterfall(document: &SocietyDocument) -> Answer<()> {
    for rule in rules_of(document)? {
        // Steps that make no sense show with any figures.
        rule.share(&Year::default()).or_caller()?;
    }
    let mut from: Vec<&String> = document.waterfall.iter().map(|terms| &terms.from).collect();
    from.sort_unstable();
    match from.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => refuse(format!(
            "the waterfall from {} stands twice; expected one version a day",
            pair[0]
        )),
        None => Ok(()),
    }
}

fn rules_of(document: &SocietyDocument) -> Answer<Vec<Waterfall>> {
    document.waterfall.iter().map(rule_of).collect()
}

fn rule_of(terms: &WaterfallTerms) -> Answer<Waterfall> {
    let at = |number: usize, why: String| {
        Refusal::Caller(format!(
            "waterfall from {}, step {number}: {why}",
            terms.from
        ))
    };
    let starts = match terms.starts.as_str() {
        "surplus" => Start::Surplus,
        "cash" => Start::Cash,
        other => {
            return refuse(format!(
                "waterfall from {}: starts is `{other}`; expected `surplus` or `cash`",
                terms.from
            ));
        }
    };
    let mut steps = Vec::new();
    for (place, step) in terms.step.iter().enumerate() {
        let number = place.saturating_add(1);
        let takes = takes_of(step).map_err(|why| at(number, why.to_string()))?;
        if step.resolution.trim().is_empty() {
            return Err(at(number, "it names no rule or resolution".to_owned()));
        }
        let on = step
            .on
            .parse()
            .map_err(|e| at(number, format!("on: {e}")))?;
        steps.push(Step {
            takes,
            resolution: step.resolution.clone(),
            on,
        });
    }
    Ok(Waterfall {
        from: terms.from.parse().or_caller()?,
        starts,
        steps,
    })
}

fn takes_of(step: &WaterfallStep) -> Answer<Takes> {
    let percent = |text: &str| text.parse::<Percent>().or_caller();
    let pounds = |text: &str| text.parse::<Pence>().or_caller();
    let WaterfallStep {
        takes,
        pounds: fixed,
        percent: part,
        target,
        of_interest,
        percent_of_start,
        ..
    } = step;
    let said = [fixed, part, target, of_interest, percent_of_start].map(|text| !text.is_empty());
    match (takes.as_str(), said) {
        ("costs", [false, false, false, false, false]) => Ok(Takes::Costs),
        ("loan", [false, false, false, false, false]) => Ok(Takes::Loan),
        ("reserve", [true, false, false, false, false]) => Ok(Takes::ReserveFixed(pounds(fixed)?)),
        ("reserve", [false, true, false, false, false]) => {
            Ok(Takes::ReservePercent(percent(part)?))
        }
        ("reserve", [false, false, true, false, false]) => {
            Ok(Takes::ReserveTarget(pounds(target)?))
        }
        ("interest", [false, true, false, false, false]) => Ok(Takes::Interest(percent(part)?)),
        ("fund", [false, true, false, false, false]) => Ok(Takes::FundPercent(percent(part)?)),
        ("fund", [false, false, false, true, false]) => {
            let parts = of_interest.split_once('/').and_then(|(over, under)| {
                Some((over.trim().parse().ok()?, under.trim().parse().ok()?))
            });
            match parts {
                Some((over, under)) => Ok(Takes::FundOfInterest { over, under }),
                None => refuse(format!(
                    "of_interest is `{of_interest}`; expected a fraction like `15/85`"
                )),
            }
        }
        ("fund", [false, false, false, false, true]) => {
            Ok(Takes::FundOfStart(percent(percent_of_start)?))
        }
        ("costs" | "loan", _) => refuse(format!(
            "`{takes}` takes what is given for the year; it has no amount here"
        )),
        ("reserve", _) => refuse("`reserve` takes one of `pounds`, `percent` and `target`"),
        ("interest", _) => refuse(
            "`interest` takes `percent` of what is left, up to the maximum rates: 100 for all of it",
        ),
        ("fund", _) => {
            refuse("`fund` takes one of `percent`, `of_interest` and `percent_of_start`")
        }
        (other, _) => refuse(format!(
            "takes is `{other}`; expected costs, loan, reserve, interest or fund"
        )),
    }
}
