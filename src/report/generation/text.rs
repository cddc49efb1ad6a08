//! The report as plain text.
use super::GenerationReport;
impl GenerationReport {
    /// Sentence, paragraph, table, notes; 78 columns.
    #[must_use]
    pub fn text(&self) -> String {
        String::new()
    }
}
