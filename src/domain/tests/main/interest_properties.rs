//! Random rolls: 10⁵ in CI, 10⁷ with `COMMONWATT_CAMPAIGN=1`. A line is held against a
//! reckoning of its own that walks day by day and shares no code with the run.

use std::time::Instant as Stopwatch;

use commonwatt_domain::{
    calendar::{LocalDay, Period, YearStart},
    interest::{
        ClassTerms, DayCount, Declared, Ends, Movement, NotEarning, Rounding, Run, RunError, RunOf,
        ShareRate, WhyNot, run,
    },
    money::Pence,
};

/// SplitMix64: a seed names a roll.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both inside.
    pub fn within(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap();
        low + i64::try_from(self.next() % span).unwrap()
    }

    pub fn one_in(&mut self, n: i64) -> bool {
        self.within(1, n) == 1
    }
}

/// Rounds: all of them in an optimised build, which is what CI runs; a fiftieth while developing.
pub fn how_many(few: u64, campaign: u64) -> u64 {
    match std::env::var_os("COMMONWATT_CAMPAIGN") {
        Some(_) => campaign,
        None if cfg!(debug_assertions) => few / 50,
        None => few,
    }
}

struct Roll {
    period: Period,
    classes: Vec<ClassTerms>,
    rates: Vec<ShareRate>,
    movements: Vec<Movement>,
    not_earning: Vec<NotEarning>,
}

impl Roll {
    fn of(&self, declared: Declared<'_>) -> Result<Run, RunError> {
        self.with(&self.movements, declared)
    }

    fn with(&self, movements: &[Movement], declared: Declared<'_>) -> Result<Run, RunError> {
        run(&RunOf {
            period: self.period,
            classes: &self.classes,
            movements,
            not_earning: &self.not_earning,
            declared,
        })
    }
}

fn date(year: i64, month: i64, day: i64) -> LocalDay {
    let (year, month) = (i32::try_from(year).unwrap(), u8::try_from(month).unwrap());
    let day = u8::try_from(day).unwrap();
    LocalDay::of_date(year, month, day)
        .or_else(|| LocalDay::of_date(year, month, 28))
        .unwrap()
}

/// Days around the ends of months, leap days and year ends more often than others.
fn some_day(dice: &mut Dice) -> LocalDay {
    let year = dice.within(2018, 2025);
    match dice.within(0, 5) {
        0 => date(year, 2, 29),
        1 => date(year, 2, 28),
        2 => date(year, 12, 31),
        3 => date(year, dice.within(1, 12), 1),
        _ => date(year, dice.within(1, 12), dice.within(1, 31)),
    }
}

fn some_period(dice: &mut Dice, whole_months: bool) -> Period {
    let (first, last) = match (whole_months, dice.within(0, 3)) {
        (_, 0) => (date(2020, 1, 1), date(2020, 12, 31)),
        (_, 1) => (date(2021, 4, 1), date(2024, 3, 31)),
        (true, _) => {
            let year = dice.within(2018, 2022);
            let first = date(year, dice.within(1, 12), 1);
            let months = i32::try_from(dice.within(0, 36)).unwrap();
            (first, first.local_month().plus(months).last_day())
        }
        (false, _) => {
            let first = some_day(dice);
            (
                first,
                first.plus(i32::try_from(dice.within(0, 1_100)).unwrap()),
            )
        }
    };
    Period::Range { first, last }
}

