//! What is known of a society: its document, checked once and trusted afterwards.
//!
//! Every reference is followed and every decimal and date read here, so that nothing further in
//! has to fail on them. Series are numbered in the order in which the society's documents first
//! named them; numbers never change, so that a rebuild from the journal gives the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    calendar::{Instant, LocalDay, Span, YearStart, Zone},
    metering::{Direction, Nights, Obis, Register, SeriesId, bindings::Bindings},
    quantity::{WattHours, Watts},
};
use records::{
    decision::{GatewayCloned, What},
    devices::Devices,
    directory::Disbelieved,
    ongoing::{PowerPoint, PowerPoints},
    society::{Counts, SocietyDocument},
};

use super::{
    answer::{Answer, refuse},
    sun,
};

/// The order in which series were first named: (meter serial, register).
pub type Numbering = Vec<(String, Obis)>;

/// A checked society document.
#[derive(Clone)]
pub struct Known {
    /// The document itself.
    pub document: SocietyDocument,
    /// The zone of its days.
    pub zone: Zone,
    /// Its accounts year.
    pub year_start: YearStart,
    /// Roofs by id.
    pub sites: BTreeMap<String, KnownSite>,
    /// Meter points by id.
    pub points: BTreeMap<String, KnownPoint>,
    /// Meters by serial.
    pub meters: BTreeMap<String, KnownMeter>,
    /// Series in number order.
    pub series: Vec<KnownSeries>,
    /// Mappings of devices that speak their own dialect.
    pub devices: Devices,
    /// Gateways of which nothing that came in a span is believed.
    pub disbelieved: Vec<Disbelieved>,
    /// Notes that told that two gateways have one key.
    pub clones: Vec<GatewayCloned>,
    /// Which gateway may send the reads of which meter, by all documents so far.
    pub bindings: Arc<Bindings>,
}

/// A roof.
#[derive(Clone)]
pub struct KnownSite {
    /// What people call it.
    pub name: String,
    /// Array size.
    pub kwp: Watts,
    /// When it is dark there.
    pub nights: Arc<Nights>,
}

/// A meter point.
#[derive(Clone)]
pub struct KnownPoint {
    /// Its roof's id.
    pub site: String,
    /// What people call it.
    pub name: String,
    /// What it counts.
    pub counts: Counts,
    /// The most that can pass.
    pub ceiling: Watts,
    /// Serials of its meters, oldest first.
    pub meters: Vec<String>,
}

/// A meter.
#[derive(Clone)]
pub struct KnownMeter {
    /// Its meter point's id.
    pub point: String,
    /// First day there.
    pub installed: LocalDay,
    /// Its registers; none when it only knows power.
    pub registers: Vec<Register>,
    /// Whether its energy is integrated power: estimated, and never claimed.
    pub power_only: bool,
}

/// A register of a meter, numbered.
#[derive(Clone)]
pub struct KnownSeries {
    /// Its number.
    pub id: SeriesId,
    /// Meter serial.
    pub meter: String,
    /// The register.
    pub register: Obis,
    /// False when the present document no longer names it; its reads stay.
    pub named: bool,
}

