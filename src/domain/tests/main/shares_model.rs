//! The share register against a small model that keeps rows and adds them up anew for every
//! question: what one refuses the other refuses, and history at every date is the same.
//!
//! `./test --campaign` gives ten million commands.

use commonwatt_domain::{
    calendar::{FinancialYear, Instant, LocalDay, YearStart},
    membership::{
        Line, Member, MemberKind, MemberNo, MovementKind, Notice, ShareClass, ShareRegister,
        Source, Transfer,
    },
    money::Pence,
};

const MEMBERS: usize = 6;
const CLASSES: usize = 3;
const DAYS: i32 = 500;
const COMMANDS_A_WORLD: u64 = 40;
const CAP_PENCE: i64 = 10_000_000;
/// par, withdrawable, minimum, maximum, transferable
const TERMS: [(i64, bool, i64, i64, bool); CLASSES] = [
    (100, true, 250, i64::MAX, true),
    (1_000, true, 1, 7_000, false),
    (100, false, 10, i64::MAX, true),
];
/// Joint account: member 5 (the sixth) belongs to members 0 and 1. Member 2 is a registered society.
const SOCIETY: usize = 2;
const JOINT: usize = 5;

/// splitmix64
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.roll(all.len() as u64)).unwrap()]
    }
}

#[derive(Clone, Copy)]
struct Row {
    day: i32,
    member: usize,
    class: usize,
    shares: i64,
    other_end: Option<usize>,
    taken_back: bool,
    takes_back: bool,
}

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
}

type Table = [[i64; CLASSES]; MEMBERS];

impl Model {
    fn at(&self, day: i32) -> Table {
        let mut held = Table::default();
        for row in self.rows.iter().filter(|row| row.day <= day) {
            held[row.member][row.class] += row.shares;
        }
        held
    }

    /// True when the new rows keep every limit on every day from theirs on.
    fn allows(&self, new: &[Row], minimum_holds: bool) -> bool {
        let day = new[0].day;
        let mut days: Vec<i32> = self
            .rows
            .iter()
            .map(|row| row.day)
            .filter(|d| *d > day)
            .collect();
        days.push(day);
        let adds = |member: usize| new.iter().any(|row| row.member == member && row.shares > 0);
        days.iter().all(|day| {
            let mut held = self.at(*day);
            for row in new {
                held[row.member][row.class] += row.shares;
            }
            new.iter().all(|row| {
                let (_, _, minimum, maximum, _) = TERMS[row.class];
                let has = held[row.member][row.class];
                let minimum = if minimum_holds { minimum } else { 0 };
                has >= 0
                    && (row.shares < 0 || has <= maximum)
                    && (has == 0 || has >= minimum)
                    && (!adds(row.member) || within_cap(&held, row.member))
            })
        })
    }
}

fn worth(held: &[i64; CLASSES]) -> i64 {
    let classes = held.iter().zip(TERMS).filter(|(_, terms)| terms.1);
    classes.map(|(shares, terms)| shares * terms.0).sum()
}

fn within_cap(held: &Table, member: usize) -> bool {
    let joint = worth(&held[JOINT]);
    let persons = if member == JOINT {
        vec![0, 1]
    } else {
        vec![member]
    };
    persons.iter().all(|person| match *person {
        SOCIETY => true,
        0 | 1 => worth(&held[*person]) + joint <= CAP_PENCE,
        person => worth(&held[person]) <= CAP_PENCE,
    })
}

fn register() -> ShareRegister {
    let mut register = ShareRegister::default();
    for (place, (par, withdrawable, minimum, maximum, transferable)) in
        TERMS.into_iter().enumerate()
    {
        register.define(ShareClass {
            id: place.to_string().into(),
            name: place.to_string(),
            par: Pence(par),
            withdrawable,
            transferable,
            minimum,
            maximum: (maximum < i64::MAX).then_some(maximum),
            notice: Notice::days(30),
            yearly_limit_bp: Some(1_000),
            opened: None,
            closed: None,
        });
    }
    for place in 0..MEMBERS {
        let kind = match place {
            SOCIETY => MemberKind::Society,
            JOINT => MemberKind::Joint,
            _ => MemberKind::Person,
        };
        let mut member = Member::new(number(place), kind, LocalDay(0));
        if place == JOINT {
            member.holders = vec![number(0), number(1)];
        }
        register.take_member(member);
    }
    register
}

