//! Residents' own projects: what is proposed, who takes part (counts and hours), places lent, small
//! grants of the fund, what happened.
//!
//! A session counts its people and how many of them came to this project for the first time; hours are
//! its length times its people. Nobody is named without consent: a name lies in a sealed file, the
//! journal has its hash, and taking the consent back removes the file.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay, Period},
    council::Hours,
    money::Pence,
};
use records::{
    community::{Named, PlaceLent, Project, ProjectNote, Said, Session, Unnamed},
    council::Ended,
    decision::What,
};

use super::{
    accounts::posting,
    answer::{Answer, OrCaller, OrOurs, refuse},
    blobs::{Expected, Given},
    fund::GrantLine,
    notes::{self, Noted, needed, proper_id, same_or_other, span},
    society::SocietyOffice,
    stake::day,
};

/// What a file of these notes may hold, in the order they are taken.
pub const PROJECT_NOTES: [&str; 7] = [
    "project",
    "agreed",
    "place",
    "session",
    "result",
    "ended",
    "withdrawn",
];
/// Longest name of a person.
const MAX_NAME: usize = 100;

/// A project as it stands.
#[derive(Clone, Debug)]
pub struct ProjectLine {
    /// As it was proposed.
    pub of: Project,
    /// When it was agreed that it goes ahead.
    pub agreed: Option<Said>,
    /// Its sessions.
    pub sessions: Vec<Session>,
    /// Places lent to it.
    pub places: Vec<PlaceLent>,
    /// What happened.
    pub results: Vec<Said>,
    /// Who may be named: number and name.
    pub named: Vec<Named>,
    /// Why it is over.
    pub ended: Option<Ended>,
}

/// A project over a period.
#[derive(Clone, Debug)]
pub struct ProjectYear {
    /// The project.
    pub line: ProjectLine,
    /// People who took part for the first time in the period.
    pub new_people: u32,
    /// Sessions.
    pub sessions: u32,
    /// Hours of all who took part.
    pub hours: Hours,
    /// Paid to it by the fund.
    pub granted: Pence,
    /// What happened in the period.
    pub results: Vec<Said>,
    /// Those who may be named.
    pub names: Vec<String>,
}

/// All projects over a period.
#[derive(Clone, Debug)]
pub struct ProjectsYear {
    /// The days.
    pub period: Period,
    /// Projects that were there in it.
    pub projects: Vec<ProjectYear>,
    /// People, each once in each project.
    pub people: u32,
    /// Hours.
    pub hours: Hours,
    /// Paid by the fund.
    pub granted: Pence,
}

/// The notes of projects as they stand.
#[derive(Clone, Debug, Default)]
pub struct ProjectNotes {
    /// Projects, in the order they were proposed.
    pub projects: Vec<ProjectLine>,
    gone: Vec<records::council::Withdrawn>,
}

impl ProjectNotes {
    fn take(&mut self, note: ProjectNote) {
        let id = match &note {
            ProjectNote::Project(_) | ProjectNote::Withdrawn(_) => String::new(),
            ProjectNote::Agreed(said) | ProjectNote::Result(said) => said.project.clone(),
            ProjectNote::Session(session) => session.project.clone(),
            ProjectNote::Place(place) => place.project.clone(),
            ProjectNote::Named(named) => named.project.clone(),
            ProjectNote::Unnamed(unnamed) => unnamed.project.clone(),
            ProjectNote::Ended(ended) => ended.id.clone(),
        };
        let line = self.projects.iter_mut().find(|line| line.of.id == id);
        match (note, line) {
            (ProjectNote::Project(of), _) => self.projects.push(ProjectLine {
                of,
                agreed: None,
                sessions: Vec::new(),
                places: Vec::new(),
                results: Vec::new(),
                named: Vec::new(),
                ended: None,
            }),
            (ProjectNote::Withdrawn(gone), _) => {
                for line in &mut self.projects {
                    match gone.kind.as_str() {
                        "session" => line.sessions.retain(|s| s.id != gone.id),
                        "place" => line.places.retain(|p| p.id != gone.id),
                        _ => {}
                    }
                }
                self.gone.push(gone);
            }
            (ProjectNote::Agreed(said), Some(line)) => line.agreed = Some(said),
            (ProjectNote::Result(said), Some(line)) => line.results.push(said),
            (ProjectNote::Session(session), Some(line)) => line.sessions.push(session),
            (ProjectNote::Place(place), Some(line)) => line.places.push(place),
            (ProjectNote::Named(named), Some(line)) => line.named.push(named),
            (ProjectNote::Unnamed(gone), Some(line)) => {
                line.named.retain(|named| named.number != gone.number);
            }
            (ProjectNote::Ended(ended), Some(line)) => line.ended = Some(ended),
            (_, None) => {}
        }
    }

