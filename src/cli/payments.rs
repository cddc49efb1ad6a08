//! `payments owed|prepare|approve|file|cheques|check|report|paid|returned|forfeit|cancel|list|show|profiles`.

use std::{
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use domain::{calendar::LocalDay, money::Pence};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Desk,
    members::{Download, download},
};
use office::{
    Answer, Refusal, SocietyOffice,
    payments::{
        ForfeitOf, NamedProfile, OrderAsked, OrderNote, OrderStanding, OrderState, Row, profiles,
        rows_of_csv,
    },
};

/// `payments …`
#[derive(Clone, Debug, Subcommand)]
pub enum Payments {
    /// What frozen runs owe, and to whom
    Owed {
        /// Only this run
        #[arg(long)]
        run: Option<u32>,
        /// Only members to whom something is open
        #[arg(long)]
        open: bool,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Fix who is paid what of a run, and the bank's file, for another officer to approve
    Prepare(Prepare),
    /// Approve a prepared order, as another officer than the one who prepared it
    Approve {
        /// The order
        #[command(flatten)]
        order: Which,
        /// The hash of what was looked at
        #[arg(long)]
        hash: String,
    },
    /// Release an approved order and write the bank's file; a second time writes the same bytes
    File {
        /// The interest run it pays
        #[arg(long)]
        run: u32,
        /// The form of the bank: `payments profiles` lists them
        #[arg(long)]
        profile: String,
        /// Where the file goes
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The order, where several pay this run
        #[arg(long)]
        order: Option<u32>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// The cheques of an order to write
    Cheques {
        /// The order
        #[command(flatten)]
        order: Which,
        /// How
        #[arg(long, value_enum, default_value_t = Download::Csv)]
        format: Download,
        /// Write to this file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Hold a file against the one that was approved, to the last byte
    Check {
        /// The file that is about to be uploaded
        file: PathBuf,
        /// The order
        #[command(flatten)]
        order: Which,
    },
    /// Take in the bank's report: which payments were paid, which came back
    Report {
        /// The report (CSV): reference, outcome, and date, amount, reason where there are
        file: PathBuf,
        /// The order
        #[command(flatten)]
        order: Which,
    },
    /// Say that a payment arrived or a cheque was cashed
    Paid(Said),
    /// Say that a payment came back or a cheque was not cashed: it is owed again
    Returned(Said),
    /// Let unclaimed interest fall to the society, by the rule its file names
    Forfeit {
        /// The run
        #[arg(long)]
        run: u32,
        /// The member
        #[arg(long)]
        member: u32,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Take an order back before its release
    Cancel {
        /// The order
        #[command(flatten)]
        order: Which,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// List the orders
    List {
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// Show an order with its lines, and what became of them
    Show {
        /// The order
        #[command(flatten)]
        order: Which,
    },
    /// List the forms of banks that come with the program
    Profiles,
}

/// `payments prepare`
#[derive(Clone, Debug, Args)]
pub struct Prepare {
    /// The interest run
    #[arg(long)]
    pub run: u32,
    /// The form of the bank, or a file of your own ending in .toml
    #[arg(long)]
    pub profile: String,
    /// The day on which money moves
    #[arg(long)]
    pub on: LocalDay,
    /// Only this member; may be given again
    #[arg(long, value_name = "MEMBER")]
    pub only: Vec<u32>,
    /// This member by cheque, whatever it chose, or its estate; may be given again
    #[arg(long, value_name = "MEMBER")]
    pub cheque: Vec<u32>,
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
}

/// Which order.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// The order's number
    #[arg(long)]
    pub order: u32,
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
}

/// What became of one payment.
#[derive(Clone, Debug, Args)]
pub struct Said {
    /// The order
    #[command(flatten)]
    pub order: Which,
    /// The member
    #[arg(long)]
    pub member: u32,
    /// The day; today when left out
    #[arg(long)]
    pub on: Option<LocalDay>,
    /// Why it came back
    #[arg(long, default_value = "")]
    pub reason: String,
}

/// Files that a command names.
pub fn files(command: &Payments) -> Vec<PathBuf> {
    match command {
        Payments::Check { file, .. } | Payments::Report { file, .. } => vec![file.clone()],
        Payments::Prepare(prepare) if super::reads::is_file(&prepare.profile) => {
            vec![PathBuf::from(&prepare.profile)]
        }
        _ => Vec::new(),
    }
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Payments) -> Answer<()> {
    match command {
        Payments::Owed { run, open, society } => owed(desk, *run, *open, society.as_deref()),
        Payments::Prepare(of) => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "preparing payments")?;
            let profile = match super::reads::is_file(&of.profile) {
                true => NamedProfile {
                    name: name_of(Path::new(&of.profile)),
                    text: desk.text(Path::new(&of.profile))?,
                },
                false => NamedProfile::named(&of.profile)?,
            };
            let asked = OrderAsked {
                run: of.run,
                profile,
                on: of.on,
                only: of.only.clone(),
                by_cheque: of.cheque.clone(),
            };
            super::books::warn_apart(desk, &society)?;
            let (note, later) = society.prepare_order(&asked, &by, desk.now)?;
            if later > 0 {
                desk.voice.say(&format!(
                    "this order is full; {later} more members are open: prepare another order for them"
                ));
            }
            shown(desk, &society, note.order)
        }
        Payments::Approve { order, hash } => {
            let society = desk.society(order.society.as_deref())?;
            let by = desk.officer(&society, "approving payments")?;
            society.approve_order(order.order, hash, &by, desk.now)?;
            shown(desk, &society, order.order)
        }
        Payments::File {
            run,
            profile,
            out,
            order,
            society,
        } => release(desk, *run, profile, out, *order, society.as_deref()),
        Payments::Cheques { order, format, out } => {
            let society = desk.society(order.society.as_deref())?;
            let table = society.cheque_list(order.order)?;
            download(desk, &table, *format, out.as_deref())
        }
        Payments::Check { file, order } => {
            let society = desk.society(order.society.as_deref())?;
            let bytes = desk.given(file)?.bytes;
            let note = society.check_payment_file(order.order, &bytes)?;
            if desk.json() {
                return desk.document(&sums(&society, &note, true));
            }
            desk.voice.data(&format!(
                "this is the file of order {}, to the last byte: {} payments, {}\nsha256 {}\n",
                note.order,
                note.count,
                Pence(note.control_pence),
                note.file_sha256
            ));
            Ok(())
        }
        Payments::Report { file, order } => {
            let bytes = desk.given(file)?.bytes;
            let rows = rows_of_csv(&desk.text(file)?)?;
            let hash = Sha256::digest(&bytes);
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            reported(desk, order, &rows, &format!("sha256:{hash}"))
        }
        Payments::Paid(said) => reported(desk, &said.order, &[row(said, true)], "an officer"),
        Payments::Returned(said) => reported(desk, &said.order, &[row(said, false)], "an officer"),
        Payments::Forfeit {
            run,
            member,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.officer(&society, "letting interest fall to the society")?;
            let of = ForfeitOf {
                run: *run,
                member: *member,
            };
            let done = society.forfeit(of, &by, desk.now)?;
            if desk.json() {
                return desk.document(&done);
            }
            desk.voice.data(&format!(
                "{} of run {} to member {} went to the {} by {}\n",
                Pence(done.pence),
                done.run,
                done.member,
                done.to,
                done.rule
            ));
            Ok(())
        }
        Payments::Cancel { order, reason } => {
            let society = desk.society(order.society.as_deref())?;
            let by = desk.officer(&society, "taking payments back")?;
            society.cancel_order(order.order, reason, &by, desk.now)?;
            shown(desk, &society, order.order)
        }
        Payments::List { society } => list(desk, society.as_deref()),
        Payments::Show { order } => {
            let society = desk.society(order.society.as_deref())?;
            shown(desk, &society, order.order)
        }
        Payments::Profiles => profiles_list(desk),
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn row(said: &Said, paid: bool) -> Row {
    Row {
        line: 0,
        reference: format!("#{}", said.member),
        paid,
        on: said.on,
        pence: None,
        reason: said.reason.clone(),
    }
}

fn reported(desk: &mut Desk<'_>, which: &Which, rows: &[Row], source: &str) -> Answer<()> {
    let society = desk.society(which.society.as_deref())?;
    let by = desk.officer(&society, "saying what became of payments")?;
    let new = society.report_payments(which.order, rows, source, &by, desk.now)?;
    let count = |outcome: &str| new.iter().filter(|row| row.outcome == outcome).count();
    let known = rows.len().saturating_sub(new.len());
    if desk.json() {
        return desk.document(&json!({
            "society": society.slug(),
            "order": which.order,
            "rows": rows.len(),
            "paid": count("paid"),
            "returned": count("returned"),
            "known_before": known,
            "new": new,
        }));
    }
    desk.voice.data(&format!(
        "{} rows: {} paid, {} came back, {known} known before\n",
        rows.len(),
        count("paid"),
        count("returned"),
    ));
    if count("returned") > 0 {
        desk.voice
            .say("what came back is owed again; a new order pays it, approved anew");
    }
    Ok(())
}

fn release(
    desk: &mut Desk<'_>,
    run: u32,
    profile: &str,
    out: &Path,
    order: Option<u32>,
    society: Option<&str>,
) -> Answer<()> {
    let society = desk.society(society)?;
    let by = desk.officer(&society, "releasing payments")?;
    let name = match super::reads::is_file(profile) {
        true => name_of(Path::new(profile)),
        false => profile.to_owned(),
    };
    let path = desk.folder.join(out);
    // A place that cannot be written is found before anything is released.
    let unwritable = |e: std::io::Error| Refusal::Caller(format!("`{}`: {e}", path.display()));
    let beside = PathBuf::from(format!("{}.{}.part", path.display(), std::process::id()));
    // Bank details are in it: nobody else on the machine reads it.
    let _ = std::fs::remove_file(&beside);
    let mut empty = std::fs::OpenOptions::new();
    empty.write(true).create_new(true).mode(0o600);
    empty.open(&beside).map_err(unwritable)?;
    let released = society.release_order(run, &name, order, &by, desk.now);
    let released = match released {
        Ok(released) => released,
        Err(why) => {
            let _ = std::fs::remove_file(&beside);
            return Err(why);
        }
    };
    match &released.file {
        Some(file) => {
            std::fs::write(&beside, &file.bytes).map_err(unwritable)?;
            std::fs::rename(&beside, &path).map_err(unwritable)?;
        }
        None => {
            let _ = std::fs::remove_file(&beside);
            desk.voice
                .say("nothing of this order goes to the bank; no file was written");
        }
    }
    if released.before {
        desk.voice.say(
            "this order was released before; the same bytes were written again and nothing was changed",
        );
    }
    let state = society.order(released.order)?;
    if state.note.lines.iter().any(|line| line.way == "cheque") {
        desk.voice.say(&format!(
            "cheques to write: `commonwatt payments cheques --order {}`",
            released.order
        ));
    }
    if society.ledger()?.chart().is_empty() {
        desk.voice
            .say("the society has no chart of accounts, so nothing was posted in its books");
    }
    if desk.json() {
        return desk.document(&sums(&society, &state.note, released.file.is_some()));
    }
    let (count, control) = released.bank();
    desk.voice.data(&format!(
        "{}order {} of run {run}: {count} payments, {control}\nsha256 {}\n",
        if state.note.sample { "SAMPLE " } else { "" },
        released.order,
        state.note.file_sha256,
    ));
    Ok(())
}

/// Count, control sum and hash of an order's file.
fn sums(society: &SocietyOffice, note: &OrderNote, written: bool) -> Value {
    json!({
        "society": society.slug(),
        "order": note.order,
        "run": note.run,
        "profile": note.profile,
        "on": note.on,
        "count": note.count,
        "control_sum_pence": note.control_pence,
        "sha256": note.file_sha256,
        "order_hash": note.hash(),
        "written": written,
        "sample": note.sample,
    })
}

fn owed(desk: &mut Desk<'_>, run: Option<u32>, open: bool, society: Option<&str>) -> Answer<()> {
    let mut rows = Vec::new();
    for society in super::lists::societies(desk, society)? {
        for line in society.owed(run)? {
            if open && line.owed.open.is_empty() {
                continue;
            }
            let gross: i64 = line.owed.of_run.iter().map(|(_, pence)| pence.0).sum();
            rows.push(json!({
                "society": society.slug(),
                "run": line.run,
                "member": line.member,
                "owed_pence": gross,
                "settled_pence": line.owed.settled.0,
                "on_the_way_pence": line.owed.on_the_way.0,
                "forfeited_pence": line.owed.forfeited.0,
                "open_pence": line.owed.open_total().0,
            }));
        }
    }
    let head = [
        "run",
        "member",
        "of the run",
        "settled",
        "on the way",
        "forfeited",
        "open",
    ];
    desk.table(&head, &rows, |row| {
        let pence = |key: &str| Pence(row[key].as_i64().unwrap_or_default()).to_string();
        vec![
            row["run"].to_string(),
            row["member"].to_string(),
            pence("owed_pence"),
            pence("settled_pence"),
            pence("on_the_way_pence"),
            pence("forfeited_pence"),
            pence("open_pence"),
        ]
    })
}

fn list(desk: &mut Desk<'_>, society: Option<&str>) -> Answer<()> {
    let mut rows = Vec::new();
    for society in super::lists::societies(desk, society)? {
        for state in society.orders()? {
            let total: i64 = state.note.lines.iter().map(|line| line.pence).sum();
            rows.push(json!({
                "order": state.note.order,
                "society": society.slug(),
                "run": state.note.run,
                "profile": state.note.profile,
                "on": state.note.on,
                "lines": state.note.lines.len(),
                "total_pence": total,
                "count": state.note.count,
                "control_sum_pence": state.note.control_pence,
                "sha256": state.note.file_sha256,
                "state": state.standing.word(),
                "prepared_by": state.prepared_by,
            }));
        }
    }
    let head = [
        "order",
        "society",
        "run",
        "profile",
        "on",
        "lines",
        "total",
        "to the bank",
        "state",
    ];
    desk.table(&head, &rows, |row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let pence = |key: &str| Pence(row[key].as_i64().unwrap_or_default()).to_string();
        vec![
            row["order"].to_string(),
            text("society"),
            row["run"].to_string(),
            text("profile"),
            text("on"),
            row["lines"].to_string(),
            pence("total_pence"),
            pence("control_sum_pence"),
            text("state"),
        ]
    })
}

fn shown(desk: &mut Desk<'_>, society: &SocietyOffice, number: u32) -> Answer<()> {
    let state = society.order(number)?;
    if desk.json() {
        return desk.document(&document(society, &state));
    }
    let note = &state.note;
    let mut text = format!(
        "{}Payment order {} of {}, for interest run {}, on {}: {}\n",
        if note.sample { "SAMPLE " } else { "" },
        note.order,
        society.known().document.society.name,
        note.run,
        note.on,
        state.standing.word(),
    );
    let mut table = comfy_table::Table::new();
    table
        .load_preset(comfy_table::presets::NOTHING)
        .set_header([
            "member",
            "how",
            "interest",
            "tax",
            "paid",
            "shares",
            "reference",
            "stands",
        ]);
    for line in &note.lines {
        table.add_row([
            line.member.to_string(),
            line.way.clone(),
            Pence(line.gross_pence).to_string(),
            Pence(line.tax_pence).to_string(),
            Pence(line.pence).to_string(),
            line.shares.to_string(),
            line.reference.clone(),
            state.fate_word(line).to_owned(),
        ]);
    }
    for column in [2, 3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    text.push_str(&format!("\n{table}\n\n"));
    for held in &note.held {
        text.push_str(&format!(
            "left out: member {}, {}: {}\n",
            held.member,
            Pence(held.pence),
            held.why
        ));
    }
    text.push_str(&format!(
        "to the bank ({}): {} payments, {}\n",
        note.profile,
        note.count,
        Pence(note.control_pence)
    ));
    if !note.file_sha256.is_empty() {
        text.push_str(&format!("the file's sha256 {}\n", note.file_sha256));
    }
    text.push_str(&format!("hash {}\n", state.hash));
    match &state.standing {
        OrderStanding::Prepared => text.push_str(&format!(
            "next: another officer looks at it and says\n  commonwatt --as OFFICER payments approve --order {} --hash {}\n",
            note.order, state.hash
        )),
        OrderStanding::Approved { .. } => text.push_str(&format!(
            "next: commonwatt --as OFFICER payments file --run {} --profile {} --out FILE\n",
            note.run, note.profile
        )),
        _ => {}
    }
    desk.voice.data(&text);
    if let Ok(profile) = (NamedProfile {
        name: note.profile.clone(),
        text: note.profile_text.clone(),
    })
    .read()
        && profile.sample
    {
        desk.voice.say(&format!(
            "SAMPLE: not all of this bank's form was found in print ({}); hold it against the bank's own guide before the first upload",
            profile.source
        ));
    }
    Ok(())
}

fn document(society: &SocietyOffice, state: &OrderState) -> Value {
    let note = &state.note;
    let (approved_by, released_by) = match &state.standing {
        OrderStanding::Approved { by } => (Some(by.clone()), None),
        OrderStanding::Released {
            by, approved_by, ..
        } => (Some(approved_by.clone()), Some(by.clone())),
        _ => (None, None),
    };
    let lines: Vec<Value> = note
        .lines
        .iter()
        .map(|line| {
            let reason = state.fates.get(&line.member).map(|(_, why)| why.clone());
            json!({
                "member": line.member,
                "way": line.way,
                "gross_pence": line.gross_pence,
                "tax_pence": line.tax_pence,
                "pence": line.pence,
                "shares": line.shares,
                "carried_pence": line.carried_pence,
                "reference": line.reference,
                "stands": state.fate_word(line),
                "reason": reason.filter(|why| !why.is_empty()),
            })
        })
        .collect();
    let mut all = sums(society, note, false);
    all["state"] = json!(state.standing.word());
    all["prepared_by"] = json!(state.prepared_by);
    all["approved_by"] = json!(approved_by);
    all["released_by"] = json!(released_by);
    all["lines"] = json!(lines);
    all["held"] = json!(note.held);
    all["total_pence"] = json!(note.lines.iter().map(|line| line.pence).sum::<i64>());
    all
}

fn profiles_list(desk: &mut Desk<'_>) -> Answer<()> {
    let mut rows = Vec::new();
    for named in profiles() {
        let profile = named.read()?;
        rows.push(json!({
            "profile": named.name,
            "title": profile.title,
            "source": profile.source,
            "sample": profile.sample,
        }));
    }
    desk.table(&["profile", "title", "", "source"], &rows, |row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        vec![
            text("profile"),
            text("title"),
            match row["sample"] == true {
                true => "SAMPLE".to_owned(),
                false => String::new(),
            },
            text("source"),
        ]
    })
}
