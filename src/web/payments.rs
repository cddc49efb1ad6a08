//! `/desk/{slug}/payments`: paying what a frozen run owes, as steps. An order is prepared; another
//! officer approves its count, control sum and SHA-256; it is released and the bank's file handed out;
//! what the bank says became of it is taken in, and what came back is owed again.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{calendar::LocalDay, money::Pence};
use identity::Right;
use office::{
    Answer, Refusal, SocietyOffice,
    answer::OrCaller,
    hex,
    interest::Standing,
    payments::{NamedProfile, OrderAsked, OrderStanding, OrderState, Row, profiles, rows_of_csv},
};
use report::words;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    Web, frame,
    interest::ApproveForm,
    society::named,
    statements::attached,
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::parts::{Cell, Field, FieldKind, Form, Part, PartsPage, Table},
    visitor::{Sent, Visitor, see},
};

/// Most lines on a page; the command and the bank's file have all.
const MOST_LINES: usize = 500;

/// What is to be paid.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareForm {
    run: u32,
    profile: String,
    on: String,
    #[serde(default)]
    cheques: String,
}

/// Why it is taken back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelForm {
    reason: String,
}

/// What became of one payment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneForm {
    member: u32,
    outcome: String,
    #[serde(default)]
    on: String,
    #[serde(default)]
    reason: String,
}

/// The file is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileForm {
    order: u32,
}

/// What is owed, the orders, and the form of a new one.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        list(web, &visitor, &society, &PrepareForm::default(), None)
    })
    .await
}

/// An order is prepared.
pub async fn prepare(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Sent(sent): Sent<PrepareForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let made = asked(&sent).and_then(|asked| society.prepare_order(&asked, &visitor.user, now));
        match made {
            Ok((note, _)) => Ok(see(&format!("/desk/{slug}/payments/{}", note.order))),
            Err(Refusal::Caller(why)) => list(web, &visitor, &society, &sent, Some(told(&why))),
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

/// One order, on its own page or where it is approved or released.
pub async fn order(
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
        let now = web.state.clock.now();
        let done = society.approve_order(number, sent.hash(), &visitor.user, now);
        after(web, &visitor, &slug, number, done.map(drop))
    })
    .await
}

/// It is released.
pub async fn release(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    Sent(sent): Sent<ApproveForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let state = society.order(number).map_err(Trouble::refused)?;
        let done = match sent.hash() == state.hash {
            true => released(web, &visitor, &society, &state).map(drop),
            false => Err(Refusal::Caller(
                "this is not the order that was approved\nhint: open the page again".to_owned(),
            )),
        };
        after(web, &visitor, &slug, number, done)
    })
    .await
}

/// It is taken back before its release.
pub async fn cancel(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    Sent(sent): Sent<CancelForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let done = society.cancel_order(number, &sent.reason, &visitor.user, now);
        after(web, &visitor, &slug, number, done.map(drop))
    })
    .await
}

/// The bank's file of a released order: the approved bytes, made again and checked.
pub async fn file(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    Sent(sent): Sent<FileForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let state = society.order(number).map_err(Trouble::refused)?;
        let is_released = matches!(state.standing, OrderStanding::Released { .. });
        if !is_released || sent.order != number {
            return Err(Trouble::nothing_here());
        }
        match released(web, &visitor, &society, &state) {
            Ok(Some(bytes)) => {
                let ending = match bytes.starts_with(b"<?xml") {
                    true => "xml",
                    false if state.note.profile == "bacs18" => "txt",
                    false => "csv",
                };
                let name = format!("{slug}-order-{number}-{}.{ending}", state.note.profile);
                Ok(attached("application/octet-stream", &name, bytes))
            }
            Ok(None) => Err(Trouble::nothing_here()),
            Err(Refusal::Caller(why)) => show(web, &visitor, &slug, number, Some(told(&why))),
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

/// The cheques to write.
pub async fn cheques(
    State(web): State<Web>,
    _: Visitor,
    Path((slug, number)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let table = society.cheque_list(number).map_err(Trouble::refused)?;
        let name = format!("{slug}-order-{number}-cheques.csv");
        Ok(attached(
            "text/csv; charset=utf-8",
            &name,
            table.to_csv().into_bytes(),
        ))
    })
    .await
}

/// The bank's report of an order.
pub async fn report(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    files: Typed,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let Some(given) = files.file("report") else {
            return Err(Trouble::form("there is no file in it"));
        };
        let now = web.state.clock.now();
        let done = std::str::from_utf8(&given.bytes)
            .map_err(|_| "the report is no text; expected a table of comma-separated values")
            .or_caller()
            .and_then(rows_of_csv)
            .and_then(|rows| {
                let source = format!("sha256:{}", hex(&Sha256::digest(&given.bytes)));
                society.report_payments(number, &rows, &source, &visitor.user, now)
            });
        after(web, &visitor, &slug, number, done.map(drop))
    })
    .await
}

