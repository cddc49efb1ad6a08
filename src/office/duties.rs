//! Deadlines: claims by quarter, the read of 31 March, photos, certificates, what an outage asks for.
//!
//! Nothing is stored but that a duty was done. A frozen claim, a read or a photo of the dial shows it
//! by itself; for the rest a person says so, once, with what shows it.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay, Span},
    income::{Duty, DutyKind, Facts, Photo, Shown, days_of, notice_by, of_year_end},
    metering::Verdict,
    quantity::WattHours,
};
use records::{
    decision::What,
    roofs::TaskDone,
    society::{Counts, Installation},
};

use super::{
    answer::{Answer, OrOurs, refuse},
    blobs::{Expected, Given},
    dials::DialRead,
    known::{Known, date},
    outages::Outage,
    society::SocietyOffice,
    tariffs::terms_of,
};

/// Good Energy's months and day, where a society file says nothing of its licensee's.
const CLAIM_MONTHS: [u8; 4] = [3, 6, 9, 12];
const CLAIM_DAY: u8 = 15;
/// How far back a duty is looked for when somebody says that it was done.
const BACK_DAYS: i32 = 5 * 366;
/// And how far ahead.
const AHEAD_DAYS: i32 = 400;
/// A deadline of the society file may be met so many days before its day.
const DEADLINE_OPENS_DAYS: i32 = 60;
/// Closing reads of an outage may be taken so many days before it.
const CLOSING_DAYS: i32 = 7;

/// A deadline with its owner and what shows that it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The duty.
    pub duty: Duty,
    /// The officer whose it is; none where the society file names nobody.
    pub owner: Option<String>,
    /// `done`, `overdue`, `open` or `to come`.
    pub state: &'static str,
    /// The file that a person gave as evidence.
    pub file: Option<String>,
}

impl SocietyOffice {
    /// The tasks whose day lies in `[from, until]`, in order of their days.
    ///
    /// # Errors
    /// When the books or the series are damaged.
    pub fn tasks(&self, from: LocalDay, until: LocalDay, now: Instant) -> Answer<Vec<Task>> {
        let known = self.known();
        let today = known.zone.day_of(now);
        let dials = self.dial_reads(None)?;
        let mut duties: Vec<(Duty, Option<String>)> = Vec::new();
        for installation in &known.document.installation {
            let facts = self.facts(&known, installation, &dials, from, until)?;
            let named = installation.claims.as_ref().map(|c| c.owner.clone());
            let owner = named
                .filter(|owner| !owner.is_empty())
                .or_else(|| officer(&known, "treasurer"));
            duties.extend(facts.duties(from, until).into_iter().map(|duty| {
                let of_roof = matches!(duty.kind, DutyKind::Photo | DutyKind::Certificate);
                let owner = match of_roof {
                    true => roof_officer(&known),
                    false => owner.clone(),
                };
                (duty, owner)
            }));
        }
        duties.extend(self.society_duties(&known, from, until)?);
        // Two installations may share a meter: its certificate ends once.
        duties.sort_by_key(|(duty, _)| (duty.due, duty.id()));
        duties.dedup_by(|a, b| a.0.id() == b.0.id());
        for outage in self.outages()? {
            if outage.cancelled.is_none() {
                let of_it = of_outage(&known, &outage, &dials);
                let asked = of_it
                    .into_iter()
                    .filter(|duty| from <= duty.due && duty.due <= until);
                duties.extend(asked.map(|duty| {
                    let owner = match duty.kind {
                        DutyKind::OutageNotice => officer(&known, "treasurer"),
                        _ => roof_officer(&known),
                    };
                    (duty, owner)
                }));
            }
        }
        let mut said: BTreeMap<String, (TaskDone, String)> = BTreeMap::new();
        for decision in self.decisions(&["task-done/1"])? {
            if let What::TaskDone(done) = decision.what {
                said.insert(done.task.clone(), (done, decision.by));
            }
        }
        let mut tasks = Vec::new();
        for (mut duty, owner) in duties {
            let word = said.get(&duty.id());
            if let Some((done, by)) = word {
                duty.done = Some(Shown {
                    on: done.on.parse().or_ours("a task that was done")?,
                    evidence: format!("{} ({by})", done.evidence),
                });
            }
            let state = match &duty.done {
                Some(_) => "done",
                None if duty.due < today => "overdue",
                None if duty.opens <= today => "open",
                None => "to come",
            };
            tasks.push(Task {
                file: word
                    .and_then(|(done, _)| done.file.as_ref())
                    .map(|f| f.sha256.clone()),
                duty,
                owner,
                state,
            });
        }
        tasks.sort_by_key(|task| (task.duty.due, task.duty.id()));
        Ok(tasks)
    }

