//! Short lists: societies, roofs, meters, installations, gateways, with their main figures.

use domain::calendar::{Instant, LocalDay};
use records::decision::KeyBy;
use serde::Serialize;

use super::{Credential, Office, gateways::evidence_of, society::SocietyOffice};

/// A society in the list.
#[derive(Clone, Debug, Serialize)]
pub struct SocietyLine {
    /// Its slug.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Number of roofs.
    pub sites: usize,
    /// Their size together, W.
    pub capacity_wp: i64,
    /// Number of meters.
    pub meters: usize,
    /// True when it is sample data.
    pub sample: bool,
    /// Records in its journal.
    pub journal_records: u64,
}

/// A roof in the list.
#[derive(Clone, Debug, Serialize)]
pub struct SiteLine {
    /// Its id.
    pub id: String,
    /// Its society.
    pub society: String,
    /// Its name.
    pub name: String,
    /// Its size, W.
    pub capacity_wp: i64,
    /// First day of generation.
    pub commissioned: String,
    /// True when not found in print.
    pub sample: bool,
}

/// A meter in the list.
#[derive(Clone, Debug, Serialize)]
pub struct MeterLine {
    /// Its serial.
    pub id: String,
    /// Its society.
    pub society: String,
    /// Its meter point.
    pub meter_point: String,
    /// Its roof.
    pub site: String,
    /// Its registers.
    pub registers: Vec<String>,
    /// First day there.
    pub installed: String,
    /// Whether it is approved for billing today.
    pub approved_for_billing: bool,
    /// The last read's time, RFC 3339.
    pub last_read_at: Option<String>,
    /// What it showed, Wh.
    pub last_read_wh: Option<i64>,
}

/// A FIT installation in the list.
#[derive(Clone, Debug, Serialize)]
pub struct InstallationLine {
    /// Its id.
    pub id: String,
    /// Its society.
    pub society: String,
    /// Its roof.
    pub site: String,
    /// Its meter point.
    pub meter_point: String,
    /// Declared net capacity, kW.
    pub declared_net_capacity_kw: String,
    /// Eligibility date.
    pub eligible_from: String,
    /// True when not found in print.
    pub sample: bool,
}

/// A gateway in the list.
#[derive(Clone, Debug, Serialize)]
pub struct GatewayLine {
    /// Its id.
    pub id: String,
    /// Its society.
    pub society: String,
    /// Its roof.
    pub site: String,
    /// `token`, `certificate`, both, `revoked` or `none`.
    pub credential: &'static str,
    /// What its reads are worth: `G` signed, `T` transport, `none` when it is revoked.
    pub evidence: &'static str,
    /// Its keys, oldest first.
    pub keys: Vec<KeyLine>,
    /// Notes that told that two gateways have its key.
    pub clones: Vec<CloneLine>,
    /// Messages or reads since the daemon started that were kept and do not count.
    pub not_believed: u64,
    /// Why the last of them does not count; empty for none.
    pub not_believed_because: String,
    /// Roofs whose meters it reads now; none when it may send reads of any.
    pub serves: Vec<String>,
    /// Until when its one-time code is worth something; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_until: Option<String>,
    /// Wrong codes that were shown in its name since that code was made.
    pub wrong_codes: u32,
    /// Of its last notes, those whose predecessor is not here and not said to be lost.
    pub missing_links: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_missing_link: Option<NoteName>,
    /// Of its last notes, those that name another predecessor than the one that is here.
    pub broken_links: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_broken_link: Option<NoteName>,
}

/// A note's name within its gateway.
#[derive(Clone, Debug, Serialize)]
pub struct NoteName {
    /// The boot.
    pub boot: u64,
    /// The number.
    pub seq: u64,
}

/// A key of a gateway.
#[derive(Clone, Debug, Serialize)]
pub struct KeyLine {
    /// SHA-256 of the public key.
    pub fingerprint: String,
    /// Since when it is known.
    pub since: String,
    /// `code` or `rotation`.
    pub known_by: &'static str,
    /// When another took its place: what was made later is not believed; absent while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_from: Option<String>,
    /// From when what it signed is not believed; absent while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_from: Option<String>,
}

/// A number that two different notes have.
#[derive(Clone, Debug, Serialize)]
pub struct CloneLine {
    /// The boot in both.
    pub boot: u64,
    /// The number in both.
    pub seq: u64,
    /// Why the second is not believed; empty when it is signed as well as the first.
    pub second_is: String,
}

impl Office {
    /// The societies.
    #[must_use]
    pub fn list_societies(&self) -> Vec<SocietyLine> {
        self.societies()
            .iter()
            .map(|society| {
                let known = society.known();
                SocietyLine {
                    id: society.slug().to_owned(),
                    name: known.document.society.name.clone(),
                    sites: known.sites.len(),
                    capacity_wp: known.sites.values().map(|s| s.kwp.0).sum(),
                    meters: known.meters.len(),
                    sample: known.document.society.sample,
                    journal_records: society.committer().reader().size(),
                }
            })
            .collect()
    }

