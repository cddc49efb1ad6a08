//! The command line as it is typed: every command of the contract that is built so far.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use super::accounts::Accounts;
pub use super::alerts::Alerts;
pub use super::ballot::Ballots;
pub use super::bank::Bank;
pub use super::bill::Bill;
pub use super::books::{AssetCommand, BudgetCommand, LoanCommand, SupplierCommand, VatCommand};
pub use super::cases::Cases;
pub use super::claim::Claim;
pub use super::closing::Closings;
pub use super::community::{Funds, Projects};
pub use super::cost::CostCommand;
pub use super::council::{Council, Outcomes};
pub use super::dials::{Figure, Take, Which};
pub use super::imports::Imports;
pub use super::influx::Influx;
pub use super::interest::Interest;
pub use super::keys::Keys;
pub use super::members::{Bank as MemberBank, ImportOf as RollImport, Members};
pub use super::messages::Messages;
pub use super::outage::{NoticeCommand, OutageCommand};
pub use super::papers::Papers;
pub use super::payments::Payments;
pub use super::rate::Rate;
pub use super::shares::{Register, Shares};
pub use super::site::{Light, Site};
pub use super::statements::Statements;
pub use super::table::Table;
pub use super::tasks::Tasks;

/// Commonwatt runs a community energy co-operative: from the roof's meter to the report.
#[derive(Clone, Debug, Parser)]
#[command(name = "commonwatt", version, max_term_width = 100)]
pub struct Cli {
    /// The data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print one JSON document on stdout instead of text
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Who acts: an officer's id of the society, or a user's
    #[arg(long = "as", global = true, value_name = "OFFICER")]
    pub officer: Option<String>,
    /// A file with a token of the user named by --as, instead of a password and a code
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// How a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Three Brixton societies as sample data, simulated roofs over real MQTT, all pages
    Demo(Demo),
    /// Run the daemon
    Serve(Serve),
    /// Create, change and list societies
    #[command(subcommand)]
    Society(Society),
    /// FIT installations
    #[command(subcommand)]
    Installation(List),
    /// Roofs, what they brought in and what was lost
    #[command(subcommand)]
    Site(Site),
    /// Meters, and their dated events
    #[command(subcommand)]
    Meter(Meter),
    /// Register reads
    #[command(subcommand)]
    Reads(Reads),
    /// What arrived and does not count
    #[command(subcommand)]
    Messages(Messages),
    /// Energy by half hour, day, month or year, with quality
    Energy(Energy),
    /// Reports
    #[command(subcommand)]
    Report(Report),
    /// What an installation is paid on a day
    Rate(Rate),
    /// Claims under the Feed-in Tariff, from register reads
    #[command(subcommand)]
    Claim(Claim),
    /// Bills to hosts for power used on site, and to buyers for export
    #[command(subcommand)]
    Bill(Bill),
    /// The books: chart, entries, trial balance, downloads
    #[command(subcommand)]
    Accounts(Accounts),
    /// Payments: licensees' statements and the bank's files
    #[command(subcommand)]
    Bank(Bank),
    /// Dated tables: published rates, indices, prices and factors
    #[command(subcommand)]
    Table(Table),
    /// The roll: who is a member
    #[command(subcommand)]
    Members(Members),
    /// Shares: who holds what, and every movement
    #[command(subcommand)]
    Shares(Shares),
    /// The register of members that the law asks for
    Register(Register),
    /// The interest run: what members' shares earned, prepared, approved by another, frozen
    #[command(subcommand)]
    Interest(Interest),
    /// Paying members: an order prepared, approved by another, released once, followed up
    #[command(subcommand)]
    Payments(Payments),
    /// The year's papers: HMRC's list, tax deducted, the year-end pack
    #[command(subcommand)]
    Papers(Papers),
    /// One statement a member of a frozen interest run, with an index
    Statements(Statements),
    /// Twenty years ahead from a file of inputs: income, costs, interest, capital, fund
    Projection {
        /// The inputs (TOML); config/projections shows two
        file: PathBuf,
    },
    /// Costs of roofs and of the society, until the books carry them
    #[command(subcommand)]
    Cost(CostCommand),
    /// Planned outages of roofs
    #[command(subcommand)]
    Outage(OutageCommand),
    /// Draft the licensee's notice, with closing reads and what can end an accreditation
    #[command(subcommand)]
    Notice(NoticeCommand),
    /// Deadlines with their owners and what shows that they were met
    #[command(subcommand)]
    Tasks(Tasks),
    /// Ballots: members decide, residents are asked, a fund is shared out
    #[command(subcommand)]
    Ballot(Ballots),
    /// A council's stake: what it put in and what came of it
    #[command(subcommand)]
    Council(Council),
    /// Outcomes: what is wanted, with whom, what was proposed and delivered
    #[command(subcommand)]
    Outcome(Outcomes),
    /// The community fund: its income by rule, grants and their conditions
    #[command(subcommand)]
    Fund(Funds),
    /// Residents' own projects: proposals, people and hours, places lent, what happened
    #[command(subcommand)]
    Project(Projects),
    /// Closing a roof: final reads, last claim and bill, disposal, the letter to the licensee
    #[command(subcommand)]
    Closing(Closings),
    /// What needs a person, who was told, and what is being done
    #[command(subcommand)]
    Alerts(Alerts),
    /// Gateways and their tokens
    #[command(subcommand)]
    Gateway(Gateway),
    /// Messages of devices that nobody has entered
    #[command(subcommand)]
    Inbox(Inbox),
    /// Mappings: how devices that speak their own dialect are read
    #[command(subcommand)]
    Map(Map),
    /// The mirror: a server that speaks the API of InfluxDB 2
    #[command(subcommand)]
    Influx(Influx),
    /// Users: who may decide, and their second factor
    #[command(subcommand)]
    User(User),
    /// Imported files: the roll, its history, opening balances, and any row of them
    #[command(subcommand)]
    Imports(Imports),
    /// The sealing key: on paper, put in again, and what it opens
    #[command(subcommand)]
    Keys(Keys),
    /// Check that nothing was changed: the journal's hashes, and the projections against it
    Verify(Verify),
    /// Make the projections again from the journal
    Rebuild(SocietyChoice),
    /// The journal's size and root hash
    Head(SocietyChoice),
    /// Copy everything to another folder, while running, and check the copy
    Backup(Backup),
    /// Check the configuration file
    #[command(subcommand)]
    Config(Config),
}

