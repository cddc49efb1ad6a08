//! `ballot call|list|show|codes|proxy|vote|paper|check|close|cancel|publish`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{calendar::Instant, governance::BallotCode, money::Pence};
use records::governance::BallotQuestion;
use serde_json::{Value, json};

use super::{Desk, members::done};
use office::{
    Answer, SocietyOffice,
    answer::refuse,
    ballots::{
        Ballot, BallotFile, CallOf, PaperBatch, PaperEntered, VoteOf, document, outcome_words,
        published,
    },
};

/// `ballot …`
#[derive(Clone, Debug, Subcommand)]
pub enum Ballots {
    /// Call a ballot from its file; its electors are fixed from then on
    Call {
        /// The ballot's TOML file
        file: PathBuf,
        /// Who may vote in a ballot of residents: number, age, residence
        #[arg(long, value_name = "FILE")]
        list: Option<PathBuf>,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// List the ballots
    List {
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Show a ballot: its text, its turnout and, once it is closed, what was decided
    Show(One),
    /// Make the voting codes, which are shown this once, as CSV
    Codes {
        /// The ballot
        ballot: u32,
        /// Anew for this elector only, whose letter was lost
        #[arg(long)]
        elector: Option<u32>,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Let one elector vote for another
    Proxy {
        /// The ballot
        ballot: u32,
        /// Whose vote it is
        #[arg(long)]
        elector: u32,
        /// Who may cast it
        #[arg(long)]
        holder: u32,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Vote, with the code on the letter; it is asked for when it is left out
    Vote {
        /// The ballot
        ballot: u32,
        /// The voter's code
        #[arg(long)]
        code: Option<String>,
        /// for, against or abstain; or option=pounds,option=pounds
        #[arg(long)]
        choice: String,
        /// As the proxy of this elector
        #[arg(long, value_name = "ELECTOR")]
        on_behalf: Option<u32>,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Enter paper votes; they count when a second officer has entered the same
    Paper(PaperOf),
    /// Look for a paper by the code that only its voter holds
    Check {
        /// The ballot
        ballot: u32,
        /// The paper's code
        code: BallotCode,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Close a ballot whose time is over: count it, publish it, destroy the box
    Close(One),
    /// Give a ballot up, uncounted
    Cancel {
        /// The ballot
        ballot: u32,
        /// Why
        #[arg(long)]
        reason: String,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Print a closed ballot for anybody to count again, as JSON
    Publish(One),
}

/// One ballot.
#[derive(Clone, Debug, Args)]
pub struct One {
    /// The ballot
    pub ballot: u32,
    /// The society
    #[arg(long)]
    pub society: Option<String>,
}

/// Paper votes.
#[derive(Clone, Debug, Args)]
pub struct PaperOf {
    /// The ballot
    pub ballot: u32,
    /// Whose envelopes were opened, by number
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    pub voters: Vec<u32>,
    /// What stood on one of the papers; once for each
    #[arg(long)]
    pub choice: Vec<String>,
    /// Take one's own entry back
    #[arg(long, conflicts_with_all = ["voters", "choice"])]
    pub take_back: bool,
    /// The society
    #[arg(long)]
    pub society: Option<String>,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Ballots) -> Answer<()> {
    match command {
        Ballots::Call {
            file,
            list,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "a ballot")?;
            let of = CallOf {
                file: BallotFile::from_toml(&desk.text(file)?)?,
                list: desk.maybe_given(list.as_deref())?,
            };
            let ballot = society.call_ballot(&of, &by, desk.now)?;
            show(desk, &society, &ballot)
        }
        Ballots::List { society } => {
            let society = desk.society(society.as_deref())?;
            let mut lines = Vec::new();
            for ballot in society.ballots()? {
                lines.push(document(&society, &ballot, desk.now)?);
            }
            let head = [
                "ballot",
                "title",
                "electorate",
                "state",
                "closes",
                "voted",
                "of",
            ];
            desk.table(&head, &lines, |line| {
                head.iter()
                    .map(|key| match &line[*key] {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    })
                    .collect()
            })
        }
        Ballots::Show(One { ballot, society }) => {
            let society = desk.society(society.as_deref())?;
            let ballot = society.ballot(*ballot)?;
            show(desk, &society, &ballot)
        }
        Ballots::Codes {
            ballot,
            elector,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            desk.officer(&society, "voting codes")?;
            let codes = society.voting_codes(*ballot, *elector, desk.now)?;
            if desk.json() {
                let line = |code: &office::ballots::VotingCode| json!({ "elector": code.elector, "code": code.code });
                return desk.document(&codes.iter().map(line).collect::<Vec<_>>());
            }
            let mut text = "elector,code\n".to_owned();
            for code in &codes {
                text.push_str(&format!("{},{}\n", code.elector, code.code));
            }
            desk.voice.data(&text);
            desk.voice
                .say("each code goes to its elector and nowhere else; they cannot be shown again");
            Ok(())
        }
        Ballots::Proxy {
            ballot,
            elector,
            holder,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "a proxy")?;
            society.appoint_proxy(*ballot, *elector, *holder, &by, desk.now)?;
            done(
                desk,
                &format!("elector {holder} may vote for elector {elector} in ballot {ballot}"),
            )
        }
        Ballots::Vote { .. } => vote(desk, command),
        Ballots::Paper(of) => paper(desk, of),
        Ballots::Check {
            ballot,
            code,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let found = society.find_paper(*ballot, *code)?;
            let words = match &found {
                Some(choice) => format!("the paper was counted: {choice}"),
                None => {
                    "the paper is in the box; what stands on it shows when the ballot is closed"
                        .to_owned()
                }
            };
            if desk.json() {
                return desk.document(&json!({ "code": code.to_string(), "choice": found }));
            }
            desk.voice.data(&format!("{words}\n"));
            Ok(())
        }
        Ballots::Close(One { ballot, society }) => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "closing a ballot")?;
            let ballot = society.close_ballot(*ballot, &by, desk.now)?;
            show(desk, &society, &ballot)
        }
        Ballots::Cancel {
            ballot,
            reason,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "giving up a ballot")?;
            society.cancel_ballot(*ballot, reason, &by, desk.now)?;
            done(desk, &format!("ballot {ballot} is cancelled"))
        }
        Ballots::Publish(One { ballot, society }) => {
            let society = desk.society(society.as_deref())?;
            let ballot = society.ballot(*ballot)?;
            desk.document(&published(&society, &ballot, desk.now)?)
        }
    }
}

fn vote(desk: &mut Desk<'_>, command: &Ballots) -> Answer<()> {
    let Ballots::Vote {
        ballot,
        code,
        choice,
        on_behalf,
        society,
    } = command
    else {
        return refuse("this is no vote");
    };
    let society = desk.society(society.as_deref())?;
    let code = match code {
        Some(code) => code.clone(),
        None => desk.voice.ask("voting code", true)?,
    };
    let of = VoteOf {
        ballot: *ballot,
        code,
        on_behalf: *on_behalf,
        choice: choice.clone(),
    };
    let now = desk.now;
    let paper = society.vote(&of, now)?;
    if desk.json() {
        return desk.document(&json!({ "ballot": ballot, "paper": paper.to_string() }));
    }
    desk.voice.data(&format!("{paper}\n"));
    desk.voice.say(
        "your vote is in the box. The line above is your paper's code: keep it, and look for it among the published ballots; nobody else has it",
    );
    Ok(())
}

fn paper(desk: &mut Desk<'_>, of: &PaperOf) -> Answer<()> {
    let society = desk.society(of.society.as_deref())?;
    let by = desk.officer(&society, "paper votes")?;
    let became = if of.take_back {
        society.take_papers_back(of.ballot, &by, desk.now)?
    } else {
        let batch = PaperBatch {
            by,
            voters: of.voters.iter().copied().collect(),
            choices: of.choice.clone(),
        };
        if batch.voters.len() != of.voters.len() {
            return refuse("a voter stands twice in --voters");
        }
        society.enter_papers(of.ballot, &batch, desk.now)?
    };
    let words = match became {
        PaperEntered::Waits => "they wait for another officer, who enters the same papers",
        PaperEntered::InTheBox => "two officers agree; the papers are in the box",
        PaperEntered::TakenBack => "the entry was taken back",
    };
    done(desk, words)
}

/// Prints a ballot the way it stands in the minutes.
fn show(desk: &mut Desk<'_>, society: &SocietyOffice, ballot: &Ballot) -> Answer<()> {
    if desk.json() {
        let whole = document(society, ballot, desk.now)?;
        return desk.document(&whole);
    }
    let called = &ballot.called;
    let zone = &society.known().zone;
    let last = zone.day_of(Instant(called.closes_ms - 1));
    let mut text = format!("Ballot {}: {}\n", called.number, called.title);
    if called.sample {
        text.push_str("SAMPLE\n");
    }
    text.push_str(&format!("\n{}\n\n", called.text));
    let whose = match &called.list {
        Some(list) => format!("residents, {}", list.chosen),
        None => "members".to_owned(),
    };
    text.push_str(&format!(
        "Electors: {} ({whose}) on {}\nVotes are taken from {} to {last}\nQuorum: {}\n",
        called.electors.len(),
        called.record_day,
        zone.day_of(Instant(called.opens_ms)),
        called.quorum,
    ));
    if called.electorate == "residents" {
        text.push_str("Consultative: it does not bind the society.\n");
    }
    if let BallotQuestion::Budget { pot_pence, options } = &called.question {
        text.push_str(&format!("To share out: {}\n", Pence(*pot_pence)));
        for option in options {
            let limit = Pence(option.limit_pence);
            text.push_str(&format!(
                "  {}  {}, at most {limit}\n",
                option.id, option.name
            ));
        }
    }
    if !ballot.proxies.is_empty() {
        text.push_str(&format!("Proxies: {}\n", ballot.proxies.len()));
    }
    text.push_str(&format!("State: {}\n", ballot.state(desk.now).word()));
    if let Some(reason) = &ballot.cancelled {
        text.push_str(&format!("Why: {reason}\n"));
    }
    text.push_str(&match society.turnout(ballot)? {
        Some(voted) => format!("Voted: {voted} of {}\n", called.electors.len()),
        None => format!(
            "Voted: nobody knows, its box is not here. Cancel it and call it again:\n  commonwatt ballot cancel {} --reason …\n",
            called.number
        ),
    });
    if let Some(tally) = ballot.tally()? {
        text.push('\n');
        text.push_str(&outcome_words(&tally));
    }
    desk.voice.data(&text);
    Ok(())
}
