//! What the rules allow: every check that a movement meets before it is entered.
//!
//! Limits hold at the end of every day from the movement's own on, so that an entry dated in the past
//! cannot break what followed. All lines of one wish are judged together.

use std::collections::BTreeMap;

use super::{
    Line, MemberNo, MovementKind, Refused, ShareClass, ShareRegister, WITHDRAWABLE_CAP,
    account::Account, register::Key,
};
use crate::{calendar::LocalDay, money::Pence};

/// The accounts as they would be.
struct Trial<'a> {
    register: &'a ShareRegister,
    touched: BTreeMap<Key, Touched>,
}

/// An account as it would be, and what touched it.
struct Touched {
    account: Account,
    from: LocalDay,
    adds: bool,
    minimum_holds: bool,
    lines: Vec<usize>,
}

impl ShareRegister {
    /// Checks movements before they are entered, together.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, lines: &[Line], today: LocalDay) -> Result<(), Refused> {
        let broken = self.broken(lines, today, true);
        broken
            .into_iter()
            .next()
            .map_or(Ok(()), |(_, why)| Err(why))
    }

    /// Checks movements of past years, as an earlier register has them: what the law and arithmetic
    /// ask for holds, a class's present minimum, maximum and dates do not. Gives every problem with
    /// the place of its line.
    #[must_use]
    pub fn check_history(&self, lines: &[Line], today: LocalDay) -> Vec<(usize, Refused)> {
        self.broken(lines, today, false)
    }

    fn broken(&self, lines: &[Line], today: LocalDay, own_rules: bool) -> Vec<(usize, Refused)> {
        let mut broken = Vec::new();
        let mut trial = Trial {
            register: self,
            touched: BTreeMap::new(),
        };
        for (place, line) in lines.iter().enumerate() {
            match self.alone(line, today, own_rules) {
                Ok(()) => trial.enter(place, line),
                Err(why) => broken.push((place, why)),
            }
        }
        for (key, touched) in &trial.touched {
            if let Err((day, why)) = trial.account(*key, touched, own_rules) {
                broken.push((blame(touched, lines, day, None), why));
            } else if touched.adds
                && let Err((day, why)) = trial.cap(key.0, touched.from)
            {
                broken.push((blame(touched, lines, day, Some(true)), why));
            }
        }
        broken.sort_by_key(|(place, _)| *place);
        broken
    }

    /// What a line must be by itself.
    fn alone(&self, line: &Line, today: LocalDay, own_rules: bool) -> Result<(), Refused> {
        let member = self.member(line.member)?;
        let class = self.class(line.class)?;
        let wrong_sign = line
            .kind
            .adds()
            .is_some_and(|adds| adds != (line.shares > 0));
        if line.shares == 0 || wrong_sign {
            return Err(Refused::NoShares(line.shares));
        }
        if line.on > today {
            return Err(Refused::Future { on: line.on, today });
        }
        let reversal = line.kind == MovementKind::Reversal;
        if line.on < member.joined && !reversal {
            return Err(Refused::BeforeJoined {
                member: line.member,
                joined: member.joined,
                on: line.on,
            });
        }
        if line.shares > 0 && !reversal {
            if let Some(ended) = member.ended.filter(|ended| line.on > *ended) {
                return Err(Refused::Left {
                    member: line.member,
                    ended,
                });
            }
            if let Some(died) = member.died.filter(|died| line.on >= *died) {
                return Err(Refused::Died {
                    member: line.member,
                    died,
                });
            }
        }
        if own_rules && line.kind == MovementKind::Issue {
            shut(class, line.on)?;
        }
        Ok(())
    }
}

