//! `accounts asset|supplier|accrue|prepay|accrue-fit|accruals|tax|loan|vat|budget …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{
    accounts::{AccountCode, MAX_LIFE_MONTHS, Posting},
    calendar::LocalDay,
    interest::Percent,
    money::Pence,
};
use office::{
    Answer, SocietyOffice,
    accounts::{
        BillStanding, NewAccrual, NewSupplierBill, SupplierBillLine, VatReturn, budget_of_csv,
    },
    answer::{OrCaller, refuse},
};
use records::books::{AssetDisposed, AssetEntered, LoanTaken, VatTerms};
use serde_json::{Value, json};

use super::{Desk, accounts::Of, members::done};

/// `accounts asset …`
#[derive(Clone, Debug, Subcommand)]
pub enum AssetCommand {
    /// Enter a fixed asset that an entry of the books bought or took over
    Add(AddAsset),
    /// List the fixed assets: cost, depreciation, what they are still worth, and the entries
    List {
        /// At the end of this day; today when left out
        #[arg(long)]
        on: Option<LocalDay>,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Charge straight-line depreciation of all assets up to the end of a day
    Depreciate {
        /// The day, such as the last of the accounts year
        #[arg(long)]
        until: LocalDay,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// An asset went: take it out of the books
    Dispose {
        /// Its number
        number: u32,
        /// The day
        #[arg(long)]
        on: LocalDay,
        /// What was paid for it
        #[arg(long, default_value = "0")]
        proceeds: Pence,
        /// Where that went; the bank account when left out
        #[arg(long, value_name = "CODE")]
        paid_to: Option<String>,
        /// Why it went
        #[arg(long)]
        reason: String,
        /// The society
        #[command(flatten)]
        of: Of,
    },
}

/// `accounts asset add`
#[derive(Clone, Debug, Args)]
pub struct AddAsset {
    /// What it is
    #[arg(long)]
    pub name: String,
    /// What it cost
    #[arg(long)]
    pub cost: Pence,
    /// What it is worth at the end of its life
    #[arg(long, default_value = "0")]
    pub residual: Pence,
    /// Its life
    #[arg(long)]
    pub life_months: u32,
    /// The day it came into use
    #[arg(long)]
    pub on: LocalDay,
    /// The entry that bought it or took it over
    #[arg(long)]
    pub entry: u32,
    /// The account with its cost
    #[arg(long, value_name = "CODE")]
    pub account: String,
    /// The account with depreciation so far
    #[arg(long, value_name = "CODE")]
    pub depreciation: String,
    /// The account that depreciation is charged to
    #[arg(long, value_name = "CODE")]
    pub expense: String,
    /// Depreciation that opening balances hold already
    #[arg(long, default_value = "0")]
    pub before: Pence,
    /// The roof it is part of
    #[arg(long, default_value = "")]
    pub site: String,
    /// The society
    #[command(flatten)]
    pub of: Of,
}

/// `accounts supplier …`
#[derive(Clone, Debug, Subcommand)]
pub enum SupplierCommand {
    /// Enter a supplier's bill with the bill itself; another officer approves it
    Add(AddBill),
    /// Approve a bill that another officer entered; it is owed and in the books then
    Approve {
        /// Its number
        number: u32,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Refuse a bill that another officer entered
    Refuse {
        /// Its number
        number: u32,
        /// Why
        #[arg(long)]
        reason: String,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// Post that a bill was paid
    Paid {
        /// Its number
        number: u32,
        /// The day
        #[arg(long)]
        on: LocalDay,
        /// From which account; the bank account when left out
        #[arg(long, value_name = "CODE")]
        from: Option<String>,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// List suppliers' bills and how they stand
    List {
        /// The society
        #[command(flatten)]
        of: Of,
    },
}

/// `accounts supplier add`
#[derive(Clone, Debug, Args)]
pub struct AddBill {
    /// Who wants the money
    #[arg(long)]
    pub supplier: String,
    /// The bill's own number
    #[arg(long)]
    pub reference: String,
    /// Its day
    #[arg(long)]
    pub on: LocalDay,
    /// The day by which to pay
    #[arg(long)]
    pub due: LocalDay,
    /// What it is for, net of VAT; may be given again
    #[arg(long, value_name = "CODE=POUNDS", required = true)]
    pub line: Vec<String>,
    /// VAT on it, where the society is registered
    #[arg(long, default_value = "0")]
    pub vat: Pence,
    /// The bill
    #[arg(long)]
    pub file: PathBuf,
    /// The society
    #[command(flatten)]
    pub of: Of,
}

/// `accounts accrue`
#[derive(Clone, Debug, Args)]
pub struct Accrue {
    /// The last day of the period
    #[arg(long)]
    pub on: LocalDay,
    /// The cost's account
    #[arg(long, value_name = "CODE")]
    pub account: String,
    /// How much
    #[arg(long)]
    pub pounds: Pence,
    /// What it stands on
    #[arg(long)]
    pub basis: String,
    /// The society
    #[command(flatten)]
    pub of: Of,
}

/// `accounts prepay`
#[derive(Clone, Debug, Args)]
pub struct Prepay {
    /// The cost
    #[command(flatten)]
    pub cost: Accrue,
    /// First day it is for
    #[arg(long)]
    pub from: LocalDay,
    /// Last day it is for
    #[arg(long)]
    pub to: LocalDay,
}

/// `accounts loan …`
#[derive(Clone, Debug, Subcommand)]
pub enum LoanCommand {
    /// Take a loan: its principal goes to the bank account
    Add(AddLoan),
    /// Post the next instalment
    Pay {
        /// The loan
        number: u32,
        /// The day
        #[arg(long)]
        on: LocalDay,
        /// From which account; the bank account when left out
        #[arg(long, value_name = "CODE")]
        from: Option<String>,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// List the loans with their schedules
    List {
        /// The society
        #[command(flatten)]
        of: Of,
    },
}

/// `accounts loan add`
#[derive(Clone, Debug, Args)]
pub struct AddLoan {
    /// Who lent it
    #[arg(long)]
    pub lender: String,
    /// The day it was drawn
    #[arg(long)]
    pub on: LocalDay,
    /// The principal
    #[arg(long)]
    pub pounds: Pence,
    /// The yearly rate, per cent
    #[arg(long)]
    pub rate: Percent,
    /// Instalments
    #[arg(long)]
    pub instalments: u32,
    /// Months between two of them
    #[arg(long, default_value_t = 12)]
    pub every_months: u32,
    /// equal-payments, equal-principal or at-the-end
    #[arg(long, default_value = "equal-payments")]
    pub repayment: String,
    /// The account of the principal
    #[arg(long, value_name = "CODE")]
    pub account: String,
    /// The account of the interest
    #[arg(long, value_name = "CODE")]
    pub interest: String,
    /// Where the money went; the bank account when left out
    #[arg(long, value_name = "CODE")]
    pub into: Option<String>,
    /// The paper
    #[arg(long)]
    pub document: String,
    /// The society
    #[command(flatten)]
    pub of: Of,
}

/// `accounts vat …`
#[derive(Clone, Debug, Subcommand)]
pub enum VatCommand {
    /// Say from when the society is registered, and the rates
    Terms {
        /// The first day
        #[arg(long)]
        from: LocalDay,
        /// It is not registered from that day on
        #[arg(long, conflicts_with = "rate")]
        not_registered: bool,
        /// A rate: standard=20; may be given again
        #[arg(long, value_name = "NAME=PERCENT")]
        rate: Vec<String>,
        /// Where this stands
        #[arg(long)]
        source: String,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// The nine boxes of a return, each with its entries
    Return {
        /// First day
        #[arg(long)]
        from: LocalDay,
        /// Last day
        #[arg(long)]
        to: LocalDay,
        /// It was sent to HMRC as it is
        #[arg(long)]
        sent: bool,
        /// The society
        #[command(flatten)]
        of: Of,
    },
}

/// `accounts budget …`
#[derive(Clone, Debug, Subcommand)]
pub enum BudgetCommand {
    /// Set the budget of an accounts year from a CSV file: account,pounds
    Set {
        /// The file
        file: PathBuf,
        /// The first day of the accounts year
        #[arg(long)]
        year: LocalDay,
        /// Where it stands: the board's minute
        #[arg(long)]
        source: String,
        /// The society
        #[command(flatten)]
        of: Of,
    },
    /// The budget against what was posted
    Show {
        /// Up to this day of its year; today when left out
        #[arg(long)]
        on: Option<LocalDay>,
        /// The society
        #[command(flatten)]
        of: Of,
    },
}

/// Runs `accounts asset …`.
pub fn asset(desk: &mut Desk<'_>, command: &AssetCommand) -> Answer<()> {
    match command {
        AssetCommand::Add(add) => {
            let society = desk.society(add.of.society.as_deref())?;
            let by = desk.officer(&society, "entering a fixed asset")?;
            if add.life_months > MAX_LIFE_MONTHS {
                return refuse(format!("a life has at most {MAX_LIFE_MONTHS} months"));
            }
            let new = AssetEntered {
                number: 0,
                name: add.name.clone(),
                cost_account: add.account.clone(),
                depreciation_account: add.depreciation.clone(),
                expense_account: add.expense.clone(),
                on: add.on.to_string(),
                cost_pence: add.cost.0,
                residual_pence: add.residual.0,
                life_months: add.life_months,
                before_pence: add.before.0,
                entry: add.entry,
                site: add.site.clone(),
            };
            let number = society.enter_asset(&new, &by, desk.now)?;
            made(desk, "asset", number)
        }
        AssetCommand::List { on, of } => {
            let society = desk.society(of.society.as_deref())?;
            let on = on.unwrap_or_else(|| society.known().zone.day_of(desk.now));
            let rows: Vec<Value> = society
                .asset_lines(on)?
                .iter()
                .map(|line| {
                    let entered = &line.entered;
                    json!({
                        "asset": entered.number, "name": entered.name, "on": entered.on,
                        "site": entered.site, "account": entered.cost_account,
                        "life_months": entered.life_months, "cost_pence": entered.cost_pence,
                        "residual_pence": entered.residual_pence,
                        "depreciation_pence": line.charged.0, "worth_pence": line.worth.0,
                        "bought_by_entry": entered.entry, "entries": line.entries,
                        "disposed": line.disposed.map(|day| day.to_string()),
                    })
                })
                .collect();
            let head = [
                "",
                "asset",
                "in use",
                "cost",
                "depreciation",
                "worth",
                "went",
            ];
            desk.table(&head, &rows, |row| {
                vec![
                    row["asset"].to_string(),
                    text(row, "name"),
                    text(row, "on"),
                    pounds(row, "cost_pence"),
                    pounds(row, "depreciation_pence"),
                    pounds(row, "worth_pence"),
                    text(row, "disposed"),
                ]
            })
        }
        AssetCommand::Depreciate { until, of } => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "charging depreciation")?;
            let entries = society.depreciate(*until, &by, desk.now)?;
            if entries.is_empty() {
                desk.voice
                    .say("depreciation is charged to that day already");
            }
            posted(desk, &entries)
        }
        AssetCommand::Dispose {
            number,
            on,
            proceeds,
            paid_to,
            reason,
            of,
        } => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "taking an asset out")?;
            let gone = AssetDisposed {
                number: *number,
                on: on.to_string(),
                proceeds_pence: proceeds.0,
                reason: reason.clone(),
            };
            let entries = society.dispose_asset(&gone, code(paid_to)?, &by, desk.now)?;
            posted(desk, &entries)
        }
    }
}

/// Runs `accounts supplier …`.
pub fn supplier(desk: &mut Desk<'_>, command: &SupplierCommand) -> Answer<()> {
    match command {
        SupplierCommand::Add(add) => {
            let society = desk.society(add.of.society.as_deref())?;
            let by = desk.officer(&society, "entering a supplier's bill")?;
            let mut lines = Vec::new();
            for line in &add.line {
                let Some((account, pounds)) = line.split_once('=') else {
                    return refuse(format!(
                        "`{line}` is no line; expected CODE=POUNDS such as 6000=412.50"
                    ));
                };
                lines.push(Posting {
                    account: account.trim().parse().or_caller()?,
                    pence: pounds.parse().or_caller()?,
                });
            }
            let new = NewSupplierBill {
                supplier: add.supplier.clone(),
                reference: add.reference.clone(),
                on: add.on,
                due: add.due,
                lines,
                vat: add.vat,
                file: desk.given(&add.file)?,
            };
            let number = society.enter_supplier_bill(&new, &by, desk.now)?;
            made(desk, "bill", number)
        }
        SupplierCommand::Approve { number, of } => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "approving a supplier's bill")?;
            let entry = society.approve_supplier_bill(*number, &by, desk.now)?;
            posted(desk, &[entry])
        }
        SupplierCommand::Refuse { number, reason, of } => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "refusing a supplier's bill")?;
            society.refuse_supplier_bill(*number, reason, &by, desk.now)?;
            done(desk, &format!("bill {number} is refused"))
        }
        SupplierCommand::Paid {
            number,
            on,
            from,
            of,
        } => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "posting a payment")?;
            let entry = society.pay_supplier_bill(*number, *on, code(from)?, &by, desk.now)?;
            posted(desk, &[entry])
        }
        SupplierCommand::List { of } => {
            let society = desk.society(of.society.as_deref())?;
            let bills = society.supplier_bills(desk.now)?;
            let rows: Vec<Value> = bills
                .iter()
                .map(|line| bill(line, &society.kept_at(&line.bill.file)))
                .collect();
            let head = ["", "supplier", "bill", "of", "due", "gross", "stands"];
            desk.table(&head, &rows, |row| {
                vec![
                    row["bill"].to_string(),
                    text(row, "supplier"),
                    text(row, "reference"),
                    text(row, "on"),
                    text(row, "due"),
                    pounds(row, "gross_pence"),
                    text(row, "stands"),
                ]
            })
        }
    }
}

