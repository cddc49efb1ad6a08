//! `members import|add|list|show|change|bank|died|end|export|erase|modulus-table`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domain::{calendar::LocalDay, membership::MemberKind, money::Pence};
use report::sheet::{Cell, Table};
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, Refusal,
    answer::{OrOurs, refuse},
    roll::{
        BankText, Changes, Columns, ImportedRoll, MemberLine, ModulusFiles, NewMember,
        NewNomination, Payment, Person, Rest,
        document::{self as papers, payment_word},
    },
};

/// `members …`
#[derive(Clone, Debug, Subcommand)]
pub enum Members {
    /// Import members from a spreadsheet: all of it or nothing
    Import(ImportOf),
    /// Enter one member
    Add(Add),
    /// List the members
    List {
        /// Their society
        #[arg(long)]
        society: Option<String>,
        /// As a table to read, or a download
        #[arg(long, value_enum, default_value_t = Download::Text)]
        format: Download,
        /// Write a download to this file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show one member
    Show(One),
    /// Change what is known of a member
    Change(Change),
    /// Change a member's bank details; they are in force in seven days
    Bank(Bank),
    /// Deduct income tax from a member's interest: for a person who lives abroad
    Tax {
        /// The member's number
        member: u32,
        /// Per cent, such as `20`
        #[arg(long, required_unless_present = "none")]
        percent: Option<domain::interest::Percent>,
        /// Deduct none any more
        #[arg(long, conflicts_with = "percent")]
        none: bool,
        /// What it stands on
        #[arg(long)]
        source: String,
        /// Their society
        #[arg(long)]
        society: Option<String>,
    },
    /// Enter a nomination in the book: who takes a member's property in the society at death
    Nominate(Nominate),
    /// End a nomination: revoked, varied by another, or the member married
    NominationEnd {
        /// The nomination's number
        nomination: u32,
        /// The day
        #[arg(long)]
        on: LocalDay,
        /// Why
        #[arg(long)]
        reason: String,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// The nomination book
    Nominations {
        /// Only this member's
        #[arg(long)]
        member: Option<u32>,
        /// The society
        #[arg(long)]
        society: Option<String>,
    },
    /// Enter a member's death
    Died(OnDay),
    /// End a membership without shares
    End(OnDay),
    /// Everything that is kept of a member, for the member
    Export(One),
    /// Erase a former member's personal data
    Erase(One),
    /// Cases: a death, a power of attorney, complaints and questions
    #[command(subcommand)]
    Case(super::cases::Cases),
    /// Keep Pay.UK's table for the modulus check of bank details
    ModulusTable {
        /// The weights, such as valacdos.txt
        file: PathBuf,
        /// The substitutions, such as scsubtab.txt
        #[arg(long, value_name = "FILE")]
        substitutions: Option<PathBuf>,
    },
}

/// How a list leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Download {
    /// A table for people.
    Text,
    /// Comma-separated values.
    Csv,
    /// A workbook.
    Xlsx,
}

/// A file to import.
#[derive(Clone, Debug, Args)]
pub struct ImportOf {
    /// The file: XLSX, ODS or CSV; the first row names the columns
    pub file: PathBuf,
    /// The society
    #[arg(long)]
    pub society: Option<String>,
    /// The sheet of a workbook; the first by itself
    #[arg(long)]
    pub sheet: Option<String>,
    /// A field and the heading it stands under: `joined=Date of entry`; may be given again
    #[arg(long, value_name = "FIELD=HEADING")]
    pub column: Vec<String>,
    /// Say what would be imported and every problem, and keep nothing
    #[arg(long)]
    pub preview: bool,
}

/// One member.
#[derive(Clone, Debug, Args)]
pub struct One {
    /// The member's number
    pub member: u32,
    /// Its society
    #[arg(long)]
    pub society: Option<String>,
}

/// A nomination.
#[derive(Clone, Debug, Args)]
pub struct Nominate {
    /// The member
    #[command(flatten)]
    pub one: One,
    /// Who is nominated
    #[arg(long)]
    pub name: String,
    /// A line of the nominee's address; may be given again
    #[arg(long)]
    pub address: Vec<String>,
    /// The day it was made; today by itself
    #[arg(long)]
    pub on: Option<LocalDay>,
    /// How much of the property, per cent
    #[arg(long, default_value_t = 100)]
    pub percent: u32,
    /// The nominee is an officer or employee of the society
    #[arg(id = "nominee_is_officer", long = "officer")]
    pub officer: bool,
    /// What the nominee is to the member: spouse, civil-partner, parent, child, brother, sister,
    /// nephew or niece
    #[arg(long, default_value = "")]
    pub kin: String,
}

/// One member and a day.
#[derive(Clone, Debug, Args)]
pub struct OnDay {
    /// The member
    #[command(flatten)]
    pub one: One,
    /// The day
    #[arg(long)]
    pub on: LocalDay,
}

/// What becomes of interest.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PayBy {
    /// Paid to the bank account
    Bank,
    /// Paid by cheque
    Cheque,
    /// Turned into shares
    Reinvest,
    /// Given to the community fund
    Fund,
}

