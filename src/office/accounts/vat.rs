//! VAT, where the society is registered: from when, at which rates, and the nine boxes of a return.
//!
//! What counts is posted: VAT on frozen bills to hosts is box 1, VAT on approved suppliers' bills box
//! 4, by the days of their entries; reversals count on their own days. FIT payments for generation
//! are outside VAT and in no box. Entries of other sources that touch the VAT account (a payment to
//! HMRC, say) are in no box and are listed, so that nobody overlooks one.

use domain::{
    accounts::{AccountCode, Entry, Kind, Ledger, Role, SourceKind},
    calendar::{Instant, LocalDay},
    interest::Percent,
    money::Pence,
};
use records::{
    books::{VatReturned, VatTerms},
    decision::What,
};
use rust_decimal::Decimal;

use super::{
    super::{
        answer::{Answer, OrCaller, OrOurs, refuse},
        society::SocietyOffice,
    },
    posting,
};

/// Boxes of the return.
const BOXES: usize = 9;

/// A return as the books have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VatReturn {
    /// First and last day.
    pub days: (LocalDay, LocalDay),
    /// Boxes 1 to 9: boxes 1 to 5 in pence, 6 to 9 in whole pounds as pence, without the odd pence.
    pub boxes: [i64; BOXES],
    /// Entries behind each of the boxes 1, 4, 6 and 7: box, entry, pence.
    pub entries: Vec<(usize, u32, Pence)>,
    /// Entries that touch the VAT account and are in no box.
    pub others: Vec<u32>,
    /// True when it was sent as it is.
    pub sent: bool,
}

impl SocietyOffice {
    /// Enters the society's VAT from a day on; gives whether anything changed.
    ///
    /// # Errors
    /// When a rate is none, or the source is missing.
    pub fn set_vat(&self, terms: &VatTerms, by: &str, now: Instant) -> Answer<bool> {
        terms.from.parse::<LocalDay>().or_caller()?;
        for (name, percent) in &terms.rates {
            percent.parse::<Percent>().or_caller()?;
            if name.trim().is_empty() {
                return refuse("a rate has a name\nhint: --rate standard=20");
            }
        }
        if terms.source.trim().is_empty() || (terms.registered && terms.rates.is_empty()) {
            return refuse(
                "a registration needs its source and at least one rate\nhint: --source \"certificate of …\" --rate standard=20 --rate reduced=5",
            );
        }
        if self.vat_terms()?.contains(terms) {
            return Ok(false);
        }
        self.decide(What::VatTerms(terms.clone()), by, now)?;
        Ok(true)
    }

