//! Tables that accounting programs import. Columns and forms of dates are theirs; see each.

use domain::{
    accounts::{AccountCode, Entry, Posting},
    calendar::LocalDay,
    money::Pence,
};

use super::{Books, BooksError, MAX_XERO_LINES};
use crate::generation::harmless;

/// Every posting, with entry, source and balance sign as debit or credit.
pub(super) fn csv(books: &Books<'_>) -> Result<String, BooksError> {
    let head = [
        "entry", "date", "text", "source", "reverses", "account", "name", "debit", "credit",
    ];
    let rows = postings(books).map(|(entry, posting)| {
        vec![
            entry.number.to_string(),
            entry.new.on.to_string(),
            harmless(&entry.new.text),
            harmless(&entry.new.source.to_string()),
            entry.reverses.map_or_else(String::new, |n| n.to_string()),
            posting.account.to_string(),
            harmless(books.name(&posting.account)),
            debit(posting.pence),
            credit(posting.pence),
        ]
    });
    table(&head, rows)
}

/// Xero: `*Narration,*Date,Description,*AccountCode,*TaxRate,*Amount`; lines of one narration and
/// date are one journal there, so the entry's number is in the narration. A debit is above zero.
pub(super) fn xero(books: &Books<'_>) -> Result<String, BooksError> {
    let lines = postings(books).count();
    if lines > MAX_XERO_LINES {
        return Err(BooksError::XeroLines(lines));
    }
    let head = [
        "*Narration",
        "*Date",
        "Description",
        "*AccountCode",
        "*TaxRate",
        "*Amount",
    ];
    let rows = postings(books).map(|(entry, posting)| {
        vec![
            harmless(&format!("{} ({})", entry.new.text, entry.number)),
            slashed(entry.new.on),
            harmless(&entry.new.source.to_string()),
            posting.account.to_string(),
            "No VAT".to_owned(),
            posting.pence.pounds_text(),
        ]
    });
    table(&head, rows)
}

/// QuickBooks Online: `Journal No.,Journal Date,Account Name,Description,Debits,Credits`, accounts by
/// name; a name that two accounts have gets its code behind it.
pub(super) fn quickbooks(books: &Books<'_>) -> Result<String, BooksError> {
    let head = [
        "Journal No.",
        "Journal Date",
        "Account Name",
        "Description",
        "Debits",
        "Credits",
    ];
    let rows = postings(books).map(|(entry, posting)| {
        vec![
            entry.number.to_string(),
            slashed(entry.new.on),
            harmless(&only_name(books, &posting.account)),
            harmless(&entry.new.text),
            debit(posting.pence),
            credit(posting.pence),
        ]
    });
    table(&head, rows)
}

/// FreeAgent: the bank account as `dd/mm/yyyy,amount,description` without a head, and without quotes
/// or commas in the text.
pub(super) fn freeagent(books: &Books<'_>) -> Result<String, BooksError> {
    let bank = books.bank().ok_or(BooksError::NoBank)?;
    let mut out = String::new();
    for (entry, posting) in postings(books).filter(|(_, posting)| posting.account == *bank) {
        let text = entry.new.text.replace([',', '"', '\''], " ");
        let words: Vec<&str> = text.split_whitespace().collect();
        out.push_str(&format!(
            "{},{},{}\r\n",
            slashed(entry.new.on),
            posting.pence.pounds_text(),
            harmless(&words.join(" "))
        ));
    }
    Ok(out)
}

/// Sage 50 audit trail: journal debits and credits (JD, JC) with tax code T9, outside VAT.
pub(super) fn sage(books: &Books<'_>) -> Result<String, BooksError> {
    let head = [
        "Type",
        "Account Reference",
        "Nominal A/C Ref",
        "Department Code",
        "Date",
        "Reference",
        "Details",
        "Net Amount",
        "Tax Code",
        "Tax Amount",
    ];
    let rows = postings(books).map(|(entry, posting)| {
        let on = entry.new.on;
        vec![
            if posting.pence.0 > 0 { "JD" } else { "JC" }.to_owned(),
            String::new(),
            posting.account.to_string(),
            "0".to_owned(),
            format!("{:02}{:02}{:04}", on.day(), on.month(), on.year()),
            entry.number.to_string(),
            harmless(&entry.new.text),
            Pence(posting.pence.0.saturating_abs()).pounds_text(),
            "T9".to_owned(),
            "0.00".to_owned(),
        ]
    });
    table(&head, rows)
}

fn postings<'a>(books: &'a Books<'_>) -> impl Iterator<Item = (&'a Entry, &'a Posting)> {
    let entries = books.entries().into_iter();
    entries.flat_map(|entry| {
        entry
            .new
            .postings
            .iter()
            .map(move |posting| (entry, posting))
    })
}

fn only_name(books: &Books<'_>, code: &AccountCode) -> String {
    let name = books.name(code);
    let all = books.ledger.chart().accounts();
    match all.filter(|account| account.name == name).count() {
        0 | 1 => name.to_owned(),
        _ => format!("{name} ({code})"),
    }
}

fn debit(pence: Pence) -> String {
    match pence.0 {
        1.. => pence.pounds_text(),
        _ => String::new(),
    }
}

fn credit(pence: Pence) -> String {
    debit(Pence(pence.0.saturating_neg()))
}

fn slashed(day: LocalDay) -> String {
    format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year())
}

fn table<const N: usize>(
    head: &[&str; N],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<String, BooksError> {
    let refuse = |cause: &dyn std::fmt::Display| BooksError::Write(cause.to_string());
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(head).map_err(|e| refuse(&e))?;
    for row in rows {
        writer.write_record(row).map_err(|e| refuse(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| refuse(&e))?;
    String::from_utf8(bytes).map_err(|e| refuse(&e))
}
