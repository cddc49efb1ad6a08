//! A spreadsheet or CSV file as rows of cells, as a treasurer saved it.
//!
//! Headings are found by their words, whatever their case and punctuation, or named with the field
//! they stand for. Days are read as the spreadsheet's own dates, `2013-12-31`, or `31/12/2013` (the
//! day first). Text that our downloads protect from being taken for a formula is given back as it was.

use std::{collections::BTreeMap, io::Cursor};

use calamine::{Data, Reader, open_workbook_auto_from_rs};
use domain::calendar::LocalDay;

use super::answer::{Answer, OrCaller, refuse};

/// Most rows of one file.
pub const MAX_ROWS: usize = 5_000_000;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text, or a number as it is shown.
    Text(String),
    /// A date of the spreadsheet.
    Day(LocalDay),
}

/// The rows below the headings.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Field, and the heading it was found under.
    pub columns: Vec<(&'static str, String)>,
    places: BTreeMap<&'static str, usize>,
    rows: Vec<(u32, Vec<Option<Cell>>)>,
}

/// A field of a file: its name, whether it must be there, and headings it is known by.
pub type Field = (&'static str, bool, &'static [&'static str]);

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct SheetRow<'a> {
    /// Its line in the file, from 1.
    pub line: u32,
    sheet: &'a Sheet,
    cells: &'a [Option<Cell>],
}

/// The rows of a file with their lines, the headings first, as they stand there.
///
/// # Errors
/// When it is no table.
pub fn plain_rows(
    file: &str,
    bytes: &[u8],
    sheet: Option<&str>,
) -> Answer<Vec<(u32, Vec<String>)>> {
    let mut rows = rows(file, bytes, sheet)?;
    rows.retain(|(_, cells)| cells.iter().any(Option::is_some));
    let text = |cell: Option<Cell>| cell.map_or_else(String::new, |cell| cell.text());
    let plain =
        |(line, cells): (u32, Vec<Option<Cell>>)| (line, cells.into_iter().map(text).collect());
    Ok(rows.into_iter().map(plain).collect())
}

fn rows(file: &str, bytes: &[u8], sheet: Option<&str>) -> Answer<Rows> {
    match bytes.starts_with(b"PK") {
        true => workbook(file, bytes, sheet),
        false => text(file, bytes),
    }
}

impl Sheet {
    /// Reads a file. `named` says which heading stands for which field, where the headings' own words
    /// do not.
    ///
    /// # Errors
    /// When it is no table, a heading is missing, or one is named that is not there.
    pub fn read(
        file: &str,
        bytes: &[u8],
        sheet: Option<&str>,
        fields: &[Field],
        named: &[(String, String)],
    ) -> Answer<Sheet> {
        let mut rows = rows(file, bytes, sheet)?;
        rows.retain(|(_, cells)| cells.iter().any(Option::is_some));
        if rows.len() > MAX_ROWS {
            return refuse(format!(
                "`{file}` has more than {MAX_ROWS} rows\nhint: import it in parts"
            ));
        }
        if rows.len() < 2 {
            return refuse(format!(
                "`{file}` has no row below its headings\nhint: the first row names the columns: {}",
                names(fields)
            ));
        }
        let (_, head) = rows.remove(0);
        let head: Vec<String> = head
            .into_iter()
            .map(|cell| cell.map_or_else(String::new, |c| c.text()))
            .collect();
        let mut found = Sheet {
            columns: Vec::new(),
            places: BTreeMap::new(),
            rows,
        };
        for (field, _) in named {
            if !fields.iter().any(|(name, ..)| name == field) {
                return refuse(format!(
                    "`{field}` is no field; expected one of: {}",
                    names(fields)
                ));
            }
        }
        for (name, must, words) in fields {
            let wanted = named.iter().find(|(field, _)| field == name);
            let place = match wanted {
                Some((_, heading)) => {
                    let place = head.iter().position(|h| plain(h) == plain(heading));
                    if place.is_none() {
                        return refuse(format!(
                            "`{file}` has no heading `{heading}`; it has: {}",
                            head.join(", ")
                        ));
                    }
                    place
                }
                None => head.iter().position(|h| {
                    plain(h) == plain(name) || words.iter().any(|word| plain(word) == plain(h))
                }),
            };
            match place {
                Some(place) => {
                    found.places.insert(name, place);
                    found.columns.push((name, head[place].clone()));
                }
                None if *must => {
                    return refuse(format!(
                        "`{file}` has no heading for `{name}`; it has: {}\nhint: say which with --column \"{name}=HEADING\"",
                        head.join(", ")
                    ));
                }
                None => {}
            }
        }
        Ok(found)
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = SheetRow<'_>> {
        self.rows.iter().map(|(line, cells)| SheetRow {
            line: *line,
            sheet: self,
            cells,
        })
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

impl SheetRow<'_> {
    fn cell(&self, field: &str) -> Option<&Cell> {
        let place = *self.sheet.places.get(field)?;
        self.cells.get(place)?.as_ref()
    }

    /// The text of a field; empty where nothing stands.
    #[must_use]
    pub fn text(&self, field: &str) -> String {
        self.cell(field).map_or_else(String::new, Cell::text)
    }

    /// The day of a field.
    ///
    /// # Errors
    /// When something stands there that is no day.
    pub fn day(&self, field: &str) -> Result<Option<LocalDay>, String> {
        match self.cell(field) {
            None => Ok(None),
            Some(Cell::Day(day)) => Ok(Some(*day)),
            Some(Cell::Text(text)) => day_of(text).map(Some),
        }
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Day(day) => day.to_string(),
        }
    }
}

/// `2013-12-31`, `31/12/2013`, `31.12.2013`.
fn day_of(text: &str) -> Result<LocalDay, String> {
    if let Ok(day) = text.parse() {
        return Ok(day);
    }
    let parts: Vec<&str> = text.split(['/', '.', '-']).collect();
    let number = |part: &str| part.trim().parse::<i32>().ok();
    if let [day, month, year] = parts.as_slice()
        && year.trim().len() == 4
        && let (Some(day), Some(month), Some(year)) = (number(day), number(month), number(year))
        && let (Ok(day), Ok(month)) = (u8::try_from(day), u8::try_from(month))
        && let Some(day) = LocalDay::of_date(year, month, day)
    {
        return Ok(day);
    }
    Err(format!(
        "`{text}` is no day; expected `2013-12-31` or `31/12/2013`"
    ))
}

/// Letters and digits only, in lower case.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn names(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|(name, ..)| *name).collect();
    names.join(", ")
}

