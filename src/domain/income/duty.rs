//! What has to be done by when for an installation under the Feed-in Tariff, and what shows that it
//! was: claims by quarter, the read of 31 March, the photo every two years, the certificate.
//!
//! Duties are worked out from facts each time; only their being done is written down, by the claim
//! that was frozen, the read that was taken, or a person's word. Sources: claims quarterly around
//! the 15th and the late read that rolls into the next quarter are Good Energy's published calendar;
//! the read of 31 March and the photo with serial number every two years are Ofgem's rules.

use crate::calendar::LocalDay;

/// A claim's read may be taken so many days before its day.
pub const CLAIM_OPENS_DAYS: i32 = 14;
/// The photo may be taken so many days before its day.
pub const PHOTO_OPENS_DAYS: i32 = 60;
/// The certificate of a meter is asked for so many days before it ends.
pub const CERTIFICATE_OPENS_DAYS: i32 = 180;
/// A licensee verifies the meter every two years.
pub const PHOTO_YEARS: i32 = 2;

/// What kind of duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DutyKind {
    /// The quarterly claim.
    Claim,
    /// The read of 31 March, which splits a claim at the change of rates.
    MarchRead,
    /// The photo with reading and serial number.
    Photo,
    /// The meter's certificate ends.
    Certificate,
    /// Closing reads before a planned outage.
    OutageReads,
    /// The licensee's notice of a planned outage.
    OutageNotice,
    /// Reads after a planned outage.
    OutageRestart,
    /// HMRC's return of share interest.
    HmrcInterest,
    /// The annual return to the FCA.
    Ar30,
    /// Corporation tax is paid.
    CorporationTax,
    /// The return of corporation tax.
    Ct600,
    /// The return of income tax deducted, and the tax.
    Ct61,
    /// The annual general meeting.
    Agm,
    /// Notice of it.
    AgmNotice,
    /// The members' vote on going without a full audit.
    AuditVote,
    /// A director's term ends.
    DirectorTerm,
    /// An insurance ends.
    Insurance,
    /// A VAT return.
    Vat,
    /// A licence or lease has a date.
    Licence,
    /// A look at the meter with a photo, by the society's own calendar.
    PhotoCheck,
    /// Another deadline of the society's.
    Other,
}

/// What shows that a duty was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The day.
    pub on: LocalDay,
    /// What shows it, in words.
    pub evidence: String,
}

/// A duty with its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// What kind.
    pub kind: DutyKind,
    /// What it is about: an installation, a meter or an outage.
    pub about: String,
    /// From when on it can be done.
    pub opens: LocalDay,
    /// The last day for it.
    pub due: LocalDay,
    /// What shows that it was done.
    pub done: Option<Shown>,
}

/// A photo of a dial with its serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// The day it was taken.
    pub on: LocalDay,
    /// Its meter, reading and file in words.
    pub words: String,
}

/// What is known of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its id.
    pub installation: String,
    /// The first day of its tariff.
    pub first: LocalDay,
    /// The last day of its tariff.
    pub last: LocalDay,
    /// Months of the claims' days, 1 to 12, ascending.
    pub claim_months: Vec<u8>,
    /// Their day in the month; the month's last where it is shorter.
    pub claim_day: u8,
    /// The frozen claims: the day each closed, and words for it.
    pub claims: Vec<Shown>,
    /// Days of 31 March of which there is an accepted read.
    pub march_reads: Vec<Shown>,
    /// Photos, in order of their days.
    pub photos: Vec<Photo>,
    /// The serial of the meter that hangs there now, and the last day of its certificate.
    pub certificate: Option<(String, LocalDay)>,
}

impl DutyKind {
    /// Kinds that a society enters with their days.
    pub const ENTERED: [DutyKind; 9] = [
        DutyKind::Agm,
        DutyKind::AgmNotice,
        DutyKind::AuditVote,
        DutyKind::DirectorTerm,
        DutyKind::Insurance,
        DutyKind::Vat,
        DutyKind::Licence,
        DutyKind::PhotoCheck,
        DutyKind::Other,
    ];

    /// Its word in ids.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            DutyKind::Claim => "claim",
            DutyKind::MarchRead => "march-read",
            DutyKind::Photo => "photo",
            DutyKind::Certificate => "certificate",
            DutyKind::OutageReads => "outage-reads",
            DutyKind::OutageNotice => "outage-notice",
            DutyKind::OutageRestart => "outage-restart",
            DutyKind::HmrcInterest => "hmrc-interest",
            DutyKind::Ar30 => "ar30",
            DutyKind::CorporationTax => "corporation-tax",
            DutyKind::Ct600 => "ct600",
            DutyKind::Ct61 => "ct61",
            DutyKind::Agm => "agm",
            DutyKind::AgmNotice => "agm-notice",
            DutyKind::AuditVote => "audit-vote",
            DutyKind::DirectorTerm => "director-term",
            DutyKind::Insurance => "insurance",
            DutyKind::Vat => "vat",
            DutyKind::Licence => "licence",
            DutyKind::PhotoCheck => "photo-check",
            DutyKind::Other => "other",
        }
    }
}