/// An officer says what became of one payment.
pub async fn one(
    State(web): State<Web>,
    visitor: Visitor,
    Path((slug, number)): Path<(String, u32)>,
    Sent(sent): Sent<OneForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let on = match sent.on.trim() {
            "" => Ok(None),
            text => text.parse().map(Some).or_caller(),
        };
        let done = on.and_then(|on| {
            let row = Row {
                line: 0,
                reference: format!("#{}", sent.member),
                paid: sent.outcome == "paid",
                on,
                pence: None,
                reason: sent.reason.trim().to_owned(),
            };
            let source = format!("{} says so", visitor.user);
            society.report_payments(number, &[row], &source, &visitor.user, now)
        });
        after(web, &visitor, &slug, number, done.map(drop))
    })
    .await
}

/// Releases an order, or hands out again what was released; its bytes.
fn released(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    state: &OrderState,
) -> Answer<Option<Vec<u8>>> {
    let note = &state.note;
    let now = web.state.clock.now();
    let done = society.release_order(
        note.run,
        &note.profile,
        Some(note.order),
        &visitor.user,
        now,
    )?;
    Ok(done.file.map(|file| file.bytes))
}

fn told(why: &str) -> String {
    sentence(&why.replace("\nhint: ", "; "))
}

fn after(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    number: u32,
    done: Answer<()>,
) -> Result<Response, Trouble> {
    match done {
        Ok(()) => Ok(see(&format!("/desk/{slug}/payments/{number}"))),
        Err(Refusal::Caller(why)) => show(web, visitor, slug, number, Some(told(&why))),
        Err(ours) => Err(ours.into()),
    }
}

fn asked(sent: &PrepareForm) -> Answer<OrderAsked> {
    let on: LocalDay = sent.on.trim().parse().or_caller()?;
    let mut by_cheque = Vec::new();
    for word in sent
        .cheques
        .split([',', ' ', ';'])
        .filter(|word| !word.is_empty())
    {
        let number = word.parse::<u32>();
        by_cheque.push(
            number
                .map_err(|_| format!("`{word}` is no member's number"))
                .or_caller()?,
        );
    }
    Ok(OrderAsked {
        run: sent.run,
        profile: NamedProfile::named(sent.profile.trim())?,
        on,
        only: Vec::new(),
        by_cheque,
    })
}

