//! Now and today of a place, spelt; the same for a page and for its live events.

use domain::calendar::Instant;

use super::view::{self, live};
use office::{SocietyOffice, energy::Place, live::Now};

/// What a place does now, and how it is spelt.
pub struct Figures {
    /// Spelt.
    pub now: view::Now,
    /// What is known.
    pub known: Now,
}

/// Of a whole society; its live key is its slug.
pub fn of_society(society: &SocietyOffice, now: Instant) -> Figures {
    spelt(society, society.slug().to_owned(), &Place::Society, now)
}

/// Of one roof; its live key is "slug/roof".
pub fn of_site(society: &SocietyOffice, site: &str, now: Instant) -> Figures {
    let key = format!("{}/{site}", society.slug());
    spelt(society, key, &Place::Site(site.to_owned()), now)
}

fn spelt(society: &SocietyOffice, key: String, place: &Place, at: Instant) -> Figures {
    let known = society.now(place, at);
    let age_ms = known.last_read.map(|read| at.ms_since(read).max(0));
    Figures {
        now: view::Now {
            key,
            kw: known.power.map(live::kw),
            kwh: known.today.map(live::kwh),
            how: live::how(&known),
            age_s: age_ms.and_then(|ms| u64::try_from(ms / 1_000).ok()),
            sample: society.known().document.society.sample,
        },
        known,
    }
}

/// The home page's sentence, also live.
pub fn home_sentence(societies: &[(std::sync::Arc<SocietyOffice>, Figures)]) -> String {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let roofs = societies
        .iter()
        .map(|(society, _)| society.known().sites.len())
        .sum();
    let known = societies
        .iter()
        .fold(Now::NOTHING, |sum, (_, figures)| sum.with(figures.known));
    let sample = societies.iter().any(|(_, figures)| figures.now.sample);
    view::home::sentence(number(societies.len()), number(roofs), &known, sample)
}
