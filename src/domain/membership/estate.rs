//! Who takes a dead member's property in the society, and on what.
//!
//! A nomination passes what it names, up to £5,000 in all; an officer or employee may be nominated by
//! near kin only. What no nomination passes belongs to the estate and goes to whoever proves the will
//! or is granted its administration. Where the property is £5,000 or less and there is neither
//! nomination nor will, the board may let it go without a grant, by a dated resolution. Sources:
//! Co-operative and Community Benefit Societies Act 2014, sections 37 to 40.

use crate::money::Pence;

/// Up to so much passes by nominations, and without probate.
pub const SMALL_SUM: Pence = Pence(500_000);

/// Kin whom an officer or employee may be to the member who nominates them: section 37(3).
pub const KIN: [&str; 8] = [
    "spouse",
    "civil-partner",
    "parent",
    "child",
    "brother",
    "sister",
    "nephew",
    "niece",
];

/// On what a payee stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The grant of probate.
    Probate,
    /// Letters of administration.
    Letters,
    /// A nomination.
    Nominee,
    /// The board's resolution, without a grant.
    SmallSum,
}

/// What is known of an estate when something is to pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estate {
    /// Shares at par, and interest owed, on the day of death.
    pub property: Pence,
    /// Documents that were seen.
    pub seen: Vec<String>,
    /// What nominations that stood at death pass, per cent of the property.
    pub nominated_percent: u32,
    /// What was let go to nominees.
    pub to_nominees: Pence,
    /// What the board let go without a grant.
    pub small_sum: Option<Pence>,
}

/// Something cannot pass yet, or not so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPassed {
    /// A paper is lacking.
    #[error("no `{0}` was seen\nhint: enter it with `members estate document`")]
    NotSeen(&'static str),
    /// An officer who is no kin.
    #[error(
        "an officer or employee can be nominated as the member's {kin} only (Co-operative and Community Benefit Societies Act 2014, section 37(3))\nhint: say what the nominee is to the member with --kin",
        kin = KIN.join(", ")
    )]
    NotKin,
    /// More than nominations pass.
    #[error(
        "{asked} on top of {passed} is more than nominations pass here, {most}: {percent} % of {property}, and at most {SMALL_SUM} (Co-operative and Community Benefit Societies Act 2014, section 37(4))"
    )]
    BeyondNomination {
        /// What is to pass.
        asked: Pence,
        /// What passed before.
        passed: Pence,
        /// What may pass in all.
        most: Pence,
        /// What is nominated, per cent.
        percent: u32,
        /// The whole.
        property: Pence,
    },
    /// Too much for a small sum.
    #[error(
        "the property comes to {0}; without probate or letters of administration at most {SMALL_SUM} may pass (Co-operative and Community Benefit Societies Act 2014, section 40)\nhint: ask for the grant"
    )]
    NotSmall(Pence),
    /// There is a nomination.
    #[error("a nomination stands, and what it names passes by it\nhint: `members estate nominee`")]
    Nominated,
    /// There is a will.
    #[error(
        "a will was seen: its executors prove it\nhint: enter the grant of probate when it is seen"
    )]
    Will,
    /// The board has not resolved it.
    #[error(
        "the board has not let it go without a grant\nhint: `members estate small-sum` enters its resolution"
    )]
    NotResolved,
    /// No nominee was let have anything.
    #[error("nothing passes to a nominee yet\nhint: `members estate nominee`")]
    NoNominee,
}

impl Basis {
    /// All of them.
    pub const ALL: [Basis; 4] = [
        Basis::Probate,
        Basis::Letters,
        Basis::Nominee,
        Basis::SmallSum,
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Basis::Probate => "probate",
            Basis::Letters => "letters",
            Basis::Nominee => "nominee",
            Basis::SmallSum => "small-sum",
        }
    }

    /// The basis of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Basis> {
        Basis::ALL.into_iter().find(|basis| basis.word() == word)
    }
}

/// Whether somebody may be nominated.
///
/// # Errors
/// [`NotPassed::NotKin`] for an officer or employee who is not near kin.
pub fn may_nominate(officer: bool, kin: &str) -> Result<(), NotPassed> {
    match officer && !KIN.contains(&kin) {
        true => Err(NotPassed::NotKin),
        false => Ok(()),
    }
}

impl Estate {
    /// What nominations pass in all: what they name of the property, and at most £5,000. A fraction
    /// of a penny is dropped.
    #[must_use]
    pub fn nominations_pass(&self) -> Pence {
        let named = self
            .property
            .0
            .saturating_mul(i64::from(self.nominated_percent))
            / 100;
        Pence(named).min(SMALL_SUM)
    }

    /// Whether so much may pass to a nominee.
    ///
    /// # Errors
    /// [`NotPassed`] with the reason.
    pub fn to_nominee(&self, pence: Pence) -> Result<(), NotPassed> {
        self.see("death-certificate")?;
        let most = self.nominations_pass();
        let all = self.to_nominees.0.saturating_add(pence.0);
        if pence.0 < 1 || all > most.0 {
            return Err(NotPassed::BeyondNomination {
                asked: pence,
                passed: self.to_nominees,
                most,
                percent: self.nominated_percent,
                property: self.property,
            });
        }
        Ok(())
    }

    /// Whether the board may let the property go without a grant.
    ///
    /// # Errors
    /// [`NotPassed`] with the reason.
    pub fn without_grant(&self) -> Result<(), NotPassed> {
        self.see("death-certificate")?;
        if self.nominated_percent > 0 {
            Err(NotPassed::Nominated)
        } else if self.seen.iter().any(|seen| seen == "will") {
            Err(NotPassed::Will)
        } else if self.property > SMALL_SUM {
            Err(NotPassed::NotSmall(self.property))
        } else {
            Ok(())
        }
    }

    /// Whether somebody may be paid on this.
    ///
    /// # Errors
    /// [`NotPassed`] with what is lacking.
    pub fn pays_on(&self, basis: Basis) -> Result<(), NotPassed> {
        self.see("death-certificate")?;
        match basis {
            Basis::Probate => self.see("probate"),
            Basis::Letters => self.see("letters"),
            Basis::Nominee if self.to_nominees.0 > 0 => Ok(()),
            Basis::Nominee => Err(NotPassed::NoNominee),
            Basis::SmallSum if self.small_sum.is_some() => Ok(()),
            Basis::SmallSum => Err(NotPassed::NotResolved),
        }
    }

    fn see(&self, document: &'static str) -> Result<(), NotPassed> {
        match self.seen.iter().any(|seen| seen == document) {
            true => Ok(()),
            false => Err(NotPassed::NotSeen(document)),
        }
    }
}
