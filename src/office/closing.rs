//! Closing a roof: what has to be done, what of it is done, and the letter to the licensee.
//!
//! A closing is entered with what the installation stands at in the books; the entry of its disposal
//! is posted in the same group. The other steps show themselves: a read of each meter on the last day,
//! a frozen claim and bill up to it, the licensee told, capital paid back. Nothing of the roof's
//! history goes: its reads, claims and bills stay where `verify` looks. Before a licence or a tariff
//! ends it is told of 24, 12 and 3 months ahead.

use domain::{
    accounts::{NewEntry, Posting, Role, Source, SourceKind},
    calendar::{Instant, LocalDay, Span},
    council::warnings,
    metering::Verdict,
    money::Pence,
};
use records::{
    closing::{Closing, ClosingNote, FitChange},
    decision::What,
    society::Counts,
};

use super::{
    accounts::{posted, posting},
    answer::{Answer, OrCaller, OrOurs, refuse},
    known,
    notes::{self, Noted, needed},
    society::SocietyOffice,
    stake::day,
};

/// What a file of these notes may hold, in the order they are taken.
pub const CLOSING_NOTES: [&str; 2] = ["closing", "fit-change"];
/// A read so many days around the last day closes a meter.
const READ_DAYS: i32 = 1;
/// A warning is shown for so many days; the last one until the end.
const SHOWN_DAYS: i32 = 31;

/// A roof that closes.
#[derive(Clone, Debug)]
pub struct ClosingState {
    /// As it was entered.
    pub of: Closing,
    /// Who entered it.
    pub by: String,
    /// The licensee was told.
    pub told: Option<FitChange>,
    /// What has to be done.
    pub steps: Vec<ClosingStep>,
    /// The letter to the licensee about who is paid from then on; none without an installation.
    pub letter: Option<String>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingStep {
    /// What.
    pub what: String,
    /// What shows that it is done; none where it is not.
    pub shown: Option<String>,
    /// What does it.
    pub hint: String,
}

/// Something that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// `licence`, `lease`, `use` or `tariff`.
    pub kind: String,
    /// Of what.
    pub of: String,
    /// The building; empty for another space.
    pub site: String,
    /// Its last day.
    pub ends: LocalDay,
    /// The day from which it is told of.
    pub since: LocalDay,
    /// Months that were left then.
    pub months: u8,
}

