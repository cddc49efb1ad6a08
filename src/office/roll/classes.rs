//! Share classes and offers of the society file, checked once and turned into the domain's terms.

use domain::{
    calendar::LocalDay,
    membership::{Notice, Offer, OfferRule, ShareClass, ShareRegister},
    money::Pence,
};
use records::society::{self, SocietyDocument};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::super::{
    answer::{Answer, OrCaller, OrOurs, refuse},
    known::{date, slug, unique},
    society::SocietyOffice,
};

/// Checks the classes and offers of a document.
///
/// # Errors
/// The first thing that is wrong, with the key it stands under.
pub fn check(document: &SocietyDocument) -> Answer<()> {
    unique("share_class.id", document.share_class.iter().map(|c| &c.id))?;
    unique("share_offer.id", document.share_offer.iter().map(|o| &o.id))?;
    let mut register = ShareRegister::default();
    define(&mut register, document)?;
    for terms in &document.share_offer {
        offer(&register, terms)?;
    }
    Ok(())
}

/// Gives a register the classes of a document.
pub(super) fn define(register: &mut ShareRegister, document: &SocietyDocument) -> Answer<()> {
    for terms in &document.share_class {
        register.define(class(terms)?);
    }
    Ok(())
}

/// A class that was issued keeps its place in the file and its par value.
///
/// # Errors
/// When the new document would take it away or change its par value.
pub fn keeps(society: &SocietyOffice, next: &SocietyDocument) -> Answer<()> {
    if society.known().document.share_class == next.share_class {
        return Ok(());
    }
    society.with_roll(|roll| {
        for (known, place) in roll.register.classes().iter().zip(0_u16..) {
            let used = roll.register.movements().iter().any(|m| m.line.class == place)
                || roll.register.applications().iter().any(|a| a.class == place);
            if !used {
                continue;
            }
            let Some(terms) = next.share_class.iter().find(|c| c.id == *known.id) else {
                return refuse(format!(
                    "share class `{}` is not in the file, but shares of it were issued\nhint: keep its [[share_class]]; `closed = \"YYYY-MM-DD\"` ends its issue",
                    known.id
                ));
            };
            if class(terms)?.par != known.par {
                return refuse(format!(
                    "share_class.par_pounds: shares of class `{}` were issued at {}; the value of a share does not change",
                    known.id, known.par
                ));
            }
        }
        Ok(())
    })
}

/// The offer of that id.
pub(super) fn offer_named(
    register: &ShareRegister,
    document: &SocietyDocument,
    id: &str,
) -> Answer<Offer> {
    match document.share_offer.iter().find(|offer| offer.id == id) {
        Some(terms) => offer(register, terms),
        None => refuse(domain::membership::Refused::NoOffer(id.to_owned())),
    }
}

fn class(terms: &society::ShareClass) -> Answer<ShareClass> {
    slug("share_class.id", &terms.id)?;
    let at = |key: &str| format!("share_class `{}`, {key}", terms.id);
    let par: Pence = terms.par_pounds.parse().or_caller()?;
    if par.0 < 1 {
        return refuse(format!("{}: expected more than nothing", at("par_pounds")));
    }
    let minimum = terms.minimum_shares;
    if minimum < 1 || terms.maximum_shares.is_some_and(|most| most < minimum) {
        return refuse(format!(
            "{}: expected at least 1, and no more than maximum_shares",
            at("minimum_shares")
        ));
    }
    let asks_back = !terms.notice.is_empty() || !terms.yearly_limit_percent.is_empty();
    if asks_back && !terms.withdrawable {
        return refuse(format!(
            "{}: the class is not withdrawable; expected neither notice nor yearly_limit_percent",
            at("withdrawable")
        ));
    }
    let notice = match terms.notice.as_str() {
        "" => Notice::default(),
        text => text.parse().or_caller()?,
    };
    Ok(ShareClass {
        id: terms.id.as_str().into(),
        name: terms.name.clone(),
        par,
        withdrawable: terms.withdrawable,
        transferable: terms.transferable,
        minimum,
        maximum: terms.maximum_shares,
        notice,
        yearly_limit_bp: basis_points(&at("yearly_limit_percent"), &terms.yearly_limit_percent)?,
        opened: day("share_class.opened", &terms.opened)?,
        closed: day("share_class.closed", &terms.closed)?,
    })
}

