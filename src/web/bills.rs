//! `/desk/{slug}/bills`: bills to hosts and buyers as a preview, frozen, printed, taken back whole;
//! what is open, by age, and the reminder.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::money::Pence;
use identity::Right;
use report::words;
use serde::Deserialize;

use super::{
    Web,
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::{FieldKind, FormWords, Part, TableWords},
    visitor::{Visitor, see},
    work::{Looked, Work, day_words, days_of, looked, parts_of},
};
use office::{
    bills::{BilledHost, MadeBill},
    claims_paid::Age,
};

/// Which bill, in an address, before it has a number.
type Which = (String, String, String, String);

/// Days that were asked for with the form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    host: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// The bills of a society.
pub async fn list(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    if !asked.host.is_empty() {
        let days = days_of(&asked.from, &asked.to).map_err(|why| Trouble::form(&why))?;
        let (first, last) = (days.first_day(), days.last_day());
        return Ok(see(&format!(
            "/desk/{slug}/bills/{}/{first}/{last}",
            asked.host
        )));
    }
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let society = &work.society;
        let debts = society.debts(work.now())?;
        let open = Pence::total(debts.iter().map(|debt| debt.open)).unwrap_or_default();
        let over = debts.iter().filter(|debt| debt.days_over > 0).count();
        let mut parts = Vec::new();
        if !debts.is_empty() {
            let mut table = TableWords::new(
                "What is open, the oldest first",
                &[
                    "Bill",
                    "Who owes it",
                    "To be paid by",
                    "#Asked",
                    "#Paid",
                    "#Open",
                    "Age",
                ],
            );
            for debt in &debts {
                let bill = &debt.made.bill;
                table.row(
                    &work.at(&format!("/bill/{}", bill.number)),
                    vec![
                        format!("Bill {}", bill.number),
                        debt.name.clone(),
                        day_words(&bill.due),
                        Pence(bill.gross_pence).to_string(),
                        debt.paid.to_string(),
                        debt.open.to_string(),
                        Age::of(debt.days_over).word().to_owned(),
                    ],
                );
            }
            parts.push(Part::Table(table));
        }
        let wrong = society.bill_differences(work.now())?;
        if !wrong.is_empty() {
            let mut table = TableWords::new(
                "What is wrong with payments of bills",
                &["Bill", "Who", "What", "#Lacking"],
            );
            for one in &wrong {
                table.row(
                    &work.at(&format!("/bill/{}", one.number)),
                    vec![
                        format!("Bill {}", one.number),
                        one.name.clone(),
                        sentence(&one.difference.to_string()),
                        one.lacking.to_string(),
                    ],
                );
            }
            parts.push(Part::Table(table));
        }
        parts.push(Part::Heading("A new bill".to_owned()));
        parts.push(Part::Form(form_of_days(&work, "")));
        let frozen = society.frozen_bills()?;
        if !frozen.is_empty() {
            let mut table = TableWords::new(
                "All bills, the newest first",
                &["Bill", "To", "Days", "#To pay", "How it stands"],
            );
            for made in frozen.iter().rev() {
                let bill = &made.bill;
                let stands = match &made.credited {
                    Some(note) => format!("taken back by credit note {}", note.number),
                    None => format!("to be paid by {}", day_words(&bill.due)),
                };
                table.row(
                    &work.at(&format!("/bill/{}", bill.number)),
                    vec![
                        format!("Bill {}", bill.number),
                        bill.host.clone(),
                        format!("{} to {}", day_words(&bill.from), day_words(&bill.to)),
                        Pence(bill.gross_pence).to_string(),
                        stands,
                    ],
                );
            }
            parts.push(Part::Table(table));
        }
        let sentence = match (debts.len(), over) {
            (0, _) => "Every bill is paid.".to_owned(),
            (_, 0) => format!("{open} is open, and no bill is past its day."),
            (_, 1) => format!("{open} is open, and one bill is past its day."),
            (_, n) => format!("{open} is open, and {n} bills are past their day."),
        };
        work.page("Bills", &[], &sentence, None, parts)
    })
    .await
}

/// A bill as it would be frozen.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &which, false, None))
        .await
}

/// The same, where it is frozen.
pub async fn about_to_freeze(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &which, true, None))
        .await
}

