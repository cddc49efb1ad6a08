//! What people decide about roofs: manual reads, duties, planned outages, costs, alerts.
//!
//! The bodies of those decisions, as they lie in the journal. Money is integer pence, energy integer
//! Wh, instants ms UTC, days `YYYY-MM-DD`. Photos and invoices are not here: a [`Kept`](crate::tables::Kept) names a file
//! of the society's `blobs/` by its SHA-256, and that file is on disk before the decision is.

use serde::{Deserialize, Serialize};

use crate::{income::Finding, tables::Kept};

/// What a register said by telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownBy {
    /// When.
    pub at_ms: i64,
    /// What it showed, Wh.
    pub wh: i64,
}

/// A read that a person took from the dial; the decision's time is when it was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManualRead {
    /// Where the person stood.
    pub meter_point: String,
    /// The serial on the meter's face.
    pub meter: String,
    /// OBIS code.
    pub register: String,
    /// When the dial showed it.
    pub read_at_ms: i64,
    /// What it showed, Wh.
    pub wh: i64,
    /// The photo of the dial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<Kept>,
    /// What the licensee's or the inverter's portal says for the same time, Wh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_wh: Option<i64>,
    /// The last read by telemetry at or before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ShownBy>,
    /// The first read by telemetry after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ShownBy>,
    /// How far they may be apart, Wh.
    pub tolerance_wh: i64,
    /// What was noticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// A second person looked at the same photo or dial and saw the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadConfirmed {
    /// Meter serial.
    pub meter: String,
    /// OBIS code.
    pub register: String,
    /// The read's time.
    pub read_at_ms: i64,
    /// What the second person saw, Wh.
    pub wh: i64,
}

/// Which figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chosen {
    /// What the dial showed.
    Dial,
    /// What telemetry says; the reads by telemetry stand and the dial's does not enter.
    Telemetry,
    /// What the portal says.
    Portal,
    /// Another figure.
    Other,
}

/// The figure that counts for a manual read, chosen once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadAgreed {
    /// Meter serial.
    pub meter: String,
    /// OBIS code.
    pub register: String,
    /// The read's time.
    pub read_at_ms: i64,
    /// Which.
    pub chosen: Chosen,
    /// The figure, Wh; none where telemetry was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wh: Option<i64>,
    /// Why; `within tolerance` where nothing was in doubt.
    pub reason: String,
}

/// A duty was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDone {
    /// Its id, such as `claim/roof-fit/2026-03-15`.
    pub task: String,
    /// The day it was done.
    pub on: String,
    /// What shows it.
    pub evidence: String,
    /// A file that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Kept>,
}

/// A roof will be off for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutagePlanned {
    /// Its number in the society, from 1.
    pub number: u32,
    /// The roof.
    pub site: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Why.
    pub cause: String,
    /// Who asked for it.
    pub asked_by: String,
    /// The clause of the lease or contract it stands on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub clause: String,
    /// Days in a calendar year that the clause allows without payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance_days: Option<u16>,
    /// Whether all plant up to the grid connection comes off.
    pub all_plant_removed: bool,
}

/// A planned outage ends on another day, or does not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutageChanged {
    /// Its number.
    pub number: u32,
    /// Its last day from now on; none when it does not happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why.
    pub reason: String,
}

/// A cost of a roof or of the whole society, until the books carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostEntered {
    /// Its number in the society, from 1.
    pub number: u32,
    /// The roof; empty for the whole society.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// The day it belongs to.
    pub on: String,
    /// How much.
    pub pence: i64,
    /// What kind, such as `rent`, `insurance` or `repair`.
    pub kind: String,
    /// What for.
    pub what: String,
    /// The invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Kept>,
}

/// A cost that was entered wrongly counts no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostReversed {
    /// Its number.
    pub number: u32,
    /// Why.
    pub reason: String,
}

/// On what light was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LightPlane {
    /// The plane of the panels.
    Panels,
    /// The flat.
    Flat,
}

