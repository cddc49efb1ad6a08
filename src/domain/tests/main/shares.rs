//! Shares as a treasurer meets them: issues, limits, withdrawals, transfers, reversals.

use commonwatt_domain::{
    calendar::{FinancialYear, Instant, LocalDay, YearStart},
    membership::{
        Ask, Line, Member, MemberKind, MemberNo, MovementKind, Notice, Offer, OfferRule, Refused,
        ShareClass, ShareRegister, Source, Suspension, Transfer, convert, scale,
    },
    money::Pence,
};

const ALICE: MemberNo = MemberNo(1);
const BOB: MemberNo = MemberNo(2);
const FUND: MemberNo = MemberNo(3);
const COUNCIL: MemberNo = MemberNo(4);
const TODAY: &str = "2015-06-30";

fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

fn today() -> LocalDay {
    day(TODAY)
}

fn year(year: i32) -> FinancialYear {
    FinancialYear {
        starts: YearStart::new(1, 1).unwrap(),
        year,
    }
}

fn ordinary() -> ShareClass {
    ShareClass {
        id: "ordinary".into(),
        name: "Ordinary shares".into(),
        par: Pence(100),
        withdrawable: true,
        transferable: false,
        minimum: 250,
        maximum: None,
        notice: "13 weeks".parse::<Notice>().unwrap(),
        yearly_limit_bp: Some(1_000),
        opened: None,
        closed: None,
    }
}

/// Two persons, a registered society and a council, with one class of £1 shares.
fn society() -> ShareRegister {
    let mut register = ShareRegister::default();
    register.define(ordinary());
    for (number, kind) in [
        (ALICE, MemberKind::Person),
        (BOB, MemberKind::Person),
        (FUND, MemberKind::Society),
        (COUNCIL, MemberKind::Council),
    ] {
        register.take_member(Member::new(number, kind, day("2012-03-01")));
    }
    register
}

fn line(member: MemberNo, on: &str, shares: i64, kind: MovementKind) -> Line {
    Line {
        member,
        class: 0,
        on: day(on),
        shares,
        kind,
        source: Source::None,
        certificate: 0,
        paired: false,
    }
}

fn issue(
    register: &mut ShareRegister,
    member: MemberNo,
    on: &str,
    shares: i64,
) -> Result<u32, Refused> {
    let line = line(member, on, shares, MovementKind::Issue);
    register.check(&[line], today())?;
    Ok(register.enter(&[line], Instant(0)))
}

#[test]
fn a_holding_is_what_it_was_at_the_end_of_each_day() {
    let mut register = society();
    issue(&mut register, ALICE, "2012-03-01", 500).unwrap();
    issue(&mut register, ALICE, "2013-07-15", 300).unwrap();
    let out = line(ALICE, "2014-12-31", -400, MovementKind::Withdrawal);
    register.check(&[out], today()).unwrap();
    register.enter(&[out], Instant(0));
    for (on, held) in [
        ("2012-02-29", 0),
        ("2012-03-01", 500),
        ("2013-07-14", 500),
        ("2013-07-15", 800),
        ("2014-12-30", 800),
        ("2014-12-31", 400),
        (TODAY, 400),
    ] {
        assert_eq!(register.held(ALICE, 0, day(on)), held, "{on}");
    }
    let holdings: Vec<_> = register.holdings(day("2013-12-31")).collect();
    assert_eq!((holdings.len(), holdings[0].pence), (1, Pence(80_000)));
}

#[test]
fn one_pound_over_the_cap_is_refused_for_a_person_and_a_council_but_not_for_a_society() {
    for (member, capped) in [(ALICE, true), (COUNCIL, true), (FUND, false)] {
        let mut register = society();
        issue(&mut register, member, "2014-06-01", 100_000).unwrap();
        let more = issue(&mut register, member, "2014-06-02", 1);
        match (capped, more) {
            (true, Err(Refused::Cap { would, .. })) => assert_eq!(would, Pence(10_000_100)),
            (false, Ok(_)) => {}
            (_, other) => panic!("{member}: {other:?}"),
        }
    }
    let mut register = society();
    let all_at_once = issue(&mut register, ALICE, "2014-06-01", 100_001).unwrap_err();
    assert!(
        all_at_once.to_string().contains("£100,001.00"),
        "{all_at_once}"
    );
}

