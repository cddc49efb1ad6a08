//! The bank's file: made in memory when an order is prepared, made again and handed out at release.

use domain::{calendar::Instant, membership::MemberNo, money::Pence};
use records::{
    decision::What,
    payments::{OrderLine, OrderNamed, OrderNote},
    roll::{InterestConverted, Payment as Chosen, Rest},
};
use report::{
    payments::{Batch, Payment, Profile, write},
    sheet::{Cell, Table},
};
use sha2::{Digest, Sha256};

use super::{OrderStanding, fold, movement, sum, terms};
use crate::{
    accounts::posting,
    answer::{Answer, OrCaller, OrOurs, Refusal, refuse},
    node::hex,
    roll::Roll,
    society::SocietyOffice,
};

/// A bank's file with what identifies it.
#[derive(Clone, Debug)]
pub struct MadeFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Payments in it.
    pub count: u32,
    /// Their sum.
    pub control: Pence,
    /// SHA-256 of the bytes.
    pub sha256: String,
}

/// What a release hands out.
#[derive(Clone, Debug)]
pub struct Released {
    /// The order's number.
    pub order: u32,
    /// The bank's file; none when nothing goes to the bank.
    pub file: Option<MadeFile>,
    /// True when it was released before, and nothing was changed now.
    pub before: bool,
}

impl SocietyOffice {
    /// Releases the last approved order of a run and profile: checks every payee against the journal,
    /// makes the file anew, and hands it out when not a byte differs. A second time hands out the same
    /// bytes and changes nothing.
    ///
    /// # Errors
    /// When no such order is approved, a payee's details were changed since, or the file would differ.
    pub fn release_order(
        &self,
        run: u32,
        profile: &str,
        number: Option<u32>,
        by: &str,
        now: Instant,
    ) -> Answer<Released> {
        let _one_at_a_time = posting();
        let of_run = |state: &&super::OrderState| {
            state.note.run == run
                && state.note.profile == profile
                && number.is_none_or(|number| state.note.order == number)
        };
        let orders = self.orders()?;
        let ready = orders.iter().filter(of_run).rev().find(|state| {
            matches!(
                state.standing,
                OrderStanding::Approved { .. } | OrderStanding::Released { .. }
            )
        });
        let Some(state) = ready else {
            let waits = orders.iter().rfind(of_run);
            return match waits.map(|state| (state.note.order, &state.standing)) {
                Some((order, OrderStanding::Prepared)) => refuse(format!(
                    "order {order} waits for another officer's approval; no file was made\nhint: `commonwatt --as OFFICER payments approve --order {order} --hash …`"
                )),
                _ => refuse(format!(
                    "no order pays run {run} with profile `{profile}`\nhint: `commonwatt --as OFFICER payments prepare --run {run} --profile {profile} --on DATE`, then another officer approves it"
                )),
            };
        };
        let note = &state.note;
        self.with_roll(|roll| {
            let released = matches!(state.standing, OrderStanding::Released { .. });
            if !released {
                nobody_died(roll, note)?;
            }
            let file = self.checked_file(roll, note)?;
            if released {
                return Ok(Released {
                    order: note.order,
                    file,
                    before: true,
                });
            }
            let today = self.today(now);
            let mut decisions = vec![What::OrderReleased(OrderNamed {
                order: note.order,
                hash: state.hash.clone(),
            })];
            decisions.extend(conversions(roll, note, today)?);
            decisions.extend(self.entries_of_release(note, today)?);
            self.enter(roll, decisions, by, now)?;
            Ok(Released {
                order: note.order,
                file,
                before: false,
            })
        })
    }

    /// Whether some bytes are the file of an order, to the last one.
    ///
    /// # Errors
    /// When they are not, or the order has no file.
    pub fn check_payment_file(&self, number: u32, bytes: &[u8]) -> Answer<OrderNote> {
        let state = self.order(number)?;
        let found = hex(&Sha256::digest(bytes));
        if state.note.file_sha256.is_empty() {
            return refuse(format!("order {number} sends nothing to the bank"));
        }
        if found != state.note.file_sha256 {
            return refuse(format!(
                "this is not the file of order {number}: its SHA-256 is `{found}`, and `{}` was approved\nhint: do not upload it; `payments file` writes the approved one again",
                state.note.file_sha256
            ));
        }
        Ok(state.note)
    }

