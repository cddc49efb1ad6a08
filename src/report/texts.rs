//! Every fixed word of statements and letters: headings, heads of columns, labels, and the notice of a
//! change. The sentences that are made of figures stand in `statement/words.rs`. Templates have no
//! word of their own: another language is another value of [`Texts`] and another set of sentences.

/// The fixed words of sheets in one language.
#[derive(Clone, Copy, Debug)]
pub struct Texts {
    /// The language, ISO 639-1.
    pub lang: &'static str,
    /// The region, ISO 3166-1.
    pub region: &'static str,
    /// What stands beside sample data.
    pub sample: &'static str,
    /// What a page of a sheet is called, and what stands before how many there are.
    pub page: [&'static str; 2],
    /// Heads of the table of what was held.
    pub held: [&'static str; 6],
    /// Heads of the table of roofs.
    pub roofs: [&'static str; 5],
    /// The row under the rule.
    pub together: &'static str,
    /// The heading of the working.
    pub how_we_know: &'static str,
    /// Member, date of the statement, run: labels beside the address.
    pub reference: [&'static str; 3],
    /// The member, in the middle of a line.
    pub member: &'static str,
    /// What the caption of the table of holdings says.
    pub held_caption: &'static str,
    /// What the caption of the table of roofs says.
    pub roofs_caption: &'static str,
    /// What the code is called for those who do not see it.
    pub code: &'static str,
    /// Headings: how it reaches the member, tax, rate, fund.
    pub headings: [&'static str; 4],
    /// The heading of the notice of a change.
    pub notice: &'static str,
    /// What the notice says to whoever did not ask for it.
    pub notice_not_you: &'static str,
    /// The heading over its number.
    pub notice_notes: &'static str,
    /// Why it goes to the address before.
    pub notice_why: &'static str,
}

/// British English.
pub const ENGLISH: Texts = Texts {
    lang: "en",
    region: "GB",
    sample: "SAMPLE",
    page: ["Page", "of"],
    held: ["Shares", "Number", "Held", "Days", "Rate", "Interest"],
    roofs: [
        "Roof",
        "Meter, register",
        "Opening read, kWh",
        "Closing read, kWh",
        "Made, kWh",
    ],
    together: "Together",
    how_we_know: "How we know",
    reference: ["Member", "Statement of", "Interest run"],
    member: "member",
    held_caption: "What you held and what it earned",
    roofs_caption: "The roofs, with the reads of their meters at both ends",
    code: "QR code",
    headings: [
        "How it reaches you",
        "Your tax return",
        "The rate",
        "The community fund",
    ],
    notice: "Notice of a change to your membership",
    notice_notes: "Reference",
    notice_not_you: "If this was you, there is nothing to do. If it was not, tell us at once: no money goes to a new account for seven days.",
    notice_why: "This notice goes to the address we had before, so that nobody else can change where your money goes without your knowing.",
};

/// The sentence of the notice of a change.
#[must_use]
pub fn notice_sentence(society: &str, is_call: bool, received: &str) -> String {
    let came = if is_call { "a call" } else { "a letter" };
    format!(
        "We changed something about your membership of {society}, as {came} of {received} asked in your name."
    )
}

/// What a notice says of each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed<'a> {
    /// Interest goes to the bank account, by cheque, into shares, to the fund.
    Payment(&'a str),
    /// The postal address.
    Address,
    /// The e-mail address.
    Email,
    /// The bank account: its last digits, and the first day of payment.
    Bank(&'a str, &'a str),
}

impl Changed<'_> {
    /// The sentence.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Changed::Payment(way) => {
                let goes = match way {
                    "bank" => "to your bank account",
                    "cheque" => "to you by cheque",
                    "reinvest" => "into new shares",
                    _ => "to the community fund",
                };
                format!("From the next interest run on, your interest goes {goes}.")
            }
            Changed::Address => "We have noted a new postal address for you.".to_owned(),
            Changed::Email => "We have noted a new e-mail address for you.".to_owned(),
            Changed::Bank(ending, from) => format!(
                "We have noted a new bank account ending in {ending}. No money goes there before {from}."
            ),
        }
    }
}
