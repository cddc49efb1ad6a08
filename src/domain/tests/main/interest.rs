//! Share interest in figures that a treasurer could check by hand: day counts, leavers, death,
//! rules, pots, the year's surplus.

use commonwatt_domain::{
    calendar::{LocalDay, YearStart},
    interest::{
        ClassTerms, DayCount, Declared, Ends, Index, IndexValue, Movement, NotEarning, NotNext,
        PaidPeriod, Percent, RateRule, Rounding, Ruled, Run, RunError, RunOf, ShareRate, WhyNot,
        follows, run,
        waterfall::{self, NoWaterfall, Start, Step, Takes, Waterfall, Year},
    },
    money::Pence,
};

fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

fn percent(text: &str) -> ShareRate {
    ShareRate::Percent(text.parse().unwrap())
}

fn pence_a_share(text: &str) -> ShareRate {
    ShareRate::pence_per_share(text.parse().unwrap()).unwrap()
}

/// Shares of £1, paid by days over 365, the day of issue in, at most 7 %.
fn ordinary() -> ClassTerms {
    ClassTerms {
        id: "ordinary".into(),
        par: Pence(100),
        days: DayCount::Actual365,
        issue_day: Ends::In,
        leaving_day: Ends::Out,
        rounding: Rounding::HalfAway,
        maximum: percent("7"),
    }
}

fn moved(member: u32, on: &str, shares: i64) -> Movement {
    Movement {
        member,
        class: 0,
        on: day(on),
        shares,
    }
}

fn made(
    terms: &ClassTerms,
    period: &str,
    movements: &[Movement],
    declared: Declared<'_>,
) -> Result<Run, RunError> {
    run(&RunOf {
        period: period.parse().unwrap(),
        classes: std::slice::from_ref(terms),
        movements,
        not_earning: &[],
        declared,
    })
}

fn at_rate(terms: &ClassTerms, period: &str, movements: &[Movement], rate: &str) -> Vec<i64> {
    let rates = [percent(rate)];
    let made = made(terms, period, movements, Declared::Rates(&rates)).unwrap();
    assert_eq!(
        made.total.0,
        made.lines.iter().map(|line| line.pence.0).sum::<i64>()
    );
    made.lines.iter().map(|line| line.pence.0).collect()
}

#[test]
fn a_thousand_pounds_of_november_earn_sixty_one_days_or_sixty() {
    let issued = [moved(1, "2022-11-01", 1_000)];
    assert_eq!(at_rate(&ordinary(), "2022", &issued, "3"), [501]);
    let without = ClassTerms {
        issue_day: Ends::Out,
        ..ordinary()
    };
    assert_eq!(at_rate(&without, "2022", &issued, "3"), [493]);
}

#[test]
fn fourteen_months_at_five_per_cent_are_a_seventieth_of_a_thousand_rounded_once() {
    let terms = ClassTerms {
        days: DayCount::WholeMonths,
        ..ordinary()
    };
    let issued = [moved(1, "2022-11-01", 1_000)];
    // 5 % × 14/12 of £1,000 is £58.333…; 5.8333 % and 1.17 of a year would both be wrong elsewhere.
    assert_eq!(at_rate(&terms, "2022-11..2023-12", &issued, "5"), [5_833]);
    // Issued on the 2nd, November was not held throughout.
    let later = [moved(1, "2022-11-02", 1_000)];
    assert_eq!(at_rate(&terms, "2022-11..2023-12", &later, "5"), [5_417]);
    // 10.5 months of two holdings: the lowest of each month counts.
    let grew = [moved(1, "2023-01-01", 100), moved(1, "2023-04-15", 50)];
    // 4 months of 100 and 8 of 150 at 6 %: £2.00 + £6.00.
    assert_eq!(at_rate(&terms, "2023", &grew, "6"), [800]);
    let refused = made(
        &terms,
        "2023-01-15..2023-12-31",
        &grew,
        Declared::Rates(&[percent("5")]),
    );
    assert!(matches!(refused, Err(RunError::PartMonths { .. })));
}

#[test]
fn a_hundred_pounds_over_three_equal_holdings_leave_the_penny_with_the_lowest_number() {
    let three = [3, 1, 2].map(|member| moved(member, "2020-01-01", 2_500));
    let pot = made(&ordinary(), "2021", &three, Declared::Pot(Pence(10_000))).unwrap();
    let lines: Vec<_> = pot.lines.iter().map(|l| (l.member, l.pence.0)).collect();
    let thirds = made(&ordinary(), "2021", &three, Declared::Pot(Pence(5_000))).unwrap();
    assert_eq!(lines, [(1, 3_334), (2, 3_333), (3, 3_333)]);
    assert_eq!(pot.total, Pence(10_000));
    assert_eq!(
        thirds.lines.iter().map(|l| l.pence.0).collect::<Vec<_>>(),
        [1_667, 1_667, 1_666]
    );
}

