//! `/my`: what a member holds, what it earned and why, where interest goes, and all that is kept.
//!
//! Whose it is, is part of the address and checked before a handler is reached; what is asked of the
//! office is always of that member.

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    calendar::{Instant, Period},
    money::Pence,
    quantity::WattHours,
};
use report::words;
use serde::Deserialize;

use super::{
    Web, frame, interest, kept,
    me::{moment, name_of},
    society::named,
    trouble::{Trouble, sentence},
    view::{MyPage, MyPaymentPage, MyWorking},
    visitor::{Sent, Visitor, see},
};
use office::{
    Refusal, SocietyOffice,
    interest::Standing,
    roll::{BankText, Changes, Payment, document},
};

/// What the form says: a choice, or new bank details.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentForm {
    payment: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    sort_code: String,
    #[serde(default)]
    account: String,
}

/// The member's page; a list where one person is several members.
pub async fn mine(State(web): State<Web>, visitor: Visitor) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let own = web.state.office.members_of_user(&visitor.user);
        match own.as_slice() {
            [only] => show(web, &visitor, &only.society, only.member),
            several => {
                let links = several
                    .iter()
                    .map(|of| {
                        let href = format!("/my/{}/{}", of.society, of.member);
                        let text = format!("{}, member {}", name_of(web, &of.society), of.member);
                        frame::link(&text, &href)
                    })
                    .collect();
                frame::page(&MyPage {
                    frame: frame::of_visitor(web, &visitor, "My shares", "/my"),
                    sentence: "You are a member of several societies.".to_owned(),
                    several: links,
                    ..MyPage::default()
                })
            }
        }
    })
    .await
}

/// One membership.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, member)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &slug, member)).await
}

/// All that is kept of the member, as a file.
pub async fn data(
    State(web): State<Web>,
    _: Visitor,
    Path((slug, member)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let data = society.own_data(member).map_err(Trouble::refused)?;
        let document = document::own_data(&data, society.is_sample());
        let text = serde_json::to_string_pretty(&document).map_err(Trouble::ours)?;
        let name = format!("attachment; filename=\"{slug}-member-{member}.json\"");
        let headers = [
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ];
        Ok((headers, text + "\n").into_response())
    })
    .await
}

/// Where interest goes.
pub async fn payment(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, member)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| choice(web, &visitor, &slug, member, None))
        .await
}

