//! Papers about a council's stake: the pack for its committee, signed off; the balance at 31 March for
//! its auditor; the bundle for a request for information, logged.
//!
//! Signing keeps the figures as canonical JSON with their hash and the journal's head they were made
//! at. A pack says whether it is signed, and, where figures moved since, that they did.

use domain::calendar::{Instant, LocalDay, Period};
use records::{
    closing::{Given, PackNote, Signed},
    decision::What,
};
use report::{
    dossier::{Amount, Dossier, Figure, Section},
    words,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Office,
    accounts::posting,
    answer::{Answer, OrOurs, refuse},
    node::hex,
    notes,
    society::SocietyOffice,
    stake::{StakeAsked, StakeReport, document, same, sheet_of},
};

/// A pack.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The dossier.
    pub sheet: Dossier,
    /// The figures.
    pub document: Value,
    /// Charts as SVG, by a name for a file.
    pub charts: Vec<(String, String)>,
    /// SHA-256 of the figures.
    pub sha256: String,
    /// Who signed it off and when; none where nobody did.
    pub signed: Option<(String, Instant)>,
}

impl SocietyOffice {
    /// Packs that were signed: author, time and what was signed.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn signed_packs(&self) -> Answer<Vec<(String, Instant, Signed)>> {
        let mut all = Vec::new();
        for decision in self.decisions(&[notes::PACK])? {
            if let What::PackNoted(note) = decision.what
                && let PackNote::Signed(signed) = *note
            {
                all.push((decision.by, Instant(decision.at_ms), signed));
            }
        }
        Ok(all)
    }

    /// Bundles that were given: author, time and what was given.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn given_bundles(&self) -> Answer<Vec<(String, Instant, Given)>> {
        let mut all = Vec::new();
        for decision in self.decisions(&[notes::PACK])? {
            if let What::PackNoted(note) = decision.what
                && let PackNote::Given(given) = *note
            {
                all.push((decision.by, Instant(decision.at_ms), given));
            }
        }
        Ok(all)
    }
}

impl Office {
    fn stake_in(
        &self,
        society: &std::sync::Arc<SocietyOffice>,
        council: &str,
        period: Period,
        now: Instant,
    ) -> Answer<StakeReport> {
        let asked = StakeAsked {
            council: Some(council.to_owned()),
            period,
            only: Vec::new(),
        };
        self.stake_report(&asked, std::slice::from_ref(society), now, true)
    }

    /// The pack of a council for a year in one society.
    ///
    /// # Errors
    /// When the council has no stake there, or a stored row is damaged.
    pub fn council_pack(
        &self,
        society: &std::sync::Arc<SocietyOffice>,
        council: &str,
        period: Period,
        now: Instant,
    ) -> Answer<Pack> {
        let report = self.stake_in(society, council, period, now)?;
        let (figures, sha256) = figures_of(&report)?;
        let mut sheet = sheet_of(&report);
        let mut charts = Vec::new();
        let generation = society.generation(None, period, None, now, true)?;
        let chart = generation.paper().or_ours("the chart")?.chart;
        let mut section = Section {
            heading: "What the roofs made".to_owned(),
            text: vec![generation.sentence()],
            chart: chart.clone(),
            ..Section::default()
        };
        if let Some((svg, _)) = chart {
            charts.push((format!("{}-generation", society.slug()), svg));
        }
        for row in &generation.rows {
            section.figures.push(Figure {
                what: words::span(row.start, row.end),
                amount: row.generated.map_or_else(
                    || Amount::Unknown("no read covers it".to_owned()),
                    Amount::Energy,
                ),
                evidence: format!(
                    "quality {}; {}; {}",
                    row.quality.word(),
                    words::count(
                        row.missing_half_hours,
                        "half hour missing",
                        "half hours missing"
                    ),
                    words::count(row.held, "read held", "reads held")
                ),
                href: None,
                sample: generation.samples.generation || generation.samples.rows,
            });
        }
        sheet.sections.insert(0, section);
        let same_days = |one: &Signed| {
            one.from == period.first_day().to_string() && one.to == period.last_day().to_string()
        };
        let signed = society.signed_packs()?;
        let mut last = signed
            .into_iter()
            .rev()
            .filter(|(_, _, one)| same(&one.council, council) && same_days(one));
        let zone = &society.known().zone;
        let mut by = None;
        sheet.notes.push(match last.next() {
            None => "Not signed off: a draft.".to_owned(),
            Some((who, at, one)) if one.sha256 == sha256 => {
                let day = words::date(zone.day_of(at));
                by = Some((who.clone(), at));
                format!(
                    "Signed off by {who} on {day}, at {} records of the journal with the root {}.",
                    one.head_size, one.head_root
                )
            }
            Some((who, at, one)) => format!(
                "{who} signed other figures for these days on {} (SHA-256 {}); what is printed here has moved since and is not signed off.",
                words::date(zone.day_of(at)),
                one.sha256
            ),
        });
        let head = society.head();
        sheet.notes.push(format!(
            "The figures as one JSON document have the SHA-256 {sha256}. The journal now has {} records and the root {}; `commonwatt verify` checks them.",
            head.size, head.root
        ));
        sheet.heading = format!(
            "Council pack, {}",
            words::span(period.first_day(), period.last_day())
        );
        sheet.signatures = vec!["For the society", "For the council"];
        Ok(Pack {
            sheet,
            document: figures,
            charts,
            sha256,
            signed: by,
        })
    }

