//! Claims, payments and host bills that a treasurer can check by hand.

use std::sync::LazyLock;

use commonwatt_domain::{
    calendar::{Instant, Period, Zone},
    income::{
        Bill, BillError, BillOf, BillableRead, Chain, Claim, ClaimFinding, ClaimOf, ExportMeets,
        LineKind, Meets, NotBillable, OnSite, bill, claim,
    },
    metering::{
        Approval, Direction, EventKind, JudgedRead, Meter, MeterEvent, Obis, Quality, Read,
        Register, SeriesId, Source, Verdict,
    },
    money::Pence,
    projection::Certainty,
    quantity::{WattHours, Watts},
    tariff::{
        Provenance,
        fit::{ExportBasis, Terms},
        host::{GridPrice, HostRate, HostTerms},
    },
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::tariffs::{bes1, day, rate, tables, terms};

/// Made once: its table of days takes longer than a claim.
fn london() -> Zone {
    static LONDON: LazyLock<Zone> = LazyLock::new(|| Zone::named("Europe/London").unwrap());
    LONDON.clone()
}

fn meter(serial: &str) -> Meter {
    Meter {
        serial: serial.into(),
        approval: Some(Approval {
            meter_type: "T".into(),
            certificate: "C".into(),
            expires: day("2040-12-31"),
        }),
        registers: vec![
            Register::new(Obis::EXPORT, Direction::Generation, 9, WattHours(10), 1).unwrap(),
        ],
    }
}

fn judged(at: &str, kwh: &str) -> JudgedRead {
    let read = Read {
        at: at.parse().unwrap(),
        wh: WattHours::from_kwh_text(kwh).unwrap(),
        received: Instant(0),
        source: Source::Manual,
    };
    JudgedRead {
        read,
        verdict: Verdict::Accepted,
        counts_as: Some(read.wh),
        findings: vec![],
        decision: None,
    }
}

fn billable(serial: &str, at: &str, kwh: &str) -> BillableRead {
    BillableRead::of(&meter(serial), Obis::EXPORT, &judged(at, kwh), &london()).unwrap()
}

fn chain(reads: &[(&str, &str)]) -> Chain {
    Chain::new(
        reads
            .iter()
            .map(|(at, kwh)| billable("M1", at, kwh))
            .collect(),
    )
}

fn claimed(
    terms: &Terms,
    generation: &Chain,
    export: Option<&Chain>,
    from: &str,
    to: &str,
) -> Claim {
    claim(&ClaimOf {
        days: Period::Range {
            first: day(from),
            last: day(to),
        },
        zone: &london(),
        tables: &tables(),
        terms,
        generation,
        export,
        meets: Meets::default(),
        export_meets: ExportMeets::default(),
        expected: None,
    })
    .unwrap()
}

/// `2940000 Wh × 20.17 = £593.00`, one a line.
fn lines(claim: &Claim) -> Vec<String> {
    claim
        .lines
        .iter()
        .map(|l| {
            let marked = if l.apportioned { " apportioned" } else { "" };
            format!(
                "{} {} × {} = {}{marked}",
                l.kind.word(),
                l.wh,
                l.rate,
                l.pence
            )
        })
        .collect()
}

fn generation_only() -> Terms {
    terms("2012-04-23", 37_240, &[])
}

#[test]
fn a_claim_across_april_is_split_by_the_read_of_31_march() {
    let reads = chain(&[
        ("2022-12-15T12:00:00Z", "300000.00"),
        ("2023-03-31T17:00:00Z", "302940.00"),
        ("2023-06-15T12:00:00Z", "310440.00"),
    ]);
    let claim = claimed(&generation_only(), &reads, None, "2022-12-15", "2023-06-15");
    assert_eq!(
        lines(&claim),
        [
            "generation 2940000 Wh × 20.17 = £593.00",
            "generation 7500000 Wh × 22.87 = £1,715.25"
        ]
    );
    assert_eq!(claim.total.to_string(), "£2,308.25");
    assert_eq!(claim.evidence.len(), 3);
    assert!(
        claim
            .findings
            .iter()
            .all(|f| matches!(f, ClaimFinding::NoExport { .. })),
        "{:?}",
        claim.findings
    );
}

#[test]
fn without_the_read_of_31_march_the_claim_is_marked_never_silent() {
    let reads = chain(&[
        ("2022-12-15T12:00:00Z", "300000.00"),
        ("2023-06-15T12:00:00Z", "310440.00"),
    ]);
    let claim = claimed(&generation_only(), &reads, None, "2022-12-15", "2023-06-15");
    assert!(claim.lines.iter().all(|line| line.apportioned));
    assert!(claim.findings.iter().any(|f| f.word() == "apportioned"));
    let all: i64 = claim.lines.iter().map(|line| line.wh.0).sum();
    assert_eq!(all, 10_440_000, "what is split sums to the advance");
}

#[test]
fn five_blocks_are_deemed_one_by_one() {
    let block = terms("2012-08-20", 9_000, &[("2012-08-20", ExportBasis::Deemed)]);
    let reads = chain(&[
        ("2013-04-01T00:00:00+01:00", "1000"),
        ("2014-03-31T23:00:00+01:00", "6940"),
    ]);
    let claim = claimed(&block, &reads, None, "2013-04-01", "2014-03-31");
    let export = claim
        .lines
        .iter()
        .find(|l| l.kind == LineKind::ExportDeemed)
        .unwrap();
    assert_eq!(export.wh, WattHours(2_970_000));
    assert_eq!(export.rate, rate("4.64"));
    assert_eq!(export.pence.to_string(), "£137.81");
    assert_eq!(Pence(5 * export.pence.0).to_string(), "£689.05");
    let as_one = rate("4.64").price(WattHours(5 * 2_970_000)).unwrap();
    assert_eq!(as_one.to_string(), "£689.04");
}

#[test]
fn export_of_bes1_is_nothing_before_its_meter_and_metered_after() {
    let generation = chain(&[
        ("2013-06-30T20:00:00Z", "100"),
        ("2013-07-31T20:00:00Z", "5000"),
        ("2013-09-30T20:00:00Z", "12000"),
    ]);
    let export = Chain::new(vec![
        billable("E1", "2013-08-01T10:00:00Z", "0"),
        billable("E1", "2013-09-30T20:00:00Z", "3000"),
    ]);
    let claim = claimed(
        &bes1(),
        &generation,
        Some(&export),
        "2013-07-01",
        "2013-09-30",
    );
    assert_eq!(
        lines(&claim),
        [
            "generation 11900000 Wh × 15.67 = £1,864.73",
            "export-metered 3000000 Wh × 3.3 = £99.00"
        ]
    );
    assert!(claim.findings.iter().any(|f| f.word() == "no-export"));
    let none = claimed(&bes1(), &generation, None, "2013-07-01", "2013-09-30");
    assert!(none.findings.iter().any(|f| f.word() == "no-export-read"));
}

#[test]
fn nothing_is_claimed_between_a_blank_meter_and_the_next() {
    let event = MeterEvent {
        kind: EventKind::Exchange,
        closes: SeriesId(0),
        closed_at: "2014-05-10T12:00:00Z".parse().unwrap(),
        final_wh: WattHours(45_678_900),
        opens: SeriesId(1),
        opened_at: "2014-06-02T12:00:00Z".parse().unwrap(),
        opening_wh: WattHours(120),
        author: "treasurer".into(),
        reason: "display dead".into(),
    };
    let reads = Chain::new(vec![
        billable("M1", "2014-04-01T10:00:00Z", "45000"),
        BillableRead::final_of(&meter("M1"), Obis::EXPORT, &event, &london()).unwrap(),
        BillableRead::opening_of(&meter("M2"), Obis::EXPORT, &event, &london()).unwrap(),
        billable("M2", "2014-06-30T20:00:00Z", "150.12"),
    ]);
    let claim = claimed(&generation_only(), &reads, None, "2014-04-01", "2014-06-30");
    // 678.9 kWh of the old meter and 150 of the new one; nothing of the three weeks between.
    assert_eq!(claim.lines[0].wh, WattHours(828_900));
    assert!(claim.findings.iter().any(|f| f.word() == "nothing-counted"));
}

#[test]
fn a_claim_closes_with_the_last_good_read() {
    let reads = chain(&[
        ("2014-03-31T20:00:00Z", "100"),
        ("2014-05-10T12:00:00Z", "4000"),
    ]);
    let claim = claimed(&generation_only(), &reads, None, "2014-04-01", "2014-06-30");
    assert_eq!(claim.lines[0].wh, WattHours(3_900_000));
    assert!(claim.findings.iter().any(|f| f.word() == "ends-early"));
}

#[test]
fn only_accepted_reads_of_an_approved_meter_are_billable() {
    let read = judged("2014-05-10T12:00:00Z", "100");
    let of = |meter: &Meter, read: &JudgedRead| {
        BillableRead::of(meter, Obis::EXPORT, read, &london()).map(|r| r.quality())
    };
    assert_eq!(of(&meter("M1"), &read), Ok(Quality::Manual));
    let held = JudgedRead {
        verdict: Verdict::Held,
        counts_as: None,
        ..read.clone()
    };
    assert_eq!(
        of(&meter("M1"), &held),
        Err(NotBillable::NotAccepted(read.read.at))
    );
    let mut expired = meter("M1");
    expired.approval.as_mut().unwrap().expires = day("2014-05-09");
    assert!(matches!(
        of(&expired, &read),
        Err(NotBillable::NotApproved { .. })
    ));
    expired.approval = None;
    assert!(matches!(
        of(&expired, &read),
        Err(NotBillable::NotApproved { .. })
    ));
}

#[test]
fn a_slip_of_the_decimal_point_is_proposed() {
    let reads = chain(&[
        ("2014-03-31T20:00:00Z", "1000"),
        ("2014-06-30T20:00:00Z", "101000"),
    ]);
    let claim = claim(&ClaimOf {
        days: Period::Range {
            first: day("2014-04-01"),
            last: day("2014-06-30"),
        },
        zone: &london(),
        tables: &tables(),
        terms: &generation_only(),
        generation: &reads,
        export: None,
        meets: Meets::default(),
        export_meets: ExportMeets::default(),
        expected: Some(WattHours(10_000_000)),
    })
    .unwrap();
    let said: Vec<String> = claim.findings.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|s| s.contains("10 times too large")),
        "{said:?}"
    );
}