/// What becomes of less than a share.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RestIs {
    /// Paid out
    Paid,
    /// Kept for the next share
    Carried,
}

/// `members add`
#[derive(Clone, Debug, Args)]
pub struct Add {
    /// Its society
    #[arg(long)]
    pub society: Option<String>,
    /// Its number; the next by itself
    #[arg(long)]
    pub number: Option<u32>,
    /// person, organisation, council, society, joint or child
    #[arg(long, default_value = "person")]
    pub kind: String,
    /// Full name
    #[arg(long)]
    pub name: String,
    /// The day it joined
    #[arg(long)]
    pub joined: LocalDay,
    /// A line of the postal address; may be given again
    #[arg(long)]
    pub address: Vec<String>,
    /// Post code
    #[arg(long, default_value = "")]
    pub postcode: String,
    /// E-mail
    #[arg(long, default_value = "")]
    pub email: String,
    /// Telephone
    #[arg(long, default_value = "")]
    pub phone: String,
    /// Date of birth, for a child
    #[arg(long)]
    pub born: Option<LocalDay>,
    /// Name of one who holds together; may be given again
    #[arg(long)]
    pub holder: Vec<String>,
    /// Number of a member who holds together; may be given again
    #[arg(long)]
    pub holder_number: Vec<u32>,
    /// Who acts for a child
    #[arg(long, default_value = "")]
    pub nominee: String,
    /// What becomes of interest
    #[arg(long, value_enum, default_value_t = PayBy::Cheque)]
    pub payment: PayBy,
    /// What becomes of less than a share, with `reinvest`
    #[arg(long, value_enum, default_value_t = RestIs::Paid)]
    pub rest: RestIs,
}

/// `members change`
#[derive(Clone, Debug, Args)]
pub struct Change {
    /// The member
    #[command(flatten)]
    pub one: One,
    /// Full name
    #[arg(long)]
    pub name: Option<String>,
    /// A line of the postal address; may be given again; all lines are replaced
    #[arg(long)]
    pub address: Vec<String>,
    /// Post code
    #[arg(long)]
    pub postcode: Option<String>,
    /// E-mail
    #[arg(long)]
    pub email: Option<String>,
    /// Telephone
    #[arg(long)]
    pub phone: Option<String>,
    /// Who acts for a child, or is nominated
    #[arg(long)]
    pub nominee: Option<String>,
    /// What becomes of interest
    #[arg(long, value_enum)]
    pub payment: Option<PayBy>,
    /// What becomes of less than a share
    #[arg(long, value_enum)]
    pub rest: Option<RestIs>,
}