    /// The gateways of all societies.
    #[must_use]
    pub fn list_gateways(&self, only: Option<&str>, now: Instant) -> Vec<GatewayLine> {
        let credentials = self.credentials();
        let mut lines = Vec::new();
        for society in self
            .societies()
            .iter()
            .filter(|s| only.is_none_or(|o| o == s.slug()))
        {
            let known = society.known();
            for gateway in &known.document.gateway {
                let standing = credentials.get(&gateway.id);
                let keys = standing.map_or(&[][..], |standing| &standing.keys);
                let doubted = self.doubted(&gateway.id);
                let links = self.links(&gateway.id);
                let clones = known.clones.iter().filter(|c| c.gateway == gateway.id);
                lines.push(GatewayLine {
                    evidence: evidence_of(standing),
                    keys: keys
                        .iter()
                        .map(|known| KeyLine {
                            fingerprint: known.key.fingerprint().to_string(),
                            since: known.since.to_string(),
                            known_by: match known.known_by {
                                KeyBy::Code => "code",
                                KeyBy::Rotation => "rotation",
                            },
                            ended_from: known.ended_from.map(|from| from.to_string()),
                            revoked_from: known.revoked_from.map(|from| from.to_string()),
                        })
                        .collect(),
                    clones: clones
                        .map(|c| CloneLine {
                            boot: c.boot,
                            seq: c.seq,
                            second_is: c.second_is.clone(),
                        })
                        .collect(),
                    serves: known
                        .bindings
                        .sites_of(&gateway.id, now)
                        .map(str::to_owned)
                        .collect(),
                    code_until: standing
                        .and_then(|standing| standing.code)
                        .filter(|code| now < code.until)
                        .map(|code| code.until.to_string()),
                    wrong_codes: self.node().wrong_codes(&gateway.id),
                    missing_links: links.missing,
                    first_missing_link: links.first_missing.map(note_name),
                    broken_links: links.broken,
                    first_broken_link: links.first_broken.map(note_name),
                    not_believed: doubted.count,
                    not_believed_because: doubted.last_reason,
                    id: gateway.id.clone(),
                    society: society.slug().to_owned(),
                    site: gateway.site.clone(),
                    credential: match credentials.get(&gateway.id) {
                        Some(Credential { revoked: true, .. }) => "revoked",
                        Some(Credential {
                            token: Some(_),
                            certificate: Some(_),
                            ..
                        }) => "token and certificate",
                        Some(Credential { token: Some(_), .. }) => "token",
                        Some(Credential {
                            certificate: Some(_),
                            ..
                        }) => "certificate",
                        _ => "none",
                    },
                });
            }
        }
        lines
    }
}

fn note_name((boot, seq): (u64, u64)) -> NoteName {
    NoteName { boot, seq }
}

impl SocietyOffice {
    /// Its roofs.
    #[must_use]
    pub fn list_sites(&self) -> Vec<SiteLine> {
        let known = self.known();
        known
            .document
            .site
            .iter()
            .map(|site| SiteLine {
                id: site.id.clone(),
                society: self.slug().to_owned(),
                name: site.name.clone(),
                capacity_wp: known.sites.get(&site.id).map_or(0, |s| s.kwp.0),
                commissioned: site.commissioned.clone(),
                sample: site.sample,
            })
            .collect()
    }

    /// Its meters, with the last read.
    #[must_use]
    pub fn list_meters(&self, now: Instant) -> Vec<MeterLine> {
        let known = self.known();
        let today = known.zone.day_of(now);
        known
            .document
            .meter
            .iter()
            .map(|meter| {
                let last = known
                    .series
                    .iter()
                    .filter(|s| s.meter == meter.serial)
                    .find_map(|s| self.live().get(s.id));
                MeterLine {
                    id: meter.serial.clone(),
                    society: self.slug().to_owned(),
                    meter_point: meter.meter_point.clone(),
                    site: known
                        .points
                        .get(&meter.meter_point)
                        .map(|p| p.site.clone())
                        .unwrap_or_default(),
                    registers: meter.register.iter().map(|r| r.code.clone()).collect(),
                    installed: meter.installed.clone(),
                    approved_for_billing: meter
                        .approved
                        .as_ref()
                        .and_then(|a| a.expires.parse::<LocalDay>().ok())
                        .is_some_and(|expires| today <= expires),
                    last_read_at: last.map(|l| l.at.to_string()),
                    last_read_wh: last.map(|l| l.wh.0),
                }
            })
            .collect()
    }

    /// Its FIT installations.
    #[must_use]
    pub fn list_installations(&self) -> Vec<InstallationLine> {
        self.known()
            .document
            .installation
            .iter()
            .map(|installation| InstallationLine {
                id: installation.id.clone(),
                society: self.slug().to_owned(),
                site: installation.site.clone(),
                meter_point: installation.meter_point.clone(),
                declared_net_capacity_kw: installation.declared_net_capacity_kw.clone(),
                eligible_from: installation.eligible_from.clone(),
                sample: installation.sample,
            })
            .collect()
    }
}