fn bill(line: &SupplierBillLine, file: &std::path::Path) -> Value {
    let bill = &line.bill;
    let (stands, entries) = match &line.standing {
        BillStanding::Waits => ("waits for another officer".to_owned(), vec![]),
        BillStanding::Refused(why) => (format!("refused: {why}"), vec![]),
        BillStanding::Owed(entry) if line.late => ("owed, and late".to_owned(), vec![*entry]),
        BillStanding::Owed(entry) => ("owed".to_owned(), vec![*entry]),
        BillStanding::Paid(entry, paid) => ("paid".to_owned(), vec![*entry, *paid]),
        BillStanding::TakenBack => ("taken back".to_owned(), vec![]),
    };
    json!({
        "bill": bill.number, "supplier": bill.supplier, "reference": bill.reference,
        "on": bill.on, "due": bill.due, "by": line.by, "vat_pence": bill.vat_pence,
        "gross_pence": line.gross().0, "stands": stands, "entries": entries, "file": file,
    })
}

/// Runs `accounts accrue` and `accounts prepay`.
pub fn accrue(
    desk: &mut Desk<'_>,
    cost: &Accrue,
    days: Option<(LocalDay, LocalDay)>,
) -> Answer<()> {
    let account: AccountCode = cost.account.parse().or_caller()?;
    let basis = cost.basis.clone();
    let new = match days {
        None => NewAccrual::Cost {
            account,
            pence: cost.pounds,
            basis,
        },
        Some(days) => NewAccrual::Prepaid {
            account,
            pence: cost.pounds,
            days,
            basis,
        },
    };
    let society = desk.society(cost.of.society.as_deref())?;
    let by = desk.officer(&society, "putting a cost into its period")?;
    let (pence, entries) = society.accrue(&new, cost.on, &by, desk.now)?;
    accrued(desk, pence, &entries)
}