impl Known {
    /// Checks a document; `numbering` holds the series of earlier documents and grows.
    ///
    /// # Errors
    /// The first thing that is wrong, with the key it stands under.
    pub fn check(document: &SocietyDocument, numbering: &mut Numbering) -> Answer<Known> {
        let s = &document.society;
        slug("society.slug", &s.slug)?;
        let zone = Zone::named(&s.zone).map_err(|e| wrong("society.zone", e))?;
        let address = &s.public_address;
        if !address.is_empty()
            && (!(address.starts_with("https://") || address.starts_with("http://"))
                || address.contains(char::is_whitespace))
        {
            return Err(wrong(
                "society.public_address",
                format!("`{address}` is no address of a page; expected https://…"),
            ));
        }
        let year_start = s
            .financial_year_starts
            .parse()
            .map_err(|e| wrong("society.financial_year_starts", e))?;
        let sites = sites(document)?;
        let mut points = points(document, &sites)?;
        let meters = meters(document, &mut points)?;
        for gateway in &document.gateway {
            if gateway.id.is_empty()
                || gateway.id.contains(['/', '+', '#', ' '])
                || gateway.id.len() > 64
            {
                return refuse(format!(
                    "gateway `{}`: an id stands in MQTT topics; expected 1 to 64 letters, digits, `-`, `_` or `.`",
                    gateway.id
                ));
            }
            super::devices::check_gateway(gateway, &meters)?;
        }
        super::bindings::check(document, &sites)?;
        unique("gateway.id", document.gateway.iter().map(|g| &g.id))?;
        unique("officer.id", document.officer.iter().map(|o| &o.id))?;
        unique(
            "installation.id",
            document.installation.iter().map(|i| &i.id),
        )?;
        for installation in &document.installation {
            known("installation.site", &installation.site, &sites)?;
            known(
                "installation.meter_point",
                &installation.meter_point,
                &points,
            )?;
            let estimated = points[&installation.meter_point]
                .meters
                .iter()
                .find(|serial| meters[*serial].power_only);
            if let Some(serial) = estimated {
                return refuse(format!(
                    "installation `{}`: meter `{serial}` of its meter point only knows power; what is integrated is estimated and cannot be claimed\nhint: name a meter point whose meter has a register",
                    installation.id
                ));
            }
            date("installation.eligible_from", &installation.eligible_from)?;
            kilowatts(
                "installation.declared_net_capacity_kw",
                &installation.declared_net_capacity_kw,
            )?;
        }
        unique("host.id", document.host.iter().map(|h| &h.id))?;
        super::tariffs::check(document)?;
        super::bills::check(document)?;
        super::roll::check_classes(document)?;
        super::interest::check_terms(document)?;
        super::interest::check_waterfall(document)?;
        super::payments::check(document)?;
        super::duties::check(document)?;
        super::forecast::check(document)?;
        for (serial, meter) in &meters {
            for register in &meter.registers {
                let key = (serial.clone(), register.obis());
                if !numbering.contains(&key) {
                    numbering.push(key);
                }
            }
        }
        let series = numbering
            .iter()
            .zip(0_u32..)
            .map(|((meter, register), id)| KnownSeries {
                id: SeriesId(id),
                meter: meter.clone(),
                register: *register,
                named: meters
                    .get(meter)
                    .is_some_and(|m| m.registers.iter().any(|r| r.obis() == *register)),
            })
            .collect();
        Ok(Known {
            document: document.clone(),
            zone,
            year_start,
            sites,
            points,
            meters,
            series,
            devices: Devices::default(),
            disbelieved: Vec::new(),
            clones: Vec::new(),
            bindings: Arc::default(),
        })
    }

    /// Takes this document, applied at `at`, after those before it.
    pub(super) fn bind(&mut self, before: &Bindings, at: Instant) -> Answer<()> {
        let mut bindings = before.clone();
        bindings.take(&super::bindings::entries(self)?, at);
        self.bindings = Arc::new(bindings);
        Ok(())
    }

    /// Adds what a decision says about gateways; whether it says anything.
    pub(super) fn take_about_gateways(&mut self, what: &What) -> bool {
        match what {
            What::MessagesDisbelieved(span) => self.disbelieved.push(Disbelieved {
                gateway: span.gateway.as_str().into(),
                received: Span::new(Instant(span.from_ms), Instant(span.until_ms)),
            }),
            What::GatewayCloned(clone) => self.clones.push(clone.clone()),
            _ => return false,
        }
        true
    }

    /// Where the energy of meters without a register belongs.
    #[must_use]
    pub fn power_points(&self) -> PowerPoints {
        self.meters
            .iter()
            .filter(|(_, meter)| meter.power_only)
            .filter_map(|(serial, meter)| {
                let point = self.points.get(&meter.point)?;
                let place = PowerPoint {
                    point: Arc::from(meter.point.as_str()),
                    takes_in: point.counts == Counts::Import,
                };
                Some((serial.clone(), place))
            })
            .collect()
    }

    /// The series of a register.
    #[must_use]
    pub fn series_of(&self, meter: &str, register: Obis) -> Option<SeriesId> {
        self.series
            .iter()
            .find(|s| s.meter == meter && s.register == register)
            .map(|s| s.id)
    }

    /// The series that count for a meter point, oldest meter first.
    #[must_use]
    pub fn series_of_point(&self, point: &str) -> Vec<SeriesId> {
        let Some(known) = self.points.get(point) else {
            return Vec::new();
        };
        known
            .meters
            .iter()
            .filter_map(|serial| {
                let meter = self.meters.get(serial)?;
                let register = counting_register(known.counts, &meter.registers)?;
                self.series_of(serial, register.obis())
            })
            .collect()
    }

