//! Ballots on pages: what is open and what was decided for everybody; the vote itself with the code on
//! the letter; codes, papers and the close for officers.
//!
//! Nothing of a vote is in an address, a log or a cookie: a vote is one form that is sent once, and
//! what comes back is the paper's code, which nobody else has.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::calendar::Instant;
use office::{
    Refusal, SocietyOffice,
    ballots::{Ballot, BallotState, VoteOf, outcome_words, published},
};
use report::{
    dossier::{Amount, Dossier, DossierTable, Section},
    words,
};

use super::{
    Web, frame, notes,
    society::named,
    trouble::{Trouble, sentence},
    view::{CouncilPage, VoteOption, VotePage},
    visitor::{Sent, Visitor},
};

/// `/s/{slug}/ballots`: what is open, what was decided.
pub async fn list(State(web): State<Web>, Path(slug): Path<String>) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let now = web.state.clock.now();
        let ballots = society.ballots()?;
        let mut ways = Vec::new();
        let mut open = 0_u32;
        for ballot in ballots.iter().rev() {
            let number = ballot.called.number;
            let title = &ballot.called.title;
            match ballot.state(now) {
                BallotState::Open => {
                    open += 1;
                    ways.push(frame::link(
                        &format!("Vote: {title}"),
                        &format!("/vote/{slug}/{number}"),
                    ));
                }
                BallotState::Closed => {
                    ways.push(frame::link(
                        &format!("Count ballot {number} again (JSON)"),
                        &format!("/s/{slug}/ballots/{number}.json"),
                    ));
                    ways.push(frame::link(
                        &format!("Look for your paper in ballot {number}"),
                        &format!("/vote/{slug}/{number}"),
                    ));
                }
                BallotState::Called | BallotState::Over | BallotState::Cancelled => {}
            }
        }
        let name = &known.document.society.name;
        let here = format!("/s/{slug}/ballots");
        frame::page(&CouncilPage {
            frame: frame::of_society(web, &known, "Ballots", &here),
            kicker: vec![frame::link(name, &format!("/s/{slug}"))],
            sentence: match (ballots.len(), open) {
                (0, _) => format!("{name} has called no ballot yet."),
                (_, 0) => "No ballot is open; this is what was decided.".to_owned(),
                (_, 1) => "One ballot is open.".to_owned(),
                (_, n) => format!("{n} ballots are open."),
            },
            fragment: sheet(&society, &ballots, now)?,
            ways,
            ..CouncilPage::default()
        })
    })
    .await
}

/// `/s/{slug}/ballots/{file}`: a closed ballot for anybody to count again.
pub async fn download(
    State(web): State<Web>,
    Path((slug, file)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let number = file.strip_suffix(".json").and_then(|n| n.parse().ok());
        let ballot = number.and_then(|number| society.ballot(number).ok());
        let Some(ballot) = ballot.filter(|ballot| ballot.papers.is_some()) else {
            return Err(Trouble::nothing_here());
        };
        let whole = published(&society, &ballot, web.state.clock.now())?;
        let number = ballot.called.number;
        let head = [
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{slug}-ballot-{number}.json\""),
            ),
        ];
        Ok((head, format!("{whole:#}\n")).into_response())
    })
    .await
}

/// `/vote/{slug}/{number}`: the paper.
pub async fn paper(
    State(web): State<Web>,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let ballot = society.ballot(number)?;
        frame::page(&filled(
            web,
            &society,
            &ballot,
            &BTreeMap::new(),
            Said::Nothing,
        ))
    })
    .await
}

