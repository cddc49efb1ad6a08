//! Whose meter it is, from the society file: gateways at their sites, meters that name a gateway.
//!
//! A gateway serves the meters of `site` and `more_sites`, and those it names under `meters`; a meter
//! may name its one `gateway`. What is dated holds from the first moment of its day, what is not from
//! its application on ([`domain::metering::bindings`]).

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, Zone},
    metering::bindings::{Entries, GatewayEntry, MeterEntry},
};
use records::society::{Gateway, SocietyDocument};

use super::{
    answer::{Answer, refuse},
    known::{Known, KnownSite, date, known},
};

/// Checks what a document says of gateways and meters.
pub(super) fn check(document: &SocietyDocument, sites: &BTreeMap<String, KnownSite>) -> Answer<()> {
    let gateways: BTreeMap<String, ()> = document
        .gateway
        .iter()
        .map(|g| (g.id.clone(), ()))
        .collect();
    for gateway in &document.gateway {
        if !gateway.site.is_empty() {
            known("gateway.site", &gateway.site, sites)?;
        } else if !gateway.more_sites.is_empty() {
            return refuse(format!(
                "gateway `{}` names more_sites and no site\nhint: `site` is the roof it hangs on",
                gateway.id
            ));
        }
        for site in &gateway.more_sites {
            known("gateway.more_sites", site, sites)?;
        }
        if !gateway.from.is_empty() {
            date("gateway.from", &gateway.from)?;
        }
    }
    for meter in &document.meter {
        if !meter.gateway.is_empty() {
            known("meter.gateway", &meter.gateway, &gateways)?;
        }
        if !meter.gateway_from.is_empty() {
            date("meter.gateway_from", &meter.gateway_from)?;
        }
    }
    Ok(())
}

/// What a checked document says.
pub(super) fn entries(known: &Known) -> Answer<Entries> {
    let document = &known.document;
    let mut entries = Entries {
        binds: document.society.binds_gateways,
        ..Entries::default()
    };
    for gateway in &document.gateway {
        let entry = GatewayEntry {
            sites: sites_of(gateway).map(Into::into).collect(),
            meters: gateway.meters.values().map(|m| m.as_str().into()).collect(),
            from: first_moment(&known.zone, "gateway.from", &gateway.from)?,
        };
        entries.gateways.insert(gateway.id.as_str().into(), entry);
    }
    for meter in &document.meter {
        let site = known
            .points
            .get(&meter.meter_point)
            .map(|p| p.site.as_str());
        let entry = MeterEntry {
            site: site.unwrap_or_default().into(),
            gateway: (!meter.gateway.is_empty()).then(|| meter.gateway.as_str().into()),
            from: first_moment(&known.zone, "meter.gateway_from", &meter.gateway_from)?,
        };
        entries.meters.insert(meter.serial.as_str().into(), entry);
    }
    Ok(entries)
}

/// Refuses a change that says since a day on which something else was said: what the gateway had
/// read there before would no longer count.
pub(super) fn check_change(was: &SocietyDocument, now: &SocietyDocument) -> Answer<()> {
    for gateway in now.gateway.iter().filter(|g| !g.from.is_empty()) {
        let before = was.gateway.iter().find(|g| g.id == gateway.id);
        if before.is_some_and(|b| b.from == gateway.from && !sites_of(b).eq(sites_of(gateway))) {
            return refuse(format!(
                "gateway `{}` changes its site and keeps `from = \"{}\"`: what it read at its old site since then would no longer count\nhint: write the first day at the new site; to say that it was there all along, the day before",
                gateway.id, gateway.from
            ));
        }
    }
    for meter in now.meter.iter().filter(|m| !m.gateway_from.is_empty()) {
        let before = was.meter.iter().find(|m| m.serial == meter.serial);
        if before.is_some_and(|b| {
            b.gateway_from == meter.gateway_from
                && (&b.gateway, &b.meter_point) != (&meter.gateway, &meter.meter_point)
        }) {
            return refuse(format!(
                "meter `{}` changes its gateway or place and keeps `gateway_from = \"{}\"`\nhint: write the first day on which the new one read it",
                meter.serial, meter.gateway_from
            ));
        }
    }
    Ok(())
}

/// What is to be said of gateways that are not bound, a line each.
#[must_use]
pub fn advice(known: &Known) -> Vec<String> {
    let document = &known.document;
    let slug = &document.society.slug;
    if !document.society.binds_gateways {
        return if document.gateway.is_empty() {
            Vec::new()
        } else {
            vec![format!(
                "`{slug}`: its file was applied before gateways were bound to their sites: each may send reads of any meter\nhint: apply the file again with `commonwatt society apply`"
            )]
        };
    }
    let free = document.gateway.iter().filter(|g| g.site.is_empty());
    free.map(|gateway| {
        format!(
            "`{slug}`: gateway `{}` names no site: it may send reads of any meter\nhint: add `site = \"…\"` under its [[gateway]]",
            gateway.id
        )
    })
    .collect()
}

fn sites_of(gateway: &Gateway) -> impl Iterator<Item = &str> {
    let first = Some(gateway.site.as_str()).filter(|site| !site.is_empty());
    first
        .into_iter()
        .chain(gateway.more_sites.iter().map(String::as_str))
}

fn first_moment(zone: &Zone, key: &str, day: &str) -> Answer<Option<Instant>> {
    if day.is_empty() {
        return Ok(None);
    }
    Ok(Some(zone.day_span(date(key, day)?).start))
}