#[test]
fn the_cap_counts_every_withdrawable_class_and_joint_accounts_whole() {
    let mut register = society();
    let second = register.define(ShareClass {
        id: "second".into(),
        par: Pence(1_000),
        minimum: 1,
        ..ordinary()
    });
    let fixed = register.define(ShareClass {
        id: "fixed".into(),
        withdrawable: false,
        minimum: 1,
        ..ordinary()
    });
    let mut joint = Member::new(MemberNo(9), MemberKind::Joint, day("2012-03-01"));
    joint.holders = vec![ALICE, BOB];
    register.take_member(joint);
    let of = |member, class, shares| Line {
        class,
        ..line(member, "2014-01-01", shares, MovementKind::Issue)
    };
    register.enter(
        &[of(ALICE, 0, 60_000), of(MemberNo(9), second, 2_000)],
        Instant(0),
    );
    assert!(register.check(&[of(ALICE, second, 2_000)], today()).is_ok());
    for one_more in [of(ALICE, second, 2_001), of(MemberNo(9), second, 2_001)] {
        let refused = register.check(&[one_more], today()).unwrap_err();
        assert!(
            matches!(refused, Refused::Cap { member: ALICE, .. }),
            "{refused}"
        );
    }
    assert!(register.check(&[of(BOB, second, 8_000)], today()).is_ok());
    assert!(
        register
            .check(&[of(ALICE, fixed, 900_000)], today())
            .is_ok()
    );
}

#[test]
fn an_issue_dated_in_the_past_is_refused_where_it_breaks_the_cap_later() {
    let mut register = society();
    issue(&mut register, ALICE, "2014-06-01", 100_000).unwrap();
    let earlier = issue(&mut register, ALICE, "2013-06-01", 250);
    assert!(matches!(earlier, Err(Refused::Cap { .. })), "{earlier:?}");
}

#[test]
fn a_class_keeps_its_minimum_and_maximum() {
    let mut register = society();
    register.define(ShareClass {
        maximum: Some(5_000),
        ..ordinary()
    });
    assert!(matches!(
        issue(&mut register, ALICE, "2014-01-01", 249),
        Err(Refused::Minimum {
            would: 249,
            minimum: 250,
            ..
        })
    ));
    issue(&mut register, ALICE, "2014-01-01", 250).unwrap();
    assert!(matches!(
        issue(&mut register, ALICE, "2014-01-02", 4_751),
        Err(Refused::Maximum {
            would: 5_001,
            maximum: 5_000,
            ..
        })
    ));
    let some = line(ALICE, "2014-02-01", -1, MovementKind::Withdrawal);
    assert!(matches!(
        register.check(&[some], today()),
        Err(Refused::Minimum { would: 249, .. })
    ));
    let all = line(ALICE, "2014-02-01", -250, MovementKind::Withdrawal);
    assert_eq!(register.check(&[all], today()), Ok(()));
    let more = line(ALICE, "2014-02-01", -251, MovementKind::Withdrawal);
    assert!(matches!(
        register.check(&[more], today()),
        Err(Refused::TooFew {
            held: 250,
            wanted: 251,
            ..
        })
    ));
}

#[test]
fn nothing_is_issued_to_the_dead_the_gone_or_the_future() {
    let mut register = society();
    register.take_death(ALICE, day("2014-05-01"));
    register.take_end(BOB, day("2014-05-01"));
    assert!(issue(&mut register, ALICE, "2014-04-30", 250).is_ok());
    assert!(matches!(
        issue(&mut register, ALICE, "2014-05-01", 250),
        Err(Refused::Died { .. })
    ));
    assert!(matches!(
        issue(&mut register, BOB, "2014-05-02", 250),
        Err(Refused::Left { .. })
    ));
    assert!(matches!(
        issue(&mut register, COUNCIL, "2015-07-01", 250),
        Err(Refused::Future { .. })
    ));
    assert!(matches!(
        issue(&mut register, COUNCIL, "2012-02-01", 250),
        Err(Refused::BeforeJoined { .. })
    ));
    assert!(matches!(
        issue(&mut register, MemberNo(77), "2014-02-01", 250),
        Err(Refused::NoMember(_))
    ));
}

