//! What is noted of a council's stake and of what came of it: spaces and loans, support in kind,
//! carbon claimed, outcomes, packs that were signed and bundles that were given.
//!
//! A note has an id of its own kind, chosen by who enters it, and is never edited: another note takes
//! it back. Money is integer pence, days are `YYYY-MM-DD`, hours, rates and amounts decimal text. No
//! person is named here.

use serde::{Deserialize, Serialize};

/// Something noted of a council's stake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", content = "of", rename_all = "kebab-case")]
pub enum StakeNote {
    /// A roof or another space is lent.
    Space(Space),
    /// It is lent no more.
    SpaceEnded(Ended),
    /// Money is lent.
    Loan(Loan),
    /// A loan was paid back in part, or its interest paid.
    LoanPayment(LoanPayment),
    /// A guarantee is given.
    Guarantee(Guarantee),
    /// Hours were given.
    Support(Support),
    /// Carbon was promised.
    CarbonClaim(CarbonClaim),
    /// Residents were reached.
    Reached(Reached),
    /// A council's officer sees these buildings only.
    Officer(BuildingOfficer),
    /// A note counts no more.
    Withdrawn(Withdrawn),
}

/// A roof or another space that a council lends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Its id among spaces.
    pub id: String,
    /// The council.
    pub council: String,
    /// The roof of the society, where it is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// What it is.
    pub name: String,
    /// `licence`, `lease` or `use`.
    pub under: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Rent a year.
    pub rent_pence_a_year: i64,
    /// What reverts to whom at the end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reverts: String,
    /// The document.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// Something ends before its day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// What.
    pub id: String,
    /// Its last day.
    pub on: String,
    /// Why.
    pub reason: String,
}

/// A note counts no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawn {
    /// Its kind, such as `support`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Money that a council lends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loan {
    /// Its id among loans.
    pub id: String,
    /// The council.
    pub council: String,
    /// The day it was drawn.
    pub drawn: String,
    /// How much.
    pub principal_pence: i64,
    /// Interest, per cent a year, decimal text.
    pub rate_percent: String,
    /// The first instalment.
    pub first_instalment: String,
    /// Months between instalments.
    pub every_months: u8,
    /// How many.
    pub instalments: u16,
    /// `equal` or `at-end`.
    pub repaid: String,
    /// The agreement.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A payment to a lender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoanPayment {
    /// The loan.
    pub loan: String,
    /// The day.
    pub on: String,
    /// Of the principal.
    pub principal_pence: i64,
    /// Interest.
    pub interest_pence: i64,
    /// What shows it.
    pub evidence: String,
}

/// A guarantee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guarantee {
    /// Its id among guarantees.
    pub id: String,
    /// The council.
    pub council: String,
    /// For what.
    pub what: String,
    /// At most.
    pub limit_pence: i64,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// The document.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// Hours that were given, at a dated unit value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// Its id among support.
    pub id: String,
    /// Who gave them: a council's name, `residents`, or another word.
    pub giver: String,
    /// The building, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// For what.
    pub activity: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Hours, decimal text.
    pub hours: String,
    /// What an hour is worth.
    pub unit_pence: i64,
    /// The day of that value.
    pub unit_on: String,
    /// Where that value is printed.
    pub unit_source: String,
    /// The part that may be claimed, per cent, decimal text.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub attribution_percent: String,
    /// The other line in which these hours are counted already: this one only lists them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part_of: String,
    /// What shows it.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// Carbon that was promised before anything was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarbonClaim {
    /// Its id among claims of carbon.
    pub id: String,
    /// The roof; the whole society where it is left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// Tonnes of CO2e over all years, decimal text.
    pub tonnes: String,
    /// Years.
    pub years: u16,
    /// The energy of one year it was made for, kWh, decimal text.
    pub kwh_a_year: String,
    /// Where it is printed.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// Residents who were reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    /// Its id.
    pub id: String,
    /// The building, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// By what.
    pub activity: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// How many, each once.
    pub people: u32,
    /// How they were counted.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A council's officer who sees some buildings only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildingOfficer {
    /// The user.
    pub user: String,
    /// Roofs; none for all of them again.
    pub sites: Vec<String>,
}

/// Something noted of outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", content = "of", rename_all = "kebab-case")]
pub enum OutcomeNote {
    /// An outcome is wanted.
    Outcome(Outcome),
    /// Something of it was delivered, or paid for it.
    Delivery(Delivery),
    /// A note counts no more.
    Withdrawn(Withdrawn),
}