/// It is frozen, if it still comes to what was looked at.
pub async fn freeze(
    State(web): State<Web>,
    visitor: Visitor,
    Path(which): Path<Which>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(&["total"], &["apportioned"])?;
    web.ask(move |web| {
        let (slug, host, from, to) = &which;
        let work = Work::of(web, &visitor, slug)?;
        let (_, host) = web
            .state
            .office
            .host(host, Some(slug))
            .map_err(Trouble::refused)?;
        let days = match days_of(from, to) {
            Ok(days) => days,
            Err(why) => return show(web, &visitor, &which, true, Some(why)),
        };
        let now = work.now();
        let made = looked(work.society.preview_bill(&host, days, now))?;
        if let Ok(made) = &made
            && made.bill.gross_pence.to_string() != typed.text("total")
        {
            let why = format!(
                "It comes to {} now, and not to what you looked at; a read or price has come in between. Look again.",
                Pence(made.bill.gross_pence)
            );
            return show(web, &visitor, &which, true, Some(why));
        }
        let apportioned = typed.ticked("apportioned");
        let done = work
            .society
            .freeze_bill(&host, days, apportioned, &visitor.user, now);
        match looked(done)? {
            Ok(made) => Ok(see(&work.at(&format!("/bill/{}", made.bill.number)))),
            Err(why) => show(web, &visitor, &which, true, Some(why)),
        }
    })
    .await
}

/// A frozen bill, or its credit note, to print.
pub async fn frozen(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let (host, made) = numbered(&work, number)?;
        let mut parts = printed(&work, &host, &made);
        let at = format!("/bill/{number}");
        if made.credited.is_none() {
            let mut ways = vec![work.link(
                "The reminder, if it is past its day",
                &format!("{at}/reminder"),
            )];
            if work.may(Right::Money) {
                ways.push(work.link("Take this bill back", &format!("{at}/credit")));
            }
            parts.push(Part::Links(ways));
        }
        let paper = work.society.bill_form(&host, &made).paper(work.today());
        work.page(
            &paper.heading,
            &LISTS,
            &format!("{}: {}", paper.heading, paper.sentence),
            None,
            parts,
        )
    })
    .await
}

/// What taking a bill back means.
pub async fn about_to_credit(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| credit_form(&Work::of(web, &visitor, &slug)?, number, None))
        .await
}

/// A bill is taken back whole.
pub async fn credit(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let typed = typed.has(&["reason"], &[])?;
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        let reason = typed.text("reason");
        let done = work
            .society
            .credit_bill(number, reason, &visitor.user, work.now());
        match looked(done)? {
            Ok(_) => Ok(see(&work.at(&format!("/bill/{number}")))),
            Err(why) => credit_form(&work, number, Some(why)),
        }
    })
    .await
}

/// The letter about a bill that is past its day.
pub async fn reminder(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let work = Work::of(web, &visitor, &slug)?;
        numbered(&work, number)?;
        let debts = work.society.debts(work.now())?;
        let debt = debts
            .iter()
            .find(|debt| debt.made.bill.number == number)
            .filter(|debt| debt.days_over > 0 && debt.open > Pence::ZERO);
        let title = format!("The reminder of bill {number}");
        match debt {
            Some(debt) => {
                let letter = work.society.reminder(debt, work.now()).text();
                let sentence = format!(
                    "{} of bill {number} is open, {} after its day.",
                    debt.open,
                    words::count(u32::try_from(debt.days_over).unwrap_or(0), "day", "days")
                );
                let parts = vec![
                    Part::Text("Printing this page prints the letter alone.".to_owned()),
                    Part::Letter(letter),
                ];
                work.page(&title, &LISTS, &sentence, None, parts)
            }
            None => {
                let sentence =
                    format!("Bill {number} is not past its day; there is nothing to write.");
                work.page(&title, &LISTS, &sentence, None, Vec::new())
            }
        }
    })
    .await
}

const LISTS: [(&str, &str); 1] = [("bills", "/bills")];

fn made(
    work: &Work<'_>,
    (slug, host, from, to): &Which,
) -> Result<Looked<(BilledHost, MadeBill)>, Trouble> {
    let found = work.web.state.office.host(host, Some(slug));
    let (_, host) = found.map_err(Trouble::refused)?;
    let days = match days_of(from, to) {
        Ok(days) => days,
        Err(why) => return Ok(Err(why)),
    };
    let made = looked(work.society.preview_bill(&host, days, work.now()))?;
    Ok(made.map(|made| (host, made)))
}

