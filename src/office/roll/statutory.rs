//! The register that the law asks for, and share certificates.

use domain::{
    calendar::{Instant, LocalDay},
    membership::{MemberNo, Refused},
};
use report::roll::{Certificate, Register, RegisterRow};

use super::{
    super::{
        answer::{Answer, refuse},
        society::SocietyOffice,
    },
    caller,
};

impl SocietyOffice {
    /// The register of members on a day.
    ///
    /// # Errors
    /// When the day has not come, or the people file is damaged.
    pub fn statutory_register(
        &self,
        on: LocalDay,
        with_shares: bool,
        now: Instant,
    ) -> Answer<Register> {
        let today = self.today(now);
        if on > today {
            return refuse(Refused::Future { on, today });
        }
        let document = &self.known().document;
        let rows = self.with_roll(|roll| {
            let register = &roll.register;
            let mut rows = Vec::new();
            for member in register.members().filter(|member| member.joined <= on) {
                let person = self.person(roll, member.number)?;
                let address = person.as_ref().map(|person| {
                    let lines = person.address.iter().chain([&person.postcode]);
                    let lines: Vec<&str> = lines
                        .map(String::as_str)
                        .filter(|l| !l.is_empty())
                        .collect();
                    lines.join(", ")
                });
                let classes = register.classes().iter().zip(0_u16..);
                let shares = classes
                    .map(|(class, place)| (class, register.held(member.number, place, on)))
                    .filter(|(_, held)| with_shares && *held != 0)
                    .map(|(class, held)| {
                        (
                            class.id.to_string(),
                            held,
                            class.value(held).unwrap_or_default(),
                        )
                    });
                rows.push(RegisterRow {
                    number: member.number.0,
                    kind: member.kind.word(),
                    name: person.map(|person| person.name),
                    address: address.unwrap_or_default(),
                    joined: member.joined,
                    left: register.left(member.number).filter(|left| *left <= on),
                    shares: shares.collect(),
                });
            }
            Ok(rows)
        })?;
        Ok(Register {
            society: document.society.name.clone(),
            on,
            rows,
            with_shares,
            officers: document
                .officer
                .iter()
                .map(|officer| (officer.id.clone(), officer.role.clone()))
                .collect(),
            sample: self.is_sample(),
        })
    }

    /// A share certificate.
    ///
    /// # Errors
    /// When there is none of that number, or its member was erased.
    pub fn certificate(&self, number: u32) -> Answer<Certificate> {
        let society = self.known().document.society.name.clone();
        let sample = self.is_sample();
        self.with_roll(|roll| {
            let issued = roll
                .register
                .movements()
                .iter()
                .find(|movement| number != 0 && movement.line.certificate == number);
            let Some(issued) = issued else {
                return refuse(format!(
                    "certificate `{number}` was not issued\nhint: `shares movements` lists them"
                ));
            };
            let member: MemberNo = issued.line.member;
            let class = roll.register.class(issued.line.class).map_err(caller)?;
            let Some(person) = self.person(roll, member)? else {
                return refuse(format!("member `{member}` was erased"));
            };
            Ok(Certificate {
                society,
                number,
                member: member.0,
                name: person.name,
                shares: issued.line.shares,
                par: class.par,
                pence: class.value(issued.line.shares).unwrap_or_default(),
                class: class.name.clone(),
                withdrawable: class.withdrawable,
                on: issued.line.on,
                reversed: issued.reversed_by != 0,
                sample,
            })
        })
    }
}
