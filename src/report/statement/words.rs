//! The sentences of a statement.

use domain::calendar::LocalDay;

use super::{Choice, HeldSpan, Statement, StatementLine};
use crate::{
    texts::ENGLISH,
    words::{count, date, span, whole},
};

/// From this day savers have a personal allowance (Finance Act 2016).
const ALLOWANCE_SINCE: (i32, u8, u8) = (2016, 4, 6);
/// Pence in a society's year from which HMRC is told of a member.
const HMRC_FROM_PENCE: i64 = 25_000;

/// A heading with its paragraphs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub heading: &'static str,
    pub text: Vec<String>,
}

/// A row of the holding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeldRow {
    pub class: String,
    pub shares: String,
    pub days: String,
    pub count: String,
    pub rate: String,
    pub interest: String,
}

impl Statement {
    pub(super) fn when(&self) -> String {
        span(self.run.from, self.run.to)
    }

    pub(super) fn title(&self) -> String {
        format!("Statement of share interest for {}", self.when())
    }

    /// What the member gets, when, and how the roofs did.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (amount, when) = (self.total.to_string(), self.when());
        let dead = self.to.died.is_some();
        let day = self
            .pay_on
            .map_or_else(String::new, |day| format!(" on {}", date(day)));
        let first = if self.total.0 == 0 {
            let why = match self.lines.iter().all(|line| line.is_at_zero(self)) {
                true => "the rate declared is nothing",
                false => "none was held on a day that earns",
            };
            let whose = if dead { "The estate's" } else { "Your" };
            format!("{whose} shares earned no interest for {when}: {why}")
        } else if dead {
            format!(
                "The estate is owed {amount} of share interest for {when}, which we pay to whoever may receive it"
            )
        } else {
            match self.choice {
                Choice::Bank => format!(
                    "You get {amount} of share interest for {when}, paid into your bank account{day}"
                ),
                Choice::BankUnknown => format!(
                    "You are owed {amount} of share interest for {when}, and we need your bank details to pay it"
                ),
                Choice::Cheque => {
                    let by = if day.is_empty() {
                        "by cheque".to_owned()
                    } else {
                        format!("by cheque sent{day}")
                    };
                    format!("You get {amount} of share interest for {when}, {by}")
                }
                Choice::Reinvest { .. } => format!(
                    "Your shares earned {amount} of interest for {when}, which buys you new shares{day}"
                ),
                Choice::Fund => format!(
                    "Your shares earned {amount} of interest for {when}, which goes to the community fund{day}, as you chose"
                ),
            }
        };
        match self.run.generation.clause() {
            Some(roofs) => format!("{first}; {roofs}."),
            None => format!("{first}."),
        }
    }

    pub(super) fn rows(&self) -> Vec<HeldRow> {
        let mut rows = Vec::new();
        for line in &self.lines {
            let class = &self.run.classes[line.class];
            let last = line.held.len().saturating_sub(1);
            for (place, held) in line.held.iter().enumerate() {
                let days = held.last.days_since(held.first) + 1;
                rows.push(HeldRow {
                    class: class.name.clone(),
                    shares: whole(held.shares),
                    days: held.days(),
                    count: whole(i64::from(days)),
                    rate: match (&held.why_not, class.rate.as_str()) {
                        (Some(why), _) => why.clone(),
                        (None, "") => "share of the pot".to_owned(),
                        (None, rate) => rate.to_owned(),
                    },
                    interest: match place == last {
                        true => line.pence.to_string(),
                        false => String::new(),
                    },
                });
            }
            if line.held.is_empty() {
                rows.push(HeldRow {
                    class: class.name.clone(),
                    shares: "0".to_owned(),
                    days: self.when(),
                    count: "0".to_owned(),
                    rate: class.rate.clone(),
                    interest: line.pence.to_string(),
                });
            }
        }
        rows
    }

    /// What follows: the way of payment, the tax return, the rate, the fund.
    pub(super) fn sections(&self) -> Vec<Section> {
        vec![
            Section {
                heading: ENGLISH.headings[0],
                text: self.way(),
            },
            Section {
                heading: ENGLISH.headings[1],
                text: self.tax(),
            },
            Section {
                heading: ENGLISH.headings[2],
                text: self.rate(),
            },
            Section {
                heading: ENGLISH.headings[3],
                text: vec![self.fund()],
            },
        ]
    }

    fn way(&self) -> Vec<String> {
        let amount = self.total.to_string();
        if self.total.0 == 0 {
            return vec!["Nothing is paid this time.".to_owned()];
        }
        if let Some(died) = self.to.died {
            return vec![format!(
                "We have noted that the member died on {}. We pay when the executors, or whoever may act for the estate, have shown us the grant of probate or what stands in for it. Until then {amount} stays owed to the estate.",
                date(died)
            )];
        }
        let day = self.pay_on.map_or_else(
            || "The day is not fixed yet.".to_owned(),
            |day| format!("It leaves our account on {}.", date(day)),
        );
        match self.choice {
            Choice::Bank => vec![
                format!("Bank transfer to the account you gave us. {day}"),
                "New bank details are in force seven days after you tell us.".to_owned(),
            ],
            Choice::BankUnknown => vec![format!(
                "You asked for a bank transfer and we have no account of yours. Tell us its details, or ask for a cheque; until then {amount} stays owed to you."
            )],
            Choice::Cheque => vec![
                format!("Cheque to the address above. {day}"),
                format!(
                    "A cheque lapses after six months; {amount} then stays owed to you and we write another."
                ),
            ],
            Choice::Reinvest { carried } => vec![format!(
                "Reinvested: it buys whole shares at their par, and what is less than a share is {}. A certificate follows. New shares begin to earn on the day they are issued.",
                if carried {
                    "kept for the next time"
                } else {
                    "paid to you"
                }
            )],
            Choice::Fund => vec![format!(
                "{amount} goes to the community fund, as you chose. Thank you. You can choose otherwise for next year."
            )],
        }
    }

    fn tax(&self) -> Vec<String> {
        if self.total.0 == 0 {
            return vec!["There is nothing to declare.".to_owned()];
        }
        let amount = self.total.to_string();
        let year = match self.pay_on {
            Some(day) => format!("for the tax year {}", tax_year(day)),
            None => "for the tax year, 6 April to 5 April, in which you receive it".to_owned(),
        };
        let told = match self.total.0 >= HMRC_FROM_PENCE {
            true => {
                "We tell HM Revenue & Customs of interest of £250 or more in a year of our accounts."
            }
            false => "",
        };
        if !matches!(self.to.kind, "person" | "joint" | "child") {
            let text = format!(
                "We paid {amount} without taking tax off. It belongs into your accounts, and into your company tax return if you make one. {told}"
            );
            return vec![text.trim_end().to_owned()];
        }
        let share = match self.to.kind {
            "joint" => " Holders of a joint account declare their part of it each.",
            _ => "",
        };
        let mut text = vec![format!(
            "{amount} is UK interest paid without tax taken off. Put it on your return {year}, not for the year in which it was earned.{share}"
        )];
        let day = self.pay_on.unwrap_or(self.run.frozen_on);
        if (day.year(), day.month(), day.day()) >= ALLOWANCE_SINCE {
            text.push(format!(
                "Without a return: up to £1,000 of interest a year (£500 at the higher rate, none at the additional) bears no tax. {told}"
            ).trim_end().to_owned());
        } else if !told.is_empty() {
            text.push(told.to_owned());
        }
        text
    }

    fn rate(&self) -> Vec<String> {
        let run = &self.run;
        let mut text = Vec::new();
        let mut used: Vec<usize> = self.lines.iter().map(|line| line.class).collect();
        used.dedup();
        let classes: Vec<_> = used.iter().map(|place| &run.classes[*place]).collect();
        for class in &classes {
            let name = match classes.len() {
                1 => String::new(),
                _ => format!("{}: ", class.name),
            };
            let declared = match class.rate.as_str() {
                "" => "a share of the pot that was declared".to_owned(),
                rate if rate.ends_with('%') => format!("{rate} a year"),
                rate => rate.to_owned(),
            };
            text.push(format!(
                "{name}{declared}. The rule: {}; at most {}, declared in advance.",
                class.rule, class.maximum
            ));
        }
        let mut counting: Vec<String> = classes.iter().map(|class| class.counting()).collect();
        counting.dedup();
        text.extend(counting);
        text.extend(run.published.iter().cloned());
        if !run.remainder_rule.is_empty() {
            text.push(
                "The pot is shared to the last penny: pence left over went one each to the largest fractions, so equal holders may differ by a penny."
                    .to_owned(),
            );
        }
        text
    }

    fn fund(&self) -> String {
        match self.run.fund {
            Some(pence) if pence.0 > 0 => format!(
                "Together we set {} aside for the community fund from {}.",
                pence,
                self.when()
            ),
            Some(_) | None => format!(
                "What goes to the community fund from {} has not been decided yet.",
                self.when()
            ),
        }
    }

    /// From the amount back to the journal, each a step further down.
    pub(super) fn working(&self) -> Vec<String> {
        let run = &self.run;
        let mut steps = Vec::new();
        let taken = match run.replaces {
            Some(voided) => format!(" It takes the place of run {voided}, which was voided."),
            None => String::new(),
        };
        steps.push(format!(
            "{} is the sum of {} of interest run {}, prepared by the {}, approved by the {}, frozen on {}. Its {} add up to {}.{taken}",
            self.total,
            match self.lines.len() {
                1 => "your line".to_owned(),
                many => format!("your {many} lines"),
            },
            run.number,
            run.prepared_by,
            run.approved_by,
            date(run.frozen_on),
            count(u32::try_from(run.lines).unwrap_or(u32::MAX), "line", "lines"),
            run.total
        ));
        steps.push(format!("Run hash: {}", run.hash));
        steps.push(format!(
            "Journal at {} records: {}",
            whole(i64::try_from(run.head.0).unwrap_or(i64::MAX)),
            run.head.1
        ));
        steps
    }

    /// What the QR code holds: the address of the working, or the figures to compare it by.
    pub(super) fn code(&self) -> String {
        let run = &self.run;
        match &run.address {
            Some(base) => format!(
                "{}/s/{}/interest/{}",
                base.trim_end_matches('/'),
                run.slug,
                run.number
            ),
            None => format!(
                "Commonwatt {} run {} {} head {} {}",
                run.slug, run.number, run.hash, run.head.0, run.head.1
            ),
        }
    }

    pub(super) fn code_words(&self) -> &'static str {
        match self.run.address {
            Some(_) => "See the working",
            None => "To compare by",
        }
    }

    /// The name as it stands above the address.
    pub(super) fn addressed(&self) -> String {
        match self.to.died {
            Some(_) => format!("The estate of {}", self.to.name),
            None => self.to.name.clone(),
        }
    }
}