impl SocietyOffice {
    /// Licences, leases and tariffs of which a warning is out today, the nearest end first.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn endings(&self, today: LocalDay) -> Answer<Vec<Ending>> {
        let known = self.known();
        let mut all = Vec::new();
        for (space, ended) in self.stake_notes()?.spaces {
            let ends = match &ended {
                Some(ended) => day(&ended.on)?,
                None => day(&space.to)?,
            };
            all.push((space.under.clone(), space.name, space.site, ends));
        }
        for installation in &known.document.installation {
            let ends = super::tariffs::terms_of(installation)?.last_day();
            let site = installation.site.clone();
            let name = known
                .sites
                .get(&site)
                .map_or(site.clone(), |s| s.name.clone());
            all.push(("tariff".to_owned(), name, site, ends));
        }
        let closed: Vec<String> = self
            .closing_notes()?
            .into_iter()
            .map(|(c, ..)| c.site)
            .collect();
        let mut told = Vec::new();
        for (kind, of, site, ends) in all {
            let out = warnings(ends).into_iter().rev().find(|one| one.on <= today);
            let Some(out) = out.filter(|_| today <= ends && !closed.contains(&site)) else {
                continue;
            };
            let last = out.months == 3;
            if last || today <= out.on.plus(SHOWN_DAYS) {
                told.push(Ending {
                    kind,
                    of,
                    site,
                    ends,
                    since: out.on,
                    months: out.months,
                });
            }
        }
        told.sort_by(|a, b| (a.ends, &a.kind, &a.of).cmp(&(b.ends, &b.kind, &b.of)));
        Ok(told)
    }

    /// Closings with their authors and what was said of the licensee.
    fn closing_notes(&self) -> Answer<Vec<(Closing, String, Option<FitChange>)>> {
        let ledger = self.ledger()?;
        let mut all: Vec<(Closing, String, Option<FitChange>)> = Vec::new();
        for decision in self.decisions(&[notes::CLOSING])? {
            let What::ClosingNoted(note) = decision.what else {
                continue;
            };
            match *note {
                // A disposal that was reversed is no closing any more.
                ClosingNote::Closing(of) if ledger.reversed_by(of.entry).is_none() => {
                    all.push((of, decision.by, None));
                }
                ClosingNote::FitChange(told) => {
                    if let Some((.., said)) = all.iter_mut().find(|(c, ..)| c.site == told.site) {
                        *said = Some(told);
                    }
                }
                ClosingNote::Closing(_) | ClosingNote::Withdrawn(_) => {}
            }
        }
        Ok(all)
    }

    /// Enters closings and what was said to licensees; a closing posts its disposal in the books.
    ///
    /// # Errors
    /// With the first that is refused, and why.
    pub fn note_closings(&self, all: Vec<ClosingNote>, by: &str, now: Instant) -> Answer<Noted> {
        let _one_at_a_time = posting();
        let mut ledger = self.with_chart()?;
        let mut stand = self.closing_notes()?;
        let mut done = Noted::default();
        let mut what = Vec::new();
        for note in all {
            match note {
                ClosingNote::Closing(of) => {
                    if let Some((there, ..)) = stand.iter().find(|(c, ..)| c.site == of.site) {
                        if (Closing {
                            entry: there.entry,
                            ..of.clone()
                        }) == *there
                        {
                            done.already += 1;
                            continue;
                        }
                        return refuse(format!(
                            "`{}` is closed already, by entry {}\nhint: reverse that entry to take the closing back",
                            of.site, there.entry
                        ));
                    }
                    let entry = self.disposal(&of, &ledger, now)?;
                    ledger.check(&entry).or_caller()?;
                    let of = Closing {
                        entry: ledger.next_number(),
                        ..of
                    };
                    what.push(posted(of.entry, &entry, None));
                    ledger.enter(entry, None);
                    stand.push((of.clone(), by.to_owned(), None));
                    what.push(What::ClosingNoted(Box::new(ClosingNote::Closing(of))));
                    done.new += 1;
                }
                ClosingNote::FitChange(told) => {
                    needed("letter that was sent", &[("evidence", &told.evidence)])?;
                    self.has_come(&told.on, now)?;
                    let Some((.., said)) = stand.iter_mut().find(|(c, ..)| c.site == told.site)
                    else {
                        return refuse(format!("`{}` does not close", told.site));
                    };
                    if notes::same_or_other("the letter about", &told.site, said.as_ref(), &told)? {
                        done.already += 1;
                        continue;
                    }
                    *said = Some(told.clone());
                    what.push(What::ClosingNoted(Box::new(ClosingNote::FitChange(told))));
                    done.new += 1;
                }
                ClosingNote::Withdrawn(_) => {
                    return refuse(
                        "a closing is taken back by reversing its entry: `commonwatt accounts reverse`",
                    );
                }
            }
        }
        self.decide_all(what, by, now)?;
        Ok(done)
    }

    /// The entry of a disposal: cost and what was written off leave, what is paid comes in, the rest is
    /// gain or loss.
    fn disposal(
        &self,
        of: &Closing,
        ledger: &domain::accounts::Ledger,
        now: Instant,
    ) -> Answer<NewEntry> {
        known::known("site", &of.site, &self.known().sites)?;
        let on = self.has_come(&of.on, now)?;
        needed(
            "closing",
            &[("why", &of.why), ("to", &of.to), ("evidence", &of.evidence)],
        )?;
        if !["reverts", "sold", "removed"].contains(&of.follows.as_str()) {
            return refuse(format!(
                "the installation `{}`; expected reverts, sold or removed",
                of.follows
            ));
        }
        if of.cost_pence <= 0
            || !(0..=of.cost_pence).contains(&of.depreciation_pence)
            || of.proceeds_pence < 0
        {
            return refuse(format!(
                "it cost {}, {} of it was written off, and {} is paid for it; expected a cost above nothing and no more written off than that",
                Pence(of.cost_pence),
                Pence(of.depreciation_pence),
                Pence(of.proceeds_pence)
            ));
        }
        let result = of.cost_pence - of.depreciation_pence - of.proceeds_pence;
        let side = |account: domain::accounts::AccountCode, pence: i64| Posting {
            account,
            pence: Pence(pence),
        };
        let mut postings = vec![
            side(
                of.depreciation_account.parse().or_caller()?,
                of.depreciation_pence,
            ),
            side(ledger.role(Role::Bank).or_caller()?, of.proceeds_pence),
            side(of.result_account.parse().or_caller()?, result),
            side(of.cost_account.parse().or_caller()?, -of.cost_pence),
        ];
        postings.retain(|posting| posting.pence != Pence::ZERO);
        Ok(NewEntry {
            on,
            text: format!(
                "disposal of the installation on {}, {} {}",
                of.site, of.follows, of.to
            )
            .chars()
            .take(200)
            .collect(),
            source: Source {
                kind: SourceKind::Document,
                reference: of.evidence.chars().take(120).collect(),
            },
            postings,
        })
    }

    /// Every roof that closes or closed, with its steps.
    ///
    /// # Errors
    /// When the books or the series are damaged.
    pub fn closings(&self, now: Instant) -> Answer<Vec<ClosingState>> {
        let mut all = Vec::new();
        for (of, by, told) in self.closing_notes()? {
            let steps = self.closing_steps(&of, told.as_ref(), now)?;
            let letter = self.change_letter(&of);
            all.push(ClosingState {
                of,
                by,
                told,
                steps,
                letter,
            });
        }
        Ok(all)
    }

    fn closing_steps(
        &self,
        of: &Closing,
        told: Option<&FitChange>,
        now: Instant,
    ) -> Answer<Vec<ClosingStep>> {
        let known = self.known();
        let on = day(&of.on)?;
        let span = Span::new(
            known.zone.day_span(on.plus(-READ_DAYS)).start,
            known.zone.day_span(on.plus(READ_DAYS)).end,
        );
        let mut steps = Vec::new();
        let points: Vec<String> = [Counts::Generation, Counts::Export]
            .into_iter()
            .flat_map(|counts| known.points_of_site(&of.site, counts))
            .map(str::to_owned)
            .collect();
        for point in &points {
            let Some(last) = known.series_of_point(point).last().copied() else {
                continue;
            };
            let serial = known.series[last.0 as usize].meter.clone();
            let read = self.ask(&[last], |reader| {
                let rows = reader.reads(last, span).or_ours("series.sqlite")?;
                let mut rows = rows.into_iter().rev();
                Ok(rows.find(|row| row.verdict == Verdict::Accepted))
            })?;
            steps.push(ClosingStep {
                what: format!("Final read of meter {serial}"),
                shown: read.map(|row| {
                    format!(
                        "{} on {}",
                        row.counts_as.unwrap_or(row.read.wh).kwh_words(),
                        known.zone.day_of(row.read.at)
                    )
                }),
                hint: "commonwatt reads take".to_owned(),
            });
        }
        for installation in known
            .document
            .installation
            .iter()
            .filter(|i| i.site == of.site)
        {
            let mut last = None;
            for made in self.frozen_claims()? {
                if made.claim.installation == installation.id && day(&made.claim.to)? >= on {
                    last = Some(format!(
                        "claim {} up to {}",
                        made.claim.number, made.claim.to
                    ));
                }
            }
            steps.push(ClosingStep {
                what: format!("Last claim of {}", installation.id),
                shown: last,
                hint: "commonwatt claim freeze".to_owned(),
            });
        }
        for host in known.document.host.iter().filter(|h| h.site == of.site) {
            let mut last = None;
            for made in self.frozen_bills()? {
                if made.bill.host == host.id && made.credited.is_none() && day(&made.bill.to)? >= on
                {
                    last = Some(format!("bill {} up to {}", made.bill.number, made.bill.to));
                }
            }
            steps.push(ClosingStep {
                what: format!("Last bill to {}", host.name),
                shown: last,
                hint: "commonwatt bill freeze".to_owned(),
            });
        }
        steps.push(ClosingStep {
            what: "Disposal in the books".to_owned(),
            shown: Some(format!("entry {} of {}", of.entry, of.on)),
            hint: String::new(),
        });
        if known
            .document
            .installation
            .iter()
            .any(|i| i.site == of.site)
        {
            steps.push(ClosingStep {
                what: "The licensee told who is paid from then on".to_owned(),
                shown: told.map(|told| format!("{} ({})", told.on, told.evidence)),
                hint: "commonwatt closing letter; then [[fit-change]]".to_owned(),
            });
        }
        let held = self.holdings(known.zone.day_of(now), None, now)?.total;
        let closed = self.closing_notes()?.len();
        let all_closed = closed >= known.sites.len();
        steps.push(ClosingStep {
            what: match all_closed {
                true => "Capital repaid".to_owned(),
                false => "Capital repaid, as the members decided for this roof".to_owned(),
            },
            shown: match held {
                Pence::ZERO => Some("no shares are held any more".to_owned()),
                held if !all_closed => {
                    Some(format!("other roofs go on; {held} of shares are held"))
                }
                _ => None,
            },
            hint: format!("commonwatt shares repay; {held} of shares are held"),
        });
        let head = self.head();
        steps.push(ClosingStep {
            what: "History kept".to_owned(),
            shown: Some(format!(
                "{} records, root {}; `commonwatt verify` checks them all",
                head.size, head.root
            )),
            hint: String::new(),
        });
        Ok(steps)
    }

    /// The letter about the change of who is paid; none without an installation.
    fn change_letter(&self, of: &Closing) -> Option<String> {
        let known = self.known();
        let own = known
            .document
            .installation
            .iter()
            .filter(|i| i.site == of.site);
        let own: Vec<_> = own.collect();
        if own.is_empty() {
            return None;
        }
        let mark = match known.document.society.sample || of.sample {
            true => "SAMPLE\n\n",
            false => "",
        };
        let name = known
            .sites
            .get(&of.site)
            .map_or(of.site.as_str(), |site| &site.name);
        let mut letter = format!("{mark}Dear licensee,\n\n");
        for installation in &own {
            letter.push_str(&format!(
                "installation {} (FIT ID …), {name}, {} kW, eligible from {}\n",
                installation.id, installation.declared_net_capacity_kw, installation.eligible_from
            ));
        }
        letter.push_str(&format!(
            "\nOn {} this installation {} {}: {}. We ask you to change the FIT generator, and who is paid, from {} on.\nThe final reads are enclosed with photos of the dials. Payments up to that day are due to us; later ones to {} (bank details under separate cover, signed by both sides: …).\n\nPlease confirm the change in writing, and the day from which it holds.\n\n{}\n",
            of.on,
            match of.follows.as_str() {
                "reverts" => "reverts to",
                "sold" => "is sold to",
                _ => "is removed and given to",
            },
            of.to,
            of.why,
            of.on,
            of.to,
            known.document.society.name
        ));
        Some(letter)
    }
}
