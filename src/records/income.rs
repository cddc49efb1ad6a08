//! Frozen claims and bills: the bodies of the decisions that fix them.
//!
//! They carry their own lines, rates, reads and findings, so that nothing of them is ever worked out
//! again: a later version that would reckon otherwise changes no frozen claim. Money is integer
//! pence, energy integer Wh, rates decimals as text, days `YYYY-MM-DD`.

use serde::{Deserialize, Serialize};

/// A claim under the Feed-in Tariff, as it was frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimFrozen {
    /// The installation.
    pub installation: String,
    /// Its number in the society, from 1.
    pub number: u32,
    /// First day asked for.
    pub from: String,
    /// Last day asked for.
    pub to: String,
    /// The opening read's time, ms UTC.
    pub opens_at_ms: i64,
    /// The closing read's time, ms UTC.
    pub closes_at_ms: i64,
    /// The time of the read its metered export opens with, ms UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_opens_at_ms: Option<i64>,
    /// The time of the read its metered export closes with, ms UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_closes_at_ms: Option<i64>,
    /// Lines.
    pub lines: Vec<ClaimLine>,
    /// Their sum.
    pub total_pence: i64,
    /// What was to be known of it.
    pub findings: Vec<Finding>,
    /// Every read that a line begins or ends with.
    pub reads: Vec<FrozenRead>,
    /// True when the society or the installation is sample data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// One line of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimLine {
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Energy, Wh.
    pub wh: i64,
    /// Rate, decimal text.
    pub rate_p_per_kwh: String,
    /// Due.
    pub pence: i64,
    /// `generation`, `export-deemed` or `export-metered`.
    pub kind: String,
    /// True when a boundary of it was split by time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub apportioned: bool,
    /// The number of the earlier claim that it sets right; energy and amount are the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusts: Option<u32>,
}

/// A bill to a host, as it was frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillFrozen {
    /// The host.
    pub host: String,
    /// The bill's number in the society, from 1.
    pub number: u32,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// `metered`, `deemed`, `fixed` or `export`.
    pub on_site: String,
    /// The last closing read's time, ms UTC; none where energy is fixed by contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at_ms: Option<i64>,
    /// Lines.
    pub lines: Vec<BillLine>,
    /// Their sum, before VAT.
    pub net_pence: i64,
    /// VAT, per cent, decimal text.
    pub vat_percent: String,
    /// VAT.
    pub vat_pence: i64,
    /// To be paid.
    pub gross_pence: i64,
    /// Saved against the grid price, before VAT; none where no price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving_pence: Option<i64>,
    /// The host's order number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub po_number: String,
    /// Last day to pay.
    pub due: String,
    /// What was to be known of it.
    pub findings: Vec<Finding>,
    /// Every read that a line begins or ends with.
    pub reads: Vec<FrozenRead>,
    /// True when the society or the contract is sample data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillLine {
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Energy used on site, Wh.
    pub wh: i64,
    /// Rate, decimal text.
    pub rate_p_per_kwh: String,
    /// Due, before VAT.
    pub pence: i64,
    /// The grid's price, decimal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid_p_per_kwh: Option<String>,
    /// What the grid would have asked, before VAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid_pence: Option<i64>,
    /// How many half hours were priced one by one; the rate is then their average, for show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_hours: Option<u32>,
}

/// A bill taken back whole: a credit note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillCredited {
    /// The credit note's number in the society, from 1.
    pub number: u32,
    /// The bill.
    pub bill: u32,
    /// Its day.
    pub on: String,
    /// Why.
    pub reason: String,
    /// Less than zero: what the bill asked before VAT, reversed.
    pub net_pence: i64,
    /// VAT, reversed.
    pub vat_pence: i64,
    /// Both.
    pub gross_pence: i64,
}

/// A finding with its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its word.
    pub kind: String,
    /// A sentence.
    pub text: String,
}

