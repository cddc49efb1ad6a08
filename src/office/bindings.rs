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

#[cfg(test)]
mod tests {
    use domain::metering::bindings::Bindings;

    use super::*;
    use crate::{document_from_toml, known::Numbering};

    const SOCIETY: &str = r#"
[society]
slug = "bes1"
name = "Sample Energy"
sample = true

[[site]]
id = "roof"
name = "Roof"
latitude = "51.46"
longitude = "-0.11"
capacity_kwp = "37.24"

[[site]]
id = "barn"
name = "Barn"
latitude = "51.46"
longitude = "-0.11"
capacity_kwp = "4"

[[meter_point]]
id = "barn-generation"
site = "barn"
counts = "generation"
capacity_kw = "4"

[[meter]]
serial = "B1"
meter_point = "barn-generation"
installed = "2020-01-01"
register = [{ code = "2.8.0", digits = 9 }]

[[gateway]]
id = "g1"
site = "roof"

[[gateway]]
id = "g2"
"#;

    fn known(text: &str, binds: bool) -> Answer<Known> {
        let mut document = document_from_toml(text)?;
        document.society.binds_gateways = binds;
        Known::check(&document, &mut Numbering::new())
    }

    const NOON: Instant = Instant(1_782_043_200_000);

    #[test]
    fn a_document_from_before_binds_no_gateway_and_is_told_what_to_do() {
        let mut old = known(SOCIETY, false).unwrap();
        old.bind(&Bindings::none(), NOON).unwrap();
        assert!(old.bindings.is_own("g1", "B1", NOON, NOON));
        let [advice] = &super::advice(&old)[..] else {
            panic!("{:?}", super::advice(&old))
        };
        assert!(advice.contains("apply the file again"), "{advice}");
        // Applied again: bound, and what had come stays as it was.
        let mut new = known(SOCIETY, true).unwrap();
        let day = NOON.plus_ms(86_400_000);
        new.bind(&old.bindings, day).unwrap();
        assert_eq!(new.bindings.changed_since(&old.bindings), None);
        let later = day.plus_ms(86_400_000);
        assert!(!new.bindings.is_own("g1", "B1", NOON, later));
        assert!(new.bindings.is_own("g2", "B1", NOON, later));
        let [advice] = &super::advice(&new)[..] else {
            panic!("{:?}", super::advice(&new))
        };
        assert!(advice.contains("gateway `g2` names no site"), "{advice}");
    }

    #[test]
    fn a_site_or_gateway_that_is_not_in_the_file_is_named() {
        for (from, to, says) in [
            (
                "site = \"roof\"\n\n[[gateway]]",
                "site = \"rof\"\n\n[[gateway]]",
                "did you mean `roof`",
            ),
            (
                "id = \"g2\"",
                "id = \"g2\"\nmore_sites = [\"barn\"]",
                "names more_sites and no site",
            ),
            (
                "id = \"g2\"",
                "id = \"g2\"\nfrom = \"1 May\"",
                "gateway.from",
            ),
            (
                "serial = \"B1\"",
                "serial = \"B1\"\ngateway = \"g3\"",
                "meter.gateway",
            ),
        ] {
            let text = SOCIETY.replacen(from, to, 1);
            assert_ne!(text, SOCIETY, "{from}");
            let error = known(&text, true).err().expect("refused").to_string();
            assert!(error.contains(says), "{error}\nexpected {says}");
        }
    }

    #[test]
    fn a_gateway_that_moves_says_since_when_and_not_since_the_same_day() {
        let moved = |site: &str, from: &str| {
            let entry = format!("id = \"g1\"\nsite = \"{site}\"\nfrom = \"{from}\"");
            let text = SOCIETY.replacen("id = \"g1\"\nsite = \"roof\"", &entry, 1);
            document_from_toml(&text).unwrap()
        };
        let was = moved("roof", "2024-01-01");
        let error = check_change(&was, &moved("barn", "2024-01-01")).unwrap_err();
        assert!(
            error.to_string().contains("hint: write the first day"),
            "{error}"
        );
        check_change(&was, &moved("barn", "2026-05-01")).unwrap();
        check_change(&was, &moved("roof", "2024-01-01")).unwrap();
    }
}
