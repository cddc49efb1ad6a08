//! Whose meter it is: which gateway may send the reads of which meter, by the time of the read.
//!
//! A gateway serves the meters of its site, of further sites it names, and meters named by serial;
//! a meter may name its one gateway. The society's documents are taken one after the other
//! ([`Bindings::take`]), and each change has a date: the one that is written, or else a minute after
//! the document was applied. So a gateway that moved, was replaced or went keeps the reads it made
//! before, at every replay, and one read's answer never depends on the order of arrival.
//!
//! A gateway that names no site is *free*: it may send anything, as before gateways were bound. When
//! it gets its first site, what it had sent until then stays, and from then on its older reads are
//! judged by that site too, so that a date in the past is no way around.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::calendar::Instant;

/// How long after a document was applied an undated change of it begins, ms: what is on its way was
/// decoded before.
pub const GRACE_MS: i64 = 60_000;

/// What a document says of one gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayEntry {
    /// Sites whose meters it reads; none when it is free.
    pub sites: BTreeSet<Box<str>>,
    /// Meters it reads wherever they hang, by serial.
    pub meters: BTreeSet<Box<str>>,
    /// Since when, if it is written.
    pub from: Option<Instant>,
}

/// What a document says of one meter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterEntry {
    /// Where it hangs.
    pub site: Box<str>,
    /// The one gateway that reads it, if it is named.
    pub gateway: Option<Box<str>>,
    /// Since when, if it is written.
    pub from: Option<Instant>,
}

/// What one document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Whether gateways are bound by it: documents from before that was known bind none.
    pub binds: bool,
    /// Its gateways by id.
    pub gateways: BTreeMap<Box<str>, GatewayEntry>,
    /// Its meters by serial.
    pub meters: BTreeMap<Box<str>, MeterEntry>,
}

/// Which gateway may send the reads of which meter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    gateways: BTreeMap<Box<str>, BoundGateway>,
    meters: BTreeMap<Box<str>, Arc<BoundMeter>>,
}

/// What a gateway served, over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundGateway {
    /// What reached us before this instant is as it was: the gateway was free.
    free_before: Instant,
    /// In order of time; nothing while it is not in the document, no span while it is free.
    serves: Vec<Since<Option<GatewayEntry>>>,
}

/// Where a meter hung, over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundMeter(Vec<Since<MeterEntry>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Since<T> {
    from: Instant,
    what: T,
}

impl Bindings {
    /// No gateway is bound.
    #[must_use]
    pub fn none() -> Bindings {
        Bindings::default()
    }

    /// Takes the next document, applied at `at`.
    pub fn take(&mut self, entries: &Entries, at: Instant) {
        let soon = at.plus_ms(GRACE_MS);
        for (serial, entry) in &entries.meters {
            let BoundMeter(spans) = Arc::make_mut(self.meters.entry(serial.clone()).or_default());
            let start = match spans.last() {
                None => Instant(i64::MIN),
                Some(_) => entry.from.unwrap_or(soon),
            };
            let same =
                |a: &MeterEntry, b: &MeterEntry| (&a.site, &a.gateway) == (&b.site, &b.gateway);
            change(spans, entry, start, same);
        }
        let same = |a: &Option<GatewayEntry>, b: &Option<GatewayEntry>| {
            let what = |entry: &GatewayEntry| (entry.sites.clone(), entry.meters.clone());
            a.as_ref().map(what) == b.as_ref().map(what)
        };
        for (id, entry) in &entries.gateways {
            let known = self.gateways.contains_key(id);
            let gateway = self.gateways.entry(id.clone()).or_insert(BoundGateway {
                free_before: Instant(i64::MAX),
                serves: Vec::new(),
            });
            let first = gateway.serves.is_empty();
            if !entries.binds || (first && entry.sites.is_empty()) {
                continue;
            }
            if first {
                gateway.free_before = if known { soon } else { Instant(i64::MIN) };
            }
            let undated = if first { Instant(i64::MIN) } else { soon };
            let start = entry.from.unwrap_or(undated);
            change(&mut gateway.serves, &Some(entry.clone()), start, same);
        }
        for (id, gateway) in &mut self.gateways {
            if entries.binds && !gateway.serves.is_empty() && !entries.gateways.contains_key(id) {
                change(&mut gateway.serves, &None, soon, same);
            }
        }
    }

    /// The gateway as it was bound for what reached us then; none when it was free.
    #[must_use]
    pub fn gateway(&self, id: &str, received: Instant) -> Option<&BoundGateway> {
        let gateway = self.gateways.get(id)?;
        (received >= gateway.free_before).then_some(gateway)
    }

    /// Whether any gateway is bound at all.
    #[must_use]
    pub fn binds_any(&self) -> bool {
        self.gateways.values().any(|g| !g.serves.is_empty())
    }

