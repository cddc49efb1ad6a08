//! The report as HTML: a complete page, and the fragment a web page wraps.
use super::{GenerationReport, ReportError};
impl GenerationReport {
    /// A complete page that needs nothing else.
    ///
    /// # Errors
    /// When drawing or the template refuses.
    pub fn html_page(&self) -> Result<String, ReportError> {
        Ok(String::new())
    }
    /// Sentence, picture, table and working, to be embedded in a page that has the stylesheet.
    ///
    /// # Errors
    /// When drawing or the template refuses.
    pub fn html_fragment(&self) -> Result<String, ReportError> {
        Ok(String::new())
    }
}
