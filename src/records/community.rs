//! What is noted of the community fund and of residents' own projects.
//!
//! Money of the fund moves in the books; the notes say why: the rule, the grant, its conditions, what
//! was paid. Projects count people and hours. A person's name is in a sealed file and only with
//! consent; the note has its hash.

use serde::{Deserialize, Serialize};

use crate::{
    council::{Ended, Withdrawn, is_false},
    tables::Kept,
};

/// Something noted of the community fund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", content = "of", rename_all = "kebab-case")]
pub enum FundNote {
    /// What frozen interest runs bring to the fund.
    Rule(FundRule),
    /// A run brought its part; the entry stands beside it.
    Brought(Brought),
    /// A grant is promised.
    Grant(Grant),
    /// A condition of a grant is met.
    ConditionMet(ConditionMet),
    /// A grant was paid in part or whole; the entry stands beside it.
    Paid(GrantPaid),
    /// What its receiver says became of it.
    Reported(GrantReported),
    /// What is not paid of a grant is free again.
    Ended(Ended),
}

/// What frozen interest runs bring to the fund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundRule {
    /// Runs whose period begins then or later.
    pub from: String,
    /// A fraction of the interest such as `20/80`.
    pub part_of_interest: String,
    /// The rule or resolution.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A run brought its part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brought {
    /// The run.
    pub run: u32,
    /// The day it is posted on.
    pub on: String,
    /// The rule in force.
    pub part_of_interest: String,
    /// How much.
    pub pence: i64,
    /// The entry in the books.
    pub entry: u32,
}

/// A grant of the fund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its id among grants.
    pub id: String,
    /// Who gets it: a group or a body.
    pub to: String,
    /// For what.
    pub purpose: String,
    /// The project it is for, where it is one of the platform.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
    /// How much.
    pub pence: i64,
    /// The day it was decided.
    pub decided: String,
    /// What must be met before anything is paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// By when its receiver reports.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub report_by: String,
    /// The ballot or minute.
    pub evidence: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A condition is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionMet {
    /// The grant.
    pub grant: String,
    /// Which of its conditions, from 1.
    pub condition: u16,
    /// The day.
    pub on: String,
    /// What shows it.
    pub evidence: String,
}

/// A grant was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantPaid {
    /// The grant.
    pub grant: String,
    /// The day.
    pub on: String,
    /// How much.
    pub pence: i64,
    /// What shows it.
    pub evidence: String,
    /// The entry in the books; filled in when it is posted.
    #[serde(default)]
    pub entry: u32,
}

/// What became of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantReported {
    /// The grant.
    pub grant: String,
    /// The day.
    pub on: String,
    /// What happened.
    pub what: String,
    /// What shows it.
    pub evidence: String,
}

/// Something noted of residents' own projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", content = "of", rename_all = "kebab-case")]
pub enum ProjectNote {
    /// A project is proposed.
    Project(Project),
    /// It goes ahead.
    Agreed(Said),
    /// People met and did something.
    Session(Session),
    /// A place is lent to it.
    Place(PlaceLent),
    /// What happened.
    Result(Said),
    /// Somebody may be named.
    Named(Named),
    /// Somebody may be named no more.
    Unnamed(Unnamed),
    /// It is over.
    Ended(Ended),
    /// A note counts no more.
    Withdrawn(Withdrawn),
}

/// A project as it is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Its id among projects.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is, in a paragraph.
    pub about: String,
    /// The group that proposes it; no person.
    pub group: String,
    /// The day it was proposed.
    pub proposed: String,
    /// True when it is sample data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// Words about a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The project.
    pub project: String,
    /// The day.
    pub on: String,
    /// What.
    pub what: String,
}

/// People met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Its id among sessions.
    pub id: String,
    /// The project.
    pub project: String,
    /// The day.
    pub on: String,
    /// How many took part.
    pub people: u32,
    /// How many of them for the first time in this project.
    pub new_people: u32,
    /// How long it was, hours, decimal text.
    pub hours: String,
    /// What was done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}

/// A place that is lent to a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceLent {
    /// Its id among places.
    pub id: String,
    /// The project.
    pub project: String,
    /// The place.
    pub place: String,
    /// Who lends it.
    pub lender: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
}

/// Somebody who may be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The project.
    pub project: String,
    /// Their number in it, from 1.
    pub number: u32,
    /// The day of the consent.
    pub consent: String,
    /// Where the consent lies.
    pub evidence: String,
    /// The name, in a sealed file.
    pub name: Kept,
}

/// Somebody who may be named no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unnamed {
    /// The project.
    pub project: String,
    /// Their number in it.
    pub number: u32,
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

    #[test]
    fn notes_keep_their_golden_bytes() {
        for note in [
            r#"{"note":"rule","of":{"from":"2012-01-01","part_of_interest":"20/80","evidence":"Rules","sample":true}}"#,
            r#"{"note":"brought","of":{"run":1,"on":"2014-01-01","part_of_interest":"20/80","pence":43500,"entry":7}}"#,
            r#"{"note":"grant","of":{"id":"g","to":"Garden group","purpose":"Beds","project":"garden","pence":50000,"decided":"2017-08-19","conditions":["Insurance"],"report_by":"2018-08-19","evidence":"ballot 1"}}"#,
            r#"{"note":"condition-met","of":{"grant":"g","condition":1,"on":"2017-09-01","evidence":"Policy"}}"#,
            r#"{"note":"paid","of":{"grant":"g","on":"2017-09-02","pence":50000,"evidence":"Bank","entry":8}}"#,
            r#"{"note":"reported","of":{"grant":"g","on":"2018-08-01","what":"Twelve beds","evidence":"Photos"}}"#,
            r#"{"note":"ended","of":{"id":"g","on":"2018-08-02","reason":"done for less"}}"#,
        ] {
            let of: FundNote = serde_json::from_str(note).unwrap();
            check(
                What::FundNoted(Box::new(of)),
                &format!(r#"{{"type":"fund-noted/1","body":{note}}}"#),
            );
        }
        for note in [
            r#"{"note":"project","of":{"id":"garden","name":"Garden","about":"Beds.","group":"Neighbours","proposed":"2017-01-01","sample":true}}"#,
            r#"{"note":"agreed","of":{"project":"garden","on":"2017-01-08","what":"It goes ahead"}}"#,
            r#"{"note":"session","of":{"id":"s1","project":"garden","on":"2017-02-01","people":12,"new_people":12,"hours":"2.5","what":"Digging"}}"#,
            r#"{"note":"place","of":{"id":"p1","project":"garden","place":"Yard","lender":"Council","from":"2017-01-01","to":"2017-12-31"}}"#,
            r#"{"note":"result","of":{"project":"garden","on":"2017-12-01","what":"Twelve beds"}}"#,
            r#"{"note":"named","of":{"project":"garden","number":1,"consent":"2017-02-01","evidence":"Form 1","name":{"sha256":"00ff","bytes":9,"name":"name","sealed":true}}}"#,
            r#"{"note":"unnamed","of":{"project":"garden","number":1}}"#,
            r#"{"note":"ended","of":{"id":"garden","on":"2017-12-31","reason":"done"}}"#,
            r#"{"note":"withdrawn","of":{"kind":"session","id":"s1","reason":"twice"}}"#,
        ] {
            let of: ProjectNote = serde_json::from_str(note).unwrap();
            check(
                What::ProjectNoted(Box::new(of)),
                &format!(r#"{{"type":"project-noted/1","body":{note}}}"#),
            );
        }
    }
}