fn some_roll(seed: u64) -> Roll {
    let mut dice = Dice(seed);
    let mut classes = Vec::new();
    let mut rates = Vec::new();
    for n in 0..dice.within(1, 3) {
        let ends = [Ends::In, Ends::Out];
        let maximum = dice.within(0, 120_000);
        let declared = dice.within(0, maximum);
        let rate = |n: i64| {
            ShareRate::Percent(
                rust_decimal::Decimal::new(n, 4)
                    .to_string()
                    .parse()
                    .unwrap(),
            )
        };
        classes.push(ClassTerms {
            id: format!("class {n}"),
            par: Pence([1, 100, 100, 2_500][usize::try_from(dice.within(0, 3)).unwrap()]),
            days: [
                DayCount::Actual365,
                DayCount::ActualActual(YearStart::JANUARY),
                DayCount::ActualActual(YearStart::APRIL),
                DayCount::WholeMonths,
                DayCount::RecordDay,
            ][usize::try_from(dice.within(0, 4)).unwrap()],
            issue_day: ends[usize::from(dice.one_in(2))],
            leaving_day: ends[usize::from(dice.one_in(2))],
            rounding: if dice.one_in(4) {
                Rounding::Down
            } else {
                Rounding::HalfAway
            },
            maximum: rate(maximum),
        });
        rates.push(rate(declared));
    }
    let by_months =
        |terms: &ClassTerms| matches!(terms.days, DayCount::WholeMonths | DayCount::RecordDay);
    let period = some_period(&mut dice, classes.iter().any(by_months));
    if period.day_count() < 364 && classes.iter().any(|c| c.days == DayCount::RecordDay) {
        // One declared rate for a short period would be above the maximum for a year.
        rates = vec![ShareRate::ZERO; rates.len()];
    }
    let mut movements = Vec::new();
    let mut not_earning = Vec::new();
    for member in 1..=u32::try_from(dice.within(1, 7)).unwrap() {
        for class in 0..u16::try_from(classes.len()).unwrap() {
            let mut days: Vec<LocalDay> = (0..dice.within(0, 4))
                .map(|_| some_day(&mut dice))
                .collect();
            days.sort_unstable();
            let mut holding = 0;
            for on in days {
                let shares = match dice.within(0, 3) {
                    0 => -dice.within(0, holding),
                    1 => -holding,
                    // The same for several members, so that equal holders are met.
                    2 => 250,
                    _ => dice.within(1, 100_000),
                };
                holding += shares;
                movements.push(Movement {
                    member,
                    class,
                    on,
                    shares,
                });
            }
        }
        if dice.one_in(6) {
            let first = some_day(&mut dice);
            let last = dice
                .one_in(2)
                .then(|| first.plus(i32::try_from(dice.within(0, 400)).unwrap()));
            let class = dice.one_in(3).then_some(0);
            let why = if dice.one_in(2) {
                WhyNot::Death
            } else {
                WhyNot::Suspended
            };
            not_earning.push(NotEarning {
                member,
                first,
                last,
                class,
                why,
            });
        }
    }
    // A roll may give them in any order.
    for n in (1..movements.len()).rev() {
        movements.swap(
            n,
            usize::try_from(dice.within(0, i64::try_from(n).unwrap())).unwrap(),
        );
    }
    Roll {
        period,
        classes,
        rates,
        movements,
        not_earning,
    }
}

/// Shares that earn on a day, from the words of the rules: the closing holding, with what came or
/// went on the day turned by its rule.
fn earning(roll: &Roll, member: u32, class: u16, on: LocalDay) -> i64 {
    let stopped = roll.not_earning.iter().any(|stop| {
        stop.member == member
            && stop.class.is_none_or(|only| only == class)
            && stop.first <= on
            && stop.last.is_none_or(|last| on <= last)
    });
    if stopped {
        return 0;
    }
    let own = || {
        roll.movements
            .iter()
            .filter(|m| (m.member, m.class) == (member, class))
    };
    let before: i64 = own().filter(|m| m.on < on).map(|m| m.shares).sum();
    let net: i64 = own().filter(|m| m.on == on).map(|m| m.shares).sum();
    let terms = &roll.classes[usize::from(class)];
    let counts = match net > 0 {
        true => terms.issue_day == Ends::In,
        false => terms.leaving_day == Ends::Out,
    };
    before + if counts { net } else { 0 }
}

