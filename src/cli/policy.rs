//! What every command needs, in one table: a command without a row does not compile.
//!
//! Commands that only read need nothing, unless what they read is about persons: who may open the
//! data folder or its socket may read its other files anyway. What decides needs a right, as soon as the node has a user (see `office::users`).

use identity::Right;

use super::args::{self, Command};

/// What a command needs of the person who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// A right in the society it is about.
    Right(Right),
    /// To be the user it is about.
    Own,
}

use Need::{Nothing, Own};
const SEE: Need = Need::Right(Right::See);
const ROLL: Need = Need::Right(Right::Roll);
const METERS: Need = Need::Right(Right::Meters);
const MONEY: Need = Need::Right(Right::Money);
const RIGHTS: Need = Need::Right(Right::Rights);
const APPROVE: Need = Need::Right(Right::Approve);

/// What this command needs.
#[must_use]
pub fn need(command: &Command) -> Need {
    match command {
        Command::Demo(_) | Command::Serve(_) | Command::Config(_) => Nothing,
        Command::Society(args::Society::Apply { dry_run, .. }) => match dry_run {
            true => Nothing,
            false => RIGHTS,
        },
        Command::Site(args::Site::Irradiance(
            args::Light::Import { preview: false, .. } | args::Light::Withdraw { .. },
        )) => METERS,
        Command::Society(_) | Command::Installation(_) | Command::Site(_) => Nothing,
        Command::Meter(args::Meter::List { .. }) => Nothing,
        Command::Meter(_) => METERS,
        Command::Reads(args::Reads::List { .. } | args::Reads::Taken { .. }) => Nothing,
        Command::Reads(_) => METERS,
        Command::Messages(_) | Command::Energy(_) | Command::Report(_) | Command::Rate(_) => {
            Nothing
        }
        Command::Claim(args::Claim::Freeze { .. }) => MONEY,
        Command::Claim(_) => Nothing,
        Command::Bill(args::Bill::Freeze { .. } | args::Bill::Credit { .. }) => MONEY,
        Command::Bill(_) => Nothing,
        Command::Accounts(accounts) => match accounts {
            args::Accounts::Chart {
                file: None,
                standard: false,
                ..
            }
            | args::Accounts::TrialBalance { .. }
            | args::Accounts::Account { .. }
            | args::Accounts::Entry { .. }
            | args::Accounts::Accruals { .. }
            | args::Accounts::Reconcile { .. }
            | args::Accounts::Asset(args::AssetCommand::List { .. })
            | args::Accounts::Supplier(args::SupplierCommand::List { .. })
            | args::Accounts::Loan(args::LoanCommand::List { .. })
            | args::Accounts::Vat(args::VatCommand::Return { sent: false, .. })
            | args::Accounts::Budget(args::BudgetCommand::Show { .. })
            | args::Accounts::Download { .. } => Nothing,
            args::Accounts::Supplier(
                args::SupplierCommand::Approve { .. } | args::SupplierCommand::Refuse { .. },
            ) => APPROVE,
            args::Accounts::Chart { .. }
            | args::Accounts::Asset(_)
            | args::Accounts::Supplier(_)
            | args::Accounts::Accrue(_)
            | args::Accounts::Prepay(_)
            | args::Accounts::AccrueFit { .. }
            | args::Accounts::Tax { .. }
            | args::Accounts::Loan(_)
            | args::Accounts::Vat(_)
            | args::Accounts::Budget(_)
            | args::Accounts::Post(_)
            | args::Accounts::Reverse { .. }
            | args::Accounts::Close { .. } => MONEY,
        },
        Command::Bank(args::Bank::List { .. }) => Nothing,
        Command::Bank(_) => MONEY,
        Command::Table(table) => match table {
            args::Table::List { .. } | args::Table::Show { .. } => Nothing,
            args::Table::Extend { .. } => MONEY,
            args::Table::Approve { .. } | args::Table::Refuse { .. } => APPROVE,
        },
        Command::Members(members) => match members {
            args::Members::List { .. }
            | args::Members::Show(_)
            | args::Members::Nominations { .. }
            | args::Members::Export(_) => SEE,
            _ => ROLL,
        },
        Command::Shares(shares) => match shares {
            args::Shares::Holdings { .. }
            | args::Shares::Movements { .. }
            | args::Shares::Applications { .. }
            | args::Shares::Withdrawals { .. }
            | args::Shares::Certificate { .. } => SEE,
            args::Shares::Pay { .. } | args::Shares::Repay { .. } => MONEY,
            _ => ROLL,
        },
        Command::Register(_) => SEE,
        Command::Interest(interest) => match interest {
            args::Interest::List { .. }
            | args::Interest::Show { .. }
            | args::Interest::Preview(_)
            | args::Interest::Waterfall(_)
            | args::Interest::Afford(_)
            | args::Interest::Outlook { .. } => SEE,
            args::Interest::Approve { .. } => APPROVE,
            args::Interest::Prepare(_)
            | args::Interest::Freeze { .. }
            | args::Interest::Void { .. } => MONEY,
        },
        Command::Payments(payments) => match payments {
            args::Payments::Profiles => Nothing,
            args::Payments::Owed { .. }
            | args::Payments::List { .. }
            | args::Payments::Show { .. }
            | args::Payments::Check { .. } => SEE,
            args::Payments::Approve { .. } => APPROVE,
            args::Payments::Prepare(_)
            | args::Payments::File { .. }
            | args::Payments::Cheques { .. }
            | args::Payments::Report { .. }
            | args::Payments::Paid(_)
            | args::Payments::Returned(_)
            | args::Payments::Forfeit { .. }
            | args::Payments::Cancel { .. } => MONEY,
        },
        Command::Papers(_) => SEE,
        // Names, addresses and amounts of all members leave in files.
        Command::Statements(_) => ROLL,
        Command::Projection { .. } | Command::Notice(_) => Nothing,
        Command::Cost(args::CostCommand::List { .. }) => Nothing,
        Command::Cost(_) => MONEY,
        Command::Outage(args::OutageCommand::List { .. } | args::OutageCommand::Show { .. }) => {
            Nothing
        }
        Command::Outage(_) => METERS,
        Command::Tasks(args::Tasks::List { .. }) => Nothing,
        // Whatever the duty is about, one of the officers has done it; the record says who.
        Command::Tasks(args::Tasks::Done { .. }) => SEE,
        Command::Ballot(ballot) => match ballot {
            args::Ballots::List { .. }
            | args::Ballots::Show(_)
            | args::Ballots::Check { .. }
            | args::Ballots::Publish(_) => Nothing,
            // The voter shows the code on the letter.
            args::Ballots::Vote { .. } => Nothing,
            // Two of the secretary, the treasurer and an approver.
            args::Ballots::Paper(_) => APPROVE,
            args::Ballots::Call { .. }
            | args::Ballots::Codes { .. }
            | args::Ballots::Proxy { .. }
            | args::Ballots::Close(_)
            | args::Ballots::Cancel { .. } => ROLL,
        },
        // What a council holds is about a member.
        Command::Council(args::Council::Stake(_)) => SEE,
        Command::Council(
            args::Council::Pack { sign: false, .. } | args::Council::Letter { .. },
        ) => SEE,
        Command::Council(
            args::Council::Enter { .. } | args::Council::Pack { .. } | args::Council::Bundle { .. },
        ) => ROLL,
        Command::Council(args::Council::Officer { .. }) => RIGHTS,
        Command::Outcome(args::Outcomes::Report { .. }) => Nothing,
        Command::Outcome(args::Outcomes::Enter { .. }) => ROLL,
        Command::Fund(fund) => match fund {
            args::Funds::Report { .. } => Nothing,
            args::Funds::Bring { .. } | args::Funds::Enter { .. } | args::Funds::End { .. } => {
                MONEY
            }
            // Another officer than the one who entered the grant.
            args::Funds::Pay { .. } => APPROVE,
        },
        Command::Closing(args::Closings::Enter { .. }) => MONEY,
        Command::Closing(_) => Nothing,
        Command::Project(project) => match project {
            args::Projects::List { .. } | args::Projects::Report { .. } => Nothing,
            args::Projects::Enter { .. }
            | args::Projects::Name { .. }
            | args::Projects::Unname { .. } => ROLL,
        },
        Command::Alerts(args::Alerts::List { .. }) => Nothing,
        Command::Alerts(args::Alerts::Seen { .. } | args::Alerts::Test { .. }) => METERS,
        Command::Gateway(args::Gateway::List { .. } | args::Gateway::Acl { .. }) => Nothing,
        Command::Gateway(_) => METERS,
        Command::Inbox(args::Inbox::List | args::Inbox::Show { .. }) => Nothing,
        Command::Inbox(_) => METERS,
        Command::Map(args::Map::Apply { .. }) => METERS,
        Command::Map(_) => Nothing,
        // The mirror is fed, never read for money; the owner of the folder sees to it.
        Command::Influx(_) => Nothing,
        Command::Imports(args::Imports::List { .. }) => SEE,
        // Names and bank details of all members stand in them.
        Command::Imports(_) => ROLL,
        Command::Keys(args::Keys::Check) => Nothing,
        // Whoever has the words can read members' bank details.
        Command::Keys(_) => RIGHTS,
        Command::Verify(_) | Command::Rebuild(_) | Command::Head(_) | Command::Backup(_) => Nothing,
        Command::User(user) => match user {
            args::User::List | args::User::SetUp { .. } => Nothing,
            args::User::Token { .. } => Own,
            args::User::Reset { .. } => APPROVE,
            // A member is let see what is theirs by whoever keeps the roll.
            args::User::Add {
                member: Some(_), ..
            } => ROLL,
            args::User::Add { .. }
            | args::User::Invite { .. }
            | args::User::Role { .. }
            | args::User::Disable { .. }
            | args::User::EndToken { .. } => RIGHTS,
        },
    }
}
