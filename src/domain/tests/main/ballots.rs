//! Ballots: worked figures, and what holds for every set of votes.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_domain::{
    governance::{
        BallotCode, BudgetOption, Cast, Choice, Decided, Majority, NotAChoice, OptionLine,
        Question, Quorum, Terms, Vote, tally,
    },
    money::Pence,
};
use proptest::prelude::*;

fn cast(votes: &[(Vote, usize)]) -> BTreeSet<Cast> {
    let all = votes.iter().flat_map(|(vote, n)| vec![*vote; *n]);
    all.zip(1_u128..)
        .map(|(vote, code)| Cast {
            code: BallotCode(code),
            choice: Choice::Resolution(vote),
        })
        .collect()
}

fn resolution(majority: Majority, electors: u64, quorum: Quorum) -> Terms {
    Terms {
        question: Question::Resolution(majority),
        electors,
        quorum,
    }
}

fn carried(terms: &Terms, votes: &[(Vote, usize)]) -> bool {
    match tally(terms, &cast(votes)).decided {
        Decided::Resolution { carried, .. } => carried,
        Decided::Budget { .. } => unreachable!("a resolution was asked"),
    }
}

#[test]
fn of_a_hundred_and_fourteen_113_are_for_and_one_abstains() {
    let terms = resolution(Majority::Simple, 114, Quorum::Percent(10));
    let counted = tally(&terms, &cast(&[(Vote::For, 113), (Vote::Abstain, 1)]));
    assert_eq!((counted.voters, counted.needed), (114, 12));
    assert_eq!(
        counted.decided,
        Decided::Resolution {
            votes_for: 113,
            against: 0,
            abstain: 1,
            carried: true,
        }
    );
}

#[test]
fn a_tie_is_not_carried_nor_is_anything_below_the_quorum() {
    let terms = resolution(Majority::Simple, 100, Quorum::Voters(10));
    for (votes, expected) in [
        (vec![(Vote::For, 5), (Vote::Against, 5)], false),
        (vec![(Vote::For, 6), (Vote::Against, 5)], true),
        (vec![(Vote::For, 9)], false),
        (vec![(Vote::For, 1), (Vote::Abstain, 9)], true),
        (vec![(Vote::Abstain, 10)], false),
        (vec![], false),
    ] {
        assert_eq!(carried(&terms, &votes), expected, "{votes:?}");
    }
    let rules = resolution(Majority::ThreeQuarters, 100, Quorum::Voters(1));
    for (votes_for, against, expected) in [
        (75, 25, true),
        (74, 25, false),
        (74, 26, false),
        (3, 1, true),
        (1, 0, true),
        (0, 0, false),
    ] {
        let votes = [(Vote::For, votes_for), (Vote::Against, against)];
        assert_eq!(
            carried(&rules, &votes),
            expected,
            "{votes_for} to {against}"
        );
    }
}

fn fund() -> Question {
    let option = |id: &str, pounds: i64| BudgetOption {
        id: id.to_owned(),
        name: id.to_owned(),
        limit: Pence(pounds * 100),
    };
    Question::Budget {
        pot: Pence(1_000_000),
        options: vec![
            option("surveys", 6_000),
            option("interns", 5_000),
            option("garden", 2_000),
        ],
    }
}

#[test]
fn ten_thousand_pounds_are_shared_out_by_three_voters() {
    let question = fund();
    let ballots = [
        "surveys=6000,interns=4000",
        "interns=5000,garden=2000",
        "surveys=1000",
    ];
    let ballots = ballots.iter().zip(1_u128..).map(|(text, code)| Cast {
        code: BallotCode(code),
        choice: question.choice(text).expect("it can be counted"),
    });
    let terms = Terms {
        question: question.clone(),
        electors: 3,
        quorum: Quorum::Percent(50),
    };
    let line = |id: &str, voters, given, granted| OptionLine {
        id: id.to_owned(),
        voters,
        given: Pence(given),
        granted: Pence(granted),
    };
    // 7,000, 9,000 and 2,000 pounds over three voters, each down to a penny.
    assert_eq!(
        tally(&terms, &ballots.collect()).decided,
        Decided::Budget {
            lines: vec![
                line("surveys", 2, 700_000, 233_333),
                line("interns", 2, 900_000, 300_000),
                line("garden", 1, 200_000, 66_666),
            ],
            kept: Pence(400_001),
        }
    );
}