    fn line(&self, id: &str) -> Answer<&ProjectLine> {
        let found = self.projects.iter().find(|line| line.of.id == id);
        found.map_or_else(
            || {
                let ids = self.projects.iter().map(|line| line.of.id.as_str());
                refuse(format!(
                    "there is no project `{id}`{}",
                    config::did_you_mean(id, ids)
                ))
            },
            Ok,
        )
    }
}

impl ProjectLine {
    /// People who took part, each once.
    #[must_use]
    pub fn people(&self) -> u32 {
        self.sessions.iter().map(|session| session.new_people).sum()
    }

    /// How it stands, in a word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (&self.ended, &self.agreed) {
            (Some(_), _) => "over",
            (None, Some(_)) => "going on",
            (None, None) => "proposed",
        }
    }
}

impl SocietyOffice {
    /// The notes of projects as they stand.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn project_notes(&self) -> Answer<ProjectNotes> {
        let mut all = ProjectNotes::default();
        let notes = self.decided(notes::PROJECT, |what| match what {
            What::ProjectNoted(note) => Some(*note),
            _ => None,
        })?;
        for note in notes {
            all.take(note);
        }
        Ok(all)
    }

    /// Refuses a project that is not there; none is meant by nothing.
    pub(super) fn project_is_there(&self, id: &str) -> Answer<()> {
        match id {
            "" => Ok(()),
            id => self.project_notes()?.line(id).map(drop),
        }
    }

    /// Enters notes of projects, all of them or none.
    ///
    /// # Errors
    /// With the first that is refused, and why.
    pub fn note_projects(&self, all: Vec<ProjectNote>, by: &str, now: Instant) -> Answer<Noted> {
        let _one_at_a_time = posting();
        let mut stand = self.project_notes()?;
        let mut done = Noted::default();
        let mut what = Vec::new();
        for note in all {
            match self.project_noted(&stand, &note, now)? {
                true => done.already += 1,
                false => {
                    stand.take(note.clone());
                    what.push(What::ProjectNoted(Box::new(note)));
                    done.new += 1;
                }
            }
        }
        self.decide_all(what, by, now)?;
        Ok(done)
    }

    fn project_noted(
        &self,
        stand: &ProjectNotes,
        note: &ProjectNote,
        now: Instant,
    ) -> Answer<bool> {
        match note {
            ProjectNote::Project(project) => {
                proper_id("project", &project.id)?;
                needed(
                    "project",
                    &[
                        ("name", &project.name),
                        ("about", &project.about),
                        ("group", &project.group),
                    ],
                )?;
                self.has_come(&project.proposed, now)?;
                let there = stand.projects.iter().find(|line| line.of.id == project.id);
                same_or_other("project", &project.id, there.map(|line| &line.of), project)
            }
            ProjectNote::Agreed(said) => {
                needed("agreement", &[("what", &said.what)])?;
                self.has_come(&said.on, now)?;
                let there = stand.line(&said.project)?.agreed.as_ref();
                same_or_other("the agreement on", &said.project, there, said)
            }
            ProjectNote::Result(said) => {
                needed("result", &[("what", &said.what)])?;
                self.has_come(&said.on, now)?;
                Ok(stand.line(&said.project)?.results.contains(said))
            }
            ProjectNote::Place(place) => {
                proper_id("place", &place.id)?;
                needed(
                    "place",
                    &[("place", &place.place), ("lender", &place.lender)],
                )?;
                span(&place.from, &place.to)?;
                stand.line(&place.project)?;
                let mut places = stand.projects.iter().flat_map(|line| &line.places);
                let there = places.find(|other| other.id == place.id);
                same_or_other("place", &place.id, there, place)
            }
            ProjectNote::Session(session) => {
                proper_id("session", &session.id)?;
                self.has_come(&session.on, now)?;
                session.hours.parse::<Hours>().or_caller()?;
                let line = stand.line(&session.project)?;
                if session.people == 0 || session.new_people > session.people {
                    return refuse(format!(
                        "session `{}`: {} took part, {} of them for the first time; expected at least one, and no more new ones than there were",
                        session.id, session.people, session.new_people
                    ));
                }
                if let Some(ended) = &line.ended
                    && day(&ended.on)? < day(&session.on)?
                {
                    return refuse(format!(
                        "project `{}` was over on {}",
                        session.project, ended.on
                    ));
                }
                let mut sessions = stand.projects.iter().flat_map(|line| &line.sessions);
                let there = sessions.find(|other| other.id == session.id);
                same_or_other("session", &session.id, there, session)
            }
            ProjectNote::Ended(ended) => {
                needed("project that ends", &[("reason", &ended.reason)])?;
                self.has_come(&ended.on, now)?;
                let there = stand.line(&ended.id)?.ended.as_ref();
                same_or_other("the end of project", &ended.id, there, ended)
            }
            ProjectNote::Withdrawn(gone) => {
                needed("note that is taken back", &[("reason", &gone.reason)])?;
                let mut lines = stand.projects.iter();
                let there = match gone.kind.as_str() {
                    "session" => lines.any(|line| line.sessions.iter().any(|s| s.id == gone.id)),
                    "place" => lines.any(|line| line.places.iter().any(|p| p.id == gone.id)),
                    other => {
                        return refuse(format!(
                            "`{other}` cannot be taken back; expected session or place"
                        ));
                    }
                };
                match there {
                    true => Ok(false),
                    false if stand.gone.contains(gone) => Ok(true),
                    false => refuse(format!("there is no {} `{}`", gone.kind, gone.id)),
                }
            }
            ProjectNote::Named(_) | ProjectNote::Unnamed(_) => refuse(
                "a person is named with `commonwatt project name`, so that the name is in no file of notes",
            ),
        }
    }

    /// Names somebody who took part, with their consent.
    ///
    /// # Errors
    /// When the project is unknown, or name or consent is missing.
    pub fn name_in_project(
        &self,
        project: &str,
        name: &str,
        consent: &str,
        evidence: &str,
        by: &str,
        now: Instant,
    ) -> Answer<u32> {
        let _one_at_a_time = posting();
        needed(
            "person who is named",
            &[("name", name), ("evidence", evidence)],
        )?;
        if name.chars().count() > MAX_NAME || name.contains(char::is_control) {
            return refuse(format!(
                "a name is on one line and has at most {MAX_NAME} characters"
            ));
        }
        self.has_come(consent, now)?;
        self.project_notes()?.line(project)?;
        let ever = self.decided(notes::PROJECT, |what| match what {
            What::ProjectNoted(note) => match *note {
                ProjectNote::Named(named) if named.project == project => Some(()),
                _ => None,
            },
            _ => None,
        })?;
        let number = u32::try_from(ever.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let kept = self.keep(
            &Given {
                name: format!("{project}-{number}"),
                bytes: name.as_bytes().to_vec(),
            },
            Expected::Personal,
        )?;
        let named = Named {
            project: project.to_owned(),
            number,
            consent: consent.to_owned(),
            evidence: evidence.to_owned(),
            name: kept,
        };
        let note = ProjectNote::Named(named);
        self.decide(What::ProjectNoted(Box::new(note)), by, now)?;
        Ok(number)
    }

    /// Somebody takes their consent back: the file with the name is removed.
    ///
    /// # Errors
    /// When nobody of that number is named.
    pub fn unname_in_project(
        &self,
        project: &str,
        number: u32,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let _one_at_a_time = posting();
        let notes = self.project_notes()?;
        let mut named = notes.line(project)?.named.iter();
        let Some(named) = named.find(|named| named.number == number) else {
            return refuse(format!(
                "nobody is named as `{number}` in project `{project}`"
            ));
        };
        let path = self.kept_at(&named.name);
        let note = ProjectNote::Unnamed(Unnamed {
            project: project.to_owned(),
            number,
        });
        self.decide(What::ProjectNoted(Box::new(note)), by, now)?;
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e).or_ours("the sealed name"),
            _ => Ok(()),
        }
    }

    /// All projects over a period.
    ///
    /// # Errors
    /// When the books are damaged, or a sealed name cannot be opened.
    pub fn projects_over(&self, period: Period) -> Answer<ProjectsYear> {
        let what = "a project of the journal";
        let notes = self.project_notes()?;
        let grants: BTreeMap<String, Vec<GrantLine>> = {
            let mut by_project: BTreeMap<String, Vec<GrantLine>> = BTreeMap::new();
            for grant in self.fund_notes()?.grants {
                by_project
                    .entry(grant.of.project.clone())
                    .or_default()
                    .push(grant);
            }
            by_project
        };
        let inside = |text: &str| day(text).map(|on| period.contains(on));
        let mut all = ProjectsYear {
            period,
            projects: Vec::new(),
            people: 0,
            hours: Hours::default(),
            granted: Pence::ZERO,
        };
        for line in notes.projects {
            let over = match &line.ended {
                Some(ended) => day(&ended.on)? < period.first_day(),
                None => false,
            };
            if over || day(&line.of.proposed)? > period.last_day() {
                continue;
            }
            let mut year = ProjectYear {
                new_people: 0,
                sessions: 0,
                hours: Hours::default(),
                granted: Pence::ZERO,
                results: Vec::new(),
                names: Vec::new(),
                line: line.clone(),
            };
            for session in &line.sessions {
                if inside(&session.on)? {
                    let length: Hours = session.hours.parse().or_ours(what)?;
                    year.sessions += 1;
                    year.new_people += session.new_people;
                    year.hours = year.hours.plus(length.times(session.people));
                }
            }
            for said in &line.results {
                if inside(&said.on)? {
                    year.results.push(said.clone());
                }
            }
            for grant in grants.get(&line.of.id).into_iter().flatten() {
                for paid in &grant.paid {
                    if inside(&paid.on)? {
                        year.granted.0 += paid.pence;
                    }
                }
            }
            for named in &line.named {
                let bytes = self.blob(&named.name)?;
                year.names.push(String::from_utf8(bytes).or_ours(what)?);
            }
            all.people += year.new_people;
            all.hours = all.hours.plus(year.hours);
            all.granted.0 += year.granted.0;
            all.projects.push(year);
        }
        Ok(all)
    }

    /// The years in which projects were there, the newest first.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn project_years(&self, today: LocalDay) -> Answer<Vec<i32>> {
        let mut first = None;
        for line in self.project_notes()?.projects {
            let year = day(&line.of.proposed)?.year();
            first = Some(first.map_or(year, |first: i32| first.min(year)));
        }
        let Some(first) = first else {
            return Ok(Vec::new());
        };
        Ok((first..=today.year()).rev().collect())
    }
}