    /// A person says that a task was done.
    ///
    /// # Errors
    /// When there is no such task, it was done before, or nothing shows it.
    pub fn task_done(
        &self,
        id: &str,
        on: LocalDay,
        evidence: &str,
        file: Option<&Given>,
        by: &str,
        now: Instant,
    ) -> Answer<Task> {
        let today = self.known().zone.day_of(now);
        let all = self.tasks(today.plus(-BACK_DAYS), today.plus(AHEAD_DAYS), now)?;
        let Some(task) = all.iter().find(|task| task.duty.id() == id) else {
            let ids: Vec<String> = all.iter().map(|task| task.duty.id()).collect();
            let nearest = config::did_you_mean(id, ids.iter().map(String::as_str));
            return refuse(format!("there is no task `{id}`{nearest}"));
        };
        if let Some(done) = &task.duty.done {
            return refuse(format!(
                "this task was done on {}: {}; nothing was changed",
                done.on, done.evidence
            ));
        }
        if evidence.trim().is_empty() {
            return refuse(
                "what shows that it was done?\nhint: --evidence \"read entered at the licensee's portal, reference 123\"",
            );
        }
        if on > today {
            return refuse(format!("`{on}` lies in the future"));
        }
        let file = match file {
            Some(given) => Some(self.keep(given, Expected::Evidence)?),
            None => None,
        };
        let what = What::TaskDone(TaskDone {
            task: id.to_owned(),
            on: on.to_string(),
            evidence: evidence.to_owned(),
            file,
        });
        self.decide(what, by, now)?;
        let day = task.duty.due;
        let mut again = self.tasks(day, day, now)?;
        again.retain(|task| task.duty.id() == id);
        again.pop().map_or_else(|| refuse("the task is gone"), Ok)
    }

    /// What the society has to do, whatever its roofs do: for one that issues shares what its accounts
    /// year gives, and the deadlines of its file.
    fn society_duties(
        &self,
        known: &Known,
        from: LocalDay,
        until: LocalDay,
    ) -> Answer<Vec<(Duty, Option<String>)>> {
        let mut all = Vec::new();
        if !known.document.share_class.is_empty() {
            // The latest duty of a year is twelve months after its end.
            let mut year = known.year_start.year_of(from.plus(-BACK_DAYS / 5 - 31));
            while year.first_day() <= until {
                let ends = year.next().first_day().previous();
                let (paid, taxed) = self.paid_in(year.first_day(), ends)?;
                for duty in of_year_end(ends, paid).into_iter().chain(taxed) {
                    let owner = match duty.kind {
                        DutyKind::Ar30 => officer(known, "secretary"),
                        _ => None,
                    };
                    all.push((duty, owner.or_else(|| officer(known, "treasurer"))));
                }
                year = year.next();
            }
        }
        for deadline in &known.document.deadline {
            let kind = entered_kind(&deadline.kind)?;
            let first: LocalDay = deadline.due.parse().or_ours("a deadline")?;
            let owner = match deadline.owner.as_str() {
                "" => officer(known, "secretary").or_else(|| officer(known, "treasurer")),
                owner => Some(owner.to_owned()),
            };
            // A notice is due before its meeting.
            let ahead = until.plus(366);
            for due in days_of(first, deadline.every_months, ahead) {
                let duty = |kind, due: LocalDay| Duty {
                    kind,
                    about: deadline.about.clone(),
                    opens: due.plus(-DEADLINE_OPENS_DAYS),
                    due,
                    done: None,
                };
                all.push((duty(kind, due), owner.clone()));
                if let Some(days) = deadline.notice_clear_days {
                    all.push((
                        duty(DutyKind::AgmNotice, notice_by(due, days)),
                        owner.clone(),
                    ));
                }
            }
        }
        all.retain(|(duty, _)| from <= duty.due && duty.due <= until);
        Ok(all)
    }