/// Ten members with £5,800 each: £58,000.
fn fifty_eight_thousand() -> ShareRegister {
    let mut register = ShareRegister::default();
    register.define(ordinary());
    for number in 1..=10 {
        register.take_member(Member::new(
            MemberNo(number),
            MemberKind::Person,
            day("2012-03-01"),
        ));
        issue(&mut register, MemberNo(number), "2012-03-01", 5_800).unwrap();
    }
    register
}

#[test]
fn requests_above_the_yearly_limit_are_scaled_and_keep_their_date() {
    let mut register = fifty_eight_thousand();
    for (member, shares, on) in [
        (1, 5_800, "2014-01-10"),
        (2, 2_000, "2014-01-20"),
        (3, 900, "2014-02-01"),
    ] {
        let request = register
            .request(MemberNo(member), 0, shares, day(on), today())
            .unwrap();
        register.take_request(request);
    }
    let early = register.payout(0, day("2014-04-10"), year(2014), None, today());
    assert!(matches!(early, Err(Refused::NoticeRuns { next, .. }) if next == day("2014-04-11")));
    let plan = register
        .payout(0, day("2014-06-01"), year(2014), None, today())
        .unwrap();
    assert_eq!(
        (plan.base, plan.limit, plan.asked),
        (58_000, Some(5_800), 8_700)
    );
    let paid: Vec<_> = plan
        .lines
        .iter()
        .map(|l| (l.request, l.shares, l.waiting))
        .collect();
    // Two thirds each, in whole shares.
    assert_eq!(paid, [(1, 3_867, 1_933), (2, 1_333, 667), (3, 600, 300)]);
    assert_eq!(plan.paid(), 5_800);
    register.enter(&plan.movements(), Instant(0));
    let again = register.payout(0, day("2014-07-01"), year(2014), None, today());
    assert!(
        matches!(again, Err(Refused::LimitUsed { limit: 5_800, .. })),
        "{again:?}"
    );
    let next = register
        .payout(0, day("2015-01-02"), year(2015), None, today())
        .unwrap();
    assert_eq!(
        (next.base, next.limit, next.asked),
        (52_200, Some(5_220), 2_900)
    );
    assert_eq!(register.requests()[0].asked, day("2014-01-10"));
    assert_eq!(next.paid(), 2_900);
}

#[test]
fn a_request_has_its_place_and_the_year_in_which_its_last_share_is_likely_paid() {
    let mut register = fifty_eight_thousand();
    // A tenth of 58,000 shares a year; 5,800 and 5,000 wait for it.
    for (member, shares) in [(ALICE, 5_800), (COUNCIL, 5_000)] {
        let asked = register.request(member, 0, shares, day("2015-01-10"), today());
        register.take_request(asked.unwrap());
    }
    let place = register.queue_place(2, year(2015), today()).unwrap();
    assert_eq!((place.place, place.of, place.waiting), (2, 2, 10_800));
    assert_eq!((place.limit, place.left), (Some(5_800), Some(5_800)));
    // What waits is paid by the same part of each, so that both are done in the next year only.
    assert_eq!(place.likely, Some(day("2016-01-01")));
    register.take_suspension(Suspension {
        class: 0,
        from: day("2015-06-01"),
        until: None,
        reason: "SAMPLE".into(),
    });
    let place = register.queue_place(1, year(2015), today()).unwrap();
    assert_eq!((place.place, place.likely), (1, None));
    assert!(register.queue_place(3, year(2015), today()).is_err());
}

