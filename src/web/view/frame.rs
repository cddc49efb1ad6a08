//! What every page has: title, masthead, notices, the addresses of stylesheet and script.

/// The frame around a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// What the browser's tab says; the page's own subject first.
    pub title: String,
    /// Whose pages these are, in the masthead: "Brixton Energy".
    pub house: String,
    /// The masthead's links; at most four.
    pub nav: Vec<Link>,
    /// Sentences that hold for the whole page, at its foot: what is a SAMPLE, what stands in.
    pub notices: Vec<String>,
    /// The stylesheet's address, with its content hash.
    pub stylesheet: String,
    /// The live script's address, with its content hash.
    pub script: String,
    /// Where this page's server-sent events come from; none when nothing on it is live.
    pub events: Option<String>,
}

/// A link in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// What lies there.
    pub text: String,
    /// The address.
    pub href: String,
    /// It is the page being read.
    pub current: bool,
}
