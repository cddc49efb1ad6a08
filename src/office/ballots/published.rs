//! A ballot as a document: for a program, for anybody who counts again, and its outcome in words.

use domain::{
    calendar::Instant,
    governance::{Decided, Tally},
};
use records::governance::BallotQuestion;
use serde_json::{Value, json};

use super::Ballot;
use crate::{
    answer::{Answer, refuse},
    society::SocietyOffice,
};

/// A ballot as a document, without its papers.
///
/// # Errors
/// When its box or a paper in the journal cannot be read.
pub fn document(society: &SocietyOffice, ballot: &Ballot, now: Instant) -> Answer<Value> {
    let called = &ballot.called;
    let question = match &called.question {
        BallotQuestion::Resolution { majority } => json!({ "majority": majority }),
        BallotQuestion::Budget { pot_pence, options } => {
            json!({ "pot_pence": pot_pence, "options": options })
        }
    };
    Ok(json!({
        "society": society.slug(),
        "ballot": called.number,
        "title": called.title,
        "text": called.text,
        "question": question,
        "electorate": called.electorate,
        "list": called.list,
        "record_day": called.record_day,
        "opens": Instant(called.opens_ms).to_string(),
        "closes": Instant(called.closes_ms).to_string(),
        "quorum": called.quorum,
        "proxy_limit": called.proxy_limit,
        "proxies": ballot.proxies.len(),
        "called_by": ballot.by,
        "state": ballot.state(now).word(),
        "cancelled": ballot.cancelled,
        "voted": society.turnout(ballot)?,
        "of": called.electors.len(),
        "tally": ballot.tally()?.map(|tally| tally_document(&tally)),
        "sample": called.sample,
    }))
}

fn tally_document(tally: &Tally) -> Value {
    match &tally.decided {
        Decided::Resolution {
            votes_for,
            against,
            abstain,
            carried,
        } => json!({
            "voters": tally.voters, "needed": tally.needed,
            "for": votes_for, "against": against, "abstain": abstain, "carried": carried,
        }),
        Decided::Budget { lines, kept } => json!({
            "voters": tally.voters, "needed": tally.needed,
            "options": lines.iter().map(|line| json!({
                "id": line.id, "voters": line.voters,
                "given_pence": line.given.0, "granted_pence": line.granted.0,
            })).collect::<Vec<_>>(),
            "kept_pence": kept.0,
        }),
    }
}

/// A closed ballot with its voters and papers, for anybody to count again.
///
/// # Errors
/// While it is not closed.
pub fn published(society: &SocietyOffice, ballot: &Ballot, now: Instant) -> Answer<Value> {
    let (Some(voters), Some(papers)) = (&ballot.voters, &ballot.papers) else {
        return refuse(format!(
            "ballot `{}` is not closed; nothing of a vote is known before",
            ballot.called.number
        ));
    };
    let mut whole = document(society, ballot, now)?;
    whole["voters"] = json!(voters);
    whole["ballots"] = json!(papers);
    whole["electors"] = json!(ballot.called.electors);
    Ok(whole)
}

/// What was decided, a line each, as it stands in the minutes.
#[must_use]
pub fn outcome_words(tally: &Tally) -> String {
    let quorate = tally.voters >= tally.needed;
    let short = format!(
        "Not quorate: {} voted, {} had to.\n",
        tally.voters, tally.needed
    );
    let mut text = if quorate { String::new() } else { short };
    match &tally.decided {
        Decided::Resolution {
            votes_for,
            against,
            abstain,
            carried,
        } => {
            let word = if *carried { "Carried" } else { "Not carried" };
            text.push_str(&format!(
                "{word}: {votes_for} for, {against} against, {abstain} abstained.\n"
            ));
        }
        Decided::Budget { lines, kept } => {
            for line in lines {
                text.push_str(&format!(
                    "{:>14}  {} ({} voters)\n",
                    line.granted.to_string(),
                    line.id,
                    line.voters
                ));
            }
            text.push_str(&format!("{:>14}  stays in the fund\n", kept.to_string()));
        }
    }
    text
}