type Rows = Vec<(u32, Vec<Option<Cell>>)>;

fn cell(text: &str) -> Option<Cell> {
    let text = text.trim();
    (!text.is_empty()).then(|| Cell::Text(text.to_owned()))
}

fn text(file: &str, bytes: &[u8]) -> Answer<Rows> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return refuse(format!(
            "`{file}` is neither a workbook (XLSX, ODS) nor UTF-8 text\nhint: save it as XLSX, or as \"CSV UTF-8\""
        ));
    };
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: char| first.matches(separator).count();
    let separator = [',', ';', '\t']
        .into_iter()
        .max_by_key(|c| (count(*c), *c == ','))
        .unwrap_or(',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(u8::try_from(separator).unwrap_or(b','))
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.or_caller()?;
        // The reader passes over empty lines before it begins a record, and names the first of them.
        let line = record.position().map_or(0, |at| {
            let start = usize::try_from(at.byte()).unwrap_or(usize::MAX);
            let rest = text.as_bytes().get(start..).unwrap_or_default();
            let empty = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
            let empty = empty.filter(|byte| **byte == b'\n').count() as u64;
            at.line().saturating_add(empty)
        });
        let cells = record
            .iter()
            .map(|text| cell(&report::sheet::unguarded(text.trim())));
        let cells = cells.collect();
        rows.push((u32::try_from(line).unwrap_or(u32::MAX), cells));
    }
    Ok(rows)
}