    /// The series that count for several meter points.
    #[must_use]
    pub fn series_of_points(&self, points: &[String]) -> Vec<SeriesId> {
        points
            .iter()
            .flat_map(|point| self.series_of_point(point))
            .collect()
    }

    /// Meter points of a roof that count this.
    pub fn points_of_site<'a>(
        &'a self,
        site: &'a str,
        counts: Counts,
    ) -> impl Iterator<Item = &'a str> {
        self.points
            .iter()
            .filter(move |(_, p)| p.site == site && p.counts == counts)
            .map(|(id, _)| id.as_str())
    }

    /// The register's facts.
    #[must_use]
    pub fn register(&self, series: SeriesId) -> Option<(&KnownPoint, &Register)> {
        let named = self.series.get(series.0 as usize)?;
        let meter = self.meters.get(&named.meter)?;
        let register = meter
            .registers
            .iter()
            .find(|r| r.obis() == named.register)?;
        Some((self.points.get(&meter.point)?, register))
    }
}

/// Which register of a meter counts for its point: 1.8.0 for import, 2.8.0 for the others; a
/// meter's only register whatever its code.
fn counting_register(counts: Counts, registers: &[Register]) -> Option<&Register> {
    let code = match counts {
        Counts::Import => Obis::IMPORT,
        Counts::Generation | Counts::Export => Obis::EXPORT,
    };
    match registers {
        [only] => Some(only),
        several => several.iter().find(|r| r.obis() == code),
    }
}

fn sites(document: &SocietyDocument) -> Answer<BTreeMap<String, KnownSite>> {
    unique("site.id", document.site.iter().map(|s| &s.id))?;
    let mut table: BTreeMap<(String, String), Arc<Nights>> = BTreeMap::new();
    let mut sites = BTreeMap::new();
    for site in &document.site {
        slug("site.id", &site.id)?;
        degrees("site.latitude", &site.latitude, 90)?;
        degrees("site.longitude", &site.longitude, 180)?;
        if !site.commissioned.is_empty() {
            date("site.commissioned", &site.commissioned)?;
        }
        let place = (site.latitude.clone(), site.longitude.clone());
        let nights = match table.get(&place) {
            Some(same) => Arc::clone(same),
            None => {
                let made = Arc::new(nights_of(&place.0, &place.1)?);
                table.insert(place, Arc::clone(&made));
                made
            }
        };
        sites.insert(
            site.id.clone(),
            KnownSite {
                name: site.name.clone(),
                kwp: kilowatts("site.capacity_kwp", &site.capacity_kwp)?,
                nights,
            },
        );
    }
    Ok(sites)
}

fn nights_of(latitude: &str, longitude: &str) -> Answer<Nights> {
    let spans = sun::nights(latitude, longitude);
    let edge = |year: i16| {
        LocalDay::of_date(i32::from(year), 1, 1)
            .map_or(Instant(0), |day| Instant(i64::from(day.0) * 86_400_000))
    };
    // The last night of the table runs into the first day of the next year.
    let end = edge(sun::YEARS.end() + 1).plus_ms(86_400_000);
    let all = Span {
        start: edge(*sun::YEARS.start()),
        end,
    };
    Nights::new(all, spans).map_err(|e| wrong("site", e))
}

fn points(
    document: &SocietyDocument,
    sites: &BTreeMap<String, KnownSite>,
) -> Answer<BTreeMap<String, KnownPoint>> {
    unique("meter_point.id", document.meter_point.iter().map(|p| &p.id))?;
    let mut points = BTreeMap::new();
    for point in &document.meter_point {
        known("meter_point.site", &point.site, sites)?;
        let name = if point.name.is_empty() {
            &point.id
        } else {
            &point.name
        };
        points.insert(
            point.id.clone(),
            KnownPoint {
                site: point.site.clone(),
                name: name.clone(),
                counts: point.counts,
                ceiling: kilowatts("meter_point.capacity_kw", &point.capacity_kw)?,
                meters: Vec::new(),
            },
        );
    }
    Ok(points)
}

