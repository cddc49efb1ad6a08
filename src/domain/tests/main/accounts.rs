//! The books, in entries that a treasurer could check by hand, and 10⁵ random commands against a
//! small model (10⁷ with `COMMONWATT_CAMPAIGN=1`).

use std::collections::BTreeMap;

use commonwatt_domain::{
    accounts::{
        Account, AccountCode, Chart, ChartError, Kind, Ledger, Limit, NewEntry, NotBalanced,
        NotPosted, Posting, Role, Source, SourceKind,
    },
    calendar::LocalDay,
    money::Pence,
};

use crate::interest_properties::{Dice, how_many};

fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

fn code(text: &str) -> AccountCode {
    text.parse().unwrap()
}

fn account(text: &str, kind: Kind, role: Option<Role>) -> Account {
    Account {
        code: code(text),
        name: format!("Account {text}"),
        kind,
        role,
        limit: Limit::default(),
    }
}

fn chart() -> Chart {
    let bank = Account {
        limit: Limit {
            at_least: Some(Pence::ZERO),
            at_most: None,
        },
        ..account("1200", Kind::Asset, Some(Role::Bank))
    };
    Chart::new([
        bank,
        account("1100", Kind::Asset, Some(Role::FitDebtors)),
        account("3000", Kind::Equity, Some(Role::ShareCapital)),
        account("4000", Kind::Income, Some(Role::Generation)),
        account("7000", Kind::Expense, None),
    ])
    .unwrap()
}

fn books() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.chart_is(chart());
    ledger
}

fn entry(on: &str, source: &str, postings: &[(&str, i64)]) -> NewEntry {
    NewEntry {
        on: day(on),
        text: "an entry".into(),
        source: Source {
            kind: SourceKind::Statement,
            reference: source.into(),
        },
        postings: postings
            .iter()
            .map(|(account, pence)| Posting {
                account: code(account),
                pence: Pence(*pence),
            })
            .collect(),
    }
}

fn post(ledger: &mut Ledger, new: NewEntry) {
    ledger.check(&new).unwrap();
    ledger.enter(new, None);
}

#[test]
fn a_planted_penny_is_refused_before_it_is_posted() {
    let ledger = books();
    let apart = entry("2014-01-01", "1", &[("1200", 10_000), ("3000", -9_999)]);
    let error = ledger.check(&apart).unwrap_err();
    assert_eq!(
        error.to_string(),
        "debits are £100.00 and credits £99.99, £0.01 apart; expected them to be the same"
    );
    for (postings, why) in [
        (vec![("1200", 1)], "2 to 500"),
        (vec![("1200", 0), ("3000", 0)], "of nothing"),
        (vec![("1200", 5), ("9999", -5)], "not in the chart"),
        (
            vec![("1200", 2_000_000_000_000), ("3000", -2_000_000_000_000)],
            "too large",
        ),
    ] {
        let error = ledger
            .check(&entry("2014-01-01", "1", &postings))
            .unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    let silent = NewEntry {
        text: "  ".into(),
        ..entry("2014-01-01", "1", &[("1200", 5), ("3000", -5)])
    };
    assert!(matches!(
        ledger.check(&silent),
        Err(NotPosted::NotBalanced(NotBalanced::Text(_)))
    ));
    let nowhere = entry("2014-01-01", "", &[("1200", 5), ("3000", -5)]);
    assert!(
        ledger
            .check(&nowhere)
            .unwrap_err()
            .to_string()
            .contains("hint: every entry names")
    );
}

#[test]
fn the_bank_never_stands_below_nothing_on_any_day() {
    let mut ledger = books();
    post(
        &mut ledger,
        entry("2014-01-01", "1", &[("1200", 10_000), ("3000", -10_000)]),
    );
    post(
        &mut ledger,
        entry("2014-03-01", "2", &[("1200", -9_000), ("7000", 9_000)]),
    );
    let earlier = entry("2014-02-01", "3", &[("1200", -1_001), ("7000", 1_001)]);
    let error = ledger.check(&earlier).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("account `1200` would stand at -£0.01 on 2014-03-01"),
        "{error}"
    );
    let fits = entry("2014-02-01", "3", &[("1200", -1_000), ("7000", 1_000)]);
    assert_eq!(ledger.check(&fits), Ok(()));
}

#[test]
fn a_reversal_names_what_it_takes_back_and_both_stay() {
    let mut ledger = books();
    post(
        &mut ledger,
        entry("2014-01-01", "1", &[("1100", 230_825), ("4000", -230_825)]),
    );
    let back = ledger
        .reversal(1, day("2014-02-01"), "posted twice")
        .unwrap();
    ledger.enter(back, Some(1));
    assert_eq!(
        ledger.balance(&code("1100"), day("2014-01-31")),
        Pence(230_825)
    );
    assert_eq!(
        ledger.balance(&code("1100"), day("2014-02-01")),
        Pence::ZERO
    );
    assert_eq!(
        (ledger.entries().len(), ledger.reversed_by(1)),
        (2, Some(2))
    );
    let on = day("2014-03-01");
    assert_eq!(
        ledger.reversal(1, on, "again"),
        Err(NotPosted::Reversed { number: 1, by: 2 })
    );
    assert_eq!(
        ledger.reversal(2, on, "back"),
        Err(NotPosted::IsReversal(2))
    );
    assert_eq!(ledger.reversal(3, on, "none"), Err(NotPosted::NoEntry(3)));
    // What was taken back may be posted again, and then not a second time.
    let again = entry("2014-03-01", "1", &[("1100", 230_800), ("4000", -230_800)]);
    post(&mut ledger, again.clone());
    assert!(matches!(ledger.check(&again), Err(NotPosted::Twice(_))));
}