fn number(place: usize) -> MemberNo {
    MemberNo(u32::try_from(place).unwrap() + 1)
}

fn row_of(line: &Line) -> Row {
    Row {
        day: line.on.0,
        member: line.member.0 as usize - 1,
        class: usize::from(line.class),
        shares: line.shares,
        other_end: None,
        taken_back: false,
        takes_back: false,
    }
}

/// One random wish to both; what the register would enter is entered in both.
fn step(dice: &mut Dice, register: &mut ShareRegister, model: &mut Model) {
    let today = LocalDay(DAYS);
    let (member, to) = (
        dice.roll(MEMBERS as u64) as usize,
        dice.roll(MEMBERS as u64) as usize,
    );
    let class = dice.roll(CLASSES as u64) as usize;
    let place = u16::try_from(class).unwrap();
    let on = LocalDay(i32::try_from(dice.roll(DAYS as u64 + 1)).unwrap());
    let shares = dice.of(&[
        1, 9, 10, 249, 250, 251, 500, 1_000, 5_000, 7_000, 50_000, 99_750, 100_000, 100_001,
    ]);
    let line = |shares, kind| Line {
        member: number(member),
        class: place,
        on,
        shares,
        kind,
        source: Source::None,
        certificate: 0,
        paired: false,
    };
    match dice.roll(10) {
        0..=3 => {
            let kind = dice.of(&[MovementKind::Issue, MovementKind::Conversion]);
            enter_one(register, model, line(shares, kind), true);
        }
        4 => enter_one(
            register,
            model,
            line(-shares, MovementKind::Withdrawal),
            true,
        ),
        5 => enter_one(
            register,
            model,
            line(-shares, MovementKind::Repayment),
            false,
        ),
        6 => {
            let wish = Transfer {
                from: number(member),
                to: number(to),
                class: place,
                shares,
                on,
                on_death: false,
            };
            let free =
                model.at(i32::MAX)[member][class] - register.asked_back(number(member), place);
            let rows = [
                row_of(&line(-shares, MovementKind::TransferOut)),
                Row {
                    member: to,
                    ..row_of(&line(shares, MovementKind::TransferIn))
                },
            ];
            let allowed =
                member != to && TERMS[class].4 && free >= shares && model.allows(&rows, true);
            let made = register.transfer(&wish, today);
            assert_eq!(made.is_ok(), allowed, "{wish:?} {made:?}");
            if let Ok(lines) = made {
                register.enter(&lines, Instant(0));
                let first = model.rows.len();
                for (n, row) in rows.into_iter().enumerate() {
                    model.rows.push(Row {
                        other_end: Some(first + 1 - n),
                        ..row
                    });
                }
            }
        }
        7 => {
            let count = model.rows.len() as u64;
            let place = dice.roll(count + 1) as usize;
            let wanted = model.rows.get(place).copied();
            let ends: Vec<usize> = wanted.map_or(vec![], |row| {
                std::iter::once(place).chain(row.other_end).collect()
            });
            let back: Vec<Row> = ends
                .iter()
                .map(|n| Row {
                    shares: -model.rows[*n].shares,
                    other_end: None,
                    takes_back: true,
                    ..model.rows[*n]
                })
                .collect();
            let allowed = wanted.is_some_and(|row| !row.taken_back && !row.takes_back)
                && model.allows(&back, false);
            let made = register.reversal(u32::try_from(place).unwrap() + 1, today);
            assert_eq!(made.is_ok(), allowed, "reverse {place}: {made:?}");
            if let Ok(lines) = made {
                register.enter(&lines, Instant(0));
                for n in ends {
                    model.rows[n].taken_back = true;
                }
                model.rows.extend(back);
            }
        }
        8 => {
            let held = model.at(i32::MAX)[member][class];
            let left = held - register.asked_back(number(member), place) - shares;
            let allowed = TERMS[class].1 && left >= 0 && (left == 0 || left >= TERMS[class].2);
            let made = register.request(number(member), place, shares, on, today);
            assert_eq!(made.is_ok(), allowed, "{made:?}");
            if let Ok(request) = made {
                register.take_request(request);
            }
        }
        _ => payout(dice, register, model, place, on),
    }
}