/// Runs `accounts accrue-fit`.
pub fn accrue_fit(desk: &mut Desk<'_>, installation: &str, on: LocalDay, of: &Of) -> Answer<()> {
    let (society, installation) = desk
        .office
        .installation(installation, of.society.as_deref())?;
    desk.check(&society)?;
    let by = desk.officer(&society, "accruing FIT")?;
    let new = NewAccrual::Fit(Box::new(installation));
    let (pence, entries) = society.accrue(&new, on, &by, desk.now)?;
    accrued(desk, pence, &entries)
}

fn accrued(desk: &mut Desk<'_>, pence: Pence, entries: &[u32]) -> Answer<()> {
    if !desk.json() {
        desk.voice.say(&format!("{pence} is put into the period"));
        return posted(desk, entries);
    }
    desk.document(&json!({ "pence": pence.0, "entries": entries }))
}

/// Runs `accounts accruals`.
pub fn accruals(desk: &mut Desk<'_>, of: &Of) -> Answer<()> {
    let society = desk.society(of.society.as_deref())?;
    let rows: Vec<Value> = society
        .accruals()?
        .iter()
        .map(|line| {
            let entered = &line.entered;
            json!({
                "accrual": entered.number, "kind": entered.kind, "on": entered.on,
                "basis": entered.basis, "pence": entered.pence,
                "entry": line.entry, "back": line.back,
            })
        })
        .collect();
    desk.table(
        &["", "kind", "at the end of", "basis", "amount"],
        &rows,
        |row| {
            vec![
                row["accrual"].to_string(),
                text(row, "kind"),
                text(row, "on"),
                text(row, "basis"),
                pounds(row, "pence"),
            ]
        },
    )
}

