//! The society document: who the society is, its roofs, meter points, meters, forecasts, officers.
//!
//! One TOML file a society (`config/societies/*.toml`), applied with `commonwatt society apply`.
//! The journal keeps the document as canonical JSON (declared key order, decimals as text), so
//! that the same file gives the same bytes and a second `apply` finds nothing to append. Unknown
//! keys are errors. What is not found in print carries `sample = true` and says so wherever it
//! shows; what is in print names its `source`.
//!
//! Decimals (`capacity_kwp`, monthly kWh, degrees) are text in both forms: no binary float is
//! ever made of them here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rules::{Deadline, PaymentTerms, WaterfallTerms};

/// The whole document of one society.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocietyDocument {
    /// The legal person.
    pub society: Society,
    /// Its roofs.
    #[serde(default)]
    pub site: Vec<Site>,
    /// Places where energy is counted.
    #[serde(default)]
    pub meter_point: Vec<MeterPoint>,
    /// Devices by serial number.
    #[serde(default)]
    pub meter: Vec<Meter>,
    /// Gateways that may publish for this society.
    #[serde(default)]
    pub gateway: Vec<Gateway>,
    /// Forecasts in dated versions.
    #[serde(default)]
    pub forecast: Vec<Forecast>,
    /// FIT installations: what a tariff belongs to.
    #[serde(default)]
    pub installation: Vec<Installation>,
    /// Hosts that buy power used on the site of a roof.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host: Vec<Host>,
    /// Who buys what leaves a site, other than under the Feed-in Tariff.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buyer: Vec<Buyer>,
    /// Classes of shares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub share_class: Vec<ShareClass>,
    /// Share offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub share_offer: Vec<ShareOffer>,
    /// What share classes are paid, in dated versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interest: Vec<InterestTerms>,
    /// How members are paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payments: Option<PaymentTerms>,
    /// How a year's surplus is shared out, in dated versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waterfall: Vec<WaterfallTerms>,
    /// Deadlines that the accounts year does not give by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deadline: Vec<Deadline>,
    /// People with a duty at the society, by role; no personal data here.
    #[serde(default)]
    pub officer: Vec<Officer>,
}

/// The legal person: co-operative or community benefit society.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Society {
    /// Short name in addresses; never changes.
    pub slug: String,
    /// Registered or trading name.
    pub name: String,
    /// IANA zone of its days, such as `Europe/London`.
    #[serde(default = "london")]
    pub zone: String,
    /// First day of the accounts year, `MM-DD`.
    #[serde(default = "new_year")]
    pub financial_year_starts: String,
    /// Years from the end of the accounts year in which a member left, for which its data are kept.
    #[serde(default = "six_years", skip_serializing_if = "is_six_years")]
    pub retention_years: u8,
    /// One paragraph for its public page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Where its public pages can be opened, such as `https://energy.example.org`: what the codes on
    /// its statements lead to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub public_address: String,
    /// Where the printed facts come from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when this society is sample data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
    /// What the reader must be told of the data, shown on every page of the society.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notice: Vec<String>,
    /// Whether a gateway may send reads of its own meters only. Every document that is applied says
    /// so; those of journals from before that do not, and bind no gateway.
    #[serde(default, skip_serializing_if = "is_false")]
    pub binds_gateways: bool,
}

/// A roof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Short name in addresses, unique in the society.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Degrees north, decimal text; for sunrise and sunset only.
    pub latitude: String,
    /// Degrees east, decimal text.
    pub longitude: String,
    /// Array size in kWp, decimal text.
    pub capacity_kwp: String,
    /// First day of generation, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commissioned: String,
    /// Who owns the roof.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Where the printed facts come from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when these figures are not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// What a meter point counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counts {
    /// What the array made.
    Generation,
    /// What left the site.
    Export,
    /// What the site took in.
    Import,
}

