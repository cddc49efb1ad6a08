//! Share movements of an earlier register: shown from now on, and never done again.

use std::collections::BTreeSet;

use domain::{
    calendar::{Instant, LocalDay},
    membership::{Line, MemberNo, MovementKind, ShareRegister, Source},
    money::Pence,
};
use records::{
    decision::What,
    roll::{HistoryRow, ImportClosed, SharesImported},
};

use super::{
    super::{
        answer::Answer,
        sheet::{Field, Sheet, SheetRow},
        society::SocietyOffice,
    },
    imports::{Columns, ImportedRoll, count},
};

/// Rows of one record: 8,000 stay below its largest size even with the longest class names.
const PART_MOVEMENTS: usize = 8_000;

const FIELDS: &[Field] = &[
    (
        "member",
        true,
        &["member no", "member number", "no", "membership number"],
    ),
    ("class", false, &["share class", "shares of"]),
    ("on", true, &["date", "date issued", "issued", "day"]),
    ("shares", false, &["number of shares", "quantity"]),
    ("pounds", false, &["amount", "value", "gbp"]),
    ("kind", false, &["type", "movement", "what"]),
    (
        "certificate",
        false,
        &["certificate no", "certificate number"],
    ),
];

impl SocietyOffice {
    /// Imports share movements.
    ///
    /// # Errors
    /// When the file is no table. Problems of rows are in the answer, and nothing is kept then.
    pub fn import_shares(&self, file: &Columns, by: &str, now: Instant) -> Answer<ImportedRoll> {
        let sheet = Sheet::read(
            &file.file,
            &file.bytes,
            file.sheet.as_deref(),
            FIELDS,
            &file.named,
        )?;
        let today = self.today(now);
        self.with_roll(|roll| {
            let register = &roll.register;
            let mut done = ImportedRoll {
                columns: sheet.columns.clone(),
                rows: sheet.len(),
                ..ImportedRoll::default()
            };
            let known: BTreeSet<Same> = register
                .movements()
                .iter()
                .filter(|movement| movement.stands())
                .map(|movement| same(&movement.line))
                .collect();
            let mut lines = Vec::with_capacity(sheet.len());
            for row in sheet.rows() {
                match line(&row, register) {
                    Ok(line) if known.contains(&same(&line)) => done.problem(
                        row.line,
                        format!(
                            "member `{}` has a movement of `{}` shares on `{}` already\nhint: was this file imported before? two equal movements of one day are told apart by `certificate`",
                            line.member, line.shares, line.on
                        ),
                    ),
                    Ok(line) => lines.push(line),
                    Err(why) => done.problem(row.line, why),
                }
            }
            for (place, why) in register.check_history(&lines, today) {
                if let Some(Source::Row(row)) = lines.get(place).map(|line| line.source) {
                    done.problem(row, why);
                }
            }
            done.problems.sort_by_key(|problem| problem.row);
            done.movements = lines.len();
            done.pence = lines
                .iter()
                .filter_map(|line| register.class(line.class).ok()?.value(line.shares))
                .map(|pence| pence.0)
                .sum();
            if file.preview || !done.problems.is_empty() {
                return Ok(done);
            }
            let import = roll.imports.saturating_add(1);
            let kept = self.keep_import("shares", (import, import), file)?;
            let rows: Vec<HistoryRow> = lines.iter().filter_map(|line| row_of(register, line)).collect();
            let closed = ImportClosed {
                import,
                members: 0,
                movements: count(rows.len())?,
            };
            for part in rows.chunks(PART_MOVEMENTS) {
                let part = SharesImported {
                    import,
                    rows: part.to_vec(),
                };
                self.enter(roll, vec![What::SharesImported(part)], by, now)?;
            }
            self.enter(roll, vec![kept, What::ImportClosed(closed)], by, now)?;
            done.kept = true;
            Ok(done)
        })
    }
}

/// What makes two movements the same.
type Same = (MemberNo, u16, LocalDay, i64, MovementKind, u32);

fn same(line: &Line) -> Same {
    (
        line.member,
        line.class,
        line.on,
        line.shares,
        line.kind,
        line.certificate,
    )
}

fn row_of(register: &ShareRegister, line: &Line) -> Option<HistoryRow> {
    let Source::Row(row) = line.source else {
        return None;
    };
    let class = register.class(line.class).ok()?.id.to_string();
    Some((
        row,
        line.member.0,
        class,
        line.on.to_string(),
        line.shares,
        line.kind.word().to_owned(),
        line.certificate,
    ))
}

fn line(row: &SheetRow<'_>, register: &ShareRegister) -> Result<Line, String> {
    let member = row.text("member");
    let member: MemberNo = member
        .parse()
        .map_err(|_| format!("`{member}` is no member number"))?;
    let class = match (row.text("class").trim(), register.classes()) {
        ("", [_]) => 0,
        ("", []) => return Err("the society file has no [[share_class]]".to_owned()),
        ("", _) => return Err("the class is missing, and the society has several".to_owned()),
        (id, _) => register.class_named(id).map_err(|why| why.to_string())?,
    };
    let par = register.class(class).map_err(|why| why.to_string())?.par;
    let shares = match (row.text("shares").as_str(), row.text("pounds").as_str()) {
        ("", "") => return Err("neither shares nor pounds are there".to_owned()),
        ("", pounds) => whole_shares(pounds, par)?,
        (text, pounds) => {
            let bare: String = text.chars().filter(|c| !matches!(c, ',' | ' ')).collect();
            let shares = bare
                .parse::<i64>()
                .map_err(|_| format!("`{text}` is no whole number of shares"))?;
            if !pounds.is_empty() && whole_shares(pounds, par)? != shares {
                return Err(format!(
                    "`{shares}` shares at {par} are not `{pounds}` pounds"
                ));
            }
            shares
        }
    };
    let kind = match row.text("kind").trim() {
        "" if shares < 0 => MovementKind::Withdrawal,
        "" => MovementKind::Issue,
        word => MovementKind::of_word(word)
            .filter(|kind| *kind != MovementKind::Reversal)
            .ok_or_else(|| format!("`{word}` is no kind of movement; expected issue, opening, conversion, withdrawal, repayment, transfer-in or transfer-out"))?,
    };
    let certificate = match row.text("certificate").trim() {
        "" => 0,
        text => text
            .parse()
            .map_err(|_| format!("`{text}` is no certificate number"))?,
    };
    Ok(Line {
        member,
        class,
        on: row.day("on")?.ok_or("the day is missing")?,
        // Registers write what was paid out with or without a sign.
        shares: match kind.adds() {
            Some(false) if shares > 0 => -shares,
            _ => shares,
        },
        kind,
        source: Source::Row(row.line),
        certificate,
        paired: false,
    })
}

fn whole_shares(pounds: &str, par: Pence) -> Result<i64, String> {
    let amount: Pence = pounds
        .parse()
        .map_err(|e: domain::money::NotMoney| e.to_string())?;
    match amount.0.checked_rem(par.0) {
        Some(0) => Ok(amount.0 / par.0),
        _ => Err(format!("{amount} is no whole number of shares at {par}")),
    }
}
