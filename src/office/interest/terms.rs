//! What share classes are paid: the terms of the society file in the domain's words.

use domain::{
    calendar::{LocalDay, YearStart},
    interest::{
        ClassTerms, DayCount, Ends, Index, IndexValue, Percent, RateRule, Rounding, ShareRate,
    },
    membership::ShareRegister,
    money::Pence,
};
use records::society::{InterestRule, InterestTerms, SocietyDocument};
use rust_decimal::Decimal;

use super::RunAsked;
use crate::{
    answer::{Answer, OrCaller, Refusal, refuse},
    known::Known,
};

/// A share class of a run.
pub(super) struct Class {
    /// Its place in the register.
    pub place: u16,
    /// What it is paid by.
    pub terms: ClassTerms,
    /// How its rate comes about; `None` where nothing but the maximum binds.
    pub rule: Option<RateRule>,
    /// What a holding earns after death.
    pub after_death: AfterDeath,
    /// True when its terms are not found in print.
    pub sample: bool,
}

/// What a holding earns after death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterDeath {
    /// As before, until the shares go.
    Earns,
    /// Nothing, from the day after.
    Nothing,
}

/// A rate that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateAsked {
    /// For this class; `None` for all that have none of their own.
    pub class: Option<String>,
    /// The rate.
    pub rate: ShareRate,
}

/// Another way to count days, to look at: `actual/365`, `actual/365,issue-out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    days: DayCount,
    issue_day: Option<Ends>,
}

impl Policy {
    /// The policy of that text; `accounts` is the start of the society's accounts year.
    ///
    /// # Errors
    /// When the text is none.
    pub fn of_text(text: &str, accounts: YearStart) -> Answer<Policy> {
        let (days, issue) = text.split_once(',').unwrap_or((text, ""));
        let issue_day = match issue.trim() {
            "" => Some(None),
            "issue-in" => Some(Some(Ends::In)),
            "issue-out" => Some(Some(Ends::Out)),
            _ => None,
        };
        match (DayCount::of_word(days.trim(), accounts), issue_day) {
            (Some(days), Some(issue_day)) => Ok(Policy { days, issue_day }),
            _ => refuse(format!(
                "`{text}` is no policy; expected actual/365, actual/actual, whole-months or record-day, and perhaps `,issue-in` or `,issue-out`"
            )),
        }
    }
}

impl AfterDeath {
    pub(super) fn word(self) -> &'static str {
        match self {
            AfterDeath::Earns => "earns",
            AfterDeath::Nothing => "nothing",
        }
    }
}

/// A rate as it is typed: `3.25`, `12p` a share, `ordinary=4.7` for one class.
///
/// # Errors
/// When it is none.
pub fn rate_of_text(text: &str) -> Answer<RateAsked> {
    let (class, rate) = match text.split_once('=') {
        Some((class, rate)) => (Some(class.trim().to_owned()), rate.trim()),
        None => (None, text.trim()),
    };
    let rate = share_rate(rate)?;
    Ok(RateAsked { class, rate })
}

fn share_rate(text: &str) -> Answer<ShareRate> {
    match text.strip_suffix('p') {
        Some(pence) if pence.len() <= 16 => {
            let pence = Decimal::from_str_exact(pence.trim()).or_caller()?;
            ShareRate::pence_per_share(pence).or_caller()
        }
        _ => Ok(ShareRate::Percent(text.parse::<Percent>().or_caller()?)),
    }
}

/// A rate as a note carries it: `3.25 %`, `12 p a share`.
pub(super) fn rate_of_note(text: &str) -> Option<ShareRate> {
    if let Some(percent) = text.strip_suffix(" %") {
        return percent.parse().ok().map(ShareRate::Percent);
    }
    let pence = text.strip_suffix(" p a share")?;
    ShareRate::pence_per_share(Decimal::from_str_exact(pence).ok()?).ok()
}

/// Checks the terms of a society document.
///
/// # Errors
/// With the key that is wrong.
pub fn check_terms(document: &SocietyDocument) -> Answer<()> {
    let start = document.society.financial_year_starts.parse().or_caller()?;
    for terms in &document.interest {
        let Some(class) = document
            .share_class
            .iter()
            .find(|class| class.id == terms.class)
        else {
            return refuse(format!(
                "interest.class: there is no share class `{}`; expected one of [[share_class]]",
                terms.class
            ));
        };
        let par = class.par_pounds.parse().or_caller()?;
        read(terms, par, start).map_err(|why| {
            Refusal::Caller(format!(
                "interest of `{}` from {}: {why}",
                terms.class, terms.from
            ))
        })?;
        let same =
            |other: &&InterestTerms| (&other.class, &other.from) == (&terms.class, &terms.from);
        if document.interest.iter().filter(same).count() > 1 {
            return refuse(format!(
                "interest of `{}` from {} stands twice; expected one version a day",
                terms.class, terms.from
            ));
        }
    }
    Ok(())
}

