//! Depreciation and loan schedules, as a treasurer's spreadsheet has them.

use commonwatt_domain::{
    accounts::{Asset, Loan, Repayment},
    calendar::LocalDay,
    money::Pence,
};

fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

#[test]
fn straight_line_by_whole_months_ends_on_the_residual_value() {
    // £1,000.01, worth £100.00 after 3 years: £900.01 over 36 months, 25.0003 a month.
    let asset = Asset::new(Pence(100_001), Pence(10_000), 36, day("2024-02-29")).unwrap();
    for (on, charged) in [
        ("2024-02-28", 0),
        ("2024-02-29", 2_500),
        ("2024-03-30", 2_500),
        ("2024-03-31", 5_000),
        ("2024-12-31", 27_500),
        ("2025-12-31", 57_501),
        ("2027-01-31", 90_001),
        ("2099-12-31", 90_001),
    ] {
        assert_eq!(asset.charged_by(day(on)), Pence(charged), "{on}");
    }
    assert!(Asset::new(Pence(1), Pence(1), 12, day("2024-01-01")).is_err());
    assert!(Asset::new(Pence(10), Pence(-1), 12, day("2024-01-01")).is_err());
    assert!(Asset::new(Pence(10), Pence(0), 0, day("2024-01-01")).is_err());
}

#[test]
fn every_schedule_ends_on_nothing_and_its_parts_are_the_principal() {
    for repayment in Repayment::ALL {
        for (principal, rate, instalments, every_months) in [
            (1_000_000, "5", 10, 12),
            (5_800_000, "3.75", 240, 1),
            (1, "12", 7, 3),
            (999_999, "0", 13, 6),
        ] {
            let loan = Loan {
                principal: Pence(principal),
                rate: rate.parse().unwrap(),
                instalments,
                every_months,
                repayment,
            };
            let schedule = loan.schedule().unwrap();
            let paid: i64 = schedule.iter().map(|one| one.principal.0).sum();
            assert_eq!(paid, principal, "{loan:?}");
            assert_eq!(schedule.last().unwrap().balance, Pence(0), "{loan:?}");
            assert!(
                schedule
                    .iter()
                    .all(|one| one.principal.0 >= 0 && one.interest.0 >= 0)
            );
        }
    }
}

#[test]
fn equal_payments_are_those_of_a_mortgage_table() {
    // £10,000 at 5 % over 10 yearly payments: £1,295.05 (annuity factor 7.72173).
    let loan = Loan {
        principal: Pence(1_000_000),
        rate: "5".parse().unwrap(),
        instalments: 10,
        every_months: 12,
        repayment: Repayment::EqualPayments,
    };
    let schedule = loan.schedule().unwrap();
    for one in &schedule[..9] {
        assert_eq!(one.interest.0 + one.principal.0, 129_505);
    }
    let last = schedule[9];
    assert!(
        (129_490..=129_520).contains(&(last.interest.0 + last.principal.0)),
        "{last:?}"
    );
    assert_eq!(schedule[0].interest, Pence(50_000));
}