fn meters(
    document: &SocietyDocument,
    points: &mut BTreeMap<String, KnownPoint>,
) -> Answer<BTreeMap<String, KnownMeter>> {
    unique("meter.serial", document.meter.iter().map(|m| &m.serial))?;
    let mut meters: BTreeMap<String, KnownMeter> = BTreeMap::new();
    for meter in &document.meter {
        if meter.serial.is_empty() || meter.serial.len() > 64 || meter.serial.contains(',') {
            return refuse(format!(
                "meter.serial `{}`: expected 1 to 64 characters without comma",
                meter.serial
            ));
        }
        known("meter.meter_point", &meter.meter_point, points)?;
        if let Some(approval) = &meter.approved {
            date("meter.approved.expires", &approval.expires)?;
        }
        let point = &points[&meter.meter_point];
        let mut registers = Vec::new();
        for register in &meter.register {
            let code: Obis = register
                .code
                .parse()
                .map_err(|e| wrong("meter.register.code", e))?;
            let direction = match (point.counts, code) {
                (_, Obis::IMPORT) | (Counts::Import, _) => Direction::Import,
                (Counts::Generation, _) => Direction::Generation,
                (Counts::Export, _) => Direction::Export,
            };
            registers.push(
                Register::new(
                    code,
                    direction,
                    register.digits,
                    WattHours(i64::from(register.step_wh)),
                    register.multiplier,
                )
                .map_err(|e| wrong(&format!("meter `{}`", meter.serial), e))?,
            );
        }
        if meter.power_only && (!registers.is_empty() || meter.approved.is_some()) {
            return refuse(format!(
                "meter `{}` only knows power; expected no register and no approval for billing",
                meter.serial
            ));
        }
        if !meter.power_only && counting_register(point.counts, &registers).is_none() {
            return refuse(format!(
                "meter `{}` has no register that counts {:?} at `{}`\nhint: add a register with code 2.8.0 (1.8.0 for import)",
                meter.serial, point.counts, meter.meter_point
            ));
        }
        meters.insert(
            meter.serial.clone(),
            KnownMeter {
                point: meter.meter_point.clone(),
                installed: date("meter.installed", &meter.installed)?,
                registers,
                power_only: meter.power_only,
            },
        );
    }
    for (serial, meter) in &meters {
        if let Some(point) = points.get_mut(&meter.point) {
            point.meters.push(serial.clone());
        }
    }
    for point in points.values_mut() {
        point
            .meters
            .sort_by_key(|serial| (meters[serial].installed, serial.clone()));
    }
    Ok(meters)
}

fn wrong(key: &str, error: impl std::fmt::Display) -> super::answer::Refusal {
    super::answer::Refusal::Caller(format!("{key}: {error}"))
}

fn kilowatts(key: &str, text: &str) -> Answer<Watts> {
    let watts = Watts::from_kwp_text(text).map_err(|e| wrong(key, e))?;
    if watts.0 <= 0 {
        return refuse(format!("{key}: `{text}` is not above zero"));
    }
    Ok(watts)
}

pub(super) fn date(key: &str, text: &str) -> Answer<LocalDay> {
    text.parse().map_err(|e| wrong(key, e))
}

fn degrees(key: &str, text: &str, limit: u32) -> Answer<()> {
    use rust_decimal::Decimal;
    match Decimal::from_str_exact(text) {
        Ok(degrees) if degrees.abs() <= Decimal::from(limit) => Ok(()),
        _ => refuse(format!(
            "{key}: `{text}` is not degrees between -{limit} and {limit}"
        )),
    }
}

pub(super) fn slug(key: &str, text: &str) -> Answer<()> {
    let ok = (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-');
    if ok {
        Ok(())
    } else {
        refuse(format!(
            "{key}: `{text}` stands in addresses; expected 1 to 40 of a-z, 0-9 and `-`"
        ))
    }
}

pub(super) fn unique<'a>(key: &str, ids: impl Iterator<Item = &'a String>) -> Answer<()> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return refuse(format!("{key}: `{id}` is named twice"));
        }
    }
    Ok(())
}

pub(super) fn known<V>(key: &str, id: &str, table: &BTreeMap<String, V>) -> Answer<()> {
    if table.contains_key(id) {
        return Ok(());
    }
    let nearest = config::did_you_mean(id, table.keys().map(String::as_str));
    refuse(format!("{key}: `{id}` is not in this file{nearest}"))
}