#[test]
fn what_cannot_be_counted_is_refused_with_its_rule() {
    let question = fund();
    let limit = NotAChoice::OverLimit {
        option: "garden".into(),
        pounds: Pence(200_100),
        limit: Pence(200_000),
    };
    let pot = NotAChoice::OverPot {
        given: Pence(1_100_000),
        pot: Pence(1_000_000),
    };
    for (text, why) in [
        ("garden=2001", limit),
        ("surveys=6000,interns=5000", pot),
        ("garden=1,garden=1", NotAChoice::Twice("garden".into())),
        ("garden=-1", NotAChoice::Budget("garden=-1".into())),
        ("garden=1.50", NotAChoice::Budget("garden=1.50".into())),
        ("garden", NotAChoice::Budget("garden".into())),
    ] {
        assert_eq!(question.choice(text), Err(why), "{text}");
    }
    assert!(matches!(
        question.choice("park=1"),
        Err(NotAChoice::Unknown { .. })
    ));
    assert!(question.choice("for").is_err());
    assert!(
        Question::Resolution(Majority::Simple)
            .choice("garden=1")
            .is_err()
    );
    assert_eq!(question.choice(""), Ok(Choice::Budget(BTreeMap::new())));
}

#[test]
fn a_code_is_read_as_it_is_printed() {
    let code = BallotCode(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
    assert_eq!(code.to_string().parse(), Ok(code));
    assert_eq!("0123 4567-89AB cdef 0011 2233 4455 6677".parse(), Ok(code));
    assert!("123".parse::<BallotCode>().is_err());
    assert!(
        "+1234567 89abcdef 00112233 44556677"
            .parse::<BallotCode>()
            .is_err()
    );
}

proptest! {
    /// The order of ballots cannot matter, no option gets more than its limit, all together no more
    /// than the fund, and one more voter who gives an option more never makes another's limit break.
    #[test]
    fn a_budget_stays_within_its_limits(
        shares in proptest::collection::vec((0_i64..=6_000, 0_i64..=5_000, 0_i64..=2_000), 1..60),
        seed in any::<u64>(),
    ) {
        let question = fund();
        let mut ballots: Vec<Cast> = shares
            .iter()
            .zip(1_u128..)
            .filter_map(|((a, b, c), code)| {
                let text = format!("surveys={a},interns={b},garden={c}");
                let choice = question.choice(&text).ok()?;
                reads_back(&question, &choice);
                Some(Cast { code: BallotCode(code.wrapping_mul(u128::from(seed) | 1)), choice })
            })
            .collect();
        prop_assume!(!ballots.is_empty());
        let terms = Terms { question: question.clone(), electors: 60, quorum: Quorum::Voters(1) };
        let counted = tally(&terms, &ballots.iter().cloned().collect());
        ballots.reverse();
        prop_assert_eq!(&counted, &tally(&terms, &ballots.into_iter().collect()));
        let Decided::Budget { lines, kept } = counted.decided else {
            unreachable!("a budget was asked")
        };
        let granted: i64 = lines.iter().map(|line| line.granted.0).sum();
        prop_assert_eq!(granted + kept.0, 1_000_000);
        prop_assert!(kept.0 >= 0);
        for (line, limit) in lines.iter().zip([600_000, 500_000, 200_000]) {
            prop_assert!(line.granted.0 <= limit);
        }
    }
}

/// What is printed is read again as the same.
fn reads_back(question: &Question, choice: &Choice) {
    assert_eq!(question.choice(&choice.to_string()).as_ref(), Ok(choice));
}