/// `members bank`
#[derive(Clone, Debug, Args)]
pub struct Bank {
    /// The member
    #[command(flatten)]
    pub one: One,
    /// A file with the lines `sort_code=…`, `account=…`, and where they differ `name=…` and
    /// `roll_number=…`; on a command line they would stay in the shell's history
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Members) -> Answer<()> {
    match command {
        Members::Import(of) => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "importing members")?;
            let done = society.import_members(&columns(desk, of)?, &by, desk.now)?;
            imported(desk, &done, society.is_sample())
        }
        Members::Add(add) => add_one(desk, add),
        Members::List {
            society,
            format,
            out,
        } => {
            let society = desk.society(society.as_deref())?;
            let lines = society.members(desk.now)?;
            list(desk, &lines, *format, out.as_deref())
        }
        Members::Show(one) => show(desk, one),
        Members::Change(change) => {
            let society = desk.society(change.one.society.as_deref())?;
            let by = desk.officer(&society, "changing a member")?;
            let changes = Changes {
                name: change.name.clone(),
                address: (!change.address.is_empty()).then(|| change.address.clone()),
                postcode: change.postcode.clone(),
                email: change.email.clone(),
                phone: change.phone.clone(),
                nominee: change.nominee.clone(),
                payment: change.payment.map(payment),
                rest: change.rest.map(rest),
            };
            society.change_member(change.one.member, &changes, &by, desk.now)?;
            done(desk, &format!("member {} was changed", change.one.member))
        }
        Members::Bank(bank) => change_bank(desk, bank),
        Members::Tax {
            member,
            percent,
            none: _,
            source,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "deducting tax")?;
            society.member_tax(*member, *percent, source, &by, desk.now)?;
            let words = percent.map_or("no tax is deducted any more".to_owned(), |percent| {
                format!("{percent} % of tax is deducted from now on")
            });
            desk.voice.say(&format!("member {member}: {words}"));
            Ok(())
        }
        Members::Nominate(of) => {
            let society = desk.society(of.one.society.as_deref())?;
            let by = desk.officer(&society, "a nomination")?;
            let new = NewNomination {
                member: of.one.member,
                name: of.name.clone(),
                address: of.address.clone(),
                on: of
                    .on
                    .unwrap_or_else(|| society.known().zone.day_of(desk.now)),
                percent: of.percent,
                officer: of.officer,
                kin: of.kin.clone(),
            };
            let number = society.nominate(&new, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({ "nomination": number, "member": of.one.member }));
            }
            desk.voice.data(&format!("nomination {number}\n"));
            Ok(())
        }
        Members::NominationEnd {
            nomination,
            on,
            reason,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "ending a nomination")?;
            society.end_nomination(*nomination, *on, reason, &by, desk.now)?;
            done(desk, &format!("nomination {nomination} ended on {on}"))
        }
        Members::Nominations { member, society } => {
            let society = desk.society(society.as_deref())?;
            let rows: Vec<Value> = society
                .nominations(*member)?
                .iter()
                .map(|(one, nominee)| {
                    json!({
                        "nomination": one.made.number,
                        "member": one.made.member,
                        "on": one.made.on,
                        "percent": one.made.percent,
                        "nominee": nominee.as_ref().map(|nominee| &nominee.name),
                        "officer": one.made.officer,
                        "kin": one.made.kin,
                        "ended": one.ended.as_ref().map(|(on, _)| on.to_string()),
                        "reason": one.ended.as_ref().map(|(_, why)| why),
                    })
                })
                .collect();
            let head = ["", "member", "made", "%", "nominee", "ended"];
            desk.table(&head, &rows, |row| {
                let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                vec![
                    row["nomination"].to_string(),
                    row["member"].to_string(),
                    text("on"),
                    row["percent"].to_string(),
                    text("nominee"),
                    text("ended"),
                ]
            })
        }
        Members::Died(of) => {
            let society = desk.society(of.one.society.as_deref())?;
            let by = desk.officer(&society, "entering a death")?;
            society.member_died(of.one.member, of.on, &by, desk.now)?;
            done(
                desk,
                &format!(
                    "member {} died on {}: nothing is issued to it from that day; its shares pass with `shares transfer --on-death`",
                    of.one.member, of.on
                ),
            )
        }
        Members::End(of) => {
            let society = desk.society(of.one.society.as_deref())?;
            let by = desk.officer(&society, "ending a membership")?;
            society.end_member(of.one.member, of.on, &by, desk.now)?;
            done(desk, &format!("member {} left on {}", of.one.member, of.on))
        }
        Members::Export(one) => {
            let society = desk.society(one.society.as_deref())?;
            desk.officer(&society, "handing out a member's data")?;
            let data = society.own_data(one.member)?;
            desk.document(&papers::own_data(&data, society.is_sample()))
        }
        Members::Erase(one) => {
            let society = desk.society(one.society.as_deref())?;
            let by = desk.officer(&society, "erasing a member's data")?;
            let until = society.erase_member(one.member, &by, desk.now)?;
            done(
                desk,
                &format!(
                    "the personal data of member {} are erased (they were to be kept until {until}); its movements stay under its number\nCopies of this folder made earlier still hold them; one that is put back erases them again.",
                    one.member
                ),
            )
        }
        Members::Case(command) => super::cases::run(desk, command),
        Members::ModulusTable {
            file,
            substitutions,
        } => {
            let files = ModulusFiles {
                weights: desk.text(file)?,
                substitutions: match substitutions {
                    Some(file) => desk.text(file)?,
                    None => String::new(),
                },
            };
            let rows = desk.office.keep_modulus_table(&files)?;
            done(
                desk,
                &format!("{rows} rules are kept; bank details are checked by them from now on"),
            )
        }
    }
}

