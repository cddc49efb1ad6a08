//! A bank's file in the form OFX (1.x, SGML, and 2.x, XML): its transactions, each with the line it
//! begins on.
//!
//! Only what a payment is made of is read: the day it was posted, the amount, the bank's own name for
//! it (`FITID`), payee and memo. Tags need no end, as 1.x has none for single values.

use domain::{calendar::LocalDay, money::Pence};

use super::answer::{Answer, OrCaller, refuse};

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its line, from 1.
    pub line: u32,
    /// The day it was posted.
    pub on: LocalDay,
    /// The amount; below zero where money went out.
    pub pence: Pence,
    /// The bank's own name for it.
    pub id: String,
    /// Payee and memo.
    pub text: String,
}

/// Whether a file is OFX.
#[must_use]
pub fn is_ofx(text: &str) -> bool {
    let start: String = text.chars().take(4_096).collect::<String>().to_uppercase();
    start.contains("OFXHEADER") || start.contains("<OFX>")
}

/// The transactions of a file.
///
/// # Errors
/// The first that has no day or amount, by its line.
pub fn transactions(text: &str) -> Answer<Vec<Transaction>> {
    let mut all = Vec::new();
    let upper = text.to_ascii_uppercase();
    let mut from = 0_usize;
    while let Some(at) = find(&upper, "<STMTTRN>", from) {
        let end = ["</STMTTRN>", "<STMTTRN>", "</BANKTRANLIST>"]
            .iter()
            .filter_map(|tag| find(&upper, tag, at.saturating_add(1)))
            .min()
            .unwrap_or(text.len());
        let part = text.get(at..end).unwrap_or_default();
        let lines = text.get(..at).unwrap_or_default().matches('\n').count();
        let line = u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1);
        match transaction(part, line) {
            Ok(one) => all.push(one),
            Err(why) => return refuse(format!("line {line} of the file: {why}")),
        }
        from = end;
    }
    if all.is_empty() {
        return refuse("the OFX file has no transaction (`<STMTTRN>`)");
    }
    Ok(all)
}

fn transaction(part: &str, line: u32) -> Answer<Transaction> {
    let posted = value(part, "DTPOSTED");
    let day = match (posted.get(..4), posted.get(4..6), posted.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => {
            return refuse(format!(
                "`{posted}` is no day; expected `DTPOSTED` as 20140501"
            ));
        }
    };
    let amount = value(part, "TRNAMT");
    let words = [value(part, "NAME"), value(part, "MEMO")];
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|w| !w.is_empty())
        .collect();
    Ok(Transaction {
        line,
        on: day.parse().or_caller()?,
        pence: amount.trim_start_matches('+').parse().or_caller()?,
        id: value(part, "FITID"),
        text: words.join(" "),
    })
}

/// What stands behind a tag, up to the line's end or the next tag.
fn value(part: &str, tag: &str) -> String {
    let upper = part.to_ascii_uppercase();
    let open = format!("<{tag}>");
    let Some(at) = find(&upper, &open, 0) else {
        return String::new();
    };
    let rest = part
        .get(at.saturating_add(open.len())..)
        .unwrap_or_default();
    let end = rest.find(['<', '\n', '\r']).unwrap_or(rest.len());
    let plain = rest.get(..end).unwrap_or_default().trim();
    plain
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn find(text: &str, what: &str, from: usize) -> Option<usize> {
    let found = text.get(from..)?.find(what)?;
    Some(from.saturating_add(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><BANKTRANLIST>\n<STMTTRN>\n<TRNTYPE>CREDIT\n<DTPOSTED>20140501120000[0:GMT]\n<TRNAMT>703.25\n<FITID>A1\n<NAME>GOOD LICENSEE\n<MEMO>FIT Q1 &amp; more\n<STMTTRN>\n<DTPOSTED>20140502\n<TRNAMT>-41.20\n<FITID>A2\n</BANKTRANLIST></OFX>\n";
    const NEW: &str = "<?xml version=\"1.0\"?><?OFX OFXHEADER=\"200\"?><OFX><BANKTRANLIST><STMTTRN><DTPOSTED>20140501</DTPOSTED><TRNAMT>+1.00</TRNAMT><FITID>x</FITID><NAME>A</NAME></STMTTRN></BANKTRANLIST></OFX>";

    #[test]
    fn both_forms_of_ofx_are_read_to_the_penny() {
        assert!(is_ofx(OLD) && is_ofx(NEW) && !is_ofx("paid_on,pounds,text\n"));
        let old = transactions(OLD).unwrap();
        assert_eq!(
            (old[0].line, old[0].pence, old[0].id.as_str()),
            (5, Pence(70_325), "A1")
        );
        assert_eq!(old[0].text, "GOOD LICENSEE FIT Q1 & more");
        assert_eq!(
            (old[1].on.to_string().as_str(), old[1].pence),
            ("2014-05-02", Pence(-4_120))
        );
        let new = transactions(NEW).unwrap();
        assert_eq!((new.len(), new[0].pence), (1, Pence(100)));
    }

    #[test]
    fn a_transaction_without_a_day_or_an_amount_is_named_by_its_line() {
        let wrong = OLD.replace("20140502", "soon");
        let said = transactions(&wrong).unwrap_err().to_string();
        assert!(said.starts_with("line 12 of the file: `soon`"), "{said}");
        let wrong = OLD.replace("-41.20", "1e5");
        assert!(transactions(&wrong).is_err());
        assert!(transactions("<OFX></OFX>").is_err());
    }
}