    /// The file, when every payee and every byte is as it was approved.
    fn checked_file(&self, roll: &Roll, note: &OrderNote) -> Answer<Option<MadeFile>> {
        for line in note.lines.iter().filter(|line| line.way == "bank") {
            let facts = roll.facts.get(&MemberNo(line.member));
            let latest = facts
                .and_then(|facts| facts.bank.last())
                .map(|(hash, _)| hash);
            if latest != line.bank.as_ref() {
                return refuse(format!(
                    "the bank details of member {} were changed since order {} was prepared; nothing was released\nhint: `payments cancel --order {}`, and prepare it again: new details are left out for 7 days",
                    line.member, note.order, note.order
                ));
            }
        }
        let made = self.make_file(roll, note)?;
        let found = made.as_ref().map_or("", |made| made.sha256.as_str());
        let same = made
            .as_ref()
            .is_none_or(|made| (made.count, made.control.0) == (note.count, note.control_pence));
        if found != note.file_sha256 || !same {
            return refuse(format!(
                "the file of order {} comes out otherwise than when it was approved (SHA-256 `{found}`, approved `{}`); nothing was released\nhint: what the society file says under [payments] may have changed: cancel the order and prepare it again",
                note.order, note.file_sha256
            ));
        }
        Ok(made)
    }

    /// Makes the bank's file of an order from the sealed details that its lines name.
    pub(super) fn make_file(&self, roll: &Roll, note: &OrderNote) -> Answer<Option<MadeFile>> {
        let lines: Vec<&OrderLine> = note
            .lines
            .iter()
            .filter(|line| line.way == "bank")
            .collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let profile = Profile::read(&note.profile_text).or_caller()?;
        let known = self.known();
        let terms = terms::of(&known.document)?;
        let key = self.keys().sealing_key()?;
        let mut payments = Vec::new();
        for line in lines {
            let member = MemberNo(line.member);
            roll.register.member(member)?;
            let hash = line.bank.as_deref().unwrap_or_default();
            let details = self.open_bank(&key, member, hash)?;
            payments.push(Payment {
                name: details.name,
                sort_code: details.sort_code,
                account: details.account,
                roll_number: details.roll_number,
                pence: Pence(line.pence),
                reference: line.reference.clone(),
            });
        }
        let made = Instant(note.made_ms);
        let batch = Batch {
            id: format!("{}-{}", known.document.society.slug, note.order).to_uppercase(),
            number: note.order,
            made,
            made_on: known.zone.day_of(made),
            on: note.on.parse().or_ours("the day of an order")?,
        };
        let file = write(&profile, &terms.payer, &batch, &payments).or_caller()?;
        Ok(Some(MadeFile {
            sha256: hex(&Sha256::digest(&file.bytes)),
            bytes: file.bytes,
            count: file.count,
            control: file.control,
        }))
    }