/// An outcome: what is wanted, how, with whom, and by when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Its id among outcomes.
    pub id: String,
    /// `environmental`, `social` or `financial`.
    pub group: String,
    /// What do we want to see?
    pub wanted: String,
    /// How do we want to achieve it?
    pub activity: String,
    /// Who can help us?
    pub partner: String,
    /// `local organisation`, `public service`, `local people` or `other provider`.
    pub partner_kind: String,
    /// The commissioned service it belongs to, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// What is counted.
    pub measure: String,
    /// In what.
    pub unit: String,
    /// Where it stood before, decimal text.
    pub baseline: String,
    /// How much was proposed, decimal text.
    pub proposed: String,
    /// By when.
    pub by: String,
    /// The part that may be claimed, per cent, decimal text.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub attribution_percent: String,
    /// Where it was agreed.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// What was delivered of an outcome, or paid for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Its id among deliveries.
    pub id: String,
    /// The outcome.
    pub outcome: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// How much of the measure, decimal text.
    pub amount: String,
    /// What it cost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cost_pence: i64,
    /// What it took besides money.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resources: String,
    /// What shows it.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

fn whole() -> String {
    "100".to_owned()
}

fn is_whole(text: &str) -> bool {
    text == "100"
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    fn check(what: What, golden: &str) {
        let decision = Decision {
            at_ms: 1,
            by: "secretary".into(),
            what,
        };
        let record = decision.to_record();
        let golden = format!(r#"{{"at_ms":1,"by":"secretary","what":{golden}}}"#);
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    fn stake(note: &str) {
        let of: StakeNote = serde_json::from_str(note).unwrap();
        check(
            What::StakeNoted(Box::new(of)),
            &format!(r#"{{"type":"stake-noted/1","body":{note}}}"#),
        );
    }

    fn outcome(note: &str) {
        let of: OutcomeNote = serde_json::from_str(note).unwrap();
        check(
            What::OutcomeNoted(Box::new(of)),
            &format!(r#"{{"type":"outcome-noted/1","body":{note}}}"#),
        );
    }

    #[test]
    fn notes_keep_their_golden_bytes() {
        for note in [
            r#"{"note":"space","of":{"id":"roof","council":"C","site":"a","name":"The roof","under":"licence","from":"2012-04-23","to":"2037-04-22","rent_pence_a_year":100,"reverts":"The panels","evidence":"Licence","sample":true}}"#,
            r#"{"note":"space-ended","of":{"id":"roof","on":"2020-01-01","reason":"sold"}}"#,
            r#"{"note":"loan","of":{"id":"l","council":"C","drawn":"2012-04-01","principal_pence":1000000,"rate_percent":"3.5","first_instalment":"2013-03-31","every_months":12,"instalments":10,"repaid":"equal","evidence":"Agreement"}}"#,
            r#"{"note":"loan-payment","of":{"loan":"l","on":"2013-03-31","principal_pence":100000,"interest_pence":35000,"evidence":"Bank"}}"#,
            r#"{"note":"guarantee","of":{"id":"g","council":"C","what":"Overdraft","limit_pence":500000,"from":"2012-04-01","to":"2015-03-31","evidence":"Letter"}}"#,
            r#"{"note":"support","of":{"id":"s","giver":"residents","site":"a","activity":"Building","from":"2012-02-01","to":"2012-04-23","hours":"2500","unit_pence":1693,"unit_on":"2019-01-01","unit_source":"TOMs","attribution_percent":"50","part_of":"t","evidence":"Blog"}}"#,
            r#"{"note":"carbon-claim","of":{"id":"c","site":"a","tonnes":"488","years":20,"kwh_a_year":"50000","evidence":"Report"}}"#,
            r#"{"note":"reached","of":{"id":"r","activity":"Vote","from":"2017-08-19","to":"2017-08-19","people":70,"evidence":"Minutes"}}"#,
            r#"{"note":"officer","of":{"user":"council-2","sites":["a"]}}"#,
            r#"{"note":"withdrawn","of":{"kind":"support","id":"s","reason":"counted elsewhere"}}"#,
        ] {
            stake(note);
        }
        for note in [
            r#"{"note":"outcome","of":{"id":"o","group":"social","wanted":"Jobs","activity":"Internships","partner":"P","partner_kind":"local organisation","service":"S","measure":"Interns","unit":"people","baseline":"0","proposed":"16","by":"2018-12-31","attribution_percent":"50","evidence":"Plan"}}"#,
            r#"{"note":"delivery","of":{"id":"d","outcome":"o","from":"2018-01-01","to":"2018-12-31","amount":"14","cost_pence":1200000,"resources":"A room","evidence":"Report","sample":true}}"#,
            r#"{"note":"withdrawn","of":{"kind":"delivery","id":"d","reason":"wrong year"}}"#,
        ] {
            outcome(note);
        }
        let unknown = r#"{"note":"loan-payment","of":{"loan":"l","more":1}}"#;
        assert!(serde_json::from_str::<StakeNote>(unknown).is_err());
    }
}