fn list(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    typed: &PrepareForm,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let slug = society.slug();
    let here = format!("/desk/{slug}/payments");
    let owed = society.owed(None)?;
    let open: Vec<_> = owed
        .iter()
        .filter(|line| line.owed.open_total().0 != 0)
        .collect();
    let total: i64 = open.iter().map(|line| line.owed.open_total().0).sum();
    let orders = society.orders()?;
    let mut parts = Vec::new();
    if !orders.is_empty() {
        let mut table = Table::new(
            "The orders, the newest first",
            &[
                "Order",
                "Run",
                "<Form",
                "<Day",
                "Lines",
                "Together",
                "<How it stands",
            ],
        );
        for state in orders.iter().rev() {
            let note = &state.note;
            let sum: i64 = note.lines.iter().map(|line| line.pence).sum();
            table.row(vec![
                Cell::link(
                    format!("Order {}", note.order),
                    format!("{here}/{}", note.order),
                ),
                Cell::text(note.run.to_string()),
                Cell::text(note.profile.as_str()),
                Cell::text(day_in_words(&note.on)),
                Cell::text(words::whole(count(note.lines.len()))),
                Cell::text(Pence(sum).to_string()),
                Cell::text(state.standing.word()),
            ]);
        }
        parts.push(Part::Table(table));
    }
    if !open.is_empty() {
        parts.push(Part::Heading("What is open".to_owned()));
        let mut table = Table::new(
            "Members to whom a frozen run owes something that no order pays",
            &["Member", "Run", "<Days", "Open"],
        );
        for line in open.iter().take(MOST_LINES) {
            table.row(vec![
                Cell::text(line.member.to_string()),
                Cell::text(line.run.to_string()),
                Cell::text(format!(
                    "{} to {}",
                    day_in_words(&line.period.0),
                    day_in_words(&line.period.1)
                )),
                Cell::text(line.owed.open_total().to_string()),
            ]);
        }
        table.foot = vec![
            "Together".to_owned(),
            String::new(),
            String::new(),
            Pence(total).to_string(),
        ];
        parts.push(Part::Table(table));
        if open.len() > MOST_LINES {
            parts.push(Part::Small(format!(
                "These are the first {MOST_LINES}; {} more are in the total.",
                words::whole(count(open.len() - MOST_LINES))
            )));
        }
    }
    if web.state.office.may(&visitor.user, Right::Money, slug) && !open.is_empty() {
        parts.extend(prepare_form(web, society, typed, &here)?);
    }
    let members = open
        .iter()
        .map(|line| line.member)
        .collect::<std::collections::BTreeSet<_>>();
    let sentence = match members.len() {
        0 => "Nothing is owed to members that no order pays.".to_owned(),
        n => format!(
            "{} of share interest is open, for {}.",
            Pence(total),
            words::count(u32::try_from(n).unwrap_or(u32::MAX), "member", "members")
        ),
    };
    page_of(
        web, visitor, society, &here, "Payments", None, sentence, trouble, parts,
    )
}

fn prepare_form(
    web: &Web,
    society: &SocietyOffice,
    typed: &PrepareForm,
    here: &str,
) -> Result<Vec<Part>, Trouble> {
    let today = society.known().zone.day_of(web.state.clock.now());
    let runs = society.interest_runs()?;
    let runs: Vec<(String, String)> = runs
        .iter()
        .rev()
        .filter(|run| run.standing == Standing::Frozen)
        .map(|run| {
            let words = format!(
                "Run {} for {}",
                run.note.number,
                super::interest::days(&run.note)
            );
            (run.note.number.to_string(), words)
        })
        .collect();
    let mut forms = Vec::new();
    for named in profiles() {
        let profile = named.read()?;
        let sample = if profile.sample {
            " (SAMPLE: compare with the bank’s guide)"
        } else {
            ""
        };
        forms.push((named.name.clone(), format!("{}{sample}", profile.title)));
    }
    let run = match typed.run {
        0 => runs
            .first()
            .map_or_else(String::new, |(number, _)| number.clone()),
        run => run.to_string(),
    };
    let on = match typed.on.as_str() {
        "" => today.to_string(),
        on => on.to_owned(),
    };
    Ok(vec![
        Part::Heading("A new order".to_owned()),
        Part::List(vec![
            "Prepare it: every line, the bank’s file and its SHA-256 are fixed under one hash. Nothing leaves.".to_owned(),
            "Another officer approves the number of payments, their sum and that SHA-256.".to_owned(),
            "Release it: each payee’s details are held against the journal once more, and the file is handed out.".to_owned(),
            "Take in what the bank reports. What came back is owed again.".to_owned(),
        ]),
        Part::Form(Form {
            action: here.to_owned(),
            fields: vec![
                Field::new("run", "What is paid", FieldKind::OneOf(runs)).value(&run),
                Field::new("profile", "The form of your bank", FieldKind::OneOf(forms))
                    .value(&typed.profile)
                    .help("By hand makes a list to type from, or records payments made before."),
                Field::new("on", "The day on which the money moves", FieldKind::Day)
                    .value(&on)
                    .help("At most a month ahead; banks pay on weekdays."),
                Field::new("cheques", "By cheque, whatever they chose", FieldKind::Line(false))
                    .value(&typed.cheques)
                    .help("Numbers of members, such as 12, 31; estates of members who have died.")
                    .optional(),
            ],
            button: "Prepare this order".to_owned(),
            ..Form::default()
        }),
    ])
}

