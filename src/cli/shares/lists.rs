//! What `shares` prints: holdings, movements, applications and withdrawals.

use domain::calendar::LocalDay;
use report::sheet::{Cell, Table};
use serde_json::{Value, json};

use super::super::{
    Desk,
    members::{Download, download},
};
use office::{
    Answer, SocietyOffice,
    roll::{Moved, MovedRow, document::movement},
};

pub(super) fn holdings(
    desk: &mut Desk<'_>,
    society: &SocietyOffice,
    on: LocalDay,
    member: Option<u32>,
    format: Download,
    out: Option<&std::path::Path>,
) -> Answer<()> {
    let held = society.holdings(on, member, desk.now)?;
    let sample = society.is_sample();
    if format != Download::Text {
        let table = Table {
            name: "Holdings",
            head: ["member", "class", "shares", "pounds"]
                .map(str::to_owned)
                .to_vec(),
            rows: held
                .lines
                .iter()
                .map(|line| {
                    vec![
                        Cell::Number(i64::from(line.member)),
                        Cell::Text(line.class.to_string()),
                        Cell::Number(line.shares),
                        Cell::Pounds(line.pence.0),
                    ]
                })
                .collect(),
        };
        return download(desk, &table, format, out);
    }
    if desk.json() {
        return desk.document(&json!({
            "society": society.slug(),
            "on": held.on.to_string(),
            "holdings": held.lines.iter().map(|line| json!({
                "member": line.member,
                "class": &*line.class,
                "shares": line.shares,
                "pence": line.pence.0,
            })).collect::<Vec<_>>(),
            "total_pence": held.total.0,
            "sample": sample,
        }));
    }
    let head = ["member", "class", "shares", "at par"];
    desk.table(
        &head,
        &held
            .lines
            .iter()
            .map(|line| {
                [
                    line.member.to_string(),
                    line.class.to_string(),
                    line.shares.to_string(),
                    line.pence.to_string(),
                ]
            })
            .collect::<Vec<_>>(),
        |row| row.to_vec(),
    )?;
    let sample = if sample { "SAMPLE: " } else { "" };
    desk.voice.data(&format!(
        "\n{sample}{} in {} holdings at the end of {}\n",
        held.total,
        held.lines.len(),
        held.on
    ));
    Ok(())
}

pub(super) fn movements(desk: &mut Desk<'_>, rows: &[MovedRow]) -> Answer<()> {
    if desk.json() {
        let all: Vec<Value> = rows.iter().map(movement).collect();
        return desk.document(&all);
    }
    let head = [
        "",
        "day",
        "member",
        "class",
        "shares",
        "at par",
        "kind",
        "certificate",
        "",
    ];
    let number = |n: u32| if n == 0 { String::new() } else { n.to_string() };
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let note = match row.reversed_by {
                0 => row.source.clone(),
                by => format!("reversed by movement {by}"),
            };
            vec![
                row.movement.to_string(),
                row.on.to_string(),
                row.member.to_string(),
                row.class.clone(),
                row.shares.to_string(),
                row.pence.to_string(),
                row.kind.to_owned(),
                number(row.certificate),
                note,
            ]
        })
        .collect();
    desk.table(&head, &lines, Vec::clone)
}

pub(super) fn show_moved(desk: &mut Desk<'_>, moved: &Moved, mut more: Value) -> Answer<()> {
    if desk.json() {
        more["entered"] = json!(moved.entered);
        more["reason"] = json!(moved.reason);
        more["movements"] = moved.rows.iter().map(movement).collect();
        return desk.document(&more);
    }
    movements(desk, &moved.rows)?;
    let became = if moved.entered {
        "entered"
    } else {
        "previewed, nothing entered"
    };
    desk.voice.say(&format!("{}: {became}", moved.reason));
    Ok(())
}

pub(super) fn applications(desk: &mut Desk<'_>, society: Option<&str>) -> Answer<()> {
    let society = desk.society(society)?;
    let lines = society.applications()?;
    if desk.json() {
        let all: Vec<Value> = lines
            .iter()
            .map(|line| {
                json!({
                    "application": line.number,
                    "offer": line.offer,
                    "member": line.member,
                    "class": line.class,
                    "on": line.on.to_string(),
                    "shares": line.shares,
                    "allotted": line.allotted,
                    "state": line.state,
                })
            })
            .collect();
        return desk.document(&all);
    }
    let head = [
        "",
        "day",
        "member",
        "class",
        "offer",
        "asked for",
        "allotted",
        "",
    ];
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.number.to_string(),
                line.on.to_string(),
                line.member.to_string(),
                line.class.clone(),
                line.offer.clone(),
                line.shares.to_string(),
                line.allotted.to_string(),
                line.state.to_owned(),
            ]
        })
        .collect();
    desk.table(&head, &rows, Vec::clone)
}

pub(super) fn withdrawals(desk: &mut Desk<'_>, society: Option<&str>) -> Answer<()> {
    let society = desk.society(society)?;
    let lines = society.withdrawals()?;
    if desk.json() {
        let all: Vec<Value> = lines
            .iter()
            .map(|line| {
                json!({
                    "request": line.number,
                    "member": line.member,
                    "class": line.class,
                    "asked": line.asked.to_string(),
                    "notice_ends": line.notice_ends.to_string(),
                    "shares": line.shares,
                    "paid": line.paid,
                    "waiting": line.waiting,
                })
            })
            .collect();
        return desk.document(&all);
    }
    let head = [
        "",
        "asked",
        "notice ends",
        "member",
        "class",
        "shares",
        "paid",
        "waiting",
    ];
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.number.to_string(),
                line.asked.to_string(),
                line.notice_ends.to_string(),
                line.member.to_string(),
                line.class.clone(),
                line.shares.to_string(),
                line.paid.to_string(),
                line.waiting.to_string(),
            ]
        })
        .collect();
    desk.table(&head, &rows, Vec::clone)
}