    /// Signs a pack off: its figures and the journal's head are kept. The same figures again change
    /// nothing.
    ///
    /// # Errors
    /// When its days are not over, or the council has no stake there.
    pub fn sign_pack(
        &self,
        society: &std::sync::Arc<SocietyOffice>,
        council: &str,
        period: Period,
        by: &str,
        now: Instant,
    ) -> Answer<Pack> {
        let today = society.known().zone.day_of(now);
        if period.last_day() >= today {
            return refuse(format!(
                "`{}` is not over; a pack is signed when its days are",
                period.last_day()
            ));
        }
        let report = self.stake_in(society, council, period, now)?;
        let (figures, sha256) = figures_of(&report)?;
        {
            let _one_at_a_time = posting();
            let signed = society.signed_packs()?;
            if !signed.iter().any(|(_, _, one)| one.sha256 == sha256) {
                let head = society.head();
                let note = PackNote::Signed(Signed {
                    council: report.council.clone(),
                    from: period.first_day().to_string(),
                    to: period.last_day().to_string(),
                    sha256,
                    head_size: head.size,
                    head_root: head.root,
                    figures: figures.to_string(),
                });
                society.decide(What::PackNoted(Box::new(note)), by, now)?;
            }
        }
        self.council_pack(society, council, period, now)
    }

    /// The letter about what a council's auditor asks at the end of a day, 31 March as a rule.
    ///
    /// # Errors
    /// When the council is no member, or the day is to come.
    pub fn balance_letter(
        &self,
        society: &std::sync::Arc<SocietyOffice>,
        council: &str,
        on: LocalDay,
        now: Instant,
    ) -> Answer<Dossier> {
        let known = society.known();
        society.has_come(&on.to_string(), now)?;
        let first = domain::income::months_after(on, -12).next();
        let report = self.stake_in(society, council, Period::Range { first, last: on }, now)?;
        let Some(stake) = report.societies.first() else {
            return refuse(format!("`{council}` has no stake here"));
        };
        let Some(capital) = &stake.capital else {
            return refuse(format!("`{council}` is no member of this society"));
        };
        let figure = |what: String, pence, evidence: &str| Figure {
            what,
            amount: Amount::Pounds(pence),
            evidence: evidence.to_owned(),
            href: None,
            sample: stake.sample,
        };
        let mut figures = vec![
            figure(
                "Share capital held".to_owned(),
                capital.own,
                "Register of shares",
            ),
            figure(
                "Interest for periods that ended in the year before".to_owned(),
                stake.interest_pence(),
                "Frozen interest runs",
            ),
        ];
        for loan in &stake.loans {
            let what = format!("Loan {} still owed", loan.of.id);
            figures.push(figure(what, loan.left, &loan.of.evidence));
        }
        for one in &stake.guarantees {
            if on.to_string() <= one.to {
                let what = format!("Guarantee {} in force, at most", one.id);
                figures.push(figure(
                    what,
                    domain::money::Pence(one.limit_pence),
                    &one.evidence,
                ));
            }
        }
        let head = society.head();
        let name = &known.document.society.name;
        Ok(Dossier {
            author: name.clone(),
            heading: format!("Balances of {} on {}", report.council, words::date(on)),
            on: known.zone.day_of(now),
            sentence: format!(
                "At the end of {}, {} held {} of share capital in {name}.",
                words::date(on),
                report.council,
                capital.own
            ),
            sections: vec![Section {
                heading: "To the council’s auditor".to_owned(),
                text: vec![
                    "We confirm these balances from our books and registers. Shares stand at par; they can be withdrawn under the society’s rules and cannot be sold.".to_owned(),
                ],
                figures,
                ..Section::default()
            }],
            notes: vec![format!(
                "Made at {} records of the journal with the root {}.",
                head.size, head.root
            )],
            signatures: vec!["Treasurer", "Secretary"],
            sample: stake.sample,
        })
    }