/// A place where energy is counted: an MPAN or the society's own point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterPoint {
    /// Unique in the society.
    pub id: String,
    /// The roof it belongs to.
    pub site: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it counts.
    pub counts: Counts,
    /// The most that can pass here, in kW, decimal text; for generation the array behind it.
    pub capacity_kw: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A device, by the serial number on its face.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Serial number.
    pub serial: String,
    /// Where it hangs.
    pub meter_point: String,
    /// First day there, `YYYY-MM-DD`.
    pub installed: String,
    /// The one gateway that reads it, where it is not any gateway of its site.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// First day on which that gateway, or its present site's, reads it, `YYYY-MM-DD`; without it a
    /// change holds from its application on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub gateway_from: String,
    /// Its registers; none when it only knows power.
    #[serde(default)]
    pub register: Vec<Register>,
    /// True for a device without a counter: its power is integrated, marked estimated, and never
    /// enters a claim.
    #[serde(default, skip_serializing_if = "is_false")]
    pub power_only: bool,
    /// Approval for billing; absent means not approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approval>,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A counter inside a meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// OBIS code, such as `2.8.0`.
    pub code: String,
    /// Digits it shows before it starts again at zero, all of them, 1 to 15.
    pub digits: u8,
    /// What its last digit stands for, in Wh (100 for a register that shows tenths of a kWh).
    #[serde(default = "one")]
    pub step_wh: u32,
    /// Factor of a current transformer that the register does not apply itself.
    #[serde(default = "one")]
    pub multiplier: u32,
}

/// "Approved for billing".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Type designation.
    #[serde(rename = "type")]
    pub kind: String,
    /// Certificate or schedule number.
    pub certificate: String,
    /// Last day of its certification, `YYYY-MM-DD`.
    pub expires: String,
}

/// A gateway that publishes reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its id: the MQTT user name and the middle of its topics.
    pub id: String,
    /// The roof it hangs on. Reads of meters on other roofs wait for a person; without a roof it may
    /// send any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// More roofs whose meters it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_sites: Vec<String>,
    /// First day at this site, `YYYY-MM-DD`; without it a change of site holds from its application
    /// on. What it read before counts where it was then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// How often it reads, in seconds; silence for twice that in daylight is worth a look.
    #[serde(default = "half_hour")]
    pub cadence_s: u32,
    /// Name of the mapping that reads it, for a device that speaks its own dialect.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mapping: String,
    /// MQTT filter of the topics such a device publishes, like `shellies/shellyem-1A2B/#`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topics: String,
    /// What the mapping calls a meter, to the meter's serial; others are called as the mapping says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meters: BTreeMap<String, String>,
    /// The device is wired the other way round: import and export change places.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reversed: bool,
}

/// What the society expected of a roof, month by month, in one dated version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// The roof.
    pub site: String,
    /// Version number, ascending per site.
    pub version: u32,
    /// The day it was published, `YYYY-MM-DD`; a report made before that day never uses it.
    pub published: String,
    /// First year it speaks of: year 1 of degradation.
    pub base_year: i16,
    /// Loss a year, per cent, decimal text.
    #[serde(default = "zero")]
    pub degradation_percent: String,
    /// January to December, kWh, decimal text.
    pub monthly_kwh: Vec<String>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A FIT installation: rates, deeming and the end date belong to it, not to the society.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// Unique in the society.
    pub id: String,
    /// The roof.
    pub site: String,
    /// The generation meter point.
    pub meter_point: String,
    /// Declared net capacity, kW, decimal text.
    pub declared_net_capacity_kw: String,
    /// Eligibility date, `YYYY-MM-DD`.
    pub eligible_from: String,
    /// True when it is not wired to a building.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stand_alone: bool,
    /// The export meter point, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub export_meter_point: String,
    /// How export is paid, by first days; before the first of them it is not paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub export: Vec<ExportFrom>,
    /// Rates of the licensee's statement of terms that stand in for the published tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stated: Vec<StatedRate>,
    /// When its licensee wants claims; Good Energy's calendar where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimCalendar>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// When a licensee wants claims, and who makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimCalendar {
    /// Months, 1 to 12.
    pub months: Vec<u8>,
    /// Last day in the month; the month's last where it is shorter.
    pub day: u8,
    /// The officer who makes them; the treasurer where nobody is named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// How export is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportBasis {
    /// Half of the generation.
    Deemed,
    /// By the export meter.
    Metered,
    /// Not at all.
    None,
}