    /// Where a meter hung; none when no document named it.
    #[must_use]
    pub fn meter(&self, serial: &str) -> Option<&Arc<BoundMeter>> {
        self.meters.get(serial)
    }

    /// Whether what this meter showed at `at` counts, coming from this gateway and reaching us at
    /// `received`.
    ///
    /// ```
    /// use commonwatt_domain::{calendar::Instant, metering::bindings::*};
    /// let meter = MeterEntry { site: "elmore-house".into(), ..MeterEntry::default() };
    /// let roof = |site: &str| GatewayEntry { sites: [site.into()].into(), ..GatewayEntry::default() };
    /// let mut bindings = Bindings::none();
    /// bindings.take(
    ///     &Entries {
    ///         binds: true,
    ///         gateways: [("roof-1".into(), roof("elmore-house")), ("roof-2".into(), roof("dorchester"))].into(),
    ///         meters: [("E1".into(), meter)].into(),
    ///     },
    ///     Instant(0),
    /// );
    /// let now = Instant(60_000);
    /// assert!(bindings.is_own("roof-1", "E1", now, now));
    /// assert!(!bindings.is_own("roof-2", "E1", now, now));
    /// ```
    #[must_use]
    pub fn is_own(&self, id: &str, meter: &str, at: Instant, received: Instant) -> bool {
        self.gateway(id, received).is_none_or(|gateway| {
            let hangs = self.meters.get(meter).map(AsRef::as_ref);
            gateway.owns(id, meter, hangs, at)
        })
    }

    /// Sites that a gateway serves at a time, in order; none when it is free or serves nothing.
    pub fn sites_of(&self, id: &str, at: Instant) -> impl Iterator<Item = &str> {
        let gateway = self.gateways.get(id);
        let serves = gateway.and_then(|gateway| in_force(&gateway.serves, at)?.as_ref());
        let sites = serves.map(|serves| serves.sites.iter().map(AsRef::as_ref));
        sites.into_iter().flatten()
    }

    /// From which reading time on a read that `before` has answered for may get another answer; none
    /// when every answer stands.
    #[must_use]
    pub fn changed_since(&self, before: &Bindings) -> Option<Instant> {
        let gateways = self.gateways.iter().filter_map(|(id, now)| {
            let then = before.gateways.get(id)?;
            // What a free gateway sent stays as it was, so its first binding changes no answer.
            let was_bound = !then.serves.is_empty();
            was_bound.then(|| differ(&then.serves, &now.serves))?
        });
        let any_bound = before.binds_any();
        let meters = self.meters.iter().filter_map(|(serial, now)| {
            let then = before.meters.get(serial).filter(|_| any_bound)?;
            differ(&then.0, &now.0)
        });
        gateways.chain(meters).min()
    }
}

impl BoundGateway {
    /// Whether this gateway, of that id, may send what a meter showed at that time; `hangs` says
    /// where the meter hung. A meter that no document names is nobody's, and its reads are placed
    /// nowhere.
    #[must_use]
    pub fn owns(&self, id: &str, meter: &str, hangs: Option<&BoundMeter>, at: Instant) -> bool {
        let Some(Some(serves)) = in_force(&self.serves, at) else {
            return false;
        };
        if serves.meters.contains(meter) {
            return true;
        }
        let hangs = hangs.and_then(|spans| in_force(&spans.0, at));
        hangs.is_none_or(|hangs| match &hangs.gateway {
            Some(named) => **named == *id,
            None => serves.sites.is_empty() || serves.sites.contains(&hangs.site),
        })
    }
}

/// Puts `entry` in force from `start` on, in the place of all that began later.
fn change<T: Clone>(
    spans: &mut Vec<Since<T>>,
    entry: &T,
    start: Instant,
    same: impl Fn(&T, &T) -> bool,
) {
    let last = spans.last();
    // Said again, without or with the date it has: nothing changes, whenever it is said.
    if last.is_some_and(|last| same(&last.what, entry) && last.from <= start) {
        return;
    }
    spans.retain(|span| span.from < start);
    if spans.last().is_none_or(|last| !same(&last.what, entry)) {
        spans.push(Since {
            from: start,
            what: entry.clone(),
        });
    }
}

fn in_force<T>(spans: &[Since<T>], at: Instant) -> Option<&T> {
    let after = spans.partition_point(|span| span.from <= at);
    spans.get(after.checked_sub(1)?).map(|span| &span.what)
}

/// The first instant at which two histories say different things.
fn differ<T: PartialEq>(a: &[Since<T>], b: &[Since<T>]) -> Option<Instant> {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let next = |spans: &[Since<T>]| spans.get(same).map(|span| span.from);
    next(a).into_iter().chain(next(b)).min()
}