fn host(rate: HostRate, vat: i64) -> HostTerms {
    HostTerms {
        from: day("2014-01-01"),
        rate,
        grid: vec![GridPrice {
            from: day("2014-01-01"),
            rate: super::tariffs::rate("14.0"),
            provenance: Provenance {
                source: "host's bill".into(),
                certainty: Certainty::High,
            },
        }],
        vat_percent: Decimal::from(vat),
    }
}

fn billed(terms: &HostTerms, on_site: OnSite<'_>) -> Result<Bill, BillError> {
    bill(&BillOf {
        days: Period::Year(2014),
        zone: &london(),
        terms,
        published: tables().uplifts(),
        on_site,
        meets: Meets::default(),
    })
}

#[test]
fn ten_per_cent_below_the_grid_saves_the_host_1400_pounds() {
    let generation = [chain(&[
        ("2013-12-31T20:00:00Z", "0"),
        ("2014-12-31T20:00:00Z", "130000"),
    ])];
    let export = [chain(&[
        ("2013-12-31T20:00:00Z", "500"),
        ("2014-12-31T20:00:00Z", "30500"),
    ])];
    let bill = billed(
        &host(HostRate::BelowGrid(Decimal::TEN), 20),
        OnSite::Metered {
            generation: &generation,
            export: &export,
        },
    )
    .unwrap();
    assert_eq!(bill.lines[0].wh, WattHours(100_000_000));
    assert_eq!(bill.net.to_string(), "£12,600.00");
    assert_eq!(bill.vat.to_string(), "£2,520.00");
    assert_eq!(bill.gross.to_string(), "£15,120.00");
    assert_eq!(bill.saving.unwrap().to_string(), "£1,400.00");
}