#[test]
fn fifty_holders_of_two_hundred_and_fifty_pounds_get_the_same_penny() {
    let fifty: Vec<_> = (1..=50).map(|n| moved(n, "2020-01-01", 250)).collect();
    let lines = at_rate(&ordinary(), "2021", &fifty, "3.25");
    // £8.125 each, half a penny away from zero; the pot is what the lines come to.
    assert_eq!(lines, vec![813; 50]);
    let down = ClassTerms {
        rounding: Rounding::Down,
        ..ordinary()
    };
    assert_eq!(at_rate(&down, "2021", &fifty, "3.25"), vec![812; 50]);
}

#[test]
fn a_leap_year_earns_a_day_more_by_365_and_no_more_by_the_accounts_year() {
    let held = [moved(1, "2019-06-01", 10_000)];
    assert_eq!(at_rate(&ordinary(), "2020", &held, "3"), [30_082]);
    let actual = |starts| ClassTerms {
        days: DayCount::ActualActual(starts),
        ..ordinary()
    };
    let calendar_years = actual(YearStart::JANUARY);
    assert_eq!(at_rate(&calendar_years, "2020", &held, "3"), [30_000]);
    assert_eq!(
        at_rate(&calendar_years, "2019-06-01..2020-05-31", &held, "3"),
        [30_048],
        "214 days of 365 and 152 of 366"
    );
    let april = actual(YearStart::APRIL);
    assert_eq!(
        at_rate(&april, "2023-04-01..2024-03-31", &held, "3"),
        [30_000],
        "a year of 366 days from April"
    );
    assert_eq!(
        at_rate(&april, "2020-04-01..2023-03-31", &held, "3"),
        [90_000]
    );
    // 29 February alone.
    let one_day = "2020-02-29..2020-02-29";
    assert_eq!(at_rate(&ordinary(), one_day, &held, "3.65"), [100]);
    assert_eq!(at_rate(&calendar_years, one_day, &held, "3.66"), [100]);
}

#[test]
fn pence_a_share_pay_the_holding_of_the_last_day() {
    // Westmill 2018: 4,068,100 shares at 12 p are £488,172.00.
    let terms = ClassTerms {
        days: DayCount::RecordDay,
        maximum: percent("12"),
        ..ordinary()
    };
    let held = [
        moved(1, "2012-07-01", 4_000_000),
        moved(2, "2018-12-30", 68_100),
        moved(3, "2012-07-01", 9_000),
        moved(3, "2018-12-31", -9_000),
    ];
    let rates = [pence_a_share("12")];
    let run = made(&terms, "2018", &held, Declared::Rates(&rates)).unwrap();
    assert_eq!(run.total, Pence(48_817_200));
    assert_eq!(
        run.lines.len(),
        2,
        "who has left before the day ends has no line"
    );
    let higher = made(
        &terms,
        "2018",
        &held,
        Declared::Rates(&[pence_a_share("12.01")]),
    );
    assert!(matches!(higher, Err(RunError::AboveMaximum { .. })));
    let half_year = made(&terms, "2018-07..2018-12", &held, Declared::Rates(&rates));
    assert!(
        matches!(half_year, Err(RunError::AboveMaximum { .. })),
        "12 p for half a year is above 12 % a year"
    );
}

#[test]
fn a_leaver_is_paid_to_the_day_before_leaving() {
    let leaver = [
        moved(7, "2010-01-01", 36_500),
        moved(7, "2021-04-01", -36_500),
    ];
    // 90 days of January to March at 1 %: £90.00.
    assert_eq!(at_rate(&ordinary(), "2021", &leaver, "1"), [9_000]);
    let with_the_day = ClassTerms {
        leaving_day: Ends::In,
        ..ordinary()
    };
    assert_eq!(at_rate(&with_the_day, "2021", &leaver, "1"), [9_100]);
    assert!(at_rate(&ordinary(), "2022", &leaver, "1").is_empty());
}