#[test]
fn nobody_is_left_between_nothing_and_the_minimum() {
    let ask = |wanted, held| Ask {
        wanted,
        held,
        minimum: 250,
    };
    // 300 held and all of it wanted: 200 would leave 100, so 50 are paid and 250 stay.
    assert_eq!(scale(&[ask(300, 300), ask(300, 1_000)], 400), [50, 300]);
    // Enough for one of them to leave whole: the one who asked first.
    assert_eq!(scale(&[ask(250, 250), ask(250, 250)], 499), [250, 0]);
    assert_eq!(scale(&[ask(250, 250)], 249), [0]);
    assert_eq!(
        scale(&[ask(10, 1_000), ask(10, 1_000), ask(10, 1_000)], 10),
        [4, 3, 3]
    );
    assert_eq!(scale(&[], 10), Vec::<i64>::new());
}

#[test]
fn a_request_that_would_leave_less_than_the_minimum_is_refused_at_entry() {
    let register = fifty_eight_thousand();
    let refused = register.request(ALICE, 0, 5_600, day("2014-01-10"), today());
    assert!(
        matches!(refused, Err(Refused::Minimum { would: 200, .. })),
        "{refused:?}"
    );
    let mut register = register;
    let all = register
        .request(ALICE, 0, 5_800, day("2014-01-10"), today())
        .unwrap();
    register.take_request(all);
    let twice = register.request(ALICE, 0, 250, day("2014-01-11"), today());
    assert!(
        matches!(twice, Err(Refused::Asked { asked: 5_800, .. })),
        "{twice:?}"
    );
}

#[test]
fn while_withdrawals_are_suspended_nothing_is_paid_and_the_queue_stands() {
    let mut register = fifty_eight_thousand();
    let request = register
        .request(ALICE, 0, 1_000, day("2014-01-10"), today())
        .unwrap();
    register.take_request(request);
    register.take_suspension(Suspension {
        class: 0,
        from: day("2014-05-01"),
        until: None,
        reason: "inverter fund".into(),
    });
    let refused = register.payout(0, day("2014-06-01"), year(2014), None, today());
    assert!(refused.unwrap_err().to_string().contains("inverter fund"));
    register.take_resumption(0, day("2014-08-01"));
    let plan = register
        .payout(0, day("2014-08-01"), year(2014), None, today())
        .unwrap();
    assert_eq!(plan.paid(), 1_000);
    let short = register
        .payout(0, day("2014-08-01"), year(2014), Some(300), today())
        .unwrap();
    assert_eq!((short.paid(), short.lines[0].waiting), (300, 700));
}

fn offer(rule: OfferRule, waiting_list: bool) -> Offer {
    Offer {
        id: "2014".into(),
        class: 0,
        opens: day("2014-02-01"),
        closes: day("2014-03-31"),
        minimum_raise: 1_000,
        maximum_raise: 2_000,
        minimum: 250,
        maximum: Some(1_500),
        rule,
        waiting_list,
    }
}

fn apply(
    register: &mut ShareRegister,
    offer: &Offer,
    member: u32,
    shares: i64,
) -> Result<u32, Refused> {
    let on = day("2014-02-10");
    let asked = register.application(MemberNo(member), 0, Some(offer), shares, on, today())?;
    let number = asked.number;
    register.take_application(asked);
    Ok(number)
}

#[test]
fn an_offer_takes_applications_inside_its_dates_and_sizes_only() {
    let mut register = society();
    let offer = offer(OfferRule::FirstCome, false);
    assert!(matches!(
        apply(&mut register, &offer, 1, 249),
        Err(Refused::OfferSize { .. })
    ));
    assert!(matches!(
        apply(&mut register, &offer, 1, 1_501),
        Err(Refused::OfferSize { .. })
    ));
    let late = register.application(ALICE, 0, Some(&offer), 250, day("2014-04-01"), today());
    assert!(matches!(late, Err(Refused::OfferShut { .. })));
    apply(&mut register, &offer, 1, 900).unwrap();
    let too_few = register.allot_offer(&offer, day("2014-02-11"), today());
    assert!(matches!(
        too_few,
        Err(Refused::MinimumRaise {
            asked: 900,
            minimum: 1_000,
            ..
        })
    ));
    apply(&mut register, &offer, 2, 1_000).unwrap();
    let full = apply(&mut register, &offer, 4, 250);
    assert!(
        matches!(full, Err(Refused::Oversubscribed { left: 100, .. })),
        "{full:?}"
    );
    let lines = register
        .allot_offer(&offer, day("2014-02-11"), today())
        .unwrap();
    register.enter(&register.allotment(&lines, day("2014-02-11")), Instant(0));
    assert_eq!(register.raised(&offer), 1_900);
    let certificates: Vec<u32> = lines.iter().map(|line| line.certificate).collect();
    assert_eq!((certificates, register.next_certificate()), (vec![1, 2], 3));
}

