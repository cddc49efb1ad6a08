//! What the society file says of payments, and the forms of banks that come with the program.

use domain::{
    money::Pence,
    payment::{Rules, Waiting},
};
use include_dir::{Dir, include_dir};
use records::{rules::PaymentTerms, society::SocietyDocument};
use report::payments::{BANK_LENGTH, Payer, Profile, bank_text};

use crate::answer::{Answer, OrCaller, refuse};

static PROFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../config/payment-profiles");

/// What stands in front of every reference where the society says nothing.
const REFERENCE: &str = "INTEREST";
/// Room for ` 1234-100000` behind it.
const REFERENCE_LENGTH: usize = BANK_LENGTH - 9;

/// A profile by its name, with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedProfile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What the society says of payments.
#[derive(Clone)]
pub(super) struct Terms {
    pub payer: Payer,
    pub rules: Rules,
    pub reference: String,
    pub forfeit: Option<Forfeiture>,
}

/// When interest that nobody claimed may fall to the society.
#[derive(Clone)]
pub(super) struct Forfeiture {
    pub after_years: u8,
    pub rule: String,
    pub to_fund: bool,
}

/// The profiles that come with the program, by name.
#[must_use]
pub fn profiles() -> Vec<NamedProfile> {
    let mut all: Vec<NamedProfile> = PROFILES
        .files()
        .filter_map(|file| {
            let name = file.path().file_name()?.to_str()?.strip_suffix(".toml")?;
            Some(NamedProfile {
                name: name.to_owned(),
                text: file.contents_utf8()?.to_owned(),
            })
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

impl NamedProfile {
    /// The profile of that name.
    ///
    /// # Errors
    /// When none comes with the program.
    pub fn named(name: &str) -> Answer<NamedProfile> {
        let all = profiles();
        match all.iter().find(|one| one.name == name) {
            Some(found) => Ok(found.clone()),
            None => {
                let names = all.iter().map(|one| one.name.as_str());
                let nearest = config::did_you_mean(name, names.clone());
                refuse(format!(
                    "there is no payment profile `{name}`{nearest}; expected {}, or a file of your own ending in .toml",
                    names.collect::<Vec<_>>().join(", ")
                ))
            }
        }
    }

    /// The profile itself.
    ///
    /// # Errors
    /// With the key that is wrong.
    pub fn read(&self) -> Answer<Profile> {
        Profile::read(&self.text)
            .map_err(|why| format!("payment profile `{}`: {why}", self.name))
            .or_caller()
    }
}

/// What the document says of payments.
pub(super) fn of(document: &SocietyDocument) -> Answer<Terms> {
    let said = document.payments.clone().unwrap_or_else(|| PaymentTerms {
        waiting_details: "leave-out".into(),
        ..PaymentTerms::default()
    });
    let wrong = |key: &str, seen: &str, expected: &str| {
        refuse(format!("payments.{key} is `{seen}`; expected {expected}"))
    };
    for (key, text, digits) in [
        ("sort_code", &said.sort_code, 6),
        ("account", &said.account, 8),
        ("service_user", &said.service_user, 6),
    ] {
        let good = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        if !text.is_empty() && !good {
            return wrong(key, text, &format!("{digits} digits"));
        }
    }
    for (key, text) in [("iban", &said.iban), ("bic", &said.bic)] {
        if !text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        {
            return wrong(key, text, "capital letters and digits without spaces");
        }
    }
    let reference = match said.reference.trim() {
        "" => REFERENCE.to_owned(),
        words => words.to_uppercase(),
    };
    if bank_text(&reference, REFERENCE_LENGTH) != reference {
        return wrong(
            "reference",
            &said.reference,
            &format!("at most {REFERENCE_LENGTH} letters of the Bacs character set"),
        );
    }
    let waiting = match said.waiting_details.as_str() {
        "leave-out" => Waiting::LeaveOut,
        "refuse" => Waiting::Refuse,
        other => return wrong("waiting_details", other, "`leave-out` or `refuse`"),
    };
    let least = match said.least.as_str() {
        "" => Pence::ZERO,
        text => text.parse().or_caller()?,
    };
    let forfeit = match (said.forfeit_after_years, said.forfeit_to.as_str()) {
        (None, "") if said.forfeit_rule.is_empty() => None,
        (Some(after_years), to @ ("fund" | "reserve")) if !said.forfeit_rule.trim().is_empty() => {
            Some(Forfeiture {
                after_years,
                rule: said.forfeit_rule.clone(),
                to_fund: to == "fund",
            })
        }
        _ => {
            return refuse(
                "payments: a rule of forfeiture is `forfeit_after_years`, `forfeit_rule` and `forfeit_to` (`fund` or `reserve`) together, or none of them",
            );
        }
    };
    let name = match said.name.as_str() {
        "" => document.society.name.clone(),
        name => name.to_owned(),
    };
    Ok(Terms {
        payer: Payer {
            name,
            sort_code: said.sort_code,
            account: said.account,
            iban: said.iban,
            bic: said.bic,
            service_user: said.service_user,
        },
        rules: Rules { least, waiting },
        reference,
        forfeit,
    })
}

/// Checks what a document says of payments.
pub(crate) fn check(document: &SocietyDocument) -> Answer<()> {
    of(document).map(|_| ())
}
