//! Fixed assets: what was bought, straight-line depreciation run by period, and their end.

use domain::{
    accounts::{AccountCode, Asset, Kind, Ledger, NewEntry, Posting, Role, Source, SourceKind},
    calendar::{Instant, LocalDay},
    money::Pence,
};
use records::{
    books::{AssetDisposed, AssetEntered},
    decision::What,
};

use super::{
    super::{
        answer::{Answer, OrCaller, OrOurs, refuse},
        society::SocietyOffice,
    },
    posting, under,
};

/// A fixed asset as it stands on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetLine {
    /// As it was entered.
    pub entered: AssetEntered,
    /// Depreciation in the books so far, with what opening balances held.
    pub charged: Pence,
    /// What it is still worth in the books.
    pub worth: Pence,
    /// The entries that charged it.
    pub entries: Vec<u32>,
    /// The day it went.
    pub disposed: Option<LocalDay>,
}

impl SocietyOffice {
    /// Enters a fixed asset that an entry of the books bought or took over; gives its number.
    ///
    /// # Errors
    /// When accounts or terms do not fit, or the entry does not debit so much to the account.
    pub fn enter_asset(&self, new: &AssetEntered, by: &str, now: Instant) -> Answer<u32> {
        let _one_at_a_time = posting();
        let ledger = self.with_chart()?;
        let of_kind = |code: &str, kind: Kind| -> Answer<AccountCode> {
            let code: AccountCode = code.parse().or_caller()?;
            match ledger.chart().get(&code) {
                Some(account) if account.kind == kind => Ok(code),
                Some(account) => refuse(format!(
                    "account `{code}` is {}; expected one of kind {}",
                    account.kind.word(),
                    kind.word()
                )),
                None => refuse(format!("account `{code}` is not in the chart")),
            }
        };
        let cost_account = of_kind(&new.cost_account, Kind::Asset)?;
        of_kind(&new.depreciation_account, Kind::Asset)?;
        of_kind(&new.expense_account, Kind::Expense)?;
        let asset = terms(new)?;
        if !new.site.is_empty() {
            super::super::known::known("site", &new.site, &self.known().sites)?;
        }
        let all = self.assets()?;
        let Some(entry) = ledger
            .entry(new.entry)
            .filter(|e| ledger.reversed_by(e.number).is_none())
        else {
            return refuse(format!(
                "there is no entry `{}` that stands; expected the one that bought the asset or took it over",
                new.entry
            ));
        };
        let debited: i64 = entry
            .new
            .postings
            .iter()
            .filter(|posting| posting.account == cost_account)
            .map(|posting| posting.pence.0)
            .sum();
        let of_entry = all
            .iter()
            .filter(|(one, _)| one.entry == new.entry && one.cost_account == new.cost_account);
        let taken: i64 = of_entry.map(|(one, _)| one.cost_pence).sum();
        if debited.saturating_sub(taken) < new.cost_pence {
            return refuse(format!(
                "entry {} debits {} to account `{cost_account}`, of which {} are other assets; expected at least {}",
                new.entry,
                Pence(debited),
                Pence(taken),
                Pence(new.cost_pence)
            ));
        }
        let most = asset.charged_by(LocalDay(i32::MAX / 2));
        if new.before_pence < 0 || new.before_pence > most.0 {
            return refuse(format!(
                "depreciation before the books of {}; expected from nothing to {most}",
                Pence(new.before_pence)
            ));
        }
        let number = u32::try_from(all.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let entered = AssetEntered {
            number,
            ..new.clone()
        };
        self.decide(What::AssetEntered(Box::new(entered)), by, now)?;
        Ok(number)
    }

    /// The fixed assets as they stand at the end of a day.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn asset_lines(&self, on: LocalDay) -> Answer<Vec<AssetLine>> {
        let ledger = self.ledger()?;
        let line = |(entered, disposed): (AssetEntered, Option<AssetDisposed>)| {
            let disposed = disposed
                .map(|gone| gone.on.parse().or_ours("an asset"))
                .transpose()?;
            let (entries, charged) = charged(&ledger, &entered, on);
            let gone = disposed.is_some_and(|day: LocalDay| day <= on);
            let worth = match gone {
                true => 0,
                false => entered.cost_pence.saturating_sub(charged.0),
            };
            Ok(AssetLine {
                charged,
                worth: Pence(worth),
                entries,
                disposed,
                entered,
            })
        };
        self.assets()?.into_iter().map(line).collect()
    }

    /// Charges depreciation up to the end of a day, one entry an asset; gives the entries. What is
    /// charged already is not charged again.
    ///
    /// # Errors
    /// When the day is to come or closed.
    pub fn depreciate(&self, until: LocalDay, by: &str, now: Instant) -> Answer<Vec<u32>> {
        let _one_at_a_time = posting();
        self.not_to_come(until, now)?;
        let ledger = self.with_chart()?;
        let mut entries = Vec::new();
        for (asset, disposed) in self.assets()? {
            let on: LocalDay = asset.on.parse().or_ours("an asset")?;
            if disposed.is_none() && on <= until {
                entries.extend(charge(&ledger, &asset, until)?);
            }
        }
        self.post_under(ledger, Vec::new(), entries, by, now)
    }