fn show(
    web: &Web,
    visitor: &Visitor,
    which: &Which,
    freezing: bool,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let (slug, id, from, to) = which;
    let work = Work::of(web, visitor, slug)?;
    let title = format!("A bill to {id}");
    let (host, made) = match made(&work, which)? {
        Ok(made) => made,
        Err(why) => {
            let parts = vec![Part::Form(form_of_days(&work, id))];
            let sentence = "This bill cannot be made from the reads and prices that are here.";
            return work.page(
                &title,
                &LISTS,
                sentence,
                Some(trouble.unwrap_or(why)),
                parts,
            );
        }
    };
    let bill = &made.bill;
    let days = format!("{} to {}", day_words(from), day_words(to));
    let here = format!("/bills/{id}/{from}/{to}");
    let gross = Pence(bill.gross_pence);
    let mut parts = printed(&work, &host, &made);
    let sentence = match (&made.frozen, freezing) {
        (Some(_), _) => {
            let number = bill.number;
            parts.push(Part::Links(vec![
                work.link(&format!("Bill {number}"), &format!("/bill/{number}")),
            ]));
            format!("Bill {number} over {gross} for {days} is frozen.")
        }
        (None, true) => {
            let mut form = FormWords::to(&work.at(&format!("{here}/freeze")))
                .with("total", &bill.gross_pence.to_string());
            if bill
                .findings
                .iter()
                .any(|finding| finding.kind == "apportioned")
            {
                form = form.ask(
                    "apportioned",
                    "A line that is split by time is meant|There is no read of the day on which the price changes. If there is one on paper, take it in first.",
                    FieldKind::Tick,
                    "",
                );
            }
            parts.push(Part::Heading("What follows".to_owned()));
            parts.push(Part::Form(form
                .follows("The bill gets its number and is fixed. A mistake is taken back whole by a credit note, and its days can then be billed again.")
                .button("", "Freeze this bill")));
            format!("{} would be asked for {gross} for {days}.", host.name)
        }
        (None, false) => {
            match work.may(Right::Money) {
                true => parts.push(Part::Links(vec![
                    work.link("Go on to freeze this bill", &format!("{here}/freeze")),
                ])),
                false => parts.push(Part::Text(
                    "Who prepares bills freezes it; you may look.".to_owned(),
                )),
            }
            format!("{} would be asked for {gross} for {days}.", host.name)
        }
    };
    work.page(&title, &LISTS, &sentence, trouble, parts)
}

/// The bill as its sheet has it.
fn printed(work: &Work<'_>, host: &BilledHost, made: &MadeBill) -> Vec<Part> {
    let frozen = made.frozen.as_ref().map(|(_, at)| *at);
    let on = work
        .society
        .known()
        .zone
        .day_of(frozen.unwrap_or(work.now()));
    let paper = work.society.bill_form(host, made).paper(on);
    let mut parts = vec![Part::Text(format!(
        "{} to {}, {}.",
        paper.author,
        host.name,
        words::date(on)
    ))];
    parts.extend(parts_of(&paper));
    parts
}

fn numbered(work: &Work<'_>, number: u32) -> Result<(BilledHost, MadeBill), Trouble> {
    let mut all = work.society.frozen_bills()?.into_iter();
    let made = all.rfind(|made| made.bill.number == number);
    let made = made.ok_or_else(Trouble::nothing_here)?;
    let host = work.society.billed(&made.bill.host);
    Ok((host.map_err(Trouble::refused)?, made))
}

fn credit_form(work: &Work<'_>, number: u32, trouble: Option<String>) -> Result<Response, Trouble> {
    let (host, made) = numbered(work, number)?;
    let title = format!("Bill {number} is taken back");
    if let Some(note) = &made.credited {
        let sentence = format!(
            "Bill {number} was taken back by credit note {}.",
            note.number
        );
        return work.page(&title, &LISTS, &sentence, trouble, Vec::new());
    }
    let form = FormWords::to(&work.at(&format!("/bill/{number}/credit")))
        .ask(
            "reason",
            "Why it is taken back|It stands on the credit note, which the host gets.",
            FieldKind::Text,
            "",
        )
        .follows("A credit note over the whole bill is written, with its own number. The bill stays, and its days can be billed again.")
        .button("", "Take this bill back");
    let sentence = format!(
        "Taking bill {number} back credits {} with {}.",
        host.name,
        Pence(made.bill.gross_pence)
    );
    work.page(&title, &LISTS, &sentence, trouble, vec![Part::Form(form)])
}

fn form_of_days(work: &Work<'_>, host: &str) -> FormWords {
    let known = work.society.known();
    let hosts = known.document.host.iter().map(|one| (&one.id, &one.name));
    let buyers = known.document.buyer.iter().map(|one| (&one.id, &one.name));
    let choices = hosts.chain(buyers);
    let choices = choices
        .map(|(id, name)| (id.clone(), name.clone()))
        .collect();
    let today = work.today();
    let mut form = FormWords::to(&work.at("/bills"))
        .ask("host", "Host or buyer", FieldKind::Choice(choices), host)
        .ask(
            "from",
            "First day",
            FieldKind::Day,
            &today.plus(-92).to_string(),
        )
        .ask(
            "to",
            "Last day",
            FieldKind::Day,
            &today.previous().to_string(),
        )
        .button("", "Look at it");
    form.looks = true;
    form
}