#[test]
fn a_correction_dated_like_the_mistake_leaves_no_trace() {
    for issue_day in [Ends::In, Ends::Out] {
        let terms = ClassTerms {
            issue_day,
            ..ordinary()
        };
        let corrected = [
            moved(1, "2021-03-01", 500),
            moved(1, "2021-03-01", -500),
            moved(1, "2021-03-01", 365),
        ];
        let plain = [moved(1, "2021-03-01", 365)];
        assert_eq!(
            at_rate(&terms, "2021", &corrected, "3"),
            at_rate(&terms, "2021", &plain, "3")
        );
    }
    let gone = [moved(1, "2021-03-01", 500), moved(1, "2021-03-01", -500)];
    assert!(at_rate(&ordinary(), "2021", &gone, "3").is_empty());
}

#[test]
fn movements_inside_the_period_earn_their_own_days() {
    let movements = [
        moved(1, "2020-12-31", 1_000),
        moved(1, "2021-04-11", 2_650),
        moved(1, "2021-12-31", -3_000),
        moved(1, "2022-05-01", 9_999),
    ];
    // 100 days of 1,000, 264 of 3,650 and one of 650, at 3.65 %: £10.00 + £96.36 + £0.065.
    let rates = [percent("3.65")];
    let run = made(&ordinary(), "2021", &movements, Declared::Rates(&rates)).unwrap();
    assert_eq!(run.lines[0].pence, Pence(10_643));
    let held: Vec<_> = run.held[run.lines[0].held.clone()]
        .iter()
        .map(|held| (held.first.to_string(), held.last.to_string(), held.shares))
        .collect();
    let span = |first: &str, last: &str, shares| (first.to_owned(), last.to_owned(), shares);
    assert_eq!(
        held,
        [
            span("2021-01-01", "2021-04-10", 1_000),
            span("2021-04-11", "2021-12-30", 3_650),
            span("2021-12-31", "2021-12-31", 650),
        ]
    );
}

#[test]
fn death_and_suspension_end_interest_where_the_rules_say() {
    let held = [
        moved(1, "2020-01-01", 36_500),
        moved(2, "2020-01-01", 36_500),
    ];
    let death = NotEarning {
        member: 1,
        first: day("2021-02-01"),
        last: None,
        class: None,
        why: WhyNot::Death,
    };
    let suspended = NotEarning {
        member: 2,
        first: day("2021-01-11"),
        last: Some(day("2021-12-21")),
        class: Some(0),
        why: WhyNot::Suspended,
    };
    let run = run(&RunOf {
        period: "2021".parse().unwrap(),
        classes: &[ordinary()],
        movements: &held,
        not_earning: &[suspended, death],
        declared: Declared::Rates(&[percent("1")]),
    })
    .unwrap();
    // 31 days, and 10 + 10 days, at £1.00 a day.
    assert_eq!(
        run.lines.iter().map(|l| l.pence.0).collect::<Vec<_>>(),
        [3_100, 2_000]
    );
    let spans = &run.held[run.lines[1].held.clone()];
    assert_eq!(spans.len(), 3);
    assert_eq!(spans[1].why_not, Some(WhyNot::Suspended));
    assert_eq!((spans[1].parts, spans[1].shares), (0, 36_500));
}

#[test]
fn two_classes_have_their_own_par_rate_and_days() {
    let classes = [
        ordinary(),
        ClassTerms {
            id: "b".into(),
            par: Pence(5_000),
            days: DayCount::WholeMonths,
            maximum: percent("4"),
            ..ordinary()
        },
    ];
    let movements = [
        moved(1, "2020-01-01", 1_000),
        Movement {
            class: 1,
            ..moved(1, "2021-07-01", 3)
        },
    ];
    let at = |rates: [&str; 2]| {
        run(&RunOf {
            period: "2021".parse().unwrap(),
            classes: &classes,
            movements: &movements,
            not_earning: &[],
            declared: Declared::Rates(&rates.map(percent)),
        })
    };
    let made = at(["7", "4"]).unwrap();
    // £1,000 at 7 %; £150 for six months at 4 %.
    assert_eq!(
        made.lines.iter().map(|l| l.pence.0).collect::<Vec<_>>(),
        [7_000, 300]
    );
    let above = at(["7", "4.000001"]).unwrap_err();
    assert_eq!(
        above.to_string().lines().next(),
        Some(
            "`4.000001 %` for share class `b` is above its maximum of `4 %` declared in advance; expected at most that"
        )
    );
}

#[test]
fn a_pot_above_the_maximum_is_refused_with_the_most_it_may_be() {
    let two = [moved(1, "2020-01-01", 1_000), moved(2, "2020-01-01", 500)];
    let most = made(&ordinary(), "2021", &two, Declared::Pot(Pence(10_500))).unwrap();
    assert_eq!(most.total, Pence(10_500));
    let above = made(&ordinary(), "2021", &two, Declared::Pot(Pence(10_501))).unwrap_err();
    assert!(matches!(above, RunError::PotAboveMaximum { .. }));
    assert!(above.to_string().contains("£105.00"), "{above}");
    let nobody = made(&ordinary(), "2019", &two, Declared::Pot(Pence(1)));
    assert_eq!(nobody, Err(RunError::NobodyEarns(Pence(1))));
}