fn is_leap_year_from(start: LocalDay) -> bool {
    let year = i64::from(start.year());
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    // The accounts year holds 29 February of its own year, or of the next.
    if start.month() <= 2 {
        leap(year)
    } else {
        leap(year + 1)
    }
}

/// Holding × time over 365 × 366 × 12, day by day or month by month.
fn reckoned(roll: &Roll, member: u32, class: u16) -> i128 {
    let terms = &roll.classes[usize::from(class)];
    let mut sum = 0_i128;
    match terms.days {
        DayCount::Actual365 => {
            for on in roll.period.days() {
                sum += i128::from(earning(roll, member, class, on)) * 366 * 12;
            }
        }
        DayCount::ActualActual(starts) => {
            for on in roll.period.days() {
                let leap = is_leap_year_from(starts.year_of(on).first_day());
                let parts = if leap { 365 * 12 } else { 366 * 12 };
                sum += i128::from(earning(roll, member, class, on)) * parts;
            }
        }
        DayCount::WholeMonths => {
            for (month, _) in roll.period.parts_by_month() {
                let days = month.first_day().through(month.last_day());
                let lowest = days.map(|on| earning(roll, member, class, on)).min();
                sum += i128::from(lowest.unwrap()) * 365 * 366;
            }
        }
        DayCount::RecordDay => {
            let last = earning(roll, member, class, roll.period.last_day());
            sum += i128::from(last) * 365 * 366 * 12;
        }
    }
    sum * i128::from(terms.par.0)
}

fn check_rates(roll: &Roll, seed: u64) {
    let made = roll
        .of(Declared::Rates(&roll.rates))
        .unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    let sum: i64 = made.lines.iter().map(|line| line.pence.0).sum();
    assert_eq!(made.total.0, sum, "seed {seed}");
    for line in &made.lines {
        let terms = &roll.classes[usize::from(line.class)];
        let ShareRate::Percent(rate) = roll.rates[usize::from(line.class)] else {
            panic!("rates are per cent here")
        };
        // Pence = sum × rate/100 / (365 × 366 × 12), with the rate in millionths.
        let over = reckoned(roll, line.member, line.class)
            * (rate.decimal() * rust_decimal::Decimal::from(1_000_000)).mantissa()
            / 10_i128.pow((rate.decimal() * rust_decimal::Decimal::from(1_000_000)).scale());
        let under = 100_000_000_i128 * 365 * 366 * 12;
        let pence = match terms.rounding {
            Rounding::HalfAway => (over * 2 + under) / (under * 2),
            Rounding::Down => over / under,
        };
        assert_eq!(
            i128::from(line.pence.0),
            pence,
            "seed {seed}, member {}",
            line.member
        );
        assert!(line.pence <= line.most, "seed {seed}: above the maximum");
    }
    for one in &made.lines {
        for other in made.lines.iter().filter(|other| other.class == one.class) {
            if one.weight == other.weight {
                assert_eq!(one.pence, other.pence, "seed {seed}: equal holders differ");
            }
            if one.weight > other.weight {
                assert!(one.pence >= other.pence, "seed {seed}: not monotone");
            }
        }
    }
    // More shares from the first day never earn less.
    if let Some(line) = made.lines.first() {
        let mut more = roll.movements.clone();
        more.push(Movement {
            member: line.member,
            class: line.class,
            on: date(2017, 1, 1),
            shares: 7,
        });
        let richer = roll.with(&more, Declared::Rates(&roll.rates)).unwrap();
        assert!(
            richer.lines[0].pence >= line.pence,
            "seed {seed}: more shares, less interest"
        );
    }
}