#[test]
fn closed_days_take_no_entries_and_stay_closed() {
    let mut ledger = books();
    ledger.check_close(day("2014-12-31")).unwrap();
    ledger.close(day("2014-12-31"));
    let late = entry("2014-12-31", "1", &[("1200", 5), ("3000", -5)]);
    assert!(matches!(ledger.check(&late), Err(NotPosted::Closed { .. })));
    assert!(
        ledger
            .check(&NewEntry {
                on: day("2015-01-01"),
                ..late
            })
            .is_ok()
    );
    assert!(ledger.check_close(day("2014-06-30")).is_err());
}

#[test]
fn the_trial_balance_of_a_year_carries_earlier_surpluses_in_one_line() {
    let mut ledger = books();
    post(
        &mut ledger,
        entry("2013-06-01", "1", &[("1200", 50_000), ("4000", -50_000)]),
    );
    post(
        &mut ledger,
        entry("2014-06-01", "2", &[("1200", 30_000), ("4000", -30_000)]),
    );
    post(
        &mut ledger,
        entry("2014-07-01", "3", &[("7000", 10_000), ("1200", -10_000)]),
    );
    let rows = ledger.trial_balance(day("2014-01-01"), day("2014-12-31"));
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.account.as_ref().map(|a| a.code.as_str()), row.pence.0))
        .collect();
    assert_eq!(
        found,
        [
            (Some("1200"), 70_000),
            (Some("4000"), -30_000),
            (Some("7000"), 10_000),
            (None, -50_000)
        ]
    );
    assert_eq!(
        ledger.surplus(day("2014-01-01"), day("2014-12-31")),
        Pence(20_000)
    );
    let lines = ledger.lines(&code("1200"), day("2014-01-01"), day("2014-12-31"));
    let balances: Vec<i64> = lines.iter().map(|line| line.balance.0).collect();
    assert_eq!(balances, [80_000, 70_000]);
}

#[test]
fn a_chart_keeps_what_has_postings() {
    let mut ledger = books();
    post(
        &mut ledger,
        entry("2014-01-01", "1", &[("1200", 5), ("3000", -5)]),
    );
    let without = Chart::new(
        chart()
            .accounts()
            .filter(|a| a.code.as_str() != "3000")
            .cloned(),
    );
    assert_eq!(
        ledger.check_chart(&without.unwrap()),
        Err(ChartError::Gone(code("3000")))
    );
    let other = chart();
    let other = other.accounts().cloned().map(|mut account| {
        account.kind = Kind::Income;
        account
    });
    let other = Chart::new(other).unwrap();
    assert!(matches!(
        ledger.check_chart(&other),
        Err(ChartError::OtherKind { .. })
    ));
    let twice = chart();
    let twice = Chart::new(twice.accounts().chain(twice.accounts()).cloned());
    assert!(matches!(twice, Err(ChartError::Role { .. })));
    for wrong in ["", "12 00", "a/b", "-1", "0123456789012"] {
        assert!(wrong.parse::<AccountCode>().is_err(), "{wrong}");
    }
}