#[test]
fn a_bill_may_be_deemed_or_fixed_by_contract_and_never_negative() {
    let generation = [chain(&[
        ("2013-12-31T20:00:00Z", "0"),
        ("2014-12-31T20:00:00Z", "1000"),
    ])];
    let terms = host(HostRate::Fixed(rate("10")), 5);
    let deemed = billed(
        &terms,
        OnSite::Deemed {
            generation: &generation,
            percent: 50,
        },
    );
    assert_eq!(deemed.unwrap().net, Pence(5_000));
    let fixed = OnSite::Fixed {
        a_year: WattHours(730_000),
    };
    assert_eq!(billed(&terms, fixed).unwrap().net, Pence(7_300));
    let more = [chain(&[
        ("2013-12-31T20:00:00Z", "0"),
        ("2014-12-31T20:00:00Z", "1001"),
    ])];
    let refused = billed(
        &terms,
        OnSite::Metered {
            generation: &generation,
            export: &more,
        },
    );
    assert!(matches!(refused, Err(BillError::MoreExport { .. })));
    let no_meter = billed(
        &terms,
        OnSite::Metered {
            generation: &generation,
            export: &[],
        },
    );
    assert!(matches!(no_meter, Err(BillError::NoPoint("export"))));
}

#[test]
fn a_charge_taken_off_is_named() {
    let found = commonwatt_domain::income::compare(Pence(230_825), Pence(228_325)).unwrap();
    assert_eq!(found.word(), "possible-charge");
    assert!(found.to_string().starts_with("£25.00 short"), "{found}");
}