impl super::ClassFacts {
    fn counting(&self) -> String {
        let time = match self.days.as_str() {
            "actual/actual" => "Days count over the days of the accounts year",
            "whole-months" => "Time counts in calendar months over 12",
            "record-day" => "What was held on the last day counts as if held throughout",
            _ => "Days count over 365",
        };
        let issue = match (self.days.as_str(), self.issue_day) {
            ("whole-months" | "record-day", _) => "",
            (_, true) => ", the day of issue included",
            (_, false) => ", the day of issue left out",
        };
        let rounding = match self.rounds_down {
            true => "each line is cut to whole pence once",
            false => "each line is rounded once, half a penny up",
        };
        format!("{time}{issue}; {rounding}.")
    }
}

impl StatementLine {
    fn is_at_zero(&self, of: &Statement) -> bool {
        let rate = &of.run.classes[self.class].rate;
        rate.starts_with("0 ") || rate == "0"
    }
}

impl HeldSpan {
    fn days(&self) -> String {
        span(self.first, self.last)
    }
}

/// The UK tax year of a day: "6 April 2025 to 5 April 2026".
fn tax_year(day: LocalDay) -> String {
    let begins = match (day.month(), day.day()) < (4, 6) {
        true => day.year() - 1,
        false => day.year(),
    };
    format!("6 April {begins} to 5 April {}", begins + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tax_year_is_that_of_the_day_of_payment() {
        for (day, year) in [
            ("2025-04-05", "6 April 2024 to 5 April 2025"),
            ("2025-04-06", "6 April 2025 to 5 April 2026"),
            ("2025-12-31", "6 April 2025 to 5 April 2026"),
            ("2026-01-01", "6 April 2025 to 5 April 2026"),
        ] {
            assert_eq!(tax_year(day.parse().unwrap()), year);
        }
    }
}
