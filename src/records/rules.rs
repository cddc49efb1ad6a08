//! Sections of the society document about paying members: payments, the waterfall, deadlines.
//!
//! Amounts are pounds as decimal text, per cents decimal text, days `YYYY-MM-DD`. A section that is
//! not there changes no byte of the documents of before.

use serde::{Deserialize, Serialize};

/// How members are paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentTerms {
    /// The society's name on a payee's bank statement; its own name where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The society's own sort code, six digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sort_code: String,
    /// The society's own account, eight digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// The same account as an IBAN.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub iban: String,
    /// Its bank's BIC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bic: String,
    /// Its Bacs service user number, six digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_user: String,
    /// First words of every reference; `INTEREST` where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// What to do with bank details younger than seven days: `leave-out` or `refuse`.
    #[serde(default = "leave_out")]
    pub waiting_details: String,
    /// Less than this is not paid out and stays owed, pounds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub least: String,
    /// Years after a run's freeze, from which interest that nobody claimed may be forfeited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forfeit_after_years: Option<u8>,
    /// The rule of the society that says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub forfeit_rule: String,
    /// Where it goes: `fund` or `reserve`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub forfeit_to: String,
}

/// How a year's surplus is shared out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaterfallTerms {
    /// First day of the accounts years it is for.
    pub from: String,
    /// `surplus` or `cash`.
    pub starts: String,
    /// Steps, in order.
    pub step: Vec<WaterfallStep>,
    /// True when not found in print.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sample: bool,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaterfallStep {
    /// `costs`, `loan`, `reserve`, `interest` or `fund`.
    pub takes: String,
    /// A fixed amount, pounds: for the reserve.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pounds: String,
    /// Per cent of what is left.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub percent: String,
    /// What the reserve is to reach, pounds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// A fraction of the interest such as `15/85`: for the fund.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of_interest: String,
    /// Per cent of what the waterfall started from: for the fund.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub percent_of_start: String,
    /// The rule or resolution.
    pub resolution: String,
    /// The day it was resolved.
    pub on: String,
}

/// A deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// `agm`, `agm-notice`, `audit-vote`, `director-term`, `insurance`, `vat`, `licence`,
    /// `photo-check` or `other`.
    pub kind: String,
    /// What it is about, in a word or two; unique within its kind.
    pub about: String,
    /// Its day, or the first of its days.
    pub due: String,
    /// Months to the next; without it there is only the one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_months: Option<u16>,
    /// Clear days between the notice and the meeting, for `agm`: its notice becomes a duty of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_clear_days: Option<u16>,
    /// Whose it is: an officer's id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What it stands on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

fn leave_out() -> String {
    "leave-out".into()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}
