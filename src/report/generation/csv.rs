//! The table as CSV.
use super::{GenerationReport, ReportError};
impl GenerationReport {
    /// The table, RFC 4180.
    ///
    /// # Errors
    /// When the writer refuses.
    pub fn csv(&self) -> Result<String, ReportError> {
        Ok(String::new())
    }
}
