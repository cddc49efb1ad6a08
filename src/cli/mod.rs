//! The command line: what is typed goes to the daemon that holds the folder, or is done here.
//!
//! A file a command. Commands parse, call one use case of the office and print; data goes to stdout,
//! words to stderr. Exit code 0 done, 1 the caller's problem, 2 ours.

mod accounts;
mod alerts;
pub mod args;
mod ballot;
mod bank;
mod bill;
mod books;
mod cases;
mod claim;
mod closing;
mod community;
mod cost;
mod council;
mod dials;
mod energy;
mod evidence;
mod gateway;
mod imports;
mod inbox;
mod influx;
mod interest;
mod keys;
mod lists;
mod map;
mod members;
mod messages;
mod meter;
mod outage;
mod paper;
mod papers;
mod payments;
pub mod policy;
mod projection;
mod rate;
mod reads;
mod report;
mod shares;
mod site;
mod society;
pub mod socket;
mod statements;
mod table;
mod tasks;
mod user;
pub mod voice;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Parser;
use domain::calendar::{Instant, Zone};
use serde::Serialize;

use self::{
    args::{Cli, Command, Output},
    policy::Need,
    socket::{Files, Request},
    voice::{Terminal, Voice},
};
use crate::clock::Clock;
use config::Config;
use office::{
    Answer, Office, Refusal, SocietyOffice,
    answer::refuse,
    blobs::Given,
    doors::{Shown, Whence},
};

/// What a command works with.
pub struct Desk<'a> {
    /// What was typed.
    pub cli: &'a Cli,
    /// Files it names, by the path as typed.
    pub files: &'a Files,
    /// Folder in which relative paths are meant.
    pub folder: &'a Path,
    /// The open data folder.
    pub office: &'a Office,
    /// What time it is.
    pub now: Instant,
    /// Where it speaks.
    pub voice: &'a mut dyn Voice,
}

/// Reads what was typed; help and mistakes are printed, and the exit code returned.
///
/// # Errors
/// The exit code when there is nothing to do.
pub fn parse() -> Result<Cli, u8> {
    Cli::try_parse().map_err(|error| {
        let _ = error.print();
        u8::from(error.use_stderr())
    })
}

/// Does a command here or through the daemon that holds the folder.
#[must_use]
pub fn run(cli: &Cli) -> u8 {
    match here_or_there(cli) {
        Ok(code) => code,
        Err(refusal) => {
            Terminal::default().say(&format!("error: {refusal}"));
            code_of(&refusal)
        }
    }
}

fn here_or_there(cli: &Cli) -> Answer<u8> {
    if let Command::Map(command @ (args::Map::List | args::Map::Test { .. })) = &cli.command {
        let mut terminal = Terminal::default();
        return map::alone(cli, command, Clock::system().now(), &mut terminal).map(|()| 0);
    }
    if let Command::Projection { file } = &cli.command {
        return projection::alone(cli, file, &mut Terminal::default()).map(|()| 0);
    }
    if let Command::Config(args::Config::Check { file }) = &cli.command {
        let config = Config::load(file).map_err(|e| Refusal::Caller(e.to_string()))?;
        let shown = match cli.output {
            args::Output::Json => format!("{:#}\n", serde_json::json!(config)),
            args::Output::Text => config.as_file(),
        };
        Terminal::default().data(&shown);
        return Ok(0);
    }
    let files = files_of(cli)?;
    let data = cli.data.clone().unwrap_or_else(|| PathBuf::from("./data"));
    let folder = std::env::current_dir()
        .map_err(|e| Refusal::Ours(format!("the current folder cannot be read: {e}")))?;
    let socket = office::Folder::at(&data).socket();
    if socket.exists() {
        let request = Request {
            argv: std::env::args().skip(1).collect(),
            folder: folder.clone(),
            files: files
                .iter()
                .map(|(path, bytes)| (path.clone(), bytes.len() as u64))
                .collect(),
        };
        match socket::ask(&socket, &request, &files) {
            Ok(code) => return Ok(code),
            // A socket that nobody listens on was left behind by a daemon that was killed.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
                ) => {}
            Err(error) => return Err(Refusal::Ours(format!("the daemon broke off: {error}"))),
        }
    }
    if !data.exists() && !founds(&cli.command) {
        return refuse(format!(
            "`{}` does not exist\nhint: name the data folder with --data, or make one with `commonwatt society apply FILE.toml`",
            data.display()
        ));
    }
    let now = Clock::system().now();
    if let Command::Rebuild(choice) = &cli.command {
        // A projection that cannot even be opened is made again like any other.
        office::Folder::at(&data).forget_projections(choice.society.as_deref())?;
    }
    let office = Office::open_alone(&data, now)?;
    let mut terminal = Terminal::default();
    let outcome = execute(&mut Desk {
        cli,
        files: &files,
        folder: &folder,
        office: &office,
        now,
        voice: &mut terminal,
    });
    office.close();
    outcome.map(|()| 0)
}