/// The export basis from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportFrom {
    /// First day, `YYYY-MM-DD`.
    pub from: String,
    /// How export is paid from then on.
    pub basis: ExportBasis,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// Rates of a licensee's statement of terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedRate {
    /// First day, `YYYY-MM-DD`; later uplifts raise the rate.
    pub from: String,
    /// Generation rate, decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub generation_p_per_kwh: String,
    /// Export rate, decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub export_p_per_kwh: String,
    /// The statement.
    pub source: String,
}

/// How the energy a host used on site is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnSite {
    /// Generation less export, by registers approved for billing.
    Metered,
    /// A share of the generation, by contract.
    Deemed,
    /// So much a year, by contract.
    Fixed,
    /// What leaves the site, by its export meter: a buyer's and never a host's.
    Export,
}

/// A host that buys power used on the site of a roof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Unique in the society.
    pub id: String,
    /// Who is billed.
    pub name: String,
    /// The roof.
    pub site: String,
    /// First day of the contract, `YYYY-MM-DD`.
    pub from: String,
    /// How the energy is known.
    pub on_site: OnSite,
    /// Share of the generation, per cent, for `deemed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deemed_percent: Option<u8>,
    /// Energy a year, kWh, decimal text, for `fixed`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fixed_kwh_a_year: String,
    /// How the rate comes about.
    pub rate: HostRate,
    /// What the grid asks, by first days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grid_price: Vec<GridPrice>,
    /// VAT, per cent, decimal text.
    pub vat_percent: String,
    /// The host's order number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub po_number: String,
    /// Days to pay.
    #[serde(default = "thirty")]
    pub payment_days: u16,
    /// The contract.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A host's rate; exactly one of `fixed_p_per_kwh`, `base_p_per_kwh` and `percent_below_grid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRate {
    /// The same for the whole contract, decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fixed_p_per_kwh: String,
    /// The rate of the contract's first day, raised every 1 April, decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_p_per_kwh: String,
    /// What raises it: `RPI`, `CPI`, or per cent a year as decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub indexed_by: String,
    /// No raise is larger, per cent, decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cap_percent: String,
    /// No raise is smaller, per cent, decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub floor_percent: String,
    /// So many per cent below the dated grid price, decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub percent_below_grid: String,
    /// The name of half-hourly prices that were approved on the desk; for a buyer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub half_hourly: String,
}

/// Under what export is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Smart Export Guarantee.
    Seg,
    /// Power purchase agreement.
    Ppa,
    /// Licence.
    Licence,
}

/// Who buys what leaves a site, by its export meter; never beside FIT export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buyer {
    /// Unique in the society, among hosts too.
    pub id: String,
    /// Who pays.
    pub name: String,
    /// The roof.
    pub site: String,
    /// Under what.
    pub scheme: Scheme,
    /// First day of the contract, `YYYY-MM-DD`.
    pub from: String,
    /// Last day of the contract.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// How the rate comes about.
    pub rate: HostRate,
    /// What the grid asks, by first days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grid_price: Vec<GridPrice>,
    /// VAT, per cent, decimal text.
    pub vat_percent: String,
    /// The buyer's order number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub po_number: String,
    /// Days to pay.
    #[serde(default = "thirty")]
    pub payment_days: u16,
    /// The contract.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

impl Buyer {
    /// The contract in the form that bills are made of.
    #[must_use]
    pub fn as_host(&self) -> Host {
        Host {
            id: self.id.clone(),
            name: self.name.clone(),
            site: self.site.clone(),
            from: self.from.clone(),
            on_site: OnSite::Export,
            deemed_percent: None,
            fixed_kwh_a_year: String::new(),
            rate: self.rate.clone(),
            grid_price: self.grid_price.clone(),
            vat_percent: self.vat_percent.clone(),
            po_number: self.po_number.clone(),
            payment_days: self.payment_days,
            source: self.source.clone(),
            sample: self.sample,
        }
    }
}

/// What the grid asks from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridPrice {
    /// First day, `YYYY-MM-DD`.
    pub from: String,
    /// Price, decimal text.
    pub p_per_kwh: String,
    /// The supplier's bill or contract.
    pub source: String,
}

