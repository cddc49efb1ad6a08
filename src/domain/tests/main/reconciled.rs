//! Statements with mistakes drawn at random: all found, none invented, over a thousand seeds.

use commonwatt_domain::{
    income::{ClaimKey, Difference, Due, Found, LineKind, Paid, reconcile},
    money::Pence,
    quantity::WattHours,
    tariff::Rate,
};

use super::tariffs::{day, rate};

const SEEDS: u64 = 1000;
/// Ten installations, four quarters.
const CLAIMS: u32 = 40;

/// SplitMix64: the same numbers from the same seed, on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        let sides = (high - low + 1).unsigned_abs();
        low + i64::try_from(self.roll(sides)).unwrap()
    }
}

fn due(dice: &mut Dice, n: u32) -> Vec<Due> {
    let quarter = i32::try_from(n % 4).unwrap();
    let first = day("2014-04-01").plus(quarter * 91);
    let claim = ClaimKey {
        installation: format!("block-{}", n / 4),
        from: first,
        to: first.plus(90),
    };
    let wh = WattHours(dice.between(200_000, 4_000_000));
    let line = |kind, wh: WattHours, p: &str| Due {
        from: claim.from,
        to: claim.to,
        claim: claim.clone(),
        kind,
        wh,
        rate: rate(p),
        pence: rate(p).price(wh).unwrap(),
        by: first.plus(90 + 60),
    };
    vec![
        line(LineKind::Generation, wh, "15.35"),
        line(LineKind::ExportDeemed, WattHours(wh.0 / 2), "4.77"),
    ]
}

fn as_due(line: &Due) -> Paid {
    Paid {
        claim: line.claim.clone(),
        on: line.by.plus(-7),
        kind: Some(line.kind),
        wh: Some(line.wh),
        rate: Some(line.rate),
        pence: line.pence,
    }
}

fn priced(row: &mut Paid, wh: WattHours, p: Rate) {
    row.wh = Some(wh);
    row.rate = Some(p);
    row.pence = p.price(wh).unwrap();
}

/// Spoils one claim's rows; gives the words of what is to be found.
fn spoil(dice: &mut Dice, rows: &mut Vec<Paid>) -> Vec<&'static str> {
    let line = usize::try_from(dice.roll(2)).unwrap();
    let (wh, p) = (rows[line].wh.unwrap(), rows[line].rate.unwrap());
    match dice.roll(12) {
        0 => {
            let by = [10, 100][usize::try_from(dice.roll(2)).unwrap()];
            let slipped = if dice.roll(2) == 0 {
                wh.0 * by
            } else {
                wh.0 / by
            };
            priced(&mut rows[line], WattHours(slipped), p);
            vec!["slip"]
        }
        1 => {
            let days = i32::try_from(dice.between(8, 200)).unwrap();
            for row in rows {
                row.on = row.on.plus(days);
            }
            vec!["late"]
        }
        2 => {
            // Less by an amount that is no charge.
            let most = (rows[line].pence.0 - 1).min(9_999);
            let short = dice.between(1, most);
            rows[line].pence.0 -= short;
            let (due, paid) = (rows[line].pence.0 + short, rows[line].pence.0);
            // Short by so much that a tenth or a hundredth is left: nobody can tell it from a slip.
            let is_left = |by: i64| due >= 1_000 && (-by / 2..by).contains(&(due - paid * by));
            if is_left(10) || is_left(100) {
                return vec!["slip"];
            }
            vec![if short <= 5_000 && short % 100 == 0 {
                "charge"
            } else {
                "short"
            }]
        }
        3 => {
            let again = Paid {
                on: rows[line].on.plus(3),
                ..rows[line].clone()
            };
            rows.push(again);
            vec!["double"]
        }
        4 => {
            let claim = rows[line].claim.clone();
            rows.push(Paid {
                claim,
                on: rows[line].on,
                kind: None,
                wh: None,
                rate: None,
                pence: Pence(-dice.between(1, 50) * 100),
            });
            vec!["charge"]
        }
        5 => {
            let other =
                rate(["14.95", "14.5", "4.64", "4.85"][usize::try_from(dice.roll(4)).unwrap()]);
            priced(&mut rows[line], wh, other);
            vec!["wrong-rate"]
        }
        6 => {
            rows.remove(line);
            vec!["unpaid"]
        }
        // Most claims are paid as they should be.
        _ => vec![],
    }
}

#[test]
fn every_mistake_is_found_and_none_is_invented() {
    let mut spoiled = 0;
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let mut all_due = Vec::new();
        let mut paid = Vec::new();
        let mut expected = Vec::new();
        for n in 0..CLAIMS {
            let lines = due(&mut dice, n);
            let mut rows: Vec<Paid> = lines.iter().map(as_due).collect();
            let words = spoil(&mut dice, &mut rows);
            spoiled += words.len();
            expected.extend(words.into_iter().map(|word| (lines[0].claim.clone(), word)));
            all_due.extend(lines);
            paid.extend(rows);
        }
        // The order of a statement's rows does not matter.
        let turn = usize::try_from(dice.roll(paid.len() as u64)).unwrap();
        paid.rotate_left(turn);
        let found = reconcile(&all_due, &paid, day("2016-01-01")).unwrap();
        let mut found: Vec<(ClaimKey, &str)> = found
            .into_iter()
            .map(|one: Found| (one.claim, one.difference.word()))
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "seed {seed}");
    }
    assert!(spoiled > 10_000, "{spoiled} mistakes were drawn");
}