/// Does a request that came over the socket.
pub fn serve(
    request: &Request,
    files: &Files,
    office: &Office,
    now: Instant,
    voice: &mut dyn Voice,
) -> u8 {
    let argv = std::iter::once("commonwatt".to_owned()).chain(request.argv.iter().cloned());
    let outcome = match Cli::try_parse_from(argv) {
        Err(error) => refuse(error.to_string()),
        Ok(cli) => execute(&mut Desk {
            cli: &cli,
            files,
            folder: &request.folder,
            office,
            now,
            voice,
        }),
    };
    match outcome {
        Ok(()) => 0,
        Err(refusal) => {
            voice.say(&format!("error: {refusal}"));
            code_of(&refusal)
        }
    }
}

fn code_of(refusal: &Refusal) -> u8 {
    match refusal {
        Refusal::Caller(_) => 1,
        Refusal::Ours(_) => 2,
    }
}

fn execute(desk: &mut Desk<'_>) -> Answer<()> {
    admit(desk)?;
    match desk.cli.command.clone() {
        Command::Society(command) => society::run(desk, &command),
        Command::Installation(args::List::List { society }) => {
            lists::installations(desk, society.as_deref())
        }
        Command::Site(command) => site::run(desk, &command),
        Command::Meter(command) => meter::run(desk, &command),
        Command::Reads(command) => reads::run(desk, &command),
        Command::Messages(command) => messages::run(desk, &command),
        Command::Energy(command) => energy::run(desk, &command),
        Command::Report(command) => report::run(desk, &command),
        Command::Rate(command) => rate::run(desk, &command),
        Command::Claim(command) => claim::run(desk, &command),
        Command::Bill(command) => bill::run(desk, &command),
        Command::Accounts(command) => accounts::run(desk, &command),
        Command::Bank(command) => bank::run(desk, &command),
        Command::Table(command) => table::run(desk, &command),
        Command::Interest(command) => interest::run(desk, &command),
        Command::Payments(command) => payments::run(desk, &command),
        Command::Papers(command) => papers::run(desk, &command),
        Command::Statements(command) => statements::run(desk, &command),
        Command::Cost(command) => cost::run(desk, &command),
        Command::Outage(command) => outage::run(desk, &command),
        Command::Notice(command) => outage::notice(desk, &command),
        Command::Tasks(command) => tasks::run(desk, &command),
        Command::Ballot(command) => ballot::run(desk, &command),
        Command::Council(command) => council::run(desk, &command),
        Command::Outcome(command) => council::outcomes(desk, &command),
        Command::Fund(command) => community::fund(desk, &command),
        Command::Project(command) => community::project(desk, &command),
        Command::Closing(command) => closing::run(desk, &command),
        Command::Alerts(command) => alerts::run(desk, &command),
        Command::Gateway(command) => gateway::run(desk, &command),
        Command::Inbox(command) => inbox::run(desk, &command),
        Command::Map(command) => map::run(desk, &command),
        Command::Members(command) => members::run(desk, &command),
        Command::Shares(command) => shares::run(desk, &command),
        Command::Register(command) => shares::register(desk, &command),
        Command::Influx(command) => influx::run(desk, &command),
        Command::User(command) => user::run(desk, &command),
        Command::Imports(command) => imports::run(desk, &command),
        Command::Keys(command) => keys::run(desk, &command),
        Command::Verify(command) => evidence::verify(desk, &command),
        Command::Rebuild(command) => evidence::rebuild(desk, &command),
        Command::Head(command) => evidence::head(desk, &command),
        Command::Backup(command) => evidence::backup(desk, &command),
        Command::Config(_) | Command::Projection { .. } | Command::Demo(_) | Command::Serve(_) => {
            refuse("this command does not go through a daemon")
        }
    }
}

