//! `/desk/{slug}/interest`: the interest run as steps. Preview and preparation are one form; another
//! officer approves what was prepared, by its hash; then it is frozen.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    calendar::{LocalDay, Period},
    money::Pence,
};
use identity::Right;
use report::{
    sheet::{Cell, Table},
    words,
};
use serde::Deserialize;

use super::{
    Web, frame,
    society::named,
    trouble::{Trouble, sentence},
    view::{InterestPage, Link, RunLineWords, RunMemberLine, RunPage, RunTyped, RunWords},
    visitor::{Sent, Visitor, see},
};
use office::{
    Answer, Refusal, SocietyOffice,
    answer::OrCaller,
    interest::{Asked, RunAsked, RunLine, RunNote, RunState, Standing, rate_of_text},
};

/// Most lines on a page; the table to take away has all.
const MOST_LINES: usize = 500;

/// What the form says: to look, or to prepare.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunForm {
    from: String,
    to: String,
    rate: String,
    action: String,
}

/// What is approved: the hash of what was looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveForm {
    hash: String,
}

impl ApproveForm {
    /// The hash.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// The runs, and the form of a new one.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let year = society.known().zone.day_of(web.state.clock.now()).year() - 1;
        let typed = RunTyped {
            from: format!("{year}-01-01"),
            to: format!("{year}-12-31"),
            rate: String::new(),
        };
        list(web, &visitor, &society, typed, None, None)
    })
    .await
}

/// A run is looked at, or prepared.
pub async fn prepare(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Sent(sent): Sent<RunForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let typed = RunTyped {
            from: sent.from.clone(),
            to: sent.to.clone(),
            rate: sent.rate.clone(),
        };
        let now = web.state.clock.now();
        let made = asked(&sent).and_then(|asked| match sent.action.as_str() {
            "prepare" => society.prepare_run(&asked, &visitor.user, now),
            _ => society.preview_run(&asked),
        });
        match made {
            Ok(note) if sent.action == "prepare" => {
                Ok(see(&format!("/desk/{slug}/interest/{}", note.number)))
            }
            Ok(note) => list(web, &visitor, &society, typed, None, Some(words_of(&note))),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                list(web, &visitor, &society, typed, Some(why), None)
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

/// One run, on its own page or on the page where it is approved or frozen.
pub async fn run(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &slug, number, None))
        .await
}

/// Another officer approves it.
pub async fn approve(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    Sent(sent): Sent<ApproveForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let done = society.approve_run(number, &sent.hash, &visitor.user, web.state.clock.now());
        after(web, &visitor, &slug, number, done)
    })
    .await
}

/// It is frozen.
pub async fn freeze(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    Sent(_): Sent<ApproveForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let done = society.freeze_run(number, &visitor.user, web.state.clock.now());
        after(web, &visitor, &slug, number, done)
    })
    .await
}

fn after(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    number: u32,
    done: Answer<RunState>,
) -> Result<Response, Trouble> {
    match done {
        Ok(_) => Ok(see(&format!("/desk/{slug}/interest/{number}"))),
        Err(Refusal::Caller(why)) => {
            let why = sentence(&why.replace("\nhint: ", "; "));
            show(web, visitor, slug, number, Some(why))
        }
        Err(ours) => Err(ours.into()),
    }
}

fn asked(sent: &RunForm) -> Answer<RunAsked> {
    let day = |text: &str| text.trim().parse::<LocalDay>().or_caller();
    let (first, last) = (day(&sent.from)?, day(&sent.to)?);
    if last < first {
        return Err(Refusal::Caller(
            "the last day lies before the first".to_owned(),
        ));
    }
    Ok(RunAsked {
        period: Period::Range { first, last },
        classes: Vec::new(),
        declared: Asked::Rates(vec![rate_of_text(sent.rate.trim())?]),
        published: Vec::new(),
        policy: None,
        replaces: None,
    })
}

