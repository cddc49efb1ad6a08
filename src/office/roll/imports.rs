//! Members from a spreadsheet: every problem listed by row, and all of it or nothing.

use domain::{
    calendar::Instant,
    membership::{MemberKind, MemberNo},
};
use records::{
    decision::What,
    person::Person,
    roll::{ImportClosed, MemberEntered, MembersImported, PART_ROWS, Rest},
};

use super::{
    super::{
        answer::{Answer, refuse},
        sheet::{Field, Sheet, SheetRow},
        society::SocietyOffice,
    },
    bank::BankText,
    person::{NewMember, payment_of},
};

/// Most problems that are told one by one; the rest are counted.
pub const MAX_PROBLEMS: usize = 10_000;

const FIELDS: &[Field] = &[
    (
        "number",
        false,
        &[
            "member no",
            "member number",
            "no",
            "membership number",
            "id",
        ],
    ),
    ("name", true, &["full name", "member", "member name"]),
    ("kind", false, &["type", "member type"]),
    (
        "joined",
        true,
        &[
            "date joined",
            "join date",
            "date of entry",
            "member since",
            "entered",
        ],
    ),
    (
        "left",
        false,
        &["date left", "date ceased", "ceased", "ended"],
    ),
    ("address", false, &["postal address", "street"]),
    ("postcode", false, &["post code", "zip"]),
    ("email", false, &["e-mail", "email address", "mail"]),
    ("phone", false, &["telephone", "tel", "mobile"]),
    ("born", false, &["date of birth", "dob"]),
    ("holders", false, &["joint holders", "names of holders"]),
    ("holder_numbers", false, &["joint member numbers"]),
    ("nominee", false, &["nominated person", "guardian"]),
    (
        "payment",
        false,
        &["payment choice", "pay by", "interest payment"],
    ),
    ("rest", false, &["rest of interest"]),
    (
        "account_name",
        false,
        &["name on account", "account holder"],
    ),
    ("sort_code", false, &["sort code", "sortcode"]),
    ("account", false, &["account number", "account no"]),
    ("roll_number", false, &["building society roll number"]),
];

/// A file, and how its columns are called.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Its name, for messages.
    pub file: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The sheet of a workbook; the first where none is named.
    pub sheet: Option<String>,
    /// Field and heading, where the headings' own words do not say it.
    pub named: Vec<(String, String)>,
    /// True when nothing is to be kept.
    pub preview: bool,
}

/// Something about a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The row's line in the file.
    pub row: u32,
    /// What, in words.
    pub text: String,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedRoll {
    /// Field and the heading it was read from.
    pub columns: Vec<(&'static str, String)>,
    /// Rows read.
    pub rows: usize,
    /// Members in it.
    pub members: usize,
    /// Movements in it.
    pub movements: usize,
    /// What its shares come to, pence.
    pub pence: i64,
    /// Why nothing was kept.
    pub problems: Vec<Problem>,
    /// What is to be looked at, and stands in nobody's way.
    pub notes: Vec<Problem>,
    /// True when it was kept.
    pub kept: bool,
}

impl ImportedRoll {
    pub(super) fn problem(&mut self, row: u32, text: impl std::fmt::Display) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem {
                row,
                text: text.to_string(),
            });
        }
    }
}