/// A vote is cast, or a paper looked for.
pub async fn vote(
    State(web): State<Web>,
    Path((slug, number)): Path<(String, u32)>,
    Sent(sent): Sent<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let ballot = society.ballot(number)?;
        let now = web.state.clock.now();
        let said = |key: &str| sent.get(key).map(|text| text.trim()).unwrap_or_default();
        let known = |key: &str| {
            ["action", "code", "choice", "on_behalf", "paper"].contains(&key)
                || key.starts_with("option-")
        };
        if let Some(other) = sent.keys().find(|key| !known(key)) {
            return Err(Trouble::form(&format!("`{other}` is no field of this form")));
        }
        let outcome = match said("action") {
            "vote" => choice_of(&ballot, &sent).and_then(|choice| {
                let on_behalf = match said("on_behalf") {
                    "" => None,
                    text => Some(text.parse().map_err(|_| {
                        Refusal::Caller(format!("`{text}` is no elector's number"))
                    })?),
                };
                let of = VoteOf {
                    ballot: number,
                    code: said("code").to_owned(),
                    on_behalf,
                    choice,
                };
                society.vote(&of, now).map(|code| Said::Paper(code.to_string()))
            }),
            "check" => match said("paper").parse() {
                Ok(code) => society.find_paper(number, code).map(|found| {
                    Said::Found(match found {
                        Some(choice) => format!("Your paper was counted: {choice}"),
                        None => "Your paper is in the box. What stands on it shows when the ballot is closed".to_owned(),
                    })
                }),
                Err(why) => Err(Refusal::Caller(domain::governance::NotACode::to_string(&why))),
            },
            _ => return Err(Trouble::form("the form does not say what it is for")),
        };
        match outcome {
            Ok(said) => frame::page(&filled(web, &society, &ballot, &BTreeMap::new(), said)),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                let page = filled(web, &society, &ballot, &sent, Said::Not(why));
                Ok((StatusCode::CONFLICT, frame::page(&page)?).into_response())
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

/// What the page says after something was sent.
enum Said {
    /// Nothing was.
    Nothing,
    /// The vote is in the box; the paper's code.
    Paper(String),
    /// The paper was found.
    Found(String),
    /// It was not taken.
    Not(String),
}

/// What stands on the paper, as the office reads it.
fn choice_of(ballot: &Ballot, sent: &BTreeMap<String, String>) -> Result<String, Refusal> {
    let options = options_of(ballot);
    if options.is_empty() {
        return Ok(sent.get("choice").cloned().unwrap_or_default());
    }
    let mut shares = Vec::new();
    for option in &options {
        let typed = sent.get(&format!("option-{}", option.id));
        let typed = typed
            .map(|text| text.replace([',', '£', ' '], ""))
            .unwrap_or_default();
        match typed.parse::<u64>() {
            _ if typed.is_empty() => {}
            Ok(0) => {}
            Ok(pounds) => shares.push(format!("{}={pounds}", option.id)),
            Err(_) => {
                return Err(Refusal::Caller(format!(
                    "`{typed}` for {} is no number of whole pounds",
                    option.name
                )));
            }
        }
    }
    Ok(shares.join(","))
}

fn options_of(ballot: &Ballot) -> Vec<VoteOption> {
    ballot
        .options()
        .into_iter()
        .map(|(id, name, limit)| VoteOption {
            id,
            name,
            limit: limit.to_string(),
            typed: String::new(),
        })
        .collect()
}

fn filled(
    web: &Web,
    society: &SocietyOffice,
    ballot: &Ballot,
    typed: &BTreeMap<String, String>,
    said: Said,
) -> VotePage {
    let known = society.known();
    let slug = society.slug();
    let called = &ballot.called;
    let here = format!("/vote/{slug}/{}", called.number);
    let now = web.state.clock.now();
    let last = known.zone.day_of(Instant(called.closes_ms - 1));
    let mut options = options_of(ballot);
    for option in &mut options {
        option.typed = typed
            .get(&format!("option-{}", option.id))
            .cloned()
            .unwrap_or_default();
    }
    let field = |key: &str| typed.get(key).cloned().unwrap_or_default();
    let (trouble, paper, found) = match said {
        Said::Nothing => (None, None, None),
        Said::Paper(code) => (None, Some(code), None),
        Said::Found(words) => (None, None, Some(words)),
        Said::Not(why) => (Some(why), None, None),
    };
    VotePage {
        frame: frame::of_society(web, &known, &called.title, &here),
        kicker: vec![
            frame::link(&known.document.society.name, &format!("/s/{slug}")),
            frame::link("Ballots", &format!("/s/{slug}/ballots")),
        ],
        here,
        title: called.title.clone(),
        text: called.text.lines().map(str::to_owned).collect(),
        about: format!(
            "{} may vote, until the end of {}. {}",
            words::count(
                u32::try_from(called.electors.len()).unwrap_or(u32::MAX),
                "elector",
                "electors"
            ),
            words::date(last),
            match called.electorate.as_str() {
                "residents" => "It is a question to residents and does not bind the society.",
                _ => "One member, one vote.",
            }
        ),
        sample: called.sample,
        open: ballot.state(now) == BallotState::Open,
        pot: ballot.pot().map(|pot| pot.to_string()),
        options,
        choice: field("choice"),
        proxies: called.proxy_limit > 0,
        on_behalf: field("on_behalf"),
        outcome: ballot.tally().ok().flatten().map(|tally| {
            let words = outcome_words(&tally);
            words.lines().map(|line| line.trim().to_owned()).collect()
        }),
        trouble,
        paper,
        found,
    }
}

/// The ballots as a section: title, electors, turnout, outcome.
fn sheet(society: &SocietyOffice, ballots: &[Ballot], now: Instant) -> Result<String, Trouble> {
    let known = society.known();
    let mut rows = Vec::new();
    for ballot in ballots.iter().rev() {
        let called = &ballot.called;
        let mark = if called.sample { "SAMPLE: " } else { "" };
        let outcome = match ballot.tally()? {
            Some(tally) => outcome_words(&tally)
                .lines()
                .map(str::trim)
                .collect::<Vec<_>>()
                .join("; "),
            None => ballot
                .cancelled
                .clone()
                .unwrap_or_else(|| "not counted yet".to_owned()),
        };
        let voted = match society.turnout(ballot)? {
            Some(voted) => Amount::count(u32::try_from(voted).unwrap_or(u32::MAX), ""),
            None => Amount::Unknown("its box is not here".to_owned()),
        };
        rows.push(vec![
            Amount::Words(format!("{}. {mark}{}", called.number, called.title)),
            Amount::Words(format!(
                "{} {}",
                words::whole(i64::try_from(called.electors.len()).unwrap_or(i64::MAX)),
                called.electorate
            )),
            Amount::Words(ballot.state(now).word().to_owned()),
            Amount::Words(words::date(
                known.zone.day_of(Instant(called.closes_ms - 1)),
            )),
            voted,
            Amount::Words(outcome),
        ]);
    }
    let dossier = Dossier {
        sections: vec![Section {
            heading: "Ballots".to_owned(),
            tables: vec![DossierTable {
                caption: "The newest first".to_owned(),
                head: ["Ballot", "Electors", "Stands", "Last day", "Voted", "Outcome"].map(str::to_owned).to_vec(),
                rows,
            }],
            ..Section::default()
        }],
        notes: vec!["Who voted and what was voted are published apart at the close, sorted so that nothing links them. Each voter holds the code of their own paper.".to_owned()],
        ..Dossier::default()
    };
    match ballots.is_empty() {
        true => Ok(String::new()),
        false => dossier.fragment(true).map_err(Trouble::ours),
    }
}

/// `/desk/{slug}/ballots`.
pub async fn desk(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let now = web.state.clock.now();
        let ballots = society.ballots()?;
        let mut ways = notes::ways(&slug, "/ballots");
        for ballot in ballots.iter().rev() {
            let number = ballot.called.number;
            if matches!(ballot.state(now), BallotState::Called | BallotState::Open) {
                ways.push(frame::link(
                    &format!("Hand out the codes of ballot {number}"),
                    &format!("/desk/{slug}/ballot-codes/{number}"),
                ));
            }
        }
        ways.push(frame::link(
            "The public list",
            &format!("/s/{slug}/ballots"),
        ));
        let here = format!("/desk/{slug}/ballots");
        let mut frame = frame::of_visitor(web, &visitor, "Ballots", &here);
        frame.notices = frame::notices(&known);
        let waiting = ballots
            .iter()
            .filter(|b| b.state(now) == BallotState::Over)
            .count();
        frame::page(&CouncilPage {
            frame,
            kicker: vec![frame::link(
                &format!("The desk of {}", known.document.society.name),
                &format!("/desk/{slug}"),
            )],
            sentence: match (ballots.len(), waiting) {
                (0, _) => "No ballot was called yet.".to_owned(),
                (n, 0) => format!(
                    "{} called.",
                    words::count(
                        u32::try_from(n).unwrap_or(u32::MAX),
                        "ballot was",
                        "ballots were"
                    )
                ),
                (_, n) => format!(
                    "{} to be closed.",
                    words::count(
                        u32::try_from(n).unwrap_or(u32::MAX),
                        "ballot is",
                        "ballots are"
                    )
                ),
            },
            fragment: sheet(&society, &ballots, now)?,
            ways,
            ..CouncilPage::default()
        })
    })
    .await
}

/// The page before the codes of a ballot are handed out.
pub async fn codes_page(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        frame::page(&notes::codes_page(web, &visitor, &society, number, None))
    })
    .await
}

/// The codes as CSV for the letters, shown this once.
pub async fn codes(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    Sent(sent): Sent<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let Some(elector) = sent.get("elector") else {
            return Err(Trouble::form("the form does not say for whom"));
        };
        let only = match elector.trim() {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| Trouble::form(&format!("`{text}` is no elector's number")))?,
            ),
        };
        match society.voting_codes(number, only, web.state.clock.now()) {
            Ok(codes) => {
                let mut text = "elector,code\n".to_owned();
                for code in &codes {
                    text.push_str(&format!("{},{}\n", code.elector, code.code));
                }
                let head = [
                    (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                    (
                        header::CONTENT_DISPOSITION,
                        format!("attachment; filename=\"{slug}-ballot-{number}-codes.csv\""),
                    ),
                ];
                Ok((head, text).into_response())
            }
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                let page = notes::codes_page(web, &visitor, &society, number, Some(why));
                Ok((StatusCode::CONFLICT, frame::page(&page)?).into_response())
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}