/// `user …`
#[derive(Clone, Debug, Subcommand)]
pub enum User {
    /// List users, their roles and tokens
    List,
    /// Make a user and print the one-time code with which they choose a password
    Add {
        /// The user's id: a to z, 0 to 9 and `-`
        user: String,
        /// Treasurer, secretary, approver, steward, auditor, administrator or council
        #[arg(long, required_unless_present = "member")]
        role: Vec<identity::Role>,
        /// A member instead of an officer, who sees what is theirs: SOCIETY/NUMBER, as bes1/42
        #[arg(long, conflicts_with_all = ["role", "society"], value_name = "SOCIETY/NUMBER")]
        member: Option<MemberOf>,
        /// The society the roles hold in; every one when left out
        #[arg(long)]
        society: Option<String>,
    },
    /// Print a new one-time code, for an invitation that ran out or a reset another officer asked for
    Invite {
        /// The user's id
        user: String,
    },
    /// Choose a password and a second factor, with the one-time code
    SetUp {
        /// The user's id
        user: String,
    },
    /// Give and take roles
    Role {
        /// The user's id
        user: String,
        /// A role to give
        #[arg(long)]
        give: Vec<identity::Role>,
        /// A role to take
        #[arg(long)]
        take: Vec<identity::Role>,
        /// The society they hold in; every one when left out
        #[arg(long)]
        society: Option<String>,
    },
    /// Vouch that a user lost password or second factor; another officer then invites again
    Reset {
        /// The user's id
        user: String,
        /// What happened
        #[arg(long)]
        reason: String,
    },
    /// Believe a user no more
    Disable {
        /// The user's id
        user: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Make a token for a program that acts as you, or that only reads (docs/api.md)
    Token {
        /// Your user id
        user: String,
        /// What it is for
        #[arg(long)]
        label: String,
        /// How many days it lives
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// It only reads, through /api/v1, what you may see
        #[arg(long)]
        read_only: bool,
        /// Only this society
        #[arg(long, requires = "read_only")]
        society: Option<String>,
        /// Only this roof of it
        #[arg(long, requires = "society")]
        site: Option<String>,
        /// Energy in no finer steps than these
        #[arg(long, value_enum, requires = "read_only")]
        step: Option<By>,
    },
    /// End a token
    EndToken {
        /// The user's id
        user: String,
        /// What it was for
        #[arg(long)]
        label: String,
    },
}

/// A member as typed: `bes1/42`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberOf {
    /// The society.
    pub society: String,
    /// The member's number there.
    pub number: u32,
}