/// Runs `accounts tax`.
pub fn tax(
    desk: &mut Desk<'_>,
    year_end: LocalDay,
    pence: Pence,
    basis: &str,
    of: &Of,
) -> Answer<()> {
    let society = desk.society(of.society.as_deref())?;
    let by = desk.officer(&society, "entering corporation tax")?;
    let entry = society.enter_corporation_tax(year_end, pence, basis, &by, desk.now)?;
    posted(desk, &[entry])
}

/// Runs `accounts loan …`.
pub fn loan(desk: &mut Desk<'_>, command: &LoanCommand) -> Answer<()> {
    match command {
        LoanCommand::Add(add) => {
            let society = desk.society(add.of.society.as_deref())?;
            let by = desk.officer(&society, "taking a loan")?;
            let new = LoanTaken {
                number: 0,
                lender: add.lender.clone(),
                on: add.on.to_string(),
                pence: add.pounds.0,
                percent: add.rate.to_string(),
                instalments: add.instalments,
                every_months: add.every_months,
                repayment: add.repayment.clone(),
                account: add.account.clone(),
                interest_account: add.interest.clone(),
                document: add.document.clone(),
            };
            let (number, _) = society.take_loan(&new, code(&add.into)?, &by, desk.now)?;
            made(desk, "loan", number)
        }
        LoanCommand::Pay {
            number,
            on,
            from,
            of,
        } => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "paying an instalment")?;
            let (_, entry) = society.pay_instalment(*number, *on, code(from)?, &by, desk.now)?;
            posted(desk, &[entry])
        }
        LoanCommand::List { of } => {
            let society = desk.society(of.society.as_deref())?;
            let loans = society.loans()?;
            if desk.json() {
                let all: Vec<Value> = loans
                    .iter()
                    .map(|loan| {
                        json!({
                            "loan": loan.taken.number, "lender": loan.taken.lender,
                            "on": loan.taken.on, "pence": loan.taken.pence,
                            "percent": loan.taken.percent, "owed_pence": loan.owed.0,
                            "schedule": loan.schedule.iter().map(|line| json!({
                                "instalment": line.instalment.number,
                                "due": line.due.to_string(),
                                "interest_pence": line.instalment.interest.0,
                                "principal_pence": line.instalment.principal.0,
                                "balance_pence": line.instalment.balance.0,
                                "entry": line.paid,
                            })).collect::<Vec<_>>(),
                        })
                    })
                    .collect();
                return desk.document(&all);
            }
            for loan in &loans {
                let taken = &loan.taken;
                desk.voice.data(&format!(
                    "Loan {} of {}: {} at {} % from {}; {} is owed\n",
                    taken.number,
                    taken.lender,
                    Pence(taken.pence),
                    taken.percent,
                    taken.on,
                    loan.owed
                ));
                let rows: Vec<Vec<String>> = loan
                    .schedule
                    .iter()
                    .map(|line| {
                        vec![
                            line.instalment.number.to_string(),
                            line.due.to_string(),
                            line.instalment.interest.to_string(),
                            line.instalment.principal.to_string(),
                            line.instalment.balance.to_string(),
                            line.paid
                                .map_or_else(String::new, |entry| format!("entry {entry}")),
                        ]
                    })
                    .collect();
                let head = ["", "due", "interest", "principal", "owed then", "paid"];
                desk.table(&head, &rows, Vec::clone)?;
            }
            Ok(())
        }
    }
}

