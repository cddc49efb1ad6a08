//! The sentence and the paragraph.
use super::GenerationReport;
impl GenerationReport {
    /// What happened, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        String::new()
    }
    /// What happened, in one paragraph.
    #[must_use]
    pub fn paragraph(&self) -> String {
        String::new()
    }
}
