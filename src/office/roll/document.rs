//! All that is kept of one member as one JSON document: what a command prints and a page hands over.

use domain::calendar::LocalDay;
use serde_json::{Value, json};

use super::{CaseLine, MovedRow, OwnData, Payment};

/// All that is kept of a member.
#[must_use]
pub fn own_data(data: &OwnData, sample: bool) -> Value {
    json!({
        "member": data.number,
        "kind": data.kind,
        "joined": data.joined.to_string(),
        "left": data.left.map(|day| day.to_string()),
        "persons": data.persons,
        "named": data.named,
        "bank": data.bank.iter().map(|(details, from)| json!({
            "details": details,
            "in_force": (from.0 > i64::MIN).then(|| from.to_string()),
        })).collect::<Vec<_>>(),
        "cases": data.cases.iter().map(case).collect::<Vec<_>>(),
        "payment": payment_word(data.payment),
        "movements": data.movements.iter().map(movement).collect::<Vec<_>>(),
        "carried_pence": data.carried.0,
        "erasable_from": data.erasable_from.map(|day| day.to_string()),
        "sample": sample,
    })
}

/// The word of what becomes of interest.
#[must_use]
pub fn payment_word(payment: Payment) -> &'static str {
    match payment {
        Payment::Bank => "bank",
        Payment::Cheque => "cheque",
        Payment::Reinvest => "reinvest",
        Payment::Fund => "fund",
    }
}

/// A case as a document.
pub fn case(line: &CaseLine) -> Value {
    let day = |day: Option<LocalDay>| day.map(|day| day.to_string());
    json!({
        "case": line.case.number,
        "member": line.case.member.0,
        "kind": line.case.kind,
        "on": line.case.on.to_string(),
        "reply_by": day(line.case.reply_by),
        "closed": day(line.case.closed),
        "late": line.late,
        "steps": line.case.steps.iter().map(|(on, step)| json!({
            "on": on.to_string(),
            "step": step.step,
            "what": step.what,
            "pence": step.pence,
            "nomination": step.nomination,
            "resolution": step.resolution,
            "file": step.file.as_ref().map(|file| &file.name),
        })).collect::<Vec<_>>(),
        "notes": line.texts.iter().map(|(on, text)| json!({
            "on": on.to_string(), "text": text,
        })).collect::<Vec<_>>(),
    })
}

/// A movement as a document.
pub fn movement(row: &MovedRow) -> Value {
    json!({
        "movement": row.movement,
        "member": row.member,
        "class": row.class,
        "on": row.on.to_string(),
        "shares": row.shares,
        "pence": row.pence.0,
        "kind": row.kind,
        "certificate": (row.certificate != 0).then_some(row.certificate),
        "source": row.source,
        "reversed_by": (row.reversed_by != 0).then_some(row.reversed_by),
    })
}