fn enter_one(register: &mut ShareRegister, model: &mut Model, line: Line, minimum_holds: bool) {
    let row = row_of(&line);
    let allowed = model.allows(&[row], minimum_holds);
    let checked = register.check(&[line], LocalDay(DAYS));
    assert_eq!(checked.is_ok(), allowed, "{line:?} {checked:?}");
    if allowed {
        register.enter(&[line], Instant(0));
        model.rows.push(row);
    }
}

/// What a payout gives is checked by what it must keep, not by doing the same again.
fn payout(
    dice: &mut Dice,
    register: &mut ShareRegister,
    model: &mut Model,
    class: u16,
    on: LocalDay,
) {
    let year = FinancialYear {
        starts: YearStart::new(1, 1).unwrap(),
        year: on.year(),
    };
    let at_most = dice.of(&[None, Some(100), Some(5_000)]);
    let waiting = |register: &ShareRegister| -> i64 {
        register
            .requests()
            .iter()
            .filter(|r| r.class == class)
            .map(|r| r.waiting())
            .sum()
    };
    let Ok(plan) = register.payout(class, on, year, at_most, LocalDay(DAYS)) else {
        return;
    };
    let before = waiting(register);
    let limit = plan.limit.unwrap() - plan.used;
    assert!(
        plan.paid() > 0 && plan.paid() <= limit.min(at_most.unwrap_or(i64::MAX)),
        "{plan:?}"
    );
    for line in plan.movements() {
        model.rows.push(row_of(&line));
    }
    register.enter(&plan.movements(), Instant(0));
    assert_eq!(before - waiting(register), plan.paid());
    assert_eq!(register.withdrawn(class, year), plan.used + plan.paid());
    for line in &plan.lines {
        let held = model.at(on.0)[line.member.0 as usize - 1][usize::from(class)];
        assert!(
            held == 0 || held >= TERMS[usize::from(class)].2,
            "{held} left: {plan:?}"
        );
    }
}

fn same_history(register: &ShareRegister, model: &Model, day: i32) {
    let table = model.at(day);
    for (member, classes) in table.iter().enumerate() {
        for (class, held) in (0_u16..).zip(classes) {
            assert_eq!(
                register.held(number(member), class, LocalDay(day)),
                *held,
                "day {day}"
            );
            assert!(*held >= 0);
        }
        assert!(within_cap(&table, member));
    }
    let sum: i64 = register.holdings(LocalDay(day)).map(|h| h.shares).sum();
    assert_eq!(sum, table.iter().flatten().sum::<i64>());
}

#[test]
fn the_register_and_the_model_agree_on_every_wish_and_every_date() {
    let campaign = std::env::var_os("COMMONWATT_CAMPAIGN").is_some();
    let wanted: u64 = if campaign { 10_000_000 } else { 100_000 };
    let mut dice = Dice(0x5eed);
    let mut done = 0;
    let mut entered = 0;
    while done < wanted {
        let (mut register, mut model) = (register(), Model::default());
        for _ in 0..COMMANDS_A_WORLD {
            step(&mut dice, &mut register, &mut model);
            let day = i32::try_from(dice.roll(DAYS as u64 + 1)).unwrap();
            same_history(&register, &model, day);
            done += 1;
        }
        entered += register.movements().len();
        // Taking everything back, newest first, leaves nothing.
        for n in (1..=register.next_movement()).rev() {
            if let Ok(lines) = register.reversal(n, LocalDay(DAYS)) {
                register.enter(&lines, Instant(0));
            }
        }
        let stands = register.movements().iter().filter(|m| m.stands()).count();
        let left = register.holdings(LocalDay(DAYS)).count();
        assert!(stands > 0 || left == 0);
    }
    assert!(
        entered as u64 > wanted / 5,
        "the wishes are not all refused: {entered} of {wanted}"
    );
    println!("share model: {done} commands, {entered} movements");
}
