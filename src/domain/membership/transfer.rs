//! Shares that pass from one member to another, and capital paid back to all alike.

use super::{Line, MemberNo, MovementKind, Refused, ShareRegister, Source};
use crate::calendar::LocalDay;

/// A wish to pass shares on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Whose they are.
    pub from: MemberNo,
    /// Whose they become.
    pub to: MemberNo,
    /// The class, by its place.
    pub class: u16,
    /// How many.
    pub shares: i64,
    /// The day.
    pub on: LocalDay,
    /// True when the one who holds them died.
    pub on_death: bool,
}

impl ShareRegister {
    /// The two ends of a transfer.
    ///
    /// # Errors
    /// When the class does not pass in life, nobody died, or a limit stands in the way.
    pub fn transfer(&self, wish: &Transfer, today: LocalDay) -> Result<Vec<Line>, Refused> {
        if wish.from == wish.to {
            return Err(Refused::SameMember(wish.from));
        }
        if wish.shares < 1 {
            return Err(Refused::NoShares(wish.shares));
        }
        let terms = self.class(wish.class)?;
        if wish.on_death && self.member(wish.from)?.died.is_none() {
            return Err(Refused::NotDead(wish.from));
        }
        if !wish.on_death && !terms.transferable {
            return Err(Refused::NotTransferable(terms.id.to_string()));
        }
        self.free(wish.from, wish.class, wish.shares)?;
        let out = Line {
            member: wish.from,
            class: wish.class,
            on: wish.on,
            shares: wish.shares.saturating_neg(),
            kind: MovementKind::TransferOut,
            source: Source::None,
            certificate: 0,
            paired: true,
        };
        let comes = Line {
            member: wish.to,
            shares: wish.shares,
            kind: MovementKind::TransferIn,
            certificate: self.next_certificate(),
            paired: false,
            ..out
        };
        let lines = vec![out, comes];
        self.check(&lines, today)?;
        Ok(lines)
    }

    /// What would be paid back to all holders of a class alike: the same part of each holding, a
    /// fraction of a share dropped.
    ///
    /// # Errors
    /// When nobody has a whole share of it.
    pub fn repayment(
        &self,
        class: u16,
        part_bp: u32,
        on: LocalDay,
        today: LocalDay,
    ) -> Result<Vec<Line>, Refused> {
        let all = self.accounts.iter().filter(|((_, of), _)| *of == class);
        let lines: Vec<Line> = all
            .filter_map(|((member, _), account)| {
                let held = account.least_from(on);
                let part = held
                    .saturating_mul(i64::from(part_bp.min(10_000)))
                    .checked_div(10_000)
                    .unwrap_or(0);
                (part > 0).then(|| Line {
                    member: *member,
                    class,
                    on,
                    shares: part.saturating_neg(),
                    kind: MovementKind::Repayment,
                    source: Source::None,
                    certificate: 0,
                    paired: false,
                })
            })
            .collect();
        if lines.is_empty() {
            return Err(Refused::NothingWaits(
                "repaid: no holding has a whole share of it",
            ));
        }
        self.check(&lines, today)?;
        Ok(lines)
    }
}
