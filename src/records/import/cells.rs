//! One line of a file, cut into cells.

use std::cell::RefCell;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Cuts lines at a separator, with quotes as spreadsheets write them. The table it works by is made
/// once and not for each line.
pub(super) struct Cutter(RefCell<Reader>);

impl Cutter {
    /// For lines whose columns `delimiter` separates.
    ///
    /// # Errors
    /// When it is not ASCII.
    pub(super) fn new(delimiter: char) -> Result<Cutter, String> {
        let delimiter =
            u8::try_from(delimiter).map_err(|_| "the column separator is not ASCII".to_owned())?;
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Ok(Cutter(RefCell::new(reader)))
    }

    /// The cells of one line.
    ///
    /// # Errors
    /// When the line is none.
    pub(super) fn cut(&self, line: &str) -> Result<Vec<String>, String> {
        let mut reader = self.0.borrow_mut();
        reader.reset();
        // All cells together are no longer than the line, and there is one more at most than it has
        // bytes; a place to spare, so that the end is seen.
        let mut text = vec![0; line.len() + 1];
        let mut ends = vec![0; line.len() + 2];
        let (mut input, mut written, mut cells) = (line.as_bytes(), 0, 0);
        loop {
            let (result, read, more, found) = reader.read_record(
                input,
                text.get_mut(written..).unwrap_or_default(),
                ends.get_mut(cells..).unwrap_or_default(),
            );
            input = input.get(read..).unwrap_or_default();
            (written, cells) = (written + more, cells + found);
            match result {
                // Nothing is left: the next call with no input ends the record.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err("the line cannot be cut into columns".to_owned());
                }
            }
        }
        let mut start = 0;
        ends.iter()
            .take(cells)
            .map(|end| {
                let cell = text.get(start..*end).unwrap_or_default();
                start = *end;
                String::from_utf8(cell.to_vec()).map_err(|e| e.to_string())
            })
            .collect()
    }
}

/// The cells of one line, by their place.
pub(super) struct Cells<'a>(pub(super) &'a [String]);

impl<'a> Cells<'a> {
    /// The text of a cell; none where it is empty or not there.
    pub(super) fn get(&self, at: Option<usize>) -> Option<&'a str> {
        let text = self.0.get(at?)?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The text of a cell, or what holds for the whole file.
    ///
    /// # Errors
    /// When there is neither; `what` names the column.
    pub(super) fn needed(
        &self,
        at: Option<usize>,
        fixed: Option<&'a str>,
        what: &str,
    ) -> Result<&'a str, String> {
        self.get(at)
            .or(fixed)
            .ok_or_else(|| format!("column `{what}` is empty or missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_as_spreadsheets_write_it() {
        for (delimiter, line, cells) in [
            (',', "M1,2.8.0,,15.5", &["M1", "2.8.0", "", "15.5"][..]),
            (',', "M1,", &["M1", ""]),
            (';', "\"Roof; \"\"A\"\"\";1,5", &["Roof; \"A\"", "1,5"]),
            (',', "\u{feff}meter,über", &["meter", "über"]),
            ('\t', "one", &["one"]),
            (',', "", &[]),
            (',', "\"not closed,1", &["not closed,1"]),
        ] {
            assert_eq!(
                Cutter::new(delimiter).unwrap().cut(line).unwrap(),
                cells,
                "{line}"
            );
        }
        assert!(Cutter::new('→').is_err());
    }
}