/// A read that a frozen line stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenRead {
    /// Meter serial.
    pub meter: String,
    /// OBIS code.
    pub register: String,
    /// The read's time, ms UTC.
    pub at_ms: i64,
    /// What it showed, Wh.
    pub wh: i64,
    /// `actual` or `manual`.
    pub quality: String,
    /// What stands behind it: `M`, `G`, `T` or `H`.
    pub evidence: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    fn check(what: What, golden: &str) {
        let decision = Decision {
            at_ms: 1_384_600_000_000,
            by: "treasurer".into(),
            what,
        };
        let record = decision.to_record();
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    fn read() -> FrozenRead {
        FrozenRead {
            meter: "M1".into(),
            register: "2.8.0".into(),
            at_ms: 1,
            wh: 300_000_000,
            quality: "manual".into(),
            evidence: "H".into(),
        }
    }

    #[test]
    fn a_frozen_claim_keeps_its_golden_bytes() {
        check(
            What::ClaimFrozen(Box::new(ClaimFrozen {
                installation: "roof-fit".into(),
                number: 1,
                from: "2022-12-15".into(),
                to: "2023-06-15".into(),
                opens_at_ms: 1,
                closes_at_ms: 2,
                export_opens_at_ms: None,
                export_closes_at_ms: None,
                lines: vec![ClaimLine {
                    from: "2022-12-15".into(),
                    to: "2023-03-31".into(),
                    wh: 2_940_000,
                    rate_p_per_kwh: "20.17".into(),
                    pence: 59_300,
                    kind: "generation".into(),
                    apportioned: false,
                    adjusts: None,
                }],
                total_pence: 59_300,
                findings: vec![Finding {
                    kind: "no-export".into(),
                    text: "none".into(),
                }],
                reads: vec![read()],
                sample: false,
            })),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"claim-frozen/1","body":{"installation":"roof-fit","number":1,"from":"2022-12-15","to":"2023-06-15","opens_at_ms":1,"closes_at_ms":2,"lines":[{"from":"2022-12-15","to":"2023-03-31","wh":2940000,"rate_p_per_kwh":"20.17","pence":59300,"kind":"generation"}],"total_pence":59300,"findings":[{"kind":"no-export","text":"none"}],"reads":[{"meter":"M1","register":"2.8.0","at_ms":1,"wh":300000000,"quality":"manual","evidence":"H"}]}}}"#,
        );
    }

    #[test]
    fn a_claim_that_sets_an_earlier_one_right_keeps_its_golden_bytes() {
        check(
            What::ClaimFrozen(Box::new(ClaimFrozen {
                installation: "roof-fit".into(),
                number: 2,
                from: "2023-06-16".into(),
                to: "2023-09-15".into(),
                opens_at_ms: 2,
                closes_at_ms: 3,
                export_opens_at_ms: Some(1),
                export_closes_at_ms: Some(3),
                lines: vec![ClaimLine {
                    from: "2022-12-15".into(),
                    to: "2023-03-31".into(),
                    wh: -10_000,
                    rate_p_per_kwh: "20.17".into(),
                    pence: -202,
                    kind: "generation".into(),
                    apportioned: false,
                    adjusts: Some(1),
                }],
                total_pence: -202,
                findings: vec![],
                reads: vec![],
                sample: false,
            })),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"claim-frozen/1","body":{"installation":"roof-fit","number":2,"from":"2023-06-16","to":"2023-09-15","opens_at_ms":2,"closes_at_ms":3,"export_opens_at_ms":1,"export_closes_at_ms":3,"lines":[{"from":"2022-12-15","to":"2023-03-31","wh":-10000,"rate_p_per_kwh":"20.17","pence":-202,"kind":"generation","adjusts":1}],"total_pence":-202,"findings":[],"reads":[]}}}"#,
        );
    }

    #[test]
    fn a_credit_note_keeps_its_golden_bytes() {
        check(
            What::BillCredited(BillCredited {
                number: 1,
                bill: 3,
                on: "2015-02-01".into(),
                reason: "wrong price".into(),
                net_pence: -1_260_000,
                vat_pence: -252_000,
                gross_pence: -1_512_000,
            }),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"bill-credited/1","body":{"number":1,"bill":3,"on":"2015-02-01","reason":"wrong price","net_pence":-1260000,"vat_pence":-252000,"gross_pence":-1512000}}}"#,
        );
    }

    #[test]
    fn a_frozen_bill_keeps_its_golden_bytes() {
        check(
            What::BillFrozen(Box::new(BillFrozen {
                host: "council".into(),
                number: 1,
                from: "2014-01-01".into(),
                to: "2014-12-31".into(),
                on_site: "metered".into(),
                closes_at_ms: Some(2),
                lines: vec![BillLine {
                    from: "2014-01-01".into(),
                    to: "2014-12-31".into(),
                    wh: 100_000_000,
                    rate_p_per_kwh: "12.6".into(),
                    pence: 1_260_000,
                    grid_p_per_kwh: Some("14".into()),
                    grid_pence: Some(1_400_000),
                    half_hours: None,
                }],
                net_pence: 1_260_000,
                vat_percent: "20".into(),
                vat_pence: 252_000,
                gross_pence: 1_512_000,
                saving_pence: Some(140_000),
                po_number: "PO 7".into(),
                due: "2015-01-30".into(),
                findings: vec![],
                reads: vec![],
                sample: true,
            })),
            r#"{"at_ms":1384600000000,"by":"treasurer","what":{"type":"bill-frozen/1","body":{"host":"council","number":1,"from":"2014-01-01","to":"2014-12-31","on_site":"metered","closes_at_ms":2,"lines":[{"from":"2014-01-01","to":"2014-12-31","wh":100000000,"rate_p_per_kwh":"12.6","pence":1260000,"grid_p_per_kwh":"14","grid_pence":1400000}],"net_pence":1260000,"vat_percent":"20","vat_pence":252000,"gross_pence":1512000,"saving_pence":140000,"po_number":"PO 7","due":"2015-01-30","findings":[],"reads":[],"sample":true}}}"#,
        );
    }
}