/// A class of shares; its id and par value never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareClass {
    /// Unique in the society.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What one share is worth, pounds, decimal text.
    pub par_pounds: String,
    /// True when members may ask for the money back; the law's cap holds for these.
    #[serde(default = "yes")]
    pub withdrawable: bool,
    /// True when members may hand shares to each other in life.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transferable: bool,
    /// The least a member may hold, in shares.
    #[serde(default = "one_share")]
    pub minimum_shares: i64,
    /// The most a member may hold, in shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_shares: Option<i64>,
    /// How long before payment a withdrawal is asked for: `13 weeks`, `180 days`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notice: String,
    /// The most that may be withdrawn in one accounts year, per cent of the class, decimal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub yearly_limit_percent: String,
    /// First day on which it is issued, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub opened: String,
    /// Last day on which it is issued, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub closed: String,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// What happens when more is asked for than is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfferRule {
    /// Who applies first is allotted first.
    FirstCome,
    /// After it closed everybody gets the minimum, and the same part of the rest.
    ScaleBack,
}

/// A share offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareOffer {
    /// Unique in the society.
    pub id: String,
    /// The class offered.
    pub class: String,
    /// First day of applications, `YYYY-MM-DD`.
    pub opens: String,
    /// Last day of applications, `YYYY-MM-DD`.
    pub closes: String,
    /// Shares that must be asked for before any is allotted.
    #[serde(default)]
    pub minimum_raise_shares: i64,
    /// Shares offered.
    pub maximum_raise_shares: i64,
    /// The least an application may ask for, in shares.
    #[serde(default = "one_share")]
    pub minimum_shares: i64,
    /// The most an application may ask for, in shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_shares: Option<i64>,
    /// What happens when more is asked for than is offered.
    pub rule: OfferRule,
    /// With `first-come`: true when what is asked for beyond the offer waits.
    #[serde(default, skip_serializing_if = "is_false")]
    pub waiting_list: bool,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// What a share class is paid, for periods that begin on a day or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterestTerms {
    /// The class.
    pub class: String,
    /// First day, `YYYY-MM-DD`: periods that begin then or later, until the next version.
    pub from: String,
    /// The highest rate, declared in advance: `5` per cent or `12p` a share.
    pub maximum: String,
    /// How the rate comes about; without it whatever is declared, up to the maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<InterestRule>,
    /// `actual/365`, `actual/actual`, `whole-months` or `record-day`.
    #[serde(default = "actual_365")]
    pub days: String,
    /// Whether the day of issue earns: `in` or `out`.
    #[serde(default = "day_in")]
    pub issue_day: String,
    /// Whether the day of leaving earns: `in` or `out`.
    #[serde(default = "day_out")]
    pub leaving_day: String,
    /// `half-away` or `down`.
    #[serde(default = "half_away")]
    pub rounding: String,
    /// `earns` until the shares go, or `nothing` from the day after death.
    #[serde(default = "earns")]
    pub after_death: String,
    /// The rule or resolution.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// How a rate comes about: `fixed` or `target` alone, or an `index` with its `margin` and perhaps a
/// `cap` or a `floor`. Per cent, decimal text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterestRule {
    /// So much a year.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fixed: String,
    /// Aimed at; a lower rate is no breach.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// `RPI`, `CPI` or `base rate`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub index: String,
    /// Added to the index.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub margin: String,
    /// At most.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cap: String,
    /// At least.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub floor: String,
}

/// An officer, by role and id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Short id used with `--as`.
    pub id: String,
    /// `treasurer`, `secretary`, `chair`, `director`.
    pub role: String,
}

fn london() -> String {
    "Europe/London".to_owned()
}

fn new_year() -> String {
    "01-01".to_owned()
}

fn six_years() -> u8 {
    6
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_six_years(years: &u8) -> bool {
    *years == six_years()
}

fn yes() -> bool {
    true
}

fn one_share() -> i64 {
    1
}

fn actual_365() -> String {
    "actual/365".to_owned()
}

fn day_in() -> String {
    "in".to_owned()
}

fn day_out() -> String {
    "out".to_owned()
}

fn half_away() -> String {
    "half-away".to_owned()
}

fn earns() -> String {
    "earns".to_owned()
}

fn zero() -> String {
    "0".to_owned()
}

fn one() -> u32 {
    1
}

fn thirty() -> u16 {
    30
}

fn half_hour() -> u32 {
    1800
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}