    /// The cheques of an order to write: number, payee, address, amount, what stands on it.
    ///
    /// # Errors
    /// When there is no such order, another officer has not approved it, or the people file is damaged.
    pub fn cheque_list(&self, number: u32) -> Answer<Table> {
        let state = self.order(number)?;
        if !matches!(
            state.standing,
            OrderStanding::Approved { .. } | OrderStanding::Released { .. }
        ) {
            return refuse(format!(
                "order {number} is {}; expected one that another officer approved",
                state.standing.word()
            ));
        }
        self.with_roll(|roll| {
            let mut rows = Vec::new();
            for line in state.note.lines.iter().filter(|line| line.way == "cheque") {
                let member = MemberNo(line.member);
                let Some(person) = self.person(roll, member)? else {
                    return refuse(format!("member `{member}` was erased"));
                };
                let estate = self.estate_payee(roll, member)?;
                let payee = match &estate {
                    Some(payee) => format!("{}, for the estate of {}", payee.name, person.name),
                    None => person.name.clone(),
                };
                let to = estate.unwrap_or(person);
                let mut address = to.address;
                address.push(to.postcode);
                address.retain(|line| !line.is_empty());
                rows.push(vec![
                    Cell::Number(i64::from(line.member)),
                    Cell::Text(payee),
                    Cell::Text(address.join(", ")),
                    Cell::Pounds(line.pence),
                    Cell::Text(line.reference.clone()),
                    Cell::Text(state.note.on.clone()),
                ]);
            }
            Ok(Table {
                name: "Cheques",
                head: ["member", "payee", "address", "pounds", "reference", "date"]
                    .map(str::to_owned)
                    .to_vec(),
                rows,
            })
        })
    }
}

/// Refuses to release what would go to a member whose death was entered since: payments stop that day.
fn nobody_died(roll: &Roll, note: &OrderNote) -> Answer<()> {
    for line in &note.lines {
        let member = MemberNo(line.member);
        let died = roll.register.member(member)?.died;
        let for_estate = line.way == "cheque" && roll.estate_payee(member).is_some();
        if let Some(died) = died.filter(|_| !for_estate) {
            return refuse(format!(
                "member {member} died on {died}; nothing of order {} was released\nhint: `payments cancel --order {}`, and prepare it again: what is owed to the member waits for the estate",
                note.order, note.order
            ));
        }
    }
    Ok(())
}

/// The decisions that turn interest into shares.
fn conversions(
    roll: &Roll,
    note: &OrderNote,
    today: domain::calendar::LocalDay,
) -> Answer<Vec<What>> {
    let mut made = Vec::new();
    let mut moved = Vec::new();
    let mut certificate = roll.register.next_certificate();
    for line in note.lines.iter().filter(|line| line.way == "reinvest") {
        let plain = fold::line(line)?;
        let Some(part) = plain.parts.first() else {
            continue;
        };
        let place = roll.register.class_named(&part.class)?;
        let number = MemberNo(line.member);
        let carried = roll.register.carried(number, place);
        let par = roll.register.class(place)?.par;
        let again = domain::membership::convert(plain.net, carried, par);
        if (again.shares, again.rest) != (line.shares, plain.carried) {
            return refuse(format!(
                "what member {} carried towards a share was changed since order {} was prepared; nothing was released\nhint: cancel it and prepare it again",
                line.member, note.order
            ));
        }
        if plain.net.0 == 0 {
            continue;
        }
        let facts = roll.facts.get(&number).cloned().unwrap_or_default();
        if facts.payment != Chosen::Reinvest {
            return refuse(format!(
                "member {} no longer chooses shares; nothing was released\nhint: cancel order {} and prepare it again",
                line.member, note.order
            ));
        }
        let movement = movement(roll, &plain, today, certificate)?;
        let number_of_it = movement.is_some().then_some(certificate);
        if let Some(movement) = movement {
            moved.push(movement);
            certificate = certificate.saturating_add(1);
        }
        made.push(What::InterestConverted(InterestConverted {
            member: line.member,
            class: part.class.clone(),
            on: today.to_string(),
            interest_pence: plain.net.0,
            carried_pence: carried.0,
            shares: line.shares,
            certificate: number_of_it,
            rest_pence: plain.carried.0,
            rest: match plain.carried.0 {
                0 => Rest::Paid,
                _ => Rest::Carried,
            },
            order: Some(note.order),
        }));
    }
    if !moved.is_empty() {
        roll.register
            .check(&moved, today)
            .map_err(|why| Refusal::Caller(why.to_string()))?;
    }
    Ok(made)
}

impl Released {
    /// Count and sum of what goes to the bank.
    #[must_use]
    pub fn bank(&self) -> (u32, Pence) {
        self.file
            .as_ref()
            .map_or((0, sum(std::iter::empty())), |file| {
                (file.count, file.control)
            })
    }
}