fn list(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    typed: RunTyped,
    trouble: Option<String>,
    preview: Option<RunWords>,
) -> Result<Response, Trouble> {
    let known = society.known();
    let slug = society.slug();
    let here = format!("/desk/{slug}/interest");
    let runs = society.interest_runs()?;
    let waiting = runs
        .iter()
        .filter(|run| matches!(run.standing, Standing::Prepared | Standing::Approved { .. }))
        .count();
    let failed = trouble.is_some();
    let page = InterestPage {
        frame: frame::of_visitor(web, visitor, "Interest", &here),
        society: frame::link(&known.document.society.name, &format!("/desk/{slug}")),
        sentence: match (runs.len(), waiting) {
            (0, _) => "No interest has been declared yet.".to_owned(),
            (_, 0) => "No interest run waits for anybody.".to_owned(),
            (_, 1) => "One interest run waits for an officer.".to_owned(),
            (_, n) => format!("{n} interest runs wait for an officer."),
        },
        runs: runs
            .iter()
            .rev()
            .map(|run| RunLineWords {
                name: format!("Run {}", run.note.number),
                href: format!("{here}/{}", run.note.number),
                days: days(&run.note),
                total: Pence(run.note.total_pence).to_string(),
                state: run.standing.word().to_owned(),
            })
            .collect(),
        here,
        may_prepare: web.state.office.may(&visitor.user, Right::Money, slug),
        typed,
        trouble,
        preview,
    };
    let mut answer = frame::page(&page)?;
    if failed {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

fn show(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    number: u32,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let known = society.known();
    let runs = society.interest_runs()?;
    let run = runs.into_iter().find(|run| run.note.number == number);
    let run = run.ok_or_else(Trouble::nothing_here)?;
    let may = |right| web.state.office.may(&visitor.user, right, slug);
    let own = run.prepared_by == visitor.user;
    let total = Pence(run.note.total_pence);
    let of = format!("Interest run {number} over {total} for {}", days(&run.note));
    let mut action = None;
    let (sentence, waits) = match &run.standing {
        Standing::Prepared => {
            if !own && may(Right::Approve) {
                action = Some((
                    "approve",
                    "Approve this interest run",
                    "You put your name to exactly these lines, by their hash. Nothing is paid yet: the treasurer freezes the run then.",
                ));
            }
            (
                format!(
                    "{of} was prepared by {} and waits for another officer.",
                    run.prepared_by
                ),
                match own {
                    true => "You prepared it, so another officer has to approve it.",
                    false => "It takes an officer who may approve what another prepared.",
                },
            )
        }
        Standing::Approved { by } => {
            if may(Right::Money) {
                action = Some((
                    "freeze",
                    "Freeze this interest run",
                    "The run is reckoned once more. If a penny differs nothing happens; else it is fixed for ever, posted in the books, and shares inside its days move no more. A mistake is taken back in the open, by voiding the run.",
                ));
            }
            (
                format!("{of} was approved by {by} and can be frozen."),
                "It takes an officer who prepares money to freeze it.",
            )
        }
        Standing::Frozen => (
            format!("{of} is frozen."),
            "Nothing more is to be done here.",
        ),
        Standing::Voided { reason } => (
            format!("{of} was frozen and taken back: {reason}."),
            "A run that names it takes its place.",
        ),
    };
    let done = |step: u8| match &run.standing {
        Standing::Prepared => step < 2,
        Standing::Approved { .. } => step < 3,
        Standing::Frozen | Standing::Voided { .. } => true,
    };
    let failed = trouble.is_some();
    let here = format!("/desk/{slug}/interest/{number}");
    let page = RunPage {
        frame: frame::of_visitor(web, visitor, &format!("Interest run {number}"), &here),
        society: frame::link(&known.document.society.name, &format!("/desk/{slug}")),
        list: format!("/desk/{slug}/interest"),
        sentence,
        steps: vec![
            (format!("Prepared by {}", run.prepared_by), done(1)),
            ("Approved by another officer".to_owned(), done(2)),
            ("Frozen, and posted in the books".to_owned(), done(3)),
        ],
        waits: match action {
            Some(_) => String::new(),
            None => waits.to_owned(),
        },
        action,
        next: match run.standing {
            Standing::Frozen => vec![
                frame::link("Statements of this run", &format!("{here}/statements")),
                frame::link("Payments of this run", &format!("/desk/{slug}/payments")),
                frame::link(
                    "Its working, as members see it",
                    &format!("/s/{slug}/interest/{number}"),
                ),
            ],
            _ => Vec::new(),
        },
        here,
        run: RunWords {
            all_lines: format!("/desk/{slug}/interest/{number}/lines.csv"),
            ..words_of(&run.note)
        },
        trouble,
    };
    let mut answer = frame::page(&page)?;
    if failed {
        *answer.status_mut() = StatusCode::CONFLICT;
    }
    Ok(answer)
}

/// The pages that pages about interest lie below.
pub fn above(society: &SocietyOffice, run: Option<u32>) -> Vec<Link> {
    let slug = society.slug();
    let name = &society.known().document.society.name;
    let mut links = vec![
        frame::link(&format!("The desk of {name}"), &format!("/desk/{slug}")),
        frame::link("Interest", &format!("/desk/{slug}/interest")),
    ];
    links.extend(run.map(|run| {
        let here = format!("/desk/{slug}/interest/{run}");
        frame::link(&format!("Interest run {run}"), &here)
    }));
    links
}

/// Every line of a run, as a table to take away.
pub async fn lines(
    State(web): State<Web>,
    _: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let run = society.interest_run(number).map_err(Trouble::refused)?;
        let table = Table {
            name: "Interest",
            head: ["member", "class", "held", "pounds"]
                .map(str::to_owned)
                .to_vec(),
            rows: run
                .note
                .lines
                .iter()
                .map(|line| {
                    vec![
                        Cell::Number(i64::from(line.member)),
                        Cell::Text(line.class.clone()),
                        Cell::Text(line.basis.clone()),
                        Cell::Pounds(line.pence),
                    ]
                })
                .collect(),
        };
        Ok(super::statements::attached(
            "text/csv; charset=utf-8",
            &format!("{slug}-interest-run-{number}.csv"),
            table.to_csv().into_bytes(),
        ))
    })
    .await
}