impl std::str::FromStr for MemberOf {
    type Err = String;

    fn from_str(text: &str) -> Result<MemberOf, String> {
        let parts = text.split_once('/');
        let member = parts.and_then(|(society, number)| {
            Some(MemberOf {
                society: society.to_owned(),
                number: number.parse().ok()?,
            })
        });
        member.ok_or_else(|| format!("`{text}` is no member; expected SOCIETY/NUMBER, as bes1/42"))
    }
}

/// `demo`
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// Address of the pages
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub http: String,
    /// Address of the MQTT endpoint
    #[arg(long, default_value = "127.0.0.1:1883")]
    pub mqtt: String,
    /// How many times faster than the world the roofs' clock runs (1 to 86400)
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub speed: u32,
}

/// `inbox …`
#[derive(Clone, Debug, Subcommand)]
pub enum Inbox {
    /// List the topics that wait, with what could read them
    List,
    /// Show the last message of a topic and what could be made of it
    Show {
        /// The topic
        topic: String,
    },
    /// Enter the device of a topic; what the inbox holds of it goes into the journal
    Adopt(Adopt),
    /// Drop a topic, or all that an MQTT filter takes, and keep nothing of it from now on
    Dismiss {
        /// The topic or filter
        topic: String,
    },
}

/// `inbox adopt`
#[derive(Clone, Debug, Args)]
pub struct Adopt {
    /// The topic
    pub topic: String,
    /// Id of the entry to make; the device's MQTT user name
    #[arg(long, value_name = "ID")]
    pub gateway: String,
    /// The society; may be left out when there is only one
    #[arg(long)]
    pub society: Option<String>,
    /// The roof it hangs on
    #[arg(long, default_value = "")]
    pub site: String,
    /// The mapping by name, or a file of your own ending in .toml; without it the proposed one
    #[arg(long, default_value = "")]
    pub mapping: String,
    /// MQTT filter of the device's topics; without it those of this device
    #[arg(long, default_value = "")]
    pub topics: String,
    /// What the mapping calls a meter, and the meter's serial: NAME=SERIAL
    #[arg(long = "meter", value_name = "NAME=SERIAL")]
    pub meters: Vec<String>,
    /// The device is wired the other way round: import and export change places
    #[arg(long)]
    pub reversed: bool,
}

