//! From energy to money due: claims under the Feed-in Tariff and bills for power used on a roof's
//! site.
//!
//! Only a [`BillableRead`] can enter: a read that a register of a meter approved for billing showed,
//! taken by telemetry, from a file or by a person, and accepted. Estimates, deemed figures of other
//! kinds, energy integrated from power and half-hourly energy have no way to become one.

pub mod accreditation;
mod bill;
mod bill_paid;
mod chain;
mod claim;
mod duty;
mod half_hourly;
mod paid;
mod payments;
mod read;
mod reconcile;
mod society_duty;
mod spread;

pub use bill::{Bill, BillError, BillFinding, BillLine, BillOf, OnSite, bill};
pub use bill_paid::{HostPayment, SentBill, bill_differences, settle_bills};
pub use chain::{Boundary, Chain, EndsError, Meets};
pub use claim::{
    Again, AgainExport, Claim, ClaimError, ClaimFinding, ClaimLine, ClaimOf, ExportMeets, LineKind,
    claim, claim_again,
};
pub use duty::{Duty, DutyKind, Facts, Photo, Shown};
pub use half_hourly::{HalfHourlyOf, bill_half_hourly};
pub use paid::{CHARGE_LIMIT, PaidFinding, compare};
pub use payments::{Owed, Payment, allot};
pub use read::{BillableRead, NotBillable};
pub use reconcile::{ClaimKey, Difference, Due, Found, Paid, reconcile};
pub use society_duty::{days_of, months_after, notice_by, of_year_end};
pub use spread::spread;
