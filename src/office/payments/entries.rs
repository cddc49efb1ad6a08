//! What payments to members are in the books: less owed, less in the bank, more capital, more fund.
//!
//! A payment by bank is posted when it is sent, on the day money moves, and taken back when it is
//! returned. A cheque is posted when it was cashed: until then the books owe it. Shares and gifts are
//! posted on the day of release.

use domain::{
    accounts::{Ledger, NewEntry, Posting, Role, Source, SourceKind},
    calendar::LocalDay,
    money::Pence,
};
use records::{
    decision::What,
    payments::{OrderLine, OrderNote},
};

use crate::{
    accounts::posted,
    answer::{Answer, OrCaller, OrOurs},
    society::SocietyOffice,
};

/// Amounts by role, a debit above zero.
type Sides = [(Role, i64)];

impl SocietyOffice {
    /// The decisions that post a release; none for a society without a chart.
    pub(super) fn entries_of_release(
        &self,
        note: &OrderNote,
        today: LocalDay,
    ) -> Answer<Vec<What>> {
        let mut ledger = self.ledger()?;
        if ledger.chart().is_empty() {
            return Ok(Vec::new());
        }
        let of = |way: &str, field: fn(&OrderLine) -> i64| -> i64 {
            let lines = note.lines.iter().filter(|line| line.way == way);
            lines.map(field).sum()
        };
        let on = note.on.parse().or_ours("the day of an order")?;
        let mut made = Vec::new();
        let bank = [
            (Role::InterestOwed, of("bank", |line| line.gross_pence)),
            (Role::Bank, -of("bank", |line| line.pence)),
            (Role::InterestTax, -of("bank", |line| line.tax_pence)),
        ];
        let text = format!("share interest of run {}, paid by bank", note.run);
        made.extend(entry(
            &mut ledger,
            on,
            &text,
            note.order.to_string(),
            &bank,
        )?);
        // What is carried towards a share stays owed; what was carried before becomes one now.
        let capital = self.capital_of(note)?;
        let credited = [
            (
                Role::InterestOwed,
                capital
                    + of("reinvest", |line| line.tax_pence)
                    + of("fund", |line| line.gross_pence),
            ),
            (Role::ShareCapital, -capital),
            (Role::Fund, -of("fund", |line| line.pence)),
            (
                Role::InterestTax,
                -of("reinvest", |line| line.tax_pence) - of("fund", |line| line.tax_pence),
            ),
        ];
        let text = format!("share interest of run {}, made shares or given", note.run);
        let reference = format!("{}/credited", note.order);
        made.extend(entry(&mut ledger, today, &text, reference, &credited)?);
        Ok(made)
    }

    /// What the shares of an order are worth at par, pence.
    fn capital_of(&self, note: &OrderNote) -> Answer<i64> {
        let known = self.known();
        let mut capital = 0_i64;
        for line in note.lines.iter().filter(|line| line.shares > 0) {
            let class = line.parts.first().map_or("", |(class, _)| class.as_str());
            let terms = known
                .document
                .share_class
                .iter()
                .find(|one| one.id == class);
            let par: Pence = match terms {
                Some(terms) => terms.par_pounds.parse().or_ours("the par of a share")?,
                None => Pence::ZERO,
            };
            capital = capital.saturating_add(par.0.saturating_mul(line.shares));
        }
        Ok(capital)
    }

    /// The decision that posts what became of one payment: a cheque that was cashed (`paid`), or a
    /// payment that came back.
    pub(super) fn entry_of_report(
        &self,
        ledger: &mut Ledger,
        note: &OrderNote,
        line: &OrderLine,
        paid: bool,
        on: LocalDay,
    ) -> Answer<Option<What>> {
        if ledger.chart().is_empty() {
            return Ok(None);
        }
        let sign = if paid { 1 } else { -1 };
        let sides = [
            (Role::InterestOwed, sign * line.gross_pence),
            (Role::Bank, -sign * line.pence),
            (Role::InterestTax, -sign * line.tax_pence),
        ];
        let word = if paid { "cashed" } else { "returned" };
        entry(
            ledger,
            on,
            &format!("payment {} {word}", line.reference),
            format!("{}/{word}/{}", note.order, line.member),
            &sides,
        )
    }

    /// The decision that posts interest which fell to the society.
    pub(super) fn entry_of_forfeit(
        &self,
        run: u32,
        member: u32,
        pence: i64,
        to: Role,
        on: LocalDay,
        rule: &str,
    ) -> Answer<Option<What>> {
        let mut ledger = self.ledger()?;
        if ledger.chart().is_empty() {
            return Ok(None);
        }
        let sides = [(Role::InterestOwed, pence), (to, -pence)];
        let text = format!("unclaimed share interest of run {run}, forfeited by {rule}");
        entry(
            &mut ledger,
            on,
            &text,
            format!("forfeit/{run}/{member}"),
            &sides,
        )
    }
}

/// An entry of these sides, checked, and taken into the ledger; none when all are nothing.
fn entry(
    ledger: &mut Ledger,
    on: LocalDay,
    text: &str,
    reference: String,
    sides: &Sides,
) -> Answer<Option<What>> {
    let mut postings = Vec::new();
    for (role, pence) in sides.iter().filter(|(_, pence)| *pence != 0) {
        postings.push(Posting {
            account: ledger.role(*role).or_caller()?,
            pence: Pence(*pence),
        });
    }
    if postings.is_empty() {
        return Ok(None);
    }
    let new = NewEntry {
        on,
        text: text.to_owned(),
        source: Source {
            kind: SourceKind::Payment,
            reference,
        },
        postings,
    };
    ledger.check(&new).or_caller()?;
    let what = posted(ledger.next_number(), &new, None);
    ledger.enter(new, None);
    Ok(Some(what))
}