/// `map …`
#[derive(Clone, Debug, Subcommand)]
pub enum Map {
    /// List the mappings that come with the program
    List,
    /// Show what a mapping makes of a captured message
    Test {
        /// The topic it was published on
        #[arg(long)]
        topic: String,
        /// A file with its payload
        #[arg(long, value_name = "FILE")]
        payload: PathBuf,
        /// A mapping by name, or a file of your own ending in .toml; without it all that know the topic
        #[arg(long)]
        mapping: Option<String>,
        /// When it came (RFC 3339); without it now
        #[arg(long, value_name = "TIME")]
        received: Option<String>,
        /// Zone of local times
        #[arg(long, default_value = "Europe/London")]
        zone: String,
        /// It comes from a broker's memory
        #[arg(long)]
        retained: bool,
    },
    /// Read a device by this mapping from now on
    Apply {
        /// The mapping (TOML), or the name of one that comes with the program
        mapping: String,
        /// The gateway entry of the device
        #[arg(long, value_name = "ID")]
        gateway: String,
        /// What the device publishes, for an entry that does not name this mapping yet
        #[arg(long, value_name = "FILTER")]
        topics: Option<String>,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
}

/// `serve`
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Configuration file; without it every key has its default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `society …`
#[derive(Clone, Debug, Subcommand)]
pub enum Society {
    /// Create or change a society from its file; a second run changes nothing
    Apply {
        /// The society file (TOML)
        file: PathBuf,
        /// Show the differences and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// List the societies
    List,
}

/// `… list`
#[derive(Clone, Debug, Subcommand)]
pub enum List {
    /// List them
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
}

/// `meter …`
#[derive(Clone, Debug, Subcommand)]
pub enum Meter {
    /// List the meters
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// A meter was replaced by another
    Exchange {
        /// The event
        #[command(flatten)]
        event: MeterEvent,
        /// Serial of the new meter (it must be in the society file)
        #[arg(long, value_name = "SERIAL")]
        next_meter: String,
    },
    /// A meter's register was set back
    Reset {
        /// The event
        #[command(flatten)]
        event: MeterEvent,
    },
    /// A register passed its last digit and began at zero again
    Rollover {
        /// Serial of the meter
        #[arg(long)]
        meter: String,
        /// Register code
        #[arg(long, default_value = "2.8.0")]
        register: String,
        /// When it passed zero, between the last high read and the first low one
        #[arg(long, value_name = "TIME")]
        at: String,
        /// Why, in a few words
        #[arg(long, default_value = "register passed its last digit")]
        reason: String,
        /// Zone of a time without offset
        #[arg(long)]
        zone: Option<String>,
    },
}

/// What every meter event says.
#[derive(Clone, Debug, Args)]
pub struct MeterEvent {
    /// Serial of the meter
    #[arg(long)]
    pub meter: String,
    /// Register code
    #[arg(long, default_value = "2.8.0")]
    pub register: String,
    /// When the old register was last read
    #[arg(long, value_name = "TIME")]
    pub closed_at: String,
    /// What it showed then, kWh
    #[arg(long, value_name = "KWH")]
    pub closing: String,
    /// When counting began again; the same time as the closing when left out
    #[arg(long, value_name = "TIME")]
    pub opened_at: Option<String>,
    /// What the register showed then, kWh
    #[arg(long, value_name = "KWH")]
    pub opening: String,
    /// Why, in a few words
    #[arg(long)]
    pub reason: String,
    /// Zone of times without offset
    #[arg(long)]
    pub zone: Option<String>,
}

/// `reads …`
#[derive(Clone, Debug, Subcommand)]
pub enum Reads {
    /// Import register reads, interval energy, day rows or monthly totals from a CSV file
    ///
    /// Register reads have the columns `meter,register,time,value,unit,source`. `unit` is Wh or kWh.
    /// `source` is `manual` for a read by a person from the dial, and `telemetry`, `import` or nothing
    /// for a device's. Lines that cannot be read or placed are refused by number and not kept; then
    /// the exit code is 1, and the other lines stand.
    Import {
        /// The file
        file: PathBuf,
        /// A saved mapping: its name in config/mappings, or a file
        #[arg(long)]
        mapping: Option<String>,
        /// The society, when there is more than one
        #[arg(long)]
        society: Option<String>,
        /// Zone of times without offset
        #[arg(long)]
        zone: Option<String>,
        /// Show what the first rows become and what all would be judged, and import nothing
        #[arg(long)]
        preview: bool,
    },
    /// List reads with quality and verdict
    List {
        /// Serial of the meter; every meter of the society when left out, with --held only
        #[arg(long, required_unless_present = "held")]
        meter: Option<String>,
        /// Register code; all of the meter's when left out
        #[arg(long, requires = "meter")]
        register: Option<String>,
        /// First day
        #[arg(long)]
        from: Option<String>,
        /// Last day, included
        #[arg(long)]
        to: Option<String>,
        /// Only those that are held for a person
        #[arg(long)]
        held: bool,
        /// The society, when there is more than one
        #[arg(long)]
        society: Option<String>,
    },
    /// Take a read from the dial, with its photo; held against telemetry and a portal
    Take(Take),
    /// List the reads that were taken from dials
    Taken {
        /// Serial of the meter; all when left out
        #[arg(long)]
        meter: Option<String>,
        /// Only those whose figure waits for an officer
        #[arg(long)]
        waiting: bool,
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// A second person looked at the dial or its photo and saw this
    Confirm {
        /// The read
        #[command(flatten)]
        which: Which,
        /// What you see, kWh
        #[arg(long, value_name = "KWH")]
        value: String,
    },
    /// Choose the figure that counts, where the dial differs from telemetry or the portal
    Agree {
        /// The read
        #[command(flatten)]
        which: Which,
        /// Which figure
        #[arg(value_enum)]
        figure: Figure,
        /// The figure, kWh, for `other`
        #[arg(long, value_name = "KWH")]
        value: Option<String>,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
    },
    /// Decide about a held read
    Decide {
        /// Serial of the meter
        #[arg(long)]
        meter: String,
        /// Register code
        #[arg(long, default_value = "2.8.0")]
        register: String,
        /// The read's time
        #[arg(long, value_name = "TIME")]
        at: String,
        /// The read's value as it is listed, kWh
        #[arg(long, value_name = "KWH")]
        value: String,
        /// What to do
        #[arg(value_enum)]
        action: ReadAction,
        /// The value that takes its place, kWh
        #[arg(long, value_name = "KWH")]
        correct_to: Option<String>,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
    },
}

/// What to do with a held read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReadAction {
    /// It stands.
    Accept,
    /// It never counts.
    Refuse,
    /// Another value takes its place.
    Correct,
}

/// `energy`
#[derive(Clone, Debug, Args)]
pub struct Energy {
    /// Whose energy
    #[command(flatten)]
    pub of: EnergyOf,
    /// The society of the meter point or site, when there is more than one
    #[arg(long)]
    pub in_society: Option<String>,
    /// First day
    #[arg(long)]
    pub from: String,
    /// Last day, included
    #[arg(long)]
    pub to: String,
    /// One row a …
    #[arg(long, value_enum, default_value_t = By::Day)]
    pub by: By,
    /// What is counted
    #[arg(long, value_enum, default_value_t = Counts::Generation)]
    pub counts: Counts,
}

/// Whose energy.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct EnergyOf {
    /// A meter point
    #[arg(long)]
    pub meter_point: Option<String>,
    /// A roof
    #[arg(long)]
    pub site: Option<String>,
    /// A whole society
    #[arg(long)]
    pub society: Option<String>,
}

/// Granularity of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Settlement periods: local half hours.
    Period,
    /// Local days.
    Day,
    /// Calendar months.
    Month,
    /// Calendar years.
    Year,
}

