//! The year's papers: HMRC's return of share interest, tax deducted from it, the accounts' figures.
//!
//! What counts is what was paid or credited in the period, over all runs, classes and ways of
//! payment; the year it was earned in does not matter. Amounts come from released orders and the
//! books; names and addresses from the people file.

use domain::{
    accounts::{Kind, Role},
    calendar::{LocalDay, Period},
    income::Duty,
    membership::MemberNo,
    money::Pence,
    payment::{Counted, annual_list, counted},
};
use records::decision::What;
use report::{
    pack::{Amount, YearEnd},
    sheet::{Cell, Table},
};

use super::{
    answer::{Answer, OrOurs, refuse},
    society::SocietyOffice,
};

/// From so much a person stands on HMRC's list: its practice; the law says £15 (CTM40525).
pub const HMRC_LEAST: Pence = Pence(25_000);

/// A person on HMRC's list.
#[derive(Clone, Debug)]
pub struct HmrcLine {
    /// The member.
    pub member: u32,
    /// Its name; `None` when it was erased.
    pub name: Option<String>,
    /// Its address, with the post code.
    pub address: String,
    /// Interest before tax.
    pub gross: Pence,
    /// Tax deducted from it.
    pub tax: Pence,
}

/// HMRC's list.
#[derive(Clone, Debug)]
pub struct HmrcList {
    /// Persons with at least the amount, by member.
    pub lines: Vec<HmrcLine>,
    /// Interest of those below it.
    pub below: Pence,
    /// Persons below it.
    pub below_count: usize,
    /// Cheques of the period that were not cashed by today: owed, and not on the list.
    pub uncashed: Pence,
    /// The last day to send it.
    pub due: LocalDay,
}

/// Tax deducted in a quarter.
#[derive(Clone, Debug)]
pub struct TaxQuarter {
    /// Its last day: of a calendar quarter, or of the accounts year inside one.
    pub ends: LocalDay,
    /// Form CT61 and the tax are due 14 days later.
    pub due: LocalDay,
    /// By member: interest and tax.
    pub lines: Vec<(u32, Pence, Pence)>,
}

/// A balance in the pack.
#[derive(Clone, Debug)]
pub struct PackLine {
    /// The account's code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Above zero: income, assets; below zero: expense, what is owed, capital.
    pub pence: Pence,
}

/// What an accountant asks for at a year's end.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The period.
    pub period: Period,
    /// Income and expense of the period, income above zero.
    pub income: Vec<PackLine>,
    /// Their sum.
    pub surplus: Pence,
    /// Assets, what is owed, capital at the end; the surplus of the year closes it.
    pub balance: Vec<PackLine>,
    /// Figures for the notes: words and an amount.
    pub notes: Vec<(String, Cell)>,
    /// What runs owe and have not paid at the end: run, member, amount, why.
    pub owed: Vec<(u32, u32, Pence, String)>,
    /// True for sample data.
    pub sample: bool,
}

impl SocietyOffice {
    /// All interest that counts as paid or credited, whenever.
    fn all_counted(&self) -> Answer<Vec<Counted>> {
        let mut all = counted(&self.orders_plain()?);
        // Interest that was turned into shares by hand, without an order.
        let by_hand = self.decided("interest-converted/1", |what| match what {
            What::InterestConverted(body) if body.order.is_none() => Some(body),
            _ => None,
        })?;
        for body in by_hand {
            all.push(Counted {
                member: body.member,
                on: body.on.parse().or_ours("the day of a conversion")?,
                gross: Pence(body.interest_pence),
                tax: Pence::ZERO,
            });
        }
        Ok(all)
    }