/// Says that something was done, in words or as a document.
pub(super) fn done(desk: &mut Desk<'_>, words: &str) -> Answer<()> {
    if desk.json() {
        return desk.document(&json!({ "done": words }));
    }
    desk.voice.say(words);
    Ok(())
}

/// The file and its columns, as they were typed.
pub(super) fn columns(desk: &Desk<'_>, of: &ImportOf) -> Answer<Columns> {
    let mut named = Vec::new();
    for column in &of.column {
        let Some((field, heading)) = column.split_once('=') else {
            return refuse(format!("`{column}`: expected FIELD=HEADING"));
        };
        named.push((field.trim().to_owned(), heading.trim().to_owned()));
    }
    Ok(Columns {
        file: of.file.display().to_string(),
        bytes: desk.files.get(&of.file).cloned().ok_or_else(|| {
            Refusal::Caller(format!("`{}` was not sent along", of.file.display()))
        })?,
        sheet: of.sheet.clone(),
        named,
        preview: of.preview,
    })
}

/// Tells what an import did; problems end the command with exit code 1.
pub(super) fn imported(desk: &mut Desk<'_>, done: &ImportedRoll, sample: bool) -> Answer<()> {
    let list = |all: &[office::roll::Problem]| -> Vec<Value> {
        all.iter()
            .map(|problem| json!({ "row": problem.row, "text": problem.text }))
            .collect()
    };
    if desk.json() {
        desk.document(&json!({
            "kept": done.kept,
            "rows": done.rows,
            "members": done.members,
            "movements": done.movements,
            "pence": done.pence,
            "columns": done.columns.iter().map(|(field, heading)| json!({ "field": field, "heading": heading })).collect::<Vec<_>>(),
            "problems": list(&done.problems),
            "notes": list(&done.notes),
            "sample": sample,
        }))?;
    } else {
        for (field, heading) in &done.columns {
            desk.voice.say(&format!("{field}: from column `{heading}`"));
        }
        for problem in &done.problems {
            desk.voice
                .say(&format!("row {}: {}", problem.row, problem.text));
        }
        for note in &done.notes {
            desk.voice
                .say(&format!("row {}: note: {}", note.row, note.text));
        }
        let what = match (done.members, done.movements) {
            (members, 0) => format!("{members} members"),
            (_, movements) => format!("{movements} movements, {} in all", Pence(done.pence)),
        };
        let became = match (done.kept, done.problems.is_empty()) {
            (true, _) => "kept",
            (false, true) => "previewed, nothing kept",
            (false, false) => "without problems, nothing kept",
        };
        let sample = if sample { "SAMPLE " } else { "" };
        desk.voice
            .data(&format!("{sample}{} rows: {what} {became}\n", done.rows));
    }
    match done.problems.len() {
        0 => Ok(()),
        count => refuse(format!(
            "{count} rows have problems, and nothing was kept\nhint: mend the file and import it again"
        )),
    }
}

fn payment(by: PayBy) -> Payment {
    match by {
        PayBy::Bank => Payment::Bank,
        PayBy::Cheque => Payment::Cheque,
        PayBy::Reinvest => Payment::Reinvest,
        PayBy::Fund => Payment::Fund,
    }
}

fn rest(is: RestIs) -> Rest {
    match is {
        RestIs::Paid => Rest::Paid,
        RestIs::Carried => Rest::Carried,
    }
}

/// What becomes of less than a share, in words.
pub(super) fn rest_words(rest: Rest) -> &'static str {
    match rest {
        Rest::Paid => "is to be paid",
        Rest::Carried => "is kept for the next share",
    }
}

