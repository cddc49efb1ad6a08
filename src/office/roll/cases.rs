//! Cases of a member: a death, a power of attorney, a member who cannot be traced, complaints and
//! questions, each a log of dated notes with a day by which to answer.
//!
//! What is said in a case is personal and lies in the people file; the journal holds its kind, its
//! dates and the hash of each note. A case is never edited: a note is added, and the last one closes
//! it. While a case is open its member's data are not erased.

use domain::{
    calendar::{Instant, LocalDay},
    membership::{MemberNo, Refused},
};
use records::{
    decision::What,
    estate::CaseStep,
    roll::{CaseNoted, CaseOpened, MemberDay},
};

use super::{
    super::{
        answer::{Answer, OrOurs, Refusal, refuse},
        society::SocietyOffice,
    },
    caller,
    fold::Roll,
    salted,
};

/// Longest note, in characters.
const MAX_NOTE: usize = 20_000;

/// Kinds of case, as they are typed.
pub const CASE_KINDS: [&str; 6] = [
    "death",
    "attorney",
    "untraceable",
    "complaint",
    "question",
    "other",
];

/// A case, as the roll knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its number.
    pub number: u32,
    /// Whose.
    pub member: MemberNo,
    /// Its kind.
    pub kind: String,
    /// The day it was opened.
    pub on: LocalDay,
    /// The day by which to answer.
    pub reply_by: Option<LocalDay>,
    /// The day it was closed.
    pub closed: Option<LocalDay>,
    /// Its steps: papers seen, who takes what, who is paid.
    pub steps: Vec<(LocalDay, CaseStep)>,
    /// Days and hashes of its notes, the first one first.
    pub notes: Vec<(LocalDay, String)>,
}

/// A case that is to be opened.
#[derive(Clone, Debug)]
pub struct NewCase {
    /// Whose.
    pub member: u32,
    /// Its kind.
    pub kind: String,
    /// The day.
    pub on: LocalDay,
    /// The day by which to answer.
    pub reply_by: Option<LocalDay>,
    /// What it is about.
    pub text: String,
    /// The day of death, where it is not entered yet.
    pub died: Option<LocalDay>,
}

/// A case as it is shown.
#[derive(Clone, Debug)]
pub struct CaseLine {
    /// The case.
    pub case: Case,
    /// Its notes in words; empty when the member was erased.
    pub texts: Vec<(LocalDay, String)>,
    /// True when its answer is late.
    pub late: bool,
}

impl SocietyOffice {
    /// Opens a case; gives its number.
    ///
    /// # Errors
    /// When there is no such member or kind, or a day is wrong.
    pub fn open_case(&self, new: &NewCase, by: &str, now: Instant) -> Answer<u32> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let member = MemberNo(new.member);
            roll.register.member(member).map_err(caller)?;
            if !CASE_KINDS.contains(&new.kind.as_str()) {
                return refuse(format!(
                    "`{}` is no kind of case; expected one of: {}",
                    new.kind,
                    CASE_KINDS.join(", ")
                ));
            }
            if new.on > today {
                return refuse(Refused::Future { on: new.on, today });
            }
            if let Some(reply_by) = new.reply_by.filter(|day| *day < new.on) {
                return refuse(format!(
                    "an answer by `{reply_by}` would come before the case of `{}`",
                    new.on
                ));
            }
            let died = death(roll, member, new, today)?;
            let case = u32::try_from(roll.cases.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1);
            let row = salted(member, note(&new.text)?)?;
            let what = What::CaseOpened(CaseOpened {
                case,
                member: new.member,
                kind: new.kind.clone(),
                on: new.on.to_string(),
                reply_by: new.reply_by.map(|day| day.to_string()),
                note: row.hash.clone(),
            });
            self.write_people(&[row])?;
            let all = died.into_iter().chain([what]).collect();
            self.enter(roll, all, by, now)?;
            Ok(case)
        })
    }

    /// Adds a note to a case; the last one closes it.
    ///
    /// # Errors
    /// When the case is not there or closed.
    pub fn note_case(
        &self,
        case: u32,
        text: &str,
        closes: bool,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let on = self.today(now);
        self.with_roll(|roll| {
            let found = roll.cases.iter().find(|known| known.number == case);
            let Some(found) = found else {
                return refuse(format!("case `{case}` is not there"));
            };
            if let Some(closed) = found.closed {
                return refuse(format!(
                    "case `{case}` was closed on `{closed}`\nhint: open a new one"
                ));
            }
            let row = salted(found.member, note(text)?)?;
            let what = What::CaseNoted(CaseNoted {
                case,
                on: on.to_string(),
                note: row.hash.clone(),
                closes,
            });
            self.write_people(&[row])?;
            self.enter(roll, vec![what], by, now)
        })
    }

    /// The cases, of all members or one, those that are open or all, the one to answer first first.
    ///
    /// # Errors
    /// When the people file is damaged.
    pub fn cases(&self, member: Option<u32>, all: bool, now: Instant) -> Answer<Vec<CaseLine>> {
        let today = self.today(now);
        self.with_roll(|roll| {
            let wanted = roll.cases.iter().filter(|case| {
                member.is_none_or(|member| case.member.0 == member)
                    && (all || case.closed.is_none())
            });
            let lines: Answer<Vec<CaseLine>> = wanted
                .map(|case| {
                    Ok(CaseLine {
                        texts: self.case_texts(roll, case)?,
                        late: case.closed.is_none() && case.reply_by.is_some_and(|day| day < today),
                        case: case.clone(),
                    })
                })
                .collect();
            let mut lines = lines?;
            lines.sort_by_key(|line| {
                let closed = line.case.closed.is_some();
                let reply_by = line.case.reply_by.unwrap_or(LocalDay(i32::MAX));
                (closed, reply_by, line.case.number)
            });
            Ok(lines)
        })
    }

    pub(super) fn case_texts(&self, roll: &Roll, case: &Case) -> Answer<Vec<(LocalDay, String)>> {
        let erased = roll
            .facts
            .get(&case.member)
            .is_none_or(|facts| facts.erased);
        if erased {
            return Ok(Vec::new());
        }
        let text = |(on, hash): &(LocalDay, String)| -> Answer<(LocalDay, String)> {
            let row = self.row(case.member, hash)?;
            let words = String::from_utf8(row.bytes).or_ours("people.sqlite")?;
            Ok((*on, words))
        };
        case.notes.iter().map(text).collect()
    }
}

/// The news of the death that a case is about, where it is new: it stops payments, post and ballots
/// in the same group of the journal.
fn death(roll: &Roll, member: MemberNo, new: &NewCase, today: LocalDay) -> Answer<Option<What>> {
    let known = roll.register.member(member).map_err(caller)?.died;
    match (new.kind == "death", known, new.died) {
        (true, None, Some(on)) if on > today => refuse(Refused::Future { on, today }),
        (true, None, Some(on)) => Ok(Some(What::MemberDied(MemberDay {
            member: member.0,
            on: on.to_string(),
        }))),
        (true, None, None) => refuse(format!(
            "the death of member `{member}` was not entered\nhint: say --died DATE"
        )),
        (true, Some(known), Some(on)) if on != known => refuse(format!(
            "the death of member `{member}` on `{known}` was entered before"
        )),
        (false, _, Some(_)) => refuse("a day of death belongs to a case of kind death"),
        _ => Ok(None),
    }
}

fn note(text: &str) -> Result<Vec<u8>, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_NOTE {
        return refuse(format!("a note has 1 to {MAX_NOTE} characters"));
    }
    Ok(text.as_bytes().to_vec())
}