    /// HMRC's return of share interest for a period (section 887 of the Income Tax Act 2007).
    ///
    /// # Errors
    /// When the people file is damaged.
    pub fn hmrc_list(&self, period: Period, least: Pence) -> Answer<HmrcList> {
        let (first, last) = (period.first_day(), period.last_day());
        let all = annual_list(&self.all_counted()?, first, last, Pence(1));
        let mut list = HmrcList {
            lines: Vec::new(),
            below: Pence::ZERO,
            below_count: 0,
            uncashed: Pence::ZERO,
            due: months_after(last, 3),
        };
        self.with_roll(|roll| {
            for (number, person) in &all {
                if person.gross < least {
                    list.below.0 = list.below.0.saturating_add(person.gross.0);
                    list.below_count = list.below_count.saturating_add(1);
                    continue;
                }
                let who = self.person(roll, MemberNo(*number))?;
                let address = who.as_ref().map(|who| {
                    let mut lines = who.address.clone();
                    lines.push(who.postcode.clone());
                    lines.retain(|line| !line.is_empty());
                    lines.join(", ")
                });
                list.lines.push(HmrcLine {
                    member: *number,
                    name: who.map(|who| who.name),
                    address: address.unwrap_or_default(),
                    gross: person.gross,
                    tax: person.tax,
                });
            }
            Ok(())
        })?;
        for order in self.orders()? {
            let issued: LocalDay = order.note.on.parse().or_ours("the day of an order")?;
            if first <= issued && issued <= last {
                for line in &order.note.lines {
                    if order.fate_word(line) == "issued" {
                        list.uncashed.0 = list.uncashed.0.saturating_add(line.gross_pence);
                    }
                }
            }
        }
        Ok(list)
    }

    /// Tax deducted from interest in a period, by quarter, for form CT61.
    ///
    /// # Errors
    /// When the decisions are damaged.
    pub fn tax_quarters(&self, period: Period) -> Answer<Vec<TaxQuarter>> {
        let all = self.all_counted()?;
        let mut quarters: Vec<TaxQuarter> = Vec::new();
        let (first, last) = (period.first_day(), period.last_day());
        let taxed = all
            .iter()
            .filter(|one| one.tax.0 > 0 && first <= one.on && one.on <= last);
        for one in taxed {
            let year = self.year_of(one.on);
            let year_end = year.next().first_day().previous();
            let ends = quarter_end(one.on).min(year_end);
            let place = quarters.iter().position(|quarter| quarter.ends == ends);
            let at = place.unwrap_or_else(|| {
                quarters.push(TaxQuarter {
                    ends,
                    due: ends.plus(14),
                    lines: Vec::new(),
                });
                quarters.len() - 1
            });
            quarters[at].lines.push((one.member, one.gross, one.tax));
        }
        quarters.sort_by_key(|quarter| quarter.ends);
        for quarter in &mut quarters {
            quarter.lines.sort_unstable();
        }
        Ok(quarters)
    }

    /// What an accountant asks for: income, balance, figures for the notes, what is owed and unclaimed.
    ///
    /// # Errors
    /// When the society has no chart, or the decisions are damaged.
    pub fn year_end_pack(&self, period: Period) -> Answer<Pack> {
        let ledger = self.ledger()?;
        if ledger.chart().is_empty() {
            return refuse(
                "the society has no chart of accounts\nhint: `commonwatt accounts chart --standard` starts with one",
            );
        }
        let (first, last) = (period.first_day(), period.last_day());
        let mut income = Vec::new();
        let mut balance = Vec::new();
        for account in ledger.chart().accounts() {
            let of = |pence: Pence| PackLine {
                code: account.code.to_string(),
                name: account.name.clone(),
                pence,
            };
            if account.kind.is_of_the_year() {
                let moved = ledger.moved(&account.code, first, last);
                if moved.0 != 0 {
                    income.push((account.kind, of(Pence(moved.0.saturating_neg()))));
                }
            } else {
                let at_end = ledger.balance(&account.code, last);
                if at_end.0 != 0 {
                    balance.push((account.kind, of(at_end)));
                }
            }
        }
        income.sort_by_key(|(kind, _)| *kind == Kind::Expense);
        balance.sort_by_key(|(kind, _)| match kind {
            Kind::Asset => 0,
            Kind::Liability => 1,
            _ => 2,
        });
        let mut balance: Vec<PackLine> = balance.into_iter().map(|(_, line)| line).collect();
        let surplus = ledger.surplus(first, last);
        let known: i64 = balance.iter().map(|line| line.pence.0).sum();
        let earlier = Pence(known.saturating_neg().saturating_add(surplus.0));
        for (name, pence) in [
            (
                "Surpluses of earlier years, not moved to a reserve",
                earlier,
            ),
            ("Surplus of the period", Pence(surplus.0.saturating_neg())),
        ] {
            if pence.0 != 0 {
                balance.push(PackLine {
                    code: String::new(),
                    name: name.to_owned(),
                    pence,
                });
            }
        }
        let owed = self.owed_at(last)?;
        Ok(Pack {
            period,
            income: income.into_iter().map(|(_, line)| line).collect(),
            surplus,
            balance,
            notes: self.notes(period, &owed)?,
            owed,
            sample: self.is_sample(),
        })
    }

