//! Plain-text books. Account names are a root, the code and the name in letters, digits and hyphens;
//! a debit is above zero in all of these programs.

use domain::{
    accounts::{AccountCode, Entry, Kind},
    money::Pence,
};

use super::Books;

const EARLIER: &str = "Earlier-surpluses";

/// beancount: accounts opened on the first day, a `balance` for each on the day after the last.
pub(super) fn beancount(books: &Books<'_>) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = head(books);
    out.push_str(&format!(
        "option \"title\" \"{}\"\noption \"operating_currency\" \"GBP\"\n\n",
        quoted(books.society)
    ));
    for (code, kind) in books.accounts() {
        let name = name(books, code, kind, root);
        out.push_str(&format!("{} open {name} GBP\n", books.first));
    }
    let (opening, earlier) = opening(books);
    if earlier != 0 {
        out.push_str(&format!("{} open Equity:{EARLIER} GBP\n", books.first));
    }
    out.push('\n');
    let line = |account: &str, pence: Pence| format!("  {account}  {} GBP\n", pence.pounds_text());
    if !opening.is_empty() {
        out.push_str(&format!("{} * \"Balances before this day\"\n", books.first));
        for (code, pence) in &opening {
            let kind = kind_of(books, code);
            out.push_str(&line(&name(books, code, kind, root), *pence));
        }
        if earlier != 0 {
            out.push_str(&line(&format!("Equity:{EARLIER}"), Pence(earlier)));
        }
        out.push('\n');
    }
    for entry in books.entries() {
        let new = &entry.new;
        out.push_str(&format!("{} * \"{}\"\n", new.on, quoted(&new.text)));
        out.push_str(&format!("  entry: {}\n", entry.number));
        out.push_str(&format!(
            "  source: \"{}\"\n",
            quoted(&new.source.to_string())
        ));
        if let Some(number) = entry.reverses {
            out.push_str(&format!("  reverses: {number}\n"));
        }
        for posting in &new.postings {
            let kind = kind_of(books, &posting.account);
            out.push_str(&line(
                &name(books, &posting.account, kind, root),
                posting.pence,
            ));
        }
        out.push('\n');
    }
    let after = books.last.next();
    for (code, pence) in books.closing() {
        let name = name(books, code, kind_of(books, code), root);
        // Without its own tolerance beancount lets a penny pass.
        out.push_str(&format!(
            "{after} balance {name}  {} ~ 0.001 GBP\n",
            pence.pounds_text()
        ));
    }
    out
}

/// hledger and ledger: a last entry that moves nothing and asserts every balance.
pub(super) fn hledger(books: &Books<'_>) -> String {
    let plain = |text: &str| text.replace([';', '\n', '\r'], ",");
    let mut out = head(books);
    for (code, kind) in books.accounts() {
        out.push_str(&format!(
            "account {}\n",
            name(books, code, kind, small_root)
        ));
    }
    let (opening, earlier) = opening(books);
    if earlier != 0 {
        out.push_str(&format!("account equity:{EARLIER}\n"));
    }
    out.push('\n');
    let line =
        |account: &str, pence: Pence| format!("    {account}    {} GBP\n", pence.pounds_text());
    if !opening.is_empty() {
        out.push_str(&format!("{} * Balances before this day\n", books.first));
        for (code, pence) in &opening {
            let kind = kind_of(books, code);
            out.push_str(&line(&name(books, code, kind, small_root), *pence));
        }
        if earlier != 0 {
            out.push_str(&line(&format!("equity:{EARLIER}"), Pence(earlier)));
        }
        out.push('\n');
    }
    for Entry {
        number,
        new,
        reverses,
    } in books.entries()
    {
        out.push_str(&format!("{} * ({number}) {}\n", new.on, plain(&new.text)));
        out.push_str(&format!(
            "    ; source: {}\n",
            plain(&new.source.to_string())
        ));
        if let Some(number) = reverses {
            out.push_str(&format!("    ; reverses: {number}\n"));
        }
        for posting in &new.postings {
            let kind = kind_of(books, &posting.account);
            let name = name(books, &posting.account, kind, small_root);
            out.push_str(&line(&name, posting.pence));
        }
        out.push('\n');
    }
    out.push_str(&format!(
        "{} * Balances at the end of this day\n",
        books.last
    ));
    for (code, pence) in books.closing() {
        let name = name(books, code, kind_of(books, code), small_root);
        out.push_str(&format!(
            "    {name}    0.00 GBP = {} GBP\n",
            pence.pounds_text()
        ));
    }
    out
}

fn head(books: &Books<'_>) -> String {
    let sample = if books.sample { "SAMPLE " } else { "" };
    format!(
        "; {sample}Books of {}, {} to {}\n\n",
        books.society.replace(['\n', '\r'], " "),
        books.first,
        books.last
    )
}

/// Balances before the first day, and the earlier surpluses that make them sum to zero.
fn opening<'a>(books: &'a Books<'_>) -> (Vec<(&'a AccountCode, Pence)>, i64) {
    let opening = books.opening();
    let sum: i64 = opening.values().sum();
    let rows = opening.into_iter();
    (
        rows.map(|(code, pence)| (code, Pence(pence))).collect(),
        -sum,
    )
}

fn kind_of(books: &Books<'_>, code: &AccountCode) -> Kind {
    let account = books.ledger.chart().get(code);
    account.map_or(Kind::Equity, |account| account.kind)
}

fn name(
    books: &Books<'_>,
    code: &AccountCode,
    kind: Kind,
    root: impl Fn(Kind) -> &'static str,
) -> String {
    // Codes are letters, digits and hyphens; a beancount name begins with a capital or a digit.
    let mut words = code.as_str().to_ascii_uppercase();
    for word in books
        .name(code)
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        words.push('-');
        words.push_str(word);
    }
    format!("{}:{words}", root(kind))
}

fn root(kind: Kind) -> &'static str {
    match kind {
        Kind::Asset => "Assets",
        Kind::Liability => "Liabilities",
        Kind::Equity => "Equity",
        Kind::Income => "Income",
        Kind::Expense => "Expenses",
    }
}

fn small_root(kind: Kind) -> &'static str {
    match kind {
        Kind::Asset => "assets",
        Kind::Liability => "liabilities",
        Kind::Equity => "equity",
        Kind::Income => "income",
        Kind::Expense => "expenses",
    }
}