    /// What may be released on a request for information, and a log that it was given.
    ///
    /// # Errors
    /// When the request has no reference, or the council has no stake there.
    pub fn bundle(
        &self,
        society: &std::sync::Arc<SocietyOffice>,
        council: &str,
        period: Period,
        request: &str,
        by: &str,
        now: Instant,
    ) -> Answer<Value> {
        notes::needed("bundle", &[("request", request)])?;
        let report = self.stake_in(society, council, period, now)?;
        let Some(stake) = report.societies.first() else {
            return refuse(format!("`{council}` has no stake here"));
        };
        let known = society.known();
        let today = known.zone.day_of(now);
        let left_out: Vec<String> = [
            "holdings, names and addresses of members: personal data",
            "bank details: personal data",
            "energy finer than a day, and any home’s: the society’s rule",
            "votes: secret by the rules of ballots",
        ]
        .map(str::to_owned)
        .to_vec();
        let mut by_owner: std::collections::BTreeMap<&str, rust_decimal::Decimal> =
            std::collections::BTreeMap::new();
        for building in &stake.buildings {
            let kwp: rust_decimal::Decimal = building.kwp.parse().or_ours("a roof's size")?;
            *by_owner.entry(building.host.as_str()).or_default() += kwp;
        }
        let releasable = json!({
            "society": stake.name,
            "request": request,
            "from": period.first_day().to_string(),
            "to": period.last_day().to_string(),
            "kwp_by_owner": by_owner.iter().map(|(owner, kwp)| json!({"owner": owner, "kwp": kwp.to_string()})).collect::<Vec<_>>(),
            "invested_pence": stake.capital.as_ref().map(|c| c.own.0),
            "received_pence": stake.interest_pence().0,
            "buildings": stake.buildings.iter().map(|one| json!({
                "name": one.name, "kwp": one.kwp, "made_wh": one.made.map(|m| m.0), "quality": one.quality.word(),
            })).collect::<Vec<_>>(),
            "left_out": left_out,
            "sample": stake.sample,
        });
        let _one_at_a_time = posting();
        let sha256 = hex(&Sha256::digest(releasable.to_string()));
        let before = society.given_bundles()?;
        if !before.iter().any(|(_, _, one)| one.sha256 == sha256) {
            let number = u32::try_from(before.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1);
            let note = PackNote::Given(Given {
                number,
                request: request.to_owned(),
                on: today.to_string(),
                sha256,
                left_out,
            });
            society.decide(What::PackNoted(Box::new(note)), by, now)?;
        }
        Ok(releasable)
    }
}

/// The figures of a stake without the day they were drawn up, and their hash.
fn figures_of(report: &StakeReport) -> Answer<(Value, String)> {
    let mut figures = document(report);
    if let Some(fields) = figures.as_object_mut() {
        fields.remove("drawn_up");
    }
    let text = serde_json::to_string(&figures).or_ours("the figures")?;
    let sha256 = hex(&Sha256::digest(text));
    Ok((figures, sha256))
}