impl SocietyOffice {
    /// Imports members.
    ///
    /// # Errors
    /// When the file is no table. Problems of rows are in the answer, and nothing is kept then.
    pub fn import_members(&self, file: &Columns, by: &str, now: Instant) -> Answer<ImportedRoll> {
        let sheet = Sheet::read(
            &file.file,
            &file.bytes,
            file.sheet.as_deref(),
            FIELDS,
            &file.named,
        )?;
        let table = self.modulus_table()?;
        let today = self.today(now);
        self.with_roll(|roll| {
            let mut done = ImportedRoll {
                columns: sheet.columns.clone(),
                rows: sheet.len(),
                ..ImportedRoll::default()
            };
            let mut key = None;
            let (mut entered, mut rows) = (Vec::new(), Vec::new());
            let mut given = std::collections::BTreeMap::new();
            let mut next = roll.register.next_member().0;
            for row in sheet.rows() {
                let new = match new_member(&row) {
                    Ok(new) => new,
                    Err(why) => {
                        done.problem(row.line, why);
                        continue;
                    }
                };
                let number = new.number.unwrap_or(next);
                next = next.max(number.saturating_add(1));
                if let Some(first) = given.insert(number, row.line) {
                    done.problem(
                        row.line,
                        format!("member `{number}` stands in row `{first}` too"),
                    );
                    continue;
                }
                match self.prepare(
                    roll,
                    MemberNo(number),
                    &new,
                    table.as_ref(),
                    &mut key,
                    today,
                ) {
                    Ok(made) => {
                        for text in made.notes {
                            done.notes.push(Problem {
                                row: row.line,
                                text,
                            });
                        }
                        entered.push(MemberEntered {
                            row: Some(row.line),
                            ..made.entered
                        });
                        rows.extend(made.rows);
                    }
                    Err(why) => done.problem(row.line, why),
                }
            }
            done.members = entered.len();
            for member in &entered {
                for holder in &member.holders {
                    if !given.contains_key(holder)
                        && roll.register.member(MemberNo(*holder)).is_err()
                    {
                        let line = given.get(&member.number).copied().unwrap_or(0);
                        done.problem(line, format!("joint holder `{holder}` is not a member"));
                    }
                }
            }
            if file.preview || !done.problems.is_empty() {
                return Ok(done);
            }
            let import = roll.imports.saturating_add(1);
            let kept = self.keep_import("members", (import, import), file)?;
            self.write_people(&rows)?;
            let closed = ImportClosed {
                import,
                members: count(entered.len())?,
                movements: 0,
            };
            for part in entered.chunks(PART_ROWS) {
                let part = MembersImported {
                    import,
                    rows: part.to_vec(),
                };
                self.enter(roll, vec![What::MembersImported(part)], by, now)?;
            }
            self.enter(roll, vec![kept, What::ImportClosed(closed)], by, now)?;
            done.kept = true;
            Ok(done)
        })
    }
}

pub(super) fn count(length: usize) -> Answer<u32> {
    u32::try_from(length).or_else(|_| refuse("the file has too many rows"))
}

fn new_member(row: &SheetRow<'_>) -> Result<NewMember, String> {
    let number = match row.text("number").trim() {
        "" => None,
        text => Some(text.parse::<u32>().map_err(|_| {
            format!("`{text}` is no member number; expected a whole number from 1")
        })?),
    };
    let kind = match row.text("kind").trim() {
        "" => MemberKind::Person,
        word => MemberKind::of_word(word).ok_or_else(|| {
            let all: Vec<&str> = MemberKind::ALL.iter().map(|kind| kind.word()).collect();
            format!(
                "`{word}` is no kind of member; expected one of: {}",
                all.join(", ")
            )
        })?,
    };
    let list = |field: &str, separators: &[char]| -> Vec<String> {
        row.text(field)
            .split(separators)
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect()
    };
    let holders = list("holder_numbers", &[';', ',', ' '])
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|_| format!("`{text}` is no member number"))
        })
        .collect::<Result<Vec<u32>, String>>()?;
    let sort_code = row.text("sort_code");
    let account = row.text("account");
    let bank = (!sort_code.is_empty() || !account.is_empty()).then(|| BankText {
        name: row.text("account_name"),
        sort_code,
        account,
        roll_number: row.text("roll_number"),
    });
    Ok(NewMember {
        number,
        kind,
        joined: row.day("joined")?.ok_or("the day it joined is missing")?,
        ended: row.day("left")?,
        holders,
        payment: payment_of(&row.text("payment"))?,
        rest: match row.text("rest").trim() {
            "" | "paid" => Rest::Paid,
            "carried" => Rest::Carried,
            other => return Err(format!("`{other}`: expected paid or carried")),
        },
        person: Person {
            name: row.text("name"),
            address: list("address", &['\n', ';']),
            postcode: row.text("postcode"),
            email: row.text("email"),
            phone: row.text("phone"),
            born: row
                .day("born")?
                .map_or_else(String::new, |day| day.to_string()),
            holders: list("holders", &['\n', ';']),
            nominee: row.text("nominee"),
        },
        bank,
    })
}