fn offer(register: &ShareRegister, terms: &society::ShareOffer) -> Answer<Offer> {
    let at = format!("share_offer `{}`", terms.id);
    let made = Offer {
        id: terms.id.as_str().into(),
        class: register.class_named(&terms.class).or_caller()?,
        opens: date("share_offer.opens", &terms.opens)?,
        closes: date("share_offer.closes", &terms.closes)?,
        minimum_raise: terms.minimum_raise_shares,
        maximum_raise: terms.maximum_raise_shares,
        minimum: terms.minimum_shares,
        maximum: terms.maximum_shares,
        rule: match terms.rule {
            society::OfferRule::FirstCome => OfferRule::FirstCome,
            society::OfferRule::ScaleBack => OfferRule::ScaleBack,
        },
        waiting_list: terms.waiting_list,
    };
    if made.closes < made.opens {
        return refuse(format!(
            "{at}, closes: expected a day from `{}` on",
            made.opens
        ));
    }
    let sizes = made.minimum >= 1
        && made.maximum.is_none_or(|most| most >= made.minimum)
        && made.minimum_raise >= 0
        && made.maximum_raise >= made.minimum_raise.max(1);
    if !sizes {
        return refuse(format!(
            "{at}: expected 1 ≤ minimum_shares ≤ maximum_shares and 0 ≤ minimum_raise_shares ≤ maximum_raise_shares"
        ));
    }
    Ok(made)
}

fn day(key: &str, text: &str) -> Answer<Option<LocalDay>> {
    match text {
        "" => Ok(None),
        text => date(key, text).map(Some),
    }
}

/// Per cent as decimal text, in hundredths of a per cent; at most 100.
pub(super) fn basis_points(key: &str, percent: &str) -> Answer<Option<u32>> {
    if percent.is_empty() {
        return Ok(None);
    }
    let hundredths = Decimal::from_str_exact(percent)
        .ok()
        .and_then(|percent| percent.checked_mul(Decimal::ONE_HUNDRED))
        .filter(|bp| bp.is_integer() && *bp <= Decimal::from(10_000))
        .and_then(|bp| bp.to_u32());
    match hundredths {
        Some(bp) => Ok(Some(bp)),
        None => refuse(format!(
            "{key}: `{percent}` is no percentage; expected 0 to 100 with at most two digits after the point"
        )),
    }
}

impl SocietyOffice {
    /// The accounts year in which a day lies.
    pub(crate) fn year_of(&self, on: LocalDay) -> domain::calendar::FinancialYear {
        self.known().year_start.year_of(on)
    }

    /// True where the figures of this society, or of a class, are samples.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        let known = self.known();
        known.document.society.sample || known.document.share_class.iter().any(|c| c.sample)
    }

    /// The roll, folded anew from the journal itself and not from the books.
    ///
    /// # Errors
    /// When the journal is damaged.
    pub fn roll_from_the_journal(&self) -> Answer<super::Roll> {
        let mut roll = super::Roll::default();
        define(&mut roll.register, &self.known().document)?;
        for batch in self.committer().reader().batches_ahead(0) {
            for record in batch.or_ours("the society's journal")?.iter() {
                if record.bytes.first() == Some(&records::KIND_DECISION) {
                    let decision = records::decision::Decision::from_record(record.bytes)
                        .or_ours("the society's journal")?;
                    roll.take(domain::calendar::Instant(decision.at_ms), &decision.what)?;
                }
            }
        }
        Ok(roll)
    }
}