impl Duty {
    /// Its id: `claim/roof-fit/2026-03-15`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.kind.word(), self.about, self.due)
    }

    /// What has to be done, in a sentence without its end.
    #[must_use]
    pub fn sentence(&self) -> String {
        let about = &self.about;
        match self.kind {
            DutyKind::Claim => format!("read the meter and claim for {about}"),
            DutyKind::MarchRead => {
                format!("read the meter of {about} on 31 March, where the rates change")
            }
            DutyKind::Photo => format!(
                "send the licensee a photo of the meter of {about} with reading and serial number"
            ),
            DutyKind::Certificate => {
                format!("renew or replace meter {about}: its certificate ends")
            }
            DutyKind::OutageReads => {
                format!("take closing reads with photo before outage {about}")
            }
            DutyKind::OutageNotice => format!("tell the licensee of outage {about} in writing"),
            DutyKind::OutageRestart => format!("take reads with photo after outage {about}"),
            DutyKind::HmrcInterest => {
                format!("send HMRC the share interest paid in the year to {about}")
            }
            DutyKind::Ar30 => format!("send the FCA form AR30 for the year to {about}"),
            DutyKind::CorporationTax => {
                format!("pay corporation tax for the year to {about}")
            }
            DutyKind::Ct600 => format!("send HMRC form CT600 for the year to {about}"),
            DutyKind::Ct61 => {
                format!("send HMRC form CT61 and pay the income tax deducted up to {about}")
            }
            DutyKind::Agm => format!("hold the annual general meeting: {about}"),
            DutyKind::AgmNotice => {
                format!("give notice of the annual general meeting: {about}")
            }
            DutyKind::AuditVote => format!("have members vote on going without an audit: {about}"),
            DutyKind::DirectorTerm => format!("a director's term ends: {about}"),
            DutyKind::Insurance => format!("renew the insurance: {about}"),
            DutyKind::Vat => format!("send the VAT return: {about}"),
            DutyKind::Licence => format!("licence or lease: {about}"),
            DutyKind::PhotoCheck => format!("photograph the meter: {about}"),
            DutyKind::Other => about.clone(),
        }
    }
}

impl Facts {
    /// The duties whose day lies in `[from, until]`, in order of their days. A photo or certificate
    /// that is not done stays to be done: it is there however old its day.
    #[must_use]
    pub fn duties(&self, from: LocalDay, until: LocalDay) -> Vec<Duty> {
        let mut all = self.claims_due(until);
        all.extend(self.march(until));
        all.extend(self.photos_due(until));
        all.extend(self.certificate.iter().map(|(serial, ends)| Duty {
            kind: DutyKind::Certificate,
            about: serial.clone(),
            opens: ends.plus(CERTIFICATE_OPENS_DAYS.saturating_neg()),
            due: *ends,
            done: None,
        }));
        let stays = |duty: &Duty| {
            duty.done.is_none() && matches!(duty.kind, DutyKind::Photo | DutyKind::Certificate)
        };
        all.retain(|duty| duty.due <= until && (from <= duty.due || stays(duty)));
        all.sort_by_key(|duty| (duty.due, duty.kind));
        all
    }

    fn claims_due(&self, until: LocalDay) -> Vec<Duty> {
        let mut days: Vec<LocalDay> = (self.first.year()..=until.year())
            .flat_map(|year| self.claim_months.iter().map(move |month| (year, *month)))
            .filter_map(|(year, month)| day_in(year, month, self.claim_day))
            .filter(|day| *day > self.first && day.days_since(self.last) <= 92)
            .collect();
        days.sort_unstable();
        let mut before = self.first;
        let mut duties = Vec::with_capacity(days.len());
        for due in days {
            let done = self
                .claims
                .iter()
                .find(|claim| before < claim.on && claim.on <= due);
            duties.push(Duty {
                kind: DutyKind::Claim,
                about: self.installation.clone(),
                opens: due.plus(CLAIM_OPENS_DAYS.saturating_neg()),
                due,
                done: done.cloned(),
            });
            before = due;
        }
        duties
    }

    fn march(&self, until: LocalDay) -> impl Iterator<Item = Duty> {
        (self.first.year()..=until.year())
            .filter_map(|year| LocalDay::of_date(year, 3, 31))
            .filter(|day| self.first < *day && *day < self.last)
            .map(|due| Duty {
                kind: DutyKind::MarchRead,
                about: self.installation.clone(),
                opens: due,
                due,
                done: self.march_reads.iter().find(|read| read.on == due).cloned(),
            })
    }

    /// Each photo was due two years after the one before; the next is due two years after the last.
    fn photos_due(&self, until: LocalDay) -> Vec<Duty> {
        let mut duties = Vec::new();
        let mut last = self.first;
        let days = self.photos.iter().map(Some).chain([None]);
        for photo in days {
            let due = two_years_after(last);
            if due > self.last || (photo.is_none() && due > until) {
                break;
            }
            duties.push(Duty {
                kind: DutyKind::Photo,
                about: self.installation.clone(),
                opens: due.plus(PHOTO_OPENS_DAYS.saturating_neg()),
                due,
                done: photo.map(|photo| Shown {
                    on: photo.on,
                    evidence: photo.words.clone(),
                }),
            });
            if let Some(photo) = photo {
                last = photo.on;
            }
        }
        duties
    }
}

/// A day of a month, or its last.
fn day_in(year: i32, month: u8, day: u8) -> Option<LocalDay> {
    (1..=day)
        .rev()
        .find_map(|day| LocalDay::of_date(year, month, day))
}

fn two_years_after(day: LocalDay) -> LocalDay {
    let year = day.year().saturating_add(PHOTO_YEARS);
    day_in(year, day.month(), day.day()).unwrap_or(day)
}