#[test]
fn more_withdrawn_than_held_is_refused_with_the_day() {
    let wrong = [moved(4, "2020-01-01", 250), moved(4, "2021-05-01", -251)];
    let error = made(&ordinary(), "2021", &wrong, Declared::Pot(Pence(1))).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("member `4` would hold `-1` shares of `ordinary` on 2021-05-01"),
        "{error}"
    );
}

#[test]
fn periods_join_without_overlap_and_without_a_gap() {
    let period = |run, first: &str, last: &str| PaidPeriod {
        first: day(first),
        last: day(last),
        class: "ordinary".into(),
        run,
    };
    let paid = [
        period(2, "2013-01-01", "2013-12-31"),
        period(1, "2012-04-01", "2012-12-31"),
    ];
    let next = |class: &str, first: &str, last: &str| follows(class, day(first), day(last), &paid);
    assert_eq!(next("ordinary", "2014-01-01", "2014-12-31"), Ok(()));
    assert_eq!(next("ordinary", "2011-01-01", "2012-03-31"), Ok(()));
    assert_eq!(next("b", "2013-06-01", "2013-12-31"), Ok(()));
    let overlap = next("ordinary", "2013-12-31", "2014-12-31");
    assert!(matches!(overlap, Err(NotNext::Overlap { run: 2, .. })));
    let gap = next("ordinary", "2014-02-01", "2014-12-31").unwrap_err();
    assert!(
        gap.to_string()
            .starts_with("`ordinary` would be covered by no run from `2014-01-01` to `2014-01-31`"),
        "{gap}"
    );
}

#[test]
fn the_rule_of_bath_and_west_gives_the_printed_rates() {
    let rule = RateRule::LowerOf {
        cap: "7".parse().unwrap(),
        index: Index::Rpi,
        margin: "3.5".parse().unwrap(),
    };
    for (rpi, rate) in [
        ("1.2", "4.7"),
        ("7.5", "7"),
        ("13.4", "7"),
        ("-1.6", "1.9"),
        ("-4", "0"),
    ] {
        let published = [IndexValue {
            index: Index::Rpi,
            percent: rpi.parse().unwrap(),
            source: "ONS".into(),
        }];
        let ruled: Percent = rate.parse().unwrap();
        assert_eq!(rule.rate(&published), Ok(Ruled::Rate(ruled)), "{rpi}");
        let declare = |rate| rule.declare(percent(rate), percent("7"), Pence(100), &published);
        assert!(declare(rate).is_ok());
        // Not even after a lean year.
        assert!(declare("7.1").is_err());
    }
    assert!(
        rule.rate(&[]).is_err(),
        "an index that nobody gave is not guessed"
    );
    let higher = RateRule::HigherOf {
        floor: "5".parse().unwrap(),
        index: Index::BaseRate,
        margin: "2".parse().unwrap(),
    };
    for (base, rate) in [("0.5", "5"), ("5.25", "7.25")] {
        let published = [IndexValue {
            index: Index::BaseRate,
            percent: base.parse().unwrap(),
            source: "Bank of England".into(),
        }];
        assert_eq!(
            higher.rate(&published),
            Ok(Ruled::Rate(rate.parse().unwrap()))
        );
    }
}

fn steps(takes: Vec<Takes>) -> Waterfall {
    Waterfall {
        from: day("2012-01-01"),
        starts: Start::Surplus,
        steps: takes
            .into_iter()
            .map(|takes| Step {
                takes,
                resolution: "rule 12".into(),
                on: day("2012-03-01"),
            })
            .collect(),
    }
}