/// Whether the one who says it may: nothing decides without a right once the node has a user.
fn admit(desk: &mut Desk<'_>) -> Answer<()> {
    let need = policy::need(&desk.cli.command);
    if need == Need::Nothing || !desk.office.has_users() {
        return Ok(());
    }
    let Some(id) = desk.cli.officer.clone() else {
        return refuse(
            "this needs a user who may decide it\nhint: say --as USER; `commonwatt user list` shows them",
        );
    };
    if need == Need::Own
        && let Command::User(args::User::Token { user, .. }) = &desk.cli.command
        && *user != id
    {
        return refuse(format!("only `{user}` makes tokens for `{user}`"));
    }
    let shown = match &desk.cli.token_file {
        Some(file) => Shown::Token(desk.text(file)?),
        None => Shown::Password {
            password: desk.voice.ask(&format!("password of {id}"), true)?,
            code: desk
                .voice
                .ask("code of the moment, or a recovery code", false)?,
        },
    };
    desk.office
        .believe(&id, &shown, Whence::Machine, people_now())?;
    match need {
        Need::Right(right) => desk.office.check_right_anywhere(&id, right),
        _ => Ok(()),
    }
}

/// The time that telephones keep, also where the house runs on a faster one.
fn people_now() -> Instant {
    Clock::system().now()
}

/// Commands that may make a data folder.
fn founds(command: &Command) -> bool {
    matches!(command, Command::Society(args::Society::Apply { .. }))
}