fn add_one(desk: &mut Desk<'_>, add: &Add) -> Answer<()> {
    let society = desk.society(add.society.as_deref())?;
    let by = desk.officer(&society, "entering a member")?;
    let Some(kind) = MemberKind::of_word(&add.kind) else {
        let all: Vec<&str> = MemberKind::ALL.iter().map(|kind| kind.word()).collect();
        return refuse(format!(
            "`{}` is no kind of member; expected one of: {}",
            add.kind,
            all.join(", ")
        ));
    };
    let new = NewMember {
        number: add.number,
        kind,
        joined: add.joined,
        ended: None,
        holders: add.holder_number.clone(),
        payment: payment(add.payment),
        rest: rest(add.rest),
        person: Person {
            name: add.name.clone(),
            address: add.address.clone(),
            postcode: add.postcode.clone(),
            email: add.email.clone(),
            phone: add.phone.clone(),
            born: add.born.map_or_else(String::new, |day| day.to_string()),
            holders: add.holder.clone(),
            nominee: add.nominee.clone(),
        },
        bank: None,
    };
    let (number, notes) = society.add_member(&new, &by, desk.now)?;
    if desk.json() {
        return desk.document(&json!({ "member": number, "notes": notes }));
    }
    for note in notes {
        desk.voice.say(&format!("note: {note}"));
    }
    desk.voice.data(&format!("member {number}\n"));
    Ok(())
}

fn change_bank(desk: &mut Desk<'_>, bank: &Bank) -> Answer<()> {
    let society = desk.society(bank.one.society.as_deref())?;
    let by = desk.officer(&society, "changing bank details")?;
    let mut text = BankText::default();
    for line in desk
        .text(&bank.file)?
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        let Some((key, value)) = line.split_once('=') else {
            return refuse("a line of the file has no `=`; expected `sort_code=…` and `account=…`");
        };
        let value = value.trim().to_owned();
        match key.trim() {
            "name" => text.name = value,
            "sort_code" => text.sort_code = value,
            "account" => text.account = value,
            "roll_number" => text.roll_number = value,
            other => {
                return refuse(format!(
                    "`{other}` is not a line of bank details; expected sort_code, account, name or roll_number"
                ));
            }
        }
    }
    let line = society.change_bank(bank.one.member, &text, &by, desk.now)?;
    if desk.json() {
        return desk.document(&json!({
            "member": bank.one.member,
            "ending": line.ending,
            "in_force": line.in_force.to_string(),
            "notes": line.notes,
        }));
    }
    for note in &line.notes {
        desk.voice.say(&format!("note: {note}"));
    }
    desk.voice.say(&format!(
        "the account ending in {} is in force from {}; until then money goes where it went",
        line.ending, line.in_force
    ));
    Ok(())
}

fn list(
    desk: &mut Desk<'_>,
    lines: &[MemberLine],
    format: Download,
    out: Option<&std::path::Path>,
) -> Answer<()> {
    if format != Download::Text {
        let text = |text: &str| Cell::Text(text.to_owned());
        let day = |day: Option<LocalDay>| day.map_or_else(String::new, |day| day.to_string());
        let head = [
            "number", "name", "kind", "joined", "left", "payment", "pounds",
        ];
        let table = Table {
            name: "Members",
            head: head.iter().map(|word| (*word).to_owned()).collect(),
            rows: lines
                .iter()
                .map(|line| {
                    vec![
                        Cell::Number(i64::from(line.number)),
                        text(line.name.as_deref().unwrap_or("(erased)")),
                        text(line.kind),
                        text(&line.joined.to_string()),
                        text(&day(line.left)),
                        text(payment_word(line.payment)),
                        Cell::Pounds(line.pence),
                    ]
                })
                .collect(),
        };
        return download(desk, &table, format, out);
    }
    if desk.json() {
        let all: Vec<Value> = lines.iter().map(document).collect();
        return desk.document(&all);
    }
    let day = |day: Option<LocalDay>| day.map_or_else(String::new, |day| day.to_string());
    let head = ["", "name", "kind", "joined", "left", "payment", "shares"];
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.number.to_string(),
                line.name.clone().unwrap_or_else(|| "(erased)".to_owned()),
                line.kind.to_owned(),
                line.joined.to_string(),
                day(line.left),
                payment_word(line.payment).to_owned(),
                Pence(line.pence).to_string(),
            ]
        })
        .collect();
    desk.table(&head, &rows, Vec::clone)
}