/// Runs `accounts reconcile`.
pub fn reconcile(desk: &mut Desk<'_>, of: &Of) -> Answer<()> {
    let society = desk.society(of.society.as_deref())?;
    let lines = society.reconciled(desk.now)?;
    let rows: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "what": line.what, "account": line.account, "register_pence": line.register.0,
                "books_pence": line.books.0, "apart_pence": line.apart().0,
            })
        })
        .collect();
    desk.table(
        &["", "account", "register", "books", "apart"],
        &rows,
        |row| {
            vec![
                text(row, "what"),
                text(row, "account"),
                pounds(row, "register_pence"),
                pounds(row, "books_pence"),
                pounds(row, "apart_pence"),
            ]
        },
    )?;
    match lines.iter().find(|line| line.apart() != Pence::ZERO) {
        None => Ok(()),
        Some(line) => refuse(format!(
            "{} by the register is {}, and account `{}` has {}\nhint: `commonwatt accounts account {}` shows its postings, `shares movements` and `payments owed` the other side",
            line.what, line.register, line.account, line.books, line.account
        )),
    }
}

/// Says what differs between the register and the books, where money is about to leave.
pub fn warn_apart(desk: &mut Desk<'_>, society: &SocietyOffice) -> Answer<()> {
    // A chart without these roles has nothing to hold against the register.
    for line in society.reconciled(desk.now).unwrap_or_default() {
        if line.apart() != Pence::ZERO {
            desk.voice.say(&format!(
                "before money leaves: {} by the register is {}, and the books have {}\nhint: `commonwatt accounts reconcile`",
                line.what, line.register, line.books
            ));
        }
    }
    Ok(())
}