fn show(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    number: u32,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let state = society.order(number).map_err(Trouble::refused)?;
    let note = &state.note;
    let here = format!("/desk/{slug}/payments/{number}");
    let may = |right| web.state.office.may(&visitor.user, right, slug);
    let own = state.prepared_by == visitor.user;
    let total: i64 = note.lines.iter().map(|line| line.pence).sum();
    let of = format!(
        "Order {number} over {} to {}",
        Pence(total),
        words::count(
            u32::try_from(note.lines.len()).unwrap_or(u32::MAX),
            "member",
            "members"
        )
    );
    let back = state
        .fates
        .values()
        .filter(|(fate, _)| matches!(fate, domain::payment::Fate::Returned(_)))
        .count();
    let sentence = match &state.standing {
        OrderStanding::Prepared => format!(
            "{of} was prepared by {} and waits for another officer.",
            state.prepared_by
        ),
        OrderStanding::Approved { by } => format!("{of} was approved by {by} and can be released."),
        OrderStanding::Released { on, .. } if back > 0 => format!(
            "{of} was released on {}; {} came back and {} owed again.",
            words::date(*on),
            words::count(
                u32::try_from(back).unwrap_or(u32::MAX),
                "payment",
                "payments"
            ),
            if back == 1 { "is" } else { "are" }
        ),
        OrderStanding::Released { on, .. } => format!("{of} was released on {}.", words::date(*on)),
        OrderStanding::Cancelled { reason } => format!("{of} was taken back: {reason}."),
    };
    let step = |n: u8| match &state.standing {
        OrderStanding::Prepared => n < 2,
        OrderStanding::Approved { .. } => n < 3,
        OrderStanding::Released { .. } => n < 4 || !state.fates.is_empty(),
        OrderStanding::Cancelled { .. } => n < 2,
    };
    let mut parts = vec![
        Part::Steps(vec![
            (format!("Prepared by {}", state.prepared_by), step(1)),
            ("Approved by another officer".to_owned(), step(2)),
            (
                "Released, and the bank’s file handed out".to_owned(),
                step(3),
            ),
            ("The bank’s report taken in".to_owned(), step(4)),
        ]),
        Part::Table(approved_figures(&state)),
    ];
    parts.extend(actions(&state, &here, own, &may));
    parts.extend(lines_of(&state));
    page_of(
        web,
        visitor,
        &society,
        &here,
        &format!("Payment order {number}"),
        Some(number),
        sentence,
        trouble,
        parts,
    )
}

/// What is approved: the figures that the bank shows again at the upload.
fn approved_figures(state: &OrderState) -> Table {
    let note = &state.note;
    let mut table = Table::new(
        "What is approved; the bank shows count and sum again when the file is uploaded",
        &["Figure", "<Value"],
    );
    let mut row = |name: &str, value: String| table.row(vec![Cell::text(name), Cell::text(value)]);
    row(
        "Payments in the bank’s file",
        words::whole(i64::from(note.count)),
    );
    row("Their sum", Pence(note.control_pence).to_string());
    row(
        "SHA-256 of the file",
        match note.file_sha256.as_str() {
            "" => "nothing goes to the bank".to_owned(),
            hash => hash.to_owned(),
        },
    );
    row("The day on which the money moves", day_in_words(&note.on));
    row("Form of the bank", note.profile.clone());
    row("Interest run", note.run.to_string());
    row("Hash over all of it, with every line", state.hash.clone());
    table
}

