//! Tables as downloads: CSV and XLSX, safe to open in a spreadsheet.
//!
//! Text that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`, tab or carriage return in
//! front) gets an apostrophe before it in CSV, and [`unguarded`] takes exactly that one away again.
//! A file may be opened with another separator than ours, and then quotes do not hold a field
//! together: what begins a formula behind a semicolon, a tab, a bar or a line's end inside the text
//! is guarded too. In XLSX text is written as text, which no spreadsheet evaluates; there only text
//! that looks guarded already gets one more apostrophe, so that it comes back as it was from a
//! workbook that was made of our CSV too. Numbers are written as numbers.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text, whatever it looks like.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Pence, shown as pounds.
    Pounds(i64),
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it is, for the sheet's name: at most 31 characters, none of `[]:*?/\`.
    pub name: &'static str,
    /// Column heads.
    pub head: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
}

/// What a formula may begin with, also in the wide forms of East Asian keyboards.
const RISKY: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// What a spreadsheet may be told to part cells by, beside the comma, which quotes hold.
const PARTS: [char; 5] = [';', '\t', '|', '\r', '\n'];

/// True when a spreadsheet could take the text for a formula, behind spaces and quotes too.
fn is_formula(text: &str) -> bool {
    let begins = text.trim_start_matches([' ', '"', '\'']);
    text.starts_with(RISKY) || begins.starts_with(RISKY)
}

/// The text cut behind everything that could part it into cells.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(PARTS)
}

/// Text that no spreadsheet takes for a formula: with an apostrophe before what it could.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for part in parts(text) {
        if is_formula(part) {
            safe.push('\'');
        }
        safe.push_str(part);
    }
    safe
}

/// The text as it was before it was made [`harmless`].
#[must_use]
pub fn unguarded(text: &str) -> String {
    let bare = |part| match str::strip_prefix(part, '\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => part,
    };
    parts(text).map(bare).collect()
}

/// Text for a workbook: as it is, unless [`unguarded`] would take something of it away.
fn for_workbook(text: &str) -> String {
    match unguarded(text) == text {
        true => text.to_owned(),
        false => harmless(text),
    }
}

/// A field of a CSV file, in quotes where any usual separator stands in it.
fn field(text: &str) -> String {
    let plain = !text.contains([',', '"']) && !text.contains(PARTS);
    match plain {
        true => text.to_owned(),
        false => format!("\"{}\"", text.replace('"', "\"\"")),
    }
}

impl Table {
    /// The table as CSV.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let head = self.head.iter().map(|text| field(&harmless(text)));
        let mut out = head.collect::<Vec<_>>().join(",");
        out.push('\n');
        for row in &self.rows {
            let cells = row.iter().map(|cell| field(&csv_text(cell)));
            out.push_str(&cells.collect::<Vec<_>>().join(","));
            out.push('\n');
        }
        out
    }

    /// The table as an XLSX workbook; the same table gives the same bytes.
    ///
    /// # Errors
    /// When it has more rows, or a cell more characters, than a workbook may have.
    pub fn to_xlsx(&self) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&made));
        let sheet = book.add_worksheet();
        sheet.set_name(self.name)?;
        let bold = Format::new().set_bold();
        let pounds = Format::new().set_num_format("#,##0.00");
        for (column, text) in (0_u16..).zip(&self.head) {
            sheet.write_string_with_format(0, column, text, &bold)?;
        }
        for (line, row) in (1_u32..).zip(&self.rows) {
            for (column, cell) in (0_u16..).zip(row) {
                match cell {
                    Cell::Text(text) => sheet.write_string(line, column, for_workbook(text))?,
                    Cell::Number(number) => sheet.write_number(line, column, exact(*number))?,
                    Cell::Pounds(pence) => sheet.write_number_with_format(
                        line,
                        column,
                        exact(*pence) / 100.0,
                        &pounds,
                    )?,
                };
            }
        }
        book.save_to_buffer()
    }
}

/// A workbook has no other numbers than binary floats; whole numbers up to 2⁵³ are exact in them.
#[expect(
    clippy::cast_precision_loss,
    reason = "the file format has nothing better"
)]
fn exact(number: i64) -> f64 {
    number as f64
}

fn csv_text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => harmless(text),
        Cell::Number(number) => number.to_string(),
        Cell::Pounds(pence) => domain::money::Pence(*pence).pounds_text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_guarded_and_comes_back_as_it_was() {
        for text in [
            "=1+1",
            "+44 20 0000 0000",
            "-5",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "'=1",
            "''+1",
            "O'Sample",
            "'quoted'",
            "plain",
            "",
            "a;=1",
            "a;'=1",
            "a|b\n+1",
            "\n\t\" =1",
            "Flat 1; -2",
        ] {
            let safe = harmless(text);
            assert!(
                !safe.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{safe}"
            );
            assert_eq!(unguarded(&safe), text);
            assert_eq!(unguarded(&for_workbook(text)), text);
        }
        assert_eq!(harmless("O'Sample"), "O'Sample");
        assert_eq!(harmless("a;=1"), "a;'=1");
    }

    #[test]
    fn numbers_stay_numbers() {
        let table = Table {
            name: "Holdings",
            head: vec!["member".into(), "pounds".into()],
            rows: vec![
                vec![Cell::Text("=cmd".into()), Cell::Pounds(-12_345)],
                vec![Cell::Number(-7), Cell::Text("x,\"y\"".into())],
            ],
        };
        assert_eq!(
            table.to_csv(),
            "member,pounds\n'=cmd,-123.45\n-7,\"x,\"\"y\"\"\"\n"
        );
        let book = table.to_xlsx().unwrap();
        assert_eq!(&book[..2], b"PK");
        assert_eq!(book, table.to_xlsx().unwrap());
    }
}