/// Runs `accounts vat …`.
pub fn vat(desk: &mut Desk<'_>, command: &VatCommand) -> Answer<()> {
    match command {
        VatCommand::Terms {
            from,
            not_registered,
            rate,
            source,
            of,
        } => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "entering VAT terms")?;
            let mut rates = Vec::new();
            for one in rate {
                let Some((name, percent)) = one.split_once('=') else {
                    return refuse(format!(
                        "`{one}` is no rate; expected NAME=PERCENT such as standard=20"
                    ));
                };
                rates.push((name.trim().to_owned(), percent.trim().to_owned()));
            }
            let terms = VatTerms {
                from: from.to_string(),
                registered: !not_registered,
                rates,
                source: source.clone(),
            };
            let changed = society.set_vat(&terms, &by, desk.now)?;
            let became = if changed { "from then on" } else { "already" };
            done(desk, &format!("these terms are in force {became}"))
        }
        VatCommand::Return { from, to, sent, of } => {
            let society = desk.society(of.society.as_deref())?;
            let made = match sent {
                true => {
                    let by = desk.officer(&society, "noting a VAT return")?;
                    society.vat_returned(*from, *to, &by, desk.now)?
                }
                false => society.vat_return(*from, *to)?,
            };
            show_return(desk, &made)
        }
    }
}