/// What a meter point counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Counts {
    /// What the arrays made.
    Generation,
    /// What left the site.
    Export,
    /// What the site took in.
    Import,
}

/// `report …`
#[derive(Clone, Debug, Subcommand)]
pub enum Report {
    /// Generation against forecast, in the Brixton style
    Generation {
        /// The society
        #[arg(long)]
        society: String,
        /// One roof only
        #[arg(long)]
        site: Option<String>,
        /// A year (2013), a month (2013-06), a day, or A..B with both ends included
        #[arg(long)]
        period: String,
        /// How to write it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Use the forecast as it stood on this day; when left out, on the period's last day or today
        #[arg(long, value_name = "DATE")]
        as_of: Option<String>,
        /// Write it to this file instead of stdout
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Plain text.
    Text,
    /// A page that stands alone.
    Html,
    /// The chart.
    Svg,
    /// The table.
    Csv,
    /// The table as a workbook.
    Xlsx,
    /// A typeset sheet.
    Pdf,
    /// For programs.
    Json,
}

/// `gateway …`
#[derive(Clone, Debug, Subcommand)]
pub enum Gateway {
    /// Make a token for a gateway; it is shown once
    Token {
        /// The gateway's id in its society's file
        gateway: String,
    },
    /// Make a one-time code with which a gateway enrols its key; worth something for 15 minutes
    ///
    /// The gateway's older keys end when the new one is enrolled: what they signed and was made until
    /// then still counts when it comes.
    Enrol {
        /// The gateway's id in its society's file
        gateway: String,
        /// The older keys ended then already: a date (local to the society) or a time
        #[arg(long, value_name = "TIME")]
        old_keys_until: Option<String>,
    },
    /// Print the ACL file that keeps gateways apart at an outside broker (Mosquitto)
    Acl {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
        /// The daemon's user name at the broker
        #[arg(long, default_value = "commonwatt")]
        daemon: String,
    },
    /// A gateway may show this client certificate instead of a token
    Certificate {
        /// The gateway's id in its society's file
        gateway: String,
        /// The certificate (PEM)
        file: PathBuf,
    },
    /// A gateway's token, certificate and keys are no longer believed, at once
    Revoke {
        /// The gateway's id
        gateway: String,
        /// What reached us from then on is not believed: a date (local to the society) or a time
        #[arg(long)]
        from: Option<String>,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
    },
    /// List the gateways
    List {
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
}

/// A society, or all of them.
#[derive(Clone, Debug, Args)]
pub struct SocietyChoice {
    /// The society; all of them when left out
    #[arg(long)]
    pub society: Option<String>,
}

/// `verify`
#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// The society; all of them when left out
    #[arg(long)]
    pub society: Option<String>,
    /// A head kept elsewhere, as `head --output json` printed it: the journal must extend it
    #[arg(long, value_name = "FILE")]
    pub head: Option<PathBuf>,
    /// The journal only, without making the projections again for comparison
    #[arg(long)]
    pub journal_only: bool,
}

/// `backup`
#[derive(Clone, Debug, Args)]
pub struct Backup {
    /// A folder that does not exist yet
    pub dest: PathBuf,
    /// The society; all of them when left out
    #[arg(long)]
    pub society: Option<String>,
}

/// `config …`
#[derive(Clone, Debug, Subcommand)]
pub enum Config {
    /// Check a configuration file and print what is in force
    Check {
        /// The file
        file: PathBuf,
    },
}