/// Irradiance measured for a roof; the series is the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrradianceImported {
    /// Its number in the society, from 1.
    pub number: u32,
    /// The roof.
    pub site: String,
    /// On what it was measured.
    pub plane: LightPlane,
    /// By whom or what it was measured.
    pub source: String,
    /// The file.
    pub file: Kept,
    /// First day of it.
    pub first: String,
    /// Last day of it.
    pub last: String,
    /// Days of which all is known.
    pub days: u32,
}

/// Irradiance that was taken in wrongly counts no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrradianceWithdrawn {
    /// Its number.
    pub number: u32,
    /// Why.
    pub reason: String,
}

/// Something needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRaised {
    /// Its number in the society, from 1.
    pub number: u32,
    /// `silent` or `below-neighbours`.
    pub kind: String,
    /// The roof.
    pub site: String,
    /// The meter, for `silent`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub meter: String,
    /// Since when.
    pub since_ms: i64,
    /// A sentence.
    pub text: String,
}

/// It is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertCleared {
    /// Its number.
    pub number: u32,
    /// A sentence.
    pub text: String,
}

/// Somebody has seen it and waits for an engineer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSeen {
    /// Its number.
    pub number: u32,
    /// The engineer's or installer's ticket.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ticket: String,
    /// What the warranty says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub warranty: String,
    /// What else is to be known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A message reached a person's relay or webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertTold {
    /// What it was about: `alert 3`, `cleared 3` or `digest 2026-06-01`.
    pub about: String,
    /// The officer.
    pub to: String,
    /// `mail` or `webhook`.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    fn check(what: What, body: &str) {
        let decision = Decision {
            at_ms: 1_384_600_000_000,
            by: "treasurer".into(),
            what,
        };
        let record = decision.to_record();
        let golden =
            format!(r#"{{"at_ms":1384600000000,"by":"treasurer","what":{{"type":{body}}}}}"#);
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    fn photo() -> Kept {
        Kept {
            sha256: "00ff".into(),
            bytes: 7,
            name: "dial.jpg".into(),
            sealed: false,
        }
    }

    #[test]
    fn manual_reads_keep_their_golden_bytes() {
        check(
            What::ManualRead(Box::new(ManualRead {
                meter_point: "roof-generation".into(),
                meter: "M1".into(),
                register: "2.8.0".into(),
                read_at_ms: 3,
                wh: 310_440_000,
                photo: Some(photo()),
                portal_wh: Some(310_439_000),
                before: Some(ShownBy { at_ms: 2, wh: 4 }),
                after: None,
                tolerance_wh: 1_000,
                findings: vec![Finding {
                    kind: "above-telemetry".into(),
                    text: "far above".into(),
                }],
            })),
            r#""manual-read/1","body":{"meter_point":"roof-generation","meter":"M1","register":"2.8.0","read_at_ms":3,"wh":310440000,"photo":{"sha256":"00ff","bytes":7,"name":"dial.jpg"},"portal_wh":310439000,"before":{"at_ms":2,"wh":4},"tolerance_wh":1000,"findings":[{"kind":"above-telemetry","text":"far above"}]}"#,
        );
        check(
            What::ReadConfirmed(ReadConfirmed {
                meter: "M1".into(),
                register: "2.8.0".into(),
                read_at_ms: 3,
                wh: 4,
            }),
            r#""read-confirmed/1","body":{"meter":"M1","register":"2.8.0","read_at_ms":3,"wh":4}"#,
        );
        check(
            What::ReadAgreed(ReadAgreed {
                meter: "M1".into(),
                register: "2.8.0".into(),
                read_at_ms: 3,
                chosen: Chosen::Portal,
                wh: Some(5),
                reason: "the photo is blurred".into(),
            }),
            r#""read-agreed/1","body":{"meter":"M1","register":"2.8.0","read_at_ms":3,"chosen":"portal","wh":5,"reason":"the photo is blurred"}"#,
        );
    }

    #[test]
    fn duties_and_outages_keep_their_golden_bytes() {
        check(
            What::TaskDone(TaskDone {
                task: "claim/roof-fit/2026-03-15".into(),
                on: "2026-03-14".into(),
                evidence: "read entered at the licensee's portal".into(),
                file: None,
            }),
            r#""task-done/1","body":{"task":"claim/roof-fit/2026-03-15","on":"2026-03-14","evidence":"read entered at the licensee's portal"}"#,
        );
        check(
            What::OutagePlanned(OutagePlanned {
                number: 1,
                site: "roof".into(),
                from: "2026-06-01".into(),
                to: "2026-07-12".into(),
                cause: "roof repairs".into(),
                asked_by: "the council".into(),
                clause: "lease 7.2".into(),
                allowance_days: Some(28),
                all_plant_removed: true,
            }),
            r#""outage-planned/1","body":{"number":1,"site":"roof","from":"2026-06-01","to":"2026-07-12","cause":"roof repairs","asked_by":"the council","clause":"lease 7.2","allowance_days":28,"all_plant_removed":true}"#,
        );
        check(
            What::OutageChanged(OutageChanged {
                number: 1,
                to: Some("2026-07-01".into()),
                reason: "done early".into(),
            }),
            r#""outage-changed/1","body":{"number":1,"to":"2026-07-01","reason":"done early"}"#,
        );
    }

    #[test]
    fn irradiance_keeps_its_golden_bytes() {
        check(
            What::IrradianceImported(Box::new(IrradianceImported {
                number: 1,
                site: "roof".into(),
                plane: LightPlane::Panels,
                source: "sensor on the roof".into(),
                file: photo(),
                first: "2026-01-01".into(),
                last: "2026-06-30".into(),
                days: 181,
            })),
            r#""irradiance-imported/1","body":{"number":1,"site":"roof","plane":"panels","source":"sensor on the roof","file":{"sha256":"00ff","bytes":7,"name":"dial.jpg"},"first":"2026-01-01","last":"2026-06-30","days":181}"#,
        );
        check(
            What::IrradianceWithdrawn(IrradianceWithdrawn {
                number: 1,
                reason: "another roof's".into(),
            }),
            r#""irradiance-withdrawn/1","body":{"number":1,"reason":"another roof's"}"#,
        );
    }

    #[test]
    fn costs_and_alerts_keep_their_golden_bytes() {
        check(
            What::CostEntered(CostEntered {
                number: 1,
                site: "roof".into(),
                on: "2026-06-01".into(),
                pence: 12_000,
                kind: "repair".into(),
                what: "new inverter fan".into(),
                file: Some(photo()),
            }),
            r#""cost-entered/1","body":{"number":1,"site":"roof","on":"2026-06-01","pence":12000,"kind":"repair","what":"new inverter fan","file":{"sha256":"00ff","bytes":7,"name":"dial.jpg"}}"#,
        );
        check(
            What::CostReversed(CostReversed {
                number: 1,
                reason: "twice".into(),
            }),
            r#""cost-reversed/1","body":{"number":1,"reason":"twice"}"#,
        );
        check(
            What::AlertRaised(AlertRaised {
                number: 1,
                kind: "silent".into(),
                site: "roof".into(),
                meter: "M1".into(),
                since_ms: 9,
                text: "silent".into(),
            }),
            r#""alert-raised/1","body":{"number":1,"kind":"silent","site":"roof","meter":"M1","since_ms":9,"text":"silent"}"#,
        );
        check(
            What::AlertCleared(AlertCleared {
                number: 1,
                text: "it speaks again".into(),
            }),
            r#""alert-cleared/1","body":{"number":1,"text":"it speaks again"}"#,
        );
        check(
            What::AlertSeen(AlertSeen {
                number: 1,
                ticket: "T-7".into(),
                warranty: "to 2032".into(),
                note: String::new(),
            }),
            r#""alert-seen/1","body":{"number":1,"ticket":"T-7","warranty":"to 2032"}"#,
        );
        check(
            What::AlertTold(AlertTold {
                about: "alert 1".into(),
                to: "treasurer".into(),
                by: "mail".into(),
            }),
            r#""alert-told/1","body":{"about":"alert 1","to":"treasurer","by":"mail"}"#,
        );
    }
}