impl Trial<'_> {
    fn enter(&mut self, place: usize, line: &Line) {
        let key = (line.member, line.class);
        let present = self.register.accounts.get(&key);
        let touched = self.touched.entry(key).or_insert_with(|| Touched {
            account: present.cloned().unwrap_or_default(),
            from: line.on,
            adds: false,
            minimum_holds: false,
            lines: Vec::new(),
        });
        // Numbered after all that stands, in the order of the lines.
        let number = self
            .register
            .next_movement()
            .saturating_add(u32::try_from(place).unwrap_or(u32::MAX));
        touched.account.enter(line.on, number, line.shares);
        touched.from = touched.from.min(line.on);
        touched.adds |= line.shares > 0;
        touched.minimum_holds |= !matches!(
            line.kind,
            MovementKind::Reversal | MovementKind::Repayment | MovementKind::Opening
        );
        touched.lines.push(place);
    }

    fn get(&self, key: Key) -> Option<&Account> {
        match self.touched.get(&key) {
            Some(touched) => Some(&touched.account),
            None => self.register.accounts.get(&key),
        }
    }

    /// Never below nothing; with the society's own rules, within the class's limits.
    fn account(
        &self,
        key: Key,
        touched: &Touched,
        own_rules: bool,
    ) -> Result<(), (LocalDay, Refused)> {
        let (member, place) = key;
        let class = self
            .register
            .class(place)
            .map_err(|why| (touched.from, why))?;
        let name = || class.id.to_string();
        let account = &touched.account;
        // What a dead member held may be handed on in parts.
        let alive = self
            .register
            .members
            .get(&member)
            .is_none_or(|known| known.died.is_none());
        let days = std::iter::once((touched.from, account.held(touched.from)))
            .chain(account.ends_after(touched.from));
        for (day, held) in days {
            if held < 0 {
                let before = self.register.accounts.get(&key);
                let had = before.map_or(0, |before| before.least_from(touched.from));
                let why = Refused::TooFew {
                    member,
                    class: name(),
                    held: had,
                    wanted: had.saturating_sub(held),
                    on: touched.from,
                };
                return Err((day, why));
            }
            if let Some(maximum) = class
                .maximum
                .filter(|maximum| own_rules && touched.adds && held > *maximum)
            {
                let why = Refused::Maximum {
                    member,
                    class: name(),
                    would: held,
                    maximum,
                };
                return Err((day, why));
            }
            if own_rules && touched.minimum_holds && alive && held > 0 && held < class.minimum {
                let why = Refused::Minimum {
                    member,
                    class: name(),
                    would: held,
                    minimum: class.minimum,
                };
                return Err((day, why));
            }
        }
        Ok(())
    }

    /// The law's cap, for each person behind the member.
    fn cap(&self, member: MemberNo, from: LocalDay) -> Result<(), (LocalDay, Refused)> {
        let members = &self.register.members;
        let holders = members
            .get(&member)
            .map_or(&[][..], |member| &member.holders);
        let alone = [member];
        let persons = if holders.is_empty() {
            &alone[..]
        } else {
            holders
        };
        for person in persons {
            if !members
                .get(person)
                .is_none_or(|known| known.kind.is_capped())
            {
                continue;
            }
            let joint = self
                .register
                .joint
                .get(person)
                .map_or(&[][..], Vec::as_slice);
            let accounts: Vec<(&ShareClass, &Account)> = std::iter::once(person)
                .chain(joint)
                .flat_map(|holder| self.withdrawable(*holder))
                .collect();
            let most = worth(
                accounts
                    .iter()
                    .map(|(class, account)| (*class, account.most_from(from))),
            );
            if most.is_some_and(|most| most <= WITHDRAWABLE_CAP) {
                continue;
            }
            let mut days: Vec<LocalDay> = accounts
                .iter()
                .flat_map(|(_, account)| account.ends_after(from).map(|(day, _)| day))
                .collect();
            days.push(from);
            days.sort_unstable();
            for day in days {
                let held = worth(
                    accounts
                        .iter()
                        .map(|(class, account)| (*class, account.held(day))),
                );
                let would = held.ok_or((day, Refused::TooLarge))?;
                if would > WITHDRAWABLE_CAP {
                    let why = Refused::Cap {
                        member: *person,
                        would,
                        cap: WITHDRAWABLE_CAP,
                    };
                    return Err((day, why));
                }
            }
        }
        Ok(())
    }

    fn withdrawable(&self, member: MemberNo) -> impl Iterator<Item = (&ShareClass, &Account)> {
        let classes = self.register.classes.iter().zip(0_u16..);
        classes
            .filter(|(class, _)| class.withdrawable)
            .filter_map(move |(class, place)| Some((class, self.get((member, place))?)))
    }
}

fn worth<'a>(held: impl Iterator<Item = (&'a ShareClass, i64)>) -> Option<Pence> {
    held.map(|(class, shares)| class.value(shares))
        .try_fold(Pence::ZERO, |sum, value| sum.checked_add(value?))
}

/// The line that broke what is broken on `day`: the last that moved in that direction by then.
fn blame(touched: &Touched, lines: &[Line], day: LocalDay, adding: Option<bool>) -> usize {
    let suspects = touched.lines.iter().copied().filter(|place| {
        lines.get(*place).is_some_and(|line| {
            line.on <= day && adding.is_none_or(|adding| adding == (line.shares > 0))
        })
    });
    let last = suspects.max_by_key(|place| (lines.get(*place).map(|line| line.on), *place));
    last.or(touched.lines.first().copied()).unwrap_or(0)
}

fn shut(class: &ShareClass, on: LocalDay) -> Result<(), Refused> {
    let early = class.opened.is_some_and(|opened| on < opened);
    let late = class.closed.is_some_and(|closed| on > closed);
    if !early && !late {
        return Ok(());
    }
    let span = match (class.opened, class.closed) {
        (Some(opened), Some(closed)) => format!("from `{opened}` to `{closed}`"),
        (Some(opened), None) => format!("from `{opened}`"),
        (None, Some(closed)) => format!("until `{closed}`"),
        (None, None) => String::new(),
    };
    Err(Refused::ClassShut {
        class: class.id.to_string(),
        span,
        on,
    })
}