fn files_of(cli: &Cli) -> Answer<Files> {
    let mut names: Vec<&PathBuf> = cli.token_file.iter().collect();
    let mapping;
    let own;
    match &cli.command {
        Command::Society(args::Society::Apply { file, .. })
        | Command::Gateway(args::Gateway::Certificate { file, .. }) => {
            names.push(file);
        }
        Command::Reads(args::Reads::Import {
            file,
            mapping: named,
            ..
        }) => {
            names.push(file);
            mapping = named
                .as_ref()
                .filter(|name| reads::is_file(name))
                .map(PathBuf::from);
            names.extend(mapping.as_ref());
        }
        Command::Map(args::Map::Apply { mapping: named, .. })
        | Command::Inbox(args::Inbox::Adopt(args::Adopt { mapping: named, .. })) => {
            mapping = Some(named)
                .filter(|name| reads::is_file(name))
                .map(PathBuf::from);
            names.extend(mapping.as_ref());
        }
        Command::Reads(args::Reads::Take(take)) => names.extend(&take.photo),
        Command::Tasks(args::Tasks::Done { file, .. }) => names.extend(file),
        Command::Site(args::Site::Irradiance(args::Light::Import { file, .. })) => names.push(file),
        Command::Ballot(args::Ballots::Call { file, list, .. }) => {
            names.push(file);
            names.extend(list);
        }
        Command::Council(args::Council::Enter { file, .. })
        | Command::Outcome(args::Outcomes::Enter { file, .. })
        | Command::Fund(args::Funds::Enter { file, .. })
        | Command::Project(args::Projects::Enter { file, .. })
        | Command::Closing(args::Closings::Enter { file, .. }) => names.push(file),
        Command::Cost(args::CostCommand::Add(add)) => names.extend(&add.file),
        Command::Accounts(command) => names.extend(accounts::files(command)),
        Command::Payments(command) => {
            own = payments::files(command);
            names.extend(&own);
        }
        Command::Claim(args::Claim::Reconcile {
            file,
            mapping: named,
            ..
        }) => {
            names.extend(file);
            mapping = named
                .as_ref()
                .filter(|name| reads::is_file(name))
                .map(PathBuf::from);
            names.extend(mapping.as_ref());
        }
        Command::Bank(args::Bank::Import {
            file,
            mapping: named,
            ..
        }) => {
            names.push(file);
            mapping = Some(named)
                .filter(|name| reads::is_file(name))
                .map(PathBuf::from);
            names.extend(mapping.as_ref());
        }
        Command::Table(args::Table::Extend {
            file: Some(file), ..
        }) => names.push(file),
        Command::Members(args::Members::Import(args::RollImport { file, .. }))
        | Command::Members(args::Members::Bank(args::MemberBank { file, .. }))
        | Command::Shares(args::Shares::Import(args::RollImport { file, .. })) => names.push(file),
        Command::Members(args::Members::Case(args::Cases::Document {
            file: Some(file), ..
        })) => names.push(file),
        Command::Members(args::Members::ModulusTable {
            file,
            substitutions,
        }) => {
            names.push(file);
            names.extend(substitutions.as_ref());
        }
        Command::Verify(args::Verify {
            head: Some(file), ..
        }) => names.push(file),
        _ => {}
    }
    let mut files = Files::new();
    for name in names {
        let bytes =
            fs::read(name).map_err(|e| Refusal::Caller(format!("`{}`: {e}", name.display())))?;
        files.insert(name.clone(), bytes);
    }
    Ok(files)
}