    /// What runs owe today, of periods up to a day: open, on the way, and cheques not cashed.
    fn owed_at(&self, last: LocalDay) -> Answer<Vec<(u32, u32, Pence, String)>> {
        let orders = self.orders()?;
        let mut rows = Vec::new();
        for line in self.owed(None)? {
            let ends: LocalDay = line.period.1.parse().or_ours("the days of a run")?;
            if ends > last {
                continue;
            }
            let open = line.owed.open_total();
            if open.0 != 0 {
                let came_back = orders.iter().rev().find_map(|order| {
                    let of_run = order.note.run == line.run;
                    let back = order.fates.get(&line.member).filter(|_| of_run)?;
                    (!back.1.is_empty()).then(|| format!("came back: {}", back.1))
                });
                let held = orders.iter().rev().find_map(|order| {
                    let mut held = order.note.held.iter();
                    let found =
                        held.find(|held| order.note.run == line.run && held.member == line.member);
                    found.map(|held| held.why.clone())
                });
                let why = came_back
                    .or(held)
                    .unwrap_or_else(|| "not paid yet".to_owned());
                rows.push((line.run, line.member, open, why));
            }
            if line.owed.on_the_way.0 != 0 {
                let why = "in an order that is not released, or a cheque not cashed".to_owned();
                rows.push((line.run, line.member, line.owed.on_the_way, why));
            }
        }
        Ok(rows)
    }

    /// Figures for the notes to the accounts.
    fn notes(
        &self,
        period: Period,
        owed: &[(u32, u32, Pence, String)],
    ) -> Answer<Vec<(String, Cell)>> {
        let (first, last) = (period.first_day(), period.last_day());
        let mut notes = Vec::new();
        self.with_roll(|roll| {
            let register = &roll.register;
            let members = register.members();
            let count = members
                .filter(|member| {
                    member.joined <= last
                        && register.left(member.number).is_none_or(|left| left > last)
                })
                .count();
            notes.push((
                format!("Members on {last}"),
                Cell::Number(i64::try_from(count).unwrap_or(i64::MAX)),
            ));
            for (class, place) in register.classes().iter().zip(0_u16..) {
                let at = |day: LocalDay| -> i64 {
                    let all = register.members();
                    let shares: i64 = all
                        .map(|member| register.held(member.number, place, day))
                        .sum();
                    class.value(shares).map_or(0, |pence| pence.0)
                };
                let before = at(first.previous());
                let (mut issued, mut withdrawn) = (0_i64, 0_i64);
                for movement in register.movements() {
                    let line = &movement.line;
                    if line.class == place && first <= line.on && line.on <= last {
                        let pence = class.value(line.shares.abs()).map_or(0, |p| p.0);
                        match line.shares > 0 {
                            true => issued = issued.saturating_add(pence),
                            false => withdrawn = withdrawn.saturating_add(pence),
                        }
                    }
                }
                notes.push((
                    format!("Share capital {} before {first}", class.id),
                    Cell::Pounds(before),
                ));
                notes.push((
                    format!("{} issued in the period", class.id),
                    Cell::Pounds(issued),
                ));
                notes.push((
                    format!("{} withdrawn in the period", class.id),
                    Cell::Pounds(withdrawn),
                ));
                notes.push((
                    format!("Share capital {} on {last}", class.id),
                    Cell::Pounds(at(last)),
                ));
            }
            Ok(())
        })?;
        let paid = annual_list(&self.all_counted()?, first, last, Pence(1));
        let gross: i64 = paid.values().map(|person| person.gross.0).sum();
        let tax: i64 = paid.values().map(|person| person.tax.0).sum();
        let declared: i64 = self
            .interest_runs()?
            .iter()
            .filter(|run| {
                run.standing == super::interest::Standing::Frozen
                    && first.to_string() <= run.note.to
                    && run.note.to <= last.to_string()
            })
            .map(|run| run.note.total_pence)
            .sum();
        let forfeited: i64 = self
            .forfeits()?
            .iter()
            .filter(|one| first <= one.on && one.on <= last)
            .map(|one| one.pence.0)
            .sum();
        notes.push((
            "Share interest of runs that end in the period".into(),
            Cell::Pounds(declared),
        ));
        notes.push((
            "Share interest paid or credited in the period".into(),
            Cell::Pounds(gross),
        ));
        notes.push(("Income tax deducted from it".into(), Cell::Pounds(tax)));
        notes.push((
            "Unclaimed interest forfeited by rule".into(),
            Cell::Pounds(forfeited),
        ));
        notes.push((
            "Share interest owed or unclaimed today, of runs up to the period's end".into(),
            Cell::Pounds(owed.iter().map(|(_, _, pence, _)| pence.0).sum()),
        ));
        let ledger = self.ledger()?;
        for (words, role) in [
            ("Community fund, owed until granted", Role::Fund),
            ("Share interest owed in the books", Role::InterestOwed),
        ] {
            if let Ok(code) = ledger.role(role) {
                let pence = ledger.balance(&code, last).0.saturating_neg();
                notes.push((words.to_owned(), Cell::Pounds(pence)));
            }
        }
        Ok(notes)
    }

