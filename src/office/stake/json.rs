//! A council's stake as one JSON document: money in pence, energy in Wh, decimals as text.

use domain::{
    calendar::LocalDay,
    council::{CarbonShortfall, Instalment},
    money::Pence,
};
use serde_json::{Value, json};

use super::{Building, ClaimLine, LoanLine, SocietyStake, SpaceLine, StakeReport, SupportLine};
use crate::outcomes::OutcomeLine;

/// The document.
#[must_use]
pub fn document(report: &StakeReport) -> Value {
    let societies: Vec<Value> = report.societies.iter().map(society).collect();
    json!({
        "council": report.council,
        "from": report.period.first_day().to_string(),
        "to": report.period.last_day().to_string(),
        "drawn_up": report.drawn_up.to_string(),
        "capital_pence": report.societies.iter().filter_map(|s| s.capital.as_ref()).map(|c| c.own.0).sum::<i64>(),
        "interest_pence": report.societies.iter().map(|s| s.interest_pence().0).sum::<i64>(),
        "savings_pence": report.societies.iter().map(|s| s.savings_pence().0).sum::<i64>(),
        "in_kind_pence": report.societies.iter().map(|s| s.support_pence().0).sum::<i64>(),
        "societies": societies,
    })
}

fn society(of: &SocietyStake) -> Value {
    let capital = of.capital.as_ref();
    json!({
        "society": of.slug,
        "name": of.name,
        "on": capital.map(|c| c.on.to_string()),
        "capital_pence": capital.map(|c| c.own.0),
        "all_capital_pence": capital.map(|c| c.all.0),
        "capital_percent": capital.and_then(|c| c.percent).map(|p| p.to_string()),
        "votes": capital.map(|_| 1),
        "votes_of": capital.map(|c| c.voters),
        "votes_percent": capital.and_then(|c| c.vote_percent).map(|p| p.to_string()),
        "interest_pence": of.interest_pence().0,
        "interest": of.interest.iter().map(|line| json!({
            "run": line.run, "from": line.days.0.to_string(), "to": line.days.1.to_string(), "pence": line.pence.0,
        })).collect::<Vec<_>>(),
        "loans": of.loans.iter().map(loan).collect::<Vec<_>>(),
        "guarantees": of.guarantees,
        "roofs": of.spaces.iter().map(space).collect::<Vec<_>>(),
        "buildings": of.buildings.iter().map(building).collect::<Vec<_>>(),
        "savings_pence": of.savings_pence().0,
        "in_kind_pence": of.support_pence().0,
        "in_kind": of.support.iter().map(support).collect::<Vec<_>>(),
        "others_in_kind": of.others_support.iter().map(support).collect::<Vec<_>>(),
        "carbon": json!({
            "co2_kg": of.co2_kg().map(|kg| kg.to_string()),
            "restated": of.restated.iter().map(|year| json!({
                "year": year.year, "made_wh": year.made.0, "factor_kg_per_kwh": year.factor.0.to_string(),
                "source": year.factor.1, "co2_kg": year.kg.to_string(), "restated_co2_kg": year.restated_kg.to_string(),
            })).collect::<Vec<_>>(),
            "claims": of.claims.iter().map(claim).collect::<Vec<_>>(),
        }),
        "residents_reached": of.reached.iter().map(|one| u64::from(one.people)).sum::<u64>(),
        "reached": of.reached,
        "outcomes": of.outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "left_out": of.left_out,
        "sample": of.sample,
    })
}

fn loan(line: &LoanLine) -> Value {
    let step = |step: &Instalment| json!({"on": step.on.to_string(), "principal_pence": step.principal.0, "interest_pence": step.interest.0, "left_pence": step.left.0});
    json!({
        "loan": line.of,
        "paid_pence": line.paid.0,
        "interest_pence": line.interest.0,
        "left_pence": line.left.0,
        "behind_pence": line.behind.0,
        "schedule": line.schedule.iter().map(step).collect::<Vec<_>>(),
    })
}

fn space(line: &SpaceLine) -> Value {
    json!({
        "space": line.of,
        "until": line.until.to_string(),
        "ended": line.ended,
        "warning_months": line.warning,
    })
}

fn building(of: &Building) -> Value {
    let span = |days: (LocalDay, LocalDay)| (days.0.to_string(), days.1.to_string());
    json!({
        "site": of.site,
        "name": of.name,
        "kwp": of.kwp,
        "host": of.host,
        "made_wh": of.made.map(|made| made.0),
        "forecast_wh": of.forecast.map(|made| made.0),
        "quality": of.quality.word(),
        "missing_half_hours": of.missing,
        "co2_kg": of.co2_kg.map(|kg| kg.to_string()),
        "savings": of.savings.iter().map(|line| {
            let (from, to) = span(line.days);
            json!({"host": line.host, "bill": line.bill, "from": from, "to": to, "saved_pence": line.saved.map(|p| p.0)})
        }).collect::<Vec<_>>(),
        "outages": of.outages.iter().map(|line| {
            let (from, to) = span(line.days);
            json!({"outage": line.number, "from": from, "to": to, "cause": line.cause, "lost_wh": line.lost.0, "lost_pence": line.pence.map(|p: Pence| p.0)})
        }).collect::<Vec<_>>(),
        "sample": of.sample,
    })
}

fn support(line: &SupportLine) -> Value {
    json!({
        "support": line.of,
        "hours_hundredths": line.hours.hundredths(),
        "pence": line.worth.0,
    })
}

fn claim(line: &ClaimLine) -> Value {
    let split = |of: CarbonShortfall| {
        json!({
            "claimed_kg": of.claimed_kg.to_string(), "actual_kg": of.actual_kg.to_string(),
            "less_energy_kg": of.less_energy_kg.to_string(), "cleaner_grid_kg": of.cleaner_grid_kg.to_string(),
        })
    };
    json!({ "claim": line.of, "split": line.split.map(split) })
}

/// An outcome as JSON.
#[must_use]
pub fn outcome(line: &OutcomeLine) -> Value {
    json!({
        "outcome": line.of,
        "delivered": line.delivered.to_string(),
        "delivered_ever": line.delivered_ever.to_string(),
        "cost_pence": line.cost.0,
        "met": line.met,
        "late": line.late,
        "years": line.years.iter().map(|year| json!({
            "year": year.year, "delivered": year.amount.to_string(), "cost_pence": year.cost.0,
            "cost_of_one_pence": year.cost_of_one.map(|p| p.0),
            "change_percent": year.change_percent.map(|p| p.to_string()),
        })).collect::<Vec<_>>(),
        "deliveries": line.deliveries,
    })
}