    fn facts(
        &self,
        known: &Known,
        installation: &Installation,
        dials: &[DialRead],
        from: LocalDay,
        until: LocalDay,
    ) -> Answer<Facts> {
        let terms = terms_of(installation)?;
        let (months, day) = match &installation.claims {
            Some(calendar) => (calendar.months.clone(), calendar.day),
            None => (CLAIM_MONTHS.to_vec(), CLAIM_DAY),
        };
        let mut claims = Vec::new();
        for made in self.frozen_claims()? {
            let claim = made.claim;
            if claim.installation == installation.id {
                claims.push(Shown {
                    on: known.zone.day_of(Instant(claim.closes_at_ms)),
                    evidence: format!(
                        "claim {} is frozen, {} to {}",
                        claim.number, claim.from, claim.to
                    ),
                });
            }
        }
        let point = &installation.meter_point;
        let photos = dials
            .iter()
            .filter(|dial| dial.read.meter_point == *point && dial.agreed.is_some())
            .filter_map(|dial| {
                let photo = dial.read.photo.as_ref()?;
                Some(Photo {
                    on: known.zone.day_of(Instant(dial.read.read_at_ms)),
                    words: format!(
                        "photo {} of meter {} at {}, {}",
                        &photo.sha256[..12],
                        dial.read.meter,
                        WattHours(dial.read.wh).kwh_words(),
                        dial.taken.0
                    ),
                })
            });
        let mut photos: Vec<Photo> = photos.collect();
        photos.sort_by_key(|photo| photo.on);
        let now_there = known
            .points
            .get(point)
            .and_then(|point| point.meters.last());
        let certificate = now_there.and_then(|serial| {
            let meter = known.document.meter.iter().find(|m| m.serial == *serial)?;
            Some((serial.clone(), meter.approved.as_ref()?.expires.clone()))
        });
        let certificate = match certificate {
            Some((serial, expires)) => Some((serial, date("meter.approved.expires", &expires)?)),
            None => None,
        };
        Ok(Facts {
            installation: installation.id.clone(),
            first: terms.eligible(),
            last: terms.last_day(),
            claim_months: months,
            claim_day: day,
            claims,
            march_reads: self.march_reads(known, point, from, until)?,
            photos,
            certificate,
        })
    }

    /// The days of 31 March of which there is an accepted read.
    fn march_reads(
        &self,
        known: &Known,
        point: &str,
        from: LocalDay,
        until: LocalDay,
    ) -> Answer<Vec<Shown>> {
        let series = known.series_of_point(point);
        let days = (from.year()..=until.year()).filter_map(|year| LocalDay::of_date(year, 3, 31));
        self.ask(&series, |reader| {
            let mut shown = Vec::new();
            for day in days {
                let span = known.zone.day_span(day);
                // The midnight that ends it is its own.
                let span = Span::new(span.start, span.end.plus_ms(1));
                for one in &series {
                    let rows = reader.reads(*one, span).or_ours("series.sqlite")?;
                    let last = rows
                        .iter()
                        .rev()
                        .find(|row| row.verdict == Verdict::Accepted);
                    if let Some(row) = last {
                        shown.push(Shown {
                            on: day,
                            evidence: format!(
                                "read of {} at {} ({})",
                                row.counts_as.unwrap_or(row.read.wh).kwh_words(),
                                row.read.at,
                                row.read.source.word()
                            ),
                        });
                        break;
                    }
                }
            }
            Ok(shown)
        })
    }
}

/// What an outage asks for: closing reads and the licensee's notice before, reads after it.
fn of_outage(known: &Known, outage: &Outage, dials: &[DialRead]) -> Vec<Duty> {
    let number = outage.planned.number.to_string();
    let points: Vec<&str> = known
        .points_of_site(&outage.planned.site, Counts::Generation)
        .collect();
    let read_between = |from: LocalDay, to: LocalDay| {
        let found = |point: &&str| {
            dials.iter().find(|dial| {
                let day = known.zone.day_of(Instant(dial.read.read_at_ms));
                dial.read.meter_point == **point && from <= day && day <= to
            })
        };
        let all: Option<Vec<&DialRead>> = points.iter().map(found).collect();
        let last = all?.into_iter().max_by_key(|dial| dial.read.read_at_ms)?;
        Some(Shown {
            on: known.zone.day_of(Instant(last.read.read_at_ms)),
            evidence: format!(
                "read from the dial: {} ({})",
                WattHours(last.read.wh).kwh_words(),
                last.taken.0
            ),
        })
    };
    let before = outage.from.previous();
    let after = outage.to.plus(CLOSING_DAYS);
    vec![
        Duty {
            kind: DutyKind::OutageNotice,
            about: number.clone(),
            opens: before.plus(-2 * CLOSING_DAYS),
            due: before,
            done: None,
        },
        Duty {
            kind: DutyKind::OutageReads,
            about: number.clone(),
            opens: outage.from.plus(-CLOSING_DAYS),
            due: before,
            done: read_between(outage.from.plus(-CLOSING_DAYS), outage.from),
        },
        Duty {
            kind: DutyKind::OutageRestart,
            about: number,
            opens: outage.to,
            due: after,
            done: read_between(outage.to, after),
        },
    ]
}