#[test]
fn what_is_not_yet_due_is_not_missing() {
    let lines = due(&mut Dice(1), 0);
    let by = lines[0].by;
    assert_eq!(reconcile(&lines, &[], by).unwrap(), []);
    let found = reconcile(&lines, &[], by.next()).unwrap();
    assert!(found.iter().all(|one| one.difference == Difference::Unpaid));
    assert_eq!(found.len(), 2);
}

#[test]
fn export_that_was_never_paid_is_found() {
    let lines = due(&mut Dice(2), 0);
    let found = reconcile(&lines, &[as_due(&lines[0])], day("2016-01-01")).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, Some(LineKind::ExportDeemed));
    assert_eq!(found[0].lacking, lines[1].pence);
}

/// A line of a claim that reaches over 1 April, in two FIT years.
fn over_april() -> Vec<Due> {
    let claim = ClaimKey {
        installation: "roof".into(),
        from: day("2022-12-15"),
        to: day("2023-06-15"),
    };
    let line = |from, to, wh, p: &str| Due {
        claim: claim.clone(),
        from: day(from),
        to: day(to),
        kind: LineKind::Generation,
        wh: WattHours(wh),
        rate: rate(p),
        pence: rate(p).price(WattHours(wh)).unwrap(),
        by: day("2023-08-15"),
    };
    vec![
        line("2022-12-15", "2023-03-31", 2_940_000, "20.17"),
        line("2023-04-01", "2023-06-15", 7_500_000, "22.87"),
    ]
}

fn row(from: &str, to: &str, kwh: i64, p: &str, pence: i64) -> Paid {
    Paid {
        claim: ClaimKey {
            installation: "roof".into(),
            from: day(from),
            to: day(to),
        },
        on: day("2023-07-10"),
        kind: Some(LineKind::Generation),
        wh: Some(WattHours(kwh * 1000)),
        rate: (!p.is_empty()).then(|| rate(p)),
        pence: Pence(pence),
    }
}

fn words(paid: &[Paid]) -> Vec<(&'static str, i64)> {
    let found = reconcile(&over_april(), paid, day("2024-01-01")).unwrap();
    let each = found
        .iter()
        .map(|one| (one.difference.word(), one.lacking.0));
    each.collect()
}

#[test]
fn what_was_paid_is_never_asked_for_however_the_statement_cuts_its_days() {
    let all = [
        // A row for each line.
        vec![
            row("2022-12-15", "2023-03-31", 2940, "20.17", 59_300),
            row("2023-04-01", "2023-06-15", 7500, "22.87", 171_525),
        ],
        // Both under the days of the claim.
        vec![
            row("2022-12-15", "2023-06-15", 7500, "22.87", 171_525),
            row("2022-12-15", "2023-06-15", 2940, "20.17", 59_300),
        ],
        // One for the whole.
        vec![row("2022-12-15", "2023-06-15", 10_440, "", 230_825)],
        // By months, the first two at the old rate.
        vec![
            row("2022-12-15", "2023-01-31", 1470, "20.17", 29_650),
            row("2023-02-01", "2023-03-31", 1470, "20.17", 29_650),
            row("2023-04-01", "2023-06-15", 7500, "22.87", 171_525),
        ],
        // In two payments.
        vec![
            row("2022-12-15", "2023-03-31", 2940, "20.17", 50_000),
            row("2022-12-15", "2023-03-31", 2940, "20.17", 9_300),
            row("2023-04-01", "2023-06-15", 7500, "22.87", 171_525),
        ],
        // The days of the reads, not of the claim.
        vec![
            row("2022-12-16", "2023-04-01", 2940, "20.17", 59_300),
            row("2023-04-01", "2023-06-16", 7500, "22.87", 171_525),
        ],
    ];
    for paid in all {
        assert_eq!(words(&paid), [], "{paid:?}");
    }
}

#[test]
fn a_difference_is_that_of_its_line() {
    let old_rate = [row("2022-12-15", "2023-06-15", 10_440, "20.17", 210_575)];
    assert_eq!(words(&old_rate), [("wrong-rate", 20_250)]);
    let second_only = [row("2023-04-01", "2023-06-15", 7500, "22.87", 171_525)];
    assert_eq!(words(&second_only), [("unpaid", 59_300)]);
    let month_missing = [
        row("2022-12-15", "2023-01-31", 1470, "20.17", 29_650),
        row("2023-04-01", "2023-06-15", 7500, "22.87", 171_525),
    ];
    assert_eq!(words(&month_missing), [("other-energy", 29_650)]);
    let twice = [
        row("2022-12-15", "2023-03-31", 2940, "20.17", 59_300),
        row("2022-12-15", "2023-03-31", 2940, "20.17", 59_300),
        row("2023-04-01", "2023-06-15", 7500, "22.87", 171_525),
    ];
    assert_eq!(words(&twice), [("double", -59_300)]);
}
