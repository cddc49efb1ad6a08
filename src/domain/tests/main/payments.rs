//! Paying members: random rolls of payees, orders and what comes back; nothing is paid twice or lost.

use std::collections::BTreeMap;

use commonwatt_domain::{
    calendar::LocalDay,
    money::Pence,
    payment::{
        Account, Ask, Fate, Order, Payee, Plan, Rest, Rules, Share, State, Waiting, Way,
        annual_list, counted, owed, plan,
    },
};

use super::interest_properties::{Dice, how_many};

fn day(text: &str) -> LocalDay {
    text.parse().expect("a day")
}

fn some_payees(dice: &mut Dice) -> Vec<Payee> {
    let members = dice.within(1, 6);
    (1..=members)
        .map(|member| {
            let classes = dice.within(1, 2);
            let open: Vec<(String, Pence)> = (0..classes)
                .map(|class| (format!("class-{class}"), Pence(dice.within(0, 30_000))))
                .collect();
            let shares = open.iter().map(|_| {
                let par = [1, 100, 5_000][usize::try_from(dice.within(0, 2)).unwrap()];
                Share {
                    par: Pence(par),
                    carried: Pence(dice.within(0, par - 1)),
                }
            });
            Payee {
                member: u32::try_from(member).unwrap(),
                shares: shares.collect(),
                open,
                chosen: Way::ALL[usize::try_from(dice.within(0, 3)).unwrap()],
                rest: if dice.one_in(2) {
                    Rest::Paid
                } else {
                    Rest::Carried
                },
                account: [Account::None, Account::InForce, Account::Waiting]
                    [usize::try_from(dice.within(0, 2)).unwrap()],
                died: dice.one_in(9),
                estate: dice.one_in(2),
                erased: dice.one_in(15),
                tax: dice.one_in(4).then(|| "20".parse().unwrap()),
            }
        })
        .collect()
}

fn sum(pence: impl Iterator<Item = Pence>) -> i64 {
    pence.map(|pence| pence.0).sum()
}

fn check_lines(payees: &[Payee], made: &Plan, seed: u64) {
    for payee in payees {
        let own = || made.lines.iter().filter(|line| line.member == payee.member);
        let held = made.held.iter().filter(|held| held.member == payee.member);
        let open = sum(payee.open.iter().map(|(_, pence)| *pence));
        let paid = sum(own().map(|line| line.gross)) + sum(held.map(|held| held.pence));
        assert_eq!(
            paid, open,
            "seed {seed}: member {} is paid what is open",
            payee.member
        );
        for line in own() {
            assert_eq!(line.gross.0, line.net.0 + line.tax.0, "seed {seed}");
            assert_eq!(
                line.gross.0,
                sum(line.parts.iter().map(|part| part.gross)),
                "seed {seed}"
            );
            assert!(line.net.0 >= 0 && line.tax.0 >= 0, "seed {seed}");
            assert!(
                !payee.erased && (!payee.died || (payee.estate && line.way == Way::Cheque)),
                "seed {seed}"
            );
            assert!(
                line.way != Way::Bank || payee.account == Account::InForce,
                "seed {seed}"
            );
            if line.way == Way::Reinvest {
                let class = &line.parts[0].class;
                let place = payee.open.iter().position(|(id, _)| id == class).unwrap();
                let share = &payee.shares[place];
                assert_eq!(
                    line.shares * share.par.0 + line.carried.0,
                    line.net.0 + share.carried.0,
                    "seed {seed}: shares and what is carried are what came in"
                );
            }
        }
        assert!(
            own().filter(|line| line.way.moves_money()).count() <= 1,
            "seed {seed}"
        );
    }
}

#[test]
fn what_is_open_is_paid_once_or_held_and_what_comes_back_is_open_again() {
    for seed in 0..how_many(100_000, 10_000_000) {
        let mut dice = Dice(seed);
        let payees = some_payees(&mut dice);
        let rules = Rules {
            least: Pence(dice.within(0, 300)),
            waiting: Waiting::LeaveOut,
        };
        let by_cheque: Vec<u32> = payees
            .iter()
            .filter(|_| dice.one_in(6))
            .map(|payee| payee.member)
            .collect();
        let ask = Ask {
            only: &[],
            by_cheque: &by_cheque,
        };
        let made = plan(&payees, rules, ask);
        check_lines(&payees, &made, seed);
        let on = day("2025-05-01");
        let mut order = Order {
            number: 1,
            run: 1,
            on,
            lines: made.lines.clone(),
            state: State::Prepared,
            fates: BTreeMap::new(),
        };
        let of_run = || {
            payees.iter().flat_map(|payee| {
                let open = payee.open.iter();
                open.map(|(class, pence)| (payee.member, class.as_str(), *pence))
            })
        };
        let open = |order: &Order| -> i64 {
            let all = owed(1, of_run(), std::slice::from_ref(order), &[]);
            all.values().map(|owed| owed.open_total().0).sum()
        };
        let all = sum(of_run().map(|(_, _, pence)| pence));
        let held = sum(made.held.iter().map(|held| held.pence));
        assert_eq!(open(&order), held, "seed {seed}: what waits is not open");
        order.state = State::Cancelled;
        assert_eq!(open(&order), all, "seed {seed}");
        order.state = State::Released(on);
        assert_eq!(open(&order), held, "seed {seed}");
        let mut back = 0;
        for line in made.lines.iter().filter(|line| line.way.moves_money()) {
            if dice.one_in(3) {
                order.fates.insert(line.member, Fate::Returned(on));
                back += line.gross.0;
            } else {
                order.fates.insert(line.member, Fate::Paid(on));
            }
        }
        assert_eq!(
            open(&order),
            held + back,
            "seed {seed}: what came back is open again"
        );
        // The year's list is what left and stayed away.
        let list = annual_list(
            &counted(&[order]),
            day("2025-01-01"),
            day("2025-12-31"),
            Pence(0),
        );
        let listed: i64 = list.values().map(|person| person.gross.0).sum();
        assert_eq!(listed, all - held - back, "seed {seed}");
    }
}

#[test]
fn a_person_is_on_the_list_from_250_pounds_over_all_runs_and_ways() {
    let of = |member, pence, way| commonwatt_domain::payment::Line {
        member,
        way,
        gross: Pence(pence),
        tax: Pence(0),
        net: Pence(pence),
        parts: Vec::new(),
        shares: 0,
        carried: Pence(0),
    };
    let order = |number, run, on: &str, lines| Order {
        number,
        run,
        on: day(on),
        lines,
        state: State::Released(day(on)),
        fates: BTreeMap::new(),
    };
    let orders = [
        // £8,333 and £8,334 at 3 %; half of it twice, once as a gift.
        order(
            1,
            1,
            "2025-04-30",
            vec![
                of(1, 24_999, Way::Bank),
                of(2, 25_002, Way::Bank),
                of(3, 12_500, Way::Bank),
            ],
        ),
        order(
            2,
            2,
            "2025-10-31",
            vec![of(3, 12_500, Way::Fund), of(4, 90_000, Way::Cheque)],
        ),
        // 2024's interest paid in 2025 is above; this is paid in 2026.
        order(3, 3, "2026-01-02", vec![of(1, 90_000, Way::Bank)]),
    ];
    let all = counted(&orders);
    let on = |year: &str| {
        let (first, last) = (day(&format!("{year}-01-01")), day(&format!("{year}-12-31")));
        let list = annual_list(&all, first, last, Pence(25_000));
        list.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(
        on("2025"),
        [2, 3],
        "a cheque that was not cashed is owed, not paid"
    );
    assert_eq!(on("2026"), [1]);
}