/// The officer with that role; the first of several.
pub(super) fn officer(known: &Known, role: &str) -> Option<String> {
    let mut all = known.document.officer.iter();
    all.find(|officer| officer.role == role)
        .map(|o| o.id.clone())
}

/// Whose the roofs are: the roof manager, or the treasurer where there is none.
pub(super) fn roof_officer(known: &Known) -> Option<String> {
    officer(known, "roof manager").or_else(|| officer(known, "treasurer"))
}

/// The kind of a deadline in the society file.
fn entered_kind(word: &str) -> Answer<DutyKind> {
    let found = DutyKind::ENTERED
        .into_iter()
        .find(|kind| kind.word() == word);
    found.map_or_else(
        || {
            let known = DutyKind::ENTERED.map(DutyKind::word).join(", ");
            refuse(format!(
                "deadline.kind is `{word}`; expected one of {known}"
            ))
        },
        Ok,
    )
}

/// Checks the deadlines of a document.
fn check_deadlines(document: &records::society::SocietyDocument) -> Answer<()> {
    let mut seen = std::collections::BTreeSet::new();
    for deadline in &document.deadline {
        let kind = entered_kind(&deadline.kind)?;
        let wrong = |why: String| refuse(format!("deadline `{}`: {why}", deadline.about));
        if let Err(why) = deadline.due.parse::<LocalDay>() {
            return wrong(format!("due: {why}"));
        }
        if deadline.about.trim().is_empty() || deadline.about.contains(['/', '\n']) {
            return wrong("about is empty or has a `/`; expected a word or two".to_owned());
        }
        if !seen.insert((
            deadline.kind.as_str(),
            deadline.about.as_str(),
            deadline.due.as_str(),
        )) {
            return wrong(format!("it stands twice for {}", deadline.due));
        }
        if deadline.every_months == Some(0) {
            return wrong("every_months is 0; expected at least 1, or leave it out".to_owned());
        }
        if deadline.notice_clear_days.is_some() && kind != DutyKind::Agm {
            return wrong("notice_clear_days is for kind `agm`".to_owned());
        }
        let known = document.officer.iter().any(|o| o.id == deadline.owner);
        if !deadline.owner.is_empty() && !known {
            return wrong(format!(
                "owner `{}` is no officer in this file",
                deadline.owner
            ));
        }
    }
    Ok(())
}

/// Checks the calendars of a document.
pub(super) fn check(document: &records::society::SocietyDocument) -> Answer<()> {
    check_deadlines(document)?;
    for installation in &document.installation {
        let Some(calendar) = &installation.claims else {
            continue;
        };
        let wrong =
            |why: String| refuse(format!("installation `{}`, claims: {why}", installation.id));
        if calendar.months.is_empty()
            || calendar
                .months
                .iter()
                .any(|month| !(1..=12).contains(month))
        {
            return wrong(format!(
                "months `{:?}`; expected some of 1 to 12",
                calendar.months
            ));
        }
        if !calendar.months.is_sorted_by(|a, b| a < b) {
            return wrong(format!(
                "months `{:?}`; expected each once, in order",
                calendar.months
            ));
        }
        if !(1..=31).contains(&calendar.day) {
            return wrong(format!("day `{}`; expected 1 to 31", calendar.day));
        }
        let known = document.officer.iter().any(|o| o.id == calendar.owner);
        if !calendar.owner.is_empty() && !known {
            return wrong(format!(
                "owner `{}` is no officer in this file",
                calendar.owner
            ));
        }
    }
    Ok(())
}