#[test]
fn beyond_the_offer_applications_wait_until_one_before_them_falls_away() {
    let mut register = society();
    let offer = offer(OfferRule::FirstCome, true);
    apply(&mut register, &offer, 1, 1_000).unwrap();
    apply(&mut register, &offer, 2, 1_000).unwrap();
    let waits = apply(&mut register, &offer, 4, 500).unwrap();
    let lines = register
        .allot_offer(&offer, day("2014-03-01"), today())
        .unwrap();
    assert_eq!(lines.len(), 2);
    register.enter(&register.allotment(&lines, day("2014-03-01")), Instant(0));
    assert!(matches!(
        register.allot_offer(&offer, day("2014-03-02"), today()),
        Err(Refused::NothingWaits(_))
    ));
    let back = register.reversal(1, today()).unwrap();
    register.enter(&back, Instant(0));
    register.take_application_ended(1);
    let lines = register
        .allot_offer(&offer, day("2014-03-02"), today())
        .unwrap();
    assert_eq!((lines[0].application, lines[0].shares), (waits, 500));
}

#[test]
fn an_oversubscribed_offer_is_scaled_back_above_the_minimum_for_each() {
    let mut register = society();
    let offer = offer(OfferRule::ScaleBack, true);
    for (member, shares) in [(1, 1_500), (2, 1_000), (4, 250)] {
        apply(&mut register, &offer, member, shares).unwrap();
    }
    let open = register.allot_offer(&offer, day("2014-03-31"), today());
    assert!(matches!(open, Err(Refused::NotClosed { .. })));
    let lines = register
        .allot_offer(&offer, day("2014-04-01"), today())
        .unwrap();
    // 250 each, and of the other 1,250: 1,250 and 750 wanted, 5/8 of each.
    let given: Vec<i64> = lines.iter().map(|line| line.shares).collect();
    assert_eq!(given, [1_031, 719, 250]);
    assert_eq!(given.iter().sum::<i64>(), 2_000);
}

#[test]
fn an_application_counts_towards_the_cap_before_it_is_allotted() {
    let mut register = society();
    let first = register
        .application(ALICE, 0, None, 60_000, day("2014-02-10"), today())
        .unwrap();
    register.take_application(first);
    let second = register.application(ALICE, 0, None, 40_001, day("2014-02-11"), today());
    assert!(matches!(second, Err(Refused::Cap { .. })), "{second:?}");
}

#[test]
fn shares_pass_on_death_only_unless_the_class_says_otherwise() {
    let mut register = society();
    issue(&mut register, ALICE, "2012-03-01", 500).unwrap();
    let wish = Transfer {
        from: ALICE,
        to: BOB,
        class: 0,
        shares: 500,
        on: day("2014-06-01"),
        on_death: false,
    };
    assert!(matches!(
        register.transfer(&wish, today()),
        Err(Refused::NotTransferable(_))
    ));
    let dead = Transfer {
        on_death: true,
        ..wish
    };
    assert_eq!(
        register.transfer(&dead, today()),
        Err(Refused::NotDead(ALICE))
    );
    register.take_death(ALICE, day("2014-05-01"));
    let lines = register.transfer(&dead, today()).unwrap();
    register.enter(&lines, Instant(0));
    assert_eq!(register.held(ALICE, 0, today()), 0);
    assert_eq!(register.held(BOB, 0, today()), 500);
    assert_eq!(register.left(ALICE), Some(day("2014-06-01")));
    assert_eq!(register.left(BOB), None);
    // Both ends go back together, whichever is named.
    let back = register.reversal(3, today()).unwrap();
    register.enter(&back, Instant(0));
    assert_eq!(register.held(ALICE, 0, day("2014-06-01")), 500);
    assert_eq!(register.held(BOB, 0, today()), 0);
    for (number, by) in [(2, 5), (3, 4)] {
        assert_eq!(
            register.reversal(number, today()),
            Err(Refused::ReversedBefore { number, by })
        );
    }
    assert_eq!(register.reversal(4, today()), Err(Refused::IsReversal(4)));
}