fn show_return(desk: &mut Desk<'_>, made: &VatReturn) -> Answer<()> {
    if desk.json() {
        return desk.document(&json!({
            "from": made.days.0.to_string(),
            "to": made.days.1.to_string(),
            "boxes_pence": made.boxes,
            "entries": made.entries.iter().map(|(number, entry, pence)| json!({
                "box": number, "entry": entry, "pence": pence.0,
            })).collect::<Vec<_>>(),
            "others": made.others,
            "sent": made.sent,
        }));
    }
    const WORDS: [&str; 9] = [
        "VAT due on sales",
        "VAT due on acquisitions",
        "VAT due in all",
        "VAT reclaimed on purchases",
        "VAT to pay (below nothing: to reclaim)",
        "sales without VAT",
        "purchases without VAT",
        "supplies to the EU",
        "acquisitions from the EU",
    ];
    let mut out = format!("VAT return of {} to {}\n\n", made.days.0, made.days.1);
    for ((pence, words), number) in made.boxes.iter().zip(WORDS).zip(1_usize..) {
        out.push_str(&format!(
            "box {number}  {words:<40} {:>16}\n",
            Pence(*pence).to_string()
        ));
        let behind = made.entries.iter().filter(|(of, ..)| *of == number);
        for (_, entry, pence) in behind {
            out.push_str(&format!("         entry {entry}: {pence}\n"));
        }
    }
    if !made.others.is_empty() {
        let all: Vec<String> = made.others.iter().map(u32::to_string).collect();
        out.push_str(&format!(
            "\nin no box, and on the VAT account: entries {}\n",
            all.join(", ")
        ));
    }
    desk.voice.data(&out);
    Ok(())
}

/// Runs `accounts budget …`.
pub fn budget(desk: &mut Desk<'_>, command: &BudgetCommand) -> Answer<()> {
    match command {
        BudgetCommand::Set {
            file,
            year,
            source,
            of,
        } => {
            let society = desk.society(of.society.as_deref())?;
            let by = desk.officer(&society, "setting a budget")?;
            let lines = budget_of_csv(&desk.text(file)?)?;
            society.set_budget(*year, source, &lines, &by, desk.now)?;
            done(
                desk,
                &format!(
                    "the budget of the year from {year} has {} lines",
                    lines.len()
                ),
            )
        }
        BudgetCommand::Show { on, of } => {
            let society = desk.society(of.society.as_deref())?;
            let on = on.unwrap_or_else(|| society.known().zone.day_of(desk.now));
            let report = society.budget(on)?;
            let rows: Vec<Value> = report
                .lines
                .iter()
                .map(|line| {
                    json!({
                        "account": line.account.as_str(), "name": line.name,
                        "kind": line.kind.word(), "budget_pence": line.budget.0,
                        "actual_pence": line.actual.0,
                        "difference_pence": line.actual.0.saturating_sub(line.budget.0),
                    })
                })
                .collect();
            if desk.json() {
                return desk.document(&json!({
                    "from": report.from.to_string(), "to": report.to.to_string(),
                    "source": report.source, "lines": rows,
                }));
            }
            let source = match report.source.as_str() {
                "" => "no budget was set for this year".to_owned(),
                source => format!("budget: {source}"),
            };
            desk.voice
                .say(&format!("{} to {}; {source}", report.from, report.to));
            let head = [
                "account",
                "name",
                "kind",
                "budget of the year",
                "so far",
                "difference",
            ];
            desk.table(&head, &rows, |row| {
                vec![
                    text(row, "account"),
                    text(row, "name"),
                    text(row, "kind"),
                    pounds(row, "budget_pence"),
                    pounds(row, "actual_pence"),
                    pounds(row, "difference_pence"),
                ]
            })
        }
    }
}

fn code(text: &Option<String>) -> Answer<Option<AccountCode>> {
    text.as_deref().map(str::parse).transpose().or_caller()
}

fn made(desk: &mut Desk<'_>, what: &str, number: u32) -> Answer<()> {
    if desk.json() {
        return desk.document(&json!({ what: number }));
    }
    desk.voice.data(&format!("{what} {number}\n"));
    Ok(())
}

fn posted(desk: &mut Desk<'_>, entries: &[u32]) -> Answer<()> {
    if desk.json() {
        return desk.document(&json!({ "entries": entries }));
    }
    let lines = entries.iter().map(|entry| format!("entry {entry}\n"));
    desk.voice.data(&lines.collect::<String>());
    Ok(())
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_default().to_owned()
}

fn pounds(row: &Value, key: &str) -> String {
    Pence(row[key].as_i64().unwrap_or_default()).to_string()
}