    /// What was entered about VAT, in order.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn vat_terms(&self) -> Answer<Vec<VatTerms>> {
        self.decided("vat-terms/1", |what| match what {
            What::VatTerms(terms) => Some(terms),
            _ => None,
        })
    }

    /// The terms in force on a day, when the society is registered then.
    fn vat_on(&self, on: LocalDay) -> Answer<Option<VatTerms>> {
        let mut found: Option<VatTerms> = None;
        let on = on.to_string();
        for terms in self.vat_terms()? {
            // Days as text stand in order of the calendar; of one day the later decision counts.
            if terms.from <= on
                && found
                    .as_ref()
                    .is_none_or(|before| before.from <= terms.from)
            {
                found = Some(terms);
            }
        }
        Ok(found.filter(|terms| terms.registered))
    }

    /// Refuses VAT on a supplier's bill that cannot be reclaimed, or is above the highest rate.
    pub(super) fn check_input_vat(&self, on: LocalDay, net: Pence, vat: Pence) -> Answer<()> {
        if vat == Pence::ZERO {
            return Ok(());
        }
        let Some(terms) = self.vat_on(on)? else {
            return refuse(format!(
                "the society was not registered for VAT on `{on}`; VAT on a bill is part of its cost then\nhint: leave --vat out and add it to the line, or enter the registration: `accounts vat terms`"
            ));
        };
        let mut most = Decimal::ZERO;
        for (_, percent) in &terms.rates {
            most = most.max(percent.parse::<Percent>().or_ours("a VAT rate")?.decimal());
        }
        let at_most = Decimal::from(net.0)
            .checked_mul(most)
            .and_then(|all| all.checked_div(Decimal::ONE_HUNDRED))
            .and_then(Pence::rounded)
            .unwrap_or_default();
        // A bill's own lines may each be rounded up.
        if vat.0 > at_most.0.saturating_add(5) {
            return refuse(format!(
                "VAT of {vat} on {net} is more than the highest rate, {most} %, comes to: {at_most}"
            ));
        }
        Ok(())
    }

    /// The return of some days, as the books have it.
    ///
    /// # Errors
    /// When the society was not registered on all of them.
    pub fn vat_return(&self, first: LocalDay, last: LocalDay) -> Answer<VatReturn> {
        if last < first {
            return refuse(format!("`{first}` to `{last}` has no day"));
        }
        for day in [first, last] {
            if self.vat_on(day)?.is_none() {
                return refuse(format!(
                    "the society was not registered for VAT on `{day}`\nhint: `accounts vat terms --from DATE --registered …` enters a registration"
                ));
            }
        }
        let ledger = self.with_chart()?;
        let account = ledger.role(Role::Vat).or_caller()?;
        let mut made = VatReturn {
            days: (first, last),
            boxes: [0; BOXES],
            entries: Vec::new(),
            others: Vec::new(),
            sent: false,
        };
        for entry in ledger.between(first, last) {
            let vat = sum(entry, |code| *code == account);
            let net = |kind: Kind| {
                sum(entry, |code| {
                    ledger.chart().get(code).is_some_and(|of| of.kind == kind)
                })
            };
            match origin(&ledger, entry) {
                Some(SourceKind::Bill) => {
                    made.put(1, entry, vat.saturating_neg());
                    made.put(6, entry, net(Kind::Income).saturating_neg());
                }
                Some(SourceKind::Supplier) if paid(&ledger, entry) => {}
                Some(SourceKind::Supplier) => {
                    made.put(4, entry, vat);
                    // A bill may be for a cost or for an asset: all of it but VAT and what is owed.
                    let owed = ledger.role(Role::Creditors).or_caller()?;
                    made.put(
                        7,
                        entry,
                        sum(entry, |code| *code != account && *code != owed),
                    );
                }
                _ if vat != 0 => made.others.push(entry.number),
                _ => {}
            }
        }
        made.boxes[2] = made.boxes[0].saturating_add(made.boxes[1]);
        made.boxes[4] = made.boxes[2].saturating_sub(made.boxes[3]);
        for place in 5..BOXES {
            made.boxes[place] -= made.boxes[place] % 100;
        }
        let sent = self.vat_returns()?;
        made.sent = sent.iter().any(|one| {
            one.from == first.to_string() && one.to == last.to_string() && one.boxes == made.boxes
        });
        Ok(made)
    }

    /// Notes that a return was sent as the books have it.
    ///
    /// # Errors
    /// When its days are not over, or overlap one that was sent.
    pub fn vat_returned(
        &self,
        first: LocalDay,
        last: LocalDay,
        by: &str,
        now: Instant,
    ) -> Answer<VatReturn> {
        let _one_at_a_time = posting();
        self.not_to_come(last.next(), now)?;
        let mut made = self.vat_return(first, last)?;
        let (from, to) = (first.to_string(), last.to_string());
        let before = self.vat_returns()?;
        if let Some(other) = before.iter().find(|one| one.from <= to && from <= one.to) {
            return refuse(format!(
                "a return of `{}` to `{}` was sent before; expected other days\nhint: what was wrong in it is set right in the next",
                other.from, other.to
            ));
        }
        let what = What::VatReturned(VatReturned {
            from,
            to,
            boxes: made.boxes.to_vec(),
        });
        self.decide(what, by, now)?;
        made.sent = true;
        Ok(made)
    }

    /// The returns that were sent, in order.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn vat_returns(&self) -> Answer<Vec<VatReturned>> {
        self.decided("vat-returned/1", |what| match what {
            What::VatReturned(returned) => Some(returned),
            _ => None,
        })
    }
}

impl VatReturn {
    fn put(&mut self, number: usize, entry: &Entry, pence: i64) {
        if let Some(place) = self.boxes.get_mut(number.saturating_sub(1))
            && pence != 0
        {
            *place = place.saturating_add(pence);
            self.entries.push((number, entry.number, Pence(pence)));
        }
    }
}

/// What an entry was made from; a reversal counts as what it takes back.
fn origin(ledger: &Ledger, entry: &Entry) -> Option<SourceKind> {
    match entry.reverses {
        Some(number) => ledger.entry(number).map(|of| of.new.source.kind),
        None => Some(entry.new.source.kind),
    }
}

/// True for the payment of a supplier's bill.
fn paid(ledger: &Ledger, entry: &Entry) -> bool {
    let of = entry
        .reverses
        .and_then(|number| ledger.entry(number))
        .unwrap_or(entry);
    of.new.source.reference.ends_with("/paid")
}

fn sum(entry: &Entry, wanted: impl Fn(&AccountCode) -> bool) -> i64 {
    let postings = entry
        .new
        .postings
        .iter()
        .filter(|posting| wanted(&posting.account));
    postings.map(|posting| posting.pence.0).sum()
}