fn actions(state: &OrderState, here: &str, own: bool, may: &dyn Fn(Right) -> bool) -> Vec<Part> {
    let note = &state.note;
    let hashed = |verb: &str, button: &str, follows: &str| {
        Part::Form(Form {
            action: format!("{here}/{verb}"),
            hidden: vec![("hash", state.hash.clone())],
            button: button.to_owned(),
            follows: follows.to_owned(),
            id: format!("{verb}-"),
            ..Form::default()
        })
    };
    let take_back = || {
        Part::Form(Form {
            action: format!("{here}/cancel"),
            fields: vec![Field::new(
                "reason",
                "Why it is taken back",
                FieldKind::Line(false),
            )],
            button: "Take this order back".to_owned(),
            follows: "What it would have paid is open again. The order stays to be seen."
                .to_owned(),
            quieter: true,
            id: "cancel-".to_owned(),
            ..Form::default()
        })
    };
    let mut parts = Vec::new();
    match &state.standing {
        OrderStanding::Prepared => {
            parts.push(match (own, may(Right::Approve)) {
                (true, _) => Part::Text("You prepared it, so another officer has to approve it.".to_owned()),
                (false, false) => Part::Text("It takes an officer who may approve what another prepared.".to_owned()),
                (false, true) => hashed(
                    "approve",
                    "Approve this order",
                    "You put your name to this count, this sum and this SHA-256, and to every line below. Nothing is paid yet.",
                ),
            });
            if may(Right::Money) {
                parts.push(take_back());
            }
        }
        OrderStanding::Approved { .. } => {
            if may(Right::Money) {
                parts.push(hashed(
                    "release",
                    "Release this order",
                    "The file is made once more and each payee’s details are held against the journal. If a byte differs, nothing is released; else shares are issued, the books are posted, and the file can be downloaded.",
                ));
                parts.push(take_back());
            } else {
                parts.push(Part::Text(
                    "It takes an officer who prepares payments to release it.".to_owned(),
                ));
            }
        }
        OrderStanding::Released { .. } if may(Right::Money) => {
            if !note.file_sha256.is_empty() {
                parts.push(Part::Form(Form {
                    action: format!("{here}/file"),
                    hidden: vec![("order", note.order.to_string())],
                    button: "Download the bank’s file".to_owned(),
                    follows: "It holds bank details: upload it and delete it. Downloaded again it has the same bytes; nothing is paid twice by that.".to_owned(),
                    id: "file-".to_owned(),
                    ..Form::default()
                }));
            }
            parts.push(Part::Heading("What the bank says".to_owned()));
            parts.push(Part::Form(Form {
                action: format!("{here}/report"),
                fields: vec![
                    Field::new("report", "The bank’s report", FieldKind::File)
                        .help("A table of comma-separated values with the columns reference and outcome (paid or returned); date, amount and reason where the bank gives them."),
                ],
                button: "Take in this report".to_owned(),
                has_file: true,
                id: "report-".to_owned(),
                ..Form::default()
            }));
            parts.push(Part::Form(Form {
                action: format!("{here}/one"),
                fields: vec![
                    Field::new("member", "Member’s number", FieldKind::Line(true)),
                    Field::new(
                        "outcome",
                        "What became of the payment",
                        FieldKind::OneOf(vec![
                            (
                                "returned".to_owned(),
                                "It came back, or the cheque was not cashed".to_owned(),
                            ),
                            (
                                "paid".to_owned(),
                                "It was paid, or the cheque was cashed".to_owned(),
                            ),
                        ]),
                    ),
                    Field::new("on", "The day", FieldKind::Day)
                        .help("Today, where it is left empty.")
                        .optional(),
                    Field::new("reason", "Why it came back", FieldKind::Line(false)).optional(),
                ],
                button: "Say what became of it".to_owned(),
                follows: "What came back is owed again; a new order pays it, approved anew."
                    .to_owned(),
                quieter: true,
                id: "one-".to_owned(),
                ..Form::default()
            }));
        }
        OrderStanding::Released { .. } | OrderStanding::Cancelled { .. } => {}
    }
    let approved = matches!(
        state.standing,
        OrderStanding::Approved { .. } | OrderStanding::Released { .. }
    );
    if approved && may(Right::Money) && note.lines.iter().any(|line| line.way == "cheque") {
        parts.push(Part::Links(vec![frame::link(
            "The cheques to write (CSV)",
            &format!("{here}/cheques.csv"),
        )]));
    }
    parts
}