/// It goes elsewhere from now on.
pub async fn change_payment(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, member)): Path<(String, u32)>,
    Sent(sent): Sent<PaymentForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        match change(web, &visitor, &society, member, &sent) {
            Ok(()) => Ok(see(&format!("/my/{slug}/{member}"))),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                choice(web, &visitor, &slug, member, Some(why))
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

fn change(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    member: u32,
    sent: &PaymentForm,
) -> Result<(), Refusal> {
    let now = web.state.clock.now();
    let all = [
        Payment::Bank,
        Payment::Cheque,
        Payment::Reinvest,
        Payment::Fund,
    ];
    let wanted = all
        .into_iter()
        .find(|one| document::payment_word(*one) == sent.payment)
        .ok_or_else(|| Refusal::Caller(format!("`{}` is no choice", sent.payment)))?;
    let (known, _) = society.member(member, now)?;
    let typed = [&sent.sort_code, &sent.account]
        .iter()
        .any(|text| !text.trim().is_empty());
    if wanted == Payment::Bank && typed {
        let text = BankText {
            name: sent.name.trim().to_owned(),
            sort_code: sent.sort_code.trim().to_owned(),
            account: sent.account.trim().to_owned(),
            roll_number: String::new(),
        };
        society.change_bank(member, &text, &visitor.user, now)?;
    } else if wanted == Payment::Bank && society.bank_of(member, now)? == (None, None) {
        return Err(Refusal::Caller(
            "there are no bank details of yours yet\nhint: type sort code and account number"
                .to_owned(),
        ));
    } else if wanted == known.payment {
        return Err(Refusal::Caller(
            "nothing was changed: that is how it is already".to_owned(),
        ));
    }
    if wanted == known.payment {
        return Ok(());
    }
    let changes = Changes {
        payment: Some(wanted),
        ..Changes::default()
    };
    society.change_member(member, &changes, &visitor.user, now)
}

fn choice(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    member: u32,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let now = web.state.clock.now();
    let (known, _) = society.member(member, now)?;
    let failed = trouble.is_some();
    let page = MyPaymentPage {
        frame: frame::of_visitor(web, visitor, "Where my interest goes", ""),
        society: frame::link(&name_of(web, slug), &format!("/my/{slug}/{member}")),
        here: format!("/my/{slug}/{member}/payment"),
        now: document::payment_word(known.payment),
        bank: bank_words(&society, member, now)?,
        trouble,
    };
    let mut answer = frame::page(&page)?;
    if failed {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

/// The account money goes to, by its last digits, and one that waits.
fn bank_words(society: &SocietyOffice, member: u32, now: Instant) -> Result<Vec<String>, Trouble> {
    let (present, waits) = society.bank_of(member, now)?;
    let mut lines = Vec::new();
    if let Some(present) = present {
        let digits: Vec<char> = present.account.chars().collect();
        let ending: String = digits[digits.len().saturating_sub(3)..].iter().collect();
        lines.push(format!("Money goes to the account ending in {ending}."));
    }
    if let Some(waits) = waits {
        let zone = society.known().zone.clone();
        lines.push(format!(
            "From {} it goes to the account ending in {}. If you did not change this, tell an officer at once.",
            moment(&zone, waits.in_force),
            waits.ending
        ));
    }
    Ok(lines)
}

/// What becomes of interest, in the middle of a sentence.
fn goes(payment: Payment) -> &'static str {
    match payment {
        Payment::Bank => "it goes to your bank account",
        Payment::Cheque => "it is paid by cheque",
        Payment::Reinvest => "it becomes new shares",
        Payment::Fund => "you give it to the community fund",
    }
}

/// What this year may bring, in sentences; none where nothing can be said yet.
fn outlook(
    web: &Web,
    society: &SocietyOffice,
    held: Pence,
    now: Instant,
) -> Result<Vec<String>, Trouble> {
    let outlook = match kept::outlook(web, society, now) {
        Ok(outlook) => outlook,
        Err(Refusal::Caller(_)) => return Ok(Vec::new()),
        Err(ours) => return Err(ours.into()),
    };
    let kwh = |wh: WattHours| format!("{} kWh", words::whole(wh.0 / 1_000));
    let mut lines = vec![format!(
        "By {} the roofs have made {}{}.",
        words::date(outlook.until),
        kwh(outlook.made),
        outlook.forecast.map_or_else(String::new, |wh| format!(
            "; {} were forecast for those days",
            kwh(wh)
        ))
    )];
    for case in &outlook.cases {
        let rate = match (case.percent, case.earns(held)) {
            (Some(percent), Some(own)) => format!(
                ", which would leave {percent} % for share interest, about {own} on what you hold today"
            ),
            _ => String::new(),
        };
        let named = match case.word {
            "weak" => "A weak rest of the year",
            "good" => "A good rest of the year",
            _ => "A rest of the year as forecast",
        };
        lines.push(format!(
            "{named} makes it {}{rate} ({}).",
            kwh(case.energy),
            case.why
        ));
    }
    lines.extend(outlook.notes.iter().cloned());
    Ok(lines)
}

/// What waits of the member, in sentences.
fn waiting(society: &SocietyOffice, member: u32, now: Instant) -> Result<Vec<String>, Trouble> {
    let mut lines = Vec::new();
    for (number, place) in society.queue_places(member, now)? {
        let likely = place.likely.map_or_else(
            || "withdrawals are not paid now".to_owned(),
            |day| format!("likely paid by {}", words::date(day)),
        );
        lines.push(format!(
            "Request {number} for shares back is number {} of {} in the queue; {likely}.",
            place.place, place.of
        ));
    }
    for line in society.applications()? {
        if line.member == member && line.state == "waiting" {
            lines.push(format!(
                "Your application {} for {} shares waits for the board.",
                line.number,
                words::whole(line.shares)
            ));
        }
    }
    Ok(lines)
}

fn show(web: &Web, visitor: &Visitor, slug: &str, member: u32) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let known = society.known();
    let facts = &known.document.society;
    let now = web.state.clock.now();
    let today = known.zone.day_of(now);
    let (line, person) = society.member(member, now)?;
    let held = society.holdings(today, Some(member), now)?;
    let (mut earned, mut statements) = (Vec::new(), Vec::new());
    for run in society.interest_runs()? {
        if run.standing != Standing::Frozen {
            continue;
        }
        let days = interest::days(&run.note);
        for own in run.note.lines.iter().filter(|own| own.member == member) {
            let class = run.note.classes.iter().find(|one| one.class == own.class);
            earned.push(MyWorking {
                days: days.clone(),
                class: own.class.clone(),
                rate: class.map_or_else(String::new, |class| class.rate.clone()),
                basis: own.basis.clone(),
                pounds: Pence(own.pence).to_string(),
                run: run.note.number.to_string(),
                hash: run.hash.chars().take(16).collect(),
                working: format!("/s/{slug}/interest/{}", run.note.number),
            });
        }
        if run.note.lines.iter().any(|own| own.member == member) {
            let href = format!("/my/{slug}/{member}/statements/{}.pdf", run.note.number);
            statements.push((days, href));
        }
    }
    statements.reverse();
    let shares: i64 = held.lines.iter().map(|line| line.shares).sum();
    let holds = format!(
        "You hold {} shares of {}, worth {}",
        words::whole(shares),
        facts.name,
        held.total
    );
    let sentence = match earned.last() {
        Some(last) => format!(
            "{holds}; they earned {} for {}, and {}.",
            last.pounds,
            last.days,
            goes(line.payment)
        ),
        None => format!("{holds}; no interest has been declared on them yet."),
    };
    let year = today.year() - 1;
    let (mut roofs, mut figure) = (String::new(), String::new());
    if let Ok(report) = kept::report(web, &society, None, Period::Year(year), now) {
        roofs = report.sentence();
        figure = report.html_figure("year").map_err(Trouble::ours)?;
    }
    let movements = society.movements(Some(member))?;
    let mut frame = frame::of_visitor(web, visitor, "My shares", "/my");
    frame.notices = frame::notices(&known);
    let here = format!("/my/{slug}/{member}");
    frame::page(&MyPage {
        frame,
        kicker: format!(
            "{}, member {member} of {}",
            person.map_or_else(|| "You".to_owned(), |person| person.name),
            facts.name
        ),
        sentence,
        several: Vec::new(),
        roofs,
        figure,
        report: format!("/s/{slug}/reports/{year}"),
        holding: held
            .lines
            .iter()
            .map(|line| {
                (
                    line.class.to_string(),
                    words::whole(line.shares),
                    line.pence.to_string(),
                )
            })
            .collect(),
        history: movements
            .iter()
            .map(|row| {
                let mut what = row.kind.to_owned();
                if row.certificate != 0 {
                    what.push_str(&format!(", certificate {}", row.certificate));
                }
                if row.reversed_by != 0 {
                    what.push_str(", taken back");
                }
                (
                    words::date(row.on),
                    what,
                    words::whole(row.shares),
                    row.pence.to_string(),
                )
            })
            .collect(),
        earned,
        statements,
        outlook: outlook(web, &society, held.total, now)?,
        waiting: waiting(&society, member, now)?,
        shares_href: format!("{here}/shares"),
        payment: goes(line.payment).to_owned(),
        bank: bank_words(&society, member, now)?,
        payment_href: format!("{here}/payment"),
        data_href: format!("{here}/data.json"),
        sample: society.is_sample(),
    })
}
