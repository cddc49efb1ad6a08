//! `accounts chart|post|reverse|close|trial-balance|account|download`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    accounts::{AccountCode, NewEntry, Posting},
    calendar::{LocalDay, Period},
    money::Pence,
};
use report::books::{Books, Form};
use serde_json::{Value, json};

use super::{
    Desk,
    books::{
        self, Accrue, AssetCommand, BudgetCommand, LoanCommand, Prepay, SupplierCommand, VatCommand,
    },
};
use office::{
    Answer, SocietyOffice,
    accounts::{STANDARD_CHART, chart_of_toml, source_of},
    answer::{OrCaller, refuse},
    roll::Columns,
};

/// `accounts …`
#[derive(Clone, Debug, Subcommand)]
pub enum Accounts {
    /// List the chart of accounts, or apply one
    Chart {
        /// The chart (TOML); without it the one in force is listed
        file: Option<PathBuf>,
        /// Start with the chart that comes with the program
        #[arg(long, conflicts_with = "file")]
        standard: bool,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Post an entry: typed, from a frozen claim or bill, or many from a CSV file
    Post(Post),
    /// Take an entry back by one that names it; both stay
    Reverse {
        /// The entry's number
        number: u32,
        /// The day of the reversal
        #[arg(long)]
        on: LocalDay,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Close the books up to a day: no entry is dated so early any more
    Close {
        /// The last closed day
        #[arg(long)]
        until: LocalDay,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Every account's balance at the end of a day; they sum to nothing
    TrialBalance {
        /// The day; today when left out
        #[arg(long)]
        on: Option<LocalDay>,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// The postings of one account, each with its source and the balance behind it
    Account {
        /// The account's code
        code: String,
        /// The days
        #[command(flatten)]
        days: Days,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// One entry: its postings, and what its source says
    Entry {
        /// The entry's number
        number: u32,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// The register of shares against the books: capital at par
    Reconcile {
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Fixed assets and their depreciation
    #[command(subcommand)]
    Asset(AssetCommand),
    /// Suppliers' bills, approved by another officer
    #[command(subcommand)]
    Supplier(SupplierCommand),
    /// Put a cost into its period whose bill is to come; the day after takes it out again
    Accrue(Accrue),
    /// Take the part of a paid cost out of a period that is for days after it
    Prepay(Prepay),
    /// Put FIT into its period that a read has earned and no claim has yet
    AccrueFit {
        /// The installation
        #[arg(long)]
        installation: String,
        /// The last day of the period, with a read
        #[arg(long)]
        on: LocalDay,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// What was put into its period
    Accruals {
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Enter corporation tax of an accounts year, as it was computed
    Tax {
        /// The last day of the year
        #[arg(long)]
        year_end: LocalDay,
        /// How much
        #[arg(long)]
        pounds: Pence,
        /// What it stands on
        #[arg(long)]
        basis: String,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Loans and their schedules
    #[command(subcommand)]
    Loan(LoanCommand),
    /// VAT, where the society is registered
    #[command(subcommand)]
    Vat(VatCommand),
    /// The budget of a year, against what was posted
    #[command(subcommand)]
    Budget(BudgetCommand),
    /// The books for another program
    Download {
        /// For which
        #[arg(long, value_enum)]
        format: Download,
        /// The days
        #[command(flatten)]
        days: Days,
        /// The society
        #[command(flatten)]
        of: Of,
    },
}

/// Whose books.
#[derive(Clone, Debug, Args)]
pub struct Of {
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
}

/// Which days.
#[derive(Clone, Debug, Args)]
pub struct Days {
    /// First day; that of the first entry when left out
    #[arg(long)]
    pub from: Option<LocalDay>,
    /// Last day, included; that of the last entry when left out
    #[arg(long)]
    pub to: Option<LocalDay>,
}

/// `accounts post`
#[derive(Clone, Debug, Args)]
pub struct Post {
    /// The entry's day; a claim's or bill's last day, or a cost's own, when left out
    #[arg(long)]
    pub on: Option<LocalDay>,
    /// What happened, in a few words
    #[arg(long)]
    pub text: Option<String>,
    /// What it was made from: document:…, statement:…, opening:…
    #[arg(long, value_name = "KIND:REFERENCE")]
    pub source: Option<String>,
    /// An amount to debit
    #[arg(long, value_name = "CODE=POUNDS")]
    pub debit: Vec<String>,
    /// An amount to credit
    #[arg(long, value_name = "CODE=POUNDS")]
    pub credit: Vec<String>,
    /// Post a frozen claim, by its number
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["text", "source", "debit", "credit", "bill", "file"])]
    pub claim: Option<u32>,
    /// Post a frozen bill to a host, by its number
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["text", "source", "debit", "credit", "file"])]
    pub bill: Option<u32>,
    /// Post a cost, by its number, with --account
    #[arg(long, value_name = "NUMBER", requires = "account", conflicts_with_all = ["text", "source", "debit", "credit", "file", "claim", "bill"])]
    pub cost: Option<u32>,
    /// The account a cost is spent on
    #[arg(long, value_name = "CODE", requires = "cost")]
    pub account: Option<String>,
    /// The account a cost is paid from; that with the role `bank` when left out
    #[arg(long, value_name = "CODE", requires = "cost")]
    pub paid_from: Option<String>,
    /// Post the rows of a CSV file, all or none: entry,date,text,account,debit,credit and perhaps source
    #[arg(long, conflicts_with_all = ["on", "text", "source", "debit", "credit"])]
    pub file: Option<PathBuf>,
    /// Show what would be posted, with every problem by line, and post nothing
    #[arg(long)]
    pub preview: bool,
    /// The society
    #[command(flatten)]
    pub of: Of,
}

/// Programs that read the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Download {
    /// beancount.
    Beancount,
    /// hledger and ledger.
    Hledger,
    /// Manual journals of Xero.
    Xero,
    /// Journal entries of QuickBooks Online.
    Quickbooks,
    /// Bank transactions of FreeAgent.
    Freeagent,
    /// Audit trail transactions of Sage 50.
    Sage,
    /// Every posting with its source.
    Csv,
}

/// Files that the command reads.
pub fn files(command: &Accounts) -> Option<&PathBuf> {
    match command {
        Accounts::Chart { file, .. } => file.as_ref(),
        Accounts::Post(post) => post.file.as_ref(),
        Accounts::Supplier(SupplierCommand::Add(add)) => Some(&add.file),
        Accounts::Budget(BudgetCommand::Set { file, .. }) => Some(file),
        _ => None,
    }
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Accounts) -> Answer<()> {
    let of = match command {
        Accounts::Reconcile { of } => return books::reconcile(desk, of),
        Accounts::Asset(command) => return books::asset(desk, command),
        Accounts::Supplier(command) => return books::supplier(desk, command),
        Accounts::Accrue(cost) => return books::accrue(desk, cost, None),
        Accounts::Prepay(of) => return books::accrue(desk, &of.cost, Some((of.from, of.to))),
        Accounts::AccrueFit {
            installation,
            on,
            of,
        } => return books::accrue_fit(desk, installation, *on, of),
        Accounts::Accruals { of } => return books::accruals(desk, of),
        Accounts::Tax {
            year_end,
            pounds,
            basis,
            of,
        } => return books::tax(desk, *year_end, *pounds, basis, of),
        Accounts::Loan(command) => return books::loan(desk, command),
        Accounts::Vat(command) => return books::vat(desk, command),
        Accounts::Budget(command) => return books::budget(desk, command),
        Accounts::Post(post) => &post.of,
        Accounts::Chart { of, .. }
        | Accounts::Reverse { of, .. }
        | Accounts::Close { of, .. }
        | Accounts::TrialBalance { of, .. }
        | Accounts::Account { of, .. }
        | Accounts::Entry { of, .. }
        | Accounts::Download { of, .. } => of,
    };
    let society = desk.society(of.society.as_deref())?;
    match command {
        Accounts::Chart { file, standard, .. } => {
            let text = match (file, standard) {
                (Some(file), _) => Some(desk.text(file)?),
                (None, true) => Some(STANDARD_CHART.to_owned()),
                (None, false) => None,
            };
            if let Some(text) = text {
                let by = desk.officer(&society, "applying a chart of accounts")?;
                let changed = society.apply_chart(chart_of_toml(&text)?, &by, desk.now)?;
                if !changed {
                    desk.voice
                        .say("this chart is in force; nothing was changed");
                }
            }
            chart(desk, &society)
        }
        Accounts::Post(post) => posted(desk, &society, post),
        Accounts::Reverse {
            number, on, reason, ..
        } => {
            let by = desk.officer(&society, "reversing an entry")?;
            let reversal = society.reverse_entry(*number, *on, reason, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({ "entry": reversal, "reverses": number }));
            }
            desk.voice
                .data(&format!("entry {reversal} takes entry {number} back\n"));
            Ok(())
        }
        Accounts::Close { until, reason, .. } => {
            let by = desk.officer(&society, "closing the books")?;
            society.close_books(*until, reason, &by, desk.now)?;
            if desk.json() {
                return desk.document(&json!({ "closed_until": until.to_string() }));
            }
            desk.voice
                .data(&format!("the books are closed up to {until}\n"));
            Ok(())
        }
        Accounts::TrialBalance { on, .. } => {
            let today = society.known().zone.day_of(desk.now);
            trial_balance(desk, &society, on.unwrap_or(today))
        }
        Accounts::Account { code, days, .. } => account(desk, &society, code, days),
        Accounts::Entry { number, .. } => entry(desk, &society, *number),
        Accounts::Download { format, days, .. } => download(desk, &society, *format, days),
        // Returned above.
        _ => Ok(()),
    }
}

fn chart(desk: &mut Desk<'_>, society: &SocietyOffice) -> Answer<()> {
    let ledger = society.ledger()?;
    let rows: Vec<Value> = ledger
        .chart()
        .accounts()
        .map(|account| {
            json!({
                "account": account.code.as_str(),
                "name": account.name,
                "kind": account.kind.word(),
                "role": account.role.map(domain::accounts::Role::word),
                "at_least_pence": account.limit.at_least.map(|pence| pence.0),
                "at_most_pence": account.limit.at_most.map(|pence| pence.0),
            })
        })
        .collect();
    if rows.is_empty() {
        desk.voice.say("there is no chart of accounts yet\nhint: `commonwatt accounts chart --standard` starts with one");
    }
    desk.table(&["account", "name", "kind", "role"], &rows, |row| {
        ["account", "name", "kind", "role"]
            .map(|key| row[key].as_str().unwrap_or_default().to_owned())
            .to_vec()
    })
}

fn posted(desk: &mut Desk<'_>, society: &SocietyOffice, post: &Post) -> Answer<()> {
    let entries = if let Some(file) = &post.file {
        let text = desk.text(file)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let read = society.preview_entries(&name, &text)?;
        for problem in &read.problems {
            desk.voice
                .say(&format!("line {}: {}", problem.line, problem.why));
        }
        if !read.problems.is_empty() {
            return refuse(format!(
                "{} lines cannot be posted; nothing was",
                read.problems.len()
            ));
        }
        read.entries.into_iter().map(|(_, entry)| entry).collect()
    } else if let Some(number) = post.claim {
        vec![society.entry_of_claim(number, post.on)?]
    } else if let Some(number) = post.bill {
        vec![society.entry_of_bill(number, post.on)?]
    } else if let (Some(number), Some(account)) = (post.cost, &post.account) {
        let paid_from = post.paid_from.as_deref().map(str::parse).transpose();
        vec![society.entry_of_cost(
            number,
            account.parse().or_caller()?,
            paid_from.or_caller()?,
            post.on,
        )?]
    } else {
        vec![typed(post)?]
    };
    if entries.is_empty() {
        return refuse("the file has no entry");
    }
    let first = if post.preview {
        for entry in &entries {
            if post.file.is_none() {
                society.ledger()?.check(entry).or_caller()?;
            }
        }
        None
    } else {
        let by = desk.officer(society, "posting an entry")?;
        Some(match &post.file {
            Some(file) => {
                let given = desk.given(file)?;
                let file = Columns {
                    file: given.name,
                    bytes: given.bytes,
                    sheet: None,
                    named: Vec::new(),
                    preview: false,
                };
                society.post_file(entries.clone(), &file, &by, desk.now)?
            }
            None => society.post(entries.clone(), &by, desk.now)?,
        })
    };
    if desk.json() {
        let entries = entries.iter().zip(first.unwrap_or_default()..);
        let rows: Vec<Value> = entries
            .map(|(entry, number)| document(entry, first.map(|_| number)))
            .collect();
        return desk.document(&json!({ "posted": first.is_some(), "entries": rows }));
    }
    let mut text = String::new();
    for (entry, number) in entries.iter().zip(first.unwrap_or_default()..) {
        let label = match first {
            Some(_) => format!("entry {number}"),
            None => "would post".to_owned(),
        };
        text.push_str(&format!(
            "{label}, {}: {} ({})\n",
            entry.on, entry.text, entry.source
        ));
        for posting in &entry.postings {
            let side = if posting.pence.0 > 0 {
                "debit "
            } else {
                "credit"
            };
            text.push_str(&format!(
                "  {side} {:<12} {:>16}\n",
                posting.account,
                Pence(posting.pence.0.abs()).to_string()
            ));
        }
    }
    desk.voice.data(&text);
    Ok(())
}

fn document(entry: &NewEntry, number: Option<u32>) -> Value {
    json!({
        "entry": number,
        "on": entry.on.to_string(),
        "text": entry.text,
        "source": entry.source.to_string(),
        "postings": entry.postings.iter().map(|posting| json!({
            "account": posting.account.as_str(),
            "pence": posting.pence.0,
        })).collect::<Vec<_>>(),
    })
}

/// The entry as it was typed.
fn typed(post: &Post) -> Answer<NewEntry> {
    let (Some(on), Some(text), Some(source)) = (post.on, &post.text, &post.source) else {
        return refuse(
            "an entry needs --on DAY, --text WORDS and --source KIND:REFERENCE\nhint: or post a frozen claim (--claim NUMBER), a frozen bill (--bill NUMBER), a cost (--cost NUMBER --account CODE) or a file (--file FILE)",
        );
    };
    let mut postings = Vec::new();
    for (amounts, sign) in [(&post.debit, 1_i64), (&post.credit, -1)] {
        for amount in amounts {
            let Some((code, pounds)) = amount.split_once('=') else {
                return refuse(format!(
                    "`{amount}` is no amount on an account; expected CODE=POUNDS such as 1200=41.25"
                ));
            };
            let account: AccountCode = code.trim().parse().or_caller()?;
            let pence: Pence = pounds.parse().or_caller()?;
            if pence.0 <= 0 {
                return refuse(format!(
                    "`{amount}` is not above nothing; expected an amount, with --debit or --credit for its side"
                ));
            }
            postings.push(Posting {
                account,
                pence: Pence(pence.0.saturating_mul(sign)),
            });
        }
    }
    Ok(NewEntry {
        on,
        text: text.clone(),
        source: source_of(source)?,
        postings,
    })
}

fn trial_balance(desk: &mut Desk<'_>, society: &SocietyOffice, on: LocalDay) -> Answer<()> {
    let known = society.known();
    let year = known.year_start.year_of(on).first_day();
    let ledger = society.ledger()?;
    let balances = ledger.trial_balance(year, on);
    let side = |sign: i64| -> i64 {
        let side = balances.iter().map(|row| row.pence.0.saturating_mul(sign));
        side.filter(|pence| *pence > 0).sum()
    };
    let (debits, credits) = (side(1), side(-1));
    let rows: Vec<Value> = balances
        .iter()
        .map(|row| {
            let account = row.account.as_ref();
            json!({
                "account": account.map(|account| account.code.as_str()),
                "name": account.map_or("Surpluses of earlier years", |account| account.name.as_str()),
                "kind": account.map_or("equity", |account| account.kind.word()),
                "debit_pence": row.pence.0.max(0),
                "credit_pence": row.pence.0.saturating_neg().max(0),
            })
        })
        .collect();
    let sample = known.document.society.sample;
    if desk.json() {
        return desk.document(&json!({
            "society": society.slug(),
            "on": on.to_string(),
            "year_from": year.to_string(),
            "rows": rows,
            "debit_pence": debits,
            "credit_pence": credits,
            "surplus_pence": ledger.surplus(year, on).0,
            "closed_until": ledger.closed().map(|day| day.to_string()),
            "sample": sample,
        }));
    }
    let pounds = |value: &Value| match value.as_i64() {
        Some(0) | None => String::new(),
        Some(pence) => Pence(pence).to_string(),
    };
    let mut table = comfy_table::Table::new();
    table
        .load_preset(comfy_table::presets::NOTHING)
        .set_header(["account", "name", "debit", "credit"]);
    for row in &rows {
        table.add_row([
            row["account"].as_str().unwrap_or_default().to_owned(),
            row["name"].as_str().unwrap_or_default().to_owned(),
            pounds(&row["debit_pence"]),
            pounds(&row["credit_pence"]),
        ]);
    }
    table.add_row([
        String::new(),
        "total".to_owned(),
        Pence(debits).to_string(),
        Pence(credits).to_string(),
    ]);
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    let surplus = ledger.surplus(year, on);
    desk.voice.data(&format!(
        "{}Trial balance of {} at the end of {on}; income and expense from {year}\n\n{table}\n\nincome less expense of the year so far: {surplus}\n",
        if sample { "SAMPLE " } else { "" },
        known.document.society.name,
    ));
    Ok(())
}

/// The days asked for; without them those of the entries.
fn span(desk: &Desk<'_>, society: &SocietyOffice, days: &Days) -> Answer<(LocalDay, LocalDay)> {
    let ledger = society.ledger()?;
    let today = society.known().zone.day_of(desk.now);
    let all = || ledger.entries().iter().map(|entry| entry.new.on);
    let first = days.from.or(all().min()).unwrap_or(today);
    let last = days.to.or(all().max()).unwrap_or(today).max(first);
    if days.to.is_some_and(|to| to < first) {
        return refuse(format!(
            "`{first}` to `{}` has no day; expected the first one first",
            days.to.unwrap_or(last)
        ));
    }
    Ok((first, last))
}

fn account(desk: &mut Desk<'_>, society: &SocietyOffice, code: &str, days: &Days) -> Answer<()> {
    let code: AccountCode = code.parse().or_caller()?;
    let ledger = society.ledger()?;
    let Some(named) = ledger.chart().get(&code) else {
        return refuse(format!(
            "account `{code}` is not in the chart\nhint: `commonwatt accounts chart` lists it"
        ));
    };
    let (first, last) = span(desk, society, days)?;
    let before = ledger.balance(&code, first.previous());
    let rows: Vec<Value> = ledger
        .lines(&code, first, last)
        .into_iter()
        .map(|line| {
            json!({
                "entry": line.entry.number,
                "on": line.entry.new.on.to_string(),
                "text": line.entry.new.text,
                "source": line.entry.new.source.to_string(),
                "reversed_by": ledger.reversed_by(line.entry.number),
                "pence": line.pence.0,
                "balance_pence": line.balance.0,
            })
        })
        .collect();
    if desk.json() {
        return desk.document(&json!({
            "society": society.slug(),
            "account": code.as_str(),
            "name": named.name,
            "from": first.to_string(),
            "to": last.to_string(),
            "opening_pence": before.0,
            "lines": rows,
        }));
    }
    desk.voice.data(&format!(
        "{code} {}, {}: {before} before\n\n",
        named.name,
        Period::Range { first, last }
    ));
    let head = ["entry", "on", "text", "source", "amount", "balance"];
    desk.table(&head, &rows, |row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let pounds = |key: &str| Pence(row[key].as_i64().unwrap_or_default()).to_string();
        vec![
            row["entry"].to_string(),
            text("on"),
            text("text"),
            text("source"),
            pounds("pence"),
            pounds("balance_pence"),
        ]
    })
}

fn entry(desk: &mut Desk<'_>, society: &SocietyOffice, number: u32) -> Answer<()> {
    let opened = society.entry_opened(number)?;
    let new = &opened.entry.new;
    if desk.json() {
        let mut all = document(new, Some(number));
        all["reverses"] = json!(opened.entry.reverses);
        all["reversed_by"] = json!(opened.reversed_by);
        all["opened"] = opened
            .source
            .iter()
            .map(|(what, text)| json!({ "what": what, "text": text }))
            .collect();
        return desk.document(&all);
    }
    let mut text = format!("Entry {number}, {}: {}\n", new.on, new.text);
    for posting in &new.postings {
        let side = if posting.pence.0 > 0 {
            "debit "
        } else {
            "credit"
        };
        let amount = Pence(posting.pence.0.abs()).to_string();
        text.push_str(&format!("  {side} {:<12} {amount:>16}\n", posting.account));
    }
    text.push_str(&format!("\nfrom {}\n", new.source));
    for (what, words) in &opened.source {
        text.push_str(&format!("  {what}: {words}\n"));
    }
    if let Some(of) = opened.entry.reverses {
        text.push_str(&format!("takes entry {of} back\n"));
    }
    if let Some(by) = opened.reversed_by {
        text.push_str(&format!("taken back by entry {by}\n"));
    }
    desk.voice.data(&text);
    Ok(())
}

fn download(
    desk: &mut Desk<'_>,
    society: &SocietyOffice,
    format: Download,
    days: &Days,
) -> Answer<()> {
    let (first, last) = span(desk, society, days)?;
    let known = society.known();
    let books = Books {
        society: &known.document.society.name,
        sample: known.document.society.sample,
        ledger: &society.ledger()?,
        first,
        last,
    };
    let form = match format {
        Download::Beancount => Form::Beancount,
        Download::Hledger => Form::Hledger,
        Download::Xero => Form::Xero,
        Download::Quickbooks => Form::QuickBooks,
        Download::Freeagent => Form::FreeAgent,
        Download::Sage => Form::Sage,
        Download::Csv => Form::Csv,
    };
    desk.voice.data(&books.write(form).or_caller()?);
    Ok(())
}