proptest! {
    /// A claim that is cut at any read differs from the whole by less than a penny a line and cut.
    #[test]
    fn splitting_a_claim_changes_its_total_only_by_rounding(
        advances in proptest::collection::vec(0_i64..900_000, 2..30),
        cut in 1_usize..29,
    ) {
        let start = day("2014-01-01");
        let mut wh = 0;
        let mut reads = vec![("2014-01-01T00:00:00Z".to_owned(), 0)];
        for (n, advance) in (1..).zip(&advances) {
            wh += advance;
            reads.push((format!("{}T23:00:00+00:00", start.plus(n * 6)), wh));
        }
        let made = Chain::new(
            reads
                .iter()
                .map(|(at, wh)| billable("M1", at, &WattHours(*wh).kwh_text()))
                .collect(),
        );
        let block = Terms::new(
            day("2013-08-20"),
            Watts(20_000),
            false,
            vec![commonwatt_domain::tariff::fit::ExportFrom {
                from: day("2013-08-20"),
                basis: ExportBasis::Deemed,
            }],
            vec![],
        )
        .unwrap();
        let zone = london();
        let tables = tables();
        let last = i32::try_from(advances.len()).unwrap() * 6;
        let cut = i32::try_from(cut.min(advances.len() - 1)).unwrap() * 6;
        let of = |first, last, continues_at| {
            claim(&ClaimOf {
                days: Period::Range { first, last },
                zone: &zone,
                tables: &tables,
                terms: &block,
                generation: &made,
                export: None,
                meets: Meets {
                    opens_at: continues_at,
                    closes_at: None,
                },
                export_meets: ExportMeets::default(),
                expected: None,
            })
            .unwrap()
        };
        let whole = of(start, start.plus(last), None);
        let one = of(start, start.plus(cut), None);
        let two = of(start.plus(cut + 1), start.plus(last), Some(one.closes_at));
        let energy = |claims: &[&Claim]| -> i64 {
            let lines = claims.iter().flat_map(|claim| &claim.lines);
            lines.filter(|l| l.kind == LineKind::Generation).map(|l| l.wh.0).sum()
        };
        prop_assert_eq!(energy(&[&whole]), wh);
        prop_assert_eq!(energy(&[&one, &two]), wh);
        let parts = one.total.0 + two.total.0;
        let roundings = i64::try_from(whole.lines.len() + one.lines.len() + two.lines.len()).unwrap();
        prop_assert!((whole.total.0 - parts).abs() <= roundings, "{} {}", whole.total, parts);
    }
}