/// The day, the postings in pence by account, and whether it was reversed.
type Kept = (LocalDay, Vec<(&'static str, i64)>, bool);

/// The books as a list of who moved when; everything is added up again each time it is asked.
#[derive(Default)]
struct Model {
    moved: Vec<(LocalDay, &'static str, i64)>,
    entries: Vec<Kept>,
    closed: Option<LocalDay>,
}

const CODES: [&str; 5] = ["1100", "1200", "3000", "4000", "7000"];

impl Model {
    fn balance(&self, account: &str, on: LocalDay) -> i64 {
        let of_it = self
            .moved
            .iter()
            .filter(|(day, code, _)| *code == account && *day <= on);
        of_it.map(|(_, _, pence)| pence).sum()
    }

    fn takes(&self, on: LocalDay, postings: &[(&'static str, i64)]) -> bool {
        let open = self.closed.is_none_or(|closed| on > closed);
        let even = postings.iter().map(|(_, pence)| pence).sum::<i64>() == 0;
        let some = postings.iter().all(|(_, pence)| *pence != 0) && postings.len() >= 2;
        let on_bank: i64 = postings
            .iter()
            .filter(|(c, _)| *c == "1200")
            .map(|(_, p)| p)
            .sum();
        let touched = postings.iter().any(|(c, _)| *c == "1200");
        let days = self
            .moved
            .iter()
            .map(|(day, _, _)| *day)
            .filter(|day| *day > on);
        let solvent = days
            .chain([on])
            .all(|day| self.balance("1200", day) + on_bank >= 0);
        open && even && some && (!touched || solvent)
    }

    fn enter(&mut self, on: LocalDay, postings: Vec<(&'static str, i64)>) {
        self.moved
            .extend(postings.iter().map(|(code, pence)| (on, *code, *pence)));
        self.entries.push((on, postings, false));
    }
}

fn new_entry(on: LocalDay, number: usize, postings: &[(&str, i64)]) -> NewEntry {
    NewEntry {
        on,
        ..entry("2014-01-01", &number.to_string(), postings)
    }
}

#[test]
fn random_commands_leave_the_books_as_the_model_has_them() {
    let rounds = how_many(100_000, 10_000_000) / 100;
    let mut entered = 0;
    for seed in 0..rounds {
        let mut dice = Dice(seed);
        let (mut ledger, mut model) = (books(), Model::default());
        for command in 0..100_usize {
            let on = day("2014-01-01").plus(i32::try_from(dice.within(0, 60)).unwrap());
            match dice.within(0, 19) {
                0 => {
                    let fits = model.closed.is_none_or(|closed| on > closed);
                    assert_eq!(ledger.check_close(on).is_ok(), fits, "seed {seed}");
                    // Closing late days leaves nothing to do.
                    if fits && dice.one_in(8) {
                        ledger.close(on);
                        model.closed = Some(on);
                    }
                }
                1..=4 => {
                    let number = dice.within(0, i64::try_from(model.entries.len()).unwrap() + 1);
                    let place = usize::try_from(number - 1).ok();
                    let known = place.and_then(|place| model.entries.get(place).cloned());
                    let turned = known.and_then(|(day, postings, done)| {
                        let back: Vec<_> = postings.iter().map(|(c, p)| (*c, -p)).collect();
                        (!done && on >= day && model.takes(on, &back)).then_some(back)
                    });
                    let number = u32::try_from(number).unwrap();
                    let before = ledger.clone();
                    let wish = ledger.reversal(number, on, "taken back");
                    assert_eq!(wish.is_ok(), turned.is_some(), "seed {seed} {wish:?}");
                    if let (Ok(wish), Some(back)) = (wish, turned) {
                        ledger.enter(wish, Some(number));
                        model.entries[place.unwrap()].2 = true;
                        model.enter(on, back);
                        model.entries.last_mut().unwrap().2 = true;
                        // From that day on every balance is as if neither had been posted.
                        for posting in &before.entry(number).unwrap().new.postings {
                            let end = day("2099-01-01");
                            let of = |ledger: &Ledger| ledger.balance(&posting.account, end).0;
                            let own: i64 = before
                                .entry(number)
                                .unwrap()
                                .new
                                .postings
                                .iter()
                                .filter(|other| other.account == posting.account)
                                .map(|other| other.pence.0)
                                .sum();
                            assert_eq!(of(&ledger), of(&before) - own, "seed {seed}");
                        }
                    }
                }
                _ => {
                    let mut postings = Vec::new();
                    let mut sum = 0;
                    for _ in 0..dice.within(1, 4) {
                        let code = CODES[usize::try_from(dice.within(0, 4)).unwrap()];
                        let pence = dice.within(-500, 1_000);
                        sum += pence;
                        postings.push((code, pence));
                    }
                    // Now and then a penny is planted.
                    sum += i64::from(dice.one_in(10));
                    postings.push((CODES[usize::try_from(dice.within(0, 4)).unwrap()], -sum));
                    let wish = new_entry(on, command, &postings);
                    let takes = model.takes(on, &postings);
                    assert_eq!(ledger.check(&wish).is_ok(), takes, "seed {seed}: {wish:?}");
                    if takes {
                        ledger.enter(wish, None);
                        model.enter(on, postings);
                    }
                }
            }
            let end = day("2099-01-01");
            let all: i64 = CODES.iter().map(|c| ledger.balance(&code(c), end).0).sum();
            assert_eq!(all, 0, "seed {seed}: debits and credits differ");
        }
        entered += ledger.entries().len();
        let mut at = BTreeMap::new();
        for offset in -1..=61 {
            let on = day("2014-01-01").plus(offset);
            for account in CODES {
                let balance = ledger.balance(&code(account), on);
                assert_eq!(balance.0, model.balance(account, on), "seed {seed} {on}");
                at.insert(account, balance.0);
            }
            assert!(
                at["1200"] >= 0,
                "seed {seed}: the bank is overdrawn on {on}"
            );
            let trial = ledger.trial_balance(day("2014-02-01"), on);
            assert_eq!(
                trial.iter().map(|row| row.pence.0).sum::<i64>(),
                0,
                "seed {seed}"
            );
        }
    }
    println!("books model: {} commands, {entered} entries", rounds * 100);
}