#[test]
fn the_brixton_surplus_is_shared_eighty_to_twenty_after_the_reserve() {
    let brixton = steps(vec![
        Takes::ReserveFixed(Pence(42_500)),
        Takes::Interest("80".parse().unwrap()),
        Takes::FundPercent("100".parse().unwrap()),
    ]);
    let year = Year {
        start: Pence(260_000),
        interest_most: Pence(5_800_000 * 5 / 100),
        ..Year::default()
    };
    let shared = brixton.share(&year).unwrap();
    assert_eq!(
        (shared.reserve, shared.interest, shared.fund, shared.carried),
        (Pence(42_500), Pence(174_000), Pence(43_500), Pence::ZERO)
    );
    let rate = waterfall::percent_of(shared.interest, Pence(5_800_000)).unwrap();
    assert_eq!(rate.to_string(), "3.00");
    // Held to a maximum of 2 %, the rest goes on to the fund.
    let capped = Year {
        interest_most: Pence(116_000),
        ..year
    };
    let shared = brixton.share(&capped).unwrap();
    assert_eq!(
        (shared.interest, shared.fund),
        (Pence(116_000), Pence(101_500))
    );
    // A loss is carried forward, and nobody is paid.
    let loss = Year {
        start: Pence(-1_234),
        ..year
    };
    let shared = brixton.share(&loss).unwrap();
    assert_eq!((shared.interest, shared.fund), (Pence::ZERO, Pence::ZERO));
    assert_eq!(shared.carried, Pence(-1_234));
}

#[test]
fn the_westmill_fund_is_fifteen_parts_for_eighty_five_of_interest() {
    let westmill = steps(vec![
        Takes::Costs,
        Takes::Loan,
        Takes::Interest("85".parse().unwrap()),
        Takes::FundOfInterest {
            over: 15,
            under: 85,
        },
    ]);
    let shared = westmill
        .share(&Year {
            start: Pence(57_432_000 + 1_000),
            costs: Pence(600),
            loan: Pence(400),
            interest_most: Pence(48_817_200),
            ..Year::default()
        })
        .unwrap();
    assert_eq!(shared.interest, Pence(48_817_200));
    assert_eq!(shared.fund, Pence(8_614_800));
    assert_eq!(shared.carried, Pence::ZERO);
    let backwards = steps(vec![Takes::FundOfInterest {
        over: 15,
        under: 85,
    }]);
    assert_eq!(
        backwards.share(&Year::default()),
        Err(NoWaterfall::FundBeforeInterest(1))
    );
}

#[test]
fn a_reserve_is_filled_to_its_target_and_no_further() {
    let rule = steps(vec![
        Takes::ReserveTarget(Pence(1_000_000)),
        Takes::FundOfStart("35".parse().unwrap()),
        Takes::ReservePercent("10".parse().unwrap()),
    ]);
    let year = |reserve| Year {
        start: Pence(100_000),
        reserve: Pence(reserve),
        ..Year::default()
    };
    let nearly = rule.share(&year(990_000)).unwrap();
    // £100 fill the reserve, £350 are 35 % of the profit, a tenth of the £550 left.
    assert_eq!(
        (nearly.reserve, nearly.fund),
        (Pence(10_000 + 5_500), Pence(35_000))
    );
    assert_eq!(nearly.carried, Pence(49_500));
    let full = rule.share(&year(1_000_001)).unwrap();
    assert_eq!(full.steps[0].pence, Pence::ZERO);
    let empty = rule.share(&year(0)).unwrap();
    assert_eq!(
        (empty.steps[0].pence, empty.fund),
        (Pence(100_000), Pence::ZERO)
    );
}

#[test]
fn the_version_of_the_year_is_in_force() {
    let later = Waterfall {
        from: day("2020-01-01"),
        ..steps(vec![Takes::Loan])
    };
    let versions = [later.clone(), steps(vec![Takes::Costs])];
    let on = |text| waterfall::in_force(&versions, day(text)).map(|found| found.from);
    assert_eq!(on("2019-12-31"), Ok(day("2012-01-01")));
    assert_eq!(on("2020-01-01"), Ok(later.from));
    assert!(on("2011-12-31").is_err());
}

#[test]
fn what_can_be_afforded_is_the_highest_rate_that_fits() {
    let members: Vec<_> = (1..=103)
        .map(|n| moved(n, "2012-01-01", 500 + i64::from(n)))
        .collect();
    let of = RunOf {
        period: "2013".parse().unwrap(),
        classes: &[ordinary()],
        movements: &members,
        not_earning: &[],
        declared: Declared::Rates(&[ShareRate::ZERO]),
    };
    let cost = |rate: Percent| {
        let rates = [ShareRate::Percent(rate)];
        let declared = Declared::Rates(&rates);
        run(&RunOf { declared, ..of }).unwrap().total
    };
    for amount in [0, 1, 174_000, 200_000, 10_000_000] {
        let rate = waterfall::affordable(&of, Pence(amount)).unwrap();
        assert!(cost(rate) <= Pence(amount));
        if rate < "7".parse().unwrap() {
            let more = rate.decimal() + rust_decimal::Decimal::new(1, 2);
            assert!(cost(Percent::new(more).unwrap()) > Pence(amount), "{rate}");
        }
    }
}