/// The days of a run, in words.
pub fn days(note: &RunNote) -> String {
    match (note.from.parse::<LocalDay>(), note.to.parse::<LocalDay>()) {
        (Ok(from), Ok(to)) => words::span(from, to),
        _ => format!("{} to {}", note.from, note.to),
    }
}

fn words_of(note: &RunNote) -> RunWords {
    let line = |line: &RunLine| RunMemberLine {
        member: line.member.to_string(),
        class: line.class.clone(),
        pounds: Pence(line.pence).to_string(),
        basis: line.basis.clone(),
    };
    RunWords {
        total: Pence(note.total_pence).to_string(),
        classes: note
            .classes
            .iter()
            .map(|class| {
                let rate = match class.rate.as_str() {
                    "" => "a share of the pot",
                    rate => rate,
                };
                format!(
                    "{}: {rate}, counted {}; rule: {}, at most {}",
                    class.class, class.days, class.rule, class.maximum
                )
            })
            .collect(),
        lines: note.lines.iter().take(MOST_LINES).map(line).collect(),
        left_out: match note.lines.len().saturating_sub(MOST_LINES) {
            0 => String::new(),
            more => format!(
                "These are the first {MOST_LINES}; {} follow, and are in the total.",
                words::count(u32::try_from(more).unwrap_or(u32::MAX), "line", "lines")
            ),
        },
        all_lines: String::new(),
        count: words::count(
            u32::try_from(note.lines.len()).unwrap_or(u32::MAX),
            "member's line",
            "members' lines",
        ),
        hash: note.hash(),
        sample: note.sample,
    }
}
