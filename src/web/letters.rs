//! `/desk/{slug}/letters`: an officer acts for a member on a letter or a call. The scan is attached, a
//! notice goes to the address the society had before, and new bank details wait the same seven days.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use identity::Right;
use office::{
    Answer, Refusal,
    answer::OrCaller,
    roll::{BankText, LetterLine, LetterOf, Payment, document},
};
use report::{
    paper::Paper,
    texts::{ENGLISH, notice_sentence},
    words,
};

use super::{
    Web, frame,
    papers::above,
    society::named,
    statements::attached,
    trouble::{Trouble, sentence},
    uploads::Typed,
    view::parts::{Cell, Field, FieldKind, Form, Part, PartsPage, Table},
    visitor::{Visitor, see},
};

/// Most letters on the page, the newest first.
const MOST: usize = 200;

/// The letters, and the form.
pub async fn page(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, &slug, &Typed::default(), None))
        .await
}

/// One is acted on.
pub async fn act(
    State(web): State<Web>,
    visitor: Visitor,
    Path(slug): Path<String>,
    files: Typed,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let now = web.state.clock.now();
        let done = asked(&files).and_then(|of| society.act_on_letter(&of, &visitor.user, now));
        match done {
            Ok(_) => Ok(see(&format!("/desk/{slug}/letters"))),
            Err(Refusal::Caller(why)) => {
                let why = sentence(&why.replace("\nhint: ", "; "));
                show(web, &visitor, &slug, &files, Some(why))
            }
            Err(ours) => Err(ours.into()),
        }
    })
    .await
}

/// The notice to the old address, as a letter.
pub async fn notice(
    State(web): State<Web>,
    _: Visitor,
    Path((slug, letter)): Path<(String, u32)>,
) -> Result<Response, Trouble> {
    web.ask(move |web| {
        let society = named(web, &slug)?;
        let known = society.known();
        let lines = society.letters()?;
        let line = lines.into_iter().find(|line| line.acted.number == letter);
        let line = line.ok_or_else(Trouble::nothing_here)?;
        let note = line.note.ok_or_else(Trouble::nothing_here)?;
        let name = known.document.society.name.clone();
        let received = line
            .acted
            .received
            .parse()
            .map_or_else(|_| line.acted.received.clone(), words::date);
        let is_call = line.acted.came_by == "call";
        let mut text = note.says.clone();
        text.extend([
            ENGLISH.notice_not_you.to_owned(),
            ENGLISH.notice_why.to_owned(),
        ]);
        let paper = Paper {
            author: name.clone(),
            heading: ENGLISH.notice.to_owned(),
            on: known.zone.day_of(line.at),
            sentence: notice_sentence(&name, is_call, &received),
            address: note.to,
            chart: None,
            text,
            tables: Vec::new(),
            notes_heading: ENGLISH.notice_notes,
            notes: vec![format!("Letter {letter}, member {}.", line.acted.member)],
            signatures: Vec::new(),
            sample: society.is_sample(),
        };
        let bytes = web.making.paper(&paper).map_err(|why| match why {
            pdf::NotSet::Ours(why) => Trouble::ours(why),
            why => Trouble::refused(Refusal::Caller(why.to_string())),
        })?;
        Ok(attached(
            "application/pdf",
            &format!("{slug}-notice-{letter}.pdf"),
            bytes,
        ))
    })
    .await
}

fn asked(files: &Typed) -> Answer<LetterOf> {
    let said = |name: &str| Some(files.text(name)).filter(|text| !text.is_empty());
    let member = files.text("member");
    let payment = match files.text("payment") {
        "" | "as-it-is" => None,
        word => {
            let all = [
                Payment::Bank,
                Payment::Cheque,
                Payment::Reinvest,
                Payment::Fund,
            ];
            let found = all
                .into_iter()
                .find(|one| document::payment_word(*one) == word);
            Some(
                found
                    .ok_or_else(|| format!("`{word}` is no choice"))
                    .or_caller()?,
            )
        }
    };
    let lines: Vec<String> = files
        .text("address")
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    let typed = said("sort_code").is_some() || said("account").is_some();
    Ok(LetterOf {
        member: member
            .parse()
            .map_err(|_| format!("`{member}` is no member's number"))
            .or_caller()?,
        is_call: files.text("came_by") == "call",
        received: files.text("received").parse().or_caller()?,
        source: files.text("source").to_owned(),
        file: files.file("file").cloned(),
        payment,
        address: (!lines.is_empty()).then(|| (lines, files.text("postcode").to_owned())),
        email: said("email").map(str::to_owned),
        bank: typed.then(|| BankText {
            name: files.text("name").to_owned(),
            sort_code: files.text("sort_code").to_owned(),
            account: files.text("account").to_owned(),
            roll_number: String::new(),
        }),
    })
}