impl Desk<'_> {
    /// The text of a file that was typed.
    fn text(&self, path: &Path) -> Answer<String> {
        let bytes = self
            .files
            .get(path)
            .ok_or_else(|| Refusal::Caller(format!("`{}` was not sent along", path.display())))?;
        String::from_utf8(bytes.clone())
            .map_err(|_| Refusal::Caller(format!("`{}` is not UTF-8 text", path.display())))
    }

    /// A file that may have been typed, with its name.
    fn maybe_given(&self, path: Option<&Path>) -> Answer<Option<Given>> {
        path.map(|path| self.given(path)).transpose()
    }

    /// True when one JSON document is wanted.
    fn json(&self) -> bool {
        self.cli.output == Output::Json
    }

    /// Prints one JSON document.
    fn document(&mut self, value: &impl Serialize) -> Answer<()> {
        let text = serde_json::to_string_pretty(value).map_err(|e| Refusal::Ours(e.to_string()))?;
        self.voice.data(&format!("{text}\n"));
        Ok(())
    }

    /// Prints a table for people, or the lines as JSON.
    fn table<T: Serialize>(
        &mut self,
        head: &[&str],
        lines: &[T],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Answer<()> {
        if self.json() {
            return self.document(&lines);
        }
        let mut table = comfy_table::Table::new();
        table
            .load_preset(comfy_table::presets::NOTHING)
            .set_header(head);
        for line in lines {
            table.add_row(row(line));
        }
        self.voice.data(&format!("{table}\n"));
        Ok(())
    }

    /// The society that is named, or the only one there is, for somebody who may do this there.
    fn society(&self, named: Option<&str>) -> Answer<Arc<SocietyOffice>> {
        let society = self.office.society_or_only(named)?;
        self.check(&society)?;
        Ok(society)
    }

    /// Whether the one who acts may do this in this society.
    fn check(&self, society: &SocietyOffice) -> Answer<()> {
        match (policy::need(&self.cli.command), &self.cli.officer) {
            (Need::Right(right), Some(user)) if self.office.has_users() => {
                self.office.check_right(user, right, society.slug())
            }
            _ => Ok(()),
        }
    }

    /// Who acts on the node as a whole.
    fn by_node(&self) -> String {
        let officer = self.cli.officer.clone();
        officer.unwrap_or_else(|| "owner".to_owned())
    }

    /// Who acts on a society: a user with the right, an officer it knows where the node has no users
    /// yet, or the owner of the folder.
    fn by(&self, society: &SocietyOffice) -> Answer<String> {
        let Some(officer) = &self.cli.officer else {
            return Ok("owner".to_owned());
        };
        if self.office.has_users() {
            self.check(society)?;
            return Ok(officer.clone());
        }
        let known = society.known();
        if known.document.officer.iter().any(|o| &o.id == officer) {
            return Ok(officer.clone());
        }
        let names: Vec<&str> = known
            .document
            .officer
            .iter()
            .map(|o| o.id.as_str())
            .collect();
        refuse(format!(
            "officer `{officer}` is not in the society file; it has: {}",
            names.join(", ")
        ))
    }

    /// The officer who acts, where a decision has to have one.
    fn officer(&self, society: &SocietyOffice, what: &str) -> Answer<String> {
        if self.cli.officer.is_some() {
            return self.by(society);
        }
        let known = society.known();
        let names: Vec<&str> = known
            .document
            .officer
            .iter()
            .map(|o| o.id.as_str())
            .collect();
        let hint = match names.as_slice() {
            [] => "name one under [[officer]] in the society file, apply it, and say --as OFFICER"
                .to_owned(),
            names => format!(
                "say --as OFFICER; the society file has: {}",
                names.join(", ")
            ),
        };
        refuse(format!("{what} needs its author\nhint: {hint}"))
    }

    /// The officer who decides about money: one whose role is treasurer.
    fn treasurer(&self, society: &SocietyOffice, what: &str) -> Answer<String> {
        let by = self.officer(society, what)?;
        if self.office.has_users() {
            return Ok(by);
        }
        let known = society.known();
        let own = known.document.officer.iter().find(|o| o.id == by);
        match own.map(|officer| officer.role.as_str()) {
            Some("treasurer") => Ok(by),
            role => refuse(format!(
                "{what} is the treasurer's; `{by}` is {}\nhint: the society file says who is treasurer: [[officer]] role = \"treasurer\"",
                role.unwrap_or("no officer")
            )),
        }
    }

    /// A statement's mapping as it is named: one that comes with the program, or a file.
    fn statement_mapping(&self, name: &str) -> Answer<office::statement::StatementMapping> {
        let text = match reads::is_file(name) {
            true => Some(self.text(Path::new(name))?),
            false => None,
        };
        office::statement::StatementMapping::read(name, text.as_deref())
    }

    /// A file that was typed, with its name.
    fn given(&self, path: &Path) -> Answer<office::blobs::Given> {
        let bytes = self
            .files
            .get(path)
            .ok_or_else(|| Refusal::Caller(format!("`{}` was not sent along", path.display())))?;
        let name = path.file_name().unwrap_or_default();
        Ok(office::blobs::Given {
            name: name.to_string_lossy().into_owned(),
            bytes: bytes.clone(),
        })
    }

    /// Says what the dated tables of a society lack at this time of the year.
    fn remind(&mut self, society: &SocietyOffice) -> Answer<()> {
        for asked in society.asked_for(self.now)? {
            self.voice
                .say(&format!("asked for, {}: {asked}", society.slug()));
        }
        Ok(())
    }

    /// An instant as it is typed: with an offset, or local with the zone named or the society's own.
    fn instant(&self, text: &str, zone: Option<&str>, society: &SocietyOffice) -> Answer<Instant> {
        let caller = |e: domain::calendar::CalendarError| Refusal::Caller(e.to_string());
        match zone {
            Some(name) => Zone::named(name)
                .map_err(caller)?
                .instant_of_text(text)
                .map_err(caller),
            None => society.known().zone.instant_of_text(text).map_err(caller),
        }
    }
}