fn workbook(file: &str, bytes: &[u8], sheet: Option<&str>) -> Answer<Rows> {
    let wrong = |error: calamine::Error| {
        super::answer::Refusal::Caller(format!("`{file}` cannot be read as a workbook: {error}"))
    };
    let mut book = open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(wrong)?;
    let all = book.sheet_names();
    let name = match sheet {
        Some(name) if all.iter().any(|one| one == name) => name.to_owned(),
        Some(name) => {
            return refuse(format!(
                "`{file}` has no sheet `{name}`; it has: {}",
                all.join(", ")
            ));
        }
        None => match all.first() {
            Some(first) => first.clone(),
            None => return refuse(format!("`{file}` has no sheet")),
        },
    };
    let range = book.worksheet_range(&name).map_err(wrong)?;
    let first = range.start().map_or(0, |(row, _)| row);
    let rows = range.rows().zip(first.saturating_add(1)..);
    Ok(rows
        .map(|(cells, line)| (line, cells.iter().map(of_workbook).collect()))
        .collect())
}

fn of_workbook(data: &Data) -> Option<Cell> {
    match data {
        Data::Empty | Data::Error(_) => None,
        Data::String(text) => cell(&report::sheet::unguarded(text.trim())),
        Data::DurationIso(text) => cell(text),
        Data::DateTimeIso(text) => cell(text.split('T').next().unwrap_or(text)),
        Data::Bool(yes) => cell(if *yes { "yes" } else { "no" }),
        Data::Int(number) => cell(&number.to_string()),
        // A spreadsheet keeps numbers as binary floats; the shortest decimal that names one is what
        // was typed.
        Data::Float(number) => cell(&number.to_string()),
        Data::DateTime(at) => {
            // Days since 30 December 1899, as every spreadsheet counts them.
            let days = at.as_f64().floor();
            (0.0..2_958_466.0)
                .contains(&days)
                .then(|| Cell::Day(LocalDay(days as i32 - 25_569)))
        }
        #[expect(unreachable_patterns, reason = "kinds that a later version may add")]
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        ("member", true, &["no", "member no"]),
        ("on", true, &["date"]),
        ("shares", false, &["number of shares"]),
    ];

    fn read(text: &str) -> Answer<Sheet> {
        Sheet::read("f.csv", text.as_bytes(), None, FIELDS, &[])
    }

    #[test]
    fn headings_days_and_separators_are_read_as_people_write_them() {
        for text in [
            "Member No.,Date,Number of Shares\n7,31/12/2013,\"1,000\"\n",
            "\u{feff}member;on;shares\n7;2013-12-31;1,000\n",
            "member\ton\tshares\n\n7\t31.12.2013\t1,000\n",
        ] {
            let sheet = read(text).unwrap();
            let row = sheet.rows().next().unwrap();
            assert_eq!(
                (row.text("member"), row.text("shares")),
                ("7".into(), "1,000".into()),
                "{text}"
            );
            assert_eq!(row.day("on").unwrap().unwrap().to_string(), "2013-12-31");
            let line = text.lines().position(|line| line.starts_with('7')).unwrap() + 1;
            assert_eq!(usize::try_from(row.line).unwrap(), line, "{text}");
        }
        let sheet = read("no,date\n1,13/13/2013\n").unwrap();
        assert!(sheet.rows().next().unwrap().day("on").is_err());
        assert!(
            read("a,b\n1,2\n")
                .unwrap_err()
                .to_string()
                .contains("--column \"member=HEADING\"")
        );
        assert!(read("member,on\n").is_err());
    }

    #[test]
    fn a_field_can_be_named_with_its_heading() {
        let named = [("shares".to_owned(), "Anteile".to_owned())];
        let text = "no,date,Anteile\n1,2013-12-31,5\n";
        let sheet = Sheet::read("f.csv", text.as_bytes(), None, FIELDS, &named).unwrap();
        assert_eq!(sheet.rows().next().unwrap().text("shares"), "5");
        let wrong = [("share".to_owned(), "Anteile".to_owned())];
        assert!(Sheet::read("f.csv", text.as_bytes(), None, FIELDS, &wrong).is_err());
    }
}