/// Terms in the domain's words.
fn read(
    terms: &InterestTerms,
    par: Pence,
    accounts: YearStart,
) -> Answer<(ClassTerms, Option<RateRule>, AfterDeath)> {
    let unknown = |key: &str, word: &str, known: &str| {
        Refusal::Caller(format!("{key} is `{word}`; expected {known}"))
    };
    let _: LocalDay = terms.from.parse().or_caller()?;
    let ends = |key: &str, word: &str| {
        Ends::of_word(word).ok_or_else(|| unknown(key, word, "`in` or `out`"))
    };
    let after_death = match terms.after_death.as_str() {
        "earns" => AfterDeath::Earns,
        "nothing" => AfterDeath::Nothing,
        other => return Err(unknown("after_death", other, "`earns` or `nothing`")),
    };
    let made = ClassTerms {
        id: terms.class.clone(),
        par,
        days: DayCount::of_word(&terms.days, accounts).ok_or_else(|| {
            let known = "`actual/365`, `actual/actual`, `whole-months` or `record-day`";
            unknown("days", &terms.days, known)
        })?,
        issue_day: ends("issue_day", &terms.issue_day)?,
        leaving_day: ends("leaving_day", &terms.leaving_day)?,
        rounding: Rounding::of_word(&terms.rounding)
            .ok_or_else(|| unknown("rounding", &terms.rounding, "`half-away` or `down`"))?,
        maximum: share_rate(&terms.maximum)?,
    };
    let rule = terms.rule.as_ref().map(rule_of).transpose()?;
    Ok((made, rule, after_death))
}

fn rule_of(rule: &InterestRule) -> Answer<RateRule> {
    let percent = |text: &str| text.parse::<Percent>().or_caller();
    let InterestRule {
        fixed,
        target,
        index,
        margin,
        cap,
        floor,
    } = rule;
    let named = |text: &str| !text.is_empty();
    match [fixed, target, index, cap, floor].map(|text| named(text)) {
        [true, false, false, false, false] => Ok(RateRule::Fixed(percent(fixed)?)),
        [false, true, false, false, false] => Ok(RateRule::Target(percent(target)?)),
        [false, false, true, cap_is, floor_is] if !(cap_is && floor_is) => {
            let Some(index) = Index::of_word(index) else {
                return refuse(format!(
                    "rule.index is `{index}`; expected `RPI`, `CPI` or `base rate`"
                ));
            };
            let margin = percent(margin)?;
            Ok(match (cap_is, floor_is) {
                (true, _) => RateRule::LowerOf {
                    cap: percent(cap)?,
                    index,
                    margin,
                },
                (_, true) => RateRule::HigherOf {
                    floor: percent(floor)?,
                    index,
                    margin,
                },
                _ => RateRule::Above { index, margin },
            })
        }
        _ => refuse(
            "rule: expected `fixed` or `target` alone, or `index` and `margin` with a `cap` or a `floor`",
        ),
    }
}

/// The classes of a run with the terms in force on its first day.
pub(super) fn classes_of(
    known: &Known,
    register: &ShareRegister,
    asked: &RunAsked,
) -> Answer<Vec<Class>> {
    let first = asked.period.first_day();
    let mut classes = Vec::new();
    for (place, class) in register.classes().iter().enumerate() {
        let wanted = asked.classes.iter().any(|id| *id == *class.id);
        if !wanted && !asked.classes.is_empty() {
            continue;
        }
        let versions = known.document.interest.iter();
        // Days as text stand in order of the calendar.
        let in_force = versions
            .filter(|terms| terms.class == *class.id && terms.from <= first.to_string())
            .max_by(|one, other| one.from.cmp(&other.from));
        let Some(terms) = in_force else {
            return refuse(format!(
                "no terms of share class `{}` are in force on {first}\nhint: add them under [[interest]] in the society file and apply it; --class runs some classes only",
                class.id
            ));
        };
        let (mut made, rule, after_death) = read(terms, class.par, known.year_start)?;
        if let Some(policy) = asked.policy {
            made.days = policy.days;
            made.issue_day = policy.issue_day.unwrap_or(made.issue_day);
        }
        classes.push(Class {
            place: u16::try_from(place).unwrap_or(u16::MAX),
            terms: made,
            rule,
            after_death,
            sample: terms.sample,
        });
    }
    if let Some(unknown) = asked.classes.iter().find(|id| {
        let mut classes = register.classes().iter();
        !classes.any(|class| *class.id == ***id)
    }) {
        return refuse(format!("there is no share class `{unknown}`"));
    }
    if classes.is_empty() {
        return refuse(
            "the society has no share class\nhint: add one under [[share_class]] in the society file and apply it",
        );
    }
    Ok(classes)
}

/// The rate of each class, refused where its rule or maximum forbids it.
pub(super) fn rates_of(
    asked: &[RateAsked],
    classes: &[Class],
    published: &[IndexValue],
) -> Answer<Vec<ShareRate>> {
    let of_class = |id: &str| {
        let own = asked.iter().find(|rate| rate.class.as_deref() == Some(id));
        own.or_else(|| asked.iter().find(|rate| rate.class.is_none()))
    };
    if let Some(unknown) = asked
        .iter()
        .filter_map(|rate| rate.class.as_deref())
        .find(|id| !classes.iter().any(|class| class.terms.id == *id))
    {
        return refuse(format!(
            "a rate is for share class `{unknown}`, which is not in the run"
        ));
    }
    let mut rates = Vec::new();
    for class in classes {
        let Some(asked) = of_class(&class.terms.id) else {
            return refuse(format!(
                "share class `{id}` has no rate\nhint: say --rate {id}=PERCENT, or --rate PERCENT for all",
                id = class.terms.id
            ));
        };
        let of_rule = match &class.rule {
            Some(rule) => rule
                .declare(asked.rate, class.terms.maximum, class.terms.par, published)
                .map_err(|why| {
                    Refusal::Caller(format!("share class `{}`: {why}", class.terms.id))
                })?,
            None => asked.rate,
        };
        rates.push(of_rule);
    }
    Ok(rates)
}