fn show(
    web: &Web,
    visitor: &Visitor,
    slug: &str,
    typed: &Typed,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let society = named(web, slug)?;
    let here = format!("/desk/{slug}/letters");
    let may = web.state.office.may(&visitor.user, Right::Roll, slug);
    let letters = society.letters()?;
    let mut parts = Vec::new();
    if !letters.is_empty() {
        parts.push(Part::Table(table(&society, &letters, &here, may)));
        parts.push(Part::Small(
            "Print the notice and post it to the address on it: that is how a member finds out when somebody else wrote in its name.".to_owned(),
        ));
    }
    match may {
        true => parts.extend(form(typed, &here)),
        false => parts.push(Part::Text(
            "Who keeps the roll acts on letters here; you may look.".to_owned(),
        )),
    }
    let failed = trouble.is_some();
    let number = u32::try_from(letters.len()).unwrap_or(u32::MAX);
    let mut answer = frame::page(&PartsPage {
        frame: frame::of_visitor(web, visitor, "Letters", &here),
        above: above(&society),
        sentence: match number {
            0 => "Nobody has acted for a member on a letter or a call yet.".to_owned(),
            n => format!(
                "Officers have acted on {} of members.",
                words::count(n, "letter or call", "letters and calls")
            ),
        },
        sample: society.is_sample(),
        trouble,
        parts,
        ..PartsPage::default()
    })?;
    if failed {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

fn table(society: &office::SocietyOffice, letters: &[LetterLine], here: &str, may: bool) -> Table {
    let zone = society.known().zone.clone();
    let mut table = Table::new(
        "What was changed on a letter or a call, the newest first",
        &[
            "Letter",
            "Member",
            "<Came",
            "<Changed",
            "<By",
            "<On",
            "<Notice to the address before",
        ],
    );
    for line in letters.iter().rev().take(MOST) {
        let acted = &line.acted;
        let came = acted
            .received
            .parse()
            .map_or_else(|_| acted.received.clone(), words::date);
        table.row(vec![
            Cell::text(acted.number.to_string()),
            Cell::text(acted.member.to_string()),
            Cell::text(format!("by {}, {came}", acted.came_by)),
            Cell::text(acted.changes.join(", ")),
            Cell::text(line.by.as_str()),
            Cell::text(words::date(zone.day_of(line.at))),
            match (&line.note, may) {
                (Some(_), true) => Cell::link(
                    "print it (PDF)",
                    format!("{here}/{}/notice.pdf", acted.number),
                ),
                (Some(_), false) => Cell::text("made"),
                (None, _) => Cell::text("the member was erased"),
            },
        ]);
    }
    table
}

fn form(typed: &Typed, here: &str) -> Vec<Part> {
    let line = |name: &'static str, label: &str, short: bool| {
        Field::new(name, label, FieldKind::Line(short)).value(typed.text(name))
    };
    let came = match typed.text("came_by") {
        "" => "letter",
        came => came,
    };
    let payment = match typed.text("payment") {
        "" => "as-it-is",
        payment => payment,
    };
    let choice = |value: &str, words: &str| (value.to_owned(), words.to_owned());
    vec![
        Part::Heading("Act on a letter or a call".to_owned()),
        Part::List(vec![
            "What the member asked for is changed, and the letter is kept sealed beside the journal.".to_owned(),
            "A notice goes to the address the society has now.".to_owned(),
            "New bank details wait seven days before any money goes there, as they do when a member changes them.".to_owned(),
        ]),
        Part::Form(Form {
            action: here.to_owned(),
            fields: vec![
                line("member", "Member’s number", true),
                Field::new(
                    "came_by",
                    "How it came",
                    FieldKind::OneOf(vec![choice("letter", "By letter"), choice("call", "By a call")]),
                )
                .value(came),
                Field::new("received", "The day it came", FieldKind::Day).value(typed.text("received")),
                Field::new("source", "What it says, and how you know that it is the member", FieldKind::Lines)
                    .help("The signature held against the application form; what was asked on the telephone.")
                    .value(typed.text("source")),
                Field::new("file", "The letter", FieldKind::File)
                    .help("A scan or a photo; needed for a letter, not for a call.")
                    .optional(),
                Field::new(
                    "payment",
                    "Where interest goes",
                    FieldKind::OneOf(vec![
                        choice("as-it-is", "As it is"),
                        choice("bank", "To the bank account"),
                        choice("cheque", "By cheque"),
                        choice("reinvest", "Into new shares"),
                        choice("fund", "To the community fund"),
                    ]),
                )
                .value(payment),
                line("name", "Name on the new account", false).optional(),
                line("sort_code", "New sort code", true).help("Leave it empty to keep the account as it is.").optional(),
                line("account", "New account number", true).optional(),
                Field::new("address", "New address", FieldKind::Lines)
                    .help("Its lines without the post code; leave it empty to keep the address.")
                    .value(typed.text("address"))
                    .optional(),
                line("postcode", "New post code", true).optional(),
                line("email", "New e-mail address", false).optional(),
            ],
            button: "Act on this".to_owned(),
            follows: "Who acted, when and on what stands in the audit trail. It is changed back by another letter, not undone.".to_owned(),
            has_file: true,
            ..Form::default()
        }),
    ]
}