fn lines_of(state: &OrderState) -> Vec<Part> {
    let note = &state.note;
    let mut parts = vec![Part::Heading("Its lines".to_owned())];
    let mut table = Table::new(
        "Who gets what; names and accounts stand in the bank’s file only",
        &[
            "Member",
            "<How",
            "Interest",
            "Tax",
            "Paid",
            "Shares",
            "<Reference",
            "<How it stands",
        ],
    );
    let pounds = |pence: i64| match pence {
        0 => String::new(),
        pence => Pence(pence).to_string(),
    };
    for line in note.lines.iter().take(MOST_LINES) {
        let reason = state
            .fates
            .get(&line.member)
            .map_or("", |(_, why)| why.as_str());
        let stands = match reason {
            "" => state.fate_word(line).to_owned(),
            why => format!("{}: {why}", state.fate_word(line)),
        };
        table.row(vec![
            Cell::text(line.member.to_string()),
            Cell::text(line.way.as_str()),
            Cell::text(pounds(line.gross_pence)),
            Cell::text(pounds(line.tax_pence)),
            Cell::text(Pence(line.pence).to_string()),
            Cell::text(if line.shares == 0 {
                String::new()
            } else {
                words::whole(line.shares)
            }),
            Cell::text(line.reference.as_str()),
            Cell::text(stands),
        ]);
    }
    parts.push(Part::Table(table));
    if note.lines.len() > MOST_LINES {
        parts.push(Part::Small(format!(
            "These are the first {MOST_LINES}; {} more are in the sums and under the hash.",
            words::whole(count(note.lines.len() - MOST_LINES))
        )));
    }
    if !note.held.is_empty() {
        parts.push(Part::Heading("What is left out, and stays owed".to_owned()));
        let mut table = Table::new("With the reason", &["Member", "Owed", "<Why"]);
        for held in note.held.iter().take(MOST_LINES) {
            table.row(vec![
                Cell::text(held.member.to_string()),
                Cell::text(Pence(held.pence).to_string()),
                Cell::text(held.why.as_str()),
            ]);
        }
        parts.push(Part::Table(table));
    }
    parts
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one page, named where they are used"
)]
fn page_of(
    web: &Web,
    visitor: &Visitor,
    society: &SocietyOffice,
    here: &str,
    title: &str,
    order: Option<u32>,
    sentence: String,
    trouble: Option<String>,
    parts: Vec<Part>,
) -> Result<Response, Trouble> {
    let slug = society.slug();
    let name = &society.known().document.society.name;
    let mut above = vec![frame::link(
        &format!("The desk of {name}"),
        &format!("/desk/{slug}"),
    )];
    above.extend(order.map(|_| frame::link("Payments", &format!("/desk/{slug}/payments"))));
    let failed = trouble.is_some();
    let mut answer = frame::page(&PartsPage {
        frame: frame::of_visitor(web, visitor, title, here),
        above,
        sentence,
        sample: society.is_sample(),
        trouble,
        parts,
        ..PartsPage::default()
    })?;
    if failed {
        *answer.status_mut() = StatusCode::CONFLICT;
    }
    Ok(answer)
}

fn day_in_words(text: &str) -> String {
    text.parse::<LocalDay>()
        .map_or_else(|_| text.to_owned(), words::date)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