    /// Whether anything was paid in an accounts year, for its duties.
    pub(super) fn paid_in(&self, first: LocalDay, last: LocalDay) -> Answer<(bool, Vec<Duty>)> {
        let all = self.all_counted()?;
        let inside = all.iter().any(|one| first <= one.on && one.on <= last);
        let mut duties = Vec::new();
        let period = Period::Range { first, last };
        for quarter in self.tax_quarters(period)? {
            duties.push(Duty {
                kind: domain::income::DutyKind::Ct61,
                about: quarter.ends.to_string(),
                opens: quarter.ends.next(),
                due: quarter.due,
                done: None,
            });
        }
        Ok((inside, duties))
    }
}

impl Pack {
    /// The pack as it is printed.
    #[must_use]
    pub fn year_end(&self, society: &str) -> YearEnd {
        let amounts = |lines: &[PackLine]| {
            let amounts = lines.iter().map(|line| Amount {
                code: line.code.clone(),
                words: line.name.clone(),
                cell: Cell::Pounds(line.pence.0),
            });
            amounts.collect()
        };
        let notes = self.notes.iter().map(|(words, cell)| Amount {
            code: String::new(),
            words: words.clone(),
            cell: cell.clone(),
        });
        let owed = self.owed.iter().map(|(run, member, pence, why)| Amount {
            code: format!("run {run}, member {member}"),
            words: why.clone(),
            cell: Cell::Pounds(pence.0),
        });
        YearEnd {
            society: society.to_owned(),
            first: self.period.first_day(),
            last: self.period.last_day(),
            income: amounts(&self.income),
            surplus: self.surplus,
            balance: amounts(&self.balance),
            notes: notes.collect(),
            owed: owed.collect(),
            sample: self.sample,
        }
    }
}

/// The list in the order of HMRC's template: name, address, amount.
#[must_use]
pub fn hmrc_table(list: &HmrcList) -> Table {
    Table {
        name: "Interest",
        head: ["Name", "Address", "Gross interest paid"]
            .map(str::to_owned)
            .to_vec(),
        rows: list
            .lines
            .iter()
            .map(|line| {
                vec![
                    Cell::Text(line.name.clone().unwrap_or_else(|| "(erased)".into())),
                    Cell::Text(line.address.clone()),
                    Cell::Pounds(line.gross.0),
                ]
            })
            .collect(),
    }
}

/// The day so many months after a day; the month's last where it is shorter or the day was a last.
pub(super) fn months_after(day: LocalDay, months: i32) -> LocalDay {
    domain::income::months_after(day, months)
}

/// The last day of a calendar quarter.
fn quarter_end(day: LocalDay) -> LocalDay {
    let month = day.month().div_ceil(3).saturating_mul(3);
    let in_year = i32::from(month) - i32::from(day.month());
    day.local_month().plus(in_year).last_day()
}