/// Writes a table as CSV or XLSX, to a file or stdout.
pub(super) fn download(
    desk: &mut Desk<'_>,
    table: &Table,
    format: Download,
    out: Option<&std::path::Path>,
) -> Answer<()> {
    let bytes = match format {
        Download::Xlsx => table.to_xlsx().or_ours("the workbook")?,
        Download::Csv | Download::Text => table.to_csv().into_bytes(),
    };
    let Some(out) = out else {
        if format == Download::Xlsx {
            return refuse("a workbook is not text\nhint: name the file with --out FILE");
        }
        desk.voice.data(&String::from_utf8_lossy(&bytes));
        return Ok(());
    };
    let path = desk.folder.join(out);
    std::fs::write(&path, bytes)
        .map_err(|e| Refusal::Caller(format!("`{}`: {e}", path.display())))?;
    desk.voice.say(&format!(
        "{} rows written to `{}`",
        table.rows.len(),
        path.display()
    ));
    Ok(())
}

fn document(line: &MemberLine) -> Value {
    json!({
        "member": line.number,
        "kind": line.kind,
        "name": line.name,
        "joined": line.joined.to_string(),
        "left": line.left.map(|day| day.to_string()),
        "died": line.died.map(|day| day.to_string()),
        "payment": payment_word(line.payment),
        "rest": match line.rest {
            Rest::Paid => "paid",
            Rest::Carried => "carried",
        },
        "pence": line.pence,
        "source": line.from.map(|(import, row)| format!("row {row} of import {import}")),
    })
}

fn show(desk: &mut Desk<'_>, one: &One) -> Answer<()> {
    let society = desk.society(one.society.as_deref())?;
    let (line, person) = society.member(one.member, desk.now)?;
    let (bank, waits) = society.bank_of(one.member, desk.now)?;
    let ending = bank.map(|details| details.account.chars().skip(5).collect::<String>());
    if desk.json() {
        let mut all = document(&line);
        all["person"] = json!(person);
        all["attorney"] = json!(society.attorney(line.number)?);
        all["account_ending"] = json!(ending);
        all["bank_change"] = json!(waits.map(|waits| json!({
            "account_ending": waits.ending,
            "in_force": waits.in_force.to_string(),
        })));
        return desk.document(&all);
    }
    let person = person.unwrap_or_default();
    let mut text = format!(
        "Member {}: {} ({})\n",
        line.number,
        line.name.as_deref().unwrap_or("(erased)"),
        line.kind
    );
    let mut put = |label: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{label:<10} {value}\n"));
        }
    };
    let day = |day: Option<LocalDay>| day.map_or_else(String::new, |day| day.to_string());
    put("address", &person.address.join(", "));
    put("post code", &person.postcode);
    put("e-mail", &person.email);
    put("phone", &person.phone);
    put("born", &person.born);
    put("holders", &person.holders.join(", "));
    put("nominee", &person.nominee);
    for (one, nominee) in society.nominations(Some(one.member))? {
        if let (None, Some(nominee)) = (one.ended, nominee) {
            let named = format!(
                "{}, {} % (nomination {})",
                nominee.name, one.made.percent, one.made.number
            );
            put("nominated", &named);
        }
    }
    if let Some(attorney) = society.attorney(line.number)? {
        put("attorney", &attorney.name);
    }
    put("joined", &line.joined.to_string());
    if let Some((import, row)) = line.from {
        put("source", &format!("row {row} of import {import}"));
    }
    put("left", &day(line.left));
    put("died", &day(line.died));
    put("interest", payment_word(line.payment));
    put(
        "account",
        &ending.map_or_else(String::new, |ending| format!("ending in {ending}")),
    );
    if let Some(waits) = waits {
        put(
            "from",
            &format!("{} the account ending in {}", waits.in_force, waits.ending),
        );
    }
    put("shares", &Pence(line.pence).to_string());
    if line.died.is_some() && line.pence > 0 {
        put(
            "estate",
            "a nomination passes up to £5,000, the rest needs a grant or the board: `members case estate`; its shares pass with `shares transfer --on-death`",
        );
    }
    desk.voice.data(&text);
    Ok(())
}