#[test]
fn a_reversal_restores_everything_and_both_entries_stay() {
    let mut register = fifty_eight_thousand();
    let request = register
        .request(ALICE, 0, 1_000, day("2014-01-10"), today())
        .unwrap();
    register.take_request(request);
    let before: Vec<_> = register.holdings(today()).collect();
    let plan = register
        .payout(0, day("2014-06-01"), year(2014), None, today())
        .unwrap();
    let first = register.enter(&plan.movements(), Instant(0));
    assert_eq!(register.withdrawn(0, year(2014)), 1_000);
    let back = register.reversal(first, today()).unwrap();
    register.enter(&back, Instant(0));
    assert_eq!(register.holdings(today()).collect::<Vec<_>>(), before);
    assert_eq!(register.withdrawn(0, year(2014)), 0);
    assert_eq!(register.requests()[0].waiting(), 1_000);
    assert_eq!(register.movements().len(), 12);
}

#[test]
fn an_issue_whose_shares_went_on_cannot_be_reversed() {
    let mut register = society();
    let first = issue(&mut register, ALICE, "2012-03-01", 500).unwrap();
    let out = line(ALICE, "2014-12-31", -500, MovementKind::Withdrawal);
    register.enter(&[out], Instant(0));
    assert!(matches!(
        register.reversal(first, today()),
        Err(Refused::TooFew { .. })
    ));
}

#[test]
fn capital_is_repaid_to_all_alike_in_whole_shares() {
    let mut register = society();
    issue(&mut register, ALICE, "2012-03-01", 250).unwrap();
    issue(&mut register, BOB, "2012-03-01", 999).unwrap();
    // 5 % of 250 is 12.5 and of 999 is 49.95; the minimum is for what members do, not the society.
    let lines = register
        .repayment(0, 500, day("2014-01-01"), today())
        .unwrap();
    assert_eq!(
        lines.iter().map(|l| l.shares).collect::<Vec<_>>(),
        [-12, -49]
    );
}

#[test]
fn interest_becomes_whole_shares_and_the_rest_is_told() {
    for (interest, carried, par, shares, rest) in [
        (4_712, 0, 100, 47, 12),
        (4_712, 95, 100, 48, 7),
        (999, 0, 1_000, 0, 999),
        (0, 0, 100, 0, 0),
    ] {
        let made = convert(Pence(interest), Pence(carried), Pence(par));
        assert_eq!(
            (made.shares, made.rest),
            (shares, Pence(rest)),
            "{interest}"
        );
    }
}

#[test]
fn history_keeps_the_law_and_arithmetic_but_not_todays_own_rules() {
    let register = society();
    let lines = [
        line(ALICE, "2012-03-01", 100, MovementKind::Issue),
        line(ALICE, "2013-03-01", -150, MovementKind::Withdrawal),
        line(BOB, "2012-03-01", 90_000, MovementKind::Issue),
        line(BOB, "2013-03-01", 20_000, MovementKind::Issue),
        line(COUNCIL, "2012-03-01", 10_000, MovementKind::Opening),
        line(MemberNo(8), "2012-03-01", 10, MovementKind::Issue),
        line(COUNCIL, "2012-03-01", -10, MovementKind::Issue),
    ];
    let broken = register.check_history(&lines, today());
    let places: Vec<usize> = broken.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [1, 3, 5, 6], "{broken:?}");
}