    /// An asset went: depreciation is charged to that day, cost and depreciation are taken out, and
    /// what was gained or lost is posted. Gives the entries.
    ///
    /// # Errors
    /// When it is not there or went before, or a later day was charged already.
    pub fn dispose_asset(
        &self,
        gone: &AssetDisposed,
        paid_to: Option<AccountCode>,
        by: &str,
        now: Instant,
    ) -> Answer<Vec<u32>> {
        let _one_at_a_time = posting();
        let on: LocalDay = gone.on.parse().or_caller()?;
        self.not_to_come(on, now)?;
        let ledger = self.with_chart()?;
        let all = self.assets()?;
        let Some((asset, disposed)) = all.iter().find(|(one, _)| one.number == gone.number) else {
            return refuse(format!(
                "there is no asset `{}`\nhint: `commonwatt accounts asset list` shows them",
                gone.number
            ));
        };
        if let Some(before) = disposed {
            return refuse(format!("asset {} went on `{}`", gone.number, before.on));
        }
        if gone.proceeds_pence < 0 || gone.reason.trim().is_empty() {
            return refuse("what was paid for it is not below nothing, and its end has a reason");
        }
        let catch_up = charge(&ledger, asset, on)?;
        let now_charged = charged(&ledger, asset, LocalDay(i32::MAX / 2)).1;
        let by_then = charged(&ledger, asset, on).1;
        if now_charged != by_then {
            return refuse(format!(
                "depreciation of asset {} was charged for days after `{on}`\nhint: reverse these entries first: `commonwatt accounts asset list` names them",
                gone.number
            ));
        }
        let more: i64 = catch_up
            .iter()
            .flat_map(|entry| entry.postings.first())
            .map(|posting| posting.pence.0)
            .sum();
        let charged = by_then.0.saturating_add(more);
        let paid_to = match paid_to {
            Some(code) => code,
            None => ledger.role(Role::Bank).or_caller()?,
        };
        // Gained: paid for more than the asset was still worth; a credit.
        let worth = asset.cost_pence.saturating_sub(charged);
        let gained = gone.proceeds_pence.saturating_sub(worth);
        let mut postings = Vec::new();
        let mut add = |code: AccountCode, pence: i64| {
            if pence != 0 {
                postings.push(Posting {
                    account: code,
                    pence: Pence(pence),
                });
            }
        };
        add(paid_to, gone.proceeds_pence);
        add(
            asset.depreciation_account.parse().or_ours("an asset")?,
            charged,
        );
        add(
            ledger.role(Role::Disposal).or_caller()?,
            gained.saturating_neg(),
        );
        add(
            asset.cost_account.parse().or_ours("an asset")?,
            asset.cost_pence.saturating_neg(),
        );
        let entry = NewEntry {
            on,
            text: format!("{} went: {}", asset.name, gone.reason),
            source: source(asset.number, "disposed"),
            postings,
        };
        let what = vec![What::AssetDisposed(gone.clone())];
        let entries = catch_up.into_iter().chain([entry]).collect();
        self.post_under(ledger, what, entries, by, now)
    }

    /// The assets as they were entered, each with its end.
    pub(super) fn assets(&self) -> Answer<Vec<(AssetEntered, Option<AssetDisposed>)>> {
        let mut all: Vec<(AssetEntered, Option<AssetDisposed>)> = Vec::new();
        for decision in self.decisions(&["asset-entered/1", "asset-disposed/1"])? {
            match decision.what {
                What::AssetEntered(asset) => all.push((*asset, None)),
                What::AssetDisposed(gone) => {
                    let of = all.iter_mut().find(|(one, _)| one.number == gone.number);
                    if let Some((_, disposed)) = of {
                        *disposed = Some(gone);
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }
}

fn terms(asset: &AssetEntered) -> Answer<Asset> {
    let on = asset.on.parse().or_caller()?;
    let (cost, residual) = (Pence(asset.cost_pence), Pence(asset.residual_pence));
    Asset::new(cost, residual, asset.life_months, on).or_caller()
}

/// The entries that charged an asset up to a day, and what was charged by then in all.
fn charged(ledger: &Ledger, asset: &AssetEntered, on: LocalDay) -> (Vec<u32>, Pence) {
    let mut pence = asset.before_pence;
    let mut entries = Vec::new();
    let own = under(ledger, SourceKind::Asset, asset.number);
    for entry in own.filter(|entry| entry.new.on <= on) {
        if entry.new.source.reference.ends_with("/disposed") {
            continue;
        }
        entries.push(entry.number);
        pence = pence.saturating_add(entry.new.postings.first().map_or(0, |first| first.pence.0));
    }
    (entries, Pence(pence))
}

/// The entry that charges what is to be charged by a day; none when nothing is.
fn charge(ledger: &Ledger, asset: &AssetEntered, until: LocalDay) -> Answer<Option<NewEntry>> {
    let due = terms(asset)?.charged_by(until);
    let pence = due.0.saturating_sub(charged(ledger, asset, until).1.0);
    if pence <= 0 {
        return Ok(None);
    }
    let posting = |account: &str, pence: i64| -> Answer<Posting> {
        Ok(Posting {
            account: account.parse().or_ours("an asset")?,
            pence: Pence(pence),
        })
    };
    Ok(Some(NewEntry {
        on: until,
        text: format!("depreciation of {} to {until}", asset.name),
        source: source(asset.number, &until.to_string()),
        postings: vec![
            posting(&asset.expense_account, pence)?,
            posting(&asset.depreciation_account, pence.saturating_neg())?,
        ],
    }))
}

fn source(number: u32, what: &str) -> Source {
    Source {
        kind: SourceKind::Asset,
        reference: format!("{number}/{what}"),
    }
}