fn check_pot(roll: &Roll, seed: u64) {
    let none = vec![ShareRate::ZERO; roll.classes.len()];
    let weights = roll.of(Declared::Rates(&none)).unwrap();
    let all: i128 = weights.lines.iter().map(|line| line.weight).sum();
    let most: i64 = weights.lines.iter().map(|line| line.most.0).sum();
    let mut dice = Dice(seed ^ 0x5eed);
    let pot = if all == 0 { 0 } else { dice.within(0, most) };
    let made = match roll.of(Declared::Pot(Pence(pot))) {
        Ok(made) => made,
        // Classes have maxima of their own: a pot below their sum may be above one of them.
        Err(RunError::PotAboveMaximum { line, most, .. }) => {
            return assert!(line > most, "seed {seed}");
        }
        Err(other) => panic!("seed {seed}: {other}"),
    };
    assert_eq!(
        made.lines.iter().map(|line| line.pence.0).sum::<i64>(),
        pot,
        "seed {seed}"
    );
    assert_eq!(made.total.0, pot);
    for line in &made.lines {
        let over = line.weight * i128::from(pot);
        let cut = if all == 0 { 0 } else { over / all };
        let pence = i128::from(line.pence.0);
        assert!(
            pence == cut || (pence == cut + 1 && over % all != 0),
            "seed {seed}: off its share"
        );
        assert!(line.pence <= line.most, "seed {seed}: above the maximum");
        for other in &made.lines {
            let apart = line.pence.0 - other.pence.0;
            if line.weight == other.weight {
                assert!(
                    apart.abs() <= 1,
                    "seed {seed}: equal holders a penny apart at most"
                );
            }
            if line.weight > other.weight {
                assert!(apart >= 0, "seed {seed}: not monotone");
            }
        }
    }
    // Whatever order the roll gives them in.
    let mut turned = roll.movements.clone();
    turned.reverse();
    assert_eq!(
        roll.with(&turned, Declared::Pot(Pence(pot))).unwrap(),
        made,
        "seed {seed}"
    );
}

#[test]
fn random_rolls_keep_every_promise_of_both_modes() {
    for seed in 0..how_many(100_000, 10_000_000) {
        let roll = some_roll(seed);
        check_rates(&roll, seed);
        check_pot(&roll, seed);
    }
}

#[test]
fn a_hundred_thousand_members_with_twenty_five_years_are_paid_at_once() {
    let campaign = std::env::var_os("COMMONWATT_CAMPAIGN").is_some();
    let members = if campaign { 100_000 } else { 2_000 };
    let (movements, terms) = old_society(members);
    let watch = Stopwatch::now();
    let made = run(&RunOf {
        period: Period::Year(2024),
        classes: &terms,
        movements: &movements,
        not_earning: &[],
        declared: Declared::Rates(&[ShareRate::Percent("3.5".parse().unwrap())]),
    })
    .unwrap();
    assert_eq!(made.lines.len(), usize::try_from(members).unwrap());
    if campaign {
        eprintln!(
            "{} movements of {members} members: {} ms",
            movements.len(),
            watch.elapsed().as_millis()
        );
    }
}

/// Members with a movement each year from 2000 to 2024, as a journal gives them: by day.
fn old_society(members: u32) -> (Vec<Movement>, [ClassTerms; 1]) {
    let mut dice = Dice(25);
    let mut movements = Vec::new();
    for year in 2000..2025 {
        for member in 1..=members {
            let on = date(year, dice.within(1, 12), dice.within(1, 28));
            let shares = if year % 3 == 1 {
                -dice.within(0, 100)
            } else {
                dice.within(100, 500)
            };
            movements.push(Movement {
                member,
                class: 0,
                on,
                shares,
            });
        }
    }
    movements.sort_by_key(|movement| movement.on);
    let terms = ClassTerms {
        id: "ordinary".into(),
        par: Pence(100),
        days: DayCount::Actual365,
        issue_day: Ends::In,
        leaving_day: Ends::Out,
        rounding: Rounding::HalfAway,
        maximum: ShareRate::Percent("5".parse().unwrap()),
    };
    (movements, [terms])
}
